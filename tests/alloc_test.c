/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: nothing is allocated on the way once caches and objects are warm, and whenever an
 * allocation fails the call says so, accepts nothing and leaks nothing (the sanitizers look).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include <assay/assay.h>

#include "alloc.h"
#include "core/core.h"
#include "platforms/platforms.h"
#include "platforms/sev_proof.h"

enum { NOW = 1790000000 };

/* --- allocations that fail on demand ---------------------------------------------------------- */

static struct alloc_fault janssons;   /* it cannot tell a lack of memory from bad JSON */
static struct alloc_fault libcryptos; /* nor can it, from a bad signature */

void *__real_malloc(size_t n);
void *__real_realloc(void *old, size_t n);

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n == 0 || alloc_refused(&libcryptos) ? NULL : __real_malloc(n);
}

static void *
crypto_realloc(void *old, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return alloc_refused(&libcryptos) ? NULL : __real_realloc(old, n);
}

static void
crypto_free(void *old, const char *file, int line)
{
	(void)file;
	(void)line;
	free(old);
}

static void *
json_malloc(size_t n)
{
	return alloc_refused(&janssons) ? NULL : __real_malloc(n);
}

static void
disarm(void)
{
	alloc_ours = janssons = libcryptos = (struct alloc_fault){ 0 };
}

/* Every n of the first 200, then ever fewer: libcrypto allocates by the thousand. */
static size_t
later(size_t n)
{
	return n + 1 + (n < 200 ? 0 : n / 32);
}

/* --- a platform of each kind ------------------------------------------------------------------ */

struct platform {
	const char *name;
	struct sim_output out;
	size_t forge_at; /* a byte under the evidence's own signature */
	uint8_t *forged;
	struct assay_bytes asked;    /* report data; may be empty */
	struct assay_launch *launch; /* may be NULL */
};
enum { SGX, TDX, SNP, SNP_TABLE, SEV_ES, SEV_ES_PROOF, PLATFORMS };
static struct platform platforms[PLATFORMS];
static struct sim *sim;

static void
make_dcap(struct platform *p, const char *name, bool tdx)
{
	static struct sim_dcap dcap;

	sim_dcap_new(&dcap, sim, tdx, tdx ? 4 : 3, 0, true, NOW, 30 * SIM_DAY);
	sim_dcap_write(&dcap, &p->out);
	p->name = name;
	p->forge_at = 48 + (tdx ? 520 : 320); /* REPORTDATA */
}

static void
make_snp(struct platform *p, const char *name, bool table)
{
	static struct sim_snp snp;

	sim_snp_new(&snp, sim, SIM_MILAN, 3, false, NOW, 30 * SIM_DAY);
	snp.table = table;
	sim_snp_write(&snp, &p->out);
	p->name = name;
	p->forge_at = 0x50; /* REPORT_DATA */
}

static void
make_sev(struct platform *p, const char *name)
{
	static struct sim_sev sev;

	sim_sev_new(&sev, sim, "Milan", true);
	sim_sev_write(&sev, &p->out);
	p->name = name;
	p->forge_at = 0; /* MNONCE */
}

/* With the proof of the guest; what is forged is the proof's signature. */
static void
make_launched(struct platform *p, const char *name)
{
	static struct sim_sev sev;
	static struct sim_launch launch;
	static struct sim_sev_proof proof;
	struct assay_bundle_item items[2] = { { "evidence", ASSAY_BUNDLE_TYPE_SEV_ES, { 0 }, 0 },
		{ "proof", ASSAY_BUNDLE_TYPE_PROOF, { 0 }, 0 } };
	struct assay_error err;
	struct sim_bytes bundle;

	sim_sev_new(&sev, sim, "Milan", true);
	sim_launch_new(&launch, &sev);
	sim_sev_proof_new(&proof, sim);
	sim_sev_mnonce(sev.report.mnonce, sim, proof.asked, &proof);
	sim_sev_write(&sev, &p->out);
	struct sim_bytes item = sim_sev_proof_write(sim, &proof, p->out.evidence);
	struct sim_bytes record = sim_launch_write(sim, &launch);
	items[0].bytes = (struct assay_bytes){ p->out.evidence.ptr, p->out.evidence.len };
	items[1].bytes = (struct assay_bytes){ item.ptr, item.len };
	assert_int_equal(assay_bundle_write(&bundle.ptr, &bundle.len, items, 2, &err), ASSAY_OK);
	p->out.evidence = sim_copy(sim, bundle.ptr, bundle.len);
	free(bundle.ptr);
	assert_int_equal(assay_launch_parse(&p->launch,
			     (struct assay_bytes){ record.ptr, record.len }, NULL, &err),
	    ASSAY_OK);
	p->name = name;
	p->asked = (struct assay_bytes){ proof.asked, sizeof proof.asked };
	p->forge_at =
	    assay_bytes_find((struct assay_bytes){ p->out.evidence.ptr, p->out.evidence.len }, 0,
		(struct assay_bytes){ item.ptr, item.len }) +
	    item.len - 1;
}

