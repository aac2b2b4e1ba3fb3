/* SPDX-License-Identifier: Apache-2.0 */
/* A request's path and query: two texts, with a line feed between them. */
#include "query.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), why[QUERY_WHY] = "";
	struct job job;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	char *query = strchr(text, '\n');
	if (query != NULL)
		*query++ = '\0';
	int status = query_read(&job, text, query != NULL ? query : "", why);
	if (status != 0 ? status < 400 || status > 404 || why[0] == '\0'
			: job.data_len > sizeof job.data ||
		    memchr(job.resource, '\0', sizeof job.resource) == NULL)
		abort();
	free(text);
	return 0;
}
