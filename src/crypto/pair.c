/* SPDX-License-Identifier: Apache-2.0 */
/* EC_KEY and RSA, as in key.c: a signature through EVP costs a fetch of the algorithm each time.
 * Ed25519 is behind EVP alone. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/secret.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdh.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/pair_engine.h"

enum {
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096,
	RSA_BITS = 3072, /* of those made here */
	EXPONENT = 65537,
	ED25519 = 32,
	ALGORITHM = 40, /* characters of its name, or of its number's */
};

static const struct curve {
	int nid;
	size_t width;
	const char *name;
} curves[] = {
	[ASSAY_PAIR_P256] = { NID_X9_62_prime256v1, 32, "P-256" },
	[ASSAY_PAIR_P384] = { NID_secp384r1, 48, "P-384" },
	[ASSAY_PAIR_P521] = { NID_secp521r1, 66, "P-521" },
	[ASSAY_PAIR_ED25519] = { NID_ED25519, ED25519, "Ed25519" },
	[ASSAY_PAIR_RSA] = { NID_rsaEncryption, 0, "RSA" },
};

static bool
elliptic(enum assay_pair_kind kind)
{
	return kind >= ASSAY_PAIR_P256 && kind <= ASSAY_PAIR_P521;
}

size_t
assay_pair_width(enum assay_pair_kind kind)
{
	return curves[kind].width;
}

void
assay_pair_clear(struct assay_pair *pair)
{
	if (elliptic(pair->kind))
		EC_KEY_free(pair->handle); /* these wipe their private numbers */
	else if (pair->kind == ASSAY_PAIR_RSA)
		RSA_free(pair->handle);
	else
		EVP_PKEY_free(pair->handle);
	*pair = (struct assay_pair){ ASSAY_PAIR_NONE, false, NULL };
}

/* --- from numbers ------------------------------------------------------------------------ */

static enum assay_code
no_pair(struct assay_error *err, const char *what)
{
	return assay_fail(err, ASSAY_E_FORMAT,
	    "key: its private numbers do not belong to its public %s; it is damaged", what);
}

/* Without its point. The engine computes a curve's numbers for each key that names it, which costs ten
 * times what copying them from another key does. */
static EC_KEY *
empty_ec(enum assay_pair_kind kind, const struct assay_pair *like)
{
	EC_KEY *key;

	if (like == NULL || like->kind != kind)
		return EC_KEY_new_by_curve_name(curves[kind].nid);
	key = EC_KEY_new();
	if (key != NULL && EC_KEY_set_group(key, EC_KEY_get0_group(like->handle)) == 1)
		return key;
	EC_KEY_free(key);
	return NULL;
}

static enum assay_code
set_ec(struct assay_pair *pair, const struct assay_numbers *from, const struct assay_pair *like,
    struct assay_error *err)
{
	const struct curve *curve = &curves[pair->kind];
	uint8_t point[1 + 2 * ASSAY_FIELD_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	size_t width = curve->width;
	EC_KEY *key = empty_ec(pair->kind, like);

	if (key == NULL)
		return assay_fail_nomem(err);
	pair->handle = key;
	memcpy(point + 1, from->at[0].ptr, width);
	memcpy(point + 1 + width, from->at[1].ptr, width);
	/* As in key.c, this is the whole public key validation: all three have cofactor 1. */
	if (EC_KEY_oct2key(key, point, 1 + 2 * width, NULL) != 1)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "key: x = %s is with this y no point of %s; it is damaged or forged",
		    assay_quote_hex(from->at[0]).text, curve->name);
	if (pair->private &&
	    (EC_KEY_oct2priv(key, from->at[2].ptr, width) != 1 || EC_KEY_check_key(key) != 1))
		return no_pair(err, "point");
	return ASSAY_OK;
}

