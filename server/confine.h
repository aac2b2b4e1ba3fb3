/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_CONFINE_H
#define ASSAYD_CONFINE_H

/*
 * What a daemon's process gives up once it has opened what it needs: another user, new privileges, being
 * looked into, files (Landlock), and system calls (seccomp). Which, each daemon says itself. Functions
 * complain on standard error when they fail.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <seccomp.h>

enum confine_rights {
	CONFINE_READ = 1,     /* files below it can be read */
	CONFINE_WRITE = 2,    /* and made, written, renamed, removed */
	CONFINE_REMOVE = 4,   /* entries of it can be removed */
	CONFINE_FOLDERS = 8,  /* folders below it can be made and removed */
	CONFINE_SOCKETS = 16, /* sockets in it can be made, and entries removed */
};

/* A file, or a folder and all below it. One that does not exist is passed over. */
struct confine_path {
	const char *path;
	unsigned rights;
};

enum { CONFINE_PATH_ROOM = 4096 };
/* The folder of a file, for a path of those: a file that is replaced is another one afterwards. Returns room. */
const char *confine_folder(char room[CONFINE_PATH_ROOM], const char *file);

/* Becomes this user, with its groups and no other, if we are root; NULL: stays. Before any thread. */
bool confine_user(const char *user);
/* None of root's rights but these, of those that we have. */
bool confine_capabilities(uint32_t mask);
/*
 * No new privileges, no core dump and no tracer, and no files but these; for this thread and those that
 * it will make. A kernel without Landlock is said, and is no failure.
 */
bool confine_files(const struct confine_path *paths, size_t count);

/* A filter of what libc, OpenSSL and libevent need to go on with what is open: it lets any other call fail
 * with EPERM. NULL when out of memory. The functions below add to it, and say whether they could. */
scmp_filter_ctx confine_filter(void);
bool confine_allow(scmp_filter_ctx filter, const int *calls, size_t count);
bool confine_allow_open(scmp_filter_ctx filter, bool writing); /* else for reading only */
bool confine_allow_memory(scmp_filter_ctx filter);             /* that cannot be run */
bool confine_allow_ioctl(scmp_filter_ctx filter);              /* how much there is, and blocking */
bool confine_allow_sockets(scmp_filter_ctx filter, const int *families, size_t count);
/* For all threads, from now on; frees the filter. whole: all was added. */
bool confine_load(scmp_filter_ctx filter, bool whole);

#endif
