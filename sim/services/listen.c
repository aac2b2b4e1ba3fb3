/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets to listen on, and the threads of the QGS. */
#include "services/qgs.h"
#include "services/services.h"

#include <errno.h>
#include <event2/listener.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

enum { BACKLOG = 64, HOST_MAX = 256, PORT_MAX = 32 };

/* --- addresses ------------------------------------------------------------------------------ */

static int
failed(int fd, char why[256], const char *address)
{
	snprintf(why, 256, "%s: %s", address, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
listen_tcp(const char *address, char bound[SIM_ADDRESS_MAX], char why[256])
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct sockaddr_storage name;
	socklen_t size = sizeof name;
	struct addrinfo *found;
	char host[HOST_MAX], port[PORT_MAX];
	const char *colon = strrchr(address + 4, ':'), *start = address + 4;
	int one = 1;

	size_t n = colon != NULL ? (size_t)(colon - start) : 0;
	if (n >= 2 && start[0] == '[' && start[n - 1] == ']') {
		start++;
		n -= 2;
	}
	if (colon == NULL || n == 0 || n >= sizeof host || colon[1] == '\0') {
		snprintf(why, 256, "%s: is no address; write tcp:127.0.0.1:0", address);
		return -1;
	}
	snprintf(host, sizeof host, "%.*s", (int)n, start);
	int rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0) {
		snprintf(why, 256, "%s: %s", address, gai_strerror(rc));
		return -1;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&name, &size) == 0;
	int error = errno;
	freeaddrinfo(found);
	errno = error;
	if (!ok ||
	    getnameinfo((struct sockaddr *)&name, size, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return failed(fd, why, address);
	bool six = strchr(host, ':') != NULL;
	snprintf(bound, SIM_ADDRESS_MAX, "tcp:%s%.100s%s:%s", six ? "[" : "", host, six ? "]" : "",
	    port);
	return fd;
}

/* A socket in the file system whose owner died is in the way; one that answers is not. */
static void
remove_stale(const struct sockaddr_un *name)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && lstat(name->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)name, sizeof *name) != 0 && errno == ECONNREFUSED)
		unlink(name->sun_path);
	if (fd >= 0)
		close(fd);
}

static int
listen_unix(const char *address, char bound[SIM_ADDRESS_MAX], char why[256])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	if (strlen(address + 5) == 0 || strlen(address + 5) >= sizeof name.sun_path) {
		snprintf(why, 256, "%s: a socket's path has 1 to %zu characters", address,
		    sizeof name.sun_path - 1);
		return -1;
	}
	memcpy(name.sun_path, address + 5, strlen(address + 5)); /* the rest is zero */
	remove_stale(&name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0)
		return failed(fd, why, address);
	if (listen(fd, BACKLOG) != 0) {
		unlink(name.sun_path);
		return failed(fd, why, address);
	}
	snprintf(bound, SIM_ADDRESS_MAX, "%s", address);
	return fd;
}

static int
listen_vsock(const char *address, char bound[SIM_ADDRESS_MAX], char why[256])
{
	struct sockaddr_vm name = { .svm_family = AF_VSOCK };
	socklen_t size = sizeof name;
	char cid[16], text[16];
	unsigned long port;
	char *end = NULL;

	if (sscanf(address, "vsock:%15[^:]:%15s", cid, text) != 2 ||
	    (port = strtoul(text, &end, 10)) > UINT32_MAX || *end != '\0' || text[0] == '-') {
		snprintf(why, 256, "%.200s: is no address; write vsock:any:4050", address);
		return -1;
	}
	name.svm_port = port == 0 ? VMADDR_PORT_ANY : (unsigned)port;
	if (strcmp(cid, "any") == 0)
		name.svm_cid = VMADDR_CID_ANY;
	else if (strcmp(cid, "host") == 0)
		name.svm_cid = VMADDR_CID_HOST;
	else
		name.svm_cid = (unsigned)strtoul(cid, NULL, 10);
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0 ||
	    listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&name, &size) != 0)
		return failed(fd, why, address);
	snprintf(bound, SIM_ADDRESS_MAX, "vsock:%s:%u", cid, name.svm_port);
	return fd;
}

