/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_test.h"

/* RFC 7638 3.1 and RFC 8037 A.3: keys and their thumbprints. */
#define RFC8037_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RFC8037_D "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"

static void
test_thumbprints(void **state)
{
	static const struct {
		const char *json, *kid, *alg;
	} cases[] = {
		{ "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N
		  "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
		    "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RS256" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\"}",
		    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "EdDSA" },
	};
	char kid[ASSAY_KID_TEXT];
	uint8_t thumbprint[ASSAY_THUMBPRINT_SIZE];
	char text[ASSAY_BASE64URL_SIZE(ASSAY_THUMBPRINT_SIZE)];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_jwk *key = jwk(cases[i].json);
		assay_jwk_kid(kid, key);
		assert_string_equal(kid, cases[i].kid);
		assay_jwk_thumbprint(thumbprint, key);
		(void)assay_base64url(text, (struct assay_bytes){ thumbprint, sizeof thumbprint });
		assert_string_equal(text, cases[i].kid);
		assert_string_equal(assay_jwk_alg(key), cases[i].alg);
		assert_false(assay_jwk_private(key));
		assay_jwk_free(key);
	}
}

/* What a key is good for follows from "alg", else from what it is and its "use". */
static void
test_algorithms(void **state)
{
	static const struct {
		const char *more, *alg;
	} cases[] = {
		{ "", "ES256" },
		{ ",\"use\":\"sig\"", "ES256" },
		{ ",\"use\":\"enc\"", "ECDH-ES+A256KW" },
		{ ",\"alg\":\"ES256\",\"use\":\"sig\"", "ES256" },
		{ ",\"alg\":\"ECDH-ES+A256KW\"", "ECDH-ES+A256KW" },
		{ ",\"alg\":\"ECDH-ES+A256KW\",\"use\":\"enc\",\"x5c\":[\"AA\"],\"key_ops\":[]",
		    "ECDH-ES+A256KW" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)snprintf(text, sizeof text, "{" KAT_POINT "%s}", cases[i].more);
		struct assay_jwk *key = jwk(text);
		assert_string_equal(assay_jwk_alg(key), cases[i].alg);
		assay_jwk_free(key);
	}
}

static enum assay_code
once(struct assay_bytes in, struct assay_error *err)
{
	struct assay_jwk *key = NULL;
	enum assay_code rc = assay_jwk_parse(&key, in, err);

	assay_jwk_free(key);
	return rc;
}

/* The key whose curve is copied makes no difference, be it on the same curve or not. */
static void
test_like(void **state)
{
	static const char good[] = "{" KAT_POINT "}", off[] = "{" KAT_POINT ",\"alg\":\"ES256\"}";
	struct assay_jwk *like[] = { NULL, made("ES256"), made("ES384"), made("EdDSA") };
	struct assay_jwk *want = jwk(good), *key = NULL;
	char bad[sizeof off];
	struct assay_error err;

	(void)state;
	memcpy(bad, off, sizeof off);
	strstr(bad, "\"x\":\"")[5] ^= 1;
	for (size_t i = 0; i < sizeof like / sizeof *like; i++) {
		assert_int_equal(
		    assay_jwk_parse_like(&key, assay_bytes_of(good), like[i], &err), ASSAY_OK);
		assert_memory_equal(key->thumbprint, want->thumbprint, sizeof key->thumbprint);
		assay_jwk_free(key);
		assert_int_equal(
		    assay_jwk_parse_like(&key, assay_bytes_of(bad), like[i], &err), ASSAY_E_FORMAT);
		assert_non_null(strstr(err.text, "no point of P-256"));
	}
	for (size_t i = 0; i < sizeof like / sizeof *like; i++)
		assay_jwk_free(like[i]);
	assay_jwk_free(want);
}

