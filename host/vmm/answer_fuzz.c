/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct answer *a)
{
	if (memchr(a->text, '\0', sizeof a->text) == NULL)
		abort();
	for (const char *p = a->text; *p != '\0'; p++)
		if (*p < 0x20 || *p >= 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer a;

	if (answer_read_qmp(&a, (const char *)data, size))
		look(&a);
	if (answer_read_adapter(&a, (const char *)data, size)) {
		look(&a);
		if (a.kind == ANSWER_RETURN && (!a.has_report || !a.has_handle))
			abort();
	}
	return 0;
}
