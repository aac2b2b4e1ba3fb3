/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_SCREEN_H
#define ASSAY_CLI_SCREEN_H

/* The answer of a command: text for people, 79 columns wide, or one JSON object a line. It is
 * gathered in memory, and written whole or not at all. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <assay/bytes.h>

#include "option.h"

enum {
	SCREEN_WIDTH = 79,
	SCREEN_LABEL = 15, /* the column in which values begin */
};

enum colour { PLAIN = 0, RED = 31, GREEN = 32, YELLOW = 33 };

struct screen {
	const struct command *command;
	FILE *to;
	char *text;
	size_t len;
	const char *output; /* the file; NULL: standard output */
	bool colour;
};

/* Makes an empty answer; output and colour follow -o and --color of args. Returns 0; else the exit
 * code, after it has complained. */
int screen_open(struct screen *s, const struct args *args);
/* Writes the answer (unless it is to be kept quiet), and frees it. Returns `code`, or
 * EXIT_TROUBLE if it could not be written. */
int screen_close(struct screen *s, bool quiet, int code);

/* Writes what is there to standard output, for an answer that has no end; as screen_close(). */
int screen_flush(struct screen *s);

/* Writes a file whole or not at all; false and errno. */
bool screen_write_file(const char *path, const char *text, size_t len);
/* The same for a secret: its owner alone can read it, whoever could read what was there before. A pipe
 * or a device is written to if it is root's or the caller's. NULL: to standard output. False: it has
 * complained. */
bool
screen_write_secret(const struct command *command, const char *path, struct assay_bytes secret);

/* The length of the UTF-8 sequence at text; 0 if it is none, or a control character (C0, DEL, C1),
 * which could steer a terminal. */
size_t screen_sequence(const char *text);
/* Text of others in an answer: what is no such sequence becomes '?', byte by byte. */
void screen_text(struct screen *s, const char *text);
void screen_coloured(struct screen *s, enum colour colour, const char *text);
void screen_pad(struct screen *s, size_t from, size_t to);
size_t screen_columns(const char *text);
/* Words of text from column `at` on, wrapped; further lines begin in column `indent`. */
void screen_wrap(struct screen *s, size_t at, size_t indent, const char *text);
/* "  label        value", wrapped. */
void screen_row(struct screen *s, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with bytes in hex, 32 in a row. */
void screen_hex(struct screen *s, const char *label, struct assay_bytes value);

#endif
