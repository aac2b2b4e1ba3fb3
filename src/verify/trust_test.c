/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "alloc.h"
#include "vectors.h"
#include "verify/roots.h"

/* --- help -------------------------------------------------------------------------------- */

static struct assay_trust *
make_trust(void)
{
	struct assay_trust *trust = NULL;

	assert_int_equal(assay_trust_new(&trust, NULL), ASSAY_OK);
	return trust;
}

static void
expect_outcome(const char *name, enum assay_code rc, const struct assay_error *err,
    enum assay_code want, const char *words)
{
	if (rc != want)
		fail_msg("%s: code %s, want %s (%s)", name, assay_code_name(rc),
		    assay_code_name(want), err->text);
	if (rc == ASSAY_OK)
		return;
	if (err->code != rc || words[0] == '\0' || strstr(err->text, words) == NULL)
		fail_msg("%s: \"%s\" says nothing of \"%s\"", name, err->text, words);
}

/* Adds what must be taken; returns how many items were in it. */
static size_t
add(struct assay_trust *trust, struct assay_bytes in, const char *name)
{
	struct assay_error err = { ASSAY_OK, "" };
	size_t added = 0;

	expect_outcome(name, assay_trust_add(trust, in, name, &added, &err), &err, ASSAY_OK, "");
	return added;
}

static void
expect_verified(const struct assay_trust *trust)
{
	struct assay_error err = { ASSAY_OK, "" };

	for (size_t i = 0; i < assay_trust_count(trust); i++)
		expect_outcome(assay_trust_item_name(trust, i),
		    assay_trust_item_verify(trust, i, &err), &err, ASSAY_OK, "");
}

/* A text that grows. */
struct text {
	FILE *file;
	char *ptr;
	size_t len;
};

static void
text_open(struct text *t)
{
	*t = (struct text){ 0 };
	t->file = open_memstream(&t->ptr, &t->len);
	assert_non_null(t->file);
}

static struct assay_bytes
text_close(struct text *t)
{
	assert_int_equal(fclose(t->file), 0);
	return (struct assay_bytes){ (const uint8_t *)t->ptr, t->len };
}

static void
put_pem(struct text *t, const char *label, struct assay_bytes der)
{
	unsigned char *base64 = malloc(der.len / 3 * 4 + 8);

	assert_non_null(base64);
	(void)EVP_EncodeBlock(base64, der.ptr, (int)der.len);
	(void)fprintf(t->file, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label, base64, label);
	free(base64);
}

static void
put_raw(struct text *t, struct assay_bytes raw)
{
	assert_int_equal(fwrite(raw.ptr, 1, raw.len, t->file), raw.len);
}

/* --- certificates of our own ------------------------------------------------------------- */

struct made {
	uint8_t bytes[SEV_CERT_SIZE];
	size_t len;
};

static struct assay_bytes
all(const struct made *m)
{
	return (struct assay_bytes){ m->bytes, m->len };
}

static EVP_PKEY *
make_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	assert_non_null(key);
	return key;
}

static void
put_part(X509_NAME *name, const char *type, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(
			     name, type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0),
	    1);
}

/* Of Intel's TCB signing key the whole of its name. */
static void
put_name(X509_NAME *name, const char *cn)
{
	static const char *const rest[][2] = { { "O", "Intel Corporation" }, { "L", "Santa Clara" },
		{ "ST", "CA" }, { "C", "US" } };

	put_part(name, "CN", cn);
	for (size_t i = 0; strcmp(cn, "Intel SGX TCB Signing") == 0 && i < 4; i++)
		put_part(name, rest[i][0], rest[i][1]);
}

static struct made
make_x509(EVP_PKEY *key, const char *subject, EVP_PKEY *by, const char *issuer, time_t since)
{
	struct made m = { .len = 0 };
	X509 *cert = X509_new();
	X509_EXTENSION *basic =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	unsigned char *p = m.bytes;

	assert_true(cert != NULL && basic != NULL);
	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 7), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), since));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), since + 86400));
	put_name(X509_get_subject_name(cert), subject);
	put_name(X509_get_issuer_name(cert), issuer);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_int_equal(X509_add_ext(cert, basic, -1), 1);
	assert_true(X509_sign(cert, by, EVP_sha256()) > 0);
	int n = i2d_X509(cert, NULL);
	assert_true(n > 0 && (size_t)n <= sizeof m.bytes);
	m.len = (size_t)i2d_X509(cert, &p);
	X509_EXTENSION_free(basic);
	X509_free(cert);
	return m;
}

/* Little-endian, as the SEV formats have it. */
static void
put_number(uint8_t *out, const BIGNUM *n)
{
	assert_int_equal(BN_bn2lebinpad(n, out, 48), 48);
}

/* A SEV certificate with one signature, by `by` in the role `by_usage`. */
static struct made
make_sev(EVP_PKEY *key, enum sev_usage usage, EVP_PKEY *by, enum sev_usage by_usage)
{
	struct made m = { .len = SEV_CERT_SIZE };
	unsigned char point[97], der[128];
	size_t len = 0, der_len = sizeof der;
	const unsigned char *p = der;

	m.bytes[0] = 1;
	m.bytes[8] = (uint8_t)usage;
	m.bytes[9] = (uint8_t)(usage >> 8);
	m.bytes[12] = SEV_ECDSA_SHA256;
	m.bytes[0x10] = 2;
	assert_int_equal(EVP_PKEY_get_octet_string_param(
			     key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len),
	    1);
	assert_int_equal(len, sizeof point);
	assay_reverse(m.bytes + 0x14, point + 1, 48);
	assay_reverse(m.bytes + 0x5c, point + 49, 48);

	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_non_null(ctx);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, by), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &der_len, m.bytes, SEV_CERT_SIGNED), 1);
	EVP_MD_CTX_free(ctx);
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der_len);
	assert_non_null(sig);
	m.bytes[0x414] = (uint8_t)by_usage;
	m.bytes[0x415] = (uint8_t)(by_usage >> 8);
	m.bytes[0x418] = SEV_ECDSA_SHA256;
	m.bytes[0x414 + 0x208] = 0; /* the second slot: of no one */
	m.bytes[0x415 + 0x208] = 0x10;
	put_number(m.bytes + 0x41c, ECDSA_SIG_get0_r(sig));
	put_number(m.bytes + 0x41c + 72, ECDSA_SIG_get0_s(sig));
	ECDSA_SIG_free(sig);
	return m;
}

/* --- collateral of every shape ----------------------------------------------------------- */

