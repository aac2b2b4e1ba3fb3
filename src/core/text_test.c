/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* --- hex --------------------------------------------------------------------------------- */

static void
test_hex(void **context)
{
	uint8_t octets[256], back[256];
	char text[513];

	(void)context;
	for (size_t i = 0; i < 256; i++)
		octets[i] = (uint8_t)i;
	assay_hex(text, (struct assay_bytes){ octets, 256 });
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text + 2 * 0xab, "abacad", 6);
	assert_true(assay_unhex(back, 256, assay_bytes_of(text)));
	assert_memory_equal(back, octets, 256);
	assert_false(assay_unhex(back, 255, assay_bytes_of(text)));
	assert_false(assay_unhex(back, 257, assay_bytes_of(text)));
	assert_false(assay_unhex(back, 1, assay_bytes_of("abc")));
	assert_true(assay_unhex(back, 0, assay_bytes_of("")));
	assert_true(assay_unhex(back, 2, assay_bytes_of("aBCd")));
	assert_memory_equal(back, "\xab\xcd", 2);
	/* Of all characters, the 22 digits alone. */
	for (int place = 0; place < 2; place++)
		for (int c = 0; c < 256; c++) {
			uint8_t two[] = { '0', '0' };
			two[place] = (uint8_t)c;
			bool digit = c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL;
			assert_int_equal(
			    assay_unhex(back, 1, (struct assay_bytes){ two, 2 }), digit);
		}
}

/* --- base64 ------------------------------------------------------------------------------ */

static const struct {
	const char *in, *out; /* NULL: refused */
} cases[] = {
	/* RFC 4648 section 10 */
	{ "", "" },
	{ "Zg==", "f" },
	{ "Zm8=", "fo" },
	{ "Zm9v", "foo" },
	{ "Zm9vYg==", "foob" },
	{ "Zm9vYmE=", "fooba" },
	{ "Zm9vYmFy", "foobar" },
	{ "Zm9v\nYmFy\n", "foobar" },
	{ " Z m\t9\rv Y\nmFy ", "foobar" },
	{ "Zm9vYg=\n=\n", "foob" },
	{ "Zg", NULL },
	{ "Zg=", NULL },
	{ "Zm8", NULL },
	{ "Z", NULL },
	{ "Z===", NULL },
	{ "Zg===", NULL },
	{ "Zm9v=", NULL },
	{ "Zm9v====", NULL },
	{ "====", NULL },
	{ "=", NULL },
	{ "Zg==Zg==", NULL },
	{ "Zg=g", NULL },
	{ "Zh==", NULL }, /* bits left over */
	{ "Zm9=", NULL },
	{ "Zm9vZg=*", NULL },
	{ "Zm9v-mFy", NULL },
	{ "Zm9v_mFy", NULL },
	{ "Zm9v\vYmFy", NULL },
};

static void
test_base64(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes in = assay_bytes_of(cases[i].in);
		uint8_t out[64];
		size_t len = 99;
		bool ok = assay_unbase64(out, &len, in);
		if (ok != (cases[i].out != NULL))
			fail_msg("%s", cases[i].in);
		if (ok) {
			assert_int_equal(len, strlen(cases[i].out));
			assert_memory_equal(out, cases[i].out, len);
		}
	}
	/* Every character in every place of a group, within and after whole groups. */
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t place = 0; place < 32; place++)
		for (int c = 0; c < 256; c++) {
			uint8_t text[32], out[ASSAY_UNBASE64_MAX(32)];
			size_t len;
			memset(text, 'A', sizeof text);
			text[place] = (uint8_t)c;
			bool ok = assay_unbase64(out, &len, (struct assay_bytes){ text, 32 });
			const char *at = c == 0 ? NULL : strchr(letters, c);
			if (ok != (at != NULL) && !(c == '=' && place == 31))
				fail_msg("character %d at %zu", c, place);
			if (at == NULL)
				continue;
			uint32_t group = (uint32_t)(at - letters) << (18 - 6 * (place % 4));
			for (size_t i = 0; i < 24; i++)
				assert_int_equal(out[i],
				    i / 3 == place / 4 ? group >> (16 - 8 * (i % 3)) & 0xff : 0);
		}
}

