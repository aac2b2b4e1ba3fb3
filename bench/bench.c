/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far verification is from what cannot be saved: the signatures alone. Each case and its
 * signatures take turns, on one core, in rounds. Whatever else the machine does can only slow a turn
 * down, so the fastest of each counts, and it goes on while there are faster ones. Prints a table,
 * writes the JSON file named by the argument, and ends with 1 if a target is missed.
 */
#define _GNU_SOURCE
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include <assay/assay.h>

#include "crypto/crypto.h"
#include "platforms/platforms.h"
#include "platforms/sev_proof.h"
#include "vectors.h"

enum {
	ROUNDS = 25, /* in which nothing is faster than before: then it is over, */
	ROUNDS_MOST = 400,
	SPEEDS = 5,                  /* runs of openssl speed, one every fifth round */
	SLICE_NS = 40 * 1000 * 1000, /* of each case in each round */
	THREADS_NS = 200 * 1000 * 1000,
	THREAD_ROUNDS = 20,
	FILES_MAX = 16,
	KEYS_MAX = 9,
};

_Noreturn static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("bench: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* --- allocations: ours (the linker redirects them here) and libcrypto's ---------------------- */

static atomic_size_t ours, theirs;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *old, size_t n);

void *
__wrap_malloc(size_t n)
{
	ours++;
	return __real_malloc(n);
}

void *
__wrap_calloc(size_t count, size_t n)
{
	ours++;
	return __real_calloc(count, n);
}

void *
__wrap_realloc(void *old, size_t n)
{
	ours++;
	return __real_realloc(old, n);
}

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	theirs++;
	return __real_malloc(n);
}

static void *
crypto_realloc(void *old, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	theirs++;
	return __real_realloc(old, n);
}

static void
crypto_free(void *old, const char *file, int line)
{
	(void)file;
	(void)line;
	free(old);
}

/* --- the bare cryptography ------------------------------------------------------------------- */

struct signature {
	struct assay_key key;
	enum assay_scheme scheme;
	uint8_t digest[ASSAY_DIGEST_MAX];
	size_t digest_len;
	struct assay_bytes bytes;
};

static struct signature
signature_make(struct sim *sim, enum sim_kind kind, const char *label)
{
	static const uint8_t message[672] = "what a quote signs is about this long";
	struct signature s = { .scheme = kind == SIM_P256 ? ASSAY_ECDSA_P256_SHA256
		    : kind == SIM_P384                    ? ASSAY_ECDSA_P384_SHA384
							  : ASSAY_RSA_PSS_SHA384 };
	struct assay_error err;

	const struct sim_key *key = sim_key(sim, kind, label);
	struct sim_bytes made = sim_sign(sim, key, kind == SIM_P256 ? SIM_SHA256 : SIM_SHA384,
	    sim_copy(sim, message, sizeof message));
	struct assay_public public = { assay_scheme_key(s.scheme), { key->raw, key->raw_len } };
	if (assay_key_prepare(&s.key, public, &err) != ASSAY_OK)
		die("%s", err.text);
	s.digest_len = assay_scheme_digest(
	    s.digest, s.scheme, (struct assay_bytes){ message, sizeof message });
	s.bytes = (struct assay_bytes){ made.ptr, made.len };
	return s;
}

static void
signature_verify(const struct signature *s)
{
	if (!assay_key_verify(
		&s->key, s->scheme, (struct assay_bytes){ s->digest, s->digest_len }, s->bytes))
		die("a bare signature does not verify");
}

/* --- what is verified ------------------------------------------------------------------------ */

struct file {
	const char *name;
	struct assay_bytes bytes;
	bool root;
};

struct subject {
	const char *source;
	struct file files[FILES_MAX];
	size_t file_count;
	struct assay_bytes evidence;
	uint8_t *neighbour; /* of a quote: the same, but its QE report is not signed */
	int64_t now;
	struct assay_bytes asked;
	const struct assay_launch *launch;
	struct assay_trust *trust;
	struct assay_cache *cache; /* knows everything that it may */
	struct assay_cache *fresh; /* made anew for each run of "QE report not known" */
	/* Used again and again, as a server does. */
	struct assay_evidence *ev;
	struct assay_claims *claims;
	struct assay_checks *checks;
};

