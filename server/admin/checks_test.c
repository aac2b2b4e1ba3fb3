/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static const char policy_text[] =
    "policy \"web\"\n\nfor snp\n  require executables  measurement in @web/launch\n";

static struct assay_bytes
bytes(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, strlen(text) };
}

/* A document of one set. */
static const char *
document(char out[512], const char *set)
{
	snprintf(out, 512,
	    "{\"reference_values\":1,\"name\":\"web\",\"tee\":\"snp\",\"values\":[{\"name\":\"%s\","
	    "\"claim\":\"measurement\",\"any_of\":[\"%096d\"]}],\"made\":{}}",
	    set, 7);
	return out;
}

/* Takes a byte out of its value. */
static const char *
strip(char *text)
{
	char *digits = strstr(text, "0000");

	memmove(digits, digits + 2, strlen(digits + 2) + 1);
	return text;
}

static void
check(enum assay_code got, const struct assay_error *err, enum assay_code want, const char *words)
{
	if (got != want || (want != ASSAY_OK && strstr(err->text, words) == NULL))
		print_message("%d %s; want %d %s\n", (int)got, err->text, (int)want, words);
	assert_int_equal(got, want);
	if (want != ASSAY_OK)
		assert_non_null(strstr(err->text, words));
}

static void
test_policy(void **context)
{
	char text[512];
	const struct view_reference references[] = { { "web",
	    bytes(document(text, "web/launch")) } };
	const struct view empty = { .policies = NULL };
	const struct view view = { .references = references, .reference_count = 1 };
	struct assay_error err = { .text = "" };

	(void)context;
	check(check_policy(&view, "web", bytes(policy_text), &err), &err, ASSAY_OK, "");
	check(check_policy(&empty, "web", bytes(policy_text), &err), &err, ASSAY_E_USAGE, "web:4:");
	check(check_policy(&view, "web", bytes("nonsense"), &err), &err, ASSAY_E_USAGE, "web:1:");
	check(check_policy(&view, "web", bytes(""), &err), &err, ASSAY_E_USAGE, "web:1:");
}

/* Reference values on which a policy rests are not taken from under it. */
static void
test_reference(void **context)
{
	char text[512], other[512];
	const struct view_reference references[] = { { "web",
	    bytes(document(text, "web/launch")) } };
	const struct view_policy policies[] = {
		{ .name = "default", .version = 0, .text = "built in: not read" },
		{ .name = "web", .version = 3, .text = policy_text },
	};
	const struct view view = { .references = references,
		.reference_count = 1,
		.policies = policies,
		.policy_count = 2 };
	struct assay_error err = { .text = "" };

	(void)context;
	check(check_reference(&view, "web", bytes(document(other, "web/launch")), NULL, &err), &err,
	    ASSAY_OK, "");
	check(check_reference(&view, "more", bytes(document(other, "more/launch")), NULL, &err),
	    &err, ASSAY_OK, "");
	check(check_reference(&view, "more", bytes(document(other, "web/launch")), NULL, &err),
	    &err, ASSAY_E_FORMAT, "");
	check(check_reference(&view, "web", bytes(document(other, "web/mrtd")), NULL, &err), &err,
	    ASSAY_E_POLICY, "a policy would not hold any more; push that first: web:4:");
	(void)document(other, "web/launch");
	check(check_reference(&view, "web", bytes(strip(other)), NULL, &err), &err, ASSAY_E_POLICY,
	    "a policy would not hold any more; push that first: web:4:39: value 1 of the set "
	    "\"web/launch\": measurement: these are 47 bytes, it has 48");
	check(check_reference(&view, "web", (struct assay_bytes){ NULL, 0 }, NULL, &err), &err,
	    ASSAY_E_POLICY, "a policy would not hold any more; push that first: web:4:");
	check(check_reference(&view, "none", (struct assay_bytes){ NULL, 0 }, NULL, &err), &err,
	    ASSAY_OK, "");
	check(check_reference(&view, "web", bytes("{}"), NULL, &err), &err, ASSAY_E_FORMAT, "");
}

/* A certificate over a fresh key, and the hash of that key, by OpenSSL alone. */
static char *
make_certificate(char hash[65])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *der = NULL, digest[32];
	char *text, *copy;

	assert_non_null(cert);
	X509_set_pubkey(cert, key);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	long len = BIO_get_mem_data(bio, &text);
	copy = strndup(text, (size_t)len);
	len = i2d_PUBKEY(key, &der);
	assert_int_equal(EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hash + 2 * i, 3, "%02x", digest[i]);
	OPENSSL_free(der);
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	return copy;
}

static void
test_key(void **context)
{
	struct assay_jwk *key = NULL;
	struct assay_error err = { .text = "" };
	char *json = NULL, *pem = NULL, hash[65];
	json_t *args = NULL;

	(void)context;
	assert_int_equal(assay_jwk_make(&key, "EdDSA", &err), ASSAY_OK);
	assert_int_equal(assay_jwk_json(&json, key, NULL, &err), ASSAY_OK);
	check(check_key(&args, bytes(json), &err), &err, ASSAY_OK, "");
	assert_non_null(json_object_get(args, "jwk"));
	json_decref(args);
	args = NULL;

	assert_int_equal(assay_jwk_private_pem(&pem, key, &err), ASSAY_OK);
	check(check_key(&args, bytes(pem), &err), &err, ASSAY_E_USAGE, "is a private key");
	free(pem);

	pem = make_certificate(hash);
	check(check_key(&args, bytes(pem), &err), &err, ASSAY_OK, "");
	assert_string_equal(json_string_value(json_object_get(args, "certificate")), hash);
	json_decref(args);
	args = NULL;
	pem[strlen(pem) / 2] = '*';
	check(
	    check_key(&args, bytes(pem), &err), &err, ASSAY_E_FORMAT, "the certificate is damaged");
	free(pem);

	check(check_key(&args, bytes("no key"), &err), &err, ASSAY_E_FORMAT, "");
	check(check_key(&args, bytes(""), &err), &err, ASSAY_E_FORMAT, "");
	free(json);
	assay_jwk_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
