/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/dice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "verify/bind.h"

enum { KEY = 91 };

static uint8_t key_bytes[KEY], nonce_bytes[32];
static const struct assay_bytes key = { key_bytes, KEY }, nonce = { nonce_bytes, 32 }, none;

/* Known answers: the claims buffer for a key of the bytes 00 to 5a, by hand from the document. */
static void
test_known_buffers(void **state)
{
	static const char head[] =
	    "a16b7075626b65792d6861736858248201582058d29459b2130a2e151252d408b9"
	    "5e6dac424c564062eb911cc76440cb926ca0";
	static const char *const hashes[] = {
		"a3f1fc26a61f93bb742c12f8b7d3ebdee38fde858380985c229659ad951f01a0",
		"d7d57a8f0eeb1301b1e0ab2f0b6736bd66872ec2a269f0dce98f477615d82542",
	};
	uint8_t buffer[DICE_BUFFER_MAX], want[DICE_BUFFER_MAX], hash[ASSAY_SHA256_LEN], got[32];
	(void)state;

	assert_true(assay_unhex(want, 51, assay_bytes_of(head)));
	size_t n = assay_dice_buffer(buffer, key, none);
	assert_int_equal(n, 51);
	assert_memory_equal(buffer, want, 51);
	assay_sha256(hash, (struct assay_bytes){ buffer, n });
	assert_true(assay_unhex(got, 32, assay_bytes_of(hashes[0])));
	assert_memory_equal(hash, got, 32);

	n = assay_dice_buffer(buffer, key, nonce);
	assert_int_equal(n, 91);
	assert_int_equal(buffer[0], 0xa2);
	assert_memory_equal(buffer + 1, want + 1, 50);
	assay_sha256(hash, (struct assay_bytes){ buffer, n });
	assert_true(assay_unhex(got, 32, assay_bytes_of(hashes[1])));
	assert_memory_equal(hash, got, 32);
}

static void
test_written_and_read(void **state)
{
	uint8_t buffer[DICE_BUFFER_MAX], hash[ASSAY_SHA256_LEN], most[64] = { 7 };
	const struct assay_bytes nonces[] = { none, { nonce_bytes, 8 }, nonce, { most, 64 } };
	struct assay_bytes quote = assay_bytes_of("a quote");
	(void)state;

	assay_sha256(hash, key);
	for (size_t i = 0; i < sizeof nonces / sizeof *nonces; i++) {
		struct dice_evidence d;
		struct assay_error err;
		uint8_t *der = NULL;
		size_t len = 0;
		struct assay_bytes claims = { buffer, assay_dice_buffer(buffer, key, nonces[i]) };
		assert_int_equal(assay_dice_write(&der, &len, quote, claims, &err), ASSAY_OK);
		assert_int_equal(
		    assay_dice_parse(&d, (struct assay_bytes){ der, len }, &err), ASSAY_OK);
		assert_true(assay_bytes_equal(d.quote, quote));
		assert_true(assay_bytes_equal(d.buffer, claims));
		assert_int_equal(d.alg, DICE_HASH_SHA256);
		assert_memory_equal(d.hash.ptr, hash, sizeof hash);
		assert_int_equal(d.has_nonce, nonces[i].len > 0);
		assert_true(assay_bytes_equal(d.nonce, nonces[i]));
		for (size_t n = 0; n < len; n++) {
			err.text[0] = '\0';
			assert_int_equal(assay_dice_parse(&d, (struct assay_bytes){ der, n }, &err),
			    ASSAY_E_FORMAT);
			assert_true(err.text[0] != '\0');
		}
		free(der);
	}
}

/* Of a part that is not there nothing is said. */
static void
test_endorsements(void **state)
{
	static const uint8_t entries[] = { 0xd9, 0xea, 0x60, 0x88, 0x01, 0x42, '{', '}', 0x40, 0x43,
		'a', 'b', 0, 0x40, 0x40, 0x41, 'q', 0x40 };
	const struct assay_bytes in = { entries, sizeof entries };
	struct assay_bytes out[DICE_ENDORSEMENTS];
	struct assay_error err;
	(void)state;

	assert_int_equal(assay_dice_endorsements(out, in, &err), ASSAY_OK);
	assert_true(assay_bytes_equal(out[0], assay_bytes_of("{}")));
	assert_true(assay_bytes_equal(out[2], assay_bytes_of("ab"))); /* without the NUL */
	assert_true(assay_bytes_equal(out[5], assay_bytes_of("q")));
	assert_int_equal(out[1].len + out[3].len + out[4].len + out[6].len, 0);
	for (size_t n = 0; n < in.len; n++)
		assert_int_equal(
		    assay_dice_endorsements(out, (struct assay_bytes){ entries, n }, &err),
		    ASSAY_E_FORMAT);
	uint8_t bent[sizeof entries];
	memcpy(bent, entries, sizeof entries);
	bent[4] = 0x41; /* bytes for the version */
	assert_int_equal(assay_dice_endorsements(out, (struct assay_bytes){ bent, in.len }, &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "want the number of a version"));
}

/* The form of docs/binding.md, by hand: python3, hashlib. */
static void
test_certificate_binding(void **state)
{
	static const struct {
		size_t nonce;
		const char *want;
	} cases[] = {
		{ 0,
		    "f9c57756e7167f1ddaa0a4071295454f51a18ca687000fea66d6d1e3c8cf331c"
		    "1307bfdea507f0d62bde6ed29e0d277cbc54937fc4b411e6d6989fd3c6839b50" },
		{ 32,
		    "6e359f1d636ffdae384e79ccccc4c57e79a1f524a8e8afad1a65ef08f26c27c6"
		    "d63bf682845ff2f775fc06cbdeb71eb3848ab4830bf4cc31af81b119316d79e1" },
	};
	uint8_t out[64], want[64];
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		assay_bind_certificate(
		    out, (struct assay_bytes){ nonce_bytes, cases[i].nonce }, key);
		assert_true(assay_unhex(want, 64, assay_bytes_of(cases[i].want)));
		assert_memory_equal(out, want, 64);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_buffers),
		cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_endorsements),
		cmocka_unit_test(test_certificate_binding),
	};

	for (uint8_t i = 0; i < KEY; i++)
		key_bytes[i] = i;
	for (uint8_t i = 0; i < 32; i++)
		nonce_bytes[i] = i;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
