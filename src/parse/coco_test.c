/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/coco.h"

#include "parse/json_test.h"
#include "parse/quote.h"
#include "parse/snp_report.h"

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct coco c;
	enum assay_code rc = assay_coco_parse(&c, in, "evidence", err);

	if (rc == ASSAY_OK)
		assay_coco_clear(&c);
	return rc;
}

/* A report in which every byte of a field is one of its own. */
static void
make_report(uint8_t report[SNP_REPORT_SIZE], uint8_t version)
{
	static const struct {
		uint16_t at, n;
	} fields[] = { { 0x004, 0x44 }, { 0x050, 0x138 }, { 0x1a0, 0x4b }, { 0x1ec, 3 },
		{ 0x1f0, 8 }, { 0x2a0, 48 }, { 0x2e8, 48 } };

	memset(report, 0, SNP_REPORT_SIZE);
	for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
		for (size_t i = 0; i < fields[f].n; i++)
			report[fields[f].at + i] = (uint8_t)(7 * (fields[f].at + i) + 1);
	report[0] = version;
	memset(report + 0x4c, 0, 4);
	report[0x34] = 1;
	memset(report + 0x35, 0, 3);
	if (version >= 3)
		memcpy(report + 0x188, (const uint8_t[]){ 0x19, 0x01, 0x01 }, 3);
	if (version >= 5)
		for (size_t i = 0; i < 16; i++)
			report[0x1f8 + i] = (uint8_t)(0xff - i); /* both above 2^63 */
	/* What a TCB without FMC has no member for. */
	static const uint16_t tcbs[] = { 0x038, 0x180, 0x1e0, 0x1f0 };
	for (size_t i = 0; i < 4; i++)
		memset(report + tcbs[i] + 2, 0, 4);
	/* policy and platform information at the ends of their range */
	memset(report + 0x008, 0xff, 8);
	memcpy(report + 0x040, (const uint8_t[]){ 0, 0, 0, 0, 0, 0, 0, 0x80 }, 8);
}

static char *
written(const uint8_t *report, struct assay_bytes table)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *json = NULL;

	expect_outcome("write",
	    assay_coco_write(&json, (struct assay_bytes){ report, SNP_REPORT_SIZE }, table,
		(struct assay_bytes){ NULL, 0 }, &err),
	    &err, ASSAY_OK, "");
	return json;
}

static void
test_round_trip(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t report[SNP_REPORT_SIZE];
	struct coco c;
	(void)state;

	for (uint8_t version = 2; version <= 5; version++) {
		make_report(report, version);
		if (version == 2)
			memset(report + 0x188, 0, 24);
		char *json = written(report, (struct assay_bytes){ NULL, 0 });
		assert_non_null(strstr(json, "\"policy\":18446744073709551615,"));
		assert_non_null(strstr(json, "\"plat_info\":9223372036854775808,"));
		assert_non_null(strstr(json, "\"cert_chain\":null}"));
		assert_true((strstr(json, "\"launch_mit_vector\":") != NULL) == (version == 5));
		assert_true((strstr(json, "\"cpuid_step\":null") != NULL) == (version == 2));
		assert_true(assay_coco_recognise(assay_bytes_of(json)));
		expect_outcome("read", assay_coco_parse(&c, assay_bytes_of(json), "w", &err), &err,
		    ASSAY_OK, "");
		assert_true(c.snp && c.evidence.len == SNP_REPORT_SIZE);
		assert_memory_equal(c.evidence.ptr, report, SNP_REPORT_SIZE);
		assay_coco_clear(&c);
		assay_coco_clear(&c);
		free(json);
	}
}