static const struct {
	const char *path;
	size_t items; /* 0: refused */
	const char *kind, *label, *subject;
} shapes[] = {
	{ "dcap/collateral/tdx-b0c06f-2025-06/tcb_info.json", 1, "TDX TCB info", "TCB INFO",
	    "TDX, FMSPC b0c06f000000" },
	{ "dcap/collateral/sgx-00606a-v2-2025-06/tcb_info.json", 1, "SGX TCB info", "TCB INFO",
	    "SGX, FMSPC 00606a000000" },
	{ "dcap/collateral/tdx-b0c06f-2025-06/qe_identity.json", 1, "QE identity",
	    "ENCLAVE IDENTITY", "TD QE" },
	{ "dcap/collateral/sgx-00606a-2025-08/qe_identity.json", 1, "QE identity",
	    "ENCLAVE IDENTITY", "QE" },
	{ "dcap/collateral/tdx-b0c06f-2025-06/pck_crl.der", 1, "PCK CRL", "X509 CRL",
	    "Intel SGX PCK Platform CA" },
	{ "dcap/collateral/sgx-00a067-2025-06/pck_crl.der", 1, "PCK CRL", "X509 CRL",
	    "Intel SGX PCK Processor CA" },
	{ "dcap/collateral/tdx-b0c06f-2025-06/root_ca_crl.der", 1, "root CRL", "X509 CRL",
	    "Intel SGX Root CA" },
	{ "dcap/collateral/tdx-b0c06f-2025-06/tcb_signing_chain.pem", 2, "certificate",
	    "CERTIFICATE", "Intel SGX TCB Signing" },
	{ "dcap/intel-qvl-sample/sgx/rootCaCrl.pem", 1, "root CRL", "X509 CRL",
	    "Intel SGX Root CA" },
	{ "dcap/containers/pcs-header-issuer-chains.txt", 6, "certificate", "CERTIFICATE",
	    "Intel SGX PCK Platform CA" },
	{ "dcap/roots/intel-sgx-root-ca.der", 1, "certificate", "CERTIFICATE",
	    "Intel SGX Root CA" },
	{ "sev/snp/genoa-v3-tsm/auxblob.bin", 3, "certificate", "CERTIFICATE", "ARK-Genoa" },
	{ "sev/snp/milan-v3-vlek/vlek.der", 1, "certificate", "CERTIFICATE", "SEV-VLEK" },
	{ "sev/roots/x509/milan_vcek_chain.pem", 2, "certificate", "CERTIFICATE", "SEV-Milan" },
	{ "sev/crl/genoa.crl.der", 1, "AMD CRL", "X509 CRL", "ARK-Genoa" },
	{ "sev/legacy/naples/pek.cert", 1, "SEV certificate", "SEV CERTIFICATE", "PEK" },
	{ "sev/legacy/milan/oca.cert", 1, "SEV certificate", "SEV CERTIFICATE", "OCA" },
	{ "sev/roots/legacy/rome.ask.cert", 1, "AMD certificate", "AMD CERTIFICATE", "ASK-Rome" },
	{ "sev/roots/legacy/naples.ark.nosig.cert", 1, "AMD certificate", "AMD CERTIFICATE",
	    "ARK-Naples" },
	{ "sev/snp/milan-v3/report.bin", 0, "", "", "" },
	/* PEM is found in whatever surrounds it, which is passed over: of these, all but the chains. */
	{ "dcap/quotes/tdx4-emr-b0c06f-a.bin", 3, "certificate", "CERTIFICATE",
	    "Intel SGX PCK Certificate" },
	{ "dcap/containers/openenclave-tdx_endorsement.bin", 6, "certificate", "CERTIFICATE",
	    "Intel SGX PCK Platform CA" },
	{ "dcap/tcb-eval-numbers/0625-tdxtcbeval.json", 0, "", "", "" },
};

static void
test_shapes(void **state)
{
	(void)state;

	if (!vectors_present())
		return;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct assay_trust *trust = make_trust();
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_bytes file = vectors_read(shapes[i].path);
		size_t added = 99;
		assert_true(file.len > 0);
		enum assay_code rc = assay_trust_add(trust, file, shapes[i].path, &added, &err);
		if (shapes[i].items == 0) {
			assert_int_not_equal(rc, ASSAY_OK);
			assert_true(err.code == rc && strstr(err.text, shapes[i].path) != NULL);
			assert_int_equal(assay_trust_count(trust), 0);
			assert_int_equal(added, 99);
		} else {
			expect_outcome(shapes[i].path, rc, &err, ASSAY_OK, "");
			if (added != shapes[i].items)
				fail_msg("%s: %zu items", shapes[i].path, added);
			assert_true(assay_trust_count(trust) <= added);
			assert_string_equal(assay_trust_item_name(trust, 0), shapes[i].path);
			assert_string_equal(assay_trust_item_kind(trust, 0), shapes[i].kind);
			assert_string_equal(assay_trust_item_label(trust, 0), shapes[i].label);
			assert_string_equal(assay_trust_item_subject(trust, 0), shapes[i].subject);
			assert_true(
			    assay_trust_item_since(trust, 0) < assay_trust_item_until(trust, 0));
		}
		vectors_free(file);
		assay_trust_free(trust);
	}
}

/* What dcap-qvl stores in one object is what the folder beside it holds in files. */
static void
test_dcap_qvl(void **state)
{
	static const char *const pairs[][2] = {
		{ "dcap/containers/dcap-qvl-sgx_quote_collateral.json",
		    "dcap/collateral/sgx-00a067-2025-06" },
		{ "dcap/containers/dcap-qvl-tdx_quote_collateral.json",
		    "dcap/collateral/tdx-b0c06f-2025-06" },
	};
	(void)state;

	for (size_t i = 0; i < 2 && vectors_present(); i++) {
		struct assay_trust *trust = make_trust();
		struct assay_bytes file = vectors_read(pairs[i][0]);
		size_t added = add(trust, file, pairs[i][0]);
		size_t kinds[4] = { 0 };
		assert_true(added >= assay_trust_count(trust));
		for (size_t j = 0; j < assay_trust_count(trust); j++)
			kinds[trust->items[j]->kind < 4 ? trust->items[j]->kind : 0]++;
		assert_true(kinds[ITEM_CERT] >= 2);
		assert_int_equal(kinds[ITEM_CRL], 2);
		assert_int_equal(kinds[ITEM_TCB_INFO], 1);
		assert_int_equal(kinds[ITEM_QE_IDENTITY], 1);
		expect_verified(trust);
		vectors_free(file);
		assay_trust_free(trust);
	}
}

/* DER, its hex, its base64 and its PEM are one item; so is a second copy. */
static void
test_text_forms(void **state)
{
	EVP_PKEY *key = make_key("P-256");
	struct made cert = make_x509(key, "One", key, "One", 1000000);
	struct assay_trust *trust = make_trust();
	struct text t;
	char hex[2 * sizeof cert.bytes + 1];
	unsigned char base64[2 * sizeof cert.bytes];
	(void)state;

	assert_int_equal(add(trust, all(&cert), "der"), 1);
	assert_int_equal(add(trust, all(&cert), "der"), 1);
	assay_hex(hex, all(&cert));
	assert_int_equal(add(trust, assay_bytes_of(hex), "hex"), 1);
	text_open(&t);
	(void)fprintf(t.file, "0x%s\r\n", hex);
	assert_int_equal(add(trust, text_close(&t), "marked hex"), 1);
	free(t.ptr);
	(void)EVP_EncodeBlock(base64, cert.bytes, (int)cert.len);
	assert_int_equal(add(trust, assay_bytes_of((char *)base64), "base64"), 1);
	text_open(&t);
	(void)fprintf(t.file, "some words\n");
	put_pem(&t, "CERTIFICATE", all(&cert));
	(void)fprintf(t.file, "words between\n");
	put_pem(&t, "CERTIFICATE", all(&cert));
	struct assay_bytes pem = text_close(&t);
	assert_int_equal(add(trust, pem, "pem"), 2);
	/* As a header has it: the values of several in one text, each behind its name. */
	struct text u;
	text_open(&u);
	(void)fprintf(u.file, "Issuer-Chain: ");
	for (size_t i = 0; i < pem.len; i++)
		if (strchr(" \n+=", pem.ptr[i]) != NULL)
			(void)fprintf(u.file, "%%%02X", (unsigned)pem.ptr[i]);
		else
			(void)fputc(pem.ptr[i], u.file);
	assert_int_equal(add(trust, text_close(&u), "header"), 2);
	free(u.ptr);
	free(t.ptr);

	assert_int_equal(assay_trust_count(trust), 1);
	assert_string_equal(assay_trust_item_name(trust, 0), "der"); /* the first to bring it */
	assert_int_equal(assay_trust_item_since(trust, 0), 1000000);
	assert_int_equal(assay_trust_item_until(trust, 0), 1086400);
	assert_true(assay_bytes_equal(assay_trust_item_bytes(trust, 0), all(&cert)));
	assert_int_equal(assay_trust_add(trust, all(&cert), "der", NULL, NULL), ASSAY_OK);
	assay_trust_free(trust);
	EVP_PKEY_free(key);
}

