/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "fields.h"
#include "tls.h"
#include "../text.h"

enum { SENTENCE_ROOM = 512 };

static const struct {
	int status;
	const char *words;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static int64_t
monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static const char *
reason(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].words;
	return "Status";
}

static void
exchange_free(struct exchange *x)
{
	if (x->target != NULL)
		explicit_bzero(x->target, strlen(x->target));
	free(x->target);
	free(x->state);
	free(x);
}

static void
name_peer(struct exchange *x, const struct gate *g)
{
	char *address = NULL;
	uint16_t port;

	evhttp_connection_get_peer(g->connection, &address, &port);
	snprintf(x->peer, sizeof x->peer, "%s",
	    g->local              ? "unix"
		: address != NULL ? address
				  : "unknown");
}

/* target is the exchange's from now on. NULL: no memory, and it is answered. */
static struct exchange *
exchange_new(struct gate *g, struct evhttp_request *request, char *target)
{
	struct exchange *x = target != NULL ? calloc(1, sizeof *x) : NULL;

	if (x == NULL) {
		free(target);
		gate_answered(g, request, 0);
		evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Connection", "close");
		evhttp_send_reply(request, 503, reason(503), NULL);
		return NULL;
	}
	x->gate = g;
	x->worker = g->worker;
	x->request = request;
	x->route = g->route;
	x->target = target;
	x->path = target;
	x->query = "";
	x->last = g->last;
	x->now = time(NULL);
	x->started_us = monotonic_us();
	name_peer(x, g);
	g->x = x;
	return x;
}

/* A certificate is judged when a connection begins, and connections have no end: by another client-ca, or
 * too late, it stands for nobody any more. The client then comes anew, and is told what is wrong. */
static void
know_client(struct exchange *x, const struct gate *g)
{
	SSL *ssl = g->tls ? bufferevent_openssl_get_ssl(g->bev) : NULL;

	if (ssl == NULL || SSL_get0_peer_certificate(ssl) == NULL)
		return;
	x->keyed = SSL_get_SSL_CTX(ssl) == x->worker->tls && tls_client_key(x->client_key, ssl);
	x->last = x->last || !x->keyed;
}

void
exchange_begin(struct gate *g, struct evhttp_request *request)
{
	const char *uri = evhttp_request_get_uri(request);
	struct exchange *x = exchange_new(g, request, uri != NULL ? strdup(uri) : NULL);

	if (x == NULL)
		return;
	char *query = strchr(x->target, '?');
	if (query != NULL) {
		*query = '\0';
		x->query = query + 1;
	}
	x->bare = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
	worker_renew(x->worker);
	know_client(x, g);
	x->route->handle(x);
}

void
exchange_turn_away(struct gate *g, struct evhttp_request *request)
{
	const struct refusal *r = g->refusal;
	struct exchange *x = exchange_new(g, request, strdup(r->path));
	char sentence[REFUSED_ROOM];

	if (x == NULL)
		return;
	x->bare = r->bare;
	if (r->allow[0] != '\0')
		exchange_set(x, "Allow", r->allow);
	memcpy(sentence, r->sentence, sizeof sentence); /* the answer frees r */
	exchange_refuse(x, r->status, "%s", sentence);
}

/* --- the request ------------------------------------------------------------------------- */

const char *
exchange_method(const struct exchange *x)
{
	static const struct {
		enum evhttp_cmd_type type;
		const char *name;
	} methods[] = {
		{ EVHTTP_REQ_GET, "GET" },
		{ EVHTTP_REQ_POST, "POST" },
		{ EVHTTP_REQ_PUT, "PUT" },
		{ EVHTTP_REQ_DELETE, "DELETE" },
		{ EVHTTP_REQ_PATCH, "PATCH" },
		{ EVHTTP_REQ_HEAD, "HEAD" },
		{ EVHTTP_REQ_OPTIONS, "OPTIONS" },
	};

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (methods[i].type == evhttp_request_get_command(x->request))
			return methods[i].name;
	return "";
}

const char *
exchange_path(const struct exchange *x)
{
	return x->path;
}

const char *
exchange_rest(const struct exchange *x)
{
	size_t n = x->route != NULL ? strlen(x->route->path) : 0;

	return n > 0 && x->route->path[n - 1] == '/' ? x->path + n : "";
}

const char *
exchange_query(const struct exchange *x)
{
	return x->query;
}

