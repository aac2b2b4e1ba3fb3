/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_FUSE_H
#define SIM_FUSE_H

#include "sandbox.h"

struct fuse_server;

/* fd: /dev/fuse, mounted already; it belongs to the server then. NULL on failure. */
struct fuse_server *fuse_server_new(struct sandbox *sb, int fd);
void fuse_server_free(struct fuse_server *f); /* NULL is fine */
/* Answers until the mount is gone or stop becomes readable. */
void fuse_server_loop(struct fuse_server *f, int stop);

#endif
