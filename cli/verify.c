/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <assay/evidence.h>
#include <assay/policy.h>

#include "collateral.h"
#include "command.h"
#include "config.h"
#include "input.h"
#include "screen.h"
#include "value.h"
#include "verdict.h"

enum {
	REPORT_DATA_SIZE = 64,
	NONCE_LEAST = 8,
	CLAIM_SIZE = 128,
	TCB_TEXT = 96,
};

/* --- what was asked ---------------------------------------------------------------------- */

struct question {
	const struct args *args;
	int64_t now;
	uint8_t report_data[REPORT_DATA_SIZE];
	size_t report_data_len;
	const struct assay_policy *policies[POLICIES_MAX];
	size_t policy_count;
};

static const char *
claim_name_at(const void *arg, size_t n)
{
	(void)arg;
	return n < assay_schema_count() ? assay_schema_name(n) : NULL;
}

/* Splits "CLAIM=VALUE", or takes the claim that an alias stands for. */
static int
split_expect(
    const struct args *args, const struct given *given, char claim[CLAIM_SIZE], const char **value)
{
	const char *equals;
	size_t i;

	if (given->alias != NULL && given->alias->claim != NULL) {
		snprintf(claim, CLAIM_SIZE, "%s", given->alias->claim);
		*value = given->value;
		return 0;
	}
	equals = strchr(given->value, '=');
	if (equals == NULL || equals == given->value || equals - given->value >= CLAIM_SIZE)
		return misused(
		    args->command, "--expect: \"%.60s\" is not CLAIM=VALUE", given->value);
	snprintf(claim, CLAIM_SIZE, "%.*s", (int)(equals - given->value), given->value);
	*value = equals + 1;
	if (assay_schema_find(claim, &i))
		return 0;
	const char *near = nearest(claim, claim_name_at, NULL);
	if (near != NULL)
		return misused(args->command,
		    "--expect: there is no claim \"%s\"; did you mean %s?", claim, near);
	return misused(
	    args->command, "--expect: there is no claim \"%s\"; verify --claims shows them", claim);
}

static int
read_policies(struct question *q)
{
	const struct args *args = q->args;

	for (size_t i = 0; i < args->given_count; i++) {
		const char *name = args->given[i].value;
		if (args->given[i].option->id != OPT_POLICY)
			continue;
		if (q->policy_count == POLICIES_MAX)
			return misused(args->command, "--policy: more than %d", POLICIES_MAX);
		q->policies[q->policy_count] = assay_policy_builtin(name);
		if (q->policies[q->policy_count++] == NULL)
			return misused(args->command,
			    "--policy: \"%s\" is not built in (default, genuine are), and this "
			    "release reads no policy files",
			    name);
	}
	if (q->policy_count == 0)
		q->policies[q->policy_count++] = assay_policy_builtin("default");
	return 0;
}

static int
read_report_data(struct question *q)
{
	const char *nonce = args_value(q->args, OPT_NONCE);
	const char *report_data = args_value(q->args, OPT_REPORT_DATA);
	int rc;

	if (nonce != NULL && report_data != NULL)
		return misused(
		    q->args->command, "--nonce and --report-data say the same thing twice");
	if (nonce == NULL && report_data == NULL && !args_has(q->args, OPT_BIND))
		return 0;
	if (nonce == NULL && report_data == NULL)
		return value_bind(q->args, q->report_data, &q->report_data_len);
	rc = value_bytes(q->args, q->report_data, REPORT_DATA_SIZE, &q->report_data_len,
	    nonce != NULL ? "nonce" : "report-data", nonce != NULL ? nonce : report_data);
	if (rc != 0)
		return rc;
	if (nonce != NULL && q->report_data_len < NONCE_LEAST)
		return misused(q->args->command, "--nonce: is %zu bytes, at least %d are needed",
		    q->report_data_len, NONCE_LEAST);
	if (q->report_data_len == 0)
		return misused(q->args->command, "--report-data: is empty");
	return args_has(q->args, OPT_BIND)
	    ? value_bind(q->args, q->report_data, &q->report_data_len)
	    : 0;
}

