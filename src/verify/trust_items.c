/* SPDX-License-Identifier: Apache-2.0 */
/* A trust object seen from outside: what it holds, for whom, until when, and whether it is
 * genuine. */
#include "verify/trust.h"

#include <string.h>

#include "parse/quote.h"
#include "verify/roots.h"

static bool
is_tcb_signing(const struct x509_cert *cert)
{
	static const char *const name[] = { "CN", "Intel SGX TCB Signing", "O", "Intel Corporation",
		"L", "Santa Clara", "ST", "CA", "C", "US", NULL };

	return assay_x509_name_is(cert->subject, name);
}

static void
describe_name(char *out, size_t size, struct assay_bytes name)
{
	struct assay_bytes cn = assay_x509_common_name(name);

	(void)snprintf(out, size, "%.*s", (int)(cn.len < 96 ? cn.len : 96), (const char *)cn.ptr);
	for (char *p = out; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}

/* No field names the product: the key does. */
static const char *
amd_name(const struct amd_cert *c)
{
	for (size_t i = 0; i < SEV_AUTHORITIES; i++) {
		const struct sev_authority *a = &assay_sev_authorities[i];
		if (assay_public_equal(c->public, a->ark))
			return a->ark_name;
		if (assay_public_equal(c->public, a->ask))
			return a->ask_name;
	}
	return c->usage == SEV_USAGE_ARK ? "ARK" : "ASK";
}

void
assay_trust_describe(struct item *item)
{
	char hex[2 * 6 + 1];

	switch (item->kind) {
	case ITEM_CERT:
		describe_name(item->subject, sizeof item->subject, item->cert.subject);
		item->tcb_signing = is_tcb_signing(&item->cert);
		break;
	case ITEM_CRL:
		describe_name(item->subject, sizeof item->subject, item->crl.issuer);
		(void)snprintf(
		    item->note, sizeof item->note, "%zu revoked", item->crl.revoked_count);
		break;
	case ITEM_TCB_INFO:
		assay_hex(hex, (struct assay_bytes){ item->tcb.fmspc, sizeof item->tcb.fmspc });
		(void)snprintf(item->subject, sizeof item->subject, "%s, FMSPC %s",
		    item->tcb.tdx ? "TDX" : "SGX", hex);
		(void)snprintf(item->note, sizeof item->note, "eval %u", item->tcb.doc.evaluation);
		break;
	case ITEM_QE_IDENTITY:
		(void)snprintf(item->subject, sizeof item->subject, "%s",
		    strcmp(item->qe.id, "TD_QE") == 0 ? "TD QE" : item->qe.id);
		(void)snprintf(item->note, sizeof item->note, "eval %u", item->qe.doc.evaluation);
		break;
	case ITEM_SEV_CERT:
		(void)snprintf(item->subject, sizeof item->subject, "%s",
		    assay_sev_usage_name(item->sev.usage));
		break;
	case ITEM_AMD_CERT:
		(void)snprintf(item->subject, sizeof item->subject, "%s", amd_name(&item->amd));
		break;
	}
}

size_t
assay_trust_count(const struct assay_trust *trust)
{
	return trust->item_count;
}

const char *
assay_trust_item_kind(const struct assay_trust *trust, size_t i)
{
	const struct item *item = trust->items[i];

	switch (item->kind) {
	case ITEM_CERT:
		return "certificate";
	case ITEM_TCB_INFO:
		return item->tcb.tdx ? "TDX TCB info" : "SGX TCB info";
	case ITEM_QE_IDENTITY:
		return "QE identity";
	case ITEM_SEV_CERT:
		return "SEV certificate";
	case ITEM_AMD_CERT:
		return "AMD certificate";
	case ITEM_CRL:
		break;
	}
	if (strstr(item->subject, "PCK") != NULL)
		return "PCK CRL";
	return strncmp(item->subject, "ARK", 3) == 0 ? "AMD CRL" : "root CRL";
}

const char *
assay_trust_item_subject(const struct assay_trust *trust, size_t i)
{
	return trust->items[i]->subject;
}

const char *
assay_trust_item_note(const struct assay_trust *trust, size_t i)
{
	return trust->items[i]->note;
}

const char *
assay_trust_item_name(const struct assay_trust *trust, size_t i)
{
	return trust->items[i]->name;
}

static const struct signed_json *
document(const struct item *item)
{
	return item->kind == ITEM_TCB_INFO   ? &item->tcb.doc
	    : item->kind == ITEM_QE_IDENTITY ? &item->qe.doc
					     : NULL;
}

int64_t
assay_trust_item_since(const struct assay_trust *trust, size_t i)
{
	const struct item *item = trust->items[i];

	if (item->kind == ITEM_CERT)
		return item->cert.not_before;
	if (item->kind == ITEM_CRL)
		return item->crl.this_update;
	return document(item) != NULL ? document(item)->issue_date : INT64_MIN;
}

int64_t
assay_trust_item_until(const struct assay_trust *trust, size_t i)
{
	const struct item *item = trust->items[i];

	if (item->kind == ITEM_CERT)
		return item->cert.not_after;
	if (item->kind == ITEM_CRL)
		return item->crl.next_update;
	return document(item) != NULL ? document(item)->next_update : INT64_MAX;
}

struct assay_bytes
assay_trust_item_bytes(const struct assay_trust *trust, size_t i)
{
	return (struct assay_bytes){ trust->items[i]->raw, trust->items[i]->len };
}

const char *
assay_trust_item_label(const struct assay_trust *trust, size_t i)
{
	static const char *const labels[] = {
		[ITEM_CERT] = "CERTIFICATE",
		[ITEM_CRL] = "X509 CRL",
		[ITEM_TCB_INFO] = "TCB INFO",
		[ITEM_QE_IDENTITY] = "ENCLAVE IDENTITY",
		[ITEM_SEV_CERT] = "SEV CERTIFICATE",
		[ITEM_AMD_CERT] = "AMD CERTIFICATE",
	};

	return labels[trust->items[i]->kind];
}

/* The same thing for the same purpose; a certificate only if it holds the same key. */
static bool
same_thing(const struct item *a, const struct item *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case ITEM_CERT:
		return assay_bytes_equal(a->cert.subject, b->cert.subject) &&
		    assay_bytes_equal(a->cert.issuer, b->cert.issuer) &&
		    assay_public_equal(a->cert.key, b->cert.key);
	case ITEM_CRL:
		return assay_bytes_equal(a->crl.issuer, b->crl.issuer) &&
		    assay_bytes_equal(a->crl.akid, b->crl.akid);
	case ITEM_TCB_INFO:
		return a->tcb.tdx == b->tcb.tdx &&
		    memcmp(a->tcb.fmspc, b->tcb.fmspc, sizeof a->tcb.fmspc) == 0 &&
		    memcmp(a->tcb.pce_id, b->tcb.pce_id, sizeof a->tcb.pce_id) == 0;
	case ITEM_QE_IDENTITY:
		return strcmp(a->qe.id, b->qe.id) == 0;
	case ITEM_SEV_CERT:
	case ITEM_AMD_CERT:
		break; /* they have no dates: none is newer */
	}
	return false;
}

