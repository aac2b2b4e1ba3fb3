/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "parse/pem.h"
#include "parse/unwrap.h"
#include "verify/tee.h"
#include "verify/trust.h"

enum {
	EVIDENCE_MAX = 1 << 20, /* a quote is 5 KB, a report with its certificates 10 KB */
	WRAPPED_MAX = 8 << 20,  /* a wrapper's own limits are lower; as hex it is twice as long */
	BROUGHT_MAX = 32,       /* items of collateral; a quote needs 9 */
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

/* --- out of a wrapper ------------------------------------------------------------------- */

/* By what the wrapper says that it is; if it names a provider alone, by that. */
static const struct assay_tee *
named_tee(const struct unwrapped *u)
{
	bool by_provider = u->tee.len == 0;
	struct assay_bytes want = by_provider ? assay_bytes_of(u->provider) : u->tee;

	for (const struct assay_tee *const *t = assay_tees; *t != NULL; t++) {
		const char *name = by_provider ? (*t)->provider : (*t)->name;
		if (name != NULL && assay_bytes_equal(want, assay_bytes_of(name)))
			return *t;
	}
	if (by_provider || assay_bytes_equal(want, assay_bytes_of(assay_tee_opaque.name)))
		return &assay_tee_opaque;
	return NULL;
}

/* What the wrapper says of its parts must agree: none of it is proven, and none of it may mislead. */
static enum assay_code
check_parts(const struct assay_tee *tee, const struct unwrapped *u, struct assay_error *err)
{
	const char *name = tee->name;

	if (tee == &assay_tee_opaque && u->provider[0] == '\0')
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the evidence is opaque, and no provider is named", u->form);
	for (const struct assay_tee *const *t = assay_tees; *t != NULL; t++)
		if ((*t)->provider != NULL && *t != tee && strcmp((*t)->provider, u->provider) == 0)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "%s: says that %s made it, and calls it %s", u->form, u->provider,
			    name);
	if (u->manifest.len > 0 && !tee->services)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: holds the manifest of an SVSM beside %s evidence", u->form, name);
	if (u->proof.len > 0 && !tee->proof)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: holds the proof of an SEV guest beside %s evidence", u->form, name);
	if (u->certificates.len > 0 && tee != &assay_tee_opaque &&
	    (tee->bare_size == 0 || u->evidence.len != tee->bare_size))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: holds a certificate table beside %s evidence of %zu bytes; it belongs to "
		    "a SEV-SNP report of 1184 bytes",
		    u->form, name, u->evidence.len);
	return ASSAY_OK;
}

static struct assay_bytes
append(uint8_t *to, size_t *at, struct assay_bytes bytes)
{
	struct assay_bytes copy = { to + *at, bytes.len };

	if (bytes.len > 0)
		memcpy(to + *at, bytes.ptr, bytes.len);
	*at += bytes.len;
	return copy;
}

/* Evidence and table stand in the store as in an extended report. */
static enum assay_code
store_parts(struct assay_evidence *ev, const struct assay_tee *tee, const struct unwrapped *u,
    struct assay_error *err)
{
	size_t beside = u->eventlog.len + u->manifest.len + u->proof.len, at = 0;
	size_t len = u->evidence.len + (tee == &assay_tee_opaque ? 0 : u->certificates.len);

	enum assay_code rc = grow_to(&ev->store, &ev->store_size, len, err);
	if (rc == ASSAY_OK && beside > 0)
		rc = grow_to(&ev->beside, &ev->beside_size, beside, err);
	if (rc != ASSAY_OK)
		return rc;
	(void)append(ev->store, &at, u->evidence);
	if (tee != &assay_tee_opaque)
		(void)append(ev->store, &at, u->certificates);
	ev->store_len = at;
	at = 0;
	if (u->eventlog.len > 0)
		ev->eventlog = append(ev->beside, &at, u->eventlog);
	if (u->manifest.len > 0)
		ev->manifest = append(ev->beside, &at, u->manifest);
	memcpy(ev->provider, u->provider, sizeof ev->provider);
	return u->proof.len == 0
	    ? ASSAY_OK
	    : assay_sev_proof_parse(&ev->proof, append(ev->beside, &at, u->proof), err);
}

