/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/sev_proof.h"

#include "parse/parse_test.h"

enum { CERTIFICATION = 64, CERTIFICATION_AT = 1 + 34 + 93, KEY_AT = 1 + 34 };

static uint8_t filled[600];

static struct assay_bytes
some(size_t n)
{
	return (struct assay_bytes){ filled, n };
}

/* A proof of bytes 0x11, the key of a point of them; returns its length. */
static size_t
make(uint8_t out[SEV_PROOF_SIZE_MAX], size_t certification)
{
	uint8_t key[SEV_PROOF_KEY_SIZE];

	memset(filled, 0x11, sizeof filled);
	assay_sev_proof_key(key, filled, filled);
	return assay_sev_proof_encode(out,
	    &(struct sev_proof){ some(32), { key, sizeof key }, some(certification), some(64) });
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct sev_proof proof;

	return assay_sev_proof_parse(&proof, in, err);
}

static void
test_whole(void **state)
{
	static const size_t lengths[] = { 64, 96, 256, 384, 512 };
	uint8_t all[SEV_PROOF_SIZE_MAX];
	struct assay_error err = { ASSAY_OK, "" };
	struct sev_proof proof;

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		size_t n = make(all, lengths[i]);
		assert_int_equal(
		    assay_sev_proof_parse(&proof, (struct assay_bytes){ all, n }, &err), ASSAY_OK);
		assert_int_equal(proof.certifier.len, 32);
		assert_int_equal(proof.key.len, SEV_PROOF_KEY_SIZE);
		assert_int_equal(proof.certification.len, lengths[i]);
		assert_int_equal(proof.signature.len, 64);
		struct assay_bytes point = assay_sev_proof_point(&proof);
		assert_ptr_equal(point.ptr, proof.key.ptr + 27);
		assert_int_equal(point.len, 64);
	}
	/* The size and the heads, as docs/bundle.md has them. */
	assert_int_equal(make(all, CERTIFICATION), 1 + 34 + 93 + 66 + 66);
	assert_memory_equal(all, "\x84\x58\x20", 3);
	assert_memory_equal(all + KEY_AT, "\x58\x5b\x30\x59\x30\x13", 6);
	assert_memory_equal(all + CERTIFICATION_AT, "\x58\x40", 2);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t byte;
		const char *words;
	} cases[] = {
		{ "an array of three", 0, 0x83, "want an array of 4" },
		{ "a map", 0, 0xa4, "want an array of 4" },
		{ "of no fixed length", 0, 0x9f, "want an array of 4" },
		{ "a text", 1, 0x78, "want 32 bytes" },
		{ "a short hash", 2, 0x1f, "want 32 bytes" },
		{ "a long key", KEY_AT + 1, 0x5c, "want 91 bytes" },
		{ "a short certification", CERTIFICATION_AT + 1, 63, "want 64 to 512 bytes" },
		{ "a long signature", CERTIFICATION_AT + 66 + 1, 65, "goes on behind the end" },
		{ "another curve", KEY_AT + 2 + 22, 0x08, "want a P-256 key in DER" },
		{ "a compressed point", KEY_AT + 2 + 26, 0x02, "want a P-256 key in DER" },
	};
	uint8_t all[SEV_PROOF_SIZE_MAX + 1];
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { all, make(all, CERTIFICATION) };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)make(all, CERTIFICATION);
		all[cases[i].at] = cases[i].byte;
		expect_outcome(
		    cases[i].name, parse(in, &err), &err, ASSAY_E_FORMAT, cases[i].words);
	}
	(void)make(all, CERTIFICATION);
	in.len++;
	expect_outcome(
	    "a byte more", parse(in, &err), &err, ASSAY_E_FORMAT, "1 bytes follow its end");
	in.len = make(all, 513);
	expect_outcome(
	    "a long certification", parse(in, &err), &err, ASSAY_E_FORMAT, "want 64 to 512 bytes");
	/* The same, with a length of two bytes where one is enough. */
	in.len = make(all, CERTIFICATION) + 1;
	memmove(all + 4, all + 3, in.len - 4);
	memcpy(all + 1, "\x59\x00\x20", 3);
	expect_outcome("a longer form", parse(in, &err), &err, ASSAY_E_FORMAT, "shortest form");
}

static void
test_damaged(void **state)
{
	uint8_t all[SEV_PROOF_SIZE_MAX];

	(void)state;
	damage(parse, (struct assay_bytes){ all, make(all, CERTIFICATION) });
	damage(parse, (struct assay_bytes){ all, make(all, 384) });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damaged),
	};

	return RUN_TESTS(tests);
}
