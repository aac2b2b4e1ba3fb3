/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's admin verbs, as far as the routes rely on them: for which server, and what is kept. */
#include "../keeper/keeper_test.h"

static void
refused(struct reply *r, enum keeper_status status, const char *words)
{
	if (r->status != status || strstr(r->sentence, words) == NULL)
		print_message(
		    "%d %s; want %d %s\n", (int)r->status, r->sentence, (int)status, words);
	assert_int_equal(r->status, status);
	assert_non_null(strstr(r->sentence, words));
	reply_clear(r);
}

/* A name that several servers may have is no audience of an admin token. */
static void
test_audience(void **context)
{
	static const struct {
		const char *configured, *aud;
		bool good;
	} cases[] = {
		{ "https://kbs.test", "https://kbs.test", true },
		{ "https://kbs.test", "https://kbs.test/", false },
		{ "https://kbs.test", "https://other.test", false },
		{ "https://kbs.test", "", false },
		{ "assay-kbs", "assay-kbs", false },
		{ "assay-kbs", NULL, true }, /* the node */
		{ "https://kbs.test", NULL, true },
	};
	struct bed b;

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bed_new(&b);
		b.k->options.audience = cases[i].configured;
		b.aud = cases[i].aud != NULL ? cases[i].aud : b.k->node;
		struct reply r = bed_admin(&b, "secret.list", "{}", "");
		if (cases[i].good)
			assert_int_equal(r.status, KEEPER_DONE);
		else
			refused(&r, KEEPER_ADMIN, "is for another server (aud)");
		reply_clear(&r);
		bed_free(&b);
	}
}

/* The key file says whose it is, and is still a key. */
static void
test_key_file(void **context)
{
	struct bed b;
	uint8_t text[4096];
	size_t len = sizeof text - 1;
	struct assay_error err;
	char line[128];

	(void)context;
	bed_new(&b);
	assert_int_equal(file_read(text, &len, b.admin_path, true, &err), ASSAY_OK);
	text[len] = '\0';
	(void)snprintf(line, sizeof line, "Audience: %s\n-----BEGIN PRIVATE KEY-----\n", b.k->node);
	assert_int_equal(strlen(b.k->node), 2 * NODE_ID);
	assert_int_equal(strncmp((char *)text, line, strlen(line)), 0);
	bed_free(&b);
}

/* A new version of a secret does not come under a looser policy by saying nothing. */
static void
test_policy_stays(void **context)
{
	struct bed b;

	(void)context;
	bed_new(&b);
	json_decref(
	    bed_admin_json(&b, "policy.put", "{\"name\":\"strict\"}", "policy \"strict\"\n"));
	bed_secret(&b, "r/t/a", "strict", "1");
	json_t *put = bed_admin_json(&b, "secret.put", "{\"path\":\"r/t/a\"}", "2");
	assert_string_equal(json_string_value(json_object_get(put, "policy")), "strict");
	assert_int_equal(json_integer_value(json_object_get(put, "version")), 2);
	json_decref(put);
	put = bed_admin_json(&b, "secret.put", "{\"path\":\"r/t/new\"}", "1");
	assert_string_equal(json_string_value(json_object_get(put, "policy")), "default");
	json_decref(put);
	put = bed_admin_json(&b, "secret.put", "{\"path\":\"r/t/a\",\"policy\":\"default\"}", "3");
	assert_string_equal(json_string_value(json_object_get(put, "policy")), "default");
	json_decref(put);
	bed_free(&b);
}

static void
test_collateral(void **context)
{
	static const struct {
		const char *args, *body;
		enum keeper_status status;
	} cases[] = {
		{ "{\"items\":[{\"name\":\"a\",\"size\":2},{\"name\":\"b\",\"size\":1}]}", "aab",
		    KEEPER_DONE },
		{ "{\"items\":[{\"name\":\"a\",\"size\":2},{\"name\":\"b\",\"size\":1}]}", "aabb",
		    KEEPER_MALFORMED },
		{ "{\"items\":[{\"name\":\"a\",\"size\":2},{\"name\":\"b\",\"size\":2}]}", "aab",
		    KEEPER_MALFORMED },
		{ "{\"items\":[{\"name\":\"a\",\"size\":-1},{\"name\":\"b\",\"size\":4}]}", "aab",
		    KEEPER_MALFORMED },
		{ "{\"items\":[{\"name\":\"a\",\"size\":0},{\"name\":\"b\",\"size\":3}]}", "aab",
		    KEEPER_MALFORMED },
		{ "{\"items\":[{\"name\":\"a\",\"size\":9223372036854775807},{\"name\":\"b\","
		  "\"size\":"
		  "9223372036854775807}]}",
		    "aab", KEEPER_MALFORMED },
		{ "{\"items\":[{\"name\":\"../a\",\"size\":3}]}", "aab", KEEPER_MALFORMED },
		{ "{\"items\":[{\"size\":3}]}", "aab", KEEPER_MALFORMED },
		{ "{\"items\":[]}", "aab", KEEPER_MALFORMED },
		{ "{\"items\":[]}", "", KEEPER_DONE },
		{ "{\"items\":{}}", "aab", KEEPER_MALFORMED },
		{ "{}", "aab", KEEPER_MALFORMED },
	};
	struct bed b;

	(void)context;
	bed_new(&b);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ipc_message view = { .op = KEEPER_VIEW };
		struct reply r = bed_admin(&b, "collateral.put", cases[i].args, cases[i].body);
		assert_int_equal(r.status, cases[i].status);
		reply_clear(&r);
		/* What is refused leaves nothing: two items, of the first. */
		r = bed_do(&b, &view);
		json_t *root = json_loadb((char *)r.data, r.len, 0, NULL);
		assert_int_equal(json_array_size(json_object_get(root, "collateral")), 2);
		assert_string_equal(
		    json_string_value(json_object_get(
			json_array_get(json_object_get(root, "collateral"), 0), "bytes")),
		    "YWE=");
		assert_string_equal(json_string_value(json_object_get(root, "node")), b.k->node);
		json_decref(root);
		reply_clear(&r);
	}
	bed_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_audience),
		cmocka_unit_test(test_key_file),
		cmocka_unit_test(test_policy_stays),
		cmocka_unit_test(test_collateral),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
