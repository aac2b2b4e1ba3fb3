/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_VERIFIER_ANSWER_H
#define ASSAYD_VERIFIER_ANSWER_H

/* An appraisal as the object of `assay verify --json` (docs/json.md). */

#include <assay/checks.h>
#include <assay/claims.h>

#include "../kbs/buffer.h"

struct appraised {
	enum assay_code code, genuine;
	const char *tee;                   /* NULL: it is no evidence */
	const struct assay_checks *checks; /* NULL likewise: then why says it */
	const struct assay_claims *claims; /* likewise */
	const char *why;
	const char *const *policies; /* those that judged; NULL ends */
	int64_t now;
};

/* "accepted", "refused", "undetermined"; static text. */
const char *answer_word(enum assay_code code);
/* All members, without the brace at the end: more may follow. */
void answer_put(struct buffer *json, const struct appraised *a);

#endif
