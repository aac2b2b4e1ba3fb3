/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_TABLE_H
#define ASSAY_CLI_TABLE_H

/* A table on a screen, as wide as its texts but within 79 columns: nothing is cut off, a cell that is
 * too wide for its column ends the line, and the last column is wrapped. */

#include <stdbool.h>
#include <stddef.h>

#include "screen.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
	size_t columns;
	char **cells; /* the names of the columns, then row by row */
	size_t count, room;
	size_t width[TABLE_COLUMNS_MAX]; /* of what was printed */
	bool failed;                     /* out of memory */
};

void table_open(struct table *t, const char *const *names, size_t columns);
/* The next cell; copied. */
void table_put(struct table *t, const char *text);
void table_putf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints what it has; more rows may follow, without the names again. False when out of memory. */
bool table_flush(struct table *t, struct screen *s);
/* Prints and frees it; false when out of memory. */
bool table_close(struct table *t, struct screen *s);
void table_drop(struct table *t); /* only frees */

#endif
