/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /kbs/v0/attest: evidence in, token out. What is not genuine ends here; of the rest every policy
 * says what it thinks, and the keeper spends the ticket, writes the row and signs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <assay/token.h>

#include "../collateral/collateral.h"
#include "../hash.h"
#include "../options.h"
#include "annotate.h"
#include "attestation.h"
#include "buffer.h"
#include "init_data.h"
#include "scan.h"
#include "session.h"

enum {
	DETAIL_ROOM = 700,
	/* Of devices: one of a kind, and kinds have short names. Each is a hundred bytes of the token, and
	 * a list of what six bytes can name would be twenty times as long as the body. */
	DEVICES_MAX = 64,
	DEVICE_NAME_MAX = 64,
};

/* One attestation, for the time of the handler. */
struct attest {
	struct exchange *x;
	struct worker *w;
	const struct view *view;
	struct kbs_session session;
	const char *tee;
	struct kbs_attestation body;
	struct kbs_key key;
	struct kbs_bindings bindings;
	struct kbs_sample sample;
	char *init_claims; /* JSON; NULL: none */
	char *submods;     /* of devices, which are not judged; NULL: none */
	/* Made for the keeper. */
	char *members;
	struct buffer accepted, reasons, record;
	char why[DETAIL_ROOM]; /* the sentence of a refusal */
};

static bool refuse(struct attest *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool
refuse(struct attest *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->why, sizeof a->why, fmt, ap);
	va_end(ap);
	return false;
}

static bool
checked(struct attest *a, enum assay_code rc, const struct assay_error *err)
{
	return rc == ASSAY_OK || refuse(a, "%s", err->text);
}

/* --- what was sent -------------------------------------------------------------------------- */

static bool
same_nonce(struct attest *a)
{
	struct assay_bytes text = { NULL, 0 };
	uint8_t decoded[6 * KBS_NONCE_TEXT];

	if (a->body.protocol < PROTOCOL_0_4_0)
		return true; /* the digest alone tells */
	if (!scan_bare(&text, a->body.nonce) && a->body.nonce.len <= sizeof decoded)
		text = (struct assay_bytes){ decoded, scan_decode(decoded, a->body.nonce) };
	return bytes_equal(text, bytes_of(a->session.nonce)) ||
	    refuse(a, "runtime-data: the nonce is not the one of this session's challenge");
}

/* Devices are in the token, so that nobody takes them for judged: nothing is affirmed of them. */
static enum assay_code
list_devices(struct attest *a, struct assay_error *err)
{
	struct assay_bytes name, value, text = a->body.additional;
	struct buffer b = { .len = 0 };
	size_t at = 0, count = 0;
	enum assay_code rc = ASSAY_OK;

	if (text.len <= 2)
		return ASSAY_OK; /* none, or an empty text */
	uint8_t *decoded = malloc(text.len);
	if (decoded == NULL)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	text = (struct assay_bytes){ decoded, scan_decode(decoded, text) };
	rc = scan_check(text, "additional_evidence", err);
	text = scan_trim(text);
	if (rc == ASSAY_OK && !scan_is_object(text))
		rc = kbs_fail(err, ASSAY_E_FORMAT,
		    "additional_evidence: must be an object from TEE to evidence, or empty");
	while (rc == ASSAY_OK && scan_member(&name, &value, text, &at)) {
		if (count == DEVICES_MAX || name.len > DEVICE_NAME_MAX) {
			rc = kbs_fail(err, ASSAY_E_FORMAT,
			    "additional_evidence: at most %d devices are taken, with names of at "
			    "most "
			    "%d bytes",
			    DEVICES_MAX, DEVICE_NAME_MAX);
			break;
		}
		buffer_put(&b, ",\"device");
		buffer_u64(&b, count++);
		buffer_put(&b,
		    "\":{\"ear.status\":\"none\",\"ear.veraison.annotated-evidence\":"
		    "{\"tee\":\"");
		buffer_add(&b, name); /* a JSON string's inside, as it was written */
		buffer_put(&b, "\",\"judged\":false}}");
	}
	free(decoded);
	if (rc == ASSAY_OK && count > 0 && (a->submods = buffer_take(&b)) == NULL)
		rc = kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	buffer_clear(&b);
	return rc;
}

