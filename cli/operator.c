/* SPDX-License-Identifier: Apache-2.0 */
/* assay admin: who may ask a server for what, and its keys. */
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "command.h"
#include "input.h"
#include "value.h"

static void
key_path(struct admin_request *r, const char *name)
{
	snprintf(r->path, sizeof r->path, "/v1/admin/keys/%s", name);
}

static int
list(struct admin *a, struct screen *s)
{
	static const char *const names[] = { "name", "role", "since", "key" };
	struct admin_request r = { .method = "GET", .path = "/v1/admin/keys" };
	char when[TIME_MAX];
	struct table t;
	json_t *root, *one;
	size_t i;
	int rc = admin_ask_json(a, &r, &root);

	if (rc == 0 && !admin_json(a, s, root)) {
		table_open(&t, names, sizeof names / sizeof names[0]);
		json_array_foreach(json_object_get(root, "admins"), i, one)
		{
			const char *kid = admin_text(one, "kid");
			admin_time(when, one, "created");
			table_put(&t, admin_text(one, "name"));
			table_put(&t, admin_text(one, "role"));
			table_put(&t, when);
			table_put(&t, kid[0] != '\0' ? kid : admin_text(one, "certificate"));
		}
		rc = admin_table(a, s, &t);
	}
	json_decref(root);
	return rc;
}

/* Of a private key nothing leaves this machine but its public half, and that is not what is asked. */
static int
check_public(const struct args *args, const char *file, const struct input *in)
{
	struct assay_jwks *keys = NULL;
	struct assay_error err;
	enum assay_code code = admin_public_keys(&keys, input_bytes(in), &err);
	int rc = 0;

	if (code != ASSAY_OK) {
		complain(args->command, "%s: %s", file, err.text);
		rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
	} else if (memmem(in->data, in->len, "PRIVATE KEY", 11) != NULL ||
	    assay_jwks_count(keys) != 1 || assay_jwk_private(assay_jwks_at(keys, 0))) {
		complain(args->command,
		    "%s: is not one public key; openssl pkey -in KEY -pubout makes that of a "
		    "private one",
		    file);
		rc = EXIT_USAGE;
	}
	assay_jwks_free(keys);
	return rc;
}

static int
add(struct admin *a, struct screen *s)
{
	const char *name = a->args->operands[0], *file = a->args->operands[1];
	struct admin_request r = { .method = "PUT", .type = "application/octet-stream" };
	struct input in = { 0 };
	json_t *root = NULL;
	int rc = input_read(a->args->command, &in, file, "a public key");

	if (rc == 0)
		rc = check_public(a->args, file, &in);
	if (rc == 0) {
		key_path(&r, name);
		admin_parameter(&r, "role", args_value(a->args, OPT_ROLE));
		r.body = input_bytes(&in);
		rc = admin_ask_json(a, &r, &root);
	}
	if (rc == 0 && !admin_json(a, s, root)) {
		screen_text(s, name);
		fprintf(s->to, ": may now ask as %s\n", args_value(a->args, OPT_ROLE));
	}
	json_decref(root);
	input_wipe(&in);
	return rc;
}

static int
rm(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "DELETE" };

	key_path(&r, a->args->operands[0]);
	return admin_remove(a, s, &r);
}

static int
rotate(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "POST" };
	json_t *root;

	snprintf(r.path, sizeof r.path, "/v1/admin/rotate/%s", a->args->operands[0]);
	int rc = admin_ask_json(a, &r, &root);
	if (rc == 0 && !admin_json(a, s, root)) {
		const char *kid = admin_text(root, "kid"), *note = admin_text(root, "note");
		fprintf(s->to, "%s key: replaced", a->args->operands[0]);
		if (kid[0] != '\0')
			fputs("; the new one is ", s->to);
		screen_text(s, kid);
		if (note[0] != '\0')
			fputs("; ", s->to);
		screen_text(s, note);
		fputc('\n', s->to);
	}
	json_decref(root);
	return rc;
}

/* ----------------------------------------------------------------------------------------- */

static int
run_list(const struct args *args)
{
	return args_operands(args, 0, 0) ? admin_run(args, list) : EXIT_USAGE;
}

static int
run_add(const struct args *args)
{
	const char *role = args_value(args, OPT_ROLE);

	if (!args_operands(args, 2, 2) || !admin_name(args, "a key", args->operands[0]))
		return EXIT_USAGE;
	if (role == NULL)
		return misused(args->command, "--role is missing: reader, operator or admin");
	if (strcmp(role, "reader") != 0 && strcmp(role, "operator") != 0 &&
	    strcmp(role, "admin") != 0)
		return misused(
		    args->command, "--role: \"%.40s\" is none of reader, operator, admin", role);
	return admin_run(args, add);
}

static int
run_rm(const struct args *args)
{
	if (!args_operands(args, 1, 1) || !admin_name(args, "a key", args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, rm);
}

static int
run_rotate(const struct args *args)
{
	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	const char *what = args->operands[0];
	if (strcmp(what, "token") != 0 && strcmp(what, "master") != 0)
		return misused(args->command, "\"%.40s\" is none of token, master", what);
	return admin_run(args, rotate);
}

const struct command command_admin_list = {
	.name = "admin list",
	.arguments = "[options]",
	.summary = "Lists who may ask a server for what.",
	.operands = "",
	.words = "",
	.options = admin_list_options,
	.examples = { "assay admin list", "assay admin list --json" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-admin",
	.run = run_list,
};

static const struct option add_options[] = {
	{ OPT_ROLE, 0, "role", "ROLE", false, "reader|operator|admin",
	    "reader, operator or admin; needed" },
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_QUIET_DONE,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_admin_add = {
	.name = "admin add",
	.arguments = "[options] NAME FILE",
	.summary = "Lets the holder of a key ask a server, in a role.",
	.operands = "  NAME   of the key, in the audit log\n"
		    "  FILE   the public key (PEM, JWK), or a client certificate\n",
	.words = NULL,
	.options = add_options,
	.examples = { "assay admin add --role operator ci ci.pub",
	    "assay admin add --role reader auditor auditor.crt" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-admin",
	.run = run_add,
};

const struct command command_admin_rm = {
	.name = "admin rm",
	.arguments = "[options] NAME",
	.summary = "Takes from the holder of a key what it may ask.",
	.operands = "  NAME   of the key\n",
	.words = "",
	.options = admin_done_options,
	.examples = { "assay admin rm ci", "assay admin rm --json ci" },
	.exits = "0 removed, 1 refused or not there, 2 usage, 4 trouble",
	.page = "assay-admin",
	.run = run_rm,
};

const struct command command_admin_rotate = {
	.name = "admin rotate",
	.arguments = "[options] WHAT",
	.summary = "Replaces a key of a server, which goes on serving.",
	.operands = "  WHAT   token (signs results) or master (seals the store)\n",
	.words = "token|master",
	.options = admin_done_options,
	.examples = { "assay admin rotate token", "assay admin rotate master" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-admin",
	.run = run_rotate,
};
