/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <assay/error.h>
#include <assay/trust.h>

#include "command.h"
#include "measure.h"

enum { NAME_SIZE = 96, WORDS_MAX = 256 };

const struct command *const commands[] = {
	&command_attest,
	&command_inspect,
	&command_verify,
	&command_measure_snp,
	&command_measure_sev,
	&command_measure_sev_es,
	&command_measure_tdx,
	&command_explain,
	&command_collateral_show,
	&command_collateral_pack,
	&command_collateral_fetch,
	&command_collateral_push,
	&command_policy_list,
	&command_policy_show,
	&command_policy_check,
	&command_policy_test,
	&command_policy_push,
	&command_policy_rm,
	&command_launch_verify_platform,
	&command_launch_session,
	&command_launch_check,
	&command_launch_secret,
	&command_log_show,
	&command_log_replay,
	&command_log_extend,
	&command_token_show,
	&command_token_verify,
	&command_token_issue,
	&command_cert_make,
	&command_cert_verify,
	&command_key_get,
	&command_key_unseal,
	&command_secret_put,
	&command_secret_list,
	&command_secret_get,
	&command_secret_history,
	&command_secret_rm,
	&command_reference_list,
	&command_reference_push,
	&command_reference_rm,
	&command_audit_list,
	&command_audit_verify,
	&command_admin_list,
	&command_admin_add,
	&command_admin_rm,
	&command_admin_rotate,
	&command_completion,
	&command_help,
	NULL,
};

/* What users of other tools type; hidden, permanent, silent. */
static const struct {
	const char *name, *command;
} spellings[] = {
	{ "check", "verify" },
	{ "display", "inspect" },
	{ "quote", "attest" },
};

/* The verbs of a noun stand side by side among the commands. */
static const struct {
	const char *name, *subject;
} nouns[] = {
	{ "measure", "what a machine will measure" },
	{ "collateral", "what verdicts rest on" },
	{ "policy", "what is allowed" },
	{ "launch", "SEV guests" },
	{ "log", "event logs" },
	{ "token", "attestation results" },
	{ "cert", "certificates with evidence" },
	{ "key", "secrets for this machine" },
	{ "secret", "the secrets of a server" },
	{ "reference", "the reference values of a server" },
	{ "audit", "what a server gave to whom" },
	{ "admin", "who may ask a server for what" },
};
enum { NOUNS = sizeof nouns / sizeof nouns[0] };

/* --- finding a command ------------------------------------------------------------------- */

/* The length of the noun that a command's name begins with; 0 if it is a bare verb. */
static size_t
noun_length(const struct command *command)
{
	const char *space = strchr(command->name, ' ');

	return space != NULL ? (size_t)(space - command->name) : 0;
}

/* Does the command's name begin with this noun? */
static bool
is_of(const struct command *command, const char *noun)
{
	size_t n = command != NULL ? noun_length(command) : 0;

	return n > 0 && strlen(noun) == n && strncmp(command->name, noun, n) == 0;
}

static bool
is_noun(const char *word)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (is_of(commands[i], word))
			return true;
	return false;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
		if (strcmp(spellings[i].name, name) == 0)
			name = spellings[i].command;
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static const char *
command_name_at(const void *arg, size_t n)
{
	(void)arg;
	return commands[n] != NULL ? commands[n]->name : NULL;
}

static int
no_such_command(const char *name)
{
	const char *near = nearest(name, command_name_at, NULL);

	if (near != NULL)
		return misused(NULL, "there is no command \"%s\"; did you mean %s?", name, near);
	return misused(NULL, "there is no command \"%s\"", name);
}

/* --- help and version -------------------------------------------------------------------- */

static void
list_verbs(FILE *to, const char *noun)
{
	int width = 0;

	for (size_t i = 0; commands[i] != NULL; i++)
		if (is_of(commands[i], noun) && (int)strlen(commands[i]->name) > width)
			width = (int)strlen(commands[i]->name);
	for (size_t i = 0; commands[i] != NULL; i++)
		if (is_of(commands[i], noun))
			fprintf(to, "  %-*s  %s\n", width, commands[i]->name, commands[i]->summary);
}

/* A line for each bare verb, and one for each noun, which "assay NOUN" unfolds. */
static void
list_commands(FILE *to)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		if (noun_length(commands[i]) == 0)
			fprintf(to, "  %-10s  %s\n", commands[i]->name, commands[i]->summary);
		for (size_t n = 0; n < NOUNS; n++) {
			if (!is_of(commands[i], nouns[n].name) ||
			    (i > 0 && is_of(commands[i - 1], nouns[n].name)))
				continue;
			fprintf(to, "  %-10s ", nouns[n].name);
			for (size_t v = i; is_of(commands[v], nouns[n].name); v++)
				fprintf(to, "%s%s", v > i ? "|" : " ",
				    commands[v]->name + noun_length(commands[v]) + 1);
			fprintf(to, ": %s\n", nouns[n].subject);
		}
	}
}

