/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_MEASURE_H
#define ASSAY_CLI_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/measure.h>

#include "option.h"

/*
 * "assay measure --mode snp ..." as sev-snp-measure has it, put as "assay measure snp ...". Fills
 * out, which has room for so many words, and returns their count; 0 if argv is not spelt so.
 */
int measure_spelling(char **out, size_t room, int argc, char **argv);

/* Rows of what the launch digest of SEV and SEV-ES depends on beside the firmware, and of what SEV-ES
 * adds. */
#define OPTIONS_MEASURE_BOOT                                                                       \
	{ OPT_KERNEL, 0, "kernel", "FILE", false, NULL, "direct boot: the kernel" },               \
	    { OPT_INITRD, 0, "initrd", "FILE", false, NULL, "its initial RAM disk" },              \
	{                                                                                          \
		OPT_APPEND, 0, "append", "TEXT", false, NULL, "its command line"                   \
	}
#define OPTIONS_MEASURE_FAMILY                                                                     \
	{ OPT_VCPU_FAMILY, 0, "vcpu-family", "N", false, NULL, "or its family, with" },            \
	    { OPT_VCPU_MODEL, 0, "vcpu-model", "N", false, NULL, "its model and" },                \
	{                                                                                          \
		OPT_VCPU_STEPPING, 0, "vcpu-stepping", "N", false, NULL, "its stepping"            \
	}
#define OPTIONS_MEASURE_VCPUS                                                                      \
	{ OPT_VCPUS, 0, "vcpus", "N", false, NULL, "how many vCPUs; needed for SEV-ES" },          \
	    { OPT_VCPU_TYPE, 0, "vcpu-type", "TYPE", false, NULL,                                  \
		    "their model as QEMU calls it, EPYC-Milan" },                                  \
	{                                                                                          \
		OPT_VCPU_SIG, 0, "vcpu-sig", "N", false, NULL, "or its signature, CPUID 1 EAX"     \
	}
#define OPTIONS_MEASURE_STATES                                                                     \
	{ OPT_VMM_TYPE, 0, "vmm-type", "VMM", false, "qemu|qemu-old",                              \
		"qemu (default), qemu-old" },                                                      \
	    { OPT_VMSA_FIRST, 0, "vmsa-cpu0", "FILE", false, NULL,                                 \
		    "or, instead: the first vCPU's state" },                                       \
	{                                                                                          \
		OPT_VMSA_FURTHER, 0, "vmsa-cpu1", "FILE", false, NULL, "and that of all others"    \
	}

/*
 * The launch digest of what these options say, and, if area is not NULL, what the image has for the
 * secrets of a launch. Returns 0; else the exit code, after it has complained.
 */
int measure_sev(
    const struct args *args, bool es, uint8_t digest[ASSAY_SEV_MEASUREMENT_SIZE], size_t *area);
/* The latter alone, of the image of --ovmf. Returns as above. */
int measure_secret_area(const struct args *args, size_t *area);

#endif
