/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_CONFIGFS_H
#define SIM_CONFIGFS_H

/*
 * tsm/report: its entries, their attributes and open files, without FUSE. Used by one thread.
 * Functions return 0 or a length, or a negative errno: the one that Linux gives.
 */

#include "sandbox.h"

#include <sys/stat.h>

struct configfs;
struct configfs_file; /* one open() */

/* Inode numbers from here on belong to entries and attributes. */
enum { CONFIGFS_FIRST_INO = 4096 };

struct configfs *configfs_new(struct sandbox *sb); /* NULL: no memory */
void configfs_free(struct configfs *c);            /* NULL is fine; with all that is open */

/* A name below tsm/report (parent 0) or below an entry. Each success is to be undone by
 * configfs_forget(). */
int configfs_mkdir(struct configfs *c, const char *name, uint64_t *ino);
int configfs_lookup(struct configfs *c, uint64_t parent, const char *name, uint64_t *ino);
void configfs_forget(struct configfs *c, uint64_t ino, uint64_t times);
int configfs_rmdir(struct configfs *c, const char *name);

void configfs_stat(uint64_t ino, struct stat *out);
/* The name behind place *at of a directory (0: the first), and moves *at; NULL at the end. */
const char *configfs_list(struct configfs *c, uint64_t dir, uint64_t *at, bool *is_dir);

int configfs_open(struct configfs *c, uint64_t ino, int flags, struct configfs_file **out);
/* Whether the file can be sought in, and whether closing it means something. */
bool configfs_seekable(const struct configfs_file *f);
bool configfs_commits(const struct configfs_file *f);
/* For thread tid. *bytes point into the file, until the next call. */
ssize_t configfs_read(
    struct configfs *c, struct configfs_file *f, pid_t tid, const void **bytes, size_t n, off_t at);
ssize_t
configfs_write(struct configfs *c, struct configfs_file *f, const void *bytes, size_t n, off_t at);
/* What close() does: the inblob that was written becomes the entry's. Once for what was written. */
void configfs_flush(struct configfs *c, struct configfs_file *f);
void configfs_release(struct configfs *c, struct configfs_file *f);

#endif
