/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_fields.h"

#include <string.h>

/* --- algorithms -------------------------------------------------------------------------- */

/* SEQUENCE { OID sha384, NULL or nothing }: RFC 4055 2.1 wants both taken. */
static void
take_sha384(struct assay_reader *r)
{
	struct assay_reader id = assay_der_enter(r, DER_SEQUENCE);

	if (!assay_bytes_equal(
		assay_der_take(&id, DER_OID), X509_OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02")))
		r->overrun = true;
	if (assay_reader_left(&id) > 0 && assay_der_take(&id, DER_NULL).len != 0)
		r->overrun = true;
	if (id.overrun || id.pos != id.in.len)
		r->overrun = true;
}

/* RSASSA-PSS-params (RFC 4055 3.1) for SHA-384 throughout, salt 48. trailerField 1 is the default,
 * which DER leaves out; AMD's CA certificates spell it out. */
static bool
pss_sha384(struct assay_bytes params)
{
	enum { HASH = 0xa0, MASK = 0xa1, SALT = 0xa2, TRAILER = 0xa3 };
	struct assay_reader r = { .what = "", .in = params };
	struct assay_reader hash = assay_der_enter(&r, HASH);
	struct assay_reader mask = assay_der_enter(&r, MASK);
	struct assay_reader salt = assay_der_enter(&r, SALT);
	struct assay_reader mgf = assay_der_enter(&mask, DER_SEQUENCE);

	take_sha384(&hash);
	bool ok = assay_bytes_equal(
	    assay_der_take(&mgf, DER_OID), X509_OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"));
	take_sha384(&mgf);
	ok = ok && assay_der_uint(&salt, DER_INTEGER) == ASSAY_SHA384_LEN;
	if (assay_reader_left(&r) > 0) {
		struct assay_reader trailer = assay_der_enter(&r, TRAILER);
		ok = ok && assay_der_uint(&trailer, DER_INTEGER) == 1 && !trailer.overrun &&
		    trailer.pos == trailer.in.len;
	}
	return ok && !r.overrun && !hash.overrun && !mask.overrun && !mgf.overrun &&
	    !salt.overrun && r.pos == r.in.len && hash.pos == hash.in.len &&
	    mask.pos == mask.in.len && mgf.pos == mgf.in.len && salt.pos == salt.in.len;
}

static enum assay_scheme
scheme_of(struct assay_reader *id)
{
	struct assay_bytes oid = assay_der_take(id, DER_OID);

	if (assay_bytes_equal(oid, X509_OID("\x2a\x86\x48\xce\x3d\x04\x03\x02")) &&
	    assay_reader_left(id) == 0) /* ecdsa-with-SHA256: no parameters, RFC 5758 3.2 */
		return ASSAY_ECDSA_P256_SHA256;
	if (assay_bytes_equal(oid, X509_OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"))) {
		struct assay_bytes params = assay_der_take(id, DER_SEQUENCE);
		if (assay_reader_left(id) == 0 && pss_sha384(params))
			return ASSAY_RSA_PSS_SHA384;
	}
	return ASSAY_SCHEME_NONE;
}

enum assay_code
assay_x509_open(
    struct x509_signed *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct assay_reader file = { .what = what, .in = in };
	struct assay_reader outer = assay_der_enter(&file, DER_SEQUENCE);
	enum assay_code rc;
	uint8_t tag;

	if ((rc = assay_reader_end(&file, err)) != ASSAY_OK)
		return rc;
	out->r = (struct assay_reader){ .what = what };
	out->r.in = assay_der_any(&outer, &tag, &out->tbs);
	size_t start = outer.pos;
	struct assay_reader id = assay_der_enter(&outer, DER_SEQUENCE);
	out->algorithm = assay_bytes_at(outer.in, start, outer.pos - start);
	out->bits = assay_der_take(&outer, DER_BIT_STRING);
	if ((rc = assay_reader_end(&outer, err)) != ASSAY_OK)
		return rc;
	if (tag != DER_SEQUENCE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: begins with tag 0x%02x, want a SEQUENCE; this is no certificate or CRL",
		    what, tag);
	out->scheme = scheme_of(&id);
	if (out->scheme == ASSAY_SCHEME_NONE)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: signature algorithm %s, want ecdsa-with-SHA256 or RSASSA-PSS with SHA-384 "
		    "and a salt of 48 bytes; the vendors use no other",
		    what, assay_quote_hex(id.in).text);
	return ASSAY_OK;
}

enum assay_code
assay_x509_signature(uint8_t out[X509_SIGNATURE_MAX], size_t *len, const struct x509_signed *from,
    struct assay_error *err)
{
	enum { COORDINATE = 32 };
	struct assay_bytes bits = from->bits;

	/* The first octet counts the unused bits at the end. */
	if (bits.len > 0 && bits.ptr[0] == 0) {
		bits = (struct assay_bytes){ bits.ptr + 1, bits.len - 1 };
		if (from->scheme == ASSAY_ECDSA_P256_SHA256 &&
		    assay_der_ecdsa(out, COORDINATE, bits)) {
			*len = sizeof(uint8_t[2 * COORDINATE]);
			return ASSAY_OK;
		}
		if (from->scheme == ASSAY_RSA_PSS_SHA384 && bits.len == X509_SIGNATURE_MAX) {
			memcpy(out, bits.ptr, bits.len);
			*len = bits.len;
			return ASSAY_OK;
		}
	}
	return assay_fail(err, ASSAY_E_FORMAT,
	    "%s: the signature is %zu bytes that do not fit its algorithm, want %s; the file is "
	    "damaged",
	    from->r.what, bits.len,
	    from->scheme == ASSAY_RSA_PSS_SHA384 ? "512" : "two numbers of P-256");
}

enum assay_code
assay_x509_same_algorithm(struct x509_signed *from, struct assay_error *err)
{
	uint8_t tag;
	struct assay_bytes inner;

	(void)assay_der_any(&from->r, &tag, &inner);
	if (assay_bytes_equal(inner, from->algorithm))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_FORMAT,
	    "%s: the signed part names another signature algorithm than the signature; the file is "
	    "damaged or forged",
	    from->r.what);
}

/* --- names ------------------------------------------------------------------------------- */

struct assay_bytes
assay_x509_take_serial(struct assay_reader *r)
{
	struct assay_bytes b = assay_der_take(r, DER_INTEGER);

	/* 0 is forbidden by RFC 5280, and is the serial of every VCEK and VLEK. A number of 20 octets
	 * with the top bit set takes a zero before it. */
	if (b.len == 0 || b.ptr[0] >= 0x80 || (b.len > 1 && b.ptr[0] == 0 && b.ptr[1] < 0x80) ||
	    b.len - (b.ptr[0] == 0 && b.len > 1 ? 1 : 0) > X509_SERIAL_MAX)
		r->overrun = true;
	return b;
}

/* X.690 8.19: base 128, no subidentifier begins with 0x80 or is left open. */
static struct assay_bytes
take_oid(struct assay_reader *r)
{
	struct assay_bytes b = assay_der_take(r, DER_OID);
	bool starts = true;

	for (size_t i = 0; i < b.len; i++) {
		if (starts && b.ptr[i] == 0x80)
			r->overrun = true;
		starts = b.ptr[i] < 0x80;
	}
	if (b.len == 0 || !starts)
		r->overrun = true;
	return b;
}

bool
assay_utf8_valid(struct assay_bytes text)
{
	for (size_t i = 0; i < text.len;) {
		uint8_t c = text.ptr[i++];
		if (c < 0x80)
			continue;
		size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		uint32_t point = c & (0x3fU >> more);
		static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
		if (c < 0xc2 || c > 0xf4 || more > text.len - i)
			return false;
		for (size_t k = 0; k < more; k++, i++) {
			if ((text.ptr[i] & 0xc0) != 0x80)
				return false;
			point = point << 6 | (text.ptr[i] & 0x3fU);
		}
		if (point < least[more] || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
			return false;
	}
	return true;
}

static bool
string_valid(uint8_t tag, struct assay_bytes text)
{
	if (text.len == 0)
		return false;
	if (tag == DER_UTF8)
		return assay_utf8_valid(text);
	if (tag != DER_PRINTABLE && tag != DER_IA5)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] >= 0x80)
			return false;
	return true;
}

/* One RDN of one attribute: no vendor puts more into one, and then DER would order them. */
static bool
take_attribute(
    struct assay_reader *name, struct assay_bytes *type, uint8_t *tag, struct assay_bytes *text)
{
	struct assay_reader rdn = assay_der_enter(name, DER_SET);
	struct assay_reader pair = assay_der_enter(&rdn, DER_SEQUENCE);

	*type = take_oid(&pair);
	*text = assay_der_any(&pair, tag, NULL);
	if (rdn.overrun || rdn.pos != rdn.in.len || pair.overrun || pair.pos != pair.in.len ||
	    !string_valid(*tag, *text))
		name->overrun = true;
	return !name->overrun;
}

struct assay_bytes
assay_x509_take_name(struct assay_reader *r)
{
	size_t start = r->pos;
	struct assay_reader name = assay_der_enter(r, DER_SEQUENCE);
	struct assay_bytes type, text;
	uint8_t tag;

	do {
		(void)take_attribute(&name, &type, &tag, &text);
	} while (assay_reader_left(&name) > 0);
	if (name.overrun)
		r->overrun = true;
	return assay_bytes_at(r->in, start, r->pos - start);
}

struct assay_bytes
assay_x509_common_name(struct assay_bytes whole)
{
	struct assay_reader r = { .what = "name", .in = whole };
	struct assay_reader name = assay_der_enter(&r, DER_SEQUENCE);
	struct assay_bytes type, text;
	uint8_t tag;

	while (take_attribute(&name, &type, &tag, &text)) {
		if (!assay_bytes_equal(type, X509_OID("\x55\x04\x03")))
			continue;
		for (size_t i = 0; i < text.len; i++)
			if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
				return (struct assay_bytes){ NULL, 0 };
		return text;
	}
	return (struct assay_bytes){ NULL, 0 };
}

/* The short names of RFC 4519; all of these types are 2.5.4.n. */
static bool
type_is(struct assay_bytes oid, const char *name)
{
	static const struct {
		const char *name;
		uint8_t n;
	} types[] = {
		{ "CN", 3 },
		{ "C", 6 },
		{ "L", 7 },
		{ "ST", 8 },
		{ "O", 10 },
		{ "OU", 11 },
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, name) == 0)
			return oid.len == 3 && oid.ptr[0] == 0x55 && oid.ptr[1] == 0x04 &&
			    oid.ptr[2] == types[i].n;
	return false;
}

