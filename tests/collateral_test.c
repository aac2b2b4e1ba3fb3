/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral of a forger's, held against the roots: assay_trust_item_verify() ends, and says no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_owner_signs_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(owners_that_sign_each_other, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
