/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and CRLs of Intel's PKI, each link signed, named, dated, revoked or replaced wrongly. */
#include "forge.h"

#include <string.h>

static const struct sim_key *
rogue(struct forge *f)
{
	return sim_key(f->sim, SIM_P256, "rogue");
}

static struct sim_bytes
intel_name(struct forge *f, const char *cn)
{
	return sim_name(f->sim, SIM_NAME_INTEL, cn);
}

/* --- the chain in the quote ----------------------------------------------------------------- */

static void
chain_without_root(struct forge *f)
{
	f->dcap.chain = "LI";
}

static void
chain_without_ca(struct forge *f)
{
	f->dcap.chain = "LR";
}

static void
chain_leaf_alone(struct forge *f)
{
	f->dcap.chain = "L";
}

static void
chain_without_leaf(struct forge *f)
{
	f->dcap.chain = "IR";
}

static void
chain_leaf_twice(struct forge *f)
{
	f->dcap.chain = "LLIR";
}

static void
chain_ca_twice(struct forge *f)
{
	f->dcap.chain = "LIIR";
}

static void
chain_of_roots(struct forge *f)
{
	f->dcap.chain = "RRR";
}

static void
chain_no_pem(struct forge *f)
{
	f->dcap.quote.cert_data = sim_text(f->sim, "no certificate at all");
}

static void
chain_damaged(struct forge *f)
{
	f->dcap.pck.der = sim_copy(f->sim, "\x30\x82\x01\x00\x30\x03\x02\x01\x01", 9);
}

