/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "opa.h"

#define RULE "/v1/data/policy/allow"

static void
test_good(void **state)
{
	static const struct {
		const char *url, *host;
		uint16_t port;
		const char *path;
	} cases[] = {
		{ "http://127.0.0.1:8181" RULE, "127.0.0.1", 8181, RULE },
		{ "http://127.8.9.10:1" RULE, "127.8.9.10", 1, RULE },
		{ "http://localhost:65535" RULE, "127.0.0.1", 65535, RULE },
		{ "http://localhost" RULE, "127.0.0.1", 8181, RULE },
		{ "http://[::1]:80" RULE, "::1", 80, RULE },
		{ "http://[::1]/x?a=b", "::1", 8181, "/x?a=b" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct opa_address a;
		const char *fault = opa_address_read(&a, cases[i].url);
		if (fault != NULL)
			fail_msg("%s: %s", cases[i].url, fault);
		assert_string_equal(a.host, cases[i].host);
		assert_int_equal(a.port, cases[i].port);
		assert_string_equal(a.path, cases[i].path);
	}
}

static void
test_bad(void **state)
{
	static const struct {
		const char *url, *words;
	} cases[] = {
		{ "", "is no URL" },
		{ "localhost", "is no URL" },
		{ "127.0.0.1:8181" RULE, "is no URL" },
		{ "unix:/run/opa.sock", "is no URL" },
		{ "HTTP://127.0.0.1" RULE, "is no URL" },
		{ "http://127.0.0.1:8181/v1 data/x", "is no URL" },
		{ "http://127.0.0.1:8181/v1\r\nHost: x", "is no URL" },
		{ "http://127.0.0.1:port" RULE, "is no URL" },
		{ "https://127.0.0.1:8181" RULE, "is https" },
		{ "http://192.0.2.1:8181" RULE, "not on this machine" },
		{ "http://0.0.0.0:8181" RULE, "not on this machine" },
		{ "http://128.0.0.1:8181" RULE, "not on this machine" },
		{ "http://127.1:8181" RULE, "not on this machine" },
		{ "http://127.0.0.1.example" RULE, "not on this machine" },
		{ "http://opa.example" RULE, "not on this machine" },
		{ "http://[::2]" RULE, "not on this machine" },
		{ "http://[::ffff:127.0.0.1]" RULE, "not on this machine" },
		{ "http://[v1.x]" RULE, "not on this machine" },
		{ "http://127.0.0.1:0" RULE, "not on this machine" },
		{ "http://127.0.0.1:65536" RULE, "" },
		{ "http://user@127.0.0.1" RULE, "not on this machine" },
		{ "http:" RULE, "is no URL" },
		{ "http://" RULE, "not on this machine" },
		{ "http://127.0.0.1:8181", "names no rule" },
		{ "http://127.0.0.1:8181/", "names no rule" },
		{ "http://127.0.0.1:8181/x#y", "names no rule" },
	};
	struct opa_address a = { .port = 7 };
	char url[2 * OPA_PATH_ROOM], longest[OPA_PATH_ROOM + 1];
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *fault = opa_address_read(&a, cases[i].url);
		if (fault == NULL || strstr(fault, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].url, fault != NULL ? fault : "is taken");
	}
	assert_int_equal(a.port, 7);
	memset(longest, 'a', sizeof longest);
	longest[0] = '/';
	longest[OPA_PATH_ROOM - 1] = '\0';
	snprintf(url, sizeof url, "http://127.0.0.1%s", longest);
	assert_null(opa_address_read(&a, url));
	assert_string_equal(a.path, longest);
	longest[OPA_PATH_ROOM - 1] = 'a';
	longest[OPA_PATH_ROOM] = '\0';
	snprintf(url, sizeof url, "http://127.0.0.1%s", longest);
	assert_string_equal(opa_address_read(&a, url), "is too long");
	memset(longest, '1', sizeof longest - 1);
	snprintf(url, sizeof url, "http://%s" RULE, longest);
	assert_non_null(strstr(opa_address_read(&a, url), "not on this machine"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
