/* SPDX-License-Identifier: Apache-2.0 */
#include "snp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assay/bundle.h>
#include <assay/evidence.h>

#include "alloc.h"
#include "buffer.h"
#include "platforms/platforms.h"
#include "scan.h"
#include "vectors.h"

enum { NOW = 1795219200, REPORT = 1184 };

/* What the attesters would send of these bytes; the caller frees. */
static char *
written(struct sim_bytes raw)
{
	struct assay_error err;
	struct assay_bytes none = { NULL, 0 };
	char *json;

	if (assay_coco_write(&json, (struct assay_bytes){ raw.ptr, REPORT },
		(struct assay_bytes){ raw.ptr + REPORT, raw.len - REPORT }, none, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return json;
}

static void
test_round_trip(void **state)
{
	static const struct {
		enum sim_product product;
		uint32_t version;
		bool vlek, table;
	} rows[] = { { SIM_MILAN, 2, false, true }, { SIM_MILAN, 3, true, true },
		{ SIM_GENOA, 4, false, false }, { SIM_TURIN, 5, false, true } };
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sim *sim = sim_new(3);
		struct sim_output out;
		struct sim_snp s;
		struct assay_error err;
		uint8_t *bytes;
		size_t len;
		sim_snp_new(&s, sim, rows[i].product, rows[i].version, rows[i].vlek, NOW, SIM_DAY);
		s.table = rows[i].table;
		s.report.policy = UINT64_MAX;
		s.report.launch_mit_vector = rows[i].version == 5 ? UINT64_MAX - 1 : 0;
		sim_snp_write(&s, &out);
		char *json = written(out.evidence);
		if (kbs_snp_rebuild(&bytes, &len, bytes_of(json), &err) != ASSAY_OK)
			fail_msg("%s", err.text);
		assert_memory_equal(bytes, out.evidence.ptr, REPORT);
		/* The tables may differ; what the library makes of both may not. */
		struct assay_evidence *ours = NULL, *theirs = NULL;
		assert_int_equal(
		    assay_evidence_parse(&ours, (struct assay_bytes){ bytes, len }, &err),
		    ASSAY_OK);
		assert_int_equal(assay_evidence_parse(&theirs, bytes_of(json), &err), ASSAY_OK);
		assert_true(bytes_equal(assay_evidence_raw(ours), assay_evidence_raw(theirs)));
		assay_evidence_free(ours);
		assay_evidence_free(theirs);
		free(bytes);
		free(json);
		sim_free(sim);
	}
}

/* A real one: its signature is over what is rebuilt. */
static void
test_capture(void **state)
{
	struct assay_bytes json = vectors_read("coco/evidence/snp/evidence.json");
	struct assay_evidence *theirs = NULL;
	struct assay_error err;
	uint8_t *bytes;
	size_t len;
	(void)state;

	if (json.ptr == NULL)
		return; /* vectors_read() has said so */
	assert_int_equal(scan_check(json, "", &err), ASSAY_OK);
	if (kbs_snp_rebuild(&bytes, &len, scan_trim(json), &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	assert_int_equal(assay_evidence_parse(&theirs, json, &err), ASSAY_OK);
	assert_true(bytes_equal((struct assay_bytes){ bytes, len }, assay_evidence_raw(theirs)));
	assay_evidence_free(theirs);
	free(bytes);
	vectors_free(json);
}

/* What is changed in good evidence, from -> to, and the words of the refusal; NULL: it is taken. */
static const struct {
	const char *from, *to, *words;
} changes[] = {
	{ "\"version\":3", "\"version\": 3", NULL },
	{ "\"version\":3", "\"version\":03", "is no JSON" },
	{ "\"version\":3", "\"version\":-3", "attestation_report.version is not of its type" },
	{ "\"version\":3", "\"version\":3.0", "attestation_report.version is not of its type" },
	{ "\"version\":3", "\"version\":4294967296",
	    "attestation_report.version is not of its type" },
	{ "\"version\":3", "\"version\":\"3\"", "attestation_report.version is not of its type" },
	{ "\"version\":3,", "", "attestation_report.version is missing" },
	{ "\"version\":3,", "\"version\":3,\"version\":3,",
	    "the member version stands there twice" },
	{ "\"version\":3,", "\"version\":3,\"more\":1,", "28 members, and 27 of them are known" },
	{ "\"vmpl\":0", "\"vmpl\":null", "attestation_report.vmpl" },
	{ "\"cpuid_step\":", "\"cpuid_stop\":", "of them are known" },
	{ "\"cpuid_step\":1", "\"cpuid_step\":null", "attestation_report.cpuid_step" },
	{ "\"cpuid_step\":1", "\"cpuid_step\":256", "attestation_report.cpuid_step" },
	{ "\"fmc\":null,", "", NULL },
	{ "\"fmc\":null", "\"fmc\":\"\"", "attestation_report.current_tcb" },
	{ "\"bootloader\":", "\"boot\":", "evidence: a TCB has 5 members" },
	{ "\"major\":", "\"big\":", "evidence: a version has 3 members" },
	{ "\"r\":[", "\"r\":[0,", "attestation_report.signature" },
	{ "\"r\":[", "\"q\":[],\"r\":[", "evidence: the signature has 3 members" },
	{ "\"family_id\":[0", "\"family_id\":[256", "attestation_report.family_id" },
	{ "\"family_id\":[0", "\"family_id\":[-0", "attestation_report.family_id" },
	{ "\"family_id\":[0", "\"family_id\":[\"0\"", "attestation_report.family_id" },
	{ "\"family_id\":[0,", "\"family_id\":[", "attestation_report.family_id" },
	{ "\"family_id\":[0,", "\"family_id\":[ 0 ,", NULL },
	{ "\"cert_type\":\"ARK\"", "\"cert_type\":\"CRL\"", NULL },
	{ "\"cert_type\":\"ARK\"", "\"cert_type\":{\"OTHER\":\"x\"}", NULL },
	{ "\"cert_type\":\"ARK\"", "\"cert_type\":{\"OTHER\":1}", "a cert_type must be" },
	{ "\"cert_type\":\"ARK\"", "\"cert_type\":\"ark\"", "a cert_type must be" },
	{ "\"cert_type\":\"ARK\"", "\"type\":\"ARK\"", "a cert_type must be" },
	{ "\"cert_type\":\"ARK\",\"data\":[", "\"cert_type\":\"ARK\",\"data\":[256,",
	    "the data of ARK" },
	{ "\"cert_type\":\"ARK\",\"data\":[", "\"cert_type\":\"ARK\",\"dota\":[",
	    "the data of ARK" },
	{ "\"cert_chain\":[", "\"cert_chain\":[1,",
	    "an entry of cert_chain: must be a JSON object" },
	{ "\"cert_chain\":", "\"certs\":", "evidence: has 2 members, and 1 of them are known" },
	{ "\"attestation_report\":", "\"report\":", "of them are known" },
};

static void
test_changes(void **state)
{
	struct sim *sim = sim_new(3);
	struct sim_output out;
	struct sim_snp s;
	(void)state;

	sim_snp_new(&s, sim, SIM_MILAN, 3, false, NOW, SIM_DAY);
	s.table = true;
	sim_snp_write(&s, &out);
	char *json = written(out.evidence);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct buffer b = { .len = 0 };
		uint8_t *bytes;
		size_t len;
		char *at = strstr(json, changes[i].from);
		if (at == NULL)
			fail_msg("%s is not there: %.300s", changes[i].from, json);
		buffer_add(&b, (struct assay_bytes){ (uint8_t *)json, (size_t)(at - json) });
		buffer_put(&b, changes[i].to);
		buffer_put(&b, at + strlen(changes[i].from));
		enum assay_code rc = scan_check(buffer_bytes(&b), "evidence", &err);
		if (rc == ASSAY_OK)
			rc = kbs_snp_rebuild(&bytes, &len, buffer_bytes(&b), &err);
		if (rc == ASSAY_OK)
			free(bytes);
		if ((rc == ASSAY_OK) != (changes[i].words == NULL) ||
		    (rc != ASSAY_OK && strstr(err.text, changes[i].words) == NULL))
			fail_msg("%s: %s", changes[i].to, err.text);
		buffer_clear(&b);
	}
	/* Memory. */
	for (size_t n = 1;; n++) {
		uint8_t *bytes;
		size_t len;
		alloc_fail_at(n);
		enum assay_code rc = kbs_snp_rebuild(&bytes, &len, bytes_of(json), NULL);
		if (rc == ASSAY_OK)
			free(bytes);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, ASSAY_E_NOMEM);
	}
	free(json);
	sim_free(sim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_capture),
		cmocka_unit_test(test_changes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
