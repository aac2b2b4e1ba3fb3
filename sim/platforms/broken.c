/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with a platform, one thing at a time. */
#include "platforms/platform.h"

#include <stdio.h>
#include <string.h>

/* --- all ------------------------------------------------------------------------------------ */

/* Another authority of the same name and of a key of its own. */
static void
other_root(struct sim_platform *p, struct sim_output *out)
{
	struct sim_cert root =
	    p->spec.tee[0] == 's' && p->spec.tee[1] == 'n' ? p->snp.ark : p->dcap.root;
	char label[32];

	if (p->sev.sim != NULL) {
		struct sim_amd_cert ark = p->sev.ark;
		ark.key = ark.signer = p->sev.ask.key;
		out->root = sim_amd_cert_write(p->sim, &ark);
		return;
	}
	if (p->snp.sim != NULL) {
		const char *spare = p->snp.vlek ? "ask" : "asvk";
		snprintf(label, sizeof label, "%s-%s", spare, sim_product_name(p->snp.product));
		root.key = root.signer = sim_key(p->sim, SIM_RSA4096, label);
	} else {
		root.key = root.signer = sim_key(p->sim, SIM_P256, "another root");
		sim_set_akid(p->sim, &root, root.key);
	}
	sim_set_skid(p->sim, &root);
	out->root = sim_pem(p->sim, "CERTIFICATE", sim_cert_write(p->sim, &root));
}

static void
bad_signature(struct sim_platform *p)
{
	if (p->sev.sim != NULL)
		p->sev.report.signer = sim_key(p->sim, SIM_P384, "rogue");
	else if (p->snp.sim != NULL)
		p->snp.report.signer = sim_key(p->sim, SIM_P384, "rogue");
	else
		p->dcap.quote.quote_signer = sim_key(p->sim, SIM_P256, "rogue");
}

/* --- Intel ---------------------------------------------------------------------------------- */

static void
window(struct sim_platform *p, int64_t since, int64_t until)
{
	p->dcap.tcb_info.doc.issue_date = p->dcap.qe_identity.doc.issue_date = since;
	p->dcap.tcb_info.doc.next_update = p->dcap.qe_identity.doc.next_update = until;
}

static void
stale_collateral(struct sim_platform *p)
{
	window(p, p->spec.time - 31 * SIM_DAY, p->spec.time - SIM_DAY);
}

static void
future_collateral(struct sim_platform *p)
{
	window(p, p->spec.time + SIM_DAY, p->spec.time + SIM_DAY + p->spec.valid);
}

static void
stale_crl(struct sim_platform *p)
{
	struct sim_crl *crls[] = { &p->dcap.root_crl, &p->dcap.pck_crl, &p->snp.crl };

	for (size_t i = 0; i < 3; i++) {
		crls[i]->this_update = p->spec.time - 31 * SIM_DAY;
		crls[i]->next_update = p->spec.time - SIM_DAY;
	}
}

static void
wrong_fmspc(struct sim_platform *p)
{
	p->dcap.tcb_info.fmspc[0] ^= 0xff;
}

static void
wrong_identity(struct sim_platform *p)
{
	p->dcap.qe_identity.id = p->dcap.tdx ? "QE" : "TD_QE";
}

static void
rogue_tcb_info(struct sim_platform *p)
{
	p->dcap.tcb_info.doc.signer = sim_key(p->sim, SIM_P256, "rogue");
}

static void
rogue_identity(struct sim_platform *p)
{
	p->dcap.qe_identity.doc.signer = sim_key(p->sim, SIM_P256, "rogue");
}

static void
wrong_crl(struct sim_platform *p)
{
	p->dcap.pck_crl.issuer = sim_name(p->sim, SIM_NAME_INTEL, "Intel SGX PCK Processor CA");
}

static void
expired_leaf(struct sim_platform *p)
{
	p->dcap.pck.not_after = p->snp.leaf.not_after = p->spec.time - SIM_DAY;
}

static void
rogue_pck(struct sim_platform *p)
{
	p->dcap.pck.signer = sim_key(p->sim, SIM_P256, "rogue");
}

static void
uncertified_qe(struct sim_platform *p)
{
	p->dcap.qe_report_signer = sim_key(p->sim, SIM_P256, "rogue");
}

static void
wrong_qe_signer(struct sim_platform *p)
{
	p->dcap.qe.mr_signer[0] ^= 1;
}

static void
wrong_qe_product(struct sim_platform *p)
{
	p->dcap.qe.isv_prod_id ^= 3;
}

static void
debug_qe(struct sim_platform *p)
{
	p->dcap.qe.attributes |= 2;
}

static void
unbound_key(struct sim_platform *p)
{
	memset(p->dcap.qe.report_data, 0xaa, 32);
	p->dcap.own_binding = true;
}

static void
short_chain(struct sim_platform *p)
{
	p->dcap.chain = "L";
}

static void
wrong_seam_signer(struct sim_platform *p)
{
	p->td.td.mr_signer_seam[0] = 1;
}

static void
unknown_module(struct sim_platform *p)
{
	p->td.td.tee_tcb_svn[1] = p->td.td.tee_tcb_svn2[1] = 9;
}