static enum assay_code
set_ed25519(struct assay_pair *pair, const struct assay_numbers *from, struct assay_error *err)
{
	uint8_t x[ED25519];
	size_t n = sizeof x;

	pair->handle = pair->private
	    ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, from->at[2].ptr, ED25519)
	    : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, from->at[0].ptr, ED25519);
	if (pair->handle == NULL)
		return assay_fail_nomem(err);
	if (EVP_PKEY_get_raw_public_key(pair->handle, x, &n) != 1 || n != sizeof x ||
	    memcmp(x, from->at[0].ptr, sizeof x) != 0)
		return no_pair(err, "x");
	return ASSAY_OK;
}

static enum assay_code
check_rsa(const RSA *rsa, struct assay_error *err)
{
	const BIGNUM *n = RSA_get0_n(rsa), *e = RSA_get0_e(rsa);
	int bits = BN_num_bits(n);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || !BN_is_odd(n))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "key: an RSA modulus of %d bits%s, must be odd and of %d to %d; make another "
		    "key",
		    bits, BN_is_odd(n) ? "" : " that is even", RSA_BITS_MIN, RSA_BITS_MAX);
	if (!BN_is_word(e, EXPONENT))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "key: an RSA exponent other than %d; make another key", EXPONENT);
	return ASSAY_OK;
}

/* Hands the numbers to the engine, which owns those that it took. */
static bool
take_rsa(RSA *rsa, const struct assay_numbers *from, bool private)
{
	BIGNUM *bn[ASSAY_NUMBERS] = { NULL };
	size_t count = private ? ASSAY_NUMBERS : 2;
	bool ok = true;

	for (size_t i = 0; i < count; i++) {
		bn[i] = BN_bin2bn(from->at[i].ptr, (int)from->at[i].len, NULL);
		ok = ok && bn[i] != NULL;
		if (ok && i >= 2)
			BN_set_flags(bn[i], BN_FLG_CONSTTIME);
	}
	if (ok && (ok = RSA_set0_key(rsa, bn[0], bn[1], bn[2]) == 1))
		bn[0] = bn[1] = bn[2] = NULL;
	if (ok && private && (ok = RSA_set0_factors(rsa, bn[3], bn[4]) == 1))
		bn[3] = bn[4] = NULL;
	if (ok && private && (ok = RSA_set0_crt_params(rsa, bn[5], bn[6], bn[7]) == 1))
		bn[5] = bn[6] = bn[7] = NULL;
	for (size_t i = 0; i < count; i++)
		BN_clear_free(bn[i]);
	return ok;
}

static enum assay_code
set_rsa(struct assay_pair *pair, const struct assay_numbers *from, struct assay_error *err)
{
	RSA *rsa = RSA_new();
	enum assay_code rc;

	if (rsa == NULL)
		return assay_fail_nomem(err);
	pair->handle = rsa;
	if (!take_rsa(rsa, from, pair->private))
		return assay_fail_nomem(err);
	rc = check_rsa(rsa, err);
	if (rc == ASSAY_OK && pair->private && RSA_check_key(rsa) != 1)
		rc = no_pair(err, "modulus");
	return rc;
}

static enum assay_code
check_widths(
    const struct assay_pair *pair, const struct assay_numbers *from, struct assay_error *err)
{
	size_t width = assay_pair_width(pair->kind);

	for (size_t i = 0; i < (pair->private ? 3U : 2U); i++) {
		bool wanted = !(pair->kind == ASSAY_PAIR_ED25519 && i == 1);
		size_t len = from->at[i].len;
		if (wanted && (pair->kind == ASSAY_PAIR_RSA ? len == 0 : len != width))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "key: a number of %zu bytes, want %zu for %s; leading zeros are not "
			    "left out",
			    len, width, curves[pair->kind].name);
	}
	for (size_t i = 0; i < ASSAY_NUMBERS; i++)
		if (from->at[i].len > ASSAY_NUMBER_MAX)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "key: a number of %zu bytes, at most %d make sense", from->at[i].len,
			    ASSAY_NUMBER_MAX);
	return ASSAY_OK;
}

