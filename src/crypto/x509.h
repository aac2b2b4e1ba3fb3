/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_X509_H
#define ASSAY_X509_H

/* X.509 certificates and CRLs of the profiles that TEE vendors use (RFC 5280; spec of each in
 * Intel's PCK profile and AMD 57230). They borrow from the bytes they were read from. */

#include "crypto/crypto.h"

enum {
	X509_SIGNATURE_MAX = 512,
	X509_MAX = 8192,          /* a vendor's certificate is 600 to 1900 bytes */
	X509_EXTENSIONS_MAX = 24, /* a VCEK has 12 */
	X509_CRL_MAX = 1 << 20,
};

enum {
	X509_DIGITAL_SIGNATURE = 1 << 0,
	X509_KEY_CERT_SIGN = 1 << 5, /* keyUsage bits, RFC 5280 4.2.1.3: bit n is 1 << n */
	X509_CRL_SIGN = 1 << 6,
};

struct x509_extension {
	struct assay_bytes oid;   /* content octets of the OID */
	struct assay_bytes value; /* content of the extnValue OCTET STRING */
	bool critical;
};

struct x509_cert {
	struct assay_bytes der, tbs;        /* whole; the signed part with its head */
	struct assay_bytes serial;          /* content octets of the INTEGER, as encoded */
	struct assay_bytes issuer, subject; /* whole Names, compared as bytes */
	int64_t not_before, not_after;
	struct assay_public key;
	enum assay_scheme scheme;              /* of the signature on this certificate */
	uint8_t signature[X509_SIGNATURE_MAX]; /* r || s or the RSA number */
	size_t signature_len;
	uint8_t digest[ASSAY_DIGEST_MAX]; /* of tbs, as the scheme signs it */
	size_t digest_len;
	bool has_basic, ca;
	int path_len; /* -1: none given */
	bool has_usage;
	uint16_t usage;
	struct assay_bytes skid, akid; /* key identifiers; empty if absent */
	struct x509_extension extensions[X509_EXTENSIONS_MAX];
	size_t extension_count;
};

/*
 * Reads one certificate: DER, nothing before or after. Refuses what RFC 5280 forbids and these
 * profiles never need: versions other than 3, unique identifiers, duplicate extensions, unknown
 * critical extensions, algorithms other than those of assay_scheme, inner and outer algorithm
 * that differ, RSA exponents other than 65537, points not of their length or compressed.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (algorithm, critical extension).
 */
ASSAY_MUST_USE enum assay_code assay_x509_parse(
    struct x509_cert *out, struct assay_bytes in, const char *what, struct assay_error *err);
/* The extension with this OID (content octets), or NULL. */
const struct x509_extension *
assay_x509_extension(const struct x509_cert *cert, struct assay_bytes oid);
/* The first commonName of a Name, for messages; empty if there is none or it is no plain text. */
struct assay_bytes assay_x509_common_name(struct assay_bytes name);
/* True if the Name is exactly these attributes, one per RDN, in this order: pairs of short type
 * ("CN", "O", "OU", "L", "ST", "C") and text, NULL at the end. String types are not compared. */
bool assay_x509_name_is(struct assay_bytes name, const char *const *pairs);

struct x509_crl {
	struct assay_bytes der, tbs;
	struct assay_bytes issuer;
	int64_t this_update, next_update; /* a CRL without nextUpdate is refused */
	enum assay_scheme scheme;
	uint8_t signature[X509_SIGNATURE_MAX];
	size_t signature_len;
	uint8_t digest[ASSAY_DIGEST_MAX]; /* of tbs, as the scheme signs it */
	size_t digest_len;
	struct assay_bytes akid;
	bool has_number;
	uint64_t number;            /* crlNumber; above 2^64 - 1 is refused */
	struct assay_bytes revoked; /* content of revokedCertificates; walked on demand */
	size_t revoked_count;
};

/* Reads one CRL: version 2, definite dates; every entry is well formed, has no critical extension,
 * and no unknown critical CRL extension (indirect and delta CRLs are refused). */
ASSAY_MUST_USE enum assay_code assay_x509_crl_parse(
    struct x509_crl *out, struct assay_bytes in, const char *what, struct assay_error *err);
/* Is this serial (content octets) listed? */
bool assay_x509_crl_lists(const struct x509_crl *crl, struct assay_bytes serial);
/* Is every serial listed that the other lists? May say no of a very long one for want of time. */
bool assay_x509_crl_lists_all(const struct x509_crl *crl, const struct x509_crl *of);

#endif
