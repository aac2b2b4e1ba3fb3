/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include <jansson.h>

#include "crypto/x509.h"
#include "parse/quote.h"

enum { ROOM = 4096, CERT_LEN = 40, AUTH_LEN = 32 };

/* A quote made for the test: fields filled with patterns, reserved bytes zero, no valid signature. */
struct made {
	uint8_t bytes[ROOM];
	size_t len;
	size_t body, sig, qe; /* offsets: report, u32 of the signature data, QE report */
};

static void
make_sgx_report(uint8_t *p, uint8_t fill)
{
	memset(p, fill, SGX_REPORT_SIZE);
	memset(p + 20, 0, 12);
	memset(p + 96, 0, 32);
	memset(p + 160, 0, 32);
	memset(p + 262, 0, 42);
}

static size_t
body_size(unsigned body_type)
{
	static const size_t sizes[] = { 0, SGX_REPORT_SIZE, TD_REPORT10_SIZE, TD_REPORT15_SIZE,
		TD_REPORT_EXT_SIZE };

	return sizes[body_type];
}

static void
make_quote(struct made *m, unsigned version, unsigned body_type)
{
	static const uint8_t vendor[] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94,
		0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
	uint8_t *p = m->bytes;
	size_t at = QUOTE_HEADER_SIZE, size = body_size(body_type);

	memset(m, 0, sizeof *m);
	put16(p, version);
	put16(p + 2, 2);
	put32(p + 4, body_type == 1 ? QUOTE_TEE_SGX : QUOTE_TEE_TDX);
	if (version == 3) {
		put16(p + 8, 0x0807);
		put16(p + 10, 0x0a09);
	}
	memcpy(p + 12, vendor, sizeof vendor);
	memset(p + 28, 0x1c, 20);
	if (version == 5) {
		put16(p + 48, body_type);
		put32(p + 50, (uint32_t)size);
		at += 6;
	}
	m->body = at;
	if (body_type == 1)
		make_sgx_report(p + at, 0x11);
	else
		memset(p + at, 0x22, size);
	m->sig = at += size;
	at += 4;
	memset(p + at, 0x33, 64);
	memset(p + at + 64, 0x44, 64);
	at += 128;
	if (version > 3) {
		put16(p + at, QUOTE_CERT_QE_REPORT);
		put32(p + at + 2, SGX_REPORT_SIZE + 64 + 2 + AUTH_LEN + 6 + CERT_LEN);
		at += 6;
	}
	m->qe = at;
	make_sgx_report(p + at, 0x55);
	memset(p + at + SGX_REPORT_SIZE, 0x66, 64);
	at += SGX_REPORT_SIZE + 64;
	put16(p + at, AUTH_LEN);
	memset(p + at + 2, 0x77, AUTH_LEN);
	at += 2 + AUTH_LEN;
	put16(p + at, QUOTE_CERT_PCK_CHAIN);
	put32(p + at + 2, CERT_LEN);
	memset(p + at + 6, 0x88, CERT_LEN);
	at += 6 + CERT_LEN;
	put32(p + m->sig, (uint32_t)(at - m->sig - 4));
	m->len = at;
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct quote q;

	return assay_quote_parse(&q, in, err);
}

