/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_TROUBLE = 4, ROWS_MAX = 64, COUNT_DIGITS = 6 };

struct settings {
	const struct settings_table *table;
	void *options;
	char *path;  /* NULL: there is no file */
	bool unread; /* it cannot be opened */
	bool check;
	int argc; /* kept for a reload; they outlive us */
	char **argv;
	char **strings; /* all that options point to */
	size_t string_count;
	char want[48]; /* what a number should be */
};

/* --- values ------------------------------------------------------------------------------ */

static void *
member(const struct settings *s, size_t offset)
{
	return (char *)s->options + offset;
}

static const char *
keep(struct settings *s, const char *text)
{
	char **more = realloc(s->strings, (s->string_count + 1) * sizeof *more);
	char *copy = more != NULL ? strdup(text) : NULL;

	if (more != NULL)
		s->strings = more;
	if (copy != NULL)
		s->strings[s->string_count++] = copy;
	return copy;
}

/* One number and a unit, in milliseconds. */
static bool
read_time(int64_t *out, const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 } };
	char *end;

	if (strspn(text, "0123456789") == 0 || strspn(text, "0123456789") > 6)
		return false;
	int64_t n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].unit) == 0) {
			*out = n * units[i].ms;
			return n > 0;
		}
	return false;
}

static bool
read_seconds(int64_t *out, const char *text)
{
	int64_t ms;

	if (!read_time(&ms, text) || ms % 1000 != 0)
		return false;
	*out = ms / 1000;
	return true;
}

static bool
read_switch(bool *out, const char *text)
{
	*out = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
	return *out || strcmp(text, "no") == 0 || strcmp(text, "false") == 0;
}

/* NULL, or what it should be. */
static const char *
read_count(struct settings *s, const struct setting *row, const char *text)
{
	unsigned long n = strtoul(text, NULL, 10);

	snprintf(s->want, sizeof s->want, "is a number up to %zu", row->most);
	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > COUNT_DIGITS ||
	    n > row->most)
		return s->want;
	*(unsigned *)member(s, row->offset) = (unsigned)n;
	return NULL;
}

static bool
add_to_list(struct settings *s, const struct setting *row, const char *text)
{
	const char **list = member(s, row->offset);
	size_t *count = member(s, row->count);

	if (*count == row->most || (list[*count] = keep(s, text)) == NULL)
		return false;
	(*count)++;
	return true;
}

/* NULL; else what the value should be. */
static const char *
set(struct settings *s, const struct setting *row, const char *text)
{
	void *at = member(s, row->offset);

	switch (row->kind) {
	case SETTING_TEXT:
		*(const char **)at = keep(s, text);
		return *(const char **)at != NULL ? NULL : "out of memory";
	case SETTING_LIST:
		return add_to_list(s, row, text) ? NULL : "is there too often";
	case SETTING_SWITCH:
		return read_switch(at, text) ? NULL : "is yes or no";
	case SETTING_COUNT:
		return read_count(s, row, text);
	case SETTING_LIFE:
		return read_seconds(at, text) ? NULL : "is a time like 300s, 5m or 1h";
	case SETTING_DURATION:
		return read_time(at, text) ? NULL : "is a time like 500ms, 10s or 5m";
	case SETTING_FORMAT:
		*(bool *)at = strcmp(text, "json") == 0;
		return *(bool *)at || strcmp(text, "text") == 0 ? NULL : "is text or json";
	}
	return "cannot be set";
}

static const struct setting *
find(const struct settings_table *t, const char *section, const char *key, size_t len)
{
	for (size_t i = 0; i < t->row_count; i++)
		if ((section == NULL || strcmp(t->rows[i].section, section) == 0) &&
		    strlen(t->rows[i].key) == len && memcmp(t->rows[i].key, key, len) == 0)
			return &t->rows[i];
	return NULL;
}

/* --- the file ---------------------------------------------------------------------------- */

static char *
trim(char *text)
{
	text += strspn(text, " \t\r");
	for (size_t len = strlen(text); len > 0 && strchr(" \t\r", text[len - 1]) != NULL; len--)
		text[len - 1] = '\0';
	return text;
}

/* From a '#' at the start or behind a blank: a URL may have one inside. */
static void
cut_comment(char *line)
{
	for (char *p = line; (p = strchr(p, '#')) != NULL; p++)
		if (p == line || p[-1] == ' ' || p[-1] == '\t') {
			*p = '\0';
			return;
		}
}

static bool
starts_section(const struct settings_table *t, size_t i)
{
	return i == 0 || strcmp(t->rows[i].section, t->rows[i - 1].section) != 0;
}

