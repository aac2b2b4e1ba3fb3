/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

size_t
json_sequence(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] < 0x80)
		return 1;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return n;
}

static void
put_string(FILE *to, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', to);
	while (*p != '\0') {
		size_t n = json_sequence((const char *)p);
		if (n == 0) { /* a file name may be any bytes */
			fputs("\\ufffd", to);
			p++;
		} else if (*p == '"' || *p == '\\') {
			fprintf(to, "\\%c", *p++);
		} else if (*p < 0x20 || *p == 0x7f) {
			fprintf(to, "\\u%04x", *p++);
		} else if (*p == 0xc2 && p[1] < 0xa0) { /* C1 */
			fprintf(to, "\\u%04x", p[1]);
			p += n;
		} else {
			fwrite(p, 1, n, to);
			p += n;
		}
	}
	fputc('"', to);
}

static void
put_name(struct json *j, const char *name)
{
	if (j->comma)
		fputc(',', j->to);
	j->comma = true;
	if (name == NULL)
		return;
	put_string(j->to, name);
	fputc(':', j->to);
}

void
json_open(struct json *j, const char *name, char bracket)
{
	put_name(j, name);
	fputc(bracket, j->to);
	j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
	fputc(bracket, j->to);
	j->comma = true;
}

void
json_text(struct json *j, const char *name, const char *value)
{
	put_name(j, name);
	put_string(j->to, value);
}

void
json_text_or_null(struct json *j, const char *name, const char *value)
{
	if (value[0] != '\0')
		json_text(j, name, value);
	else
		json_raw(j, name, "null");
}

void
json_uint(struct json *j, const char *name, uint64_t value)
{
	put_name(j, name);
	fprintf(j->to, "%" PRIu64, value);
}

void
json_bool(struct json *j, const char *name, bool value)
{
	json_raw(j, name, value ? "true" : "false");
}

void
json_raw(struct json *j, const char *name, const char *value)
{
	put_name(j, name);
	fputs(value, j->to);
}
