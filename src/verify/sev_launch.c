/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed, and by whom: docs/binding.md. */
#include "verify/sev_launch.h"

#include <string.h>

#include "launch/record.h"
#include "verify/proof.h"

/* --- the record -------------------------------------------------------------------------- */

/* What a record is held against. The certificates may be missing. */
struct subject {
	const struct sev_report *report;
	const struct sev_cert *cek, *pek;
};

/* The part that is signed: what a platform exports may lack AMD's signature, which is another's. */
static bool
same_cert(const struct sev_cert *cert, struct assay_bytes recorded)
{
	return cert != NULL &&
	    assay_bytes_equal(cert->signed_part, assay_bytes_at(recorded, 0, SEV_CERT_SIGNED));
}

/* What the owner saw at launch is what the report speaks of. */
static bool
fits(const struct assay_launch *l, const struct subject *s)
{
	const struct sev_report *r = s->report;
	struct assay_bytes digest = { r->launch_digest, sizeof r->launch_digest };

	return r->policy == assay_launch_policy(l) &&
	    assay_bytes_equal(digest, assay_launch_digest(l)) &&
	    same_cert(s->cek, assay_launch_cert(l, ASSAY_LAUNCH_CEK)) &&
	    same_cert(s->pek, assay_launch_cert(l, ASSAY_LAUNCH_PEK));
}

static bool
same_signer(const struct assay_launch *a, const struct assay_launch *b)
{
	uint8_t x[ASSAY_THUMBPRINT_SIZE], y[ASSAY_THUMBPRINT_SIZE];

	if (a->signer == NULL || b->signer == NULL)
		return a->signer == b->signer;
	assay_jwk_thumbprint(x, a->signer);
	assay_jwk_thumbprint(y, b->signer);
	return memcmp(x, y, sizeof x) == 0;
}

/* The firmware draws MNONCE for each launch, and MEASURE is over it. */
static bool
same_launch(const struct assay_launch *a, const struct assay_launch *b)
{
	return assay_bytes_equal(assay_launch_mnonce(a), assay_launch_mnonce(b)) &&
	    assay_bytes_equal(assay_launch_measure(a), assay_launch_measure(b));
}

/* A record of another launch with this key, by the same signer. */
static const struct assay_launch *
find_twin(const struct run *run, const struct assay_launch *l)
{
	const struct assay_launch *const *all = run->how->launches;

	for (size_t i = 0; i < run->how->launch_count; i++)
		if (all[i] != l &&
		    assay_bytes_equal(
			assay_launch_key_digest(all[i]), assay_launch_key_digest(l)) &&
		    same_signer(all[i], l) && !same_launch(all[i], l))
			return all[i];
	return NULL;
}

/*
 * The record of the key that certified the proof. Anybody can write a record that names another's key, for
 * that is public: so the word of one whom the verifier trusts stands before that of one whom he does not,
 * and a record that fits before one that does not. A signer whose two launches have the same key tells
 * neither guest from the other; no other signer can bring that about. Of equals the first one given.
 */
static const struct assay_launch *
choose(const struct run *run, const struct sev_proof *proof, const struct subject *subject)
{
	enum { TRUSTED = 4, FITS = 2, SINGLE = 1 };
	const struct assay_launch *const *all = run->how->launches;
	const struct assay_launch *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < run->how->launch_count; i++) {
		const struct assay_launch *l = all[i];
		if (!assay_bytes_equal(assay_launch_key_digest(l), proof->certifier))
			continue;
		int rank = (l->trusted ? TRUSTED : 0) | (fits(l, subject) ? FITS : 0);
		if ((rank | SINGLE) > best_rank && find_twin(run, l) == NULL)
			rank |= SINGLE;
		if (rank > best_rank) {
			best = l;
			best_rank = rank;
		}
	}
	return best;
}

static const struct assay_launch *
find_launch(const struct run *run, const struct sev_proof *proof, const struct subject *subject)
{
	if (run->how->launch_count == 0) {
		assay_check_skip(run->checks, CHECK_SEV_PROOF_KNOWN,
		    "the guest: no launch record was given, to say whose proof this is");
		assay_check_set_fix(run->checks, "give the launch record of the guest's owner");
		return NULL;
	}
	const struct assay_launch *found = choose(run, proof, subject);
	const struct assay_launch *other = found != NULL ? find_twin(run, found) : NULL;
	if (other == NULL)
		assay_check_that(run->checks, CHECK_SEV_PROOF_KNOWN, found != NULL,
		    ASSAY_E_SIGNATURE, "of a guest whose launch record was given",
		    "the proof is certified by key %s, which no launch record that was given has: "
		    "it is of another guest, or of one whose record is not here yet",
		    assay_quote_hex(proof->certifier).text);
	else if (!assay_check_fail(run->checks, CHECK_SEV_PROOF_KNOWN, ASSAY_E_SIGNATURE,
		     "the launches %s and %s have the same key, so that one guest cannot be told "
		     "from the other",
		     assay_launch_name(found), assay_launch_name(other))) {
		assay_check_set_fix(
		    run->checks, "Launch both guests anew, each with a key of its own.");
		return NULL;
	}
	return found;
}

