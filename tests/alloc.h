/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TESTS_ALLOC_H
#define ASSAY_TESTS_ALLOC_H

/* Lets allocations fail: tests are linked with --wrap=malloc and its kin (alloc_dep). */

#include <stdbool.h>
#include <stddef.h>

/* The n-th allocation from now on fails, once; 0: none does. */
void alloc_fail_at(size_t n);
/* Whether it did; no later one fails. */
bool alloc_failed(void);

/* The same for whoever allocates by other ways, or wants to know more. */
struct alloc_fault {
	_Atomic size_t count; /* of allocations so far, by any thread */
	size_t fail_at;       /* which one fails; 0: none */
	bool stays;           /* all later ones fail too */
	bool failed;
};
extern struct alloc_fault
    alloc_ours; /* malloc, calloc, realloc and strdup of the library's objects */
bool alloc_refused(struct alloc_fault *fault); /* counts one allocation: does it fail? */

#endif
