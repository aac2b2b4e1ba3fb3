/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
explained(enum assay_code rc, const struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
}

/* What operators bring: a key, a policy, reference values. A refusal that explains nothing is a bug. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char policy[] = "policy \"p\"\nfor snp\n  require executables  measurement in "
				     "@web/launch\n";
	const struct assay_bytes in = { data, size };
	const struct view_policy policies[] = { { .name = "p", .version = 1, .text = policy } };
	const struct view view = { .policies = policies, .policy_count = 1 };
	struct assay_error err = { .text = "" };
	json_t *args = NULL;
	enum assay_code rc = check_key(&args, in, &err);

	explained(rc, &err);
	if (rc == ASSAY_OK && json_object_size(args) != 1)
		abort();
	json_decref(args);
	explained(check_policy(&view, "fuzz", in, &err), &err);
	explained(check_reference(&view, "web", in, NULL, &err), &err);
	return 0;
}