static void
ppid_and_other_pck(struct forge *f)
{
	/* The collateral has a PCK certificate, and it is another machine's. */
	f->dcap.pck.key = sim_key(f->sim, SIM_P256, "another PCK");
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
ppid_instead_of_chain(struct forge *f)
{
	f->dcap.quote.cert_type = 3;
	f->dcap.quote.cert_data = sim_copy(f->sim, sim_alloc(f->sim, 404), 404);
}

/* --- the root ------------------------------------------------------------------------------- */

/* A root of the forger's, of the same name, and all that is below it signed anew. */
static void
own_root(struct forge *f)
{
	struct sim_dcap *p = &f->dcap;

	p->root.key = p->root.signer = rogue(f);
	sim_set_skid(f->sim, &p->root);
	sim_set_akid(f->sim, &p->root, rogue(f));
	p->pck_ca.signer = p->tcb_signing.signer = p->root_crl.signer = rogue(f);
	sim_set_akid(f->sim, &p->pck_ca, rogue(f));
	sim_set_akid(f->sim, &p->tcb_signing, rogue(f));
	p->root_crl.akid = rogue(f);
}

/* The relying party still trusts the real one. */
static void
real_root(struct forge *f)
{
	struct sim_dcap real;
	struct sim_output out;

	sim_dcap_new(&real, f->sim, false, 3, 0, true, FORGE_NOW, 30 * SIM_DAY);
	sim_dcap_write(&real, &out);
	f->out.root = out.root;
}

static void
root_by_stranger(struct forge *f)
{
	/* The pinned key in a certificate that its holder never signed. */
	f->dcap.root.signer = rogue(f);
}

static void
expired_root(struct forge *f)
{
	struct sim_cert root;
	struct sim_dcap real;

	sim_dcap_new(&real, f->sim, false, 3, 0, true, FORGE_NOW, 30 * SIM_DAY);
	root = real.root;
	root.not_after = FORGE_NOW - 1;
	f->out.root = sim_pem(f->sim, "CERTIFICATE", sim_cert_write(f->sim, &root));
}

static void
ca_as_root(struct forge *f)
{
	f->out.root = sim_pem(f->sim, "CERTIFICATE", sim_cert_write(f->sim, &f->dcap.pck_ca));
}

static void
no_root(struct forge *f)
{
	f->no_root = true;
}

static void
root_renamed(struct forge *f)
{
	/* The pinned key under another name is another anchor. */
	f->dcap.root.subject = f->dcap.root.issuer = intel_name(f, "Intel SGX Root CA 2");
	f->dcap.pck_ca.issuer = f->dcap.tcb_signing.issuer = f->dcap.root.subject;
	f->dcap.root_crl.issuer = f->dcap.root.subject;
}

static void
root_expired(struct forge *f)
{
	f->dcap.root.not_after = FORGE_NOW - 1;
}

static void
root_not_yet(struct forge *f)
{
	f->dcap.root.not_before = FORGE_NOW + 1;
}

/* --- the PCK CA ----------------------------------------------------------------------------- */

static void
ca_not_ca(struct forge *f)
{
	sim_set_basic(f->sim, &f->dcap.pck_ca, false, -1);
}

static void
ca_without_basic(struct forge *f)
{
	sim_extension_drop(&f->dcap.pck_ca, SIM_OID_BASIC);
}

static void
ca_without_cert_sign(struct forge *f)
{
	sim_set_usage(f->sim, &f->dcap.pck_ca, 0x40);
}

static void
ca_without_crl_sign(struct forge *f)
{
	sim_set_usage(f->sim, &f->dcap.pck_ca, 0x20);
}

static void
ca_other_akid(struct forge *f)
{
	sim_set_akid(f->sim, &f->dcap.pck_ca, rogue(f));
}

static void
ca_without_usage(struct forge *f)
{
	sim_extension_drop(&f->dcap.pck_ca, SIM_OID_KEY_USAGE);
}

static void
ca_named(struct forge *f, const char *cn)
{
	f->dcap.pck_ca.subject = f->dcap.pck.issuer = f->dcap.pck_crl.issuer = intel_name(f, cn);
}

static void
ca_other_name(struct forge *f)
{
	ca_named(f, "Intel SGX PCK Something CA");
}

static void
ca_name_with_tail(struct forge *f)
{
	ca_named(f, "Not the Intel SGX PCK Platform CA");
}

static void
ca_is_tcb_signing(struct forge *f)
{
	/* The TCB signing certificate as an issuer of PCKs. */
	f->dcap.pck_ca = f->dcap.tcb_signing;
	f->dcap.pck.issuer = f->dcap.tcb_signing.subject;
	f->dcap.pck.signer = f->dcap.tcb_signing.key;
	f->dcap.pck_crl.issuer = f->dcap.tcb_signing.subject;
	f->dcap.pck_crl.signer = f->dcap.pck_crl.akid = f->dcap.tcb_signing.key;
	sim_set_akid(f->sim, &f->dcap.pck, f->dcap.tcb_signing.key);
}

static void
ca_by_stranger(struct forge *f)
{
	f->dcap.pck_ca.signer = rogue(f);
}

static void
ca_by_itself(struct forge *f)
{
	f->dcap.pck_ca.signer = f->dcap.pck_ca.key;
}

static void
ca_by_tcb_signing(struct forge *f)
{
	f->dcap.pck_ca.signer = f->dcap.tcb_signing.key;
}

static void
ca_expired(struct forge *f)
{
	f->dcap.pck_ca.not_after = FORGE_NOW - 1;
}

static void
ca_not_yet(struct forge *f)
{
	f->dcap.pck_ca.not_before = FORGE_NOW + 1;
}

static void
revoke(struct sim_crl *crl, struct sim_bytes serial)
{
	crl->revoked[crl->revoked_count++] = serial;
}

static void
ca_revoked(struct forge *f)
{
	revoke(&f->dcap.root_crl, f->dcap.pck_ca.serial);
}

static void
processor_ca_revoked(struct forge *f)
{
	revoke(&f->dcap.root_crl, f->dcap.pck_ca.serial);
}

/* --- the PCK -------------------------------------------------------------------------------- */

static void
pck_is_ca(struct forge *f)
{
	sim_set_basic(f->sim, &f->dcap.pck, true, -1);
	sim_set_usage(f->sim, &f->dcap.pck, 0x60);
}

static void
pck_can_sign_certificates(struct forge *f)
{
	sim_set_usage(f->sim, &f->dcap.pck, 0x23);
}

static void
pck_cannot_sign(struct forge *f)
{
	sim_set_usage(f->sim, &f->dcap.pck, 0x04); /* keyEncipherment alone */
}

static void
pck_other_akid(struct forge *f)
{
	sim_set_akid(f->sim, &f->dcap.pck, rogue(f));
}

static void
pck_other_name(struct forge *f)
{
	f->dcap.pck.subject = intel_name(f, "Intel SGX PCK Certificate of Mallory");
}

static void
pck_without_extension(struct forge *f)
{
	f->dcap.own_extension = true;
}

static void
pck_without_fmspc(struct forge *f)
{
	f->dcap.extension.leave = 1U << 3;
}

static void
pck_without_tcb(struct forge *f)
{
	f->dcap.extension.leave = 1U << 1;
}

static void
pck_fmspc_twice(struct forge *f)
{
	f->dcap.extension.twice = 1U << 3;
}

static void
pck_component_missing(struct forge *f)
{
	f->dcap.extension.components_leave = 1U << 15;
}

static void
pck_p384(struct forge *f)
{
	f->dcap.pck.key = sim_key(f->sim, SIM_P384, "PCK of the wrong curve");
}

static void
pck_version_1(struct forge *f)
{
	f->dcap.pck.version = 1;
}

static void
pck_critical_extension(struct forge *f)
{
	sim_extension_set(&f->dcap.pck, "1.3.6.1.4.1.99999.3", true, sim_der_uint(f->sim, 1));
}

static void
ca_critical_extension(struct forge *f)
{
	sim_extension_set(&f->dcap.pck_ca, "1.3.6.1.4.1.99999.3", true, sim_der_uint(f->sim, 1));
}

static void
pck_extension_twice(struct forge *f)
{
	sim_extension_set(
	    &f->dcap.pck, SIM_OID_SGX, false, sim_pck_extension_write(f->sim, &f->dcap.extension));
	sim_extension_again(&f->dcap.pck, SIM_OID_SGX);
}

static void
pck_explicit_curve(struct forge *f)
{
	/* CVE-2020-0601: a curve of the forger's instead of a named one. */
	struct sim_bytes point =
	    sim_join(f->sim, sim_text(f->sim, "\x04"), sim_copy(f->sim, f->dcap.pck.key->raw, 64));
	struct sim_bytes curve = SIM_SEQ(f->sim, sim_der_uint(f->sim, 1));

	f->dcap.pck.spki =
	    SIM_SEQ(f->sim, SIM_SEQ(f->sim, sim_der_oid(f->sim, "1.2.840.10045.2.1"), curve),
		sim_der_bits(f->sim, point));
}

static void
pck_compressed_point(struct forge *f)
{
	struct sim_bytes point =
	    sim_join(f->sim, sim_text(f->sim, "\x02"), sim_copy(f->sim, f->dcap.pck.key->raw, 32));

	f->dcap.pck.spki = SIM_SEQ(f->sim,
	    SIM_SEQ(f->sim, sim_der_oid(f->sim, "1.2.840.10045.2.1"),
		sim_der_oid(f->sim, "1.2.840.10045.3.1.7")),
	    sim_der_bits(f->sim, point));
}

static void
pck_off_curve(struct forge *f)
{
	struct sim_bytes point =
	    sim_join(f->sim, sim_text(f->sim, "\x04"), sim_copy(f->sim, f->dcap.pck.key->raw, 64));

	point.ptr[64] ^= 1;
	f->dcap.pck.spki = SIM_SEQ(f->sim,
	    SIM_SEQ(f->sim, sim_der_oid(f->sim, "1.2.840.10045.2.1"),
		sim_der_oid(f->sim, "1.2.840.10045.3.1.7")),
	    sim_der_bits(f->sim, point));
}

static void
pck_two_algorithms(struct forge *f)
{
	f->dcap.pck.inner_alg = SIM_ALG_ECDSA_SHA384;
}

static void
pck_sha384(struct forge *f)
{
	f->dcap.pck.alg = f->dcap.pck.inner_alg = SIM_ALG_ECDSA_SHA384;
}

static void
pck_printable_issuer(struct forge *f)
{
	/* The same letters in another string type: names are compared as bytes. */
	struct sim_bytes name = sim_copy(f->sim, f->dcap.pck.issuer.ptr, f->dcap.pck.issuer.len);

	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] == 0x0c)
			name.ptr[i] = 0x13;
	f->dcap.pck.issuer = name;
}

