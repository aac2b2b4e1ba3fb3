/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CHECKS_H
#define ASSAY_CHECKS_H

#include <stdbool.h>

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The list of checks: every stage of an appraisal adds rows, and the verdict is a function of the
 * rows alone. A row has a stable dotted id, an outcome, one sentence, and, when something can be
 * done about it, a remedy.
 *
 * A list has a fixed capacity and never allocates after assay_checks_new(). It is not shared
 * between threads while it is being filled.
 */
struct assay_checks;

enum assay_outcome {
	ASSAY_PASS = 0,
	ASSAY_FAIL = 1,
	ASSAY_WARNING = 2,
	ASSAY_SKIPPED = 3,
};

/* Makes an empty list; the caller frees it with assay_checks_free(). Errors: ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code assay_checks_new(struct assay_checks **out, struct assay_error *err);
void assay_checks_free(struct assay_checks *checks); /* NULL is fine */
/* Empties a list, so that it can serve the next piece of evidence. */
void assay_checks_clear(struct assay_checks *checks);
/* Drops the rows after the first `count`, as when they had not been added. */
void assay_checks_cut(struct assay_checks *checks, size_t count);

/*
 * The verdict: ASSAY_OK accepted; ASSAY_E_INCOMPLETE undetermined (no row failed, but a needed
 * one was skipped, or there is no row at all); otherwise the code of the first row that failed.
 */
ASSAY_MUST_USE enum assay_code assay_checks_verdict(const struct assay_checks *checks);
/* The same over the rows that speak of genuineness (signatures, chains, revocation, identities,
 * dates) and not of what a policy or the caller asked for. */
ASSAY_MUST_USE enum assay_code assay_checks_genuine(const struct assay_checks *checks);

size_t assay_checks_count(const struct assay_checks *checks);
/* Rows in the order in which they were added; i < count. The texts live as long as the list is
 * neither cleared nor freed. */
const char *assay_check_id(const struct assay_checks *checks, size_t i);
enum assay_outcome assay_check_outcome(const struct assay_checks *checks, size_t i);
enum assay_code assay_check_code(const struct assay_checks *checks, size_t i);
const char *assay_check_detail(const struct assay_checks *checks, size_t i);
const char *assay_check_fix(const struct assay_checks *checks, size_t i); /* "" if none */
bool assay_check_needed(const struct assay_checks *checks, size_t i);     /* skipped, and needed */
/* Of a policy's rule its category, the key of the AR4SI trust vector: 0 instance identity, 1
 * configuration, 2 executables, 3 file system, 4 hardware, 5 runtime opaque, 6 storage opaque,
 * 7 sourced data. -1: the row is none of a policy's. */
int assay_check_category(const struct assay_checks *checks, size_t i);

/*
 * What evidence still needs, so that a program can fetch it. Lists the needed rows of `checks`
 * in machine form; call after assay_evidence_verify().
 * what    "TCB info", "QE identity", "PCK CRL", "root CRL", "PCK certificate", "VCEK", ...
 * which   "TDX, FMSPC b0c06f000000"
 */
size_t assay_missing_count(const struct assay_checks *checks);
const char *assay_missing_what(const struct assay_checks *checks, size_t i);
const char *assay_missing_which(const struct assay_checks *checks, size_t i);

/* The word for an outcome: "pass", "fail", "warning", "skipped". Static text. */
const char *assay_outcome_name(enum assay_outcome outcome);

/*
 * What is known of a check id, for `assay explain`. All texts are static.
 * index   0 .. assay_check_info_count() - 1, in the order of the documentation.
 */
struct assay_check_info;
size_t assay_check_info_count(void);
const struct assay_check_info *assay_check_info_at(size_t index);     /* NULL past the end */
const struct assay_check_info *assay_check_info_find(const char *id); /* NULL if unknown */
const char *assay_check_info_id(const struct assay_check_info *info);
const char *
assay_check_info_proves(const struct assay_check_info *info); /* what holds if it passes */
const char *assay_check_info_stops(const struct assay_check_info *info);  /* the attack it stops */
const char *assay_check_info_source(const struct assay_check_info *info); /* manual and section */
const char *
assay_check_info_remedy(const struct assay_check_info *info); /* what to do if it fails */

#ifdef __cplusplus
}
#endif

#endif
