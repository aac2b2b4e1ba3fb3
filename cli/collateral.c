/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "json.h"
#include "screen.h"
#include "value.h"

enum {
	DAY_S = 86400,
	SUBJECT_MAX = 24, /* columns */
	BASE64_ROW = 48,  /* bytes, for 64 columns */
};

/* --- adding ------------------------------------------------------------------------------ */

struct addition {
	const struct args *args;
	struct assay_trust *trust;
	const char *source;
	size_t added;
	bool folder;
};

static int
add_one(void *arg, const char *path, const struct input *in)
{
	struct addition *job = arg;
	const struct command *command = job->args->command;
	struct assay_error err;
	size_t added = 0;
	enum assay_code code = assay_trust_add(job->trust, input_bytes(in), path, &added, &err);

	if (code == ASSAY_OK) {
		job->added += added;
		return 0;
	}
	if (code == ASSAY_E_UNSUPPORTED && job->folder) {
		if (args_has(job->args, OPT_VERBOSE))
			complain(command, "passed over: %s", err.text);
		return 0;
	}
	complain(command, "%s%s", job->source, err.text);
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
}

int
collateral_add(
    const struct args *args, struct assay_trust *trust, const char *path, const char *source)
{
	struct addition job = {
		.args = args, .trust = trust, .source = source, .folder = input_is_folder(path)
	};
	struct input in = { 0 };
	int rc;

	if (job.folder) {
		rc = input_folder(args->command, path, add_one, &job);
		if (rc == 0 && job.added == 0) {
			complain(args->command, "%s%s: holds no collateral", source, path);
			rc = EXIT_USAGE;
		}
		return rc;
	}
	rc = input_read(args->command, &in, path, "collateral");
	if (rc == 0)
		rc = add_one(&job, path, &in);
	input_clear(&in);
	if (rc == 0 && job.added == 0) {
		complain(args->command, "%s%s: holds no collateral", source, path);
		rc = EXIT_USAGE;
	}
	return rc;
}

int
collateral_add_roots(const struct args *args, struct assay_trust *trust)
{
	int rc = 0;

	for (size_t i = 0; i < args->given_count && rc == 0; i++) {
		const char *path = args->given[i].value;
		struct input in = { 0 };
		struct assay_error err;
		if (args->given[i].option->id != OPT_TRUST_ROOT)
			continue;
		rc = input_read(args->command, &in, path, "a root certificate");
		if (rc == 0) {
			enum assay_code code =
			    assay_trust_add_root(trust, input_bytes(&in), path, &err);
			if (code != ASSAY_OK) {
				complain(args->command, "--trust-root: %s", err.text);
				rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
			}
		}
		input_clear(&in);
	}
	return rc;
}

/* A trust object with the roots and all operands in it; the caller frees *trust. */
static int
open_operands(const struct args *args, struct assay_trust **trust)
{
	struct assay_error err;
	int rc;

	if (assay_trust_new(trust, &err) != ASSAY_OK) {
		complain(args->command, "%s", err.text);
		return EXIT_TROUBLE;
	}
	if ((rc = collateral_add_roots(args, *trust)) != 0)
		return rc;
	for (size_t i = 0; i < args->operand_count; i++)
		if ((rc = collateral_add(args, *trust, args->operands[i], "")) != 0)
			return rc;
	return 0;
}

/* --- show -------------------------------------------------------------------------------- */

struct item {
	const char *kind;        /* "TDX TCB info" */
	const char *subject;     /* "FMSPC b0c06f000000" */
	const char *note, *path; /* where it came from */
	int64_t since, until;
	enum assay_code genuine;
	char why[256]; /* it is not */
	size_t index;
};

struct listing {
	struct item *items;
	size_t count;
	int64_t now, within;
	bool clock;  /* now is the clock's */
	bool rooted; /* under a --trust-root as well */
	size_t forged, unsure, ended;
	int64_t until; /* of what ends first */
};

/* What the kind says already goes ("TDX, FMSPC b0c06f000000" of a TDX TCB info), and what is in
 * every Intel name but tells none apart. */
