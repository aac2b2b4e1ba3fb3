/* SPDX-License-Identifier: Apache-2.0 */
/* assay policy push, rm: what a server judges by. */
#include "policy_push.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "command.h"
#include "input.h"
#include "value.h"

static void
policy_path(struct admin_request *r, const char *name)
{
	snprintf(r->path, sizeof r->path, "/v1/admin/policies/%s", name);
}

/* "2 secrets: a, b" */
static void
put_governed(struct screen *s, const json_t *secrets, int64_t more)
{
	json_t *path;
	size_t i, n = json_array_size(secrets) + (size_t)more;

	if (n == 0) {
		fputs("no secret is under it yet\n", s->to);
		return;
	}
	fprintf(s->to, "governs %zu secret%s\n", n, n == 1 ? "" : "s");
	json_array_foreach(secrets, i, path)
	{
		fputs("  ", s->to);
		screen_text(s, json_string_value(path) != NULL ? json_string_value(path) : "");
		fputc('\n', s->to);
	}
	if (more > 0)
		fprintf(s->to, "  and %" PRId64 " more\n", more);
}

static int
push(struct admin *a, struct screen *s)
{
	const char *name = a->args->operands[0], *file = a->args->operands[1];
	struct admin_request r = { .method = "PUT", .type = "text/plain" };
	struct input in = { 0 };
	json_t *root = NULL;
	int rc = input_read(a->args->command, &in, file, "a policy");

	if (rc == 0) {
		policy_path(&r, name);
		r.body = input_bytes(&in);
		rc = admin_ask_json(a, &r, &root);
	}
	if (rc == 0 && !admin_json(a, s, root)) {
		screen_text(s, admin_text(root, "name"));
		fprintf(s->to, ": version %" PRId64 ", ", admin_number(root, "version"));
		put_governed(s, json_object_get(root, "secrets"), admin_number(root, "more"));
	}
	json_decref(root);
	input_clear(&in);
	return rc;
}

static int
rm(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "DELETE" };

	policy_path(&r, a->args->operands[0]);
	return admin_remove(a, s, &r);
}

static int
list(struct admin *a, struct screen *s)
{
	static const char *const names[] = { "policy", "version", "since" };
	struct admin_request r = { .method = "GET", .path = "/v1/admin/policies" };
	char when[TIME_MAX];
	struct table t;
	json_t *root, *policy;
	size_t i;
	int rc = admin_ask_json(a, &r, &root);

	if (rc == 0 && !admin_json(a, s, root)) {
		table_open(&t, names, sizeof names / sizeof names[0]);
		json_array_foreach(json_object_get(root, "policies"), i, policy)
		{
			bool built_in = admin_number(policy, "version") == 0;
			admin_time(when, policy, "created");
			table_put(&t, admin_text(policy, "name"));
			table_putf(&t, "%" PRId64, admin_number(policy, "version"));
			table_put(&t, built_in ? "built in" : when);
		}
		rc = admin_table(a, s, &t);
	}
	json_decref(root);
	return rc;
}

/* Lines and tabs stay; other control characters could steer a terminal. */
static void
put_lines(struct screen *s, const char *text)
{
	for (; *text != '\0'; text += screen_sequence(text) > 0 ? screen_sequence(text) : 1)
		if (*text == '\n' || *text == '\t')
			fputc(*text, s->to);
		else if (screen_sequence(text) > 0)
			fwrite(text, 1, screen_sequence(text), s->to);
		else
			fputc('?', s->to);
}

static int
show(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "GET" };
	json_t *root;

	policy_path(&r, a->args->operands[0]);
	int rc = admin_ask_json(a, &r, &root);
	if (rc == 0 && !admin_json(a, s, root))
		put_lines(s, admin_text(root, "text"));
	json_decref(root);
	return rc;
}

/* ----------------------------------------------------------------------------------------- */

int
policy_list_server(const struct args *args)
{
	return admin_run(args, list);
}

int
policy_show_server(const struct args *args)
{
	return admin_name(args, "a policy", args->operands[0]) ? admin_run(args, show) : EXIT_USAGE;
}

static int
run_push(const struct args *args)
{
	if (!args_operands(args, 2, 2) || !admin_name(args, "a policy", args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, push);
}

static int
run_rm(const struct args *args)
{
	if (!args_operands(args, 1, 1) || !admin_name(args, "a policy", args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, rm);
}

const struct command command_policy_push = {
	.name = "policy push",
	.arguments = "[options] NAME FILE",
	.summary = "Gives a server a policy, or a new version of it.",
	.operands = "  NAME   by which secrets name it\n"
		    "  FILE   its text; - for standard input\n",
	.words = NULL,
	.options = admin_done_options,
	.examples = { "assay policy push web web.policy",
	    "assay policy push --json web web.policy" },
	.exits = "0 taken, 1 refused, 2 usage or an error in the policy, 4 trouble",
	.page = "assay-policy",
	.run = run_push,
};

const struct command command_policy_rm = {
	.name = "policy rm",
	.arguments = "[options] NAME",
	.summary = "Removes a policy from a server, if no secret is under it.",
	.operands = "  NAME   of the policy\n",
	.words = "",
	.options = admin_done_options,
	.examples = { "assay policy rm web", "assay policy rm --json web" },
	.exits = "0 removed, 1 refused or not there, 2 usage, 4 trouble",
	.page = "assay-policy",
	.run = run_rm,
};
