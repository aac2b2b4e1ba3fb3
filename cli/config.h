/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_CONFIG_H
#define ASSAY_CLI_CONFIG_H

/* What may come from elsewhere than the command line, because it cannot forge a verdict: where
 * collateral lies. Policy, roots, time and nonce may not. */

#include <stddef.h>

struct command;

struct config {
	char **collateral; /* paths */
	size_t count;
	const char *source; /* names in messages where they come from: "ASSAY_COLLATERAL" */
};

/*
 * Reads ASSAY_COLLATERAL (a colon list), else $XDG_CONFIG_HOME/assay/assay.conf, else
 * /etc/assay/assay.conf; both files are looked at for errors whatever is used of them. Returns
 * 0; else the exit code, after it has complained. The caller frees with config_clear().
 */
int config_read(struct config *config, const struct command *command);
void config_clear(struct config *config);

#endif
