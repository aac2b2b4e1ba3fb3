/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "http/head.h"
#include "job.h"
#include "local.h"
#include "lockdown.h"
#include "text.h"

enum {
	EXIT_DONE = 0,
	EXIT_TROUBLE = 4,
	CLIENTS_MAX = 64,
	CLIENTS_PER_USER = 48, /* so that there are some left for another */
	JOBS_PER_USER = 12,    /* of JOB_MOST, for the same */
	ACCEPTS = 16,          /* at a time: what else there is to do waits for them */
	REQUEST_S = 5,
	ANSWER_S = 30, /* that the client takes it */
	GRACE_S = 5,   /* past a job's own time */
	TICK_MS = 500,
	HEAD_ROOM = 512,
};

/* One connection, of one request. */
struct client {
	LIST_ENTRY(client) place;
	struct front *front;
	struct bufferevent *bev; /* to the client */
	struct bufferevent *job; /* from the job; NULL: there is none */
	int64_t since_ms;
	uint32_t uid; /* over TCP none, as if all were one user */
	bool may_ask, tcp, closing;
};

struct front {
	struct front_orders orders;
	const struct front_ends *ends;
	struct event_base *base;
	struct event *accepting[AGENT_LISTEN_MAX], *told, *tick;
	LIST_HEAD(client_list, client) clients;
	size_t count, strangers;
	bool stopping;
};

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
is_same_user(const struct client *a, const struct client *b)
{
	return a->uid == b->uid && a->tcp == b->tcp;
}

static void
set_accepting(struct front *f, bool on)
{
	for (size_t i = 0; i < f->ends->listening_count; i++) {
		if (on)
			event_add(f->accepting[i], NULL);
		else
			event_del(f->accepting[i]);
	}
}

static void
end_client(struct client *c)
{
	struct front *f = c->front;

	LIST_REMOVE(c, place);
	f->strangers -= !c->may_ask;
	if (f->count-- == CLIENTS_MAX && !f->stopping)
		set_accepting(f, true);
	if (c->job != NULL)
		bufferevent_free(c->job);
	bufferevent_free(c->bev);
	free(c);
}

/* --- answers ----------------------------------------------------------------------------- */

static const char *
reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = { { 200, "OK" }, { 400, "Bad Request" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 413, "Content Too Large" }, { 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Refused";
}

/* What stands in the output goes out, then the connection ends. */
static void
finish(struct client *c)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };

	c->closing = true;
	bufferevent_disable(c->bev, EV_READ);
	bufferevent_set_timeouts(c->bev, NULL, &patience);
	bufferevent_enable(c->bev, EV_WRITE);
}

static void
put_head(struct client *c, int status, enum job_type type, size_t len)
{
	static const char *const types[] = { [JOB_JSON] = "application/json",
		[JOB_BYTES] = "application/octet-stream",
		[JOB_CBOR] = "application/cmw+cbor" };
	char head[HEAD_ROOM];
	int n = snprintf(head, sizeof head,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sCache-Control: "
	    "no-store\r\nConnection: close\r\n\r\n",
	    status, reason_of(status), types[type], len, status == 405 ? "Allow: GET\r\n" : "");

	bufferevent_write(c->bev, head, (size_t)n);
}

static void
refuse(struct client *c, int status, const char *why)
{
	char body[2 * QUERY_WHY + 32];
	size_t n = (size_t)snprintf(body, sizeof body, "{\"error\":\"");

	for (const char *p = why; *p != '\0' && n + 8 < sizeof body; p++) {
		if (*p == '"' || *p == '\\')
			body[n++] = '\\';
		body[n++] = (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f ? *p : '?';
	}
	memcpy(body + n, "\"}\n", 3);
	put_head(c, status, JOB_JSON, n + 3);
	bufferevent_write(c->bev, body, n + 3);
	finish(c);
}

/* --- the job ----------------------------------------------------------------------------- */

/* Whole, or it is none: what a job that broke off has written is not passed on. */
static void
take_answer(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->job);
	uint8_t head[JOB_HEAD] = { 0 };
	size_t have = evbuffer_get_length(in), len = 0;

	evbuffer_copyout(in, head, sizeof head);
	for (int i = 0; i < 4; i++)
		len |= (size_t)head[4 + i] << (8 * i);
	int status = head[0] | head[1] << 8;
	if (have < JOB_HEAD || have - JOB_HEAD != len || status < 200 || status > 599 ||
	    head[2] > JOB_CBOR) {
		refuse(c, 502, "the request could not be done; the agent's journal says why");
		return;
	}
	evbuffer_drain(in, JOB_HEAD);
	put_head(c, status, (enum job_type)head[2], len);
	bufferevent_write_buffer(c->bev, in);
	finish(c);
}

