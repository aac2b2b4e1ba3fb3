/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include "parse/snp_report.h"

static void
make_report(uint8_t p[SNP_REPORT_SIZE], unsigned version)
{
	memset(p, 0, SNP_REPORT_SIZE);
	put32(p, version);
	memset(p + 0x04, 0x11, 0x4c - 0x04);
	memset(p + 0x50, 0x22, 0x188 - 0x50);
	if (version >= 3) {
		p[0x188] = 0x19;
		p[0x189] = 0xa3;
		p[0x18a] = 0x02;
	}
	memset(p + 0x1a0, 0x33, 0x1eb - 0x1a0);
	memset(p + 0x1ec, 0x44, 3);
	memset(p + 0x1f0, 0x55, version >= 5 ? 0x208 - 0x1f0 : 8);
	memset(p + 0x2a0, 0x66, 48);
	memset(p + 0x2e8, 0x77, 48);
	p[0x2a0] = 1; /* the lowest byte: the last in big-endian order */
	p[0x2e8] = 2;
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct snp_report rep;

	return assay_snp_report_parse(&rep, in, err);
}

static const struct {
	const char *name;
	size_t len;
	unsigned version;
	size_t at; /* a byte set to 1; 0: none */
	enum assay_code code;
	const char *words;
} cases[] = {
	{ "whole", 1184, 2, 0, ASSAY_OK, "" },
	{ "version 3", 1184, 3, 0, ASSAY_OK, "" },
	{ "version 4", 1184, 4, 0, ASSAY_OK, "" },
	{ "version 5", 1184, 5, 0, ASSAY_OK, "" },
	{ "one byte short", 1183, 2, 0, ASSAY_E_FORMAT, "is 1183 bytes" },
	{ "one byte more", 1185, 2, 0, ASSAY_E_FORMAT, "is 1185 bytes" },
	{ "version 0", 1184, 0, 0, ASSAY_E_UNSUPPORTED, "version at 0x000 is 0" },
	{ "version 1", 1184, 1, 0, ASSAY_E_UNSUPPORTED, "version at 0x000 is 1" },
	{ "from the future", 1184, 6, 0, ASSAY_E_UNSUPPORTED, "version at 0x000 is 6" },
	{ "after KEY_INFO", 1184, 2, 0x4c, ASSAY_E_FORMAT, "byte at 0x4c is 0x01" },
	{ "CPUID in v2", 1184, 2, 0x188, ASSAY_E_FORMAT, "byte at 0x188" },
	{ "after CPUID", 1184, 3, 0x18b, ASSAY_E_FORMAT, "byte at 0x18b" },
	{ "before CHIP_ID", 1184, 5, 0x19f, ASSAY_E_FORMAT, "byte at 0x19f" },
	{ "after CURRENT", 1184, 3, 0x1eb, ASSAY_E_FORMAT, "byte at 0x1eb" },
	{ "after COMMITTED", 1184, 3, 0x1ef, ASSAY_E_FORMAT, "byte at 0x1ef" },
	{ "mitigations in v2", 1184, 2, 0x1f8, ASSAY_E_FORMAT, "byte at 0x1f8" },
	{ "mitigations in v4", 1184, 4, 0x200, ASSAY_E_FORMAT, "byte at 0x200" },
	{ "after mitigations", 1184, 5, 0x208, ASSAY_E_FORMAT, "byte at 0x208" },
	{ "end of signed part", 1184, 5, 0x29f, ASSAY_E_FORMAT, "byte at 0x29f" },
	{ "behind R", 1184, 2, 0x2d0, ASSAY_E_FORMAT, "byte at 0x2d0" },
	{ "end of R", 1184, 2, 0x2e7, ASSAY_E_FORMAT, "byte at 0x2e7" },
	{ "behind S", 1184, 2, 0x318, ASSAY_E_FORMAT, "byte at 0x318" },
	{ "end of S", 1184, 2, 0x32f, ASSAY_E_FORMAT, "byte at 0x32f" },
	{ "rest", 1184, 5, 0x330, ASSAY_E_FORMAT, "byte at 0x330" },
	{ "last byte", 1184, 5, 0x49f, ASSAY_E_FORMAT, "byte at 0x49f" },
};

