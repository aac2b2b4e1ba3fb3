/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is terminated and has no control character; what is not read is explained. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query q = { .name = { "policy", "after", "since", "resource" } };
	char why[QUERY_WHY] = "", *raw = malloc(size + 1);
	int64_t n;

	if (raw == NULL)
		return 0;
	memcpy(raw, data, size);
	raw[size] = '\0';
	if (!query_read(&q, raw, why)) {
		if (why[0] == '\0' || strlen(why) >= sizeof why)
			abort();
	} else {
		for (size_t i = 0; i < QUERY_NAMES_MAX; i++) {
			const char *value = query_value(&q, q.name[i]);
			if (value == NULL)
				continue;
			if (strlen(value) >= QUERY_VALUE || strlen(value) > strlen(raw))
				abort();
			for (const char *p = value; *p != '\0'; p++)
				if ((unsigned char)*p < 0x20 || *p == 0x7f)
					abort();
			if (query_number(&q, q.name[i], &n) && n < 0)
				abort();
		}
	}
	free(raw);
	return 0;
}
