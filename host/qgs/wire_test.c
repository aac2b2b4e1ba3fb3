/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = QGS_LENGTH + QGS_REQUEST_MAX + 64, BODY = QGS_LENGTH + QGS_HEAD };

static uint8_t frame[ROOM];
static size_t len;

static void
put32(size_t at, uint32_t v)
{
	for (size_t i = 0; i < 4; i++, v >>= 8)
		frame[at + i] = (uint8_t)v;
}

static void
fill_report(uint8_t *r)
{
	memset(r, 'r', QGS_REPORT);
	memset(r, 0, 16);
	r[0] = 0x81;
	memset(r + 192, 0, 32);
	memset(r + 495, 0, 17);
}

static void
set_size(size_t size)
{
	len = QGS_LENGTH + size;
	qgs_put_length(frame, (uint32_t)size);
	put32(QGS_LENGTH + 8, (uint32_t)size);
}

/* A head, two sizes, and room for what they tell. */
static void
fill(uint32_t type, uint32_t first, uint32_t second)
{
	memset(frame, 0, sizeof frame);
	frame[4] = frame[6] = 1;
	put32(8, type);
	put32(BODY, first);
	put32(BODY + 4, second);
	if (type == QGS_QUOTE)
		fill_report(frame + BODY + 8);
	set_size(QGS_HEAD + (type == QGS_PLATFORM ? 0 : 8 + (size_t)first + second));
}

static enum qgs_error
read_it(struct qgs_request *q, const char **why)
{
	/* In memory of its own, so that a sanitizer sees the first byte behind it. */
	uint8_t *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, frame, len);
	enum qgs_error code = qgs_request_read(q, why, (struct assay_bytes){ copy, len });
	free(copy);
	return code;
}

static const struct {
	const char *name;
	uint32_t type, first, second;
	size_t at; /* a byte that is set, behind the length; 0: none */
	uint8_t value;
	enum qgs_error code;
	const char *why;
} requests[] = {
	{ "whole", QGS_QUOTE, 1024, 0, 0, 0, QGS_OK, NULL },
	{ "minor 0", QGS_QUOTE, 1024, 0, 2, 0, QGS_OK, NULL },
	{ "a later minor", QGS_QUOTE, 1024, 0, 2, 7, QGS_OK, NULL },
	{ "64 ids", QGS_QUOTE, 1024, 1024, 0, 0, QGS_OK, NULL },
	{ "65 ids", QGS_QUOTE, 1024, 1040, 0, 0, QGS_PARAMETER, "list of ids" },
	{ "half an id", QGS_QUOTE, 1024, 8, 0, 0, QGS_PARAMETER, "list of ids" },
	{ "a short report", QGS_QUOTE, 1023, 0, 0, 0, QGS_PARAMETER, "is not 1024 bytes" },
	{ "a long report", QGS_QUOTE, 1025, 0, 0, 0, QGS_PARAMETER, "is not 1024 bytes" },
	{ "major 2", QGS_QUOTE, 1024, 0, 0 + 1, 1, QGS_VERSION, NULL },
	{ "an answer", 1, 1024, 0, 0, 0, QGS_TYPE, NULL },
	{ "an unknown type", 6, 1024, 0, 0, 0, QGS_TYPE, NULL },
	{ "another size", QGS_QUOTE, 1024, 0, 8, 0x17, QGS_SIZE, NULL },
	{ "a code", QGS_QUOTE, 1024, 0, 12, 1, QGS_CODE, NULL },
	{ "sizes that do not add up", QGS_QUOTE, 1024, 0, 20, 1, QGS_SIZE, NULL },
	{ "a size beyond the end", QGS_QUOTE, 1024, 0, 19, 0xff, QGS_SIZE, NULL },
	{ "an SGX report", QGS_QUOTE, 1024, 0, 24, 0, QGS_PARAMETER, "another type than TDX" },
	{ "subtype 1", QGS_QUOTE, 1024, 0, 25, 1, QGS_PARAMETER, "subtype or version" },
	{ "version 1", QGS_QUOTE, 1024, 0, 26, 1, QGS_OK, NULL },
	{ "version 4", QGS_QUOTE, 1024, 0, 26, 4, QGS_PARAMETER, "subtype or version" },
	{ "reserved 3", QGS_QUOTE, 1024, 0, 24 + 3, 1, QGS_PARAMETER, "not zero" },
	{ "reserved 15", QGS_QUOTE, 1024, 0, 24 + 15, 1, QGS_PARAMETER, "not zero" },
	{ "CPUSVN", QGS_QUOTE, 1024, 0, 24 + 16, 1, QGS_OK, NULL },
	{ "report data", QGS_QUOTE, 1024, 0, 24 + 191, 1, QGS_OK, NULL },
	{ "reserved 192", QGS_QUOTE, 1024, 0, 24 + 192, 1, QGS_PARAMETER, "not zero" },
	{ "reserved 223", QGS_QUOTE, 1024, 0, 24 + 223, 1, QGS_PARAMETER, "not zero" },
	{ "MAC", QGS_QUOTE, 1024, 0, 24 + 224, 1, QGS_OK, NULL },
	{ "TEE_TCB_INFO", QGS_QUOTE, 1024, 0, 24 + 494, 1, QGS_OK, NULL },
	{ "reserved 495", QGS_QUOTE, 1024, 0, 24 + 495, 1, QGS_PARAMETER, "not zero" },
	{ "reserved 511", QGS_QUOTE, 1024, 0, 24 + 511, 1, QGS_PARAMETER, "not zero" },
	{ "TDINFO", QGS_QUOTE, 1024, 0, 24 + 512, 1, QGS_OK, NULL },
	{ "collateral", QGS_COLLATERAL, 6, 10, 0, 0, QGS_OK, NULL },
	{ "no fmspc", QGS_COLLATERAL, 0, 10, 0, 0, QGS_PARAMETER, NULL },
	{ "a long fmspc", QGS_COLLATERAL, 13, 10, 0, 0, QGS_PARAMETER, NULL },
	{ "no CA", QGS_COLLATERAL, 6, 0, 0, 0, QGS_PARAMETER, NULL },
	{ "a long CA", QGS_COLLATERAL, 6, 17, 0, 0, QGS_PARAMETER, NULL },
	{ "collateral, sizes", QGS_COLLATERAL, 6, 10, 16, 7, QGS_SIZE, NULL },
	{ "platform", QGS_PLATFORM, 0, 0, 0, 0, QGS_OK, NULL },
};

