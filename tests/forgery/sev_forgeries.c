/* SPDX-License-Identifier: Apache-2.0 */
/* Legacy SEV: certificates without dates or CRLs, and a report that names no VM. */
#include "forge.h"

#include <string.h>

static const struct sim_key *
rogue_rsa(struct forge *f)
{
	return sim_key(f->sim, SIM_RSA4096, "rogue");
}

static const struct sim_key *
rogue_ec(struct forge *f)
{
	return sim_key(f->sim, SIM_P384, "rogue");
}

static void
real_root(struct forge *f)
{
	struct sim_sev real;

	sim_sev_new(&real, f->sim, "Milan", false);
	f->out.root = sim_amd_cert_write(f->sim, &real.ark);
}

/* --- ARK and ASK ---------------------------------------------------------------------------- */

static void
own_ark(struct forge *f)
{
	/* The pinned key id over a key of the forger's: an id is only a label. */
	f->sev.ark.key = f->sev.ark.signer = f->sev.ask.signer = rogue_rsa(f);
	f->sev.root_in_collateral = true;
}

static void
no_root(struct forge *f)
{
	f->no_root = true;
}

static void
ark_by_stranger(struct forge *f)
{
	f->sev.ark.signer = rogue_rsa(f);
	f->sev.root_in_collateral = true;
}

static void
ask_is_ark(struct forge *f)
{
	f->sev.ask.usage = SIM_SEV_ARK;
}

static void
ask_other_parent(struct forge *f)
{
	memset(f->sev.ask.certifying_id, 0x77, 16);
	f->sev.root_in_collateral = true;
}

static void
ask_by_stranger(struct forge *f)
{
	f->sev.ask.signer = rogue_rsa(f);
}

static void
ask_by_itself(struct forge *f)
{
	f->sev.ask.signer = f->sev.ask.key;
}

static void
ask_of_genoa(struct forge *f)
{
	f->sev.ask.signer = sim_key(f->sim, SIM_RSA4096, "ark-Genoa");
}

static void
ask_version_2(struct forge *f)
{
	f->sev.ask.version = 2;
}

static void
ask_reserved(struct forge *f)
{
	f->sev.ask.reserved = 1;
}

static void
ask_exponent_size(struct forge *f)
{
	f->sev.ask.exponent_bits_lie = -2048;
}

static void
ask_exponent_3(struct forge *f)
{
	f->sev.ask.exponent = 3;
}

static void
ask_cut(struct forge *f)
{
	sim_output_item(&f->out, "ask.cert")->len = 576;
}

static void
naples_ask_cut(struct forge *f)
{
	/* Only the pinned Naples ARK may lack its signature. */
	sim_output_item(&f->out, "ask.cert")->len = 576;
}

/* --- CEK ------------------------------------------------------------------------------------ */

static void
cek_ecdh(struct forge *f)
{
	f->sev.cek.algo = SIM_SEV_ECDH_SHA256;
}

static void
cek_slot_of_ark(struct forge *f)
{
	f->sev.cek.slots[0].usage = SIM_SEV_ARK;
}

static void
cek_by_stranger(struct forge *f)
{
	f->sev.cek.slots[0].signer = rogue_rsa(f);
}

static void
cek_by_ark(struct forge *f)
{
	f->sev.cek.slots[0].signer = f->sev.ark.key;
}

static void
cek_sha256(struct forge *f)
{
	/* RSA 4096 goes with SHA-384. */
	f->sev.cek.slots[0].algo = SIM_SEV_RSA_SHA256;
	f->sev.cek.slots[0].hash = SIM_SHA256;
}

static void
cek_unsigned(struct forge *f)
{
	/* As the platform exports it, before the vendor's copy replaces it. */
	f->sev.cek.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
}

static void
cek_off_curve(struct forge *f)
{
	struct sim_bytes key = sim_copy(f->sim, f->sev.cek.key->raw, 96);

	key.ptr[95] ^= 1;
	f->sev.cek.key_bytes = key;
}

static void
cek_padding(struct forge *f)
{
	f->sev.cek.key_padding = 1;
}

static void
cek_version_2(struct forge *f)
{
	f->sev.cek.version = 2;
}

static void
cek_reserved(struct forge *f)
{
	f->sev.cek.reserved = 1;
}

static void
cek_curve_3(struct forge *f)
{
	f->sev.cek.curve = 3;
}

