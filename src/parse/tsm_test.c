/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/tsm.h"

#include "parse/json_test.h"

static const char good[] =
    "{\"auxblob\":\"-_8\",\"outblob\":\"AQI\",\"provider\":\"sev_guest\\n\","
    "\"service\":{\"manifestblob\":\"Aw==\",\"service_provider\":\"svsm\\n\"}}";

/* The same in CBOR. */
static const char good_cbor[] = "a4"
				"67617578626c6f62"
				"42fbff"
				"676f7574626c6f62"
				"420102"
				"6870726f7669646572"
				"697365765f6775657374"
				"6773657276696365"
				"a2"
				"6c6d616e6966657374626c6f62"
				"4103"
				"70736572766963655f70726f7669646572"
				"647376736d";

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct tsm_report t;
	enum assay_code rc = assay_tsm_parse_json(&t, in, "report", err);

	if (rc == ASSAY_OK)
		assay_tsm_clear(&t);
	return rc;
}

static enum assay_code
parse_cbor(struct assay_bytes in, struct assay_error *err)
{
	struct tsm_report t;

	return assay_tsm_parse_cbor(&t, in, "report", err);
}

static void
expect_good(const struct tsm_report *t)
{
	expect_hex("auxblob", "fbff", t->auxblob);
	expect_hex("outblob", "0102", t->outblob);
	expect_hex("manifestblob", "03", t->manifestblob);
	assert_string_equal(t->provider, "sev_guest");
	assert_true(t->svsm);
}

static void
test_good(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t raw[256];
	struct tsm_report t;
	(void)state;

	assert_true(assay_tsm_recognise(assay_bytes_of(good)));
	assert_false(assay_tsm_recognise(assay_bytes_of("{\"quote\":\"\"}")));
	expect_outcome(
	    "JSON", assay_tsm_parse_json(&t, assay_bytes_of(good), "r", &err), &err, ASSAY_OK, "");
	expect_good(&t);
	assay_tsm_clear(&t);
	assay_tsm_clear(&t);
	damage(parse, assay_bytes_of(good));

	size_t n = strlen(good_cbor) / 2;
	assert_true(assay_unhex(raw, n, assay_bytes_of(good_cbor)));
	struct assay_bytes in = { raw, n };
	expect_outcome("CBOR", assay_tsm_parse_cbor(&t, in, "r", &err), &err, ASSAY_OK, "");
	expect_good(&t);
	damage(parse_cbor, in);
	check_allocations(parse, assay_bytes_of(good));
}

static const struct json_case cases[] = {
	{ "no auxblob", "\"auxblob\":\"-_8\",", "", ASSAY_OK, "" },
	{ "empty auxblob", "-_8", "", ASSAY_OK, "" },
	{ "no outblob", "\"outblob\":\"AQI\",", "", ASSAY_E_FORMAT, "has no outblob" },
	{ "empty outblob", "AQI", "", ASSAY_E_FORMAT, "has no outblob" },
	{ "outblob number", "\"AQI\"", "5", ASSAY_E_FORMAT, "outblob is 5, must be base64url" },
	{ "outblob mixed", "AQI", "+_/-", ASSAY_E_FORMAT, "must be base64url" },
	{ "standard base64", "-_8\"", "+/8=\"", ASSAY_OK, "" },
	{ "no provider", "\"provider\":\"sev_guest\\n\",", "", ASSAY_E_FORMAT,
	    "the provider is \"\"" },
	{ "provider number", "\"sev_guest\\n\"", "5", ASSAY_E_FORMAT, "provider is 5" },
	{ "provider of two lines", "sev_guest\\n", "sev_guest\\n\\n", ASSAY_E_FORMAT,
	    "want a name" },
	{ "member twice", "\"auxblob\"", "\"outblob\"", ASSAY_E_FORMAT, "duplicate" },
	{ "member of none", "\"auxblob\"", "\"inblob\"", ASSAY_E_FORMAT,
	    "has a member \"inblob\", which configfs has not" },
	{ "manifest outside", "\"auxblob\"", "\"manifestblob\"", ASSAY_E_FORMAT,
	    "member \"manifestblob\"" },
	{ "service text", "{\"manifestblob\":\"Aw==\",\"service_provider\":\"svsm\\n\"}",
	    "\"svsm\"", ASSAY_E_FORMAT, "must be an object" },
	{ "no manifest", "\"manifestblob\":\"Aw==\",", "", ASSAY_E_FORMAT,
	    "its manifestblob is not there" },
	{ "empty manifest", "Aw==", "", ASSAY_E_FORMAT, "its manifestblob is not there" },
	{ "manifest of nobody", ",\"service_provider\":\"svsm\\n\"", "", ASSAY_E_FORMAT,
	    "has a manifestblob, and no service provider" },
	{ "another service", "svsm\\n", "tpm", ASSAY_E_UNSUPPORTED,
	    "the service provider is \"tpm\"" },
	{ "empty service",
	    ",\"service\":{\"manifestblob\":\"Aw==\",\"service_provider\":\"svsm\\n\"}",
	    ",\"service\":{}", ASSAY_OK, "" },
	{ "surplus", "}}", "}}x", ASSAY_E_FORMAT, "is no JSON" },
};

static void
test_refusals(void **state)
{
	static const struct {
		const char *name, *hex, *words;
	} cbor[] = {
		{ "no map", "80", "an array, want a map" },
		{ "outblob text",
		    "a1"
		    "676f7574626c6f62"
		    "6161",
		    "want a byte string" },
		{ "provider bytes",
		    "a1"
		    "6870726f7669646572"
		    "4161",
		    "want a name" },
		{ "twice",
		    "a2"
		    "676f7574626c6f62"
		    "4101"
		    "676f7574626c6f62"
		    "4101",
		    "each once" },
		{ "number",
		    "a1"
		    "01"
		    "4101",
		    "each once" },
		{ "service array",
		    "a1"
		    "6773657276696365"
		    "80",
		    "want a map" },
		{ "empty", "a0", "has no outblob" },
		{ "surplus",
		    "a2"
		    "676f7574626c6f62"
		    "4101"
		    "6870726f7669646572"
		    "6161"
		    "00",
		    "1 bytes follow" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t raw[64];
	(void)state;

	check_json_cases(parse, good, cases, sizeof cases / sizeof *cases);
	expect_outcome("an array", parse(assay_bytes_of("[]"), &err), &err, ASSAY_E_FORMAT,
	    "must be an object");
	for (size_t i = 0; i < sizeof cbor / sizeof *cbor; i++) {
		size_t n = strlen(cbor[i].hex) / 2;
		assert_true(assay_unhex(raw, n, assay_bytes_of(cbor[i].hex)));
		expect_outcome(cbor[i].name, parse_cbor((struct assay_bytes){ raw, n }, &err), &err,
		    ASSAY_E_FORMAT, cbor[i].words);
	}
}

/* Of a real Genoa guest. */
static void
test_vectors(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct tsm_report t;
	(void)state;

	struct assay_bytes in = vectors_read("coco/evidence/veraison-snp/sevsnp-tsm-report.json");
	if (in.ptr == NULL)
		return;
	assert_true(assay_tsm_recognise(in));
	expect_outcome("real", assay_tsm_parse_json(&t, in, "r", &err), &err, ASSAY_OK, "");
	assert_int_equal(t.outblob.len, 1184);
	assert_string_equal(t.provider, "sev_guest");
	assert_false(t.svsm);
	assay_tsm_clear(&t);
	vectors_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_vectors),
	};

	return RUN_TESTS(tests);
}