static void
split_subject(struct item *item, const char *kind, const char *subject)
{
	static const char vendor[] = "Intel SGX ";
	const char *comma = strstr(subject, ", ");

	if (comma != NULL && strncmp(kind, subject, (size_t)(comma - subject)) == 0)
		subject = comma + 2;
	item->kind = kind;
	if (strncmp(subject, vendor, sizeof vendor - 1) == 0 &&
	    strcmp(subject, "Intel SGX Root CA") != 0)
		subject += sizeof vendor - 1;
	item->subject = subject;
}

static int
by_until(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->until != y->until)
		return x->until < y->until ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool
fill(struct listing *l, const struct assay_trust *trust)
{
	l->count = assay_trust_count(trust);
	l->items = calloc(l->count + 1, sizeof *l->items);
	if (l->items == NULL)
		return false;
	l->until = INT64_MAX;
	for (size_t i = 0; i < l->count; i++) {
		struct item *item = &l->items[i];
		struct assay_error err = { .text = "" };
		split_subject(
		    item, assay_trust_item_kind(trust, i), assay_trust_item_subject(trust, i));
		item->note = assay_trust_item_note(trust, i);
		item->path = assay_trust_item_name(trust, i);
		item->since = assay_trust_item_since(trust, i);
		item->until = assay_trust_item_until(trust, i);
		item->index = i;
		item->genuine = assay_trust_item_verify(trust, i, &err);
		if (item->genuine != ASSAY_OK)
			snprintf(item->why, sizeof item->why, "%s", err.text);
		l->unsure += item->genuine == ASSAY_E_INCOMPLETE;
		l->forged += item->genuine != ASSAY_OK && item->genuine != ASSAY_E_INCOMPLETE;
		l->ended += item->until != INT64_MAX &&
		    (item->until < l->now || item->until - l->now < l->within);
		if (item->until < l->until)
			l->until = item->until;
	}
	qsort(l->items, l->count, sizeof *l->items, by_until);
	return true;
}

static void
date(char out[TIME_MAX], int64_t t)
{
	value_time_text(out, t);
	if (out[0] != '\0')
		out[10] = '\0';
	else
		snprintf(out, TIME_MAX, "-");
}

/* What the last column says; a lack of proof comes before all else. */
static const char *
remark(const struct listing *l, const struct item *item, bool *bad)
{
	const char *slash = strrchr(item->path, '/');

	*bad = true;
	if (item->genuine == ASSAY_E_INCOMPLETE)
		return "no signer";
	if (item->genuine != ASSAY_OK)
		return "NOT GENUINE";
	if (item->since != INT64_MIN && item->since > l->now)
		return "not yet valid";
	if (item->until < l->now)
		return "ended";
	*bad = false;
	if (item->note[0] != '\0')
		return item->note;
	/* Several of a kind are told apart by their files. */
	for (size_t i = 0; i < l->count; i++)
		if (&l->items[i] != item && strcmp(l->items[i].path, item->path) != 0 &&
		    strcmp(l->items[i].kind, item->kind) == 0 &&
		    strcmp(l->items[i].subject, item->subject) == 0)
			return slash != NULL ? slash + 1 : item->path;
	return "";
}

static size_t
widest(size_t width, const char *text)
{
	size_t n = screen_columns(text);

	return n > width ? n : width;
}

/* A text that is too wide ends in "..."; in JSON it is whole. */
static void
print_cell(struct screen *s, const char *text, size_t width)
{
	char cut[SUBJECT_MAX + 1];
	bool fits = screen_columns(text) <= width;

	snprintf(cut, sizeof cut, "%.*s...", (int)width - 3, text);
	screen_text(s, fits ? text : cut);
	screen_pad(s, screen_columns(fits ? text : cut), width + 2);
}