static void
test_cases(void **state)
{
	uint8_t bytes[SNP_REPORT_SIZE + 1] = { 0 };
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		make_report(bytes, cases[i].version);
		if (cases[i].at != 0)
			bytes[cases[i].at] = 1;
		enum assay_code rc = parse((struct assay_bytes){ bytes, cases[i].len }, &err);
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
	}
}

static void
test_values(void **state)
{
	uint8_t bytes[SNP_REPORT_SIZE];
	struct assay_bytes in = { bytes, sizeof bytes };
	struct snp_report rep;
	(void)state;

	make_report(bytes, 5);
	assert_int_equal(assay_snp_report_parse(&rep, in, NULL), ASSAY_OK);
	assert_int_equal(rep.signed_part.len, 672);
	assert_ptr_equal(rep.signed_part.ptr, bytes);
	assert_int_equal(rep.signature[0], 0x66);
	assert_int_equal(rep.signature[47], 1);
	assert_int_equal(rep.signature[48], 0x77);
	assert_int_equal(rep.signature[95], 2);
	assert_int_equal(rep.product, SNP_GENOA);
	assert_true(rep.current_mit_vector == 0x5555555555555555);
	make_report(bytes, 2);
	assert_int_equal(assay_snp_report_parse(&rep, in, NULL), ASSAY_OK);
	assert_int_equal(rep.product, SNP_UNKNOWN);
	for (unsigned version = 2; version <= 5; version++) {
		make_report(bytes, version);
		damage(parse, in);
	}
}

static void
test_untouched_on_failure(void **state)
{
	uint8_t bytes[SNP_REPORT_SIZE];
	struct snp_report rep, before;
	(void)state;

	make_report(bytes, 3);
	bytes[0x49f] = 1;
	memset(&rep, 0xee, sizeof rep);
	before = rep;
	assert_int_equal(
	    assay_snp_report_parse(&rep, (struct assay_bytes){ bytes, sizeof bytes }, NULL),
	    ASSAY_E_FORMAT);
	assert_memory_equal(&rep, &before, sizeof rep);
}

static void
test_recognise(void **state)
{
	uint8_t bytes[SNP_REPORT_SIZE + 24];
	(void)state;

	make_report(bytes, 3);
	memset(bytes + SNP_REPORT_SIZE, 0, 24);
	assert_true(assay_snp_report_recognise((struct assay_bytes){ bytes, SNP_REPORT_SIZE }));
	assert_false(
	    assay_snp_report_recognise((struct assay_bytes){ bytes, SNP_REPORT_SIZE - 1 }));
	/* Whatever follows: the field of the algorithm must be ECDSA P-384's. */
	assert_false(assay_snp_report_recognise((struct assay_bytes){ bytes, sizeof bytes }));
	put32(bytes + 0x34, 1);
	assert_true(assay_snp_report_recognise((struct assay_bytes){ bytes, sizeof bytes }));
	put32(bytes, 6); /* recognised, so that its refusal can say why */
	assert_true(assay_snp_report_recognise((struct assay_bytes){ bytes, SNP_REPORT_SIZE }));
	put32(bytes, 0);
	assert_false(assay_snp_report_recognise((struct assay_bytes){ bytes, SNP_REPORT_SIZE }));
	assert_false(assay_snp_report_recognise((struct assay_bytes){ NULL, 0 }));
}

static void
test_products(void **state)
{
	static const struct {
		uint8_t family, model;
		enum snp_product product;
	} known[] = {
		{ 0x19, 0x00, SNP_MILAN },
		{ 0x19, 0x0f, SNP_MILAN },
		{ 0x19, 0x10, SNP_GENOA },
		{ 0x19, 0x1f, SNP_GENOA },
		{ 0x19, 0x20, SNP_UNKNOWN },
		{ 0x19, 0x9f, SNP_UNKNOWN },
		{ 0x19, 0xa0, SNP_GENOA },
		{ 0x19, 0xaf, SNP_GENOA },
		{ 0x19, 0xb0, SNP_UNKNOWN },
		{ 0x1a, 0x00, SNP_TURIN },
		{ 0x1a, 0x11, SNP_TURIN },
		{ 0x1a, 0x12, SNP_UNKNOWN },
		{ 0x17, 0x01, SNP_UNKNOWN },
	};
	(void)state;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		assert_int_equal(
		    assay_snp_product_of_cpuid(known[i].family, known[i].model), known[i].product);
	assert_string_equal(assay_snp_product_name(SNP_TURIN), "Turin");
	assert_string_equal(assay_snp_product_name(SNP_UNKNOWN), "unknown");
	assert_string_equal(assay_snp_product_name(SNP_PRODUCTS), "unknown");
}

