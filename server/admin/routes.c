/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators ask, over REST. The front reads what they bring; who they are, and whether they may, is
 * the keeper's to say: the token, or the key that TLS has shown, goes there with the method, the path with
 * its query, and the body's hash, to which a token is bound.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "../http/http.h"
#include "../launches.h"
#include "../stamp.h"
#include "../text.h"
#include "checks.h"
#include "push.h"
#include "query.h"
#include "requests.h"

enum {
	SECRET_MAX = 1024 * 1024,
	POLICY_MAX = 256 * 1024,
	REFERENCE_MAX = 4 * 1024 * 1024,
	COLLATERAL_MAX = 8 * 1024 * 1024,
	KEY_MAX = 64 * 1024,
	TARGET_MAX = 2048,
	DIGEST = 32,
};

/* --- asking the keeper ------------------------------------------------------------------- */

static int
status_of(unsigned op)
{
	switch (op) {
	case KEEPER_DONE:
		return 200;
	case KEEPER_MALFORMED:
		return 422;
	case KEEPER_MISSING:
		return 404;
	case KEEPER_ADMIN:
		return 401;
	case KEEPER_ROLE:
		return 403;
	case KEEPER_CONFLICT:
		return 409;
	default:
		return 503;
	}
}

static void
no_store(struct exchange *x)
{
	exchange_set(x, "Cache-Control", "no-store");
}

static void
answer_json(struct exchange *x, const json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	no_store(x);
	if (text != NULL)
		exchange_answer(x, 200, "application/json",
		    (struct assay_bytes){ (const uint8_t *)text, strlen(text) });
	else
		exchange_refuse(x, 503, "out of memory; ask again later");
	free(text);
}

static void
refuse(struct exchange *x, const struct ipc_message *answer)
{
	struct assay_bytes why =
	    answer->count > 1 ? answer->field[1] : (struct assay_bytes){ NULL, 0 };
	int status = status_of(answer->op);

	no_store(x);
	if (status == 401)
		exchange_set(x, "WWW-Authenticate", "Bearer");
	exchange_refuse(x, status, "%.*s", (int)(why.len < 500 ? why.len : 500),
	    why.len > 0 ? (const char *)why.ptr : "the keeper does not answer; ask again later");
}

static void
done(void *arg, const struct ipc_message *answer, const char *type)
{
	struct exchange *x = arg;

	worker_saw(exchange_worker(x), answer);
	if (answer->op != KEEPER_DONE) {
		refuse(x, answer);
		return;
	}
	no_store(x);
	exchange_answer(
	    x, 200, type, answer->count > 1 ? answer->field[1] : (struct assay_bytes){ NULL, 0 });
}

static void
done_json(void *arg, const struct ipc_message *answer)
{
	done(arg, answer, "application/json");
}

static void
done_bytes(void *arg, const struct ipc_message *answer)
{
	done(arg, answer, "application/octet-stream");
}

/* The path as it was sent, with its query. */
static bool
target(const struct exchange *x, char out[TARGET_MAX])
{
	const char *query = exchange_query(x);
	int n = snprintf(
	    out, TARGET_MAX, "%s%s%s", exchange_path(x), query[0] != '\0' ? "?" : "", query);

	return n > 0 && n < TARGET_MAX;
}

static struct assay_bytes
text_bytes(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, strlen(text) };
}

/* Takes args; NULL: out of memory. */
static void
ask_to(struct exchange *x, enum keeper_op op, const char *verb, json_t *args,
    struct assay_bytes kept, keeper_done *answer)
{
	struct assay_bytes body = exchange_body(x), token = { NULL, 0 };
	uint8_t digest[DIGEST];
	char path[TARGET_MAX], *text = args != NULL ? json_dumps(args, JSON_COMPACT) : NULL;
	bool hashed = EVP_Digest(body.len > 0 ? (const void *)body.ptr : "", body.len, digest, NULL,
			  EVP_sha256(), NULL) == 1;

	json_decref(args);
	(void)exchange_bearer(x, &token);
	if (text == NULL || !hashed) {
		exchange_refuse(x, 503, "out of memory; ask again later");
	} else if (!target(x, path)) {
		exchange_refuse(
		    x, 414, "the path and its query are longer than %d bytes", TARGET_MAX - 1);
	} else {
		const struct assay_bytes fields[] = { token, exchange_client_key(x),
			text_bytes(exchange_method(x)), text_bytes(path), { digest, sizeof digest },
			text_bytes(verb), text_bytes(text), kept };
		keeper_call(worker_keeper(exchange_worker(x)), op, fields,
		    sizeof fields / sizeof fields[0], answer, x);
	}
	free(text);
}

