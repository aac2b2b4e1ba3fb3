/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_PROCESS_H
#define ASSAY_PROCESS_H

/*
 * The processes beside the front. Each is forked before there is any thread, holds one end of socket
 * pairs, and ends when the front has closed the other ends; when one ends early, all do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
struct process {
	const char *name;  /* "keeper": in messages */
	const char *title; /* "assayd-keeper": of the process; 15 letters are kept */
	/* Its whole life; returns the exit code. sockets: its ends. */
	int (*run)(const void *options, const int *sockets, size_t count);
	size_t socket_count;
	pid_t pid;
	int *sockets; /* the front's ends; one that has been given away is -1 */
};

/* How many descriptors this process may have: the limit is raised as far as that goes. */
size_t process_descriptors(void);
/* Closes all but the standard streams and these; -1 is none. */
void process_keep_only(const int *fds, size_t count);
/* Forks. false: has complained. */
bool process_start(struct process *p, const void *options);
/* Has it ended? Then *code is its exit code, 4 if a signal ended it. */
bool process_ended(struct process *p, int *code);
/* Closes its sockets, waits for it, and puts an end to it if that does not. Returns its exit code. */
int process_stop(struct process *p);

#endif
