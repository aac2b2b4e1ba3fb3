/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include "parse/sev.h"

static void
make_report(uint8_t p[SEV_REPORT_SIZE])
{
	memset(p, 0, SEV_REPORT_SIZE);
	memset(p, 0x11, 16);
	memset(p + 0x10, 0x22, 32);
	put32(p + 0x30, 0x01000004);
	put32(p + 0x34, SEV_USAGE_PEK);
	put32(p + 0x38, SEV_ECDSA_SHA256);
	memset(p + 0x40, 0x33, 48);
	memset(p + 0x88, 0x44, 48);
	p[0x40] = 1;
	p[0x88] = 2;
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct sev_report rep;

	return assay_sev_report_parse(&rep, in, err);
}

static void
test_good(void **state)
{
	uint8_t bytes[SEV_REPORT_SIZE];
	struct assay_bytes in = { bytes, sizeof bytes };
	struct sev_report rep;
	(void)state;

	make_report(bytes);
	assert_int_equal(assay_sev_report_parse(&rep, in, NULL), ASSAY_OK);
	assert_int_equal(rep.mnonce[15], 0x11);
	assert_int_equal(rep.launch_digest[31], 0x22);
	assert_int_equal(rep.policy, 0x01000004);
	assert_int_equal(rep.signature_usage, SEV_USAGE_PEK);
	assert_int_equal(rep.signature_algo, SEV_ECDSA_SHA256);
	assert_int_equal(rep.signature[0], 0x33);
	assert_int_equal(rep.signature[47], 1);
	assert_int_equal(rep.signature[95], 2);
	assert_int_equal(rep.signed_part.len, 52);
	assert_true(assay_sev_report_recognise(in));
	in.len--;
	assert_false(assay_sev_report_recognise(in));
	in.len++;
	bytes[0x3c] = 9; /* not signed: for the verifier to judge */
	assert_int_equal(assay_sev_report_parse(&rep, in, NULL), ASSAY_OK);
	assert_int_equal(rep.reserved, 9);
	bytes[0x34] = 3;
	assert_false(assay_sev_report_recognise(in));
	make_report(bytes);
	damage(parse, in);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *name;
		size_t len, at; /* a byte set to 1; 0: none */
		const char *words;
	} cases[] = {
		{ "short", 207, 0, "is 207 bytes" },
		{ "long", 209, 0, "is 209 bytes" },
		{ "behind R", 208, 0x70, "byte at 0x70 is 0x01" },
		{ "end of R", 208, 0x87, "byte at 0x87" },
		{ "behind S", 208, 0xb8, "byte at 0xb8" },
		{ "end of S", 208, 0xcf, "byte at 0xcf" },
	};
	uint8_t bytes[SEV_REPORT_SIZE + 1] = { 0 };
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		make_report(bytes);
		if (cases[i].at != 0)
			bytes[cases[i].at] = 1;
		enum assay_code rc = parse((struct assay_bytes){ bytes, cases[i].len }, &err);
		expect_outcome(cases[i].name, rc, &err, ASSAY_E_FORMAT, cases[i].words);
	}
}

static void
test_rows(void **state)
{
	(void)state;
	check_rows(sev_report_fields, sizeof(struct sev_report), SEV_REPORT_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_rows),
	};

	return RUN_TESTS(tests);
}
