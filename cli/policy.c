/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <assay/evidence.h>
#include <assay/policy.h>

#include "appraise.h"
#include "command.h"
#include "input.h"
#include "json.h"
#include "policy_push.h"
#include "screen.h"

enum { SENTENCE_SIZE = 512, CHANGES = 4 };

/* --- list, show ---------------------------------------------------------------------------- */

/* Who has named a server may expect its policies; scripts get the list alone. */
static void
tell_of_servers(void)
{
	const char *url = getenv("ASSAY_URL");

	if (url != NULL && url[0] != '\0' && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
		fputs("These are built in; a server's: --url \"$ASSAY_URL\"\n", stderr);
}

static int
run_list(const struct args *args)
{
	struct screen s;
	struct json j = { .to = NULL };
	const char *name;
	int rc;

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	if (args_has(args, OPT_URL))
		return policy_list_server(args);
	if ((rc = screen_open(&s, args)) != 0)
		return rc;
	j.to = s.to;
	if (args_has(args, OPT_JSON)) {
		json_open(&j, NULL, '{');
		json_open(&j, "policies", '[');
	}
	for (size_t i = 0; (name = assay_policy_builtin_name(i)) != NULL; i++) {
		const struct assay_policy *policy = assay_policy_builtin(name);
		if (!args_has(args, OPT_JSON)) {
			fprintf(s.to, "%-15s  %s\n", name, assay_policy_title(policy));
			continue;
		}
		json_open(&j, NULL, '{');
		json_text(&j, "name", name);
		json_text(&j, "title", assay_policy_title(policy));
		json_uint(&j, "rules", assay_policy_rule_count(policy));
		json_close(&j, '}');
	}
	if (args_has(args, OPT_JSON)) {
		json_close(&j, ']');
		json_close(&j, '}');
		fputc('\n', s.to);
	}
	if ((rc = screen_close(&s, false, EXIT_YES)) == EXIT_YES)
		tell_of_servers();
	return rc;
}

static const char *
builtin_at(const void *arg, size_t n)
{
	(void)arg;
	return assay_policy_builtin_name(n);
}

static int
run_show(const struct args *args)
{
	struct screen s;
	int rc;

	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	if (args_has(args, OPT_URL))
		return policy_show_server(args);
	const struct assay_policy *policy = assay_policy_builtin(args->operands[0]);
	if (policy == NULL) {
		const char *near = nearest(args->operands[0], builtin_at, NULL);
		if (near != NULL)
			return misused(args->command,
			    "\"%s\" is not built in; did you mean %s? (of a server's: --url URL)",
			    args->operands[0], near);
		return misused(args->command,
		    "\"%s\" is not built in (assay policy list); of a server's give --url URL",
		    args->operands[0]);
	}
	if ((rc = screen_open(&s, args)) != 0)
		return rc;
	fputs(assay_policy_text(policy), s.to);
	return screen_close(&s, false, EXIT_YES);
}

/* --- check --------------------------------------------------------------------------------- */

/* What is edited is checked: a file also where a built-in policy has its name. */
static const char *
file_first(char here[64], const char *name)
{
	int n = snprintf(here, 64, "./%s", name);

	return assay_policy_builtin(name) != NULL && n < 64 && access(here, F_OK) == 0 ? here
										       : name;
}

static int
run_check(const struct args *args)
{
	struct assay_references *refs = NULL;
	struct screen s;
	int rc, worst = EXIT_YES;

	if (!args_operands(args, 1, SIZE_MAX))
		return EXIT_USAGE;
	if ((rc = appraise_references(args, &refs)) != 0 || (rc = screen_open(&s, args)) != 0) {
		assay_references_free(refs);
		return rc;
	}
	for (size_t i = 0; i < args->operand_count; i++) {
		const struct assay_policy *policy;
		struct assay_policy *own;
		char here[64];
		rc =
		    appraise_policy(args, file_first(here, args->operands[i]), refs, &policy, &own);
		if (rc == 0) {
			size_t rules = assay_policy_rule_count(policy);
			screen_text(&s, args->operands[i]);
			fprintf(s.to, ": ok, %zu rule%s\n", rules, rules == 1 ? "" : "s");
		}
		worst = rc > worst ? rc : worst;
		assay_policy_free(own);
	}
	assay_references_free(refs);
	return screen_close(&s, false, worst);
}

/* --- test ---------------------------------------------------------------------------------- */

/* One piece of evidence before the policy. */
struct trial {
	const struct appraisal *a;
	const char *path;
	struct assay_evidence *ev;
	struct assay_claims *claims;
	struct assay_checks *checks;
	size_t first; /* the first row of the policy's */
	enum assay_code code, genuine;
};

static const struct {
	enum assay_change change;
	const char *word;
} changes[CHANGES] = {
	{ ASSAY_CHANGE_REMOVED, "removed" },
	{ ASSAY_CHANGE_OTHER, "other" },
	{ ASSAY_CHANGE_LOWER, "lower" },
	{ ASSAY_CHANGE_HIGHER, "higher" },
};

static const char *
verdict_word(enum assay_code code)
{
	return code == ASSAY_OK          ? "ACCEPTED"
	    : code == ASSAY_E_INCOMPLETE ? "UNDETERMINED"
					 : "REFUSED";
}

static const char *
outcome_word(enum assay_outcome outcome)
{
	static const char *const words[] = { "pass", "FAIL", "warn", "skip" };

	return (unsigned)outcome < 4 ? words[outcome] : "?";
}

/* The rows that decided about genuineness, for people who wonder why, and what to do about the first. */
static void
print_not_genuine(struct screen *s, const struct trial *t)
{
	bool told = false;

	for (size_t i = 0; i < t->first; i++) {
		bool failed = assay_check_outcome(t->checks, i) == ASSAY_FAIL;
		if (!failed && !assay_check_needed(t->checks, i))
			continue;
		screen_row(s, outcome_word(assay_check_outcome(t->checks, i)), "%s: %s",
		    assay_check_id(t->checks, i), assay_check_detail(t->checks, i));
		if (failed && !told)
			screen_row(s, "", "%s", assay_check_fix(t->checks, i));
		told |= failed;
	}
}

static void
print_mutations(struct screen *s, const struct trial *t)
{
	char text[SENTENCE_SIZE];
	size_t noticed = 0, kept = 0;

	for (size_t i = 0; i < assay_schema_count(); i++) {
		size_t len = 0;
		bool any = false;
		text[0] = '\0';
		for (size_t k = 0; k < CHANGES; k++) {
			enum assay_code code = assay_policy_suppose(
			    t->a->policies[0], t->claims, i, changes[k].change);
			if (code == ASSAY_E_USAGE)
				continue;
			any = true;
			if (code != ASSAY_OK) {
				noticed++;
				continue;
			}
			kept++;
			int n = snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? ", " : "",
			    changes[k].word);
			len += n > 0 && (size_t)n < sizeof text - len ? (size_t)n : 0;
		}
		if (any && len > 0) {
			fprintf(s->to, "  %-32s  %s\n", assay_schema_name(i), text);
		}
	}
	fprintf(s->to,
	    "\n  %zu changes of single claims would be noticed; %zu, above, would still be\n"
	    "  accepted by the policy. Those of signed claims need a forged signature.\n",
	    noticed, kept);
}

