/* SPDX-License-Identifier: Apache-2.0 */
#include "hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { TEXT = 300 };

/* As EVP says it, of every length up to a few blocks. */
static void
agrees_with_evp(void **state)
{
	uint8_t text[TEXT], key[HASH_HMAC_KEY], got[HASH_SHA512_LEN], want[HASH_SHA512_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i * 7 + 3);
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(0xf0 - i);
	for (size_t n = 0; n <= TEXT; n++) {
		struct assay_bytes in = { n > 0 ? text : NULL, n };
		hash_sha256(got, in);
		assert_int_equal(EVP_Digest(text, n, want, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(got, want, HASH_SHA256_LEN);
		hash_sha256_two(got, (struct assay_bytes){ text, n / 3 },
		    (struct assay_bytes){ text + n / 3, n - n / 3 });
		assert_memory_equal(got, want, HASH_SHA256_LEN);
		hash_sha384(got, in);
		assert_int_equal(EVP_Digest(text, n, want, NULL, EVP_sha384(), NULL), 1);
		assert_memory_equal(got, want, HASH_SHA384_LEN);
		hash_sha512(got, in);
		assert_int_equal(EVP_Digest(text, n, want, NULL, EVP_sha512(), NULL), 1);
		assert_memory_equal(got, want, HASH_SHA512_LEN);
		assert_true(hash_hmac(got, key, in));
		assert_non_null(HMAC(EVP_sha256(), key, sizeof key, text, n, want, NULL));
		assert_memory_equal(got, want, HASH_SHA256_LEN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_evp) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
