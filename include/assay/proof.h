/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_PROOF_H
#define ASSAY_PROOF_H

#include <assay/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a guest of legacy SEV or SEV-ES puts beside a report that its host fetched: the proof that it
 * holds the key that its owner injected at launch, and that the report is the answer to its request.
 * The form is docs/binding.md's; the proof is the item "proof" of a bundle (<assay/bundle.h>).
 */

enum { ASSAY_SEV_REPORT_SIZE = 208, ASSAY_SEV_MNONCE_SIZE = 16, ASSAY_KEY_DIGEST_SIZE = 32 };

/* The guest's keys: a fresh one that signs proofs, certified once by the injected one, of which
 * nothing is kept but the hash of its public half. Const once made, shared by threads. */
struct assay_proof_keys;

/*
 * Makes a working key (P-256) and certifies it.
 *
 * out               The caller frees it with assay_proof_keys_free().
 * private_key_info  The injected key: PrivateKeyInfo in DER (RFC 5208) and nothing behind it. P-256,
 *                   P-384, Ed25519, RSA of 2048 to 4096 bits. The caller wipes it.
 * Errors            ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (a PrivateKeyInfo of another algorithm, which
 *                   never signs proofs), ASSAY_E_NOMEM (also for want of randomness).
 */
ASSAY_MUST_USE enum assay_code assay_proof_keys_new(
    struct assay_proof_keys **out, struct assay_bytes private_key_info, struct assay_error *err);
void assay_proof_keys_free(struct assay_proof_keys *keys); /* wipes; NULL is fine */

/* SHA-256 over the SubjectPublicKeyInfo (DER) of the working key: what goes to the broker. */
void
assay_proof_key_digest(uint8_t out[ASSAY_KEY_DIGEST_SIZE], const struct assay_proof_keys *keys);

/*
 * Writes the proof that belongs to a report.
 *
 * out          malloc'd; the caller frees it.
 * report       208 bytes, as the firmware made them.
 * report_data  What was asked for; short ones are padded with zeros.
 * Errors       ASSAY_E_USAGE (the report is of another length, or its MNONCE is not that of
 *              report_data and of these keys: it answers another request), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_proof_write(uint8_t **out, size_t *len,
    const struct assay_proof_keys *keys, struct assay_bytes report,
    const uint8_t report_data[ASSAY_REPORT_DATA_SIZE], struct assay_error *err);

/*
 * The MNONCE that a host puts into the report: the first 16 bytes of a hash over the guest's report
 * data and the digest of its working key (assay_proof_key_digest()). The broker makes it, the
 * verifier compares it.
 */
void assay_sev_mnonce(uint8_t out[ASSAY_SEV_MNONCE_SIZE],
    const uint8_t report_data[ASSAY_REPORT_DATA_SIZE],
    const uint8_t key_digest[ASSAY_KEY_DIGEST_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