static struct assay_trust *
trust_make(const struct subject *s)
{
	struct assay_trust *trust = NULL;
	struct assay_error err;

	if (assay_trust_new(&trust, &err) != ASSAY_OK)
		die("%s", err.text);
	for (size_t i = 0; i < s->file_count; i++) {
		const struct file *f = &s->files[i];
		enum assay_code rc = f->root
		    ? assay_trust_add_root(trust, f->bytes, f->name, &err)
		    : assay_trust_add(trust, f->bytes, f->name, NULL, &err);
		if (rc != ASSAY_OK)
			die("%s", err.text);
	}
	return trust;
}

static enum assay_code
judge(struct subject *s, struct assay_bytes in, const struct assay_trust *trust,
    struct assay_cache *cache)
{
	struct assay_appraisal how = { .trust = trust,
		.now = s->now,
		.cache = cache,
		.report_data = s->asked,
		.launches = &s->launch,
		.launch_count = s->launch != NULL };
	struct assay_error err = { 0 };

	if (assay_evidence_parse(&s->ev, in, &err) != ASSAY_OK)
		die("%s", err.text);
	assay_checks_clear(s->checks);
	return assay_evidence_verify(&s->claims, s->checks, s->ev, &how, &err);
}

static void
accept(struct subject *s, const struct assay_trust *trust, struct assay_cache *cache)
{
	if (judge(s, s->evidence, trust, cache) == ASSAY_OK)
		return;
	for (size_t i = 0; i < assay_checks_count(s->checks); i++)
		if (assay_check_outcome(s->checks, i) == ASSAY_FAIL ||
		    assay_check_needed(s->checks, i))
			(void)fprintf(stderr, "%s: %s\n", assay_check_id(s->checks, i),
			    assay_check_detail(s->checks, i));
	die("evidence from %s is not accepted", s->source);
}

static void
subject_add(struct subject *s, const char *name, struct assay_bytes bytes, bool root)
{
	if (s->file_count == FILES_MAX)
		die("more than %d files", FILES_MAX);
	if (bytes.len == 0)
		die("%s is missing", name);
	s->files[s->file_count++] = (struct file){ name, bytes, root };
}

static void
subject_add_vectors(struct subject *s, const char *const *names)
{
	for (; *names != NULL; names++)
		subject_add(s, *names, vectors_read(*names), false);
}

static void
subject_add_output(struct subject *s, const struct sim_output *out)
{
	s->evidence = (struct assay_bytes){ out->evidence.ptr, out->evidence.len };
	subject_add(s, "trust-root", (struct assay_bytes){ out->root.ptr, out->root.len }, true);
	for (size_t i = 0; i < out->item_count; i++)
		subject_add(s, out->items[i].name,
		    (struct assay_bytes){ out->items[i].bytes.ptr, out->items[i].bytes.len },
		    false);
}

static void
subject_ready(struct subject *s)
{
	struct assay_error err;

	if (assay_checks_new(&s->checks, &err) != ASSAY_OK ||
	    assay_cache_new(&s->cache, 0, &err) != ASSAY_OK)
		die("%s", err.text);
	s->trust = trust_make(s);
	accept(s, s->trust, s->cache);
}

/* A TDX quote of version 4: its QE report signature stands behind the signed part (632), a length
 * (4), signature and key (128), type and size (6) and the QE report (384). */
enum { QE_REPORT_SIGNATURE = 632 + 4 + 128 + 6 + 384 };

static void
quote_load(struct subject *s, struct sim *sim)
{
	static const char *const names[] = {
		"dcap/collateral/tdx-b0c06f-2025-06/tcb_info.json",
		"dcap/collateral/tdx-b0c06f-2025-06/qe_identity.json",
		"dcap/collateral/tdx-b0c06f-2025-06/tcb_signing_chain.pem",
		"dcap/collateral/tdx-b0c06f-2025-06/pck_crl.der",
		"dcap/collateral/tdx-b0c06f-2025-06/root_ca_crl.der",
		NULL,
	};

	s->evidence = vectors_read("dcap/quotes/tdx4-emr-b0c06f-a.bin");
	if (s->evidence.len > 0) {
		s->source = "a real TDX quote with Intel's collateral";
		s->now = 1751624191; /* 2025-07-04T10:16:31Z */
		subject_add_vectors(s, names);
	} else {
		static struct sim_dcap platform;
		static struct sim_output out;
		s->source = "a simulated TDX platform";
		s->now = 1790000000;
		sim_dcap_new(&platform, sim, true, 4, 0, true, s->now, 30 * SIM_DAY);
		sim_dcap_write(&platform, &out);
		subject_add_output(s, &out);
	}
	s->neighbour = malloc(s->evidence.len);
	if (s->neighbour == NULL)
		die("out of memory");
	memcpy(s->neighbour, s->evidence.ptr, s->evidence.len);
	s->neighbour[QE_REPORT_SIGNATURE] ^= 1;
	subject_ready(s);
}

