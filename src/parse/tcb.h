/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TCB_H
#define ASSAY_TCB_H

/* Intel's signed JSON: TCB info (versions 2 and 3) and enclave identities. Source: Intel PCS API
 * v4, "Get TCB Info" and "Get Quoting Enclave Identity". */

#include <jansson.h>

#include "core/core.h"

/* In the order of the vendor's texts; the first six and Revoked occur in JSON. */
enum tcb_status {
	TCB_NONE = 0,
	TCB_UP_TO_DATE,
	TCB_SW_HARDENING_NEEDED,
	TCB_CONFIGURATION_NEEDED,
	TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	TCB_OUT_OF_DATE,
	TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	TCB_REVOKED,
	TCB_TD_RELAUNCH_ADVISED, /* from here on: results only */
	TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
	TCB_NOT_SUPPORTED,
	TCB_STATUSES,
};
const char *assay_tcb_status_name(enum tcb_status status); /* "UpToDate" */

enum {
	TCB_COMPONENTS = 16,
	TCB_LEVELS_MAX = 128,
	TCB_MODULES_MAX = 16,
	TCB_ADVISORIES_MAX = 64,    /* of one level */
	TCB_ADVISORY_TEXT_MAX = 32, /* "INTEL-SA-01397" */
	TCB_JSON_MAX = 1 << 20,
};

/* What every level says. Texts live with the document. */
struct tcb_verdict {
	enum tcb_status status;
	int64_t date;
	const char **advisories;
	size_t advisory_count;
};

struct tcb_level {
	uint8_t sgx[TCB_COMPONENTS];
	uint16_t pce_svn;
	uint8_t tdx[TCB_COMPONENTS]; /* zero for SGX */
	struct tcb_verdict verdict;
};

struct svn_level { /* of a module or an enclave */
	uint16_t isv_svn;
	struct tcb_verdict verdict;
};

struct tdx_module {  /* tdxModule (id "") and tdxModuleIdentities */
	char id[16]; /* "TDX_01", as written */
	uint8_t mr_signer[48];
	uint64_t attributes, attributes_mask; /* little-endian reading of the memory image */
	struct svn_level *levels;             /* sorted, highest SVN first */
	size_t level_count;
};

struct signed_json {              /* what both documents share */
	struct assay_bytes whole; /* as received */
	struct assay_bytes span;  /* the inner object: the signed bytes, untouched */
	uint8_t signature[64];    /* r || s */
	int64_t issue_date, next_update;
	uint32_t evaluation; /* tcbEvaluationDataNumber */
	json_t *root;        /* owns the texts */
};

struct tcb_info {
	struct signed_json doc;
	bool tdx;
	uint32_t version;
	uint8_t fmspc[6];
	uint8_t pce_id[2];
	bool has_module;
	struct tdx_module module;   /* tdxModule */
	struct tdx_module *modules; /* tdxModuleIdentities */
	size_t module_count;
	struct tcb_level *levels; /* sorted: SGX components, PCESVN, TDX components, descending */
	size_t level_count;
	/* What the vendor calls the components, from the first level that tells; NULL if none does. */
	const char *sgx_category[TCB_COMPONENTS], *sgx_type[TCB_COMPONENTS];
	const char *tdx_category[TCB_COMPONENTS], *tdx_type[TCB_COMPONENTS];
};

struct qe_identity {
	struct signed_json doc;
	char id[16]; /* "QE", "TD_QE", "QVE", "QAE" */
	uint32_t version;
	uint8_t misc_select[4], misc_select_mask[4];
	uint8_t attributes[16], attributes_mask[16];
	uint8_t mr_signer[32];
	uint16_t isv_prod_id;
	struct svn_level *levels; /* sorted, highest SVN first */
	size_t level_count;
};

/*
 * Both read the PCS answer { "tcbInfo": {...}, "signature": "..." } strictly: duplicate members,
 * numbers that are no integers or out of range, unknown status texts, arrays that are not 16
 * long, two equal levels are refused. Members that are not known are ignored (the vendor adds
 * some), but stay signed. in is copied by neither: it must outlive the document.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (version), ASSAY_E_NOMEM.
 * Proves  Nothing.
 */
ASSAY_MUST_USE enum assay_code assay_tcb_info_parse(
    struct tcb_info *out, struct assay_bytes in, const char *what, struct assay_error *err);
void assay_tcb_info_clear(struct tcb_info *info); /* a zeroed one is fine */
ASSAY_MUST_USE enum assay_code assay_qe_identity_parse(
    struct qe_identity *out, struct assay_bytes in, const char *what, struct assay_error *err);
void assay_qe_identity_clear(struct qe_identity *identity);

/* What a JSON text is, by its first member names: the document behind a collateral file. */
enum assay_json_kind {
	ASSAY_JSON_NONE,
	ASSAY_JSON_TCB_INFO,
	ASSAY_JSON_QE_IDENTITY,
	ASSAY_JSON_DCAP_QVL
};
enum assay_json_kind assay_json_kind(struct assay_bytes in);

/* dcap-qvl's one-object form, taken apart: each part as a text of its own that the parsers above
 * (and the PEM and DER readers) take. Parts are malloc'd; clear frees them. */
struct dcap_qvl_collateral {
	struct {
		const char *name; /* member name, static */
		uint8_t *ptr;
		size_t len;
	} parts[8];
	size_t count;
};
ASSAY_MUST_USE enum assay_code assay_dcap_qvl_split(struct dcap_qvl_collateral *out,
    struct assay_bytes in, const char *what, struct assay_error *err);
void assay_dcap_qvl_clear(struct dcap_qvl_collateral *c);

#endif
