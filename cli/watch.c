/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "config.h"
#include "guest.h"
#include "http.h"
#include "screen.h"
#include "value.h"

enum {
	PERIOD_MAX_S = 30 * 86400,
	NONCE_LEAST = 8,
	CHALLENGE_MAX = 512,
	DETAIL_MAX = 300,
	STAMP_ROOM = 32,
	WORD_COLUMN = 12,
};

struct beat {
	const struct args *args;
	struct assay_guest_request request;
	const char *url;
	struct http *http;
	char challenge[CHALLENGE_MAX + 1];
	char *key; /* JWK; its private half was never kept */
	uint8_t data[ASSAY_GUEST_REPORT_DATA];
	bool absent; /* there is no TEE here, and there will be none */
	/* What the line says. */
	char word[16];
	char detail[DETAIL_MAX];
};

static int
note(struct beat *b, int code, const char *word, const char *detail)
{
	snprintf(b->word, sizeof b->word, "%s", word);
	snprintf(b->detail, sizeof b->detail, "%s", detail);
	return code;
}

static int
trouble(struct beat *b, const char *detail)
{
	return note(b, EXIT_TROUBLE, "no answer", detail);
}

/* --- what the server is asked ---------------------------------------------------------------- */

/* The object of an answer of 200; NULL: b says what came instead. */
static json_t *
ask(struct beat *b, const char *path, struct assay_bytes body, const char *type)
{
	char why[DETAIL_MAX];
	struct http_answer answer = { .status = 0 };
	json_t *root = NULL;
	char *url = http_address(b->url, path);
	struct http_request request = {
		.method = "POST", .url = url, .body = body, .type = type, .once = true
	};

	if (url == NULL) {
		trouble(b, "out of memory");
		return NULL;
	}
	if (!http_send(b->http, &request, &answer)) {
		snprintf(why, sizeof why, "%.150s: %.140s", b->url, answer.why);
		trouble(b, why);
	} else {
		root =
		    json_loadb((const char *)answer.body, answer.len, JSON_REJECT_DUPLICATES, NULL);
		const char *error = json_string_value(json_object_get(root, "error"));
		if (answer.status != 200 || !json_is_object(root)) {
			snprintf(why, sizeof why, "%.150s: answers %ld%s%.120s%s", b->url,
			    answer.status, error != NULL ? ": " : "", error != NULL ? error : "",
			    error != NULL ? "" : "; is assayd there?");
			trouble(b, why);
			json_decref(root);
			root = NULL;
		}
	}
	free(url);
	http_answer_clear(&answer);
	return root;
}

/* Who chooses the nonce must not choose the report data: he would have evidence of this machine for a key of
 * his own, such as that of a certificate. So it is bound to a key that nobody has. */
static int
bind_nonce(struct beat *b, struct assay_bytes nonce)
{
	struct assay_error err = { .text = "" };
	struct assay_jwk *key = NULL;
	enum assay_code code = assay_jwk_make(&key, "ES256", &err);

	if (code == ASSAY_OK)
		code = assay_jwk_json(&b->key, key, NULL, &err);
	assay_jwk_free(key);
	if (code == ASSAY_OK)
		code = assay_bind_report_data(b->data, nonce,
		    (struct assay_bytes){ (const uint8_t *)b->key, strlen(b->key) }, &err);
	if (code != ASSAY_OK)
		return trouble(b, err.text);
	b->request.report_data = (struct assay_bytes){ b->data, sizeof b->data };
	return EXIT_YES;
}

