/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/run.h"

#include <string.h>

void
assay_run_start(struct run *run, const struct assay_appraisal *how, struct assay_checks *checks,
    struct assay_claims *claims, const struct assay_evidence *ev)
{
	*run = (struct run){ .how = how,
		.brought = ev->brought,
		.trust = how->trust,
		.checks = checks,
		.claims = claims,
		.expires = INT64_MAX,
		.expires_what = "" };
}

const struct item *
assay_run_next(const struct run *run, enum item_kind kind, size_t *at, bool *brought)
{
	size_t own = run->trust->item_count;
	const struct item *item = *at < own ? assay_trust_next(run->trust, kind, at) : NULL;

	if (brought != NULL)
		*brought = item == NULL;
	if (item != NULL || run->brought == NULL)
		return item;
	size_t beyond = *at - own;
	item = assay_trust_next(run->brought, kind, &beyond);
	*at = own + beyond;
	return item;
}

struct signer
assay_signer(const struct run *run, struct assay_public key)
{
	const struct anchor *anchor = assay_trust_anchor(run->trust, key);

	return (struct signer){ .public = key, .ready = anchor != NULL ? &anchor->key : NULL };
}

/* Makes a key ready in *out: one that an earlier verification left behind, if it left this one;
 * else one of the same curve, pointed at this point. */
static bool
ready_key(struct assay_key *out, const struct run *run, struct assay_public from)
{
	struct spare_key *same_curve = NULL;

	*out = (struct assay_key){ 0 };
	for (size_t i = 0; i < CLAIMS_SPARES && from.kind != ASSAY_KEY_RSA; i++) {
		struct spare_key *s = &run->claims->spares[i];
		if (s->key.public.kind != from.kind)
			continue;
		if (assay_bytes_equal(s->key.public.raw, from.raw)) {
			*out = (struct assay_key){ from, s->key.handle };
			s->key = (struct assay_key){ 0 };
			return true;
		}
		same_curve = s;
	}
	if (same_curve != NULL) {
		*out = same_curve->key;
		same_curve->key = (struct assay_key){ 0 };
	}
	return assay_key_prepare(out, from, NULL) == ASSAY_OK;
}

static void
leave_key(const struct run *run, struct assay_key *key)
{
	struct assay_bytes raw = key->public.raw;

	for (size_t i = 0; i < CLAIMS_SPARES && key->handle != NULL && raw.len <= 96; i++) {
		struct spare_key *s = &run->claims->spares[i];
		if (s->key.handle != NULL || key->public.kind == ASSAY_KEY_RSA)
			continue;
		memcpy(s->raw, raw.ptr, raw.len);
		s->key = *key;
		s->key.public.raw.ptr = s->raw;
		*key = (struct assay_key){ 0 };
		return;
	}
	assay_key_clear(key);
}

void
assay_signer_clear(const struct run *run, struct signer *signer)
{
	leave_key(run, &signer->own);
}

bool
assay_run_signed(const struct run *run, struct signer *by, enum fact_role role,
    enum assay_scheme scheme, struct assay_bytes digest, struct assay_bytes signature)
{
	const struct fact fact = { role, scheme, by->public, digest, signature };

	if (assay_cache_knows(run->how->cache, &fact))
		return true;
	if (by->ready == NULL && !by->broken) {
		by->broken = !ready_key(&by->own, run, by->public);
		if (!by->broken)
			by->ready = &by->own;
	}
	if (by->ready == NULL || !assay_key_verify(by->ready, scheme, digest, signature))
		return false;
	assay_cache_learn(run->how->cache, &fact);
	return true;
}

bool
assay_run_verify(const struct run *run, struct assay_public key, enum assay_scheme scheme,
    struct assay_bytes signed_part, struct assay_bytes signature)
{
	uint8_t digest[ASSAY_DIGEST_MAX];
	struct assay_key ready;
	bool ok = ready_key(&ready, run, key);

	if (ok) {
		size_t n = assay_scheme_digest(digest, scheme, signed_part);
		ok = assay_key_verify(&ready, scheme, (struct assay_bytes){ digest, n }, signature);
	}
	leave_key(run, &ready);
	return ok;
}

bool
assay_run_cert_signed(const struct run *run, struct signer *by, const struct x509_cert *cert)
{
	return assay_run_signed(run, by, FACT_CERTIFICATE, cert->scheme,
	    (struct assay_bytes){ cert->digest, cert->digest_len },
	    (struct assay_bytes){ cert->signature, cert->signature_len });
}

bool
assay_run_cert_known(const struct run *run, struct assay_public by, const struct x509_cert *cert)
{
	const struct fact fact = { FACT_CERTIFICATE, cert->scheme, by,
		{ cert->digest, cert->digest_len }, { cert->signature, cert->signature_len } };

	return assay_cache_knows(run->how->cache, &fact);
}

bool
assay_run_crl_signed(const struct run *run, struct signer *by, const struct x509_crl *crl)
{
	return assay_run_signed(run, by, FACT_CRL, crl->scheme,
	    (struct assay_bytes){ crl->digest, crl->digest_len },
	    (struct assay_bytes){ crl->signature, crl->signature_len });
}

bool
assay_run_dates(
    struct run *run, enum assay_check_id id, int64_t since, int64_t until, const char *what)
{
	char bound[ASSAY_TIME_TEXT], now[ASSAY_TIME_TEXT];
	bool early = run->how->now < since;

	if (until < run->expires) {
		run->expires = until;
		run->expires_what = what;
	}
	if (!early && run->how->now <= until) {
		assay_check_pass(run->checks, id, "within its validity");
		return true;
	}
	assay_time_text(bound, early ? since : until);
	assay_time_text(now, run->how->now);
	return assay_check_fail(run->checks, id, ASSAY_E_EXPIRED, "%s: %s %s, judged as of %s",
	    what, early ? "is valid only from" : "has ended at", bound, now);
}

