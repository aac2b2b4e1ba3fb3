/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "ttrpc.pb-c.h"

/* A stranger's text goes into logs and back over the wire. */
static void
copy_text(char *out, size_t room, const char *in)
{
	size_t n = 0;

	for (; n < room - 1 && in[n] != '\0'; n++)
		out[n] = in[n] >= 0x20 && in[n] < 0x7f ? in[n] : '?';
	out[n] = '\0';
}

/* protobuf-c only reads through it. */
static ProtobufCBinaryData
binary(struct assay_bytes in)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = { .in = in.ptr };

	return (ProtobufCBinaryData){ in.len, u.out };
}

static char *
text(const char *in)
{
	union {
		const char *in;
		char *out;
	} u = { .in = in };

	return u.out;
}

static uint8_t *
frame(size_t *len, uint32_t stream, uint8_t type, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *out = size <= TTRPC_LENGTH_MAX ? malloc(TTRPC_HEAD + size) : NULL;

	if (out == NULL)
		return NULL;
	ttrpc_frame_write(out, &(struct ttrpc_frame){ (uint32_t)size, stream, type, 0 });
	protobuf_c_message_pack(message, out + TTRPC_HEAD);
	*len = TTRPC_HEAD + size;
	return out;
}

bool
ttrpc_request_read(struct ttrpc_request *out, struct assay_bytes in)
{
	Ttrpc__Request *m =
	    in.len <= TTRPC_REQUEST_MAX ? ttrpc__request__unpack(NULL, in.len, in.ptr) : NULL;

	if (m == NULL)
		return false;
	copy_text(out->service, sizeof out->service, m->service);
	copy_text(out->method, sizeof out->method, m->method);
	out->timeout_ns = m->timeout_nano;
	out->len = m->payload.len; /* it came out of the message: not more than that */
	if (out->len > 0)
		memcpy(out->payload, m->payload.data, out->len);
	ttrpc__request__free_unpacked(m, NULL);
	return true;
}

uint8_t *
ttrpc_request_write(size_t *len, uint32_t stream, const char *service, const char *method,
    struct assay_bytes payload, int64_t timeout_ns)
{
	Ttrpc__Request m;

	ttrpc__request__init(&m);
	m.service = text(service);
	m.method = text(method);
	m.payload = binary(payload);
	m.timeout_nano = timeout_ns;
	if (ttrpc__request__get_packed_size(&m) > TTRPC_REQUEST_MAX)
		return NULL;
	return frame(len, stream, TTRPC_REQUEST, &m.base);
}

bool
ttrpc_response_read(struct ttrpc_response *out, struct assay_bytes in)
{
	Ttrpc__Response *m =
	    in.len <= TTRPC_LENGTH_MAX ? ttrpc__response__unpack(NULL, in.len, in.ptr) : NULL;
	struct ttrpc_response r = { 0 };
	bool ok = m != NULL && (r.payload = malloc(m->payload.len + 1)) != NULL;

	if (ok) {
		r.code = m->status != NULL ? m->status->code : TTRPC_OK;
		copy_text(r.message, sizeof r.message, m->status != NULL ? m->status->message : "");
		r.len = m->payload.len;
		if (r.len > 0)
			memcpy(r.payload, m->payload.data, r.len);
		*out = r;
	}
	if (m != NULL)
		ttrpc__response__free_unpacked(m, NULL);
	return ok;
}

uint8_t *
ttrpc_response_write(
    size_t *len, uint32_t stream, int32_t code, const char *message, struct assay_bytes payload)
{
	Ttrpc__Status status;
	Ttrpc__Response m;

	ttrpc__status__init(&status);
	ttrpc__response__init(&m);
	status.code = code;
	if (message != NULL)
		status.message = text(message);
	m.status = &status;
	m.payload = binary(payload);
	return frame(len, stream, TTRPC_RESPONSE, &m.base);
}
