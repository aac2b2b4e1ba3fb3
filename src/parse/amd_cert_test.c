/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include "parse/sev.h"

static size_t
make_cert(uint8_t p[AMD_CERT_LARGE], uint32_t usage, uint32_t bits)
{
	size_t n = bits / 8;

	memset(p, 0, AMD_CERT_LARGE);
	put32(p, 1);
	memset(p + 4, 0x11, 16);
	memset(p + 20, 0x22, 16);
	put32(p + 36, usage);
	put32(p + 56, bits);
	put32(p + 60, bits);
	put32(p + 64, 65537);
	memset(p + 64 + n, 0x33, n);
	memset(p + 64 + 2 * n, 0x44, n);
	p[64 + n] = 1;
	p[64 + 2 * n] = 2;
	return 64 + 3 * n;
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct amd_cert c;

	return assay_amd_cert_parse(&c, in, "ask", err);
}

static void
test_good(void **state)
{
	uint8_t bytes[AMD_CERT_LARGE];
	struct amd_cert c;
	(void)state;

	for (uint32_t bits = 2048; bits <= 4096; bits += 2048) {
		struct assay_bytes in = { bytes, make_cert(bytes, SEV_USAGE_ASK, bits) };
		size_t n = bits / 8;
		assert_int_equal(assay_amd_cert_length(in), in.len);
		assert_int_equal(assay_amd_cert_parse(&c, in, "ask", NULL), ASSAY_OK);
		assert_int_equal(c.usage, SEV_USAGE_ASK);
		assert_int_equal(c.key_id[15], 0x11);
		assert_int_equal(c.certifying_id[0], 0x22);
		assert_int_equal(c.key_len, n);
		assert_true(c.modulus[0] == 0x33 && c.modulus[n - 1] == 1);
		assert_true(c.signature[0] == 0x44 && c.signature[n - 1] == 2);
		assert_true(c.has_signature);
		assert_int_equal(c.public.kind, ASSAY_KEY_RSA);
		assert_ptr_equal(c.public.raw.ptr, c.modulus);
		assert_int_equal(c.public.raw.len, n);
		assert_int_equal(c.signed_part.len, 64 + 2 * n);
		damage(parse, in);
	}
}

