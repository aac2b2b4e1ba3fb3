/* SPDX-License-Identifier: Apache-2.0 */
/* EC_KEY, BN_MONT_CTX and the rest are deprecated in OpenSSL 3 but three to ten times cheaper per key
 * than its decoders and EVP. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <string.h>

enum { RSA_SMALL = 256, RSA_LARGE = 512, EXPONENT = 65537, COORDINATE_MAX = 48 };

/* What each scheme is made of. */
static const struct scheme {
	enum assay_key_kind key;
	size_t digest;
	size_t signature;
} schemes[] = {
	[ASSAY_ECDSA_P256_SHA256] = { ASSAY_KEY_P256, ASSAY_SHA256_LEN, 64 },
	[ASSAY_ECDSA_P384_SHA384] = { ASSAY_KEY_P384, ASSAY_SHA384_LEN, 96 },
	[ASSAY_ECDSA_P384_SHA256] = { ASSAY_KEY_P384, ASSAY_SHA256_LEN, 96 },
	[ASSAY_RSA_PSS_SHA384] = { ASSAY_KEY_RSA, ASSAY_SHA384_LEN, RSA_LARGE },
	[ASSAY_RSA_PSS_SHA256] = { ASSAY_KEY_RSA, ASSAY_SHA256_LEN, RSA_SMALL },
};

static struct scheme
scheme_of(enum assay_scheme scheme)
{
	if ((unsigned)scheme >= sizeof schemes / sizeof *schemes)
		return schemes[ASSAY_SCHEME_NONE];
	return schemes[scheme];
}

static void
hash(uint8_t *out, size_t len, struct assay_bytes in)
{
	if (len == ASSAY_SHA256_LEN)
		assay_sha256(out, in);
	else
		assay_sha384(out, in);
}

/* --- ECDSA ------------------------------------------------------------------------------- */

static enum assay_code
prepare_ec(struct assay_key *key, struct assay_public from, struct assay_error *err)
{
	bool p256 = from.kind == ASSAY_KEY_P256;
	size_t want = p256 ? 64 : 96;
	uint8_t point[1 + 2 * COORDINATE_MAX] = { POINT_CONVERSION_UNCOMPRESSED };

	if (from.raw.len != want)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "public key: is %zu bytes, want %zu for x || y on %s; the evidence is damaged",
		    from.raw.len, want, p256 ? "P-256" : "P-384");
	if (key->handle == NULL &&
	    (key->handle = EC_KEY_new_by_curve_name(p256 ? NID_X9_62_prime256v1 : NID_secp384r1)) ==
		NULL)
		return assay_fail_nomem(err);
	key->public = from;
	memcpy(point + 1, from.raw.ptr, want);
	/* Checks that x and y are below p and on the curve; both curves have cofactor 1, so that is
	 * the whole public key validation. */
	if (EC_KEY_oct2key(key->handle, point, 1 + want, NULL) != 1)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "public key: x = %s is no point of %s; the evidence is damaged or forged",
		    assay_quote_hex((struct assay_bytes){ from.raw.ptr, want / 2 }).text,
		    p256 ? "P-256" : "P-384");
	return ASSAY_OK;
}

static bool
verify_ec(const struct assay_key *key, struct assay_bytes digest, struct assay_bytes signature)
{
	int n = (int)signature.len / 2;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature.ptr, n, NULL);
	BIGNUM *s = BN_bin2bn(signature.ptr + n, n, NULL);
	bool ok = false;

	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* sig has them now */
		/* Refuses r or s of 0 or not below n. Anything but 1 is a refusal; -1 is an error. */
		ok = ECDSA_do_verify(digest.ptr, (int)digest.len, sig, key->handle) == 1;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return ok;
}

/* --- RSASSA-PSS -------------------------------------------------------------------------- */

static enum assay_code
prepare_rsa(struct assay_key *key, struct assay_public from, struct assay_error *err)
{
	if (from.raw.len != RSA_SMALL && from.raw.len != RSA_LARGE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "public key: an RSA modulus of %zu bytes, want 256 or 512; no vendor uses "
		    "another",
		    from.raw.len);
	if (from.raw.ptr[0] < 0x80 || from.raw.ptr[from.raw.len - 1] % 2 == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "public key: an RSA modulus that is %s; the evidence is damaged or forged",
		    from.raw.ptr[0] < 0x80 ? "shorter than its field" : "even");

	/* The handle is the Montgomery form of the modulus; verifying only reads it. */
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_bin2bn(from.raw.ptr, (int)from.raw.len, NULL);
	BN_MONT_CTX *mont = BN_MONT_CTX_new();
	bool ok = ctx != NULL && n != NULL && mont != NULL && BN_MONT_CTX_set(mont, n, ctx) == 1;
	BN_free(n);
	BN_CTX_free(ctx);
	if (!ok) {
		BN_MONT_CTX_free(mont);
		return assay_fail_nomem(err);
	}
	*key = (struct assay_key){ from, mont };
	return ASSAY_OK;
}

