/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SEV_PROOF_H
#define ASSAY_SEV_PROOF_H

/* The proof that a guest of legacy SEV puts beside its report. Format: docs/bundle.md. */

#include "core/core.h"

enum {
	SEV_PROOF_KEY_SIZE = 91,   /* SubjectPublicKeyInfo of a P-256 key, DER */
	SEV_PROOF_POINT_SIZE = 64, /* at its end */
	SEV_PROOF_SIGNATURE_SIZE = 64,
	SEV_PROOF_CERTIFICATION_MAX = 512, /* RSA of 4096 bits */
	SEV_PROOF_SIZE_MAX = 1 + (2 + 32) + (2 + SEV_PROOF_KEY_SIZE) +
	    (3 + SEV_PROOF_CERTIFICATION_MAX) + (2 + SEV_PROOF_SIGNATURE_SIZE),
};

struct sev_proof {
	struct assay_bytes certifier;     /* SHA-256 of the injected key's SubjectPublicKeyInfo */
	struct assay_bytes key;           /* the working key's */
	struct assay_bytes certification; /* by the injected key */
	struct assay_bytes signature;     /* by the working key, r || s */
};

/*
 * Slices of `in`. Refuses all but the one encoding that assay_sev_proof_encode() makes, and a working
 * key whose SubjectPublicKeyInfo is not a P-256 key's, uncompressed.
 *
 * Errors  ASSAY_E_FORMAT.
 * Proves  Nothing; nor that the point is on the curve.
 */
ASSAY_MUST_USE enum assay_code
assay_sev_proof_parse(struct sev_proof *out, struct assay_bytes in, struct assay_error *err);

/* Returns how many bytes it wrote. The parts have the lengths above. */
size_t assay_sev_proof_encode(uint8_t out[SEV_PROOF_SIZE_MAX], const struct sev_proof *proof);

/* x || y within the working key; the SubjectPublicKeyInfo of a point. */
struct assay_bytes assay_sev_proof_point(const struct sev_proof *proof);
void assay_sev_proof_key(uint8_t out[SEV_PROOF_KEY_SIZE], const uint8_t x[32], const uint8_t y[32]);

#endif
