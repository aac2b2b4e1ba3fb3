/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <assay/assay.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1674691200 }; /* 2023-01-26: one of the captures brings all that it needs */

static struct assay_trust *trust;
static struct assay_checks *checks;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
passed(const char *id)
{
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		if (strcmp(assay_check_id(checks, i), id) == 0)
			return assay_check_outcome(checks, i) == ASSAY_PASS;
	return false;
}

static void
judge(const struct assay_cert *cert, struct assay_bytes nonce)
{
	const struct assay_appraisal how = { .trust = trust, .now = NOW };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_claims *claims = NULL;

	assay_checks_clear(checks);
	enum assay_code rc = assay_cert_verify(&claims, checks, cert, nonce, &how, &err);
	must(rc == assay_checks_verdict(checks));
	must(rc == ASSAY_OK || (err.code == rc && err.text[0] != '\0'));
	must((claims != NULL) == (assay_cert_evidence(cert) != NULL));
	if (rc == ASSAY_OK || rc == ASSAY_E_INCOMPLETE) /* nothing failed */
		must(passed("cert.signature") && passed("cert.extension") &&
		    passed("cert.binding") && passed("evidence.report_data"));
	assay_claims_free(claims);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_cert *cert = NULL;

	if (trust == NULL)
		must(assay_trust_new(&trust, NULL) == ASSAY_OK &&
		    assay_checks_new(&checks, NULL) == ASSAY_OK);
	enum assay_code rc = assay_cert_parse(&cert, (struct assay_bytes){ data, size }, &err);
	must((rc == ASSAY_OK) == (cert != NULL));
	if (rc != ASSAY_OK) {
		must(err.code == rc && err.text[0] != '\0');
		return 0;
	}
	must(assay_cert_kind(cert)[0] != '\0' && assay_cert_key(cert).len > 0);
	judge(cert, (struct assay_bytes){ NULL, 0 });
	judge(cert, (struct assay_bytes){ data, size < 8 ? 0 : 8 });
	assay_cert_free(cert);
	return 0;
}
