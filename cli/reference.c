/* SPDX-License-Identifier: Apache-2.0 */
/* assay reference: the values that a server's policies name with '@'. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <assay/launch.h>

#include "admin.h"
#include "command.h"
#include "input.h"
#include "value.h"

static void
reference_path(struct admin_request *r, const char *name)
{
	snprintf(r->path, sizeof r->path, "/v1/admin/references/%s", name);
}

/* --- list -------------------------------------------------------------------------------- */

static int
put_list(struct admin *a, struct screen *s, const json_t *all)
{
	static const char *const names[] = { "reference", "version", "since", "expires", "signer" };
	char when[TIME_MAX];
	struct table t;
	json_t *one;
	size_t i;

	if (json_array_size(all) == 0) {
		fputs(
		    "there are no reference values yet; assay reference push brings them\n", s->to);
		return 0;
	}
	table_open(&t, names, sizeof names / sizeof names[0]);
	json_array_foreach(all, i, one)
	{
		const char *signer = admin_text(one, "signer");
		table_put(&t, admin_text(one, "name"));
		table_putf(&t, "%" PRId64, admin_number(one, "version"));
		admin_time(when, one, "created");
		table_put(&t, when);
		admin_time(when, one, "expires");
		table_put(&t, when[0] != '\0' ? when : "never");
		table_put(&t, signer[0] != '\0' ? signer : "-");
	}
	return admin_table(a, s, &t);
}

static int
list(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "GET", .path = "/v1/admin/references" };
	json_t *root;
	int rc = admin_ask_json(a, &r, &root);

	if (rc == 0 && !admin_json(a, s, root))
		rc = put_list(a, s, json_object_get(root, "references"));
	json_decref(root);
	return rc;
}

/* --- push -------------------------------------------------------------------------------- */

static bool
is_launch(const struct input *in)
{
	json_t *root = json_loadb((const char *)in->data, in->len, 0, NULL);
	bool is = json_object_get(root, "launch") != NULL;

	json_decref(root);
	return is;
}

/* A launch record carries its signature, and is sent as it is. */
static enum assay_code
check_launch(const struct input *in, const struct assay_jwks *keys, char signer[ASSAY_KID_TEXT],
    struct assay_error *err)
{
	struct assay_launch *launch = NULL;
	enum assay_code code = assay_launch_parse(&launch, input_bytes(in), keys, err);

	if (code == ASSAY_OK)
		assay_jwk_kid(signer, assay_launch_signed_by(launch));
	assay_launch_free(launch);
	return code;
}

static enum assay_code
open_jws(struct input *in, const struct assay_jwks *keys, char signer[ASSAY_KID_TEXT],
    struct assay_error *err)
{
	struct input document = { 0 };
	const struct assay_jwk *by;

	while (in->len > 0 && strchr(" \r\n", in->data[in->len - 1]) != NULL)
		in->len--;
	enum assay_code code =
	    assay_jws_verify(&document.data, &document.len, &by, keys, NULL, input_bytes(in), err);
	if (code == ASSAY_OK) {
		assay_jwk_kid(signer, by);
		input_clear(in);
		*in = document;
	}
	return code;
}

/* The document out of a compact JWS that the key of --signer made, in place of the JWS; signer is told
 * to the server as the key's thumbprint. */
static int
unwrap(const struct args *args, struct input *in, char signer[ASSAY_KID_TEXT])
{
	const char *path = args_value(args, OPT_SIGNER);
	struct input file = { 0 };
	struct assay_error err = { .text = "" };
	struct assay_jwks *keys = NULL;

	signer[0] = '\0';
	if (path == NULL)
		return 0;
	int rc = input_read(args->command, &file, path, "a public key");
	if (rc == 0) {
		enum assay_code code = admin_public_keys(&keys, input_bytes(&file), &err);
		if (code == ASSAY_OK) {
			code = is_launch(in) ? check_launch(in, keys, signer, &err)
					     : open_jws(in, keys, signer, &err);
			path = args->operands[args->operand_count - 1];
		}
		if (code != ASSAY_OK) {
			complain(args->command, "%s: %s", path, err.text);
			rc = code == ASSAY_E_NOMEM      ? EXIT_TROUBLE
			    : code == ASSAY_E_SIGNATURE ? EXIT_NO
							: EXIT_USAGE;
		}
	}
	assay_jwks_free(keys);
	input_clear(&file);
	return rc;
}

/* The name that the document has of its own; false: none that could be one. */
static bool
own_name(const struct input *in, char out[ADMIN_NAME + 1])
{
	json_t *root = json_loadb((const char *)in->data, in->len, 0, NULL);
	const json_t *launch = json_object_get(root, "launch");
	const char *name = admin_text(launch != NULL ? launch : root, "name");

	snprintf(out, ADMIN_NAME + 1, "%s", name);
	bool ok = name[0] != '\0' && strlen(name) <= ADMIN_NAME;
	json_decref(root);
	return ok;
}

