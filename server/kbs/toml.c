/* SPDX-License-Identifier: Apache-2.0 */
#include "toml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "scan.h"
#include "kbs.h"

/* A table that `[a.b]` or a value has made is not to be made again; marked so in a list beside. */
struct reader {
	struct assay_bytes in;
	size_t at, line;
	json_t *root, *table; /* the table that keys go into; borrowed */
	json_t *closed;       /* names of tables that were opened by a header, "a\nb" */
	const char *why;      /* the first thing that was wrong */
};

static bool
wrong(struct reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
	return false;
}

static int
peek(const struct reader *r, size_t ahead)
{
	return ahead < r->in.len - r->at ? r->in.ptr[r->at + ahead] : -1;
}

static bool
take(struct reader *r, char c)
{
	if (peek(r, 0) != c)
		return false;
	r->at++;
	r->line += c == '\n';
	return true;
}

static bool
starts(const struct reader *r, const char *text)
{
	size_t n = strlen(text);

	return r->in.len - r->at >= n && memcmp(r->in.ptr + r->at, text, n) == 0;
}

static void
skip_blanks(struct reader *r)
{
	while (peek(r, 0) == ' ' || peek(r, 0) == '\t')
		r->at++;
}

static void
skip_comment(struct reader *r)
{
	skip_blanks(r);
	if (peek(r, 0) == '#')
		while (peek(r, 0) != '\n' && peek(r, 0) != -1)
			r->at++;
}

/* Blanks, comments and line ends: between lines, and inside arrays. */
static void
skip_lines(struct reader *r)
{
	for (;;) {
		skip_comment(r);
		if (starts(r, "\r\n"))
			r->at++;
		if (!take(r, '\n'))
			return;
	}
}

/* --- texts and keys ------------------------------------------------------------------------ */

static void
put_point(struct buffer *b, unsigned point)
{
	uint8_t out[4];
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, point >>= 6)
		out[i] = (uint8_t)(0x80 | (point & 0x3f));
	out[0] = (uint8_t)(n == 1 ? point : ((0xf00U >> n & 0xf0U) | point));
	buffer_add(b, (struct assay_bytes){ out, n });
}

