/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/dcap.h"

#include <string.h>

/* SHA-256(attestation key || authentication data), then zeros. Intel's own verifier looks at the
 * first 32 bytes only; every real QE leaves the rest zero. */
static void
check_binding(struct dcap *d)
{
	uint8_t want[64] = { 0 };
	const struct quote *q = d->quote;

	assay_sha256_two(want, q->attestation_key, q->qe_auth_data);
	assay_check_that(d->run.checks, CHECK_DCAP_QE_REPORT_BINDING,
	    memcmp(q->qe_report.report_data, want, sizeof want) == 0, ASSAY_E_SIGNATURE,
	    "names this attestation key",
	    "the QE's REPORTDATA is %s, want %s and zeros: the QE did not vouch for this "
	    "attestation key",
	    assay_quote_hex((struct assay_bytes){ q->qe_report.report_data, 64 }).text,
	    assay_quote_hex((struct assay_bytes){ want, 32 }).text);
}

static void
check_qe_report(struct dcap *d)
{
	struct assay_checks *cs = d->run.checks;
	uint8_t digest[ASSAY_SHA256_LEN];

	if (d->leaf == NULL)
		assay_check_need(cs, CHECK_DCAP_QE_REPORT_SIGNATURE, "", "",
		    "cannot be told without the PCK certificate");
	else {
		assay_sha256(digest, d->quote->qe_report_bytes);
		assay_check_that(cs, CHECK_DCAP_QE_REPORT_SIGNATURE,
		    assay_run_signed(&d->run, &d->leaf_key, FACT_QE_REPORT, ASSAY_ECDSA_P256_SHA256,
			(struct assay_bytes){ digest, sizeof digest },
			d->quote->qe_report_signature),
		    ASSAY_E_SIGNATURE, "signed by the PCK key",
		    "the QE report is not signed by the PCK key: the quoting enclave is not of "
		    "this platform");
	}
	check_binding(d);
}

/* Never from the cache: this is what the evidence says now. */
static void
check_quote(struct dcap *d)
{
	const struct assay_public key = { ASSAY_KEY_P256, d->quote->attestation_key };

	assay_check_that(d->run.checks, CHECK_DCAP_QUOTE_SIGNATURE,
	    assay_run_verify(
		&d->run, key, ASSAY_ECDSA_P256_SHA256, d->quote->signed_part, d->quote->signature),
	    ASSAY_E_SIGNATURE, "signed by the attestation key",
	    "the quote is not signed by its attestation key: its content was changed");
}

static void
claim_pck(struct dcap *d)
{
	struct assay_claims *c = d->run.claims;
	const struct pck_extension *p = &d->pck;

	assay_claim_text(c, CLAIM_DCAP_CA, d->platform_ca ? "platform" : "processor");
	assay_claim_bytes(c, CLAIM_DCAP_FMSPC, (struct assay_bytes){ p->fmspc, sizeof p->fmspc });
	assay_claim_bytes(
	    c, CLAIM_DCAP_PCE_ID, (struct assay_bytes){ p->pce_id, sizeof p->pce_id });
	assay_claim_bytes(c, CLAIM_DCAP_PPID, (struct assay_bytes){ p->ppid, sizeof p->ppid });
	assay_claim_bytes(c, CLAIM_PLATFORM_ID, (struct assay_bytes){ p->ppid, sizeof p->ppid });
	assay_claim_bytes(
	    c, CLAIM_DCAP_CPU_SVN, (struct assay_bytes){ p->cpu_svn, sizeof p->cpu_svn });
	assay_claim_bytes(
	    c, CLAIM_DCAP_COMPONENTS, (struct assay_bytes){ p->components, sizeof p->components });
	assay_claim_number(c, CLAIM_DCAP_PCE_SVN, p->pce_svn);
	assay_claim_number(c, CLAIM_DCAP_SGX_TYPE, p->sgx_type);
	if (p->has_platform_instance)
		assay_claim_bytes(c, CLAIM_DCAP_PLATFORM_INSTANCE,
		    (struct assay_bytes){ p->platform_instance, sizeof p->platform_instance });
	if (p->has_dynamic_platform)
		assay_claim_flag(c, CLAIM_DCAP_DYNAMIC_PLATFORM, p->dynamic_platform);
	if (p->has_cached_keys)
		assay_claim_flag(c, CLAIM_DCAP_CACHED_KEYS, p->cached_keys);
	if (p->has_smt_enabled)
		assay_claim_flag(c, CLAIM_DCAP_SMT_ENABLED, p->smt_enabled);
}