static void
print_table(struct screen *s, const struct listing *l)
{
	char since[TIME_MAX], until[TIME_MAX], days[TIME_MAX];
	size_t kind = 4, subject = 3;

	for (size_t i = 0; i < l->count; i++) {
		kind = widest(kind, l->items[i].kind);
		subject = widest(subject, l->items[i].subject);
	}
	kind = kind > SUBJECT_MAX ? SUBJECT_MAX : kind;
	subject = subject > SUBJECT_MAX ? SUBJECT_MAX : subject;
	fputs("\n  ", s->to);
	print_cell(s, "item", kind);
	print_cell(s, "for", subject);
	fputs("since       until       days  note\n", s->to);
	for (size_t i = 0; i < l->count; i++) {
		const struct item *item = &l->items[i];
		bool bad = false;
		const char *note = remark(l, item, &bad);
		date(since, item->since);
		date(until, item->until);
		snprintf(days, sizeof days, "-");
		if (item->until != INT64_MAX)
			snprintf(days, sizeof days, "%" PRId64, (item->until - l->now) / DAY_S);
		fputs("  ", s->to);
		print_cell(s, item->kind, kind);
		print_cell(s, item->subject, subject);
		int n = fprintf(s->to, "%-10s  %-10s  %4s", since, until, days);
		size_t at = 2 + kind + 2 + subject + 2 + (size_t)n + 2;
		if (note[0] != '\0')
			fputs("  ", s->to);
		if (bad) {
			screen_coloured(s, RED, note);
			fputc('\n', s->to);
		} else {
			screen_wrap(s, at, at, note);
		}
	}
}

/* Nothing is good of what is not genuine, though its dates may hold. */
static void
print_until(struct screen *s, const struct listing *l)
{
	const char *what = l->forged > 0 ? "dates hold" : "good";
	char when[TIME_MAX], far[TIME_MAX];

	value_time_text(when, l->until);
	value_distance(far, l->now, l->until);
	if (l->until == INT64_MAX) {
		fprintf(s->to, "%s without end", what);
	} else if (l->until < l->now) {
		screen_coloured(s, RED, "ENDED");
		fprintf(s->to, " %s, %s", when, far);
	} else {
		fprintf(s->to, "%s until %s, %s", what, when, far + strlen("in "));
	}
}

/* Of a test platform its owner knows that; whoever does not is not to be talked into its root. */
static void
print_remedy(struct screen *s, const struct listing *l)
{
	static const char text[] = "Refuse what a root signed that is not trusted. Only if it is "
				   "of a test platform of yours, name "
				   "that platform's root with --trust-root.";
	size_t i = 0;

	while (i < l->count && strstr(l->items[i].why, "a root that is not trusted") == NULL &&
	    strstr(l->items[i].why, "by one of AMD's roots") == NULL)
		i++;
	if (i == l->count)
		return;
	fputs("\n  ", s->to);
	screen_wrap(s, 2, 2, text);
}

static void
print_screen(struct screen *s, const struct listing *l)
{
	char text[160];

	if (l->forged > 0) {
		snprintf(text, sizeof text, "%zu NOT GENUINE", l->forged);
		screen_coloured(s, RED, text);
		fputs("; ", s->to);
	}
	print_until(s, l);
	if (l->forged == 0 && l->unsure > 0)
		fprintf(s->to, "; the signer of %zu is not here", l->unsure);
	else if (l->forged == 0)
		fprintf(s->to, "; all signed under %s",
		    l->rooted ? "trusted roots" : "the built-in roots");
	fputc('\n', s->to);
	print_table(s, l);
	for (size_t i = 0, shown = 0; i < l->count; i++) {
		const struct item *item = &l->items[i];
		if (item->genuine == ASSAY_OK || item->genuine == ASSAY_E_INCOMPLETE)
			continue;
		if (shown++ == 0)
			fputc('\n', s->to);
		fputs("  ", s->to);
		screen_coloured(s, RED, "FAIL");
		fputs("  ", s->to);
		snprintf(text, sizeof text, "%s, %s: ", item->kind, item->subject);
		screen_text(s, text);
		screen_wrap(s, 8 + screen_columns(text), 8, item->why);
	}
	print_remedy(s, l);
}

