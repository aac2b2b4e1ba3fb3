/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "input.h"
#include "json.h"
#include "screen.h"
#include "value.h"

enum {
	TOKEN_LIFE_S = 120, /* the server takes 300 s at most; clocks may differ by the rest */
	ID_SIZE = 16,
	DIGEST_SIZE = 32,
	DIGEST_TEXT = 44,
	ANSWER_SENTENCE = 1000,
	AUDIENCE_MAX = 256,
};

/* --- names ------------------------------------------------------------------------------- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

static bool
is_name(const char *name, size_t len)
{
	return len > 0 && len <= ADMIN_NAME && name[0] != '.' && strspn(name, letters) >= len;
}

bool
admin_name(const struct args *args, const char *what, const char *name)
{
	if (is_name(name, strlen(name)))
		return true;
	misused(args->command,
	    "\"%.60s\" is no name of %s: up to %d letters, digits, '-', '_' and '.', and not first "
	    "a '.'",
	    name, what, ADMIN_NAME);
	return false;
}

bool
admin_secret(const struct args *args, const char *path)
{
	const char *at = path;
	size_t parts = 0;

	for (;; at++) {
		size_t len = strcspn(at, "/");
		if (!is_name(at, len))
			break;
		parts++;
		at += len;
		if (*at == '\0')
			break;
	}
	if (parts == 3 && *at == '\0' && strlen(path) <= ADMIN_SECRET)
		return true;
	misused(args->command,
	    "\"%.100s\" is no path of a secret; write REPO/TYPE/TAG, each of up to %d letters, "
	    "digits, '-', '_' and '.', and not first a '.'; at most %d bytes in all",
	    path, ADMIN_NAME, ADMIN_SECRET);
	return false;
}

void
admin_parameter(struct admin_request *r, const char *name, const char *value)
{
	size_t len = strlen(r->path);

	if (value == NULL)
		return;
	int n = snprintf(r->path + len, sizeof r->path - len,
	    "%c%s=", strchr(r->path, '?') != NULL ? '&' : '?', name);
	len += n > 0 ? (size_t)n : 0;
	for (; *value != '\0' && len + 4 < sizeof r->path; value++)
		if (strchr(letters, *value) != NULL) {
			r->path[len++] = *value;
			r->path[len] = '\0';
		} else {
			snprintf(r->path + len, 4, "%%%02X", (unsigned char)*value);
			len += 3;
		}
}

/* --- the server -------------------------------------------------------------------------- */

