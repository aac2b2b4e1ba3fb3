/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <assay/eventlog.h>
#include <assay/evidence.h>

#include "command.h"
#include "input.h"
#include "json.h"
#include "screen.h"

enum {
	LOGS_MAX = 8,
	TEXT_COLUMN = 8,
	TEXT_SHORT = 240, /* of an event's text, unless -v */
	ROWS_MAX = ASSAY_LOG_BANKS_MAX * ASSAY_LOG_REGISTERS,
	HEAD_SIZE = 4096 + 256, /* the longest path, and what is said of it */
	HEX_SIZE = 2 * ASSAY_LOG_DIGEST_MAX + 1,
};

/* --- files ------------------------------------------------------------------------------- */

/* A file among the operands: a log, or the table that says where one is. */
struct file {
	const char *path; /* as it is shown */
	struct input in;
	bool is_table;
	struct assay_ccel_table table;
	struct assay_log log;
};

static const struct {
	const char *word;
	enum assay_log_kind kind;
} kinds[] = {
	{ "ccel", ASSAY_LOG_CCEL },
	{ "tcg2", ASSAY_LOG_TCG2 },
	{ "ima", ASSAY_LOG_IMA },
	{ "aael", ASSAY_LOG_AAEL },
};

static int
kind_asked(enum assay_log_kind *out, const struct args *args)
{
	const char *word = args_value(args, OPT_KIND);

	*out = ASSAY_LOG_ANY;
	if (word == NULL)
		return 0;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].word, word) == 0)
			*out = kinds[i].kind;
	if (*out == ASSAY_LOG_ANY)
		return misused(
		    args->command, "--kind: \"%s\" is none of ccel, tcg2, ima, aael", word);
	return 0;
}

static bool
is_table(struct assay_bytes in)
{
	return in.len >= 4 && memcmp(in.ptr, "CCEL", 4) == 0;
}

/* A log whose only bank is that of RTMRs, but whose registers look like PCRs: where RTMRs are asked
 * for, its records are held to them, and the one that is wrong is named. */
static bool
is_bent_ccel(const struct assay_log *log)
{
	return log->kind == ASSAY_LOG_TCG2 && log->bank_count == 1 && log->banks[0].size == 48;
}

/* The log that came along in a bundle, in place of the bundle; false if the file is none, or brings
 * none, which *err tells where the file is no log either. */
static bool
take_from_bundle(struct file *f, enum assay_code code, struct assay_error *err)
{
	struct assay_evidence *ev = NULL;
	struct assay_error other;

	if (assay_evidence_parse(&ev, input_bytes(&f->in), &other) != ASSAY_OK)
		return false;
	struct assay_bytes log = assay_evidence_eventlog(ev);
	uint8_t *copy = log.len > 0 ? malloc(log.len) : NULL;
	if (copy != NULL) {
		memcpy(copy, log.ptr, log.len);
		free(f->in.data);
		f->in = (struct input){ copy, log.len };
	} else if (log.len > 0 || code == ASSAY_E_UNSUPPORTED) {
		snprintf(err->text, sizeof err->text, "%s",
		    log.len > 0 ? "out of memory" : "is evidence that brings no event log");
	}
	assay_evidence_free(ev);
	return copy != NULL;
}

static enum assay_code
parse_log(struct file *f, enum assay_log_kind kind, bool cc, struct assay_error *err)
{
	enum assay_code code = assay_log_parse(&f->log, input_bytes(&f->in), kind, err);

	if (code == ASSAY_OK && cc && kind == ASSAY_LOG_ANY && is_bent_ccel(&f->log))
		code = assay_log_parse(&f->log, input_bytes(&f->in), ASSAY_LOG_CCEL, err);
	return code;
}

/* Reads an operand; `cc`: its registers must be RTMRs. */
static int
file_read(
    struct file *f, const struct args *args, const char *path, enum assay_log_kind kind, bool cc)
{
	struct assay_error err;
	enum assay_code code;
	int rc = input_read(args->command, &f->in, path, "an event log");

