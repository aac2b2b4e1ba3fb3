/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

enum { RAW_MAX = 512 };

struct raw {
	uint8_t octets[RAW_MAX];
	size_t len;
};

static struct raw
hex(const char *text)
{
	struct raw r;

	r.len = strlen(text) / 2;
	assert_true(r.len <= RAW_MAX);
	assert_true(assay_unhex(r.octets, r.len, assay_bytes_of(text)));
	return r;
}

static struct assay_bytes
all(const struct raw *r)
{
	return (struct assay_bytes){ r->octets, r->len };
}

/* --- ECDSA ------------------------------------------------------------------------------- */

/* RFC 6979 A.2.5 (P-256, SHA-256) and A.2.6 (P-384, SHA-384 and SHA-256), messages "sample" and
 * "test". p, n: SEC 2, 2.4.2 and 2.5.1. */
#define P256_KEY                                                                                   \
	"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                         \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define P384_KEY                                                                                   \
	"ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a2545"  \
	"15480bc13"                                                                                \
	"8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2"  \
	"533264720"
static const char p256_n[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char p256_p[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
static const char p384_n[] = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
			     "581a0db248b0a77aecec196accc52973";
static const char p384_p[] = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
			     "ffffffff0000000000000000ffffffff";

static const struct {
	enum assay_scheme scheme;
	const char *key, *message, *signature;
} known[] = {
	{ ASSAY_ECDSA_P256_SHA256, P256_KEY, "sample",
	    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
	{ ASSAY_ECDSA_P256_SHA256, P256_KEY, "test",
	    "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
	    "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
	{ ASSAY_ECDSA_P384_SHA384, P384_KEY, "sample",
	    "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd"
	    "1e"
	    "80fabe46"
	    "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c7"
	    "1a"
	    "38628ac8" },
	{ ASSAY_ECDSA_P384_SHA384, P384_KEY, "test",
	    "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3"
	    "ca"
	    "3cf023db"
	    "ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b82"
	    "8"
	    "246baa5a5" },
	{ ASSAY_ECDSA_P384_SHA256, P384_KEY, "sample",
	    "21b13d1e013c7fa1392d03c5f99af8b30c570c6f98d4ea8e354b63a21d3daa33bde1e888e63355d92fa2b3"
	    "c3"
	    "6d8fb2cd"
	    "f3aa443fb107745bf4bd77cb3891674632068a10ca67e3d45db2266fa7d1feebefdc63eccd1ac42ec0cb86"
	    "6"
	    "8a4fa0ab0" },
};

static bool
verify(const struct raw *key, enum assay_scheme scheme, const char *message,
    const struct raw *signature)
{
	struct assay_key prepared = { 0 };
	uint8_t digest[ASSAY_DIGEST_MAX];
	size_t n = assay_scheme_digest(digest, scheme, assay_bytes_of(message));

	if (assay_key_prepare(&prepared,
		(struct assay_public){ assay_scheme_key(scheme), all(key) }, NULL) != ASSAY_OK)
		return false;
	bool ok =
	    assay_key_verify(&prepared, scheme, (struct assay_bytes){ digest, n }, all(signature));
	assay_key_clear(&prepared);
	return ok;
}

static void
test_rfc6979(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct raw key = hex(known[i].key), sig = hex(known[i].signature);
		assert_true(verify(&key, known[i].scheme, known[i].message, &sig));
		assert_false(verify(&key, known[i].scheme, "Sample", &sig));
		for (size_t bit = 0; bit < 8 * sig.len; bit += 7) {
			sig.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(verify(&key, known[i].scheme, known[i].message, &sig));
			sig.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* a + b over n big-endian octets; false if it does not fit. */
static bool
add(uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned carry = 0;

	while (n-- > 0) {
		carry += (unsigned)a[n] + b[n];
		a[n] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

/* Every pair of edge values of r and s is refused, with a good partner or with another edge. */
static void
test_edges(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct raw key = hex(known[i].key), good = hex(known[i].signature);
		size_t half = good.len / 2;
		struct raw n = hex(half == 32 ? p256_n : p384_n),
			   p = hex(half == 32 ? p256_p : p384_p);
		uint8_t edges[8][48] = { { 0 } };
		memset(edges[1], 0, half);
		edges[1][half - 1] = 1;
		memcpy(edges[2], n.octets, half);
		memcpy(edges[3], n.octets, half);
		edges[3][half - 1]--; /* n - 1 */
		memcpy(edges[4], n.octets, half);
		edges[4][half - 1]++; /* n + 1 */
		memcpy(edges[5], p.octets, half);
		memset(edges[6], 0xff, half);
		for (size_t a = 0; a < 8; a++)
			for (size_t b = 0; b < 8; b++) {
				struct raw sig = good;
				if (a < 7)
					memcpy(sig.octets, edges[a], half);
				if (b < 7)
					memcpy(sig.octets + half, edges[b], half);
				assert_int_equal(
				    verify(&key, known[i].scheme, known[i].message, &sig),
				    a == 7 && b == 7);
			}
		/* r + n and s + n mean the same modulo n; they must not verify when they fit. */
		struct raw sig = good;
		if (add(sig.octets, n.octets, half))
			assert_false(verify(&key, known[i].scheme, known[i].message, &sig));
		sig = good;
		if (add(sig.octets + half, n.octets, half))
			assert_false(verify(&key, known[i].scheme, known[i].message, &sig));
	}
}

/* What the struct says must fit: kinds, lengths, an empty key. */
static void
test_mismatch(void **context)
{
	struct raw k256 = hex(P256_KEY), k384 = hex(P384_KEY);
	struct raw s256 = hex(known[0].signature), s384 = hex(known[2].signature);
	struct assay_key a = { 0 }, b = { 0 }, none = { { ASSAY_KEY_NONE, { NULL, 0 } }, NULL };
	uint8_t d[ASSAY_DIGEST_MAX + 1];
	struct assay_bytes d256 = { d, 32 };

	(void)context;
	assert_int_equal(
	    assay_key_prepare(&a, (struct assay_public){ ASSAY_KEY_P256, all(&k256) }, NULL), 0);
	assert_int_equal(
	    assay_key_prepare(&b, (struct assay_public){ ASSAY_KEY_P384, all(&k384) }, NULL), 0);
	assay_sha256(d, assay_bytes_of("sample"));
	assert_true(assay_key_verify(&a, ASSAY_ECDSA_P256_SHA256, d256, all(&s256)));
	assert_false(assay_key_verify(&b, ASSAY_ECDSA_P256_SHA256, d256, all(&s256)));
	assert_false(assay_key_verify(&none, ASSAY_ECDSA_P256_SHA256, d256, all(&s256)));
	for (int scheme = -1; scheme < 8; scheme++)
		if (scheme != ASSAY_ECDSA_P256_SHA256)
			assert_false(
			    assay_key_verify(&a, (enum assay_scheme)scheme, d256, all(&s256)));
	for (size_t n = 0; n <= ASSAY_DIGEST_MAX; n++)
		assert_int_equal(assay_key_verify(&a, ASSAY_ECDSA_P256_SHA256,
				     (struct assay_bytes){ d, n }, all(&s256)),
		    n == 32);
	for (size_t n = 0; n < s256.len + 8; n++)
		assert_int_equal(assay_key_verify(&a, ASSAY_ECDSA_P256_SHA256, d256,
				     (struct assay_bytes){ s256.octets, n }),
		    n == 64);
	assert_false(assay_key_verify(&a, ASSAY_ECDSA_P256_SHA256, d256, all(&s384)));
	/* A good P-256 signature widened to P-384's lengths is still none of P-384. */
	struct raw wide = { .octets = { 0 }, .len = 96 };
	memcpy(wide.octets + 16, s256.octets, 32);
	memcpy(wide.octets + 64, s256.octets + 32, 32);
	assert_false(assay_key_verify(&a, ASSAY_ECDSA_P384_SHA256, d256, all(&wide)));
	/* A P-384 key under both of its hashes: the digests are not interchangeable. */
	struct raw other = hex(known[4].signature);
	assert_true(assay_key_verify(&b, ASSAY_ECDSA_P384_SHA256, d256, all(&other)));
	assert_false(assay_key_verify(&b, ASSAY_ECDSA_P384_SHA384, d256, all(&other)));
	assay_key_clear(&a);
	assay_key_clear(&b);
	assay_key_clear(&a); /* cleared twice is fine */
}

static void
test_points(void **context)
{
	static const char zero[] =
	    "0000000000000000000000000000000000000000000000000000000000000000";
	struct raw good = hex(P256_KEY), p = hex(p256_p), bad;
	struct assay_key key = { 0 };
	struct assay_error err;

	(void)context;
	for (size_t n = 0; n <= 96; n++) {
		uint8_t octets[96] = { 0 };
		memcpy(octets, good.octets, good.len);
		enum assay_code rc = assay_key_prepare(
		    &key, (struct assay_public){ ASSAY_KEY_P256, { octets, n } }, &err);
		assert_int_equal(rc, n == 64 ? ASSAY_OK : ASSAY_E_FORMAT);
		if (rc == ASSAY_OK)
			assay_key_clear(&key);
		else
			assert_non_null(strstr(err.text, "want 64"));
	}
	for (size_t bit = 0; bit < 8 * good.len; bit++) {
		bad = good;
		bad.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(assay_key_prepare(&key,
				     (struct assay_public){ ASSAY_KEY_P256, all(&bad) }, &err),
		    ASSAY_E_FORMAT);
		assert_non_null(strstr(err.text, "is no point of P-256"));
	}
	/* (0, 0), which some use for infinity; x of p and above; (x + p is the same point). */
	bad = hex(zero);
	memset(bad.octets, 0, bad.len = 64);
	assert_int_equal(
	    assay_key_prepare(&key, (struct assay_public){ ASSAY_KEY_P256, all(&bad) }, &err),
	    ASSAY_E_FORMAT);
	/* x = 5 is on the curve; x = 5 + p fits 32 octets and must not be reduced to it. */
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *x = BN_new();
	BN_set_word(x, 5);
	assert_int_equal(EC_POINT_set_compressed_coordinates(group, point, x, 0, NULL), 1);
	uint8_t octets[65];
	assert_int_equal(
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, 65, NULL), 65);
	memcpy(bad.octets, octets + 1, 64);
	assert_int_equal(
	    assay_key_prepare(&key, (struct assay_public){ ASSAY_KEY_P256, all(&bad) }, &err),
	    ASSAY_OK);
	assay_key_clear(&key);
	assert_true(add(bad.octets, p.octets, 32));
	assert_int_equal(
	    assay_key_prepare(&key, (struct assay_public){ ASSAY_KEY_P256, all(&bad) }, &err),
	    ASSAY_E_FORMAT);
	BN_free(x);
	EC_POINT_free(point);
	EC_GROUP_free(group);

	/* A P-384 point off its curve; no kind; a number that is no kind. */
	bad = hex(P384_KEY);
	bad.octets[95] ^= 1;
	assert_int_equal(
	    assay_key_prepare(&key, (struct assay_public){ ASSAY_KEY_P384, all(&bad) }, &err),
	    ASSAY_E_FORMAT);
	assert_int_equal(
	    assay_key_prepare(&key, (struct assay_public){ ASSAY_KEY_NONE, all(&good) }, &err),
	    ASSAY_E_FORMAT);
	assert_int_equal(assay_key_prepare(&key,
			     (struct assay_public){ (enum assay_key_kind)9, all(&good) }, NULL),
	    ASSAY_E_FORMAT);
}

/* A key that is prepared again is the new one, whatever it was before. */
static void
test_again(void **context)
{
	struct raw k256 = hex(P256_KEY), k384 = hex(P384_KEY), off = hex(P256_KEY);
	struct assay_public keys[] = { { ASSAY_KEY_P256, all(&k256) },
		{ ASSAY_KEY_P384, all(&k384) } };
	struct assay_key key = { 0 };
	uint8_t d[ASSAY_DIGEST_MAX];

	(void)context;
	off.octets[63] ^= 1;
	for (size_t round = 0; round < 8; round++) {
		size_t i = round / 2 % 2; /* twice the same curve, then the other */
		struct raw sig = hex(known[2 * i].signature);
		assert_int_equal(assay_key_prepare(&key, keys[i], NULL), ASSAY_OK);
		size_t n = assay_scheme_digest(d, known[2 * i].scheme, assay_bytes_of("sample"));
		assert_true(assay_key_verify(
		    &key, known[2 * i].scheme, (struct assay_bytes){ d, n }, all(&sig)));
	}
	/* A refused key leaves nothing behind that verifies. */
	assert_int_equal(assay_key_prepare(&key, keys[0], NULL), ASSAY_OK);
	assert_int_equal(
	    assay_key_prepare(&key, (struct assay_public){ ASSAY_KEY_P256, all(&off) }, NULL),
	    ASSAY_E_FORMAT);
	assert_null(key.handle);
	struct raw sig = hex(known[0].signature);
	size_t n = assay_scheme_digest(d, known[0].scheme, assay_bytes_of("sample"));
	assert_false(
	    assay_key_verify(&key, known[0].scheme, (struct assay_bytes){ d, n }, all(&sig)));
}

/* --- RSASSA-PSS -------------------------------------------------------------------------- */

static EVP_PKEY *rsa2048, *rsa4096;

static struct raw
modulus(EVP_PKEY *pkey)
{
	BIGNUM *n = NULL;
	struct raw out;

	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
	out.len = (size_t)BN_num_bytes(n);
	assert_int_equal(BN_bn2binpad(n, out.octets, (int)out.len), out.len);
	BN_free(n);
	return out;
}

static struct raw
sign(EVP_PKEY *pkey, const char *hash, const char *mgf_hash, int padding, int salt,
    const char *message)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;
	struct raw out = { .len = RAW_MAX };

	assert_int_equal(EVP_DigestSignInit(ctx, &how, EVP_get_digestbyname(hash), NULL, pkey), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, padding), 1);
	if (padding == RSA_PKCS1_PSS_PADDING) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt), 1);
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_mgf1_md(how, EVP_get_digestbyname(mgf_hash)), 1);
	}
	assert_int_equal(
	    EVP_DigestSign(ctx, out.octets, &out.len, (const uint8_t *)message, strlen(message)),
	    1);
	EVP_MD_CTX_free(ctx);
	return out;
}

