/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers over a front and a keeper that are made up here: what they ask the keeper, what they
 * answer, and that they do exactly one of both, whatever fails.
 */
#include "kbs_test.h"

#include <jansson.h>

#include "annotate.h"
#include "vectors.h"

/* --- what the keeper is asked ------------------------------------------------------------------- */

static json_t *
parsed(const char *text)
{
	json_error_t why;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (root == NULL)
		fail_msg("%s: %s", why.text, text);
	return root;
}

/* The members of the token, as an object. */
static json_t *
members_of(const struct exchange *x)
{
	struct buffer b = { .len = 0 };

	buffer_put(&b, "{");
	buffer_put(&b, x->fields[2]);
	buffer_put(&b, "}");
	char *text = buffer_take(&b);
	json_t *root = parsed(text);
	free(text);
	return root;
}

static const json_t *
facts_of(const json_t *members)
{
	const json_t *cpu = json_object_get(json_object_get(members, "submods"), "cpu0");

	return json_object_get(cpu, "ear.veraison.annotated-evidence");
}

static void
test_asked(void **state)
{
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i] };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		uint8_t ticket[TICKET_SIZE], digest[32];
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		assert_int_equal(x.answers, 0);
		assert_int_equal(x.op, KEEPER_ATTEST);
		assert_int_equal(x.count, 8);
		assert_true(hex_decode(ticket, sizeof ticket, bytes_of(s.cookie)));
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_memory_equal(x.fields[0], ticket, TICKET_SIZE);
		assert_int_equal(
		    EVP_Digest(body, strlen(body), digest, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(x.fields[1], digest, 32);
		assert_string_equal(x.fields[3], KEY);
		assert_string_equal(x.fields[4], "default\ngenuine\n");
		assert_memory_equal(x.fields[5], "\5\0\0\0\0\0\0\0", 8);
		assert_string_equal(x.fields[7], "{}");
		json_t *record = parsed(x.fields[6]);
		assert_string_equal(json_string_value(json_object_get(record, "tee")), tees[i]);
		assert_string_equal(
		    json_string_value(json_object_get(record, "verdict")), "accepted");
		assert_int_equal(json_string_length(json_object_get(record, "evidence")), 64);
		assert_int_equal(json_array_size(json_object_get(record, "rules")), 0);
		json_decref(record);
		json_t *members = members_of(&x);
		const json_t *runtime = json_object_get(facts_of(members), "runtime_data_claims");
		assert_string_equal(json_string_value(json_object_get(runtime, "nonce")), s.nonce);
		json_t *key = parsed(KEY);
		assert_true(json_equal(json_object_get(runtime, "tee-pubkey"), key));
		assert_non_null(json_object_get(facts_of(members), tees[i]));
		json_decref(key);
		json_decref(members);
		answer(&x, KEEPER_DONE, "a.b.c");
		assert_int_equal(x.status, 200);
		assert_string_equal(x.answer, "{\"token\":\"a.b.c\"}");
		assert_non_null(strstr(x.set_cookie, s.cookie));
		exchange_clear(&x);
		test_free(body);
	}
}

/* Genuine evidence that the policy "default" refuses: a looser one may take it. */
static void
test_debug(void **state)
{
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i], .debug = true };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		assert_string_equal(x.fields[4], "genuine\n");
		json_t *reasons = parsed(x.fields[7]), *record = parsed(x.fields[6]);
		const char *why = json_string_value(json_object_get(reasons, "default"));
		assert_non_null(why);
		assert_non_null(strstr(why, "policy.debug: "));
		assert_int_equal(json_object_size(reasons), 1);
		assert_string_equal(
		    json_string_value(json_object_get(record, "verdict")), "refused");
		assert_string_equal(
		    json_string_value(json_array_get(json_object_get(record, "rules"), 0)),
		    "policy.debug");
		json_decref(reasons);
		json_decref(record);
		exchange_clear(&x);
		test_free(body);
	}
}

static void
test_init_data(void **state)
{
	static const char text[] = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n"
				   "\"cdh.toml\" = \"[kbc]\\nname = 'cc_kbc'\"\n";
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i], .init_data = text };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		json_t *members = members_of(&x);
		const json_t *claims = json_object_get(facts_of(members), "init_data_claims");
		const json_t *kbc = json_object_get(json_object_get(claims, "cdh.toml"), "kbc");
		assert_string_equal(json_string_value(json_object_get(kbc, "name")), "cc_kbc");
		json_decref(members);
		exchange_clear(&x);
		/* One letter less. */
		char *at = strstr(body, "cc_kbc");
		assert_non_null(at);
		at[0] = 'C';
		attest(&x, &s, body);
		expect_error(&x, 401, "AttestationError", "is not what the evidence carries");
		exchange_clear(&x);
		test_free(body);
	}
}

