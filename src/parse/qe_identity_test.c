/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/json_test.h"

#define LEVEL(svn, status)                                                                         \
	"{\"tcb\":{\"isvsvn\":" #svn                                                               \
	"},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"" status "\"}"

static const char good[] =
    "{\"enclaveIdentity\":{\"id\":\"TD_QE\",\"version\":2,"
    "\"issueDate\":\"2025-06-19T10:32:27Z\",\"nextUpdate\":\"2025-07-19T10:32:27Z\","
    "\"tcbEvaluationDataNumber\":17,\"miscselect\":\"01000000\",\"miscselectMask\":\"FFFFFFFF\","
    "\"attributes\":\"11" ZEROS_16 "00000000000000\",\"attributesMask\":\"FB" ZEROS_16
    "00000000000000\","
    "\"mrsigner\":\"ff" ZEROS_16 ZEROS_16 ZEROS_16 "00000000000000\",\"isvprodid\":2,"
    "\"tcbLevels\":[" LEVEL(2, "Revoked") "," LEVEL(4, "UpToDate") "," LEVEL(
	3, "OutOfDate") "]},\"signature\":\"" ZEROS_128 "\"}";

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct qe_identity id;
	enum assay_code rc = assay_qe_identity_parse(&id, in, "qe identity", err);

	if (rc == ASSAY_OK)
		assay_qe_identity_clear(&id);
	return rc;
}

static void
test_good(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct qe_identity id;
	(void)state;

	enum assay_code rc =
	    assay_qe_identity_parse(&id, assay_bytes_of(good), "qe identity", &err);
	expect_outcome("good", rc, &err, ASSAY_OK, "");
	assert_string_equal(id.id, "TD_QE");
	assert_int_equal(id.version, 2);
	assert_int_equal(id.doc.evaluation, 17);
	assert_int_equal(id.misc_select[0], 1);
	assert_int_equal(id.misc_select_mask[3], 0xff);
	assert_int_equal(id.attributes[0], 0x11);
	assert_int_equal(id.attributes_mask[0], 0xfb);
	assert_int_equal(id.mr_signer[0], 0xff);
	assert_int_equal(id.isv_prod_id, 2);
	assert_int_equal(id.level_count, 3);
	assert_int_equal(id.levels[0].isv_svn, 4);
	assert_int_equal(id.levels[1].verdict.status, TCB_OUT_OF_DATE);
	assert_int_equal(id.levels[2].isv_svn, 2);
	assert_ptr_equal(id.doc.span.ptr, strstr(good, "{\"id\""));
	assert_int_equal(assay_json_kind(assay_bytes_of(good)), ASSAY_JSON_QE_IDENTITY);
	assay_qe_identity_clear(&id);
	assay_qe_identity_clear(&id);
	damage(parse, assay_bytes_of(good));
	check_allocations(parse, assay_bytes_of(good));
}

static const struct json_case cases[] = {
	{ "good", NULL, NULL, ASSAY_OK, "" },
	{ "QE", "\"TD_QE\"", "\"QE\"", ASSAY_OK, "" },
	{ "QVE", "\"TD_QE\"", "\"QVE\"", ASSAY_OK, "" },
	{ "QAE", "\"TD_QE\"", "\"QAE\"", ASSAY_OK, "" },
	{ "other id", "\"TD_QE\"", "\"td_qe\"", ASSAY_E_FORMAT, "id is \"td_qe\", must be \"QE\"" },
	{ "long id", "\"TD_QE\"", "\"TD_QE_TD_QE_TD_QE\"", ASSAY_E_FORMAT, "id is \"TD_QE_TD" },
	{ "no id", "\"id\":\"TD_QE\",", "", ASSAY_E_FORMAT, "id is missing" },
	{ "TCB info", "\"enclaveIdentity\"", "\"tcbInfo\"", ASSAY_E_FORMAT,
	    "exactly two members, enclaveIdentity and signature" },
	{ "version 1", "\"version\":2", "\"version\":1", ASSAY_E_UNSUPPORTED, "version is 1" },
	{ "miscselect", "\"01000000\"", "\"0100000\"", ASSAY_E_FORMAT,
	    "miscselect is \"0100000\", must be 8 hex digits" },
	{ "miscselectMask", "\"FFFFFFFF\"", "\"0xFFFFFF\"", ASSAY_E_FORMAT, "miscselectMask is" },
	{ "attributes", "\"11" ZEROS_16, "\"" ZEROS_16, ASSAY_E_FORMAT, "attributes is" },
	{ "attributesMask", "\"FB" ZEROS_16, "\"" ZEROS_16, ASSAY_E_FORMAT, "attributesMask is" },
	{ "mrsigner", "\"ff" ZEROS_16, "\"" ZEROS_16, ASSAY_E_FORMAT, "mrsigner is" },
	{ "isvprodid", "\"isvprodid\":2", "\"isvprodid\":65536", ASSAY_E_FORMAT, "is 65536" },
	{ "no levels", "\"tcbLevels\"", "\"x\"", ASSAY_E_FORMAT, "tcbLevels is missing" },
	{ "equal levels", "\"isvsvn\":4", "\"isvsvn\":3", ASSAY_E_FORMAT,
	    "tcbLevels has two levels with isvsvn 3" },
	{ "level no object", "[{", "[7,{", ASSAY_E_FORMAT, "tcbLevels[0].tcb is missing" },
	{ "level's status", "\"Revoked\"", "\"revoked\"", ASSAY_E_FORMAT,
	    "tcbLevels[0].tcbStatus is \"revoked\"" },
};

static void
test_refusals(void **state)
{
	(void)state;
	check_json_cases(parse, good, cases, sizeof cases / sizeof *cases);
}

static void
visit(const char *path, struct assay_bytes file, void *context)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct qe_identity id;
	size_t *count = context;

	if (strstr(path, "identity.json") == NULL && strstr(path, "Identity.json") == NULL)
		return;
	expect_outcome(path, assay_qe_identity_parse(&id, file, path, &err), &err, ASSAY_OK, "");
	if (strstr(path, "collateral/") != NULL)
		assert_string_equal(id.id, strstr(path, "/tdx-") != NULL ? "TD_QE" : "QE");
	if (strcmp(id.id, "QVE") != 0 && strstr(path, "collateral/") != NULL) {
		assert_int_equal(id.attributes[0], 0x11);
		assert_int_equal(id.isv_prod_id, strcmp(id.id, "QE") == 0 ? 1 : 2);
	}
	assay_qe_identity_clear(&id);
	++*count;
}

static void
test_real_files(void **state)
{
	size_t count = 0;
	(void)state;

	vectors_each("dcap", visit, &count);
	if (vectors_present())
		assert_true(count >= 13);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_real_files),
	};

	return RUN_TESTS(tests);
}