	f->path = strcmp(path, "-") == 0 ? "standard input" : path;
	if (rc != 0)
		return rc;
	f->is_table = is_table(input_bytes(&f->in));
	if (f->is_table) {
		code = assay_ccel_table_parse(&f->table, input_bytes(&f->in), &err);
	} else {
		code = parse_log(f, kind, cc, &err);
		if (code != ASSAY_OK && take_from_bundle(f, code, &err))
			code = parse_log(f, kind, cc, &err);
	}
	if (code == ASSAY_OK)
		return 0;
	complain(args->command, "%s: %s", f->path, err.text);
	return EXIT_NO;
}

static void
bank_names(char *out, size_t size, const struct assay_log *log)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < log->bank_count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "",
		    assay_log_bank_name(log->banks[i].algorithm));
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static const char *
cc_type_name(unsigned type)
{
	static const char *const names[] = { "none", "AMD SEV", "Intel TDX" };

	return type < sizeof names / sizeof names[0] ? names[type] : "unknown";
}

static void
hex(char out[HEX_SIZE], const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	out[2 * n] = '\0';
}

/* --- show -------------------------------------------------------------------------------- */

static const char *
type_text(char out[16], const struct assay_log *log, const struct assay_log_event *ev)
{
	const char *name = assay_log_type_name(ev->type);

	if (log->kind == ASSAY_LOG_IMA)
		return "IMA";
	if (name != NULL)
		return name;
	snprintf(out, 16, "0x%08x", ev->type);
	return out;
}

/* The bank whose digests are shown without -v: the longest. */
static const struct assay_log_digest *
longest(const struct assay_log_event *ev)
{
	const struct assay_log_digest *best = NULL;

	for (size_t i = 0; i < ev->digest_count; i++)
		if (best == NULL || ev->digests[i].size > best->size)
			best = &ev->digests[i];
	return best;
}

static void
show_digest(struct screen *s, const struct assay_log_digest *d)
{
	char label[24];

	snprintf(label, sizeof label, "    %s", assay_log_bank_name(d->algorithm));
	screen_hex(s, label, (struct assay_bytes){ d->bytes, d->size });
}

static void
show_event(
    struct screen *s, const struct assay_log *log, const struct assay_log_event *ev, bool all)
{
	static const char *const words[] = { "-", "matches", "MISMATCH" };
	char type[16], text[ASSAY_LOG_TEXT_MAX];
	enum assay_log_match match = assay_log_event_match(log, ev);
	size_t before = 0;

	fprintf(s->to, "  %4zu  %-8s  %-32s  ", ev->number,
	    assay_log_register_name(log->cc, ev->reg).text, type_text(type, log, ev));
	screen_coloured(s, match == ASSAY_LOG_MATCH_NO ? RED : PLAIN, words[match]);
	fputc('\n', s->to);
	assay_log_event_text(text, all ? sizeof text : TEXT_SHORT, log, ev);
	screen_pad(s, before, TEXT_COLUMN);
	screen_wrap(s, TEXT_COLUMN, TEXT_COLUMN, text);
	if (!ev->extends)
		fputs("        extends nothing\n", s->to);
	else if (all)
		for (size_t i = 0; i < ev->digest_count; i++)
			show_digest(s, &ev->digests[i]);
	else if (ev->digest_count > 0)
		show_digest(s, longest(ev));
}

/* How many events have a text that is not what was extended, though their type promises it. */
static size_t
count_lies(const struct assay_log *log, size_t *first)
{
	struct assay_log_event ev = { 0 };
	size_t n = 0;

	while (assay_log_next(&ev, log))
		if (assay_log_event_match(log, &ev) == ASSAY_LOG_MATCH_NO && n++ == 0)
			*first = ev.number;
	return n;
}

static void
show_head(struct screen *s, const struct file *f)
{
	const struct assay_log *log = &f->log;
	char head[HEAD_SIZE], banks[128];
	size_t first = 0, bad = count_lies(log, &first);

	bank_names(banks, sizeof banks, log);
	snprintf(head, sizeof head, "%s: %s log, %zu event%s, %s; nothing here is proven", f->path,
	    assay_log_kind_name(log->kind), log->events, plural(log->events), banks);
	screen_wrap(s, 0, 2, head);
	if (bad > 0) {
		snprintf(head, sizeof head,
		    "%zu event%s whose digest is not of the data, though the type promises it; the "
		    "first is %zu",
		    bad, plural(bad), first);
		screen_wrap(s, 0, 2, head);
	}
	fputc('\n', s->to);
	screen_row(s, "log", "%zu of %zu bytes%s", log->used, log->in.len,
	    log->used < log->in.len ? "; the rest is padding" : "");
	if (log->has_header)
		screen_row(s, "header", "Spec ID, version %u.%u errata %u", log->version_major,
		    log->version_minor, log->errata);
	if (log->locality != 0)
		screen_row(s, "locality", "of startup %u", log->locality);
	screen_row(s, "data",
	    "matches: the digest is over the text below it; -: it is over something else, and "
	    "the text proves nothing");
	fputc('\n', s->to);
}

