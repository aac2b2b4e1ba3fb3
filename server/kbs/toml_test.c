/* SPDX-License-Identifier: Apache-2.0 */
#include "toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "buffer.h"

static const struct {
	const char *text;
	const char *json; /* NULL: refused */
	const char *words;
} cases[] = {
	{ "", "{}", NULL },
	{ "# only a comment", "{}", NULL },
	{ "a = 1\nb = \"x\" # c\r\n\n\tc=true\n", "{\"a\":1,\"b\":\"x\",\"c\":true}", NULL },
	{ "version = '0.1.0'\n[data]\n\"aa.toml\" = '''\n[a]\nb = \"c\"\n'''\n",
	    "{\"version\":\"0.1.0\",\"data\":{\"aa.toml\":\"[a]\\nb = \\\"c\\\"\\n\"}}", NULL },
	{ "a.b.\"c.d\" = 1\na.e = 2", "{\"a\":{\"b\":{\"c.d\":1},\"e\":2}}", NULL },
	{ "[a.b]\nc = 1\n[a]\nd = 2", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}", NULL },
	{ "[[p]]\nn = 1\n[p.q]\nx = 1\n[[p]]\nn = 2\n[p.q]\nx = 2",
	    "{\"p\":[{\"n\":1,\"q\":{\"x\":1}},{\"n\":2,\"q\":{\"x\":2}}]}", NULL },
	{ "a = [ 1, [ \"x\", ], # c\n  2,\n]\nb = []", "{\"a\":[1,[\"x\"],2],\"b\":[]}", NULL },
	{ "a = { b = 1, c.d = 'x' }\nb = {}", "{\"a\":{\"b\":1,\"c\":{\"d\":\"x\"}},\"b\":{}}",
	    NULL },
	{ "a = 1_000\nb = -0x1\n", NULL, "a value that is none" },
	{ "a = 1_000\nb = 0xff\nc = 0o17\nd = 0b11\ne = -7\nf = +7\ng = 0",
	    "{\"a\":1000,\"b\":255,\"c\":15,\"d\":3,\"e\":-7,\"f\":7,\"g\":0}", NULL },
	{ "a = 1.5\nb = 1e3", "{\"a\":1.5,\"b\":1000.0}", NULL },
	{ "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 07:32:00\nc = inf",
	    "{\"a\":\"1979-05-27T07:32:00Z\",\"b\":\"1979-05-27 07:32:00\",\"c\":\"inf\"}", NULL },
	{ "a = \"\\u00e9\\U0001F600\\t\\\"\"", "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\\t\\\"\"}",
	    NULL },
	{ "a = \"\"\"\nx\\\n   y\"\"\"\"\"", "{\"a\":\"xy\\\"\\\"\"}", NULL },
	{ "a = ''''q''''", "{\"a\":\"'q'\"}", NULL },
	{ "a = 1\na = 2", NULL, "line 2: a key that stands there twice" },
	{ "[a]\n[a]", NULL, "line 2: a table that stands there twice" },
	{ "a = 1\n[a]", NULL, "a table where something else" },
	{ "a = 1\n[[a]]", NULL, "an array of tables where something else" },
	{ "a 1", NULL, "an = is missing" },
	{ "= 1", NULL, "a key is missing" },
	{ "a = ", NULL, "a value that is none" },
	{ "a = 01", NULL, "a value that is none" },
	{ "a = 1__0", NULL, "a value that is none" },
	{ "a = 9223372036854775808", NULL, "a value that is none" },
	{ "a = 1 b = 2", NULL, "something behind the value" },
	{ "a = \"x", NULL, "a text that does not end" },
	{ "a = \"x\ny\"", NULL, "a character that a text must not have" },
	{ "a = \"\x01\"", NULL, "a character that a text must not have" },
	{ "a = \"\xff\"", NULL, "not UTF-8" },
	{ "a = \"\\q\"", NULL, "an unknown escape" },
	{ "a = \"\\ud800\"", NULL, "an escape that is no character" },
	{ "a = [1", NULL, "an array that does not end" },
	{ "a = {b = 1", NULL, "an inline table that does not end" },
	{ "[a", NULL, "a table's name does not end" },
	{ "a = [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", NULL, "too deep" },
	{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1", NULL, "too deep" },
	{ "[a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a]", NULL, "too deep" },
	{ "\"a\\u0000b\" = 1", NULL, "a key with a zero" },
};

static void
test_cases(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		json_t *root = NULL;
		enum assay_code rc = toml_parse(&root, bytes_of(cases[i].text), &err);
		if (cases[i].json == NULL) {
			if (rc != ASSAY_E_FORMAT || strstr(err.text, cases[i].words) == NULL)
				fail_msg("%s: %s", cases[i].text, err.text);
			continue;
		}
		if (rc != ASSAY_OK)
			fail_msg("%s: %s", cases[i].text, err.text);
		char *json = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
		json_t *want = json_loads(cases[i].json, 0, NULL);
		if (!json_equal(root, want))
			fail_msg("%s: %s", cases[i].text, json);
		free(json);
		json_decref(want);
		json_decref(root);
	}
}

static const char long_one[] = "a = 1\nb.c = ['x', {y = \"z\"}]\n[d]\n[[e]]\nf = '''g\nh'''\n";

static void
test_truncation(void **state)
{
	(void)state;

	for (size_t n = 0; n < sizeof long_one - 1; n++) {
		uint8_t *copy = malloc(n + 1);
		json_t *root = NULL;
		struct assay_error err = { ASSAY_OK, "" };
		assert_non_null(copy);
		memcpy(copy, long_one, n);
		if (toml_parse(&root, (struct assay_bytes){ copy, n }, &err) == ASSAY_OK)
			json_decref(root);
		else
			assert_int_equal(err.code, ASSAY_E_FORMAT);
		free(copy);
	}
}

static void
test_memory(void **state)
{
	(void)state;

	for (size_t n = 1;; n++) {
		json_t *root = NULL;
		alloc_fail_at(n);
		enum assay_code rc = toml_parse(&root, bytes_of(long_one), NULL);
		if (rc == ASSAY_OK)
			json_decref(root);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, ASSAY_E_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
