/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "parse/pem.h"
#include "verify/tee.h"
#include "verify/trust.h"

enum {
	EVIDENCE_MAX = 1 << 20, /* a quote is 5 KB, a report with its certificates 10 KB */
};

static const struct assay_tee *
recognise(struct assay_bytes in)
{
	for (const struct assay_tee *const *t = assay_tees; *t != NULL; t++)
		if ((*t)->recognise(in))
			return *t;
	return NULL;
}

static enum assay_code
grow_to(uint8_t **buffer, size_t *size, size_t want, struct assay_error *err)
{
	if (*buffer != NULL && want <= *size)
		return ASSAY_OK;
	uint8_t *larger = malloc(want);
	if (larger == NULL)
		return assay_fail_nomem(err);
	free(*buffer);
	*buffer = larger;
	*size = want;
	return ASSAY_OK;
}

static bool
take_der(struct assay_evidence *ev, struct assay_bytes der, const char *what)
{
	if (ev->cert_count == EVIDENCE_CERTS_MAX) {
		(void)assay_fail(&ev->cert_error, ASSAY_E_FORMAT,
		    "%s: holds more than %d certificates", what, EVIDENCE_CERTS_MAX);
		return false;
	}
	if (assay_x509_parse(&ev->certs[ev->cert_count], der, what, &ev->cert_error) != ASSAY_OK)
		return false;
	ev->cert_count++;
	return true;
}

/* Base64 decodes to less than it is long: the chain's buffer has room for all of it. */
static bool
take_pem(struct assay_evidence *ev, struct assay_bytes in, const char *what)
{
	size_t at = 0, len;

	for (;;) {
		struct pem_block block;
		uint8_t *der = ev->chain + ev->chain_used;
		if (assay_pem_next(&block, &at, in, what, &ev->cert_error) != ASSAY_OK)
			return false;
		if (block.label.len == 0)
			return true;
		if (!assay_bytes_equal(block.label, assay_bytes_of("CERTIFICATE")) ||
		    ASSAY_UNBASE64_MAX(block.body.len) > ev->chain_size - ev->chain_used ||
		    !assay_unbase64(der, &len, block.body)) {
			(void)assay_fail(&ev->cert_error, ASSAY_E_FORMAT,
			    "%s: a PEM block %s is no certificate", what,
			    assay_quote(block.label).text);
			return false;
		}
		ev->chain_used += len;
		if (!take_der(ev, (struct assay_bytes){ der, len }, what))
			return false;
	}
}

enum assay_code
assay_evidence_take_certs(struct assay_evidence *ev, struct assay_bytes all,
    const struct assay_bytes *spans, size_t count, const char *what, struct assay_error *err)
{
	bool go_on = true;

	/* The form decides where in the bytes certificates are looked for. */
	if (ev->chain_len > 0 && strcmp(ev->chain_what, what) == 0 &&
	    assay_bytes_equal(all, (struct assay_bytes){ ev->chain, ev->chain_len }))
		return ASSAY_OK;
	ev->chain_len = ev->cert_count = 0;
	ev->pck.cert = NULL;
	ev->cert_error.code = ASSAY_OK;
	enum assay_code rc = grow_to(&ev->chain, &ev->chain_size, 2 * all.len + 64, err);
	if (rc != ASSAY_OK || all.len == 0 || ev->chain == NULL)
		return rc;
	memcpy(ev->chain, all.ptr, all.len);
	ev->chain_len = ev->chain_used = all.len;
	ev->chain_what = what;
	for (size_t i = 0; i < count && go_on; i++) {
		struct assay_bytes in = { ev->chain + (spans[i].ptr - all.ptr), spans[i].len };
		go_on = assay_pem_recognise(in) ? take_pem(ev, in, what) : take_der(ev, in, what);
	}
	return ASSAY_OK;
}

static enum assay_code
parse(struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err)
{
	const struct assay_tee *tee = recognise(in);
	uint8_t *text = NULL;
	size_t len = 0;
	enum assay_code rc;

	if (tee == NULL) { /* not raw: hex or base64 of it? */
		if ((rc = assay_untext(&text, &len, in, err)) != ASSAY_OK)
			return rc;
		if (text != NULL) {
			in = (struct assay_bytes){ text, len };
			tee = recognise(in);
		}
	}
	if (tee == NULL) {
		free(text);
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "is no evidence: not an SGX or TDX quote, not an SEV-SNP report, not a legacy "
		    "SEV report");
	}
	if ((rc = grow_to(&ev->store, &ev->store_size, in.len, err)) == ASSAY_OK) {
		memcpy(ev->store, in.ptr, in.len);
		rc = tee->parse(ev, (struct assay_bytes){ ev->store, in.len }, err);
	}
	free(text);
	if (rc == ASSAY_OK)
		ev->tee = tee;
	return rc;
}

enum assay_code
assay_evidence_parse(struct assay_evidence **out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_evidence *ev = *out;

	if (in.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT, "is empty; evidence has at least 208 bytes");
	if (in.len > EVIDENCE_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "is %zu bytes; evidence has at most %d",
		    in.len, EVIDENCE_MAX);
	if (ev == NULL && (ev = calloc(1, sizeof *ev)) == NULL)
		return assay_fail_nomem(err);
	ev->tee = NULL;
	enum assay_code rc = parse(ev, in, err);
	if (rc == ASSAY_OK)
		*out = ev;
	else if (*out == NULL)
		assay_evidence_free(ev);
	return rc;
}

void
assay_evidence_free(struct assay_evidence *ev)
{
	if (ev == NULL)
		return;
	free(ev->store);
	free(ev->chain);
	free(ev);
}

const char *
assay_evidence_tee(const struct assay_evidence *ev)
{
	return ev->tee != NULL ? ev->tee->name : "";
}

const char *
assay_evidence_title(const struct assay_evidence *ev)
{
	return ev->tee != NULL ? ev->tee->title : "";
}

const char *
assay_evidence_kind(const struct assay_evidence *ev)
{
	return ev->tee != NULL ? ev->kind : "";
}

enum assay_code
assay_evidence_verify(struct assay_claims **claims, struct assay_checks *checks,
    const struct assay_evidence *ev, const struct assay_appraisal *how, struct assay_error *err)
{
	if (ev->tee == NULL)
		return assay_fail(
		    err, ASSAY_E_USAGE, "the evidence is empty: its parse has failed");
	if (how->trust == NULL)
		return assay_fail(err, ASSAY_E_USAGE, "no trust object was given");
	if (how->report_data.len > ev->tee->report_data_size)
		return assay_fail(err, ASSAY_E_USAGE,
		    "%zu bytes of report data: %s evidence holds %zu", how->report_data.len,
		    ev->tee->title, ev->tee->report_data_size);
	if (*claims == NULL && (*claims = calloc(1, sizeof **claims)) == NULL)
		return assay_fail_nomem(err);
	assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
	ev->tee->verify(*claims, checks, ev, how);
	return assay_checks_conclude(checks, err);
}
