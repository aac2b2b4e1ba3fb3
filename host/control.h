/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_CONTROL_H
#define BROKER_CONTROL_H

#include <stdbool.h>

/* Is the first word one of the commands to a broker that runs: register, unregister, list? */
bool control_is_command(int argc, char **argv);
/* Tells it; the exit code: 0 done, 1 refused, 2 usage, 4 not to be reached. */
int control_run(int argc, char **argv);

#endif
