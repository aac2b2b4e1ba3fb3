/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole appraisals of platforms that the simulator makes: how levels become one status, and that
 * objects used again, caches and threads change no row of any verdict.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include <assay/assay.h>

#include "platforms/platforms.h"

enum { NOW = 1795219200 }; /* 2026-11-21 */

static struct sim *sim, *other_sim; /* of the second, every key is another */

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static struct assay_trust *
trust_in(const struct sim_output *out)
{
	struct assay_trust *trust = NULL;
	struct assay_error err;

	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	if (assay_trust_add_root(trust, bytes(out->root), "root", &err) != ASSAY_OK)
		fail_msg("root: %s", err.text);
	for (size_t i = 0; i < out->item_count; i++)
		if (assay_trust_add(trust, bytes(out->items[i].bytes), out->items[i].name, NULL,
			&err) != ASSAY_OK)
			fail_msg("%s: %s", out->items[i].name, err.text);
	if (out->min_tcb[0] != '\0')
		assert_int_equal(assay_trust_set_min_tcb(trust, out->min_tcb, &err), ASSAY_OK);
	return trust;
}

static size_t
place(const char *name)
{
	size_t i = 0;

	if (!assay_schema_find(name, &i))
		fail_msg("no claim %s", name);
	return i;
}

/* --- from levels to one status ---------------------------------------------------------------- */

static struct sim_dcap dcap;

static void
new_td(uint16_t version, uint16_t body_type)
{
	sim_reset(sim);
	sim_dcap_new(&dcap, sim, true, version, body_type, true, NOW, 30 * SIM_DAY);
}

static void
new_enclave(void)
{
	sim_reset(sim);
	sim_dcap_new(&dcap, sim, false, 3, 0, true, NOW, 30 * SIM_DAY);
}

/* Judges the platform as it stands, genuine in all but its TCB. The caller frees the claims. */
static struct assay_claims *
claims_of_dcap(void)
{
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;
	struct assay_checks *checks = NULL;
	struct assay_error err;
	struct sim_output out;

	sim_dcap_write(&dcap, &out);
	struct assay_trust *trust = trust_in(&out);
	struct assay_appraisal how = { .trust = trust, .now = NOW };
	assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
	assert_int_equal(assay_evidence_parse(&ev, bytes(out.evidence), &err), ASSAY_OK);
	if (assay_evidence_verify(&claims, checks, ev, &how, &err) != ASSAY_OK)
		fail_msg("not genuine: %s", err.text);
	enum assay_code rc =
	    assay_policy_check(checks, assay_policy_builtin("default"), claims, &err);
	bool up = strcmp(assay_claims_text(claims, place("tcb.status")), "UpToDate") == 0;
	assert_int_equal(rc, up ? ASSAY_OK : ASSAY_E_POLICY);
	assay_checks_free(checks);
	assay_evidence_free(ev);
	assay_trust_free(trust);
	return claims;
}

static void
expect_text(const struct assay_claims *c, const char *what, const char *claim, const char *want)
{
	const char *got = assay_claims_text(c, place(claim));

	if (strcmp(got, want) != 0)
		fail_msg("%s: %s is \"%s\", want \"%s\"", what, claim, got, want);
}

static void
expect_status(const char *what, const char *want)
{
	struct assay_claims *c = claims_of_dcap();

	expect_text(c, what, "tcb.status", want);
	assay_claims_free(c);
}

/* Intel's table: what an enclave or module that is OutOfDate makes of the platform's status. */
static const struct {
	const char *platform, *with_out_of_date;
	const char *relaunch; /* launched OutOfDate, now UpToDate */
} table[] = {
	{ "UpToDate", "OutOfDate", "TDRelaunchAdvised" },
	{ "SWHardeningNeeded", "OutOfDate", "TDRelaunchAdvised" },
	{ "ConfigurationNeeded", "OutOfDateConfigurationNeeded",
	    "TDRelaunchAdvisedConfigurationNeeded" },
	{ "ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded",
	    "TDRelaunchAdvisedConfigurationNeeded" },
	{ "OutOfDate", "OutOfDate", "OutOfDate" },
	{ "OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded",
	    "OutOfDateConfigurationNeeded" },
	{ "Revoked", "Revoked", "Revoked" },
};
enum { TABLE = sizeof table / sizeof table[0] };
static const char *const others[] = { "UpToDate", "OutOfDate", "Revoked" };

static const char *
converged(size_t platform, size_t qe, size_t module)
{
	if (qe == 2 || module == 2)
		return "Revoked";
	if (qe == 1 || module == 1)
		return table[platform].with_out_of_date;
	return table[platform].platform;
}

