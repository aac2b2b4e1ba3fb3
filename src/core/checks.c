/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checks.h"

#include <stdlib.h>
#include <string.h>

#include "core/check_table.h"

enum {
	ROWS_MAX = 192,       /* the longest list so far has 60 */
	TEXT_MAX = 32 * 1024, /* details that were made for a row; a row takes at most 256 */
	SENTENCE_MAX = 256,
};

struct row {
	const char *id;
	const char *detail, *fix;
	const char *what, *which; /* of a needed thing; "" otherwise */
	enum assay_outcome outcome;
	enum assay_code code;
	bool needed, genuine;
	int category; /* of a policy's rule; -1: of none */
};

struct assay_checks {
	struct row rows[ROWS_MAX];
	size_t count;
	char text[TEXT_MAX];
	size_t used;
};

enum assay_code
assay_checks_new(struct assay_checks **out, struct assay_error *err)
{
	struct assay_checks *c = calloc(1, sizeof *c);

	if (c == NULL)
		return assay_fail_nomem(err);
	*out = c;
	return ASSAY_OK;
}

void
assay_checks_free(struct assay_checks *checks)
{
	free(checks);
}

void
assay_checks_clear(struct assay_checks *checks)
{
	checks->count = 0;
	checks->used = 0;
}

/* Where a text ends that is kept in the list; 0 if it is kept elsewhere. */
static size_t
end_of(const struct assay_checks *c, const char *text)
{
	uintptr_t at = (uintptr_t)text, start = (uintptr_t)c->text;

	return at >= start && at - start < TEXT_MAX ? at - start + strlen(text) + 1 : 0;
}

void
assay_checks_cut(struct assay_checks *checks, size_t count)
{
	if (count >= checks->count)
		return;
	checks->count = count;
	checks->used = 0;
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &checks->rows[i];
		const char *const texts[] = { row->id, row->detail, row->fix, row->what,
			row->which };
		for (size_t n = 0; n < sizeof texts / sizeof *texts; n++)
			if (end_of(checks, texts[n]) > checks->used)
				checks->used = end_of(checks, texts[n]);
	}
}