static bool
take_escape(struct reader *r, struct buffer *b, bool multiline)
{
	static const char letters[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
	int c = peek(r, 0);
	const char *letter = c > 0 ? strchr(letters, c) : NULL;
	size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
	unsigned point = 0;

	if (letter != NULL) {
		r->at++;
		put_point(b, (unsigned char)meant[letter - letters]);
		return true;
	}
	if (digits == 0) {
		/* A backslash at the end of a line takes the blanks that follow away. */
		size_t line = r->line;
		skip_blanks(r);
		while (multiline &&
		    (peek(r, 0) == '\n' || peek(r, 0) == '\r' || peek(r, 0) == ' ' ||
			peek(r, 0) == '\t')) {
			r->line += peek(r, 0) == '\n';
			r->at++;
		}
		return r->line > line || wrong(r, "an unknown escape");
	}
	r->at++;
	for (size_t i = 0; i < digits; i++) {
		int d = peek(r, 0);
		unsigned v = d >= '0' && d <= '9'            ? (unsigned)d - '0'
		    : (d | 0x20) >= 'a' && (d | 0x20) <= 'f' ? ((unsigned)d | 0x20) - 'a' + 10
							     : 16;
		if (v > 15)
			return wrong(r, "an escape that is no character");
		point = point << 4 | v;
		r->at++;
	}
	if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return wrong(r, "an escape that is no character");
	put_point(b, point);
	return true;
}

static bool
control(int c)
{
	return c == 0x7f || (c < 0x20 && c != '\t');
}

/* All four kinds, at the first quotation mark. */
static bool
take_text(struct reader *r, struct buffer *b, bool may_be_long)
{
	char mark = (char)peek(r, 0);
	char three[] = { mark, mark, mark, '\0' };
	bool is_long = may_be_long && starts(r, three);

	r->at += is_long ? 3 : 1;
	if (is_long) {
		if (starts(r, "\r\n"))
			r->at++;
		(void)take(r, '\n');
	}
	for (;;) {
		int c = peek(r, 0);
		if (c == -1)
			return wrong(r, "a text that does not end");
		if (is_long ? starts(r, three) : c == mark) {
			/* Up to two marks may stand right before the three. */
			for (size_t i = 0; is_long && i < 2 && peek(r, 3) == mark; i++, r->at++)
				buffer_add(b, (struct assay_bytes){ (const uint8_t *)&mark, 1 });
			r->at += is_long ? 3 : 1;
			return true;
		}
		if (mark == '"' && c == '\\') {
			r->at++;
			if (!take_escape(r, b, is_long))
				return false;
			continue;
		}
		bool line_end = c == '\n' || (c == '\r' && peek(r, 1) == '\n');
		if (control(c) && !(is_long && line_end))
			return wrong(r, "a character that a text must not have");
		size_t n = c < 0x80 ? 1 : scan_utf8(r->in, r->at);
		if (n == 0)
			return wrong(r, "a text that is not UTF-8");
		buffer_add(b, (struct assay_bytes){ r->in.ptr + r->at, n });
		r->line += c == '\n';
		r->at += n;
	}
}

static bool
bare(int c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_';
}

/* One part of a key; the caller frees. */
static char *
take_part(struct reader *r)
{
	struct buffer b = { .len = 0 };
	char *text;

	skip_blanks(r);
	if (peek(r, 0) == '"' || peek(r, 0) == '\'') {
		if (!take_text(r, &b, false)) {
			buffer_clear(&b);
			return NULL;
		}
	} else {
		size_t start = r->at;
		while (bare(peek(r, 0)))
			r->at++;
		if (r->at == start) {
			(void)wrong(r, "a key is missing");
			return NULL;
		}
		buffer_add(&b, (struct assay_bytes){ r->in.ptr + start, r->at - start });
	}
	skip_blanks(r);
	struct assay_bytes key = buffer_bytes(&b);
	if (key.len > 0 && memchr(key.ptr, '\0', key.len) != NULL) {
		(void)wrong(r, "a key with a zero in it");
		buffer_clear(&b);
		return NULL;
	}
	if ((text = buffer_take(&b)) == NULL)
		(void)wrong(r, "out of memory");
	return text;
}

/* --- values ------------------------------------------------------------------------------- */

static json_t *take_value(struct reader *r, size_t depth);
static bool take_pair(struct reader *r, json_t *table, size_t depth);

static json_t *
take_array(struct reader *r, size_t depth)
{
	json_t *array = json_array();

	r->at++;
	for (bool first = true;; first = false) {
		skip_lines(r);
		if (take(r, ']'))
			return array;
		if (!first && !take(r, ','))
			break;
		skip_lines(r);
		if (take(r, ']'))
			return array;
		json_t *value = take_value(r, depth);
		if (value == NULL || json_array_append_new(array, value) != 0)
			break;
	}
	(void)wrong(r, "an array that does not end");
	json_decref(array);
	return NULL;
}

static json_t *
take_inline(struct reader *r, size_t depth)
{
	json_t *table = json_object();

	r->at++;
	skip_blanks(r);
	if (take(r, '}'))
		return table;
	do {
		if (!take_pair(r, table, depth)) {
			json_decref(table);
			return NULL;
		}
		skip_blanks(r);
	} while (take(r, ','));
	if (take(r, '}'))
		return table;
	(void)wrong(r, "an inline table that does not end");
	json_decref(table);
	return NULL;
}

/* Digits with single underscores between them, copied without. false: something else. */
static bool
plain_number(char *out, size_t room, const char *word)
{
	size_t n = 0;

	for (const char *p = word; *p != '\0'; p++) {
		if (*p == '_') {
			if (p == word || !bare(p[-1]) || p[-1] == '_' || !bare(p[1]) || p[1] == '_')
				return false;
			continue;
		}
		if (n + 1 == room)
			return false;
		out[n++] = *p;
	}
	out[n] = '\0';
	return n > 0;
}

static json_t *
number_of(const char *word)
{
	char text[72];
	char *end;

	if (!plain_number(text, sizeof text, word))
		return NULL;
	const char *digits = text + (*text == '+' || *text == '-');
	int base = strncmp(text, "0x", 2) == 0 ? 16
	    : strncmp(text, "0o", 2) == 0      ? 8
	    : strncmp(text, "0b", 2) == 0      ? 2
					       : 10;
	if (base == 10 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
		return NULL;
	if (base != 10)
		digits += 2;
	if (strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
		return NULL;
	errno = 0;
	long long n = strtoll(base == 10 ? text : digits, &end, base);
	return errno == 0 && *digits != '\0' && *end == '\0' ? json_integer(n) : NULL;
}

static json_t *
real_of(const char *word)
{
	char text[72];
	char *end;

	if (!plain_number(text, sizeof text, word) ||
	    strspn(text, "0123456789+-.eE") != strlen(text) || strpbrk(text, ".eE") == NULL)
		return NULL;
	const char *point = strchr(text, '.');
	if (point != NULL &&
	    (point == text || point[-1] < '0' || point[-1] > '9' || point[1] < '0' ||
		point[1] > '9'))
		return NULL;
	double d = strtod(text, &end);
	return *end == '\0' ? json_real(d) : NULL;
}

/* What JSON has no word for: it begins with a digit or sign, and is a date, a time, inf or nan. */
static bool
is_other(const char *word)
{
	const char *digits = word + (*word == '+' || *word == '-');

	return strcmp(digits, "inf") == 0 || strcmp(digits, "nan") == 0 ||
	    (strlen(word) >= 8 && strspn(word, "0123456789:-.TtZz+ ") == strlen(word) &&
		(word[2] == ':' || word[4] == '-'));
}

static json_t *
take_word(struct reader *r)
{
	char word[80];
	size_t n = 0;

	for (int c = peek(r, 0); n + 1 < sizeof word; c = peek(r, 0)) {
		/* A date and a time may have one blank between them. */
		bool between =
		    c == ' ' && n == 10 && word[4] == '-' && peek(r, 1) >= '0' && peek(r, 1) <= '9';
		if (!bare(c) && c != '+' && c != '.' && c != ':' && !between)
			break;
		word[n++] = (char)c;
		r->at++;
	}
	word[n] = '\0';
	if (strcmp(word, "true") == 0)
		return json_true();
	if (strcmp(word, "false") == 0)
		return json_false();
	json_t *value = number_of(word);
	if (value == NULL)
		value = real_of(word);
	if (value == NULL && is_other(word))
		value = json_string(word);
	if (value == NULL)
		(void)wrong(r, "a value that is none");
	return value;
}

static json_t *
take_value(struct reader *r, size_t depth)
{
	struct buffer b = { .len = 0 };
	json_t *value = NULL;
	int c = peek(r, 0);

	if (depth == TOML_DEPTH) {
		(void)wrong(r, "too deep");
		return NULL;
	}
	if (c == '[')
		return take_array(r, depth + 1);
	if (c == '{')
		return take_inline(r, depth + 1);
	if (c != '"' && c != '\'')
		return take_word(r);
	if (take_text(r, &b, true) && !b.broken)
		value = json_stringn_nocheck(b.text != NULL ? b.text : "", b.len);
	buffer_clear(&b);
	if (value == NULL)
		(void)wrong(r, "out of memory");
	return value;
}

/* --- tables ------------------------------------------------------------------------------- */

/* The table of this name in another, made if it is not there; of an array of tables the last. */
static json_t *
enter(struct reader *r, json_t *table, const char *name)
{
	json_t *in = json_object_get(table, name);

	if (in == NULL) {
		if (json_object_set_new_nocheck(table, name, json_object()) != 0)
			(void)wrong(r, "out of memory");
		return json_object_get(table, name);
	}
	if (json_is_array(in))
		in = json_array_get(in, json_array_size(in) - 1);
	if (!json_is_object(in)) {
		(void)wrong(r, "a table where something else stands already");
		return NULL;
	}
	return in;
}

static bool
put_value(struct reader *r, json_t *table, const char *name, json_t *value)
{
	if (json_object_get(table, name) != NULL) {
		json_decref(value);
		return wrong(r, "a key that stands there twice");
	}
	return json_object_set_new_nocheck(table, name, value) == 0 || wrong(r, "out of memory");
}

/* KEY = VALUE, where the key may have several parts. */
static bool
take_pair(struct reader *r, json_t *table, size_t depth)
{
	for (size_t parts = depth;; parts++) {
		char *name = take_part(r);
		bool ok = false;
		if (name == NULL)
			return false;
		if (parts >= TOML_DEPTH)
			(void)wrong(r, "too deep");
		else if (take(r, '.')) {
			table = enter(r, table, name);
			free(name);
			if (table == NULL)
				return false;
			continue;
		} else if (!take(r, '='))
			(void)wrong(r, "an = is missing");
		else {
			skip_blanks(r);
			json_t *value = take_value(r, depth);
			ok = value != NULL && put_value(r, table, name, value);
		}
		free(name);
		return ok;
	}
}

/* The last part of a header: a table of its own, once; or one more of an array. */
static bool
open_table(struct reader *r, json_t *table, const char *name, bool of_array, const char *path)
{
	json_t *in = json_object_get(table, name);

	if (!of_array) {
		if (json_is_array(in) || json_object_get(r->closed, path) != NULL)
			return wrong(r, "a table that stands there twice");
		if ((r->table = enter(r, table, name)) == NULL)
			return false;
		return json_object_set_new_nocheck(r->closed, path, json_true()) == 0 ||
		    wrong(r, "out of memory");
	}
	if (in == NULL) {
		if (json_object_set_new_nocheck(table, name, json_array()) != 0)
			return wrong(r, "out of memory");
		in = json_object_get(table, name);
	}
	if (!json_is_array(in))
		return wrong(r, "an array of tables where something else stands already");
	if (json_array_append_new(in, json_object()) != 0)
		return wrong(r, "out of memory");
	r->table = json_array_get(in, json_array_size(in) - 1);
	/* What stands below is a new one each time. */
	return json_object_clear(r->closed) == 0;
}

static bool
take_header(struct reader *r)
{
	struct buffer path = { .len = 0 };
	json_t *table = r->root;
	bool ok = false, more = true;
	r->at++;
	bool of_array = take(r, '[');

	for (size_t parts = 0; more; parts++) {
		char *name = take_part(r);
		if (name == NULL)
			break;
		more = take(r, '.');
		buffer_put(&path, name);
		buffer_put(&path, "\n");
		if (parts == TOML_DEPTH)
			(void)wrong(r, "too deep");
		else if (more)
			table = enter(r, table, name);
		else if (take(r, ']') && (!of_array || take(r, ']'))) {
			char *whole = buffer_take(&path);
			ok = whole != NULL && open_table(r, table, name, of_array, whole);
			free(whole);
		} else
			(void)wrong(r, "a table's name does not end");
		free(name);
		if (r->why != NULL || table == NULL)
			break;
	}
	buffer_clear(&path);
	return ok;
}

static bool
take_document(struct reader *r)
{
	for (;;) {
		skip_lines(r);
		if (r->at == r->in.len)
			return true;
		if (peek(r, 0) == '[' ? !take_header(r) : !take_pair(r, r->table, 0))
			return wrong(r, "out of memory");
		skip_comment(r);
		if (r->at < r->in.len && peek(r, 0) != '\n' && !starts(r, "\r\n"))
			return wrong(r, "something behind the value");
	}
}

enum assay_code
toml_parse(json_t **out, struct assay_bytes text, struct assay_error *err)
{
	struct reader r = { .in = text, .line = 1, .root = json_object(), .closed = json_object() };
	bool ok = r.root != NULL && r.closed != NULL;

	r.table = r.root;
	ok = ok && take_document(&r);
	json_decref(r.closed);
	if (ok) {
		*out = r.root;
		return ASSAY_OK;
	}
	json_decref(r.root);
	if (r.why == NULL || strcmp(r.why, "out of memory") == 0)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	return kbs_fail(err, ASSAY_E_FORMAT, "line %zu: %s", r.line, r.why);
}
