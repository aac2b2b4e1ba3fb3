/* SPDX-License-Identifier: Apache-2.0 */
/* Legacy SEV and SEV-ES: the platform's certificates and the ATTESTATION report. Source: AMD
 * 55766, SEV API, appendix C and 6.8. */
#include <string.h>

#include "verify/roots.h"
#include "verify/run.h"
#include "verify/sev_launch.h"

enum {
	EVIDENCE_BROKER = SEV_REPORT_SIZE + 3 * SEV_CERT_SIZE, /* report, CEK, PEK, OCA */
	VERIFIED_MAX = 8,
	STORE_TRIES_MAX = 128, /* certificates of one use; a check under each takes about a ms */
};

struct sev {
	struct run run;
	const struct sev_evidence *ev;
	const struct sev_cert *pek, *cek, *oca, *pdh;
	bool cek_signed;                       /* by an ASK */
	const struct sev_authority *authority; /* whose ASK signed the CEK, if it is built in */
	const struct amd_cert *ask, *ark;      /* as given */
	const struct anchor *anchor;
	struct sev_bound bound;
	/* What was verified already: finding a signer is verifying under it. The report is NULL. */
	struct verified {
		const struct sev_cert *what, *by;
		bool ok;
	} verified[VERIFIED_MAX];
	size_t verified_count;
	uint32_t untried; /* the use of which the collateral has more than are tried; 0: of none */
	/* The last digest of a certificate: two keys sign the PEK. */
	struct {
		const struct sev_cert *of;
		enum assay_scheme scheme;
		uint8_t digest[ASSAY_DIGEST_MAX];
		size_t len;
	} hashed;
};

/* --- finding ------------------------------------------------------------------------------------- */

/* Of the evidence. */
static const struct sev_cert *
find_own(const struct sev *s, uint32_t usage)
{
	for (size_t i = 0; i < s->ev->cert_count; i++)
		if (s->ev->certs[i].usage == usage)
			return &s->ev->certs[i];
	return NULL;
}

/* Certificates of the evidence; if it has none of this usage, those of the collateral. NULL at the end. What
 * came along is judged as it stands there: neither is another platform's from the store judged in its
 * place, nor does a forged report have every key of the store tried. */
static const struct sev_cert *
next_cert(const struct sev *s, uint32_t usage, size_t *at)
{
	while (*at < s->ev->cert_count) {
		const struct sev_cert *c = &s->ev->certs[(*at)++];
		if (c->usage == usage)
			return c;
	}
	if (find_own(s, usage) != NULL)
		return NULL;
	for (;;) {
		size_t item_at = *at - s->ev->cert_count;
		const struct item *item = assay_run_next(&s->run, ITEM_SEV_CERT, &item_at, NULL);
		*at = s->ev->cert_count + item_at;
		if (item == NULL || item->sev.usage == usage)
			return item != NULL ? &item->sev : NULL;
	}
}

static struct assay_bytes
hash_cert(struct sev *s, const struct sev_cert *cert, enum assay_scheme scheme)
{
	if (s->hashed.of != cert || s->hashed.scheme != scheme)
		s->hashed.len = assay_scheme_digest(s->hashed.digest, scheme, cert->signed_part);
	s->hashed.of = cert;
	s->hashed.scheme = scheme;
	return (struct assay_bytes){ s->hashed.digest, s->hashed.len };
}

/* What slot i would say if it were a signature of this key, made in the role `usage`. */
static bool
slot_fact(struct fact *out, struct sev *s, const struct sev_cert *cert, size_t i, uint32_t usage,
    struct assay_public key)
{
	const struct sev_signature *sig = &cert->signatures[i];
	enum assay_scheme scheme = assay_sev_scheme(sig->algo, sig->len);

	if (sig->usage != usage || scheme == ASSAY_SCHEME_NONE)
		return false;
	*out = (struct fact){ FACT_CERTIFICATE, scheme, key, hash_cert(s, cert, scheme),
		{ sig->raw, sig->len } };
	return true;
}

/* Is it remembered of one of the two slots? */
static bool
slot_known(struct sev *s, const struct sev_cert *cert, uint32_t usage, struct assay_public key)
{
	struct fact f;

	for (size_t i = 0; i < 2; i++)
		if (slot_fact(&f, s, cert, i, usage, key) &&
		    assay_cache_knows(s->run.how->cache, &f))
			return true;
	return false;
}

