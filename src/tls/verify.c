/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/checks.h"
#include "tls/cert.h"
#include "verify/bind.h"

struct judging {
	struct assay_checks *checks;
	const struct assay_cert *cert;
	struct assay_bytes nonce;
	const struct assay_appraisal *how;
};

static void
check_dates(const struct judging *j)
{
	const struct peer *p = &j->cert->peer;
	bool early = j->how->now < p->since;
	char bound[ASSAY_TIME_TEXT], now[ASSAY_TIME_TEXT];

	assay_time_text(bound, early ? p->since : p->until);
	assay_time_text(now, j->how->now);
	assay_check_that(j->checks, CHECK_CERT_DATES, !early && j->how->now <= p->until,
	    ASSAY_E_EXPIRED, "within its validity", "the certificate %s %s, judged as of %s",
	    early ? "is valid only from" : "has ended at", bound, now);
}

/* --- which key the evidence names -------------------------------------------------------- */

/* What the verifier of the evidence said of its report data, among the rows from this one on. */
static bool
told(const struct judging *j, size_t from)
{
	bool passed = false;

	for (size_t i = from; i < assay_checks_count(j->checks); i++) {
		if (strcmp(assay_check_id(j->checks, i), "evidence.report_data") != 0)
			continue;
		if (assay_check_outcome(j->checks, i) != ASSAY_PASS)
			return false;
		passed = true;
	}
	return passed;
}

/* Of legacy SEV a key that no owner is known to have put in proves nothing: the claim says so. */
static bool
unbound(const struct assay_claims *claims)
{
	size_t i;

	return assay_schema_find("binding", &i) && assay_claims_has(claims, i) &&
	    strcmp(assay_claims_text(claims, i), "none") == 0;
}

/* The evidence has the hash of the claims buffer, and this has the key's. */
static bool
check_buffer(const struct judging *j)
{
	const struct dice_evidence *d = &j->cert->dice;
	struct assay_bytes spki = j->cert->peer.spki;
	uint8_t hash[ASSAY_DIGEST_MAX];

	if (d->alg == DICE_HASH_SHA256)
		assay_sha256(hash, spki);
	else if (d->alg == DICE_HASH_SHA384)
		assay_sha384(hash, spki);
	else
		assay_sha512(hash, spki);
	struct assay_bytes want = { hash, d->hash.len };
	return assay_check_that(j->checks, CHECK_CERT_BINDING, assay_bytes_equal(d->hash, want),
	    ASSAY_E_SIGNATURE, "the evidence names this key",
	    "the evidence names another key: pubkey-hash is %s, of the certificate's key %s",
	    assay_quote_hex(d->hash).text, assay_quote_hex(want).text);
}

/* Whether the nonce is hashed together with the key, so that neither can be seen alone. */
static bool
mixed(const struct judging *j)
{
	return j->cert->form->nonce && j->cert->form != cert_form_dice;
}

/* Whether the evidence was made for the key alone, though a nonce was given. */
static bool
without_nonce(const struct judging *j)
{
	static const struct assay_bytes none = { NULL, 0 };
	const struct assay_evidence *ev = j->cert->evidence;
	uint8_t want[ASSAY_REPORT_DATA_SIZE] = { 0 };

	if (j->nonce.len == 0 || !mixed(j) || ev->tee->answers == NULL)
		return false;
	j->cert->form->expect(want, j->cert, none);
	return ev->tee->answers(ev, want);
}

/* The evidence has the key's hash, or one of the key and the nonce. */
static void
check_named(const struct judging *j, bool named)
{
	const char *or_else = !mixed(j) ? ""
	    : j->nonce.len > 0          ? ", or for another nonce"
					: ", or for a nonce; if you sent one, give it";

	assay_check_that(j->checks, CHECK_CERT_BINDING, named, ASSAY_E_SIGNATURE,
	    "the evidence names this key", "the evidence was made for another key%s", or_else);
	if (!named && mixed(j))
		assay_check_set_fix(j->checks,
		    "Give the nonce that the peer was sent, or none if there was none; if it is "
		    "refused then, too, do not speak with it.");
}

static void
check_binding(const struct judging *j, const struct assay_claims *claims, bool named)
{
	if (named && unbound(claims) && j->how->launch_count == 0)
		assay_check_need(j->checks, CHECK_CERT_BINDING, "launch record",
		    "of this guest, with --launch",
		    "whether the guest named this key cannot be told without its launch record");
	else if (named && unbound(claims))
		assay_check_fail(j->checks, CHECK_CERT_BINDING, ASSAY_E_SIGNATURE,
		    "nothing shows that the guest named this key: its launch record is none of "
		    "those that were given");
	else if (named && j->cert->form == cert_form_dice)
		(void)check_buffer(j);
	else
		check_named(j, named);
}

