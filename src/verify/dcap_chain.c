/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/dcap.h"

#include <string.h>

#include "verify/roots.h"

#define INTEL_REST "O", "Intel Corporation", "L", "Santa Clara", "ST", "CA", "C", "US", NULL

/* Source: Intel SGX PCK Certificate and CRL Profile, 2 and 3. */
static const char *const root_name[] = { "CN", "Intel SGX Root CA", INTEL_REST };
static const char *const platform_name[] = { "CN", "Intel SGX PCK Platform CA", INTEL_REST };
static const char *const processor_name[] = { "CN", "Intel SGX PCK Processor CA", INTEL_REST };
static const char *const pck_name[] = { "CN", "Intel SGX PCK Certificate", INTEL_REST };

static bool
is_pck(const struct x509_cert *cert)
{
	return assay_x509_extension(cert, pck_extension_oid) != NULL;
}

/* AKID, where it is there, names the issuer's key. */
static bool
names_key(struct assay_bytes akid, const struct x509_cert *issuer)
{
	return akid.len == 0 || issuer == NULL || issuer->skid.len == 0 ||
	    assay_bytes_equal(akid, issuer->skid);
}

/* Type 5: exactly leaf, CA and root, by what they are and not by where they stand (a real quote
 * has leaf, root, CA). */
static bool
sort_chain(struct dcap *d)
{
	const struct assay_evidence *ev = d->ev;

	for (size_t i = 0; i < ev->cert_count; i++) {
		const struct x509_cert *c = &ev->certs[i];
		const struct x509_cert **slot = is_pck(c)      ? &d->leaf
		    : assay_bytes_equal(c->issuer, c->subject) ? &d->root
							       : &d->ca;
		if (*slot != NULL)
			return false;
		*slot = c;
	}
	return d->leaf != NULL && d->ca != NULL && d->root != NULL;
}

/* The PCK certificate is not in the quote: the one whose key signed the QE report is the one. */
static const struct x509_cert *
find_leaf(struct dcap *d)
{
	const struct x509_cert *first = NULL;
	const struct item *item;
	uint8_t digest[ASSAY_SHA256_LEN];

	assay_sha256(digest, d->quote->qe_report_bytes);
	for (size_t at = 0; (item = assay_run_next(&d->run, ITEM_CERT, &at, NULL)) != NULL;) {
		if (!is_pck(&item->cert))
			continue;
		struct signer key = assay_signer(&d->run, item->cert.key);
		bool ok = assay_run_signed(&d->run, &key, FACT_QE_REPORT, ASSAY_ECDSA_P256_SHA256,
		    (struct assay_bytes){ digest, sizeof digest }, d->quote->qe_report_signature);
		assay_signer_clear(&d->run, &key);
		if (ok)
			return &item->cert;
		if (first == NULL)
			first = &item->cert;
	}
	return first;
}

static const struct x509_cert *
find_issuer(struct dcap *d, const struct x509_cert *of)
{
	const struct item *item;

	for (size_t at = 0; (item = assay_run_next(&d->run, ITEM_CERT, &at, NULL)) != NULL;)
		if (assay_bytes_equal(item->cert.subject, of->issuer) &&
		    names_key(of->akid, &item->cert))
			return &item->cert;
	return NULL;
}

static void
need_pck(struct dcap *d)
{
	struct assay_checks *cs = d->run.checks;
	char which[112];

	if (d->quote->pck_cert_type == QUOTE_CERT_PCK_LEAF && d->leaf != NULL) {
		assay_check_need(cs, CHECK_DCAP_PCK_CHAIN, "PCK CA certificate",
		    "the issuer of the PCK certificate",
		    "the quote holds the PCK certificate alone, and its issuer is not in the "
		    "collateral");
		return;
	}
	/* PCESVN and PCEID stand behind PPID and CPUSVN in types 1 to 3. */
	if (d->quote->cert_data.len >= 36) {
		struct assay_bytes tail =
		    assay_bytes_at(d->quote->cert_data, d->quote->cert_data.len - 20, 16);
		(void)snprintf(which, sizeof which, "CPUSVN %s, PCESVN %u",
		    assay_quote_hex(tail).text,
		    assay_u16le(d->quote->cert_data.ptr + d->quote->cert_data.len - 4));
	} else
		(void)snprintf(which, sizeof which, "this platform");
	assay_check_need(cs, CHECK_DCAP_PCK_CHAIN,
	    d->leaf == NULL ? "PCK certificate" : "PCK CA certificate", which,
	    "the quote has certification data of type %u, which holds no certificate chain",
	    d->quote->pck_cert_type);
}

