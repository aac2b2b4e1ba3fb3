/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <assay/jose.h>
#include <assay/kbs.h>

#include "core/core.h"
#include "crypto/crypto.h"

static const struct {
	const char *name;
	void (*digest)(uint8_t *out, struct assay_bytes in);
} hashes[] = {
	{ "sha384", assay_sha384 },
	{ "sha256", assay_sha256 },
	{ "sha512", assay_sha512 },
};

static enum assay_code
bound_object(char **json, const char *nonce, const char *key, const char *additional,
    struct assay_error *err)
{
	json_t *jwk = json_loads(key, JSON_REJECT_DUPLICATES, NULL);
	json_t *parts = NULL;
	char *text = NULL;
	enum assay_code rc;

	if (!json_is_object(jwk))
		rc = assay_fail(err, ASSAY_E_FORMAT, "the key to bind is no JSON object");
	else if ((parts = json_pack("{s:s, s:s, s:O}", "additional-evidence", additional, "nonce",
		      nonce, "tee-pubkey", jwk)) == NULL)
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "nonce or additional evidence is no UTF-8, or there is no memory");
	else if ((text = json_dumps(parts, JSON_COMPACT)) == NULL)
		rc = assay_fail_nomem(err);
	else
		rc = assay_json_canonical(json, assay_bytes_of(text), err);
	free(text);
	json_decref(parts);
	json_decref(jwk);
	return rc;
}

enum assay_code
assay_kbs_report_data(uint8_t out[ASSAY_REPORT_DATA_SIZE], const char *nonce, const char *key,
    const char *additional, const char *hash, struct assay_error *err)
{
	size_t i = 0, count = sizeof hashes / sizeof *hashes;
	char *json = NULL;
	enum assay_code rc;

	while (i < count && strcmp(hashes[i].name, hash) != 0)
		i++;
	if (i == count)
		return assay_fail(err, ASSAY_E_USAGE, "hash is %s, none of sha256, sha384, sha512",
		    assay_quote(assay_bytes_of(hash)).text);
	if ((rc = bound_object(&json, nonce, key, additional, err)) != ASSAY_OK)
		return rc;
	memset(out, 0, ASSAY_REPORT_DATA_SIZE);
	hashes[i].digest(out, assay_bytes_of(json));
	free(json);
	return ASSAY_OK;
}
