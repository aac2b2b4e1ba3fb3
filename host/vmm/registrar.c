/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <event2/event.h>

#include "../line.h"
#include "../lockdown.h"
#include "../options.h"
#include "../vm.h"
#include "local.h"
#include "monitor.h"
#include "text.h"

enum {
	EXIT_DONE = 0,
	EXIT_TROUBLE = 4,
	BACKLOG = 64,
	COMMAND_MAX = 512,
	LIST_MAX = VMS_MAX * 128, /* what a packet takes */
	LIST_REST = 64,           /* of it, to say how many are left out */
	CONTROL_S = 5,            /* a client of the control socket has this long */
};

struct registrar;

struct guest {
	struct guest *next;
	struct registrar *registrar;
	uint32_t id;
	struct vm_spec spec;
	struct local_name name; /* of its own socket */
	int pidfd;              /* -1: the registration stays until it is taken back */
	struct event *exit;
	struct monitor *monitor;
};

struct registrar {
	struct event_base *base;
	struct line *front;
	int front_fd; /* the line's; written to directly, so that descriptors go with messages */
	struct guest *guests;
	size_t count;
	uint32_t last_id;
	bool confined; /* files have been given up */
	int control;
	struct event *control_event;
	struct local_name control_name;
	char status[LINE_MESSAGE_MAX]; /* what the front said last of the quoting services */
	int code;
};

/* --- one VM ------------------------------------------------------------------------------ */

static bool
has_exited(const struct guest *g)
{
	struct pollfd p = { .fd = g->pidfd, .events = POLLIN };

	return g->pidfd >= 0 && poll(&p, 1, 0) != 0;
}

static void
tell_gone(struct registrar *r, uint32_t id)
{
	line_say(r->front_fd, &(struct ipc_message){ .id = id, .op = LINE_GONE }, -1);
}

static void
guest_free(struct guest *g)
{
	if (g->exit != NULL)
		event_free(g->exit);
	monitor_free(g->monitor);
	if (g->pidfd >= 0)
		close(g->pidfd);
	local_remove(&g->name);
	free(g);
}

static void
drop(struct guest *g, const char *why)
{
	struct registrar *r = g->registrar;
	struct guest **at = &r->guests;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	r->count--;
	log_say("VM %s: %s; its registration has ended", g->spec.name, why);
	tell_gone(r, g->id);
	guest_free(g);
}

static void
on_exit_of(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drop(arg, "its VMM has ended");
}

static void
answer(struct registrar *r, uint32_t id, enum line_status status, struct assay_bytes what)
{
	uint8_t number[8];
	struct ipc_message m = { .id = id, .op = LINE_REPORT, .count = 2 };

	m.field[0] = ipc_u64(number, status);
	m.field[1] = what;
	line_say(r->front_fd, &m, -1);
}

static void
answer_text(struct registrar *r, uint32_t id, enum line_status status, const char *text)
{
	answer(r, id, status, (struct assay_bytes){ (const uint8_t *)text, strlen(text) });
}

static void
on_report(void *arg, enum line_status status, const uint8_t *report, const char *text)
{
	struct guest *g = arg;

	if (has_exited(g)) /* its CID may be another's by now */
		answer_text(g->registrar, g->id, LINE_TROUBLE, "its VMM has ended");
	else if (status == LINE_DONE)
		answer(g->registrar, g->id, status, (struct assay_bytes){ report, REPORT_SIZE });
	else
		answer_text(g->registrar, g->id, status, text);
}

/* A VMM that puts another's socket, or a link to it, where its own was is not to have that one's reports. Who
 * listens need not be the VMM itself: a manager may have made the socket. */
static bool
may_ask(void *arg, pid_t pid)
{
	const struct guest *g = arg;

	if (g->spec.pid == pid)
		return true;
	for (const struct guest *o = g->registrar->guests; o != NULL; o = o->next)
		if (o != g && o->spec.pid == pid && !has_exited(o)) {
			log_say("VM %s: the VMM of %s listens at %s, and is not asked",
			    g->spec.name, o->spec.name, g->spec.monitor);
			return false;
		}
	return true;
}

/* --- registration ------------------------------------------------------------------------ */