static void
test_pss(void **context)
{
	static const struct {
		const char *hash, *mgf;
		int padding, salt;
		bool ok; /* with the 4096-bit key, as SHA-384 */
	} cases[] = {
		{ "SHA384", "SHA384", RSA_PKCS1_PSS_PADDING, 48, true },
		{ "SHA384", "SHA384", RSA_PKCS1_PSS_PADDING, 47, false },
		{ "SHA384", "SHA384", RSA_PKCS1_PSS_PADDING, 49, false },
		{ "SHA384", "SHA384", RSA_PKCS1_PSS_PADDING, 0, false },
		{ "SHA384", "SHA384", RSA_PKCS1_PSS_PADDING, 32, false },
		{ "SHA384", "SHA384", RSA_PKCS1_PSS_PADDING, 64, false },
		{ "SHA384", "SHA256", RSA_PKCS1_PSS_PADDING, 48, false },
		{ "SHA256", "SHA256", RSA_PKCS1_PSS_PADDING, 32, false },
		{ "SHA512", "SHA512", RSA_PKCS1_PSS_PADDING, 48, false },
		{ "SHA384", "SHA384", RSA_PKCS1_PADDING, 0, false },
	};
	struct raw key = modulus(rsa4096), small = modulus(rsa2048);

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int round = 0; round < 3; round++) {
			struct raw sig = sign(rsa4096, cases[i].hash, cases[i].mgf,
			    cases[i].padding, cases[i].salt, "sample");
			assert_int_equal(
			    verify(&key, ASSAY_RSA_PSS_SHA384, "sample", &sig), cases[i].ok);
			assert_false(verify(&key, ASSAY_RSA_PSS_SHA384, "Sample", &sig));
			assert_false(verify(&small, ASSAY_RSA_PSS_SHA384, "sample", &sig));
		}
	struct raw sig = sign(rsa2048, "SHA256", "SHA256", RSA_PKCS1_PSS_PADDING, 32, "sample");
	assert_true(verify(&small, ASSAY_RSA_PSS_SHA256, "sample", &sig));
	assert_false(verify(&small, ASSAY_RSA_PSS_SHA384, "sample", &sig));
	assert_false(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &sig));
	for (size_t bit = 0; bit < 8 * sig.len; bit += 37) {
		sig.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(verify(&small, ASSAY_RSA_PSS_SHA256, "sample", &sig));
		sig.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* The RSA number of an encoded message, made with the private key and no padding. */
static struct raw
sign_raw(EVP_PKEY *pkey, const struct raw *em)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	struct raw out = { .len = RAW_MAX };

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, out.octets, &out.len, em->octets, em->len), 1);
	EVP_PKEY_CTX_free(ctx);
	return out;
}

