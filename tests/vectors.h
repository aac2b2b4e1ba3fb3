/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TESTS_VECTORS_H
#define ASSAY_TESTS_VECTORS_H

/* Real captures for tests: files below $ASSAY_VECTORS, or ../shared/vectors beside the source tree.
 * They are optional: when the folder is absent, this says so once and every read is empty. */

#include <stdbool.h>

#include <assay/bytes.h>

bool vectors_present(void);
/* The whole file, malloc'd; {NULL, 0} if it is not there. path is relative to the vectors, or starts
 * with a '/'. */
struct assay_bytes vectors_read(const char *path);
void vectors_free(struct assay_bytes file);
/* Visits every regular file below the folder `under` ("" for all), in the order of their names. */
void vectors_each(const char *under,
    void (*visit)(const char *path, struct assay_bytes file, void *context), void *context);

#endif