bool
exchange_parameter(const struct exchange *x, const char *name, char *out, size_t room)
{
	return query_find(x->query, name, out, room);
}

struct assay_bytes
exchange_body(const struct exchange *x)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(x->request);
	size_t len = evbuffer_get_length(body);

	return (struct assay_bytes){ len > 0 ? evbuffer_pullup(body, -1) : NULL, len };
}

const char *
exchange_header(const struct exchange *x, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(x->request), name);
}

bool
exchange_cookie(const struct exchange *x, const char *name, struct assay_bytes *value)
{
	const struct evkeyval *field;

	TAILQ_FOREACH(field, evhttp_request_get_input_headers(x->request), next)
	if (strcasecmp(field->key, "Cookie") == 0 && cookie_find(field->value, name, value))
		return true;
	return false;
}

bool
exchange_bearer(const struct exchange *x, struct assay_bytes *token)
{
	const char *field = exchange_header(x, "Authorization"); /* the gate takes no second one */

	return field != NULL && bearer_find(field, token);
}

struct assay_bytes
exchange_client_key(const struct exchange *x)
{
	return x->keyed ? (struct assay_bytes){ x->client_key, sizeof x->client_key }
			: (struct assay_bytes){ NULL, 0 };
}

const char *
exchange_peer(const struct exchange *x)
{
	return x->peer;
}

int64_t
exchange_now(const struct exchange *x)
{
	return x->now;
}

struct worker *
exchange_worker(const struct exchange *x)
{
	return x->worker;
}

void
exchange_set_state(struct exchange *x, void *state)
{
	x->state = state;
}

void *
exchange_state(const struct exchange *x)
{
	return x->state;
}

/* --- the answer -------------------------------------------------------------------------- */

void
exchange_set(struct exchange *x, const char *header, const char *value)
{
	/* It refuses a value with a line end, which would be an answer of somebody else's making. */
	if (evhttp_add_header(evhttp_request_get_output_headers(x->request), header, value) != 0)
		log_say("a header field %s could not be set in an answer", header);
}

static bool
is_set(const struct exchange *x, const char *header)
{
	return evhttp_find_header(evhttp_request_get_output_headers(x->request), header) != NULL;
}

void
exchange_answer(struct exchange *x, int status, const char *type, struct assay_bytes body)
{
	bool bodiless = status == 204 || status == 304;
	struct evbuffer *out = bodiless || x->bare || body.len == 0 ? NULL : evbuffer_new();
	char length[24];

	metrics_request(
	    &x->worker->metrics, x->route, status, (uint64_t)(monotonic_us() - x->started_us));
	if (type != NULL && !bodiless)
		exchange_set(x, "Content-Type", type);
	snprintf(length, sizeof length, "%zu", body.len);
	if (!bodiless)
		exchange_set(x, "Content-Length", length); /* evhttp leaves it out for HTTP/1.0 */
	if (!is_set(x, "Cache-Control"))
		exchange_set(x, "Cache-Control", "no-store");
	if (x->last || x->worker->draining)
		exchange_set(x, "Connection", "close");
	if (out != NULL)
		evbuffer_add(out, body.ptr, body.len);
	if (x->gate != NULL)
		gate_answered(x->gate, x->request, out != NULL ? body.len : 0);
	/* To nobody, if the client has gone: then it only frees the request. */
	evhttp_send_reply(x->request, status, reason(status), out);
	if (x->gate != NULL)
		gate_write(x->gate);
	if (out != NULL)
		evbuffer_free(out);
	exchange_free(x);
}

static void
answer_json(struct exchange *x, int status, const char *sentence)
{
	char json[2 * SENTENCE_ROOM + 16];
	size_t n = (size_t)snprintf(json, sizeof json, "{\"error\":\"");

	for (const char *p = sentence; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			json[n++] = '\\';
		json[n++] = (unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e ? '?' : *p;
	}
	json[n++] = '"';
	json[n++] = '}';
	exchange_answer(x, status, "application/json", (struct assay_bytes){ (uint8_t *)json, n });
}

void
exchange_refuse(struct exchange *x, int status, const char *fmt, ...)
{
	const struct error_form *form = error_form_find(x->path);
	char sentence[SENTENCE_ROOM];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	if (n < 0)
		sentence[0] = '\0';
	if (form != NULL)
		form->answer(x, status, sentence);
	else
		answer_json(x, status, sentence);
}
