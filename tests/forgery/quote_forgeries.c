/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes that lie: about their form, their lengths, who signed what. */
#include "forge.h"

#include <string.h>

/* --- form ----------------------------------------------------------------------------------- */

static void
version_2(struct forge *f)
{
	f->dcap.quote.version = 2;
}

static void
version_6(struct forge *f)
{
	f->dcap.quote.version = 6;
}

static void
key_type_p384(struct forge *f)
{
	f->dcap.quote.key_type = 3;
}

static void
tdx_in_version_3(struct forge *f)
{
	f->dcap.quote.tee_type = 0x81;
}

static void
unknown_tee(struct forge *f)
{
	f->dcap.quote.tee_type = 0x82;
}

static void
other_vendor(struct forge *f)
{
	f->dcap.quote.vendor[0] ^= 0xff;
}

static void
body_of_tdx_in_sgx(struct forge *f)
{
	f->dcap.quote.body_type = 2;
	f->dcap.quote.body = sim_td_report_write(f->sim, &f->dcap.td, 2);
}

static void
body_of_sgx_in_tdx(struct forge *f)
{
	f->dcap.quote.body_type = 1;
	f->dcap.quote.body = sim_sgx_report_write(f->sim, &f->dcap.enclave);
}

static void
body_type_5(struct forge *f)
{
	f->dcap.quote.body = sim_td_report_write(f->sim, &f->dcap.td, 4);
	f->dcap.quote.body_type = 5;
}

static void
body_type_0(struct forge *f)
{
	f->dcap.quote.body = sim_sgx_report_write(f->sim, &f->dcap.enclave);
	f->dcap.quote.body_type = 0;
}

static void
body_size_short(struct forge *f)
{
	f->dcap.quote.body_size_lie = -1;
}

static void
body_size_long(struct forge *f)
{
	f->dcap.quote.body_size_lie = 64;
}

static void
td15_called_td10(struct forge *f)
{
	f->dcap.quote.body = sim_td_report_write(f->sim, &f->dcap.td, 3);
	f->dcap.quote.body_type = 2;
}

static void
td15_in_version_4(struct forge *f)
{
	f->dcap.quote.body = sim_td_report_write(f->sim, &f->dcap.td, 3);
}

static void
signature_size_long(struct forge *f)
{
	f->dcap.quote.signature_size_lie = 1;
}

static void
signature_size_short(struct forge *f)
{
	f->dcap.quote.signature_size_lie = -1;
}

static void
signature_size_wraps(struct forge *f)
{
	struct sim_quote *q = &f->dcap.quote;

	f->dcap.quote.cert_data = sim_text(f->sim, "x");
	/* All ones: header, body and this would wrap around in 32 bits. */
	q->signature_size_lie = -(64 + 64 + 384 + 64 + 2 + 32 + 6 + 1) - 1;
}

static void
outer_size_long(struct forge *f)
{
	f->dcap.quote.outer_size_lie = 1;
}

static void
outer_size_short(struct forge *f)
{
	f->dcap.quote.outer_size_lie = -1;
}

static void
auth_size_long(struct forge *f)
{
	f->dcap.quote.auth_size_lie = 1;
}

static void
auth_size_beyond(struct forge *f)
{
	f->dcap.quote.auth_size_lie = 0xffff - 32;
}

static void
auth_size_short(struct forge *f)
{
	f->dcap.quote.auth_size_lie = -1;
}

static void
cert_size_long(struct forge *f)
{
	f->dcap.quote.cert_size_lie = 1;
}

static void
cert_size_short(struct forge *f)
{
	f->dcap.quote.cert_size_lie = -1;
}

static void
outer_type_5(struct forge *f)
{
	f->dcap.quote.outer_type = 5;
}

static void
inner_type_6(struct forge *f)
{
	f->dcap.quote.cert_type = 6;
}

static void
inner_type_8(struct forge *f)
{
	f->dcap.quote.cert_type = 8;
}

static void
cut_short(struct forge *f)
{
	f->out.evidence.len = 1019;
}

static void
cut_by_one(struct forge *f)
{
	f->out.evidence.len -= 1;
}

