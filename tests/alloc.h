/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TESTS_ALLOC_H
#define ASSAY_TESTS_ALLOC_H

/* Lets allocations fail: unit tests are linked with --wrap=malloc and --wrap=calloc. */

#include <stdbool.h>
#include <stddef.h>

/* The n-th allocation from now on fails, once; 0: none does. */
void alloc_fail_at(size_t n);
/* Whether it did; no later one fails. */
bool alloc_failed(void);

#endif
