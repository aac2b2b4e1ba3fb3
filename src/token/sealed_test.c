/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_test.h"

#include <assay/kbs.h>

#include "alloc.h"
#include "vectors.h"

/* --- report data: known answer of kbs-protocol 3 ----------------------------------------------- */

static const char nonce[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
static const char key[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\","
			  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
static const char bound[] =
    "dfa65d498315212bdaf8857231cf0482172933db271f15856bf30db447227eb5b1dd9e29"
    "fcc1fb9076fb00792c3bb7e700000000000000000000000000000000";

static void
test_report_data(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t data[ASSAY_REPORT_DATA_SIZE], other[ASSAY_REPORT_DATA_SIZE];
	char hex[2 * ASSAY_REPORT_DATA_SIZE + 1];

	(void)state;
	assert_int_equal(assay_kbs_report_data(data, nonce, key, "", "sha384", &err), ASSAY_OK);
	assay_hex(hex, (struct assay_bytes){ data, sizeof data });
	assert_string_equal(hex, bound);
	assert_int_equal(
	    assay_kbs_report_data(other, nonce, key, "x\"y", "sha384", &err), ASSAY_OK);
	assert_memory_not_equal(data, other, sizeof data);
	assert_int_equal(assay_kbs_report_data(other, nonce, key, "", "sha256", &err), ASSAY_OK);
	for (size_t i = 32; i < sizeof other; i++)
		assert_int_equal(other[i], 0);
	assert_int_equal(assay_kbs_report_data(other, nonce, key, "", "sha512", &err), ASSAY_OK);
	assert_int_equal(assay_kbs_report_data(data, nonce, key, "", "sm3", &err), ASSAY_E_USAGE);
	assert_string_equal(err.text, "hash is \"sm3\", none of sha256, sha384, sha512");
	static const char *const no_keys[] = { "", "7", "[]", "{} {}", "{},\"nonce\":\"\"",
		"{\"a\":1,\"a\":2}" };
	for (size_t i = 0; i < sizeof no_keys / sizeof *no_keys; i++) {
		assert_int_equal(assay_kbs_report_data(data, nonce, no_keys[i], "", "sha384", &err),
		    ASSAY_E_FORMAT);
		assert_non_null(strstr(err.text, "the key to bind"));
	}
}

/* --- sealed secrets ---------------------------------------------------------------------------- */

/* A triple around a payload; the caller frees. */
static char *
seal(const char *header, const char *payload)
{
	size_t size = ASSAY_BASE64_SIZE(strlen(payload)), at = 0;
	char *text = malloc(strlen(header) + size + 32);
	char *middle = malloc(size);

	assert_true(text != NULL && middle != NULL);
	assay_base64(middle, assay_bytes_of(payload));
	for (; middle[at] != '\0' && middle[at] != '='; at++)
		middle[at] = (char)(middle[at] == '+' ? '-' : middle[at] == '/' ? '_' : middle[at]);
	middle[at] = '\0';
	(void)snprintf(text, strlen(header) + size + 32, "sealed.%s.%s.c2ln", header, middle);
	free(middle);
	return text;
}

/* {"alg":"ES256","kid":"ops"} */
static const char signed_header[] = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9wcyJ9";

#define VAULT(more)                                                                                \
	"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"kbs:///a/b/"                         \
	"c\",\"provider\":\"kbs\"" more "}"
#define SETTINGS ",\"provider_settings\":{},\"annotations\":{}"
/* Made with another implementation: key 00 to 1f in the resource, data key 20 to 3f, IVs 40 to 4b and 50
 * to 5b, secret "secret". */
#define WRAPPED "QEFCQ0RFRkdISUpLwpiMAAIZoSTl7T0dt0k9dEn3YG+DADkUT3503qsu0+T4vMJfBYRf0aF1r065k28A"
#define ENVELOPE(wrapped, data, iv, more)                                                          \
	"{\"version\":\"0.1.0\",\"type\":\"envelope\",\"key_id\":\"kbs:///a/b/k\",\"provider\":"   \
	"\"kbs\",\"encrypted_key\":\"" wrapped "\",\"encrypted_data\":\"" data                     \
	"\",\"wrap_type\":\"A256GCM\",\"iv\":\"" iv "\"" more "}"

static const struct {
	const char *name, *payload;
	enum assay_code code;
	const char *words;
} cases[] = {
	{ "vault", VAULT(SETTINGS), ASSAY_OK, "" },
	{ "vault without settings", VAULT(""), ASSAY_OK, "" },
	{ "envelope", ENVELOPE(WRAPPED, "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAA", SETTINGS),
	    ASSAY_OK, "" },
	{ "no object", "[]", ASSAY_E_FORMAT, "sealed secret: payload" },
	{ "no JSON", "{", ASSAY_E_FORMAT, "sealed secret: payload" },
	{ "a name twice", VAULT(",\"name\":\"kbs:///d/e/f\""), ASSAY_E_FORMAT,
	    "sealed secret: payload" },
	{ "a member more", VAULT(SETTINGS ",\"key_id\":\"k\""), ASSAY_E_FORMAT,
	    "has 7 members, and 6 of them are known" },
	{ "settings that are a text", VAULT(",\"provider_settings\":\"\""), ASSAY_E_FORMAT,
	    "provider_settings is not that, must be an object" },
	{ "no version", "{\"type\":\"vault\"}", ASSAY_E_FORMAT,
	    "version is missing, must be a text" },
	{ "another version", "{\"version\":\"1\"}", ASSAY_E_UNSUPPORTED,
	    "version is \"1\", and only \"0.1.0\"" },
	{ "no type", "{\"version\":\"0.1.0\"}", ASSAY_E_FORMAT, "type is missing" },
	{ "another type", "{\"version\":\"0.1.0\",\"type\":\"Vault\"}", ASSAY_E_UNSUPPORTED,
	    "type is \"Vault\"; there are vault and envelope" },
	{ "a number for a name",
	    "{\"version\":\"0.1.0\",\"type\":\"vault\",\"provider\":\"kbs\",\"name\":7}",
	    ASSAY_E_FORMAT, "name is not that, must be a text that is not empty" },
	{ "an empty name",
	    "{\"version\":\"0.1.0\",\"type\":\"vault\",\"provider\":\"kbs\",\"name\":\"\"}",
	    ASSAY_E_FORMAT, "name is not that" },
	{ "another provider",
	    "{\"version\":\"0.1.0\",\"type\":\"vault\",\"provider\":\"kms\",\"name\":\"x\"}",
	    ASSAY_E_UNSUPPORTED, "provider is \"kms\", and only \"kbs\"" },
	{ "a short key", ENVELOPE("AAAA", "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAA", SETTINGS),
	    ASSAY_E_FORMAT, "encrypted_key is 3 bytes, want 60" },
	{ "a short IV", ENVELOPE(WRAPPED, "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAA", SETTINGS),
	    ASSAY_E_FORMAT, "iv is 3 bytes, want 12" },
	{ "a tag alone",
	    ENVELOPE(WRAPPED, "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAA", SETTINGS),
	    ASSAY_E_FORMAT, "encrypted_data is 16 bytes, want more than a tag of 16" },
	{ "base64url", ENVELOPE(WRAPPED, "AAAAAAAAAAAAAAAAAAAAAA-=", "AAAAAAAAAAAAAAAA", SETTINGS),
	    ASSAY_E_FORMAT, "encrypted_data is no standard base64" },
	{ "another algorithm",
	    "{\"version\":\"0.1.0\",\"type\":\"envelope\",\"key_id\":\"k\",\"provider\":\"kbs\","
	    "\"encrypted_key\":\"x\",\"encrypted_data\":\"x\",\"wrap_type\":\"A128GCM\",\"iv\":"
	    "\"x\"}",
	    ASSAY_E_UNSUPPORTED, "wrap_type is \"A128GCM\", and only \"A256GCM\"" },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_sealed *sealed = NULL;
		char *text = seal("fakejwsheader", cases[i].payload);
		enum assay_code rc = assay_sealed_parse(&sealed, assay_bytes_of(text), &err);
		if (rc != cases[i].code || strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s: %d, %s", cases[i].name, rc, err.text);
		assert_true((sealed != NULL) == (rc == ASSAY_OK));
		assay_sealed_free(sealed);
		free(text);
	}
}

static void
test_triples(void **state)
{
	static const char *const refused[] = { "", "sealed", "sealed.", "sealed.a", "sealed.a.b",
		"sealed.a.e30.c.d", "sealed..e30.c", "sealed.a..c", "sealed.a.e30.",
		"Sealed.a.e30.c", "sealed.a.e30=.c", "sealed.a.e3 0.c" };
	struct assay_error err;
	struct assay_sealed *sealed = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		err.text[0] = '\0';
		assert_int_equal(
		    assay_sealed_parse(&sealed, assay_bytes_of(refused[i]), &err), ASSAY_E_FORMAT);
		assert_memory_equal(err.text, "sealed secret: ", 15);
		assert_null(sealed);
	}
	/* Which key a header names; words that are no header name none. */
	static const struct {
		const char *header, *kid;
	} headers[] = {
		{ signed_header, "ops" }, { "fakejwsheader", "" }, { "e30", "" },
		{ "eyJraWQiOiJvcHMifQ", "" },              /* kid without alg */
		{ "eyJhbGciOiJFUzI1NiIsImtpZCI6N30", "" }, /* a number */
	};
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		char *text = seal(headers[i].header, VAULT(SETTINGS));
		assert_int_equal(assay_sealed_parse(&sealed, assay_bytes_of(text), &err), ASSAY_OK);
		assert_string_equal(assay_sealed_kid(sealed), headers[i].kid);
		assert_string_equal(assay_sealed_resource(sealed), "kbs:///a/b/c");
		assert_true(
		    assay_bytes_equal(assay_sealed_signed(sealed), assay_bytes_of(text + 7)));
		assay_sealed_free(sealed);
		sealed = NULL;
		free(text);
	}
}