static void
header_only(struct forge *f)
{
	f->out.evidence.len = 48;
}

static void
nothing(struct forge *f)
{
	f->out.evidence.len = 0;
}

static void
something_behind(struct forge *f)
{
	f->dcap.quote.behind = sim_copy(f->sim, "\0\0\0\0\0\0\0\1", 8);
}

static void
header_reserved(struct forge *f)
{
	f->dcap.quote.qe_svn = 1;
}

static void
enclave_reserved(struct forge *f)
{
	f->dcap.enclave.reserved = 1;
}

static void
qe_reserved(struct forge *f)
{
	f->dcap.qe.reserved = 1;
}

/* --- the three signatures ------------------------------------------------------------------- */

static void
quote_by_stranger(struct forge *f)
{
	f->dcap.quote.quote_signer = sim_key(f->sim, SIM_P256, "rogue");
}

static void
quote_by_pck(struct forge *f)
{
	f->dcap.quote.quote_signer = f->dcap.pck.key;
}

static void
other_enclave(struct forge *f)
{
	forge_overwrite(f->out.evidence, 48 + 64, "the measurement of another one..", 32);
}

static void
other_report_data(struct forge *f)
{
	forge_overwrite(f->out.evidence, 48 + 520, "a nonce of the forger's", 23);
}

static void
other_qe_id(struct forge *f)
{
	forge_overwrite(f->out.evidence, 28, "another platform", 16);
}

static void
other_body_type(struct forge *f)
{
	/* The descriptor is signed too: the tail of a TD 1.5 body cannot be cut off. */
	struct sim_quote *q = &f->dcap.quote;

	q->body = sim_td_report_write(f->sim, &f->dcap.td, 3);
	q->body_type = 3;
	struct sim_bytes genuine = sim_quote_write(f->sim, q);
	q->signature = sim_copy(f->sim, genuine.ptr + 54 + q->body.len + 4, 64);
	q->body = sim_td_report_write(f->sim, &f->dcap.td, 2);
	q->body_type = 2;
}

static void
body_signed_alone(struct forge *f)
{
	struct sim_quote *q = &f->dcap.quote;

	q->body = sim_sgx_report_write(f->sim, &f->dcap.enclave);
	q->signature = sim_sign(f->sim, q->attestation_key, SIM_SHA256, q->body);
}

static struct sim_bytes
rs(struct forge *f, const void *r, const void *s, size_t n)
{
	return sim_join(f->sim, sim_copy(f->sim, r, n), sim_copy(f->sim, s, n));
}

static const uint8_t zero[48], one[48] = { [31] = 1, [47] = 1 };

static void
quote_r_zero(struct forge *f)
{
	f->dcap.quote.signature = rs(f, zero, one, 32);
}

static void
quote_s_zero(struct forge *f)
{
	f->dcap.quote.signature = rs(f, one, zero, 32);
}

static void
quote_all_zero(struct forge *f)
{
	f->dcap.quote.signature = rs(f, zero, zero, 32);
}

static void
quote_r_is_order(struct forge *f)
{
	f->dcap.quote.signature = rs(f, forge_order_p256, one, 32);
}

static void
quote_s_is_order(struct forge *f)
{
	f->dcap.quote.signature = rs(f, one, forge_order_p256, 32);
}

static void
key_off_curve(struct forge *f)
{
	struct sim_bytes key = sim_copy(f->sim, f->dcap.quote.attestation_key->raw, 64);

	key.ptr[63] ^= 1;
	f->dcap.quote.key_bytes = key;
}

static void
key_zero(struct forge *f)
{
	f->dcap.quote.key_bytes = rs(f, zero, zero, 32);
}

static void
report_by_stranger(struct forge *f)
{
	f->dcap.qe_report_signer = sim_key(f->sim, SIM_P256, "rogue");
}

static void
report_by_attestation_key(struct forge *f)
{
	f->dcap.qe_report_signer = f->dcap.quote.attestation_key;
}

static void
report_by_ca(struct forge *f)
{
	f->dcap.qe_report_signer = f->dcap.pck_ca.key;
}

