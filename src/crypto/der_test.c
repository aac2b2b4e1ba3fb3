/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
#define BYTES(s) { (const uint8_t *)(s), sizeof(s) - 1 }
#define UTC(s) BYTES("\x17\x0d" s)
#define GEN(s) BYTES("\x18\x0f" s)
/* clang-format on */

static bool
all_read(const struct assay_reader *r)
{
	return !r->overrun && r->pos == r->in.len;
}

/* --- heads ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct assay_bytes in;
	bool ok;
	size_t content;
} heads[] = {
	{ "nothing", BYTES(""), false, 0 },
	{ "a tag alone", BYTES("\x04"), false, 0 },
	{ "empty content", BYTES("\x04\x00"), true, 0 },
	{ "one byte", BYTES("\x04\x01\xaa"), true, 1 },
	{ "one byte missing", BYTES("\x04\x02\xaa"), false, 0 },
	{ "81 where short would do", BYTES("\x04\x81\x01\xaa"), false, 0 },
	{ "81 7f", BYTES("\x04\x81\x7f"), false, 0 },
	{ "81 80, content missing", BYTES("\x04\x81\x80\xaa"), false, 0 },
	{ "82 with a leading zero", BYTES("\x04\x82\x00\x80"), false, 0 },
	{ "82 00 01", BYTES("\x04\x82\x00\x01\xaa"), false, 0 },
	{ "indefinite", BYTES("\x30\x80\x05\x00\x00\x00"), false, 0 },
	{ "length octets missing", BYTES("\x04\x82\x01"), false, 0 },
	{ "length 84 of 4 GB", BYTES("\x04\x84\xff\xff\xff\xff\xaa"), false, 0 },
	{ "length of 5 octets", BYTES("\x04\x85\x01\x00\x00\x00\x00\xaa"), false, 0 },
	{ "length ff, reserved", BYTES("\x04\xff\x01"), false, 0 },
	{ "long tag", BYTES("\x1f\x21\x01\xaa"), false, 0 },
	{ "long tag, constructed", BYTES("\xbf\x21\x01\xaa"), false, 0 },
	{ "end of contents", BYTES("\x00\x00"), false, 0 },
	{ "context tag", BYTES("\xa3\x02\x05\x00"), true, 2 },
};

static void
test_heads(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct assay_reader r = { .what = "test", .in = heads[i].in };
		struct assay_bytes whole;
		uint8_t tag;
		struct assay_bytes b = assay_der_any(&r, &tag, &whole);
		if (r.overrun == heads[i].ok)
			fail_msg("%s", heads[i].name);
		assert_int_equal(b.len, heads[i].content);
		assert_int_equal(tag, heads[i].ok ? heads[i].in.ptr[0] : 0);
		assert_int_equal(whole.len, heads[i].ok ? heads[i].in.len : 0);
	}
}

/* Every length around the changes of form: the shortest form is read, each longer one refused. */
static void
test_lengths(void **context)
{
	static const size_t lens[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000 };
	static uint8_t buf[0x10000 + 8];

	(void)context;
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
		for (size_t octets = 0; octets <= 6; octets++) {
			size_t n = lens[i],
			       least = n < 0x80 ? 0
			    : n < 0x100         ? 1
			    : n < 0x10000       ? 2
						: 3;
			if (octets == 0 && n >= 0x80)
				continue;
			buf[0] = DER_OCTET_STRING;
			buf[1] = (uint8_t)(octets == 0 ? n : 0x80 | octets);
			for (size_t k = 0; k < octets; k++)
				buf[2 + k] =
				    (uint8_t)(octets - 1 - k < 4 ? n >> 8 * (octets - 1 - k) : 0);
			struct assay_reader r = { .what = "test", .in = { buf, 2 + octets + n } };
			if (octets < least)
				continue;
			struct assay_bytes b = assay_der_take(&r, DER_OCTET_STRING);
			assert_int_equal(all_read(&r), octets == least);
			assert_int_equal(b.len, octets == least ? n : 0);
			if (octets == least && n > 0) {
				r = (struct assay_reader){ .what = "test",
					.in = { buf, 1 + octets + n } };
				(void)assay_der_take(&r, DER_OCTET_STRING);
				assert_true(r.overrun);
			}
		}
}

