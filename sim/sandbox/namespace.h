/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_NAMESPACE_H
#define SIM_NAMESPACE_H

/* The program's own view of /dev and /sys. Called in the program's process before exec, in this
 * order. They return 0 or a descriptor, or a negative errno and in why what was tried. */

#include "sandbox.h"

/* Enters a mount namespace of its own, and a user namespace where that needs one. */
int namespace_enter(char why[256]);
/* Whether the program finds files that answer: then the next step is needed. */
bool namespace_has_fuse(const struct sandbox *sb);
/* Mounts the FUSE file system at a place of staging; returns the descriptor for the supervisor,
 * which has to serve it before the next step. */
int namespace_mount(char why[256]);
/* Puts everything at its place, and takes the staging down. */
int namespace_fill(const struct sandbox *sb, char why[256]);

#endif
