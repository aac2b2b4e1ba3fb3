/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <assay/checks.h>

#include "command.h"
#include "screen.h"

/* --- what is common to the shells -------------------------------------------------------- */

static bool
is_file(const struct option *o)
{
	return o->value != NULL && (strcmp(o->value, "FILE") == 0 || strcmp(o->value, "PATH") == 0);
}

/* "a|b|c" as words with spaces between them. */
static void
put_words(FILE *to, const char *words)
{
	for (; *words != '\0'; words++)
		fputc(*words == '|' ? ' ' : *words, to);
}

static void
put_ids(FILE *to)
{
	for (size_t i = 0; i < assay_check_info_count(); i++)
		fprintf(to, "%s%s", i > 0 ? " " : "", assay_check_info_id(assay_check_info_at(i)));
}

/* Each first word once: "collateral" for "collateral show". */
static void
put_first_words(FILE *to)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		size_t n = strcspn(commands[i]->name, " ");
		if (i > 0 && strncmp(commands[i - 1]->name, commands[i]->name, n + 1) == 0)
			continue;
		fprintf(to, "%s%.*s", i > 0 ? " " : "", (int)n, commands[i]->name);
	}
}

/* The operands of a command, if they are words; false if they are files. */
static bool
put_operands(FILE *to, const struct command *command)
{
	if (command == &command_explain)
		put_ids(to);
	else if (command == &command_help)
		put_first_words(to);
	else if (command->words != NULL)
		put_words(to, command->words);
	else
		return false;
	return true;
}

static void
put_verbs(FILE *to, const char *noun, size_t n)
{
	bool first = true;

	for (size_t i = 0; commands[i] != NULL; i++) {
		if (strncmp(commands[i]->name, noun, n) != 0 || commands[i]->name[n] != ' ')
			continue;
		fprintf(to, "%s%s", first ? "" : " ", commands[i]->name + n + 1);
		first = false;
	}
}

/* --- bash -------------------------------------------------------------------------------- */

/* A case of `$prev`: what may follow an option that takes a value. */
static void
bash_values(FILE *to, const struct command *command)
{
	fputs("\t\tcase $prev in\n", to);
	for (const struct option *o = command->options; o->name != NULL; o++) {
		if (o->value == NULL)
			continue;
		fputs("\t\t", to);
		if (o->letter != 0)
			fprintf(to, "-%c|", o->letter);
		fprintf(to, "--%s) ", o->name);
		if (o->words != NULL) {
			fputs("COMPREPLY=($(compgen -W \"", to);
			put_words(to, o->words);
			fputs("\" -- \"$cur\"))", to);
		} else if (is_file(o)) {
			fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))", to);
		} else {
			fputs("COMPREPLY=()", to);
		}
		fputs("; return ;;\n", to);
	}
	fputs("\t\tesac\n", to);
}

static void
bash_command(FILE *to, const struct command *command)
{
	fprintf(to, "\t\"%s\")\n", command->name);
	bash_values(to, command);
	fputs("\t\toptions=\"", to);
	for (const struct option *o = command->options; o->name != NULL; o++)
		fprintf(to, "%s--%s", o == command->options ? "" : " ", o->name);
	fputs("\"\n\t\twords=\"", to);
	bool words = put_operands(to, command);
	fprintf(to, "\"\n\t\tfiles=%s ;;\n", words ? "no" : "yes");
}