static const char *
keep(struct assay_checks *c, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Keeps a sentence. When the room is spent the sentence goes, never the row: the verdict stands. */
static const char *
keep(struct assay_checks *c, const char *fmt, va_list ap)
{
	char *at = c->text + c->used;
	size_t room = TEXT_MAX - c->used;

	if (room < SENTENCE_MAX)
		return "(no room for the sentence)";
	int n = vsnprintf(at, SENTENCE_MAX, fmt, ap);
	if (n < 0)
		return "";
	c->used += (size_t)n < SENTENCE_MAX ? (size_t)n + 1 : SENTENCE_MAX;
	return at;
}

static const char *
keep_text(struct assay_checks *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static const char *
keep_text(struct assay_checks *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const char *text = keep(c, fmt, ap);
	va_end(ap);
	return text;
}

/* A full list turns its last row into a failure: a verdict must not rest on rows that were lost. */
static struct row *
add(struct assay_checks *c, const char *id, bool genuine, enum assay_outcome outcome,
    enum assay_code code, const char *detail, const char *fix)
{
	if (c->count == ROWS_MAX) {
		outcome = ASSAY_FAIL;
		code = ASSAY_E_UNSUPPORTED;
		detail = "more checks than the list can hold";
		c->count--;
	}
	struct row *row = &c->rows[c->count++];
	*row = (struct row){ .id = id,
		.detail = detail,
		.fix = fix,
		.what = "",
		.which = "",
		.outcome = outcome,
		.code = code,
		.genuine = genuine,
		.category = -1 };
	return row;
}

static struct row *
add_known(struct assay_checks *c, enum assay_check_id id, enum assay_outcome outcome,
    enum assay_code code, const char *detail)
{
	const struct assay_check_info *info = &assay_check_table[id];

	return add(c, info->id, info->genuine, outcome, code, detail,
	    outcome == ASSAY_PASS || outcome == ASSAY_SKIPPED ? "" : info->remedy);
}

bool
assay_check_that(struct assay_checks *checks, enum assay_check_id id, bool ok, enum assay_code code,
    const char *passed, const char *fmt, ...)
{
	if (ok || assay_check_suppressed(assay_check_table[id].id)) {
		add_known(checks, id, ASSAY_PASS, ASSAY_OK, passed);
		return true;
	}
	va_list ap;
	va_start(ap, fmt);
	add_known(checks, id, ASSAY_FAIL, code, keep(checks, fmt, ap));
	va_end(ap);
	return false;
}

void
assay_check_pass(struct assay_checks *checks, enum assay_check_id id, const char *passed)
{
	add_known(checks, id, ASSAY_PASS, ASSAY_OK, passed);
}

bool
assay_check_fail(
    struct assay_checks *checks, enum assay_check_id id, enum assay_code code, const char *fmt, ...)
{
	if (assay_check_suppressed(assay_check_table[id].id)) {
		add_known(checks, id, ASSAY_PASS, ASSAY_OK, "suppressed");
		return true;
	}
	va_list ap;
	va_start(ap, fmt);
	add_known(checks, id, ASSAY_FAIL, code, keep(checks, fmt, ap));
	va_end(ap);
	return false;
}

void
assay_check_warn(struct assay_checks *checks, enum assay_check_id id, const char *fmt, ...)
{
	va_list ap;

	if (assay_check_suppressed(assay_check_table[id].id))
		return;
	va_start(ap, fmt);
	add_known(checks, id, ASSAY_WARNING, ASSAY_OK, keep(checks, fmt, ap));
	va_end(ap);
}

void
assay_check_skip(struct assay_checks *checks, enum assay_check_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_known(checks, id, ASSAY_SKIPPED, ASSAY_OK, keep(checks, fmt, ap));
	va_end(ap);
}

/* Makes a skipped row a needed one. */
static void
need(struct assay_checks *checks, struct row *row, const char *what, const char *which)
{
	row->needed = true;
	if (what[0] != '\0')
		row->fix = keep_text(checks, "bring the %s: %s", what, which);
	for (size_t i = 0; i + 1 < checks->count; i++)
		if (strcmp(checks->rows[i].what, what) == 0 &&
		    strcmp(checks->rows[i].which, which) == 0)
			return;
	row->what = keep_text(checks, "%s", what);
	row->which = keep_text(checks, "%s", which);
}

void
assay_check_need(struct assay_checks *checks, enum assay_check_id id, const char *what,
    const char *which, const char *fmt, ...)
{
	va_list ap;

	if (assay_check_suppressed(assay_check_table[id].id))
		return;
	va_start(ap, fmt);
	need(checks, add_known(checks, id, ASSAY_SKIPPED, ASSAY_OK, keep(checks, fmt, ap)), what,
	    which);
	va_end(ap);
}

bool
assay_check_result(struct assay_checks *checks, enum assay_check_id id, enum assay_code rc,
    const struct assay_error *err, const char *passed)
{
	return assay_check_that(checks, id, rc == ASSAY_OK, rc, passed, "%s", err->text);
}

void
assay_check_set_fix(struct assay_checks *checks, const char *fix)
{
	if (checks->count > 0)
		checks->rows[checks->count - 1].fix = fix;
}

bool
assay_check_expect(struct assay_checks *checks, const char *claim, bool ok, const char *detail)
{
	ok = ok || assay_check_suppressed("expect");
	add(checks, keep_text(checks, "expect.%s", claim), false, ok ? ASSAY_PASS : ASSAY_FAIL,
	    ok ? ASSAY_OK : ASSAY_E_POLICY, keep_text(checks, "%s", detail), "");
	return ok;
}

/* Is this row of the table there, word for word? */
static bool
said(struct assay_checks *c, const char *id, const struct check_rule *rule)
{
	for (size_t i = 0; i < c->count; i++) {
		struct row *row = &c->rows[i];
		if (row->id != id || row->outcome != rule->outcome ||
		    row->needed != (rule->outcome == ASSAY_SKIPPED) ||
		    (row->category != -1 && row->category != rule->category) ||
		    strcmp(row->detail, rule->detail) != 0)
			continue;
		row->category = rule->category;
		return true;
	}
	return false;
}

void
assay_check_rule(struct assay_checks *checks, const struct check_rule *rule)
{
	bool known = rule->check >= 0;
	const struct assay_check_info *info =
	    &assay_check_table[known ? rule->check : CHECK_POLICY_RULE];
	bool suppressed = rule->outcome != ASSAY_PASS && assay_check_suppressed(info->id);
	enum assay_outcome outcome = suppressed ? ASSAY_PASS : rule->outcome;
	bool quiet = outcome == ASSAY_PASS || outcome == ASSAY_SKIPPED;

	if (known && said(checks, info->id, rule))
		return;
	const char *id = known ? info->id : keep_text(checks, "policy.%s", rule->claim);
	const char *detail = rule->kept ? rule->detail : keep_text(checks, "%s", rule->detail);
	const char *fix = quiet ? "" : rule->fix != NULL ? rule->fix : known ? info->remedy : "";
	struct row *row = add(checks, id, false, outcome,
	    outcome == ASSAY_FAIL ? ASSAY_E_POLICY : ASSAY_OK, detail, fix);
	row->category = rule->category;
	if (outcome == ASSAY_SKIPPED)
		need(checks, row, rule->what, rule->which);
}

static const struct row *
deciding(const struct assay_checks *c, bool genuine_only, enum assay_code *verdict)
{
	const struct row *missing = NULL;
	bool any = false;

	for (size_t i = 0; i < c->count; i++) {
		const struct row *row = &c->rows[i];
		if (genuine_only && !row->genuine)
			continue;
		any = true;
		if (row->outcome == ASSAY_FAIL) {
			/* A failure is never OK, whatever code it was given. */
			*verdict = row->code != ASSAY_OK ? row->code : ASSAY_E_FORMAT;
			return row;
		}
		if (row->outcome == ASSAY_SKIPPED && row->needed && missing == NULL)
			missing = row;
	}
	*verdict = missing != NULL || !any ? ASSAY_E_INCOMPLETE : ASSAY_OK;
	return missing;
}

enum assay_code
assay_checks_verdict(const struct assay_checks *checks)
{
	enum assay_code verdict;

	(void)deciding(checks, false, &verdict);
	return verdict;
}

enum assay_code
assay_checks_genuine(const struct assay_checks *checks)
{
	enum assay_code verdict;

	(void)deciding(checks, true, &verdict);
	return verdict;
}

enum assay_code
assay_checks_conclude(const struct assay_checks *checks, struct assay_error *err)
{
	enum assay_code verdict;
	const struct row *row = deciding(checks, false, &verdict);

	if (verdict == ASSAY_OK)
		return ASSAY_OK;
	if (row == NULL)
		return assay_fail(err, verdict, "nothing was checked");
	return assay_fail(err, verdict, "%s: %s", row->id, row->detail);
}

size_t
assay_checks_count(const struct assay_checks *checks)
{
	return checks->count;
}

const char *
assay_check_id(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].id;
}

enum assay_outcome
assay_check_outcome(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].outcome;
}

