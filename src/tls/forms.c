/* SPDX-License-Identifier: Apache-2.0 */
/* How evidence stands in a certificate, and what it must say to name the certificate's key. */
#include <string.h>

#include "crypto/der.h"
#include "crypto/x509_fields.h"
#include "parse/cmw.h"
#include "tls/cert.h"
#include "tls/enarx.h"
#include "verify/bind.h"

/* --- taking evidence out ----------------------------------------------------------------- */

/* Raw or wrapped, as the form has seen that it is. */
static enum assay_code
take(struct assay_cert *c, struct assay_bytes evidence, struct assay_error *err)
{
	enum assay_code rc = assay_evidence_parse(&c->evidence, evidence, &c->unreadable);

	return rc == ASSAY_E_NOMEM ? assay_fail_nomem(err) : ASSAY_OK;
}

static enum assay_code
take_quote(struct assay_cert *c, struct assay_bytes in, struct assay_error *err)
{
	if (assay_quote_recognise(in, QUOTE_TEE_SGX) || assay_quote_recognise(in, QUOTE_TEE_TDX))
		return take(c, in, err);
	return assay_fail(err, ASSAY_E_FORMAT,
	    "%s: holds %zu bytes that are no quote of SGX or TDX", c->form->name, in.len);
}

/* Its certificate also brings collateral, in an extension of its own. */
static enum assay_code
take_endorsements(struct assay_cert *c, struct assay_error *err)
{
	static const char what[] = "endorsements of the certificate";
	struct assay_bytes items[DICE_ENDORSEMENTS];

	for (size_t i = 0; i < c->peer.extension_count; i++) {
		const struct x509_extension *e = &c->peer.extensions[i];
		if (!assay_bytes_equal(e->oid, X509_OID("\x67\x81\x05\x05\x04\x02")))
			continue;
		enum assay_code rc =
		    assay_dice_endorsements(items, e->value, &c->evidence->brought_error);
		return rc != ASSAY_OK
		    ? ASSAY_OK
		    : assay_evidence_bring(c->evidence, items, DICE_ENDORSEMENTS, what, err);
	}
	return ASSAY_OK;
}

static enum assay_code
open_dice(struct assay_cert *c, struct assay_bytes value, struct assay_error *err)
{
	enum assay_code rc = assay_dice_parse(&c->dice, value, err);

	if (rc == ASSAY_OK)
		rc = take_quote(c, c->dice.quote, err);
	return rc == ASSAY_OK && c->evidence != NULL ? take_endorsements(c, err) : rc;
}

/* CMW ::= CHOICE { json UTF8String, cbor OCTET STRING }: RFC 9999, the X.509 extension. */
static enum assay_code
open_cmw(struct assay_cert *c, struct assay_bytes value, struct assay_error *err)
{
	struct assay_reader r = { .what = c->form->name, .in = value };
	uint8_t tag;
	struct assay_bytes cmw = assay_der_any(&r, &tag, NULL);

	if (!assay_reader_ended(&r) || (tag != DER_UTF8 && tag != DER_OCTET_STRING))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is neither an OCTET STRING nor a UTF8String, alone", c->form->name);
	if (!assay_cmw_recognise(cmw))
		return assay_fail(err, ASSAY_E_FORMAT, "%s: holds %zu bytes that are no CMW",
		    c->form->name, cmw.len);
	return take(c, cmw, err);
}

static enum assay_code
open_open_enclave(struct assay_cert *c, struct assay_bytes value, struct assay_error *err)
{
	(void)value;
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "%s: is known, and cannot be verified by this version; have the peer send the DICE or "
	    "the CMW extension",
	    c->form->name);
}

static enum assay_code
open_enarx_kvm(struct assay_cert *c, struct assay_bytes value, struct assay_error *err)
{
	(void)value;
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "%s: a machine without a TEE, for debugging: there is no evidence in it",
	    c->form->name);
}

static enum assay_code
take_enarx(struct assay_cert *c, const struct enarx_evidence *e, struct assay_error *err)
{
	if (c->evidence == NULL) /* why is said */
		return ASSAY_OK;
	return assay_evidence_bring(
	    c->evidence, e->items, e->item_count, "collateral of the request", err);
}

static enum assay_code
open_enarx_sgx(struct assay_cert *c, struct assay_bytes value, struct assay_error *err)
{
	struct enarx_evidence e;
	enum assay_code rc = assay_enarx_sgx(&e, value, err);

	if (rc == ASSAY_OK)
		rc = take_quote(c, e.evidence, err);
	return rc == ASSAY_OK ? take_enarx(c, &e, err) : rc;
}