static void
pck_signature(struct forge *f, const uint8_t *r, const uint8_t *s)
{
	f->dcap.pck.signature = sim_join(f->sim, sim_copy(f->sim, r, 32), sim_copy(f->sim, s, 32));
}

static const uint8_t zero[32], one[32] = { [31] = 1 };

static void
pck_r_zero(struct forge *f)
{
	pck_signature(f, zero, one);
}

static void
pck_s_is_order(struct forge *f)
{
	pck_signature(f, one, forge_order_p256);
}

static void
pck_with_tail(struct forge *f)
{
	struct sim_dcap *p = &f->dcap;

	sim_extension_set(
	    &p->pck, SIM_OID_SGX, false, sim_pck_extension_write(f->sim, &p->extension));
	p->pck.der = sim_join(f->sim, sim_cert_write(f->sim, &p->pck), sim_text(f->sim, "tail"));
}

static void
pck_by_stranger(struct forge *f)
{
	f->dcap.pck.signer = rogue(f);
}

static void
pck_by_root(struct forge *f)
{
	f->dcap.pck.signer = f->dcap.root.key;
}

static void
pck_by_tcb_signing(struct forge *f)
{
	f->dcap.pck.signer = f->dcap.tcb_signing.key;
}

static void
pck_by_processor_ca(struct forge *f)
{
	f->dcap.pck.signer = sim_key(f->sim, SIM_P256, "Intel SGX PCK Processor CA");
}

