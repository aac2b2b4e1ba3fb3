/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_LOCKDOWN_H
#define AGENTD_LOCKDOWN_H

/* What each process of the agent gives up once it has opened what it needs. */

#include <stdbool.h>

#include "options.h"

/* Keys, and its own socket: no files, no new sockets, no processes. */
bool lockdown_signer(const struct agent_options *options);
/* Sockets to the host; no files. */
bool lockdown_line(const struct agent_options *options);
/* Its listeners; no files, no sockets to anywhere. */
bool lockdown_front(const struct agent_options *options);
/*
 * The parent, and the jobs that it forks: the network, and the kernel's interfaces for evidence, which
 * are root's. So it keeps the one capability to pass over files' modes, and Landlock says which files
 * that can mean; where there is no Landlock it keeps none. config: a file to be read again, or NULL.
 */
bool lockdown_parent(const struct agent_options *options, const char *config);

#endif
