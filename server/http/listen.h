/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_LISTEN_H
#define ASSAYD_LISTEN_H

/* Sockets to listen on: opened here, or handed over by the service manager. */

#include <stdbool.h>
#include <stddef.h>

#include "../local.h"

enum { ADDRESS_MAX = 160 };

struct listening {
	int fd;
	char address[ADDRESS_MAX]; /* as it came to be: "tcp:127.0.0.1:43121" */
	bool local;                /* a Unix socket */
	bool loopback;             /* local, or nobody outside this machine reaches it */
	bool inherited;
	struct local_name name; /* of a Unix socket that was opened here; else it has no path */
};

/* Says what is wrong with the form of an address; NULL: nothing. */
const char *listen_fault(const char *address);
/* Is an address of good form one that nobody outside this machine reaches? By its words: a name other
 * than localhost counts as one that is reached. What localhost is here only the open socket tells. */
bool listen_is_loopback(const char *address);
/* tcp:HOST:PORT (port 0: one that is free) or unix:PATH. false, after it has said why. */
bool listen_open(struct listening *out, const char *address);
/*
 * The sockets of LISTEN_FDS (sd_listen_fds(3)), at most room of them, if they are for this process.
 * Returns how many, or -1 after it has said what is wrong with them; unsets the variables.
 */
int listen_inherit(struct listening *out, size_t room);
/* Closes; the name of a Unix socket stays, for a sweeper. */
void listen_close(struct listening *l);

#endif
