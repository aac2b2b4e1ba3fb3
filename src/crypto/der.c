/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der.h"

#include <string.h>

static const struct assay_bytes nothing = { NULL, 0 };

static struct assay_bytes
refuse(struct assay_reader *r)
{
	r->overrun = true;
	return nothing;
}

/* The next value; its head is head_len long. This is where a certificate's time goes: inline, and
 * the one-octet length first. */
static inline struct assay_bytes
next_value(struct assay_reader *r, size_t *head_len)
{
	size_t left = r->in.len - r->pos;

	if (r->overrun || left < 2)
		return refuse(r);
	const uint8_t *head = r->in.ptr + r->pos;
	size_t len = head[1];
	*head_len = 2;
	if ((head[0] & 0x1f) == 0x1f || head[0] == 0) /* a long tag; end-of-contents */
		return refuse(r);
	if (len >= 0x80) {
		size_t octets = len & 0x7f;
		if (octets == 0 || octets > 4 || left - 2 < octets) /* 0: the indefinite form */
			return refuse(r);
		len = 0;
		for (size_t i = 0; i < octets; i++)
			len = len << 8 | head[2 + i];
		if (len < 0x80 || head[2] == 0) /* not the shortest form */
			return refuse(r);
		*head_len += octets;
	}
	if (len > left - *head_len)
		return refuse(r);
	r->pos += *head_len + len;
	return (struct assay_bytes){ head + *head_len, len };
}

static inline struct assay_bytes
take(struct assay_reader *r, uint8_t tag)
{
	size_t head_len;

	if (r->pos == r->in.len || r->in.ptr[r->pos] != tag)
		return refuse(r);
	return next_value(r, &head_len);
}

struct assay_bytes
assay_der_any(struct assay_reader *r, uint8_t *tag, struct assay_bytes *whole)
{
	size_t head_len = 0;
	struct assay_bytes content = next_value(r, &head_len);
	const uint8_t *head = r->overrun ? NULL : content.ptr - head_len;

	*tag = head != NULL ? *head : 0;
	if (whole != NULL)
		*whole = (struct assay_bytes){ head, head != NULL ? head_len + content.len : 0 };
	return content;
}

struct assay_bytes
assay_der_take(struct assay_reader *r, uint8_t tag)
{
	return take(r, tag);
}

struct assay_reader
assay_der_enter(struct assay_reader *r, uint8_t tag)
{
	struct assay_bytes content = take(r, tag);

	return (struct assay_reader){ .what = r->what, .in = content, .overrun = r->overrun };
}

uint8_t
assay_der_peek(const struct assay_reader *r)
{
	return assay_reader_left(r) > 0 ? r->in.ptr[r->pos] : 0;
}

/* The octets of a non-negative number, without the zero that keeps its sign. */
static struct assay_bytes
magnitude(struct assay_reader *r, uint8_t tag)
{
	struct assay_bytes b = take(r, tag);

	if (b.len == 0 || b.ptr[0] >= 0x80 || (b.len > 1 && b.ptr[0] == 0 && b.ptr[1] < 0x80))
		return refuse(r);
	if (b.len > 1 && b.ptr[0] == 0)
		return (struct assay_bytes){ b.ptr + 1, b.len - 1 };
	return b;
}

uint64_t
assay_der_uint(struct assay_reader *r, uint8_t tag)
{
	struct assay_bytes b = magnitude(r, tag);
	uint64_t v = 0;

	if (b.len > sizeof v) {
		(void)refuse(r);
		return 0;
	}
	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.ptr[i];
	return v;
}

void
assay_der_uint_into(struct assay_reader *r, uint8_t *out, size_t n)
{
	struct assay_bytes b = magnitude(r, DER_INTEGER);

	memset(out, 0, n);
	if (b.len == 0 || b.len > n || b.ptr[0] == 0) /* a single 0 is not positive */
		(void)refuse(r);
	else
		memcpy(out + n - b.len, b.ptr, b.len);
}

bool
assay_der_boolean(struct assay_reader *r)
{
	struct assay_bytes b = take(r, DER_BOOLEAN);

	if (b.len == 1 && (b.ptr[0] == 0x00 || b.ptr[0] == 0xff))
		return b.ptr[0] == 0xff;
	(void)refuse(r);
	return false;
}

int64_t
assay_der_time(struct assay_reader *r)
{
	bool two_digits = assay_der_peek(r) == DER_UTC_TIME;
	struct assay_bytes b = take(r, two_digits ? DER_UTC_TIME : DER_GENERALIZED_TIME);
	int part[7] = { 0 }; /* century, year, month, day, hour, minute, second */
	size_t first = two_digits ? 1 : 0;
	int64_t t = 0;

	if (b.len != 2 * (7 - first) + 1 || b.ptr[b.len - 1] != 'Z') {
		(void)refuse(r);
		return 0;
	}
	for (size_t i = first; i < 7; i++) {
		const uint8_t *p = b.ptr + 2 * (i - first);
		if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') {
			(void)refuse(r);
			return 0;
		}
		part[i] = (p[0] - '0') * 10 + p[1] - '0';
	}
	if (two_digits)
		part[0] = part[1] >= 50 ? 19 : 20; /* RFC 5280 4.1.2.5.1 */
	if (!assay_time_make(
		&t, part[0] * 100 + part[1], part[2], part[3], part[4], part[5], part[6]))
		(void)refuse(r);
	return t;
}

bool
assay_der_ecdsa(uint8_t *out, size_t n, struct assay_bytes in)
{
	struct assay_reader r = { .what = "signature", .in = in };
	struct assay_reader pair = assay_der_enter(&r, DER_SEQUENCE);

	assay_der_uint_into(&pair, out, n);
	assay_der_uint_into(&pair, out + n, n);
	return !r.overrun && r.pos == r.in.len && !pair.overrun && pair.pos == pair.in.len;
}
