/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_VERIFY_PROOF_H
#define ASSAY_VERIFY_PROOF_H

/* What is signed in a proof, for who makes one and who verifies it. The form is docs/binding.md's. */

#include <assay/proof.h>

#include "crypto/secret.h"

enum { PROOF_MESSAGE_MAX = 384 };

/* The message whose signature by the injected key certifies a working key; returns its length. */
size_t assay_proof_certified(uint8_t out[PROOF_MESSAGE_MAX], struct assay_bytes working_key);
/* The message that the working key signs: report and report data, 208 and 64 bytes. */
size_t assay_proof_signed(
    uint8_t out[PROOF_MESSAGE_MAX], struct assay_bytes report, const uint8_t *report_data);
/* How a key of this kind signs a certification. False: keys of this kind do not. */
bool assay_proof_signing(enum assay_signing *out, enum assay_pair_kind kind);

#endif