static void
test_requests(void **context)
{
	struct qgs_request q;
	const char *why;

	(void)context;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		fill(requests[i].type, requests[i].first, requests[i].second);
		if (requests[i].at != 0)
			frame[QGS_LENGTH + requests[i].at] = requests[i].value;
		enum qgs_error code = read_it(&q, &why);
		if (code != requests[i].code)
			fail_msg("%s: 0x%x", requests[i].name, (unsigned)code);
		if ((why != NULL) != (requests[i].why != NULL) ||
		    (why != NULL && strstr(why, requests[i].why) == NULL))
			fail_msg("%s: %s", requests[i].name, why != NULL ? why : "no words");
		assert_false(q.raw);
		assert_int_equal(q.minor, strcmp(requests[i].name, "minor 0") == 0 ? 0 : 1);
		assert_int_equal(
		    q.type, requests[i].code == QGS_TYPE ? (uint32_t)QGS_QUOTE : requests[i].type);
	}
}

/* Whatever is missing: refused, and with a size. */
static void
test_cut(void **context)
{
	static const uint32_t types[] = { QGS_QUOTE, QGS_COLLATERAL, QGS_PLATFORM };
	struct qgs_request q;
	const char *why;

	(void)context;
	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
		fill(types[t], types[t] == QGS_QUOTE ? 1024 : 6, types[t] == QGS_QUOTE ? 16 : 10);
		for (size_t whole = len; len-- > QGS_LENGTH;) {
			assert_int_equal(read_it(&q, &why), QGS_SIZE);
			size_t now = len;
			set_size(len - QGS_LENGTH); /* it says so itself */
			assert_int_equal(read_it(&q, &why), QGS_SIZE);
			set_size(whole - QGS_LENGTH);
			len = now;
		}
	}
	fill(QGS_PLATFORM, 0, 0);
	set_size(QGS_HEAD + 1);
	assert_int_equal(read_it(&q, &why), QGS_SIZE);
}

