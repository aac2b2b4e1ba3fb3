/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_test.h"

/* RFC 8037 A.4: Ed25519 is deterministic, so the whole token is known. */
#define ED_KEY                                                                                     \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_"                                     \
	"9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","                                                  \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
static const char ed_token[] =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg"
    "3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/* RFC 7515 A.3: ES256. */
#define ES_KEY                                                                                     \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define ES_SIGNED                                                                                  \
	"eyJhbGciOiJFUzI1NiJ9."                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"                     \
	"LmNvbS9pc19yb290Ijp0cnVlfQ"
static const char es_token[] = ES_SIGNED
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* RFC 7515 A.2: RS256. */
#define RS_KEY                                                                                     \
	"{\"kty\":\"RSA\",\"alg\":\"RS256\",\"e\":\"AQAB\",\"n\":"                                 \
	"\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"                                                     \
	"wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_"   \
	"YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"    \
	"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8N"   \
	"Aco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}"
static const char rs_token[] =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
    "bS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4"
    "Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xB"
    "ArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1"
    "phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static struct assay_jwks *
keys_of(const char *json)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwks *set = NULL;

	if (assay_jwks_parse(&set, assay_bytes_of(json), &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return set;
}

static enum assay_code
verify(const char *keys, const char *typ, struct assay_bytes token, struct assay_error *err)
{
	struct assay_jwks *set = keys_of(keys);
	const struct assay_jwk *by = NULL;
	uint8_t *payload = NULL;
	size_t len = 0;
	enum assay_code rc = assay_jws_verify(&payload, &len, &by, set, typ, token, err);

	assert_true((payload != NULL) == (rc == ASSAY_OK) && (by != NULL) == (rc == ASSAY_OK));
	free(payload);
	assay_jwks_free(set);
	return rc;
}

static void
test_known_tokens(void **state)
{
	static const struct {
		const char *key, *token, *payload;
	} cases[] = {
		{ ED_KEY, ed_token, "Example of Ed25519 signing" },
		{ ES_KEY, es_token,
		    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
		    "\"http://example.com/is_root\":true}" },
		{ RS_KEY, rs_token,
		    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
		    "\"http://example.com/is_root\":true}" },
	};
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_jwks *set = keys_of(cases[i].key);
		const struct assay_jwk *by = NULL;
		uint8_t *payload = NULL;
		char *header = NULL;
		size_t len = 0;
		if (assay_jws_verify(&payload, &len, &by, set, NULL, assay_bytes_of(cases[i].token),
			&err) != ASSAY_OK)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(len, strlen(cases[i].payload));
		assert_memory_equal(payload, cases[i].payload, len);
		assert_ptr_equal(by, assay_jwks_at(set, 0));
		free(payload);
		assert_int_equal(
		    assay_jws_peek(&header, &payload, &len, assay_bytes_of(cases[i].token), &err),
		    ASSAY_OK);
		assert_int_equal(len, strlen(cases[i].payload));
		assert_non_null(strstr(header, "{\"alg\":\""));
		free(payload);
		free(header);
		assay_jwks_free(set);
	}
}

/* Every bit of signature, payload and header. */
static void
test_altered(void **state)
{
	static const struct {
		const char *key, *token;
	} cases[] = { { ED_KEY, ed_token }, { ES_KEY, es_token } };
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].token);
		char *copy = strdup(cases[i].token);
		assert_non_null(copy);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			copy[bit / 8] ^= (char)(1 << bit % 8);
			err.text[0] = '\0';
			enum assay_code rc = verify(
			    cases[i].key, NULL, (struct assay_bytes){ (uint8_t *)copy, len }, &err);
			assert_int_not_equal(rc, ASSAY_OK);
			expect_sentence(rc, &err);
			copy[bit / 8] ^= (char)(1 << bit % 8);
		}
		for (size_t n = 0; n < len; n++)
			assert_int_not_equal(verify(cases[i].key, NULL,
						 (struct assay_bytes){ (uint8_t *)copy, n }, &err),
			    ASSAY_OK);
		free(copy);
	}
}

/* --- tokens made here -------------------------------------------------------------------- */

static struct assay_jwk *signer;
static char *public_key;

static int
make_signer(void **state)
{
	(void)state;
	signer = made("ES256");
	public_key = json_of(signer);
	return 0;
}

static int
free_signer(void **state)
{
	(void)state;
	assay_jwk_free(signer);
	free(public_key);
	return 0;
}

