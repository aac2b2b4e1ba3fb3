/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char cookie[] = "kbs-session-id";

bool
kbs_session_nonce(struct kbs_session *s, const struct view *view)
{
	uint8_t nonce[TICKET_NONCE];

	if (!ticket_nonce(nonce, s->raw, &view->tickets))
		return false;
	base64_encode(s->nonce, (struct assay_bytes){ nonce, sizeof nonce });
	return true;
}

enum assay_code
kbs_session_read(struct kbs_session *out, struct exchange *x, struct assay_error *err)
{
	const struct view *view = worker_view(exchange_worker(x));
	struct kbs_session s = { .nonce = "" };
	struct assay_bytes value;
	enum ticket_fault fault;

	if (!exchange_cookie(x, cookie, &value) || value.len == 0)
		return kbs_fail(err, ASSAY_E_INCOMPLETE,
		    "no cookie %s came along: begin with POST /kbs/v0/auth", cookie);
	if (!hex_decode(s.raw, sizeof s.raw, value))
		return kbs_fail(err, ASSAY_E_FORMAT,
		    "the cookie %s is no ticket, and was not made here: begin with POST "
		    "/kbs/v0/auth",
		    cookie);
	fault = ticket_read(&s.ticket, s.raw, &view->tickets, exchange_now(x), view->ticket_life_s);
	if (fault == TICKET_FORGED || s.ticket.protocol == PROTOCOL_VERIFIER)
		return kbs_fail(err, ASSAY_E_SIGNATURE,
		    "the session was not made here, or too long ago: begin with POST "
		    "/kbs/v0/auth");
	*out = s;
	if (fault == TICKET_EXPIRED)
		return kbs_fail(err, ASSAY_E_EXPIRED,
		    "the session has expired, after %lld s: begin anew with POST /kbs/v0/auth",
		    (long long)view->ticket_life_s);
	if (fault == TICKET_FUTURE)
		return kbs_fail(err, ASSAY_E_EXPIRED,
		    "the session begins in the future: the clocks of the servers differ");
	return ASSAY_OK;
}

void
kbs_session_set(struct exchange *x, const struct kbs_session *s)
{
	/* The names are fixed by RFC 9110, 5.6.7, whatever the locale says. */
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char digits[] = "0123456789abcdef";
	const struct view *view = worker_view(exchange_worker(x));
	time_t end = (time_t)(s->ticket.issued + view->ticket_life_s);
	char hex[2 * TICKET_SIZE + 1], line[sizeof hex + 160];
	struct tm tm;

	for (size_t i = 0; i < TICKET_SIZE; i++) {
		hex[2 * i] = digits[s->raw[i] >> 4];
		hex[2 * i + 1] = digits[s->raw[i] & 15];
	}
	hex[2 * TICKET_SIZE] = '\0';
	if (gmtime_r(&end, &tm) == NULL)
		return;
	(void)snprintf(line, sizeof line,
	    "%s=%s; Path=/kbs/v0; Expires=%.3s, %02d %.3s %04d %02d:%02d:%02d GMT; HttpOnly",
	    cookie, hex, days + (ptrdiff_t)3 * tm.tm_wday, tm.tm_mday,
	    months + (ptrdiff_t)3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	exchange_set(x, "Set-Cookie", line);
}
