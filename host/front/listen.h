/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LISTEN_H
#define BROKER_LISTEN_H

/* Where guests come in: "ROLE=vsock:any:PORT", "ROLE=unix:PATH", "ROLE=tcp:IP:PORT", sockets of systemd, and those of single VMs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local.h"

enum { LISTENING_TEXT = 160 };

struct listening {
	int fd;
	size_t role; /* index into roles[] */
	int family; /* AF_VSOCK: peers have a CID; AF_UNIX: they are local processes; AF_INET, AF_INET6 */
	bool inherited;
	char address[LISTENING_TEXT]; /* without the role */
	struct local_name name; /* of a Unix socket that was opened here; else it has no path */
};

/* What is wrong with the text, to stand behind it; NULL: nothing. */
const char *listen_fault(const char *text, bool beyond_loopback);
/* Which role it is for, if nothing is wrong with it. */
size_t listen_role(const char *text);
/* false: has complained. */
bool listen_open(struct listening *out, const char *text);
/* Those of LISTEN_FDS, each named for its role (FileDescriptorName=); -1 after it has complained. */
int listen_inherit(struct listening *out, size_t room, bool beyond_loopback);
/* Closes; the name of a Unix socket stays, for a sweeper. */
void listen_close(struct listening *l);

#endif
