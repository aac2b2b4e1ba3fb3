/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_NOTIFY_H
#define SIM_NOTIFY_H

#include "sandbox.h"

/* In the program's process, just before exec: lets the calls below go to the listener, which is
 * returned, close-on-exec; or a negative errno. sb: what the program is to see. */
int notify_install(const struct sandbox *sb);

/* In the supervisor: answers until the last process under the filter is gone, or stop becomes
 * readable. */
void notify_loop(struct sandbox *sb, int listener, int stop);

#endif
