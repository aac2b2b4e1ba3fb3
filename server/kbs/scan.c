/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "kbs.h"

/* --- characters --------------------------------------------------------------------------- */

static bool
plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The high bit of each byte that is zero in w; bytes behind the first such one may be wrong. */
static uint64_t
zeros(uint64_t w)
{
	return (w - 0x0101010101010101U) & ~w & 0x8080808080808080U;
}

size_t
scan_plain(struct assay_bytes text, size_t at)
{
	size_t i = at;

	for (uint64_t w; text.len - i >= sizeof w; i += sizeof w) {
		memcpy(&w, text.ptr + i, sizeof w);
		uint64_t low = (w - 0x2020202020202020U) & ~w; /* below 0x20 */
		if (((low | w) & 0x8080808080808080U) != 0 ||
		    (zeros(w ^ 0x2222222222222222U) | zeros(w ^ 0x5c5c5c5c5c5c5c5cU)) != 0)
			break;
	}
	while (i < text.len && plain(text.ptr[i]))
		i++;
	return i - at;
}

/* Source: RFC 3629, 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t
scan_utf8(struct assay_bytes text, size_t at)
{
	const uint8_t *p = text.ptr + at;
	size_t left = text.len - at;
	size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Four hex digits at p; false if they are none. */
static bool
hex4(unsigned *out, const uint8_t *p)
{
	*out = 0;
	for (size_t i = 0; i < 4; i++) {
		uint8_t c = p[i] | 0x20;
		if (digit(p[i]))
			*out = *out << 4 | (p[i] - (unsigned)'0');
		else if (c >= 'a' && c <= 'f')
			*out = *out << 4 | (c - (unsigned)'a' + 10);
		else
			return false;
	}
	return true;
}

/* Of the escape at at (a backslash): its length, and the code point that it stands for; 0 if it is none,
 * or half a pair of surrogates. */
static size_t
escape(unsigned *point, struct assay_bytes text, size_t at)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const uint8_t *p = text.ptr + at;
	size_t left = text.len - at;
	unsigned low;

	if (left < 2 || p[1] == '\0')
		return 0;
	const char *letter = strchr(letters, p[1]);
	if (letter != NULL) {
		*point = (unsigned char)meant[letter - letters];
		return 2;
	}
	if (p[1] != 'u' || left < 6 || !hex4(point, p + 2) || (*point & 0xfc00) == 0xdc00)
		return 0;
	if ((*point & 0xfc00) != 0xd800)
		return 6;
	if (left < 12 || p[6] != '\\' || p[7] != 'u' || !hex4(&low, p + 8) ||
	    (low & 0xfc00) != 0xdc00)
		return 0;
	*point = 0x10000 + ((*point & 0x3ff) << 10 | (low & 0x3ff));
	return 12;
}

/* --- checking ----------------------------------------------------------------------------- */

struct scan {
	struct assay_bytes in;
	size_t at;
};

static void
skip_blanks(struct scan *s)
{
	while (s->at < s->in.len && blank(s->in.ptr[s->at]))
		s->at++;
}

static bool
take(struct scan *s, char c)
{
	if (s->at == s->in.len || s->in.ptr[s->at] != (uint8_t)c)
		return false;
	s->at++;
	return true;
}

static bool
check_string(struct scan *s)
{
	if (!take(s, '"'))
		return false;
	for (;;) {
		unsigned point;
		size_t n;
		s->at += scan_plain(s->in, s->at);
		if (s->at == s->in.len)
			return false;
		uint8_t c = s->in.ptr[s->at];
		if (c == '"') {
			s->at++;
			return true;
		}
		n = c == '\\'   ? escape(&point, s->in, s->at)
		    : c >= 0x80 ? scan_utf8(s->in, s->at)
				: 0;
		if (n == 0)
			return false;
		s->at += n;
	}
}

static bool
check_digits(struct scan *s)
{
	size_t start = s->at;

	while (s->at < s->in.len && digit(s->in.ptr[s->at]))
		s->at++;
	return s->at > start;
}

