/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What tests/agent/rest.py asks over the socket is not repeated: here are the bytes. */
static void
test_data(void **state)
{
	static const struct {
		const char *query;
		const char *data;
		uint32_t len; /* 0: it is refused */
	} cases[] = {
		{ "runtime_data=abc", "abc", 3 },
		{ "runtime_data=a+b%2B%00c", "a b+\0c", 6 },
		{ "runtime_data=%C3%bf", "\xc3\xbf", 2 },
		{ "encoding=base64&runtime_data=_-8", "\xff\xef", 2 },
		{ "runtime_data=AA&encoding=base64", "\0", 1 },
		{ "runtime_data=AB&encoding=base64", NULL, 0 },
		{ "runtime_data=AAA=&encoding=base64", NULL, 0 },
		{ "runtime_data=+/&encoding=base64", NULL, 0 },
		{ "runtime_data=AAAAA&encoding=base64", NULL, 0 },
		{ "runtime_data=%", NULL, 0 },
		{ "runtime_data=%1", NULL, 0 },
		{ "runtime_data=%1g", NULL, 0 },
		{ "runtime_data=a&&encoding=base64", NULL, 0 },
		{ "=a", NULL, 0 },
	};
	struct job job;
	char why[QUERY_WHY];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int status = query_read(&job, "/aa/evidence", cases[i].query, why);
		if (status != (cases[i].len > 0 ? 0 : 400))
			fail_msg("%s: %d %s", cases[i].query, status, status != 0 ? why : "");
		if (status != 0)
			continue;
		assert_int_equal(job.kind, JOB_EVIDENCE);
		assert_int_equal(job.data_len, cases[i].len);
		assert_memory_equal(job.data, cases[i].data, cases[i].len);
	}
}

static void
test_resource(void **state)
{
	char path[sizeof "/cdh/resource/" + QUERY_RESOURCE] = "/cdh/resource/";
	size_t head = strlen(path);
	struct job job;
	char why[QUERY_WHY];

	(void)state;
	assert_int_equal(query_read(&job, "/cdh/resource/a/b/c", "", why), 0);
	assert_int_equal(job.kind, JOB_RESOURCE);
	assert_string_equal(job.resource, "a/b/c");
	memset(path + head, 'a', QUERY_RESOURCE - 1);
	assert_int_equal(query_read(&job, path, "", why), 0);
	path[head + QUERY_RESOURCE - 1] = 'a';
	assert_int_equal(query_read(&job, path, "", why), 400);
	assert_non_null(strstr(why, "too long"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_resource),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
