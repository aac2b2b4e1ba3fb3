/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"

static void
unhex(uint8_t *out, size_t n, const char *hex)
{
	assert_true(assay_unhex(out, n, assay_bytes_of(hex)));
}

/* RFC 3394 4.6: 256 bits wrapped with a 256-bit key. */
static void
test_key_wrap(void **state)
{
	uint8_t kek[ASSAY_CEK_SIZE], cek[ASSAY_CEK_SIZE], got[ASSAY_CEK_SIZE];
	uint8_t want[ASSAY_WRAPPED_SIZE], wrapped[ASSAY_WRAPPED_SIZE];

	(void)state;
	unhex(kek, sizeof kek, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	unhex(cek, sizeof cek, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
	unhex(want, sizeof want,
	    "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
	assert_true(assay_key_wrap(wrapped, kek, cek));
	assert_memory_equal(wrapped, want, sizeof want);
	assert_true(assay_key_unwrap(got, kek, wrapped));
	assert_memory_equal(got, cek, sizeof cek);

	memset(got, 0xa5, sizeof got);
	for (size_t bit = 0; bit < 8 * sizeof wrapped; bit++) {
		wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(assay_key_unwrap(got, kek, wrapped));
		wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	kek[31] ^= 1;
	assert_false(assay_key_unwrap(got, kek, wrapped));
	for (size_t i = 0; i < sizeof got; i++)
		assert_int_equal(got[i], 0xa5); /* a refusal leaves nothing behind */
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, test cases 16, 14 and 13. */
static void
test_gcm(void **state)
{
	static const struct {
		const char *key, *iv, *aad, *plain, *sealed, *tag;
	} cases[] = {
		{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		    "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		    "76fc6ece0f4e1768cddf8853bb2d551b" },
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		    "000000000000000000000000", "", "00000000000000000000000000000000",
		    "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919" },
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		    "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	};
	uint8_t key[ASSAY_CEK_SIZE], iv[ASSAY_IV_SIZE], aad[32], plain[64], sealed[64], out[64];
	uint8_t tag[ASSAY_TAG_SIZE], want[ASSAY_TAG_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes a = { aad, strlen(cases[i].aad) / 2 };
		struct assay_bytes p = { plain, strlen(cases[i].plain) / 2 };
		unhex(key, sizeof key, cases[i].key);
		unhex(iv, sizeof iv, cases[i].iv);
		unhex(aad, a.len, cases[i].aad);
		unhex(plain, p.len, cases[i].plain);
		unhex(sealed, p.len, cases[i].sealed);
		unhex(want, sizeof want, cases[i].tag);
		assert_true(assay_gcm_seal(out, tag, key, iv, a, p));
		assert_memory_equal(out, sealed, p.len);
		assert_memory_equal(tag, want, sizeof tag);
		struct assay_bytes s = { sealed, p.len };
		assert_true(assay_gcm_open(out, tag, key, iv, a, s));
		assert_memory_equal(out, plain, p.len);

		/* Each bit of the tag, the cipher text and the authenticated bytes. */
		for (size_t bit = 0; bit < 8 * sizeof tag; bit++) {
			tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
			memset(out, 0xa5, sizeof out);
			assert_false(assay_gcm_open(out, tag, key, iv, a, s));
			for (size_t k = 0; k < s.len; k++)
				assert_int_equal(out[k], 0); /* wiped */
			tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * s.len; bit++) {
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(assay_gcm_open(out, tag, key, iv, a, s));
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * a.len; bit++) {
			aad[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(assay_gcm_open(out, tag, key, iv, a, s));
			aad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
test_random(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(assay_random(a, sizeof a) && assay_random(b, sizeof b));
	assert_memory_not_equal(a, b, sizeof a);
	assay_wipe(a, sizeof a);
	for (size_t i = 0; i < sizeof a; i++)
		assert_int_equal(a[i], 0);
	assay_wipe(NULL, 0);
}

/* RFC 4231 4.2, 4.3 and 4.7 (a key longer than a block). */
static void
test_hmac(void **state)
{
	static const struct {
		const char *key, *text, *mac;
		size_t repeat; /* of the key's one byte; 0: as it is */
	} cases[] = {
		{ "\x0b", "Hi There",
		    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 20 },
		{ "Jefe", "what do ya want for nothing?",
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0 },
		{ "\xaa", "Test Using Larger Than Block-Size Key - Hash Key First",
		    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 131 },
	};
	uint8_t key[131], want[ASSAY_SHA256_LEN], got[ASSAY_SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t n = cases[i].repeat > 0 ? cases[i].repeat : strlen(cases[i].key);
		for (size_t k = 0; k < n; k++)
			key[k] = (uint8_t)cases[i].key[cases[i].repeat > 0 ? 0 : k];
		unhex(want, sizeof want, cases[i].mac);
		assert_true(assay_hmac_sha256(
		    got, (struct assay_bytes){ key, n }, assay_bytes_of(cases[i].text)));
		assert_memory_equal(got, want, sizeof want);
	}
	assert_true(assay_same_secret(got, want, sizeof want));
	for (size_t i = 0; i < sizeof got; i++) {
		got[i] ^= 0x80;
		assert_false(assay_same_secret(got, want, sizeof want));
		got[i] ^= 0x80;
	}
}

/* NIST SP 800-38A, F.5.1. */
static void
test_ctr(void **state)
{
	uint8_t key[16], iv[16], plain[40], want[40], got[40];

	(void)state;
	unhex(key, sizeof key, "2b7e151628aed2a6abf7158809cf4f3c");
	unhex(iv, sizeof iv, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
	unhex(plain, sizeof plain,
	    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
	    "30c81c46a35ce411");
	unhex(want, sizeof want,
	    "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
	    "5ae4df3edbd5d35e");
	assert_true(assay_aes128_ctr(got, key, iv, (struct assay_bytes){ plain, sizeof plain }));
	assert_memory_equal(got, want, sizeof want);
	assert_true(assay_aes128_ctr(got, key, iv, (struct assay_bytes){ want, sizeof want }));
	assert_memory_equal(got, plain, sizeof plain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_wrap),
		cmocka_unit_test(test_gcm),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_ctr),
		cmocka_unit_test(test_random),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
