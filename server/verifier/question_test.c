/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "question.h"

/* The key is that of RFC 7517, A.1. */
#define KEY                                                                                        \
	"{\"kty\":\"EC\",\"crv\":\"P-256\","                                                       \
	"\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                                   \
	"\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"

static const char whole[] =
    "{\"evidence\":\"AQID\",\"nonce\":\"0001020304050607\","
    "\"policy\":[\"default\" , \"web tier\"],\"profile\":\"ietf\",\"key\":" KEY "}";

static int
ask(struct verify_request *r, const char *type, const char *query, const char *body,
    struct assay_error *err)
{
	return verify_request_read(
	    r, type, query, (struct assay_bytes){ (const uint8_t *)body, strlen(body) }, err);
}

static void
test_json(void **state)
{
	struct verify_request r;
	struct assay_error err;

	(void)state;
	assert_int_equal(ask(&r, "application/json; charset=utf-8", "", whole, &err), 200);
	assert_int_equal(r.evidence.len, 3);
	assert_memory_equal(r.evidence.ptr, "\1\2\3", 3);
	assert_int_equal(r.fresh, FRESH_NONCE);
	assert_int_equal(r.data_len, 8);
	assert_int_equal(r.policy_count, 2);
	assert_string_equal(r.policies[1], "web tier");
	assert_int_equal(r.profile, ASSAY_EAR_IETF);
	/* Members sorted, without blanks: RFC 8785. */
	static const char sorted[] = "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"MK";
	assert_memory_equal(r.key.ptr, sorted, sizeof sorted - 1);
	assert_non_null(strstr(r.jwk, "\"crv\":\"P-256\""));
	verify_request_clear(&r);
}

static void
test_query(void **state)
{
	struct verify_request r;
	struct assay_error err;

	(void)state;
	assert_int_equal(
	    ask(&r, "application/cmw+cbor",
		"policy=default,web%20tier&report_data=00ff&profile=deployed", "x", &err),
	    200);
	assert_int_equal(r.fresh, FRESH_REPORT_DATA);
	assert_int_equal(r.data[1], 0xff);
	assert_string_equal(r.policies[1], "web tier");
	assert_int_equal(r.evidence.len, 1);
	verify_request_clear(&r);
}

static const struct {
	const char *type, *query, *body;
	int status;
	const char *words;
} refusals[] = {
	{ NULL, "", "{}", 415, "Content-Type" },
	{ "application/jsonx", "", "{}", 415, "Content-Type" },
	{ "application/json", "policy=x", "{}", 422, "all stands in the body" },
	{ "application/json", "", "", 400, "body" },
	{ "application/json", "", "{}", 422, "evidence: is missing" },
	{ "application/json", "", "{\"evidence\":\"AQI\"}", 400, "is no base64" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"nonse\":\"00\"}", 422, "\"nonse\"" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"time\":1}", 422, "always of now" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"\\u0074ime\":1}", 422, "is not known" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"evidence\":\"AQID\"}", 422, "twice" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"nonce\":\"00010203040506\"}", 422,
	    "must be 8 to 64 bytes" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"policy\":[\"a\",[\"b\"]]}", 422,
	    "must be a name" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"policy\":\"\"}", 422, "is no name" },
	{ "application/json", "", "{\"evidence\":\"AQID\",\"key\":" KEY "}", 422,
	    "bound together with a nonce" },
	{ "application/octet-stream", "nonce=0001020304050607&challenge=00", "x", 422,
	    "give one of" },
	{ "application/octet-stream", "policy=a&policy=b", "x", 422, "stands twice" },
	{ "application/octet-stream", "policy=a,,b", "x", 422, "is no name" },
	{ "application/octet-stream", "x", "x", 422, "is not known" },
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct verify_request r;
		struct assay_error err = { .text = "" };
		int status = ask(&r, refusals[i].type, refusals[i].query, refusals[i].body, &err);
		if (status != refusals[i].status || strstr(err.text, refusals[i].words) == NULL)
			fail_msg(
			    "%s?%s: %d %s", refusals[i].body, refusals[i].query, status, err.text);
		verify_request_clear(&r);
	}
}

/* Cut short it is no JSON; a flipped bit is refused with a sentence, or gives a request in bounds. */
static void
test_damage(void **state)
{
	struct verify_request r;
	struct assay_error err;

	(void)state;
	for (size_t n = 0; n < sizeof whole - 1; n++) {
		const struct assay_bytes body = { (const uint8_t *)whole, n };
		assert_int_equal(verify_request_read(&r, "application/json", "", body, &err), 400);
		verify_request_clear(&r);
	}
	for (size_t bit = 0; bit < 8 * (sizeof whole - 1); bit++) {
		char copy[sizeof whole];
		memcpy(copy, whole, sizeof copy);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		err.text[0] = '\0';
		int status = verify_request_read(&r, "application/json", "",
		    (struct assay_bytes){ (const uint8_t *)copy, sizeof whole - 1 }, &err);
		assert_true(status == 200 || status == 400 || status == 422);
		assert_true(status == 200 || err.text[0] != '\0');
		verify_request_clear(&r);
	}
}

static void
test_memory(void **state)
{
	struct verify_request r;
	struct assay_error err;
	size_t failures = 0;

	(void)state;
	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		int status = ask(&r, "application/json", "", whole, &err);
		bool failed = alloc_failed();
		verify_request_clear(&r);
		if (!failed) {
			assert_int_equal(status, 200);
			break;
		}
		assert_int_equal(status, 500); /* the library's own are tested with it */
		failures++;
	}
	assert_true(failures > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("question", tests, NULL, NULL);
}
