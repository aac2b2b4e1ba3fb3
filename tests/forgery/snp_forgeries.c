/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP reports, certificates, CRLs and certificate tables that lie. */
#include "forge.h"

#include <string.h>

static const struct sim_key *
rogue(struct forge *f)
{
	return sim_key(f->sim, SIM_RSA4096, "rogue");
}

static struct sim_bytes
amd_name(struct forge *f, const char *cn)
{
	return sim_name(f->sim, SIM_NAME_AMD, cn);
}

static void
real_root(struct forge *f)
{
	struct sim_cert ark = sim_amd_ca(f->sim, f->snp.product, "ark", FORGE_NOW);

	f->out.root = sim_pem(f->sim, "CERTIFICATE", sim_cert_write(f->sim, &ark));
}

/* --- form ----------------------------------------------------------------------------------- */

static void
version_1(struct forge *f)
{
	f->snp.report.version = 1;
}

static void
version_6(struct forge *f)
{
	f->snp.report.version = 6;
}

static void
one_byte_short(struct forge *f)
{
	f->out.evidence.len -= 1;
}

static void
unsigned_byte(struct forge *f, size_t at)
{
	f->snp.report.unsigned_byte.at = at;
	f->snp.report.unsigned_byte.value = 1;
}

static void
behind_r(struct forge *f)
{
	unsigned_byte(f, 0x2d0);
}

static void
behind_s(struct forge *f)
{
	unsigned_byte(f, 0x32f);
}

static void
behind_signature(struct forge *f)
{
	unsigned_byte(f, 0x330);
}

static void
last_byte(struct forge *f)
{
	unsigned_byte(f, 0x49f);
}

static void
signed_byte(struct forge *f, size_t at)
{
	f->snp.report.signed_byte.at = at;
	f->snp.report.signed_byte.value = 1;
}

static void
reserved_after_key_info(struct forge *f)
{
	signed_byte(f, 0x4c);
}

static void
reserved_after_cpuid(struct forge *f)
{
	signed_byte(f, 0x18b);
}

static void
reserved_before_end(struct forge *f)
{
	signed_byte(f, 0x29f);
}

static void
cpuid_in_version_2(struct forge *f)
{
	signed_byte(f, 0x188);
}

static void
mitigations_in_version_3(struct forge *f)
{
	signed_byte(f, 0x1f8);
}

/* --- the certificate table ------------------------------------------------------------------ */

static void
table(struct forge *f, const struct sim_table_entry *entries, size_t count)
{
	struct sim_bytes report = { f->out.evidence.ptr, 1184 };

	f->out.evidence = sim_join(f->sim, report, sim_cert_table_write(f->sim, entries, count));
}

static void
table_lies(struct forge *f, int32_t offset, int32_t size)
{
	f->snp.entries[0].offset_lie = offset;
	f->snp.entries[0].size_lie = size;
	table(f, f->snp.entries, f->snp.entry_count);
}

static void
table_beyond_end(struct forge *f)
{
	f->snp.entries[2].size_lie = 1;
	table(f, f->snp.entries, f->snp.entry_count);
}

static void
table_wraps(struct forge *f)
{
	table_lies(f, -96 - 16, 16);
}

static void
table_into_header(struct forge *f)
{
	table_lies(f, -24, 0);
}

static void
table_guid_twice(struct forge *f)
{
	struct sim_table_entry entries[4];

	memcpy(entries, f->snp.entries, 3 * sizeof entries[0]);
	entries[3] = entries[0];
	table(f, entries, 4);
}

static void
table_without_end(struct forge *f)
{
	/* The terminating entry overwritten by the start of a certificate. */
	struct sim_bytes report = { f->out.evidence.ptr, 1184 };
	struct sim_bytes whole = sim_cert_table_write(f->sim, f->snp.entries, 1);

	whole.len = 24;
	f->out.evidence = sim_join(f->sim, report, whole);
}

static void
table_too_long(struct forge *f)
{
	struct sim_table_entry entries[17];
	char *guids = sim_alloc(f->sim, 17 * 40);

	for (size_t i = 0; i < 17; i++) {
		char *guid = guids + 40 * i;
		memcpy(guid, "00000000-0000-0000-0000-0000000000", 34);
		guid[34] = (char)('a' + i % 6);
		guid[35] = (char)(i < 6 ? '1' : i < 12 ? '2' : '3');
		entries[i] = (struct sim_table_entry){ guid, sim_text(f->sim, "x"), 0, 0 };
	}
	entries[0] = f->snp.entries[0];
	table(f, entries, 17);
}

static void
table_with_own_ark(struct forge *f)
{
	/* The table brings the forger's ARK and a chain under it; the real one is pinned. */
	struct sim_snp *p = &f->snp;

	p->ark.key = p->ark.signer = p->ask.signer = p->crl.signer = rogue(f);
	sim_set_skid(f->sim, &p->ark);
	sim_set_akid(f->sim, &p->ask, rogue(f));
	p->crl.akid = rogue(f);
}

/* --- the ARK -------------------------------------------------------------------------------- */

static void
no_root(struct forge *f)
{
	f->no_root = true;
}

static void
ark_of_other_product(struct forge *f)
{
	/* A whole Genoa chain for a chip that says it is Milan. */
	struct sim_snp *p = &f->snp;

	p->ark = sim_amd_ca(f->sim, SIM_GENOA, "ark", FORGE_NOW);
	p->ask = sim_amd_ca(f->sim, SIM_GENOA, "ask", FORGE_NOW);
	p->leaf.issuer = p->ask.subject;
	p->leaf.signer = p->ask.key;
	p->crl.issuer = p->ark.subject;
	p->crl.signer = p->crl.akid = p->ark.key;
}

static void
ark_of_trusted_product(struct forge *f)
{
	/* The same, and the relying party trusts Genoa's ARK too. */
	ark_of_other_product(f);
}