static bool
gather(struct dcap *d)
{
	struct assay_checks *cs = d->run.checks;
	const struct assay_evidence *ev = d->ev;

	if (ev->cert_error.code != ASSAY_OK) {
		assay_check_fail(
		    cs, CHECK_DCAP_PCK_CHAIN, ev->cert_error.code, "%s", ev->cert_error.text);
		return false;
	}
	if (d->quote->pck_cert_type == QUOTE_CERT_PCK_CHAIN) {
		bool whole = sort_chain(d);
		assay_check_that(cs, CHECK_DCAP_PCK_CHAIN, whole, ASSAY_E_FORMAT,
		    "leaf, CA and root are in the quote",
		    "the quote holds %zu certificates that are not one PCK certificate, its CA and "
		    "a root",
		    ev->cert_count);
		return whole;
	}
	d->leaf = ev->cert_count == 1 && is_pck(&ev->certs[0]) ? &ev->certs[0] : find_leaf(d);
	if (d->leaf != NULL)
		d->ca = find_issuer(d, d->leaf);
	if (d->ca == NULL) {
		need_pck(d);
		return false;
	}
	const struct x509_cert *root = find_issuer(d, d->ca);
	if (root != NULL && root != d->ca && assay_trust_anchor(d->run.trust, root->key) != NULL)
		d->root = root;
	assay_check_pass(cs, CHECK_DCAP_PCK_CHAIN, "completed from the collateral");
	return true;
}

/* Without a root certificate the anchor is known by the name under which the CA was issued, and
 * among several of that name by the signature. */
static const struct anchor *
anchor_by_name(const struct dcap *d)
{
	const struct assay_trust *t = d->run.trust;
	const struct anchor *first = NULL;

	for (size_t i = 0; i < t->anchor_count; i++) {
		const struct anchor *a = &t->anchors[i];
		if (a->key.public.kind != ASSAY_KEY_P256 ||
		    !(a->subject.len > 0 ? assay_bytes_equal(a->subject, d->ca->issuer)
					 : assay_x509_name_is(d->ca->issuer, root_name)))
			continue;
		struct signer by = assay_signer(&d->run, a->key.public);
		if (assay_run_cert_signed(&d->run, &by, d->ca))
			return a;
		if (first == NULL)
			first = a;
	}
	return first;
}

/* An edition of Intel's root that is built in, byte for byte where it matters. */
static bool
known_edition(const struct x509_cert *c)
{
	for (size_t i = 0; i < INTEL_ROOT_EDITIONS; i++) {
		const struct root_edition *e = &assay_intel_root_editions[i];
		if (c->digest_len == sizeof e->digest &&
		    memcmp(c->digest, e->digest, c->digest_len) == 0 &&
		    c->signature_len == sizeof e->signature &&
		    memcmp(c->signature, e->signature, c->signature_len) == 0)
			return true;
	}
	return false;
}

/* What keeps the root certificate of the chain from being that of a trusted key; NULL if nothing
 * does. The key alone is pinned, so its name and dates count only under its own signature. */
static const char *
root_flaw(const struct dcap *d)
{
	const struct x509_cert *c = d->root;

	if (d->anchor == NULL)
		return "has a key that is not Intel's, nor one of --trust-root";
	if (c == NULL || (d->anchor->subject.len == 0 && known_edition(c)))
		return NULL;
	if (d->anchor->subject.len > 0 ? !assay_bytes_equal(c->subject, d->anchor->subject)
				       : !assay_x509_name_is(c->subject, root_name))
		return "has the trusted key under another name";
	struct signer self = assay_signer(&d->run, c->key);
	return assay_run_cert_signed(&d->run, &self, c)
	    ? NULL
	    : "has the trusted key, and is not signed with it";
}

