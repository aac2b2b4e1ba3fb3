/* SPDX-License-Identifier: Apache-2.0 */
/* What Intel says of TCBs, and who signs it: bent, of others, out of date; and machines that it finds
 * wanting. */
#include "forge.h"

#include <string.h>

/* --- the TCB signing certificate ------------------------------------------------------------ */

static void
signing_other_name(struct forge *f)
{
	f->dcap.tcb_signing.subject =
	    sim_name(f->sim, SIM_NAME_INTEL, "Intel SGX TCB Signing by Mallory");
}

static void
signing_is_ca(struct forge *f)
{
	sim_set_basic(f->sim, &f->dcap.tcb_signing, true, -1);
	sim_set_usage(f->sim, &f->dcap.tcb_signing, 0x60);
}

static void
signing_cannot_sign(struct forge *f)
{
	sim_set_usage(f->sim, &f->dcap.tcb_signing, 0x04); /* keyEncipherment alone */
}

static void
signing_by_stranger(struct forge *f)
{
	f->dcap.tcb_signing.signer = sim_key(f->sim, SIM_P256, "rogue");
}

static void
signing_by_itself(struct forge *f)
{
	f->dcap.tcb_signing.signer = f->dcap.tcb_signing.key;
}

static void
signing_by_ca(struct forge *f)
{
	f->dcap.tcb_signing.signer = f->dcap.pck_ca.key;
}

static void
signing_expired(struct forge *f)
{
	f->dcap.tcb_signing.not_after = FORGE_NOW - 1;
}

static void
signing_not_yet(struct forge *f)
{
	f->dcap.tcb_signing.not_before = FORGE_NOW + 1;
}

static void
signing_revoked(struct forge *f)
{
	struct sim_crl *crl = &f->dcap.root_crl;

	crl->revoked[crl->revoked_count++] = f->dcap.tcb_signing.serial;
}

static void
signing_other_akid(struct forge *f)
{
	sim_set_akid(f->sim, &f->dcap.tcb_signing, sim_key(f->sim, SIM_P256, "rogue"));
}

static void
signing_other_issuer(struct forge *f)
{
	f->dcap.tcb_signing.issuer = sim_name(f->sim, SIM_NAME_INTEL, "Intel SGX Other Root CA");
}

/* Beside the one that ended or was revoked stands an edition of the forger's with the same key. */
static void
signing_reissued(struct forge *f)
{
	struct sim_cert other = f->dcap.tcb_signing;

	other.not_after = FORGE_NOW + SIM_DAY;
	other.serial = sim_text(f->sim, "another serial");
	other.signer = sim_key(f->sim, SIM_P256, "rogue");
	sim_output_add(&f->out, "other.der", sim_cert_write(f->sim, &other));
}

static void
signing_hidden(struct forge *f)
{
	forge_drop_item(f, "tcb_signing_chain.pem");
}

/* --- TCB info ------------------------------------------------------------------------------- */

static void
info_by_stranger(struct forge *f)
{
	f->dcap.tcb_info.doc.signer = sim_key(f->sim, SIM_P256, "rogue");
}

static void
info_by_pck(struct forge *f)
{
	f->dcap.tcb_info.doc.signer = f->dcap.pck.key;
}

static void
info_by_root(struct forge *f)
{
	f->dcap.tcb_info.doc.signer = f->dcap.root.key;
}

static void
info_polished(struct forge *f)
{
	f->dcap.tcb_info.doc.after[0] = (struct sim_edit){ "OutOfDate", "UpToDate" };
}

static void
info_reserialised(struct forge *f)
{
	/* The same values with white space: other bytes than those that were signed. */
	f->dcap.tcb_info.doc.after[0] = (struct sim_edit){ "\"fmspc\":", "\"fmspc\": " };
}

static void
info_reordered(struct forge *f)
{
	f->dcap.tcb_info.doc.after[0] =
	    (struct sim_edit){ "\"tcbType\":0,\"tcbEvaluationDataNumber\":21,",
		    "\"tcbEvaluationDataNumber\":21,\"tcbType\":0," };
}

static void
info_other_case(struct forge *f)
{
	f->dcap.tcb_info.doc.after[0] = (struct sim_edit){ "5ac06f", "5AC06F" };
}

