/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_test.h"

/* The double whose bits are these, read as a number. */
static double
double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static void
check(const char *json, const char *want)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *got = NULL;

	if (assay_json_canonical(&got, assay_bytes_of(json), &err) != ASSAY_OK)
		fail_msg("%s: %s", json, err.text);
	assert_string_equal(got, want);
	free(got);
}

/* kbs-protocol.md 3. */
static void
test_known_digests(void **state)
{
#define KEY                                                                                        \
	"\"tee-pubkey\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\","             \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                   \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define NONCE "\"nonce\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\""
	static const struct {
		const char *json, *sha384;
	} cases[] = {
		{ "{ \"b\" : 1, \"a\":\"test\", \"c\":{\"d\":\"e\"}}",
		    "e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525cd22c"
		    "4597480a186427c813ca941da78870c3" },
		{ "{" KEY "," NONCE "}",
		    "cc12bca78af3e46d9ddb68eb97122047abb52703f1cec34bd0adc12c5ac8c860"
		    "b1ada6c8729e54f2172908b77572364a" },
		{ "{" KEY "," NONCE ",\"additional-evidence\":\"\"}",
		    "dfa65d498315212bdaf8857231cf0482172933db271f15856bf30db447227eb5"
		    "b1dd9e29fcc1fb9076fb00792c3bb7e7" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t digest[ASSAY_SHA384_LEN];
	char hex[2 * ASSAY_SHA384_LEN + 1], *got = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(
		    assay_json_canonical(&got, assay_bytes_of(cases[i].json), &err), ASSAY_OK);
		assay_sha384(digest, assay_bytes_of(got));
		assay_hex(hex, (struct assay_bytes){ digest, sizeof digest });
		assert_string_equal(hex, cases[i].sha384);
		free(got);
	}
}

/* RFC 8785 appendix B, and what ECMA-262 says of the borders between the forms. */
static void
test_numbers(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ "-0.0", "0" },
		{ "5e-324", "5e-324" },
		{ "-5e-324", "-5e-324" },
		{ "1.7976931348623157e308", "1.7976931348623157e+308" },
		{ "9007199254740992", "9007199254740992" },
		{ "9007199254740993", "9007199254740992" },
		{ "-9007199254740992", "-9007199254740992" },
		{ "295147905179352830000", "295147905179352830000" },
		{ "9.999999999999997e22", "9.999999999999997e+22" },
		{ "1e23", "1e+23" },
		{ "1.0000000000000001e23", "1.0000000000000001e+23" },
		{ "999999999999999700000", "999999999999999700000" },
		{ "999999999999999900000", "999999999999999900000" },
		{ "1e21", "1e+21" },
		{ "9.999999999999997e-7", "9.999999999999997e-7" },
		{ "0.000001", "0.000001" },
		{ "333333333.3333332", "333333333.3333332" },
		{ "333333333.33333325", "333333333.33333325" },
		{ "333333333.3333333", "333333333.3333333" },
		{ "333333333.3333334", "333333333.3333334" },
		{ "333333333.33333343", "333333333.33333343" },
		{ "-0.0000033333333333333333", "-0.0000033333333333333333" },
		{ "1424953923781206.2", "1424953923781206.2" },
		{ "18446744073709551615", "18446744073709552000" },
		{ "1E30", "1e+30" },
		{ "4.50", "4.5" },
		{ "2e-3", "0.002" },
		{ "1e-27", "1e-27" },
		/* 2^-1017 and 2^-44: the nearest decimal of 16 digits is not the shortest one. */
		{ "7.1202363472230444e-307", "7.120236347223045e-307" },
		{ "5.684341886080802e-14", "5.684341886080802e-14" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(cases[i].json, cases[i].want);
}

/* Every power of two reads back as itself, and so do its neighbours. */
static void
test_powers(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	char json[64], *got = NULL;

	(void)state;
	for (uint64_t e = 1; e < 2047; e++) {
		uint64_t bits = e << 52;
		double v[] = { double_of(bits), double_of(bits - 1), double_of(bits + 1) };
		for (size_t i = 0; i < 3; i++) {
			(void)snprintf(json, sizeof json, "%.17e", v[i]);
			assert_int_equal(
			    assay_json_canonical(&got, assay_bytes_of(json), &err), ASSAY_OK);
			assert_true(strtod(got, NULL) == v[i]);
			free(got);
		}
	}
}

static void
test_texts(void **state)
{
	(void)state;
	/* RFC 8785 3.2.2 and 3.2.3. */
	check("{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
	      "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
	      "\"literals\":[null,true,false]}",
	    "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
	    "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	check("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter "
	      "Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\","
	      "\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
	    "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":"
	    "\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
	    "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":"
	    "\"Hebrew Letter Dalet With Dagesh\"}");
	check(" [ ] ", "[]");
	check("{}", "{}");
	check("\"\\b\\t\\n\\f\\r\\u0000\\u001f\\u007f\"", "\"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\"");
	check("{\"aa\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"aa\":1}");
	check("\"a\"", "\"a\"");
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "", "canonical" },
		{ "{\"a\":1,\"a\":1}", "duplicate" },
		{ "{\"a\":1}}", "end of file" },
		{ "1e400", "overflow" },
		{ "\"\\ud800\"", "invalid Unicode" },
		{ "\"\xff\"", "decode byte 0xff" },
		{ "nul", "invalid token" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	char *got = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum assay_code rc =
		    assay_json_canonical(&got, assay_bytes_of(cases[i].json), &err);
		expect_outcome(cases[i].json, rc, &err, ASSAY_E_FORMAT, cases[i].words);
	}
	assert_null(got);
}

/* What is canonical already is not read into a tree. A blank in front makes it so: both say the same, of each
 * text that differs from such a one in a byte, or ends too soon. */
static void
test_own_form(void **state)
{
	static const char *const texts[] = {
		"{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"-_0\"}",
		"{\"a\":{\"\":\"\",\"a\":\"/\"},\"aa\":\"b\"}",
		"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":\"g\"}}}}}}",
		"\"text\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t len = strlen(texts[i]);
		for (size_t at = 0; at < len; at++)
			for (unsigned c = 0; c <= 256; c++) {
				uint8_t text[128] = " ";
				size_t n = c == 256 ? at : len;
				struct assay_error err[2] = { { ASSAY_OK, "" }, { ASSAY_OK, "" } };
				char *got[2] = { NULL, NULL };
				memcpy(text + 1, texts[i], len);
				if (c < 256)
					text[1 + at] = (uint8_t)c;
				enum assay_code own = assay_json_canonical(
				    &got[0], (struct assay_bytes){ text + 1, n }, &err[0]);
				enum assay_code tree = assay_json_canonical(
				    &got[1], (struct assay_bytes){ text, n + 1 }, &err[1]);
				assert_int_equal(own, tree);
				if (own == ASSAY_OK)
					assert_string_equal(got[0], got[1]);
				free(got[0]);
				free(got[1]);
			}
	}
}

static enum assay_code
once(struct assay_bytes in, struct assay_error *err)
{
	char *got = NULL;
	enum assay_code rc = assay_json_canonical(&got, in, err);

	free(got);
	return rc;
}

static void
test_allocations(void **state)
{
	(void)state;
	check_own_allocations(once,
	    assay_bytes_of("{\"b\":[1,2.5,{\"c\":null,\"d\":[true,false]}],\"a\":\"x\\ny\"}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_digests),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_powers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_own_form),
		cmocka_unit_test(test_allocations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