static void
claim_launch(const struct run *run, const struct assay_launch *l)
{
	struct assay_sev_api api = assay_launch_api(l);
	char text[16];

	(void)snprintf(text, sizeof text, "%u.%u", api.major, api.minor);
	assay_claim_text(run->claims, CLAIM_SEV_LAUNCH_NAME, assay_launch_name(l));
	assay_claim_time(run->claims, CLAIM_SEV_LAUNCH_CREATED, assay_launch_created(l));
	assay_claim_text(run->claims, CLAIM_SEV_LAUNCH_API, text);
	assay_claim_number(run->claims, CLAIM_SEV_LAUNCH_BUILD, api.build);
	assay_claim_flag(run->claims, CLAIM_SEV_LAUNCH_SIGNED, assay_launch_trusted(l));
}

static bool
check_launch(const struct run *run, const struct assay_launch *l, const struct subject *s)
{
	const struct sev_report *r = s->report;
	struct assay_checks *cs = run->checks;
	struct assay_bytes digest = { r->launch_digest, sizeof r->launch_digest };
	bool same_cek = same_cert(s->cek, assay_launch_cert(l, ASSAY_LAUNCH_CEK));
	bool same = same_cek && same_cert(s->pek, assay_launch_cert(l, ASSAY_LAUNCH_PEK));

	if (!assay_launch_trusted(l)) {
		assay_check_skip(cs, CHECK_SEV_LAUNCH_SIGNER,
		    "the launch record: nobody vouches for who wrote %s", assay_launch_name(l));
		assay_check_set_fix(cs, "name the signer whose launch records you trust");
	}
	bool ok = s->cek != NULL && s->pek != NULL;
	if (!ok)
		assay_check_need(cs, CHECK_SEV_LAUNCH_PLATFORM, "", "",
		    "not compared with the launch record: CEK or PEK was not given");
	else
		ok = assay_check_that(cs, CHECK_SEV_LAUNCH_PLATFORM, same, ASSAY_E_SIGNATURE,
		    "the platform on which the guest was launched",
		    "the %s is not that of the launch record: the guest was launched on another "
		    "platform%s",
		    same_cek ? "PEK" : "CEK", same_cek ? ", or this one has new keys since" : "");
	ok &= assay_check_that(cs, CHECK_SEV_LAUNCH_DIGEST,
	    assay_bytes_equal(digest, assay_launch_digest(l)), ASSAY_E_POLICY,
	    "what was measured at the launch",
	    "the launch digest is %s, and was %s when the guest was launched: the report is of "
	    "another guest",
	    assay_quote_hex(digest).text, assay_quote_hex(assay_launch_digest(l)).text);
	ok &= assay_check_that(cs, CHECK_SEV_LAUNCH_POLICY, r->policy == assay_launch_policy(l),
	    ASSAY_E_POLICY, "the policy of the launch",
	    "the guest policy is 0x%x, and was 0x%x when the guest was launched: the report is of "
	    "another guest",
	    (unsigned)r->policy, (unsigned)assay_launch_policy(l));
	return ok;
}

/* --- the proof --------------------------------------------------------------------------- */

static enum assay_code
verify_certification(const struct assay_pair *injected, struct assay_bytes message,
    struct assay_bytes signature, struct assay_error *err)
{
	enum assay_signing how;

	if (!assay_proof_signing(&how, injected->kind))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "the launch record's key is none of P-256, P-384, Ed25519 and RSA; inject "
		    "another at the next launch");
	if (!assay_pair_verify(injected, how, message, signature))
		return assay_fail(err, ASSAY_E_SIGNATURE,
		    "the working key is not certified by the key that the owner injected");
	return ASSAY_OK;
}

