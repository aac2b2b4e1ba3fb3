/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include <string.h>
#include <strings.h>

/* --- queries ----------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character, perhaps escaped; -1 if the escape is none. *used: how many it took. */
static int
decode(const char *in, size_t len, size_t *used)
{
	*used = 1;
	if (in[0] == '+')
		return ' ';
	if (in[0] != '%')
		return (unsigned char)in[0];
	int high = len >= 3 ? hex_digit(in[1]) : -1, low = high >= 0 ? hex_digit(in[2]) : -1;
	*used = 3;
	return low >= 0 ? high << 4 | low : -1;
}

static bool
decode_all(const char *in, size_t len, char *out, size_t room)
{
	size_t n = 0, used;

	for (size_t at = 0; at < len; at += used) {
		int c = decode(in + at, len - at, &used);
		if (c <= 0 || n + 1 >= room)
			return false;
		out[n++] = (char)c;
	}
	if (room == 0)
		return false;
	out[n] = '\0';
	return true;
}

/* Is this, decoded, the name? */
static bool
is_name(const char *in, size_t len, const char *name)
{
	size_t used;

	for (size_t at = 0; at < len; at += used, name++) {
		int c = decode(in + at, len - at, &used);
		if (c <= 0 || *name == '\0' || c != (unsigned char)*name)
			return false;
	}
	return *name == '\0';
}

bool
query_find(const char *query, const char *name, char *out, size_t room)
{
	const char *value = NULL;
	size_t value_len = 0;

	for (const char *p = query; *p != '\0';) {
		size_t n = strcspn(p, "&"), equals = strcspn(p, "=&");
		if (is_name(p, equals, name)) {
			if (value != NULL)
				return false; /* which of them was meant? */
			value = equals < n ? p + equals + 1 : p + n;
			value_len = (size_t)(p + n - value);
		}
		p += n + (p[n] == '&');
	}
	return value != NULL && decode_all(value, value_len, out, room);
}

/* --- fields ------------------------------------------------------------------------------ */

bool
cookie_find(const char *field, const char *name, struct assay_bytes *value)
{
	size_t len = strlen(name);

	for (const char *p = field; *p != '\0';) {
		p += strspn(p, " \t;");
		size_t n = strcspn(p, ";");
		if (n > len && strncmp(p, name, len) == 0 && p[len] == '=') {
			const char *start = p + len + 1;
			size_t kept = n - len - 1;
			while (kept > 0 && strchr(" \t", start[kept - 1]) != NULL)
				kept--;
			if (kept >= 2 && start[0] == '"' && start[kept - 1] == '"') {
				start++;
				kept -= 2;
			}
			*value = (struct assay_bytes){ (const uint8_t *)start, kept };
			return true;
		}
		p += n;
	}
	return false;
}

bool
bearer_find(const char *field, struct assay_bytes *token)
{
	static const char scheme[] = "Bearer";
	size_t n = sizeof scheme - 1;

	if (strncasecmp(field, scheme, n) != 0 || field[n] != ' ')
		return false;
	const char *start = field + n + strspn(field + n, " ");
	size_t len = strcspn(start, " \t");
	if (len == 0 || start[len] != '\0')
		return false;
	*token = (struct assay_bytes){ (const uint8_t *)start, len };
	return true;
}
