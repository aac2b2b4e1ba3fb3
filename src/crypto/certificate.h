/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CERTIFICATE_H
#define ASSAY_CERTIFICATE_H

/* Writes a certificate that signs itself, with one extension of the caller's. */

#include "crypto/secret.h"

struct certificate {
	const char *common_name;       /* 1 to 64 bytes of UTF-8 */
	int64_t not_before, not_after; /* Unix seconds, up to the year 9999 */
	const char *oid;               /* of the extension: "2.23.133.5.4.9" */
	struct assay_bytes value;
};

/* pair: private; P-256 or P-384 (SHA-256 and SHA-384), or Ed25519. der: the caller frees. Errors:
 * ASSAY_E_USAGE (name, dates), ASSAY_E_NOMEM (also for want of randomness). */
ASSAY_MUST_USE enum assay_code assay_certificate_write(uint8_t **der, size_t *len,
    const struct assay_pair *pair, const struct certificate *from, struct assay_error *err);

#endif
