/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SEV_H
#define BROKER_SEV_H

/* The process that holds /dev/sev: the platform's certificates, when the front asks for them. */

#include <stddef.h>

/* Its whole life. arg: const struct broker_options *; sockets[0]: the front's line. Returns the exit code. */
int sev_run(const void *arg, const int *sockets, size_t count);

#endif
