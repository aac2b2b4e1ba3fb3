/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_PEM_H
#define ASSAY_PEM_H

/* PEM (RFC 7468), any number of blocks, any newline, text between blocks ignored, trailing NULs
 * allowed; also whole-file hex and base64. */

#include "core/core.h"

struct pem_block {
	struct assay_bytes label; /* "CERTIFICATE" */
	struct assay_bytes body;  /* base64 text */
	size_t end;               /* where to look for the next block */
};

bool assay_pem_recognise(struct assay_bytes in); /* has a "-----BEGIN " */
/*
 * The next block at or after *at; *at moves behind it. ASSAY_OK with out->label.len == 0: there is
 * none. Errors: ASSAY_E_FORMAT (no end line, end label differs).
 */
ASSAY_MUST_USE enum assay_code assay_pem_next(struct pem_block *out, size_t *at,
    struct assay_bytes in, const char *what, struct assay_error *err);

/*
 * The bytes behind a file that is hex text, base64 text, or neither. *out is malloc'd and freed
 * by the caller when the file was text; NULL when it is raw.
 */
ASSAY_MUST_USE enum assay_code
assay_untext(uint8_t **out, size_t *out_len, struct assay_bytes in, struct assay_error *err);

#endif
