/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/json_test.h"

#define SVN(n)           "{\"svn\":" #n "}"
#define FOUR             SVN(4) "," SVN(0) "," SVN(0) "," SVN(255)
#define COMPONENTS(name) "\"" name "\":[" FOUR "," FOUR "," FOUR "," FOUR "]"
#define FOUR_NUMBERED(a, b, c, d)                                                                  \
	"\"sgxtcbcomp" a "svn\":4,\"sgxtcbcomp" b "svn\":0,\"sgxtcbcomp" c                         \
	"svn\":0,\"sgxtcbcomp" d "svn\":255,"
#define NUMBERED                                                                                   \
	FOUR_NUMBERED("01", "02", "03", "04")                                                      \
	FOUR_NUMBERED("05", "06", "07", "08")                                                      \
	FOUR_NUMBERED("09", "10", "11", "12")                                                      \
	FOUR_NUMBERED("13", "14", "15", "16")
#define DATES "\"issueDate\":\"2025-06-19T10:16:03Z\",\"nextUpdate\":\"2025-07-19T10:16:03Z\","
#define MODULE                                                                                     \
	"\"mrsigner\":\"" ZEROS_64 ZEROS_16 ZEROS_16                                               \
	"\",\"attributes\":\"0100000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFF7f\""
#define MODULE_LEVEL(svn)                                                                          \
	"{\"tcb\":{\"isvsvn\":" #svn                                                               \
	"},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}"
#define VERDICT(status)                                                                            \
	"\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"" status                             \
	"\",\"advisoryIDs\":[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]"
#define SIGNATURE ",\"signature\":\"" ZEROS_128 "\"}"

static const char tdx[] = "{\"tcbInfo\":{\"id\":\"TDX\",\"version\":3," DATES
			  "\"fmspc\":\"B0C06F000000\",\"pceId\":\"0100\",\"tcbType\":0,"
			  "\"tcbEvaluationDataNumber\":17,\"tdxModule\":{" MODULE "},"
			  "\"tdxModuleIdentities\":[{\"id\":\"TDX_03\"," MODULE
			  ",\"tcbLevels\":[" MODULE_LEVEL(
			      3) "]},{\"id\":\"TDX_0a\"," MODULE
				 ",\"tcbLevels\":[" MODULE_LEVEL(2) "," MODULE_LEVEL(
				     5) "]}],"
					"\"tcbLevels\":[{\"tcb\":{" COMPONENTS("sgxtcbcomponents") ",\"pcesvn\":5," COMPONENTS("tdxtcbcomponents") "}," VERDICT(
					    "OutOfDate") "},"
							 "{\"tcb\":{" COMPONENTS("sgxtcbcomponents") ",\"pcesvn\":11," COMPONENTS(
							     "tdxtcbcomponents") "}," VERDICT("UpTo"
											      "Dat"
											      "e") "}]}" SIGNATURE;

static const char sgx[] =
    "{\"tcbInfo\":{\"id\":\"SGX\",\"version\":3," DATES
    "\"fmspc\":\"00a067110000\",\"pceId\":\"0000\",\"tcbType\":0,"
    "\"tcbEvaluationDataNumber\":17,\"new\":[{}],"
    "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":["
    "{\"svn\":9,\"category\":\"BIOS\",\"type\":\"Early Microcode Update\"}," SVN(1) "," SVN(
	2) "," SVN(3) "," FOUR "," FOUR "," FOUR
		      "],\"pcesvn\":11}," VERDICT("Revoked") "}]}" SIGNATURE;

static const char v2[] =
    "{\"tcbInfo\":{\"version\":2," DATES
    "\"fmspc\":\"00a067110000\",\"pceId\":\"0000\",\"tcbType\":0,"
    "\"tcbEvaluationDataNumber\":17,\"tcbLevels\":[{\"tcb\":{" NUMBERED "\"pcesvn\":65535},"
    "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"ConfigurationNeeded\"}]}" SIGNATURE;

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct tcb_info info;
	enum assay_code rc = assay_tcb_info_parse(&info, in, "tcb info", err);

	if (rc == ASSAY_OK)
		assay_tcb_info_clear(&info);
	return rc;
}

