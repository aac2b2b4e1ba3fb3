/* SPDX-License-Identifier: Apache-2.0 */
/* Legacy SEV with a guest's proof: a host that answers with another report, another guest's proof, or
 * an old one, and a launch record that is not the owner's. */
#include "forge.h"

#include <string.h>

#define ASSAY "application/vnd.assay."

/* --- the guest, and its evidence ------------------------------------------------------------ */

void
forge_launched(struct forge *f)
{
	sim_launch_new(&f->launch, &f->sev);
	sim_sev_proof_new(&f->proof, f->sim);
	f->report_data = sim_copy(f->sim, f->proof.asked, sizeof f->proof.asked);
}

/* The report answers what the proof signs, but for a forger who has set another nonce. */
void
forge_answer(struct forge *f)
{
	if (!f->own_mnonce)
		sim_sev_mnonce(f->sev.report.mnonce, f->sim, f->proof.asked, &f->proof);
}

static struct sim_bytes
evidence_type(struct forge *f)
{
	return sim_text(f->sim, (f->sev.report.policy & 4) != 0 ? ASSAY "sev-es" : ASSAY "sev");
}

static void
pack(struct forge *f, struct sim_bytes proof, size_t proofs)
{
	struct sim_bytes type = evidence_type(f);
	const struct forge_part parts[] = {
		{ "proof", ASSAY "sev-proof", proof, 4 },
		{ "proof", ASSAY "sev-proof", proof, 4 },
		{ "evidence", (char *)sim_join(f->sim, type, sim_view("", 1)).ptr, f->out.evidence,
		    4 },
		{ "provider", "text/plain", sim_text(f->sim, "sev-agent"), 4 },
	};

	f->out.evidence = forge_collection(f, parts + 2 - proofs, 2 + proofs);
}

/* As a broker hands it out, in a bundle of the agent's. */
void
forge_prove(struct forge *f)
{
	static const char *const names[] = { "cek.cert", "pek.cert", "oca.cert" };

	f->records[f->record_count++] = sim_launch_write(f->sim, &f->launch);
	f->proof_item = sim_sev_proof_write(f->sim, &f->proof, f->out.evidence);
	for (size_t i = 0; i < 3; i++) {
		f->out.evidence =
		    sim_join(f->sim, f->out.evidence, *sim_output_item(&f->out, names[i]));
		forge_drop_item(f, names[i]);
	}
	forge_drop_item(f, "pdh.cert");
	f->bare = f->out.evidence;
	pack(f, f->proof_item, 1);
}

static void
pack_again(struct forge *f, struct sim_bytes proof, size_t proofs)
{
	f->out.evidence = f->bare;
	pack(f, proof, proofs);
}

/* --- genuine -------------------------------------------------------------------------------- */

static void
strict(struct forge *f)
{
	f->policy = "default";
}

static void
weak(struct forge *f)
{
	f->policy = "policy \"weak\"\nfor sev\n  require instance binding == weak\n"
		    "  require instance sev.launch.name == guest\n"
		    "  require instance sev.launch.api == \"1.55\"\n"
		    "  require instance sev.launch.build == 21\n"
		    "  require instance sev.launch.signed == false\n";
}

/* The owner's key is known. */
static void
know_signer(struct forge *f)
{
	f->signers =
	    (char *)sim_join(f->sim, sim_launch_signer(f->sim, f->launch.signer), sim_view("", 1))
		.ptr;
}

static void
vouched(struct forge *f)
{
	know_signer(f);
	f->policy = "policy \"vouched\"\nfor sev-es\n  require instance binding == vm\n"
		    "  require instance sev.launch.signed == true as sev.launch.signer\n";
}

static void
by_p384(struct forge *f)
{
	f->proof.injected = f->launch.injected = sim_key(f->sim, SIM_P384, "injected key");
	f->policy = "default";
}

static void
by_rsa2048(struct forge *f)
{
	f->proof.injected = f->launch.injected = sim_key(f->sim, SIM_RSA2048, "ask-Naples");
	f->policy = "default";
}

static void
by_rsa4096(struct forge *f)
{
	f->proof.injected = f->launch.injected = sim_key(f->sim, SIM_RSA4096, "rogue");
	f->policy = "default";
}

static void
short_nonce(struct forge *f)
{
	memset(f->proof.asked + 8, 0, sizeof f->proof.asked - 8);
	f->report_data = sim_copy(f->sim, f->proof.asked, 8);
	f->policy = "default";
}

static struct sim_launch
other_launch(struct forge *f)
{
	struct sim_launch other = f->launch;

	other.name = "another";
	other.injected = sim_key(f->sim, SIM_P256, "another guest's injected key");
	return other;
}

