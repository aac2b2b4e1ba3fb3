/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program gets an AF_UNIX stream socket in place of an AF_VSOCK one: few kernels have the vsock
 * loopback, and the protocols here only send and receive. The supervisor has bound it to an
 * abstract name with a token of this run in it. The name tells ours from all other sockets, by the
 * open file and without a table, whichever process holds it, and carries the local port.
 */
#include "vsock.h"
#include "bridge.h"
#include "services/qgs.h"
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/vm_sockets.h>

enum {
	GUEST_CID = 3,
	RESERVED_PORTS = 1024, /* root's */
	FIRST_PORT = 0x10000,
	CONNECTIONS_MAX = 64,
	BACKLOG = 128,
};

struct vsock {
	struct sim_machine *machine;
	struct {
		struct vsock_port is;
		struct sockaddr_un at;
		socklen_t len;
	} ports[VSOCK_PORTS_MAX];
	size_t port_count;
	struct vsock_port served; /* the one whose connections reach the listener */
	int listener;
	uint64_t token;
	atomic_uint port; /* the next local one */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	int connections[CONNECTIONS_MAX]; /* copies of their descriptors; 0: free */
	size_t count;
};

/* The abstract name of a socket of ours; port 0 is the listener's. */
static socklen_t
name_of(const struct vsock *v, unsigned port, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int n = snprintf(out->sun_path + 1, sizeof out->sun_path - 1, "assay-sim/%016llx/%u",
	    (unsigned long long)v->token, port);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static bool
add_port(struct vsock *v, const struct vsock_port *p)
{
	if (v->port_count == VSOCK_PORTS_MAX)
		return false;
	struct sockaddr_un *at = &v->ports[v->port_count].at;
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	socklen_t len = sizeof *at;
	if (p->path == NULL || p->cheat != NULL) {
		len = name_of(v, 0, at);
		v->served = *p;
	} else if (strlen(p->path) >= sizeof at->sun_path) {
		return false;
	} else {
		strcpy(at->sun_path, p->path);
	}
	v->ports[v->port_count].len = len;
	v->ports[v->port_count++].is = *p;
	return true;
}

int
vsock_open(
    struct vsock **out, struct sim_machine *machine, const struct vsock_port *ports, size_t count)
{
	struct vsock *v = calloc(1, sizeof *v);
	struct sockaddr_un name;

	if (v == NULL)
		return -ENOMEM;
	v->machine = machine;
	atomic_store(&v->port, FIRST_PORT);
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->ended, NULL);
	v->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (v->listener < 0 || getrandom(&v->token, sizeof v->token, 0) != sizeof v->token)
		goto failed;
	socklen_t len = name_of(v, 0, &name);
	if (bind(v->listener, (struct sockaddr *)&name, len) != 0 ||
	    listen(v->listener, BACKLOG) != 0)
		goto failed;
	for (size_t i = 0; i < count; i++)
		if (!add_port(v, &ports[i])) {
			errno = ENAMETOOLONG;
			goto failed;
		}
	*out = v;
	return 0;
failed:;
	int rc = errno != 0 ? -errno : -EIO;
	if (v->listener >= 0)
		close(v->listener);
	free(v);
	return rc;
}

/* Ends the connections that still run, and waits for their threads. */
void
vsock_close(struct vsock *v)
{
	if (v == NULL)
		return;
	close(v->listener);
	pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (v->connections[i] != 0)
			shutdown(v->connections[i], SHUT_RDWR);
	while (v->count > 0)
		pthread_cond_wait(&v->ended, &v->lock);
	pthread_mutex_unlock(&v->lock);
	free(v);
}

int
vsock_listener(const struct vsock *v)
{
	return v->listener;
}

/* --- the service ---------------------------------------------------------------------------- */

struct connection {
	struct vsock *v;
	size_t slot;
	int fd;
};

/* A place for a connection and in it a copy of its descriptor, which the service does not close.
 * CONNECTIONS_MAX if there is none: a client that stalls holds a thread, and so many are enough. */
static size_t
take_slot(struct vsock *v, int fd)
{
	size_t slot = 0;

	pthread_mutex_lock(&v->lock);
	while (slot < CONNECTIONS_MAX && v->connections[slot] != 0)
		slot++;
	int copy = slot < CONNECTIONS_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 1) : -1;
	if (copy > 0) {
		v->connections[slot] = copy;
		v->count++;
	} else {
		slot = CONNECTIONS_MAX;
	}
	pthread_mutex_unlock(&v->lock);
	return slot;
}