static void
test_layouts(void **state)
{
	static const struct {
		unsigned version, body_type;
		size_t signed_len;
	} kinds[] = { { 3, 1, 432 }, { 4, 1, 432 }, { 4, 2, 632 }, { 5, 1, 438 }, { 5, 2, 638 },
		{ 5, 3, 702 }, { 5, 4, 939 } };
	struct made m;
	(void)state;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct quote q;
		make_quote(&m, kinds[i].version, kinds[i].body_type);
		enum assay_code rc =
		    assay_quote_parse(&q, (struct assay_bytes){ m.bytes, m.len }, &err);
		expect_outcome("layout", rc, &err, ASSAY_OK, "");
		assert_int_equal(q.version, kinds[i].version);
		assert_int_equal(q.body_type, kinds[i].body_type);
		assert_int_equal(q.signed_part.len, kinds[i].signed_len);
		assert_ptr_equal(q.signed_part.ptr, m.bytes);
		assert_int_equal(q.body.len, body_size(kinds[i].body_type));
		assert_ptr_equal(q.body.ptr, m.bytes + m.body);
		assert_int_equal(q.size, m.len);
		assert_int_equal(q.padding.len, 0);
		assert_int_equal(q.qe_svn, kinds[i].version == 3 ? 0x0807 : 0);
		assert_int_equal(q.signature.ptr[0], 0x33);
		assert_int_equal(q.attestation_key.ptr[0], 0x44);
		assert_int_equal(q.qe_report.isv_svn, 0x5555);
		assert_ptr_equal(q.qe_report_bytes.ptr, m.bytes + m.qe);
		assert_int_equal(q.qe_report_signature.ptr[0], 0x66);
		assert_int_equal(q.qe_auth_data.len, AUTH_LEN);
		assert_int_equal(q.qe_auth_data.ptr[0], 0x77);
		assert_int_equal(q.pck_cert_type, QUOTE_CERT_PCK_CHAIN);
		assert_int_equal(q.cert_data.len, CERT_LEN);
		assert_int_equal(q.cert_data.ptr[CERT_LEN - 1], 0x88);
		if (kinds[i].body_type == 1)
			assert_int_equal(q.sgx.report_data[63], 0x11);
		else
			assert_int_equal(q.td.report_data[63], 0x22);
		if (q.body_type == 2)
			assert_int_equal(q.td.mr_service_td[0], 0);
		if (q.body_type == 4)
			assert_true(q.td.cur_servtd_attr == 0x2222222222222222);
		assert_true(assay_quote_recognise((struct assay_bytes){ m.bytes, 48 }, q.tee_type));
		assert_false(
		    assay_quote_recognise((struct assay_bytes){ m.bytes, 47 }, q.tee_type));
		assert_false(assay_quote_recognise(
		    (struct assay_bytes){ m.bytes, m.len }, q.tee_type ^ QUOTE_TEE_TDX));
		damage(parse, (struct assay_bytes){ m.bytes, m.len });
	}
}