static void
pin_root(struct dcap *d)
{
	struct assay_checks *cs = d->run.checks;

	d->anchor =
	    d->root != NULL ? assay_trust_anchor(d->run.trust, d->root->key) : anchor_by_name(d);
	const char *flaw = root_flaw(d);
	assay_check_that(cs, CHECK_DCAP_ROOT_PINNED, flaw == NULL, ASSAY_E_SIGNATURE,
	    "ends in a trusted root key", "the root of the chain, %s, %s",
	    flaw == NULL ? "" : assay_quote(assay_x509_common_name(d->ca->issuer)).text, flaw);
	d->root_key = (struct signer){ .broken = true };
	if (d->root != NULL) {
		assay_run_dates(&d->run, CHECK_DCAP_ROOT_DATES, d->root->not_before,
		    d->root->not_after, "root certificate");
		d->root_key = assay_signer(&d->run, d->root->key);
	} else if (d->anchor != NULL) {
		assay_run_dates(&d->run, CHECK_DCAP_ROOT_DATES, d->anchor->not_before,
		    d->anchor->not_after, "root certificate");
		d->root_key = assay_signer(&d->run, d->anchor->key.public);
	}
}

/* What keeps a certificate from being what its place asks for; NULL if nothing does. */
static const char *
ca_flaw(const struct dcap *d)
{
	const struct x509_cert *c = d->ca;

	if (d->root != NULL && !assay_bytes_equal(c->issuer, d->root->subject))
		return "it was not issued under the root's name";
	if (!d->platform_ca && !assay_x509_name_is(c->subject, processor_name))
		return "its subject is neither PCK Platform CA nor PCK Processor CA";
	if (c->scheme != ASSAY_ECDSA_P256_SHA256 || c->key.kind != ASSAY_KEY_P256)
		return "it is not ECDSA P-256 with SHA-256";
	if (!c->has_basic || !c->ca)
		return "it is not a CA (basicConstraints)";
	if (!c->has_usage || (c->usage & X509_KEY_CERT_SIGN) == 0 ||
	    (c->usage & X509_CRL_SIGN) == 0)
		return "its key usage does not allow signing certificates and CRLs";
	if (!names_key(c->akid, d->root))
		return "its authority key identifier names another root key";
	return NULL;
}

static bool
signs_data_only(const struct x509_cert *c)
{
	return c->has_usage && (c->usage & X509_DIGITAL_SIGNATURE) != 0 &&
	    (c->usage & X509_KEY_CERT_SIGN) == 0;
}

static const char *
leaf_flaw(const struct pck_in_chain *pck, const struct x509_cert *ca)
{
	const struct x509_cert *c = pck->cert;

	if (c == NULL)
		return "it has no SGX extension";
	if (pck->error.code != ASSAY_OK)
		return pck->error.text;
	if (!assay_bytes_equal(c->issuer, ca->subject))
		return "it was not issued under the CA's name";
	if (!pck->named)
		return "its subject is not Intel SGX PCK Certificate";
	if (c->scheme != ASSAY_ECDSA_P256_SHA256 || c->key.kind != ASSAY_KEY_P256)
		return "it is not ECDSA P-256 with SHA-256";
	if (c->ca)
		return "it is a CA, and a PCK certificate is none";
	if (!signs_data_only(c))
		return "its key usage is not that of a key that signs data";
	if (!names_key(c->akid, ca))
		return "its authority key identifier names another CA key";
	return NULL;
}

void
assay_dcap_read_pck(struct pck_in_chain *out, const struct x509_cert *cert)
{
	const struct x509_extension *ext = assay_x509_extension(cert, pck_extension_oid);

	if (ext == NULL)
		return;
	out->cert = cert;
	out->named = assay_x509_name_is(cert->subject, pck_name);
	if (assay_pck_extension_parse(&out->extension, ext->value, &out->error) == ASSAY_OK)
		out->error.code = ASSAY_OK;
}

static void
check_leaf(struct dcap *d)
{
	struct assay_checks *cs = d->run.checks;
	struct pck_in_chain other = { 0 };
	const struct pck_in_chain *pck = &d->ev->pck;

	if (pck->cert != d->leaf) { /* it came as collateral */
		assay_dcap_read_pck(&other, d->leaf);
		pck = &other;
	}
	d->has_pck = pck->cert != NULL && pck->error.code == ASSAY_OK;
	if (d->has_pck)
		d->pck = pck->extension;
	const char *flaw = leaf_flaw(pck, d->ca);
	assay_check_that(cs, CHECK_DCAP_PCK_PROFILE, flaw == NULL,
	    d->has_pck ? ASSAY_E_SIGNATURE : ASSAY_E_FORMAT, "a PCK certificate under its CA",
	    "PCK certificate: %s", flaw);
	assay_check_that(cs, CHECK_DCAP_PCK_SIGNATURE,
	    assay_run_cert_signed(&d->run, &d->ca_key, d->leaf), ASSAY_E_SIGNATURE,
	    "signed by its CA", "the PCK certificate is not signed by its CA");
	assay_run_dates(&d->run, CHECK_DCAP_PCK_DATES, d->leaf->not_before, d->leaf->not_after,
	    "PCK certificate");
}

