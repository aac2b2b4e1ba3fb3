/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_X509_FIELDS_H
#define ASSAY_X509_FIELDS_H

/* What certificates and CRLs share (RFC 5280). */

#include "crypto/der.h"
#include "crypto/x509.h"

enum { X509_SERIAL_MAX = 20 }; /* RFC 5280 4.1.2.2 */

/* An OID's content octets, from a constant "\x55\x1d\x0f". */
#define X509_OID(s) ((struct assay_bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

/* SEQUENCE { signed part, AlgorithmIdentifier, BIT STRING }, and nothing around it. */
struct x509_signed {
	struct assay_bytes tbs; /* with its head */
	struct assay_reader r;  /* over its content */
	struct assay_bytes algorithm;
	enum assay_scheme scheme;
	struct assay_bytes bits;
};
/* Errors: ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (the algorithm). */
ASSAY_MUST_USE enum assay_code assay_x509_open(
    struct x509_signed *out, struct assay_bytes in, const char *what, struct assay_error *err);
/* The signature as assay_key_verify() takes it; refuses what does not fit the scheme. */
ASSAY_MUST_USE enum assay_code assay_x509_signature(uint8_t out[X509_SIGNATURE_MAX], size_t *len,
    const struct x509_signed *from, struct assay_error *err);
/* The algorithm that the signed part names must be the outer one, byte for byte. */
ASSAY_MUST_USE enum assay_code
assay_x509_same_algorithm(struct x509_signed *from, struct assay_error *err);

/* These set r->overrun when the value is malformed. */
struct assay_bytes assay_x509_take_serial(struct assay_reader *r);
struct assay_bytes assay_x509_take_name(struct assay_reader *r); /* not empty; whole */

/*
 * Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension: at most max, none twice.
 * Errors: ASSAY_E_FORMAT.
 */
ASSAY_MUST_USE enum assay_code assay_x509_take_extensions(struct x509_extension *out, size_t *count,
    size_t max, struct assay_reader *r, struct assay_error *err);
/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool assay_utf8_valid(struct assay_bytes text);
/* The keyIdentifier of an AuthorityKeyIdentifier; false if malformed. */
bool assay_x509_akid(struct assay_bytes *out, struct assay_bytes value);

#endif