/* --- refusals ---------------------------------------------------------------------------- */

static const struct {
	const char *name, *in;
	size_t len; /* 0: of the text */
	enum assay_code code;
	const char *words;
} garbage[] = {
	{ "a word", "collateral", 0, ASSAY_E_UNSUPPORTED, "is no collateral" },
	{ "a NUL", "\0", 1, ASSAY_E_UNSUPPORTED, "is no collateral" },
	{ "white space", " \r\n\t", 0, ASSAY_E_UNSUPPORTED, "is no collateral" },
	{ "a brace", "{", 0, ASSAY_E_UNSUPPORTED, "is JSON, and neither" },
	{ "an empty object", "{}", 0, ASSAY_E_UNSUPPORTED, "is JSON, and neither" },
	{ "another object", "{\"a\": 1}", 0, ASSAY_E_UNSUPPORTED, "is JSON, and neither" },
	{ "TCB info alone", "{\"tcbInfo\": {}}", 0, ASSAY_E_FORMAT, "TCB info alone" },
	{ "QE identity alone", "{\"enclaveIdentity\": {}, \"signature\": \"\"}", 0, ASSAY_E_FORMAT,
	    "QE identity alone" },
	{ "DER of nothing", "\x30\x03\x02\x01\x01", 0, ASSAY_E_FORMAT, "DER of nothing" },
	{ "DER cut short", "\x30\x82\xff\xff\x30", 0, ASSAY_E_FORMAT, "DER cut short" },
	{ "DER without a head", "\x30\xff\xff\xff\xff", 0, ASSAY_E_FORMAT, "DER without a head" },
	{ "a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0,
	    ASSAY_E_UNSUPPORTED, "a PEM block \"PRIVATE KEY\" is no collateral" },
	{ "no base64", "-----BEGIN CERTIFICATE-----\nA!\n-----END CERTIFICATE-----\n", 0,
	    ASSAY_E_FORMAT, "is no base64" },
	{ "no end", "-----BEGIN CERTIFICATE-----\nAAAA\n", 0, ASSAY_E_FORMAT, "no end line" },
	{ "other end", "-----BEGIN X-----\nAAAA\n-----END Y-----\n", 0, ASSAY_E_FORMAT,
	    "same label" },
	{ "an empty block", "-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n", 0, ASSAY_E_FORMAT,
	    "an empty block" },
	{ "an empty PEM item", "-----BEGIN TCB INFO-----\n-----END TCB INFO-----\n", 0,
	    ASSAY_E_FORMAT, "an empty PEM item" },
	{ "percent", "-----BEGIN%20CERTIFICATE-----%0AA%", 0, ASSAY_E_FORMAT, "percent" },
};

static void
test_garbage(void **state)
{
	struct assay_trust *trust = make_trust();
	struct assay_error err = { ASSAY_OK, "" };
	size_t added = 99;
	(void)state;

	expect_outcome("empty",
	    assay_trust_add(trust, (struct assay_bytes){ NULL, 0 }, "empty", &added, &err), &err,
	    ASSAY_E_UNSUPPORTED, "empty: is empty");
	for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
		size_t n = garbage[i].len > 0 ? garbage[i].len : strlen(garbage[i].in);
		struct assay_bytes in = { (const uint8_t *)garbage[i].in, n };
		expect_outcome(garbage[i].name,
		    assay_trust_add(trust, in, garbage[i].name, &added, &err), &err,
		    garbage[i].code, garbage[i].words);
		assert_int_equal(assay_trust_count(trust), 0);
		assert_int_equal(added, 99);
	}
	assay_trust_free(trust);
}