static void
cek_long(struct forge *f)
{
	*sim_output_item(&f->out, "cek.cert") =
	    sim_join(f->sim, *sim_output_item(&f->out, "cek.cert"), sim_text(f->sim, "x"));
}

/* --- OCA ------------------------------------------------------------------------------------ */

static void
oca_ecdh(struct forge *f)
{
	f->sev.oca.algo = SIM_SEV_ECDH_SHA256;
}

static void
oca_by_stranger(struct forge *f)
{
	f->sev.oca.slots[0].signer = rogue_ec(f);
}

static void
oca_by_cek(struct forge *f)
{
	f->sev.oca.slots[0].signer = f->sev.cek.key;
}

static void
oca_unsigned(struct forge *f)
{
	f->sev.oca.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
}

/* --- PEK ------------------------------------------------------------------------------------ */

static void
pek_ecdh(struct forge *f)
{
	f->sev.pek.algo = SIM_SEV_ECDH_SHA256;
}

static void
pek_p256(struct forge *f)
{
	f->sev.pek.key = f->sev.report.signer = f->sev.pdh.slots[0].signer =
	    sim_key(f->sim, SIM_P256, "a PEK of the wrong curve");
	f->sev.pek.curve = 1;
}

static void
pek_by_stranger(struct forge *f)
{
	f->sev.pek.slots[1].signer = rogue_ec(f);
}

static void
pek_not_by_cek(struct forge *f)
{
	f->sev.pek.slots[1] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
}

static void
pek_cek_slot_by_oca(struct forge *f)
{
	f->sev.pek.slots[1].signer = f->sev.oca.key;
}

static void
pek_twice_by_oca(struct forge *f)
{
	f->sev.pek.slots[1] = f->sev.pek.slots[0];
}

static void
pek_oca_by_stranger(struct forge *f)
{
	f->sev.pek.slots[0].signer = rogue_ec(f);
}

static void
pek_not_by_oca(struct forge *f)
{
	f->sev.pek.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
}

static void
pek_of_other_platform(struct forge *f)
{
	f->sev.cek.key = sim_key(f->sim, SIM_P384, "another CEK");
}

/* --- PDH ------------------------------------------------------------------------------------ */

/* What the platform exports is the evidence, in place of a report. */
static void
exported(struct forge *f)
{
	static const char *const names[] = { "pdh.cert", "pek.cert", "oca.cert", "cek.cert" };

	f->out.evidence.len = 0;
	for (size_t i = 0; i < 4; i++) {
		f->out.evidence =
		    sim_join(f->sim, f->out.evidence, *sim_output_item(&f->out, names[i]));
		forge_drop_item(f, names[i]);
	}
}

/* A PEK of the forger's own, beside a store that has all of a genuine platform. */
static void
genuine_in_store(struct forge *f)
{
	struct sim_sev_cert own = f->sev.pek;

	own.key = own.slots[0].signer = own.slots[1].signer = rogue_ec(f);
	f->out.evidence = sim_sev_cert_write(f->sim, &own);
}

/* The same with its PDH, and the forger's own CEK, which AMD never signed. */
static void
genuine_cek_in_store(struct forge *f)
{
	struct sim_sev_cert own = f->sev.cek;
	struct sim_bytes pdh = *sim_output_item(&f->out, "pdh.cert");

	own.key = rogue_ec(f);
	f->out.evidence = sim_join(f->sim, pdh, sim_sev_cert_write(f->sim, &own));
}

static void
pdh_ecdsa(struct forge *f)
{
	f->sev.pdh.algo = SIM_SEV_ECDSA_SHA256;
}

static void
pdh_by_stranger(struct forge *f)
{
	f->sev.pdh.slots[0].signer = rogue_ec(f);
}

static void
pdh_by_cek(struct forge *f)
{
	f->sev.pdh.slots[0].signer = f->sev.cek.key;
}

static void
pdh_unsigned(struct forge *f)
{
	f->sev.pdh.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
}

/* --- the report ----------------------------------------------------------------------------- */

static void
report_of_cek(struct forge *f)
{
	f->sev.report.usage = SIM_SEV_CEK;
}

static void
report_sha384_named(struct forge *f)
{
	/* The algorithm is not signed: it must be the PEK's. */
	f->sev.report.algo = SIM_SEV_ECDSA_SHA384;
}

