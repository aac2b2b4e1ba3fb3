/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence that must be refused, each piece by the check that was made for it. */
#include "forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assay/assay.h>

static struct sim *simulator;
/* The second pass: a cache that has seen everything before, and objects used again and again. */
static struct assay_cache *warm;
static struct assay_evidence *used;
static struct assay_claims *used_claims;
static size_t refused;
static bool covered[256]; /* by index of assay_check_info_at() */

const uint8_t forge_order_p256[32] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3,
	0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
const uint8_t forge_order_p384[48] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7,
	0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a,
	0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73 };

void
forge_overwrite(struct sim_bytes bytes, size_t at, const void *with, size_t n)
{
	assert_true(at + n <= bytes.len);
	memcpy(bytes.ptr + at, with, n);
}

void
forge_drop_item(struct forge *f, const char *name)
{
	struct sim_output *out = &f->out;

	for (size_t i = 0; i < out->item_count; i++)
		if (strcmp(out->items[i].name, name) == 0) {
			out->item_count--;
			memmove(&out->items[i], &out->items[i + 1],
			    (out->item_count - i) * sizeof out->items[0]);
			return;
		}
	fail_msg("no item %s", name);
}

/* --- making --------------------------------------------------------------------------------- */

static const struct kind {
	const char *name;
	enum { DCAP, SNP, LEGACY } family;
	bool tdx, platform_ca;
	uint16_t version, body_type;
	enum sim_product product;
	bool vlek, table, es, bound;
	const char *legacy;
} kinds[] = {
	[SGX3] = { .name = "SGX quote v3", .version = 3, .platform_ca = true },
	[SGX3_PROCESSOR] = { .name = "SGX quote v3, Processor CA", .version = 3 },
	[SGX4] = { .name = "SGX quote v4", .version = 4, .platform_ca = true },
	[SGX5] = { .name = "SGX quote v5", .version = 5, .body_type = 1, .platform_ca = true },
	[TDX4] = { .name = "TDX quote v4", .tdx = true, .version = 4, .platform_ca = true },
	[TDX5_10] = { .name = "TDX quote v5, TD 1.0",
	    .tdx = true,
	    .version = 5,
	    .body_type = 2,
	    .platform_ca = true },
	[TDX5_15] = { .name = "TDX quote v5, TD 1.5",
	    .tdx = true,
	    .version = 5,
	    .body_type = 3,
	    .platform_ca = true },
	[TDX5_EXT] = { .name = "TDX quote v5, extended",
	    .tdx = true,
	    .version = 5,
	    .body_type = 4,
	    .platform_ca = true },
	[MILAN2] = { .name = "SNP report v2, Milan",
	    .family = SNP,
	    .version = 2,
	    .product = SIM_MILAN },
	[MILAN3] = { .name = "SNP report v3, Milan",
	    .family = SNP,
	    .version = 3,
	    .product = SIM_MILAN },
	[MILAN3_TABLE] = { .name = "SNP report v3 with certificates, Milan",
	    .family = SNP,
	    .version = 3,
	    .product = SIM_MILAN,
	    .table = true },
	[MILAN3_VLEK] = { .name = "SNP report v3 by a VLEK, Milan",
	    .family = SNP,
	    .version = 3,
	    .product = SIM_MILAN,
	    .vlek = true },
	[GENOA4] = { .name = "SNP report v4, Genoa",
	    .family = SNP,
	    .version = 4,
	    .product = SIM_GENOA },
	[TURIN5] = { .name = "SNP report v5, Turin",
	    .family = SNP,
	    .version = 5,
	    .product = SIM_TURIN },
	[TURIN5_VLEK] = { .name = "SNP report v5 by a VLEK, Turin",
	    .family = SNP,
	    .version = 5,
	    .product = SIM_TURIN,
	    .vlek = true },
	[SEV] = { .name = "SEV report", .family = LEGACY, .legacy = "Milan" },
	[SEV_ES] = { .name = "SEV-ES report", .family = LEGACY, .legacy = "Milan", .es = true },
	[SEV_BOUND] = { .name = "SEV guest with its proof",
	    .family = LEGACY,
	    .legacy = "Milan",
	    .bound = true },
	[SEV_ES_BOUND] = { .name = "SEV-ES guest with its proof",
	    .family = LEGACY,
	    .legacy = "Milan",
	    .es = true,
	    .bound = true },
	[SEV_NAPLES] = { .name = "SEV report, Naples", .family = LEGACY, .legacy = "Naples" },
};

