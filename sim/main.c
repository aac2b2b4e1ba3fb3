/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim: software platforms for developers and tests. What it makes is accepted only by
 * whoever names its trust root by hand. */
#include "command.h"

#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name, *arguments;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "new", "--tee T [options] DIR", sim_new_command },
	{ "run", "--tee T [options] -- PROGRAM [ARGS]", sim_run_command },
	{ "serve", "--platform DIR [options]", sim_serve_command },
	{ "show", "[--json] DIR", sim_show_command },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

int
main(int argc, char **argv)
{
	const char *word = argc >= 2 ? argv[1] : "";

	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
		return sim_new_help();
	if (strcmp(word, "--version") == 0) {
		puts("assay-sim " ASSAY_VERSION);
		return EXIT_YES;
	}
	if (argc >= 2) {
		fprintf(stderr, "assay-sim: \"%s\" is no command; there is: ", word);
		for (size_t i = 0; i < COMMANDS; i++)
			fprintf(stderr, "%s%s", i > 0 ? ", " : "", commands[i].name);
		fputc('\n', stderr);
	}
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, "%s assay-sim %s %s\n", i == 0 ? "usage:" : "      ",
		    commands[i].name, commands[i].arguments);
	fputs("        (assay-sim --help)\n", stderr);
	return EXIT_USAGE;
}
