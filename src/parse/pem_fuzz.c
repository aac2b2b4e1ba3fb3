/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/pem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_explain(enum assay_code rc, const struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_bytes in = { data, size };
	struct assay_error err = { ASSAY_OK, "" };
	struct pem_block block;
	enum assay_code rc;
	size_t at = 0;

	while ((rc = assay_pem_next(&block, &at, in, "fuzz", &err)) == ASSAY_OK &&
	    block.label.len > 0) {
		size_t len = 0;
		uint8_t *der = malloc(ASSAY_UNBASE64_MAX(block.body.len));
		if (der == NULL || block.end != at || at > size)
			abort();
		if (assay_unbase64(der, &len, block.body) &&
		    len > ASSAY_UNBASE64_MAX(block.body.len))
			abort();
		free(der);
	}
	must_explain(rc, &err);

	uint8_t *out = NULL;
	size_t len = 0;
	err = (struct assay_error){ ASSAY_OK, "" };
	must_explain(assay_untext(&out, &len, in, &err), &err);
	if (len > size)
		abort();
	free(out);
	return 0;
}
