/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "token/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char own[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":"
			  "\"UVw9brnjlrkE0_7Kf1T9zQzB6Ze_N13KUVrQpsO0A18\",\"y\":"
			  "\"RTa-OlDzGPv5pUdZAqIhUCvvDVfgjFOyzApW8X2fk1Q\",\"d\":"
			  "\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\"}";
static const char rest[] =
    "\",\"encrypted_key\":\"L-rqtQGWI9ro5vDFjVFQ7xE7x3XkmxCkYRUeuy4ULvPHS3YGpEJvXg\","
    "\"iv\":\"oKGio6Slpqeoqaqr\",\"ciphertext\":\"lX0fXyC_\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}";

static enum assay_code
decrypt(const struct assay_jwk *key, struct assay_bytes json)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t *plain = NULL;
	size_t len = 0;
	enum assay_code rc = assay_jwe_decrypt(&plain, &len, key, json, &err);

	if (rc != ASSAY_OK && (err.code != rc || err.text[0] == '\0' || plain != NULL))
		abort();
	free(plain);
	return rc;
}

/* The input as an envelope, which anybody may write; and as the header of one whose tag is wrong. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char begin[] = "{\"protected\":\"";
	struct assay_error err = { ASSAY_OK, "" };
	static struct assay_jwk *key; /* read once: that takes longer than most inputs */
	char *json = malloc(sizeof begin + ASSAY_BASE64URL_SIZE(size) + sizeof rest);

	if (json == NULL ||
	    (key == NULL && assay_jwk_parse(&key, assay_bytes_of(own), &err) != ASSAY_OK))
		abort();
	(void)decrypt(key, (struct assay_bytes){ data, size });
	memcpy(json, begin, sizeof begin - 1);
	size_t n = sizeof begin - 1 +
	    assay_base64url(json + sizeof begin - 1, (struct assay_bytes){ data, size });
	memcpy(json + n, rest, sizeof rest);
	if (decrypt(key, assay_bytes_of(json)) == ASSAY_OK)
		abort();
	free(json);
	return 0;
}
