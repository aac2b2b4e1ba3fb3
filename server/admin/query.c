/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <stdio.h>
#include <string.h>

#include "../text.h"

enum { DIGITS_MAX = 15 }; /* below 2^53 */

static size_t
find(const struct query *q, const char *name, size_t len)
{
	size_t i = 0;

	while (i < QUERY_NAMES_MAX && q->name[i] != NULL &&
	    (strlen(q->name[i]) != len || memcmp(q->name[i], name, len) != 0))
		i++;
	return i < QUERY_NAMES_MAX && q->name[i] != NULL ? i : QUERY_NAMES_MAX;
}

/* '+' is itself: form encoding is of forms. Control characters and a wrong '%' are refused. */
static bool
decode(char out[QUERY_VALUE], const char *in, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)in[i];
		if (c == '%') {
			bool whole = len - i > 2;
			int high = whole ? text_hex_digit(in[i + 1]) : -1;
			int low = whole ? text_hex_digit(in[i + 2]) : -1;
			c = high < 0 || low < 0 ? 0 : high << 4 | low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || n == QUERY_VALUE - 1)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return true;
}

bool
query_read(struct query *q, const char *raw, char why[QUERY_WHY])
{
	char quoted[QUOTE_ROOM];

	while (*raw != '\0') {
		size_t len = strcspn(raw, "&"), name = strcspn(raw, "=&");
		const struct assay_bytes shown = { (const uint8_t *)raw, name };
		size_t i = find(q, raw, name);
		if (i == QUERY_NAMES_MAX || name == len || q->given[i]) {
			snprintf(why, QUERY_WHY, "the parameter %s %s", text_quote(quoted, shown),
			    i == QUERY_NAMES_MAX ? "is not known here"
				: name == len    ? "has no value"
						 : "is given twice");
			return false;
		}
		if (!decode(q->value[i], raw + name + 1, len - name - 1)) {
			snprintf(why, QUERY_WHY,
			    "the parameter %s is too long, or not encoded right",
			    text_quote(quoted, shown));
			return false;
		}
		q->given[i] = true;
		raw += len;
		if (*raw == '&' && *++raw == '\0') {
			snprintf(why, QUERY_WHY, "the query ends in '&'");
			return false;
		}
	}
	return true;
}

const char *
query_value(const struct query *q, const char *name)
{
	size_t i = find(q, name, strlen(name));

	return i < QUERY_NAMES_MAX && q->given[i] ? q->value[i] : NULL;
}

bool
query_number(const struct query *q, const char *name, int64_t *out)
{
	const char *text = query_value(q, name);
	int64_t n = 0;

	*out = -1;
	if (text == NULL)
		return true;
	if (*text == '\0' || strlen(text) > DIGITS_MAX ||
	    strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text != '\0'; text++)
		n = 10 * n + (*text - '0');
	*out = n;
	return true;
}
