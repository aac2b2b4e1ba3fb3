/* SPDX-License-Identifier: Apache-2.0 */
#include "opa.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What allows has the words in it, and a refusal always has a reason. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	enum opa_verdict verdict = opa_answer_read(&why, (struct assay_bytes){ data, size });

	if (why == NULL || (verdict == OPA_ALLOWED) != (why[0] == '\0'))
		abort();
	if (verdict == OPA_ALLOWED && memmem(data, size, "true", 4) == NULL)
		abort();
	return 0;
}
