/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_FIRMWARE_H
#define SIM_FIRMWARE_H

/* A firmware image, and what TDX, SEV-SNP and legacy SEV measure of it when they start a guest. */

#include "pki/pki.h"

/* The project's own image: filler, with the tables by which a VMM finds its parts. */
struct sim_bytes sim_firmware_write(struct sim *sim);

enum { SIM_SECTIONS_MAX = 32 };
struct sim_section { /* of a TDVF descriptor */
	uint32_t offset, raw_size;
	uint64_t gpa, memory_size;
	uint32_t type, attributes; /* 1: measured; 2: added later, by the guest */
};
/* Returns their number, 0 when the image has no descriptor that holds. Source: TDVF Design Guide */
size_t sim_tdvf_sections(struct sim_bytes image, struct sim_section sections[SIM_SECTIONS_MAX]);

enum sim_page_order {
	SIM_PAGE_BY_PAGE,       /* each page is added and extended before the next: KVM today */
	SIM_SECTION_BY_SECTION, /* all pages of a section are added, then extended: older QEMU */
};
/* TDH.MEM.PAGE.ADD and TDH.MR.EXTEND over all sections. False: no TDVF image. */
bool sim_mrtd(uint8_t mr_td[48], struct sim_bytes image, enum sim_page_order order);

/* SNP_LAUNCH_UPDATE over the image, its metadata and one VMSA as QEMU makes it for this CPUID
 * signature. False: the image has no SEV metadata. Source: AMD 56860, launch digest */
bool sim_snp_launch_digest(uint8_t digest[48], struct sim_bytes image, uint32_t cpuid);

/* Legacy SEV: SHA-256 over the image and, of SEV-ES, the page of its one vCPU. Source: AMD 55766,
 * LAUNCH_UPDATE_DATA, LAUNCH_UPDATE_VMSA */
void sim_sev_launch_digest(uint8_t digest[32], struct sim_bytes image, bool es, uint32_t cpuid);
void sim_sev_vmsa(uint8_t page[4096], uint32_t cpuid);
/* Where in the guest's memory the owner's secret goes. False: the image does not say. */
bool sim_sev_secret_area(struct sim_bytes image, uint32_t *base, uint32_t *size);

#endif