/* Does it hold of one of them? */
static bool
slot_signed(struct sev *s, const struct sev_cert *cert, uint32_t usage, struct assay_public key)
{
	struct signer by = assay_signer(&s->run, key);
	struct fact f;
	bool ok = false;

	for (size_t i = 0; i < 2 && !ok; i++)
		ok = slot_fact(&f, s, cert, i, usage, key) &&
		    assay_run_signed(&s->run, &by, f.role, f.scheme, f.digest, f.signature);
	assay_signer_clear(&s->run, &by);
	return ok;
}

/* An ECDH key can never verify a signature; a slot's algorithm is its signer's. */
static bool
signs(const struct sev_cert *signer, const struct sev_cert *cert)
{
	if (signer->algo != SEV_ECDSA_SHA256 && signer->algo != SEV_ECDSA_SHA384)
		return false;
	for (size_t i = 0; i < 2; i++)
		if (cert->signatures[i].usage == signer->usage &&
		    cert->signatures[i].algo == signer->algo)
			return true;
	return false;
}

static bool
report_verify(const struct sev *s, const struct sev_cert *pek)
{
	const struct sev_report *r = &s->ev->report;
	enum assay_scheme scheme = assay_sev_scheme(pek->algo, sizeof r->signature);

	return (pek->algo == SEV_ECDSA_SHA256 || pek->algo == SEV_ECDSA_SHA384) &&
	    assay_run_verify(&s->run, pek->public, scheme, r->signed_part,
		(struct assay_bytes){ r->signature, sizeof r->signature });
}

/* cert: NULL for the report. */
static bool
signed_by(struct sev *s, const struct sev_cert *cert, const struct sev_cert *signer)
{
	for (size_t i = 0; i < s->verified_count; i++)
		if (s->verified[i].what == cert && s->verified[i].by == signer)
			return s->verified[i].ok;
	bool ok = cert == NULL
	    ? report_verify(s, signer)
	    : signs(signer, cert) && slot_signed(s, cert, signer->usage, signer->public);
	if (s->verified_count < VERIFIED_MAX)
		s->verified[s->verified_count++] = (struct verified){ cert, signer, ok };
	return ok;
}

static bool
report_signed(struct sev *s, const struct sev_cert *pek)
{
	return signed_by(s, NULL, pek);
}

/* Could it have signed the child, or the report? Nothing else of them names a signer. */
static bool
may_sign(const struct sev *s, const struct sev_cert *cert, const struct sev_cert *child)
{
	return child != NULL
	    ? signs(cert, child)
	    : cert->algo == s->ev->report.signature_algo && cert->public.kind == ASSAY_KEY_P384;
}

/*
 * The certificate of this usage that fits its child, or the report if that is NULL; else the first, so that
 * the check can say that it does not. Whoever sends a report without certificates has those of the
 * collateral tried: not more than a server can bear from strangers. NULL: there are none, or more.
 */
static const struct sev_cert *
find_fitting(struct sev *s, uint32_t usage, const struct sev_cert *child)
{
	const struct sev_cert *cert, *first = NULL;
	size_t tries = 0;

	for (size_t at = 0; (cert = next_cert(s, usage, &at)) != NULL;) {
		bool own = at <= s->ev->cert_count;
		if (first == NULL)
			first = cert;
		if (!own && !may_sign(s, cert, child))
			continue;
		if (!own && tries++ == STORE_TRIES_MAX) {
			s->untried = usage;
			return NULL;
		}
		if (signed_by(s, child, cert))
			return cert;
	}
	return first;
}

static const struct sev_cert *
find_signer(struct sev *s, uint32_t usage, const struct sev_cert *child)
{
	size_t at = 0;

	return child != NULL ? find_fitting(s, usage, child) : next_cert(s, usage, &at);
}

static const struct sev_cert *
find_pek(struct sev *s)
{
	if (s->ev->has_report)
		return find_fitting(s, SEV_USAGE_PEK, NULL);
	return s->pdh != NULL ? find_signer(s, SEV_USAGE_PEK, s->pdh) : find_own(s, SEV_USAGE_PEK);
}

/* Whose CEK and OCA are looked for: nobody's, when the PEK is only the first of the collateral's. */
static const struct sev_cert *
chain_of(struct sev *s)
{
	bool any = s->pek != NULL && s->ev->has_report && find_own(s, SEV_USAGE_PEK) == NULL &&
	    !report_signed(s, s->pek);

	return any ? NULL : s->pek;
}

