/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_BANK_H
#define ASSAY_BANK_H

/* Hashes by their TPM algorithm id, as event logs name them. Source: TCG Algorithm Registry,
 * TPM_ALG_ID. */

#include "crypto/crypto.h"

struct assay_bank_algorithm {
	uint16_t id;
	uint16_t size; /* of a digest */
	const char *name;
	bool computed; /* assay_bank_hash() knows it */
};
/* NULL for an id that is no hash known here. Static. */
const struct assay_bank_algorithm *assay_bank_find(uint16_t id);
/* The one that is computed and has digests of this size; NULL if there is none. */
const struct assay_bank_algorithm *assay_bank_of_size(size_t size);

/* Over all parts as if they stood side by side. out gets the algorithm's size; one that is not
 * computed leaves zeros. */
void assay_bank_hash(
    uint8_t out[ASSAY_DIGEST_MAX], uint16_t id, const struct assay_bytes *parts, size_t count);

#endif
