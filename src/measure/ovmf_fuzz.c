/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/ovmf.h"

#include <assay/measure.h>

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

static bool
is_within(struct assay_bytes part, const uint8_t *data, size_t size)
{
	return part.len == 0 ||
	    (part.ptr >= data && part.len <= size && part.ptr <= data + (size - part.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct ovmf_table table;
	struct ovmf_sev sev;
	size_t area = 0;

	if (accepted(assay_ovmf_table_parse(&table, in, &err), &err))
		for (size_t i = 0; i < table.count; i++)
			if (!is_within(table.entries[i].data, data, size) ||
			    assay_ovmf_table_find(&table, table.entries[i].guid.ptr) !=
				&table.entries[i])
				abort();
	if (accepted(assay_sev_secret_area(&area, in, &err), &err) != (area > 0))
		abort();
	if (!accepted(assay_ovmf_sev_parse(&sev, in, "ovmf", &err), &err))
		return 0;
	for (size_t i = 0; i < sev.item_count; i++)
		if (sev.items[i].gpa % OVMF_PAGE != 0 || sev.items[i].size % OVMF_PAGE != 0 ||
		    sev.items[i].size == 0)
			abort();
	return 0;
}
