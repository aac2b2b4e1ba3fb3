/* SPDX-License-Identifier: Apache-2.0 */
#include "stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_read(void **context)
{
	static const struct {
		const char *text;
		int64_t t; /* 0: it is none */
	} cases[] = {
		{ "2027-01-01", 1798761600 },
		{ "2027-01-01T10:00:00Z", 1798797600 },
		{ "", 0 },
		{ "now", 0 },
		{ "2027-13-01", 0 },
		{ "2027-01-01T10:00:00", 0 },
		{ "2027-01-01T10:00:00+01:00", 0 },
		{ "2027-01-01x", 0 },
		{ "1798761600", 0 },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t t = 0;
		assert_int_equal(stamp_read(&t, cases[i].text), cases[i].t != 0);
		assert_int_equal(t, cases[i].t);
	}
}

static void
test_end(void **context)
{
	static const struct {
		const char *json;
		int64_t end;
	} cases[] = {
		{ "[null]", INT64_MAX },
		{ "[1798761600]", 1798761600 },
		{ "[\"2027-01-01\"]", 1798761600 },
		{ "[\"soon\"]", INT64_MIN },
		{ "[true]", INT64_MIN },
		{ "[]", INT64_MAX },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *json = json_loads(cases[i].json, 0, NULL);
		assert_true(stamp_end(json_array_get(json, 0)) == cases[i].end);
		json_decref(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
}
