/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opa.h"

static enum opa_verdict
read_text(const char **why, const char *text)
{
	return opa_answer_read(why, (struct assay_bytes){ (const uint8_t *)text, strlen(text) });
}

static void
test_answers(void **state)
{
	static const struct {
		const char *text;
		enum opa_verdict verdict;
		const char *words;
	} cases[] = {
		{ "{\"result\":true}", OPA_ALLOWED, "" },
		{ " { \"result\" : true }\n", OPA_ALLOWED, "" },
		{ "{\"decision_id\":\"4c\",\"result\":true,\"metrics\":{}}", OPA_ALLOWED, "" },
		{ "{\"result\":false}", OPA_DENIED, "is false" },
		{ "{}", OPA_DENIED, "no result" },
		{ "{\"decision_id\":\"4c\"}", OPA_DENIED, "no result" },
		{ "{\"Result\":true}", OPA_DENIED, "no result" },
		{ "{\"result\\u0000\":true}", OPA_TROUBLE, "no JSON object" },
		{ "{\"code\":\"internal_error\",\"result \":true}", OPA_DENIED, "no result" },
		{ "{\"result\":null}", OPA_TROUBLE, "neither true nor false" },
		{ "{\"result\":\"true\"}", OPA_TROUBLE, "neither true nor false" },
		{ "{\"result\":1}", OPA_TROUBLE, "neither true nor false" },
		{ "{\"result\":[true]}", OPA_TROUBLE, "neither true nor false" },
		{ "{\"result\":{\"allow\":true}}", OPA_TROUBLE, "neither true nor false" },
		{ "{\"result\":false,\"result\":true}", OPA_TROUBLE, "no JSON object" },
		{ "{\"result\":true,\"result\":true}", OPA_TROUBLE, "no JSON object" },
		{ "{\"result\":true}}", OPA_TROUBLE, "no JSON object" },
		{ "{\"result\":true} {\"result\":false}", OPA_TROUBLE, "no JSON object" },
		{ "true", OPA_TROUBLE, "no JSON object" },
		{ "[{\"result\":true}]", OPA_TROUBLE, "no JSON object" },
		{ "\"result\"", OPA_TROUBLE, "no JSON object" },
		{ "", OPA_TROUBLE, "no JSON object" },
		{ "<html>true</html>", OPA_TROUBLE, "no JSON object" },
		{ "{\"result\":TRUE}", OPA_TROUBLE, "no JSON object" },
		{ "{'result':true}", OPA_TROUBLE, "no JSON object" },
	};
	const char *why;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		why = NULL;
		if (read_text(&why, cases[i].text) != cases[i].verdict ||
		    strstr(why, cases[i].words) == NULL ||
		    (cases[i].words[0] == '\0') != (why[0] == '\0'))
			fail_msg("%s: %s", cases[i].text, why);
	}
	assert_int_equal(opa_answer_read(&why, (struct assay_bytes){ NULL, 0 }), OPA_TROUBLE);
}

/* An answer that is cut, or in which one bit is another, allows nothing. */
static void
test_damaged(void **state)
{
	static const char good[] = "{\"result\":true}";
	const size_t n = sizeof good - 1;
	const char *why;
	(void)state;

	for (size_t len = 0; len < n; len++)
		assert_int_not_equal(
		    opa_answer_read(&why, (struct assay_bytes){ (const uint8_t *)good, len }),
		    OPA_ALLOWED);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		uint8_t text[sizeof good];
		memcpy(text, good, sizeof good);
		text[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(
		    opa_answer_read(&why, (struct assay_bytes){ text, n }), OPA_ALLOWED);
		assert_true(why[0] != '\0');
	}
}

static void
test_size(void **state)
{
	size_t n = OPA_ANSWER_MAX + 1;
	char *text = malloc(n);
	const char *why;
	(void)state;

	assert_non_null(text);
	memset(text, ' ', n);
	memcpy(text, "{\"result\":true}", 15);
	struct assay_bytes in = { (uint8_t *)text, OPA_ANSWER_MAX };
	assert_int_equal(opa_answer_read(&why, in), OPA_ALLOWED);
	in.len++;
	assert_int_equal(opa_answer_read(&why, in), OPA_TROUBLE);
	/* Nested as deep as it fits. */
	memset(text, '[', n - 1);
	in.len--;
	assert_int_equal(opa_answer_read(&why, in), OPA_TROUBLE);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
