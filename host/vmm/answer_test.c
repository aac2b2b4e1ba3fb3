/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kbs/base64.h"

enum { TEXT_ROOM = BASE64_ROOM(REPORT_SIZE + 1) };

static char *
report_text(char out[TEXT_ROOM], size_t len)
{
	uint8_t bytes[REPORT_SIZE + 1];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	base64_encode(out, (struct assay_bytes){ bytes, len });
	return out;
}

static bool
read_qmp(struct answer *a, const char *line)
{
	memset(a, 0, sizeof *a);
	return answer_read_qmp(a, line, strlen(line));
}

static void
test_qmp(void **context)
{
	struct answer a;
	char line[1024], text[TEXT_ROOM];

	(void)context;
	assert_true(read_qmp(&a,
	    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, "
	    "\"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r"));
	assert_int_equal(a.kind, ANSWER_GREETING);
	assert_true(read_qmp(&a, "{\"return\": {}}"));
	assert_int_equal(a.kind, ANSWER_RETURN);
	assert_false(a.has_handle || a.has_report);
	assert_true(read_qmp(&a, "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1}}"));
	assert_int_equal(a.kind, ANSWER_OTHER);
	assert_true(read_qmp(&a,
	    "{\"return\": {\"enabled\": true, \"api-minor\": 51, \"handle\": 4294967295, "
	    "\"state\": \"running\", \"api-major\": 1, \"build-id\": 3, \"policy\": 5}, \"id\": "
	    "9}"));
	assert_true(a.has_handle && a.handle == UINT32_MAX && a.id == 9);
	assert_true(read_qmp(&a,
	    "{\"id\": 2, \"error\": {\"class\": \"GenericError\", \"desc\": \"SEV\\n is "
	    "not\"}}"));
	assert_int_equal(a.kind, ANSWER_ERROR);
	assert_string_equal(a.text, "SEV? is not");
	snprintf(line, sizeof line, "{\"return\": {\"data\": \"%s\"}, \"id\": 3}",
	    report_text(text, REPORT_SIZE));
	assert_true(read_qmp(&a, line));
	assert_true(a.has_report && a.report[0] == 0 && a.report[207] == 207);
}

static void
test_not_qmp(void **context)
{
	static const char *const lines[] = { "", "{", "[]", "7", "null",
		"{\"return\": {\"handle\": -1}}", "{\"return\": {\"handle\": 4294967296}}",
		"{\"return\": {\"handle\": \"1\"}}", "{\"return\": {\"handle\": 1.0}}",
		"{\"return\": {\"data\": 7}}", "{\"return\": {\"data\": \"\"}}",
		"{\"return\": {}, \"return\": {}}" };
	struct answer a;
	char line[1024], text[TEXT_ROOM];

	(void)context;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (read_qmp(&a, lines[i]))
			fail_msg("%s", lines[i]);
	for (size_t len = REPORT_SIZE - 1; len <= REPORT_SIZE + 1; len++) {
		snprintf(
		    line, sizeof line, "{\"return\": {\"data\": \"%s\"}}", report_text(text, len));
		assert_true(read_qmp(&a, line) == (len == REPORT_SIZE));
	}
}

static void
test_adapter(void **context)
{
	struct answer a = { 0 };
	char line[1024], text[TEXT_ROOM];

	(void)context;
	int n = snprintf(
	    line, sizeof line, "{\"handle\":3,\"report\":\"%s\"}", report_text(text, REPORT_SIZE));
	assert_true(answer_read_adapter(&a, line, (size_t)n));
	assert_true(a.kind == ANSWER_RETURN && a.has_handle && a.handle == 3 && a.has_report);
	/* Whose report it is must be said. */
	n = snprintf(line, sizeof line, "{\"report\":\"%s\"}", text);
	assert_false(answer_read_adapter(&a, line, (size_t)n));
	n = snprintf(line, sizeof line, "{\"handle\":3}");
	assert_false(answer_read_adapter(&a, line, (size_t)n));
	n = snprintf(line, sizeof line, "{\"error\":\"no\"}");
	assert_true(answer_read_adapter(&a, line, (size_t)n));
	assert_int_equal(a.kind, ANSWER_ERROR);
	assert_string_equal(a.text, "no");
}

static void
test_cut(void **context)
{
	struct answer a;
	char line[1024], text[TEXT_ROOM];
	int len = snprintf(line, sizeof line, "{\"return\":{\"data\":\"%s\"},\"id\":3}",
	    report_text(text, REPORT_SIZE));

	(void)context;
	for (size_t i = 0; i < (size_t)len; i++)
		assert_false(answer_read_qmp(&a, line, i));
	assert_true(answer_read_qmp(&a, line, (size_t)len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qmp),
		cmocka_unit_test(test_not_qmp),
		cmocka_unit_test(test_adapter),
		cmocka_unit_test(test_cut),
	};
	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
