/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/der.h"
#include "parse/pem.h"
#include "vectors.h"

/* clang-format off */
#define B(s)    { (const uint8_t *)(s), sizeof(s) - 1 }
#define ECDSA   "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define NAME    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "A"
#define TIME_A  "\x17\x0d" "250101000000Z"
#define TIME_B  "\x17\x0d" "260101000000Z"
#define X32     "0123456789abcdefghijklmnopqrstuv"
#define P256    "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384    "\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"
#define SIG     "\x03\x09\x00\x30\x06\x02\x01\x07\x02\x01\x08"
#define EXT(n, len, rest) "\x30" len "\x06\x03\x55\x1d" n rest
#define SKID    EXT("\x0e", "\x0b", "\x04\x04\x04\x02ID")
#define BASIC   EXT("\x13", "\x12", "\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01\x05")
#define USAGE   EXT("\x0f", "\x0e", "\x01\x01\xff\x04\x04\x03\x02\x01\x06")
#define AKID    EXT("\x23", "\x0d", "\x04\x06\x30\x04\x80\x02KI")
#define NUMBER  EXT("\x14", "\x0a", "\x04\x03\x02\x01\x09")
#define ENTRY(serial) "\x30\x20\x02\x01" serial TIME_A "\x30\x0c" EXT("\x15", "\x0a", "\x04\x03\x0a\x01\x01")
/* clang-format on */

/* --- put together from parts ------------------------------------------------------------- */

enum part {
	VERSION,
	SERIAL,
	INNER,
	ISSUER,
	VALIDITY, /* of a CRL: thisUpdate */
	SUBJECT,  /* of a CRL: nextUpdate */
	KEY,
	REVOKED,    /* wrapped in a SEQUENCE, if any */
	BEFORE_EXT, /* where unique identifiers would stand */
	EXTENSIONS, /* wrapped in [3] or [0] and a SEQUENCE, if any */
	AFTER_EXT,
	OUTER,
	SIGNATURE,
	AFTER_SIGNATURE,
	AFTER_ALL,
	PARTS
};

static const struct assay_bytes good_cert[PARTS] = {
	[VERSION] = B("\xa0\x03\x02\x01\x02"),
	[SERIAL] = B("\x02\x02\x00\x81"),
	[INNER] = B(ECDSA),
	[ISSUER] = B(NAME),
	[VALIDITY] = B("\x30\x1e" TIME_A TIME_B),
	[SUBJECT] = B(NAME),
	[KEY] = B("\x30\x59" P256 "\x03\x42\x00\x04" X32 X32),
	[EXTENSIONS] = B(SKID BASIC USAGE AKID),
	[OUTER] = B(ECDSA),
	[SIGNATURE] = B(SIG),
};
static const struct assay_bytes good_crl[PARTS] = {
	[VERSION] = B("\x02\x01\x01"),
	[INNER] = B(ECDSA),
	[ISSUER] = B(NAME),
	[VALIDITY] = B(TIME_A),
	[SUBJECT] = B(TIME_B),
	[REVOKED] = B(ENTRY("\x05") "\x30\x12\x02\x01\x06" TIME_B),
	[EXTENSIONS] = B(NUMBER AKID),
	[OUTER] = B(ECDSA),
	[SIGNATURE] = B(SIG),
};

enum { ROOM = X509_MAX + 2048 };

/* Appends one value; returns the new length. out must not hold the content. */
static size_t
put(uint8_t *out, size_t at, uint8_t tag, const uint8_t *content, size_t len)
{
	out[at++] = tag;
	if (len >= 0x100) {
		out[at++] = 0x82;
		out[at++] = (uint8_t)(len >> 8);
	} else if (len >= 0x80) {
		out[at++] = 0x81;
	}
	out[at++] = (uint8_t)len;
	memcpy(out + at, content, len);
	return at + len;
}

static size_t
build(uint8_t out[ROOM], const struct assay_bytes parts[PARTS], bool crl)
{
	uint8_t *tbs = calloc(3, ROOM), *a = tbs + ROOM, *b = a + ROOM;
	size_t n = 0, m, all = 0;

	assert_non_null(tbs);
	for (int i = VERSION; i < OUTER; i++) {
		if (parts[i].len == 0)
			continue;
		if (i == REVOKED) {
			n = put(tbs, n, DER_SEQUENCE, parts[i].ptr, parts[i].len);
		} else if (i == EXTENSIONS) {
			m = put(a, 0, DER_SEQUENCE, parts[i].ptr, parts[i].len);
			n = put(tbs, n, crl ? 0xa0 : 0xa3, a, m);
		} else {
			memcpy(tbs + n, parts[i].ptr, parts[i].len);
			n += parts[i].len;
		}
	}
	all = put(b, 0, DER_SEQUENCE, tbs, n);
	for (int i = OUTER; i < AFTER_ALL; i++) {
		if (parts[i].len > 0)
			memcpy(b + all, parts[i].ptr, parts[i].len);
		all += parts[i].len;
	}
	n = put(out, 0, DER_SEQUENCE, b, all);
	if (parts[AFTER_ALL].len > 0)
		memcpy(out + n, parts[AFTER_ALL].ptr, parts[AFTER_ALL].len);
	free(tbs);
	return n + parts[AFTER_ALL].len;
}

struct change {
	const char *name;
	enum part part;
	struct assay_bytes to;
	enum assay_code code;
	const char *words;
};

