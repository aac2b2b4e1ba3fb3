/* SPDX-License-Identifier: Apache-2.0 */
#include "aeb.h"

#include <stdlib.h>
#include <string.h>

#include "aeb.pb-c.h"

static uint8_t *
pack(size_t *len, const ProtobufCMessage *m)
{
	size_t size = protobuf_c_message_get_packed_size(m);
	uint8_t *out = malloc(size + 1);

	if (out != NULL)
		*len = protobuf_c_message_pack(m, out);
	return out;
}

bool
aeb_size_request_read(uint32_t *handle, struct assay_bytes in)
{
	Aeb__SizeRequest *m = aeb__size_request__unpack(NULL, in.len, in.ptr);

	if (m == NULL)
		return false;
	*handle = m->guest_handle;
	aeb__size_request__free_unpacked(m, NULL);
	return true;
}

bool
aeb_request_read(struct aeb_request *out, struct assay_bytes in)
{
	Aeb__EvidenceRequest *m = aeb__evidence_request__unpack(NULL, in.len, in.ptr);
	struct aeb_request r = { 0 };
	bool ok = m != NULL &&
	    ((m->report_data.len == AEB_REPORT_DATA && m->key_digest.len == AEB_KEY_DIGEST) ||
		(m->report_data.len == 0 && m->key_digest.len == 0));

	if (ok) {
		r.handle = m->guest_handle;
		r.evidence_size = m->evidence_size;
		r.bound = m->report_data.len > 0;
		if (r.bound) {
			memcpy(r.report_data, m->report_data.data, AEB_REPORT_DATA);
			memcpy(r.key_digest, m->key_digest.data, AEB_KEY_DIGEST);
		}
		*out = r;
	}
	if (m != NULL)
		aeb__evidence_request__free_unpacked(m, NULL);
	return ok;
}

bool
aeb_size_response_read(uint32_t *size, struct assay_bytes in)
{
	Aeb__SizeResponse *m = aeb__size_response__unpack(NULL, in.len, in.ptr);

	if (m == NULL)
		return false;
	*size = m->evidence_size;
	aeb__size_response__free_unpacked(m, NULL);
	return true;
}

bool
aeb_response_read(struct aeb_evidence *out, struct assay_bytes in)
{
	Aeb__EvidenceResponse *m = aeb__evidence_response__unpack(NULL, in.len, in.ptr);
	bool ok = m != NULL && m->error_code == 0 &&
	    (m->evidence.len == AEB_EVIDENCE_SIZE || m->evidence.len == AEB_DEVICE_SIZE) &&
	    strlen(m->binding) < AEB_BINDING_ROOM;

	if (ok) {
		*out = (struct aeb_evidence){ .len = m->evidence.len };
		memcpy(out->bytes, m->evidence.data, out->len);
		memcpy(out->binding, m->binding, strlen(m->binding));
	}
	if (m != NULL)
		aeb__evidence_response__free_unpacked(m, NULL);
	return ok;
}

uint8_t *
aeb_size_request_write(size_t *len, uint32_t handle)
{
	Aeb__SizeRequest m;

	aeb__size_request__init(&m);
	m.guest_handle = handle;
	return pack(len, &m.base);
}

uint8_t *
aeb_request_write(size_t *len, const struct aeb_request *r)
{
	Aeb__EvidenceRequest m;
	struct aeb_request copy = *r; /* protobuf-c wants what it could write to */

	aeb__evidence_request__init(&m);
	m.guest_handle = copy.handle;
	m.evidence_size = copy.evidence_size;
	if (copy.bound) {
		m.report_data = (ProtobufCBinaryData){ AEB_REPORT_DATA, copy.report_data };
		m.key_digest = (ProtobufCBinaryData){ AEB_KEY_DIGEST, copy.key_digest };
	}
	return pack(len, &m.base);
}

uint8_t *
aeb_size_response_write(size_t *len, uint32_t size)
{
	Aeb__SizeResponse m;

	aeb__size_response__init(&m);
	m.evidence_size = size;
	return pack(len, &m.base);
}

uint8_t *
aeb_response_write(size_t *len, const struct aeb_evidence *e)
{
	Aeb__EvidenceResponse m;
	struct aeb_evidence copy = *e;

	aeb__evidence_response__init(&m);
	m.evidence_size = (uint32_t)copy.len;
	m.evidence = (ProtobufCBinaryData){ copy.len, copy.bytes };
	m.binding = copy.binding;
	return pack(len, &m.base);
}
