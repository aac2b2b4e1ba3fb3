/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier API: evidence in, verdict and EAR out. Nothing that is signed here releases a secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <assay/token.h>

#include "../collateral/collateral.h"
#include "../http/http.h"
#include "../kbs/base64.h"
#include "../options.h"
#include "../text.h"
#include "answer.h"
#include "openapi.h"
#include "question.h"
#include "../stamp.h"

/* --- POST /v1/challenge ---------------------------------------------------------------------- */

static void
challenge(struct exchange *x)
{
	const struct view *view = worker_view(exchange_worker(x));
	struct ticket t = { .protocol = PROTOCOL_VERIFIER, .issued = exchange_now(x) };
	uint8_t ticket[TICKET_SIZE], nonce[TICKET_NONCE];
	struct buffer json = { .len = 0 };

	if (!ticket_make(ticket, &t, &view->tickets) ||
	    !ticket_nonce(nonce, ticket, &view->tickets)) {
		exchange_refuse(x, 503, "no challenge can be made now; try again");
		return;
	}
	buffer_put(&json, "{\"challenge\":");
	buffer_hex(&json, (struct assay_bytes){ ticket, sizeof ticket });
	buffer_put(&json, ",\"nonce\":");
	buffer_hex(&json, (struct assay_bytes){ nonce, sizeof nonce });
	buffer_put(&json, ",\"expires\":");
	stamp_put(&json, t.issued + view->ticket_life_s);
	buffer_put(&json, "}");
	if (json.broken)
		exchange_refuse(x, 500, "out of memory; try again later");
	else
		exchange_answer(x, 200, "application/json", buffer_bytes(&json));
	buffer_clear(&json);
}

/* --- POST /v1/verify ------------------------------------------------------------------------- */

/* All that it takes until the token is signed. */
struct verification {
	struct verify_request request;
	const struct view_policy *policies[VERIFY_POLICIES];
	const char *names[VERIFY_POLICIES + 1];
	uint8_t expected[REPORT_DATA_SIZE]; /* report data */
	size_t expected_len;
	char nonce[BASE64_ROOM(REPORT_DATA_SIZE)]; /* as the EAR says it */
};

static bool
find_policies(struct exchange *x, struct verification *v)
{
	const struct view *view = worker_view(exchange_worker(x));
	char quoted[QUOTE_ROOM];

	if (v->request.policy_count == 0)
		snprintf(
		    v->request.policies[v->request.policy_count++], VERIFY_NAME_ROOM, "default");
	for (size_t i = 0; i < v->request.policy_count; i++) {
		v->names[i] = v->request.policies[i];
		v->policies[i] = view_policy(view, v->names[i]);
		if (v->policies[i] != NULL && v->policies[i]->policy != NULL)
			continue;
		exchange_refuse(
		    x, 422, "policy: there is no %s here", text_quote_string(quoted, v->names[i]));
		return false;
	}
	return true;
}

static bool
open_challenge(struct exchange *x, struct verify_request *r)
{
	const struct view *view = worker_view(exchange_worker(x));
	struct ticket t;

	switch (
	    ticket_read(&t, r->challenge, &view->tickets, exchange_now(x), view->ticket_life_s)) {
	case TICKET_GOOD:
		if (t.protocol == PROTOCOL_VERIFIER &&
		    ticket_nonce(r->data, r->challenge, &view->tickets)) {
			r->data_len = TICKET_NONCE;
			return true;
		}
		break;
	case TICKET_EXPIRED:
		exchange_refuse(x, 422, "challenge: its time is over; ask for a new one");
		return false;
	case TICKET_FUTURE:
	case TICKET_FORGED:
		break;
	}
	exchange_refuse(x, 422, "challenge: is none of this server's");
	return false;
}

/* What the report data must be, and how the EAR names it. */
static bool
expect(struct exchange *x, struct verification *v)
{
	struct verify_request *r = &v->request;
	struct assay_error err;

	if (r->fresh == FRESH_CHALLENGE && !open_challenge(x, r))
		return false;
	memcpy(v->expected, r->data, r->data_len);
	v->expected_len = r->data_len;
	if (r->key.len > 0) {
		if (assay_bind_report_data(v->expected,
			(struct assay_bytes){ r->data, r->data_len }, r->key, &err) != ASSAY_OK) {
			exchange_refuse(x, 422, "key: %s", err.text);
			return false;
		}
		v->expected_len = REPORT_DATA_SIZE;
	}
	if (r->fresh != FRESH_NONCE && r->fresh != FRESH_CHALLENGE)
		return true;
	base64_encode(v->nonce, (struct assay_bytes){ r->data, r->data_len });
	for (char *p = v->nonce; *p != '\0'; p++)
		*p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
	v->nonce[strcspn(v->nonce, "=")] = '\0';
	return true;
}

static void
count(struct worker *w, enum assay_code code)
{
	metric_count(w, "verifications_total", "verdict", answer_word(code));
}

static void
answer(struct exchange *x, struct buffer *json)
{
	if (json->broken)
		exchange_refuse(x, 500, "out of memory; try again later");
	else
		exchange_answer(x, 200, "application/json", buffer_bytes(json));
	buffer_clear(json);
}