static bool
check_number(struct scan *s)
{
	(void)take(s, '-');
	if (!take(s, '0') && !check_digits(s))
		return false;
	if (take(s, '.') && !check_digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			(void)take(s, '-');
		return check_digits(s);
	}
	return true;
}

/* Of a list of whole numbers, which bytes are written as: goes on to the last one. */
static void
skip_numbers(struct scan *s)
{
	const uint8_t *p = s->in.ptr;
	size_t at = s->at, end = s->in.len;

	while (at < end && digit(p[at])) {
		size_t from = at;
		while (at < end && digit(p[at]))
			at++;
		if ((p[from] == '0' && at > from + 1) || end - at < 2 || p[at] != ',' ||
		    !digit(p[at + 1]))
			return;
		s->at = ++at;
	}
}

static bool
check_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if (s->in.len - s->at < n || memcmp(s->in.ptr + s->at, word, n) != 0)
		return false;
	s->at += n;
	return true;
}

/* A value that holds no others. */
static bool
check_scalar(struct scan *s)
{
	uint8_t c = s->at < s->in.len ? s->in.ptr[s->at] : 0;

	return c == '"' ? check_string(s)
	    : c == 't'  ? check_word(s, "true")
	    : c == 'f'  ? check_word(s, "false")
	    : c == 'n'  ? check_word(s, "null")
			: check_number(s);
}

static bool
check_name(struct scan *s)
{
	skip_blanks(s);
	if (!check_string(s))
		return false;
	skip_blanks(s);
	return take(s, ':');
}

/* Behind a value: closes what ends here, and stands before the next value; true in *done at the end. */
static bool
check_end(struct scan *s, char *open, size_t *depth, bool *done)
{
	for (;;) {
		skip_blanks(s);
		if ((*done = *depth == 0))
			return s->at == s->in.len;
		if (take(s, ',')) {
			if (open[*depth - 1] == '{')
				return check_name(s);
			skip_numbers(s);
			return true;
		}
		if (!take(s, open[*depth - 1] == '[' ? ']' : '}'))
			return false;
		--*depth;
	}
}

/* Without recursion: what is open stands in a list of SCAN_DEPTH. */
static bool
check(struct scan *s)
{
	char open[SCAN_DEPTH];
	size_t depth = 0;
	bool done = false;

	while (!done) {
		skip_blanks(s);
		bool array = s->at < s->in.len && s->in.ptr[s->at] == '[';
		bool object = s->at < s->in.len && s->in.ptr[s->at] == '{';
		if (array || object) {
			if (depth == SCAN_DEPTH)
				return false;
			open[depth++] = array ? '[' : '{';
			s->at++;
			skip_blanks(s);
			if (!take(s, array ? ']' : '}')) {
				if (object && !check_name(s))
					return false;
				continue;
			}
			depth--;
		} else if (!check_scalar(s))
			return false;
		if (!check_end(s, open, &depth, &done))
			return false;
	}
	return true;
}

enum assay_code
scan_check(struct assay_bytes text, const char *what, struct assay_error *err)
{
	struct scan s = { text, 0 };

	if (check(&s))
		return ASSAY_OK;
	return kbs_fail(err, ASSAY_E_FORMAT,
	    "%s: is no JSON in UTF-8, or deeper than %d: see byte %zu of %zu", what, SCAN_DEPTH,
	    s.at, text.len);
}

/* --- taking apart -------------------------------------------------------------------------- */