static void
test_raw(void **context)
{
	uint8_t made[QGS_HEAD + 8 + QGS_REPORT];
	struct qgs_request q;
	const char *why;

	(void)context;
	fill_report(frame);
	for (size_t have = 1; have <= QGS_LENGTH; have++)
		assert_int_equal(qgs_frame_size(frame, have), QGS_REPORT);
	len = QGS_REPORT;
	assert_int_equal(read_it(&q, &why), QGS_OK);
	assert_true(q.raw);
	frame[1] = 1;
	assert_int_equal(read_it(&q, &why), QGS_PARAMETER);
	assert_non_null(strstr(why, "subtype"));
	frame[1] = 0;
	/* What a service is asked then is what a guest of today sends. */
	qgs_quote_request(made, frame);
	fill(QGS_QUOTE, 1024, 0);
	assert_int_equal(len, QGS_LENGTH + sizeof made);
	assert_memory_equal(made, frame + QGS_LENGTH, sizeof made);
	assert_int_equal(qgs_frame_size(frame, 3), 0);
	assert_int_equal(qgs_frame_size(frame, 4), len);
	memset(frame, 0xff, 4);
	assert_int_equal(qgs_frame_size(frame, 4), 4 + (size_t)0xffffffff);
}

/* Byte by byte, as the vendor's library writes them. */
static void
test_refusals(void **context)
{
	static const struct {
		uint32_t type;
		uint16_t minor;
		size_t size;
	} cases[] = { { QGS_QUOTE, 1, 24 }, { QGS_QUOTE, 0, 24 }, { QGS_COLLATERAL, 1, 48 },
		{ QGS_COLLATERAL, 0, 44 }, { QGS_PLATFORM, 1, 28 } };
	uint8_t out[QGS_REFUSAL_MAX], want[QGS_REFUSAL_MAX];

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct qgs_request q = { .type = cases[i].type, .minor = cases[i].minor };
		const uint8_t head[] = { 0, 0, 0, (uint8_t)cases[i].size, 1, 0,
			(uint8_t)cases[i].minor, 0, (uint8_t)(cases[i].type + 1), 0, 0, 0,
			(uint8_t)cases[i].size, 0, 0, 0, 6, 0x20, 1, 0 };
		memset(want, 0, sizeof want);
		memcpy(want, head, sizeof head);
		assert_int_equal(qgs_refusal(out, &q, QGS_SIZE), 4 + cases[i].size);
		assert_memory_equal(out, want, 4 + cases[i].size);
	}
}

static const struct {
	const char *name;
	uint32_t type;
	size_t size;
	size_t at; /* of the byte that is set; 0: none */
	uint8_t value;
	const char *fault; /* NULL: none */
} answers[] = {
	{ "quote", QGS_QUOTE, 24 + 16 + 9, 0, 0, NULL },
	{ "no head", QGS_QUOTE, 15, 0, 0, "less than the head" },
	{ "major", QGS_QUOTE, 49, 1, 1, "major version" },
	{ "to another", QGS_COLLATERAL, 49, 0, 0, "another type" },
	{ "size", QGS_QUOTE, 48, 0, 0, "another size" },
	{ "id beyond the end", QGS_QUOTE, 49, 16, 0xff, "do not add up" },
	{ "quote beyond the end", QGS_QUOTE, 49, 23, 0xff, "do not add up" },
	{ "short quote", QGS_QUOTE, 49, 20, 8, "do not add up" },
	{ "refusal", QGS_QUOTE, 49, 12, 1, NULL },
};

static void
fill_answer(uint8_t m[64])
{
	static const uint8_t head[] = { 1, 0, 1, 0, 1, 0, 0, 0, 49, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0,
		0, 9, 0, 0, 0 };

	memset(m, 'i', 64);
	memcpy(m, head, sizeof head);
	memcpy(m + 40, "the quote", 9);
}

static void
test_answers(void **context)
{
	struct qgs_answer a;
	uint8_t m[64];

	(void)context;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		fill_answer(m);
		if (answers[i].at != 0)
			m[answers[i].at] = answers[i].value;
		const char *fault = qgs_answer_fault(
		    &a, answers[i].type, (struct assay_bytes){ m, answers[i].size });
		if ((fault == NULL) != (answers[i].fault == NULL) ||
		    (fault != NULL && strstr(fault, answers[i].fault) == NULL))
			fail_msg("%s: %s", answers[i].name, fault != NULL ? fault : "no fault");
	}
	assert_true(qgs_answer_length_ok(QGS_QUOTE, QGS_QUOTE_ANSWER_MAX));
	assert_false(qgs_answer_length_ok(QGS_QUOTE, QGS_QUOTE_ANSWER_MAX + 1));
	assert_true(qgs_answer_length_ok(QGS_COLLATERAL, QGS_ANSWER_MAX));
	assert_false(qgs_answer_length_ok(QGS_COLLATERAL, QGS_ANSWER_MAX + 1));
	assert_false(qgs_answer_length_ok(QGS_QUOTE, QGS_HEAD - 1));
}

