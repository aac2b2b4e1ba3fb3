/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim: software platforms for developers and tests. What it makes is accepted only by
 * whoever names its trust root by hand. */
#include "command.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	const char *word = argc >= 2 ? argv[1] : "";

	if (strcmp(word, "new") == 0)
		return sim_new_command(argc - 2, argv + 2);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
		return sim_new_help();
	if (strcmp(word, "--version") == 0) {
		puts("assay-sim " ASSAY_VERSION);
		return EXIT_YES;
	}
	if (argc >= 2)
		fprintf(stderr, "assay-sim: \"%s\" is no command; there is: new\n", word);
	fputs("usage: assay-sim new --tee T [options] DIR        (assay-sim --help)\n", stderr);
	return EXIT_USAGE;
}
