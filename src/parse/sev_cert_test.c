/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include "parse/sev.h"

/* A PEK with two ECDSA signatures, by OCA and CEK. */
static void
make_cert(uint8_t p[SEV_CERT_SIZE])
{
	memset(p, 0, SEV_CERT_SIZE);
	put32(p, 1);
	p[4] = 1;
	p[5] = 28;
	put32(p + 8, SEV_USAGE_PEK);
	put32(p + 12, SEV_ECDSA_SHA256);
	put32(p + 0x10, 2);
	memset(p + 0x14, 0x11, 48);
	memset(p + 0x5c, 0x22, 48);
	p[0x14] = 1;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *slot = p + 0x414 + i * 0x208;
		put32(slot, i == 0 ? SEV_USAGE_OCA : SEV_USAGE_CEK);
		put32(slot + 4, SEV_ECDSA_SHA256);
		memset(slot + 8, 0x33, 48);
		memset(slot + 8 + 72, 0x44, 48);
		slot[8] = (uint8_t)(2 + i);
	}
}

static void
make_rsa_key(uint8_t p[SEV_CERT_SIZE], uint32_t algo, uint32_t bits)
{
	put32(p + 12, algo);
	memset(p + 0x10, 0, 0x404);
	put32(p + 0x10, bits);
	put32(p + 0x14, 65537);
	memset(p + 0x214, 0x55, bits / 8);
	p[0x214] = 1;
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct sev_cert c;

	return assay_sev_cert_parse(&c, in, "pek", err);
}

static void
test_good(void **state)
{
	uint8_t bytes[SEV_CERT_SIZE];
	struct assay_bytes in = { bytes, sizeof bytes };
	struct sev_cert c;
	(void)state;

	make_cert(bytes);
	assert_true(assay_sev_cert_recognise(in));
	assert_int_equal(assay_sev_cert_parse(&c, in, "pek", NULL), ASSAY_OK);
	assert_int_equal(c.usage, SEV_USAGE_PEK);
	assert_int_equal(c.api_minor, 28);
	assert_int_equal(c.public.kind, ASSAY_KEY_P384);
	assert_int_equal(c.public.raw.len, 96);
	assert_ptr_equal(c.public.raw.ptr, c.key);
	assert_true(c.key[0] == 0x11 && c.key[47] == 1 && c.key[48] == 0x22);
	assert_int_equal(c.signatures[0].usage, SEV_USAGE_OCA);
	assert_int_equal(c.signatures[1].usage, SEV_USAGE_CEK);
	assert_int_equal(c.signatures[1].len, 96);
	assert_true(c.signatures[1].raw[47] == 3 && c.signatures[1].raw[48] == 0x44);
	assert_int_equal(c.signed_part.len, 0x414);
	damage(parse, in);

	put32(bytes + 0x10, 1); /* P-256: 32 bytes of each */
	memset(bytes + 0x14 + 32, 0, 16);
	memset(bytes + 0x5c + 32, 0, 16);
	assert_int_equal(assay_sev_cert_parse(&c, in, "pek", NULL), ASSAY_OK);
	assert_int_equal(c.public.kind, ASSAY_KEY_P256);
	assert_int_equal(c.public.raw.len, 64);
	assert_true(c.key[31] == 1 && c.key[32] == 0x22);

	make_rsa_key(bytes, SEV_RSA_SHA384, 4096);
	assert_int_equal(assay_sev_cert_parse(&c, in, "oca", NULL), ASSAY_OK);
	assert_int_equal(c.public.kind, ASSAY_KEY_RSA);
	assert_int_equal(c.public.raw.len, 512);
	assert_true(c.key[0] == 0x55 && c.key[511] == 1);
	bytes[8] = (uint8_t)SEV_USAGE_NONE;
	assert_false(assay_sev_cert_recognise(in));
}

static const struct {
	const char *name;
	size_t at;
	uint8_t value;
	enum assay_code code;
	const char *words;
} cases[] = {
	{ "version", 0, 2, ASSAY_E_UNSUPPORTED, "version at 0x000 is 2" },
	{ "reserved", 7, 1, ASSAY_E_FORMAT, "byte at 0x7 is 0x01" },
	{ "unused", 8, 0x00, ASSAY_E_FORMAT, "usage at 0x008 is 0x1000" },
	{ "ASK in this format", 9, 0x00, ASSAY_E_FORMAT, "usage at 0x008 is 0x2" },
	{ "no algorithm", 12, 0, ASSAY_E_FORMAT, "algorithm at 0x00c is 0x0" },
	{ "unknown algorithm", 12, 4, ASSAY_E_FORMAT, "algorithm at 0x00c is 0x4" },
	{ "curve 0", 0x10, 0, ASSAY_E_FORMAT, "curve id at 0x010 is 0" },
	{ "curve 3", 0x10, 3, ASSAY_E_FORMAT, "curve id at 0x010 is 3" },
	{ "QX longer", 0x14 + 48, 1, ASSAY_E_FORMAT, "coordinate of the key" },
	{ "QY longer", 0x5c + 71, 1, ASSAY_E_FORMAT, "coordinate of the key" },
	{ "QX of P-256 longer", 0x10, 1, ASSAY_E_FORMAT, "its curve's 32 bytes" },
	{ "behind the key", 0xa4, 1, ASSAY_E_FORMAT, "byte at 0xa4" },
	{ "end of the key", 0x413, 1, ASSAY_E_FORMAT, "byte at 0x413" },
	{ "RSA size", 12, 1, ASSAY_E_FORMAT, "modulus size at 0x010 is 2 bits" },
};

