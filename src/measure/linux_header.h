/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_LINUX_HEADER_H
#define ASSAY_LINUX_HEADER_H

/* What QEMU before 10.2 writes into the setup header of a kernel that it boots directly. Source:
 * QEMU, hw/i386/x86-common.c, x86_load_linux(); Linux, Documentation/arch/x86/boot.rst. */

#include "core/core.h"

/* Errors: ASSAY_E_FORMAT: no bzImage. Other programs for UEFI, unified kernel images among them,
 * measure things of their own. */
ASSAY_MUST_USE enum assay_code
assay_linux_header_check(struct assay_bytes kernel, struct assay_error *err);

/*
 * kernel  Changed in place.
 * memory  Bytes of RAM of a q35 machine; looked at if there is an initrd.
 * append  The command line.
 * Errors  ASSAY_E_FORMAT (no bzImage), ASSAY_E_UNSUPPORTED (of a protocol before 2.12; an option
 *         "vga=", which is written to the header too; an initrd that does not fit).
 */
ASSAY_MUST_USE enum assay_code assay_linux_header_patch(uint8_t *kernel, size_t len,
    size_t initrd_len, uint64_t memory, const char *append, struct assay_error *err);

#endif