static void
report_r_zero(struct forge *f)
{
	f->dcap.quote.qe_report_signature = rs(f, zero, one, 32);
}

static void
report_s_is_order(struct forge *f)
{
	f->dcap.quote.qe_report_signature = rs(f, one, forge_order_p256, 32);
}

static void
report_of_other_machine(struct forge *f)
{
	/* Genuine, but its PCK is another's: certificate and report do not belong together. */
	f->dcap.pck.key = sim_key(f->sim, SIM_P256, "another PCK");
}

static void
own_attestation_key(struct forge *f)
{
	/* The forger's key signs the quote; the QE vouched for the real one. */
	f->dcap.own_binding = true;
	uint8_t digest[64];
	struct sim_bytes real = sim_copy(f->sim, f->dcap.quote.attestation_key->raw, 64);
	sim_digest(digest, SIM_SHA256, sim_join(f->sim, real, f->dcap.quote.auth_data));
	memcpy(f->dcap.qe.report_data, digest, 32);
	f->dcap.quote.attestation_key = sim_key(f->sim, SIM_P256, "rogue");
}

static void
own_auth_data(struct forge *f)
{
	const struct sim_key *real = f->dcap.quote.attestation_key;

	own_attestation_key(f);
	f->dcap.quote.attestation_key = real;
	f->dcap.quote.auth_data = sim_text(f->sim, "other authentication data");
}

static void
binding_without_auth_data(struct forge *f)
{
	uint8_t digest[64];

	f->dcap.own_binding = true;
	sim_digest(digest, SIM_SHA256, sim_copy(f->sim, f->dcap.quote.attestation_key->raw, 64));
	memcpy(f->dcap.qe.report_data, digest, 32);
}

static void
binding_second_half(struct forge *f)
{
	f->dcap.qe.report_data[63] = 1;
}

static void
binding_zero(struct forge *f)
{
	f->dcap.own_binding = true;
}

/* --- the quoting enclave -------------------------------------------------------------------- */

static void
qe_misc_select(struct forge *f)
{
	f->dcap.qe.misc_select = 1;
}

static void
qe_debug(struct forge *f)
{
	f->dcap.qe.attributes |= 2;
}

static void
qe_without_provision_key(struct forge *f)
{
	f->dcap.qe.attributes &= ~0x10ULL;
}

static void
qe_of_stranger(struct forge *f)
{
	/* CVE-2026-22696: any enclave with the provisioning key gets certified by the PCE. */
	sim_derive(f->sim, f->dcap.qe.mr_signer, 32, "a stranger");
}

static void
qe_other_product(struct forge *f)
{
	f->dcap.qe.isv_prod_id = 3;
}

static void
qe_td_product(struct forge *f)
{
	f->dcap.qe.isv_prod_id = 2;
}

static void
qe_too_old(struct forge *f)
{
	f->dcap.qe.isv_svn = 4;
}

static void
qe_out_of_date(struct forge *f)
{
	f->dcap.qe.isv_svn = 7;
	f->policy = "default";
}

static void
qe_debug_masked(struct forge *f)
{
	/* Even where the identity's mask would let it pass. */
	f->dcap.qe.attributes |= 2;
	f->dcap.qe_identity.attributes_mask[0] &= ~2ULL;
}

/* --- what was asked for --------------------------------------------------------------------- */

static void
stale_nonce(struct forge *f)
{
	f->report_data = sim_text(f->sim, "the nonce of today, sent just now");
}

static void
nonce_differs_late(struct forge *f)
{
	/* Equal in the first 32 bytes, as compared by others. */
	memset(f->dcap.enclave.report_data, 7, 64);
	f->report_data = sim_copy(f->sim, f->dcap.enclave.report_data, 64);
	f->report_data.ptr[63] = 8;
}

static void
nonce_with_tail(struct forge *f)
{
	memset(f->dcap.enclave.report_data, 7, 64);
	f->report_data = sim_copy(f->sim, f->dcap.enclave.report_data, 32);
}

static void
padded(struct forge *f)
{
	f->dcap.quote.behind = sim_copy(f->sim, "\0\0\0\0\0\0\0\0", 8);
}