static void
test_tdx(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct tcb_info t;
	(void)state;

	enum assay_code rc = assay_tcb_info_parse(&t, assay_bytes_of(tdx), "tcb info", &err);
	expect_outcome("TDX", rc, &err, ASSAY_OK, "");
	assert_true(t.tdx && t.version == 3 && t.doc.evaluation == 17);
	assert_true(t.doc.issue_date == 1750328163 && t.doc.next_update == 1752920163);
	expect_hex("fmspc", "b0c06f000000", (struct assay_bytes){ t.fmspc, 6 });
	expect_hex("pceid", "0100", (struct assay_bytes){ t.pce_id, 2 });
	assert_ptr_equal(t.doc.whole.ptr, tdx);
	assert_ptr_equal(t.doc.span.ptr, strstr(tdx, "{\"id\""));
	assert_ptr_equal(t.doc.span.ptr + t.doc.span.len, strstr(tdx, ",\"signature\""));
	assert_true(t.has_module && t.module.attributes == 1 && t.module.id[0] == '\0');
	assert_true(t.module.attributes_mask == 0x7fffffffffffffff);
	assert_int_equal(t.module_count, 2);
	assert_string_equal(t.modules[1].id, "TDX_0a");
	assert_int_equal(t.modules[1].level_count, 2);
	assert_int_equal(t.modules[1].levels[0].isv_svn, 5);
	assert_int_equal(t.modules[1].levels[1].isv_svn, 2);
	assert_int_equal(t.level_count, 2);
	assert_int_equal(t.levels[0].pce_svn, 11);
	assert_int_equal(t.levels[0].verdict.status, TCB_UP_TO_DATE);
	assert_int_equal(t.levels[1].verdict.status, TCB_OUT_OF_DATE);
	assert_true(t.levels[0].sgx[0] == 4 && t.levels[0].tdx[15] == 255);
	assert_true(t.levels[0].verdict.date == 1710288000);
	assert_int_equal(t.levels[0].verdict.advisory_count, 2);
	assert_string_equal(t.levels[0].verdict.advisories[1], "INTEL-SA-00002");
	assert_null(t.sgx_category[0]);
	assay_tcb_info_clear(&t);
	assay_tcb_info_clear(&t); /* a zeroed one is fine */
}

static void
test_sgx(void **state)
{
	struct tcb_info t;
	(void)state;

	assert_int_equal(assay_tcb_info_parse(&t, assay_bytes_of(sgx), "tcb info", NULL), ASSAY_OK);
	assert_false(t.tdx || t.has_module);
	assert_string_equal(t.sgx_category[0], "BIOS");
	assert_string_equal(t.sgx_type[0], "Early Microcode Update");
	assert_null(t.sgx_type[1]);
	assert_int_equal(t.levels[0].verdict.status, TCB_REVOKED);
	assert_int_equal(t.levels[0].tdx[15], 0);
	assay_tcb_info_clear(&t);

	assert_int_equal(assay_tcb_info_parse(&t, assay_bytes_of(v2), "tcb info", NULL), ASSAY_OK);
	assert_true(!t.tdx && t.version == 2 && t.levels[0].pce_svn == 65535);
	assert_true(t.levels[0].sgx[0] == 4 && t.levels[0].sgx[15] == 255);
	assert_int_equal(t.levels[0].verdict.status, TCB_CONFIGURATION_NEEDED);
	assert_int_equal(t.levels[0].verdict.advisory_count, 0);
	assay_tcb_info_clear(&t);
}

#define ADVISORY_8 "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","

