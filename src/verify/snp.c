/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP. Source: AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT; AMD 57230, VCEK
 * Certificate and KDS Interface. */
#include <string.h>

#include "verify/roots.h"
#include "verify/run.h"

enum { CANDIDATES_MAX = 12 };

enum { KEY_VCEK = 0, KEY_VLEK = 1, KEY_NONE = 7 }; /* KEY_INFO.SIGNING_KEY */

struct snp {
	struct run run;
	const struct assay_evidence *ev;
	const struct snp_report *report;
	bool vlek;
	enum snp_product product;
	const struct x509_cert *leaf;
	bool has_extension;
	struct vcek_extension extension;
	/* The intermediate: a certificate, or a built-in key. */
	const struct x509_cert *ask;
	const struct anchor *builtin_ask;
	const struct anchor *ark;
};

static const char *
leaf_name(const struct snp *s)
{
	return s->vlek ? "VLEK" : "VCEK";
}

/* OU, C, L, ST, O, CN: the order in which AMD writes them. */
static bool
is_amd_name(struct assay_bytes name, const char *cn)
{
	const char *const pairs[] = { "OU", "Engineering", "C", "US", "L", "Santa Clara", "ST",
		"CA", "O", "Advanced Micro Devices", "CN", cn, NULL };

	return assay_x509_name_is(name, pairs);
}

static void
authority_name(char *out, size_t size, const char *prefix, enum snp_product product)
{
	(void)snprintf(out, size, "%s%s", prefix, assay_snp_product_name(product));
}

/* --- finding certificates --------------------------------------------------------------------- */

/* Certificates of the evidence first, then those of the collateral. NULL at the end. */
static const struct x509_cert *
next_cert(const struct snp *s, size_t *at)
{
	if (*at < s->ev->cert_count)
		return &s->ev->certs[(*at)++];
	size_t item_at = *at - s->ev->cert_count;
	const struct item *item = assay_run_next(&s->run, ITEM_CERT, &item_at, NULL);
	*at = s->ev->cert_count + item_at;
	return item != NULL ? &item->cert : NULL;
}

static bool
fits_report(const struct snp *s, const struct vcek_extension *e)
{
	enum snp_product product =
	    s->report->product != SNP_UNKNOWN ? s->report->product : e->product;
	struct snp_tcb tcb = assay_snp_tcb_decode(s->report->reported_tcb, product);

	return e->product == product && memcmp(&e->tcb, &tcb, sizeof tcb) == 0 &&
	    (!e->has_hwid || memcmp(e->hwid, s->report->chip_id, e->hwid_len) == 0);
}

/*
 * The leaf among many (a store holds one per chip and TCB): of the kind that the report names and
 * made for its chip and TCB; else of that kind; else any, so that the checks can say what is wrong
 * with it. Of a store only one that is made for them: the others are there for other chips.
 */
static void
find_leaf(struct snp *s)
{
	const struct x509_cert *cert;
	int best = -1;

	for (size_t at = 0; (cert = next_cert(s, &at)) != NULL;) {
		bool stored = s->run.trust->store && at > s->ev->cert_count;
		struct vcek_extension e;
		struct assay_bytes cn = assay_x509_common_name(cert->subject);
		bool vcek = assay_bytes_equal(cn, assay_bytes_of("SEV-VCEK"));
		bool vlek = assay_bytes_equal(cn, assay_bytes_of("SEV-VLEK"));
		if (!vcek && !vlek)
			continue;
		bool whole = assay_vcek_extension_parse(&e, cert, NULL) == ASSAY_OK;
		bool fits = whole && fits_report(s, &e);
		if (stored && (!fits || vlek != s->vlek))
			continue;
		int score = (vlek == s->vlek ? 2 : 0) + (fits ? 1 : 0);
		if (score > best) {
			best = score;
			s->leaf = cert;
		}
	}
}

static void
need_leaf(struct snp *s)
{
	struct snp_tcb tcb = assay_snp_tcb_decode(s->report->reported_tcb, s->report->product);
	char chip[2 * sizeof s->report->chip_id + 1], which[208];

	/* All that a request to the KDS takes. */
	assay_hex(chip, (struct assay_bytes){ s->report->chip_id, sizeof s->report->chip_id });
	if (s->report->product == SNP_UNKNOWN)
		(void)snprintf(which, sizeof which, "REPORTED_TCB 0x%016llx, chip %s",
		    (unsigned long long)s->report->reported_tcb, chip);
	else
		(void)snprintf(which, sizeof which, "%s, TCB %u.%u.%u.%u.%u, chip %s",
		    assay_snp_product_name(s->report->product), tcb.fmc, tcb.bootloader, tcb.tee,
		    tcb.snp, tcb.microcode, chip);
	assay_check_need(s->run.checks, CHECK_SNP_VCEK_KIND, leaf_name(s), which,
	    "the %s that signed the report was not given", leaf_name(s));
}

/* --- the leaf ----------------------------------------------------------------------------------- */

