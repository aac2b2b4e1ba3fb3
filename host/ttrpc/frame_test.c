/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aeb.h"
#include "alloc.h"
#include "message.h"

/* The frames of the public broker and its clients, byte by byte; written down from the protocol's text, and
 * from what its Rust server does: a status of success is there, and empty. */
static const uint8_t size_request[] = { 0, 0, 0, 46, 0, 0, 0, 1, 1, 0, /* the head */
	0x0a, 7, 'a', 'e', 'b', '.', 'A', 'E', 'B', 0x12, 31, 'R', 'e', 't', 'r', 'i', 'e', 'v',
	'e', 'A', 't', 't', 'e', 's', 't', 'a', 't', 'i', 'o', 'n', 'E', 'v', 'i', 'd', 'e', 'n',
	'c', 'e', 'S', 'i', 'z', 'e', 0x1a, 2, 0x08, 5 };
static const uint8_t size_response[] = { 0, 0, 0, 7, 0, 0, 0, 1, 2, 0, 0x0a, 0, 0x12, 3, 0x10, 0xbc,
	0x32 };
static const uint8_t refusal[] = { 0, 0, 0, 15, 0, 0, 0, 3, 2, 0, 0x0a, 13, 0x08, 12, 0x12, 9, 's',
	'e', 'r', 'v', 'i', 'c', 'e', ' ', 'x' };

static struct assay_bytes
body(const uint8_t *frame, size_t len)
{
	return (struct assay_bytes){ frame + TTRPC_HEAD, len - TTRPC_HEAD };
}

static void
test_head(void **context)
{
	static const uint8_t bytes[TTRPC_HEAD] = { 0x01, 0x02, 0x03, 0x04, 0xfe, 0xdc, 0xba, 0x98,
		0x03, 0x04 };
	uint8_t again[TTRPC_HEAD];
	struct ttrpc_frame f;

	(void)context;
	ttrpc_frame_read(&f, bytes);
	assert_int_equal(f.length, 0x01020304);
	assert_int_equal(f.stream, 0xfedcba98);
	assert_int_equal(f.type, TTRPC_DATA);
	assert_int_equal(f.flags, 4);
	ttrpc_frame_write(again, &f);
	assert_memory_equal(again, bytes, sizeof bytes);
}

static void
test_size_request(void **context)
{
	static struct ttrpc_request r;
	uint32_t handle = 0;
	size_t len = 0, payload_len = 0;

	(void)context;
	uint8_t *payload = aeb_size_request_write(&payload_len, 5);
	uint8_t *frame = ttrpc_request_write(
	    &len, 1, AEB_SERVICE, AEB_SIZE, (struct assay_bytes){ payload, payload_len }, 0);
	assert_int_equal(len, sizeof size_request);
	assert_memory_equal(frame, size_request, len);
	assert_true(ttrpc_request_read(&r, body(frame, len)));
	assert_string_equal(r.service, "aeb.AEB");
	assert_string_equal(r.method, "RetrieveAttestationEvidenceSize");
	assert_int_equal(r.timeout_ns, 0);
	assert_true(aeb_size_request_read(&handle, (struct assay_bytes){ r.payload, r.len }));
	assert_int_equal(handle, 5);
	free(payload);
	free(frame);
}

static void
test_size_response(void **context)
{
	struct ttrpc_response r = { 0 };
	uint32_t size = 0;
	size_t len = 0, payload_len = 0;

	(void)context;
	uint8_t *payload = aeb_size_response_write(&payload_len, AEB_EVIDENCE_SIZE);
	uint8_t *frame = ttrpc_response_write(
	    &len, 1, TTRPC_OK, NULL, (struct assay_bytes){ payload, payload_len });
	assert_int_equal(len, sizeof size_response);
	assert_memory_equal(frame, size_response, len);
	assert_true(ttrpc_response_read(&r, body(frame, len)));
	assert_int_equal(r.code, TTRPC_OK);
	assert_true(aeb_size_response_read(&size, (struct assay_bytes){ r.payload, r.len }));
	assert_int_equal(size, 6460);
	free(r.payload);
	free(payload);
	free(frame);
}