/* --- AMD's half --------------------------------------------------------------------------------------- */

static enum assay_scheme
amd_scheme(const struct amd_cert *c)
{
	return c->key_len == 256 ? ASSAY_RSA_PSS_SHA256 : ASSAY_RSA_PSS_SHA384;
}

static bool
amd_signed(const struct sev *s, const struct amd_cert *cert, struct assay_public key)
{
	uint8_t digest[ASSAY_DIGEST_MAX];
	struct signer by = assay_signer(&s->run, key);
	enum assay_scheme scheme = amd_scheme(cert);
	size_t n = assay_scheme_digest(digest, scheme, cert->signed_part);
	bool ok = cert->has_signature &&
	    assay_run_signed(&s->run, &by, FACT_CERTIFICATE, scheme,
		(struct assay_bytes){ digest, n },
		(struct assay_bytes){ cert->signature, cert->key_len });

	assay_signer_clear(&s->run, &by);
	return ok;
}

/* The ASK that was given for the CEK; else the first, so that the check can say that it does not fit. */
static const struct amd_cert *
find_given_ask(struct sev *s, bool *fits)
{
	const struct item *item;
	const struct amd_cert *first = NULL;

	*fits = false;
	for (size_t at = 0; (item = assay_run_next(&s->run, ITEM_AMD_CERT, &at, NULL)) != NULL;) {
		if (item->amd.usage != SEV_USAGE_ASK)
			continue;
		if ((*fits = slot_signed(s, s->cek, SEV_USAGE_ASK, item->amd.public)))
			return &item->amd;
		if (first == NULL)
			first = &item->amd;
	}
	return first;
}

/* No field names the product: it is that of the ASK under which the CEK verifies. One that was given is
 * most likely the right one, and so is one that is remembered: the others would be tried in vain. */
static bool
find_ask(struct sev *s)
{
	bool fits;

	s->ask = find_given_ask(s, &fits);
	for (size_t i = 0; i < SEV_AUTHORITIES && s->authority == NULL; i++) {
		const struct sev_authority *a = &assay_sev_authorities[i];
		if (fits ? assay_public_equal(s->ask->public, a->ask)
			 : slot_known(s, s->cek, SEV_USAGE_ASK, a->ask))
			s->authority = a;
	}
	for (size_t i = 0; i < SEV_AUTHORITIES && s->authority == NULL && !fits; i++)
		if (slot_signed(s, s->cek, SEV_USAGE_ASK, assay_sev_authorities[i].ask))
			s->authority = &assay_sev_authorities[i];
	if (s->authority != NULL)
		s->ask = NULL;
	return fits || s->authority != NULL;
}

/* A platform exports its CEK without AMD's signature, or with a slot that only says it had one: the same key
 * may be at hand with it. */
static void
find_cek(struct sev *s)
{
	const struct sev_cert *found = find_signer(s, SEV_USAGE_CEK, chain_of(s));
	const struct item *item;
	size_t tries = 0;

	s->cek = found;
	s->cek_signed = found != NULL && find_ask(s);
	if (found == NULL || s->cek_signed)
		return;
	for (size_t at = 0; (item = assay_run_next(&s->run, ITEM_SEV_CERT, &at, NULL)) != NULL;) {
		if (item->sev.usage != SEV_USAGE_CEK ||
		    !assay_public_equal(item->sev.public, found->public))
			continue;
		if (tries++ == STORE_TRIES_MAX)
			break;
		s->cek = &item->sev;
		if ((s->cek_signed = find_ask(s)))
			return;
	}
	s->cek = found;
}

static const struct anchor *
root_anchor(const struct assay_trust *t, struct assay_public key)
{
	const struct anchor *a = assay_trust_anchor(t, key);

	return a != NULL && a->root ? a : NULL;
}

/* The ARK that signed a given ASK: an anchor, or one that came along. */
static void
find_ark(struct sev *s)
{
	const struct assay_trust *t = s->run.trust;
	const struct item *item;

	for (size_t at = 0; (item = assay_run_next(&s->run, ITEM_AMD_CERT, &at, NULL)) != NULL;)
		if (item->amd.usage == SEV_USAGE_ARK && amd_signed(s, s->ask, item->amd.public)) {
			s->ark = &item->amd;
			s->anchor = root_anchor(t, item->amd.public);
			break;
		}
	/* The caller's own, which come last, before the many that are built in. */
	for (size_t i = t->anchor_count; i-- > 0 && s->anchor == NULL;)
		if (t->anchors[i].root && t->anchors[i].key.public.kind == ASSAY_KEY_RSA &&
		    amd_signed(s, s->ask, t->anchors[i].key.public))
			s->anchor = &t->anchors[i];
}