static void
check_leaf_kind(struct snp *s)
{
	struct assay_bytes cn = assay_x509_common_name(s->leaf->subject);
	const char *want = s->vlek ? "SEV-VLEK" : "SEV-VCEK";
	bool kind = assay_bytes_equal(cn, assay_bytes_of(want));

	assay_check_that(s->run.checks, CHECK_SNP_VCEK_KIND, kind, ASSAY_E_SIGNATURE,
	    "the kind of key that the report names",
	    "KEY_INFO says that a %s signed the report, and the certificate is a %s", leaf_name(s),
	    assay_quote(cn).text);
}

static const char *
leaf_flaw(const struct snp *s)
{
	const struct x509_cert *c = s->leaf;
	char issuer[32];

	authority_name(issuer, sizeof issuer, s->vlek ? "SEV-VLEK-" : "SEV-", s->product);
	if (!is_amd_name(c->issuer, issuer))
		return "it was not issued under the name of the product's ASK (VCEK) or ASVK "
		       "(VLEK)";
	if (!is_amd_name(c->subject, s->vlek ? "SEV-VLEK" : "SEV-VCEK"))
		return "its subject is not AMD's";
	if (c->scheme != ASSAY_RSA_PSS_SHA384)
		return "it is not signed with RSASSA-PSS and SHA-384";
	if (c->key.kind != ASSAY_KEY_P384)
		return "its key is not P-384";
	if (c->ca || (c->has_usage && (c->usage & X509_KEY_CERT_SIGN) != 0))
		return "it is a CA, and an endorsement key is none";
	if (s->vlek ? s->extension.has_hwid || !s->extension.has_csp_id
		    : s->extension.has_csp_id || !s->extension.has_hwid)
		return s->vlek ? "a VLEK has a CSP id and no hwID"
			       : "a VCEK has a hwID and no CSP id";
	return NULL;
}

static void
check_leaf(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	struct assay_error err;

	check_leaf_kind(s);
	enum assay_code rc = assay_vcek_extension_parse(&s->extension, s->leaf, &err);
	s->has_extension = rc == ASSAY_OK;
	if (s->has_extension && s->report->product == SNP_UNKNOWN)
		s->product = s->extension.product; /* a v2 report does not say */
	const char *flaw = s->has_extension ? leaf_flaw(s) : err.text;
	assay_check_that(cs, CHECK_SNP_VCEK_PROFILE, flaw == NULL,
	    s->has_extension ? ASSAY_E_SIGNATURE : rc,
	    "an endorsement key certificate of AMD's form", "%s: %s", leaf_name(s), flaw);
	assay_run_dates(&s->run, CHECK_SNP_VCEK_DATES, s->leaf->not_before, s->leaf->not_after,
	    s->vlek ? "VLEK" : "VCEK");
}

static void
check_tcb_matches(struct snp *s)
{
	const struct snp_tcb got = s->extension.tcb;
	const struct snp_tcb want = assay_snp_tcb_decode(s->report->reported_tcb, s->product);
	const struct {
		const char *name;
		uint8_t got, want;
	} parts[] = { { "FMC", got.fmc, want.fmc },
		{ "boot loader", got.bootloader, want.bootloader }, { "TEE", got.tee, want.tee },
		{ "SNP firmware", got.snp, want.snp },
		{ "microcode", got.microcode, want.microcode } };
	size_t i = 0;

	while (i < 5 && parts[i].got == parts[i].want)
		i++;
	assay_check_that(s->run.checks, CHECK_SNP_VCEK_TCB_MATCHES, i == 5, ASSAY_E_SIGNATURE,
	    "made for the REPORTED_TCB",
	    "%s: made for %s %u, the report's REPORTED_TCB has %u: bring the one "
	    "for that TCB",
	    leaf_name(s), i < 5 ? parts[i].name : "", i < 5 ? parts[i].got : 0U,
	    i < 5 ? parts[i].want : 0U);
}

static void
check_chip_id(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	const struct vcek_extension *e = &s->extension;
	struct assay_bytes chip = { s->report->chip_id, 64 };

	if (s->vlek) {
		assay_check_skip(
		    cs, CHECK_SNP_VCEK_CHIP_ID, "a VLEK belongs to a cloud, not to a chip");
		return;
	}
	if (assay_bytes_zero(chip)) {
		assay_check_warn(
		    cs, CHECK_SNP_VCEK_CHIP_ID, "CHIP_ID is masked: the chip is not named");
		return;
	}
	bool same = memcmp(e->hwid, chip.ptr, e->hwid_len) == 0 &&
	    assay_bytes_zero(assay_bytes_at(chip, e->hwid_len, 64 - e->hwid_len));
	assay_check_that(cs, CHECK_SNP_VCEK_CHIP_ID, same, ASSAY_E_SIGNATURE, "made for this chip",
	    "the VCEK was made for chip %s, the report names %s",
	    assay_quote_hex((struct assay_bytes){ e->hwid, e->hwid_len }).text,
	    assay_quote_hex(chip).text);
}