/* Every bit of a good encoded message matters, the unused top one too. */
static void
test_pss_encoding(void **context)
{
	struct raw key = modulus(rsa2048), em = { .len = RAW_MAX };
	struct raw good = sign(rsa2048, "SHA256", "SHA256", RSA_PKCS1_PSS_PADDING, 32, "sample");
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa2048, NULL);

	(void)context;
	assert_int_equal(EVP_PKEY_verify_recover_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(
	    EVP_PKEY_verify_recover(ctx, em.octets, &em.len, good.octets, good.len), 1);
	EVP_PKEY_CTX_free(ctx);
	struct raw sig = sign_raw(rsa2048, &em);
	assert_true(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &sig));
	for (size_t bit = 0; bit < 8 * em.len; bit++) {
		em.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (memcmp(em.octets, key.octets, em.len) < 0) {
			sig = sign_raw(rsa2048, &em);
			assert_false(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &sig));
		}
		em.octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
test_rsa_numbers(void **context)
{
	struct raw key = modulus(rsa2048), bad;
	struct raw sig = sign(rsa2048, "SHA256", "SHA256", RSA_PKCS1_PSS_PADDING, 32, "sample");
	struct assay_key prepared = { 0 };
	struct assay_error err;

	(void)context;
	/* The same number modulo n, when it fits; n itself; zero; one; all ones. */
	bad = sig;
	if (add(bad.octets, key.octets, key.len))
		assert_false(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &bad));
	assert_false(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &key));
	memset(bad.octets, 0, bad.len);
	assert_false(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &bad));
	bad.octets[bad.len - 1] = 1;
	assert_false(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &bad));
	memset(bad.octets, 0xff, bad.len);
	assert_false(verify(&key, ASSAY_RSA_PSS_SHA256, "sample", &bad));

	bad = key;
	bad.octets[bad.len - 1] &= 0xfe;
	assert_int_equal(
	    assay_key_prepare(&prepared, (struct assay_public){ ASSAY_KEY_RSA, all(&bad) }, &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "even"));
	bad = key;
	bad.octets[0] &= 0x7f;
	assert_int_equal(
	    assay_key_prepare(&prepared, (struct assay_public){ ASSAY_KEY_RSA, all(&bad) }, &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "shorter than its field"));
	for (size_t n = 0; n <= RAW_MAX; n += 32) { /* 384 is RSA-3072 */
		struct raw other = { .len = n };
		memset(other.octets, 0xff, n);
		enum assay_code rc = assay_key_prepare(
		    &prepared, (struct assay_public){ ASSAY_KEY_RSA, all(&other) }, &err);
		assert_int_equal(rc, n == 256 || n == 512 ? ASSAY_OK : ASSAY_E_FORMAT);
		if (rc == ASSAY_OK)
			assay_key_clear(&prepared);
	}
}