static void
leave_slot(struct vsock *v, size_t slot)
{
	pthread_mutex_lock(&v->lock);
	close(v->connections[slot]);
	v->connections[slot] = 0;
	v->count--;
	pthread_cond_signal(&v->ended);
	pthread_mutex_unlock(&v->lock);
}

static void *
serve(void *arg)
{
	struct connection c = *(struct connection *)arg;

	free(arg);
	if (c.v->served.path != NULL) /* both close it */
		bridge_serve(c.fd, &c.v->served);
	else
		sim_qgs_serve_connection(c.v->machine, c.fd);
	leave_slot(c.v, c.slot);
	return NULL;
}

void
vsock_serve(struct vsock *v)
{
	int fd = accept4(v->listener, NULL, NULL, SOCK_CLOEXEC);
	struct connection *c = fd >= 0 ? malloc(sizeof *c) : NULL;
	size_t slot = c != NULL ? take_slot(v, fd) : CONNECTIONS_MAX;
	pthread_t thread;

	if (slot < CONNECTIONS_MAX) {
		*c = (struct connection){ v, slot, fd };
		if (pthread_create(&thread, NULL, serve, c) == 0) {
			pthread_detach(thread);
			return;
		}
		leave_slot(v, slot);
	}
	free(c);
	if (fd >= 0)
		close(fd);
}

/* --- the program's end ---------------------------------------------------------------------- */