static void
check_given_ask(struct sev *s)
{
	struct assay_checks *cs = s->run.checks;

	find_ark(s);
	bool profile = s->ask->usage == SEV_USAGE_ASK &&
	    (s->ark == NULL || memcmp(s->ask->certifying_id, s->ark->key_id, 16) == 0);
	assay_check_that(cs, CHECK_SEV_ASK_PROFILE, profile, ASSAY_E_SIGNATURE,
	    "an ASK under its ARK", "the ASK says that another key than this ARK's certifies it");
	assay_check_that(cs, CHECK_SEV_ASK_SIGNATURE, s->anchor != NULL || s->ark != NULL,
	    ASSAY_E_SIGNATURE, "signed by the ARK",
	    "the ASK is not signed by an ARK that is known");
	assay_check_that(cs, CHECK_SEV_ARK_PINNED, s->anchor != NULL, ASSAY_E_SIGNATURE,
	    "ends in a trusted root key",
	    "the chain ends in a root that is not AMD's, nor one of --trust-root, whatever its key "
	    "id says");
	if (s->ark == NULL)
		assay_check_pass(
		    cs, CHECK_SEV_ARK_SIGNATURE, "pinned by key, without a certificate");
	else
		assay_check_that(cs, CHECK_SEV_ARK_SIGNATURE, amd_signed(s, s->ark, s->ark->public),
		    ASSAY_E_SIGNATURE, "signed by itself",
		    "the ARK is not signed by itself: it is damaged");
}

/* A file given for the pinned ARK must be whole, too. Once AMD published that of Naples without
 * its signature. */
static void
check_pinned_ark(struct sev *s)
{
	const struct item *item;

	for (size_t at = 0; (item = assay_run_next(&s->run, ITEM_AMD_CERT, &at, NULL)) != NULL;) {
		if (item->amd.usage != SEV_USAGE_ARK ||
		    !assay_public_equal(item->amd.public, s->authority->ark))
			continue;
		assay_check_that(s->run.checks, CHECK_SEV_ARK_SIGNATURE,
		    !item->amd.has_signature || amd_signed(s, &item->amd, item->amd.public),
		    ASSAY_E_SIGNATURE,
		    item->amd.has_signature ? "signed by itself"
					    : "pinned by key; this edition has no signature",
		    "the ARK given is not signed by itself: it is damaged");
		return;
	}
	assay_check_pass(s->run.checks, CHECK_SEV_ARK_SIGNATURE, "built in");
}

static void
check_amd(struct sev *s)
{
	struct assay_checks *cs = s->run.checks;

	if (s->cek == NULL) {
		assay_check_need(cs, CHECK_SEV_CEK_SIGNATURE, "CEK", "the chip's, from AMD's KDS",
		    "the CEK that AMD signed was not given");
		return;
	}
	assay_check_that(cs, CHECK_SEV_CEK_PROFILE,
	    s->cek->usage == SEV_USAGE_CEK &&
		(s->cek->algo == SEV_ECDSA_SHA256 || s->cek->algo == SEV_ECDSA_SHA384),
	    ASSAY_E_SIGNATURE, "a chip endorsement key", "the CEK holds no ECDSA key");
	bool no_slot = s->cek->signatures[0].usage != SEV_USAGE_ASK &&
	    s->cek->signatures[1].usage != SEV_USAGE_ASK;
	assay_check_that(cs, CHECK_SEV_CEK_SIGNATURE, s->cek_signed, ASSAY_E_SIGNATURE,
	    "signed by an ASK",
	    no_slot
		? "the CEK carries no signature: the platform exports it so; bring AMD's from the "
		  "KDS"
		: "the CEK is not signed by AMD's ASK of any product, nor by one that was given");
	if (s->authority != NULL) {
		assay_check_pass(cs, CHECK_SEV_ASK_PROFILE, "built in");
		assay_check_pass(cs, CHECK_SEV_ASK_SIGNATURE, "built in");
		assay_check_pass(cs, CHECK_SEV_ARK_PINNED, "built in");
		s->anchor = assay_trust_anchor(s->run.trust, s->authority->ark);
		check_pinned_ark(s);
	} else if (s->ask != NULL)
		check_given_ask(s);
}

