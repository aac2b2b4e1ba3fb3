/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <assay/evidence.h>

#include "command.h"
#include "input.h"
#include "json.h"
#include "screen.h"

enum {
	NAME_COLUMN = 4,
	VALUE_COLUMN = 30,
	LONG_COLUMN = 6, /* of values that stand under their name */
	HEX_ROW = 64,    /* digits */
	NAME_SIZE = 128,
	NOTE_SIZE = 512,
	HEAD_SIZE = 4096 + 128, /* the longest path, and the kind */
};

/* --- gathering --------------------------------------------------------------------------- */

struct field {
	char *group, *name, *value, *note;
};

struct fields {
	struct field *all;
	size_t count, room;
	bool failed; /* out of memory */
};

static void
gather(void *arg, const char *group, const char *name, const char *value, const char *note)
{
	struct fields *f = arg;

	if (f->failed)
		return;
	if (f->count == f->room) {
		size_t room = f->room == 0 ? 64 : 2 * f->room;
		struct field *more = realloc(f->all, room * sizeof *more);
		if (more == NULL) {
			f->failed = true;
			return;
		}
		f->all = more;
		f->room = room;
	}
	struct field *field = &f->all[f->count++];
	*field = (struct field){ strdup(group), strdup(name), strdup(value),
		strdup(note != NULL ? note : "") };
	f->failed = field->group == NULL || field->name == NULL || field->value == NULL ||
	    field->note == NULL;
}

static void
fields_clear(struct fields *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->all[i].group);
		free(f->all[i].name);
		free(f->all[i].value);
		free(f->all[i].note);
	}
	free(f->all);
	*f = (struct fields){ 0 };
}

/* The end of the group that begins at i: another group, or the next of several certificates. */
static size_t
group_end(const struct fields *f, size_t i)
{
	size_t end = i + 1;

	while (end < f->count && strcmp(f->all[end].group, f->all[i].group) == 0 &&
	    strcmp(f->all[end].name, f->all[i].name) != 0)
		end++;
	return end;
}

/* --- printing ---------------------------------------------------------------------------- */

static bool
is_hex(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789abcdef") == strlen(text);
}

/* Under its name; a note stands beside the name. */
static void
print_long(struct screen *s, size_t at, size_t begin, const struct field *f)
{
	const char *value = f->value;
	char note[NOTE_SIZE];

	if (f->note[0] != '\0') {
		snprintf(note, sizeof note, "(%s)", f->note);
		screen_pad(s, at, begin);
		screen_wrap(s, begin, begin, note);
	} else {
		fputc('\n', s->to);
	}
	screen_pad(s, 0, LONG_COLUMN);
	if (!is_hex(value)) {
		screen_wrap(s, LONG_COLUMN, LONG_COLUMN, value);
		return;
	}
	for (size_t len = strlen(value), i = 0; i < len; i += HEX_ROW) {
		if (i > 0)
			screen_pad(s, 0, LONG_COLUMN);
		fprintf(s->to, "%.64s\n", value + i);
	}
}

static void
print_field(struct screen *s, const struct field *f)
{
	size_t at = NAME_COLUMN + screen_columns(f->name);
	size_t begin = at + 2 > VALUE_COLUMN ? at + 2 : VALUE_COLUMN;
	size_t width = screen_columns(f->value);

	screen_pad(s, 0, NAME_COLUMN);
	screen_text(s, f->name);
	if (begin + width > SCREEN_WIDTH) {
		print_long(s, at, begin, f);
		return;
	}
	screen_pad(s, at, begin);
	screen_text(s, f->value);
	if (f->note[0] == '\0') {
		fputc('\n', s->to);
		return;
	}
	size_t after = begin + width + 2;
	if (after + screen_columns(f->note) > SCREEN_WIDTH) {
		fputc('\n', s->to);
		screen_pad(s, 0, VALUE_COLUMN);
		screen_wrap(s, VALUE_COLUMN, VALUE_COLUMN, f->note);
		return;
	}
	fputs("  ", s->to);
	screen_text(s, f->note);
	fputc('\n', s->to);
}

static void
print_screen(struct screen *s, const char *path, const char *kind, const struct fields *f)
{
	char head[HEAD_SIZE];

	snprintf(head, sizeof head, "%s: %s; nothing here is proven", path, kind);
	screen_wrap(s, 0, 2, head);
	for (size_t i = 0, end; i < f->count; i = end) {
		end = group_end(f, i);
		fputs("\n  ", s->to);
		screen_text(s, f->all[i].group);
		fputc('\n', s->to);
		for (size_t n = i; n < end; n++)
			print_field(s, &f->all[n]);
	}
}

/* --- JSON -------------------------------------------------------------------------------- */