static void
test_refusal(void **context)
{
	struct ttrpc_response r = { 0 };
	size_t len = 0;

	(void)context;
	uint8_t *frame = ttrpc_response_write(
	    &len, 3, TTRPC_UNIMPLEMENTED, "service x", (struct assay_bytes){ NULL, 0 });
	assert_int_equal(len, sizeof refusal);
	assert_memory_equal(frame, refusal, len);
	assert_true(ttrpc_response_read(&r, body(frame, len)));
	assert_int_equal(r.code, 12);
	assert_string_equal(r.message, "service x");
	assert_int_equal(r.len, 0);
	free(r.payload);
	free(frame);
}

/* containerd's own sample of a request: with a time and metadata, which are passed over. */
static void
test_foreign_request(void **context)
{
	static const uint8_t sample[] = { 10, 17, 103, 114, 112, 99, 46, 84, 101, 115, 116, 83, 101,
		114, 118, 105, 99, 101, 115, 18, 4, 84, 101, 115, 116, 26, 9, 1, 2, 3, 4, 5, 6, 7,
		8, 9, 32, 128, 218, 196, 9, 42, 24, 10, 9, 116, 101, 115, 116, 95, 107, 101, 121,
		49, 18, 11, 116, 101, 115, 116, 95, 118, 97, 108, 117, 101, 49 };
	static struct ttrpc_request r;

	(void)context;
	assert_true(ttrpc_request_read(&r, (struct assay_bytes){ sample, sizeof sample }));
	assert_string_equal(r.service, "grpc.TestServices");
	assert_string_equal(r.method, "Test");
	assert_int_equal(r.len, 9);
	assert_int_equal(r.timeout_ns, 20000000);
}

static struct aeb_request
bound_request(void)
{
	struct aeb_request r = { .evidence_size = AEB_DEVICE_SIZE, .bound = true };

	memset(r.report_data, 0xaa, sizeof r.report_data);
	memset(r.key_digest, 0xbb, sizeof r.key_digest);
	return r;
}

static void
test_evidence_request(void **context)
{
	const struct aeb_request r = bound_request();
	struct aeb_request back = { 0 };
	size_t len = 0;
	uint8_t *bytes = aeb_request_write(&len, &r);

	(void)context;
	/* 2: 6461; 3: 64 bytes; 4: 32 bytes */
	assert_int_equal(len, 3 + 2 + 64 + 2 + 32);
	assert_memory_equal(bytes, "\x10\xbd\x32\x1a\x40\xaa", 6);
	assert_memory_equal(bytes + 69, "\x22\x20\xbb", 3);
	assert_true(aeb_request_read(&back, (struct assay_bytes){ bytes, len }));
	assert_memory_equal(back.report_data, r.report_data, 64);
	assert_memory_equal(back.key_digest, r.key_digest, 32);
	assert_true(back.bound);
	assert_int_equal(back.evidence_size, 6461);
	/* One of the two alone, or of another length: no request. */
	assert_false(aeb_request_read(&back, (struct assay_bytes){ bytes, 69 }));
	assert_false(aeb_request_read(&back, (struct assay_bytes){ bytes + 69, 34 }));
	bytes[4] = 63;
	assert_false(aeb_request_read(&back, (struct assay_bytes){ bytes, len }));
	free(bytes);
}

static void
test_evidence_response(void **context)
{
	static struct aeb_evidence e = { .len = AEB_EVIDENCE_SIZE, .binding = "nonce" }, back;
	size_t len = 0;

	(void)context;
	memset(e.bytes, 7, sizeof e.bytes);
	uint8_t *bytes = aeb_response_write(&len, &e);
	/* 2: 6460; 3: so many bytes; 4: "nonce". No error code: theirs never has one. */
	assert_memory_equal(bytes, "\x10\xbc\x32\x1a\xbc\x32\x07", 7);
	assert_memory_equal(bytes + 6 + 6460, "\x22\x05nonce", 7);
	assert_int_equal(len, 6 + 6460 + 7);
	assert_true(aeb_response_read(&back, (struct assay_bytes){ bytes, len }));
	assert_int_equal(back.len, 6460);
	assert_string_equal(back.binding, "nonce");
	free(bytes);
}