enum assay_code
assay_pair_set(struct assay_pair *pair, enum assay_pair_kind kind,
    const struct assay_numbers *numbers, const struct assay_pair *like, struct assay_error *err)
{
	struct assay_pair p = { kind, numbers->at[2].len > 0, NULL };
	enum assay_code rc = check_widths(&p, numbers, err);

	if (rc == ASSAY_OK && elliptic(kind))
		rc = set_ec(&p, numbers, like, err);
	else if (rc == ASSAY_OK && kind == ASSAY_PAIR_ED25519)
		rc = set_ed25519(&p, numbers, err);
	else if (rc == ASSAY_OK)
		rc = set_rsa(&p, numbers, err);
	if (rc == ASSAY_OK) {
		*pair = p;
		return ASSAY_OK;
	}
	assay_pair_clear(&p);
	ERR_clear_error(); /* the reason is in err; leave nothing for the caller's own calls */
	return rc;
}

/* --- PEM --------------------------------------------------------------------------------- */

/* A pass phrase is asked of nobody. */
static int
no_phrase(char *out, int size, int writing, void *context)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static EVP_PKEY *
read_pem(struct assay_bytes pem, bool *private)
{
	EVP_PKEY *key = NULL;
	X509 *cert;

	for (int kind = 0; key == NULL && kind < 3; kind++) {
		BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
		*private = kind == 0;
		if (bio == NULL)
			return NULL;
		if (kind == 0) {
			key = PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL);
		} else if (kind == 1) {
			key = PEM_read_bio_PUBKEY(bio, NULL, no_phrase, NULL);
		} else if ((cert = PEM_read_bio_X509(bio, NULL, no_phrase, NULL)) != NULL) {
			key = X509_get_pubkey(cert);
			X509_free(cert);
		}
		BIO_free(bio);
	}
	return key;
}

static enum assay_pair_kind
kind_of(const EVP_PKEY *key)
{
	const EC_KEY *ec;

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_ED25519:
		return ASSAY_PAIR_ED25519;
	case EVP_PKEY_RSA:
		return ASSAY_PAIR_RSA;
	case EVP_PKEY_EC:
		ec = EVP_PKEY_get0_EC_KEY(key);
		for (enum assay_pair_kind k = ASSAY_PAIR_P256; ec != NULL && k <= ASSAY_PAIR_P521;
		     k++)
			if (EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == curves[k].nid)
				return k;
		return ASSAY_PAIR_NONE;
	default:
		return ASSAY_PAIR_NONE;
	}
}

/* The engine's decoders have looked at the structure; here at what assay_pair_set() asks for. */
static enum assay_code
check_read(const struct assay_pair *p, struct assay_error *err)
{
	enum assay_code rc;

	if (p->handle == NULL)
		return assay_fail_nomem(err);
	if (elliptic(p->kind))
		return EC_KEY_check_key(p->handle) == 1 ? ASSAY_OK : no_pair(err, "point");
	if (p->kind == ASSAY_PAIR_ED25519)
		return ASSAY_OK;
	rc = check_rsa(p->handle, err);
	if (rc == ASSAY_OK && p->private && RSA_check_key(p->handle) != 1)
		rc = no_pair(err, "modulus");
	return rc;
}

/* Takes the key over. */
static enum assay_code
take_read(struct assay_pair *pair, EVP_PKEY *key, bool private, struct assay_error *err)
{
	struct assay_pair p = { kind_of(key), private, NULL };
	enum assay_code rc;

	if (p.kind == ASSAY_PAIR_NONE) {
		EVP_PKEY_free(key);
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "key: is none of P-256, P-384, P-521, Ed25519 and RSA; make another key");
	}
	if (elliptic(p.kind)) {
		p.handle = EVP_PKEY_get1_EC_KEY(key);
	} else if (p.kind == ASSAY_PAIR_RSA) {
		p.handle = EVP_PKEY_get1_RSA(key);
	} else {
		p.handle = key;
		key = NULL;
	}
	EVP_PKEY_free(key);
	if ((rc = check_read(&p, err)) == ASSAY_OK)
		*pair = p;
	else
		assay_pair_clear(&p);
	return rc;
}

