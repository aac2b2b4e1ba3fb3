/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include <string.h>

#include "core/checks.h"
#include "verify/tee.h"

struct assay_policy {
	const char *name;
	void (*judge)(struct assay_checks *checks, const struct assay_claims *claims);
};

/* As strict as the strictest peer. What it asks of one TEE stands in that TEE's table. */
static void
judge_default(struct assay_checks *checks, const struct assay_claims *claims)
{
	if (claims->tee->judge == NULL) { /* undetermined already, and here once more */
		assay_check_need(checks, CHECK_POLICY_DEBUG, "", "",
		    "cannot be told of evidence of an unknown kind");
		return;
	}
	if (!assay_claim_has(claims, CLAIM_DEBUG))
		assay_check_fail(checks, CHECK_POLICY_DEBUG, ASSAY_E_POLICY,
		    "the evidence speaks of a platform and not of a guest: nothing says that debug "
		    "is off");
	else
		assay_check_that(checks, CHECK_POLICY_DEBUG, !claims->values[CLAIM_DEBUG].flag,
		    ASSAY_E_POLICY, "off", "debug is on: the host can read and change the memory");
	claims->tee->judge(checks, claims);
}

/* The verifier's checks, and nothing beyond them. */
static void
judge_genuine(struct assay_checks *checks, const struct assay_claims *claims)
{
	(void)checks;
	(void)claims;
}

static const struct assay_policy policies[] = {
	{ "default", judge_default },
	{ "genuine", judge_genuine },
};

const struct assay_policy *
assay_policy_builtin(const char *name)
{
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
		if (strcmp(policies[i].name, name) == 0)
			return &policies[i];
	return NULL;
}

const char *
assay_policy_name(const struct assay_policy *policy)
{
	return policy->name;
}

enum assay_code
assay_policy_check(struct assay_checks *checks, const struct assay_policy *policy,
    const struct assay_claims *claims, struct assay_error *err)
{
	policy->judge(checks, claims);
	return assay_checks_conclude(checks, err);
}
