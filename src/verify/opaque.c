/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of a provider that no TEE here has: kept, shown, and never accepted. */
#include "verify/run.h"

static const struct assay_field no_fields[] = { FIELD_END };

/* Whatever it looks like: only a wrapper says that evidence is opaque. */
static bool
recognise(struct assay_bytes in)
{
	(void)in;
	return false;
}

static enum assay_code
parse(struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err)
{
	(void)snprintf(ev->kind, sizeof ev->kind, "%zu bytes of %s", in.len, ev->provider);
	return assay_evidence_take_certs(ev, (struct assay_bytes){ NULL, 0 }, NULL, 0, "none", err);
}

/* The row is needed and never run, so that no policy and no expectation makes it a verdict. */
static void
verify(struct assay_claims *out, struct assay_checks *checks, const struct assay_evidence *ev,
    const struct assay_appraisal *how)
{
	(void)how;
	assay_claims_reset(out, ev->tee, (struct assay_bytes){ NULL, 0 }, 0);
	assay_check_need(checks, CHECK_BUNDLE_PROVIDER, "verifier", ev->provider,
	    "the evidence was made by %s, which this version cannot judge", ev->provider);
}

const struct assay_tee assay_tee_opaque = {
	.name = "opaque",
	.title = "unknown TEE",
	.object = "opaque",
	.fields = no_fields,
	.recognise = recognise,
	.parse = parse,
	.verify = verify,
};
