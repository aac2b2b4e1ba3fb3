/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CORE_H
#define ASSAY_CORE_H

/* The ground that every other folder stands on: slices, one reader, errors, text forms. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <assay/error.h>

/* --- errors ------------------------------------------------------------------------------ */

/* Fills *err (NULL is fine) and returns code, so that a refusal is one statement. */
enum assay_code assay_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum assay_code assay_fail_nomem(struct assay_error *err);

enum { ASSAY_QUOTE_MAX = 64 };
struct assay_quoted {
	char text[ASSAY_QUOTE_MAX];
};
/* A stranger's text, made fit for a sentence: printable, in double quotes, cut short with "...". */
struct assay_quoted assay_quote(struct assay_bytes text);
/* The first bytes of a value in hex, cut short with "...". */
struct assay_quoted assay_quote_hex(struct assay_bytes value);

/* --- bytes ------------------------------------------------------------------------------- */

struct assay_bytes assay_bytes_of(const char *text); /* without the NUL */
bool assay_bytes_equal(struct assay_bytes a, struct assay_bytes b);
bool assay_bytes_zero(struct assay_bytes b); /* every byte is 0 */
/* The part of `in` at offset, n long; empty if it is not all there. */
struct assay_bytes assay_bytes_at(struct assay_bytes in, size_t offset, size_t n);
struct assay_bytes assay_bytes_trim(struct assay_bytes text); /* white space and NULs, both ends */

/* Where part first stands in in, at or after at; in.len if nowhere. */
size_t assay_bytes_find(struct assay_bytes in, size_t at, struct assay_bytes part);

uint16_t assay_u16le(const uint8_t *p);
uint32_t assay_u32le(const uint8_t *p);
uint64_t assay_u64le(const uint8_t *p);
/* out[i] = in[n - 1 - i]; out and in must not overlap. */
void assay_reverse(uint8_t *out, const uint8_t *in, size_t n);

/* --- reader ------------------------------------------------------------------------------ */

/*
 * Walks a slice from front to back. Take without checking, and end once: after the first take
 * past the end every take gives zero, and assay_reader_end() refuses. Before a taken value
 * steers a loop or a branch, look at `overrun`.
 */
struct assay_reader {
	const char *what; /* names the input in messages: "tdx quote" */
	struct assay_bytes in;
	size_t pos;
	bool overrun; /* sticky: set by the first take past the end */
};

struct assay_bytes assay_take(struct assay_reader *r, size_t n);
void assay_take_into(struct assay_reader *r, uint8_t *out, size_t n); /* zeros when overrun */
uint8_t assay_take_u8(struct assay_reader *r);
uint16_t assay_take_u16le(struct assay_reader *r);
uint32_t assay_take_u32le(struct assay_reader *r);
uint64_t assay_take_u64le(struct assay_reader *r);
size_t assay_reader_left(const struct assay_reader *r);
/* Everything was there, and nothing is left. */
bool assay_reader_ended(const struct assay_reader *r);
/* The same, with a sentence: refuses short and surplus input alike, ASSAY_E_FORMAT. */
ASSAY_MUST_USE enum assay_code
assay_reader_end(const struct assay_reader *r, struct assay_error *err);

/* --- text forms -------------------------------------------------------------------------- */

void assay_hex(char *out, struct assay_bytes in); /* 2 * in.len + 1 bytes, lower case */
/* Exactly n bytes from 2 n hex digits of either case. */
bool assay_unhex(uint8_t *out, size_t n, struct assay_bytes text);

/* Decodes standard base64; white space between groups is skipped. out holds at least
 * ASSAY_UNBASE64_MAX(text.len) bytes. False on any other character, wrong padding or bits left
 * over. */
#define ASSAY_UNBASE64_MAX(n) ((n) / 4 * 3 + 3)
bool assay_unbase64(uint8_t *out, size_t *out_len, struct assay_bytes text);

/* base64url (RFC 4648, 5), with its padding or, as JSON standards want it, without; no white space.
 * Out as with assay_unbase64(). */
bool assay_unbase64url(uint8_t *out, size_t *out_len, struct assay_bytes text);
/* Standard base64 with padding, NUL-terminated: ASSAY_BASE64_SIZE(in.len) bytes. */
#define ASSAY_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
void assay_base64(char *out, struct assay_bytes in);
/* base64url without padding, NUL-terminated: ASSAY_BASE64URL_SIZE(in.len) bytes. Returns the length. */
#define ASSAY_BASE64URL_SIZE(n) (((n)*4 + 2) / 3 + 1)
size_t assay_base64url(char *out, struct assay_bytes in);

/* Days and seconds of the proleptic Gregorian calendar. */
bool assay_time_make(int64_t *out, int year, int month, int day, int hour, int minute, int second);
/* Exactly "2025-07-04T10:16:31Z". */
bool assay_time_parse(int64_t *out, struct assay_bytes text);
enum { ASSAY_TIME_TEXT = 40 };
void assay_time_text(char out[ASSAY_TIME_TEXT], int64_t t); /* "2025-07-04T10:16:31Z" */

#endif
