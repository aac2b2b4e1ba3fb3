/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/peer.h"

#include "crypto/der.h"
#include "crypto/x509_fields.h"

enum {
	TAG_VERSION = 0xa0,
	TAG_ATTRIBUTES = 0xa0,
	TAG_EXTENSIONS = 0xa3,
	VERSION_3 = 2,
	VERSION_REQUEST = 0,
};

static const char what[] = "certificate";

static enum assay_code
damaged(const char *field, struct assay_error *err)
{
	return assay_fail(err, ASSAY_E_FORMAT,
	    "%s: its %s is no strict DER; it is damaged, or its maker at fault", what, field);
}

/* --- algorithms -------------------------------------------------------------------------- */

/* RFC 5480 2.1.1, RFC 3279 2.3.1, RFC 8410 3: contents of the AlgorithmIdentifier. */
static const struct key_algorithm {
	struct assay_bytes id;
	enum assay_pair_kind kind;
} key_algorithms[] = {
	{ { (const uint8_t *)"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03"
			     "\x01\x07",
	      19 },
	    ASSAY_PAIR_P256 },
	{ { (const uint8_t *)"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
	      16 },
	    ASSAY_PAIR_P384 },
	{ { (const uint8_t *)"\x06\x03\x2b\x65\x70", 5 }, ASSAY_PAIR_ED25519 },
	{ { (const uint8_t *)"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 13 },
	    ASSAY_PAIR_RSA },
};

/* RFC 5758 3.2, RFC 8410 6, RFC 8017 A.2.4. Any hash goes with any curve, as Gramine's and Intel's
 * certificates and openssl req -x509 -sha512 have it. */
static const struct signature_algorithm {
	const char *oid;
	enum assay_pair_kind first, last; /* kinds of keys that it goes with */
	enum assay_signing how;
} signature_algorithms[] = {
	{ "\x2a\x86\x48\xce\x3d\x04\x03\x02", ASSAY_PAIR_P256, ASSAY_PAIR_P384, ASSAY_SIGN_SHA256 },
	{ "\x2a\x86\x48\xce\x3d\x04\x03\x03", ASSAY_PAIR_P256, ASSAY_PAIR_P384, ASSAY_SIGN_SHA384 },
	{ "\x2a\x86\x48\xce\x3d\x04\x03\x04", ASSAY_PAIR_P256, ASSAY_PAIR_P384, ASSAY_SIGN_SHA512 },
	{ "\x2b\x65\x70", ASSAY_PAIR_ED25519, ASSAY_PAIR_ED25519, ASSAY_SIGN_PLAIN },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA,
	    ASSAY_SIGN_SHA256 },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA,
	    ASSAY_SIGN_SHA384 },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA,
	    ASSAY_SIGN_SHA512 },
};

static enum assay_code
rsa_numbers(struct peer *p, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = what, .in = in };
	struct assay_reader pair = assay_der_enter(&r, DER_SEQUENCE);

	for (unsigned i = 0; i < 2; i++) { /* positive, without the zero that keeps the sign */
		struct assay_bytes n = assay_der_take(&pair, DER_INTEGER);
		size_t sign = n.len > 1 && n.ptr[0] == 0;
		if (n.len == 0 || n.ptr[0] >= 0x80 || (sign == 1 && n.ptr[1] < 0x80))
			return damaged("RSA key", err);
		p->numbers.at[i] = (struct assay_bytes){ n.ptr + sign, n.len - sign };
	}
	return assay_reader_ended(&r) && assay_reader_ended(&pair) ? ASSAY_OK
								   : damaged("RSA key", err);
}

