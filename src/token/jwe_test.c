/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_test.h"

/* --- known answers of kbs-protocol.md 4 -------------------------------------------------- */

static void
test_kdf(void **state)
{
	static const struct {
		size_t len;
		const char *kek;
	} cases[] = {
		{ 32, "ead36a3ab953bb6e5a6709471c0fd35fcc62cf920994cede2f3aa2544e9f47ac" },
		{ 66, "3e6609c07a08404eae372dd90baa6ab82e7f1104c848e414079726e64e92f00c" },
	};
	uint8_t z[66], kek[ASSAY_CEK_SIZE];
	char hex[2 * ASSAY_CEK_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof z; i++)
		z[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assay_jwe_kdf(kek, (struct assay_bytes){ z, cases[i].len });
		assay_hex(hex, (struct assay_bytes){ kek, sizeof kek });
		assert_string_equal(hex, cases[i].kek);
	}
}

static const char envelope[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0y"
    "NTYiLCJrdHkiOiJFQyIsIngiOiJIeFFCUnIteHNsSDRUMDNiNE5UTno5ZDZfWmhLbFNEalY1UUNINE1TdTU0IiwieSI6Ij"
    "dKbGFDTEg2ZHdUZlBjd0xVS2xtVW1QN2R4SDVYNS1LUkp4UWx1UjhpU3MifX0\","
    "\"encrypted_key\":\"L-rqtQGWI9ro5vDFjVFQ7xE7x3XkmxCkYRUeuy4ULvPHS3YGpEJvXg\","
    "\"iv\":\"oKGio6Slpqeoqaqr\",\"ciphertext\":\"lX0fXyC_\",\"tag\":\"rlnLuQN0Ia5mZqv1GmxWOA\"}";

static void
known_chance(struct jwe_chance *chance)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t numbers[3][32];
	size_t n;

	assert_true(assay_unbase64url(
	    numbers[0], &n, assay_bytes_of("HxQBRr-xslH4T03b4NTNz9d6_ZhKlSDjV5QCH4MSu54")));
	assert_true(assay_unbase64url(
	    numbers[1], &n, assay_bytes_of("7JlaCLH6dwTfPcwLUKlmUmP7dxH5X5-KRJxQluR8iSs")));
	for (uint8_t i = 0; i < 32; i++) {
		numbers[2][i] = (uint8_t)(0x21 + i);
		chance->cek[i] = i;
	}
	for (uint8_t i = 0; i < ASSAY_IV_SIZE; i++)
		chance->iv[i] = (uint8_t)(0xa0 + i);
	struct assay_numbers from = { { { numbers[0], 32 }, { numbers[1], 32 },
	    { numbers[2], 32 } } };
	chance->ephemeral = (struct assay_pair){ .kind = ASSAY_PAIR_NONE };
	assert_int_equal(
	    assay_pair_set(&chance->ephemeral, ASSAY_PAIR_P256, &from, NULL, &err), ASSAY_OK);
}

static void
test_known_envelope(void **state)
{
	struct assay_jwk *to = jwk("{\"alg\":\"ECDH-ES+A256KW\"," KAT_POINT "}");
	struct assay_jwk *own =
	    jwk("{\"alg\":\"ECDH-ES+A256KW\"," KAT_POINT ",\"d\":\"" KAT_D "\"}");
	struct assay_error err = { ASSAY_OK, "" };
	struct jwe_chance chance;
	char *text = NULL;
	uint8_t *plain = NULL;
	size_t len = 0;

	(void)state;
	known_chance(&chance);
	assert_int_equal(
	    assay_jwe_seal(&text, to, ASSAY_JWE_FLATTENED, assay_bytes_of("secret"), &chance, &err),
	    ASSAY_OK);
	assert_string_equal(text, envelope);
	assert_int_equal(
	    assay_jwe_decrypt(&plain, &len, own, assay_bytes_of(envelope), &err), ASSAY_OK);
	assert_int_equal(len, 6);
	assert_memory_equal(plain, "secret", 6);
	free(plain);
	free(text);
	assay_pair_clear(&chance.ephemeral);
	assay_jwk_free(to);
	assay_jwk_free(own);
}

/* --- every key, both forms ---------------------------------------------------------------- */

