/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
test_query(void **context)
{
	static const struct {
		const char *query, *name, *value; /* NULL: it is not found */
	} cases[] = {
		{ "a=1&b=2", "b", "2" },
		{ "a=1&b=2", "c", NULL },
		{ "a=1&a=1", "a", NULL },
		{ "a=1&%61=2", "a", NULL },
		{ "a=x%20y%2Fz+w", "a", "x y/z w" },
		{ "a=", "a", "" },
		{ "a", "a", "" },
		{ "", "a", NULL },
		{ "&&a=1&&", "a", "1" },
		{ "ab=1", "a", NULL },
		{ "a=1", "ab", NULL },
		{ "a=%", "a", NULL },
		{ "a=%4", "a", NULL },
		{ "a=%4g", "a", NULL },
		{ "a=%00", "a", NULL },
		{ "a=b=c", "a", "b=c" },
		{ "a=12345678", "a", NULL }, /* no room */
		{ "a=1234567", "a", "1234567" },
		{ "%zz=1&a=2", "a", "2" },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[12], small[8];
		bool tight = strstr(cases[i].query, "34567") != NULL;
		bool found = query_find(cases[i].query, cases[i].name, tight ? small : out,
		    tight ? sizeof small : sizeof out);
		if (found != (cases[i].value != NULL) ||
		    (found && strcmp(tight ? small : out, cases[i].value) != 0))
			fail_msg("%s of %s", cases[i].name, cases[i].query);
	}
}

static void
test_cookie(void **context)
{
	static const struct {
		const char *field, *value;
	} cases[] = {
		{ "id=abc", "abc" },
		{ "a=b; id=abc", "abc" },
		{ "a=b;id=abc ; c=d", "abc" },
		{ "id=\"abc\"", "abc" },
		{ "id=1; id=2", "1" },
		{ "id=", "" },
		{ "xid=abc", NULL },
		{ "id", NULL },
		{ "ids=abc", NULL },
		{ "ID=abc", NULL },
		{ "", NULL },
		{ "; ;", NULL },
		{ "id=\"", "\"" },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct assay_bytes value = { NULL, 0 };
		bool found = cookie_find(cases[i].field, "id", &value);
		if (found != (cases[i].value != NULL) ||
		    (found &&
			(value.len != strlen(cases[i].value) ||
			    memcmp(value.ptr, cases[i].value, value.len) != 0)))
			fail_msg("%s", cases[i].field);
	}
}

static void
test_bearer(void **context)
{
	static const struct {
		const char *field, *token;
	} cases[] = {
		{ "Bearer a.b.c", "a.b.c" },
		{ "bearer   x", "x" },
		{ "BEARER x", "x" },
		{ "Bearer", NULL },
		{ "Bearer ", NULL },
		{ "Bearerx", NULL },
		{ "Bearer x y", NULL },
		{ "Bearer x ", NULL },
		{ "Basic x", NULL },
		{ "", NULL },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct assay_bytes token = { NULL, 0 };
		bool found = bearer_find(cases[i].field, &token);
		if (found != (cases[i].token != NULL) ||
		    (found &&
			(token.len != strlen(cases[i].token) ||
			    memcmp(token.ptr, cases[i].token, token.len) != 0)))
			fail_msg("%s", cases[i].field);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_bearer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