static enum assay_code
take_key(struct peer *p, struct assay_reader *tbs, struct assay_error *err)
{
	uint8_t tag;
	struct assay_reader info = { .what = what, .in = assay_der_any(tbs, &tag, &p->spki) };
	struct assay_bytes id = assay_der_take(&info, DER_SEQUENCE);
	struct assay_bytes bits = assay_der_take(&info, DER_BIT_STRING);

	if (tag != DER_SEQUENCE || !assay_reader_ended(&info) || bits.len < 2 || bits.ptr[0] != 0)
		return damaged("public key", err);
	for (size_t i = 0; i < sizeof key_algorithms / sizeof *key_algorithms; i++)
		if (assay_bytes_equal(key_algorithms[i].id, id))
			p->kind = key_algorithms[i].kind;
	if (p->kind == ASSAY_PAIR_NONE)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: a public key of algorithm %s, want P-256, P-384, Ed25519 or RSA", what,
		    assay_quote_hex(id).text);
	struct assay_bytes key = { bits.ptr + 1, bits.len - 1 };
	size_t width = assay_pair_width(p->kind);
	if (p->kind == ASSAY_PAIR_RSA)
		return rsa_numbers(p, key, err);
	if (p->kind == ASSAY_PAIR_ED25519) {
		p->numbers.at[0] = key; /* of which assay_pair_set() wants 32 bytes */
		return ASSAY_OK;
	}
	if (key.len != 1 + 2 * width || key.ptr[0] != 0x04)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: its EC point is %zu bytes, want 04 and %zu; compressed points are not "
		    "taken",
		    what, key.len, 2 * width);
	p->numbers.at[0] = (struct assay_bytes){ key.ptr + 1, width };
	p->numbers.at[1] = (struct assay_bytes){ key.ptr + 1 + width, width };
	return ASSAY_OK;
}

/* How the key signs by this AlgorithmIdentifier; false: it does not, or not in a way that is taken. NULL
 * parameters are not right with ECDSA, and are what Gramine writes. */
static bool
find_signing(struct peer *p)
{
	struct assay_reader r = { .what = what, .in = p->algorithm };
	struct assay_reader fields = assay_der_enter(&r, DER_SEQUENCE);
	struct assay_bytes oid = assay_der_take(&fields, DER_OID);

	if (assay_reader_left(&fields) > 0 && assay_der_take(&fields, DER_NULL).len != 0)
		fields.overrun = true;
	for (size_t i = 0; i < sizeof signature_algorithms / sizeof *signature_algorithms; i++) {
		const struct signature_algorithm *a = &signature_algorithms[i];
		if (!assay_bytes_equal(assay_bytes_of(a->oid), oid))
			continue;
		p->foreign = p->kind < a->first || p->kind > a->last;
		p->how = a->how;
		return !p->foreign && assay_reader_ended(&fields);
	}
	return false;
}

static enum assay_code
take_signature(struct peer *p, struct assay_bytes bits, struct assay_error *err)
{
	size_t width = assay_pair_width(p->kind);

	if (!find_signing(p)) /* refused by assay_peer_check(), among the other checks */
		return ASSAY_OK;
	if (bits.len < 2 || bits.ptr[0] != 0 || bits.len - 1 > sizeof p->signature)
		return damaged("signature", err);
	struct assay_bytes raw = { bits.ptr + 1, bits.len - 1 };
	p->signature_len = raw.len;
	if (p->kind == ASSAY_PAIR_RSA || p->kind == ASSAY_PAIR_ED25519) {
		for (size_t i = 0; i < raw.len; i++)
			p->signature[i] = raw.ptr[i];
		return ASSAY_OK;
	}
	p->signature_len = 2 * width;
	return assay_der_ecdsa(p->signature, width, raw) ? ASSAY_OK : damaged("signature", err);
}

/* --- extensions -------------------------------------------------------------------------- */

/* Of 2.5.29: key usage, alternative names, basic constraints, extended key usage, which speak of issuers
 * and names that nobody here believes; and what is made for evidence. */