/* What cannot be read is a failing check of its own: all checks that can still run do. */
enum assay_code
assay_evidence_bring(struct assay_evidence *ev, const struct assay_bytes *files, size_t count,
    const char *what, struct assay_error *err)
{
	struct assay_trust *brought = calloc(1, sizeof *brought); /* without any anchor */
	enum assay_code rc = ASSAY_OK;

	if (brought == NULL)
		return assay_fail_nomem(err);
	for (size_t i = 0; i < count && rc == ASSAY_OK; i++)
		if (files[i].len > 0)
			rc = assay_trust_add(brought, files[i], what, NULL, &ev->brought_error);
	if (rc == ASSAY_OK && brought->item_count > BROUGHT_MAX)
		rc = assay_fail(&ev->brought_error, ASSAY_E_FORMAT,
		    "%s: holds %zu items, at most %d make sense", what, brought->item_count,
		    BROUGHT_MAX);
	if (rc == ASSAY_OK && brought->item_count > 0)
		ev->brought = brought;
	else
		assay_trust_free(brought);
	return rc == ASSAY_E_NOMEM ? assay_fail_nomem(err) : ASSAY_OK;
}

static enum assay_code
bring(struct assay_evidence *ev, struct assay_bytes collateral, struct assay_error *err)
{
	static const char what[] = "collateral of the bundle";

	if (collateral.len == 0)
		return ASSAY_OK;
	if (assay_pem_recognise(collateral))
		return assay_evidence_bring(ev, &collateral, 1, what, err);
	(void)assay_fail(&ev->brought_error, ASSAY_E_FORMAT, "%s: holds no PEM block", what);
	return ASSAY_OK;
}

static void __attribute__((format(printf, 2, 3)))
describe(struct assay_evidence *ev, const char *fmt, ...)
{
	size_t n = strlen(ev->kind);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ev->kind + n, sizeof ev->kind - n, fmt, ap);
	va_end(ap);
}

/* "bundle: report v3, 1184 bytes with SEV-VCEK, SEV-Genoa, ARK-Genoa, AMD CRL; provider sev_guest" */
static void
describe_parts(struct assay_evidence *ev, const struct unwrapped *u)
{
	char inner[sizeof ev->kind];
	size_t with = 0;

	memcpy(inner, ev->kind, sizeof inner);
	ev->kind[0] = '\0';
	describe(ev, "%s: %s", u->form, inner);
	for (size_t i = 0; u->certificates.len > 0 && i < ev->cert_count; i++) {
		struct assay_bytes cn = assay_x509_common_name(ev->certs[i].subject);
		struct assay_quoted name = assay_quote(cn);
		size_t n = strlen(name.text); /* in quotes, which a list does not need */
		describe(ev, "%s%.*s", with++ == 0 ? " with " : ", ", n > 2 ? (int)n - 2 : 0,
		    name.text + 1);
	}
	for (size_t i = 0; ev->brought != NULL && i < ev->brought->item_count; i++)
		if (ev->brought->items[i]->kind != ITEM_CERT)
			describe(ev, "%s%s", with++ == 0 ? " with " : ", ",
			    assay_trust_item_kind(ev->brought, i));
	if (ev->eventlog.len > 0)
		describe(ev, "%sevent log", with++ == 0 ? " with " : ", ");
	if (ev->manifest.len > 0)
		describe(ev, "%sSVSM manifest", with++ == 0 ? " with " : ", ");
	if (ev->proof.key.len > 0)
		describe(ev, "%sproof", with++ == 0 ? " with " : ", ");
	if (ev->provider[0] != '\0' && ev->tee != &assay_tee_opaque)
		describe(ev, "; provider %s", ev->provider);
}

static enum assay_code
parse_unwrapped(struct assay_evidence *ev, const struct unwrapped *u, struct assay_error *err)
{
	const struct assay_tee *tee = named_tee(u);

	if (tee == NULL)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: the evidence is of the type application/vnd.assay.%s, which this version "
		    "does not know",
		    u->form, assay_quote(u->tee).text);
	enum assay_code rc = check_parts(tee, u, err);
	if (rc == ASSAY_OK)
		rc = store_parts(ev, tee, u, err);
	if (rc != ASSAY_OK)
		return rc;
	struct assay_bytes raw = { ev->store, ev->store_len };
	if (tee != &assay_tee_opaque && !tee->recognise(raw))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: says that it holds %s evidence, and its %zu bytes are none", u->form,
		    tee->title, raw.len);
	if ((rc = tee->parse(ev, raw, err)) == ASSAY_OK)
		rc = bring(ev, u->collateral, err);
	if (rc == ASSAY_OK) {
		ev->tee = tee;
		ev->form = u->form;
		describe_parts(ev, u);
	}
	return rc;
}

static enum assay_code
parse_wrapped(struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err)
{
	struct unwrapped u;
	enum assay_code rc = assay_unwrap(&u, in, err);

	if (rc != ASSAY_OK)
		return rc;
	rc = parse_unwrapped(ev, &u, err);
	assay_unwrap_clear(&u);
	return rc;
}

/* --- any form ----------------------------------------------------------------------------- */

