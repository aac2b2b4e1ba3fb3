/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_VIEW_H
#define ASSAYD_VIEW_H

/*
 * What the front judges by: a snapshot of policies, reference values, collateral and keys. Const once
 * made, counted, shared by the workers; a new generation is a new view.
 */

#include <assay/jose.h>
#include <assay/launch.h>
#include <assay/policy.h>
#include <assay/trust.h>

#include "ticket.h"

enum { VIEW_POLICIES_MAX = 256 };

/* The text of a policy that nothing passes. */
extern const char view_no_default[];

struct view_policy {
	const char *name;
	uint64_t version; /* 0: built in */
	const struct assay_policy *policy;
	const char *text;
};

/* A document of reference values whose time is not over. */
struct view_reference {
	const char *name;
	struct assay_bytes document;
};

struct view {
	uint64_t generation;
	const struct assay_trust
	    *trust; /* built-in anchors, the roots of the options, collateral, floors */
	const struct view_policy *policies;
	size_t policy_count;
	/* Refuses all evidence, by view_no_default; stands for the policy default where the store's cannot be read. NULL: it
	 * can. */
	const struct assay_policy *no_default;
	const struct view_reference *references;
	size_t reference_count;
	const struct assay_launch *const *launches; /* records of SEV guests */
	const char *const *launch_names;            /* that they are kept under */
	size_t launch_count;
	struct ticket_keys tickets;
	int64_t ticket_life_s, token_life_s;
	const char *jwks; /* what /.well-known/jwks.json says */
	const char *node; /* what no other server is called: the audience of admin tokens */
	const char *issuer, *audience;
	bool sample;
	int64_t
	    until; /* when a reference value ends, and the view must be read anew; INT64_MAX: never */
};

/*
 * Reads the keeper's snapshot, a JSON object:
 *   {"generation":N, "node","issuer","audience","ticket_life_s","token_life_s","sample":bool,
 *    "tickets":[{"epoch":N,"key":hex}..3], "jwks":{..},
 *    "policies":[{"name","version","text"}], "references":[{"name","version","created",
 *    "document":text,"signer"?,"expires"?}],
 *    "collateral":[{"name","bytes":base64,"fetched"?:true}], "floors":{"evaluation":N,"crl":{CN:N}}}
 * A policy or an item that cannot be read is left out, and said on standard error; what a secret names
 * and is not there accepts nothing. A policy of the store hides the built-in one of its name, also when
 * it cannot be read. A reference value whose time is over (Unix seconds, RFC 3339 or a date) is left out.
 * One that is a launch record is among the launches, if it counts (launches_settle()).
 * roots: files' bytes of --trust-root. min_tcb: NULL, or the AMD floor. now: Unix seconds.
 * NULL: no memory, or no snapshot, and err says why.
 */
struct view *view_read(struct assay_bytes json, const struct assay_bytes *roots, size_t root_count,
    const char *min_tcb, int64_t now, struct assay_error *err);
struct view *view_keep(struct view *view); /* counts one more */
void view_drop(struct view *view);         /* NULL is fine */
const struct view_policy *view_policy(const struct view *view, const char *name); /* NULL: none */
/* Collateral of this name was fetched, and no operator has pushed it. Of VCEKs alone. */
bool view_is_fetched(const struct view *view, const char *name);

#endif
