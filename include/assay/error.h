/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_ERROR_H
#define ASSAY_ERROR_H

#include <assay/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a program acts on. The numbers are stable: new codes are appended, none is renumbered.
 * ASSAY_OK means that what the verb promises holds; of a verdict: accepted.
 */
enum assay_code {
	ASSAY_OK = 0,
	ASSAY_E_USAGE = 1,       /* the caller broke the contract of this API */
	ASSAY_E_FORMAT = 2,      /* the input breaks its specification */
	ASSAY_E_UNSUPPORTED = 3, /* well formed, but newer or other than this version can judge */
	ASSAY_E_SIGNATURE = 4,   /* a signature, a chain or an identity does not hold */
	ASSAY_E_EXPIRED = 5,     /* outside its validity, on either side */
	ASSAY_E_REVOKED = 6,     /* withdrawn by its issuer */
	ASSAY_E_POLICY = 7,      /* genuine, but the appraisal does not allow it */
	ASSAY_E_NOMEM = 8,
	ASSAY_E_IO = 9,
	ASSAY_E_INCOMPLETE = 10, /* nothing wrong found, but something needed is missing */
};

/* What a person reads. Lives on the caller's stack; filled only when a call fails. */
struct assay_error {
	enum assay_code code;
	char text[256]; /* one sentence: where, got, want, what to do; NUL-terminated UTF-8 */
};

/* The name of a code, "ASSAY_E_FORMAT"; "unknown" for a number outside the enum. Static text. */
const char *assay_code_name(enum assay_code code);

/* The library's version, "0.1.0". Static text. */
const char *assay_version(void);

#ifdef __cplusplus
}
#endif

#endif
