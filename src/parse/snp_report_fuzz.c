/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/snp_report.h"

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
	struct snp_report rep;
	struct cert_table table;

	if (accepted(assay_snp_report_parse(&rep, in, &err), &err) &&
	    (!assay_snp_report_recognise(in) || rep.signed_part.ptr != data))
		abort();
	(void)assay_snp_report_recognise(in);
	(void)assay_cert_table_recognise(in);
	if (!accepted(assay_cert_table_parse(&table, in, &err), &err))
		return 0;
	for (size_t i = 0; i < table.count; i++) {
		struct assay_bytes part = table.entries[i].data;
		if (part.len == 0 || part.ptr < data + (table.count + 1) * 24 || part.len > size ||
		    part.ptr > data + size - part.len)
			abort();
	}
	return 0;
}
