/* SPDX-License-Identifier: Apache-2.0 */
/* What holds of every policy: to take a claim away never makes refused into accepted. Policies are made
 * at random out of the whole grammar, with values that are right, nearly right and wrong. */
#include <assay/policy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/checks.h"
#include "policy/policy_cases.h"

enum { POLICIES = 1500, TEXT_SIZE = 4096 };

static uint32_t seed = 20261121;

static uint32_t
roll(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 9) % sides;
}

struct text {
	char at[TEXT_SIZE];
	size_t len;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(t->at + t->len, sizeof t->at - t->len, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof t->at - t->len);
	t->len += (size_t)n;
}

/* Texts that a claim can have. */
static const char *
word(size_t claim)
{
	static const char *const bindings[] = { "vm", "weak", "none" };
	static const char *const certificates[] = { "VCEK", "VLEK" };
	static const char *const authorities[] = { "platform", "processor" };
	static const char *const products[] = { "Naples", "Rome", "Milan", "Genoa", "Turin" };

	switch (claim) {
	case CLAIM_TEE:
		return assay_tees[roll(5)]->name;
	case CLAIM_BINDING:
		return bindings[roll(3)];
	case CLAIM_SNP_CERTIFICATE:
		return certificates[roll(2)];
	case CLAIM_DCAP_CA:
		return authorities[roll(2)];
	case CLAIM_PLATFORM_PRODUCT:
		return products[roll(5)];
	default:
		return roll(2) == 0 ? "vm" : "x";
	}
}

/* What the mask leaves of the claim's field. */
static uint64_t
bits_of(size_t claim, uint64_t mask)
{
	for (size_t n = 1; n < sizeof mask; n++)
		if (assay_schema_fit(claim, UINT32_MAX, n) == n)
			mask &= (UINT64_C(1) << 8 * n) - 1;
	return mask;
}

/* A value of the claim's type: often the one that it has. bits: of a number. */
static void
add_value(struct text *t, const struct assay_claims *c, size_t claim, uint32_t tees, uint64_t bits)
{
	static const char *const statuses[] = { "UpToDate", "OutOfDate", "Revoked" };
	static const char *const advisories[] = { "INTEL-SA-00001", "INTEL-SA-00002", "x" };
	bool is = assay_claims_has(c, claim) && roll(2) == 0;
	char hex[2 * CLAIMS_BODY_MAX + 1], time[ASSAY_TIME_TEXT];

	switch (assay_schema_type(claim)) {
	case ASSAY_TYPE_BOOL:
		add(t, "%s", roll(2) == 0 ? "true" : "false");
		return;
	case ASSAY_TYPE_UINT:
		add(t, roll(2) == 0 ? "%llu" : "0x%llx",
		    (unsigned long long)((is ? assay_claims_uint(c, claim) : roll(300)) & bits));
		return;
	case ASSAY_TYPE_TIME:
		assay_time_text(time, is ? assay_claims_time(c, claim) : (int64_t)roll(1U << 30));
		add(t, "%s", time);
		return;
	case ASSAY_TYPE_BYTES:
		assay_hex(hex, assay_claims_bytes(c, claim));
		if (!is || assay_schema_fit(claim, tees, strlen(hex) / 2) == 0) {
			size_t n = 1 + roll(40);
			while (assay_schema_fit(claim, tees, n) == 0)
				n = n % CLAIMS_BODY_MAX + 1;
			(void)snprintf(hex, sizeof hex, "%0*d", (int)(2 * n), 7);
		}
		add(t, "\"%s\"", hex);
		return;
	case ASSAY_TYPE_TEXT:
		if (strstr(assay_schema_name(claim), "status") != NULL)
			add(t, "%s", statuses[roll(3)]);
		else
			add(t, "%s", word(claim));
		return;
	case ASSAY_TYPE_LIST:
		add(t, "%s", advisories[roll(3)]);
		return;
	}
}

static void
add_comparison(struct text *t, const struct assay_claims *c, uint32_t tees)
{
	static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=" };
	size_t claim = roll(3) == 0 ? roll((uint32_t)assay_schema_count()) : roll(CLAIM_NAMED);
	enum assay_type type = assay_schema_type(claim);
	bool ordered = type == ASSAY_TYPE_UINT || type == ASSAY_TYPE_TIME;

	/* Mostly what these claims make: else hardly a policy would accept. */
	for (int i = 0; i < 20 && !assay_claims_has(c, claim); i++)
		claim = roll((uint32_t)assay_schema_count());
	type = assay_schema_type(claim);
	ordered = type == ASSAY_TYPE_UINT || type == ASSAY_TYPE_TIME;
	add(t, " %s", assay_schema_name(claim));
	uint64_t mask = type == ASSAY_TYPE_UINT && roll(3) == 0 ? roll(256) : UINT64_MAX;
	if (mask != UINT64_MAX)
		add(t, " & 0x%x", (unsigned)mask);
	uint64_t bits = type == ASSAY_TYPE_UINT ? bits_of(claim, mask) : 0;
	if (type == ASSAY_TYPE_LIST) {
		add(t, " %s in ", roll(2) == 0 ? "all" : "none");
	} else if (type != ASSAY_TYPE_BOOL && roll(2) == 0) {
		add(t, "%s in ", roll(2) == 0 ? "" : " not");
	} else {
		add(t, " %s ", signs[roll(ordered ? 6 : 2)]);
		add_value(t, c, claim, tees, bits);
		return;
	}
	for (uint32_t n = roll(4);; n--) {
		add_value(t, c, claim, tees, bits);
		if (n == 0)
			return;
		add(t, ", ");
	}
}

