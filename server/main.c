/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "text.h"

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("assayd %s\n", ASSAY_VERSION);
		return 0;
	}
	log_say("the only option so far is --version");
	return 2;
}