/* Turin counts its FMC first, in another order. */
static void
test_turin(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t report[SNP_REPORT_SIZE];
	struct coco c;
	(void)state;

	make_report(report, 5);
	memcpy(report + 0x188, (const uint8_t[]){ 0x1a, 0x02, 0x01 }, 3);
	static const uint16_t tcbs[] = { 0x038, 0x180, 0x1e0, 0x1f0 };
	for (size_t i = 0; i < 4; i++)
		memcpy(report + tcbs[i], (const uint8_t[]){ 1, 2, 3, 4, 0, 0, 0, 5 }, 8);
	char *json = written(report, (struct assay_bytes){ NULL, 0 });
	assert_non_null(strstr(json,
	    "\"reported_tcb\":{\"fmc\":1,\"bootloader\":2,\"tee\":3,\"snp\":4,\"microcode\":5}"));
	expect_outcome(
	    "read", assay_coco_parse(&c, assay_bytes_of(json), "w", &err), &err, ASSAY_OK, "");
	assert_memory_equal(c.evidence.ptr, report, SNP_REPORT_SIZE);
	assay_coco_clear(&c);
	free(json);
}

static const struct json_case cases[] = {
	{ "as it is", NULL, NULL, ASSAY_OK, "" },
	{ "member missing", "\"guest_svn\"", "\"guest_svm\"", ASSAY_E_FORMAT,
	    "attestation_report.guest_svn is missing" },
	{ "member twice", "\"guest_svn\"", "\"version\"", ASSAY_E_FORMAT, "duplicate" },
	{ "member too many", "\"guest_svn\"", "\"new\":1,\"guest_svn\"", ASSAY_E_FORMAT,
	    "members, and 27 of them are known" },
	{ "number text", "\"sig_algo\":1", "\"sig_algo\":\"1\"", ASSAY_E_FORMAT,
	    "sig_algo is \"1\", must be a number from 0 to 4294967295" },
	{ "number negative", "\"sig_algo\":1", "\"sig_algo\":-1", ASSAY_E_FORMAT,
	    "sig_algo is -1" },
	{ "number fraction", "\"sig_algo\":1", "\"sig_algo\":1.0", ASSAY_E_FORMAT,
	    "a number with a fraction" },
	{ "33 bits", "\"sig_algo\":1", "\"sig_algo\":4294967296", ASSAY_E_FORMAT,
	    "sig_algo is 4294967296" },
	{ "64 bits where 32 are", "\"sig_algo\":1", "\"sig_algo\":18446744073709551615",
	    ASSAY_E_FORMAT, "must be a number from 0 to 4294967295" },
	{ "65 bits", "18446744073709551615", "18446744073709551616", ASSAY_E_FORMAT,
	    "policy is 4294967296, must be a number from 0 to 18446744073709551615" },
	{ "a zero before", "18446744073709551615", "018446744073709551615", ASSAY_E_FORMAT,
	    "from 0 to 18446744073709551615" },
	{ "minus 2^64", "18446744073709551615", "-18446744073709551615", ASSAY_E_FORMAT,
	    "is no JSON" },
	{ "a real for 64 bits", "18446744073709551615", "1.8446744073709551615", ASSAY_E_FORMAT,
	    "policy is a number with a fraction" },
	{ "exponent", "18446744073709551615", "18446744073709551615e0", ASSAY_E_FORMAT,
	    "policy is a number with a fraction" },
	{ "64 bits in a text", "18446744073709551615", "\"18446744073709551615\"", ASSAY_E_FORMAT,
	    "policy is \"18446744073709551615\"" },
	{ "array short", "\"family_id\":[", "\"family_id\":[1],\"x\":[", ASSAY_E_FORMAT,
	    "family_id is an array of 1 elements, must be an array of 16 bytes" },
	{ "array text", "\"family_id\":[", "\"family_id\":\"00\",\"x\":[", ASSAY_E_FORMAT,
	    "must be an array of 16 bytes" },
	{ "byte 256", "\"family_id\":[113,", "\"family_id\":[256,", ASSAY_E_FORMAT,
	    "family_id is 256, must be an array of 16 bytes" },
	{ "byte negative", "\"family_id\":[113,", "\"family_id\":[-1,", ASSAY_E_FORMAT,
	    "family_id is -1" },
	{ "byte null", "\"family_id\":[113,", "\"family_id\":[null,", ASSAY_E_FORMAT,
	    "true, false" },
	{ "TCB part large", "\"bootloader\":", "\"bootloader\":9", ASSAY_E_FORMAT,
	    "current_tcb.bootloader is" },
	{ "TCB part missing", "\"bootloader\":", "\"bootlaoder\":", ASSAY_E_FORMAT,
	    "current_tcb.bootloader is missing" },
	{ "TCB part too many", "\"bootloader\":", "\"x\":1,\"bootloader\":", ASSAY_E_FORMAT,
	    "has 6 members, and 5 of them are known" },
	{ "TCB number", "\"current_tcb\":{", "\"current_tcb\":5,\"x\":{", ASSAY_E_FORMAT,
	    "current_tcb is 5" },
	{ "no FMC member", "\"fmc\":null,", "", ASSAY_OK, "" },
	{ "FMC text", "\"fmc\":null,", "\"fmc\":\"1\",", ASSAY_E_FORMAT, "fmc is \"1\"" },
	{ "CPUID null", "\"cpuid_step\":1", "\"cpuid_step\":null", ASSAY_E_FORMAT,
	    "cpuid_step is true, false or null" },
	{ "build missing", "\"build\":", "\"biuld\":", ASSAY_E_FORMAT, "current.build is missing" },
	{ "no r", "\"r\":", "\"R\":", ASSAY_E_FORMAT, "signature.r is missing" },
	{ "signature too many", "\"r\":", "\"t\":1,\"r\":", ASSAY_E_FORMAT, "3 members" },
	{ "chain text", "\"cert_chain\":null", "\"cert_chain\":\"none\"", ASSAY_E_FORMAT,
	    "cert_chain is \"none\"" },
	{ "no chain", ",\"cert_chain\":null", "", ASSAY_OK, "" },
	{ "empty chain", "null}", "[]}", ASSAY_OK, "" },
	{ "member beside", "\"cert_chain\":null", "\"cert_chain\":null,\"x\":1", ASSAY_E_FORMAT,
	    "3 members, and 2" },
	{ "CRL", "null}", "[{\"cert_type\":\"CRL\",\"data\":[1]}]}", ASSAY_OK, "" },
	{ "Empty", "null}", "[{\"cert_type\":\"Empty\",\"data\":[]}]}", ASSAY_OK, "" },
	{ "OTHER", "null}", "[{\"cert_type\":{\"OTHER\":\"ecae\"},\"data\":[1]}]}", ASSAY_OK, "" },
	{ "OTHER number", "null}", "[{\"cert_type\":{\"OTHER\":1},\"data\":[1]}]}", ASSAY_E_FORMAT,
	    "cert_chain[0].cert_type" },
	{ "kind unknown", "null}", "[{\"cert_type\":\"VCEX\",\"data\":[1]}]}", ASSAY_E_FORMAT,
	    "cert_type is \"VCEX\"" },
	{ "no data", "null}", "[{\"cert_type\":\"VCEK\"}]}", ASSAY_E_FORMAT,
	    "cert_chain[0].data is missing" },
	{ "data empty", "null}", "[{\"cert_type\":\"VCEK\",\"data\":[]}]}", ASSAY_E_FORMAT,
	    "must be an array of 1 to 65536 bytes" },
	{ "data large", "null}", "[{\"cert_type\":\"VCEK\",\"data\":[256]}]}", ASSAY_E_FORMAT,
	    "data is 256" },
	{ "a quote, too", "\"cert_chain\"", "\"quote\"", ASSAY_E_FORMAT, "2 members, and 1" },
	{ "cut", "null}", "null", ASSAY_E_FORMAT, "is no JSON" },
};