static const struct json_case cases[] = {
	{ "good", NULL, NULL, ASSAY_OK, "" },
	{ "blanks around", "{\"tcbInfo\":", " \n{ \"tcbInfo\" : ", ASSAY_OK, "" },
	{ "hex in other case", "B0C06F", "b0c06F", ASSAY_OK, "" },
	{ "empty", tdx, "", ASSAY_E_FORMAT, "is no JSON" },
	{ "cut", "\"}]}", "", ASSAY_E_FORMAT, "is no JSON at line 1" },
	{ "no object", tdx, "[]", ASSAY_E_FORMAT, "exactly two members, tcbInfo and signature" },
	{ "other member", "\"tcbInfo\"", "\"tcbinfo\"", ASSAY_E_FORMAT, "exactly two members" },
	{ "escaped name", "\"tcbInfo\"", "\"tcb\\u0049nfo\"", ASSAY_E_FORMAT, "exactly two" },
	{ "escaped signature", "\"signature\"", "\"signatur\\u0065\"", ASSAY_E_FORMAT,
	    "exactly two members" },
	{ "both spellings", "{\"tcbInfo\"", "{\"tcb\\u0049nfo\":{},\"tcbInfo\"", ASSAY_E_FORMAT,
	    "duplicate object key" },
	{ "third member", "{\"tcbInfo\"", "{\"x\":{\"tcbInfo\":{}},\"tcbInfo\"", ASSAY_E_FORMAT,
	    "exactly two members" },
	{ "name within", "{\"tcbInfo\"", "{\"x\":{\"tcbInfo\"", ASSAY_E_FORMAT, "is no JSON" },
	{ "twice", "{\"tcbInfo\"", "{\"tcbInfo\":{},\"tcbInfo\"", ASSAY_E_FORMAT, "duplicate" },
	{ "duplicate within", "\"version\":3", "\"version\":3,\"version\":3", ASSAY_E_FORMAT,
	    "duplicate object key" },
	{ "something behind", "\"" ZEROS_128 "\"}", "\"" ZEROS_128 "\"} {}", ASSAY_E_FORMAT,
	    "end of file expected" },
	{ "inner is a text", "{\"tcbInfo\":{", "{\"tcbInfo\":\"{\",\"signature\":\"x\"}{",
	    ASSAY_E_FORMAT, "is no JSON" },
	{ "signature short", "\"" ZEROS_128 "\"", "\"00\"", ASSAY_E_FORMAT,
	    "signature is \"00\", must be 128 hex digits" },
	{ "signature no hex", "\"" ZEROS_128 "\"", "\"g" ZEROS_64 ZEROS_16 "\"", ASSAY_E_FORMAT,
	    "must be 128 hex digits" },
	{ "version 1", "\"version\":3", "\"version\":1", ASSAY_E_UNSUPPORTED, "version is 1" },
	{ "version 4", "\"version\":3", "\"version\":4", ASSAY_E_UNSUPPORTED, "version is 4" },
	{ "version text", "\"version\":3", "\"version\":\"3\"", ASSAY_E_FORMAT,
	    "version is \"3\", must be an integer" },
	{ "version real", "\"version\":3", "\"version\":3.0", ASSAY_E_FORMAT,
	    "version is a number with a fraction" },
	{ "no version", "\"version\":3,", "", ASSAY_E_FORMAT, "version is missing" },
	{ "other id", "\"TDX\"", "\"QE\"", ASSAY_E_FORMAT, "id is \"QE\", must be" },
	{ "no id", "\"id\":\"TDX\",", "", ASSAY_E_FORMAT, "id is missing" },
	{ "no such day", "2025-06-19", "2025-06-31", ASSAY_E_FORMAT, "issueDate is" },
	{ "with an offset", "2025-07-19T10:16:03Z", "2025-07-19T10:16:03+00:00", ASSAY_E_FORMAT,
	    "nextUpdate is" },
	{ "fmspc short", "B0C06F000000", "B0C06F0000", ASSAY_E_FORMAT, "fmspc is \"B0C06F0000\"" },
	{ "pceId", "\"pceId\":\"0100\"", "\"pceId\":null", ASSAY_E_FORMAT, "pceId is true, false" },
	{ "tcbType 1", "\"tcbType\":0", "\"tcbType\":1", ASSAY_E_UNSUPPORTED, "tcbType is not 0" },
	{ "no tcbType", "\"tcbType\":0,", "", ASSAY_E_FORMAT, "tcbType is missing" },
	{ "evaluation -1", "Number\":17", "Number\":-1", ASSAY_E_FORMAT, "DataNumber is -1" },
	{ "evaluation 2^32", "Number\":17", "Number\":4294967296", ASSAY_E_FORMAT,
	    "from 0 to 4294967295" },
	{ "module no object", "\"tdxModule\":{" MODULE "}", "\"tdxModule\":[]", ASSAY_E_FORMAT,
	    "tdxModule is an array of 0 elements" },
	{ "no module", "\"tdxModule\":{" MODULE "},", "", ASSAY_OK, "" },
	{ "module attributes", "0100000000000000", "01000000000000", ASSAY_E_FORMAT,
	    "tdxModule.attributes is" },
	{ "identities no array", "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":{},\"x\":[",
	    ASSAY_E_FORMAT, "tdxModuleIdentities is an object" },
	{ "no identities", "\"tdxModuleIdentities\":[", "\"x\":[", ASSAY_OK, "" },
	{ "module id", "\"TDX_03\"", "\"TDX_3\"", ASSAY_E_FORMAT,
	    "tdxModuleIdentities[0].id is \"TDX_3\"" },
	{ "module id no hex", "\"TDX_03\"", "\"TDX_0g\"", ASSAY_E_FORMAT, "[0].id is \"TDX_0g\"" },
	{ "module id other", "\"TDX_03\"", "\"SGX_03\"", ASSAY_E_FORMAT, "[0].id is \"SGX_03\"" },
	{ "module id lower", "\"TDX_03\"", "\"tdx_03\"", ASSAY_OK, "" },
	{ "module twice", "\"TDX_03\"", "\"tdx_0A\"", ASSAY_E_FORMAT, "two entries for TDX_0a" },
	{ "module levels none", "[" MODULE_LEVEL(3) "]", "[]", ASSAY_E_FORMAT,
	    "tdxModuleIdentities[0].tcbLevels is an array of 0 elements" },
	{ "module svn", "\"isvsvn\":5", "\"isvsvn\":65536", ASSAY_E_FORMAT,
	    "tdxModuleIdentities[1].tcbLevels[1].isvsvn is 65536" },
	{ "module svn twice", "\"isvsvn\":5", "\"isvsvn\":2", ASSAY_E_FORMAT,
	    "tdxModuleIdentities[1].tcbLevels has two levels with isvsvn 2" },
	{ "status unknown", "\"OutOfDate\"", "\"outOfDate\"", ASSAY_E_FORMAT,
	    "tcbLevels[0].tcbStatus is \"outOfDate\"" },
	{ "status not for JSON", "\"OutOfDate\"", "\"TDRelaunchAdvised\"", ASSAY_E_FORMAT,
	    "tcbStatus is \"TDRelaunchAdvised\"" },
	{ "status none", "\"OutOfDate\"", "\"none\"", ASSAY_E_FORMAT, "tcbStatus is \"none\"" },
	{ "status number", "\"OutOfDate\"", "7", ASSAY_E_FORMAT, "tcbStatus is 7" },
	{ "fifteen", "[" SVN(4) ",", "[", ASSAY_E_FORMAT, "is an array of 15 elements" },
	{ "seventeen", "[" SVN(4) ",", "[" SVN(4) "," SVN(4) ",", ASSAY_E_FORMAT,
	    "sgxtcbcomponents is an array of 17 elements, must be an array of 16 to 16" },
	{ "svn 256", SVN(255), SVN(256), ASSAY_E_FORMAT,
	    "svn is 256, must be an integer from 0 to" },
	{ "svn true", SVN(255), SVN(true), ASSAY_E_FORMAT, "svn is true, false or null" },
	{ "svn huge", SVN(255), SVN(99999999999999999999), ASSAY_E_FORMAT, "too big" },
	{ "component no object", SVN(255), "255", ASSAY_E_FORMAT, "svn is missing" },
	{ "no TDX components", "\"tdxtcbcomponents\"", "\"x\"", ASSAY_E_FORMAT,
	    "tcbLevels[0].tdxtcbcomponents is missing" },
	{ "category", SVN(4), "{\"svn\":4,\"category\":\"a\\nb\"}", ASSAY_E_FORMAT,
	    "category is \"a?b\"" },
	{ "pcesvn", "\"pcesvn\":11", "\"pcesvn\":65536", ASSAY_E_FORMAT, "pcesvn is 65536" },
	{ "equal levels", "\"pcesvn\":11", "\"pcesvn\":5", ASSAY_E_FORMAT,
	    "two levels with the same SVNs" },
	{ "tcb no object", "\"tcb\":{\"sgx", "\"tcb\":5,\"x\":{\"sgx", ASSAY_E_FORMAT, "tcb is 5" },
	{ "no levels", "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"x\":[{\"tcb\":{\"sgx", ASSAY_E_FORMAT,
	    "tcbLevels is missing" },
	{ "date", "2024-03-13T00:00:00Z", "2024-03-13", ASSAY_E_FORMAT,
	    "tdxModuleIdentities[0].tcbLevels[0].tcbDate is \"2024-03-13\"" },
	{ "advisories no list", "[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]", "\"x\"", ASSAY_E_FORMAT,
	    "advisoryIDs is \"x\"" },
	{ "advisories none", "\"INTEL-SA-00001\",\"INTEL-SA-00002\"", "", ASSAY_OK, "" },
	{ "advisory long", "INTEL-SA-00001", "0123456789abcdef0123456789abcdef", ASSAY_E_FORMAT,
	    "advisoryIDs is \"0123456789" },
	{ "advisory at its limit", "INTEL-SA-00001", "0123456789abcdef0123456789abcde", ASSAY_OK,
	    "" },
	{ "advisory control", "INTEL-SA-00001", "\\u001b[1m", ASSAY_E_FORMAT, "advisoryIDs is" },
	{ "advisory number", "\"INTEL-SA-00001\"", "1", ASSAY_E_FORMAT, "advisoryIDs is 1" },
	{ "advisories 66", "\"INTEL-SA-00001\"",
	    ADVISORY_8 ADVISORY_8 ADVISORY_8 ADVISORY_8 ADVISORY_8 ADVISORY_8 ADVISORY_8 ADVISORY_8
	    "\"9\"",
	    ASSAY_E_FORMAT, "is an array of 66 elements" },
	{ "NUL in a text", "INTEL-SA-00001", "a\\u0000b", ASSAY_E_FORMAT, "is no JSON" },
	{ "no UTF-8", "INTEL-SA-00001", "\xff", ASSAY_E_FORMAT, "is no JSON" },
};

