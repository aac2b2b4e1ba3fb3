/* SPDX-License-Identifier: Apache-2.0 */
/* Building a trust object: anchors, and collateral of every shape. */
#include "verify/trust.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/der.h"
#include "parse/pem.h"
#include "verify/roots.h"

enum {
	ITEMS_MAX = 4096,
	ANCHORS_MAX = 64,
	NESTING_MAX = 3, /* a table in PEM in text, and no deeper */
};

const char *
assay_trust_builtin_date(void)
{
	return "2026-11-20";
}

void *
assay_trust_grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0) /* room doubles at each power of two */
		return array;
	return realloc(array, (count == 0 ? 1 : 2 * count) * size);
}

static void *
copy_of(const void *p, size_t n)
{
	void *copy = malloc(n == 0 ? 1 : n);

	if (copy != NULL && n > 0)
		memcpy(copy, p, n);
	return copy;
}

static char *
copy_text(const char *text)
{
	return copy_of(text, strlen(text) + 1);
}

/* --- anchors ----------------------------------------------------------------------------- */

static enum assay_code
add_anchor(struct assay_trust *t, const struct anchor *from, struct assay_public key,
    struct assay_error *err)
{
	if (t->anchor_count == ANCHORS_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "more than %d trust anchors", ANCHORS_MAX);
	struct anchor *anchors = assay_trust_grow(t->anchors, t->anchor_count, sizeof *anchors);
	if (anchors == NULL)
		return assay_fail_nomem(err);
	t->anchors = anchors;
	struct anchor *a = &anchors[t->anchor_count];
	*a = *from;
	enum assay_code rc = assay_key_prepare(&a->key, key, err);
	if (rc == ASSAY_OK)
		t->anchor_count++;
	return rc;
}

static enum assay_code
add_builtin(struct assay_trust *t, struct assay_error *err)
{
	struct anchor a = { .name = "Intel SGX Root CA",
		.root = true,
		.builtin = true,
		.not_before = INT64_MIN,
		.not_after = INT64_MAX };
	enum assay_code rc = add_anchor(t, &a, assay_intel_root, err);

	for (size_t i = 0; i < AMD_AUTHORITIES && rc == ASSAY_OK; i++) {
		const struct amd_authority *amd = &assay_amd_authorities[i];
		a = (struct anchor){ .name = amd->name,
			.root = amd->line == AMD_ROOT,
			.builtin = true,
			.amd = amd,
			.not_before = amd->not_before,
			.not_after = amd->not_after };
		rc = add_anchor(t, &a, amd->key, err);
	}
	/* From Milan on, the legacy roots are the same keys: they are there already. */
	for (size_t i = 0; i < SEV_AUTHORITIES && rc == ASSAY_OK; i++) {
		const struct sev_authority *sev = &assay_sev_authorities[i];
		a = (struct anchor){ .name = sev->ark_name,
			.root = true,
			.builtin = true,
			.not_before = INT64_MIN,
			.not_after = INT64_MAX };
		if (assay_trust_anchor(t, sev->ark) == NULL)
			rc = add_anchor(t, &a, sev->ark, err);
		a.name = sev->ask_name;
		a.root = false;
		if (rc == ASSAY_OK && assay_trust_anchor(t, sev->ask) == NULL)
			rc = add_anchor(t, &a, sev->ask, err);
	}
	return rc;
}

enum assay_code
assay_trust_new(struct assay_trust **out, struct assay_error *err)
{
	struct assay_trust *t = calloc(1, sizeof *t);

	if (t == NULL)
		return assay_fail_nomem(err);
	enum assay_code rc = add_builtin(t, err);
	if (rc != ASSAY_OK)
		assay_trust_free(t);
	else
		*out = t;
	return rc;
}

static void
anchor_clear(struct anchor *anchor)
{
	assay_key_clear(&anchor->key);
	free(anchor->store);
	free(anchor->owned_name);
}

static void
item_free(struct item *item)
{
	if (item == NULL)
		return;
	if (item->kind == ITEM_TCB_INFO)
		assay_tcb_info_clear(&item->tcb);
	if (item->kind == ITEM_QE_IDENTITY)
		assay_qe_identity_clear(&item->qe);
	free(item->raw);
	free(item->name);
	free(item);
}

void
assay_trust_free(struct assay_trust *trust)
{
	if (trust == NULL)
		return;
	for (size_t i = 0; i < trust->anchor_count; i++)
		anchor_clear(&trust->anchors[i]);
	for (size_t i = 0; i < trust->item_count; i++)
		item_free(trust->items[i]);
	free(trust->anchors);
	free(trust->items);
	free(trust->platforms);
	free(trust->crl_floors);
	free(trust);
}

