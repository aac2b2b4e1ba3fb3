/* SPDX-License-Identifier: Apache-2.0 */
/* EC_KEY and RSA are deprecated in OpenSSL 3 but three to ten times cheaper per key
 * than its decoders and EVP. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
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

	RSA *rsa = RSA_new();
	BIGNUM *n = BN_bin2bn(from.raw.ptr, (int)from.raw.len, NULL);
	BIGNUM *e = BN_new();
	if (rsa == NULL || n == NULL || e == NULL || BN_set_word(e, EXPONENT) != 1 ||
	    RSA_set0_key(rsa, n, e, NULL) != 1) {
		BN_free(n);
		BN_free(e);
		RSA_free(rsa);
		return assay_fail_nomem(err);
	}
	*key = (struct assay_key){ from, rsa };
	return ASSAY_OK;
}

/* MGF1 of the same hash, salt of exactly its length, trailer 0xbc: RFC 8017 9.1.2. */
static bool
verify_rsa(const struct assay_key *key, struct assay_bytes digest, struct assay_bytes signature)
{
	const EVP_MD *md = digest.len == ASSAY_SHA256_LEN ? EVP_sha256() : EVP_sha384();
	int len = (int)signature.len;
	uint8_t em[RSA_LARGE];

	return signature.len == key->public.raw.len &&
	    RSA_public_decrypt(len, signature.ptr, em, key->handle, RSA_NO_PADDING) == len &&
	    RSA_verify_PKCS1_PSS_mgf1(key->handle, digest.ptr, md, md, em, (int)digest.len) == 1;
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
		RSA_free(key->handle);
	else
		EC_KEY_free(key->handle);
	*key = (struct assay_key){ { ASSAY_KEY_NONE, { NULL, 0 } }, NULL };
}

size_t
assay_scheme_digest(uint8_t out[ASSAY_DIGEST_MAX], enum assay_scheme scheme, struct assay_bytes in)
{
	size_t len = scheme_of(scheme).digest;

	if (len == ASSAY_SHA256_LEN)
		assay_sha256(out, in);
	else if (len == ASSAY_SHA384_LEN)
		assay_sha384(out, in);
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
