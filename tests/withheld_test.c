/* SPDX-License-Identifier: Apache-2.0 */
/* What an attester may hold back, or hope to be remembered: without an item of collateral, outside
 * its dates or under a damaged signature nothing is accepted, however warm the cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assay/assay.h>

#include "core/core.h"
#include "platforms/platforms.h"
#include "verify/cache.h"

enum { NOW = 1795219200 }; /* 2026-11-21 */

static struct sim *sim;

static struct platform {
	const char *name;
	enum { SGX, TDX, SNP, SEV } family;
	uint16_t version, body_type;
	enum sim_product product;
	bool vlek, table, dates;
	/* Items of collateral without which it may be accepted, by parts of their names. */
	const char *optional[4];
	struct sim_output out;
	size_t signature, data; /* of the evidence: its own, and something that it signs */
} platforms[] = {
	{ .name = "SGX v3", .family = SGX, .version = 3, .dates = true },
	{ .name = "SGX v5", .family = SGX, .version = 5, .body_type = 1, .dates = true },
	{ .name = "TDX v4", .family = TDX, .version = 4, .dates = true },
	{ .name = "TDX v5", .family = TDX, .version = 5, .body_type = 3, .dates = true },
	{ .name = "Milan", .family = SNP, .version = 3, .dates = true, .optional = { "crl" } },
	{ .name = "Milan with certificates",
	    .family = SNP,
	    .version = 3,
	    .table = true,
	    .dates = true,
	    .optional = { "" } },
	{ .name = "Milan, VLEK",
	    .family = SNP,
	    .version = 3,
	    .vlek = true,
	    .dates = true,
	    .optional = { "crl" } },
	{ .name = "Turin",
	    .family = SNP,
	    .version = 5,
	    .product = SIM_TURIN,
	    .dates = true,
	    .optional = { "crl" } },
	{ .name = "SEV-ES", .family = SEV, .optional = { "ark", "pdh" } },
};
enum { PLATFORMS = sizeof platforms / sizeof *platforms };

static int
make(void **state)
{
	(void)state;
	sim = sim_new(1);
	for (struct platform *p = platforms; p < platforms + PLATFORMS; p++) {
		if (p->family <= TDX) {
			struct sim_dcap dcap;
			sim_dcap_new(&dcap, sim, p->family == TDX, p->version, p->body_type, true,
			    NOW, 30 * SIM_DAY);
			sim_dcap_write(&dcap, &p->out);
			size_t head = p->version == 5 ? 54 : 48;
			size_t body = p->family == SGX ? 384 : p->version == 5 ? 648 : 584;
			p->signature = head + body + 4;
			p->data = head + (p->family == SGX ? 320 : 520);
		} else if (p->family == SNP) {
			struct sim_snp snp;
			sim_snp_new(&snp, sim, p->product, p->version, p->vlek, NOW, 30 * SIM_DAY);
			snp.table = p->table;
			sim_snp_write(&snp, &p->out);
			p->signature = 0x2a0;
			p->data = 0x50;
		} else {
			struct sim_sev sev;
			sim_sev_new(&sev, sim, "Milan", true);
			sim_sev_write(&sev, &p->out);
			p->signature = 0x40;
			p->data = 0x10;
		}
	}
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	sim_free(sim);
	return 0;
}

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static struct assay_trust *
trust_of(const struct sim_output *out, bool root)
{
	struct assay_trust *trust = NULL;
	struct assay_error err = { ASSAY_OK, "" };
	enum assay_code rc = assay_trust_new(&trust, &err);

	if (rc == ASSAY_OK && root)
		rc = assay_trust_add_root(trust, bytes(out->root), "root", &err);
	for (size_t i = 0; rc == ASSAY_OK && i < out->item_count; i++)
		rc = assay_trust_add(
		    trust, bytes(out->items[i].bytes), out->items[i].name, NULL, &err);
	if (rc != ASSAY_OK)
		fail_msg("%s", err.text);
	return trust;
}

/* The verdict of objects that are made for it. */
static enum assay_code
verdict(const struct assay_trust *trust, struct assay_bytes evidence, struct assay_cache *cache,
    int64_t now)
{
	struct assay_appraisal how = { .trust = trust, .now = now, .cache = cache };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;
	struct assay_checks *checks = NULL;

	assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
	assert_int_equal(assay_evidence_parse(&ev, evidence, &err), ASSAY_OK);
	enum assay_code rc = assay_evidence_verify(&claims, checks, ev, &how, &err);
	assert_int_equal(rc, assay_checks_verdict(checks));
	assert_true(rc == ASSAY_OK || (err.code == rc && err.text[0] != '\0'));
	assay_checks_free(checks);
	assay_claims_free(claims);
	assay_evidence_free(ev);
	return rc;
}

/* --- held back ------------------------------------------------------------------------------ */

static bool
optional(const struct platform *p, const char *name)
{
	for (size_t i = 0; i < 4 && p->optional[i] != NULL; i++)
		if (strstr(name, p->optional[i]) != NULL)
			return true;
	return false;
}