static bool
may_be_critical(struct assay_bytes oid)
{
	static const char *const known[] = { "\x55\x1d\x0f", "\x55\x1d\x11", "\x55\x1d\x13",
		"\x55\x1d\x25", "\x67\x81\x05\x05\x04\x09", "\x67\x81\x05\x05\x04\x02",
		"\x2b\x06\x01\x05\x05\x07\x01\x23" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (assay_bytes_equal(oid, assay_bytes_of(known[i])))
			return true;
	return false;
}

static enum assay_code
take_extensions(struct peer *p, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader list = { .what = what, .in = in };

	while (assay_reader_left(&list) > 0) {
		struct assay_reader one = assay_der_enter(&list, DER_SEQUENCE);
		struct x509_extension e = { .oid = assay_der_take(&one, DER_OID) };
		if (assay_der_peek(&one) == DER_BOOLEAN)
			e.critical = assay_der_boolean(&one);
		e.value = assay_der_take(&one, DER_OCTET_STRING);
		if (!assay_reader_ended(&one) || e.oid.len == 0)
			return damaged("extension", err);
		if (p->extension_count == PEER_EXTENSIONS_MAX)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "%s: has more than %d extensions; attesters write a handful", what,
			    PEER_EXTENSIONS_MAX);
		p->extensions[p->extension_count++] = e;
	}
	return list.overrun ? damaged("extensions", err) : ASSAY_OK;
}

static enum assay_code
check_critical(const struct peer *p, struct assay_error *err)
{
	for (size_t i = 0; i < p->extension_count; i++)
		if (p->extensions[i].critical && !may_be_critical(p->extensions[i].oid))
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "%s: extension %s is critical and not known here", what,
			    assay_quote_hex(p->extensions[i].oid).text);
	return ASSAY_OK;
}

/* --- the two kinds ----------------------------------------------------------------------- */

/* TBSCertificate behind its version: serial, algorithm, issuer, validity, subject, key, extensions. */
static enum assay_code
read_certificate(struct peer *p, struct assay_reader *r, struct assay_error *err)
{
	struct assay_bytes inner;
	enum assay_code rc;
	uint8_t tag;

	(void)assay_der_take(r, DER_INTEGER);
	(void)assay_der_any(r, &tag, &inner);
	if (!r->overrun && !assay_bytes_equal(inner, p->algorithm))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the signed part names another signature algorithm than the signature; it "
		    "is damaged or forged",
		    what);
	(void)assay_der_take(r, DER_SEQUENCE);
	struct assay_reader dates = assay_der_enter(r, DER_SEQUENCE);
	p->since = assay_der_time(&dates);
	p->until = assay_der_time(&dates);
	(void)assay_der_any(r, &tag, &p->subject);
	if (r->overrun || tag != DER_SEQUENCE || !assay_reader_ended(&dates))
		return damaged("signed part", err);
	if ((rc = take_key(p, r, err)) != ASSAY_OK)
		return rc;
	if (assay_reader_left(r) > 0) {
		struct assay_reader x = assay_der_enter(r, TAG_EXTENSIONS);
		struct assay_bytes list = assay_der_take(&x, DER_SEQUENCE);
		if (r->overrun || !assay_reader_ended(&x))
			return damaged("field behind the public key", err);
		rc = take_extensions(p, list, err);
	}
	return rc;
}

/* CertificationRequestInfo behind its version: subject, key, attributes, one of them the extensions
 * that are asked for (PKCS#9, 1.2.840.113549.1.9.14). */
