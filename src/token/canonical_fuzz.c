/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "token/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is canonical is its own canonical form. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *once = NULL, *twice = NULL;
	enum assay_code rc = assay_json_canonical(&once, (struct assay_bytes){ data, size }, &err);

	if (rc != ASSAY_OK) {
		if (err.code != rc || err.text[0] == '\0' || once != NULL)
			abort();
		return 0;
	}
	if (assay_json_canonical(&twice, assay_bytes_of(once), &err) != ASSAY_OK ||
	    strcmp(once, twice) != 0)
		abort();
	free(once);
	free(twice);
	return 0;
}
