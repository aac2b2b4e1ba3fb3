/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SEV_H
#define ASSAY_SEV_H

/* Legacy SEV and SEV-ES: certificates and the ATTESTATION report. Source: AMD 55766, SEV API,
 * appendix C (certificate formats) and 6.8 (ATTESTATION). */

#include "crypto/crypto.h"
#include "parse/field.h"

enum {
	SEV_CERT_SIZE = 2084,
	SEV_CERT_KEY = 0x10, /* the public key's, up to the end of what is signed */
	SEV_CERT_SIGNED = 0x414,
	SEV_REPORT_SIZE = 208,
	SEV_REPORT_SIGNED = 0x34,
	AMD_CERT_SMALL = 832,  /* RSA 2048 */
	AMD_CERT_LARGE = 1600, /* RSA 4096 */
	AMD_CERT_NAPLES_UNSIGNED = 576,
};

enum sev_usage {
	SEV_USAGE_ARK = 0x0000,
	SEV_USAGE_ASK = 0x0013,
	SEV_USAGE_NONE = 0x1000,
	SEV_USAGE_OCA = 0x1001,
	SEV_USAGE_PEK = 0x1002,
	SEV_USAGE_PDH = 0x1003,
	SEV_USAGE_CEK = 0x1004,
};
const char *assay_sev_usage_name(uint32_t usage); /* "PEK"; "unused" */

enum sev_algo {
	SEV_ALGO_NONE = 0,
	SEV_RSA_SHA256 = 0x001,
	SEV_ECDSA_SHA256 = 0x002,
	SEV_ECDH_SHA256 = 0x003,
	SEV_RSA_SHA384 = 0x101,
	SEV_ECDSA_SHA384 = 0x102,
	SEV_ECDH_SHA384 = 0x103,
};

struct sev_signature {
	uint32_t usage, algo; /* usage of the signer */
	uint8_t raw[512];     /* RSA: big-endian; ECDSA: r || s big-endian, 2 x 48 */
	size_t len;           /* 256 or 512, 96; 0 if the slot is unused or malformed */
};

/* The scheme behind an algorithm id and the length of the signature; NONE for others. The curve is
 * P-384 in every certificate and report. */
enum assay_scheme assay_sev_scheme(uint32_t algo, size_t signature_len);

struct sev_cert {
	uint32_t version;
	uint8_t api_major, api_minor;
	uint32_t usage, algo;
	uint32_t curve;             /* EC keys: 1 P-256, 2 P-384 */
	uint8_t key[512];           /* EC: x || y big-endian; RSA: modulus big-endian */
	struct assay_public public; /* points into key: do not copy the struct */
	struct sev_signature signatures[2];
	struct assay_bytes signed_part; /* slice of the input */
	struct assay_bytes raw;
};
bool assay_sev_cert_recognise(struct assay_bytes in); /* length, version and usage */
/* Refuses version, reserved bytes, curve and key sizes that are not the format's. A slot whose
 * usage is no signer's is unused, whatever it holds. */
ASSAY_MUST_USE enum assay_code assay_sev_cert_parse(
    struct sev_cert *out, struct assay_bytes in, const char *what, struct assay_error *err);

/* AMD's own format for the legacy ARK and ASK. */
struct amd_cert {
	uint32_t usage;
	uint8_t key_id[16], certifying_id[16];
	size_t key_len;             /* 256 or 512 */
	uint8_t modulus[512];       /* big-endian */
	uint8_t signature[512];     /* big-endian */
	bool has_signature;         /* false only for the 576-byte Naples ARK */
	struct assay_public public; /* points into modulus: do not copy the struct */
	struct assay_bytes signed_part;
	struct assay_bytes raw;
};
/* How long the AMD certificate at the front of `in` is; 0 if there is none. */
size_t assay_amd_cert_length(struct assay_bytes in);
ASSAY_MUST_USE enum assay_code assay_amd_cert_parse(
    struct amd_cert *out, struct assay_bytes in, const char *what, struct assay_error *err);

struct sev_report {
	uint8_t mnonce[16];
	uint8_t launch_digest[32];
	uint32_t policy;
	uint32_t signature_usage, signature_algo;
	uint32_t reserved;
	uint8_t signature[96]; /* r || s, big-endian */
	struct assay_bytes signed_part;
};
enum { SEV_POLICY_NODBG = 0, SEV_POLICY_NOKS = 1, SEV_POLICY_ES = 2, SEV_POLICY_NOSEND = 3 };
extern const struct assay_field sev_report_fields[];
bool assay_sev_report_recognise(struct assay_bytes in); /* length, and usage PEK at 0x34 */
/* Refuses a length other than 208, R or S beyond 48 bytes. */
ASSAY_MUST_USE enum assay_code
assay_sev_report_parse(struct sev_report *out, struct assay_bytes in, struct assay_error *err);

#endif