/* Every level has its own date and advisory: the earliest, and all of them. */
static void
expect_union(const struct assay_claims *c, const char *what, size_t levels)
{
	size_t advisories = place("tcb.advisories");

	assert_int_equal(assay_claims_list_count(c, advisories), levels);
	assert_string_equal(assay_claims_list_at(c, advisories, 0), "INTEL-SA-11111");
	assert_string_equal(assay_claims_list_at(c, advisories, levels - 1), "INTEL-SA-33333");
	/* 2024-02-14, 2023-08-09 or 2024-05-14: the module's is the earliest, else the platform's. */
	if (assay_claims_time(c, place("tcb.date")) != (levels == 3 ? 1691539200 : 1707868800))
		fail_msg("%s: tcb.date is %lld", what,
		    (long long)assay_claims_time(c, place("tcb.date")));
}

static void
convergence_of(bool td, size_t p, size_t q, size_t m)
{
	char what[128];

	if (td)
		new_td(4, 0);
	else
		new_enclave();
	dcap.tcb_info.levels[0].is =
	    (struct sim_status){ table[p].platform, "2024-02-14T00:00:00Z", { "INTEL-SA-11111" } };
	dcap.tcb_info.modules[1].levels[0].is =
	    (struct sim_status){ others[m], "2023-08-09T00:00:00Z", { "INTEL-SA-22222" } };
	dcap.qe_identity.levels[0].is =
	    (struct sim_status){ others[q], "2024-05-14T00:00:00Z", { "INTEL-SA-33333" } };
	struct assay_claims *c = claims_of_dcap();
	(void)snprintf(what, sizeof what, "%s: platform %s, QE %s, module %s", td ? "TDX" : "SGX",
	    table[p].platform, others[q], td ? others[m] : "none");
	expect_text(c, what, "tcb.status", converged(p, q, m));
	expect_text(c, what, "dcap.platform_status", table[p].platform);
	expect_text(c, what, "dcap.qe_status", others[q]);
	expect_text(c, what, "dcap.module_status", td ? others[m] : "");
	expect_union(c, what, td ? 3 : 2);
	assay_claims_free(c);
}

static void
statuses_converge(void **state)
{
	(void)state;
	for (size_t p = 0; p < TABLE; p++)
		for (size_t q = 0; q < 3; q++) {
			convergence_of(false, p, q, 0);
			for (size_t m = 0; m < 3; m++)
				convergence_of(true, p, q, m);
		}
}

static void
expect_relaunch(const char *what, const char *status, const char *launch, const char *current)
{
	struct assay_claims *c = claims_of_dcap();

	expect_text(c, what, "tcb.status", status);
	expect_text(c, what, "tcb.launch_status", launch);
	expect_text(c, what, "tcb.current_status", current);
	assay_claims_free(c);
}

/* A module that was OutOfDate at launch, and was updated under the running TD. */
static void
relaunch_after_module_update(void **state)
{
	(void)state;
	for (size_t p = 0; p < TABLE; p++)
		for (uint16_t body = 3; body <= 4; body++) {
			new_td(5, body);
			dcap.tcb_info.levels[0].is.status = table[p].platform;
			dcap.td.tee_tcb_svn[0] = 4;
			expect_relaunch(table[p].platform, table[p].relaunch,
			    table[p].with_out_of_date, table[p].platform);
		}
}

