/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_VERDICT_H
#define ASSAY_CLI_VERDICT_H

/* The answer of `assay verify`: for people, or as JSON. */

#include <assay/checks.h>
#include <assay/claims.h>

#include "appraise.h"
#include "screen.h"

/* One check, as it is shown. */
struct row {
	const char *id, *detail, *fix;
	enum assay_outcome outcome;
	enum assay_code code;
	bool needed;
};

struct verdict {
	enum assay_code code, genuine;
	const struct row *rows;
	size_t row_count;
	const struct assay_checks *checks; /* NULL if the evidence could not be read */
	const struct assay_claims *claims; /* likewise */
	const char *command;               /* "verify" */
	const char *path;                  /* of the evidence, as typed */
	const char *kind, *tee, *title;    /* "" if the evidence could not be read */
	const char *policies[POLICIES_MAX];
	size_t policy_count;
	const char *root; /* the --trust-root on which the verdict rests; NULL: none does */
	int64_t now;
	bool clock;            /* now is the clock's */
	bool verbose, explain; /* -v, --explain */
};

void verdict_print(struct screen *s, const struct verdict *v);
void verdict_print_json(struct screen *s, const struct verdict *v);
/* Only the claims. */
void verdict_print_claims(struct screen *s, const struct verdict *v);

/* A claim by its name; "" or false if the evidence does not make it. */
const char *claim_text(const struct assay_claims *claims, const char *name);
bool claim_find(const struct assay_claims *claims, const char *name, size_t *i);

#endif