/* --- the owner's half, and the platform's --------------------------------------------------------------- */

static void
check_oca(struct sev *s)
{
	struct assay_checks *cs = s->run.checks;

	if (s->oca == NULL) {
		assay_check_need(cs, CHECK_SEV_OCA_SIGNATURE, "OCA", "the platform owner's",
		    "the OCA certificate was not given");
		return;
	}
	assay_check_that(cs, CHECK_SEV_OCA_PROFILE,
	    s->oca->algo == SEV_ECDSA_SHA256 || s->oca->algo == SEV_ECDSA_SHA384, ASSAY_E_SIGNATURE,
	    "an owner's key", "the OCA holds no ECDSA key");
	assay_check_that(cs, CHECK_SEV_OCA_SIGNATURE, signed_by(s, s->oca, s->oca),
	    ASSAY_E_SIGNATURE, "signed by itself", "the OCA is not signed by itself");
}

static void
check_pek(struct sev *s)
{
	struct assay_checks *cs = s->run.checks;

	assay_check_that(cs, CHECK_SEV_PEK_PROFILE,
	    (s->pek->algo == SEV_ECDSA_SHA256 || s->pek->algo == SEV_ECDSA_SHA384) &&
		s->pek->public.kind == ASSAY_KEY_P384,
	    ASSAY_E_SIGNATURE, "a platform endorsement key", "the PEK holds no ECDSA P-384 key");
	if (s->cek != NULL)
		assay_check_that(cs, CHECK_SEV_PEK_CEK_SIGNATURE, signed_by(s, s->pek, s->cek),
		    ASSAY_E_SIGNATURE, "signed by the chip's key",
		    "the PEK is not signed by this CEK: it is of another chip, or old");
	if (s->oca != NULL)
		assay_check_that(cs, CHECK_SEV_PEK_OCA_SIGNATURE, signed_by(s, s->pek, s->oca),
		    ASSAY_E_SIGNATURE, "signed by the owner's key",
		    "the PEK is not signed by this OCA: the platform has another owner");
}

static void
check_pdh(struct sev *s)
{
	struct assay_checks *cs = s->run.checks;

	if (s->pdh == NULL)
		return;
	assay_check_that(cs, CHECK_SEV_PDH_PROFILE,
	    s->pdh->algo == SEV_ECDH_SHA256 || s->pdh->algo == SEV_ECDH_SHA384, ASSAY_E_SIGNATURE,
	    "a Diffie-Hellman key", "the PDH holds no ECDH key");
	if (s->pek != NULL)
		assay_check_that(cs, CHECK_SEV_PDH_SIGNATURE, signed_by(s, s->pdh, s->pek),
		    ASSAY_E_SIGNATURE, "signed by the PEK", "the PDH is not signed by this PEK");
}

static void
check_report(struct sev *s)
{
	struct assay_checks *cs = s->run.checks;
	const struct sev_report *r = &s->ev->report;

	/* Not signed, and so to be held against the certificate. */
	assay_check_that(cs, CHECK_SEV_REPORT_SIGNER,
	    r->signature_usage == SEV_USAGE_PEK && r->reserved == 0 &&
		r->signature_algo == s->pek->algo,
	    ASSAY_E_FORMAT, "names the PEK and its algorithm",
	    "the report names signer 0x%x, algorithm 0x%x, reserved 0x%x; want 0x1002, 0x%x, 0",
	    r->signature_usage, r->signature_algo, r->reserved, s->pek->algo);
	assay_check_that(cs, CHECK_SEV_REPORT_SIGNATURE, report_signed(s, s->pek),
	    ASSAY_E_SIGNATURE, "signed by the PEK",
	    "the report is not signed by this PEK: it was changed, or is of another platform");
}

/* Without a proof. */
static void
check_nonce(struct sev *s)
{
	struct assay_bytes want = s->run.how->report_data;
	const struct sev_report *r = &s->ev->report;

	if (want.len <= sizeof r->mnonce)
		assay_run_report_data(&s->run, (struct assay_bytes){ r->mnonce, sizeof r->mnonce });
	else
		assay_check_fail(s->run.checks, CHECK_EVIDENCE_REPORT_DATA, ASSAY_E_POLICY,
		    "%zu bytes were asked for, and a report without the guest's proof holds 16: it "
		    "cannot be the answer",
		    want.len);
}

