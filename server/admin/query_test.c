/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *raw;
	const char *words; /* of the refusal; NULL: it is read */
	const char *policy, *after;
} cases[] = {
	{ "", NULL, NULL, NULL },
	{ "policy=web", NULL, "web", NULL },
	{ "policy=", NULL, "", NULL },
	{ "policy=web&after=12", NULL, "web", "12" },
	{ "after=12&policy=w%65b", NULL, "web", "12" },
	{ "policy=a+b%20c", NULL, "a+b c", NULL },
	{ "policy=a=b", NULL, "a=b", NULL },
	{ "policy=%C3%A4", NULL, "\xc3\xa4", NULL },
	{ "policy=%e4", NULL, "\xe4", NULL },
	{ "policy", "has no value", NULL, NULL },
	{ "policy=web&policy=genuine", "\"policy\" is given twice", NULL, NULL },
	{ "policy=web&policy=web", "\"policy\" is given twice", NULL, NULL },
	{ "polcy=web", "\"polcy\" is not known here", NULL, NULL },
	{ "Policy=web", "\"Policy\" is not known here", NULL, NULL },
	{ "p%6flicy=web", "is not known here", NULL, NULL },
	{ "=web", "\"\" is not known here", NULL, NULL },
	{ "&policy=web", "\"\" is not known here", NULL, NULL },
	{ "policy=web&", "ends in '&'", NULL, NULL },
	{ "policy=web&&after=1", "\"\" is not known here", NULL, NULL },
	{ "policy=%", "not encoded right", NULL, NULL },
	{ "policy=%4", "not encoded right", NULL, NULL },
	{ "policy=%4g", "not encoded right", NULL, NULL },
	{ "policy=%00", "not encoded right", NULL, NULL },
	{ "policy=a%0ab", "not encoded right", NULL, NULL },
	{ "policy=a%7f", "not encoded right", NULL, NULL },
	{ "policy=a\tb", "not encoded right", NULL, NULL },
};

static void
same(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void
test_cases(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct query q = { .name = { "policy", "after" } };
		char why[QUERY_WHY] = "";
		bool ok = query_read(&q, cases[i].raw, why);
		if (ok != (cases[i].words == NULL))
			print_message("%s: %s\n", cases[i].raw, why);
		assert_int_equal(ok, cases[i].words == NULL);
		if (!ok) {
			assert_non_null(strstr(why, cases[i].words));
			continue;
		}
		same(query_value(&q, "policy"), cases[i].policy);
		same(query_value(&q, "after"), cases[i].after);
		assert_null(query_value(&q, "other"));
	}
}

static void
test_length(void **context)
{
	char raw[QUERY_VALUE + 32], why[QUERY_WHY];

	(void)context;
	for (size_t n = QUERY_VALUE - 2; n <= QUERY_VALUE; n++) {
		struct query q = { .name = { "policy" } };
		memcpy(raw, "policy=", 7);
		memset(raw + 7, 'a', n);
		raw[7 + n] = '\0';
		assert_int_equal(query_read(&q, raw, why), n < QUERY_VALUE);
	}
}

static void
test_number(void **context)
{
	static const struct {
		const char *raw;
		bool ok;
		int64_t number;
	} numbers[] = {
		{ "", true, -1 },
		{ "after=0", true, 0 },
		{ "after=123456789012345", true, 123456789012345 },
		{ "after=1234567890123456", false, -1 },
		{ "after=", false, -1 },
		{ "after=-1", false, -1 },
		{ "after=1x", false, -1 },
		{ "after=%201", false, -1 },
	};
	char why[QUERY_WHY];

	(void)context;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct query q = { .name = { "after" } };
		int64_t n = 0;
		assert_true(query_read(&q, numbers[i].raw, why));
		assert_int_equal(query_number(&q, "after", &n), numbers[i].ok);
		assert_int_equal(n, numbers[i].number);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_number),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