enum assay_code
assay_pair_set_pem(struct assay_pair *pair, struct assay_bytes pem, struct assay_error *err)
{
	bool private = false;
	EVP_PKEY *key = pem.len <= INT_MAX ? read_pem(pem, &private) : NULL;
	enum assay_code rc = key != NULL
	    ? take_read(pair, key, private, err)
	    : assay_fail(err, ASSAY_E_FORMAT,
		  "key: has no PEM block \"PRIVATE KEY\", \"PUBLIC KEY\" or \"CERTIFICATE\" that "
		  "can be read; an encrypted key must be decrypted first");

	ERR_clear_error(); /* the blocks that were not there left theirs */
	return rc;
}

/* --- DER --------------------------------------------------------------------------------- */

static EVP_PKEY *
read_der(struct assay_bytes der, bool private)
{
	const uint8_t *at = der.ptr;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *key = NULL;

	if (!private) {
		key = d2i_PUBKEY(NULL, &at, (long)der.len);
	} else if ((info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len)) != NULL) {
		key = EVP_PKCS82PKEY(info);
		PKCS8_PRIV_KEY_INFO_free(info); /* wipes */
	}
	if (key == NULL || at == der.ptr + der.len)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/* Whether this is a PrivateKeyInfo, and of none of our kinds; its algorithm's name, or its curve's. That is seen
 * without the engine, whose want of memory looks like a kind that it does not know. */
static bool
is_strange(char name[ALGORITHM], struct assay_bytes der)
{
	const uint8_t *at = der.ptr;
	PKCS8_PRIV_KEY_INFO *info = der.len > 0 && der.len <= INT_MAX
	    ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len)
	    : NULL;
	const X509_ALGOR *of = NULL;
	bool strange = info != NULL && at == der.ptr + der.len &&
	    PKCS8_pkey_get0(NULL, NULL, NULL, &of, info) == 1;

	if (strange) {
		bool curve = OBJ_obj2nid(of->algorithm) == NID_X9_62_id_ecPublicKey &&
		    of->parameter != NULL && of->parameter->type == V_ASN1_OBJECT;
		const ASN1_OBJECT *object = curve ? of->parameter->value.object : of->algorithm;
		for (enum assay_pair_kind k = ASSAY_PAIR_P256; k <= ASSAY_PAIR_RSA; k++)
			strange = strange && OBJ_obj2nid(object) != curves[k].nid;
		OBJ_obj2txt(name, ALGORITHM, object, 0);
	}
	PKCS8_PRIV_KEY_INFO_free(info); /* wipes */
	return strange;
}

/* The bits of an RSA key that has more or less than ours; else 0. */
static int
odd_length(EVP_PKEY *key)
{
	RSA *rsa = EVP_PKEY_get1_RSA(key);
	int bits = rsa != NULL ? BN_num_bits(RSA_get0_n(rsa)) : RSA_BITS_MIN;

	RSA_free(rsa);
	return bits < RSA_BITS_MIN || bits > RSA_BITS_MAX ? bits : 0;
}

/* What stands before the point of a public key on a named curve, uncompressed, and before Ed25519's.
 * Source: RFC 5480, 2; RFC 8410, 4. */
static const struct spki_head {
	enum assay_pair_kind kind;
	uint8_t len, head[27];
} spki_heads[] = {
	{ ASSAY_PAIR_P256, 27,
	    { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
		0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 } },
	{ ASSAY_PAIR_P384, 24,
	    { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
		0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 } },
	{ ASSAY_PAIR_ED25519, 12,
	    { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 } },
};

/* The usual forms without the engine's decoder, which costs ten times what the key does. */
static enum assay_pair_kind
usual_form(struct assay_numbers *out, struct assay_bytes der)
{
	for (size_t i = 0; i < sizeof spki_heads / sizeof *spki_heads; i++) {
		const struct spki_head *h = &spki_heads[i];
		size_t width = curves[h->kind].width;
		bool point = elliptic(h->kind);
		if (der.len != h->len + width + (point ? width : 0) ||
		    memcmp(der.ptr, h->head, h->len) != 0)
			continue;
		*out = (struct assay_numbers){ { { der.ptr + h->len, width },
		    { point ? der.ptr + h->len + width : NULL, point ? width : 0 } } };
		return h->kind;
	}
	return ASSAY_PAIR_NONE;
}