bool
assay_trust_item_replaced(const struct assay_trust *trust, size_t i, size_t j)
{
	const struct item *a = trust->items[i], *b = trust->items[j];

	if (i == j || !same_thing(a, b))
		return false;
	/* AMD has two CRLs of one ARK, of VCEKs and of VLEKs, which nothing in them tells apart; and a
	 * verifier heeds each that it has. So one that lists what the newer does not list is kept. */
	if (a->kind == ITEM_CRL && !assay_x509_crl_lists_all(&b->crl, &a->crl))
		return false;
	const struct signed_json *old = document(a), *new = document(b);
	if (old != NULL && new != NULL &&new->evaluation != old->evaluation)
		return new->evaluation > old->evaluation &&new->issue_date >= old->issue_date;
	int64_t since = assay_trust_item_since(trust, i), newer = assay_trust_item_since(trust, j);
	return newer > since || (newer == since && j > i);
}

/* --- genuine? ---------------------------------------------------------------------------- */

static bool
signed_with(struct assay_public key, enum assay_scheme scheme, struct assay_bytes digest,
    struct assay_bytes signature)
{
	struct assay_key ready = { 0 };

	if (assay_key_prepare(&ready, key, NULL) != ASSAY_OK)
		return false;
	bool ok = assay_key_verify(&ready, scheme, digest, signature);
	assay_key_clear(&ready);
	return ok;
}

enum {
	CHAIN_MAX = 4,
	CANDIDATES_MAX = 12, /* of one name; AMD and Intel have replaced one */
	SEV_TRIES_MAX = 128, /* for one chain: nothing names a signer, and a try takes some ms */
};

static enum assay_code chain(
    const struct assay_trust *t, const struct item *item, unsigned depth, struct assay_error *err);