/* Encodes, wraps lines at every width, decodes into exactly the room that the header names, and
 * once in place. */
static void
test_base64_round(void **context)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t state = 1;

	(void)context;
	for (size_t n = 0; n < 200; n++)
		for (size_t width = 1; width < 80; width += 1 + width / 3) {
			uint8_t in[200], text[1000];
			size_t t = 0, column = 0, len;
			for (size_t i = 0; i < n; i++) {
				state = state * 1664525 + 1013904223;
				in[i] = (uint8_t)(state >> 24);
			}
			for (size_t i = 0; i < n; i += 3) {
				uint32_t v = (uint32_t)in[i] << 16 |
				    (uint32_t)(i + 1 < n ? in[i + 1] : 0) << 8 |
				    (i + 2 < n ? in[i + 2] : 0);
				for (size_t k = 0; k < 4; k++) {
					text[t++] =
					    (uint8_t)(i + k <= n ? letters[v >> (18 - 6 * k) & 63]
								 : '=');
					if (++column % width == 0)
						text[t++] = '\n';
				}
			}
			uint8_t *out = malloc(ASSAY_UNBASE64_MAX(t));
			assert_non_null(out);
			assert_true(assay_unbase64(out, &len, (struct assay_bytes){ text, t }));
			assert_int_equal(len, n);
			assert_memory_equal(out, in, n);
			free(out);
			assert_true(assay_unbase64(text, &len, (struct assay_bytes){ text, t }));
			assert_int_equal(len, n);
			assert_memory_equal(text, in, n);
		}
}

/* The other alphabet, padded or not; and the encoder, held against both decoders. */
static void
test_base64url(void **context)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} url[] = {
		{ "", "" },
		{ "Zg", "f" },
		{ "Zg==", "f" },
		{ "Zm8", "fo" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg", "foob" },
		{ "Pz8_", "???" },
		{ "fn5-", "~~~" },
		{ "Pz8/", NULL },
		{ "fn5+", NULL },
		{ "Z", NULL },
		{ "Zm9vY", NULL },
		{ "Zh", NULL }, /* bits left over */
		{ "Zg=", NULL },
		{ "Zg===", NULL },
		{ "Z===", NULL },
		{ "====", NULL },
		{ "Zg==Zg==", NULL },
		{ "Zg==Zg", NULL },
		{ "Zm 9v", NULL },
		{ "Zm9v\n", NULL },
		{ "Zm9v YmFy", NULL },
	};
	uint8_t out[256], in[64];
	char text[ASSAY_BASE64_SIZE(64)];
	size_t len;

	(void)context;
	for (size_t i = 0; i < sizeof url / sizeof *url; i++) {
		len = 99;
		bool ok = assay_unbase64url(out, &len, assay_bytes_of(url[i].in));
		if (ok != (url[i].out != NULL))
			fail_msg("%s", url[i].in);
		if (ok) {
			assert_int_equal(len, strlen(url[i].out));
			assert_memory_equal(out, url[i].out, len);
		}
	}
	for (size_t n = 0; n <= sizeof in; n++) {
		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)(251 * i + 7 * n + 3);
		assay_base64(text, (struct assay_bytes){ in, n });
		assert_int_equal(strlen(text) + 1, ASSAY_BASE64_SIZE(n));
		assert_true(assay_unbase64(out, &len, assay_bytes_of(text)));
		assert_true(len == n && memcmp(out, in, n) == 0);
		for (char *p = text; *p != '\0'; p++)
			*p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
		assert_true(assay_unbase64url(out, &len, assay_bytes_of(text)));
		assert_true(len == n && memcmp(out, in, n) == 0);
		text[strcspn(text, "=")] = '\0';
		assert_true(assay_unbase64url(out, &len, assay_bytes_of(text)));
		assert_true(len == n && memcmp(out, in, n) == 0);
	}
}

/* --- time -------------------------------------------------------------------------------- */

