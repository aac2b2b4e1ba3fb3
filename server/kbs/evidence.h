/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_EVIDENCE_H
#define ASSAYD_KBS_EVIDENCE_H

/* The evidence member of an attestation, as the library takes it. */

#include <assay/evidence.h>

/*
 * Reads primary_evidence of this TEE ("tdx", "snp", "sgx").
 *
 * json    An object that scan_check() has passed, from '{' to '}'.
 * Errors  ASSAY_E_FORMAT, also for evidence of another TEE than was asked for; ASSAY_E_UNSUPPORTED,
 *         ASSAY_E_NOMEM. *ev is as after assay_evidence_parse().
 * Proves  Nothing.
 */
ASSAY_MUST_USE enum assay_code kbs_evidence_parse(
    struct assay_evidence **ev, const char *tee, struct assay_bytes json, struct assay_error *err);

/* {"svn","report_data"} of tests. report_data is what its attester bound, at most 64 bytes, zeros behind
 * it. Errors: ASSAY_E_FORMAT. */
enum { KBS_SVN_MAX = 32 };
struct kbs_sample {
	char svn[KBS_SVN_MAX];
	uint8_t report_data[ASSAY_REPORT_DATA_SIZE];
};
ASSAY_MUST_USE enum assay_code
kbs_sample_parse(struct kbs_sample *out, struct assay_bytes json, struct assay_error *err);

#endif