/* Tells the front, with the VM's own socket if it has one. */
static bool
tell(struct registrar *r, const struct guest *g, int listening)
{
	uint8_t cid[8], pid[8], tdx[8];
	struct ipc_message m = { .id = g->id, .op = LINE_VM, .count = 5 };

	m.field[0] = (struct assay_bytes){ (const uint8_t *)g->spec.name, strlen(g->spec.name) };
	m.field[1] = ipc_u64(cid, g->spec.cid);
	m.field[2] = ipc_u64(pid, (uint64_t)g->spec.pid);
	m.field[3] =
	    (struct assay_bytes){ (const uint8_t *)g->spec.socket, strlen(g->spec.socket) };
	m.field[4] = ipc_u64(tdx, g->spec.tdx ? 1 : 0);
	return line_say(r->front_fd, &m, listening);
}

static bool
clashes(const struct registrar *r, const struct vm_spec *spec, char why[VM_WHY_ROOM])
{
	if (r->count == VMS_MAX) {
		snprintf(
		    why, VM_WHY_ROOM, "is one more than the %d that can be registered", VMS_MAX);
		return true;
	}
	for (const struct guest *g = r->guests; g != NULL; g = g->next)
		if (vm_spec_clash(spec, &g->spec, why))
			return true;
	return false;
}

/* Takes pidfd. false: why says it, to stand behind the name. */
static bool
add(struct registrar *r, const struct vm_spec *spec, int pidfd, char why[VM_WHY_ROOM])
{
	struct guest *g = calloc(1, sizeof *g);
	int listening = -1;

	if (g == NULL || clashes(r, spec, why)) {
		if (g == NULL)
			snprintf(why, VM_WHY_ROOM, "cannot be registered: out of memory");
		if (pidfd >= 0)
			close(pidfd);
		free(g);
		return false;
	}
	g->registrar = r;
	g->pidfd = pidfd;
	g->spec = *spec;
	g->id = ++r->last_id;
	if (spec->socket[0] != '\0' &&
	    (listening = local_listen(&g->name, spec->socket, SOCK_STREAM, BACKLOG)) < 0) {
		int error = errno;
		snprintf(why, VM_WHY_ROOM, "cannot have a socket there: %s%s", strerror(error),
		    r->confined && error == EACCES
			? "; at run time it must be in the folder of the control socket or of a "
			  "configured VM's socket"
			: local_hint(spec->socket, error));
		guest_free(g);
		return false;
	}
	if (!spec->tdx)
		g->monitor = monitor_new(r->base, spec->monitor, spec->adapter,
		    &(struct monitor_user){ on_report, may_ask, g });
	if (pidfd >= 0)
		g->exit = event_new(r->base, pidfd, EV_READ, on_exit_of, g);
	bool ok = (spec->tdx || g->monitor != NULL) &&
	    (pidfd < 0 || (g->exit != NULL && event_add(g->exit, NULL) == 0)) &&
	    tell(r, g, listening);
	if (listening >= 0)
		close(listening);
	if (!ok) {
		snprintf(why, VM_WHY_ROOM, "cannot be registered: out of memory");
		guest_free(g);
		return false;
	}
	g->next = r->guests;
	r->guests = g;
	r->count++;
	log_say("VM %s: registered, by %s%s", spec->name,
	    spec->cid != 0 ? "its CID" : "its own socket",
	    pidfd >= 0 ? "" : "; without its pid it stays until it is taken back");
	return true;
}

/* --- the control socket ------------------------------------------------------------------ */

struct client {
	struct registrar *registrar;
	struct event *event;
	int fd;
};

static void
client_free(struct client *c)
{
	event_free(c->event);
	close(c->fd);
	free(c);
}

