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
	struct dcap_qvl_collateral c;

	(void)assay_json_kind(in);
	if (!accepted(assay_dcap_qvl_split(&c, in, "fuzz", &err), &err))
		return 0;
	for (size_t i = 0; i < c.count; i++) {
		struct assay_bytes part = { c.parts[i].ptr, c.parts[i].len };
		struct tcb_info info;
		if (c.parts[i].name == NULL || part.ptr == NULL)
			abort();
		if (accepted(assay_tcb_info_parse(&info, part, "fuzz", &err), &err))
			assay_tcb_info_clear(&info);
	}
	assay_dcap_qvl_clear(&c);
	return 0;
}