enum assay_code
assay_pair_set_der(
    struct assay_pair *pair, struct assay_bytes der, bool private, struct assay_error *err)
{
	char name[ALGORITHM] = "";
	struct assay_numbers numbers;
	enum assay_pair_kind kind = private ? ASSAY_PAIR_NONE : usual_form(&numbers, der);

	if (kind != ASSAY_PAIR_NONE)
		return assay_pair_set(pair, kind, &numbers, NULL, err);
	EVP_PKEY *key = der.len > 0 && der.len <= INT_MAX ? read_der(der, private) : NULL;
	bool rsa = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	int bits = rsa && private ? odd_length(key) : 0;
	enum assay_code rc = key != NULL
	    ? take_read(pair, key, private, err)
	    : assay_fail(err, ASSAY_E_FORMAT, "key: %zu bytes are no %s in DER, alone", der.len,
		  private ? "PrivateKeyInfo (PKCS#8, not encrypted)" : "SubjectPublicKeyInfo");

	if (rc != ASSAY_OK && private && is_strange(name, der))
		rc = assay_fail(
		    err, ASSAY_E_UNSUPPORTED, "key: is of %s, which is not known here", name);
	else if (bits != 0)
		rc = assay_fail(err, ASSAY_E_UNSUPPORTED, "key: is of RSA with %d bits", bits);
	else if (rc == ASSAY_E_UNSUPPORTED && private && !rsa)
		rc = assay_fail_nomem(err); /* its curve is known, and could not be looked at */
	ERR_clear_error();
	return rc;
}