static void
make(struct forge *f, const struct forgery *g)
{
	const struct kind *k = &kinds[g->kind];

	*f = (struct forge){ .sim = simulator };
	if (k->family == DCAP)
		sim_dcap_new(&f->dcap, simulator, k->tdx, k->version, k->body_type, k->platform_ca,
		    FORGE_NOW, 30 * SIM_DAY);
	else if (k->family == SNP)
		sim_snp_new(
		    &f->snp, simulator, k->product, k->version, k->vlek, FORGE_NOW, 30 * SIM_DAY);
	else
		sim_sev_new(&f->sev, simulator, k->legacy, k->es);
	if (k->family == SNP)
		f->snp.table = k->table;
	if (k->bound)
		forge_launched(f);
	if (g->bend != NULL)
		g->bend(f);
	if (k->bound)
		forge_answer(f);
	if (k->family == DCAP)
		sim_dcap_write(&f->dcap, &f->out);
	else if (k->family == SNP)
		sim_snp_write(&f->snp, &f->out);
	else
		sim_sev_write(&f->sev, &f->out);
	if (k->bound)
		forge_prove(f);
	if (k->table)
		while (f->out.item_count > 0) /* the table has them, but for the CRL */
			forge_drop_item(f, f->out.items[0].name);
	if (g->after != NULL)
		g->after(f);
}

/* --- judging -------------------------------------------------------------------------------- */

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static struct assay_bytes
text(const char *t)
{
	return (struct assay_bytes){ (const uint8_t *)t, strlen(t) };
}

static enum assay_code
add_all(struct assay_trust *trust, const struct forge *f, struct assay_error *err)
{
	const struct sim_output *out = &f->out;
	enum assay_code rc = ASSAY_OK;

	if (!f->no_root)
		rc = assay_trust_add_root(trust, bytes(out->root), "trust-root", err);
	for (size_t i = 0; i < out->item_count && rc == ASSAY_OK; i++)
		rc = assay_trust_add(
		    trust, bytes(out->items[i].bytes), out->items[i].name, NULL, err);
	if (rc != ASSAY_OK)
		return rc;
	assay_trust_set_min_evaluation(trust, f->min_evaluation);
	/* The platform's own floor is for `default`, which has none of Turin. */
	const char *own =
	    f->policy != NULL && strcmp(f->policy, "default") == 0 ? out->min_tcb : "";
	const char *floor = f->min_tcb != NULL ? f->min_tcb : own;
	if (floor[0] != '\0')
		assert_int_equal(assay_trust_set_min_tcb(trust, floor, err), ASSAY_OK);
	if (f->platforms != NULL)
		assert_int_equal(
		    assay_trust_add_platforms(trust, text(f->platforms), "platforms", err),
		    ASSAY_OK);
	if (f->min_crl_issuer != NULL)
		assert_int_equal(
		    assay_trust_set_min_crl(trust, f->min_crl_issuer, f->min_crl, err), ASSAY_OK);
	return ASSAY_OK;
}

struct launches {
	struct assay_launch *all[4];
	size_t count;
};

static enum assay_code
read_launches(struct launches *l, const struct forge *f, struct assay_error *err)
{
	struct assay_jwks *signers = NULL;
	enum assay_code rc = ASSAY_OK;

	l->count = 0;
	if (f->signers != NULL)
		assert_int_equal(assay_jwks_parse(&signers, text(f->signers), err), ASSAY_OK);
	for (size_t i = 0; i < f->record_count && rc == ASSAY_OK; i++)
		if ((rc = assay_launch_parse(&l->all[i], bytes(f->records[i]),
			 i < f->before_signers ? NULL : signers, err)) == ASSAY_OK)
			l->count++;
	assay_jwks_free(signers);
	return rc;
}

/* Verification, policy, expectation: as `assay verify` strings them together. */
static void
judge(struct assay_checks *checks, const struct forge *f, const struct assay_trust *trust,
    const struct launches *launches, const struct assay_evidence *ev, struct assay_claims **claims,
    struct assay_cache *cache)
{
	const struct assay_launch *all[4] = { NULL };
	struct assay_appraisal how = { .trust = trust,
		.now = FORGE_NOW,
		.report_data = bytes(f->report_data),
		.launches = all,
		.launch_count = launches->count,
		.cache = cache,
		.require_crl = f->require_crl };
	struct assay_error err;

