/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "core/checks.h"
#include "verify/tee.h"

#define MEASUREMENT "00ff10a5"
#define LONG_TEXT                                                                                  \
	"a text that is longer than what a sentence may quote of it, by quite a few characters "   \
	"that follow"

static struct assay_checks *checks;
static struct assay_claims *claims;

/* An SNP report of version 3 with a claim of each type; tcb.date and others are not made. */
static int
make(void **state)
{
	static const uint8_t measurement[] = { 0x00, 0xff, 0x10, 0xa5 };
	static const char *advisory = "INTEL-SA-00001";
	const struct tcb_verdict verdict = { .advisories = &advisory, .advisory_count = 1 };
	static uint8_t body[1184];

	(void)state;
	body[0x08] = 0x1f; /* POLICY */
	body[0x0a] = 0x03;
	body[0x0f] = 0x80;
	if (assay_checks_new(&checks, NULL) != ASSAY_OK ||
	    (claims = calloc(1, sizeof *claims)) == NULL)
		return 1;
	assay_claims_reset(claims, &assay_tee_snp, (struct assay_bytes){ body, sizeof body }, 3);
	assay_claim_flag(claims, CLAIM_DEBUG, false);
	assay_claim_flag(claims, CLAIM_TRUST_BUILTIN, true);
	assay_claim_number(claims, CLAIM_SVN, 255);
	assay_claim_number(claims, CLAIM_COLLATERAL_DAYS_LEFT, UINT64_MAX);
	assay_claim_time(claims, CLAIM_COLLATERAL_EXPIRES, 1751624324);
	assay_claim_text(claims, CLAIM_TCB_STATUS, "UpToDate");
	assay_claim_text(claims, CLAIM_TRUST_ROOT, "a\n\"b\"");
	assay_claim_text(claims, CLAIM_TCB_SOURCE, LONG_TEXT);
	assay_claim_bytes(
	    claims, CLAIM_MEASUREMENT, (struct assay_bytes){ measurement, sizeof measurement });
	assay_claim_bytes(claims, CLAIM_SIGNER, (struct assay_bytes){ NULL, 0 });
	assay_claim_advisories(claims, &verdict);
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	assay_claims_free(claims);
	assay_checks_free(checks);
	return 0;
}

/* --- a case per type and outcome ------------------------------------------------------------ */