static void
report_sha384(struct forge *f)
{
	f->sev.report.hash = SIM_SHA384;
}

static void
report_reserved(struct forge *f)
{
	f->sev.report.reserved = 1;
}

static void
report_padding(struct forge *f)
{
	f->sev.report.padding = 1;
}

static void
broker_evidence(struct forge *f, const char *tail)
{
	static const char *const names[] = { "cek.cert", "pek.cert", "oca.cert" };
	struct sim_bytes all = f->out.evidence;

	for (size_t i = 0; i < 3; i++) {
		all = sim_join(f->sim, all, *sim_output_item(&f->out, names[i]));
		forge_drop_item(f, names[i]);
	}
	f->out.evidence = sim_join(f->sim, all, sim_text(f->sim, tail));
}

static void
broker_two_bytes(struct forge *f)
{
	broker_evidence(f, "\x02\x02");
}

static void
broker_other_cek(struct forge *f)
{
	broker_evidence(f, "\x02");
}

static void
report_short(struct forge *f)
{
	f->out.evidence.len = 207;
}

static void
report_by_stranger(struct forge *f)
{
	f->sev.report.signer = rogue_ec(f);
}

static void
report_by_oca(struct forge *f)
{
	f->sev.report.signer = f->sev.oca.key;
}

static void
report_by_pdh(struct forge *f)
{
	f->sev.report.signer = f->sev.pdh.key;
}

static void
other_digest(struct forge *f)
{
	forge_overwrite(f->out.evidence, 0x10, "the digest of another SEV guest.", 32);
}

static void
other_policy(struct forge *f)
{
	forge_overwrite(f->out.evidence, 0x30, "\x0f", 1);
}

static void
other_nonce(struct forge *f)
{
	forge_overwrite(f->out.evidence, 0, "nonce of a thief", 16);
	f->report_data = sim_text(f->sim, "nonce of a thief");
}

static void
rs(struct forge *f, const void *r, const void *s)
{
	f->sev.report.signature =
	    sim_join(f->sim, sim_copy(f->sim, r, 48), sim_copy(f->sim, s, 48));
}

static const uint8_t zero[48], one[48] = { [47] = 1 };

static void
r_zero(struct forge *f)
{
	rs(f, zero, one);
}

static void
s_is_order(struct forge *f)
{
	rs(f, one, forge_order_p384);
}

static void
stale_nonce(struct forge *f)
{
	f->report_data = sim_text(f->sim, "the nonce of now");
}

static void
this_cek_denied(struct forge *f)
{
	struct sim_bytes cek = sim_sev_cert_write(f->sim, &f->sev.cek);
	struct sim_buf rule = { .sim = f->sim };
	uint8_t digest[64];

	sim_digest(digest, SIM_SHA256, (struct sim_bytes){ cek.ptr, 0x414 });
	sim_put_text(&rule, "deny cek ");
	sim_put_hex(&rule, digest, 32);
	sim_put(&rule, "", 1);
	f->platforms = (const char *)rule.ptr;
}

static void
cek_denied(struct forge *f)
{
	/* Any CEK but the one of somebody else. */
	f->platforms = "allow cek 00112233445566778899aabbccddeeff"
		       "00112233445566778899aabbccddeeff";
}

/* --- policy --------------------------------------------------------------------------------- */

static void
unbound(struct forge *f)
{
	f->policy = "default";
}

static void
guest_policy(struct forge *f, uint32_t policy)
{
	f->sev.report.policy = policy;
	f->policy = "default";
}

static void
without_es(struct forge *f)
{
	guest_policy(f, 0x0b);
}

static void
with_key_sharing(struct forge *f)
{
	guest_policy(f, 0x0d);
}

static void
can_be_sent(struct forge *f)
{
	guest_policy(f, 0x07);
}

static void
debug_allowed(struct forge *f)
{
	guest_policy(f, 0x0e);
}