static enum assay_code
read_request(struct peer *p, struct assay_reader *r, struct assay_error *err)
{
	bool asked = false;
	enum assay_code rc;
	uint8_t tag;

	(void)assay_der_any(r, &tag, &p->subject);
	if (r->overrun || tag != DER_SEQUENCE)
		return damaged("signed part", err);
	if ((rc = take_key(p, r, err)) != ASSAY_OK)
		return rc;
	struct assay_reader attributes = assay_der_enter(r, TAG_ATTRIBUTES);
	while (rc == ASSAY_OK && assay_reader_left(&attributes) > 0) {
		struct assay_reader one = assay_der_enter(&attributes, DER_SEQUENCE);
		struct assay_bytes oid = assay_der_take(&one, DER_OID);
		struct assay_reader values = assay_der_enter(&one, DER_SET);
		if (!assay_reader_ended(&one))
			return damaged("attribute", err);
		if (!assay_bytes_equal(oid, X509_OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")))
			continue;
		struct assay_bytes list = assay_der_take(&values, DER_SEQUENCE);
		if (!assay_reader_ended(&values) || asked)
			return damaged("extensionRequest", err);
		asked = true;
		rc = take_extensions(p, list, err);
	}
	if (rc == ASSAY_OK && attributes.overrun)
		rc = damaged("attributes", err);
	return rc;
}

static enum assay_code
read_signed(struct peer *p, struct assay_bytes content, struct assay_error *err)
{
	struct assay_reader r = { .what = what, .in = content };
	enum assay_code rc;

	if (assay_der_peek(&r) == DER_INTEGER) {
		p->request = true;
		if (assay_der_uint(&r, DER_INTEGER) != VERSION_REQUEST || r.overrun)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "%s: is neither of X.509 version 3 nor a PKCS#10 request", what);
		rc = read_request(p, &r, err);
	} else {
		struct assay_reader version = assay_der_enter(&r, TAG_VERSION);
		if (assay_der_uint(&version, DER_INTEGER) != VERSION_3 ||
		    !assay_reader_ended(&version))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "%s: is neither of X.509 version 3 nor a PKCS#10 request", what);
		rc = read_certificate(p, &r, err);
	}
	return rc == ASSAY_OK ? assay_reader_end(&r, err) : rc;
}

enum assay_code
assay_peer_parse(struct peer *out, struct assay_bytes der, struct assay_error *err)
{
	struct assay_reader file = { .what = what, .in = der };
	struct assay_reader outer = assay_der_enter(&file, DER_SEQUENCE);
	struct peer p = { .request = false };
	enum assay_code rc;
	uint8_t tag, ignored;

	if (der.len > PEER_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "%s: is %zu bytes, at most %d make sense",
		    what, der.len, PEER_MAX);
	if ((rc = assay_reader_end(&file, err)) != ASSAY_OK)
		return rc;
	struct assay_bytes content = assay_der_any(&outer, &tag, &p.tbs);
	(void)assay_der_any(&outer, &ignored, &p.algorithm);
	struct assay_bytes bits = assay_der_take(&outer, DER_BIT_STRING);
	if (tag != DER_SEQUENCE || !assay_reader_ended(&outer))
		return damaged("frame", err);
	if ((rc = read_signed(&p, content, err)) == ASSAY_OK &&
	    (rc = check_critical(&p, err)) == ASSAY_OK &&
	    (rc = take_signature(&p, bits, err)) == ASSAY_OK)
		*out = p;
	return rc;
}

enum assay_code
assay_peer_check(const struct peer *peer, struct assay_error *err)
{
	struct assay_pair pair = { ASSAY_PAIR_NONE, false, NULL };
	enum assay_code rc;

	if (peer->foreign)
		return assay_fail(err, ASSAY_E_SIGNATURE,
		    "signed by the algorithm %s, which does not go with its key: another one "
		    "issued it",
		    assay_quote_hex(peer->algorithm).text);
	if (peer->signature_len == 0)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "signed by the algorithm %s, which is not taken; want SHA-256, SHA-384 or "
		    "SHA-512, with RSA by PKCS #1 1.5",
		    assay_quote_hex(peer->algorithm).text);
	if ((rc = assay_pair_set(&pair, peer->kind, &peer->numbers, NULL, err)) != ASSAY_OK)
		return rc;
	if (!assay_pair_verify(&pair, peer->how, peer->tbs,
		(struct assay_bytes){ peer->signature, peer->signature_len }))
		rc = assay_fail(err, ASSAY_E_SIGNATURE,
		    "not signed with the key that it names: another one issued it, or it was "
		    "altered");
	assay_pair_clear(&pair);
	return rc;
}
