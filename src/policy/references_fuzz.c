/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "policy/references.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
		for (size_t k = 0; k < refs->sets[i].count; k++)
			if (assay_references_find(refs, assay_bytes_of(refs->sets[i].name)) !=
			    &refs->sets[i])
				abort();
	assay_references_free(refs);
	return 0;
}