static void
check_extension(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	const struct vcek_extension *e = &s->extension;

	if (s->report->version < 3 && e->product == SNP_TURIN)
		assay_check_fail(cs, CHECK_SNP_REPORT_PRODUCT, ASSAY_E_UNSUPPORTED,
		    "a v2 report of Turin does not say how its TCB_VERSION is laid out");
	assay_check_that(cs, CHECK_SNP_VCEK_PRODUCT,
	    e->product == s->product && e->product != SNP_UNKNOWN &&
		e->struct_version == (s->product == SNP_TURIN ? 1 : 0),
	    ASSAY_E_SIGNATURE, "made for this product",
	    "%s: made for %s (structure version %u), the report is of %s", leaf_name(s),
	    assay_quote(assay_bytes_of(e->product_name)).text, e->struct_version,
	    assay_snp_product_name(s->product));
	check_tcb_matches(s);
	check_chip_id(s);
}

/* --- the chain above ------------------------------------------------------------------------------ */

static const struct anchor *
builtin(const struct snp *s, enum amd_line line)
{
	for (size_t i = 0; i < s->run.trust->anchor_count; i++) {
		const struct anchor *a = &s->run.trust->anchors[i];
		if (a->amd != NULL && a->amd->product == s->product && a->amd->line == line)
			return a;
	}
	return NULL;
}

/*
 * The intermediate is the one whose key signed the leaf: AMD has replaced one. A certificate that
 * was given comes before the built-in key; when none fits, the first is the one to blame.
 */
static bool
find_ask(struct snp *s)
{
	const struct x509_cert *cert, *first = NULL;
	const struct anchor *own = builtin(s, s->vlek ? AMD_VLEK : AMD_VCEK);
	size_t tried = 0;

	for (size_t at = 0; (cert = next_cert(s, &at)) != NULL && tried < CANDIDATES_MAX;) {
		if (!assay_bytes_equal(cert->subject, s->leaf->issuer) ||
		    cert->key.kind != ASSAY_KEY_RSA)
			continue;
		tried++;
		struct signer by = assay_signer(&s->run, cert->key);
		bool ok = assay_run_cert_signed(&s->run, &by, s->leaf);
		assay_signer_clear(&s->run, &by);
		if (ok) {
			s->ask = cert;
			return true;
		}
		if (first == NULL)
			first = cert;
	}
	if (own != NULL) {
		struct signer by = assay_signer(&s->run, own->key.public);
		if (assay_run_cert_signed(&s->run, &by, s->leaf)) {
			s->builtin_ask = own;
			return true;
		}
	}
	s->ask = first;
	if (first == NULL)
		s->builtin_ask = own;
	return false;
}

static const char *
ask_flaw(const struct snp *s)
{
	const struct x509_cert *c = s->ask;
	char name[32], root[32];

	authority_name(name, sizeof name, s->vlek ? "SEV-VLEK-" : "SEV-", s->product);
	authority_name(root, sizeof root, "ARK-", s->product);
	if (!is_amd_name(c->subject, name))
		return "its name is not that of the product's ASK (for a VCEK) or ASVK (for a "
		       "VLEK)";
	if (!is_amd_name(c->issuer, root))
		return "it was not issued under the name of the product's ARK";
	if (c->scheme != ASSAY_RSA_PSS_SHA384 || c->key.raw.len != 512)
		return "it is not RSA 4096, signed with RSASSA-PSS and SHA-384";
	if (!c->has_basic || !c->ca)
		return "it is not a CA (basicConstraints)";
	if (!c->has_usage || (c->usage & X509_KEY_CERT_SIGN) == 0)
		return "its key usage does not allow signing certificates";
	return NULL;
}

/* Does the intermediate lead to a trusted ARK: AMD's of this product, or one of the caller's? They have
 * one name, and each that is not the one costs an RSA operation: so those that the cache remembers come
 * first. */
static const struct anchor *
find_ark(struct snp *s)
{
	const struct anchor *own = builtin(s, AMD_ROOT);
	const struct assay_trust *t = s->run.trust;
	const size_t count = t->anchor_count + 1;

	for (size_t i = 0; i < 2 * count; i++) {
		size_t n = i % count;
		const struct anchor *a = n == 0 ? own : &t->anchors[n - 1];
		if (a == NULL || (n > 0 && a->builtin) || a->key.public.kind != ASSAY_KEY_RSA ||
		    (!a->builtin && !assay_bytes_equal(a->subject, s->ask->issuer)))
			continue;
		struct signer by = assay_signer(&s->run, a->key.public);
		if (i < count ? assay_run_cert_known(&s->run, a->key.public, s->ask)
			      : assay_run_cert_signed(&s->run, &by, s->ask))
			return a;
	}
	return NULL;
}