/* Each day from 1600 to 2500 and far years, against libc. */
static void
test_time_sweep(void **context)
{
	(void)context;
	for (int64_t day = -135140; day < 200000; day++) {
		time_t t = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
		struct tm tm;
		char want[ASSAY_TIME_TEXT], text[ASSAY_TIME_TEXT];
		int64_t back = 0;
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
		assay_time_text(text, t);
		if (strcmp(text, want) != 0)
			fail_msg("%s, want %s", text, want);
		assert_true(assay_time_parse(&back, assay_bytes_of(text)));
		if (back != t)
			fail_msg("%s does not come back", text);
	}
}

static const struct {
	int64_t t;
	const char *text;
} times[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ -1, "1969-12-31T23:59:59Z" },
	{ INT64_C(253402300799), "9999-12-31T23:59:59Z" },
	{ INT64_C(253402300800), "after year 9999" },
	{ INT64_C(-62135596800), "0001-01-01T00:00:00Z" },
	{ INT64_C(-62135596801), "before year 1" },
	{ INT64_MAX, "after year 9999" },
	{ INT64_MIN, "before year 1" },
	{ 1751624191, "2025-07-04T10:16:31Z" },
};

static void
test_time_ends(void **context)
{
	char text[ASSAY_TIME_TEXT];

	(void)context;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		assay_time_text(text, times[i].t);
		assert_string_equal(text, times[i].text);
	}
}

/* Every field just inside and just outside. */
static void
test_time_make(void **context)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	static const int years[] = { 1, 4, 100, 400, 1900, 2000, 2023, 2024, 2100, 9999 };
	int64_t t;

	(void)context;
	for (size_t y = 0; y < sizeof years / sizeof *years; y++) {
		int year = years[y];
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		for (int month = 1; month <= 12; month++) {
			int last = days[month - 1] + (month == 2 && leap ? 1 : 0);
			assert_true(assay_time_make(&t, year, month, last, 0, 0, 0));
			assert_false(assay_time_make(&t, year, month, last + 1, 0, 0, 0));
			assert_false(assay_time_make(&t, year, month, 0, 0, 0, 0));
		}
		assert_false(assay_time_make(&t, year, 0, 1, 0, 0, 0));
		assert_false(assay_time_make(&t, year, 13, 1, 0, 0, 0));
	}
	assert_false(assay_time_make(&t, 0, 1, 1, 0, 0, 0));
	assert_false(assay_time_make(&t, 10000, 1, 1, 0, 0, 0));
	assert_true(assay_time_make(&t, 2000, 1, 1, 23, 59, 59));
	assert_false(assay_time_make(&t, 2000, 1, 1, 24, 0, 0));
	assert_false(assay_time_make(&t, 2000, 1, 1, 0, 60, 0));
	assert_false(assay_time_make(&t, 2000, 1, 1, 0, 0, 60));
	assert_false(assay_time_make(&t, 2000, 1, 1, -1, 0, 0));
	assert_false(assay_time_make(&t, 2000, 1, 1, 0, -1, 0));
	assert_false(assay_time_make(&t, 2000, 1, 1, 0, 0, -1));
}

static void
test_time_parse(void **context)
{
	static const char good[] = "2025-07-04T10:16:31Z";
	static const char *const bad[] = { "", "2025-07-04T10:16:31", "2025-07-04 10:16:31Z",
		"2025-07-04T10:16:31z", "2025-07-04T10:16:31.0Z", "2025-07-04T10:16:31+00:00",
		"2025-02-29T00:00:00Z", " 2025-07-04T10:16:31Z", "2025-07-04T10:16:31Z ",
		"+025-07-04T10:16:31Z", "2025-7-04T010:16:31Z", "20250704T101631Z" };
	int64_t t = 5;

	(void)context;
	assert_true(assay_time_parse(&t, assay_bytes_of(good)));
	assert_int_equal(t, 1751624191);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(assay_time_parse(&t, assay_bytes_of(bad[i])));
	for (size_t i = 0; i < sizeof good - 1; i++) {
		char text[sizeof good];
		memcpy(text, good, sizeof good);
		text[i] = 'x';
		assert_false(assay_time_parse(&t, assay_bytes_of(text)));
	}
	assert_int_equal(t, 1751624191);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_base64_round),
		cmocka_unit_test(test_time_sweep),
		cmocka_unit_test(test_time_ends),
		cmocka_unit_test(test_time_make),
		cmocka_unit_test(test_time_parse),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
