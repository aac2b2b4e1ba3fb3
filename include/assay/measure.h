/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_MEASURE_H
#define ASSAY_MEASURE_H

/*
 * What a machine that starts from these files will measure, said beforehand. Each function takes
 * the files' bytes and gives a digest; nothing is opened, copied or kept.
 */

#include <stdbool.h>

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	ASSAY_MEASUREMENT_SIZE = 48, /* SHA-384: SNP's launch digest, MRTD and the RTMRs of TDX */
	ASSAY_SEV_MEASUREMENT_SIZE = 32, /* SHA-256: the launch digest of SEV and SEV-ES */
	ASSAY_VMSA_SIZE = 4096,
	ASSAY_VCPUS_MAX = 4096,
};

/* --- SEV-SNP ----------------------------------------------------------------------------- */

/* All that a launch digest depends on. Start from zero: = { .ovmf = f, .vcpus = 2, ... } */
struct assay_snp_launch {
	struct assay_bytes ovmf; /* the image as the VMM maps it below 4 GiB */
	/* Empty, or the 48 bytes that assay_snp_measure_ovmf() gave for the image: then of ovmf only
	 * the tables at its end are looked at, and its first part may be cut off at a page. */
	struct assay_bytes ovmf_hash;
	const char *vmm; /* one of assay_snp_vmm_name(); NULL is "qemu" */
	uint32_t vcpus;  /* 1 to ASSAY_VCPUS_MAX */
	/* CPUID Fn0000_0001_EAX of the vCPU model that the VMM is told, whatever the processor is.
	 * Looked at for "qemu" and "qemu-old" alone. */
	uint32_t vcpu_signature;
	uint64_t guest_features; /* SEV_FEATURES of the VMSAs; bit 0, SNP active, must be set */
	bool direct_boot;        /* kernel hashes are measured: kernel, initrd, append count */
	struct assay_bytes kernel, initrd; /* an absent initrd is an empty one */
	const char *append;                /* the command line; NULL is "" */
	/* Not empty: COCONUT-SVSM starts below the variables, and OVMF is started by it. vmm must be
	 * "qemu", guest_features 1, direct_boot false. */
	struct assay_bytes svsm;
	uint64_t vars_size; /* of the OVMF_VARS file that lies between the two, in bytes */
};

/*
 * The launch digest, MEASUREMENT of an attestation report.
 *
 * Errors  ASSAY_E_USAGE (members of the launch contradict each other or are out of range),
 *         ASSAY_E_FORMAT (an image is no OVMF or SVSM image for SNP, or its tables are broken),
 *         ASSAY_E_UNSUPPORTED (the digest of this machine is not proven to be known).
 * Source  AMD 56860, SEV-SNP Firmware ABI, SNP_LAUNCH_UPDATE, PAGE_INFO.
 */
ASSAY_MUST_USE enum assay_code assay_snp_measure(uint8_t out[ASSAY_MEASUREMENT_SIZE],
    const struct assay_snp_launch *launch, struct assay_error *err);

/* The digest after the pages of the OVMF image, which can be kept in the image's place.
 * Errors: ASSAY_E_FORMAT (length). */
ASSAY_MUST_USE enum assay_code assay_snp_measure_ovmf(
    uint8_t out[ASSAY_MEASUREMENT_SIZE], struct assay_bytes ovmf, struct assay_error *err);

/*
 * The measured state of one vCPU, counted from 0. Errors as assay_snp_measure(), and
 * ASSAY_E_USAGE if there is no such vCPU.
 * Source  AMD 24593, APM volume 2, table B-4 "VMSA layout".
 */
ASSAY_MUST_USE enum assay_code assay_snp_vmsa(uint8_t out[ASSAY_VMSA_SIZE],
    const struct assay_snp_launch *launch, uint32_t vcpu, struct assay_error *err);

/* "qemu", "qemu-old" (host kernel before 6.10), "ec2", "ec2-old", "gce", "krun"; NULL after the
 * last. Static text. */
const char *assay_snp_vmm_name(size_t n);
/* True if the machine of this name starts its vCPUs with their signature in RDX. */
bool assay_snp_vmm_needs_signature(const char *vmm);

/* The n-th vCPU model, as QEMU spells it ("EPYC-Milan"); NULL after the last. Static text. */
const char *assay_vcpu_type_name(size_t n);
/* Its signature; false if there is no such model. */
bool assay_vcpu_type_find(uint32_t *signature, const char *name);
/* False if a number does not fit: family up to 270, model up to 255, stepping up to 15.
 * Source: AMD 25481, CPUID Specification, Fn0000_0001_EAX. */
bool assay_vcpu_signature(uint32_t *signature, unsigned family, unsigned model, unsigned stepping);

/* --- SEV, SEV-ES -------------------------------------------------------------------------- */

