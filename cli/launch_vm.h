/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_LAUNCH_VM_H
#define ASSAY_CLI_LAUNCH_VM_H

/* A guest that waits in its VMM for what its owner says of it. All of this is the host's word. */

#include <assay/launch.h>

#include "option.h"
#include "qmp.h"

struct launch_vm {
	const struct args *args;
	const char *address;
	struct qmp *qmp;
	uint32_t policy;
	struct assay_launch_answer answer;
};

/*
 * Connects to --qmp and asks for version, policy and measurement of the guest, which must wait for its
 * secret. Returns 0; else the exit code, after it has complained. The caller frees with
 * launch_vm_close(), whatever was returned.
 */
int launch_vm_open(struct launch_vm *vm, const struct args *args);
void launch_vm_close(struct launch_vm *vm);
/* Asks for one thing more; the answer is not looked at. As above. */
int launch_vm_do(struct launch_vm *vm, const char *command, json_t *arguments);

#endif