/* The platform's level at launch and now. */
static void
relaunch_of_levels(void **state)
{
	static const struct {
		const char *launch, *current, *status;
	} rows[] = {
		{ "OutOfDate", "UpToDate", "TDRelaunchAdvised" },
		{ "OutOfDate", "SWHardeningNeeded", "TDRelaunchAdvised" },
		{ "OutOfDate", "ConfigurationNeeded", "TDRelaunchAdvisedConfigurationNeeded" },
		{ "OutOfDate", "ConfigurationAndSWHardeningNeeded",
		    "TDRelaunchAdvisedConfigurationNeeded" },
		{ "OutOfDate", "OutOfDate", "OutOfDate" },
		{ "OutOfDate", "OutOfDateConfigurationNeeded", "OutOfDate" },
		{ "OutOfDate", "Revoked", "OutOfDate" },
		{ "OutOfDateConfigurationNeeded", "UpToDate",
		    "TDRelaunchAdvisedConfigurationNeeded" },
		{ "OutOfDateConfigurationNeeded", "SWHardeningNeeded",
		    "TDRelaunchAdvisedConfigurationNeeded" },
		{ "OutOfDateConfigurationNeeded", "ConfigurationNeeded",
		    "TDRelaunchAdvisedConfigurationNeeded" },
		{ "OutOfDateConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded" },
		/* Else the launch stands. */
		{ "UpToDate", "OutOfDate", "UpToDate" },
		{ "SWHardeningNeeded", "UpToDate", "SWHardeningNeeded" },
		{ "ConfigurationNeeded", "UpToDate", "ConfigurationNeeded" },
		{ "Revoked", "UpToDate", "Revoked" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		new_td(5, 3);
		dcap.td.tee_tcb_svn[2] = 2; /* level 0 wants 3 */
		dcap.tcb_info.levels[0].is.status = rows[i].current;
		dcap.tcb_info.levels[1].tdx[2] = 2;
		dcap.tcb_info.levels[1].is.status = rows[i].launch;
		expect_relaunch(rows[i].launch, rows[i].status, rows[i].launch, rows[i].current);
	}
}

static void
relaunch_comes_after_the_qe(void **state)
{
	(void)state;
	new_td(5, 3);
	dcap.td.tee_tcb_svn[0] = 4;
	dcap.qe.isv_svn = 6;
	expect_relaunch("QE OutOfDate", "OutOfDate", "OutOfDate", "OutOfDate");
	new_td(5, 3);
	dcap.qe_identity.levels[0].is.status = "Revoked";
	dcap.td.tee_tcb_svn[0] = 4;
	expect_relaunch("QE Revoked", "Revoked", "Revoked", "Revoked");
	new_td(5, 3);
	dcap.td.tee_tcb_svn[0] = 1; /* below every level */
	expect_relaunch("no level at launch", "NotSupported", "NotSupported", "UpToDate");
	new_td(5, 3);
	dcap.td.tee_tcb_svn[0] = 4;
	dcap.td.tee_tcb_svn2[0] = 7;
	dcap.td.tee_tcb_svn2[1] = 3; /* TDX_03: another line runs now */
	expect_relaunch("other line", "TDRelaunchAdvised", "OutOfDate", "UpToDate");
	new_td(5, 2); /* TD 1.0 tells only of the launch */
	dcap.td.tee_tcb_svn[0] = 4;
	expect_relaunch("TD 1.0", "OutOfDate", "", "");
}

/* --- what reaches a level --------------------------------------------------------------------- */

/* Components 0 and 1 are the module's: judged by its identity when it has one. */
static void
tdx_components(void **state)
{
	(void)state;
	for (uint8_t major = 0; major <= 3; major += 3)
		for (size_t i = 0; i < 16; i++) {
			char what[64];
			new_td(4, 0);
			dcap.td.tee_tcb_svn[1] = major;
			for (size_t n = 0; n < dcap.tcb_info.level_count; n++)
				for (size_t k = 0; k < 16; k++)
					dcap.tcb_info.levels[n].tdx[k] = dcap.td.tee_tcb_svn[k];
			(void)snprintf(what, sizeof what, "major %u, all equal", major);
			expect_status(what, "UpToDate");
			/* One short of the first level, none of the second. */
			dcap.quote.body = (struct sim_bytes){ NULL, 0 };
			dcap.quote.qe_report = dcap.quote.qe_report_signature = dcap.quote.body;
			dcap.tcb_info.levels[0].tdx[i]++;
			(void)snprintf(
			    what, sizeof what, "major %u, component %zu short", major, i);
			expect_status(what, major > 0 && i < 2 ? "UpToDate" : "OutOfDate");
			for (size_t n = 1; n < dcap.tcb_info.level_count; n++)
				dcap.tcb_info.levels[n].tdx[i]++;
			(void)snprintf(
			    what, sizeof what, "major %u, component %zu short of all", major, i);
			expect_status(what, major > 0 && i < 2 ? "UpToDate" : "NotSupported");
		}
}

static void
module_status_needs_a_major(void **state)
{
	(void)state;
	new_td(4, 0);
	dcap.td.tee_tcb_svn[1] = 0;
	dcap.tcb_info.modules[0].levels[0].is.status = "Revoked";
	struct assay_claims *c = claims_of_dcap();
	expect_text(c, "TDX 1.0", "tcb.status", "UpToDate");
	assert_false(assay_claims_has(c, place("dcap.module_status")));
	assay_claims_free(c);
}

static void
sgx_components_and_pce(void **state)
{
	(void)state;
	for (size_t i = 0; i <= 16; i++) { /* 16: PCESVN */
		char what[64];
		new_enclave();
		dcap.tcb_info.levels[0].sgx[0]++; /* sorts first, with its one part too many */
		dcap.extension.components[0]++;
		if (i < 16 && dcap.tcb_info.levels[0].sgx[i] == 255)
			continue;
		if (i < 16)
			dcap.tcb_info.levels[0].sgx[i]++;
		else
			dcap.tcb_info.levels[0].pce_svn++;
		(void)snprintf(what, sizeof what, "part %zu short", i);
		expect_status(what, "OutOfDate");
	}
	new_enclave();
	dcap.extension.pce_svn = 12;
	dcap.quote.pce_svn = 12;
	struct assay_claims *c = claims_of_dcap();
	expect_text(c, "PCESVN short of all", "tcb.status", "NotSupported");
	assert_int_equal(assay_claims_list_count(c, place("tcb.advisories")), 0);
	assay_claims_free(c);

	new_enclave();
	dcap.extension.pce_svn = 12;
	dcap.quote.pce_svn = 12;
	dcap.tcb_info.levels[1].pce_svn = 12;
	c = claims_of_dcap();
	expect_text(c, "PCESVN short of the best", "tcb.status", "OutOfDate");
	assert_int_equal(assay_claims_short_count(c), 1);
	struct assay_shortfall s = assay_claims_short_at(c, 0);
	assert_string_equal(s.part, "PCE SVN");
	assert_true(s.got == 12 && s.want == 13);
	assay_claims_free(c);
}

/* The file's order of levels, of the platform, the module and the QE, decides nothing. */
static void
levels_in_any_order(void **state)
{
	static const uint8_t orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };
	static const struct {
		uint8_t component, module, qe;
		const char *status;
	} rows[] = {
		{ 8, 6, 8, "UpToDate" },
		{ 7, 6, 8, "ConfigurationNeeded" },
		{ 6, 6, 8, "SWHardeningNeeded" },
		{ 7, 4, 8, "OutOfDateConfigurationNeeded" },
		{ 8, 6, 7, "OutOfDate" },
		{ 5, 6, 8, "NotSupported" },
	};

	(void)state;
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
		for (size_t o = 0; o < 12; o++) {
			new_td(4, 0);
			struct sim_tcb_info *t = &dcap.tcb_info;
			struct sim_level levels[3];
			t->levels[1].is.status = "ConfigurationNeeded";
			t->levels[2].is.status = "SWHardeningNeeded";
			memcpy(levels, t->levels, sizeof levels);
			for (size_t i = 0; i < 3; i++)
				t->levels[i] = levels[orders[o % 6][i]];
			if (o >= 6) {
				struct sim_svn_level *m = t->modules[1].levels;
				struct sim_svn_level *q = dcap.qe_identity.levels;
				struct sim_svn_level best = m[0];
				m[0] = m[1];
				m[1] = best;
				best = q[0];
				q[0] = q[1];
				q[1] = best;
			}
			dcap.extension.components[0] = rows[r].component;
			dcap.extension.components[1] = rows[r].component;
			dcap.td.tee_tcb_svn[0] = rows[r].module;
			dcap.qe.isv_svn = rows[r].qe;
			expect_status(rows[r].status, rows[r].status);
		}
}