static void
show_table(struct screen *s, const struct file *f)
{
	char head[HEAD_SIZE];

	snprintf(head, sizeof head, "%s: CCEL table, revision %u, checksum right", f->path,
	    f->table.revision);
	screen_wrap(s, 0, 2, head);
	fputc('\n', s->to);
	screen_row(s, "CC type", "%u, %s; subtype %u", f->table.cc_type,
	    cc_type_name(f->table.cc_type), f->table.cc_subtype);
	screen_row(s, "log area", "%llu bytes at least, at 0x%llx",
	    (unsigned long long)f->table.log_length, (unsigned long long)f->table.log_address);
}

static void
show_screen(struct screen *s, const struct file *f, bool all)
{
	struct assay_log_event ev = { 0 };

	if (f->is_table) {
		show_table(s, f);
		return;
	}
	show_head(s, f);
	fputs("    nr  register  type                              data\n", s->to);
	while (assay_log_next(&ev, &f->log))
		show_event(s, &f->log, &ev, all);
}

static void
json_bytes(struct json *j, const char *name, struct assay_bytes b)
{
	char *text = malloc(2 * b.len + 1);

	for (size_t i = 0; text != NULL && i < b.len; i++)
		snprintf(text + 2 * i, 3, "%02x", b.ptr[i]);
	if (text != NULL)
		text[2 * b.len] = '\0';
	if (text != NULL)
		json_text(j, name, text);
	else
		json_raw(j, name, "null");
	free(text);
}

static void
json_event(struct json *j, const struct assay_log *log, const struct assay_log_event *ev)
{
	static const char *const words[] = { "unknown", "yes", "no" };
	char type[16], text[ASSAY_LOG_TEXT_MAX], digest[HEX_SIZE];

	assay_log_event_text(text, sizeof text, log, ev);
	json_open(j, NULL, '{');
	json_uint(j, "number", ev->number);
	json_uint(j, "offset", ev->at);
	json_text(j, "register", assay_log_register_name(log->cc, ev->reg).text);
	json_uint(j, "index", ev->reg);
	json_text(j, "type", type_text(type, log, ev));
	json_bool(j, "extends", ev->extends);
	json_open(j, "digests", '{');
	for (size_t i = 0; i < ev->digest_count; i++) {
		hex(digest, ev->digests[i].bytes, ev->digests[i].size);
		json_text(j, assay_log_bank_name(ev->digests[i].algorithm), digest);
	}
	json_close(j, '}');
	json_text(j, "match", words[assay_log_event_match(log, ev)]);
	json_text(j, "text", text);
	json_bytes(j, "data", ev->data);
	json_close(j, '}');
}

static void
json_head(struct json *j, const struct file *f)
{
	json_text(j, "file", f->path);
	if (f->is_table) {
		json_text(j, "kind", "CCEL table");
		json_uint(j, "revision", f->table.revision);
		json_uint(j, "cc_type", f->table.cc_type);
		json_uint(j, "cc_subtype", f->table.cc_subtype);
		json_uint(j, "log_length", f->table.log_length);
		json_uint(j, "log_address", f->table.log_address);
		return;
	}
	json_text(j, "kind", assay_log_kind_name(f->log.kind));
	json_open(j, "banks", '[');
	for (size_t i = 0; i < f->log.bank_count; i++)
		json_text(j, NULL, assay_log_bank_name(f->log.banks[i].algorithm));
	json_close(j, ']');
	json_uint(j, "size", f->log.in.len);
	json_uint(j, "used", f->log.used);
}

