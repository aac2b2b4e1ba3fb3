/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"

enum { P256 = 32 };

/* RFC 5903 8.1: both sides, and what they agree on. */
static const char *const sides[2][3] = {
	{ "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180",
	    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
	    "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433" },
	{ "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
	    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
	    "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53" },
};
static const char agreed[] = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";

/* Three numbers in hex, "" for one that is not given. */
static enum assay_code
set(struct assay_pair *pair, enum assay_pair_kind kind, const char *const hex[3],
    struct assay_error *err)
{
	static uint8_t room[3][ASSAY_NUMBER_MAX + 1];
	struct assay_numbers numbers = { { { NULL, 0 } } };

	for (size_t i = 0; i < 3; i++) {
		numbers.at[i] = (struct assay_bytes){ room[i], strlen(hex[i]) / 2 };
		assert_true(assay_unhex(room[i], strlen(hex[i]) / 2, assay_bytes_of(hex[i])));
	}
	return assay_pair_set(pair, kind, &numbers, NULL, err);
}

static void
test_agree(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_pair pairs[2] = { { .kind = ASSAY_PAIR_NONE } };
	uint8_t z[2][ASSAY_FIELD_MAX], want[P256];

	(void)state;
	assert_true(assay_unhex(want, sizeof want, assay_bytes_of(agreed)));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(set(&pairs[i], ASSAY_PAIR_P256, sides[i], &err), ASSAY_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(assay_pair_agree(z[i], &pairs[i], &pairs[1 - i]), P256);
		assert_memory_equal(z[i], want, sizeof want);
	}
	assay_pair_clear(&pairs[0]);
	assay_pair_clear(&pairs[1]);
	/* At full width: in one of 256 the first byte is zero, and stays. */
	for (enum assay_pair_kind kind = ASSAY_PAIR_P256; kind <= ASSAY_PAIR_P521; kind++)
		for (size_t tries = 0; tries < 300; tries++) {
			size_t width = assay_pair_width(kind);
			assert_int_equal(assay_pair_make(&pairs[0], kind, &err), ASSAY_OK);
			assert_int_equal(
			    assay_pair_make_like(&pairs[1], &pairs[0], &err), ASSAY_OK);
			assert_int_equal(assay_pair_agree(z[0], &pairs[0], &pairs[1]), width);
			assert_int_equal(assay_pair_agree(z[1], &pairs[1], &pairs[0]), width);
			assert_memory_equal(z[0], z[1], width);
			assay_pair_clear(&pairs[0]);
			assay_pair_clear(&pairs[1]);
			if (kind != ASSAY_PAIR_P256 && tries > 20)
				break; /* these are slow, and P-521 begins with seven zero bits anyway */
		}
}

static void
test_strangers(void **state)
{
	const char *const public[3] = { sides[0][0], sides[0][1], "" };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_pair own = { .kind = ASSAY_PAIR_NONE }, other = own, half = own;
	uint8_t z[ASSAY_FIELD_MAX];

	(void)state;
	assert_int_equal(assay_pair_make(&own, ASSAY_PAIR_P256, &err), ASSAY_OK);
	assert_int_equal(assay_pair_make(&other, ASSAY_PAIR_P384, &err), ASSAY_OK);
	assert_int_equal(set(&half, ASSAY_PAIR_P256, public, &err), ASSAY_OK);
	assert_false(half.private);
	assert_int_equal(assay_pair_agree(z, &own, &other), 0); /* of another curve */
	assert_int_equal(assay_pair_agree(z, &half, &own), 0);  /* without a private half */
	assert_int_equal(assay_pair_agree(z, &own, &half), P256);
	assay_pair_clear(&own);
	assert_int_equal(assay_pair_make(&own, ASSAY_PAIR_ED25519, &err), ASSAY_OK);
	assert_int_equal(assay_pair_agree(z, &own, &own), 0);
	assay_pair_clear(&own);
	assay_pair_clear(&other);
	assay_pair_clear(&half);
}

#define ZERO  "0000000000000000000000000000000000000000000000000000000000000000"
#define FIELD "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