EVP_PKEY *
assay_pair_engine(const struct assay_pair *pair)
{
	EVP_PKEY *key;

	if (pair->kind == ASSAY_PAIR_ED25519)
		return EVP_PKEY_up_ref(pair->handle) == 1 ? pair->handle : NULL;
	key = EVP_PKEY_new();
	if (key != NULL &&
	    (elliptic(pair->kind) ? EVP_PKEY_set1_EC_KEY(key, pair->handle)
				  : EVP_PKEY_set1_RSA(key, pair->handle)) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

enum assay_code
assay_pair_pem(char **out, const struct assay_pair *pair, struct assay_error *err)
{
	EVP_PKEY *key = assay_pair_engine(pair);
	BIO *bio = BIO_new(BIO_s_mem()); /* wipes what it held */
	char *held, *text = NULL;

	if (key != NULL && bio != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		size_t n = (size_t)BIO_get_mem_data(bio, &held);
		text = malloc(n + 1);
		if (text != NULL) {
			memcpy(text, held, n);
			text[n] = '\0';
		}
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	ERR_clear_error();
	if (text == NULL)
		return assay_fail_nomem(err);
	*out = text;
	return ASSAY_OK;
}

enum assay_code
assay_pair_spki(uint8_t **out, size_t *len, const struct assay_pair *pair, struct assay_error *err)
{
	EVP_PKEY *key = assay_pair_engine(pair);
	int n = key != NULL ? i2d_PUBKEY(key, NULL) : 0;
	uint8_t *der = n > 0 ? malloc((size_t)n) : NULL, *at = der;
	bool ok = der != NULL && i2d_PUBKEY(key, &at) == n;

	EVP_PKEY_free(key);
	ERR_clear_error();
	if (!ok) {
		free(der);
		return assay_fail_nomem(err);
	}
	*out = der;
	*len = (size_t)n;
	return ASSAY_OK;
}

enum assay_code
assay_pair_digest(
    uint8_t out[ASSAY_SHA256_LEN], const struct assay_pair *pair, struct assay_error *err)
{
	uint8_t *der = NULL;
	size_t len = 0;
	enum assay_code rc = assay_pair_spki(&der, &len, pair, err);

	if (rc == ASSAY_OK)
		assay_sha256(out, (struct assay_bytes){ der, len });
	free(der);
	return rc;
}

/* --- fresh ones -------------------------------------------------------------------------- */

/* Takes the handle over, which may be NULL. */
static void *
fill_ec(EC_KEY *key)
{
	if (key != NULL && EC_KEY_generate_key(key) == 1)
		return key;
	EC_KEY_free(key);
	return NULL;
}

static void *
make_rsa(void)
{
	RSA *rsa = RSA_new();
	BIGNUM *e = BN_new();
	bool ok = rsa != NULL && e != NULL && BN_set_word(e, EXPONENT) == 1 &&
	    RSA_generate_key_ex(rsa, RSA_BITS, e, NULL) == 1;

	BN_free(e);
	if (ok)
		return rsa;
	RSA_free(rsa);
	return NULL;
}

static enum assay_code
keep_made(struct assay_pair *pair, enum assay_pair_kind kind, void *made, struct assay_error *err)
{
	if (made == NULL) {
		ERR_clear_error();
		return assay_fail(err, ASSAY_E_NOMEM,
		    "key: none could be made, for want of memory or of randomness");
	}
	*pair = (struct assay_pair){ kind, true, made };
	return ASSAY_OK;
}

enum assay_code
assay_pair_make(struct assay_pair *pair, enum assay_pair_kind kind, struct assay_error *err)
{
	void *made = elliptic(kind)  ? fill_ec(empty_ec(kind, NULL))
	    : kind == ASSAY_PAIR_RSA ? make_rsa()
				     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	return keep_made(pair, kind, made, err);
}

enum assay_code
assay_pair_make_like(
    struct assay_pair *pair, const struct assay_pair *peer, struct assay_error *err)
{
	EC_KEY *key = elliptic(peer->kind) ? empty_ec(peer->kind, peer) : NULL;

	return keep_made(pair, peer->kind, fill_ec(key), err);
}

bool
assay_pair_public(struct assay_public_numbers *out, const struct assay_pair *pair)
{
	uint8_t point[1 + 2 * ASSAY_FIELD_MAX];
	size_t width = assay_pair_width(pair->kind);

	out->len[0] = out->len[1] = width;
	if (pair->kind == ASSAY_PAIR_RSA) {
		out->len[0] = (size_t)BN_bn2bin(RSA_get0_n(pair->handle), out->at[0]);
		out->len[1] = (size_t)BN_bn2bin(RSA_get0_e(pair->handle), out->at[1]);
		return true;
	}
	if (pair->kind == ASSAY_PAIR_ED25519) {
		out->len[1] = 0;
		return EVP_PKEY_get_raw_public_key(pair->handle, out->at[0], &out->len[0]) == 1;
	}
	if (EC_POINT_point2oct(EC_KEY_get0_group(pair->handle),
		EC_KEY_get0_public_key(pair->handle), POINT_CONVERSION_UNCOMPRESSED, point,
		1 + 2 * width, NULL) != 1 + 2 * width)
		return false;
	memcpy(out->at[0], point + 1, width);
	memcpy(out->at[1], point + 1 + width, width);
	return true;
}

/* --- signatures -------------------------------------------------------------------------- */

static size_t
digest_of(uint8_t out[ASSAY_DIGEST_MAX], enum assay_signing how, struct assay_bytes message)
{
	if (how == ASSAY_SIGN_SHA256 || how == ASSAY_SIGN_PSS_256) {
		assay_sha256(out, message);
		return ASSAY_SHA256_LEN;
	}
	if (how == ASSAY_SIGN_SHA512) {
		assay_sha512(out, message);
		return ASSAY_SHA512_LEN;
	}
	assay_sha384(out, message);
	return ASSAY_SHA384_LEN;
}

static size_t
sign_ec(uint8_t *out, const struct assay_pair *pair, struct assay_bytes digest)
{
	size_t width = assay_pair_width(pair->kind);
	ECDSA_SIG *sig = ECDSA_do_sign(digest.ptr, (int)digest.len, pair->handle);
	bool ok = sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)width) == (int)width &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + width, (int)width) == (int)width;

	ECDSA_SIG_free(sig);
	return ok ? 2 * width : 0;
}

