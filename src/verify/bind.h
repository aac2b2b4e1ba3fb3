/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_VERIFY_BIND_H
#define ASSAY_VERIFY_BIND_H

#include <assay/evidence.h>

#include "core/core.h"

enum { ASSAY_NONCE_LEAST = 8, ASSAY_NONCE_MOST = 64 };

/* A part of what is hashed or signed, its length in front: lv() of docs/binding.md. Returns its end. */
uint8_t *assay_bind_put(uint8_t *to, const void *part, size_t len);

/* The report data that name the key of a certificate (its SubjectPublicKeyInfo), docs/binding.md.
 * nonce: at most 64 bytes, or empty. */
void assay_bind_certificate(
    uint8_t out[ASSAY_REPORT_DATA_SIZE], struct assay_bytes nonce, struct assay_bytes spki);

#endif