/* "https://host:8080" of "https://host:8080/x/"; its length. */
static size_t
origin(const char *url)
{
	const char *host = strstr(url, "://");

	return host != NULL ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

bool
admin_private(const struct admin *a)
{
	if (!http_scheme(a->config.url, "http://") || http_is_here(a->config.url))
		return true;
	complain(a->args->command,
	    "%s: a secret does not go over a network in the clear; give an https:// URL, or one of "
	    "this machine",
	    a->config.url);
	return false;
}

static int
open_http(struct admin *a)
{
	bool progress = isatty(STDERR_FILENO) && !args_has(a->args, OPT_QUIET);
	const char *why;

	a->http = http_open(a->timeout_s, a->config.ca, progress, &why);
	if (a->http == NULL) {
		complain(a->args->command, "%s", why);
		return EXIT_TROUBLE;
	}
	http_doing(a->http, "asking assayd");
	return 0;
}

int
admin_open_anonymous(struct admin *a, const struct args *args)
{
	*a = (struct admin){ .args = args };
	int rc = value_timeout(args, &a->timeout_s);
	if (rc != 0 || (rc = config_server(&a->config, args)) != 0)
		return rc;
	const char *url = a->config.url;
	if (url == NULL)
		return misused(args->command,
		    "--url URL is missing: where assayd is (or ASSAY_URL, or url in assay.conf)");
	if ((rc = value_server(args->command, "--url", url, a->config.ca)) != 0)
		return rc;
	return open_http(a);
}

int
admin_again(struct admin *a)
{
	http_close(a->http);
	a->http = NULL;
	return open_http(a);
}

/* The server's own sentence, or the number of its status. */
static void
tell(const struct admin *a, const struct http_answer *answer)
{
	json_t *root = json_loadb((const char *)answer->body, answer->len, 0, NULL);
	const char *sentence = admin_text(root, "error");

	if (sentence[0] != '\0')
		complain(a->args->command, "%s: %.*s", a->config.url, ANSWER_SENTENCE, sentence);
	else
		complain(a->args->command,
		    "%s: answers %ld, and not as assayd does; is it the right server?",
		    a->config.url, answer->status);
	json_decref(root);
}

static int
exit_of(long status)
{
	if (status == 400 || status == 413 || status == 422)
		return EXIT_USAGE;
	return status >= 500 || status == 429 ? EXIT_TROUBLE : EXIT_NO;
}

static int
ask(struct admin *a, const struct http_request *r, struct http_answer *answer)
{
	if (!http_send(a->http, r, answer)) {
		complain(a->args->command, "%s: %s", a->config.url, answer->why);
		return EXIT_TROUBLE;
	}
	if (answer->status == 200)
		return 0;
	tell(a, answer);
	return exit_of(answer->status);
}

static int
parse(const struct admin *a, const struct http_answer *answer, json_t **out)
{
	*out = json_loadb((const char *)answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*out))
		return 0;
	json_decref(*out);
	*out = NULL;
	complain(a->args->command, "%s: the answer is no JSON object; is it the right server?",
	    a->config.url);
	return EXIT_TROUBLE;
}

/* --- the key ----------------------------------------------------------------------------- */

/* A key file of assayd's says above the key whose it is; then no server is asked for its name, and
 * none can give that of another. */
static bool
audience_of_key(struct admin *a, struct assay_bytes file)
{
	static const char word[] = "Audience: ";

	for (size_t at = 0; at < file.len;) {
		const char *line = (const char *)file.ptr + at;
		const char *end = memchr(line, '\n', file.len - at);
		size_t len = end != NULL ? (size_t)(end - line) : file.len - at;
		if (len >= 5 && memcmp(line, "-----", 5) == 0)
			return true;
		if (len > sizeof word - 1 && len < AUDIENCE_MAX &&
		    memcmp(line, word, sizeof word - 1) == 0) {
			len -= line[len - 1] == '\r';
			a->audience = strndup(line + sizeof word - 1, len - (sizeof word - 1));
			return a->audience != NULL;
		}
		at += len + 1;
	}
	return true;
}

