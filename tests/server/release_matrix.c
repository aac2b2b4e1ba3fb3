/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets a secret: every evidence with every ticket and key, and then every policy with every
 * credential, against a running assayd. One line of TAP for an attestation, with all cells that follow
 * from it; a cell that is not as the tables say is told by name.
 *
 *   release_matrix ASSAYD ASSAY ASSAY-SIM SHIFTED-CLOCK.so
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <assay/jose.h>

#include "broker_client.h"
#include "broker_server.h"

enum {
	SHIFT_S = 900, /* longer than any ticket or token lives */
	SETTLE_MAX = 1000,
};

/* --- the tables ------------------------------------------------------------------------------ */

enum tee { TDX, SNP, TEES };
static const char *const tees[TEES] = { "tdx", "snp" };

enum platform { GENUINE, OUTDATED, DEBUG, PLATFORMS };
static const char *const platform_options[PLATFORMS][2] = {
	[GENUINE] = { NULL }, [OUTDATED] = { "--tcb", "OutOfDate" }, [DEBUG] = { "--debug", NULL }
};

/* words: what a refusal must say. */
static const struct evidence {
	const char *name;
	enum platform platform;
	bool forged, other;
	bool attested; /* genuine: gets a token, whatever policies say of it */
	bool strict;   /* what the policy "default" says of it */
	const char *words;
} evidences[] = {
	{ "genuine", GENUINE, false, false, true, true, "" },
	{ "debug", DEBUG, false, false, true, false, "" },
	{ "forged", GENUINE, true, false, false, false, "signature" },
	{ "other TEE", GENUINE, false, true, false, false, "ticket" },
	/* The last: for TDX the vendor's next edition of collateral makes the same platform outdated. */
	{ "outdated", OUTDATED, false, false, true, false, "" },
};

enum ticket_state { FRESH, SPENT_SAME, SPENT_OTHER, EXPIRED, FUTURE, FORGED, OTHER_PROTOCOL };
static const struct ticket_row {
	const char *name;
	bool good;
	const char *words;
} tickets[] = {
	[FRESH] = { "fresh", true, "" },
	[SPENT_SAME] = { "spent with the same body", true, "" },
	[SPENT_OTHER] = { "spent with another body", false, "another body" },
	[EXPIRED] = { "expired", false, "expired" },
	[FUTURE] = { "from the future", false, "future" },
	[FORGED] = { "forged", false, "not made here" },
	[OTHER_PROTOCOL] = { "of another protocol version", false, "" },
};

static const struct key_row {
	const char *name;
	bool bound;
} keys[] = { { "bound", true }, { "swapped", false } };

static const struct policy {
	const char *name, *text; /* NULL: built in */
	int verdict;             /* 1 always, 0 never, -1 as strict as "default" */
} policies[] = {
	{ "default", NULL, -1 },
	{ "loose",
	    "for tdx\n  require hardware tee == tdx\nfor snp\n  require hardware tee == snp\n", 1 },
	{ "never",
	    "for tdx\n  require hardware tee == snp\nfor snp\n  require hardware tee == tdx\n", 0 },
	{ "silent", "for sgx\n  require hardware tee == sgx\n", 0 },
};

