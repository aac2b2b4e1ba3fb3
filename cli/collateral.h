/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_COLLATERAL_H
#define ASSAY_CLI_COLLATERAL_H

/* Files and folders into a trust object. */

#include <assay/trust.h>

#include "option.h"
#include "screen.h"

/*
 * Adds a file of collateral, or every file of a folder that is collateral; others in a folder are
 * passed over, which -v tells. Returns 0; else the exit code, after it has complained. source
 * names in messages where the path was given, "" for the command line.
 */
int collateral_add(
    const struct args *args, struct assay_trust *trust, const char *path, const char *source);

/* Puts a bundle on the screen: of each thing that trust holds the newest. */
void collateral_put(struct screen *bundle, const struct assay_trust *trust);

/* Adds the files of all --trust-root. */
int collateral_add_roots(const struct args *args, struct assay_trust *trust);

#endif