static enum assay_code
open_enarx_snp(struct assay_cert *c, struct assay_bytes value, struct assay_error *err)
{
	struct enarx_evidence e;
	enum assay_code rc = assay_enarx_snp(&e, value, err);

	if (rc == ASSAY_OK && e.evidence.len != SNP_REPORT_SIZE)
		rc = assay_fail(err, ASSAY_E_FORMAT, "%s: a report of %zu bytes, want %d",
		    c->form->name, e.evidence.len, SNP_REPORT_SIZE);
	if (rc == ASSAY_OK)
		rc = take(c, e.evidence, err);
	return rc == ASSAY_OK ? take_enarx(c, &e, err) : rc;
}

/* --- naming the key ---------------------------------------------------------------------- */

static void
expect_buffer(uint8_t *out, const struct assay_cert *c, struct assay_bytes nonce)
{
	(void)nonce; /* it stands in the buffer */
	assay_sha256(out, c->dice.buffer);
}

static void
expect_bound(uint8_t *out, const struct assay_cert *c, struct assay_bytes nonce)
{
	assay_bind_certificate(out, nonce, c->peer.spki);
}

static void
expect_sha256(uint8_t *out, const struct assay_cert *c, struct assay_bytes nonce)
{
	(void)nonce;
	assay_sha256(out, c->peer.spki);
}

static void
expect_sha384(uint8_t *out, const struct assay_cert *c, struct assay_bytes nonce)
{
	(void)nonce;
	assay_sha384(out, c->peer.spki);
}

/* Intel's SDK puts the quote of the DICE extension here as well, which has the hash of a claims buffer
 * that nobody sent, and can only be this one; it had the hash of the key before. */
static void
expect_intel(uint8_t *out, const struct assay_cert *c, struct assay_bytes nonce)
{
	static const struct assay_bytes none = { NULL, 0 };
	const struct quote *q = &c->evidence->quote;
	uint8_t buffer[DICE_BUFFER_MAX];
	size_t n = assay_dice_buffer(buffer, c->peer.spki, none);

	expect_sha256(out, c, nonce);
	if (q->tee_type == QUOTE_TEE_SGX && memcmp(q->sgx.report_data, out, ASSAY_SHA256_LEN) != 0)
		assay_sha256(out, (struct assay_bytes){ buffer, n });
}

/* Source of the numbers: TCG DICE Attestation Architecture; RFC 9999; Open Enclave, oeverify; Enarx,
 * steward; Gramine, ra_tls.h; Intel SGX SDK, sgx_ttls. */
const struct cert_form cert_forms[] = {
	{ "DICE extension", { "\x67\x81\x05\x05\x04\x09" }, open_dice, expect_buffer, true },
	{ "CMW extension", { "\x2b\x06\x01\x05\x05\x07\x01\x23" }, open_cmw, expect_bound, true },
	{ "Open Enclave evidence",
	    { "\x2b\x06\x01\x04\x01\x82\x37\x69\x02", "\x2a\x86\x48\x86\xf7\x14\x0a\x01\x02" },
	    open_open_enclave, NULL, false },
	{ "Open Enclave report",
	    { "\x2b\x06\x01\x04\x01\x82\x37\x69\x01", "\x2a\x86\x48\x86\xf7\x14\x0a\x01\x01" },
	    open_open_enclave, NULL, false },
	{ "Enarx SNP extension", { "\x2b\x06\x01\x04\x01\x83\xc7\x1e\x01\x03" }, open_enarx_snp,
	    expect_sha384, false },
	{ "Enarx SGX extension", { "\x2b\x06\x01\x04\x01\x83\xc7\x1e\x01\x02" }, open_enarx_sgx,
	    expect_sha256, false },
	{ "Enarx KVM extension", { "\x2b\x06\x01\x04\x01\x83\xc7\x1e\x01\x01" }, open_enarx_kvm,
	    NULL, false },
	/* Gramine writes a whole encoded OID as if it were the content of one. */
	{ "Gramine quote",
	    { "\x06\x09\x2a\x86\x48\x86\xf8\x4d\x8a\x39\x06",
		"\x2a\x86\x48\x86\xf8\x4d\x8a\x39\x06" },
	    take_quote, expect_sha256, false },
	{ "Intel SDK quote", { "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01" }, take_quote, expect_intel,
	    false },
};
const size_t cert_form_count = sizeof cert_forms / sizeof *cert_forms;
const struct cert_form *const cert_form_dice = &cert_forms[0];