static void
test_tcb(void **state)
{
	(void)state;

	struct snp_tcb t = assay_snp_tcb_decode(0x0807060504030201, SNP_GENOA);
	assert_true(
	    t.fmc == 0 && t.bootloader == 1 && t.tee == 2 && t.snp == 7 && t.microcode == 8);
	t = assay_snp_tcb_decode(0x0807060504030201, SNP_TURIN);
	assert_true(
	    t.fmc == 1 && t.bootloader == 2 && t.tee == 3 && t.snp == 4 && t.microcode == 8);
}

static void
test_rows(void **state)
{
	(void)state;
	check_rows(snp_report_fields, sizeof(struct snp_report), SNP_REPORT_SIZE);
}

/* What neither a row nor the signature covers must be zero. */
static void
test_every_reserved_byte(void **state)
{
	uint8_t bytes[SNP_REPORT_SIZE];
	(void)state;

	for (unsigned version = 2; version <= 5; version++) {
		make_report(bytes, version);
		for (size_t at = 4; at < SNP_REPORT_SIZE; at++) {
			bytes[at] ^= 0x80;
			enum assay_code rc =
			    parse((struct assay_bytes){ bytes, sizeof bytes }, NULL);
			bytes[at] ^= 0x80;
			bool signature = (at >= 0x2a0 && at < 0x2d0) || (at >= 0x2e8 && at < 0x318);
			assert_int_equal(
			    rc == ASSAY_OK, signature || in_a_row(snp_report_fields, at, version));
		}
	}
}

static void
test_real_reports(void **state)
{
	static const struct {
		const char *path;
		unsigned version;
		enum snp_product product;
		uint64_t policy, platform_info;
		unsigned vmpl, key_info;
	} real[] = {
		{ "milan-v2-a/report.bin", 2, SNP_UNKNOWN, 0x30000, 0x1, 0, 0 },
		{ "milan-v2-b/report.bin", 2, SNP_UNKNOWN, 0x3001f, 0x1, 0, 0 },
		{ "milan-v3-vlek/report.bin", 3, SNP_MILAN, 0x30000, 0x27, 1, 4 },
		{ "milan-v3/report.bin", 3, SNP_MILAN, 0x3001f, 0x25, 0, 0 },
		{ "genoa-v3/report.bin", 3, SNP_GENOA, 0x3001f, 0x27, 0, 0 },
		{ "genoa-v3-tsm/outblob.bin", 3, SNP_GENOA, 0x30000, 0, 0, 0 },
		{ "turin-v5/report.bin", 5, SNP_TURIN, 0x3001f, 0x65, 0, 0 },
		{ "genoa-v5/report.bin", 5, SNP_GENOA, 0x30000, 0x25, 0, 0 },
	};
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	if (!vectors_present())
		return;
	for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
		char path[128];
		struct snp_report rep;
		(void)snprintf(path, sizeof path, "sev/snp/%s", real[i].path);
		struct assay_bytes in = vectors_read(path);
		expect_outcome(path, assay_snp_report_parse(&rep, in, &err), &err, ASSAY_OK, "");
		assert_true(assay_snp_report_recognise(in));
		assert_int_equal(rep.version, real[i].version);
		assert_int_equal(rep.product, real[i].product);
		assert_true(rep.policy == real[i].policy);
		assert_int_equal(rep.vmpl, real[i].vmpl);
		assert_int_equal(rep.key_info, real[i].key_info);
		if (real[i].platform_info != 0)
			assert_true(rep.platform_info == real[i].platform_info);
		damage(parse, in);
		vectors_free(in);
	}
	struct assay_bytes in = vectors_read("sev/snp/negative/report-1185-bytes-badsig.bin");
	expect_outcome("1185 bytes", parse(in, &err), &err, ASSAY_E_FORMAT, "is 1185 bytes");
	vectors_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_untouched_on_failure),
		cmocka_unit_test(test_recognise),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_tcb),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_reserved_byte),
		cmocka_unit_test(test_real_reports),
	};

	return RUN_TESTS(tests);
}