static void
info_polished_in_qvl(struct forge *f)
{
	forge_into_qvl(f, "OutOfDate", "UpToDate");
}

static void
info_signature_zero(struct forge *f)
{
	f->dcap.tcb_info.doc.signature = sim_copy(f->sim, sim_alloc(f->sim, 64), 64);
}

static void
info_signature_of_identity(struct forge *f)
{
	f->dcap.tcb_info.doc.signature =
	    sim_sign(f->sim, f->dcap.tcb_signing.key, SIM_SHA256, sim_text(f->sim, "{}"));
}

static void
info_signature_r_is_order(struct forge *f)
{
	struct sim_bytes s = sim_copy(f->sim, sim_alloc(f->sim, 32), 32);

	s.ptr[31] = 1;
	f->dcap.tcb_info.doc.signature =
	    sim_join(f->sim, sim_copy(f->sim, forge_order_p256, 32), s);
}

static void
info_expired(struct forge *f)
{
	f->dcap.tcb_info.doc.next_update = FORGE_NOW - 1;
}

static void
info_not_yet(struct forge *f)
{
	f->dcap.tcb_info.doc.issue_date = FORGE_NOW + 1;
}

static void
info_old_evaluation(struct forge *f)
{
	/* aleph-vm PR#1195: genuine, in its dates, and superseded. */
	f->dcap.tcb_info.doc.evaluation = 20;
	f->min_evaluation = 21;
}

static void
info_other_fmspc(struct forge *f)
{
	memcpy(f->dcap.tcb_info.fmspc, "\x00\x90\x6e\xa1\x00\x00", 6);
}

static void
info_other_pce(struct forge *f)
{
	f->dcap.tcb_info.pce_id[0] = 1;
}

static void
info_of_sgx(struct forge *f)
{
	f->dcap.tcb_info.id = "SGX";
	f->dcap.tcb_info.module_count = 0;
}

static void
info_of_tdx(struct forge *f)
{
	f->dcap.tcb_info.id = "TDX";
}

static void
info_v2_for_tdx(struct forge *f)
{
	f->dcap.tcb_info.version = 2;
	f->dcap.tcb_info.module_count = 0;
}

/* A document of this version names no advisories, whichever there are. */
static void
info_v2_and_advisories(struct forge *f)
{
	f->dcap.tcb_info.version = 2;
	f->policy = "policy \"advised\"\nfor sgx\n"
		    "  require hardware tcb.advisories none in INTEL-SA-00615\n";
}

static void
unmatched_and_advisories(struct forge *f)
{
	f->dcap.extension.pce_svn = 0;
	f->policy = "policy \"advised\"\nfor sgx\n"
		    "  require hardware tcb.advisories none in INTEL-SA-00615\n";
}

static void
info_hidden(struct forge *f)
{
	forge_drop_item(f, "tcb_info.json");
}

/* Beside the genuine one that says OutOfDate. */
static void
info_newer_forged(struct forge *f)
{
	struct sim_tcb_info other = f->dcap.tcb_info;

	other.doc.evaluation++;
	other.levels[0] = other.levels[1];
	other.levels[0].is.status = "UpToDate";
	other.level_count = 1;
	other.doc.signer = sim_key(f->sim, SIM_P256, "rogue");
	sim_output_add(&f->out, "other.json", sim_tcb_info_write(f->sim, &other));
}

static void
info_older_genuine(struct forge *f)
{
	struct sim_tcb_info other = f->dcap.tcb_info;

	other.doc.evaluation--;
	other.levels[0] = other.levels[1];
	other.levels[0].is.status = "UpToDate";
	other.level_count = 1;
	sim_output_add(&f->out, "other.json", sim_tcb_info_write(f->sim, &other));
}

static void
info_escaped_twice(struct forge *f)
{
	/* One parser reads "tcbInfo" here, another does not. */
	f->dcap.tcb_info.doc.after[0] =
	    (struct sim_edit){ "{\"tcbInfo\":", "{\"tcb\\u0049nfo\":{},\"tcbInfo\":" };
}

static void
info_member_twice(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] =
	    (struct sim_edit){ "\"tcbType\":0,", "\"tcbType\":0,\"fmspc\":\"5ac06f000000\"," };
}