static const struct row {
	const char *claim, *value;
	enum assay_code code;
	const char *words; /* of the row's sentence, or of err when it is a usage error */
} rows[] = {
	{ "debug", "false", ASSAY_OK, "as expected" },
	{ "debug", "true", ASSAY_E_POLICY, "is false, want \"true\"" },
	{ "trust.builtin", "true", ASSAY_OK, "as expected" },
	{ "trust.builtin", "false", ASSAY_E_POLICY, "is true, want \"false\"" },
	{ "debug", "0", ASSAY_E_USAGE, "debug: \"0\" is not of its type" },
	{ "debug", "", ASSAY_E_USAGE, "not of its type" },
	{ "debug", "False", ASSAY_E_USAGE, "not of its type" },
	{ "debug", "falsehood", ASSAY_E_USAGE, "not of its type" },

	{ "svn", "255", ASSAY_OK, "as expected" },
	{ "svn", "0xff", ASSAY_OK, "as expected" },
	{ "svn", "0xFF", ASSAY_OK, "as expected" },
	{ "svn", "000255", ASSAY_OK, "as expected" },
	{ "svn", "254", ASSAY_E_POLICY, "is 255, want \"254\"" },
	{ "svn", "4294967551", ASSAY_E_POLICY, "is 255" }, /* 2^32 + 255 */
	{ "svn", "", ASSAY_E_USAGE, "not of its type" },
	{ "svn", "0x", ASSAY_E_USAGE, "not of its type" },
	{ "svn", "ff", ASSAY_E_USAGE, "not of its type" },
	{ "svn", "0xfg", ASSAY_E_USAGE, "not of its type" },
	{ "svn", "255 ", ASSAY_E_USAGE, "not of its type" },
	{ "svn", " 255", ASSAY_E_USAGE, "not of its type" },
	{ "svn", "+255", ASSAY_E_USAGE, "not of its type" },
	{ "svn", "-1", ASSAY_E_USAGE, "not of its type" },
	{ "svn", "18446744073709551871", ASSAY_E_USAGE, "not of its type" }, /* 2^64 + 255 */
	{ "svn", "0x100000000000000ff", ASSAY_E_USAGE, "not of its type" },
	{ "collateral.days_left", "18446744073709551615", ASSAY_OK, "as expected" },
	{ "collateral.days_left", "0xffffffffffffffff", ASSAY_OK, "as expected" },
	{ "collateral.days_left", "18446744073709551616", ASSAY_E_USAGE, "not of its type" },
	{ "snp.policy", "0x800000000003001f", ASSAY_OK, "as expected" },
	{ "snp.policy", "0x3001f", ASSAY_E_POLICY, "is 9223372036854972447" },

	{ "collateral.expires", "2025-07-04T10:18:44Z", ASSAY_OK, "as expected" },
	{ "collateral.expires", "2025-07-04T10:18:45Z", ASSAY_E_POLICY,
	    "is 2025-07-04T10:18:44Z, want \"2025-07-04T10:18:45Z\"" },
	{ "collateral.expires", "2025-07-04", ASSAY_E_USAGE, "not of its type" },
	{ "collateral.expires", "1751624324", ASSAY_E_USAGE, "not of its type" },
	{ "collateral.expires", "", ASSAY_E_USAGE, "not of its type" },

	{ "tcb.status", "UpToDate", ASSAY_OK, "as expected" },
	{ "tcb.status", "uptodate", ASSAY_E_POLICY, "is \"UpToDate\", want \"uptodate\"" },
	{ "tcb.status", "UpToDat", ASSAY_E_POLICY, "is \"UpToDate\"" },
	{ "tcb.status", "UpToDate ", ASSAY_E_POLICY, "is \"UpToDate\"" },
	{ "tcb.status", "", ASSAY_E_POLICY, "is \"UpToDate\"" },
	{ "tee", "snp", ASSAY_OK, "as expected" },
	{ "tee", "tdx", ASSAY_E_POLICY, "is \"snp\", want \"tdx\"" },
	{ "tcb.source", LONG_TEXT, ASSAY_OK, "as expected" },
	{ "tcb.source", LONG_TEXT "s", ASSAY_E_POLICY, "..." }, /* differs where it is cut off */

	{ "measurement", MEASUREMENT, ASSAY_OK, "as expected" },
	{ "measurement", "0x" MEASUREMENT, ASSAY_OK, "as expected" },
	{ "measurement", "0X00FF10A5", ASSAY_OK, "as expected" },
	{ "measurement", "00ff10a4", ASSAY_E_POLICY, "is 00ff10a5, want \"00ff10a4\"" },
	{ "measurement", "00ff10", ASSAY_E_POLICY, "is 00ff10a5" }, /* no prefix will do */
	{ "measurement", MEASUREMENT "00", ASSAY_E_POLICY, "is 00ff10a5" },
	{ "measurement", "", ASSAY_E_POLICY, "is 00ff10a5" },
	{ "measurement", "0x", ASSAY_E_POLICY, "is 00ff10a5" },
	{ "measurement", "00ff10a", ASSAY_E_USAGE, "not of its type" },
	{ "measurement", "00ff10ag", ASSAY_E_USAGE, "not of its type" },
	{ "measurement", "00:ff:10:a5", ASSAY_E_USAGE, "not of its type" },
	{ "signer", "", ASSAY_OK, "as expected" },
	{ "signer", "00", ASSAY_E_POLICY, "want \"00\"" },

	{ "tcb.advisories", "INTEL-SA-00001", ASSAY_E_USAGE, "not of its type" },
	{ "tcb.advisories", "", ASSAY_E_USAGE, "not of its type" },

	/* Not made by this evidence: what is absent equals nothing, not even its zero value. */
	{ "tcb.date", "1970-01-01T00:00:00Z", ASSAY_E_POLICY, "does not make this claim" },
	{ "vmpl", "0", ASSAY_E_POLICY, "does not make this claim" },
	{ "sev.es", "false", ASSAY_E_POLICY, "does not make this claim" },
	{ "binding", "", ASSAY_E_POLICY, "does not make this claim" },
	{ "report_data", "", ASSAY_E_POLICY, "does not make this claim" },
	{ "tdx.xfam", "0", ASSAY_E_POLICY, "does not make this claim" },
	{ "tdx.mr_td", "", ASSAY_E_POLICY, "does not make this claim" },
	{ "snp.launch_mit_vector", "0", ASSAY_E_POLICY,
	    "does not make this claim" }, /* version 5 */
	{ "tdx.xfam", "many", ASSAY_E_USAGE, "not of its type" },

	{ "measurment", "00", ASSAY_E_USAGE,
	    "there is no claim \"measurment\"; the nearest is "
	    "\"measurement\"" },
	{ "tdx.mrtd", "00", ASSAY_E_USAGE, "the nearest is \"tdx.mr_td\"" },
	{ "status", "UpToDate", ASSAY_E_USAGE, "the nearest is \"" },
	{ "tcb.staus", "UpToDate", ASSAY_E_USAGE, "the nearest is \"tcb.status\"" },
	{ "snp.reported_tcb.microcod", "1", ASSAY_E_USAGE,
	    "the nearest is \"snp.reported_tcb.microcode\"" },
	{ "snp.reported_tcb", "1", ASSAY_E_USAGE, "the nearest is \"snp.reported_tcb." },
	{ "", "1", ASSAY_E_USAGE, "the nearest is \"" },
	{ "a\nb", "1", ASSAY_E_USAGE, "the nearest is \"" },
	{ LONG_TEXT LONG_TEXT LONG_TEXT, "1", ASSAY_E_USAGE, "the nearest is \"" },
};

