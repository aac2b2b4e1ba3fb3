/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

/* The keeper answers in the order of the requests: those that wait are a queue. */
struct call {
	struct call *next;
	uint32_t id;
	keeper_done *done;
	void *arg;
};

struct keeper_line {
	struct bufferevent *bev; /* NULL: the keeper is gone */
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
lose(struct keeper_line *l)
{
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = NULL;
	event_active(l->lost, EV_TIMEOUT, 0);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct keeper_line *l = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	for (;;) {
		uint8_t head[4];
		struct ipc_message m;
		size_t have = evbuffer_get_length(in), n = 0;
		if (have >= sizeof head &&
		    evbuffer_copyout(in, head, sizeof head) == (ssize_t)sizeof head)
			n = ipc_size((struct assay_bytes){ head, sizeof head });
		if (n == 0 || (n != SIZE_MAX && have < n))
			return;
		const uint8_t *raw = n == SIZE_MAX ? NULL : evbuffer_pullup(in, (ev_ssize_t)n);
		if (raw == NULL || !ipc_read(&m, (struct assay_bytes){ raw, n }) ||
		    l->first == NULL || l->first->id != m.id) {
			lose(l);
			return;
		}
		answer_first(l, &m);
		if (l->bev == NULL)
			return;
		(void)evbuffer_drain(in, n);
	}
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		lose(arg);
}

struct keeper_line *
keeper_line_new(struct event_base *base, int socket)
{
	struct keeper_line *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->last = &l->first;
	l->lost = event_new(base, -1, 0, on_lost, l);
	if (l->lost == NULL || evutil_make_socket_nonblocking(socket) != 0 ||
	    (l->bev = bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE)) == NULL) {
		if (l->lost != NULL)
			event_free(l->lost);
		free(l);
		return NULL;
	}
	bufferevent_setcb(l->bev, on_read, NULL, on_event, l);
	(void)bufferevent_enable(l->bev, EV_READ | EV_WRITE);
	return l;
}

void
keeper_line_free(struct keeper_line *l)
{
	if (l == NULL)
		return;
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = NULL;
	answer_all_trouble(l);
	event_free(l->lost);
	free(l);
}

void
keeper_call(struct keeper_line *l, enum keeper_op op, const struct assay_bytes *fields,
    size_t count, keeper_done *done, void *arg)
{
	struct ipc_message m = { .id = l->next_id++, .op = (uint16_t)op, .count = (uint16_t)count };
	struct call *c = malloc(sizeof *c);
	size_t len = 0;
	uint8_t *raw;

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
	raw = ipc_write(&len, &m);
	/* Without its request the queue would be out of step: then the line is lost as a whole. */
	if (l->bev == NULL || raw == NULL || bufferevent_write(l->bev, raw, len) != 0)
		lose(l);
	if (raw != NULL)
		OPENSSL_cleanse(raw, len);
	free(raw);
}