static void
end_job(struct client *c)
{
	bufferevent_free(c->job);
	c->job = NULL;
}

static void
on_job_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if (what & BEV_EVENT_EOF)
		take_answer(c);
	else
		refuse(c, what & BEV_EVENT_TIMEOUT ? 504 : 502,
		    what & BEV_EVENT_TIMEOUT ? "the request took too long"
					     : "the request could not be done");
	end_job(c);
}

static void
on_job_bytes(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	if (evbuffer_get_length(bufferevent_get_input(bev)) <= JOB_ANSWER_MAX + JOB_HEAD)
		return;
	refuse(c, 502, "the answer is longer than 16 MiB");
	end_job(c);
}

static void
start_job(struct client *c, const struct job *job)
{
	const struct timeval patience = { .tv_sec = c->front->orders.timeout_s + GRACE_S };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		refuse(c, 503, "no more can be done at once; try again");
		return;
	}
	/* The parent's end of the stream goes along. */
	bool sent = local_send(c->front->ends->jobs, job, sizeof *job, pair[1], MSG_DONTWAIT) ==
	    sizeof *job;
	close(pair[1]);
	evutil_make_socket_nonblocking(pair[0]);
	if (sent)
		c->job = bufferevent_socket_new(c->front->base, pair[0], BEV_OPT_CLOSE_ON_FREE);
	if (c->job == NULL) {
		close(pair[0]);
		refuse(c, 503, "no more can be done at once; try again");
		return;
	}
	bufferevent_setcb(c->job, on_job_bytes, NULL, on_job_event, c);
	bufferevent_set_timeouts(c->job, &patience, NULL);
	bufferevent_enable(c->job, EV_READ);
}

static bool
has_all_its_jobs(const struct client *new)
{
	const struct client *c;
	size_t n = 0;

	LIST_FOREACH(c, &new->front->clients, place)
	n += c->job != NULL && is_same_user(c, new);
	return n >= JOBS_PER_USER;
}

/* --- the request ------------------------------------------------------------------------- */

/* A browser that was sent here says for whom, or whence: no page of anybody's may ask over the loopback. */
static bool
is_foreign(const struct head *head)
{
	static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };
	const char *host = head_field(head, "Host");

	if (head_count(head, "Origin") > 0 || head_count(head, "Sec-Fetch-Site") > 0)
		return true;
	for (size_t i = 0; host != NULL && i < sizeof names / sizeof names[0]; i++) {
		size_t n = strlen(names[i]);
		if (strncasecmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':'))
			return false;
	}
	return host != NULL;
}

static void
judge(struct client *c, const struct head *head)
{
	char why[QUERY_WHY] = "";
	struct job job;
	int status;

	if (!c->may_ask)
		refuse(c, 403, "this user may not ask; see allow-uid in assay-agentd(8)");
	else if (c->tcp && is_foreign(head))
		refuse(c, 403, "asked under another name than this machine's, or by a page");
	else if (strcmp(head->method, "GET") != 0)
		refuse(c, 405, "only GET is done here");
	else if (head->length > 0)
		refuse(c, 413, "a GET has no body here");
	else if ((status = query_read(&job, head->path, head->query, why)) != 0)
		refuse(c, status, why);
	else if (has_all_its_jobs(c))
		refuse(c, 503, "too many requests of this user are at work; try again");
	else
		start_job(c, &job);
}

