/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_HEAD_H
#define ASSAYD_HEAD_H

/*
 * The head of an HTTP/1 request: request line and fields. Stricter than RFC 9112 asks for wherever two
 * readers of the same bytes could come to different ends of a request.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAD_MAX = 16 * 1024, HEADERS_MAX = 64 };

struct header {
	const char *name, *value;
};

/* Texts lie in the memory that was read. */
struct head {
	const char *method, *path, *query; /* never NULL, "" as far as they were not reached */
	unsigned minor;                    /* of HTTP/1.x */
	struct header headers[HEADERS_MAX];
	size_t header_count;
	bool keep_alive, expects;
	uint64_t length; /* of the body; 0 without one */
};

/*
 * Where a head ends. from: so many bytes of text were looked at before, and held no end.
 * Returns the size with its empty line; 0: there must be more; SIZE_MAX: this is no head (a line
 * without CR, a control character).
 */
size_t head_end(const char *text, size_t len, size_t from);

/*
 * Reads a head of head_end() bytes, and puts zero bytes into it. Returns 0; else the HTTP status that
 * refuses it, and *why is a sentence; then method and path are as far filled as they could be read.
 */
int head_read(struct head *out, char *text, size_t len, const char **why);

/* The value of a field; NULL: there is none. */
const char *head_field(const struct head *head, const char *name);
/* How often it is there. */
size_t head_count(const struct head *head, const char *name);

#endif
