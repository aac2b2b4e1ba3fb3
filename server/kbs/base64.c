/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#include <pthread.h>

enum { BAD = 0x80 };

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Values of characters; filled once. */
static uint8_t of_standard[256], of_url[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fill(void)
{
	for (size_t i = 0; i < 256; i++)
		of_standard[i] = of_url[i] = BAD;
	for (uint8_t i = 0; i < 64; i++) {
		of_standard[(uint8_t)standard[i]] = i;
		of_url[(uint8_t)url[i]] = i;
	}
}

/* text: without padding. */
static bool
decode(uint8_t *out, size_t *len, struct assay_bytes text, const uint8_t *value)
{
	const uint8_t *p = text.ptr;
	size_t rest = text.len % 4, n = 0;
	uint8_t bad = 0, a, b, c = 0;

	if (rest == 1)
		return false;
	for (size_t i = text.len / 4; i > 0; i--, p += 4) {
		uint8_t v[4] = { value[p[0]], value[p[1]], value[p[2]], value[p[3]] };
		bad |= v[0] | v[1] | v[2] | v[3];
		out[n++] = (uint8_t)(v[0] << 2 | v[1] >> 4);
		out[n++] = (uint8_t)(v[1] << 4 | v[2] >> 2);
		out[n++] = (uint8_t)(v[2] << 6 | v[3]);
	}
	if (rest > 0) {
		a = value[p[0]];
		b = value[p[1]];
		c = rest == 3 ? value[p[2]] : 0;
		bad |= a | b | c;
		if ((rest == 2 && (b & 15) != 0) || (c & 3) != 0)
			return false;
		out[n++] = (uint8_t)(a << 2 | b >> 4);
		if (rest == 3)
			out[n++] = (uint8_t)(b << 4 | c >> 2);
	}
	*len = n;
	return (bad & BAD) == 0;
}

bool
base64_decode(uint8_t *out, size_t *len, struct assay_bytes text)
{
	pthread_once(&once, fill);
	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++)
		text.len--;
	return decode(out, len, text, of_standard);
}

bool
base64url_decode(uint8_t *out, size_t *len, struct assay_bytes text)
{
	pthread_once(&once, fill);
	return decode(out, len, text, of_url);
}

void
base64_encode(char *out, struct assay_bytes in)
{
	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		unsigned w = (unsigned)in.ptr[i] << 16;
		w |= left > 1 ? (unsigned)in.ptr[i + 1] << 8 : 0;
		w |= left > 2 ? in.ptr[i + 2] : 0;
		*out++ = standard[w >> 18];
		*out++ = standard[w >> 12 & 63];
		*out++ = '=';
		*out++ = '=';
		if (left > 1)
			out[-2] = standard[w >> 6 & 63];
		if (left > 2)
			out[-1] = standard[w & 63];
	}
	*out = '\0';
}

bool
hex_decode(uint8_t *out, size_t n, struct assay_bytes text)
{
	if (text.len != 2 * n)
		return false;
	for (size_t i = 0; i < 2 * n; i++) {
		uint8_t c = text.ptr[i];
		unsigned v = c >= '0' && c <= '9' ? c - (unsigned)'0'
		    : c >= 'a' && c <= 'f'        ? c - (unsigned)'a' + 10
						  : 16;
		if (v > 15)
			return false;
		out[i / 2] = (uint8_t)(i % 2 == 0 ? v << 4 : (out[i / 2] | v));
	}
	return true;
}