static void
ask_by_trusted_ark(struct forge *f)
{
	/* Milan's names, signed by Genoa's ARK, which is trusted for Genoa. */
	f->snp.ask.signer = sim_key(f->sim, SIM_RSA4096, "ark-Genoa");
}

static void
trust_genoa_too(struct forge *f)
{
	struct sim_cert ark = sim_amd_ca(f->sim, SIM_GENOA, "ark", FORGE_NOW);

	real_root(f);
	f->out.root = sim_join(
	    f->sim, f->out.root, sim_pem(f->sim, "CERTIFICATE", sim_cert_write(f->sim, &ark)));
}

static void
ask_as_root(struct forge *f)
{
	f->out.root = sim_pem(f->sim, "CERTIFICATE", sim_cert_write(f->sim, &f->snp.ask));
}

static void
ark_expired(struct forge *f)
{
	f->snp.ark.not_after = FORGE_NOW - 1;
}

static void
ark_not_yet(struct forge *f)
{
	f->snp.ark.not_before = FORGE_NOW + 1;
}

/* --- the ASK -------------------------------------------------------------------------------- */

static void
ask_not_ca(struct forge *f)
{
	sim_set_basic(f->sim, &f->snp.ask, false, -1);
}

static void
ask_without_cert_sign(struct forge *f)
{
	sim_set_usage(f->sim, &f->snp.ask, 0x01);
}

static void
ask_without_usage(struct forge *f)
{
	sim_extension_drop(&f->snp.ask, SIM_OID_KEY_USAGE);
}

static void
ask_named(struct forge *f, const char *cn)
{
	f->snp.ask.subject = f->snp.leaf.issuer = amd_name(f, cn);
}

static void
ask_other_name(struct forge *f)
{
	ask_named(f, "SEV-Milan-2");
}

static void
ask_of_genoa_name(struct forge *f)
{
	ask_named(f, "SEV-Genoa");
}

static void
asvk_signs_vcek(struct forge *f)
{
	f->snp.ask = sim_amd_ca(f->sim, f->snp.product, "asvk", FORGE_NOW);
	f->snp.leaf.issuer = f->snp.ask.subject;
	f->snp.leaf.signer = f->snp.ask.key;
}

static void
ask_signs_vlek(struct forge *f)
{
	f->snp.ask = sim_amd_ca(f->sim, f->snp.product, "ask", FORGE_NOW);
	f->snp.leaf.issuer = f->snp.ask.subject;
	f->snp.leaf.signer = f->snp.ask.key;
}

static void
ask_by_stranger(struct forge *f)
{
	f->snp.ask.signer = rogue(f);
}

static void
ask_by_itself(struct forge *f)
{
	f->snp.ask.signer = f->snp.ask.key;
}

static void
ask_by_other_ark(struct forge *f)
{
	f->snp.ask.signer = sim_key(f->sim, SIM_RSA4096, "ark-Genoa");
}

static void
ask_pkcs1(struct forge *f)
{
	f->snp.ask.alg = f->snp.ask.inner_alg = SIM_ALG_RSA_SHA384;
}

static void
ask_pss_sha256(struct forge *f)
{
	f->snp.ask.alg = f->snp.ask.inner_alg = SIM_ALG_PSS_SHA256;
}

static void
ask_two_algorithms(struct forge *f)
{
	f->snp.ask.inner_alg = SIM_ALG_PSS_SHA256;
}

static void
ask_signature_zero(struct forge *f)
{
	f->snp.ask.signature = sim_copy(f->sim, sim_alloc(f->sim, 512), 512);
}

static void
ask_signature_modulus(struct forge *f)
{
	/* The modulus itself: a number that must be below it. */
	f->snp.ask.signature = sim_copy(f->sim, f->snp.ark.key->raw, 512);
}

static struct sim_bytes
rsa_spki(struct forge *f, const struct sim_key *key, uint64_t exponent)
{
	struct sim_bytes number = sim_der_number(f->sim, sim_copy(f->sim, key->raw, key->raw_len));

	return SIM_SEQ(f->sim,
	    SIM_SEQ(f->sim, sim_der_oid(f->sim, "1.2.840.113549.1.1.1"),
		sim_der(f->sim, 0x05, (struct sim_bytes){ NULL, 0 })),
	    sim_der_bits(f->sim, SIM_SEQ(f->sim, number, sim_der_uint(f->sim, exponent))));
}

static void
ask_exponent_3(struct forge *f)
{
	f->snp.ask.spki = rsa_spki(f, f->snp.ask.key, 3);
}

static void
ask_2048(struct forge *f)
{
	f->snp.ask.key = f->snp.leaf.signer = sim_key(f->sim, SIM_RSA2048, "ask-Naples");
}

static void
ask_path_length(struct forge *f)
{
	/* A second intermediate: the ASK's path length is 0, and VCEKs stand right under it. */
	f->snp.ask.issuer = amd_name(f, "SEV-Milan");
}

static void
ask_expired(struct forge *f)
{
	f->snp.ask.not_after = FORGE_NOW - 1;
}

static void
ask_not_yet(struct forge *f)
{
	f->snp.ask.not_before = FORGE_NOW + 1;
}

static void
ask_revoked(struct forge *f)
{
	f->snp.crl.revoked[f->snp.crl.revoked_count++] = f->snp.ask.serial;
}

/* --- the CRL -------------------------------------------------------------------------------- */

static void
crl_by_stranger(struct forge *f)
{
	f->snp.crl.signer = rogue(f);
}

/* Beside the CRL that revokes the intermediate stands a newer one of the forger's. */
static void
revoked_and_shadowed(struct forge *f)
{
	struct sim_crl newer = f->snp.crl;

	newer.revoked_count = 0;
	newer.this_update = FORGE_NOW;
	newer.number++;
	newer.signer = rogue(f);
	sim_output_add(&f->out, "newer.der", sim_crl_write(f->sim, &newer));
}

