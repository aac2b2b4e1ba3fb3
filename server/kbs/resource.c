/* SPDX-License-Identifier: Apache-2.0 */
/* /kbs/v0/resource/REPOSITORY/TYPE/TAG: read by who has attested, written by operators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../hash.h"
#include "../opa/opa.h"
#include "buffer.h"
#include "session.h"

enum { SEGMENTS = 3, PATH_MAX_LEN = 255, NAME_MAX_LEN = 255 };

/* Three segments of [A-Za-z0-9_-]+[A-Za-z0-9_.-]*. */
static bool
path_ok(const char *path)
{
	static const char first[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t count = 1;

	if (strlen(path) > PATH_MAX_LEN)
		return false;
	for (;; count++) {
		size_t n = strspn(path, first);
		if (n == 0)
			return false;
		for (path += n; *path == '.' || (*path != '\0' && strchr(first, *path) != NULL);)
			path++;
		if (*path == '\0')
			return count == SEGMENTS;
		if (*path++ != '/')
			return false;
	}
}

static const struct {
	enum keeper_status keeper;
	int status;
	const char *variant;
} refusals[] = {
	{ KEEPER_TICKET, 401, KBS_TOKEN_NOT_FOUND },
	{ KEEPER_SPENT, 401, KBS_ATTESTATION },
	{ KEEPER_NO_TOKEN, 401, KBS_TOKEN_NOT_FOUND },
	{ KEEPER_TOKEN, 401, KBS_TOKEN_VERIFIER },
	{ KEEPER_DENIED, 401, KBS_POLICY_DENY },
	/* Not 401: to attest anew would not help. */
	{ KEEPER_UNJUDGED, 503, KBS_POLICY_ENGINE },
	/* 401 is what the peers say; but it makes clients attest anew, for nothing. */
	{ KEEPER_MISSING, 404, KBS_PLUGIN_INTERNAL },
	{ KEEPER_ADMIN, 401, KBS_ADMIN_AUTH },
	{ KEEPER_ROLE, 401, KBS_ADMIN_AUTH },
	{ KEEPER_CONFLICT, 409, KBS_PLUGIN_INTERNAL },
	{ KEEPER_KEY, 401, KBS_JWE },
	{ KEEPER_MALFORMED, 400, KBS_PLUGIN_INTERNAL },
	{ KEEPER_TROUBLE, 503, KBS_PLUGIN_INTERNAL },
};

static void
refuse(struct exchange *x, const struct ipc_message *answer)
{
	char text[512];

	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (answer->op == refusals[i].keeper) {
			kbs_refuse(x, refusals[i].status, refusals[i].variant, "%s",
			    kbs_sentence(text, sizeof text, answer));
			return;
		}
	kbs_refuse(x, 500, KBS_PLUGIN_INTERNAL, "%s", kbs_sentence(text, sizeof text, answer));
}

/* --- reading ------------------------------------------------------------------------------- */

/* What the keeper is asked with. */
enum { WHO_TICKET, WHO_TOKEN, WHAT, PEER, VERDICT, JUDGED, WHY, RELEASE_FIELDS };

static void
released(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	struct worker *w = exchange_worker(x);

	worker_saw(w, answer);
	if (answer->op == KEEPER_DONE && answer->count > 1) {
		metric_count(w, "kbs_resource_reads_total", "outcome", "released");
		exchange_answer(x, 200, "application/json", answer->field[1]);
		return;
	}
	metric_count(w, "kbs_resource_reads_total", "outcome",
	    answer->op == KEEPER_DENIED                                         ? "denied"
		: answer->op == KEEPER_MISSING                                  ? "missing"
		: answer->op == KEEPER_TROUBLE || answer->op == KEEPER_UNJUDGED ? "trouble"
										: "not attested");
	refuse(x, answer);
}

/* count: of fields, the first four of which are filled in here. */
static void
ask_keeper(struct exchange *x, enum keeper_op op, struct assay_bytes *fields, size_t count,
    keeper_done *done)
{
	struct worker *w = exchange_worker(x);
	struct kbs_session s;
	struct assay_error err;
	struct assay_bytes none = { NULL, 0 };
	enum assay_code rc = kbs_session_read(&s, x, &err);

	/* A session goes on as long as its token, which the keeper knows. Without one there may still be
	 * a token. */
	fields[WHO_TICKET] = rc == ASSAY_OK || rc == ASSAY_E_EXPIRED
	    ? (struct assay_bytes){ s.raw, sizeof s.raw }
	    : none;
	if (!exchange_bearer(x, &fields[WHO_TOKEN]))
		fields[WHO_TOKEN] = none;
	if (fields[WHO_TICKET].len == 0 && fields[WHO_TOKEN].len == 0) {
		metric_count(w, "kbs_resource_reads_total", "outcome", "not attested");
		kbs_refuse(x, 401, KBS_TOKEN_NOT_FOUND, "%s", err.text);
		return;
	}
	fields[WHAT] = bytes_of(exchange_rest(x));
	fields[PEER] = bytes_of(exchange_peer(x));
	keeper_call(worker_keeper(w), op, fields, count, done, x);
}

/* --- reading, where an OPA is asked too -------------------------------------------------------- */

/* The last word, whatever it is, is the keeper's: it writes the row. */
static void
judged(void *arg, enum opa_verdict verdict, const char *why)
{
	static const char *const words[] = {
		[OPA_TROUBLE] = "trouble", [OPA_DENIED] = "denied", [OPA_ALLOWED] = "allowed"
	};
	struct exchange *x = arg;
	struct assay_bytes fields[RELEASE_FIELDS];

	metric_count(exchange_worker(x), "kbs_opa_decisions_total", "outcome", words[verdict]);
	fields[VERDICT] = bytes_of(words[verdict]);
	fields[JUDGED] = (struct assay_bytes){ exchange_state(x), HASH_SHA256_LEN };
	fields[WHY] = bytes_of(why);
	ask_keeper(x, KEEPER_RELEASE, fields, RELEASE_FIELDS, released);
}

/* docs/opa.md */
static char *
question(struct assay_bytes claims, const char *path)
{
	struct buffer b = { .len = 0 };

	buffer_put(&b, "{\"input\":{\"claims\":");
	buffer_add(&b, claims); /* JSON, of the keeper's making */
	buffer_put(&b, ",\"plugin\":\"resource\",\"resource-path\":[\"");
	for (const char *p = path; *p != '\0'; p++) /* no character that JSON would escape */
		if (*p == '/')
			buffer_put(&b, "\",\"");
		else
			buffer_add(&b, (struct assay_bytes){ (const uint8_t *)p, 1 });
	buffer_put(&b, "\"],\"query\":{}}}");
	return buffer_take(&b);
}

/* The policy of the secret accepts: what does the OPA say? */
static void
accepted(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	struct worker *w = exchange_worker(x);

	if (answer->op != KEEPER_DONE || answer->count < 2) {
		released(x, answer);
		return;
	}
	worker_saw(w, answer);
	uint8_t *digest = malloc(HASH_SHA256_LEN);
	char *text = digest != NULL ? question(answer->field[1], exchange_rest(x)) : NULL;
	exchange_set_state(x, digest);
	if (text != NULL) {
		hash_sha256(digest, answer->field[1]);
		opa_ask(worker_opa(w), bytes_of(text), judged, x);
	} else
		kbs_refuse(x, 503, KBS_PLUGIN_INTERNAL, "out of memory; try again");
	free(text);
}

static void
release(struct exchange *x)
{
	struct assay_bytes fields[RELEASE_FIELDS];

	if (worker_opa(exchange_worker(x)) != NULL)
		ask_keeper(x, KEEPER_WOULD_RELEASE, fields, PEER + 1, accepted);
	else
		ask_keeper(x, KEEPER_RELEASE, fields, PEER + 1, released);
}

/* --- writing ------------------------------------------------------------------------------- */

static void
written(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;

	worker_saw(exchange_worker(x), answer);
	if (answer->op == KEEPER_DONE)
		exchange_answer(x, 200, "text/xml", (struct assay_bytes){ NULL, 0 });
	else
		refuse(x, answer);
}

/* policy=NAME, which the token of the request is bound to, or nothing. */
static bool
read_query(const char **policy, const char *query)
{
	static const char name[] = "policy=";
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	*policy = NULL;
	if (query[0] == '\0')
		return true;
	if (strncmp(query, name, sizeof name - 1) != 0)
		return false;
	*policy = query + sizeof name - 1;
	size_t n = strspn(*policy, letters);
	return n > 0 && n <= NAME_MAX_LEN && (*policy)[n] == '\0';
}

static void
administer(struct exchange *x, const char *verb)
{
	struct worker *w = exchange_worker(x);
	struct assay_bytes token = { NULL, 0 }, body = exchange_body(x);
	uint8_t digest[HASH_SHA256_LEN];
	char arguments[PATH_MAX_LEN + NAME_MAX_LEN + 64];
	char target[sizeof "/kbs/v0/resource/?policy=" + PATH_MAX_LEN + NAME_MAX_LEN];
	const char *query = exchange_query(x), *policy;

	if (!read_query(&policy, query) || (policy != NULL && strcmp(verb, "secret.put") != 0)) {
		kbs_refuse(x, 400, KBS_PLUGIN_INTERNAL,
		    "all that a query may say is policy=NAME, of a secret that is put");
		return;
	}
	if (!exchange_bearer(x, &token))
		token = (struct assay_bytes){ NULL, 0 };
	hash_sha256(digest, body);
	/* Neither has a character that JSON would escape. */
	(void)snprintf(arguments, sizeof arguments, "{\"path\":\"%s\"%s%s%s}", exchange_rest(x),
	    policy != NULL ? ",\"policy\":\"" : "", policy != NULL ? policy : "",
	    policy != NULL ? "\"" : "");
	(void)snprintf(
	    target, sizeof target, "%s%s%s", exchange_path(x), policy != NULL ? "?" : "", query);
	const struct assay_bytes fields[] = { token, exchange_client_key(x),
		bytes_of(exchange_method(x)), bytes_of(target), { digest, sizeof digest },
		bytes_of(verb), bytes_of(arguments), body };
	keeper_call(worker_keeper(w), KEEPER_ADMIN_DO, fields, 8, written, x);
}

void
kbs_resource(struct exchange *x)
{
	const char *method = exchange_method(x);
	struct worker *w = exchange_worker(x);

	metric_count(w, "kbs_plugin_requests_total", "plugin_name", "resource");
	if (!path_ok(exchange_rest(x)))
		kbs_refuse(x, 404, KBS_PATH,
		    "a resource is /kbs/v0/resource/REPOSITORY/TYPE/TAG: three names of letters, "
		    "digits, '_', '-' and, but not in front, '.'; at most 255 bytes together");
	else if (strcmp(method, "GET") == 0)
		release(x);
	else if (strcmp(method, "POST") == 0) {
		metric_count(w, "kbs_resource_writes_total", NULL, NULL);
		administer(x, "secret.put");
	} else if (strcmp(method, "DELETE") == 0) {
		metric_count(w, "kbs_resource_deletes_total", NULL, NULL);
		administer(x, "secret.rm");
	} else
		kbs_refuse(x, 405, KBS_PLUGIN_INTERNAL, "a resource is for GET, POST and DELETE");
}
