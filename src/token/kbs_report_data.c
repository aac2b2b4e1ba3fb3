/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <assay/kbs.h>

#include "token/token.h"

static const struct {
	const char *name;
	void (*digest)(uint8_t *out, struct assay_bytes in);
} hashes[] = {
	{ "sha384", assay_sha384 },
	{ "sha256", assay_sha256 },
	{ "sha512", assay_sha512 },
};

/* The object that is hashed, and nothing of the key's but one object in its place. */
static enum assay_code
bound_object(char **json, const char *nonce, const char *key, const char *additional,
    struct assay_error *err)
{
	struct token_text text = { .ptr = NULL };
	json_t *jwk = NULL;
	char *plain = NULL;
	enum assay_code rc =
	    assay_token_object(&jwk, assay_bytes_of(key), HEADER_MAX, "the key to bind", err);

	json_decref(jwk);
	if (rc != ASSAY_OK)
		return rc;
	assay_token_put(&text, "{\"additional-evidence\":");
	assay_token_string(&text, assay_bytes_of(additional));
	assay_token_put(&text, ",\"nonce\":");
	assay_token_string(&text, assay_bytes_of(nonce));
	assay_token_put(&text, ",\"tee-pubkey\":");
	assay_token_put(&text, key);
	assay_token_put(&text, "}");
	if ((rc = assay_token_text(&plain, &text, err)) == ASSAY_OK)
		rc = assay_json_canonical(json, assay_bytes_of(plain), err);
	free(plain);
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