static void
check_platform(struct dcap *d)
{
	const struct pck_extension *p = &d->pck;
	const struct platform_id ids[] = {
		{ PLATFORM_PPID, { p->ppid, d->has_pck ? sizeof p->ppid : 0 } },
		{ PLATFORM_INSTANCE, { p->platform_instance, sizeof p->platform_instance } },
	};

	/* A platform of the Processor CA has no instance id; it hides none. */
	assay_run_platform(&d->run, ids, p->has_platform_instance ? 2 : 1);
}

static void
claim_report(struct dcap *d)
{
	struct assay_claims *c = d->run.claims;
	const struct quote *q = d->quote;
	const uint8_t *data = d->tdx ? q->td.report_data : q->sgx.report_data;

	assay_claim_number(c, CLAIM_DCAP_QUOTE_VERSION, q->version);
	assay_claim_number(c, CLAIM_DCAP_CERT_TYPE, q->pck_cert_type);
	assay_claim_number(c, CLAIM_DCAP_QE_SVN, q->qe_report.isv_svn);
	assay_claim_bytes(c, CLAIM_REPORT_DATA, (struct assay_bytes){ data, 64 });
	if (!d->tdx) {
		assay_claim_flag(c, CLAIM_DEBUG, (q->sgx.attributes & 2) != 0);
		assay_claim_bytes(
		    c, CLAIM_MEASUREMENT, (struct assay_bytes){ q->sgx.mr_enclave, 32 });
		assay_claim_bytes(c, CLAIM_SIGNER, (struct assay_bytes){ q->sgx.mr_signer, 32 });
		assay_claim_number(c, CLAIM_PRODUCT_ID, q->sgx.isv_prod_id);
		assay_claim_number(c, CLAIM_SVN, q->sgx.isv_svn);
		return;
	}
	assay_claim_text(c, CLAIM_DCAP_MODULE, assay_tdx_module_id(q->td.tee_tcb_svn[1]).text);
	assay_claim_number(c, CLAIM_DCAP_MODULE_SVN, q->td.tee_tcb_svn[0]);
	/* The untrusted group, bits 7:0: any bit lets the host look in. */
	assay_claim_flag(c, CLAIM_DEBUG, (q->td.td_attributes & 0xff) != 0);
	assay_claim_flag(c, CLAIM_TDX_SERVICE_TD,
	    !assay_bytes_zero((struct assay_bytes){ q->td.mr_service_td, 48 }));
	assay_claim_bytes(c, CLAIM_MEASUREMENT, (struct assay_bytes){ q->td.mr_td, 48 });
	assay_claim_bytes(c, CLAIM_SIGNER, (struct assay_bytes){ q->td.mr_owner, 48 });
}

static void
verify(struct assay_claims *out, struct assay_checks *checks, const struct assay_evidence *ev,
    const struct assay_appraisal *how)
{
	struct dcap d = {
		.ev = ev, .quote = &ev->quote, .tdx = ev->quote.tee_type == QUOTE_TEE_TDX
	};

	assay_run_start(&d.run, how, checks, out, ev);
	assay_claims_reset(out, ev->tee, d.quote->body, 0);
	if (d.quote->padding.len > 0)
		assay_check_warn(checks, CHECK_EVIDENCE_PADDING,
		    "%zu zero bytes follow the quote and were passed over", d.quote->padding.len);
	claim_report(&d);
	assay_dcap_chain(&d);
	assay_dcap_revocation(&d);
	if (d.has_pck)
		claim_pck(&d);
	assay_dcap_collateral(&d);
	check_qe_report(&d);
	check_quote(&d);
	assay_dcap_levels(&d);
	check_platform(&d);
	assay_run_report_data(&d.run,
	    (struct assay_bytes){ d.tdx ? d.quote->td.report_data : d.quote->sgx.report_data, 64 });
	assay_run_finish(&d.run, d.anchor);
	assay_signer_clear(&d.run, &d.root_key);
	assay_signer_clear(&d.run, &d.ca_key);
	assay_signer_clear(&d.run, &d.leaf_key);
}

