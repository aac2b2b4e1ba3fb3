/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_LOCKDOWN_H
#define ASSAYD_LOCKDOWN_H

/*
 * What each process gives up once it has opened what it needs: new privileges, being looked into, files
 * (Landlock), and system calls (seccomp). Each function complains on standard error when it fails.
 */

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

enum lockdown_files {
	LOCKDOWN_READ = 1,   /* files below it can be read */
	LOCKDOWN_WRITE = 2,  /* and made, written, renamed, removed */
	LOCKDOWN_REMOVE = 4, /* entries of it can be removed */
};

/* A file, or a folder and all below it. One that does not exist is passed over. */
struct lockdown_path {
	const char *path;
	unsigned rights;
};

/* Becomes this user, with its groups and no other, if we are root; NULL: stays. Before any thread. */
bool lockdown_user(const char *user);
/*
 * No new privileges, no core dump and no tracer, and no files but these; for this thread and those that
 * it will make. A kernel without Landlock is said, and is no failure.
 */
bool lockdown_files(const struct lockdown_path *paths, size_t count);

enum lockdown_role { LOCKDOWN_FRONT, LOCKDOWN_FRONT_ASKING, LOCKDOWN_KEEPER, LOCKDOWN_FETCHER };
/*
 * No system calls but those of the role; of all threads. Any other fails with EPERM.
 *   front    no new sockets, threads, processes; no writing to files
 *   front    that asks an OPA: connections over TCP besides
 *   keeper   files and their locks; no sockets
 *   fetcher  sockets and threads; no writing to files
 */
bool lockdown_calls(enum lockdown_role role);

/* The front's files: certificates and configuration, to be read again, and its sockets' folders; and, where
 * an OPA is asked, its port. config: NULL without a file. */
bool lockdown_front(const struct server_options *options, const char *config);
/* The keeper's: the folder of its store, and those of its keys. Then its calls. */
bool lockdown_keeper(const struct keeper_options *options);

#endif