static void
print_trial(struct screen *s, const struct trial *t)
{
	char text[SENTENCE_SIZE];

	screen_coloured(s,
	    t->code == ASSAY_OK                 ? GREEN
		: t->code == ASSAY_E_INCOMPLETE ? YELLOW
						: RED,
	    verdict_word(t->code));
	fputs("  ", s->to);
	snprintf(text, sizeof text, "%s: %s, %s", t->path, assay_evidence_title(t->ev),
	    t->genuine == ASSAY_OK                 ? "genuine"
		: t->genuine == ASSAY_E_INCOMPLETE ? "cannot tell whether it is genuine"
						   : "not genuine");
	screen_wrap(s, strlen(verdict_word(t->code)) + 2, 2, text);
	fputc('\n', s->to);
	print_not_genuine(s, t);
	for (size_t i = t->first; i < assay_checks_count(t->checks); i++)
		screen_row(s, outcome_word(assay_check_outcome(t->checks, i)), "%s: %s",
		    assay_check_id(t->checks, i), assay_check_detail(t->checks, i));
	if (t->first == assay_checks_count(t->checks))
		screen_row(s, "none", "the policy has no rule for this TEE");
	if (!args_has(t->a->args, OPT_MUTATE))
		return;
	fputs("\n  Changes that the policy would still accept:\n\n", s->to);
	if (t->code == ASSAY_OK)
		print_mutations(s, t);
	else
		fputs("  It does not accept the evidence as it is.\n", s->to);
}

