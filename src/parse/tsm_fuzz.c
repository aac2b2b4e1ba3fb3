/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/tsm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(enum assay_code rc, const struct assay_error *err, struct tsm_report *tsm)
{
	if (rc != ASSAY_OK) {
		if (err->code != rc || err->text[0] == '\0')
			abort();
		return;
	}
	if (tsm->outblob.len == 0 || tsm->provider[0] == '\0' ||
	    tsm->svsm != (tsm->manifestblob.len > 0))
		abort();
	assay_tsm_clear(tsm);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct tsm_report tsm;

	(void)assay_tsm_recognise(in);
	check(assay_tsm_parse_json(&tsm, in, "fuzz", &err), &err, &tsm);
	check(assay_tsm_parse_cbor(&tsm, in, "fuzz", &err), &err, &tsm);
	return 0;
}
