/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <openssl/err.h>

#include "exchange.h"
#include "../text.h"

enum {
	HELD_MAX =
	    128 * 1024 * 1024, /* of a worker: requests that are not whole, answers not taken */
	WRITE_MAX =
	    16 * 1024, /* what libevent writes at once: no client has more of ours in the kernel */
	READ_MAX = 32 * 1024, /* of a body, in one call */
	DISCARD_MAX =
	    4 * 1024 * 1024, /* of what is refused; then the answer goes out in spite of it */
};

/* Above all that there can be: evhttp is not called. */
static const size_t hold = SIZE_MAX;

/* How long a connection may stay in a phase. 0: for ever; our own handlers always answer. */
static const int64_t patience_ms[PHASE_COUNT] = {
	[PHASE_IDLE] = 75000,
	[PHASE_HEAD] = 10000,
	[PHASE_BODY] = 30000,
	[PHASE_DISCARD] = 5000,
	[PHASE_ANSWER] = 30000,
};

/* What evhttp sees of a request that is refused. */
static const char nothing[] = "GET / HTTP/1.1\r\nHost: -\r\nConnection: close\r\n\r\n";

static struct evbuffer *
input_of(const struct gate *g)
{
	return bufferevent_get_input(g->bev);
}

static void
enter(struct gate *g, enum phase phase)
{
	struct worker *w = g->worker;

	TAILQ_REMOVE(&w->phases[g->phase], g, place);
	g->phase = phase;
	g->since_ms = monotonic_ms();
	TAILQ_INSERT_TAIL(&w->phases[phase], g, place);
}

static void
weigh(struct gate *g, size_t bytes)
{
	g->worker->held += bytes - g->held;
	g->held = bytes;
}

/* It is freed in a moment: there is no memory, or no patience. */
static void
lose(struct gate *g)
{
	enter(g, PHASE_LOST);
	event_active(g->worker->settle_event, EV_TIMEOUT, 0);
}

/* Who does not take an answer goes before anybody is refused: it may be large, and asking for it cost a few
 * bytes. The one that has waited longest is first. */
static void
make_light(struct worker *w)
{
	struct gate *g;

	while (w->held > HELD_MAX && (g = TAILQ_FIRST(&w->phases[PHASE_ANSWER])) != NULL) {
		weigh(g, 0);
		lose(g);
		metric_count(w, "connections_refused_total", "reason", "slow");
	}
}

/* --- what is refused --------------------------------------------------------------------- */

/* Lets evhttp see something, at the end of this call of libevent's, or at trigger(). */
static void
let_through(struct gate *g, size_t whole)
{
	g->whole = whole;
	g->worker->passing = g;
	weigh(g, 0);
	enter(g, PHASE_BUSY);
	bufferevent_setwatermark(g->bev, EV_READ, 0, 0);
}

static void
answer_refusal(struct gate *g)
{
	struct evbuffer *input = input_of(g);

	evbuffer_drain(input, evbuffer_get_length(input));
	g->last = true;
	let_through(g, sizeof nothing - 1);
	evbuffer_add(input, nothing, sizeof nothing - 1);
}

/* Passes over what has come. Closing a socket with bytes that nobody read resets the connection, and the
 * client would not learn why. */
static void
discard(struct gate *g)
{
	struct evbuffer *input = input_of(g);
	size_t len = evbuffer_get_length(input);
	int more = 0;

	evbuffer_drain(input, len);
	if (g->discard != SIZE_MAX) {
		g->discard -= len < g->discard ? len : g->discard;
		if (g->discard == 0)
			answer_refusal(g);
		return;
	}
	g->whole += len;
	if (g->whole > DISCARD_MAX || ioctl(bufferevent_getfd(g->bev), FIONREAD, &more) != 0 ||
	    more == 0)
		answer_refusal(g);
}

