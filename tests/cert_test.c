/* SPDX-License-Identifier: Apache-2.0 */
/* Attested certificates: as they are made here, as others make them, and as attackers would. The
 * certificates are written by OpenSSL alone, the evidence by the simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <assay/assay.h>

#include "alloc.h"
#include "core/core.h"
#include "crypto/crypto.h"
#include "platforms/platforms.h"
#include "platforms/sev_proof.h"
#include "vectors.h"

enum { NOW = 1795219200 /* 2026-11-21 */, ROOM = 64 * 1024, DAY = 86400 };

#define DICE      "2.23.133.5.4.9"
#define DICE_MORE "2.23.133.5.4.2"
#define CMW       "1.3.6.1.5.5.7.1.35"
#define GRAMINE   "0.6.9.42.840.113741.1337.6"
#define GRAMINE_2 "1.2.840.113741.1337.6"
#define INTEL     "1.2.840.113741.1.13.1"
#define OE        "1.3.6.1.4.1.311.105.2"
#define OE_OLD    "1.2.840.113556.10.1.1"
#define ENARX     "1.3.6.1.4.1.58270.1."

static struct sim *sim;
static struct assay_bytes none;

static struct assay_bytes
bytes_of(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static struct sim_bytes
lent(struct assay_bytes b)
{
	return sim_copy(sim, b.ptr, b.len);
}

static struct sim_bytes
hex(const char *text)
{
	size_t n = strlen(text) / 2;
	uint8_t *out = sim_alloc(sim, n + 1);

	assert_true(assay_unhex(out, n, assay_bytes_of(text)));
	return (struct sim_bytes){ out, n };
}

/* --- keys and certificates ---------------------------------------------------------------- */

struct pair {
	EVP_PKEY *key;
	struct assay_jwk *jwk;
	struct sim_bytes spki;
};
enum { ALICE, MALLORY, P384, ED25519, RSA_KEY, RSA_E3, PAIRS };
static struct pair pairs[PAIRS];

static void
make_pair(struct pair *p, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	char *pem;

	assert_non_null(key);
	p->key = key;
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	size_t n = (size_t)BIO_get_mem_data(bio, &pem);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		assert_int_equal(assay_jwk_parse_pem(&p->jwk,
				     (struct assay_bytes){ (uint8_t *)pem, n }, NULL, NULL),
		    ASSAY_OK);
	BIO_free(bio);
	int len = i2d_PUBKEY(key, &der);
	p->spki = sim_copy(sim, der, (size_t)len);
	OPENSSL_free(der);
}

struct extension {
	const char *oid;
	struct sim_bytes value;
	bool critical;
};
struct spec {
	int key, signer; /* of pairs */
	struct extension with[4];
	int64_t since, until; /* 0: a day around now */
	const EVP_MD *md;
};

static struct assay_bytes
write_certificate(const struct spec *s)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	unsigned char *der = NULL;
	bool pure = s->signer == ED25519;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)"peer", -1, -1, 0);
	X509_set_issuer_name(x, name);
	ASN1_TIME_set(X509_getm_notBefore(x), s->since != 0 ? s->since : NOW - DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), s->until != 0 ? s->until : NOW + DAY);
	X509_set_pubkey(x, pairs[s->key].key);
	for (size_t i = 0; i < 4 && s->with[i].oid != NULL; i++) {
		ASN1_OBJECT *id = OBJ_txt2obj(s->with[i].oid, 1);
		ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
		ASN1_OCTET_STRING_set(octets, s->with[i].value.ptr, (int)s->with[i].value.len);
		X509_EXTENSION *e =
		    X509_EXTENSION_create_by_OBJ(NULL, id, s->with[i].critical, octets);
		assert_int_equal(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
		ASN1_OCTET_STRING_free(octets);
		ASN1_OBJECT_free(id);
	}
	const EVP_MD *md = s->md != NULL ? s->md : EVP_sha256();
	assert_true(X509_sign(x, pairs[s->signer].key, pure ? NULL : md) > 0);
	int len = i2d_X509(x, &der);
	X509_free(x);
	struct sim_bytes kept = sim_copy(sim, der, (size_t)len);
	OPENSSL_free(der);
	return bytes_of(kept);
}

/* --- CBOR --------------------------------------------------------------------------------- */

static struct sim_bytes
head(unsigned major, size_t n)
{
	struct sim_buf b = { .sim = sim };
	uint8_t first = (uint8_t)(major << 5);

	if (n < 24) {
		sim_put(&b, (uint8_t[]){ (uint8_t)(first | n) }, 1);
	} else if (n < 0x100) {
		sim_put(&b, (uint8_t[]){ first | 24, (uint8_t)n }, 2);
	} else {
		sim_put(&b, (uint8_t[]){ first | 25, (uint8_t)(n >> 8), (uint8_t)n }, 3);
	}
	return sim_taken(&b);
}

static struct sim_bytes
octets(struct sim_bytes b)
{
	return sim_join(sim, head(2, b.len), b);
}

static struct sim_bytes
text(const char *t)
{
	return sim_join(sim, head(3, strlen(t)), sim_text(sim, t));
}

/* [ alg, hash over the key ] */
static struct sim_bytes
hash_entry(unsigned alg, unsigned by, int key)
{
	struct assay_bytes spki = bytes_of(pairs[key].spki);
	uint8_t hash[64];

	if (by == 1)
		assay_sha256(hash, spki);
	else if (by == 7)
		assay_sha384(hash, spki);
	else
		assay_sha512(hash, spki);
	struct sim_bytes h = sim_copy(sim, hash, by == 1 ? 32 : by == 7 ? 48 : 64);
	return sim_join(sim, sim_join(sim, head(4, 2), head(0, alg)), octets(h));
}

static struct sim_bytes
member(const char *name, struct sim_bytes value)
{
	return sim_join(sim, text(name), octets(value));
}

static struct sim_bytes
map_of(size_t n, struct sim_bytes members)
{
	return sim_join(sim, head(5, n), members);
}

static struct sim_bytes
plain_claims(int key)
{
	return map_of(1, member("pubkey-hash", hash_entry(1, 1, key)));
}

static struct sim_bytes
tagged(unsigned tag, struct sim_bytes inner)
{
	struct sim_buf b = { .sim = sim };

	if (tag < 0x10000)
		sim_put(&b, (uint8_t[]){ 0xd9, (uint8_t)(tag >> 8), (uint8_t)tag }, 3);
	else
		sim_put(&b,
		    (uint8_t[]){ 0xda, 0, (uint8_t)(tag >> 16), (uint8_t)(tag >> 8), (uint8_t)tag },
		    5);
	sim_put_bytes(&b, inner);
	return sim_taken(&b);
}

static struct sim_bytes
dice(struct sim_bytes quote, struct sim_bytes claims)
{
	return tagged(
	    60000, sim_join(sim, head(4, 2), sim_join(sim, octets(quote), octets(claims))));
}

static struct sim_bytes
der_octets(uint8_t tag, struct sim_bytes b)
{
	struct sim_buf out = { .sim = sim };

	if (b.len < 0x80)
		sim_put(&out, (uint8_t[]){ tag, (uint8_t)b.len }, 2);
	else
		sim_put(&out, (uint8_t[]){ tag, 0x82, (uint8_t)(b.len >> 8), (uint8_t)b.len }, 4);
	sim_put_bytes(&out, b);
	return sim_taken(&out);
}

/* --- evidence ----------------------------------------------------------------------------- */

enum tee { TDX, SGX, SNP };
static struct assay_trust *trusts[3];
static struct sim_output outputs[3];

static struct sim_bytes
evidence(enum tee tee, const uint8_t data[64], bool first)
{
	struct sim_output out = { .item_count = 0 };

	if (tee == SNP) {
		static struct sim_snp fresh;
		if (first) {
			sim_snp_new(&fresh, sim, SIM_MILAN, 3, false, NOW, 30 * SIM_DAY);
			fresh.table = true;
		}
		struct sim_snp p = fresh;
		memcpy(p.report.report_data, data, 64);
		sim_snp_write(&p, &out);
	} else {
		static struct sim_dcap fresh[2];
		if (first)
			sim_dcap_new(&fresh[tee], sim, tee == TDX, tee == TDX ? 4 : 3, 0, true, NOW,
			    30 * SIM_DAY);
		struct sim_dcap p = fresh[tee];
		memcpy(tee == TDX ? p.td.report_data : p.enclave.report_data, data, 64);
		sim_dcap_write(&p, &out);
	}
	if (first)
		outputs[tee] = out;
	return out.evidence;
}

