/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_FRONT_H
#define AGENTD_FRONT_H

/*
 * agent.sock: HTTP for the workloads of this guest, docs/agent.md. One request per connection; it is read
 * strictly, and handed to a job. No keys, no files, no network.
 */

#include "callers.h"
#include "http/listen.h"

struct front_ends {
	const struct listening *listening;
	size_t listening_count;
	int jobs; /* packets to the parent: struct job, with the descriptor that its answer goes to */
	int control; /* packets from the parent: struct front_orders; its end: stop */
};

/* What of the configuration is read again. */
struct front_orders {
	struct callers callers;
	int64_t timeout_s;
};

/* Its whole life; returns the exit code. */
int front_run(const struct agent_options *options, const struct callers *callers,
    const struct front_ends *ends);

#endif
