/* SPDX-License-Identifier: Apache-2.0 */
#include "option.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "screen.h"

enum {
	NAME_MAX_LEN = 64, /* longer names are no names of ours */
	SENTENCE_MAX = 1024,
	HELP_COLUMN = 31,
};

/* Hidden, permanent, silent: what users of go-sev-guest, go-tdx-guest, sev-snp-measure, sevctl and
 * kbs-client type. */
static const struct alias aliases[] = {
	{ "attestation-token", "token", ALIAS_NAME, NULL },
	{ "auth-private-key", "admin-key", ALIAS_NAME, NULL },
	{ "cacert", "ca", ALIAS_NAME, NULL },
	{ "cert-file", "ca", ALIAS_NAME, NULL },
	{ "check-crl", "require-crl", ALIAS_BOOLEAN, NULL },
	{ "chip-id", "expect", ALIAS_CLAIM, "snp.chip_id" },
	{ "cmdline", "append", ALIAS_NAME, NULL },
	{ "family-id", "expect", ALIAS_CLAIM, "snp.family_id" },
	{ "firmware", "ovmf", ALIAS_NAME, NULL },
	{ "host-data", "expect", ALIAS_CLAIM, "snp.host_data" },
	{ "image-id", "expect", ALIAS_CLAIM, "snp.image_id" },
	{ "inject-secret", "secret", ALIAS_NAME, NULL },
	{ "launch-measure-blob", "measurement", ALIAS_PLAIN, NULL },
	{ "measurement", "expect", ALIAS_CLAIM, "measurement" },
	{ "minimum-tcb", "min-tcb", ALIAS_PACKED, NULL },
	{ "mr-seam", "expect", ALIAS_CLAIM, "tdx.mr_seam" },
	{ "mr-td", "expect", ALIAS_CLAIM, "tdx.mr_td" },
	{ "num-cpus", "vcpus", ALIAS_NAME, NULL },
	{ "path", "url", ALIAS_FIRST, NULL },
	{ "resource-file", "url", ALIAS_LAST, NULL },
	{ "snp-ovmf-hash", "ovmf-hash", ALIAS_NAME, NULL },
	{ "tee-key-file", "key", ALIAS_NAME, NULL },
	{ "trusted-roots", "trust-root", ALIAS_NAME, NULL },
	{ "vmpl", "expect", ALIAS_CLAIM, "vmpl" },
	{ "xfam", "expect", ALIAS_CLAIM, "tdx.xfam" },
};

/* --- complaints -------------------------------------------------------------------------- */

