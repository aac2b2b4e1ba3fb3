/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <assay/kbs.h>

#include "core/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAYLOAD_MAX = 64 * 1024 };

static void
try_one(struct assay_bytes text)
{
	static const uint8_t key[32];
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_sealed *sealed = NULL;
	uint8_t *secret = NULL;
	size_t len;

	enum assay_code rc = assay_sealed_parse(&sealed, text, &err);
	if (rc != ASSAY_OK) {
		if (err.code != rc || err.text[0] == '\0' || sealed != NULL)
			abort();
		return;
	}
	if (assay_sealed_resource(sealed)[0] == '\0' || assay_sealed_kid(sealed) == NULL ||
	    assay_sealed_signed(sealed).len + strlen("sealed.") > text.len)
		abort();
	/* Nothing that the fuzzer makes is encrypted under this key; a vault's secret is the resource. */
	rc =
	    assay_sealed_open(&secret, &len, sealed, (struct assay_bytes){ key, sizeof key }, &err);
	if (rc == ASSAY_OK && (len != sizeof key || memcmp(secret, key, len) != 0))
		abort();
	if (rc != ASSAY_OK && (err.text[0] == '\0' || secret != NULL))
		abort();
	free(secret);
	assay_sealed_free(sealed);
}

/* As it is, and as what the triple has in its middle, which chance would not find in base64url. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char before[] = "sealed.e30.", after[] = ".c2ln";

	try_one((struct assay_bytes){ data, size });
	if (size > PAYLOAD_MAX)
		return 0;
	char *text = malloc(sizeof before + ASSAY_BASE64_SIZE(size) + sizeof after);
	if (text == NULL)
		return 0;
	memcpy(text, before, sizeof before - 1);
	char *p = text + sizeof before - 1;
	assay_base64(p, (struct assay_bytes){ data, size });
	for (; *p != '\0' && *p != '='; p++)
		*p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
	memcpy(p, after, sizeof after);
	try_one(assay_bytes_of(text));
	free(text);
	return 0;
}