static enum assay_code
parse_raw(struct assay_evidence *ev, const struct assay_tee *tee, struct assay_bytes in,
    struct assay_error *err)
{
	if (in.len > EVIDENCE_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "is %zu bytes; evidence has at most %d",
		    in.len, EVIDENCE_MAX);
	enum assay_code rc = grow_to(&ev->store, &ev->store_size, in.len, err);
	if (rc != ASSAY_OK)
		return rc;
	memcpy(ev->store, in.ptr, in.len);
	ev->store_len = in.len;
	if ((rc = tee->parse(ev, (struct assay_bytes){ ev->store, in.len }, err)) == ASSAY_OK)
		ev->tee = tee;
	return rc;
}

static enum assay_code
parse(struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err)
{
	const struct assay_tee *tee = recognise(in);
	uint8_t *text = NULL;
	size_t len = 0;
	enum assay_code rc;

	if (tee == NULL && !assay_unwrap_recognise(in)) { /* not raw: hex or base64 of it? */
		if ((rc = assay_untext(&text, &len, in, err)) != ASSAY_OK)
			return rc;
		if (text != NULL) {
			in = (struct assay_bytes){ text, len };
			tee = recognise(in);
		}
	}
	if (tee != NULL)
		rc = parse_raw(ev, tee, in, err);
	else if (assay_unwrap_recognise(in))
		rc = parse_wrapped(ev, in, err);
	else if (in.len > EVIDENCE_MAX)
		rc = assay_fail(err, ASSAY_E_FORMAT, "is %zu bytes; evidence has at most %d",
		    in.len, EVIDENCE_MAX);
	else
		rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "is no evidence: not an SGX or TDX quote, not an SEV-SNP report, not a legacy "
		    "SEV report, and no bundle of one");
	free(text);
	return rc;
}

/* What a wrapper left in an object that is used again. */
static void
forget(struct assay_evidence *ev)
{
	ev->tee = NULL;
	ev->form = NULL;
	ev->provider[0] = '\0';
	ev->eventlog = ev->manifest = (struct assay_bytes){ NULL, 0 };
	ev->proof.key.len = 0;
	assay_trust_free(ev->brought);
	ev->brought = NULL;
	ev->brought_error.code = ASSAY_OK;
}

enum assay_code
assay_evidence_parse(struct assay_evidence **out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_evidence *ev = *out;

	if (in.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT, "is empty; evidence has at least 208 bytes");
	if (in.len > WRAPPED_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "is %zu bytes; evidence has at most %d",
		    in.len, EVIDENCE_MAX);
	if (ev == NULL && (ev = calloc(1, sizeof *ev)) == NULL)
		return assay_fail_nomem(err);
	forget(ev);
	enum assay_code rc = parse(ev, in, err);
	if (rc == ASSAY_OK)
		*out = ev;
	else if (*out == NULL)
		assay_evidence_free(ev);
	else
		forget(ev);
	return rc;
}

void
assay_evidence_free(struct assay_evidence *ev)
{
	if (ev == NULL)
		return;
	forget(ev);
	free(ev->store);
	free(ev->beside);
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

const char *
assay_evidence_provider(const struct assay_evidence *ev)
{
	return ev->provider;
}

struct assay_bytes
assay_evidence_raw(const struct assay_evidence *ev)
{
	return ev->tee != NULL ? (struct assay_bytes){ ev->store, ev->store_len }
			       : (struct assay_bytes){ NULL, 0 };
}

struct assay_bytes
assay_evidence_eventlog(const struct assay_evidence *ev)
{
	return ev->eventlog;
}

struct assay_bytes
assay_evidence_manifest(const struct assay_evidence *ev)
{
	return ev->manifest;
}

struct assay_bytes
assay_evidence_launch_key(const struct assay_evidence *ev)
{
	return ev->proof.key.len > 0 ? ev->proof.certifier : (struct assay_bytes){ NULL, 0 };
}

const struct assay_trust *
assay_evidence_collateral(const struct assay_evidence *ev)
{
	return ev->brought;
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
	if (how->report_data.len > ASSAY_REPORT_DATA_SIZE)
		return assay_fail(err, ASSAY_E_USAGE, "%zu bytes of report data: evidence holds %d",
		    how->report_data.len, ASSAY_REPORT_DATA_SIZE);
	if (*claims == NULL && (*claims = calloc(1, sizeof **claims)) == NULL)
		return assay_fail_nomem(err);
	assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
	if (ev->brought != NULL)
		assay_check_pass(
		    checks, CHECK_BUNDLE_COLLATERAL, "read, and used for this evidence");
	else if (ev->brought_error.code != ASSAY_OK)
		assay_check_fail(checks, CHECK_BUNDLE_COLLATERAL, ev->brought_error.code, "%s",
		    ev->brought_error.text);
	ev->tee->verify(*claims, checks, ev, how);
	assay_check_eventlog(checks, ev);
	return assay_checks_conclude(checks, err);
}