static void
show_json(struct screen *s, const struct file *f)
{
	struct json j = { .to = s->to };
	struct assay_log_event ev = { 0 };

	json_open(&j, NULL, '{');
	json_head(&j, f);
	if (!f->is_table) {
		json_open(&j, "events", '[');
		while (assay_log_next(&ev, &f->log))
			json_event(&j, &f->log, &ev);
		json_close(&j, ']');
	}
	json_close(&j, '}');
	fputc('\n', s->to);
}

static int
show(const struct args *args)
{
	enum assay_log_kind kind;
	struct screen s;
	size_t shown = 0;
	int rc;

	if (!args_operands(args, 1, (size_t)-1))
		return EXIT_USAGE;
	if ((rc = kind_asked(&kind, args)) != 0 || (rc = screen_open(&s, args)) != 0)
		return rc;
	for (size_t i = 0; i < args->operand_count; i++) {
		struct file f = { 0 };
		int one = file_read(&f, args, args->operands[i], kind, false);
		if (one == 0 && args_has(args, OPT_JSON)) {
			show_json(&s, &f);
		} else if (one == 0) {
			if (shown++ > 0)
				fputc('\n', s.to);
			show_screen(&s, &f, args_has(args, OPT_VERBOSE));
		}
		input_clear(&f.in);
		rc = one > rc ? one : rc;
	}
	return screen_close(&s, args_has(args, OPT_QUIET), rc);
}

/* --- replay ------------------------------------------------------------------------------ */

/* What the logs are held against: registers, or another log. */
struct against {
	const char *path; /* NULL: nothing */
	struct input in;
	bool is_log;
	struct assay_registers regs;
	struct assay_log log;
	char kind[256];
	enum assay_code untold; /* the evidence has no registers */
	char why[256];
};

/* One register of one bank, held against the evidence. */
struct row {
	uint16_t algorithm, size;
	unsigned reg;
	struct assay_log_finding finding;
};

struct replay {
	struct file *files;
	size_t file_count;
	struct assay_log logs[LOGS_MAX];
	size_t log_count;
	size_t log_file[LOGS_MAX];
	struct assay_registers regs;
	struct against against;
	struct row *rows;
	size_t row_count;
	enum assay_log_outcome outcome;
};

static int
against_evidence(struct against *a, const struct args *args, struct assay_error *err)
{
	struct assay_evidence *ev = NULL;
	enum assay_code code = assay_evidence_parse(&ev, input_bytes(&a->in), err);

	if (code == ASSAY_E_NOMEM) {
		complain(args->command, "%s: %s", a->path, err->text);
		return EXIT_TROUBLE;
	}
	if (code != ASSAY_OK)
		return EXIT_NO;
	snprintf(a->kind, sizeof a->kind, "%s", assay_evidence_kind(ev));
	a->untold = assay_evidence_registers(&a->regs, ev, err);
	if (a->untold != ASSAY_OK)
		snprintf(a->why, sizeof a->why, "%s", err->text);
	assay_evidence_free(ev);
	return 0;
}

static int
against_read(struct against *a, const struct args *args)
{
	const char *path = args_value(args, OPT_AGAINST);
	struct assay_error err, other;
	int rc;

	if (path == NULL)
		return 0;
	if ((rc = input_read(args->command, &a->in, path, "evidence")) != 0)
		return rc;
	a->path = strcmp(path, "-") == 0 ? "standard input" : path;
	enum assay_code code = assay_registers_parse(&a->regs, input_bytes(&a->in), &err);
	if (code == ASSAY_OK) {
		snprintf(a->kind, sizeof a->kind, "%s",
		    a->in.data[0] == 0x81 ? "TDREPORT" : "list of registers");
		return 0;
	}
	if (code != ASSAY_E_UNSUPPORTED) {
		complain(args->command, "%s: %s", a->path, err.text);
		return EXIT_USAGE;
	}
	if ((rc = against_evidence(a, args, &err)) != EXIT_NO)
		return rc;
	if (assay_log_parse(&a->log, input_bytes(&a->in), ASSAY_LOG_ANY, &other) == ASSAY_OK) {
		snprintf(a->kind, sizeof a->kind, "%s log", assay_log_kind_name(a->log.kind));
		a->is_log = true;
		return 0;
	}
	if (err.code == ASSAY_E_UNSUPPORTED && other.code != ASSAY_E_UNSUPPORTED)
		complain(args->command, "%s: %s", a->path, other.text);
	else if (err.code == ASSAY_E_UNSUPPORTED)
		complain(args->command,
		    "%s: is nothing that a log could be compared with; give evidence, a TDREPORT, "
		    "a list such as rtmr0 = HEX, or another log",
		    a->path);
	else
		complain(args->command, "%s: %s", a->path, err.text);
	return EXIT_NO;
}

