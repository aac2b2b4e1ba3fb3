/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include "sandbox.h"

/* Attaches to the program before it is run; 0 or a negative errno. From then on all that it starts
 * is traced, and killed by the kernel when the supervisor dies. */
int trace_attach(pid_t child);

/* Waits for the program, serving its system calls 0xEA01 and 0xEA02. When it ended, kills what it
 * left behind and waits for that too. Returns the program's wait status. In the thread that
 * attached. */
int trace_run(struct sandbox *sb, pid_t child);

#endif