static size_t
sign_ed25519(uint8_t *out, const struct assay_pair *pair, struct assay_bytes message)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = (size_t)2 * ED25519;
	bool ok = c != NULL && EVP_DigestSignInit(c, NULL, NULL, NULL, pair->handle) == 1 &&
	    EVP_DigestSign(c, out, &n, message.ptr, message.len) == 1;

	EVP_MD_CTX_free(c);
	return ok ? n : 0;
}

static size_t
sign_pss(uint8_t *out, const struct assay_pair *pair, struct assay_bytes digest)
{
	const EVP_MD *md = digest.len == ASSAY_SHA256_LEN ? EVP_sha256() : EVP_sha384();
	int size = RSA_size(pair->handle);
	uint8_t em[ASSAY_NUMBER_MAX];
	bool ok = RSA_padding_add_PKCS1_PSS_mgf1(
		      pair->handle, em, digest.ptr, md, md, (int)digest.len) == 1 &&
	    RSA_private_encrypt(size, em, out, pair->handle, RSA_NO_PADDING) == size;

	return ok ? (size_t)size : 0;
}

size_t
assay_pair_sign(uint8_t out[ASSAY_NUMBER_MAX], const struct assay_pair *pair,
    enum assay_signing how, struct assay_bytes message)
{
	uint8_t digest[ASSAY_DIGEST_MAX];
	size_t n = 0;

	if (pair->private && elliptic(pair->kind))
		n = sign_ec(
		    out, pair, (struct assay_bytes){ digest, digest_of(digest, how, message) });
	else if (pair->private && pair->kind == ASSAY_PAIR_ED25519)
		n = sign_ed25519(out, pair, message);
	else if (pair->private && pair->kind == ASSAY_PAIR_RSA &&
	    (how == ASSAY_SIGN_PSS_256 || how == ASSAY_SIGN_PSS_384))
		n = sign_pss(
		    out, pair, (struct assay_bytes){ digest, digest_of(digest, how, message) });
	if (n == 0)
		ERR_clear_error();
	return n;
}

static bool
verify_ec(const struct assay_pair *pair, struct assay_bytes digest, struct assay_bytes signature)
{
	size_t width = assay_pair_width(pair->kind);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature.ptr, (int)width, NULL);
	BIGNUM *s = BN_bin2bn(signature.ptr + width, (int)width, NULL);
	bool ok = false;

	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* sig has them now */
		/* Refuses r or s of 0 or not below n. Anything but 1 is a refusal; -1 is an error. */
		ok = ECDSA_do_verify(digest.ptr, (int)digest.len, sig, pair->handle) == 1;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return ok;
}

static bool
verify_ed25519(
    const struct assay_pair *pair, struct assay_bytes message, struct assay_bytes signature)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c != NULL && EVP_DigestVerifyInit(c, NULL, NULL, NULL, pair->handle) == 1 &&
	    EVP_DigestVerify(c, signature.ptr, signature.len, message.ptr, message.len) == 1;

	EVP_MD_CTX_free(c);
	return ok;
}

static bool
verify_rsa(const struct assay_pair *pair, enum assay_signing how, struct assay_bytes digest,
    struct assay_bytes signature)
{
	const EVP_MD *md = digest.len == ASSAY_SHA256_LEN ? EVP_sha256() : EVP_sha384();
	int len = (int)signature.len;
	uint8_t em[ASSAY_NUMBER_MAX];

