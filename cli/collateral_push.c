/* SPDX-License-Identifier: Apache-2.0 */
/* assay collateral push: for servers that do not fetch it, or have no network. */
#include <stdlib.h>
#include <string.h>

#include <assay/trust.h>

#include "admin.h"
#include "collateral.h"
#include "command.h"

/* One bundle of all operands, of each thing the newest. The caller frees it. */
static int
bundle(const struct args *args, char **text, size_t *len)
{
	struct screen s = { .command = args->command };
	struct assay_trust *trust = NULL;
	struct assay_error err = { .text = "out of memory" };
	int rc = 0;

	if (assay_trust_new(&trust, &err) != ASSAY_OK ||
	    (s.to = open_memstream(text, len)) == NULL) {
		complain(args->command, "%s", err.text);
		assay_trust_free(trust);
		return EXIT_TROUBLE;
	}
	for (size_t i = 0; i < args->operand_count && rc == 0; i++)
		rc = collateral_add(args, trust, args->operands[i], "");
	if (rc == 0)
		collateral_put(&s, trust);
	if (fclose(s.to) != 0 && rc == 0) {
		complain(args->command, "out of memory");
		rc = EXIT_TROUBLE;
	}
	assay_trust_free(trust);
	return rc;
}

/* "taken     TDX TCB info: FMSPC b0c06f000000, until 2025-07-19 10:00:35Z" */
static void
put_items(struct screen *s, const json_t *items)
{
	char text[400], until[TIME_MAX];
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		bool taken = json_is_true(json_object_get(item, "taken"));
		admin_time(until, item, "until");
		snprintf(text, sizeof text, "%.60s: %.200s%s%s%s%.60s", admin_text(item, "kind"),
		    admin_text(item, "for"), until[0] != '\0' ? ", until " : "", until,
		    taken ? "" : ": ", taken ? "" : admin_text(item, "why"));
		fprintf(s->to, "%-8s  ", taken ? "taken" : "left");
		screen_wrap(s, 10, 10, text);
	}
}

static int
push(struct admin *a, struct screen *s)
{
	struct admin_request r = {
		.method = "PUT", .path = "/v1/admin/collateral", .type = "application/octet-stream"
	};
	json_t *root = NULL;
	char *text = NULL;
	size_t len = 0;
	int rc = bundle(a->args, &text, &len);

	if (rc == 0) {
		r.body = (struct assay_bytes){ (const uint8_t *)text, len };
		rc = admin_ask_json(a, &r, &root);
	}
	if (rc == 0 && !admin_json(a, s, root))
		put_items(s, json_object_get(root, "items"));
	json_decref(root);
	free(text);
	return rc;
}

static int
run_push(const struct args *args)
{
	return args_operands(args, 1, (size_t)-1) ? admin_run(args, push) : EXIT_USAGE;
}

static const struct option options[] = {
	OPTIONS_ADMIN,
	OPTION_JSON,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "do not list what was taken" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "name the files that are passed over" },
	OPTION_HELP,
	OPTION_END,
};

const struct command command_collateral_push = {
	.name = "collateral push",
	.arguments = "[options] PATH...",
	.summary = "Gives a server collateral; the newest of each thing stays.",
	.operands = "  PATH   a file, a bundle, or a folder of them; - for standard input\n",
	.words = NULL,
	.options = options,
	.examples = { "assay collateral push collateral/",
	    "assay collateral push --url https://kbs.example platform.bundle" },
	.exits = "0 taken, 1 refused, 2 usage or not genuine, 4 trouble",
	.page = "assay-collateral",
	.run = run_push,
};