const struct anchor *
assay_trust_anchor(const struct assay_trust *trust, struct assay_public key)
{
	for (size_t i = 0; i < trust->anchor_count; i++)
		if (assay_public_equal(trust->anchors[i].key.public, key))
			return &trust->anchors[i];
	return NULL;
}

/* An anchor of the caller's keeps its own copy of the file that holds it. */
static enum assay_code
add_own_anchor(struct assay_trust *t, const struct anchor *from, struct assay_public key,
    uint8_t *store, const char *name, struct assay_error *err)
{
	struct anchor a = *from;

	a.root = true;
	a.store = store;
	a.owned_name = copy_text(name);
	a.name = a.owned_name;
	enum assay_code rc =
	    a.owned_name == NULL ? assay_fail_nomem(err) : add_anchor(t, &a, key, err);
	if (rc != ASSAY_OK)
		free(a.owned_name);
	return rc;
}

static enum assay_code
add_root_cert(
    struct assay_trust *t, struct assay_bytes der, const char *name, struct assay_error *err)
{
	struct x509_cert cert;
	enum assay_code rc;
	uint8_t digest[ASSAY_DIGEST_MAX];
	struct assay_key key = { 0 };

	uint8_t *store = copy_of(der.ptr, der.len);
	if (store == NULL)
		return assay_fail_nomem(err);
	rc = assay_x509_parse(&cert, (struct assay_bytes){ store, der.len }, name, err);
	if (rc == ASSAY_OK && !assay_bytes_equal(cert.issuer, cert.subject))
		rc = assay_fail(err, ASSAY_E_USAGE,
		    "%s: not self-signed: a trust anchor is a root; give intermediates as "
		    "collateral",
		    name);
	if (rc == ASSAY_OK)
		rc = assay_key_prepare(&key, cert.key, err);
	if (rc == ASSAY_OK) {
		size_t n = assay_scheme_digest(digest, cert.scheme, cert.tbs);
		if (!assay_key_verify(&key, cert.scheme, (struct assay_bytes){ digest, n },
			(struct assay_bytes){ cert.signature, cert.signature_len }))
			rc = assay_fail(err, ASSAY_E_SIGNATURE,
			    "%s: its own signature does not verify; the file is damaged", name);
	}
	if (rc == ASSAY_OK) {
		struct anchor a = { .subject = cert.subject,
			.not_before = cert.not_before,
			.not_after = cert.not_after };
		rc = add_own_anchor(t, &a, cert.key, store, name, err);
	}
	assay_key_clear(&key);
	if (rc != ASSAY_OK)
		free(store);
	return rc;
}

static bool
amd_self_signed(const struct amd_cert *cert)
{
	enum assay_scheme scheme =
	    cert->key_len == 256 ? ASSAY_RSA_PSS_SHA256 : ASSAY_RSA_PSS_SHA384;
	uint8_t digest[ASSAY_DIGEST_MAX];
	size_t n = assay_scheme_digest(digest, scheme, cert->signed_part);
	struct assay_key key = { 0 };
	bool ok = assay_key_prepare(&key, cert->public, NULL) == ASSAY_OK &&
	    assay_key_verify(&key, scheme, (struct assay_bytes){ digest, n },
		(struct assay_bytes){ cert->signature, cert->key_len });

	assay_key_clear(&key);
	return ok;
}

/* AMD's own format: the ARK of a file is taken, its ASK is not an anchor and is passed over. */
static enum assay_code
add_root_amd(struct assay_trust *t, struct assay_bytes in, const char *name, bool *found,
    struct assay_error *err)
{
	struct amd_cert cert;
	enum assay_code rc = assay_amd_cert_parse(&cert, in, name, err);

	if (rc != ASSAY_OK || cert.usage != SEV_USAGE_ARK)
		return rc;
	if (!cert.has_signature || !amd_self_signed(&cert))
		return assay_fail(err, ASSAY_E_SIGNATURE,
		    "%s: its own signature does not verify; the file is damaged", name);
	uint8_t *store = copy_of(cert.modulus, cert.key_len);
	if (store == NULL)
		return assay_fail_nomem(err);
	struct assay_public key = { ASSAY_KEY_RSA, { store, cert.key_len } };
	struct anchor a = { .not_before = INT64_MIN, .not_after = INT64_MAX };
	rc = add_own_anchor(t, &a, key, store, name, err);
	if (rc != ASSAY_OK)
		free(store);
	*found = rc == ASSAY_OK;
	return rc;
}

