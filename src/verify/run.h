/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_RUN_H
#define ASSAY_RUN_H

/* What every verifier does the same way: signatures through the cache, dates on both sides, the
 * expected report data, lists of platforms. */

#include "core/checks.h"
#include "verify/cache.h"
#include "verify/tee.h"
#include "verify/trust.h"

struct run {
	const struct assay_appraisal *how;
	const struct assay_trust *trust;
	struct assay_checks *checks;
	struct assay_claims *claims;
	const struct assay_trust *brought; /* collateral that came along; NULL: none */
	int64_t expires;                   /* the earliest end so far */
	const char *expires_what;          /* static */
};

void assay_run_start(struct run *run, const struct assay_appraisal *how,
    struct assay_checks *checks, struct assay_claims *claims, const struct assay_evidence *ev);

/*
 * Iterates the items of one kind as assay_trust_next(): the caller's, then those that came along
 * with the evidence, which *brought (may be NULL) tells. Theirs are items like any other, but not
 * anchors, and one that the caller's own are newer than must not stand for them.
 */
const struct item *
assay_run_next(const struct run *run, enum item_kind kind, size_t *at, bool *brought);

/* A key that signs several things: made ready at most once, and not at all when every signature
 * is remembered. An anchor's is ready already. */
struct signer {
	struct assay_public public;
	const struct assay_key *ready;
	struct assay_key own;
	bool broken; /* the key is none: nothing verifies under it */
};
struct signer assay_signer(const struct run *run, struct assay_public key);
void assay_signer_clear(const struct run *run, struct signer *signer);
/* A single verification that nothing remembers: of the evidence itself. */
bool assay_run_verify(const struct run *run, struct assay_public key, enum assay_scheme scheme,
    struct assay_bytes signed_part, struct assay_bytes signature);

bool assay_run_signed(const struct run *run, struct signer *by, enum fact_role role,
    enum assay_scheme scheme, struct assay_bytes digest, struct assay_bytes signature);
bool assay_run_cert_signed(const struct run *run, struct signer *by, const struct x509_cert *cert);
/* Does the cache remember it? false says nothing. */
bool
assay_run_cert_known(const struct run *run, struct assay_public by, const struct x509_cert *cert);
bool assay_run_crl_signed(const struct run *run, struct signer *by, const struct x509_crl *crl);

/* since <= now <= until, or the check fails; remembers the earliest end. what is static text. */
bool assay_run_dates(
    struct run *run, enum assay_check_id id, int64_t since, int64_t until, const char *what);

/* Among the items that match: within its dates at `now` before others, then the newest. own: of the
 * verifier's alone. */
const struct item *assay_run_crl(const struct run *run, struct assay_bytes issuer, bool own);
/* Does any CRL of this issuer, signed by it, list the serial? A second CRL of one issuer (AMD has
 * one per line) or an older one revokes as well as the newest. */
bool assay_run_revoked(
    const struct run *run, struct signer *by, struct assay_bytes issuer, struct assay_bytes serial);
/* crlNumber present and not below the floor. */
bool assay_run_crl_floor(struct run *run, enum assay_check_id id, const struct x509_crl *crl);

/* An id that the platform hides is empty. */
struct platform_id {
	enum platform_kind kind;
	struct assay_bytes id;
};
/* A denied id refuses, and so does a hidden one that a list speaks of; where anything is allowed by
 * name, one of the ids must be. */
void assay_run_platform(struct run *run, const struct platform_id *ids, size_t count);

/* got: 16 or 64 bytes. */
void assay_run_report_data(struct run *run, struct assay_bytes got);
/* Writes the claims collateral.* and trust.*. */
void assay_run_finish(struct run *run, const struct anchor *anchor);

#endif