static void
test_refusals(void **state)
{
	static const char good[] = "{\"alg\":\"ES256\"," KAT_POINT ",\"d\":\"" KAT_D "\"}";
	static const struct json_case cases[] = {
		{ "as it is", NULL, NULL, ASSAY_OK, "" },
		{ "no object", "{\"alg\"", "[\"alg\"", ASSAY_E_FORMAT, "is no JSON" },
		{ "kty missing", "\"kty\":\"EC\",", "", ASSAY_E_FORMAT, "has no \"kty\"" },
		{ "kty oct", "\"EC\"", "\"oct\"", ASSAY_E_UNSUPPORTED, "kty \"oct\"" },
		{ "kty RSA", "\"EC\"", "\"RSA\"", ASSAY_E_FORMAT, "has no \"n\"" },
		{ "kty OKP of P-256", "\"EC\"", "\"OKP\"", ASSAY_E_UNSUPPORTED, "kty \"OKP\"" },
		{ "crv", "\"P-256\"", "\"secp256k1\"", ASSAY_E_UNSUPPORTED, "secp256k1" },
		{ "crv of another width", "\"P-256\"", "\"P-384\"", ASSAY_E_FORMAT, "want 48" },
		{ "alg", "ES256", "ES512", ASSAY_E_UNSUPPORTED, "alg is \"ES512\"" },
		{ "alg of another curve", "ES256", "ES384", ASSAY_E_UNSUPPORTED,
		    "not known here for P-256" },
		{ "alg of another kty", "ES256", "RS256", ASSAY_E_UNSUPPORTED,
		    "not known here for P-256" },
		{ "alg none", "ES256", "none", ASSAY_E_UNSUPPORTED, "alg is \"none\"" },
		{ "alg empty", "ES256", "", ASSAY_E_UNSUPPORTED, "alg is \"\"" },
		{ "alg a number", "\"ES256\"", "1", ASSAY_E_FORMAT, "\"alg\" is no text" },
		{ "use against alg", "\"alg\"", "\"use\":\"enc\",\"alg\"", ASSAY_E_FORMAT,
		    "use is \"enc\"" },
		{ "a name twice", "\"alg\"", "\"alg\":\"ES256\",\"alg\"", ASSAY_E_FORMAT,
		    "duplicate" },
		{ "x missing", "\"x\"", "\"X\"", ASSAY_E_FORMAT, "has no \"x\"" },
		{ "x short", "\"x\":\"UVw9", "\"x\":\"", ASSAY_E_FORMAT, "a number of 29 bytes" },
		{ "x padded", KAT_X, KAT_X "=", ASSAY_E_FORMAT, "\"x\" is no base64url" },
		{ "x standard", "_7K", "/7K", ASSAY_E_FORMAT, "\"x\" is no base64url" },
		{ "x stray bits", "0A18", "0A19", ASSAY_E_FORMAT, "\"x\" is no base64url" },
		{ "x with a blank", "UVw9", "UVw ", ASSAY_E_FORMAT, "\"x\" is no base64url" },
		{ "off the curve", "UVw9", "VVw9", ASSAY_E_FORMAT, "no point of P-256" },
		{ "d of another key", "AQID", "AQIE", ASSAY_E_FORMAT, "do not belong" },
		{ "d short", KAT_D, "AQID", ASSAY_E_FORMAT, "a number of 3 bytes, want 32" },
		{ "d no text", "\"" KAT_D "\"", "1", ASSAY_E_FORMAT, "has no \"d\"" },
		{ "d hidden", "\"d\"", "\"\\u0064\"", ASSAY_E_FORMAT, "has no \"d\"" },
		{ "d with an escape", "AQIDBAUG", "AQIDBAU\\u0047", ASSAY_E_FORMAT, "\"d\"" },
	};

	(void)state;
	check_json_cases(once, good, cases, sizeof cases / sizeof *cases);
	damage_some(once, assay_bytes_of(good), 1);
	check_own_allocations(once, assay_bytes_of(good));
}

static void
test_rsa_refusals(void **state)
{
	static const char good[] =
	    "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"" RFC7638_N "\",\"e\":\"AQAB\"}";
	static const struct json_case cases[] = {
		{ "as it is", NULL, NULL, ASSAY_OK, "" },
		{ "without alg", "\"alg\":\"RS256\",", "", ASSAY_E_UNSUPPORTED, "say which in" },
		{ "HS256", "RS256", "HS256", ASSAY_E_UNSUPPORTED, "alg is \"HS256\"" },
		{ "exponent 3", "AQAB", "Aw", ASSAY_E_UNSUPPORTED, "exponent other than 65537" },
		{ "exponent 0", "AQAB", "", ASSAY_E_FORMAT, "\"e\" is no base64url" },
		{ "short", "0vx7agoebGcQ", "", ASSAY_E_FORMAT, "must be odd and of 2048 to 4096" },
		{ "even", "DKgw", "DKgg", ASSAY_E_FORMAT, "that is even" },
	};

	(void)state;
	check_json_cases(once, good, cases, sizeof cases / sizeof *cases);
	damage_some(once, assay_bytes_of(good), 7);
}

/* Another text of the same number would be another thumbprint of the same key. */
static void
test_leading_zero(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t number[257] = { 0 };
	char text[ASSAY_BASE64URL_SIZE(sizeof number)], json[512];
	size_t n = 0;

	(void)state;
	assert_true(assay_unbase64url(number + 1, &n, assay_bytes_of(RFC7638_N)));
	assert_int_equal(n, 256);
	(void)assay_base64url(text, (struct assay_bytes){ number, sizeof number });
	(void)snprintf(json, sizeof json,
	    "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"%s\",\"e\":\"AQAB\"}", text);
	enum assay_code rc = once(assay_bytes_of(json), &err);
	expect_outcome("zero", rc, &err, ASSAY_E_FORMAT, "begins with a zero byte");
}

