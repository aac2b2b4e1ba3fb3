/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	INDENT = 2,
	GAP = 2,
	LAST_LEAST = 12, /* columns that the last one has at least */
	WIDEST_LEAST = 16,
	CELL_MAX = 512,
	ROWS_AT_FIRST = 16,
};

void
table_open(struct table *t, const char *const *names, size_t columns)
{
	*t = (struct table){ .columns = columns };
	for (size_t i = 0; i < columns; i++)
		table_put(t, names[i]);
}

void
table_put(struct table *t, const char *text)
{
	if (t->count == t->room) {
		size_t room = t->room == 0 ? ROWS_AT_FIRST * t->columns : 2 * t->room;
		char **more = realloc(t->cells, room * sizeof *more);
		if (more == NULL) {
			t->failed = true;
			return;
		}
		t->cells = more;
		t->room = room;
	}
	if ((t->cells[t->count] = strdup(text)) == NULL)
		t->failed = true;
	else
		t->count++;
}

void
table_putf(struct table *t, const char *fmt, ...)
{
	char text[CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	table_put(t, text);
}

/* How wide each column is; the widest gives way when all are too wide together. */
static void
measure(const struct table *t, size_t width[TABLE_COLUMNS_MAX])
{
	size_t last = t->columns - 1, sum = INDENT, widest = 0;

	for (size_t i = 0; i < t->count; i++) {
		size_t n = screen_columns(t->cells[i]);
		if (n > width[i % t->columns])
			width[i % t->columns] = n;
	}
	for (size_t i = 0; i < last; i++) {
		sum += width[i] + GAP;
		widest = width[i] > width[widest] ? i : widest;
	}
	size_t room = width[last] < LAST_LEAST ? width[last] : LAST_LEAST;
	size_t over = sum + room > SCREEN_WIDTH ? sum + room - SCREEN_WIDTH : 0;
	if (over > 0)
		width[widest] =
		    width[widest] > over + WIDEST_LEAST ? width[widest] - over : WIDEST_LEAST;
}

static void
print_row(const struct table *t, struct screen *s, char **row, const size_t *width)
{
	size_t last = t->columns - 1, at = INDENT;

	screen_pad(s, 0, INDENT);
	for (size_t i = 0; i < last; i++) {
		size_t n = screen_columns(row[i]);
		if (n > width[i]) {
			screen_wrap(s, at, at, row[i]);
			screen_pad(s, 0, at);
			n = 0;
		} else {
			screen_text(s, row[i]);
		}
		screen_pad(s, n, width[i] + GAP);
		at += width[i] + GAP;
	}
	screen_wrap(s, at, at, row[last]);
}

static void
clear(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	t->count = 0;
}

bool
table_flush(struct table *t, struct screen *s)
{
	if (t->failed)
		return false;
	if (t->count > 0)
		measure(t, t->width);
	for (size_t i = 0; i + t->columns <= t->count; i += t->columns)
		print_row(t, s, t->cells + i, t->width);
	clear(t);
	return true;
}

bool
table_close(struct table *t, struct screen *s)
{
	bool ok = table_flush(t, s);

	table_drop(t);
	return ok;
}

void
table_drop(struct table *t)
{
	clear(t);
	free(t->cells);
	*t = (struct table){ 0 };
}