static void
json_mutations(struct json *j, const struct trial *t)
{
	json_open(j, "mutations", '[');
	for (size_t i = 0; t->code == ASSAY_OK && i < assay_schema_count(); i++) {
		if (!assay_claims_has(t->claims, i))
			continue;
		json_open(j, NULL, '{');
		json_text(j, "claim", assay_schema_name(i));
		for (size_t k = 0; k < CHANGES; k++) {
			enum assay_code code = assay_policy_suppose(
			    t->a->policies[0], t->claims, i, changes[k].change);
			if (code != ASSAY_E_USAGE)
				json_text(j, changes[k].word,
				    code == ASSAY_OK                 ? "accepted"
					: code == ASSAY_E_INCOMPLETE ? "undetermined"
								     : "refused");
		}
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
json_trial(struct screen *s, const struct trial *t)
{
	struct json j = { .to = s->to };

	json_open(&j, NULL, '{');
	json_text(&j, "file", t->path);
	json_text(&j, "verdict",
	    t->code == ASSAY_OK                 ? "accepted"
		: t->code == ASSAY_E_INCOMPLETE ? "undetermined"
						: "refused");
	json_text_or_null(&j, "tee", assay_evidence_tee(t->ev));
	if (t->genuine == ASSAY_E_INCOMPLETE)
		json_raw(&j, "genuine", "null");
	else
		json_bool(&j, "genuine", t->genuine == ASSAY_OK);
	json_text(&j, "policy", assay_policy_name(t->a->policies[0]));
	json_open(&j, "rules", '[');
	for (size_t i = t->first; i < assay_checks_count(t->checks); i++) {
		json_open(&j, NULL, '{');
		json_text(&j, "id", assay_check_id(t->checks, i));
		json_text(&j, "outcome", assay_outcome_name(assay_check_outcome(t->checks, i)));
		json_text(&j, "detail", assay_check_detail(t->checks, i));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	if (args_has(t->a->args, OPT_MUTATE))
		json_mutations(&j, t);
	json_close(&j, '}');
	fputc('\n', s->to);
}

static int
trouble(const struct trial *t, enum assay_code code, const struct assay_error *err)
{
	complain(t->a->args->command, "%s: %s", t->path, err->text);
	return appraise_exit(code);
}

/* Judges one piece of evidence; returns the exit code for it. */
static int
judge(struct screen *s, struct trial *t)
{
	struct assay_error err = { .text = "" };
	struct input in = { 0 };
	int rc = input_evidence(t->a->args->command, &in, t->path);

	if (rc != 0)
		return rc;
	t->code = assay_evidence_parse(&t->ev, input_bytes(&in), &err);
	input_clear(&in);
	if (t->code == ASSAY_OK)
		t->code = assay_checks_new(&t->checks, &err);
	if (t->code != ASSAY_OK)
		return trouble(t, t->code, &err);
	t->code = appraise_verify(t->a, &t->claims, t->checks, t->ev, &err);
	if (appraise_broken(t->code))
		return trouble(t, t->code, &err);
	t->first = assay_checks_count(t->checks);
	t->genuine = assay_checks_genuine(t->checks);
	t->code = assay_policy_check(t->checks, t->a->policies[0], t->claims, &err);
	if (args_has(t->a->args, OPT_JSON))
		json_trial(s, t);
	else
		print_trial(s, t);
	return appraise_exit(t->code);
}

/* Of several answers: trouble before all, then no, then "could not tell". */
static int
worse(int a, int b)
{
	static const int order[] = { [EXIT_YES] = 0,
		[EXIT_UNTOLD] = 1,
		[EXIT_NO] = 2,
		[EXIT_USAGE] = 3,
		[EXIT_TROUBLE] = 4 };

	return order[a] > order[b] ? a : b;
}

static int
run_test(const struct args *args)
{
	struct appraisal a = { .args = args };
	struct screen s;
	int worst = EXIT_YES;

	if (!args_operands(args, 2, SIZE_MAX))
		return EXIT_USAGE;
	int rc = appraise_read(&a, args, args->operands[0]);
	if (rc != 0 || (rc = screen_open(&s, args)) != 0) {
		appraise_clear(&a);
		return rc;
	}
	for (size_t i = 1; i < args->operand_count; i++) {
		struct trial t = { .a = &a, .path = args->operands[i] };
		if (i > 1 && !args_has(args, OPT_JSON))
			fputc('\n', s.to);
		worst = worse(worst, judge(&s, &t));
		assay_claims_free(t.claims);
		assay_checks_free(t.checks);
		assay_evidence_free(t.ev);
	}
	appraise_clear(&a);
	return screen_close(&s, false, worst);
}

/* --- the table ----------------------------------------------------------------------------- */

static const struct option list_options[] = {
	OPTION_URL,
	OPTION_CA,
	OPTION_ADMIN_KEY,
	OPTION_TIMEOUT,
	OPTION_JSON,
	OPTION_OUTPUT,
	OPTION_HELP,
	OPTION_END,
};
static const struct option show_options[] = {
	OPTION_URL,
	OPTION_CA,
	OPTION_ADMIN_KEY,
	OPTION_TIMEOUT,
	OPTION_OUTPUT,
	OPTION_HELP,
	OPTION_END,
};
static const struct option check_options[] = {
	{ OPT_REFERENCE, 0, "reference", "FILE", true, NULL,
	    "reference values for a policy's @name" },
	OPTION_OUTPUT,
	OPTION_HELP,
	OPTION_END,
};
static const struct option test_options[] = {
	{ OPT_MUTATE, 0, "mutate", NULL, false, NULL,
	    "which changed claims would still be accepted" },
	OPTIONS_APPRAISE,
	OPTION_JSON,
	OPTION_OUTPUT,
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_policy_list = {
	.name = "policy list",
	.arguments = "[options]",
	.summary = "Lists policies: built-in ones, or with --url a server's.",
	.operands = "",
	.words = NULL,
	.options = list_options,
	.examples = { "assay policy list", "assay policy list --json" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-policy",
	.run = run_list,
};

const struct command command_policy_show = {
	.name = "policy show",
	.arguments = "[options] NAME",
	.summary = "Prints a policy: a built-in one, or with --url a server's.",
	.operands = "  NAME       as policy list has it\n",
	.words = "default|genuine",
	.options = show_options,
	.examples = { "assay policy show default", "assay policy show -o web.policy default" },
	.exits = "0 done, 1 refused or not there, 2 usage, 4 trouble",
	.page = "assay-policy",
	.run = run_show,
};

const struct command command_policy_check = {
	.name = "policy check",
	.arguments = "[options] FILE...",
	.summary = "Reads policies, and says where one is wrong.",
	.operands = "  FILE       a policy, or - for standard input\n",
	.words = NULL,
	.options = check_options,
	.examples = { "assay policy check web.policy",
	    "assay policy check --reference web.json web.policy" },
	.exits = "0 all are right, 2 usage or one is wrong, 4 trouble",
	.page = "assay-policy",
	.run = run_check,
};

const struct command command_policy_test = {
	.name = "policy test",
	.arguments = "[options] POLICY EVIDENCE...",
	.summary = "Asks a policy about saved evidence, rule by rule.",
	.operands = "  POLICY     a file, or the name of a policy that is built in\n"
		    "  EVIDENCE   as assay verify takes it\n",
	.words = NULL,
	.options = test_options,
	.examples = { "assay policy test web.policy -c collateral/ quote.bin",
	    "assay policy test --mutate --reference web.json web.policy report.bin" },
	.exits = "0 accepted, 1 refused, 2 usage, 3 undetermined, 4 trouble",
	.page = "assay-policy",
	.run = run_test,
};