static const struct change cert_changes[] = {
	{ "as it is", AFTER_ALL, { NULL, 0 }, ASSAY_OK, "" },
	{ "no extensions", EXTENSIONS, { NULL, 0 }, ASSAY_OK, "" },
	{ "a byte after", AFTER_ALL, B("\x00"), ASSAY_E_FORMAT, "follow its end" },
	{ "a value after the signature", AFTER_SIGNATURE, B("\x05\x00"), ASSAY_E_FORMAT, "follow" },
	{ "no version", VERSION, { NULL, 0 }, ASSAY_E_FORMAT, "version 3" },
	{ "version 2", VERSION, B("\xa0\x03\x02\x01\x01"), ASSAY_E_FORMAT, "version 3" },
	{ "version 4", VERSION, B("\xa0\x03\x02\x01\x03"), ASSAY_E_FORMAT, "version 3" },
	{ "two versions", VERSION, B("\xa0\x06\x02\x01\x02\x02\x01\x02"), ASSAY_E_FORMAT,
	    "version 3" },
	{ "serial 0", SERIAL, B("\x02\x01\x00"), ASSAY_OK, "" },
	{ "serial negative", SERIAL, B("\x02\x01\x80"), ASSAY_E_FORMAT, "serial" },
	{ "serial padded", SERIAL, B("\x02\x02\x00\x01"), ASSAY_E_FORMAT, "serial" },
	{ "serial empty", SERIAL, B("\x02\x00"), ASSAY_E_FORMAT, "serial" },
	{ "serial of 20 octets", SERIAL, B("\x02\x14zzzzzzzzzzzzzzzzzzzz"), ASSAY_OK, "" },
	{ "serial of 20 octets and a sign", SERIAL, B("\x02\x15\x00\xffzzzzzzzzzzzzzzzzzzz"),
	    ASSAY_OK, "" },
	{ "serial of 21 octets", SERIAL, B("\x02\x15zzzzzzzzzzzzzzzzzzzzz"), ASSAY_E_FORMAT,
	    "serial" },
	{ "serial of 21 octets and a sign", SERIAL, B("\x02\x16\x00\xffzzzzzzzzzzzzzzzzzzzz"),
	    ASSAY_E_FORMAT, "serial" },
	{ "inner ECDSA-SHA384", INNER, B("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"),
	    ASSAY_E_FORMAT, "another signature algorithm" },
	{ "outer ECDSA-SHA384", OUTER, B("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"),
	    ASSAY_E_UNSUPPORTED, "want ecdsa-with-SHA256" },
	{ "ECDSA with NULL", OUTER, B("\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00"),
	    ASSAY_E_UNSUPPORTED, "signature algorithm" },
	{ "empty issuer", ISSUER, B("\x30\x00"), ASSAY_E_FORMAT, "issuer" },
	{ "empty subject", SUBJECT, B("\x30\x00"), ASSAY_E_FORMAT, "subject" },
	{ "an empty RDN", SUBJECT, B("\x30\x02\x31\x00"), ASSAY_E_FORMAT, "subject" },
	{ "two in one RDN", SUBJECT,
	    B("\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
	      "A\x30\x08\x06\x03\x55\x04\x04\x0c\x01"
	      "A"),
	    ASSAY_E_FORMAT, "subject" },
	{ "empty string", SUBJECT, B("\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x0c\x00"),
	    ASSAY_E_FORMAT, "subject" },
	{ "BMPString", SUBJECT, B("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x1e\x02\x00X"),
	    ASSAY_E_FORMAT, "subject" },
	{ "PrintableString with 8 bits", SUBJECT,
	    B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01\xff"), ASSAY_E_FORMAT,
	    "subject" },
	{ "UTF-8, good", SUBJECT, B("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\xc3\xa4"),
	    ASSAY_OK, "" },
	{ "UTF-8, overlong", SUBJECT,
	    B("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\xc0\x80"), ASSAY_E_FORMAT,
	    "subject" },
	{ "UTF-8, cut", SUBJECT, B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\xc3"),
	    ASSAY_E_FORMAT, "subject" },
	{ "UTF-8, surrogate", SUBJECT,
	    B("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03\xed\xa0\x80"), ASSAY_E_FORMAT,
	    "subject" },
	{ "UTF-8, above 10ffff", SUBJECT,
	    B("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04\xf4\x90\x80\x80"),
	    ASSAY_E_FORMAT, "subject" },
	{ "OID left open", SUBJECT,
	    B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x83\x0c\x01"
	      "A"),
	    ASSAY_E_FORMAT, "subject" },
	{ "OID padded", SUBJECT,
	    B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x80\x03\x0c\x01"
	      "A"),
	    ASSAY_E_FORMAT, "subject" },
	{ "ends before it begins", VALIDITY, B("\x30\x1e" TIME_B TIME_A), ASSAY_E_FORMAT,
	    "ends before it begins" },
	{ "an instant", VALIDITY, B("\x30\x1e" TIME_A TIME_A), ASSAY_OK, "" },
	{ "no notAfter", VALIDITY, B("\x30\x0f" TIME_A), ASSAY_E_FORMAT, "validity" },
	{ "P-384 key", KEY, B("\x30\x76" P384 "\x03\x62\x00\x04" X32 X32 X32), ASSAY_OK, "" },
	{ "point too short", KEY,
	    B("\x30\x58" P256 "\x03\x41\x00\x04" X32 "0123456789abcdefghijklmnopqrstu"),
	    ASSAY_E_FORMAT, "want 04 and 64" },
	{ "P-384 point on P-256", KEY, B("\x30\x79" P256 "\x03\x62\x00\x04" X32 X32 X32),
	    ASSAY_E_FORMAT, "want 04 and 64" },
	{ "compressed", KEY, B("\x30\x39" P256 "\x03\x22\x00\x02" X32), ASSAY_E_FORMAT,
	    "compressed" },
	{ "hybrid", KEY, B("\x30\x59" P256 "\x03\x42\x00\x06" X32 X32), ASSAY_E_FORMAT,
	    "compressed" },
	{ "unused bits in the key", KEY, B("\x30\x59" P256 "\x03\x42\x01\x04" X32 X32),
	    ASSAY_E_FORMAT, "public key" },
	{ "Ed25519", KEY, B("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00" X32),
	    ASSAY_E_UNSUPPORTED, "want P-256, P-384 or RSA" },
	{ "issuer unique id", BEFORE_EXT, B("\x81\x02\x00\x01"), ASSAY_E_FORMAT, "unique" },
	{ "subject unique id", BEFORE_EXT, B("\x82\x02\x00\x01"), ASSAY_E_FORMAT, "unique" },
	{ "something else", BEFORE_EXT, B("\x05\x00"), ASSAY_E_FORMAT, "after the public key" },
	{ "after the extensions", AFTER_EXT, B("\x05\x00"), ASSAY_E_FORMAT, "follow" },
	{ "an empty list of extensions", BEFORE_EXT, B("\xa3\x02\x30\x00"), ASSAY_E_FORMAT,
	    "extensions" },
	{ "twice the same", EXTENSIONS, B(SKID AKID SKID), ASSAY_E_FORMAT, "stands twice" },
	{ "unknown", EXTENSIONS, B(EXT("\x63", "\x07", "\x04\x00")), ASSAY_OK, "" },
	{ "unknown, critical", EXTENSIONS, B(EXT("\x63", "\x0a", "\x01\x01\xff\x04\x00")),
	    ASSAY_E_UNSUPPORTED, "551d63 is critical" },
	{ "critical FALSE spelled out", EXTENSIONS, B(EXT("\x63", "\x0a", "\x01\x01\x00\x04\x00")),
	    ASSAY_E_FORMAT, "strict DER" },
	{ "critical 1", EXTENSIONS, B(EXT("\x63", "\x0a", "\x01\x01\x01\x04\x00")), ASSAY_E_FORMAT,
	    "strict DER" },
	{ "critical name constraints", EXTENSIONS,
	    B(EXT("\x1e", "\x0c", "\x01\x01\xff\x04\x02\x30\x00")), ASSAY_E_UNSUPPORTED,
	    "critical" },
	{ "critical SKID", EXTENSIONS, B(EXT("\x0e", "\x0e", "\x01\x01\xff\x04\x04\x04\x02ID")),
	    ASSAY_E_UNSUPPORTED, "critical" },
	{ "SKID empty", EXTENSIONS, B(EXT("\x0e", "\x09", "\x04\x02\x04\x00")), ASSAY_E_FORMAT,
	    "subject key identifier" },
	{ "SKID with a byte after", EXTENSIONS, B(EXT("\x0e", "\x0c", "\x04\x05\x04\x02ID!")),
	    ASSAY_E_FORMAT, "subject key identifier" },
	{ "AKID without key", EXTENSIONS, B(EXT("\x23", "\x09", "\x04\x02\x30\x00")),
	    ASSAY_E_FORMAT, "authority key identifier" },
	{ "AKID with issuer and serial", EXTENSIONS,
	    B(EXT("\x23", "\x12", "\x04\x0b\x30\x09\x80\x02KI\xa1\x00\x82\x01\x05")), ASSAY_OK,
	    "" },
	{ "AKID with issuer alone", EXTENSIONS,
	    B(EXT("\x23", "\x0f", "\x04\x08\x30\x06\x80\x02KI\xa1\x00")), ASSAY_E_FORMAT,
	    "authority key identifier" },
	{ "basic, CA FALSE spelled out", EXTENSIONS,
	    B(EXT("\x13", "\x0c", "\x04\x05\x30\x03\x01\x01\x00")), ASSAY_E_FORMAT, "basic" },
	{ "basic, path length without CA", EXTENSIONS,
	    B(EXT("\x13", "\x0c", "\x04\x05\x30\x03\x02\x01\x00")), ASSAY_E_FORMAT, "basic" },
	{ "basic, negative path length", EXTENSIONS,
	    B(EXT("\x13", "\x0f", "\x04\x08\x30\x06\x01\x01\xff\x02\x01\xff")), ASSAY_E_FORMAT,
	    "basic" },
	{ "basic, path length above int", EXTENSIONS,
	    B(EXT("\x13", "\x13", "\x04\x0c\x30\x0a\x01\x01\xff\x02\x05\x00\x80\x00\x00\x00")),
	    ASSAY_E_FORMAT, "basic" },
	{ "basic, no SEQUENCE", EXTENSIONS, B(EXT("\x13", "\x09", "\x04\x02\x05\x00")),
	    ASSAY_E_FORMAT, "basic" },
	{ "usage, unused bits set", EXTENSIONS, B(EXT("\x0f", "\x0b", "\x04\x04\x03\x02\x02\x06")),
	    ASSAY_E_FORMAT, "key usage" },
	{ "usage, 8 unused bits", EXTENSIONS, B(EXT("\x0f", "\x0b", "\x04\x04\x03\x02\x08\x00")),
	    ASSAY_E_FORMAT, "key usage" },
	{ "usage, no bits", EXTENSIONS, B(EXT("\x0f", "\x0a", "\x04\x03\x03\x01\x00")),
	    ASSAY_E_FORMAT, "key usage" },
	{ "usage, 17 bits", EXTENSIONS, B(EXT("\x0f", "\x0d", "\x04\x06\x03\x04\x07\x01\x01\x80")),
	    ASSAY_E_FORMAT, "key usage" },
	{ "signature with unused bits", SIGNATURE,
	    B("\x03\x09\x01\x30\x06\x02\x01\x07\x02\x01\x08"), ASSAY_E_FORMAT, "do not fit" },
	{ "signature empty", SIGNATURE, B("\x03\x00"), ASSAY_E_FORMAT, "do not fit" },
	{ "signature r = 0", SIGNATURE, B("\x03\x09\x00\x30\x06\x02\x01\x00\x02\x01\x08"),
	    ASSAY_E_FORMAT, "do not fit" },
	{ "signature r of 33 octets", SIGNATURE,
	    B("\x03\x29\x00\x30\x26\x02\x21" X32 "x\x02\x01\x08"), ASSAY_E_FORMAT, "do not fit" },
	{ "signature as OCTET STRING", SIGNATURE, B("\x04\x09\x00\x30\x06\x02\x01\x07\x02\x01\x08"),
	    ASSAY_E_FORMAT, "too early" },
};