/* --- claims ---------------------------------------------------------------------------------------------- */

static void
claim(struct sev *s)
{
	struct assay_claims *c = s->run.claims;
	const struct sev_report *r = &s->ev->report;
	uint8_t digest[ASSAY_SHA256_LEN];
	char api[16];

	assay_claim_text(c, CLAIM_BINDING, s->bound.binding);
	if (s->ev->has_report) {
		assay_claim_flag(c, CLAIM_DEBUG, (r->policy >> SEV_POLICY_NODBG & 1) == 0);
		assay_claim_bytes(
		    c, CLAIM_MEASUREMENT, (struct assay_bytes){ r->launch_digest, 32 });
		assay_claim_bytes(c, CLAIM_REPORT_DATA,
		    s->bound.answered
			? (struct assay_bytes){ s->bound.report_data, sizeof s->bound.report_data }
			: (struct assay_bytes){ r->mnonce, sizeof r->mnonce });
		assay_claim_flag(c, CLAIM_SEV_ES, (r->policy >> SEV_POLICY_ES & 1) != 0);
	}
	if (s->authority != NULL)
		assay_claim_text(c, CLAIM_PLATFORM_PRODUCT, s->authority->product);
	if (s->pek != NULL) {
		(void)snprintf(api, sizeof api, "%u.%u", s->pek->api_major, s->pek->api_minor);
		assay_claim_text(c, CLAIM_SEV_API, api);
	}
	if (s->cek != NULL) {
		assay_sha256(digest, s->cek->signed_part);
		assay_claim_bytes(
		    c, CLAIM_SEV_CEK_DIGEST, (struct assay_bytes){ digest, sizeof digest });
		assay_claim_bytes(
		    c, CLAIM_PLATFORM_ID, (struct assay_bytes){ digest, sizeof digest });
	}
	if (s->oca != NULL) {
		uint8_t owner[ASSAY_SHA256_LEN];

		assay_sha256(owner,
		    assay_bytes_at(
			s->oca->signed_part, SEV_CERT_KEY, SEV_CERT_SIGNED - SEV_CERT_KEY));
		assay_claim_bytes(
		    c, CLAIM_SEV_OCA_KEY_DIGEST, (struct assay_bytes){ owner, sizeof owner });
	}
	const struct platform_id id = { PLATFORM_CEK,
		{ digest, s->cek != NULL ? sizeof digest : 0 } };
	assay_run_platform(&s->run, &id, 1);
}

/* There are too many to try: genuine or not, this cannot be told. */
static void
need_along(struct sev *s)
{
	const char *what = assay_sev_usage_name(s->untried);

	assay_check_need(s->run.checks,
	    s->untried == SEV_USAGE_PEK       ? CHECK_SEV_REPORT_SIGNATURE
		: s->untried == SEV_USAGE_CEK ? CHECK_SEV_CEK_SIGNATURE
					      : CHECK_SEV_OCA_SIGNATURE,
	    what, "the platform's, behind its report",
	    "the collateral has more than %d certificates %s, and %d of them do not fit: send the "
	    "platform's own (CEK, PEK, OCA) along with the report",
	    STORE_TRIES_MAX, what, STORE_TRIES_MAX);
}

static void
verify(struct assay_claims *out, struct assay_checks *checks, const struct assay_evidence *ev,
    const struct assay_appraisal *how)
{
	struct sev s = { .ev = &ev->sev };

	assay_run_start(&s.run, how, checks, out, ev);
	assay_claims_reset(out, ev->tee,
	    (struct assay_bytes){ ev->store, ev->sev.has_report ? SEV_REPORT_SIZE : 0 }, 0);
	/* A report stands without a PDH, which is for making sessions. */
	s.pdh = ev->sev.has_report ? NULL : find_own(&s, SEV_USAGE_PDH);
	s.pek = find_pek(&s);
	if (s.pek == NULL && s.untried == 0)
		assay_check_need(checks, CHECK_SEV_REPORT_SIGNATURE, "PEK", "the platform's",
		    "the PEK certificate was not given");
	if (s.untried == 0)
		find_cek(&s);
	s.oca = s.untried == 0 ? find_signer(&s, SEV_USAGE_OCA, chain_of(&s)) : NULL;
	if (s.untried != 0)
		need_along(&s);
	else {
		check_amd(&s);
		check_oca(&s);
	}
	if (s.pek != NULL)
		check_pek(&s);
	check_pdh(&s);
	if (s.pek != NULL && ev->sev.has_report)
		check_report(&s);
	s.bound.binding = "none";
	if (ev->sev.has_report)
		assay_sev_check_proof(&s.bound, &s.run, ev, s.cek, s.pek);
	else if (ev->proof.key.len > 0)
		assay_check_fail(checks, CHECK_SEV_PROOF_SIGNATURE, ASSAY_E_SIGNATURE,
		    "a proof came along, and no report that it could be over");
	claim(&s);
	if (ev->sev.has_report && ev->proof.key.len == 0)
		check_nonce(&s);
	else if (!ev->sev.has_report && how->report_data.len > 0)
		assay_check_fail(checks, CHECK_EVIDENCE_REPORT_DATA, ASSAY_E_POLICY,
		    "certificates carry no nonce: bring the platform's attestation report");
	assay_run_finish(&s.run, s.anchor);
}