/* An ARK that came along and signed the ASK: then the chain is whole, and ends in the wrong root. */
static bool
signed_by_stranger(struct snp *s)
{
	const struct x509_cert *cert;
	size_t tried = 0;

	for (size_t at = 0; (cert = next_cert(s, &at)) != NULL && tried < CANDIDATES_MAX;) {
		if (!assay_bytes_equal(cert->subject, s->ask->issuer) ||
		    cert->key.kind != ASSAY_KEY_RSA)
			continue;
		tried++;
		struct signer by = assay_signer(&s->run, cert->key);
		bool ok = assay_run_cert_signed(&s->run, &by, s->ask);
		assay_signer_clear(&s->run, &by);
		if (ok)
			return true;
	}
	return false;
}

static void
check_given_ask(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	const char *what = s->vlek ? "ASVK certificate" : "ASK certificate";
	const char *flaw = ask_flaw(s);

	assay_check_that(cs, CHECK_SNP_ASK_PROFILE, flaw == NULL, ASSAY_E_SIGNATURE,
	    "an intermediate of the right line", "%s: %s", what, flaw);
	s->ark = find_ark(s);
	bool stranger = s->ark == NULL && signed_by_stranger(s);
	assay_check_that(cs, CHECK_SNP_ASK_SIGNATURE, s->ark != NULL || stranger, ASSAY_E_SIGNATURE,
	    "signed by its ARK", "the %s is not signed by AMD's ARK-%s", what,
	    assay_snp_product_name(s->product));
	assay_run_dates(&s->run, CHECK_SNP_ASK_DATES, s->ask->not_before, s->ask->not_after, what);
	assay_check_that(cs, CHECK_SNP_ARK_PINNED, s->ark != NULL, ASSAY_E_SIGNATURE,
	    "ends in a trusted root key",
	    "the chain ends in a root that is not AMD's ARK-%s, nor one of --trust-root",
	    assay_snp_product_name(s->product));
}

static void
check_chain(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	bool signed_leaf = find_ask(s);

	assay_check_that(cs, CHECK_SNP_VCEK_SIGNATURE, signed_leaf, ASSAY_E_SIGNATURE,
	    s->vlek ? "signed by its ASVK" : "signed by its ASK",
	    "the %s is not signed by %s-%s: it is forged, or its intermediate was not given",
	    leaf_name(s), s->vlek ? "SEV-VLEK" : "SEV", assay_snp_product_name(s->product));
	if (s->ask != NULL)
		check_given_ask(s);
	else if (s->builtin_ask != NULL) {
		const struct anchor *ask = s->builtin_ask;
		s->ark = builtin(s, AMD_ROOT);
		assay_check_pass(cs, CHECK_SNP_ASK_PROFILE, "built in");
		assay_check_pass(cs, CHECK_SNP_ASK_SIGNATURE, "built in");
		assay_run_dates(&s->run, CHECK_SNP_ASK_DATES, ask->not_before, ask->not_after,
		    s->vlek ? "ASVK, built in" : "ASK, built in");
		assay_check_pass(cs, CHECK_SNP_ARK_PINNED, "built in");
	}
	if (s->ark != NULL)
		assay_run_dates(
		    &s->run, CHECK_SNP_ARK_DATES, s->ark->not_before, s->ark->not_after, "ARK");
}

/* --- revocation ------------------------------------------------------------------------------------ */

static void
no_crl(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	const char *product = assay_snp_product_name(s->product);

	if (!s->run.how->require_crl) {
		assay_check_skip(
		    cs, CHECK_SNP_CRL, "revocation: no CRL of ARK-%s was given", product);
		assay_check_set_fix(cs, "bring the CRL of this product and line from AMD's KDS");
		return;
	}
	char which[32];
	authority_name(which, sizeof which, "ARK-", s->product);
	assay_check_need(
	    cs, CHECK_SNP_CRL, "AMD CRL", which, "no CRL of ARK-%s was given", product);
}

static void
check_crl(struct snp *s, struct signer *by, const struct x509_crl *crl)
{
	assay_check_that(s->run.checks, CHECK_SNP_CRL, assay_run_crl_signed(&s->run, by, crl),
	    ASSAY_E_SIGNATURE, "signed by the ARK", "the CRL of ARK-%s is not signed by it",
	    assay_snp_product_name(s->product));
	assay_run_dates(
	    &s->run, CHECK_SNP_CRL_DATES, crl->this_update, crl->next_update, "AMD CRL");
	assay_run_crl_floor(&s->run, CHECK_SNP_CRL_FLOOR, crl);
}

/*
 * An ARK signs two CRLs, of its VCEKs' line and of its VLEKs', and nothing in them tells which is which. So
 * whoever sends evidence could bring the wrong one, in which the ASK is not: what came along revokes, and
 * it never stands for the verifier's own.
 */
