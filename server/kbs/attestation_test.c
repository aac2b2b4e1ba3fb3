/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include <assay/jose.h>

#include "alloc.h"
#include "buffer.h"

/* Key and nonce of kbs-protocol.md, 3. */
#define NONCE      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define X          "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define Y          "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define ALG        "\"alg\":\"ECDH-ES+A256KW\""
#define KEY        "{\"kty\":\"EC\",\"crv\":\"P-256\"," ALG "," X "," Y "}"
#define KEY_SORTED "{" ALG ",\"crv\":\"P-256\",\"kty\":\"EC\"," X "," Y "}"
#define BODY_4(nonce, key, additional)                                                             \
	"{\"init-data\":null,\"runtime-data\":{\"nonce\":\"" nonce "\",\"tee-pubkey\":" key        \
	"},\"tee-evidence\":{\"primary_evidence\":{\"quote\":\"\"},\"additional_evidence\":"       \
	"\"" additional "\"}}"
#define BODY_3(key, additional)                                                                    \
	"{\"tee-pubkey\":" key                                                                     \
	",\"tee-evidence\":{\"primary_evidence\":{},\"additional_evidence\":\"" additional "\"}}"
#define BODY_2(key) "{\"tee-pubkey\":" key ",\"tee-evidence\":{\"quote\":\"\"}}"

static void
expect_digest(const uint8_t *got, const char *text, const EVP_MD *md)
{
	uint8_t want[KBS_REPORT_DATA] = { 0 };

	assert_int_equal(EVP_Digest(text, strlen(text), want, NULL, md, NULL), 1);
	assert_memory_equal(got, want, KBS_REPORT_DATA);
}