	for (size_t i = 0; i < launches->count; i++)
		all[i] = launches->all[i];
	enum assay_code rc = assay_evidence_verify(claims, checks, ev, &how, &err);
	assert_int_equal(rc, assay_checks_verdict(checks));
	const struct assay_policy *policy =
	    assay_policy_builtin(f->policy != NULL ? f->policy : "genuine");
	struct assay_policy *own = NULL;
	if (policy == NULL) {
		assert_int_equal(
		    assay_policy_compile(&own, text(f->policy), "own.policy", NULL, &err),
		    ASSAY_OK);
		policy = own;
	}
	rc = assay_policy_check(checks, policy, *claims, &err);
	assert_int_equal(rc, assay_checks_verdict(checks));
	assay_policy_free(own);
	if (f->expect_claim != NULL) {
		rc = assay_policy_expect(checks, *claims, f->expect_claim, f->expect_value, &err);
		assert_int_equal(rc, assay_checks_verdict(checks));
	}
}

static void
print_rows(const struct assay_checks *checks)
{
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		if (assay_check_outcome(checks, i) != ASSAY_PASS)
			print_message("# %s %s%s: %s\n",
			    assay_outcome_name(assay_check_outcome(checks, i)),
			    assay_check_needed(checks, i) ? "(needed) " : "",
			    assay_check_id(checks, i), assay_check_detail(checks, i));
}

