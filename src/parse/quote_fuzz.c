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

/* A slice lies inside the input. */
static void
inside(struct assay_bytes part, const uint8_t *data, size_t size)
{
	if (part.len > 0 &&
	    (part.ptr < data || part.len > size || part.ptr > data + size - part.len))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct quote q;

	if (!accepted(assay_quote_parse(&q, in, &err), &err))
		return 0;
	inside(q.body, data, size);
	inside(q.qe_auth_data, data, size);
	inside(q.cert_data, data, size);
	inside(q.padding, data, size);
	if (q.size + q.padding.len != size || q.signed_part.ptr != data ||
	    q.signed_part.len >= size || q.signature.len != 64 || q.attestation_key.len != 64 ||
	    q.qe_report_bytes.len != SGX_REPORT_SIZE || q.qe_report_signature.len != 64 ||
	    !assay_quote_recognise(in, q.tee_type))
		abort();
	return 0;
}