static void
among_others(struct forge *f)
{
	struct sim_launch other = other_launch(f);

	f->records[f->record_count++] = sim_launch_write(f->sim, &other);
	other.stage = "checked";
	f->records[f->record_count++] = sim_launch_write(f->sim, &other);
	f->policy = "default";
}

/* A stranger's record that names the guest's key, which is public; whose name it has is in the policy.
 * Each is of another launch. */
static void
claim_key(struct forge *f, bool fits, const char *name)
{
	struct sim_launch forged = f->launch;

	forged.name = name;
	forged.mnonce[0] ^= (uint8_t)(1 + f->record_count);
	forged.signer = sim_key(f->sim, SIM_P256, "rogue");
	if (!fits)
		memset(forged.digest, 0x5a, sizeof forged.digest);
	f->records[f->record_count++] = sim_launch_write(f->sim, &forged);
	f->policy = "policy \"own\"\nfor sev-es\n  require instance binding == vm\n"
		    "  require instance sev.launch.name == guest\n";
}

static void
key_claimed_before(struct forge *f)
{
	claim_key(f, false, "forged");
}

static void
key_claimed_twice(struct forge *f)
{
	claim_key(f, true, "forged");
	claim_key(f, true, "forged-too");
}

static void
key_claimed_behind(struct forge *f)
{
	claim_key(f, false, "forged");
	claim_key(f, true, "forged");
}

/* Whoever reads records before he knows any signer has both kinds: assayd does. */
static void
key_claimed_before_vouched(struct forge *f)
{
	claim_key(f, true, "forged");
	f->before_signers = 1;
	vouched(f);
}

static void
record_twice(struct forge *f)
{
	f->records[f->record_count++] = sim_launch_write(f->sim, &f->launch);
	f->policy = "default";
}

static void
no_record(struct forge *f)
{
	f->record_count = 0;
	f->policy = "policy \"unbound\"\nfor sev-es\n  require instance binding == none\n";
}

static void
no_question(struct forge *f)
{
	f->report_data.len = 0;
	f->policy = "policy \"unbound\"\nfor sev-es\n  require instance binding == none\n";
}

/* What the platform exports: AMD's signature is elsewhere. */
static void
unsigned_cek_in_record(struct forge *f)
{
	f->launch.cek.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
	f->policy = "default";
}

const struct forgery launch_genuine[] = {
	{ "SEV-ES guest with its launch record, default", SEV_ES_BOUND, strict },
	{ "plain SEV guest with its launch record", SEV_BOUND, weak },
	{ "launch record of a signer who is known", SEV_ES_BOUND, vouched },
	{ "injected key on P-384", SEV_ES_BOUND, by_p384 },
	{ "injected key of RSA 2048", SEV_ES_BOUND, by_rsa2048 },
	{ "injected key of RSA 4096", SEV_ES_BOUND, by_rsa4096 },
	{ "nonce of 8 bytes, SEV-ES", SEV_ES_BOUND, short_nonce },
	{ "launch record among those of others", SEV_ES_BOUND, among_others },
	{ "launch record twice", SEV_ES_BOUND, record_twice },
	{ "proof without a launch record", SEV_ES_BOUND, NULL, no_record },
	{ "proof without a question", SEV_ES_BOUND, NULL, no_question },
	{ "a stranger's record of the same key, of another guest", SEV_ES_BOUND,
	    key_claimed_before },
	{ "a stranger's two records of the same key", SEV_ES_BOUND, key_claimed_twice },
	{ "a stranger's copy behind the owner's record", SEV_ES_BOUND, NULL, key_claimed_behind },
	{ "a stranger's copy before the record of a signer who is known", SEV_ES_BOUND,
	    key_claimed_before_vouched },
	{ "launch record with the CEK that was exported", SEV_ES_BOUND, unsigned_cek_in_record },
};
const size_t launch_genuine_count = sizeof launch_genuine / sizeof launch_genuine[0];

/* --- another report ------------------------------------------------------------------------- */

static void
other_guest(struct forge *f)
{
	memcpy(f->sev.report.launch_digest, "the digest of another SEV guest.", 32);
}

static void
debug_guest(struct forge *f)
{
	f->sev.report.policy &= ~UINT32_C(1);
}

static void
report_without_es(struct forge *f)
{
	f->sev.report.policy &= ~UINT32_C(4);
}

static void
report_with_es(struct forge *f)
{
	f->sev.report.policy |= 4;
}

static void
yesterday(uint8_t asked[64])
{
	memcpy(asked, "the nonce of yesterday", 22);
}