static void
test_refusals(void **state)
{
	uint8_t report[SNP_REPORT_SIZE];
	(void)state;

	make_report(report, 3);
	char *json = written(report, (struct assay_bytes){ NULL, 0 });
	check_json_cases(parse, json, cases, sizeof cases / sizeof *cases);
	damage_some(parse, assay_bytes_of(json), 7);
	check_allocations(parse, assay_bytes_of(json));
	free(json);
}

static const char tdx[] = "{\"cc_eventlog\":\"AAEC\",\"quote\":\"BAACAIEAAAA=\"}";

static const struct json_case quote_cases[] = {
	{ "as it is", NULL, NULL, ASSAY_OK, "" },
	{ "no log", "\"AAEC\"", "null", ASSAY_OK, "" },
	{ "log number", "\"AAEC\"", "7", ASSAY_E_FORMAT, "cc_eventlog is 7" },
	{ "log url", "AAEC", "A_EC", ASSAY_E_FORMAT, "must be standard base64" },
	{ "quote number", "\"BAACAIEAAAA=\"", "4", ASSAY_E_FORMAT, "quote is 4" },
	{ "quote unpadded", "AA=\"", "AA\"", ASSAY_E_FORMAT, "must be standard base64" },
	{ "quote missing", "quote", "Quote", ASSAY_E_FORMAT, "quote is missing" },
	{ "older agents", "\"quote\"", "\"aa_eventlog\":\"INIT/sha384 00\",\"quote\"", ASSAY_OK,
	    "" },
	{ "member beside", "\"quote\"", "\"x\":1,\"quote\"", ASSAY_E_FORMAT, "3 members, and 2" },
	{ "quote twice", "cc_eventlog", "quote", ASSAY_E_FORMAT, "duplicate" },
};

