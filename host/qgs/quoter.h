/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_QGS_QUOTER_H
#define BROKER_QGS_QUOTER_H

/* The process that has the connections to quoting services and reads what they say. */

#include <stddef.h>

/* Its whole life. arg: const struct broker_options *; sockets[0]: the front's line. Returns the exit code. */
int quoter_run(const void *arg, const int *sockets, size_t count);

#endif