static void
evaluation_is_the_smaller(void **state)
{
	static const unsigned rows[][3] = { { 21, 21, 21 }, { 20, 21, 20 }, { 21, 19, 19 },
		{ 0, 5, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		new_td(4, 0);
		dcap.tcb_info.doc.evaluation = rows[i][0];
		dcap.qe_identity.doc.evaluation = rows[i][1];
		struct assay_claims *c = claims_of_dcap();
		assert_int_equal(
		    assay_claims_uint(c, place("dcap.tcb_info_evaluation")), rows[i][0]);
		assert_int_equal(
		    assay_claims_uint(c, place("dcap.qe_identity_evaluation")), rows[i][1]);
		assert_int_equal(assay_claims_uint(c, place("tcb.evaluation")), rows[i][2]);
		assay_claims_free(c);
	}
}

/* --- the same rows, whatever was judged before -------------------------------------------------- */

/* Pieces of evidence of all kinds, good and bad, each with what is trusted of it. */
static struct world {
	const char *name;
	struct sim_bytes evidence;
	struct assay_trust *trust;
	enum assay_code code;
	char *fresh; /* what fresh objects say of it */
} worlds[32];
static size_t world_count;

struct tools {
	struct assay_evidence *ev;
	struct assay_claims *claims;
	struct assay_checks *checks;
	struct assay_cache *cache;
};

static void
clear_tools(struct tools *t)
{
	assay_claims_free(t->claims);
	assay_evidence_free(t->ev);
	assay_checks_free(t->checks);
	assay_cache_free(t->cache);
}

/* All that an appraisal says, as text; the caller frees it. Asserts nothing: threads run it. */
static char *
outcome_of(struct tools *t, struct assay_bytes evidence, const struct assay_trust *trust)
{
	struct assay_appraisal how = { .trust = trust, .now = NOW, .cache = t->cache };
	struct assay_error err = { ASSAY_OK, "" };
	char *text = NULL, *json = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	if (t->checks == NULL && assay_checks_new(&t->checks, NULL) != ASSAY_OK)
		abort();
	assay_checks_clear(t->checks);
	if (assay_evidence_parse(&t->ev, evidence, &err) != ASSAY_OK) {
		(void)fprintf(f, "%s %s\n", assay_code_name(err.code), err.text);
		(void)fclose(f);
		return text;
	}
	(void)fprintf(f, "%s, %s, %s\n", assay_evidence_tee(t->ev), assay_evidence_title(t->ev),
	    assay_evidence_kind(t->ev));
	enum assay_code rc = assay_evidence_verify(&t->claims, t->checks, t->ev, &how, &err);
	(void)fprintf(f, "%s %s\n", assay_code_name(rc), err.text);
	rc = assay_policy_check(t->checks, assay_policy_builtin("default"), t->claims, &err);
	(void)fprintf(f, "%s %s\n", assay_code_name(rc), err.text);
	for (size_t i = 0; i < assay_checks_count(t->checks); i++)
		(void)fprintf(f, "%s %s %s %s%s; %s\n", assay_check_id(t->checks, i),
		    assay_outcome_name(assay_check_outcome(t->checks, i)),
		    assay_code_name(assay_check_code(t->checks, i)),
		    assay_check_needed(t->checks, i) ? "needed " : "",
		    assay_check_detail(t->checks, i), assay_check_fix(t->checks, i));
	for (size_t i = 0; i < assay_missing_count(t->checks); i++)
		(void)fprintf(f, "missing %s, %s\n", assay_missing_what(t->checks, i),
		    assay_missing_which(t->checks, i));
	for (size_t i = 0; i < assay_claims_short_count(t->claims); i++)
		(void)fprintf(f, "short %s\n", assay_claims_short_at(t->claims, i).part);
	if (assay_claims_json(&json, t->claims, &err) == ASSAY_OK)
		(void)fprintf(f, "%s\n", json);
	free(json);
	(void)fclose(f);
	return text;
}

static enum assay_code
code_of(struct tools *t, struct assay_bytes evidence, const struct assay_trust *trust)
{
	free(outcome_of(t, evidence, trust));
	return assay_evidence_tee(t->ev)[0] == '\0' ? ASSAY_E_FORMAT
						    : assay_checks_genuine(t->checks);
}

static struct world *
add_world(const char *name, const struct sim_output *out, enum assay_code code)
{
	struct world *w = &worlds[world_count++];
	struct tools t = { .ev = NULL };

	assert_true(world_count <= sizeof worlds / sizeof worlds[0]);
	*w = (struct world){ name, out->evidence, trust_in(out), code, NULL };
	w->fresh = outcome_of(&t, bytes(w->evidence), w->trust);
	if (t.ev == NULL)
		assert_int_equal(code, ASSAY_E_FORMAT);
	else if (assay_checks_genuine(t.checks) != code)
		fail_msg("%s: %s", name, w->fresh);
	clear_tools(&t);
	return w;
}

/* The same platform with one byte of its evidence changed. */
static void
add_damaged(const char *name, struct sim_output out, struct sim *in, size_t at)
{
	out.evidence = sim_copy(in, out.evidence.ptr, out.evidence.len);
	out.evidence.ptr[at] ^= 0x10;
	(void)add_world(name, &out, ASSAY_E_SIGNATURE);
}

/* A chain as long as the genuine one, its PCK certificate signed otherwise. */
static void
add_other_chain(struct sim_output out, struct sim *in)
{
	out.evidence = sim_copy(in, out.evidence.ptr, out.evidence.len);
	uint8_t *p = out.evidence.ptr;
	while (memcmp(p, "-----END", 8) != 0)
		p++;
	p[-20] = p[-20] == 'A' ? 'B' : 'A'; /* in the last number of the signature */
	(void)add_world("other chain", &out, ASSAY_E_SIGNATURE);
}

static void
add_dcap(const char *name, struct sim *in, bool tdx, uint16_t version, uint16_t body, bool ca)
{
	static struct sim_dcap p;
	struct sim_output out;

	sim_dcap_new(&p, in, tdx, version, body, ca, NOW, 30 * SIM_DAY);
	if (version == 5)
		p.td.tee_tcb_svn[0] = 4; /* the shortfalls are claims too */
	sim_dcap_write(&p, &out);
	(void)add_world(name, &out, ASSAY_OK);
	add_damaged("damaged", out, in, 100);
	add_other_chain(out, in);
	out.item_count = 2; /* TCB info and QE identity, and nothing to judge them by */
	(void)add_world("without collateral", &out, ASSAY_E_INCOMPLETE);
}

static void
add_snp(const char *name, enum sim_product product, uint32_t version, bool vlek, bool table_form)
{
	static struct sim_snp p;
	struct sim_output out;

	sim_snp_new(&p, sim, product, version, vlek, NOW, 30 * SIM_DAY);
	p.table = table_form;
	sim_snp_write(&p, &out);
	(void)add_world(name, &out, ASSAY_OK);
	add_damaged("damaged", out, sim, 0x60);
}

static void
make_worlds(void)
{
	static struct sim_sev sev;
	struct sim_output out;

	sim_reset(sim);
	add_dcap("SGX", sim, false, 3, 0, true);
	add_dcap("TDX", sim, true, 4, 0, true);
	add_dcap("TDX of other keys", other_sim, true, 4, 0, true);
	add_dcap("TD 1.5", sim, true, 5, 3, true);
	add_dcap("SGX, Processor CA", other_sim, false, 3, 0, false);
	add_snp("SNP, Milan", SIM_MILAN, 3, false, false);
	add_snp("SNP with a table, Turin", SIM_TURIN, 5, false, true);
	sim_sev_new(&sev, sim, "Milan", true);
	sim_sev_write(&sev, &out);
	(void)add_world("SEV-ES", &out, ASSAY_OK);
	out.evidence = sim_copy(sim, out.evidence.ptr, 200);
	(void)add_world("no evidence", &out, ASSAY_E_FORMAT);
}

static void
free_worlds(void)
{
	for (size_t i = 0; i < world_count; i++) {
		assay_trust_free(worlds[i].trust);
		free(worlds[i].fresh);
	}
	world_count = 0;
}

/* Fails with the first line in which the two differ. */
static void
expect_same(const char *what, const char *before, const char *got, const char *want)
{
	size_t at = 0, line = 0;

	if (strcmp(got, want) == 0)
		return;
	for (; got[at] != '\0' && got[at] == want[at]; at++)
		if (got[at] == '\n')
			line = at + 1;
	fail_msg("%s after %s: \"%.*s\", fresh: \"%.*s\"", what, before,
	    (int)strcspn(got + line, "\n"), got + line, (int)strcspn(want + line, "\n"),
	    want + line);
}

static void
judge_again(struct tools *t, const struct world *before, const struct world *w)
{
	char *got = outcome_of(t, bytes(w->evidence), w->trust);

	expect_same(w->name, before->name, got, w->fresh);
	free(got);
}

/* Every two of them in a row, by objects that have judged all pairs before. */
static void
reuse_changes_nothing(void **state)
{
	(void)state;
	for (int cached = 0; cached < 2; cached++) {
		struct tools t = { .ev = NULL };
		if (cached)
			assert_int_equal(assay_cache_new(&t.cache, 0, NULL), ASSAY_OK);
		for (size_t i = 0; i < world_count; i++)
			for (size_t j = 0; j < world_count; j++) {
				judge_again(&t, &worlds[i], &worlds[i]);
				judge_again(&t, &worlds[i], &worlds[j]);
			}
		clear_tools(&t);
	}
}

static const struct world *
world(const char *name)
{
	for (size_t i = 0; i < world_count; i++)
		if (strcmp(worlds[i].name, name) == 0)
			return &worlds[i];
	fail_msg("no %s", name);
	return NULL;
}

/* Two vendors of one name: what one vouched for is nothing to the other. */
static void
other_chain_in_between(void **state)
{
	const struct world *a = world("TDX"), *b = world("TDX of other keys");
	struct tools t = { .ev = NULL };

	(void)state;
	assert_int_equal(assay_cache_new(&t.cache, 0, NULL), ASSAY_OK);
	for (int i = 0; i < 3; i++) {
		judge_again(&t, b, a);
		assert_int_equal(code_of(&t, bytes(b->evidence), a->trust), ASSAY_E_SIGNATURE);
		judge_again(&t, a, b);
		assert_int_equal(code_of(&t, bytes(a->evidence), b->trust), ASSAY_E_SIGNATURE);
		judge_again(&t, b, a);
	}
	clear_tools(&t);
}

/* A cache that knows the whole chain lets no changed byte of a quote pass. */
static void
warm_cache_sees_every_byte(void **state)
{
	static const char *const names[] = { "TDX", "SGX" };

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		const struct world *w = world(names[n]);
		struct tools t = { .ev = NULL };
		size_t len = w->evidence.len;
		uint8_t *copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, w->evidence.ptr, len);
		assert_int_equal(assay_cache_new(&t.cache, 0, NULL), ASSAY_OK);
		judge_again(&t, w, w);
		/* All before the certificates: what is signed, and the signatures. */
		size_t certs = 0;
		while (memcmp(copy + certs, "-----BEGIN", 10) != 0)
			certs++;
		for (size_t i = 0; i < certs; i++) {
			copy[i] ^= (uint8_t)(1 << i % 8);
			if (code_of(&t, (struct assay_bytes){ copy, len }, w->trust) == ASSAY_OK)
				fail_msg("%s: accepted with byte %zu changed", w->name, i);
			copy[i] ^= (uint8_t)(1 << i % 8);
		}
		judge_again(&t, w, w);
		free(copy);
		clear_tools(&t);
	}
}

