/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_FIELD_H
#define ASSAY_FIELD_H

/*
 * Fixed layouts are tables: the same rows decode, feed `assay inspect` and the claims of a TEE,
 * and drive the test that flips every field.
 */

#include "core/core.h"

enum assay_width {
	ASSAY_U8 = 1,
	ASSAY_U16LE = 2,
	ASSAY_U32LE = 4,
	ASSAY_U64LE = 8,
	ASSAY_RAW = 0, /* bytes, as long as the member */
};

/* A named bit of an integer field; the last row has no name. */
struct assay_bit {
	uint8_t bit;
	const char *name;
};

struct assay_field {
	const char *name;   /* "mr_td"; an element of an array is a row of its own: "rtmr[0]" */
	const char *claim;  /* "tdx.mr_td": in claims and JSON */
	const char *manual; /* "MRTD": the manual's name */
	const char *group;  /* "TD report": heading in `inspect` */
	uint16_t at;        /* offset in the input */
	uint16_t size;      /* bytes */
	uint16_t member;    /* offset in the struct */
	enum assay_width width;
	uint8_t since; /* the version of the report that brought it; 0: always there */
	const struct assay_bit *bits; /* NULL: no named bits */
};

/* The claims object to which the fields of a struct belong. */
#define CLAIM_OBJECT_quote      "dcap"
#define CLAIM_OBJECT_sgx_report "sgx"
#define CLAIM_OBJECT_td_report  "tdx"
#define CLAIM_OBJECT_snp_report "snp"
#define CLAIM_OBJECT_sev_report "sev"

/* clang-format off */
#define FIELD_ROW(type, member, at, width, manual, group, since, bits) \
	{ #member, CLAIM_OBJECT_##type "." #member, manual, group, at, \
	    sizeof(((struct type *)0)->member), offsetof(struct type, member), width, since, bits }
#define FIELD(type, member, at, width, manual, group) \
	FIELD_ROW(type, member, at, width, manual, group, 0, NULL)
#define FIELD_BITS(type, member, at, width, manual, group, bits) \
	FIELD_ROW(type, member, at, width, manual, group, 0, bits)
#define FIELD_SINCE(type, member, at, width, manual, group, since) \
	FIELD_ROW(type, member, at, width, manual, group, since, NULL)
#define FIELD_END { NULL, NULL, NULL, NULL, 0, 0, 0, ASSAY_RAW, 0, NULL }
/* clang-format on */

/* Decodes every row whose bytes are all within `in`; members of other rows are left alone. */
void assay_fields_decode(void *out, const struct assay_field *rows, struct assay_bytes in);

/* Bytes that a layout reserves: refuses the first of the `size` at `at` that is not zero, or their
 * absence. */
ASSAY_MUST_USE enum assay_code assay_reserved_check(
    struct assay_bytes in, size_t at, size_t size, const char *what, struct assay_error *err);

#endif
