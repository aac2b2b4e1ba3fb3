/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TLS_PEER_H
#define ASSAY_TLS_PEER_H

/* The certificate (RFC 5280) or certificate request (PKCS#10, RFC 2986) of a peer: anyone may have
 * written it, so it is read as strictly as a vendor's, but for what attesters are known to do: serial
 * numbers and dates of any kind, NULL behind ecdsa-with-SHA256. Names are not looked at, but shown. */

#include "crypto/secret.h"
#include "crypto/x509.h"

enum { PEER_MAX = 128 * 1024, PEER_EXTENSIONS_MAX = 32 };

struct peer {
	bool request;                            /* PKCS#10: it has no dates */
	struct assay_bytes tbs, spki, algorithm; /* with their heads, as they were sent */
	struct assay_bytes subject;              /* a Name, as it was sent */
	enum assay_pair_kind kind;
	struct assay_numbers numbers; /* of the public key */
	enum assay_signing how;
	uint8_t signature[ASSAY_NUMBER_MAX]; /* as assay_pair_verify() takes it */
	size_t signature_len;                /* 0: of an algorithm that is not taken */
	bool foreign;                        /* of one that another kind of key signs by */
	int64_t since, until;
	struct x509_extension extensions[PEER_EXTENSIONS_MAX]; /* some may stand twice */
	size_t extension_count;
};

/* Errors: ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (kind of key, a critical extension that is not known). Borrows. Proves nothing. */
ASSAY_MUST_USE enum assay_code
assay_peer_parse(struct peer *out, struct assay_bytes der, struct assay_error *err);
/* Whether it is signed with the key that it holds. Errors: ASSAY_E_SIGNATURE, ASSAY_E_UNSUPPORTED (kind
 * of signature, RSA exponent), ASSAY_E_FORMAT (the key is none), ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code assay_peer_check(const struct peer *peer, struct assay_error *err);

#endif
