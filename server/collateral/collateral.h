/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_COLLATERAL_H
#define ASSAYD_COLLATERAL_H

/*
 * The front's side of the collateral cache: what is there, what is wanted, and what comes of it. It lives
 * on the main thread; workers may look things up and say what they miss, and never wait for it.
 *
 * What the fetcher brings is parsed here, must be what was asked for, signed under a trusted root, not at
 * its end, and not older than what is there; only then the keeper gets it. Each thing is asked for once at
 * a time. What is kept is renewed before it ends, and the floors of its evaluation and CRL numbers rise
 * with it.
 */

#include <assay/evidence.h>

#include "../kbs/buffer.h"
#include "../keeper/keeper.h"
#include "../view.h"
#include "path.h"

struct event_base;
struct collateral;

struct collateral_setup {
	struct event_base *base;    /* the main thread's */
	struct keeper_line *keeper; /* likewise */
	int fetcher;                /* the line to it, owned from now on; -1: nothing is fetched */
	const struct assay_bytes *roots; /* of --trust-root; they outlive it */
	size_t root_count;
	/* An answer of the keeper told a generation. */
	void (*saw)(void *arg, const struct ipc_message *answer);
	void *arg;
};

/* NULL: no memory. */
struct collateral *collateral_new(const struct collateral_setup *setup);
void collateral_free(struct collateral *c); /* NULL is fine */
/* There is a new view. On the main thread. */
void collateral_renew(struct collateral *c, struct view *view);

/* --- from any thread ----------------------------------------------------------------------- */

/* Asks for a thing to be fetched. In how many seconds it makes sense to look again; 0: it will not come. */
int64_t collateral_want(struct collateral *c, const struct want *w);
/* Asks for what a verification lacked, or what lies behind it: called after each that was not accepted,
 * with the claims and rows of it. Evidence that was accepted without a CRL wants it too. A NULL c is fine. */
void collateral_want_for(struct collateral *c, const struct assay_evidence *ev,
    const struct assay_claims *claims, const struct assay_checks *checks);

/* An item for a client: body and chain are made, and freed by the caller with buffer_clear(). 200, 404
 * (not there, or at its end), 410 (a newer one is there than was asked for), 500 (no memory). */
int collateral_get(struct collateral *c, const struct collateral_request *r, int64_t now,
    struct buffer *body, struct buffer *chain);
/* The object of GET /v1/collateral. */
bool collateral_list(struct collateral *c, int64_t now, struct buffer *json);

#endif