static void
test_nesting(void **context)
{
	/* SEQUENCE { SEQUENCE { INTEGER 1 }, NULL }: the inner one cannot reach the NULL. */
	struct assay_reader r = { .what = "test",
		.in = BYTES("\x30\x07\x30\x03\x02\x01\x01\x05\x00") };

	(void)context;
	struct assay_reader outer = assay_der_enter(&r, DER_SEQUENCE);
	struct assay_reader inner = assay_der_enter(&outer, DER_SEQUENCE);
	assert_string_equal(inner.what, "test");
	assert_int_equal(assay_der_peek(&inner), DER_INTEGER);
	assert_int_equal(assay_der_uint(&inner, DER_INTEGER), 1);
	assert_int_equal(assay_der_peek(&inner), 0);
	assert_true(all_read(&inner));
	(void)assay_der_take(&inner, DER_NULL);
	assert_true(inner.overrun);
	assert_int_equal(assay_der_peek(&outer), DER_NULL);
	assert_false(outer.overrun);
	(void)assay_der_take(&outer, DER_INTEGER); /* another tag: refused, and it stays so */
	assert_true(outer.overrun);
	(void)assay_der_take(&outer, DER_NULL);
	assert_true(outer.overrun);
	assert_int_equal(assay_der_peek(&outer), 0);
	inner = assay_der_enter(&outer, DER_NULL); /* a reader over nothing begins overrun */
	assert_true(inner.overrun);
	/* A value longer than what is around it. */
	r = (struct assay_reader){ .what = "test", .in = BYTES("\x30\x03\x04\x02\xaa\xbb") };
	outer = assay_der_enter(&r, DER_SEQUENCE);
	(void)assay_der_take(&outer, DER_OCTET_STRING);
	assert_true(outer.overrun);
}

/* --- numbers ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct assay_bytes in;
	bool ok;
	uint64_t value;
} numbers[] = {
	{ "0", BYTES("\x02\x01\x00"), true, 0 },
	{ "127", BYTES("\x02\x01\x7f"), true, 127 },
	{ "128", BYTES("\x02\x02\x00\x80"), true, 128 },
	{ "255", BYTES("\x02\x02\x00\xff"), true, 255 },
	{ "256", BYTES("\x02\x02\x01\x00"), true, 256 },
	{ "2^63 - 1", BYTES("\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff"), true, INT64_MAX },
	{ "2^64 - 1", BYTES("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"), true, UINT64_MAX },
	{ "2^64", BYTES("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), false, 0 },
	{ "no octets", BYTES("\x02\x00"), false, 0 },
	{ "-1", BYTES("\x02\x01\xff"), false, 0 },
	{ "-128", BYTES("\x02\x01\x80"), false, 0 },
	{ "-1, padded", BYTES("\x02\x02\xff\xff"), false, 0 },
	{ "1, padded", BYTES("\x02\x02\x00\x01"), false, 0 },
	{ "0, padded", BYTES("\x02\x02\x00\x00"), false, 0 },
	{ "128, padded twice", BYTES("\x02\x03\x00\x00\x80"), false, 0 },
	{ "ENUMERATED where INTEGER is wanted", BYTES("\x0a\x01\x01"), false, 0 },
};

static void
test_numbers(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct assay_reader r = { .what = "test", .in = numbers[i].in };
		uint64_t v = assay_der_uint(&r, DER_INTEGER);
		if (r.overrun == numbers[i].ok || v != numbers[i].value)
			fail_msg("%s", numbers[i].name);
		/* As 8 octets: the same, but 0 is not positive. */
		uint8_t out[8];
		r = (struct assay_reader){ .what = "test", .in = numbers[i].in };
		assay_der_uint_into(&r, out, sizeof out);
		assert_int_equal(!r.overrun, numbers[i].ok && numbers[i].value != 0);
		for (size_t k = 0; k < 8; k++)
			assert_int_equal(
			    out[k], r.overrun ? 0 : (uint8_t)(numbers[i].value >> 8 * (7 - k)));
	}
	struct assay_reader r = { .what = "test", .in = BYTES("\x0a\x01\x05") };
	assert_int_equal(assay_der_uint(&r, DER_ENUMERATED), 5);
	assert_true(all_read(&r));
}

static void
test_booleans(void **context)
{
	(void)context;
	for (unsigned v = 0; v < 256; v++) {
		uint8_t in[] = { DER_BOOLEAN, 1, (uint8_t)v };
		struct assay_reader r = { .what = "test", .in = { in, 3 } };
		assert_int_equal(assay_der_boolean(&r), v == 0xff);
		assert_int_equal(r.overrun, v != 0 && v != 0xff);
	}
	struct assay_reader r = { .what = "test", .in = BYTES("\x01\x00") };
	assert_false(assay_der_boolean(&r));
	assert_true(r.overrun);
	r = (struct assay_reader){ .what = "test", .in = BYTES("\x01\x02\xff\xff") };
	assert_false(assay_der_boolean(&r));
	assert_true(r.overrun);
}

/* --- times ------------------------------------------------------------------------------- */

