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
#include "../view.h"

/* What a thing is called, here and in the store: "tcb_info-tdx-5ac06f000000.json". */
void shelf_key(char out[WANT_NAME], const struct want *w);

/*
 * VCEKs that strangers may have fetched have a number of places. For a new one goes the oldest that never
 * verified anything; if there are few of those, the one that was used longest ago. So who asks for many
 * only takes the places of others who ask, and a fleet's stay. What was there at the start counts as used
 * then.
 */
struct shelf_place {
	bool fetched; /* it has one: it is a VCEK, and no operator has pushed it */
	bool used;    /* a report was verified by it */
	bool leaving; /* the next view lacks it */
	int64_t when; /* it was used last, or came */
};

struct shelf_item {
	char *key;
	struct want want;
	size_t i;      /* of the trust object */
	bool unproven; /* the certificate of its signer is not there */
	struct shelf_place place;
};

struct shelf {
	const struct assay_trust *trust;
	struct shelf_item *items; /* by key */
	size_t count;
};

/* trust outlives it. NULL: no memory. */
struct shelf *shelf_new(const struct assay_trust *trust);
void shelf_free(struct shelf *shelf); /* NULL is fine */
/* NULL if it is not there. */
const struct shelf_item *shelf_find(const struct shelf *shelf, const char *key);

/* The places of a new shelf; old: the one before, NULL at the start. */
void
shelf_settle(struct shelf *shelf, const struct view *view, const struct shelf *old, int64_t now);
/* A report was verified by this VCEK. */
void shelf_use(struct shelf *shelf, const char *key, int64_t now);
/* What goes for one more, and is leaving now; NULL if there is room. coming: how many there will be that
 * are not on the shelf yet, without the new one. most: places; a quarter of them is for those not used. */
const char *shelf_make_place(struct shelf *shelf, size_t coming, size_t most);

/* The certificates that sign a thing, PEM, the signer first and the root last: as they stand in an issuer
 * chain, or in AMD's cert_chain. False if one of them is not there. */
bool shelf_chain(struct buffer *out, const struct shelf *shelf, const struct want *w);

/* A CRL or a document of a time that has not come yet, but for some minutes between two clocks. */
bool shelf_is_early(const struct assay_trust *trust, size_t i, int64_t now);

void shelf_put_pem(struct buffer *out, const char *label, struct assay_bytes bytes);

#endif
