/* SPDX-License-Identifier: Apache-2.0 */
#include "local.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool
is_stale(const struct sockaddr_un *name)
{
	struct stat st;
	/* Who listens there may let others wait for ever: not us. */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale = fd >= 0 && lstat(name->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)name, sizeof *name) != 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return stale;
}

int
local_listen(const char *path, int type, int backlog)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	memcpy(name.sun_path, path, strlen(path)); /* the rest is zero */
	if (is_stale(&name))
		unlink(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	bool bound = bind(fd, (const struct sockaddr *)&name, sizeof name) == 0;
	if (bound && listen(fd, backlog) == 0)
		return fd;
	int error = errno;
	if (bound)
		unlink(path);
	close(fd);
	errno = error;
	return -1;
}

ssize_t
local_send(int fd, const void *bytes, size_t len, int pass, int flags)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof pass)];
	} control = { 0 };
	union {
		const void *in;
		void *out;
	} u = { .in = bytes }; /* an iovec wants what could be written to */
	struct iovec part = { u.out, len };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (pass >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof control.room;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof pass);
		memcpy(CMSG_DATA(&control.head), &pass, sizeof pass);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | flags);
}