static void
reply(const struct client *c, const char *text)
{
	if (send(c->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_detail("control: a client does not take its answer: %s", strerror(errno));
}

static void
refuse(const struct client *c, const char *about, const char *why)
{
	char text[COMMAND_MAX + VM_WHY_ROOM], quoted[QUOTE_ROOM];

	snprintf(text, sizeof text, "error: %s %s", text_quote_string(quoted, about), why);
	reply(c, text);
}

/* Takes pidfd. */
static void
do_register(const struct client *c, const char *text, int pidfd)
{
	struct vm_spec spec;
	char why[VM_WHY_ROOM];
	bool ok = vm_spec_read(&spec, text, why);

	if (ok &&
	    (pidfd < 0 ||
		(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) != 0 && errno != EPERM))) {
		snprintf(why, sizeof why,
		    "comes without a pidfd of its VMM that runs; name it by pid=N");
		ok = false;
	}
	if (!ok) {
		if (pidfd >= 0)
			close(pidfd);
	} else {
		ok = add(c->registrar, &spec, pidfd, why);
	}
	if (ok)
		reply(c, "ok");
	else
		refuse(c, text, why);
}

static void
do_unregister(const struct client *c, const char *name)
{
	for (struct guest *g = c->registrar->guests; g != NULL; g = g->next)
		if (strcmp(g->spec.name, name) == 0) {
			drop(g, "taken back");
			reply(c, "ok");
			return;
		}
	refuse(c, name, "is registered nowhere");
}

static void
do_list(const struct client *c)
{
	char *text = malloc(LIST_MAX), one[VM_TEXT_ROOM];
	size_t n = 0, left = 0;

	if (text == NULL)
		return;
	n += (size_t)snprintf(text, LIST_MAX, "ok");
	for (const struct guest *g = c->registrar->guests; g != NULL; g = g->next) {
		vm_spec_print(one, &g->spec);
		if (n + strlen(one) + 2 < LIST_MAX - LIST_REST)
			n += (size_t)snprintf(text + n, LIST_MAX - n, "\n%s", one);
		else
			left++;
	}
	if (left > 0)
		snprintf(text + n, LIST_MAX - n, "\n(and %zu more)", left);
	reply(c, text);
	free(text);
}

static void
do_status(const struct client *c)
{
	const char *lines = c->registrar->status;
	char text[LINE_MESSAGE_MAX + 8];

	snprintf(text, sizeof text, "ok%s%s", lines[0] != '\0' ? "\n" : "", lines);
	reply(c, text);
}

static void
obey(const struct client *c, const char *text, int passed)
{
	if (strncmp(text, "register ", 9) == 0) {
		do_register(c, text + 9, passed);
		return;
	}
	if (passed >= 0)
		close(passed);
	if (strncmp(text, "unregister ", 11) == 0)
		do_unregister(c, text + 11);
	else if (strcmp(text, "list") == 0)
		do_list(c);
	else if (strcmp(text, "status") == 0)
		do_status(c);
	else
		refuse(c, text, "is none of register, unregister, list, status");
}

/* The descriptor that came along, or -1; of several, none. */
static int
take_descriptor(struct msghdr *m)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return -1;
	size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof fd;
	for (size_t i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
		if (count > 1)
			close(fd);
	}
	return count == 1 ? fd : -1;
}

/* One command, with at most one descriptor. */
static void
on_command(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	char text[COMMAND_MAX];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { text, sizeof text - 1 };
	struct msghdr m = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room };

	ssize_t n = (what & EV_READ) != 0 ? recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) : -1;
	int passed = n >= 0 ? take_descriptor(&m) : -1;
	if (n > 0 && (m.msg_flags & MSG_TRUNC) == 0) {
		text[n] = '\0';
		obey(c, text, passed);
	} else if (passed >= 0) {
		close(passed);
	}
	client_free(c);
}

/* Root, or who runs the broker. */
static bool
may_command(int fd)
{
	struct ucred who;
	socklen_t size = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	log_say("control: uid %u may not register VMs; root may, and uid %u", who.uid, geteuid());
	return false;
}

static void
on_client(evutil_socket_t fd, short what, void *arg)
{
	struct registrar *r = arg;
	const struct timeval patience = { .tv_sec = CONTROL_S };
	int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (one < 0)
		return;
	struct client *c = may_command(one) ? calloc(1, sizeof *c) : NULL;
	if (c == NULL) {
		close(one);
		return;
	}
	*c = (struct client){ .registrar = r, .fd = one };
	c->event = event_new(r->base, one, EV_READ, on_command, c);
	if (c->event == NULL || event_add(c->event, &patience) != 0) {
		close(one);
		free(c);
	}
}

/* --- the front --------------------------------------------------------------------------- */