/* Signs with this very header. */
static char *
forged(const char *header, const char *payload)
{
	uint8_t signature[ASSAY_NUMBER_MAX];
	char *text = malloc(ASSAY_BASE64URL_SIZE(strlen(header)) +
	    ASSAY_BASE64URL_SIZE(strlen(payload)) + ASSAY_BASE64URL_SIZE(sizeof signature) + 2);

	assert_non_null(text);
	size_t n = assay_base64url(text, assay_bytes_of(header));
	text[n++] = '.';
	n += assay_base64url(text + n, assay_bytes_of(payload));
	size_t len = assay_pair_sign(
	    signature, &signer->pair, signer->alg->how, (struct assay_bytes){ (uint8_t *)text, n });
	assert_int_equal(len, 64);
	text[n++] = '.';
	(void)assay_base64url(text + n, (struct assay_bytes){ signature, len });
	return text;
}

static void
test_headers(void **state)
{
	static const struct {
		const char *header, *typ;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "{\"alg\":\"ES256\"}", NULL, ASSAY_OK, "" },
		{ "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", NULL, ASSAY_OK, "" },
		{ "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", "JWT", ASSAY_OK, "" },
		{ "{\"alg\":\"ES256\",\"typ\":\"application/eat+jwt\"}", "EAT+JWT", ASSAY_OK, "" },
		{ "{\"alg\":\"ES256\",\"typ\":\"eat+jwt\"}", "application/eat+jwt", ASSAY_OK, "" },
		{ "{\"alg\":\"ES256\",\"unknown\":[1]}", NULL, ASSAY_OK, "" },
		{ "{\"alg\":\"ES256\",\"typ\":\"JWT2\"}", "JWT", ASSAY_E_FORMAT,
		    "typ is \"JWT2\", must be \"JWT\"" },
		{ "{\"alg\":\"ES256\",\"typ\":\"JWT\\u0000\"}", "JWT", ASSAY_E_FORMAT, "no JSON" },
		{ "{\"alg\":\"ES256\"}", "JWT", ASSAY_E_FORMAT, "must be \"JWT\"" },
		{ "{}", NULL, ASSAY_E_FORMAT, "has no \"alg\"" },
		{ "{\"alg\":1}", NULL, ASSAY_E_FORMAT, "has no \"alg\"" },
		{ "{\"alg\":\"none\"}", NULL, ASSAY_E_SIGNATURE, "none of the 1 trusted" },
		{ "{\"alg\":\"HS256\"}", NULL, ASSAY_E_SIGNATURE, "none of the 1 trusted" },
		{ "{\"alg\":\"ES384\"}", NULL, ASSAY_E_SIGNATURE, "none of the 1 trusted" },
		{ "{\"alg\":\"es256\"}", NULL, ASSAY_E_SIGNATURE, "none of the 1 trusted" },
		{ "{\"alg\":\"ES256\",\"alg\":\"ES256\"}", NULL, ASSAY_E_FORMAT, "duplicate" },
		{ "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", NULL, ASSAY_E_UNSUPPORTED,
		    "\"crit\"" },
		{ "{\"alg\":\"ES256\",\"crit\":[]}", NULL, ASSAY_E_UNSUPPORTED, "\"crit\"" },
		{ "{\"alg\":\"ES256\",\"b64\":false}", NULL, ASSAY_E_UNSUPPORTED, "\"b64\"" },
		{ "{\"alg\":\"ES256\",\"kid\":1}", NULL, ASSAY_E_FORMAT, "\"kid\"" },
		{ "[\"ES256\"]", NULL, ASSAY_E_FORMAT, "no JSON object" },
		{ "{\"alg\":\"ES256\"} x", NULL, ASSAY_E_FORMAT, "no JSON" },
	};
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *token = forged(cases[i].header, "{}");
		enum assay_code rc = verify(public_key, cases[i].typ, assay_bytes_of(token), &err);
		expect_outcome(cases[i].header, rc, &err, cases[i].code, cases[i].words);
		free(token);
	}
}

