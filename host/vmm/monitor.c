/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "answer.h"
#include "kbs/base64.h"
#include "text.h"

enum { AGAIN_MS = 50, COMMAND_ROOM = 160, IN_START = 1024 };

/* Where a connection is; what is sent has been sent whole: a command is far shorter than any buffer. */
enum state { CLOSED, CONNECTING, GREETING, CAPABILITIES, READY, HANDLE, REPORT };

struct monitor {
	struct event_base *base;
	struct sockaddr_un name;
	bool adapter;
	struct monitor_user user;
	enum state state;
	int fd;
	struct event *io, *again, *late;
	char *in; /* of lines */
	size_t have, room;
	uint64_t id; /* of the command under way */
	bool knows_handle;
	uint32_t handle;
	bool asked; /* one is under way, about this: */
	uint8_t mnonce[MNONCE_SIZE];
	uint32_t named;
};

static void step(struct monitor *m);

static void
close_down(struct monitor *m)
{
	if (m->io != NULL)
		event_free(m->io);
	m->io = NULL;
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	free(m->in);
	m->in = NULL;
	m->have = m->room = 0;
	m->state = CLOSED;
	m->knows_handle = false; /* another VMM may listen there next time */
}

static void
finish(struct monitor *m, enum line_status status, const uint8_t *report, const char *text)
{
	m->asked = false;
	event_del(m->late);
	event_del(m->again);
	m->user.done(m->user.arg, status, report, text);
}

/* The connection is of no use any more. */
static void
fail(struct monitor *m, const char *text)
{
	close_down(m);
	if (m->asked)
		finish(m, LINE_TROUBLE, NULL, text);
}

/* --- saying ------------------------------------------------------------------------------ */

static void
say(struct monitor *m, enum state next, const char *command)
{
	size_t len = strlen(command);

	if (send(m->fd, command, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len)
		m->state = next;
	else
		fail(m, "its VMM does not take commands");
}

static void
say_query(struct monitor *m)
{
	char text[BASE64_ROOM(MNONCE_SIZE)], command[COMMAND_ROOM];

	base64_encode(text, (struct assay_bytes){ m->mnonce, MNONCE_SIZE });
	m->id++;
	if (m->adapter)
		snprintf(command, sizeof command, "{\"mnonce\":\"%s\"}\n", text);
	else
		snprintf(command, sizeof command,
		    "{\"execute\":\"query-sev-attestation-report\",\"arguments\":{\"mnonce\":\"%"
		    "s\"},"
		    "\"id\":%llu}\n",
		    text, (unsigned long long)m->id);
	say(m, REPORT, command);
}

static void
say_handle(struct monitor *m)
{
	char command[COMMAND_ROOM];

	snprintf(command, sizeof command, "{\"execute\":\"query-sev\",\"id\":%llu}\n",
	    (unsigned long long)++m->id);
	say(m, HANDLE, command);
}

/* --- hearing ----------------------------------------------------------------------------- */

/* No guest gets what somebody else asked for, nor what has been asked for before. */
static const char *
fault_of(const struct monitor *m, const struct answer *a)
{
	if (a->kind == ANSWER_ERROR)
		return a->text[0] != '\0' ? a->text : "its VMM refuses, and says not why";
	if (!a->has_report)
		return "its VMM gave no report";
	return memcmp(a->report, m->mnonce, MNONCE_SIZE) == 0
	    ? NULL
	    : "its VMM's report is not about the MNONCE that was asked for";
}

static void
take_report(struct monitor *m, const struct answer *a)
{
	const char *fault = fault_of(m, a);
	bool foreign = m->adapter && a->has_handle && m->named != 0 && m->named != a->handle;

	if (m->adapter) /* a connection a question */
		close_down(m);
	else
		m->state = READY;
	if (foreign)
		finish(m, LINE_FOREIGN, NULL, "");
	else
		finish(m, fault == NULL ? LINE_DONE : LINE_TROUBLE, a->report, fault);
}

static void
take_handle(struct monitor *m, const struct answer *a)
{
	m->state = READY;
	if (a->kind == ANSWER_ERROR || !a->has_handle) {
		finish(m, LINE_TROUBLE, NULL,
		    a->kind == ANSWER_ERROR ? a->text : "its VMM does not run it under SEV");
		return;
	}
	m->handle = a->handle;
	m->knows_handle = true;
	step(m);
}

static void
take(struct monitor *m, const struct answer *a)
{
	if (m->state == GREETING && a->kind == ANSWER_GREETING)
		say(m, CAPABILITIES, "{\"execute\":\"qmp_capabilities\"}\n");
	else if (m->state == CAPABILITIES && a->kind == ANSWER_RETURN)
		step(m);
	else if (m->state == CAPABILITIES && a->kind == ANSWER_ERROR)
		fail(m, "its VMM does not open QMP");
	else if (a->kind == ANSWER_OTHER || (!m->adapter && a->id != m->id))
		return; /* an event; or an answer to nothing that is under way */
	else if (m->state == HANDLE)
		take_handle(m, a);
	else if (m->state == REPORT)
		take_report(m, a);
}

/* Each whole line. A line closes the connection when it is not one of the protocol. */
static void
take_lines(struct monitor *m)
{
	struct answer a;
	char *end;

	while (m->state != CLOSED && (end = memchr(m->in, '\n', m->have)) != NULL) {
		size_t n = (size_t)(end - m->in);
		bool ok =
		    m->adapter ? answer_read_adapter(&a, m->in, n) : answer_read_qmp(&a, m->in, n);
		m->have -= n + 1;
		memmove(m->in, end + 1, m->have);
		if (ok)
			take(m, &a);
		else
			fail(m, "what its VMM answers is not of the protocol");
	}
	if (m->have == 0) { /* most VMs are silent most of the time */
		free(m->in);
		m->in = NULL;
		m->room = 0;
	}
}

static bool
grow(struct monitor *m)
{
	size_t room = m->room == 0 ? IN_START : 2 * m->room;

	if (m->have < m->room)
		return true;
	char *more = room <= ANSWER_LINE_MAX ? realloc(m->in, room) : NULL;
	if (more == NULL)
		return false;
	m->in = more;
	m->room = room;
	return true;
}

static void
readable(struct monitor *m)
{
	if (!grow(m)) {
		fail(m, "what its VMM answers is too long");
		return;
	}
	ssize_t n = recv(m->fd, m->in + m->have, m->room - m->have, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(m, "its VMM has closed the connection");
		return;
	}
	m->have += (size_t)n;
	take_lines(m);
}

/* --- connecting -------------------------------------------------------------------------- */

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	readable(arg);
}

