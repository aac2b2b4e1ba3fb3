/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include <linux/vm_sockets.h>

#include "../lockdown.h"
#include "../vm.h"
#include "text.h"

enum {
	NAME_ROOM = sizeof(((struct peer *)NULL)->name),
	STRANGERS_MAX = 256,
	EXIT_DONE = 0,
	EXIT_TROUBLE = 4,
	TICK_MS = 100,
	DRAIN_MS = 10000, /* how long requests in flight may still take */
	CONNECTIONS_FEW = 128,
	DESCRIPTORS_ELSE = 1100, /* sockets of VMs, 1024 at most, and the process' own */
	PORTS_RESERVED = 1024,   /* of vsock: ports below need CAP_NET_BIND_SERVICE in the guest */
};

static const int signal_numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

int64_t
front_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
stop(struct front *f, int code)
{
	if (f->code == EXIT_DONE)
		f->code = code;
	f->life = STOPPED;
	event_base_loopbreak(f->base);
}

/* --- turns ------------------------------------------------------------------------------- */

/* Milliseconds from now until a lane's bucket has filled; -1: none waits for that. */
static int64_t
run_role(struct front *f, size_t role)
{
	int64_t now = front_now_ms(), again;
	struct lane *lane;
	struct job *job;

	while ((job = schedule_next(&f->schedules[role], &lane, now, &again)) != NULL)
		connection_run((struct connection *)(void *)job); /* its first member */
	return again < 0 ? -1 : again > now ? again - now : 0;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	int64_t soonest = -1;

	(void)fd;
	(void)what;
	f->pumping = false;
	for (size_t i = 0; i < ROLES; i++) {
		int64_t wait = run_role(f, i);
		if (wait >= 0 && (soonest < 0 || wait < soonest))
			soonest = wait;
	}
	if (soonest >= 0 && !f->pumping) {
		const struct timeval then = { .tv_sec = (time_t)(soonest / 1000),
			.tv_usec = (suseconds_t)(soonest % 1000 * 1000) };
		event_add(f->turn, &then);
	}
}

void
front_pump(struct front *f)
{
	const struct timeval now = { 0, 0 };

	if (f->pumping)
		return;
	f->pumping = true;
	event_add(f->turn, &now);
}

/* --- whose connection is it? ------------------------------------------------------------- */

static struct peer *
peer_by_cid(struct front *f, uint32_t cid)
{
	if (cid == CID_HYPERVISOR || cid == CID_HOST)
		return NULL; /* no guests, whatever was registered */
	for (struct peer *p = f->peers; p != NULL; p = p->next)
		if (p->cid == cid)
			return p;
	return NULL;
}

/* A local process: a VMM that hands on its guest's connection. One may have a TD and another VM: for quotes the
 * one, for evidence the other. */
static struct peer *
peer_by_process(struct front *f, size_t role, int fd)
{
	struct ucred who;
	socklen_t size = sizeof who;
	struct peer *of = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.pid <= 0)
		return NULL;
	for (struct peer *p = f->peers; p != NULL; p = p->next)
		if (p->pid == who.pid && p->own.role == role) {
			if (of != NULL)
				return NULL; /* which of its VMs is not to be told */
			of = p;
		}
	return of;
}

/* Of the addresses that one process may choose from, all are one peer's: the loopback, and an IPv6 /64. */
static bool
name_address(char out[NAME_ROOM], const struct sockaddr_storage *name)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	char text[INET6_ADDRSTRLEN];
	bool six = name->ss_family == AF_INET6;

	memcpy(&in, name, sizeof in);
	memcpy(&in6, name, sizeof in6);
	if (six && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof in.sin_addr);
		six = false;
	}
	if (six ? IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr)
		: ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
		snprintf(out, NAME_ROOM, "address loopback");
		return true;
	}
	memset(&in6.sin6_addr.s6_addr[8], 0, 8);
	if (inet_ntop(six ? AF_INET6 : AF_INET,
		six ? (const void *)&in6.sin6_addr : (const void *)&in.sin_addr, text,
		sizeof text) == NULL)
		return false;
	snprintf(out, NAME_ROOM, "address %s%s", text, six ? "/64" : "");
	return true;
}

