/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SECRET_H
#define ASSAY_SECRET_H

/*
 * The cryptography that makes something: key pairs, signatures, agreed and wrapped keys, sealed
 * bytes. Keys come as raw numbers, but for the PEM files of an operator. Like crypto.h, it is a
 * boundary: nothing outside src/crypto includes OpenSSL.
 */

#include "crypto/crypto.h"

enum assay_pair_kind {
	ASSAY_PAIR_NONE = 0,
	ASSAY_PAIR_P256,
	ASSAY_PAIR_P384,
	ASSAY_PAIR_P521,
	ASSAY_PAIR_ED25519,
	ASSAY_PAIR_RSA,
};

enum {
	ASSAY_NUMBERS = 8,
	ASSAY_NUMBER_MAX = 512, /* an RSA modulus of 4096 bits */
	ASSAY_FIELD_MAX = 66,   /* P-521 */
	ASSAY_CEK_SIZE = 32,
	ASSAY_IV_SIZE = 12,
	ASSAY_TAG_SIZE = 16,
	ASSAY_WRAPPED_SIZE = ASSAY_CEK_SIZE + 8, /* RFC 3394 */
};

/*
 * The numbers of a key, in the order of the JWK members:
 * EC x, y, d, each of the field's width; Ed25519 x, none, d; RSA n, e, d, p, q, dp, dq, qi.
 * Big-endian. A public key has the first two only.
 */
struct assay_numbers {
	struct assay_bytes at[ASSAY_NUMBERS];
};

/* A key, with or without its private half. Const while it is used; threads may share it. */
struct assay_pair {
	enum assay_pair_kind kind;
	bool private;
	void *handle; /* the engine's own form */
};

size_t assay_pair_width(enum assay_pair_kind kind); /* of x, y and d; 0 for RSA */

/*
 * Fills *pair, which must be clear. Refuses a point that is not on its curve, numbers of another
 * width, an RSA modulus that is even or not of 2048 to 4096 bits, an exponent other than 65537, and
 * private numbers that do not belong to the public ones. like: a key whose curve is copied, if it is
 * the same, because making one costs more; or NULL. Errors: ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED
 * (exponent), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_pair_set(struct assay_pair *pair, enum assay_pair_kind kind,
    const struct assay_numbers *numbers, const struct assay_pair *like, struct assay_error *err);
/* The first key of a PEM text: private (not encrypted), public, or of a certificate, of which
 * nothing is checked. */
ASSAY_MUST_USE enum assay_code
assay_pair_set_pem(struct assay_pair *pair, struct assay_bytes pem, struct assay_error *err);
/* The same of DER and nothing behind it: PrivateKeyInfo (RFC 5208, not encrypted), or
 * SubjectPublicKeyInfo. Errors: as above; ASSAY_E_UNSUPPORTED is also a PrivateKeyInfo of another algorithm
 * or length, and never for want of memory. */
ASSAY_MUST_USE enum assay_code assay_pair_set_der(
    struct assay_pair *pair, struct assay_bytes der, bool private, struct assay_error *err);
/* A fresh one; RSA of 3072 bits. Errors: ASSAY_E_NOMEM, ASSAY_E_IO (no randomness). */
ASSAY_MUST_USE enum assay_code
assay_pair_make(struct assay_pair *pair, enum assay_pair_kind kind, struct assay_error *err);
/* A fresh EC pair on the curve of another, whose form is copied: a new one costs more than the key. */
ASSAY_MUST_USE enum assay_code assay_pair_make_like(
    struct assay_pair *pair, const struct assay_pair *peer, struct assay_error *err);
void assay_pair_clear(struct assay_pair *pair); /* wipes; a zeroed one is fine */

struct assay_public_numbers {
	uint8_t at[2][ASSAY_NUMBER_MAX];
	size_t len[2]; /* 0: there is none */
};
/* The first two numbers. False when the engine failed. */
bool assay_pair_public(struct assay_public_numbers *out, const struct assay_pair *pair);
/* PKCS#8 PEM; the caller wipes and frees. */
ASSAY_MUST_USE enum assay_code
assay_pair_pem(char **out, const struct assay_pair *pair, struct assay_error *err);

/* SubjectPublicKeyInfo, DER; the caller frees. And SHA-256 over it. */
ASSAY_MUST_USE enum assay_code
assay_pair_spki(uint8_t **out, size_t *len, const struct assay_pair *pair, struct assay_error *err);
ASSAY_MUST_USE enum assay_code assay_pair_digest(
    uint8_t out[ASSAY_SHA256_LEN], const struct assay_pair *pair, struct assay_error *err);

