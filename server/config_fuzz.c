/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
printed(const struct settings *config)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (to == NULL)
		return NULL;
	settings_print(to, config);
	fclose(to);
	return text;
}

/* A file that is taken is printed as one that is taken, and says the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings *config = settings_new(&config_table), *again = settings_new(&config_table);

	log_set(false, -1);
	if (config != NULL && again != NULL &&
	    settings_parse(config, (const char *)data, size, "fuzz") == 0) {
		char *text = printed(config), *second = NULL;
		if (text != NULL && settings_parse(again, text, strlen(text), "again") != 0)
			abort();
		second = printed(again);
		if (text != NULL && second != NULL && strcmp(text, second) != 0)
			abort();
		free(text);
		free(second);
	}
	settings_free(config);
	settings_free(again);
	return 0;
}