static void
expect_hex(const uint8_t *got, const char *hex)
{
	char text[2 * KBS_REPORT_DATA + 1];

	for (size_t i = 0; i < KBS_REPORT_DATA; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", got[i]);
	assert_memory_equal(text, hex, strlen(hex));
	for (size_t i = strlen(hex); i < 2 * (size_t)KBS_REPORT_DATA; i++)
		assert_int_equal(text[i], '0');
}

static struct kbs_bindings
bindings(const char *body, enum ticket_protocol protocol, enum ticket_hash hash)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct kbs_attestation a;
	struct kbs_bindings b = { 0 };

	if (kbs_attestation_parse(&a, bytes_of(body), protocol, &err) != ASSAY_OK ||
	    kbs_attestation_bindings(&b, &a, NONCE, hash, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	kbs_attestation_clear(&a);
	return b;
}

static void
test_canonical(void **state)
{
	char *text;
	uint8_t got[KBS_REPORT_DATA] = { 0 };
	(void)state;

	assert_int_equal(assay_json_canonical(
			     &text, bytes_of("{\"c\":{\"d\":\"e\"},\"b\":1,\"a\":\"test\"}"), NULL),
	    ASSAY_OK);
	assert_string_equal(text, "{\"a\":\"test\",\"b\":1,\"c\":{\"d\":\"e\"}}");
	assert_int_equal(EVP_Digest(text, strlen(text), got, NULL, EVP_sha384(), NULL), 1);
	expect_hex(got,
	    "e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525cd22c4597480a186427c813ca94"
	    "1da78870c3");
	free(text);
}

static void
test_newest(void **state)
{
	static const char digest[] =
	    "dfa65d498315212bdaf8857231cf0482172933db271f15856bf30db447227eb5b1dd9e29fcc1fb9076fb00"
	    "792c3bb7e7";
	(void)state;

	struct kbs_bindings b = bindings(BODY_4(NONCE, KEY, ""), PROTOCOL_0_4_0, HASH_SHA384);
	assert_int_equal(b.count, 1);
	assert_int_equal(b.size, 48);
	expect_hex(b.data[0], digest);
	/* Order and blanks of what was sent do not count. */
	b = bindings(BODY_4(NONCE, KEY_SORTED, ""), PROTOCOL_0_4_0, HASH_SHA384);
	expect_hex(b.data[0], digest);
	b = bindings(
	    BODY_4(NONCE, "{ \"kty\" : \"EC\", \"crv\":\"P-256\", " ALG "," Y "," X " }", ""),
	    PROTOCOL_0_4_0, HASH_SHA384);
	expect_hex(b.data[0], digest);
	/* A member that is no part of a key is hashed too. */
	b = bindings(
	    BODY_4(NONCE, "{\"use\":\"enc\",\"kty\":\"EC\",\"crv\":\"P-256\"," ALG "," Y "," X "}",
		""),
	    PROTOCOL_0_4_0, HASH_SHA384);
	expect_digest(b.data[0],
	    "{\"additional-evidence\":\"\",\"nonce\":\"" NONCE "\",\"tee-pubkey\":{" ALG
	    ",\"crv\":\"P-256\",\"kty\":\"EC\",\"use\":\"enc\"," X "," Y "}}",
	    EVP_sha384());
	/* The text of other devices, as it is. */
	b = bindings(BODY_4(NONCE, KEY, "{\\\"nvidia\\\":{}}"), PROTOCOL_0_4_0, HASH_SHA256);
	assert_int_equal(b.size, 32);
	expect_digest(b.data[0],
	    "{\"additional-evidence\":\"{\\\"nvidia\\\":{}}\",\"nonce\":\"" NONCE
	    "\",\"tee-pubkey\":" KEY_SORTED "}",
	    EVP_sha256());
	b = bindings(BODY_4(NONCE, KEY, ""), PROTOCOL_0_4_0, HASH_SHA512);
	assert_int_equal(b.size, 64);
	expect_digest(b.data[0],
	    "{\"additional-evidence\":\"\",\"nonce\":\"" NONCE "\",\"tee-pubkey\":" KEY_SORTED "}",
	    EVP_sha512());
}

static bool
among(const struct kbs_bindings *b, const char *text)
{
	uint8_t want[KBS_REPORT_DATA] = { 0 };

	assert_int_equal(EVP_Digest(text, strlen(text), want, NULL, EVP_sha384(), NULL), 1);
	for (size_t i = 0; i < b->count; i++)
		if (memcmp(want, b->data[i], sizeof want) == 0)
			return true;
	return false;
}

static void
test_older(void **state)
{
	static const enum ticket_protocol protocols[] = { PROTOCOL_0_1_0, PROTOCOL_0_1_1,
		PROTOCOL_0_2_0 };
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct kbs_bindings b = bindings(BODY_2(KEY), protocols[i], HASH_SHA384);
		assert_int_equal(b.count, 3);
		/* Sorted first; then as both were put. */
		expect_hex(b.data[0],
		    "cc12bca78af3e46d9ddb68eb97122047abb52703f1cec34bd0adc12c5ac8c860b1ada6c8729e54"
		    "f217"
		    "2908b77572364a");
		expect_digest(
		    b.data[1], "{\"tee-pubkey\":" KEY ",\"nonce\":\"" NONCE "\"}", EVP_sha384());
		expect_digest(
		    b.data[2], "{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" KEY "}", EVP_sha384());
	}
	struct kbs_bindings b = bindings(BODY_3(KEY, ""), PROTOCOL_0_3_0, HASH_SHA384);
	assert_int_equal(b.count, KBS_BINDINGS_MAX);
	expect_hex(b.data[0],
	    "dfa65d498315212bdaf8857231cf0482172933db271f15856bf30db447227eb5b1dd9e29fcc1fb9076fb00"
	    "792c3bb7e7");
	assert_true(among(
	    &b, "{\"tee-pubkey\":" KEY ",\"nonce\":\"" NONCE "\",\"additional-evidence\":\"\"}"));
	assert_true(among(
	    &b, "{\"additional-evidence\":\"\",\"nonce\":\"" NONCE "\",\"tee-pubkey\":" KEY "}"));
	assert_true(among(&b,
	    "{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" KEY_SORTED
	    ",\"additional-evidence\":\"\"}"));
	/* Neither part may be missing. */
	assert_false(among(&b, "{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" KEY_SORTED "}"));
	assert_false(among(&b, "{\"tee-pubkey\":" KEY ",\"additional-evidence\":\"\"}"));
}

static const char modulus[] = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1R"
			      "K7aPFFxuhDR1L6tSoc_BJECPebWK"
			      "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
			      "RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMic"
			      "AtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
			      "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3"
			      "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

static void
test_oldest(void **state)
{
	char body[1024], text[1024];
	struct assay_error err = { ASSAY_OK, "" };
	struct kbs_attestation a;
	struct kbs_key key;
	(void)state;

	(void)snprintf(body, sizeof body,
	    "{\"tee-pubkey\":{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"k-mod\":\"%s\",\"k-exp\":"
	    "\"AQAB\"},"
	    "\"tee-evidence\":\"{\\\"quote\\\": \\\"x\\\\/y\\\"}\"}",
	    modulus);
	struct kbs_bindings b = bindings(body, PROTOCOL_0_1_0, HASH_SHA384);
	assert_int_equal(b.count, 4);
	(void)snprintf(text, sizeof text,
	    "{\"nonce\":\"%s\",\"tee-pubkey\":{\"alg\":\"RSA1_5\",\"k-exp\":\"AQAB\",\"k-mod\":\"%"
	    "s\","
	    "\"kty\":\"RSA\"}}",
	    NONCE, modulus);
	expect_digest(b.data[0], text, EVP_sha384());
	(void)snprintf(text, sizeof text, "%s%sAQAB", NONCE, modulus);
	expect_digest(b.data[3], text, EVP_sha384());

	assert_int_equal(kbs_attestation_parse(&a, bytes_of(body), PROTOCOL_0_1_0, &err), ASSAY_OK);
	assert_true(bytes_equal(a.primary, bytes_of("{\"quote\": \"x\\/y\"}")));
	if (kbs_attestation_key(&key, &a, NULL, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	(void)snprintf(text, sizeof text,
	    "{\"alg\":\"RSA1_5\",\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"%s\"}", modulus);
	assert_string_equal(key.jwk, text);
	kbs_key_clear(&key);
	kbs_attestation_clear(&a);
	/* Later versions have no such key, and evidence is no text. */
	assert_int_equal(
	    kbs_attestation_parse(&a, bytes_of(body), PROTOCOL_0_1_1, &err), ASSAY_E_FORMAT);
}

static const struct {
	const char *body;
	enum ticket_protocol protocol;
	const char *words;
} bad[] = {
	{ "", PROTOCOL_0_4_0, "is no JSON" },
	{ "[]", PROTOCOL_0_4_0, "attestation: must be a JSON object" },
	{ "{}", PROTOCOL_0_4_0, "tee-evidence is missing" },
	{ BODY_2(KEY), PROTOCOL_0_4_0, "runtime-data is missing" },
	{ BODY_4(NONCE, KEY, ""), PROTOCOL_0_2_0, "tee-pubkey is missing" },
	{ BODY_4(NONCE, KEY, ""), PROTOCOL_0_3_0, "tee-pubkey is missing" },
	{ BODY_2(KEY), PROTOCOL_0_3_0, "primary_evidence is missing" },
	{ BODY_4(NONCE, "\"k\"", ""), PROTOCOL_0_4_0, "tee-pubkey is something else" },
	{ "{\"runtime-data\":{\"nonce\":1,\"tee-pubkey\":{}},\"tee-evidence\":{}}", PROTOCOL_0_4_0,
	    "nonce is something else" },
	{ "{\"runtime-data\":{\"nonce\":\"\",\"tee-pubkey\":{}},\"tee-evidence\":"
	  "{\"primary_evidence\":{},\"additional_evidence\":null}}",
	    PROTOCOL_0_4_0, "additional_evidence is something else" },
	{ "{\"runtime-data\":{\"nonce\":\"\",\"tee-pubkey\":{}},\"tee-evidence\":"
	  "{\"primary_evidence\":{}}}",
	    PROTOCOL_0_4_0, "additional_evidence is missing" },
	{ "{\"runtime-data\":{\"nonce\":\"\",\"tee-pubkey\":{}},\"runtime-data\":{}}",
	    PROTOCOL_0_4_0, "runtime-data stands there twice" },
	{ "{\"init-data\":\"x\",\"runtime-data\":{\"nonce\":\"\",\"tee-pubkey\":{}},\"tee-"
	  "evidence\":{}}",
	    PROTOCOL_0_4_0, "init-data: must be a JSON object" },
	{ "{\"init-data\":{\"format\":\"toml\"},\"runtime-data\":{\"nonce\":\"\",\"tee-pubkey\":{}}"
	  ","
	  "\"tee-evidence\":{}}",
	    PROTOCOL_0_4_0, "body is missing" },
	{ "{\"tee-pubkey\":{},\"tee-evidence\":\"x\"}", PROTOCOL_0_1_0,
	    "the text of tee-evidence" },
	{ "{\"tee-pubkey\":{},\"tee-evidence\":\"[]\"}", PROTOCOL_0_1_0,
	    "tee-evidence is something" },
	{ "{\"tee-pubkey\":{},\"tee-evidence\":\"{}\"}", PROTOCOL_0_1_1,
	    "tee-evidence is something" },
};

static void
test_refusals(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct kbs_attestation a;
		if (kbs_attestation_parse(&a, bytes_of(bad[i].body), bad[i].protocol, &err) !=
			ASSAY_E_FORMAT ||
		    strstr(err.text, bad[i].words) == NULL)
			fail_msg("%s: %s, want %s", bad[i].body, err.text, bad[i].words);
	}
}

static const struct {
	const char *key, *words; /* words NULL: taken, of 0.4.0 */
	const char *older;       /* of 0.1.1, where that is another answer */
} keys[] = {
	{ KEY, NULL, NULL },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\"," X "," Y "}", "ES256", "ES256" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\"," X "," Y "}", "ES256", "ES256" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\"," ALG "," X ",\"y\":\"AAAA\"}",
	    "tee-pubkey: ", "tee-pubkey: " },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\"," ALG "," X
	  ",\"y\":\"y_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	    "tee-pubkey: ", "tee-pubkey: " },
	{ "{\"kty\":\"AKP\",\"alg\":\"ML-KEM-768+A192KW\",\"pub\":\"AAAA\"}",
	    "tee-pubkey: ", "tee-pubkey: " },
	{ "{\"kty\":\"EC\",\"kty\":\"EC\"}", "tee-pubkey: ", "tee-pubkey: " },
	{ "{}", "tee-pubkey: ", "tee-pubkey: " },
};

static void
test_keys(void **state)
{
	char rsa[512];
	(void)state;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct kbs_attestation a = { .protocol = PROTOCOL_0_4_0,
			.key = bytes_of(keys[i].key) };
		struct kbs_key key;
		enum assay_code rc = kbs_attestation_key(&key, &a, NULL, &err);
		if ((rc == ASSAY_OK) != (keys[i].words == NULL) ||
		    (rc != ASSAY_OK && strstr(err.text, keys[i].words) == NULL))
			fail_msg("%s: %s", keys[i].key, err.text);
		if (rc == ASSAY_OK) {
			assert_string_equal(key.jwk, KEY_SORTED);
			assert_string_equal(key.sent, KEY_SORTED);
			kbs_key_clear(&key);
		}
	}
	for (unsigned p = PROTOCOL_0_1_0; p <= PROTOCOL_0_4_0; p++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct kbs_attestation a = { .protocol = (enum ticket_protocol)p };
		struct kbs_key key;
		(void)snprintf(rsa, sizeof rsa,
		    "{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"%s\",\"e\":\"AQAB\"}", modulus);
		a.key = bytes_of(rsa);
		enum assay_code rc = kbs_attestation_key(&key, &a, NULL, &err);
		assert_int_equal(rc == ASSAY_OK, p <= PROTOCOL_0_1_1);
		if (rc == ASSAY_OK)
			kbs_key_clear(&key);
		else
			assert_non_null(strstr(err.text, "RSA1_5 is only of protocol 0.1"));
	}
}