/* A pid of 0 is a process that we cannot see. */
static bool
is_its_own(const struct monitor *m)
{
	struct ucred who;
	socklen_t size = sizeof who;

	return getsockopt(m->fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	    (who.pid == 0 || m->user.may_ask(m->user.arg, who.pid));
}

static void
connect_again(struct monitor *m)
{
	const struct timeval soon = { .tv_usec = AGAIN_MS * 1000 };
	char text[ANSWER_TEXT_ROOM];

	m->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool there =
	    m->fd >= 0 && connect(m->fd, (const struct sockaddr *)&m->name, sizeof m->name) == 0;
	if (there && !is_its_own(m)) {
		fail(m, "another VM's VMM listens where its own should");
		return;
	}
	if (there && (m->io = event_new(m->base, m->fd, EV_READ | EV_PERSIST, on_io, m)) != NULL &&
	    event_add(m->io, NULL) == 0) {
		m->state = m->adapter ? READY : GREETING;
		if (m->adapter)
			step(m);
		return;
	}
	int error = errno;
	close_down(m);
	if (error == EAGAIN) { /* others wait there too */
		m->state = CONNECTING;
		event_add(m->again, &soon);
		return;
	}
	snprintf(text, sizeof text, "its VMM cannot be reached: %s", strerror(error));
	fail(m, text);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	connect_again(arg);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct monitor *m = arg;

	(void)fd;
	(void)what;
	close_down(m); /* what comes later would be taken for the answer to the next */
	finish(m, LINE_LATE, NULL, "its VMM does not answer in time");
}

/* The next thing to do for what was asked. */
static void
step(struct monitor *m)
{
	if (m->state == CAPABILITIES)
		m->state = READY;
	if (!m->asked || m->state != READY)
		return;
	if (m->named != 0 && !m->adapter && !m->knows_handle)
		say_handle(m);
	else if (m->knows_handle && m->named != 0 && m->named != m->handle)
		finish(m, LINE_FOREIGN, NULL, "");
	else
		say_query(m);
}

/* --- public ------------------------------------------------------------------------------ */

struct monitor *
monitor_new(
    struct event_base *base, const char *path, bool adapter, const struct monitor_user *user)
{
	struct monitor *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->base = base;
	m->adapter = adapter;
	m->user = *user;
	m->fd = -1;
	m->name.sun_family = AF_UNIX;
	memcpy(m->name.sun_path, path, strlen(path));
	m->again = evtimer_new(base, on_again, m);
	m->late = evtimer_new(base, on_late, m);
	if (m->again == NULL || m->late == NULL) {
		monitor_free(m);
		return NULL;
	}
	return m;
}

void
monitor_free(struct monitor *m)
{
	if (m == NULL)
		return;
	close_down(m);
	if (m->again != NULL)
		event_free(m->again);
	if (m->late != NULL)
		event_free(m->late);
	free(m);
}

bool
monitor_ask(
    struct monitor *m, const uint8_t mnonce[MNONCE_SIZE], uint32_t handle, int64_t within_ms)
{
	const struct timeval within = { .tv_sec = (time_t)(within_ms / 1000),
		.tv_usec = (suseconds_t)(within_ms % 1000 * 1000) };

	if (m->asked)
		return false;
	m->asked = true;
	memcpy(m->mnonce, mnonce, MNONCE_SIZE);
	m->named = handle;
	event_add(m->late, &within);
	if (m->state == CLOSED)
		connect_again(m);
	else
		step(m);
	return true;
}