static void
test_refusals(void **state)
{
	uint8_t bytes[SEV_CERT_SIZE + 1];
	struct assay_bytes in = { bytes, SEV_CERT_SIZE };
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make_cert(bytes);
		bytes[cases[i].at] = cases[i].value;
		expect_outcome(cases[i].name, parse(in, &err), &err, cases[i].code, cases[i].words);
	}
	make_cert(bytes);
	put32(bytes + 8, SEV_USAGE_OCA);
	memset(bytes + 0xa4, 0x55, 880); /* as sevctl makes them */
	expect_outcome("OCA", parse(in, &err), &err, ASSAY_OK, "");
	make_cert(bytes);
	make_rsa_key(bytes, SEV_RSA_SHA256, 2048);
	expect_outcome("RSA", parse(in, &err), &err, ASSAY_OK, "");
	bytes[0x214 + 256] = 1;
	expect_outcome(
	    "modulus", parse(in, &err), &err, ASSAY_E_FORMAT, "longer than its 2048 bits");
	bytes[0x213] = 1;
	expect_outcome("exponent", parse(in, &err), &err, ASSAY_E_FORMAT, "is not 65537");
	bytes[0x213] = 0;
	bytes[0x14] = 3;
	expect_outcome("exponent", parse(in, &err), &err, ASSAY_E_FORMAT, "is not 65537");
	in.len--;
	expect_outcome("short", parse(in, &err), &err, ASSAY_E_FORMAT, "is 2083 bytes");
	in.len += 2;
	expect_outcome("long", parse(in, &err), &err, ASSAY_E_FORMAT, "is 2085 bytes");
}

/* Nothing in a slot refuses the file; what cannot be read is no signature. */
static void
test_slots(void **state)
{
	static const struct {
		const char *name;
		uint32_t usage, algo;
		size_t junk_at; /* in the slot; 0: none */
		uint32_t want_usage;
		size_t want_len;
	} slots[] = {
		{ "unused", SEV_USAGE_NONE, 0, 0, SEV_USAGE_NONE, 0 },
		{ "unused with junk", SEV_USAGE_NONE, 0xffff, 500, SEV_USAGE_NONE, 0 },
		{ "bytes swapped", 0x0010, 2, 0, SEV_USAGE_NONE, 0 },
		{ "PDH never signs", SEV_USAGE_PDH, 3, 0, SEV_USAGE_NONE, 0 },
		{ "all zero is no ARK", SEV_USAGE_ARK, 0, 0, SEV_USAGE_NONE, 0 },
		{ "no algorithm", SEV_USAGE_CEK, 0, 0, SEV_USAGE_CEK, 0 },
		{ "ECDH", SEV_USAGE_CEK, SEV_ECDH_SHA256, 0, SEV_USAGE_CEK, 0 },
		{ "ECDSA", SEV_USAGE_CEK, SEV_ECDSA_SHA384, 0, SEV_USAGE_CEK, 96 },
		{ "R too long", SEV_USAGE_CEK, SEV_ECDSA_SHA256, 8 + 48, SEV_USAGE_CEK, 0 },
		{ "S too long", SEV_USAGE_CEK, SEV_ECDSA_SHA256, 8 + 143, SEV_USAGE_CEK, 0 },
		{ "junk behind S", SEV_USAGE_CEK, SEV_ECDSA_SHA256, 8 + 144, SEV_USAGE_CEK, 0 },
		{ "the owner's", SEV_USAGE_OCA, SEV_ECDSA_SHA256, 8 + 144, SEV_USAGE_OCA, 96 },
		{ "its S too long", SEV_USAGE_OCA, SEV_ECDSA_SHA256, 8 + 143, SEV_USAGE_OCA, 0 },
		{ "RSA 2048", SEV_USAGE_ASK, SEV_RSA_SHA256, 0, SEV_USAGE_ASK, 256 },
		{ "RSA 2048, longer", SEV_USAGE_ASK, SEV_RSA_SHA256, 8 + 256, SEV_USAGE_ASK, 0 },
		{ "RSA 4096", SEV_USAGE_ASK, SEV_RSA_SHA384, 8 + 511, SEV_USAGE_ASK, 512 },
	};
	uint8_t bytes[SEV_CERT_SIZE];
	(void)state;

	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct sev_cert c;
		make_cert(bytes);
		uint8_t *slot = bytes + 0x414 + 0x208;
		put32(slot, slots[i].usage);
		put32(slot + 4, slots[i].algo);
		if (slots[i].junk_at != 0)
			slot[slots[i].junk_at] = 0x77;
		enum assay_code rc = assay_sev_cert_parse(
		    &c, (struct assay_bytes){ bytes, sizeof bytes }, "pek", &err);
		expect_outcome(slots[i].name, rc, &err, ASSAY_OK, "");
		if (c.signatures[1].usage != slots[i].want_usage ||
		    c.signatures[1].len != slots[i].want_len)
			fail_msg("%s: usage 0x%x, %zu bytes", slots[i].name,
			    (unsigned)c.signatures[1].usage, c.signatures[1].len);
		if (slots[i].want_len == 512)
			assert_int_equal(c.signatures[1].raw[0], 0x77);
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(assay_sev_usage_name(SEV_USAGE_ARK), "ARK");
	assert_string_equal(assay_sev_usage_name(SEV_USAGE_ASK), "ASK");
	assert_string_equal(assay_sev_usage_name(SEV_USAGE_OCA), "OCA");
	assert_string_equal(assay_sev_usage_name(SEV_USAGE_PEK), "PEK");
	assert_string_equal(assay_sev_usage_name(SEV_USAGE_PDH), "PDH");
	assert_string_equal(assay_sev_usage_name(SEV_USAGE_CEK), "CEK");
	assert_string_equal(assay_sev_usage_name(SEV_USAGE_NONE), "unused");
	assert_string_equal(assay_sev_usage_name(7), "unknown");
}

