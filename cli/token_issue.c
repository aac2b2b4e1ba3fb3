/* SPDX-License-Identifier: Apache-2.0 */
/* Appraises evidence, and signs what came of it. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <assay/token.h>

#include "appraise.h"
#include "command.h"
#include "input.h"
#include "screen.h"
#include "value.h"

enum {
	VALID_S = 300,
	VALID_MAX_S = 366 * 86400,
	ID_BYTES = 16,
	/* of 64 bytes, in base64url */
	NONCE_TEXT = 88,
};

struct issue {
	struct appraisal appraisal;
	const struct args *args;
	int64_t valid_s;
	bool ietf;
	struct assay_jwk *key;
	char *bound; /* the workload's key of --bind, a JWK; NULL: none, or no key that is known */
	char nonce[NONCE_TEXT];
};

/* A key in PEM or as a JWK. */
static enum assay_code
parse_key(struct assay_jwk **key, struct assay_bytes text, struct assay_error *err)
{
	size_t at = 0;

	while (at < text.len && strchr(" \t\r\n", text.ptr[at]) != NULL)
		at++;
	if (at < text.len && text.ptr[at] == '{')
		return assay_jwk_parse(key, text, err);
	return assay_jwk_parse_pem(key, text, NULL, err);
}

static int
read_key(struct issue *q)
{
	const char *path = args_value(q->args, OPT_KEY);
	struct assay_error err = { .text = "" };
	struct input in = { 0 };
	int rc;

	if (path == NULL)
		return misused(q->args->command, "--key is missing: the key that signs, in a file");
	rc = input_secret(q->args->command, &in, path, "a signing key");
	if (rc == 0) {
		enum assay_code code = parse_key(&q->key, input_bytes(&in), &err);
		if (code == ASSAY_OK && !assay_jwk_private(q->key)) {
			rc = misused(q->args->command, "--key: %s: has no private half", path);
		} else if (code != ASSAY_OK) {
			complain(q->args->command, "--key: %s: %s", path, err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		}
	}
	input_wipe(&in);
	return rc;
}

/* What --bind named was read before; here it is looked at as a key. It may be anything else. */
static int
read_bound(struct issue *q)
{
	const char *path = args_value(q->args, OPT_BIND);
	struct assay_error err = { .text = "" };
	struct assay_jwk *key = NULL;
	struct input in = { 0 };
	int rc;

	if (path == NULL || strcmp(path, "-") == 0)
		return 0;
	rc = input_read(q->args->command, &in, path, "the key to bind");
	if (rc == 0 && parse_key(&key, input_bytes(&in), &err) == ASSAY_OK &&
	    assay_jwk_json(&q->bound, key, NULL, &err) != ASSAY_OK) {
		complain(q->args->command, "%s", err.text);
		rc = EXIT_TROUBLE;
	}
	assay_jwk_free(key);
	input_clear(&in);
	return rc;
}

static int
read_nonce(struct issue *q)
{
	const char *text = args_value(q->args, OPT_NONCE);
	uint8_t nonce[ASSAY_REPORT_DATA_SIZE];
	size_t len = 0;
	int rc;

	if (text == NULL)
		return 0;
	if ((rc = value_bytes(q->args, nonce, sizeof nonce, &len, "nonce", text)) == 0)
		value_base64url(q->nonce, nonce, len);
	return rc;
}

static int
read_issue(struct issue *q)
{
	const char *valid = args_value(q->args, OPT_VALID);
	const char *profile = args_value(q->args, OPT_PROFILE);

	q->valid_s = VALID_S;
	if (profile != NULL && strcmp(profile, "ietf") != 0 && strcmp(profile, "ear") != 0)
		return misused(q->args->command, "--profile: \"%s\" is none of ear, ietf", profile);
	q->ietf = profile != NULL && strcmp(profile, "ietf") == 0;
	if (valid != NULL &&
	    (!value_duration(&q->valid_s, valid) || q->valid_s < 1 || q->valid_s > VALID_MAX_S))
		return misused(q->args->command,
		    "--valid: \"%s\" is no duration from 1s to 366d; write 5m, 12h or 7d", valid);
	int rc = read_key(q);
	if (rc == 0)
		rc = read_nonce(q);
	if (rc == 0)
		rc = appraise_read(&q->appraisal, q->args, NULL);
	return rc == 0 ? read_bound(q) : rc;
}

/* Whether the evidence carries the report data that bind the key. */
static bool
bound(const struct assay_checks *checks)
{
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		if (strcmp(assay_check_id(checks, i), "evidence.report_data") == 0)
			return assay_check_outcome(checks, i) == ASSAY_PASS;
	return false;
}

static enum assay_code
sign(char **token, const struct issue *q, const struct assay_checks *checks,
    const struct assay_claims *claims, struct assay_error *err)
{
	struct assay_ear ear = {
		.profile = q->ietf ? ASSAY_EAR_IETF : ASSAY_EAR_DEPLOYED,
		.checks = checks,
		.nonce = q->nonce[0] != '\0' ? q->nonce : NULL,
		.key = bound(checks) ? q->bound : NULL,
	};
	char *annotated = NULL, *members = NULL, id[2 * ID_BYTES];
	uint8_t random[ID_BYTES];
	enum assay_code code;

	for (size_t i = 0; i < q->appraisal.policy_count; i++)
		ear.policies[i] = assay_policy_name(q->appraisal.policies[i]);
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
		snprintf(err->text, sizeof err->text, "the system gives no randomness");
		return ASSAY_E_IO;
	}
	value_base64url(id, random, sizeof random);
	struct assay_ear_frame frame = { .issuer = "assay",
		.id = id,
		.issued = q->appraisal.now,
		.expires = q->appraisal.now + q->valid_s };
	if ((code = assay_claims_json(&annotated, claims, err)) == ASSAY_OK) {
		ear.annotated = annotated;
		code = assay_ear_members(&members, &ear, err);
	}
	if (code == ASSAY_OK)
		code = assay_ear_sign(token, &frame, members, q->key, err);
	free(annotated);
	free(members);
	return code;
}

