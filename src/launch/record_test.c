/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/launch_test.h"

static struct assay_jwk *owner;
static char *texts[4]; /* by stage */

static int
set_up(void **state)
{
	struct assay_launch_session s;
	struct platform p;

	(void)state;
	owner = made("ES256");
	platform_make(&p);
	struct assay_launch *l = launch_begin(&s, &p);
	texts[ASSAY_LAUNCH_SESSION] = written(l, owner);
	launch_check(l, &s);
	texts[ASSAY_LAUNCH_CHECKED] = written(l, owner);
	launch_finish(l, &s);
	texts[ASSAY_LAUNCH_COMPLETE] = written(l, owner);
	assay_launch_free(l);
	assay_pair_clear(&p.pdh);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		free(texts[i]);
	assay_jwk_free(owner);
	return 0;
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct assay_launch *l = NULL;
	enum assay_code rc = assay_launch_parse(&l, in, NULL, err);

	assert_true((rc == ASSAY_OK) == (l != NULL));
	assay_launch_free(l);
	return rc;
}

static struct assay_launch *
read_stage(enum assay_launch_stage stage, const struct assay_jwks *signers)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_launch *l = NULL;

	if (assay_launch_parse(&l, assay_bytes_of(texts[stage]), signers, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return l;
}

static void
test_stages(void **state)
{
	(void)state;
	for (enum assay_launch_stage i = ASSAY_LAUNCH_SESSION; i <= ASSAY_LAUNCH_COMPLETE; i++) {
		struct assay_launch *l = read_stage(i, NULL);
		assert_int_equal(assay_launch_stage(l), i);
		assert_string_equal(assay_launch_name(l), "web-1");
		assert_string_equal(assay_launch_tee(l), "sev-es");
		assert_int_equal(assay_launch_policy(l), POLICY);
		assert_int_equal(assay_launch_created(l), 1795170000);
		assert_int_equal(
		    assay_launch_cert(l, ASSAY_LAUNCH_PEK).len, ASSAY_SEV_CERTIFICATE_SIZE);
		assert_int_equal(assay_launch_cert(l, ASSAY_LAUNCH_ASK).len, 0);
		assert_int_equal(assay_launch_digest(l).len, i >= ASSAY_LAUNCH_CHECKED ? 32 : 0);
		assert_int_equal(assay_launch_measure(l).len, i >= ASSAY_LAUNCH_CHECKED ? 32 : 0);
		assert_int_equal(assay_launch_mnonce(l).len, i >= ASSAY_LAUNCH_CHECKED ? 16 : 0);
		assert_int_equal(assay_launch_api(l).minor, i >= ASSAY_LAUNCH_CHECKED ? 55 : 0);
		assert_int_equal(assay_launch_key(l).len, i >= ASSAY_LAUNCH_COMPLETE ? 91 : 0);
		assert_true(
		    (assay_launch_secret_guid(l, 0) != NULL) == (i >= ASSAY_LAUNCH_COMPLETE));
		assert_false(assay_launch_trusted(l));
		assay_launch_free(l);
	}
}

/* What was written is what was read, byte by byte but for the signature, which has chance in it. */
static void
test_written_again(void **state)
{
	(void)state;
	for (enum assay_launch_stage i = ASSAY_LAUNCH_SESSION; i <= ASSAY_LAUNCH_COMPLETE; i++) {
		struct assay_launch *l = read_stage(i, NULL);
		char *again = written(l, owner);
		size_t same = (size_t)(strstr(again, ",\"signature\":") - again);
		assert_memory_equal(again, texts[i], same);
		free(again);
		assay_launch_free(l);
	}
}

static void
test_signers(void **state)
{
	struct assay_jwk *stranger = made("EdDSA");
	struct assay_jwks *own = set_of(owner), *other = set_of(stranger);
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_launch *l = read_stage(ASSAY_LAUNCH_COMPLETE, own);
	uint8_t a[ASSAY_THUMBPRINT_SIZE], b[ASSAY_THUMBPRINT_SIZE];

	(void)state;
	assert_true(assay_launch_trusted(l));
	assay_jwk_thumbprint(a, assay_launch_signed_by(l));
	assay_jwk_thumbprint(b, owner);
	assert_memory_equal(a, b, sizeof a);
	struct assay_launch *none = NULL;
	expect_outcome("of another signer",
	    assay_launch_parse(&none, assay_bytes_of(texts[ASSAY_LAUNCH_COMPLETE]), other, &err),
	    &err, ASSAY_E_SIGNATURE, "which is none of the 1 whose records are taken");
	/* Signed anew by a stranger, it is whole, and his. */
	char *text = written(l, stranger);
	assert_int_equal(parse(assay_bytes_of(text), &err), ASSAY_OK);
	expect_outcome("signed anew", assay_launch_parse(&none, assay_bytes_of(text), own, &err),
	    &err, ASSAY_E_SIGNATURE, "whose records are taken");
	assert_null(none);
	free(text);
	assay_launch_free(l);
	assay_jwks_free(own);
	assay_jwks_free(other);
	assay_jwk_free(stranger);
}

/* Every member counts: another one does not go under the signature. */
static void
test_edited(void **state)
{
	static const char altered[] = "its signature does not hold under the key that it names";
	static const struct json_case cases[] = {
		{ "whole", NULL, NULL, ASSAY_OK, "" },
		{ "name", "\"web-1\"", "\"web-2\"", ASSAY_E_SIGNATURE, altered },
		{ "policy", "\"policy\":671154191", "\"policy\":671154183", ASSAY_E_SIGNATURE,
		    altered },
		{ "created", "1795170000", "1795170001", ASSAY_E_SIGNATURE, altered },
		{ "build", "\"build\":24", "\"build\":25", ASSAY_E_SIGNATURE, altered },
		{ "digest", "\"digest\":\"11", "\"digest\":\"12", ASSAY_E_SIGNATURE, altered },
		{ "mnonce", "\"mnonce\":\"01", "\"mnonce\":\"02", ASSAY_E_SIGNATURE, altered },
		{ "secrets", "1f4b7c6e0a35", "1f4b7c6e0a36", ASSAY_E_SIGNATURE, altered },
		{ "typ", "..", "..A", ASSAY_E_SIGNATURE, altered },
	};

	(void)state;
	check_json_cases(parse, texts[ASSAY_LAUNCH_COMPLETE], cases, sizeof cases / sizeof *cases);
}

static void
test_session_edited(void **state)
{
	static const struct json_case cases[] = {
		{ "a stage ahead", "\"stage\":\"session\"", "\"stage\":\"checked\"", ASSAY_E_FORMAT,
		    "launch record: has no object \"api\"" },
		{ "no keys", "\"keys\":", "\"kees\":", ASSAY_E_FORMAT, "has no object \"keys\"" },
		{ "half a key", "\"tik\":\"", "\"tik\":\"00", ASSAY_E_FORMAT, "keys: \"tik\" is" },
		{ "a third key", "\"keys\":{", "\"keys\":{\"tuk\":1,", ASSAY_E_UNSUPPORTED,
		    "launch record: keys: has 3 members" },
	};

	(void)state;
	check_json_cases(parse, texts[ASSAY_LAUNCH_SESSION], cases, sizeof cases / sizeof *cases);
}

/* Members that are not what they should be are called that before the signature is. */
static void
test_members(void **state)
{
	static const struct json_case cases[] = {
		{ "no object", "{\"launch\"", "[{\"launch\"", ASSAY_E_FORMAT,
		    "launch record: is no JSON" },
		{ "no launch", "\"launch\"", "\"lunch\"", ASSAY_E_FORMAT,
		    "has no object \"launch\"" },
		{ "no signature", "\"signature\":\"", "\"signature\":7,\"x\":\"", ASSAY_E_FORMAT,
		    "has no text \"signature\"" },
		{ "one more beside", "\"signature\":", "\"more\":7,\"signature\":",
		    ASSAY_E_UNSUPPORTED, "has 3 members, and 2 of them make sense" },
		{ "one more within", "\"policy\":", "\"more\":7,\"policy\":", ASSAY_E_UNSUPPORTED,
		    "has 15 members, and 14 of them make sense" },
		{ "one more in the chain", "\"cek\":", "\"more\":7,\"cek\":", ASSAY_E_UNSUPPORTED,
		    "launch record: chain: has 5 members" },
		{ "newer", "\"version\":1", "\"version\":2", ASSAY_E_UNSUPPORTED,
		    "version is 2, and 1 is read here" },
		{ "no version", "\"version\":1", "\"version\":\"1\"", ASSAY_E_FORMAT,
		    "\"version\" is no whole number" },
		{ "a path", "\"web-1\"", "\"../web\"", ASSAY_E_FORMAT, "name is \"../web\"" },
		{ "no name", "\"web-1\"", "\"\"", ASSAY_E_FORMAT, "name is \"\"" },
		{ "hidden", "\"web-1\"", "\".web\"", ASSAY_E_FORMAT, "name is \".web\"" },
		{ "policy and tee", "\"policy\":671154191", "\"policy\":671154187", ASSAY_E_FORMAT,
		    "tee is \"sev-es\", and its policy 0x2801000b is of sev" },
		{ "policy too large", "\"policy\":671154191", "\"policy\":4294967296",
		    ASSAY_E_FORMAT, "whole number from 0 to 4294967295" },
		{ "policy broken", "\"policy\":671154191", "\"policy\":671154191.0", ASSAY_E_FORMAT,
		    "\"policy\" is no whole number" },
		{ "stage", "\"complete\"", "\"done\"", ASSAY_E_FORMAT, "stage is \"done\"" },
		{ "a stage back", "\"complete\"", "\"checked\"", ASSAY_E_FORMAT,
		    "has no object \"keys\"" },
		{ "created", "1795170000", "-1", ASSAY_E_FORMAT, "\"created\" is no whole" },
		{ "minor", "\"minor\":55", "\"minor\":256", ASSAY_E_FORMAT,
		    "api: \"minor\" is no whole number from 0 to 255" },
		{ "digest", "\"digest\":\"11", "\"digest\":\"1", ASSAY_E_FORMAT,
		    "must be 64 hex digits" },
		{ "guid", "1f4b7c6e0a35", "1f4b7c6e0a3", ASSAY_E_FORMAT, "secret 0 is no GUID" },
		{ "no secrets", "\"secrets\":[\"c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35\"]",
		    "\"secrets\":[]", ASSAY_E_FORMAT, "is no array of 1 to 64" },
		{ "key", "\"key\":\"MFkw", "\"key\":\"AFkw", ASSAY_E_FORMAT,
		    "is no SubjectPublicKeyInfo" },
		{ "key cut", "\"key\":\"MFkw", "\"key\":\"MFk", ASSAY_E_FORMAT,
		    "\"key\" is no base64" },
		{ "another use", "\"oca\":\"AQAAAAAAAAABEAAA", "\"oca\":\"AQAAAAAAAAACEAAA",
		    ASSAY_E_FORMAT, "\"oca\" is no certificate of that use" },
		{ "signer", "\"signer\":{", "\"signer\":{\"d\":\"AAAA\",", ASSAY_E_FORMAT, "key:" },
		{ "no JWS", "..", ".", ASSAY_E_FORMAT, "must be a JWS without its payload" },
	};

	(void)state;
	check_json_cases(parse, texts[ASSAY_LAUNCH_COMPLETE], cases, sizeof cases / sizeof *cases);
}

/* A record that carries its owner's private key is not believed, and says what has happened. */
static void
test_private_signer(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	char *text = replaced(texts[ASSAY_LAUNCH_SESSION], "\"signer\":{", "\"was\":{");
	char *bad = replaced(text, "},\"stage\"",
	    "},\"signer\":{\"alg\":\"ECDH-ES+A256KW\"," KAT_POINT ",\"d\":\"" KAT_D
	    "\"},\"stage\"");
	expect_outcome("private", parse(assay_bytes_of(bad), &err), &err, ASSAY_E_FORMAT,
	    "\"signer\" is a private key");
	free(text);
	free(bad);
}

static void
test_truncations(void **state)
{
	const char *good = texts[ASSAY_LAUNCH_SESSION];
	struct assay_error err = { ASSAY_OK, "" };
	size_t n = strlen(good) - 1; /* without the line feed */

	(void)state;
	for (size_t cut = 0; cut < n; cut += cut < 64 || cut > n - 512 ? 1 : 97) {
		err.text[0] = '\0';
		assert_int_not_equal(
		    parse((struct assay_bytes){ (const uint8_t *)good, cut }, &err), ASSAY_OK);
		assert_true(err.text[0] != '\0');
	}
}

/* No bit of it can be another but the case of hex digits, which mean the same and are signed. */
static void
test_flips(void **state)
{
	const char *good = texts[ASSAY_LAUNCH_COMPLETE];
	struct assay_error err = { ASSAY_OK, "" };
	size_t n = strlen(good) - 1;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	memcpy(text, good, n);
	for (size_t bit = 0; bit < 8 * n; bit += 331) {
		text[bit / 8] ^= (char)(1 << bit % 8);
		if (parse((struct assay_bytes){ (uint8_t *)text, n }, &err) == ASSAY_OK)
			fail_msg("bit %zu of byte %zu may be another", bit % 8, bit / 8);
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
	free(text);
}

static void
test_allocations(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	check_own_allocations(parse, assay_bytes_of(texts[ASSAY_LAUNCH_COMPLETE]));
	/* Too long to be read at all. */
	char *large = malloc(LAUNCH_RECORD_MAX + 1);
	assert_non_null(large);
	memset(large, '[', LAUNCH_RECORD_MAX + 1);
	expect_outcome("too long",
	    parse((struct assay_bytes){ (uint8_t *)large, LAUNCH_RECORD_MAX + 1 }, &err), &err,
	    ASSAY_E_FORMAT, "is 65537 bytes, at most 65536");
	free(large);
}

/* A key that cannot sign does not. */
static void
test_not_signed(void **state)
{
	struct assay_launch *l = read_stage(ASSAY_LAUNCH_SESSION, NULL);
	struct assay_jwk *key = made("ECDH-ES+A256KW");
	struct assay_error err = { ASSAY_OK, "" };
	char *text = NULL;

	(void)state;
	expect_outcome("a key of another use", assay_launch_write(&text, l, key, &err), &err,
	    ASSAY_E_USAGE, "does not sign");
	expect_outcome("a public key",
	    assay_launch_write(&text, l, assay_launch_signed_by(l), &err), &err, ASSAY_E_USAGE,
	    "without its private half does not sign");
	assert_null(text);
	assay_jwk_free(key);
	assay_launch_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_written_again),
		cmocka_unit_test(test_signers),
		cmocka_unit_test(test_edited),
		cmocka_unit_test(test_session_edited),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_private_signer),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_allocations),
		cmocka_unit_test(test_not_signed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
