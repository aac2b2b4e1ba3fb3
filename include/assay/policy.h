/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_POLICY_H
#define ASSAY_POLICY_H

#include <assay/checks.h>
#include <assay/claims.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An appraisal policy: what is allowed of evidence that is genuine. Const, shared by threads. */
struct assay_policy;

/* A built-in policy by name: "default" (as strict as the strictest peer) or "genuine" (the TCB
 * status and all settings are reported, none is judged). NULL if there is none of this name. */
const struct assay_policy *assay_policy_builtin(const char *name);
const char *assay_policy_name(const struct assay_policy *policy);

/*
 * Judges claims; appends a row per rule.
 * Returns assay_checks_verdict(checks), over all rows; err as for assay_evidence_verify().
 */
ASSAY_MUST_USE enum assay_code assay_policy_check(struct assay_checks *checks,
    const struct assay_policy *policy, const struct assay_claims *claims, struct assay_error *err);

/*
 * One claim must equal this value: `--expect measurement=9a1f...`. The text is read by the
 * claim's type: hex, number (decimal or 0x), true or false, RFC 3339, plain text.
 * Appends the row "expect.CLAIM", in this example "expect.measurement".
 * Errors  ASSAY_E_USAGE: no such claim (the nearest right name is in err), or not of its type.
 */
ASSAY_MUST_USE enum assay_code
assay_policy_expect(struct assay_checks *checks, const struct assay_claims *claims,
    const char *claim, const char *value, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