void
assay_dcap_chain(struct dcap *d)
{
	struct assay_checks *cs = d->run.checks;

	if (!gather(d)) {
		d->leaf = d->ca = d->root = NULL;
		return;
	}
	pin_root(d);
	d->ca_key = assay_signer(&d->run, d->ca->key);
	d->leaf_key = assay_signer(&d->run, d->leaf->key);
	d->platform_ca = assay_x509_name_is(d->ca->subject, platform_name);
	const char *flaw = ca_flaw(d);
	assay_check_that(cs, CHECK_DCAP_PCK_CA_PROFILE, flaw == NULL, ASSAY_E_SIGNATURE,
	    "a PCK CA under the root", "PCK CA certificate: %s", flaw);
	assay_check_that(cs, CHECK_DCAP_PCK_CA_SIGNATURE,
	    assay_run_cert_signed(&d->run, &d->root_key, d->ca), ASSAY_E_SIGNATURE,
	    "signed by the root", "the PCK CA certificate is not signed by the root");
	assay_run_dates(&d->run, CHECK_DCAP_PCK_CA_DATES, d->ca->not_before, d->ca->not_after,
	    "PCK CA certificate");
	check_leaf(d);
}

/* --- revocation ----------------------------------------------------------------------------- */

struct crl_ids {
	enum assay_check_id signature, dates, floor;
	const char *what; /* "root CRL" */
};

/* Finds the CRL of an issuer and authenticates it; NULL if there is none. */
static const struct item *
take_crl(struct dcap *d, const struct crl_ids *ids, struct assay_bytes issuer, struct signer *by,
    const struct x509_cert *by_cert)
{
	struct assay_checks *cs = d->run.checks;
	const struct item *item = assay_run_crl(&d->run, issuer, false);
	char which[72];

	if (item == NULL) {
		struct assay_bytes cn = assay_x509_common_name(issuer);
		(void)snprintf(which, sizeof which, "%.*s", (int)(cn.len < 64 ? cn.len : 64),
		    (const char *)cn.ptr);
		assay_check_need(cs, ids->signature, ids->what, which, "no CRL of %s was given",
		    assay_quote(cn).text);
		return NULL;
	}
	assay_check_that(cs, ids->signature,
	    names_key(item->crl.akid, by_cert) && item->crl.akid.len > 0 &&
		assay_run_crl_signed(&d->run, by, &item->crl),
	    ASSAY_E_SIGNATURE, "signed by its issuer",
	    "the %s is not signed by the issuer that it names", ids->what);
	assay_run_dates(
	    &d->run, ids->dates, item->crl.this_update, item->crl.next_update, ids->what);
	assay_run_crl_floor(&d->run, ids->floor, &item->crl);
	return item;
}

static void
check_revoked(struct dcap *d, enum assay_check_id id, const struct item *crl, struct signer *by,
    const struct x509_cert *cert, const char *what)
{
	if (crl == NULL) {
		assay_check_need(
		    d->run.checks, id, "", "", "%s: cannot be told without the CRL", what);
		return;
	}
	assay_check_that(d->run.checks, id,
	    !assay_run_revoked(&d->run, by, cert->issuer, cert->serial), ASSAY_E_REVOKED,
	    "not on its issuer's CRL", "the %s (serial %s) was revoked by its issuer", what,
	    assay_quote_hex(cert->serial).text);
}

