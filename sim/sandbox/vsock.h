/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_VSOCK_H
#define SIM_VSOCK_H

/* AF_VSOCK for the program: connections to CID 2 reach what listens there on the host. */

#include "sandbox.h"

enum { VSOCK_QGS_PORT = 4050, VSOCK_EVIDENCE_PORT = 5577, VSOCK_PORTS_MAX = 4 };
/* Who listens at a port. */
struct vsock_port {
	unsigned port;
	const char *path;         /* of a Unix socket; NULL: the platform's QGS */
	struct sim_sev_vm *cheat; /* whose reports are swapped on the way, or NULL */
};
struct vsock;
/* 0 or a negative errno. The paths outlive it. */
int vsock_open(
    struct vsock **out, struct sim_machine *machine, const struct vsock_port *ports, size_t count);
void vsock_close(struct vsock *v); /* NULL is fine */

/* The socket that QGS connections come in at; vsock_serve() when it is readable. */
int vsock_listener(const struct vsock *v);
void vsock_serve(struct vsock *v);

/* socket(AF_VSOCK, type, protocol): a descriptor to hand to the program, or a negative errno. */
int vsock_socket(struct vsock *v, uint64_t type, uint64_t protocol);
/*
 * bind(): a socket with that port, to put in the place of the program's; or a negative errno. Returns false as
 * vsock_call() does. *port: for the log.
 */
bool vsock_bind(struct vsock *v, pid_t tid, const uint64_t args[6], int *result, unsigned *port);
/*
 * One call on a descriptor of the program: connect, getsockname, getpeername, getsockopt,
 * setsockopt. Returns false if this is none of ours, and the kernel is to answer; else *result is
 * 0 or a negative errno.
 */
bool vsock_call(struct vsock *v, pid_t tid, int nr, const uint64_t args[6], int *result);

#endif
