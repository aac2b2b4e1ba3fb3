/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"
#include "buffer.h"

static const struct {
	const char *text;
	bool ok;
} cases[] = {
	{ "{}", true },
	{ " [ ] ", true },
	{ "[1,-0,0.5,1e9,-1.25E-3,true,false,null,\"\"]", true },
	{ "{\"a\":{\"b\":[{\"c\":\"d\"}]},\"e\":\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", true },
	{ "\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \xc3\xa9\"", true },
	{ "\"0123456789012345678901234567890123456789\"", true },
	{ "", false },
	{ "   ", false },
	{ "{", false },
	{ "[1,]", false },
	{ "[,1]", false },
	{ "[1 2]", false },
	{ "[1]]", false },
	{ "{\"a\":1,}", false },
	{ "{\"a\"}", false },
	{ "{\"a\" 1}", false },
	{ "{a:1}", false },
	{ "{1:1}", false },
	{ "[}", false },
	{ "{]", false },
	{ "01", false },
	{ "1.", false },
	{ ".5", false },
	{ "+1", false },
	{ "1e", false },
	{ "-", false },
	{ "tru", false },
	{ "nullx", false },
	{ "NaN", false },
	{ "'a'", false },
	{ "\"", false },
	{ "\"\\\"", false },
	{ "\"\\x\"", false },
	{ "\"\\u12g4\"", false },
	{ "\"\\ud800\"", false },
	{ "\"\\ud800\\u0041\"", false },
	{ "\"\\udc00\"", false },
	{ "\"\n\"", false },
	{ "\"01234567\x01\"", false },
	{ "\"\x80\"", false },
	{ "\"\xc0\x80\"", false },
	{ "\"\xe0\x80\x80\"", false },
	{ "\"\xed\xa0\x80\"", false },
	{ "\"\xf4\x90\x80\x80\"", false },
	{ "\"\xc3\"", false },
	{ "{} {}", false },
	{ "/**/{}", false },
};

static void
test_check(void **state)
{
	struct assay_error err;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if ((scan_check(bytes_of(cases[i].text), "here", &err) == ASSAY_OK) != cases[i].ok)
			fail_msg("%s", cases[i].text);
	assert_int_equal(scan_check(bytes_of("{\"a\":x}"), "here", &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "here: is no JSON"));
	assert_non_null(strstr(err.text, "byte 5 of 7"));
}

static void
test_depth(void **state)
{
	char text[2 * SCAN_DEPTH + 3];
	(void)state;

	for (size_t depth = SCAN_DEPTH - 1; depth <= SCAN_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = '\0';
		assert_int_equal(
		    scan_check(bytes_of(text), "", NULL) == ASSAY_OK, depth <= SCAN_DEPTH);
	}
}

static void
test_members(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	static const char text[] =
	    " { \"x\" : [ \"}\\\"{\" , {} ] , \"b\":\"q\\\\\" ,\"a\": -1.5 }";
	struct assay_bytes got[3], object = scan_trim(bytes_of(text));
	struct assay_error err;
	(void)state;

	assert_int_equal(scan_check(bytes_of(text), "", NULL), ASSAY_OK);
	assert_int_equal(scan_members(got, names, 3, object, "here", &err), ASSAY_OK);
	assert_true(bytes_equal(got[0], bytes_of("-1.5")));
	assert_true(bytes_equal(got[1], bytes_of("\"q\\\\\"")));
	assert_int_equal(got[2].len, 0);
	assert_int_equal(scan_members(got, names, 3, bytes_of("{}"), "here", &err), ASSAY_OK);
	assert_int_equal(scan_members(got, names, 3, bytes_of("{ }"), "here", &err), ASSAY_OK);
	assert_int_equal(scan_members(got, names, 3, bytes_of("{\"a\":1,\"a\":1}"), "here", &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "the member a stands there twice"));
	assert_int_equal(
	    scan_members(got, names, 3, bytes_of("{\"\\u0061\":1}"), "here", &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "with an escape"));
	assert_int_equal(scan_members(got, names, 3, bytes_of("[]"), "here", &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "must be a JSON object"));
}

