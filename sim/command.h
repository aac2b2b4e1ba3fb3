/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include <stddef.h>

/* The commands of assay-sim. argv begins behind the command's name; they return its exit status. */

enum { EXIT_YES = 0, EXIT_USAGE = 2, EXIT_TROUBLE = 4 };

int sim_new_command(int argc, char **argv);
int sim_show_command(int argc, char **argv);
int sim_run_command(int argc, char **argv);
int sim_serve_command(int argc, char **argv);

/* What the help of a command lists: value names what it takes, NULL if nothing. */
struct sim_option {
	const char *name, *value, *text;
};
/* A line each; the texts begin behind `width` columns. */
void sim_print_options(const struct sim_option *options, size_t count, int width);

#endif
