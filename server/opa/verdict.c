/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer of OPA's Data API decides. */
#include "opa.h"

#include <jansson.h>

enum opa_verdict
opa_answer_read(const char **why, struct assay_bytes body)
{
	json_t *answer = body.len <= OPA_ANSWER_MAX
	    ? json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL)
	    : NULL;
	const json_t *result = json_object_get(answer, "result");
	enum opa_verdict verdict = OPA_TROUBLE;

	*why = "";
	if (json_is_true(result)) {
		verdict = OPA_ALLOWED;
	} else if (json_is_false(result)) {
		verdict = OPA_DENIED;
		*why = "its result is false";
	} else if (result != NULL) {
		*why =
		    "its result is neither true nor false; the setting opa must name one rule, as "
		    "in .../v1/data/policy/allow";
	} else if (json_is_object(answer)) {
		verdict = OPA_DENIED;
		*why = "it has no result: the rule is undefined for this, or is not loaded";
	} else {
		*why = "its answer is no JSON object of at most 64 KiB";
	}
	json_decref(answer);
	return verdict;
}