/* A name chooses among the keys, and proves nothing. */
static void
test_names(void **state)
{
	static const struct {
		const char *set, *header; /* %s: the key, but for its brace */
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "{\"keys\":[%s,\"kid\":\"a\"}]}", "{\"alg\":\"ES256\",\"kid\":\"a\"}", ASSAY_OK,
		    "" },
		{ "{\"keys\":[%s,\"kid\":\"a\"}]}", "{\"alg\":\"ES256\"}", ASSAY_OK, "" },
		{ "{\"keys\":[%s,\"kid\":\"a\"}]}", "{\"alg\":\"ES256\",\"kid\":\"b\"}",
		    ASSAY_E_SIGNATURE, "by key \"b\", which is none" },
		{ "{\"keys\":[%s}]}", "{\"alg\":\"ES256\",\"kid\":\"b\"}", ASSAY_OK, "" },
		{ "{\"keys\":[" ES_KEY ",%s}]}", "{\"alg\":\"ES256\"}", ASSAY_OK, "" },
		{ "{\"keys\":[" ES_KEY "]}", "{\"alg\":\"ES256\"}", ASSAY_E_SIGNATURE,
		    "does not hold" },
		{ "{\"keys\":[%s,\"use\":\"sig\"}]}", "{\"alg\":\"ES256\"}", ASSAY_OK, "" },
		{ "{\"keys\":[]}", "{\"alg\":\"ES256\"}", ASSAY_E_SIGNATURE, "none of the 0" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	size_t n = strlen(public_key) - 1;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *at = strstr(cases[i].set, "%s");
		char set[1024];
		(void)snprintf(set, sizeof set, "%.*s%.*s%s",
		    (int)(at != NULL ? at - cases[i].set : (ptrdiff_t)strlen(cases[i].set)),
		    cases[i].set, at != NULL ? (int)n : 0, public_key, at != NULL ? at + 2 : "");
		char *token = forged(cases[i].header, "{}");
		enum assay_code rc = verify(set, NULL, assay_bytes_of(token), &err);
		expect_outcome(cases[i].header, rc, &err, cases[i].code, cases[i].words);
		free(token);
	}
}

/* The same point as a key for encryption verifies nothing, and RSA keys verify with theirs alone. */
static void
test_one_algorithm(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *token = forged("{\"alg\":\"ES256\"}", "{}");
	char *enc = replaced(public_key, "ES256", "ECDH-ES+A256KW");
	char *ps = replaced(RS_KEY, "RS256", "PS256");

	(void)state;
	enum assay_code rc = verify(enc, NULL, assay_bytes_of(token), &err);
	expect_outcome("enc", rc, &err, ASSAY_E_SIGNATURE, "none of the 1 trusted");
	rc = verify(ps, NULL, assay_bytes_of(rs_token), &err);
	expect_outcome("ps", rc, &err, ASSAY_E_SIGNATURE, "none of the 1 trusted");
	free(token);
	free(enc);
	free(ps);
}

/* A token that brings its key: the key is good, and counts for nothing. */
static void
test_key_in_header(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *token = NULL;

	(void)state;
	assert_int_equal(
	    assay_jws_sign(&token, signer, "JWT", true, assay_bytes_of("{}"), &err), ASSAY_OK);
	enum assay_code rc = verify("{\"keys\":[" ES_KEY "]}", NULL, assay_bytes_of(token), &err);
	expect_outcome("jwk", rc, &err, ASSAY_E_SIGNATURE, "does not hold");
	rc = verify("{\"keys\":[]}", NULL, assay_bytes_of(token), &err);
	expect_outcome(
	    "jwk", rc, &err, ASSAY_E_SIGNATURE, "a key in its header counts for nothing");
	free(token);
}

/* Trustee's cases of a key in the header, with chains that it accepts or refuses: here none helps. */
static void
test_endorsed_keys(void **state)
{
	static const char *const names[] = { "01", "02", "03", "05" };
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char path[64], header[8192];
		(void)snprintf(
		    path, sizeof path, "coco/token/kbs-jwk/scenario%s-jwk.json", names[i]);
		struct assay_bytes in = vectors_read(path);
		if (in.ptr == NULL) {
			print_message("# no captures: keys in headers were not tried\n");
			return;
		}
		(void)snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"jwk\":%.*s}",
		    (int)in.len, (const char *)in.ptr);
		char *token = forged(header, "{}");
		assert_int_equal(verify(public_key, NULL, assay_bytes_of(token), &err), ASSAY_OK);
		enum assay_code rc = verify("{\"keys\":[]}", NULL, assay_bytes_of(token), &err);
		expect_outcome(names[i], rc, &err, ASSAY_E_SIGNATURE, "counts for nothing");
		free(token);
		vectors_free(in);
	}
}

static void
test_shapes(void **state)
{
	static const struct {
		const char *token;
		const char *words;
	} cases[] = {
		{ "", "has 1 parts" },
		{ "a.b", "has 2 parts" },
		{ "a.b.c.d", "has 4 parts" },
		{ ".YQ.YQ", "has 3 parts" },
		{ "..", "has 3 parts" },
		{ "e30=.e30.YQ", "header: has padding" },
		{ "e3 .e30.YQ", "header: is \"e3 \"" },
		{ "e3+.e30.YQ", "header: is" },
		{ "e31.e30.YQ", "header: is" },
		{ "e30.e30.YR", "signature: is" },
		{ "e30\n.e30.YQ", "header: is" },
		{ " e30.e30.YQ", "header: is" },
		{ "e30.e30.YQ\n", "signature: is" },
		{ "e30.e30.YQ", "has no \"alg\"" },
	};
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum assay_code rc = verify(public_key, NULL, assay_bytes_of(cases[i].token), &err);
		expect_outcome(cases[i].token, rc, &err, ASSAY_E_FORMAT, cases[i].words);
	}
}

