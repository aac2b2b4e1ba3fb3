/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that would be longer than a message between processes may be. */
#include "keeper_test.h"

/* So many secrets under the policy "p", each with facts that are so long; past all verbs, which take long. */
static void
fill(struct bed *b, size_t count, size_t length)
{
	char sql[512];

	bed_secret(b, "r/t/a", "p", "x");
	bed_stop(b);
	(void)snprintf(sql, sizeof sql,
	    "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %zu)"
	    " INSERT INTO item SELECT kind, 'r/t/' || n.i, version, created, replace(facts, '{',"
	    " '{' || char(34) || 'x' || char(34) || ':' || char(34) || hex(zeroblob(%zu)) ||"
	    " char(34) || ','), key, body FROM item, n WHERE kind = 'secret'",
	    count, length / 2);
	bed_sql(b->store + strlen("sqlite:"), sql);
	assert_int_equal(bed_start(b), 0);
}

static void
bed_with_policy(struct bed *b)
{
	bed_new(b);
	json_decref(bed_admin_json(b, "policy.put", "{\"name\":\"p\"}", "one"));
}

/* A list that is too long is told, and how long it is: who waits for it is not left without its line. */
static void
test_long_list(void **context)
{
	enum { MOST = 1024 * 1024 };
	struct bed b;

	(void)context;
	bed_with_policy(&b);
	fill(&b, 65, MOST / 64);
	b.k->message_most = MOST;
	struct reply r = bed_admin(&b, "secret.list", "{}", "");
	assert_int_equal(r.status, KEEPER_CONFLICT);
	assert_non_null(strstr(r.sentence, "would list 65 things"));
	reply_clear(&r);
	bed_free(&b);
}

/* Of what has been done the answer is short, whatever it was done to. */
static void
test_many_governed(void **context)
{
	struct bed b;

	(void)context;
	bed_with_policy(&b);
	fill(&b, 10002, 2);
	json_t *o = bed_admin_json(&b, "policy.put", "{\"name\":\"p\"}", "two");
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 2);
	assert_int_equal(json_array_size(json_object_get(o, "secrets")), 10000);
	assert_int_equal(json_integer_value(json_object_get(o, "more")), 2);
	json_decref(o);
	struct reply r = bed_admin(&b, "policy.rm", "{\"name\":\"p\"}", "");
	assert_int_equal(r.status, KEEPER_CONFLICT);
	assert_non_null(strstr(r.sentence, "10002 secrets name this policy"));
	reply_clear(&r);
	bed_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_many_governed),
	};

	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
