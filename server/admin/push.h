/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_ADMIN_PUSH_H
#define ASSAYD_ADMIN_PUSH_H

/* Collateral that an operator pushes: of each thing the newest is kept, under the name that the fetcher's
 * would have, and all of it must be signed under a trusted root, but for PCK CRLs, whose signer the
 * evidence brings. Such a one is kept where there is none, until one comes with its signer. */

#include <jansson.h>

#include "../kbs/buffer.h"
#include "../view.h"

enum { PUSH_ITEMS_MAX = 512 };

struct push {
	json_t *args;       /* of collateral.put */
	struct buffer body; /* likewise: PEM blocks, thing by thing */
	json_t *answer;     /* {"items":[{"kind","for","until","taken","why"}]} */
};

/*
 * body    A bundle, or one item; any form that assay_trust_add() takes.
 * roots   Of --trust-root, beside the built-in ones.
 * now     Unix seconds: what has ended is not taken.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (no collateral, or too many items), ASSAY_E_SIGNATURE,
 *         ASSAY_E_INCOMPLETE (its signer's certificate is missing), ASSAY_E_EXPIRED (it is dated ahead),
 *         ASSAY_E_NOMEM: then nothing of it is to be kept. The caller clears it either way.
 */
ASSAY_MUST_USE enum assay_code
push_read(struct push *out, const struct view *view, const struct assay_bytes *roots,
    size_t root_count, struct assay_bytes body, int64_t now, struct assay_error *err);
void push_clear(struct push *push);

#endif
