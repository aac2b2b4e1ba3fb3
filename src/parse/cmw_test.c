/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/cmw.h"

#include "parse/json_test.h"

/* Two records under text labels. */
#define TYPE_A "6161"                                 /* "a" */
#define TEXT_A "716170706c69636174696f6e2f766e642e61" /* "application/vnd.a" */
static const char good_cbor[] = "a2" TYPE_A "83" TEXT_A "4101"
				"04"
				"6162"
				"82"
				"18ff"
				"420203";
static const char good_json[] =
    "{\"a\":[\"application/vnd.a\",\"AQ\",4],\"b\":[\"application/vnd.b\",\"_-8\"]}";

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct cmw cmw;
	enum assay_code rc = assay_cmw_parse(&cmw, in, "wrapper", err);

	if (rc == ASSAY_OK)
		assay_cmw_clear(&cmw);
	else
		assert_true(cmw.store == NULL && cmw.count == 0);
	return rc;
}

static struct assay_bytes
from_hex(uint8_t *out, size_t size, const char *hex)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= size && assay_unhex(out, n, assay_bytes_of(hex)));
	return (struct assay_bytes){ out, n };
}

static void
expect_item(const struct cmw_item *item, const char *label, const char *type, unsigned indicator,
    const char *value)
{
	assert_string_equal(item->label, label);
	assert_string_equal(item->type, type);
	assert_int_equal(item->indicator, indicator);
	expect_hex(label, value, item->value);
}