void
assay_dcap_revocation(struct dcap *d)
{
	static const struct crl_ids root_ids = { CHECK_DCAP_ROOT_CRL_SIGNATURE,
		CHECK_DCAP_ROOT_CRL_DATES, CHECK_DCAP_ROOT_CRL_FLOOR, "root CRL" };
	static const struct crl_ids pck_ids = { CHECK_DCAP_PCK_CRL_SIGNATURE,
		CHECK_DCAP_PCK_CRL_DATES, CHECK_DCAP_PCK_CRL_FLOOR, "PCK CRL" };

	if (d->ca == NULL)
		return;
	d->root_crl = take_crl(d, &root_ids, d->ca->issuer, &d->root_key, d->root);
	check_revoked(
	    d, CHECK_DCAP_PCK_CA_REVOKED, d->root_crl, &d->root_key, d->ca, "PCK CA certificate");
	const struct item *crl = take_crl(d, &pck_ids, d->ca->subject, &d->ca_key, d->ca);
	check_revoked(d, CHECK_DCAP_PCK_REVOKED, crl, &d->ca_key, d->leaf, "PCK certificate");
}

/* --- TCB info and QE identity ---------------------------------------------------------------- */

static bool
live(const struct signed_json *doc, int64_t now)
{
	return doc->issue_date <= now && now <= doc->next_update;
}

/* In force before ended; then the higher evaluation number; then the newer. */
static bool
preferred(const struct signed_json *a, const struct signed_json *b, int64_t now)
{
	if (live(a, now) != live(b, now))
		return live(a, now);
	if (a->evaluation != b->evaluation)
		return a->evaluation > b->evaluation;
	return a->issue_date > b->issue_date;
}

/* A document that came along stands for the caller's own only if it is newer than all of them; and
 * it is of no evaluation before theirs, not even if theirs are for other platforms: Intel serves
 * several evaluations at a time, and whoever carries the bundle would choose. */
struct newest {
	uint32_t evaluation;
	int64_t issued;
};

static bool
hidden(struct newest *own, const struct signed_json *doc, bool brought)
{
	if (brought)
		return doc->issue_date <= own->issued || doc->evaluation < own->evaluation;
	if (doc->issue_date > own->issued)
		own->issued = doc->issue_date;
	if (doc->evaluation > own->evaluation)
		own->evaluation = doc->evaluation;
	return false;
}

static const struct item *
find_tcb_info(struct dcap *d, const struct item **other)
{
	const struct item *best = NULL, *item;
	struct newest own = { 0, INT64_MIN };
	uint32_t version = 0; /* the highest of theirs: one before knows no advisories */
	bool brought;

	for (size_t at = 0;
	     (item = assay_run_next(&d->run, ITEM_TCB_INFO, &at, &brought)) != NULL;) {
		if (!brought && item->tcb.version > version)
			version = item->tcb.version;
		if (item->tcb.tdx != d->tdx ||
		    memcmp(item->tcb.fmspc, d->pck.fmspc, sizeof d->pck.fmspc) != 0) {
			*other = item;
			if (!brought && item->tcb.tdx == d->tdx &&
			    item->tcb.doc.evaluation > own.evaluation)
				own.evaluation = item->tcb.doc.evaluation;
		} else if (!hidden(&own, &item->tcb.doc, brought) &&
		    (!brought || item->tcb.version >= version) &&
		    (best == NULL || preferred(&item->tcb.doc, &best->tcb.doc, d->run.how->now)))
			best = item;
	}
	return best;
}

static const struct item *
find_qe_identity(struct dcap *d, const struct item **other)
{
	const struct item *best = NULL, *item;
	struct newest own = { 0, INT64_MIN };
	bool brought;

	for (size_t at = 0;
	     (item = assay_run_next(&d->run, ITEM_QE_IDENTITY, &at, &brought)) != NULL;) {
		if (strcmp(item->qe.id, d->tdx ? "TD_QE" : "QE") != 0)
			*other = item;
		else if (!hidden(&own, &item->qe.doc, brought) &&
		    (best == NULL || preferred(&item->qe.doc, &best->qe.doc, d->run.how->now)))
			best = item;
	}
	return best;
}

static bool
document_signed(const struct dcap *d, struct signer *by, const struct item *item)
{
	bool tcb = item->kind == ITEM_TCB_INFO;
	const struct signed_json *doc = tcb ? &item->tcb.doc : &item->qe.doc;

	return assay_run_signed(&d->run, by, tcb ? FACT_TCB_INFO : FACT_QE_IDENTITY,
	    ASSAY_ECDSA_P256_SHA256, (struct assay_bytes){ item->digest, sizeof item->digest },
	    (struct assay_bytes){ doc->signature, sizeof doc->signature });
}

