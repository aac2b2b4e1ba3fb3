/* SPDX-License-Identifier: Apache-2.0 */
#include "local.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket of ours, as lstat() finds it: a link to one is none. */
static bool
look(struct stat *st, const char *path)
{
	return lstat(path, st) == 0 && S_ISSOCK(st->st_mode) && st->st_uid == geteuid();
}

/* Nobody listens there, and what stands there now is what was asked. */
static bool
is_stale(const struct sockaddr_un *name)
{
	struct stat before, after;
	/* Who listens there may let others wait for ever: not us. */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale = fd >= 0 && look(&before, name->sun_path) &&
	    connect(fd, (const struct sockaddr *)name, sizeof *name) != 0 &&
	    errno == ECONNREFUSED && look(&after, name->sun_path) &&
	    before.st_dev == after.st_dev && before.st_ino == after.st_ino;

	if (fd >= 0)
		close(fd);
	return stale;
}

int
local_bind(struct local_name *out, const char *path, int type)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct stat st;

	*out = (struct local_name){ .path = "" };
	memcpy(name.sun_path, path, strlen(path)); /* the rest is zero */
	if (is_stale(&name))
		unlink(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&name, sizeof name) == 0 && look(&st, path)) {
		memcpy(out->path, path, strlen(path) + 1);
		out->device = st.st_dev;
		out->inode = st.st_ino;
		return fd;
	}
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
local_listen(struct local_name *out, const char *path, int type, int backlog)
{
	int fd = local_bind(out, path, type);

	if (fd < 0 || listen(fd, backlog) == 0)
		return fd;
	int error = errno;
	local_remove(out);
	close(fd);
	errno = error;
	return -1;
}

void
local_remove(const struct local_name *name)
{
	struct stat st;

	/* Its owner may be another than we are by now, but it is the one. */
	if (name->path[0] != '\0' && lstat(name->path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_dev == name->device && st.st_ino == name->inode)
		unlink(name->path);
}

const char *
local_hint(const char *path, int error)
{
	struct stat st;

	if (error != EADDRINUSE || lstat(path, &st) != 0)
		return "";
	return !S_ISSOCK(st.st_mode) ? "; what is there is no socket, and is left alone"
	    : st.st_uid != geteuid() ? "; the socket there is another user's, and is left alone"
				     : "; another process listens there";
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
