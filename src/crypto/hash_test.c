/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 180-4 example messages, with the digests of NIST's published examples. */
static const struct {
	const char *message;
	const char *sha256, *sha384, *sha512;
} cases[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
	    "274edebfe76f65fbd51ad2f14898b95b",
	    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", NULL, NULL },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	    NULL,
	    "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
	    "fcc7c71a557e2db966c3e9fa91746039",
	    "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
	    "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909" },
};

static void
digest_is(const char *want, const uint8_t *got, size_t n)
{
	char text[2 * ASSAY_DIGEST_MAX + 1];

	assay_hex(text, (struct assay_bytes){ got, n });
	if (want != NULL)
		assert_string_equal(text, want);
}

static void
test_published(void **context)
{
	uint8_t out[ASSAY_DIGEST_MAX];

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes in = assay_bytes_of(cases[i].message);
		assay_sha256(out, in);
		digest_is(cases[i].sha256, out, ASSAY_SHA256_LEN);
		assay_sha384(out, in);
		digest_is(cases[i].sha384, out, ASSAY_SHA384_LEN);
		assay_sha512(out, in);
		digest_is(cases[i].sha512, out, ASSAY_SHA512_LEN);
		for (size_t cut = 0; cut <= in.len; cut++) {
			assay_sha256_two(out, (struct assay_bytes){ in.ptr, cut },
			    (struct assay_bytes){ in.ptr + cut, in.len - cut });
			digest_is(cases[i].sha256, out, ASSAY_SHA256_LEN);
		}
	}
}

static void
test_empty_pointer(void **context)
{
	uint8_t out[ASSAY_DIGEST_MAX];
	struct assay_bytes none = { NULL, 0 };

	(void)context;
	assay_sha256(out, none);
	digest_is(cases[0].sha256, out, ASSAY_SHA256_LEN);
	assay_sha384(out, none);
	digest_is(cases[0].sha384, out, ASSAY_SHA384_LEN);
	assay_sha512(out, none);
	digest_is(cases[0].sha512, out, ASSAY_SHA512_LEN);
}

static void
test_schemes(void **context)
{
	static const struct {
		enum assay_scheme scheme;
		size_t len;
		enum assay_key_kind key;
	} rows[] = {
		{ ASSAY_SCHEME_NONE, 0, ASSAY_KEY_NONE },
		{ ASSAY_ECDSA_P256_SHA256, 32, ASSAY_KEY_P256 },
		{ ASSAY_ECDSA_P384_SHA384, 48, ASSAY_KEY_P384 },
		{ ASSAY_ECDSA_P384_SHA256, 32, ASSAY_KEY_P384 },
		{ ASSAY_RSA_PSS_SHA384, 48, ASSAY_KEY_RSA },
		{ ASSAY_RSA_PSS_SHA256, 32, ASSAY_KEY_RSA },
		{ (enum assay_scheme)99, 0, ASSAY_KEY_NONE },
	};
	uint8_t out[ASSAY_DIGEST_MAX];

	(void)context;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(
		    assay_scheme_digest(out, rows[i].scheme, assay_bytes_of("abc")), rows[i].len);
		assert_int_equal(assay_scheme_key(rows[i].scheme), rows[i].key);
		if (rows[i].len > 0)
			digest_is(rows[i].len == 32 ? cases[1].sha256 : cases[1].sha384, out,
			    rows[i].len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_empty_pointer),
		cmocka_unit_test(test_schemes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