/* Signed by an anchor, or by a certificate among the items that is genuine itself? */
static enum assay_code
signed_in(const struct assay_trust *t, struct assay_bytes issuer, enum assay_scheme scheme,
    struct assay_bytes digest, struct assay_bytes signature, const char *name, unsigned depth,
    struct assay_error *err)
{
	bool named = false;
	size_t tried = 0;
	const struct item *by;
	char cn[64];

	describe_name(cn, sizeof cn, issuer);
	for (size_t i = 0; i < t->anchor_count; i++) {
		if (t->anchors[i].key.public.kind == assay_scheme_key(scheme) &&
		    assay_key_verify(&t->anchors[i].key, scheme, digest, signature))
			return ASSAY_OK;
		named = named || strcmp(t->anchors[i].name, cn) == 0;
	}
	for (size_t at = 0;
	     tried < CANDIDATES_MAX && (by = assay_trust_next(t, ITEM_CERT, &at)) != NULL;) {
		if (!assay_bytes_equal(by->cert.subject, issuer) || !by->cert.ca)
			continue;
		named = true;
		tried++;
		if (depth < CHAIN_MAX && signed_with(by->cert.key, scheme, digest, signature))
			return chain(t, by, depth + 1, err);
	}
	if (tried == CANDIDATES_MAX)
		return assay_fail(err, ASSAY_E_SIGNATURE,
		    "%s: is not signed by any of the first %d certificates of its issuer %s", name,
		    CANDIDATES_MAX, cn);
	if (named)
		return assay_fail(
		    err, ASSAY_E_SIGNATURE, "%s: is not signed by its issuer %s", name, cn);
	return assay_fail(
	    err, ASSAY_E_INCOMPLETE, "%s: the certificate of its issuer %s is not here", name, cn);
}

static enum assay_code
document_signed(const struct assay_trust *t, const struct item *item, struct assay_error *err)
{
	struct assay_bytes digest = { item->digest, sizeof item->digest };
	const struct signed_json *doc =
	    item->kind == ITEM_TCB_INFO ? &item->tcb.doc : &item->qe.doc;
	struct assay_bytes signature = { doc->signature, sizeof doc->signature };
	size_t tried = 0;
	const struct item *by;

	for (size_t at = 0;
	     tried < CANDIDATES_MAX && (by = assay_trust_next(t, ITEM_CERT, &at)) != NULL;) {
		if (!by->tcb_signing)
			continue;
		tried++;
		if (signed_with(by->cert.key, ASSAY_ECDSA_P256_SHA256, digest, signature))
			return chain(t, by, 1, err);
	}
	if (tried == 0)
		return assay_fail(err, ASSAY_E_INCOMPLETE,
		    "%s: the TCB signing certificate is not here", item->name);
	if (tried == CANDIDATES_MAX)
		return assay_fail(err, ASSAY_E_SIGNATURE,
		    "%s: is not signed by any of the first %d TCB signing certificates", item->name,
		    CANDIDATES_MAX);
	return assay_fail(
	    err, ASSAY_E_SIGNATURE, "%s: is not signed by the TCB signing key", item->name);
}

static bool
sev_tried(struct assay_public key, enum assay_scheme scheme, struct assay_bytes digest,
    struct assay_bytes signature, size_t *tries)
{
	return (*tries)++ < SEV_TRIES_MAX && signed_with(key, scheme, digest, signature);
}

/* Slots that name the usage of the signer are tried; any one that verifies will do. What stands behind the
 * item is tried first: a file holds the chain of a platform. */
