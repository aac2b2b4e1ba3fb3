/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t octets[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static struct assay_reader
over(size_t n)
{
	return (struct assay_reader){ .what = "test", .in = { octets, n } };
}

static void
test_take(void **context)
{
	struct assay_reader r = over(16);
	struct assay_error err;
	uint8_t out[3];

	(void)context;
	assert_int_equal(assay_take_u8(&r), 0x01);
	assert_int_equal(assay_take_u16le(&r), 0x0302);
	assert_int_equal(assay_take_u32le(&r), 0x07060504);
	assert_int_equal(assay_reader_left(&r), 9);
	assert_true(assay_take_u64le(&r) == 0x0f0e0d0c0b0a0908);
	assert_int_equal(assay_reader_end(&r, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "test: 1 bytes follow its end at 15"));
	assert_int_equal(assay_take(&r, 0).len, 0);
	assert_false(r.overrun);
	assert_int_equal(assay_take(&r, 1).ptr[0], 16);
	assert_int_equal(assay_reader_end(&r, &err), ASSAY_OK);
	r = over(3);
	assay_take_into(&r, out, 3);
	assert_memory_equal(out, octets, 3);
}

/* Every kind of take past the end gives zeros, moves nothing, and is not forgotten. */
static void
test_overrun(void **context)
{
	static const size_t want[] = { 1, 2, 4, 8, 3 };
	struct assay_error err;

	(void)context;
	for (size_t kind = 0; kind < 5; kind++)
		for (size_t n = 0; n <= want[kind]; n++) {
			struct assay_reader r = over(n);
			uint8_t out[3] = { 0xff, 0xff, 0xff };
			uint64_t got = 0;
			if (kind == 0)
				got = assay_take_u8(&r);
			else if (kind == 1)
				got = assay_take_u16le(&r);
			else if (kind == 2)
				got = assay_take_u32le(&r);
			else if (kind == 3)
				got = assay_take_u64le(&r);
			else
				assay_take_into(&r, out, 3);
			assert_int_equal(r.overrun, n < want[kind]);
			if (n == want[kind])
				continue;
			assert_int_equal(got, 0);
			if (kind == 4)
				assert_memory_equal(out, "\0\0\0", 3);
			assert_int_equal(r.pos, 0);
			assert_int_equal(assay_reader_left(&r), 0);
			assert_int_equal(assay_take(&r, 0).len, 0);
			assert_null(assay_take(&r, 1).ptr);
			assert_int_equal(assay_reader_end(&r, &err), ASSAY_E_FORMAT);
			assert_non_null(strstr(err.text, "test: ends too early"));
		}
	/* Lengths that would wrap a sum. */
	struct assay_reader r = over(16);
	(void)assay_take(&r, 8);
	assert_null(assay_take(&r, SIZE_MAX).ptr);
	assert_true(r.overrun);
	r = over(16);
	(void)assay_take(&r, 8);
	assert_null(assay_take(&r, SIZE_MAX - 7).ptr);
	assert_true(r.overrun);
}

static void
test_slices(void **context)
{
	struct assay_bytes all = { octets, 16 }, none = { NULL, 0 };

	(void)context;
	assert_true(assay_bytes_equal(none, (struct assay_bytes){ octets, 0 }));
	assert_false(assay_bytes_equal(all, (struct assay_bytes){ octets, 15 }));
	assert_false(assay_bytes_equal(
	    (struct assay_bytes){ octets, 2 }, (struct assay_bytes){ octets + 1, 2 }));
	assert_true(assay_bytes_zero(none));
	assert_true(assay_bytes_zero((struct assay_bytes){ (const uint8_t *)"\0\0\0", 3 }));
	assert_false(assay_bytes_zero((struct assay_bytes){ (const uint8_t *)"\0\0\1", 3 }));
	assert_int_equal(assay_bytes_at(all, 4, 12).len, 12);
	assert_ptr_equal(assay_bytes_at(all, 4, 12).ptr, octets + 4);
	assert_int_equal(assay_bytes_at(all, 4, 13).len, 0);
	assert_int_equal(assay_bytes_at(all, 17, 0).len, 0);
	assert_int_equal(assay_bytes_at(all, SIZE_MAX, 2).len, 0);
	assert_int_equal(assay_bytes_at(all, 2, SIZE_MAX).len, 0);
	assert_int_equal(assay_bytes_of("abc").len, 3);

	struct assay_bytes t = assay_bytes_trim(assay_bytes_of(" \t\r\n a b \n"));
	assert_true(assay_bytes_equal(t, assay_bytes_of("a b")));
	t = assay_bytes_trim((struct assay_bytes){ (const uint8_t *)"\0x\0\0", 4 });
	assert_true(assay_bytes_equal(t, assay_bytes_of("x")));
	assert_int_equal(assay_bytes_trim(assay_bytes_of(" \n ")).len, 0);

	uint8_t out[16];
	assay_reverse(out, octets, 16);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(out[i], 16 - i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_slices),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
