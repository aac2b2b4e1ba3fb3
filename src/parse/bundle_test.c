/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/bundle.h"

#include "alloc.h"
#include "parse/parse_test.h"
#include "parse/unwrap.h"

static struct assay_bytes
text(const char *t)
{
	return assay_bytes_of(t);
}

/* The example of docs/bundle.md, in the wrong order. */
static const struct assay_bundle_item *
example(void)
{
	static struct assay_bundle_item items[2];

	items[0] = (struct assay_bundle_item){ "provider", ASSAY_BUNDLE_TYPE_PROVIDER,
		text("tdx_guest"), ASSAY_BUNDLE_EVIDENCE };
	items[1] =
	    (struct assay_bundle_item){ "evidence", ASSAY_BUNDLE_TYPE_TDX, text("quote"), 0 };
	return items;
}

static void
test_bytes(void **state)
{
	static const char want[] = "a2"
				   "6865766964656e6365"
				   "82"
				   "78196170706c69636174696f6e2f766e642e61737361792e746478"
				   "4571756f7465"
				   "6870726f7669646572"
				   "83"
				   "6a746578742f706c61696e"
				   "497464785f6775657374"
				   "04";
	struct assay_error err = { ASSAY_OK, "" };
	struct unwrapped u;
	uint8_t *out = NULL;
	size_t len = 0;
	(void)state;

	expect_outcome(
	    "write", assay_bundle_write(&out, &len, example(), 2, &err), &err, ASSAY_OK, "");
	expect_hex("bundle", want, (struct assay_bytes){ out, len });
	expect_outcome(
	    "read", assay_unwrap(&u, (struct assay_bytes){ out, len }, &err), &err, ASSAY_OK, "");
	assert_true(assay_bytes_equal(u.evidence, text("quote")));
	assert_true(assay_bytes_equal(u.tee, text("tdx")));
	assert_string_equal(u.provider, "tdx_guest");
	assert_true(u.collateral.len == 0 && u.eventlog.len == 0 && u.manifest.len == 0);
	assay_unwrap_clear(&u);
	free(out);
}

static void
test_all_parts(void **state)
{
	static const struct {
		const char *label, *type;
		unsigned indicator;
	} parts[] = {
		{ "eventlog", ASSAY_BUNDLE_TYPE_EVENTLOG, 4 },
		{ "evidence", ASSAY_BUNDLE_TYPE_SNP, 4 },
		{ "manifest", ASSAY_BUNDLE_TYPE_MANIFEST, 4 },
		{ "provider", ASSAY_BUNDLE_TYPE_PROVIDER, 4 },
		{ "collateral", ASSAY_BUNDLE_TYPE_COLLATERAL, 2 },
		{ "certificates", ASSAY_BUNDLE_TYPE_CERTIFICATES, 2 },
	};
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bundle_item items[6];
	uint8_t *first = NULL, *out;
	size_t first_len = 0, len;
	struct unwrapped u;
	(void)state;

	/* Every rotation of the items gives the same bytes. */
	for (size_t turn = 0; turn < 6; turn++) {
		for (size_t i = 0; i < 6; i++) {
			size_t k = (i + turn) % 6;
			items[i] = (struct assay_bundle_item){ parts[k].label, parts[k].type,
				text(parts[k].label), parts[k].indicator };
		}
		expect_outcome(
		    "write", assay_bundle_write(&out, &len, items, 6, &err), &err, ASSAY_OK, "");
		if (turn == 0) {
			first = out;
			first_len = len;
			continue;
		}
		assert_true(len == first_len && memcmp(out, first, len) == 0);
		free(out);
	}
	struct assay_bytes in = { first, first_len };
	expect_outcome("read", assay_unwrap(&u, in, &err), &err, ASSAY_OK, "");
	assert_true(assay_bytes_equal(u.eventlog, text("eventlog")));
	assert_true(assay_bytes_equal(u.evidence, text("evidence")));
	assert_true(assay_bytes_equal(u.manifest, text("manifest")));
	assert_string_equal(u.provider, "provider");
	assert_true(assay_bytes_equal(u.collateral, text("collateral")));
	assert_true(assay_bytes_equal(u.certificates, text("certificates")));
	assay_unwrap_clear(&u);
	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		enum assay_code rc = assay_bundle_write(&out, &len, items, 6, &err);
		if (!alloc_failed()) {
			free(out);
			assert_int_equal(n, 2);
			break;
		}
		expect_outcome("no memory", rc, &err, ASSAY_E_NOMEM, "memory");
	}
	free(first);
}