/* With a cache that has seen the whole, and without. */
static void
test_held_back(void **state)
{
	(void)state;
	for (const struct platform *p = platforms; p < platforms + PLATFORMS; p++) {
		struct assay_bytes evidence = bytes(p->out.evidence);
		struct assay_trust *whole = trust_of(&p->out, true);
		struct assay_cache *cache = NULL;
		assert_int_equal(assay_cache_new(&cache, 0, NULL), ASSAY_OK);
		assert_int_equal(verdict(whole, evidence, cache, NOW), ASSAY_OK);
		assay_trust_free(whole);
		for (size_t without = 0; without < p->out.item_count; without++) {
			struct sim_output out = p->out;
			const char *name = out.items[without].name;
			out.items[without] = out.items[--out.item_count];
			struct assay_trust *trust = trust_of(&out, true);
			for (int warm = 0; warm < 2; warm++) {
				enum assay_code rc =
				    verdict(trust, evidence, warm ? cache : NULL, NOW);
				if ((rc == ASSAY_OK) != optional(p, name))
					fail_msg("%s without %s: %s", p->name, name,
					    assay_code_name(rc));
			}
			assay_trust_free(trust);
		}
		struct assay_trust *rootless = trust_of(&p->out, false);
		assert_int_equal(verdict(rootless, evidence, NULL, NOW), ASSAY_E_SIGNATURE);
		assert_int_equal(verdict(rootless, evidence, cache, NOW), ASSAY_E_SIGNATURE);
		assay_trust_free(rootless);
		assay_cache_free(cache);
	}
}

/* --- never remembered ----------------------------------------------------------------------- */

static void
test_damaged_signature(void **state)
{
	(void)state;
	for (const struct platform *p = platforms; p < platforms + PLATFORMS; p++) {
		struct assay_trust *trust = trust_of(&p->out, true);
		struct assay_cache *cache = NULL;
		assert_int_equal(assay_cache_new(&cache, 0, NULL), ASSAY_OK);
		for (size_t turn = 0; turn < 6; turn++) {
			size_t at = (turn % 2 == 0 ? p->signature : p->data) + turn / 2;
			struct sim_bytes bad =
			    sim_copy(sim, p->out.evidence.ptr, p->out.evidence.len);
			bad.ptr[at] ^= 1;
			assert_int_equal(
			    verdict(trust, bytes(p->out.evidence), cache, NOW), ASSAY_OK);
			for (size_t again = 0; again < 2; again++)
				if (verdict(trust, bytes(bad), cache, NOW) != ASSAY_E_SIGNATURE)
					fail_msg("%s: damaged at %zu", p->name, at);
		}
		assay_cache_free(cache);
		assay_trust_free(trust);
	}
}

/* Among all the facts kept, that of a quote's own signature is not. */
static void
test_no_fact(void **state)
{
	(void)state;
	for (const struct platform *p = platforms; p < platforms + PLATFORMS; p++) {
		const uint8_t *signature = p->out.evidence.ptr + p->signature;
		struct assay_cache *cache = NULL;
		struct assay_key key = { 0 };
		uint8_t digest[ASSAY_SHA256_LEN];
		if (p->family > TDX)
			continue;
		struct assay_trust *trust = trust_of(&p->out, true);
		assert_int_equal(assay_cache_new(&cache, 0, NULL), ASSAY_OK);
		assert_int_equal(verdict(trust, bytes(p->out.evidence), cache, NOW), ASSAY_OK);
		assay_sha256(digest, (struct assay_bytes){ p->out.evidence.ptr, p->signature - 4 });
		struct fact f = { .scheme = ASSAY_ECDSA_P256_SHA256,
			.key = { ASSAY_KEY_P256, { signature + 64, 64 } },
			.digest = { digest, sizeof digest },
			.signature = { signature, 64 } };
		for (int role = FACT_CERTIFICATE; role <= FACT_QE_REPORT; role++) {
			f.role = (enum fact_role)role;
			assert_false(assay_cache_knows(cache, &f));
		}
		/* This is the one that would have been kept. */
		assert_int_equal(assay_key_prepare(&key, f.key, NULL), ASSAY_OK);
		assert_true(assay_key_verify(&key, f.scheme, f.digest, f.signature));
		assay_key_clear(&key);
		assay_cache_free(cache);
		assay_trust_free(trust);
	}
}

static void
test_dates(void **state)
{
	static const int64_t offs[] = { -3650 * (int64_t)SIM_DAY, 3650 * (int64_t)SIM_DAY };

	(void)state;
	for (const struct platform *p = platforms; p < platforms + PLATFORMS; p++) {
		struct assay_trust *trust = trust_of(&p->out, true);
		struct assay_cache *cache = NULL;
		assert_int_equal(assay_cache_new(&cache, 0, NULL), ASSAY_OK);
		for (size_t i = 0; i < 2; i++) {
			enum assay_code want = p->dates ? ASSAY_E_EXPIRED : ASSAY_OK;
			assert_int_equal(
			    verdict(trust, bytes(p->out.evidence), cache, NOW), ASSAY_OK);
			assert_int_equal(
			    verdict(trust, bytes(p->out.evidence), cache, NOW + offs[i]), want);
		}
		assay_cache_free(cache);
		assay_trust_free(trust);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_back),
		cmocka_unit_test(test_damaged_signature),
		cmocka_unit_test(test_no_fact),
		cmocka_unit_test(test_dates),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("withheld", tests, make, clear);
}
