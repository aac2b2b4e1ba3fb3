/* SPDX-License-Identifier: Apache-2.0 */
/* assay secret: what a server keeps, and which policy guards each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "audit.h"
#include "command.h"
#include "input.h"
#include "screen.h"
#include "table.h"
#include "value.h"

enum { SECRET_MAX = 1024 * 1024, NUMBER_TEXT = 24, LINE = 1024 };

static void
secret_path(struct admin_request *r, const char *folder, const char *path)
{
	snprintf(r->path, sizeof r->path, "/v1/admin/%s/%s", folder, path);
}

/* --- put --------------------------------------------------------------------------------- */

static int
read_secret(const struct args *args, struct input *in)
{
	const char *file = args->operand_count > 1 ? args->operands[1] : "-";

	if (strcmp(file, "-") == 0 && isatty(STDIN_FILENO))
		return misused(args->command,
		    "a secret is not typed on a terminal; name a FILE, or pipe it in");
	int rc = input_material(args->command, in, file, "a secret");
	if (rc == 0 && (in->len == 0 || in->len > SECRET_MAX)) {
		complain(args->command, "%s: is %zu bytes; a secret has at least 1, at most %d",
		    file, in->len, SECRET_MAX);
		rc = EXIT_USAGE;
	}
	return rc;
}

static int
put(struct admin *a, struct screen *s)
{
	const struct args *args = a->args;
	struct admin_request r = { .method = "PUT", .type = "application/octet-stream" };
	struct input in = { 0 };
	json_t *root = NULL;
	const char *policy = args_value(args, OPT_POLICY);

	if ((policy != NULL && !admin_name(args, "a policy", policy)) || !admin_private(a))
		return EXIT_USAGE;
	int rc = read_secret(args, &in);
	if (rc == 0) {
		secret_path(&r, "secrets", args->operands[0]);
		admin_parameter(&r, "policy", policy);
		admin_parameter(&r, "expect_version", args_has(args, OPT_NEW) ? "0" : NULL);
		r.body = input_bytes(&in);
		rc = admin_ask_json(a, &r, &root);
	}
	input_wipe(&in);
	if (rc == 0 && !admin_json(a, s, root)) {
		char text[LINE];
		snprintf(text, sizeof text, "%s: version %" PRId64 ", policy %s",
		    admin_text(root, "path"), admin_number(root, "version"),
		    admin_text(root, "policy"));
		screen_wrap(s, 0, 2, text);
	}
	json_decref(root);
	return rc;
}

/* --- list -------------------------------------------------------------------------------- */

static int
list(struct admin *a, struct screen *s)
{
	static const char *const names[] = { "secret", "policy", "version", "bytes", "since" };
	struct admin_request r = { .method = "GET", .path = "/v1/admin/secrets" };
	char when[TIME_MAX];
	struct table t;
	json_t *root, *secret;
	size_t i;
	int rc = admin_ask_json(a, &r, &root);

	if (rc != 0 || admin_json(a, s, root)) {
		json_decref(root);
		return rc;
	}
	const json_t *secrets = json_object_get(root, "secrets");
	if (json_array_size(secrets) == 0) {
		fputs("there are no secrets yet; assay secret put stores one\n", s->to);
		json_decref(root);
		return 0;
	}
	table_open(&t, names, sizeof names / sizeof names[0]);
	json_array_foreach(secrets, i, secret)
	{
		admin_time(when, secret, "created");
		table_put(&t, admin_text(secret, "path"));
		table_put(&t, admin_text(secret, "policy"));
		table_putf(&t, "%" PRId64, admin_number(secret, "version"));
		table_putf(&t, "%" PRId64, admin_number(secret, "size"));
		table_put(&t, when);
	}
	rc = admin_table(a, s, &t);
	json_decref(root);
	return rc;
}

/* --- get --------------------------------------------------------------------------------- */

