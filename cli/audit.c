/* SPDX-License-Identifier: Apache-2.0 */
/* assay audit: what a server gave to whom, and whether its log is whole. */
#include "audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chain.h"
#include "command.h"
#include "input.h"
#include "json.h"

enum {
	PAGE_ROWS = 500,
	FOLLOW_S = 2,
	SHORT_ID = 8,
	CELL = 300,
	HEAD_MAX = 4096,
	COLUMNS = 3,
};

/* --- rows -------------------------------------------------------------------------------- */

/* "tdx 3fa2b1c0", "127.0.0.1 3fa2b1c0", "first": a session is named by the begin of its id. */
static void
who_of(char out[CELL], const json_t *row)
{
	const char *who = admin_text(row, "who"), *peer = admin_text(row, "peer");
	const char *name = who[0] != '\0' ? who : peer[0] != '\0' ? peer : admin_text(row, "tee");

	snprintf(out, CELL, "%s%s%.*s", name, name[0] != '\0' ? " " : "", SHORT_ID,
	    admin_text(row, "session"));
	for (size_t len = strlen(out); len > 0 && out[len - 1] == ' '; len--)
		out[len - 1] = '\0';
	if (out[0] == '\0')
		snprintf(out, CELL, "assayd");
}

/* "accepted by default, genuine" */
static void
verdicts_of(char out[CELL], const json_t *row)
{
	const json_t *accepted = json_object_get(row, "accepted"), *name;
	size_t i,
	    len = (size_t)snprintf(out, CELL,
		json_array_size(accepted) > 0 ? "accepted by" : "refused by all policies");

	json_array_foreach(accepted, i, name)
	{
		const char *text = json_string_value(name);
		if (text != NULL && len + strlen(text) + 2 < CELL)
			len += (size_t)snprintf(
			    out + len, CELL - len, "%s %s", i > 0 ? "," : "", text);
	}
}

/* "released demo/key/disk", "denied demo/key/disk: RULE", "attest: accepted by default", "secret.put
 * demo/key/disk" */
static void
what_of(char out[2 * CELL], const json_t *row)
{
	const char *verb = admin_text(row, "verb"), *kind = admin_text(row, "kind");
	const char *resource = admin_text(row, "resource"), *name = admin_text(row, "name");
	const char *outcome = admin_text(row, "outcome"), *rule = admin_text(row, "rule");
	const char *second = resource[0] != '\0' ? resource
	    : name[0] != '\0'                    ? name
						 : admin_text(row, "what");
	char verdicts[CELL], items[TIME_MAX];
	int64_t count = admin_number(row, "items");

	if (second[0] == '\0' && count > 0) {
		snprintf(items, sizeof items, "%" PRId64 " item%s", count, count > 1 ? "s" : "");
		second = items;
	}

	if (strcmp(outcome, "token") == 0) {
		verdicts_of(verdicts, row);
		snprintf(out, (size_t)2 * CELL, "%s: %s", kind, verdicts);
		return;
	}
	bool release = strcmp(kind, "release") == 0;
	snprintf(out, (size_t)2 * CELL, "%s%s%.300s%s%.200s",
	    release               ? outcome
		: verb[0] != '\0' ? verb
				  : kind,
	    second[0] != '\0' ? " " : "", second,
	    !release && outcome[0] != '\0' ? ": "
		: rule[0] != '\0'          ? ": "
					   : "",
	    !release && outcome[0] != '\0' ? outcome : rule);
}

static void
put_row(struct table *t, const json_t *row)
{
	char when[TIME_MAX], who[CELL], what[2 * CELL];

	admin_time(when, row, "time");
	who_of(who, row);
	what_of(what, row);
	table_put(t, when[0] != '\0' ? when : "-");
	table_put(t, who);
	table_put(t, what);
}

static void
put_rows(struct table *t, const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		put_row(t, row);
	}
}

static const char *const columns[COLUMNS] = { "when", "who", "what" };

int
audit_put(const struct admin *a, struct screen *s, const json_t *rows)
{
	struct table t;

	table_open(&t, columns, COLUMNS);
	put_rows(&t, rows);
	return admin_table(a, s, &t);
}

/* --- list -------------------------------------------------------------------------------- */

struct listing {
	struct admin *a;
	struct screen *s;
	struct table table;
	bool open, follow;
	int64_t after; /* the last row that was seen */
	char since[TIME_MAX];
};

static int
ask_page(struct listing *l, const char *path, json_t **out)
{
	const char *resource = args_value(l->a->args, OPT_RESOURCE);
	struct admin_request r = { .method = "GET" };
	char number[TIME_MAX];

	snprintf(r.path, sizeof r.path, "%s", path);
	snprintf(number, sizeof number, "%" PRId64, l->after);
	admin_parameter(&r, "after", number);
	snprintf(number, sizeof number, "%d", PAGE_ROWS);
	admin_parameter(&r, "limit", number);
	admin_parameter(&r, "since", l->since[0] != '\0' ? l->since : NULL);
	admin_parameter(&r, "resource", resource);
	return admin_ask_json(l->a, &r, out);
}