static void
test_cbor(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t raw[256];
	struct cmw c;
	(void)state;

	struct assay_bytes in = from_hex(raw, sizeof raw, good_cbor);
	assert_true(assay_cmw_recognise(in));
	expect_outcome("collection", assay_cmw_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	assert_true(c.collection && !c.typed && c.count == 2 && c.store == NULL);
	expect_item(&c.items[0], "a", "application/vnd.a", 4, "01");
	expect_item(&c.items[1], "b", "", 0, "0203");
	assert_int_equal(c.items[1].format, 255);
	damage(parse, in);

	in = from_hex(raw, sizeof raw, "82" TEXT_A "40");
	expect_outcome("record", assay_cmw_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	assert_true(!c.collection && c.count == 1 && c.items[0].value.len == 0);
	expect_item(&c.items[0], "", "application/vnd.a", 0, "");
	damage(parse, in);

	in = from_hex(raw, sizeof raw, "da637476324101"); /* Source: the samples of veraison/cmw */
	expect_outcome("tag", assay_cmw_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	assert_true(!c.collection && c.count == 1);
	assert_int_equal(c.items[0].format, 29884);
	damage(parse, in);

	in = from_hex(raw, sizeof raw,
	    "bf" TYPE_A "9f" TEXT_A "410104ff"
	    "ff");
	expect_outcome("indefinite", assay_cmw_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	assert_true(c.collection && c.count == 1);
	expect_item(&c.items[0], "a", "application/vnd.a", 4, "01");
	damage(parse, in);

	in = from_hex(raw, sizeof raw,
	    "a1"
	    "20"
	    "a2"
	    "685f5f636d77635f74"
	    "6161"
	    "01"
	    "82" TEXT_A "4101");
	expect_outcome("nested", assay_cmw_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	assert_true(c.typed && c.count == 2 && c.items[0].nested && !c.items[1].nested);
	assert_true(c.items[0].numbered && c.items[1].numbered);
	assert_string_equal(c.items[0].label, "-1");
	assert_string_equal(c.items[1].label, "1");
	assert_string_equal(c.collection_type, "a");
	assert_int_not_equal(c.items[0].map, c.items[1].map);
}

static void
test_json(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct cmw c;
	(void)state;

	struct assay_bytes in = assay_bytes_of(good_json);
	assert_true(assay_cmw_recognise(in));
	expect_outcome("collection", assay_cmw_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	assert_true(c.collection && c.count == 2);
	expect_item(&c.items[0], "a", "application/vnd.a", 4, "01");
	expect_item(&c.items[1], "b", "application/vnd.b", 0, "ffef");
	assay_cmw_clear(&c);
	assay_cmw_clear(&c);

	in = assay_bytes_of(" [\"application/vnd.a\",\"\"]\n");
	assert_true(assay_cmw_recognise(in));
	expect_outcome("record", assay_cmw_parse(&c, in, "w", &err), &err, ASSAY_OK, "");
	assert_true(!c.collection && c.count == 1 && c.items[0].value.len == 0);
	assay_cmw_clear(&c);

	damage(parse, assay_bytes_of(good_json));
	/* Short texts: of longer ones jansson loses a character when its buffer cannot grow, and
	 * takes what is left. */
	check_allocations(
	    parse, assay_bytes_of("{\"a\":[\"text/a\",\"AQ\",4],\"b\":[\"text/b\",\"_-8\"]}"));
}

/* Source: RFC 9277, 4.3. */
static void
test_tags(void **state)
{
	static const struct {
		const char *hex;
		int64_t format; /* -1: none */
	} tags[] = {
		{ "da63740101"
		  "40",
		    0 },
		{ "da637401ff"
		  "40",
		    254 },
		{ "da63740200"
		  "40",
		    -1 }, /* the one in 256 that is left out */
		{ "da63740201"
		  "40",
		    255 },
		{ "da63740202"
		  "40",
		    256 },
		{ "da63740209"
		  "40",
		    263 },
		{ "da63742838"
		  "40",
		    10000 },
		{ "da6374ffe6"
		  "40",
		    64999 },
		{ "da63750201"
		  "40",
		    65535 },
		{ "da63750202"
		  "40",
		    -1 },
		{ "da63740100"
		  "40",
		    -1 },
		{ "d8ff"
		  "40",
		    -1 },
		{ "dbffffffffffffffff"
		  "40",
		    -1 },
	};
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t raw[32];
	struct cmw c;
	(void)state;

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		struct assay_bytes in = from_hex(raw, sizeof raw, tags[i].hex);
		enum assay_code rc = assay_cmw_parse(&c, in, "w", &err);
		expect_outcome(tags[i].hex, rc, &err,
		    tags[i].format < 0 ? ASSAY_E_UNSUPPORTED : ASSAY_OK, "no content format");
		if (rc == ASSAY_OK)
			assert_int_equal(c.items[0].format, tags[i].format);
	}
}

static void
test_cbor_refusals(void **state)
{
	static const struct {
		const char *name, *hex, *words;
	} cases[] = {
		{ "nothing", "", "ends after 0 bytes" },
		{ "no wrapper", "01", "a number, want a record, a tag or a collection" },
		{ "one element", "81" TEXT_A, "a record of type, value" },
		{ "four elements",
		    "84" TEXT_A "40"
		    "04"
		    "04",
		    "a record of type, value" },
		{ "four, indefinite",
		    "9f" TEXT_A "40"
		    "04"
		    "04"
		    "ff",
		    "the end of a record" },
		{ "type number too large",
		    "82"
		    "1a00010000"
		    "40",
		    "a media type" },
		{ "type negative",
		    "82"
		    "20"
		    "40",
		    "a negative number, want a media type" },
		{ "type empty",
		    "82"
		    "60"
		    "40",
		    "a media type" },
		{ "type with a control",
		    "82"
		    "610a"
		    "40",
		    "a media type" },
		{ "value text", "82" TEXT_A "6161", "want the bytes of a message" },
		{ "value in pieces", "82" TEXT_A "5f4101ff", "a string of indefinite length" },
		{ "type in pieces",
		    "82"
		    "7f6161ff"
		    "40",
		    "a string of indefinite length" },
		{ "indicator 0",
		    "83" TEXT_A "40"
		    "00",
		    "an indicator, with at least one bit" },
		{ "indicator text",
		    "83" TEXT_A "40"
		    "6131",
		    "an indicator" },
		{ "indicator large",
		    "83" TEXT_A "40"
		    "1b0000000100000000",
		    "an indicator" },
		{ "empty collection", "a0", "a collection of one item or more" },
		{ "type alone",
		    "a1"
		    "685f5f636d77635f74"
		    "6161",
		    "a collection of one item" },
		{ "type twice",
		    "a3"
		    "685f5f636d77635f74"
		    "6161"
		    "685f5f636d77635f74"
		    "6161"
		    "01"
		    "82" TEXT_A "40",
		    "one __cmwc_t" },
		{ "type a number",
		    "a2"
		    "685f5f636d77635f74"
		    "01"
		    "01"
		    "82" TEXT_A "40",
		    "the type of a collection" },
		{ "label twice", "a2" TYPE_A "82" TEXT_A "40" TYPE_A "82" TEXT_A "40",
		    "\"a\" stands twice" },
		{ "number twice",
		    "a2"
		    "01"
		    "82" TEXT_A "40"
		    "1801"
		    "82" TEXT_A "40",
		    "\"1\" stands twice" },
		{ "label bytes",
		    "a1"
		    "4161"
		    "82" TEXT_A "40",
		    "a byte string, want a label" },
		{ "label large",
		    "a1"
		    "1b7fffffffffffffff"
		    "82" TEXT_A "40",
		    "63 bits" },
		{ "label no text",
		    "a1"
		    "61ff"
		    "82" TEXT_A "40",
		    "want a label" },
		{ "item is bytes", "a1" TYPE_A "4101", "a byte string, want a record" },
		{ "too deep",
		    "a101a101a101a101a101"
		    "82" TEXT_A "40",
		    "no more than 4 collections" },
		{ "surplus",
		    "82" TEXT_A "40"
		    "00",
		    "1 bytes follow its end" },
		{ "break",
		    "a1"
		    "ff",
		    "want a label" },
		{ "reserved head", "1c", "begins no CBOR" },
		{ "huge map",
		    "bb7fffffffffffffff"
		    "01"
		    "82" TEXT_A "40",
		    "ends after" },
		{ "huge bytes",
		    "82" TEXT_A "5bffffffffffffffff"
		    "00",
		    "goes on behind the end" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t raw[256];
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_outcome(cases[i].name, parse(from_hex(raw, sizeof raw, cases[i].hex), &err),
		    &err, ASSAY_E_FORMAT, cases[i].words);
	/* The number and the text are different labels. */
	expect_outcome("1 and \"1\"",
	    parse(from_hex(raw, sizeof raw,
		      "a2"
		      "01"
		      "82" TEXT_A "40"
		      "6131"
		      "82" TEXT_A "40"),
		&err),
	    &err, ASSAY_OK, "");
}

static void
test_limits(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t raw[1024];
	size_t n = 1;
	(void)state;

	raw[0] = 0xb1; /* 17 items */
	for (unsigned i = 0; i <= CMW_ITEMS_MAX; i++) {
		const uint8_t item[] = { 0x61, (uint8_t)('a' + i), 0x82, 0x00, 0x40 };
		memcpy(raw + n, item, sizeof item);
		n += sizeof item;
	}
	expect_outcome("17 items", parse((struct assay_bytes){ raw, n }, &err), &err,
	    ASSAY_E_FORMAT, "more than 16 items");
	raw[0] = 0xb0;
	expect_outcome(
	    "16 items", parse((struct assay_bytes){ raw, n - 5 }, &err), &err, ASSAY_OK, "");
	n = 0;
	raw[n++] = 0x82;
	raw[n++] = 0x78;
	raw[n++] = CMW_TYPE_MAX;
	memset(raw + n, 'x', CMW_TYPE_MAX + 1);
	raw[n + CMW_TYPE_MAX] = 0x40;
	expect_outcome("longest type",
	    parse((struct assay_bytes){ raw, n + CMW_TYPE_MAX + 1 }, &err), &err, ASSAY_OK, "");
	raw[2]++;
	raw[n + CMW_TYPE_MAX] = 'x';
	raw[n + CMW_TYPE_MAX + 1] = 0x40;
	expect_outcome("type too long",
	    parse((struct assay_bytes){ raw, n + CMW_TYPE_MAX + 2 }, &err), &err, ASSAY_E_FORMAT,
	    "at most 128 characters");
	uint8_t *big = calloc(1, CMW_MAX + 1);
	assert_non_null(big);
	expect_outcome("too large", parse((struct assay_bytes){ big, CMW_MAX + 1 }, &err), &err,
	    ASSAY_E_FORMAT, "at most");
	free(big);
}

static const struct json_case json_cases[] = {
	{ "as it is", NULL, NULL, ASSAY_OK, "" },
	{ "padding", "\"AQ\"", "\"AQ==\"", ASSAY_OK, "" },
	{ "label twice", "\"b\"", "\"a\"", ASSAY_E_FORMAT, "duplicate" },
	{ "standard base64", "_-8", "/-8", ASSAY_E_FORMAT, "must be base64url" },
	{ "white space", "\"AQ\"", "\"A Q\"", ASSAY_E_FORMAT, "must be base64url" },
	{ "bits left over", "\"AQ\"", "\"AR\"", ASSAY_E_FORMAT, "must be base64url" },
	{ "one character", "\"AQ\"", "\"A\"", ASSAY_E_FORMAT, "must be base64url" },
	{ "no value", ",\"_-8\"", "", ASSAY_E_FORMAT, "type, value" },
	{ "four elements", "4]", "4,4]", ASSAY_E_FORMAT, "type, value" },
	{ "indicator 0", "4]", "0]", ASSAY_E_FORMAT, "at least one bit" },
	{ "indicator negative", "4]", "-4]", ASSAY_E_FORMAT, "at least one bit" },
	{ "indicator large", "4]", "4294967296]", ASSAY_E_FORMAT, "at least one bit" },
	{ "type number", "\"application/vnd.a\"", "5", ASSAY_E_FORMAT, "media type is 5" },
	{ "type empty", "application/vnd.a", "", ASSAY_E_FORMAT, "media type is \"\"" },
	{ "label empty", "\"a\"", "\"\"", ASSAY_E_FORMAT, "the label \"\" is no printable" },
	{ "item text", "[\"application/vnd.b\",\"_-8\"]", "\"_-8\"", ASSAY_E_FORMAT, "b is" },
	{ "collection type", "\"a\":", "\"__cmwc_t\":\"tag:x\",\"a\":", ASSAY_OK, "" },
	{ "collection type number", "\"a\":", "\"__cmwc_t\":7,\"a\":", ASSAY_E_FORMAT,
	    "__cmwc_t is 7" },
	{ "nested", "\"a\":", "\"n\":{\"a\":[\"t\",\"\"]},\"a\":", ASSAY_OK, "" },
	{ "nested and empty", "\"a\":", "\"n\":{},\"a\":", ASSAY_E_FORMAT, "one item or more" },
	{ "too deep", "\"a\":", "\"n\":{\"n\":{\"n\":{\"n\":{\"a\":[\"t\",\"\"]}}}},\"a\":",
	    ASSAY_E_FORMAT, "more than 4 collections" },
	{ "surplus", "]}", "]}x", ASSAY_E_FORMAT, "is no JSON" },
};

static void
test_json_refusals(void **state)
{
	(void)state;
	check_json_cases(parse, good_json, json_cases, sizeof json_cases / sizeof *json_cases);
}

/* The samples of veraison/cmw. */
static void
test_vectors(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct cmw c;
	(void)state;

	struct assay_bytes cbor = vectors_read("coco/token/cmw/collection-cbor-ok.cbor");
	if (cbor.ptr == NULL)
		return;
	expect_outcome("CBOR", assay_cmw_parse(&c, cbor, "w", &err), &err, ASSAY_OK, "");
	assert_true(c.count == 3 && c.items[0].numbered && c.items[1].numbered);
	expect_item(&c.items[0], "1", "application/signed-corim+cbor", 3, "d28443a10126a1");
	expect_item(&c.items[1], "2", "", 0, "2347da55");
	assert_int_equal(c.items[1].format, 29884);
	expect_item(&c.items[2], "s", "", 0, "2347da55");
	assert_int_equal(c.items[2].format, 30001);
	damage(parse, cbor);
	vectors_free(cbor);

	struct assay_bytes json = vectors_read("coco/token/cmw/collection-ok.json");
	expect_outcome("JSON", assay_cmw_parse(&c, json, "w", &err), &err, ASSAY_OK, "");
	assert_int_equal(c.count, 2);
	expect_item(&c.items[0], "a", "application/vnd.a", 0, "61");
	expect_item(&c.items[1], "b", "application/vnd.b", 0, "62");
	assay_cmw_clear(&c);
	vectors_free(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cbor),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_cbor_refusals),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_json_refusals),
		cmocka_unit_test(test_vectors),
	};

	return RUN_TESTS(tests);
}