static void
info_nested_member_twice(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "\"tcbStatus\":\"OutOfDate\"",
		"\"tcbStatus\":\"OutOfDate\",\"tcbStatus\":\"UpToDate\"" };
}

static void
info_object_twice(struct forge *f)
{
	f->dcap.tcb_info.doc.after[0] =
	    (struct sim_edit){ "{\"tcbInfo\":", "{\"tcbInfo\":{},\"tcbInfo\":" };
}

static void
info_15_components(struct forge *f)
{
	/* GHSA-6q6c-vvf9-fj3w: components compared up to the end of the shorter array. */
	f->dcap.tcb_info.doc.before[0] =
	    (struct sim_edit){ "{\"svn\":0},{\"svn\":0}]", "{\"svn\":0}]" };
}

static void
info_number_as_text(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "\"pcesvn\":13", "\"pcesvn\":\"13\"" };
}

static void
info_number_with_fraction(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "\"pcesvn\":13", "\"pcesvn\":12.5" };
}

static void
info_svn_256(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "{\"svn\":255", "{\"svn\":511" };
}

static void
info_unknown_status(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "OutOfDate", "Fine" };
}

static void
info_level_twice(struct forge *f)
{
	struct sim_tcb_info *t = &f->dcap.tcb_info;

	t->levels[1] = t->levels[0];
	t->levels[1].is.status = "OutOfDate";
}

static void
info_type_1(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "\"tcbType\":0", "\"tcbType\":1" };
}

static void
info_17_components(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] =
	    (struct sim_edit){ "{\"svn\":0}]", "{\"svn\":0},{\"svn\":0}]" };
}

static void
info_without_tdx_components(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "tdxtcbcomponents", "tdxtcbcomponent" };
}

static void
info_without_end(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "\"nextUpdate\"", "\"nextUpdated\"" };
}

static void
info_without_levels(struct forge *f)
{
	f->dcap.tcb_info.level_count = 0;
}

static void
info_local_time(struct forge *f)
{
	f->dcap.tcb_info.doc.before[0] = (struct sim_edit){ "Z\",\"fmspc\"", "\",\"fmspc\"" };
}

static void
info_something_behind(struct forge *f)
{
	struct sim_bytes *info = sim_output_item(&f->out, "tcb_info.json");

	*info = sim_join(f->sim, *info, sim_text(f->sim, "{\"tcbInfo\":{}}"));
}

static void
info_version_4(struct forge *f)
{
	f->dcap.tcb_info.version = 4;
}

static void
info_short_signature(struct forge *f)
{
	f->dcap.tcb_info.doc.signature = sim_copy(f->sim, sim_alloc(f->sim, 63), 63);
}

/* --- QE identity ---------------------------------------------------------------------------- */

static void
identity_by_stranger(struct forge *f)
{
	f->dcap.qe_identity.doc.signer = sim_key(f->sim, SIM_P256, "rogue");
}

static void
identity_by_ca(struct forge *f)
{
	f->dcap.qe_identity.doc.signer = f->dcap.pck_ca.key;
}

static void
identity_bent(struct forge *f)
{
	f->dcap.qe_identity.doc.after[0] = (struct sim_edit){ "\"isvsvn\":8", "\"isvsvn\":1" };
}

static void
identity_reserialised(struct forge *f)
{
	f->dcap.qe_identity.doc.after[0] = (struct sim_edit){ ",\"version\"", ", \"version\"" };
}

static void
identity_expired(struct forge *f)
{
	f->dcap.qe_identity.doc.next_update = FORGE_NOW - 1;
}

static void
identity_not_yet(struct forge *f)
{
	f->dcap.qe_identity.doc.issue_date = FORGE_NOW + 1;
}

static void
identity_old_evaluation(struct forge *f)
{
	f->dcap.qe_identity.doc.evaluation = 20;
	f->min_evaluation = 21;
}

static void
identity_of_td_qe(struct forge *f)
{
	f->dcap.qe_identity.id = "TD_QE";
}

static void
identity_of_qe(struct forge *f)
{
	f->dcap.qe_identity.id = "QE";
}

static void
identity_of_qve(struct forge *f)
{
	f->dcap.qe_identity.id = "QVE";
}

static void
identity_hidden(struct forge *f)
{
	forge_drop_item(f, "qe_identity.json");
}