/* Both lines' CRLs have the ARK as issuer: that of the VCEK line does not speak of the ASVK. */
static void
other_line_crl(struct forge *f)
{
	struct sim_crl other = f->snp.crl;

	other.revoked_count = 0;
	other.this_update = FORGE_NOW;
	other.number++;
	sim_output_add(&f->out, "vcek_crl.der", sim_crl_write(f->sim, &other));
}

static void
crl_by_ask(struct forge *f)
{
	f->snp.crl.signer = f->snp.ask.key;
}

static void
crl_by_other_ark(struct forge *f)
{
	f->snp.crl.signer = f->snp.crl.akid = sim_key(f->sim, SIM_RSA4096, "ark-Genoa");
}

static void
crl_of_other_ark(struct forge *f)
{
	f->snp.crl.issuer = amd_name(f, "ARK-Genoa");
	f->snp.crl.signer = f->snp.crl.akid = sim_key(f->sim, SIM_RSA4096, "ark-Genoa");
	f->require_crl = true;
}

static void
crl_expired(struct forge *f)
{
	f->snp.crl.next_update = FORGE_NOW - 1;
}

static void
crl_not_yet(struct forge *f)
{
	f->snp.crl.this_update = FORGE_NOW + 1;
}

static void
crl_eternal(struct forge *f)
{
	f->snp.crl.next_update = 0;
}

static void
crl_replayed(struct forge *f)
{
	f->min_crl_issuer = "ARK-Milan";
	f->min_crl = f->snp.crl.number + 1;
}

static void
crl_hidden(struct forge *f)
{
	f->require_crl = true;
	forge_drop_item(f, "crl.der");
}

/* --- VCEK and VLEK -------------------------------------------------------------------------- */

static void
vlek_for_vcek(struct forge *f)
{
	/* The report says VCEK; a VLEK signed it. */
	f->snp.report.key_info = 0;
}

static void
vcek_for_vlek(struct forge *f)
{
	f->snp.report.key_info = 1 << 2;
}

static void
vlek_called_vcek(struct forge *f)
{
	/* TEE-Attestation-Verification #142: a VLEK that carries the other name. */
	f->snp.leaf.subject = amd_name(f, "SEV-VCEK");
	f->snp.report.key_info = 0;
}

static void
leaf_other_name(struct forge *f)
{
	f->snp.leaf.subject = amd_name(f, "SEV-VCEK-OF-MALLORY");
}

static void
drop_hwid(struct sim_snp *p)
{
	sim_extension_drop(&p->leaf, SIM_OID_AMD ".4");
}

static void
without_hwid(struct forge *f)
{
	f->snp.bend_leaf = drop_hwid;
}

static void
drop_microcode(struct sim_snp *p)
{
	sim_extension_drop(&p->leaf, SIM_OID_AMD ".3.8");
}

static void
without_microcode(struct forge *f)
{
	f->snp.bend_leaf = drop_microcode;
}

static void
drop_fmc(struct sim_snp *p)
{
	sim_extension_drop(&p->leaf, SIM_OID_AMD ".3.9");
}

static void
without_fmc(struct forge *f)
{
	f->snp.bend_leaf = drop_fmc;
}

static void
repeat_snp(struct sim_snp *p)
{
	sim_extension_again(&p->leaf, SIM_OID_AMD ".3.3");
}

static void
extension_twice(struct forge *f)
{
	f->snp.bend_leaf = repeat_snp;
}

static void
drop_csp(struct sim_snp *p)
{
	sim_extension_drop(&p->leaf, SIM_OID_AMD ".5");
}

static void
vlek_without_csp(struct forge *f)
{
	f->snp.bend_leaf = drop_csp;
}

static void
vcek_with_csp(struct forge *f)
{
	f->snp.extension.csp_id = "CN=cc-mallory.example";
}

static void
vlek_with_hwid(struct forge *f)
{
	f->snp.extension.hwid = sim_copy(f->sim, sim_alloc(f->sim, 64), 64);
}

static void
hwid_short(struct forge *f)
{
	f->snp.extension.hwid.len = 63;
}

static void
hwid_of_turin_length(struct forge *f)
{
	f->snp.extension.hwid.len = 8;
}

static void
make_ca(struct sim_snp *p)
{
	sim_set_basic(p->sim, &p->leaf, true, -1);
	sim_set_usage(p->sim, &p->leaf, 0x20);
}

static void
leaf_is_ca(struct forge *f)
{
	f->snp.bend_leaf = make_ca;
}

static void
leaf_p256(struct forge *f)
{
	f->snp.leaf.key = sim_key(f->sim, SIM_P256, "a VCEK of the wrong curve");
}

static void
spl_of_text(struct sim_snp *p)
{
	sim_extension_set(&p->leaf, SIM_OID_AMD ".3.3", false, sim_der_raw(p->sim, 0x16, "30"));
}

static void
spl_no_integer(struct forge *f)
{
	f->snp.bend_leaf = spl_of_text;
}

static void
leaf_by_stranger(struct forge *f)
{
	f->snp.leaf.signer = rogue(f);
}

static void
leaf_by_ark(struct forge *f)
{
	f->snp.leaf.signer = f->snp.ark.key;
}

static void
leaf_by_asvk(struct forge *f)
{
	f->snp.leaf.signer = sim_key(f->sim, SIM_RSA4096, "asvk-Milan");
}

static void
leaf_expired(struct forge *f)
{
	f->snp.leaf.not_after = FORGE_NOW - 1;
}

static void
leaf_not_yet(struct forge *f)
{
	f->snp.leaf.not_before = FORGE_NOW + 1;
}

static void
leaf_of_genoa(struct forge *f)
{
	f->snp.extension.product_name = "Genoa";
}

static void
leaf_of_milano(struct forge *f)
{
	f->snp.extension.product_name = "Milano-B0";
}