static void
test_limits(void **context)
{
	static uint8_t big[TTRPC_REQUEST_MAX + 1];
	static struct ttrpc_request r;
	size_t len;

	(void)context;
	memset(big, 0x0a, sizeof big);
	assert_false(ttrpc_request_read(&r, (struct assay_bytes){ big, sizeof big }));
	assert_null(
	    ttrpc_request_write(&len, 1, "a", "b", (struct assay_bytes){ big, sizeof big }, 0));
}

/* Names of strangers come back in answers and go into logs. */
static void
test_names(void **context)
{
	uint8_t bytes[400] = { 0x0a, 0xac, 0x02 }; /* a service of 300 bytes */
	static struct ttrpc_request r;

	(void)context;
	memset(bytes + 3, 'a', 300);
	bytes[3] = '\n';
	bytes[4] = 0xc3;
	assert_true(ttrpc_request_read(&r, (struct assay_bytes){ bytes, 303 }));
	assert_int_equal(strlen(r.service), TTRPC_NAME_ROOM - 1);
	assert_memory_equal(r.service, "??aaa", 5);
}

/* No part of a message is the message; whatever a flipped bit makes of it is read without harm. */
static void
test_cut_and_flipped(void **context)
{
	static struct ttrpc_request r;
	uint8_t copy[sizeof size_request];
	size_t n = sizeof size_request - TTRPC_HEAD;
	uint32_t handle;

	(void)context;
	for (size_t i = 1; i < n; i++)
		if (ttrpc_request_read(&r, (struct assay_bytes){ size_request + TTRPC_HEAD, i }))
			assert_true(i == 9 || i == 42); /* between two fields */
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(copy, size_request, sizeof copy);
		copy[TTRPC_HEAD + bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (ttrpc_request_read(&r, (struct assay_bytes){ copy + TTRPC_HEAD, n }))
			(void)aeb_size_request_read(
			    &handle, (struct assay_bytes){ r.payload, r.len });
	}
}

static bool
all_of_it(void)
{
	static struct ttrpc_request r;
	static struct aeb_evidence e = { .len = AEB_EVIDENCE_SIZE };
	struct ttrpc_response response = { 0 };
	const struct aeb_request bound = bound_request();
	size_t len = 0, size = 0;
	uint8_t *payload = aeb_request_write(&len, &bound), *frame = NULL;
	bool ok = payload != NULL &&
	    (frame = ttrpc_request_write(
		 &size, 1, "s", "m", (struct assay_bytes){ payload, len }, 0)) != NULL &&
	    ttrpc_request_read(&r, body(frame, size));

	free(payload);
	free(frame);
	if (!ok || (payload = aeb_response_write(&len, &e)) == NULL)
		return false;
	frame = ttrpc_response_write(&size, 1, 0, NULL, (struct assay_bytes){ payload, len });
	ok = frame != NULL && ttrpc_response_read(&response, body(frame, size)) &&
	    aeb_response_read(&e, (struct assay_bytes){ response.payload, response.len });
	free(response.payload);
	free(payload);
	free(frame);
	return ok;
}

static void
test_no_memory(void **context)
{
	size_t n = 1;

	(void)context;
	for (; alloc_fail_at(n), !all_of_it(); n++)
		assert_true(alloc_failed());
	assert_true(n > 4);
	alloc_fail_at(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_size_request),
		cmocka_unit_test(test_size_response),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_foreign_request),
		cmocka_unit_test(test_evidence_request),
		cmocka_unit_test(test_evidence_response),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cut_and_flipped),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests_name("ttrpc", tests, NULL, NULL);
}
