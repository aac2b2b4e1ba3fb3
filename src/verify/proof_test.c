/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/proof.h"

#include "alloc.h"
#include "parse/parse_test.h"
#include "parse/sev_proof.h"

/* docs/binding.md, computed there by other means. */
static const char known_mnonce[] = "97af326a8a7d79688bb3170a21aae0f8";

/* The injected key as its owner makes it: PrivateKeyInfo. */
static uint8_t *
injected(size_t *len, struct assay_pair *pair, enum assay_pair_kind kind)
{
	static const char begin[] = "-----BEGIN PRIVATE KEY-----\n", end[] = "-----END";
	char *pem = NULL;

	assert_int_equal(assay_pair_make(pair, kind, NULL), ASSAY_OK);
	assert_int_equal(assay_pair_pem(&pem, pair, NULL), ASSAY_OK);
	assert_int_equal(strncmp(pem, begin, sizeof begin - 1), 0);
	struct assay_bytes body = { (uint8_t *)pem + sizeof begin - 1, 0 };
	body.len = (size_t)(strstr(pem, end) - pem) - (sizeof begin - 1);
	uint8_t *der = malloc(ASSAY_UNBASE64_MAX(body.len));
	assert_non_null(der);
	assert_true(assay_unbase64(der, len, body));
	free(pem);
	return der;
}

static void
report_for(uint8_t report[208], const uint8_t data[64], const struct assay_proof_keys *keys)
{
	uint8_t digest[32];

	memset(report, 0x77, 208);
	assay_proof_key_digest(digest, keys);
	assay_sev_mnonce(report, data, digest);
}

static void
test_mnonce(void **state)
{
	uint8_t data[64], digest[32], got[16];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	memset(digest, 0xaa, sizeof digest);
	assay_sev_mnonce(got, data, digest);
	expect_hex("MNONCE", known_mnonce, (struct assay_bytes){ got, sizeof got });
	data[63] ^= 1;
	uint8_t other[16];
	assay_sev_mnonce(other, data, digest);
	assert_memory_not_equal(got, other, sizeof got);
	data[63] ^= 1;
	digest[0] ^= 1;
	assay_sev_mnonce(other, data, digest);
	assert_memory_not_equal(got, other, sizeof got);
}

/* Each kind of injected key: certification and signature hold, and over nothing else. */
static void
test_kinds(void **state)
{
	static const enum assay_pair_kind kinds[] = { ASSAY_PAIR_P256, ASSAY_PAIR_P384,
		ASSAY_PAIR_ED25519, ASSAY_PAIR_RSA };
	static const uint8_t data[64] = { 1, 2, 3 };
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct assay_pair pair = { .kind = ASSAY_PAIR_NONE }, public = pair;
		struct assay_proof_keys *keys = NULL;
		uint8_t *item = NULL, *spki = NULL, report[208], message[PROOF_MESSAGE_MAX];
		uint8_t digest[32];
		size_t len = 0, n = 0;
		uint8_t *der = injected(&n, &pair, kinds[i]);
		enum assay_signing how;

		assert_int_equal(
		    assay_proof_keys_new(&keys, (struct assay_bytes){ der, n }, &err), ASSAY_OK);
		free(der);
		report_for(report, data, keys);
		assert_int_equal(assay_proof_write(&item, &len, keys,
				     (struct assay_bytes){ report, sizeof report }, data, &err),
		    ASSAY_OK);
		struct sev_proof proof;
		assert_int_equal(
		    assay_sev_proof_parse(&proof, (struct assay_bytes){ item, len }, &err),
		    ASSAY_OK);
		assert_int_equal(assay_pair_spki(&spki, &n, &pair, &err), ASSAY_OK);
		assay_sha256(digest, (struct assay_bytes){ spki, n });
		assert_memory_equal(digest, proof.certifier.ptr, sizeof digest);
		assert_int_equal(
		    assay_pair_set_der(&public, (struct assay_bytes){ spki, n }, false, &err),
		    ASSAY_OK);
		assert_false(public.private);
		assert_true(assay_proof_signing(&how, public.kind));
		n = assay_proof_certified(message, proof.key);
		assert_true(assay_pair_verify(
		    &public, how, (struct assay_bytes){ message, n }, proof.certification));
		message[n - 1] ^= 1;
		assert_false(assay_pair_verify(
		    &public, how, (struct assay_bytes){ message, n }, proof.certification));
		assay_pair_clear(&public);
		assert_int_equal(assay_pair_set_der(&public, proof.key, false, &err), ASSAY_OK);
		n = assay_proof_signed(message, (struct assay_bytes){ report, 208 }, data);
		assert_int_equal(n, 4 + 18 + 4 + 208 + 4 + 64);
		assert_true(assay_pair_verify(&public, ASSAY_SIGN_SHA256,
		    (struct assay_bytes){ message, n }, proof.signature));
		assay_pair_clear(&public);
		assay_pair_clear(&pair);
		assay_proof_keys_free(keys);
		free(spki);
		free(item);
	}
}