static void
test_quotes(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct coco c;
	char *json = NULL;
	(void)state;

	assert_true(assay_coco_recognise(assay_bytes_of(tdx)));
	assert_false(assay_coco_recognise(assay_bytes_of("{\"quote\":[1]}")));
	assert_false(assay_coco_recognise(assay_bytes_of("{\"attestation_report\":[1]}")));
	expect_outcome(
	    "tdx", assay_coco_parse(&c, assay_bytes_of(tdx), "w", &err), &err, ASSAY_OK, "");
	expect_hex("log", "000102", c.eventlog);
	expect_hex("quote", "0400020081000000", c.evidence);
	assay_coco_clear(&c);
	check_json_cases(parse, tdx, quote_cases, sizeof quote_cases / sizeof *quote_cases);
	damage(parse, assay_bytes_of(tdx));

	struct assay_bytes none = { NULL, 0 };
	expect_outcome("nothing", assay_coco_write(&json, none, none, none, &err), &err,
	    ASSAY_E_UNSUPPORTED, "is no TDX or SGX quote");
	struct assay_bytes quote = vectors_read("coco/evidence/tdx/tdx_quote_4.dat");
	if (quote.ptr == NULL)
		return;
	struct assay_bytes log = assay_bytes_of("\001\002");
	expect_outcome("table", assay_coco_write(&json, quote, log, none, &err), &err,
	    ASSAY_E_USAGE, "a quote brings its own");
	for (size_t n = 0; n <= log.len; n++) {
		log.len = n;
		expect_outcome(
		    "write", assay_coco_write(&json, quote, none, log, &err), &err, ASSAY_OK, "");
		assert_true(n > 0 || strncmp(json, "{\"cc_eventlog\":null,\"quote\":\"", 28) == 0);
		expect_outcome("read", assay_coco_parse(&c, assay_bytes_of(json), "w", &err), &err,
		    ASSAY_OK, "");
		assert_true(
		    assay_bytes_equal(c.evidence, quote) && assay_bytes_equal(c.eventlog, log));
		assay_coco_clear(&c);
		free(json);
		log.len = 2;
	}
	vectors_free(quote);
}