static int
get_challenge(struct beat *b)
{
	json_t *root = ask(b, "/v1/challenge", (struct assay_bytes){ NULL, 0 }, NULL);
	const char *challenge = json_string_value(json_object_get(root, "challenge"));
	const char *nonce = json_string_value(json_object_get(root, "nonce"));
	size_t hex = nonce != NULL ? strspn(nonce, "0123456789abcdef") : 0;
	uint8_t bytes[ASSAY_GUEST_REPORT_DATA];
	size_t text = challenge != NULL ? strspn(challenge, "0123456789abcdef") : 0;
	int rc = EXIT_YES;

	if (root == NULL)
		return EXIT_TROUBLE;
	if (text == 0 || text > CHALLENGE_MAX || challenge[text] != '\0' || hex < 2 * NONCE_LEAST ||
	    hex > 2 * sizeof bytes || hex % 2 != 0 || nonce[hex] != '\0') {
		rc = trouble(b, "the challenge has no nonce in hex; is assayd there?");
	} else {
		memcpy(b->challenge, challenge, text + 1);
		for (size_t i = 0; i < hex / 2; i++) {
			const char pair[] = { nonce[2 * i], nonce[2 * i + 1], '\0' };
			bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
		}
		rc = bind_nonce(b, (struct assay_bytes){ bytes, hex / 2 });
	}
	json_decref(root);
	return rc;
}

/* The first check that did not pass, as its id and sentence. */
static void
say_check(struct beat *b, const json_t *root, const char *outcome)
{
	const json_t *checks = json_object_get(root, "checks");
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		const char *got = json_string_value(json_object_get(check, "outcome"));
		const char *id = json_string_value(json_object_get(check, "id"));
		const char *detail = json_string_value(json_object_get(check, "detail"));
		if (got != NULL && id != NULL && strcmp(got, outcome) == 0) {
			snprintf(b->detail, sizeof b->detail, "%.80s: %.200s", id,
			    detail != NULL ? detail : "");
			return;
		}
	}
}

static int
read_verdict(struct beat *b, const json_t *root)
{
	static const struct {
		const char *verdict, *word, *outcome;
		int code;
	} rows[] = { { "accepted", "ACCEPTED", NULL, EXIT_YES },
		{ "refused", "REFUSED", "fail", EXIT_NO },
		{ "undetermined", "UNDETERMINED", "skipped", EXIT_UNTOLD } };
	const char *verdict = json_string_value(json_object_get(root, "verdict"));
	const char *policy = json_string_value(json_array_get(json_object_get(root, "policy"), 0));

	for (size_t i = 0; verdict != NULL && i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(verdict, rows[i].verdict) == 0) {
			note(b, rows[i].code, rows[i].word, "");
			if (rows[i].outcome != NULL)
				say_check(b, root, rows[i].outcome);
			else if (policy != NULL)
				snprintf(b->detail, sizeof b->detail, "policy %.80s", policy);
			return rows[i].code;
		}
	return trouble(b, "the answer has no verdict; is assayd there?");
}

/* The question to the verifier; NULL: out of memory. */
static char *
write_question(const struct beat *b, struct assay_bytes bundle)
{
	char *base64 = malloc(bundle.len / 3 * 4 + 5), *text = NULL;
	json_t *root = NULL;

	if (base64 != NULL) {
		value_base64(base64, bundle);
		root = json_pack(
		    "{s:s,s:s,s:s}", "challenge", b->challenge, "key", b->key, "evidence", base64);
	}
	if (root != NULL)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	free(base64);
	return text;
}

static int
send_evidence(struct beat *b, const struct assay_guest_evidence *ev)
{
	struct assay_error err = { .text = "" };
	uint8_t *bundle = NULL;
	json_t *root;
	size_t len = 0;
	int rc;

	if (assay_guest_bundle(&bundle, &len, ev, &err) != ASSAY_OK)
		return trouble(b, err.text);
	char *question = write_question(b, (struct assay_bytes){ bundle, len });
	if (question == NULL) {
		rc = trouble(b, "out of memory");
	} else {
		root = ask(b, "/v1/verify",
		    (struct assay_bytes){ (const uint8_t *)question, strlen(question) },
		    "application/json");
		rc = root != NULL ? read_verdict(b, root) : EXIT_TROUBLE;
		json_decref(root);
	}
	free(question);
	free(bundle);
	return rc;
}

/* --- beats ----------------------------------------------------------------------------------- */