static bool
read_request(struct attest *a)
{
	struct assay_error err;
	enum assay_code rc = kbs_session_read(&a->session, a->x, &err);

	if (rc == ASSAY_OK && (a->tee = kbs_tee_name(a->session.ticket.tee)) == NULL)
		rc = kbs_fail(
		    &err, ASSAY_E_UNSUPPORTED, "the ticket is for a TEE that is not served");
	if (rc == ASSAY_OK && !kbs_session_nonce(&a->session, a->view))
		rc = kbs_fail(&err, ASSAY_E_NOMEM, "out of memory");
	if (rc == ASSAY_OK)
		rc = kbs_attestation_parse(&a->body, exchange_body(a->x),
		    (enum ticket_protocol)a->session.ticket.protocol, &err);
	if (!checked(a, rc, &err) || !same_nonce(a))
		return false;
	if ((rc = kbs_attestation_key(&a->key, &a->body, worker_curve(a->w), &err)) == ASSAY_OK)
		rc = kbs_attestation_bindings(&a->bindings, &a->body, a->session.nonce,
		    (enum ticket_hash)a->session.ticket.hash, &err);
	if (rc == ASSAY_OK)
		rc = list_devices(a, &err);
	return checked(a, rc, &err);
}

/* --- whether it is genuine ------------------------------------------------------------------ */

/* The first row that refuses; that the evidence is not for this request matters only of genuine one. */
static size_t
deciding_row(const struct assay_checks *checks)
{
	size_t count = assay_checks_count(checks), first = count;

	for (size_t i = count; i-- > 0;)
		if (assay_check_outcome(checks, i) == ASSAY_FAIL &&
		    (first == count ||
			strcmp(assay_check_id(checks, i), "evidence.report_data") != 0))
			first = i;
	return first;
}

static bool
not_genuine(struct attest *a, const struct assay_checks *checks, const struct assay_error *err)
{
	size_t row = deciding_row(checks);

	if (row < assay_checks_count(checks)) {
		const char *fix = assay_check_fix(checks, row);
		/* The options in it are the verifier's, and the guest that asks has none of them. */
		return refuse(a, "the evidence is not accepted: %s: %s. %s%s",
		    assay_check_id(checks, row), assay_check_detail(checks, row),
		    strstr(fix, " -") != NULL ? "For the operator of assayd: " : "", fix);
	}
	if (assay_missing_count(checks) > 0)
		return refuse(a,
		    "the evidence cannot be judged: %s is missing here (%s); the operator gives it "
		    "with "
		    "`assay collateral push`",
		    assay_missing_what(checks, 0), assay_missing_which(checks, 0));
	return refuse(a, "the evidence is not accepted: %s", err->text);
}

/* Which of the report data are in the evidence; 0 if none is. */
static size_t
binding_of(const struct attest *a, const struct assay_claims *claims)
{
	struct assay_bytes got = kbs_claim_bytes(claims, "report_data");

	for (size_t i = 1; i < a->bindings.count; i++)
		if (bytes_equal(got, (struct assay_bytes){ a->bindings.data[i], KBS_REPORT_DATA }))
			return i;
	return 0;
}

static enum assay_code
verify_once(struct attest *a, size_t binding, struct assay_error *err)
{
	struct assay_checks *checks = worker_checks(a->w);
	struct assay_appraisal how = {
		.trust = a->view->trust,
		.now = exchange_now(a->x),
		.report_data = { a->bindings.data[binding], KBS_REPORT_DATA },
		.cache = worker_cache(a->w),
		.require_crl = worker_options(a->w)->require_crl,
		.launches = a->view->launches,
		.launch_count = a->view->launch_count,
	};

	assay_checks_clear(checks);
	return assay_evidence_verify(
	    worker_claims(a->w), checks, *worker_evidence(a->w), &how, err);
}

static bool
verify(struct attest *a)
{
	struct assay_error err;
	enum assay_code rc =
	    kbs_evidence_parse(worker_evidence(a->w), a->tee, a->body.primary, &err);
	size_t other;

	if (!checked(a, rc, &err))
		return false;
	rc = verify_once(a, 0, &err);
	/* Old clients: the order of what they hashed shows in the evidence alone. */
	if (rc != ASSAY_OK && *worker_claims(a->w) != NULL &&
	    (other = binding_of(a, *worker_claims(a->w))) != 0)
		rc = verify_once(a, other, &err);
	if (*worker_claims(a->w) != NULL)
		collateral_want_for(worker_collateral(a->w), *worker_evidence(a->w),
		    *worker_claims(a->w), worker_checks(a->w));
	if (rc != ASSAY_OK)
		return not_genuine(a, worker_checks(a->w), &err);
	rc = kbs_init_data_check(&a->init_claims, a->body.init_format, a->body.init_body,
	    kbs_init_field(a->tee, *worker_claims(a->w)), &err);
	return checked(a, rc, &err);
}

/* --- what policies say ----------------------------------------------------------------------- */

