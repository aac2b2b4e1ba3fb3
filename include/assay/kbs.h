/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_KBS_H
#define ASSAY_KBS_H

#include <assay/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What guests of a Confidential Containers key broker compute. Nothing here talks to one. */

/*
 * The report data that bind a nonce and a key, of protocol versions 0.3.0 and 0.4.0: a hash over the
 * canonical JSON (RFC 8785) of {"additional-evidence","nonce","tee-pubkey"}, padded with zeros.
 *
 * nonce       As the broker sent it, text for text.
 * key         The public key as a JWK, an object.
 * additional  As it will be sent; "" if there is none, and hashed all the same.
 * hash        "sha256", "sha384" or "sha512".
 * Errors      ASSAY_E_USAGE (hash), ASSAY_E_FORMAT (key is no JSON object, or a text no UTF-8),
 *             ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_kbs_report_data(uint8_t out[ASSAY_REPORT_DATA_SIZE], const char *nonce, const char *key,
    const char *additional, const char *hash, struct assay_error *err);

/*
 * A sealed secret: "sealed.HEADER.PAYLOAD.SIGNATURE", a note that may lie in the open, because what it
 * stands for is given to attested guests alone. A "vault" names a resource, which is the secret. An
 * "envelope" names a resource, which is a key of 32 bytes, and has the secret encrypted under it.
 */
struct assay_sealed;

/*
 * Reads one; white space at its end is passed over.
 *
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (version, kind, provider or algorithm other than
 *         0.1.0, vault or envelope, kbs, A256GCM), ASSAY_E_NOMEM.
 * Proves  Nothing: see assay_sealed_signed().
 */
ASSAY_MUST_USE enum assay_code
assay_sealed_parse(struct assay_sealed **out, struct assay_bytes text, struct assay_error *err);
void assay_sealed_free(struct assay_sealed *sealed); /* NULL is fine */

/* The URI of the resource that opens it, "kbs:///repo/type/tag". Lives with it, as the next two. */
const char *assay_sealed_resource(const struct assay_sealed *sealed);
/* The "kid" of its header; "" if the header is none of a JWS, or names no key. Not proven. */
const char *assay_sealed_kid(const struct assay_sealed *sealed);
/* What assay_jws_verify() takes: without "sealed." in front. */
struct assay_bytes assay_sealed_signed(const struct assay_sealed *sealed);

/*
 * Makes the secret of the resource's bytes.
 *
 * secret  malloc'd, at least one byte long; the caller wipes and frees it.
 * Errors  ASSAY_E_FORMAT (an envelope's key is not 32 bytes), ASSAY_E_SIGNATURE (it is not the key, or
 *         the envelope was altered), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_sealed_open(uint8_t **secret, size_t *len,
    const struct assay_sealed *sealed, struct assay_bytes resource, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
