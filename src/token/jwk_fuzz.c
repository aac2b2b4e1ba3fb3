/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "token/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written, and read again the same. */
static void
again(const struct assay_jwk *key)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwk *second = NULL;
	char *json = NULL, *other = NULL;

	if (assay_jwk_json(&json, key, NULL, &err) != ASSAY_OK ||
	    assay_jwk_parse(&second, assay_bytes_of(json), &err) != ASSAY_OK ||
	    assay_jwk_json(&other, second, NULL, &err) != ASSAY_OK || strcmp(json, other) != 0 ||
	    assay_jwk_private(second) || strcmp(key->kid, second->kid) != 0)
		abort();
	free(json);
	free(other);
	assay_jwk_free(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct assay_jwks *set = NULL;
	struct assay_jwk *key = NULL;
	enum assay_code rc = assay_jwk_parse(&key, in, &err);

	if (rc == ASSAY_OK)
		again(key);
	else if (err.code != rc || err.text[0] == '\0')
		abort();
	assay_jwk_free(key);

	rc = assay_jwks_parse(&set, in, &err);
	if (rc != ASSAY_OK && (err.code != rc || err.text[0] == '\0'))
		abort();
	for (size_t i = 0; set != NULL && i < assay_jwks_count(set); i++)
		again(assay_jwks_at(set, i));
	assay_jwks_free(set);
	return 0;
}