static void
all_of_yesterday(struct forge *f)
{
	yesterday(f->proof.asked);
}

/* Today's proof over yesterday's report, which the guest's own library would not have signed. */
static void
report_of_yesterday(struct forge *f)
{
	uint8_t asked[64] = { 0 };

	yesterday(asked);
	sim_sev_mnonce(f->sev.report.mnonce, f->sim, asked, &f->proof);
	f->own_mnonce = true;
}

static void
mnonce_of_host(struct forge *f)
{
	sim_derive(f->sim, f->sev.report.mnonce, 16, "what the host drew");
	f->own_mnonce = true;
}

/* The first bytes of what was asked for, as without a proof. */
static void
mnonce_is_nonce(struct forge *f)
{
	memcpy(f->sev.report.mnonce, f->proof.asked, 16);
	f->own_mnonce = true;
}

/* Of another working key: the answer to a request of another guest's. */
static void
mnonce_of_other_guest(struct forge *f)
{
	struct sim_sev_proof other = f->proof;

	other.working = sim_key(f->sim, SIM_P256, "another guest's working key");
	sim_sev_mnonce(f->sev.report.mnonce, f->sim, f->proof.asked, &other);
	f->own_mnonce = true;
}

/* --- another proof -------------------------------------------------------------------------- */

static void
proof_of_yesterday(struct forge *f)
{
	struct sim_sev_proof old = f->proof;

	yesterday(old.asked);
	pack_again(f, sim_sev_proof_write(f->sim, &old, f->bare), 1);
}

static void
proof_of_other_report(struct forge *f)
{
	struct sim_sev_report other = f->sev.report;

	memcpy(other.launch_digest, "the digest of another SEV guest.", 32);
	f->proof.report = sim_sev_report_write(f->sim, &other);
}

static void
signed_by_other(struct forge *f)
{
	f->proof.signer = sim_key(f->sim, SIM_P256, "another guest's working key");
}

/* B with A's evidence and a key of its own, which A's injected key never saw. */
static void
own_working_key(struct forge *f)
{
	f->proof.working = sim_key(f->sim, SIM_P256, "another guest's working key");
	f->proof.certifier = sim_key(f->sim, SIM_P256, "another guest's injected key");
}

static void
certified_by_itself(struct forge *f)
{
	f->proof.certifier = f->proof.working;
}

static void
certified_by_other_kind(struct forge *f)
{
	f->proof.certifier = sim_key(f->sim, SIM_P384, "another guest's injected key");
}

/* y is another's: the proof's format holds, and the point is none. */
static void
off_curve(struct forge *f)
{
	struct sim_bytes key = sim_spki(f->sim, f->proof.working);

	key.ptr[key.len - 1] ^= 1;
	f->proof.working_spki = key;
}

static void
other_guest_whole(struct forge *f)
{
	f->proof.injected = sim_key(f->sim, SIM_P256, "another guest's injected key");
	f->proof.working = sim_key(f->sim, SIM_P256, "another guest's working key");
}

/* --- the record ----------------------------------------------------------------------------- */

static void
injected_twice(struct forge *f)
{
	struct sim_launch twin = f->launch;

	twin.name = "twin";
	memset(twin.mnonce, 7, sizeof twin.mnonce);
	f->records[f->record_count++] = sim_launch_write(f->sim, &twin);
}

static void
injected_twice_beside_stranger(struct forge *f)
{
	claim_key(f, false, "forged");
	f->policy = NULL;
	injected_twice(f);
}

static void
only_claimed(struct forge *f)
{
	f->record_count = 0;
	claim_key(f, false, "forged");
	f->policy = NULL;
}

/* The stranger's fits, and the owner's is of another guest. */
static void
vouched_of_other_guest(struct forge *f)
{
	key_claimed_before_vouched(f);
	f->policy = NULL;
	memcpy(f->launch.digest, "the digest of another SEV guest.", 32);
}

static void
not_complete(struct forge *f)
{
	f->launch.stage = "checked";
}

static void
other_pek(struct forge *f)
{
	f->launch.pek.key = sim_key(f->sim, SIM_P384, "PEK of another platform");
}

static void
other_cek(struct forge *f)
{
	f->launch.cek.key = sim_key(f->sim, SIM_P384, "another CEK");
}

/* The platform has another owner now, and its PEK is signed by that one. */
static void
oca_swapped(struct forge *f)
{
	f->sev.oca.key = f->sev.oca.slots[0].signer = sim_key(f->sim, SIM_P384, "another OCA");
}

static void
edited(struct forge *f)
{
	f->launch.after = (struct sim_edit){ "\"policy\":15", "\"policy\":14" };
}

