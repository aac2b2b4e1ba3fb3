/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of secrets: what they ask the keeper and the OPA, and what they answer. */
#include "kbs_test.h"

static void
test_release_answers(void **state)
{
	static const struct {
		enum keeper_status keeper;
		int status;
		const char *variant;
	} rows[] = {
		{ KEEPER_TICKET, 401, "TokenNotFound" },
		{ KEEPER_NO_TOKEN, 401, "TokenNotFound" },
		{ KEEPER_TOKEN, 401, "TokenVerifierError" },
		{ KEEPER_DENIED, 401, "PolicyDeny" },
		{ KEEPER_MISSING, 404, "PluginInternalError" },
		{ KEEPER_KEY, 401, "JweError" },
		{ KEEPER_TROUBLE, 503, "PluginInternalError" },
	};
	struct session s = begin("0.4.0", "sgx");
	(void)state;

	for (size_t i = 0; i <= sizeof rows / sizeof *rows; i++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie,
			.bearer = "t.o.k" };
		kbs_resource(&x);
		assert_int_equal(x.op, KEEPER_RELEASE);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_string_equal(x.fields[1], "t.o.k");
		assert_string_equal(x.fields[2], "a/b/c");
		assert_string_equal(x.fields[3], "127.0.0.1");
		if (i == sizeof rows / sizeof *rows) {
			answer(&x, KEEPER_DONE, "{\"jwe\":1}");
			assert_int_equal(x.status, 200);
			assert_string_equal(x.answer, "{\"jwe\":1}");
		} else {
			answer(&x, rows[i].keeper, "because");
			expect_error(&x, rows[i].status, rows[i].variant, "because");
		}
		exchange_clear(&x);
	}
	/* Neither session nor token: the keeper is not asked. */
	struct exchange x = {
		.worker = &world, .method = "GET", .path = "/kbs/v0/resource/a/b/c", .rest = "a/b/c"
	};
	kbs_resource(&x);
	assert_int_equal(x.calls, 0);
	expect_error(&x, 401, "TokenNotFound", "");
	exchange_clear(&x);
	/* A forged cookie is none. */
	struct session forged = s;
	forged.cookie[127] ^= 1;
	x = (struct exchange){ .worker = &world,
		.method = "GET",
		.path = "/kbs/v0/resource/a/b/c",
		.rest = "a/b/c",
		.cookie = forged.cookie };
	kbs_resource(&x);
	assert_int_equal(x.calls, 0);
	expect_error(&x, 401, "TokenNotFound", "not made here");
	exchange_clear(&x);
}

/* With an OPA: what would be released is asked about, and what it says goes to the keeper as it is. */
static void
test_opa(void **state)
{
	static const char claims[] = "{\"a\":[\"b\"]}";
	static const struct {
		enum opa_verdict verdict;
		const char *word, *why;
		enum keeper_status keeper;
		int status;
		const char *variant;
	} rows[] = {
		{ OPA_ALLOWED, "allowed", "", KEEPER_DONE, 200, NULL },
		{ OPA_DENIED, "denied", "its result is false", KEEPER_DENIED, 401, "PolicyDeny" },
		{ OPA_TROUBLE, "trouble", "it is gone", KEEPER_UNJUDGED, 503, "PolicyEngineError" },
	};
	struct session s = begin("0.4.0", "sgx");
	uint8_t digest[32];
	uint8_t generation[8];
	struct ipc_message m = { .op = KEEPER_DONE, .count = 2 };
	(void)state;

	world.opa = true;
	m.field[0] = ipc_u64(generation, 7);
	m.field[1] = bytes_of(claims);
	assert_int_equal(EVP_Digest(claims, strlen(claims), digest, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b.1/c",
			.rest = "a/b.1/c",
			.cookie = s.cookie,
			.bearer = "t.o.k" };
		kbs_resource(&x);
		assert_int_equal(x.op, KEEPER_WOULD_RELEASE);
		assert_int_equal(x.count, 4);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_string_equal(x.fields[1], "t.o.k");
		assert_string_equal(x.fields[2], "a/b.1/c");
		assert_null(x.question);
		keeper_done *done = x.done;
		forget_call(&x);
		done(x.arg, &m);
		assert_int_equal(x.calls + x.answers, 0);
		assert_string_equal(x.question,
		    "{\"input\":{\"claims\":{\"a\":[\"b\"]},\"plugin\":\"resource\","
		    "\"resource-path\":[\"a\",\"b.1\",\"c\"],\"query\":{}}}");
		x.judge(&x, rows[i].verdict, rows[i].why);
		assert_int_equal(x.op, KEEPER_RELEASE);
		assert_int_equal(x.count, 7);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_string_equal(x.fields[1], "t.o.k");
		assert_string_equal(x.fields[2], "a/b.1/c");
		assert_string_equal(x.fields[3], "127.0.0.1");
		assert_string_equal(x.fields[4], rows[i].word);
		assert_int_equal(x.lengths[5], sizeof digest);
		assert_memory_equal(x.fields[5], digest, sizeof digest);
		assert_string_equal(x.fields[6], rows[i].why);
		answer(&x, rows[i].keeper, "{\"jwe\":1}");
		if (rows[i].variant == NULL)
			assert_int_equal(x.status, rows[i].status);
		else
			expect_error(&x, rows[i].status, rows[i].variant, "jwe");
		exchange_clear(&x);
	}
	/* Without memory there is an answer, or a question. */
	for (size_t n = 1;; n++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie };
		kbs_resource(&x);
		keeper_done *done = x.done;
		forget_call(&x);
		alloc_fail_at(n);
		done(x.arg, &m);
		bool failed = alloc_failed();
		assert_int_equal(x.calls, 0);
		assert_int_equal(x.answers + (x.question != NULL), 1);
		if (x.question == NULL)
			assert_int_equal(x.status, 503);
		exchange_clear(&x);
		if (!failed) {
			assert_true(n > 2);
			break;
		}
	}
	/* What the keeper refuses, the OPA never sees. */
	for (enum keeper_status status = KEEPER_MALFORMED; status <= KEEPER_UNJUDGED; status++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie };
		kbs_resource(&x);
		answer(&x, status, "because");
		assert_null(x.question);
		assert_int_not_equal(x.status, 200);
		exchange_clear(&x);
	}
	world.opa = false;
}

