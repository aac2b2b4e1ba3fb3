/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] =
    "POST /kbs/v0/attest?a=b&c=%20 HTTP/1.1\r\nHost: kbs\r\nContent-Length: 12\r\n"
    "Cookie: a=b\r\nX-Empty:\r\n\r\n";

/* Reads a copy of exactly its size; *out lives in *copy. */
static int
read_copy(struct head *out, char **copy, const char *text, size_t len, const char **why)
{
	*copy = malloc(len);
	assert_non_null(*copy);
	memcpy(*copy, text, len);
	return head_read(out, *copy, len, why);
}

static void
test_whole(void **context)
{
	struct head h;
	const char *why = NULL;
	char *copy;

	(void)context;
	assert_int_equal(head_end(whole, sizeof whole - 1, 0), sizeof whole - 1);
	assert_int_equal(read_copy(&h, &copy, whole, sizeof whole - 1, &why), 0);
	assert_string_equal(h.method, "POST");
	assert_string_equal(h.path, "/kbs/v0/attest");
	assert_string_equal(h.query, "a=b&c=%20");
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.length, 12);
	assert_true(h.keep_alive);
	assert_false(h.expects);
	assert_int_equal(h.header_count, 4);
	assert_string_equal(head_field(&h, "cookie"), "a=b");
	assert_string_equal(head_field(&h, "X-EMPTY"), "");
	assert_null(head_field(&h, "X"));
	free(copy);
}

/* An end is found wherever the bytes stop for a moment, and never earlier. */
static void
test_pieces(void **context)
{
	(void)context;
	for (size_t len = 0; len < sizeof whole - 1; len++)
		for (size_t from = 0; from <= len; from++)
			assert_int_equal(head_end(whole, len, from), 0);
	for (size_t from = 0; from < sizeof whole - 1; from++)
		assert_int_equal(head_end(whole, sizeof whole - 1, from), sizeof whole - 1);
}

static void
test_refused(void **context)
{
	static const struct {
		const char *text;
		int status;
		const char *words;
	} cases[] = {
		{ "GET /\r\n\r\n", 400, "METHOD PATH" },
		{ "\r\n\r\n", 400, "METHOD PATH" },
		{ "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505, "version" },
		{ "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 505, "version" },
		{ "GET /a%2e HTTP/1.1\r\nHost: x\r\n\r\n", 400, "'%'" },
		{ "GET /a/.. HTTP/1.1\r\nHost: x\r\n\r\n", 400, "\"..\"" },
		{ "GET /. HTTP/1.1\r\nHost: x\r\n\r\n", 400, "\".\"" },
		{ "GET // HTTP/1.1\r\nHost: x\r\n\r\n", 400, "empty segment" },
		{ "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "whole URL" },
		{ "GET  HTTP/1.1\r\nHost: x\r\n\r\n", 400, "whole URL" },
		{ "GET /?a|b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "query" },
		{ "GET / HTTP/1.1\r\n\r\n", 400, "Host" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "Host" },
		{ "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, "NAME: VALUE" },
		{ "GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400, "NAME: VALUE" },
		{ "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400, "NAME: VALUE" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
		  "chunked\r\n\r\n",
		    400, "cannot both" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411,
		    "chunks" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
		    400, "twice" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1a\r\n\r\n", 400, "no number" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400, "no number" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000000\r\n\r\n", 413,
		    "beyond" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n", 417, "100-continue" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: a\r\n\r\n", 400,
		    "Authorization" },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct head h;
		const char *why = "";
		char *copy;
		int status = read_copy(&h, &copy, cases[i].text, strlen(cases[i].text), &why);
		if (status != cases[i].status || strstr(why, cases[i].words) == NULL)
			fail_msg("%s: %d %s", cases[i].text, status, why);
		free(copy);
	}
}

static void
test_no_head(void **context)
{
	static const char *const texts[] = { "GET / HTTP/1.1\n", "\n", "A\rB", "A\x01", "A\x7f",
		"A\r\n\rB" };

	(void)context;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(head_end(texts[i], strlen(texts[i]), 0), SIZE_MAX);
	assert_int_equal(head_end("A\0", 2, 0), SIZE_MAX);
	assert_int_equal(head_end("GET \xc3\xa9", 6, 0), 0); /* a field may have it, a path not */
}

static void
test_connection(void **context)
{
	static const struct {
		const char *text;
		bool keeps;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: te, Close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct head h;
		const char *why = "";
		char *copy;
		assert_int_equal(
		    read_copy(&h, &copy, cases[i].text, strlen(cases[i].text), &why), 0);
		assert_int_equal(h.keep_alive, cases[i].keeps);
		free(copy);
	}
}

static void
test_many_fields(void **context)
{
	char text[HEADERS_MAX * 8 + 64];
	const char *why = "";
	struct head h;
	char *copy;

	(void)context;
	for (int extra = 0; extra <= 1; extra++) {
		size_t n = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n");
		for (int i = 1; i < HEADERS_MAX + extra; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "A: b\r\n");
		n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
		assert_int_equal(read_copy(&h, &copy, text, n, &why), extra ? 431 : 0);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_head),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_many_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