static void
expect_as_text(struct tools *t, const struct world *w, const char *text, size_t len)
{
	char *got = outcome_of(t, (struct assay_bytes){ (const uint8_t *)text, len }, w->trust);

	expect_same(w->name, "being written as text", got, w->fresh);
	free(got);
}

static void
text_of_evidence(void **state)
{
	struct tools t = { .ev = NULL };

	(void)state;
	for (size_t i = 0; i < world_count; i++) {
		const struct world *w = &worlds[i];
		size_t n = w->evidence.len;
		char *text = malloc(4 * n + 64), *lines = malloc(4 * n + 64);
		assert_true(text != NULL && lines != NULL);
		if (w->code == ASSAY_E_FORMAT) {
			free(text);
			free(lines);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			(void)snprintf(
			    text + 2 * k, 3, k % 2 ? "%02X" : "%02x", w->evidence.ptr[k]);
		expect_as_text(&t, w, text, 2 * n);
		text[2 * n] = '\n';
		expect_as_text(&t, w, text, 2 * n + 1);

		size_t len =
		    (size_t)EVP_EncodeBlock((unsigned char *)text, w->evidence.ptr, (int)n);
		expect_as_text(&t, w, text, len);
		size_t at = 0;
		for (size_t k = 0; k < len; k++) {
			lines[at++] = text[k];
			if (k % 64 == 63 || k + 1 == len)
				lines[at++] = '\n';
		}
		expect_as_text(&t, w, lines, at);
		free(text);
		free(lines);
	}
	clear_tools(&t);
}

struct worker {
	struct assay_cache *cache;
	size_t first, wrong;
};

static void *
work(void *arg)
{
	struct worker *me = arg;
	struct tools t = { .cache = me->cache };

	for (size_t i = 0; i < 6 * world_count; i++) {
		const struct world *w = &worlds[(me->first + i) % world_count];
		char *got = outcome_of(&t, bytes(w->evidence), w->trust);
		me->wrong += strcmp(got, w->fresh) != 0;
		free(got);
	}
	t.cache = NULL;
	clear_tools(&t);
	return NULL;
}

/* Trust and cache are shared; a small cache forgets while the other thread asks. */
static void
threads_share(void **state)
{
	(void)state;
	for (size_t entries = 0; entries <= 8; entries += 8) {
		struct assay_cache *cache = NULL;
		pthread_t threads[2];
		assert_int_equal(assay_cache_new(&cache, entries, NULL), ASSAY_OK);
		struct worker workers[2] = { { cache, 0, 0 }, { cache, world_count / 2, 0 } };
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[0].wrong + workers[1].wrong, 0);
		assay_cache_free(cache);
	}
}

