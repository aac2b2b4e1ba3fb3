/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_PKI_H
#define SIM_PKI_H

/*
 * The simulator's own PKI: keys, a DER writer, certificates and CRLs in the vendors' formats.
 * Nothing here is shared with the verifier: a forger that shares code with its judge proves
 * nothing. Every field of everything can be bent, so that a forgery is wrong in exactly one place.
 *
 * The simulator has no errors to hand on: what cannot go on stops with a message.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- memory: everything made lives until sim_reset() or sim_free() ------------------------- */

struct sim; /* keys, memory, and a random generator that depends on the seed alone */
struct sim_bytes {
	uint8_t *ptr;
	size_t len;
};

struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *sim);
void sim_reset(struct sim *sim); /* frees all bytes; the keys stay */
/* For one request of a machine at work: has memory but no seed and no keys. It signs with live
 * keys and fresh nonces. Freed by sim_free(). */
struct sim *sim_scratch(void);
void *sim_alloc(struct sim *sim, size_t size);
_Noreturn void sim_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct sim_buf { /* grows; its bytes belong to sim */
	struct sim *sim;
	uint8_t *ptr;
	size_t len, room;
};
void sim_put(struct sim_buf *b, const void *bytes, size_t n);
void sim_put_bytes(struct sim_buf *b, struct sim_bytes bytes);
void sim_put_zero(struct sim_buf *b, size_t n);
void sim_put_u16(struct sim_buf *b, uint16_t v); /* little-endian, as all that follow */
void sim_put_u32(struct sim_buf *b, uint32_t v);
void sim_put_u64(struct sim_buf *b, uint64_t v);
void sim_put_text(struct sim_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_put_hex(struct sim_buf *b, const void *bytes, size_t n);
struct sim_bytes sim_taken(const struct sim_buf *b);

/* Bytes that are only read. */
struct sim_bytes sim_view(const void *bytes, size_t n);
struct sim_bytes sim_copy(struct sim *sim, const void *bytes, size_t n);
struct sim_bytes sim_text(struct sim *sim, const char *text); /* without the NUL */
struct sim_bytes sim_join(struct sim *sim, struct sim_bytes a, struct sim_bytes b);
/* The first occurrence of `from` replaced; dies if there is none. */
struct sim_bytes
sim_replace(struct sim *sim, struct sim_bytes in, const char *from, const char *to);
/* "-----BEGIN label-----" and so on. */
struct sim_bytes sim_pem(struct sim *sim, const char *label, struct sim_bytes der);
void sim_store_u16(uint8_t *at, uint16_t v);
void sim_store_u32(uint8_t *at, uint32_t v);
void sim_store_u64(uint8_t *at, uint64_t v);

/* --- keys, digests, signatures -------------------------------------------------------------- */

enum sim_kind { SIM_P256, SIM_P384, SIM_RSA2048, SIM_RSA4096 };
struct sim_key {
	enum sim_kind kind;
	char label[64];
	uint8_t raw[512]; /* x || y, or the modulus; big-endian */
	size_t raw_len;
	uint8_t id[20]; /* the subject key identifier, as the vendor makes it */
	void *pkey;
	void *live; /* the same key outside the seeded library, or NULL */
};
/* The same seed, kind and label give the same key. RSA keys are the constants of test_keys.c,
 * the same for every seed. */
const struct sim_key *sim_key(struct sim *sim, enum sim_kind kind, const char *label);

/* The key with this big-endian private scalar (32 or 48 bytes). The label names it in messages. */
const struct sim_key *
sim_key_scalar(struct sim *sim, enum sim_kind kind, const char *label, const uint8_t *scalar);
/* Lets sim_sign() of a scratch use this EC key, from any thread. */
void sim_key_make_live(const struct sim_key *key);

enum sim_hash { SIM_SHA1, SIM_SHA256, SIM_SHA384, SIM_SHA512 };

/* An EC key that no seed knows, for a machine at work; or one from its file (PEM). It belongs to
 * no struct sim and signs for scratches; sim_key_clear() ends it. False: no such file. */
void sim_key_fresh(struct sim_key *out, enum sim_kind kind, const char *label);
bool sim_key_read(struct sim_key *out, enum sim_kind kind, const char *path);
bool sim_key_from_private(struct sim_key *out, enum sim_kind kind, struct sim_bytes pkcs8);
void sim_key_share(struct sim_key *out, const struct sim_key *key); /* which is made live */
void sim_key_clear(struct sim_key *key);
/* The private half: PKCS #8 DER, or in PEM armour. The caller wipes it. */
struct sim_bytes sim_key_private(struct sim *sim, const struct sim_key *key, bool pem);
/* The X coordinate that both sides agree on, of the curve's size. False: the peer's x || y is no
 * point of the curve. */
bool sim_ecdh(uint8_t z[48], const struct sim_key *mine, const uint8_t *peer);
/* r || s over the message, under the public key x || y. */
bool sim_check(enum sim_kind kind, const uint8_t *public_key, enum sim_hash hash,
    struct sim_bytes message, const uint8_t *signature);

size_t sim_digest(uint8_t out[64], enum sim_hash hash, struct sim_bytes in);
/* One AES-128-CMAC. */
void sim_cmac(uint8_t out[16], const uint8_t key[16], const void *bytes, size_t n);
void sim_hmac_sha256(uint8_t out[32], const uint8_t key[32], const void *bytes, size_t n);
/* The same with a key of any length. */
void sim_hmac(uint8_t out[32], const uint8_t *key, size_t key_len, const void *bytes, size_t n);
/* AES-128 in counter mode: both ways. out may be in. */
void
sim_aes_ctr(uint8_t *out, const uint8_t key[16], const uint8_t iv[16], const uint8_t *in, size_t n);
/* Bytes that depend on the seed and the label alone. */
void sim_derive(struct sim *sim, void *out, size_t n, const char *label);

/* r || s, big-endian and of the curve's size, or the RSA-PSS number with a salt of the hash's
 * length. The same key and message give the same signature, unless sim is a scratch. */
struct sim_bytes
sim_sign(struct sim *sim, const struct sim_key *key, enum sim_hash hash, struct sim_bytes message);
struct sim_bytes sim_sign_pkcs1(
    struct sim *sim, const struct sim_key *key, enum sim_hash hash, struct sim_bytes message);

/* --- DER ------------------------------------------------------------------------------------ */

/* One value: tag, length, the contents side by side; a NULL ptr with len 0 ends the list. */
struct sim_bytes sim_der(struct sim *sim, uint8_t tag, struct sim_bytes content);
struct sim_bytes
sim_der_join(struct sim *sim, uint8_t tag, const struct sim_bytes *parts, size_t n);
#define SIM_SEQ(sim, ...)                                                                          \
	sim_der_join(sim, 0x30, (const struct sim_bytes[]){ __VA_ARGS__ },                         \
	    sizeof((const struct sim_bytes[]){ __VA_ARGS__ }) / sizeof(struct sim_bytes))
struct sim_bytes sim_der_oid(struct sim *sim, const char *dotted);
struct sim_bytes sim_der_uint(struct sim *sim, uint64_t v);
/* A positive INTEGER from big-endian bytes. */
struct sim_bytes sim_der_number(struct sim *sim, struct sim_bytes big_endian);
struct sim_bytes sim_der_bool(struct sim *sim, bool v);
struct sim_bytes sim_der_octets(struct sim *sim, const void *bytes, size_t n);
struct sim_bytes sim_der_bits(struct sim *sim, struct sim_bytes bytes);
struct sim_bytes sim_der_utc(struct sim *sim, int64_t t);
struct sim_bytes sim_der_raw(struct sim *sim, uint8_t tag, const char *text);

/* --- certificates and CRLs ------------------------------------------------------------------ */

enum sim_alg {
	SIM_ALG_ECDSA_SHA256,
	SIM_ALG_ECDSA_SHA384,
	SIM_ALG_PSS_SHA384,         /* parameters as AMD's leaves and CRLs carry them */
	SIM_ALG_PSS_SHA384_TRAILER, /* as AMD's CA certificates do: trailerField spelled out */
	SIM_ALG_PSS_SHA256,
	SIM_ALG_RSA_SHA384, /* PKCS #1 v1.5: a forgery */
};

enum sim_name_form { SIM_NAME_INTEL, SIM_NAME_AMD };
struct sim_bytes sim_name(struct sim *sim, enum sim_name_form form, const char *cn);

struct sim_extension {
	const char *oid;
	bool critical;
	struct sim_bytes value; /* content of the OCTET STRING */
};

/* SubjectPublicKeyInfo. */
struct sim_bytes sim_spki(struct sim *sim, const struct sim_key *key);

struct sim_cert {
	int version;             /* 3 */
	struct sim_bytes serial; /* content of the INTEGER */
	struct sim_bytes issuer, subject;
	int64_t not_before, not_after;
	const struct sim_key *key;
	struct sim_bytes spki; /* empty: the key's */
	struct sim_extension extensions[24];
	size_t extension_count;
	const struct sim_key *signer;
	enum sim_alg alg, inner_alg;
	struct sim_bytes signature; /* empty: made */
	struct sim_bytes der;       /* when not empty: what sim_cert_write() gives */
};
void
sim_extension_set(struct sim_cert *cert, const char *oid, bool critical, struct sim_bytes value);
void sim_extension_drop(struct sim_cert *cert, const char *oid);
void sim_extension_again(struct sim_cert *cert, const char *oid); /* stands twice */
#define SIM_OID_SKID       "2.5.29.14"
#define SIM_OID_KEY_USAGE  "2.5.29.15"
#define SIM_OID_BASIC      "2.5.29.19"
#define SIM_OID_CRL_NUMBER "2.5.29.20"
#define SIM_OID_CRL_POINT  "2.5.29.31"
#define SIM_OID_AKID       "2.5.29.35"
#define SIM_OID_SGX        "1.2.840.113741.1.13.1"
#define SIM_OID_AMD        "1.3.6.1.4.1.3704.1"
void sim_set_skid(struct sim *sim, struct sim_cert *cert);
void sim_set_akid(struct sim *sim, struct sim_cert *cert, const struct sim_key *issuer);
/* bits as RFC 5280 counts them: 0x20 keyCertSign, 0x40 cRLSign, 0x01 digitalSignature */
void sim_set_usage(struct sim *sim, struct sim_cert *cert, unsigned bits);
/* As AMD's CA certificates have it, which is not DER: always one unused bit. */
void sim_set_usage_amd(struct sim *sim, struct sim_cert *cert, unsigned bits);
void sim_set_basic(struct sim *sim, struct sim_cert *cert, bool ca, int path_len);
void sim_set_crl_point(struct sim *sim, struct sim_cert *cert, const char *uri);
struct sim_bytes sim_cert_write(struct sim *sim, const struct sim_cert *cert);

struct sim_crl {
	struct sim_bytes issuer;
	int64_t this_update, next_update; /* next_update 0: none */
	struct sim_bytes revoked[8];      /* content of serial INTEGERs */
	size_t revoked_count;
	bool reasons;        /* entries carry a reasonCode, as Intel's do */
	bool critical_entry; /* entries carry an unknown critical extension */
	bool number_first;   /* Intel: crlNumber, AKID; AMD: AKID, crlNumber */
	bool has_number;
	uint64_t number;
	const struct sim_key *akid;
	bool critical_extension; /* an unknown critical extension */
	const struct sim_key *signer;
	enum sim_alg alg;
	struct sim_bytes der; /* when not empty: what sim_crl_write() gives */
};
struct sim_bytes sim_crl_write(struct sim *sim, const struct sim_crl *crl);

#endif