static void
test_decode(void **state)
{
	static const char text[] = "\"a\\n\\u00e9\\ud83d\\ude00\\/\\u0000z\\\\\"";
	static const char want[] = "a\n\xc3\xa9\xf0\x9f\x98\x80/\0z\\";
	uint8_t out[sizeof text];
	struct assay_bytes bare;
	(void)state;

	assert_int_equal(scan_decode(out, bytes_of(text)), sizeof want - 1);
	assert_memory_equal(out, want, sizeof want - 1);
	assert_false(scan_bare(&bare, bytes_of(text)));
	assert_false(scan_bare(&bare, bytes_of("12")));
	assert_true(scan_bare(&bare, bytes_of("\"12\"")));
	assert_true(bytes_equal(bare, bytes_of("12")));
}

static void
test_compact(void **state)
{
	static const char text[] = "{ \"a b\" :\t[ 1 ,\n2 ] , \"c\\\" \" : null }";
	uint8_t out[sizeof text];
	(void)state;

	size_t n = scan_compact(out, bytes_of(text));
	assert_true(bytes_equal(
	    (struct assay_bytes){ out, n }, bytes_of("{\"a b\":[1,2],\"c\\\" \":null}")));
}

static void
test_base64(void **state)
{
	static const struct {
		const char *text, *bytes;
		bool standard, url;
	} rows[] = {
		{ "", "", true, true },
		{ "Zg==", "f", true, false },
		{ "Zg", "f", false, true },
		{ "Zm8=", "fo", true, false },
		{ "Zm9v", "foo", true, true },
		{ "Zm9vYmE=", "fooba", true, false },
		{ "Zm9vYmE", "fooba", false, true },
		{ "++//", "\xfb\xef\xff", true, false },
		{ "--__", "\xfb\xef\xff", false, true },
		{ "Zh==", "", false, false }, /* bits behind the end */
		{ "Zm9=", "", false, false },
		{ "Z", "", false, false },
		{ "Zg=", "", false, false },
		{ "====", "", false, false },
		{ "Zg==Zg==", "", false, false },
		{ " Zg==", "", false, false },
		{ "Zm9v\n", "", false, false },
		{ "Zm\xff"
		  "v",
		    "", false, false },
	};
	uint8_t out[32];
	char text[32];
	size_t len;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool standard = base64_decode(out, &len, bytes_of(rows[i].text));
		if (standard != rows[i].standard ||
		    (standard &&
			(len != strlen(rows[i].bytes) || memcmp(out, rows[i].bytes, len) != 0)))
			fail_msg("standard: %s", rows[i].text);
		bool url = base64url_decode(out, &len, bytes_of(rows[i].text));
		if (url != rows[i].url ||
		    (url && (len != strlen(rows[i].bytes) || memcmp(out, rows[i].bytes, len) != 0)))
			fail_msg("url: %s", rows[i].text);
		base64_encode(text, bytes_of(rows[i].bytes));
		if (standard)
			assert_string_equal(text, rows[i].text);
	}
	assert_true(hex_decode(out, 2, bytes_of("0aff")));
	assert_memory_equal(out, "\x0a\xff", 2);
	assert_false(hex_decode(out, 2, bytes_of("0aFf")));
	assert_false(hex_decode(out, 2, bytes_of("0aff0")));
	assert_false(hex_decode(out, 2, bytes_of("0afg")));
}

static void
test_buffer(void **state)
{
	struct buffer b = { .len = 0 };
	(void)state;

	buffer_string(&b, bytes_of("a\"\\\n\x01\x7f\xc3\xa9\xff\xc3z"));
	buffer_hex(&b, bytes_of("\x01\xfe"));
	buffer_u64(&b, UINT64_MAX);
	char *text = buffer_take(&b);
	assert_string_equal(
	    text, "\"a\\\"\\\\\\n\\u0001\x7f\xc3\xa9??z\"\"01fe\"18446744073709551615");
	free(text);
	for (size_t i = 0; i < 5000; i++)
		buffer_put(&b, "0123456789");
	assert_int_equal(b.len, 50000);
	buffer_clear(&b);
	text = buffer_take(&b);
	assert_string_equal(text, "");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_buffer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
