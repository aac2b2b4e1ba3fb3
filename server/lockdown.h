/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_LOCKDOWN_H
#define ASSAYD_LOCKDOWN_H

/* What each process of assayd gives up once it has opened what it needs. */

#include "confine.h"
#include "options.h"

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