/* Of 8192 bits: too long for the room that there is, and said to be that. */
static void
test_too_long(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t number[1024];
	char text[ASSAY_BASE64URL_SIZE(sizeof number)], json[2048];

	(void)state;
	memset(number, 0xff, sizeof number);
	(void)assay_base64url(text, (struct assay_bytes){ number, sizeof number });
	(void)snprintf(json, sizeof json,
	    "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"%s\",\"e\":\"AQAB\"}", text);
	enum assay_code rc = once(assay_bytes_of(json), &err);
	expect_outcome("8192", rc, &err, ASSAY_E_FORMAT, "\"n\" has more than the 512 bytes");
}

static void
test_made(void **state)
{
	static const char *const algs[] = { "ES256", "ES384", "EdDSA", "ECDH-ES+A256KW",
		"RSA-OAEP-256" };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwk *key, *again = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
		char *pem = NULL, *text, *other;
		key = made(algs[i]);
		assert_true(assay_jwk_private(key));
		assert_string_equal(assay_jwk_alg(key), algs[i]);
		assert_int_equal(assay_jwk_private_pem(&pem, key, &err), ASSAY_OK);
		assert_non_null(strstr(pem, "-----BEGIN PRIVATE KEY-----\n"));
		assert_int_equal(
		    assay_jwk_parse_pem(&again, assay_bytes_of(pem), algs[i], &err), ASSAY_OK);
		assert_true(assay_jwk_private(again));
		text = json_of(key);
		other = json_of(again);
		assert_string_equal(text, other);
		free(other);
		assay_jwk_free(again);
		again = jwk(text); /* what is written is read, and is public */
		assert_false(assay_jwk_private(again));
		assert_int_equal(assay_jwk_private_pem(&other, again, &err), ASSAY_E_USAGE);
		other = json_of(again);
		assert_string_equal(text, other);
		free(other);
		free(text);
		free(pem);
		assay_jwk_free(again);
		assay_jwk_free(key);
	}
	key = NULL;
	static const char *const others[] = { "RS256", "HS256", "RSA1_5", "" };
	for (size_t i = 0; i < 4; i++) {
		enum assay_code rc = assay_jwk_make(&key, others[i], &err);
		expect_outcome(others[i], rc, &err, ASSAY_E_USAGE, "none is made");
	}
}

static void
test_json(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwk *key = jwk("{" KAT_POINT ",\"d\":\"" KAT_D "\"}");
	char *text = NULL;

	(void)state;
	assert_int_equal(assay_jwk_json(&text, key, NULL, &err), ASSAY_OK);
	assert_string_equal(text,
	    "{\"alg\":\"ES256\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" KAT_X "\",\"y\":\"" KAT_Y
	    "\"}");
	free(text);
	assert_int_equal(assay_jwk_json(&text, key, ",\"use\":\"sig\"", &err), ASSAY_OK);
	assert_non_null(strstr(text, KAT_Y "\",\"use\":\"sig\"}"));
	free(text);
	assay_jwk_free(key);
	key = jwk("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\",\"d\":\"" RFC8037_D
		  "\"}");
	assert_int_equal(assay_jwk_json(&text, key, NULL, &err), ASSAY_OK);
	assert_string_equal(text,
	    "{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" RFC8037_X "\"}");
	free(text);
	assay_jwk_free(key);
}

static void
test_pem_refusals(void **state)
{
	static const struct {
		const char *pem, *alg;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "", NULL, ASSAY_E_FORMAT, "has no PEM block" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", NULL,
		    ASSAY_E_FORMAT, "has no PEM block" },
		/* An X25519 key: of no kind that is known here. */
		{ "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066Sp"
		  "jqqbTmo=\n-----END PUBLIC KEY-----\n",
		    NULL, ASSAY_E_UNSUPPORTED, "none of P-256" },
		/* RFC 8410 10.1: Ed25519. */
		{ "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4"
		  "rXAxZuE=\n-----END PUBLIC KEY-----\n",
		    "ES256", ASSAY_E_UNSUPPORTED,
		    "alg is \"ES256\", which is not known here for Ed25519" },
		{ "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4"
		  "rXAxZuE=\n-----END PUBLIC KEY-----\n",
		    NULL, ASSAY_OK, "" },
	};
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_jwk *key = NULL;
		enum assay_code rc =
		    assay_jwk_parse_pem(&key, assay_bytes_of(cases[i].pem), cases[i].alg, &err);
		expect_outcome("pem", rc, &err, cases[i].code, cases[i].words);
		assert_true((key != NULL) == (rc == ASSAY_OK));
		assay_jwk_free(key);
	}
}