static void
test_refusals(void **state)
{
	const struct {
		const char *name;
		enum assay_pair_kind kind;
		const char *hex[3];
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "the origin", ASSAY_PAIR_P256, { ZERO, ZERO, "" }, ASSAY_E_FORMAT, "no point" },
		{ "x not below the field's prime", ASSAY_PAIR_P256, { FIELD, ZERO, "" },
		    ASSAY_E_FORMAT, "no point" },
		{ "y of another", ASSAY_PAIR_P256, { sides[0][0], sides[1][1], "" }, ASSAY_E_FORMAT,
		    "no point" },
		{ "d of another", ASSAY_PAIR_P256, { sides[0][0], sides[0][1], sides[1][2] },
		    ASSAY_E_FORMAT, "do not belong" },
		{ "d of 0", ASSAY_PAIR_P256, { sides[0][0], sides[0][1], ZERO }, ASSAY_E_FORMAT,
		    "do not belong" },
		{ "d of the order", ASSAY_PAIR_P256, { sides[0][0], sides[0][1], ORDER },
		    ASSAY_E_FORMAT, "do not belong" },
		{ "x of 31 bytes", ASSAY_PAIR_P256, { "00", sides[0][1], "" }, ASSAY_E_FORMAT,
		    "a number of 1 bytes, want 32" },
		{ "none", ASSAY_PAIR_P256, { "", "", "" }, ASSAY_E_FORMAT, "a number of 0 bytes" },
		{ "of P-384", ASSAY_PAIR_P384, { sides[0][0], sides[0][1], "" }, ASSAY_E_FORMAT,
		    "want 48 for P-384" },
		{ "Ed25519, x of another", ASSAY_PAIR_ED25519, { sides[0][0], "", sides[0][2] },
		    ASSAY_E_FORMAT, "do not belong" },
		{ "RSA of 256 bits", ASSAY_PAIR_RSA, { ORDER, "010001", "" }, ASSAY_E_FORMAT,
		    "an RSA modulus of 256 bits" },
		{ "RSA without exponent", ASSAY_PAIR_RSA, { ORDER, "", "" }, ASSAY_E_FORMAT,
		    "a number of 0 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_pair pair = { .kind = ASSAY_PAIR_NONE };
		enum assay_code rc = set(&pair, cases[i].kind, cases[i].hex, &err);
		if (rc != cases[i].code || err.code != rc ||
		    strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s: %s: %s", cases[i].name, assay_code_name(rc), err.text);
		assert_null(pair.handle);
	}
}

static void
test_sign(void **state)
{
	static const struct {
		enum assay_pair_kind kind;
		enum assay_signing how, other;
		size_t len;
	} cases[] = {
		{ ASSAY_PAIR_P256, ASSAY_SIGN_SHA256, ASSAY_SIGN_SHA384, 64 },
		{ ASSAY_PAIR_P384, ASSAY_SIGN_SHA384, ASSAY_SIGN_SHA256, 96 },
		{ ASSAY_PAIR_ED25519, ASSAY_SIGN_PLAIN, ASSAY_SIGN_PLAIN, 64 },
	};
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes message = assay_bytes_of("message"), empty = { NULL, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_pair pair = { .kind = ASSAY_PAIR_NONE }, like = pair;
		uint8_t signature[ASSAY_NUMBER_MAX];
		assert_int_equal(assay_pair_make(&pair, cases[i].kind, &err), ASSAY_OK);
		assert_int_equal(assay_pair_make(&like, cases[i].kind, &err), ASSAY_OK);
		/* Often enough that r or s begins with a zero byte. */
		for (size_t tries = 0; tries < 600; tries++) {
			struct assay_bytes s = { signature,
				assay_pair_sign(signature, &pair, cases[i].how, message) };
			assert_int_equal(s.len, cases[i].len);
			assert_true(assay_pair_verify(&pair, cases[i].how, message, s));
			if (tries > 20 && signature[0] == 0)
				break;
		}
		struct assay_bytes s = { signature, cases[i].len };
		assert_false(assay_pair_verify(&like, cases[i].how, message, s));
		assert_false(assay_pair_verify(&pair, cases[i].how, empty, s));
		if (cases[i].other != cases[i].how)
			assert_false(assay_pair_verify(&pair, cases[i].other, message, s));
		s.len--;
		assert_false(assay_pair_verify(&pair, cases[i].how, message, s));
		assert_false(assay_pair_verify(&pair, cases[i].how, message, empty));
		assert_int_equal(
		    assay_pair_sign(signature, &pair, cases[i].how, empty), cases[i].len);
		assay_pair_clear(&pair);
		assay_pair_clear(&like);
	}
}

static void
test_rsa(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_pair pair = { .kind = ASSAY_PAIR_NONE };
	uint8_t cek[ASSAY_CEK_SIZE] = { 1, 2, 3 }, got[ASSAY_CEK_SIZE];
	uint8_t sealed[ASSAY_NUMBER_MAX], signature[ASSAY_NUMBER_MAX] = { 0 };

	(void)state;
	assert_int_equal(assay_pair_make(&pair, ASSAY_PAIR_RSA, &err), ASSAY_OK);
	struct assay_bytes in = { sealed,
		assay_pair_encrypt(sealed, &pair, ASSAY_PAD_OAEP_256, cek) };
	assert_int_equal(in.len, 384);
	assert_true(assay_pair_decrypt(got, &pair, in));
	assert_memory_equal(got, cek, sizeof cek);
	sealed[200] ^= 1;
	assert_false(assay_pair_decrypt(got, &pair, in));
	in.len--;
	assert_false(assay_pair_decrypt(got, &pair, in));
	/* The old padding is written for old clients, and never read. */
	in.len = assay_pair_encrypt(sealed, &pair, ASSAY_PAD_PKCS1, cek);
	assert_int_equal(in.len, 384);
	assert_false(assay_pair_decrypt(got, &pair, in));
	assert_int_equal(
	    assay_pair_sign(signature, &pair, ASSAY_SIGN_SHA256, in), 0); /* PSS alone */
	for (enum assay_signing how = ASSAY_SIGN_SHA256; how <= ASSAY_SIGN_PSS_384; how++)
		assert_false(
		    assay_pair_verify(&pair, how, in, (struct assay_bytes){ signature, 384 }));
	for (enum assay_signing how = ASSAY_SIGN_PSS_256; how <= ASSAY_SIGN_PSS_384; how++) {
		assert_int_equal(assay_pair_sign(signature, &pair, how, in), 384);
		for (enum assay_signing as = ASSAY_SIGN_PSS_256; as <= ASSAY_SIGN_PSS_384; as++)
			assert_int_equal(assay_pair_verify(
					     &pair, as, in, (struct assay_bytes){ signature, 384 }),
			    as == how);
	}
	assay_pair_clear(&pair);
	assert_int_equal(assay_pair_make(&pair, ASSAY_PAIR_P256, &err), ASSAY_OK);
	assert_int_equal(assay_pair_encrypt(sealed, &pair, ASSAY_PAD_OAEP_256, cek), 0);
	assert_false(assay_pair_decrypt(got, &pair, in));
	assay_pair_clear(&pair);
}

/* DER of each kind, and what is no DER of a key. */
static void
test_der(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t digest[ASSAY_SHA256_LEN], again[ASSAY_SHA256_LEN];
	uint8_t *der = NULL;
	size_t len = 0;

	(void)state;
	for (enum assay_pair_kind kind = ASSAY_PAIR_P256; kind <= ASSAY_PAIR_RSA; kind++) {
		struct assay_pair pair = { .kind = ASSAY_PAIR_NONE }, public = pair;
		assert_int_equal(assay_pair_make(&pair, kind, &err), ASSAY_OK);
		assert_int_equal(assay_pair_spki(&der, &len, &pair, &err), ASSAY_OK);
		assert_int_equal(
		    assay_pair_set_der(&public, (struct assay_bytes){ der, len }, false, &err),
		    ASSAY_OK);
		assert_int_equal(public.kind, kind);
		assert_false(public.private);
		assert_int_equal(assay_pair_digest(digest, &pair, &err), ASSAY_OK);
		assert_int_equal(assay_pair_digest(again, &public, &err), ASSAY_OK);
		assert_memory_equal(digest, again, sizeof digest);
		assay_pair_clear(&public);
		/* Cut short, longer, and as what it is not. */
		for (size_t n = 0; n < len; n++)
			assert_int_equal(assay_pair_set_der(
					     &public, (struct assay_bytes){ der, n }, false, &err),
			    ASSAY_E_FORMAT);
		assert_non_null(strstr(err.text, "are no SubjectPublicKeyInfo in DER, alone"));
		assert_int_equal(
		    assay_pair_set_der(&public, (struct assay_bytes){ der, len }, true, &err),
		    ASSAY_E_FORMAT);
		assert_non_null(strstr(err.text, "are no PrivateKeyInfo"));
		uint8_t *longer = realloc(der, len + 1);
		assert_non_null(longer);
		longer[len] = 0;
		assert_int_equal(assay_pair_set_der(
				     &public, (struct assay_bytes){ longer, len + 1 }, false, &err),
		    ASSAY_E_FORMAT);
		if (kind <= ASSAY_PAIR_P521) { /* a point that is on no curve */
			longer[len - 1] ^= 1;
			assert_int_equal(assay_pair_set_der(&public,
					     (struct assay_bytes){ longer, len }, false, &err),
			    ASSAY_E_FORMAT);
		}
		assert_int_equal(public.kind, ASSAY_PAIR_NONE);
		free(longer);
		assay_pair_clear(&pair);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_der),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