static void
check_revocation(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	struct assay_bytes serial = { NULL, 0 }, issuer = { NULL, 0 };
	const struct item *item;
	char name[32];

	if (s->ask != NULL) {
		serial = s->ask->serial;
		issuer = s->ask->issuer;
	} else if (s->builtin_ask != NULL) {
		authority_name(name, sizeof name, "ARK-", s->product);
		serial = (struct assay_bytes){ s->builtin_ask->amd->serial,
			s->builtin_ask->amd->serial_len };
		for (size_t at = 0; issuer.len == 0 &&
		     (item = assay_run_next(&s->run, ITEM_CRL, &at, NULL)) != NULL;)
			if (is_amd_name(item->crl.issuer, name))
				issuer = item->crl.issuer;
	}
	struct signer by = s->ark != NULL ? assay_signer(&s->run, s->ark->key.public)
					  : (struct signer){ .broken = true };
	const struct item *own = assay_run_crl(&s->run, issuer, true);
	bool revoked = assay_run_revoked(&s->run, &by, issuer, serial);

	if (own != NULL)
		check_crl(s, &by, &own->crl);
	else
		no_crl(s);
	if (own != NULL || revoked)
		assay_check_that(cs, CHECK_SNP_ASK_REVOKED, !revoked, ASSAY_E_REVOKED,
		    "not on the ARK's CRL", "the intermediate (serial %s) was revoked by ARK-%s",
		    assay_quote_hex(serial).text, assay_snp_product_name(s->product));
	else if (s->run.how->require_crl)
		assay_check_need(
		    cs, CHECK_SNP_ASK_REVOKED, "", "", "cannot be told without the CRL");
	assay_signer_clear(&s->run, &by);
}

/* --- the report itself ------------------------------------------------------------------------------ */

static bool
at_most(struct snp_tcb a, struct snp_tcb b)
{
	return a.fmc <= b.fmc && a.bootloader <= b.bootloader && a.tee <= b.tee && a.snp <= b.snp &&
	    a.microcode <= b.microcode;
}

static void
check_report(struct snp *s)
{
	const struct snp_report *r = s->report;
	struct assay_checks *cs = s->run.checks;
	unsigned key = r->key_info >> 2 & 7;

	assay_check_that(cs, CHECK_SNP_REPORT_SIGNED,
	    r->signature_algo == 1 && (r->key_info & 2) == 0 &&
		(key == KEY_VCEK || key == KEY_VLEK) && r->key_info >> 5 == 0,
	    ASSAY_E_SIGNATURE, "signed with ECDSA P-384 and SHA-384",
	    "SIGNATURE_ALGO is %u and KEY_INFO 0x%x, want 1, and a VCEK or VLEK that is not masked",
	    r->signature_algo, r->key_info);
	assay_check_that(cs, CHECK_SNP_REPORT_PRODUCT, r->version < 3 || r->product != SNP_UNKNOWN,
	    ASSAY_E_UNSUPPORTED, r->version < 3 ? "named by the certificate (report v2)" : "known",
	    "CPUID family 0x%x, model 0x%x is no product that this version knows", r->cpuid_family,
	    r->cpuid_model);
	assay_check_that(cs, CHECK_SNP_REPORT_POLICY,
	    (r->policy >> SNP_POLICY_RESERVED_ONE & 1) != 0 && r->policy >> 26 == 0, ASSAY_E_FORMAT,
	    "well formed", "POLICY is 0x%llx, want bit 17 set and bits 63:26 clear",
	    (unsigned long long)r->policy);
}

static void
check_order(struct snp *s)
{
	struct snp_tcb committed = assay_snp_tcb_decode(s->report->committed_tcb, s->product);
	struct snp_tcb current = assay_snp_tcb_decode(s->report->current_tcb, s->product);
	struct snp_tcb reported = assay_snp_tcb_decode(s->report->reported_tcb, s->product);

	assay_check_that(s->run.checks, CHECK_SNP_REPORT_TCB_ORDER,
	    at_most(committed, current) && at_most(reported, current), ASSAY_E_FORMAT,
	    "REPORTED and COMMITTED are not above CURRENT",
	    "REPORTED_TCB or COMMITTED_TCB is above CURRENT_TCB, which firmware never reports");
	assay_claim_flag(
	    s->run.claims, CLAIM_SNP_PROVISIONAL_FIRMWARE, !at_most(current, committed));
}

/* Never from the cache. */
static void
check_signature(struct snp *s)
{
	const struct snp_report *r = s->report;

	if (s->leaf == NULL) {
		assay_check_need(s->run.checks, CHECK_SNP_REPORT_SIGNATURE, "", "",
		    "cannot be told without the %s", leaf_name(s));
		return;
	}
	assay_check_that(s->run.checks, CHECK_SNP_REPORT_SIGNATURE,
	    assay_run_verify(&s->run, s->leaf->key, ASSAY_ECDSA_P384_SHA384, r->signed_part,
		(struct assay_bytes){ r->signature, sizeof r->signature }),
	    ASSAY_E_SIGNATURE, s->vlek ? "signed by the VLEK" : "signed by the VCEK",
	    "the report is not signed by this %s: it was changed, or is of another chip",
	    leaf_name(s));
}

/* --- SVSM ---------------------------------------------------------------------------------------------- */