static void
pck_names_other_ca(struct forge *f)
{
	f->dcap.pck.issuer = intel_name(f, "Intel SGX PCK Processor CA");
}

static void
pck_expired(struct forge *f)
{
	f->dcap.pck.not_after = FORGE_NOW - 1;
}

static void
pck_not_yet(struct forge *f)
{
	f->dcap.pck.not_before = FORGE_NOW + 1;
}

static void
pck_revoked(struct forge *f)
{
	revoke(&f->dcap.pck_crl, f->dcap.pck.serial);
}

/* --- CRLs ----------------------------------------------------------------------------------- */

static void
root_crl_by_stranger(struct forge *f)
{
	f->dcap.root_crl.signer = rogue(f);
}

static void
root_crl_by_ca(struct forge *f)
{
	f->dcap.root_crl.signer = f->dcap.pck_ca.key;
}

static void
root_crl_expired(struct forge *f)
{
	f->dcap.root_crl.next_update = FORGE_NOW - 1;
}

static void
root_crl_not_yet(struct forge *f)
{
	f->dcap.root_crl.this_update = FORGE_NOW + 1;
}

static void
root_crl_replayed(struct forge *f)
{
	f->min_crl_issuer = "Intel SGX Root CA";
	f->min_crl = f->dcap.root_crl.number + 1;
}

static void
root_crl_hidden(struct forge *f)
{
	forge_drop_item(f, "root_ca_crl.der");
}

static void
root_crl_eternal(struct forge *f)
{
	f->dcap.root_crl.next_update = 0;
}

static void
pck_crl_by_stranger(struct forge *f)
{
	/* GHSA-2cjj-h43h-m6xj: an empty CRL of the forger's hides the revocation. */
	f->dcap.pck_crl.signer = rogue(f);
}

static void
pck_crl_by_root(struct forge *f)
{
	f->dcap.pck_crl.signer = f->dcap.root.key;
}