/* "server, store and policy" */
static void
name_sections(char *out, size_t room, const struct settings_table *t)
{
	const char *last = t->rows[t->row_count - 1].section;
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->row_count && n < room; i++)
		if (starts_section(t, i))
			n += (size_t)snprintf(out + n, room - n, "%s%s",
			    i == 0                                      ? ""
				: strcmp(t->rows[i].section, last) == 0 ? " and "
									: ", ",
			    t->rows[i].section);
}

static int
enter_section(const struct settings_table *t, char *name, const char **section, const char *where)
{
	char quoted[QUOTE_ROOM], all[256];

	for (size_t i = 0; i < t->row_count; i++)
		if (strcmp(t->rows[i].section, name) == 0) {
			*section = name;
			return 0;
		}
	name_sections(all, sizeof all, t);
	log_say("%s: there is no section %s; there are %s", where, text_quote_string(quoted, name),
	    all);
	return EXIT_USAGE;
}

/* Sets *section, or a value. seen: rows that are in the file already. */
static int
read_line(
    struct settings *s, char *line, const char **section, bool seen[ROWS_MAX], const char *where)
{
	const struct settings_table *t = s->table;
	char quoted[QUOTE_ROOM];
	size_t n = strlen(line);

	if (line[0] == '[' && line[n - 1] == ']') {
		line[n - 1] = '\0';
		return enter_section(t, line + 1, section, where);
	}
	char *equals = strchr(line, '=');
	if (equals == NULL) {
		log_say("%s: %s is not \"key = value\"", where, text_quote_string(quoted, line));
		return EXIT_USAGE;
	}
	*equals = '\0';
	const char *key = trim(line), *value = trim(equals + 1);
	const struct setting *row = *section != NULL ? find(t, *section, key, strlen(key)) : NULL;
	if (row == NULL) {
		const struct setting *other = find(t, NULL, key, strlen(key));
		log_say("%s: there is no key %s%s%s%s%s", where, text_quote_string(quoted, key),
		    *section != NULL ? " in section " : " before a [section]",
		    *section != NULL ? *section : "", other != NULL ? "; it belongs into " : "",
		    other != NULL ? other->section : "");
		return EXIT_USAGE;
	}
	if (seen[row - t->rows] && row->kind != SETTING_LIST) {
		log_say("%s: %s is there twice", where, row->key);
		return EXIT_USAGE;
	}
	if (!seen[row - t->rows] && row->kind == SETTING_LIST) /* it replaces the default */
		*(size_t *)member(s, row->count) = 0;
	seen[row - t->rows] = true;
	const char *want = *value == '\0' ? "has no value"
	    : *value == '#'               ? "has a value that begins with #, as a comment does"
					  : set(s, row, value);
	if (want != NULL) {
		log_say("%s: %s %s", where, row->key, want);
		return EXIT_USAGE;
	}
	return 0;
}

int
settings_parse(struct settings *s, const char *text, size_t len, const char *name)
{
	const char *section = NULL;
	bool seen[ROWS_MAX] = { false };
	char where[128], *copy = strndup(text, len);
	unsigned number = 1;
	int rc = 0;

	if (copy == NULL) {
		log_say("out of memory");
		return EXIT_TROUBLE;
	}
	if (strlen(copy) != len) {
		log_say("%s: has a zero byte, and is no text", name);
		rc = EXIT_USAGE;
	}
	for (char *line = copy, *end; rc == 0 && line != NULL; line = end, number++) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		cut_comment(line);
		line = trim(line);
		snprintf(where, sizeof where, "%.100s:%u", name, number);
		if (*line != '\0')
			rc = read_line(s, line, &section, seen, where);
	}
	free(copy);
	return rc;
}

static int
read_file(struct settings *s, bool must)
{
	FILE *from = fopen(s->path, "rbe");
	char *text = NULL;
	int rc = EXIT_USAGE;

	if (from == NULL && !must && errno == ENOENT) {
		free(s->path);
		s->path = NULL;
		return 0;
	}
	s->unread = from == NULL;
	size_t n = from != NULL && (text = malloc(SETTINGS_TEXT_MAX)) != NULL
	    ? fread(text, 1, SETTINGS_TEXT_MAX, from)
	    : 0;
	if (text == NULL || ferror(from) != 0)
		log_say("%s: cannot be read: %s", s->path, strerror(errno));
	else if (n == SETTINGS_TEXT_MAX)
		log_say("%s: is longer than a configuration can be, 256 KiB", s->path);
	else
		rc = settings_parse(s, text, n, s->path);
	if (from != NULL)
		fclose(from);
	free(text);
	return rc;
}

/* --- the command line -------------------------------------------------------------------- */

