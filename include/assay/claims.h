/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLAIMS_H
#define ASSAY_CLAIMS_H

#include <stdbool.h>

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Facts taken from evidence, typed. Normalised names are the same for every TEE ("tcb.status",
 * "measurement"); each TEE adds one object with every field by its manual's name
 * ("tdx.mr_td", "snp.policy"). Names, types and sources stand in one table, the schema.
 *
 * Claims copy what they hold: they may outlive evidence and trust. Not shared between threads
 * while they are being filled.
 */
struct assay_claims;

enum assay_type {
	ASSAY_TYPE_BOOL = 1,
	ASSAY_TYPE_UINT = 2, /* exact to 64 bits */
	ASSAY_TYPE_TIME = 3, /* Unix seconds */
	ASSAY_TYPE_TEXT = 4,
	ASSAY_TYPE_BYTES = 5,
	ASSAY_TYPE_LIST = 6, /* of texts */
};

void assay_claims_free(struct assay_claims *claims); /* NULL is fine */

/* The schema: every claim that any TEE can make, in the order of the documentation. */
size_t assay_schema_count(void);
const char *assay_schema_name(size_t i); /* "tdx.mr_td" */
enum assay_type assay_schema_type(size_t i);
const char *assay_schema_source(size_t i); /* "TDREPORT_BODY.MRTD, offset 0x88" */
bool assay_schema_find(const char *name, size_t *i);

/* Reads of a claim by its place in the schema. assay_claims_has() is false for a claim that the
 * evidence does not make; the others then give false, 0, 0, "", an empty slice, 0. Slices and
 * texts live as long as the claims. */
bool assay_claims_has(const struct assay_claims *claims, size_t i);
bool assay_claims_bool(const struct assay_claims *claims, size_t i);
uint64_t assay_claims_uint(const struct assay_claims *claims, size_t i);
int64_t assay_claims_time(const struct assay_claims *claims, size_t i);
const char *assay_claims_text(const struct assay_claims *claims, size_t i);
struct assay_bytes assay_claims_bytes(const struct assay_claims *claims, size_t i);
size_t assay_claims_list_count(const struct assay_claims *claims, size_t i);
const char *assay_claims_list_at(const struct assay_claims *claims, size_t i, size_t n);

/* The claims as one JSON object, without spaces; the caller frees *out with free(). Bytes are
 * lower-case hex, times RFC 3339 in UTC. Errors: ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code
assay_claims_json(char **out, const struct assay_claims *claims, struct assay_error *err);

/* The parts of the TCB that are short of what was wanted: for DCAP against the best level that
 * the vendor publishes, for SNP against the floor. part is static text or lives with the claims. */
struct assay_shortfall {
	const char *part; /* "snp", "SGX component 8 (SEAMLDR ACM)" */
	uint64_t got, want;
	uint64_t running; /* what runs now where the evidence tells, else equal to got */
};
size_t assay_claims_short_count(const struct assay_claims *claims);
struct assay_shortfall assay_claims_short_at(const struct assay_claims *claims, size_t i);

#ifdef __cplusplus
}
#endif

#endif
