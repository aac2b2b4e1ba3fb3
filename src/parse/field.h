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
	const char *name;   /* "mr_td": in claims and JSON */
	const char *manual; /* "MRTD": the manual's name */
	const char *group;  /* "TD report": heading in `inspect` */
	uint16_t at;        /* offset in the input */
	uint16_t size;      /* of one element, bytes */
	uint16_t count;     /* 1, or how many elements stand side by side */
	uint16_t member;    /* offset in the struct */
	enum assay_width width;
	const struct assay_bit *bits; /* NULL: no named bits */
	uint8_t since;                /* the input's version that brought it; 0: always there */
};

#define FIELD(type, member, at, width, manual, group)                                              \
	{                                                                                          \
#member, manual, group, at, sizeof(((struct type *)0)->member), 1,                 \
		    offsetof(struct type, member), width, NULL, 0                                  \
	}
#define FIELD_BITS(type, member, at, width, manual, group, bits)                                   \
	{                                                                                          \
#member, manual, group, at, sizeof(((struct type *)0)->member), 1,                 \
		    offsetof(struct type, member), width, bits, 0                                  \
	}
#define FIELD_SINCE(type, member, at, width, manual, group, since)                                 \
	{                                                                                          \
#member, manual, group, at, sizeof(((struct type *)0)->member), 1,                 \
		    offsetof(struct type, member), width, NULL, since                              \
	}
#define FIELD_ARRAY(type, member, at, width, manual, group)                                        \
	{                                                                                          \
#member, manual, group, at, sizeof(((struct type *)0)->member[0]),                 \
		    sizeof(((struct type *)0)->member) / sizeof(((struct type *)0)->member[0]),    \
		    offsetof(struct type, member), width, NULL, 0                                  \
	}
#define FIELD_END                                                                                  \
	{                                                                                          \
		NULL, NULL, NULL, 0, 0, 0, 0, ASSAY_RAW, NULL, 0                                   \
	}

/* Decodes every row whose bytes are all within `in`; members of other rows are left alone. */
void assay_fields_decode(void *out, const struct assay_field *rows, struct assay_bytes in);

/* Bytes that a layout reserves: refuses the first of the `size` at `at` that is not zero, or their
 * absence. */
ASSAY_MUST_USE enum assay_code assay_reserved_check(
    struct assay_bytes in, size_t at, size_t size, const char *what, struct assay_error *err);

#endif