static void
test_schemes(void **state)
{
	(void)state;
	assert_int_equal(assay_sev_scheme(SEV_RSA_SHA256, 256), ASSAY_RSA_PSS_SHA256);
	assert_int_equal(assay_sev_scheme(SEV_RSA_SHA384, 512), ASSAY_RSA_PSS_SHA384);
	assert_int_equal(assay_sev_scheme(SEV_ECDSA_SHA256, 96), ASSAY_ECDSA_P384_SHA256);
	assert_int_equal(assay_sev_scheme(SEV_ECDSA_SHA384, 96), ASSAY_ECDSA_P384_SHA384);
	assert_int_equal(assay_sev_scheme(SEV_ECDSA_SHA384, 0), ASSAY_SCHEME_NONE);
	assert_int_equal(assay_sev_scheme(SEV_RSA_SHA256, 512), ASSAY_SCHEME_NONE);
	assert_int_equal(assay_sev_scheme(SEV_ECDH_SHA256, 96), ASSAY_SCHEME_NONE);
}

static void
test_real_certs(void **state)
{
	static const struct {
		const char *name;
		uint32_t usage, algo, signer, other;
	} real[] = {
		{ "cek", SEV_USAGE_CEK, SEV_ECDSA_SHA256, SEV_USAGE_ASK, SEV_USAGE_NONE },
		{ "oca", SEV_USAGE_OCA, SEV_ECDSA_SHA256, SEV_USAGE_OCA, SEV_USAGE_NONE },
		{ "pek", SEV_USAGE_PEK, SEV_ECDSA_SHA256, SEV_USAGE_OCA, SEV_USAGE_CEK },
		{ "pdh", SEV_USAGE_PDH, SEV_ECDH_SHA256, SEV_USAGE_PEK, SEV_USAGE_NONE },
	};
	static const char *const products[] = { "naples", "milan" };
	(void)state;

	if (!vectors_present())
		return;
	for (size_t i = 0; i < 8; i++) {
		char path[64];
		struct assay_error err = { ASSAY_OK, "" };
		struct sev_cert c;
		(void)snprintf(
		    path, sizeof path, "sev/legacy/%s/%s.cert", products[i / 4], real[i % 4].name);
		struct assay_bytes in = vectors_read(path);
		assert_true(assay_sev_cert_recognise(in));
		expect_outcome(path, assay_sev_cert_parse(&c, in, path, &err), &err, ASSAY_OK, "");
		assert_int_equal(c.usage, real[i % 4].usage);
		assert_int_equal(c.algo, real[i % 4].algo);
		assert_int_equal(c.curve, 2);
		assert_int_equal(c.signatures[0].usage, real[i % 4].signer);
		assert_int_equal(c.signatures[1].usage, real[i % 4].other);
		size_t rsa = i < 4 ? 256 : 512;
		assert_int_equal(
		    c.signatures[0].len, real[i % 4].signer == SEV_USAGE_ASK ? rsa : 96);
		damage(parse, in);
		vectors_free(in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_schemes),
		cmocka_unit_test(test_real_certs),
	};

	return RUN_TESTS(tests);
}