static int
make(void **state)
{
	(void)state;
	make_worlds();
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	free_worlds();
	return 0;
}

/* --- a report without certificates, and a store of many platforms --------------------------------- */

enum { TRIED_MOST = 128 };
static const char *const roles[] = { "pek.cert", "cek.cert", "oca.cert" };

/* Adds so many strangers' certificates of a role, of one key, under which the check is as long. */
static void
add_strangers(struct assay_trust *trust, size_t count, const char *role, bool other_algo)
{
	static struct sim_sev stranger;
	struct assay_error err;

	sim_sev_new(&stranger, other_sim, "Milan", true);
	struct sim_sev_cert *cert = strcmp(role, "pek.cert") == 0 ? &stranger.pek
	    : strcmp(role, "cek.cert") == 0                       ? &stranger.cek
								  : &stranger.oca;
	if (other_algo)
		cert->algo = 0x102; /* ECDSA with SHA-384, and the report says SHA-256 */
	for (size_t i = 0; i < count; i++) {
		cert->api_major = (uint8_t)(i >> 8);
		cert->api_minor = (uint8_t)i;
		if (assay_trust_add(trust, bytes(sim_sev_cert_write(other_sim, cert)), role, NULL,
			&err) != ASSAY_OK)
			fail_msg("%s: %s", role, err.text);
	}
}