/* Is a better than b at this time? A newer one in force wins; what ended loses to what has not. */
static bool
better(const struct x509_crl *a, const struct x509_crl *b, int64_t now)
{
	bool live_a = a->this_update <= now && now <= a->next_update;
	bool live_b = b->this_update <= now && now <= b->next_update;

	if (live_a != live_b)
		return live_a;
	if (a->this_update != b->this_update)
		return a->this_update > b->this_update;
	return a->number > b->number;
}

/* What came along may be newer than all that the caller has of this issuer; else it is passed over,
 * so that it never hides a newer CRL, not even one that has ended. */
const struct item *
assay_run_crl(const struct run *run, struct assay_bytes issuer, bool own)
{
	const struct item *best = NULL, *item;
	int64_t newest = INT64_MIN;
	uint64_t number = 0;
	bool brought;

	for (size_t at = 0; (item = assay_run_next(run, ITEM_CRL, &at, &brought)) != NULL;) {
		const struct x509_crl *crl = &item->crl;
		if (!assay_bytes_equal(crl->issuer, issuer) ||
		    (brought && (own || crl->this_update <= newest || crl->number < number)))
			continue;
		if (!brought && crl->this_update > newest)
			newest = crl->this_update;
		if (!brought && crl->number > number)
			number = crl->number;
		if (best == NULL || better(crl, &best->crl, run->how->now))
			best = item;
	}
	return best;
}

bool
assay_run_revoked(
    const struct run *run, struct signer *by, struct assay_bytes issuer, struct assay_bytes serial)
{
	const struct item *item;

	for (size_t at = 0; (item = assay_run_next(run, ITEM_CRL, &at, NULL)) != NULL;)
		if (assay_bytes_equal(item->crl.issuer, issuer) &&
		    assay_x509_crl_lists(&item->crl, serial) &&
		    assay_run_crl_signed(run, by, &item->crl))
			return true;
	return false;
}

bool
assay_run_crl_floor(struct run *run, enum assay_check_id id, const struct x509_crl *crl)
{
	uint64_t floor = assay_trust_crl_floor(run->trust, crl->issuer);

	if (!crl->has_number)
		return assay_check_fail(
		    run->checks, id, ASSAY_E_FORMAT, "the CRL has no crlNumber");
	return assay_check_that(run->checks, id, crl->number >= floor, ASSAY_E_EXPIRED,
	    "not older than the newest CRL believed",
	    "the CRL has number %llu, and number %llu is known: an older one is being replayed",
	    (unsigned long long)crl->number, (unsigned long long)floor);
}

void
assay_run_report_data(struct run *run, struct assay_bytes got)
{
	struct assay_bytes want = run->how->report_data;

	if (want.len == 0) {
		assay_check_skip(run->checks, CHECK_EVIDENCE_REPORT_DATA,
		    "freshness: no nonce or report data was given to compare");
		assay_check_set_fix(
		    run->checks, "give the nonce or the report data that you asked for");
		return;
	}
	bool same = want.len <= got.len && memcmp(got.ptr, want.ptr, want.len) == 0 &&
	    assay_bytes_zero((struct assay_bytes){ got.ptr + want.len, got.len - want.len });
	assay_check_that(run->checks, CHECK_EVIDENCE_REPORT_DATA, same, ASSAY_E_POLICY,
	    "equal to what was asked for, every byte", "is %s, want %s%s",
	    assay_quote_hex(got).text, assay_quote_hex(want).text,
	    want.len < got.len ? " and zeros behind" : "");
}

void
assay_run_platform(struct run *run, const struct platform_id *ids, size_t count)
{
	bool allowed = false;

	if (run->trust->platform_count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const char *kind = assay_platform_kind_name(ids[i].kind);
		enum platform_listing l = assay_trust_platform(run->trust, ids[i].kind, ids[i].id);
		if (l == PLATFORM_DENIED) {
			assay_check_fail(run->checks, CHECK_PLATFORM_LISTED, ASSAY_E_POLICY,
			    "%s %s is on the deny list", kind, assay_quote_hex(ids[i].id).text);
			return;
		}
		if (l == PLATFORM_HIDDEN) {
			assay_check_fail(run->checks, CHECK_PLATFORM_LISTED, ASSAY_E_POLICY,
			    "the platform hides its %s, of which the list speaks", kind);
			return;
		}
		allowed = allowed || l == PLATFORM_ALLOWED;
	}
	assay_check_that(run->checks, CHECK_PLATFORM_LISTED,
	    allowed || !assay_trust_allows(run->trust), ASSAY_E_POLICY,
	    "allowed by the list of platforms", "no id of this platform is on the allow list");
}

void
assay_run_finish(struct run *run, const struct anchor *anchor)
{
	struct assay_claims *c = run->claims;

	if (run->expires != INT64_MAX) {
		assay_claim_time(c, CLAIM_COLLATERAL_EXPIRES, run->expires);
		assay_claim_text(c, CLAIM_COLLATERAL_EXPIRES_WHAT, run->expires_what);
		assay_claim_number(c, CLAIM_COLLATERAL_DAYS_LEFT,
		    run->expires > run->how->now ? (uint64_t)(run->expires - run->how->now) / 86400
						 : 0);
	}
	if (anchor != NULL) {
		assay_claim_text(c, CLAIM_TRUST_ROOT, anchor->name);
		assay_claim_flag(c, CLAIM_TRUST_BUILTIN, anchor->builtin);
	}
}
