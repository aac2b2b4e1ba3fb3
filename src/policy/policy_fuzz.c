/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include "core/checks.h"
#include "policy/policy_cases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char references[] =
    "{\"reference_values\":1,\"values\":["
    "{\"name\":\"web/mrtd\",\"claim\":\"measurement\",\"any_of\":[\"" CASE_48 "\"]},"
    "{\"name\":\"web/rtmr1\",\"claim\":\"tdx.rtmr[1]\",\"any_of\":[]},"
    "{\"name\":\"web/rtmr2\",\"claim\":\"tdx.rtmr[2]\",\"any_of\":[]},"
    "{\"name\":\"revoked/chips\",\"claim\":\"platform_id\",\"any_of\":["
    "\"59790fb1c39f35c1\"]}]}";

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Whatever the policy is: it judges, explains each row, and to take a claim away does not help. */
static void
judge(struct assay_checks *checks, const struct assay_policy *policy, int kind)
{
	const size_t count = assay_schema_count();
	struct assay_claims *claims = case_claims(kind);
	struct assay_error err = { ASSAY_OK, "" };

	assay_checks_clear(checks);
	assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
	enum assay_code rc = assay_policy_check(checks, policy, claims, &err);
	must(rc == assay_checks_verdict(checks) && (rc == ASSAY_OK || err.text[0] != '\0'));
	for (size_t i = 1; i < assay_checks_count(checks); i++)
		must(assay_check_detail(checks, i)[0] != '\0' &&
		    strlen(assay_check_detail(checks, i)) < 256 &&
		    assay_check_info_find(assay_check_id(checks, i)) != NULL);
	for (size_t i = 0; i < count; i++)
		for (enum assay_change c = ASSAY_CHANGE_NONE; c <= ASSAY_CHANGE_HIGHER; c++) {
			enum assay_code supposed = assay_policy_suppose(policy, claims, i, c);
			must(c != ASSAY_CHANGE_NONE || supposed == rc ||
			    supposed == ASSAY_E_USAGE || kind == CASE_KINDS - 1);
			must(c != ASSAY_CHANGE_REMOVED || supposed != ASSAY_OK || rc == ASSAY_OK);
		}
	assay_checks_cut(checks, 1);
	must(assay_checks_verdict(checks) == ASSAY_OK);
	assay_claims_free(claims);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_references *refs = NULL;
	struct assay_policy *policy = NULL;
	struct assay_checks *checks = NULL;

	must(assay_references_new(&refs, &err) == ASSAY_OK &&
	    assay_references_add(refs, assay_bytes_of(references), "web", &err) == ASSAY_OK &&
	    assay_checks_new(&checks, &err) == ASSAY_OK);
	enum assay_code rc =
	    assay_policy_compile(&policy, (struct assay_bytes){ data, size }, "fuzz", refs, &err);
	assay_references_free(refs);
	must(rc == ASSAY_OK || (rc == ASSAY_E_USAGE && err.code == rc && err.text[0] != '\0'));
	for (int kind = 0; kind < CASE_KINDS && rc == ASSAY_OK; kind++)
		judge(checks, policy, kind);
	assay_policy_free(policy);
	assay_checks_free(checks);
	return 0;
}