static const char *
signing_flaw(const struct dcap *d, const struct x509_cert *c)
{
	if (!assay_bytes_equal(c->issuer, d->ca->issuer))
		return "it was not issued under the root of the PCK chain";
	if (c->scheme != ASSAY_ECDSA_P256_SHA256 || c->key.kind != ASSAY_KEY_P256)
		return "it is not ECDSA P-256 with SHA-256";
	if (c->ca)
		return "it is a CA, and a TCB signing certificate is none";
	if (!signs_data_only(c))
		return "its key usage is not that of a key that signs data";
	if (!names_key(c->akid, d->root))
		return "its authority key identifier names another root key";
	return NULL;
}

/*
 * The TCB signing certificate for a document: one whose key signed it, one in force before one
 * that has ended (Intel has issued two with one key), else the first by that name.
 */
static const struct item *
find_signing(struct dcap *d, const struct item *doc)
{
	const struct item *best = NULL, *item;
	bool best_signed = false, best_live = false;

	for (size_t at = 0; (item = assay_run_next(&d->run, ITEM_CERT, &at, NULL)) != NULL;) {
		if (!item->tcb_signing)
			continue;
		bool in_force = item->cert.not_before <= d->run.how->now &&
		    d->run.how->now <= item->cert.not_after;
		if (best != NULL && assay_public_equal(item->cert.key, best->cert.key)) {
			if (in_force && !best_live) {
				best = item;
				best_live = true;
			}
			continue;
		}
		if (best != NULL && !best_signed) {
			/* Two keys of one name: only here does it take a trial to tell. */
			struct signer a = assay_signer(&d->run, best->cert.key);
			best_signed = document_signed(d, &a, doc);
			assay_signer_clear(&d->run, &a);
		}
		if (best != NULL && best_signed)
			continue;
		best = item;
		best_live = in_force;
	}
	return best;
}

static void
check_signing(struct dcap *d, const struct item *signing)
{
	struct assay_checks *cs = d->run.checks;
	const struct x509_cert *c = &signing->cert;
	const char *flaw = signing_flaw(d, c);

	assay_check_that(cs, CHECK_DCAP_TCB_SIGNING_PROFILE, flaw == NULL, ASSAY_E_SIGNATURE,
	    "a TCB signing certificate under the root", "TCB signing certificate: %s", flaw);
	assay_check_that(cs, CHECK_DCAP_TCB_SIGNING_SIGNATURE,
	    assay_run_cert_signed(&d->run, &d->root_key, c), ASSAY_E_SIGNATURE,
	    "signed by the root", "the TCB signing certificate is not signed by the root");
	assay_run_dates(&d->run, CHECK_DCAP_TCB_SIGNING_DATES, c->not_before, c->not_after,
	    "TCB signing certificate");
	check_revoked(d, CHECK_DCAP_TCB_SIGNING_REVOKED, d->root_crl, &d->root_key, c,
	    "TCB signing certificate");
}

struct doc_ids {
	enum assay_check_id signature, dates, evaluation;
	const char *what;
};

static void
check_document(struct dcap *d, const struct doc_ids *ids, const struct item *item,
    const struct signed_json *doc, const struct item *signing, struct signer *by)
{
	struct assay_checks *cs = d->run.checks;

	if (signing == NULL)
		assay_check_need(cs, ids->signature, "TCB signing certificate",
		    "issuer chain of the collateral",
		    "%s: the certificate of its signer was not given", ids->what);
	else
		assay_check_that(cs, ids->signature, document_signed(d, by, item),
		    ASSAY_E_SIGNATURE, "signed by the TCB signing key, over the bytes as received",
		    "%s: its signature does not verify over the bytes as received", ids->what);
	assay_run_dates(&d->run, ids->dates, doc->issue_date, doc->next_update, ids->what);
	assay_check_that(cs, ids->evaluation, doc->evaluation >= d->run.trust->min_evaluation,
	    ASSAY_E_EXPIRED, "not below the floor",
	    "%s: tcbEvaluationDataNumber is %u, and at least %u is asked for: an older one is "
	    "being replayed",
	    ids->what, doc->evaluation, d->run.trust->min_evaluation);
}