static void
ask(struct exchange *x, const char *verb, json_t *args, struct assay_bytes kept,
    keeper_done *answer)
{
	ask_to(x, KEEPER_ADMIN_DO, verb, args, kept, answer);
}

/* --- reading a request ------------------------------------------------------------------- */

/* Which request this is, and its query read. NULL: it was refused. Somebody who shows nothing is not listened
 * to: reading policies and collateral is work. */
static const struct admin_request *
begin(struct exchange *x, struct query *q)
{
	const char *rest;
	const struct admin_request *request =
	    admin_request_find(&rest, exchange_method(x), exchange_path(x));
	struct assay_bytes token = { NULL, 0 };
	char why[QUERY_WHY];

	if ((!exchange_bearer(x, &token) || token.len == 0) && exchange_client_key(x).len == 0) {
		no_store(x);
		exchange_set(x, "WWW-Authenticate", "Bearer");
		exchange_refuse(x, 401,
		    "this needs an admin token (Authorization: Bearer), or the client certificate "
		    "of an admin; one that was shown before the last reload, or has expired, "
		    "takes a new connection");
		return NULL;
	}
	admin_request_query(request, q); /* each route is a request: requests_test.c */
	if (query_read(q, exchange_query(x), why))
		return request;
	exchange_refuse(x, 400, "%s", why);
	return NULL;
}

/* Puts a text into args. false: refused. */
static bool
put_text(struct exchange *x, json_t *args, const char *name, const char *value)
{
	if (json_object_set_new(args, name, json_string(value)) == 0)
		return true;
	exchange_refuse(x, 422, "%s: is no text in UTF-8", name);
	return false;
}

/* The same of a number of the query. */
static bool
put_number(struct exchange *x, json_t *args, const struct query *q, const char *name)
{
	int64_t n;

	if (!query_number(q, name, &n)) {
		exchange_refuse(
		    x, 400, "the parameter \"%s\" is no number of at most 15 digits", name);
		return false;
	}
	if (json_object_set_new(args, name, json_integer(n)) != 0) {
		exchange_refuse(x, 503, "out of memory; ask again later");
		return false;
	}
	return true;
}

/* What stands behind the route's path, and what the query gives. false: refused. */
static bool
put_arguments(
    struct exchange *x, json_t *args, const struct admin_request *request, const struct query *q)
{
	/* The path may be no UTF-8, which no name is. */
	if (request->name != NULL &&
	    json_object_set_new(args, request->name, json_string(exchange_rest(x))) != 0) {
		exchange_refuse(
		    x, 422, "%s: is no name of letters, digits, '_', '-' and '.'", request->name);
		return false;
	}
	for (size_t i = 0; i < QUERY_NAMES_MAX && request->parameter[i].name != NULL; i++) {
		const char *name = request->parameter[i].name, *value = query_value(q, name);
		if (value != NULL &&
		    !(request->parameter[i].number ? put_number(x, args, q, name)
						   : put_text(x, args, name, value)))
			return false;
	}
	return true;
}

/* The arguments that path and query say; NULL: it was refused. */
static json_t *
begin_arguments(struct exchange *x, const struct admin_request **request, struct query *q)
{
	json_t *args = (*request = begin(x, q)) != NULL ? json_object() : NULL;

	if (*request != NULL && args == NULL)
		exchange_refuse(x, 503, "out of memory; ask again later");
	if (args == NULL || put_arguments(x, args, *request, q))
		return args;
	json_decref(args);
	return NULL;
}

/* Asks for what path, query and body say, and nothing is to be looked at before. */
static void
ask_plain(struct exchange *x, keeper_done *answer)
{
	const struct admin_request *request;
	struct query q;
	json_t *args = begin_arguments(x, &request, &q);

	if (args != NULL)
		ask(x, request->verb, args, exchange_body(x), answer);
}

static void
plain(struct exchange *x)
{
	ask_plain(x, done_json);
}

/* Refuses what an operator brought, in the words of who read it. */
static void
refuse_body(struct exchange *x, enum assay_code code, const struct assay_error *err)
{
	exchange_refuse(x,
	    code == ASSAY_E_NOMEM        ? 503
		: code == ASSAY_E_POLICY ? 409
					 : 422,
	    "%s", err->text);
}

/* To judge what was brought is work that holds up others, and tells of what the server has: it is done in
 * answer, for those who may. */
