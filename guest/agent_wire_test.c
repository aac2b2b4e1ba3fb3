/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_wire.h"

#include <stdlib.h>
#include <string.h>

#include "core/core.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct assay_bytes
bytes(const uint8_t *ptr, size_t len)
{
	return (struct assay_bytes){ ptr, len };
}

static void
test_request(void **state)
{
	uint8_t data[ATTEST_REPORT_DATA], packet[ATTEST_REQUEST + 1] = { 0 };
	struct attest_request r;
	struct assay_error err;

	(void)state;
	memset(data, 0x5a, sizeof data);
	assay_attest_request_write(packet, ATTEST_OP_EVIDENCE, data);
	assert_int_equal(
	    assay_attest_request_parse(&r, bytes(packet, ATTEST_REQUEST), &err), ASSAY_OK);
	assert_int_equal(r.op, ATTEST_OP_EVIDENCE);
	assert_memory_equal(r.report_data, data, sizeof data);
	for (size_t len = 0; len <= sizeof packet; len++)
		if (len != ATTEST_REQUEST) {
			assert_int_equal(assay_attest_request_parse(&r, bytes(packet, len), &err),
			    ASSAY_E_FORMAT);
			assert_non_null(strstr(err.text, "bytes, want 68"));
		}
}

static void
test_request_cases(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ 0, 0, ASSAY_E_UNSUPPORTED, "version is 0, want 1" },
		{ 0, 2, ASSAY_E_UNSUPPORTED, "version is 2, want 1" },
		{ 1, 0, ASSAY_E_FORMAT, "asks for 0" },
		{ 1, 4, ASSAY_E_FORMAT, "asks for 4" },
		{ 2, 1, ASSAY_E_FORMAT, "must be zero" },
		{ 3, 1, ASSAY_E_FORMAT, "must be zero" },
		{ 4, 1, ASSAY_E_FORMAT, "must be zero" },
		{ 67, 0x80, ASSAY_E_FORMAT, "must be zero" },
	};
	uint8_t packet[ATTEST_REQUEST];
	struct attest_request r;
	struct assay_error err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assay_attest_request_write(packet, ATTEST_OP_KEY, NULL);
		assert_int_equal(
		    assay_attest_request_parse(&r, bytes(packet, sizeof packet), &err), ASSAY_OK);
		packet[cases[i].at] = cases[i].value;
		assert_int_equal(assay_attest_request_parse(&r, bytes(packet, sizeof packet), &err),
		    cases[i].code);
		assert_non_null(strstr(err.text, cases[i].words));
	}
}

static size_t
answer(uint8_t *out, size_t room, enum attest_status status, enum attest_tee tee, size_t first,
    size_t proof)
{
	static uint8_t filler[2 * ATTEST_ANSWER_MAX];
	const struct attest_answer a = { status, tee, { filler, first }, { filler, proof } };

	memset(filler, 'f', sizeof filler);
	return assay_attest_answer_write(out, room, &a);
}

