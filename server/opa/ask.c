/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of one worker: each has a connection of its own, so that a slow one delays no other. */
#include "opa.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "../text.h"

enum {
	TIMEOUT_S = 2,
	WHY_ROOM = 128,
	HEADERS_MAX = 16 * 1024,
	QUESTIONS_MAX = 128, /* at once: descriptors are for clients, too */
	COMPLAIN_S = 10,     /* the same trouble is not said more often */
};

struct question {
	TAILQ_ENTRY(question) place;
	struct opa_line *line;
	struct evhttp_connection *connection;
	struct event *timer;
	bool too_large;
	opa_done *done; /* NULL: it is answered */
	void *arg;
};
TAILQ_HEAD(questions, question);

struct opa_line {
	struct event_base *base;
	struct opa_address address;
	char authority[OPA_HOST_ROOM + 16]; /* for Host */
	struct questions waiting, answered;
	size_t count; /* of both */
	struct event
	    *sweep; /* frees what is answered: not under the feet of evhttp, which calls us */
	char complaint[WHY_ROOM];
	time_t complained;
};

/* --- answered ---------------------------------------------------------------------------- */

static void
question_free(struct question *q, struct questions *from)
{
	TAILQ_REMOVE(from, q, place);
	q->line->count--;
	if (q->connection != NULL)
		evhttp_connection_free(q->connection);
	if (q->timer != NULL)
		event_free(q->timer);
	free(q);
}

static void
sweep(evutil_socket_t fd, short what, void *arg)
{
	struct opa_line *l = arg;
	struct question *q;

	(void)fd;
	(void)what;
	while ((q = TAILQ_FIRST(&l->answered)) != NULL)
		question_free(q, &l->answered);
}

static void
complain(struct opa_line *l, const char *why)
{
	time_t now = time(NULL);

	if (strcmp(l->complaint, why) == 0 && now >= l->complained &&
	    now - l->complained < COMPLAIN_S)
		return;
	snprintf(l->complaint, sizeof l->complaint, "%s", why);
	l->complained = now;
	log_say("opa: no secret is released that it must judge: %s", why);
}

static void
end(struct question *q, enum opa_verdict verdict, const char *why)
{
	struct opa_line *l = q->line;
	opa_done *done = q->done;

	if (done == NULL)
		return;
	q->done = NULL;
	(void)event_del(q->timer);
	TAILQ_REMOVE(&l->waiting, q, place);
	TAILQ_INSERT_TAIL(&l->answered, q, place);
	event_active(l->sweep, EV_TIMEOUT, 0);
	if (verdict == OPA_TROUBLE)
		complain(l, why);
	done(q->arg, verdict, why);
}

static void
out_of_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end(arg, OPA_TROUBLE, "it did not answer within 2 s");
}

/* Called before came(). */
static void
failed(enum evhttp_request_error error, void *arg)
{
	struct question *q = arg;

	q->too_large = error == EVREQ_HTTP_DATA_TOO_LONG;
}

static void
came(struct evhttp_request *request, void *arg)
{
	struct question *q = arg;
	int status = request != NULL ? evhttp_request_get_response_code(request) : 0;
	char text[WHY_ROOM];
	const char *why;

	if (status == 200) {
		struct evbuffer *in = evhttp_request_get_input_buffer(request);
		size_t len = evbuffer_get_length(in);
		struct assay_bytes body = { len > 0 ? evbuffer_pullup(in, -1) : NULL, len };
		enum opa_verdict verdict = opa_answer_read(&why, body);
		end(q, verdict, why);
	} else if (status != 0) {
		snprintf(text, sizeof text, "its answer has status %d, and not 200", status);
		end(q, OPA_TROUBLE, text);
	} else if (q->too_large)
		end(q, OPA_TROUBLE, "its answer is longer than 64 KiB");
	else
		end(q, OPA_TROUBLE, "it cannot be reached, or its answer is no HTTP");
}

/* --- asking ------------------------------------------------------------------------------ */

static struct evhttp_request *
new_request(struct question *q, struct assay_bytes body)
{
	struct evhttp_request *request = evhttp_request_new(came, q);

	if (request == NULL)
		return NULL;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	evhttp_request_set_error_cb(request, failed);
	if (evhttp_add_header(headers, "Host", q->line->authority) != 0 ||
	    evhttp_add_header(headers, "Content-Type", "application/json") != 0 ||
	    evhttp_add_header(headers, "Connection", "close") != 0 ||
	    evbuffer_add(evhttp_request_get_output_buffer(request), body.ptr, body.len) != 0) {
		evhttp_request_free(request);
		return NULL;
	}
	return request;
}

/* Puts it among those that wait. NULL: no memory. */
static struct question *
question_new(struct opa_line *l, opa_done *done, void *arg)
{
	const struct timeval patience = { .tv_sec = TIMEOUT_S };
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	*q = (struct question){ .line = l, .done = done, .arg = arg };
	TAILQ_INSERT_TAIL(&l->waiting, q, place);
	l->count++;
	q->timer = event_new(l->base, -1, 0, out_of_time, q);
	q->connection = evhttp_connection_base_bufferevent_new(
	    l->base, NULL, NULL, l->address.host, l->address.port);
	if (q->timer == NULL || q->connection == NULL || event_add(q->timer, &patience) != 0) {
		question_free(q, &l->waiting);
		return NULL;
	}
	evhttp_connection_set_max_headers_size(q->connection, HEADERS_MAX);
	evhttp_connection_set_max_body_size(q->connection, OPA_ANSWER_MAX);
	return q;
}

void
opa_ask(struct opa_line *l, struct assay_bytes body, opa_done *done, void *arg)
{
	static const char no_memory[] = "there was no memory to ask it";
	struct evhttp_request *request = NULL;
	struct question *q;

	if (l->count >= QUESTIONS_MAX) {
		done(arg, OPA_TROUBLE, "too many questions wait for its answer");
		return;
	}
	if ((q = question_new(l, done, arg)) != NULL && (request = new_request(q, body)) == NULL)
		question_free(q, &l->waiting);
	if (request == NULL)
		done(arg, OPA_TROUBLE, no_memory);
	/* The request is the connection's; came() may have been called already. */
	else if (evhttp_make_request(q->connection, request, EVHTTP_REQ_POST, l->address.path) != 0)
		end(q, OPA_TROUBLE, no_memory);
}

/* --- life -------------------------------------------------------------------------------- */

struct opa_line *
opa_line_new(struct event_base *base, const struct opa_address *address)
{
	struct opa_line *l = calloc(1, sizeof *l);
	bool six = strchr(address->host, ':') != NULL;

	if (l == NULL)
		return NULL;
	l->base = base;
	l->address = *address;
	snprintf(l->authority, sizeof l->authority, "%s%s%s:%u", six ? "[" : "", address->host,
	    six ? "]" : "", address->port);
	TAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->answered);
	l->sweep = event_new(base, -1, 0, sweep, l);
	if (l->sweep == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
opa_line_free(struct opa_line *l)
{
	struct question *q;

	if (l == NULL)
		return;
	while ((q = TAILQ_FIRST(&l->waiting)) != NULL)
		end(q, OPA_TROUBLE, "the server stops");
	sweep(-1, 0, l);
	event_free(l->sweep);
	free(l);
}
