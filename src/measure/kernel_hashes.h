/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_KERNEL_HASHES_H
#define ASSAY_KERNEL_HASHES_H

/* The table by which OVMF knows kernel, initrd and command line of a direct boot, the same for SEV,
 * SEV-ES and SEV-SNP. Source: QEMU, target/i386/sev.c, PaddedSevHashTable. */

#include "core/core.h"

enum { KERNEL_HASHES_SIZE = 176 };

/* append NULL: "". The kernel as its file is: VMMs that hash it leave its header alone. */
void assay_kernel_hashes_write(uint8_t out[KERNEL_HASHES_SIZE], struct assay_bytes kernel,
    struct assay_bytes initrd, const char *append);

#endif
