/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TD_HOB_H
#define ASSAY_TD_HOB_H

/* The list of hand-off blocks that QEMU leaves for the firmware of a TD: which memory there is, and
 * what of it is accepted already. Source: QEMU, hw/i386/tdvf-hob.c; UEFI PI 1.7, volume 3, 5. */

#include "crypto/crypto.h"
#include "measure/tdvf.h"

/*
 * The digest of the list, the first event of RTMR0.
 *
 * memory  Bytes of RAM of a machine of type q35.
 * Errors  ASSAY_E_UNSUPPORTED (sections that QEMU does not take), ASSAY_E_FORMAT (no place for the
 *         list, or sections outside the memory).
 */
ASSAY_MUST_USE enum assay_code assay_td_hob_digest(uint8_t out[ASSAY_SHA384_LEN],
    const struct tdvf *tdvf, uint64_t memory, struct assay_error *err);
/* What of the memory lies below 4 GiB. */
uint64_t assay_td_memory_low(uint64_t memory);

#endif
