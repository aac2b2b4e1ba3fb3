/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_LOCAL_H
#define ASSAY_LOCAL_H

/* Unix sockets: of daemons, and between their processes. */

#include <sys/types.h>

/* Listens at a path that fits sockaddr_un; a socket there whose owner has died is replaced, one that answers
 * is not. type: SOCK_STREAM or SOCK_SEQPACKET. Returns the socket, which does not block; or -1, and errno
 * says why. */
int local_listen(const char *path, int type, int backlog);
/* send(2), and a descriptor goes with the bytes unless pass is -1. flags: beside MSG_NOSIGNAL. */
ssize_t local_send(int fd, const void *bytes, size_t len, int pass, int flags);

#endif
