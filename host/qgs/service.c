/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "wire.h"

enum { WHY = 120 };

struct exchange {
	struct event_base *base;
	struct event *event; /* of the socket; without one, of the time alone */
	exchange_done *done;
	void *arg;
	int fd;
	bool connected;
	uint32_t type;
	int64_t until_ms, within_ms;
	size_t sent, got;
	uint8_t head[QGS_LENGTH];
	uint8_t *answer;
	uint32_t answer_len;
	char why[WHY];
	size_t len;
	uint8_t frame[]; /* with its length; none if nothing is asked */
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_event(evutil_socket_t fd, short what, void *arg);

/* Waits for this, and for the end of its time. false: no memory. */
static bool
wait_for(struct exchange *x, short what)
{
	int64_t left = x->until_ms - now_ms();
	struct timeval then = { 0, 0 };

	if (what != 0 && left > 0)
		then = (struct timeval){ .tv_sec = (time_t)(left / 1000),
			.tv_usec = (suseconds_t)(left % 1000 * 1000) };
	if (x->event != NULL)
		event_free(x->event);
	x->event = event_new(x->base, what != 0 ? x->fd : -1, what, on_event, x);
	return x->event != NULL && event_add(x->event, &then) == 0;
}

static void
end(struct exchange *x, enum exchange_end how, const char *why)
{
	struct assay_bytes answer = { x->answer, how == EXCHANGE_DONE ? x->answer_len : 0 };

	x->done(x->arg, how, answer, why);
}

static void
await(struct exchange *x, short what)
{
	if (!wait_for(x, what))
		end(x, EXCHANGE_NO_ANSWER, "no memory");
}

/* --- receiving --------------------------------------------------------------------------- */

/* true: room for the answer is made. */
static bool
begin_answer(struct exchange *x)
{
	x->answer_len = qgs_get_length(x->head);
	if (!qgs_answer_length_ok(x->type, x->answer_len)) {
		snprintf(x->why, sizeof x->why, "announces an answer of %u bytes", x->answer_len);
		end(x, EXCHANGE_NO_ANSWER, x->why);
		return false;
	}
	x->got = 0;
	x->answer = malloc(x->answer_len);
	if (x->answer != NULL)
		return true;
	end(x, EXCHANGE_NO_ANSWER, "no memory");
	return false;
}

static void
receive(struct exchange *x)
{
	for (;;) {
		bool body = x->answer != NULL;
		uint8_t *to = body ? x->answer : x->head;
		size_t size = body ? x->answer_len : sizeof x->head;
		ssize_t n = recv(x->fd, to + x->got, size - x->got, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
			await(x, EV_READ);
			return;
		}
		if (n <= 0) {
			end(x, EXCHANGE_NO_ANSWER,
			    n == 0 ? "closed the connection before its answer was whole"
				   : strerror(errno));
			return;
		}
		x->got += (size_t)n;
		if (x->got < size)
			continue;
		if (body) {
			end(x, EXCHANGE_DONE, NULL);
			return;
		}
		if (!begin_answer(x))
			return;
	}
}

/* --- connecting, sending ----------------------------------------------------------------- */

static void
transmit(struct exchange *x)
{
	while (x->sent < x->len) {
		ssize_t n =
		    send(x->fd, x->frame + x->sent, x->len - x->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			x->sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
			await(x, EV_WRITE);
			return;
		} else {
			end(x, EXCHANGE_NO_ANSWER, strerror(errno));
			return;
		}
	}
	if (x->len == 0)
		end(x, EXCHANGE_DONE, NULL);
	else
		receive(x);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;
	int error = 0;
	socklen_t size = sizeof error;

	if (x->fd < 0) {
		end(x, EXCHANGE_NO_WAY, x->why);
		return;
	}
	if ((what & EV_TIMEOUT) != 0) {
		snprintf(x->why, sizeof x->why, "%s within %lld ms",
		    x->connected ? "does not answer" : "takes no connection",
		    (long long)x->within_ms);
		end(x, x->connected ? EXCHANGE_NO_ANSWER : EXCHANGE_NO_WAY, x->why);
		return;
	}
	if (!x->connected) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
			error = errno;
		if (error != 0) {
			end(x, EXCHANGE_NO_WAY, strerror(error));
			return;
		}
		x->connected = true;
	}
	if (x->sent < x->len || x->len == 0)
		transmit(x);
	else
		receive(x);
}

/* Unix sockets say EAGAIN when the service's queue of connections is full: it is busy. */
static void
start(struct exchange *x, const struct address *to)
{
	x->fd = socket(to->name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd >= 0 &&
	    (connect(x->fd, (const struct sockaddr *)&to->name, to->size) == 0 ||
		errno == EINPROGRESS))
		return;
	snprintf(x->why, sizeof x->why, "%s", strerror(errno));
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
}

struct exchange *
exchange_new(struct event_base *base, const struct address *to, uint32_t type,
    struct assay_bytes message, int64_t within_ms, exchange_done *done, void *arg)
{
	size_t len = message.len > 0 ? QGS_LENGTH + message.len : 0;
	struct exchange *x = calloc(1, sizeof *x + len);

	if (x == NULL)
		return NULL;
	x->base = base;
	x->done = done;
	x->arg = arg;
	x->type = type;
	x->within_ms = within_ms;
	x->until_ms = now_ms() + within_ms;
	x->len = len;
	if (len > 0) {
		qgs_put_length(x->frame, (uint32_t)message.len);
		memcpy(x->frame + QGS_LENGTH, message.ptr, message.len);
	}
	start(x, to);
	if (!wait_for(x, x->fd >= 0 ? EV_WRITE : 0)) {
		exchange_free(x);
		return NULL;
	}
	return x;
}

void
exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	if (x->event != NULL)
		event_free(x->event);
	if (x->fd >= 0)
		close(x->fd);
	free(x->answer);
	free(x);
}
