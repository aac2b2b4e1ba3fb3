/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures that depend on the seed alone. OpenSSL does the cryptography, in a library
 * context of its own whose random generator is OpenSSL's TEST-RAND: before each use it is filled
 * with bytes derived from the seed and from what is to be made. A nonce thus follows from key and
 * message, and two messages never share one.
 */
#include "pki/internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/obj_mac.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 64 * 1024 }; /* far more than a signature takes */

static const char *
hash_name(enum sim_hash hash)
{
	static const char *const names[] = { "SHA1", "SHA256", "SHA384", "SHA512" };

	return names[hash];
}

size_t
sim_digest(uint8_t out[64], enum sim_hash hash, struct sim_bytes in)
{
	size_t n = 0;

	if (EVP_Q_digest(NULL, hash_name(hash), NULL, in.ptr, in.len, out, &n) != 1)
		sim_die("cannot hash");
	return n;
}

static void
mac(uint8_t *out, size_t room, const char *name, const char *param, const char *value,
    const uint8_t *key, size_t key_len, const void *bytes, size_t n)
{
	char choice[16];
	size_t got = 0;

	snprintf(choice, sizeof choice, "%s", value);
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(param, choice, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, name, NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(algorithm);
	if (ctx == NULL || EVP_MAC_init(ctx, key, key_len, params) != 1 ||
	    EVP_MAC_update(ctx, bytes, n) != 1 || EVP_MAC_final(ctx, out, &got, room) != 1 ||
	    got != room)
		sim_die("cannot compute a %s", name);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(algorithm);
}

void
sim_cmac(uint8_t out[16], const uint8_t key[16], const void *bytes, size_t n)
{
	mac(out, 16, "CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", key, 16, bytes, n);
}

void
sim_hmac_sha256(uint8_t out[32], const uint8_t key[32], const void *bytes, size_t n)
{
	mac(out, 32, "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256", key, 32, bytes, n);
}

void
sim_hmac(uint8_t out[32], const uint8_t *key, size_t key_len, const void *bytes, size_t n)
{
	mac(out, 32, "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256", key, key_len, bytes, n);
}

void
sim_aes_ctr(uint8_t *out, const uint8_t key[16], const uint8_t iv[16], const uint8_t *in, size_t n)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0;

	if (n > INT_MAX || ctx == NULL ||
	    EVP_EncryptInit_ex2(ctx, EVP_aes_128_ctr(), key, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &done, in, (int)n) != 1 || (size_t)done != n)
		sim_die("cannot encrypt");
	EVP_CIPHER_CTX_free(ctx);
}

static void
stretch(struct sim *sim, uint8_t *out, size_t n, const char *label, struct sim_bytes more)
{
	EVP_MD *shake = EVP_MD_fetch(NULL, "SHAKE256", NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t seed[8];

	sim_store_u64(seed, sim->seed);
	if (shake == NULL || ctx == NULL || EVP_DigestInit_ex(ctx, shake, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, seed, sizeof seed) != 1 ||
	    EVP_DigestUpdate(ctx, label, strlen(label) + 1) != 1 ||
	    EVP_DigestUpdate(ctx, more.ptr, more.len) != 1 || EVP_DigestFinalXOF(ctx, out, n) != 1)
		sim_die("cannot derive %s", label);
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(shake);
}

void
sim_derive(struct sim *sim, void *out, size_t n, const char *label)
{
	stretch(sim, out, n, label, (struct sim_bytes){ NULL, 0 });
}

/* Fills the random generator for the one operation that follows. */
static void
fill(struct sim *sim, const char *label, struct sim_bytes more)
{
	uint8_t *pool = malloc(POOL);
	unsigned int strength = 1024;

	if (pool == NULL)
		sim_die("out of memory");
	stretch(sim, pool, POOL, label, more);
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, pool, POOL),
		OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, &strength),
		OSSL_PARAM_END,
	};
	EVP_RAND_CTX *rands[] = { RAND_get0_private(sim->library), RAND_get0_public(sim->library) };
	for (size_t i = 0; i < 2; i++)
		if (rands[i] == NULL || EVP_RAND_CTX_set_params(rands[i], params) != 1)
			sim_die("OpenSSL's TEST-RAND does not work");
	free(pool);
}

