/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/bind.h"

#include <string.h>

#include <assay/evidence.h>

#include "crypto/crypto.h"

/* Each part with its length in front, so that no two sets of parts make the same bytes. The form
 * is docs/binding.md's; a change of it needs another label. */

static const char label[] = "assay report data: nonce and key, 1";
static const char certificate_label[] = "assay report data: certificate, 1";

enum { NONCE_LEAST = ASSAY_NONCE_LEAST, NONCE_MOST = ASSAY_NONCE_MOST, LENGTH = 4 };

uint8_t *
assay_bind_put(uint8_t *to, const void *part, size_t len)
{
	for (size_t i = LENGTH; i-- > 0;)
		*to++ = (uint8_t)(len >> 8 * i);
	if (len > 0)
		memcpy(to, part, len);
	return to + len;
}

/* The hash over the label, the nonce and SHA-384 of the key. */
static void
bind(uint8_t out[ASSAY_REPORT_DATA_SIZE], const char *name, struct assay_bytes nonce,
    struct assay_bytes key)
{
	uint8_t message[3 * LENGTH + sizeof label - 1 + NONCE_MOST + ASSAY_SHA384_LEN];
	uint8_t hash[ASSAY_SHA384_LEN];
	uint8_t *p = message;

	assay_sha384(hash, key);
	p = assay_bind_put(p, name, strlen(name));
	p = assay_bind_put(p, nonce.ptr, nonce.len);
	p = assay_bind_put(p, hash, sizeof hash);
	assay_sha512(out, (struct assay_bytes){ message, (size_t)(p - message) });
}

enum assay_code
assay_bind_report_data(uint8_t out[ASSAY_REPORT_DATA_SIZE], struct assay_bytes nonce,
    struct assay_bytes key, struct assay_error *err)
{
	if (nonce.len < NONCE_LEAST || nonce.len > NONCE_MOST)
		return assay_fail(err, ASSAY_E_USAGE, "the nonce is %zu bytes, want %d to %d",
		    nonce.len, NONCE_LEAST, NONCE_MOST);
	if (key.len == 0)
		return assay_fail(err, ASSAY_E_USAGE, "the key to bind is empty");
	bind(out, label, nonce, key);
	return ASSAY_OK;
}

_Static_assert(sizeof certificate_label <= sizeof label, "the message has room");

void
assay_bind_certificate(
    uint8_t out[ASSAY_REPORT_DATA_SIZE], struct assay_bytes nonce, struct assay_bytes spki)
{
	bind(out, certificate_label, nonce, spki);
}