static void
report_load(struct subject *s, struct sim *sim)
{
	static const char *const names[] = {
		"sev/snp/milan-v2-b/vcek.der",
		"sev/roots/x509/milan_vcek_chain.pem",
		NULL,
	};

	s->evidence = vectors_read("sev/snp/milan-v2-b/report.bin");
	if (s->evidence.len > 0) {
		s->source = "a real SEV-SNP report with AMD's certificates";
		s->now = 1751624191;
		subject_add_vectors(s, names);
	} else {
		static struct sim_snp platform;
		static struct sim_output out;
		s->source = "a simulated SEV-SNP platform";
		s->now = 1790000000;
		sim_snp_new(&platform, sim, SIM_MILAN, 3, false, s->now, 30 * SIM_DAY);
		sim_snp_write(&platform, &out);
		subject_add_output(s, &out);
	}
	subject_ready(s);
}

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

/* A SEV-ES guest that was launched, with the proof of its agent. */
static void
guest_load(struct subject *s, struct sim *sim)
{
	static const char *const certs[] = { "cek.cert", "pek.cert", "oca.cert" };
	static struct sim_sev platform;
	static struct sim_launch record;
	static struct sim_sev_proof proof;
	static struct sim_output out;
	struct assay_launch *launch = NULL;
	struct assay_error err;
	struct sim_bytes bundle;

	s->source = "a simulated SEV-ES platform";
	s->now = 1795219200;
	sim_sev_new(&platform, sim, "Milan", true);
	sim_launch_new(&record, &platform);
	sim_sev_proof_new(&proof, sim);
	sim_sev_mnonce(platform.report.mnonce, sim, proof.asked, &proof);
	sim_sev_write(&platform, &out);
	struct sim_bytes evidence = out.evidence;
	struct sim_bytes item = sim_sev_proof_write(sim, &proof, evidence);
	for (size_t i = 0; i < 3; i++)
		evidence = sim_join(sim, evidence, *sim_output_item(&out, certs[i]));
	const struct assay_bundle_item items[] = {
		{ "evidence", ASSAY_BUNDLE_TYPE_SEV_ES, bytes(evidence), 0 },
		{ "proof", ASSAY_BUNDLE_TYPE_PROOF, bytes(item), 0 },
	};
	if (assay_bundle_write(&bundle.ptr, &bundle.len, items, 2, &err) != ASSAY_OK ||
	    assay_launch_parse(&launch, bytes(sim_launch_write(sim, &record)), NULL, &err) !=
		ASSAY_OK)
		die("%s", err.text);
	s->evidence = bytes(bundle);
	s->asked = (struct assay_bytes){ proof.asked, sizeof proof.asked };
	s->launch = launch;
	subject_add(s, "trust-root", bytes(out.root), true);
	subject_add(s, "ask.cert", bytes(*sim_output_item(&out, "ask.cert")), false);
	subject_ready(s);
}

/* A TD's, in its certificate. */
static void
cert_load(struct subject *s, struct assay_bytes *cert, struct sim *sim)
{
	static struct sim_dcap platform;
	static struct sim_output out;
	struct assay_cert_request request = { .not_before = 1, .not_after = INT32_MAX };
	struct assay_jwk *key = NULL;
	struct assay_error err;
	uint8_t *der = NULL;

	s->source = "a simulated TDX platform";
	s->now = 1790000000;
	sim_dcap_new(&platform, sim, true, 4, 0, true, s->now, 30 * SIM_DAY);
	if (assay_jwk_make(&key, "ES256", &err) != ASSAY_OK)
		die("%s", err.text);
	request.key = key;
	if (assay_cert_report_data(platform.td.report_data, "tdx", &request, &err) != ASSAY_OK)
		die("%s", err.text);
	sim_dcap_write(&platform, &out);
	subject_add_output(s, &out);
	if (assay_cert_make(&der, &cert->len, &request, s->evidence, &err) != ASSAY_OK)
		die("%s", err.text);
	cert->ptr = der;
	assay_jwk_free(key);
	subject_ready(s);
}

/* --- cases ----------------------------------------------------------------------------------- */

