/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_test.h"

#include <assay/token.h>

#include "core/checks.h"
#include "token/ear.h"

static struct assay_checks *checks;

static int
make_checks(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	return assay_checks_new(&checks, &err) == ASSAY_OK ? 0 : 1;
}

static int
free_checks(void **state)
{
	(void)state;
	assay_checks_free(checks);
	return 0;
}

static void
test_tiers(void **state)
{
	/* tokens.md 2, each border from both sides. */
	static const struct {
		int value;
		enum assay_tier tier;
	} cases[] = {
		{ -128, ASSAY_TIER_CONTRAINDICATED },
		{ -97, ASSAY_TIER_CONTRAINDICATED },
		{ -96, ASSAY_TIER_WARNING },
		{ -33, ASSAY_TIER_WARNING },
		{ -32, ASSAY_TIER_AFFIRMING },
		{ -2, ASSAY_TIER_AFFIRMING },
		{ -1, ASSAY_TIER_NONE },
		{ 0, ASSAY_TIER_NONE },
		{ 1, ASSAY_TIER_NONE },
		{ 2, ASSAY_TIER_AFFIRMING },
		{ 31, ASSAY_TIER_AFFIRMING },
		{ 32, ASSAY_TIER_WARNING },
		{ 95, ASSAY_TIER_WARNING },
		{ 96, ASSAY_TIER_CONTRAINDICATED },
		{ 127, ASSAY_TIER_CONTRAINDICATED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t at = 0; at < ASSAY_TRUST_VECTOR; at++) {
			int8_t vector[ASSAY_TRUST_VECTOR] = { 0 };
			vector[at] = (int8_t)cases[i].value;
			assert_int_equal(assay_trust_vector_tier(vector), cases[i].tier);
		}
	static const int8_t mixed[ASSAY_TRUST_VECTOR] = { 2, 3, 33, 0, 2, 0, 0, 1 };
	assert_int_equal(assay_trust_vector_tier(mixed), ASSAY_TIER_WARNING);
	assert_string_equal(assay_tier_name(ASSAY_TIER_NONE), "none");
	assert_string_equal(assay_tier_name(ASSAY_TIER_AFFIRMING), "affirming");
	assert_string_equal(assay_tier_name(ASSAY_TIER_WARNING), "warning");
	assert_string_equal(assay_tier_name(ASSAY_TIER_CONTRAINDICATED), "contraindicated");
	assert_string_equal(assay_trust_vector_name(0), "instance-identity");
	assert_string_equal(assay_trust_vector_name(7), "sourced-data");
	assert_null(assay_trust_vector_name(8));
}

/* --- the vector from rows ---------------------------------------------------------------- */

static void
expect_vector(const char *name, const int8_t want[ASSAY_TRUST_VECTOR], enum assay_tier tier)
{
	int8_t got[ASSAY_TRUST_VECTOR];

	assay_trust_vector(got, checks);
	for (size_t i = 0; i < ASSAY_TRUST_VECTOR; i++)
		if (got[i] != want[i])
			fail_msg("%s: %s is %d, want %d", name, assay_trust_vector_name(i), got[i],
			    want[i]);
	assert_int_equal(assay_trust_vector_tier(got), tier);
	assay_checks_clear(checks);
}

#define VECTOR(...) ((const int8_t[ASSAY_TRUST_VECTOR]){ __VA_ARGS__ })

static void
test_vector(void **state)
{
	(void)state;
	expect_vector("nothing was checked", VECTOR(0), ASSAY_TIER_NONE);

	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	expect_vector("genuine", VECTOR(0, 0, 0, 0, 2), ASSAY_TIER_AFFIRMING);

	static const struct {
		enum assay_code code;
		int8_t value;
	} codes[] = {
		{ ASSAY_E_SIGNATURE, 99 },
		{ ASSAY_E_FORMAT, 99 },
		{ ASSAY_E_REVOKED, 96 },
		{ ASSAY_E_EXPIRED, 97 },
		{ ASSAY_E_UNSUPPORTED, 97 },
	};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		assay_check_fail(checks, CHECK_SNP_REPORT_SIGNATURE, codes[i].code, "no");
		assay_check_pass(checks, CHECK_SNP_ARK_PINNED, "ok");
		expect_vector(
		    "refused", VECTOR(0, 0, 0, 0, codes[i].value), ASSAY_TIER_CONTRAINDICATED);
	}

	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	assay_check_warn(checks, CHECK_SNP_CRL, "old");
	expect_vector("with a remark", VECTOR(0, 0, 0, 0, 32), ASSAY_TIER_WARNING);

	/* What could not be told affirms nothing, whatever else passed. */
	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	assay_check_pass(checks, CHECK_PLATFORM_LISTED, "ok");
	assay_check_need(checks, CHECK_SNP_CRL, "CRL", "Milan", "missing");
	expect_vector("undetermined", VECTOR(0, 0, 0, 0, 1), ASSAY_TIER_NONE);

	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	assay_check_skip(checks, CHECK_SNP_CRL, "not asked for");
	expect_vector("skipped", VECTOR(0, 0, 0, 0, 2), ASSAY_TIER_AFFIRMING);

	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	assay_check_pass(checks, CHECK_PLATFORM_LISTED, "ok");
	assay_check_pass(checks, CHECK_EVIDENCE_REPORT_DATA, "ok");
	expect_vector("of a known chip", VECTOR(2, 0, 0, 0, 2), ASSAY_TIER_AFFIRMING);

	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	assay_check_fail(checks, CHECK_EVIDENCE_REPORT_DATA, ASSAY_E_POLICY, "another nonce");
	expect_vector("replayed", VECTOR(99, 0, 0, 0, 2), ASSAY_TIER_CONTRAINDICATED);

	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	assay_check_expect(checks, "measurement", false, "another");
	expect_vector("not as expected", VECTOR(0, 96, 0, 0, 2), ASSAY_TIER_CONTRAINDICATED);

	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	assay_check_fail(checks, CHECK_EVENTLOG_REPLAY, ASSAY_E_POLICY, "differs");
	expect_vector("another log", VECTOR(0, 0, 99, 0, 2), ASSAY_TIER_CONTRAINDICATED);
}