/* An ARK of 2048 bits alone may lack its signature, and only if the file ends there. */
static void
test_unsigned(void **state)
{
	uint8_t bytes[AMD_CERT_LARGE];
	struct assay_error err = { ASSAY_OK, "" };
	struct amd_cert c;
	(void)state;

	(void)make_cert(bytes, SEV_USAGE_ARK, 2048);
	struct assay_bytes in = { bytes, AMD_CERT_NAPLES_UNSIGNED };
	assert_int_equal(assay_amd_cert_length(in), AMD_CERT_NAPLES_UNSIGNED);
	assert_int_equal(assay_amd_cert_parse(&c, in, "ark", &err), ASSAY_OK);
	assert_false(c.has_signature);
	assert_int_equal(c.signed_part.len, AMD_CERT_NAPLES_UNSIGNED);
	assert_int_equal(c.signature[0], 0);
	in.len++;
	assert_int_equal(assay_amd_cert_length(in), 0);
	expect_outcome("577", parse(in, &err), &err, ASSAY_E_FORMAT, "is 577 bytes");
	in.len -= 2;
	assert_int_equal(assay_amd_cert_length(in), 0);
	expect_outcome("575", parse(in, &err), &err, ASSAY_E_FORMAT, "is 575 bytes");
	(void)make_cert(bytes, SEV_USAGE_ASK, 2048);
	in.len = AMD_CERT_NAPLES_UNSIGNED;
	assert_int_equal(assay_amd_cert_length(in), 0);
	expect_outcome("an ASK", parse(in, &err), &err, ASSAY_E_FORMAT, "is 576 bytes");
	(void)make_cert(bytes, SEV_USAGE_ARK, 4096);
	expect_outcome("4096 bits", parse(in, &err), &err, ASSAY_E_FORMAT, "has 1600");
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint32_t value;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "version", 0, 2, ASSAY_E_UNSUPPORTED, "version at 0x00 is 2" },
		{ "usage", 36, SEV_USAGE_CEK, ASSAY_E_FORMAT, "usage at 0x24 is 0x1004" },
		{ "modulus size", 60, 1024, ASSAY_E_FORMAT, "modulus size at 0x3c is 1024" },
		{ "exponent size", 56, 2048, ASSAY_E_FORMAT, "exponent size at 0x38 is 2048" },
		{ "exponent", 64, 3, ASSAY_E_FORMAT, "is not 65537" },
		{ "exponent, high byte", 64 + 508, 0x1000000, ASSAY_E_FORMAT, "is not 65537" },
		{ "reserved", 40, 1, ASSAY_E_FORMAT, "byte at 0x28 is 0x01" },
		{ "reserved", 52, 0x1000000, ASSAY_E_FORMAT, "byte at 0x37 is 0x01" },
	};
	uint8_t bytes[AMD_CERT_LARGE + 1] = { 0 };
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes in = { bytes, make_cert(bytes, SEV_USAGE_ASK, 4096) };
		put32(bytes + cases[i].at, cases[i].value);
		expect_outcome(cases[i].name, parse(in, &err), &err, cases[i].code, cases[i].words);
		if (cases[i].at < 40 || (cases[i].at > 52 && cases[i].at < 64))
			assert_int_equal(assay_amd_cert_length(in), 0);
	}
	struct assay_bytes in = { bytes, make_cert(bytes, SEV_USAGE_ASK, 4096) + 1 };
	assert_int_equal(assay_amd_cert_length(in), AMD_CERT_LARGE); /* something follows it */
	expect_outcome("long", parse(in, &err), &err, ASSAY_E_FORMAT, "is 1601 bytes");
	in.len = 63;
	assert_int_equal(assay_amd_cert_length(in), 0);
	expect_outcome("header", parse(in, &err), &err, ASSAY_E_FORMAT, "is 63 bytes");
}

static void
test_real_certs(void **state)
{
	static const char *const products[] = { "naples", "rome", "milan", "genoa", "turin" };
	struct assay_error err = { ASSAY_OK, "" };
	struct amd_cert ark, ask;
	char path[64];
	(void)state;

	if (!vectors_present())
		return;
	for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
		(void)snprintf(path, sizeof path, "sev/roots/legacy/%s.ark.cert", products[i]);
		struct assay_bytes a = vectors_read(path);
		expect_outcome(path, assay_amd_cert_parse(&ark, a, path, &err), &err, ASSAY_OK, "");
		(void)snprintf(path, sizeof path, "sev/roots/legacy/%s.ask.cert", products[i]);
		struct assay_bytes b = vectors_read(path);
		expect_outcome(path, assay_amd_cert_parse(&ask, b, path, &err), &err, ASSAY_OK, "");
		assert_int_equal(ark.usage, SEV_USAGE_ARK);
		assert_int_equal(ask.usage, SEV_USAGE_ASK);
		assert_int_equal(assay_amd_cert_length(a), a.len);
		assert_memory_equal(ark.key_id, ark.certifying_id, 16);
		assert_memory_equal(ark.key_id, ask.certifying_id, 16);
		assert_true(ark.modulus[0] >= 0x80 && (ark.modulus[ark.key_len - 1] & 1) == 1);
		vectors_free(a);
		vectors_free(b);
	}
	struct assay_bytes cut = vectors_read("sev/roots/legacy/naples.ark.nosig.cert");
	expect_outcome("cut", assay_amd_cert_parse(&ark, cut, "ark", &err), &err, ASSAY_OK, "");
	assert_false(ark.has_signature);
	vectors_free(cut);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_real_certs),
	};

	return RUN_TESTS(tests);
}