/* A member's name, made unique: the second of its kind is "name 2". */
static void
unique(char out[NAME_SIZE], const char *name, size_t before)
{
	if (before == 0)
		snprintf(out, NAME_SIZE, "%s", name);
	else
		snprintf(out, NAME_SIZE, "%.100s %zu", name, before + 1);
}

static void
print_json(struct screen *s, const char *path, const char *kind, const struct fields *f)
{
	struct json j = { .to = s->to };
	char name[NAME_SIZE];

	json_open(&j, NULL, '{');
	json_text(&j, "file", path);
	json_text(&j, "kind", kind);
	json_open(&j, "groups", '{');
	for (size_t i = 0, end; i < f->count; i = end) {
		size_t before = 0;
		end = group_end(f, i);
		for (size_t k = 0; k < i; k = group_end(f, k))
			before += strcmp(f->all[k].group, f->all[i].group) == 0;
		unique(name, f->all[i].group, before);
		json_open(&j, name, '{');
		for (size_t n = i; n < end; n++) {
			before = 0;
			for (size_t k = i; k < n; k++)
				before += strcmp(f->all[k].name, f->all[n].name) == 0;
			unique(name, f->all[n].name, before);
			json_text(&j, name, f->all[n].value);
		}
		json_close(&j, '}');
	}
	json_close(&j, '}');
	json_close(&j, '}');
	fputc('\n', s->to);
}

static void
print_json_error(struct screen *s, const char *path, const char *text)
{
	struct json j = { .to = s->to };

	json_open(&j, NULL, '{');
	json_text(&j, "file", path);
	json_raw(&j, "kind", "null");
	json_text(&j, "error", text);
	json_close(&j, '}');
	fputc('\n', s->to);
}

/* ----------------------------------------------------------------------------------------- */

struct inspection {
	const struct args *args;
	struct screen *s;
	size_t shown;
	bool folder; /* pass over what is not known */
};

static int
inspect_one(void *arg, const char *path, const struct input *in)
{
	struct inspection *job = arg;
	struct fields fields = { 0 };
	struct assay_error err;
	const char *kind = "";
	bool as_json = args_has(job->args, OPT_JSON);
	enum assay_code code = assay_inspect(&kind, input_bytes(in), gather, &fields, &err);
	int rc = EXIT_YES;

	if (fields.failed || code == ASSAY_E_NOMEM) {
		complain(job->args->command, "%s: out of memory", path);
		rc = EXIT_TROUBLE;
	} else if (code == ASSAY_E_UNSUPPORTED && job->folder) {
		rc = EXIT_YES;
	} else if (code != ASSAY_OK) {
		complain(job->args->command, "%s: %s", path, err.text);
		if (as_json)
			print_json_error(job->s, path, err.text);
		rc = EXIT_NO;
	} else if (as_json) {
		print_json(job->s, path, kind, &fields);
		job->shown++;
	} else {
		if (job->shown++ > 0)
			fputc('\n', job->s->to);
		print_screen(job->s, path, kind, &fields);
	}
	fields_clear(&fields);
	return rc;
}

/* A file, or each of those in a folder. */
static int
inspect_path(struct inspection *job, const char *path)
{
	const struct command *command = job->args->command;
	struct input in = { 0 };
	int rc;

	job->folder = input_is_folder(path);
	if (job->folder) {
		size_t before = job->shown;
		rc = input_folder(command, path, inspect_one, job);
		if (rc == 0 && job->shown == before) {
			complain(command, "%s: holds no evidence and no collateral", path);
			rc = EXIT_NO;
		}
		return rc;
	}
	rc = input_read(command, &in, path, "a file to inspect");
	if (rc == 0)
		rc = inspect_one(job, strcmp(path, "-") == 0 ? "standard input" : path, &in);
	input_clear(&in);
	return rc;
}

static int
run(const struct args *args)
{
	struct screen s;
	int rc;

	if (!args_operands(args, 1, (size_t)-1))
		return EXIT_USAGE;
	if ((rc = screen_open(&s, args)) != 0)
		return rc;
	struct inspection job = { .args = args, .s = &s };
	for (size_t i = 0; i < args->operand_count; i++) {
		int one = inspect_path(&job, args->operands[i]);
		rc = one > rc ? one : rc;
	}
	return screen_close(&s, false, rc);
}

static const struct option options[] = { OPTION_JSON, OPTION_OUTPUT, OPTION_HELP, OPTION_END };

const struct command command_inspect = {
	.name = "inspect",
	.arguments = "[options] FILE...",
	.summary = "Prints every field of a file; proves nothing.",
	.operands = "  FILE   evidence, certificate, CRL, TCB info, ...; - for standard input;\n"
		    "         of a folder, each file that is known\n",
	.words = NULL,
	.options = options,
	.examples = { "assay inspect quote.bin", "assay inspect --json report.bin vcek.der" },
	.exits = "0 done, 1 a file is nothing that is known, 2 usage, 4 trouble",
	.page = "assay-inspect",
	.run = run,
};
