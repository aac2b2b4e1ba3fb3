/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void
test_fail(void **context)
{
	struct assay_error err;
	char big[600];

	(void)context;
	assert_int_equal(assay_fail(&err, ASSAY_E_FORMAT, "%s: is %d", "x", 5), ASSAY_E_FORMAT);
	assert_int_equal(err.code, ASSAY_E_FORMAT);
	assert_string_equal(err.text, "x: is 5");
	assert_int_equal(assay_fail(NULL, ASSAY_E_IO, "%d", 5), ASSAY_E_IO);
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(assay_fail(&err, ASSAY_E_REVOKED, "%s", big), ASSAY_E_REVOKED);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_int_equal(assay_fail_nomem(&err), ASSAY_E_NOMEM);
	assert_string_equal(err.text, "out of memory");
}

/* The numbers are promised: programs store them. */
static void
test_codes(void **context)
{
	static const char *const names[] = { "ASSAY_OK", "ASSAY_E_USAGE", "ASSAY_E_FORMAT",
		"ASSAY_E_UNSUPPORTED", "ASSAY_E_SIGNATURE", "ASSAY_E_EXPIRED", "ASSAY_E_REVOKED",
		"ASSAY_E_POLICY", "ASSAY_E_NOMEM", "ASSAY_E_IO", "ASSAY_E_INCOMPLETE" };

	(void)context;
	for (int i = 0; i < 11; i++)
		assert_string_equal(assay_code_name((enum assay_code)i), names[i]);
	assert_string_equal(assay_code_name((enum assay_code)11), "unknown");
	assert_string_equal(assay_code_name((enum assay_code) - 1), "unknown");
}

static const struct {
	const char *in, *out;
} quotes[] = {
	{ "", "\"\"" },
	{ "Intel SGX Root CA", "\"Intel SGX Root CA\"" },
	{ "a\"b\\c", "\"a?b?c\"" },
	{ "\x1b[31m\n\t\x7f", "\"?[31m???\"" },
	{ "\xc3\xa4", "\"??\"" },
	{ "%s%n", "\"%s%n\"" },
};

static void
test_quote(void **context)
{
	char text[200];

	(void)context;
	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
		assert_string_equal(assay_quote(assay_bytes_of(quotes[i].in)).text, quotes[i].out);
	/* Every length: whole up to a limit, then cut with dots; always closed, always in its room. */
	for (size_t n = 0; n < sizeof text; n++) {
		memset(text, 'x', n);
		struct assay_quoted q = assay_quote((struct assay_bytes){ (uint8_t *)text, n });
		size_t len = strlen(q.text), shown = strspn(q.text + 1, "x");
		assert_true(len < ASSAY_QUOTE_MAX);
		assert_int_equal(q.text[0], '"');
		assert_int_equal(q.text[len - 1], '"');
		assert_int_equal(len >= 4 && strcmp(q.text + len - 4, "...\"") == 0, shown < n);
		if (n <= 58)
			assert_int_equal(shown, n);
	}
	assert_string_equal(
	    assay_quote((struct assay_bytes){ (const uint8_t *)"a\0b", 3 }).text, "\"a?b\"");
}

static void
test_quote_hex(void **context)
{
	uint8_t octets[17] = { 0x00, 0xff };

	(void)context;
	assert_string_equal(assay_quote_hex((struct assay_bytes){ NULL, 0 }).text, "");
	assert_string_equal(assay_quote_hex((struct assay_bytes){ octets, 2 }).text, "00ff");
	assert_string_equal(assay_quote_hex((struct assay_bytes){ octets, 16 }).text,
	    "00ff0000000000000000000000000000");
	assert_string_equal(assay_quote_hex((struct assay_bytes){ octets, 17 }).text,
	    "00ff0000000000000000000000000000...");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_quote_hex),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
