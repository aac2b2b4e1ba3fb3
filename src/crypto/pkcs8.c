/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys as they are handed to others, whatever their algorithm: RFC 5208, PrivateKeyInfo. */
#include "crypto/secret.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static const char *const curves[] = {
	[ASSAY_PAIR_P256] = "P-256",
	[ASSAY_PAIR_P384] = "P-384",
	[ASSAY_PAIR_P521] = "P-521",
};

enum assay_code
assay_pkcs8_make(uint8_t **out, size_t *len, enum assay_pair_kind kind, struct assay_error *err)
{
	EVP_PKEY *key = NULL;
	PKCS8_PRIV_KEY_INFO *info = NULL;
	uint8_t *der = NULL, *at;
	int n = 0;

	if (kind == ASSAY_PAIR_NONE || kind == ASSAY_PAIR_RSA)
		return assay_fail(err, ASSAY_E_USAGE, "key: none of this kind is made here");
	key = kind == ASSAY_PAIR_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
					 : EVP_EC_gen(curves[kind]);
	if (key != NULL && (info = EVP_PKEY2PKCS8(key)) != NULL &&
	    (n = i2d_PKCS8_PRIV_KEY_INFO(info, NULL)) > 0 && (der = malloc((size_t)n)) != NULL) {
		at = der;
		if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) != n) {
			assay_wipe(der, (size_t)n);
			free(der);
			der = NULL;
		}
	}
	PKCS8_PRIV_KEY_INFO_free(info); /* wipes */
	EVP_PKEY_free(key);
	ERR_clear_error();
	if (der == NULL)
		return assay_fail(err, ASSAY_E_NOMEM,
		    "key: none could be made, for want of memory or of randomness");
	*out = der;
	*len = (size_t)n;
	return ASSAY_OK;
}

static enum assay_code
write_public(uint8_t **out, size_t *len, const EVP_PKEY *key, struct assay_error *err)
{
	int n = i2d_PUBKEY(key, NULL);
	uint8_t *der, *at;

	if (n <= 0)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "private key: its public half cannot be told from it; give it beside");
	if ((der = at = malloc((size_t)n)) == NULL)
		return assay_fail_nomem(err);
	if (i2d_PUBKEY(key, &at) != n) {
		free(der);
		return assay_fail_nomem(err);
	}
	*out = der;
	*len = (size_t)n;
	return ASSAY_OK;
}

enum assay_code
assay_pkcs8_public(uint8_t **out, size_t *len, struct assay_bytes pkcs8, struct assay_error *err)
{
	const uint8_t *at = pkcs8.ptr;
	PKCS8_PRIV_KEY_INFO *info = pkcs8.len > 0 && pkcs8.len <= INT_MAX
	    ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)pkcs8.len)
	    : NULL;
	EVP_PKEY *key = NULL;
	enum assay_code rc;

	if (info == NULL || at != pkcs8.ptr + pkcs8.len)
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "private key: %zu bytes are no PrivateKeyInfo (RFC 5208) in DER, alone; "
		    "convert it: "
		    "openssl pkcs8 -topk8 -nocrypt -outform DER",
		    pkcs8.len);
	else if ((key = EVP_PKCS82PKEY(info)) == NULL)
		rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "private key: its algorithm is not known here, or it is damaged; give its "
		    "public "
		    "key beside");
	else
		rc = write_public(out, len, key, err);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}