/* What is written where, in a quote that is otherwise good. */
static const struct {
	const char *name;
	unsigned version, body_type;
	enum { AT_START, AT_BODY, AT_SIG, AT_QE } from;
	size_t at, size; /* of the number; 1, 2 or 4 */
	uint32_t value;
	enum assay_code code;
	const char *words;
} cases[] = {
	{ "good", 4, 2, AT_START, 0, 2, 4, ASSAY_OK, "" },
	{ "version 2", 4, 2, AT_START, 0, 2, 2, ASSAY_E_UNSUPPORTED, "version at 0 is 2" },
	{ "version 6", 4, 2, AT_START, 0, 2, 6, ASSAY_E_UNSUPPORTED, "version at 0 is 6" },
	{ "EPID", 4, 2, AT_START, 2, 2, 1, ASSAY_E_UNSUPPORTED, "key type at 2 is 1" },
	{ "P-384", 4, 2, AT_START, 2, 2, 3, ASSAY_E_UNSUPPORTED, "key type at 2 is 3" },
	{ "other TEE", 4, 2, AT_START, 4, 4, 1, ASSAY_E_UNSUPPORTED, "TEE type at 4 is 0x1" },
	{ "version 3 for TDX", 3, 1, AT_START, 4, 4, 0x81, ASSAY_E_FORMAT, "SGX only" },
	{ "version 4 says 3", 4, 2, AT_START, 0, 2, 3, ASSAY_E_FORMAT, "SGX only" },
	{ "vendor", 4, 2, AT_START, 12, 1, 0, ASSAY_E_UNSUPPORTED, "not Intel's" },
	{ "reserved in v4", 4, 2, AT_START, 11, 1, 1, ASSAY_E_FORMAT,
	    "quote header: the reserved" },
	{ "reserved in v5", 5, 3, AT_START, 8, 1, 1, ASSAY_E_FORMAT, "byte at 0x8 is 0x01" },
	{ "body type 5", 5, 3, AT_START, 48, 2, 5, ASSAY_E_UNSUPPORTED, "body type at 48 is 5" },
	{ "body type 0", 5, 3, AT_START, 48, 2, 0, ASSAY_E_UNSUPPORTED, "body type at 48 is 0" },
	{ "SGX body for TDX", 5, 3, AT_START, 48, 2, 1, ASSAY_E_FORMAT, "does not go with" },
	{ "TD body for SGX", 5, 1, AT_START, 48, 2, 2, ASSAY_E_FORMAT, "does not go with" },
	{ "TDX body for v4 SGX", 4, 2, AT_START, 4, 4, 0, ASSAY_E_FORMAT, "SGX report" },
	{ "other body's size", 5, 3, AT_START, 50, 4, 584, ASSAY_E_FORMAT,
	    "body size at 50 is 584" },
	{ "endless body", 5, 3, AT_START, 50, 4, 0xffffffff, ASSAY_E_FORMAT, "body size at 50" },
	{ "SGX reserved 20", 3, 1, AT_BODY, 31, 1, 1, ASSAY_E_FORMAT, "SGX report: the reserved" },
	{ "SGX reserved 96", 4, 1, AT_BODY, 96, 1, 1, ASSAY_E_FORMAT, "byte at 0x60 is 0x01" },
	{ "SGX reserved 160", 4, 1, AT_BODY, 191, 1, 9, ASSAY_E_FORMAT, "byte at 0xbf is 0x09" },
	{ "SGX reserved 262", 4, 1, AT_BODY, 262, 1, 1, ASSAY_E_FORMAT, "byte at 0x106 is" },
	{ "signature too long", 3, 1, AT_SIG, 0, 4, 0xffffffff, ASSAY_E_FORMAT,
	    "at 432 says 4294967295" },
	{ "signature cut", 3, 1, AT_SIG, 0, 4, 100, ASSAY_E_FORMAT,
	    "signature data: ends too early" },
	{ "signature empty", 4, 2, AT_SIG, 0, 4, 0, ASSAY_E_FORMAT,
	    "signature data: ends too early" },
	{ "outer type 5", 4, 2, AT_SIG, 132, 2, 5, ASSAY_E_FORMAT, "must be 6 in version 4" },
	{ "outer size short", 4, 2, AT_SIG, 134, 4, 400, ASSAY_E_FORMAT, "follow its end" },
	{ "outer size long", 4, 2, AT_SIG, 134, 4, 9999, ASSAY_E_FORMAT, "ends too early" },
	{ "QE reserved", 4, 2, AT_QE, 20, 1, 1, ASSAY_E_FORMAT, "QE report: the reserved" },
	{ "auth data long", 4, 2, AT_QE, 448, 2, 0xffff, ASSAY_E_FORMAT,
	    "certification data: ends" },
	{ "auth data short", 4, 2, AT_QE, 448, 2, 0, ASSAY_E_FORMAT, "certification data: " },
	{ "inner type 6", 4, 2, AT_QE, 482, 2, 6, ASSAY_E_UNSUPPORTED, "data type is 6" },
	{ "inner type 0", 3, 1, AT_QE, 482, 2, 0, ASSAY_E_UNSUPPORTED, "data type is 0" },
	{ "inner type 8", 3, 1, AT_QE, 482, 2, 8, ASSAY_E_UNSUPPORTED, "data type is 8" },
	{ "inner type 7", 3, 1, AT_QE, 482, 2, 7, ASSAY_OK, "" },
	{ "inner type 1", 3, 1, AT_QE, 482, 2, 1, ASSAY_OK, "" },
	{ "inner size short", 3, 1, AT_QE, 484, 4, 39, ASSAY_E_FORMAT, "1 bytes follow its end" },
	{ "inner size long", 3, 1, AT_QE, 484, 4, 41, ASSAY_E_FORMAT, "ends too early" },
};

static void
test_refusals(void **state)
{
	struct made m;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		make_quote(&m, cases[i].version, cases[i].body_type);
		const size_t from[] = { 0, m.body, m.sig, m.qe };
		uint8_t *p = m.bytes + from[cases[i].from] + cases[i].at;
		if (cases[i].size == 1)
			*p = (uint8_t)cases[i].value;
		else if (cases[i].size == 2)
			put16(p, cases[i].value);
		else
			put32(p, cases[i].value);
		enum assay_code rc = parse((struct assay_bytes){ m.bytes, m.len }, &err);
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
	}
}

static void
test_padding(void **state)
{
	struct made m;
	struct assay_error err = { ASSAY_OK, "" };
	struct quote q;
	(void)state;

	make_quote(&m, 4, 2);
	struct assay_bytes in = { m.bytes, m.len + 70 };
	expect_outcome("zeros", assay_quote_parse(&q, in, &err), &err, ASSAY_OK, "");
	assert_int_equal(q.size, m.len);
	assert_int_equal(q.padding.len, 70);
	assert_int_equal(q.cert_data.len, CERT_LEN);
	m.bytes[m.len + 69] = 7;
	char words[64];
	(void)snprintf(words, sizeof words, "byte at %zu is 0x07", m.len + 69);
	expect_outcome("junk", assay_quote_parse(&q, in, &err), &err, ASSAY_E_FORMAT, words);

	uint8_t *big = calloc(1, QUOTE_MAX + 1);
	assert_non_null(big);
	memcpy(big, m.bytes, m.len);
	in = (struct assay_bytes){ big, QUOTE_MAX };
	expect_outcome("as long as allowed", parse(in, &err), &err, ASSAY_OK, "");
	in.len++;
	expect_outcome("too long", parse(in, &err), &err, ASSAY_E_FORMAT, "is 131073 bytes");
	free(big);
	in = (struct assay_bytes){ NULL, 0 };
	expect_outcome("nothing", parse(in, &err), &err, ASSAY_E_FORMAT, "is 0 bytes");
	in = (struct assay_bytes){ m.bytes, 100 };
	expect_outcome(
	    "no report", parse(in, &err), &err, ASSAY_E_FORMAT, "its report ends at 632");
	make_quote(&m, 5, 3);
	in = (struct assay_bytes){ m.bytes, 50 };
	expect_outcome("no descriptor", parse(in, &err), &err, ASSAY_E_FORMAT, "ends too early");
}