/* --- evidence ----------------------------------------------------------------------------------------------- */

/* A report, with the certificates that a broker puts behind it or without; or certificates. */
static enum assay_code
parse(struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err)
{
	struct sev_evidence *s = &ev->sev;
	size_t at = 0;
	enum assay_code rc = ASSAY_OK;

	s->has_report = assay_sev_report_recognise(assay_bytes_at(in, 0, SEV_REPORT_SIZE));
	s->cert_count = 0;
	if (s->has_report) {
		rc =
		    assay_sev_report_parse(&s->report, assay_bytes_at(in, 0, SEV_REPORT_SIZE), err);
		at = SEV_REPORT_SIZE;
	}
	(void)snprintf(ev->kind, sizeof ev->kind, "%s, %zu bytes",
	    s->has_report ? "attestation report" : "platform certificates", in.len);
	/* One form ends in a byte that names the product; the chain tells, not the byte. */
	size_t end = in.len == EVIDENCE_BROKER + 1 ? in.len - 1 : in.len;
	while (rc == ASSAY_OK && at < end) {
		size_t n = end - at < SEV_CERT_SIZE ? end - at : SEV_CERT_SIZE;
		if (s->cert_count == EVIDENCE_SEV_CERTS_MAX)
			return assay_fail(
			    err, ASSAY_E_FORMAT, "%zu bytes follow the last certificate", end - at);
		rc = assay_sev_cert_parse(
		    &s->certs[s->cert_count], assay_bytes_at(in, at, n), "SEV certificate", err);
		at += n;
		s->cert_count++;
	}
	return rc;
}

static bool
recognise_report(struct assay_bytes in, bool es)
{
	struct assay_bytes report = assay_bytes_at(in, 0, SEV_REPORT_SIZE);

	return (in.len == SEV_REPORT_SIZE || in.len == EVIDENCE_BROKER ||
		   in.len == EVIDENCE_BROKER + 1) &&
	    assay_sev_report_recognise(report) &&
	    ((assay_u32le(report.ptr + 0x30) >> SEV_POLICY_ES & 1) != 0) == es;
}

static bool
recognise_sev_es(struct assay_bytes in)
{
	return recognise_report(in, true);
}

static bool
recognise_sev(struct assay_bytes in)
{
	return recognise_report(in, false) ||
	    (in.len % SEV_CERT_SIZE == 0 &&
		assay_sev_cert_recognise(assay_bytes_at(in, 0, SEV_CERT_SIZE)));
}

/* REPORT_DATA is the nonce of the report, or what a proof holds for. */
static const struct claim_size sizes[] = {
	{ "measurement", 32, 0 },
	{ "report_data", 16, 0 },
	{ "report_data", 64, 0 },
	{ "platform_id", 32, 0 },
	{ "sev.cek_digest", 32, 0 },
	{ "sev.oca_key_digest", 32, 0 },
	{ NULL, 0, 0 },
};

#define SEV_TEE(id, tee_title, tee_recognise)                                                      \
	{                                                                                          \
		.name = id, .title = tee_title, .object = "sev", .fields = sev_report_fields,      \
		.sizes = sizes, .recognise = tee_recognise, .parse = parse, .verify = verify,      \
		.answers = assay_sev_answers, .proof = true,                                       \
	}

const struct assay_tee assay_tee_sev = SEV_TEE("sev", "AMD SEV", recognise_sev);
const struct assay_tee assay_tee_sev_es = SEV_TEE("sev-es", "AMD SEV-ES", recognise_sev_es);