static void
test_cert_changes(void **context)
{
	uint8_t der[ROOM];

	(void)context;
	for (size_t i = 0; i < sizeof cert_changes / sizeof *cert_changes; i++) {
		const struct change *c = &cert_changes[i];
		struct assay_bytes parts[PARTS];
		struct x509_cert cert, before;
		struct assay_error err = { ASSAY_OK, "" };
		memcpy(parts, good_cert, sizeof parts);
		parts[c->part] = c->to;
		if (strncmp(c->name, "an empty list", 13) == 0)
			parts[EXTENSIONS].len = 0;
		size_t n = build(der, parts, false);
		memset(&cert, 0x5a, sizeof cert);
		memcpy(&before, &cert, sizeof cert);
		enum assay_code rc =
		    assay_x509_parse(&cert, (struct assay_bytes){ der, n }, "test", &err);
		if (rc != c->code || strstr(err.text, c->words) == NULL)
			fail_msg("%s: %d %s", c->name, rc, err.text);
		if (rc != ASSAY_OK)
			assert_memory_equal(&cert, &before, sizeof cert);
	}
}

static void
test_cert_fields(void **context)
{
	uint8_t der[ROOM];
	struct x509_cert c;
	size_t n = build(der, good_cert, false);

	(void)context;
	assert_int_equal(
	    assay_x509_parse(&c, (struct assay_bytes){ der, n }, "test", NULL), ASSAY_OK);
	assert_ptr_equal(c.der.ptr, der);
	assert_int_equal(c.der.len, n);
	assert_ptr_equal(c.tbs.ptr, der + 4);
	assert_int_equal(c.tbs.len, n - 4 - 12 - 11);
	assert_memory_equal(c.serial.ptr, "\x00\x81", 2);
	assert_int_equal(c.not_before, 1735689600);
	assert_int_equal(c.not_after, 1735689600 + 365 * 86400);
	assert_int_equal(c.key.kind, ASSAY_KEY_P256);
	assert_int_equal(c.key.raw.len, 64);
	assert_memory_equal(c.key.raw.ptr, X32 X32, 64);
	assert_int_equal(c.scheme, ASSAY_ECDSA_P256_SHA256);
	assert_int_equal(c.signature_len, 64);
	assert_int_equal(c.signature[31], 7);
	assert_int_equal(c.signature[63], 8);
	assert_true(c.has_basic && c.ca);
	assert_int_equal(c.path_len, 5);
	assert_true(c.has_usage);
	assert_int_equal(c.usage, X509_KEY_CERT_SIGN | X509_CRL_SIGN);
	assert_true(assay_bytes_equal(c.skid, assay_bytes_of("ID")));
	assert_true(assay_bytes_equal(c.akid, assay_bytes_of("KI")));
	assert_int_equal(c.extension_count, 4);
	const struct x509_extension *e = assay_x509_extension(&c, assay_bytes_of("\x55\x1d\x13"));
	assert_ptr_equal(e, &c.extensions[1]);
	assert_true(e->critical);
	assert_null(assay_x509_extension(&c, assay_bytes_of("\x55\x1d\x14")));
	assert_null(assay_x509_extension(&c, assay_bytes_of("\x55\x1d")));
	assert_true(assay_bytes_equal(assay_x509_common_name(c.subject), assay_bytes_of("A")));
}