static void
expect_bare(struct sim_bytes report, size_t strangers, const char *role, bool other_algo,
    enum assay_code want, const char *words)
{
	static struct sim_sev own;
	struct sim_output out;
	struct assay_trust *trust = NULL;
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;
	struct assay_checks *checks = NULL;
	struct assay_error err = { .text = "" };

	sim_sev_new(&own, sim, "Milan", true);
	sim_sev_write(&own, &out);
	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	assert_int_equal(assay_trust_add_root(trust, bytes(out.root), "root", &err), ASSAY_OK);
	assay_trust_set_store(trust);
	add_strangers(trust, strangers, role, other_algo);
	for (size_t i = 0; i < out.item_count; i++)
		assert_int_equal(assay_trust_add(trust, bytes(out.items[i].bytes),
				     out.items[i].name, NULL, &err),
		    ASSAY_OK);
	struct assay_appraisal how = { .trust = trust, .now = NOW };
	assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
	assert_int_equal(
	    assay_evidence_parse(&ev, bytes(report.len > 0 ? report : out.evidence), &err),
	    ASSAY_OK);
	enum assay_code rc = assay_evidence_verify(&claims, checks, ev, &how, &err);
	if (rc != want || strstr(err.text, words) == NULL)
		fail_msg("%zu %s: %d, %s", strangers, role, rc, err.text);
	assay_checks_free(checks);
	assay_claims_free(claims);
	assay_evidence_free(ev);
	assay_trust_free(trust);
}