/* --- AMD ------------------------------------------------------------------------------------ */

static void
other_chip(struct sim_platform *p)
{
	if (p->snp.extension.hwid.len > 0)
		p->snp.extension.hwid.ptr[0] ^= 0xff;
}

static void
other_tcb(struct sim_platform *p)
{
	p->snp.extension.tcb.microcode--;
}

static void
masked_key(struct sim_platform *p)
{
	uint8_t none[96] = { 0 };

	p->snp.report.key_info |= 2;
	p->snp.report.signature = sim_copy(p->sim, none, sizeof none);
}

static void
provisional(struct sim_platform *p)
{
	struct sim_snp_tcb lower = p->snp.tcb;

	/* Newer firmware runs than was committed and than is reported: it can still go back. */
	p->snp.report.current_tcb = sim_snp_tcb_raw(p->snp.product,
	    (struct sim_snp_tcb){ lower.fmc, lower.bootloader, lower.tee, (uint8_t)(lower.snp + 1),
		lower.microcode });
	p->snp.report.current[0]++;
}

static void
rogue_intermediate(struct sim_platform *p)
{
	char label[32];

	snprintf(label, sizeof label, "%s-%s", p->snp.vlek ? "ask" : "asvk",
	    sim_product_name(p->snp.product));
	p->snp.ask.signer = sim_key(p->sim, SIM_RSA4096, label);
}

static void
crossed_lines(struct sim_platform *p)
{
	p->snp.report.key_info ^= 1 << 2;
}

static void
no_cek(struct sim_platform *p)
{
	p->sev.pek.slots[1] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
}

const struct sim_broken sim_broken_states[] = {
	{ "other-root", "sgx tdx snp sev sev-es", "trust-root is another of the same name", NULL,
	    other_root },
	{ "bad-signature", "sgx tdx snp sev sev-es", "another key signs the evidence",
	    bad_signature, NULL },
	{ "stale-collateral", "sgx tdx", "TCB info and QE identity ended a day ago",
	    stale_collateral, NULL },
	{ "future-collateral", "sgx tdx", "TCB info and QE identity begin tomorrow",
	    future_collateral, NULL },
	{ "stale-crl", "sgx tdx snp", "the CRLs ended a day ago", stale_crl, NULL },
	{ "wrong-crl", "sgx tdx", "the PCK CRL is another CA's", wrong_crl, NULL },
	{ "wrong-fmspc", "sgx tdx", "the TCB info is of other processors", wrong_fmspc, NULL },
	{ "wrong-identity", "sgx tdx", "the QE identity is of the other TEE", wrong_identity,
	    NULL },
	{ "rogue-tcb-info", "sgx tdx", "another key signs the TCB info", rogue_tcb_info, NULL },
	{ "rogue-identity", "sgx tdx", "another key signs the QE identity", rogue_identity, NULL },
	{ "rogue-pck", "sgx tdx", "another key signs the PCK certificate", rogue_pck, NULL },
	{ "expired-leaf", "sgx tdx snp", "the PCK, VCEK or VLEK ended a day ago", expired_leaf,
	    NULL },
	{ "short-chain", "sgx tdx", "quotes carry the PCK certificate alone", short_chain, NULL },
	{ "uncertified-qe", "sgx tdx", "another key signs the QE report", uncertified_qe, NULL },
	{ "wrong-qe-signer", "sgx tdx", "a quoting enclave of another author", wrong_qe_signer,
	    NULL },
	{ "wrong-qe-product", "sgx tdx", "another enclave of the right author", wrong_qe_product,
	    NULL },
	{ "debug-qe", "sgx tdx", "the quoting enclave can be debugged", debug_qe, NULL },
	{ "unbound-key", "sgx tdx", "the QE report does not name the attestation key", unbound_key,
	    NULL },
	{ "wrong-seam-signer", "tdx", "a TDX module of another author", wrong_seam_signer, NULL },
	{ "unknown-module", "tdx", "a TDX module that the TCB info does not know", unknown_module,
	    NULL },
	{ "other-chip", "snp", "the VCEK is another chip's", other_chip, NULL },
	{ "other-tcb", "snp", "the VCEK or VLEK is for another TCB", other_tcb, NULL },
	{ "masked-key", "snp", "reports are not signed (MASK_CHIP_KEY)", masked_key, NULL },
	{ "provisional", "snp", "newer firmware runs than was committed", provisional, NULL },
	{ "rogue-intermediate", "snp", "another key signs the ASK or ASVK", rogue_intermediate,
	    NULL },
	{ "crossed-lines", "snp", "reports name the other kind of key", crossed_lines, NULL },
	{ "no-cek", "sev sev-es", "the CEK has not signed the PEK", no_cek, NULL },
};
const size_t sim_broken_count = sizeof sim_broken_states / sizeof sim_broken_states[0];

const struct sim_broken *
sim_broken_find(const char *name, const char *tee)
{
	for (size_t i = 0; i < sim_broken_count; i++)
		if (strcmp(sim_broken_states[i].name, name) == 0 &&
		    sim_listed(sim_broken_states[i].tees, tee))
			return &sim_broken_states[i];
	return NULL;
}
