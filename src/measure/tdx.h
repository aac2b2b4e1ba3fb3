/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TDX_MEASURE_H
#define ASSAY_TDX_MEASURE_H

/* The events of a TD's start, of which its registers consist. */

#include <assay/measure.h>

#include "crypto/crypto.h"

/* Releases of edk2 in which the events changed. */
enum {
	EDK2_MIN = 202302,         /* boot variables go to RTMR0; before it they went to RTMR1 */
	EDK2_SEPARATOR = 202411,   /* the second separator goes to RTMR1, not once more to RTMR0 */
	EDK2_SMBIOS = 202505,      /* the SMBIOS tables are measured into RTMR0 */
	EDK2_LAST_SUFFIX = 202502, /* " initrd=initrd" behind the command line */
	EDK2_PREFIX = 202511,      /* "initrd=initrd " before it; nothing is proven in between */
};

/* What RTMR0 consists of, each by its digest. */
struct rtmr0_events {
	uint8_t td_hob[ASSAY_SHA384_LEN], cfv[ASSAY_SHA384_LEN];
	bool has_secure_boot;              /* the variable SecureBoot is there, and 0 */
	uint8_t acpi[3][ASSAY_SHA384_LEN]; /* loader, RSDP, tables */
	const struct assay_bytes *boot_variables;
	size_t boot_variable_count;
	unsigned edk2;
};
void assay_rtmr0_replay(uint8_t out[ASSAY_SHA384_LEN], const struct rtmr0_events *events);
/* The event of the kernel's digest comes first; then what the firmware does around it. */
void assay_rtmr1_replay(
    uint8_t out[ASSAY_SHA384_LEN], const uint8_t kernel[ASSAY_SHA384_LEN], unsigned edk2);
void assay_rtmr_extend(uint8_t rtmr[ASSAY_SHA384_LEN], const uint8_t digest[ASSAY_SHA384_LEN]);
/* The digest of what the kernel is given: prefix, command line and suffix in UTF-16, and a NUL.
 * Errors: ASSAY_E_UNSUPPORTED: it is not all ASCII. */
ASSAY_MUST_USE enum assay_code assay_load_options_digest(uint8_t out[ASSAY_SHA384_LEN],
    const char *prefix, const char *text, const char *suffix, struct assay_error *err);

#endif