/* Every truncation, and every bit: refused with words and nothing added, or taken whole. */
static void
test_damaged(void **state)
{
	EVP_PKEY *key = make_key("P-256"), *sev_key = make_key("P-384");
	struct made good[] = { make_x509(key, "One", key, "One", 1000000),
		make_sev(sev_key, SEV_USAGE_OCA, sev_key, SEV_USAGE_OCA) };
	(void)state;

	for (size_t g = 0; g < 2; g++) {
		struct assay_trust *trust = make_trust();
		struct assay_error err = { ASSAY_OK, "" };
		size_t taken = 0;
		for (size_t n = 0; n < good[g].len; n++) {
			struct assay_bytes in = { good[g].bytes, n };
			enum assay_code rc = assay_trust_add(trust, in, "cut", NULL, &err);
			assert_int_not_equal(rc, ASSAY_OK);
			assert_true(err.code == rc && err.text[0] != '\0');
			assert_int_equal(assay_trust_count(trust), 0);
		}
		for (size_t bit = 0; bit < 8 * good[g].len; bit += g == 0 ? 1 : 13) {
			good[g].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			enum assay_code rc =
			    assay_trust_add(trust, all(&good[g]), "bit", NULL, &err);
			good[g].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(rc == ASSAY_OK || (err.code == rc && err.text[0] != '\0'));
			taken += rc == ASSAY_OK;
			assert_int_equal(assay_trust_count(trust), taken);
		}
		/* What was taken is not believed: its own signature does not hold. A bit of an
		 * SEV certificate's unused slot is signed by no one. */
		for (size_t i = 0; g == 0 && i < assay_trust_count(trust); i++)
			assert_int_not_equal(assay_trust_item_verify(trust, i, &err), ASSAY_OK);
		assay_trust_free(trust);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(sev_key);
}

/*
 * A file whose second item is damaged is refused, with words and without a count; the items before
 * the damage stay. Collateral proves nothing by being held, so this believes nothing more.
 */
static void
test_damaged_second(void **state)
{
	EVP_PKEY *key = make_key("P-256"), *sev_key = make_key("P-384");
	struct made one = make_x509(key, "One", key, "One", 1000000);
	struct made two = make_x509(key, "Two", key, "Two", 1000000);
	struct made three = make_x509(key, "Three", key, "Three", 1000000);
	struct made oca = make_sev(sev_key, SEV_USAGE_OCA, sev_key, SEV_USAGE_OCA);
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_trust *trust = make_trust();
	size_t added = 99;
	struct text t;
	(void)state;

	two.bytes[1] ^= 1; /* the length of the whole */
	text_open(&t);
	put_pem(&t, "CERTIFICATE", all(&one));
	put_pem(&t, "CERTIFICATE", all(&two));
	put_pem(&t, "CERTIFICATE", all(&three));
	expect_outcome("pem", assay_trust_add(trust, text_close(&t), "pem", &added, &err), &err,
	    ASSAY_E_FORMAT, "pem");
	free(t.ptr);
	assert_int_equal(assay_trust_count(trust), 0); /* all of a file, or nothing of it */
	assert_int_equal(added, 99);

	text_open(&t);
	put_raw(&t, all(&oca));
	put_raw(&t, (struct assay_bytes){ oca.bytes, SEV_CERT_SIZE - 1 });
	expect_outcome("sev", assay_trust_add(trust, text_close(&t), "sev", &added, &err), &err,
	    ASSAY_E_FORMAT, "is 2083 bytes");
	free(t.ptr);
	assert_int_equal(assay_trust_count(trust), 0);
	assert_int_equal(added, 99);
	assay_trust_free(trust);
	EVP_PKEY_free(key);
	EVP_PKEY_free(sev_key);
}

/* --- what is genuine --------------------------------------------------------------------- */

static void
add_file(const char *path, struct assay_bytes file, void *context)
{
	assert_true(add(context, file, path) > 0);
}

/* All items as one bundle of PEM, read back: the same items in the same order. */
static void
check_bundle(const struct assay_trust *trust)
{
	struct assay_trust *again = make_trust();
	struct text t;

	text_open(&t);
	for (size_t i = 0; i < assay_trust_count(trust); i++)
		put_pem(&t, assay_trust_item_label(trust, i), assay_trust_item_bytes(trust, i));
	struct assay_bytes bundle = text_close(&t);
	assert_int_equal(add(again, bundle, "bundle"), assay_trust_count(trust));
	assert_int_equal(assay_trust_count(again), assay_trust_count(trust));
	for (size_t i = 0; i < assay_trust_count(trust); i++) {
		assert_true(assay_bytes_equal(
		    assay_trust_item_bytes(again, i), assay_trust_item_bytes(trust, i)));
		assert_string_equal(
		    assay_trust_item_label(again, i), assay_trust_item_label(trust, i));
		assert_string_equal(
		    assay_trust_item_kind(again, i), assay_trust_item_kind(trust, i));
		assert_string_equal(
		    assay_trust_item_subject(again, i), assay_trust_item_subject(trust, i));
		assert_string_equal(
		    assay_trust_item_note(again, i), assay_trust_item_note(trust, i));
		assert_string_equal(assay_trust_item_name(again, i), "bundle");
	}
	free(t.ptr);
	assay_trust_free(again);
}

static const char *const folders[] = {
	"dcap/collateral/sgx-00606a-2025-08",
	"dcap/collateral/sgx-00606a-v2-2025-06",
	"dcap/collateral/sgx-00906ed5-2025-05",
	"dcap/collateral/sgx-00a067-2025-06",
	"dcap/collateral/tdx-00806f-2025-06",
	"dcap/collateral/tdx-00806f-2026-06-eval21",
	"dcap/collateral/tdx-50806f-2023-06",
	"dcap/collateral/tdx-90c06f-2025-03",
	"dcap/collateral/tdx-90c06f-2026-02",
	"dcap/collateral/tdx-b0c06f-2025-06",
	"sev/roots/x509",
	"sev/roots/legacy",
	"sev/crl",
	"sev/legacy/naples",
	"sev/legacy/milan",
};

/* Some folders do not hold the PCK CA's certificate, without which a PCK CRL is undetermined: the
 * header file has it. */
static void
test_folders(void **state)
{
	struct assay_trust *everything = make_trust();
	(void)state;

	for (size_t f = 0; f < sizeof folders / sizeof *folders && vectors_present(); f++) {
		struct assay_trust *trust = make_trust();
		struct assay_bytes chains =
		    vectors_read("dcap/containers/pcs-header-issuer-chains.txt");
		vectors_each(folders[f], add_file, trust);
		size_t own = assay_trust_count(trust);
		assert_true(own > 0);
		if (strncmp(folders[f], "dcap", 4) == 0)
			(void)add(trust, chains, "chains");
		expect_verified(trust);
		check_bundle(trust);
		size_t count = assay_trust_count(trust);
		vectors_each(folders[f], add_file, trust);
		assert_int_equal(assay_trust_count(trust), count);
		vectors_each(folders[f], add_file, everything);
		vectors_free(chains);
		assay_trust_free(trust);
	}
	if (assay_trust_count(everything) > 0)
		check_bundle(everything);
	assay_trust_free(everything);
}

static void
test_sev_chain(void **state)
{
	static const char *const files[] = { "sev/legacy/naples/pdh.cert",
		"sev/legacy/naples/pek.cert", "sev/legacy/naples/oca.cert",
		"sev/legacy/naples/cek.cert", "sev/roots/legacy/naples.ask.cert",
		"sev/roots/legacy/naples.ark.cert" };
	struct assay_trust *trust = make_trust();
	struct assay_error err = { ASSAY_OK, "" };
	struct text sev, amd;
	(void)state;

	if (!vectors_present()) {
		assay_trust_free(trust);
		return;
	}
	text_open(&sev);
	text_open(&amd);
	for (size_t i = 0; i < 6; i++) {
		struct assay_bytes file = vectors_read(files[i]);
		put_raw(i < 4 ? &sev : &amd, file);
		vectors_free(file);
	}
	/* One file with several, as both vendors' tools write them. */
	struct assay_bytes chain = text_close(&sev), ask_ark = text_close(&amd);
	assert_int_equal(add(trust, chain, "chain"), 4);
	assert_int_equal(add(trust, ask_ark, "ask_ark"), 2);
	expect_verified(trust);
	check_bundle(trust);
	assert_string_equal(assay_trust_item_subject(trust, 4), "ASK-Naples");
	assert_string_equal(assay_trust_item_subject(trust, 5), "ARK-Naples");
	assay_trust_free(trust);

	/* Alone, a PDH leads nowhere; with its PEK it stops there. */
	trust = make_trust();
	for (size_t n = 1; n <= 2; n++) {
		(void)add(trust, (struct assay_bytes){ chain.ptr, n * SEV_CERT_SIZE }, "part");
		expect_outcome("part", assay_trust_item_verify(trust, 0, &err), &err,
		    ASSAY_E_INCOMPLETE,
		    n == 1 ? "the PEK that signed this PDH is not here"
			   : "the CEK that signed this PEK is not here");
	}
	assay_trust_free(trust);
	free(sev.ptr);
	free(amd.ptr);
}

static void
test_forged(void **state)
{
	static const struct {
		const char *path;
		enum assay_code code;
	} cases[] = {
		{ "sev/snp/negative/vcek-invalid-raw-hwid.der", ASSAY_E_SIGNATURE },
		{ "sev/snp/negative/vcek-invalid-octetstring-hwid.der", ASSAY_E_SIGNATURE },
		{ "dcap/roots/intel-preproduction-root-ca.der", ASSAY_E_SIGNATURE },
		{ "dcap/intel-qvl-sample/sgx/trustedRootCaCert.pem", ASSAY_E_SIGNATURE },
		{ "dcap/intel-qvl-sample/sgx/rootCaCrl.pem", ASSAY_E_SIGNATURE },
		{ "dcap/intel-qvl-sample/sgx/tcbInfo.json", ASSAY_E_INCOMPLETE },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases && vectors_present(); i++) {
		struct assay_trust *trust = make_trust();
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_bytes file = vectors_read(cases[i].path);
		assert_int_equal(add(trust, file, cases[i].path), 1);
		expect_outcome(cases[i].path, assay_trust_item_verify(trust, 0, &err), &err,
		    cases[i].code, cases[i].path);
		vectors_free(file);
		assay_trust_free(trust);
	}
}

/* Whoever signs each other is asked once each and believed for nothing. */
static void
test_circles(void **state)
{
	EVP_PKEY *a = make_key("P-384"), *b = make_key("P-384");
	EVP_PKEY *x = make_key("P-256"), *y = make_key("P-256");
	struct made oca_a = make_sev(a, SEV_USAGE_OCA, b, SEV_USAGE_OCA);
	struct made oca_b = make_sev(b, SEV_USAGE_OCA, a, SEV_USAGE_OCA);
	struct made oca = make_sev(a, SEV_USAGE_OCA, a, SEV_USAGE_OCA);
	struct made pek = make_sev(a, SEV_USAGE_PEK, b, SEV_USAGE_PEK);
	struct made cert_x = make_x509(x, "X", y, "Y", 1000000);
	struct made cert_y = make_x509(y, "Y", x, "X", 1000000);
	struct assay_trust *trust = make_trust();
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	(void)add(trust, all(&oca_a), "a");
	(void)add(trust, all(&oca_b), "b");
	(void)add(trust, all(&pek), "pek");
	for (size_t i = 0; i < 3; i++)
		expect_outcome("oca", assay_trust_item_verify(trust, i, &err), &err,
		    ASSAY_E_INCOMPLETE, "that signed this");
	/* An owner's certificate is its own root. */
	(void)add(trust, all(&oca), "oca");
	assert_int_equal(assay_trust_item_verify(trust, 3, &err), ASSAY_OK);
	(void)add(trust, all(&cert_x), "x");
	(void)add(trust, all(&cert_y), "y");
	expect_outcome("x", assay_trust_item_verify(trust, 4, &err), &err, ASSAY_E_SIGNATURE,
	    "is not signed by its issuer");
	assay_trust_free(trust);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	EVP_PKEY_free(x);
	EVP_PKEY_free(y);
}

/* Nothing in a SEV certificate names its signer, so whoever brings many has each of them tried: only so
 * many are, and the one behind it first. */
static void
test_sev_tries(void **state)
{
	static const struct {
		size_t before, after; /* fakes, on the way from the PDH to its PEK */
		bool found;
	} cases[] = { { 0, 127, true }, { 0, 128, false }, { 300, 0, true }, { 300, 128, false } };
	EVP_PKEY *fake = make_key("P-384"), *key = make_key("P-384"), *cek = make_key("P-384");
	struct made other = make_sev(fake, SEV_USAGE_PEK, cek, SEV_USAGE_CEK);
	struct made pek = make_sev(key, SEV_USAGE_PEK, cek, SEV_USAGE_CEK);
	struct made pdh = make_sev(fake, SEV_USAGE_PDH, key, SEV_USAGE_PEK);
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_trust *trust = make_trust();
		uint32_t mark = 0;
		for (; mark < cases[i].before; mark++) {
			memcpy(other.bytes + SEV_CERT_SIZE - sizeof mark, &mark, sizeof mark);
			(void)add(trust, all(&other), "fake");
		}
		(void)add(trust, all(&pdh), "pdh");
		for (; mark < cases[i].before + cases[i].after; mark++) {
			memcpy(other.bytes + SEV_CERT_SIZE - sizeof mark, &mark, sizeof mark);
			(void)add(trust, all(&other), "fake");
		}
		(void)add(trust, all(&pek), "pek");
		expect_outcome("pdh", assay_trust_item_verify(trust, cases[i].before, &err), &err,
		    ASSAY_E_INCOMPLETE,
		    cases[i].found ? "the CEK that signed this PEK is not here"
				   : "none of 128 signed this PDH: put its PEK behind it");
		assay_trust_free(trust);
	}
	EVP_PKEY_free(fake);
	EVP_PKEY_free(key);
	EVP_PKEY_free(cek);
}

