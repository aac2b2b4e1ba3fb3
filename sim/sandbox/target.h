/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_TARGET_H
#define SIM_TARGET_H

/* The program's memory and descriptors, seen from the supervisor. tid is the calling thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 0, or -EFAULT when not all of it is mapped and may be read or written by the program itself. */
int target_read(pid_t tid, uint64_t at, void *out, size_t n);
int target_write(pid_t tid, uint64_t at, const void *in, size_t n);

/* Whether descriptor fd is open on /dev/NAME of the sandbox: by the open file, whatever its number
 * and whoever opened it. */
bool target_has_device(pid_t tid, uint64_t fd, const char *name);

/* Whether descriptor fd was opened for writing. */
bool target_writable(pid_t tid, uint64_t fd);

/* Whether the thread has this capability. */
bool target_capable(pid_t tid, int capability);

/* Whether a signal waits for the thread that would end a call of it with EINTR, or it is gone. */
bool target_interrupted(pid_t tid);

/* A copy of the program's descriptor, close-on-exec; a negative errno. */
int target_take_fd(pid_t tid, uint64_t fd);

#endif
