/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TOKEN_INNER_H
#define ASSAY_TOKEN_INNER_H

/* What the readers and writers of tokens share. */

#include <jansson.h>

#include <assay/jose.h>

#include "core/core.h"
#include "crypto/secret.h"

enum {
	TOKEN_MAX = 1 << 20,    /* bytes of a token or a key set */
	HEADER_MAX = 64 * 1024, /* a header, which may hold certificates */
};

/* --- text that grows --------------------------------------------------------------------- */

struct token_text {
	char *ptr;
	size_t len, room;
	bool failed; /* sticky: there was no memory */
};
void assay_token_add(struct token_text *t, struct assay_bytes more);
void assay_token_put(struct token_text *t, const char *more);
/* A JSON string with its quotes, in the shortest escapes (RFC 8785 3.2.2.2). */
void assay_token_string(struct token_text *t, struct assay_bytes utf8);
/* The text with its NUL goes to the caller; ASSAY_E_NOMEM, and nothing is kept, when it failed. */
enum assay_code assay_token_text(char **out, struct token_text *t, struct assay_error *err);

/* --- strict reading ---------------------------------------------------------------------- */

/* jansson's tree of an object without duplicate names. what: "token: header". */
enum assay_code assay_token_object(
    json_t **out, struct assay_bytes text, size_t max, const char *what, struct assay_error *err);
/* base64url without padding. *out has at least one byte; the caller frees. */
enum assay_code assay_token_decode(
    uint8_t **out, size_t *len, struct assay_bytes text, const char *what, struct assay_error *err);
/* The member as text; an empty slice with ptr NULL if it is none. */
struct assay_bytes assay_token_member(const json_t *object, const char *name);

/* --- keys -------------------------------------------------------------------------------- */

enum jwk_use { JWK_SIGN, JWK_AGREE, JWK_OAEP, JWK_PKCS1 };

/* An algorithm: the kind of key that it goes with, and how it is used. */
struct jwk_algorithm {
	const char *name;
	enum assay_pair_kind kind, last; /* from kind to last */
	enum jwk_use use;
	enum assay_signing how; /* of JWK_SIGN */
};

struct assay_jwk {
	const struct jwk_algorithm *alg;
	struct assay_pair pair;
	char *first, *second; /* x, y or n, e in base64url; second is NULL where there is none */
	char kid[ASSAY_KID_TEXT];
	uint8_t thumbprint[ASSAY_THUMBPRINT_SIZE];
	char *named; /* the "kid" that it came with; NULL: none */
};
const char *assay_jwk_crv(const struct assay_jwk *key); /* NULL: RSA */
/* The curve as JOSE names it; ASSAY_PAIR_NONE: another one. */
enum assay_pair_kind assay_jwk_curve(struct assay_bytes crv);

/* --- envelopes --------------------------------------------------------------------------- */

/* What an envelope is made of by chance. Tests give their own. */
struct jwe_chance {
	uint8_t cek[ASSAY_CEK_SIZE], iv[ASSAY_IV_SIZE];
	struct assay_pair ephemeral; /* on the recipient's curve; none for RSA */
};
enum assay_code assay_jwe_seal(char **out, const struct assay_jwk *to, enum assay_jwe_form form,
    struct assay_bytes plain, const struct jwe_chance *chance, struct assay_error *err);
/* Concat KDF of NIST SP 800-56A for ECDH-ES+A256KW (RFC 7518 4.6.2), both parties without a name. */
void assay_jwe_kdf(uint8_t kek[ASSAY_CEK_SIZE], struct assay_bytes z);

#endif
