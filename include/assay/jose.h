/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_JOSE_H
#define ASSAY_JOSE_H

#include <stdbool.h>

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Keys, signatures and envelopes in JSON (RFC 7515 to 7518, 7638, 8037, 8785), as far as attestation
 * wants them: a handful of algorithms, each key good for one, and no key out of a token's own header
 * is ever believed.
 */

/* A key: public or private. Const once made, shared by threads. */
struct assay_jwk;

/*
 * The algorithms, by their JOSE names. A key has exactly one, said by its "alg" member or, without
 * one, by what it is: ES256 (P-256), ES384 (P-384), EdDSA (Ed25519), RS256 and PS256/PS384 (RSA; only
 * with "alg", verification of others' tokens), ECDH-ES+A256KW (P-256, P-384, P-521; with "alg" or "use":"enc"),
 * RSA-OAEP-256 and RSA1_5 (RSA; with "alg").
 */

/*
 * Reads one JWK (RFC 7517), public or private.
 *
 * json    UTF-8; base64url members of full width; unknown members are passed over.
 * Errors  ASSAY_E_FORMAT (no JWK, point not on the curve, modulus not of 2048 to 4096 bits),
 *         ASSAY_E_UNSUPPORTED (kty, crv or alg other than above), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_jwk_parse(struct assay_jwk **out, struct assay_bytes json, struct assay_error *err);
/* The same, for one who reads many: the engine's numbers of a curve are copied from the key like, if it
 * is on the same one, and not made anew. What is read is the same. */
ASSAY_MUST_USE enum assay_code assay_jwk_parse_like(struct assay_jwk **out, struct assay_bytes json,
    const struct assay_jwk *like, struct assay_error *err);
/* Reads a key in PEM: "PRIVATE KEY" (PKCS#8, not encrypted), "EC PRIVATE KEY", "PUBLIC KEY", or the
 * key of the first "CERTIFICATE". alg: one of the names above, or NULL for the one of its kind. */
ASSAY_MUST_USE enum assay_code assay_jwk_parse_pem(
    struct assay_jwk **out, struct assay_bytes pem, const char *alg, struct assay_error *err);
/* Makes a fresh private key: alg "ES256", "ES384", "EdDSA", "ECDH-ES+A256KW" (P-256), "RSA-OAEP-256"
 * (3072 bits). */
ASSAY_MUST_USE enum assay_code
assay_jwk_make(struct assay_jwk **out, const char *alg, struct assay_error *err);
void assay_jwk_free(struct assay_jwk *key); /* NULL is fine; wipes what is private */

const char *assay_jwk_alg(const struct assay_jwk *key); /* static text */
bool assay_jwk_private(const struct assay_jwk *key);
/* The RFC 7638 thumbprint, SHA-256, and its base64url text, which is our "kid". */
enum { ASSAY_THUMBPRINT_SIZE = 32, ASSAY_KID_TEXT = 44 };
void assay_jwk_thumbprint(uint8_t out[ASSAY_THUMBPRINT_SIZE], const struct assay_jwk *key);
void assay_jwk_kid(char out[ASSAY_KID_TEXT], const struct assay_jwk *key);
/* The public key as compact JSON, members sorted: {"alg","crv","kty","x","y"} or {"alg","e","kty","n"}.
 * With more != NULL, its text of further members is put in (",\"use\":\"sig\""). The caller frees. */
ASSAY_MUST_USE enum assay_code
assay_jwk_json(char **out, const struct assay_jwk *key, const char *more, struct assay_error *err);
/* The private key as PKCS#8 PEM; the caller wipes and frees. */
ASSAY_MUST_USE enum assay_code
assay_jwk_private_pem(char **out, const struct assay_jwk *key, struct assay_error *err);

/* A JWK set (RFC 7517, 5), or one bare JWK. Keys of a set that cannot be used are passed over, but not a
 * private one in which something is wrong; if there are keys and none can be used, the set is refused for
 * the first one's reason. */
struct assay_jwks;
ASSAY_MUST_USE enum assay_code
assay_jwks_parse(struct assay_jwks **out, struct assay_bytes json, struct assay_error *err);
void assay_jwks_free(struct assay_jwks *set); /* NULL is fine */
size_t assay_jwks_count(const struct assay_jwks *set);
const struct assay_jwk *assay_jwks_at(const struct assay_jwks *set, size_t i);

/*
 * Signs a compact JWS. The header is {"alg":..,"kid":..,"typ":TYP} and, if with_jwk, the public key as
 * "jwk" (members as the peers expect: the key's own alg among them); payload is signed as it is.
 * The caller frees. Errors: ASSAY_E_USAGE (the key is no private signing key), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_jws_sign(char **out, const struct assay_jwk *key,
    const char *typ, bool with_jwk, struct assay_bytes payload, struct assay_error *err);

/*
 * Verifies a compact JWS under one of the keys: the one whose kid the header names, or, without a
 * kid, each whose algorithm is the header's. Unknown "crit", "b64", or an algorithm other than the
 * key's are refused; keys in the header ("jwk", "x5c", "jku", "x5u") are never used.
 *
 * typ     What the header's typ must be (compared without case, "application/" put aside); NULL: not
 *         looked at.
 * payload *payload is made, the caller frees it; on ASSAY_OK only.
 * by      Set to the key that verified; may be NULL.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED, ASSAY_E_SIGNATURE, ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_jws_verify(uint8_t **payload, size_t *len,
    const struct assay_jwk **by, const struct assay_jwks *keys, const char *typ,
    struct assay_bytes token, struct assay_error *err);
/* Header and payload without any verification, for showing. The caller frees both. */
ASSAY_MUST_USE enum assay_code assay_jws_peek(char **header, uint8_t **payload, size_t *len,
    struct assay_bytes token, struct assay_error *err);

/* The two forms of a JWE for one recipient (kbs-protocol.md 4). */
enum assay_jwe_form {
	ASSAY_JWE_FLATTENED =
	    0, /* RFC 7516 7.2.2; members and header in the order that peers need */
	ASSAY_JWE_LEGACY =
	    1, /* protocol 0.1.x: header not encoded, no AAD, the tag in the ciphertext */
};
/* Encrypts to a public key of ECDH-ES+A256KW, RSA-OAEP-256 or (legacy form only) RSA1_5. Caller frees. */
ASSAY_MUST_USE enum assay_code assay_jwe_encrypt(char **out, const struct assay_jwk *to,
    enum assay_jwe_form form, struct assay_bytes plain, struct assay_error *err);
/* Decrypts either form with a private key (never RSA1_5); the caller wipes and frees *plain. */
ASSAY_MUST_USE enum assay_code assay_jwe_decrypt(uint8_t **plain, size_t *len,
    const struct assay_jwk *key, struct assay_bytes json, struct assay_error *err);

/* JSON in the canonical form of RFC 8785 (JCS): members sorted by UTF-16 units, ES6 numbers, shortest
 * escapes. Errors: ASSAY_E_FORMAT (no JSON, a name twice, a number that is no double). Caller frees. */
ASSAY_MUST_USE enum assay_code
assay_json_canonical(char **out, struct assay_bytes json, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
