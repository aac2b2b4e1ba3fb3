/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct assay_bytes part, struct assay_bytes whole)
{
	if (part.len > 0 &&
	    (part.ptr < whole.ptr || part.len > whole.len ||
		part.ptr + part.len > whole.ptr + whole.len))
		abort();
}

/* What is read of an answer stays inside it, and what the guest gets of it is an answer again. */
static void
try_answer(const struct qgs_request *q, struct assay_bytes in)
{
	struct qgs_answer a, again;
	size_t len = 0;

	if (qgs_answer_fault(&a, q->type, in) != NULL)
		return;
	inside(a.quote, in);
	uint8_t *frame = qgs_answer_frame(&len, q, in, &a);
	if (frame == NULL)
		return;
	if (!q->raw &&
	    (len < QGS_LENGTH + QGS_HEAD || qgs_get_length(frame) != len - QGS_LENGTH ||
		qgs_answer_fault(&again, q->type,
		    (struct assay_bytes){ frame + QGS_LENGTH, len - QGS_LENGTH }) != NULL ||
		again.code != a.code || again.quote.len != a.quote.len))
		abort();
	free(frame);
}

/* The same bytes as a request, and as an answer to each. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t types[] = { QGS_QUOTE, QGS_COLLATERAL, QGS_PLATFORM };
	uint8_t refusal[QGS_REFUSAL_MAX];
	struct qgs_request q;
	struct qgs_answer a;
	const char *why;

	size_t whole = qgs_frame_size(data, size < QGS_LENGTH ? size : QGS_LENGTH);
	if (whole == 0)
		return 0;
	struct assay_bytes frame = { data, whole < size ? whole : size };
	if (frame.len < QGS_LENGTH)
		return 0;
	enum qgs_error code = qgs_request_read(&q, &why, frame);
	if ((code == QGS_PARAMETER && q.type == QGS_QUOTE) != (why != NULL))
		abort();
	if (code == QGS_OK && q.type == QGS_QUOTE) {
		inside(q.report, frame);
		if (q.report.len != QGS_REPORT)
			abort();
	}
	size_t len = qgs_refusal(refusal, &q, code != QGS_OK ? code : QGS_UNEXPECTED);
	if (len > sizeof refusal ||
	    qgs_answer_fault(&a, q.type,
		(struct assay_bytes){ refusal + QGS_LENGTH, len - QGS_LENGTH }) != NULL ||
	    a.code == QGS_OK)
		abort();
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		q.type = types[i];
		q.raw = q.raw && q.type == QGS_QUOTE;
		try_answer(&q, (struct assay_bytes){ data + QGS_LENGTH, size - QGS_LENGTH });
	}
	return 0;
}
