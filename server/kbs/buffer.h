/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_BUFFER_H
#define ASSAYD_KBS_BUFFER_H

/* Text that grows, and JSON written into it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/error.h>

/* Starts from zero. Once memory was short, nothing is added, and buffer_take() gives NULL: so a
 * document is written in a straight line. */
struct buffer {
	char *text;
	size_t len, room;
	bool broken;
};

void buffer_clear(struct buffer *b);
/* The text, NUL-terminated; the caller frees it. NULL: there was no memory. b is empty again. */
char *buffer_take(struct buffer *b);
struct assay_bytes buffer_bytes(const struct buffer *b);

/* ASSAY_E_NOMEM, and err filled, once memory was short. */
ASSAY_MUST_USE enum assay_code buffer_state(const struct buffer *b, struct assay_error *err);

void buffer_add(struct buffer *b, struct assay_bytes bytes);
void buffer_put(struct buffer *b, const char *text);
void buffer_u64(struct buffer *b, uint64_t n);
/* Lower-case hex in quotes. */
void buffer_hex(struct buffer *b, struct assay_bytes bytes);
/* A JSON string, of text that is UTF-8; what is not UTF-8 becomes '?'. */
void buffer_string(struct buffer *b, struct assay_bytes text);

struct assay_bytes bytes_of(const char *text); /* without the NUL; NULL gives an empty slice */
bool bytes_equal(struct assay_bytes a, struct assay_bytes b);

#endif
