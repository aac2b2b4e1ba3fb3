/* SPDX-License-Identifier: Apache-2.0 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <fcntl.h>
#include <unistd.h>

#include "../local.h"
#include "../text.h"

enum { BACKLOG = 1024, HOST_ROOM = 128, PORT_ROOM = 8, FIRST_INHERITED = 3 };

/* --- words ------------------------------------------------------------------------------- */

/* tcp:HOST:PORT, tcp:[HOST]:PORT */
static bool
split_tcp(char host[HOST_ROOM], char port[PORT_ROOM], const char *address)
{
	const char *start = address + 4, *colon = strrchr(start, ':');

	if (colon == NULL)
		return false;
	size_t n = (size_t)(colon - start), digits = strspn(colon + 1, "0123456789");
	if (n >= 2 && start[0] == '[' && start[n - 1] == ']') {
		start++;
		n -= 2;
	}
	if (n == 0 || n >= HOST_ROOM || digits == 0 || digits > 5 || colon[1 + digits] != '\0' ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return false;
	snprintf(host, HOST_ROOM, "%.*s", (int)n, start);
	snprintf(port, PORT_ROOM, "%s", colon + 1);
	return true;
}

const char *
listen_fault(const char *address)
{
	char host[HOST_ROOM], port[PORT_ROOM];
	struct sockaddr_un name;

	if (strlen(address) >= ADDRESS_MAX)
		return "is too long";
	if (strncmp(address, "tcp:", 4) == 0)
		return split_tcp(host, port, address)
		    ? NULL
		    : "is not tcp:HOST:PORT, with a port of 0 to 65535";
	if (strncmp(address, "unix:", 5) != 0)
		return "is no address; write tcp:127.0.0.1:8080 or unix:PATH";
	size_t n = strlen(address + 5);
	return address[5] == '/' && n < sizeof name.sun_path
	    ? NULL
	    : "is not unix:PATH with an absolute path of at most 107 characters";
}

bool
listen_is_loopback(const char *address)
{
	char host[HOST_ROOM], port[PORT_ROOM];
	struct in_addr in;

	if (strncmp(address, "unix:", 5) == 0)
		return true;
	return split_tcp(host, port, address) &&
	    (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
		(strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host) &&
		    inet_aton(host, &in) != 0)); /* 127.0.0.1.5 is a name */
}

/* --- sockets ----------------------------------------------------------------------------- */

static bool
failed(struct listening *l, const char *address)
{
	int error = errno;

	log_say("%s: cannot listen there: %s%s", address, strerror(error),
	    strncmp(address, "unix:", 5) == 0 ? local_hint(address + 5, error) : "");
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	return false;
}

static bool
is_loopback(const struct sockaddr_storage *name)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (name->ss_family == AF_UNIX)
		return true;
	if (name->ss_family == AF_INET) {
		memcpy(&in, name, sizeof in);
		return ntohl(in.sin_addr.s_addr) >> 24 == 127;
	}
	if (name->ss_family != AF_INET6)
		return false;
	memcpy(&in6, name, sizeof in6);
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

/* Fills in what a bound socket says of itself. */
static bool
describe(struct listening *l)
{
	struct sockaddr_storage name;
	struct sockaddr_un un = { 0 };
	socklen_t size = sizeof name;
	char host[HOST_ROOM], port[PORT_ROOM];

	memset(&name, 0, sizeof name);
	if (getsockname(l->fd, (struct sockaddr *)&name, &size) != 0)
		return false;
	l->local = name.ss_family == AF_UNIX;
	l->loopback = is_loopback(&name);
	if (l->local) {
		memcpy(&un, &name, sizeof un);
		snprintf(l->address, sizeof l->address, "unix:%.*s", (int)sizeof un.sun_path,
		    un.sun_path);
		return true;
	}
	if (getnameinfo((struct sockaddr *)&name, size, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		errno = EAFNOSUPPORT;
		return false;
	}
	bool six = strchr(host, ':') != NULL;
	snprintf(l->address, sizeof l->address, "tcp:%s%s%s:%s", six ? "[" : "", host,
	    six ? "]" : "", port);
	return true;
}

static bool
open_tcp(struct listening *l, const char *address)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	char host[HOST_ROOM], port[PORT_ROOM];
	struct addrinfo *found;
	int one = 1;

	split_tcp(host, port, address);
	int rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0) {
		log_say("%s: cannot listen there: %s", address, gai_strerror(rc));
		return false;
	}
	l->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = l->fd >= 0 &&
	    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(l->fd, found->ai_addr, found->ai_addrlen) == 0 && listen(l->fd, BACKLOG) == 0;
	int error = errno;
	freeaddrinfo(found);
	errno = error;
	return (ok && describe(l)) || failed(l, address);
}

static bool
open_unix(struct listening *l, const char *address)
{
	const char *path = address + strlen("unix:");

	l->fd = local_listen(&l->name, path, SOCK_STREAM, BACKLOG);
	if (l->fd >= 0 && describe(l))
		return true;
	local_remove(&l->name);
	return failed(l, address);
}

bool
listen_open(struct listening *out, const char *address)
{
	const char *fault = listen_fault(address);

	*out = (struct listening){ .fd = -1 };
	if (fault != NULL) {
		log_say("%s: %s", address, fault);
		return false;
	}
	return strncmp(address, "tcp:", 4) == 0 ? open_tcp(out, address) : open_unix(out, address);
}

static bool
inherit_one(struct listening *l, int fd)
{
	int listens = 0, flags = fcntl(fd, F_GETFL);
	socklen_t size = sizeof listens;

	*l = (struct listening){ .fd = fd, .inherited = true };
	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
	    !listens || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || !describe(l)) {
		log_say("LISTEN_FDS: descriptor %d is no socket that listens; the unit's socket "
			"must be "
			"ListenStream= and Accept=no",
		    fd);
		return false;
	}
	return true;
}

int
listen_inherit(struct listening *out, size_t room)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned long count = 0;

	if (pid != NULL && fds != NULL && strtoul(pid, NULL, 10) == (unsigned long)getpid())
		count = strtoul(fds, NULL, 10);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (count > room) {
		log_say("LISTEN_FDS: %lu sockets, at most %zu are taken", count, room);
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		if (!inherit_one(&out[i], FIRST_INHERITED + (int)i))
			return -1;
	return (int)count;
}

void
listen_close(struct listening *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
