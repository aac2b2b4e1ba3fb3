/* SPDX-License-Identifier: Apache-2.0 */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "../address.h"
#include "../options.h"
#include "role.h"
#include "text.h"

enum { BACKLOG = 256, FIRST_INHERITED = 3 };

/* --- words ------------------------------------------------------------------------------- */

/* "ROLE=ADDR": the address, or NULL if there is no such role. */
static const char *
split(size_t *role, const char *text)
{
	size_t n = strcspn(text, "=");

	for (size_t i = 0; i < ROLES && text[n] == '='; i++)
		if (strlen(roles[i]->name) == n && memcmp(roles[i]->name, text, n) == 0) {
			*role = i;
			return text + n + 1;
		}
	return NULL;
}

/* "vsock:any:PORT", "vsock:CID:PORT": the host's own CID or any. */
static bool
read_vsock(struct sockaddr_vm *out, const char *address)
{
	const char *cid = address + 6, *colon;

	if (strncmp(address, "vsock:", 6) != 0 || (colon = strchr(cid, ':')) == NULL)
		return false;
	size_t n = strspn(cid, "0123456789"), digits = strspn(colon + 1, "0123456789");
	bool any = strncmp(cid, "any:", 4) == 0;
	if ((!any && (n == 0 || n > 9 || cid + n != colon)) || digits == 0 || digits > 9 ||
	    colon[1 + digits] != '\0')
		return false;
	*out = (struct sockaddr_vm){ .svm_family = AF_VSOCK,
		.svm_cid = any ? VMADDR_CID_ANY : (unsigned)strtoul(cid, NULL, 10),
		.svm_port = (unsigned)strtoul(colon + 1, NULL, 10) };
	return true;
}

const char *
listen_fault(const char *text, bool beyond_loopback)
{
	size_t role;
	struct sockaddr_vm vm;
	struct address tcp;
	const char *address = split(&role, text);

	if (address == NULL)
		return "is not ROLE=ADDR with a role that there is: evidence, qgs";
	if (read_vsock(&vm, address) || options_unix_path(address) != NULL)
		return NULL;
	if (roles[role]->strangers && address_read_tcp(&tcp, address))
		return address_is_loopback(&tcp) || beyond_loopback
		    ? NULL
		    : "is not on the loopback, so that other machines would get quotes here; if "
		      "they are to, say beyond-loopback";
	if (roles[role]->strangers)
		return "has an address that is not vsock:any:PORT, unix:PATH with an absolute path "
		       "of at most 107 characters, or tcp:IP:PORT";
	return "has an address that is not vsock:any:PORT or unix:PATH, with an absolute path of "
	       "at most 107 characters";
}

size_t
listen_role(const char *text)
{
	size_t role = ROLES;

	(void)split(&role, text);
	return role;
}

/* --- sockets ----------------------------------------------------------------------------- */

static bool
open_at(struct listening *l, const struct sockaddr *name, socklen_t size)
{
	int one = 1;

	l->fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd >= 0 && (l->family == AF_INET || l->family == AF_INET6))
		setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	return l->fd >= 0 && bind(l->fd, name, size) == 0 && listen(l->fd, BACKLOG) == 0;
}

/* The kernel may have chosen the port. */
static void
name_port(struct listening *l)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	socklen_t size = sizeof at;

	if (getsockname(l->fd, (struct sockaddr *)&at, &size) != 0)
		return;
	memcpy(&in, &at, sizeof in);
	memcpy(&in6, &at, sizeof in6);
	char *port = strrchr(l->address, ':') + 1;
	snprintf(port, sizeof l->address - (size_t)(port - l->address), "%u",
	    ntohs(at.ss_family == AF_INET ? in.sin_port : in6.sin6_port));
}

bool
listen_open(struct listening *out, const char *text)
{
	struct sockaddr_vm vm;
	struct listening l = { .fd = -1 };
	struct address tcp;
	const char *address = split(&l.role, text);
	bool ok;

	snprintf(l.address, sizeof l.address, "%s", address);
	if (read_vsock(&vm, address)) {
		l.family = AF_VSOCK;
		ok = open_at(&l, (const struct sockaddr *)&vm, sizeof vm);
	} else if (address_read_tcp(&tcp, address)) {
		l.family = tcp.name.ss_family;
		ok = open_at(&l, (const struct sockaddr *)&tcp.name, tcp.size);
		if (ok)
			name_port(&l);
	} else {
		l.family = AF_UNIX;
		l.fd = local_listen(&l.name, address + 5, SOCK_STREAM, BACKLOG);
		ok = l.fd >= 0;
	}
	if (ok) {
		*out = l;
		return true;
	}
	int error = errno;
	log_say("%s: cannot listen there: %s%s", text, strerror(error),
	    l.family == AF_UNIX                    ? local_hint(address + 5, error)
		: l.family == AF_VSOCK && l.fd < 0 ? "; is the vhost_vsock module loaded?"
						   : "");
	if (l.fd >= 0)
		close(l.fd);
	return false;
}

static bool
inherit_one(struct listening *l, int fd, const char *name, size_t len, bool beyond_loopback)
{
	struct address at = { .name.ss_family = AF_UNSPEC, .size = sizeof at.name };
	socklen_t one = sizeof(int);
	int listens = 0, flags = fcntl(fd, F_GETFL);

	*l = (struct listening){ .fd = fd, .role = ROLES, .inherited = true };
	for (size_t i = 0; i < ROLES; i++)
		if (strlen(roles[i]->name) == len && memcmp(roles[i]->name, name, len) == 0)
			l->role = i;
	if (l->role == ROLES || flags < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &one) != 0 || !listens ||
	    getsockname(fd, (struct sockaddr *)&at.name, &at.size) != 0 ||
	    (at.name.ss_family != AF_VSOCK && at.name.ss_family != AF_UNIX &&
		!(roles[l->role]->strangers &&
		    (at.name.ss_family == AF_INET || at.name.ss_family == AF_INET6))) ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		log_say(
		    "LISTEN_FDS: descriptor %d is no socket for a role; the unit's socket must "
		    "be ListenStream=vsock::5577 with FileDescriptorName=evidence, or vsock::4050 "
		    "and qgs",
		    fd);
		return false;
	}
	l->family = at.name.ss_family;
	if (l->family != AF_VSOCK && l->family != AF_UNIX && !address_is_loopback(&at) &&
	    !beyond_loopback) {
		log_say("LISTEN_FDS: descriptor %d is not on the loopback, so that other machines "
			"would get quotes here; if they are to, say beyond-loopback",
		    fd);
		return false;
	}
	snprintf(l->address, sizeof l->address, "%s of systemd",
	    l->family == AF_VSOCK      ? "vsock"
		: l->family == AF_UNIX ? "unix"
				       : "tcp");
	return true;
}

int
listen_inherit(struct listening *out, size_t room, bool beyond_loopback)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	unsigned long count = 0;
	bool ok = true;

	if (pid != NULL && fds != NULL && strtoul(pid, NULL, 10) == (unsigned long)getpid())
		count = strtoul(fds, NULL, 10);
	if (count > room) {
		log_say("LISTEN_FDS: %lu sockets, at most %zu are taken", count, room);
		return -1;
	}
	for (size_t i = 0; i < count && ok; i++) {
		size_t len = names != NULL ? strcspn(names, ":") : 0;
		ok = inherit_one(&out[i], FIRST_INHERITED + (int)i, names, len, beyond_loopback);
		if (names != NULL)
			names += names[len] == ':' ? len + 1 : len;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ok ? (int)count : -1;
}

void
listen_close(struct listening *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
