/* SPDX-License-Identifier: Apache-2.0 */
#include "appraise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "collateral.h"
#include "command.h"
#include "config.h"
#include "input.h"
#include "value.h"

enum {
	NONCE_LEAST = 8,
	CLAIM_SIZE = 128,
	TCB_TEXT = 96,
};

/* --- the command line ---------------------------------------------------------------------- */

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
read_report_data(struct appraisal *a)
{
	const char *nonce = args_value(a->args, OPT_NONCE);
	const char *report_data = args_value(a->args, OPT_REPORT_DATA);
	int rc;

	if (nonce != NULL && report_data != NULL)
		return misused(
		    a->args->command, "--nonce and --report-data say the same thing twice");
	if (nonce == NULL && report_data == NULL && !args_has(a->args, OPT_BIND))
		return 0;
	if (nonce == NULL && report_data == NULL)
		return value_bind(a->args, a->report_data, &a->report_data_len);
	rc = value_bytes(a->args, a->report_data, ASSAY_REPORT_DATA_SIZE, &a->report_data_len,
	    nonce != NULL ? "nonce" : "report-data", nonce != NULL ? nonce : report_data);
	if (rc != 0)
		return rc;
	if (nonce != NULL && a->report_data_len < NONCE_LEAST)
		return misused(a->args->command, "--nonce: is too short: %zu of at least %d bytes",
		    a->report_data_len, NONCE_LEAST);
	if (a->report_data_len == 0)
		return misused(a->args->command, "--report-data: is empty");
	return args_has(a->args, OPT_BIND)
	    ? value_bind(a->args, a->report_data, &a->report_data_len)
	    : 0;
}

/* Everything of the command line that can be wrong, before a file is opened. */
static int
read_options(struct appraisal *a)
{
	const struct args *args = a->args;
	const char *time = args_value(args, OPT_TIME), *value;
	char claim[CLAIM_SIZE];
	size_t policies = 0, launches = 0;
	int rc;

	if (!value_time(&a->now, time != NULL ? time : "now"))
		return misused(args->command,
		    "--time: \"%s\" is no time; write 2025-07-04T10:16:31Z, 2025-07-04 or now",
		    time);
	for (size_t i = 0; i < args->given_count; i++) {
		const struct given *given = &args->given[i];
		if (given->option->id == OPT_EXPECT &&
		    (rc = split_expect(args, given, claim, &value)) != 0)
			return rc;
		if (given->option->id == OPT_LAUNCH && ++launches > LAUNCHES_MAX)
			return misused(args->command, "--launch: more than %d", LAUNCHES_MAX);
		if (given->option->id == OPT_POLICY && ++policies > POLICIES_MAX)
			return misused(args->command, "--policy: more than %d", POLICIES_MAX);
		if (given->option->id == OPT_POLICY && assay_policy_builtin(given->value) == NULL &&
		    strcmp(given->value, "-") != 0 && access(given->value, F_OK) != 0)
			return misused(args->command,
			    "--policy: \"%s\" is not built in (default, genuine are), and no file",
			    given->value);
	}
	if (launches == 0 && args_has(args, OPT_SIGNER))
		return misused(args->command,
		    "--signer: says whose launch records are believed, and no --launch is given");
	return read_report_data(a);
}

/* --- policies ------------------------------------------------------------------------------ */

int
appraise_references(const struct args *args, struct assay_references **refs)
{
	struct assay_error err;
	int rc = 0;

	if (assay_references_new(refs, &err) != ASSAY_OK) {
		complain(args->command, "%s", err.text);
		return EXIT_TROUBLE;
	}
	for (size_t i = 0; i < args->given_count && rc == 0; i++) {
		const struct given *given = &args->given[i];
		struct input in = { 0 };
		if (given->option->id != OPT_REFERENCE)
			continue;
		rc = input_read(args->command, &in, given->value, "reference values");
		if (rc == 0) {
			enum assay_code code =
			    assay_references_add(*refs, input_bytes(&in), given->value, &err);
			if (code != ASSAY_OK) {
				complain(args->command, "--reference: %s", err.text);
				rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
			}
		}
		input_clear(&in);
	}
	return rc;
}