static int
beat_once(struct beat *b, const char *ca, int64_t timeout_s)
{
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err = { .text = "" };
	const char *missing = "";
	int rc;

	b->request.timeout_ms = (int)timeout_s * 1000;
	if ((b->http = http_open(timeout_s, ca, false, &missing)) == NULL)
		return trouble(b, missing);
	if ((rc = get_challenge(b)) == EXIT_YES) {
		enum assay_code code = guest_collect(&ev, &b->request, &err);
		b->absent = code == ASSAY_E_INCOMPLETE;
		rc = code == ASSAY_OK ? send_evidence(b, ev)
				      : note(b, guest_exit(code), "no evidence", err.text);
	}
	assay_guest_evidence_free(ev);
	http_close(b->http);
	b->http = NULL;
	free(b->key);
	b->key = NULL;
	return rc;
}

static void
print_beat(const struct beat *b)
{
	char stamp[STAMP_ROOM] = "", clean[DETAIL_MAX];
	struct tm tm;
	time_t now = time(NULL);
	size_t n = 0;

	if (args_has(b->args, OPT_QUIET))
		return;
	if (gmtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
	/* What others said cannot begin a line of its own, or paint. */
	for (const char *p = b->detail; *p != '\0'; p++)
		clean[n++] = (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f ? *p : '?';
	clean[n] = '\0';
	printf("%s %-*s %s\n", stamp, WORD_COLUMN, b->word, clean);
	fflush(stdout);
}

/* False: a signal ends the watch. */
static bool
pause_until(const struct timespec *next, const sigset_t *ends)
{
	for (;;) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		struct timespec left = { .tv_sec = next->tv_sec - now.tv_sec,
			.tv_nsec = next->tv_nsec - now.tv_nsec };
		if (left.tv_nsec < 0) {
			left.tv_sec--;
			left.tv_nsec += 1000000000;
		}
		if (left.tv_sec < 0)
			left = (struct timespec){ 0, 0 }; /* a signal may have come meanwhile */
		if (sigtimedwait(ends, NULL, &left) > 0)
			return false;
		if (next->tv_sec < now.tv_sec ||
		    (next->tv_sec == now.tv_sec && next->tv_nsec <= now.tv_nsec))
			return true;
	}
}

/* From the start of one beat to that of the next; what is late is not made up for. */
static int
beat_on(struct beat *b, const char *ca, int64_t timeout_s, int64_t period_s)
{
	struct timespec next, now;
	sigset_t ends;
	int rc;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL); /* a beat is not cut in two */
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		rc = beat_once(b, ca, timeout_s);
		print_beat(b);
		if (b->absent)
			return rc;
		next.tv_sec += period_s;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (next.tv_sec < now.tv_sec)
			next = now;
		if (!pause_until(&next, &ends))
			return rc;
	}
}

int
watch(const struct args *args, const struct assay_guest_request *request)
{
	static const enum option_id others[] = { OPT_NONCE, OPT_REPORT_DATA, OPT_RANDOM, OPT_BIND,
		OPT_RAW, OPT_COCO, OPT_OUTPUT, OPT_LIST };
	const char *every = args_value(args, OPT_WATCH);
	struct beat b = { .args = args, .request = *request, .url = args_value(args, OPT_TO) };
	struct config config = { 0 };
	int64_t period_s = 0, timeout_s;
	int rc;

	if (b.url == NULL)
		return misused(args->command, "--watch: to whom? give --to URL");
	if ((rc = args_refuse(args, others, sizeof others / sizeof *others,
		 "with --to the server gives the nonce and takes the evidence")) != 0)
		return rc;
	if (every != NULL &&
	    (!value_duration(&period_s, every) || period_s <= 0 || period_s > PERIOD_MAX_S))
		return misused(
		    args->command, "--watch: \"%.20s\" is no duration; write 60s or 10m", every);
	if ((rc = value_timeout(args, &timeout_s)) == 0 &&
	    (rc = config_server(&config, args)) == 0 &&
	    (rc = value_server(args->command, "--to", b.url, config.ca)) == 0) {
		if (every != NULL) {
			rc = beat_on(&b, config.ca, timeout_s, period_s);
		} else {
			rc = beat_once(&b, config.ca, timeout_s);
			print_beat(&b);
		}
	}
	config_clear(&config);
	return rc;
}
