/* SPDX-License-Identifier: Apache-2.0 */
#include "wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void
wipe_free(void *memory)
{
	if (memory != NULL)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

void *
wipe_realloc(void *memory, size_t size)
{
	size_t had = memory != NULL ? malloc_usable_size(memory) : 0;
	void *more = size > 0 ? malloc(size) : NULL;

	if (size > 0 && more == NULL)
		return NULL;
	if (more != NULL && had > 0)
		memcpy(more, memory, had < size ? had : size);
	wipe_free(memory);
	return more;
}
