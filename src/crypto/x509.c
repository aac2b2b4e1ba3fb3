/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_fields.h"

#include <limits.h>
#include <string.h>

enum { VERSION_3 = 2, TAG_VERSION = 0xa0, TAG_ISSUER_ID = 0x81, TAG_SUBJECT_ID = 0x82 };
enum { TAG_EXTENSIONS = 0xa3, MODULUS_SMALL = 256, MODULUS_LARGE = 512, EXPONENT = 65537 };

static enum assay_code
damaged(const struct assay_reader *r, const char *field, struct assay_error *err)
{
	return assay_fail(err, ASSAY_E_FORMAT,
	    "%s: its %s is no strict DER of RFC 5280; get the certificate anew from its issuer",
	    r->what, field);
}

/* --- subjectPublicKeyInfo ---------------------------------------------------------------- */

/* AlgorithmIdentifier contents: RFC 5480 2.1.1, RFC 3279 2.3.1. */
static const struct key_algorithm {
	struct assay_bytes id;
	enum assay_key_kind kind;
	size_t point;
} key_algorithms[] = {
	{ { (const uint8_t *)"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
			     "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
	      19 },
	    ASSAY_KEY_P256, 64 },
	{ { (const uint8_t *)"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
			     "\x06\x05\x2b\x81\x04\x00\x22",
	      16 },
	    ASSAY_KEY_P384, 96 },
	{ { (const uint8_t *)"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 13 },
	    ASSAY_KEY_RSA, 0 },
};

/* RSAPublicKey ::= SEQUENCE { modulus, publicExponent } */
static enum assay_code
rsa_key(struct assay_public *out, const char *what, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = what, .in = in };
	struct assay_reader pair = assay_der_enter(&r, DER_SEQUENCE);
	struct assay_bytes n = assay_der_take(&pair, DER_INTEGER);
	uint64_t e = assay_der_uint(&pair, DER_INTEGER);

	if (r.overrun || r.pos != r.in.len || pair.overrun || pair.pos != pair.in.len ||
	    n.len < 2 || n.ptr[0] >= 0x80 || (n.ptr[0] == 0 && n.ptr[1] < 0x80))
		return damaged(&r, "RSA key", err);
	/* A full modulus has its top bit set, so DER puts a zero before it. */
	if (n.ptr[0] != 0 || (n.len != 1 + MODULUS_SMALL && n.len != 1 + MODULUS_LARGE) ||
	    e != EXPONENT)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: an RSA key of about %zu bits with exponent %llu, want 2048 or 4096 and "
		    "65537; the vendors use no other",
		    what, 8 * (n.len - 1), (unsigned long long)e);
	*out = (struct assay_public){ ASSAY_KEY_RSA, { n.ptr + 1, n.len - 1 } };
	return ASSAY_OK;
}

static enum assay_code
take_key(struct assay_public *out, struct assay_reader *r, struct assay_error *err)
{
	struct assay_reader info = assay_der_enter(r, DER_SEQUENCE);
	struct assay_bytes id = assay_der_take(&info, DER_SEQUENCE);
	struct assay_bytes bits = assay_der_take(&info, DER_BIT_STRING);
	const struct key_algorithm *a = NULL;

	if (info.overrun || info.pos != info.in.len || bits.len == 0 || bits.ptr[0] != 0)
		return damaged(r, "public key", err);
	for (size_t i = 0; i < sizeof key_algorithms / sizeof *key_algorithms; i++)
		if (assay_bytes_equal(key_algorithms[i].id, id))
			a = &key_algorithms[i];
	if (a == NULL)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: a public key of algorithm %s, want P-256, P-384 or RSA; the vendors use "
		    "no other",
		    r->what, assay_quote_hex(id).text);
	if (a->kind == ASSAY_KEY_RSA)
		return rsa_key(
		    out, r->what, (struct assay_bytes){ bits.ptr + 1, bits.len - 1 }, err);
	if (bits.len != 2 + a->point || bits.ptr[1] != 0x04)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: its EC point is %zu bytes, want 04 and %zu; compressed points are not "
		    "taken",
		    r->what, bits.len - 1, a->point);
	*out = (struct assay_public){ a->kind, { bits.ptr + 2, a->point } };
	return ASSAY_OK;
}