/* The same of the certificates that have the name of Intel's TCB signing key. */
static void
test_document_tries(void **state)
{
	EVP_PKEY *key = make_key("P-256");
	(void)state;

	for (time_t fakes = 11; fakes <= 12 && vectors_present(); fakes++) {
		struct assay_trust *trust = make_trust();
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_bytes chain =
		    vectors_read("dcap/collateral/tdx-90c06f-2026-02/tcb_signing_chain.pem");
		struct assay_bytes info =
		    vectors_read("dcap/collateral/tdx-90c06f-2026-02/tcb_info.json");
		assert_int_equal(add(trust, info, "info"), 1);
		for (time_t n = 0; n < fakes; n++) {
			struct made m = make_x509(key, "Intel SGX TCB Signing", key, "X", n);
			(void)add(trust, all(&m), "fake");
		}
		(void)add(trust, chain, "chain");
		expect_outcome("info", assay_trust_item_verify(trust, 0, &err), &err,
		    fakes == 11 ? ASSAY_OK : ASSAY_E_SIGNATURE,
		    fakes == 11 ? "" : "any of the first 12 TCB signing certificates");
		vectors_free(chain);
		vectors_free(info);
		assay_trust_free(trust);
	}
	EVP_PKEY_free(key);
}

/* --- roots of the caller's --------------------------------------------------------------- */

static void
test_roots(void **state)
{
	EVP_PKEY *key = make_key("P-256"), *other = make_key("P-256");
	struct made root = make_x509(key, "Root", key, "Root", 1000000);
	struct made second = make_x509(other, "Second", other, "Second", 1000000);
	struct made leaf = make_x509(other, "Leaf", key, "Root", 1000000);
	struct made liar =
	    make_x509(other, "Root", key, "Root", 1000000); /* only the names agree */
	struct made damaged = root;
	struct assay_trust *trust = make_trust();
	struct assay_error err = { ASSAY_OK, "" };
	const size_t builtin = trust->anchor_count;
	struct text t, u, v;
	(void)state;

	damaged.bytes[damaged.len - 1] ^= 1;
	text_open(&t);
	put_pem(&t, "X509 CRL", all(&root));
	struct assay_bytes labelled = text_close(&t);
	text_open(&u);
	put_pem(&u, "CERTIFICATE", all(&second));
	put_pem(&u, "CERTIFICATE", all(&root));
	struct assay_bytes two = text_close(&u);
	text_open(&v);
	put_pem(&v, "CERTIFICATE", all(&leaf));
	struct assay_bytes leaf_pem = text_close(&v);
	const struct {
		const char *name;
		struct assay_bytes in;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "empty", { NULL, 0 }, ASSAY_E_FORMAT, "empty" },
		{ "garbage", assay_bytes_of("garbage"), ASSAY_E_FORMAT, "garbage" },
		{ "leaf", all(&leaf), ASSAY_E_USAGE, "not self-signed" },
		{ "leaf in PEM", leaf_pem, ASSAY_E_USAGE, "not self-signed" },
		{ "liar", all(&liar), ASSAY_E_SIGNATURE, "its own signature does not verify" },
		{ "damaged", all(&damaged), ASSAY_E_SIGNATURE,
		    "its own signature does not verify" },
		{ "cut short", { root.bytes, root.len - 1 }, ASSAY_E_FORMAT, "cut short" },
		{ "followed", { root.bytes, root.len + 1 }, ASSAY_E_FORMAT, "followed" },
		{ "label", labelled, ASSAY_E_USAGE, "a PEM block \"X509 CRL\"" },
		{ "no base64",
		    assay_bytes_of("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
		    ASSAY_E_FORMAT, "is no base64" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		expect_outcome(cases[i].name,
		    assay_trust_add_root(trust, cases[i].in, cases[i].name, &err), &err,
		    cases[i].code, cases[i].words);
		assert_int_equal(trust->anchor_count, builtin);
	}

	(void)add(trust, all(&leaf), "leaf");
	assert_int_equal(assay_trust_item_verify(trust, 0, &err), ASSAY_E_INCOMPLETE);
	assert_int_equal(assay_trust_add_root(trust, two, "two", &err), ASSAY_OK);
	assert_int_equal(trust->anchor_count, builtin + 2);
	for (size_t i = builtin; i < builtin + 2; i++) {
		const struct anchor *a = &trust->anchors[i];
		assert_true(a->root && !a->builtin && a->amd == NULL);
		assert_string_equal(a->name, "two");
		assert_int_equal(a->not_before, 1000000);
		assert_int_equal(a->not_after, 1086400);
	}
	assert_int_equal(assay_trust_item_verify(trust, 0, &err), ASSAY_OK);
	assert_int_equal(assay_trust_count(trust), 1); /* a root is no collateral */
	assay_trust_free(trust);
	free(t.ptr);
	free(u.ptr);
	free(v.ptr);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* Of an AMD file the ARK is taken; a file of an ASK alone holds no root. */
static void
test_amd_roots(void **state)
{
	struct assay_trust *trust = make_trust();
	struct assay_error err = { ASSAY_OK, "" };
	const size_t builtin = trust->anchor_count;
	struct assay_bytes ask = vectors_read("sev/roots/legacy/rome.ask.cert");
	struct assay_bytes ark = vectors_read("sev/roots/legacy/rome.ark.cert");
	struct text t;
	(void)state;

	if (ask.len > 0 && ark.len > 0) {
		expect_outcome("ask", assay_trust_add_root(trust, ask, "ask", &err), &err,
		    ASSAY_E_USAGE, "holds no trust anchor");
		assert_int_equal(trust->anchor_count, builtin);
		text_open(&t);
		put_raw(&t, ask);
		put_raw(&t, ark);
		struct assay_bytes both = text_close(&t);
		assert_int_equal(assay_trust_add_root(trust, both, "both", &err), ASSAY_OK);
		assert_int_equal(trust->anchor_count, builtin + 1);
		assert_true(assay_public_equal(
		    trust->anchors[builtin].key.public, assay_sev_authorities[1].ark));
		assert_false(trust->anchors[builtin].builtin);
		both.len -= ark.len - 7;
		expect_outcome("cut", assay_trust_add_root(trust, both, "cut", &err), &err,
		    ASSAY_E_FORMAT, "7 bytes follow the last AMD certificate");
		assert_int_equal(trust->anchor_count, builtin + 1);
		free(t.ptr);
	}
	vectors_free(ask);
	vectors_free(ark);
	assay_trust_free(trust);
}

/* --- which of two counts ----------------------------------------------------------------- */

static void
test_replaced(void **state)
{
	EVP_PKEY *key = make_key("P-256"), *other = make_key("P-256");
	struct made made[] = {
		make_x509(key, "One", key, "One", 1000000),
		make_x509(key, "One", key, "One", 2000000),   /* newer */
		make_x509(other, "One", key, "One", 3000000), /* another key */
		make_x509(key, "Two", key, "One", 3000000),   /* another name */
		make_x509(key, "One", key, "One", 2000000),   /* as new, signed anew: comes later */
	};
	struct assay_trust *trust = make_trust();
	(void)state;

	for (size_t i = 0; i < 5; i++)
		(void)add(trust, all(&made[i]), "made");
	assert_int_equal(assay_trust_count(trust), 5);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++) {
			bool want = (i == 0 && (j == 1 || j == 4)) || (i == 1 && j == 4);
			if (assay_trust_item_replaced(trust, i, j) != want)
				fail_msg("%zu by %zu", i, j);
		}
	assay_trust_free(trust);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* A CRL of "One": its number, from when on, and the serials that it lists (0 ends them). */
static struct made
make_crl(EVP_PKEY *by, long number, time_t since, const long *serials)
{
	struct made m = { .len = 0 };
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *time = ASN1_TIME_new();
	ASN1_INTEGER *integer = ASN1_INTEGER_new();
	unsigned char *p = m.bytes;

	assert_true(crl != NULL && name != NULL && time != NULL && integer != NULL);
	put_name(name, "One");
	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl, name), 1);
	assert_non_null(ASN1_TIME_set(time, since));
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, time), 1);
	assert_non_null(ASN1_TIME_set(time, since + 86400));
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, time), 1);
	for (; *serials != 0; serials++) {
		X509_REVOKED *entry = X509_REVOKED_new();
		assert_int_equal(ASN1_INTEGER_set(integer, *serials), 1);
		assert_int_equal(X509_REVOKED_set_serialNumber(entry, integer), 1);
		assert_int_equal(X509_REVOKED_set_revocationDate(entry, time), 1);
		assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
	}
	assert_int_equal(ASN1_INTEGER_set(integer, number), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, integer, 0, 0), 1);
	assert_true(X509_CRL_sign(crl, by, EVP_sha256()) > 0);
	int n = i2d_X509_CRL(crl, NULL);
	assert_true(n > 0 && (size_t)n <= sizeof m.bytes);
	m.len = (size_t)i2d_X509_CRL(crl, &p);
	X509_NAME_free(name);
	ASN1_TIME_free(time);
	ASN1_INTEGER_free(integer);
	X509_CRL_free(crl);
	return m;
}