static int
help(const struct settings_table *t)
{
	const char *name = strrchr(t->program, ' ');

	name = name != NULL ? name + 1 : t->program;
	printf("usage: %s [options]\n\n%s\n", t->program, t->about);
	printf("\n  --config FILE         read this file, not %s\n"
	       "  --check               print the effective configuration, and end\n",
	    t->file);
	for (size_t i = 0; i < t->row_count; i++) {
		const struct setting *row = &t->rows[i];
		char left[48];
		snprintf(left, sizeof left, "--%s%s%s", row->key, row->value != NULL ? " " : "",
		    row->value != NULL ? row->value : "");
		printf("  %-21s %s\n", left, row->help);
	}
	printf("  -v, --verbose         say also what is only worth a look\n"
	       "  -h, --help\n"
	       "  --version\n\n"
	       "%s\n\nexit: 0 stopped, 2 usage or configuration, 4 trouble; man %s\n",
	    t->examples, name);
	return EXIT_DONE;
}

int
settings_misused(const struct settings_table *t, const char *word, const char *what)
{
	char quoted[QUOTE_ROOM];

	log_say("%s: %s        (%s --help)", text_quote_string(quoted, word), what, t->program);
	return EXIT_USAGE;
}

/* A word of the command line that is a row's option: the row, and its value or NULL. */
static const struct setting *
as_option(const struct settings_table *t, char *word, const char **value)
{
	const char *name = strncmp(word, "--", 2) == 0 ? word + 2 : "";
	size_t n = strcspn(name, "=");

	*value = name[n] == '=' ? name + n + 1 : NULL;
	return find(t, NULL, name, n);
}

static int
take_option(struct settings *s, const struct setting *row, const char *value, bool given[ROWS_MAX])
{
	const struct settings_table *t = s->table;
	bool *seen = &given[row - t->rows];

	if (*seen && row->kind != SETTING_LIST)
		return settings_misused(t, row->key, "is given twice");
	if (!*seen && row->kind == SETTING_LIST) /* the command line's list replaces the file's */
		*(size_t *)member(s, row->count) = 0;
	*seen = true;
	const char *want = *value == '\0' ? "has no value" : set(s, row, value);
	return want == NULL ? 0 : settings_misused(t, row->key, want);
}

/* Options that are no rows. Returns how many words it took, 0 for none of them. */
static int
take_other(struct settings *s, int left, char **argv)
{
	if (strcmp(argv[0], "--check") == 0) {
		s->check = true;
		return 1;
	}
	if (strcmp(argv[0], "-v") == 0 || strcmp(argv[0], "--verbose") == 0) {
		(*(int *)member(s, s->table->verbose))++;
		return 1;
	}
	if (strncmp(argv[0], "--config=", 9) == 0)
		return 1; /* read before */
	if (strcmp(argv[0], "--config") == 0)
		return left > 1 ? 2 : 0;
	return 0;
}

static int
read_words(struct settings *s, int argc, char **argv)
{
	bool given[ROWS_MAX] = { false };
	const char *value;
	int rc = 0;

	for (int i = 1; i < argc && rc == 0;) {
		const struct setting *row = as_option(s->table, argv[i], &value);
		if (row == NULL) {
			int took = take_other(s, argc - i, argv + i);
			if (took == 0)
				return settings_misused(s->table, argv[i],
				    "there is no such option, or it lacks its value");
			i += took;
			continue;
		}
		if (row->kind == SETTING_SWITCH && value == NULL)
			value = "yes";
		else if (value == NULL && i + 1 < argc)
			value = argv[++i];
		if (value == NULL)
			return settings_misused(s->table, argv[i], "lacks its value");
		rc = take_option(s, row, value, given);
		i++;
	}
	return rc;
}

static const char *
file_of(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			return argv[i + 1];
		if (strncmp(argv[i], "--config=", 9) == 0)
			return argv[i] + 9;
	}
	return NULL;
}

/* --- public ------------------------------------------------------------------------------ */

struct settings *
settings_new(const struct settings_table *table)
{
	struct settings *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->table = table;
	s->options = calloc(1, table->size);
	if (s->options == NULL) {
		free(s);
		return NULL;
	}
	table->begin(s->options);
	return s;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->string_count; i++)
		free(s->strings[i]);
	free(s->strings);
	free(s->options);
	free(s->path);
	free(s);
}

static int
fill(struct settings *s, int argc, char **argv)
{
	const char *file = file_of(argc, argv);
	int rc;

	s->argc = argc;
	s->argv = argv;
	s->path = strdup(file != NULL ? file : s->table->file);
	if (s->path == NULL) {
		log_say("out of memory");
		return EXIT_TROUBLE;
	}
	if ((rc = read_file(s, file != NULL)) != 0 || (rc = read_words(s, argc, argv)) != 0)
		return rc;
	return s->table->judge(s->options);
}