struct world {
	struct signature p256[KEYS_MAX], p384, rsa[2];
	struct subject quote, report, guest, peer;
	struct assay_bytes cert; /* of the peer */
	struct assay_policy *own;
	struct assay_checks *rules;
};

static void
p256_many(const struct world *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		signature_verify(&w->p256[i]);
}

static void
run_p256_nine(struct world *w)
{
	p256_many(w, 9);
}

static void
run_p256_two(struct world *w)
{
	p256_many(w, 2);
}

static void
run_p256_one(struct world *w)
{
	p256_many(w, 1);
}

static void
run_p384_rsa_two(struct world *w)
{
	signature_verify(&w->p384);
	signature_verify(&w->rsa[0]);
	signature_verify(&w->rsa[1]);
}

static void
run_p384_one(struct world *w)
{
	signature_verify(&w->p384);
}

/* CEK and ASK; OCA, the PEK's two and the report; certification and proof. */
static void
run_sev_all(struct world *w)
{
	signature_verify(&w->rsa[0]);
	signature_verify(&w->rsa[1]);
	for (size_t i = 0; i < 4; i++)
		signature_verify(&w->p384);
	p256_many(w, 2);
}

/* The report and the proof. */
static void
run_sev_two(struct world *w)
{
	signature_verify(&w->p384);
	p256_many(w, 1);
}

static void
run_quote_cold(struct world *w)
{
	accept(&w->quote, w->quote.trust, NULL);
}

static void
run_quote_all(struct world *w)
{
	struct assay_trust *trust = trust_make(&w->quote);

	accept(&w->quote, trust, NULL);
	assay_trust_free(trust);
}

/* A cache that knows all but the QE report: it has seen a quote of the same platform whose QE
 * report was not signed, which is refused and leaves no fact about that report. */
static void
prepare_quote_warm(struct world *w)
{
	struct subject *s = &w->quote;
	struct assay_error err;

	assay_cache_free(s->fresh);
	s->fresh = NULL;
	if (assay_cache_new(&s->fresh, 0, &err) != ASSAY_OK)
		die("%s", err.text);
	if (judge(s, (struct assay_bytes){ s->neighbour, s->evidence.len }, s->trust, s->fresh) !=
	    ASSAY_E_SIGNATURE)
		die("a quote whose QE report is not signed was not refused");
}

static void
run_quote_warm(struct world *w)
{
	accept(&w->quote, w->quote.trust, w->quote.fresh);
}

static void
run_quote_known(struct world *w)
{
	accept(&w->quote, w->quote.trust, w->quote.cache);
}

static void
run_report_cold(struct world *w)
{
	accept(&w->report, w->report.trust, NULL);
}

static void
run_report_warm(struct world *w)
{
	accept(&w->report, w->report.trust, w->report.cache);
}

static void
run_guest_cold(struct world *w)
{
	accept(&w->guest, w->guest.trust, NULL);
}

static void
run_guest_warm(struct world *w)
{
	accept(&w->guest, w->guest.trust, w->guest.cache);
}

/* As TLS has it: the certificate is read anew for each peer. */
static void
run_cert_warm(struct world *w)
{
	struct subject *s = &w->peer;
	const struct assay_appraisal how = { .trust = s->trust, .now = s->now, .cache = s->cache };
	struct assay_cert *cert = NULL;
	struct assay_error err = { 0 };

	assay_checks_clear(s->checks);
	if (assay_cert_parse(&cert, w->cert, &err) != ASSAY_OK ||
	    assay_cert_verify(&s->claims, s->checks, cert, (struct assay_bytes){ NULL, 0 }, &how,
		&err) != ASSAY_OK)
		die("%s", err.text);
	assay_cert_free(cert);
}

enum {
	C_P256_NINE,
	C_P256_TWO,
	C_P256_ONE,
	C_P384_RSA_TWO,
	C_P384_ONE,
	C_SEV_ALL,
	C_SEV_TWO,
	QUOTE_COLD,
	QUOTE_ALL,
	QUOTE_WARM,
	QUOTE_KNOWN,
	REPORT_COLD,
	REPORT_WARM,
	GUEST_COLD,
	GUEST_WARM,
	CERT_WARM,
	POLICY_DEFAULT,
	POLICY_OWN,
	CASES,
};

static void
run_policy(struct world *w, const struct assay_policy *policy)
{
	struct assay_error err;

	assay_checks_clear(w->rules);
	enum assay_code rc = assay_policy_check(w->rules, policy, w->quote.claims, &err);
	if (rc != ASSAY_OK && rc != ASSAY_E_POLICY) /* the capture's TCB may be what it likes */
		die("%s", err.text);
}

