/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TRUST_H
#define ASSAY_TRUST_H

#include <stdbool.h>

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a verifier believes before it sees any evidence: trust anchors (the vendors' are built
 * in, pinned by key), parsed collateral, floors and lists of platforms. Built once, then const:
 * any number of threads may verify against one trust object.
 */
struct assay_trust;

/* Makes a trust object that holds the built-in anchors and floors. Errors: ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code assay_trust_new(struct assay_trust **out, struct assay_error *err);
void assay_trust_free(struct assay_trust *trust); /* NULL is fine */

/*
 * Adds collateral: TCB info and QE identity (PCS JSON), certificates and CRLs (PEM, DER, hex text
 * of DER), SEV and AMD certificates, certificate tables, a bundle of any of these, and the
 * one-object JSON form that dcap-qvl stores.
 *
 * in      Copied; may be freed afterwards.
 * name    Names the input in messages ("pck_crl.der"); copied.
 * added   How many items were taken, may be NULL.
 * Errors  All of the input is taken, or nothing of it.
 *         ASSAY_E_UNSUPPORTED if the bytes are of no kind that is collateral, ASSAY_E_FORMAT if
 *         they are and are damaged, ASSAY_E_NOMEM.
 * Proves  Nothing: signatures and dates are judged at each verification.
 */
ASSAY_MUST_USE enum assay_code assay_trust_add(struct assay_trust *trust, struct assay_bytes in,
    const char *name, size_t *added, struct assay_error *err);

/*
 * Adds trust anchors of the caller's: self-signed X.509 certificates (PEM or DER) or AMD root
 * certificates. A verdict that rests on one says so in its claims (trust.root).
 */
ASSAY_MUST_USE enum assay_code assay_trust_add_root(
    struct assay_trust *trust, struct assay_bytes in, const char *name, struct assay_error *err);

/* Sets the lowest TCB accepted of AMD parts: "snp=22,microcode=206" or the text of a file with
 * such lines; parts: bootloader, tee, snp, microcode, fmc. Replaces the built-in floor, and binds
 * under every policy. */
ASSAY_MUST_USE enum assay_code
assay_trust_set_min_tcb(struct assay_trust *trust, const char *text, struct assay_error *err);

/*
 * Allow and deny lists of platforms. The text has one rule a line, '#' starts a comment:
 *   allow|deny  chip-id|ppid|platform-instance|cek  HEX
 * A denied platform is refused. When there is any allow rule, one id of the platform must be
 * allowed, of whatever kind. A platform that hides an id of a kind that is listed is refused.
 */
ASSAY_MUST_USE enum assay_code assay_trust_add_platforms(
    struct assay_trust *trust, struct assay_bytes text, const char *name, struct assay_error *err);

/* The collateral is a store's, of many platforms: what it has for others is passed over, and where it has
 * nothing for the one that is judged, the verdict is undetermined. Without this call collateral was given
 * for one platform, and that of another is refused as the wrong file. */
void assay_trust_set_store(struct assay_trust *trust);

/*
 * Floors against old but genuine collateral: the lowest tcbEvaluationDataNumber (0: any) and
 * the lowest CRL number for the CRL issuer whose name has this common name.
 */
void assay_trust_set_min_evaluation(struct assay_trust *trust, uint32_t number);
ASSAY_MUST_USE enum assay_code assay_trust_set_min_crl(
    struct assay_trust *trust, const char *issuer_cn, uint64_t number, struct assay_error *err);

/*
 * The items held, for `assay collateral show`. Texts live as long as the trust object.
 * kind     "TCB info", "QE identity", "PCK CRL", "root CRL", "AMD CRL", "certificate", ...
 * subject  what it is for: "TDX, FMSPC b0c06f000000", "TD QE", "Intel SGX PCK Platform CA"
 * since, until   Unix seconds; INT64_MIN / INT64_MAX if the item has no such date
 */
size_t assay_trust_count(const struct assay_trust *trust);
const char *assay_trust_item_kind(const struct assay_trust *trust, size_t i);
const char *assay_trust_item_subject(const struct assay_trust *trust, size_t i);
const char *assay_trust_item_note(const struct assay_trust *trust, size_t i); /* "eval 17" */
const char *assay_trust_item_name(const struct assay_trust *trust, size_t i); /* as given to add */
int64_t assay_trust_item_since(const struct assay_trust *trust, size_t i);
int64_t assay_trust_item_until(const struct assay_trust *trust, size_t i);
/* The item as it was received (DER, JSON with its signature, AMD format); borrowed. */
struct assay_bytes assay_trust_item_bytes(const struct assay_trust *trust, size_t i);
/* The label under which a bundle holds it: "CERTIFICATE", "X509 CRL", "TCB INFO", ... */
const char *assay_trust_item_label(const struct assay_trust *trust, size_t i);
/* True if item i is made useless by item j: the same thing, and j is newer (or i equals j and
 * comes later). A CRL that lists a serial which the newer one does not list is not useless. */
bool assay_trust_item_replaced(const struct assay_trust *trust, size_t i, size_t j);
/* Signed under a trusted root, dates aside? An owner's OCA, which has no vendor above it, counts when
 * it signs itself. ASSAY_OK, ASSAY_E_SIGNATURE, ASSAY_E_INCOMPLETE when a certificate in between is
 * missing. */
ASSAY_MUST_USE enum assay_code
assay_trust_item_verify(const struct assay_trust *trust, size_t i, struct assay_error *err);

/* The built-in roots and floors were last brought up to date on this day, "2026-11-20". */
const char *assay_trust_builtin_date(void);

/*
 * Remembers facts of one kind, "this key signed these bytes", for certificates, CRLs, collateral
 * and QE reports. Never an evidence signature, never a verdict: dates, revocation, floors and
 * levels are judged anew on every call. May be shared by threads and by trust objects.
 */
struct assay_cache;
ASSAY_MUST_USE enum assay_code assay_cache_new(struct assay_cache **out, size_t entries,
    struct assay_error *err);                     /* entries: 0 for the default, 1024 */
void assay_cache_free(struct assay_cache *cache); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
