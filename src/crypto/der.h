/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_DER_H
#define ASSAY_DER_H

/* Strict DER (X.690 section 10): one reader per nested value, so none can leave its field. */

#include "core/core.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

/*
 * Takes one value: its content. *tag gets the tag byte; whole, if not NULL, the value with its
 * head. Definite minimal lengths and low tag numbers only; anything else sets r->overrun.
 */
struct assay_bytes assay_der_any(struct assay_reader *r, uint8_t *tag, struct assay_bytes *whole);
/* Takes one value of this tag; another tag sets r->overrun. */
struct assay_bytes assay_der_take(struct assay_reader *r, uint8_t tag);
/* Takes it and gives a reader over its content. */
struct assay_reader assay_der_enter(struct assay_reader *r, uint8_t tag);
/* The tag of the next value without taking it; 0 at the end. */
uint8_t assay_der_peek(const struct assay_reader *r);
/* A non-negative INTEGER (or ENUMERATED) of at most 8 bytes, minimally encoded. */
uint64_t assay_der_uint(struct assay_reader *r, uint8_t tag);
/* A positive INTEGER as exactly n big-endian bytes; longer ones set r->overrun. */
void assay_der_uint_into(struct assay_reader *r, uint8_t *out, size_t n);
bool assay_der_boolean(struct assay_reader *r); /* 0x00 or 0xff, nothing else */
/* UTCTime or GeneralizedTime in the forms of RFC 5280 4.1.2.5: seconds, Z. */
int64_t assay_der_time(struct assay_reader *r);
/* SEQUENCE { INTEGER r, INTEGER s } as r || s, 2 n bytes. */
bool assay_der_ecdsa(uint8_t *out, size_t n, struct assay_bytes in);

#endif
