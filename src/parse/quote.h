/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_QUOTE_H
#define ASSAY_QUOTE_H

/* Intel DCAP quotes: SGX v3 and v4, TDX v4, v5 with its body types. Source: Intel TDX DCAP Quoting
 * Library API, appendix A.3 and A.4; SGX ECDSA QuoteLibReference. */

#include "parse/field.h"

enum {
	QUOTE_HEADER_SIZE = 48,
	SGX_REPORT_SIZE = 384,
	TD_REPORT10_SIZE = 584,
	TD_REPORT15_SIZE = 648,
	TD_REPORT_EXT_SIZE = 885,
	QUOTE_TEE_SGX = 0x00,
	QUOTE_TEE_TDX = 0x81,
	QUOTE_MAX = 128 * 1024, /* QEMU hands out at most this much */
};

enum quote_cert_type {
	QUOTE_CERT_PPID_CLEAR = 1,
	QUOTE_CERT_PPID_RSA2048 = 2,
	QUOTE_CERT_PPID_RSA3072 = 3,
	QUOTE_CERT_PCK_LEAF = 4,
	QUOTE_CERT_PCK_CHAIN = 5,
	QUOTE_CERT_QE_REPORT = 6,
	QUOTE_CERT_PLATFORM_MANIFEST = 7,
};

/* sgx_report_body_t: of an application enclave and of the quoting enclave alike. */
struct sgx_report {
	uint8_t cpu_svn[16];
	uint32_t misc_select;
	uint8_t isv_ext_prod_id[16];
	uint64_t attributes; /* the flags */
	uint64_t xfrm;
	uint8_t mr_enclave[32];
	uint8_t mr_signer[32];
	uint8_t config_id[64];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint16_t config_svn;
	uint8_t isv_family_id[16];
	uint8_t report_data[64];
};

/* Members of the newer bodies are zero in the older ones. */
struct td_report {
	uint8_t tee_tcb_svn[16];
	uint8_t mr_seam[48];
	uint8_t mr_signer_seam[48];
	uint64_t seam_attributes;
	uint64_t td_attributes;
	uint64_t xfam;
	uint8_t mr_td[48];
	uint8_t mr_config_id[48];
	uint8_t mr_owner[48];
	uint8_t mr_owner_config[48];
	uint8_t rtmr[4][48];
	uint8_t report_data[64];
	uint8_t tee_tcb_svn2[16];  /* TD 1.5 */
	uint8_t mr_service_td[48]; /* TD 1.5 */
	uint8_t vm_id;             /* from here on: extended */
	uint8_t td_id[32];
	uint8_t device_info[48];
	uint8_t init_servtd_hash[48];
	uint64_t init_servtd_attr;
	uint8_t init_cpu_svn[16];
	uint8_t init_tee_tcb_svn[16];
	uint8_t init_fmspc[12];
	uint8_t cur_servtd_hash[48];
	uint64_t cur_servtd_attr;
};

struct quote {
	uint16_t version;
	uint16_t key_type;
	uint32_t tee_type;
	uint16_t qe_svn, pce_svn; /* v3 only */
	uint8_t qe_vendor_id[16];
	uint8_t user_data[20];
	uint16_t body_type; /* v5's number; for v3 and v4 what it would be there: 1 or 2 */
	union {
		struct sgx_report sgx;
		struct td_report td;
	};
	struct sgx_report qe_report;
	uint8_t pck_cert_type; /* enum quote_cert_type, of the innermost data */
	/* Slices of the input. */
	struct assay_bytes body;
	struct assay_bytes signed_part;         /* what the attestation key signed */
	struct assay_bytes signature;           /* 64: r || s */
	struct assay_bytes attestation_key;     /* 64: x || y */
	struct assay_bytes qe_report_bytes;     /* 384 */
	struct assay_bytes qe_report_signature; /* 64 */
	struct assay_bytes qe_auth_data;
	struct assay_bytes cert_data; /* the innermost certification data */
	struct assay_bytes padding;   /* zero bytes behind the quote; empty if there are none */
	size_t size;                  /* without the padding */
};

extern const struct assay_field quote_header_fields[]; /* offsets in the quote */
extern const struct assay_field sgx_report_fields[];   /* offsets in the report body */
extern const struct assay_field td_report_fields[];

/* By TEE type and QE vendor id only, so that a version or key type not known is refused in words. */
bool assay_quote_recognise(struct assay_bytes in, uint32_t tee_type);
/*
 * Reads one quote strictly: consistent version, key, TEE and body types, every nested size exact,
 * reserved bytes zero. Behind the quote only zero bytes may stand; they are reported in padding.
 * Keeps slices of `in`. Errors: ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (version, key type).
 * Proves nothing.
 */
ASSAY_MUST_USE enum assay_code
assay_quote_parse(struct quote *out, struct assay_bytes in, struct assay_error *err);

/* The SGX extension of a PCK certificate, 1.2.840.113741.1.13.1. Source: Intel SGX PCK
 * Certificate and CRL Profile Specification, 3.5. */
struct pck_extension {
	uint8_t ppid[16];
	uint8_t components[16];
	uint16_t pce_svn;
	uint8_t cpu_svn[16];
	uint8_t pce_id[2];
	uint8_t fmspc[6];
	uint8_t sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
	bool has_platform_instance, has_configuration;
	uint8_t platform_instance[16];
	bool has_dynamic_platform, has_cached_keys, has_smt_enabled;
	bool dynamic_platform, cached_keys, smt_enabled;
};
extern const struct assay_bytes pck_extension_oid; /* content octets */
/* in: the extnValue's content. Members by OID; duplicates, unknown members and a missing one of
 * the first five are refused. */
ASSAY_MUST_USE enum assay_code assay_pck_extension_parse(
    struct pck_extension *out, struct assay_bytes in, struct assay_error *err);

#endif