static const struct {
	struct assay_bytes in;
	const char *text; /* NULL: refused */
} times[] = {
	{ UTC("700101000000Z"), "1970-01-01T00:00:00Z" },
	{ UTC("500101000000Z"), "1950-01-01T00:00:00Z" },
	{ UTC("491231235959Z"), "2049-12-31T23:59:59Z" },
	{ UTC("000229120000Z"), "2000-02-29T12:00:00Z" },
	{ UTC("240229120000Z"), "2024-02-29T12:00:00Z" },
	{ UTC("250229120000Z"), NULL },
	{ UTC("240230120000Z"), NULL },
	{ UTC("250431000000Z"), NULL },
	{ UTC("251301000000Z"), NULL },
	{ UTC("250001000000Z"), NULL },
	{ UTC("250100000000Z"), NULL },
	{ UTC("250101240000Z"), NULL },
	{ UTC("250101006000Z"), NULL },
	{ UTC("250101000060Z"), NULL }, /* no leap seconds */
	{ UTC("2501010000-1Z"), NULL },
	{ UTC("25010100 000Z"), NULL },
	{ UTC("2501010000000"), NULL },
	{ UTC("250101000000z"), NULL },
	{ BYTES("\x17\x0b"
		"2501010000Z"),
	    NULL }, /* without seconds */
	{ BYTES("\x17\x11"
		"250101000000+0000"),
	    NULL },
	{ BYTES("\x17\x00"), NULL },
	{ GEN("20500101000000Z"), "2050-01-01T00:00:00Z" },
	{ GEN("20250704101631Z"), "2025-07-04T10:16:31Z" },
	{ GEN("99991231235959Z"), "9999-12-31T23:59:59Z" },
	{ GEN("21000228000000Z"), "2100-02-28T00:00:00Z" },
	{ GEN("21000229000000Z"), NULL },
	{ GEN("00000101000000Z"), NULL },
	{ BYTES("\x18\x11"
		"20500101000000.5Z"),
	    NULL },
	{ BYTES("\x18\x0e"
		"20500101000000"),
	    NULL },
	{ BYTES("\x18\x0d"
		"250101000000Z"),
	    NULL }, /* a UTCTime under the other tag */
	{ BYTES("\x17\x0f"
		"20250101000000Z"),
	    NULL },
	{ BYTES("\x16\x0d"
		"250101000000Z"),
	    NULL },
};

static void
test_times(void **context)
{
	char text[ASSAY_TIME_TEXT];

	(void)context;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct assay_reader r = { .what = "test", .in = times[i].in };
		assay_time_text(text, assay_der_time(&r));
		if (r.overrun != (times[i].text == NULL))
			fail_msg("time %zu", i);
		if (!r.overrun)
			assert_string_equal(text, times[i].text);
	}
}

/* --- ECDSA-Sig-Value --------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct assay_bytes in;
	bool ok;
} signatures[] = {
	{ "1, 2", BYTES("\x30\x06\x02\x01\x01\x02\x01\x02"), true },
	{ "as long as can be", BYTES("\x30\x0a\x02\x03\x00\xff\xff\x02\x03\x00\x80\x00"), true },
	{ "r one octet too long", BYTES("\x30\x08\x02\x03\x01\x00\x00\x02\x01\x01"), false },
	{ "r = 0", BYTES("\x30\x06\x02\x01\x00\x02\x01\x02"), false },
	{ "s = 0", BYTES("\x30\x06\x02\x01\x01\x02\x01\x00"), false },
	{ "r negative", BYTES("\x30\x06\x02\x01\x81\x02\x01\x02"), false },
	{ "s padded", BYTES("\x30\x07\x02\x01\x01\x02\x02\x00\x02"), false },
	{ "no s", BYTES("\x30\x03\x02\x01\x01"), false },
	{ "a third number", BYTES("\x30\x09\x02\x01\x01\x02\x01\x02\x02\x01\x03"), false },
	{ "a byte after it", BYTES("\x30\x06\x02\x01\x01\x02\x01\x02\x00"), false },
	{ "a SET", BYTES("\x31\x06\x02\x01\x01\x02\x01\x02"), false },
	{ "length not the shortest", BYTES("\x30\x81\x06\x02\x01\x01\x02\x01\x02"), false },
	{ "nothing", BYTES(""), false },
};

static void
test_ecdsa(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		uint8_t out[4];
		if (assay_der_ecdsa(out, 2, signatures[i].in) != signatures[i].ok)
			fail_msg("%s", signatures[i].name);
	}
	uint8_t out[4];
	assert_true(assay_der_ecdsa(out, 2, signatures[0].in));
	assert_memory_equal(out, "\x00\x01\x00\x02", 4);
	assert_true(assay_der_ecdsa(out, 2, signatures[1].in));
	assert_memory_equal(out, "\xff\xff\x80\x00", 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_booleans),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_ecdsa),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