static void say(const struct command *command, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
say(const struct command *command, const char *fmt, va_list ap)
{
	const char *assay = command == NULL ? "assay" : command->run != NULL ? "assay " : "";
	char text[SENTENCE_MAX];
	int n = vsnprintf(text, sizeof text, fmt, ap);

	/* A name in the sentence may be a stranger's: it must not steer the terminal. */
	for (char *p = text; n > 0 && *p != '\0';) {
		size_t len = screen_sequence(p);
		if (len == 0)
			*p++ = '?';
		p += len;
	}
	fprintf(
	    stderr, "%s%s: %s\n", assay, command != NULL ? command->name : "", n < 0 ? "?" : text);
}

void
complain(const struct command *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(command, fmt, ap);
	va_end(ap);
}

int
misused(const struct command *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(command, fmt, ap);
	va_end(ap);
	if (command != NULL)
		fprintf(stderr, "usage: assay %s %s        (assay %s --help)\n", command->name,
		    command->arguments, command->name);
	else
		fprintf(stderr, "usage: assay COMMAND [options] ...        (assay --help)\n");
	return EXIT_USAGE;
}

/* --- names ------------------------------------------------------------------------------- */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) that turn one name into the other. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_LEN + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = before[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = least(now[j], least(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], two[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

const char *
nearest(const char *wrong, const char *(*next)(const void *arg, size_t n), const void *arg)
{
	const char *best = NULL, *name;
	size_t best_distance = strlen(wrong) / 3 + 2;

	for (size_t n = 0; (name = next(arg, n)) != NULL; n++) {
		/* A beginning is what is typed by those who know a name by half. */
		bool beginning = strlen(wrong) >= 3 && strncmp(name, wrong, strlen(wrong)) == 0;
		size_t d = beginning ? 1 : distance(wrong, name);
		if (d < best_distance) {
			best_distance = d;
			best = name;
		}
	}
	return best;
}

static const char *
option_name_at(const void *arg, size_t n)
{
	const struct command *command = arg;

	return command->options[n].name;
}

static const struct option *
find_name(const struct command *command, const char *name)
{
	for (const struct option *o = command->options; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static const struct option *
find_letter(const struct command *command, char letter)
{
	for (const struct option *o = command->options; o->name != NULL; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

/* Finds an option by a long name as it was typed, len characters of it: '_' is read as '-', and
 * spellings of other tools are known. */
static const struct option *
find_spelling(const struct command *command, const char *typed, size_t len, char name[NAME_MAX_LEN],
    const struct alias **alias)
{
	*alias = NULL;
	if (len >= NAME_MAX_LEN)
		len = NAME_MAX_LEN - 1;
	for (size_t i = 0; i < len; i++)
		name[i] = typed[i] == '_' ? '-' : typed[i];
	name[len] = '\0';

	const struct option *o = find_name(command, name);
	for (size_t i = 0; o == NULL && i < sizeof aliases / sizeof aliases[0]; i++) {
		if (strcmp(aliases[i].name, name) != 0)
			continue;
		*alias = &aliases[i];
		o = find_name(command, aliases[i].option);
	}
	return o;
}

/* --- parsing ----------------------------------------------------------------------------- */

static int
give(struct args *args, const struct option *option, const struct alias *alias, const char *value)
{
	if (!option->repeats && option->value != NULL && args_value(args, option->id) != NULL)
		return misused(
		    args->command, "--%s: is given twice, and means one thing", option->name);
	args->given[args->given_count++] =
	    (struct given){ .option = option, .alias = alias, .value = value };
	return 0;
}

/* "--check_crl=true", as the flag package of Go writes it. */
static int
give_boolean(
    struct args *args, const struct option *option, const struct alias *alias, const char *value)
{
	if (strcmp(value, "true") == 0)
		return give(args, option, alias, NULL);
	if (strcmp(value, "false") == 0)
		return 0;
	return misused(args->command, "--%s: \"%s\" is neither true nor false", alias->name, value);
}

/* "--path R/T/T", as kbs-client wants what is an operand here. */
static void
give_operand(struct args *args, enum alias_kind kind, const char *value)
{
	size_t at = kind == ALIAS_FIRST ? 0 : args->operand_count;

	for (size_t i = args->operand_count++; i > at; i--)
		args->operands[i] = args->operands[i - 1];
	args->operands[at] = value;
}

static int
parse_long(struct args *args, int argc, char **argv, int *i)
{
	const char *typed = argv[*i] + 2;
	const char *equals = strchr(typed, '=');
	size_t len = equals != NULL ? (size_t)(equals - typed) : strlen(typed);
	const char *value = equals != NULL ? equals + 1 : NULL;
	char name[NAME_MAX_LEN];
	const struct alias *alias;
	const struct option *o = find_spelling(args->command, typed, len, name, &alias);

	if (o == NULL) {
		const char *near = nearest(name, option_name_at, args->command);
		if (near != NULL)
			return misused(args->command, "there is no option --%s; did you mean --%s?",
			    name, near);
		return misused(args->command, "there is no option --%s", name);
	}
	if (o->value == NULL && value != NULL) {
		if (alias != NULL && alias->kind == ALIAS_BOOLEAN)
			return give_boolean(args, o, alias, value);
		return misused(args->command, "--%s: takes no value", o->name);
	}
	if (o->value != NULL && value == NULL) {
		if (*i + 1 >= argc)
			return misused(args->command, "--%s: needs a value, %s", name, o->value);
		value = argv[++*i];
	}
	if (alias == NULL || (alias->kind != ALIAS_FIRST && alias->kind != ALIAS_LAST))
		return give(args, o, alias, value);
	give_operand(args, alias->kind, value);
	return 0;
}

static int
parse_short(struct args *args, int argc, char **argv, int *i)
{
	const char *typed = argv[*i] + 1;
	size_t len = strcspn(typed, "=");
	char name[NAME_MAX_LEN];
	const struct alias *alias;

	/* "-report_data" would be read as -r with a value, "-collateral" as -c: say what is meant. */
	if (len > 1 && find_spelling(args->command, typed, len, name, &alias) != NULL)
		return misused(args->command, "-%s: long names take two dashes, --%s", name, name);

	const struct option *o = find_letter(args->command, typed[0]);
	if (o == NULL)
		return misused(args->command, "there is no option -%c", typed[0]);
	if (o->value == NULL) {
		if (typed[1] != '\0')
			return misused(args->command,
			    "-%s: -%c takes no value; give letters one by one", typed, typed[0]);
		return give(args, o, NULL, NULL);
	}
	const char *value = typed + 1;
	if (*value == '\0') {
		if (*i + 1 >= argc)
			return misused(args->command, "-%c: needs a value, %s", typed[0], o->value);
		value = argv[++*i];
	}
	return give(args, o, NULL, value);
}

/* Two readers of one stream would each get a part. */
static int
check_stdin(const struct args *args)
{
	size_t n = 0;

	for (size_t i = 0; i < args->operand_count; i++)
		n += strcmp(args->operands[i], "-") == 0;
	for (size_t i = 0; i < args->given_count; i++) {
		const char *value = args->given[i].value;
		if (value != NULL && args->given[i].option->id != OPT_OUTPUT)
			n += strcmp(value, "-") == 0 || strcmp(value, "@-") == 0;
	}
	if (n > 1)
		return misused(args->command, "-: standard input can be read once");
	return 0;
}

int
args_parse(struct args *args, const struct command *command, int argc, char **argv)
{
	bool options = true;
	int rc = 0;

	*args = (struct args){ .command = command };
	args->given = calloc((size_t)argc + 1, sizeof *args->given);
	args->operands = calloc((size_t)argc + 1, sizeof *args->operands);
	if (args->given == NULL || args->operands == NULL) {
		complain(command, "out of memory");
		return EXIT_TROUBLE;
	}
	for (int i = 0; i < argc && rc == 0; i++) {
		const char *word = argv[i];
		if (!options || word[0] != '-' || word[1] == '\0')
			args->operands[args->operand_count++] = word;
		else if (strcmp(word, "--") == 0)
			options = false;
		else if (word[1] == '-')
			rc = parse_long(args, argc, argv, &i);
		else
			rc = parse_short(args, argc, argv, &i);
	}
	return rc != 0 ? rc : check_stdin(args);
}

void
args_clear(struct args *args)
{
	free(args->given);
	free(args->operands);
	*args = (struct args){ 0 };
}

bool
args_has(const struct args *args, enum option_id id)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (args->given[i].option->id == id)
			return true;
	return false;
}

const char *
args_value(const struct args *args, enum option_id id)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (args->given[i].option->id == id)
			return args->given[i].value;
	return NULL;
}

const char *
args_name(const struct args *args, enum option_id id)
{
	for (const struct option *o = args->command->options; o->name != NULL; o++)
		if (o->id == id)
			return o->name;
	return "";
}

int
args_refuse(const struct args *args, const enum option_id *ids, size_t count, const char *why)
{
	for (size_t i = 0; i < count; i++)
		if (args_has(args, ids[i]))
			return misused(
			    args->command, "--%s: %s; leave it away", args_name(args, ids[i]), why);
	return 0;
}

bool
args_operands(const struct args *args, size_t least_count, size_t most)
{
	if (args->operand_count < least_count) {
		misused(args->command, "an operand is missing");
		return false;
	}
	if (args->operand_count > most) {
		misused(args->command, "\"%s\" is one operand too many", args->operands[most]);
		return false;
	}
	return true;
}

/* --- help -------------------------------------------------------------------------------- */

void
help_print(FILE *to, const struct command *command)
{
	fprintf(
	    to, "usage: assay %s %s\n\n%s\n", command->name, command->arguments, command->summary);
	if (command->operands[0] != '\0')
		fprintf(to, "\n%s", command->operands);
	fputc('\n', to);
	for (const struct option *o = command->options; o->name != NULL; o++) {
		int n = 0;
		if (o->letter != 0)
			n = fprintf(to, "  -%c, --%s", o->letter, o->name);
		else
			n = fprintf(to, "      --%s", o->name);
		if (o->value != NULL)
			n += fprintf(to, " %s%s", o->value, o->repeats ? "..." : "");
		fprintf(to, "%*s%s\n", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "", o->help);
	}
	fprintf(to, "\nExamples:\n  %s\n  %s\n", command->examples[0], command->examples[1]);
	fprintf(to, "\nExit: %s.\nMore: man %s\n", command->exits, command->page);
}
