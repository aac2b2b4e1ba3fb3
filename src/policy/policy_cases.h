/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_POLICY_CASES_H
#define ASSAY_POLICY_CASES_H

/* Claims made by hand, for the tests of policies and for their fuzz target: of each TEE a report of its
 * size, and of each type a claim. */

#include <stdlib.h>
#include <string.h>

#include "verify/tee.h"

enum { CASE_KINDS = 7 };

/* In hex: zeros, and the measurement that the claims make. */
#define ZEROS_4  "00000000"
#define ZEROS_12 ZEROS_4 ZEROS_4 ZEROS_4
#define ZEROS_28 ZEROS_12 ZEROS_12 ZEROS_4
#define ZEROS_44 ZEROS_28 ZEROS_12 ZEROS_4
#define CASE_32  "00ff10a5" ZEROS_28
#define CASE_48  "00ff10a5" ZEROS_44

static inline struct assay_claims *
case_claims(int kind)
{
	static const struct {
		const struct assay_tee *tee;
		size_t len;
		uint32_t version;
	} kinds[CASE_KINDS] = { { &assay_tee_sgx, 384, 0 }, { &assay_tee_tdx, 584, 0 },
		{ &assay_tee_tdx, 648, 0 }, { &assay_tee_snp, 1184, 3 }, { &assay_tee_sev, 208, 0 },
		{ &assay_tee_sev_es, 208, 0 }, { &assay_tee_opaque, 0, 0 } };
	static const uint8_t measurement[48] = { 0x00, 0xff, 0x10, 0xa5 }, signer[48] = { 1 };
	static const uint8_t turin[64] = { 0x59, 0x79, 0x0f, 0xb1, 0xc3, 0x9f, 0x35, 0xc1 };
	static const char *advisories[] = { "INTEL-SA-00001", "INTEL-SA-00002" };
	const struct tcb_verdict verdict = { .advisories = advisories, .advisory_count = 2 };
	struct assay_claims *c = calloc(1, sizeof *c);
	uint8_t body[CLAIMS_BODY_MAX];

	if (c == NULL)
		abort();
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (uint8_t)(i * 7);
	memset(body + 0x08, 0, 8); /* SNP: POLICY */
	body[0x0a] = 0x03;
	memset(body + 0x30, 0, 4); /* SNP: VMPL; SEV: POLICY */
	if (kind == 4 || kind == 5)
		body[0x30] = 0x0f;
	memset(body + 120, 0, 16); /* TDX: TDATTRIBUTES, XFAM */
	body[123] = 0x10;
	body[128] = 0xe7;
	assay_claims_reset(
	    c, kinds[kind].tee, (struct assay_bytes){ body, kinds[kind].len }, kinds[kind].version);
	if (kind == CASE_KINDS - 1)
		return c;
	assay_claim_flag(c, CLAIM_DEBUG, false);
	assay_claim_flag(c, CLAIM_SNP_CHIP_ID_MASKED, false);
	assay_claim_flag(c, CLAIM_TDX_SERVICE_TD, false);
	assay_claim_number(c, CLAIM_SVN, 255);
	assay_claim_number(c, CLAIM_COLLATERAL_DAYS_LEFT, UINT64_MAX);
	assay_claim_time(c, CLAIM_COLLATERAL_EXPIRES, 1751624324);
	assay_claim_time(c, CLAIM_TCB_DATE, -1);
	assay_claim_status(c, TCB_UP_TO_DATE);
	assay_claim_text(c, CLAIM_TRUST_ROOT, "a\n\"b\"");
	assay_claim_text(c, CLAIM_BINDING, "vm");
	assay_claim_text(c, CLAIM_SNP_CERTIFICATE, "VCEK");
	const size_t len = kind == 0 || kind > 3 ? 32 : 48;
	assay_claim_bytes(c, CLAIM_MEASUREMENT, (struct assay_bytes){ measurement, len });
	if (kind < 4)
		assay_claim_bytes(c, CLAIM_SIGNER, (struct assay_bytes){ signer, len });
	if (kind == 3)
		assay_claim_bytes(c, CLAIM_PLATFORM_ID, (struct assay_bytes){ turin, 64 });
	assay_claim_advisories(c, &verdict);
	return c;
}

/* The claim is made no more. False: it is a field of the report, which cannot be taken out alone. */
static inline bool
case_remove(struct assay_claims *c, size_t claim)
{
	if (claim >= CLAIM_NAMED)
		return false;
	c->has[claim / 64] &= ~(UINT64_C(1) << claim % 64);
	return true;
}

#endif