static void
on_front(void *arg, const struct ipc_message *m, int passed)
{
	struct registrar *r = arg;
	uint64_t handle, within;

	if (passed >= 0)
		close(passed);
	if (m->op == LINE_STATUS && m->count == 1 &&
	    ipc_get_text(r->status, sizeof r->status, m, 0))
		return;
	if (m->op != LINE_REPORT || m->count != 3 || m->field[0].len != MNONCE_SIZE ||
	    !ipc_get_u64(&handle, m, 1) || handle > UINT32_MAX || !ipc_get_u64(&within, m, 2) ||
	    within > INT32_MAX) {
		log_say("the front asks for what there is not: %u", m->op);
		r->code = EXIT_TROUBLE;
		event_base_loopbreak(r->base);
		return;
	}
	for (struct guest *g = r->guests; g != NULL; g = g->next)
		if (g->id == m->id) {
			if (has_exited(g))
				break;
			if (g->monitor == NULL)
				answer_text(r, m->id, LINE_TROUBLE,
				    "it is registered as a TD (tdx), which has no such report");
			else if (!monitor_ask(g->monitor, m->field[0].ptr, (uint32_t)handle,
				     (int64_t)within))
				answer_text(r, m->id, LINE_TROUBLE, "it is being asked already");
			return;
		}
	answer_text(r, m->id, LINE_TROUBLE, "its VMM has ended");
}

static void
on_front_end(void *arg)
{
	struct registrar *r = arg;

	event_base_loopbreak(r->base);
}

/* --- start ------------------------------------------------------------------------------- */

/* A VM costs two, and more of them can come than a shell's limit has. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool
add_configured(struct registrar *r, const struct broker_options *o)
{
	struct vm_spec spec;
	char why[VM_WHY_ROOM];

	for (size_t i = 0; i < o->vm_count; i++) {
		int pidfd = -1;
		bool ok = vm_spec_read(&spec, o->vm[i], why);
		if (ok && spec.pid != 0) {
			pidfd = (int)syscall(SYS_pidfd_open, spec.pid, 0);
			ok = pidfd >= 0;
			if (!ok && errno == ESRCH) { /* no reason for the others to go without */
				log_say("VM %s: its VMM (pid %d) has ended; it is not registered",
				    spec.name, (int)spec.pid);
				continue;
			}
			snprintf(why, sizeof why, "names no process: %s", strerror(errno));
		}
		if (!ok || !add(r, &spec, pidfd, why)) {
			log_say("vm: %s %s", o->vm[i], why);
			return false;
		}
	}
	return line_say(r->front_fd, &(struct ipc_message){ .op = LINE_READY }, -1);
}

static bool
open_control(struct registrar *r, const struct broker_options *o)
{
	if (o->control == NULL)
		return true;
	const char *path = options_unix_path(o->control);
	r->control = local_listen(&r->control_name, path, SOCK_SEQPACKET, BACKLOG);
	int error = errno;
	if (r->control >= 0)
		r->control_event =
		    event_new(r->base, r->control, EV_READ | EV_PERSIST, on_client, r);
	if (r->control_event != NULL && event_add(r->control_event, NULL) == 0)
		return true;
	log_say(
	    "%s: cannot listen there: %s%s", o->control, strerror(error), local_hint(path, error));
	return false;
}

static void
close_all(struct registrar *r)
{
	while (r->guests != NULL) {
		struct guest *g = r->guests;
		r->guests = g->next;
		guest_free(g);
	}
	if (r->control_event != NULL)
		event_free(r->control_event);
	if (r->control >= 0) {
		close(r->control);
		local_remove(&r->control_name);
	}
	line_free(r->front);
	if (r->base != NULL)
		event_base_free(r->base);
}

int
registrar_run(const void *arg, const int *sockets, size_t count)
{
	const struct broker_options *o = arg;
	struct registrar r = { .control = -1, .front_fd = sockets[0], .code = EXIT_DONE };
	const struct line_user user = { on_front, on_front_end, &r };

	(void)count;
	signal(SIGTERM, SIG_IGN); /* it is the front that ends, and then we */
	raise_descriptors();
	r.base = event_base_new();
	r.front = r.base != NULL ? line_new(r.base, sockets[0], &user, LINE_MESSAGE_MAX) : NULL;
	if (r.front == NULL) {
		log_say("out of memory");
		r.code = EXIT_TROUBLE;
	} else if (!open_control(&r, o) || !add_configured(&r, o) || !lockdown_vmm(o)) {
		r.code = EXIT_TROUBLE;
	} else {
		r.confined = true;
		event_base_dispatch(r.base);
	}
	close_all(&r);
	return r.code;
}
