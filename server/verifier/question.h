/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_VERIFIER_QUESTION_H
#define ASSAYD_VERIFIER_QUESTION_H

/* What POST /v1/verify is asked: as a JSON object, or the evidence as the body and the rest as a query. */

#include <assay/error.h>
#include <assay/token.h>

#include "../ticket.h"

enum {
	VERIFY_BODY_MAX = 6 * 1024 * 1024, /* a bundle with collateral and event log, in base64 */
	VERIFY_POLICIES = 7,               /* an EAR names eight with its end */
	VERIFY_NAME_ROOM = 256,
	REPORT_DATA_SIZE = 64,
	NONCE_LEAST = 8,
};

enum fresh { FRESH_NOT, FRESH_NONCE, FRESH_CHALLENGE, FRESH_REPORT_DATA };

struct verify_request {
	struct assay_bytes evidence; /* of the body, or of store */
	enum fresh fresh;
	uint8_t data[REPORT_DATA_SIZE]; /* nonce, or report data */
	size_t data_len;
	uint8_t challenge[TICKET_SIZE];
	char policies[VERIFY_POLICIES][VERIFY_NAME_ROOM];
	size_t policy_count; /* 0: none was named */
	enum assay_ear_profile profile;
	struct assay_bytes key; /* its file, as the evidence binds it; empty: there is none */
	char *jwk;              /* the same as a JWK, canonical */
	void *store, *key_store;
};

/*
 * Reads a request.
 *
 * type    The media type of the body; NULL if none was sent.
 * query   Raw, "" for none.
 * Returns 200; else 400 (no JSON, no base64), 415 (media type), 422 (a member that is not known, is
 *         missing, doubled, or has the wrong form) or 500, and the sentence in err.
 * What out owns is freed with verify_request_clear() in any case.
 */
int verify_request_read(struct verify_request *out, const char *type, const char *query,
    struct assay_bytes body, struct assay_error *err);
void verify_request_clear(struct verify_request *r);

#endif
