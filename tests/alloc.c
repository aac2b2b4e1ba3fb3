/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

struct alloc_fault alloc_ours;

bool
alloc_refused(struct alloc_fault *fault)
{
	fault->count++;
	if (fault->fail_at == 0 || fault->count < fault->fail_at ||
	    (fault->count > fault->fail_at && !fault->stays))
		return false;
	fault->failed = true;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return alloc_refused(&alloc_ours) ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return alloc_refused(&alloc_ours) ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return alloc_refused(&alloc_ours) ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
	char *copy = __wrap_malloc(strlen(text) + 1);

	return copy != NULL ? memcpy(copy, text, strlen(text) + 1) : NULL;
}

void
alloc_fail_at(size_t n)
{
	alloc_ours = (struct alloc_fault){ .fail_at = n };
}

bool
alloc_failed(void)
{
	alloc_ours.fail_at = 0;
	return alloc_ours.failed;
}