static void
show_page(struct listing *l, const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		int64_t seq = admin_number(row, "seq");
		l->after = seq > l->after ? seq : l->after;
		if (args_has(l->a->args, OPT_JSON)) {
			json_dumpf(row, l->s->to, JSON_COMPACT | JSON_ENCODE_ANY);
			fputc('\n', l->s->to);
		} else {
			put_row(&l->table, row);
		}
	}
}

/* What was gathered goes out now, and the next rows are as wide. */
static int
flush(struct listing *l)
{
	int rc = 0;

	if (!args_has(l->a->args, OPT_JSON) && !table_flush(&l->table, l->s)) {
		complain(l->a->args->command, "out of memory");
		rc = EXIT_TROUBLE;
	}
	if (rc == 0 && l->follow)
		rc = screen_flush(l->s);
	return rc;
}

static int
list_pages(struct listing *l)
{
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		json_t *root;
		if ((rc = ask_page(l, "/v1/admin/audit", &root)) == 0) {
			int64_t next = admin_number(root, "next");
			show_page(l, json_object_get(root, "rows"));
			more = next > 0;
			l->after = next > l->after ? next : l->after;
		}
		json_decref(root);
		if (rc == 0 && more)
			rc = admin_again(l->a);
	}
	return rc;
}

static int
list(struct admin *a, struct screen *s)
{
	struct listing l = { .a = a, .s = s, .follow = args_has(a->args, OPT_FOLLOW) };
	const char *since = args_value(a->args, OPT_SINCE);
	int64_t from;

	if (since != NULL && value_time(&from, since))
		snprintf(l.since, sizeof l.since, "%" PRId64, from);
	table_open(&l.table, columns, COLUMNS);
	int rc = list_pages(&l);
	if (rc == 0)
		rc = flush(&l);
	while (rc == 0 && l.follow) {
		const struct timespec pause = { .tv_sec = FOLLOW_S };
		nanosleep(&pause, NULL);
		if ((rc = admin_again(a)) == 0 && (rc = list_pages(&l)) == 0)
			rc = flush(&l);
	}
	table_drop(&l.table);
	return rc;
}

/* --- export ------------------------------------------------------------------------------ */

/* Each part of the log as the server gave it, a line each. */
static int export(struct admin *a, struct screen *s)
{
	struct listing l = { .a = a, .s = s };
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		json_t *root;
		if ((rc = ask_page(&l, "/v1/admin/audit/export", &root)) == 0) {
			json_dumpf(root, s->to, JSON_COMPACT);
			fputc('\n', s->to);
			l.after = admin_number(root, "next");
			more = l.after > 0;
			if (s->output == NULL)
				rc = screen_flush(s);
		}
		json_decref(root);
		if (rc == 0 && more)
			rc = admin_again(a);
	}
	return rc;
}

/* --- verify ------------------------------------------------------------------------------ */

struct inspection {
	const struct args *args;
	struct screen s;
	struct chain chain;
	struct chain_head since;
	char since_jws[HEAD_MAX];
	struct assay_jwks *known;
};

static int
exit_of(const struct inspection *v, const char *where, enum assay_code code)
{
	if (code == ASSAY_OK)
		return 0;
	if (code == ASSAY_E_SIGNATURE)
		return EXIT_NO; /* the answer says why */
	complain(v->args->command, "%s: %s", where, v->chain.why);
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
}

static int
verify_file(struct inspection *v, const char *path)
{
	struct input in = { 0 };
	int rc = input_read_large(v->args->command, &in, path, "an audit log");

	for (size_t at = 0, line = 1; rc == 0 && at < in.len; line++) {
		const uint8_t *start = in.data + at, *end = memchr(start, '\n', in.len - at);
		size_t len = end != NULL ? (size_t)(end - start) : in.len - at;
		json_error_t why;
		json_t *page = json_loadb((const char *)start, len, JSON_REJECT_DUPLICATES, &why);
		if (page == NULL) {
			complain(v->args->command,
			    "%s:%zu: is no line of an audit log (assay audit list --raw writes "
			    "one): %s",
			    path, line, why.text);
			rc = EXIT_USAGE;
		} else {
			rc = exit_of(v, path, chain_add(&v->chain, page));
		}
		json_decref(page);
		at += len + 1;
	}
	if (rc == 0 && in.len == 0) {
		complain(v->args->command,
		    "%s: is empty; assay audit list --raw writes an audit log", path);
		rc = EXIT_USAGE;
	}
	input_clear(&in);
	return rc;
}