static void
json_time(struct json *j, const char *name, int64_t t)
{
	char text[TIME_MAX];

	value_time_json(text, t);
	json_text_or_null(j, name, text);
}

static void
print_json(struct screen *s, const struct listing *l)
{
	struct json j = { .to = s->to };

	json_open(&j, NULL, '{');
	json_time(&j, "time", l->now);
	json_time(&j, "until", l->until);
	json_open(&j, "items", '[');
	for (size_t i = 0; i < l->count; i++) {
		const struct item *item = &l->items[i];
		json_open(&j, NULL, '{');
		json_text(&j, "kind", item->kind);
		json_text(&j, "for", item->subject);
		json_time(&j, "since", item->since);
		json_time(&j, "until", item->until);
		json_text(&j, "note", item->note);
		json_text(&j, "file", item->path);
		if (item->genuine == ASSAY_E_INCOMPLETE)
			json_raw(&j, "genuine", "null");
		else
			json_bool(&j, "genuine", item->genuine == ASSAY_OK);
		if (item->why[0] != '\0')
			json_text(&j, "why", item->why);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	fputc('\n', s->to);
}

static int
show(const struct args *args)
{
	const char *at = args_value(args, OPT_TIME), *within = args_value(args, OPT_WITHIN);
	struct listing l = { .clock = at == NULL, .rooted = args_has(args, OPT_TRUST_ROOT) };
	struct assay_trust *trust = NULL;
	struct screen s;
	int rc;

	if (!args_operands(args, 1, (size_t)-1))
		return EXIT_USAGE;
	if (!value_time(&l.now, at != NULL ? at : "now"))
		return misused(args->command,
		    "--time: \"%s\" is no time; write 2025-07-04T10:16:31Z, 2025-07-04 or now", at);
	if (within != NULL && !value_duration(&l.within, within))
		return misused(args->command,
		    "--within: \"%s\" is no duration; write a number and ms, s, m, h or d", within);
	if ((rc = open_operands(args, &trust)) != 0)
		goto out;
	if ((rc = screen_open(&s, args)) != 0)
		goto out;
	if (!fill(&l, trust)) {
		complain(args->command, "out of memory");
		rc = screen_close(&s, true, EXIT_TROUBLE);
		goto out;
	}
	if (args_has(args, OPT_JSON))
		print_json(&s, &l);
	else
		print_screen(&s, &l);
	rc = l.forged > 0 || l.ended > 0 ? EXIT_NO : l.unsure > 0 ? EXIT_UNTOLD : EXIT_YES;
	rc = screen_close(&s, args_has(args, OPT_QUIET), rc);
out:
	free(l.items);
	assay_trust_free(trust);
	return rc;
}

/* --- pack -------------------------------------------------------------------------------- */

static void
put_base64(FILE *to, struct assay_bytes in)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < in.len; i += 3) {
		uint32_t group = (uint32_t)in.ptr[i] << 16;
		if (i + 1 < in.len)
			group |= (uint32_t)in.ptr[i + 1] << 8;
		if (i + 2 < in.len)
			group |= in.ptr[i + 2];
		fputc(digits[group >> 18], to);
		fputc(digits[group >> 12 & 63], to);
		fputc(i + 1 < in.len ? digits[group >> 6 & 63] : '=', to);
		fputc(i + 2 < in.len ? digits[group & 63] : '=', to);
		if (i % BASE64_ROW == BASE64_ROW - 3 || i + 3 >= in.len)
			fputc('\n', to);
	}
}

static void
put_item(struct screen *s, const struct assay_trust *trust, size_t i)
{
	const char *label = assay_trust_item_label(trust, i);

	fputs("# ", s->to);
	screen_text(s, assay_trust_item_kind(trust, i));
	fputs(": ", s->to);
	screen_text(s, assay_trust_item_subject(trust, i));
	fprintf(s->to, "\n-----BEGIN %s-----\n", label);
	put_base64(s->to, assay_trust_item_bytes(trust, i));
	fprintf(s->to, "-----END %s-----\n", label);
}