static int
make_keys(void **context)
{
	(void)context;
	rsa2048 = EVP_RSA_gen(2048);
	rsa4096 = EVP_RSA_gen(4096);
	return rsa2048 != NULL && rsa4096 != NULL ? 0 : -1;
}

static int
free_keys(void **context)
{
	(void)context;
	EVP_PKEY_free(rsa2048);
	EVP_PKEY_free(rsa4096);
	return 0;
}

static void
test_equal(void **context)
{
	struct raw a = hex(P256_KEY), b = hex(P256_KEY);

	(void)context;
	assert_true(assay_public_equal((struct assay_public){ ASSAY_KEY_P256, all(&a) },
	    (struct assay_public){ ASSAY_KEY_P256, all(&b) }));
	assert_false(assay_public_equal((struct assay_public){ ASSAY_KEY_P256, all(&a) },
	    (struct assay_public){ ASSAY_KEY_P384, all(&b) }));
	b.octets[63] ^= 1;
	assert_false(assay_public_equal((struct assay_public){ ASSAY_KEY_P256, all(&a) },
	    (struct assay_public){ ASSAY_KEY_P256, all(&b) }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc6979),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_mismatch),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_pss),
		cmocka_unit_test(test_pss_encoding),
		cmocka_unit_test(test_rsa_numbers),
		cmocka_unit_test(test_equal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