/* The CRL of the other line of one ARK is newer and lists nothing: what revokes must stay. */
static void
test_replaced_crl(void **state)
{
	static const long none[] = { 0 }, five[] = { 5, 0 }, more[] = { 3, 5, 0 };
	EVP_PKEY *key = make_key("P-256");
	struct made made[] = {
		make_crl(key, 4, 1000000, five),
		make_crl(key, 5, 2000000, none), /* newer, and lists less */
		make_crl(key, 6, 3000000, more), /* newer than both, and lists all */
	};
	struct assay_trust *trust = make_trust();
	(void)state;

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(add(trust, all(&made[i]), "made"), 1);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			if (assay_trust_item_replaced(trust, i, j) != (i < 2 && j == 2))
				fail_msg("%zu by %zu", i, j);
	assay_trust_free(trust);
	EVP_PKEY_free(key);
}

static void
test_replaced_collateral(void **state)
{
	static const char *const files[] = { "tdx-00806f-2025-06/tcb_info.json",
		"tdx-00806f-2026-06-eval21/tcb_info.json", "tdx-90c06f-2025-03/tcb_info.json",
		"tdx-90c06f-2026-02/tcb_info.json", "tdx-00806f-2025-06/qe_identity.json",
		"tdx-00806f-2026-06-eval21/qe_identity.json", "tdx-00806f-2025-06/pck_crl.der",
		"tdx-00806f-2026-06-eval21/pck_crl.der", "tdx-00806f-2025-06/root_ca_crl.der",
		"tdx-00806f-2026-06-eval21/root_ca_crl.der", "sgx-00a067-2025-06/pck_crl.der",
		"sgx-00a067-2025-06/qe_identity.json" };
	enum { FILES = sizeof files / sizeof *files };
	struct assay_trust *trust = make_trust();
	(void)state;

	for (size_t i = 0; i < FILES && vectors_present(); i++) {
		char path[96];
		(void)snprintf(path, sizeof path, "dcap/collateral/%s", files[i]);
		struct assay_bytes file = vectors_read(path);
		assert_int_equal(add(trust, file, files[i]), 1);
		vectors_free(file);
	}
	/* The first ten are pairs of an older and a newer; nothing else replaces anything. */
	size_t count = assay_trust_count(trust);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			if (assay_trust_item_replaced(trust, i, j) !=
			    (i < 10 && i % 2 == 0 && j == i + 1))
				fail_msg("%s by %s", files[i], files[j]);
	assay_trust_free(trust);
}

/* --- floors and lists -------------------------------------------------------------------- */

static const struct {
	const char *text;
	bool good;
	int fmc, bootloader, tee, snp, microcode; /* -1: not named */
} tcbs[] = {
	{ "snp=22,microcode=206", true, -1, -1, -1, 22, 206 },
	{ "fmc=1 bootloader=2\ttee=0\r\nsnp=3\nmicrocode=255", true, 1, 2, 0, 3, 255 },
	{ "# a file\nsnp=22 # behind a rule\n\n# microcode=1\r\ntee=4\n", true, -1, -1, 4, 22, -1 },
	{ ",,snp=0,", true, -1, -1, -1, 0, -1 },
	{ "snp=007", true, -1, -1, -1, 7, -1 },
	{ "#", false, 0, 0, 0, 0, 0 },
	{ "", false, 0, 0, 0, 0, 0 },
	{ " ,\r\n", false, 0, 0, 0, 0, 0 },
	{ "# snp=1", false, 0, 0, 0, 0, 0 },
	{ "snp", false, 0, 0, 0, 0, 0 },
	{ "snp=", false, 0, 0, 0, 0, 0 },
	{ "snp=256", false, 0, 0, 0, 0, 0 },
	{ "snp=0007", false, 0, 0, 0, 0, 0 },
	{ "snp=99999999999999999999", false, 0, 0, 0, 0, 0 },
	{ "snp=-1", false, 0, 0, 0, 0, 0 },
	{ "snp=+1", false, 0, 0, 0, 0, 0 },
	{ "snp=0x1", false, 0, 0, 0, 0, 0 },
	{ "snp=1x", false, 0, 0, 0, 0, 0 },
	{ "snp =1", false, 0, 0, 0, 0, 0 },
	{ "SNP=1", false, 0, 0, 0, 0, 0 },
	{ "ucode=1", false, 0, 0, 0, 0, 0 },
	{ "snpx=1", false, 0, 0, 0, 0, 0 },
	{ "=1", false, 0, 0, 0, 0, 0 },
	{ "snp=1;tee=2", false, 0, 0, 0, 0, 0 },
	{ "snp=1,snp=1", false, 0, 0, 0, 0, 0 },
	{ "tee=1,nothing=2", false, 0, 0, 0, 0, 0 },
	{ "snp=1#", false, 0, 0, 0, 0, 0 },
};

