/* SPDX-License-Identifier: Apache-2.0 */
/* Unusual and genuine: what must be accepted, so that no check refuses too much. */
#include "forge.h"

#include <stdio.h>
#include <string.h>

static void
chain_reversed(struct forge *f)
{
	f->dcap.chain = "RIL";
}

static void
chain_swapped(struct forge *f)
{
	f->dcap.chain = "LRI"; /* a real quote has it so */
}

static void
pck_elsewhere(struct forge *f)
{
	f->dcap.quote.cert_type = 3;
	f->dcap.quote.cert_data = sim_copy(f->sim, sim_alloc(f->sim, 404), 404);
}

static void
pck_in_collateral(struct forge *f)
{
	sim_output_add(&f->out, "pck.der", sim_cert_write(f->sim, &f->dcap.pck));
	sim_output_add(&f->out, "pck_ca.der", sim_cert_write(f->sim, &f->dcap.pck_ca));
}

static void
crl_of_both_cas(struct forge *f)
{
	struct sim_crl other = f->dcap.pck_crl;

	other.issuer = sim_name(f->sim, SIM_NAME_INTEL, "Intel SGX PCK Processor CA");
	other.signer = other.akid = sim_key(f->sim, SIM_P256, "Intel SGX PCK Processor CA");
	sim_output_add(&f->out, "processor_crl.der", sim_crl_write(f->sim, &other));
}

static void
broker(struct forge *f)
{
	static const char *const names[] = { "cek.cert", "pek.cert", "oca.cert" };

	for (size_t i = 0; i < 3; i++) {
		f->out.evidence =
		    sim_join(f->sim, f->out.evidence, *sim_output_item(&f->out, names[i]));
		forge_drop_item(f, names[i]);
	}
}

/* --- a store of many SEV platforms --------------------------------------------------------------- */

/* Whole, under the same ASK: all of its certificates in front of this platform's own. */
static void
add_platform(struct forge *f, const char *which)
{
	static const char *const roles[] = { "CEK", "OCA", "PEK", "PDH" };
	struct sim_sev other = f->sev;
	struct sim_sev_cert *const certs[] = { &other.cek, &other.oca, &other.pek, &other.pdh };
	struct sim_bytes all = { NULL, 0 };
	char label[32];

	for (size_t i = 0; i < 4; i++) {
		snprintf(label, sizeof label, "%s of %s", roles[i], which);
		certs[i]->key = sim_key(f->sim, SIM_P384, label);
	}
	other.oca.slots[0].signer = other.pek.slots[0].signer = other.oca.key;
	other.pek.slots[1].signer = other.cek.key;
	other.pdh.slots[0].signer = other.pek.key;
	for (size_t i = 0; i < 4; i++)
		all = sim_join(f->sim, all, sim_sev_cert_write(f->sim, certs[i]));
	sim_output_add(&f->out, which, all);
	struct sim_item last = f->out.items[f->out.item_count - 1];
	memmove(f->out.items + 1, f->out.items, (f->out.item_count - 1) * sizeof last);
	f->out.items[0] = last;
}

static void
three_platforms(struct forge *f)
{
	add_platform(f, "first");
	add_platform(f, "second");
}

static void
three_platforms_and_broker(struct forge *f)
{
	broker(f);
	three_platforms(f);
	forge_drop_item(f, "pdh.cert");
}

/* The platform exports its CEK without AMD's signature; the one that AMD signed is in the store. */
static void
exported_cek(struct forge *f)
{
	struct sim_sev_cert bare = f->sev.cek;
	struct sim_bytes whole = *sim_output_item(&f->out, "cek.cert");

	bare.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
	*sim_output_item(&f->out, "cek.cert") = sim_sev_cert_write(f->sim, &bare);
	broker(f);
	three_platforms(f);
	sim_output_add(&f->out, "cek.cert", whole);
}

static void
put_member(struct sim_buf *b, const char *name, struct sim_bytes value)
{
	sim_put_text(b, "%s\"%s\":\"", b->len > 0 ? "," : "{", name);
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\n')
			sim_put_text(b, "\\n");
		else if (value.ptr[i] == '"')
			sim_put_text(b, "\\\"");
		else
			sim_put(b, &value.ptr[i], 1);
	}
	sim_put_text(b, "\"");
}

static void
put_hex_member(struct sim_buf *b, const char *name, struct sim_bytes value)
{
	sim_put_text(b, ",\"%s\":\"", name);
	sim_put_hex(b, value.ptr, value.len);
	sim_put_text(b, "\"");
}

/* {"NAME":INNER,"signature":"HEX"} taken apart. */
static void
put_document(struct sim_buf *b, const char *name, struct sim_bytes whole, const char *wrapper)
{
	size_t head = strlen(wrapper) + 4, tail = sizeof ",\"signature\":\"\"}" - 1 + 128;
	char member[64];

	put_member(b, name, (struct sim_bytes){ whole.ptr + head, whole.len - head - tail });
	snprintf(member, sizeof member, "%s_signature", name);
	put_member(b, member, (struct sim_bytes){ whole.ptr + whole.len - 2 - 128, 128 });
}