/* Remembered, for a guest does it once: and without its key, made ready for nothing then. */
static bool
check_certified(const struct run *run, const struct assay_launch *l, const struct sev_proof *proof)
{
	struct assay_pair injected = { ASSAY_PAIR_NONE, false, NULL };
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t text[PROOF_MESSAGE_MAX], digest[ASSAY_SHA256_LEN];
	struct assay_bytes message = { text, assay_proof_certified(text, proof->key) };
	const struct fact fact = { FACT_CERTIFICATION, ASSAY_SCHEME_NONE,
		{ ASSAY_KEY_NONE, proof->certifier }, { digest, sizeof digest },
		proof->certification };
	enum assay_code rc = ASSAY_OK;

	assay_sha256(digest, message);
	if (!assay_cache_knows(run->how->cache, &fact)) {
		rc = assay_pair_set_der(&injected, assay_launch_key(l), false, &err);
		if (rc == ASSAY_OK)
			rc = verify_certification(&injected, message, proof->certification, &err);
		if (rc == ASSAY_OK)
			assay_cache_learn(run->how->cache, &fact);
		assay_pair_clear(&injected);
	}
	return assay_check_result(run->checks, CHECK_SEV_PROOF_CERTIFIED, rc, &err,
	    "the working key is certified by the injected one");
}

/* MNONCE answers, and so does the guest. */
static bool
check_answer(struct sev_bound *out, struct run *run, const struct sev_report *r,
    const struct assay_evidence *ev)
{
	struct assay_bytes want = run->how->report_data;
	struct assay_bytes got = { r->mnonce, sizeof r->mnonce };
	uint8_t text[PROOF_MESSAGE_MAX], digest[ASSAY_SHA256_LEN], mnonce[ASSAY_SEV_MNONCE_SIZE];

	if (want.len == 0) {
		assay_run_report_data(run, got);
		assay_check_skip(run->checks, CHECK_SEV_PROOF_SIGNATURE,
		    "the proof: it is over report data, and none were given to compare");
		return false;
	}
	memcpy(out->report_data, want.ptr, want.len);
	assay_sha256(digest, ev->proof.key);
	assay_sev_mnonce(mnonce, out->report_data, digest);
	bool fresh = assay_check_that(run->checks, CHECK_EVIDENCE_REPORT_DATA,
	    memcmp(mnonce, got.ptr, sizeof mnonce) == 0, ASSAY_E_POLICY,
	    "MNONCE is the hash of what was asked for and of the guest's working key",
	    "MNONCE is %s, want %s, the hash of %s and of the guest's working key",
	    assay_quote_hex(got).text,
	    assay_quote_hex((struct assay_bytes){ mnonce, sizeof mnonce }).text,
	    assay_quote_hex(want).text);
	size_t n = assay_proof_signed(
	    text, (struct assay_bytes){ ev->store, SEV_REPORT_SIZE }, out->report_data);
	const struct assay_public key = { ASSAY_KEY_P256, assay_sev_proof_point(&ev->proof) };
	bool ok = assay_check_that(run->checks, CHECK_SEV_PROOF_SIGNATURE,
	    assay_run_verify(run, key, ASSAY_ECDSA_P256_SHA256, (struct assay_bytes){ text, n },
		ev->proof.signature),
	    ASSAY_E_SIGNATURE, "the guest signed report and report data",
	    "the proof is not over this report and these report data, or not by the "
	    "working key that it names");
	if (!ok && !fresh) /* which is nobody's fault but the asker's, more often than not */
		assay_check_set_fix(run->checks,
		    "See evidence.report_data: a proof for something else cannot fit.");
	return ok && fresh;
}

bool
assay_sev_answers(const struct assay_evidence *ev, const uint8_t *report_data)
{
	uint8_t digest[ASSAY_SHA256_LEN], mnonce[ASSAY_SEV_MNONCE_SIZE];

	if (!ev->sev.has_report || ev->proof.key.len == 0)
		return false;
	assay_sha256(digest, ev->proof.key);
	assay_sev_mnonce(mnonce, report_data, digest);
	return memcmp(ev->sev.report.mnonce, mnonce, sizeof mnonce) == 0;
}

void
assay_sev_check_proof(struct sev_bound *out, struct run *run, const struct assay_evidence *ev,
    const struct sev_cert *cek, const struct sev_cert *pek)
{
	const struct subject subject = { &ev->sev.report, cek, pek };
	const struct assay_launch *launch;

	*out = (struct sev_bound){ .binding = "none" };
	if (ev->proof.key.len == 0) {
		if (run->how->launch_count > 0)
			assay_check_skip(run->checks, CHECK_SEV_PROOF_KNOWN,
			    "the guest: no proof came with the report, to hold against a launch "
			    "record");
		return;
	}
	if ((launch = find_launch(run, &ev->proof, &subject)) != NULL)
		claim_launch(run, launch);
	bool ok = launch != NULL && check_launch(run, launch, &subject);
	ok = launch != NULL && check_certified(run, launch, &ev->proof) && ok;
	out->answered = check_answer(out, run, subject.report, ev);
	if (ok && out->answered)
		out->binding = (subject.report->policy >> SEV_POLICY_ES & 1) != 0 ? "vm" : "weak";
}
