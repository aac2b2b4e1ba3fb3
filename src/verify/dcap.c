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

/* What is to be done about a status; NULL: what the table says. */
static const char *
status_fix(enum tcb_status status)
{
	switch (status) {
	case TCB_SW_HARDENING_NEEDED:
		return "The platform is current. The advisories ask the workload for mitigations: "
		       "build it "
		       "with them, and then accept this status on purpose.";
	case TCB_CONFIGURATION_NEEDED:
	case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return "The host's operator must change the BIOS settings that the advisories name "
		       "(often: "
		       "hyper-threading). Then take a new quote.";
	case TCB_TD_RELAUNCH_ADVISED:
	case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
		return "The TDX module was updated while the TD ran: start the TD again, and take "
		       "a new quote.";
	case TCB_REVOKED:
		return "Intel has revoked this TCB: treat the platform as broken into.";
	case TCB_NONE:
	case TCB_UP_TO_DATE:
	case TCB_OUT_OF_DATE:
	case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
	case TCB_NOT_SUPPORTED:
	case TCB_STATUSES:
		break;
	}
	return NULL;
}

void
assay_dcap_judge(struct assay_checks *checks, const struct assay_claims *claims)
{
	char parts[160] = "";
	size_t n = 0;

	if (claims->status == TCB_NONE) {
		assay_check_need(
		    checks, CHECK_DCAP_TCB_STATUS, "", "", "cannot be told without the collateral");
		return;
	}
	for (size_t i = 0; i < claims->short_count && n < sizeof parts - 1; i++) {
		const struct assay_shortfall *s = &claims->shorts[i];
		int w = snprintf(parts + n, sizeof parts - n, "%s%s is %llu, wants %llu",
		    n == 0 ? ": " : ", ", s->part, (unsigned long long)s->got,
		    (unsigned long long)s->want);
		if (w < 0 || (size_t)w >= sizeof parts - n) {
			parts[n] = '\0'; /* only whole parts: the rest are among the claims */
			break;
		}
		n += (size_t)w;
	}
	if (!assay_check_that(checks, CHECK_DCAP_TCB_STATUS, claims->status == TCB_UP_TO_DATE,
		ASSAY_E_POLICY, "UpToDate", "the TCB is %s, not UpToDate%s",
		assay_tcb_status_name(claims->status), parts) &&
	    status_fix(claims->status) != NULL)
		assay_check_set_fix(checks, status_fix(claims->status));
}

/* TDATTRIBUTES and XFAM that the strictest peer allows. Source: Intel TDX Module ABI, TDATTRIBUTES
 * and XFAM. */
enum { SEPT_VE_DISABLE = 28, PKS = 30, PERFMON = 63 };
#define TD_ATTRIBUTES_ALLOWED                                                                      \
	(UINT64_C(1) << SEPT_VE_DISABLE | UINT64_C(1) << PKS | UINT64_C(1) << PERFMON)
#define XFAM_FIXED_1 UINT64_C(0x3)
#define XFAM_ALLOWED UINT64_C(0x6dbe7)

static void
judge_tdx(struct assay_checks *checks, const struct assay_claims *claims)
{
	uint64_t attributes = assay_claims_field(claims, "td_attributes");
	uint64_t xfam = assay_claims_field(claims, "xfam");
	size_t i = 0;

	assay_dcap_judge(checks, claims);
	assay_check_that(checks, CHECK_TDX_POLICY_SEPT_VE_DISABLE,
	    (attributes >> SEPT_VE_DISABLE & 1) != 0, ASSAY_E_POLICY, "on",
	    "SEPT_VE_DISABLE (TDATTRIBUTES bit 28) is off: the host can make the TD "
	    "take exceptions on its own memory");
	/* Bits 7:0 are debug's. */
	assay_check_that(checks, CHECK_TDX_POLICY_ATTRIBUTES,
	    (attributes & ~(TD_ATTRIBUTES_ALLOWED | 0xff)) == 0, ASSAY_E_POLICY,
	    "none beyond the usual",
	    "TDATTRIBUTES is 0x%llx: bits other than 28, 30 and 63 are set (29: migratable)",
	    (unsigned long long)attributes);
	assay_check_that(checks, CHECK_TDX_POLICY_XFAM,
	    (xfam & XFAM_FIXED_1) == XFAM_FIXED_1 && (xfam & ~XFAM_ALLOWED) == 0, ASSAY_E_POLICY,
	    "usual features", "XFAM is 0x%llx, want bits 0 and 1 and none outside 0x%llx",
	    (unsigned long long)xfam, (unsigned long long)XFAM_ALLOWED);
	bool none = !assay_schema_find("tdx.mr_service_td", &i) ||
	    assay_bytes_zero(assay_claims_bytes(claims, i));
	assay_check_that(checks, CHECK_TDX_POLICY_SERVICE_TD, none, ASSAY_E_POLICY, "none is bound",
	    "a service TD (a migration agent) is bound to the TD: MRSERVICETD is not zero");
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

const struct assay_tee assay_tee_sgx = {
	.name = "sgx",
	.title = "Intel SGX",
	.object = "sgx",
	.fields = sgx_report_fields,
	.recognise = recognise_sgx,
	.parse = parse,
	.verify = verify,
	.report_data_size = 64,
	.judge = assay_dcap_judge,
};

const struct assay_tee assay_tee_tdx = {
	.name = "tdx",
	.title = "Intel TDX",
	.object = "tdx",
	.provider = "tdx_guest",
	.fields = td_report_fields,
	.recognise = recognise_tdx,
	.parse = parse,
	.verify = verify,
	.report_data_size = 64,
	.registers = registers_tdx,
	.judge = judge_tdx,
};
