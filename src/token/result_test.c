/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_test.h"

#include <assay/token.h>

#define FRAME                                                                                      \
	"\"iss\":\"a\",\"aud\":\"b\",\"jti\":\"c\",\"iat\":1700000000,\"nbf\":1700000010,"         \
	"\"exp\":1700000300,\"eat_nonce\":\"AAECAwQFBgc\","
#define DEPLOYED                                                                                   \
	"\"eat_profile\":\"tag:github.com,2023:veraison/ear\",\"ear.verifier-id\":{\"developer\":" \
	"\"d\",\"build\":\"e\"},"
#define PART(status, hardware)                                                                     \
	"{\"ear.status\":" status ",\"ear.trustworthiness-vector\":{\"hardware\":" hardware "},"   \
	"\"ear.appraisal-policy-id\":\"p\"}"
static const char good[] =
    "{" FRAME DEPLOYED "\"submods\":{\"cpu0\":" PART("\"affirming\"", "2") "}}";
static const char ietf[] =
    "{" FRAME
    "\"eat_profile\":\"tag:ietf.org,2026:rats/ear#03\",\"ear_verifier_id\":{\"developer\":"
    "\"d\",\"build\":\"e\"},\"submods\":{\"cpu0\":{\"ear_status\":\"affirming\","
    "\"ear_trustworthiness_vector\":{\"executables\":3,\"hardware\":2},"
    "\"ear_appraisal_policy_ids\":[\"p\",\"q\"]},\"gpu0\":{\"ear_status\":2}}}";

static struct assay_result *
result_of(const char *json)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_result *r = NULL;

	if (assay_result_parse(&r, assay_bytes_of(json), &err) != ASSAY_OK)
		fail_msg("%s: %s", json, err.text);
	return r;
}

static void
test_members(void **state)
{
	struct assay_result *r = result_of(good);

	(void)state;
	assert_int_equal(r->profile, ASSAY_EAR_DEPLOYED);
	assert_string_equal(r->profile_text, "tag:github.com,2023:veraison/ear");
	assert_string_equal(r->issuer, "a");
	assert_string_equal(r->audience, "b");
	assert_string_equal(r->id, "c");
	assert_string_equal(r->nonce, "AAECAwQFBgc");
	assert_string_equal(r->developer, "d");
	assert_string_equal(r->build, "e");
	assert_true(r->has_issued && r->has_not_before && r->has_expires);
	assert_int_equal(r->issued, 1700000000);
	assert_int_equal(r->not_before, 1700000010);
	assert_int_equal(r->expires, 1700000300);
	assert_int_equal(r->part_count, 1);
	assert_string_equal(r->parts[0].name, "cpu0");
	assert_string_equal(r->parts[0].policies, "p");
	assert_int_equal(r->parts[0].status, ASSAY_TIER_AFFIRMING);
	assert_int_equal(r->parts[0].vector[4], 2);
	assay_result_free(r);

	r = result_of(ietf);
	assert_int_equal(r->profile, ASSAY_EAR_IETF);
	assert_int_equal(r->part_count, 2);
	assert_string_equal(r->parts[0].policies, "p,q");
	assert_int_equal(r->parts[0].vector[2], 3);
	assert_string_equal(r->parts[1].name, "gpu0");
	char *newer = replaced(ietf, "ear#03", "ear#04");
	struct assay_result *next = result_of(newer);
	assert_int_equal(next->profile, ASSAY_EAR_IETF);
	assert_int_equal(next->part_count, 2);
	assay_result_free(next);
	free(newer);
	assert_string_equal(r->parts[1].policies, "");
	assert_int_equal(r->parts[1].status, ASSAY_TIER_AFFIRMING);
	assay_result_free(r);
}

static enum assay_code
once(struct assay_bytes in, struct assay_error *err)
{
	struct assay_result *r = NULL;
	enum assay_code rc = assay_result_parse(&r, in, err);

	assay_result_free(r);
	return rc;
}