static void
identity_member_twice(struct forge *f)
{
	f->dcap.qe_identity.doc.before[0] =
	    (struct sim_edit){ "\"isvprodid\":1", "\"isvprodid\":1,\"isvprodid\":1" };
}

static void
identity_version_1(struct forge *f)
{
	f->dcap.qe_identity.version = 1;
}

static void
identity_level_twice(struct forge *f)
{
	f->dcap.qe_identity.levels[1].isv_svn = 8;
}

/* --- TCB status ----------------------------------------------------------------------------- */

static void
status(struct forge *f, const char *text)
{
	sim_dcap_set_status(&f->dcap, text);
	f->policy = "default";
}

static void
out_of_date(struct forge *f)
{
	status(f, "OutOfDate");
}

static void
configuration_needed(struct forge *f)
{
	status(f, "ConfigurationNeeded");
}

static void
hardening_needed(struct forge *f)
{
	status(f, "SWHardeningNeeded");
}

static void
both_needed(struct forge *f)
{
	status(f, "ConfigurationAndSWHardeningNeeded");
}

static void
out_of_date_configuration(struct forge *f)
{
	status(f, "OutOfDateConfigurationNeeded");
}

static void
revoked_tcb(struct forge *f)
{
	status(f, "Revoked");
}

static void
qe_revoked(struct forge *f)
{
	f->dcap.qe_identity.levels[0].is.status = "Revoked";
	f->policy = "default";
}

static void
pce_too_old(struct forge *f)
{
	f->dcap.extension.pce_svn = 12;
	f->policy = "default";
}

static void
no_level(struct forge *f)
{
	memset(f->dcap.extension.components, 0, 16);
	f->policy = "default";
}

static void
one_component_short(struct forge *f)
{
	f->dcap.extension.components[15] = 0;
	for (size_t i = 0; i < f->dcap.tcb_info.level_count; i++)
		f->dcap.tcb_info.levels[i].sgx[15] = 1;
	f->policy = "default";
}

static void
cpu_svn_is_no_tcb(struct forge *f)
{
	/* The body's CPUSVN is opaque: the components of the PCK decide. */
	memset(f->dcap.enclave.cpu_svn, 0xff, 16);
	f->dcap.extension.components[0] = 7;
	f->policy = "default";
}

