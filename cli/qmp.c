/* SPDX-License-Identifier: Apache-2.0 */
/* Source: QEMU, QEMU Machine Protocol Specification. */
#include "qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_LEN = 1024 * 1024, /* an answer; those that are asked for here are a few KiB */
	MESSAGES_MAX = 1000,        /* events between a question and its answer */
	QUOTE_MAX = 120,
};

struct qmp {
	int fd;
	int64_t deadline_ms; /* of the monotonic clock */
	unsigned asked;
	char *held; /* what has come and was not read yet */
	size_t len, room;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* True when fd is ready within the time; errno says why not. */
static bool
wait_for(const struct qmp *q, short events)
{
	struct pollfd p = { .fd = q->fd, .events = events };

	for (;;) {
		int64_t left = q->deadline_ms - now_ms();
		int n = left > 0 ? poll(&p, 1, left < 60000 ? (int)left : 60000) : 0;
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
		if (n == 0 && left <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
	}
}

/* --- connecting -------------------------------------------------------------------------- */

static bool
connect_to(struct qmp *q, const struct sockaddr *to, socklen_t len)
{
	int error = 0;
	socklen_t size = sizeof error;

	q->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (q->fd < 0)
		return false;
	if (connect(q->fd, to, len) == 0)
		return true;
	if (errno == EINPROGRESS && wait_for(q, POLLOUT) &&
	    getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0) {
		if (error == 0)
			return true;
		errno = error;
	}
	error = errno;
	close(q->fd);
	q->fd = -1;
	errno = error;
	return false;
}

static bool
connect_unix(struct qmp *q, const char *path, char why[QMP_WHY])
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof to.sun_path) {
		snprintf(why, QMP_WHY, "the path of a socket is at most %zu bytes",
		    sizeof to.sun_path - 1);
		return false;
	}
	memcpy(to.sun_path, path, strlen(path));
	if (connect_to(q, (const struct sockaddr *)&to, sizeof to))
		return true;
	snprintf(why, QMP_WHY, "cannot be connected to: %s%s", strerror(errno),
	    errno == ENOENT || errno == ECONNREFUSED
		? "; start the VMM, with -qmp unix:PATH,server=on,wait=off"
		: "");
	return false;
}

/* "HOST:PORT", "[::1]:4444" */
static bool
connect_tcp(struct qmp *q, const char *address, char why[QMP_WHY])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	char host[256];
	const char *colon = strrchr(address, ':');
	size_t n = (size_t)(colon - address);
	bool brackets = n > 2 && address[0] == '[' && address[n - 1] == ']';

	snprintf(host, sizeof host, "%.*s", (int)(n - (brackets ? 2 : 0)), address + brackets);
	int rc = getaddrinfo(host, colon + 1, &hints, &all);
	if (rc != 0) {
		snprintf(why, QMP_WHY, "cannot be found: %s", gai_strerror(rc));
		return false;
	}
	bool ok = false;
	for (const struct addrinfo *a = all; a != NULL && !ok; a = a->ai_next)
		ok = connect_to(q, a->ai_addr, a->ai_addrlen);
	if (!ok)
		snprintf(why, QMP_WHY, "cannot be connected to: %s", strerror(errno));
	freeaddrinfo(all);
	return ok;
}

/* --- messages ---------------------------------------------------------------------------- */

static bool
fill(struct qmp *q, char why[QMP_WHY])
{
	enum { BLOCK = 64 * 1024 };

	if (q->len >= LINE_MAX_LEN) {
		snprintf(why, QMP_WHY, "an answer is more than %d bytes; this is no QMP socket",
		    LINE_MAX_LEN);
		return false;
	}
	if (q->room - q->len < BLOCK) {
		char *more = realloc(q->held, q->room + BLOCK);
		if (more == NULL) {
			snprintf(why, QMP_WHY, "out of memory");
			return false;
		}
		q->held = more;
		q->room += BLOCK;
	}
	for (;;) {
		ssize_t n = read(q->fd, q->held + q->len, BLOCK);
		if (n > 0) {
			q->len += (size_t)n;
			return true;
		}
		if (n == 0) {
			snprintf(why, QMP_WHY, "the VMM has closed the connection");
			return false;
		}
		if (errno == EINTR ||
		    ((errno == EAGAIN || errno == EWOULDBLOCK) && wait_for(q, POLLIN)))
			continue;
		snprintf(why, QMP_WHY, "no answer: %s",
		    errno == ETIMEDOUT ? "the time is over (--timeout)" : strerror(errno));
		return false;
	}
}