static struct assay_jwk *
made_on(enum assay_pair_kind kind)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_pair pair = { .kind = ASSAY_PAIR_NONE };
	struct assay_jwk *key = NULL;
	char *pem = NULL;

	assert_int_equal(assay_pair_make(&pair, kind, &err), ASSAY_OK);
	assert_int_equal(assay_pair_pem(&pem, &pair, &err), ASSAY_OK);
	assert_int_equal(assay_jwk_parse_pem(&key, assay_bytes_of(pem),
			     kind == ASSAY_PAIR_RSA ? "RSA-OAEP-256" : "ECDH-ES+A256KW", &err),
	    ASSAY_OK);
	free(pem);
	assay_pair_clear(&pair);
	return key;
}

static void
test_round_trips(void **state)
{
	static const enum assay_pair_kind kinds[] = { ASSAY_PAIR_P256, ASSAY_PAIR_P384,
		ASSAY_PAIR_P521, ASSAY_PAIR_RSA };
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 70000 };
	static uint8_t secret[70000];
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	memset(secret, 0xa5, sizeof secret);
	for (size_t k = 0; k < 4; k++) {
		struct assay_jwk *own = made_on(kinds[k]), *other = made_on(kinds[k]);
		char *text = json_of(own), *last = NULL;
		struct assay_jwk *to = jwk(text);
		for (size_t i = 0; i < 6; i++)
			for (enum assay_jwe_form form = ASSAY_JWE_FLATTENED;
			     form <= ASSAY_JWE_LEGACY; form++) {
				struct assay_bytes in = { secret, sizes[i] };
				char *json = NULL;
				uint8_t *plain = NULL;
				size_t len = 1;
				assert_int_equal(
				    assay_jwe_encrypt(&json, to, form, in, &err), ASSAY_OK);
				assert_true((strstr(json, "\"protected\":\"{\\\"alg\\\"") !=
						NULL) == (form == ASSAY_JWE_LEGACY));
				assert_true((strstr(json, "\"tag\":\"\"}") != NULL) ==
				    (form == ASSAY_JWE_LEGACY));
				assert_int_equal(assay_jwe_decrypt(
						     &plain, &len, own, assay_bytes_of(json), &err),
				    ASSAY_OK);
				assert_int_equal(len, sizes[i]);
				assert_memory_equal(plain, secret, len);
				free(plain);
				plain = NULL;
				enum assay_code rc = assay_jwe_decrypt(
				    &plain, &len, other, assay_bytes_of(json), &err);
				expect_outcome("another's", rc, &err, ASSAY_E_SIGNATURE,
				    "is not for this key");
				assert_null(plain);
				/* Nothing in it is ever the same. */
				assert_true(last == NULL || strcmp(last, json) != 0);
				free(last);
				last = json;
			}
		free(last);
		free(text);
		assay_jwk_free(to);
		assay_jwk_free(own);
		assay_jwk_free(other);
	}
}

/* --- refusals ----------------------------------------------------------------------------- */

static struct assay_jwk *own;

static int
make_own(void **state)
{
	(void)state;
	own = jwk("{\"alg\":\"ECDH-ES+A256KW\"," KAT_POINT ",\"d\":\"" KAT_D "\"}");
	return 0;
}

static int
free_own(void **state)
{
	(void)state;
	assay_jwk_free(own);
	return 0;
}

static enum assay_code
once(struct assay_bytes in, struct assay_error *err)
{
	uint8_t *plain = NULL;
	size_t len = 0;
	enum assay_code rc = assay_jwe_decrypt(&plain, &len, own, in, err);

	assert_true((plain != NULL) == (rc == ASSAY_OK));
	free(plain);
	return rc;
}