static void
run_policy_default(struct world *w)
{
	run_policy(w, assay_policy_builtin("default"));
}

static void
run_policy_own(struct world *w)
{
	run_policy(w, w->own);
}

/* Twenty rules, each with a set of a thousand values. */
static struct assay_policy *
policy_make(void)
{
	static char text[32 * 1024], document[128 * 1024];
	struct assay_references *refs = NULL;
	struct assay_policy *policy = NULL;
	struct assay_error err;
	size_t n = 0;

	n += (size_t)snprintf(document, sizeof document,
	    "{\"reference_values\":1,\"values\":[{\"name\":\"m\",\"claim\":\"measurement\",\"any_"
	    "of\":[");
	for (unsigned i = 0; i < 1000; i++)
		n += (size_t)snprintf(
		    document + n, sizeof document - n, "%s\"%096x\"", i > 0 ? "," : "", i * 7919);
	(void)snprintf(document + n, sizeof document - n, "]}]}");
	n = (size_t)snprintf(text, sizeof text, "for any\n");
	for (unsigned i = 0; i < 20; i++)
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "require executables measurement not in @m\n");
	if (assay_references_new(&refs, &err) != ASSAY_OK ||
	    assay_references_add(refs,
		(struct assay_bytes){ (const uint8_t *)document, strlen(document) }, "m",
		&err) != ASSAY_OK ||
	    assay_policy_compile(&policy, (struct assay_bytes){ (const uint8_t *)text, n }, "bench",
		refs, &err) != ASSAY_OK)
		die("%s", err.text);
	assay_references_free(refs);
	return policy;
}

static const struct bench_case {
	const char *name;
	void (*prepare)(struct world *w); /* before each run, not counted; NULL: nothing to do */
	void (*run)(struct world *w);
	int against;   /* the bare cryptography it is compared with; -1: it is one itself */
	double target; /* the ratio allowed; 0: shown only */
	bool warm;     /* count its allocations; ours must be none */
} cases[CASES] = {
	[C_P256_NINE] = { "nine P-256", NULL, run_p256_nine, -1, 0, false },
	[C_P256_TWO] = { "two P-256", NULL, run_p256_two, -1, 0, false },
	[C_P256_ONE] = { "one P-256", NULL, run_p256_one, -1, 0, false },
	[C_P384_RSA_TWO] = { "P-384 and two RSA-4096", NULL, run_p384_rsa_two, -1, 0, false },
	[C_P384_ONE] = { "one P-384", NULL, run_p384_one, -1, 0, false },
	[C_SEV_ALL] = { "its signatures", NULL, run_sev_all, -1, 0, false },
	[C_SEV_TWO] = { "P-384 and P-256", NULL, run_sev_two, -1, 0, false },
	[QUOTE_COLD] = { "quote, cold", NULL, run_quote_cold, C_P256_NINE, 1.15, false },
	[QUOTE_ALL] = { "quote, cold, collateral parsed too", NULL, run_quote_all, C_P256_NINE, 0,
	    false },
	[QUOTE_WARM] = { "quote, warm, QE report not known", prepare_quote_warm, run_quote_warm,
	    C_P256_TWO, 1.10, false },
	[QUOTE_KNOWN] = { "quote, warm, QE report known", NULL, run_quote_known, C_P256_ONE, 1.10,
	    true },
	[REPORT_COLD] = { "SNP report, cold", NULL, run_report_cold, C_P384_RSA_TWO, 1.05, false },
	[REPORT_WARM] = { "SNP report, warm", NULL, run_report_warm, C_P384_ONE, 1.03, true },
	[GUEST_COLD] = { "SEV-ES report and proof, cold", NULL, run_guest_cold, C_SEV_ALL, 1.10,
	    false },
	[GUEST_WARM] = { "SEV-ES report and proof, warm", NULL, run_guest_warm, C_SEV_TWO, 1.05,
	    true },
	[CERT_WARM] = { "TD's certificate, parsed and warm", NULL, run_cert_warm, C_P256_TWO, 1.6,
	    false },
	[POLICY_DEFAULT] = { "policy default, over a quote's claims", NULL, run_policy_default,
	    C_P256_ONE, 0.05, true },
	[POLICY_OWN] = { "policy of 20 rules, 1000 values each", NULL, run_policy_own, C_P256_ONE,
	    0.5, true },
};

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		die("no clock");
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double
turn(const struct bench_case *c, struct world *w, clockid_t clock)
{
	if (c->prepare != NULL)
		c->prepare(w);
	int64_t start = clock_ns(clock);
	c->run(w);
	return (double)(clock_ns(clock) - start);
}