static void
test_refusals(void **state)
{
	const struct assay_bytes some = text("x"), none = { NULL, 0 };
	const struct assay_bytes long_name =
	    text("a234567890123456789012345678901234567890123456789012345678901234x");
	const struct {
		const char *name;
		struct assay_bundle_item item;
		const char *words;
	} cases[] = {
		{ "label", { "quote", ASSAY_BUNDLE_TYPE_TDX, some, 4 }, "has no item \"quote\"" },
		{ "type", { "evidence", "text/plain", some, 4 }, "has the type \"text/plain\"" },
		{ "type of a log", { "evidence", ASSAY_BUNDLE_TYPE_EVENTLOG, some, 4 },
		    "evidence has the type" },
		{ "type of evidence", { "eventlog", ASSAY_BUNDLE_TYPE_TDX, some, 4 },
		    "want application/vnd.assay.eventlog" },
		{ "indicator", { "evidence", ASSAY_BUNDLE_TYPE_TDX, some, 2 },
		    "has the indicator 2, want 4" },
		{ "empty", { "evidence", ASSAY_BUNDLE_TYPE_TDX, none, 4 },
		    "is 0 bytes, want 1 to" },
		{ "provider", { "provider", "text/plain", text("tdx_guest\n"), 0 },
		    "is no provider's name" },
		{ "long provider", { "provider", "text/plain", long_name, 0 }, "is 65 bytes" },
		{ "no evidence", { "provider", "text/plain", text("tdx_guest"), 0 },
		    "there is no item evidence" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bundle_item twice[2];
	uint8_t *out = NULL;
	size_t len = 0;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_outcome(cases[i].name,
		    assay_bundle_write(&out, &len, &cases[i].item, 1, &err), &err, ASSAY_E_USAGE,
		    cases[i].words);
	twice[0] = twice[1] =
	    (struct assay_bundle_item){ "evidence", ASSAY_BUNDLE_TYPE_TDX, some, 4 };
	expect_outcome("twice", assay_bundle_write(&out, &len, twice, 2, &err), &err, ASSAY_E_USAGE,
	    "two items evidence");
	uint8_t *big = calloc(1, BUNDLE_PART_MAX + 1);
	assert_non_null(big);
	twice[0].bytes = (struct assay_bytes){ big, (1 << 20) + 1 };
	expect_outcome("large", assay_bundle_write(&out, &len, twice, 1, &err), &err, ASSAY_E_USAGE,
	    "is 1048577 bytes, want 1 to 1048576");
	free(big);
	assert_null(out);
}

static enum assay_code
unwrap(struct assay_bytes in, struct assay_error *err)
{
	struct unwrapped u;
	enum assay_code rc = assay_unwrap(&u, in, err);

	if (rc == ASSAY_OK)
		assay_unwrap_clear(&u);
	return rc;
}

static void
test_damage(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t *out = NULL;
	size_t len = 0;
	(void)state;

	expect_outcome(
	    "write", assay_bundle_write(&out, &len, example(), 2, &err), &err, ASSAY_OK, "");
	damage(unwrap, (struct assay_bytes){ out, len });
	free(out);
}

/* Wrappers that others may write. */
static void
test_unwrap(void **state)
{
#define T "application/vnd.assay."
	static const struct {
		const char *name, *json;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "record", "[\"" T "tdx\",\"AQ\"]", ASSAY_OK, "" },
		{ "record with indicator", "[\"" T "tdx\",\"AQ\",4]", ASSAY_OK, "" },
		{ "record of an endorsement", "[\"" T "tdx\",\"AQ\",2]", ASSAY_E_FORMAT,
		    "has the indicator 2, which says that it is no evidence" },
		{ "record of something else", "[\"text/plain\",\"AQ\"]", ASSAY_E_UNSUPPORTED,
		    "of type \"text/plain\", which may be evidence" },
		{ "record of a log", "[\"" T "eventlog\",\"AQ\"]", ASSAY_E_UNSUPPORTED,
		    "may be evidence" },
		{ "record of collateral", "[\"" T "collateral\",\"AQ\",2]", ASSAY_E_UNSUPPORTED,
		    "holds no evidence" },
		{ "empty evidence", "[\"" T "tdx\",\"\"]", ASSAY_E_FORMAT, "is empty" },
		{ "two", "{\"a\":[\"" T "tdx\",\"AQ\"],\"b\":[\"" T "snp\",\"AQ\"]}",
		    ASSAY_E_FORMAT, "two pieces of evidence" },
		{ "unknown beside", "{\"a\":[\"" T "tdx\",\"AQ\"],\"b\":[\"text/x\",\"AQ\"]}",
		    ASSAY_E_UNSUPPORTED, "may be evidence" },
		{ "unknown endorsement",
		    "{\"a\":[\"" T "tdx\",\"AQ\"],\"b\":[\"text/x\",\"AQ\",2]}", ASSAY_OK, "" },
		{ "unknown, all kinds",
		    "{\"a\":[\"" T "tdx\",\"AQ\"],\"b\":[\"text/x\",\"AQ\",31]}",
		    ASSAY_E_UNSUPPORTED, "may be evidence" },
		{ "nested", "{\"a\":[\"" T "tdx\",\"AQ\"],\"b\":{\"c\":[\"text/x\",\"AQ\",2]}}",
		    ASSAY_E_UNSUPPORTED, "a collection inside the collection" },
		{ "typed", "{\"__cmwc_t\":\"tag:x\",\"a\":[\"" T "tdx\",\"AQ\"]}",
		    ASSAY_E_UNSUPPORTED, "of the type \"tag:x\"" },
		{ "label of ours", "{\"evidence\":[\"" T "eventlog\",\"AQ\"]}", ASSAY_E_FORMAT,
		    "evidence has the type \"" T "eventlog\"" },
		{ "log of another type",
		    "{\"evidence\":[\"" T "tdx\",\"AQ\"],\"eventlog\":[\"text/x\",\"AQ\",2]}",
		    ASSAY_E_FORMAT, "eventlog has the type" },
		{ "evidence as a log", "{\"eventlog\":[\"" T "tdx\",\"AQ\"]}", ASSAY_E_FORMAT,
		    "eventlog has the type" },
		{ "log that is no evidence",
		    "{\"evidence\":[\"" T "tdx\",\"AQ\"],\"eventlog\":[\"" T
		    "eventlog\",\"AQ\",2]}",
		    ASSAY_E_FORMAT, "which says that it is no evidence" },
		{ "collateral that is evidence",
		    "{\"evidence\":[\"" T "tdx\",\"AQ\"],\"collateral\":[\"" T
		    "collateral\",\"AQ\",4]}",
		    ASSAY_E_FORMAT, "no endorsement" },
		{ "empty log",
		    "{\"evidence\":[\"" T "tdx\",\"AQ\"],\"eventlog\":[\"" T "eventlog\",\"\"]}",
		    ASSAY_E_FORMAT, "eventlog is 0 bytes" },
		{ "no name",
		    "{\"evidence\":[\"" T "tdx\",\"AQ\"],\"provider\":[\"text/plain\",\"AQ\"]}",
		    ASSAY_E_FORMAT, "the provider is" },
		{ "two providers",
		    "{\"e\":[\"application/vnd.veraison.configfs-tsm+json\","
		    "\"eyJvdXRibG9iIjoiQVEiLCJwcm92aWRlciI6ImEifQ\"],\"provider\":[\"text/plain\","
		    "\"YQ\"]}",
		    ASSAY_E_FORMAT, "names a second provider, \"a\"" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes in = text(cases[i].json);
		assert_true(assay_unwrap_recognise(in));
		expect_outcome(
		    cases[i].name, unwrap(in, &err), &err, cases[i].code, cases[i].words);
	}
	assert_false(assay_unwrap_recognise(text("{\"tcbInfo\":{},\"signature\":\"\"}")));
	assert_false(assay_unwrap_recognise(text("{\"version\":1,\"x\":[]}")));
	assert_true(assay_unwrap_recognise(text(" {\"__cmwc_t\":\"x\",\"x\":[]}")));
	assert_false(assay_unwrap_recognise(text("0400020081000000")));
	assert_false(assay_unwrap_recognise(text("")));
	expect_outcome("content format", unwrap(text("\xda\x63\x74\x02\x09\x41\x01"), &err), &err,
	    ASSAY_E_UNSUPPORTED, "the content format 263");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_all_parts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_unwrap),
	};

	return RUN_TESTS(tests);
}