static enum assay_code
sev_signed(
    const struct assay_trust *t, const struct item *item, size_t *tries, struct assay_error *err)
{
	const struct sev_cert *c = &item->sev;
	uint32_t by_usage = c->usage == SEV_USAGE_CEK ? SEV_USAGE_ASK
	    : c->usage == SEV_USAGE_PDH               ? SEV_USAGE_PEK
	    : c->usage == SEV_USAGE_PEK               ? SEV_USAGE_CEK
						      : SEV_USAGE_OCA;
	const struct item *by;
	enum assay_code rc = ASSAY_OK;
	size_t own = 0;

	while (t->items[own] != item)
		own++;
	for (size_t s = 0; s < 2; s++) {
		const struct sev_signature *sig = &c->signatures[s];
		enum assay_scheme scheme = assay_sev_scheme(sig->algo, sig->len);
		uint8_t digest[ASSAY_DIGEST_MAX];
		struct assay_bytes raw = { sig->raw, sig->len };
		if (sig->usage != by_usage || scheme == ASSAY_SCHEME_NONE)
			continue;
		struct assay_bytes d = { digest,
			assay_scheme_digest(digest, scheme, c->signed_part) };
		for (size_t i = 0; by_usage == SEV_USAGE_ASK && i < t->anchor_count; i++)
			if (assay_key_verify(&t->anchors[i].key, scheme, d, raw))
				return ASSAY_OK;
		for (size_t at = 0; by_usage == SEV_USAGE_ASK &&
		     (by = assay_trust_next(t, ITEM_AMD_CERT, &at)) != NULL;)
			if (by->amd.usage == SEV_USAGE_ASK &&
			    sev_tried(by->amd.public, scheme, d, raw, tries))
				return chain(t, by, 1, err);
		/* An OCA is its own root; every other kind leads one step nearer to AMD's. */
		for (size_t n = 1; n <= t->item_count; n++) {
			by = t->items[(own + n) % t->item_count];
			if (by->kind == ITEM_SEV_CERT && by->sev.usage == by_usage &&
			    (by == item || by_usage != SEV_USAGE_OCA) &&
			    sev_tried(by->sev.public, scheme, d, raw, tries) &&
			    (by == item || (rc = sev_signed(t, by, tries, err)) == ASSAY_OK))
				return ASSAY_OK; /* if not, the same key may be there, signed */
		}
	}
	if (rc != ASSAY_OK)
		return rc;
	if (*tries > SEV_TRIES_MAX)
		return assay_fail(err, ASSAY_E_INCOMPLETE,
		    "%s: too many certificates to try, and none of %d signed this %s: put its %s "
		    "behind it",
		    item->name, SEV_TRIES_MAX, assay_sev_usage_name(c->usage),
		    assay_sev_usage_name(by_usage));
	return assay_fail(err, ASSAY_E_INCOMPLETE, "%s: the %s that signed this %s is not here",
	    item->name, assay_sev_usage_name(by_usage), assay_sev_usage_name(c->usage));
}

static enum assay_code
amd_signed(const struct assay_trust *t, const struct item *item, struct assay_error *err)
{
	uint8_t digest[ASSAY_DIGEST_MAX];
	const struct amd_cert *c = &item->amd;
	enum assay_scheme scheme = c->key_len == 256 ? ASSAY_RSA_PSS_SHA256 : ASSAY_RSA_PSS_SHA384;
	struct assay_bytes d = { digest, assay_scheme_digest(digest, scheme, c->signed_part) };

	/* Once AMD published the ARK of Naples without its signature. */
	if (!c->has_signature && assay_trust_anchor(t, c->public) != NULL)
		return ASSAY_OK;
	for (size_t i = 0; c->has_signature && i < t->anchor_count; i++)
		if (assay_key_verify(&t->anchors[i].key, scheme, d,
			(struct assay_bytes){ c->signature, c->key_len }))
			return ASSAY_OK;
	return assay_fail(
	    err, ASSAY_E_SIGNATURE, "%s: is not signed by one of AMD's roots", item->name);
}

static enum assay_code
chain(const struct assay_trust *t, const struct item *item, unsigned depth, struct assay_error *err)
{
	size_t tries = 0;

	switch (item->kind) {
	case ITEM_CERT:
		/* The key is pinned, and not what the certificate says of it: that is signed too. */
		if (assay_bytes_equal(item->cert.issuer, item->cert.subject) &&
		    assay_trust_anchor(t, item->cert.key) == NULL)
			return assay_fail(
			    err, ASSAY_E_SIGNATURE, "%s: a root that is not trusted", item->name);
		return signed_in(t, item->cert.issuer, item->cert.scheme,
		    (struct assay_bytes){ item->cert.digest, item->cert.digest_len },
		    (struct assay_bytes){ item->cert.signature, item->cert.signature_len },
		    item->name, depth, err);
	case ITEM_CRL:
		return signed_in(t, item->crl.issuer, item->crl.scheme,
		    (struct assay_bytes){ item->crl.digest, item->crl.digest_len },
		    (struct assay_bytes){ item->crl.signature, item->crl.signature_len },
		    item->name, depth, err);
	case ITEM_TCB_INFO:
	case ITEM_QE_IDENTITY:
		return document_signed(t, item, err);
	case ITEM_SEV_CERT:
		return sev_signed(t, item, &tries, err);
	case ITEM_AMD_CERT:
		return amd_signed(t, item, err);
	}
	return assay_fail(err, ASSAY_E_UNSUPPORTED, "%s: of no kind", item->name);
}

enum assay_code
assay_trust_item_verify(const struct assay_trust *trust, size_t i, struct assay_error *err)
{
	return chain(trust, trust->items[i], 0, err);
}