/* The next message; NULL: why. */
static json_t *
next(struct qmp *q, char why[QMP_WHY])
{
	json_error_t e = { .text = "" };
	char *end = NULL;
	size_t seen = 0;

	while (q->len == 0 || (end = memchr(q->held + seen, '\n', q->len - seen)) == NULL) {
		seen = q->len;
		if (!fill(q, why))
			return NULL;
	}
	size_t n = (size_t)(end - q->held);
	json_t *message = json_loadb(q->held, n, JSON_REJECT_DUPLICATES, &e);
	memmove(q->held, end + 1, q->len - n - 1);
	q->len -= n + 1;
	if (json_is_object(message))
		return message;
	json_decref(message);
	snprintf(why, QMP_WHY, "a line is no JSON object; this is no QMP socket");
	return NULL;
}

static bool
put(struct qmp *q, const char *text, size_t len, char why[QMP_WHY])
{
	while (len > 0) {
		ssize_t n = send(q->fd, text, len, MSG_NOSIGNAL);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EINTR &&
		    ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait_for(q, POLLOUT))) {
			snprintf(why, QMP_WHY, "cannot be written to: %s", strerror(errno));
			return false;
		}
	}
	return true;
}

/* The answer to this question. QEMU repeats its id; events have none, and are passed over. */
static json_t *
answer_to(struct qmp *q, const char *command, const char *id, char why[QMP_WHY])
{
	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		json_t *message = next(q, why);
		if (message == NULL)
			return NULL;
		const char *got = json_string_value(json_object_get(message, "id"));
		json_t *result = json_object_get(message, "return");
		const json_t *error = json_object_get(message, "error");
		if (json_object_get(message, "event") != NULL ||
		    (got != NULL && strcmp(got, id) != 0)) {
			json_decref(message);
			continue;
		}
		if (result != NULL && error == NULL) {
			json_incref(result);
			json_decref(message);
			return result;
		}
		const char *text = json_string_value(json_object_get(error, "desc"));
		snprintf(why, QMP_WHY, "%s: %.*s", command, QUOTE_MAX,
		    text != NULL ? text : "is answered by what is no answer");
		json_decref(message);
		return NULL;
	}
	snprintf(why, QMP_WHY, "%s: %d events, and no answer between them", command, MESSAGES_MAX);
	return NULL;
}

json_t *
qmp_ask(struct qmp *q, const char *command, json_t *arguments, char why[QMP_WHY])
{
	char id[32], *text = NULL;
	json_t *result = NULL, *question;

	snprintf(id, sizeof id, "assay-%u", ++q->asked);
	question = arguments != NULL
	    ? json_pack("{s:s,s:o,s:s}", "execute", command, "arguments", arguments, "id", id)
	    : json_pack("{s:s,s:s}", "execute", command, "id", id);
	if (question != NULL)
		text = json_dumps(question, JSON_COMPACT);
	json_decref(question);
	if (text == NULL)
		snprintf(why, QMP_WHY, "out of memory");
	else if (put(q, text, strlen(text), why) && put(q, "\r\n", 2, why))
		result = answer_to(q, command, id, why);
	free(text);
	return result;
}

/* The greeting, then leave to ask. */
static bool
negotiate(struct qmp *q, char why[QMP_WHY])
{
	json_t *greeting = next(q, why), *ready;

	if (greeting == NULL)
		return false;
	bool ok = json_object_get(greeting, "QMP") != NULL;
	json_decref(greeting);
	if (!ok) {
		snprintf(why, QMP_WHY, "does not greet as QMP does");
		return false;
	}
	ready = qmp_ask(q, "qmp_capabilities", NULL, why);
	json_decref(ready);
	return ready != NULL;
}

struct qmp *
qmp_open(const char *address, int64_t timeout_s, bool *bad, char why[QMP_WHY])
{
	bool local = strncmp(address, "unix:", 5) == 0, tcp = strncmp(address, "tcp:", 4) == 0;
	struct qmp *q;

	*bad = !local && !(tcp && strchr(address + 4, ':') != NULL);
	if (*bad) {
		snprintf(why, QMP_WHY, "is none of unix:PATH and tcp:HOST:PORT");
		return NULL;
	}
	if ((q = calloc(1, sizeof *q)) == NULL) {
		snprintf(why, QMP_WHY, "out of memory");
		return NULL;
	}
	q->fd = -1;
	q->deadline_ms = now_ms() + timeout_s * 1000;
	if ((local ? connect_unix(q, address + 5, why) : connect_tcp(q, address + 4, why)) &&
	    negotiate(q, why))
		return q;
	qmp_close(q);
	return NULL;
}

void
qmp_close(struct qmp *q)
{
	if (q == NULL)
		return;
	if (q->fd >= 0)
		close(q->fd);
	free(q->held);
	free(q);
}