static void
other_measurement(struct forge *f)
{
	f->expect_claim = "measurement";
	f->expect_value = "0000000000000000000000000000000000000000000000000000000000000000";
}

static void
other_svn(struct forge *f)
{
	f->expect_claim = "svn";
	f->expect_value = "2";
}

static void
claim_of_other_tee(struct forge *f)
{
	f->expect_claim = "vmpl";
	f->expect_value = "0"; /* an enclave has none: absent is not 0 */
}

static void
own_trust_root(struct forge *f)
{
	f->expect_claim = "trust.builtin";
	f->expect_value = "true";
}

static void
debug_enclave(struct forge *f)
{
	f->dcap.enclave.attributes |= 2;
	f->policy = "default";
}

static void
ppid_denied(struct forge *f)
{
	memset(f->dcap.extension.ppid, 0xab, 16);
	f->platforms = "deny ppid abababababababababababababababab";
}

static void
ppid_not_allowed(struct forge *f)
{
	f->platforms = "allow ppid abababababababababababababababab";
}

static void
instance_denied(struct forge *f)
{
	memset(f->dcap.extension.platform_instance, 0xcd, 16);
	f->platforms = "deny platform-instance cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";
}

static void
instance_missing(struct forge *f)
{
	/* A machine under the Processor CA has no such id: it must not slip through the list. */
	f->platforms = "allow platform-instance cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";
}

static void
ppid_in_user_data(struct forge *f)
{
	/* gramine-sealing-key-provider #25: the user data is no proof of a PPID. */
	memset(f->dcap.quote.user_data, 0xab, 16);
	f->platforms = "allow ppid abababababababababababababababab";
}

