/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <assay/checks.h>

#include "command.h"
#include "json.h"
#include "screen.h"

static const char *
id_at(const void *arg, size_t n)
{
	const struct assay_check_info *info = assay_check_info_at(n);

	(void)arg;
	return info != NULL ? assay_check_info_id(info) : NULL;
}

/* "expect.measurement" is explained with "expect". */
static const struct assay_check_info *
find(const char *id)
{
	if (strncmp(id, "expect.", 7) == 0)
		id = "expect";
	return assay_check_info_find(id);
}

static void
print_ids(struct screen *s, bool as_json)
{
	struct json j = { .to = s->to };

	if (as_json) {
		json_open(&j, NULL, '{');
		json_open(&j, "checks", '[');
	}
	for (size_t i = 0; i < assay_check_info_count(); i++) {
		if (as_json)
			json_text(&j, NULL, id_at(NULL, i));
		else
			fprintf(s->to, "%s\n", id_at(NULL, i));
	}
	if (as_json) {
		json_close(&j, ']');
		json_close(&j, '}');
		fputc('\n', s->to);
	}
}

static void
print_json(struct screen *s, const struct assay_check_info *info)
{
	struct json j = { .to = s->to };

	json_open(&j, NULL, '{');
	json_text(&j, "id", assay_check_info_id(info));
	json_text(&j, "proves", assay_check_info_proves(info));
	json_text(&j, "stops", assay_check_info_stops(info));
	json_text(&j, "source", assay_check_info_source(info));
	json_text(&j, "remedy", assay_check_info_remedy(info));
	json_close(&j, '}');
	fputc('\n', s->to);
}

static void
print_screen(struct screen *s, const struct assay_check_info *info)
{
	fprintf(s->to, "%s\n\n", assay_check_info_id(info));
	screen_row(s, "proves", "%s", assay_check_info_proves(info));
	screen_row(s, "stops", "%s", assay_check_info_stops(info));
	screen_row(s, "source", "%s", assay_check_info_source(info));
	screen_row(s, "remedy", "%s", assay_check_info_remedy(info));
}

static int
run(const struct args *args)
{
	const struct assay_check_info *info = NULL;
	struct screen s;
	int rc;

	if (!args_operands(args, 0, 1))
		return EXIT_USAGE;
	if (args->operand_count == 1 && (info = find(args->operands[0])) == NULL) {
		const char *near = nearest(args->operands[0], id_at, NULL);
		if (near != NULL)
			return misused(args->command, "there is no check \"%s\"; did you mean %s?",
			    args->operands[0], near);
		return misused(args->command, "there is no check \"%s\"; assay explain lists them",
		    args->operands[0]);
	}
	if ((rc = screen_open(&s, args)) != 0)
		return rc;
	if (info == NULL)
		print_ids(&s, args_has(args, OPT_JSON));
	else if (args_has(args, OPT_JSON))
		print_json(&s, info);
	else
		print_screen(&s, info);
	return screen_close(&s, false, EXIT_YES);
}

static const struct option options[] = { OPTION_JSON, OPTION_OUTPUT, OPTION_HELP, OPTION_END };

const struct command command_explain = {
	.name = "explain",
	.arguments = "[options] [CHECK-ID]",
	.summary = "Tells what a check proves, and what to do if it fails.",
	.operands = "  CHECK-ID   as verify prints it; without it, all ids are listed\n",
	.words = NULL,
	.options = options,
	.examples = { "assay explain dcap.qe_identity.dates", "assay explain" },
	.exits = "0 done, 2 usage, 4 trouble",
	.page = "assay-explain",
	.run = run,
};