/* The rule that refuses, "policy.debug: ...", into b as a JSON string. */
static void
put_denying(struct buffer *b, const struct assay_checks *checks, const char *otherwise)
{
	struct buffer text = { .len = 0 };
	size_t count = assay_checks_count(checks);

	for (size_t i = 0; i < count && text.len == 0; i++)
		if (assay_check_outcome(checks, i) == ASSAY_FAIL || assay_check_needed(checks, i)) {
			buffer_put(&text, assay_check_id(checks, i));
			buffer_put(&text, ": ");
			buffer_put(&text, assay_check_detail(checks, i));
		}
	if (text.len == 0)
		buffer_put(&text, otherwise);
	buffer_string(b, buffer_bytes(&text));
	buffer_clear(&text);
}

static void
note(struct attest *a, const char *name, bool accepts, const char *otherwise)
{
	if (accepts) {
		buffer_put(&a->accepted, name);
		buffer_put(&a->accepted, "\n");
		return;
	}
	buffer_put(&a->reasons, a->reasons.len == 0 ? "{" : ",");
	buffer_string(&a->reasons, bytes_of(name));
	buffer_put(&a->reasons, ":");
	put_denying(&a->reasons, worker_checks(a->w), otherwise);
}

/* What the audit keeps of it: the rows of the policy "default" that did not hold. */
static void
write_record(struct attest *a, enum assay_code verdict, struct assay_bytes evidence,
    struct assay_bytes measurement)
{
	const struct assay_checks *checks = worker_checks(a->w);
	uint8_t digest[HASH_SHA256_LEN];
	size_t listed = 0;

	hash_sha256(digest, evidence);
	buffer_put(&a->record, "{\"tee\":\"");
	buffer_put(&a->record, a->tee);
	buffer_put(&a->record, "\",\"verdict\":\"");
	buffer_put(&a->record,
	    verdict == ASSAY_OK                 ? "accepted"
		: verdict == ASSAY_E_INCOMPLETE ? "undetermined"
						: "refused");
	buffer_put(&a->record, "\",\"evidence\":");
	buffer_hex(&a->record, (struct assay_bytes){ digest, sizeof digest });
	buffer_put(&a->record, ",\"measurement\":");
	buffer_hex(&a->record, measurement);
	buffer_put(&a->record, ",\"rules\":[");
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		if (assay_check_outcome(checks, i) == ASSAY_FAIL || assay_check_needed(checks, i)) {
			buffer_put(&a->record, listed++ > 0 ? "," : "");
			buffer_string(&a->record, bytes_of(assay_check_id(checks, i)));
		}
	buffer_put(&a->record, "]}");
}

static bool
write_members(struct attest *a, char *annotated)
{
	struct assay_error err = { ASSAY_OK, "out of memory" };
	struct assay_ear ear = {
		.profile = ASSAY_EAR_DEPLOYED,
		.checks = worker_checks(a->w),
		.policies = { "default" },
		.nonce = a->session.nonce,
		.key = a->key.jwk,
		.annotated = annotated,
		.submods = a->submods,
	};
	enum assay_code rc =
	    annotated != NULL ? assay_ear_members(&a->members, &ear, &err) : ASSAY_E_NOMEM;

	free(annotated);
	return checked(a, rc, &err);
}

static const struct assay_policy *
default_policy(const struct view *view)
{
	const struct view_policy *own = view_policy(view, "default");

	return own != NULL ? own->policy : view->no_default;
}

/* The policy "default" stands in the token; the others only say yes or no. */
static bool
appraise(struct attest *a)
{
	struct assay_checks *checks = worker_checks(a->w);
	const struct assay_claims *claims = *worker_claims(a->w);
	const struct assay_evidence *ev = *worker_evidence(a->w);
	struct kbs_beside beside = { a->session.nonce, a->key.sent, a->init_claims };
	size_t verified = assay_checks_count(checks);
	struct assay_error err;
	enum assay_code verdict = assay_policy_check(checks, default_policy(a->view), claims, &err);

	if (verdict == ASSAY_E_NOMEM || verdict == ASSAY_E_USAGE)
		return refuse(a, "%s", err.text);
	write_record(a, verdict, assay_evidence_raw(ev), kbs_claim_bytes(claims, "measurement"));
	if (!write_members(a, kbs_annotate(ev, claims, &beside)))
		return false;
	for (size_t i = 0; i < a->view->policy_count; i++) {
		const struct view_policy *p = &a->view->policies[i];
		/* Its rows stand behind the verifier's: a policy alone makes no verdict. */
		assay_checks_cut(checks, verified);
		note(a, p->name, assay_policy_check(checks, p->policy, claims, &err) == ASSAY_OK,
		    "it has no rules for this TEE");
	}
	return true;
}

/* --- evidence of tests ------------------------------------------------------------------------ */

