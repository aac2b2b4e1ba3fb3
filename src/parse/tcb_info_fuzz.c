/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/tcb.h"

#include <string.h>

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

/* The signed bytes are one object of the input, and the levels are in order. */
static void
check(const struct tcb_info *info, const uint8_t *data, size_t size)
{
	struct assay_bytes span = info->doc.span;

	if (span.len < 2 || span.len > size || span.ptr < data ||
	    span.ptr > data + size - span.len || span.ptr[0] != '{' ||
	    span.ptr[span.len - 1] != '}')
		abort();
	for (size_t i = 1; i < info->level_count; i++)
		if (memcmp(info->levels[i - 1].sgx, info->levels[i].sgx, TCB_COMPONENTS) < 0)
			abort();
	for (size_t i = 0; i < info->module_count; i++)
		for (size_t j = 1; j < info->modules[i].level_count; j++)
			if (info->modules[i].levels[j - 1].isv_svn <=
			    info->modules[i].levels[j].isv_svn)
				abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct tcb_info info;

	if (!accepted(assay_tcb_info_parse(&info, in, "fuzz", &err), &err))
		return 0;
	check(&info, data, size);
	if (assay_json_kind(in) != ASSAY_JSON_TCB_INFO)
		abort();
	assay_tcb_info_clear(&info);
	return 0;
}
