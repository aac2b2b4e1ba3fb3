/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value.h"

#include <string.h>

enum { NAME_MAX_LEN = 64, WRONG_MAX_LEN = 256 };

/* --- reading ------------------------------------------------------------------------------------ */

static bool
is_hex_prefixed(struct assay_bytes text)
{
	return text.len >= 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x';
}

static bool
read_number(uint64_t *out, struct assay_bytes text)
{
	unsigned base = 10;
	uint64_t n = 0;
	size_t i = 0;

	if (text.len >= 2 && text.ptr[0] == '0' && text.ptr[1] == 'x') {
		base = 16;
		i = 2;
	}
	if (i == text.len)
		return false;
	for (; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		unsigned digit = c >= '0' && c <= '9'        ? (unsigned)(c - '0')
		    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (unsigned)((c | 0x20) - 'a' + 10)
							     : 16;
		if (digit >= base || n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	*out = n;
	return true;
}

/* Times before 1970 come before the others. */
static uint64_t
ordered(int64_t time)
{
	return (uint64_t)time ^ UINT64_C(1) << 63;
}

bool
assay_literal_read(struct literal *out, uint8_t *buf, enum assay_type type, struct assay_bytes text)
{
	int64_t time;

	*out = (struct literal){ 0, { NULL, 0 } };
	switch (type) {
	case ASSAY_TYPE_BOOL:
		out->number = assay_bytes_equal(text, assay_bytes_of("true")) ? 1 : 0;
		return out->number == 1 || assay_bytes_equal(text, assay_bytes_of("false"));
	case ASSAY_TYPE_UINT:
		return read_number(&out->number, text);
	case ASSAY_TYPE_TIME:
		if (!assay_time_parse(&time, text))
			return false;
		out->number = ordered(time);
		return true;
	case ASSAY_TYPE_BYTES:
		if (is_hex_prefixed(text))
			text = assay_bytes_at(text, 2, text.len - 2);
		out->bytes = (struct assay_bytes){ buf, text.len / 2 };
		return assay_unhex(buf, text.len / 2, text);
	case ASSAY_TYPE_TEXT:
	case ASSAY_TYPE_LIST:
		out->bytes = text;
		return true;
	}
	return false;
}

struct literal
assay_literal_of(const struct assay_claims *claims, size_t i)
{
	struct literal value = { 0, { NULL, 0 } };

	switch (assay_schema_type(i)) {
	case ASSAY_TYPE_BOOL:
		value.number = assay_claims_bool(claims, i) ? 1 : 0;
		break;
	case ASSAY_TYPE_UINT:
		value.number = assay_claims_uint(claims, i);
		break;
	case ASSAY_TYPE_TIME:
		value.number = ordered(assay_claims_time(claims, i));
		break;
	case ASSAY_TYPE_TEXT:
		value.bytes = assay_bytes_of(assay_claims_text(claims, i));
		break;
	case ASSAY_TYPE_BYTES:
		value.bytes = assay_claims_bytes(claims, i);
		break;
	case ASSAY_TYPE_LIST:
		break;
	}
	return value;
}

/* --- saying ------------------------------------------------------------------------------------- */

struct assay_quoted
assay_literal_word(struct assay_bytes text)
{
	struct assay_quoted word;

	if (text.len == 0 || text.len >= sizeof word.text)
		return assay_quote(text);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			c == '-' || c == '_' || c == '.'))
			return assay_quote(text);
	}
	memcpy(word.text, text.ptr, text.len);
	word.text[text.len] = '\0';
	return word;
}

static void
say_list(char *out, size_t size, const struct assay_claims *claims, size_t i)
{
	size_t n = 0, count = assay_claims_list_count(claims, i);

	(void)snprintf(out, size, "%s", count == 0 ? "empty" : "");
	for (size_t k = 0; k < count; k++) {
		struct assay_bytes text = assay_bytes_of(assay_claims_list_at(claims, i, k));
		int w = snprintf(
		    out + n, size - n, "%s%s", k == 0 ? "" : ", ", assay_literal_word(text).text);
		if (w < 0 || (size_t)w + sizeof ", ..." > size - n) {
			(void)snprintf(out + n, size - n, ", ...");
			return;
		}
		n += (size_t)w;
	}
}

void
assay_literal_say(char *out, size_t size, const struct assay_claims *claims, size_t i, bool hex)
{
	char time[ASSAY_TIME_TEXT];

	switch (assay_schema_type(i)) {
	case ASSAY_TYPE_BOOL:
		(void)snprintf(out, size, "%s", assay_claims_bool(claims, i) ? "true" : "false");
		break;
	case ASSAY_TYPE_UINT:
		(void)snprintf(out, size, hex ? "0x%llx" : "%llu",
		    (unsigned long long)assay_claims_uint(claims, i));
		break;
	case ASSAY_TYPE_TIME:
		assay_time_text(time, assay_claims_time(claims, i));
		(void)snprintf(out, size, "%s", time);
		break;
	case ASSAY_TYPE_BYTES:
		(void)snprintf(
		    out, size, "%s", assay_quote_hex(assay_claims_bytes(claims, i)).text);
		break;
	case ASSAY_TYPE_TEXT:
		(void)snprintf(out, size, "%s",
		    assay_literal_word(assay_bytes_of(assay_claims_text(claims, i))).text);
		break;
	case ASSAY_TYPE_LIST:
		say_list(out, size, claims, i);
		break;
	}
}

const char *
assay_type_wants(enum assay_type type)
{
	switch (type) {
	case ASSAY_TYPE_BOOL:
		return "true or false";
	case ASSAY_TYPE_UINT:
		return "a number, decimal or 0x..., of at most 64 bits";
	case ASSAY_TYPE_TIME:
		return "a time as 2025-07-04T10:16:31Z";
	case ASSAY_TYPE_BYTES:
		return "hex, two digits a byte";
	case ASSAY_TYPE_TEXT:
	case ASSAY_TYPE_LIST:
		break;
	}
	return "text";
}

/* --- the nearest right name ----------------------------------------------------------------------- */

/* Edits between two words. */
static size_t
edits(struct assay_bytes a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], n = strlen(b);

	if (n > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; i < a.len; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t best = diagonal + (a.ptr[i] != (uint8_t)b[j] ? 1 : 0);
			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

const char *
assay_nearest(struct assay_bytes wrong, const char *(*next)(size_t n))
{
	const char *best = "", *name;
	size_t least = SIZE_MAX;

	if (wrong.len > WRONG_MAX_LEN)
		wrong.len = WRONG_MAX_LEN;
	for (size_t i = 0; (name = next(i)) != NULL; i++) {
		size_t n = edits(wrong, name);
		if (n < least) {
			least = n;
			best = name;
		}
	}
	return best;
}
