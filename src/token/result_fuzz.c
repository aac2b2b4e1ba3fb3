/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "token/ear.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read affirms nothing that its vector denies. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_result *r = NULL;
	enum assay_code rc = assay_result_parse(&r, (struct assay_bytes){ data, size }, &err);

	if (rc != ASSAY_OK) {
		if (err.code != rc || err.text[0] == '\0')
			abort();
		return 0;
	}
	rc = assay_result_check(r, 1700000000, (struct assay_bytes){ NULL, 0 }, &err);
	for (size_t i = 0; i < r->part_count; i++)
		if (rc == ASSAY_OK &&
		    assay_trust_vector_tier(r->parts[i].vector) > ASSAY_TIER_AFFIRMING)
			abort();
	if (rc == ASSAY_OK && (r->part_count == 0 || !r->has_expires || r->expires <= 1700000000))
		abort();
	assay_result_free(r);
	return 0;
}