static enum assay_code
parse(struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err)
{
	enum assay_code rc = assay_quote_parse(&ev->quote, in, err);

	if (rc != ASSAY_OK)
		return rc;
	(void)snprintf(
	    ev->kind, sizeof ev->kind, "quote v%u, %zu bytes", ev->quote.version, ev->quote.size);
	bool certs = ev->quote.pck_cert_type == QUOTE_CERT_PCK_LEAF ||
	    ev->quote.pck_cert_type == QUOTE_CERT_PCK_CHAIN;
	rc = assay_evidence_take_certs(ev,
	    certs ? ev->quote.cert_data : (struct assay_bytes){ NULL, 0 }, &ev->quote.cert_data, 1,
	    "PCK chain", err);
	for (size_t i = 0; rc == ASSAY_OK && ev->pck.cert == NULL && i < ev->cert_count; i++)
		assay_dcap_read_pck(&ev->pck, &ev->certs[i]);
	return rc;
}

static bool
recognise_sgx(struct assay_bytes in)
{
	return assay_quote_recognise(in, QUOTE_TEE_SGX);
}

static bool
recognise_tdx(struct assay_bytes in)
{
	return assay_quote_recognise(in, QUOTE_TEE_TDX);
}

/* No level was matched: the checks that lack something say what. */
static const char *
untold(const struct assay_claims *claims, const char **what, const char **which)
{
	(void)claims;
	*what = *which = "";
	return "cannot be told without the collateral";
}

/* By the index of the CC event log: 0 is MRTD, 1 is RTMR0. Source: Intel GHCI 1.5, CCEL. */
static void
registers_tdx(struct assay_registers *out, const struct assay_evidence *ev)
{
	const struct td_report *td = &ev->quote.td;
	struct assay_register_bank *bank = &out->banks[0];

	*out = (struct assay_registers){ .cc = true, .bank_count = 1 };
	bank->algorithm = 0x0c; /* TPM_ALG_SHA384 */
	bank->size = sizeof td->mr_td;
	bank->known = 0x1f;
	memcpy(bank->value[0], td->mr_td, sizeof td->mr_td);
	for (size_t i = 0; i < sizeof td->rtmr / sizeof td->rtmr[0]; i++)
		memcpy(bank->value[i + 1], td->rtmr[i], sizeof td->rtmr[i]);
}

/* clang-format off */
#define QUOTE_SIZES \
	{ "report_data", 64, 0 }, \
	{ "platform_id", 16, 0 }, \
	{ "dcap.ppid", 16, 0 }, \
	{ "dcap.platform_instance", 16, 0 }, \
	{ "dcap.cpu_svn", 16, 0 }, \
	{ "dcap.components", 16, 0 }, \
	{ "dcap.fmspc", 6, 0 }, \
	{ "dcap.pce_id", 2, 0 }, \
	{ NULL, 0, 0 }

static const struct claim_size sgx_sizes[] = {
	{ "measurement", 32, 0 },
	{ "signer", 32, 0 },
	QUOTE_SIZES
};
static const struct claim_size tdx_sizes[] = {
	{ "measurement", 48, 0 },
	{ "signer", 48, 0 },
	QUOTE_SIZES
};
/* clang-format on */

static bool
answers(const struct assay_evidence *ev, const uint8_t *report_data)
{
	const struct quote *q = &ev->quote;

	return memcmp(q->tee_type == QUOTE_TEE_TDX ? q->td.report_data : q->sgx.report_data,
		   report_data, ASSAY_REPORT_DATA_SIZE) == 0;
}

const struct assay_tee assay_tee_sgx = {
	.name = "sgx",
	.title = "Intel SGX",
	.object = "sgx",
	.fields = sgx_report_fields,
	.sizes = sgx_sizes,
	.recognise = recognise_sgx,
	.parse = parse,
	.verify = verify,
	.answers = answers,
	.untold = untold,
};

const struct assay_tee assay_tee_tdx = {
	.name = "tdx",
	.title = "Intel TDX",
	.object = "tdx",
	.provider = "tdx_guest",
	.fields = td_report_fields,
	.sizes = tdx_sizes,
	.recognise = recognise_tdx,
	.parse = parse,
	.verify = verify,
	.answers = answers,
	.registers = registers_tdx,
	.untold = untold,
};