int
sim_listen(const char *address, char bound[SIM_ADDRESS_MAX], char why[256])
{
	if (strlen(address) >= SIM_ADDRESS_MAX) {
		snprintf(why, 256, "%.100s...: the address is too long", address);
		return -1;
	}
	if (strncmp(address, "tcp:", 4) == 0)
		return listen_tcp(address, bound, why);
	if (strncmp(address, "unix:", 5) == 0)
		return listen_unix(address, bound, why);
	if (strncmp(address, "vsock:", 6) == 0)
		return listen_vsock(address, bound, why);
	snprintf(why, 256, "%s: is no address; write tcp:HOST:PORT, unix:PATH or vsock:CID:PORT",
	    address);
	return -1;
}

void
sim_unlisten(const char *bound)
{
	if (strncmp(bound, "unix:", 5) == 0)
		unlink(bound + 5);
}

/* --- QGS ------------------------------------------------------------------------------------ */

enum { CONNECTIONS_MAX = 256 };

struct sim_qgs {
	struct sim_machine *machine;
	struct evconnlistener *listener;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	int fds[CONNECTIONS_MAX]; /* of the connections being served; -1: free */
	size_t count;
};

struct connection {
	struct sim_qgs *qgs;
	size_t slot;
	int fd;
};

static void *
serve(void *arg)
{
	struct connection *c = arg;
	struct sim_qgs *q = c->qgs;
	/* The slot keeps a descriptor of its own: that of the connection is closed, and its number
	 * taken anew, before the slot is. */
	(void)sim_qgs_serve_connection(q->machine, c->fd);
	pthread_mutex_lock(&q->lock);
	close(q->fds[c->slot]);
	q->fds[c->slot] = -1;
	if (q->count-- == CONNECTIONS_MAX)
		evconnlistener_enable(q->listener);
	pthread_cond_signal(&q->ended);
	pthread_mutex_unlock(&q->lock);
	free(c);
	return NULL;
}

static bool
start_thread(struct connection *c)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0)
		return false;
	bool ok = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
	    pthread_create(&thread, &attr, serve, c) == 0;
	pthread_attr_destroy(&attr);
	return ok;
}

static void
accepted(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int size, void *arg)
{
	struct sim_qgs *q = arg;
	struct connection *c = malloc(sizeof *c);
	int again = dup(fd);

	(void)from;
	(void)size;
	if (c == NULL || again < 0)
		goto refuse;
	*c = (struct connection){ .qgs = q, .fd = fd };
	pthread_mutex_lock(&q->lock);
	while (q->fds[c->slot] != -1)
		c->slot++;
	bool ok = start_thread(c);
	if (ok) {
		q->fds[c->slot] = again;
		if (++q->count == CONNECTIONS_MAX)
			evconnlistener_disable(listener);
	}
	pthread_mutex_unlock(&q->lock);
	if (ok)
		return;
refuse:
	free(c);
	if (again >= 0)
		close(again);
	close(fd);
}

struct sim_qgs *
sim_qgs_start(struct event_base *base, struct sim_machine *m, int fd)
{
	struct sim_qgs *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->machine = m;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		q->fds[i] = -1;
	if (pthread_mutex_init(&q->lock, NULL) != 0 || pthread_cond_init(&q->ended, NULL) != 0) {
		free(q);
		return NULL;
	}
	q->listener = evconnlistener_new(base, accepted, q,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_THREADSAFE, 0, fd);
	if (q->listener == NULL) {
		free(q);
		return NULL;
	}
	return q;
}

void
sim_qgs_stop(struct sim_qgs *q)
{
	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (q->fds[i] >= 0)
			shutdown(q->fds[i], SHUT_RDWR);
	while (q->count > 0)
		pthread_cond_wait(&q->ended, &q->lock);
	pthread_mutex_unlock(&q->lock);
	evconnlistener_free(q->listener);
	pthread_cond_destroy(&q->ended);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