static void
leaf_struct_version(struct forge *f)
{
	f->snp.extension.struct_version = 1;
	f->snp.extension.tcb.fmc = 0;
}

/* REPORTED_TCB below what the certificate says: the report is of an older firmware. */
static void
reported(struct forge *f, struct sim_snp_tcb tcb)
{
	f->snp.report.reported_tcb = sim_snp_tcb_raw(f->snp.product, tcb);
}

static void
vcek_of_current(struct forge *f)
{
	/* go-sev-guest #72: the certificate fits CURRENT_TCB, not REPORTED_TCB. */
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.microcode -= 10;
	tcb.snp -= 1;
	reported(f, tcb);
}

static void
tcb_bootloader(struct forge *f)
{
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.bootloader--;
	reported(f, tcb);
}

static void
tcb_tee(struct forge *f)
{
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.tee--;
	reported(f, tcb);
}

static void
tcb_snp(struct forge *f)
{
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.snp--;
	reported(f, tcb);
}

static void
tcb_microcode(struct forge *f)
{
	f->snp.extension.tcb.microcode--;
}

static void
tcb_fmc(struct forge *f)
{
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.fmc--;
	reported(f, tcb);
}

static void
other_chip(struct forge *f)
{
	f->snp.extension.hwid.ptr[63] ^= 1;
}

static void
other_turin_chip(struct forge *f)
{
	f->snp.extension.hwid.ptr[7] ^= 1;
}

static void
turin_tail(struct forge *f)
{
	f->snp.report.chip_id[8] = 1;
}

static void
masked_chip(struct forge *f)
{
	memset(f->snp.report.chip_id, 0, 64);
	f->policy = "default";
}

static void
leaf_hidden(struct forge *f)
{
	forge_drop_item(f, "vcek.der");
}

static void
chain_hidden(struct forge *f)
{
	forge_drop_item(f, "cert_chain.pem");
}

/* --- the report ----------------------------------------------------------------------------- */

static void
key_masked(struct forge *f)
{
	f->snp.report.key_info |= 1 << 1;
}

static void
key_masked_and_unsigned(struct forge *f)
{
	f->snp.report.key_info |= 1 << 1;
	f->snp.report.signature = sim_copy(f->sim, sim_alloc(f->sim, 96), 96);
}

static void
key_info_reserved(struct forge *f)
{
	f->snp.report.key_info |= 1U << 20;
}

static void
no_signing_key(struct forge *f)
{
	f->snp.report.key_info = 7 << 2;
}

static void
reserved_signing_key(struct forge *f)
{
	f->snp.report.key_info = 2 << 2;
}

static void
algorithm_2(struct forge *f)
{
	f->snp.report.signature_algo = 2;
}

static void
report_by_stranger(struct forge *f)
{
	f->snp.report.signer = sim_key(f->sim, SIM_P384, "rogue");
}

static void
report_sha256(struct forge *f)
{
	f->snp.report.hash = SIM_SHA256;
}

static void
report_of_other_vcek(struct forge *f)
{
	f->snp.leaf.key = sim_key(f->sim, SIM_P384, "VCEK of another chip");
}

static void
other_measurement(struct forge *f)
{
	forge_overwrite(
	    f->out.evidence, 0x90, "the launch digest of quite another SNP guest....", 48);
}

static void
other_report_data(struct forge *f)
{
	forge_overwrite(f->out.evidence, 0x50, "a nonce of the forger's", 23);
}

static void
debug_switched_off(struct forge *f)
{
	forge_overwrite(f->out.evidence, 0x0a, "\x03", 1);
}

static void
debug_hidden(struct forge *f)
{
	f->snp.report.policy |= 1U << 19;
}

static void
rs(struct forge *f, const void *r, const void *s)
{
	f->snp.report.signature =
	    sim_join(f->sim, sim_copy(f->sim, r, 48), sim_copy(f->sim, s, 48));
}

static const uint8_t zero[48], one[48] = { [47] = 1 };

static void
r_zero(struct forge *f)
{
	rs(f, zero, one);
}

static void
s_zero(struct forge *f)
{
	rs(f, one, zero);
}

static void
all_zero(struct forge *f)
{
	rs(f, zero, zero);
}

static void
r_is_order(struct forge *f)
{
	rs(f, forge_order_p384, one);
}

static void
s_is_order(struct forge *f)
{
	rs(f, one, forge_order_p384);
}

static void
cpuid_unknown(struct forge *f)
{
	f->snp.report.cpuid[1] = 0x50;
}

static void
cpuid_of_rome(struct forge *f)
{
	f->snp.report.cpuid[0] = 0x17;
	f->snp.report.cpuid[1] = 0x31;
}

static void
cpuid_of_genoa(struct forge *f)
{
	f->snp.report.cpuid[1] = 0x11;
}

static void
turin_version_2(struct forge *f)
{
	f->snp.report.version = 2;
	f->snp.report.launch_mit_vector = f->snp.report.current_mit_vector = 0;
}

static void
policy_bit_17(struct forge *f)
{
	f->snp.report.policy &= ~(1ULL << 17);
}

static void
policy_reserved(struct forge *f)
{
	f->snp.report.policy |= 1ULL << 40;
}

static void
committed_above_current(struct forge *f)
{
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.snp++;
	f->snp.report.committed_tcb = sim_snp_tcb_raw(f->snp.product, tcb);
}

static void
reported_above_current(struct forge *f)
{
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.bootloader--;
	f->snp.report.current_tcb = f->snp.report.committed_tcb =
	    sim_snp_tcb_raw(f->snp.product, tcb);
}

static void
lower_microcode_higher_snp(struct forge *f)
{
	/* As one integer COMMITTED is smaller; as components it is not. */
	struct sim_snp_tcb tcb = f->snp.tcb;

	tcb.microcode--;
	tcb.snp++;
	f->snp.report.committed_tcb = sim_snp_tcb_raw(f->snp.product, tcb);
}

