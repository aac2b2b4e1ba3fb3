/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TOKEN_H
#define ASSAY_TOKEN_H

#include <assay/checks.h>
#include <assay/claims.h>
#include <assay/jose.h>
#include <assay/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Attestation results as EAR (EAT Attestation Result) tokens: draft-ietf-rats-ear, AR4SI.
 */

enum assay_ear_profile {
	ASSAY_EAR_DEPLOYED = 0, /* dotted names, as the peers have them */
	ASSAY_EAR_IETF = 1,     /* names of the IETF draft of 2026 */
};

/* AR4SI tiers, the worst of a vector being the status. */
enum assay_tier {
	ASSAY_TIER_NONE = 0,
	ASSAY_TIER_AFFIRMING = 2,
	ASSAY_TIER_WARNING = 32,
	ASSAY_TIER_CONTRAINDICATED = 96,
};
const char *assay_tier_name(enum assay_tier tier); /* "affirming"; static text */

/* The trust vector (AR4SI): one value for each category, in the order of its keys 0 to 7. */
enum { ASSAY_TRUST_VECTOR = 8 };
const char *assay_trust_vector_name(size_t i); /* "instance-identity"; static text */
/* The vector that follows from the rows of an appraisal: checks of the verifier give hardware (and 99
 * where cryptography failed), rules of policies their category. */
void assay_trust_vector(int8_t out[ASSAY_TRUST_VECTOR], const struct assay_checks *checks);
enum assay_tier assay_trust_vector_tier(const int8_t vector[ASSAY_TRUST_VECTOR]);

/* All that goes into an EAR. Texts are JSON unless said otherwise; borrowed; NULL leaves a member out. */
struct assay_ear {
	enum assay_ear_profile profile;
	const struct assay_checks *checks; /* the appraisal: status and vector follow from it */
	const char *policies[8];           /* names of the policies that were asked; NULL ends */
	const char *nonce;                 /* eat_nonce: plain text */
	const char *key;                   /* cnf.jwk: the workload's public key, a JWK */
	const char *annotated;             /* annotated evidence, an object */
	const char *submods;               /* further ones, beside cpu0: ",\"gpu0\":{...}" */
	const char *more;                  /* further members, ",\"assay\":{...}" */
};
/* The members of an EAR without the braces around and without iss, aud, iat, nbf, exp and jti:
 * "\"eat_profile\":...,...". What signs it adds those. The caller frees. */
ASSAY_MUST_USE enum assay_code
assay_ear_members(char **out, const struct assay_ear *ear, struct assay_error *err);

/* Who says it, to whom, and how long it holds. Plain texts. */
struct assay_ear_frame {
	const char *issuer, *audience; /* audience may be NULL */
	const char *id;                /* jti */
	int64_t issued, expires;       /* Unix seconds; expires: 300 s later by default */
};
/* Puts frame and members together and signs: a JWT of typ "JWT" with the key's kid and, as the peers
 * have it, its jwk. The caller frees. */
ASSAY_MUST_USE enum assay_code assay_ear_sign(char **token, const struct assay_ear_frame *frame,
    const char *members, const struct assay_jwk *key, struct assay_error *err);

/* --- reading ----------------------------------------------------------------------------- */

/* What an EAR says of one part of the attester. */
struct assay_result_part {
	const char *name;     /* "cpu0" */
	const char *policies; /* as it names them, joined with ","; "" if it does not */
	enum assay_tier status;
	int8_t vector[ASSAY_TRUST_VECTOR]; /* zeros if it has none */
};

/* An EAR that was read: texts live as long as it, and are "" where the member is absent. audience and
 * nonce may be lists there: these are joined with ",". */
struct assay_result {
	enum assay_ear_profile profile; /* which family of names it uses */
	const char *profile_text;
	const char *issuer, *audience, *id, *nonce, *developer, *build;
	bool has_issued, has_not_before, has_expires;
	int64_t issued, not_before, expires; /* Unix seconds */
	const struct assay_result_part *parts;
	size_t part_count;
	bool has_status; /* of the token as a whole, beside those of its parts */
	enum assay_tier status;
};

/*
 * Reads the claims of an EAR, which are the payload of a JWT: either family of names. Proves nothing:
 * assay_jws_verify() gives the payload and says whose it is.
 *
 * Errors  ASSAY_E_FORMAT (also a status that is better than its own trust vector, or the token's than
 *         that of a part),
 *         ASSAY_E_UNSUPPORTED (a profile that is not known, nested tokens), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_result_parse(struct assay_result **out, struct assay_bytes payload, struct assay_error *err);
void assay_result_free(struct assay_result *result); /* NULL is fine */

/*
 * Whether a result affirms, at this time and of this challenge: every part of it is affirming,
 * and so is the token's own status, if it has one.
 *
 * now     Unix seconds. iat and nbf may be up to a minute ahead of it; exp may not be reached.
 * nonce   The challenge's bytes; eat_nonce, or one of its list, is these, or hex or base64 of them.
 *         Empty: not compared.
 * Errors  ASSAY_E_EXPIRED; ASSAY_E_POLICY (another nonce; a status of warning or contraindicated);
 *         ASSAY_E_INCOMPLETE (no exp, a status of none).
 */
ASSAY_MUST_USE enum assay_code assay_result_check(const struct assay_result *result, int64_t now,
    struct assay_bytes nonce, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
