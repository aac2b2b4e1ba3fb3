/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

/* What `assay-sim run` was asked for. */

#include "command.h"
#include "sandbox/sandbox.h"

struct run_order {
	const char *tee, *platform, *fault, *time, *launch, *qmp;
	bool verbose, host, no_agent;
	char **program;
};

/* --tee sev, sev-es: owner, VMM and broker around the program. Returns its exit status. */
int run_sev(struct sandbox *sb, const struct run_order *o);

#endif