/* --- policy --------------------------------------------------------------------------------- */

static void
below_floor(struct forge *f)
{
	f->min_tcb = "snp=31,microcode=221";
	f->policy = "default";
}

#define HEX_0                                                                                      \
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
	"0"                                                                                        \
	"0000000"
#define HEX_1                                                                                      \
	"0102030405060708090000000000000000000000000000000000000000000000000000000000000000000000" \
	"00"                                                                                       \
	"000000"

static void
other_software(struct forge *f)
{
	f->policy =
	    "for snp\n  require executables measurement in " HEX_0 ", " HEX_1 " or vmpl == 1\n";
}

static void
software_not_preferred(struct forge *f)
{
	f->policy = "for snp\n  prefer executables measurement in " HEX_0 ", " HEX_1 "\n";
}

static void
other_tee(struct forge *f)
{
	f->policy = "for tdx, sgx\n  require configuration debug == false\n";
}

static void
below_floor_that_was_asked(struct forge *f)
{
	f->min_tcb = "snp=31";
}

static void
one_part_below_floor(struct forge *f)
{
	f->min_tcb = "bootloader=1,tee=0,snp=1,microcode=255";
	f->policy = "default";
}

static void
turin_fmc_below_floor(struct forge *f)
{
	f->min_tcb = "fmc=6";
	f->policy = "default";
}

static void
below_builtin_floor(struct forge *f)
{
	f->snp.tcb.microcode = f->snp.extension.tcb.microcode = 115;
	reported(f, f->snp.tcb);
	f->min_tcb = "";
	f->policy = "default";
}

static void
no_floor(struct forge *f)
{
	f->min_tcb = "";
	f->policy = "default";
}

static void
vmpl_1(struct forge *f)
{
	f->snp.report.vmpl = 1;
	f->policy = "default";
}

static void
vmpl_host(struct forge *f)
{
	f->snp.report.vmpl = UINT32_MAX;
	f->policy = "default";
}

static void
migration_agent(struct forge *f)
{
	f->snp.report.policy |= 1U << 18;
	f->policy = "default";
}

static void
debug_guest(struct forge *f)
{
	f->snp.report.policy |= 1U << 19;
	f->policy = "default";
}

static void
stale_nonce(struct forge *f)
{
	f->report_data = sim_text(f->sim, "the nonce of today");
}

static void
nonce_prefix(struct forge *f)
{
	memset(f->snp.report.report_data, 9, 64);
	f->report_data = sim_copy(f->sim, f->snp.report.report_data, 63);
}

static void
chip_denied(struct forge *f)
{
	char *rule = sim_alloc(f->sim, 256);
	struct sim_buf b = { .sim = f->sim };

	sim_put_text(&b, "deny chip-id ");
	sim_put_hex(&b, f->snp.report.chip_id, 64);
	memcpy(rule, b.ptr, b.len);
	f->platforms = rule;
}

/* As the chip's certificate has its id. */
static void
turin_chip_not_wanted(struct forge *f)
{
	char *policy = sim_alloc(f->sim, 256);
	struct sim_buf b = { .sim = f->sim };

	sim_put_text(&b, "for snp\n  require instance platform_id not in ");
	sim_put_hex(&b, f->snp.report.chip_id, 8);
	memcpy(policy, b.ptr, b.len);
	f->policy = policy;
}

static void
denied_chip_masked(struct forge *f)
{
	chip_denied(f);
	memset(f->snp.report.chip_id, 0, 64);
}

static void
cloud_key_and_chip_list(struct forge *f)
{
	f->platforms = "allow chip-id 00112233445566778899aabbccddeeff"
		       "00112233445566778899aabbccddeeff"
		       "00112233445566778899aabbccddeeff"
		       "00112233445566778899aabbccddeeff";
}

static void
chip_not_allowed(struct forge *f)
{
	f->platforms = "allow chip-id 00112233445566778899aabbccddeeff"
		       "00112233445566778899aabbccddeeff"
		       "00112233445566778899aabbccddeeff"
		       "00112233445566778899aabbccddeeff";
}

static void
expect_other(struct forge *f)
{
	f->expect_claim = "measurement";
	f->expect_value = "000000000000000000000000000000000000000000000000"
			  "000000000000000000000000000000000000000000000000";
}