int
appraise_policy(const struct args *args, const char *name, const struct assay_references *refs,
    const struct assay_policy **policy, struct assay_policy **own)
{
	struct input in = { 0 };
	struct assay_error err;

	*own = NULL;
	if ((*policy = assay_policy_builtin(name)) != NULL)
		return 0;
	int rc = input_read(args->command, &in, name, "a policy");
	if (rc == 0) {
		enum assay_code code =
		    assay_policy_compile(own, input_bytes(&in), name, refs, &err);
		if (code != ASSAY_OK) {
			complain(args->command, "%s", err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		}
	}
	input_clear(&in);
	*policy = *own;
	return rc;
}

static int
add_policy(struct appraisal *a, const char *name)
{
	int rc = appraise_policy(
	    a->args, name, a->references, &a->policies[a->policy_count], &a->own[a->policy_count]);

	if (rc != 0)
		return rc;
	if (a->own[a->policy_count++] == NULL && args_has(a->args, OPT_POLICY) &&
	    access(name, F_OK) == 0)
		complain(a->args->command, "-p %s is the one that is built in; the file is ./%s",
		    name, name);
	return 0;
}

static int
read_policies(struct appraisal *a, const char *policy)
{
	int rc = appraise_references(a->args, &a->references);

	if (rc == 0 && policy != NULL)
		return add_policy(a, policy);
	for (size_t i = 0; i < a->args->given_count && rc == 0; i++)
		if (a->args->given[i].option->id == OPT_POLICY)
			rc = add_policy(a, a->args->given[i].value);
	if (rc == 0 && a->policy_count == 0)
		rc = add_policy(a, "default");
	return rc;
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

/* --- launch records ------------------------------------------------------------------------ */

static int
read_signers(const struct args *args, struct assay_jwks **signers)
{
	const char *path = args_value(args, OPT_SIGNER);
	struct assay_error err;
	struct input in = { 0 };

	if (path == NULL)
		return 0;
	int rc = input_read(args->command, &in, path, "public keys");
	if (rc == 0) {
		enum assay_code code = admin_public_keys(signers, input_bytes(&in), &err);
		if (code != ASSAY_OK) {
			complain(args->command, "--signer: %s: %s", path, err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		}
	}
	input_clear(&in);
	return rc;
}

/* No proof fits it yet, and what the checks would say is that it is another guest's. */
static enum assay_code
not_complete(const struct assay_launch *launch, struct assay_error *err)
{
	err->code = ASSAY_E_POLICY;
	snprintf(err->text, sizeof err->text,
	    "the launch of %s is not complete: its guest has no key yet; give the record as it is "
	    "after assay launch secret",
	    assay_launch_name(launch));
	return err->code;
}

/* The owner verified the platform under an ASK that may be none of those built in. */
static enum assay_code
take_launch(struct appraisal *a, const char *path, struct assay_bytes in,
    const struct assay_jwks *signers, struct assay_error *err)
{
	struct assay_launch **launch = &a->launches[a->launch_count];
	enum assay_code code = assay_launch_parse(launch, in, signers, err);

	if (code != ASSAY_OK)
		return code;
	struct assay_bytes ask = assay_launch_cert(*launch, ASSAY_LAUNCH_ASK);
	if (assay_launch_stage(*launch) != ASSAY_LAUNCH_COMPLETE)
		code = not_complete(*launch, err);
	else if (ask.len > 0)
		code = assay_trust_add(a->trust, ask, path, NULL, err);
	if (code == ASSAY_OK)
		a->launch_count++;
	else
		assay_launch_free(*launch);
	return code;
}

/* A record that was altered, or is another's, is refused as evidence would be; *bad: it is no record that
 * could be used, and others may be. */
static int
add_launch(struct appraisal *a, const char *path, const struct assay_jwks *signers, bool *bad)
{
	struct assay_error err;
	struct input in = { 0 };
	int rc = input_read(a->args->command, &in, path, "a launch record");

	if (rc == 0) {
		enum assay_code code = take_launch(a, path, input_bytes(&in), signers, &err);
		if (code != ASSAY_OK) {
			complain(a->args->command, "--launch: %s: %s", path, err.text);
			*bad = code != ASSAY_E_NOMEM;
			rc = code == ASSAY_E_NOMEM      ? EXIT_TROUBLE
			    : code == ASSAY_E_SIGNATURE ? EXIT_NO
							: EXIT_USAGE;
		}
	}
	input_clear(&in);
	return rc;
}

static int
read_launches(struct appraisal *a)
{
	struct assay_jwks *signers = NULL;
	int rc = read_signers(a->args, &signers), bad_rc = 0;

	for (size_t i = 0; i < a->args->given_count && rc == 0; i++) {
		bool bad = false;
		if (a->args->given[i].option->id == OPT_LAUNCH)
			rc = add_launch(a, a->args->given[i].value, signers, &bad);
		if (bad) {
			bad_rc = bad_rc != 0 ? bad_rc : rc;
			rc = 0;
		}
	}
	assay_jwks_free(signers);
	/* A bad one refuses no guest that has a good one. */
	return rc == 0 && a->launch_count == 0 ? bad_rc : rc;
}

/* --- judging ------------------------------------------------------------------------------- */

int
appraise_read(struct appraisal *a, const struct args *args, const char *policy)
{
	*a = (struct appraisal){ .args = args };
	int rc = read_options(a);
	if (rc == 0)
		rc = read_policies(a, policy);
	if (rc == 0)
		rc = make_trust(args, &a->trust);
	return rc != 0 ? rc : read_launches(a);
}

void
appraise_clear(struct appraisal *a)
{
	for (size_t i = 0; i < a->policy_count; i++)
		assay_policy_free(a->own[i]);
	for (size_t i = 0; i < a->launch_count; i++)
		assay_launch_free(a->launches[i]);
	assay_references_free(a->references);
	assay_trust_free(a->trust);
	*a = (struct appraisal){ .args = a->args };
}

bool
appraise_broken(enum assay_code code)
{
	return code == ASSAY_E_NOMEM || code == ASSAY_E_USAGE || code == ASSAY_E_IO;
}

struct assay_appraisal
appraise_how(const struct appraisal *a)
{
	return (struct assay_appraisal){ .trust = a->trust,
		.now = a->now,
		.report_data = { a->report_data, a->report_data_len },
		.launches = (const struct assay_launch *const *)a->launches,
		.launch_count = a->launch_count,
		.require_crl = args_has(a->args, OPT_REQUIRE_CRL) };
}

enum assay_code
appraise_verify(const struct appraisal *a, struct assay_claims **claims,
    struct assay_checks *checks, const struct assay_evidence *ev, struct assay_error *err)
{
	const struct assay_appraisal how = appraise_how(a);

	return assay_evidence_verify(claims, checks, ev, &how, err);
}

enum assay_code
appraise_ask(const struct appraisal *a, enum assay_code code, const struct assay_claims *claims,
    struct assay_checks *checks, struct assay_error *err)
{
	char claim[CLAIM_SIZE];
	const char *value;

	for (size_t i = 0; i < a->policy_count && !appraise_broken(code); i++)
		code = assay_policy_check(checks, a->policies[i], claims, err);
	for (size_t i = 0; i < a->args->given_count && !appraise_broken(code); i++) {
		const struct given *given = &a->args->given[i];
		if (given->option->id != OPT_EXPECT)
			continue;
		(void)split_expect(a->args, given, claim, &value);
		code = assay_policy_expect(checks, claims, claim, value, err);
	}
	return appraise_broken(code) ? code : assay_checks_verdict(checks);
}

enum assay_code
appraise(const struct appraisal *a, struct assay_claims **claims, struct assay_checks *checks,
    const struct assay_evidence *ev, struct assay_error *err)
{
	enum assay_code code = appraise_verify(a, claims, checks, ev, err);

	return appraise_ask(a, code, *claims, checks, err);
}

int
appraise_exit(enum assay_code code)
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