static void
make_policy(struct text *t, const struct assay_claims *c)
{
	t->len = 0;
	for (uint32_t n = roll(3); n < 3; n++) {
		uint32_t one = roll(5), two = roll(5),
			 tees = UINT32_C(1) << one | UINT32_C(1) << two;
		if (roll(3) == 0) {
			tees = UINT32_MAX;
			add(t, "for any\n");
		} else {
			add(t, "for %s, %s\n", assay_tees[one]->name, assay_tees[two]->name);
		}
		for (uint32_t k = roll(3); k < 3; k++) {
			add(t, "  %s hardware", roll(4) == 0 ? "prefer" : "require");
			add_comparison(t, c, tees);
			while (roll(3) == 0 && t->len < TEXT_SIZE / 2 && roll(2) == 0) {
				add(t, " or");
				add_comparison(t, c, tees);
			}
			add(t, "\n");
		}
	}
}

/* The rules alone, over claims as they are. */
static enum assay_code
judged(struct assay_checks *checks, const struct assay_policy *p, const struct assay_claims *c)
{
	assay_checks_clear(checks);
	assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
	return assay_policy_check(checks, p, c, NULL);
}

static void
removing_never_helps(void **state)
{
	const size_t claim_count = assay_schema_count();
	struct assay_checks *checks = NULL;
	struct text *text = malloc(sizeof *text);
	size_t accepted = 0, noticed = 0;

	(void)state;
	assert_non_null(text);
	assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
	for (int i = 0; i < POLICIES; i++) {
		int kind = (int)roll(CASE_KINDS);
		struct assay_claims *c = case_claims(kind);
		struct assay_policy *p = NULL;
		struct assay_error err;
		make_policy(text, c);
		if (assay_policy_compile(&p, assay_bytes_of(text->at), "p", NULL, &err) != ASSAY_OK)
			fail_msg("%s\n%s", err.text, text->at);
		enum assay_code before = judged(checks, p, c);
		accepted += before == ASSAY_OK;
		for (size_t claim = 0; claim < claim_count; claim++) {
			if (!assay_claims_has(c, claim))
				continue;
			enum assay_code without =
			    assay_policy_suppose(p, c, claim, ASSAY_CHANGE_REMOVED);
			if (before != ASSAY_OK && without == ASSAY_OK)
				fail_msg(
				    "accepted without %s\n%s", assay_schema_name(claim), text->at);
			noticed += before == ASSAY_OK && without != ASSAY_OK;
			/* What is supposed is what is. */
			struct assay_claims *less = case_claims(kind);
			if (claim != CLAIM_TEE && case_remove(less, claim) &&
			    judged(checks, p, less) != without)
				fail_msg("%s: %s supposed\n%s", assay_schema_name(claim),
				    assay_code_name(without), text->at);
			assay_claims_free(less);
		}
		assay_policy_free(p);
		assay_claims_free(c);
	}
	print_message(
	    "# %d policies, %zu accept, %zu removals noticed\n", POLICIES, accepted, noticed);
	assert_true(accepted > POLICIES / 10 && noticed > accepted / 2);
	free(text);
	assay_checks_free(checks);
}

/* `default` over each kind: what it looks at it misses. */
static void
default_misses_its_claims(void **state)
{
	static const char *const looked_at[CASE_KINDS][8] = {
		{ "tee", "debug", "tcb.status" },
		{ "tee", "debug", "tcb.status", "tdx.td_attributes", "tdx.xfam", "tdx.service_td" },
		{ "tee", "debug", "tcb.status", "tdx.td_attributes", "tdx.xfam", "tdx.service_td" },
		{ "tee", "debug", "tcb.status", "snp.vmpl", "snp.policy", "snp.chip_id_masked" },
		{ "tee", "debug", "binding", "sev.policy" },
		{ "tee", "debug", "binding", "sev.policy" },
	};
	const struct assay_policy *p = assay_policy_builtin("default");

	(void)state;
	for (int kind = 0; kind < CASE_KINDS - 1; kind++) {
		struct assay_claims *c = case_claims(kind);
		assert_int_equal(assay_policy_suppose(p, c, 0, ASSAY_CHANGE_NONE), ASSAY_OK);
		for (size_t claim = 0; claim < assay_schema_count(); claim++) {
			const char *name = assay_schema_name(claim);
			bool looks = false;
			if (!assay_claims_has(c, claim))
				continue;
			for (size_t i = 0; i < 8 && looked_at[kind][i] != NULL; i++)
				looks = looks || strcmp(looked_at[kind][i], name) == 0;
			enum assay_code rc =
			    assay_policy_suppose(p, c, claim, ASSAY_CHANGE_REMOVED);
			if ((rc == ASSAY_OK) == looks)
				fail_msg("kind %d without %s: %s", kind, name, assay_code_name(rc));
			if (looks)
				assert_int_not_equal(
				    assay_policy_suppose(p, c, claim, ASSAY_CHANGE_OTHER),
				    ASSAY_OK);
		}
		assay_claims_free(c);
	}
}