/* --- limits ------------------------------------------------------------------------------ */

static void
test_limits(void **context)
{
	uint8_t der[ROOM], list[30 * 9];
	struct assay_bytes parts[PARTS];
	struct assay_error err;
	struct x509_cert c;

	(void)context;
	memcpy(parts, good_cert, sizeof parts);
	for (size_t i = 0; i < 30; i++) {
		memcpy(list + 9 * i, EXT("\x40", "\x07", "\x04\x00"), 9);
		list[9 * i + 6] = (uint8_t)(0x40 + i);
	}
	for (size_t count = X509_EXTENSIONS_MAX; count < 30; count++) {
		parts[EXTENSIONS] = (struct assay_bytes){ list, 9 * count };
		size_t n = build(der, parts, false);
		enum assay_code rc =
		    assay_x509_parse(&c, (struct assay_bytes){ der, n }, "test", &err);
		assert_int_equal(rc, count == X509_EXTENSIONS_MAX ? ASSAY_OK : ASSAY_E_FORMAT);
		if (rc != ASSAY_OK)
			assert_non_null(strstr(err.text, "more than 24 extensions"));
	}
	static uint8_t big[X509_MAX + 1];
	assert_int_equal(
	    assay_x509_parse(&c, (struct assay_bytes){ big, sizeof big }, "test", &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "at most 8192"));
	static uint8_t huge[X509_CRL_MAX + 1];
	struct x509_crl crl;
	assert_int_equal(
	    assay_x509_crl_parse(&crl, (struct assay_bytes){ huge, sizeof huge }, "test", &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "at most 1048576"));
	assert_int_equal(
	    assay_x509_parse(&c, (struct assay_bytes){ NULL, 0 }, "test", &err), ASSAY_E_FORMAT);
}

/* Every length but the whole is refused, with a reason. */
static void
test_truncation(void **context)
{
	uint8_t der[ROOM];
	struct assay_error err;
	struct x509_cert c;
	struct x509_crl l;

	(void)context;
	for (int crl = 0; crl < 2; crl++) {
		size_t n = build(der, crl ? good_crl : good_cert, crl);
		for (size_t len = 0; len < n; len++) {
			struct assay_bytes in = { der, len };
			err = (struct assay_error){ ASSAY_OK, "" };
			enum assay_code rc = crl ? assay_x509_crl_parse(&l, in, "test", &err)
						 : assay_x509_parse(&c, in, "test", &err);
			assert_int_equal(rc, ASSAY_E_FORMAT);
			assert_int_equal(err.code, rc);
			assert_true(strlen(err.text) > 10);
		}
	}
}

