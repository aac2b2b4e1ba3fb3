/* SPDX-License-Identifier: Apache-2.0 */
/* What is said over attest.sock, of both sides. The first byte picks the side, and what was asked for. */
#include "agent_wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
explained(enum assay_code rc, const struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
}

static void
request(struct assay_bytes in)
{
	uint8_t again[ATTEST_REQUEST];
	struct attest_request r;
	struct assay_error err = { .code = ASSAY_OK };
	enum assay_code rc = assay_attest_request_parse(&r, in, &err);

	explained(rc, &err);
	if (rc != ASSAY_OK)
		return;
	assay_attest_request_write(again, r.op, r.report_data);
	if (in.len != sizeof again || memcmp(again, in.ptr, sizeof again) != 0)
		abort();
}

static void
answer(struct assay_bytes in, enum attest_op op)
{
	static uint8_t again[ATTEST_ANSWER_MAX];
	struct attest_answer a;
	struct assay_error err = { .code = ASSAY_OK };
	enum assay_code rc = assay_attest_answer_parse(&a, op, in, &err);

	explained(rc, &err);
	if (rc != ASSAY_OK)
		return;
	size_t len = assay_attest_answer_write(again, sizeof again, &a);
	if (in.len != len || memcmp(again, in.ptr, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct assay_bytes in = { data + 1, size - 1 };
	if (data[0] % 4 == 0)
		request(in);
	else
		answer(in, (enum attest_op)(data[0] % 4));
	return 0;
}
