/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include <string.h>

struct assay_bytes
assay_bytes_of(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, strlen(text) };
}

bool
assay_bytes_equal(struct assay_bytes a, struct assay_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
assay_bytes_zero(struct assay_bytes b)
{
	return b.len == 0 || (b.ptr[0] == 0 && memcmp(b.ptr, b.ptr + 1, b.len - 1) == 0);
}

struct assay_bytes
assay_bytes_at(struct assay_bytes in, size_t offset, size_t n)
{
	if (offset > in.len || n > in.len - offset)
		return (struct assay_bytes){ NULL, 0 };
	return (struct assay_bytes){ in.ptr + offset, n };
}

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

struct assay_bytes
assay_bytes_trim(struct assay_bytes text)
{
	while (text.len > 0 && blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

size_t
assay_bytes_find(struct assay_bytes in, size_t at, struct assay_bytes part)
{
	while (at <= in.len && in.len - at >= part.len && part.len > 0) {
		const uint8_t *p = memchr(in.ptr + at, part.ptr[0], in.len - at - part.len + 1);
		if (p == NULL)
			break;
		if (memcmp(p, part.ptr, part.len) == 0)
			return (size_t)(p - in.ptr);
		at = (size_t)(p - in.ptr) + 1;
	}
	return in.len;
}

uint16_t
assay_u16le(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
assay_u32le(const uint8_t *p)
{
	return assay_u16le(p) | (uint32_t)assay_u16le(p + 2) << 16;
}

uint64_t
assay_u64le(const uint8_t *p)
{
	return assay_u32le(p) | (uint64_t)assay_u32le(p + 4) << 32;
}

void
assay_reverse(uint8_t *out, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = in[n - 1 - i];
}

struct assay_bytes
assay_take(struct assay_reader *r, size_t n)
{
	if (n > r->in.len - r->pos) /* never "pos + n": it can wrap */
		r->overrun = true;
	if (n == 0 || r->overrun)
		return (struct assay_bytes){ NULL, 0 };
	r->pos += n;
	return (struct assay_bytes){ r->in.ptr + r->pos - n, n };
}

void
assay_take_into(struct assay_reader *r, uint8_t *out, size_t n)
{
	struct assay_bytes b = assay_take(r, n);

	if (b.len == n && n > 0)
		memcpy(out, b.ptr, n);
	else
		memset(out, 0, n);
}

uint8_t
assay_take_u8(struct assay_reader *r)
{
	struct assay_bytes b = assay_take(r, 1);

	return b.len == 1 ? b.ptr[0] : 0;
}

uint16_t
assay_take_u16le(struct assay_reader *r)
{
	struct assay_bytes b = assay_take(r, 2);

	return b.len == 2 ? assay_u16le(b.ptr) : 0;
}

uint32_t
assay_take_u32le(struct assay_reader *r)
{
	struct assay_bytes b = assay_take(r, 4);

	return b.len == 4 ? assay_u32le(b.ptr) : 0;
}

uint64_t
assay_take_u64le(struct assay_reader *r)
{
	struct assay_bytes b = assay_take(r, 8);

	return b.len == 8 ? assay_u64le(b.ptr) : 0;
}

size_t
assay_reader_left(const struct assay_reader *r)
{
	return r->overrun ? 0 : r->in.len - r->pos;
}

bool
assay_reader_ended(const struct assay_reader *r)
{
	return !r->overrun && r->pos == r->in.len;
}

enum assay_code
assay_reader_end(const struct assay_reader *r, struct assay_error *err)
{
	if (r->overrun)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: ends too early: a field runs past its %zu bytes; the file is cut short or "
		    "damaged",
		    r->what, r->in.len);
	if (r->pos != r->in.len)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: %zu bytes follow its end at %zu; nothing may stand there", r->what,
		    r->in.len - r->pos, r->pos);
	return ASSAY_OK;
}
