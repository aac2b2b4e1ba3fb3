/* SPDX-License-Identifier: Apache-2.0 */
/* An evidence object that was used before judges as a new one does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <assay/assay.h>

#include "platforms/platforms.h"

enum { NOW = 1795219200 };

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static enum assay_code
verdict(const struct assay_evidence *ev, const struct sim_output *out)
{
	struct assay_trust *trust = NULL;
	struct assay_checks *checks = NULL;
	struct assay_claims *claims = NULL;
	struct assay_error err;

	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	assert_int_equal(assay_trust_add_root(trust, bytes(out->root), "root", &err), ASSAY_OK);
	for (size_t i = 0; i < out->item_count; i++)
		assert_int_equal(assay_trust_add(trust, bytes(out->items[i].bytes),
				     out->items[i].name, NULL, &err),
		    ASSAY_OK);
	assert_int_equal(assay_checks_new(&checks, &err), ASSAY_OK);
	const struct assay_appraisal how = { .trust = trust, .now = NOW };
	enum assay_code rc = assay_evidence_verify(&claims, checks, ev, &how, &err);
	assay_claims_free(claims);
	assay_checks_free(checks);
	assay_trust_free(trust);
	return rc;
}

/* An SNP report is followed by a table of Intel's chain, and then a quote holds that table: it has
 * no chain, whatever was read from the same bytes before. */
static void
a_table_is_no_pck_chain(void **state)
{
	struct sim *sim = sim_new(1);
	struct sim_dcap p;
	struct sim_snp snp;
	struct sim_output quote, report;
	struct assay_evidence *fresh = NULL, *used = NULL;
	struct assay_error err;

	(void)state;
	sim_dcap_new(&p, sim, false, 3, 0, true, NOW, 30 * SIM_DAY);
	sim_dcap_write(&p, &quote); /* puts the SGX extension into p.pck */
	const struct sim_table_entry entries[] = {
		{ SIM_GUID_VCEK, sim_cert_write(sim, &p.pck), 0, 0 },
		{ SIM_GUID_ASK, sim_cert_write(sim, &p.pck_ca), 0, 0 },
		{ SIM_GUID_ARK, sim_cert_write(sim, &p.root), 0, 0 },
	};
	struct sim_bytes table = sim_cert_table_write(sim, entries, 3);
	p.quote.cert_data = table;
	sim_dcap_write(&p, &quote);
	sim_snp_new(&snp, sim, SIM_MILAN, 3, false, NOW, 30 * SIM_DAY);
	sim_snp_write(&snp, &report);
	struct sim_bytes both = sim_join(sim, report.evidence, table);

	assert_int_equal(assay_evidence_parse(&fresh, bytes(quote.evidence), &err), ASSAY_OK);
	assert_int_not_equal(verdict(fresh, &quote), ASSAY_OK);
	assert_int_equal(assay_evidence_parse(&used, bytes(both), &err), ASSAY_OK);
	assert_int_equal(assay_evidence_parse(&used, bytes(quote.evidence), &err), ASSAY_OK);
	assert_int_equal(verdict(used, &quote), verdict(fresh, &quote));
	assay_evidence_free(fresh);
	assay_evidence_free(used);
	sim_free(sim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_table_is_no_pck_chain) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