/* --- RSA: keys and RSASSA-PSS parameters ------------------------------------------------- */

static void
test_rsa_keys(void **context)
{
	static const struct {
		size_t len; /* of the modulus, without a leading zero */
		bool zero;
		const char *exponent; /* content in hex */
		enum assay_code code;
	} rows[] = {
		{ 256, true, "010001", ASSAY_OK }, { 512, true, "010001", ASSAY_OK },
		{ 384, true, "010001", ASSAY_E_UNSUPPORTED },
		{ 128, true, "010001", ASSAY_E_UNSUPPORTED },
		{ 257, true, "010001", ASSAY_E_UNSUPPORTED },
		{ 256, true, "03", ASSAY_E_UNSUPPORTED },
		{ 256, true, "010003", ASSAY_E_UNSUPPORTED },
		{ 256, true, "00010001", ASSAY_E_FORMAT }, { 256, true, "810001", ASSAY_E_FORMAT },
		{ 256, true, "01000100010001000100", ASSAY_E_FORMAT },
		{ 256, false, "010001", ASSAY_E_FORMAT }, /* negative */
	};

	(void)context;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static const uint8_t id[] =
		    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05";
		uint8_t der[ROOM], n[600] = { 0 }, e[16], a[700], b[700], key[800];
		size_t zero = rows[i].zero ? 1 : 0, e_len = strlen(rows[i].exponent) / 2;
		struct assay_bytes parts[PARTS];
		struct x509_cert c;
		struct assay_error err;
		memset(n + zero, 0xc5, rows[i].len);
		assert_true(assay_unhex(e, e_len, assay_bytes_of(rows[i].exponent)));
		size_t m = put(a, 0, DER_INTEGER, n, zero + rows[i].len);
		m = put(a, m, DER_INTEGER, e, e_len);
		b[0] = 0;
		m = put(b, 1, DER_SEQUENCE, a, m);
		memcpy(a, id, 15);
		m = put(a, 15, DER_BIT_STRING, b, m);
		m = put(key, 0, DER_SEQUENCE, a, m);
		memcpy(parts, good_cert, sizeof parts);
		parts[KEY] = (struct assay_bytes){ key, m };
		m = build(der, parts, false);
		enum assay_code rc =
		    assay_x509_parse(&c, (struct assay_bytes){ der, m }, "test", &err);
		if (rc != rows[i].code)
			fail_msg("row %zu: %s", i, rc == ASSAY_OK ? "taken" : err.text);
		if (rc == ASSAY_OK) {
			assert_int_equal(c.key.kind, ASSAY_KEY_RSA);
			assert_int_equal(c.key.raw.len, rows[i].len);
			assert_int_equal(c.key.raw.ptr[0], 0xc5);
		}
	}
}

/* clang-format off */
#define SHA(n)  "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" n "\x05\x00"
#define MGF(n)  "\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" SHA(n)
#define A0      "\xa0\x0f" SHA("\x02")
#define A1      "\xa1\x1c" MGF("\x02")
#define A2      "\xa2\x03\x02\x01\x30"
/* clang-format on */

static const struct {
	const char *name;
	struct assay_bytes params;
	bool ok;
} pss[] = {
	{ "a VCEK's", B(A0 A1 A2), true },
	{ "an ASK's: trailer spelled out", B(A0 A1 A2 "\xa3\x03\x02\x01\x01"), true },
	{ "without the NULLs",
	    B("\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"
	      "\xa1\x1a\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
	      "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02" A2),
	    true },
	{ "none: SHA-1 by default", B(""), false },
	{ "SHA-256", B("\xa0\x0f" SHA("\x01") A1 A2), false },
	{ "SHA-512", B("\xa0\x0f" SHA("\x03") A1 A2), false },
	{ "MGF1 of SHA-256", B(A0 "\xa1\x1c" MGF("\x01") A2), false },
	{ "another mask",
	    B(A0 "\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x09" SHA("\x02") A2),
	    false },
	{ "salt 32", B(A0 A1 "\xa2\x03\x02\x01\x20"), false },
	{ "salt missing: 20 by default", B(A0 A1), false },
	{ "salt padded", B(A0 A1 "\xa2\x04\x02\x02\x00\x30"), false },
	{ "trailer 2", B(A0 A1 A2 "\xa3\x03\x02\x01\x02"), false },
	{ "trailer empty", B(A0 A1 A2 "\xa3\x00"), false },
	{ "another order", B(A1 A0 A2), false },
	{ "something after", B(A0 A1 A2 "\xa3\x03\x02\x01\x01\x05\x00"), false },
	{ "something in the hash", B("\xa0\x11" SHA("\x02") "\x05\x00" A1 A2), false },
	{ "something in the salt", B(A0 A1 "\xa2\x05\x02\x01\x30\x05\x00"), false },
	{ "hash with other parameters",
	    B("\xa0\x10\x30\x0e\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x01\x00" A1 A2),
	    false },
};