struct assay_bytes
scan_trim(struct assay_bytes text)
{
	while (text.len > 0 && blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

bool
scan_is_object(struct assay_bytes value)
{
	return value.len > 0 && value.ptr[0] == '{';
}

bool
scan_is_string(struct assay_bytes value)
{
	return value.len > 1 && value.ptr[0] == '"';
}

bool
scan_is_null(struct assay_bytes value)
{
	return bytes_equal(value, bytes_of("null"));
}

/* Behind the string that begins at at; the length of the text if it does not end. */
static size_t
string_end(struct assay_bytes text, size_t at)
{
	for (size_t i = at + 1; i < text.len; i++) {
		const uint8_t *quote = memchr(text.ptr + i, '"', text.len - i);
		if (quote == NULL)
			break;
		size_t end = (size_t)(quote - text.ptr), slashes = 0;
		while (text.ptr[end - 1 - slashes] == '\\')
			slashes++; /* ends at the first quote at the latest */
		if (slashes % 2 == 0)
			return end + 1;
		i = end;
	}
	return text.len;
}

/* Behind the array that begins at at, if nothing but numbers and words is in it; else at. */
static size_t
flat_end(struct assay_bytes text, size_t at)
{
	const uint8_t *from = text.ptr + at + 1;
	const uint8_t *end = memchr(from, ']', text.len - at - 1);
	size_t n = end != NULL ? (size_t)(end - from) : 0;

	if (end == NULL || memchr(from, '"', n) != NULL || memchr(from, '{', n) != NULL ||
	    memchr(from, '[', n) != NULL)
		return at;
	return at + n + 2;
}

/* Behind the value that begins at at. */
static size_t
value_end(struct assay_bytes text, size_t at)
{
	size_t depth = 0, end;

	for (size_t i = at; i < text.len;) {
		uint8_t c = text.ptr[i];
		if (c == '"') {
			i = string_end(text, i);
		} else if (c == '[' && (end = flat_end(text, i)) > i) {
			i = end;
		} else if (c == '{' || c == '[') {
			depth++;
			i++;
			continue;
		} else if (depth > 0) {
			depth -= c == '}' || c == ']';
			i++;
		} else {
			while (i < text.len && !blank(text.ptr[i]) && text.ptr[i] != ',' &&
			    text.ptr[i] != '}' && text.ptr[i] != ']')
				i++;
		}
		if (depth == 0)
			return i;
	}
	return text.len;
}

bool
scan_member(
    struct assay_bytes *name, struct assay_bytes *value, struct assay_bytes object, size_t *at)
{
	struct scan s = { object, *at };

	skip_blanks(&s);
	if (!take(&s, *at == 0 ? '{' : ','))
		return false;
	skip_blanks(&s);
	if (s.at == object.len || object.ptr[s.at] != '"')
		return false; /* an empty object */
	size_t start = s.at;
	s.at = string_end(object, start);
	*name = (struct assay_bytes){ object.ptr + start + 1, s.at - start - 2 };
	skip_blanks(&s);
	if (!take(&s, ':'))
		return false;
	skip_blanks(&s);
	start = s.at;
	*at = value_end(object, start);
	*value = (struct assay_bytes){ object.ptr + start, *at - start };
	return true;
}

enum assay_code
scan_members(struct assay_bytes *values, const char *const *names, size_t count,
    struct assay_bytes object, const char *what, struct assay_error *err)
{
	struct assay_bytes name, value;
	size_t at = 0;

	memset(values, 0, count * sizeof *values);
	if (!scan_is_object(object))
		return kbs_fail(err, ASSAY_E_FORMAT, "%s: must be a JSON object", what);
	while (scan_member(&name, &value, object, &at)) {
		if (memchr(name.ptr, '\\', name.len) != NULL)
			return kbs_fail(err, ASSAY_E_FORMAT,
			    "%s: the name of a member is written with an escape; write it plainly",
			    what);
		for (size_t i = 0; i < count; i++) {
			if (!bytes_equal(name, bytes_of(names[i])))
				continue;
			if (values[i].len > 0)
				return kbs_fail(err, ASSAY_E_FORMAT,
				    "%s: the member %s stands there twice", what, names[i]);
			values[i] = value;
		}
	}
	return ASSAY_OK;
}

bool
scan_element(struct assay_bytes *value, struct assay_bytes array, size_t *at)
{
	struct scan s = { array, *at };

	skip_blanks(&s);
	if (!take(&s, *at == 0 ? '[' : ','))
		return false;
	skip_blanks(&s);
	if (s.at == array.len || array.ptr[s.at] == ']')
		return false; /* an empty array */
	*at = value_end(array, s.at);
	*value = (struct assay_bytes){ array.ptr + s.at, *at - s.at };
	return true;
}

bool
scan_number(uint64_t *out, struct assay_bytes value)
{
	uint64_t n = 0;

	if (value.len == 0 || (value.len > 1 && value.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < value.len; i++) {
		unsigned d = value.ptr[i] - (unsigned)'0';
		if (d > 9 || n > (UINT64_MAX - d) / 10)
			return false;
		n = n * 10 + d;
	}
	*out = n;
	return true;
}

/* The digits in front of the four bytes at p, if they are one to three, and their number; else 0. Without a
 * branch that the digits decide: bytes are written as lists of such, and no processor guesses their lengths. */
static size_t
small_number(unsigned *out, const uint8_t *p)
{
	uint32_t w =
	    (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	uint32_t d = w ^ 0x30303030; /* 0 to 9, of a digit */
	/* The high bit of each byte that is no digit; those behind the first such one may be wrong. */
	uint32_t others = ((d + 0x76767676) | d) & 0x80808080;
	size_t n =
	    (size_t)((others & 0x80) == 0) + ((others & 0x8080) == 0) + ((others & 0x808080) == 0);

	if (n == 0 || others == 0)
		return 0;
	d <<= 32 - 8 * n;
	*out = (d >> 8 & 0xff) * 100 + (d >> 16 & 0xff) * 10 + (d >> 24);
	return n;
}

bool
scan_bytes(uint8_t *out, size_t *len, size_t room, struct assay_bytes array)
{
	struct scan s = { array, 0 };
	size_t n = 0;

	if (!take(&s, '['))
		return false;
	skip_blanks(&s);
	if (take(&s, ']')) {
		*len = 0;
		return true;
	}
	do {
		uint8_t end[4] = { 0 };
		unsigned byte = 0;
		skip_blanks(&s);
		const uint8_t *p = array.ptr + s.at;
		if (array.len - s.at < sizeof end)
			p = memcpy(end, p, array.len - s.at);
		size_t digits = small_number(&byte, p);
		if (digits == 0 || byte > 255 || n == room)
			return false;
		out[n++] = (uint8_t)byte;
		s.at += digits;
		skip_blanks(&s);
	} while (take(&s, ','));
	*len = n;
	return take(&s, ']') && s.at == array.len;
}

static size_t
put_point(uint8_t *out, unsigned point)
{
	if (point < 0x80) {
		out[0] = (uint8_t)point;
		return 1;
	}
	size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, point >>= 6)
		out[i] = (uint8_t)(0x80 | (point & 0x3f));
	out[0] = (uint8_t)((0xf00 >> n & 0xf0) | point);
	return n;
}

size_t
scan_decode(uint8_t *out, struct assay_bytes value)
{
	struct assay_bytes text;
	size_t n = 0, at = 0;

	if (!scan_is_string(value))
		return 0;
	text = (struct assay_bytes){ value.ptr + 1, value.len - 2 };
	while (at < text.len) {
		const uint8_t *slash = memchr(text.ptr + at, '\\', text.len - at);
		size_t run = slash != NULL ? (size_t)(slash - text.ptr) - at : text.len - at;
		unsigned point = 0;
		memcpy(out + n, text.ptr + at, run);
		n += run;
		at += run;
		if (at == text.len)
			break;
		size_t used = escape(&point, text, at);
		if (used == 0)
			return 0; /* not what scan_check() has passed */
		n += put_point(out + n, point);
		at += used;
	}
	return n;
}

bool
scan_bare(struct assay_bytes *out, struct assay_bytes value)
{
	if (!scan_is_string(value) || memchr(value.ptr, '\\', value.len) != NULL)
		return false;
	*out = (struct assay_bytes){ value.ptr + 1, value.len - 2 };
	return true;
}

size_t
scan_compact(uint8_t *out, struct assay_bytes value)
{
	size_t n = 0, end;

	for (size_t i = 0; i < value.len; i = end) {
		end = value.ptr[i] == '"' ? string_end(value, i) : i + 1;
		if (!blank(value.ptr[i])) {
			memcpy(out + n, value.ptr + i, end - i);
			n += end - i;
		}
	}
	return n;
}