static const struct json_case v2_cases[] = {
	{ "good", NULL, NULL, ASSAY_OK, "" },
	{ "with its id", "\"version\":2", "\"version\":2,\"id\":\"SGX\"", ASSAY_OK, "" },
	{ "for TDX", "\"version\":2", "\"version\":2,\"id\":\"TDX\"", ASSAY_E_FORMAT,
	    "id is \"TDX\", must be \"SGX\" in version 2" },
	{ "component missing", "\"sgxtcbcomp16svn\":255,", "", ASSAY_E_FORMAT,
	    "tcbLevels[0].sgxtcbcomp16svn is missing" },
	{ "component range", "\"sgxtcbcomp04svn\":255", "\"sgxtcbcomp04svn\":256", ASSAY_E_FORMAT,
	    "sgxtcbcomp04svn is 256" },
};

static void
test_refusals(void **state)
{
	(void)state;

	check_json_cases(parse, tdx, cases, sizeof cases / sizeof *cases);
	check_json_cases(parse, v2, v2_cases, sizeof v2_cases / sizeof *v2_cases);
}

/* Zeros and blanks may follow, as files and C strings have them. */
static void
test_edges(void **state)
{
	uint8_t *big = malloc(TCB_JSON_MAX + 1);
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	assert_non_null(big);
	memset(big, 0, TCB_JSON_MAX + 1);
	memcpy(big, sgx, sizeof sgx - 1);
	memcpy(big + sizeof sgx - 1, "\r\n\0 \n", 5);
	struct assay_bytes in = { big, TCB_JSON_MAX + 1 };
	expect_outcome("padded", parse(in, &err), &err, ASSAY_OK, "");
	big[sizeof sgx + 10] = 'x';
	expect_outcome("junk", parse(in, &err), &err, ASSAY_E_FORMAT, "end of file expected");
	memset(big, ' ', TCB_JSON_MAX + 1);
	big[0] = '"';
	big[TCB_JSON_MAX] = '"';
	expect_outcome("huge", parse(in, &err), &err, ASSAY_E_FORMAT, "is 1048577 bytes");
	memset(big, '[', TCB_JSON_MAX);
	in.len = TCB_JSON_MAX;
	expect_outcome("deep", parse(in, &err), &err, ASSAY_E_FORMAT, "maximum parsing depth");
	for (size_t i = 0; i + 5 < TCB_JSON_MAX; i += 5)
		memcpy(big + i, "{\"a\":", 5);
	expect_outcome("deep", parse(in, &err), &err, ASSAY_E_FORMAT, "is no JSON");
	assert_int_equal(assay_json_kind(in), ASSAY_JSON_NONE);
	in = (struct assay_bytes){ NULL, 0 };
	expect_outcome("nothing", parse(in, &err), &err, ASSAY_E_FORMAT, "is no JSON");
	free(big);
}

