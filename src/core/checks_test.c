/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Rows of both sorts: of genuineness, and of what was asked for. */
#define GENUINE CHECK_DCAP_QUOTE_SIGNATURE
#define ASKED   CHECK_POLICY_DEBUG

enum { ROWS_MAX = 192 }; /* as in checks.c */

static struct assay_checks *
checks_new(void)
{
	struct assay_checks *checks = NULL;

	assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
	return checks;
}

/* One letter is one row: p pass, w warning, s skipped, n needed, f fails on its signature, e on
 * its date; capitals: rows of what was asked for. */
static void
fill(struct assay_checks *checks, const char *rows)
{
	for (; *rows != '\0'; rows++) {
		enum assay_check_id id = *rows < 'a' ? ASKED : GENUINE;

		switch (*rows | 0x20) {
		case 'p':
			assay_check_pass(checks, id, "well");
			break;
		case 'w':
			assay_check_warn(checks, id, "watch");
			break;
		case 's':
			assay_check_skip(checks, id, "left out");
			break;
		case 'n':
			assay_check_need(checks, id, "thing", "this", "no thing");
			break;
		case 'f':
			(void)assay_check_fail(checks, id, ASSAY_E_SIGNATURE, "bad %d", 1);
			break;
		case 'e':
			(void)assay_check_fail(checks, id, ASSAY_E_EXPIRED, "late %d", 2);
			break;
		default:
			fail();
		}
	}
}

static void
test_verdict(void **state)
{
	static const struct {
		const char *rows;
		enum assay_code verdict, genuine;
		const char *sentence;
	} cases[] = {
		{ "", ASSAY_E_INCOMPLETE, ASSAY_E_INCOMPLETE, "nothing was checked" },
		{ "p", ASSAY_OK, ASSAY_OK, "" },
		{ "pwsP", ASSAY_OK, ASSAY_OK, "" },
		{ "P", ASSAY_OK, ASSAY_E_INCOMPLETE, "" },
		{ "pn", ASSAY_E_INCOMPLETE, ASSAY_E_INCOMPLETE, "no thing" },
		{ "pN", ASSAY_E_INCOMPLETE, ASSAY_OK, "no thing" },
		{ "pf", ASSAY_E_SIGNATURE, ASSAY_E_SIGNATURE, "bad 1" },
		{ "fp", ASSAY_E_SIGNATURE, ASSAY_E_SIGNATURE, "bad 1" },
		{ "pF", ASSAY_E_SIGNATURE, ASSAY_OK, "bad 1" },
		{ "nf", ASSAY_E_SIGNATURE, ASSAY_E_SIGNATURE, "bad 1" },
		{ "ef", ASSAY_E_EXPIRED, ASSAY_E_EXPIRED, "late 2" },
		{ "Ef", ASSAY_E_EXPIRED, ASSAY_E_SIGNATURE, "late 2" },
		{ "fep", ASSAY_E_SIGNATURE, ASSAY_E_SIGNATURE, "bad 1" },
		{ "w", ASSAY_OK, ASSAY_OK, "" },
		{ "s", ASSAY_OK, ASSAY_OK, "" },
	};
	struct assay_checks *checks = checks_new();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { 0 };

		assay_checks_clear(checks);
		fill(checks, cases[i].rows);
		if (assay_checks_verdict(checks) != cases[i].verdict ||
		    assay_checks_genuine(checks) != cases[i].genuine ||
		    assay_checks_conclude(checks, &err) != cases[i].verdict ||
		    strstr(err.text, cases[i].sentence) == NULL)
			fail_msg("\"%s\": %s, genuine %s, \"%s\"", cases[i].rows,
			    assay_code_name(assay_checks_verdict(checks)),
			    assay_code_name(assay_checks_genuine(checks)), err.text);
	}
	assay_checks_free(checks);
	assay_checks_free(NULL);
}

