/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REGISTRAR_H
#define BROKER_REGISTRAR_H

/* The process that knows the VMs: their registrations, their VMMs' pidfds, and the ways to those VMMs. It
 * sees no byte of a guest's but the MNONCE and the handle. */

#include <stddef.h>

enum { VMS_MAX = 1024 };

/* Its whole life. arg: const struct broker_options *; sockets[0]: the front's line. Returns the exit code. */
int registrar_run(const void *arg, const int *sockets, size_t count);

#endif
