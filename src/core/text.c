/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

void
assay_hex(char *out, struct assay_bytes in)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < in.len; i++) {
		*out++ = digits[in.ptr[i] >> 4];
		*out++ = digits[in.ptr[i] & 15];
	}
	*out = '\0';
}

static int
nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
assay_unhex(uint8_t *out, size_t n, struct assay_bytes text)
{
	if (text.len / 2 != n || text.len % 2 != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = nibble(text.ptr[2 * i]);
		int low = nibble(text.ptr[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

enum { SPACE = 0x40, PAD = 0x41, BAD = 0xff };

/* RFC 4648 section 4. What is no digit has bit 6 or 7, so that four are tested at once. */
/* clang-format off */
#define BAD16 BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
static const uint8_t sextets[256] = {
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, SPACE, SPACE, BAD, BAD, SPACE, BAD, BAD,
	BAD16,
	SPACE, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62, BAD, BAD, BAD, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, PAD, BAD, BAD,
	BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, BAD,
	BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
	BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16,
};
/* clang-format on */

/* Whole groups without white space: nearly all of a certificate. Returns how many bytes of text
 * were read; out gets three for each four. */
static size_t
whole_groups(uint8_t *out, const uint8_t *p, size_t len)
{
	size_t i = 0;

	for (; len - i >= 4; i += 4) {
		uint32_t a = sextets[p[i]], b = sextets[p[i + 1]];
		uint32_t c = sextets[p[i + 2]], d = sextets[p[i + 3]];
		if ((a | b | c | d) >= 64)
			break;
		uint32_t group = a << 18 | b << 12 | c << 6 | d;
		*out++ = (uint8_t)(group >> 16);
		*out++ = (uint8_t)(group >> 8);
		*out++ = (uint8_t)group;
	}
	return i;
}

/* Two or three digits that are left at the end: padded, and without stray bits. */
static bool
last_group(uint8_t *out, size_t *n, uint32_t group, unsigned held, unsigned pads)
{
	unsigned stray = held == 2 ? 4 : 2;

	if (held < 2 || held + pads != 4 || (group & ((1U << stray) - 1)) != 0)
		return false;
	group >>= stray;
	if (held == 3)
		out[(*n)++] = (uint8_t)(group >> 8);
	out[(*n)++] = (uint8_t)group;
	return true;
}

bool
assay_unbase64(uint8_t *out, size_t *out_len, struct assay_bytes text)
{
	uint32_t group = 0;
	size_t i = 0, n = 0;
	unsigned held = 0, pads = 0;

	while (i < text.len) {
		if (held == 0 && pads == 0) {
			size_t done = whole_groups(out + n, text.ptr + i, text.len - i);
			i += done;
			n += done / 4 * 3;
			if (i == text.len)
				break;
		}
		uint8_t v = sextets[text.ptr[i++]];
		if (v == SPACE)
			continue;
		if (v == PAD) {
			pads++;
			continue;
		}
		if (v == BAD || pads > 0)
			return false;
		group = group << 6 | v;
		if (++held == 4) {
			out[n++] = (uint8_t)(group >> 16);
			out[n++] = (uint8_t)(group >> 8);
			out[n++] = (uint8_t)group;
			held = 0;
		}
	}
	if ((held > 0 || pads > 0) && !last_group(out, &n, group & 0x3ffff, held, pads))
		return false;
	*out_len = n;
	return true;
}

/* Group by group through the other alphabet's decoder. */
bool
assay_unbase64url(uint8_t *out, size_t *out_len, struct assay_bytes text)
{
	size_t n = 0;

	for (size_t at = 0; at < text.len; at += 4) {
		uint8_t group[4] = { '=', '=', '=', '=' };
		size_t len = text.len - at < 4 ? text.len - at : 4, got;
		for (size_t i = 0; i < len; i++) {
			uint8_t c = text.ptr[at + i];
			if (c == '+' || c == '/' || sextets[c] == SPACE ||
			    (c == '=' && (len < 4 || at + 4 < text.len)))
				return false;
			group[i] = c == '-' ? '+' : c == '_' ? '/' : c;
		}
		if (!assay_unbase64(out + n, &got, (struct assay_bytes){ group, 4 }))
			return false;
		n += got;
	}
	*out_len = n;
	return true;
}

/* Returns where the text ends. */
static char *
groups(char *out, struct assay_bytes in, const char digits[65], const char *pad)
{
	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		uint32_t group = (uint32_t)in.ptr[i] << 16 |
		    (n > 1 ? (uint32_t)in.ptr[i + 1] << 8 : 0) | (n > 2 ? in.ptr[i + 2] : 0U);
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		for (size_t k = 2; k < 4; k++)
			if (n >= k)
				*out++ = digits[group >> (k == 2 ? 6 : 0) & 63];
			else if (*pad != '\0')
				*out++ = *pad;
	}
	return out;
}

void
assay_base64(char *out, struct assay_bytes in)
{
	*groups(out, in, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "=") =
	    '\0';
}

size_t
assay_base64url(char *out, struct assay_bytes in)
{
	char *end =
	    groups(out, in, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", "");

	*end = '\0';
	return (size_t)(end - out);
}

static bool
leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool
assay_time_make(int64_t *out, int year, int month, int day, int hour, int minute, int second)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };

	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (day > before[month] - before[month - 1] + (month == 2 && leap(year) ? 1 : 0))
		return false;
	int64_t past = year - 1;
	int64_t days = past * 365 + past / 4 - past / 100 + past / 400 - 719162 +
	    before[month - 1] + (month > 2 && leap(year) ? 1 : 0) + day - 1;
	*out = days * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

static bool
digits(int *out, const uint8_t *p, size_t n)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*out = *out * 10 + (p[i] - '0');
	}
	return true;
}

bool
assay_time_parse(int64_t *out, struct assay_bytes t)
{
	int year, month, day, hour, minute, second;

	return t.len == 20 && digits(&year, t.ptr, 4) && t.ptr[4] == '-' &&
	    digits(&month, t.ptr + 5, 2) && t.ptr[7] == '-' && digits(&day, t.ptr + 8, 2) &&
	    t.ptr[10] == 'T' && digits(&hour, t.ptr + 11, 2) && t.ptr[13] == ':' &&
	    digits(&minute, t.ptr + 14, 2) && t.ptr[16] == ':' && digits(&second, t.ptr + 17, 2) &&
	    t.ptr[19] == 'Z' && assay_time_make(out, year, month, day, hour, minute, second);
}

void
assay_time_text(char out[ASSAY_TIME_TEXT], int64_t t)
{
	int64_t days = t / 86400, rest = t % 86400;
	int year = 1970, month = 1;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	days += 719162; /* days since 0001-01-01; a 400-year cycle is 146097 of them */
	if (days < 0 || days >= 3652059) { /* outside years 1 to 9999 */
		(void)snprintf(
		    out, ASSAY_TIME_TEXT, "%s", days < 0 ? "before year 1" : "after year 9999");
		return;
	}
	year = (int)(days / 146097) * 400 + 1;
	days %= 146097;
	while (days >= (leap(year) ? 366 : 365))
		days -= leap(year++) ? 366 : 365;
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	while (days >= lengths[month - 1] + (month == 2 && leap(year) ? 1 : 0)) {
		days -= lengths[month - 1] + (month == 2 && leap(year) ? 1 : 0);
		month++;
	}
	(void)snprintf(out, ASSAY_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month,
	    (int)days + 1, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}
