/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and judges attestation results. What a token is judged by comes from the command line alone:
 * no server's address is taken from the environment or a file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <assay/token.h>

#include "appraise.h"
#include "command.h"
#include "http.h"
#include "input.h"
#include "json.h"
#include "screen.h"
#include "value.h"

enum {
	NONCE_LEAST = 8,
	NONCE_MAX = 64,
	TIMEOUT_S = 30,
	LINE_MAX_LEN = 1024,
	TREE_INDENT = 2,
};

/* Without the newline that an editor or a shell puts behind it. */
static struct assay_bytes
trimmed(const struct input *in)
{
	struct assay_bytes text = input_bytes(in);

	while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL)
		text.len--;
	while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL) {
		text.ptr++;
		text.len--;
	}
	return text;
}

/* --- show -------------------------------------------------------------------------------- */

/* Also into the middle of a line of others' text. */
static void
print_tree(struct screen *s, const char *label, const json_t *tree)
{
	char *text = json_dumps(tree, JSON_INDENT(TREE_INDENT) | JSON_ENSURE_ASCII);

	fprintf(s->to, "\n%s\n", label);
	for (char *line = text; line != NULL && *line != '\0';) {
		size_t len = strcspn(line, "\n"), indent = strspn(line, " ");
		bool last = line[len] == '\0';
		line[len] = '\0';
		screen_pad(s, 0, TREE_INDENT + indent);
		screen_wrap(s, TREE_INDENT + indent, 2 * TREE_INDENT + indent, line + indent);
		line += last ? len : len + 1;
	}
	free(text);
}

static void
print_time(struct screen *s, const char *label, const json_t *claims, const char *name, int64_t now)
{
	const json_t *value = json_object_get(claims, name);
	char at[TIME_MAX], distance[TIME_MAX];

	if (!json_is_integer(value))
		return;
	value_time_text(at, json_integer_value(value));
	value_distance(distance, now, json_integer_value(value));
	if (at[0] != '\0')
		screen_row(
		    s, label, "%s, %s", at, json_integer_value(value) == now ? "now" : distance);
}

static void
print_member(struct screen *s, const char *label, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name), *each;
	size_t i;

	if (json_is_string(value))
		screen_row(s, label, "%s", json_string_value(value));
	json_array_foreach(value, i, each)
	{
		if (json_is_string(each))
			screen_row(s, label, "%s", json_string_value(each));
	}
}

static void
show(struct screen *s, bool as_json, const json_t *header, const json_t *claims)
{
	struct json j = { .to = s->to };
	int64_t now = 0;

	if (as_json) {
		char *head = json_dumps(header, JSON_COMPACT);
		char *body = json_dumps(claims, JSON_COMPACT);
		json_open(&j, NULL, '{');
		json_bool(&j, "verified", false);
		json_raw(&j, "header", head != NULL ? head : "null");
		json_raw(&j, "claims", body != NULL ? body : "null");
		json_close(&j, '}');
		fputc('\n', s->to);
		free(head);
		free(body);
		return;
	}
	(void)value_time(&now, "now");
	fputs("signature not checked: anyone may have written this\n\n", s->to);
	print_member(s, "algorithm", header, "alg");
	print_member(s, "key", header, "kid");
	print_member(s, "issuer", claims, "iss");
	print_member(s, "audience", claims, "aud");
	print_time(s, "issued", claims, "iat", now);
	print_time(s, "not before", claims, "nbf", now);
	print_time(s, "expires", claims, "exp", now);
	print_tree(s, "header", header);
	print_tree(s, "claims", claims);
}

static int
run_show(const struct args *args)
{
	struct assay_error err = { .text = "" };
	struct input in = { 0 };
	struct screen s;
	char *header = NULL;
	uint8_t *payload = NULL;
	size_t len = 0;
	json_t *head = NULL, *claims = NULL;
	int rc;

	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	if ((rc = input_read(args->command, &in, args->operands[0], "a token")) != 0)
		return rc;
	enum assay_code code = assay_jws_peek(&header, &payload, &len, trimmed(&in), &err);
	if (code == ASSAY_OK) {
		head = json_loads(header, JSON_REJECT_DUPLICATES, NULL);
		claims = json_loadb((const char *)payload, len, JSON_REJECT_DUPLICATES, NULL);
	}
	if (code != ASSAY_OK) {
		complain(args->command, "%s: %s", args->operands[0], err.text);
		rc = appraise_exit(code);
	} else if (!json_is_object(head) || !json_is_object(claims)) {
		complain(args->command, "%s: what is signed is no JSON object: no claims",
		    args->operands[0]);
		rc = EXIT_NO;
	} else if ((rc = screen_open(&s, args)) == 0) {
		show(&s, args_has(args, OPT_JSON), head, claims);
		rc = screen_close(&s, false, EXIT_YES);
	}
	json_decref(head);
	json_decref(claims);
	free(header);
	free(payload);
	input_clear(&in);
	return rc;
}

