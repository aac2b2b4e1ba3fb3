/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_CONFIG_H
#define ASSAYD_CONFIG_H

/* The configuration: defaults, then a file of "[section]" and "key = value" lines, then the command line. */

#include <stdio.h>

#include "options.h"

struct config;

enum { CONFIG_GO_ON = -1 };

/*
 * Reads the command line and the file that it names, or /etc/assay/assayd.conf if it exists, and
 * judges what came of them. Returns CONFIG_GO_ON, and the caller frees *out; else the exit code, after
 * help, version or a complaint has been printed.
 */
int config_read(struct config **out, int argc, char **argv);
void config_free(struct config *config); /* NULL is fine */

const struct server_options *config_options(const struct config *config);
const char *config_path(const struct config *config); /* of the file; NULL: there is none */
/* --check was given. */
bool config_check_only(const struct config *config);
/* As a file that says the same. */
void config_print(FILE *to, const struct config *config);

/*
 * Reads one file's text into options, for tests and fuzzing too. name: in messages. Strings are kept
 * by the config. Returns 0 or 2 after it has complained; *err has the complaint's text.
 */
int config_parse(struct config *config, const char *text, size_t len, const char *name);
struct config *config_new(void); /* the defaults; NULL: no memory */

/*
 * Reads the file again, and takes from it what can change while threads run: the certificates' files
 * and -v. Says what else has changed and waits for the next start. false: it complained, and nothing
 * was taken.
 */
bool config_reload(struct config *config);

#endif