/* A refused one gets its token too, which says so; and this command says it aloud. */
static int
answer(const struct issue *q, const char *token, enum assay_code verdict, const char *why)
{
	struct screen s;
	int rc = screen_open(&s, q->args);

	if (rc != 0)
		return rc;
	fprintf(s.to, "%s\n", token);
	if (verdict != ASSAY_OK)
		complain(q->args->command, "%s: %s, and the token says so: %s",
		    q->args->operands[0],
		    verdict == ASSAY_E_INCOMPLETE ? "undetermined" : "refused", why);
	return screen_close(&s, args_has(q->args, OPT_QUIET), appraise_exit(verdict));
}

static int
issue(const struct issue *q, const struct assay_evidence *ev)
{
	struct assay_checks *checks = NULL;
	struct assay_claims *claims = NULL;
	struct assay_error err = { .text = "" }, why = { .text = "" };
	char *token = NULL;
	int rc;

	enum assay_code code = assay_checks_new(&checks, &err), verdict = code;
	if (code == ASSAY_OK) {
		verdict = appraise(&q->appraisal, &claims, checks, ev, &why);
		code = appraise_broken(verdict) ? verdict : sign(&token, q, checks, claims, &err);
	}
	if (code == ASSAY_OK) {
		rc = answer(q, token, verdict, why.text);
	} else {
		complain(q->args->command, "%s: %s", q->args->operands[0],
		    appraise_broken(verdict) ? why.text : err.text);
		rc = appraise_exit(code);
	}
	free(token);
	assay_claims_free(claims);
	assay_checks_free(checks);
	return rc;
}

static int
run(const struct args *args)
{
	struct issue q = { .args = args, .appraisal = { .args = args } };
	struct assay_evidence *ev = NULL;
	struct assay_error err = { .text = "" };
	struct input in = { 0 };
	int rc;

	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	if ((rc = read_issue(&q)) == 0 &&
	    (rc = input_evidence(args->command, &in, args->operands[0])) == 0) {
		enum assay_code code = assay_evidence_parse(&ev, input_bytes(&in), &err);
		if (code == ASSAY_OK) {
			rc = issue(&q, ev);
		} else {
			complain(args->command, "%s: %s", args->operands[0], err.text);
			rc = appraise_exit(code);
		}
	}
	assay_evidence_free(ev);
	input_clear(&in);
	appraise_clear(&q.appraisal);
	assay_jwk_free(q.key);
	free(q.bound);
	return rc;
}

static const struct option options[] = {
	{ OPT_KEY, 0, "key", "FILE", false, NULL,
	    "the private key that signs: PEM, JWK, cred:NAME" },
	OPTION_POLICY,
	OPTIONS_APPRAISE,
	OPTION_EXPECT,
	{ OPT_PROFILE, 0, "profile", "NAME", false, "ear|ietf",
	    "names of members: ear (default) or ietf" },
	{ OPT_VALID, 0, "valid", "D", false, NULL, "how long the token holds (5m)" },
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no token, only exit" },
	OPTION_HELP,
	OPTION_END,
};

const struct command command_token_issue = {
	.name = "token issue",
	.arguments = "[options] EVIDENCE",
	.summary = "Appraises evidence, and signs the result as an EAR.",
	.operands =
	    "  EVIDENCE   a file, - for standard input, or a folder with a configfs report\n",
	.words = NULL,
	.options = options,
	.examples = { "assay token issue --key signer.pem -c collateral/ quote.bin",
	    "assay token issue --key signer.pem --profile ietf -o result.jwt report.bin" },
	.exits = "0 accepted, 1 refused, 2 usage, 3 undetermined, 4 trouble",
	.page = "assay-token",
	.run = run,
};