static enum assay_code
add_root_block(
    struct assay_trust *t, const struct pem_block *block, const char *name, struct assay_error *err)
{
	enum assay_code rc = ASSAY_OK;
	size_t len;

	if (!assay_bytes_equal(block->label, assay_bytes_of("CERTIFICATE")))
		return assay_fail(err, ASSAY_E_USAGE,
		    "%s: holds a PEM block %s; a trust anchor is a CERTIFICATE", name,
		    assay_quote(block->label).text);
	uint8_t *der = malloc(ASSAY_UNBASE64_MAX(block->body.len));
	if (der == NULL)
		return assay_fail_nomem(err);
	if (!assay_unbase64(der, &len, block->body))
		rc = assay_fail(err, ASSAY_E_FORMAT, "%s: a PEM block is no base64", name);
	else
		rc = add_root_cert(t, (struct assay_bytes){ der, len }, name, err);
	free(der);
	return rc;
}

static enum assay_code
add_roots(
    struct assay_trust *trust, struct assay_bytes in, const char *name, struct assay_error *err)
{
	enum assay_code rc = ASSAY_OK;
	bool found = false;

	if (assay_pem_recognise(in)) {
		size_t at = 0;
		for (;;) {
			struct pem_block block;
			rc = assay_pem_next(&block, &at, in, name, err);
			if (rc != ASSAY_OK || block.label.len == 0)
				break;
			rc = add_root_block(trust, &block, name, err);
			if (rc != ASSAY_OK)
				break;
			found = true;
		}
	} else if (assay_amd_cert_length(in) > 0) {
		size_t n;
		while (rc == ASSAY_OK && in.len > 0) {
			if ((n = assay_amd_cert_length(in)) == 0)
				return assay_fail(err, ASSAY_E_FORMAT,
				    "%s: %zu bytes follow the last AMD certificate", name, in.len);
			rc = add_root_amd(
			    trust, (struct assay_bytes){ in.ptr, n }, name, &found, err);
			in = (struct assay_bytes){ in.ptr + n, in.len - n };
		}
	} else {
		rc = add_root_cert(trust, in, name, err);
		found = rc == ASSAY_OK;
	}
	if (rc == ASSAY_OK && !found)
		return assay_fail(err, ASSAY_E_USAGE, "%s: holds no trust anchor", name);
	return rc;
}

/* All of a file, or nothing of it. */
enum assay_code
assay_trust_add_root(
    struct assay_trust *trust, struct assay_bytes in, const char *name, struct assay_error *err)
{
	size_t before = trust->anchor_count;
	enum assay_code rc = add_roots(trust, in, name, err);

	while (rc != ASSAY_OK && trust->anchor_count > before)
		anchor_clear(&trust->anchors[--trust->anchor_count]);
	return rc;
}

/* --- collateral -------------------------------------------------------------------------- */

struct adding {
	struct assay_trust *trust;
	const char *name;
	size_t added;
	unsigned nesting;
	struct assay_error *err;
};

static enum assay_code add_any(struct adding *a, struct assay_bytes in);

static enum assay_code
parse_item(struct item *item, struct assay_bytes raw, struct assay_error *err)
{
	enum assay_code rc = ASSAY_E_UNSUPPORTED;

	switch (item->kind) {
	case ITEM_CERT:
		return assay_x509_parse(&item->cert, raw, item->name, err);
	case ITEM_CRL:
		return assay_x509_crl_parse(&item->crl, raw, item->name, err);
	case ITEM_SEV_CERT:
		return assay_sev_cert_parse(&item->sev, raw, item->name, err);
	case ITEM_AMD_CERT:
		return assay_amd_cert_parse(&item->amd, raw, item->name, err);
	case ITEM_TCB_INFO:
		if ((rc = assay_tcb_info_parse(&item->tcb, raw, item->name, err)) == ASSAY_OK)
			assay_sha256(item->digest, item->tcb.doc.span);
		break;
	case ITEM_QE_IDENTITY:
		if ((rc = assay_qe_identity_parse(&item->qe, raw, item->name, err)) == ASSAY_OK)
			assay_sha256(item->digest, item->qe.doc.span);
		break;
	}
	return rc;
}

static bool
held(const struct assay_trust *t, enum item_kind kind, struct assay_bytes raw)
{
	for (size_t i = 0; i < t->item_count; i++)
		if (t->items[i]->kind == kind &&
		    assay_bytes_equal(
			(struct assay_bytes){ t->items[i]->raw, t->items[i]->len }, raw))
			return true;
	return false;
}