void
forge_into_qvl(struct forge *f, const char *from, const char *to)
{
	struct sim_buf b = { .sim = f->sim };
	struct sim_bytes chain = *sim_output_item(&f->out, "tcb_signing_chain.pem");
	struct sim_bytes info = *sim_output_item(&f->out, "tcb_info.json");

	if (from != NULL)
		info = sim_replace(f->sim, info, from, to);
	put_member(&b, "tcb_info_issuer_chain", chain);
	put_document(&b, "tcb_info", info, "tcbInfo");
	put_member(&b, "qe_identity_issuer_chain", chain);
	put_document(
	    &b, "qe_identity", *sim_output_item(&f->out, "qe_identity.json"), "enclaveIdentity");
	put_member(&b, "pck_crl_issuer_chain", f->out.root);
	put_hex_member(&b, "root_ca_crl", *sim_output_item(&f->out, "root_ca_crl.der"));
	put_hex_member(&b, "pck_crl", *sim_output_item(&f->out, "pck_crl.der"));
	sim_put_text(&b, "}");
	f->out.item_count = 0;
	sim_output_add(&f->out, "collateral.json", sim_taken(&b));
}

static void
into_qvl(struct forge *f)
{
	forge_into_qvl(f, NULL, NULL);
}

static struct sim_bytes
hex_text(struct forge *f, struct sim_bytes in)
{
	struct sim_buf b = { .sim = f->sim };

	sim_put_hex(&b, in.ptr, in.len);
	sim_put_text(&b, "\n");
	return sim_taken(&b);
}

static void
crls_as_hex(struct forge *f)
{
	struct sim_bytes *root = sim_output_item(&f->out, "root_ca_crl.der");
	struct sim_bytes *pck = sim_output_item(&f->out, "pck_crl.der");

	*root = hex_text(f, *root);
	*pck = sim_pem(f->sim, "X509 CRL", *pck);
}

static void
evidence_as_hex(struct forge *f)
{
	f->out.evidence = hex_text(f, f->out.evidence);
}

static void
under_default(struct forge *f)
{
	f->policy = "default";
}

static void
last_second(struct forge *f)
{
	struct sim_dcap *p = &f->dcap;

	p->root.not_after = p->pck_ca.not_after = p->pck.not_after = FORGE_NOW;
	p->tcb_signing.not_after = FORGE_NOW;
	p->root_crl.next_update = p->pck_crl.next_update = FORGE_NOW;
	p->tcb_info.doc.next_update = p->qe_identity.doc.next_update = FORGE_NOW;
}

static void
first_second(struct forge *f)
{
	struct sim_dcap *p = &f->dcap;

	p->root.not_before = p->pck_ca.not_before = p->pck.not_before = FORGE_NOW;
	p->tcb_signing.not_before = FORGE_NOW;
	p->root_crl.this_update = p->pck_crl.this_update = FORGE_NOW;
	p->tcb_info.doc.issue_date = p->qe_identity.doc.issue_date = FORGE_NOW;
}

static void
snp_last_second(struct forge *f)
{
	f->snp.ark.not_after = f->snp.ask.not_after = f->snp.leaf.not_after = FORGE_NOW;
	f->snp.crl.next_update = FORGE_NOW;
}

static void
snp_first_second(struct forge *f)
{
	f->snp.ark.not_before = f->snp.ask.not_before = f->snp.leaf.not_before = FORGE_NOW;
	f->snp.crl.this_update = FORGE_NOW;
}

static void
short_auth_data(struct forge *f)
{
	f->dcap.quote.auth_data = sim_text(f->sim, "");
}

static void
tcb_info_v2(struct forge *f)
{
	f->dcap.tcb_info.version = 2;
}

static void
levels_upside_down(struct forge *f)
{
	struct sim_tcb_info *t = &f->dcap.tcb_info;
	struct sim_level first = t->levels[0];

	t->levels[0] = t->levels[2];
	t->levels[2] = first;
	f->policy = "default";
}

static void
upper_case_fmspc(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "5ac06f", "5AC06F" };
}

static void
newline_after_json(struct forge *f)
{
	*sim_output_item(&f->out, "tcb_info.json") =
	    sim_join(f->sim, *sim_output_item(&f->out, "tcb_info.json"), sim_text(f->sim, "\n"));
}

static void
other_serial_revoked(struct forge *f)
{
	f->dcap.pck_crl.revoked[f->dcap.pck_crl.revoked_count++] = f->dcap.pck_ca.serial;
	f->dcap.root_crl.revoked[f->dcap.root_crl.revoked_count++] = f->dcap.pck.serial;
}

