/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CERT_H
#define ASSAY_CERT_H

#include <assay/evidence.h>
#include <assay/jose.h>
#include <assay/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Attested certificates: a certificate that signs itself, and an extension in it with evidence of the
 * machine that holds its key. Whoever verifies one, and then sees its key used (as TLS does), speaks
 * with that machine. The forms are docs/cert.md's.
 */

/* --- making one -------------------------------------------------------------------------- */

/* Start from zero: = { .key = k, .not_before = ..., .not_after = ... } */
struct assay_cert_request {
	const struct assay_jwk *key;   /* private; ES256, ES384 or EdDSA */
	struct assay_bytes nonce;      /* the verifier's, 8 to 64 bytes; empty: there is none */
	int64_t not_before, not_after; /* Unix seconds, from 1970 to 9999 */
	const char *common_name; /* of subject and issuer, 1 to 64 bytes of UTF-8; NULL: "assay" */
};

/*
 * The report data that evidence must carry to go into the certificate: it names the key, and the
 * nonce if there is one.
 *
 * tee     As assay_guest_here() says it; "sgx" and "tdx" have another form than the others.
 * Errors  ASSAY_E_USAGE (the key is not private, or none of the three; length of the nonce),
 *         ASSAY_E_NOMEM.
 * Source  docs/cert.md; CCC interoperable RA-TLS.
 */
ASSAY_MUST_USE enum assay_code assay_cert_report_data(uint8_t out[ASSAY_REPORT_DATA_SIZE],
    const char *tee, const struct assay_cert_request *request, struct assay_error *err);

/*
 * Writes the certificate.
 *
 * der       malloc'd; the caller frees it.
 * request   As it was given to assay_cert_report_data().
 * evidence  What assay_evidence_parse() takes: a bundle, or the vendor's bytes. Of SGX and TDX the
 *           quote goes into the extension, of others the whole bundle, or one of the vendor's bytes.
 * Errors    As above; ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (the evidence, or of a TEE that no
 *           certificate can carry; in a wrapper that is no bundle, with a proof or a manifest).
 * Proves    Nothing. That the evidence carries the report data is for the verifier to see.
 */
ASSAY_MUST_USE enum assay_code assay_cert_make(uint8_t **der, size_t *len,
    const struct assay_cert_request *request, struct assay_bytes evidence, struct assay_error *err);

/* --- verifying one ----------------------------------------------------------------------- */

/* A certificate, or a certificate request (PKCS#10) with evidence, parsed. Const while it is
 * verified. */
struct assay_cert;

/*
 * Reads a certificate.
 *
 * out     The caller frees it with assay_cert_free().
 * in      One certificate or certificate request: DER, or PEM of it alone. Copied.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (kind of key, critical extension), ASSAY_E_NOMEM. What
 *         is wrong with its signature or its evidence is said when it is verified.
 * Proves  Nothing.
 */
ASSAY_MUST_USE enum assay_code
assay_cert_parse(struct assay_cert **out, struct assay_bytes in, struct assay_error *err);
void assay_cert_free(struct assay_cert *cert); /* NULL is fine */

/* "certificate, DICE extension: quote v4, 4936 bytes"; lives with the certificate. */
const char *assay_cert_kind(const struct assay_cert *cert);
/* Its evidence, taken out; NULL if it has none that can be read. Lives with the certificate. */
const struct assay_evidence *assay_cert_evidence(const struct assay_cert *cert);
/* Its public key: SubjectPublicKeyInfo in DER, as it was sent. Lives with the certificate. */
struct assay_bytes assay_cert_key(const struct assay_cert *cert);

/*
 * Verifies a certificate: that its own key signed it, its dates, that it has one piece of evidence in
 * the strongest form that it brings, that the evidence holds (assay_evidence_verify()), and that the
 * evidence names the certificate's key, by the bytes that were sent. A form that is bad is never
 * made up for by a weaker one.
 *
 * claims  As for assay_evidence_verify(); untouched when there is no evidence to verify.
 * checks  Rows are appended: cert.*, and those of the evidence.
 * nonce   What the certificate must have been made for; empty: it is not looked at, and said so.
 * how     Its report_data must be empty: the certificate says what they have to be.
 * Returns assay_checks_verdict(checks); ASSAY_E_NOMEM and ASSAY_E_USAGE when it could not run.
 *         A policy is asked afterwards, assay_policy_check(), if there are claims.
 * Proves  Nothing of a peer that has not used the key.
 */
ASSAY_MUST_USE enum assay_code assay_cert_verify(struct assay_claims **claims,
    struct assay_checks *checks, const struct assay_cert *cert, struct assay_bytes nonce,
    const struct assay_appraisal *how, struct assay_error *err);

/* --- TLS --------------------------------------------------------------------------------- */

/* Whom a TLS peer must prove to be. Const, and shared by the connections of all threads; all that it
 * points to outlives them. Start from zero. */
struct assay_cert_peer {
	struct assay_appraisal how;                 /* its now counts where there is no clock */
	const struct assay_policy *const *policies; /* all must accept; at least one */
	size_t policy_count;
	struct assay_bytes nonce; /* of every peer's certificate; empty: none */
	/* The time, Unix seconds, for each peer anew: the library asks no clock. NULL: how.now. */
	int64_t (*clock)(void *arg);
	/* Told of each peer, from the thread of its handshake, what was found and why; or NULL. What it
	 * is given is gone after it. claims is NULL if there was nothing to make any of; err is
	 * filled when the verdict is not ASSAY_OK. It is told before the peer has proven that it
	 * holds the key, and anyone can show another's certificate: act on an accepted one only
	 * after the handshake has succeeded. */
	void (*report)(void *arg, enum assay_code verdict, const struct assay_checks *checks,
	    const struct assay_claims *claims, const struct assay_error *err);
	void *arg;
};

struct x509_store_ctx_st; /* OpenSSL's X509_STORE_CTX */

/*
 * For SSL_CTX_set_cert_verify_callback(ssl_ctx, assay_cert_verify_callback, peer): judges the peer's
 * certificate by its evidence, in place of OpenSSL's own judgement by issuers. Beside it the
 * SSL_CTX wants SSL_VERIFY_PEER (of a server also SSL_VERIFY_FAIL_IF_NO_PEER_CERT), and no resumed
 * sessions, which nobody judges: SSL_OP_NO_TICKET, SSL_SESS_CACHE_OFF.
 *
 * peer     A const struct assay_cert_peer.
 * Returns  1 accepted; 0 refused, with X509_V_ERR_APPLICATION_VERIFICATION (or _OUT_OF_MEM) set.
 */
int assay_cert_verify_callback(struct x509_store_ctx_st *ctx, void *peer);

#ifdef __cplusplus
}
#endif

#endif
