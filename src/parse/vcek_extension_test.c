/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include "crypto/x509.h"
#include "parse/snp_report.h"

enum { LIST_MAX = 20, ROOM = 80 };

/* An extension by the arcs behind 1.3.6.1.4.1.3704.1, and its value. */
struct made {
	uint8_t oids[LIST_MAX][10];
	uint8_t values[LIST_MAX][ROOM];
	struct x509_cert cert;
};

static void
add(struct made *m, const char *arcs, const void *value, size_t len)
{
	static const uint8_t prefix[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01 };
	size_t i = m->cert.extension_count++, n = strlen(arcs);

	memcpy(m->oids[i], prefix, sizeof prefix);
	memcpy(m->oids[i] + sizeof prefix, arcs, n);
	memcpy(m->values[i], value, len);
	m->cert.extensions[i].oid = (struct assay_bytes){ m->oids[i], sizeof prefix + n };
	m->cert.extensions[i].value = (struct assay_bytes){ m->values[i], len };
}

/* Replaces the value of an extension; NULL removes it. */
static void
change(struct made *m, const char *arcs, const void *value, size_t len)
{
	for (size_t i = 0; i < m->cert.extension_count; i++) {
		struct x509_extension *e = &m->cert.extensions[i];
		if (e->oid.len != 8 + strlen(arcs) ||
		    memcmp(e->oid.ptr + 8, arcs, strlen(arcs)) != 0)
			continue;
		if (value == NULL) {
			*e = m->cert.extensions[--m->cert.extension_count];
			return;
		}
		memcpy(m->values[i], value, len);
		e->value = (struct assay_bytes){ m->values[i], len };
		return;
	}
	fail_msg("no such extension");
}

static uint8_t hwid[64];

enum kind { MILAN_VCEK, TURIN_VCEK, GENOA_VLEK };

static struct made *
make(enum kind kind)
{
	struct made *m = calloc(1, sizeof *m);
	static const uint8_t other[] = { 0x55, 0x1d, 0x23 }; /* another authority's extension */

	assert_non_null(m);
	for (unsigned i = 0; i < sizeof hwid; i++)
		hwid[i] = (uint8_t)(4 + i); /* begins like an OCTET STRING */
	m->cert.extensions[m->cert.extension_count++].oid =
	    (struct assay_bytes){ other, sizeof other };
	add(m, "\1", kind == TURIN_VCEK ? "\2\1\1" : "\2\1\0", 3);
	if (kind == MILAN_VCEK)
		add(m, "\2", "\x16\x08Milan-B0", 10);
	else
		add(m, "\2", kind == TURIN_VCEK ? "\x16\5Turin" : "\x16\5Genoa", 7);
	add(m, "\3\1", "\2\1\3", 3);
	add(m, "\3\2", "\2\1\1", 3);
	add(m, "\3\3", "\2\1\x17", 3);
	if (kind != TURIN_VCEK)
		add(m, "\3\4", "\2\1\0", 3);
	add(m, "\3\5", "\2\1\0", 3);
	add(m, "\3\6", "\2\1\0", 3);
	add(m, "\3\7", "\2\1\0", 3);
	add(m, "\3\x08", "\2\2\0\xdb", 4);
	if (kind == TURIN_VCEK)
		add(m, "\3\x09", "\2\1\2", 3);
	if (kind == GENOA_VLEK)
		add(m, "\5", "\x16\5CN=cc", 7);
	else
		add(m, "\4", hwid, kind == TURIN_VCEK ? 8 : 64);
	return m;
}

static enum assay_code
parse(const struct made *m, struct assay_error *err)
{
	struct vcek_extension v;

	return assay_vcek_extension_parse(&v, &m->cert, err);
}