static void
test_refusals(void **state)
{
	static const struct json_case cases[] = {
		{ "as it is", NULL, NULL, ASSAY_OK, "" },
		{ "Trustee's profile", "2023:veraison/ear", "2024:confidential-containers/Trustee",
		    ASSAY_OK, "" },
		{ "another profile", "2023:veraison", "2099:veraison", ASSAY_E_UNSUPPORTED,
		    "no profile of attestation results" },
		{ "no profile", "eat_profile", "EAT_profile", ASSAY_E_UNSUPPORTED, "is \"\"" },
		{ "profile a number", "\"tag:github.com,2023:veraison/ear\"", "1", ASSAY_E_FORMAT,
		    "\"eat_profile\" is no text" },
		{ "names of the other family", "2023:veraison/ear", "2023:veraison/ear\",\"x\":\"",
		    ASSAY_OK, "" },
		{ "no verifier", "ear.verifier-id", "ear_verifier_id", ASSAY_E_FORMAT,
		    "has no \"ear.verifier-id\"" },
		{ "status of the other family", "ear.status", "ear_status", ASSAY_E_FORMAT,
		    "the status of \"cpu0\" is none of" },
		{ "status", "\"affirming\"", "\"fine\"", ASSAY_E_FORMAT, "is none of none" },
		{ "status a number", "\"affirming\"", "2", ASSAY_OK, "" },
		{ "status another number", "\"affirming\"", "3", ASSAY_E_FORMAT,
		    "is none of none" },
		{ "status true", "\"affirming\"", "true", ASSAY_E_FORMAT, "is none of none" },
		{ "better than warning", "\"hardware\":2", "\"hardware\":32", ASSAY_E_FORMAT,
		    "is affirming, which is better than its own trust vector: warning" },
		{ "better than contraindicated", "\"hardware\":2", "\"hardware\":-128",
		    ASSAY_E_FORMAT, "better than its own trust vector: contraindicated" },
		{ "warning, better", "\"affirming\",\"ear.trustworthiness-vector\":{\"hardware\":2",
		    "\"warning\",\"ear.trustworthiness-vector\":{\"hardware\":96", ASSAY_E_FORMAT,
		    "is warning, which is better" },
		{ "worse than its vector", "\"affirming\"", "\"contraindicated\"", ASSAY_OK, "" },
		{ "none", "\"affirming\"", "\"none\"", ASSAY_OK, "" },
		{ "vector too large", "\"hardware\":2", "\"hardware\":128", ASSAY_E_FORMAT,
		    "\"hardware\" in a trust vector" },
		{ "vector too small", "\"hardware\":2", "\"hardware\":-129", ASSAY_E_FORMAT,
		    "\"hardware\" in a trust vector" },
		{ "vector with a fraction", "\"hardware\":2", "\"hardware\":2.0", ASSAY_E_FORMAT,
		    "\"hardware\" in a trust vector" },
		{ "unknown claim", "\"hardware\"", "\"software\"", ASSAY_E_FORMAT,
		    "\"software\" in a trust vector" },
		{ "vector a list", "{\"hardware\":2}", "[2]", ASSAY_E_FORMAT, "is no object" },
		{ "no parts", "\"cpu0\":" PART("\"affirming\"", "2"), "", ASSAY_E_FORMAT,
		    "\"submods\" must be an object of 1 to 64" },
		{ "parts missing", "submods", "Submods", ASSAY_E_FORMAT, "is missing" },
		{ "nested token", PART("\"affirming\"", "2"), "\"eyJ\"", ASSAY_E_UNSUPPORTED,
		    "tokens inside tokens" },
		{ "a name twice", "\"iss\"", "\"iss\":\"x\",\"iss\"", ASSAY_E_FORMAT, "duplicate" },
		{ "issuer", "\"iss\":\"a\"", "\"iss\":[\"a\"]", ASSAY_E_FORMAT,
		    "\"iss\" is no text" },
		{ "nonces", "\"AAECAwQFBgc\"", "[\"AAECAwQFBgc\",1]", ASSAY_E_FORMAT,
		    "an element of \"eat_nonce\" is no text" },
		{ "nonce a number", "\"AAECAwQFBgc\"", "1", ASSAY_E_FORMAT,
		    "\"eat_nonce\" is no text" },
		{ "audiences", "\"aud\":\"b\"", "\"aud\":[\"b\",[]]", ASSAY_E_FORMAT,
		    "an element of \"aud\" is no text" },
		{ "audience a number", "\"aud\":\"b\"", "\"aud\":1", ASSAY_E_FORMAT,
		    "\"aud\" is no text" },
		{ "exp text", "1700000300", "\"1700000300\"", ASSAY_E_FORMAT,
		    "\"exp\" is no time" },
		{ "exp negative", "1700000300", "-1", ASSAY_E_FORMAT, "\"exp\" is no time" },
		{ "exp huge", "1700000300", "1e300", ASSAY_E_FORMAT, "\"exp\" is no time" },
		{ "exp with a fraction", "1700000300", "1700000300.5", ASSAY_OK, "" },
		{ "policy", "\"p\"", "[1]", ASSAY_E_FORMAT,
		    "an element of \"ear.appraisal-policy-id\" is no text" },
	};

	(void)state;
	check_json_cases(once, good, cases, sizeof cases / sizeof *cases);
	damage_some(once, assay_bytes_of(good), 1);
	damage_some(once, assay_bytes_of(ietf), 3);
	check_own_allocations(once, assay_bytes_of(ietf));
	char *several = replaced(ietf, "\"aud\":\"b\"", "\"aud\":[\"b\",\"d\"]");
	check_own_allocations(once, assay_bytes_of(several));
	free(several);
}

