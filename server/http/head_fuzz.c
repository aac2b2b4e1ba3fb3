/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a head that is taken can be trusted for. */
static void
judge(const struct head *h)
{
	if (h->path[0] != '/' || strpbrk(h->path, "%?# \\") != NULL ||
	    strstr(h->path, "//") != NULL || strstr(h->path, "/../") != NULL ||
	    strstr(h->path, "/./") != NULL)
		abort();
	if (h->method[0] == '\0' || h->minor > 1 || h->header_count > HEADERS_MAX)
		abort();
	if (head_count(h, "Content-Length") > 1 || head_count(h, "Transfer-Encoding") > 0 ||
	    head_count(h, "Authorization") > 1 || (h->minor == 1 && head_count(h, "Host") != 1))
		abort();
	for (size_t i = 0; i < h->header_count; i++)
		if (strpbrk(h->headers[i].value, "\r\n") != NULL ||
		    strpbrk(h->headers[i].name, " \t:") != NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t end = head_end((const char *)data, size, 0);
	const char *why = NULL;
	struct head h;
	char *copy;

	/* The same end, found in two steps. */
	if (size > 1) {
		size_t early = head_end((const char *)data, size / 2, 0);
		if (early == 0 && head_end((const char *)data, size, size / 2) != end)
			abort();
		if (early != 0 && early != end)
			abort();
	}
	if (end == 0 || end == SIZE_MAX)
		return 0;
	if (end > size || (copy = malloc(end)) == NULL)
		abort();
	memcpy(copy, data, end);
	int status = head_read(&h, copy, end, &why);
	if (status == 0)
		judge(&h);
	else if (status < 400 || status > 599 || why == NULL || why[0] == '\0')
		abort();
	free(copy);
	return 0;
}
