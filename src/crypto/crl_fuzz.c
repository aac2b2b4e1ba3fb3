/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct x509_crl parsed;
	enum assay_code rc =
	    assay_x509_crl_parse(&parsed, (struct assay_bytes){ data, size }, "fuzz", &err);

	if (rc != ASSAY_OK && (err.code != rc || err.text[0] == '\0'))
		abort();
	if (rc == ASSAY_OK && assay_x509_crl_lists(&parsed, parsed.akid) &&
	    parsed.revoked_count == 0)
		abort();
	return 0;
}
