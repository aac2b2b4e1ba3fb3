/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_CONFIG_H
#define ASSAY_CLI_CONFIG_H

/* What may come from elsewhere than the command line, because it cannot forge a verdict: where
 * collateral lies, where the server is, and who asks it. Policy, roots, time and nonce may not. */

#include <stddef.h>

struct args;
struct command;

struct config {
	char **collateral; /* paths */
	size_t count;
	char *url, *ca, *admin_key; /* of assayd; NULL: said nowhere */
	const char *source;         /* names in messages where they come from: "ASSAY_COLLATERAL" */
};

/*
 * Reads ASSAY_COLLATERAL (a colon list) and the other variables, else $XDG_CONFIG_HOME/assay/assay.conf, else
 * /etc/assay/assay.conf; both files are looked at for errors whatever is used of them. Returns
 * 0; else the exit code, after it has complained. The caller frees with config_clear().
 */
int config_read(struct config *config, const struct command *command);
/*
 * The same for a command that asks assayd: url, ca and admin_key are of --url, --ca and --admin-key,
 * else of ASSAY_URL, ASSAY_CA and ASSAY_ADMIN_KEY, else of the files.
 */
int config_server(struct config *config, const struct args *args);
void config_clear(struct config *config);

/* A word without the blanks around it, in its place. */
char *config_trim(char *text);

#endif