static void
test_untouched_on_failure(void **state)
{
	struct made m;
	struct quote q, before;
	(void)state;

	make_quote(&m, 4, 2);
	m.bytes[m.len] = 1;
	memset(&q, 0xee, sizeof q);
	before = q;
	assert_int_not_equal(
	    assay_quote_parse(&q, (struct assay_bytes){ m.bytes, m.len + 1 }, NULL), ASSAY_OK);
	assert_memory_equal(&q, &before, sizeof q);
}

static void
test_rows(void **state)
{
	(void)state;

	check_rows(quote_header_fields, sizeof(struct quote), QUOTE_HEADER_SIZE);
	check_rows(sgx_report_fields, sizeof(struct sgx_report), SGX_REPORT_SIZE);
	check_rows(td_report_fields, sizeof(struct td_report), TD_REPORT_EXT_SIZE);
}

/* What no row decodes must be zero, in the application's report and the QE's. */
static void
test_every_reserved_byte(void **state)
{
	struct made m;
	(void)state;

	make_quote(&m, 3, 1);
	const size_t from[] = { m.body, m.qe };
	for (size_t i = 0; i < 2; i++)
		for (size_t at = 0; at < SGX_REPORT_SIZE; at++) {
			m.bytes[from[i] + at] ^= 1;
			enum assay_code rc = parse((struct assay_bytes){ m.bytes, m.len }, NULL);
			m.bytes[from[i] + at] ^= 1;
			assert_int_equal(rc == ASSAY_OK, in_a_row(sgx_report_fields, at, 0));
		}
	for (size_t at = 0; at < TD_REPORT_EXT_SIZE; at++)
		assert_true(in_a_row(td_report_fields, at, 0));
}

/* --- real captures ----------------------------------------------------------------------- */

static const char *
text_of(const json_t *entry, const char *name)
{
	return json_string_value(json_object_get(entry, name));
}

/* The first certificate of a PEM chain. */
static void
leaf_of(struct assay_bytes chain, uint8_t *der, size_t *der_len)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	char *text = calloc(1, chain.len + 1);

	assert_non_null(text);
	memcpy(text, chain.ptr, chain.len);
	char *from = strstr(text, begin);
	assert_non_null(from);
	from += sizeof begin - 1;
	char *to = strstr(from, "-----END");
	assert_non_null(to);
	*to = '\0';
	assert_true(ASSAY_UNBASE64_MAX(strlen(from)) <= X509_MAX);
	assert_true(assay_unbase64(der, der_len, assay_bytes_of(from)));
	free(text);
}

static void
check_pck(const json_t *entry, const struct quote *q)
{
	uint8_t der[X509_MAX];
	size_t der_len = 0;
	struct x509_cert *cert = calloc(1, sizeof *cert);
	struct assay_error err = { ASSAY_OK, "" };
	struct pck_extension pck;

	assert_non_null(cert);
	leaf_of(q->cert_data, der, &der_len);
	enum assay_code rc =
	    assay_x509_parse(cert, (struct assay_bytes){ der, der_len }, "PCK", &err);
	expect_outcome("PCK", rc, &err, ASSAY_OK, "");
	const struct x509_extension *ext = assay_x509_extension(cert, pck_extension_oid);
	assert_non_null(ext);
	rc = assay_pck_extension_parse(&pck, ext->value, &err);
	expect_outcome("PCK extension", rc, &err, ASSAY_OK, "");
	expect_hex("fmspc", text_of(entry, "fmspc"), (struct assay_bytes){ pck.fmspc, 6 });
	expect_hex("components", text_of(entry, "sgx_comp_svn"),
	    (struct assay_bytes){ pck.components, 16 });
	assert_int_equal(pck.pce_svn, json_integer_value(json_object_get(entry, "pce_svn")));
	bool platform = strcmp(text_of(entry, "pck_ca"), "Platform CA") == 0;
	assert_int_equal(pck.has_platform_instance, platform);
	assert_int_equal(pck.has_configuration, platform);
	free(cert);
}