/* RFC 8410 10.3, with a number of no algorithm in place of Ed25519's. */
static const uint8_t strange[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
	0x7f, 0x04, 0x22, 0x04, 0x20, 0xd4, 0xee, 0x72, 0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6,
	0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1, 0xd4, 0xfb, 0xe0,
	0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42 };

static void
test_refusals(void **state)
{
	static const uint8_t data[64] = { 1 }, other[64] = { 2 };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_pair pair = { .kind = ASSAY_PAIR_NONE };
	struct assay_proof_keys *keys = NULL;
	uint8_t *item = NULL, report[208];
	size_t len = 0, n = 0;

	(void)state;
	uint8_t *der = injected(&n, &pair, ASSAY_PAIR_P521);
	expect_outcome("P-521", assay_proof_keys_new(&keys, (struct assay_bytes){ der, n }, &err),
	    &err, ASSAY_E_UNSUPPORTED,
	    "injected key: is of P-521; proofs are signed with P-256, P-384, Ed25519 and RSA");
	free(der);
	assay_pair_clear(&pair);
	der = injected(&n, &pair, ASSAY_PAIR_P256);
	/* On our curve, and of another use: RFC 5208, 5, with the algorithm's number from byte 10 on. */
	static const uint8_t ec[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
	assert_memory_equal(der + 8, ec, sizeof ec);
	der[16] = 2;
	expect_outcome("on a curve of ours",
	    assay_proof_keys_new(&keys, (struct assay_bytes){ der, n }, &err), &err,
	    ASSAY_E_UNSUPPORTED, "injected key: is of 1.2.840.10045.2.2, which is not known here;");
	free(der);
	expect_outcome("of a number",
	    assay_proof_keys_new(&keys, (struct assay_bytes){ strange, sizeof strange }, &err),
	    &err, ASSAY_E_UNSUPPORTED, "injected key: is of 1.3.101.127, which is not known here;");
	expect_outcome("of a number, and cut short",
	    assay_proof_keys_new(&keys, (struct assay_bytes){ strange, sizeof strange - 1 }, &err),
	    &err, ASSAY_E_FORMAT, "are no PrivateKeyInfo");
	assay_pair_clear(&pair);
	der = injected(&n, &pair, ASSAY_PAIR_P256);
	assay_pair_clear(&pair);
	expect_outcome("nothing",
	    assay_proof_keys_new(&keys, (struct assay_bytes){ NULL, 0 }, &err), &err,
	    ASSAY_E_FORMAT, "0 bytes are no PrivateKeyInfo");
	for (size_t cut = 1; cut < n; cut++)
		expect_outcome("cut short",
		    assay_proof_keys_new(&keys, (struct assay_bytes){ der, cut }, &err), &err,
		    ASSAY_E_FORMAT, "are no PrivateKeyInfo (PKCS#8, not encrypted) in DER, alone");
	der = realloc(der, n + 1);
	assert_non_null(der);
	der[n] = 0;
	expect_outcome("a byte more",
	    assay_proof_keys_new(&keys, (struct assay_bytes){ der, n + 1 }, &err), &err,
	    ASSAY_E_FORMAT, "alone");
	assert_null(keys);
	assert_int_equal(
	    assay_proof_keys_new(&keys, (struct assay_bytes){ der, n }, &err), ASSAY_OK);
	report_for(report, data, keys);
	expect_outcome("another's report",
	    assay_proof_write(&item, &len, keys, (struct assay_bytes){ report, 208 }, other, &err),
	    &err, ASSAY_E_USAGE, "it answers another request");
	expect_outcome("half a report",
	    assay_proof_write(&item, &len, keys, (struct assay_bytes){ report, 207 }, data, &err),
	    &err, ASSAY_E_USAGE, "the report is 207 bytes, want 208");
	assert_null(item);
	assay_proof_keys_free(keys);
	assay_proof_keys_free(NULL);
	free(der);
}

static void
test_allocations(void **state)
{
	static const uint8_t data[64] = { 1 };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_pair pair = { .kind = ASSAY_PAIR_NONE };
	struct assay_proof_keys *keys = NULL;
	uint8_t *item = NULL, report[208];
	size_t len = 0, n = 0;
	enum assay_code rc = ASSAY_E_NOMEM;

	(void)state;
	uint8_t *der = injected(&n, &pair, ASSAY_PAIR_P256);
	assay_pair_clear(&pair);
	for (size_t at = 1; rc != ASSAY_OK; at++) {
		alloc_fail_at(at);
		rc = assay_proof_keys_new(&keys, (struct assay_bytes){ der, n }, &err);
		assert_int_equal(rc, alloc_failed() ? ASSAY_E_NOMEM : ASSAY_OK);
	}
	report_for(report, data, keys);
	rc = ASSAY_E_NOMEM;
	for (size_t at = 1; rc != ASSAY_OK; at++) {
		alloc_fail_at(at);
		rc = assay_proof_write(
		    &item, &len, keys, (struct assay_bytes){ report, 208 }, data, &err);
		assert_int_equal(rc, alloc_failed() ? ASSAY_E_NOMEM : ASSAY_OK);
	}
	free(item);
	free(der);
	assay_proof_keys_free(keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mnonce),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_allocations),
	};

	return RUN_TESTS(tests);
}