enum credential { COOKIE, NOTHING, OURS, FOREIGN, OLD, AUDIENCE };
static const struct credential_row {
	const char *name;
	bool own; /* it stands for this attestation */
} credentials[] = {
	[COOKIE] = { "session cookie", true },
	[NOTHING] = { "no token", false },
	[OURS] = { "our token", true },
	[FOREIGN] = { "a foreign token", false },
	[OLD] = { "an expired token", false },
	[AUDIENCE] = { "a token for another audience", false },
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* --- set-up ---------------------------------------------------------------------------------- */

struct world {
	const char *assayd, *assay, *sim, *shifted_clock;
	char dir[64];
	struct broker_machine machine[TEES][PLATFORMS];
	struct broker_server server;
	struct broker_server behind, ahead; /* with the same keys, and other clocks */
	/* Tokens that are ours and not good: expired, for another audience; and a foreign one. */
	char *old[TEES], *audience[TEES], *foreign[TEES];
};

_Noreturn static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("release_matrix: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static char *
path_of(const struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static char *
path_of(const struct world *w, const char *fmt, ...)
{
	char *rest, *path;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&rest, fmt, ap) < 0 || asprintf(&path, "%s/%s", w->dir, rest) < 0)
		die("no memory");
	va_end(ap);
	free(rest);
	return path; /* a handful, kept until the end */
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		die("cannot write %s", path);
}

static void
platforms_make(struct world *w)
{
	time_t then = time(NULL) - 86400;
	char yesterday[32];

	(void)strftime(yesterday, sizeof yesterday, "%Y-%m-%dT%H:%M:%SZ", gmtime(&then));
	for (size_t t = 0; t < TEES; t++)
		for (size_t p = 0; p < PLATFORMS; p++) {
			char *dir = path_of(w, "%s-%zu", tees[t], p);
			/* Of yesterday, so that they are good also by a clock that is behind. */
			const char *argv[] = { w->sim, "new", "--tee", tees[t], "--seed", "1",
				"--time", p == OUTDATED ? "now" : yesterday, dir,
				platform_options[p][0], platform_options[p][1], NULL };
			broker_run(argv);
			broker_machine_open(&w->machine[t][p], dir);
		}
}

/* shift: seconds by which its clock is wrong, as text; NULL: it is right. */
static void
server_start(struct world *w, struct broker_server *s, const char *store, const char *audience,
    const char *shift)
{
	const char *argv[] = { w->assayd, "--config", "/dev/null", "--listen", "tcp:127.0.0.1:0",
		"--workers", "1", "--audience", audience, "--store", NULL, "--trust-root",
		path_of(w, "tdx-0/trust-root"), "--trust-root", path_of(w, "snp-0/trust-root"),
		NULL };
	char *where;

	if (asprintf(&where, "sqlite:%s/%s/assayd.db", w->dir, store) < 0)
		die("no memory");
	argv[10] = where;
	if (shift != NULL &&
	    (setenv("ASSAY_TEST_SHIFT", shift, 1) != 0 ||
		setenv("LD_PRELOAD", w->shifted_clock, 1) != 0))
		die("no memory");
	broker_server_start(s, argv, path_of(w, "%s.log", store));
	(void)unsetenv("LD_PRELOAD");
	free(where);
}

static void
collateral_push(const struct world *w, size_t platform)
{
	const char *push[] = { w->assay, "collateral", "push", "-q", "--url", w->server.url,
		"--admin-key", path_of(w, "store/admin.pem"),
		path_of(w, "tdx-%zu/collateral", platform),
		path_of(w, "snp-%zu/collateral", platform), NULL };

	broker_run(push);
}

static void
server_fill(struct world *w)
{
	char *key = path_of(w, "store/admin.pem"), *url = w->server.url;
	collateral_push(w, GENUINE);
	for (size_t i = 0; i < COUNT(policies); i++) {
		char *text = path_of(w, "%s.policy", policies[i].name);
		char *secret = path_of(w, "%s.secret", policies[i].name);
		char path[64];
		const char *policy[] = { w->assay, "policy", "push", "-q", "--url", url,
			"--admin-key", key, policies[i].name, text, NULL };
		const char *put[] = { w->assay, "secret", "put", "-q", "--url", url, "--admin-key",
			key, "--policy", policies[i].name, path, secret, NULL };
		(void)snprintf(path, sizeof path, "matrix/key/%s", policies[i].name);
		write_file(secret, policies[i].name);
		if (policies[i].text != NULL) {
			write_file(text, policies[i].text);
			broker_run(policy);
		}
		broker_run(put);
	}
}

/* --- an attestation -------------------------------------------------------------------------- */

struct attestation {
	struct broker_client client;
	struct assay_jwk *key; /* the workload's */
	char *jwk;
	int status;
	char *answer; /* the body */
	char *token;  /* "" if there is none */
};

static void
say_key(struct attestation *a)
{
	struct assay_error err;

	if (assay_jwk_make(&a->key, "ECDH-ES+A256KW", &err) != ASSAY_OK ||
	    assay_jwk_json(&a->jwk, a->key, NULL, &err) != ASSAY_OK)
		die("%s", err.text);
}

static char *
keep(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		die("no memory");
	return copy;
}

/* Changes a byte in the middle of the evidence's signature, wherever the JSON has it. */
static void
spoil(char *evidence, enum tee tee)
{
	char *at;

	if (tee == TDX) {
		/* The quote's signature stands at 636: base64 of it from 848 on. */
		at = strstr(evidence, "\"quote\":\"");
		if (at == NULL)
			die("no quote in %.80s", evidence);
		at += strlen("\"quote\":\"") + 860;
		*at = *at == 'A' ? 'B' : 'A';
		return;
	}
	at = strstr(evidence, "\"r\":[");
	if (at == NULL)
		die("no signature in %.80s", evidence);
	at += strlen("\"r\":[");
	*at = *at == '1' ? '2' : '1'; /* the first digit of its first byte */
}

static char *
attest_body(const struct world *w, const struct attestation *a, const struct evidence *e,
    enum tee tee, bool bound)
{
	char other[256];
	uint8_t data[64];

	broker_key(other);
	broker_report_data(data, a->client.nonce, bound ? a->jwk : other);
	char *evidence =
	    broker_evidence(&w->machine[e->other ? (tee + 1) % TEES : tee][e->platform], data);
	if (e->forged)
		spoil(evidence, tee);
	char *body = broker_attest_body(a->client.nonce, a->jwk, evidence);
	free(evidence);
	return body;
}

static void
send_body(struct attestation *a, const char *body)
{
	free(a->answer);
	a->status = broker_ask(&a->client, "POST /kbs/v0/attest", body);
	a->answer = keep(a->client.body);
}

/* A ticket of another time: from a server whose clock is wrong. */
static void
retime(struct attestation *a, const struct broker_server *elsewhere, enum tee tee)
{
	struct broker_client there;

	broker_connect(&there, elsewhere->port);
	if (broker_auth(&there, "0.4.0", tees[tee]) != 200)
		die("auth: %s", there.body);
	memcpy(a->client.cookie, there.cookie, sizeof there.cookie);
	memcpy(a->client.nonce, there.nonce, sizeof there.nonce);
	broker_close(&there);
}

/* What a ticket is spent with before other evidence comes with it. */
static const struct evidence *
first_of(const struct evidence *e)
{
	return e->attested ? e : &evidences[0];
}

/* Returns whether the session of the cookie is attested after it, by other evidence too. */
static bool
attest(const struct world *w, struct attestation *a, const struct evidence *e, enum tee tee,
    enum ticket_state state, bool bound)
{
	bool first = false;

	broker_connect(&a->client, w->server.port);
	say_key(a);
	if (broker_auth(&a->client, state == OTHER_PROTOCOL ? "0.2.0" : "0.4.0", tees[tee]) != 200)
		die("auth: %s", a->client.body);
	if (state == EXPIRED || state == FUTURE)
		retime(a, state == EXPIRED ? &w->behind : &w->ahead, tee);
	if (state == SPENT_OTHER) {
		char *body = attest_body(w, a, first_of(e), tee, true);
		send_body(a, body);
		free(body);
		if (a->status != 200)
			die("%s evidence: %s", first_of(e)->name, a->answer);
		first = true;
	}
	char *body = attest_body(w, a, e, tee, bound);
	if (state == SPENT_SAME)
		send_body(a, body);
	char *before = state == SPENT_SAME ? keep(a->answer) : NULL;
	if (state == FORGED) {
		char *last = a->client.cookie + strlen(a->client.cookie) - 1;
		*last = *last == '0' ? '1' : '0';
	}
	send_body(a, body);
	free(body);
	if (before != NULL && a->status == 200 && strcmp(before, a->answer) != 0)
		a->status = -1; /* the same body, and another token */
	free(before);
	a->token = calloc(1, sizeof a->client.bearer);
	if (a->token == NULL)
		die("no memory");
	if (a->status == 200)
		broker_member(a->token, sizeof a->client.bearer, a->answer, "token");
	return first || a->status == 200;
}

static void
attestation_clear(struct attestation *a)
{
	broker_close(&a->client);
	assay_jwk_free(a->key);
	free(a->jwk);
	free(a->answer);
	free(a->token);
}

/* --- the cells ------------------------------------------------------------------------------- */

static bool
accepts(const struct policy *p, const struct evidence *e)
{
	return p->verdict == 1 || (p->verdict == -1 && e->strict);
}

/* The secret, out of the envelope, is the one that this policy guards. */
static bool
opens(const struct attestation *a, const char *body, const char *secret)
{
	struct assay_bytes json = { (const uint8_t *)body, strlen(body) };
	struct assay_error err;
	uint8_t *plain;
	size_t len;

	if (assay_jwe_decrypt(&plain, &len, a->key, json, &err) != ASSAY_OK) {
		printf("# the envelope does not open: %s\n", err.text);
		return false;
	}
	bool same = len == strlen(secret) && memcmp(plain, secret, len) == 0;
	free(plain);
	return same;
}

struct expected {
	int status;
	const char *variant; /* of the error */
};

static struct expected
expect(const struct policy *p, enum credential credential, const struct evidence *session,
    const char *token)
{
	const struct expected given = { 200, NULL }, denied = { 401, "PolicyDeny" },
			      none = { 401, "TokenNotFound" }, bad = { 401, "TokenVerifierError" };

	if (credential == FOREIGN || credential == OLD || credential == AUDIENCE)
		return bad;
	if (credential == NOTHING || (credential == OURS && token[0] == '\0') || session == NULL)
		return none;
	return accepts(p, session) ? given : denied;
}

/* session: the evidence that the cookie's session was attested with; NULL: with none. */
static bool
cell(const struct world *w, struct attestation *a, enum tee tee, const struct policy *p,
    enum credential credential, const struct evidence *session)
{
	struct broker_client *c = &a->client;
	struct expected want = expect(p, credential, session, a->token);
	char cookie[BROKER_COOKIE], head[96], variant[256];
	const char *tokens[] = { [COOKIE] = "",
		[NOTHING] = "",
		[OURS] = a->token,
		[FOREIGN] = w->foreign[tee],
		[OLD] = w->old[tee],
		[AUDIENCE] = w->audience[tee] };

	(void)snprintf(head, sizeof head, "GET /kbs/v0/resource/matrix/key/%s", p->name);
	(void)snprintf(c->bearer, sizeof c->bearer, "%s", tokens[credential]);
	memcpy(cookie, c->cookie, sizeof cookie);
	if (credential != COOKIE)
		c->cookie[0] = '\0';
	int status = broker_ask(c, head, "");
	memcpy(c->cookie, cookie, sizeof cookie);
	c->bearer[0] = '\0';
	if (status == want.status && status == 200)
		return opens(a, c->body, p->name);
	broker_member(variant, sizeof variant, c->body, "type");
	const char *last = strrchr(variant, '/');
	if (status == want.status && last != NULL && strcmp(last + 1, want.variant) == 0)
		return true;
	printf("#   policy %s, %s: %d %.400s; want %d %s\n", p->name, credentials[credential].name,
	    status, c->body, want.status, want.variant != NULL ? want.variant : "");
	return false;
}

static bool
attestation_as_said(
    const struct attestation *a, const struct evidence *e, enum ticket_state state, bool bound)
{
	const struct ticket_row *t = &tickets[state];
	bool good = e->attested && t->good && bound;
	/* The first thing that is wrong, in the order in which the server looks. */
	const char *words = !t->good && state != SPENT_OTHER ? t->words
	    : !e->attested                                   ? e->words
	    : !bound                                         ? "report"
							     : t->words;

	if (good ? a->status == 200
		 : a->status == 401 && strstr(a->answer, "errors/AttestationError") != NULL &&
		    strcasestr(a->answer, words) != NULL)
		return true;
	printf("#   attestation: %d %.400s; want %s%s\n", a->status, a->answer,
	    good ? "200" : "401 with the word ", good ? "" : words);
	return false;
}

static bool
row(const struct world *w, enum tee tee, const struct evidence *e, enum ticket_state state,
    const struct key_row *key)
{
	struct attestation a = { .token = NULL };
	bool session = attest(w, &a, e, tee, state, key->bound);
	bool ok = attestation_as_said(&a, e, state, key->bound);
	const struct evidence *by = !session ? NULL : state == SPENT_OTHER ? first_of(e) : e;

	for (size_t p = 0; p < COUNT(policies); p++)
		for (size_t c = 0; c < COUNT(credentials); c++)
			ok &= cell(w, &a, tee, &policies[p], (enum credential)c,
			    c == OURS && a.status != 200 ? NULL : by);
	attestation_clear(&a);
	return ok;
}

/* --- tokens that are not good ----------------------------------------------------------------- */

/* A token of genuine evidence from a server whose keys are ours. */
static char *
token_from(struct world *w, enum tee tee, const struct broker_server *server)
{
	struct broker_server real = w->server;
	struct attestation a = { .token = NULL };

	w->server = *server;
	(void)attest(w, &a, &evidences[0], tee, FRESH, true);
	w->server = real;
	if (a.status != 200)
		die("no token: %s", a.answer);
	char *token = keep(a.token);
	attestation_clear(&a);
	return token;
}

/* The same words under a key of a stranger, which its header brings along. */
static char *
token_foreign(const char *token)
{
	struct assay_bytes in = { (const uint8_t *)token, strlen(token) };
	struct assay_jwk *key;
	struct assay_error err;
	uint8_t *payload;
	size_t len;
	char *header, *out;

	if (assay_jws_peek(&header, &payload, &len, in, &err) != ASSAY_OK ||
	    assay_jwk_make(&key, "ES256", &err) != ASSAY_OK ||
	    assay_jws_sign(&out, key, "JWT", true, (struct assay_bytes){ payload, len }, &err) !=
		ASSAY_OK)
		die("%s", err.text);
	free(header);
	free(payload);
	assay_jwk_free(key);
	return out;
}

/* A server beside the real one, on a copy of its store. */
static void
server_beside(struct world *w, struct broker_server *s, const char *name, const char *audience,
    const char *shift)
{
	const char *copy[] = { "cp", "-r", path_of(w, "store"), path_of(w, "%s", name), NULL };

	broker_run(copy);
	server_start(w, s, name, audience, shift);
}

static void
prepare(struct world *w)
{
	static const char ours[] = "assay-kbs";
	const char *mkdir[] = { "mkdir", "-m", "700", path_of(w, "store"), NULL };
	struct broker_server other;
	char back[16], forth[16];

	(void)snprintf(back, sizeof back, "-%d", SHIFT_S);
	(void)snprintf(forth, sizeof forth, "%d", SHIFT_S);
	broker_run(mkdir);
	platforms_make(w);
	/* All by the clock that is behind: a store that knows a later time ends what is older. */
	server_start(w, &w->server, "store", ours, back);
	if (setenv("LD_PRELOAD", w->shifted_clock, 1) != 0)
		die("no memory");
	server_fill(w);
	(void)unsetenv("LD_PRELOAD");
	broker_server_stop(&w->server);
	server_beside(w, &w->behind, "behind", ours, back);
	server_beside(w, &w->ahead, "ahead", ours, forth);
	server_beside(w, &other, "other", "somebody-else", NULL);
	for (size_t t = 0; t < TEES; t++) {
		w->old[t] = token_from(w, (enum tee)t, &w->behind);
		w->audience[t] = token_from(w, (enum tee)t, &other);
		w->foreign[t] = token_foreign(w->old[t]);
	}
	broker_server_stop(&other);
	server_start(w, &w->server, "store", ours, NULL);
}

/* What was just pushed counts for releases at once, and for verdicts as soon as every worker has it:
 * until then a guest that attests is told to attest again. */
static void
settle(const struct world *w)
{
	for (int i = 0; i < SETTLE_MAX; i++) {
		struct attestation a = { .token = NULL };
		(void)attest(w, &a, &evidences[0], TDX, FRESH, true);
		int status = broker_ask(&a.client, "GET /kbs/v0/resource/matrix/key/loose", "");
		attestation_clear(&a);
		if (status == 200)
			return;
	}
	die("what was pushed does not arrive");
}

int
main(int argc, char **argv)
{
	struct world w = { .dir = "/tmp/release_matrix.XXXXXX" };
	const char *away[] = { "rm", "-rf", w.dir, NULL };
	size_t n = 0;
	bool all = true;

	if (argc != 5) {
		(void)fputs(
		    "usage: release_matrix ASSAYD ASSAY ASSAY-SIM SHIFTED-CLOCK.so\n", stderr);
		return 2;
	}
	w.assayd = argv[1];
	w.assay = argv[2];
	w.sim = argv[3];
	w.shifted_clock = argv[4];
	if (mkdtemp(w.dir) == NULL)
		die("no temporary folder");
	prepare(&w);
	printf("1..%zu\n", TEES * COUNT(evidences) * COUNT(tickets) * COUNT(keys));
	for (size_t e = 0; e < COUNT(evidences); e++) {
		if (evidences[e].platform == OUTDATED) {
			collateral_push(&w, OUTDATED);
			settle(&w);
		}
		for (size_t t = 0; t < TEES; t++)
			for (size_t i = 0; i < COUNT(tickets); i++)
				for (size_t k = 0; k < COUNT(keys); k++) {
					bool ok = row(&w, (enum tee)t, &evidences[e],
					    (enum ticket_state)i, &keys[k]);
					printf("%sok %zu - %s: %s evidence, ticket %s, key %s\n",
					    ok ? "" : "not ", ++n, tees[t], evidences[e].name,
					    tickets[i].name, keys[k].name);
					all &= ok;
				}
	}
	broker_server_stop(&w.behind);
	broker_server_stop(&w.ahead);
	broker_server_stop(&w.server);
	broker_run(away);
	return all ? 0 : 1;
}