/* A quote in the guest's minor version; bare for who asked so; a refusal without what stands behind it. */
static void
test_answer_frames(void **context)
{
	struct qgs_request q = { .type = QGS_QUOTE, .minor = 0 };
	struct qgs_answer a;
	uint8_t m[64];
	struct assay_bytes in = { m, 49 };

	(void)context;
	fill_answer(m);
	assert_null(qgs_answer_fault(&a, QGS_QUOTE, in));
	uint8_t *out = qgs_answer_frame(&len, &q, in, &a);
	assert_int_equal(len, 53);
	assert_memory_equal(out, "\0\0\0\x31\1\0\0\0", 8);
	assert_memory_equal(out + 8, m + 4, 45);
	free(out);
	q.raw = true;
	out = qgs_answer_frame(&len, &q, in, &a);
	assert_int_equal(len, 9);
	assert_memory_equal(out, "the quote", 9);
	free(out);
	m[12] = 5;
	assert_null(qgs_answer_fault(&a, QGS_QUOTE, in));
	assert_null(qgs_answer_frame(&len, &q, in, &a));
	q.raw = false;
	out = qgs_answer_frame(&len, &q, in, &a);
	assert_int_equal(len, 28);
	assert_int_equal(out[16], 5);
	free(out);
}

/* Sizes of collateral, with and without a version before them; and of what a platform is. */
static void
test_other_answers(void **context)
{
	uint8_t m[80] = { 1, 0, 1, 0, 3, 0, 0, 0, 55 };
	struct qgs_answer a;

	(void)context;
	for (uint8_t i = 0; i < 7; i++)
		m[20 + 4 * i] = 1;
	assert_null(qgs_answer_fault(&a, QGS_COLLATERAL, (struct assay_bytes){ m, 55 }));
	for (uint8_t n = 16; n < 55; n++) {
		m[8] = n;
		assert_non_null(qgs_answer_fault(&a, QGS_COLLATERAL, (struct assay_bytes){ m, n }));
	}
	m[8] = 56;
	assert_non_null(qgs_answer_fault(&a, QGS_COLLATERAL, (struct assay_bytes){ m, 56 }));
	m[2] = 0;
	m[8] = 51;
	memmove(m + 16, m + 20, 28);
	assert_null(qgs_answer_fault(&a, QGS_COLLATERAL, (struct assay_bytes){ m, 51 }));
	m[16] = 0xff;
	assert_non_null(qgs_answer_fault(&a, QGS_COLLATERAL, (struct assay_bytes){ m, 51 }));
	memset(m + 16, 0, sizeof m - 16);
	m[4] = 5;
	m[8] = 60;
	m[20] = m[24] = 16;
	assert_null(qgs_answer_fault(&a, QGS_PLATFORM, (struct assay_bytes){ m, 60 }));
	m[24] = 17;
	assert_non_null(qgs_answer_fault(&a, QGS_PLATFORM, (struct assay_bytes){ m, 60 }));
	m[8] = 27;
	assert_non_null(qgs_answer_fault(&a, QGS_PLATFORM, (struct assay_bytes){ m, 27 }));
}

/* Reports of real machines, where there are some. */
static void
test_captures(void **context)
{
	static const char *const names[] = { "dcap/tdreport/tdreport-intel-dcap.bin",
		"measure/tdreport_azure.bin", "measure/tdreport_version1.bin" };
	const char *root = getenv("ASSAY_VECTORS");
	uint8_t report[QGS_REPORT];
	char path[4096];

	(void)context;
	if (root == NULL) {
		print_message("# without ASSAY_VECTORS no reports of real machines\n");
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", root, names[i]);
		FILE *f = fopen(path, "rbe");
		if (f == NULL)
			fail_msg("%s", path);
		assert_int_equal(fread(report, 1, sizeof report, f), sizeof report);
		fclose(f);
		assert_null(qgs_report_fault(report));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answer_frames),
		cmocka_unit_test(test_other_answers),
		cmocka_unit_test(test_captures),
	};
	return cmocka_run_group_tests_name("qgs wire", tests, NULL, NULL);
}