/* --version as it goes into a query; "" if it was not given. */
static int
read_version(const struct args *args, char out[NUMBER_TEXT])
{
	const char *text = args_value(args, OPT_VERSION);

	out[0] = '\0';
	if (text == NULL)
		return 0;
	if (text[0] == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
		return misused(
		    args->command, "--version: \"%.40s\" is no number of a version", text);
	snprintf(out, NUMBER_TEXT, "%s", text);
	return 0;
}

static int
write_secret(const struct args *args, const struct http_answer *answer)
{
	const char *output = args_value(args, OPT_OUTPUT);

	if (output != NULL && strcmp(output, "-") == 0)
		output = NULL;
	return screen_write_secret(
		   args->command, output, (struct assay_bytes){ answer->body, answer->len })
	    ? 0
	    : EXIT_TROUBLE;
}

static int
get(struct admin *a, struct screen *s)
{
	const struct args *args = a->args;
	struct admin_request r = { .method = "GET" };
	struct http_answer answer = { 0 };
	char version[NUMBER_TEXT];
	int rc = read_version(args, version);

	s->output = NULL; /* -o is for the secret */
	if (rc != 0)
		return rc;
	if (!admin_private(a))
		return EXIT_USAGE;
	if (args_value(args, OPT_OUTPUT) == NULL && isatty(STDOUT_FILENO))
		return misused(args->command,
		    "a secret is not written to a terminal; give -o FILE, or -o - to do it all the "
		    "same");
	secret_path(&r, "secrets", args->operands[0]);
	admin_parameter(&r, "version", version[0] != '\0' ? version : NULL);
	rc = admin_ask(a, &r, &answer);
	if (rc == 0)
		rc = write_secret(args, &answer);
	http_answer_clear(&answer);
	return rc;
}

/* --- history ----------------------------------------------------------------------------- */

static int
put_versions(struct admin *a, struct screen *s, const json_t *versions)
{
	static const char *const names[] = { "version", "policy", "bytes", "since" };
	char when[TIME_MAX];
	struct table t;
	json_t *version;
	size_t i;

	table_open(&t, names, sizeof names / sizeof names[0]);
	json_array_foreach(versions, i, version)
	{
		admin_time(when, version, "created");
		table_putf(&t, "%" PRId64, admin_number(version, "version"));
		table_put(&t, admin_text(version, "policy"));
		table_putf(&t, "%" PRId64, admin_number(version, "size"));
		table_put(&t, when);
	}
	return admin_table(a, s, &t);
}

static int
history(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "GET" };
	json_t *root;

	secret_path(&r, "history", a->args->operands[0]);
	int rc = admin_ask_json(a, &r, &root);
	if (rc != 0 || admin_json(a, s, root)) {
		json_decref(root);
		return rc;
	}
	const json_t *releases = json_object_get(root, "releases");
	rc = put_versions(a, s, json_object_get(root, "versions"));
	fputc('\n', s->to);
	if (json_array_size(releases) == 0)
		fputs("  nobody has asked for it\n", s->to);
	else if (rc == 0)
		rc = audit_put(a, s, releases);
	json_decref(root);
	return rc;
}

/* --- rm ---------------------------------------------------------------------------------- */

/* The one question that any command asks. */
static int
confirm(const struct args *args, const char *what)
{
	char line[16] = "";

	if (args_has(args, OPT_YES))
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return misused(args->command,
		    "all versions of %s would be gone; give --yes if that is meant", what);
	fprintf(stderr, "Remove all versions of %s? Type yes: ", what);
	fflush(stderr);
	if (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "yes\n") == 0)
		return 0;
	complain(args->command, "nothing was removed");
	return EXIT_NO;
}

static int
rm(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "DELETE" };
	json_t *root;
	int rc = confirm(a->args, a->args->operands[0]);

	if (rc != 0)
		return rc;
	secret_path(&r, "secrets", a->args->operands[0]);
	if ((rc = admin_ask_json(a, &r, &root)) == 0 && !admin_json(a, s, root)) {
		screen_text(s, admin_text(root, "path"));
		fprintf(s->to, ": removed, %" PRId64 " versions\n", admin_number(root, "versions"));
	}
	json_decref(root);
	return rc;
}

/* ----------------------------------------------------------------------------------------- */

