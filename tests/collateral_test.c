/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral of a forger's, held against the roots: assay_trust_item_verify() ends, and says no.
 * And more of what a trust object takes than it has room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assay/assay.h>

#include "platforms/platforms.h"

static struct assay_trust *trust;

static int
set_up(void **state)
{
	*state = sim_new(1);
	return assay_trust_new(&trust, NULL) != ASSAY_OK;
}

static int
tear_down(void **state)
{
	assay_trust_free(trust);
	trust = NULL;
	sim_free(*state);
	return 0;
}

static void
add(struct sim_bytes b)
{
	struct assay_error err;

	if (assay_trust_add(trust, (struct assay_bytes){ b.ptr, b.len }, "test", NULL, &err) !=
	    ASSAY_OK)
		fail_msg("%s", err.text);
}

static void
an_owner_signs_itself(void **state)
{
	struct sim_sev p;
	struct assay_error err;

	sim_sev_new(&p, *state, "Milan", false);
	add(sim_sev_cert_write(*state, &p.oca));
	assert_int_equal(assay_trust_item_verify(trust, 0, &err), ASSAY_OK);
}

static void
owners_that_sign_each_other(void **state)
{
	struct sim_sev p;
	struct sim_sev_cert other;
	struct assay_error err;

	sim_sev_new(&p, *state, "Milan", false);
	other = p.oca;
	other.key = sim_key(*state, SIM_P384, "another OCA");
	p.oca.slots[0].signer = other.key;
	add(sim_sev_cert_write(*state, &p.oca));
	add(sim_sev_cert_write(*state, &other));
	assert_int_equal(assay_trust_item_verify(trust, 0, &err), ASSAY_E_INCOMPLETE);
	assert_int_equal(assay_trust_item_verify(trust, 1, &err), ASSAY_E_INCOMPLETE);
}

static void
anchors_have_a_limit(void **state)
{
	struct sim_dcap p;
	struct assay_error err;
	enum assay_code rc = ASSAY_OK;

	sim_dcap_new(&p, *state, true, 4, 0, true, 1790000000, SIM_DAY);
	for (unsigned i = 0; i < 100 && rc == ASSAY_OK; i++) {
		char label[16];
		(void)snprintf(label, sizeof label, "root %u", i);
		p.root.key = p.root.signer = sim_key(*state, SIM_P256, label);
		struct sim_bytes der = sim_cert_write(*state, &p.root);
		rc = assay_trust_add_root(
		    trust, (struct assay_bytes){ der.ptr, der.len }, label, &err);
	}
	assert_int_equal(rc, ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "more than 64 trust anchors"));
}

static void
an_issuer_has_a_name_of_some_length(void **state)
{
	struct assay_error err;
	char name[200];

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(assay_trust_set_min_crl(trust, name, 1, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "too long"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(anchors_have_a_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    an_issuer_has_a_name_of_some_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_owner_signs_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(owners_that_sign_each_other, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