static void
check_platform(struct dcap *d)
{
	const struct tcb_info *t = &d->tcb->tcb;

	assay_check_that(d->run.checks, CHECK_DCAP_TCB_INFO_PLATFORM,
	    memcmp(t->pce_id, d->pck.pce_id, sizeof t->pce_id) == 0, ASSAY_E_SIGNATURE,
	    "for this platform and TEE",
	    "the TCB info is for PCEID %02x%02x, the platform has %02x%02x", t->pce_id[0],
	    t->pce_id[1], d->pck.pce_id[0], d->pck.pce_id[1]);
}

static void
need_tcb_info(struct dcap *d, const struct item *other)
{
	struct assay_checks *cs = d->run.checks;
	char hex[2 * sizeof d->pck.fmspc + 1], which[64];

	assay_hex(hex, (struct assay_bytes){ d->pck.fmspc, sizeof d->pck.fmspc });
	(void)snprintf(which, sizeof which, "%s, FMSPC %s", d->tdx ? "TDX" : "SGX", hex);
	if (other != NULL && !d->run.trust->store)
		assay_check_fail(cs, CHECK_DCAP_TCB_INFO_PLATFORM, ASSAY_E_SIGNATURE,
		    "the TCB info given is for %s, this platform is %s", other->subject, which);
	assay_check_need(cs, CHECK_DCAP_TCB_INFO_SIGNATURE, "TCB info", which,
	    "no TCB info for %s was given", which);
}

void
assay_dcap_collateral(struct dcap *d)
{
	static const struct doc_ids tcb_ids = { CHECK_DCAP_TCB_INFO_SIGNATURE,
		CHECK_DCAP_TCB_INFO_DATES, CHECK_DCAP_TCB_INFO_EVALUATION, "TCB info" };
	static const struct doc_ids qe_ids = { CHECK_DCAP_QE_IDENTITY_SIGNATURE,
		CHECK_DCAP_QE_IDENTITY_DATES, CHECK_DCAP_QE_IDENTITY_EVALUATION, "QE identity" };
	struct assay_checks *cs = d->run.checks;
	const char *qe_which = d->tdx ? "TD QE" : "QE";
	const struct item *other_tcb = NULL, *other_qe = NULL;

	if (!d->has_pck) /* without FMSPC nothing tells which TCB info is due */
		return;
	d->tcb = find_tcb_info(d, &other_tcb);
	d->qe = find_qe_identity(d, &other_qe);
	if (d->tcb == NULL)
		need_tcb_info(d, other_tcb);
	if (d->qe == NULL) {
		if (other_qe != NULL && !d->run.trust->store)
			assay_check_fail(cs, CHECK_DCAP_QE_IDENTITY_ID, ASSAY_E_SIGNATURE,
			    "the identity given is of %s, the quote needs that of the %s",
			    other_qe->subject, qe_which);
		assay_check_need(cs, CHECK_DCAP_QE_IDENTITY_SIGNATURE, "QE identity", qe_which,
		    "no identity of the %s was given", qe_which);
	}
	const struct item *tcb_signing = d->tcb != NULL ? find_signing(d, d->tcb) : NULL;
	const struct item *qe_signing = d->qe != NULL ? find_signing(d, d->qe) : NULL;
	struct signer keys[2] = { { .broken = true }, { .broken = true } };
	struct signer *qe_key = &keys[0];
	if (tcb_signing != NULL) {
		check_signing(d, tcb_signing);
		keys[0] = assay_signer(&d->run, tcb_signing->cert.key);
	}
	if (qe_signing != NULL && qe_signing != tcb_signing) {
		check_signing(d, qe_signing);
		keys[1] = assay_signer(&d->run, qe_signing->cert.key);
		qe_key = &keys[1];
	}
	if (d->tcb != NULL) {
		check_document(d, &tcb_ids, d->tcb, &d->tcb->tcb.doc, tcb_signing, &keys[0]);
		check_platform(d);
	}
	if (d->qe != NULL) {
		check_document(d, &qe_ids, d->qe, &d->qe->qe.doc, qe_signing, qe_key);
		assay_check_pass(cs, CHECK_DCAP_QE_IDENTITY_ID, "the one for this TEE");
	}
	assay_signer_clear(&d->run, &keys[0]);
	assay_signer_clear(&d->run, &keys[1]);
}