static int
read_key(struct admin *a)
{
	const char *path = a->config.admin_key;
	struct input in = { 0 };
	struct assay_error err = { .text = "" };

	if (path == NULL)
		return misused(a->args->command,
		    "--admin-key FILE is missing (or ASSAY_ADMIN_KEY, or admin-key in assay.conf); "
		    "assayd says at its first start where it put the first one");
	int rc = input_secret(a->args->command, &in, path, "a private key");
	if (rc == 0) {
		enum assay_code code = assay_jwk_parse_pem(&a->key, input_bytes(&in), NULL, &err);
		if (code == ASSAY_OK && !assay_jwk_private(a->key)) {
			complain(a->args->command,
			    "--admin-key: %s: is a public key; the private one is needed to sign",
			    path);
			rc = EXIT_USAGE;
		} else if (code != ASSAY_OK) {
			complain(a->args->command, "--admin-key: %s: %s", path, err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		} else if (!audience_of_key(a, input_bytes(&in))) {
			complain(a->args->command, "out of memory");
			rc = EXIT_TROUBLE;
		}
	}
	input_wipe(&in);
	return rc;
}

/* What the server calls itself. A server must not get a token for another by taking its name: a name
 * that is a URL is that of --url. */
static int
ask_audience(struct admin *a)
{
	struct http_answer answer = { 0 };
	json_t *root = NULL;
	char *url = http_address(a->config.url, "/v1/server");

	if (url == NULL) {
		complain(a->args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	const struct http_request r = { .method = "GET", .url = url };
	int rc = ask(a, &r, &answer);
	if (rc == 0)
		rc = parse(a, &answer, &root);
	http_answer_clear(&answer);
	free(url);
	if (rc != 0)
		return rc;
	const char *name = admin_text(root, "audience");
	size_t len = origin(name), wanted = origin(a->config.url);
	if (name[0] == '\0') {
		complain(a->args->command, "%s: does not say what it is called; is it assayd?",
		    a->config.url);
		rc = EXIT_TROUBLE;
	} else if (len > 0 && !http_is_here(a->config.url) &&
	    (len != wanted || strncasecmp(name, a->config.url, len) != 0)) {
		complain(a->args->command,
		    "%s: says that it is %.100s, and a token for that is not given to it; if it is "
		    "right, give --url %.100s",
		    a->config.url, name, name);
		rc = EXIT_NO;
	} else if ((a->audience = strdup(name)) == NULL) {
		complain(a->args->command, "out of memory");
		rc = EXIT_TROUBLE;
	}
	json_decref(root);
	return rc;
}

int
admin_open(struct admin *a, const struct args *args)
{
	int rc = admin_open_anonymous(a, args);

	if (rc == 0)
		rc = read_key(a);
	if (rc == 0 && a->audience == NULL)
		rc = ask_audience(a);
	return rc;
}

void
admin_close(struct admin *a)
{
	http_close(a->http);
	assay_jwk_free(a->key);
	free(a->audience);
	config_clear(&a->config);
	*a = (struct admin){ 0 };
}

/* --- a request --------------------------------------------------------------------------- */

/* The claims of the token: server/keeper/admin.h. NULL: no memory, or no randomness. */
static char *
claims_of(const struct admin *a, const struct admin_request *r)
{
	uint8_t digest[DIGEST_SIZE], id[ID_SIZE];
	char digest_text[DIGEST_TEXT], id_text[DIGEST_TEXT];
	char *text = NULL;
	size_t size = 0;
	int64_t now = (int64_t)time(NULL);

	if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id ||
	    EVP_Digest(r->body.len > 0 ? (const void *)r->body.ptr : "", r->body.len, digest, NULL,
		EVP_sha256(), NULL) != 1)
		return NULL;
	value_base64url(digest_text, digest, sizeof digest);
	value_base64url(id_text, id, sizeof id);
	FILE *to = open_memstream(&text, &size);
	if (to == NULL)
		return NULL;
	struct json j = { .to = to };
	json_open(&j, NULL, '{');
	json_text(&j, "aud", a->audience);
	json_uint(&j, "exp", (uint64_t)(now + TOKEN_LIFE_S));
	json_text(&j, "htm", r->method);
	json_text(&j, "htu", r->path);
	json_uint(&j, "iat", (uint64_t)now);
	json_text(&j, "jti", id_text);
	json_text(&j, "sha256", digest_text);
	json_close(&j, '}');
	bool ok = !ferror(to);
	if (fclose(to) == 0 && ok)
		return text;
	free(text);
	return NULL;
}

/* "Authorization: Bearer TOKEN", which the caller frees. */
static char *
authorization(const struct admin *a, const struct admin_request *r)
{
	char *claims = claims_of(a, r), *token = NULL, *line = NULL;
	struct assay_error err = { .text = "out of memory" };

	if (claims != NULL &&
	    assay_jws_sign(&token, a->key, "assay-admin+jwt", false,
		(struct assay_bytes){ (const uint8_t *)claims, strlen(claims) },
		&err) == ASSAY_OK) {
		size_t size = strlen(token) + sizeof "Authorization: Bearer ";
		if ((line = malloc(size)) != NULL)
			snprintf(line, size, "Authorization: Bearer %s", token);
	}
	if (line == NULL)
		complain(a->args->command, "%s", err.text);
	free(token);
	free(claims);
	return line;
}

int
admin_ask(struct admin *a, const struct admin_request *r, struct http_answer *answer)
{
	char *line = authorization(a, r), *url = http_address(a->config.url, r->path);
	const char *headers[] = { line };
	const struct http_request request = {
		.method = r->method,
		.url = url,
		.headers = headers,
		.header_count = 1,
		.body = r->body,
		.type = r->type,
		.once = true,
	};
	int rc = EXIT_TROUBLE;

	*answer = (struct http_answer){ 0 };
	if (line != NULL && url != NULL)
		rc = ask(a, &request, answer);
	free(line);
	free(url);
	return rc;
}

int
admin_ask_json(struct admin *a, const struct admin_request *r, json_t **out)
{
	struct http_answer answer;
	int rc = admin_ask(a, r, &answer);

	*out = NULL;
	if (rc == 0)
		rc = parse(a, &answer, out);
	http_answer_clear(&answer);
	return rc;
}

const char *
admin_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

int64_t
admin_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

void
admin_time(char out[TIME_MAX], const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	int64_t t = json_integer_value(value);

	out[0] = '\0';
	if (json_is_integer(value) ||
	    (json_is_string(value) && value_time(&t, json_string_value(value))))
		value_time_text(out, t);
}

enum assay_code
admin_public_keys(struct assay_jwks **out, struct assay_bytes file, struct assay_error *err)
{
	struct assay_jwk *key = NULL;
	char *json = NULL;

	if (file.len > 0 && file.ptr[0] == '{')
		return assay_jwks_parse(out, file, err);
	enum assay_code code = assay_jwk_parse_pem(&key, file, NULL, err);
	if (code == ASSAY_OK)
		code = assay_jwk_json(&json, key, NULL, err);
	if (code == ASSAY_OK)
		code = assay_jwks_parse(
		    out, (struct assay_bytes){ (const uint8_t *)json, strlen(json) }, err);
	free(json);
	assay_jwk_free(key);
	return code;
}

bool
admin_json(const struct admin *a, struct screen *s, const json_t *answer)
{
	if (!args_has(a->args, OPT_JSON))
		return false;
	json_dumpf(answer, s->to, JSON_COMPACT);
	fputc('\n', s->to);
	return true;
}

int
admin_remove(struct admin *a, struct screen *s, const struct admin_request *r)
{
	json_t *root;
	int rc = admin_ask_json(a, r, &root);

	if (rc == 0 && !admin_json(a, s, root)) {
		screen_text(s, a->args->operands[0]);
		fputs(": removed\n", s->to);
	}
	json_decref(root);
	return rc;
}

int
admin_table(const struct admin *a, struct screen *s, struct table *t)
{
	if (table_close(t, s))
		return 0;
	complain(a->args->command, "out of memory");
	return EXIT_TROUBLE;
}

int
admin_run(const struct args *args, int (*work)(struct admin *a, struct screen *s))
{
	struct screen s;
	struct admin a;
	int rc = screen_open(&s, args);

	if (rc != 0)
		return rc;
	if ((rc = admin_open(&a, args)) == 0)
		rc = work(&a, &s);
	admin_close(&a);
	/* An answer may be no, and is written; where there is none, a file of before stays. */
	fflush(s.to);
	if (rc == EXIT_USAGE || rc == EXIT_TROUBLE || (rc != 0 && s.len == 0)) {
		s.output = NULL;
		return screen_close(&s, true, rc);
	}
	return screen_close(&s, args_has(args, OPT_QUIET), rc);
}

const struct option admin_list_options[] = {
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_OUTPUT,
	OPTION_HELP,
	OPTION_END,
};

const struct option admin_done_options[] = {
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_QUIET_DONE,
	OPTION_HELP,
	OPTION_END,
};
