/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LOCKDOWN_H
#define BROKER_LOCKDOWN_H

/* What each process of the broker gives up before it serves: server/confine.h. All complain when they fail. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "options.h"

/* Front: guests' bytes. No new sockets, no files but the configuration's folder, no signals but to these. */
bool lockdown_front(const char *config, const pid_t *children, size_t child_count);
/* vmm: Unix sockets of whatever owner; no files, but entries of the folders where it has made sockets. */
bool lockdown_vmm(const struct broker_options *o);
/* qgs: sockets of the families of its sources; no files. */
bool lockdown_qgs(const int *families, size_t count);
/* sev: /dev/sev as it is open, and its ioctl; reads the CEKs' folders, and folder (NULL: none). No sockets. */
bool lockdown_sev(const struct broker_options *o, const char *folder);

#endif