/* What may be one or several (RFC 7519, 4.1.3; RFC 9711, 4.1), and how the several are shown. */
static void
test_lists(void **state)
{
	static const struct {
		const char *name, *from, *to, *audience, *nonce;
	} cases[] = {
		{ "one each", "", "", "b", "AAECAwQFBgc" },
		{ "audiences", "\"aud\":\"b\"", "\"aud\":[\"b\",\"d\"]", "b,d", "AAECAwQFBgc" },
		{ "audience in a list", "\"aud\":\"b\"", "\"aud\":[\"b\"]", "b", "AAECAwQFBgc" },
		{ "no audience", "\"aud\":\"b\"", "\"aud\":[]", "", "AAECAwQFBgc" },
		{ "nonces", "\"AAECAwQFBgc\"", "[\"x\",\"AAECAwQFBgc\"]", "b", "x,AAECAwQFBgc" },
		{ "no nonce but the part's", "\"eat_nonce\":\"AAECAwQFBgc\",\"eat_profile\"",
		    "\"eat_nonce\":[],\"eat_profile\"", "b", "y,z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *json = replaced(good, cases[i].from, cases[i].to);
		char *with =
		    replaced(json, "\"ear.status\"", "\"eat_nonce\":[\"y\",\"z\"],\"ear.status\"");
		struct assay_result *r = result_of(with);
		assert_string_equal(r->audience, cases[i].audience);
		assert_string_equal(r->nonce, cases[i].nonce);
		assay_result_free(r);
		free(with);
		free(json);
	}
}

/* The status of the token as a whole, which in the IETF's draft may stand beside its parts'. */
static void
test_own_status(void **state)
{
	static const struct {
		const char *name, *json, *from, *to;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "affirming", ietf, "\"submods\"", "\"ear_status\":\"affirming\",\"submods\"",
		    ASSAY_OK, "" },
		{ "a number", ietf, "\"submods\"", "\"ear_status\":2,\"submods\"", ASSAY_OK, "" },
		{ "contraindicated", ietf, "\"submods\"",
		    "\"ear_status\":\"contraindicated\",\"submods\"", ASSAY_E_POLICY,
		    "the status of the token itself is contraindicated" },
		{ "warning", ietf, "\"submods\"", "\"ear_status\":32,\"submods\"", ASSAY_E_POLICY,
		    "the status of the token itself is warning" },
		{ "none", ietf, "\"submods\"", "\"ear_status\":\"none\",\"submods\"",
		    ASSAY_E_INCOMPLETE, "could not tell" },
		{ "none, over a part that is worse", ietf, "\"submods\":{",
		    "\"ear_status\":0,\"submods\":{\"x\":{\"ear_status\":32},", ASSAY_E_POLICY,
		    "the status of \"x\" is warning" },
		{ "better than the first part", ietf, "\"submods\":{",
		    "\"ear_status\":2,\"submods\":{\"x\":{\"ear_status\":32},", ASSAY_E_FORMAT,
		    "the token itself is affirming, which is better than that of its part \"x\": "
		    "warning" },
		{ "better than the last part", ietf, "\"ear_status\":2}}}",
		    "\"ear_status\":96}},\"ear_status\":32}", ASSAY_E_FORMAT,
		    "is warning, which is better than that of its part \"gpu0\": contraindicated" },
		{ "another word", ietf, "\"submods\"", "\"ear_status\":\"fine\",\"submods\"",
		    ASSAY_E_FORMAT, "the status of the token itself is none of none, affirming" },
		{ "null", ietf, "\"submods\"", "\"ear_status\":null,\"submods\"", ASSAY_E_FORMAT,
		    "the status of the token itself is none of" },
		{ "deployed names", good, "\"submods\"",
		    "\"ear.status\":\"contraindicated\",\"submods\"", ASSAY_E_POLICY,
		    "the status of the token itself is contraindicated" },
		{ "deployed names, better", good, "\"submods\":{",
		    "\"ear.status\":2,\"submods\":{\"x\":{\"ear.status\":96},", ASSAY_E_FORMAT,
		    "better than that of its part \"x\"" },
	};
	static const struct assay_bytes none = { NULL, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_result *r = NULL;
		char *json = replaced(cases[i].json, cases[i].from, cases[i].to);
		enum assay_code rc = assay_result_parse(&r, assay_bytes_of(json), &err);
		if (rc == ASSAY_OK) {
			assert_true(r->has_status);
			rc = assay_result_check(r, 1700000100, none, &err);
		}
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
		assay_result_free(r);
		free(json);
	}
	struct assay_result *without = result_of(ietf);
	assert_false(without->has_status);
	assay_result_free(without);
}