static void
ask_may(struct exchange *x, keeper_done *answer)
{
	struct query q;
	const struct admin_request *request = begin(x, &q);

	if (request != NULL)
		ask_to(x, KEEPER_ADMIN_MAY, request->verb, json_object(),
		    (struct assay_bytes){ NULL, 0 }, answer);
}

/* What the keeper says to it. false: it was refused. */
static bool
may(struct exchange *x, const struct ipc_message *answer)
{
	worker_saw(exchange_worker(x), answer);
	if (answer->op == KEEPER_DONE)
		return true;
	refuse(x, answer);
	return false;
}

/* Asks what was judged here first: code and err are of that. Takes args. */
static void
ask_judged(struct exchange *x, const char *verb, json_t *args, struct assay_bytes kept,
    enum assay_code code, const struct assay_error *err)
{
	if (code == ASSAY_OK) {
		ask(x, verb, args, kept, done_json);
		return;
	}
	json_decref(args);
	refuse_body(x, code, err);
}

/* --- the server -------------------------------------------------------------------------- */

/* What it is called: nobody need be known to ask. */
static void
server(struct exchange *x)
{
	const struct view *view = worker_view(exchange_worker(x));
	/* Only a URL is a name that no other server has. */
	const char *audience = strstr(view->audience, "://") != NULL ? view->audience : view->node;
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "server", "assayd", "version",
	    ASSAY_VERSION, "audience", audience, "node", view->node);

	answer_json(x, json);
	json_decref(json);
}

/* --- secrets ----------------------------------------------------------------------------- */

static void
secret_get(struct exchange *x)
{
	ask_plain(x, done_bytes);
}

/* --- policies ---------------------------------------------------------------------------- */

