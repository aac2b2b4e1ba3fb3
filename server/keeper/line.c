/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

/* The keeper answers in the order of the requests: those that wait are a queue. */
struct call {
	struct call *next;
	uint32_t id;
	keeper_done *done;
	void *arg;
};

/* Not a bufferevent: that reads 4 KiB at once, and has the system told before and after each writing. */
struct keeper_line {
	int fd; /* -1: the keeper is gone */
	struct ipc_queue in, out;
	struct event *come, *go; /* go: once a turn of the loop, for all that was asked in it */
	struct event *lost;      /* answers those that wait, from the event loop */
	struct call *first, **last;
	uint32_t next_id;
};

/* Takes the first of the queue and answers it. */
static void
answer_first(struct keeper_line *l, const struct ipc_message *m)
{
	struct call *c = l->first;

	if ((l->first = c->next) == NULL)
		l->last = &l->first;
	c->done(c->arg, m);
	free(c);
}

static void
answer_all_trouble(struct keeper_line *l)
{
	static const char sentence[] =
	    "the keeper of the secrets is gone; assayd must be started again";
	static const uint8_t zero[8];
	struct ipc_message m = { .op = KEEPER_TROUBLE, .count = 2 };

	m.field[0] = (struct assay_bytes){ zero, sizeof zero };
	m.field[1] = (struct assay_bytes){ (const uint8_t *)sentence, sizeof sentence - 1 };
	while (l->first != NULL) {
		m.id = l->first->id;
		answer_first(l, &m);
	}
}

static void
on_lost(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer_all_trouble(arg);
}

static void
hang_up(struct keeper_line *l)
{
	if (l->fd < 0)
		return;
	(void)event_del(l->come);
	(void)event_del(l->go);
	(void)close(l->fd);
	l->fd = -1;
}

static void
lose(struct keeper_line *l)
{
	hang_up(l);
	event_active(l->lost, EV_TIMEOUT, 0);
}

static void
on_come(evutil_socket_t fd, short what, void *arg)
{
	struct keeper_line *l = arg;

	(void)what;
	if (!ipc_receive(&l->in, fd)) {
		lose(l);
		return;
	}
	while (l->fd >= 0) {
		struct ipc_message m;
		struct assay_bytes in = ipc_waiting(&l->in);
		size_t n = ipc_size(in);
		if (n == 0 || (n != SIZE_MAX && in.len < n))
			return;
		if (n == SIZE_MAX || !ipc_read(&m, (struct assay_bytes){ in.ptr, n }) ||
		    l->first == NULL || l->first->id != m.id) {
			lose(l);
			return;
		}
		answer_first(l, &m);
		ipc_forget(&l->in, n);
	}
}

static void
on_go(evutil_socket_t fd, short what, void *arg)
{
	struct keeper_line *l = arg;

	(void)what;
	if (!ipc_send(&l->out, fd) || (ipc_waiting(&l->out).len > 0 && event_add(l->go, NULL) != 0))
		lose(l);
}

struct keeper_line *
keeper_line_new(struct event_base *base, int socket)
{
	struct keeper_line *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->fd = -1;
	l->last = &l->first;
	l->lost = event_new(base, -1, 0, on_lost, l);
	l->come = event_new(base, socket, EV_READ | EV_PERSIST, on_come, l);
	l->go = event_new(base, socket, EV_WRITE, on_go, l);
	if (l->lost == NULL || l->come == NULL || l->go == NULL || event_add(l->come, NULL) != 0) {
		keeper_line_free(l);
		return NULL;
	}
	l->fd = socket;
	return l;
}

void
keeper_line_free(struct keeper_line *l)
{
	if (l == NULL)
		return;
	hang_up(l);
	answer_all_trouble(l);
	struct event *const events[] = { l->lost, l->come, l->go };
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	ipc_queue_free(&l->in);
	ipc_queue_free(&l->out);
	free(l);
}

void
keeper_call(struct keeper_line *l, enum keeper_op op, const struct assay_bytes *fields,
    size_t count, keeper_done *done, void *arg)
{
	struct ipc_message m = { .id = l->next_id++, .op = (uint16_t)op, .count = (uint16_t)count };
	struct call *c = malloc(sizeof *c);

	if (c == NULL) { /* not later, then: there is nothing to remember it by */
		struct ipc_message no = { .id = m.id, .op = KEEPER_TROUBLE };
		done(arg, &no);
		return;
	}
	*c = (struct call){ .id = m.id, .done = done, .arg = arg };
	*l->last = c;
	l->last = &c->next;
	for (size_t i = 0; i < count && i < IPC_FIELDS_MAX; i++)
		m.field[i] = fields[i];
	/* Without its request the queue would be out of step: then the line is lost as a whole. */
	if (l->fd < 0 || !ipc_add(&l->out, &m))
		lose(l);
	else
		event_active(l->go, EV_WRITE, 0);
}