/* A header that is broken is not taken for a note that nobody signed. */
static void
test_broken_header(void **state)
{
	static const char *const headers[] = { "ey", "eyJh", "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9wcyJ",
		"eyJhbGciOiJFUzI1NiIsImtpZCI6Im9wcyJ9=", "e30e30" };

	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_sealed *sealed = NULL;
		char *text = seal(headers[i], VAULT(SETTINGS));
		assert_int_equal(
		    assay_sealed_parse(&sealed, assay_bytes_of(text), &err), ASSAY_E_FORMAT);
		assert_memory_equal(err.text, "sealed secret: header: ", 23);
		free(text);
	}
}

#define SECRET_DATA "wsXLYFRblBFwfF0jUNaMQEu391vdVg=="
#define SECRET_IV   "UFFSU1RVVldYWVpb"

static void
test_open(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_sealed *sealed = NULL;
	uint8_t kek[32], *secret = NULL;
	size_t len = 0;
	char *text = seal(signed_header, ENVELOPE(WRAPPED, SECRET_DATA, SECRET_IV, SETTINGS));

	(void)state;
	for (size_t i = 0; i < sizeof kek; i++)
		kek[i] = (uint8_t)i;
	assert_int_equal(assay_sealed_parse(&sealed, assay_bytes_of(text), &err), ASSAY_OK);
	assert_string_equal(assay_sealed_resource(sealed), "kbs:///a/b/k");
	assert_int_equal(
	    assay_sealed_open(&secret, &len, sealed, (struct assay_bytes){ kek, sizeof kek }, &err),
	    ASSAY_OK);
	assert_int_equal(len, 6);
	assert_memory_equal(secret, "secret", 6);
	free(secret);
	secret = NULL;
	assert_int_equal(
	    assay_sealed_open(&secret, &len, sealed, (struct assay_bytes){ kek, 31 }, &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "is 31 bytes, want a key of 32"));
	kek[31] ^= 1;
	assert_int_equal(
	    assay_sealed_open(&secret, &len, sealed, (struct assay_bytes){ kek, sizeof kek }, &err),
	    ASSAY_E_SIGNATURE);
	assert_non_null(strstr(err.text, "is not the key it was made with, or it was altered"));
	assert_null(secret);
	kek[31] ^= 1;
	assay_sealed_free(sealed);
	free(text);
	/* Of a vault it is the resource, also an empty one. */
	text = seal("e30", VAULT(SETTINGS));
	sealed = NULL;
	assert_int_equal(assay_sealed_parse(&sealed, assay_bytes_of(text), &err), ASSAY_OK);
	assert_int_equal(
	    assay_sealed_open(&secret, &len, sealed, (struct assay_bytes){ kek, sizeof kek }, &err),
	    ASSAY_OK);
	assert_int_equal(len, sizeof kek);
	assert_memory_equal(secret, kek, len);
	free(secret);
	assert_int_equal(
	    assay_sealed_open(&secret, &len, sealed, (struct assay_bytes){ NULL, 0 }, &err),
	    ASSAY_OK);
	assert_int_equal(len, 0);
	free(secret);
	assay_sealed_free(sealed);
	free(text);
}

