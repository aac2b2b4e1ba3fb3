/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/tcb.h"

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
	struct assay_bytes in = { data, size };
	struct qe_identity id;

	if (!accepted(assay_qe_identity_parse(&id, in, "fuzz", &err), &err))
		return 0;
	if (id.level_count == 0 || assay_json_kind(in) != ASSAY_JSON_QE_IDENTITY ||
	    id.doc.span.ptr < data || id.doc.span.len >= size)
		abort();
	assay_qe_identity_clear(&id);
	return 0;
}