#define FORM "evidence.format"
#define SIG  "snp.report.signature"
const struct forgery snp_forgeries[] = {
	{ "report version 1", MILAN3, version_1, NULL, FORM, "version", NOT_PARSED },
	{ "report version 6", MILAN3, version_6, NULL, FORM, "version", NOT_PARSED },
	{ "report one byte short", MILAN3, NULL, one_byte_short, FORM, "", NOT_PARSED },
	{ "bytes behind R", MILAN3, behind_r, NULL, FORM, "", NOT_PARSED },
	{ "bytes behind S", MILAN3, behind_s, NULL, FORM, "", NOT_PARSED },
	{ "bytes behind the signature", TURIN5, behind_signature, NULL, FORM, "", NOT_PARSED },
	{ "last byte not zero", MILAN2, last_byte, NULL, FORM, "", NOT_PARSED },
	{ "reserved bytes after KEY_INFO", MILAN3, reserved_after_key_info, NULL, FORM, "",
	    NOT_PARSED },
	{ "reserved bytes after CPUID", MILAN3, reserved_after_cpuid, NULL, FORM, "", NOT_PARSED },
	{ "reserved bytes before the signature", TURIN5, reserved_before_end, NULL, FORM, "",
	    NOT_PARSED },
	{ "CPUID in version 2", MILAN2, cpuid_in_version_2, NULL, FORM, "", NOT_PARSED },
	{ "mitigation vector in version 3", MILAN3, mitigations_in_version_3, NULL, FORM, "",
	    NOT_PARSED },
	{ "table entry beyond the end", MILAN3_TABLE, NULL, table_beyond_end, FORM, "",
	    NOT_PARSED },
	{ "table entry that wraps", MILAN3_TABLE, NULL, table_wraps, FORM, "", NOT_PARSED },
	{ "table entry in the table's head", MILAN3_TABLE, NULL, table_into_header, FORM, "",
	    NOT_PARSED },
	{ "table with one GUID twice", MILAN3_TABLE, NULL, table_guid_twice, FORM, "", NOT_PARSED },
	{ "table without an end", MILAN3_TABLE, NULL, table_without_end, FORM, "", NOT_PARSED },
	{ "table of 17 entries", MILAN3_TABLE, NULL, table_too_long, FORM, "", NOT_PARSED },

	{ "ARK of the forger's", MILAN3, table_with_own_ark, real_root, "snp.ark.pinned", "",
	    REFUSED, "snp.crl" },
	{ "ARK of the forger's in the table", MILAN3_TABLE, table_with_own_ark, real_root,
	    "snp.ark.pinned", "", REFUSED, "snp.crl" },
	{ "ARK that nobody named", MILAN3, no_root, NULL, "snp.ark.pinned", "", REFUSED,
	    "snp.crl" },
	{ "chain of another product", MILAN3, ark_of_other_product, real_root, "snp.ark.pinned", "",
	    REFUSED, "snp.crl snp.vcek.profile snp.ask.profile" },
	{ "chain of another trusted product", MILAN3, ark_of_trusted_product, trust_genoa_too,
	    "snp.ask.profile", "", REFUSED, "snp.vcek.profile" },
	{ "ASK by another trusted product's ARK", MILAN3, ask_by_trusted_ark, trust_genoa_too,
	    "snp.ask.signature", "", REFUSED, "snp.ark.pinned snp.crl" },
	{ "ASK as a trust root", MILAN3, NULL, ask_as_root, "snp.ark.pinned", "", NOT_ADDED },
	{ "ARK expired a second ago", MILAN3, ark_expired, NULL, "snp.ark.dates", "" },
	{ "ARK valid in a second", GENOA4, ark_not_yet, NULL, "snp.ark.dates", "" },

	{ "ASK that is no CA", MILAN3, ask_not_ca, NULL, "snp.ask.profile", "" },
	{ "ASK without keyCertSign", MILAN3, ask_without_cert_sign, NULL, "snp.ask.profile", "" },
	{ "ASK without keyUsage", GENOA4, ask_without_usage, NULL, "snp.ask.profile", "" },
	{ "ASK of another name", MILAN3, ask_other_name, NULL, "snp.ask.profile", "", REFUSED,
	    "snp.vcek.profile" },
	{ "ASK with another product's name", MILAN3, ask_of_genoa_name, NULL, "snp.ask.profile", "",
	    REFUSED, "snp.vcek.profile" },
	{ "ASVK where an ASK is due", MILAN3, asvk_signs_vcek, NULL, "snp.ask.profile", "", REFUSED,
	    "snp.vcek.profile" },
	{ "ASK where an ASVK is due", MILAN3_VLEK, ask_signs_vlek, NULL, "snp.ask.profile", "",
	    REFUSED, "snp.vcek.profile" },
	{ "ASK by a stranger", MILAN3, ask_by_stranger, NULL, "snp.ask.signature", "", REFUSED,
	    "snp.ark.pinned snp.crl" },
	{ "ASK by itself", TURIN5, ask_by_itself, NULL, "snp.ask.signature", "", REFUSED,
	    "snp.ark.pinned snp.crl" },
	{ "ASK by another product's ARK", MILAN3, ask_by_other_ark, NULL, "snp.ask.signature", "",
	    REFUSED, "snp.ark.pinned snp.crl" },
	{ "ASK with PKCS #1 padding", MILAN3, ask_pkcs1, NULL, "snp.ask.signature", "", NOT_ADDED },
	{ "ASK with PSS over SHA-256", MILAN3, ask_pss_sha256, NULL, "snp.ask.signature", "",
	    NOT_ADDED },
	{ "ASK with two algorithms", MILAN3, ask_two_algorithms, NULL, "snp.ask.signature", "",
	    NOT_ADDED },
	{ "ASK signature of zeros", MILAN3, ask_signature_zero, NULL, "snp.ask.signature", "",
	    REFUSED, "snp.ark.pinned snp.crl" },
	{ "ASK signature that is the modulus", MILAN3, ask_signature_modulus, NULL,
	    "snp.ask.signature", "", REFUSED, "snp.ark.pinned snp.crl" },
	{ "ASK with exponent 3", MILAN3, ask_exponent_3, NULL, "snp.ask.profile", "", NOT_ADDED },
	{ "ASK of 2048 bits", MILAN3, ask_2048, NULL, "snp.vcek.signature", "", NOT_ADDED },
	{ "ASK under another ASK", MILAN3, ask_path_length, NULL, "snp.ask.profile", "", REFUSED,
	    "snp.ask.signature snp.ark.pinned snp.crl" },
	{ "ASK expired a second ago", MILAN3, ask_expired, NULL, "snp.ask.dates", "" },
	{ "ASK valid in a second", MILAN3, ask_not_yet, NULL, "snp.ask.dates", "" },
	{ "ASK revoked", MILAN3, ask_revoked, NULL, "snp.ask.revoked", "" },
	{ "ASVK revoked", MILAN3_VLEK, ask_revoked, NULL, "snp.ask.revoked", "" },

	{ "CRL by a stranger", MILAN3, crl_by_stranger, NULL, "snp.crl", "" },
	{ "ASK revoked, a stranger's newer CRL beside", MILAN3, ask_revoked, revoked_and_shadowed,
	    "snp.crl", "", REFUSED, "snp.ask.revoked" },
	{ "ASVK revoked, the other line's CRL beside", MILAN3_VLEK, ask_revoked, other_line_crl,
	    "snp.ask.revoked", "" },
	{ "CRL by the ASK", MILAN3, crl_by_ask, NULL, "snp.crl", "" },
	{ "CRL by another product's ARK", MILAN3, crl_by_other_ark, NULL, "snp.crl", "" },
	{ "CRL of another product", MILAN3, crl_of_other_ark, NULL, "snp.crl", "", NEEDED },
	{ "CRL expired a second ago", MILAN3, crl_expired, NULL, "snp.crl.dates", "" },
	{ "CRL valid in a second", TURIN5, crl_not_yet, NULL, "snp.crl.dates", "" },
	{ "CRL without nextUpdate", MILAN3, crl_eternal, NULL, "snp.crl", "", NOT_ADDED },
	{ "CRL of yesterday", MILAN3, crl_replayed, NULL, "snp.crl.floor", "" },
	{ "CRL hidden", MILAN3, NULL, crl_hidden, "snp.crl", "", NEEDED },

	{ "VLEK where the report says VCEK", MILAN3_VLEK, vlek_for_vcek, NULL, "snp.vcek.kind", "",
	    REFUSED, "snp.vcek.profile snp.ask.profile" },
	{ "VCEK where the report says VLEK", MILAN3, vcek_for_vlek, NULL, "snp.vcek.kind", "",
	    REFUSED, "snp.vcek.profile snp.ask.profile" },
	{ "VLEK called VCEK", MILAN3_VLEK, vlek_called_vcek, NULL, "snp.vcek.profile", "", REFUSED,
	    "snp.ask.profile" },
	{ "VCEK of another name", MILAN3, leaf_other_name, NULL, "snp.vcek.kind", "", NEEDED },
	{ "VCEK without hwID", MILAN3, without_hwid, NULL, "snp.vcek.profile", "" },
	{ "VCEK without microcode", MILAN3, without_microcode, NULL, "snp.vcek.profile", "" },
	{ "Turin VCEK without FMC", TURIN5, without_fmc, NULL, "snp.vcek.profile", "" },
	{ "VCEK with one extension twice", MILAN3, extension_twice, NULL, "snp.vcek.profile", "",
	    NOT_ADDED },
	{ "VLEK without CSP id", MILAN3_VLEK, vlek_without_csp, NULL, "snp.vcek.profile", "" },
	{ "VCEK with CSP id", MILAN3, vcek_with_csp, NULL, "snp.vcek.profile", "" },
	{ "VLEK with hwID", MILAN3_VLEK, vlek_with_hwid, NULL, "snp.vcek.profile", "" },
	{ "hwID of 63 bytes", MILAN3, hwid_short, NULL, "snp.vcek.profile", "" },
	{ "hwID of Turin's length", MILAN3, hwid_of_turin_length, NULL, "snp.vcek.profile", "" },
	{ "VCEK that is a CA", MILAN3, leaf_is_ca, NULL, "snp.vcek.profile", "" },
	{ "VCEK with a P-256 key", MILAN3, leaf_p256, NULL, "snp.vcek.profile", "", REFUSED,
	    "snp.report.signature" },
	{ "SPL that is no INTEGER", MILAN3, spl_no_integer, NULL, "snp.vcek.profile", "" },
	{ "VCEK by a stranger", MILAN3, leaf_by_stranger, NULL, "snp.vcek.signature", "" },
	{ "VCEK by the ARK", GENOA4, leaf_by_ark, NULL, "snp.vcek.signature", "" },
	{ "VCEK by the ASVK under the ASK's name", MILAN3, leaf_by_asvk, NULL, "snp.vcek.signature",
	    "" },
	{ "VCEK expired a second ago", MILAN3, leaf_expired, NULL, "snp.vcek.dates", "" },
	{ "VCEK valid in a second", TURIN5, leaf_not_yet, NULL, "snp.vcek.dates", "" },
	{ "VLEK expired a second ago", MILAN3_VLEK, leaf_expired, NULL, "snp.vcek.dates", "" },
	{ "VCEK of another product", MILAN3, leaf_of_genoa, NULL, "snp.vcek.product", "" },
	{ "VCEK of Genoa under Milan's chain, version 2", MILAN2, leaf_of_genoa, NULL,
	    "snp.vcek.profile", "", REFUSED, "snp.ask.profile snp.ark.pinned snp.crl" },
	{ "VCEK of a product that begins alike", MILAN3, leaf_of_milano, NULL, "snp.vcek.product",
	    "" },
	{ "Milan VCEK in Turin's form", MILAN3, leaf_struct_version, NULL, "snp.vcek.profile", "",
	    REFUSED },
	{ "VCEK for CURRENT, not for REPORTED", MILAN3, vcek_of_current, NULL,
	    "snp.vcek.tcb_matches", "" },
	{ "boot loader differs", MILAN3, tcb_bootloader, NULL, "snp.vcek.tcb_matches", "" },
	{ "TEE differs", GENOA4, tcb_tee, NULL, "snp.vcek.tcb_matches", "" },
	{ "SNP firmware differs", MILAN2, tcb_snp, NULL, "snp.vcek.tcb_matches", "" },
	{ "microcode differs", MILAN3, tcb_microcode, NULL, "snp.vcek.tcb_matches", "" },
	{ "FMC differs", TURIN5, tcb_fmc, NULL, "snp.vcek.tcb_matches", "" },
	{ "VLEK for another TCB", MILAN3_VLEK, tcb_snp, NULL, "snp.vcek.tcb_matches", "" },
	{ "VCEK of another chip", MILAN3, other_chip, NULL, "snp.vcek.chip_id", "" },
	{ "VCEK of another Turin chip", TURIN5, other_turin_chip, NULL, "snp.vcek.chip_id", "" },
	{ "Turin chip id with a tail", TURIN5, turin_tail, NULL, "snp.vcek.chip_id", "" },
	{ "VCEK hidden", MILAN3, NULL, leaf_hidden, "snp.vcek.kind", "", NEEDED },
	{ "ASK hidden", MILAN3, NULL, chain_hidden, "snp.vcek.signature", "", REFUSED, "snp.crl" },

	{ "MASK_CHIP_KEY set", MILAN3, key_masked, NULL, "snp.report.signed", "" },
	{ "MASK_CHIP_KEY and no signature", MILAN3, key_masked_and_unsigned, NULL,
	    "snp.report.signed", "", REFUSED, "snp.report.signature" },
	{ "reserved bits of KEY_INFO", MILAN3, key_info_reserved, NULL, "snp.report.signed", "" },
	{ "signed by no key", MILAN3, no_signing_key, NULL, "snp.report.signed", "" },
	{ "signed by a reserved key", MILAN3, reserved_signing_key, NULL, "snp.report.signed", "" },
	{ "signature algorithm 2", MILAN3, algorithm_2, NULL, "snp.report.signed", "", REFUSED },
	{ "report by a stranger", MILAN3, report_by_stranger, NULL, SIG, "" },
	{ "report by a stranger, VLEK", MILAN3_VLEK, report_by_stranger, NULL, SIG, "" },
	{ "report over SHA-256", MILAN3, report_sha256, NULL, SIG, "" },
	{ "genuine VCEK of another key", GENOA4, report_of_other_vcek, NULL, SIG, "" },
	{ "another launch digest", MILAN3, NULL, other_measurement, SIG, "" },
	{ "another report data", TURIN5, NULL, other_report_data, SIG, "" },
	{ "debug bit taken out", MILAN3, debug_hidden, debug_switched_off, SIG, "" },
	{ "r is 0", MILAN3, r_zero, NULL, SIG, "" },
	{ "s is 0", MILAN3, s_zero, NULL, SIG, "" },
	{ "r and s are 0", TURIN5, all_zero, NULL, SIG, "" },
	{ "r is n", MILAN3, r_is_order, NULL, SIG, "" },
	{ "s is n", MILAN3, s_is_order, NULL, SIG, "" },
	{ "CPUID of no product", MILAN3, cpuid_unknown, NULL, "snp.report.product", "" },
	{ "CPUID of Rome", MILAN3, cpuid_of_rome, NULL, "snp.report.product", "" },
	{ "CPUID of Genoa over a Milan chain", MILAN3, cpuid_of_genoa, NULL, "snp.vcek.product", "",
	    REFUSED, "snp.vcek.profile snp.ask.profile" },
	{ "version 2 of Turin", TURIN5, turin_version_2, NULL, "snp.report.product", "" },
	{ "policy bit 17 is 0", MILAN3, policy_bit_17, NULL, "snp.report.policy", "" },
	{ "reserved policy bit", MILAN3, policy_reserved, NULL, "snp.report.policy", "" },
	{ "COMMITTED above CURRENT", MILAN3, committed_above_current, NULL, "snp.report.tcb_order",
	    "" },
	{ "REPORTED above CURRENT", GENOA4, reported_above_current, NULL, "snp.report.tcb_order",
	    "" },
	{ "COMMITTED above CURRENT in one part", MILAN3, lower_microcode_higher_snp, NULL,
	    "snp.report.tcb_order", "" },

	{ "TCB below the floor", MILAN3, below_floor, NULL, "snp.tcb.floor", "" },
	{ "TCB below the floor that was asked for, under genuine", MILAN3,
	    below_floor_that_was_asked, NULL, "snp.tcb.floor", "" },
	{ "microcode below the floor", GENOA4, one_part_below_floor, NULL, "snp.tcb.floor", "" },
	{ "FMC below the floor", TURIN5, turin_fmc_below_floor, NULL, "snp.tcb.floor", "" },
	{ "microcode below the built-in floor", MILAN3, below_builtin_floor, NULL, "snp.tcb.floor",
	    "" },
	{ "product without a floor", TURIN5, no_floor, NULL, "snp.tcb.floor", "", NEEDED },
	{ "software that a rule does not want", MILAN3, other_software, NULL, "policy.measurement",
	    "own.policy:2: measurement is " },
	{ "software that a rule would rather not have", MILAN3, software_not_preferred, NULL,
	    "policy.measurement", "want measurement in 0000", WARNED },
	{ "TEE of which the policy does not speak", MILAN3, other_tee, NULL, "policy.tee",
	    "no section for snp" },
	{ "VMPL 1", MILAN3, vmpl_1, NULL, "snp.policy.vmpl", "" },
	{ "report asked for by the host", MILAN3, vmpl_host, NULL, "snp.policy.vmpl", "" },
	{ "migration agent", MILAN3, migration_agent, NULL, "snp.policy.migration", "" },
	{ "masked chip id", MILAN3, masked_chip, NULL, "snp.policy.chip_id", "" },
	{ "debug guest", MILAN3, debug_guest, NULL, "policy.debug", "" },
	{ "yesterday's nonce, SNP", MILAN3, stale_nonce, NULL, "evidence.report_data", "" },
	{ "nonce that goes on", TURIN5, nonce_prefix, NULL, "evidence.report_data", "" },
	{ "chip that a rule names by Turin's 8 bytes", TURIN5, turin_chip_not_wanted, NULL,
	    "policy.platform_id", "own.policy:2: platform_id is " },
	{ "denied chip", MILAN3, chip_denied, NULL, "platform.listed", "" },
	{ "denied chip that masks its id", MILAN3, denied_chip_masked, NULL, "platform.listed",
	    "" },
	{ "VLEK where chips are listed", MILAN3_VLEK, cloud_key_and_chip_list, NULL,
	    "platform.listed", "" },
	{ "chip that is not on the list", GENOA4, chip_not_allowed, NULL, "platform.listed", "" },
	{ "another launch digest than expected", MILAN3, expect_other, NULL, "expect.measurement",
	    "" },
};
const size_t snp_forgery_count = sizeof snp_forgeries / sizeof snp_forgeries[0];
