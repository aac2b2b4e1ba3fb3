/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_VERIFY_TRUST_H
#define ASSAY_VERIFY_TRUST_H

/* What is inside a trust object, for the verifiers. */

#include <assay/trust.h>

#include "crypto/x509.h"
#include "parse/sev.h"
#include "parse/snp_report.h"
#include "parse/tcb.h"

/* A key that may end a chain. */
struct anchor {
	struct assay_key key;            /* prepared */
	const char *name;                /* "Intel SGX Root CA", "ARK-Milan", a file's name */
	struct assay_bytes subject;      /* the Name that certificates under it carry as issuer; a
	                                 * built-in anchor's is known by its common name: empty */
	const struct amd_authority *amd; /* NULL if it is not one of the built-in X.509 ones */
	bool builtin;
	bool root; /* ends a chain; the intermediates that are built in do not */
	int64_t not_before, not_after; /* INT64_MIN, INT64_MAX if unknown */
	uint8_t *store;                /* owned bytes of a caller's anchor, NULL otherwise */
	char *owned_name;
};

enum item_kind {
	ITEM_CERT,
	ITEM_CRL,
	ITEM_TCB_INFO,
	ITEM_QE_IDENTITY,
	ITEM_SEV_CERT,
	ITEM_AMD_CERT
};

/* One thing that a verifier may need, parsed once. */
struct item {
	enum item_kind kind;
	char *name;
	uint8_t *raw;
	size_t len;
	uint8_t digest[ASSAY_SHA256_LEN]; /* of the signed bytes of TCB info and QE identity */
	char subject[112], note[48];
	bool tcb_signing; /* a certificate of Intel's TCB signing key, by its name */
	union {
		struct x509_cert cert;
		struct x509_crl crl;
		struct tcb_info tcb;
		struct qe_identity qe;
		struct sev_cert sev;
		struct amd_cert amd;
	};
};

enum platform_kind {
	PLATFORM_CHIP_ID,
	PLATFORM_PPID,
	PLATFORM_INSTANCE,
	PLATFORM_CEK,
	PLATFORM_KINDS
};
const char *assay_platform_kind_name(enum platform_kind kind);

struct platform_rule {
	bool allow;
	enum platform_kind kind;
	uint8_t id[64];
	size_t id_len;
};

struct crl_floor {
	char issuer_cn[64];
	uint64_t number;
};

struct min_tcb {
	bool set;
	bool has_fmc, has_bootloader, has_tee, has_snp, has_microcode;
	struct snp_tcb tcb;
};

struct assay_trust {
	struct anchor *anchors;
	size_t anchor_count;
	struct item **items;
	size_t item_count;
	struct platform_rule *platforms;
	size_t platform_count;
	struct crl_floor *crl_floors;
	size_t crl_floor_count;
	uint32_t min_evaluation;
	struct min_tcb min_tcb;
	bool store; /* of many platforms: an item for another one is no mistake */
};

/* Room for one more element of an array that holds count, or NULL: to be assigned, then filled. */
void *assay_trust_grow(void *array, size_t count, size_t size);
/* Iterates the items of one kind: start with *at = 0. NULL at the end. */
const struct item *
assay_trust_next(const struct assay_trust *trust, enum item_kind kind, size_t *at);
/* The anchor that holds this key, or NULL. */
const struct anchor *assay_trust_anchor(const struct assay_trust *trust, struct assay_public key);
/* The lowest CRL number believed of this issuer (a whole Name). */
uint64_t assay_trust_crl_floor(const struct assay_trust *trust, struct assay_bytes issuer);
enum platform_listing { PLATFORM_UNLISTED, PLATFORM_ALLOWED, PLATFORM_DENIED, PLATFORM_HIDDEN };
/* What the lists say of one id; an empty one is hidden if they speak of its kind at all. */
enum platform_listing assay_trust_platform(
    const struct assay_trust *trust, enum platform_kind kind, struct assay_bytes id);
/* Is anything allowed by name? Then what is not named is refused. */
bool assay_trust_allows(const struct assay_trust *trust);
/* Fills subject and note of an item that was just parsed. */
void assay_trust_describe(struct item *item);

#endif