static void
check_nonce(const struct judging *j, bool named, bool bare)
{
	const struct dice_evidence *d = &j->cert->dice;
	bool dice = j->cert->form == cert_form_dice;

	if (j->nonce.len == 0) {
		assay_check_skip(j->checks, CHECK_CERT_NONCE,
		    "freshness: no nonce was given; the evidence is as old as the certificate");
		assay_check_set_fix(j->checks, "give the nonce that the certificate was made for");
	} else if (!j->cert->form->nonce) {
		assay_check_fail(j->checks, CHECK_CERT_NONCE, ASSAY_E_POLICY,
		    "a certificate with a %s has no place for a nonce", j->cert->form->name);
	} else if (!named) { /* nor is a claims buffer that the evidence does not have */
		assay_check_fail(j->checks, CHECK_CERT_NONCE, ASSAY_E_POLICY,
		    "nothing shows that the certificate was made for the nonce %s",
		    assay_quote_hex(j->nonce).text);
	} else if (dice ? !d->has_nonce : bare) {
		assay_check_fail(j->checks, CHECK_CERT_NONCE, ASSAY_E_POLICY,
		    "the certificate was made without a nonce");
	} else {
		assay_check_that(j->checks, CHECK_CERT_NONCE,
		    !dice || assay_bytes_equal(d->nonce, j->nonce), ASSAY_E_POLICY,
		    "made for the nonce that was given",
		    "the certificate was made for another nonce than %s",
		    assay_quote_hex(j->nonce).text);
	}
}

/* --- all --------------------------------------------------------------------------------- */

/* Evidence that was made without a nonce is judged as that: the nonce is all that it lacks. */
static enum assay_code
check_evidence(const struct judging *j, struct assay_claims **claims, struct assay_error *err)
{
	uint8_t want[ASSAY_REPORT_DATA_SIZE] = { 0 };
	struct assay_appraisal how = *j->how;
	size_t from = assay_checks_count(j->checks);

	bool bare = without_nonce(j);
	j->cert->form->expect(want, j->cert, bare ? (struct assay_bytes){ NULL, 0 } : j->nonce);
	how.report_data = (struct assay_bytes){ want, sizeof want };
	enum assay_code rc = assay_evidence_verify(claims, j->checks, j->cert->evidence, &how, err);
	if (rc == ASSAY_E_NOMEM || rc == ASSAY_E_USAGE)
		return rc;
	bool named = told(j, from);
	check_binding(j, *claims, named);
	check_nonce(j, named, bare);
	return ASSAY_OK;
}

enum assay_code
assay_cert_verify(struct assay_claims **claims, struct assay_checks *checks,
    const struct assay_cert *cert, struct assay_bytes nonce, const struct assay_appraisal *how,
    struct assay_error *err)
{
	const struct judging j = { checks, cert, nonce, how };
	struct assay_error e = { .text = "" };
	enum assay_code rc;

	if (how->report_data.len > 0)
		return assay_fail(err, ASSAY_E_USAGE,
		    "report data were given: of a certificate its key decides them");
	if (nonce.len > 0 && (nonce.len < ASSAY_NONCE_LEAST || nonce.len > ASSAY_NONCE_MOST))
		return assay_fail(err, ASSAY_E_USAGE, "the nonce is %zu bytes, want %d to %d",
		    nonce.len, ASSAY_NONCE_LEAST, ASSAY_NONCE_MOST);
	assay_check_pass(checks, CHECK_CERT_FORMAT, "well formed");
	rc = assay_peer_check(&cert->peer, &e);
	if (rc == ASSAY_E_NOMEM)
		return assay_fail_nomem(err);
	assay_check_result(checks, CHECK_CERT_SIGNATURE, rc, &e, "signed with its own key");
	if (!cert->peer.request)
		check_dates(&j);
	assay_check_result(checks, CHECK_CERT_EXTENSION, cert->extension.code, &cert->extension,
	    "one piece of evidence, in the strongest form that is there");
	if (cert->evidence == NULL &&
	    (cert->unreadable.code != ASSAY_OK || cert->extension.code == ASSAY_OK))
		assay_check_fail(checks, CHECK_EVIDENCE_FORMAT, cert->unreadable.code, "%s",
		    cert->unreadable.text);
	if (cert->evidence != NULL && (rc = check_evidence(&j, claims, err)) != ASSAY_OK)
		return rc;
	return assay_checks_conclude(checks, err);
}
