/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/pe_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/linux_header.h"

/* A kernel in small: DOS header, PE header at 0x40, setup header, two sections, and something
 * behind them. */
enum {
	OPTIONAL = 0x58,
	CHECKSUM = OPTIONAL + 64,
	SECURITY = OPTIONAL + 112 + 4 * 8,
	TABLE = OPTIONAL + 160,
	HEADERS = 0x1a0, /* the setup header is in the first section, as with a real kernel */
	SECTION_1 = HEADERS,
	SECTION_2 = 0x400,
	SECTIONS_END = 0x600,
	SIZE = 0x640,
	SIGNATURES = 0x620,
};

static void
put(uint8_t *out, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static void
make(uint8_t p[SIZE])
{
	for (size_t i = 0; i < SIZE; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 24);
	memcpy(p, "MZ", 2);
	put(p + 0x3c, 4, 0x40);
	memcpy(p + 0x40, "PE\0", 4);
	put(p + 0x46, 2, 2); /* sections */
	put(p + 0x54, 2, TABLE - OPTIONAL);
	put(p + OPTIONAL, 2, 0x20b);
	put(p + OPTIONAL + 60, 4, HEADERS);
	put(p + OPTIONAL + 108, 4, 6); /* directories */
	put(p + SECURITY, 8, 0);
	/* In the table the second comes first: the digest sorts. */
	put(p + TABLE + 16, 4, SECTIONS_END - SECTION_2);
	put(p + TABLE + 20, 4, SECTION_2);
	put(p + TABLE + 40 + 16, 4, SECTION_2 - SECTION_1);
	put(p + TABLE + 40 + 20, 4, SECTION_1);
	memcpy(p + 0x202, "HdrS", 4);
	put(p + 0x206, 2, 0x20f);
	p[0x211] = 1;
	put(p + 0x22c, 4, 0x7fffffff);
	put(p + 0x236, 2, 0);
}

static void
digest_of(uint8_t out[ASSAY_SHA384_LEN], const uint8_t *p, size_t len)
{
	struct assay_error err = { ASSAY_OK, "" };

	if (assay_pe_image_digest(out, (struct assay_bytes){ p, len }, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
}

static void
assert_refused(const uint8_t *p, size_t len, const char *words)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t out[ASSAY_SHA384_LEN];

	assert_int_equal(
	    assay_pe_image_digest(out, (struct assay_bytes){ p, len }, &err), ASSAY_E_FORMAT);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
}

/* All of the file but the checksum and the entry of the signatures. */
static void
test_digest(void **state)
{
	uint8_t p[SIZE], rest[SIZE], want[ASSAY_SHA384_LEN], got[ASSAY_SHA384_LEN];
	size_t n = 0;

	(void)state;
	make(p);
	for (size_t i = 0; i < SIZE; i++)
		if (!(i >= CHECKSUM && i < CHECKSUM + 4) && !(i >= SECURITY && i < SECURITY + 8))
			rest[n++] = p[i];
	assay_sha384(want, (struct assay_bytes){ rest, n });
	digest_of(got, p, SIZE);
	assert_memory_equal(got, want, sizeof want);

	/* Signed, it has the digest of what was signed. */
	put(p + SECURITY, 4, SIGNATURES);
	put(p + SECURITY + 4, 4, SIZE - SIGNATURES);
	assay_sha384(want, (struct assay_bytes){ rest, n - (SIZE - SIGNATURES) });
	digest_of(got, p, SIZE);
	assert_memory_equal(got, want, sizeof want);
	memset(p + SIGNATURES, 0, SIZE - SIGNATURES);
	memset(p + CHECKSUM, 0, 4);
	digest_of(got, p, SIZE);
	assert_memory_equal(got, want, sizeof want);

	/* No entry for signatures at all: nothing but the checksum is left out. */
	make(p);
	put(p + OPTIONAL + 108, 4, 4);
	n = 0;
	for (size_t i = 0; i < SIZE; i++)
		if (!(i >= CHECKSUM && i < CHECKSUM + 4))
			rest[n++] = p[i];
	assay_sha384(want, (struct assay_bytes){ rest, n });
	digest_of(got, p, SIZE);
	assert_memory_equal(got, want, sizeof want);
}

static void
test_refusals(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		const char *words;
	} cases[] = {
		{ 0, 1, 'N', "does not begin with MZ" },
		{ 0x40, 1, 'Q', "no PE header" },
		{ 0x3c, 4, SIZE - 23, "no PE header" },
		{ 0x3c, 4, 0xffffffff, "no PE header" },
		{ 0x46, 2, 97, "its headers run over its end" },
		{ 0x46, 2, 40, "its headers run over its end" },
		{ 0x54, 2, 67, "its optional header is short" },
		{ 0x54, 2, 100, "its optional header is short" },
		{ OPTIONAL, 2, 0x107, "another magic" },
		{ OPTIONAL + 108, 4, 7, "its directories run over" },
		{ OPTIONAL + 108, 4, 0xffffffff, "its directories run over" },
		{ OPTIONAL + 60, 4, TABLE + 79, "the length of its headers" },
		{ OPTIONAL + 60, 4, SIZE + 1, "the length of its headers" },
		{ OPTIONAL + 60, 4, SECTION_1 + 1, "its sections overlap" },
		{ TABLE + 20, 4, SECTION_2 - 1, "its sections overlap" },
		{ TABLE + 16, 4, SIZE, "a section runs over its end" },
		{ TABLE + 16, 4, 0xffffffff, "a section runs over its end" },
		{ TABLE + 20, 4, 0xffffffff, "a section runs over its end" },
		{ SECURITY + 4, 4, 4, "its signatures are not at its end" },
		{ SECURITY + 4, 4, SIZE + 1, "its signatures are not at its end" },
	};
	uint8_t p[SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make(p);
		put(p + cases[i].at, cases[i].n, cases[i].value);
		assert_refused(p, SIZE, cases[i].words);
	}
}

/* Each bit counts but those that a signer may change; cut short, nothing is read past the end. */
static void
test_damage(void **state)
{
	uint8_t p[SIZE], whole[ASSAY_SHA384_LEN], got[ASSAY_SHA384_LEN];
	struct assay_error err;

	(void)state;
	make(p);
	digest_of(whole, p, SIZE);
	for (size_t bit = 0; bit < 8 * SIZE; bit++) {
		size_t at = bit / 8;
		p[at] ^= (uint8_t)(1 << bit % 8);
		if (assay_pe_image_digest(got, (struct assay_bytes){ p, SIZE }, &err) == ASSAY_OK &&
		    memcmp(got, whole, sizeof got) == 0 && !(at >= CHECKSUM && at < CHECKSUM + 4) &&
		    !(at >= SECURITY && at < SECURITY + 4))
			fail_msg("bit %zu does not count", bit);
		p[at] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < SIZE; n++) {
		uint8_t *copy = malloc(n + 1);
		memcpy(copy, p, n);
		if (assay_pe_image_digest(got, (struct assay_bytes){ copy, n }, &err) == ASSAY_OK)
			assert_true(n >= SECTIONS_END);
		free(copy);
	}
}

/* --- the setup header -------------------------------------------------------------------- */

static void
test_patch(void **state)
{
	uint8_t p[SIZE], want[SIZE];

	(void)state;
	make(p);
	memcpy(want, p, SIZE);
	want[0x210] = 0xb0;
	want[0x211] = 0x81;
	put(want + 0x224, 2, 0xfe00);
	put(want + 0x228, 4, 0x20000);
	assert_int_equal(assay_linux_header_patch(p, SIZE, 0, 0, "quiet", NULL), ASSAY_OK);
	assert_memory_equal(p, want, SIZE);

	/* The initrd ends below what the kernel allows, or below the ACPI data of QEMU. */
	static const struct {
		uint16_t flags;
		uint64_t memory;
		uint32_t at;
	} cases[] = {
		{ 0, (uint64_t)1 << 30, 0x40000000 - 0x28000 - 0x2000 },
		{ 0, (uint64_t)8 << 30, 0x80000000 - 0x28000 - 0x2000 },
		{ 2, (uint64_t)8 << 30, 0x80000000 - 0x28000 - 0x2000 },
		{ 2, 0xa0000000, 0xa0000000 - 0x28000 - 0x2000 },
		{ 0, 0xa0000000, 0x7fffe000 },
		{ 2, 0xb0000000, 0x80000000 - 0x28000 - 0x2000 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make(p);
		put(p + 0x236, 2, cases[i].flags);
		assert_int_equal(
		    assay_linux_header_patch(p, SIZE, 0x1001, cases[i].memory, "", NULL), ASSAY_OK);
		assert_int_equal(assay_u32le(p + 0x218), cases[i].at);
		assert_int_equal(assay_u32le(p + 0x21c), 0x1001);
	}
}

static void
test_patch_refused(void **state)
{
	struct assay_error err;
	uint8_t p[SIZE];

	(void)state;
	make(p);
	assert_int_equal(assay_linux_header_patch(p, 0x267, 0, 0, "", &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "no Linux setup header"));
	assert_int_equal(
	    assay_linux_header_patch(p, SIZE, 0, 0, "quiet vga=ask", &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "\"vga=\""));
	assert_int_equal(assay_linux_header_patch(p, SIZE, 1, 0x28000, "", &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "hold no kernel"));
	assert_int_equal(assay_linux_header_patch(p, SIZE, 0x10000000, 0x10000000, "", &err),
	    ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "does not fit"));
	put(p + 0x206, 2, 0x20b);
	assert_int_equal(assay_linux_header_patch(p, SIZE, 0, 0, "", &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "protocol 0x20b is older"));
	p[0x202] = 'h';
	assert_int_equal(assay_linux_header_patch(p, SIZE, 0, 0, "", &err), ASSAY_E_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_patch_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