/* A private key must not come here at all, and least of all go into a token. */
static void
test_private(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct kbs_attestation a = { .protocol = PROTOCOL_0_4_0,
		.key = bytes_of("{\"kty\":\"EC\",\"crv\":\"P-256\"," ALG "," X "," Y
				",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}") };
	struct kbs_key key;
	(void)state;

	assert_int_equal(kbs_attestation_key(&key, &a, NULL, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "private"));
}

/* Every allocation that fails is told, and nothing is kept. */
static void
test_memory(void **state)
{
	struct kbs_attestation a;
	(void)state;

	assert_int_equal(
	    kbs_attestation_parse(&a, bytes_of(BODY_3(KEY, "")), PROTOCOL_0_3_0, NULL), ASSAY_OK);
	for (size_t n = 1;; n++) {
		struct kbs_bindings b;
		struct kbs_key key;
		alloc_fail_at(n);
		enum assay_code rc = kbs_attestation_bindings(&b, &a, NONCE, HASH_SHA384, NULL);
		if (rc == ASSAY_OK && (rc = kbs_attestation_key(&key, &a, NULL, NULL)) == ASSAY_OK)
			kbs_key_clear(&key);
		if (!alloc_failed())
			break;
		if (rc != ASSAY_E_NOMEM)
			fail_msg("allocation %zu: code %d", n, rc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_oldest),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