/* What a real attester sent: its report comes out whole, and goes back in to the byte. */
static void
test_vectors(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct snp_report rep;
	struct cert_table table;
	struct coco c;
	(void)state;

	struct assay_bytes in = vectors_read("coco/evidence/snp/evidence.json");
	if (in.ptr == NULL)
		return;
	expect_outcome("snp", assay_coco_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	struct assay_bytes report = assay_bytes_at(c.evidence, 0, SNP_REPORT_SIZE);
	struct assay_bytes certs =
	    assay_bytes_at(c.evidence, SNP_REPORT_SIZE, c.evidence.len - SNP_REPORT_SIZE);
	expect_outcome("report", assay_snp_report_parse(&rep, report, &err), &err, ASSAY_OK, "");
	assert_int_equal(rep.product, SNP_GENOA);
	expect_outcome("table", assay_cert_table_parse(&table, certs, &err), &err, ASSAY_OK, "");
	assert_true(table.count == 1 && table.entries[0].kind == CERT_TABLE_VCEK);
	assert_int_equal(table.entries[0].data.len, 1347);
	char *json = written(report.ptr, certs);
	assert_true(assay_bytes_equal(assay_bytes_of(json), assay_bytes_trim(in)));
	free(json);
	assay_coco_clear(&c);
	vectors_free(in);
}

/* base64 of three and of four bytes: what they are is looked at elsewhere. */
static const char sev[] = "{\"sev_proof\":\"AAEC\",\"sev_report\":\"BAACAA==\"}";

static const struct json_case sev_cases[] = {
	{ "without a proof", "\"sev_proof\":\"AAEC\",", "", ASSAY_OK, "" },
	{ "proof null", "\"AAEC\"", "null", ASSAY_OK, "" },
	{ "proof empty", "AAEC", "", ASSAY_E_FORMAT, "must be null or a proof" },
	{ "proof number", "\"AAEC\"", "5", ASSAY_E_FORMAT, "sev_proof is 5" },
	{ "proof mixed", "AAEC", "_-EC", ASSAY_E_FORMAT, "must be standard base64" },
	{ "report unpadded", "AA==", "AA", ASSAY_E_FORMAT, "must be standard base64" },
	{ "report missing", "sev_report", "Sev_report", ASSAY_E_FORMAT, "2 members, and 1" },
	{ "member beside", "\"sev_report\"", "\"x\":1,\"sev_report\"", ASSAY_E_FORMAT,
	    "3 members, and 2" },
	{ "a quote, too", "\"sev_proof\"", "\"quote\"", ASSAY_E_FORMAT, "2 members, and 1" },
	{ "report twice", "sev_proof", "sev_report", ASSAY_E_FORMAT, "duplicate" },
};

static void
test_sev(void **state)
{
	static const struct assay_bytes none = { NULL, 0 };
	uint8_t report[208] = { [0x30] = 7, [0x34] = 2, [0x35] = 0x10 }, proof[] = { 1, 2, 3 };
	struct assay_bytes evidence = { report, sizeof report };
	struct assay_error err = { ASSAY_OK, "" };
	char *json = NULL;
	struct coco c;

	(void)state;
	assert_true(assay_coco_recognise(assay_bytes_of(sev)));
	assert_false(assay_coco_recognise(assay_bytes_of("{\"sev_report\":[1]}")));
	expect_outcome(
	    "SEV", assay_coco_parse(&c, assay_bytes_of(sev), "j", &err), &err, ASSAY_OK, "");
	assert_true(c.sev && !c.snp);
	expect_hex("report", "04000200", c.evidence);
	expect_hex("proof", "000102", c.proof);
	assay_coco_clear(&c);
	check_json_cases(parse, sev, sev_cases, sizeof sev_cases / sizeof *sev_cases);
	damage(parse, assay_bytes_of(sev));
	for (size_t n = 1; n < 50; n++) {
		alloc_fail_at(n);
		enum assay_code rc = parse(assay_bytes_of(sev), &err);
		assert_int_equal(rc == ASSAY_OK, !alloc_failed());
		expect_sentence(rc, &err);
	}
	for (size_t n = 0; n <= sizeof proof; n++) {
		expect_outcome("write",
		    assay_coco_write_sev(&json, evidence, (struct assay_bytes){ proof, n }, &err),
		    &err, ASSAY_OK, "");
		assert_true(
		    n > 0 || strncmp(json, "{\"sev_proof\":null,\"sev_report\":\"", 32) == 0);
		expect_outcome("read again", assay_coco_parse(&c, assay_bytes_of(json), "j", &err),
		    &err, ASSAY_OK, "");
		assert_true(assay_bytes_equal(c.evidence, evidence));
		assert_true(assay_bytes_equal(c.proof, (struct assay_bytes){ proof, n }));
		assay_coco_clear(&c);
		free(json);
	}
	evidence.len--;
	expect_outcome("half a report", assay_coco_write_sev(&json, evidence, none, &err), &err,
	    ASSAY_E_UNSUPPORTED, "is no attestation report of SEV");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_turin),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_sev),
		cmocka_unit_test(test_vectors),
	};

	return RUN_TESTS(tests);
}