static void
check_quote(const json_t *entry)
{
	char path[256];
	struct assay_error err = { ASSAY_OK, "" };
	struct quote q;

	(void)snprintf(path, sizeof path, "dcap/%s", text_of(entry, "file"));
	struct assay_bytes in = vectors_read(path);
	assert_non_null(in.ptr);
	expect_outcome(path, assay_quote_parse(&q, in, &err), &err, ASSAY_OK, "");
	assert_int_equal(q.version, json_integer_value(json_object_get(entry, "version")));
	assert_int_equal(
	    q.pck_cert_type, json_integer_value(json_object_get(entry, "cert_data_type")));
	assert_int_equal(
	    q.qe_report.isv_svn, json_integer_value(json_object_get(entry, "qe_isvsvn")));
	assert_true(assay_quote_recognise(in, q.tee_type));
	assert_int_equal(q.size, in.len);
	if (q.tee_type == QUOTE_TEE_SGX) {
		expect_hex("mrenclave", text_of(entry, "mrenclave"),
		    (struct assay_bytes){ q.sgx.mr_enclave, 32 });
		expect_hex("mrsigner", text_of(entry, "mrsigner"),
		    (struct assay_bytes){ q.sgx.mr_signer, 32 });
		expect_hex("report_data", text_of(entry, "report_data"),
		    (struct assay_bytes){ q.sgx.report_data, 64 });
		assert_int_equal(
		    q.sgx.isv_svn, json_integer_value(json_object_get(entry, "isvsvn")));
		assert_int_equal(
		    q.sgx.isv_prod_id, json_integer_value(json_object_get(entry, "isvprodid")));
		assert_int_equal(
		    q.sgx.attributes >> 1 & 1, json_is_true(json_object_get(entry, "debug")));
	} else {
		expect_hex("mrtd", text_of(entry, "mrtd"), (struct assay_bytes){ q.td.mr_td, 48 });
		expect_hex("report_data", text_of(entry, "report_data"),
		    (struct assay_bytes){ q.td.report_data, 64 });
		expect_hex("tee_tcb_svn", text_of(entry, "tee_tcb_svn"),
		    (struct assay_bytes){ q.td.tee_tcb_svn, 16 });
		if (q.body_type == 3)
			expect_hex("tee_tcb_svn2", text_of(entry, "tee_tcb_svn2"),
			    (struct assay_bytes){ q.td.tee_tcb_svn2, 16 });
		assert_int_equal(
		    q.td.td_attributes & 1, json_is_true(json_object_get(entry, "debug")));
	}
	/* One capture is damaged inside its PCK CA certificate, not in its leaf. */
	if (q.pck_cert_type == QUOTE_CERT_PCK_CHAIN)
		check_pck(entry, &q);
	damage(parse, in);
	vectors_free(in);
}

static void
test_real_quotes(void **state)
{
	size_t i;
	json_t *entry;
	(void)state;

	struct assay_bytes file = vectors_read("dcap/manifest.json");
	if (file.ptr == NULL)
		return;
	json_t *manifest = json_loadb((const char *)file.ptr, file.len, 0, NULL);
	const json_t *quotes = json_object_get(manifest, "quotes");
	assert_true(json_array_size(quotes) >= 20);
	json_array_foreach(quotes, i, entry) check_quote(entry);
	json_decref(manifest);
	vectors_free(file);
}

/* Intel's own synthetic samples: certification type 1 with 34 bytes, and no auth data. */
static void
test_intel_samples(void **state)
{
	static const char *const paths[] = { "dcap/intel-qvl-sample/sgx/quote.dat",
		"dcap/intel-qvl-sample/tdx/quote.dat" };
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct quote q;
		struct assay_bytes in = vectors_read(paths[i]);
		if (in.ptr == NULL)
			return;
		expect_outcome(paths[i], assay_quote_parse(&q, in, &err), &err, ASSAY_OK, "");
		assert_int_equal(q.qe_auth_data.len, 0);
		vectors_free(in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_untouched_on_failure),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_reserved_byte),
		cmocka_unit_test(test_real_quotes),
		cmocka_unit_test(test_intel_samples),
	};

	return RUN_TESTS(tests);
}
