/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/json_test.h"

static const char good[] =
    "{\"pck_crl_issuer_chain\":\"-----BEGIN CERTIFICATE-----\\n\",\"root_ca_crl\":\"3003Aa\","
    "\"pck_crl\":\"3004\",\"tcb_info_issuer_chain\":\"chain 2\","
    "\"tcb_info\":\"{\\\"id\\\":\\\"SGX\\\"}\",\"tcb_info_signature\":\"aabb\","
    "\"qe_identity_issuer_chain\":\"chain 3\",\"qe_identity\":\"{ }\","
    "\"qe_identity_signature\":\"ccdd\",\"pck_certificate_chain\":null,\"new\":{}}";

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct dcap_qvl_collateral c;
	enum assay_code rc = assay_dcap_qvl_split(&c, in, "collateral", err);

	if (rc == ASSAY_OK)
		assay_dcap_qvl_clear(&c);
	return rc;
}

static void
expect_part(const struct dcap_qvl_collateral *c, size_t i, const char *name, const char *text)
{
	assert_string_equal(c->parts[i].name, name);
	assert_int_equal(c->parts[i].len, strlen(text));
	assert_memory_equal(c->parts[i].ptr, text, strlen(text));
}

static void
test_good(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct dcap_qvl_collateral c;
	(void)state;

	assert_int_equal(assay_json_kind(assay_bytes_of(good)), ASSAY_JSON_DCAP_QVL);
	enum assay_code rc = assay_dcap_qvl_split(&c, assay_bytes_of(good), "collateral", &err);
	expect_outcome("good", rc, &err, ASSAY_OK, "");
	assert_int_equal(c.count, 7);
	expect_part(&c, 0, "pck_crl_issuer_chain", "-----BEGIN CERTIFICATE-----\n");
	expect_part(&c, 1, "root_ca_crl", "\x30\x03\xaa");
	expect_part(&c, 2, "pck_crl", "\x30\x04");
	expect_part(&c, 3, "tcb_info_issuer_chain", "chain 2");
	expect_part(&c, 4, "tcb_info", "{\"tcbInfo\":{\"id\":\"SGX\"},\"signature\":\"aabb\"}");
	expect_part(&c, 5, "qe_identity_issuer_chain", "chain 3");
	expect_part(&c, 6, "qe_identity", "{\"enclaveIdentity\":{ },\"signature\":\"ccdd\"}");
	assay_dcap_qvl_clear(&c);
	assay_dcap_qvl_clear(&c);

	char *with = replaced(good, "null", "\"chain 4\"");
	rc = assay_dcap_qvl_split(&c, assay_bytes_of(with), "collateral", &err);
	expect_outcome("with the PCK chain", rc, &err, ASSAY_OK, "");
	assert_int_equal(c.count, 8);
	expect_part(&c, 7, "pck_certificate_chain", "chain 4");
	assay_dcap_qvl_clear(&c);
	free(with);
	damage(parse, assay_bytes_of(good));
	check_allocations(parse, assay_bytes_of(good));
}

static const struct json_case cases[] = {
	{ "no PCK chain", "\"pck_certificate_chain\":null,", "", ASSAY_OK, "" },
	{ "PCK chain number", "null", "5", ASSAY_E_FORMAT, "pck_certificate_chain is 5" },
	{ "no array", good, "[]", ASSAY_E_FORMAT, "pck_crl_issuer_chain is missing" },
	{ "cut", "}}", "}", ASSAY_E_FORMAT, "is no JSON" },
	{ "no chain", "\"pck_crl_issuer_chain\"", "\"x\"", ASSAY_E_FORMAT, "chain is missing" },
	{ "twice", "\"pck_crl_issuer_chain\"", "\"pck_crl\"", ASSAY_E_FORMAT, "duplicate" },
	{ "empty chain", "\"chain 2\"", "\"\"", ASSAY_E_FORMAT, "tcb_info_issuer_chain is \"\"" },
	{ "CRL odd", "3003Aa", "3003A", ASSAY_E_FORMAT, "root_ca_crl is \"3003A\", must be hex" },
	{ "CRL no hex", "3003Aa", "3003gg", ASSAY_E_FORMAT, "must be hex" },
	{ "CRL number", "\"3004\"", "3004", ASSAY_E_FORMAT, "pck_crl is 3004" },
	{ "no signature", "\"tcb_info_signature\"", "\"x\"", ASSAY_E_FORMAT,
	    "tcb_info_signature is missing" },
	{ "info as object", "\"{ }\"", "{}", ASSAY_E_FORMAT, "qe_identity is an object" },
};

static void
test_refusals(void **state)
{
	(void)state;
	check_json_cases(parse, good, cases, sizeof cases / sizeof *cases);
}

/* The inner texts come out byte for byte: the same as in the vendor's answer. */
static void
check_container(const char *container, const char *folder)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct dcap_qvl_collateral c;
	struct tcb_info a, b;
	struct qe_identity id;
	char path[128];

	(void)snprintf(path, sizeof path, "dcap/collateral/%s/tcb_info.json", folder);
	struct assay_bytes in = vectors_read(container), answer = vectors_read(path);
	if (in.ptr == NULL)
		return;
	assert_int_equal(assay_json_kind(in), ASSAY_JSON_DCAP_QVL);
	expect_outcome(
	    container, assay_dcap_qvl_split(&c, in, container, &err), &err, ASSAY_OK, "");
	assert_int_equal(c.count, 7);
	struct assay_bytes info = { c.parts[4].ptr, c.parts[4].len };
	struct assay_bytes identity = { c.parts[6].ptr, c.parts[6].len };
	expect_outcome("info", assay_tcb_info_parse(&a, info, "info", &err), &err, ASSAY_OK, "");
	expect_outcome(
	    "answer", assay_tcb_info_parse(&b, answer, "info", &err), &err, ASSAY_OK, "");
	assert_true(assay_bytes_equal(a.doc.span, b.doc.span));
	assert_memory_equal(a.doc.signature, b.doc.signature, 64);
	assay_tcb_info_clear(&a);
	assay_tcb_info_clear(&b);
	expect_outcome(
	    "identity", assay_qe_identity_parse(&id, identity, "id", &err), &err, ASSAY_OK, "");
	assay_qe_identity_clear(&id);
	assay_dcap_qvl_clear(&c);
	vectors_free(in);
	vectors_free(answer);
}

static void
test_real_containers(void **state)
{
	(void)state;
	check_container("dcap/containers/dcap-qvl-sgx_quote_collateral.json", "sgx-00a067-2025-06");
	check_container("dcap/containers/dcap-qvl-tdx_quote_collateral.json", "tdx-b0c06f-2025-06");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_real_containers),
	};

	return RUN_TESTS(tests);
}