static int
push_document(struct admin *a, struct screen *s, const struct input *in, const char *signer)
{
	const struct args *args = a->args;
	struct admin_request r = {
		.method = "PUT", .type = "application/json", .body = input_bytes(in)
	};
	char name[ADMIN_NAME + 1];
	json_t *root;

	if (args->operand_count == 2)
		snprintf(name, sizeof name, "%s", args->operands[0]);
	else if (!own_name(in, name))
		return misused(args->command, "%s: says no name of its own; give NAME before it",
		    args->operands[0]);
	if (!admin_name(args, "reference values", name))
		return EXIT_USAGE;
	reference_path(&r, name);
	admin_parameter(&r, "signer", signer[0] != '\0' ? signer : NULL);
	admin_parameter(&r, "expires", args_value(args, OPT_EXPIRES));
	int rc = admin_ask_json(a, &r, &root);
	if (rc == 0 && !admin_json(a, s, root)) {
		screen_text(s, admin_text(root, "name"));
		fprintf(s->to, ": version %" PRId64 "\n", admin_number(root, "version"));
	}
	json_decref(root);
	return rc;
}

static int
push(struct admin *a, struct screen *s)
{
	const struct args *args = a->args;
	const char *expires = args_value(args, OPT_EXPIRES);
	struct input in = { 0 };
	char signer[ASSAY_KID_TEXT];
	int64_t ends;

	if (args->operand_count == 2 && !admin_name(args, "reference values", args->operands[0]))
		return EXIT_USAGE;
	if (expires != NULL && !value_time(&ends, expires))
		return misused(args->command,
		    "--expires: \"%.40s\" is no time; write 2027-07-04T10:16:31Z or 2027-07-04",
		    expires);
	int rc = input_read(
	    args->command, &in, args->operands[args->operand_count - 1], "reference values");
	if (rc == 0)
		rc = unwrap(args, &in, signer);
	if (rc == 0)
		rc = push_document(a, s, &in, signer);
	input_clear(&in);
	return rc;
}

/* --- rm ---------------------------------------------------------------------------------- */

static int
rm(struct admin *a, struct screen *s)
{
	struct admin_request r = { .method = "DELETE" };

	reference_path(&r, a->args->operands[0]);
	return admin_remove(a, s, &r);
}

/* ----------------------------------------------------------------------------------------- */

static int
run_list(const struct args *args)
{
	return args_operands(args, 0, 0) ? admin_run(args, list) : EXIT_USAGE;
}

static int
run_push(const struct args *args)
{
	return args_operands(args, 1, 2) ? admin_run(args, push) : EXIT_USAGE;
}

static int
run_rm(const struct args *args)
{
	if (!args_operands(args, 1, 1) || !admin_name(args, "reference values", args->operands[0]))
		return EXIT_USAGE;
	return admin_run(args, rm);
}

const struct command command_reference_list = {
	.name = "reference list",
	.arguments = "[options]",
	.summary = "Lists the reference values of a server.",
	.operands = "",
	.words = "",
	.options = admin_list_options,
	.examples = { "assay reference list", "assay reference list --json" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-reference",
	.run = run_list,
};

static const struct option push_options[] = {
	{ OPT_EXPIRES, 0, "expires", "T", false, NULL, "from then on they match nothing (never)" },
	{ OPT_SIGNER, 0, "signer", "FILE", false, NULL,
	    "FILE is a JWS, and this public key made it" },
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_QUIET_DONE,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_reference_push = {
	.name = "reference push",
	.arguments = "[options] [NAME] FILE",
	.summary = "Gives a server reference values for its policies.",
	.operands = "  NAME   under which they are kept (the document's own)\n"
		    "  FILE   as assay measure --as prints it; - for standard input\n",
	.words = NULL,
	.options = push_options,
	.examples = { "assay reference push web.json",
	    "assay reference push --signer build.pub web web.jws" },
	.exits = "0 taken, 1 refused, 2 usage or no such document, 4 trouble",
	.page = "assay-reference",
	.run = run_push,
};

const struct command command_reference_rm = {
	.name = "reference rm",
	.arguments = "[options] NAME",
	.summary = "Removes reference values from a server.",
	.operands = "  NAME   under which they are kept\n",
	.words = "",
	.options = admin_done_options,
	.examples = { "assay reference rm web", "assay reference rm --json web" },
	.exits = "0 removed, 1 refused or not there, 2 usage, 4 trouble",
	.page = "assay-reference",
	.run = run_rm,
};
