/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <assay/kbs.h>

#include "command.h"
#include "guest.h"
#include "http.h"

/* The numbers of the protocol's clients. */
enum {
	GET_TRIES = 3,
	HANDSHAKE_TRIES = 5,
	HANDSHAKE_PAUSE_MS = 1000,
	PATIENT_PAUSE_MS = 5000, /* of those who try more often than that */
	NONCE_TEXT = 44,         /* base64 of 32 bytes */
	HASH_NAME = 8,
	DETAIL_MAX = 600,
};

#define PROTOCOL "0.4.0"
#define PREFIX   "/kbs/v0"

struct broker {
	struct broker_how how;
	struct http *http;
	int64_t end_ms;
	struct assay_jwk *made;      /* ours; NULL: the caller's is used */
	const struct assay_jwk *key; /* the one that is used */
	char *jwk;                   /* its public part */
	char *token;                 /* of the last handshake */
	const char *tee;
	bool attested;
	bool passing; /* what went wrong may be gone in a moment */
	char why[BROKER_WHY];
};

/* What the broker asks of the evidence. */
struct challenge {
	char nonce[NONCE_TEXT + 1];
	char hash[HASH_NAME];
};

static int
trouble(struct broker *b, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
trouble(struct broker *b, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(b->why, sizeof b->why, fmt, ap);
	va_end(ap);
	return code;
}

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- names of resources ---------------------------------------------------------------------- */

static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static size_t
span(const char *text, const char *more)
{
	size_t n = 0;

	while (text[n] != '\0' &&
	    (strchr(alphanumeric, text[n]) != NULL || strchr(more, text[n]) != NULL))
		n++;
	return n;
}

/* REPO/TYPE/TAG: each [A-Za-z0-9_-]+[A-Za-z0-9_.-]*. Source: kbs-protocol, 5.1. */
static bool
three_segments(const char *text)
{
	for (int i = 0; i < 3; i++) {
		size_t n = span(text, "_.-");
		if (n == 0 || text[0] == '.' || text[n] != (i < 2 ? '/' : '\0'))
			return false;
		text += n + (i < 2);
	}
	return true;
}

/* A path of a plugin's, with its query: nothing that a server could read in two ways. */
static bool
plain_path(const char *text)
{
	for (;;) {
		size_t n = span(text, "_.~-");
		if (n == 0 || strspn(text, ".") == n)
			return false;
		text += n;
		if (*text != '/')
			break;
		text++;
	}
	return *text == '\0' || (*text == '?' && text[1 + span(text + 1, "_.~=&%+/-")] == '\0');
}

bool
broker_resource(struct broker_resource *out, const char *uri, char *why)
{
	struct broker_resource r = { .base = "" };
	const char *rest = uri, *plugin = "resource", *host = "";
	size_t plugin_len = strlen(plugin), host_len = 0;

	if (strncmp(uri, "kbs", 3) == 0 && (uri[3] == ':' || uri[3] == '+')) {
		if (uri[3] == '+') {
			plugin = uri + 4;
			plugin_len = span(plugin, "-");
		}
		rest = uri[3] == '+' ? plugin + plugin_len : uri + 3;
		if (strncmp(rest, "://", 3) == 0 && plugin_len > 0) {
			host = rest + 3;
			host_len = span(host, ".:[]-");
			rest = host[host_len] == '/' ? host + host_len + 1 : "";
		} else
			rest = "";
	}
	bool resource =
	    plugin_len == strlen("resource") && strncmp(plugin, "resource", plugin_len) == 0;
	if (!(resource ? three_segments(rest) : plain_path(rest)) ||
	    host_len + sizeof "https://" > sizeof r.base ||
	    snprintf(r.path, sizeof r.path, PREFIX "/%.*s/%s", (int)plugin_len, plugin, rest) >=
		(int)sizeof r.path) {
		snprintf(why, BROKER_WHY,
		    "\"%.300s\" is no resource; write kbs://HOST/REPO/TYPE/TAG, "
		    "kbs:///REPO/TYPE/TAG "
		    "or kbs+PLUGIN://HOST/PATH; a name has letters, digits, '_', '-', and not at "
		    "its "
		    "beginning '.'",
		    uri);
		return false;
	}
	if (host_len > 0)
		snprintf(r.base, sizeof r.base, "https://%.*s", (int)host_len, host);
	*out = r;
	return true;
}

/* --- one request ----------------------------------------------------------------------------- */

/* Sends, and fails in words when there is no answer at all. */
static int
ask(struct broker *b, const struct http_request *like, const char *path, struct http_answer *answer)
{
	struct http_request request = *like;
	char *url = http_address(b->how.url, path);
	int rc = EXIT_YES;

	*answer = (struct http_answer){ .status = 0 };
	if (url == NULL)
		return trouble(b, EXIT_TROUBLE, "out of memory");
	request.url = url;
	b->passing = !http_send(b->http, &request, answer);
	if (b->passing)
		rc = trouble(b, EXIT_TROUBLE, "%.300s: %s", url, answer->why);
	free(url);
	return rc;
}

/* The whole answer as an object; NULL: it is none. */
static json_t *
object_of(const struct http_answer *answer)
{
	json_t *root =
	    json_loadb((const char *)answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

/* What an answer that is no yes says of itself: the protocol's error object, or nothing we know. */
struct refusal {
	char variant[48]; /* "PolicyDeny"; "" if there is no error object */
	char detail[DETAIL_MAX];
};

static void
read_refusal(struct refusal *out, const struct http_answer *answer)
{
	json_t *root = object_of(answer);
	const char *type = json_string_value(json_object_get(root, "type"));
	const char *detail = json_string_value(json_object_get(root, "detail"));
	const char *slash = type != NULL ? strrchr(type, '/') : NULL;

	*out = (struct refusal){ .variant = "" };
	if (type != NULL)
		snprintf(out->variant, sizeof out->variant, "%s", slash != NULL ? slash + 1 : type);
	if (detail != NULL)
		snprintf(out->detail, sizeof out->detail, "%s", detail);
	else
		snprintf(out->detail, sizeof out->detail, "it answers %ld and does not say why",
		    answer->status);
	for (char *p = out->detail; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	json_decref(root);
}

/*
 * The answer is not the one that was hoped for. Refusals are the broker's decision; anything else may
 * be a proxy, a wrong address or a passing failure.
 */
static int
refused(struct broker *b, const struct http_answer *answer, const char *what, struct refusal *r)
{
	read_refusal(r, answer);
	b->passing = answer->status == 429 || answer->status >= 500;
	if (strstr(r->detail, "Protocol Version Mismatch") != NULL)
		return trouble(b, EXIT_UNTOLD,
		    "the broker speaks another version of the protocol than " PROTOCOL ": %s",
		    r->detail);
	if (answer->status == 401 || answer->status == 403)
		return trouble(b, EXIT_NO, "the broker refuses %s: %s", what, r->detail);
	if (answer->status == 404 && r->variant[0] != '\0')
		return trouble(
		    b, EXIT_NO, "the broker has no such thing as %s: %s", what, r->detail);
	if (answer->status >= 300 && answer->status < 400)
		return trouble(b, EXIT_TROUBLE,
		    "%.200s: answers %ld, and sends elsewhere; name the broker's own address",
		    b->how.url, answer->status);
	return trouble(b, EXIT_TROUBLE, "%.200s: answers %ld to %s%s%s; is a key broker there?",
	    b->how.url, answer->status, what, r->variant[0] != '\0' ? ": " : "",
	    r->variant[0] != '\0' ? r->detail : "");
}

/* --- the handshake --------------------------------------------------------------------------- */

static bool
is_nonce(const char *text)
{
	size_t n = text != NULL ? span(text, "+/") : 0;

	return n == NONCE_TEXT - 1 && strcmp(text + n, "=") == 0;
}

static int
read_challenge(struct broker *b, struct challenge *out, const struct http_answer *answer)
{
	static const char *const hashes[] = { "sha384", "sha256", "sha512" };
	json_t *root = object_of(answer);
	const char *nonce = json_string_value(json_object_get(root, "nonce"));
	const char *hash = json_string_value(
	    json_object_get(json_object_get(root, "extra-params"), "selected-hash-algorithm"));
	size_t i = 0;
	int rc = EXIT_YES;

	while (hash != NULL && i < sizeof hashes / sizeof *hashes && strcmp(hash, hashes[i]) != 0)
		i++;
	if (root == NULL)
		rc = trouble(b, EXIT_TROUBLE,
		    "%.200s: the challenge is no JSON object; is a key broker there?", b->how.url);
	else if (!is_nonce(nonce))
		rc = trouble(b, EXIT_TROUBLE,
		    "%.200s: the challenge has no nonce of 32 bytes in base64; is a key broker "
		    "there?",
		    b->how.url);
	else if (i == sizeof hashes / sizeof *hashes)
		rc = trouble(b, EXIT_UNTOLD,
		    "the broker wants the hash \"%.40s\", and none of sha256, sha384, sha512",
		    hash);
	else {
		snprintf(out->nonce, sizeof out->nonce, "%s", nonce);
		snprintf(out->hash, sizeof out->hash, "%s", hashes[i]);
	}
	json_decref(root);
	return rc;
}

/* The protocol has one kind for SEV with and without its state encrypted: docs/kbs.md. */
static const char *
kind_of(const char *tee)
{
	return strcmp(tee, "sev-es") == 0 ? "sev" : tee;
}

static int
get_challenge(struct broker *b, struct challenge *out)
{
	char body[192];
	struct http_answer answer;
	struct refusal r;

	snprintf(body, sizeof body,
	    "{\"version\":\"" PROTOCOL "\",\"tee\":\"%s\",\"extra-params\":"
	    "{\"supported-hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\"]}}",
	    kind_of(b->tee));
	struct http_request request = { .method = "POST",
		.body = { (const uint8_t *)body, strlen(body) },
		.type = "application/json" };
	http_doing(b->http, "asking for a challenge");
	int rc = ask(b, &request, PREFIX "/auth", &answer);
	if (rc == EXIT_YES)
		rc = answer.status == 200 ? read_challenge(b, out, &answer)
					  : refused(b, &answer, "a challenge", &r);
	http_answer_clear(&answer);
	return rc;
}

static enum assay_code
here(const struct broker *b, const char **tee, const struct assay_guest_request *request,
    struct assay_error *err)
{
	const struct broker_evidence *other = b->how.evidence;

	return other != NULL ? other->here(other->arg, tee, request, err)
			     : assay_guest_here(tee, request, err);
}

static enum assay_code
collect(const struct broker *b, char **json, const struct assay_guest_request *request,
    struct assay_error *err)
{
	const struct broker_evidence *other = b->how.evidence;
	struct assay_guest_evidence *ev = NULL;

	if (other != NULL)
		return other->make(other->arg, json, request, err);
	enum assay_code code = guest_collect(&ev, request, err);
	if (code == ASSAY_OK)
		code = guest_coco(json, ev, err);
	assay_guest_evidence_free(ev);
	return code;
}

/* Evidence that answers the challenge and names the key, in the broker's JSON. */
static int
make_evidence(struct broker *b, char **json, const struct challenge *challenge)
{
	struct assay_error err = { .text = "" };
	uint8_t data[ASSAY_GUEST_REPORT_DATA];
	int64_t left = b->end_ms - now_ms();
	struct assay_guest_request request = {
		.report_data = { data, sizeof data },
		.eventlog = true,
		.tee = b->tee,
		.provider = b->how.provider,
		.timeout_ms = left > 1 ? (int)left : 1,
		/* The form has no room for Intel's collateral. */
		.endorsements = strcmp(b->tee, "snp") == 0 ? ASSAY_GUEST_AUTO : ASSAY_GUEST_NONE,
	};

	http_doing(b->http, "collecting evidence");
	enum assay_code code =
	    assay_kbs_report_data(data, challenge->nonce, b->jwk, "", challenge->hash, &err);
	if (code == ASSAY_OK)
		code = collect(b, json, &request, &err);
	return code == ASSAY_OK ? EXIT_YES : trouble(b, guest_exit(code), "%s", err.text);
}

static int
send_evidence(struct broker *b, const struct challenge *challenge, const char *evidence)
{
	static const char form[] =
	    "{\"init-data\":null,\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":%s},"
	    "\"tee-evidence\":{\"primary_evidence\":%s,\"additional_evidence\":\"\"}}";
	size_t room = sizeof form + strlen(challenge->nonce) + strlen(b->jwk) + strlen(evidence);
	char *body = malloc(room);
	struct http_answer answer;
	struct refusal r;

	if (body == NULL)
		return trouble(b, EXIT_TROUBLE, "out of memory");
	int len = snprintf(body, room, form, challenge->nonce, b->jwk, evidence);
	struct http_request request = { .method = "POST",
		.body = { (const uint8_t *)body, (size_t)len },
		.type = "application/json" };
	http_doing(b->http, "attesting");
	int rc = ask(b, &request, PREFIX "/attest", &answer);
	free(body);
	if (rc == EXIT_YES && answer.status != 200) {
		rc = refused(b, &answer, "this machine's evidence", &r);
	} else if (rc == EXIT_YES) {
		/* Not looked at: it is the broker's word to itself, and the cookie stands for it. */
		json_t *root = object_of(&answer);
		const char *token = json_string_value(json_object_get(root, "token"));
		free(b->token);
		b->token = token != NULL ? strdup(token) : NULL;
		if (token == NULL)
			rc = trouble(b, EXIT_TROUBLE,
			    "%.200s: takes the evidence but gives no token; is a key broker there?",
			    b->how.url);
		else if (b->token == NULL)
			rc = trouble(b, EXIT_TROUBLE, "out of memory");
		json_decref(root);
	}
	http_answer_clear(&answer);
	return rc;
}

static int
shake_hands(struct broker *b)
{
	struct challenge challenge;
	char *evidence = NULL;
	int rc = get_challenge(b, &challenge);

	if (rc == EXIT_YES && (rc = make_evidence(b, &evidence, &challenge)) == EXIT_YES)
		rc = send_evidence(b, &challenge, evidence);
	free(evidence);
	return rc;
}

static bool
pause_within(const struct broker *b, int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	if (now_ms() + ms >= b->end_ms)
		return false;
	nanosleep(&t, NULL);
	return true;
}

static bool
try_again(const struct broker *b, int rc, int tries)
{
	if (rc != EXIT_TROUBLE || !b->passing || (tries >= HANDSHAKE_TRIES && !b->how.patient))
		return false;
	return pause_within(b, tries < HANDSHAKE_TRIES ? HANDSHAKE_PAUSE_MS : PATIENT_PAUSE_MS);
}

static int
attest(struct broker *b)
{
	struct assay_guest_request request = { .provider = b->how.provider };
	struct assay_error err = { .text = "" };
	enum assay_code code = here(b, &b->tee, &request, &err);
	int rc, tries = 1;

	if (code == ASSAY_E_INCOMPLETE)
		return trouble(b, EXIT_UNTOLD,
		    "%s, and a broker gives to attested guests alone; why: assay attest --list",
		    err.text);
	if (code != ASSAY_OK)
		return trouble(b, guest_exit(code), "%s", err.text);
	if (strcmp(b->tee, "opaque") == 0)
		return trouble(b, EXIT_UNTOLD,
		    "the evidence of this machine is of a kind that the protocol has no name for");
	if (b->jwk == NULL && assay_jwk_json(&b->jwk, b->key, NULL, &err) != ASSAY_OK)
		return trouble(b, EXIT_TROUBLE, "%s", err.text);
	do
		rc = shake_hands(b);
	while (try_again(b, rc, tries++));
	b->attested = rc == EXIT_YES;
	return rc;
}

/* --- the resource ---------------------------------------------------------------------------- */

static int
open_answer(
    struct broker *b, struct input *secret, const struct http_answer *answer, const char *name)
{
	struct assay_error err = { .text = "" };
	struct assay_bytes body = { answer->body, answer->len };
	enum assay_code code = assay_jwe_decrypt(&secret->data, &secret->len, b->key, body, &err);

	if (code == ASSAY_OK)
		return EXIT_YES;
	return trouble(b, code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_NO,
	    "what the broker sends for %.300s cannot be opened with this guest's key: %s", name,
	    err.text);
}

/* again: the broker does not know that this guest was attested, or no longer. */
static int
fetch(struct broker *b, const char *path, struct input *secret, bool *again)
{
	const char *name = path + strlen(PREFIX);
	const char *headers[1];
	char *bearer = NULL;
	struct http_request request = { .method = "GET" };
	struct http_answer answer;
	struct refusal r;

	*again = false;
	name += strncmp(name, "/resource/", 10) == 0 ? 10 : 1;
	if (b->how.token != NULL) {
		size_t room = sizeof "Authorization: Bearer " + strlen(b->how.token);
		if ((bearer = malloc(room)) == NULL)
			return trouble(b, EXIT_TROUBLE, "out of memory");
		snprintf(bearer, room, "Authorization: Bearer %s", b->how.token);
		headers[0] = bearer;
		request.headers = headers;
		request.header_count = 1;
	}
	http_doing(b->http, name);
	int rc = ask(b, &request, path, &answer);
	free(bearer);
	if (rc == EXIT_YES && answer.status == 200) {
		rc = open_answer(b, secret, &answer, name);
	} else if (rc == EXIT_YES) {
		rc = refused(b, &answer, name, &r);
		/* These are decisions, and another handshake changes nothing. */
		*again = answer.status == 401 && strcmp(r.variant, "PolicyDeny") != 0 &&
		    strcmp(r.variant, "PluginInternalError") != 0;
	}
	http_answer_clear(&answer);
	return rc;
}

int
broker_get(struct broker *b, const char *path, struct input *secret)
{
	bool again;
	int rc;

	*secret = (struct input){ NULL, 0 };
	for (int tries = 1;; tries++) {
		if (b->how.token == NULL && !b->attested && (rc = attest(b)) != EXIT_YES)
			return rc;
		rc = fetch(b, path, secret, &again);
		if (b->how.patient && try_again(b, rc, tries))
			continue;
		if (!again || b->how.token != NULL || tries >= GET_TRIES)
			return rc;
		b->attested = false;
	}
}

int
broker_token(struct broker *b, char **json)
{
	struct assay_error err = { .text = "" };
	char *pem = NULL;
	int rc = b->attested ? EXIT_YES : attest(b);

	if (rc != EXIT_YES)
		return rc;
	if (assay_jwk_private_pem(&pem, b->key, &err) != ASSAY_OK)
		return trouble(b, EXIT_TROUBLE, "%s", err.text);
	json_t *root = json_pack("{s:s, s:s}", "token", b->token, "tee_keypair", pem);
	*json = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	explicit_bzero(pem, strlen(pem));
	free(pem);
	json_decref(root);
	return *json != NULL ? EXIT_YES : trouble(b, EXIT_TROUBLE, "out of memory");
}

/* --------------------------------------------------------------------------------------------- */

const char *
broker_why(const struct broker *b)
{
	return b->why;
}

const char *
broker_tee(const struct broker *b)
{
	return b->tee;
}

struct broker *
broker_open(const struct broker_how *how, char *why)
{
	struct broker *b = calloc(1, sizeof *b);
	struct assay_error err = { .text = "" };
	const char *missing = "out of memory";

	if (b == NULL) {
		snprintf(why, BROKER_WHY, "out of memory");
		return NULL;
	}
	b->how = *how;
	b->tee = "";
	b->end_ms = now_ms() + how->timeout_s * 1000;
	b->http = http_open(how->timeout_s, how->ca, how->progress, &missing);
	if (b->http != NULL && how->words != NULL)
		http_speak(b->http, how->words);
	if (b->http == NULL) {
		snprintf(why, BROKER_WHY, "%s", missing);
	} else if (how->key == NULL &&
	    assay_jwk_make(&b->made, "ECDH-ES+A256KW", &err) != ASSAY_OK) {
		snprintf(why, BROKER_WHY, "%s", err.text);
	} else {
		b->key = how->key != NULL ? how->key : b->made;
		return b;
	}
	broker_close(b);
	return NULL;
}

void
broker_close(struct broker *b)
{
	if (b == NULL)
		return;
	http_close(b->http);
	assay_jwk_free(b->made);
	free(b->jwk);
	free(b->token);
	free(b);
}
