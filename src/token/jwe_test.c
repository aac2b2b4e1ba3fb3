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
	    assay_pair_set(&chance->ephemeral, ASSAY_PAIR_P256, &from, &err), ASSAY_OK);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kdf),
		cmocka_unit_test(test_known_envelope),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