/* out = in ^ 65537 mod n, all of n's length; false unless in < n. */
static bool
rsa_public(uint8_t *out, const struct assay_key *key, struct assay_bytes in)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_bin2bn(key->public.raw.ptr, (int)key->public.raw.len, NULL);
	BIGNUM *s = BN_bin2bn(in.ptr, (int)in.len, NULL);
	BIGNUM *e = BN_new();
	BIGNUM *m = BN_new();
	bool ok = ctx != NULL && n != NULL && s != NULL && e != NULL && m != NULL &&
	    BN_ucmp(s, n) < 0 && BN_set_word(e, EXPONENT) == 1 &&
	    BN_mod_exp_mont(m, s, e, n, ctx, key->handle) == 1 &&
	    BN_bn2binpad(m, out, (int)in.len) == (int)in.len;

	BN_free(m);
	BN_free(e);
	BN_free(s);
	BN_free(n);
	BN_CTX_free(ctx);
	return ok;
}

/* EMSA-PSS-VERIFY, RFC 8017 9.1.2: emBits = 8 len - 1, MGF1 and salt of the hash's length. */
static bool
pss_holds(uint8_t *em, size_t len, struct assay_bytes digest)
{
	size_t hlen = digest.len, db_len = len - hlen - 1;
	const uint8_t *h = em + db_len;
	uint8_t seed[ASSAY_DIGEST_MAX + 4], block[ASSAY_DIGEST_MAX];

	if (em[len - 1] != 0xbc || em[0] >= 0x80)
		return false;
	memcpy(seed, h, hlen);
	for (size_t at = 0, counter = 0; at < db_len; at += hlen, counter++) {
		const uint8_t be[4] = { 0, 0, 0, (uint8_t)counter }; /* len / hlen is below 256 */
		memcpy(seed + hlen, be, sizeof be);
		hash(block, hlen, (struct assay_bytes){ seed, hlen + sizeof be });
		for (size_t i = 0; i < hlen && at + i < db_len; i++)
			em[at + i] ^= block[i];
	}
	em[0] &= 0x7f;
	size_t zeros = db_len - hlen - 1; /* DB = zeros, 01, salt */
	if (!assay_bytes_zero((struct assay_bytes){ em, zeros }) || em[zeros] != 1)
		return false;
	uint8_t again[8 + 2 * ASSAY_DIGEST_MAX] = { 0 };
	memcpy(again + 8, digest.ptr, hlen);
	memcpy(again + 8 + hlen, em + zeros + 1, hlen);
	hash(block, hlen, (struct assay_bytes){ again, 8 + 2 * hlen });
	return memcmp(block, h, hlen) == 0;
}

static bool
verify_rsa(const struct assay_key *key, struct assay_bytes digest, struct assay_bytes signature)
{
	uint8_t em[RSA_LARGE];

	return signature.len == key->public.raw.len && rsa_public(em, key, signature) &&
	    pss_holds(em, signature.len, digest);
}

/* --- all kinds --------------------------------------------------------------------------- */

bool
assay_public_equal(struct assay_public a, struct assay_public b)
{
	return a.kind == b.kind && assay_bytes_equal(a.raw, b.raw);
}

enum assay_code
assay_key_prepare(struct assay_key *key, struct assay_public from, struct assay_error *err)
{
	enum assay_code rc;

	if (key->public.kind != from.kind || from.kind == ASSAY_KEY_RSA)
		assay_key_clear(key);
	switch (from.kind) {
	case ASSAY_KEY_P256:
	case ASSAY_KEY_P384:
		rc = prepare_ec(key, from, err);
		break;
	case ASSAY_KEY_RSA:
		rc = prepare_rsa(key, from, err);
		break;
	case ASSAY_KEY_NONE:
	default:
		rc = assay_fail(err, ASSAY_E_FORMAT, "public key: there is none to verify with");
		break;
	}
	if (rc != ASSAY_OK) {
		assay_key_clear(key);
		ERR_clear_error(); /* the reason is in err; leave nothing for the caller's own calls */
	}
	return rc;
}

void
assay_key_clear(struct assay_key *key)
{
	if (key->public.kind == ASSAY_KEY_RSA)
		BN_MONT_CTX_free(key->handle);
	else
		EC_KEY_free(key->handle);
	*key = (struct assay_key){ { ASSAY_KEY_NONE, { NULL, 0 } }, NULL };
}

size_t
assay_scheme_digest(uint8_t out[ASSAY_DIGEST_MAX], enum assay_scheme scheme, struct assay_bytes in)
{
	size_t len = scheme_of(scheme).digest;

	if (len > 0)
		hash(out, len, in);
	return len;
}

enum assay_key_kind
assay_scheme_key(enum assay_scheme scheme)
{
	return scheme_of(scheme).key;
}

bool
assay_key_verify(const struct assay_key *key, enum assay_scheme scheme, struct assay_bytes digest,
    struct assay_bytes signature)
{
	struct scheme want = scheme_of(scheme);
	bool ok;

	if (want.key == ASSAY_KEY_NONE || key->handle == NULL || key->public.kind != want.key ||
	    digest.len != want.digest || signature.len != want.signature)
		return false;
	ok = want.key == ASSAY_KEY_RSA ? verify_rsa(key, digest, signature)
				       : verify_ec(key, digest, signature);
	if (!ok)
		ERR_clear_error();
	return ok;
}
