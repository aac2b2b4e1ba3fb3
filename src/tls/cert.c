/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/cert.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/der.h"
#include "parse/pem.h"

enum { TEXT_MAX = 2 * PEER_MAX };

/* --- the file ---------------------------------------------------------------------------- */

static bool
is_certificate(struct assay_bytes label)
{
	static const char *const labels[] = { "CERTIFICATE", "CERTIFICATE REQUEST",
		"NEW CERTIFICATE REQUEST" };

	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (assay_bytes_equal(label, assay_bytes_of(labels[i])))
			return true;
	return false;
}

/* One block alone: of two the peer and the verifier might each take another one. */
static enum assay_code
decode(uint8_t **out, size_t *len, struct assay_bytes pem, struct assay_error *err)
{
	struct pem_block block, more;
	size_t at = 0;
	enum assay_code rc = assay_pem_next(&block, &at, pem, "certificate", err);

	if (rc == ASSAY_OK)
		rc = assay_pem_next(&more, &at, pem, "certificate", err);
	if (rc != ASSAY_OK)
		return rc;
	if (!is_certificate(block.label) || more.label.len > 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "certificate: the file holds %s%s; want one CERTIFICATE or CERTIFICATE REQUEST",
		    assay_quote(block.label).text, more.label.len > 0 ? " and more" : "");
	uint8_t *der = malloc(ASSAY_UNBASE64_MAX(block.body.len));
	if (der == NULL)
		return assay_fail_nomem(err);
	if (!assay_unbase64(der, len, block.body)) {
		free(der);
		return assay_fail(
		    err, ASSAY_E_FORMAT, "certificate: its PEM is no base64; it is damaged");
	}
	*out = der;
	return ASSAY_OK;
}

static enum assay_code
copy(uint8_t **out, size_t *len, struct assay_bytes in, struct assay_error *err)
{
	if (in.len == 0 || in.len > TEXT_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "certificate: is %zu bytes, want 1 to %d",
		    in.len, TEXT_MAX);
	bool der = in.ptr[0] == 0x30 && in.len > 1 && in.ptr[1] >= 0x80; /* which may hold PEM */
	if (!der && assay_pem_recognise(in))
		return decode(out, len, in, err);
	if ((*out = malloc(in.len)) == NULL)
		return assay_fail_nomem(err);
	memcpy(*out, in.ptr, in.len);
	*len = in.len;
	return ASSAY_OK;
}

/* --- the extensions ---------------------------------------------------------------------- */

static const struct x509_extension *
find(const struct assay_cert *c, const struct cert_form *form, size_t *count)
{
	const struct x509_extension *found = NULL;

	*count = 0;
	for (size_t i = 0; i < c->peer.extension_count; i++)
		for (size_t k = 0; k < 2; k++)
			if (form->oids[k] != NULL &&
			    assay_bytes_equal(
				c->peer.extensions[i].oid, assay_bytes_of(form->oids[k]))) {
				if (found == NULL)
					found = &c->peer.extensions[i];
				++*count;
			}
	return found;
}

/* Any that stands twice, of evidence or not: two readers might each take another one. */
static void
look_for_doubled(struct assay_cert *c)
{
	for (size_t i = 0; i < c->peer.extension_count; i++)
		for (size_t k = i + 1; k < c->peer.extension_count; k++)
			if (assay_bytes_equal(
				c->peer.extensions[i].oid, c->peer.extensions[k].oid)) {
				(void)assay_fail(&c->extension, ASSAY_E_FORMAT,
				    "extension %s stands twice; want each once",
				    assay_quote_hex(c->peer.extensions[i].oid).text);
				return;
			}
}

/* The OID of Intel SDK's quotes is also that of the SGX extension of each PCK certificate (Intel, PCK
 * Certificate and CRL Specification), which is a SEQUENCE: no quote begins like one. */
static bool
is_pck(const struct x509_extension *e)
{
	return assay_bytes_equal(e->oid, pck_extension_oid) && e->value.len > 0 &&
	    e->value.ptr[0] == DER_SEQUENCE;
}

/* The strongest form decides, for better or worse. */
static enum assay_code
open_strongest(struct assay_cert *c, struct assay_error *err)
{
	const struct x509_extension *found = NULL;
	struct assay_error wrong;
	size_t count = 0;

	look_for_doubled(c);
	for (size_t i = 0; i < cert_form_count && found == NULL; i++) {
		found = find(c, &cert_forms[i], &count);
		c->form = found != NULL ? &cert_forms[i] : NULL;
	}
	if (found != NULL && is_pck(found)) { /* the form is the last */
		c->form = NULL;
		(void)assay_fail(&c->extension, ASSAY_E_FORMAT,
		    "there is no evidence in it: it is a PCK certificate, to which quotes chain; "
		    "give the certificate that a peer shows");
		return ASSAY_OK;
	}
	if (found == NULL) {
		(void)assay_fail(&c->extension, ASSAY_E_FORMAT,
		    "there is no evidence in it: it lacks the DICE (" CERT_OID_DICE ") or the CMW "
		    "extension (" CERT_OID_CMW "); its maker was in no TEE, or it was taken out");
		return ASSAY_OK;
	}
	if (count > 1 && c->extension.code == ASSAY_OK)
		(void)assay_fail(&c->extension, ASSAY_E_FORMAT,
		    "it has two extensions with a %s; want one", c->form->name);
	enum assay_code rc = c->form->unpack(c, found->value, &wrong);
	if (rc == ASSAY_E_NOMEM)
		return assay_fail_nomem(err);
	if (rc != ASSAY_OK && c->extension.code == ASSAY_OK)
		c->extension = wrong;
	return ASSAY_OK;
}

static void
describe(struct assay_cert *c)
{
	const char *kind = c->peer.request ? "certificate request" : "certificate";

	if (c->evidence != NULL)
		(void)snprintf(c->kind, sizeof c->kind, "%s, %s: %s", kind, c->form->name,
		    assay_evidence_kind(c->evidence));
	else
		(void)snprintf(c->kind, sizeof c->kind, "%s%s%s", kind, c->form != NULL ? ", " : "",
		    c->form != NULL ? c->form->name : "");
}

enum assay_code
assay_cert_parse(struct assay_cert **out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_cert *c = calloc(1, sizeof *c);
	enum assay_code rc;

	if (c == NULL)
		return assay_fail_nomem(err);
	if ((rc = copy(&c->der, &c->der_len, in, err)) == ASSAY_OK &&
	    (rc = assay_peer_parse(&c->peer, (struct assay_bytes){ c->der, c->der_len }, err)) ==
		ASSAY_OK &&
	    (rc = open_strongest(c, err)) == ASSAY_OK) {
		describe(c);
		*out = c;
	} else {
		assay_cert_free(c);
	}
	return rc;
}

void
assay_cert_free(struct assay_cert *cert)
{
	if (cert == NULL)
		return;
	assay_evidence_free(cert->evidence);
	free(cert->der);
	free(cert);
}

const char *
assay_cert_kind(const struct assay_cert *cert)
{
	return cert->kind;
}

const struct assay_evidence *
assay_cert_evidence(const struct assay_cert *cert)
{
	return cert->evidence;
}

struct assay_bytes
assay_cert_key(const struct assay_cert *cert)
{
	return cert->peer.spki;
}