static enum assay_code
add_item(struct adding *a, enum item_kind kind, struct assay_bytes in)
{
	struct assay_trust *t = a->trust;

	if (held(t, kind, in)) {
		a->added++;
		return ASSAY_OK;
	}
	if (t->item_count == ITEMS_MAX)
		return assay_fail(a->err, ASSAY_E_USAGE, "%s: more than %d items of collateral",
		    a->name, ITEMS_MAX);
	struct item **items = assay_trust_grow(t->items, t->item_count, sizeof *items);
	if (items == NULL)
		return assay_fail_nomem(a->err);
	t->items = items;
	struct item *item = calloc(1, sizeof *item);
	if (item == NULL)
		return assay_fail_nomem(a->err);
	item->kind = kind;
	item->name = copy_text(a->name);
	item->raw = copy_of(in.ptr, in.len);
	item->len = in.len;
	enum assay_code rc = item->name == NULL || item->raw == NULL
	    ? assay_fail_nomem(a->err)
	    : parse_item(item, (struct assay_bytes){ item->raw, item->len }, a->err);
	if (rc != ASSAY_OK) {
		item_free(item);
		return rc;
	}
	assay_trust_describe(item);
	items[t->item_count++] = item;
	a->added++;
	return ASSAY_OK;
}

static enum assay_code
add_pem(struct adding *a, struct assay_bytes in)
{
	static const struct {
		const char *label;
		enum item_kind kind;
	} labels[] = {
		{ "CERTIFICATE", ITEM_CERT },
		{ "X509 CRL", ITEM_CRL },
		{ "TCB INFO", ITEM_TCB_INFO },
		{ "ENCLAVE IDENTITY", ITEM_QE_IDENTITY },
		{ "SEV CERTIFICATE", ITEM_SEV_CERT },
		{ "AMD CERTIFICATE", ITEM_AMD_CERT },
	};
	size_t at = 0;

	for (;;) {
		struct pem_block block;
		size_t i, len;
		enum assay_code rc = assay_pem_next(&block, &at, in, a->name, a->err);
		if (rc != ASSAY_OK || block.label.len == 0)
			return rc;
		for (i = 0; i < sizeof labels / sizeof *labels; i++)
			if (assay_bytes_equal(block.label, assay_bytes_of(labels[i].label)))
				break;
		if (i == sizeof labels / sizeof *labels)
			return assay_fail(a->err, ASSAY_E_UNSUPPORTED,
			    "%s: a PEM block %s is no collateral", a->name,
			    assay_quote(block.label).text);
		uint8_t *bytes = malloc(ASSAY_UNBASE64_MAX(block.body.len));
		if (bytes == NULL)
			return assay_fail_nomem(a->err);
		if (assay_unbase64(bytes, &len, block.body))
			rc = add_item(a, labels[i].kind, (struct assay_bytes){ bytes, len });
		else
			rc = assay_fail(a->err, ASSAY_E_FORMAT, "%s: a PEM block %s is no base64",
			    a->name, assay_quote(block.label).text);
		free(bytes);
		if (rc != ASSAY_OK)
			return rc;
	}
}

static enum assay_code
add_dcap_qvl(struct adding *a, struct assay_bytes in)
{
	struct dcap_qvl_collateral parts;
	enum assay_code rc = assay_dcap_qvl_split(&parts, in, a->name, a->err);

	if (rc != ASSAY_OK)
		return rc;
	for (size_t i = 0; i < parts.count && rc == ASSAY_OK; i++)
		rc = add_any(a, (struct assay_bytes){ parts.parts[i].ptr, parts.parts[i].len });
	assay_dcap_qvl_clear(&parts);
	return rc;
}

static enum assay_code
add_table(struct adding *a, struct assay_bytes in)
{
	struct cert_table table;
	enum assay_code rc = assay_cert_table_parse(&table, in, a->err);

	for (size_t i = 0; rc == ASSAY_OK && i < table.count; i++)
		if (table.entries[i].kind != CERT_TABLE_OTHER)
			rc = add_any(a, table.entries[i].data);
	return rc;
}

/* A header value as the PCS sends it: PEM with %XX for what a URL cannot hold. */
static enum assay_code
add_percent(struct adding *a, struct assay_bytes in)
{
	size_t n = 0;
	uint8_t *text = malloc(in.len);

	if (text == NULL)
		return assay_fail_nomem(a->err);
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '%' && assay_unhex(text + n, 1, assay_bytes_at(in, i + 1, 2)))
			i += 2;
		else
			text[n] = in.ptr[i];
		n++;
	}
	enum assay_code rc = add_pem(a, (struct assay_bytes){ text, n });
	free(text);
	return rc;
}

