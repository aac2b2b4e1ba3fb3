/* SPDX-License-Identifier: Apache-2.0 */
/* POST /kbs/v0/auth: a challenge, of which nothing is remembered. */
#include <stdio.h>

#include "request.h"
#include "session.h"

static const char *
selected(enum ticket_hash hash)
{
	return hash == HASH_SHA256 ? "{\"selected-hash-algorithm\":\"sha256\"}"
	    : hash == HASH_SHA512  ? "{\"selected-hash-algorithm\":\"sha512\"}"
				   : "\"\"";
}

void
kbs_auth(struct exchange *x)
{
	struct worker *w = exchange_worker(x);
	const struct view *view = worker_view(w);
	struct assay_bytes body = exchange_body(x);
	struct kbs_session s = { .nonce = "" };
	struct kbs_request request;
	struct assay_error err;
	char text[128];

	metric_count(w, "kbs_auth_requests_total", NULL, NULL);
	if (kbs_request_parse(&request, body, view->sample, &err) != ASSAY_OK) {
		metric_count(w, "kbs_auth_errors_total", NULL, NULL);
		kbs_refuse(x, 401, KBS_ATTESTATION, "%s", err.text);
		return;
	}
	s.ticket.protocol = (uint8_t)request.protocol;
	s.ticket.tee = request.tee;
	s.ticket.hash = (uint8_t)request.hash;
	s.ticket.issued = exchange_now(x);
	if (!ticket_make(s.raw, &s.ticket, &view->tickets) || !kbs_session_nonce(&s, view)) {
		metric_count(w, "kbs_auth_errors_total", NULL, NULL);
		kbs_refuse(x, 503, KBS_ATTESTATION,
		    "there is no ticket key for this hour yet: try again in a moment");
		return;
	}
	kbs_session_set(x, &s);
	metric_count(w, "kbs_auth_successes_total", NULL, NULL);
	int n = snprintf(text, sizeof text, "{\"nonce\":\"%s\",\"extra-params\":%s}", s.nonce,
	    selected(request.hash));
	exchange_answer(x, 200, "application/json",
	    (struct assay_bytes){ (const uint8_t *)text, n > 0 ? (size_t)n : 0 });
}