static EVP_PKEY *
make_ec(struct sim *sim, enum sim_kind kind, const char *label)
{
	fill(sim, label, (struct sim_bytes){ NULL, 0 });
	return EVP_PKEY_Q_keygen(sim->library, NULL, "EC", kind == SIM_P256 ? "P-256" : "P-384");
}

/* An EC key in this library (NULL: OpenSSL's own) from x || y and the private scalar. */
static EVP_PKEY *
import_ec(void *library, enum sim_kind kind, const uint8_t *raw, const BIGNUM *scalar)
{
	size_t half = kind == SIM_P256 ? 32 : 48;
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	uint8_t point[1 + 96] = { 4 };

	memcpy(point + 1, raw, 2 * half);
	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(
		bld, OSSL_PKEY_PARAM_GROUP_NAME, kind == SIM_P256 ? "P-256" : "P-384", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half) !=
		1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1)
		sim_die("cannot make an EC key");
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(library, "EC", NULL);
	if (params == NULL || make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		sim_die("cannot make an EC key");
	EVP_PKEY_CTX_free(make);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

/* A public key in OpenSSL's own library; NULL: x || y is no point of the curve. */
static EVP_PKEY *
import_public(enum sim_kind kind, const uint8_t *raw)
{
	size_t half = kind == SIM_P256 ? 32 : 48;
	uint8_t point[1 + 96] = { 4 };
	char group[] = "P-256", other[] = "P-384";
	EVP_PKEY *pkey = NULL;

	memcpy(point + 1, raw, 2 * half);
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
				    kind == SIM_P256 ? group : other, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half),
		OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(make);
	ERR_clear_error();
	return pkey;
}