static void
key_edited(struct forge *f)
{
	/* The head of every P-256 key, and one bit of x. */
	f->launch.after = (struct sim_edit){ "\"name\":\"guest\"", "\"name\":\"guess\"" };
}

static void
of_stranger(struct forge *f)
{
	know_signer(f);
	f->launch.signer = sim_key(f->sim, SIM_P256, "rogue");
}

static void
of_nobody(struct forge *f)
{
	f->launch.signer = sim_key(f->sim, SIM_P256, "rogue");
	f->policy = "policy \"vouched\"\nfor sev-es\n"
		    "  require instance sev.launch.signed == true as sev.launch.signer\n";
}

/* --- policy --------------------------------------------------------------------------------- */

static void
launched_with(struct forge *f, uint32_t policy)
{
	f->launch.policy = f->sev.report.policy = policy;
	f->policy = "default";
}

static void
plain_sev(struct forge *f)
{
	launched_with(f, 0x0b);
}

static void
clone(struct forge *f)
{
	launched_with(f, 0x07);
}

static void
no_record_default(struct forge *f)
{
	f->record_count = 0;
	f->policy = "default";
}

/* --- the item ------------------------------------------------------------------------------- */

static void
stripped(struct forge *f)
{
	pack_again(f, f->proof_item, 0);
}

/* As a host would whose guest answers nothing: MNONCE alone, of 16 bytes that a verifier asked for. */
static void
stripped_short(struct forge *f)
{
	stripped(f);
	f->report_data = sim_copy(f->sim, f->sev.report.mnonce, 16);
	f->policy = "default";
}

static void
doubled(struct forge *f)
{
	pack_again(f, f->proof_item, 2);
}

static void
truncated(struct forge *f)
{
	pack_again(f, (struct sim_bytes){ f->proof_item.ptr, f->proof_item.len - 1 }, 1);
}

/* The proof stands beside the platform's certificates alone. */
static void
without_report(struct forge *f)
{
	const struct forge_part all[] = {
		{ "proof", ASSAY "sev-proof", f->proof_item, 4 },
		{ "evidence", ASSAY "sev", { f->bare.ptr + 208, f->bare.len - 208 }, 4 },
	};

	f->out.evidence = forge_collection(f, all, 2);
	f->report_data.len = 0;
}