/* Source: AMD 58019, SVSM, SVSM_ATTEST_SERVICES: the GUID of the table, in mixed-endian order. */
static const uint8_t services_guid[16] = { 0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46, 0xa1,
	0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb };
enum { SERVICES_HEAD = 24, SERVICES_ENTRY = 24 };

/* GUID, total size, count; per service GUID, offset, length. */
static bool
is_services_table(struct assay_bytes m)
{
	if (m.len < SERVICES_HEAD || memcmp(m.ptr, services_guid, sizeof services_guid) != 0 ||
	    assay_u32le(m.ptr + 16) != m.len)
		return false;
	uint32_t count = assay_u32le(m.ptr + 20);
	if (count > (m.len - SERVICES_HEAD) / SERVICES_ENTRY)
		return false;
	size_t data = SERVICES_HEAD + (size_t)count * SERVICES_ENTRY;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *e = m.ptr + SERVICES_HEAD + (size_t)i * SERVICES_ENTRY;
		uint32_t at = assay_u32le(e + 16), len = assay_u32le(e + 20);
		if (at < data || at > m.len || len > m.len - at)
			return false;
	}
	return true;
}

/* TPMT_PUBLIC, big-endian: RSA or ECC, and a hash of the SHA-2 family as the name's algorithm. */
static bool
is_public_area(struct assay_bytes m)
{
	enum { SHORTEST = 64 };

	return m.len >= SHORTEST && m.ptr[0] == 0 && (m.ptr[1] == 0x01 || m.ptr[1] == 0x23) &&
	    m.ptr[2] == 0 && m.ptr[3] >= 0x0b && m.ptr[3] <= 0x0d;
}

/*
 * Evidence from a service module, by what the bundle says: whoever holds the bundle may say so. The
 * comparison is then another one, and never both: with a manifest REPORT_DATA must be the hash of all
 * 64 bytes that were asked for and the manifest, so it was made after the nonce either way. Its form
 * and the privilege level keep out hashes that a guest makes for ends of its own.
 */
static void
check_svsm(struct snp *s)
{
	struct assay_checks *cs = s->run.checks;
	struct assay_bytes want = s->run.how->report_data, manifest = s->ev->manifest;
	uint8_t nonce[64] = { 0 }, bound[ASSAY_SHA512_LEN];

	assay_check_that(cs, CHECK_SNP_SVSM_MANIFEST,
	    is_services_table(manifest) || is_public_area(manifest), ASSAY_E_FORMAT,
	    "a table of services, or a vTPM's public area",
	    "the manifest (%zu bytes) is neither a table of services nor the public area of a "
	    "vTPM's key",
	    manifest.len);
	assay_check_that(cs, CHECK_SNP_SVSM_VMPL, s->report->vmpl == 0, ASSAY_E_SIGNATURE,
	    "VMPL 0, the SVSM's",
	    "the report was made for VMPL %u, and an SVSM's is made for VMPL 0", s->report->vmpl);
	if (want.len == 0) {
		assay_check_skip(cs, CHECK_EVIDENCE_REPORT_DATA,
		    "freshness: no nonce or report data was given; without it the manifest is not "
		    "proven either");
		assay_check_set_fix(cs, "give the nonce or the report data that you asked for");
		return;
	}
	memcpy(nonce, want.ptr, want.len <= sizeof nonce ? want.len : sizeof nonce);
	assay_sha512_two(bound, (struct assay_bytes){ nonce, sizeof nonce }, manifest);
	assay_check_that(cs, CHECK_EVIDENCE_REPORT_DATA,
	    want.len <= sizeof nonce && memcmp(bound, s->report->report_data, sizeof bound) == 0,
	    ASSAY_E_POLICY, "SHA-512 of what was asked for and the SVSM's manifest",
	    "is %s, want SHA-512 of what was asked for (64 bytes) and the SVSM's manifest, %s",
	    assay_quote_hex((struct assay_bytes){ s->report->report_data, 64 }).text,
	    assay_quote_hex((struct assay_bytes){ bound, sizeof bound }).text);
}

/* --- claims ------------------------------------------------------------------------------------------ */

static void
claim_tcb(struct assay_claims *c, enum claim first, struct snp_tcb tcb, enum snp_product product)
{
	if (product == SNP_UNKNOWN)
		return;
	if (product == SNP_TURIN)
		assay_claim_number(c, first, tcb.fmc);
	assay_claim_number(c, first + 1, tcb.bootloader);
	assay_claim_number(c, first + 2, tcb.tee);
	assay_claim_number(c, first + 3, tcb.snp);
	assay_claim_number(c, first + 4, tcb.microcode);
}