/* Keeps the faster. True if that is news: more than measuring the same again would give. */
static bool
faster(double *best, double ns)
{
	bool news = ns < *best * 0.997;

	*best = ns < *best ? ns : *best;
	return news;
}

/* The fastest turns of a case and of what it is compared with, by the clock on the wall: that of a thread
 * jumps where a host takes processors away. True if this round had a faster one. */
static bool
measure(double *ns, double *bare, const struct bench_case *c, struct world *w)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + SLICE_NS;
	bool news = false;

	do {
		news |= faster(ns, turn(c, w, CLOCK_MONOTONIC));
		news |= faster(bare, turn(&cases[c->against], w, CLOCK_MONOTONIC));
	} while (clock_ns(CLOCK_MONOTONIC) < end);
	return news;
}

static double
largest(const double *values, size_t n)
{
	double best = values[0];

	for (size_t i = 1; i < n; i++)
		best = values[i] > best ? values[i] : best;
	return best;
}

/* --- cores ----------------------------------------------------------------------------------- */

static void
pin(size_t nth)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof all, &all) != 0)
		die("no affinity");
	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && nth-- == 0) {
			CPU_SET(cpu, &one);
			(void)sched_setaffinity(0, sizeof one, &one);
			return;
		}
}

static size_t
cores(void)
{
	cpu_set_t all;

	return sched_getaffinity(0, sizeof all, &all) == 0 ? (size_t)CPU_COUNT(&all) : 1;
}

struct worker {
	pthread_t thread;
	size_t core;
	struct subject
	    subject; /* shares trust and cache; has evidence, claims and checks of its own */
	const struct signature *bare; /* not NULL: only this, the measure of the machine itself */
	atomic_bool *stop;
	size_t runs;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	pin(w->core);
	while (!atomic_load_explicit(w->stop, memory_order_relaxed)) {
		if (w->bare != NULL)
			signature_verify(w->bare);
		else
			accept(&w->subject, w->subject.trust, w->subject.cache);
		w->runs++;
	}
	return NULL;
}

/* Per second, by n threads on n cores: verifications that share one trust object and one cache, or
 * bare signatures of a key each, which share nothing. */
static double
throughput(const struct subject *subject, const struct signature *bare, size_t n)
{
	struct worker workers[2] = { 0 };
	atomic_bool stop = false;
	struct assay_error err;
	size_t runs = 0;
	int64_t start = clock_ns(CLOCK_MONOTONIC);

	for (size_t i = 0; i < n; i++) {
		struct worker *w = &workers[i];
		w->core = i;
		w->stop = &stop;
		w->bare = bare != NULL ? &bare[i] : NULL;
		w->subject = *subject;
		w->subject.ev = NULL;
		w->subject.claims = NULL;
		if (assay_checks_new(&w->subject.checks, &err) != ASSAY_OK ||
		    pthread_create(&w->thread, NULL, work, w) != 0)
			die("no thread");
	}
	(void)nanosleep(&(struct timespec){ .tv_nsec = THREADS_NS }, NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < n; i++) {
		struct worker *w = &workers[i];
		(void)pthread_join(w->thread, NULL);
		runs += w->runs;
		assay_evidence_free(w->subject.ev);
		assay_claims_free(w->subject.claims);
		assay_checks_free(w->subject.checks);
	}
	return (double)runs * 1e9 / (double)(clock_ns(CLOCK_MONOTONIC) - start);
}

/* --- openssl speed --------------------------------------------------------------------------- */

/* Adds the CPU time of one verification as `openssl speed` has it, and of ours, which shares its core
 * meanwhile. Adds nothing if it could not be asked. */