/* --- verify: the keys -------------------------------------------------------------------- */

/* A set of the one key that a PEM file holds. */
static enum assay_code
keys_of_pem(struct assay_jwks **keys, struct assay_bytes pem, struct assay_error *err)
{
	struct assay_jwk *key = NULL;
	char *text = NULL;
	enum assay_code code = assay_jwk_parse_pem(&key, pem, NULL, err);

	if (code == ASSAY_OK)
		code = assay_jwk_json(&text, key, NULL, err);
	if (code == ASSAY_OK)
		code = assay_jwks_parse(
		    keys, (struct assay_bytes){ (const uint8_t *)text, strlen(text) }, err);
	free(text);
	assay_jwk_free(key);
	return code;
}

static int
parse_keys(
    const struct args *args, struct assay_jwks **keys, struct assay_bytes in, const char *from)
{
	static const char begin[] = "-----BEGIN ";
	struct assay_error err = { .text = "" };
	bool pem = in.len >= sizeof begin - 1 && memcmp(in.ptr, begin, sizeof begin - 1) == 0;
	enum assay_code code = pem ? keys_of_pem(keys, in, &err) : assay_jwks_parse(keys, in, &err);

	if (code != ASSAY_OK) {
		complain(args->command, "%s: %s", from, err.text);
		return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
	}
	if (assay_jwks_count(*keys) > 0)
		return 0;
	complain(args->command, "%s: is a set without keys", from);
	return EXIT_USAGE;
}

