/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_AUDIT_H
#define ASSAY_CLI_AUDIT_H

/* Rows of a server's audit log on a screen. */

#include "admin.h"

/* Prints rows as a table: when, who, what, what came of it. Returns the exit code. */
int audit_put(const struct admin *a, struct screen *s, const json_t *rows);

#endif
