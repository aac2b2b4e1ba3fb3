/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "aeb.h"
#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_request(struct assay_bytes in)
{
	static struct ttrpc_request r, again;
	struct aeb_request a;
	uint32_t handle;
	size_t len = 0;

	if (!ttrpc_request_read(&r, in))
		return;
	if (r.len > in.len || strlen(r.service) >= TTRPC_NAME_ROOM)
		abort();
	(void)aeb_size_request_read(&handle, (struct assay_bytes){ r.payload, r.len });
	(void)aeb_request_read(&a, (struct assay_bytes){ r.payload, r.len });
	uint8_t *frame = ttrpc_request_write(
	    &len, 1, r.service, r.method, (struct assay_bytes){ r.payload, r.len }, r.timeout_ns);
	if (frame == NULL)
		return;
	if (!ttrpc_request_read(
		&again, (struct assay_bytes){ frame + TTRPC_HEAD, len - TTRPC_HEAD }) ||
	    strcmp(again.method, r.method) != 0 || again.len != r.len ||
	    memcmp(again.payload, r.payload, r.len) != 0)
		abort();
	free(frame);
}

static void
try_response(struct assay_bytes in)
{
	static struct aeb_evidence e;
	struct ttrpc_response r = { 0 };
	uint32_t size;

	if (!ttrpc_response_read(&r, in))
		return;
	(void)aeb_size_response_read(&size, (struct assay_bytes){ r.payload, r.len });
	if (aeb_response_read(&e, (struct assay_bytes){ r.payload, r.len }) &&
	    e.len != AEB_EVIDENCE_SIZE && e.len != AEB_DEVICE_SIZE)
		abort();
	free(r.payload);
}

/* A head, then the message: what is read can be written and read again. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ttrpc_frame f;
	uint8_t head[TTRPC_HEAD];

	if (size < TTRPC_HEAD)
		return 0;
	ttrpc_frame_read(&f, data);
	ttrpc_frame_write(head, &f);
	if (memcmp(head, data, TTRPC_HEAD) != 0)
		abort();
	try_request((struct assay_bytes){ data + TTRPC_HEAD, size - TTRPC_HEAD });
	try_response((struct assay_bytes){ data + TTRPC_HEAD, size - TTRPC_HEAD });
	return 0;
}