int
settings_read(struct settings **out, const struct settings_table *table, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return help(table);
		if (strcmp(argv[i], "--version") == 0) {
			printf("%s %s\n", table->program, ASSAY_VERSION);
			return EXIT_DONE;
		}
	}
	struct settings *s = settings_new(table);
	if (s == NULL) {
		log_say("out of memory");
		return EXIT_TROUBLE;
	}
	int rc = fill(s, argc, argv);
	if (rc != 0) {
		settings_free(s);
		return rc;
	}
	*out = s;
	return SETTINGS_GO_ON;
}

const void *
settings_options(const struct settings *s)
{
	return s->options;
}

const char *
settings_path(const struct settings *s)
{
	return s->path != NULL ? s->path : s->table->file;
}

bool
settings_check_only(const struct settings *s)
{
	return s->check;
}

static void
print_row(FILE *to, const struct settings *s, const struct setting *row)
{
	const void *at = member(s, row->offset);
	const char *text = "";
	int64_t time;

	switch (row->kind) {
	case SETTING_TEXT:
		text = *(const char *const *)at;
		break;
	case SETTING_LIST:
		for (size_t i = 0; i < *(const size_t *)member(s, row->count); i++)
			fprintf(to, "%s = %s\n", row->key, ((const char *const *)at)[i]);
		return;
	case SETTING_SWITCH:
		text = *(const bool *)at ? "yes" : "no";
		break;
	case SETTING_COUNT:
		fprintf(to, "%s = %u\n", row->key, *(const unsigned *)at);
		return;
	case SETTING_LIFE:
		fprintf(to, "%s = %llds\n", row->key, (long long)*(const int64_t *)at);
		return;
	case SETTING_DURATION:
		time = *(const int64_t *)at;
		fprintf(to, "%s = %lld%s\n", row->key,
		    (long long)(time % 1000 == 0 ? time / 1000 : time),
		    time % 1000 == 0 ? "s" : "ms");
		return;
	case SETTING_FORMAT:
		text = *(const bool *)at ? "json" : "text";
		break;
	}
	if (text != NULL)
		fprintf(to, "%s = %s\n", row->key, text);
}

void
settings_print(FILE *to, const struct settings *s)
{
	const struct settings_table *t = s->table;

	fprintf(
	    to, "# %s %s, %s\n", t->program, ASSAY_VERSION, s->path != NULL ? s->path : "no file");
	for (size_t i = 0; i < t->row_count; i++) {
		if (starts_section(t, i))
			fprintf(to, "%s[%s]\n", i > 0 ? "\n" : "", t->rows[i].section);
		print_row(to, s, &t->rows[i]);
	}
}

/* The row as the file would have it, in memory that the caller frees; NULL: no memory. */
static char *
row_text(const struct settings *s, const struct setting *row)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (to == NULL)
		return NULL;
	print_row(to, s, row);
	fclose(to);
	return text;
}

static void
take_over_list(struct settings *s, const struct settings *fresh, const struct setting *row)
{
	const char *const *list = member(fresh, row->offset);
	size_t count = *(const size_t *)member(fresh, row->count);

	*(size_t *)member(s, row->count) = 0;
	for (size_t i = 0; i < count; i++)
		set(s, row, list[i]);
}

static void
take_over(struct settings *s, const struct settings *fresh, const struct setting *row)
{
	char *was = row_text(s, row), *is = row_text(fresh, row);
	const char *value = is != NULL ? strstr(is, " = ") : NULL;

	if (was == NULL || is == NULL || strcmp(was, is) == 0) {
		/* nothing to do, or no memory to tell */
	} else if (!row->reloads) {
		log_say("%s: %s has changed; that takes a restart", settings_path(s), row->key);
	} else if (row->kind == SETTING_LIST) {
		take_over_list(s, fresh, row);
	} else if (value == NULL) { /* a text that is gone */
		*(const char **)member(s, row->offset) = NULL;
	} else {
		is[strlen(is) - 1] = '\0'; /* the line's end */
		set(s, row, value + 3);
	}
	free(was);
	free(is);
}

bool
settings_reload(struct settings *s)
{
	struct settings *fresh = settings_new(s->table);

	if (fresh == NULL || fill(fresh, s->argc, s->argv) != 0) {
		if (fresh != NULL && fresh->unread && s->path == NULL)
			log_say("%s: was not there at the start; to take it over, if it is there "
				"now, takes a restart",
			    fresh->path);
		settings_free(fresh);
		return false;
	}
	if (s->path == NULL) {
		s->path = fresh->path;
		fresh->path = NULL;
	}
	for (size_t i = 0; i < s->table->row_count; i++)
		take_over(s, fresh, &s->table->rows[i]);
	settings_free(fresh);
	return true;
}
