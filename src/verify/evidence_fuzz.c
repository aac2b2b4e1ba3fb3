/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/tee.h"

#include <stdlib.h>
#include <string.h>

#include <assay/assay.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1795219200 }; /* 2026-11-21 */

/* Used by all runs: the built-in roots and no collateral; what an earlier input left must not show
 * in a later one's verdict. */
static struct assay_trust *trust;
static struct assay_cache *cache;
static struct assay_evidence *used;
static struct assay_claims *used_claims;
static struct assay_checks *checks, *used_checks;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
prepare(void)
{
	if (trust != NULL)
		return;
	must(assay_trust_new(&trust, NULL) == ASSAY_OK &&
	    assay_cache_new(&cache, 0, NULL) == ASSAY_OK &&
	    assay_checks_new(&checks, NULL) == ASSAY_OK &&
	    assay_checks_new(&used_checks, NULL) == ASSAY_OK);
}

/* A verdict is the rows' verdict, and one that is not "accepted" is explained. */
static void
agree(enum assay_code rc, const struct assay_checks *rows, const struct assay_error *err)
{
	must(rc == assay_checks_verdict(rows));
	must(rc == ASSAY_OK || (err->code == rc && err->text[0] != '\0'));
	for (size_t i = 0; i < assay_checks_count(rows); i++)
		must(assay_check_outcome(rows, i) == ASSAY_PASS ||
		    assay_check_detail(rows, i)[0] != '\0');
}

static bool
passed(const struct assay_checks *rows, const char *id)
{
	for (size_t i = 0; i < assay_checks_count(rows); i++)
		if (strcmp(assay_check_id(rows, i), id) == 0)
			return assay_check_outcome(rows, i) == ASSAY_PASS;
	return false;
}

/* Quotes need collateral, and there is none but in a bundle. A report of AMD's can bring all that it
 * needs, but for a signature that nobody can make up. What is opaque is never accepted. */
static void
accepted_rightly(const struct assay_evidence *ev, const struct assay_checks *rows)
{
	bool quote = ev->tee == &assay_tee_tdx || ev->tee == &assay_tee_sgx;

	must((quote && ev->brought != NULL) || ev->tee == &assay_tee_snp ||
	    ev->tee == &assay_tee_sev || ev->tee == &assay_tee_sev_es);
	must(passed(rows,
	    quote                           ? "dcap.quote.signature"
		: ev->tee == &assay_tee_snp ? "snp.report.signature"
		: ev->sev.has_report        ? "sev.report.signature"
					    : "sev.pek.cek_signature"));
}

static void
judge(struct assay_claims **claims, struct assay_checks *rows, const struct assay_evidence *ev,
    struct assay_cache *with)
{
	struct assay_appraisal how = { .trust = trust, .now = NOW, .cache = with };
	struct assay_error err = { ASSAY_OK, "" };
	char *json = NULL;

	assay_checks_clear(rows);
	enum assay_code rc = assay_evidence_verify(claims, rows, ev, &how, &err);
	agree(rc, rows, &err);
	if (rc == ASSAY_OK)
		accepted_rightly(ev, rows);
	must(assay_policy_check(rows, assay_policy_builtin("genuine"), *claims, &err) == rc);
	enum assay_code strict =
	    assay_policy_check(rows, assay_policy_builtin("default"), *claims, &err);
	agree(strict, rows, &err);
	must(rc == ASSAY_OK || strict != ASSAY_OK);
	must(assay_claims_json(&json, *claims, &err) == ASSAY_OK && json[0] == '{');
	free(json);
}

/* Row for row: fresh objects, and those that judged everything before. */
static void
same_rows(void)
{
	must(assay_checks_count(checks) == assay_checks_count(used_checks));
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		must(strcmp(assay_check_id(checks, i), assay_check_id(used_checks, i)) == 0 &&
		    strcmp(assay_check_detail(checks, i), assay_check_detail(used_checks, i)) ==
			0 &&
		    assay_check_outcome(checks, i) == assay_check_outcome(used_checks, i) &&
		    assay_check_code(checks, i) == assay_check_code(used_checks, i));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;

	prepare();
	enum assay_code rc = assay_evidence_parse(&ev, in, &err);
	must(rc == ASSAY_OK || (err.code == rc && err.text[0] != '\0'));
	must(assay_evidence_parse(&used, in, NULL) == rc);
	if (rc != ASSAY_OK) {
		must(ev == NULL && (used == NULL || assay_evidence_tee(used)[0] == '\0'));
		return 0;
	}
	judge(&claims, checks, ev, NULL);
	judge(&used_claims, used_checks, used, cache);
	same_rows();
	assay_claims_free(claims);
	assay_evidence_free(ev);
	return 0;
}
