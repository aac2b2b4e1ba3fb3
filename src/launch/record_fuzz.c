/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "launch/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum assay_code
parse(struct assay_launch **out, struct assay_bytes in, const struct assay_jwks *signers)
{
	struct assay_error err = { ASSAY_OK, "" };
	enum assay_code rc = assay_launch_parse(out, in, signers, &err);

	if (rc != ASSAY_OK && (err.code != rc || err.text[0] == '\0'))
		abort();
	return rc;
}

/* Nobody here has the private half of this key (RFC 7517, A.1). */
static const char stranger[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
			       "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			       "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

/* The input as a record, and as a chain of certificates. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct assay_launch_chain chain = { .at = { { NULL, 0 } } };
	struct assay_launch *launch = NULL;
	struct assay_jwks *signers = NULL;

	if (assay_jwks_parse(&signers, assay_bytes_of(stranger), &err) != ASSAY_OK)
		abort();
	if (parse(&launch, in, signers) == ASSAY_OK)
		abort();
	if (parse(&launch, in, NULL) == ASSAY_OK &&
	    (assay_launch_trusted(launch) || assay_launch_name(launch)[0] == '\0' ||
		(assay_launch_key(launch).len > 0) !=
		    (assay_launch_stage(launch) == ASSAY_LAUNCH_COMPLETE)))
		abort();
	assay_launch_free(launch);
	assay_jwks_free(signers);
	if (assay_launch_chain_add(&chain, in, &err) != ASSAY_OK && err.text[0] == '\0')
		abort();
	return 0;
}
