/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_PE_IMAGE_H
#define ASSAY_PE_IMAGE_H

/* The digest of a program that UEFI loads: of its file, but for the checksum and the signatures.
 * Source: Microsoft, Windows Authenticode Portable Executable Signature Format, "Calculating the PE
 * image hash"; the same in edk2, DxeTpm2MeasureBootLib. */

#include "core/core.h"
#include "crypto/crypto.h"

enum { PE_SECTIONS_MAX = 96 }; /* as Windows has it; kernels have 4 */

/* Errors: ASSAY_E_FORMAT: no PE image, or one that is broken. */
ASSAY_MUST_USE enum assay_code assay_pe_image_digest(
    uint8_t out[ASSAY_SHA384_LEN], struct assay_bytes in, struct assay_error *err);

#endif
