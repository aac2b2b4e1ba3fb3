/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KEEPER_OPS_H
#define ASSAYD_KEEPER_OPS_H

/*
 * What the keeper does for the front. The keeper is the process with the store, the master key, the
 * token keys and the audit chain; it never sees an HTTP request, and no evidence. The front parses
 * strangers' bytes and judges; it has none of those keys but the ticket keys of the hour.
 *
 * Every answer has field 0: u64, the generation of the view, which rises with every change of policies,
 * reference values, collateral or floors, and of token keys and tickets. A token is good as long as
 * nothing of the former has changed since its generation. A status other than DONE has the sentence in field 1.
 * Everything that is asked in one turn of the keeper's loop is one transaction, synced before any of
 * it is answered.
 */

enum keeper_status {
	KEEPER_DONE = 0,
	KEEPER_MALFORMED = 1, /* the front broke the contract */
	KEEPER_TROUBLE = 2,   /* disk, memory: nothing was done, and it may work later */
	KEEPER_TICKET = 3,    /* forged, expired, from the future */
	KEEPER_SPENT = 4,     /* the ticket served another body */
	KEEPER_NO_TOKEN = 5,  /* this session is not attested, or no credential was given */
	KEEPER_TOKEN = 6,     /* expired, foreign, for another audience, older than a policy */
	KEEPER_DENIED =
	    7, /* the policy of the secret does not accept; the sentence says which rule */
	KEEPER_MISSING = 8,   /* there is no such secret, policy, ... */
	KEEPER_ADMIN = 9,     /* no admin token, not signed by an admin key, replayed */
	KEEPER_CONFLICT = 10, /* a version is not the one that was expected; a name is taken */
	KEEPER_KEY = 11,      /* the workload's key cannot be wrapped for */
	KEEPER_ROLE = 12,     /* it is an admin's, whose role is too small */
	KEEPER_UNJUDGED = 13, /* the operator's OPA gave no decision: denied, and written down */
};

enum keeper_op {
	/* -> 1: snapshot, JSON of the form that server/view.c reads (see there) */
	KEEPER_VIEW = 1,
	/*
	 * Spends a ticket.
	 * 0 ticket, its raw bytes          1 SHA-256 of the request body
	 * 2 members of the token (assay_ear_members()), without "assay": the keeper adds that, with the
	 *   accepting policies, the generation, the protocol and the evidence's hash
	 * 3 the workload's key, JWK        4 names of policies that accept, one a line
	 * 5 u64 generation under which it was appraised (an older one than now is taken, but its token will
	 *   release nothing)
	 * 6 audit record, JSON object: {"tee","verdict","evidence":SHA-256 hex,"measurement","rules":[..]};
	 *   tee and evidence must be there
	 * 7 reasons, JSON object: policy name -> the rule that denied
	 * -> 1: token; 2: u64, when it expires. The same ticket and body again: the same token.
	 */
	KEEPER_ATTEST = 2,
	/*
	 * Releases a secret.
	 * 0 ticket of an attested session, raw; or empty   1 bearer token, or empty
	 * 2 path "repo/type/tag"                           3 audit: peer address
	 * Where an OPA is configured, and there only, also what it said to KEEPER_WOULD_RELEASE's claims:
	 * 4 "allowed", "denied" or "trouble"   5 SHA-256 of the claims, as it was asked about them
	 * 6 why, a sentence; empty if allowed
	 * All that KEEPER_WOULD_RELEASE has looked at is looked at again.
	 * -> 1: the JWE; 2: u64 version of the secret
	 */
	KEEPER_RELEASE = 3,
	/* Signs a result that releases nothing: 0 members -> 1: token. Its "aud" is never the broker's. */
	KEEPER_SIGN = 4,
	/*
	 * All that an operator may do (server/keeper/admin.h lists the verbs).
	 * 0 admin token (compact JWS); or empty  1 SHA-256 of the client's certificate key; or empty
	 * 2 method  3 path, with its query  4 SHA-256 of the body: the token is bound to these three
	 * 5 verb, "secret.put"  6 arguments, JSON object  7 the body, where the verb takes one: with a token
	 *   they must be what 2 to 4 say (server/admin/requests.h)
	 * -> 1: JSON answer; or bytes for secret.get
	 */
	KEEPER_ADMIN_DO = 5,
	/* Keeps collateral that was fetched: 0 bytes  1 name -> nothing. The front has found it genuine, and
	 * newer than what it replaces; the same again changes nothing. Of a VCEK: 2 the name of another that
	 * is to go for it; it stays if it was not fetched, but pushed. */
	KEEPER_COLLATERAL = 6,
	/* Floors seen: 0 JSON object {"evaluation":N,"crl":{"CN":N}}; they only rise. */
	KEEPER_FLOORS = 7,
	/*
	 * Whether KEEPER_RELEASE of the fields 0 to 3 would come as far as to the OPA: it refuses what that
	 * refuses, with its row, and releases nothing.
	 * -> 1: the claims of the workload's token, JSON; 2: u64 version of the secret
	 */
	KEEPER_WOULD_RELEASE = 8,
	/* Whether KEEPER_ADMIN_DO of the same fields 0 to 5 would come as far as to its verb. Nothing is done, and
	 * the token is not spent: for the front to ask before it goes to any trouble. -> nothing */
	KEEPER_ADMIN_MAY = 9,
};

#endif