static void
test_good(void **state)
{
	struct vcek_extension v;
	(void)state;

	struct made *m = make(MILAN_VCEK);
	assert_int_equal(assay_vcek_extension_parse(&v, &m->cert, NULL), ASSAY_OK);
	assert_string_equal(v.product_name, "Milan-B0");
	assert_int_equal(v.product, SNP_MILAN);
	assert_int_equal(v.struct_version, 0);
	assert_true(v.tcb.bootloader == 3 && v.tcb.tee == 1 && v.tcb.snp == 0x17);
	assert_true(v.tcb.microcode == 0xdb && v.tcb.fmc == 0);
	assert_true(v.has_hwid && !v.has_csp_id && v.hwid_len == 64);
	assert_memory_equal(v.hwid, hwid, 64);
	uint8_t wrapped[66] = { 0x04, 64 };
	memcpy(wrapped + 2, hwid, 64);
	change(m, "\4", wrapped, 66);
	assert_int_equal(assay_vcek_extension_parse(&v, &m->cert, NULL), ASSAY_OK);
	assert_memory_equal(v.hwid, hwid, 64);
	change(m, "\2", "\x16\7Bergamo", 9); /* not a product here; for the verifier to judge */
	assert_int_equal(assay_vcek_extension_parse(&v, &m->cert, NULL), ASSAY_OK);
	assert_int_equal(v.product, SNP_UNKNOWN);
	add(m, "\6", "\2\1\1", 3); /* new beside the others: let pass */
	assert_int_equal(assay_vcek_extension_parse(&v, &m->cert, NULL), ASSAY_OK);
	free(m);

	m = make(TURIN_VCEK);
	assert_int_equal(assay_vcek_extension_parse(&v, &m->cert, NULL), ASSAY_OK);
	assert_int_equal(v.product, SNP_TURIN);
	assert_true(v.tcb.fmc == 2 && v.hwid_len == 8 && v.struct_version == 1);
	memcpy(wrapped, "\4\x08", 2);
	change(m, "\4", wrapped, 10);
	assert_int_equal(assay_vcek_extension_parse(&v, &m->cert, NULL), ASSAY_OK);
	assert_int_equal(v.hwid_len, 8);
	free(m);

	m = make(GENOA_VLEK);
	assert_int_equal(assay_vcek_extension_parse(&v, &m->cert, NULL), ASSAY_OK);
	assert_int_equal(v.product, SNP_GENOA);
	assert_true(v.has_csp_id && !v.has_hwid && v.hwid_len == 0);
	assert_string_equal(v.csp_id, "CN=cc");
	free(m);
}