/* Where the operator's "default" cannot be read, nothing passes it; the built-in one does not count. */
static void
test_no_default(void **state)
{
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	struct assay_policy *none;
	struct assay_error err;
	(void)state;

	assert_int_equal(
	    assay_policy_compile(&none, bytes_of(view_no_default), "default", NULL, &err),
	    ASSAY_OK);
	world.view.policies = compiled + 1;
	world.view.policy_count = 1;
	world.view.no_default = none;
	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i] };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		assert_string_equal(x.fields[4], "genuine\n");
		json_t *record = parsed(x.fields[6]), *members = members_of(&x);
		const json_t *cpu = json_object_get(json_object_get(members, "submods"), "cpu0");
		assert_string_equal(
		    json_string_value(json_object_get(record, "verdict")), "refused");
		assert_string_equal(
		    json_string_value(json_object_get(cpu, "ear.status")), "contraindicated");
		json_decref(members);
		json_decref(record);
		exchange_clear(&x);
		test_free(body);
	}
	world.view.policies = compiled;
	world.view.policy_count = 2;
	world.view.no_default = NULL;
	assay_policy_free(none);
}

/* Each device is a hundred bytes of the token, and a name of a few in the body. */
static void
test_devices(void **state)
{
	static const struct {
		size_t count, name;
		const char *words;
	} rows[] = { { 64, 1, "evidence.report_data" }, { 65, 1, "at most 64 devices" },
		{ 100000, 1, "at most 64 devices" }, { 1, 64, "evidence.report_data" },
		{ 1, 65, "names of at most 64 bytes" } };
	static const char member[] = "\"additional_evidence\":\"\"";
	struct wish wish = { .tee = "sgx" };
	struct session s = begin("0.4.0", "sgx");
	char *body = body_of(&s, &wish), *at = strstr(body, member);
	(void)state;

	assert_non_null(at);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buffer b = { .len = 0 };
		struct exchange x;
		buffer_add(&b, (struct assay_bytes){ (uint8_t *)body, (size_t)(at - body) });
		buffer_put(&b, "\"additional_evidence\":\"{");
		for (size_t k = 0; k < rows[i].count; k++) {
			buffer_put(&b, k > 0 ? ",\\\"" : "\\\"");
			for (size_t n = 0; n < rows[i].name; n++)
				buffer_put(&b, "n");
			buffer_put(&b, "\\\":0");
		}
		buffer_put(&b, "}\"");
		buffer_put(&b, at + sizeof member - 1);
		char *changed = buffer_take(&b);
		attest(&x, &s, changed);
		expect_error(&x, 401, "AttestationError", rows[i].words);
		assert_int_equal(x.calls, 0);
		exchange_clear(&x);
		free(changed);
	}
	test_free(body);
}

/* --- what the keeper answers ----------------------------------------------------------------------- */

static void
test_attest_answers(void **state)
{
	static const struct {
		enum keeper_status keeper;
		int status;
	} rows[] = { { KEEPER_TICKET, 401 }, { KEEPER_SPENT, 401 }, { KEEPER_KEY, 401 },
		{ KEEPER_TROUBLE, 503 }, { KEEPER_MALFORMED, 500 }, { KEEPER_MISSING, 500 } };
	struct wish wish = { .tee = "sgx" };
	struct session s = begin("0.4.0", "sgx");
	char *body = body_of(&s, &wish);
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x;
		attest(&x, &s, body);
		answer(&x, rows[i].keeper, "because");
		expect_error(&x, rows[i].status, "AttestationError", "because");
		assert_true(
		    (strstr(x.answer, "another body") != NULL) == (rows[i].keeper == KEEPER_SPENT));
		assert_string_equal(x.set_cookie, "");
		exchange_clear(&x);
	}
	test_free(body);
}

/* A ticket has its time; a session goes on as long as its token, which the keeper knows. */
static void
test_times(void **state)
{
	static const struct {
		int64_t shift;
		const char *words;
	} rows[] = { { 301, "expired, after 300 s" }, { -60, "begins in the future" } };
	struct wish wish = { .tee = "sgx" };
	struct session s = begin("0.4.0", "sgx");
	char *body = body_of(&s, &wish);
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		struct exchange x;
		clock_shift = rows[i].shift;
		attest(&x, &s, body);
		assert_int_equal(x.calls, 0);
		expect_error(&x, 401, "AttestationError", rows[i].words);
		exchange_clear(&x);
		x = (struct exchange){ .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie };
		kbs_resource(&x);
		assert_int_equal(x.calls, 1);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		exchange_clear(&x);
	}
	clock_shift = 0;
	test_free(body);
}