/* --- extensions -------------------------------------------------------------------------- */

/* A named bit list (X.690 11.2.2) has no zero bits at its end, but AMD's ASK and ASVK do (03 02 01
 * 04), so only the unused bits must be zero. */
static bool
read_usage(struct x509_cert *c, struct assay_bytes value)
{
	struct assay_reader r = { .what = "key usage", .in = value };
	struct assay_bytes b = assay_der_take(&r, DER_BIT_STRING);

	if (r.overrun || r.pos != r.in.len || b.len < 2 || b.len > 3 || b.ptr[0] > 7)
		return false;
	if ((b.ptr[b.len - 1] & ((1U << b.ptr[0]) - 1)) != 0)
		return false;
	c->has_usage = true;
	for (unsigned bit = 0; bit < 8 * (b.len - 1); bit++)
		if (b.ptr[1 + bit / 8] & (0x80 >> bit % 8))
			c->usage = (uint16_t)(c->usage | 1U << bit);
	return true;
}

static bool
read_basic(struct x509_cert *c, struct assay_bytes value)
{
	struct assay_reader r = { .what = "basic constraints", .in = value };
	struct assay_reader fields = assay_der_enter(&r, DER_SEQUENCE);
	uint64_t len;

	if (r.overrun || r.pos != r.in.len)
		return false;
	c->has_basic = true;
	if (assay_der_peek(&fields) == DER_BOOLEAN && !(c->ca = assay_der_boolean(&fields)))
		return false; /* FALSE is the default, which DER leaves out */
	if (c->ca && assay_reader_left(&fields) > 0) {
		len = assay_der_uint(&fields, DER_INTEGER);
		if (len > INT_MAX)
			return false;
		c->path_len = (int)len;
	}
	return !fields.overrun && fields.pos == fields.in.len;
}

static bool
read_skid(struct x509_cert *c, struct assay_bytes value)
{
	struct assay_reader r = { .what = "subject key identifier", .in = value };

	c->skid = assay_der_take(&r, DER_OCTET_STRING);
	return !r.overrun && r.pos == r.in.len && c->skid.len > 0;
}

static bool
read_akid(struct x509_cert *c, struct assay_bytes value)
{
	return assay_x509_akid(&c->akid, value);
}

/* All of them 2.5.29.n. Others are kept for the verifiers, which know what to expect in them. */
static const struct known {
	uint8_t n;
	bool may_be_critical;
	const char *name;
	bool (*read)(struct x509_cert *c, struct assay_bytes value);
} known[] = {
	{ 14, false, "subject key identifier", read_skid },
	{ 15, true, "key usage", read_usage },
	{ 19, true, "basic constraints", read_basic },
	{ 35, false, "authority key identifier", read_akid },
};

static enum assay_code
read_extension(struct x509_cert *c, const struct x509_extension *e, const struct assay_reader *r,
    struct assay_error *err)
{
	const struct known *k = NULL;

	if (e->oid.len == 3 && e->oid.ptr[0] == 0x55 && e->oid.ptr[1] == 0x1d)
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (known[i].n == e->oid.ptr[2])
				k = &known[i];
	if (e->critical && (k == NULL || !k->may_be_critical))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: extension %s is critical and not known here; only key usage and basic "
		    "constraints may be",
		    r->what, assay_quote_hex(e->oid).text);
	if (k != NULL && !k->read(c, e->value))
		return damaged(r, k->name, err);
	return ASSAY_OK;
}

/* --- certificate ------------------------------------------------------------------------- */