/* Whatever the rows: a list that is refused is never affirmed, nor one that is undetermined. */
static void
test_never_better_than_the_verdict(void **state)
{
	int8_t vector[ASSAY_TRUST_VECTOR];

	(void)state;
	for (enum assay_check_id id = (enum assay_check_id)0; id < CHECK_COUNT; id++)
		for (int outcome = 0; outcome < 2; outcome++) {
			assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
			if (outcome == 0)
				assay_check_fail(checks, id, ASSAY_E_POLICY, "no");
			else
				assay_check_need(checks, id, "item", "one", "missing");
			assay_trust_vector(vector, checks);
			assert_int_equal(assay_trust_vector_tier(vector),
			    outcome == 0 ? ASSAY_TIER_CONTRAINDICATED : ASSAY_TIER_NONE);
			assay_checks_clear(checks);
		}
}

/* --- members ----------------------------------------------------------------------------- */

#define NONCE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define ZEROES(hardware)                                                                           \
	"{\"instance-identity\":0,\"configuration\":0,\"executables\":0,\"file-system\":0,"        \
	"\"hardware\":" hardware ",\"runtime-opaque\":0,\"storage-opaque\":0,\"sourced-data\":0}"

static void
expect_members(const struct assay_ear *ear, const char *want)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *got = NULL;

	if (assay_ear_members(&got, ear, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	assert_string_equal(got, want);
	free(got);
}

static void
test_members(void **state)
{
	struct assay_ear ear = { .checks = checks,
		.policies = { "default", "web \"tier\"" },
		.nonce = NONCE,
		.key = "{\"kty\":\"EC\"}",
		.annotated = "{\"tdx\":{}}",
		.submods = ",\"device0\":{}",
		.more = ",\"assay\":{\"a\":1}" };

	(void)state;
	assay_check_pass(checks, CHECK_SNP_REPORT_SIGNATURE, "ok");
	expect_members(&ear,
	    "\"eat_profile\":\"tag:github.com,2023:veraison/ear\",\"ear.verifier-id\":{\"build\":"
	    "\"assay " ASSAY_VERSION "\",\"developer\":\"Assay\"},\"eat_nonce\":\"" NONCE
	    "\",\"cnf\":{\"jwk\":{\"kty\":\"EC\"}},\"submods\":{\"cpu0\":{\"ear.status\":"
	    "\"affirming\",\"ear.trustworthiness-vector\":" ZEROES(
		"2") ",\"ear.appraisal-policy-id\":\"default,web \\\"tier\\\"\","
		     "\"ear.veraison.annotated-evidence\":{\"tdx\":{}}},\"device0\":{}},\"assay\":{"
		     "\"a\":1}");
	ear.profile = ASSAY_EAR_IETF;
	expect_members(&ear,
	    "\"eat_profile\":\"tag:ietf.org,2026:rats/ear#03\",\"ear_verifier_id\":{\"build\":"
	    "\"assay " ASSAY_VERSION "\",\"developer\":\"Assay\"},\"eat_nonce\":\"" NONCE
	    "\",\"cnf\":{\"jwk\":{\"kty\":\"EC\"}},\"submods\":{\"cpu0\":{\"ear_status\":"
	    "\"affirming\",\"ear_trustworthiness_vector\":" ZEROES(
		"2") ",\"ear_appraisal_policy_ids\":[\"default\",\"web \\\"tier\\\"\"],"
		     "\"ear_veraison_annotated_evidence\":{\"tdx\":{}}},\"device0\":{}},\"assay\":{"
		     "\"a\":1}");
	assay_checks_clear(checks);
	assay_check_fail(checks, CHECK_SNP_REPORT_SIGNATURE, ASSAY_E_SIGNATURE, "no");
	ear = (struct assay_ear){ .checks = checks };
	expect_members(&ear,
	    "\"eat_profile\":\"tag:github.com,2023:veraison/ear\",\"ear.verifier-id\":{\"build\":"
	    "\"assay " ASSAY_VERSION "\",\"developer\":\"Assay\"},\"submods\":{\"cpu0\":{"
	    "\"ear.status\":\"contraindicated\",\"ear.trustworthiness-vector\":" ZEROES("99") "}}");
	assay_checks_clear(checks);
}

static void
test_member_refusals(void **state)
{
	static const struct {
		const char *name, *nonce, *key;
		enum assay_ear_profile profile;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "short nonce", "1234567", NULL, ASSAY_EAR_DEPLOYED, ASSAY_E_USAGE,
		    "a nonce of 7 characters" },
		{ "profile", NULL, NULL, (enum assay_ear_profile)2, ASSAY_E_USAGE, "no profile 2" },
		{ "no key", NULL, "[]", ASSAY_EAR_DEPLOYED, ASSAY_E_FORMAT, "no JSON object" },
		{ "two objects", NULL, "{}},\"iss\":\"x\",\"y\":{{}", ASSAY_EAR_DEPLOYED,
		    ASSAY_E_FORMAT, "no JSON" },
		{ "a name twice", NULL, "{\"kty\":\"EC\",\"kty\":\"RSA\"}", ASSAY_EAR_DEPLOYED,
		    ASSAY_E_FORMAT, "duplicate" },
		{ "private", NULL, "{\"kty\":\"EC\",\"d\":\"AA\"}", ASSAY_EAR_DEPLOYED,
		    ASSAY_E_FORMAT, "public keys only" },
		{ "secret", NULL, "{\"kty\":\"oct\",\"k\":\"AA\"}", ASSAY_EAR_DEPLOYED,
		    ASSAY_E_FORMAT, "public keys only" },
	};
	struct assay_error err = { ASSAY_OK, "" };
	char *got = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_ear ear = { .checks = checks,
			.profile = cases[i].profile,
			.nonce = cases[i].nonce,
			.key = cases[i].key };
		enum assay_code rc = assay_ear_members(&got, &ear, &err);
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
	}
	assert_null(got);
}

