/* SPDX-License-Identifier: Apache-2.0 */
#include "quoter.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "../address.h"
#include "../line.h"
#include "../lockdown.h"
#include "../options.h"
#include "confine.h"
#include "service.h"
#include "text.h"
#include "wire.h"

enum {
	EXIT_DONE = 0,
	EXIT_TROUBLE = 4,
	WHY = 160,
	PAUSE_MS =
	    100, /* when all have failed, before the next round; then twice that, and so on */
	PAUSE_MOST_MS = 2000,
	AGAIN_MS = 5000,   /* one that is down is tried again so often */
	CONNECT_MS = 2000, /* whether it takes a connection */
	FAILURES_DOWN = 3, /* without an answer, one behind the other; no connection: at once */
};

struct source {
	struct quoter *quoter;
	uint32_t number;
	struct address address;
	bool known, up;
	unsigned failures;
	int64_t again_ms;       /* down: when it may be tried as if it was not */
	struct exchange *probe; /* does it take a connection? */
};

/* A request of a guest's. */
struct job {
	struct job *next, **back;
	struct quoter *quoter;
	uint32_t id, type;
	int64_t until_ms;
	unsigned round, tried; /* bits: the sources that have been in this round */
	struct source *source; /* of the exchange */
	struct exchange *exchange;
	struct event *pause;
	char why[WHY]; /* the last failure */
	size_t len;
	uint8_t message[];
};

struct quoter {
	struct event_base *base;
	struct line *front;
	struct event *tick;
	struct source sources[SOURCES_MAX];
	size_t count;
	struct job *jobs;
	int code;
};