static int
make_platforms(void **state)
{
	(void)state;
	sim = sim_new(1);
	make_dcap(&platforms[SGX], "sgx", false);
	make_dcap(&platforms[TDX], "tdx", true);
	make_snp(&platforms[SNP], "snp", false);
	make_snp(&platforms[SNP_TABLE], "snp with certificates", true);
	make_sev(&platforms[SEV_ES], "sev-es");
	make_launched(&platforms[SEV_ES_PROOF], "sev-es with a proof");
	for (size_t i = 0; i < PLATFORMS; i++) {
		struct platform *p = &platforms[i];
		p->forged = sim_copy(sim, p->out.evidence.ptr, p->out.evidence.len).ptr;
		p->forged[p->forge_at] ^= 1;
	}
	return 0;
}

static int
free_platforms(void **state)
{
	(void)state;
	assay_launch_free(platforms[SEV_ES_PROOF].launch);
	sim_free(sim);
	return 0;
}

static struct assay_bytes
bytes_of(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static enum assay_code
trust_make(struct assay_trust **out, const struct platform *p)
{
	struct assay_error err = { 0 };
	enum assay_code rc = assay_trust_new(out, &err);

	if (rc == ASSAY_OK)
		rc = assay_trust_add_root(*out, bytes_of(p->out.root), "trust-root", &err);
	for (size_t i = 0; rc == ASSAY_OK && i < p->out.item_count; i++)
		rc = assay_trust_add(
		    *out, bytes_of(p->out.items[i].bytes), p->out.items[i].name, NULL, &err);
	if (rc == ASSAY_OK && p->out.min_tcb[0] != '\0')
		rc = assay_trust_set_min_tcb(*out, p->out.min_tcb, &err);
	return rc;
}

/* What is used: made before anything fails. */
struct bench {
	const struct platform *platform;
	struct assay_trust *trust;
	struct assay_cache *cache;
	struct assay_evidence *ev;
	struct assay_claims *claims;
	struct assay_checks *checks;
	char *json; /* what the claims are */
};

static void
bench_make(struct bench *b, const struct platform *p, struct assay_bytes evidence)
{
	struct assay_error err = { 0 };

	*b = (struct bench){ .platform = p };
	assert_int_equal(trust_make(&b->trust, p), ASSAY_OK);
	assert_int_equal(assay_cache_new(&b->cache, 0, &err), ASSAY_OK);
	assert_int_equal(assay_checks_new(&b->checks, &err), ASSAY_OK);
	assert_int_equal(assay_evidence_parse(&b->ev, evidence, &err), ASSAY_OK);
}

static void
bench_clear(struct bench *b)
{
	disarm();
	assay_trust_free(b->trust);
	assay_cache_free(b->cache);
	assay_evidence_free(b->ev);
	assay_claims_free(b->claims);
	assay_checks_free(b->checks);
	free(b->json);
}

static enum assay_code
verify(struct bench *b, struct assay_cache *cache)
{
	const struct assay_launch *launch = b->platform->launch;
	struct assay_appraisal how = { .trust = b->trust,
		.now = NOW,
		.cache = cache,
		.report_data = b->platform->asked,
		.launches = &launch,
		.launch_count = launch != NULL };
	struct assay_error err = { 0 };

	assay_checks_clear(b->checks);
	return assay_evidence_verify(&b->claims, b->checks, b->ev, &how, &err);
}

/* --- nothing is allocated when warm ----------------------------------------------------------- */

static void
test_warm_allocates_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLATFORMS; i++) {
		const struct platform *p = &platforms[i];
		struct assay_error err = { 0 };
		struct bench b;

		bench_make(&b, p, bytes_of(p->out.evidence));
		assert_int_equal(verify(&b, b.cache), ASSAY_OK);
		disarm();
		assert_int_equal(
		    assay_evidence_parse(&b.ev, bytes_of(p->out.evidence), &err), ASSAY_OK);
		assert_int_equal(verify(&b, b.cache), ASSAY_OK);
		if (alloc_ours.count + janssons.count != 0)
			fail_msg("%s: %zu allocations", p->name, alloc_ours.count + janssons.count);
		bench_clear(&b);
	}
}

