/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_REQUEST_H
#define ASSAYD_KBS_REQUEST_H

/* The body of POST /kbs/v0/auth. Source: kbs-types, Request; the protocol's document of each version. */

#include <assay/error.h>

#include "../ticket.h"

enum { KBS_REQUEST_MAX = 64 * 1024 }; /* old clients put a certificate chain into extra-params */

struct kbs_request {
	enum ticket_protocol protocol;
	uint8_t tee;
	enum ticket_hash hash;
};

/*
 * sample  Whether that kind of evidence is taken.
 * Errors  ASSAY_E_FORMAT; ASSAY_E_UNSUPPORTED: a version, TEE or hash that is not served. The sentence
 *         of a version holds the words that clients look for.
 */
ASSAY_MUST_USE enum assay_code kbs_request_parse(
    struct kbs_request *out, struct assay_bytes body, bool sample, struct assay_error *err);

#endif
