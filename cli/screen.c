/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "input.h"
#include "json.h"

enum {
	ROW_MAX = 4096,
	HEX_ROW = 32, /* bytes */
};

/* --- where it goes ----------------------------------------------------------------------- */

static bool
wants_colour(const struct args *args, bool file)
{
	const char *when = args_value(args, OPT_COLOR);
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when != NULL && strcmp(when, "always") == 0)
		return true;
	if ((when != NULL && strcmp(when, "never") == 0) || file || !isatty(STDOUT_FILENO))
		return false;
	return (no == NULL || no[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

int
screen_open(struct screen *s, const struct args *args)
{
	const char *when = args_value(args, OPT_COLOR);
	const char *output = args_value(args, OPT_OUTPUT);

	if (when != NULL && strcmp(when, "auto") != 0 && strcmp(when, "always") != 0 &&
	    strcmp(when, "never") != 0)
		return misused(
		    args->command, "--color: \"%s\" is none of auto, always, never", when);
	if (output != NULL && output[0] == '\0')
		return misused(
		    args->command, "--output: is empty; name a file, or - for standard output");
	if (output != NULL && strcmp(output, "-") == 0)
		output = NULL;
	*s = (struct screen){ .command = args->command,
		.output = output,
		.colour = wants_colour(args, output != NULL) };
	s->to = open_memstream(&s->text, &s->len);
	if (s->to == NULL) {
		complain(args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	return 0;
}

static bool
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Beside the file, then in its place: a reader finds the old one or the new one, never a part. */
static bool
replace(const char *path, const char *text, size_t len, mode_t mode)
{
	static const char suffix[] = ".XXXXXX";
	size_t size = strlen(path) + sizeof suffix;
	char *beside = malloc(size);

	if (beside == NULL)
		return false;
	snprintf(beside, size, "%s%s", path, suffix);
	int fd = mkstemp(beside);
	bool ok = fd >= 0 && write_all(fd, text, len) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	int error = errno;
	if (fd >= 0) {
		if (close(fd) != 0 && ok) {
			ok = false;
			error = errno;
		}
		if (ok && rename(beside, path) != 0) {
			ok = false;
			error = errno;
		}
		if (!ok)
			unlink(beside);
	}
	free(beside);
	errno = error;
	return ok;
}

/*
 * A device or a pipe stays what it is. foreign: NULL, or refuses one of another user than root, who may
 * have laid it where a secret is awaited, such as in /tmp, and says whose it is.
 */
static bool
write_into(const char *path, const char *text, size_t len, uid_t *foreign)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	bool ok = fd >= 0 && fstat(fd, &st) == 0;

	if (ok && foreign != NULL && st.st_uid != 0 && st.st_uid != geteuid()) {
		*foreign = st.st_uid;
		ok = false;
	}
	ok = ok && write_all(fd, text, len);
	return fd >= 0 && close(fd) == 0 && ok;
}

static bool
write_file(
    const char *path, const char *text, size_t len, mode_t fresh, mode_t keep, uid_t *foreign)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return replace(path, text, len, fresh);
	if (!S_ISREG(st.st_mode))
		return write_into(path, text, len, foreign);
	char *real = realpath(path, NULL); /* a link goes on pointing where it points */
	bool ok = real != NULL && replace(real, text, len, st.st_mode & keep);
	free(real);
	return ok;
}

bool
screen_write_file(const char *path, const char *text, size_t len)
{
	mode_t mask = umask(0);

	umask(mask);
	return write_file(path, text, len, 0666 & ~mask, 0777, NULL);
}

bool
screen_write_secret(const struct command *command, const char *path, struct assay_bytes secret)
{
	const char *text = (const char *)secret.ptr;
	uid_t foreign = 0;

	if (path != NULL ? write_file(path, text, secret.len, 0600, 0600, &foreign)
			 : write_all(STDOUT_FILENO, text, secret.len))
		return true;
	if (foreign != 0)
		complain(command,
		    "%s: belongs to user %u, who could read the secret; name another file, or - "
		    "for "
		    "standard output",
		    path, (unsigned)foreign);
	else
		complain(command, "%s: cannot be written: %s",
		    path != NULL ? path : "standard output", strerror(errno));
	return false;
}

int
screen_close(struct screen *s, bool quiet, int code)
{
	bool ok = !ferror(s->to) && fclose(s->to) == 0;

	if (!ok) {
		complain(s->command, "out of memory");
		code = EXIT_TROUBLE;
	} else if (s->output != NULL && !screen_write_file(s->output, s->text, s->len)) {
		complain(s->command, "%s: cannot be written: %s", s->output, strerror(errno));
		code = EXIT_TROUBLE;
	} else if (s->output == NULL && !quiet && !write_all(STDOUT_FILENO, s->text, s->len)) {
		complain(s->command, "standard output: cannot be written: %s", strerror(errno));
		code = EXIT_TROUBLE;
	}
	free(s->text);
	*s = (struct screen){ 0 };
	return code;
}

int
screen_flush(struct screen *s)
{
	bool ok = fflush(s->to) == 0 && !ferror(s->to);

	if (!ok) {
		complain(s->command, "out of memory");
		return EXIT_TROUBLE;
	}
	if (!write_all(STDOUT_FILENO, s->text, s->len)) {
		complain(s->command, "standard output: cannot be written: %s", strerror(errno));
		return EXIT_TROUBLE;
	}
	return fseeko(s->to, 0, SEEK_SET) == 0 ? 0 : EXIT_TROUBLE;
}

/* --- what it shows ----------------------------------------------------------------------- */

size_t
screen_sequence(const char *text)
{
	size_t n = json_sequence(text);
	unsigned char c = (unsigned char)text[0];

	if (n == 0 || c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0))
		return 0;
	return n;
}

static void
put(struct screen *s, const char *text, size_t len)
{
	for (const char *p = text; p < text + len;) {
		size_t n = screen_sequence(p);
		if (n > 0)
			fwrite(p, 1, n, s->to);
		else
			fputc('?', s->to);
		p += n > 0 ? n : 1;
	}
}

void
screen_text(struct screen *s, const char *text)
{
	put(s, text, strlen(text));
}

void
screen_coloured(struct screen *s, enum colour colour, const char *text)
{
	if (s->colour && colour != PLAIN)
		fprintf(s->to, "\033[1;%dm", (int)colour);
	screen_text(s, text);
	if (s->colour && colour != PLAIN)
		fputs("\033[0m", s->to);
}

void
screen_pad(struct screen *s, size_t from, size_t to)
{
	for (; from < to; from++)
		fputc(' ', s->to);
}

/* Code points; none of our texts has wide or combining ones. */
static size_t
columns(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

size_t
screen_columns(const char *text)
{
	return columns(text, strlen(text));
}

/* How much of a word longer than a line fits into room columns. */
static size_t
part(const char *word, size_t len, size_t room)
{
	while (columns(word, len) > room)
		len--;
	return len;
}

void
screen_wrap(struct screen *s, size_t at, size_t indent, const char *text)
{
	bool first = true;

	for (;;) {
		text += strspn(text, " \n");
		size_t len = strcspn(text, " \n");
		if (len == 0)
			break;
		/* What stands before `at` may be text as well, and leave no room for a word. */
		if ((!first && at + 1 + columns(text, len) > SCREEN_WIDTH) ||
		    (first && at > indent && at + columns(text, len) > SCREEN_WIDTH)) {
			fputc('\n', s->to);
			screen_pad(s, 0, indent);
			at = indent;
			first = true;
		}
		if (!first) {
			fputc(' ', s->to);
			at++;
		}
		/* A word that no line holds is broken, and goes on in the next. */
		if (first && columns(text, len) > SCREEN_WIDTH - indent)
			len = part(text, len, SCREEN_WIDTH > at ? SCREEN_WIDTH - at : 1);
		put(s, text, len);
		at += columns(text, len);
		text += len;
		first = false;
		if (*text != '\0' && *text != ' ' && *text != '\n') {
			fputc('\n', s->to);
			screen_pad(s, 0, indent);
			at = indent;
			first = true;
		}
	}
	fputc('\n', s->to);
}

static size_t
label_print(struct screen *s, const char *label)
{
	size_t width = 2 + screen_columns(label);

	fputs("  ", s->to);
	screen_text(s, label);
	if (width >= SCREEN_LABEL) {
		fputs("  ", s->to);
		return width + 2;
	}
	screen_pad(s, width, SCREEN_LABEL);
	return SCREEN_LABEL;
}

void
screen_row(struct screen *s, const char *label, const char *fmt, ...)
{
	char text[ROW_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	size_t at = label_print(s, label);
	screen_wrap(s, at, SCREEN_LABEL, text);
}

void
screen_hex(struct screen *s, const char *label, struct assay_bytes value)
{
	label_print(s, label);
	for (size_t i = 0; i < value.len; i++) {
		if (i > 0 && i % HEX_ROW == 0) {
			fputc('\n', s->to);
			screen_pad(s, 0, SCREEN_LABEL);
		}
		fprintf(s->to, "%02x", value.ptr[i]);
	}
	fputc('\n', s->to);
}