/* Who connects and is no registered VM; false: the kernel does not say. */
static bool
name_stranger(
    char out[NAME_ROOM], const struct listening *l, int fd, const struct sockaddr_storage *name)
{
	struct sockaddr_vm vm;
	struct ucred who;
	socklen_t size = sizeof who;

	memcpy(&vm, name, sizeof vm);
	if (l->family == AF_VSOCK && vm.svm_family == AF_VSOCK)
		snprintf(out, NAME_ROOM, "CID %u", vm.svm_cid);
	else if (l->family == AF_UNIX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
		snprintf(out, NAME_ROOM, "uid %u", who.uid);
	else
		return (l->family == AF_INET || l->family == AF_INET6) && name_address(out, name);
	return true;
}

/* Its lane, made if it has none; NULL: there are too many. Those of each family are counted by themselves: who
 * has many addresses takes no place of a guest's or a user's. */
static struct peer *
peer_of_stranger(struct front *f, const struct listening *l, const char *name)
{
	size_t role = l->role, count = 0;
	struct peer *p;

	for (p = f->peers; p != NULL; p = p->next) {
		if (p->stranger && strcmp(p->name, name) == 0)
			return p;
		count += p->stranger && p->own.family == l->family;
	}
	if (count >= STRANGERS_MAX || (p = calloc(1, sizeof *p)) == NULL) {
		log_detail("%s: is one more than the %d that are served unregistered", name,
		    STRANGERS_MAX);
		return NULL;
	}
	p->front = f;
	p->stranger = true;
	p->own.fd = -1;
	p->own.family = l->family;
	snprintf(p->name, sizeof p->name, "%s", name);
	for (size_t i = 0; i < ROLES; i++)
		lane_init(&p->lanes[i], &f->schedules[i], front_now_ms());
	if ((p->guests[role] = roles[role]->meet(f->states[role], p)) == NULL) {
		free(p);
		return NULL;
	}
	p->next = f->peers;
	f->peers = p;
	return p;
}

/* Our own guests come to the host's CID. Where this host is itself a guest, what comes to its own CID is from
 * outside: CIDs there are another hypervisor's, and may be those of our guests too. */
static bool
is_from_below(int fd, uint32_t cid)
{
	struct sockaddr_vm here = { 0 };
	socklen_t size = sizeof here;

	return cid == CID_LOOPBACK ||
	    (getsockname(fd, (struct sockaddr *)&here, &size) == 0 && here.svm_family == AF_VSOCK &&
		here.svm_cid == CID_HOST);
}

/* The registered VM, or NULL. */
static struct peer *
peer_by_connection(
    struct front *f, const struct listening *l, int fd, const struct sockaddr_storage *name)
{
	struct sockaddr_vm vm;

	memcpy(&vm, name, sizeof vm);
	if (l->family == AF_VSOCK)
		return vm.svm_family == AF_VSOCK && is_from_below(fd, vm.svm_cid)
		    ? peer_by_cid(f, vm.svm_cid)
		    : NULL;
	return l->family == AF_UNIX ? peer_by_process(f, l->role, fd) : NULL;
}

static struct peer *
identify(struct door *door, int fd, const struct sockaddr_storage *name)
{
	const struct listening *l = door->listening;
	char stranger[NAME_ROOM];
	struct peer *p = door->peer;

	if (p == NULL)
		p = peer_by_connection(door->front, l, fd, name);
	if (p != NULL || !name_stranger(stranger, l, fd, name))
		return p;
	if (roles[l->role]->strangers)
		return peer_of_stranger(door->front, l, stranger);
	if (l->family == AF_VSOCK)
		log_detail("%s: %s is no registered VM's", l->address, stranger);
	else
		log_detail("%s: a process that is no registered VMM", l->address);
	return NULL;
}

/* Whether not every user of the guest can have come from there, as its kernel sees to it. */
static bool
is_reserved(const struct listening *l, const struct sockaddr_storage *name)
{
	struct sockaddr_vm vm;

	memcpy(&vm, name, sizeof vm);
	return l->family == AF_VSOCK && vm.svm_family == AF_VSOCK && vm.svm_port < PORTS_RESERVED;
}

static bool
is_silent(const struct connection *c)
{
	return c->state == READING && c->have == 0;
}

/* A silent one goes, of a reserved port only for another such; for that one all goes that has none. */
static bool
may_go(const struct connection *c, bool for_reserved)
{
	return is_silent(c) ? for_reserved || !c->reserved : for_reserved && !c->reserved;
}

static bool
goes_before(const struct connection *c, const struct connection *other)
{
	if (c->reserved != other->reserved)
		return !c->reserved;
	if (is_silent(c) != is_silent(other))
		return is_silent(c);
	return c->since_ms <= other->since_ms;
}

/* Room for one more: the connection that has been silent longest goes. Who holds all places with frames that
 * never come whole, or come one after the other, does not keep the guest's agent out. */
static bool
make_room(struct peer *p, bool for_reserved)
{
	const bool full = p->front->connections >= p->front->connections_max;
	struct connection *first = NULL;

	if (!full && p->count < p->front->options->connections)
		return true;
	for (struct connection *c = p->connections; c != NULL; c = c->next)
		if (may_go(c, for_reserved) && (first == NULL || goes_before(c, first)))
			first = c;
	if (first == NULL) {
		log_detail("VM %s: has %zu connections, and is refused one more%s", p->name,
		    p->count, full ? ": there are no descriptors left" : "");
		return false;
	}
	connection_free(first);
	return true;
}

static void
on_knock(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;
	struct sockaddr_storage name = { 0 };
	socklen_t size = sizeof name;
	int one = accept4(fd, (struct sockaddr *)&name, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (one < 0)
		return;
	bool reserved = is_reserved(door->listening, &name);
	struct peer *p = identify(door, one, &name);
	if (p == NULL || !make_room(p, reserved))
		close(one);
	else
		connection_new(door->front, p, door->listening->role, reserved, one);
}

static bool
open_door(struct door *door, struct front *f, struct listening *l, struct peer *p)
{
	*door = (struct door){ .front = f, .peer = p, .listening = l };
	door->event = event_new(f->base, l->fd, EV_READ | EV_PERSIST, on_knock, door);
	return door->event != NULL && event_add(door->event, NULL) == 0;
}

static void
close_door(struct door *door)
{
	if (door->event != NULL)
		event_free(door->event);
	door->event = NULL;
}

/* --- VMs --------------------------------------------------------------------------------- */

struct peer *
front_peer(struct front *f, uint32_t id)
{
	struct peer *p = f->peers;

	while (p != NULL && p->id != id)
		p = p->next;
	return p;
}

static void
peer_free(struct peer *p)
{
	struct front *f = p->front;

	while (p->connections != NULL)
		connection_free(p->connections);
	close_door(&p->door);
	if (p->own.fd >= 0)
		close(p->own.fd); /* its name is for who made it to remove */
	for (size_t i = 0; i < ROLES; i++) {
		schedule_forget(&f->schedules[i], &p->lanes[i]);
		if (p->guests[i] != NULL)
			roles[i]->part(f->states[i], p->guests[i]);
	}
	free(p);
}

static bool
fill_peer(struct peer *p, const struct ipc_message *m)
{
	uint64_t cid, pid, tdx;

	if (m->count != 5 || !ipc_get_text(p->name, sizeof p->name, m, 0) ||
	    !ipc_get_u64(&cid, m, 1) || cid >= UINT32_MAX || !ipc_get_u64(&pid, m, 2) ||
	    pid > INT32_MAX || !ipc_get_u64(&tdx, m, 4))
		return false;
	p->own.role = tdx != 0 ? ROLE_QGS : ROLE_EVIDENCE;
	p->cid = (uint32_t)cid;
	p->pid = (int32_t)pid;
	return true;
}

/* One process may have several VMs, but over a Unix socket for all it is then none of them. */
static void
say_shared(const struct front *f, const struct peer *p)
{
	bool for_all = false;

	for (size_t i = 0; i < f->listening_count; i++)
		for_all = for_all ||
		    (f->listening[i].family == AF_UNIX && f->listening[i].role == p->own.role);
	if (!for_all || p->pid == 0 || p->own.fd >= 0)
		return;
	for (const struct peer *o = f->peers; o != NULL; o = o->next)
		if (o->pid == p->pid && o->own.role == p->own.role && o->own.fd < 0) {
			log_say("VM %s: has the pid of %s; over a Unix socket for all neither is "
				"known by it, give each a socket of its own",
			    p->name, o->name);
			return;
		}
}

static void
meet(struct front *f, const struct ipc_message *m, int passed)
{
	struct peer *p = calloc(1, sizeof *p);
	bool ok = p != NULL && fill_peer(p, m);

	if (p == NULL) {
		if (passed >= 0)
			close(passed);
		stop(f, EXIT_TROUBLE);
		return;
	}
	p->front = f;
	p->id = m->id;
	p->own.fd = passed;
	p->own.family = AF_UNIX;
	p->own.inherited = true;
	snprintf(p->own.address, sizeof p->own.address, "VM %s", p->name);
	for (size_t i = 0; i < ROLES; i++) {
		lane_init(&p->lanes[i], &f->schedules[i], front_now_ms());
		if (f->states[i] != NULL)
			ok = (p->guests[i] = roles[i]->meet(f->states[i], p)) != NULL && ok;
	}
	if (!ok || (passed >= 0 && !open_door(&p->door, f, &p->own, p))) {
		log_say("VM %s: cannot be served: out of memory", p->name);
		peer_free(p);
		return;
	}
	say_shared(f, p);
	p->next = f->peers;
	f->peers = p;
}

static void
part(struct front *f, uint32_t id)
{
	for (struct peer **at = &f->peers; *at != NULL; at = &(*at)->next)
		if ((*at)->id == id) {
			struct peer *p = *at;
			*at = p->next;
			peer_free(p);
			return;
		}
}

/* --- the other processes ----------------------------------------------------------------- */

static void
heard_vmm(void *arg, const struct ipc_message *m, int passed)
{
	struct front *f = arg;
	uint64_t status;
	struct peer *p;

	switch ((enum line_op)m->op) {
	case LINE_VM:
		meet(f, m, passed);
		return;
	case LINE_GONE:
		part(f, m->id);
		return;
	case LINE_READY:
		event_base_loopbreak(f->base);
		return;
	case LINE_REPORT:
		if (m->count == 2 && ipc_get_u64(&status, m, 0) &&
		    (p = front_peer(f, m->id)) != NULL)
			evidence_report(p, status, m->field[1]);
		return;
	case LINE_CERTS:
	case LINE_QUOTE:
	case LINE_HEALTH:
	case LINE_STATUS:
		break;
	}
	log_say("the vmm process says what it cannot: %u", m->op);
}

static void
heard_sev(void *arg, const struct ipc_message *m, int passed)
{
	struct front *f = arg;
	uint64_t status;

	if (passed >= 0)
		close(passed);
	if (m->op == LINE_CERTS && m->count == 2 && ipc_get_u64(&status, m, 0))
		evidence_certificates(f, m->id, status, m->field[1]);
}

static void
heard_qgs(void *arg, const struct ipc_message *m, int passed)
{
	struct front *f = arg;
	uint64_t status;

	if (passed >= 0)
		close(passed);
	if (m->count != 2 || !ipc_get_u64(&status, m, 0))
		return;
	if (m->op == LINE_QUOTE)
		qgs_answer(f, m->id, status, m->field[1]);
	else if (m->op == LINE_HEALTH)
		qgs_health(f, m->id, status != 0, m->field[1]);
}

static void
line_ended(void *arg)
{
	(void)arg; /* the process has ended, and child_ended() says so */
}

static void
child_ended(struct front *f)
{
	int code;

	for (size_t i = 0; i < PROCESSES; i++) {
		struct process *p = &f->processes[i];
		if (p->run == NULL || !process_ended(p, &code))
			continue;
		if (f->life != STARTING) /* else it has said why */
			log_say("the %s process has ended, and nothing goes without it: "
				"assay-brokerd ends",
			    p->name);
		stop(f, f->life == STARTING && code != EXIT_DONE ? code : EXIT_TROUBLE);
	}
}

/* --- signals and time -------------------------------------------------------------------- */

static bool
is_idle(const struct front *f)
{
	for (const struct peer *p = f->peers; p != NULL; p = p->next)
		if (p->connections != NULL)
			return false;
	return true;
}

static void
drain(struct front *f)
{
	log_say("stopping: finishes the requests in flight");
	f->life = DRAINING;
	f->drain_until_ms = front_now_ms() + DRAIN_MS;
	notify_say(f->notify, "STOPPING=1");
	for (size_t i = 0; i < f->listening_count; i++)
		close_door(&f->doors[i]);
	for (struct peer *p = f->peers; p != NULL; p = p->next) {
		close_door(&p->door);
		for (struct connection *c = p->connections, *next; c != NULL; c = next) {
			next = c->next;
			if (c->state == READING)
				connection_free(c);
		}
	}
	if (is_idle(f))
		stop(f, EXIT_DONE);
}

static void
reload(struct front *f)
{
	notify_reloading(f->notify);
	bool ok = settings_reload(f->settings);
	f->schedules[ROLE_QGS].most = f->options->quotes;
	for (size_t i = 0; i < ROLES; i++) {
		f->schedules[i].rate = f->options->rate;
		f->schedules[i].burst = f->options->burst;
	}
	log_say(ok ? "reloaded" : "what was there before stays");
	front_pump(f);
	notify_say(f->notify, "READY=1");
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct front *f = arg;

	(void)what;
	if (number == SIGCHLD)
		child_ended(f);
	else if (number == SIGHUP && f->life == SERVING)
		reload(f);
	else if (number == SIGHUP)
		return;
	else if (f->life == SERVING)
		drain(f);
	else
		stop(f, EXIT_DONE);
}

/* Those of whom nothing is known that matters. */
static void
forget_strangers(struct front *f, int64_t now)
{
	for (struct peer **at = &f->peers; *at != NULL;) {
		struct peer *p = *at;
		bool rests = p->stranger && p->connections == NULL;
		for (size_t i = 0; i < ROLES && rests; i++)
			rests = lane_rests(&f->schedules[i], &p->lanes[i], now);
		if (rests) {
			*at = p->next;
			peer_free(p);
		} else {
			at = &p->next;
		}
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	int64_t now = front_now_ms();

	(void)fd;
	(void)what;
	child_ended(f); /* one may have before there was anybody to hear the signal */
	for (struct peer *p = f->peers; p != NULL; p = p->next)
		for (struct connection *c = p->connections, *next; c != NULL; c = next) {
			next = c->next;
			connection_tick(c, now);
		}
	forget_strangers(f, now);
	if (f->life == DRAINING && (is_idle(f) || now > f->drain_until_ms))
		stop(f, EXIT_DONE);
	if (f->notify->watchdog_ms > 0 && now - f->heard_ms >= f->notify->watchdog_ms / 3) {
		f->heard_ms = now;
		notify_say(f->notify, "WATCHDOG=1");
	}
}

/* --- start and end ----------------------------------------------------------------------- */

static bool
watch(struct front *f)
{
	const struct timeval every = { .tv_usec = TICK_MS * 1000 };

	for (size_t i = 0; i < sizeof signal_numbers / sizeof signal_numbers[0]; i++) {
		f->signals[i] = evsignal_new(f->base, signal_numbers[i], on_signal, f);
		if (f->signals[i] == NULL || event_add(f->signals[i], NULL) != 0)
			return false;
	}
	signal(SIGPIPE, SIG_IGN);
	f->turn = evtimer_new(f->base, on_turn, f);
	f->tick = event_new(f->base, -1, EV_PERSIST, on_tick, f);
	return f->turn != NULL && f->tick != NULL && event_add(f->tick, &every) == 0;
}

static bool
open_lines(struct front *f)
{
	static const struct {
		void (*heard)(void *arg, const struct ipc_message *m, int passed);
		size_t most;
	} lines[PROCESSES] = {
		[PROCESS_VMM] = { heard_vmm, LINE_MESSAGE_MAX },
		[PROCESS_SEV] = { heard_sev, LINE_MESSAGE_MAX },
		[PROCESS_QGS] = { heard_qgs, LINE_ANSWER_MAX },
	};

	for (size_t i = 0; i < PROCESSES; i++) {
		const struct line_user user = { lines[i].heard, line_ended, f };
		if (f->processes[i].run == NULL)
			continue;
		f->lines[i] = line_new(f->base, f->processes[i].sockets[0], &user, lines[i].most);
		f->processes[i].sockets[0] = -1;
		if (f->lines[i] == NULL)
			return false;
	}
	return true;
}

static bool
open_roles(struct front *f)
{
	for (size_t i = 0; i < ROLES; i++) {
		schedule_init(&f->schedules[i], f->options->rate, f->options->burst);
		if ((f->states[i] = roles[i]->open(f, &f->schedules[i])) == NULL)
			return false;
	}
	return true;
}

/* As many as there are descriptors for, but for those that are no connections: accept() must not fail for want
 * of them, or the loop would turn in place. */
static size_t
connections_of_all(void)
{
	size_t all = process_descriptors();

	return all > DESCRIPTORS_ELSE + CONNECTIONS_FEW ? all - DESCRIPTORS_ELSE : CONNECTIONS_FEW;
}

static void
serve(struct front *f)
{
	event_base_dispatch(f->base); /* until the VMs have been told, or a process has ended */
	if (f->life != STARTING)
		return;
	for (size_t i = 0; i < f->listening_count; i++)
		if (!open_door(&f->doors[i], f, &f->listening[i], NULL)) {
			stop(f, EXIT_TROUBLE);
			return;
		}
	pid_t children[PROCESSES];
	size_t child_count = 0;
	for (size_t i = 0; i < PROCESSES; i++)
		if (f->processes[i].pid > 0)
			children[child_count++] = f->processes[i].pid;
	if (!lockdown_front(settings_path(f->settings), children, child_count)) {
		stop(f, EXIT_TROUBLE);
		return;
	}
	f->life = SERVING;
	for (size_t i = 0; i < f->listening_count; i++)
		log_say("listening on %s, %s", f->listening[i].address,
		    roles[f->listening[i].role]->name);
	log_say("ready");
	notify_say(f->notify, "READY=1");
	event_base_dispatch(f->base);
}

static void
close_front(struct front *f)
{
	while (f->peers != NULL)
		part(f, f->peers->id);
	for (size_t i = 0; i < f->listening_count; i++) {
		if (f->doors != NULL)
			close_door(&f->doors[i]);
		listen_close(&f->listening[i]);
	}
	free(f->doors);
	for (size_t i = 0; i < ROLES; i++)
		if (f->states[i] != NULL)
			roles[i]->close(f->states[i]);
	for (size_t i = 0; i < PROCESSES; i++)
		line_free(f->lines[i]);
	for (size_t i = 0; i < sizeof f->signals / sizeof f->signals[0]; i++)
		if (f->signals[i] != NULL)
			event_free(f->signals[i]);
	if (f->turn != NULL)
		event_free(f->turn);
	if (f->tick != NULL)
		event_free(f->tick);
	if (f->base != NULL)
		event_base_free(f->base);
}

int
front_run(struct settings *settings, struct listening *listening, size_t listening_count,
    struct process *processes, struct notify *notify)
{
	struct front f = { .settings = settings,
		.options = settings_options(settings),
		.processes = processes,
		.notify = notify,
		.listening = listening,
		.listening_count = listening_count };

	f.connections_max = connections_of_all();
	f.base = event_base_new();
	f.doors = calloc(listening_count + 1, sizeof *f.doors);
	if (f.base == NULL || f.doors == NULL || !watch(&f) || !open_lines(&f) || !open_roles(&f)) {
		log_say("cannot start: out of memory");
		f.code = EXIT_TROUBLE;
	} else {
		serve(&f);
	}
	close_front(&f); /* and with it the lines to the others, which then end */
	for (size_t i = 0; i < PROCESSES; i++) {
		int code = processes[i].run != NULL ? process_stop(&processes[i]) : EXIT_DONE;
		if (f.code == EXIT_DONE)
			f.code = code;
	}
	return f.code;
}
