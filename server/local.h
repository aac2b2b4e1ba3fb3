/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_LOCAL_H
#define ASSAY_LOCAL_H

/* Unix sockets: of daemons, and between their processes. */

#include <sys/types.h>
#include <sys/un.h>

/* A socket in the file system that this process has made; path "": none. */
struct local_name {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t device;
	ino_t inode;
};

/*
 * A socket at a path that fits sockaddr_un; one there is replaced that is this user's own and that nobody
 * listens at any more, and nothing else: no link, no other file. type: SOCK_STREAM or SOCK_SEQPACKET. Returns
 * the socket, which does not block; or -1, and errno says why.
 */
int local_bind(struct local_name *out, const char *path, int type);
int local_listen(struct local_name *out, const char *path, int type, int backlog);
/* If it is still the one that was made. */
void local_remove(const struct local_name *name);
/* What to say behind the errno of those above: "", or what is in the way. */
const char *local_hint(const char *path, int error);
/* send(2), and a descriptor goes with the bytes unless pass is -1. flags: beside MSG_NOSIGNAL. */
ssize_t local_send(int fd, const void *bytes, size_t len, int pass, int flags);

#endif
