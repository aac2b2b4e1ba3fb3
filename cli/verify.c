/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <assay/evidence.h>
#include <assay/policy.h>

#include "command.h"
#include "input.h"
#include "screen.h"
#include "verdict.h"

/* --- the answer -------------------------------------------------------------------------- */

/* The rows of a list; NULL when out of memory. */
static struct row *
copy_rows(const struct assay_checks *checks)
{
	size_t count = assay_checks_count(checks);
	struct row *rows = calloc(count + 1, sizeof *rows);

	for (size_t i = 0; i < count && rows != NULL; i++)
		rows[i] = (struct row){ .id = assay_check_id(checks, i),
			.detail = assay_check_detail(checks, i),
			.fix = assay_check_fix(checks, i),
			.outcome = assay_check_outcome(checks, i),
			.code = assay_check_code(checks, i),
			.needed = assay_check_needed(checks, i) };
	return rows;
}

/* The --trust-root on which a verdict rests; NULL if it rests on a built-in root, or on none. */
static const char *
own_root(const struct args *args, const struct assay_claims *claims)
{
	const char *name = claim_text(claims, "trust.root");
	const char *path = args_value(args, OPT_TRUST_ROOT);
	size_t i;

	if (path == NULL || !claim_find(claims, "trust.builtin", &i) ||
	    assay_claims_bool(claims, i))
		return NULL;
	for (size_t k = 0; k < args->given_count; k++)
		if (args->given[k].option->id == OPT_TRUST_ROOT &&
		    strcmp(name, args->given[k].value) == 0)
			path = args->given[k].value;
	return path;
}

static int
answer(const struct appraisal *a, const char *path, struct verdict *v)
{
	const struct args *args = a->args;
	struct screen s;
	int rc = screen_open(&s, args);

	if (rc != 0)
		return rc;
	v->path = strcmp(path, "-") == 0 ? "standard input" : path;
	/* What takes the collateral that is missing. */
	v->command = args_name(args, OPT_COLLATERAL)[0] != '\0' ? args->command->name : "verify";
	for (size_t i = 0; i < a->policy_count; i++)
		v->policies[v->policy_count++] = assay_policy_name(a->policies[i]);
	v->now = a->now;
	v->clock = args_value(args, OPT_TIME) == NULL;
	v->verbose = args_has(args, OPT_VERBOSE);
	v->explain = args_has(args, OPT_EXPLAIN);
	v->root = own_root(args, v->claims);
	if (args_has(args, OPT_CLAIMS))
		verdict_print_claims(&s, v);
	else if (args_has(args, OPT_JSON))
		verdict_print_json(&s, v);
	else
		verdict_print(&s, v);
	return screen_close(&s, args_has(args, OPT_QUIET), appraise_exit(v->code));
}

/* --- the verb ---------------------------------------------------------------------------- */

static int
trouble(const struct appraisal *a, const char *path, enum assay_code code, const char *text)
{
	complain(a->args->command, "%s: %s", path, text);
	return appraise_exit(code);
}

int
verify_read(struct appraisal *a, const struct args *args)
{
	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	if (args_has(args, OPT_JSON) && args_has(args, OPT_CLAIMS))
		return misused(args->command, "--json and --claims: one of the two");
	return appraise_read(a, args, NULL);
}

int
verify_refuse(
    const struct appraisal *a, const char *path, const char *check, const struct assay_error *err)
{
	if (appraise_broken(err->code))
		return trouble(a, path, err->code, err->text);
	const struct assay_check_info *info = assay_check_info_find(check);
	struct row row = { .id = check,
		.detail = err->text,
		.fix = info != NULL ? assay_check_info_remedy(info) : "",
		.outcome = ASSAY_FAIL,
		.code = err->code };
	struct verdict v = { .code = err->code,
		.genuine = err->code,
		.rows = &row,
		.row_count = 1,
		.kind = "",
		.tee = "",
		.title = "" };

	return answer(a, path, &v);
}

int
verify_answer(const struct appraisal *a, const char *path, enum assay_code code,
    const struct assay_error *err, const struct assay_checks *checks,
    const struct assay_claims *claims, const struct assay_evidence *ev, const char *kind)
{
	if (appraise_broken(code))
		return trouble(a, path, code, err->text);
	struct row *rows = copy_rows(checks);
	int rc;

	if (rows == NULL)
		return trouble(a, path, ASSAY_E_NOMEM, "out of memory");
	struct verdict v = { .code = code,
		.genuine = assay_checks_genuine(checks),
		.rows = rows,
		.row_count = assay_checks_count(checks),
		.checks = checks,
		.claims = claims,
		.kind = kind,
		.tee = ev != NULL ? assay_evidence_tee(ev) : "",
		.title = ev != NULL ? assay_evidence_title(ev) : "" };
	rc = answer(a, path, &v);
	free(rows);
	return rc;
}

static int
verify_parsed(const struct appraisal *a, const char *path, const struct assay_evidence *ev)
{
	struct assay_checks *checks = NULL;
	struct assay_claims *claims = NULL;
	struct assay_error err = { .text = "" };

	enum assay_code code = assay_checks_new(&checks, &err);
	if (code == ASSAY_OK)
		code = appraise(a, &claims, checks, ev, &err);
	int rc = verify_answer(a, path, code, &err, checks, claims, ev, assay_evidence_kind(ev));
	assay_claims_free(claims);
	assay_checks_free(checks);
	return rc;
}

int
verify_judge(const struct appraisal *a, const char *path, struct assay_bytes in)
{
	struct assay_evidence *ev = NULL;
	struct assay_error err = { .text = "" };
	int rc;

	if (assay_evidence_parse(&ev, in, &err) == ASSAY_OK)
		rc = verify_parsed(a, path, ev);
	else
		rc = verify_refuse(a, path, "evidence.format", &err);
	assay_evidence_free(ev);
	return rc;
}

static int
run(const struct args *args)
{
	struct appraisal a = { .args = args };
	struct input in = { 0 };

	int rc = verify_read(&a, args);
	if (rc == 0)
		rc = input_evidence(args->command, &in, args->operands[0]);
	if (rc == 0)
		rc = verify_judge(&a, args->operands[0], input_bytes(&in));
	input_clear(&in);
	appraise_clear(&a);
	return rc;
}

static const struct option options[] = {
	OPTION_POLICY,
	OPTIONS_APPRAISE,
	OPTION_EXPECT,
	OPTION_CLAIMS,
	OPTIONS_VERDICT,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_verify = {
	.name = "verify",
	.arguments = "[options] EVIDENCE",
	.summary = "Says whether evidence is genuine, current and allowed.",
	.operands =
	    "  EVIDENCE   a file, - for standard input, or a folder with a configfs report\n",
	.words = NULL,
	.options = options,
	.examples = { "assay verify -c collateral/ -n 0123456789abcdef quote.bin",
	    "assay verify --json -p genuine --time 2025-07-04 -c vcek.der report.bin" },
	.exits = "0 accepted, 1 refused, 2 usage, 3 undetermined, 4 trouble",
	.page = "assay-verify",
	.run = run,
};