static struct assay_bytes
text(const char *s)
{
	return (struct assay_bytes){ (const uint8_t *)s, strlen(s) };
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- health ------------------------------------------------------------------------------ */

static void
tell_health(const struct source *s, const char *why)
{
	uint8_t answers[8];
	struct ipc_message m = { .id = s->number, .op = LINE_HEALTH, .count = 2 };

	m.field[0] = ipc_u64(answers, s->up ? 1 : 0);
	m.field[1] = text(why);
	line_send(s->quoter->front, &m);
}

static void
has_answered(struct source *s)
{
	bool news = !s->known || !s->up;

	s->known = s->up = true;
	s->failures = 0;
	if (news)
		tell_health(s, "");
}

/* no_way: nobody takes a connection; else one failure may be of the request, and not of the service. */
static void
has_failed(struct source *s, bool no_way, const char *why)
{
	s->failures = no_way ? FAILURES_DOWN : s->failures + 1;
	if (s->failures < FAILURES_DOWN)
		return;
	bool news = !s->known || s->up;
	s->known = true;
	s->up = false;
	s->again_ms = now_ms() + AGAIN_MS;
	if (news)
		tell_health(s, why);
}

static void
on_probe(void *arg, enum exchange_end how, struct assay_bytes answer, const char *why)
{
	struct source *s = arg;

	(void)answer;
	if (how == EXCHANGE_DONE)
		has_answered(s);
	else
		has_failed(s, true, why);
	exchange_free(s->probe); /* why is its own */
	s->probe = NULL;
}

/* Those that are not known, and those that are down: whether they take a connection again. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct quoter *q = arg;
	int64_t now = now_ms();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < q->count; i++) {
		struct source *s = &q->sources[i];
		if (s->probe != NULL || (s->known && (s->up || now < s->again_ms)))
			continue;
		s->again_ms = now + AGAIN_MS;
		s->probe = exchange_new(q->base, &s->address, QGS_QUOTE,
		    (struct assay_bytes){ NULL, 0 }, CONNECT_MS, on_probe, s);
	}
}

/* --- requests ---------------------------------------------------------------------------- */

static void
job_free(struct job *j)
{
	*j->back = j->next;
	if (j->next != NULL)
		j->next->back = j->back;
	exchange_free(j->exchange);
	if (j->pause != NULL)
		event_free(j->pause);
	free(j);
}

/* Answers, and frees the job. */
static void
finish(struct job *j, enum line_status status, struct assay_bytes what)
{
	uint8_t number[8];
	struct ipc_message m = { .id = j->id, .op = LINE_QUOTE, .count = 2 };

	m.field[0] = ipc_u64(number, status);
	m.field[1] = what;
	if (!line_send(j->quoter->front, &m)) {
		j->quoter->code = EXIT_TROUBLE; /* a guest's lane would be taken for ever */
		event_base_loopbreak(j->quoter->base);
	}
	job_free(j);
}

/* In the order of the configuration; those that are down behind the others. NULL: all have been tried. */
static struct source *
choose(const struct job *j)
{
	struct quoter *q = j->quoter;
	struct source *second = NULL;

	for (size_t i = 0; i < q->count; i++) {
		struct source *s = &q->sources[i];
		if ((j->tried & 1U << i) != 0)
			continue;
		if (!s->known || s->up)
			return s;
		if (second == NULL)
			second = s;
	}
	return second;
}

static unsigned
untried(const struct job *j)
{
	unsigned n = 0;

	for (size_t i = 0; i < j->quoter->count; i++)
		n += (j->tried & 1U << i) == 0;
	return n;
}

static void on_answer(void *arg, enum exchange_end how, struct assay_bytes answer, const char *why);
static void on_pause(evutil_socket_t fd, short what, void *arg);

static void
rest(struct job *j, int64_t left)
{
	int64_t wait = j->round < 8 ? (int64_t)PAUSE_MS << j->round : PAUSE_MOST_MS;

	if (wait > PAUSE_MOST_MS)
		wait = PAUSE_MOST_MS;
	j->round++;
	j->tried = 0;
	const struct timeval then = { .tv_sec = (time_t)(wait / 1000),
		.tv_usec = (suseconds_t)(wait % 1000 * 1000) };
	if (wait >= left || event_add(j->pause, &then) != 0)
		finish(j, LINE_TROUBLE, text(j->why));
}

/* The next source's turn, with its part of the time that is left. */
static void
go_on(struct job *j)
{
	struct quoter *q = j->quoter;
	int64_t left = j->until_ms - now_ms();
	struct source *s = choose(j);

	if (left <= 0) {
		finish(j, LINE_LATE, text(j->why[0] != '\0' ? j->why : "no time is left"));
	} else if (s == NULL) {
		rest(j, left);
	} else {
		int64_t part = left / untried(j);
		j->tried |= 1U << s->number;
		j->source = s;
		j->exchange = exchange_new(q->base, &s->address, j->type,
		    (struct assay_bytes){ j->message, j->len }, part > 0 ? part : 1, on_answer, j);
		if (j->exchange == NULL)
			finish(j, LINE_TROUBLE, text("no memory"));
	}
}

static void
on_pause(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

static void
on_answer(void *arg, enum exchange_end how, struct assay_bytes answer, const char *why)
{
	struct job *j = arg;
	struct qgs_answer a = { .code = QGS_OK };
	const char *fault = how == EXCHANGE_DONE ? qgs_answer_fault(&a, j->type, answer) : why;

	if (fault == NULL) {
		has_answered(j->source);
		if (a.code != QGS_NO_MEMORY) { /* that is how a service is busy */
			finish(j, LINE_DONE, answer);
			return;
		}
		fault = "is out of memory";
	} else {
		has_failed(j->source, how == EXCHANGE_NO_WAY, fault);
	}
	snprintf(j->why, sizeof j->why, "%s", fault);
	exchange_free(j->exchange);
	j->exchange = NULL;
	go_on(j);
}

/* --- the front --------------------------------------------------------------------------- */

static void
stop(struct quoter *q, int code)
{
	q->code = code;
	event_base_loopbreak(q->base);
}

static void
on_front(void *arg, const struct ipc_message *m, int passed)
{
	struct quoter *q = arg;
	uint64_t type, within;

	if (passed >= 0)
		close(passed);
	if (m->op != LINE_QUOTE || m->count != 3 || !ipc_get_u64(&type, m, 0) ||
	    type > UINT32_MAX || m->field[1].len > QGS_REQUEST_MAX || m->field[1].len == 0 ||
	    !ipc_get_u64(&within, m, 2) || within > INT32_MAX) {
		log_say("the front asks for what there is not: %u", m->op);
		stop(q, EXIT_TROUBLE);
		return;
	}
	struct job *j = calloc(1, sizeof *j + m->field[1].len);
	if (j == NULL || (j->pause = evtimer_new(q->base, on_pause, j)) == NULL) {
		free(j);
		log_say("out of memory");
		stop(q, EXIT_TROUBLE);
		return;
	}
	j->quoter = q;
	j->id = m->id;
	j->type = (uint32_t)type;
	j->until_ms = now_ms() + (int64_t)within;
	j->len = m->field[1].len;
	memcpy(j->message, m->field[1].ptr, j->len);
	j->next = q->jobs;
	j->back = &q->jobs;
	if (j->next != NULL)
		j->next->back = &j->next;
	q->jobs = j;
	go_on(j);
}

static void
on_front_end(void *arg)
{
	stop(arg, EXIT_DONE);
}

/* --- start ------------------------------------------------------------------------------- */

static bool
find_sources(struct quoter *q, const struct broker_options *o)
{
	for (size_t i = 0; i < o->source_count; i++) {
		struct source *s = &q->sources[q->count];
		if (strncmp(o->source[i], "qgs:", 4) != 0)
			continue;
		if (!address_find(&s->address, o->source[i] + 4)) {
			log_say("source: %.200s: there is no such host", o->source[i]);
			return false;
		}
		s->quoter = q;
		s->number = (uint32_t)q->count++;
	}
	return true;
}

static bool
lock_down(const struct quoter *q)
{
	int families[SOURCES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < q->count; i++) {
		size_t at = 0;
		while (at < count && families[at] != q->sources[i].address.name.ss_family)
			at++;
		if (at == count)
			families[count++] = q->sources[i].address.name.ss_family;
	}
	return lockdown_qgs(families, count);
}

static void
close_all(struct quoter *q)
{
	while (q->jobs != NULL)
		job_free(q->jobs);
	for (size_t i = 0; i < q->count; i++)
		exchange_free(q->sources[i].probe);
	if (q->tick != NULL)
		event_free(q->tick);
	line_free(q->front);
	if (q->base != NULL)
		event_base_free(q->base);
}

int
quoter_run(const void *arg, const int *sockets, size_t count)
{
	const struct broker_options *o = arg;
	const struct timeval every = { .tv_sec = 1 };
	struct quoter q = { .code = EXIT_DONE };
	const struct line_user user = { on_front, on_front_end, &q };

	(void)count;
	signal(SIGTERM, SIG_IGN); /* it is the front that ends, and then we */
	signal(SIGPIPE, SIG_IGN);
	if (!find_sources(&q, o))
		return EXIT_TROUBLE;
	q.base = event_base_new();
	q.front = q.base != NULL ? line_new(q.base, sockets[0], &user, LINE_MESSAGE_MAX) : NULL;
	q.tick = q.base != NULL ? event_new(q.base, -1, EV_PERSIST, on_tick, &q) : NULL;
	if (q.front == NULL || q.tick == NULL || event_add(q.tick, &every) != 0) {
		log_say("out of memory");
		q.code = EXIT_TROUBLE;
	} else if (!confine_user(o->user) || !lock_down(&q)) {
		q.code = EXIT_TROUBLE;
	} else {
		on_tick(-1, 0, &q); /* what is wrong with them is known at once */
		event_base_dispatch(q.base);
	}
	close_all(&q);
	return q.code;
}
