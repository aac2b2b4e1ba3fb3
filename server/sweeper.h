/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SWEEPER_H
#define ASSAY_SWEEPER_H

/*
 * The process that takes the Unix sockets of a daemon out of the file system in the end. It is forked while
 * that may still be done: the others become another user, and give up files. It reads nothing but the end of
 * its line.
 */

#include "local.h"
#include "process.h"

enum { SWEEPER_MAX = 16 };

/* Copied when it is forked. */
struct sweeper {
	struct process process; /* name and title are the caller's to set */
	struct local_name names[SWEEPER_MAX];
	size_t count;
};

/* NULL, or one that has no name, is passed over: a socket of TCP, or one that was handed over. */
void sweeper_add(struct sweeper *s, const struct local_name *name);
/* Forks, if there is anything to do. false: has complained. */
bool sweeper_start(struct sweeper *s);
/* The sockets go now; returns when they are gone. */
void sweeper_stop(struct sweeper *s);

#endif