static void
claim_report(struct snp *s)
{
	struct assay_claims *c = s->run.claims;
	const struct snp_report *r = s->report;
	bool masked = assay_bytes_zero((struct assay_bytes){ r->chip_id, 64 });

	assay_claim_flag(c, CLAIM_DEBUG, (r->policy >> SNP_POLICY_DEBUG & 1) != 0);
	assay_claim_bytes(c, CLAIM_MEASUREMENT, (struct assay_bytes){ r->measurement, 48 });
	if (!assay_bytes_zero((struct assay_bytes){ r->id_key_digest, 48 }))
		assay_claim_bytes(c, CLAIM_SIGNER, (struct assay_bytes){ r->id_key_digest, 48 });
	assay_claim_number(c, CLAIM_SVN, r->guest_svn);
	assay_claim_bytes(c, CLAIM_REPORT_DATA, (struct assay_bytes){ r->report_data, 64 });
	if (!masked)
		assay_claim_bytes(c, CLAIM_PLATFORM_ID, (struct assay_bytes){ r->chip_id, 64 });
	assay_claim_number(c, CLAIM_VMPL, r->vmpl);
	assay_claim_flag(c, CLAIM_SNP_CHIP_ID_MASKED, masked);
	assay_claim_text(c, CLAIM_SNP_CERTIFICATE, leaf_name(s));
}

static void
claim_product(struct snp *s)
{
	struct assay_claims *c = s->run.claims;
	const struct snp_report *r = s->report;

	if (s->product != SNP_UNKNOWN)
		assay_claim_text(c, CLAIM_PLATFORM_PRODUCT, assay_snp_product_name(s->product));
	claim_tcb(c, CLAIM_SNP_REPORTED_TCB, assay_snp_tcb_decode(r->reported_tcb, s->product),
	    s->product);
	claim_tcb(
	    c, CLAIM_SNP_CURRENT_TCB, assay_snp_tcb_decode(r->current_tcb, s->product), s->product);
	claim_tcb(c, CLAIM_SNP_COMMITTED_TCB, assay_snp_tcb_decode(r->committed_tcb, s->product),
	    s->product);
	claim_tcb(
	    c, CLAIM_SNP_LAUNCH_TCB, assay_snp_tcb_decode(r->launch_tcb, s->product), s->product);
	if (!s->has_extension)
		return;
	assay_claim_text(c, CLAIM_SNP_PRODUCT_NAME, s->extension.product_name);
	if (s->extension.has_csp_id)
		assay_claim_text(c, CLAIM_SNP_CSP_ID, s->extension.csp_id);
}

/* REPORTED_TCB against the caller's floor, else the built-in one. Without either, no status. */
static void
claim_floor(struct snp *s)
{
	const struct min_tcb *min = &s->run.trust->min_tcb;
	const struct snp_floor *own = assay_snp_floor(s->product);
	struct assay_claims *c = s->run.claims;
	struct snp_tcb want, got = assay_snp_tcb_decode(s->report->reported_tcb, s->product);
	struct snp_tcb runs = assay_snp_tcb_decode(s->report->current_tcb, s->product);

	if (s->product == SNP_UNKNOWN || (!min->set && own == NULL))
		return;
	want = min->set ? min->tcb : own->tcb;
	const struct {
		const char *name;
		uint8_t got, want, running;
		bool asked;
	} parts[] = {
		{ "FMC", got.fmc, want.fmc, runs.fmc, s->product == SNP_TURIN || min->has_fmc },
		{ "boot loader", got.bootloader, want.bootloader, runs.bootloader, true },
		{ "TEE", got.tee, want.tee, runs.tee, true },
		{ "SNP firmware", got.snp, want.snp, runs.snp, true },
		{ "microcode", got.microcode, want.microcode, runs.microcode, true },
	};
	for (size_t i = 0; i < 5; i++)
		if (parts[i].asked && parts[i].got < parts[i].want)
			assay_claim_short(
			    c, parts[i].name, parts[i].got, parts[i].want, parts[i].running);
	assay_claim_status(c, c->short_count == 0 ? TCB_UP_TO_DATE : TCB_OUT_OF_DATE);
	char source[160];
	(void)snprintf(source, sizeof source, "%s%s%s", min->set ? "--min-tcb" : own->source,
	    min->set ? "" : ", ", min->set ? "" : own->date);
	assay_claim_text(c, CLAIM_TCB_SOURCE, source);
}

static const char *
untold(const struct assay_claims *c, const char **what, const char **which)
{
	if (!assay_claim_has(c, CLAIM_PLATFORM_PRODUCT)) {
		*what = *which = "";
		return "cannot be told without the product, which the certificate names";
	}
	*what = "TCB floor";
	*which = c->values[CLAIM_PLATFORM_PRODUCT].text;
	return "there is no built-in TCB floor for this product; give --min-tcb";
}

/* The words are those of the rule in src/policy/default.policy. */
static void
judge_floor(struct assay_checks *checks, const struct assay_claims *c)
{
	const char *what, *which;
	char parts[160] = "";
	size_t n = 0;

	if (c->status == TCB_NONE) {
		const char *why = untold(c, &what, &which);
		assay_check_need(checks, CHECK_SNP_TCB_FLOOR, what, which, "%s", why);
		return;
	}
	for (size_t i = 0; i < c->short_count && n < sizeof parts; i++)
		n += (size_t)snprintf(parts + n, sizeof parts - n, "%s%s %llu < %llu",
		    n > 0 ? ", " : "", c->shorts[i].part, (unsigned long long)c->shorts[i].got,
		    (unsigned long long)c->shorts[i].want);
	assay_check_that(checks, CHECK_SNP_TCB_FLOOR, c->status == TCB_UP_TO_DATE, ASSAY_E_POLICY,
	    "REPORTED_TCB is not below the floor", "%s", parts);
}

