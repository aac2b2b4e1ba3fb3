/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SNP_REPORT_H
#define ASSAY_SNP_REPORT_H

/* SEV-SNP attestation reports, versions 2 to 5. Source: AMD 56860, SEV-SNP Firmware ABI,
 * ATTESTATION_REPORT and TCB_VERSION. */

#include "parse/field.h"

enum {
	SNP_REPORT_SIZE = 1184,
	SNP_SIGNED_SIZE = 0x2a0,
	SNP_POLICY_SMT = 16,
	SNP_POLICY_RESERVED_ONE = 17,
	SNP_POLICY_MIGRATE_MA = 18,
	SNP_POLICY_DEBUG = 19,
	SNP_POLICY_SINGLE_SOCKET = 20, /* bit numbers */
};

enum snp_product { SNP_UNKNOWN = 0, SNP_MILAN, SNP_GENOA, SNP_TURIN, SNP_PRODUCTS };
const char *assay_snp_product_name(enum snp_product product); /* "Milan"; "unknown" */

/* TCB_VERSION, decoded; fmc is 0 where the product has none. */
struct snp_tcb {
	uint8_t fmc, bootloader, tee, snp, microcode;
};
/* The layout depends on the product: Turin has FMC first. */
struct snp_tcb assay_snp_tcb_decode(uint64_t raw, enum snp_product product);

struct snp_report {
	uint32_t version;
	uint32_t guest_svn;
	uint64_t policy;
	uint8_t family_id[16];
	uint8_t image_id[16];
	uint32_t vmpl;
	uint32_t signature_algo;
	uint64_t current_tcb; /* raw: decode with the product at hand */
	uint64_t platform_info;
	uint32_t key_info;
	uint8_t report_data[64];
	uint8_t measurement[48];
	uint8_t host_data[32];
	uint8_t id_key_digest[48];
	uint8_t author_key_digest[48];
	uint8_t report_id[32];
	uint8_t report_id_ma[32];
	uint64_t reported_tcb;
	uint8_t cpuid_family, cpuid_model, cpuid_stepping; /* v3 and later */
	uint8_t chip_id[64];
	uint64_t committed_tcb;
	uint8_t current_build, current_minor, current_major;
	uint8_t committed_build, committed_minor, committed_major;
	uint64_t launch_tcb;
	uint64_t launch_mit_vector, current_mit_vector; /* v5 */
	uint8_t signature[96];                          /* r || s, big-endian */
	struct assay_bytes signed_part;                 /* slice of the input */
	enum snp_product product;                       /* by CPUID; SNP_UNKNOWN in v2 */
};

extern const struct assay_field snp_report_fields[];

/* By its version alone if it is 1184 bytes long; if something follows, a certificate table or not,
 * by the signature algorithm too. Versions up to 15, so that new ones are refused in words. */
bool assay_snp_report_recognise(struct assay_bytes in);
/*
 * in      Exactly 1184 bytes.
 * Errors  ASSAY_E_FORMAT (length; non-zero bytes outside the signed part; non-zero reserved bytes
 *         in the signed part), ASSAY_E_UNSUPPORTED (version).
 */
ASSAY_MUST_USE enum assay_code
assay_snp_report_parse(struct snp_report *out, struct assay_bytes in, struct assay_error *err);
/* Family and model as the report has them; SNP_UNKNOWN for others. */
enum snp_product assay_snp_product_of_cpuid(uint8_t family, uint8_t model);

/* The extensions of a VCEK or VLEK, 1.3.6.1.4.1.3704.1.x. Source: AMD 57230, VCEK Certificate and
 * KDS Interface Specification, 3. */
struct vcek_extension {
	uint8_t struct_version;
	char product_name[16];    /* "Milan-B0" */
	enum snp_product product; /* by the part before the dash */
	struct snp_tcb tcb;
	bool has_hwid, has_csp_id;
	uint8_t hwid[64];
	size_t hwid_len; /* 64, Turin 8 */
	char csp_id[64];
};
struct x509_cert;
/* Errors: ASSAY_E_FORMAT for a missing, duplicate or malformed one, hwID of a wrong length. */
ASSAY_MUST_USE enum assay_code assay_vcek_extension_parse(
    struct vcek_extension *out, const struct x509_cert *cert, struct assay_error *err);

/* The certificate table of an extended report (GHCB 4.1.8.1), also configfs auxblob. */
enum { CERT_TABLE_MAX = 16 };
enum cert_table_kind {
	CERT_TABLE_OTHER,
	CERT_TABLE_VCEK,
	CERT_TABLE_VLEK,
	CERT_TABLE_ASK,
	CERT_TABLE_ARK
};
struct cert_table_entry {
	enum cert_table_kind kind;
	uint8_t guid[16]; /* in textual order */
	struct assay_bytes data;
};
struct cert_table {
	struct cert_table_entry entries[CERT_TABLE_MAX];
	size_t count;
};
/* True if it starts with one of AMD's GUIDs, or is an empty table (24 zero bytes). */
bool assay_cert_table_recognise(struct assay_bytes in);
ASSAY_MUST_USE enum assay_code
assay_cert_table_parse(struct cert_table *out, struct assay_bytes in, struct assay_error *err);

#endif
