/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_COLLATERAL_JUDGE_H
#define ASSAYD_COLLATERAL_JUDGE_H

/* Whether what a service answered is to be kept. */

#include <assay/trust.h>

#include "shelf.h"

enum judgement {
	KEPT,      /* it is what was wanted, and better than what is there */
	UNCHANGED, /* it is there already */
	OLDER,     /* and what is there is newer */
	ENDED,     /* past its end */
	REFUSED,   /* not what was wanted, damaged, or signed by nobody who is trusted */
	NO_MEMORY,
};

struct judged {
	enum judgement what;
	int64_t since, until;
	struct buffer
	    bundle;    /* KEPT: the item and its signers, as PEM blocks; freed by the caller */
	char why[256]; /* if it is not kept */
};

/*
 * want    What was asked for; body, chain: what came. signers: PEM of certificates that are known to be
 *         above it, may be empty.
 * roots   Of --trust-root, beside the built-in ones.
 * shelf   What is there.
 */
void judge(struct judged *out, const struct want *want, struct assay_bytes body,
    struct assay_bytes chain, struct assay_bytes signers, const struct assay_bytes *roots,
    size_t root_count, const struct shelf *shelf, int64_t now);

#endif
