/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_SCAN_H
#define ASSAYD_KBS_SCAN_H

/*
 * Reads JSON where it stands. A request is mostly one large text, the base64 of a quote: so it is
 * checked in one pass, without a tree, and what is wanted is handed out by its raw bytes, which are also
 * what is hashed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/error.h>

enum { SCAN_DEPTH = 32 };

/* Whether it is one JSON value (RFC 8259) in UTF-8, not deeper than SCAN_DEPTH, with nothing but blanks
 * around it, and no lone surrogates. Errors: ASSAY_E_FORMAT, with the offset. */
ASSAY_MUST_USE enum assay_code
scan_check(struct assay_bytes text, const char *what, struct assay_error *err);

/* The rest takes text that scan_check() has passed, or a part that it gave out itself. */

struct assay_bytes scan_trim(struct assay_bytes text);
bool scan_is_object(struct assay_bytes value);
bool scan_is_string(struct assay_bytes value);
bool scan_is_null(struct assay_bytes value);
/* The next member of an object, its name without quotes and as it is written; *at starts at 0. */
bool scan_member(
    struct assay_bytes *name, struct assay_bytes *value, struct assay_bytes object, size_t *at);
/*
 * Takes members by name: values[i] is names[i]'s, or empty. Members with other names are passed over.
 * Errors  ASSAY_E_FORMAT: no object, one of the names twice, a name with an escape in it (which
 *         another reader may take for one of the names).
 */
ASSAY_MUST_USE enum assay_code scan_members(struct assay_bytes *values, const char *const *names,
    size_t count, struct assay_bytes object, const char *what, struct assay_error *err);
/* The next element of an array; *at starts at 0. */
bool scan_element(struct assay_bytes *value, struct assay_bytes array, size_t *at);
/* A whole number from 0 to 2^64 - 1: no sign, fraction or exponent. */
bool scan_number(uint64_t *out, struct assay_bytes value);
/* An array of at most room numbers from 0 to 255. */
bool scan_bytes(uint8_t *out, size_t *len, size_t room, struct assay_bytes array);
/* What a string says: decodes into out, which has room for value.len bytes, and gives the length. */
size_t scan_decode(uint8_t *out, struct assay_bytes value);
/* The same of a string without escapes, where it stands; false if it has some, or is no string. */
bool scan_bare(struct assay_bytes *out, struct assay_bytes value);
/* The text without blanks between its tokens: out has room for value.len bytes. */
size_t scan_compact(uint8_t *out, struct assay_bytes value);

/* How many bytes from at on stand for themselves in a string and are ASCII. */
size_t scan_plain(struct assay_bytes text, size_t at);
/* How long the UTF-8 sequence at this place is (2 to 4); 0 if it is none. */
size_t scan_utf8(struct assay_bytes text, size_t at);

#endif