#define FORM "evidence.format"
const struct forgery quote_forgeries[] = {
	{ "quote version 2", SGX3, version_2, NULL, FORM, "", NOT_PARSED },
	{ "quote version 6", SGX3, version_6, NULL, FORM, "version", NOT_PARSED },
	{ "P-384 attestation key", SGX3, key_type_p384, NULL, FORM, "key", NOT_PARSED },
	{ "TDX in version 3", SGX3, tdx_in_version_3, NULL, FORM, "", NOT_PARSED },
	{ "unknown TEE type", SGX4, unknown_tee, NULL, FORM, "", NOT_PARSED },
	{ "unknown TEE type in TDX", TDX4, unknown_tee, NULL, FORM, "", NOT_PARSED },
	{ "QE vendor other than Intel", SGX3, other_vendor, NULL, FORM, "", NOT_PARSED },
	{ "TD body in an SGX quote", SGX5, body_of_tdx_in_sgx, NULL, FORM, "", NOT_PARSED },
	{ "enclave body in a TDX quote", TDX5_10, body_of_sgx_in_tdx, NULL, FORM, "", NOT_PARSED },
	{ "body type 5", TDX5_EXT, body_type_5, NULL, FORM, "", NOT_PARSED },
	{ "body type 0", SGX5, body_type_0, NULL, FORM, "", NOT_PARSED },
	{ "body size one short", TDX5_15, body_size_short, NULL, FORM, "", NOT_PARSED },
	{ "body size of the next type", TDX5_10, body_size_long, NULL, FORM, "", NOT_PARSED },
	{ "TD 1.5 called TD 1.0", TDX5_15, td15_called_td10, NULL, FORM, "", NOT_PARSED },
	{ "TD 1.5 in version 4", TDX4, td15_in_version_4, NULL, FORM, "", NOT_PARSED },
	{ "signature data one longer", SGX3, signature_size_long, NULL, FORM, "", NOT_PARSED },
	{ "signature data one shorter", SGX3, signature_size_short, NULL, FORM, "", NOT_PARSED },
	{ "signature data size wraps", SGX3, signature_size_wraps, NULL, FORM, "", NOT_PARSED },
	{ "type 6 block one longer", TDX4, outer_size_long, NULL, FORM, "", NOT_PARSED },
	{ "type 6 block one shorter", TDX4, outer_size_short, NULL, FORM, "", NOT_PARSED },
	{ "authentication data one longer", SGX3, auth_size_long, NULL, FORM, "", NOT_PARSED },
	{ "authentication data one shorter", SGX3, auth_size_short, NULL, FORM, "", NOT_PARSED },
	{ "authentication data beyond the end", TDX4, auth_size_beyond, NULL, FORM, "",
	    NOT_PARSED },
	{ "certification data one longer", SGX3, cert_size_long, NULL, FORM, "", NOT_PARSED },
	{ "certification data one shorter", TDX4, cert_size_short, NULL, FORM, "", NOT_PARSED },
	{ "version 4 without type 6", SGX4, outer_type_5, NULL, FORM, "", NOT_PARSED },
	{ "type 6 within type 6", TDX4, inner_type_6, NULL, FORM, "", NOT_PARSED },
	{ "certification data type 8", SGX3, inner_type_8, NULL, FORM, "", NOT_PARSED },
	{ "quote cut to 1019 bytes", SGX3, NULL, cut_short, FORM, "", NOT_PARSED },
	{ "quote cut by one byte", TDX4, NULL, cut_by_one, FORM, "", NOT_PARSED },
	{ "quote header alone", SGX3, NULL, header_only, FORM, "", NOT_PARSED },
	{ "nothing at all", SGX3, NULL, nothing, FORM, "", NOT_PARSED },
	{ "bytes behind the quote", SGX3, something_behind, NULL, FORM, "", NOT_PARSED },
	{ "reserved bytes in the header", TDX4, header_reserved, NULL, FORM, "", NOT_PARSED },
	{ "reserved bytes in the enclave report", SGX3, enclave_reserved, NULL, FORM, "",
	    NOT_PARSED },
	{ "reserved bytes in the QE report", SGX3, qe_reserved, NULL, FORM, "", NOT_PARSED },
	{ "zeros behind the quote", SGX3, padded, NULL, "evidence.padding", "8 zero bytes",
	    WARNED },

	{ "quote by a stranger's key", SGX3, quote_by_stranger, NULL, "dcap.quote.signature", "" },
	{ "TDX quote by a stranger's key", TDX4, quote_by_stranger, NULL, "dcap.quote.signature",
	    "" },
	{ "extended quote by a stranger's key", TDX5_EXT, quote_by_stranger, NULL,
	    "dcap.quote.signature", "" },
	{ "quote by the PCK itself", SGX3, quote_by_pck, NULL, "dcap.quote.signature", "" },
	{ "another enclave's measurement", SGX3, NULL, other_enclave, "dcap.quote.signature", "" },
	{ "another report data", TDX4, NULL, other_report_data, "dcap.quote.signature", "" },
	{ "another QE id", SGX3, NULL, other_qe_id, "dcap.quote.signature", "" },
	{ "body of another type", TDX5_10, other_body_type, NULL, "dcap.quote.signature", "" },
	{ "only the body is signed", SGX3, body_signed_alone, NULL, "dcap.quote.signature", "" },
	{ "quote signature r is 0", SGX3, quote_r_zero, NULL, "dcap.quote.signature", "" },
	{ "quote signature s is 0", TDX4, quote_s_zero, NULL, "dcap.quote.signature", "" },
	{ "quote signature all zero", SGX3, quote_all_zero, NULL, "dcap.quote.signature", "" },
	{ "quote signature r is n", SGX3, quote_r_is_order, NULL, "dcap.quote.signature", "" },
	{ "quote signature s is n", TDX4, quote_s_is_order, NULL, "dcap.quote.signature", "" },
	{ "attestation key off the curve", SGX3, key_off_curve, NULL, "dcap.quote.signature", "" },
	{ "attestation key zero", TDX4, key_zero, NULL, "dcap.quote.signature", "" },

	{ "QE report by a stranger", SGX3, report_by_stranger, NULL, "dcap.qe_report.signature",
	    "" },
	{ "QE report by the attestation key", TDX4, report_by_attestation_key, NULL,
	    "dcap.qe_report.signature", "" },
	{ "QE report by the PCK CA", SGX3, report_by_ca, NULL, "dcap.qe_report.signature", "" },
	{ "QE report signature r is 0", SGX3, report_r_zero, NULL, "dcap.qe_report.signature", "" },
	{ "QE report signature s is n", TDX4, report_s_is_order, NULL, "dcap.qe_report.signature",
	    "" },
	{ "PCK certificate of another machine", SGX3, report_of_other_machine, NULL,
	    "dcap.qe_report.signature", "" },
	{ "attestation key that no QE vouches for", SGX3, own_attestation_key, NULL,
	    "dcap.qe_report.binding", "" },
	{ "the same in a TDX quote", TDX5_15, own_attestation_key, NULL, "dcap.qe_report.binding",
	    "" },
	{ "authentication data replaced", SGX3, own_auth_data, NULL, "dcap.qe_report.binding", "" },
	{ "binding without authentication data", SGX3, binding_without_auth_data, NULL,
	    "dcap.qe_report.binding", "" },
	{ "binding with a second half", TDX4, binding_second_half, NULL, "dcap.qe_report.binding",
	    "" },
	{ "binding all zero", SGX3, binding_zero, NULL, "dcap.qe_report.binding", "" },

	{ "QE with MISCSELECT", SGX3, qe_misc_select, NULL, "dcap.qe.misc_select", "" },
	{ "QE with DEBUG", SGX3, qe_debug, NULL, "dcap.qe.attributes", "" },
	{ "TD QE with DEBUG", TDX4, qe_debug, NULL, "dcap.qe.attributes", "" },
	{ "QE with DEBUG that the mask hides", SGX3, qe_debug_masked, NULL, "dcap.qe.attributes",
	    "" },
	{ "QE without PROVISIONKEY", SGX3, qe_without_provision_key, NULL, "dcap.qe.attributes",
	    "" },
	{ "QE of a stranger (CVE-2026-22696)", SGX3, qe_of_stranger, NULL, "dcap.qe.mr_signer",
	    "" },
	{ "TD QE of a stranger", TDX4, qe_of_stranger, NULL, "dcap.qe.mr_signer", "" },
	{ "QE of another product", TDX4, qe_other_product, NULL, "dcap.qe.prod_id", "" },
	{ "TD QE signs for SGX", SGX3, qe_td_product, NULL, "dcap.qe.prod_id", "" },
	{ "QE older than every level", SGX3, qe_too_old, NULL, "dcap.qe.level", "" },
	{ "TD QE older than every level", TDX4, qe_too_old, NULL, "dcap.qe.level", "" },
	{ "QE out of date", SGX3, qe_out_of_date, NULL, "dcap.tcb.status", "OutOfDate" },

	{ "yesterday's nonce", SGX3, stale_nonce, NULL, "evidence.report_data", "" },
	{ "nonce that differs in byte 63", SGX3, nonce_differs_late, NULL, "evidence.report_data",
	    "" },
	{ "nonce with a tail", SGX3, nonce_with_tail, NULL, "evidence.report_data", "" },
	{ "another measurement than expected", SGX3, other_measurement, NULL, "expect.measurement",
	    "" },
	{ "another SVN than expected", SGX3, other_svn, NULL, "expect.svn", "" },
	{ "claim that an enclave does not make", SGX3, claim_of_other_tee, NULL, "expect.vmpl",
	    "" },
	{ "root of the caller's where the vendor's is expected", SGX3, own_trust_root, NULL,
	    "expect.trust.builtin", "" },
	{ "debug enclave", SGX3, debug_enclave, NULL, "policy.debug", "" },
	{ "denied PPID", SGX3, ppid_denied, NULL, "platform.listed", "" },
	{ "PPID that is not on the list", TDX4, ppid_not_allowed, NULL, "platform.listed", "" },
	{ "denied platform instance", SGX3, instance_denied, NULL, "platform.listed", "" },
	{ "machine without the id that is listed", SGX3_PROCESSOR, instance_missing, NULL,
	    "platform.listed", "" },
	{ "PPID claimed in the user data", SGX3, ppid_in_user_data, NULL, "platform.listed", "" },
};
const size_t quote_forgery_count = sizeof quote_forgeries / sizeof quote_forgeries[0];
