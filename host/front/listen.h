/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LISTEN_H
#define BROKER_LISTEN_H

/* Where guests come in: "ROLE=vsock:any:PORT", "ROLE=unix:PATH", sockets of systemd, and those of single VMs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LISTENING_TEXT = 160 };

struct listening {
	int fd;
	size_t role; /* index into roles[] */
	bool vsock;  /* peers have a CID; else they are local processes */
	bool inherited;
	char address[LISTENING_TEXT]; /* without the role */
};

/* What is wrong with the text, to stand behind it; NULL: nothing. */
const char *listen_fault(const char *text);
/* false: has complained. */
bool listen_open(struct listening *out, const char *text);
/* Those of LISTEN_FDS, each named for its role (FileDescriptorName=); -1 after it has complained. */
int listen_inherit(struct listening *out, size_t room);
void listen_close(struct listening *l);

#endif