static enum assay_code
read_validity(struct x509_cert *c, struct assay_reader *r, struct assay_error *err)
{
	struct assay_reader v = assay_der_enter(r, DER_SEQUENCE);

	c->not_before = assay_der_time(&v);
	c->not_after = assay_der_time(&v);
	if (v.overrun || v.pos != v.in.len)
		return damaged(r, "validity", err);
	if (c->not_before > c->not_after)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: its validity ends before it begins; get the certificate anew from its "
		    "issuer",
		    r->what);
	return ASSAY_OK;
}

static enum assay_code
read_extensions(struct x509_cert *c, struct assay_reader *r, struct assay_error *err)
{
	struct assay_reader x = assay_der_enter(r, TAG_EXTENSIONS);
	enum assay_code rc;

	if (x.overrun)
		return damaged(r, "field after the public key", err);
	rc = assay_x509_take_extensions(
	    c->extensions, &c->extension_count, X509_EXTENSIONS_MAX, &x, err);
	if (rc == ASSAY_OK)
		rc = assay_reader_end(&x, err);
	for (size_t i = 0; rc == ASSAY_OK && i < c->extension_count; i++)
		rc = read_extension(c, &c->extensions[i], r, err);
	return rc;
}

static enum assay_code
read_tbs(struct x509_cert *c, struct x509_signed *from, struct assay_error *err)
{
	struct assay_reader *r = &from->r;
	struct assay_reader version = assay_der_enter(r, TAG_VERSION);
	enum assay_code rc;

	if (assay_der_uint(&version, DER_INTEGER) != VERSION_3 || version.overrun ||
	    version.pos != version.in.len)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is no certificate of X.509 version 3; the vendors issue no other",
		    r->what);
	c->serial = assay_x509_take_serial(r);
	if (r->overrun)
		return damaged(r, "serial number", err);
	if ((rc = assay_x509_same_algorithm(from, err)) != ASSAY_OK)
		return rc;
	c->issuer = assay_x509_take_name(r);
	if (r->overrun)
		return damaged(r, "issuer", err);
	if ((rc = read_validity(c, r, err)) != ASSAY_OK)
		return rc;
	c->subject = assay_x509_take_name(r);
	if (r->overrun)
		return damaged(r, "subject", err);
	if ((rc = take_key(&c->key, r, err)) != ASSAY_OK)
		return rc;
	if (assay_der_peek(r) == TAG_ISSUER_ID || assay_der_peek(r) == TAG_SUBJECT_ID)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: has a unique identifier, which RFC 5280 4.1.2.8 forbids", r->what);
	if (assay_reader_left(r) > 0 && (rc = read_extensions(c, r, err)) != ASSAY_OK)
		return rc;
	return assay_reader_end(r, err);
}

enum assay_code
assay_x509_parse(
    struct x509_cert *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct x509_cert c = { .der = in, .path_len = -1 };
	struct x509_signed from;
	enum assay_code rc;

	if (in.len > X509_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is %zu bytes, want at most %d; this is no vendor's certificate", what,
		    in.len, X509_MAX);
	if ((rc = assay_x509_open(&from, in, what, err)) != ASSAY_OK ||
	    (rc = read_tbs(&c, &from, err)) != ASSAY_OK ||
	    (rc = assay_x509_signature(c.signature, &c.signature_len, &from, err)) != ASSAY_OK)
		return rc;
	c.tbs = from.tbs;
	c.scheme = from.scheme;
	c.digest_len = assay_scheme_digest(c.digest, c.scheme, c.tbs);
	*out = c;
	return ASSAY_OK;
}

const struct x509_extension *
assay_x509_extension(const struct x509_cert *cert, struct assay_bytes oid)
{
	for (size_t i = 0; i < cert->extension_count; i++)
		if (assay_bytes_equal(cert->extensions[i].oid, oid))
			return &cert->extensions[i];
	return NULL;
}