static enum assay_code
compare_one(struct replay *r, struct row *row, struct assay_error *err)
{
	if (r->against.is_log)
		return assay_log_differ(&row->finding, r->logs, r->log_count, &r->against.log,
		    row->algorithm, row->reg, err);
	return assay_log_compare(
	    &row->finding, r->logs, r->log_count, &r->against.regs, row->algorithm, row->reg, err);
}

/* MRTD stands in quotes beside the RTMRs, but no event extends it. */
static bool
is_compared(
    const struct assay_registers *regs, const struct assay_register_bank *bank, unsigned reg)
{
	return (bank->known >> reg & 1) != 0 && !(regs->cc && reg == 0);
}

static int
compare(struct replay *r, const struct args *args)
{
	struct assay_registers in_log;
	const struct assay_registers *regs = &r->against.regs;
	struct assay_error err;

	r->outcome = ASSAY_LOG_UNTOLD;
	if (r->against.untold != ASSAY_OK)
		return EXIT_UNTOLD;
	if (r->against.is_log) { /* what either log touches */
		if (assay_log_replay(&in_log, &r->against.log, 1, &err) != ASSAY_OK) {
			complain(args->command, "%s: %s", r->against.path, err.text);
			return EXIT_NO;
		}
		for (size_t b = 0; b < in_log.bank_count; b++)
			for (size_t c = 0; c < r->regs.bank_count; c++)
				if (r->regs.banks[c].algorithm == in_log.banks[b].algorithm)
					in_log.banks[b].known |= r->regs.banks[c].known;
		regs = &in_log;
	}
	r->rows = calloc(ROWS_MAX, sizeof *r->rows);
	if (r->rows == NULL) {
		complain(args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	bool differs = false, untold = false;
	for (size_t b = 0; b < regs->bank_count; b++) {
		for (unsigned reg = 0; reg < ASSAY_LOG_REGISTERS; reg++) {
			struct row *row = &r->rows[r->row_count];
			if (!is_compared(regs, &regs->banks[b], reg))
				continue;
			*row = (struct row){ .algorithm = regs->banks[b].algorithm,
				.size = regs->banks[b].size,
				.reg = reg };
			enum assay_code code = compare_one(r, row, &err);
			if (code == ASSAY_E_USAGE || code == ASSAY_E_FORMAT) {
				complain(args->command, "%s", err.text);
				return EXIT_NO;
			}
			differs = differs || row->finding.outcome == ASSAY_LOG_DIFFERS;
			untold = untold || row->finding.outcome == ASSAY_LOG_UNTOLD;
			r->row_count++;
		}
	}
	if (differs)
		r->outcome = ASSAY_LOG_DIFFERS;
	else if (!untold && r->row_count > 0)
		r->outcome = ASSAY_LOG_EQUAL;
	return differs ? EXIT_NO : r->outcome == ASSAY_LOG_EQUAL ? EXIT_YES : EXIT_UNTOLD;
}

/* --- replay: the answer ------------------------------------------------------------------ */

static const char *
outcome_word(enum assay_log_outcome outcome)
{
	return outcome == ASSAY_LOG_EQUAL  ? "equal"
	    : outcome == ASSAY_LOG_DIFFERS ? "differs"
					   : "undetermined";
}

static void
row_label(char out[32], uint16_t algorithm, bool cc, unsigned reg)
{
	if (cc)
		snprintf(out, 32, "%s", assay_log_register_name(cc, reg).text);
	else
		snprintf(out, 32, "%s %u", assay_log_bank_name(algorithm), reg);
}

static void
print_files(struct screen *s, const struct replay *r)
{
	char banks[128];

	for (size_t i = 0; i < r->file_count; i++) {
		const struct file *f = &r->files[i];
		if (f->is_table) {
			screen_row(s, "table", "%s: %s, log area of %llu bytes at least", f->path,
			    cc_type_name(f->table.cc_type),
			    (unsigned long long)f->table.log_length);
			continue;
		}
		bank_names(banks, sizeof banks, &f->log);
		screen_row(s, "log", "%s: %s, %zu event%s, %s", f->path,
		    assay_log_kind_name(f->log.kind), f->log.events, plural(f->log.events), banks);
		size_t first = 0, lies = count_lies(&f->log, &first);
		if (lies > 0)
			screen_row(s, "MISMATCH",
			    "%zu event%s of it with a text that is not what was extended; the "
			    "first "
			    "is %zu",
			    lies, plural(lies), first);
	}
}

static void
print_registers(struct screen *s, const struct replay *r)
{
	char label[32];

	for (size_t b = 0; b < r->regs.bank_count; b++) {
		const struct assay_register_bank *bank = &r->regs.banks[b];
		for (unsigned reg = 0; reg < ASSAY_LOG_REGISTERS; reg++) {
			row_label(label, bank->algorithm, r->regs.cc, reg);
			if ((bank->untold >> reg & 1) != 0)
				screen_row(s, label, "cannot be told: one log has no %s digests",
				    assay_log_bank_name(bank->algorithm));
			else if ((bank->known >> reg & 1) != 0)
				screen_hex(
				    s, label, (struct assay_bytes){ bank->value[reg], bank->size });
		}
	}
}

/* Registers that the logs extend and the evidence does not have. */
static void
print_left_out(struct screen *s, const struct replay *r)
{
	char text[1024] = "";
	size_t len = 0;

	for (size_t b = 0; b < r->regs.bank_count; b++) {
		const struct assay_register_bank *bank = &r->regs.banks[b];
		for (unsigned reg = 0; reg < ASSAY_LOG_REGISTERS; reg++) {
			bool found = ((bank->known | bank->untold) >> reg & 1) == 0;
			char label[32];
			for (size_t i = 0; i < r->row_count && !found; i++)
				found = r->rows[i].reg == reg &&
				    r->rows[i].algorithm == bank->algorithm;
			if (found)
				continue;
			row_label(label, bank->algorithm, r->regs.cc, reg);
			int n = snprintf(text + len, sizeof text - len, "%s%s",
			    len > 0 ? ", " : "not compared: ", label);
			len += n > 0 && (size_t)n < sizeof text - len ? (size_t)n : 0;
		}
	}
	text[len] = '\0';
	if (len > 0)
		screen_wrap(s, 0, 2, text);
}

/* The sentence without the register's name, which is the label. */
static const char *
behind_name(const char *sentence)
{
	const char *colon = strstr(sentence, ": ");

	return colon != NULL ? colon + 2 : sentence;
}

static void
print_verdict(struct screen *s, const struct replay *r)
{
	const struct against *a = &r->against;
	bool equal = r->outcome == ASSAY_LOG_EQUAL, differs = r->outcome == ASSAY_LOG_DIFFERS;
	const char *word = equal ? "EQUAL" : differs ? "DIFFERS" : "UNDETERMINED";
	char text[HEAD_SIZE];

	screen_coloured(s, equal ? GREEN : differs ? RED : YELLOW, word);
	fputs("  ", s->to);
	if (a->untold != ASSAY_OK)
		snprintf(text, sizeof text, "%s: %s", a->path, a->why);
	else if (a->is_log)
		snprintf(text, sizeof text, "%s %s those of %s",
		    r->log_count > 1 ? "the events of the logs" : "the events of the log",
		    equal         ? "are"
			: differs ? "are not"
				  : "cannot be compared with",
		    a->path);
	else
		snprintf(text, sizeof text, "the %s to the registers of %s",
		    equal ? (r->log_count > 1 ? "logs replay" : "log replays")
			: differs
			? (r->log_count > 1 ? "logs do not replay" : "log does not replay")
			: "log cannot be compared in full",
		    a->path);
	screen_wrap(s, strlen(word) + 2, 2, text);
	screen_wrap(s, 0, 2,
	    a->is_log ? "not checked: either log against registers"
		      : "not checked: the evidence itself (assay verify), and of events without "
			"\"matches\" what their text says (assay log show)");
	if (!a->is_log)
		print_left_out(s, r);
	fputc('\n', s->to);
}

static void
print_rows(struct screen *s, const struct replay *r)
{
	char label[32];

	for (size_t i = 0; i < r->row_count; i++) {
		const struct row *row = &r->rows[i];
		const struct assay_log_finding *f = &row->finding;
		row_label(label, row->algorithm, r->logs[0].cc, row->reg);
		screen_row(s, label, "%s%s",
		    f->outcome == ASSAY_LOG_DIFFERS      ? "DIFFERS: "
			: f->outcome == ASSAY_LOG_UNTOLD ? "cannot be told: "
							 : "",
		    behind_name(f->text));
		if (f->outcome != ASSAY_LOG_DIFFERS)
			continue;
		screen_hex(s, r->against.is_log ? "  this log" : "  replayed",
		    (struct assay_bytes){ f->replayed, row->size });
		screen_hex(s, r->against.is_log ? "  the other" : "  evidence",
		    (struct assay_bytes){ f->expected, row->size });
	}
}

static void
print_replay(struct screen *s, const struct replay *r)
{
	if (r->against.path != NULL) {
		print_verdict(s, r);
		print_rows(s, r);
		if (r->row_count > 0)
			fputc('\n', s->to);
		print_files(s, r);
		screen_row(s, "against", "%s: %s", r->against.path, r->against.kind);
		return;
	}
	fputs("not checked: whether any register has these values (give --against)\n\n", s->to);
	print_files(s, r);
	fputc('\n', s->to);
	print_registers(s, r);
}

static void
json_replay(struct screen *s, const struct replay *r)
{
	struct json j = { .to = s->to };
	char value[HEX_SIZE];

	json_open(&j, NULL, '{');
	json_open(&j, "logs", '[');
	for (size_t i = 0; i < r->file_count; i++) {
		json_open(&j, NULL, '{');
		json_head(&j, &r->files[i]);
		if (!r->files[i].is_table) {
			size_t first = 0;
			json_uint(&j, "events", r->files[i].log.events);
			json_uint(&j, "mismatches", count_lies(&r->files[i].log, &first));
		}
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "registers", '[');
	for (size_t b = 0; b < r->regs.bank_count; b++) {
		const struct assay_register_bank *bank = &r->regs.banks[b];
		for (unsigned reg = 0; reg < ASSAY_LOG_REGISTERS; reg++) {
			if (((bank->known | bank->untold) >> reg & 1) == 0)
				continue;
			hex(value, bank->value[reg], bank->size);
			json_open(&j, NULL, '{');
			json_text(&j, "register", assay_log_register_name(r->regs.cc, reg).text);
			json_uint(&j, "index", reg);
			json_text(&j, "bank", assay_log_bank_name(bank->algorithm));
			json_text_or_null(&j, "value", (bank->untold >> reg & 1) != 0 ? "" : value);
			json_close(&j, '}');
		}
	}
	json_close(&j, ']');
	if (r->against.path == NULL) {
		json_raw(&j, "against", "null");
	} else {
		json_open(&j, "against", '{');
		json_text(&j, "file", r->against.path);
		json_text(&j, "kind", r->against.kind);
		json_text(&j, "outcome", outcome_word(r->outcome));
		if (r->against.untold != ASSAY_OK)
			json_text(&j, "why", r->against.why);
		json_open(&j, "registers", '[');
		for (size_t i = 0; i < r->row_count; i++) {
			const struct row *row = &r->rows[i];
			const struct assay_log_finding *f = &row->finding;
			json_open(&j, NULL, '{');
			json_text(
			    &j, "register", assay_log_register_name(r->logs[0].cc, row->reg).text);
			json_uint(&j, "index", row->reg);
			json_text(&j, "bank", assay_log_bank_name(row->algorithm));
			json_text(&j, "outcome", outcome_word(f->outcome));
			hex(value, f->replayed, row->size);
			json_text(&j, "replayed", value);
			hex(value, f->expected, row->size);
			json_text(&j, "expected", value);
			if (f->event > 0) {
				json_text(&j, "log", r->files[r->log_file[f->log]].path);
				json_uint(&j, "event", f->event);
			} else {
				json_raw(&j, "log", "null");
				json_raw(&j, "event", "null");
			}
			json_text(&j, "detail", f->text);
			json_close(&j, '}');
		}
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, '}');
	fputc('\n', s->to);
}

static int
read_logs(struct replay *r, const struct args *args, enum assay_log_kind kind)
{
	bool cc = r->against.path != NULL && r->against.untold == ASSAY_OK &&
	    (r->against.is_log ? r->against.log.cc : r->against.regs.cc);

	for (size_t i = 0; i < args->operand_count; i++) {
		struct file *f = &r->files[r->file_count++];
		int rc = file_read(f, args, args->operands[i], kind, cc);
		if (rc != 0)
			return rc;
		if (f->is_table)
			continue;
		r->log_file[r->log_count] = i;
		r->logs[r->log_count++] = f->log;
	}
	if (r->log_count == 0)
		return misused(args->command, "only tables were given; name a log as well");
	return 0;
}

static int
replay(const struct args *args)
{
	struct file files[LOGS_MAX] = { 0 };
	struct replay *r = NULL;
	enum assay_log_kind kind;
	struct assay_error err;
	struct screen s;
	int rc;

	if (!args_operands(args, 1, LOGS_MAX))
		return EXIT_USAGE;
	if ((rc = kind_asked(&kind, args)) != 0)
		return rc;
	if ((r = calloc(1, sizeof *r)) == NULL) {
		complain(args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	r->files = files;
	if ((rc = against_read(&r->against, args)) != 0 || (rc = read_logs(r, args, kind)) != 0)
		goto out;
	if (assay_log_replay(&r->regs, r->logs, r->log_count, &err) != ASSAY_OK) {
		complain(args->command, "%s", err.text);
		rc = EXIT_NO;
		goto out;
	}
	if (r->against.path != NULL)
		rc = compare(r, args);
	if (rc == EXIT_TROUBLE || (rc == EXIT_NO && r->outcome != ASSAY_LOG_DIFFERS))
		goto out;
	int opened = screen_open(&s, args);
	if (opened != 0) {
		rc = opened;
		goto out;
	}
	if (args_has(args, OPT_JSON))
		json_replay(&s, r);
	else
		print_replay(&s, r);
	rc = screen_close(&s, args_has(args, OPT_QUIET), rc);
out:
	for (size_t i = 0; i < LOGS_MAX; i++)
		input_clear(&files[i].in);
	input_clear(&r->against.in);
	free(r->rows);
	free(r);
	return rc;
}

/* ----------------------------------------------------------------------------------------- */

#define OPTION_KIND                                                                                \
	{                                                                                          \
		OPT_KIND, 0, "kind", "KIND", false, "ccel|tcg2|ima|aael",                          \
		    "ccel, tcg2, ima or aael; else the bytes tell"                                 \
	}

static const struct option show_options[] = {
	OPTION_KIND,
	OPTION_JSON,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "every bank's digest, and whole texts" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_log_show = {
	.name = "log show",
	.arguments = "[options] LOG...",
	.summary = "Lists the events of a log; proves nothing.",
	.operands = "  LOG    CCEL, TCG 1.2 or 2, AAEL, IMA in ASCII, the CCEL table, or a\n"
		    "         bundle that brings a log\n",
	.words = NULL,
	.options = show_options,
	.examples = { "assay log show /sys/firmware/acpi/tables/data/CCEL",
	    "assay log show --json ccel.bin" },
	.exits = "0 done, 1 a file is no log, or not whole, 2 usage, 4 trouble",
	.page = "assay-log",
	.run = show,
};

static const struct option replay_options[] = {
	{ OPT_AGAINST, 0, "against", "EVIDENCE", false, NULL,
	    "quote, TDREPORT, list, or another log" },
	OPTION_KIND,
	OPTION_JSON,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_log_replay = {
	.name = "log replay",
	.arguments = "[options] LOG...",
	.summary = "Computes registers from logs, and compares them.",
	.operands = "  LOG    a log; several are extended one behind the other, in this order\n",
	.words = NULL,
	.options = replay_options,
	.examples = { "assay log replay --against quote.bin ccel.bin",
	    "assay log replay --against quote.bin ccel.bin ima.txt" },
	.exits = "0 done or equal, 1 differs, 2 usage, 3 cannot tell, 4 trouble",
	.page = "assay-log",
	.run = replay,
};