const struct forgery tcb_forgeries[] = {
	{ "TCB signing certificate of another name", SGX3, signing_other_name, NULL,
	    "dcap.tcb_info.signature", "", NEEDED },
	{ "TCB signing certificate that is a CA", SGX3, signing_is_ca, NULL,
	    "dcap.tcb_signing.profile", "" },
	{ "TCB signing certificate that cannot sign", TDX4, signing_cannot_sign, NULL,
	    "dcap.tcb_signing.profile", "" },
	{ "TCB signing certificate with another AKI", SGX3, signing_other_akid, NULL,
	    "dcap.tcb_signing.profile", "" },
	{ "TCB signing certificate under another root", SGX3, signing_other_issuer, NULL,
	    "dcap.tcb_signing.profile", "" },
	{ "TCB signing certificate expired and reissued", SGX3, signing_expired, signing_reissued,
	    "dcap.tcb_signing.signature", "" },
	{ "TCB signing certificate revoked and reissued", SGX3, signing_revoked, signing_reissued,
	    "dcap.tcb_signing.revoked", "" },
	{ "TCB signing certificate by a stranger", SGX3, signing_by_stranger, NULL,
	    "dcap.tcb_signing.signature", "" },
	{ "TCB signing certificate by itself", TDX4, signing_by_itself, NULL,
	    "dcap.tcb_signing.signature", "" },
	{ "TCB signing certificate by the PCK CA", SGX3, signing_by_ca, NULL,
	    "dcap.tcb_signing.signature", "" },
	{ "TCB signing certificate expired a second ago", SGX3, signing_expired, NULL,
	    "dcap.tcb_signing.dates", "" },
	{ "TCB signing certificate valid in a second", TDX4, signing_not_yet, NULL,
	    "dcap.tcb_signing.dates", "" },
	{ "TCB signing certificate revoked", SGX3, signing_revoked, NULL,
	    "dcap.tcb_signing.revoked", "" },
	{ "TCB signing certificate hidden", SGX3, NULL, signing_hidden,
	    "dcap.qe_identity.signature", "", NEEDED },

	{ "TCB info by a stranger", SGX3, info_by_stranger, NULL, "dcap.tcb_info.signature", "" },
	{ "TCB info by the PCK", TDX4, info_by_pck, NULL, "dcap.tcb_info.signature", "" },
	{ "TCB info by the root", SGX3, info_by_root, NULL, "dcap.tcb_info.signature", "" },
	{ "TCB info polished", SGX3, info_polished, NULL, "dcap.tcb_info.signature", "" },
	{ "TCB info polished in dcap-qvl's form", TDX4, NULL, info_polished_in_qvl,
	    "dcap.tcb_info.signature", "" },
	{ "TCB info with white space", TDX4, info_reserialised, NULL, "dcap.tcb_info.signature",
	    "" },
	{ "TCB info with members reordered", SGX3, info_reordered, NULL, "dcap.tcb_info.signature",
	    "" },
	{ "TCB info in another case", SGX3, info_other_case, NULL, "dcap.tcb_info.signature", "" },
	{ "TCB info with a signature of zeros", SGX3, info_signature_zero, NULL,
	    "dcap.tcb_info.signature", "" },
	{ "TCB info with another document's signature", SGX3, info_signature_of_identity, NULL,
	    "dcap.tcb_info.signature", "" },
	{ "TCB info signature r is n", TDX4, info_signature_r_is_order, NULL,
	    "dcap.tcb_info.signature", "" },
	{ "TCB info expired a second ago", SGX3, info_expired, NULL, "dcap.tcb_info.dates", "" },
	{ "TCB info issued in a second", TDX4, info_not_yet, NULL, "dcap.tcb_info.dates", "" },
	{ "TCB info of an older evaluation", SGX3, info_old_evaluation, NULL,
	    "dcap.tcb_info.evaluation", "" },
	{ "TCB info of another FMSPC", SGX3, info_other_fmspc, NULL, "dcap.tcb_info.platform", "" },
	{ "TCB info of another PCE", SGX3, info_other_pce, NULL, "dcap.tcb_info.platform", "" },
	{ "TCB info of SGX for a TD", TDX4, info_of_sgx, NULL, "dcap.tcb_info.platform", "" },
	{ "TCB info of TDX for an enclave", SGX3, info_of_tdx, NULL, "dcap.tcb_info.platform", "" },
	{ "advisories by TCB info version 2", SGX3, info_v2_and_advisories, NULL,
	    "policy.tcb.advisories", "" },
	{ "advisories where no level fits", SGX3, unmatched_and_advisories, NULL,
	    "policy.tcb.advisories", "", REFUSED, "dcap.tcb.status" },
	{ "TCB info version 2 for a TD", TDX4, info_v2_for_tdx, NULL, "dcap.tcb_info.platform",
	    "" },
	{ "TCB info of the forger's beside", SGX3, out_of_date, info_newer_forged,
	    "dcap.tcb_info.signature", "" },
	{ "TCB info of an older evaluation beside", SGX3, out_of_date, info_older_genuine,
	    "dcap.tcb.status", "OutOfDate" },
	{ "TCB info twice, once escaped", SGX3, info_escaped_twice, NULL, "dcap.tcb_info.signature",
	    "", NOT_ADDED },
	{ "TCB info hidden", SGX3, NULL, info_hidden, "dcap.tcb_info.signature", "", NEEDED },
	{ "TCB info with two FMSPCs", SGX3, info_member_twice, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "TCB level with two statuses", SGX3, info_nested_member_twice, NULL,
	    "dcap.tcb_info.signature", "", NOT_ADDED },
	{ "two TCB infos in one answer", SGX3, info_object_twice, NULL, "dcap.tcb_info.signature",
	    "", NOT_ADDED },
	{ "15 components (GHSA-6q6c-vvf9-fj3w)", SGX3, info_15_components, NULL,
	    "dcap.tcb_info.signature", "", NOT_ADDED },
	{ "number as text", SGX3, info_number_as_text, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "number with a fraction", SGX3, info_number_with_fraction, NULL,
	    "dcap.tcb_info.signature", "", NOT_ADDED },
	{ "component above 255", SGX3, info_svn_256, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "unknown status", SGX3, info_unknown_status, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "one level, two statuses", SGX3, info_level_twice, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "TCB of another composition", SGX3, info_type_1, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "17 components", SGX3, info_17_components, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "level of a TD without TDX components", TDX4, info_without_tdx_components, NULL,
	    "dcap.tcb_info.signature", "", NOT_ADDED },
	{ "TCB info without an end", SGX3, info_without_end, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "TCB info without levels", SGX3, info_without_levels, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "TCB info in local time", SGX3, info_local_time, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "TCB info with another behind it", SGX3, NULL, info_something_behind,
	    "dcap.tcb_info.signature", "", NOT_ADDED },
	{ "TCB info version 4", SGX3, info_version_4, NULL, "dcap.tcb_info.signature", "",
	    NOT_ADDED },
	{ "TCB info signature of 63 bytes", SGX3, info_short_signature, NULL,
	    "dcap.tcb_info.signature", "", NOT_ADDED },

	{ "QE identity by a stranger", SGX3, identity_by_stranger, NULL,
	    "dcap.qe_identity.signature", "" },
	{ "QE identity by the PCK CA", TDX4, identity_by_ca, NULL, "dcap.qe_identity.signature",
	    "" },
	{ "QE identity bent", SGX3, identity_bent, NULL, "dcap.qe_identity.signature", "" },
	{ "QE identity with white space", TDX4, identity_reserialised, NULL,
	    "dcap.qe_identity.signature", "" },
	{ "QE identity expired a second ago", SGX3, identity_expired, NULL,
	    "dcap.qe_identity.dates", "" },
	{ "QE identity issued in a second", TDX4, identity_not_yet, NULL, "dcap.qe_identity.dates",
	    "" },
	{ "QE identity of an older evaluation", SGX3, identity_old_evaluation, NULL,
	    "dcap.qe_identity.evaluation", "" },
	{ "identity of the TD QE for an enclave", SGX3, identity_of_td_qe, NULL,
	    "dcap.qe_identity.id", "" },
	{ "identity of the QE for a TD", TDX4, identity_of_qe, NULL, "dcap.qe_identity.id", "" },
	{ "identity of the QVE", SGX3, identity_of_qve, NULL, "dcap.qe_identity.id", "" },
	{ "QE identity hidden (CVE-2026-22696)", SGX3, NULL, identity_hidden,
	    "dcap.qe_identity.signature", "", NEEDED },
	{ "QE identity with a member twice", SGX3, identity_member_twice, NULL,
	    "dcap.qe_identity.signature", "", NOT_ADDED },
	{ "QE identity version 1", SGX3, identity_version_1, NULL, "dcap.qe_identity.signature", "",
	    NOT_ADDED },
	{ "QE level twice", SGX3, identity_level_twice, NULL, "dcap.qe_identity.signature", "",
	    NOT_ADDED },

	{ "platform out of date", SGX3, out_of_date, NULL, "dcap.tcb.status", "OutOfDate" },
	{ "platform needs configuration", SGX3, configuration_needed, NULL, "dcap.tcb.status",
	    "ConfigurationNeeded" },
	{ "platform needs hardening", SGX3, hardening_needed, NULL, "dcap.tcb.status",
	    "SWHardeningNeeded" },
	{ "platform needs both", SGX3, both_needed, NULL, "dcap.tcb.status",
	    "ConfigurationAndSWHardeningNeeded" },
	{ "platform out of date and needs configuration", SGX3, out_of_date_configuration, NULL,
	    "dcap.tcb.status", "OutOfDateConfigurationNeeded" },
	{ "TCB revoked", SGX3, revoked_tcb, NULL, "dcap.tcb.status", "Revoked" },
	{ "QE revoked", SGX3, qe_revoked, NULL, "dcap.tcb.status", "Revoked" },
	{ "PCE too old", SGX3, pce_too_old, NULL, "dcap.tcb.status", "" },
	{ "platform below every level", SGX3, no_level, NULL, "dcap.tcb.status", "" },
	{ "last component short", SGX3, one_component_short, NULL, "dcap.tcb.status", "" },
	{ "high CPUSVN over a low PCK", SGX3, cpu_svn_is_no_tcb, NULL, "dcap.tcb.status",
	    "OutOfDate" },
};
const size_t tcb_forgery_count = sizeof tcb_forgeries / sizeof tcb_forgeries[0];