static const struct {
	const char *name;
	enum kind kind;
	enum { CHANGE, REMOVE, ADD } how;
	const char *arcs, *value;
	size_t len;
	enum assay_code code;
	const char *words;
} cases[] = {
	{ "no structVersion", MILAN_VCEK, REMOVE, "\1", "", 0, ASSAY_E_FORMAT,
	    "structVersion (.1) is missing" },
	{ "no productName", MILAN_VCEK, REMOVE, "\2", "", 0, ASSAY_E_FORMAT,
	    "productName (.2) is missing" },
	{ "structVersion 2", MILAN_VCEK, CHANGE, "\1", "\2\1\2", 3, ASSAY_E_UNSUPPORTED,
	    "structVersion (.1) is 2" },
	{ "structVersion long", MILAN_VCEK, CHANGE, "\1", "\2\2\0\1", 4, ASSAY_E_FORMAT,
	    "structVersion (.1) is 02020001" },
	{ "Turin with version 0", MILAN_VCEK, CHANGE, "\2", "\x16\5Turin", 7, ASSAY_E_FORMAT,
	    "does not go with product Turin" },
	{ "Milan with version 1", TURIN_VCEK, CHANGE, "\2", "\x16\5Milan", 7, ASSAY_E_FORMAT,
	    "does not go with product Milan" },
	{ "name as UTF-8", MILAN_VCEK, CHANGE, "\2", "\x0c\5Milan", 7, ASSAY_E_FORMAT,
	    "productName (.2) is no IA5String" },
	{ "name too long", MILAN_VCEK, CHANGE, "\2",
	    "\x16\x10"
	    "0123456789abcdef",
	    18, ASSAY_E_FORMAT, "productName (.2) is no IA5String of 1 to 15" },
	{ "name with a newline", MILAN_VCEK, CHANGE, "\2", "\x16\5Mil\nn", 7, ASSAY_E_FORMAT,
	    "productName (.2) is no IA5String" },
	{ "name and more", MILAN_VCEK, CHANGE, "\2", "\x16\5Milan\0", 8, ASSAY_E_FORMAT,
	    "productName (.2) is no IA5String" },
	{ "no blSPL", MILAN_VCEK, REMOVE, "\3\1", "", 0, ASSAY_E_FORMAT,
	    "blSPL (.3.1) is missing" },
	{ "no ucodeSPL", TURIN_VCEK, REMOVE, "\3\x08", "", 0, ASSAY_E_FORMAT,
	    "ucodeSPL (.3.8) is missing" },
	{ "no spl4", MILAN_VCEK, REMOVE, "\3\4", "", 0, ASSAY_E_FORMAT, "spl4 (.3.4) is missing" },
	{ "spl4 on Turin", TURIN_VCEK, ADD, "\3\4", "\2\1\0", 3, ASSAY_E_FORMAT,
	    "spl4 (.3.4) must not stand" },
	{ "no FMC on Turin", TURIN_VCEK, REMOVE, "\3\x09", "", 0, ASSAY_E_FORMAT,
	    "fmcSPL (.3.9) is missing" },
	{ "FMC on Milan", MILAN_VCEK, ADD, "\3\x09", "\2\1\0", 3, ASSAY_E_FORMAT,
	    "fmcSPL (.3.9) must not stand" },
	{ "SPL 256", MILAN_VCEK, CHANGE, "\3\3", "\2\2\1\0", 4, ASSAY_E_FORMAT,
	    "snpSPL (.3.3) is 02020100" },
	{ "SPL -37", MILAN_VCEK, CHANGE, "\3\x08", "\2\1\xdb", 3, ASSAY_E_FORMAT,
	    "ucodeSPL (.3.8) is 0201db" },
	{ "SPL and more", MILAN_VCEK, CHANGE, "\3\1", "\2\1\3\0", 4, ASSAY_E_FORMAT,
	    "blSPL (.3.1) is 02010300" },
	{ "reserved SPL", MILAN_VCEK, CHANGE, "\3\6", "\2\1\1", 3, ASSAY_E_UNSUPPORTED,
	    "spl6 (.3.6) is 1" },
	{ "SPL twice", MILAN_VCEK, ADD, "\3\1", "\2\1\3", 3, ASSAY_E_FORMAT,
	    "blSPL (.3.1) stands twice" },
	{ "hwID twice", TURIN_VCEK, ADD, "\4", "12345678", 8, ASSAY_E_FORMAT,
	    "hwID (.4) stands twice" },
	{ "empty", MILAN_VCEK, CHANGE, "\3\1", "", 0, ASSAY_E_FORMAT, "blSPL (.3.1) is empty" },
	{ "SPL 10", MILAN_VCEK, ADD, "\3\x0a", "\2\1\0", 3, ASSAY_E_UNSUPPORTED, "ends in 030a" },
	{ "SPL of no number", MILAN_VCEK, ADD, "\3", "\2\1\0", 3, ASSAY_E_UNSUPPORTED, "in 03" },
	{ "neither id", MILAN_VCEK, REMOVE, "\4", "", 0, ASSAY_E_FORMAT, "has neither hwID" },
	{ "both ids", MILAN_VCEK, ADD, "\5", "\x16\1x", 3, ASSAY_E_FORMAT, "has both hwID" },
	{ "Turin's id on Milan", MILAN_VCEK, CHANGE, "\4", "12345678", 8, ASSAY_E_FORMAT,
	    "hwID (.4) is 8 bytes, must be 64" },
	{ "wrapped wrongly", TURIN_VCEK, CHANGE, "\4",
	    "\4\x09"
	    "12345678",
	    10, ASSAY_E_FORMAT, "hwID (.4) is 10 bytes, must be 8" },
	{ "CSP id", GENOA_VLEK, CHANGE, "\5", "\x16\1\x7f", 3, ASSAY_E_FORMAT,
	    "CSP id (.5) is no IA5String" },
};