static void
answer_no_evidence(struct exchange *x, const struct verification *v, const struct assay_error *err)
{
	const struct appraised a = { .code = err->code,
		.genuine = err->code,
		.why = err->text,
		.policies = v->names,
		.now = exchange_now(x) };
	struct buffer json = { .len = 0 };

	answer_put(&json, &a);
	buffer_put(&json, ",\"ear\":null}");
	answer(x, &json);
}

static void
signed_or_not(void *arg, const struct ipc_message *m)
{
	struct exchange *x = arg;
	char *text = exchange_state(x);
	struct buffer json = { .len = 0 };

	worker_saw(exchange_worker(x), m);
	if (m->op != KEEPER_DONE || m->count < 2) {
		exchange_refuse(x, 503, "the verdict cannot be signed now; try again later");
		return;
	}
	buffer_put(&json, text);
	buffer_put(&json, ",\"ear\":");
	buffer_string(&json, m->field[1]);
	buffer_put(&json, "}");
	answer(x, &json);
}

/* The members of the EAR; NULL after an answer. */
static char *
make_ear(struct exchange *x, const struct verification *v, const struct assay_checks *checks,
    const struct assay_claims *claims)
{
	struct assay_error err = { .text = "" };
	char *members = NULL, *annotated = NULL;
	struct assay_ear ear = { .profile = v->request.profile,
		.checks = checks,
		.nonce = v->nonce[0] != '\0' ? v->nonce : NULL,
		.key = v->request.jwk };

	memcpy(ear.policies, v->names, sizeof v->names);
	enum assay_code code = assay_claims_json(&annotated, claims, &err);
	ear.annotated = annotated;
	if (code == ASSAY_OK)
		code = assay_ear_members(&members, &ear, &err);
	free(annotated);
	if (code == ASSAY_OK)
		return members;
	exchange_refuse(x, 500, "the result cannot be written: %s", err.text);
	return NULL;
}

static void
appraise(struct exchange *x, const struct verification *v)
{
	struct worker *w = exchange_worker(x);
	const struct assay_evidence *ev = *worker_evidence(w);
	struct assay_checks *checks = worker_checks(w);
	struct assay_claims **claims = worker_claims(w);
	struct assay_error err = { .text = "" };
	const struct view *view = worker_view(w);
	const struct assay_appraisal how = { .trust = view->trust,
		.now = exchange_now(x),
		.report_data = { v->expected, v->expected_len },
		.cache = worker_cache(w),
		.require_crl = worker_options(w)->require_crl,
		.launches = view->launches,
		.launch_count = view->launch_count };

	assay_checks_clear(checks);
	enum assay_code code = assay_evidence_verify(claims, checks, ev, &how, &err);
	for (size_t i = 0;
	     i < v->request.policy_count && code != ASSAY_E_NOMEM && code != ASSAY_E_USAGE; i++)
		code = assay_policy_check(checks, v->policies[i]->policy, *claims, &err);
	if (code == ASSAY_E_USAGE) { /* a report of legacy SEV has room for 16 bytes, not for 64 */
		exchange_refuse(x, 422, "%s", err.text);
		return;
	}
	if (code == ASSAY_E_NOMEM) {
		exchange_refuse(x, 500, "out of memory; try again later");
		return;
	}
	const struct appraised a = { .code = assay_checks_verdict(checks),
		.genuine = assay_checks_genuine(checks),
		.tee = assay_evidence_tee(ev),
		.checks = checks,
		.claims = *claims,
		.policies = v->names,
		.now = how.now };
	collateral_want_for(worker_collateral(w), ev, *claims, checks);
	count(w, a.code);
	char *members = make_ear(x, v, checks, *claims);
	if (members == NULL)
		return;
	struct buffer json = { .len = 0 };
	answer_put(&json, &a);
	char *text = buffer_take(&json);
	if (text == NULL) {
		exchange_refuse(x, 500, "out of memory; try again later");
	} else {
		const struct assay_bytes field = bytes_of(members);
		exchange_set_state(x, text);
		keeper_call(worker_keeper(w), KEEPER_SIGN, &field, 1, signed_or_not, x);
	}
	free(members);
}

static void
verify(struct exchange *x)
{
	struct worker *w = exchange_worker(x);
	struct verification v = { .expected_len = 0 };
	struct assay_error err = { .text = "" };
	int status = verify_request_read(&v.request, exchange_header(x, "Content-Type"),
	    exchange_query(x), exchange_body(x), &err);

	if (status != 200) {
		exchange_refuse(x, status, "%s", err.text);
	} else if (find_policies(x, &v) && expect(x, &v)) {
		enum assay_code code =
		    assay_evidence_parse(worker_evidence(w), v.request.evidence, &err);
		if (code == ASSAY_OK) {
			appraise(x, &v);
		} else if (code == ASSAY_E_NOMEM) {
			exchange_refuse(x, 500, "out of memory; try again later");
		} else {
			count(w, code);
			answer_no_evidence(x, &v, &err);
		}
	}
	verify_request_clear(&v.request);
}

/* --- GET /v1/openapi.json -------------------------------------------------------------------- */

static void
openapi(struct exchange *x)
{
	exchange_answer(
	    x, 200, "application/json", (struct assay_bytes){ openapi_json, openapi_json_len });
}

const struct route routes_verifier[] = {
	{ "POST", "/v1/challenge", 0, challenge, "challenge" },
	{ "POST", "/v1/verify", VERIFY_BODY_MAX, verify, "verify" },
	{ "GET", "/v1/openapi.json", 0, openapi, "openapi" },
	{ .path = NULL },
};