static EVP_PKEY *
make_scalar(struct sim *sim, enum sim_kind kind, const uint8_t *scalar)
{
	int half = kind == SIM_P256 ? 32 : 48;
	EC_GROUP *group =
	    EC_GROUP_new_by_curve_name(kind == SIM_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
	EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
	BIGNUM *d = BN_bin2bn(scalar, half, NULL), *x = BN_new(), *y = BN_new();
	uint8_t raw[96];

	if (point == NULL || d == NULL || x == NULL || y == NULL ||
	    EC_POINT_mul(group, point, d, NULL, NULL, NULL) != 1 ||
	    EC_POINT_get_affine_coordinates(group, point, x, y, NULL) != 1 ||
	    BN_bn2binpad(x, raw, half) != half || BN_bn2binpad(y, raw + half, half) != half)
		sim_die("cannot make an EC key from its scalar");
	EVP_PKEY *pkey = import_ec(sim->library, kind, raw, d);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	BN_clear_free(d);
	BN_free(x);
	BN_free(y);
	return pkey;
}

static void
push(OSSL_PARAM_BLD *bld, const char *name, const BIGNUM *v)
{
	if (OSSL_PARAM_BLD_push_BN(bld, name, v) != 1)
		sim_die("cannot make an RSA key");
}

static EVP_PKEY *
make_rsa(struct sim *sim, const struct test_key *from)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = NULL, *q = NULL;
	BIGNUM *n = BN_new(), *e = BN_new(), *d = BN_new(), *phi = BN_new(), *p1 = BN_new(),
	       *q1 = BN_new(), *dp = BN_new(), *dq = BN_new(), *qi = BN_new();
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (BN_hex2bn(&p, from->p) == 0 || BN_hex2bn(&q, from->q) == 0 ||
	    BN_mul(n, p, q, ctx) != 1 || BN_set_word(e, 65537) != 1 ||
	    BN_sub(p1, p, BN_value_one()) != 1 || BN_sub(q1, q, BN_value_one()) != 1 ||
	    BN_mul(phi, p1, q1, ctx) != 1 || BN_mod_inverse(d, e, phi, ctx) == NULL ||
	    BN_mod(dp, d, p1, ctx) != 1 || BN_mod(dq, d, q1, ctx) != 1 ||
	    BN_mod_inverse(qi, q, p, ctx) == NULL || bld == NULL)
		sim_die("cannot make RSA key %s", from->label);
	push(bld, OSSL_PKEY_PARAM_RSA_N, n);
	push(bld, OSSL_PKEY_PARAM_RSA_E, e);
	push(bld, OSSL_PKEY_PARAM_RSA_D, d);
	push(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, p);
	push(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, q);
	push(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp);
	push(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq);
	push(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(sim->library, "RSA", NULL);
	if (params == NULL || make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		sim_die("cannot make RSA key %s", from->label);
	EVP_PKEY_CTX_free(make);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BIGNUM *all[] = { p, q, n, e, d, phi, p1, q1, dp, dq, qi };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		BN_free(all[i]);
	BN_CTX_free(ctx);
	return pkey;
}

static void
read_public(struct sim_key *key)
{
	uint8_t point[1 + 96];
	size_t n = 0;

	if (key->kind == SIM_P256 || key->kind == SIM_P384) {
		if (EVP_PKEY_get_octet_string_param(
			key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) != 1)
			sim_die("cannot read the public key of %s", key->label);
		key->raw_len = n - 1;
		memcpy(key->raw, point + 1, n - 1);
	} else {
		BIGNUM *modulus = NULL;
		key->raw_len = key->kind == SIM_RSA2048 ? 256 : 512;
		if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 ||
		    BN_bn2binpad(modulus, key->raw, (int)key->raw_len) != (int)key->raw_len)
			sim_die("RSA key %s is not of its size", key->label);
		BN_free(modulus);
	}
	/* Intel hashes the whole SubjectPublicKeyInfo, AMD the RSAPublicKey in it. */
	uint8_t digest[64], *der = NULL;
	bool ec = key->kind == SIM_P256 || key->kind == SIM_P384;
	int len = ec ? i2d_PUBKEY(key->pkey, &der) : i2d_PublicKey(key->pkey, &der);
	if (len <= 0)
		sim_die("cannot write the public key of %s", key->label);
	sim_digest(digest, SIM_SHA1, (struct sim_bytes){ der, (size_t)len });
	memcpy(key->id, digest, sizeof key->id);
	OPENSSL_free(der);
}

static EVP_PKEY *
make(struct sim *sim, enum sim_kind kind, const char *label)
{
	if (kind == SIM_P256 || kind == SIM_P384)
		return make_ec(sim, kind, label);
	for (size_t i = 0; i < sim_test_key_count; i++)
		if (strcmp(sim_test_keys[i].label, label) == 0)
			return make_rsa(sim, &sim_test_keys[i]);
	return NULL;
}

static struct sim_key *
find(const struct sim *sim, enum sim_kind kind, const char *label)
{
	for (size_t i = 0; i < sim->key_count; i++)
		if (sim->keys[i]->kind == kind && strcmp(sim->keys[i]->label, label) == 0)
			return sim->keys[i];
	return NULL;
}

static const struct sim_key *
keep(struct sim *sim, enum sim_kind kind, const char *label, EVP_PKEY *pkey)
{
	struct sim_key *key = calloc(1, sizeof *key);

	if (pkey == NULL)
		sim_die("there is no key %s", label);
	if (key == NULL || sim->key_count == KEYS_MAX || strlen(label) >= sizeof key->label)
		sim_die("cannot keep key %s", label);
	key->kind = kind;
	memcpy(key->label, label, strlen(label));
	key->pkey = pkey;
	read_public(key);
	sim->keys[sim->key_count++] = key;
	return key;
}

const struct sim_key *
sim_key(struct sim *sim, enum sim_kind kind, const char *label)
{
	const struct sim_key *key = find(sim, kind, label);

	return key != NULL ? key : keep(sim, kind, label, make(sim, kind, label));
}

const struct sim_key *
sim_key_scalar(struct sim *sim, enum sim_kind kind, const char *label, const uint8_t *scalar)
{
	size_t half = kind == SIM_P256 ? 32 : 48;
	char name[64];
	uint8_t digest[64];

	/* Keys are found by their label: it must tell scalars apart. */
	sim_digest(digest, SIM_SHA256, sim_copy(sim, scalar, half));
	int n = snprintf(name, sizeof name, "%.40s ", label);
	for (size_t i = 0; i < 8; i++)
		n += snprintf(name + n, sizeof name - (size_t)n, "%02x", digest[i]);
	const struct sim_key *key = find(sim, kind, name);
	return key != NULL ? key : keep(sim, kind, name, make_scalar(sim, kind, scalar));
}

void
sim_key_make_live(const struct sim_key *key)
{
	struct sim_key *mine = NULL;
	BIGNUM *scalar = NULL;

	if (key->live != NULL)
		return;
	if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) != 1)
		sim_die("cannot read the private key of %s", key->label);
	memcpy(&mine, &key, sizeof mine); /* keep() made it, and not as const */
	mine->live = import_ec(NULL, key->kind, key->raw, scalar);
	BN_clear_free(scalar);
}

