/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and requests byte by byte; who may sign what is in tests/cert_test.c. */
#include "tls/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { ROOM = 4096 };

static EVP_PKEY *key;

static struct assay_bytes
kept(unsigned char *der, int len)
{
	static uint8_t room[ROOM];

	assert_true(len > 0 && len <= ROOM);
	memcpy(room, der, (size_t)len);
	OPENSSL_free(der);
	return (struct assay_bytes){ room, (size_t)len };
}

static struct assay_bytes
certificate(void)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), -5); /* as it should not be, and is */
	X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"peer", -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(x), 1000000000);
	ASN1_TIME_set(X509_getm_notAfter(x), 3000000000);
	X509_set_pubkey(x, key);
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
	X509_add1_ext_i2d(x, NID_basic_constraints, basic, 1, 0);
	BASIC_CONSTRAINTS_free(basic);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	int len = i2d_X509(x, &der);
	X509_free(x);
	return kept(der, len);
}

static struct assay_bytes
request(int lists)
{
	static const uint8_t list[] = { 0x30, 0x07, 0x30, 0x05, 0x06, 0x01, 0x2a, 0x04, 0x00 };
	X509_REQ *r = X509_REQ_new();
	unsigned char *der = NULL;

	X509_REQ_set_version(r, 0);
	X509_REQ_set_pubkey(r, key);
	X509_REQ_add1_attr_by_txt(r, "1.2.3", V_ASN1_OCTET_STRING, (const uint8_t *)"x", 1);
	if (lists > 0) {
		X509_ATTRIBUTE *a = X509_ATTRIBUTE_create_by_NID(
		    NULL, NID_ext_req, V_ASN1_SEQUENCE, list, sizeof list);
		for (int i = 1; i < lists; i++)
			X509_ATTRIBUTE_set1_data(a, V_ASN1_SEQUENCE, list, sizeof list);
		X509_REQ_add1_attr(r, a);
		X509_ATTRIBUTE_free(a);
	}
	assert_true(X509_REQ_sign(r, key, EVP_sha384()) > 0);
	int len = i2d_X509_REQ(r, &der);
	X509_REQ_free(r);
	return kept(der, len);
}

static void
test_certificate(void **state)
{
	struct assay_error err;
	struct peer p;
	unsigned char *der = NULL;
	(void)state;

	struct assay_bytes in = certificate();
	assert_int_equal(assay_peer_parse(&p, in, &err), ASSAY_OK);
	assert_false(p.request);
	assert_int_equal(p.kind, ASSAY_PAIR_P256);
	assert_int_equal(p.since, 1000000000);
	assert_int_equal(p.until, 3000000000);
	assert_int_equal(p.extension_count, 1);
	assert_true(p.extensions[0].critical);
	int len = i2d_PUBKEY(key, &der);
	assert_true(assay_bytes_equal(p.spki, (struct assay_bytes){ der, (size_t)len }));
	OPENSSL_free(der);
	assert_int_equal(assay_peer_check(&p, &err), ASSAY_OK);
}

static void
test_request(void **state)
{
	struct assay_error err;
	struct peer p;
	(void)state;

	assert_int_equal(assay_peer_parse(&p, request(1), &err), ASSAY_OK);
	assert_true(p.request);
	assert_int_equal(p.extension_count, 1);
	assert_int_equal(p.extensions[0].oid.len, 1);
	assert_int_equal(assay_peer_check(&p, &err), ASSAY_OK);
	assert_int_equal(assay_peer_parse(&p, request(0), &err), ASSAY_OK);
	assert_int_equal(p.extension_count, 0);
	assert_int_equal(assay_peer_parse(&p, request(2), &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "its extensionRequest is no strict DER"));
}

/* A change of the signed part breaks the signature, of the rest the frame; none goes unseen. */
static void
test_bent(void **state)
{
	struct assay_error err;
	struct peer p;
	uint8_t bent[ROOM];
	(void)state;

	for (int kind = 0; kind < 2; kind++) {
		struct assay_bytes in = kind == 0 ? certificate() : request(1);
		for (size_t n = 0; n < in.len; n++)
			assert_int_not_equal(
			    assay_peer_parse(&p, (struct assay_bytes){ in.ptr, n }, &err),
			    ASSAY_OK);
		for (size_t bit = 0; bit < 8 * in.len; bit++) {
			memcpy(bent, in.ptr, in.len);
			bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
			err.text[0] = '\0';
			if (assay_peer_parse(&p, (struct assay_bytes){ bent, in.len }, &err) ==
				ASSAY_OK &&
			    assay_peer_check(&p, &err) == ASSAY_OK)
				fail_msg("bit %zu of kind %d makes no difference", bit, kind);
			assert_true(err.text[0] != '\0');
		}
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		uint8_t der[16];
		const char *words;
	} cases[] = {
		{ "nothing", 0, { 0 }, "certificate" },
		{ "an empty sequence", 2, { 0x30, 0x00 }, "frame is no strict DER" },
		{ "version 1", 12,
		    { 0x30, 0x0a, 0x30, 0x02, 0x30, 0x00, 0x30, 0x00, 0x03, 0x02, 0x00, 0x00 },
		    "neither of X.509 version 3 nor a PKCS#10 request" },
		{ "a request of version 2", 13,
		    { 0x30, 0x0b, 0x30, 0x03, 0x02, 0x01, 0x01, 0x30, 0x00, 0x03, 0x02, 0x00,
			0x00 },
		    "neither of X.509 version 3 nor a PKCS#10 request" },
	};
	struct assay_error err;
	struct peer p;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct assay_bytes in = { cases[i].der, cases[i].len };
		assert_int_equal(assay_peer_parse(&p, in, &err), ASSAY_E_FORMAT);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].name, err.text);
	}
	uint8_t *large = calloc(1, PEER_MAX + 1);
	assert_int_equal(assay_peer_parse(&p, (struct assay_bytes){ large, PEER_MAX + 1 }, &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "at most 131072 make sense"));
	free(large);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_bent),
		cmocka_unit_test(test_refused),
	};

	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return rc;
}