static void
test_rows(void **state)
{
	struct assay_checks *c = checks_new();

	(void)state;
	assert_true(assay_check_that(c, GENUINE, true, ASSAY_E_SIGNATURE, "well", "bad"));
	assert_false(assay_check_that(c, ASKED, false, ASSAY_E_POLICY, "well", "bad %s", "luck"));
	assay_check_set_fix(c, "do this");
	assay_check_need(c, GENUINE, "thing", "this", "no thing");
	assay_check_need(c, ASKED, "thing", "this", "no thing again");
	assay_check_need(c, ASKED, "thing", "that", "nor that");
	assay_check_need(c, ASKED, "", "", "for want of the other");
	assert_false(assay_check_expect(c, "measurement", false, "is 1, want 2"));
	assert_true(assay_check_expect(c, "debug", true, "is false"));
	assert_false(assay_check_result(
	    c, GENUINE, ASSAY_E_FORMAT, &(struct assay_error){ .text = "100% wrong" }, "well"));

	assert_int_equal(assay_checks_count(c), 9);
	assert_string_equal(assay_check_id(c, 0), "dcap.quote.signature");
	assert_int_equal(assay_check_outcome(c, 0), ASSAY_PASS);
	assert_int_equal(assay_check_code(c, 0), ASSAY_OK);
	assert_string_equal(assay_check_detail(c, 0), "well");
	assert_string_equal(assay_check_fix(c, 0), "");
	assert_string_equal(assay_check_id(c, 1), "policy.debug");
	assert_int_equal(assay_check_outcome(c, 1), ASSAY_FAIL);
	assert_int_equal(assay_check_code(c, 1), ASSAY_E_POLICY);
	assert_string_equal(assay_check_detail(c, 1), "bad luck");
	assert_string_equal(assay_check_fix(c, 1), "do this");
	assert_false(assay_check_needed(c, 1));
	assert_true(assay_check_needed(c, 2));
	assert_int_equal(assay_check_outcome(c, 2), ASSAY_SKIPPED);
	assert_string_not_equal(assay_check_fix(c, 2), "");
	assert_string_equal(assay_check_id(c, 6), "expect.measurement");
	assert_int_equal(assay_check_code(c, 6), ASSAY_E_POLICY);
	assert_int_equal(assay_check_outcome(c, 7), ASSAY_PASS);
	assert_string_equal(assay_check_detail(c, 8), "100% wrong");

	assert_int_equal(assay_missing_count(c), 2);
	assert_string_equal(assay_missing_what(c, 0), "thing");
	assert_string_equal(assay_missing_which(c, 0), "this");
	assert_string_equal(assay_missing_which(c, 1), "that");
	assert_string_equal(assay_missing_what(c, 2), "");
	assert_string_equal(assay_missing_which(c, 2), "");

	assay_checks_clear(c);
	assert_int_equal(assay_checks_count(c), 0);
	assert_int_equal(assay_missing_count(c), 0);
	assay_checks_free(c);
}

/* A list that is too short refuses: a verdict must not rest on rows that were lost. */
static void
test_full_list_refuses(void **state)
{
	struct assay_checks *c = checks_new();

	(void)state;
	for (size_t i = 0; i < ROWS_MAX; i++)
		assay_check_pass(c, GENUINE, "well");
	assert_int_equal(assay_checks_verdict(c), ASSAY_OK);
	assay_check_pass(c, GENUINE, "one too many");
	assert_int_equal(assay_checks_count(c), ROWS_MAX);
	assert_int_equal(assay_checks_verdict(c), ASSAY_E_UNSUPPORTED);
	assay_check_pass(c, ASKED, "another one");
	assert_int_equal(assay_checks_verdict(c), ASSAY_E_UNSUPPORTED);
	assay_checks_free(c);
}

/* Sentences are cut or lost when there is no room; rows and verdict are not. */
static void
test_sentences_run_out(void **state)
{
	struct assay_checks *c = checks_new();
	char longest[1000];

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	for (size_t i = 0; i < ROWS_MAX; i++)
		(void)assay_check_fail(c, GENUINE, ASSAY_E_SIGNATURE, "%s", longest);
	assert_int_equal(assay_checks_count(c), ROWS_MAX);
	assert_int_equal(assay_checks_verdict(c), ASSAY_E_SIGNATURE);
	for (size_t i = 0; i < ROWS_MAX; i++)
		assert_in_range(strlen(assay_check_detail(c, i)), 1, 255);
	assay_checks_free(c);
}