static void
test_pss_parameters(void **context)
{
	static const uint8_t oid[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

	(void)context;
	for (size_t i = 0; i < sizeof pss / sizeof *pss; i++)
		for (size_t size = 255; size <= 513; size++) {
			uint8_t der[ROOM], a[200], id[200], sig[600], bits[600] = { 0 };
			struct assay_bytes parts[PARTS];
			struct x509_cert c;
			if (size != 256 && size < 511)
				continue;
			memcpy(a, oid, 11);
			size_t n = put(a, 11, DER_SEQUENCE, pss[i].params.ptr, pss[i].params.len);
			n = put(id, 0, DER_SEQUENCE, a, n);
			memcpy(parts, good_cert, sizeof parts);
			parts[INNER] = parts[OUTER] = (struct assay_bytes){ id, n };
			bits[size] = 0x77;
			parts[SIGNATURE] = (struct assay_bytes){ sig,
				put(sig, 0, DER_BIT_STRING, bits, 1 + size) };
			n = build(der, parts, false);
			enum assay_code rc =
			    assay_x509_parse(&c, (struct assay_bytes){ der, n }, "test", NULL);
			enum assay_code want = !pss[i].ok ? ASSAY_E_UNSUPPORTED
			    : size == 512                 ? ASSAY_OK
							  : ASSAY_E_FORMAT;
			if (rc != want)
				fail_msg("%s, signature of %zu: %d", pss[i].name, size, rc);
			if (rc != ASSAY_OK)
				continue;
			assert_int_equal(c.scheme, ASSAY_RSA_PSS_SHA384);
			assert_int_equal(c.signature_len, 512);
			assert_int_equal(c.signature[511], 0x77);
		}
}

/* --- CRLs -------------------------------------------------------------------------------- */

static const struct change crl_changes[] = {
	{ "as it is", AFTER_ALL, { NULL, 0 }, ASSAY_OK, "" },
	{ "none revoked", REVOKED, { NULL, 0 }, ASSAY_OK, "" },
	{ "no extensions", EXTENSIONS, { NULL, 0 }, ASSAY_OK, "" },
	{ "a byte after", AFTER_ALL, B("\x00"), ASSAY_E_FORMAT, "follow its end" },
	{ "no version", VERSION, { NULL, 0 }, ASSAY_E_FORMAT, "version 2" },
	{ "version 1", VERSION, B("\x02\x01\x00"), ASSAY_E_FORMAT, "version 2" },
	{ "inner differs", INNER, B("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"),
	    ASSAY_E_FORMAT, "another signature algorithm" },
	{ "empty issuer", ISSUER, B("\x30\x00"), ASSAY_E_FORMAT, "issuer" },
	{ "thisUpdate no date", VALIDITY,
	    B("\x17\x0d"
	      "250132000000Z"),
	    ASSAY_E_FORMAT, "thisUpdate" },
	{ "no nextUpdate", SUBJECT, { NULL, 0 }, ASSAY_E_FORMAT, "has no nextUpdate" },
	{ "nextUpdate no date", SUBJECT,
	    B("\x17\x0d"
	      "250132000000Z"),
	    ASSAY_E_FORMAT, "nextUpdate" },
	{ "next before this", VALIDITY,
	    B("\x17\x0d"
	      "270101000000Z"),
	    ASSAY_E_FORMAT, "before its thisUpdate" },
	{ "entry without date", REVOKED, B("\x30\x03\x02\x01\x05"), ASSAY_E_FORMAT, "revoked" },
	{ "entry with a negative serial", REVOKED, B("\x30\x12\x02\x01\x85" TIME_A), ASSAY_E_FORMAT,
	    "revoked" },
	{ "entry with a padded serial", REVOKED, B("\x30\x13\x02\x02\x00\x05" TIME_A),
	    ASSAY_E_FORMAT, "revoked" },
	{ "entry with something after", REVOKED, B("\x30\x14\x02\x01\x05" TIME_A "\x05\x00"),
	    ASSAY_E_FORMAT, "extensions" },
	{ "entry with empty extensions", REVOKED, B("\x30\x14\x02\x01\x05" TIME_A "\x30\x00"),
	    ASSAY_E_FORMAT, "extensions" },
	{ "second entry broken", REVOKED, B(ENTRY("\x05") "\x30\x05\x02\x01\x05"), ASSAY_E_FORMAT,
	    "revoked" },
	{ "entry, critical extension", REVOKED,
	    B("\x30\x23\x02\x01\x05" TIME_A
	      "\x30\x0f" EXT("\x15", "\x0d", "\x01\x01\xff\x04\x03\x0a\x01\x01")),
	    ASSAY_E_UNSUPPORTED, "551d15" },
	{ "entry of another issuer", REVOKED,
	    B("\x30\x1f\x02\x01\x05" TIME_A "\x30\x0b" EXT("\x1d", "\x09", "\x04\x02\x30\x00")),
	    ASSAY_E_UNSUPPORTED, "551d1d" },
	{ "an empty list", BEFORE_EXT, B("\x30\x00"), ASSAY_E_FORMAT, "empty list" },
	{ "something after the list", BEFORE_EXT, B("\x05\x00"), ASSAY_E_FORMAT,
	    "after the revoked" },
	{ "delta", EXTENSIONS, B(EXT("\x1b", "\x0d", "\x01\x01\xff\x04\x03\x02\x01\x01")),
	    ASSAY_E_UNSUPPORTED, "delta" },
	{ "delta, not critical", EXTENSIONS, B(EXT("\x1b", "\x0a", "\x04\x03\x02\x01\x01")),
	    ASSAY_E_UNSUPPORTED, "delta" },
	{ "indirect", EXTENSIONS,
	    B(EXT("\x1c", "\x0f", "\x01\x01\xff\x04\x05\x30\x03\x84\x01\xff")), ASSAY_E_UNSUPPORTED,
	    "indirect" },
	{ "indirect, not critical", EXTENSIONS,
	    B(EXT("\x1c", "\x0c", "\x04\x05\x30\x03\x84\x01\xff")), ASSAY_E_UNSUPPORTED,
	    "indirect" },
	{ "unknown", EXTENSIONS, B(EXT("\x63", "\x07", "\x04\x00")), ASSAY_OK, "" },
	{ "unknown, critical", EXTENSIONS, B(EXT("\x63", "\x0a", "\x01\x01\xff\x04\x00")),
	    ASSAY_E_UNSUPPORTED, "551d63" },
	{ "two numbers", EXTENSIONS, B(NUMBER NUMBER), ASSAY_E_FORMAT, "twice" },
	{ "number negative", EXTENSIONS, B(EXT("\x14", "\x0a", "\x04\x03\x02\x01\x89")),
	    ASSAY_E_FORMAT, "CRL number" },
	{ "number of 64 bits", EXTENSIONS,
	    B(EXT("\x14", "\x12", "\x04\x0b\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff")),
	    ASSAY_OK, "" },
	{ "number of 65 bits", EXTENSIONS,
	    B(EXT("\x14", "\x12", "\x04\x0b\x02\x09\x01\xff\xff\xff\xff\xff\xff\xff\xff")),
	    ASSAY_E_FORMAT, "CRL number" },
	{ "AKID without key", EXTENSIONS, B(EXT("\x23", "\x09", "\x04\x02\x30\x00")),
	    ASSAY_E_FORMAT, "authority key identifier" },
	{ "signature empty", SIGNATURE, B("\x03\x00"), ASSAY_E_FORMAT, "do not fit" },
};

static void
test_crl_changes(void **context)
{
	uint8_t der[ROOM];

	(void)context;
	for (size_t i = 0; i < sizeof crl_changes / sizeof *crl_changes; i++) {
		const struct change *c = &crl_changes[i];
		struct assay_bytes parts[PARTS];
		struct x509_crl crl;
		struct assay_error err = { ASSAY_OK, "" };
		memcpy(parts, good_crl, sizeof parts);
		parts[c->part] = c->to;
		if (strcmp(c->name, "an empty list") == 0)
			parts[REVOKED].len = 0;
		size_t n = build(der, parts, true);
		enum assay_code rc =
		    assay_x509_crl_parse(&crl, (struct assay_bytes){ der, n }, "test", &err);
		if (rc != c->code || strstr(err.text, c->words) == NULL)
			fail_msg("%s: %d %s", c->name, rc, err.text);
	}
}

static void
test_crl_fields(void **context)
{
	uint8_t der[ROOM];
	struct x509_crl c;
	size_t n = build(der, good_crl, true);

	(void)context;
	assert_int_equal(
	    assay_x509_crl_parse(&c, (struct assay_bytes){ der, n }, "test", NULL), ASSAY_OK);
	assert_int_equal(c.this_update, 1735689600);
	assert_int_equal(c.next_update, 1735689600 + 365 * 86400);
	assert_true(c.has_number);
	assert_int_equal(c.number, 9);
	assert_true(assay_bytes_equal(c.akid, assay_bytes_of("KI")));
	assert_int_equal(c.revoked_count, 2);
	assert_int_equal(c.scheme, ASSAY_ECDSA_P256_SHA256);
	assert_int_equal(c.signature[63], 8);
	assert_true(assay_x509_crl_lists(&c, assay_bytes_of("\x05")));
	assert_true(assay_x509_crl_lists(&c, assay_bytes_of("\x06")));
	assert_false(assay_x509_crl_lists(&c, assay_bytes_of("\x07")));
	assert_false(
	    assay_x509_crl_lists(&c, (struct assay_bytes){ (const uint8_t *)"\x00\x05", 2 }));
	assert_false(assay_x509_crl_lists(&c, (struct assay_bytes){ NULL, 0 }));
}

/* --- names ------------------------------------------------------------------------------- */

static void
test_names(void **context)
{
	/* CN=A (UTF8String), O=B (PrintableString) */
	static const struct assay_bytes name =
	    B("\x30\x18\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
	      "A\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x13\x01"
	      "B");
	static const struct {
		const char *pairs[7];
		bool is;
	} rows[] = {
		{ { "CN", "A", "O", "B", NULL }, true },
		{ { "CN", "A", NULL }, false },
		{ { "O", "B", NULL }, false },
		{ { NULL }, false },
		{ { "O", "B", "CN", "A", NULL }, false },
		{ { "CN", "A", "O", "B", "C", "US", NULL }, false },
		{ { "CN", "a", "O", "B", NULL }, false },
		{ { "CN", "AA", "O", "B", NULL }, false },
		{ { "CN", "A", "OU", "B", NULL }, false },
		{ { "CN", "A", "XX", "B", NULL }, false },
	};

	(void)context;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(assay_x509_name_is(name, rows[i].pairs), rows[i].is);
	for (size_t n = 0; n < name.len; n++)
		assert_false(
		    assay_x509_name_is((struct assay_bytes){ name.ptr, n }, rows[0].pairs));
	assert_true(assay_bytes_equal(assay_x509_common_name(name), assay_bytes_of("A")));
	static const struct assay_bytes escape =
	    B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x1b");
	assert_int_equal(assay_x509_common_name(escape).len, 0);
	static const struct assay_bytes no_cn =
	    B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01"
	      "A");
	assert_int_equal(assay_x509_common_name(no_cn).len, 0);
	assert_int_equal(assay_x509_common_name((struct assay_bytes){ NULL, 0 }).len, 0);
}

