/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "token/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char public_keys[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
				  "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
				  ",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static enum assay_code
verify(const struct assay_jwks *keys, struct assay_bytes token)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t *payload = NULL;
	size_t len = 0;
	enum assay_code rc = assay_jws_verify(&payload, &len, NULL, keys, NULL, token, &err);

	if (rc != ASSAY_OK && (err.code != rc || err.text[0] == '\0'))
		abort();
	free(payload);
	return rc;
}

/* The input as a token, and as the header of one that a stranger signed with noughts: neither can be
 * of the key, whose private half nobody here has. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwks *keys = NULL;
	struct assay_bytes in = { data, size };
	char *header = NULL;
	uint8_t *payload = NULL;
	size_t len;

	if (assay_jwks_parse(&keys, assay_bytes_of(public_keys), &err) != ASSAY_OK)
		abort();
	if (verify(keys, in) == ASSAY_OK)
		abort();
	if (assay_jws_peek(&header, &payload, &len, in, &err) == ASSAY_OK) {
		free(header);
		free(payload);
	}
	char *token = malloc(ASSAY_BASE64URL_SIZE(size) + 16 + 86);
	if (token == NULL)
		abort();
	size_t n = assay_base64url(token, in);
	memcpy(token + n, ".e30.", 5);
	memset(token + n + 5, 'A', 86);
	if (verify(keys, (struct assay_bytes){ (uint8_t *)token, n + 5 + 86 }) == ASSAY_OK)
		abort();
	free(token);
	assay_jwks_free(keys);
	return 0;
}
