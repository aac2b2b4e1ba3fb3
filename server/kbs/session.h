/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_SESSION_H
#define ASSAYD_KBS_SESSION_H

/* The session of a request: its ticket, which the client carries as a cookie. */

#include "base64.h"
#include "kbs.h"

enum { KBS_NONCE_TEXT = BASE64_ROOM(TICKET_NONCE) };

struct kbs_session {
	uint8_t raw[TICKET_SIZE];
	struct ticket ticket;
	char nonce[KBS_NONCE_TEXT]; /* as the challenge said it; of kbs_session_nonce() */
};

/* Reads the cookie; the nonce is left empty. Errors: ASSAY_E_INCOMPLETE (there is none), ASSAY_E_FORMAT, ASSAY_E_SIGNATURE (not
 * made here), ASSAY_E_EXPIRED (on either side; out is filled all the same). */
ASSAY_MUST_USE enum assay_code
kbs_session_read(struct kbs_session *out, struct exchange *x, struct assay_error *err);
/* Fills the nonce of its ticket; false when there is no key for it. */
bool kbs_session_nonce(struct kbs_session *s, const struct view *view);
/* Gives the cookie to the client, until it expires. */
void kbs_session_set(struct exchange *x, const struct kbs_session *s);

#endif