/* Evidence with the hash of something. */
static struct sim_bytes
about(enum tee tee, struct sim_bytes what)
{
	uint8_t data[64] = { 0 };

	assay_sha256(data, bytes_of(what));
	return evidence(tee, data, false);
}

/* A certificate's worth of it, in the form that is made here. */
static struct sim_bytes
for_request(enum tee tee, const struct assay_cert_request *request)
{
	static const char *const names[] = { "tdx", "sgx", "snp" };
	uint8_t data[ASSAY_REPORT_DATA_SIZE];

	assert_int_equal(assay_cert_report_data(data, names[tee], request, NULL), ASSAY_OK);
	return evidence(tee, data, false);
}

static struct assay_bytes
make(enum tee tee, int key, struct assay_bytes nonce)
{
	const struct assay_cert_request request = { .key = pairs[key].jwk,
		.nonce = nonce,
		.not_before = NOW - DAY,
		.not_after = NOW + DAY };
	struct sim_bytes ev = for_request(tee, &request);
	struct assay_error err = { .text = "" };
	uint8_t *der = NULL;
	size_t len = 0;

	if (assay_cert_make(&der, &len, &request, bytes_of(ev), &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	struct sim_bytes kept = sim_copy(sim, der, len);
	free(der);
	return bytes_of(kept);
}

/* The value of the evidence extension of a certificate that was made. */
static struct sim_bytes
value_of(struct assay_bytes cert, const char *oid)
{
	const unsigned char *at = cert.ptr;
	X509 *x = d2i_X509(NULL, &at, (long)cert.len);
	ASN1_OBJECT *id = OBJ_txt2obj(oid, 1);
	int i = X509_get_ext_by_OBJ(x, id, -1);

	assert_true(i >= 0);
	const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(X509_get_ext(x, i));
	struct sim_bytes kept =
	    sim_copy(sim, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	ASN1_OBJECT_free(id);
	X509_free(x);
	return kept;
}

/* --- judging ------------------------------------------------------------------------------ */

/* What a verifier of legacy SEV knows besides. */
static struct assay_launch *record;

/* Which checks of certificates were the only ones to refuse one. */
static char alone[512];

/* The ids of the rows that failed, in their order, and the words of the first. */
struct found {
	enum assay_code code;
	char failed[256], words[256];
	bool fresh, claimed;
};

static void
remember(const char *failed)
{
	size_t n = strlen(alone);

	if (strncmp(failed, "cert.", 5) == 0 && strchr(failed, ' ') == NULL &&
	    strstr(alone, failed) == NULL)
		snprintf(alone + n, sizeof alone - n, " %s", failed);
}

static void
judge_at(struct found *f, struct assay_bytes cert, struct assay_bytes nonce,
    const struct assay_trust *trust, int64_t now)
{
	const struct assay_launch *const launches[] = { record };
	const struct assay_appraisal how = {
		.trust = trust, .now = now, .launches = launches, .launch_count = record != NULL
	};
	struct assay_error err = { .text = "" };
	struct assay_cert *c = NULL;
	struct assay_claims *claims = NULL;
	struct assay_checks *checks = NULL;

	*f = (struct found){ .fresh = false };
	assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
	f->code = assay_cert_parse(&c, cert, &err);
	if (f->code != ASSAY_OK) {
		snprintf(f->failed, sizeof f->failed, "parse");
		snprintf(f->words, sizeof f->words, "%s", err.text);
		goto out;
	}
	f->code = assay_cert_verify(&claims, checks, c, nonce, &how, &err);
	if (f->code != ASSAY_OK && assay_checks_verdict(checks) != f->code)
		fail_msg("verdict and rows differ: %s", err.text);
	f->claimed = claims != NULL;
	for (size_t i = 0; i < assay_checks_count(checks); i++) {
		const char *id = assay_check_id(checks, i);
		if (strcmp(id, "cert.nonce") == 0)
			f->fresh = assay_check_outcome(checks, i) == ASSAY_PASS;
		if (assay_check_outcome(checks, i) != ASSAY_FAIL)
			continue;
		size_t n = strlen(f->failed);
		snprintf(f->failed + n, sizeof f->failed - n, "%s%s", n > 0 ? " " : "", id);
		if (n == 0)
			snprintf(f->words, sizeof f->words, "%s", assay_check_detail(checks, i));
	}
	remember(f->failed);
out:
	assay_cert_free(c);
	assay_claims_free(claims);
	assay_checks_free(checks);
}

static void
expect(enum tee tee, const char *name, struct assay_bytes cert, struct assay_bytes nonce,
    enum assay_code code, const char *failed, const char *words)
{
	struct found f;

	judge_at(&f, cert, nonce, trusts[tee], NOW);
	if (f.code != code || strcmp(f.failed, failed) != 0 || strstr(f.words, words) == NULL)
		fail_msg("%s: code %d, failed \"%s\" (%s); want code %d, \"%s\" (%s)", name, f.code,
		    f.failed, f.words, code, failed, words);
}

static void
expect_spec(enum tee tee, const char *name, const struct spec *s, enum assay_code code,
    const char *failed, const char *words)
{
	expect(tee, name, write_certificate(s), none, code, failed, words);
}

/* --- as they are made --------------------------------------------------------------------- */

static const uint8_t nonce_bytes[] = "sixteen bytes...";

static void
test_made(void **state)
{
	static const int keys[] = { ALICE, P384, ED25519 };
	const struct assay_bytes nonce = { nonce_bytes, 16 };
	const struct assay_bytes other = { nonce_bytes, 15 };
	(void)state;

	for (enum tee tee = TDX; tee <= SNP; tee++)
		for (size_t i = 0; i < 3; i++) {
			struct found f;
			expect(tee, "plain", make(tee, keys[i], none), none, ASSAY_OK, "", "");
			struct assay_bytes with = make(tee, keys[i], nonce);
			expect(tee, "with its nonce", with, nonce, ASSAY_OK, "", "");
			judge_at(&f, with, nonce, trusts[tee], NOW);
			assert_true(f.fresh);
			if (tee == SNP)
				expect(tee, "without its nonce", with, none, ASSAY_E_POLICY,
				    "evidence.report_data cert.binding", "");
			else
				expect(tee, "nonce not asked for", with, none, ASSAY_OK, "", "");
			expect(tee, "another nonce", with, other, ASSAY_E_POLICY,
			    tee == SNP ? "evidence.report_data cert.binding cert.nonce"
				       : "cert.nonce",
			    tee == SNP ? "" : "made for another nonce than");
			expect(tee, "no nonce in it", make(tee, keys[i], none), nonce,
			    ASSAY_E_POLICY, "cert.nonce", "made without a nonce");
		}
}

static void
test_dates(void **state)
{
	struct assay_bytes cert = make(TDX, ALICE, none);
	struct found f;
	(void)state;

	judge_at(&f, cert, none, trusts[TDX], NOW + DAY);
	assert_int_equal(f.code, ASSAY_OK);
	judge_at(&f, cert, none, trusts[TDX], NOW + DAY + 1);
	assert_int_equal(f.code, ASSAY_E_EXPIRED);
	assert_string_equal(f.failed, "cert.dates");
	assert_non_null(strstr(f.words, "has ended at 2026-11-22T00:00:00Z"));
	const struct spec future = { .since = NOW + 60,
		.with = { { DICE, value_of(cert, DICE) } } };
	expect_spec(TDX, "not yet", &future, ASSAY_E_EXPIRED, "cert.dates", "is valid only from");
	/* Issuers write what they like; 2001 to 2049 and beyond are all dates. */
	const struct spec ages = {
		.since = 978307200, .until = 4102444799, .with = { { DICE, value_of(cert, DICE) } }
	};
	expect_spec(TDX, "decades", &ages, ASSAY_OK, "", "");
}

/* --- by their attackers ------------------------------------------------------------------- */

static void
test_keys_swapped(void **state)
{
	(void)state;
	for (enum tee tee = TDX; tee <= SNP; tee++) {
		const char *oid = tee == SNP ? CMW : DICE;
		const struct spec s = { .key = MALLORY,
			.signer = MALLORY,
			.with = { { oid, value_of(make(tee, ALICE, none), oid) } } };
		expect_spec(tee, "evidence of another key", &s,
		    tee == SNP ? ASSAY_E_POLICY : ASSAY_E_SIGNATURE,
		    tee == SNP ? "evidence.report_data cert.binding" : "cert.binding",
		    tee == SNP ? "" : "the evidence names another key");
		const struct spec ca = { .key = ALICE,
			.signer = MALLORY,
			.with = { { oid, value_of(make(tee, ALICE, none), oid) } } };
		expect_spec(tee, "issued by a CA", &ca, ASSAY_E_SIGNATURE, "cert.signature",
		    "not signed with the key that it names");
		const struct spec rsa = { .key = ALICE,
			.signer = RSA_KEY,
			.with = { { oid, value_of(make(tee, ALICE, none), oid) } } };
		expect_spec(tee, "issued by an RSA CA", &rsa, ASSAY_E_SIGNATURE, "cert.signature",
		    "does not go with its key");
	}
	/* His own claims buffer beside Alice's quote. */
	struct sim_bytes quote = about(TDX, plain_claims(ALICE));
	const struct spec s = { .key = MALLORY,
		.signer = MALLORY,
		.with = { { DICE, dice(quote, plain_claims(MALLORY)) } } };
	expect_spec(TDX, "a claims buffer of one's own", &s, ASSAY_E_POLICY,
	    "evidence.report_data cert.binding", "is ");
	/* What it says of a nonce proves as little. */
	struct sim_bytes nonce = sim_copy(sim, nonce_bytes, 16);
	struct sim_bytes members =
	    sim_join(sim, member("pubkey-hash", hash_entry(1, 1, MALLORY)), member("nonce", nonce));
	const struct spec fresh = { .key = MALLORY,
		.signer = MALLORY,
		.with = { { DICE, dice(quote, map_of(2, members)) } } };
	expect(TDX, "a nonce of one's own", write_certificate(&fresh), bytes_of(nonce),
	    ASSAY_E_POLICY, "evidence.report_data cert.binding cert.nonce", "is ");
}

static void
test_extensions(void **state)
{
	struct sim_bytes good = value_of(make(TDX, ALICE, none), DICE);
	struct sim_bytes snp = value_of(make(SNP, ALICE, none), CMW);
	struct sim_bytes raw = about(SGX, pairs[ALICE].spki);
	(void)state;

	const struct spec stripped = { .with = { { "2.5.29.19", hex("3000"), true } } };
	expect_spec(TDX, "stripped", &stripped, ASSAY_E_FORMAT, "cert.extension",
	    "lacks the DICE (2.23.133.5.4.9) or the CMW extension (1.3.6.1.5.5.7.1.35)");
	const struct spec bare = { .key = ALICE };
	expect_spec(TDX, "no extension at all", &bare, ASSAY_E_FORMAT, "cert.extension",
	    "there is no evidence in it");
	const struct spec twice = { .with = { { DICE, good }, { DICE, good } } };
	expect_spec(TDX, "DICE twice", &twice, ASSAY_E_FORMAT, "cert.extension", "stands twice");
	const struct spec cmws = { .with = { { CMW, snp }, { CMW, snp } } };
	expect_spec(SNP, "CMW twice", &cmws, ASSAY_E_FORMAT, "cert.extension", "stands twice");
	const struct spec others = { .with = {
					 { DICE, good }, { "1.2.3.4", snp }, { "1.2.3.4", snp } } };
	expect_spec(
	    TDX, "another one twice", &others, ASSAY_E_FORMAT, "cert.extension", "stands twice");
	const struct spec legacies = { .with = { { GRAMINE, raw }, { GRAMINE_2, raw } } };
	expect_spec(SGX, "Gramine by both numbers", &legacies, ASSAY_E_FORMAT, "cert.extension",
	    "two extensions with a Gramine quote");
	const struct spec critical = { .with = { { DICE, good }, { "1.2.3.4", good, true } } };
	expect_spec(
	    TDX, "unknown and critical", &critical, ASSAY_E_UNSUPPORTED, "parse", "is critical");
	const struct spec marked = { .with = { { DICE, good, true } } };
	expect_spec(TDX, "critical itself", &marked, ASSAY_OK, "", "");
	const struct spec usual = { .with = { { DICE, good },
					{ "2.5.29.15", hex("03020780"), true },
					{ "1.2.3.4", good } } };
	expect_spec(TDX, "others beside it", &usual, ASSAY_OK, "", "");
}

/* What is strongest decides, however good the weaker ones are. */
static void
test_no_fall_back(void **state)
{
	struct sim_bytes raw = about(SGX, pairs[ALICE].spki);
	struct sim_bytes good = dice(about(SGX, plain_claims(ALICE)), plain_claims(ALICE));
	struct sim_bytes other = dice(about(SGX, plain_claims(MALLORY)), plain_claims(MALLORY));
	(void)state;

	const struct spec both = { .with = { { GRAMINE, raw }, { DICE, good } } };
	expect_spec(SGX, "both good", &both, ASSAY_OK, "", "");
	const struct spec bad = { .with = { { GRAMINE, raw }, { DICE, hex("d9ea6080") } } };
	expect_spec(SGX, "DICE broken", &bad, ASSAY_E_FORMAT, "cert.extension", "0 elements");
	const struct spec empty = { .with = { { GRAMINE, raw }, { DICE, { NULL, 0 } } } };
	expect_spec(SGX, "DICE empty", &empty, ASSAY_E_FORMAT, "cert.extension", "cut short");
	const struct spec foreign = { .with = { { GRAMINE, raw }, { DICE, other } } };
	expect_spec(SGX, "DICE of another", &foreign, ASSAY_E_SIGNATURE, "cert.binding",
	    "names another key");
	const struct spec cmw = { .with = { { GRAMINE, raw }, { CMW, hex("0401a0") } } };
	expect_spec(SGX, "CMW empty", &cmw, ASSAY_E_FORMAT, "evidence.format", "");
	const struct spec oe = { .with = { { INTEL, raw }, { OE, raw } } };
	expect_spec(SGX, "Open Enclave before Intel", &oe, ASSAY_E_UNSUPPORTED, "cert.extension",
	    "cannot be verified by this version");
}

static void
test_claims_buffers(void **state)
{
	struct sim_bytes entry = hash_entry(1, 1, ALICE), user = member("more", hex("00"));
	struct sim_bytes key = member("pubkey-hash", entry), nonce = member("nonce", hex("00"));
	struct sim_bytes broken = sim_join(sim, sim_copy(sim, entry.ptr, 4), hex("00"));
	const struct {
		const char *name;
		struct sim_bytes claims;
		const char *words; /* NULL: accepted */
	} cases[] = {
		{ "SHA-384", map_of(1, member("pubkey-hash", hash_entry(7, 7, ALICE))), NULL },
		{ "SHA-512", map_of(1, member("pubkey-hash", hash_entry(8, 8, ALICE))), NULL },
		{ "the user's own", map_of(2, sim_join(sim, user, key)), NULL },
		{ "no key", map_of(1, user), "has no member pubkey-hash" },
		{ "empty", map_of(0, hex("")), "has no member pubkey-hash" },
		{ "the key twice", map_of(2, sim_join(sim, key, key)), "has two members" },
		{ "the nonce twice", map_of(3, sim_join(sim, key, sim_join(sim, nonce, nonce))),
		    "has two members" },
		{ "algorithm unknown", map_of(1, member("pubkey-hash", hash_entry(2, 1, ALICE))),
		    "of algorithm 2" },
		{ "algorithm of another length",
		    map_of(1, member("pubkey-hash", hash_entry(7, 1, ALICE))),
		    "is 32 bytes, want 48" },
		{ "hash cut short", map_of(1, member("pubkey-hash", broken)), "pubkey-hash" },
		{ "bytes behind the hash",
		    map_of(1, member("pubkey-hash", sim_join(sim, entry, hex("00")))),
		    "pubkey-hash: 1 bytes follow" },
		{ "bytes behind the map", sim_join(sim, map_of(1, key), hex("00")),
		    "claims buffer: 1 bytes follow" },
		{ "no map", octets(key), "want a map of definite length" },
		{ "indefinite", sim_join(sim, hex("bf"), sim_join(sim, key, hex("ff"))),
		    "want a map of definite length" },
		{ "a claim that is no bytes", map_of(2, sim_join(sim, key, hex("616105"))),
		    "want a claim, in bytes" },
		{ "a number for a name", map_of(2, sim_join(sim, key, hex("054100"))),
		    "want the name of a claim" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct spec s = {
			.with = { { DICE, dice(about(TDX, cases[i].claims), cases[i].claims) } }
		};
		if (cases[i].words == NULL)
			expect_spec(TDX, cases[i].name, &s, ASSAY_OK, "", "");
		else
			expect_spec(TDX, cases[i].name, &s,
			    strcmp(cases[i].name, "algorithm unknown") == 0 ? ASSAY_E_UNSUPPORTED
									    : ASSAY_E_FORMAT,
			    "cert.extension", cases[i].words);
	}
}

static void
test_frames(void **state)
{
	struct sim_bytes claims = plain_claims(ALICE), quote = about(TDX, claims);
	struct sim_bytes good = dice(quote, claims);
	struct sim_bytes two = sim_join(sim, octets(quote), octets(claims));
	const struct {
		const char *name;
		struct sim_bytes value;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "bytes behind", sim_join(sim, good, hex("00")), ASSAY_E_FORMAT,
		    "1 bytes follow its end" },
		{ "no tag", sim_join(sim, head(4, 2), two), ASSAY_E_FORMAT, "want the tag" },
		{ "a local report", tagged(60001, sim_join(sim, head(4, 2), two)),
		    ASSAY_E_UNSUPPORTED, "a local report (tag 60001)" },
		{ "an old local report", tagged(60002, sim_join(sim, head(4, 2), two)),
		    ASSAY_E_UNSUPPORTED, "a local report (tag 60002)" },
		{ "librats, SNP", tagged(0x1a7504, sim_join(sim, head(4, 2), two)),
		    ASSAY_E_UNSUPPORTED, "of tag 1733892" },
		{ "three",
		    tagged(60000, sim_join(sim, head(4, 3), sim_join(sim, two, octets(quote)))),
		    ASSAY_E_FORMAT, "has 3 elements" },
		{ "indefinite",
		    tagged(60000, sim_join(sim, hex("9f"), sim_join(sim, two, hex("ff")))),
		    ASSAY_E_FORMAT, "want an array of definite length" },
		{ "a text for the quote",
		    tagged(
			60000, sim_join(sim, head(4, 2), sim_join(sim, text("q"), octets(claims)))),
		    ASSAY_E_FORMAT, "want a quote" },
		{ "no quote", dice(hex("00112233"), claims), ASSAY_E_FORMAT,
		    "are no quote of SGX or TDX" },
		{ "a quote in hex", dice(sim_text(sim, "0400020081000000"), claims), ASSAY_E_FORMAT,
		    "are no quote of SGX or TDX" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct spec s = { .with = { { DICE, cases[i].value } } };
		expect_spec(
		    TDX, cases[i].name, &s, cases[i].code, "cert.extension", cases[i].words);
	}
	struct sim_bytes cut = sim_copy(sim, quote.ptr, quote.len - 1);
	const struct spec s = { .with = { { DICE, dice(cut, claims) } } };
	expect_spec(TDX, "a quote cut short", &s, ASSAY_E_FORMAT, "evidence.format", "");
	/* All 64 bytes are compared. */
	for (size_t at = 0; at < 64; at += 9) {
		uint8_t data[64] = { 0 };
		assay_sha256(data, bytes_of(claims));
		data[at] ^= 1;
		const struct spec tail = {
			.with = { { DICE, dice(evidence(TDX, data, false), claims) } }
		};
		expect_spec(TDX, "report data", &tail, ASSAY_E_POLICY,
		    "evidence.report_data cert.binding", "is ");
	}
}

static void
test_cmw(void **state)
{
	struct sim_bytes good = value_of(make(SNP, ALICE, none), CMW);
	struct sim_bytes bundle = sim_copy(sim, good.ptr + 4, good.len - 4);
	const struct {
		const char *name;
		struct sim_bytes value;
		const char *words;
	} cases[] = {
		{ "bytes behind", sim_join(sim, good, hex("00")), "alone" },
		{ "no octets", sim_join(sim, hex("30"), sim_copy(sim, good.ptr + 1, good.len - 1)),
		    "neither an OCTET STRING nor a UTF8String" },
		{ "no head", bundle, "neither an OCTET STRING nor a UTF8String" },
		{ "the report alone", der_octets(4, evidence(SNP, pairs[ALICE].spki.ptr, false)),
		    "that are no CMW" },
		{ "empty", hex("0400"), "that are no CMW" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct spec s = { .with = { { CMW, cases[i].value } } };
		expect_spec(
		    SNP, cases[i].name, &s, ASSAY_E_FORMAT, "cert.extension", cases[i].words);
	}
	const struct spec inside = {
		.with = { { CMW, der_octets(4, sim_join(sim, bundle, hex("00"))) } }
	};
	expect_spec(SNP, "bytes behind the bundle", &inside, ASSAY_E_FORMAT, "evidence.format", "");

	/* Other evidence in this form, and the form in JSON. */
	const struct assay_cert_request request = { .key = pairs[ALICE].jwk };
	uint8_t data[64];
	assert_int_equal(assay_cert_report_data(data, "other", &request, NULL), ASSAY_OK);
	struct sim_bytes quote = evidence(TDX, data, false);
	char *base = malloc(ASSAY_BASE64URL_SIZE(quote.len));
	(void)assay_base64url(base, bytes_of(quote));
	struct sim_buf json = { .sim = sim };
	sim_put_text(&json, "{\"evidence\":[\"application/vnd.assay.tdx\",\"");
	sim_put(&json, base, strlen(base));
	sim_put_text(&json, "\",4]}");
	free(base);
	const struct spec tdx = { .with = { { CMW, der_octets(0x0c, sim_taken(&json)) } } };
	expect_spec(TDX, "TDX, in JSON", &tdx, ASSAY_OK, "", "");
	expect(TDX, "TDX, in JSON, no nonce in it", write_certificate(&tdx),
	    (struct assay_bytes){ nonce_bytes, 16 }, ASSAY_E_POLICY, "cert.nonce",
	    "made without a nonce");
}

/* A certificate with a bundle of these. */
static struct assay_bytes
certify(const struct assay_cert_request *request, const struct assay_bundle_item *items, size_t n)
{
	struct assay_error err = { .text = "" };
	uint8_t *bundle = NULL, *der = NULL;
	size_t size = 0, len = 0;

	if (assay_bundle_write(&bundle, &size, items, n, &err) != ASSAY_OK ||
	    assay_cert_make(&der, &len, request, (struct assay_bytes){ bundle, size }, &err) !=
		ASSAY_OK)
		fail_msg("%s", err.text);
	struct sim_bytes kept = sim_copy(sim, der, len);
	free(bundle);
	free(der);
	return bytes_of(kept);
}

/* Of a guest that asked through an SVSM, which binds its manifest as well. */
static struct assay_bytes
make_svsm(struct assay_bytes nonce)
{
	static const uint8_t manifest[64] = { 0x00, 0x23, 0x00, 0x0b };
	const struct assay_bytes area = { manifest, sizeof manifest };
	const struct assay_cert_request request = { .key = pairs[ALICE].jwk,
		.nonce = nonce,
		.not_before = NOW - DAY,
		.not_after = NOW + DAY };
	uint8_t data[ASSAY_REPORT_DATA_SIZE], bound[ASSAY_SHA512_LEN];

	assert_int_equal(assay_cert_report_data(data, "snp", &request, NULL), ASSAY_OK);
	assay_sha512_two(bound, (struct assay_bytes){ data, sizeof data }, area);
	const struct assay_bundle_item items[] = {
		{ "evidence", ASSAY_BUNDLE_TYPE_SNP, bytes_of(evidence(SNP, bound, false)),
		    ASSAY_BUNDLE_EVIDENCE },
		{ "manifest", ASSAY_BUNDLE_TYPE_MANIFEST, area, ASSAY_BUNDLE_EVIDENCE },
	};
	return certify(&request, items, 2);
}

static void
test_svsm(void **state)
{
	const struct assay_bytes nonce = { nonce_bytes, 16 }, other = { nonce_bytes, 15 };
	(void)state;

	expect(SNP, "an SVSM's", make_svsm(none), none, ASSAY_OK, "", "");
	expect(SNP, "an SVSM's, its nonce", make_svsm(nonce), nonce, ASSAY_OK, "", "");
	expect(SNP, "an SVSM's, no nonce in it", make_svsm(none), nonce, ASSAY_E_POLICY,
	    "cert.nonce", "made without a nonce");
	expect(SNP, "an SVSM's, another nonce", make_svsm(nonce), other, ASSAY_E_POLICY,
	    "evidence.report_data cert.binding cert.nonce", "");
}

/* What is given in another wrapper than CMW is not put into a CMW extension as it is, and what JSON it
 * takes stands there as text. */
static void
test_wrappers(void **state)
{
	const struct assay_cert_request request = {
		.key = pairs[ALICE].jwk, .not_before = NOW - DAY, .not_after = NOW + DAY
	};
	struct assay_bytes report = bytes_of(for_request(SNP, &request));
	struct sim_buf cmw = { .sim = sim };
	struct assay_error err = { .text = "" };
	char *coco = NULL, base[ASSAY_BASE64URL_SIZE(2048)];
	uint8_t *der = NULL;
	size_t len = 0;
	(void)state;

	report.len = 1184; /* without what may be behind it */
	assert_int_equal(assay_coco_write(&coco, report, none, none, NULL), ASSAY_OK);
	(void)assay_base64url(base, report);
	sim_put_text(&cmw, "{\"evidence\":[\"application/vnd.assay.snp\",\"");
	sim_put(&cmw, base, strlen(base));
	sim_put_text(&cmw, "\",4]}");
	const struct {
		struct assay_bytes in;
		uint8_t tag, first;
	} cases[] = { { assay_bytes_of(coco), 0x04, 0xa1 },
		{ bytes_of(sim_taken(&cmw)), 0x0c, '{' } };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    assay_cert_make(&der, &len, &request, cases[i].in, &err), ASSAY_OK);
		struct sim_bytes value = value_of((struct assay_bytes){ der, len }, CMW);
		assert_int_equal(value.ptr[0], cases[i].tag);
		assert_int_equal(value.ptr[1], 0x82);
		assert_int_equal(value.ptr[4], cases[i].first);
		struct found f;
		judge_at(&f, (struct assay_bytes){ der, len }, none, trusts[SNP], NOW);
		assert_string_equal(f.failed, "");
		free(der);
	}
	free(coco);
}

/* --- as others make them ------------------------------------------------------------------ */

static void
test_legacy(void **state)
{
	struct sim_bytes raw = about(SGX, pairs[ALICE].spki);
	struct sim_bytes by_claims = about(SGX, plain_claims(ALICE));
	const struct assay_bytes nonce = { nonce_bytes, 16 };
	(void)state;

	static const char *const oids[] = { GRAMINE, GRAMINE_2, INTEL };
	for (size_t i = 0; i < 3; i++) {
		const struct spec s = { .with = { { oids[i], raw } } };
		expect_spec(SGX, oids[i], &s, ASSAY_OK, "", "");
		expect(SGX, "a nonce", write_certificate(&s), nonce, ASSAY_E_POLICY, "cert.nonce",
		    "has no place for a nonce");
		const struct spec other = {
			.key = MALLORY, .signer = MALLORY, .with = { { oids[i], raw } }
		};
		expect_spec(SGX, oids[i], &other, ASSAY_E_POLICY,
		    "evidence.report_data cert.binding", "is ");
		const struct spec junk = { .with = { { oids[i], hex("0102") } } };
		expect_spec(SGX, oids[i], &junk, ASSAY_E_FORMAT, "cert.extension", "are no quote");
	}
	/* Intel's puts the quote of the DICE extension here, too. */
	const struct spec intel = { .with = { { INTEL, by_claims } } };
	expect_spec(SGX, "Intel, by the claims", &intel, ASSAY_OK, "", "");
	/* Which is also where a PCK certificate has its SGX extension. */
	const struct spec pck = { .with = { { INTEL, hex("3000") } } };
	expect_spec(SGX, "a PCK certificate", &pck, ASSAY_E_FORMAT, "cert.extension",
	    "there is no evidence in it: it is a PCK certificate");
	const struct spec beside = { .with = { { INTEL, hex("3000") }, { GRAMINE, raw } } };
	expect_spec(SGX, "a quote beside it", &beside, ASSAY_OK, "", "");
	const struct spec gramine = { .with = { { GRAMINE, by_claims } } };
	expect_spec(SGX, "Gramine, by the claims", &gramine, ASSAY_E_POLICY,
	    "evidence.report_data cert.binding", "is ");
	const struct spec oe = { .with = { { OE_OLD, raw } } };
	expect_spec(SGX, "Open Enclave", &oe, ASSAY_E_UNSUPPORTED, "cert.extension",
	    "Open Enclave report: is known");
	const struct spec kvm = { .with = { { ENARX "1", hex("3000") } } };
	expect_spec(SGX, "Enarx KVM", &kvm, ASSAY_E_UNSUPPORTED, "cert.extension", "without a TEE");
	const struct spec rsa = { .key = RSA_KEY,
		.signer = RSA_KEY,
		.with = { { GRAMINE, about(SGX, pairs[RSA_KEY].spki) } } };
	expect_spec(SGX, "an RSA key", &rsa, ASSAY_OK, "", "");
}

/* What openssl req -x509 writes by its options, and what is refused has its true reason. */
static void
test_signatures(void **state)
{
	static const int keys[] = { ALICE, P384, RSA_KEY };
	const EVP_MD *const taken[] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
	(void)state;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct spec s = { .key = keys[i],
			.signer = keys[i],
			.with = { { GRAMINE, about(SGX, pairs[keys[i]].spki) } } };
		for (size_t k = 0; k < sizeof taken / sizeof *taken; k++) {
			s.md = taken[k];
			expect_spec(SGX, EVP_MD_get0_name(s.md), &s, ASSAY_OK, "", "");
		}
		s.md = EVP_sha224();
		expect_spec(SGX, "SHA-224", &s, ASSAY_E_UNSUPPORTED, "cert.signature",
		    "which is not taken; want SHA-256, SHA-384 or SHA-512");
	}
	const struct spec three = { .key = RSA_E3,
		.signer = RSA_E3,
		.with = { { GRAMINE, about(SGX, pairs[RSA_E3].spki) } } };
	expect_spec(SGX, "the exponent 3", &three, ASSAY_E_UNSUPPORTED, "cert.signature",
	    "an RSA exponent other than 65537");
}

/* With collateral in the certificate a verifier needs none of its own. */
static void
test_endorsements(void **state)
{
	static const char *const names[] = { "tcb_info.json", "tcb_signing_chain.pem",
		"pck_crl.der", "root_ca_crl.der", NULL, "qe_identity.json", NULL };
	struct assay_trust *bare = NULL;
	struct sim_bytes entries = head(0, 1), claims = plain_claims(ALICE);
	struct found f;
	(void)state;

	for (size_t i = 0; i < 7; i++) {
		struct sim_bytes item = hex("");
		for (size_t k = 0; names[i] != NULL && k < outputs[TDX].item_count; k++)
			if (strcmp(outputs[TDX].items[k].name, names[i]) == 0)
				item = outputs[TDX].items[k].bytes;
		if (names[i] != NULL && item.len == 0)
			fail_msg("the simulator has no %s", names[i]);
		entries = sim_join(sim, entries, octets(item));
	}
	assert_int_equal(assay_trust_new(&bare, NULL), ASSAY_OK);
	assert_int_equal(
	    assay_trust_add_root(bare, bytes_of(outputs[TDX].root), "root", NULL), ASSAY_OK);
	struct sim_bytes good = dice(about(TDX, claims), claims);
	const struct {
		const char *name;
		struct sim_bytes value;
		enum assay_code code;
		const char *failed;
	} cases[] = {
		{ "none", { NULL, 0 }, ASSAY_E_INCOMPLETE, "" },
		{ "eight", tagged(60000, sim_join(sim, head(4, 8), entries)), ASSAY_OK, "" },
		{ "nine",
		    tagged(60000,
			sim_join(sim, head(4, 9), sim_join(sim, entries, octets(hex("00"))))),
		    ASSAY_OK, "" },
		{ "seven", tagged(60000, sim_join(sim, head(4, 7), entries)), ASSAY_E_FORMAT,
		    "bundle.collateral" },
		{ "junk", hex("00"), ASSAY_E_FORMAT, "bundle.collateral" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct spec s = {
			.with = { { DICE, good },
			    { cases[i].value.len > 0 ? DICE_MORE : "1.2.3.4", cases[i].value } }
		};
		judge_at(&f, write_certificate(&s), none, bare, NOW);
		if (f.code != cases[i].code || strcmp(f.failed, cases[i].failed) != 0)
			fail_msg("%s: code %d, %s (%s)", cases[i].name, f.code, f.failed, f.words);
	}
	assay_trust_free(bare);
}

/* --- legacy SEV --------------------------------------------------------------------------- */

/* What the agent of a guest gives, in a certificate for a key. */
static struct assay_bytes
make_sev(struct sim_sev *p, struct sim_sev_proof *proof, int key, struct assay_bytes nonce,
    struct assay_trust *trust)
{
	static const char *const names[] = { "cek.cert", "pek.cert", "oca.cert" };
	const struct assay_cert_request request = { .key = pairs[key].jwk,
		.nonce = nonce,
		.not_before = NOW - DAY,
		.not_after = NOW + DAY };
	struct sim_output out = { .item_count = 0 };
	struct assay_error err = { .text = "" };
	uint8_t *der = NULL;
	size_t len = 0;

	assert_int_equal(assay_cert_report_data(proof->asked, "sev-es", &request, NULL), ASSAY_OK);
	sim_sev_mnonce(p->report.mnonce, sim, proof->asked, proof);
	sim_sev_write(p, &out);
	struct sim_bytes item = sim_sev_proof_write(sim, proof, out.evidence), ev = out.evidence;
	for (size_t i = 0; i < 3; i++)
		ev = sim_join(sim, ev, *sim_output_item(&out, names[i]));
	if (trust != NULL)
		assert_int_equal(
		    assay_trust_add_root(trust, bytes_of(out.root), "root", NULL), ASSAY_OK);
	for (size_t i = 0; trust != NULL && i < out.item_count; i++)
		assert_int_equal(assay_trust_add(trust, bytes_of(out.items[i].bytes),
				     out.items[i].name, NULL, NULL),
		    ASSAY_OK);
	char *coco = NULL;
	assert_int_equal(assay_coco_write_sev(&coco, bytes_of(ev), bytes_of(item), NULL), ASSAY_OK);
	assert_int_equal(
	    assay_cert_make(&der, &len, &request, assay_bytes_of(coco), &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(
	    strstr(err.text, "attester's JSON, with a proof that goes along in a bundle"));
	free(coco);
	const struct assay_bundle_item items[] = {
		{ "evidence", ASSAY_BUNDLE_TYPE_SEV_ES, bytes_of(ev), ASSAY_BUNDLE_EVIDENCE },
		{ "proof", ASSAY_BUNDLE_TYPE_PROOF, bytes_of(item), ASSAY_BUNDLE_EVIDENCE },
	};
	return certify(&request, items, 2);
}

static void
test_sev(void **state)
{
	struct sim_sev p;
	struct sim_launch launch;
	struct sim_sev_proof proof, stranger;
	struct assay_trust *trust = NULL;
	struct assay_launch *known = NULL, *other = NULL;
	struct found f;
	(void)state;

	sim_sev_new(&p, sim, "Milan", true);
	sim_launch_new(&launch, &p);
	sim_sev_proof_new(&proof, sim);
	assert_int_equal(
	    assay_launch_parse(&known, bytes_of(sim_launch_write(sim, &launch)), NULL, NULL),
	    ASSAY_OK);
	launch.injected = sim_key(sim, SIM_P384, "another guest's key");
	assert_int_equal(
	    assay_launch_parse(&other, bytes_of(sim_launch_write(sim, &launch)), NULL, NULL),
	    ASSAY_OK);
	assert_int_equal(assay_trust_new(&trust, NULL), ASSAY_OK);
	struct assay_bytes cert = make_sev(&p, &proof, ALICE, none, trust);

	record = known;
	judge_at(&f, cert, none, trust, NOW);
	if (f.code != ASSAY_OK)
		fail_msg("code %d, %s: %s", f.code, f.failed, f.words);
	const struct assay_bytes nonce = { nonce_bytes, 16 };
	judge_at(&f, cert, nonce, trust, NOW);
	assert_int_equal(f.code, ASSAY_E_POLICY);
	assert_string_equal(f.failed, "cert.nonce");
	assert_string_equal(f.words, "the certificate was made without a nonce");
	struct assay_bytes with = make_sev(&p, &proof, ALICE, nonce, NULL);
	judge_at(&f, with, nonce, trust, NOW);
	assert_true(f.code == ASSAY_OK && f.fresh);
	judge_at(&f, with, none, trust, NOW);
	assert_string_equal(f.failed, "evidence.report_data sev.proof.signature cert.binding");
	record = NULL;
	judge_at(&f, cert, none, trust, NOW);
	assert_true(f.code == ASSAY_E_INCOMPLETE && f.failed[0] == '\0');
	record = other;
	judge_at(&f, cert, none, trust, NOW);
	assert_int_not_equal(f.code, ASSAY_OK);
	assert_non_null(strstr(f.failed, "cert.binding"));
	record = known;
	const struct spec swapped = {
		.key = MALLORY, .signer = MALLORY, .with = { { CMW, value_of(cert, CMW) } }
	};
	judge_at(&f, write_certificate(&swapped), none, trust, NOW);
	assert_string_equal(f.failed, "evidence.report_data sev.proof.signature cert.binding");
	/* A proof by a key that Mallory has injected himself. */
	stranger = proof;
	stranger.injected = launch.injected;
	judge_at(&f, make_sev(&p, &stranger, MALLORY, none, NULL), none, trust, NOW);
	assert_int_not_equal(f.code, ASSAY_OK);
	assert_non_null(strstr(f.failed, "cert.binding"));
	record = NULL;
	assay_launch_free(known);
	assay_launch_free(other);
	assay_trust_free(trust);
}

/* --- files -------------------------------------------------------------------------------- */

static void
test_files(void **state)
{
	struct assay_bytes cert = make(TDX, ALICE, none);
	struct sim_bytes pem = sim_pem(sim, "CERTIFICATE", lent(cert));
	struct found f;
	(void)state;

	expect(TDX, "PEM", bytes_of(pem), none, ASSAY_OK, "", "");
	expect(TDX, "text before it",
	    bytes_of(sim_join(sim, sim_text(sim, "0 s:CN = peer\n"), pem)), none, ASSAY_OK, "", "");
	expect(TDX, "two", bytes_of(sim_join(sim, pem, pem)), none, ASSAY_E_FORMAT, "parse",
	    "and more; want one CERTIFICATE");
	expect(TDX, "a key", bytes_of(sim_pem(sim, "PUBLIC KEY", pairs[ALICE].spki)), none,
	    ASSAY_E_FORMAT, "parse", "holds \"PUBLIC KEY\"");
	expect(TDX, "bytes behind", bytes_of(sim_join(sim, lent(cert), hex("00"))), none,
	    ASSAY_E_FORMAT, "parse", "");
	expect(TDX, "empty", none, none, ASSAY_E_FORMAT, "parse", "is 0 bytes");
	for (size_t n = 0; n < cert.len; n += n < 600 ? 1 : 97) {
		judge_at(&f, (struct assay_bytes){ cert.ptr, n }, none, trusts[TDX], NOW);
		if (f.code == ASSAY_OK || strcmp(f.failed, "parse") != 0 || f.words[0] == '\0')
			fail_msg("cut at %zu: %d %s", n, f.code, f.failed);
	}
	/* No single bit can be another one. */
	uint8_t *bent = sim_alloc(sim, cert.len);
	for (size_t bit = 0; bit < 8 * cert.len; bit += bit < 8 * 700 ? 3 : 331) {
		memcpy(bent, cert.ptr, cert.len);
		bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
		judge_at(&f, (struct assay_bytes){ bent, cert.len }, none, trusts[TDX], NOW);
		if (f.code == ASSAY_OK || f.failed[0] == '\0' || f.words[0] == '\0')
			fail_msg("bit %zu: %d %s", bit, f.code, f.failed);
	}
}

static void
test_misuse(void **state)
{
	struct assay_bytes cert = make(SNP, ALICE, none);
	uint8_t data[64], *der = NULL;
	struct assay_error err;
	struct assay_checks *checks = NULL;
	struct assay_claims *claims = NULL;
	struct assay_cert *c = NULL;
	struct assay_jwk *public = NULL, *p521 = NULL;
	size_t len;
	(void)state;

	struct assay_cert_request r = {
		.key = pairs[ALICE].jwk, .not_before = NOW, .not_after = NOW + DAY
	};
	struct assay_bytes ev = bytes_of(for_request(SNP, &r));
	r.nonce = (struct assay_bytes){ nonce_bytes, 7 };
	assert_int_equal(assay_cert_report_data(data, "tdx", &r, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "is 7 bytes, want 8 to 64"));
	r.nonce.len = 0;
	assert_int_equal(assay_jwk_make(&p521, "ECDH-ES+A256KW", NULL), ASSAY_OK);
	char *json = NULL;
	assert_int_equal(assay_jwk_json(&json, pairs[ALICE].jwk, NULL, NULL), ASSAY_OK);
	assert_int_equal(assay_jwk_parse(&public, assay_bytes_of(json), NULL), ASSAY_OK);
	free(json);
	r.key = public;
	assert_int_equal(assay_cert_make(&der, &len, &r, ev, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "has no private half"));
	r.key = pairs[ALICE].jwk;
	r.not_before = NOW + 2 * DAY;
	assert_int_equal(assay_cert_make(&der, &len, &r, ev, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "in this order"));
	r.not_before = NOW;
	r.common_name = "";
	assert_int_equal(assay_cert_make(&der, &len, &r, ev, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "is 0 bytes, want 1 to 64"));
	r.common_name = "J\xfcrgen"; /* as Latin-1 has it */
	assert_int_equal(assay_cert_make(&der, &len, &r, ev, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "common name is no UTF-8"));
	r.common_name = "J\xc3\xbcrgen";
	assert_int_equal(assay_cert_make(&der, &len, &r, ev, &err), ASSAY_OK);
	free(der);
	r.common_name = NULL;
	assert_int_equal(
	    assay_cert_make(&der, &len, &r, assay_bytes_of("evidence"), &err), ASSAY_E_UNSUPPORTED);
	assay_jwk_free(public);
	assay_jwk_free(p521);

	assert_int_equal(assay_cert_parse(&c, cert, NULL), ASSAY_OK);
	assert_int_equal(assay_checks_new(&checks, NULL), ASSAY_OK);
	struct assay_appraisal how = { .trust = trusts[SNP], .now = NOW };
	assert_int_equal(assay_cert_verify(&claims, checks, c,
			     (struct assay_bytes){ nonce_bytes, 7 }, &how, &err),
	    ASSAY_E_USAGE);
	how.report_data = (struct assay_bytes){ nonce_bytes, 16 };
	assert_int_equal(assay_cert_verify(&claims, checks, c, none, &how, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "its key decides them"));
	assert_null(claims);
	struct assay_bytes key = assay_cert_key(c);
	assert_true(assay_bytes_equal(key, bytes_of(pairs[ALICE].spki)));
	assert_non_null(
	    strstr(assay_cert_kind(c), "certificate, CMW extension: bundle: report v3"));
	assay_cert_free(c);
	assay_checks_free(checks);
}

/* --- OpenSSL's callback ------------------------------------------------------------------- */

struct told {
	int64_t now;
	size_t count;
	enum assay_code verdict;
	char failed[64], words[256];
	bool claimed;
};

static int64_t
clock_of(void *arg)
{
	return ((struct told *)arg)->now;
}

static void
tell(void *arg, enum assay_code verdict, const struct assay_checks *checks,
    const struct assay_claims *claims, const struct assay_error *err)
{
	struct told *t = arg;

	t->count++;
	t->verdict = verdict;
	t->claimed = claims != NULL;
	t->failed[0] = '\0';
	for (size_t i = assay_checks_count(checks); i-- > 0;)
		if (assay_check_outcome(checks, i) == ASSAY_FAIL)
			snprintf(t->failed, sizeof t->failed, "%s", assay_check_id(checks, i));
	remember(t->failed);
	snprintf(t->words, sizeof t->words, "%s", verdict == ASSAY_OK ? "" : err->text);
}

static int
call_back(struct assay_bytes cert, const struct assay_cert_peer *peer, int *error)
{
	const unsigned char *at = cert.ptr;
	X509 *x = d2i_X509(NULL, &at, (long)cert.len);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	assert_int_equal(X509_STORE_CTX_init(ctx, NULL, x, NULL), 1);
	struct assay_cert_peer copy = *peer;
	int rc = assay_cert_verify_callback(ctx, &copy);
	*error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_free(x);
	return rc;
}

static void
test_callback(void **state)
{
	struct sim_bytes good = value_of(make(TDX, ALICE, none), DICE);
	struct told told = { .now = NOW };
	const struct assay_policy *policies[] = { assay_policy_builtin("default"), NULL };
	struct assay_policy *never = NULL;
	int error;
	(void)state;

	struct assay_cert_peer peer = { .how = { .trust = trusts[TDX], .now = 7 },
		.policies = policies,
		.policy_count = 1,
		.clock = clock_of,
		.report = tell,
		.arg = &told };
	const struct spec plain = { .with = { { DICE, good } } };
	struct assay_bytes cert = write_certificate(&plain);
	assert_int_equal(call_back(cert, &peer, &error), 1);
	assert_int_equal(error, X509_V_OK);
	assert_true(told.count == 1 && told.verdict == ASSAY_OK && told.claimed);
	told.now = NOW + 2 * DAY; /* the same peer object, later */
	assert_int_equal(call_back(cert, &peer, &error), 0);
	assert_int_equal(error, X509_V_ERR_APPLICATION_VERIFICATION);
	assert_string_equal(told.failed, "cert.dates");
	told.now = NOW;
	peer.nonce = (struct assay_bytes){ nonce_bytes, 16 };
	assert_int_equal(call_back(cert, &peer, &error), 0);
	assert_string_equal(told.failed, "cert.nonce");
	peer.nonce = none;
	peer.clock = NULL; /* then how.now counts, which is long ago */
	assert_int_equal(call_back(cert, &peer, &error), 0);
	assert_string_equal(told.failed, "cert.dates");
	peer.clock = clock_of;

	/* What is not read is refused in words, too. */
	const struct spec critical = { .with = { { DICE, good }, { "1.2.3.4", good, true } } };
	assert_int_equal(call_back(write_certificate(&critical), &peer, &error), 0);
	assert_string_equal(told.failed, "cert.format");
	assert_true(!told.claimed && told.verdict == ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(told.words, "is critical and not known here"));
	const struct spec bare = { .key = ALICE };
	assert_int_equal(call_back(write_certificate(&bare), &peer, &error), 0);
	assert_string_equal(told.failed, "cert.extension");

	/* All policies must accept, and there must be one. */
	assert_int_equal(assay_policy_compile(&never,
			     assay_bytes_of("policy \"never\"\nfor tdx\n  require configuration  "
					    "debug == true\n"),
			     "never", NULL, NULL),
	    ASSAY_OK);
	policies[1] = never;
	peer.policy_count = 2;
	assert_int_equal(call_back(cert, &peer, &error), 0);
	assert_string_equal(told.failed, "policy.debug");
	peer.policy_count = 0;
	assert_int_equal(call_back(cert, &peer, &error), 0);
	assert_int_equal(told.verdict, ASSAY_E_USAGE);
	assert_non_null(strstr(told.words, "no policy was given"));
	peer.policy_count = 1;
	peer.report = NULL; /* nobody need be told */
	assert_int_equal(call_back(cert, &peer, &error), 1);
	assay_policy_free(never);

	/* No memory is no peer. */
	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		int rc = call_back(cert, &peer, &error);
		if (!alloc_failed()) {
			assert_int_equal(rc, 1);
			break;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(error, X509_V_ERR_OUT_OF_MEM);
	}
}

/* --- memory ------------------------------------------------------------------------------- */

static enum assay_code
go_through(enum tee tee, struct sim_bytes ev)
{
	const struct assay_cert_request request = {
		.key = pairs[ALICE].jwk, .not_before = NOW - DAY, .not_after = NOW + DAY
	};
	const struct assay_appraisal how = { .trust = trusts[tee], .now = NOW };
	struct assay_error err = { .text = "" };
	struct assay_cert *c = NULL;
	struct assay_claims *claims = NULL;
	struct assay_checks *checks = NULL;
	uint8_t data[64], *der = NULL;
	size_t len = 0;
	enum assay_code rc;

	if ((rc = assay_cert_report_data(data, "tdx", &request, &err)) == ASSAY_OK &&
	    (rc = assay_cert_make(&der, &len, &request, bytes_of(ev), &err)) == ASSAY_OK &&
	    (rc = assay_cert_parse(&c, (struct assay_bytes){ der, len }, &err)) == ASSAY_OK &&
	    (rc = assay_checks_new(&checks, &err)) == ASSAY_OK)
		rc = assay_cert_verify(&claims, checks, c, none, &how, &err);
	if (rc != ASSAY_OK && err.text[0] == '\0')
		fail_msg("code %d without a sentence", rc);
	assay_cert_free(c);
	assay_claims_free(claims);
	assay_checks_free(checks);
	free(der);
	return rc;
}

static void
test_memory(void **state)
{
	const struct assay_cert_request request = { .key = pairs[ALICE].jwk };
	(void)state;

	for (enum tee tee = TDX; tee <= SNP; tee++) {
		struct sim_bytes ev = for_request(tee, &request);
		size_t failures = 0;
		for (size_t n = 1;; n++) {
			alloc_fail_at(n);
			enum assay_code rc = go_through(tee, ev);
			if (!alloc_failed()) {
				assert_int_equal(rc, ASSAY_OK);
				break;
			}
			failures++;
			if (rc != ASSAY_E_NOMEM)
				fail_msg("allocation %zu failed, and the code is %d", n, rc);
		}
		assert_true(failures >= 8);
	}
}

/* --- captures ----------------------------------------------------------------------------- */

/* What README.md of the captures says of them: the bindings hold. */
static void
test_captures(void **state)
{
	static const struct {
		const char *path;
		int64_t at;
		enum assay_code code;
		const char *kind;
	} cases[] = {
		{ "coco/ra-tls/gramine-cert.pem", NOW, ASSAY_E_INCOMPLETE,
		    "certificate, DICE extension: quote v3, 4734 bytes" },
		{ "coco/ra-tls/intel-sgxsdk-cert.pem", NOW, ASSAY_E_INCOMPLETE,
		    "certificate, DICE extension: quote v3, 4600 bytes" },
		{ "coco/csr/milan.signed.crl.csr", 1674691200, ASSAY_OK,
		    "certificate request, Enarx SNP extension: report v2, 1184 bytes" },
		{ "coco/csr/icelake.signed.tcb.crl.single.i5.csr", 1674691200, ASSAY_E_INCOMPLETE,
		    "certificate request, Enarx SGX extension: quote v3, 4600 bytes" },
	};
	struct assay_trust *trust = NULL;
	struct found f;
	(void)state;

	if (!vectors_present())
		return;
	assert_int_equal(assay_trust_new(&trust, NULL), ASSAY_OK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes file = vectors_read(cases[i].path);
		struct assay_cert *c = NULL;
		judge_at(&f, file, none, trust, cases[i].at);
		if (f.code != cases[i].code || f.failed[0] != '\0')
			fail_msg("%s: %d %s %s", cases[i].path, f.code, f.failed, f.words);
		assert_int_equal(assay_cert_parse(&c, file, NULL), ASSAY_OK);
		assert_string_equal(assay_cert_kind(c), cases[i].kind);
		assay_cert_free(c);
		vectors_free(file);
	}
	assay_trust_free(trust);
}

/* A capture without its DICE extension is judged by the next form that it has. */
static void
test_capture_by_legacy(void **state)
{
	static const struct {
		const char *path, *oid;
	} cases[] = {
		{ "coco/ra-tls/gramine-cert.pem", GRAMINE },
		{ "coco/ra-tls/intel-sgxsdk-cert.pem", INTEL },
	};
	struct assay_trust *trust = NULL;
	(void)state;

	if (!vectors_present())
		return;
	assert_int_equal(assay_trust_new(&trust, NULL), ASSAY_OK);
	for (size_t i = 0; i < 2; i++) {
		struct assay_bytes file = vectors_read(cases[i].path);
		BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
		X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		ASN1_OBJECT *id = OBJ_txt2obj(DICE, 1);
		X509_EXTENSION_free(X509_delete_ext(x, X509_get_ext_by_OBJ(x, id, -1)));
		unsigned char *der = NULL;
		int len = i2d_re_X509_tbs(x, &der);
		OPENSSL_free(der);
		assert_true(len > 0);
		der = NULL;
		len = i2d_X509(x, &der);
		struct found f;
		judge_at(&f, (struct assay_bytes){ der, (size_t)len }, none, trust, NOW);
		/* Altered, so its signature is gone; the evidence names the key all the same. */
		assert_string_equal(f.failed, "cert.signature");
		OPENSSL_free(der);
		ASN1_OBJECT_free(id);
		X509_free(x);
		BIO_free(bio);
		vectors_free(file);
	}
	assay_trust_free(trust);
}

/* --- each check ----------------------------------------------------------------------------- */

/* Last of all: each check has stopped something that nothing else did. */
static void
test_every_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < assay_check_info_count(); i++) {
		const char *id = assay_check_info_id(assay_check_info_at(i));
		if (strncmp(id, "cert.", 5) == 0 && strstr(alone, id) == NULL)
			fail_msg("%s has refused nothing alone; others have:%s", id, alone);
	}
}

/* --- all ---------------------------------------------------------------------------------- */

static EVP_PKEY *
rsa_by_3(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;

	assert_true(BN_set_word(e, 3) == 1 && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1 &&
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1 && EVP_PKEY_generate(ctx, &key) == 1);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int
set_up(void **state)
{
	static const uint8_t zeros[64];
	(void)state;

	sim = sim_new(11);
	make_pair(&pairs[ALICE], EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	make_pair(&pairs[MALLORY], EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	make_pair(&pairs[P384], EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
	make_pair(&pairs[ED25519], EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	make_pair(&pairs[RSA_KEY], EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
	make_pair(&pairs[RSA_E3], rsa_by_3());
	for (enum tee tee = TDX; tee <= SNP; tee++) {
		(void)evidence(tee, zeros, true);
		const struct sim_output *out = &outputs[tee];
		assert_int_equal(assay_trust_new(&trusts[tee], NULL), ASSAY_OK);
		assert_int_equal(
		    assay_trust_add_root(trusts[tee], bytes_of(out->root), "root", NULL), ASSAY_OK);
		for (size_t i = 0; i < out->item_count; i++)
			assert_int_equal(assay_trust_add(trusts[tee], bytes_of(out->items[i].bytes),
					     out->items[i].name, NULL, NULL),
			    ASSAY_OK);
		if (tee == SNP)
			assert_int_equal(
			    assay_trust_set_min_tcb(trusts[tee], out->min_tcb, NULL), ASSAY_OK);
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAIRS; i++) {
		EVP_PKEY_free(pairs[i].key);
		assay_jwk_free(pairs[i].jwk);
	}
	for (size_t i = 0; i < 3; i++)
		assay_trust_free(trusts[i]);
	sim_free(sim);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_keys_swapped),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_no_fall_back),
		cmocka_unit_test(test_claims_buffers),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_cmw),
		cmocka_unit_test(test_svsm),
		cmocka_unit_test(test_wrappers),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_endorsements),
		cmocka_unit_test(test_sev),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_callback),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_capture_by_legacy),
		cmocka_unit_test(test_every_check),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
