/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/sev.h"

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
	struct sev_cert cert;
	struct amd_cert amd;
	struct sev_report rep;

	if (accepted(assay_sev_cert_parse(&cert, in, "fuzz", &err), &err)) {
		if (!assay_sev_cert_recognise(in) || cert.public.raw.ptr != cert.key ||
		    cert.public.raw.len > sizeof cert.key)
			abort();
		for (int i = 0; i < 2; i++)
			if (cert.signatures[i].len > sizeof cert.signatures[i].raw)
				abort();
	}
	if (accepted(assay_amd_cert_parse(&amd, in, "fuzz", &err), &err) &&
	    (assay_amd_cert_length(in) != size || amd.public.raw.ptr != amd.modulus))
		abort();
	if (assay_amd_cert_length(in) > size)
		abort();
	(void)accepted(assay_sev_report_parse(&rep, in, &err), &err);
	(void)assay_sev_report_recognise(in);
	return 0;
}