/* All that a launch digest depends on. Start from zero: = { .ovmf = f, .es = true, .vcpus = 2, ... } */
struct assay_sev_launch {
	struct assay_bytes
	    ovmf;         /* as the VMM maps it below 4 GiB: of a split build, the code alone */
	bool direct_boot; /* kernel hashes are measured: kernel, initrd, append count */
	struct assay_bytes kernel, initrd; /* an absent initrd is an empty one */
	const char *append;                /* the command line; NULL is "" */
	bool es;         /* the first state of each vCPU is measured, and what is below counts */
	const char *vmm; /* "qemu" or "qemu-old"; NULL is "qemu" */
	uint32_t vcpus;  /* 1 to ASSAY_VCPUS_MAX */
	uint32_t vcpu_signature; /* as for SNP */
	/* The states themselves, of vCPU 0 and of all further ones, in place of those that follow from
	 * the members above; or empty. */
	struct assay_bytes vmsa[2];
};

/*
 * The launch digest, which the firmware measures and an attestation report bears.
 *
 * Errors  ASSAY_E_USAGE (members of the launch contradict each other or are out of range),
 *         ASSAY_E_FORMAT (the image has no place for a kernel's hashes, or its table is broken).
 * Source  AMD 55766, SEV API, 6.3 to 6.5.
 */
ASSAY_MUST_USE enum assay_code assay_sev_measure(uint8_t out[ASSAY_SEV_MEASUREMENT_SIZE],
    const struct assay_sev_launch *launch, struct assay_error *err);
/* The measured state of one vCPU of SEV-ES, counted from 0. Errors: as above; ASSAY_E_USAGE also if
 * there is no such vCPU. */
ASSAY_MUST_USE enum assay_code assay_sev_vmsa(uint8_t out[ASSAY_VMSA_SIZE],
    const struct assay_sev_launch *launch, uint32_t vcpu, struct assay_error *err);
/*
 * How many bytes an image of the firmware has for the secrets of a launch (assay_launch_inject()).
 *
 * Errors  ASSAY_E_FORMAT (none, so that no secret reaches the guest; or its table is broken).
 */
ASSAY_MUST_USE enum assay_code
assay_sev_secret_area(size_t *size, struct assay_bytes ovmf, struct assay_error *err);

/* --- TDX --------------------------------------------------------------------------------- */

/*
 * All that MRTD and RTMR0 to RTMR2 of a TD depend on, under QEMU and KVM with a firmware of edk2.
 * Start from zero. MRTD needs ovmf alone; what each RTMR needs is said when it is missing.
 */
struct assay_tdx_launch {
	struct assay_bytes ovmf; /* the image, with TDVF metadata */
	/* How the VMM adds the pages of a section: each page is added and extended before the next
	 * (KVM as it is in Linux), or all are added and then all extended (older QEMU). */
	bool section_order;
	unsigned edk2;    /* the stable release that the firmware is of, 202411; 0: not known */
	uint64_t memory;  /* bytes of RAM, as given to the VMM; 0: not known */
	bool direct_boot; /* the VMM hands kernel, initrd and append to the firmware */
	struct assay_bytes kernel, initrd; /* an absent initrd is an empty one */
	const char *append;                /* the command line, ASCII; NULL is "" */
	/* "kept": the firmware gets the kernel as its file is; "patched": QEMU before 10.2 has
	 * written to its header. NULL: kept from edk2 202511 on, before that not known. */
	const char *kernel_header;
	/* "absent": there is no variable SecureBoot; "off": it is 0. NULL: not known. In both cases
	 * no keys are enrolled. */
	const char *secure_boot;
	/* Of QEMU's configuration device: etc/table-loader, etc/acpi/rsdp, etc/acpi/tables. */
	struct assay_bytes acpi_loader, acpi_rsdp, acpi_tables;
	/* The values of BootOrder and then of each Boot#### in its order, without attributes. */
	const struct assay_bytes *boot_variables;
	size_t boot_variable_count;
};

/*
 * Errors  ASSAY_E_FORMAT (no image for TDX, or a broken one), ASSAY_E_UNSUPPORTED (newer metadata).
 * Source  Intel 348549, TDX Module Base Architecture, "Measurement of the TD's initial content".
 */
ASSAY_MUST_USE enum assay_code assay_tdx_mrtd(uint8_t out[ASSAY_MEASUREMENT_SIZE],
    const struct assay_tdx_launch *launch, struct assay_error *err);

/*
 * RTMR0 (the machine and the firmware's configuration), RTMR1 (the kernel), RTMR2 (initrd and
 * command line) as they are when the kernel starts its first program. What boots from a disk, and
 * what is extended later, is not predicted.
 *
 * rtmr    0, 1 or 2.
 * Errors  ASSAY_E_INCOMPLETE: not predicted, and what is missing; ASSAY_E_UNSUPPORTED: this
 *         combination was never seen on a real machine; ASSAY_E_FORMAT (firmware, kernel),
 *         ASSAY_E_USAGE, ASSAY_E_NOMEM.
 * Source  edk2, OvmfPkg/Tcg/TdTcg2Dxe; QEMU, hw/i386/tdvf-hob.c and x86-common.c; event logs of
 *         real TDs.
 */
ASSAY_MUST_USE enum assay_code assay_tdx_rtmr(uint8_t out[ASSAY_MEASUREMENT_SIZE], unsigned rtmr,
    const struct assay_tdx_launch *launch, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