static void
print_bash(FILE *to)
{
	fputs("# bash completion of assay; made by: assay completion bash\n"
	      "_assay() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal command=${COMP_WORDS[1]} options words files first=2\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
	    to);
	put_first_words(to);
	fputs(" --help --version\" -- \"$cur\"))\n\t\treturn\n\tfi\n", to);
	for (size_t i = 0; commands[i] != NULL; i++) {
		size_t n = strcspn(commands[i]->name, " ");
		if (commands[i]->name[n] == '\0' ||
		    (i > 0 && strncmp(commands[i - 1]->name, commands[i]->name, n + 1) == 0))
			continue;
		fprintf(to, "\tif [ \"$command\" = %.*s ]; then\n", (int)n, commands[i]->name);
		fputs("\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
		      "\t\t\tCOMPREPLY=($(compgen -W \"",
		    to);
		put_verbs(to, commands[i]->name, n);
		fputs("\" -- \"$cur\"))\n\t\t\treturn\n\t\tfi\n"
		      "\t\tcommand=\"$command ${COMP_WORDS[2]}\"\n\tfi\n",
		    to);
	}
	fputs("\tcase $command in\n", to);
	for (size_t i = 0; commands[i] != NULL; i++)
		bash_command(to, commands[i]);
	fputs("\t*) return ;;\n"
	      "\tesac\n"
	      "\tif [ \"${cur:0:1}\" = - ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	      "\telif [ \"$files\" = yes ]; then\n"
	      "\t\tcompopt -o filenames\n"
	      "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	      "\telse\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "\tfi\n"
	      "}\n"
	      "complete -F _assay assay\n",
	    to);
}

/* --- zsh --------------------------------------------------------------------------------- */

/* Text within single quotes and within the brackets of an _arguments specification. */
static void
zsh_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", to);
		else if (strchr("[]:\\", *text) != NULL)
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void
zsh_option(FILE *to, const struct option *o, bool by_letter)
{
	fprintf(to, "\t\t\t'%s", o->repeats ? "*" : "");
	if (by_letter)
		fprintf(to, "-%c%s[", o->letter, o->value != NULL ? "+" : "");
	else
		fprintf(to, "--%s%s[", o->name, o->value != NULL ? "=" : "");
	zsh_text(to, o->help);
	fputc(']', to);
	if (o->value != NULL) {
		fprintf(to, ":%s:", o->value);
		if (o->words != NULL) {
			fputc('(', to);
			put_words(to, o->words);
			fputc(')', to);
		} else if (is_file(o)) {
			fputs("_files", to);
		}
	}
	fputs("' \\\n", to);
}

static void
zsh_command(FILE *to, const struct command *command)
{
	fprintf(to, "\t(\"%s\")\n\t\t_arguments -s -S \\\n", command->name);
	for (const struct option *o = command->options; o->name != NULL; o++) {
		if (o->letter != 0)
			zsh_option(to, o, true);
		zsh_option(to, o, false);
	}
	fputs("\t\t\t'*:operand:", to);
	if (command == &command_explain || command->words != NULL) {
		fputc('(', to);
		put_operands(to, command);
		fputc(')', to);
	} else {
		fputs("_files", to);
	}
	fputs("' ;;\n", to);
}

static void
print_zsh(FILE *to)
{
	fputs("#compdef assay\n"
	      "# zsh completion of assay; made by: assay completion zsh\n"
	      "_assay() {\n"
	      "\tlocal name=$words[2]\n"
	      "\tif (( CURRENT == 2 )); then\n"
	      "\t\tcompadd -- ",
	    to);
	put_first_words(to);
	fputs(" --help --version\n\t\treturn\n\tfi\n", to);
	for (size_t i = 0; commands[i] != NULL; i++) {
		size_t n = strcspn(commands[i]->name, " ");
		if (commands[i]->name[n] == '\0' ||
		    (i > 0 && strncmp(commands[i - 1]->name, commands[i]->name, n + 1) == 0))
			continue;
		fprintf(to, "\tif [[ $name == %.*s ]]; then\n", (int)n, commands[i]->name);
		fputs("\t\tif (( CURRENT == 3 )); then\n\t\t\tcompadd -- ", to);
		put_verbs(to, commands[i]->name, n);
		fputs("\n\t\t\treturn\n\t\tfi\n"
		      "\t\tname=\"$name $words[3]\"\n"
		      "\t\tshift words\n\t\t(( CURRENT-- ))\n\tfi\n",
		    to);
	}
	fputs("\tshift words\n\t(( CURRENT-- ))\n\tcase $name in\n", to);
	for (size_t i = 0; commands[i] != NULL; i++)
		zsh_command(to, commands[i]);
	fputs("\tesac\n}\n_assay \"$@\"\n", to);
}

/* --- fish -------------------------------------------------------------------------------- */

static void
fish_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
}