static void
expect_part(const char *text, bool has, uint8_t value, int want)
{
	if (has != (want >= 0) || (has && value != want))
		fail_msg("\"%s\": a part is %d, %u; want %d", text, has, value, want);
}

static void
test_min_tcb(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (size_t i = 0; i < sizeof tcbs / sizeof *tcbs; i++) {
		struct assay_trust *trust = make_trust();
		const struct min_tcb *min = &trust->min_tcb;
		assert_int_equal(assay_trust_set_min_tcb(trust, "tee=9", &err), ASSAY_OK);
		enum assay_code rc = assay_trust_set_min_tcb(trust, tcbs[i].text, &err);
		if (rc != (tcbs[i].good ? ASSAY_OK : ASSAY_E_USAGE))
			fail_msg("\"%s\": code %s", tcbs[i].text, assay_code_name(rc));
		assert_true(min->set);
		if (tcbs[i].good) { /* and nothing of the earlier one */
			expect_part(tcbs[i].text, min->has_fmc, min->tcb.fmc, tcbs[i].fmc);
			expect_part(tcbs[i].text, min->has_bootloader, min->tcb.bootloader,
			    tcbs[i].bootloader);
			expect_part(tcbs[i].text, min->has_tee, min->tcb.tee, tcbs[i].tee);
			expect_part(tcbs[i].text, min->has_snp, min->tcb.snp, tcbs[i].snp);
			expect_part(tcbs[i].text, min->has_microcode, min->tcb.microcode,
			    tcbs[i].microcode);
		} else { /* the earlier one stays whole */
			assert_true(err.code == rc && err.text[0] != '\0');
			assert_true(min->has_tee && min->tcb.tee == 9 && !min->has_snp);
		}
		assay_trust_free(trust);
	}
}

#define ID16 "00112233445566778899aabbccddeeff"
static const struct {
	const char *text;
	size_t rules;      /* if good */
	const char *words; /* of the refusal; NULL: good */
} lists[] = {
	{ "", 0, "holds no rule" },
	{ "\n\r\n# nothing\n  # here\n", 0, "holds no rule" },
	{ "allow ppid " ID16 "\nallow ppid 00\n", 0, "line 2: " },
	{ "allow ppid " ID16 "\n", 1, NULL },
	{ "deny ppid " ID16, 1, NULL },
	{ "\tallow\tchip-id  aabbccddeeff0011 # of Turin\r\ndeny cek " ID16 ID16 "\r\n", 2, NULL },
	{ "allow platform-instance " ID16 "\r", 1, NULL },
	{ "allow ppid 00112233445566778899AABBccddEEFF#x\n", 1, NULL },
	{ "deny chip-id " ID16 ID16 ID16 ID16, 1, NULL },
	{ "allow", 0, "line 1: want: allow|deny" },
	{ "allow ppid", 0, "line 1: want: allow|deny" },
	{ "allow ppid # " ID16, 0, "line 1: want: allow|deny" },
	{ "permit ppid " ID16, 0, "line 1: want: allow|deny" },
	{ "Allow ppid " ID16, 0, "line 1: want: allow|deny" },
	{ "\n#\nallow fmspc " ID16, 0, "line 3: want: allow|deny" },
	{ "allow ppid " ID16 " " ID16, 0, "line 1: want: allow|deny" },
	{ "allowppid " ID16, 0, "line 1: want: allow|deny" },
	{ "allow ppid " ID16 "\rallow ppid " ID16, 0, "line 1: want: allow|deny" },
	{ "allow ppid 0", 0, "is not hex of 16 bytes" },
	{ "allow ppid 00", 0, "is not hex of 16 bytes" },
	{ "allow ppid 0x" ID16, 0, "is not hex of 16 bytes" },
	{ "allow ppid x0112233445566778899aabbccddeeff", 0, "is not hex of 16 bytes" },
	{ "allow ppid " ID16 "0", 0, "is not hex of 16 bytes" },
	{ "allow ppid " ID16 "00", 0, "is not hex of 16 bytes" },
	{ "allow platform-instance aabbccddeeff0011", 0, "is not hex of 16 bytes" },
	{ "allow cek " ID16, 0, "is not hex of 32 bytes" },
	{ "allow cek " ID16 ID16 "00", 0, "is not hex of 32 bytes" },
	{ "allow chip-id " ID16, 0, "is not hex of 64 bytes, of Turin 8" },
	{ "allow chip-id aabbccddeeff00", 0, "is not hex of 64 bytes, of Turin 8" },
	{ "allow chip-id " ID16 ID16 ID16 ID16 "00", 0, "is not hex of 64 bytes" },
	{ "allow ppid " ID16 "," ID16, 0, "is not hex of 16 bytes" },
};

static void
test_platforms(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct assay_trust *trust = make_trust();
		enum assay_code rc =
		    assay_trust_add_platforms(trust, assay_bytes_of(lists[i].text), "list", &err);
		expect_outcome(lists[i].text, rc, &err,
		    lists[i].words == NULL ? ASSAY_OK : ASSAY_E_USAGE, lists[i].words);
		assert_int_equal(trust->platform_count, lists[i].rules);
		assay_trust_free(trust);
	}
}

static void
test_listing(void **state)
{
	static const struct {
		enum platform_kind kind;
		const char *id;
		enum platform_listing want;
	} cases[] = {
		{ PLATFORM_PPID, ID16, PLATFORM_ALLOWED },
		{ PLATFORM_PPID, "00112233445566778899aabbccddeefe", PLATFORM_UNLISTED },
		{ PLATFORM_PPID, "ffffffffffffffffffffffffffffffff", PLATFORM_DENIED },
		{ PLATFORM_PPID, "", PLATFORM_HIDDEN },
		{ PLATFORM_INSTANCE, ID16,
		    PLATFORM_UNLISTED }, /* of no rule, whatever its kind's */
		{ PLATFORM_INSTANCE, "", PLATFORM_UNLISTED },
		{ PLATFORM_CHIP_ID, "aabbccddeeff0011", PLATFORM_DENIED },
		{ PLATFORM_CHIP_ID, "aabbccddeeff00110000000000000000", PLATFORM_DENIED },
		{ PLATFORM_CHIP_ID, "aabbccddeeff00110000000000000001", PLATFORM_UNLISTED },
		{ PLATFORM_CHIP_ID, "aabbccddeeff00", PLATFORM_UNLISTED },
	};
	struct assay_trust *trust = make_trust();
	(void)state;

	assert_false(assay_trust_allows(trust));
	assert_int_equal(assay_trust_add_platforms(
			     trust, assay_bytes_of("deny chip-id aabbccddeeff0011"), "list", NULL),
	    ASSAY_OK);
	assert_false(assay_trust_allows(trust));
	/* A denial counts, before and after an allowance. */
	assert_int_equal(
	    assay_trust_add_platforms(trust,
		assay_bytes_of("allow ppid " ID16 "\ndeny ppid ffffffffffffffffffffffffffffffff\n"
			       "allow ppid ffffffffffffffffffffffffffffffff"),
		"list", NULL),
	    ASSAY_OK);
	assert_true(assay_trust_allows(trust));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t id[64];
		size_t n = strlen(cases[i].id) / 2;
		assert_true(assay_unhex(id, n, assay_bytes_of(cases[i].id)));
		if (assay_trust_platform(trust, cases[i].kind, (struct assay_bytes){ id, n }) !=
		    cases[i].want)
			fail_msg("row %zu", i);
	}
	assay_trust_free(trust);
}

