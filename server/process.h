/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_PROCESS_H
#define ASSAYD_PROCESS_H

/*
 * The processes beside the front. Each is forked before there is any thread, holds one end of socket
 * pairs, and ends when the front has closed the other ends; when one ends early, all do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "options.h"

struct process {
	const char *name; /* "keeper": of the process, and in messages */
	/* Its whole life; returns the exit code. sockets: its ends. */
	int (*run)(const struct server_options *options, const int *sockets, size_t count);
	size_t socket_count;
	pid_t pid;
	int *sockets; /* the front's ends; one that has been given away is -1 */
};

/* Forks. false: has complained. */
bool process_start(struct process *p, const struct server_options *options);
/* Has it ended? Then *code is its exit code, 4 if a signal ended it. */
bool process_ended(struct process *p, int *code);
/* Closes its sockets, waits for it, and puts an end to it if that does not. Returns its exit code. */
int process_stop(struct process *p);

#endif