static void
test_refusals(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct made *m = make(cases[i].kind);
		if (cases[i].how == ADD)
			add(m, cases[i].arcs, cases[i].value, cases[i].len);
		else
			change(m, cases[i].arcs, cases[i].how == REMOVE ? NULL : cases[i].value,
			    cases[i].len);
		expect_outcome(cases[i].name, parse(m, &err), &err, cases[i].code, cases[i].words);
		free(m);
	}
}

/* Every bit of every value. */
static void
test_flips(void **state)
{
	(void)state;

	for (enum kind kind = MILAN_VCEK; kind <= GENOA_VLEK; kind++) {
		struct made *m = make(kind);
		struct assay_error err = { ASSAY_OK, "" };
		for (size_t i = 1; i < m->cert.extension_count; i++)
			for (size_t bit = 0; bit < 8 * m->cert.extensions[i].value.len; bit++) {
				m->values[i][bit / 8] ^= (uint8_t)(1 << bit % 8);
				expect_sentence(parse(m, &err), &err);
				m->values[i][bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
		expect_outcome("whole again", parse(m, &err), &err, ASSAY_OK, "");
		free(m);
	}
}

static void
test_real_certs(void **state)
{
	static const struct {
		const char *path;
		enum snp_product product;
		bool vlek;
		size_t hwid_len;
	} real[] = {
		{ "milan-v2-a/vcek.der", SNP_MILAN, false, 64 },
		{ "milan-v2-b/vcek.der", SNP_MILAN, false, 64 },
		{ "milan-v3/vcek.der", SNP_MILAN, false, 64 },
		{ "milan-v3-vlek/vlek.der", SNP_MILAN, true, 0 },
		{ "genoa-v3/vcek.der", SNP_GENOA, false, 64 },
		{ "genoa-v5/vcek.der", SNP_GENOA, false, 64 },
		{ "turin-v5/vcek.der", SNP_TURIN, false, 8 },
		{ "turin-vcek-only/vcek.der", SNP_TURIN, false, 8 },
		{ "negative/vcek-invalid-raw-hwid.der", SNP_MILAN, false, 64 },
		{ "negative/vcek-invalid-octetstring-hwid.der", SNP_MILAN, false, 64 },
	};
	struct x509_cert *cert = calloc(1, sizeof *cert);
	(void)state;

	assert_non_null(cert);
	for (size_t i = 0; i < sizeof real / sizeof *real && vectors_present(); i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct vcek_extension v;
		struct snp_report rep;
		char path[128];
		(void)snprintf(path, sizeof path, "sev/snp/%s", real[i].path);
		struct assay_bytes in = vectors_read(path);
		expect_outcome(path, assay_x509_parse(cert, in, path, &err), &err, ASSAY_OK, "");
		expect_outcome(
		    path, assay_vcek_extension_parse(&v, cert, &err), &err, ASSAY_OK, "");
		assert_int_equal(v.product, real[i].product);
		assert_int_equal(v.has_csp_id, real[i].vlek);
		assert_int_equal(v.hwid_len, real[i].hwid_len);
		/* The report beside it was signed under this TCB by this chip. */
		(void)strcpy(strrchr(path, '/'), "/report.bin");
		struct assay_bytes report = vectors_read(path);
		if (report.ptr != NULL) {
			assert_int_equal(assay_snp_report_parse(&rep, report, &err), ASSAY_OK);
			struct snp_tcb tcb = assay_snp_tcb_decode(rep.reported_tcb, v.product);
			assert_memory_equal(&tcb, &v.tcb, sizeof tcb);
			assert_memory_equal(rep.chip_id, v.hwid, v.hwid_len);
		}
		vectors_free(report);
		vectors_free(in);
	}
	free(cert);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_real_certs),
	};

	return RUN_TESTS(tests);
}