/* Everything of the command line that can be wrong, before a file is opened. */
static int
read_question(struct question *q, const struct args *args)
{
	const char *time = args_value(args, OPT_TIME), *value;
	char claim[CLAIM_SIZE];
	int rc;

	*q = (struct question){ .args = args };
	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	if (!value_time(&q->now, time != NULL ? time : "now"))
		return misused(args->command,
		    "--time: \"%s\" is no time; write 2025-07-04T10:16:31Z, 2025-07-04 or now",
		    time);
	if (args_has(args, OPT_JSON) && args_has(args, OPT_CLAIMS))
		return misused(args->command, "--json and --claims: one of the two");
	for (size_t i = 0; i < args->given_count; i++)
		if (args->given[i].option->id == OPT_EXPECT &&
		    (rc = split_expect(args, &args->given[i], claim, &value)) != 0)
			return rc;
	if ((rc = read_policies(q)) != 0)
		return rc;
	return read_report_data(q);
}

/* --- trust ------------------------------------------------------------------------------- */

static bool
packed(uint64_t *n, const char *text)
{
	char *end;

	*n = strtoull(text, &end, 0);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

/* A TCB packed into 64 bits, as go-sev-guest takes it: boot loader, TEE, four reserved bytes,
 * SNP, microcode, from the lowest byte on. Turin's has other parts there, which must not be lost
 * from a floor: false if a reserved byte is not zero. */
static bool
unpack_tcb(char out[TCB_TEXT], uint64_t n)
{
	if ((n >> 16 & 0xffffffff) != 0)
		return false;
	snprintf(out, TCB_TEXT, "bootloader=%u,tee=%u,snp=%u,microcode=%u", (unsigned)(n & 0xff),
	    (unsigned)(n >> 8 & 0xff), (unsigned)(n >> 48 & 0xff), (unsigned)(n >> 56 & 0xff));
	return true;
}

static int
set_min_tcb(const struct args *args, const struct given *given, struct assay_trust *trust)
{
	struct input in = { 0 };
	struct assay_error err;
	char parts[TCB_TEXT];
	char *text = NULL;
	enum assay_code code;
	uint64_t number;
	int rc = 0;

	if (given->alias != NULL && packed(&number, given->value)) {
		if (!unpack_tcb(parts, number))
			return misused(args->command,
			    "--%s: %s is no TCB of Milan or Genoa, whose bytes 2 to 5 are zero; "
			    "write PART=N,...",
			    given->alias->name, given->value);
		code = assay_trust_set_min_tcb(trust, parts, &err);
	} else if (strchr(given->value, '=') != NULL) {
		code = assay_trust_set_min_tcb(trust, given->value, &err);
	} else {
		if ((rc = input_read(args->command, &in, given->value, "a floor")) != 0)
			return rc;
		if (in.len > 0 && memchr(in.data, '\0', in.len) != NULL) {
			input_clear(&in);
			return misused(args->command, "--min-tcb: %s: is no text", given->value);
		}
		text = strndup(in.data != NULL ? (const char *)in.data : "", in.len);
		input_clear(&in);
		if (text == NULL) {
			complain(args->command, "out of memory");
			return EXIT_TROUBLE;
		}
		code = assay_trust_set_min_tcb(trust, text, &err);
		free(text);
	}
	if (code == ASSAY_OK)
		return 0;
	rc = misused(args->command, "--min-tcb: %s", err.text);
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : rc;
}

static int
add_platforms(const struct args *args, const char *path, struct assay_trust *trust)
{
	struct input in = { 0 };
	struct assay_error err;
	int rc = input_read(args->command, &in, path, "a list of platforms");

	if (rc == 0) {
		enum assay_code code =
		    assay_trust_add_platforms(trust, input_bytes(&in), path, &err);
		if (code != ASSAY_OK) {
			complain(args->command, "--platforms: %s", err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		}
	}
	input_clear(&in);
	return rc;
}

/* Collateral from the command line, else from the environment or the configuration. */
static int
add_collateral(const struct args *args, struct assay_trust *trust)
{
	struct config config;
	char source[64];
	int rc = config_read(&config, args->command);

	if (rc == 0 && args_has(args, OPT_COLLATERAL)) {
		for (size_t i = 0; i < args->given_count && rc == 0; i++)
			if (args->given[i].option->id == OPT_COLLATERAL)
				rc = collateral_add(args, trust, args->given[i].value, "");
	} else if (rc == 0) {
		snprintf(source, sizeof source, "%s: ", config.source);
		for (size_t i = 0; i < config.count && rc == 0; i++)
			rc = collateral_add(args, trust, config.collateral[i], source);
	}
	config_clear(&config);
	return rc;
}

static int
make_trust(const struct args *args, struct assay_trust **trust)
{
	struct assay_error err;
	int rc;

	if (assay_trust_new(trust, &err) != ASSAY_OK) {
		complain(args->command, "%s", err.text);
		return EXIT_TROUBLE;
	}
	if ((rc = collateral_add_roots(args, *trust)) != 0 ||
	    (rc = add_collateral(args, *trust)) != 0)
		return rc;
	for (size_t i = 0; i < args->given_count && rc == 0; i++) {
		const struct given *given = &args->given[i];
		if (given->option->id == OPT_MIN_TCB)
			rc = set_min_tcb(args, given, *trust);
		else if (given->option->id == OPT_PLATFORMS)
			rc = add_platforms(args, given->value, *trust);
	}
	return rc;
}

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
exit_code(enum assay_code code)
{
	switch (code) {
	case ASSAY_OK:
		return EXIT_YES;
	case ASSAY_E_INCOMPLETE:
		return EXIT_UNTOLD;
	case ASSAY_E_USAGE:
		return EXIT_USAGE;
	case ASSAY_E_NOMEM:
	case ASSAY_E_IO:
		return EXIT_TROUBLE;
	case ASSAY_E_FORMAT:
	case ASSAY_E_UNSUPPORTED:
	case ASSAY_E_SIGNATURE:
	case ASSAY_E_EXPIRED:
	case ASSAY_E_REVOKED:
	case ASSAY_E_POLICY:
		break;
	}
	return EXIT_NO;
}

static int
answer(const struct question *q, struct verdict *v)
{
	const struct args *args = q->args;
	struct screen s;
	int rc = screen_open(&s, args);

	if (rc != 0)
		return rc;
	v->path = strcmp(args->operands[0], "-") == 0 ? "standard input" : args->operands[0];
	for (size_t i = 0; i < q->policy_count; i++)
		v->policies[v->policy_count++] = assay_policy_name(q->policies[i]);
	v->now = q->now;
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
	return screen_close(&s, args_has(args, OPT_QUIET), exit_code(v->code));
}

/* --- the verb ---------------------------------------------------------------------------- */

/* A call that could not run at all, as against one that refused. */
static bool
broken(enum assay_code code)
{
	return code == ASSAY_E_NOMEM || code == ASSAY_E_USAGE || code == ASSAY_E_IO;
}

/* Every judge speaks, also when an earlier one has refused. */
static enum assay_code
judge(const struct question *q, struct assay_claims **claims, struct assay_checks *checks,
    const struct assay_evidence *ev, const struct assay_trust *trust, struct assay_error *err)
{
	struct assay_appraisal how = { .trust = trust,
		.now = q->now,
		.report_data = { q->report_data, q->report_data_len },
		.require_crl = args_has(q->args, OPT_REQUIRE_CRL) };
	enum assay_code code = assay_evidence_verify(claims, checks, ev, &how, err);
	char claim[CLAIM_SIZE];
	const char *value;

	for (size_t i = 0; i < q->policy_count && !broken(code); i++)
		code = assay_policy_check(checks, q->policies[i], *claims, err);
	for (size_t i = 0; i < q->args->given_count && !broken(code); i++) {
		const struct given *given = &q->args->given[i];
		if (given->option->id != OPT_EXPECT)
			continue;
		(void)split_expect(q->args, given, claim, &value);
		code = assay_policy_expect(checks, *claims, claim, value, err);
	}
	return broken(code) ? code : assay_checks_verdict(checks);
}

static int
trouble(const struct question *q, enum assay_code code, const char *text)
{
	complain(q->args->command, "%s: %s", q->args->operands[0], text);
	return exit_code(code);
}

/* A file that is no evidence is refused like evidence that does not hold: one row says so. */
static int
refuse(const struct question *q, const struct assay_error *err)
{
	const struct assay_check_info *info = assay_check_info_find("evidence.format");
	struct row row = { .id = "evidence.format",
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

	return answer(q, &v);
}

static int
verify_parsed(
    const struct question *q, const struct assay_evidence *ev, const struct assay_trust *trust)
{
	struct assay_checks *checks = NULL;
	struct assay_claims *claims = NULL;
	struct assay_error err = { .text = "" };
	struct row *rows = NULL;
	int rc;

	enum assay_code code = assay_checks_new(&checks, &err);
	if (code == ASSAY_OK)
		code = judge(q, &claims, checks, ev, trust, &err);
	if (broken(code)) {
		rc = trouble(q, code, err.text);
	} else if ((rows = copy_rows(checks)) == NULL) {
		rc = trouble(q, ASSAY_E_NOMEM, "out of memory");
	} else {
		struct verdict v = { .code = code,
			.genuine = assay_checks_genuine(checks),
			.rows = rows,
			.row_count = assay_checks_count(checks),
			.checks = checks,
			.claims = claims,
			.kind = assay_evidence_kind(ev),
			.tee = assay_evidence_tee(ev),
			.title = assay_evidence_title(ev) };
		rc = answer(q, &v);
	}
	free(rows);
	assay_claims_free(claims);
	assay_checks_free(checks);
	return rc;
}

static int
verify(const struct question *q, const struct input *in, struct assay_trust *trust)
{
	struct assay_evidence *ev = NULL;
	struct assay_error err = { .text = "" };
	int rc;

	enum assay_code code = assay_evidence_parse(&ev, input_bytes(in), &err);
	if (code == ASSAY_OK)
		rc = verify_parsed(q, ev, trust);
	else
		rc = broken(code) ? trouble(q, code, err.text) : refuse(q, &err);
	assay_evidence_free(ev);
	return rc;
}

static int
run(const struct args *args)
{
	struct question q;
	struct input in = { 0 };
	struct assay_trust *trust = NULL;
	int rc = read_question(&q, args);

	if (rc == 0)
		rc = make_trust(args, &trust);
	if (rc == 0)
		rc = input_evidence(args->command, &in, args->operands[0]);
	if (rc == 0)
		rc = verify(&q, &in, trust);
	input_clear(&in);
	assay_trust_free(trust);
	return rc;
}

static const struct option options[] = {
	{ OPT_COLLATERAL, 'c', "collateral", "PATH", true, NULL,
	    "file, folder or bundle; adds to the evidence's" },
	{ OPT_POLICY, 'p', "policy", "NAME", true, "default|genuine",
	    "default or genuine; all named must accept" },
	OPTION_TRUST_ROOT,
	OPTION_TIME,
	{ OPT_NONCE, 'n', "nonce", "HEX", false, NULL,
	    "the challenge in REPORT_DATA, 8 to 64 bytes" },
	{ OPT_REPORT_DATA, 0, "report-data", "HEX", false, NULL,
	    "the literal REPORT_DATA, zero-padded" },
	{ OPT_BIND, 0, "bind", "FILE", false, NULL,
	    "a public key; REPORT_DATA has it and the nonce" },
	{ OPT_EXPECT, 0, "expect", "CLAIM=VALUE", true, NULL, "one claim must equal this" },
	{ OPT_MIN_TCB, 0, "min-tcb", "PART=N,...", false, NULL,
	    "AMD floor, or a FILE of one (built-in)" },
	{ OPT_PLATFORMS, 0, "platforms", "FILE", true, NULL, "allow and deny lists of platforms" },
	{ OPT_REQUIRE_CRL, 0, "require-crl", NULL, false, NULL, "undetermined without AMD's CRL" },
	{ OPT_CLAIMS, 0, "claims", NULL, false, NULL, "print only the claims, as JSON" },
	OPTION_JSON,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "list every check" },
	{ OPT_EXPLAIN, 0, "explain", NULL, false, NULL, "tell what each failed check stops" },
	OPTION_COLOR,
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
