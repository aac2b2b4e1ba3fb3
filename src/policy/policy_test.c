/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/checks.h"
#include "verify/tee.h"

/* Offsets in each report. */
enum {
	TD_ATTRIBUTES = 120,
	TD_XFAM = 128,
	SNP_POLICY = 0x08,
	SNP_VMPL = 0x30,
	SEV_POLICY = 0x30,
};

enum kind { SGX, TDX10, TDX15, SNP, SNP_VLEK, SEV_ES, KINDS };

/* What `default` allows of each TEE, by hand. */
struct facts {
	uint8_t body[CLAIMS_BODY_MAX];
	enum tcb_status status;
	bool has_debug, debug, masked, service_td;
	const char *binding;
	struct assay_shortfall shorts;
};

static const struct {
	const char *name;
	const struct assay_tee *tee;
	size_t len;
	uint32_t version;
	size_t rules; /* how many rows `default` adds */
} kinds[] = {
	[SGX] = { "sgx", &assay_tee_sgx, 384, 0, 2 },
	[TDX10] = { "tdx 1.0", &assay_tee_tdx, 584, 0, 6 },
	[TDX15] = { "tdx 1.5", &assay_tee_tdx, 648, 0, 6 },
	[SNP] = { "snp", &assay_tee_snp, 1184, 3, 5 },
	[SNP_VLEK] = { "snp, VLEK", &assay_tee_snp, 1184, 3, 5 },
	[SEV_ES] = { "sev-es", &assay_tee_sev_es, 208, 0, 5 },
};

static struct facts
allowed(enum kind kind)
{
	struct facts f = { .status = TCB_UP_TO_DATE, .has_debug = true, .binding = "vm" };

	if (kind == TDX10 || kind == TDX15) {
		f.body[TD_ATTRIBUTES + 3] = 0x10; /* SEPT_VE_DISABLE */
		f.body[TD_XFAM] = 0xe7;
		f.body[TD_XFAM + 1] = 0x02;
		f.body[TD_XFAM + 2] = 0x06;
	}
	if (kind == SNP || kind == SNP_VLEK)
		f.body[SNP_POLICY + 2] = 0x03;
	if (kind == SEV_ES)
		f.body[SEV_POLICY] = 0x0f; /* NODBG, NOKS, ES, NOSEND */
	return f;
}

static struct assay_claims *
claims_of(enum kind kind, const struct facts *f)
{
	struct assay_claims *c = calloc(1, sizeof *c);

	assert_non_null(c);
	assay_claims_reset(c, kinds[kind].tee, (struct assay_bytes){ f->body, kinds[kind].len },
	    kinds[kind].version);
	if (f->has_debug)
		assay_claim_flag(c, CLAIM_DEBUG, f->debug);
	if (f->status != TCB_NONE)
		assay_claim_status(c, f->status);
	if (f->shorts.part != NULL)
		assay_claim_short(
		    c, f->shorts.part, f->shorts.got, f->shorts.want, f->shorts.running);
	if (kind == SNP || kind == SNP_VLEK) {
		assay_claim_text(c, CLAIM_SNP_CERTIFICATE, kind == SNP ? "VCEK" : "VLEK");
		assay_claim_flag(c, CLAIM_SNP_CHIP_ID_MASKED, f->masked);
		assay_claim_text(c, CLAIM_PLATFORM_PRODUCT, "Turin");
	}
	if (kind == TDX10 || kind == TDX15)
		assay_claim_flag(c, CLAIM_TDX_SERVICE_TD, f->service_td);
	if (kind == SEV_ES)
		assay_claim_text(c, CLAIM_BINDING, f->binding);
	return c;
}

/* --- one thing bent, one row that says no ----------------------------------------------------- */

static void
debug(struct facts *f)
{
	f->debug = true;
}

static void
no_guest(struct facts *f)
{
	f->has_debug = false;
}

static void
software(struct facts *f)
{
	f->status = TCB_SW_HARDENING_NEEDED;
}

static void
configuration(struct facts *f)
{
	f->status = TCB_CONFIGURATION_NEEDED;
}

