/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "policy/references.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes are the collection's own: the document is gone. */
static void
use(const struct literal *value)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < value->bytes.len; i++)
		sum = (uint8_t)(sum + value->bytes.ptr[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_references *refs = NULL;

	if (assay_references_new(&refs, &err) != ASSAY_OK)
		abort();
	enum assay_code rc =
	    assay_references_add(refs, (struct assay_bytes){ data, size }, "fuzz", &err);
	if (rc != ASSAY_OK && (err.code != rc || err.text[0] == '\0' || refs->count != 0))
		abort();
	for (size_t i = 0; i < refs->count; i++)
		if (assay_references_find(refs, assay_bytes_of(refs->sets[i].name)) !=
		    &refs->sets[i])
			abort();
	for (size_t i = 0; i < refs->count; i++)
		for (size_t k = 0; k < refs->sets[i].count; k++)
			use(&refs->sets[i].values[k]);
	assay_references_free(refs);
	return 0;
}