static void
pck_crl_by_other_ca(struct forge *f)
{
	/* automata PR#22: the Processor CA's signature under the Platform CA's name. */
	f->dcap.pck_crl.signer = sim_key(f->sim, SIM_P256, "Intel SGX PCK Processor CA");
}

static void
pck_crl_other_akid(struct forge *f)
{
	f->dcap.pck_crl.akid = sim_key(f->sim, SIM_P256, "Intel SGX PCK Processor CA");
}

static void
pck_crl_of_other_ca(struct forge *f)
{
	f->dcap.pck_crl.issuer = intel_name(f, "Intel SGX PCK Processor CA");
	f->dcap.pck_crl.signer = f->dcap.pck_crl.akid =
	    sim_key(f->sim, SIM_P256, "Intel SGX PCK Processor CA");
}

static void
pck_crl_expired(struct forge *f)
{
	f->dcap.pck_crl.next_update = FORGE_NOW - 1;
}

static void
pck_crl_not_yet(struct forge *f)
{
	f->dcap.pck_crl.this_update = FORGE_NOW + 1;
}

static void
pck_crl_replayed(struct forge *f)
{
	f->min_crl_issuer = "Intel SGX PCK Platform CA";
	f->min_crl = f->dcap.pck_crl.number + 1;
}

static void
pck_crl_hidden(struct forge *f)
{
	forge_drop_item(f, "pck_crl.der");
}

/* Beside the CRL that revokes the PCK stands another, newer one. */
static void
pck_revoked_and_shadowed(struct forge *f)
{
	struct sim_crl newer = f->dcap.pck_crl;

	newer.revoked_count = 0;
	newer.this_update = FORGE_NOW;
	newer.number++;
	newer.signer = rogue(f);
	sim_output_add(&f->out, "newer.der", sim_crl_write(f->sim, &newer));
}

/* Beside it stands the genuine one of the week before, still in its dates. */
static void
pck_revoked_since(struct forge *f)
{
	struct sim_crl older = f->dcap.pck_crl;

	older.revoked_count = 0;
	older.this_update = FORGE_NOW - 7 * SIM_DAY;
	older.number--;
	sim_output_add(&f->out, "older.der", sim_crl_write(f->sim, &older));
}

static void
pck_crl_critical_entry(struct forge *f)
{
	revoke(&f->dcap.pck_crl, sim_copy(f->sim, "\x01", 1));
	f->dcap.pck_crl.critical_entry = true;
}

static void
pck_crl_critical_extension(struct forge *f)
{
	f->dcap.pck_crl.critical_extension = true;
}

static void
pck_crl_without_number(struct forge *f)
{
	f->dcap.pck_crl.has_number = false;
}

static void
root_crl_without_number(struct forge *f)
{
	f->dcap.root_crl.has_number = false;
}

static void
pck_crl_without_akid(struct forge *f)
{
	f->dcap.pck_crl.akid = NULL;
}

static void
pck_crl_with_tail(struct forge *f)
{
	struct sim_bytes *crl = sim_output_item(&f->out, "pck_crl.der");

	*crl = sim_join(f->sim, *crl, sim_text(f->sim, "tail"));
}

static void
pck_crl_cut(struct forge *f)
{
	sim_output_item(&f->out, "pck_crl.der")->len -= 1;
}

