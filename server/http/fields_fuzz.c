/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(const char *text, struct assay_bytes found)
{
	size_t n = strlen(text);

	if (found.ptr < (const uint8_t *)text || found.len > n ||
	    found.ptr + found.len > (const uint8_t *)text + n)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_bytes found;
	char out[16];
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(out, 'x', sizeof out);
	if (query_find(text, "a", out, sizeof out - 1) && strlen(out) > sizeof out - 2)
		abort();
	if (out[sizeof out - 1] != 'x' || query_find(text, "a", out, 0))
		abort();
	if (cookie_find(text, "kbs-session-id", &found))
		inside(text, found);
	if (bearer_find(text, &found)) {
		inside(text, found);
		if (found.len == 0 || memchr(found.ptr, ' ', found.len) != NULL)
			abort();
	}
	free(text);
	return 0;
}
