/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/td_hob.h"
#include "measure/tdvf.h"

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
	uint8_t digest[ASSAY_SHA384_LEN];
	struct tdvf tdvf;

	if (!accepted(assay_tdvf_parse(&tdvf, in, &err), &err))
		return 0;
	for (size_t i = 0; i < tdvf.count; i++) {
		const struct tdvf_section *s = &tdvf.sections[i];
		if (s->data.len > s->size || s->size % TDVF_PAGE != 0 || s->gpa % TDVF_PAGE != 0 ||
		    (s->data.len > 0 &&
			(s->data.ptr < data || s->data.len > size ||
			    s->data.ptr > data + (size - s->data.len))))
			abort();
	}
	for (unsigned shift = 20; shift < 64; shift++)
		(void)accepted(
		    assay_td_hob_digest(digest, &tdvf, (uint64_t)3 << shift, &err), &err);
	return 0;
}