static void
test_damage(void **state)
{
	static const struct json_case cases[] = {
		{ "as it is", NULL, NULL, ASSAY_OK, "" },
		{ "iv", "oKGio6Slpqeoqaqr", "oKGio6Slpqeoqaqs", ASSAY_E_SIGNATURE, "its tag" },
		{ "ciphertext", "lX0f", "lX0g", ASSAY_E_SIGNATURE, "its tag does not hold" },
		{ "tag", "rlnL", "rlnM", ASSAY_E_SIGNATURE, "its tag does not hold" },
		{ "encrypted key", "L-rq", "L-rr", ASSAY_E_SIGNATURE, "cannot be unwrapped" },
		{ "short encrypted key", "L-rqtQGW", "", ASSAY_E_SIGNATURE, "cannot be unwrapped" },
		{ "short iv", "oKGi", "", ASSAY_E_FORMAT, "iv is 9 bytes, must be 12" },
		{ "short tag", "rlnL", "", ASSAY_E_FORMAT, "tag is 13 bytes, must be 16" },
		{ "no tag", "rlnLuQN0Ia5mZqv1GmxWOA", "", ASSAY_E_FORMAT, "tag is 0 bytes" },
		{ "padded", "GmxWOA", "GmxWOA==", ASSAY_E_FORMAT, "tag: has padding" },
		{ "standard", "oKGio6Slpqeoqaqr", "oKGio6Slpqeo+aqr", ASSAY_E_FORMAT, "iv: is" },
		{ "aad", "{\"protected", "{\"aad\":\"\",\"protected", ASSAY_E_UNSUPPORTED,
		    "\"aad\"" },
		{ "unprotected", "{\"protected", "{\"header\":{},\"protected", ASSAY_E_UNSUPPORTED,
		    "\"header\"" },
		{ "twice", "\"iv", "\"tag\":\"\",\"iv", ASSAY_E_FORMAT, "duplicate" },
		{ "iv missing", "\"iv\":\"oKGio6Slpqeoqaqr\",", "", ASSAY_E_FORMAT,
		    "has no \"iv\"" },
		{ "no object", "{\"protected\"", "[\"protected\"", ASSAY_E_FORMAT, "is no JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_json_cases(once, envelope, &cases[i], 1);
	damage_some(once, assay_bytes_of(envelope), 1);
	check_own_allocations(once, assay_bytes_of(envelope));
}

/* No bit of it can be turned and the secret still comes out, but where JSON itself says the same. */
static void
test_no_other_opens(void **state)
{
	char *copy = strdup(envelope);
	size_t opened = 0;
	struct assay_error err;

	(void)state;
	assert_non_null(copy);
	for (size_t bit = 0; bit < 8 * (sizeof envelope - 1); bit++) {
		copy[bit / 8] ^= (char)(1 << bit % 8);
		opened += once((struct assay_bytes){ (uint8_t *)copy, sizeof envelope - 1 },
			      &err) == ASSAY_OK;
		copy[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(opened, 0);
	free(copy);
}

/* An envelope with this header, sealed with it as far as that goes: the reader must look first. */
static void
test_headers(void **state)
{
	static const char epk[] = "\"epk\":{\"crv\":\"P-256\",\"kty\":\"EC\","
				  "\"x\":\"HxQBRr-xslH4T03b4NTNz9d6_ZhKlSDjV5QCH4MSu54\","
				  "\"y\":\"7JlaCLH6dwTfPcwLUKlmUmP7dxH5X5-KRJxQluR8iSs\"}";
	static const struct json_case cases[] = {
		{ "as it is", NULL, NULL, ASSAY_E_SIGNATURE, "its tag" },
		{ "RSA1_5", "ECDH-ES+A256KW", "RSA1_5", ASSAY_E_UNSUPPORTED, "key of \"RSA1_5\"" },
		{ "dir", "ECDH-ES+A256KW", "dir", ASSAY_E_UNSUPPORTED, "key of \"dir\"" },
		{ "none", "ECDH-ES+A256KW", "", ASSAY_E_UNSUPPORTED, "key of \"\"" },
		{ "enc", "A256GCM", "A128GCM", ASSAY_E_UNSUPPORTED, "enc is \"A128GCM\"" },
		{ "crit", "\"enc\"", "\"crit\":[\"enc\"],\"enc\"", ASSAY_E_UNSUPPORTED,
		    "\"crit\"" },
		{ "zip", "\"enc\"", "\"zip\":\"DEF\",\"enc\"", ASSAY_E_UNSUPPORTED, "\"zip\"" },
		{ "apu", "\"enc\"", "\"apu\":\"QQ\",\"enc\"", ASSAY_E_UNSUPPORTED, "\"apu\"" },
		{ "twice", "\"enc\"", "\"enc\":\"A256GCM\",\"enc\"", ASSAY_E_FORMAT, "duplicate" },
		{ "kid", "\"enc\"", "\"kid\":\"a\",\"enc\"", ASSAY_E_SIGNATURE, "its tag" },
		{ "no epk", "\"epk\"", "\"typ\"", ASSAY_E_FORMAT, "epk is no EC key on P-256" },
		{ "epk on another curve", "P-256", "P-384", ASSAY_E_FORMAT, "epk is no EC key" },
		{ "epk off its curve", "HxQB", "IxQB", ASSAY_E_FORMAT, "no point of P-256" },
		{ "epk short", "HxQB", "", ASSAY_E_FORMAT, "a number of 29 bytes" },
		{ "epk no key", "{\"crv\"", "[\"crv\"", ASSAY_E_FORMAT, "no JSON" },
	};
	char header[512];

	(void)state;
	(void)snprintf(
	    header, sizeof header, "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",%s}", epk);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		char *said = replaced(header, cases[i].from != NULL ? cases[i].from : "",
		    cases[i].to != NULL ? cases[i].to : "");
		char encoded[ASSAY_BASE64URL_SIZE(1024)], json[2048];
		(void)assay_base64url(encoded, assay_bytes_of(said));
		(void)snprintf(json, sizeof json,
		    "{\"protected\":\"%s\",\"encrypted_key\":"
		    "\"L-rqtQGWI9ro5vDFjVFQ7xE7x3XkmxCkYRUeuy4ULvPHS3YGpEJvXg\","
		    "\"iv\":\"oKGio6Slpqeoqaqr\",\"ciphertext\":\"lX0fXyC_\","
		    "\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
		    encoded);
		enum assay_code rc = once(assay_bytes_of(json), &err);
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
		free(said);
	}
}

static void
test_wrong_keys(void **state)
{
	static const struct {
		const char *key;
		enum assay_jwe_form form;
		const char *words;
	} cases[] = {
		{ "{" KAT_POINT "}", ASSAY_JWE_FLATTENED, "a key for ES256 does not encrypt" },
		{ "{" KAT_POINT "}", ASSAY_JWE_LEGACY, "a key for ES256 does not encrypt" },
		{ "{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"e\":\"AQAB\",\"n\":\"" RFC7638_N "\"}",
		    ASSAY_JWE_FLATTENED, "is for protocol 0.1 alone" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwk *key;
	char *json = NULL;
	uint8_t *plain = NULL;
	size_t len;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		key = jwk(cases[i].key);
		enum assay_code rc =
		    assay_jwe_encrypt(&json, key, cases[i].form, assay_bytes_of("secret"), &err);
		expect_outcome(cases[i].key, rc, &err, ASSAY_E_USAGE, cases[i].words);
		assay_jwk_free(key);
	}
	key = jwk("{\"alg\":\"ECDH-ES+A256KW\"," KAT_POINT "}");
	enum assay_code rc = assay_jwe_decrypt(&plain, &len, key, assay_bytes_of(envelope), &err);
	expect_outcome("public", rc, &err, ASSAY_E_USAGE, "without its private half");
	assay_jwk_free(key);

	/* The old clients' form, which nobody here opens. */
	key = jwk(cases[2].key);
	assert_int_equal(
	    assay_jwe_encrypt(&json, key, ASSAY_JWE_LEGACY, assay_bytes_of("secret"), &err),
	    ASSAY_OK);
	assert_non_null(strstr(
	    json, "{\"protected\":\"{\\\"alg\\\":\\\"RSA1_5\\\",\\\"enc\\\":\\\"A256GCM\\\"}\","));
	rc = once(assay_bytes_of(json), &err);
	expect_outcome("RSA1_5", rc, &err, ASSAY_E_UNSUPPORTED, "key of \"RSA1_5\"");
	free(json);
	assay_jwk_free(key);
}

static void
test_allocations(void **state)
{
	struct assay_jwk *to = jwk("{\"alg\":\"ECDH-ES+A256KW\"," KAT_POINT "}");
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t n = 1, failed = 1; failed != 0; n++) {
		char *json = NULL;
		alloc_fail_at(n);
		enum assay_code rc = assay_jwe_encrypt(
		    &json, to, ASSAY_JWE_FLATTENED, assay_bytes_of("secret"), &err);
		failed = alloc_failed();
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
		free(json);
	}
	assay_jwk_free(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kdf),
		cmocka_unit_test(test_known_envelope),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_no_other_opens),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_allocations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_own, free_own);
}