static void
test_check(void **state)
{
	static const uint8_t challenge[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	static const struct {
		const char *name, *from, *to;
		int64_t now;
		size_t nonce; /* bytes of the challenge that are asked for */
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "good", "", "", 1700000100, 8, ASSAY_OK, "" },
		{ "any nonce", "", "", 1700000100, 0, ASSAY_OK, "" },
		{ "another nonce", "", "", 1700000100, 7, ASSAY_E_POLICY, "for another request" },
		{ "hex", "AAECAwQFBgc", "0001020304050607", 1700000100, 8, ASSAY_OK, "" },
		{ "base64", "AAECAwQFBgc", "AAECAwQFBgc=", 1700000100, 8, ASSAY_OK, "" },
		{ "no nonce", "eat_nonce", "EAT_nonce", 1700000100, 8, ASSAY_E_POLICY, "is \"\"" },
		{ "in the part", "\"AAECAwQFBgc\",", "\"\",", 1700000100, 8, ASSAY_E_POLICY,
		    "\"\"" },
		{ "first of several", "\"AAECAwQFBgc\"", "[\"AAECAwQFBgc\",\"x\"]", 1700000100, 8,
		    ASSAY_OK, "" },
		{ "last of several", "\"AAECAwQFBgc\"", "[\"x\",\"0001020304050607\"]", 1700000100,
		    8, ASSAY_OK, "" },
		{ "none of several", "\"AAECAwQFBgc\"", "[\"x\",\"y\"]", 1700000100, 8,
		    ASSAY_E_POLICY, "is \"x,y\", which is not the nonce" },
		{ "none at all", "\"AAECAwQFBgc\"", "[]", 1700000100, 8, ASSAY_E_POLICY,
		    "is \"\"" },
		{ "last second", "", "", 1700000299, 8, ASSAY_OK, "" },
		{ "expired", "", "", 1700000300, 8, ASSAY_E_EXPIRED,
		    "expired at 2023-11-14T22:18:20Z" },
		{ "a minute early", "", "", 1699999950, 8, ASSAY_OK, "" },
		{ "from the future", "", "", 1699999949, 8, ASSAY_E_EXPIRED,
		    "holds from 2023-11-14T22:13:30Z" },
		{ "issued in the future", "\"nbf\"", "\"x\"", 1699999939, 8, ASSAY_E_EXPIRED,
		    "holds from 2023-11-14T22:13:20Z" },
		{ "endless", "\"exp\"", "\"x\"", 1700000100, 8, ASSAY_E_INCOMPLETE,
		    "has no \"exp\"" },
		{ "warning", "\"affirming\"", "\"warning\"", 1700000100, 8, ASSAY_E_POLICY,
		    "the status of \"cpu0\" is warning" },
		{ "contraindicated", "\"affirming\"", "96", 1700000100, 8, ASSAY_E_POLICY,
		    "is contraindicated" },
		{ "none", "\"affirming\"", "\"none\"", 1700000100, 8, ASSAY_E_INCOMPLETE,
		    "could not tell" },
		{ "expired before all", "\"affirming\"", "\"none\"", 1700000300, 0, ASSAY_E_EXPIRED,
		    "expired" },
		{ "one of two", "{\"cpu0\"", "{\"gpu0\":{\"ear.status\":\"warning\"},\"cpu0\"",
		    1700000100, 8, ASSAY_E_POLICY, "the status of \"gpu0\" is warning" },
		{ "none and warning", "{\"cpu0\"",
		    "{\"a\":{\"ear.status\":0},\"b\":{\"ear.status\":32},\"cpu0\"", 1700000100, 8,
		    ASSAY_E_POLICY, "the status of \"b\" is warning" },
	};
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *json =
		    replaced(good, cases[i].from != NULL ? cases[i].from : "", cases[i].to);
		struct assay_result *r = result_of(json);
		enum assay_code rc = assay_result_check(
		    r, cases[i].now, (struct assay_bytes){ challenge, cases[i].nonce }, &err);
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
		assay_result_free(r);
		free(json);
	}
}

