/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SETTINGS_H
#define ASSAY_SETTINGS_H

/*
 * A daemon's configuration: a table of what there is to set, filled from a file of "[section]" and
 * "key = value" lines and from the command line, whose words are the file's keys with "--" before them.
 * Source: the command line's grammar, "Daemons and simulator".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum setting_kind {
	SETTING_TEXT,     /* const char * */
	SETTING_LIST,     /* const char *[most], and a size_t that counts */
	SETTING_SWITCH,   /* bool: yes, no */
	SETTING_COUNT,    /* unsigned */
	SETTING_LIFE,     /* int64_t, seconds */
	SETTING_DURATION, /* int64_t, milliseconds */
	SETTING_FORMAT,   /* bool: text is false, json true */
};

struct setting {
	const char *section, *key; /* in the file; on the command line "--KEY" */
	const char *value;         /* what it is called in the help; NULL: a switch */
	enum setting_kind kind;
	bool reloads;  /* by HUP */
	size_t offset; /* in the options */
	size_t count,
	    most; /* of a list: where its number is, and how many fit; of a count: the most */
	const char *help;
};

struct settings_table {
	const char *program, *file; /* "assayd", "/etc/assay/assayd.conf" */
	const char *about, *examples;
	const struct setting *rows; /* a section's stand together */
	size_t row_count;
	size_t size;    /* of the options */
	size_t verbose; /* where in them the int is that -v counts */
	/* Fills in the defaults. */
	void (*begin)(void *options);
	/* Does it make sense? 0, or complains and returns the exit code. May fill in what follows from others. */
	int (*judge)(void *options);
};

struct settings;

enum { SETTINGS_GO_ON = -1, SETTINGS_TEXT_MAX = 256 * 1024 };

/* File, command line, judgement. SETTINGS_GO_ON with *out, or the exit code, everything said. argv is kept. */
int settings_read(struct settings **out, const struct settings_table *table, int argc, char **argv);
/* Defaults alone; for tests, which then parse texts. NULL: no memory. */
struct settings *settings_new(const struct settings_table *table);
int settings_parse(struct settings *s, const char *text, size_t len, const char *name);
void settings_free(struct settings *s);

const void *settings_options(const struct settings *s);
const char *settings_path(const struct settings *s); /* of the file; there may be none yet */
bool settings_check_only(const struct settings *s);
/* The effective configuration, in the form of the file. */
void settings_print(FILE *to, const struct settings *s);
/* Reads the file again and takes over what can change while the daemon runs. false: nothing has changed. */
bool settings_reload(struct settings *s);

/* The one line of misuse; returns the exit code. */
int settings_misused(const struct settings_table *table, const char *word, const char *what);

#endif
