/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "front.h"

enum {
	SKIP_STEP = 16 * 1024,
	FRAME_MS = 10000,  /* from a frame's first byte to its last */
	ANSWER_MS = 10000, /* for the client to take an answer */
	IDLE_MS = 300000,  /* between frames */
};

static const struct role *
role_of(const struct connection *c)
{
	return roles[c->role];
}

static void
enter(struct connection *c, enum connection_state state)
{
	c->state = state;
	c->since_ms = front_now_ms();
	if (state == READING)
		event_add(c->readable, NULL);
	else
		event_del(c->readable);
}

static void
forget_frame(struct connection *c)
{
	free(c->frame);
	c->frame = NULL;
	c->have = c->size = 0;
}

/* --- writing ----------------------------------------------------------------------------- */

/* Frees c when that was the last, or the client is gone. */
static void
write_some(struct connection *c)
{
	while (c->answered < c->answer_len) {
		ssize_t n = send(c->fd, c->answer + c->answered, c->answer_len - c->answered,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			c->answered += (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			event_add(c->writable, NULL);
			return;
		} else {
			connection_free(c);
			return;
		}
	}
	free(c->answer);
	c->answer = NULL;
	if (c->last || c->peer->front->life != SERVING)
		connection_free(c);
	else
		enter(c, READING);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_some(arg);
}

void
connection_answer(struct connection *c, uint8_t *bytes, size_t len)
{
	if (bytes == NULL) {
		connection_free(c);
		return;
	}
	forget_frame(c);
	c->answer = bytes;
	c->answer_len = len;
	c->answered = 0;
	enter(c, WRITING);
	write_some(c);
}

/* --- reading ----------------------------------------------------------------------------- */

static void
frame_is_whole(struct connection *c)
{
	struct front *f = c->peer->front;

	enter(c, WAITING);
	schedule_add(&f->schedules[c->role], &c->peer->lanes[c->role], &c->job);
	front_pump(f);
}

/* Its head is here: room for the rest. false: the connection has ended. */
static bool
begin_frame(struct connection *c)
{
	const struct role *role = role_of(c);

	c->kept = c->size <= role->frame_max ? c->size : c->have;
	c->frame = malloc(c->kept);
	if (c->frame == NULL) {
		connection_free(c);
		return false;
	}
	memcpy(c->frame, c->head, c->have);
	if (c->size > role->skip_max) { /* says so, and does not wait for it */
		c->last = true;
		c->have = c->size;
	}
	return true;
}

/* Bytes of a frame that is longer than what is kept. */
static ssize_t
skip(struct connection *c)
{
	uint8_t nowhere[SKIP_STEP];
	size_t left = c->size - c->have;

	return recv(c->fd, nowhere, left < sizeof nowhere ? left : sizeof nowhere, MSG_DONTWAIT);
}

static ssize_t
receive(struct connection *c)
{
	const struct role *role = role_of(c);

	if (c->size == 0)
		return recv(c->fd, c->head + c->have, role->head_max - c->have, MSG_DONTWAIT);
	if (c->size > role->frame_max)
		return skip(c);
	return recv(c->fd, c->frame + c->have, c->size - c->have, MSG_DONTWAIT);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)what;
	for (;;) {
		ssize_t n = receive(c);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (n <= 0) { /* no frame can come any more */
			connection_free(c);
			return;
		}
		if (c->have == 0)
			c->since_ms = front_now_ms();
		c->have += (size_t)n;
		if (c->size == 0) {
			c->size = role_of(c)->size(c->head, c->have);
			if (c->size != 0 && !begin_frame(c))
				return;
		}
		if (c->size != 0 && c->have >= c->size) {
			frame_is_whole(c);
			return;
		}
		if (c->size > role_of(c)->frame_max)
			return; /* others are to be heard between */
	}
}

/* --- public ------------------------------------------------------------------------------ */

/* What is here of the frame. */
static struct assay_bytes
frame_of(const struct connection *c)
{
	return (struct assay_bytes){ c->frame, c->kept };
}

bool
connection_new(struct front *f, struct peer *peer, size_t role, bool reserved, int fd)
{
	struct connection *c = calloc(1, sizeof *c);

	if (c != NULL) {
		c->readable = event_new(f->base, fd, EV_READ | EV_PERSIST, on_readable, c);
		c->writable = event_new(f->base, fd, EV_WRITE, on_writable, c);
	}
	if (c == NULL || c->readable == NULL || c->writable == NULL) {
		if (c != NULL && c->readable != NULL)
			event_free(c->readable);
		free(c);
		close(fd);
		return false;
	}
	c->peer = peer;
	c->role = role;
	c->reserved = c->job.first = reserved;
	c->fd = fd;
	c->next = peer->connections;
	c->back = &peer->connections;
	if (c->next != NULL)
		c->next->back = &c->next;
	peer->connections = c;
	peer->count++;
	f->connections++;
	enter(c, READING);
	return true;
}

void
connection_free(struct connection *c)
{
	struct peer *peer = c->peer;

	if (c->state == WAITING)
		schedule_remove(&peer->lanes[c->role], &c->job);
	else if (c->state == UNDER_WAY)
		role_of(c)->gone(peer->front->states[c->role], peer->guests[c->role], c);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	peer->count--;
	peer->front->connections--;
	event_free(c->readable);
	event_free(c->writable);
	close(c->fd);
	free(c->frame);
	free(c->answer);
	free(c);
}

void
connection_run(struct connection *c)
{
	struct peer *peer = c->peer;

	c->state = UNDER_WAY; /* since it waited: the deadline is of both */
	role_of(c)->request(
	    peer->front->states[c->role], peer->guests[c->role], c, frame_of(c), c->size);
}

void
connection_tick(struct connection *c, int64_t now_ms)
{
	struct peer *peer = c->peer;
	int64_t passed = now_ms - c->since_ms;

	switch (c->state) {
	case READING:
		if (passed > (c->have > 0 ? FRAME_MS : IDLE_MS))
			connection_free(c);
		return;
	case WRITING:
		if (passed > ANSWER_MS)
			connection_free(c);
		return;
	case WAITING:
	case UNDER_WAY:
		if (passed <= peer->front->options->deadline_ms)
			return;
		if (c->state == WAITING)
			schedule_remove(&peer->lanes[c->role], &c->job);
		else
			role_of(c)->gone(peer->front->states[c->role], peer->guests[c->role], c);
		role_of(c)->late(
		    peer->front->states[c->role], peer->guests[c->role], c, frame_of(c));
		return;
	}
}
