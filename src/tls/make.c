/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <assay/bundle.h>

#include "crypto/certificate.h"
#include "crypto/der.h"
#include "parse/unwrap.h"
#include "tls/cert.h"
#include "token/token.h"
#include "verify/bind.h"

enum { HEAD = 6, TYPE_MAX = 64 };

/* SGX and TDX have a form that others read, too. */
static bool
in_dice(const char *tee)
{
	return strcmp(tee, assay_tee_sgx.name) == 0 || strcmp(tee, assay_tee_tdx.name) == 0;
}

static enum assay_code
check_request(const struct assay_cert_request *request, struct assay_error *err)
{
	const struct assay_pair *pair = &request->key->pair;
	size_t n = request->nonce.len;

	if (!pair->private)
		return assay_fail(err, ASSAY_E_USAGE, "the key has no private half to sign with");
	if (pair->kind != ASSAY_PAIR_P256 && pair->kind != ASSAY_PAIR_P384 &&
	    pair->kind != ASSAY_PAIR_ED25519)
		return assay_fail(err, ASSAY_E_USAGE,
		    "the key is for %s; want P-256, P-384 or Ed25519", request->key->alg->name);
	if (n > 0 && (n < ASSAY_NONCE_LEAST || n > ASSAY_NONCE_MOST))
		return assay_fail(err, ASSAY_E_USAGE, "the nonce is %zu bytes, want %d to %d", n,
		    ASSAY_NONCE_LEAST, ASSAY_NONCE_MOST);
	return ASSAY_OK;
}

enum assay_code
assay_cert_report_data(uint8_t out[ASSAY_REPORT_DATA_SIZE], const char *tee,
    const struct assay_cert_request *request, struct assay_error *err)
{
	uint8_t buffer[DICE_BUFFER_MAX], *spki = NULL;
	size_t len = 0;
	enum assay_code rc;

	if ((rc = check_request(request, err)) != ASSAY_OK ||
	    (rc = assay_pair_spki(&spki, &len, &request->key->pair, err)) != ASSAY_OK)
		return rc;
	struct assay_bytes key = { spki, len };
	if (in_dice(tee)) {
		size_t n = assay_dice_buffer(buffer, key, request->nonce);
		memset(out, 0, ASSAY_REPORT_DATA_SIZE);
		assay_sha256(out, (struct assay_bytes){ buffer, n });
	} else {
		assay_bind_certificate(out, request->nonce, key);
	}
	free(spki);
	return ASSAY_OK;
}

/* OCTET STRING { bundle }, or UTF8String of one in JSON: RFC 9999, the X.509 extension. */
static enum assay_code
write_choice(uint8_t **out, size_t *len, struct assay_bytes bundle, struct assay_error *err)
{
	uint8_t *all = malloc(HEAD + bundle.len), *at = all;

	if (all == NULL)
		return assay_fail_nomem(err);
	*at++ = bundle.ptr[0] >= 0x80 ? DER_OCTET_STRING : DER_UTF8; /* all of CBOR's begin so */
	unsigned octets = bundle.len < 0x80 ? 0
	    : bundle.len < 0x100            ? 1
	    : bundle.len < 0x10000          ? 2
					    : 3;
	if (octets > 0)
		*at++ = (uint8_t)(0x80 | octets);
	for (unsigned i = octets > 0 ? octets : 1; i-- > 0;)
		*at++ = (uint8_t)(bundle.len >> 8 * i);
	memcpy(at, bundle.ptr, bundle.len);
	*out = all;
	*len = (size_t)(at - all) + bundle.len;
	return ASSAY_OK;
}

static bool
is_cmw(struct assay_bytes given)
{
	return assay_cmw_recognise(given) && !assay_tsm_recognise(given) &&
	    !assay_coco_recognise(given);
}

/* The bundle as it was given, or one of the vendor's bytes. */
static enum assay_code
write_cmw(uint8_t **out, size_t *len, const struct assay_evidence *ev, struct assay_bytes given,
    struct assay_error *err)
{
	uint8_t *made = NULL;
	size_t n = 0;
	char type[TYPE_MAX];
	enum assay_code rc = ASSAY_OK;

	if (ev->form == NULL || !is_cmw(given)) {
		if (ev->manifest.len > 0 || ev->proof.key.len > 0)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "the evidence came as %s, with a %s that goes along in a bundle alone; "
			    "give it as one",
			    ev->form, ev->manifest.len > 0 ? "manifest" : "proof");
		(void)snprintf(type, sizeof type, "application/vnd.assay.%s", ev->tee->name);
		const struct assay_bundle_item item = { "evidence", type, assay_evidence_raw(ev),
			ASSAY_BUNDLE_EVIDENCE };
		if ((rc = assay_bundle_write(&made, &n, &item, 1, err)) != ASSAY_OK)
			return rc;
		given = (struct assay_bytes){ made, n };
	}
	rc = write_choice(out, len, given, err);
	free(made);
	return rc;
}

static enum assay_code
write_dice(uint8_t **out, size_t *len, const struct assay_cert_request *request,
    const struct assay_evidence *ev, struct assay_error *err)
{
	uint8_t buffer[DICE_BUFFER_MAX], *spki = NULL;
	size_t n = 0;
	enum assay_code rc = assay_pair_spki(&spki, &n, &request->key->pair, err);

	if (rc != ASSAY_OK)
		return rc;
	struct assay_bytes claims = { buffer,
		assay_dice_buffer(buffer, (struct assay_bytes){ spki, n }, request->nonce) };
	free(spki);
	return assay_dice_write(out, len, assay_evidence_raw(ev), claims, err);
}

static enum assay_code
write_certificate(uint8_t **der, size_t *len, const struct assay_cert_request *request,
    const struct assay_evidence *ev, struct assay_bytes given, struct assay_error *err)
{
	bool dice = in_dice(ev->tee->name);
	struct certificate from = {
		.common_name = request->common_name != NULL ? request->common_name : "assay",
		.not_before = request->not_before,
		.not_after = request->not_after,
		.oid = dice ? CERT_OID_DICE : CERT_OID_CMW,
	};
	struct assay_cert *read = NULL;
	uint8_t *value = NULL, *out = NULL;
	size_t n = 0, out_len = 0;
	enum assay_code rc =
	    dice ? write_dice(&value, &n, request, ev, err) : write_cmw(&value, &n, ev, given, err);

	from.value = (struct assay_bytes){ value, n };
	if (rc == ASSAY_OK)
		rc = assay_certificate_write(&out, &out_len, &request->key->pair, &from, err);
	/* What verifiers would not take, such as a point that the key's file has compressed. */
	if (rc == ASSAY_OK)
		rc = assay_cert_parse(&read, (struct assay_bytes){ out, out_len }, err);
	assay_cert_free(read);
	free(value);
	if (rc == ASSAY_OK) {
		*der = out;
		*len = out_len;
	} else {
		free(out);
	}
	return rc;
}

enum assay_code
assay_cert_make(uint8_t **der, size_t *len, const struct assay_cert_request *request,
    struct assay_bytes evidence, struct assay_error *err)
{
	struct assay_evidence *ev = NULL;
	enum assay_code rc;

	if ((rc = check_request(request, err)) != ASSAY_OK ||
	    (rc = assay_evidence_parse(&ev, evidence, err)) != ASSAY_OK)
		return rc;
	if (ev->tee == &assay_tee_opaque)
		rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "the evidence is of a TEE that no verifier here knows");
	else
		rc = write_certificate(der, len, request, ev, evidence, err);
	assay_evidence_free(ev);
	return rc;
}
