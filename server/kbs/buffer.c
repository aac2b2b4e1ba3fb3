/* SPDX-License-Identifier: Apache-2.0 */
#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs.h"
#include "scan.h"

enum { FIRST_ROOM = 512 };

struct assay_bytes
bytes_of(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, text != NULL ? strlen(text) : 0 };
}

bool
bytes_equal(struct assay_bytes a, struct assay_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

void
buffer_clear(struct buffer *b)
{
	free(b->text);
	*b = (struct buffer){ .len = 0 };
}

/* Where n more bytes go, with room for a NUL behind them; NULL when there is no memory. */
static char *
grow(struct buffer *b, size_t n)
{
	if (b->broken || n >= SIZE_MAX / 4 - b->len) {
		b->broken = true;
		return NULL;
	}
	if (b->len + n >= b->room) {
		size_t room = b->room == 0 ? FIRST_ROOM : b->room;
		while (room <= b->len + n)
			room *= 2;
		char *larger = realloc(b->text, room);
		if (larger == NULL) {
			b->broken = true;
			return NULL;
		}
		b->text = larger;
		b->room = room;
	}
	b->len += n;
	return b->text + b->len - n;
}

char *
buffer_take(struct buffer *b)
{
	char *text = NULL;

	if (grow(b, 0) != NULL) {
		text = b->text;
		text[b->len] = '\0';
		b->text = NULL;
	}
	buffer_clear(b);
	return text;
}

struct assay_bytes
buffer_bytes(const struct buffer *b)
{
	return (struct assay_bytes){ (const uint8_t *)b->text, b->broken ? 0 : b->len };
}

enum assay_code
buffer_state(const struct buffer *b, struct assay_error *err)
{
	return b->broken ? kbs_fail(err, ASSAY_E_NOMEM, "out of memory") : ASSAY_OK;
}

void
buffer_add(struct buffer *b, struct assay_bytes bytes)
{
	char *to = grow(b, bytes.len);

	if (to != NULL && bytes.len > 0)
		memcpy(to, bytes.ptr, bytes.len);
}

void
buffer_put(struct buffer *b, const char *text)
{
	buffer_add(b, bytes_of(text));
}

void
buffer_u64(struct buffer *b, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	buffer_put(b, text);
}

void
buffer_hex(struct buffer *b, struct assay_bytes bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *to = grow(b, 2 * bytes.len + 2);

	if (to == NULL)
		return;
	*to++ = '"';
	for (size_t i = 0; i < bytes.len; i++) {
		*to++ = digits[bytes.ptr[i] >> 4];
		*to++ = digits[bytes.ptr[i] & 15];
	}
	*to = '"';
}

void
buffer_string(struct buffer *b, struct assay_bytes text)
{
	static const char kept[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	size_t i = 0;

	buffer_put(b, "\"");
	while (i < text.len) {
		size_t n = scan_plain(text, i);
		buffer_add(b, (struct assay_bytes){ text.ptr + i, n });
		if ((i += n) == text.len)
			break;
		uint8_t c = text.ptr[i];
		const char *letter = c != 0 ? strchr(kept, c) : NULL;
		char out[8];
		if (c >= 0x80 && (n = scan_utf8(text, i)) > 0) {
			buffer_add(b, (struct assay_bytes){ text.ptr + i, n });
			i += n;
			continue;
		}
		if (letter != NULL)
			(void)snprintf(out, sizeof out, "\\%c", letters[letter - kept]);
		else if (c < 0x20)
			(void)snprintf(out, sizeof out, "\\u%04x", c);
		else
			(void)snprintf(out, sizeof out, "?");
		buffer_put(b, out);
		i++;
	}
	buffer_put(b, "\"");
}