static void
every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct assay_error err = { ASSAY_OK, "" };
		char id[80];

		assay_checks_clear(checks);
		assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
		enum assay_code rc = assay_policy_expect(checks, claims, r->claim, r->value, &err);
		if (rc != r->code)
			fail_msg("%s=%s: %s", r->claim, r->value, assay_code_name(rc));
		if (rc != ASSAY_OK && (err.code != rc || strchr(err.text, '\n') != NULL))
			fail_msg("%s=%s: err is \"%s\"", r->claim, r->value, err.text);
		if (rc == ASSAY_E_USAGE) { /* said to the caller, and no row */
			assert_int_equal(assay_checks_count(checks), 1);
			if (strstr(err.text, r->words) == NULL)
				fail_msg("%s=%s: \"%s\"", r->claim, r->value, err.text);
			continue;
		}
		assert_int_equal(assay_checks_count(checks), 2);
		(void)snprintf(id, sizeof id, "expect.%s", r->claim);
		assert_string_equal(assay_check_id(checks, 1), id);
		assert_int_equal(
		    assay_check_outcome(checks, 1), rc == ASSAY_OK ? ASSAY_PASS : ASSAY_FAIL);
		assert_int_equal(assay_check_code(checks, 1), rc);
		if (strstr(assay_check_detail(checks, 1), r->words) == NULL)
			fail_msg(
			    "%s=%s: \"%s\"", r->claim, r->value, assay_check_detail(checks, 1));
		assert_int_equal(assay_checks_verdict(checks), rc);
		assert_int_equal(
		    assay_checks_genuine(checks), ASSAY_OK); /* asked for, not proven */
	}
}

/* Each expectation is a row of its own; one that holds does not outweigh one that does not. */
static void
rows_add_up(void **state)
{
	struct assay_error err;

	(void)state;
	assay_checks_clear(checks);
	assert_int_equal(assay_policy_expect(checks, claims, "svn", "255", &err), ASSAY_OK);
	assert_int_equal(assay_policy_expect(checks, claims, "svn", "1", &err), ASSAY_E_POLICY);
	assert_int_equal(assay_policy_expect(checks, claims, "tee", "snp", &err), ASSAY_E_POLICY);
	assert_non_null(strstr(err.text, "expect.svn: is 255"));
	assert_int_equal(assay_checks_count(checks), 3);
	/* After a refusal of the verifier's, its sentence stays the one that decided. */
	assay_checks_clear(checks);
	assay_check_fail(checks, CHECK_DCAP_QUOTE_SIGNATURE, ASSAY_E_SIGNATURE, "forged");
	assert_int_equal(assay_policy_expect(checks, claims, "svn", "1", &err), ASSAY_E_SIGNATURE);
	assert_non_null(strstr(err.text, "forged"));
	assert_int_equal(assay_policy_expect(checks, claims, "svn", "x", NULL), ASSAY_E_USAGE);
	assert_int_equal(assay_policy_expect(checks, claims, "nonsense", "x", NULL), ASSAY_E_USAGE);
}

/* What every claim is told by is what it equals. */
static void
every_own_value_is_equal(void **state)
{
	char value[2 * CLAIMS_BODY_MAX + 1], time[ASSAY_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < assay_schema_count(); i++) {
		if (!assay_claims_has(claims, i))
			continue;
		switch (assay_schema_type(i)) {
		case ASSAY_TYPE_BOOL:
			(void)snprintf(value, sizeof value, "%s",
			    assay_claims_bool(claims, i) ? "true" : "false");
			break;
		case ASSAY_TYPE_UINT:
			(void)snprintf(value, sizeof value, "%llu",
			    (unsigned long long)assay_claims_uint(claims, i));
			break;
		case ASSAY_TYPE_TIME:
			assay_time_text(time, assay_claims_time(claims, i));
			(void)snprintf(value, sizeof value, "%s", time);
			break;
		case ASSAY_TYPE_TEXT:
			(void)snprintf(value, sizeof value, "%s", assay_claims_text(claims, i));
			break;
		case ASSAY_TYPE_BYTES:
			assay_hex(value, assay_claims_bytes(claims, i));
			break;
		case ASSAY_TYPE_LIST:
			continue;
		}
		assay_checks_clear(checks);
		enum assay_code rc =
		    assay_policy_expect(checks, claims, assay_schema_name(i), value, NULL);
		if (rc != ASSAY_OK)
			fail_msg("%s is not %s", assay_schema_name(i), value);
	}
}

/* Out of memory is neither equal nor different. */
static void
no_memory(void **state)
{
	struct assay_error err;

	(void)state;
	assay_checks_clear(checks);
	alloc_fail_at(1);
	enum assay_code rc = assay_policy_expect(checks, claims, "measurement", MEASUREMENT, &err);
	assert_true(alloc_failed());
	assert_int_equal(rc, ASSAY_E_NOMEM);
	assert_int_equal(assay_checks_count(checks), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(rows_add_up),
		cmocka_unit_test(every_own_value_is_equal),
		cmocka_unit_test(no_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make, clear);
}
