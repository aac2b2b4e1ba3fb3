/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/linux_header.h"
#include "measure/pe_image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal that explains nothing is a bug too. */
static bool
accepted(enum assay_code rc, struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
	*err = (struct assay_error){ ASSAY_OK, "" };
	return rc == ASSAY_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t digest[ASSAY_SHA384_LEN];
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	(void)accepted(
	    assay_pe_image_digest(digest, (struct assay_bytes){ data, size }, &err), &err);
	(void)accepted(
	    assay_linux_header_patch(copy, size, size, (uint64_t)size << 12, "", &err), &err);
	(void)accepted(assay_linux_header_patch(copy, size, 0, 0, "quiet", &err), &err);
	free(copy);
	return 0;
}
