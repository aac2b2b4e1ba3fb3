/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TLS_DICE_H
#define ASSAY_TLS_DICE_H

/* The values of the DICE extensions as interoperable RA-TLS fills them: CBOR under a tag. Source:
 * CCC-Attestation, Interoperable RA-TLS X.509 Cert and Evidence Formats; SGX / TDX Evidence Tags and
 * Formats. */

#include "core/core.h"

enum {
	DICE_HASH_SHA256 = 1, /* IANA, named information: the three that a verifier must take */
	DICE_HASH_SHA384 = 7,
	DICE_HASH_SHA512 = 8,
	DICE_BUFFER_MAX = 192, /* of the buffers that are written here */
	DICE_ENDORSEMENTS = 7, /* entries that are collateral */
};

struct dice_evidence {
	struct assay_bytes quote;
	struct assay_bytes buffer; /* the claims, as they were sent: their hash is in the quote */
	uint64_t alg;              /* of the key's hash */
	struct assay_bytes hash;
	bool has_nonce;
	struct assay_bytes nonce;
};

/* Errors: ASSAY_E_FORMAT; ASSAY_E_UNSUPPORTED for another tag than that of a quote, or another hash.
 * Slices of in. Proves nothing. */
ASSAY_MUST_USE enum assay_code
assay_dice_parse(struct dice_evidence *out, struct assay_bytes in, struct assay_error *err);
/* The value of the endorsements extension: collateral, an item or a chain each; some may be empty. */
ASSAY_MUST_USE enum assay_code assay_dice_endorsements(
    struct assay_bytes out[DICE_ENDORSEMENTS], struct assay_bytes in, struct assay_error *err);

/* A claims buffer for this key (SHA-256 over its SubjectPublicKeyInfo) and nonce, of at most 64 bytes;
 * empty: none. Returns its length. */
size_t
assay_dice_buffer(uint8_t out[DICE_BUFFER_MAX], struct assay_bytes spki, struct assay_bytes nonce);
/* The value of the evidence extension: the caller frees. */
ASSAY_MUST_USE enum assay_code assay_dice_write(uint8_t **out, size_t *len,
    struct assay_bytes quote, struct assay_bytes buffer, struct assay_error *err);

#endif