/* --- every allocation fails in turn ----------------------------------------------------------- */

/* Which answers an action may give when an allocation fails. */
enum answers {
	NOMEM,         /* ASSAY_E_NOMEM and nothing else */
	NOMEM_OR_DONE, /* or it did without that memory: a cache that forgets */
	REFUSAL,       /* anything but ASSAY_OK */
	ANY,           /* no crash, no leak */
};

static bool
allowed(enum answers answers, enum assay_code rc)
{
	return answers == ANY || rc == ASSAY_E_NOMEM ||
	    (answers == NOMEM_OR_DONE && rc == ASSAY_OK) || (answers == REFUSAL && rc != ASSAY_OK);
}

/*
 * Runs an action with its 1st, 2nd, 3rd... allocation failing, and, if `stays`, all after it,
 * until one run needs no more of them; that one must give the usual answer.
 */
typedef enum assay_code action(struct bench *b);

static void
fail_each(struct bench *b, const char *name, action *run, struct alloc_fault *fault, bool stays,
    enum answers answers, enum assay_code usual)
{
	for (size_t n = 1;; n = later(n)) {
		disarm();
		fault->fail_at = n;
		fault->stays = stays;
		enum assay_code rc = run(b);
		bool failed = fault->failed;
		disarm();
		if (!failed && rc != usual)
			fail_msg("%s, %s: %s without a failure", b->platform->name, name,
			    assay_code_name(rc));
		if (!failed)
			return;
		if (!allowed(answers, rc))
			fail_msg("%s, %s: allocation %zu failed, and the answer was %s",
			    b->platform->name, name, n, assay_code_name(rc));
	}
}

static enum assay_code
do_trust(struct bench *b)
{
	struct assay_trust *trust = NULL;
	enum assay_code rc = trust_make(&trust, b->platform);

	assay_trust_free(trust);
	return rc;
}

static enum assay_code
do_parse(struct bench *b)
{
	struct assay_evidence *ev = NULL;
	struct assay_error err = { 0 };
	enum assay_code rc = assay_evidence_parse(&ev, bytes_of(b->platform->out.evidence), &err);

	if (rc != ASSAY_OK)
		assert_null(ev);
	assay_evidence_free(ev);
	return rc;
}

static enum assay_code
do_parse_hex(struct bench *b)
{
	struct sim_bytes raw = b->platform->out.evidence;
	static char hex[2 * 65536 + 1];
	struct assay_evidence *ev = NULL;
	struct assay_error err = { 0 };

	assert_true(2 * raw.len < sizeof hex);
	assay_hex(hex, bytes_of(raw));
	enum assay_code rc = assay_evidence_parse(&ev, assay_bytes_of(hex), &err);
	assay_evidence_free(ev);
	return rc;
}

static enum assay_code
do_verify(struct bench *b)
{
	enum assay_code rc = verify(b, NULL);

	assay_claims_free(b->claims);
	b->claims = NULL;
	return rc;
}

static enum assay_code
do_verify_cached(struct bench *b)
{
	struct assay_cache *cache = NULL;
	struct assay_error err = { 0 };
	enum assay_code rc = assay_cache_new(&cache, 0, &err);

	if (rc == ASSAY_OK)
		rc = verify(b, cache);
	assay_cache_free(cache);
	assay_claims_free(b->claims);
	b->claims = NULL;
	return rc;
}

static enum assay_code
do_json(struct bench *b)
{
	struct assay_error err = { 0 };
	char *json = NULL;
	enum assay_code rc = assay_claims_json(&json, b->claims, &err);

	if (rc != ASSAY_OK)
		assert_null(json);
	else if (b->json == NULL)
		b->json = json;
	else
		assert_string_equal(json, b->json);
	if (json != b->json)
		free(json);
	return rc;
}