static void
on_bytes(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t have = evbuffer_get_length(in);
	const char *why = "the request cannot be read";
	struct head head;

	if (c->job != NULL || c->closing)
		return; /* a second request, which is never read */
	char *text = (char *)evbuffer_pullup(in, -1);
	size_t end = text != NULL ? head_end(text, have, 0) : SIZE_MAX;
	if (end == 0 && have < HEAD_MAX)
		return;
	bufferevent_disable(bev, EV_READ);
	int status = end == SIZE_MAX     ? 400
	    : end == 0 || end > HEAD_MAX ? 431
					 : head_read(&head, text, end, &why);
	if (status != 0)
		refuse(c, status, why);
	else
		judge(c, &head);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	if (c->closing && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		end_client(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	(void)what; /* end, time-out, error: nobody is left to be told */
	end_client(c);
}

/* --- connections ------------------------------------------------------------------------- */

/* Room for this one, beside the others of its user: the one that has been silent longest goes, if one is. */
static bool
make_room(const struct front *f, const struct client *new)
{
	struct client *c, *silent = NULL;
	size_t n = 0;

	if (!new->may_ask)
		return f->strangers < STRANGERS_MAX;
	LIST_FOREACH(c, &f->clients, place) /* the newest first */
	{
		if (!is_same_user(c, new))
			continue;
		n++;
		if (c->job == NULL && !c->closing)
			silent = c;
	}
	if (n < CLIENTS_PER_USER)
		return true;
	if (silent != NULL)
		end_client(silent);
	return silent != NULL;
}

static void
take_connection(struct front *f, int fd, bool local)
{
	struct client *c = calloc(1, sizeof *c);
	struct caller caller = { .uid = 0 };

	if (c != NULL) {
		c->tcp = !local;
		c->may_ask = !local ||
		    (caller_read(&caller, fd) && callers_may_ask(&f->orders.callers, &caller));
		c->uid = caller.uid;
	}
	if (c != NULL && make_room(f, c))
		c->bev = bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->bev == NULL) {
		free(c);
		close(fd);
		return;
	}
	c->front = f;
	c->since_ms = now_ms();
	f->strangers += !c->may_ask;
	LIST_INSERT_HEAD(&f->clients, c, place);
	if (++f->count == CLIENTS_MAX)
		set_accepting(f, false);
	bufferevent_setcb(c->bev, on_bytes, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, HEAD_MAX);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void
on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct front *f = arg;
	bool local = true;
	int fd = -1;

	(void)what;
	for (size_t i = 0; i < f->ends->listening_count; i++)
		if (f->ends->listening[i].fd == listener)
			local = f->ends->listening[i].local;
	for (int i = 0; i < ACCEPTS && f->count < CLIENTS_MAX; i++) {
		if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
			break;
		take_connection(f, fd, local);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	struct client *c, *next;
	int64_t late = now_ms() - REQUEST_S * 1000;

	(void)fd;
	(void)what;
	/* One that sends a byte now and then has not more time than any other. */
	for (c = LIST_FIRST(&f->clients); c != NULL; c = next) {
		next = LIST_NEXT(c, place);
		if (c->job == NULL && !c->closing && c->since_ms < late)
			refuse(c, 408, "the request did not come in time");
	}
	if (f->stopping && f->count == 0)
		event_base_loopbreak(f->base);
}

static void
on_control(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	struct front_orders orders;
	ssize_t n = recv(fd, &orders, sizeof orders, MSG_DONTWAIT);

	(void)what;
	if (n == sizeof orders)
		f->orders = orders;
	if (n != 0)
		return;
	f->stopping = true;
	event_del(f->told);
	set_accepting(f, false);
}

static bool
open_front(struct front *f)
{
	const struct timeval period = { .tv_usec = TICK_MS * 1000 };

	if ((f->base = event_base_new()) == NULL)
		return false;
	for (size_t i = 0; i < f->ends->listening_count; i++) {
		f->accepting[i] = event_new(
		    f->base, f->ends->listening[i].fd, EV_READ | EV_PERSIST, on_connection, f);
		if (f->accepting[i] == NULL)
			return false;
	}
	set_accepting(f, true);
	f->told = event_new(f->base, f->ends->control, EV_READ | EV_PERSIST, on_control, f);
	f->tick = event_new(f->base, -1, EV_PERSIST, on_tick, f);
	return f->told != NULL && f->tick != NULL && event_add(f->told, NULL) == 0 &&
	    event_add(f->tick, &period) == 0;
}

static void
close_front(struct front *f)
{
	f->stopping = true;
	while (!LIST_EMPTY(&f->clients))
		end_client(LIST_FIRST(&f->clients));
	for (size_t i = 0; i < f->ends->listening_count; i++)
		if (f->accepting[i] != NULL)
			event_free(f->accepting[i]);
	if (f->told != NULL)
		event_free(f->told);
	if (f->tick != NULL)
		event_free(f->tick);
	if (f->base != NULL)
		event_base_free(f->base);
}

int
front_run(
    const struct agent_options *o, const struct callers *callers, const struct front_ends *ends)
{
	struct front f = { .orders = { *callers, o->timeout_s }, .ends = ends };
	int rc = EXIT_TROUBLE;

	LIST_INIT(&f.clients);
	if (!open_front(&f))
		log_say("out of memory");
	else if (lockdown_front(o))
		rc = event_base_dispatch(f.base) < 0 ? EXIT_TROUBLE : EXIT_DONE;
	close_front(&f);
	return rc;
}