static int
run_put(const struct args *args)
{
	if (!args_operands(args, 1, 2) || !admin_secret(args, args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, put);
}

static int
run_list(const struct args *args)
{
	return args_operands(args, 0, 0) ? admin_run(args, list) : EXIT_USAGE;
}

static int
run_get(const struct args *args)
{
	if (!args_operands(args, 1, 1) || !admin_secret(args, args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, get);
}

static int
run_history(const struct args *args)
{
	if (!args_operands(args, 1, 1) || !admin_secret(args, args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, history);
}

static int
run_rm(const struct args *args)
{
	if (!args_operands(args, 1, 1) || !admin_secret(args, args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, rm);
}

static const struct option put_options[] = {
	{ OPT_POLICY, 'p', "policy", "NAME", false, NULL,
	    "who gets it (as before; of a new one: default)" },
	{ OPT_NEW, 0, "new", NULL, false, NULL, "only if there is no such secret yet" },
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_QUIET_DONE,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_secret_put = {
	.name = "secret put",
	.arguments = "[options] REPO/TYPE/TAG [FILE]",
	.summary = "Stores a secret, or a new version of it, under a policy.",
	.operands = "  REPO/TYPE/TAG   its path: kbs:///REPO/TYPE/TAG for guests\n"
		    "  FILE            a file, - for standard input (default), fd:N, cred:NAME\n",
	.words = NULL,
	.options = put_options,
	.examples = { "assay secret put default/key/disk disk.key",
	    "openssl rand 32 | assay secret put --policy web web/key/tls" },
	.exits = "0 stored, 1 refused, 2 usage, 4 trouble",
	.page = "assay-secret",
	.run = run_put,
};

const struct command command_secret_list = {
	.name = "secret list",
	.arguments = "[options]",
	.summary = "Lists the secrets of a server, and the policy of each.",
	.operands = "",
	.words = "",
	.options = admin_list_options,
	.examples = { "assay secret list", "assay secret list --json" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-secret",
	.run = run_list,
};

static const struct option get_options[] = {
	{ OPT_VERSION, 0, "version", "N", false, NULL, "an older one (the last)" },
	{ OPT_OUTPUT, 'o', "output", "FILE", false, NULL, "write it there, for its owner only" },
	OPTIONS_ADMIN,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_secret_get = {
	.name = "secret get",
	.arguments = "[options] REPO/TYPE/TAG",
	.summary = "Reads a secret back, as an operator with the role admin.",
	.operands = "  REPO/TYPE/TAG   its path\n",
	.words = "",
	.options = get_options,
	.examples = { "assay secret get default/key/disk -o disk.key",
	    "assay secret get --version 2 default/key/disk | sha256sum" },
	.exits = "0 done, 1 refused or not there, 2 usage, 4 trouble",
	.page = "assay-secret",
	.run = run_get,
};

const struct command command_secret_history = {
	.name = "secret history",
	.arguments = "[options] REPO/TYPE/TAG",
	.summary = "Lists the versions of a secret, and who asked for it last.",
	.operands = "  REPO/TYPE/TAG   its path\n",
	.words = "",
	.options = admin_list_options,
	.examples = { "assay secret history default/key/disk",
	    "assay secret history --json default/key/disk" },
	.exits = "0 done, 1 refused or not there, 2 usage, 4 trouble",
	.page = "assay-secret",
	.run = run_history,
};

static const struct option rm_options[] = {
	{ OPT_YES, 0, "yes", NULL, false, NULL, "do not ask; needed off a terminal" },
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_QUIET_DONE,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_secret_rm = {
	.name = "secret rm",
	.arguments = "[options] REPO/TYPE/TAG",
	.summary = "Removes all versions of a secret.",
	.operands = "  REPO/TYPE/TAG   its path\n",
	.words = "",
	.options = rm_options,
	.examples = { "assay secret rm default/key/disk",
	    "assay secret rm --yes default/key/disk" },
	.exits = "0 removed, 1 refused or not there, 2 usage, 4 trouble",
	.page = "assay-secret",
	.run = run_rm,
};