static void
verify(struct assay_claims *out, struct assay_checks *checks, const struct assay_evidence *ev,
    const struct assay_appraisal *how)
{
	struct snp s = { .ev = ev,
		.report = &ev->snp,
		.product = ev->snp.product,
		.vlek = (ev->snp.key_info >> 2 & 7) == KEY_VLEK };

	assay_run_start(&s.run, how, checks, out, ev);
	assay_claims_reset(
	    out, ev->tee, (struct assay_bytes){ ev->store, SNP_REPORT_SIZE }, s.report->version);
	claim_report(&s);
	check_report(&s);
	if (ev->cert_error.code != ASSAY_OK)
		assay_check_warn(checks, CHECK_SNP_VCEK_PROFILE,
		    "a certificate that came with the report was passed over: %s",
		    ev->cert_error.text);
	find_leaf(&s);
	if (s.leaf == NULL)
		need_leaf(&s);
	else {
		check_leaf(&s);
		check_chain(&s);
		check_revocation(&s);
		if (s.has_extension)
			check_extension(&s);
	}
	check_order(&s);
	check_signature(&s);
	claim_product(&s);
	claim_floor(&s);
	/* A floor that the caller names binds under every policy; the built-in one is default's. */
	if (s.run.trust->min_tcb.set)
		judge_floor(checks, out);
	bool masked = assay_bytes_zero((struct assay_bytes){ s.report->chip_id, 64 });
	const struct platform_id id = { PLATFORM_CHIP_ID, { s.report->chip_id, masked ? 0 : 64 } };
	assay_run_platform(&s.run, &id, 1);
	if (ev->manifest.len > 0)
		check_svsm(&s);
	else
		assay_run_report_data(&s.run, (struct assay_bytes){ s.report->report_data, 64 });
	assay_run_finish(&s.run, s.ark);
}

/* --- evidence ------------------------------------------------------------------------------------------ */

static enum assay_code
parse(struct assay_evidence *ev, struct assay_bytes in, struct assay_error *err)
{
	struct cert_table table = { .count = 0 };
	struct assay_bytes behind = assay_bytes_at(in, SNP_REPORT_SIZE, in.len - SNP_REPORT_SIZE);
	enum assay_code rc =
	    assay_snp_report_parse(&ev->snp, assay_bytes_at(in, 0, SNP_REPORT_SIZE), err);

	if (rc == ASSAY_OK && behind.len > 0) {
		if (!assay_cert_table_recognise(behind))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "snp report: is %zu bytes, want %d; what follows the report is no "
			    "certificate table",
			    in.len, SNP_REPORT_SIZE);
		rc = assay_cert_table_parse(&table, behind, err);
	}
	if (rc != ASSAY_OK)
		return rc;
	(void)snprintf(ev->kind, sizeof ev->kind, "report v%u, %zu bytes", ev->snp.version, in.len);
	struct assay_bytes spans[CERT_TABLE_MAX];
	size_t count = 0;
	for (size_t i = 0; i < table.count; i++)
		if (table.entries[i].kind != CERT_TABLE_OTHER)
			spans[count++] = table.entries[i].data;
	return assay_evidence_take_certs(ev, behind, spans, count, "certificate table", err);
}

static bool
answers(const struct assay_evidence *ev, const uint8_t *report_data)
{
	uint8_t bound[ASSAY_SHA512_LEN];

	if (ev->manifest.len > 0) {
		assay_sha512_two(bound, (struct assay_bytes){ report_data, ASSAY_REPORT_DATA_SIZE },
		    ev->manifest);
		report_data = bound;
	}
	return memcmp(ev->snp.report_data, report_data, ASSAY_REPORT_DATA_SIZE) == 0;
}

/* Turin's chip id has 8 bytes in its certificate and in KDS. */
static const struct claim_size sizes[] = {
	{ "measurement", 48, 0 },
	{ "signer", 48, 0 },
	{ "report_data", 64, 0 },
	{ "platform_id", 64, 8 },
	{ "snp.chip_id", 64, 8 },
	{ NULL, 0, 0 },
};

const struct assay_tee assay_tee_snp = {
	.name = "snp",
	.title = "AMD SEV-SNP",
	.object = "snp",
	.provider = "sev_guest",
	.fields = snp_report_fields,
	.sizes = sizes,
	.recognise = assay_snp_report_recognise,
	.parse = parse,
	.verify = verify,
	.answers = answers,
	.bare_size = SNP_REPORT_SIZE,
	.services = true,
	.untold = untold,
};