/* Each length and each bit: refused in words, or another note; and an envelope opens only whole. */
static void
test_damage(void **state)
{
	char *text = seal(signed_header, ENVELOPE(WRAPPED, SECRET_DATA, SECRET_IV, SETTINGS));
	size_t len = strlen(text);
	uint8_t kek[32];

	(void)state;
	for (size_t i = 0; i < sizeof kek; i++)
		kek[i] = (uint8_t)i;
	for (size_t i = 0; i < len + 8 * len; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_sealed *sealed = NULL;
		uint8_t *secret = NULL;
		size_t n;
		struct assay_bytes in = { (const uint8_t *)text, i < len ? i : len };
		if (i >= len)
			text[(i - len) / 8] = (char)(text[(i - len) / 8] ^ 1 << (i - len) % 8);
		if (assay_sealed_parse(&sealed, in, &err) != ASSAY_OK) {
			assert_true(err.code != ASSAY_OK && err.text[0] != '\0');
		} else if (assay_sealed_open(&secret, &n, sealed,
			       (struct assay_bytes){ kek, sizeof kek }, &err) == ASSAY_OK) {
			assert_int_equal(
			    n, 6); /* the bit was the header's, the signature's or a name's */
			assert_memory_equal(secret, "secret", 6);
		} else
			assert_int_equal(err.code, ASSAY_E_SIGNATURE);
		free(secret);
		assay_sealed_free(sealed);
		if (i >= len)
			text[(i - len) / 8] = (char)(text[(i - len) / 8] ^ 1 << (i - len) % 8);
	}
	free(text);
}