static void
openssl_speed(
    double *speed, double *beside, const char *command, const struct bench_case *c, struct world *w)
{
	FILE *out = popen(command, "r");
	char line[256];
	double sum = 0, sign, verify; /* operations per second */
	size_t turns = 0;

	if (out == NULL)
		return;
	setvbuf(out, NULL, _IONBF, 0);
	struct pollfd more = { .fd = fileno(out), .events = POLLIN };
	while (fgets(line, sizeof line, out) != NULL) {
		if (strncmp(line, "+DTP:", 5) == 0 && strstr(line, ":verify:") != NULL)
			for (; poll(&more, 1, 0) == 0; turns++)
				sum += turn(c, w, CLOCK_THREAD_CPUTIME_ID);
		if (sscanf(line, "+F%*u:%*u:%*u:%lf:%lf", &sign, &verify) == 2 && verify > 0 &&
		    turns > 0) {
			*speed += 1e9 / verify;
			*beside += sum / (double)turns;
		}
	}
	(void)pclose(out);
}

/* --- the report ------------------------------------------------------------------------------ */

struct results {
	double ns[CASES], bare[CASES];
	double speed[2], beside[2]; /* P-256, P-384, sums: openssl speed, the bare verification */
	/* Per second, by threads: verifications, bare signatures. */
	double one[THREAD_ROUNDS], two[THREAD_ROUNDS];
	double bare_one[THREAD_ROUNDS], bare_two[THREAD_ROUNDS];
	size_t ours[CASES], theirs[CASES];
	bool has_threads;
};

static const char *
word(bool met, bool *missed)
{
	if (!met)
		*missed = true;
	return met ? "met" : "MISSED";
}

static bool
print(FILE *json, const struct results *r, const struct world *w)
{
	bool missed = false;

	printf("quote: %s\nreport: %s\n\n", w->quote.source, w->report.source);
	printf("%-38s %9s  %-24s %9s  %6s  %6s\n", "case", "us", "compared with", "us", "ratio",
	    "target");
	(void)fprintf(json, "{\"quote\":\"%s\",\"report\":\"%s\",\"rows\":[", w->quote.source,
	    w->report.source);
	for (int i = QUOTE_COLD; i < CASES; i++) {
		const struct bench_case *c = &cases[i];
		double us = r->ns[i] / 1e3, bare = r->bare[i] / 1e3, ratio = us / bare;

		printf("%-38s %9.1f  %-24s %9.1f  %6.3f", c->name, us, cases[c->against].name, bare,
		    ratio);
		if (c->target > 0)
			printf("  %6.2f  %s", c->target, word(ratio <= c->target, &missed));
		printf("\n");
		(void)fprintf(json,
		    "%s{\"case\":\"%s\",\"us\":%.2f,\"against\":\"%s\",\"against_us\":%.2f,"
		    "\"ratio\":%.4f,\"target\":%.2f}",
		    i > QUOTE_COLD ? "," : "", c->name, us, cases[c->against].name, bare, ratio,
		    c->target);
	}
	(void)fprintf(json, "]");

	if (r->has_threads) {
		/* Whatever else runs can only slow them down: the best of each counts. A machine on which
		 * bare signatures, which share nothing, gain less than the target cannot judge it. */
		double gain = largest(r->two, THREAD_ROUNDS) / largest(r->one, THREAD_ROUNDS);
		double bare =
		    largest(r->bare_two, THREAD_ROUNDS) / largest(r->bare_one, THREAD_ROUNDS);
		bool judged = gain >= 1.9 || bare >= 1.9;
		printf("%-38s %9s  %-24s %9s  %6.3f  %6.2f  %s\n", "two threads, quote, warm", "",
		    "one thread", "", gain, 1.9,
		    judged ? word(gain >= 1.9, &missed) : "not judged");
		printf("%-38s %9s  %-24s %9s  %6.3f\n", "two threads, bare signatures", "",
		    "one thread", "", bare);
		(void)fprintf(json,
		    ",\"threads\":{\"ratio\":%.4f,\"bare\":%.4f,\"target\":1.9,\"judged\":%s}",
		    gain, bare, judged ? "true" : "false");
	} else {
		printf("two threads: this process has one core only\n");
	}

	printf("\n%-38s %9s  %-24s %9s  %6s  %6s\n", "bare verification", "us", "compared with",
	    "us", "ratio", "target");
	/* A slow yardstick would flatter every ratio above. */
	static const char *const curves[] = { "P-256", "P-384" };
	(void)fprintf(json, ",\"bare\":[");
	for (size_t i = 0; i < 2; i++) {
		double ours_us = r->beside[i] / SPEEDS / 1e3, speed_us = r->speed[i] / SPEEDS / 1e3;
		double ratio = speed_us > 0 ? ours_us / speed_us : 0;

		if (speed_us > 0)
			printf("%-38s %9.1f  %-24s %9.1f  %6.3f  %6.2f  %s\n", curves[i], ours_us,
			    "openssl speed", speed_us, ratio, 1.05,
			    word(ratio >= 0.95 && ratio <= 1.05, &missed));
		else
			printf("%-38s %9s  openssl speed could not be run\n", curves[i], "");
		(void)fprintf(json,
		    "%s{\"curve\":\"%s\",\"us\":%.2f,\"openssl_us\":%.2f,\"ratio\":%.4f}",
		    i > 0 ? "," : "", curves[i], ours_us, speed_us, ratio);
	}
	(void)fprintf(json, "],\"allocations\":[");

	printf("\n%-38s %9s  %9s\n", "allocations of one verification", "ours", "libcrypto");
	for (int i = 0, n = 0; i < CASES; i++) {
		if (!cases[i].warm)
			continue;
		printf("%-38s %9zu  %9zu  %s\n", cases[i].name, r->ours[i], r->theirs[i],
		    word(r->ours[i] == 0, &missed));
		(void)fprintf(json, "%s{\"case\":\"%s\",\"ours\":%zu,\"libcrypto\":%zu}",
		    n++ > 0 ? "," : "", cases[i].name, r->ours[i], r->theirs[i]);
	}
	(void)fprintf(json, "],\"met\":%s}\n", missed ? "false" : "true");
	printf("\n%s\n", missed ? "a target is missed" : "all targets are met");
	return !missed;
}