static int
verify_pages(struct inspection *v, struct admin *a)
{
	struct listing l = { .a = a, .after = v->chain.since != NULL ? v->since.rows - 1 : 0 };
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		json_t *root;
		if ((rc = ask_page(&l, "/v1/admin/audit/export", &root)) == 0) {
			l.after = admin_number(root, "next");
			more = l.after > 0;
			rc = exit_of(v, a->config.url, chain_add(&v->chain, root));
		}
		json_decref(root);
		if (rc == 0 && more)
			rc = admin_again(a);
	}
	return rc;
}

static int
verify_server(struct inspection *v)
{
	struct admin a;
	int rc = admin_open(&a, v->args);

	if (rc == 0)
		rc = verify_pages(v, &a);
	admin_close(&a);
	/* What the server refused was told, and is no verdict over its log. */
	return rc == EXIT_NO && v->chain.why[0] == '\0' ? EXIT_UNTOLD : rc;
}

/* --since: a head itself, or a file with one. */
static int
read_since(struct inspection *v)
{
	const char *text = args_value(v->args, OPT_SINCE);
	struct input in = { 0 };
	int rc = 0;

	if (text == NULL)
		return 0;
	if (strncmp(text, "ey", 2) == 0 && strchr(text, '.') != NULL)
		snprintf(v->since_jws, sizeof v->since_jws, "%s", text);
	else if ((rc = input_read(v->args->command, &in, text, "a signed head")) == 0)
		snprintf(v->since_jws, sizeof v->since_jws, "%.*s",
		    (int)(in.len < HEAD_MAX ? in.len : HEAD_MAX - 1),
		    in.len > 0 ? (const char *)in.data : "");
	input_clear(&in);
	v->since_jws[strcspn(v->since_jws, " \t\r\n")] = '\0';
	if (rc == 0 && !chain_head_peek(&v->since, v->since_jws)) {
		complain(v->args->command,
		    "--since: %.100s: is no signed head; assay audit verify --raw prints one",
		    text);
		rc = EXIT_USAGE;
	}
	v->chain.since = &v->since;
	v->chain.since_jws = v->since_jws;
	return rc;
}

