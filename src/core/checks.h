/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CORE_CHECKS_H
#define ASSAY_CORE_CHECKS_H

/* How the stages write rows. What a check id means stands in check_table.c. */

#include <assay/checks.h>

#include "core/check_ids.h"
#include "core/core.h"

/*
 * One row. check_that() passes when ok holds and refuses with the sentence otherwise; it returns
 * true when verification may go on as if the check had passed. passed is the detail of a passing
 * row and must be static text: passing costs no formatting.
 */
bool
assay_check_that(struct assay_checks *checks, enum assay_check_id id, bool ok, enum assay_code code,
    const char *passed, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void assay_check_pass(struct assay_checks *checks, enum assay_check_id id, const char *passed);
bool assay_check_fail(struct assay_checks *checks, enum assay_check_id id, enum assay_code code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void assay_check_warn(struct assay_checks *checks, enum assay_check_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Not run, and the verdict does not depend on it: said on the screen. */
void assay_check_skip(struct assay_checks *checks, enum assay_check_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Not run for want of something: makes the verdict undetermined. what and which name it for
 * assay_missing_what(); an item named before is listed once. what may be "" when the lack follows
 * from another row's. what is static text, which is copied. */
void assay_check_need(struct assay_checks *checks, enum assay_check_id id, const char *what,
    const char *which, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Turns a failure reported through err (a parser's refusal) into a failing row. */
bool assay_check_result(struct assay_checks *checks, enum assay_check_id id, enum assay_code rc,
    const struct assay_error *err, const char *passed);
/* The remedy of the last row, when the place knows better than the table. Static text. */
void assay_check_set_fix(struct assay_checks *checks, const char *fix);
/* A row "expect.CLAIM": the only ids that are not in the table. */
bool
assay_check_expect(struct assay_checks *checks, const char *claim, bool ok, const char *detail);

/* The row of a policy's rule. */
struct check_rule {
	int check; /* an enum assay_check_id; -1: the row is "policy.CLAIM" */
	const char *claim;
	int category;
	enum assay_outcome outcome; /* skipped: it is needed */
	const char *detail;         /* copied, but when it is kept: then it outlives the list */
	bool kept;
	const char *fix;          /* static text; NULL: the table's, of a row of the table */
	const char *what, *which; /* of a needed row, as in assay_check_need(); else NULL */
};
/* Adds it. A row of the table that is there already, with outcome and words, is not said twice. */
void assay_check_rule(struct assay_checks *checks, const struct check_rule *rule);
/* Whether the row counts for assay_checks_genuine(). */
bool assay_check_speaks_of_genuine(const struct assay_checks *checks, size_t i);

/* The sentence of the row that decided, for err; returns the verdict. */
enum assay_code assay_checks_conclude(const struct assay_checks *checks, struct assay_error *err);

/* True when the build for `make mutate` was asked to let this check pass; always false elsewhere. */
bool assay_check_suppressed(const char *id);

#endif