static void
test_no_memory(void **state)
{
	char *text = seal(signed_header, ENVELOPE(WRAPPED, SECRET_DATA, SECRET_IV, SETTINGS));
	uint8_t kek[32], data[ASSAY_REPORT_DATA_SIZE];
	enum assay_code rc;

	(void)state;
	for (size_t i = 0; i < sizeof kek; i++)
		kek[i] = (uint8_t)i;
	size_t n = 0;
	do {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_sealed *sealed = NULL;
		uint8_t *secret = NULL;
		size_t len;
		alloc_fail_at(++n);
		rc = assay_sealed_parse(&sealed, assay_bytes_of(text), &err);
		if (rc == ASSAY_OK)
			rc = assay_sealed_open(
			    &secret, &len, sealed, (struct assay_bytes){ kek, sizeof kek }, &err);
		if (rc == ASSAY_OK) /* a failure that went by must not have cost the header */
			assert_string_equal(assay_sealed_kid(sealed), "ops");
		else
			assert_int_equal(rc, ASSAY_E_NOMEM);
		free(secret);
		assay_sealed_free(sealed);
	} while (alloc_failed());
	assert_true(n > 7);
	n = 0;
	do {
		struct assay_error err = { ASSAY_OK, "" };
		alloc_fail_at(++n);
		rc = assay_kbs_report_data(data, nonce, key, "", "sha384", &err);
		assert_true(rc == ASSAY_OK || rc == ASSAY_E_NOMEM);
	} while (alloc_failed());
	assert_int_equal(rc, ASSAY_OK);
	assert_true(n > 3);
	free(text);
}

/* The project's own examples are of another provider. */
static void
test_vectors(void **state)
{
	static const char *const names[] = { "coco/kbs/sealed-vault-1.json",
		"coco/kbs/sealed-envelope-1.json" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_sealed *sealed = NULL;
		struct assay_bytes in = vectors_read(names[i]);
		if (in.ptr == NULL)
			return;
		char *payload = strndup((const char *)in.ptr, in.len);
		vectors_free(in);
		char *text = seal("fakejwsheader", payload);
		assert_int_equal(
		    assay_sealed_parse(&sealed, assay_bytes_of(text), &err), ASSAY_E_UNSUPPORTED);
		assert_string_equal(err.text,
		    "sealed secret: provider is \"aliyun\", and only \"kbs\" can be opened here");
		free(payload);
		free(text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report_data),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_triples),
		cmocka_unit_test(test_broken_header),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_vectors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
