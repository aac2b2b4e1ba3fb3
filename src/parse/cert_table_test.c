/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include "parse/snp_report.h"

static const uint8_t vcek_guid[] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5,
	0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd };
static const uint8_t ark_guid[] = { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43,
	0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae };

enum { ROOM = 1024, HEAD = 3 * 24 };

static void
put_entry(uint8_t *p, const uint8_t guid[16], uint32_t at, uint32_t len)
{
	memcpy(p, guid, 16);
	put32(p + 16, at);
	put32(p + 20, len);
}

/* A VCEK of 10 bytes, an ARK of 20, and the end. */
static size_t
make_table(uint8_t p[ROOM])
{
	memset(p, 0, ROOM);
	put_entry(p, vcek_guid, HEAD, 10);
	put_entry(p + 24, ark_guid, HEAD + 10, 20);
	memset(p + HEAD, 0xaa, 30);
	return HEAD + 30;
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct cert_table t;

	return assay_cert_table_parse(&t, in, err);
}

static void
test_good(void **state)
{
	uint8_t bytes[ROOM];
	struct assay_bytes in = { bytes, make_table(bytes) };
	struct cert_table t;
	(void)state;

	assert_int_equal(assay_cert_table_parse(&t, in, NULL), ASSAY_OK);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.entries[0].kind, CERT_TABLE_VCEK);
	assert_int_equal(t.entries[1].kind, CERT_TABLE_ARK);
	assert_int_equal(t.entries[1].data.len, 20);
	assert_ptr_equal(t.entries[1].data.ptr, bytes + HEAD + 10);
	assert_true(assay_cert_table_recognise(in));
	damage(parse, in);

	bytes[0] ^= 1; /* a GUID that nobody knows is kept, and does not open a table */
	assert_int_equal(assay_cert_table_parse(&t, in, NULL), ASSAY_OK);
	assert_int_equal(t.entries[0].kind, CERT_TABLE_OTHER);
	assert_false(assay_cert_table_recognise(in));

	static uint8_t empty[4096];
	in = (struct assay_bytes){ empty, sizeof empty };
	assert_true(assay_cert_table_recognise(in));
	assert_int_equal(assay_cert_table_parse(&t, in, NULL), ASSAY_OK);
	assert_int_equal(t.count, 0);
	in.len = 23;
	assert_false(assay_cert_table_recognise(in));
	in.len = sizeof empty;
	empty[4095] = 1;
	assert_false(assay_cert_table_recognise(in));
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *name;
		uint32_t at, len; /* of the second entry */
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "good", HEAD, 30, ASSAY_OK, "" },
		{ "in the header", HEAD - 1, 1, ASSAY_E_FORMAT, "entry 1 points at 71, 1 bytes" },
		{ "empty", HEAD, 0, ASSAY_E_FORMAT, "entry 1 points at 72, 0 bytes" },
		{ "too long", HEAD, 31, ASSAY_E_FORMAT, "from 72 to 102" },
		{ "behind", HEAD + 30, 1, ASSAY_E_FORMAT, "entry 1 points at 102" },
		{ "wraps", HEAD, 0xffffffff, ASSAY_E_FORMAT, "4294967295 bytes" },
		{ "far", 0xffffffff, 1, ASSAY_E_FORMAT, "points at 4294967295" },
	};
	uint8_t bytes[ROOM];
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes in = { bytes, make_table(bytes) };
		put_entry(bytes + 24, ark_guid, cases[i].at, cases[i].len);
		expect_outcome(cases[i].name, parse(in, &err), &err, cases[i].code, cases[i].words);
	}
	struct assay_bytes in = { bytes, make_table(bytes) };
	memcpy(bytes + 24, vcek_guid, 16);
	expect_outcome(
	    "twice", parse(in, &err), &err, ASSAY_E_FORMAT, "0 and 1 have the same GUID");
	(void)make_table(bytes);
	memset(bytes + 48, 0x11, 24);
	in.len = HEAD;
	expect_outcome("no end", parse(in, &err), &err, ASSAY_E_FORMAT, "72 bytes hold no entry");
}

static void
test_count(void **state)
{
	uint8_t bytes[ROOM] = { 0 };
	struct assay_bytes in = { bytes, sizeof bytes };
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (unsigned i = 0; i < CERT_TABLE_MAX; i++) {
		put_entry(bytes + 24 * i, vcek_guid, 1000, 1);
		bytes[24 * i] = (uint8_t)(i + 1);
	}
	expect_outcome("16", parse(in, &err), &err, ASSAY_OK, "");
	put_entry(bytes + 24 * CERT_TABLE_MAX, ark_guid, 1000, 1);
	expect_outcome("17", parse(in, &err), &err, ASSAY_E_FORMAT, "more than 16 entries");
}

static void
test_real_table(void **state)
{
	struct assay_bytes in = vectors_read("sev/snp/genoa-v3-tsm/auxblob.bin");
	struct assay_error err = { ASSAY_OK, "" };
	struct cert_table t;
	unsigned seen = 0;
	(void)state;

	if (in.ptr == NULL)
		return;
	assert_true(assay_cert_table_recognise(in));
	expect_outcome("table", assay_cert_table_parse(&t, in, &err), &err, ASSAY_OK, "");
	assert_int_equal(t.count, 3);
	for (size_t i = 0; i < t.count; i++) {
		seen |= 1U << t.entries[i].kind;
		assert_memory_equal(t.entries[i].data.ptr, "-----BEGIN", 10);
	}
	assert_int_equal(seen, 1 << CERT_TABLE_VCEK | 1 << CERT_TABLE_ASK | 1 << CERT_TABLE_ARK);
	vectors_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_real_table),
	};

	return RUN_TESTS(tests);
}
