/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_COLLATERAL_SHELF_H
#define ASSAYD_COLLATERAL_SHELF_H

/*
 * The collateral of a view, found by what is wanted: of each thing the newest item. Made once for a view
 * and const then. What is damaged or signed under no trusted root is not on it; dates are the reader's to
 * look at, but of VCEKs also signatures: there may be thousands, and each was verified when it was kept.
 */

#include <assay/trust.h>

#include "../../cli/want.h"
#include "../kbs/buffer.h"

/* What a thing is called, here and in the store: "tcb_info-tdx-5ac06f000000.json". */
void shelf_key(char out[WANT_NAME], const struct want *w);

struct shelf_item {
	char *key;
	struct want want;
	size_t i; /* of the trust object */
};

struct shelf {
	const struct assay_trust *trust;
	struct shelf_item *items; /* by key */
	size_t count;
	size_t vcek_count;
};

/* trust outlives it. NULL: no memory. */
struct shelf *shelf_new(const struct assay_trust *trust);
void shelf_free(struct shelf *shelf); /* NULL is fine */
/* NULL if it is not there. */
const struct shelf_item *shelf_find(const struct shelf *shelf, const char *key);

/* The certificates that sign a thing, PEM, the signer first and the root last: as they stand in an issuer
 * chain, or in AMD's cert_chain. False if one of them is not there. */
bool shelf_chain(struct buffer *out, const struct shelf *shelf, const struct want *w);

void shelf_put_pem(struct buffer *out, const char *label, struct assay_bytes bytes);

#endif