/* True on the command line of this command. */
static void
fish_condition(FILE *to, const struct command *command)
{
	const char *space = strchr(command->name, ' ');

	fputs("complete -c assay -n '__fish_seen_subcommand_from ", to);
	if (space == NULL)
		fprintf(to, "%s'", command->name);
	else
		fprintf(to, "%.*s; and __fish_seen_subcommand_from %s'",
		    (int)(space - command->name), command->name, space + 1);
}

static void
fish_command(FILE *to, const struct command *command)
{
	for (const struct option *o = command->options; o->name != NULL; o++) {
		fish_condition(to, command);
		if (o->letter != 0)
			fprintf(to, " -s %c", o->letter);
		fprintf(to, " -l %s", o->name);
		if (is_file(o))
			fputs(" -r -F", to);
		else if (o->value != NULL)
			fputs(" -x", to);
		if (o->words != NULL) {
			fputs(" -a '", to);
			put_words(to, o->words);
			fputc('\'', to);
		}
		fputs(" -d '", to);
		fish_text(to, o->help);
		fputs("'\n", to);
	}
	if (command == &command_explain || command->words != NULL) {
		fish_condition(to, command);
		fputs(" -f -a '", to);
		put_operands(to, command);
		fputs("'\n", to);
	}
}

static void
print_fish(FILE *to)
{
	fputs("# fish completion of assay; made by: assay completion fish\n"
	      "complete -c assay -n __fish_use_subcommand -f -a '",
	    to);
	put_first_words(to);
	fputs("'\n"
	      "complete -c assay -n __fish_use_subcommand -l help -d 'print the commands'\n"
	      "complete -c assay -n __fish_use_subcommand -l version -d 'print the version'\n",
	    to);
	for (size_t i = 0; commands[i] != NULL; i++) {
		size_t n = strcspn(commands[i]->name, " ");
		if (commands[i]->name[n] == '\0' ||
		    (i > 0 && strncmp(commands[i - 1]->name, commands[i]->name, n + 1) == 0))
			continue;
		fprintf(to,
		    "complete -c assay -n '__fish_seen_subcommand_from %.*s; "
		    "and not __fish_seen_subcommand_from ",
		    (int)n, commands[i]->name);
		put_verbs(to, commands[i]->name, n);
		fputs("' -f -a '", to);
		put_verbs(to, commands[i]->name, n);
		fputs("'\n", to);
	}
	for (size_t i = 0; commands[i] != NULL; i++)
		fish_command(to, commands[i]);
}

/* ----------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*print)(FILE *to);
} shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };

static int
run(const struct args *args)
{
	struct screen s;
	int rc;

	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
		if (strcmp(shells[i].name, args->operands[0]) != 0)
			continue;
		if ((rc = screen_open(&s, args)) != 0)
			return rc;
		shells[i].print(s.to);
		return screen_close(&s, false, EXIT_YES);
	}
	return misused(args->command, "\"%s\" is none of bash, zsh, fish", args->operands[0]);
}

static const struct option options[] = { OPTION_OUTPUT, OPTION_HELP, OPTION_END };

const struct command command_completion = {
	.name = "completion",
	.arguments = "[options] bash|zsh|fish",
	.summary = "Prints the completion script of a shell.",
	.operands = "",
	.words = "bash|zsh|fish",
	.options = options,
	.examples = { "assay completion bash > /etc/bash_completion.d/assay",
	    "assay completion fish -o ~/.config/fish/completions/assay.fish" },
	.exits = "0 done, 2 usage, 4 trouble",
	.page = "assay",
	.run = run,
};