static void
proof_beside_tdx(struct forge *f)
{
	const struct forge_part parts[] = {
		{ "proof", ASSAY "sev-proof", sim_text(f->sim, "any"), 4 },
		{ "evidence", ASSAY "tdx", f->out.evidence, 4 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

static void
no_evidence_it_says(struct forge *f)
{
	struct sim_bytes type = evidence_type(f);
	const struct forge_part parts[] = {
		{ "proof", ASSAY "sev-proof", f->proof_item, 2 },
		{ "evidence", (char *)sim_join(f->sim, type, sim_view("", 1)).ptr, f->bare, 4 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

#define FORM   "evidence.format"
#define NONCE  "evidence.report_data"
#define SIGNED "sev.proof.signature"
#define KNOWN  "sev.proof.known"
#define BOUND  "sev.policy.binding"
const struct forgery launch_forgeries[] = {
	{ "report of another guest", SEV_ES_BOUND, other_guest, NULL, "sev.launch.digest",
	    "the report is of another guest" },
	{ "report of a guest that can be debugged", SEV_ES_BOUND, debug_guest, NULL,
	    "sev.launch.policy", "is 0xe, and was 0xf" },
	{ "SEV-ES guest, report of a plain one", SEV_ES_BOUND, report_without_es, NULL,
	    "sev.launch.policy", "is 0xb, and was 0xf" },
	{ "plain guest, report of a SEV-ES one", SEV_BOUND, report_with_es, NULL,
	    "sev.launch.policy", "is 0xf, and was 0xb" },
	{ "yesterday's report and proof", SEV_ES_BOUND, all_of_yesterday, NULL, NONCE,
	    "the hash of", REFUSED, SIGNED },
	{ "yesterday's report under today's proof", SEV_ES_BOUND, report_of_yesterday, NULL, NONCE,
	    "the hash of" },
	{ "MNONCE that the host drew", SEV_ES_BOUND, mnonce_of_host, NULL, NONCE, "the hash of" },
	{ "MNONCE that is the nonce", SEV_ES_BOUND, mnonce_is_nonce, NULL, NONCE, "the hash of" },
	{ "MNONCE of another guest's request", SEV_ES_BOUND, mnonce_of_other_guest, NULL, NONCE,
	    "the hash of" },
	{ "today's report under yesterday's proof", SEV_ES_BOUND, NULL, proof_of_yesterday, SIGNED,
	    "not over this report" },
	{ "proof over another report", SEV_ES_BOUND, proof_of_other_report, NULL, SIGNED,
	    "not over this report" },
	{ "proof by another guest's working key", SEV_ES_BOUND, signed_by_other, NULL, SIGNED,
	    "not by the working key" },
	{ "working key off the curve", SEV_ES_BOUND, off_curve, NULL, SIGNED, "not over" },
	{ "another guest with a key of its own", SEV_ES_BOUND, own_working_key, NULL,
	    "sev.proof.certified", "is not certified by the key" },
	{ "working key certified by itself", SEV_ES_BOUND, certified_by_itself, NULL,
	    "sev.proof.certified", "is not certified by the key" },
	{ "working key certified by a key on P-384", SEV_ES_BOUND, certified_by_other_kind, NULL,
	    "sev.proof.certified", "is not certified by the key" },
	{ "another guest, all of it", SEV_ES_BOUND, other_guest_whole, NULL, KNOWN,
	    "it is of another guest, or of one whose record is not here yet" },
	{ "key that was injected twice", SEV_ES_BOUND, injected_twice, NULL, KNOWN,
	    "twin and guest have the same key" },
	{ "key that was injected twice, and a stranger's record", SEV_ES_BOUND,
	    injected_twice_beside_stranger, NULL, KNOWN, "twin and guest have the same key" },
	{ "a record that is vouched for, of another guest, behind a stranger's that fits",
	    SEV_ES_BOUND, vouched_of_other_guest, NULL, "sev.launch.digest",
	    "the report is of another guest" },
	{ "a stranger's record of the guest's key alone", SEV_ES_BOUND, NULL, only_claimed,
	    "sev.launch.digest", "the report is of another guest" },
	{ "launch without its key", SEV_ES_BOUND, not_complete, NULL, KNOWN,
	    "no launch record that was given has" },

	{ "PEK of another platform than at launch", SEV_ES_BOUND, other_pek, NULL,
	    "sev.launch.platform", "the PEK is not that of the launch record" },
	{ "CEK of another platform than at launch", SEV_ES_BOUND, other_cek, NULL,
	    "sev.launch.platform", "the CEK is not that of the launch record" },
	{ "OCA of another owner", SEV_ES_BOUND, oca_swapped, NULL, "sev.pek.oca_signature", "" },
	{ "launch record with an edited policy", SEV_ES_BOUND, edited, NULL, "sev.launch.signer",
	    "altered after it was signed", NOT_ADDED },
	{ "launch record with an edited name", SEV_ES_BOUND, key_edited, NULL, "sev.launch.signer",
	    "altered after it was signed", NOT_ADDED },
	{ "launch record of a stranger", SEV_ES_BOUND, of_stranger, NULL, "sev.launch.signer",
	    "none of the 1 whose records are taken", NOT_ADDED },
	{ "launch record that nobody vouches for", SEV_ES_BOUND, of_nobody, NULL,
	    "sev.launch.signer", "" },

	{ "plain SEV under default", SEV_BOUND, plain_sev, NULL, BOUND, "binding is weak, want vm",
	    REFUSED, "sev.policy.es" },
	{ "clone of a guest that can be sent", SEV_ES_BOUND, clone, NULL, "sev.policy.nosend", "" },
	{ "no launch record under default", SEV_ES_BOUND, NULL, no_record_default, BOUND,
	    "binding is none, want vm" },

	{ "proof stripped", SEV_ES_BOUND, NULL, stripped, NONCE, "without the guest's proof" },
	{ "proof stripped, and the nonce is MNONCE", SEV_ES_BOUND, NULL, stripped_short, BOUND,
	    "binding is none, want vm" },
	{ "proof without a report", SEV_ES_BOUND, NULL, without_report, SIGNED,
	    "no report that it could be over" },
	{ "proof doubled", SEV_ES_BOUND, NULL, doubled, FORM, "proof", NOT_PARSED },
	{ "proof cut short", SEV_ES_BOUND, NULL, truncated, FORM, "goes on behind the end",
	    NOT_PARSED },
	{ "proof beside TDX evidence", TDX4, NULL, proof_beside_tdx, FORM,
	    "holds the proof of an SEV guest beside tdx", NOT_PARSED },
	{ "proof that is called an endorsement", SEV_ES_BOUND, NULL, no_evidence_it_says, FORM,
	    "has the indicator 2", NOT_PARSED },
};
const size_t launch_forgery_count = sizeof launch_forgeries / sizeof launch_forgeries[0];