/* Nothing of it is proven, so no policy can accept it but one named for it. */
static bool
take_sample(struct attest *a)
{
	struct kbs_beside beside = { a->session.nonce, a->key.sent, NULL };
	struct assay_error err;
	enum assay_code rc = kbs_sample_parse(&a->sample, a->body.primary, &err);
	bool bound = false;

	if (!checked(a, rc, &err))
		return false;
	if (!a->view->sample)
		return refuse(a, "sample evidence is not taken here");
	for (size_t i = 0; i < a->bindings.count; i++)
		bound |= memcmp(a->bindings.data[i], a->sample.report_data, KBS_REPORT_DATA) == 0;
	if (!bound)
		return refuse(a,
		    "the evidence is not accepted: evidence.report_data: not what binds "
		    "nonce and key of this session");
	assay_checks_clear(worker_checks(a->w));
	write_record(a, ASSAY_E_INCOMPLETE, a->body.primary, (struct assay_bytes){ NULL, 0 });
	if (!write_members(a, kbs_annotate_sample(&a->sample, &beside)))
		return false;
	for (size_t i = 0; i < a->view->policy_count; i++)
		note(a, a->view->policies[i].name, strcmp(a->view->policies[i].name, "sample") == 0,
		    "sample evidence proves nothing: only a policy of the name sample takes it");
	return true;
}

/* --- the keeper -------------------------------------------------------------------------------- */

static void
answered(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;
	struct worker *w = exchange_worker(x);
	char text[512];

	worker_saw(w, answer);
	if (answer->op != KEEPER_DONE || answer->count < 2) {
		metric_count(w, "kbs_attestation_errors_total", NULL, NULL);
		kbs_refuse(x,
		    answer->op == KEEPER_TROUBLE ? 503
			: answer->op == KEEPER_TICKET || answer->op == KEEPER_SPENT ||
			    answer->op == KEEPER_KEY
			? 401
			: 500,
		    KBS_ATTESTATION, "%s%s",
		    answer->op == KEEPER_SPENT ? "the ticket was spent with another body: " : "",
		    kbs_sentence(text, sizeof text, answer));
		return;
	}
	kbs_session_set(x, exchange_state(x));
	struct buffer b = { .len = 0 };
	buffer_put(&b, "{\"token\":");
	buffer_string(&b, answer->field[1]);
	buffer_put(&b, "}");
	if (b.broken)
		kbs_refuse(x, 503, KBS_ATTESTATION, "out of memory");
	else
		exchange_answer(x, 200, "application/json", buffer_bytes(&b));
	buffer_clear(&b);
}

static bool
ask_keeper(struct attest *a)
{
	struct assay_bytes body = exchange_body(a->x);
	uint8_t digest[HASH_SHA256_LEN], generation[8];

	struct kbs_session *kept = malloc(sizeof *kept);

	buffer_put(&a->reasons, a->reasons.len == 0 ? "{}" : "}");
	if (kept == NULL || a->accepted.broken || a->reasons.broken || a->record.broken) {
		free(kept);
		return refuse(a, "out of memory");
	}
	*kept = a->session;
	exchange_set_state(a->x, kept);
	hash_sha256(digest, body);
	const struct assay_bytes fields[] = { { a->session.raw, TICKET_SIZE },
		{ digest, sizeof digest }, bytes_of(a->members), bytes_of(a->key.jwk),
		buffer_bytes(&a->accepted), ipc_u64(generation, a->view->generation),
		buffer_bytes(&a->record), buffer_bytes(&a->reasons) };
	keeper_call(worker_keeper(a->w), KEEPER_ATTEST, fields, 8, answered, a->x);
	return true;
}

static void
clear(struct attest *a)
{
	kbs_attestation_clear(&a->body);
	kbs_key_clear(&a->key);
	free(a->init_claims);
	free(a->submods);
	free(a->members);
	buffer_clear(&a->accepted);
	buffer_clear(&a->reasons);
	buffer_clear(&a->record);
}

void
kbs_attest(struct exchange *x)
{
	struct worker *w = exchange_worker(x);
	struct attest a = { .x = x, .w = w, .view = worker_view(w) };
	const char *tee;

	metric_count(w, "kbs_attestation_requests_total", NULL, NULL);
	bool read = read_request(&a);
	tee = a.tee != NULL ? a.tee : "unknown";
	bool genuine =
	    read && (strcmp(tee, "sample") == 0 ? take_sample(&a) : verify(&a) && appraise(&a));
	if (!genuine) {
		metric_count(w, "kbs_attestation_failures_total", "tee_type", tee);
		kbs_refuse(x, 401, KBS_ATTESTATION, "%s", a.why);
	} else if (ask_keeper(&a))
		metric_count(w, "kbs_attestation_successes_total", "tee_type", tee);
	else
		kbs_refuse(x, 503, KBS_ATTESTATION, "%s", a.why);
	clear(&a);
}
