/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim: software platforms for developers and tests. What it makes is accepted only by
 * whoever names its trust root by hand. */
#include "command.h"

#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name, *arguments, *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "new", "--tee T [options] DIR",
	    "Makes a platform: its trust root, collateral and evidence.", sim_new_command },
	{ "show", "[--json] DIR", "Says what a platform is, and what is broken in it.",
	    sim_show_command },
	{ "run", "--tee T [options] -- PROGRAM [ARGS]",
	    "Runs an unmodified program inside a platform.", sim_run_command },
	{ "serve", "--platform DIR [options]",
	    "Serves collateral and quotes as the vendors' services do.", sim_serve_command },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

void
sim_print_options(const struct sim_option *options, size_t count, int width)
{
	for (size_t i = 0; i < count; i++) {
		char left[32];
		snprintf(left, sizeof left, "%s %s", options[i].name,
		    options[i].value != NULL ? options[i].value : "");
		printf("  %-*s %s\n", width, left, options[i].text);
	}
}

static int
help(void)
{
	puts("usage: assay-sim COMMAND [options] ...\n"
	     "       assay-sim --version\n\n"
	     "Software platforms: machines with a TEE of Intel's or AMD's, for tests.\n"
	     "Their keys are test keys: whoever trusts them trusts everyone.\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-6s %s\n", commands[i].name, commands[i].summary);
	puts("\nExamples:\n"
	     "  assay-sim new --tee snp --seed 7 P\n"
	     "  assay-sim run --tee snp --platform P -- assay attest --random -o e.cbor\n"
	     "  assay verify --trust-root P/trust-root -c P/collateral e.cbor\n\n"
	     "More: assay-sim COMMAND --help, man assay-sim");
	return EXIT_YES;
}

static const struct command *
find(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(word, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	const char *word = argc >= 2 ? argv[1] : "";

	const struct command *command = find(word);
	if (command != NULL)
		return command->run(argc - 2, argv + 2);
	if (strcmp(word, "help") == 0 && argc >= 3) {
		char flag[] = "--help", *ask[] = { flag, NULL };
		word = argv[2];
		if ((command = find(word)) != NULL)
			return command->run(1, ask);
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
		return help();
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
		fprintf(stderr, "%s assay-sim %s %s%s\n", i == 0 ? "usage:" : "      ",
		    commands[i].name, commands[i].arguments,
		    i + 1 == COMMANDS ? "        (assay-sim --help)" : "");
	return EXIT_USAGE;
}
