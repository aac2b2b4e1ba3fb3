/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_VERIFY_CLAIMS_H
#define ASSAY_VERIFY_CLAIMS_H

/* How verifiers write claims. The schema is two parts in a row: the named claims below, and every
 * field of each TEE's own report, by its field table. */

#include <assay/claims.h>

#include "crypto/crypto.h"
#include "parse/field.h"
#include "parse/tcb.h"

enum claim {
	CLAIM_TEE,
	CLAIM_TCB_STATUS,
	CLAIM_TCB_DATE,
	CLAIM_TCB_ADVISORIES,
	CLAIM_TCB_EVALUATION,
	CLAIM_TCB_LAUNCH_STATUS,
	CLAIM_TCB_CURRENT_STATUS,
	CLAIM_TCB_SOURCE,
	CLAIM_DEBUG,
	CLAIM_MEASUREMENT,
	CLAIM_SIGNER,
	CLAIM_PRODUCT_ID,
	CLAIM_SVN,
	CLAIM_REPORT_DATA,
	CLAIM_PLATFORM_ID,
	CLAIM_PLATFORM_PRODUCT,
	CLAIM_VMPL,
	CLAIM_BINDING,
	CLAIM_COLLATERAL_EXPIRES,
	CLAIM_COLLATERAL_EXPIRES_WHAT,
	CLAIM_COLLATERAL_DAYS_LEFT,
	CLAIM_TRUST_ROOT,
	CLAIM_TRUST_BUILTIN,
	CLAIM_DCAP_QUOTE_VERSION,
	CLAIM_DCAP_CERT_TYPE,
	CLAIM_DCAP_CA,
	CLAIM_DCAP_FMSPC,
	CLAIM_DCAP_PCE_ID,
	CLAIM_DCAP_PPID,
	CLAIM_DCAP_PCE_SVN,
	CLAIM_DCAP_COMPONENTS,
	CLAIM_DCAP_CPU_SVN,
	CLAIM_DCAP_SGX_TYPE,
	CLAIM_DCAP_PLATFORM_INSTANCE,
	CLAIM_DCAP_DYNAMIC_PLATFORM,
	CLAIM_DCAP_CACHED_KEYS,
	CLAIM_DCAP_SMT_ENABLED,
	CLAIM_DCAP_PLATFORM_STATUS,
	CLAIM_DCAP_MODULE_STATUS,
	CLAIM_DCAP_QE_STATUS,
	CLAIM_DCAP_MODULE,
	CLAIM_DCAP_MODULE_SVN,
	CLAIM_DCAP_QE_SVN,
	CLAIM_DCAP_TCB_INFO_EVALUATION,
	CLAIM_DCAP_QE_IDENTITY_EVALUATION,
	CLAIM_TDX_SERVICE_TD,
	CLAIM_SNP_CERTIFICATE,
	CLAIM_SNP_PRODUCT_NAME,
	CLAIM_SNP_CSP_ID,
	CLAIM_SNP_CHIP_ID_MASKED,
	CLAIM_SNP_PROVISIONAL_FIRMWARE,
	/* TCB_VERSION taken apart: five parts of each, in this order. */
	CLAIM_SNP_REPORTED_TCB,
	CLAIM_SNP_CURRENT_TCB = CLAIM_SNP_REPORTED_TCB + 5,
	CLAIM_SNP_COMMITTED_TCB = CLAIM_SNP_CURRENT_TCB + 5,
	CLAIM_SNP_LAUNCH_TCB = CLAIM_SNP_COMMITTED_TCB + 5,
	CLAIM_SEV_ES = CLAIM_SNP_LAUNCH_TCB + 5,
	CLAIM_SEV_CEK_DIGEST,
	CLAIM_SEV_OCA_KEY_DIGEST,
	CLAIM_SEV_API,
	CLAIM_SEV_LAUNCH_NAME,
	CLAIM_SEV_LAUNCH_CREATED,
	CLAIM_SEV_LAUNCH_API,
	CLAIM_SEV_LAUNCH_BUILD,
	CLAIM_SEV_LAUNCH_SIGNED,
	CLAIM_NAMED, /* how many there are */
};

enum {
	CLAIMS_BODY_MAX = 1184,
	CLAIMS_STORE = 4096, /* copies of texts and bytes */
	CLAIMS_ADVISORIES_MAX = 192,
	CLAIMS_SHORT_MAX = 40,
	CLAIMS_SPARES = 6,
};

struct assay_tee;

struct assay_claims {
	const struct assay_tee *tee;
	uint8_t body[CLAIMS_BODY_MAX]; /* the report that the field table reads */
	size_t body_len;
	uint32_t version; /* of the body, for rows that came later; 0: by length alone */
	uint64_t has[(CLAIM_NAMED + 63) / 64];
	union {
		bool flag;
		uint64_t number;
		int64_t time;
		const char *text;
		struct assay_bytes bytes;
	} values[CLAIM_NAMED];
	uint8_t store[CLAIMS_STORE];
	size_t stored;
	char advisories[CLAIMS_ADVISORIES_MAX][TCB_ADVISORY_TEXT_MAX];
	size_t advisory_count;
	bool advisories_lost; /* there were more than fit, or nobody said which there are */
	struct assay_shortfall shorts[CLAIMS_SHORT_MAX];
	size_t short_count;
	enum tcb_status status; /* behind tcb.status, for policies */
	/* EC keys that are done with, ready for the next verification: most want the same keys again,
	 * and to make one anew costs a curve. Of no meaning between calls. */
	struct spare_key {
		struct assay_key key;
		uint8_t raw[96];
	} spares[CLAIMS_SPARES];
};

void assay_claims_reset(
    struct assay_claims *c, const struct assay_tee *tee, struct assay_bytes body, uint32_t version);
void assay_claim_flag(struct assay_claims *c, enum claim id, bool value);
void assay_claim_number(struct assay_claims *c, enum claim id, uint64_t value);
void assay_claim_time(struct assay_claims *c, enum claim id, int64_t value);
void assay_claim_text(struct assay_claims *c, enum claim id, const char *value); /* copied */
void
assay_claim_bytes(struct assay_claims *c, enum claim id, struct assay_bytes value); /* copied */
void assay_claim_status(struct assay_claims *c, enum tcb_status status);
/* Adds those of one level, each once. NULL: a level of which they are not known; then nor are all. */
void assay_claim_advisories(struct assay_claims *c, const struct tcb_verdict *verdict);
void assay_claim_short(struct assay_claims *c, const char *part, uint64_t got, uint64_t want,
    uint64_t running); /* part is copied */

/*
 * The schema: how many bytes claim i has, of these TEEs (a bit for each of assay_tees[]), whose value
 * is written with len bytes: len itself, but for a Turin chip id, written without the zeros behind it.
 * 0: it never has that many. Of TEEs that do not make the claim: as of all.
 */
size_t assay_schema_fit(size_t i, uint32_t tees, size_t len);
bool assay_claim_has(const struct assay_claims *c, enum claim id);
/* What is to be done about a TCB status that a rule refuses; NULL: what the check's table says. */
const char *assay_claims_status_fix(enum tcb_status status);
/* A field of the TEE's own report by its row's name; 0 if it has none. */
uint64_t assay_claims_field(const struct assay_claims *c, const char *name);

#endif