static void
print_usage(FILE *to)
{
	fputs("usage: assay COMMAND [options] ...\n"
	      "       assay --version\n"
	      "\n"
	      "Proves what a machine is before anyone trusts it with a secret.\n"
	      "\n",
	    to);
	list_commands(to);
	fputs("\n"
	      "Examples:\n"
	      "  assay verify -c collateral/ --nonce @nonce quote.bin\n"
	      "  assay help verify\n"
	      "\n"
	      "Exit: 0 yes, 1 no, 2 usage, 3 could not tell, 4 trouble.\n"
	      "More: man assay\n",
	    to);
}

static int
print_noun(const char *noun)
{
	printf("usage: assay %s VERB [options] ...\n\n", noun);
	list_verbs(stdout, noun);
	printf("\nMore: assay %s VERB --help, man assay-%s\n", noun, noun);
	return EXIT_YES;
}

static int
print_version(void)
{
	printf("assay %s\nlibassay %s, built with OpenSSL %s and jansson %s\n"
	       "roots and floors of %s\n",
	    ASSAY_VERSION, assay_version(), ASSAY_BUILD_OPENSSL, ASSAY_BUILD_JANSSON,
	    assay_trust_builtin_date());
	return EXIT_YES;
}

/* Everything was printed, or it is trouble: a full disk must not look like an answer. */
static int
flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	complain(NULL, "standard output: cannot be written");
	return EXIT_TROUBLE;
}

static int
run_help(const struct args *args)
{
	char name[NAME_SIZE];

	if (!args_operands(args, 0, 2))
		return EXIT_USAGE;
	if (args->operand_count == 0) {
		print_usage(stdout);
		return flushed(EXIT_YES);
	}
	if (args->operand_count == 1 && is_noun(args->operands[0]))
		return flushed(print_noun(args->operands[0]));
	snprintf(name, sizeof name, "%s%s%s", args->operands[0], args->operand_count > 1 ? " " : "",
	    args->operand_count > 1 ? args->operands[1] : "");
	const struct command *command = find_command(name);
	if (command == NULL)
		return no_such_command(name);
	help_print(stdout, command);
	return flushed(EXIT_YES);
}

static const struct option help_options[] = { OPTION_HELP, OPTION_END };

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "Prints how a command is used.",
	.operands = "",
	.words = "", /* the first words of all commands: completion.c */
	.options = help_options,
	.examples = { "assay help verify", "assay help collateral show" },
	.exits = "0 done, 2 usage, 4 trouble",
	.page = "assay",
	.run = run_help,
};

/* --- main -------------------------------------------------------------------------------- */

static int
run_command(const struct command *command, int argc, char **argv)
{
	struct args args;
	int rc = args_parse(&args, command, argc, argv);

	if (rc == 0 && args_has(&args, OPT_HELP)) {
		help_print(stdout, command);
		rc = flushed(EXIT_YES);
	} else if (rc == 0) {
		rc = command->run(&args);
	}
	args_clear(&args);
	return rc;
}

static int
run_noun(int argc, char **argv)
{
	char name[NAME_SIZE];

	if (argc < 3 || strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)
		return flushed(print_noun(argv[1]));
	snprintf(name, sizeof name, "%s %s", argv[1], argv[2]);
	const struct command *command = find_command(name);
	if (command == NULL)
		return no_such_command(name);
	return run_command(command, argc - 3, argv + 3);
}

int
main(int argc, char **argv)
{
	char *respelt[WORDS_MAX];
	int words = measure_spelling(respelt, WORDS_MAX, argc, argv);

	if (words > 0) {
		argc = words;
		argv = respelt;
	}
	if (argc < 2) {
		/* Not an answer that a script could take for a yes. */
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return flushed(EXIT_YES);
	}
	if (strcmp(argv[1], "--version") == 0)
		return flushed(print_version());
	if (argv[1][0] == '-')
		return misused(NULL, "%s: options stand after the command", argv[1]);
	if (is_noun(argv[1]))
		return run_noun(argc, argv);
	const struct command *command = find_command(argv[1]);
	if (command == NULL)
		return no_such_command(argv[1]);
	return run_command(command, argc - 2, argv + 2);
}
