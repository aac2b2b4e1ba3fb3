/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_VMSA_H
#define ASSAY_VMSA_H

/* The state in which a vCPU of an encrypted machine starts. Source: AMD 24593, APM volume 2,
 * table B-4 (layout); what each VMM puts in it: as it was measured on real machines. */

#include <assay/measure.h>

/* A VMM, and what sets its vCPUs apart from those of others. */
struct vmm {
	const char *name;
	uint16_t cs_first, cs_further, ss, tr; /* segment attributes; CS of vCPU 0 and of others */
	bool rdx_signature;                    /* RDX is the vCPU's signature, else this: */
	uint32_t rdx;
	uint32_t mxcsr;
	uint16_t fcw;
	uint64_t g_pat;
	bool cpuid_last;     /* the CPUID page is added after all others */
	bool sec_unmeasured; /* memory of the SEC phase is added unmeasured, not as zeros */
	bool only_first;     /* nobody has proven how its further vCPUs start */
	uint64_t rsi, rbp, rsp;
};
/* NULL if there is none of this name. */
const struct vmm *assay_vmm_find(const char *name);

/* What is told of one vCPU besides. */
struct vcpu {
	bool first;
	uint32_t reset; /* where it starts; vCPU 0 at the reset vector of the processor */
	uint32_t signature;
	uint64_t features; /* SEV_FEATURES; 0 for SEV-ES */
};
void assay_vmsa_write(uint8_t out[ASSAY_VMSA_SIZE], const struct vmm *vmm, const struct vcpu *vcpu);
/* Under SVSM all vCPUs are alike: 32 bits, flat, at its entry point. */
void assay_vmsa_write_svsm(uint8_t out[ASSAY_VMSA_SIZE], uint64_t entry_point, uint32_t signature);

#endif