/* How a message is signed. EC and Ed25519: by what they are; the digest of EC. */
enum assay_signing {
	ASSAY_SIGN_SHA256,  /* EC; RSASSA-PKCS1-v1_5 */
	ASSAY_SIGN_SHA384,  /* the same */
	ASSAY_SIGN_SHA512,  /* the same */
	ASSAY_SIGN_PLAIN,   /* Ed25519: the message itself */
	ASSAY_SIGN_PSS_256, /* RSASSA-PSS, MGF1 of the same hash, salt of its length */
	ASSAY_SIGN_PSS_384,
};
/* With EC and Ed25519; with RSA for PSS alone. out: r || s, or RSA's; returns its length, 0 when the
 * engine failed. */
size_t assay_pair_sign(uint8_t out[ASSAY_NUMBER_MAX], const struct assay_pair *pair,
    enum assay_signing how, struct assay_bytes message);
bool assay_pair_verify(const struct assay_pair *pair, enum assay_signing how,
    struct assay_bytes message, struct assay_bytes signature);

/* ECDH: the X coordinate, at the field's width, which is returned; 0 when the engine failed or the
 * two are not on one curve. */
size_t assay_pair_agree(
    uint8_t z[ASSAY_FIELD_MAX], const struct assay_pair *own, const struct assay_pair *peer);

enum assay_padding {
	ASSAY_PAD_OAEP_256, /* RSAES-OAEP, SHA-256 for hash and MGF1 */
	ASSAY_PAD_PKCS1,    /* RSAES-PKCS1-v1_5: to encrypt only */
};
/* RSA encryption of a key; returns the length, 0 when the engine failed. */
size_t assay_pair_encrypt(uint8_t out[ASSAY_NUMBER_MAX], const struct assay_pair *pair,
    enum assay_padding padding, const uint8_t cek[ASSAY_CEK_SIZE]);
/* RSA-OAEP-256. */
bool assay_pair_decrypt(
    uint8_t cek[ASSAY_CEK_SIZE], const struct assay_pair *pair, struct assay_bytes in);

/* RFC 3394 with AES-256. False: the engine failed, or (unwrap) the integrity check. */
bool assay_key_wrap(uint8_t out[ASSAY_WRAPPED_SIZE], const uint8_t kek[ASSAY_CEK_SIZE],
    const uint8_t cek[ASSAY_CEK_SIZE]);
bool assay_key_unwrap(uint8_t cek[ASSAY_CEK_SIZE], const uint8_t kek[ASSAY_CEK_SIZE],
    const uint8_t in[ASSAY_WRAPPED_SIZE]);

/* AES-256-GCM. out has the length of in; it is wiped when open() says false. */
bool assay_gcm_seal(uint8_t *out, uint8_t tag[ASSAY_TAG_SIZE], const uint8_t key[ASSAY_CEK_SIZE],
    const uint8_t iv[ASSAY_IV_SIZE], struct assay_bytes aad, struct assay_bytes in);
bool
assay_gcm_open(uint8_t *out, const uint8_t tag[ASSAY_TAG_SIZE], const uint8_t key[ASSAY_CEK_SIZE],
    const uint8_t iv[ASSAY_IV_SIZE], struct assay_bytes aad, struct assay_bytes in);

/* HMAC-SHA-256. False when the engine failed. */
bool assay_hmac_sha256(
    uint8_t out[ASSAY_SHA256_LEN], struct assay_bytes key, struct assay_bytes message);
enum { ASSAY_AES128_SIZE = 16 };
/* AES-128-CTR, both ways; out has the length of in. False when the engine failed. */
bool assay_aes128_ctr(uint8_t *out, const uint8_t key[ASSAY_AES128_SIZE],
    const uint8_t iv[ASSAY_AES128_SIZE], struct assay_bytes in);
/* Compares in a time that says nothing of where the two differ. */
bool assay_same_secret(const uint8_t *a, const uint8_t *b, size_t n);

/*
 * A PrivateKeyInfo (RFC 5208, DER), made fresh (P-256, P-384, P-521, Ed25519). The caller wipes and
 * frees. Errors: ASSAY_E_USAGE (another kind), ASSAY_E_NOMEM (also for want of randomness).
 */
ASSAY_MUST_USE enum assay_code
assay_pkcs8_make(uint8_t **out, size_t *len, enum assay_pair_kind kind, struct assay_error *err);
/*
 * The SubjectPublicKeyInfo (DER) of a PrivateKeyInfo of any algorithm that the engine knows; the caller
 * frees. It is an operator's file. Errors: ASSAY_E_FORMAT (no PrivateKeyInfo, or something behind it),
 * ASSAY_E_UNSUPPORTED (the algorithm is not known, or its public half cannot be told), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_pkcs8_public(uint8_t **out, size_t *len, struct assay_bytes pkcs8, struct assay_error *err);

bool assay_random(uint8_t *out, size_t n); /* for keys */
void assay_wipe(void *p, size_t n);        /* NULL with 0 is fine */

#endif
