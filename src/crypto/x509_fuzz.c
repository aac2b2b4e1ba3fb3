/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct x509_cert parsed;
	enum assay_code rc =
	    assay_x509_parse(&parsed, (struct assay_bytes){ data, size }, "fuzz", &err);

	if (rc != ASSAY_OK && (err.code != rc || err.text[0] == '\0'))
		abort();
	if (rc == ASSAY_OK) {
		struct assay_key key = { 0 };
		const char *const pairs[] = { "CN", "x", NULL };
		(void)assay_x509_common_name(parsed.subject);
		(void)assay_x509_name_is(parsed.subject, pairs);
		(void)assay_x509_extension(&parsed, parsed.serial);
		if (parsed.tbs.len >= size || parsed.signature_len > sizeof parsed.signature)
			abort();
		if (assay_key_prepare(&key, parsed.key, &err) == ASSAY_OK)
			assay_key_clear(&key);
	}
	return 0;
}