static void
adopt(struct sim_key *out, enum sim_kind kind, const char *label, EVP_PKEY *pkey)
{
	*out = (struct sim_key){ .kind = kind, .pkey = pkey };
	snprintf(out->label, sizeof out->label, "%s", label);
	read_public(out);
	out->live = pkey;
	out->pkey = NULL;
}

void
sim_key_fresh(struct sim_key *out, enum sim_kind kind, const char *label)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind == SIM_P256 ? "P-256" : "P-384");

	if (pkey == NULL)
		sim_die("cannot make key %s", label);
	adopt(out, kind, label, pkey);
}

/* Takes the key over. */
static bool
adopt_of_kind(struct sim_key *out, enum sim_kind kind, EVP_PKEY *pkey)
{
	char group[32] = "";
	bool ok = pkey != NULL && EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
	    strcmp(group, kind == SIM_P256 ? "prime256v1" : "secp384r1") == 0;

	if (ok)
		adopt(out, kind, "a key that was kept", pkey);
	else
		EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

bool
sim_key_read(struct sim_key *out, enum sim_kind kind, const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *pkey = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f != NULL)
		fclose(f);
	return adopt_of_kind(out, kind, pkey);
}

bool
sim_key_from_private(struct sim_key *out, enum sim_kind kind, struct sim_bytes pkcs8)
{
	const uint8_t *at = pkcs8.ptr;

	return adopt_of_kind(out, kind, d2i_AutoPrivateKey(NULL, &at, (long)pkcs8.len));
}

void
sim_key_share(struct sim_key *out, const struct sim_key *key)
{
	sim_key_make_live(key);
	*out = *key;
	out->pkey = NULL;
	if (EVP_PKEY_up_ref(out->live) != 1)
		sim_die("cannot share key %s", key->label);
}

void
sim_key_clear(struct sim_key *key)
{
	EVP_PKEY_free(key->live);
	*key = (struct sim_key){ .kind = SIM_P256 };
}

struct sim_bytes
sim_key_private(struct sim *sim, const struct sim_key *key, bool pem)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->live);
	uint8_t *der = NULL;
	int n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	if (n <= 0)
		sim_die("cannot write key %s", key->label);
	struct sim_bytes out = sim_copy(sim, der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
	PKCS8_PRIV_KEY_INFO_free(info);
	return pem ? sim_pem(sim, "PRIVATE KEY", out) : out;
}

bool
sim_ecdh(uint8_t z[48], const struct sim_key *mine, const uint8_t *peer)
{
	EVP_PKEY *other = import_public(mine->kind, peer);
	EVP_PKEY_CTX *ctx = other != NULL ? EVP_PKEY_CTX_new(mine->live, NULL) : NULL;
	size_t n = 48;
	bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, other) == 1 && EVP_PKEY_derive(ctx, z, &n) == 1 &&
	    n == mine->raw_len / 2;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	ERR_clear_error();
	return ok;
}

