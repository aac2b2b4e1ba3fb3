/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_PLATFORM_H
#define SIM_PLATFORM_H

/* From what was asked for to the platform: every number and key, and then its files. */

#include "platforms/platforms.h"
#include "platforms/snp_firmware.h"
#include "platforms/spec.h"
#include "platforms/tdx_module.h"

struct sim_platform {
	struct sim *sim;
	struct sim_spec spec;
	struct sim_dcap dcap;      /* SGX, TDX */
	struct sim_tdreport td;    /* TDX */
	struct sim_ccel ccel;      /* TDX */
	struct sim_snp snp;        /* SEV-SNP */
	struct sim_id_block id;    /* SEV-SNP with --id-block */
	struct sim_sev sev;        /* SEV, SEV-ES */
	uint32_t cpuid;            /* SEV, SEV-ES: of the guest's vCPU */
	struct sim_bytes firmware; /* not SGX: the image, unless another was measured */
	char title[128];
};
/* False, with a sentence in why: what was asked for does not go together. */
bool sim_platform_new(
    struct sim_platform *p, struct sim *sim, const struct sim_spec *spec, char why[256]);
/* What TDX or SEV-SNP measures of an image when it starts the guest that is asked for. False: the
 * image has no metadata for it. */
bool sim_platform_measure(uint8_t launch[48], const struct sim_spec *spec, struct sim_bytes image);
/* A quote about this report, by the TD QE. False: it does not make one of it. */
bool sim_platform_td_quote(const struct sim_platform *p, struct sim *sim,
    const uint8_t report[SIM_TDREPORT_SIZE], struct sim_bytes *quote);
struct sim_bytes sim_platform_sgx_quote(
    const struct sim_platform *p, struct sim *sim, const uint8_t report_data[64]);
void sim_platform_write(struct sim_platform *p, struct sim_output *out);

/* The TEEs, and what of the options each takes. */
struct sim_tee {
	const char *name;
	const char *takes;   /* "--product --tcb ..." */
	const char *revokes; /* "pck ca tcb-signing" */
};
const struct sim_tee *sim_tee_find(const char *name); /* NULL: no such */

/* The states in which a platform is not as it should be. */
struct sim_broken {
	const char *name;
	const char *tees; /* "sgx tdx" */
	const char *text;
	void (*bend)(struct sim_platform *p); /* or NULL */
	void (*swap)(
	    struct sim_platform *p, struct sim_output *out); /* after all is made; or NULL */
};
extern const struct sim_broken sim_broken_states[];
extern const size_t sim_broken_count;
/* NULL: there is none of this name for this TEE. */
const struct sim_broken *sim_broken_find(const char *name, const char *tee);

#endif