/* Claim sets of other libraries. */
static void
test_captures(void **state)
{
	static const struct {
		const char *path;
		int8_t executables;
	} cases[] = {
		{ "coco/token/ear/ear-claims.json", 0 },
		{ "coco/token/ear/ear-claims-tv-ok.json", 3 },
		{ "coco/token/ear/rust-ear-claims.json", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_result *r = NULL;
		struct assay_bytes in = vectors_read(cases[i].path);
		if (in.ptr == NULL) {
			print_message("# no captures: the claims of others were not read\n");
			return;
		}
		assert_int_equal(assay_result_parse(&r, in, &err), ASSAY_OK);
		assert_string_equal(r->developer, "Acme Inc.");
		assert_int_equal(r->issued, 1666091373);
		assert_int_equal(r->part_count, 1);
		assert_int_equal(r->parts[0].status, ASSAY_TIER_AFFIRMING);
		assert_int_equal(r->parts[0].vector[2], cases[i].executables);
		enum assay_code rc =
		    assay_result_check(r, 1666091373, (struct assay_bytes){ NULL, 0 }, &err);
		expect_outcome(cases[i].path, rc, &err, ASSAY_E_INCOMPLETE, "has no \"exp\"");
		assay_result_free(r);
		vectors_free(in);
	}
}

/* A whole token of Trustee's. */
static void
test_trustee(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_result *r = NULL;
	struct assay_bytes in = vectors_read("coco/evidence/sgx/example.token.json");

	(void)state;
	if (in.ptr == NULL) {
		print_message("# no captures: Trustee's token was not read\n");
		return;
	}
	enum assay_code rc = assay_result_parse(&r, in, &err);
	if (rc != ASSAY_OK)
		print_message("# %s\n", err.text);
	assert_int_equal(rc, ASSAY_OK);
	assert_string_equal(r->parts[0].name, "cpu0");
	assay_result_free(r);
	vectors_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_own_status),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_trustee),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
