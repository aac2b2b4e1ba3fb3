/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TEE_H
#define ASSAY_TEE_H

/* A TEE is one const table. To add one: src/parse/foo.c, src/verify/foo.c with its table, and one
 * line in tees.c. Nothing else names a TEE. */

#include <assay/eventlog.h>
#include <assay/evidence.h>

#include "core/checks.h"
#include "crypto/x509.h"
#include "parse/bundle.h"
#include "parse/quote.h"
#include "parse/sev.h"
#include "parse/sev_proof.h"
#include "parse/snp_report.h"
#include "verify/claims.h"

/* How long a claim of bytes is that is no field of the report, or is also written shorter. One that
 * has several lengths has a row for each. */
struct claim_size {
	const char *claim; /* "measurement"; NULL at the end */
	uint8_t size;
	uint8_t shorter; /* without the zeros behind it; 0: never written so */
};

struct assay_tee {
	const char *name;                 /* "snp": in JSON and --tee */
	const char *title;                /* "AMD SEV-SNP" */
	const char *object;               /* its claims object: "snp"; sev and sev-es share "sev" */
	const char *provider;             /* the kernel's name of what makes it; may be NULL */
	const struct assay_field *fields; /* of its report */
	const struct claim_size *sizes;   /* of its claims of bytes */
	bool (*recognise)(struct assay_bytes in); /* magic and length only, never a parse */
	enum assay_code (*parse)(
	    struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err);
	void (*verify)(struct assay_claims *out, struct assay_checks *checks,
	    const struct assay_evidence *ev, const struct assay_appraisal *how);
	size_t bare_size; /* a certificate table may follow evidence of this size; 0: none */
	bool services;    /* may be asked for through a service, whose manifest is bound */
	bool proof; /* a guest's proof may stand beside it; its report data are 64 bytes then */
	/* Whether it was made for these report data, 64 bytes: what `verify` says of them, told before. */
	bool (*answers)(const struct assay_evidence *ev, const uint8_t *report_data);
	/* The registers that an event log can be compared with; NULL: it has none. */
	void (*registers)(struct assay_registers *out, const struct assay_evidence *ev);
	/* Why claims without a tcb.status have none, for a rule that asks for it: the sentence; what
	 * and which would bring it, as in assay_check_need(). NULL: this TEE never has one. */
	const char *(*untold)(
	    const struct assay_claims *claims, const char **what, const char **which);
};

extern const struct assay_tee assay_tee_sgx, assay_tee_tdx, assay_tee_snp, assay_tee_sev,
    assay_tee_sev_es;
extern const struct assay_tee *const assay_tees[]; /* NULL at the end */
/* Evidence that no TEE here recognises, named by what made it: in no list, and never accepted. */
extern const struct assay_tee assay_tee_opaque;

enum { EVIDENCE_CERTS_MAX = 8, EVIDENCE_SEV_CERTS_MAX = 4 };

/* Legacy SEV: a report, the certificates of a platform, or both. */
struct sev_evidence {
	bool has_report;
	struct sev_report report;
	struct sev_cert certs[EVIDENCE_SEV_CERTS_MAX];
	size_t cert_count;
};

/* DCAP: the SGX extension of the PCK certificate among the certificates. */
struct pck_in_chain {
	const struct x509_cert *cert; /* NULL: there is none, or it was not looked for yet */
	bool named;                   /* its subject is the one that every PCK certificate has */
	struct pck_extension extension;
	struct assay_error error; /* code != ASSAY_OK: it could not be read */
};

struct assay_evidence {
	const struct assay_tee *tee; /* NULL: empty */
	uint8_t *store;              /* the copied evidence, out of its wrapper */
	size_t store_size, store_len;
	char kind[192];
	union {
		struct quote quote;
		struct snp_report snp;
		struct sev_evidence sev;
	};
	/*
	 * Certificates that came with the evidence, in the order in which they stood there. They stay
	 * when the next evidence brings the same bytes in the same form, as every quote of a platform
	 * does.
	 */
	const char *chain_what; /* the form: static text */
	uint8_t *chain;         /* chain_len bytes as they came, then what was decoded from them */
	size_t chain_size, chain_len, chain_used;
	struct x509_cert certs[EVIDENCE_CERTS_MAX];
	size_t cert_count;
	struct pck_in_chain pck;
	struct assay_error cert_error; /* code != ASSAY_OK: they could not be read, and why */
	/* Of a wrapper. */
	const char
	    *form; /* what it was: "bundle"; NULL: none, the evidence came alone. Static text */
	char provider[BUNDLE_PROVIDER_MAX + 1]; /* "": it did not say, or there is none */
	uint8_t *beside;                        /* the copied log, manifest and proof */
	size_t beside_size;
	struct assay_bytes eventlog, manifest; /* of beside */
	struct sev_proof proof;                /* of beside; without a key: none came */
	struct assay_trust *brought;           /* collateral; NULL: none. Items alone */
	struct assay_error brought_error;      /* code != ASSAY_OK: it could not be read */
};

/*
 * Reads the certificates that stand in these bytes of the evidence: the PEM or DER texts at spans,
 * which lie in `all`. what (static text) names their form. What cannot be read goes to
 * ev->cert_error: the check that needs the chain reports it. Errors: ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_evidence_take_certs(struct assay_evidence *ev, struct assay_bytes all,
    const struct assay_bytes *spans, size_t count, const char *what, struct assay_error *err);

/*
 * Collateral that came along with evidence that has none yet: files, of which empty ones are passed
 * over. what (static text) names them. What cannot be read goes to ev->brought_error, which is a
 * failing check. Errors: ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_evidence_bring(struct assay_evidence *ev,
    const struct assay_bytes *files, size_t count, const char *what, struct assay_error *err);

/* Whether the log that came along fits the registers of the evidence; no row if none came. */
void assay_check_eventlog(struct assay_checks *checks, const struct assay_evidence *ev);

#endif
