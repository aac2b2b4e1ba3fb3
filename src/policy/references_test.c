/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/references.h"

#include "parse/json_test.h"
#include "policy/rule.h"

static const char good[] =
    "{ \"reference_values\": 1, \"name\": \"web\", \"tee\": \"tdx\", \"values\": [\n"
    "  { \"name\": \"web/mrtd\", \"claim\": \"measurement\", \"any_of\": [\"00FF\", \"0x01\"] },\n"
    "  { \"name\": \"web/svn\", \"claim\": \"svn\", \"any_of\": [7, \"0x10\"] },\n"
    "  { \"name\": \"until\", \"claim\": \"tcb.date\", \"any_of\": [\"2025-07-04T10:18:44Z\"] },\n"
    "  { \"name\": \"A.b-c_9\", \"claim\": \"tcb.advisories\", \"any_of\": [] } ],\n"
    "  \"made\": { \"by\": \"assay\", \"options\": { \"more\": [1] } } }";

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct assay_references *refs = NULL;
	enum assay_code rc = assay_references_new(&refs, err);

	if (rc == ASSAY_OK)
		rc = assay_references_add(refs, in, "web.json", err);
	assay_references_free(refs);
	return rc;
}

static const struct json_case cases[] = {
	{ "as it is", NULL, NULL, ASSAY_OK, "" },
	{ "no JSON", "{ \"ref", "[ \"ref", ASSAY_E_FORMAT, "web.json: line 1, column" },
	{ "member twice", "\"name\": \"web\",", "\"tee\": \"tdx\",", ASSAY_E_FORMAT, "is no JSON" },
	{ "no version", "\"reference_values\": 1,", "", ASSAY_E_FORMAT,
	    "is no document of reference values" },
	{ "version as text", ": 1,", ": \"1\",", ASSAY_E_FORMAT, "is no document" },
	{ "version 2", ": 1,", ": 2,", ASSAY_E_UNSUPPORTED, "of version 2, this version reads 1" },
	{ "unknown member", "\"made\"", "\"mode\"", ASSAY_E_FORMAT,
	    "the document has a member \"mode\"" },
	{ "unknown TEE", "\"tdx\"", "\"tdxx\"", ASSAY_E_FORMAT, "\"tee\" is \"tdxx\"" },
	{ "TEE no text", "\"tdx\"", "1", ASSAY_E_FORMAT, "\"tee\" is \"\"" },
	{ "no TEE", "\"tee\": \"tdx\",", "", ASSAY_OK, "" },
	{ "no values", "\"values\": [", "\"made\": 1, \"valeus\": [", ASSAY_E_FORMAT,
	    "is no JSON" },
	{ "entry no object", "{ \"name\": \"until\"", "1, { \"name\": \"until\"", ASSAY_E_FORMAT,
	    "an entry of \"values\" is no object" },
	{ "entry's member", "\"web/svn\"", "\"web/svn\", \"expires\": 1", ASSAY_E_FORMAT,
	    "an entry of \"values\" has a member \"expires\"" },
	{ "no name", "\"name\": \"until\",", "", ASSAY_E_FORMAT, "is no name of a set" },
	{ "empty name", "\"until\"", "\"\"", ASSAY_E_FORMAT, "is no name of a set" },
	{ "name with a space", "\"until\"", "\"un til\"", ASSAY_E_FORMAT, "is no name of a set" },
	{ "name with NUL", "\"until\"", "\"un\\u0000til\"", ASSAY_E_FORMAT, "is no JSON" },
	{ "name from a dot", "\"until\"", "\"../x\"", ASSAY_E_FORMAT, "is no name of a set" },
	{ "long name", "\"until\"", "\"" ZEROS_128 "0\"", ASSAY_E_FORMAT, "is no name of a set" },
	{ "longest name", "\"until\"", "\"" ZEROS_128 "\"", ASSAY_OK, "" },
	{ "name twice", "\"until\"", "\"web/svn\"", ASSAY_E_FORMAT, "\"web/svn\" is there twice" },
	{ "no claim", "\"claim\": \"svn\",", "", ASSAY_E_FORMAT, "there is no claim" },
	{ "unknown claim", "\"svn\"", "\"sven\"", ASSAY_E_FORMAT,
	    "\"web/svn\": there is no claim \"sven\"; the nearest is \"svn\"" },
	{ "no list", "[7, \"0x10\"]", "7", ASSAY_E_FORMAT, "\"any_of\" is no list" },
	{ "no number", "[7,", "[\"7x\",", ASSAY_E_FORMAT,
	    "web/svn: entry 1 of \"any_of\" is \"7x\", want a number" },
	{ "negative", "[7,", "[-7,", ASSAY_E_FORMAT, "entry 1 of \"any_of\"" },
	{ "real", "[7,", "[7.0,", ASSAY_E_FORMAT, "entry 1 of \"any_of\"" },
	{ "number for bytes", "\"0x01\"", "1", ASSAY_E_FORMAT, "entry 2 of \"any_of\" is no text" },
	{ "odd hex", "\"00FF\"", "\"00F\"", ASSAY_E_FORMAT, "want hex" },
	{ "no time", "44Z\"", "44\"", ASSAY_E_FORMAT, "want a time" },
};

static void
every_case(void **state)
{
	(void)state;
	check_json_cases(parse, good, cases, sizeof cases / sizeof *cases);
}

static void
what_is_read(void **state)
{
	struct assay_references *refs = NULL;
	struct assay_error err;

	(void)state;
	assert_int_equal(assay_references_new(&refs, &err), ASSAY_OK);
	assert_int_equal(
	    assay_references_add(refs, assay_bytes_of(good), "web.json", &err), ASSAY_OK);
	const struct reference_set *set = assay_references_find(refs, assay_bytes_of("web/mrtd"));
	assert_non_null(set);
	assert_string_equal(assay_schema_name(set->claim), "measurement");
	assert_int_equal(set->count, 2);
	expect_hex("0", "00ff", set->values[0].bytes);
	expect_hex("1", "01", set->values[1].bytes);
	assert_int_equal(set->tees & (set->tees - 1), 0); /* one TEE */
	set = assay_references_find(refs, assay_bytes_of("web/svn"));
	assert_true(set != NULL && set->values[0].number == 7 && set->values[1].number == 16);
	set = assay_references_find(refs, assay_bytes_of("A.b-c_9"));
	assert_true(set != NULL && set->count == 0);
	assert_null(assay_references_find(refs, assay_bytes_of("web/mrt")));
	assert_null(assay_references_find(NULL, assay_bytes_of("web/mrtd")));
	/* All sets of a document, or none: here the last is there already. */
	static const char second[] = "{\"reference_values\":1,\"values\":[{\"name\":\"new\","
				     "\"claim\":\"svn\",\"any_of\":[]},"
				     "{\"name\":\"until\",\"claim\":\"svn\",\"any_of\":[]}]}";
	assert_int_equal(
	    assay_references_add(refs, assay_bytes_of(second), "second", &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "second: the set \"until\" is there twice"));
	assert_null(assay_references_find(refs, assay_bytes_of("new")));
	assert_int_equal(refs->count, 4);
	assay_references_free(refs);
	assay_references_free(NULL);
}

static void
test_damage(void **state)
{
	(void)state;
	damage(parse, assay_bytes_of(good));
	check_allocations(parse, assay_bytes_of(good));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case),
		cmocka_unit_test(what_is_read),
		cmocka_unit_test(test_damage),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