static void
test_kind(void **state)
{
	static const struct {
		const char *text;
		enum assay_json_kind kind;
	} kinds[] = {
		{ "", ASSAY_JSON_NONE },
		{ "[]", ASSAY_JSON_NONE },
		{ "{}", ASSAY_JSON_NONE },
		{ "{\"x\":1}", ASSAY_JSON_NONE },
		{ "{\"tcbInfo\"}", ASSAY_JSON_NONE },
		{ "{\"tcbInfo", ASSAY_JSON_NONE },
		{ "{\"a\":{\"tcbInfo\":1}}", ASSAY_JSON_NONE },
		{ "{\"a\":]", ASSAY_JSON_NONE },
		{ "{\"a\" 1}", ASSAY_JSON_NONE },
		{ "{\"a\":1 \"tcbInfo\":1}", ASSAY_JSON_NONE },
		{ "{\"tcbInfo\":{}", ASSAY_JSON_TCB_INFO },
		{ "\n{\"signature\":\"}{\\\"\" ,\t\"tcbInfo\" :1}", ASSAY_JSON_TCB_INFO },
		{ "{\"a\":[{},[\"]\"]],\"enclaveIdentity\":{}}", ASSAY_JSON_QE_IDENTITY },
		{ "{\"a\":-1.5e3,\"b\":true,\"qe_identity\":\"\"}", ASSAY_JSON_DCAP_QVL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (assay_json_kind(assay_bytes_of(kinds[i].text)) != kinds[i].kind)
			fail_msg("%s is taken for another kind", kinds[i].text);
}

static void
test_names(void **state)
{
	(void)state;

	assert_string_equal(assay_tcb_status_name(TCB_UP_TO_DATE), "UpToDate");
	assert_string_equal(assay_tcb_status_name(TCB_NOT_SUPPORTED), "NotSupported");
	assert_string_equal(assay_tcb_status_name(TCB_STATUSES), "unknown");
	for (enum tcb_status s = TCB_NONE; s < TCB_STATUSES; s++)
		assert_non_null(assay_tcb_status_name(s));
}

static void
test_damage(void **state)
{
	(void)state;

	damage(parse, assay_bytes_of(v2));
	damage_some(parse, assay_bytes_of(tdx), 11); /* in time */
	check_allocations(parse, assay_bytes_of(tdx));
}

static void
test_real_files(void **state)
{
	struct assay_bytes file = vectors_read("dcap/manifest.json");
	size_t i;
	json_t *entry;
	(void)state;

	if (file.ptr == NULL)
		return;
	json_t *manifest = json_loadb((const char *)file.ptr, file.len, 0, NULL);
	json_array_foreach(json_object_get(manifest, "collateral"), i, entry)
	{
		struct assay_error err = { ASSAY_OK, "" };
		struct tcb_info t;
		char path[256], time[ASSAY_TIME_TEXT];
		(void)snprintf(path, sizeof path, "dcap/%s/tcb_info.json",
		    json_string_value(json_object_get(entry, "dir")));
		struct assay_bytes in = vectors_read(path);
		expect_outcome(path, assay_tcb_info_parse(&t, in, path, &err), &err, ASSAY_OK, "");
		assert_int_equal(assay_json_kind(in), ASSAY_JSON_TCB_INFO);
		assert_int_equal(
		    t.version, json_integer_value(json_object_get(entry, "tcb_info_version")));
		assert_int_equal(t.doc.evaluation,
		    json_integer_value(json_object_get(entry, "tcb_eval_number")));
		assert_int_equal(
		    t.level_count, json_integer_value(json_object_get(entry, "levels")));
		expect_hex("fmspc", json_string_value(json_object_get(entry, "fmspc")),
		    (struct assay_bytes){ t.fmspc, 6 });
		assert_int_equal(t.module_count,
		    json_array_size(json_object_get(entry, "tdx_module_identities")));
		assay_time_text(time, t.doc.next_update);
		assert_string_equal(
		    time, json_string_value(json_array_get(json_object_get(entry, "tcb_info"), 1)));
		/* Intel publishes in the order that is wanted. */
		assert_int_equal(t.levels[0].verdict.status == TCB_REVOKED, false);
		assay_tcb_info_clear(&t);
		vectors_free(in);
	}
	assert_true(i >= 10);
	json_decref(manifest);
	vectors_free(file);
	file = vectors_read("dcap/tcb-eval-numbers/0625-sgxtcbeval.json");
	assert_int_equal(assay_json_kind(file), ASSAY_JSON_NONE);
	vectors_free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tdx),
		cmocka_unit_test(test_sgx),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_real_files),
	};

	return RUN_TESTS(tests);
}