static void
test_sample(void **state)
{
	struct session s;
	(void)state;

	world.view.sample = true;
	world.view.policy_count = 3;
	s = begin("0.2.0", "sample");
	char text[512], data[128], body[1024];
	uint8_t digest[48];
	(void)snprintf(text, sizeof text, "{\"nonce\":\"%s\",\"tee-pubkey\":%s}", s.nonce, KEY);
	assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha384(), NULL), 1);
	base64_encode(data, (struct assay_bytes){ digest, sizeof digest });
	(void)snprintf(body, sizeof body,
	    "{\"tee-pubkey\":%s,\"tee-evidence\":{\"svn\":\"1\",\"report_data\":\"%s\"}}", KEY,
	    data);
	struct exchange x;
	attest(&x, &s, body);
	assert_int_equal(x.calls, 1);
	assert_string_equal(x.fields[4], "sample\n");
	json_t *members = members_of(&x), *reasons = parsed(x.fields[7]);
	const json_t *cpu = json_object_get(json_object_get(members, "submods"), "cpu0");
	assert_string_equal(json_string_value(json_object_get(cpu, "ear.status")), "none");
	assert_int_equal(json_object_size(reasons), 2);
	json_decref(members);
	json_decref(reasons);
	exchange_clear(&x);
	/* Switched off while the ticket lives. */
	world.view.sample = false;
	world.view.policy_count = 2;
	attest(&x, &s, body);
	assert_int_equal(x.calls, 0);
	expect_error(&x, 401, "AttestationError", "sample evidence is not taken here");
	exchange_clear(&x);
}

/* Whatever memory is short of: the keeper is asked in full, or there is an error, and never both. */
static void
test_memory(void **state)
{
	struct wish wish = { .tee = "tdx" };
	struct session s = begin("0.4.0", "tdx");
	char *body = body_of(&s, &wish);
	(void)state;

	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		struct exchange x;
		attest(&x, &s, body);
		bool failed = alloc_failed();
		assert_int_equal(x.calls + x.answers, 1);
		if (x.calls == 1) {
			json_decref(parsed(x.fields[6]));
			json_decref(parsed(x.fields[7]));
			assert_string_equal(x.fields[4], "default\ngenuine\n");
		} else
			assert_true(x.status == 401 || x.status == 503);
		exchange_clear(&x);
		if (!failed)
			break;
	}
	test_free(body);
}

/* --- the names that policies of the peers know ---------------------------------------------------- */

/* Every member of want is in got, and the same. */
static void
expect_part(const char *at, const json_t *want, const json_t *got)
{
	const char *name;
	json_t *value, *object;

	memcpy(&object, &want, sizeof object);
	json_object_foreach(object, name, value)
	{
		char below[256];
		(void)snprintf(below, sizeof below, "%s.%s", at, name);
		if (json_is_object(value))
			expect_part(below, value, json_object_get(got, name));
		else if (!json_equal(value, json_object_get(got, name)))
			fail_msg("%s", below);
	}
}

static void
test_claim_names(void **state)
{
	struct assay_bytes quote = vectors_read("coco/evidence/tdx/tdx_quote_4.dat");
	struct assay_bytes wanted =
	    vectors_read("coco/evidence/tdx/parse_tdx_claims_expected.json");
	struct assay_appraisal how = { .trust = world.view.trust, .now = NOW };
	struct kbs_beside beside = { "nonce", KEY, NULL };
	struct assay_error err;
	(void)state;

	if (quote.ptr == NULL || wanted.ptr == NULL) {
		vectors_free(quote);
		vectors_free(wanted);
		return;
	}
	assert_int_equal(assay_evidence_parse(&world.evidence, quote, &err), ASSAY_OK);
	assay_checks_clear(world.checks);
	/* Not under this trust; the claims are filled all the same. */
	assert_int_not_equal(
	    assay_evidence_verify(&world.claims, world.checks, world.evidence, &how, &err),
	    ASSAY_OK);
	char *text = kbs_annotate(world.evidence, world.claims, &beside);
	json_t *got = parsed(text);
	json_t *want = json_loadb((const char *)wanted.ptr, wanted.len, 0, NULL);
	assert_non_null(want);
	json_object_del(want, "uefi_event_logs");
	json_object_del(want, "platform_instance_id"); /* of a certificate that has no root here */
	json_t *init = json_object_get(want, "init_data"),
	       *data = json_object_get(want, "report_data");
	assert_true(json_equal(init, json_object_get(got, "init_data")));
	assert_true(json_equal(data, json_object_get(got, "report_data")));
	json_object_del(want, "init_data");
	json_object_del(want, "report_data");
	expect_part("tdx", want, json_object_get(got, "tdx"));
	json_decref(want);
	json_decref(got);
	free(text);
	vectors_free(quote);
	vectors_free(wanted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_debug),
		cmocka_unit_test(test_init_data),
		cmocka_unit_test(test_no_default),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_attest_answers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_claim_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_world, close_world);
}
