/* SPDX-License-Identifier: Apache-2.0 */
/* What the host answers: QGS messages, the device's answer, its certificate table, collateral, and
 * what system call 0xEA01 gives. The first byte picks the parser. */
#include "internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
explained(enum assay_code rc, const struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code == ASSAY_OK || err->text[0] == '\0'))
		abort();
}

static void
inside(struct assay_bytes part, struct assay_bytes in)
{
	if (part.len > 0 && (part.ptr < in.ptr || part.ptr + part.len > in.ptr + in.len))
		abort();
}

static void
fuzz_qgs(struct assay_bytes in, enum qgs_type type)
{
	struct assay_error err = { .code = ASSAY_OK };
	struct qgs_answer a = { .quote = { NULL, 0 } };
	struct guest_blob pem = { NULL, 0 };
	enum assay_code rc = assay_qgs_answer_parse(&a, type, in, &err);

	explained(rc, &err);
	if (rc != ASSAY_OK)
		return;
	inside(a.quote, in);
	for (size_t i = 0; i < QGS_COLLATERAL_BLOBS; i++)
		inside(a.collateral[i], in);
	if (type == QGS_COLLATERAL)
		explained(assay_guest_pem(&pem, a.collateral, QGS_COLLATERAL_BLOBS, &err), &err);
	guest_blob_clear(&pem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_bytes in = { data + 1, size - 1 }, out = { NULL, 0 };
	struct assay_error err = { .code = ASSAY_OK };
	struct guest_blob pem = { NULL, 0 };
	struct guest_platform platform;
	const char *tee;
	char address[128];
	size_t len = 0;

	if (size == 0)
		return 0;
	switch (data[0] % 8) {
	case 0:
		fuzz_qgs(in, QGS_QUOTE);
		break;
	case 1:
		fuzz_qgs(in, QGS_COLLATERAL);
		break;
	case 2:
		explained(assay_snp_answer_parse(&out, in, &err), &err);
		inside(out, in);
		break;
	case 3:
		explained(assay_snp_table_trim(&len, in, &err), &err);
		if (len > in.len)
			abort();
		break;
	case 4:
		explained(assay_enarx_parse(&out, &tee, ASSAY_TECHNOLOGY_SEV, in, &err), &err);
		inside(out, in);
		break;
	case 5:
		explained(assay_guest_pem(&pem, &in, 1, &err), &err);
		guest_blob_clear(&pem);
		break;
	case 6:
		explained(assay_guest_platform(&platform, in, &err), &err);
		break;
	default:
		assay_qgs_address_of_conf(address, sizeof address, in);
		if (address[0] != '\0' && !assay_qgs_address_ok(address))
			abort();
		break;
	}
	return 0;
}