const struct forgery dcap_forgeries[] = {
	{ "chain without the root", SGX3, chain_without_root, NULL, "dcap.pck.chain", "" },
	{ "chain without the CA", SGX3, chain_without_ca, NULL, "dcap.pck.chain", "" },
	{ "leaf alone", TDX4, chain_leaf_alone, NULL, "dcap.pck.chain", "" },
	{ "chain without the leaf", SGX3, chain_without_leaf, NULL, "dcap.pck.chain", "" },
	{ "chain with two leaves", SGX3, chain_leaf_twice, NULL, "dcap.pck.chain", "" },
	{ "chain with two CAs", TDX4, chain_ca_twice, NULL, "dcap.pck.chain", "" },
	{ "chain of three roots", SGX3, chain_of_roots, NULL, "dcap.pck.chain", "" },
	{ "chain that is no PEM", TDX4, chain_no_pem, NULL, "dcap.pck.chain", "" },
	{ "damaged certificate in the chain", SGX3, chain_damaged, NULL, "dcap.pck.chain", "" },
	{ "encrypted PPID and another machine's PCK", SGX3, ppid_and_other_pck, pck_in_collateral,
	    "dcap.qe_report.signature", "" },
	{ "encrypted PPID instead of a chain", SGX3, ppid_instead_of_chain, NULL, "dcap.pck.chain",
	    "", NEEDED },

	{ "root of the forger's", SGX3, own_root, real_root, "dcap.root.pinned", "" },
	{ "root of the forger's under TDX", TDX5_15, own_root, real_root, "dcap.root.pinned", "" },
	{ "root that nobody named", SGX3, no_root, NULL, "dcap.root.pinned", "" },
	{ "pinned key under another name", SGX3, root_renamed, real_root, "dcap.root.pinned", "" },
	{ "root by a stranger over the pinned key", SGX3, root_by_stranger, real_root,
	    "dcap.root.pinned", "" },
	{ "expired root with the forger's dates", SGX3, root_by_stranger, expired_root,
	    "dcap.root.pinned", "", REFUSED, "dcap.root.dates" },
	{ "PCK CA as a trust root", SGX3, NULL, ca_as_root, "dcap.root.pinned", "", NOT_ADDED },
	{ "trust root that it did not sign", SGX3, root_by_stranger, NULL, "dcap.root.pinned", "",
	    NOT_ADDED },
	{ "root expired a second ago", SGX3, root_expired, NULL, "dcap.root.dates", "" },
	{ "root valid in a second", TDX4, root_not_yet, NULL, "dcap.root.dates", "" },

	{ "PCK CA that is no CA", SGX3, ca_not_ca, NULL, "dcap.pck_ca.profile", "" },
	{ "PCK CA without basicConstraints", TDX4, ca_without_basic, NULL, "dcap.pck_ca.profile",
	    "" },
	{ "PCK CA without keyCertSign", SGX3, ca_without_cert_sign, NULL, "dcap.pck_ca.profile",
	    "" },
	{ "PCK CA without cRLSign", SGX3, ca_without_crl_sign, NULL, "dcap.pck_ca.profile", "" },
	{ "PCK CA with another AKI", SGX3, ca_other_akid, NULL, "dcap.pck_ca.profile", "" },
	{ "PCK CA without keyUsage", SGX3, ca_without_usage, NULL, "dcap.pck_ca.profile", "" },
	{ "PCK CA of another name", SGX3, ca_other_name, NULL, "dcap.pck_ca.profile", "" },
	{ "PCK CA whose name contains the right one", SGX3, ca_name_with_tail, NULL,
	    "dcap.pck_ca.profile", "" },
	{ "TCB signing certificate as PCK CA", SGX3, ca_is_tcb_signing, NULL, "dcap.pck_ca.profile",
	    "" },
	{ "PCK CA by a stranger", SGX3, ca_by_stranger, NULL, "dcap.pck_ca.signature", "" },
	{ "PCK CA by itself", TDX4, ca_by_itself, NULL, "dcap.pck_ca.signature", "" },
	{ "PCK CA by the TCB signing key", SGX3, ca_by_tcb_signing, NULL, "dcap.pck_ca.signature",
	    "" },
	{ "PCK CA expired a second ago", SGX3, ca_expired, NULL, "dcap.pck_ca.dates", "" },
	{ "PCK CA valid in a second", TDX4, ca_not_yet, NULL, "dcap.pck_ca.dates", "" },
	{ "Platform CA revoked", SGX3, ca_revoked, NULL, "dcap.pck_ca.revoked", "" },
	{ "Processor CA revoked", SGX3_PROCESSOR, processor_ca_revoked, NULL, "dcap.pck_ca.revoked",
	    "" },

	{ "PCK that is a CA", SGX3, pck_is_ca, NULL, "dcap.pck.profile", "" },
	{ "PCK with keyCertSign", SGX3, pck_can_sign_certificates, NULL, "dcap.pck.profile", "" },
	{ "PCK that cannot sign", SGX3, pck_cannot_sign, NULL, "dcap.pck.profile", "" },
	{ "PCK with another AKI", TDX4, pck_other_akid, NULL, "dcap.pck.profile", "" },
	{ "PCK of another name", TDX4, pck_other_name, NULL, "dcap.pck.profile", "" },
	{ "PCK without the SGX extension", SGX3, pck_without_extension, NULL, "dcap.pck.chain",
	    "" },
	{ "PCK without FMSPC", SGX3, pck_without_fmspc, NULL, "dcap.pck.profile", "" },
	{ "PCK without TCB", TDX4, pck_without_tcb, NULL, "dcap.pck.profile", "" },
	{ "PCK with two FMSPCs", SGX3, pck_fmspc_twice, NULL, "dcap.pck.profile", "" },
	{ "PCK without component 16", SGX3, pck_component_missing, NULL, "dcap.pck.profile", "" },
	{ "PCK with a P-384 key", SGX3, pck_p384, NULL, "dcap.pck.profile", "", REFUSED,
	    "dcap.qe_report.signature" },
	{ "PCK version 1", SGX3, pck_version_1, NULL, "dcap.pck.chain", "" },
	{ "PCK with an unknown critical extension", SGX3, pck_critical_extension, NULL,
	    "dcap.pck.chain", "" },
	{ "PCK CA with an unknown critical extension", TDX4, ca_critical_extension, NULL,
	    "dcap.pck.chain", "" },
	{ "PCK with the SGX extension twice", SGX3, pck_extension_twice, NULL, "dcap.pck.chain",
	    "" },
	{ "PCK with a curve of its own (CVE-2020-0601)", SGX3, pck_explicit_curve, NULL,
	    "dcap.pck.chain", "" },
	{ "PCK with a compressed point", SGX3, pck_compressed_point, NULL, "dcap.pck.chain", "" },
	{ "PCK with a point off the curve", SGX3, pck_off_curve, NULL, "dcap.qe_report.signature",
	    "" },
	{ "PCK with two algorithms", SGX3, pck_two_algorithms, NULL, "dcap.pck.chain", "" },
	{ "PCK over SHA-384", SGX3, pck_sha384, NULL, "dcap.pck.chain", "" },
	{ "PCK issuer in another string type", SGX3, pck_printable_issuer, NULL, "dcap.pck.profile",
	    "" },
	{ "PCK signature r is 0", SGX3, pck_r_zero, NULL, "dcap.pck.chain", "" },
	{ "PCK signature s is n", TDX4, pck_s_is_order, NULL, "dcap.pck.signature", "" },
	{ "PCK with bytes behind it", SGX3, pck_with_tail, NULL, "dcap.pck.chain", "" },
	{ "PCK by a stranger", SGX3, pck_by_stranger, NULL, "dcap.pck.signature", "" },
	{ "PCK by the root", TDX4, pck_by_root, NULL, "dcap.pck.signature", "" },
	{ "PCK by the TCB signing key", SGX3, pck_by_tcb_signing, NULL, "dcap.pck.signature", "" },
	{ "Platform PCK by the Processor CA", SGX3, pck_by_processor_ca, NULL, "dcap.pck.signature",
	    "" },
	{ "PCK that names the other CA", SGX3, pck_names_other_ca, NULL, "dcap.pck.profile", "" },
	{ "PCK expired a second ago", SGX3, pck_expired, NULL, "dcap.pck.dates", "" },
	{ "PCK valid in a second", TDX4, pck_not_yet, NULL, "dcap.pck.dates", "" },
	{ "PCK revoked", SGX3, pck_revoked, NULL, "dcap.pck.revoked", "" },
	{ "PCK revoked, TDX", TDX4, pck_revoked, NULL, "dcap.pck.revoked", "" },
	{ "PCK of the Processor CA revoked", SGX3_PROCESSOR, pck_revoked, NULL, "dcap.pck.revoked",
	    "" },

	{ "root CRL by a stranger", SGX3, root_crl_by_stranger, NULL, "dcap.root_crl.signature",
	    "" },
	{ "root CRL by the PCK CA", TDX4, root_crl_by_ca, NULL, "dcap.root_crl.signature", "" },
	{ "root CRL expired a second ago", SGX3, root_crl_expired, NULL, "dcap.root_crl.dates",
	    "" },
	{ "root CRL valid in a second", TDX4, root_crl_not_yet, NULL, "dcap.root_crl.dates", "" },
	{ "root CRL of yesterday", SGX3, root_crl_replayed, NULL, "dcap.root_crl.floor", "" },
	{ "root CRL hidden", SGX3, NULL, root_crl_hidden, "dcap.root_crl.signature", "", NEEDED },
	{ "root CRL without nextUpdate", SGX3, root_crl_eternal, NULL, "dcap.root_crl.signature",
	    "", NOT_ADDED },
	{ "PCK CRL by a stranger (GHSA-2cjj-h43h-m6xj)", SGX3, pck_crl_by_stranger, NULL,
	    "dcap.pck_crl.signature", "" },
	{ "PCK CRL by the root", TDX4, pck_crl_by_root, NULL, "dcap.pck_crl.signature", "" },
	{ "PCK CRL by the other CA", SGX3, pck_crl_by_other_ca, NULL, "dcap.pck_crl.signature",
	    "" },
	{ "PCK CRL with another AKI", SGX3, pck_crl_other_akid, NULL, "dcap.pck_crl.signature",
	    "" },
	{ "PCK CRL of the other CA", SGX3, pck_crl_of_other_ca, NULL, "dcap.pck_crl.signature", "",
	    NEEDED },
	{ "PCK CRL expired a second ago", SGX3, pck_crl_expired, NULL, "dcap.pck_crl.dates", "" },
	{ "PCK CRL valid in a second", TDX4, pck_crl_not_yet, NULL, "dcap.pck_crl.dates", "" },
	{ "PCK CRL of yesterday", SGX3, pck_crl_replayed, NULL, "dcap.pck_crl.floor", "" },
	{ "PCK CRL hidden", SGX3, NULL, pck_crl_hidden, "dcap.pck_crl.signature", "", NEEDED },
	{ "PCK revoked, a stranger's newer CRL beside", SGX3, pck_revoked, pck_revoked_and_shadowed,
	    "dcap.pck_crl.signature", "", REFUSED, "dcap.pck.revoked" },
	{ "PCK revoked, last week's CRL beside", SGX3, pck_revoked, pck_revoked_since,
	    "dcap.pck.revoked", "" },
	{ "PCK CRL with a critical entry extension", SGX3, pck_crl_critical_entry, NULL,
	    "dcap.pck_crl.signature", "", NOT_ADDED },
	{ "PCK CRL with a critical extension", SGX3, pck_crl_critical_extension, NULL,
	    "dcap.pck_crl.signature", "", NOT_ADDED },
	{ "PCK CRL without a number", SGX3, pck_crl_without_number, NULL, "dcap.pck_crl.floor",
	    "" },
	{ "root CRL without a number", TDX4, root_crl_without_number, NULL, "dcap.root_crl.floor",
	    "" },
	{ "PCK CRL without AKI", SGX3, pck_crl_without_akid, NULL, "dcap.pck_crl.signature", "" },
	{ "PCK CRL with bytes behind it", SGX3, NULL, pck_crl_with_tail, "dcap.pck_crl.signature",
	    "", NOT_ADDED },
	{ "PCK CRL cut by one byte", SGX3, NULL, pck_crl_cut, "dcap.pck_crl.signature", "",
	    NOT_ADDED },
};
const size_t dcap_forgery_count = sizeof dcap_forgeries / sizeof dcap_forgeries[0];