static void
both(struct facts *f)
{
	f->status = TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

static void
out_of_date(struct facts *f)
{
	f->status = TCB_OUT_OF_DATE;
}

static void
out_of_date_configuration(struct facts *f)
{
	f->status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

static void
revoked(struct facts *f)
{
	f->status = TCB_REVOKED;
}

static void
relaunch(struct facts *f)
{
	f->status = TCB_TD_RELAUNCH_ADVISED;
}

static void
relaunch_configuration(struct facts *f)
{
	f->status = TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
}

static void
not_supported(struct facts *f)
{
	f->status = TCB_NOT_SUPPORTED;
}

static void
no_status(struct facts *f)
{
	f->status = TCB_NONE;
}

static void
short_of(struct facts *f)
{
	f->status = TCB_OUT_OF_DATE;
	f->shorts = (struct assay_shortfall){ "a part", 3, 9, 3 };
}

static void
sept_off(struct facts *f)
{
	f->body[TD_ATTRIBUTES + 3] = 0;
}

static void
migratable(struct facts *f)
{
	f->body[TD_ATTRIBUTES + 3] |= 0x20;
}

static void
top_attribute(struct facts *f)
{
	f->body[TD_ATTRIBUTES + 7] |= 0x40; /* bit 62 */
}

static void
usual_attributes(struct facts *f)
{
	f->body[TD_ATTRIBUTES + 3] |= 0x40; /* PKS */
	f->body[TD_ATTRIBUTES + 7] |= 0x80; /* PERFMON */
}

static void
xfam_missing(struct facts *f)
{
	f->body[TD_XFAM] &= 0xfd;
}

static void
xfam_no_x87(struct facts *f)
{
	f->body[TD_XFAM] &= 0xfe;
}

static void
xfam_extra(struct facts *f)
{
	f->body[TD_XFAM] |= 0x08;
}

static void
xfam_top(struct facts *f)
{
	f->body[TD_XFAM + 7] |= 0x80;
}

static void
service_td(struct facts *f)
{
	f->service_td = true;
}

static void
vmpl_1(struct facts *f)
{
	f->body[SNP_VMPL] = 1;
}

static void
vmpl_host(struct facts *f)
{
	memset(f->body + SNP_VMPL, 0xff, 4);
}

static void
vmpl_high(struct facts *f)
{
	f->body[SNP_VMPL + 3] = 1;
}

static void
migration_agent(struct facts *f)
{
	f->body[SNP_POLICY + 2] |= 0x04;
}

static void
masked(struct facts *f)
{
	f->masked = true;
}

static void
unbound(struct facts *f)
{
	f->binding = "none";
}

static void
bound_nearly(struct facts *f)
{
	f->binding = "vmm";
}

static void
no_es(struct facts *f)
{
	f->body[SEV_POLICY] &= (uint8_t)~0x04;
}

static void
key_sharing(struct facts *f)
{
	f->body[SEV_POLICY] &= (uint8_t)~0x02;
}

static void
sendable(struct facts *f)
{
	f->body[SEV_POLICY] &= (uint8_t)~0x08;
}

#define DCAP_STATUS "dcap.tcb.status"
static const struct row {
	const char *name;
	enum kind kind;
	void (*bend)(struct facts *f);
	const char *id; /* the only row that does not pass; NULL: accepted */
	enum assay_code code;
	const char *words;
} rows[] = {
	{ "debug enclave", SGX, debug, "policy.debug", ASSAY_E_POLICY, "debug is on" },
	{ "SGX software", SGX, software, DCAP_STATUS, ASSAY_E_POLICY, "is SWHardeningNeeded" },
	{ "SGX configuration", SGX, configuration, DCAP_STATUS, ASSAY_E_POLICY,
	    "is ConfigurationNeeded" },
	{ "SGX both", SGX, both, DCAP_STATUS, ASSAY_E_POLICY,
	    "is ConfigurationAndSWHardeningNeeded" },
	{ "SGX out of date", SGX, out_of_date, DCAP_STATUS, ASSAY_E_POLICY, "is OutOfDate" },
	{ "SGX out of date, configuration", SGX, out_of_date_configuration, DCAP_STATUS,
	    ASSAY_E_POLICY, "is OutOfDateConfigurationNeeded" },
	{ "SGX revoked", SGX, revoked, DCAP_STATUS, ASSAY_E_POLICY, "is Revoked" },
	{ "SGX not supported", SGX, not_supported, DCAP_STATUS, ASSAY_E_POLICY, "is NotSupported" },
	{ "SGX no status", SGX, no_status, DCAP_STATUS, ASSAY_E_INCOMPLETE, "collateral" },
	{ "SGX short", SGX, short_of, DCAP_STATUS, ASSAY_E_POLICY, "a part is 3, wants 9" },

	{ "debug TD", TDX10, debug, "policy.debug", ASSAY_E_POLICY, "debug is on" },
	{ "TDX out of date", TDX10, out_of_date, DCAP_STATUS, ASSAY_E_POLICY, "is OutOfDate" },
	{ "TDX revoked", TDX15, revoked, DCAP_STATUS, ASSAY_E_POLICY, "is Revoked" },
	{ "TDX relaunch", TDX15, relaunch, DCAP_STATUS, ASSAY_E_POLICY, "is TDRelaunchAdvised" },
	{ "TDX relaunch, configuration", TDX15, relaunch_configuration, DCAP_STATUS, ASSAY_E_POLICY,
	    "is TDRelaunchAdvisedConfigurationNeeded" },
	{ "TDX no status", TDX15, no_status, DCAP_STATUS, ASSAY_E_INCOMPLETE, "collateral" },
	{ "SEPT_VE_DISABLE off", TDX10, sept_off, "tdx.policy.sept_ve_disable", ASSAY_E_POLICY,
	    "bit 28" },
	{ "migratable", TDX10, migratable, "tdx.policy.attributes", ASSAY_E_POLICY, "0x30000000" },
	{ "attribute bit 62", TDX15, top_attribute, "tdx.policy.attributes", ASSAY_E_POLICY,
	    "0x4000000010000000" },
	{ "PKS and PERFMON", TDX15, usual_attributes, NULL, ASSAY_OK, "" },
	{ "XFAM without SSE", TDX10, xfam_missing, "tdx.policy.xfam", ASSAY_E_POLICY, "0x602e5" },
	{ "XFAM without x87", TDX10, xfam_no_x87, "tdx.policy.xfam", ASSAY_E_POLICY, "0x602e6" },
	{ "XFAM bit 3", TDX10, xfam_extra, "tdx.policy.xfam", ASSAY_E_POLICY, "0x602ef" },
	{ "XFAM bit 63", TDX15, xfam_top, "tdx.policy.xfam", ASSAY_E_POLICY, "0x80000000000602e7" },
	{ "service TD", TDX15, service_td, "tdx.policy.service_td", ASSAY_E_POLICY, "service TD" },

	{ "debug SNP guest", SNP, debug, "policy.debug", ASSAY_E_POLICY, "debug is on" },
	{ "SNP below the floor", SNP, short_of, "snp.tcb.floor", ASSAY_E_POLICY, "a part 3 < 9" },
	{ "SNP without a floor", SNP, no_status, "snp.tcb.floor", ASSAY_E_INCOMPLETE, "--min-tcb" },
	{ "VMPL 1", SNP, vmpl_1, "snp.policy.vmpl", ASSAY_E_POLICY, "VMPL is 1" },
	{ "VMPL of the host", SNP, vmpl_host, "snp.policy.vmpl", ASSAY_E_POLICY, "by the host" },
	{ "VMPL in the high byte", SNP, vmpl_high, "snp.policy.vmpl", ASSAY_E_POLICY,
	    "VMPL is 16777216" },
	{ "migration agent", SNP, migration_agent, "snp.policy.migration", ASSAY_E_POLICY,
	    "migration agent" },
	{ "masked chip", SNP, masked, "snp.policy.chip_id", ASSAY_E_POLICY, "masked" },
	{ "masked chip, VLEK", SNP_VLEK, masked, NULL, ASSAY_OK, "" },

	{ "debug SEV guest", SEV_ES, debug, "policy.debug", ASSAY_E_POLICY, "debug is on" },
	{ "platform without a guest", SEV_ES, no_guest, "policy.debug", ASSAY_E_POLICY,
	    "of a platform and not of a guest" },
	{ "bound to nothing", SEV_ES, unbound, "sev.policy.binding", ASSAY_E_POLICY,
	    "binding is none" },
	{ "bound to something else", SEV_ES, bound_nearly, "sev.policy.binding", ASSAY_E_POLICY,
	    "binding is vmm, want vm" },
	{ "no ES", SEV_ES, no_es, "sev.policy.es", ASSAY_E_POLICY, "registers" },
	{ "key sharing", SEV_ES, key_sharing, "sev.policy.noks", ASSAY_E_POLICY, "shared" },
	{ "sendable", SEV_ES, sendable, "sev.policy.nosend", ASSAY_E_POLICY, "sent" },
};

static void
judge(const struct row *r)
{
	struct facts f = allowed(r->kind);
	struct assay_checks *checks = NULL;
	struct assay_error err = { ASSAY_OK, "" };

	if (r->bend != NULL)
		r->bend(&f);
	struct assay_claims *c = claims_of(r->kind, &f);
	assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
	assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
	/* `genuine` asks for nothing. */
	assert_int_equal(
	    assay_policy_check(checks, assay_policy_builtin("genuine"), c, &err), ASSAY_OK);
	assert_int_equal(assay_checks_count(checks), 1);

	enum assay_code rc = assay_policy_check(checks, assay_policy_builtin("default"), c, &err);
	if (rc != r->code)
		fail_msg("%s: %s, want %s", r->name, assay_code_name(rc), assay_code_name(r->code));
	assert_int_equal(assay_checks_verdict(checks), rc);
	assert_int_equal(assay_checks_genuine(checks), ASSAY_OK);
	assert_int_equal(assay_checks_count(checks), 1 + kinds[r->kind].rules);
	for (size_t i = 0; i < assay_checks_count(checks); i++) {
		bool bent = r->id != NULL && strcmp(assay_check_id(checks, i), r->id) == 0;
		if ((assay_check_outcome(checks, i) != ASSAY_PASS) != bent)
			fail_msg("%s: %s is %s: %s", r->name, assay_check_id(checks, i),
			    assay_outcome_name(assay_check_outcome(checks, i)),
			    assay_check_detail(checks, i));
		if (bent && strstr(assay_check_detail(checks, i), r->words) == NULL)
			fail_msg("%s: \"%s\" lacks \"%s\"", r->name, assay_check_detail(checks, i),
			    r->words);
		if (bent && rc == ASSAY_E_POLICY)
			assert_true(assay_check_fix(checks, i)[0] != '\0');
	}
	if (rc != ASSAY_OK && (err.code != rc || strstr(err.text, r->id) == NULL))
		fail_msg("%s: err is \"%s\"", r->name, err.text);
	assay_checks_free(checks);
	assay_claims_free(c);
}

static void
default_allows_the_usual(void **state)
{
	(void)state;
	for (int k = 0; k < KINDS; k++)
		judge(&(struct row){ .name = kinds[k].name, .kind = (enum kind)k });
}

static void
each_rule_alone_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		judge(&rows[i]);
}

/* No rule of a TEE's is without a row above. */
static void
every_rule_has_a_row(void **state)
{
	(void)state;
	for (int k = 0; k < KINDS; k++) {
		struct facts f = allowed((enum kind)k);
		struct assay_claims *c = claims_of((enum kind)k, &f);
		struct assay_checks *checks = NULL;
		assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
		assert_int_equal(
		    assay_policy_check(checks, assay_policy_builtin("default"), c, NULL), ASSAY_OK);
		for (size_t i = 0; i < assay_checks_count(checks); i++) {
			bool found = false;
			for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
				found = found ||
				    (kinds[rows[r].kind].tee == kinds[k].tee &&
					rows[r].id != NULL &&
					strcmp(rows[r].id, assay_check_id(checks, i)) == 0);
			if (!found)
				fail_msg("nothing bends %s", assay_check_id(checks, i));
		}
		assay_checks_free(checks);
		assay_claims_free(c);
	}
}

/* A policy cannot mend what the verifier refused, and decides nothing on its own. */
static void
verdict_is_of_all_rows(void **state)
{
	struct facts f = allowed(SGX);
	struct assay_claims *c = claims_of(SGX, &f);
	struct assay_checks *checks = NULL;
	struct assay_error err;

	(void)state;
	assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
	assert_int_equal(assay_policy_check(checks, assay_policy_builtin("genuine"), c, &err),
	    ASSAY_E_INCOMPLETE);
	assert_non_null(strstr(err.text, "nothing was checked"));
	assay_check_fail(checks, CHECK_DCAP_QUOTE_SIGNATURE, ASSAY_E_SIGNATURE, "forged");
	assert_int_equal(assay_policy_check(checks, assay_policy_builtin("genuine"), c, &err),
	    ASSAY_E_SIGNATURE);
	assert_int_equal(assay_policy_check(checks, assay_policy_builtin("default"), c, &err),
	    ASSAY_E_SIGNATURE);
	assert_non_null(strstr(err.text, "forged"));
	assay_checks_free(checks);
	assay_claims_free(c);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(assay_policy_name(assay_policy_builtin("default")), "default");
	assert_string_equal(assay_policy_name(assay_policy_builtin("genuine")), "genuine");
	assert_null(assay_policy_builtin("Default"));
	assert_null(assay_policy_builtin("none"));
	assert_null(assay_policy_builtin(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_allows_the_usual),
		cmocka_unit_test(each_rule_alone_refuses),
		cmocka_unit_test(every_rule_has_a_row),
		cmocka_unit_test(verdict_is_of_all_rows),
		cmocka_unit_test(names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