/* A certificate's signed part begins with [0] version, a CRL's with an INTEGER. */
static enum assay_code
add_der(struct adding *a, struct assay_bytes in)
{
	size_t head = in.ptr[1] < 0x80 ? 2 : 2 + (in.ptr[1] & 0x7fU);
	struct assay_bytes tbs = assay_bytes_at(in, head, 2);
	size_t inner = tbs.len == 2 && tbs.ptr[1] >= 0x80 ? 2 + (tbs.ptr[1] & 0x7fU) : 2;
	struct assay_bytes first = assay_bytes_at(in, head + inner, 1);

	return add_item(
	    a, first.len == 1 && first.ptr[0] == DER_INTEGER ? ITEM_CRL : ITEM_CERT, in);
}

static enum assay_code
add_json(struct adding *a, struct assay_bytes in)
{
	switch (assay_json_kind(in)) {
	case ASSAY_JSON_TCB_INFO:
		return add_item(a, ITEM_TCB_INFO, in);
	case ASSAY_JSON_QE_IDENTITY:
		return add_item(a, ITEM_QE_IDENTITY, in);
	case ASSAY_JSON_DCAP_QVL:
		return add_dcap_qvl(a, in);
	case ASSAY_JSON_NONE:
		break;
	}
	return assay_fail(a->err, ASSAY_E_UNSUPPORTED,
	    "%s: is JSON, and neither TCB info nor QE identity with its signature", a->name);
}

/* AMD's formats have no marks between them: one file may hold several. */
static enum assay_code
add_amd(struct adding *a, struct assay_bytes in)
{
	while (in.len > 0) {
		size_t n = assay_amd_cert_length(in);
		enum item_kind kind = n > 0 ? ITEM_AMD_CERT : ITEM_SEV_CERT;
		if (n == 0)
			n = in.len < SEV_CERT_SIZE ? in.len : SEV_CERT_SIZE;
		enum assay_code rc = add_item(a, kind, (struct assay_bytes){ in.ptr, n });
		if (rc != ASSAY_OK)
			return rc;
		in = (struct assay_bytes){ in.ptr + n, in.len - n };
	}
	return ASSAY_OK;
}

/* JSON first: its texts may hold PEM. */
static enum assay_code
add_bytes(struct adding *a, struct assay_bytes in)
{
	struct assay_bytes text = assay_bytes_trim(in);

	if (text.len > 0 && text.ptr[0] == '{')
		return add_json(a, in);
	if (assay_bytes_find(in, 0, assay_bytes_of("-----BEGIN%20")) < in.len)
		return add_percent(a, in);
	if (assay_pem_recognise(in))
		return add_pem(a, in);
	if (in.len > 4 && in.ptr[0] == DER_SEQUENCE)
		return add_der(a, in);
	if (assay_amd_cert_length(in) > 0 ||
	    assay_sev_cert_recognise(assay_bytes_at(in, 0, SEV_CERT_SIZE)))
		return add_amd(a, in);
	if (assay_cert_table_recognise(in))
		return add_table(a, in);
	return assay_fail(a->err, ASSAY_E_UNSUPPORTED,
	    "%s: is no collateral (no TCB info, QE identity, certificate, CRL or certificate "
	    "table)",
	    a->name);
}

static enum assay_code
add_any(struct adding *a, struct assay_bytes in)
{
	uint8_t *text = NULL;
	size_t len = 0;

	if (a->nesting == NESTING_MAX)
		return assay_fail(a->err, ASSAY_E_FORMAT, "%s: nested too deep", a->name);
	a->nesting++;
	enum assay_code rc = assay_untext(&text, &len, in, a->err);
	if (rc == ASSAY_OK)
		rc = add_bytes(a, text != NULL ? (struct assay_bytes){ text, len } : in);
	free(text);
	a->nesting--;
	return rc;
}

enum assay_code
assay_trust_add(struct assay_trust *trust, struct assay_bytes in, const char *name, size_t *added,
    struct assay_error *err)
{
	struct adding a = { .trust = trust, .name = name, .err = err };

	if (in.len == 0)
		return assay_fail(err, ASSAY_E_UNSUPPORTED, "%s: is empty", name);
	size_t before = trust->item_count;
	enum assay_code rc = add_any(&a, in);
	while (rc != ASSAY_OK && trust->item_count > before)
		item_free(trust->items[--trust->item_count]);
	if (rc == ASSAY_OK && added != NULL)
		*added = a.added;
	return rc;
}

const struct item *
assay_trust_next(const struct assay_trust *trust, enum item_kind kind, size_t *at)
{
	while (*at < trust->item_count) {
		const struct item *item = trust->items[(*at)++];
		if (item->kind == kind)
			return item;
	}
	return NULL;
}