/* --- from real machines ------------------------------------------------------------------ */

/* The n-th block of a PEM file as DER, malloc'd. */
static struct assay_bytes
block(struct assay_bytes pem, size_t n)
{
	struct pem_block b;
	size_t at = 0, len;

	do
		assert_int_equal(assay_pem_next(&b, &at, pem, "test", NULL), ASSAY_OK);
	while (n-- > 0 && b.label.len > 0);
	assert_true(b.label.len > 0);
	uint8_t *der = malloc(ASSAY_UNBASE64_MAX(b.body.len));
	assert_non_null(der);
	assert_true(assay_unbase64(der, &len, b.body));
	return (struct assay_bytes){ der, len };
}

static bool
signed_by(enum assay_scheme scheme, struct assay_bytes tbs, const uint8_t *signature, size_t len,
    const struct x509_cert *issuer)
{
	uint8_t digest[ASSAY_DIGEST_MAX];
	struct assay_key key = { 0 };

	assert_int_equal(assay_key_prepare(&key, issuer->key, NULL), ASSAY_OK);
	size_t n = assay_scheme_digest(digest, scheme, tbs);
	bool ok = assay_key_verify(&key, scheme, (struct assay_bytes){ digest, n },
	    (struct assay_bytes){ signature, len });
	assay_key_clear(&key);
	return ok;
}