/* --- memory ------------------------------------------------------------------------------ */

/* Whichever allocation fails: it says so, and nothing is added and nothing lost. */
static void
test_memory(void **state)
{
	EVP_PKEY *key = make_key("P-256");
	struct made cert = make_x509(key, "One", key, "One", 1000000);
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_trust *trust = NULL;
	enum assay_code rc = ASSAY_E_NOMEM;
	struct text t;
	(void)state;

	for (size_t n = 1; rc != ASSAY_OK; n++) {
		alloc_fail_at(n);
		rc = assay_trust_new(&trust, &err);
		assert_int_equal(rc, alloc_failed() ? ASSAY_E_NOMEM : ASSAY_OK);
	}
	text_open(&t);
	put_pem(&t, "CERTIFICATE", all(&cert));
	struct assay_bytes pem = text_close(&t);
	const size_t builtin = trust->anchor_count;
	rc = ASSAY_E_NOMEM;
	for (size_t n = 1; rc != ASSAY_OK; n++) {
		assert_int_equal(assay_trust_count(trust), 0);
		alloc_fail_at(n);
		rc = assay_trust_add(trust, pem, "pem", NULL, &err);
		assert_int_equal(rc, alloc_failed() ? ASSAY_E_NOMEM : ASSAY_OK);
	}
	rc = ASSAY_E_NOMEM;
	for (size_t n = 1; rc != ASSAY_OK; n++) {
		assert_int_equal(trust->anchor_count, builtin);
		alloc_fail_at(n);
		rc = assay_trust_add_root(trust, pem, "pem", &err);
		assert_int_equal(rc, alloc_failed() ? ASSAY_E_NOMEM : ASSAY_OK);
	}
	rc = ASSAY_E_NOMEM;
	for (size_t n = 1; rc != ASSAY_OK; n++) {
		alloc_fail_at(n);
		rc = assay_trust_add_platforms(
		    trust, assay_bytes_of("deny ppid " ID16), "list", &err);
		assert_int_equal(rc, alloc_failed() ? ASSAY_E_NOMEM : ASSAY_OK);
		assert_int_equal(trust->platform_count, rc == ASSAY_OK);
	}
	(void)alloc_failed();
	free(t.ptr);
	assay_trust_free(trust);
	assay_trust_free(NULL);
	EVP_PKEY_free(key);
}

/* --- captures with one bit turned -------------------------------------------------------- */

#define TDX "dcap/collateral/tdx-90c06f-2026-02/"

static struct assay_bytes
turned(struct assay_bytes in, size_t at)
{
	uint8_t *copy = malloc(in.len);

	assert_non_null(copy);
	assert_true(at < in.len);
	memcpy(copy, in.ptr, in.len);
	copy[at] ^= 1;
	return (struct assay_bytes){ copy, in.len };
}

/* Beside what signed it, as far as that is not built in. */
static void
expect_not_genuine(const char *path, struct assay_bytes bad, size_t at)
{
	static const char *const issuers[] = { TDX "tcb_signing_chain.pem", TDX "pck_crl_chain.pem",
		"sev/legacy/milan/cek.cert", "sev/legacy/milan/pek.cert" };
	struct assay_trust *trust = make_trust();
	struct assay_error err = { ASSAY_OK, "" };

	for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
		struct assay_bytes file = vectors_read(issuers[i]);
		(void)add(trust, file, issuers[i]);
		vectors_free(file);
	}
	size_t last = assay_trust_count(trust);
	enum assay_code rc = assay_trust_add(trust, bad, path, NULL, &err);
	if (rc == ASSAY_OK) {
		assert_int_equal(assay_trust_count(trust), last + 1);
		rc = assay_trust_item_verify(trust, last, &err);
	}
	if (rc == ASSAY_OK)
		fail_msg("%s: with byte %zu turned it is genuine", path, at);
	assert_true(err.code == rc && err.text[0] != '\0');
	assay_trust_free(trust);
}

/* A root is genuine only as its own signature has it, although its key is pinned. */
static void
test_turned(void **state)
{
	static const struct {
		const char *path;
		size_t end; /* of the signed part, where an unused slot follows; 0: the file's */
	} cases[] = {
		{ TDX "tcb_info.json", 0 },
		{ TDX "qe_identity.json", 0 },
		{ TDX "root_ca_crl.der", 0 },
		{ TDX "pck_crl.der", 0 },
		{ "dcap/roots/intel-sgx-root-ca.der", 0 },
		{ "sev/crl/genoa.crl.der", 0 },
		{ "sev/snp/milan-v3/vcek.der", 0 },
		{ "sev/legacy/milan/cek.cert", SEV_CERT_SIGNED },
		{ "sev/legacy/milan/pek.cert", SEV_CERT_SIGNED },
		{ "sev/legacy/milan/pdh.cert", SEV_CERT_SIGNED },
		{ "sev/legacy/milan/oca.cert", SEV_CERT_SIGNED },
		{ "sev/roots/legacy/milan.ask.cert", 0 },
		{ "sev/roots/legacy/milan.ark.cert", 0 },
		{ "sev/roots/legacy/naples.ark.cert", 0 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases && vectors_present(); i++) {
		struct assay_bytes file = vectors_read(cases[i].path);
		size_t end = cases[i].end != 0 ? cases[i].end : file.len;
		assert_true(end > 0);
		for (size_t at = 0; at < end; at += 1 + end / 48) {
			struct assay_bytes bad = turned(file, at);
			expect_not_genuine(cases[i].path, bad, at);
			vectors_free(bad);
		}
		vectors_free(file);
	}
}

/* A damaged root is no anchor. */
static void
test_turned_roots(void **state)
{
	static const struct {
		const char *path;
		size_t turn; /* 0: none */
		enum assay_code code;
	} cases[] = {
		{ "dcap/roots/intel-preproduction-root-ca.der", 0, ASSAY_OK },
		{ "dcap/roots/intel-preproduction-root-ca.der", 30, ASSAY_E_SIGNATURE },
		{ "sev/roots/legacy/rome.ark.cert", 0, ASSAY_OK },
		{ "sev/roots/legacy/rome.ark.cert", 0x04, ASSAY_E_SIGNATURE }, /* its key id */
		{ "sev/roots/legacy/rome.ark.cert", 0x248, ASSAY_E_SIGNATURE },
		{ "sev/roots/legacy/rome.ark.cert", 0x500, ASSAY_E_SIGNATURE },
		{ "sev/roots/legacy/naples.ark.cert", 830, ASSAY_E_SIGNATURE },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases && vectors_present(); i++) {
		struct assay_trust *trust = make_trust();
		struct assay_error err = { ASSAY_OK, "" };
		const size_t builtin = trust->anchor_count;
		struct assay_bytes file = vectors_read(cases[i].path);
		struct assay_bytes in = turned(file, cases[i].turn);
		enum assay_code rc = assay_trust_add_root(
		    trust, cases[i].turn != 0 ? in : file, cases[i].path, &err);
		expect_outcome(cases[i].path, rc, &err, cases[i].code,
		    "its own signature does not verify; the file is damaged");
		assert_int_equal(trust->anchor_count, builtin + (rc == ASSAY_OK));
		vectors_free(in);
		vectors_free(file);
		assay_trust_free(trust);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_dcap_qvl),
		cmocka_unit_test(test_text_forms),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_damaged_second),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_sev_chain),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_sev_tries),
		cmocka_unit_test(test_document_tries),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_amd_roots),
		cmocka_unit_test(test_turned),
		cmocka_unit_test(test_turned_roots),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_replaced_crl),
		cmocka_unit_test(test_replaced_collateral),
		cmocka_unit_test(test_min_tcb),
		cmocka_unit_test(test_platforms),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