bool
sim_check(enum sim_kind kind, const uint8_t *public_key, enum sim_hash hash,
    struct sim_bytes message, const uint8_t *signature)
{
	int half = kind == SIM_P256 ? 32 : 48, n = 0;
	EVP_PKEY *key = import_public(kind, public_key);
	ECDSA_SIG *rs = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, half, NULL), *s = BN_bin2bn(signature + half, half, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;

	if (rs == NULL || r == NULL || s == NULL || ctx == NULL || ECDSA_SIG_set0(rs, r, s) != 1 ||
	    (n = i2d_ECDSA_SIG(rs, &der)) <= 0)
		sim_die("cannot check a signature");
	bool ok = key != NULL &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, hash_name(hash), NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestVerify(ctx, der, (size_t)n, message.ptr, message.len) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(rs);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

static struct sim_bytes
sign(struct sim *sim, const struct sim_key *key, enum sim_hash hash, struct sim_bytes message,
    int padding)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;
	uint8_t digest[64], *out = sim_alloc(sim, 512);
	size_t n = 512;
	bool rsa = key->kind == SIM_RSA2048 || key->kind == SIM_RSA4096;

	if (sim->library != NULL)
		fill(sim, key->label,
		    (struct sim_bytes){ digest, sim_digest(digest, SIM_SHA512, message) });
	if (ctx == NULL ||
	    EVP_DigestSignInit_ex(ctx, &how, hash_name(hash), sim->library, NULL,
		sim->library != NULL ? key->pkey : key->live, NULL) != 1 ||
	    (rsa && EVP_PKEY_CTX_set_rsa_padding(how, padding) != 1) ||
	    (rsa && padding == RSA_PKCS1_PSS_PADDING &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) != 1) ||
	    EVP_DigestSign(ctx, out, &n, message.ptr, message.len) != 1)
		sim_die("cannot sign with %s", key->label);
	EVP_MD_CTX_free(ctx);
	return (struct sim_bytes){ out, n };
}

struct sim_bytes
sim_sign(struct sim *sim, const struct sim_key *key, enum sim_hash hash, struct sim_bytes message)
{
	struct sim_bytes sig = sign(sim, key, hash, message, RSA_PKCS1_PSS_PADDING);
	const uint8_t *p = sig.ptr;

	if (key->kind == SIM_RSA2048 || key->kind == SIM_RSA4096)
		return sig;
	ECDSA_SIG *rs = d2i_ECDSA_SIG(NULL, &p, (long)sig.len);
	int half = (int)key->raw_len / 2;
	if (rs == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(rs), sig.ptr, half) != half ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(rs), sig.ptr + half, half) != half)
		sim_die("cannot read a signature of %s", key->label);
	ECDSA_SIG_free(rs);
	return (struct sim_bytes){ sig.ptr, key->raw_len };
}

struct sim_bytes
sim_sign_pkcs1(
    struct sim *sim, const struct sim_key *key, enum sim_hash hash, struct sim_bytes message)
{
	return sign(sim, key, hash, message, RSA_PKCS1_PADDING);
}

struct sim *
sim_scratch(void)
{
	struct sim *sim = calloc(1, sizeof *sim);

	if (sim == NULL)
		sim_die("out of memory");
	return sim;
}

struct sim *
sim_new(uint64_t seed)
{
	struct sim *sim = calloc(1, sizeof *sim);
	OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();

	if (sim == NULL || library == NULL ||
	    RAND_set_DRBG_type(library, "TEST-RAND", NULL, NULL, NULL) != 1)
		sim_die("OpenSSL gives no library context with TEST-RAND");
	sim->seed = seed;
	sim->library = library;
	return sim;
}

void
sim_free(struct sim *sim)
{
	if (sim == NULL)
		return;
	sim_reset(sim);
	for (size_t i = 0; i < sim->key_count; i++) {
		EVP_PKEY_free(sim->keys[i]->pkey);
		EVP_PKEY_free(sim->keys[i]->live);
		free(sim->keys[i]);
	}
	OSSL_LIB_CTX_free(sim->library);
	free(sim);
}