/* r or s of 0, and DER where r || s belongs. */
static void
test_signatures(void **state)
{
	static const struct {
		const char *signature;
	} cases[] = {
		{ "" },
		{ "AA" },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AA"
		  "AAAA" },
		{ "________________________________________________________________________________"
		  "_____"
		  "w" },
		{ "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-"
		  "Kg6NU1"
		  "QA" },
		{ "MEUCIA7RIVN5Y2xIPC9_"
		  "FVgH1AKjsigDOvl8fheBmsMWnqZlAiEAxQoH04w8cOXY8S2vCEpUgKZlkMXyk1Ca"
		  "jz9_ioOjVNU" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	char token[1024];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)snprintf(token, sizeof token, "%s.%s", ES_SIGNED, cases[i].signature);
		enum assay_code rc = verify(ES_KEY, NULL, assay_bytes_of(token), &err);
		expect_outcome(cases[i].signature, rc, &err, ASSAY_E_SIGNATURE, "does not hold");
	}
}

static void
test_sign(void **state)
{
	static const char *const algs[] = { "ES256", "ES384", "EdDSA" };
	struct assay_error err = { ASSAY_OK, "" };
	char want[512], kid[ASSAY_KID_TEXT];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (int with = 0; with < 2; with++) {
			struct assay_jwk *key = made(algs[i]);
			char *json = json_of(key), *token = NULL, *header = NULL;
			uint8_t *payload = NULL;
			size_t len = 0;
			assay_jwk_kid(kid, key);
			assert_int_equal(assay_jws_sign(&token, key, "JWT", with,
					     assay_bytes_of("{\"a\":1}"), &err),
			    ASSAY_OK);
			assert_int_equal(
			    verify(json, "JWT", assay_bytes_of(token), &err), ASSAY_OK);
			assert_int_equal(
			    assay_jws_peek(&header, &payload, &len, assay_bytes_of(token), &err),
			    ASSAY_OK);
			(void)snprintf(want, sizeof want,
			    "{\"alg\":\"%s\",%s%s%s\"kid\":\"%s\",\"typ\":\"JWT\"}", algs[i],
			    with ? "\"jwk\":" : "", with ? json : "", with ? "," : "", kid);
			assert_string_equal(header, want);
			free(json);
			free(token);
			free(header);
			free(payload);
			assay_jwk_free(key);
		}
}

static void
test_sign_refusals(void **state)
{
	static const char *const keys[] = { ES_KEY, RS_KEY,
		"{\"alg\":\"ECDH-ES+A256KW\"," KAT_POINT ",\"d\":\"" KAT_D "\"}" };
	struct assay_error err = { ASSAY_OK, "" };
	char *token = NULL;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct assay_jwk *key = jwk(keys[i]);
		enum assay_code rc =
		    assay_jws_sign(&token, key, "JWT", false, assay_bytes_of("{}"), &err);
		expect_outcome(keys[i], rc, &err, ASSAY_E_USAGE, "does not sign");
		assay_jwk_free(key);
	}
	assert_null(token);
}

static enum assay_code
sign_once(struct assay_bytes in, struct assay_error *err)
{
	char *token = NULL;
	enum assay_code rc = assay_jws_sign(&token, signer, "JWT", true, in, err);

	free(token);
	return rc;
}

static void
test_allocations(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *token = NULL;

	(void)state;
	assert_int_equal(
	    assay_jws_sign(&token, signer, "JWT", true, assay_bytes_of("{}"), &err), ASSAY_OK);
	struct assay_jwks *set = set_of(signer);
	for (size_t n = 1, failed = 1; failed != 0; n++) {
		uint8_t *payload = NULL;
		size_t len;
		alloc_fail_at(n);
		enum assay_code rc =
		    assay_jws_verify(&payload, &len, NULL, set, "JWT", assay_bytes_of(token), &err);
		failed = alloc_failed();
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
		free(payload);
	}
	for (size_t n = 1, failed = 1; failed != 0; n++) {
		alloc_fail_at(n);
		enum assay_code rc = sign_once(assay_bytes_of("{}"), &err);
		failed = alloc_failed();
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
	}
	assay_jwks_free(set);
	free(token);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_tokens),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_one_algorithm),
		cmocka_unit_test(test_key_in_header),
		cmocka_unit_test(test_endorsed_keys),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_sign_refusals),
		cmocka_unit_test(test_allocations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_signer, free_signer);
}