static void
test_paths(void **state)
{
	static const char *const bad[] = { "", "a", "a/b", "a/b/", "a/b/c/", "a/b/c/d", "/b/c",
		"a//c", ".a/b/c", "a/../c", "a/b/.c", "a/b/c:d", "a/b/c%41", "a/b/c d",
		"a/b/\xc3\xa9" };
	static const char *const good[] = { "a/b/c", "A-z_0/_b/-c", "a.b/c..d/e.", "0/1/2" };
	struct session s = begin("0.4.0", "sgx");
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad + sizeof good / sizeof *good; i++) {
		bool ok = i >= sizeof bad / sizeof *bad;
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/",
			.rest = ok ? good[i - sizeof bad / sizeof *bad] : bad[i],
			.cookie = s.cookie };
		kbs_resource(&x);
		if (x.calls != ok)
			fail_msg("%s", x.rest);
		if (!ok)
			expect_error(&x, 404, "InvalidRequestPath", "REPOSITORY/TYPE/TAG");
		exchange_clear(&x);
	}
}

static void
test_put(void **state)
{
	static const struct {
		const char *method, *query, *target, *arguments; /* target NULL: refused */
	} rows[] = {
		{ "POST", "", "/kbs/v0/resource/a/b/c", "{\"path\":\"a/b/c\"}" },
		{ "POST", "policy=web-1.x", "/kbs/v0/resource/a/b/c?policy=web-1.x",
		    "{\"path\":\"a/b/c\",\"policy\":\"web-1.x\"}" },
		{ "POST", "policy=", NULL, NULL },
		{ "POST", "policy=a\"", NULL, NULL },
		{ "POST", "policy=a&policy=b", NULL, NULL },
		{ "POST", "x=1", NULL, NULL },
		{ "DELETE", "", "/kbs/v0/resource/a/b/c", "{\"path\":\"a/b/c\"}" },
		{ "DELETE", "policy=a", NULL, NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x = { .worker = &world,
			.method = rows[i].method,
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.query = rows[i].query,
			.bearer = "t.o.k",
			.body = bytes_of("secret") };
		uint8_t digest[32];
		kbs_resource(&x);
		if (rows[i].target == NULL) {
			expect_error(&x, 400, "PluginInternalError", "policy=NAME");
			exchange_clear(&x);
			continue;
		}
		assert_int_equal(x.op, KEEPER_ADMIN_DO);
		assert_int_equal(x.count, 8);
		assert_string_equal(x.fields[0], "t.o.k");
		assert_string_equal(x.fields[2], rows[i].method);
		assert_string_equal(x.fields[3], rows[i].target);
		assert_int_equal(EVP_Digest("secret", 6, digest, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(x.fields[4], digest, 32);
		assert_string_equal(
		    x.fields[5], rows[i].method[0] == 'P' ? "secret.put" : "secret.rm");
		assert_string_equal(x.fields[6], rows[i].arguments);
		assert_string_equal(x.fields[7], "secret");
		answer(&x, i == 0 ? KEEPER_ROLE : KEEPER_DONE, "because");
		if (i == 0)
			expect_error(&x, 401, "AdminAuthAccess", "because");
		else {
			assert_int_equal(x.status, 200);
			assert_string_equal(x.answer, "");
		}
		exchange_clear(&x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release_answers),
		cmocka_unit_test(test_opa),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_put),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_world, close_world);
}