static void
seven_tdx_modules_ago(struct forge *f)
{
	/* TDX 1.0: svn[1] is 0, the platform level's components 0 and 1 decide. */
	f->dcap.td.tee_tcb_svn[1] = 0;
}

static void
pem_table(struct forge *f)
{
	for (size_t i = 0; i < f->snp.entry_count; i++)
		f->snp.entries[i].bytes = sim_pem(f->sim, "CERTIFICATE", f->snp.entries[i].bytes);
	struct sim_bytes report = { f->out.evidence.ptr, 1184 };
	f->out.evidence = sim_join(
	    f->sim, report, sim_cert_table_write(f->sim, f->snp.entries, f->snp.entry_count));
}

static void
wrapped_hwid(struct forge *f)
{
	f->snp.extension.hwid = sim_der(f->sim, 0x04, f->snp.extension.hwid);
}

static void
hwid_like_der(struct forge *f)
{
	/* Raw bytes that begin like an OCTET STRING of 62 bytes: decided by length, not by tag. */
	f->snp.report.chip_id[0] = 0x04;
	f->snp.report.chip_id[1] = 62;
	f->snp.extension.hwid = sim_copy(f->sim, f->snp.report.chip_id, 64);
}

static void
current_above_committed(struct forge *f)
{
	struct sim_snp_tcb now = f->snp.tcb;

	now.microcode = 230;
	f->snp.report.current_tcb = sim_snp_tcb_raw(f->snp.product, now);
}

static void
pek_slots_swapped(struct forge *f)
{
	struct sim_sev_slot first = f->sev.pek.slots[0];

	f->sev.pek.slots[0] = f->sev.pek.slots[1];
	f->sev.pek.slots[1] = first;
}

static void
junk_in_unused_slot(struct forge *f)
{
	f->sev.cek.slots[1].usage = 0x0010; /* AMD once served these */
}

static void
report_data_of(struct forge *f)
{
	memset(f->dcap.enclave.report_data, 0x5a, 20);
	f->report_data = sim_copy(f->sim, f->dcap.enclave.report_data, 20);
}

const struct forgery genuine_cases[] = {
	{ "SGX v3 under default", SGX3, under_default },
	{ "SGX v5 under default", SGX5, under_default },
	{ "TDX v4 under default", TDX4, under_default },
	{ "TDX v5 TD 1.5 under default", TDX5_15, under_default },
	{ "SNP Milan v2 under default", MILAN2, under_default },
	{ "SNP Milan v3 under default", MILAN3, under_default },
	{ "SNP Genoa v4 under default", GENOA4, under_default },
	{ "SNP Turin v5 under default", TURIN5, under_default },
	{ "chain reversed", SGX3, chain_reversed },
	{ "chain with root before CA", TDX4, chain_swapped },
	{ "PCK chain in the collateral", SGX3, pck_elsewhere, pck_in_collateral },
	{ "CRLs of both CAs", SGX3, NULL, crl_of_both_cas },
	{ "collateral in dcap-qvl's form", TDX4, NULL, into_qvl },
	{ "CRLs as hex and PEM", SGX3, NULL, crls_as_hex },
	{ "evidence as hex", TDX5_15, NULL, evidence_as_hex },
	{ "certificates with the SEV report", SEV_ES, NULL, broker },
	{ "store of three SEV platforms", SEV, NULL, three_platforms },
	{ "store of three, certificates with the report", SEV_ES, NULL,
	    three_platforms_and_broker },
	{ "CEK as exported, signed one in the store", SEV_ES, NULL, exported_cek },
	{ "SGX in its last second", SGX3, last_second },
	{ "SGX in its first second", SGX3, first_second },
	{ "SNP in its last second", MILAN3, snp_last_second },
	{ "SNP in its first second", MILAN3, snp_first_second },
	{ "no authentication data", SGX3, short_auth_data },
	{ "TCB info version 2", SGX3, tcb_info_v2 },
	{ "TCB levels in ascending order", TDX4, levels_upside_down },
	{ "FMSPC in upper case", SGX3, upper_case_fmspc },
	{ "JSON with a newline behind it", SGX3, NULL, newline_after_json },
	{ "serials revoked by the other CA", SGX3, other_serial_revoked },
	{ "TDX 1.0 module", TDX4, seven_tdx_modules_ago },
	{ "certificate table of PEM", MILAN3_TABLE, NULL, pem_table },
	{ "hwID in an OCTET STRING", MILAN3, wrapped_hwid },
	{ "hwID that looks like DER", MILAN3, hwid_like_der },
	{ "CURRENT above COMMITTED", MILAN3, current_above_committed },
	{ "PEK signatures in the other order", SEV_ES, pek_slots_swapped },
	{ "unused slot of another number", SEV, junk_in_unused_slot },
	{ "report data zero-padded", SGX3, report_data_of },
};
const size_t genuine_case_count = sizeof genuine_cases / sizeof genuine_cases[0];
