/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence out of wrappers: judged as if it had come alone, in objects that are used again, when
 * memory runs out, and as real attesters sent it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assay/assay.h>

#include "alloc.h"
#include "core/core.h"
#include "platforms/platforms.h"
#include "vectors.h"

enum { NOW = 1795219200 }; /* 2026-11-21 */

static struct sim *sim;

static struct assay_bytes
bytes_of(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static struct sim_bytes
collateral_of(const struct sim_output *out)
{
	struct sim_bytes all = sim_text(sim, "");

	for (size_t i = 0; i < out->item_count; i++) {
		const char *name = out->items[i].name;
		const char *label = strstr(name, "crl") != NULL ? "X509 CRL"
		    : strstr(name, "tcb_info") != NULL          ? "TCB INFO"
		    : strstr(name, ".json") != NULL             ? "ENCLAVE IDENTITY"
								: "CERTIFICATE";
		all = sim_join(sim, all,
		    strstr(name, ".pem") != NULL ? out->items[i].bytes
						 : sim_pem(sim, label, out->items[i].bytes));
	}
	return all;
}

struct made {
	struct sim_output out;
	struct assay_bytes bundle;
	uint8_t *owned;
	char *min_tcb;
};

static void
make(struct made *m, bool tdx, bool log)
{
	struct assay_error err = { .text = "" };
	size_t len = 0;

	*m = (struct made){ .owned = NULL };
	if (tdx) {
		static struct sim_dcap dcap;
		sim_dcap_new(&dcap, sim, true, 4, 0, true, NOW, 30 * SIM_DAY);
		sim_dcap_write(&dcap, &m->out);
	} else {
		static struct sim_snp snp;
		sim_snp_new(&snp, sim, SIM_GENOA, 4, false, NOW, 30 * SIM_DAY);
		sim_snp_write(&snp, &m->out);
	}
	const struct assay_bundle_item items[] = {
		{ "evidence", tdx ? ASSAY_BUNDLE_TYPE_TDX : ASSAY_BUNDLE_TYPE_SNP,
		    bytes_of(m->out.evidence), ASSAY_BUNDLE_EVIDENCE },
		{ "provider", ASSAY_BUNDLE_TYPE_PROVIDER,
		    assay_bytes_of(tdx ? "tdx_guest" : "sev_guest"), ASSAY_BUNDLE_EVIDENCE },
		{ "collateral", ASSAY_BUNDLE_TYPE_COLLATERAL, bytes_of(collateral_of(&m->out)),
		    ASSAY_BUNDLE_ENDORSEMENTS },
		{ "eventlog", ASSAY_BUNDLE_TYPE_EVENTLOG, assay_bytes_of("a log"), 0 },
	};
	if (assay_bundle_write(&m->owned, &len, items, log ? 4 : 3, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	m->bundle = (struct assay_bytes){ m->owned, len };
}

/* AMD's CRL it has always: one that comes along does not stand for it. */
static struct assay_trust *
trust_of(const struct made *m, bool with_collateral)
{
	struct assay_error err = { .text = "" };
	struct assay_trust *trust = NULL;

	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	assert_int_equal(
	    assay_trust_add_root(trust, bytes_of(m->out.root), "root", &err), ASSAY_OK);
	for (size_t i = 0; i < m->out.item_count; i++)
		if (with_collateral || strcmp(m->out.items[i].name, "crl.der") == 0)
			assert_int_equal(assay_trust_add(trust, bytes_of(m->out.items[i].bytes),
					     m->out.items[i].name, NULL, &err),
			    ASSAY_OK);
	return trust;
}

static enum assay_code
verify(const struct assay_evidence *ev, const struct assay_trust *trust,
    struct assay_claims **claims, struct assay_checks *checks)
{
	const struct assay_appraisal how = { .trust = trust, .now = NOW };
	struct assay_error err;

	assay_checks_clear(checks);
	return assay_evidence_verify(claims, checks, ev, &how, &err);
}

/* The same claims, to the byte, whether collateral came along or was there. */
static void
test_same_claims(void **state)
{
	(void)state;
	for (int tdx = 0; tdx < 2; tdx++) {
		struct made m;
		struct assay_evidence *raw = NULL, *wrapped = NULL;
		struct assay_claims *claims = NULL, *others = NULL;
		struct assay_checks *checks = NULL;
		char *a = NULL, *b = NULL;

		make(&m, tdx, !tdx); /* a log beside a quote would have to fit it */
		struct assay_trust *bare = trust_of(&m, false), *full = trust_of(&m, true);
		size_t before = assay_trust_count(bare);
		assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
		assert_int_equal(
		    assay_evidence_parse(&raw, bytes_of(m.out.evidence), NULL), ASSAY_OK);
		assert_int_equal(assay_evidence_parse(&wrapped, m.bundle, NULL), ASSAY_OK);
		assert_int_equal(verify(raw, full, &claims, checks), ASSAY_OK);
		assert_int_equal(verify(wrapped, bare, &others, checks), ASSAY_OK);
		assert_int_equal(assay_trust_count(bare), before);
		assert_int_equal(assay_claims_json(&a, claims, NULL), ASSAY_OK);
		assert_int_equal(assay_claims_json(&b, others, NULL), ASSAY_OK);
		assert_string_equal(a, b);
		/* And once more after it: nothing of it stays in the shared object. */
		assert_int_not_equal(verify(raw, bare, &claims, checks), ASSAY_OK);
		free(a);
		free(b);
		assay_claims_free(claims);
		assay_claims_free(others);
		assay_checks_free(checks);
		assay_evidence_free(raw);
		assay_evidence_free(wrapped);
		assay_trust_free(bare);
		assay_trust_free(full);
		free(m.owned);
	}
}

static void
test_held(void **state)
{
	struct assay_evidence *ev = NULL;
	struct made m;
	(void)state;

	make(&m, true, true);
	assert_int_equal(assay_evidence_parse(&ev, m.bundle, NULL), ASSAY_OK);
	assert_string_equal(assay_evidence_provider(ev), "tdx_guest");
	assert_string_equal(assay_evidence_tee(ev), "tdx");
	struct assay_bytes log = assay_evidence_eventlog(ev);
	assert_true(log.len == 5 && memcmp(log.ptr, "a log", 5) == 0);
	assert_int_equal(assay_evidence_manifest(ev).len, 0);
	struct assay_bytes raw = assay_evidence_raw(ev);
	assert_true(
	    raw.len == m.out.evidence.len && memcmp(raw.ptr, m.out.evidence.ptr, raw.len) == 0);
	assert_int_equal(assay_trust_count(assay_evidence_collateral(ev)), 6);
	assert_non_null(strstr(assay_evidence_kind(ev), "bundle: quote v4, "));
	assert_non_null(strstr(assay_evidence_kind(ev),
	    "with TDX TCB info, QE identity, root CRL, PCK CRL, event log; provider tdx_guest"));

	/* The next evidence in the same object has none of it; nor has one that is refused. */
	assert_int_equal(assay_evidence_parse(&ev, bytes_of(m.out.evidence), NULL), ASSAY_OK);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(assay_evidence_provider(ev), "");
		assert_int_equal(assay_evidence_eventlog(ev).len, 0);
		assert_null(assay_evidence_collateral(ev));
		assert_true(strstr(assay_evidence_kind(ev), "bundle") == NULL);
		struct assay_bytes cut = { m.owned, m.bundle.len - 1 };
		assert_int_equal(assay_evidence_parse(&ev, cut, NULL), ASSAY_E_FORMAT);
	}
	assert_int_equal(assay_evidence_raw(ev).len, 0);
	assay_evidence_free(ev);
	free(m.owned);
}

static void
test_opaque(void **state)
{
	static const char *const policies[] = { "genuine", "default" };
	const struct assay_bundle_item items[] = {
		{ "evidence", ASSAY_BUNDLE_TYPE_OPAQUE, assay_bytes_of("a realm token"), 4 },
		{ "provider", ASSAY_BUNDLE_TYPE_PROVIDER, assay_bytes_of("arm_cca_guest"), 4 },
		{ "certificates", ASSAY_BUNDLE_TYPE_CERTIFICATES, assay_bytes_of("of no form"), 2 },
	};
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;
	struct assay_checks *checks = NULL;
	struct assay_trust *trust = NULL;
	struct assay_error err = { .text = "" };
	uint8_t *bundle = NULL;
	char *json = NULL;
	size_t len = 0;
	(void)state;

	assert_int_equal(assay_bundle_write(&bundle, &len, items, 3, &err), ASSAY_OK);
	assert_int_equal(
	    assay_evidence_parse(&ev, (struct assay_bytes){ bundle, len }, &err), ASSAY_OK);
	assert_string_equal(assay_evidence_tee(ev), "opaque");
	assert_string_equal(assay_evidence_kind(ev), "bundle: 13 bytes of arm_cca_guest");
	assert_int_equal(assay_evidence_raw(ev).len, 13);
	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(verify(ev, trust, &claims, checks), ASSAY_E_INCOMPLETE);
		assert_int_equal(
		    assay_policy_check(checks, assay_policy_builtin(policies[i]), claims, &err),
		    ASSAY_E_INCOMPLETE);
		assert_int_equal(
		    assay_policy_expect(checks, claims, "tee", "opaque", &err), ASSAY_E_INCOMPLETE);
	}
	assert_int_equal(assay_claims_json(&json, claims, &err), ASSAY_OK);
	assert_non_null(strstr(json, "opaque"));
	free(json);
	free(bundle);
	assay_claims_free(claims);
	assay_checks_free(checks);
	assay_trust_free(trust);
	assay_evidence_free(ev);
}

/* Whatever cannot be had, a bundle is refused, or its collateral is: never taken for less. */
static void
test_no_memory(void **state)
{
	struct assay_claims *claims = NULL;
	struct assay_checks *checks = NULL;
	size_t nomem = 0;
	struct made m;
	(void)state;

	make(&m, true, true);
	struct assay_trust *trust = trust_of(&m, true);
	assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
	for (size_t n = 1;; n++) {
		struct assay_evidence *ev = NULL;
		struct assay_error err = { .text = "" };
		alloc_fail_at(n);
		enum assay_code rc = assay_evidence_parse(&ev, m.bundle, &err);
		bool failed = alloc_failed();
		alloc_fail_at(0);
		assert_true(rc == ASSAY_OK || (rc == err.code && ev == NULL));
		nomem += rc == ASSAY_E_NOMEM;
		if (rc == ASSAY_OK && failed) /* jansson called it bad JSON */
			assert_int_not_equal(verify(ev, trust, &claims, checks), ASSAY_OK);
		assay_evidence_free(ev);
		if (!failed) {
			assert_int_equal(rc, ASSAY_OK);
			break;
		}
	}
	assert_true(nomem > 20);
	assay_claims_free(claims);
	assay_checks_free(checks);
	assay_trust_free(trust);
	free(m.owned);
}

/* Cut short at each length, and with bits turned: refused in words, or never accepted with other
 * evidence in it. */
static void
test_damage(void **state)
{
	struct made m;
	(void)state;

	make(&m, false, true);
	for (size_t n = 1; n < m.bundle.len; n++) {
		struct assay_evidence *ev = NULL;
		struct assay_error err = { .text = "" };
		uint8_t *copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, m.owned, n);
		enum assay_code rc =
		    assay_evidence_parse(&ev, (struct assay_bytes){ copy, n }, &err);
		assert_true(rc != ASSAY_OK && err.code == rc && err.text[0] != '\0');
		free(copy);
	}
	for (size_t bit = 0; bit < 8 * m.bundle.len; bit += 5) {
		struct assay_evidence *ev = NULL;
		struct assay_error err = { .text = "" };
		m.owned[bit / 8] ^= (uint8_t)(1 << bit % 8);
		enum assay_code rc = assay_evidence_parse(&ev, m.bundle, &err);
		assert_true(rc == ASSAY_OK || (err.code == rc && err.text[0] != '\0'));
		assay_evidence_free(ev);
		m.owned[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(m.owned);
}

/* What real attesters sent, by the results that come with it. */
static void
test_vectors(void **state)
{
	static const struct {
		const char *path, *kind, *provider;
		enum assay_code genuine;
	} files[] = {
		{ "coco/evidence/snp/evidence.json",
		    "attester's JSON: report v3, 2579 bytes with SEV-VCEK", "", ASSAY_OK },
		{ "coco/evidence/veraison-snp/sevsnp-tsm-report.json",
		    "configfs report: report v3, 7761 bytes with ARK-Genoa, SEV-Genoa, SEV-VCEK; "
		    "provider sev_guest",
		    "sev_guest", ASSAY_OK },
	};
	struct assay_trust *trust = NULL;
	(void)state;

	assert_int_equal(assay_trust_new(&trust, NULL), ASSAY_OK);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct assay_bytes in = vectors_read(files[i].path);
		struct assay_evidence *ev = NULL;
		struct assay_claims *claims = NULL;
		struct assay_checks *checks = NULL;
		struct assay_error err = { .text = "" };
		if (in.ptr == NULL)
			break;
		if (assay_evidence_parse(&ev, in, &err) != ASSAY_OK)
			fail_msg("%s: %s", files[i].path, err.text);
		assert_string_equal(assay_evidence_kind(ev), files[i].kind);
		assert_string_equal(assay_evidence_provider(ev), files[i].provider);
		assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
		assert_int_equal(verify(ev, trust, &claims, checks), files[i].genuine);
		assay_claims_free(claims);
		assay_checks_free(checks);
		assay_evidence_free(ev);
		vectors_free(in);
	}
	assay_trust_free(trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_claims),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_vectors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	sim = sim_new(1);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	sim_free(sim);
	return failed;
}