static void
test_intel(void **context)
{
	static const char *const name[] = { "CN", "Intel SGX PCK Certificate", "O",
		"Intel Corporation", "L", "Santa Clara", "ST", "CA", "C", "US", NULL };
	struct assay_bytes quote, der[3];
	struct x509_cert c[3];
	struct x509_crl crl;

	(void)context;
	if (!vectors_present())
		return;
	quote = vectors_read("dcap/quotes/sgx3-cfl-00906ed5-lcp-a.bin");
	for (size_t i = 0; i < 3; i++) {
		der[i] = block(quote, i);
		assert_int_equal(assay_x509_parse(&c[i], der[i], "test", NULL), ASSAY_OK);
	}
	assert_true(assay_x509_name_is(c[0].subject, name));
	assert_false(c[0].ca);
	assert_true(c[0].has_basic && c[0].has_usage);
	assert_int_equal(c[0].key.kind, ASSAY_KEY_P256);
	assert_int_equal(c[1].path_len, 0);
	assert_int_equal(c[2].path_len, 1);
	for (size_t i = 0; i < 3; i++) {
		const struct x509_cert *issuer = &c[i == 2 ? 2 : i + 1];
		assert_true(assay_bytes_equal(c[i].issuer, issuer->subject));
		assert_true(assay_bytes_equal(c[i].akid, issuer->skid));
		assert_true(
		    signed_by(c[i].scheme, c[i].tbs, c[i].signature, c[i].signature_len, issuer));
		assert_false(signed_by(
		    c[i].scheme, c[i].tbs, c[i].signature, c[i].signature_len, &c[i == 0 ? 2 : 0]));
	}
	struct assay_bytes list =
	    vectors_read("dcap/collateral/tdx-00806f-2026-06-eval21/pck_crl.der");
	assert_int_equal(assay_x509_crl_parse(&crl, list, "test", NULL), ASSAY_OK);
	assert_int_equal(crl.revoked_count, 57);
	assert_true(crl.has_number && crl.akid.len == 20);
	assert_false(assay_x509_crl_lists(&crl, c[0].serial));
	vectors_free(list);
	for (size_t i = 0; i < 3; i++)
		vectors_free(der[i]);
	vectors_free(quote);
}

static void
test_amd(void **context)
{
	struct assay_bytes chain, der[3], list;
	struct x509_cert vcek, ask, ark;
	struct x509_crl crl;

	(void)context;
	if (!vectors_present())
		return;
	der[0] = vectors_read("sev/snp/genoa-v5/vcek.der");
	chain = vectors_read("sev/roots/x509/genoa_vcek_chain.pem");
	der[1] = block(chain, 0);
	der[2] = block(chain, 1);
	assert_int_equal(assay_x509_parse(&vcek, der[0], "test", NULL), ASSAY_OK);
	assert_int_equal(assay_x509_parse(&ask, der[1], "test", NULL), ASSAY_OK);
	assert_int_equal(assay_x509_parse(&ark, der[2], "test", NULL), ASSAY_OK);
	assert_int_equal(vcek.key.kind, ASSAY_KEY_P384);
	assert_true(vcek.serial.len == 1 && vcek.serial.ptr[0] == 0);
	assert_false(vcek.has_basic || vcek.has_usage || vcek.skid.len > 0 || vcek.akid.len > 0);
	/* 1.3.6.1.4.1.3704.1.4: hwID, raw. */
	const struct x509_extension *hwid =
	    assay_x509_extension(&vcek, assay_bytes_of("\x2b\x06\x01\x04\x01\x9c\x78\x01\x04"));
	assert_non_null(hwid);
	assert_int_equal(hwid->value.len, 64);
	assert_int_equal(ask.path_len, 0);
	assert_int_equal(ask.usage, X509_KEY_CERT_SIGN);
	assert_int_equal(ark.path_len, -1);
	assert_true(signed_by(vcek.scheme, vcek.tbs, vcek.signature, vcek.signature_len, &ask));
	assert_true(signed_by(ask.scheme, ask.tbs, ask.signature, ask.signature_len, &ark));
	assert_true(signed_by(ark.scheme, ark.tbs, ark.signature, ark.signature_len, &ark));
	assert_false(signed_by(vcek.scheme, vcek.tbs, vcek.signature, vcek.signature_len, &ark));

	list = vectors_read("sev/crl/genoa.crl.der");
	assert_int_equal(assay_x509_crl_parse(&crl, list, "test", NULL), ASSAY_OK);
	assert_true(signed_by(crl.scheme, crl.tbs, crl.signature, crl.signature_len, &ark));
	assert_int_equal(crl.number, 4);
	assert_true(
	    assay_x509_crl_lists(&crl, (struct assay_bytes){ (const uint8_t *)"\x02\x00\x01", 3 }));
	assert_false(assay_x509_crl_lists(&crl, ask.serial));
	vectors_free(list);
	for (size_t i = 0; i < 3; i++)
		vectors_free(der[i]);
	vectors_free(chain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cert_changes),
		cmocka_unit_test(test_cert_fields),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_rsa_keys),
		cmocka_unit_test(test_pss_parameters),
		cmocka_unit_test(test_crl_changes),
		cmocka_unit_test(test_crl_fields),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_intel),
		cmocka_unit_test(test_amd),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