bool
assay_x509_name_is(struct assay_bytes whole, const char *const *pairs)
{
	struct assay_reader r = { .what = "name", .in = whole };
	struct assay_reader name = assay_der_enter(&r, DER_SEQUENCE);
	struct assay_bytes type, text;
	uint8_t tag;

	for (; pairs[0] != NULL; pairs += 2) {
		if (!take_attribute(&name, &type, &tag, &text) || !type_is(type, pairs[0]) ||
		    !assay_bytes_equal(text, assay_bytes_of(pairs[1])))
			return false;
	}
	return !r.overrun && r.pos == r.in.len && !name.overrun && name.pos == name.in.len;
}

/* --- extensions -------------------------------------------------------------------------- */

enum assay_code
assay_x509_take_extensions(struct x509_extension *out, size_t *count, size_t max,
    struct assay_reader *r, struct assay_error *err)
{
	struct assay_reader list = assay_der_enter(r, DER_SEQUENCE);
	size_t n = 0;

	if (list.in.len == 0)
		list.overrun = true;
	while (assay_reader_left(&list) > 0) {
		struct assay_reader one = assay_der_enter(&list, DER_SEQUENCE);
		struct x509_extension e = { .oid = take_oid(&one) };
		/* FALSE is the default, which DER leaves out. */
		if (assay_der_peek(&one) == DER_BOOLEAN && !(e.critical = assay_der_boolean(&one)))
			one.overrun = true;
		e.value = assay_der_take(&one, DER_OCTET_STRING);
		if (one.overrun || one.pos != one.in.len) {
			list.overrun = true;
			break;
		}
		for (size_t i = 0; i < n; i++)
			if (assay_bytes_equal(out[i].oid, e.oid))
				return assay_fail(err, ASSAY_E_FORMAT,
				    "%s: extension %s stands twice; get the file anew from its "
				    "issuer",
				    r->what, assay_quote_hex(e.oid).text);
		if (n == max)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "%s: more than %zu extensions; the vendors' have a dozen", r->what,
			    max);
		out[n++] = e;
	}
	if (list.overrun)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: its extensions are no strict DER (number %zu); the file is damaged",
		    r->what, n + 1);
	*count = n;
	return ASSAY_OK;
}

bool
assay_x509_akid(struct assay_bytes *out, struct assay_bytes value)
{
	enum { KEY_ID = 0x80, ISSUER = 0xa1, SERIAL = 0x82 };
	struct assay_reader r = { .what = "authority key identifier", .in = value };
	struct assay_reader fields = assay_der_enter(&r, DER_SEQUENCE);
	struct assay_bytes id = assay_der_take(&fields, KEY_ID);

	if (assay_der_peek(&fields) == ISSUER) { /* both or neither, RFC 5280 4.2.1.1 */
		(void)assay_der_take(&fields, ISSUER);
		(void)assay_der_take(&fields, SERIAL);
	}
	if (id.len == 0 || fields.overrun || fields.pos != fields.in.len || r.overrun ||
	    r.pos != r.in.len)
		return false;
	*out = id;
	return true;
}