/* --- sets -------------------------------------------------------------------------------- */

static enum assay_code
set_once(struct assay_bytes in, struct assay_error *err)
{
	struct assay_jwks *set = NULL;
	enum assay_code rc = assay_jwks_parse(&set, in, err);

	assay_jwks_free(set);
	return rc;
}

static void
test_sets(void **state)
{
	static const struct {
		const char *json;
		size_t count;
	} cases[] = {
		{ "{\"keys\":[]}", 0 },
		{ "{\"keys\":[{" KAT_POINT "},{\"kty\":\"oct\",\"k\":\"AA\"},{\"kty\":\"RSA\","
		  "\"e\":\"AQAB\",\"n\":\"" RFC7638_N "\"}]}",
		    1 },
		{ "{\"keys\":[{" KAT_POINT "},{" KAT_POINT ",\"alg\":\"ECDH-ES+A256KW\"}]}", 2 },
		/* What cannot be used: RFC 7517, 5. */
		{ "{\"keys\":[{},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"},"
		  "{" KAT_POINT ",\"use\":\"tls\"},{" KAT_POINT ",\"alg\":1},{" KAT_POINT "},"
		  "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"e\":\"AQAB\",\"n\":\"AQAB\"}]}",
		    1 },
		{ "{" KAT_POINT "}", 1 },
		{ " \n{" KAT_POINT ",\"d\":\"" KAT_D "\"}\n", 1 },
	};
	static const struct {
		const char *json, *words;
	} bad[] = {
		{ "[]", "no JSON object" },
		{ "{\"keys\":{}}", "must be an array" },
		{ "{\"keys\":[1]}", "key 0 is no object" },
		{ "{\"keys\":[{" KAT_POINT "},[]]}", "key 1 is no object" },
		{ "{\"keys\":[{}]}",
		    "key set: no key of it can be used; key 0: key: has no \"kty\"" },
		{ "{\"keys\":[{" KAT_POINT ",\"use\":\"tls\"},{}]}", "key 0: key: use is \"tls\"" },
		{ "{\"keys\":[{" KAT_POINT "},{" KAT_POINT ",\"d\":\"AQID\"}]}",
		    "key set, key 1: key: a number of 3 bytes, want 32" },
		{ "{" KAT_POINT ",\"use\":\"tls\"}", "key: use is \"tls\"" },
		{ "{}", "has no \"kty\"" },
		{ "{\"keys\":[],\"keys\":[]}", "duplicate" },
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}",
		    "a number of 1 bytes" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwks *set = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(
		    assay_jwks_parse(&set, assay_bytes_of(cases[i].json), &err), ASSAY_OK);
		assert_int_equal(assay_jwks_count(set), cases[i].count);
		assert_null(assay_jwks_at(set, cases[i].count));
		assay_jwks_free(set);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enum assay_code rc = set_once(assay_bytes_of(bad[i].json), &err);
		expect_outcome(bad[i].json, rc, &err, ASSAY_E_FORMAT, bad[i].words);
	}
	static const char foreign[] = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},{}]}";
	enum assay_code rc = set_once(assay_bytes_of(foreign), &err);
	expect_outcome(foreign, rc, &err, ASSAY_E_UNSUPPORTED, "key 0: key: kty \"oct\"");
	for (size_t i = 2; i < 4; i++)
		check_own_allocations(set_once, assay_bytes_of(cases[i].json));
}

/* The set that Trustee publishes for a key whose x begins with a zero byte. */
static void
test_published(void **state)
{
	struct assay_bytes in = vectors_read("coco/token/as-jwk/expected-jwks.json"),
			   chain = vectors_read("coco/token/as-jwk/cert-chain.pem");
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwks *set = NULL;
	struct assay_jwk *key = NULL;

	(void)state;
	if (in.ptr == NULL || chain.ptr == NULL) {
		print_message("# no captures: the published set was not read\n");
		return;
	}
	assert_int_equal(assay_jwks_parse(&set, in, &err), ASSAY_OK);
	assert_int_equal(assay_jwks_count(set), 1);
	assert_string_equal(assay_jwk_alg(assay_jwks_at(set, 0)), "ES256");
	assert_int_equal(assay_jwk_parse_pem(&key, chain, NULL, &err), ASSAY_OK);
	char *one = json_of(key), *other = json_of(assay_jwks_at(set, 0));
	assert_string_equal(one, other);
	assert_non_null(strstr(one, "\"x\":\"ANbJ"));
	free(one);
	free(other);
	assay_jwk_free(key);
	assay_jwks_free(set);
	vectors_free(in);
	vectors_free(chain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thumbprints),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_like),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_rsa_refusals),
		cmocka_unit_test(test_leading_zero),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_pem_refusals),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_published),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
