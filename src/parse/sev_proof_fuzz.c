/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/sev_proof.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	uint8_t again[SEV_PROOF_SIZE_MAX];
	struct sev_proof proof;

	if (assay_sev_proof_parse(&proof, in, &err) != ASSAY_OK) {
		if (err.code == ASSAY_OK || err.text[0] == '\0')
			abort();
		return 0;
	}
	/* What is accepted has one form. */
	if (assay_sev_proof_encode(again, &proof) != size || memcmp(again, data, size) != 0 ||
	    assay_sev_proof_point(&proof).len != SEV_PROOF_POINT_SIZE)
		abort();
	return 0;
}