/* Rows of rules, and a list that is cut back to ask another policy. */
static void
test_rules_and_cut(void **state)
{
	const struct check_rule own = { .check = -1,
		.claim = "tdx.rtmr[2]",
		.category = 2,
		.outcome = ASSAY_FAIL,
		.detail = "web.policy:7: is not right" };
	struct check_rule known = { .check = ASKED,
		.claim = "debug",
		.category = 1,
		.outcome = ASSAY_SKIPPED,
		.detail = "cannot be told",
		.what = "TCB floor",
		.which = "Turin" };
	struct assay_checks *c = checks_new();

	(void)state;
	assay_check_pass(c, GENUINE, "well");
	assert_int_equal(assay_check_category(c, 0), -1);
	for (int i = 0; i < 1000; i++) { /* the room for sentences comes back, too */
		assay_check_rule(c, &own);
		assert_string_equal(assay_check_id(c, 1), "policy.tdx.rtmr[2]");
		assert_string_equal(assay_check_detail(c, 1), own.detail);
		assert_string_equal(assay_check_fix(c, 1), "");
		assert_int_equal(assay_check_category(c, 1), 2);
		assert_int_equal(assay_check_code(c, 1), ASSAY_E_POLICY);
		assert_int_equal(assay_checks_verdict(c), ASSAY_E_POLICY);
		assert_int_equal(assay_checks_genuine(c), ASSAY_OK);
		assay_check_rule(c, &known);
		assert_int_equal(assay_checks_count(c), 3);
		assert_true(assay_check_needed(c, 2));
		assert_string_equal(assay_missing_what(c, 0), "TCB floor");
		assert_string_equal(assay_missing_which(c, 0), "Turin");
		assert_string_equal(assay_check_fix(c, 2), "bring the TCB floor: Turin");
		assay_checks_cut(c, 3); /* as many as there are: nothing goes */
		assay_checks_cut(c, 9);
		assert_int_equal(assay_checks_count(c), 3);
		assay_checks_cut(c, 1);
		assert_int_equal(assay_checks_count(c), 1);
		assert_int_equal(assay_missing_count(c), 0);
		assert_int_equal(assay_checks_verdict(c), ASSAY_OK);
		assert_string_equal(assay_check_detail(c, 0), "well");
	}
	/* What the verifier has said is not said again; the rule gives it its category. */
	assay_check_need(c, ASKED, "TCB floor", "Turin", "cannot be told");
	assay_check_rule(c, &known);
	assert_int_equal(assay_checks_count(c), 2);
	assert_int_equal(assay_check_category(c, 1), 1);
	known.outcome = ASSAY_FAIL; /* but anything else is */
	assay_check_rule(c, &known);
	assert_int_equal(assay_checks_count(c), 3);
	assert_string_not_equal(assay_check_fix(c, 2), "");
	known.category = 2;
	assay_check_rule(c, &known);
	known.detail = "another";
	assay_check_rule(c, &known);
	assay_check_rule(c, &own);
	assay_check_rule(c, &own);
	assert_int_equal(assay_checks_count(c), 7);
	known.outcome = ASSAY_WARNING;
	assay_check_rule(c, &known);
	assert_int_equal(assay_check_outcome(c, 7), ASSAY_WARNING);
	assay_checks_cut(c, 0);
	assert_int_equal(assay_checks_verdict(c), ASSAY_E_INCOMPLETE);
	assay_checks_free(c);
}

static void
test_outcome_names(void **state)
{
	(void)state;
	assert_string_equal(assay_outcome_name(ASSAY_PASS), "pass");
	assert_string_equal(assay_outcome_name(ASSAY_FAIL), "fail");
	assert_string_equal(assay_outcome_name(ASSAY_WARNING), "warning");
	assert_string_equal(assay_outcome_name(ASSAY_SKIPPED), "skipped");
	assert_string_equal(assay_outcome_name((enum assay_outcome)4), "unknown");
	assert_string_equal(assay_outcome_name((enum assay_outcome) - 1), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_full_list_refuses),
		cmocka_unit_test(test_sentences_run_out),
		cmocka_unit_test(test_rules_and_cut),
		cmocka_unit_test(test_outcome_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