static int
read_known(struct inspection *v)
{
	const char *path = args_value(v->args, OPT_JWKS);
	struct input in = { 0 };
	struct assay_error err = { .text = "" };

	if (path == NULL)
		return 0;
	int rc = input_read(v->args->command, &in, path, "public keys");
	if (rc == 0) {
		enum assay_code code = admin_public_keys(&v->known, input_bytes(&in), &err);
		if (code != ASSAY_OK) {
			complain(v->args->command, "--jwks: %s: %s", path, err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		}
	}
	v->chain.known = v->known;
	input_clear(&in);
	return rc;
}

static int64_t
uncovered(const struct chain *c)
{
	return c->rows - c->head.rows;
}

static void
print_whole(struct screen *s, const struct chain *c)
{
	char when[TIME_MAX];

	if (c->begun && c->first > 1)
		fprintf(s->to, "rows %" PRId64 " to %" PRId64 ", ", c->first, c->rows);
	else
		fprintf(s->to, "%" PRId64 " row%s, ", c->rows, c->rows == 1 ? "" : "s");
	screen_coloured(s, GREEN, "chain whole");
	fputs(c->met ? ", the head of --since in it\n" : "\n", s->to);
	if (c->heads > 0) {
		value_time_text(when, c->head.time);
		fprintf(s->to, "  heads        %zu; the last over row %" PRId64 ", of %s\n",
		    c->heads, c->head.rows, when);
		screen_row(s, "signed by", "%s, %s", c->kid,
		    c->known != NULL           ? "a key of --jwks"
			: c->since_jws != NULL ? "as the head of --since"
					       : "which the log itself names");
	}
	if (uncovered(c) > 0)
		fprintf(s->to, "  not signed   the last %" PRId64 " rows\n", uncovered(c));
	screen_row(s, "node", "%s", c->node);
}

static void
print_verdict(struct inspection *v, bool whole)
{
	const struct chain *c = &v->chain;
	struct screen *s = &v->s;
	struct json j = { .to = s->to };

	if (args_has(v->args, OPT_RAW)) {
		if (whole && c->head_jws != NULL)
			fprintf(s->to, "%s\n", c->head_jws);
		return;
	}
	if (!args_has(v->args, OPT_JSON)) {
		if (whole) {
			print_whole(s, c);
		} else {
			screen_coloured(s, RED, "BROKEN");
			fputs("  ", s->to);
			screen_wrap(s, 8, 8, c->why);
		}
		return;
	}
	json_open(&j, NULL, '{');
	json_bool(&j, "whole", whole);
	json_uint(&j, "rows", (uint64_t)c->rows);
	json_uint(&j, "heads", c->heads);
	json_uint(&j, "signed", (uint64_t)c->head.rows);
	json_text_or_null(&j, "node", c->node);
	json_text_or_null(&j, "kid", c->kid);
	json_text_or_null(&j, "head", c->head_jws != NULL ? c->head_jws : "");
	json_text_or_null(&j, "why", c->why);
	json_close(&j, '}');
	fputc('\n', s->to);
}

static int
inspect(struct inspection *v)
{
	const struct args *args = v->args;
	int rc;

	if ((rc = read_since(v)) == 0)
		rc = read_known(v);
	if (rc != 0)
		return rc;
	rc = args->operand_count > 0 ? verify_file(v, args->operands[0]) : verify_server(v);
	if (rc == 0 && chain_end(&v->chain) != ASSAY_OK)
		rc = EXIT_NO;
	if (rc == 0 || rc == EXIT_NO)
		print_verdict(v, rc == 0);
	if (rc == EXIT_NO && args_has(args, OPT_RAW))
		complain(args->command, "%s", v->chain.why);
	return rc;
}

/* ----------------------------------------------------------------------------------------- */

static int
run_list(const struct args *args)
{
	const char *since = args_value(args, OPT_SINCE);
	bool raw = args_has(args, OPT_RAW);
	int64_t t;

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	if (raw &&
	    (since != NULL || args_has(args, OPT_RESOURCE) || args_has(args, OPT_FOLLOW) ||
		args_has(args, OPT_JSON)))
		return misused(args->command,
		    "--raw writes the whole log, for assay audit verify; it goes with none of "
		    "--since, --resource, --follow, --json");
	if (args_has(args, OPT_FOLLOW) && args_value(args, OPT_OUTPUT) != NULL)
		return misused(args->command, "--follow and --output: one of the two");
	if (since != NULL && !value_time(&t, since))
		return misused(args->command,
		    "--since: \"%.40s\" is no time; write 2025-07-04T10:16:31Z, 2025-07-04 or now",
		    since);
	return admin_run(args, raw ? export : list);
}

static int
run_verify(const struct args *args)
{
	struct inspection v = { .args = args };
	int rc;

	if (!args_operands(args, 0, 1))
		return EXIT_USAGE;
	if (args_has(args, OPT_JSON) && args_has(args, OPT_RAW))
		return misused(args->command, "--json and --raw: one of the two");
	if ((rc = screen_open(&v.s, args)) != 0)
		return rc;
	rc = inspect(&v);
	bool told = rc == EXIT_YES || rc == EXIT_NO;
	if (!told)
		v.s.output = NULL;
	rc = screen_close(&v.s, !told || args_has(args, OPT_QUIET), rc);
	chain_clear(&v.chain);
	assay_jwks_free(v.known);
	return rc;
}

static const struct option list_options[] = {
	{ OPT_SINCE, 0, "since", "T", false, NULL, "what was from T on, RFC 3339 or a date" },
	{ OPT_RESOURCE, 0, "resource", "PATH", false, NULL, "what was about this secret" },
	{ OPT_FOLLOW, 0, "follow", NULL, false, NULL, "stay, and print what comes" },
	{ OPT_RAW, 0, "raw", NULL, false, NULL, "all rows as they are chained, and the heads" },
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_OUTPUT,
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_audit_list = {
	.name = "audit list",
	.arguments = "[options]",
	.summary = "Lists what a server gave to whom, and what it refused.",
	.operands = "",
	.words = "",
	.options = list_options,
	.examples = { "assay audit list --since 2026-11-20 --resource default/key/disk",
	    "assay audit list --raw -o audit.log" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-audit",
	.run = run_list,
};

static const struct option verify_options[] = {
	{ OPT_SINCE, 0, "since", "HEAD", false, NULL, "a head that was kept, or a file with one" },
	{ OPT_JWKS, 0, "jwks", "FILE", false, NULL,
	    "whose heads are believed (who the log names)" },
	{ OPT_RAW, 0, "raw", NULL, false, NULL, "print the last head, to be kept" },
	OPTIONS_ADMIN,
	OPTION_JSON,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_audit_verify = {
	.name = "audit verify",
	.arguments = "[options] [FILE]",
	.summary = "Says whether an audit log is whole.",
	.operands = "  FILE   of assay audit list --raw (the server's log)\n",
	.words = NULL,
	.options = verify_options,
	.examples = { "assay audit verify --raw -o head",
	    "assay audit verify --since head audit.log" },
	.exits = "0 whole, 1 broken, 2 usage, 3 not shown by the server, 4 trouble",
	.page = "assay-audit",
	.run = run_verify,
};