static bool
has_policy(const json_t *policies, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(policies, i, one)
	{
		const char *other = json_string_value(json_object_get(one, "name"));
		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* The built-in ones as well, unless the store has one of the name. */
static void
done_policies(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	const char *name;
	bool ok = true;

	worker_saw(exchange_worker(x), answer);
	if (answer->op != KEEPER_DONE || answer->count < 2) {
		refuse(x, answer);
		return;
	}
	json_t *json =
	    json_loadb((const char *)answer->field[1].ptr, answer->field[1].len, 0, NULL);
	json_t *policies = json_object_get(json, "policies");
	for (size_t i = 0; ok && (name = assay_policy_builtin_name(i)) != NULL; i++)
		if (!has_policy(policies, name))
			ok = json_array_append_new(policies,
				 json_pack("{s:s, s:i}", "name", name, "version", 0)) == 0;
	answer_json(x, ok ? json : NULL);
	json_decref(json);
}

/* A built-in one is there as long as the store has none of its name. */
static void
done_policy(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	const char *name = exchange_rest(x);
	const struct assay_policy *policy = assay_policy_builtin(name);

	if (answer->op != KEEPER_MISSING || policy == NULL || exchange_query(x)[0] != '\0') {
		done_json(arg, answer);
		return;
	}
	worker_saw(exchange_worker(x), answer);
	json_t *json = json_pack(
	    "{s:s, s:i, s:s}", "name", name, "version", 0, "text", assay_policy_text(policy));
	answer_json(x, json);
	json_decref(json);
}

static void
policy_list(struct exchange *x)
{
	ask_plain(x, done_policies);
}

static void
policy_get(struct exchange *x)
{
	ask_plain(x, done_policy);
}

static void
may_policy_put(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	const struct view *view = worker_view(exchange_worker(x));
	const struct admin_request *request;
	struct query q;
	struct assay_error err = { .text = "" };
	json_t *args = may(x, answer) ? begin_arguments(x, &request, &q) : NULL;

	if (args == NULL)
		return;
	enum assay_code rc = check_policy(view, exchange_rest(x), exchange_body(x), &err);
	ask_judged(x, request->verb, args, exchange_body(x), rc, &err);
}

static void
policy_put(struct exchange *x)
{
	ask_may(x, may_policy_put);
}

/* --- reference values -------------------------------------------------------------------- */

static void
may_reference_put(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	const struct view *view = worker_view(exchange_worker(x));
	const struct admin_request *request;
	struct query q;
	struct assay_error err = { .text = "" };
	json_t *args = may(x, answer) ? begin_arguments(x, &request, &q) : NULL;

	if (args == NULL)
		return;
	const char *expires = query_value(&q, "expires");
	int64_t end;
	if (expires != NULL && !stamp_read(&end, expires)) {
		json_decref(args);
		exchange_refuse(
		    x, 422, "expires: is no time; write 2027-01-01T00:00:00Z or 2027-01-01");
		return;
	}
	char owner[ASSAY_KID_TEXT];
	if (launches_owner(owner, exchange_body(x)) && !put_text(x, args, "launch", owner)) {
		json_decref(args);
		return;
	}
	enum assay_code rc = check_reference(
	    view, exchange_rest(x), exchange_body(x), query_value(&q, "signer"), &err);
	ask_judged(x, request->verb, args, exchange_body(x), rc, &err);
}

static void
reference_put(struct exchange *x)
{
	ask_may(x, may_reference_put);
}

static void
may_reference_rm(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	const struct view *view = worker_view(exchange_worker(x));
	const struct assay_bytes none = { NULL, 0 };
	const struct admin_request *request;
	struct query q;
	struct assay_error err = { .text = "" };
	json_t *args = may(x, answer) ? begin_arguments(x, &request, &q) : NULL;

	if (args == NULL)
		return;
	enum assay_code rc = check_reference(view, exchange_rest(x), none, NULL, &err);
	ask_judged(x, request->verb, args, none, rc, &err);
}

static void
reference_rm(struct exchange *x)
{
	ask_may(x, may_reference_rm);
}

/* --- collateral -------------------------------------------------------------------------- */

/* What became of each item was known before; that it is kept is known now. */
static void
done_push(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	const char *text = exchange_state(x);

	worker_saw(exchange_worker(x), answer);
	if (answer->op != KEEPER_DONE) {
		refuse(x, answer);
		return;
	}
	no_store(x);
	exchange_answer(x, 200, "application/json", text_bytes(text));
}

static void
push_put(struct exchange *x, struct push *push)
{
	char *text = json_dumps(push->answer, JSON_COMPACT);

	if (text == NULL) {
		exchange_refuse(x, 503, "out of memory; ask again later");
		return;
	}
	exchange_set_state(x, text);
	ask(x, "collateral.put", json_incref(push->args), buffer_bytes(&push->body), done_push);
}

static void
may_push(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	struct worker *w = exchange_worker(x);
	struct assay_error err = { .text = "" };
	struct push push;
	size_t count;

	if (!may(x, answer))
		return;
	const struct assay_bytes *roots = worker_roots(w, &count);
	enum assay_code rc =
	    push_read(&push, worker_view(w), roots, count, exchange_body(x), exchange_now(x), &err);
	if (rc == ASSAY_OK)
		push_put(x, &push);
	else
		refuse_body(x, rc, &err);
	push_clear(&push);
}

static void
collateral_push(struct exchange *x)
{
	ask_may(x, may_push);
}

/* ----------------------------------------------------------------------------------------- */

const struct route routes_admin[] = {
	{ "GET", "/v1/server", 0, server, "server" },
	{ "GET", "/v1/admin/secrets", 0, plain, "admin_secrets" },
	{ "GET", "/v1/admin/secrets/", 0, secret_get, "admin_secret" },
	{ "PUT", "/v1/admin/secrets/", SECRET_MAX, plain, "admin_secret" },
	{ "DELETE", "/v1/admin/secrets/", 0, plain, "admin_secret" },
	{ "GET", "/v1/admin/history/", 0, plain, "admin_history" },
	{ "GET", "/v1/admin/policies", 0, policy_list, "admin_policies" },
	{ "GET", "/v1/admin/policies/", 0, policy_get, "admin_policy" },
	{ "PUT", "/v1/admin/policies/", POLICY_MAX, policy_put, "admin_policy" },
	{ "DELETE", "/v1/admin/policies/", 0, plain, "admin_policy" },
	{ "GET", "/v1/admin/references", 0, plain, "admin_references" },
	{ "GET", "/v1/admin/references/", 0, plain, "admin_reference" },
	{ "PUT", "/v1/admin/references/", REFERENCE_MAX, reference_put, "admin_reference" },
	{ "DELETE", "/v1/admin/references/", 0, reference_rm, "admin_reference" },
	{ "PUT", "/v1/admin/collateral", COLLATERAL_MAX, collateral_push, "admin_collateral" },
	{ "GET", "/v1/admin/audit", 0, plain, "admin_audit" },
	{ "GET", "/v1/admin/audit/export", 0, plain, "admin_audit_export" },
	{ "GET", "/v1/admin/keys", 0, plain, "admin_keys" },
	{ "PUT", "/v1/admin/keys/", KEY_MAX, plain, "admin_key" },
	{ "DELETE", "/v1/admin/keys/", 0, plain, "admin_key" },
	{ "POST", "/v1/admin/rotate/", 0, plain, "admin_rotate" },
	{ NULL, NULL, 0, NULL, NULL },
};
