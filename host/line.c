/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "local.h"
#include "text.h"

enum { PASSED_MAX = 8 };

/* --- blocking ---------------------------------------------------------------------------- */

static bool
wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

bool
line_say(int fd, const struct ipc_message *m, int pass)
{
	size_t len, at = 0;
	uint8_t *bytes = ipc_write(&len, m);

	while (bytes != NULL && at < len) {
		ssize_t n = local_send(fd, bytes + at, len - at, at == 0 ? pass : -1, 0);
		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n >= 0 || errno != EAGAIN || !wait_for(fd, POLLOUT))
			break;
	}
	bool ok = bytes != NULL && at == len;
	free(bytes);
	return ok;
}

static bool
receive_all(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n == 0 || errno != EAGAIN || !wait_for(fd, POLLIN)) {
			return false;
		}
	}
	return true;
}

bool
line_hear(struct ipc_message *m, uint8_t buffer[LINE_MESSAGE_MAX], int fd)
{
	enum { LENGTH = 4 };

	if (!receive_all(fd, buffer, LENGTH))
		return false;
	size_t size = ipc_size((struct assay_bytes){ buffer, LENGTH });
	return size >= LENGTH && size <= LINE_MESSAGE_MAX &&
	    receive_all(fd, buffer + LENGTH, size - LENGTH) &&
	    ipc_read(m, (struct assay_bytes){ buffer, size });
}

/* --- in a loop --------------------------------------------------------------------------- */

struct line {
	int fd;
	struct line_user user;
	struct event *readable, *writable;
	struct evbuffer *out;
	size_t have;
	int passed[PASSED_MAX]; /* in the order of the messages that they came with */
	size_t passed_count;
	size_t most;  /* bytes of a message */
	uint8_t in[]; /* twice that; pages that nothing comes into are never there */
};

/* Only the message that a VM's registration is comes with one. */
static int
take_passed(struct line *l, const struct ipc_message *m)
{
	int fd = -1;

	if (m->op == LINE_VM && m->count == 5 && m->field[3].len > 0 && l->passed_count > 0) {
		fd = l->passed[0];
		memmove(l->passed, l->passed + 1, --l->passed_count * sizeof l->passed[0]);
	}
	return fd;
}

static void
keep_passed(struct line *l, struct msghdr *m)
{
	int fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof fd;
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (count == 1 && l->passed_count < PASSED_MAX)
				l->passed[l->passed_count++] = fd;
			else
				close(fd);
		}
	}
}

/* Whole messages to the user. false: what came is none. */
static bool
deliver(struct line *l)
{
	struct ipc_message m;
	size_t at = 0, size = 0;

	while ((size = ipc_size((struct assay_bytes){ l->in + at, l->have - at })) != 0 &&
	    size <= l->most && size <= l->have - at) {
		if (!ipc_read(&m, (struct assay_bytes){ l->in + at, size }))
			return false;
		l->user.heard(l->user.arg, &m, take_passed(l, &m));
		at += size;
	}
	memmove(l->in, l->in + at, l->have - at);
	l->have -= at;
	return size <= l->most;
}

static void
end(struct line *l)
{
	event_del(l->readable);
	event_del(l->writable);
	l->user.ended(l->user.arg);
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct line *l = arg;
	union {
		struct cmsghdr head;
		char room[4 * CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { l->in + l->have, 2 * l->most - l->have };
	struct msghdr m = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room };

	(void)what;
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		keep_passed(l, &m);
		l->have += (size_t)n;
	}
	if (n <= 0 || !deliver(l))
		end(l);
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct line *l = arg;

	(void)what;
	int n = evbuffer_write(l->out, fd);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		end(l);
	else if (evbuffer_get_length(l->out) > 0)
		event_add(l->writable, NULL);
}

bool
line_send(struct line *l, const struct ipc_message *m)
{
	size_t len;
	uint8_t *bytes = ipc_write(&len, m);
	bool ok = bytes != NULL && evbuffer_add(l->out, bytes, len) == 0;

	free(bytes);
	if (ok)
		event_add(l->writable, NULL);
	return ok;
}

struct line *
line_new(struct event_base *base, int fd, const struct line_user *user, size_t most)
{
	struct line *l = calloc(1, sizeof *l + 2 * most);

	if (l == NULL)
		return NULL;
	l->fd = fd;
	l->most = most;
	l->user = *user;
	l->out = evbuffer_new();
	l->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable, l);
	l->writable = event_new(base, fd, EV_WRITE, writable, l);
	if (l->out == NULL || l->readable == NULL || l->writable == NULL ||
	    event_add(l->readable, NULL) != 0) {
		line_free(l);
		return NULL;
	}
	return l;
}

void
line_free(struct line *l)
{
	if (l == NULL)
		return;
	if (l->readable != NULL)
		event_free(l->readable);
	if (l->writable != NULL)
		event_free(l->writable);
	if (l->out != NULL)
		evbuffer_free(l->out);
	for (size_t i = 0; i < l->passed_count; i++)
		close(l->passed[i]);
	close(l->fd);
	free(l);
}