static void
test_answer(void **state)
{
	static const struct {
		const char *name;
		enum attest_op op;
		enum attest_status status;
		enum attest_tee tee;
		size_t first, proof;
		const char *words; /* NULL: it is one */
	} cases[] = {
		{ "evidence", ATTEST_OP_EVIDENCE, ATTEST_OK, 2, ATTEST_EVIDENCE, 1, NULL },
		{ "the most", ATTEST_OP_EVIDENCE, ATTEST_OK, 1, ATTEST_EVIDENCE, 4096, NULL },
		{ "no proof", ATTEST_OP_EVIDENCE, ATTEST_OK, 2, ATTEST_EVIDENCE, 0, "parts of" },
		{ "long proof", ATTEST_OP_EVIDENCE, ATTEST_OK, 2, ATTEST_EVIDENCE, 4097, "parts" },
		{ "short", ATTEST_OP_EVIDENCE, ATTEST_OK, 2, ATTEST_EVIDENCE - 1, 9, "parts of" },
		{ "of no TEE", ATTEST_OP_EVIDENCE, ATTEST_OK, 0, ATTEST_EVIDENCE, 9, "no TEE" },
		{ "key", ATTEST_OP_KEY, ATTEST_OK, 0, 138, 0, NULL },
		{ "long key", ATTEST_OP_KEY, ATTEST_OK, 2, ATTEST_KEY_MAX + 1, 0, "parts of" },
		{ "no key", ATTEST_OP_KEY, ATTEST_OK, 2, 0, 0, "parts of" },
		{ "key with proof", ATTEST_OP_KEY, ATTEST_OK, 2, 138, 1, "parts of" },
		{ "TEE", ATTEST_OP_TEE, ATTEST_OK, 1, 0, 0, NULL },
		{ "no TEE", ATTEST_OP_TEE, ATTEST_OK, 0, 0, 0, "no TEE" },
		{ "TEE and more", ATTEST_OP_TEE, ATTEST_OK, 1, 1, 0, "parts of" },
		{ "refusal", ATTEST_OP_KEY, ATTEST_REFUSED, 0, 20, 0, NULL },
		{ "silent refusal", ATTEST_OP_KEY, ATTEST_REFUSED, 0, 0, 0, "parts of" },
		{ "long refusal", ATTEST_OP_KEY, ATTEST_REFUSED, 0, 257, 0, "parts of" },
		{ "status", ATTEST_OP_KEY, ATTEST_STATUSES, 0, 20, 0, "status 6" },
		{ "TEE 3", ATTEST_OP_TEE, ATTEST_OK, 3, 0, 0, "TEE 3" },
	};
	static uint8_t packet[2 * ATTEST_ANSWER_MAX];
	struct attest_answer a;
	struct assay_error err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = answer(packet, sizeof packet, cases[i].status, cases[i].tee,
		    cases[i].first, cases[i].proof);
		assert_true(len > 0);
		enum assay_code rc =
		    assay_attest_answer_parse(&a, cases[i].op, bytes(packet, len), &err);
		if (cases[i].words == NULL) {
			assert_int_equal(rc, ASSAY_OK);
			assert_int_equal(a.first.len, cases[i].first);
			assert_int_equal(a.proof.len, cases[i].proof);
			assert_int_equal(a.tee, cases[i].tee);
		} else {
			if (rc != ASSAY_E_FORMAT || strstr(err.text, cases[i].words) == NULL)
				fail_msg("%s: %d, %s", cases[i].name, rc, err.text);
		}
	}
}

/* Shorter by any length, longer by one byte, and with any bit of its head turned. */
static void
test_answer_damaged(void **state)
{
	static uint8_t packet[ATTEST_ANSWER_MAX + 1];
	size_t len = answer(packet, sizeof packet, ATTEST_OK, ATTEST_TEE_SEV, ATTEST_EVIDENCE, 99);
	struct attest_answer a;
	struct assay_error err;

	(void)state;
	for (size_t n = 0; n <= len + 1; n++) {
		enum assay_code rc =
		    assay_attest_answer_parse(&a, ATTEST_OP_EVIDENCE, bytes(packet, n), &err);
		assert_int_equal(rc, n == len ? ASSAY_OK : ASSAY_E_FORMAT);
	}
	for (size_t bit = 0; bit < 8 * ATTEST_ANSWER_HEAD; bit++) {
		packet[bit / 8] ^= (uint8_t)(1U << bit % 8);
		enum assay_code rc =
		    assay_attest_answer_parse(&a, ATTEST_OP_EVIDENCE, bytes(packet, len), &err);
		assert_true(rc == ASSAY_E_FORMAT || rc == ASSAY_E_UNSUPPORTED);
		packet[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void
test_answer_room(void **state)
{
	uint8_t small[ATTEST_ANSWER_HEAD + 10];

	(void)state;
	assert_int_equal(answer(small, sizeof small, ATTEST_REFUSED, 0, 10, 0), sizeof small);
	assert_int_equal(answer(small, sizeof small, ATTEST_REFUSED, 0, 11, 0), 0);
	assert_int_equal(answer(small, sizeof small, ATTEST_REFUSED, 0, 5, 6), 0);
	assert_int_equal(answer(small, 15, ATTEST_REFUSED, 0, 0, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_cases),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_answer_damaged),
		cmocka_unit_test(test_answer_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