static enum assay_code
do_checks(struct bench *b)
{
	struct assay_checks *checks = NULL;
	struct assay_error err = { 0 };
	enum assay_code rc = assay_checks_new(&checks, &err);

	(void)b;
	assay_checks_free(checks);
	return rc;
}

static void
test_allocations_fail(void **state)
{
	static const struct {
		const char *name;
		action *run;
		enum answers ours, janssons;
	} actions[] = {
		{ "trust", do_trust, NOMEM, REFUSAL },
		{ "parse", do_parse, NOMEM, NOMEM },
		{ "parse hex", do_parse_hex, NOMEM, NOMEM },
		{ "verify", do_verify, NOMEM, NOMEM },
		{ "verify with a cache", do_verify_cached, NOMEM_OR_DONE, NOMEM },
		{ "json", do_json, NOMEM, NOMEM },
		{ "checks", do_checks, NOMEM, NOMEM },
	};

	(void)state;
	for (size_t i = 0; i < PLATFORMS; i++) {
		struct bench b;
		bench_make(&b, &platforms[i], bytes_of(platforms[i].out.evidence));
		for (size_t a = 0; a < sizeof actions / sizeof *actions; a++)
			for (int stays = 0; stays < 2; stays++) {
				if (actions[a].run == do_json) {
					assert_int_equal(verify(&b, NULL), ASSAY_OK);
					assert_int_equal(do_json(&b), ASSAY_OK);
				}
				fail_each(&b, actions[a].name, actions[a].run, &alloc_ours,
				    stays != 0, actions[a].ours, ASSAY_OK);
				fail_each(&b, actions[a].name, actions[a].run, &janssons,
				    stays != 0, actions[a].janssons, ASSAY_OK);
			}
		bench_clear(&b);
	}
}

/* What does not verify is never accepted, whichever allocation of whose fails. */
static void
test_forgeries_stay_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLATFORMS; i++) {
		const struct platform *p = &platforms[i];
		struct bench b;

		bench_make(&b, p, (struct assay_bytes){ p->forged, p->out.evidence.len });
		fail_each(&b, "forgery", do_verify, &alloc_ours, false, REFUSAL, ASSAY_E_SIGNATURE);
		fail_each(&b, "forgery", do_verify, &libcryptos, false, REFUSAL, ASSAY_E_SIGNATURE);
		bench_clear(&b);
	}
}

static void
test_libcrypto_allocations_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLATFORMS; i++) {
		struct bench b;

		bench_make(&b, &platforms[i], bytes_of(platforms[i].out.evidence));
		fail_each(&b, "trust", do_trust, &libcryptos, false, ANY, ASSAY_OK);
		fail_each(&b, "verify", do_verify, &libcryptos, false, ANY, ASSAY_OK);
		bench_clear(&b);
	}
}

/* Of a key that signs no proofs the guest's agent keeps no working key: no lack of memory may make one of a good
 * key. */
static void
test_injected_keys(void **state)
{
	static const char *const types[] = { "P-256", "Ed25519" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof types / sizeof *types; i++) {
		struct assay_error err = { 0 };
		uint8_t *der = NULL;
		size_t len = 0;
		bool failed = true;
		assert_int_equal(assay_launch_key_make(&der, &len, types[i / 2], &err), ASSAY_OK);
		for (size_t n = 1; failed; n = later(n)) {
			struct assay_proof_keys *keys = NULL;
			libcryptos = (struct alloc_fault){ .fail_at = n, .stays = i % 2 != 0 };
			enum assay_code rc =
			    assay_proof_keys_new(&keys, (struct assay_bytes){ der, len }, &err);
			failed = libcryptos.failed;
			disarm();
			assert_true(failed || rc == ASSAY_OK);
			if (rc == ASSAY_E_UNSUPPORTED)
				fail_msg("%s, allocation %zu: %s", types[i / 2], n, err.text);
			assay_proof_keys_free(keys);
		}
		free(der);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_warm_allocates_nothing),
		cmocka_unit_test(test_allocations_fail),
		cmocka_unit_test(test_forgeries_stay_refused),
		cmocka_unit_test(test_libcrypto_allocations_fail),
		cmocka_unit_test(test_injected_keys),
	};

	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		return 99;
	json_set_alloc_funcs(json_malloc, free);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("alloc", tests, make_platforms, free_platforms);
}
