/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_ROOTS_H
#define ASSAY_ROOTS_H

#include "crypto/crypto.h"
#include "parse/snp_report.h"

/* Intel SGX Root CA. Every edition of its certificate holds this key. */
extern const struct assay_public assay_intel_root;
struct root_edition {
	uint8_t digest[ASSAY_SHA256_LEN];
	uint8_t signature[64];
};
enum { INTEL_ROOT_EDITIONS = 2 };
extern const struct root_edition assay_intel_root_editions[INTEL_ROOT_EDITIONS];

enum amd_line { AMD_ROOT, AMD_VCEK, AMD_VLEK }; /* ARK; ASK; ASVK */

struct amd_authority {
	const char *name; /* common name */
	enum snp_product product;
	enum amd_line line;
	struct assay_public key;
	uint8_t serial[3];
	size_t serial_len;
	int64_t not_before, not_after;
};
enum { AMD_AUTHORITIES = 9 };
extern const struct amd_authority assay_amd_authorities[AMD_AUTHORITIES];

struct sev_authority {
	const char *product; /* "Naples" */
	const char *ark_name, *ask_name;
	struct assay_public ark, ask;
	uint8_t ark_id[16], ask_id[16]; /* labels, not proof: only the keys are pinned */
};
enum { SEV_AUTHORITIES = 5 };
extern const struct sev_authority assay_sev_authorities[SEV_AUTHORITIES];

/* The lowest REPORTED_TCB that is called up to date where the caller names no other. */
struct snp_floor {
	enum snp_product product;
	struct snp_tcb tcb;
	const char *date, *source;
};
/* NULL: the product has none. */
const struct snp_floor *assay_snp_floor(enum snp_product product);

#endif
