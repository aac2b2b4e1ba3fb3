/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SENTENCE_MAX = 1024, LINE_MAX_JSON = 6 * SENTENCE_MAX + 64 };

/* Set once, before there are threads. */
static struct {
	const char *program;
	bool json;
	int verbose;
} manner = { .program = "assayd" };

void
log_program(const char *name)
{
	manner.program = name;
}

void
log_set(bool json, int verbose)
{
	manner.json = json;
	manner.verbose = verbose;
}

static void say(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* One write() a line: the lines of several threads and processes do not mix. */
static void
write_line(const char *line, size_t len)
{
	ssize_t n = write(STDERR_FILENO, line, len);

	(void)n; /* nobody is left to be told */
}

static void
say_json(const char *text)
{
	char line[LINE_MAX_JSON];
	char stamp[32] = "";
	struct tm tm;
	time_t now = time(NULL);
	size_t n;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = (size_t)snprintf(line, sizeof line, "{\"time\":\"%s\",\"program\":\"%s\",\"text\":\"",
	    stamp, manner.program);
	for (const char *p = text; *p != '\0' && n + 8 < sizeof line; p++) {
		if (*p == '"' || *p == '\\')
			line[n++] = '\\';
		line[n++] = *p;
	}
	n += (size_t)snprintf(line + n, sizeof line - n, "\"}\n");
	write_line(line, n);
}

static void
say(const char *fmt, va_list ap)
{
	char text[SENTENCE_MAX];
	char line[SENTENCE_MAX + 32];
	int n = vsnprintf(text, sizeof text, fmt, ap);

	if (n < 0 || manner.verbose < 0)
		return;
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	if (manner.json) {
		say_json(text);
		return;
	}
	n = snprintf(line, sizeof line, "%s: %s\n", manner.program, text);
	if (n > 0)
		write_line(line, (size_t)n);
}

void
log_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
log_detail(const char *fmt, ...)
{
	va_list ap;

	if (manner.verbose <= 0)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

const char *
text_quote(char out[QUOTE_ROOM], struct assay_bytes in)
{
	enum { KEPT = QUOTE_ROOM - 6 }; /* two quotation marks, "...", and the zero */
	size_t n = in.len < KEPT ? in.len : KEPT;
	size_t at = 0;

	out[at++] = '"';
	for (size_t i = 0; i < n; i++)
		out[at++] = in.ptr[i] >= 0x20 && in.ptr[i] < 0x7f && in.ptr[i] != '"'
		    ? (char)in.ptr[i]
		    : '?';
	if (in.len > KEPT) {
		memcpy(out + at, "...", 3);
		at += 3;
	}
	out[at++] = '"';
	out[at] = '\0';
	return out;
}

const char *
text_quote_string(char out[QUOTE_ROOM], const char *in)
{
	if (in == NULL)
		return "nothing";
	return text_quote(out, (struct assay_bytes){ (const uint8_t *)in, strlen(in) });
}

int
text_hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

enum assay_code
text_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	if (vsnprintf(err->text, sizeof err->text, fmt, ap) < 0)
		err->text[0] = '\0';
	va_end(ap);
	return code;
}