	if (how <= ASSAY_SIGN_SHA512)
		return RSA_verify(how == ASSAY_SIGN_SHA256 ? NID_sha256
			       : how == ASSAY_SIGN_SHA384  ? NID_sha384
							   : NID_sha512,
			   digest.ptr, (unsigned)digest.len, signature.ptr, (unsigned)len,
			   pair->handle) == 1;
	return RSA_public_decrypt(len, signature.ptr, em, pair->handle, RSA_NO_PADDING) == len &&
	    RSA_verify_PKCS1_PSS_mgf1(pair->handle, digest.ptr, md, md, em, (int)digest.len) == 1;
}

bool
assay_pair_verify(const struct assay_pair *pair, enum assay_signing how, struct assay_bytes message,
    struct assay_bytes signature)
{
	uint8_t room[ASSAY_DIGEST_MAX];
	size_t want = pair->kind == ASSAY_PAIR_RSA ? (size_t)RSA_size(pair->handle)
						   : 2 * assay_pair_width(pair->kind);
	bool ok = false;

	if (pair->kind == ASSAY_PAIR_NONE || signature.len != want)
		return false;
	if (pair->kind == ASSAY_PAIR_ED25519) {
		ok = verify_ed25519(pair, message, signature);
	} else {
		struct assay_bytes digest = { room, digest_of(room, how, message) };
		ok = elliptic(pair->kind) ? verify_ec(pair, digest, signature)
					  : verify_rsa(pair, how, digest, signature);
	}
	if (!ok)
		ERR_clear_error();
	return ok;
}

/* --- keys for keys ----------------------------------------------------------------------- */

size_t
assay_pair_agree(
    uint8_t z[ASSAY_FIELD_MAX], const struct assay_pair *own, const struct assay_pair *peer)
{
	size_t width = assay_pair_width(own->kind);

	if (own->kind != peer->kind || !own->private || !elliptic(own->kind))
		return 0;
	if (ECDH_compute_key(z, width, EC_KEY_get0_public_key(peer->handle), own->handle, NULL) ==
	    (int)width)
		return width;
	ERR_clear_error();
	return 0;
}

size_t
assay_pair_encrypt(uint8_t out[ASSAY_NUMBER_MAX], const struct assay_pair *pair,
    enum assay_padding padding, const uint8_t cek[ASSAY_CEK_SIZE])
{
	uint8_t em[ASSAY_NUMBER_MAX];
	int n = -1;

	if (pair->kind != ASSAY_PAIR_RSA)
		return 0;
	int size = RSA_size(pair->handle);
	if (padding == ASSAY_PAD_PKCS1)
		n = RSA_public_encrypt(ASSAY_CEK_SIZE, cek, out, pair->handle, RSA_PKCS1_PADDING);
	else if (RSA_padding_add_PKCS1_OAEP_mgf1(
		     em, size, cek, ASSAY_CEK_SIZE, NULL, 0, EVP_sha256(), EVP_sha256()) == 1)
		n = RSA_public_encrypt(size, em, out, pair->handle, RSA_NO_PADDING);
	assay_wipe(em, sizeof em);
	if (n == size)
		return (size_t)n;
	ERR_clear_error();
	return 0;
}

bool
assay_pair_decrypt(
    uint8_t cek[ASSAY_CEK_SIZE], const struct assay_pair *pair, struct assay_bytes in)
{
	uint8_t em[ASSAY_NUMBER_MAX], out[ASSAY_NUMBER_MAX];
	bool ok = false;

	if (pair->kind != ASSAY_PAIR_RSA || !pair->private ||
	    in.len != (size_t)RSA_size(pair->handle))
		return false;
	int size = (int)in.len;
	if (RSA_private_decrypt(size, in.ptr, em, pair->handle, RSA_NO_PADDING) == size)
		/* Tells no wrong padding from another by its time (OpenSSL's own promise). */
		ok = RSA_padding_check_PKCS1_OAEP_mgf1(out, (int)sizeof out, em, size, size, NULL,
			 0, EVP_sha256(), EVP_sha256()) == ASSAY_CEK_SIZE;
	if (ok)
		memcpy(cek, out, ASSAY_CEK_SIZE);
	assay_wipe(em, sizeof em);
	assay_wipe(out, sizeof out);
	ERR_clear_error();
	return ok;
}