static int
fetch_keys(const struct args *args, struct assay_jwks **keys)
{
	const char *why, *base = args_value(args, OPT_URL), *ca = args_value(args, OPT_CA);
	int rc = value_server(args->command, "--url", base, ca);

	if (rc != 0)
		return rc;
	/* Keys that anybody on the way could have written are no keys. */
	if (!http_scheme(base, "https://") && !http_is_here(base))
		return misused(args->command,
		    "--url: \"%s\": keys are believed from https, unix:PATH or this machine alone",
		    base);
	char *url = http_address(base, "/.well-known/jwks.json");
	struct http_answer answer = { .status = 0 };
	struct http *http = NULL;

	rc = EXIT_TROUBLE;
	if (url == NULL) {
		complain(args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	http = http_open(TIMEOUT_S, ca, isatty(STDERR_FILENO) && !args_has(args, OPT_QUIET), &why);
	if (http == NULL) {
		complain(args->command, "%s", why);
		free(url);
		return EXIT_TROUBLE;
	}
	http_doing(http, "fetching the keys");
	if (!http_get(http, url, &answer))
		complain(args->command, "%s: %s", url, answer.why);
	else if (answer.status != 200)
		complain(args->command, "%s: answers %ld; a server publishes its keys there", url,
		    answer.status);
	else
		rc = parse_keys(args, keys, (struct assay_bytes){ answer.body, answer.len }, url);
	http_answer_clear(&answer);
	http_close(http);
	free(url);
	return rc;
}

static int
read_keys(const struct args *args, struct assay_jwks **keys)
{
	const char *path = args_value(args, OPT_JWKS);
	struct input in = { 0 };
	int rc;

	if (path == NULL)
		return fetch_keys(args, keys);
	if ((rc = input_read(args->command, &in, path, "keys")) == 0)
		rc = parse_keys(args, keys, trimmed(&in), path);
	input_clear(&in);
	return rc;
}

/* --- verify: the answer ------------------------------------------------------------------ */

struct judgement {
	const struct args *args;
	int64_t now;
	uint8_t nonce[NONCE_MAX];
	size_t nonce_len;
	enum assay_code code;
	struct assay_error err;
	const struct assay_jwk *by;        /* NULL: the signature does not hold */
	const struct assay_result *result; /* NULL: could not be read */
};

static const char *
word(enum assay_code code, bool upper)
{
	if (code == ASSAY_OK)
		return upper ? "ACCEPTED" : "accepted";
	if (code == ASSAY_E_INCOMPLETE)
		return upper ? "UNDETERMINED" : "undetermined";
	return upper ? "REFUSED" : "refused";
}

static void
print_moment(struct screen *s, const char *label, bool has, int64_t at, int64_t now)
{
	char time[TIME_MAX], distance[TIME_MAX];

	if (!has)
		return;
	value_time_text(time, at);
	value_distance(distance, now, at);
	screen_row(s, label, "%s, %s", time, at == now ? "now" : distance);
}

static void
print_part(struct screen *s, const struct assay_result_part *part)
{
	int8_t one[ASSAY_TRUST_VECTOR];

	screen_row(s, "part", "%s: %s%s%s", part->name, assay_tier_name(part->status),
	    part->policies[0] != '\0' ? ", policy " : "", part->policies);
	for (size_t i = 0; i < ASSAY_TRUST_VECTOR; i++) {
		if (part->vector[i] == 0)
			continue;
		memset(one, 0, sizeof one);
		one[i] = part->vector[i];
		screen_row(s, "", "%s: %d, %s", assay_trust_vector_name(i), part->vector[i],
		    assay_tier_name(assay_trust_vector_tier(one)));
	}
}

static void
print_screen(struct screen *s, const struct judgement *v)
{
	const struct assay_result *r = v->result;
	char kid[ASSAY_KID_TEXT], as_of[TIME_MAX];

	screen_coloured(s,
	    v->code == ASSAY_OK                 ? GREEN
		: v->code == ASSAY_E_INCOMPLETE ? YELLOW
						: RED,
	    word(v->code, true));
	fputs("  ", s->to);
	size_t at = strlen(word(v->code, true)) + 2;
	screen_wrap(s, at, at,
	    v->code == ASSAY_OK ? "attestation result: signed, current, affirming" : v->err.text);
	if (v->nonce_len == 0 && v->code == ASSAY_OK)
		fputs("not checked: freshness (give --nonce)\n", s->to);
	if (r == NULL)
		return;
	fputc('\n', s->to);
	for (size_t i = 0; i < r->part_count; i++)
		print_part(s, &r->parts[i]);
	if (r->has_status)
		screen_row(s, "status", "%s, of the token itself", assay_tier_name(r->status));
	if (v->by != NULL) {
		assay_jwk_kid(kid, v->by);
		screen_row(s, "signed by", "%s, key %s", assay_jwk_alg(v->by), kid);
	}
	if (r->issuer[0] != '\0')
		screen_row(s, "issuer", "%s", r->issuer);
	if (r->audience[0] != '\0')
		screen_row(s, "audience", "%s", r->audience);
	screen_row(s, "verifier", "%s, %s", r->developer, r->build);
	screen_row(s, "profile", "%s", r->profile_text);
	if (r->nonce[0] != '\0')
		screen_row(s, "nonce", "%s", r->nonce);
	print_moment(s, "issued", r->has_issued, r->issued, v->now);
	print_moment(s, "expires", r->has_expires, r->expires, v->now);
	value_time_text(as_of, v->now);
	screen_row(s, "as of", "%s", as_of);
}

static void
json_time(struct json *j, const char *name, bool has, int64_t at)
{
	char text[TIME_MAX] = "";

	if (has)
		value_time_json(text, at);
	json_text_or_null(j, name, text);
}

static void
json_part(struct json *j, const struct assay_result_part *part)
{
	char value[8];

	json_open(j, NULL, '{');
	json_text(j, "name", part->name);
	json_text(j, "status", assay_tier_name(part->status));
	json_text_or_null(j, "policies", part->policies);
	json_open(j, "vector", '{');
	for (size_t i = 0; i < ASSAY_TRUST_VECTOR; i++) {
		snprintf(value, sizeof value, "%d", part->vector[i]);
		json_raw(j, assay_trust_vector_name(i), value);
	}
	json_close(j, '}');
	json_close(j, '}');
}

static void
print_json(struct screen *s, const struct judgement *v)
{
	static const struct assay_result nothing = {
		.profile_text = "", .issuer = "", .audience = "", .id = "", .nonce = ""
	};
	const struct assay_result *r = v->result != NULL ? v->result : &nothing;
	struct json j = { .to = s->to };
	char kid[ASSAY_KID_TEXT] = "";

	if (v->by != NULL)
		assay_jwk_kid(kid, v->by);
	json_open(&j, NULL, '{');
	json_text(&j, "verdict", word(v->code, false));
	json_text_or_null(&j, "reason", v->code == ASSAY_OK ? "" : v->err.text);
	json_bool(&j, "signed", v->by != NULL);
	json_text_or_null(&j, "alg", v->by != NULL ? assay_jwk_alg(v->by) : "");
	json_text_or_null(&j, "kid", kid);
	json_time(&j, "time", true, v->now);
	json_text_or_null(&j, "profile", r->profile_text);
	json_text_or_null(&j, "issuer", r->issuer);
	json_text_or_null(&j, "audience", r->audience);
	json_text_or_null(&j, "id", r->id);
	json_text_or_null(&j, "nonce", r->nonce);
	json_time(&j, "issued", r->has_issued, r->issued);
	json_time(&j, "not_before", r->has_not_before, r->not_before);
	json_time(&j, "expires", r->has_expires, r->expires);
	json_text_or_null(&j, "status", r->has_status ? assay_tier_name(r->status) : "");
	json_open(&j, "parts", '[');
	for (size_t i = 0; i < r->part_count; i++)
		json_part(&j, &r->parts[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	fputc('\n', s->to);
}

/* --- verify ------------------------------------------------------------------------------ */

static int
judge(struct judgement *v, const struct assay_jwks *keys, struct assay_bytes token)
{
	struct assay_result *result = NULL;
	struct screen s;
	uint8_t *payload = NULL;
	size_t len = 0;
	int rc;

	v->code = assay_jws_verify(&payload, &len, &v->by, keys, NULL, token, &v->err);
	if (v->code == ASSAY_OK)
		v->code =
		    assay_result_parse(&result, (struct assay_bytes){ payload, len }, &v->err);
	v->result = result;
	if (v->code == ASSAY_OK)
		v->code = assay_result_check(
		    result, v->now, (struct assay_bytes){ v->nonce, v->nonce_len }, &v->err);
	if (v->code == ASSAY_E_NOMEM) {
		complain(v->args->command, "%s", v->err.text);
		rc = EXIT_TROUBLE;
	} else if ((rc = screen_open(&s, v->args)) == 0) {
		if (args_has(v->args, OPT_JSON))
			print_json(&s, v);
		else
			print_screen(&s, v);
		rc = screen_close(&s, args_has(v->args, OPT_QUIET), appraise_exit(v->code));
	}
	assay_result_free(result);
	free(payload);
	return rc;
}

static int
read_judgement(struct judgement *v, const struct args *args)
{
	const char *time = args_value(args, OPT_TIME), *nonce = args_value(args, OPT_NONCE);
	int rc;

	*v = (struct judgement){ .args = args };
	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	if ((args_value(args, OPT_JWKS) == NULL) == (args_value(args, OPT_URL) == NULL))
		return misused(args->command,
		    "--jwks or --url: one of the two says whose signature is believed");
	if (!value_time(&v->now, time != NULL ? time : "now"))
		return misused(args->command,
		    "--time: \"%s\" is no time; write 2025-07-04T10:16:31Z, 2025-07-04 or now",
		    time);
	if (nonce == NULL)
		return 0;
	if ((rc = value_bytes(args, v->nonce, sizeof v->nonce, &v->nonce_len, "nonce", nonce)) != 0)
		return rc;
	if (v->nonce_len < NONCE_LEAST)
		return misused(args->command, "--nonce: is too short: %zu of at least %d bytes",
		    v->nonce_len, NONCE_LEAST);
	return 0;
}

static int
run_verify(const struct args *args)
{
	struct judgement v;
	struct assay_jwks *keys = NULL;
	struct input in = { 0 };
	int rc = read_judgement(&v, args);

	if (rc == 0)
		rc = read_keys(args, &keys);
	if (rc == 0)
		rc = input_read(args->command, &in, args->operands[0], "a token");
	if (rc == 0)
		rc = judge(&v, keys, trimmed(&in));
	input_clear(&in);
	assay_jwks_free(keys);
	return rc;
}

/* --- the commands ------------------------------------------------------------------------ */

static const struct option show_options[] = { OPTION_JSON, OPTION_OUTPUT, OPTION_HELP, OPTION_END };

const struct command command_token_show = {
	.name = "token show",
	.arguments = "[options] TOKEN",
	.summary = "Prints what is in a token, whoever wrote it.",
	.operands = "  TOKEN   a file with a signed JWT, or - for standard input\n",
	.words = NULL,
	.options = show_options,
	.examples = { "assay token show result.jwt", "assay token show --json -" },
	.exits = "0 done, 1 no token, 2 usage, 4 trouble",
	.page = "assay-token",
	.run = run_show,
};

static const struct option verify_options[] = {
	{ OPT_JWKS, 0, "jwks", "FILE", false, NULL, "keys that are believed: JWK set, JWK or PEM" },
	OPTION_URL,
	OPTION_CA,
	OPTION_TIME,
	{ OPT_NONCE, 'n', "nonce", "HEX", false, NULL,
	    "the challenge in eat_nonce, 8 to 64 bytes" },
	OPTION_JSON,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_token_verify = {
	.name = "token verify",
	.arguments = "[options] TOKEN",
	.summary = "Says whether a result is signed, current and affirming.",
	.operands = "  TOKEN   a file with a signed JWT, or - for standard input\n",
	.words = NULL,
	.options = verify_options,
	.examples = { "assay token verify --jwks keys.json -n 0123456789abcdef result.jwt",
	    "assay token verify --url https://kbs.example --ca ca.pem result.jwt" },
	.exits = "0 affirming, 1 refused, 2 usage, 3 undetermined, 4 trouble",
	.page = "assay-token",
	.run = run_verify,
};
