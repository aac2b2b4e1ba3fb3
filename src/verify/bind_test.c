/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/evidence.h>

#include "parse/parse_test.h"

/* docs/binding.md, computed there by other means. */
static const char answer[] = "d2f8c0648a3f6245d8c654a4ccdf536b727cb6c41b1b397510eb79500c3f428c"
			     "26d9914a39109664be58a45ddc5b751b7cba8ae045d70d28efe72589b821b714";

static const uint8_t bytes[65] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static struct assay_bytes
nonce(size_t len)
{
	return (struct assay_bytes){ bytes, len };
}

static void
test_known(void **context)
{
	uint8_t got[ASSAY_REPORT_DATA_SIZE], want[ASSAY_REPORT_DATA_SIZE];
	struct assay_error err;
	(void)context;

	assert_true(assay_unhex(want, sizeof want, assay_bytes_of(answer)));
	assert_int_equal(
	    assay_bind_report_data(got, nonce(8), assay_bytes_of("A"), &err), ASSAY_OK);
	assert_memory_equal(got, want, sizeof want);
}

/* The bytes that follow the nonce may be zeros: its length counts, as each of its bits does. */
static void
test_differs(void **context)
{
	uint8_t all[64][ASSAY_REPORT_DATA_SIZE], flipped[8];
	size_t count = 0;
	(void)context;

	for (size_t n = 8; n <= 64; n++)
		assert_int_equal(
		    assay_bind_report_data(all[count++], nonce(n), assay_bytes_of("A"), NULL),
		    ASSAY_OK);
	assert_int_equal(
	    assay_bind_report_data(all[count++], nonce(8), assay_bytes_of("B"), NULL), ASSAY_OK);
	assert_int_equal(
	    assay_bind_report_data(all[count++], nonce(8), assay_bytes_of("AA"), NULL), ASSAY_OK);
	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < a; b++)
			assert_memory_not_equal(all[a], all[b], sizeof all[a]);
	for (size_t bit = 0; bit < 64; bit++) {
		memcpy(flipped, bytes, sizeof flipped);
		flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    assay_bind_report_data(all[1], (struct assay_bytes){ flipped, sizeof flipped },
			assay_bytes_of("A"), NULL),
		    ASSAY_OK);
		assert_memory_not_equal(all[0], all[1], sizeof all[0]);
	}
}

static void
test_refusals(void **context)
{
	uint8_t got[ASSAY_REPORT_DATA_SIZE] = { 0x5a };
	struct assay_error err;
	(void)context;

	expect_outcome("no nonce", assay_bind_report_data(got, nonce(0), nonce(1), &err), &err,
	    ASSAY_E_USAGE, "the nonce is 0 bytes, want 8 to 64");
	expect_outcome("short", assay_bind_report_data(got, nonce(7), nonce(1), &err), &err,
	    ASSAY_E_USAGE, "the nonce is 7 bytes");
	expect_outcome("long", assay_bind_report_data(got, nonce(65), nonce(1), &err), &err,
	    ASSAY_E_USAGE, "the nonce is 65 bytes");
	expect_outcome("no key", assay_bind_report_data(got, nonce(8), nonce(0), &err), &err,
	    ASSAY_E_USAGE, "the key to bind is empty");
	assert_int_equal(got[0], 0x5a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_differs),
		cmocka_unit_test(test_refusals),
	};

	return RUN_TESTS(tests);
}