/* True if another item makes this one useless. */
static bool
replaced(const struct assay_trust *trust, size_t i)
{
	for (size_t j = 0; j < assay_trust_count(trust); j++)
		if (j != i && assay_trust_item_replaced(trust, i, j))
			return true;
	return false;
}

void
collateral_put(struct screen *bundle, const struct assay_trust *trust)
{
	for (size_t i = 0; i < assay_trust_count(trust); i++)
		if (!replaced(trust, i))
			put_item(bundle, trust, i);
}

static int
pack(const struct args *args)
{
	const char *output = args_value(args, OPT_OUTPUT);
	struct assay_trust *trust = NULL;
	struct screen bundle, report;
	int rc;

	if (!args_operands(args, 1, (size_t)-1))
		return EXIT_USAGE;
	if (output == NULL)
		return misused(
		    args->command, "-o FILE is missing: name the bundle, or - for standard output");
	if ((rc = open_operands(args, &trust)) != 0 || (rc = screen_open(&bundle, args)) != 0) {
		assay_trust_free(trust);
		return rc;
	}
	report = bundle;
	report.output = NULL;
	report.to = open_memstream(&report.text, &report.len);
	if (report.to == NULL) {
		complain(args->command, "out of memory");
		rc = screen_close(&bundle, true, EXIT_TROUBLE);
		assay_trust_free(trust);
		return rc;
	}
	collateral_put(&bundle, trust);
	for (size_t i = 0; i < assay_trust_count(trust); i++) {
		bool left = replaced(trust, i);
		char text[512];
		snprintf(text, sizeof text, "%s: %s, of %s", assay_trust_item_kind(trust, i),
		    assay_trust_item_subject(trust, i), assay_trust_item_name(trust, i));
		fprintf(report.to, "%-8s  ", left ? "replaced" : "kept");
		screen_wrap(&report, 10, 10, text);
	}
	assay_trust_free(trust);
	bool to_stdout = bundle.output == NULL;
	rc = screen_close(&bundle, false, EXIT_YES);
	/* Where the bundle takes standard output, nothing else may. */
	return screen_close(&report, rc != EXIT_YES || to_stdout || args_has(args, OPT_QUIET), rc);
}

/* ----------------------------------------------------------------------------------------- */

static const struct option show_options[] = {
	OPTION_TIME,
	OPTION_TRUST_ROOT,
	{ OPT_WITHIN, 0, "within", "D", false, NULL,
	    "exit 1 if one ends within D, 7d or 12h (0s)" },
	OPTION_JSON,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "name the files that are passed over" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_collateral_show = {
	.name = "collateral show",
	.arguments = "[options] PATH...",
	.summary = "Lists collateral, whether it is genuine, and when it ends.",
	.operands = "  PATH   a file, a bundle, or a folder of them; - for standard input\n",
	.words = NULL,
	.options = show_options,
	.examples = { "assay collateral show collateral/",
	    "assay collateral show -q --within 7d platform.bundle || renew" },
	.exits = "0 good, 1 one is not genuine or ends, 2 usage, 3 no signer, 4 trouble",
	.page = "assay-collateral",
	.run = show,
};

static const struct option pack_options[] = {
	{ OPT_OUTPUT, 'o', "output", "FILE", false, NULL, "the bundle; needed" },
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "do not list what was kept or replaced" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "name the files that are passed over" },
	OPTION_HELP,
	OPTION_END,
};

const struct command command_collateral_pack = {
	.name = "collateral pack",
	.arguments = "[options] PATH... -o FILE",
	.summary = "Makes one bundle of collateral, of each thing the newest.",
	.operands = "  PATH   a file, a bundle, or a folder of them; - for standard input\n",
	.words = NULL,
	.options = pack_options,
	.examples = { "assay collateral pack collateral/ -o platform.bundle",
	    "assay collateral pack old.bundle new/ -o platform.bundle" },
	.exits = "0 done, 2 usage, 4 trouble",
	.page = "assay-collateral",
	.run = pack,
};
