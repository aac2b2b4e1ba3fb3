/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "../launches.h"
#include "../text.h"

/* --- policies and reference values ------------------------------------------------------- */

/* The reference values of the view, but for those of one name. */
static enum assay_code
references_but(struct assay_references **out, const struct view *view, const char *name,
    struct assay_error *err)
{
	enum assay_code rc = assay_references_new(out, err);

	for (size_t i = 0; rc == ASSAY_OK && i < view->reference_count; i++) {
		const struct view_reference *r = &view->references[i];
		if (name == NULL || strcmp(r->name, name) != 0)
			rc = assay_references_add(*out, r->document, r->name, err);
	}
	return rc;
}

enum assay_code
check_policy(
    const struct view *view, const char *name, struct assay_bytes text, struct assay_error *err)
{
	struct assay_references *refs = NULL;
	struct assay_policy *policy = NULL;
	enum assay_code rc = references_but(&refs, view, NULL, err);

	if (rc == ASSAY_OK)
		rc = assay_policy_compile(&policy, text, name, refs, err);
	assay_policy_free(policy);
	assay_references_free(refs);
	return rc;
}

static enum assay_code
check_launch(const struct view *view, const char *name, struct assay_bytes document,
    const char *signer, struct assay_error *err)
{
	struct assay_launch *launch = NULL;
	enum assay_code rc = launches_read(&launch, document, signer, err);

	if (rc == ASSAY_OK)
		rc = launches_clash(
		    view->launches, view->launch_names, view->launch_count, name, launch, err);
	assay_launch_free(launch);
	return rc;
}

static enum assay_code
check_values(const struct view *view, const char *name, struct assay_references *refs,
    struct assay_bytes document, struct assay_error *err)
{
	enum assay_code rc =
	    launches_clash(view->launches, view->launch_names, view->launch_count, name, NULL, err);

	return rc == ASSAY_OK ? assay_references_add(refs, document, name, err) : rc;
}

enum assay_code
check_reference(const struct view *view, const char *name, struct assay_bytes document,
    const char *signer, struct assay_error *err)
{
	struct assay_references *refs = NULL;
	enum assay_code rc = references_but(&refs, view, name, err);

	if (rc == ASSAY_OK && document.len > 0)
		rc = launches_is(document) ? check_launch(view, name, document, signer, err)
					   : check_values(view, name, refs, document, err);
	for (size_t i = 0; rc == ASSAY_OK && i < view->policy_count; i++) {
		const struct view_policy *p = &view->policies[i];
		const struct assay_bytes text = { (const uint8_t *)p->text, strlen(p->text) };
		struct assay_policy *policy = NULL;
		struct assay_error why = { .text = "" };
		if (p->version == 0)
			continue;
		rc = assay_policy_compile(&policy, text, p->name, refs, &why);
		if (rc == ASSAY_E_NOMEM)
			rc = text_fail(err, rc, "%s", why.text);
		else if (rc != ASSAY_OK)
			rc = text_fail(err, ASSAY_E_POLICY,
			    "a policy would not hold any more; push that first: %.180s", why.text);
		assay_policy_free(policy);
	}
	assay_references_free(refs);
	return rc;
}

/* --- keys -------------------------------------------------------------------------------- */

static bool
holds(struct assay_bytes file, const char *word)
{
	return memmem(file.ptr, file.len, word, strlen(word)) != NULL;
}

/* TLS has shown a key, not a certificate: that is what an operator is known by. */
static enum assay_code
certificate(json_t **out, struct assay_bytes file, struct assay_error *err)
{
	uint8_t digest[32], *der = NULL;
	char text[2 * sizeof digest + 1];
	BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int len = cert != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : 0;
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	X509_free(cert);
	BIO_free(bio);
	if (!ok)
		return text_fail(
		    err, ASSAY_E_FORMAT, "the certificate is damaged, or no X.509 one");
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	*out = json_pack("{s:s}", "certificate", text);
	return *out != NULL ? ASSAY_OK : text_fail(err, ASSAY_E_NOMEM, "out of memory");
}

enum assay_code
check_key(json_t **out, struct assay_bytes file, struct assay_error *err)
{
	struct assay_jwk *key = NULL;
	char *text = NULL;
	enum assay_code rc;

	if (holds(file, "PRIVATE KEY-----"))
		return text_fail(err, ASSAY_E_USAGE,
		    "this is a private key, which nobody else should have; make a new one, and "
		    "send "
		    "its public key");
	if (holds(file, "-----BEGIN CERTIFICATE-----"))
		return certificate(out, file, err);
	rc = holds(file, "-----BEGIN ") ? assay_jwk_parse_pem(&key, file, NULL, err)
					: assay_jwk_parse(&key, file, err);
	if (rc == ASSAY_OK && assay_jwk_private(key))
		rc = text_fail(err, ASSAY_E_USAGE,
		    "this is a private key, which nobody else should have; make a new one, and "
		    "send "
		    "its public key");
	if (rc == ASSAY_OK)
		rc = assay_jwk_json(&text, key, NULL, err);
	if (rc == ASSAY_OK) {
		json_t *jwk = json_loads(text, 0, NULL);
		*out = jwk != NULL ? json_pack("{s:o}", "jwk", jwk) : NULL;
		rc = *out != NULL ? ASSAY_OK : text_fail(err, ASSAY_E_NOMEM, "out of memory");
	}
	free(text);
	assay_jwk_free(key);
	return rc;
}
