/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/quote.h"

#include <stdlib.h>

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
	struct pck_extension pck;

	if (accepted(
		assay_pck_extension_parse(&pck, (struct assay_bytes){ data, size }, &err), &err) &&
	    pck.sgx_type > 2)
		abort();
	return 0;
}