#define FORM "evidence.format"
/* Nothing binds a report to a VM without the owner's launch record: `default` says so each time. */
#define UNBOUND "sev.policy.binding"
const struct forgery sev_forgeries[] = {
	{ "ARK of the forger's under the pinned id", SEV, own_ark, real_root, "sev.ark.pinned",
	    "" },
	{ "ARK that nobody named, SEV", SEV, no_root, NULL, "sev.ark.pinned", "", REFUSED,
	    "sev.ask.signature" },
	{ "ARK by a stranger", SEV, ark_by_stranger, real_root, "sev.ark.signature", "" },
	{ "ASK with the ARK's usage", SEV, ask_is_ark, NULL, "sev.cek.signature", "", REFUSED },
	{ "ASK of another parent", SEV, ask_other_parent, NULL, "sev.ask.profile", "" },
	{ "ASK by a stranger, SEV", SEV, ask_by_stranger, NULL, "sev.ask.signature", "", REFUSED,
	    "sev.ark.pinned" },
	{ "ASK by itself, SEV", SEV_ES, ask_by_itself, NULL, "sev.ask.signature", "", REFUSED,
	    "sev.ark.pinned" },
	{ "ASK by Genoa's ARK", SEV, ask_of_genoa, NULL, "sev.ask.signature", "", REFUSED,
	    "sev.ark.pinned" },
	{ "ASK version 2", SEV, ask_version_2, NULL, "sev.ask.profile", "", NOT_ADDED },
	{ "ASK with reserved bytes", SEV, ask_reserved, NULL, "sev.ask.profile", "", NOT_ADDED },
	{ "ASK with a shorter exponent", SEV, ask_exponent_size, NULL, "sev.ask.profile", "",
	    NOT_ADDED },
	{ "ASK with exponent 3", SEV, ask_exponent_3, NULL, "sev.ask.profile", "", NOT_ADDED },
	{ "ASK cut before its signature", SEV, NULL, ask_cut, "sev.ask.signature", "", NOT_ADDED },
	{ "Naples ASK without signature", SEV_NAPLES, NULL, naples_ask_cut, "sev.ask.signature", "",
	    NOT_ADDED },

	{ "CEK with an ECDH key", SEV, cek_ecdh, NULL, "sev.cek.profile", "", REFUSED,
	    "sev.pek.cek_signature" },
	{ "CEK signed for the ARK", SEV, cek_slot_of_ark, NULL, "sev.cek.signature", "" },
	{ "CEK by a stranger", SEV, cek_by_stranger, NULL, "sev.cek.signature", "" },
	{ "CEK by the ARK", SEV_ES, cek_by_ark, NULL, "sev.cek.signature", "" },
	{ "CEK over SHA-256", SEV, cek_sha256, NULL, "sev.cek.signature", "" },
	{ "CEK that AMD did not sign", SEV, cek_unsigned, NULL, "sev.cek.signature", "" },
	{ "CEK off the curve", SEV, cek_off_curve, NULL, "sev.pek.cek_signature", "", REFUSED },
	{ "CEK with bytes behind QX", SEV, cek_padding, NULL, "sev.cek.profile", "", NOT_ADDED },
	{ "CEK version 2", SEV, cek_version_2, NULL, "sev.cek.profile", "", NOT_ADDED },
	{ "CEK with reserved bytes", SEV, cek_reserved, NULL, "sev.cek.profile", "", NOT_ADDED },
	{ "CEK on curve 3", SEV, cek_curve_3, NULL, "sev.cek.profile", "", NOT_ADDED },
	{ "CEK one byte longer", SEV, NULL, cek_long, "sev.cek.profile", "", NOT_ADDED },

	{ "OCA with an ECDH key", SEV, oca_ecdh, NULL, "sev.oca.profile", "", REFUSED,
	    "sev.oca.signature sev.pek.oca_signature" },
	{ "OCA by a stranger", SEV, oca_by_stranger, NULL, "sev.oca.signature", "" },
	{ "OCA by the CEK", SEV_ES, oca_by_cek, NULL, "sev.oca.signature", "" },
	{ "OCA that nobody signed", SEV, oca_unsigned, NULL, "sev.oca.signature", "" },

	{ "PEK with an ECDH key", SEV, pek_ecdh, NULL, "sev.pek.profile", "", REFUSED,
	    "sev.report.signer sev.report.signature" },
	{ "PEK on P-256", SEV, pek_p256, NULL, "sev.pek.profile", "", REFUSED,
	    "sev.report.signature" },
	{ "PEK by a stranger", SEV, pek_by_stranger, NULL, "sev.pek.cek_signature", "" },
	{ "PEK not signed by the CEK", SEV_ES, pek_not_by_cek, NULL, "sev.pek.cek_signature", "" },
	{ "PEK with the OCA in the CEK's slot", SEV, pek_cek_slot_by_oca, NULL,
	    "sev.pek.cek_signature", "" },
	{ "PEK signed twice by the OCA", SEV, pek_twice_by_oca, NULL, "sev.pek.cek_signature", "" },
	{ "PEK of another platform", SEV, pek_of_other_platform, NULL, "sev.pek.cek_signature",
	    "" },
	{ "PEK's OCA signature by a stranger", SEV, pek_oca_by_stranger, NULL,
	    "sev.pek.oca_signature", "" },
	{ "PEK not signed by the OCA", SEV_ES, pek_not_by_oca, NULL, "sev.pek.oca_signature", "" },

	{ "PDH with an ECDSA key", SEV, pdh_ecdsa, exported, "sev.pdh.profile", "" },
	{ "PDH by a stranger", SEV, pdh_by_stranger, exported, "sev.pdh.signature", "" },
	{ "PDH by the CEK", SEV_ES, pdh_by_cek, exported, "sev.pdh.signature", "" },
	{ "PEK of nobody, genuine platform in the store", SEV, NULL, genuine_in_store,
	    "sev.pek.cek_signature", "", REFUSED, "sev.pek.oca_signature" },
	{ "CEK of nobody, genuine platform in the store", SEV, NULL, genuine_cek_in_store,
	    "sev.pek.cek_signature", "" },
	{ "PDH that nobody signed", SEV, pdh_unsigned, exported, "sev.pdh.signature", "" },

	{ "report that names the CEK", SEV, report_of_cek, NULL, FORM, "", NOT_PARSED },
	{ "broker's evidence with two more bytes", SEV, NULL, broker_two_bytes, FORM, "",
	    NOT_PARSED },
	{ "broker's evidence with another CEK", SEV_ES, pek_of_other_platform, broker_other_cek,
	    "sev.pek.cek_signature", "" },
	{ "report of 207 bytes", SEV, NULL, report_short, FORM, "", NOT_PARSED },
	{ "report with bytes behind R", SEV, report_padding, NULL, FORM, "", NOT_PARSED },
	{ "report that names SHA-384", SEV, report_sha384_named, NULL, "sev.report.signer", "" },
	{ "report with reserved bytes", SEV, report_reserved, NULL, "sev.report.signer", "" },
	{ "report over SHA-384", SEV, report_sha384, NULL, "sev.report.signature", "" },
	{ "report by a stranger, SEV", SEV, report_by_stranger, NULL, "sev.report.signature", "" },
	{ "report by the OCA", SEV_ES, report_by_oca, NULL, "sev.report.signature", "" },
	{ "report by the PDH", SEV, report_by_pdh, NULL, "sev.report.signature", "" },
	{ "another digest", SEV, NULL, other_digest, "sev.report.signature", "" },
	{ "SEV-ES claimed afterwards", SEV, NULL, other_policy, "sev.report.signature", "" },
	{ "fresh nonce over an old report", SEV, NULL, other_nonce, "sev.report.signature", "" },
	{ "r is 0, SEV", SEV, r_zero, NULL, "sev.report.signature", "" },
	{ "s is n, SEV", SEV, s_is_order, NULL, "sev.report.signature", "" },
	{ "yesterday's nonce, SEV", SEV, stale_nonce, NULL, "evidence.report_data", "" },
	{ "denied CEK", SEV_ES, this_cek_denied, NULL, "platform.listed", "" },
	{ "CEK that is not on the list", SEV, cek_denied, NULL, "platform.listed", "" },

	{ "report that no VM is bound to", SEV_ES, unbound, NULL, "sev.policy.binding", "" },
	{ "guest without encrypted state", SEV, without_es, NULL, "sev.policy.es", "", REFUSED,
	    UNBOUND },
	{ "guest with key sharing", SEV_ES, with_key_sharing, NULL, "sev.policy.noks", "", REFUSED,
	    UNBOUND },
	{ "guest that can be sent", SEV_ES, can_be_sent, NULL, "sev.policy.nosend", "", REFUSED,
	    UNBOUND },
	{ "guest that can be debugged", SEV_ES, debug_allowed, NULL, "policy.debug", "", REFUSED,
	    UNBOUND },
};
const size_t sev_forgery_count = sizeof sev_forgeries / sizeof sev_forgeries[0];