/* Each kind of change, on each type. */
static void
changes(void **state)
{
	static const struct {
		const char *rule, *claim;
		enum assay_change change;
		enum assay_code code;
	} rows[] = {
		{ "svn == 255", "svn", ASSAY_CHANGE_NONE, ASSAY_OK },
		{ "svn == 255", "svn", ASSAY_CHANGE_LOWER, ASSAY_E_POLICY },
		{ "svn == 255", "svn", ASSAY_CHANGE_HIGHER, ASSAY_E_POLICY },
		{ "svn == 255", "svn", ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
		{ "svn == 255", "debug", ASSAY_CHANGE_OTHER, ASSAY_OK },
		{ "svn >= 255", "svn", ASSAY_CHANGE_HIGHER, ASSAY_OK },
		{ "svn == 254", "svn", ASSAY_CHANGE_LOWER, ASSAY_OK },
		{ "svn & 1 == 1", "svn", ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
		{ "svn & 0x100 == 0", "svn", ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
		{ "debug == false", "debug", ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
		{ "debug == false", "debug", ASSAY_CHANGE_LOWER, ASSAY_E_USAGE },
		{ "debug == false", "debug", (enum assay_change)9, ASSAY_E_USAGE },
		{ "debug == false", "vmpl", ASSAY_CHANGE_REMOVED, ASSAY_E_USAGE },
		{ "debug == false", "snp.vmpl", ASSAY_CHANGE_LOWER, ASSAY_E_USAGE },
		{ "debug == false", "snp.vmpl", ASSAY_CHANGE_HIGHER, ASSAY_OK },
		{ "debug == false", "collateral.days_left", ASSAY_CHANGE_HIGHER, ASSAY_E_USAGE },
		{ "tcb.date < 1970-01-01T00:00:00Z", "tcb.date", ASSAY_CHANGE_LOWER, ASSAY_OK },
		{ "tcb.date < 1970-01-01T00:00:00Z", "tcb.date", ASSAY_CHANGE_HIGHER,
		    ASSAY_E_POLICY },
		{ "binding == vm", "binding", ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
		{ "binding != weak", "binding", ASSAY_CHANGE_OTHER, ASSAY_OK },
		{ "binding != weak", "binding", ASSAY_CHANGE_REMOVED, ASSAY_E_POLICY },
		{ "measurement in 00ff10a5" ZEROS_44, "measurement", ASSAY_CHANGE_OTHER,
		    ASSAY_E_POLICY },
		{ "tcb.advisories all in INTEL-SA-00001, INTEL-SA-00002", "tcb.advisories",
		    ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
		{ "tcb.advisories none in x", "tcb.advisories", ASSAY_CHANGE_OTHER, ASSAY_OK },
		{ "tcb.advisories none in x", "tcb.advisories", ASSAY_CHANGE_REMOVED,
		    ASSAY_E_POLICY },
		{ "tcb.status == UpToDate", "tcb.status", ASSAY_CHANGE_REMOVED,
		    ASSAY_E_INCOMPLETE },
		{ "tcb.status == UpToDate", "tcb.status", ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
		{ "debug == false", "tee", ASSAY_CHANGE_REMOVED, ASSAY_E_POLICY },
		{ "debug == false", "tee", ASSAY_CHANGE_OTHER, ASSAY_E_POLICY },
	};
	struct assay_claims *c = case_claims(3);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct assay_policy *p = NULL;
		char text[160];
		size_t claim;
		(void)snprintf(text, sizeof text, "for snp require files %s", rows[i].rule);
		assert_int_equal(
		    assay_policy_compile(&p, assay_bytes_of(text), "p", NULL, NULL), ASSAY_OK);
		assert_true(assay_schema_find(rows[i].claim, &claim));
		enum assay_code rc = assay_policy_suppose(p, c, claim, rows[i].change);
		if (rc != rows[i].code)
			fail_msg("%s, %s changed (%d): %s", rows[i].rule, rows[i].claim,
			    (int)rows[i].change, assay_code_name(rc));
		assay_policy_free(p);
	}
	assay_claims_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removing_never_helps),
		cmocka_unit_test(default_misses_its_claims),
		cmocka_unit_test(changes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