static void
test_sign(void **state)
{
	static const struct assay_ear_frame good = { .issuer = "a \"b\"",
		.audience = "c",
		.id = "d",
		.issued = 1700000000,
		.expires = 1700000300 };
	struct assay_jwk *key = made("ES256");
	struct assay_jwks *keys = set_of(key);
	struct assay_error err = { ASSAY_OK, "" };
	char *token = NULL;
	uint8_t *payload = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(assay_ear_sign(&token, &good, "\"x\":1", key, &err), ASSAY_OK);
	assert_int_equal(
	    assay_jws_verify(&payload, &len, NULL, keys, "JWT", assay_bytes_of(token), &err),
	    ASSAY_OK);
	static const char want[] = "{\"iss\":\"a \\\"b\\\"\",\"aud\":\"c\",\"iat\":1700000000,"
				   "\"nbf\":1700000000,\"exp\":1700000300,\"jti\":\"d\",\"x\":1}";
	assert_int_equal(len, sizeof want - 1);
	assert_memory_equal(payload, want, len);
	free(payload);
	free(token);

	struct assay_ear_frame bad[] = { good, good, good };
	bad[0].issuer = NULL;
	bad[1].id = NULL;
	bad[2].expires = bad[2].issued;
	for (size_t i = 0; i < 3; i++) {
		enum assay_code rc = assay_ear_sign(&token, &bad[i], "\"x\":1", key, &err);
		expect_outcome("frame", rc, &err, ASSAY_E_USAGE, "must name its issuer");
	}
	assay_jwks_free(keys);
	assay_jwk_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_never_better_than_the_verdict),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_member_refusals),
		cmocka_unit_test(test_sign),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_checks, free_checks);
}
