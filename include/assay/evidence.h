/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_EVIDENCE_H
#define ASSAY_EVIDENCE_H

#include <assay/checks.h>
#include <assay/claims.h>
#include <assay/launch.h>
#include <assay/trust.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One piece of evidence, parsed: an SGX or TDX quote, an SEV-SNP report with or without its
 * certificate table, a legacy SEV attestation report; with it what came along in a bundle. Const
 * while it is verified. */
struct assay_evidence;

/*
 * Recognises and parses evidence.
 *
 * out     *out NULL: a new object is made, the caller frees it with assay_evidence_free(). Else
 *         the object of an earlier call is reused, without allocating when its buffer suffices;
 *         after a failure it is empty, and only good for reuse or freeing.
 * in      Raw vendor bytes; a bundle of them (<assay/bundle.h>) or another CMW; the JSON of
 *         configfs-tsm or of Confidential Containers attesters; or the whole-file hex or base64
 *         text of any of these. Copied.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED, ASSAY_E_NOMEM.
 * Proves  Nothing.
 */
ASSAY_MUST_USE enum assay_code
assay_evidence_parse(struct assay_evidence **out, struct assay_bytes in, struct assay_error *err);
void assay_evidence_free(struct assay_evidence *ev); /* NULL is fine */

/* "sgx", "tdx", "snp", "sev", "sev-es"; "opaque" if its provider is none that is known, and it can
 * only be undetermined. Static text. */
const char *assay_evidence_tee(const struct assay_evidence *ev);
/* The same for people: "Intel TDX". Static text. */
const char *assay_evidence_title(const struct assay_evidence *ev);
/* "quote v4, 4936 bytes"; "bundle: report v3, 1184 bytes with SEV-VCEK; provider sev_guest"; lives
 * with the evidence. */
const char *assay_evidence_kind(const struct assay_evidence *ev);

/*
 * What a bundle held beside what is judged. All live with the evidence; empty or NULL if there is
 * none. Unproven: the provider is a name that the bundle gives itself, the log must replay to the
 * registers, the manifest must be bound by the report data (assay_evidence_verify() looks).
 */
const char *assay_evidence_provider(const struct assay_evidence *ev); /* "tdx_guest" */
struct assay_bytes
assay_evidence_raw(const struct assay_evidence *ev); /* as the vendor's parser had it */
struct assay_bytes assay_evidence_eventlog(const struct assay_evidence *ev);
struct assay_bytes assay_evidence_manifest(const struct assay_evidence *ev);
/* Of a guest's proof (<assay/proof.h>): SHA-256 over the SubjectPublicKeyInfo of the key that its owner
 * injected, by which its launch record is found. Empty if no proof came along. */
struct assay_bytes assay_evidence_launch_key(const struct assay_evidence *ev);
/* Its collateral, for assay_trust_count() and the rest; it has no anchors. */
const struct assay_trust *assay_evidence_collateral(const struct assay_evidence *ev);

enum { ASSAY_REPORT_DATA_SIZE = 64 };

/*
 * Makes report data that bind a public key: evidence with them answers the nonce and names the key.
 * The form is docs/binding.md's. The attester asks for evidence with it, the verifier expects it.
 *
 * nonce   8 to 64 bytes, not padded.
 * key     The file of the key, as both sides have it byte for byte.
 * Errors  ASSAY_E_USAGE (length of the nonce, an empty key).
 */
ASSAY_MUST_USE enum assay_code assay_bind_report_data(uint8_t out[ASSAY_REPORT_DATA_SIZE],
    struct assay_bytes nonce, struct assay_bytes key, struct assay_error *err);

/* All that a verdict depends on besides the evidence. Start from zero: = { .trust = t, .now = n } */
struct assay_appraisal {
	const struct assay_trust *trust;
	int64_t now; /* Unix seconds */
	/* Expected REPORT_DATA, at most 64 bytes, short ones zero-padded, all 64 compared. Of legacy
	 * SEV with a guest's proof they are what the proof speaks of; without one, the expected MNONCE,
	 * 16 bytes. Empty: not compared, and said so. */
	struct assay_bytes report_data;
	/* Of legacy SEV: the records of which one has the key that certified the guest's proof. */
	const struct assay_launch *const *launches;
	size_t launch_count;
	struct assay_cache *cache; /* NULL: every signature is verified anew */
	bool require_crl;          /* a missing AMD CRL makes the verdict undetermined */
};

/*
 * Verifies evidence: signatures, chain to a trusted root, revocation, identities, dates, report
 * data, platform lists. Appends a row per check; all checks that can still run do run.
 *
 * claims  *claims NULL: made, and freed by the caller with assay_claims_free(); else reused.
 *         Filled also when the evidence is refused: what is then in them is not proven.
 * checks  Rows are appended.
 * Returns assay_checks_verdict(checks); ASSAY_E_NOMEM and ASSAY_E_USAGE when it could not run.
 *         err is filled with the sentence of the row that decided.
 */
ASSAY_MUST_USE enum assay_code
assay_evidence_verify(struct assay_claims **claims, struct assay_checks *checks,
    const struct assay_evidence *ev, const struct assay_appraisal *how, struct assay_error *err);

/*
 * Every field of a file by its manual's name, for `assay inspect`: evidence, certificates, CRLs,
 * TCB info, QE identities, certificate tables, launch records, which must be whole.
 *
 * visit   Called once per field, in file order; group is "header", "TD report", ...; value and
 *         note are text made for the call, and gone after it.
 * kind    Set to what the file is: the title of evidence ("Intel TDX"), or the kind of collateral
 *         ("PCK CRL"; "collateral" for several items in one file); static text.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED.
 * Proves  Nothing.
 */
typedef void assay_field_visit(
    void *arg, const char *group, const char *name, const char *value, const char *note);
ASSAY_MUST_USE enum assay_code assay_inspect(const char **kind, struct assay_bytes in,
    assay_field_visit *visit, void *arg, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