static void refuse(struct gate *g, const struct head *head, size_t rest, int status,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* rest: how many bytes of the request are there or come; SIZE_MAX: nobody knows. */
static void
refuse(struct gate *g, const struct head *head, size_t rest, int status, const char *fmt, ...)
{
	size_t len = strlen(head->path);
	struct refusal *r = calloc(1, sizeof *r + len + 1);
	va_list ap;

	if (r == NULL) {
		lose(g);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(r->sentence, sizeof r->sentence, fmt, ap);
	va_end(ap);
	r->status = status;
	r->bare = strcmp(head->method, "HEAD") == 0;
	memcpy(r->path, head->path, len);
	g->refusal = r;
	g->route = NULL;
	g->whole = 0;
	/* Who waits for 100 Continue sends nothing more. */
	g->discard = head->expects                   ? SIZE_MAX
	    : rest != SIZE_MAX && rest > DISCARD_MAX ? DISCARD_MAX
						     : rest;
	enter(g, PHASE_DISCARD);
	discard(g);
}

/* A refusal whose head cannot be read: its first line may say which form of errors its path has. */
static void
refuse_line(struct gate *g, int status, const char *sentence)
{
	struct evbuffer *input = input_of(g);
	struct evbuffer_ptr eol = evbuffer_search(input, "\r\n", 2, NULL);
	struct head head = { .method = "", .path = "", .query = "" };
	char line[1024];
	const char *why;

	if (eol.pos > 0 && (size_t)eol.pos + 4 <= sizeof line) {
		size_t n = (size_t)eol.pos + 2;
		evbuffer_copyout(input, line, n);
		memcpy(line + n, "\r\n", 2);
		if (head_end(line, n + 2, 0) == n + 2)
			(void)head_read(&head, line, n + 2, &why);
	}
	head.expects = false;
	refuse(g, &head, SIZE_MAX, status, "%s", sentence);
}

/* --- what is taken ----------------------------------------------------------------------- */

/* Bytes beyond the request would be the next one. Nobody we know sends two at once; who does gets one
 * answer, and asks again on another connection. */
static void
cut(struct gate *g, size_t keep)
{
	struct evbuffer *input = input_of(g), *kept;

	if (evbuffer_get_length(input) <= keep)
		return;
	g->last = true;
	kept = evbuffer_new();
	if (kept == NULL || evbuffer_remove_buffer(input, kept, keep) != (int)keep) {
		evbuffer_drain(input, evbuffer_get_length(input));
		lose(g);
	} else {
		evbuffer_drain(input, evbuffer_get_length(input));
		evbuffer_add_buffer(input, kept);
	}
	if (kept != NULL)
		evbuffer_free(kept);
}

/* evhttp must not know of it: it would take the end of this writing for that of its own. */
static void
send_continue(struct gate *g)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (!g->tls)
		(void)send(
		    bufferevent_getfd(g->bev), text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	else
		(void)SSL_write(bufferevent_openssl_get_ssl(g->bev), text, sizeof text - 1);
	ERR_clear_error();
}

/* Of others evhttp leaves the body where it is, and would take it for the next request. */
static bool
has_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	    strcmp(method, "PATCH") == 0;
}

/* Of others evhttp makes an error page. CONNECT and TRACE are for nobody here. */
static bool
is_known(const char *method)
{
	return has_body(method) || strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0 ||
	    strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
}

/* What the table says to a request whose head is read. */
static void
admit(struct gate *g, const struct head *head, size_t size)
{
	char allow[ALLOW_ROOM];
	size_t have = evbuffer_get_length(input_of(g));
	size_t rest = size + (size_t)head->length;

	g->route = route_find(allow, head->method, head->path);
	if (g->route == NULL && allow[0] != '\0') {
		refuse(g, head, rest, 405, "this path takes %s", allow);
		if (g->refusal != NULL)
			memcpy(g->refusal->allow, allow, sizeof allow);
	} else if (g->route == NULL) {
		refuse(g, head, rest, 404, "there is no such path");
	} else if (!is_known(head->method)) {
		refuse(g, head, rest, 501, "there is no such method");
	} else if (head->length > 0 && (g->route->body_max == 0 || !has_body(head->method))) {
		refuse(g, head, rest, 413, "no body is taken here");
	} else if (head->length > g->route->body_max) {
		refuse(g, head, rest, 413, "the body is longer than %zu bytes", g->route->body_max);
	} else if (have < rest) {
		g->whole = rest;
		g->last = !head->keep_alive;
		enter(g, PHASE_BODY);
		if (head->expects && have == size)
			send_continue(g);
	} else {
		g->last = !head->keep_alive;
		let_through(g, rest);
		cut(g, rest);
	}
}

static void
read_head(struct gate *g, const char *text, size_t size)
{
	struct head head;
	const char *why = "";
	char *copy = malloc(size);

	if (copy == NULL) {
		refuse_line(g, 503, "out of memory");
		return;
	}
	memcpy(copy, text, size);
	int status = head_read(&head, copy, size, &why);
	if (status != 0)
		refuse(g, &head, SIZE_MAX, status, "%s", why);
	else
		admit(g, &head, size);
	explicit_bzero(copy, size);
	free(copy);
}

static void
look_at_head(struct gate *g)
{
	struct evbuffer *input = input_of(g);
	char empty[2];

	/* RFC 9112, 2.2: an empty line before a request is passed over. */
	while (evbuffer_copyout(input, empty, 2) == 2 && memcmp(empty, "\r\n", 2) == 0)
		evbuffer_drain(input, 2);
	size_t len = evbuffer_get_length(input), seen = len < HEAD_MAX ? len : HEAD_MAX;
	if (len == 0)
		return;
	if (g->phase == PHASE_IDLE) {
		enter(g, PHASE_HEAD);
		g->scanned = 0;
	}
	const char *text = (const char *)evbuffer_pullup(input, (ssize_t)seen);
	size_t size = text != NULL ? head_end(text, seen, g->scanned) : SIZE_MAX;
	if (size == SIZE_MAX)
		refuse_line(g, 400, "this is no HTTP request");
	else if (size > 0)
		read_head(g, text, size);
	else if (seen == HEAD_MAX)
		refuse_line(g, 431, "the head is longer than 16384 bytes");
	else
		g->scanned = seen;
}

/* libevent reads 4 KiB in a turn of the loop, with three calls for them: so more of a body, if it has come, is
 * taken here. The end of a connection, and errors, are still libevent's. */
static void
take_body(struct gate *g)
{
	struct evbuffer *input = input_of(g);
	size_t have = evbuffer_get_length(input);
	uint8_t room[READ_MAX];

	if (!g->tls && have < g->whole) {
		size_t want = g->whole - have < sizeof room ? g->whole - have : sizeof room;
		ssize_t n = recv(bufferevent_getfd(g->bev), room, want, MSG_DONTWAIT);
		bool added = n <= 0 || evbuffer_add(input, room, (size_t)n) == 0;
		explicit_bzero(room, n > 0 ? (size_t)n : 0);
		if (!added) {
			lose(g);
			return;
		}
		have = evbuffer_get_length(input);
	}
	if (have >= g->whole) {
		let_through(g, g->whole);
		cut(g, g->whole);
	}
}

/* Bytes have come, and evhttp has not seen them. */
static void
came(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct gate *g = arg;
	struct worker *w = g->worker;

	if (info->n_added == 0 || w->looking)
		return;
	w->looking = true; /* what we do to the buffer ourselves is no news */
	size_t len = evbuffer_get_length(input);
	switch (g->phase) {
	case PHASE_IDLE:
	case PHASE_HEAD:
		look_at_head(g);
		break;
	case PHASE_BODY:
		break;
	case PHASE_DISCARD:
		discard(g);
		break;
	case PHASE_BUSY:
		cut(g, w->passing == g ? g->whole : 0);
		break;
	case PHASE_NEW:
	case PHASE_ANSWER:
	case PHASE_LOST:
	case PHASE_COUNT:
		evbuffer_drain(input, len);
		break;
	}
	if (g->phase == PHASE_BODY)
		take_body(g);
	if (g->phase == PHASE_HEAD || g->phase == PHASE_BODY)
		weigh(g, evbuffer_get_length(input));
	make_light(w);
	if (w->held > HELD_MAX && (g->phase == PHASE_HEAD || g->phase == PHASE_BODY))
		refuse_line(g, 503, "too many requests are on their way; try again");
	w->looking = false;
}

/* --- connections ------------------------------------------------------------------------- */

static void
gate_free(struct gate *g)
{
	struct worker *w = g->worker;

	if (w->passing == g)
		w->passing = NULL;
	if (g->x != NULL)
		g->x->gate = NULL;
	weigh(g, 0);
	TAILQ_REMOVE(&w->phases[g->phase], g, place);
	free(g->refusal);
	free(g);
	atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
}

/* evhttp frees the connection. */
static void
closed(struct evhttp_connection *connection, void *arg)
{
	(void)connection;
	ERR_clear_error();
	gate_free(arg);
}

/* Full: who have waited longest without a request of their own make room, until so many are left. */
static void
make_room(struct worker *w, size_t left)
{
	static const enum phase order[] = { PHASE_DISCARD, PHASE_IDLE, PHASE_HEAD, PHASE_BODY,
		PHASE_ANSWER };

	for (size_t i = 0; i < sizeof order / sizeof order[0];) {
		struct gate *g = TAILQ_FIRST(&w->phases[order[i]]);
		if (atomic_load_explicit(&w->connections, memory_order_relaxed) <= left)
			return;
		if (g == NULL) {
			i++;
			continue;
		}
		evhttp_connection_free(g->connection);
		metric_count(w, "connections_refused_total", "reason", "full");
	}
}

static struct bufferevent *
new_bufferevent(struct worker *w, bool tls)
{
	if (!tls)
		return bufferevent_socket_new(w->base, -1, BEV_OPT_CLOSE_ON_FREE);
	worker_renew(w);
	SSL *ssl = w->tls != NULL ? SSL_new(w->tls) : NULL;
	if (ssl == NULL)
		return NULL;
	return bufferevent_openssl_socket_new(
	    w->base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

/* NULL leaves evhttp to itself, without a gate and without TLS: gate_request() refuses what comes. */
struct bufferevent *
gate_open(struct event_base *base, void *arg)
{
	struct door *door = arg;
	struct worker *w = door->worker;
	struct gate *g = calloc(1, sizeof *g);
	struct bufferevent *bev = g != NULL ? new_bufferevent(w, door->tls) : NULL;

	(void)base;
	if (bev == NULL || evbuffer_add_cb(bufferevent_get_input(bev), came, g) == NULL) {
		if (bev != NULL)
			bufferevent_free(bev);
		free(g);
		return NULL;
	}
	make_room(w, w->server->connections_max - 1);
	*g = (struct gate){
		.worker = w, .bev = bev, .phase = PHASE_NEW, .tls = door->tls, .local = door->local
	};
	TAILQ_INSERT_TAIL(&w->phases[PHASE_NEW], g, place);
	atomic_fetch_add_explicit(&w->connections, 1, memory_order_relaxed);
	bufferevent_setwatermark(bev, EV_READ, hold, 0);
	event_active(w->settle_event, EV_TIMEOUT, 0);
	worker_share(w);
	return bev;
}

void
gates_settle(struct worker *w)
{
	struct gate *g;

	while ((g = TAILQ_FIRST(&w->phases[PHASE_NEW])) != NULL) {
		void *connection = NULL;
		/* evhttp's own calls have its connection as their argument. */
		bufferevent_getcb(g->bev, NULL, NULL, NULL, &connection);
		g->connection = connection;
		evhttp_connection_set_closecb(g->connection, closed, g);
		enter(g, PHASE_IDLE);
	}
	while ((g = TAILQ_FIRST(&w->phases[PHASE_LOST])) != NULL)
		evhttp_connection_free(g->connection);
	/* Of those that come in one turn none can make room for the next: their end is not known yet. They
	 * may have taken the last descriptor, and then nobody comes who could ask for room. */
	make_room(w, w->server->connections_max);
}

void
gate_request(struct evhttp_request *request, void *arg)
{
	struct door *door = arg;
	struct worker *w = door->worker;
	struct gate *g = w->passing;
	struct evhttp_connection *connection = evhttp_request_get_connection(request);

	w->passing = NULL;
	if (g == NULL || g->connection != connection) {
		log_say("a request came past its gate: out of memory");
		evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Connection", "close");
		evhttp_send_reply(request, 503, "Service Unavailable", NULL);
		return;
	}
	if (g->refusal != NULL)
		exchange_turn_away(g, request);
	else
		exchange_begin(g, request);
}

static void
taken(struct evhttp_request *request, void *arg)
{
	struct gate *g = arg;

	(void)request;
	if (g->phase != PHASE_ANSWER)
		return;
	weigh(g, 0);
	enter(g, PHASE_IDLE);
}

void
gate_answered(struct gate *g, struct evhttp_request *request, size_t bytes)
{
	g->x = NULL;
	g->last = false;
	free(g->refusal);
	g->refusal = NULL;
	weigh(g, bytes);
	make_light(g->worker); /* before it is one of them */
	enter(g, PHASE_ANSWER);
	bufferevent_setwatermark(g->bev, EV_READ, hold, 0);
	evhttp_request_set_on_complete_cb(request, taken, g);
}

/* Most sockets take an answer at once. Left to itself, libevent would ask the system first whether this one
 * does: three calls more for each answer, and a turn of the loop. What is left, and errors, are still its. */
void
gate_write(struct gate *g)
{
	struct evbuffer *out = bufferevent_get_output(g->bev);

	if (g->tls)
		return;
	evbuffer_unfreeze(out, 1); /* outside its writing, a socket's buffer loses nothing */
	int n = evbuffer_write_atmost(out, bufferevent_getfd(g->bev), WRITE_MAX);
	evbuffer_freeze(out, 1);
	if (n < 0 || evbuffer_get_length(out) > 0)
		return;
	bufferevent_disable(g->bev, EV_WRITE); /* evhttp enables it for the next answer */
	bufferevent_trigger(
	    g->bev, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

/* --- time -------------------------------------------------------------------------------- */

static void
out_of_patience(struct gate *g)
{
	struct worker *w = g->worker;

	if (g->phase == PHASE_IDLE || g->phase == PHASE_ANSWER) {
		evhttp_connection_free(g->connection);
		return;
	}
	w->looking = true;
	/* Outside its reading, the input of a socket takes nothing. */
	if (!g->tls)
		evbuffer_unfreeze(input_of(g), 0);
	if (g->phase == PHASE_DISCARD)
		answer_refusal(g);
	else
		refuse_line(g, 408, "the request did not come in time");
	if (!g->tls)
		evbuffer_freeze(input_of(g), 0);
	w->looking = false;
	if (g->phase == PHASE_BUSY)
		bufferevent_trigger(g->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
}

void
gates_sweep(struct worker *w)
{
	int64_t now = monotonic_ms();
	struct gate *g;

	for (enum phase p = 0; p < PHASE_COUNT; p++)
		while (patience_ms[p] > 0 && (g = TAILQ_FIRST(&w->phases[p])) != NULL &&
		    now - g->since_ms > patience_ms[p])
			out_of_patience(g);
	if (w->draining)
		gates_drain(w);
}

void
gates_drain(struct worker *w)
{
	struct gate *g;

	w->draining = true;
	gates_settle(w);
	while ((g = TAILQ_FIRST(&w->phases[PHASE_IDLE])) != NULL)
		evhttp_connection_free(g->connection);
}