/* True if id is one of the words of list. */
static bool
listed(const char *id, const char *list)
{
	size_t n = strlen(id);

	for (const char *at = list; at != NULL && (at = strstr(at, id)) != NULL; at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static void
cover(const char *id)
{
	const struct assay_check_info *info = assay_check_info_find(id);

	if (info == NULL)
		fail_msg("%s is no check", id);
	for (size_t i = 0; i < assay_check_info_count(); i++)
		if (assay_check_info_at(i) == info)
			covered[i] = true;
}

/* The rows of a forgery: the check made for it fails (or is missed), and nothing else does. */
static void
expect_rows(const struct forgery *g, const struct assay_checks *checks)
{
	enum assay_outcome want = g->how == NEEDED ? ASSAY_SKIPPED
	    : g->how == WARNED                     ? ASSAY_WARNING
						   : ASSAY_FAIL;
	bool found = false;
	size_t strangers = 0;

	for (size_t i = 0; i < assay_checks_count(checks); i++) {
		const char *id = assay_check_id(checks, i);
		enum assay_outcome outcome = assay_check_outcome(checks, i);
		if (strcmp(id, g->id) == 0 && outcome == want &&
		    (g->how != NEEDED || assay_check_needed(checks, i)) &&
		    strstr(assay_check_detail(checks, i), g->words) != NULL)
			found = true;
		else if (outcome == ASSAY_FAIL && strcmp(id, g->id) != 0 && !listed(id, g->also))
			strangers++;
	}
	if (!found || strangers > 0)
		print_rows(checks);
	if (g->how != WARNED && assay_checks_verdict(checks) == ASSAY_OK)
		fail_msg("accepted");
	if (g->how == REFUSED && assay_checks_verdict(checks) == ASSAY_E_INCOMPLETE)
		fail_msg("undetermined, should be refused by %s", g->id);
	if (!found)
		fail_msg("%s did not refuse it with \"%s\"", g->id, g->words);
	if (strangers > 0)
		fail_msg("%zu other checks failed", strangers);
}

/* What is accepted has passed each of these: a path on which one is never run fails here. */
static const char *const always[] = { "evidence.format" };
static const char *const dcap_always[] = { "dcap.pck.chain", "dcap.root.pinned", "dcap.root.dates",
	"dcap.pck_ca.profile", "dcap.pck_ca.signature", "dcap.pck_ca.dates", "dcap.pck_ca.revoked",
	"dcap.pck.profile", "dcap.pck.signature", "dcap.pck.dates", "dcap.pck.revoked",
	"dcap.root_crl.signature", "dcap.root_crl.dates", "dcap.root_crl.floor",
	"dcap.pck_crl.signature", "dcap.pck_crl.dates", "dcap.pck_crl.floor",
	"dcap.tcb_signing.profile", "dcap.tcb_signing.signature", "dcap.tcb_signing.dates",
	"dcap.tcb_signing.revoked", "dcap.tcb_info.signature", "dcap.tcb_info.dates",
	"dcap.tcb_info.evaluation", "dcap.tcb_info.platform", "dcap.qe_identity.signature",
	"dcap.qe_identity.dates", "dcap.qe_identity.evaluation", "dcap.qe_identity.id",
	"dcap.qe_report.signature", "dcap.qe_report.binding", "dcap.quote.signature",
	"dcap.qe.misc_select", "dcap.qe.attributes", "dcap.qe.mr_signer", "dcap.qe.prod_id",
	"dcap.qe.level" };
static const char *const tdx_always[] = { "tdx.module.identity", "tdx.module.signer",
	"tdx.module.attributes" };
static const char *const snp_always[] = { "snp.report.signed", "snp.report.product",
	"snp.report.policy", "snp.report.tcb_order", "snp.report.signature", "snp.vcek.kind",
	"snp.vcek.profile", "snp.vcek.dates", "snp.vcek.signature", "snp.vcek.product",
	"snp.vcek.tcb_matches", "snp.ask.profile", "snp.ask.signature", "snp.ask.dates",
	"snp.ark.pinned", "snp.ark.dates" };
static const char *const sev_always[] = { "sev.cek.profile", "sev.cek.signature", "sev.ask.profile",
	"sev.ask.signature", "sev.ark.pinned", "sev.ark.signature", "sev.oca.profile",
	"sev.oca.signature", "sev.pek.profile", "sev.pek.cek_signature", "sev.pek.oca_signature",
	"sev.report.signer", "sev.report.signature" };

static const char *const bound_always[] = { "sev.proof.known", "sev.proof.certified",
	"sev.proof.signature", "sev.launch.platform", "sev.launch.digest", "sev.launch.policy",
	"evidence.report_data" };

static void
expect_passed(const struct assay_checks *checks, const char *const *ids, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		size_t i = 0, n = assay_checks_count(checks);
		while (i < n &&
		    (strcmp(assay_check_id(checks, i), ids[k]) != 0 ||
			assay_check_outcome(checks, i) != ASSAY_PASS))
			i++;
		if (i == n)
			fail_msg("accepted, and %s was not passed", ids[k]);
	}
}

#define EXPECT_PASSED(checks, ids) expect_passed(checks, ids, sizeof(ids) / sizeof(ids)[0])

static void
expect_all_was_checked(const struct forgery *g, const struct assay_checks *checks, bool asked)
{
	const struct kind *k = &kinds[g->kind];

	EXPECT_PASSED(checks, always);
	if (k->family == DCAP)
		EXPECT_PASSED(checks, dcap_always);
	if (k->family == DCAP && k->tdx)
		EXPECT_PASSED(checks, tdx_always);
	if (k->family == SNP)
		EXPECT_PASSED(checks, snp_always);
	if (k->family == LEGACY)
		EXPECT_PASSED(checks, sev_always);
	if (k->bound && asked)
		EXPECT_PASSED(checks, bound_always);
}

static void
expect_verdict(const struct forgery *g, const struct assay_checks *checks, bool asked)
{
	if (g->id != NULL) {
		expect_rows(g, checks);
	} else if (assay_checks_verdict(checks) != ASSAY_OK) {
		print_rows(checks);
		fail_msg("not accepted");
	}
	if (assay_checks_verdict(checks) == ASSAY_OK)
		expect_all_was_checked(g, checks, asked);
}

static void
expect_refusal(
    const struct forgery *g, const char *where, enum assay_code rc, const struct assay_error *err)
{
	if (rc == ASSAY_OK)
		fail_msg("%s took it", where);
	if (strstr(err->text, g->words) == NULL || err->text[0] == '\0')
		fail_msg("%s: \"%s\" lacks \"%s\"", where, err->text, g->words);
}

static void
run(void **state)
{
	const struct forgery *g = *state;
	struct assay_trust *trust = NULL;
	struct assay_checks *checks = NULL;
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;
	struct assay_error err = { .code = ASSAY_OK };
	struct launches launches = { .count = 0 };
	struct forge f;

	make(&f, g);
	bool asked = f.report_data.len > 0 && f.record_count > 0;
	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
	enum assay_code rc = add_all(trust, &f, &err);
	if (rc == ASSAY_OK)
		rc = read_launches(&launches, &f, &err);
	if (rc != ASSAY_OK && g->how != NOT_ADDED)
		fail_msg("collateral: %s", err.text);
	if (g->how == NOT_ADDED) {
		expect_refusal(g, "assay_trust_add", rc, &err);
	} else {
		rc = assay_evidence_parse(&ev, bytes(f.out.evidence), &err);
		if (g->how == NOT_PARSED) {
			expect_refusal(g, "assay_evidence_parse", rc, &err);
		} else {
			if (rc != ASSAY_OK)
				fail_msg("not parsed: %s", err.text);
			judge(checks, &f, trust, &launches, ev, &claims, NULL);
			expect_verdict(g, checks, asked);
			/* What remembers the genuine ones refuses as much. */
			assay_checks_clear(checks);
			assert_int_equal(
			    assay_evidence_parse(&used, bytes(f.out.evidence), &err), ASSAY_OK);
			judge(checks, &f, trust, &launches, used, &used_claims, warm);
			expect_verdict(g, checks, asked);
		}
	}
	if (g->id != NULL) {
		cover(g->id);
		refused++;
	}
	for (size_t i = 0; i < launches.count; i++)
		assay_launch_free(launches.all[i]);
	assay_claims_free(claims);
	assay_evidence_free(ev);
	assay_checks_free(checks);
	assay_trust_free(trust);
	sim_reset(simulator);
}

/* Each check there is has a forgery that it alone stops; those of certificates have them in
 * tests/cert_test.c. */
static void
every_check_is_covered(void **state)
{
	size_t missing = 0;

	(void)state;
	for (size_t i = 0; i < assay_check_info_count(); i++)
		if (!covered[i] &&
		    strncmp(assay_check_info_id(assay_check_info_at(i)), "cert.", 5) != 0) {
			print_message(
			    "# no forgery for %s\n", assay_check_info_id(assay_check_info_at(i)));
			missing++;
		}
	assert_int_equal(missing, 0);
}

static struct CMUnitTest *tests;
static size_t test_count;

static void
queue(const struct forgery *table, size_t count, const char *only)
{
	tests = realloc(tests, (test_count + count + 1) * sizeof *tests);
	if (tests == NULL)
		abort();
	for (size_t i = 0; i < count; i++) {
		union {
			const struct forgery *in;
			void *state;
		} row = { &table[i] };
		bool own = only != NULL && table[i].id != NULL &&
		    assay_check_info_find(table[i].id) == assay_check_info_find(only);
		if (only == NULL || own || strstr(table[i].name, only) != NULL)
			tests[test_count++] = (struct CMUnitTest){
				.name = table[i].name, .test_func = run, .initial_state = row.state
			};
	}
}

/* The unbent evidence of every kind, under both policies where it is allowed by both. */
static void
queue_unbent(const char *only)
{
	static struct forgery rows[FORGE_KINDS];

	for (int i = 0; i < FORGE_KINDS; i++)
		rows[i] = (struct forgery){ .name = kinds[i].name, .kind = (enum forge_kind)i };
	queue(rows, FORGE_KINDS, only);
}

int
main(int argc, char **argv)
{
	/* Part of a name, or a check: its forgeries alone. When a check is switched off for
	 * `make mutate`, they are the ones that must notice. */
	const char *only = argc > 1 ? argv[1] : getenv("ASSAY_SUPPRESS");

	cmocka_set_message_output(CM_OUTPUT_TAP);
	simulator = sim_new(1);
	if (assay_cache_new(&warm, 0, NULL) != ASSAY_OK)
		return 1;
	queue_unbent(only);
	queue(genuine_cases, genuine_case_count, only);
	queue(bundle_genuine, bundle_genuine_count, only);
	queue(launch_genuine, launch_genuine_count, only);
	size_t accepted = test_count;
	queue(quote_forgeries, quote_forgery_count, only);
	queue(dcap_forgeries, dcap_forgery_count, only);
	queue(tcb_forgeries, tcb_forgery_count, only);
	queue(tdx_forgeries, tdx_forgery_count, only);
	queue(snp_forgeries, snp_forgery_count, only);
	queue(sev_forgeries, sev_forgery_count, only);
	queue(bundle_forgeries, bundle_forgery_count, only);
	queue(launch_forgeries, launch_forgery_count, only);
	size_t forged = test_count - accepted;
	if (only == NULL)
		tests[test_count++] = (struct CMUnitTest){ .name = "every check has a forgery",
			.test_func = every_check_is_covered };
	int failed = _cmocka_run_group_tests("forgery", tests, test_count, NULL, NULL);
	if (refused == forged)
		printf("# forgeries: %zu, all refused by the check made for them\n", forged);
	else
		printf("# forgeries: %zu, of them %zu NOT refused by the check made for them\n",
		    forged, forged - refused);
	free(tests);
	assay_cache_free(warm);
	assay_evidence_free(used);
	assay_claims_free(used_claims);
	sim_free(simulator);
	return failed != 0;
}
