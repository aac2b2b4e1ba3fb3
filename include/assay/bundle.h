/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_BUNDLE_H
#define ASSAY_BUNDLE_H

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An evidence bundle: evidence, and what came along with it, in one CBOR map (a collection of
 * RFC 9999, the conceptual message wrapper). The format is docs/bundle.md, to the byte; it is read
 * by assay_evidence_parse().
 */

/* Indicators: what kind of message an item is. Source: RFC 9999, 3.1. */
#define ASSAY_BUNDLE_ENDORSEMENTS 2U /* bit 1 */
#define ASSAY_BUNDLE_EVIDENCE     4U /* bit 2 */

/* Media types of items. That of evidence is one of its TEE's: "application/vnd.assay.tdx". */
#define ASSAY_BUNDLE_TYPE_SGX          "application/vnd.assay.sgx"
#define ASSAY_BUNDLE_TYPE_TDX          "application/vnd.assay.tdx"
#define ASSAY_BUNDLE_TYPE_SNP          "application/vnd.assay.snp"
#define ASSAY_BUNDLE_TYPE_SEV          "application/vnd.assay.sev"
#define ASSAY_BUNDLE_TYPE_SEV_ES       "application/vnd.assay.sev-es"
#define ASSAY_BUNDLE_TYPE_OPAQUE       "application/vnd.assay.opaque"
#define ASSAY_BUNDLE_TYPE_PROVIDER     "text/plain"
#define ASSAY_BUNDLE_TYPE_CERTIFICATES "application/vnd.assay.certificate-table"
#define ASSAY_BUNDLE_TYPE_COLLATERAL   "application/vnd.assay.collateral"
#define ASSAY_BUNDLE_TYPE_EVENTLOG     "application/vnd.assay.eventlog"
#define ASSAY_BUNDLE_TYPE_MANIFEST     "application/vnd.assay.svsm-manifest"
#define ASSAY_BUNDLE_TYPE_PROOF        "application/vnd.assay.sev-proof"

struct assay_bundle_item {
	const char *label;        /* "evidence", "provider", "certificates", ... */
	const char *type;         /* media type */
	struct assay_bytes bytes; /* at least one */
	unsigned indicator;       /* 0: none is written */
};

/*
 * Writes a bundle. The same items give the same bytes, in whichever order they stand.
 *
 * out     malloc'd; the caller frees it.
 * items   Each label once. "evidence" is needed: the raw bytes of the vendor. "provider": the name
 *         of what made it, such as "tdx_guest". "certificates": the certificate table of a SEV-SNP
 *         host (configfs auxblob). "collateral": PEM blocks as `assay collateral bundle` writes
 *         them. "eventlog": CCEL or TCG2 log, runtime entries behind it. "manifest": the service
 *         manifest of an SVSM, which says that REPORT_DATA is SHA-512(nonce || manifest). "proof":
 *         that of a guest of legacy SEV (<assay/proof.h>).
 * Errors  ASSAY_E_USAGE for a label, type or indicator that the format does not have, a missing
 *         or doubled item, or one over its limit; ASSAY_E_NOMEM.
 * Proves  Nothing: a bundle is not signed, what is in it is.
 */
ASSAY_MUST_USE enum assay_code assay_bundle_write(uint8_t **out, size_t *len,
    const struct assay_bundle_item *items, size_t count, struct assay_error *err);

/*
 * Writes the JSON that attesters of the Confidential Containers project send.
 *
 * json          malloc'd, NUL-terminated; the caller frees it.
 * evidence      Raw: a TDX or SGX quote, or an SEV-SNP report of 1184 bytes.
 * certificates  Of SEV-SNP, a certificate table; may be empty.
 * eventlog      Of TDX: CCEL with the agent's entries behind it; may be empty.
 * Errors        ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED for evidence that the form has no shape for,
 *               ASSAY_E_USAGE for a part that this TEE does not have, ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_coco_write(char **json, struct assay_bytes evidence,
    struct assay_bytes certificates, struct assay_bytes eventlog, struct assay_error *err);

/*
 * The same for a guest of legacy SEV, in a form of ours: docs/kbs.md.
 *
 * evidence  The report of 208 bytes, CEK, PEK and OCA behind it or not.
 * proof     Of assay_proof_write(); may be empty.
 */
ASSAY_MUST_USE enum assay_code assay_coco_write_sev(
    char **json, struct assay_bytes evidence, struct assay_bytes proof, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
