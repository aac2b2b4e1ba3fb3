/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a CRL that comes while an older one is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge.h"
#include "platforms/platforms.h"

enum { NOW = 1790000000 };

struct bed {
	struct sim *sim;
	struct sim_snp snp;
	struct sim_bytes root, older;
	struct assay_trust *there;
	struct shelf *shelf;
};

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

/* There: a CRL of yesterday that lists the ASK, or, if there is nothing to list, none. */
static void
bed_make(struct bed *b, bool lists)
{
	struct assay_error err;

	*b = (struct bed){ .sim = sim_new(1) };
	sim_snp_new(&b->snp, b->sim, SIM_MILAN, 3, false, NOW, 30 * SIM_DAY);
	b->root = sim_cert_write(b->sim, &b->snp.ark);
	struct sim_crl crl = b->snp.crl;
	crl.this_update = b->snp.crl.this_update - SIM_DAY;
	if (lists)
		crl.revoked[crl.revoked_count++] = b->snp.ask.serial;
	b->older = sim_crl_write(b->sim, &crl);
	assert_int_equal(assay_trust_new(&b->there, &err), ASSAY_OK);
	assert_int_equal(assay_trust_add_root(b->there, bytes(b->root), "root", &err), ASSAY_OK);
	assert_int_equal(assay_trust_add(b->there, bytes(b->older), "older", NULL, &err), ASSAY_OK);
	b->shelf = shelf_new(b->there);
	assert_non_null(b->shelf);
}

static void
bed_clear(struct bed *b)
{
	shelf_free(b->shelf);
	assay_trust_free(b->there);
	sim_free(b->sim);
}

/* How many CRLs are kept of the one that is there and the one that comes. */
static size_t
kept(struct bed *b, struct judged *out)
{
	const struct want want = { .thing = THING_AMD_CRL, .product = "Milan" };
	const struct assay_bytes root = bytes(b->root), none = { NULL, 0 };
	struct sim_bytes newer = sim_crl_write(b->sim, &b->snp.crl);
	struct assay_trust *bundle = NULL;
	struct assay_error err;
	size_t count;

	judge(out, &want, bytes(newer), none, none, &root, 1, b->shelf, NOW + 1);
	if (out->what != KEPT)
		fail_msg("%s", out->why);
	assert_int_equal(assay_trust_new(&bundle, &err), ASSAY_OK);
	assert_int_equal(
	    assay_trust_add(bundle, buffer_bytes(&out->bundle), "kept", &count, &err), ASSAY_OK);
	assay_trust_free(bundle);
	buffer_clear(&out->bundle);
	return count;
}

static void
test_lists_more(void **state)
{
	struct bed b;
	struct judged j;

	(void)state;
	bed_make(&b, true);
	assert_int_equal(kept(&b, &j), 2);
	bed_clear(&b);
}

static void
test_replaced(void **state)
{
	struct bed b;
	struct judged j;

	(void)state;
	bed_make(&b, false);
	assert_int_equal(kept(&b, &j), 1);
	bed_clear(&b);
}

/* One that waits for its signer says for itself that it is newer; then one comes with its signer. */
static void
test_waiting(void **state)
{
	const struct want want = { .thing = THING_PCK_CRL };
	const struct assay_bytes none = { NULL, 0 };
	struct sim *sim = sim_new(1);
	struct assay_trust *there = NULL;
	struct assay_error err;
	struct sim_dcap dcap;
	struct judged j;

	(void)state;
	sim_dcap_new(&dcap, sim, true, 4, 0, true, NOW, 30 * SIM_DAY);
	const struct assay_bytes root = bytes(sim_cert_write(sim, &dcap.root));
	struct sim_crl forged = dcap.pck_crl;
	forged.this_update = NOW;
	forged.signer = sim_key(sim, SIM_P256, "nobody's");
	assert_int_equal(assay_trust_new(&there, &err), ASSAY_OK);
	assert_int_equal(assay_trust_add_root(there, root, "root", &err), ASSAY_OK);
	assert_int_equal(
	    assay_trust_add(there, bytes(sim_crl_write(sim, &forged)), "forged", NULL, &err),
	    ASSAY_OK);
	struct shelf *shelf = shelf_new(there);
	assert_non_null(shelf);
	assert_int_equal(shelf->count, 1);
	judge(&j, &want, bytes(sim_crl_write(sim, &dcap.pck_crl)),
	    bytes(sim_cert_write(sim, &dcap.pck_ca)), none, &root, 1, shelf, NOW + 1);
	if (j.what != KEPT)
		fail_msg("%s", j.why);
	buffer_clear(&j.bundle);
	shelf_free(shelf);
	assay_trust_free(there);
	sim_free(sim);
}

/* What a service dates ahead would be the newest for as long. */
static void
test_ahead(void **state)
{
	const struct want want = { .thing = THING_AMD_CRL, .product = "Milan" };
	const struct assay_bytes none = { NULL, 0 };
	struct judged j;
	struct bed b;

	(void)state;
	bed_make(&b, false);
	const struct assay_bytes root = bytes(b.root);
	judge(&j, &want, bytes(sim_crl_write(b.sim, &b.snp.crl)), none, none, &root, 1, b.shelf,
	    b.snp.crl.this_update - 301);
	assert_int_equal(j.what, REFUSED);
	assert_non_null(strstr(j.why, "of a time that has not come yet"));
	bed_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_more),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_ahead),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
