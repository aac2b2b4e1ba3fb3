/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_ATTESTATION_H
#define ASSAYD_KBS_ATTESTATION_H

/* The body of POST /kbs/v0/attest in the shape of each version, and what its evidence must be bound to. */

#include <assay/error.h>
#include <assay/jose.h>

#include "../ticket.h"

enum {
	KBS_ATTESTATION_MAX =
	    4 << 20, /* upstream 2 MiB; a CCEL that nobody has cut is 1.4 MiB in base64 */
	KBS_KEY_MAX = 8 * 1024, /* RSA 4096: 800 bytes; ML-KEM 1024: 2200 */
	KBS_INIT_DATA_MAX = 1 << 20,
};

/* Slices are of the body, or of store. Empty: not there. */
struct kbs_attestation {
	enum ticket_protocol protocol;
	struct assay_bytes nonce;   /* a JSON string; before 0.4.0 there is none */
	struct assay_bytes key;     /* the JWK, as it was sent */
	struct assay_bytes primary; /* evidence of the CPU: an object */
	struct assay_bytes
	    additional; /* a JSON string whose text is JSON, or empty; from 0.3.0 on */
	struct assay_bytes init_format, init_body; /* JSON strings; 0.4.0 */
	uint8_t *store;
};

/* Errors: ASSAY_E_FORMAT, ASSAY_E_NOMEM. kbs_attestation_clear() frees what out owns; it keeps slices of
 * body. */
ASSAY_MUST_USE enum assay_code kbs_attestation_parse(struct kbs_attestation *out,
    struct assay_bytes body, enum ticket_protocol protocol, struct assay_error *err);
void kbs_attestation_clear(struct kbs_attestation *a);

/* The workload's key, twice, as JSON in canonical form. */
struct kbs_key {
	char *sent; /* all members as they came; of 0.1.0 k-mod and k-exp are n and e */
	char *jwk;  /* what of it is a key, and nothing else: what is encrypted to */
};
/* kbs_key_clear() frees what out owns. Errors: ASSAY_E_FORMAT (also for a private key),
 * ASSAY_E_UNSUPPORTED (kind or algorithm), ASSAY_E_NOMEM. like: as of assay_jwk_parse_like(). */
ASSAY_MUST_USE enum assay_code kbs_attestation_key(struct kbs_key *out,
    const struct kbs_attestation *a, const struct assay_jwk *like, struct assay_error *err);
void kbs_key_clear(struct kbs_key *key);

enum { KBS_REPORT_DATA = 64, KBS_BINDINGS_MAX = 13 };

/*
 * The report data that bind nonce and key, digest first and zeros behind it. 0.4.0 has one. Before, the
 * order of the hashed members was that of whatever wrote the JSON: all orders in the field are listed,
 * the likeliest first. Each of them is over the same contents.
 */
struct kbs_bindings {
	size_t count, size; /* size: of the digest */
	uint8_t data[KBS_BINDINGS_MAX][KBS_REPORT_DATA];
};
/* nonce: the text of the challenge. Errors: ASSAY_E_FORMAT, ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code
kbs_attestation_bindings(struct kbs_bindings *out, const struct kbs_attestation *a,
    const char *nonce, enum ticket_hash hash, struct assay_error *err);

#endif
