/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_LOCKDOWN_H
#define AGENTD_LOCKDOWN_H

/* What each process of the agent gives up once it has opened what it needs. */

#include <stdbool.h>

#include "options.h"

/* Keys, and its own socket: no files, no new sockets, no processes. */
bool lockdown_signer(const struct agent_options *options);
/* Sockets to the host, from a vsock port of root's; no files. */
bool lockdown_line(const struct agent_options *options);
/* Its listeners; no files, no sockets to anywhere. */
bool lockdown_front(const struct agent_options *options);
/*
 * The parent: what it has is for the processes that it forks. It keeps one capability. In a SEV guest (has_key)
 * that of the line; elsewhere to pass over files' modes, and Landlock says which files that can mean: the kernel's
 * interfaces for evidence, which are root's. There none where it stays root, or where there is no Landlock.
 * config: a file to be read again, or NULL.
 */
bool lockdown_parent(const struct agent_options *options, const char *config, bool has_key);
/* A job, which has the network: no capability, and no signal or limit for another process. */
bool lockdown_job(void);
/* What collects for a job: no network but vsock, no processes, and no signals either. */
bool lockdown_collector(void);

#endif
