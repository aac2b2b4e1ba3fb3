/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_TEXT_H
#define ASSAYD_TEXT_H

/* Sentences on standard error, one event a line, and strangers' words inside them. */

#include <stdbool.h>
#include <stddef.h>

#include <assay/bytes.h>
#include <assay/error.h>

enum { QUOTE_ROOM = 72 };

/* Before anything is said: JSON objects, a line each, and not plain lines; and, with verbose, also
 * what is only worth a look; below 0 nothing is said, for tests. Not changed while threads run. */
void log_set(bool json, int verbose);
/* Whose sentences these are, if not assayd's; static text, before anything is said. */
void log_program(const char *name);
/* A sentence for the operator, "assayd: SENTENCE"; control characters become '?'. */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v. */
void log_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A stranger's bytes between quotation marks: what is not printable ASCII becomes '?', what does not fit
 * is cut and ends in "...". Returns out. */
const char *text_quote(char out[QUOTE_ROOM], struct assay_bytes in);
/* The same of a string; NULL is "nothing". */
const char *text_quote_string(char out[QUOTE_ROOM], const char *in);

/* Fills *err (never NULL) and returns its code. */
enum assay_code text_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* 0 to 15, of either case; -1 if it is no digit of hex. */
int text_hex_digit(char c);

#endif
