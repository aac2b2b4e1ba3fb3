/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TDVF_H
#define ASSAY_TDVF_H

/* The metadata of a firmware for TDX: which parts of it lie where in the memory of a TD. Source:
 * Intel 344991, TDX Virtual Firmware Design Guide, 11 "TDVF metadata". */

#include "core/core.h"

enum {
	TDVF_PAGE = 4096,
	TDVF_SIZE_MAX = 64 * 1024 * 1024,
	TDVF_SECTIONS_MAX = 32,
	TDVF_MEMORY_MAX = 256 * 1024 * 1024, /* of what is added before the start; real: 5 MiB */
};

enum tdvf_type {
	TDVF_BFV = 0,
	TDVF_CFV = 1,
	TDVF_TD_HOB = 2,
	TDVF_TEMP_MEM = 3,
	TDVF_TYPE_LAST = 8,
};
enum tdvf_attribute {
	TDVF_EXTEND = 1,   /* the content is measured into MRTD */
	TDVF_PAGE_AUG = 2, /* added while the TD runs: not in MRTD at all */
};

struct tdvf_section {
	struct assay_bytes data; /* what lies at its beginning; zeros follow */
	uint64_t gpa, size;      /* multiples of a page */
	uint32_t type, attributes;
};
struct tdvf {
	struct tdvf_section sections[TDVF_SECTIONS_MAX];
	size_t count;
};

/*
 * out     Slices of in; the sections in the order of the table, none over another.
 * Errors  ASSAY_E_FORMAT (no metadata; broken), ASSAY_E_UNSUPPORTED (version, type, attribute).
 */
ASSAY_MUST_USE enum assay_code
assay_tdvf_parse(struct tdvf *out, struct assay_bytes in, struct assay_error *err);
/* The first of its type; NULL if there is none. */
const struct tdvf_section *assay_tdvf_find(const struct tdvf *tdvf, enum tdvf_type type);

#endif