enum assay_code
assay_check_code(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].code;
}

const char *
assay_check_detail(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].detail;
}

const char *
assay_check_fix(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].fix;
}

bool
assay_check_needed(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].needed;
}

int
assay_check_category(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].category;
}

static const struct row *
missing_at(const struct assay_checks *c, size_t n)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->rows[i].what[0] != '\0' && n-- == 0)
			return &c->rows[i];
	return NULL;
}

size_t
assay_missing_count(const struct assay_checks *checks)
{
	size_t n = 0;

	while (missing_at(checks, n) != NULL)
		n++;
	return n;
}

const char *
assay_missing_what(const struct assay_checks *checks, size_t i)
{
	const struct row *row = missing_at(checks, i);

	return row != NULL ? row->what : "";
}

const char *
assay_missing_which(const struct assay_checks *checks, size_t i)
{
	const struct row *row = missing_at(checks, i);

	return row != NULL ? row->which : "";
}

bool
assay_check_speaks_of_genuine(const struct assay_checks *checks, size_t i)
{
	return checks->rows[i].genuine;
}

const char *
assay_outcome_name(enum assay_outcome outcome)
{
	static const char *const names[] = { "pass", "fail", "warning", "skipped" };

	return (unsigned)outcome < 4 ? names[outcome] : "unknown";
}
