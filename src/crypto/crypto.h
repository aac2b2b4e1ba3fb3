/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CRYPTO_H
#define ASSAY_CRYPTO_H

/*
 * The whole cryptographic boundary: hashes, prepared public keys, signature verification. Nothing
 * outside src/crypto and src/tls includes OpenSSL. No X.509, PEM, SPKI or EVP decoder is behind
 * it: keys come as raw points and moduli.
 */

#include "core/core.h"

enum { ASSAY_SHA256_LEN = 32, ASSAY_SHA384_LEN = 48, ASSAY_SHA512_LEN = 64, ASSAY_DIGEST_MAX = 64 };

void assay_sha256(uint8_t out[ASSAY_SHA256_LEN], struct assay_bytes in);
void assay_sha384(uint8_t out[ASSAY_SHA384_LEN], struct assay_bytes in);
void assay_sha512(uint8_t out[ASSAY_SHA512_LEN], struct assay_bytes in);
void assay_sha512_two(uint8_t out[ASSAY_SHA512_LEN], struct assay_bytes a, struct assay_bytes b);
/* Over a then b, as if they stood side by side. */
void assay_sha256_two(uint8_t out[ASSAY_SHA256_LEN], struct assay_bytes a, struct assay_bytes b);

/* SHA-256 and SHA-384 over parts that do not stand side by side. On the caller's stack; nothing to
 * free. */
struct assay_sha256_stream {
	_Alignas(16) unsigned char state[128]; /* the engine's own form */
};
void assay_sha256_start(struct assay_sha256_stream *s);
void assay_sha256_more(struct assay_sha256_stream *s, struct assay_bytes in);
void assay_sha256_end(uint8_t out[ASSAY_SHA256_LEN], struct assay_sha256_stream *s);
struct assay_sha384_stream {
	_Alignas(16) unsigned char state[224]; /* the engine's own form */
};
void assay_sha384_start(struct assay_sha384_stream *s);
void assay_sha384_more(struct assay_sha384_stream *s, struct assay_bytes in);
void assay_sha384_end(uint8_t out[ASSAY_SHA384_LEN], struct assay_sha384_stream *s);

/* How a signature is made: key, hash, padding. */
enum assay_scheme {
	ASSAY_SCHEME_NONE = 0,
	ASSAY_ECDSA_P256_SHA256, /* signature r || s, 2 x 32 bytes, big-endian */
	ASSAY_ECDSA_P384_SHA384, /* r || s, 2 x 48 */
	ASSAY_ECDSA_P384_SHA256, /* r || s, 2 x 48: the legacy SEV certificates */
	ASSAY_RSA_PSS_SHA384,    /* 4096 bits; MGF1 of the same hash, salt of its length */
	ASSAY_RSA_PSS_SHA256,    /* 2048 bits: Naples */
};

enum assay_key_kind {
	ASSAY_KEY_NONE = 0,
	ASSAY_KEY_P256, /* raw: x || y, 64 bytes, big-endian */
	ASSAY_KEY_P384, /* raw: x || y, 96 bytes */
	ASSAY_KEY_RSA,  /* raw: modulus, 256 or 512 bytes, big-endian; the exponent is 65537 */
};

/* A public key as it stands in a certificate: borrowed. Comparing two is comparing their bytes. */
struct assay_public {
	enum assay_key_kind kind;
	struct assay_bytes raw;
};
bool assay_public_equal(struct assay_public a, struct assay_public b);

/* A public key made ready for many verifications. Const while it verifies; threads may share it. */
struct assay_key {
	struct assay_public public; /* borrows from whatever it was prepared from */
	void *handle;               /* the engine's own form */
};

/*
 * Makes a key ready. *key is zeroed, or an earlier key: an EC key of the same curve is pointed at the
 * new point, which costs a fiftieth of a verification where a new curve costs a fifth.
 *
 * Refuses a point that is not on its curve or not of its size, and a modulus that is even, of
 * another length than 2048 or 4096 bits; *key is then clear. Errors: ASSAY_E_FORMAT, ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_key_prepare(struct assay_key *key, struct assay_public from, struct assay_error *err);
void assay_key_clear(struct assay_key *key); /* a zeroed key is fine */

/* The digest that a scheme signs; returns its length. */
size_t
assay_scheme_digest(uint8_t out[ASSAY_DIGEST_MAX], enum assay_scheme scheme, struct assay_bytes in);
enum assay_key_kind assay_scheme_key(enum assay_scheme scheme);

/*
 * True if signature is key's over digest under scheme: key of the scheme's kind, digest and
 * signature of the scheme's lengths, 1 <= r, s < n. False for everything else, without a reason.
 */
bool assay_key_verify(const struct assay_key *key, enum assay_scheme scheme,
    struct assay_bytes digest, struct assay_bytes signature);

#endif