static void
bare_report_among_many(void **state)
{
	static const struct sim_bytes own = { NULL, 0 };
	static const char *const words[] = {
		("more than 128 certificates PEK, and 128 of them do not fit: send the platform's "
		 "own"),
		"more than 128 certificates CEK, and 128 of them do not fit",
		"more than 128 certificates OCA, and 128 of them do not fit",
	};
	static struct sim_sev other;
	struct sim_output out;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		expect_bare(own, TRIED_MOST - 1, roles[i], false, ASSAY_OK, "");
		expect_bare(own, TRIED_MOST, roles[i], false, ASSAY_E_INCOMPLETE, words[i]);
	}
	/* What cannot have signed the report is not tried. */
	expect_bare(own, TRIED_MOST + 9, "pek.cert", true, ASSAY_OK, "");
	/* Of nobody's platform: refused for what it is, and nobody's chain is looked for. */
	sim_sev_new(&other, other_sim, "Milan", true);
	other.report.signer = sim_key(other_sim, SIM_P384, "rogue");
	sim_sev_write(&other, &out);
	expect_bare(out.evidence, 0, roles[0], false, ASSAY_E_SIGNATURE,
	    "the report is not signed by this PEK");
	expect_bare(
	    out.evidence, TRIED_MOST + 9, roles[1], false, ASSAY_E_SIGNATURE, "not signed by");
}

int
main(void)
{
	const struct CMUnitTest statuses[] = {
		cmocka_unit_test(statuses_converge),
		cmocka_unit_test(relaunch_after_module_update),
		cmocka_unit_test(relaunch_of_levels),
		cmocka_unit_test(relaunch_comes_after_the_qe),
		cmocka_unit_test(tdx_components),
		cmocka_unit_test(module_status_needs_a_major),
		cmocka_unit_test(sgx_components_and_pce),
		cmocka_unit_test(levels_in_any_order),
		cmocka_unit_test(evaluation_is_the_smaller),
		cmocka_unit_test(bare_report_among_many),
		cmocka_unit_test_setup_teardown(reuse_changes_nothing, make, clear),
		cmocka_unit_test_setup_teardown(other_chain_in_between, make, clear),
		cmocka_unit_test_setup_teardown(warm_cache_sees_every_byte, make, clear),
		cmocka_unit_test_setup_teardown(text_of_evidence, make, clear),
		cmocka_unit_test_setup_teardown(threads_share, make, clear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	sim = sim_new(1);
	other_sim = sim_new(2);
	int failed = cmocka_run_group_tests(statuses, NULL, NULL);
	sim_free(sim);
	sim_free(other_sim);
	return failed;
}