int
main(int argc, char **argv)
{
	static struct world w;
	static struct results r;

	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		die("libcrypto has allocated already");
	if (argc != 2) {
		(void)fputs("usage: bench FILE.json\n", stderr);
		return 2;
	}
	FILE *json = fopen(argv[1], "w");
	if (json == NULL)
		die("cannot write %s", argv[1]);

	struct sim *sim = sim_new(1);
	for (unsigned i = 0; i < KEYS_MAX; i++) {
		char label[32];
		(void)snprintf(label, sizeof label, "bench %u", i);
		w.p256[i] = signature_make(sim, SIM_P256, label);
	}
	w.p384 = signature_make(sim, SIM_P384, "bench");
	w.rsa[0] = signature_make(sim, SIM_RSA4096, "ark-Milan");
	w.rsa[1] = signature_make(sim, SIM_RSA4096, "ask-Milan");
	quote_load(&w.quote, sim);
	report_load(&w.report, sim);
	guest_load(&w.guest, sim);
	cert_load(&w.peer, &w.cert, sim);

	r.has_threads = cores() >= 2;
	for (size_t i = 0; r.has_threads && i < THREAD_ROUNDS; i++) {
		r.bare_one[i] = throughput(&w.quote, w.p256, 1);
		r.bare_two[i] = throughput(&w.quote, w.p256, 2);
		r.one[i] = throughput(&w.quote, NULL, 1);
		r.two[i] = throughput(&w.quote, NULL, 2);
	}

	w.own = policy_make();
	if (assay_checks_new(&w.rules, &(struct assay_error){ .text = "" }) != ASSAY_OK)
		die("no memory");
	pin(cores() - 1);
	static const struct {
		const struct bench_case *bare;
		const char *command;
	} yardsticks[] = {
		{ &cases[C_P256_ONE], "openssl speed -mr -seconds 2 ecdsap256 2>&1" },
		{ &cases[C_P384_ONE], "openssl speed -mr -seconds 2 ecdsap384 2>&1" },
	};
	for (size_t i = QUOTE_COLD; i < CASES; i++)
		r.ns[i] = r.bare[i] = INFINITY;
	for (size_t round = 0, still = 0; still < ROUNDS && round < ROUNDS_MOST; round++) {
		bool news = false;
		for (size_t i = QUOTE_COLD; i < CASES; i++)
			news |= measure(&r.ns[i], &r.bare[i], &cases[i], &w);
		still = news ? 0 : still + 1;
		for (size_t i = 0; i < 2 && round % 5 == 0 && round / 5 < SPEEDS; i++)
			openssl_speed(&r.speed[i], &r.beside[i], yardsticks[i].command,
			    yardsticks[i].bare, &w);
	}
	for (size_t i = 0; i < CASES; i++) {
		ours = theirs = 0;
		cases[i].run(&w);
		r.ours[i] = ours;
		r.theirs[i] = theirs;
	}

	bool met = print(json, &r, &w);
	if (fclose(json) != 0)
		die("cannot write %s", argv[1]);
	return met ? 0 : 1;
}
