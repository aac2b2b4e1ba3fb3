/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SEV_H
#define BROKER_SEV_H

/* The process that holds /dev/sev: the platform's certificates, when the front asks for them. */

#include <stdbool.h>
#include <stddef.h>

#include "../options.h"

/*
 * Before the start, or in place of it: are the files of source and cek there, certificates, and of one
 * platform? Returns 0, or the exit code after it has said what is wrong. A device that is not there or
 * says nothing yet is no fault: who is started says so.
 */
int sev_check(const struct broker_options *options, bool start);
/* Its whole life. arg: const struct broker_options *; sockets[0]: the front's line. Returns the exit code. */
int sev_run(const void *arg, const int *sockets, size_t count);

#endif