static int
socket_at(const struct vsock *v, unsigned port, int flags)
{
	struct sockaddr_un name;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return -errno;
	socklen_t len = name_of(v, port, &name);
	if (bind(fd, (struct sockaddr *)&name, len) != 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int
vsock_socket(struct vsock *v, uint64_t type, uint64_t protocol)
{
	int kind = (int)type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (protocol != 0 && protocol != AF_VSOCK)
		return -EPROTONOSUPPORT;
	if (kind != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	return socket_at(v, atomic_fetch_add(&v->port, 1), (int)type & SOCK_NONBLOCK);
}

/* Whether the socket is one of ours, and its local port. */
static bool
is_ours(const struct vsock *v, int fd, unsigned *port)
{
	struct sockaddr_un name = { .sun_family = AF_UNSPEC }, want;
	socklen_t len = sizeof name;
	char text[sizeof name.sun_path] = "";
	unsigned long n;

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0 || name.sun_family != AF_UNIX ||
	    len <= offsetof(struct sockaddr_un, sun_path) + 1 || name.sun_path[0] != '\0')
		return false;
	memcpy(text, name.sun_path + 1, len - offsetof(struct sockaddr_un, sun_path) - 1);
	const char *slash = strrchr(text, '/');
	if (slash == NULL || (n = strtoul(slash + 1, NULL, 10)) == 0)
		return false;
	*port = (unsigned)n;
	return name_of(v, *port, &want) == len && memcmp(&want, &name, len) == 0;
}

static bool
is_connected(int fd)
{
	struct sockaddr_un name;
	socklen_t len = sizeof name;

	return getpeername(fd, (struct sockaddr *)&name, &len) == 0;
}

static int
connect_to(const struct vsock *v, int fd, pid_t tid, uint64_t at, uint64_t n)
{
	struct sockaddr_vm to;
	size_t i = 0;

	if (n < sizeof to)
		return -EINVAL;
	if (target_read(tid, at, &to, sizeof to) != 0)
		return -EFAULT;
	if (to.svm_family != AF_VSOCK)
		return -EINVAL;
	if (is_connected(fd))
		return -EISCONN;
	if (to.svm_cid != VMADDR_CID_HOST)
		return -ENODEV; /* no other machine, and no loopback */
	while (i < v->port_count && v->ports[i].is.port != to.svm_port)
		i++;
	if (i == v->port_count)
		return -ECONNRESET; /* what the host answers where no one listens */
	if (connect(fd, (const struct sockaddr *)&v->ports[i].at, v->ports[i].len) == 0)
		return 0;
	return errno == ECONNREFUSED || errno == ENOENT ? -ECONNRESET : -errno;
}

/* A port of the program's own choice; a Unix socket has one name for life, so this is another one. */
static int
bind_to(struct vsock *v, int fd, unsigned has, pid_t tid, const uint64_t args[6], unsigned *port)
{
	struct sockaddr_vm to;

	if (args[2] < sizeof to)
		return -EINVAL;
	if (target_read(tid, args[1], &to, sizeof to) != 0)
		return -EFAULT;
	if (to.svm_family != AF_VSOCK || has < FIRST_PORT || is_connected(fd))
		return -EINVAL;
	if (to.svm_cid != VMADDR_CID_ANY && to.svm_cid != GUEST_CID)
		return -EADDRNOTAVAIL;
	if (to.svm_port < RESERVED_PORTS && !target_capable(tid, CAP_NET_BIND_SERVICE))
		return -EACCES;
	*port = to.svm_port != VMADDR_PORT_ANY ? to.svm_port : atomic_fetch_add(&v->port, 1);
	return socket_at(v, *port, fcntl(fd, F_GETFL) & O_NONBLOCK);
}

bool
vsock_bind(struct vsock *v, pid_t tid, const uint64_t args[6], int *result, unsigned *port)
{
	int fd = target_take_fd(tid, args[0]);
	unsigned has;
	bool ours = fd >= 0 && is_ours(v, fd, &has);

	if (ours)
		*result = bind_to(v, fd, has, tid, args, port);
	if (fd >= 0)
		close(fd);
	return ours;
}

/* The port that fd is connected to. */
static unsigned
peer_port(const struct vsock *v, int fd)
{
	struct sockaddr_un name = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof name;

	if (getpeername(fd, (struct sockaddr *)&name, &len) != 0)
		return VMADDR_PORT_ANY;
	for (size_t i = 0; i < v->port_count; i++)
		if (memcmp(name.sun_path, v->ports[i].at.sun_path, sizeof name.sun_path) == 0)
			return v->ports[i].is.port;
	return VMADDR_PORT_ANY;
}

/* As the kernel hands out an address: cut to the room, and the whole length told. */
static int
give_name(pid_t tid, uint64_t at, uint64_t len_at, struct sockaddr_vm name)
{
	int room;

	if (target_read(tid, len_at, &room, sizeof room) != 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	size_t n = (size_t)room < sizeof name ? (size_t)room : sizeof name;
	int len = sizeof name;
	if ((n > 0 && target_write(tid, at, &name, n) != 0) ||
	    target_write(tid, len_at, &len, sizeof len) != 0)
		return -EFAULT;
	return 0;
}

static int
give_option(pid_t tid, uint64_t level, uint64_t option, uint64_t at, uint64_t len_at)
{
	int value = AF_VSOCK, room;

	if (level != SOL_SOCKET || option != SO_DOMAIN)
		return -ENOPROTOOPT;
	if (target_read(tid, len_at, &room, sizeof room) != 0)
		return -EFAULT;
	if (room < (int)sizeof value)
		return -EINVAL;
	room = sizeof value;
	return target_write(tid, at, &value, sizeof value) != 0 ||
		target_write(tid, len_at, &room, sizeof room) != 0
	    ? -EFAULT
	    : 0;
}

bool
vsock_call(struct vsock *v, pid_t tid, int nr, const uint64_t args[6], int *result)
{
	struct sockaddr_vm name = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY
	};
	int fd = target_take_fd(tid, args[0]);
	unsigned port;

	if (fd < 0)
		return false;
	if (!is_ours(v, fd, &port)) {
		close(fd);
		return false;
	}
	if (nr == SYS_connect) {
		*result = connect_to(v, fd, tid, args[1], args[2]);
	} else if (nr == SYS_getsockname) {
		if (is_connected(fd)) {
			name.svm_cid = GUEST_CID;
			name.svm_port = port;
		} else if (port < FIRST_PORT) {
			name.svm_port = port;
		}
		*result = give_name(tid, args[1], args[2], name);
	} else if (nr == SYS_getpeername) {
		name.svm_cid = VMADDR_CID_HOST;
		name.svm_port = peer_port(v, fd);
		*result = is_connected(fd) ? give_name(tid, args[1], args[2], name) : -ENOTCONN;
	} else if (nr == SYS_getsockopt) {
		*result = give_option(tid, args[1], args[2], args[3], args[4]);
	} else {
		*result = 0; /* setsockopt of level AF_VSOCK: sizes and time-outs, of no effect */
	}
	close(fd);
	return true;
}
