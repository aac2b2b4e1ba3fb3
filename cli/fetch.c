/* SPDX-License-Identifier: Apache-2.0 */
/* assay collateral fetch: the one command that talks to the vendors' services. What comes from
 * there proves nothing by itself: it is stored if it is of the kind that was asked for, and judged
 * by whoever verifies with it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <assay/cert.h>

#include "collateral.h"
#include "command.h"
#include "http.h"
#include "input.h"
#include "screen.h"
#include "value.h"
#include "verdict.h"
#include "want.h"

enum {
	SOURCES_MAX = 8,
	WANTS_MAX = 256,
	EVIDENCE_MAX = 64,
};

struct source {
	const char *base; /* NULL: the vendors' own services */
	bool intel, amd;  /* which of them */
	bool unreachable;
};

struct job {
	const struct args *args;
	struct screen report;
	struct assay_trust *store; /* all that is at the place */
	const char *path;          /* of the folder or bundle; NULL: a bundle to standard output */
	bool folder;
	int64_t now;
	struct http *http;
	struct source sources[SOURCES_MAX];
	size_t source_count;
	struct want wants[WANTS_MAX];
	const struct assay_evidence *whose[WANTS_MAX]; /* the evidence that wants it; or NULL */
	bool served[WANTS_MAX];
	size_t want_count;
	struct assay_evidence *evidence[EVIDENCE_MAX];
	size_t evidence_count;
	bool refused, trouble; /* of any */
};

/* --- the answer -------------------------------------------------------------------------- */

static void
tell(struct job *job, const char *word, const char *name, const char *more)
{
	char text[2 * WANT_NAME + URL_SIZE];

	snprintf(text, sizeof text, "%s%s%s", name, more[0] != '\0' ? ", " : "", more);
	fprintf(job->report.to, "%-8s  ", word);
	screen_wrap(&job->report, 10, 10, text);
}

static void
tell_until(struct job *job, const char *word, const char *name, const char *from, int64_t until)
{
	char when[TIME_MAX], text[URL_SIZE + 64];

	value_time_text(when, until);
	snprintf(text, sizeof text, "%s%s%s%s", from, from[0] != '\0' ? ", " : "",
	    until == INT64_MAX ? "" : "until ", until == INT64_MAX ? "without end" : when);
	tell(job, word, name, text);
}

/* --- what is there ----------------------------------------------------------------------- */

static struct assay_trust *
new_trust(const struct job *job)
{
	struct assay_trust *trust = NULL;
	struct assay_error err;

	if (assay_trust_new(&trust, &err) != ASSAY_OK)
		complain(job->args->command, "%s", err.text);
	return trust;
}

static int
load_file(void *arg, const char *path, const struct input *in)
{
	struct job *job = arg;
	struct assay_error err;
	enum assay_code code = assay_trust_add(job->store, input_bytes(in), path, NULL, &err);

	if (code == ASSAY_E_NOMEM) {
		complain(job->args->command, "%s", err.text);
		return EXIT_TROUBLE;
	}
	if (code == ASSAY_E_FORMAT)
		complain(job->args->command, "passed over: %s", err.text);
	return 0;
}

/* What an earlier run has fetched. */
static int
load(struct job *job)
{
	struct input in = { 0 };
	struct assay_error err;

	if (job->path == NULL)
		return 0;
	if (job->folder) {
		if (mkdir(job->path, 0777) != 0 && errno != EEXIST) {
			complain(job->args->command, "%s: %s", job->path, strerror(errno));
			return EXIT_TROUBLE;
		}
		return input_folder(job->args->command, job->path, load_file, job);
	}
	if (access(job->path, F_OK) != 0)
		return 0;
	int rc = input_read(job->args->command, &in, job->path, "a bundle");
	if (rc == 0 && in.len > 0 &&
	    assay_trust_add(job->store, input_bytes(&in), job->path, NULL, &err) != ASSAY_OK) {
		complain(job->args->command,
		    "%s; it was there before, and nothing was changed: name another file",
		    err.text);
		rc = EXIT_USAGE;
	}
	input_clear(&in);
	return rc;
}

/* --- VCEKs: which one a report wants is known by verifying it ---------------------------- */

/* What evidence claims, proven or not, and its checks, with this certificate alone (empty: with none
 * but its own). The caller frees both. */
static bool
look_at(const struct job *job, const struct assay_evidence *ev, struct assay_bytes cert,
    struct assay_claims **claims, struct assay_checks **checks)
{
	struct assay_trust *trust = new_trust(job);
	struct assay_error err;
	enum assay_code code = ASSAY_E_NOMEM;

	*claims = NULL;
	*checks = NULL;
	if (trust != NULL && assay_checks_new(checks, &err) == ASSAY_OK &&
	    (cert.len == 0 || assay_trust_add(trust, cert, "VCEK", NULL, &err) == ASSAY_OK)) {
		const struct assay_appraisal how = { .trust = trust, .now = job->now };
		code = assay_evidence_verify(claims, *checks, ev, &how, &err);
	}
	assay_trust_free(trust);
	if (*claims != NULL && code != ASSAY_E_NOMEM && code != ASSAY_E_USAGE)
		return true;
	complain(job->args->command, "out of memory");
	return false;
}

static bool
passes(const struct assay_checks *checks, const char *id)
{
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		if (strcmp(assay_check_id(checks, i), id) == 0)
			return assay_check_outcome(checks, i) == ASSAY_PASS;
	return false;
}

/* The certificate (empty: the one that came with the report) is for this chip and its TCB. */
static bool
is_vcek_of(const struct job *job, const struct assay_evidence *ev, struct assay_bytes cert)
{
	struct assay_checks *checks;
	struct assay_claims *claims;
	bool ok = look_at(job, ev, cert, &claims, &checks) && passes(checks, "snp.vcek.kind") &&
	    passes(checks, "snp.vcek.tcb_matches") && passes(checks, "snp.vcek.chip_id");

	assay_claims_free(claims);
	assay_checks_free(checks);
	return ok;
}

/* Item i of trust will do for what is wanted, dates aside. */
static bool
serves(const struct job *job, size_t w, const struct assay_trust *trust, size_t i)
{
	const struct want *want = &job->wants[w];

	return want_matches(want, trust, i) &&
	    (want->thing != THING_VCEK || job->whose[w] == NULL ||
		is_vcek_of(job, job->whose[w], assay_trust_item_bytes(trust, i)));
}

/* The end of the item of the store that serves longest; INT64_MIN if there is none. */
static int64_t
end_of(const struct job *job, size_t w, const struct assay_trust *trust)
{
	int64_t end = INT64_MIN;

	for (size_t i = 0; i < assay_trust_count(trust); i++)
		if (assay_trust_item_until(trust, i) > end && serves(job, w, trust, i))
			end = assay_trust_item_until(trust, i);
	return end;
}

/* --- what is wanted ---------------------------------------------------------------------- */

static bool
same_want(const struct job *job, size_t i, const struct want *w)
{
	char a[WANT_NAME], b[WANT_NAME];

	want_file(&job->wants[i], a);
	want_file(w, b);
	return strcmp(a, b) == 0;
}

static int
want(struct job *job, const struct want *w, const struct assay_evidence *ev)
{
	for (size_t i = 0; i < job->want_count; i++)
		if (same_want(job, i, w))
			return 0;
	if (job->want_count == WANTS_MAX) {
		complain(job->args->command, "more than %d things are wanted at once", WANTS_MAX);
		return EXIT_USAGE;
	}
	job->whose[job->want_count] = ev;
	job->wants[job->want_count++] = *w;
	return 0;
}

static int
want_intel(struct job *job, struct want w, const struct assay_evidence *ev, bool both_cas)
{
	static const enum thing things[] = { THING_TCB_INFO, THING_QE_IDENTITY, THING_PCK_CRL,
		THING_ROOT_CRL };
	int rc = 0;

	w.early = args_has(job->args, OPT_EARLY);
	for (size_t i = 0; i < sizeof things / sizeof things[0] && rc == 0; i++) {
		w.thing = things[i];
		rc = want(job, &w, ev);
	}
	if (rc == 0 && both_cas) {
		w.thing = THING_PCK_CRL;
		w.processor = !w.processor;
		rc = want(job, &w, ev);
	}
	return rc;
}

static int
want_amd(struct job *job, struct want w, const struct assay_evidence *ev, bool leaf)
{
	static const enum thing things[] = { THING_VCEK, THING_AMD_CHAIN, THING_AMD_CRL };
	int rc = 0;

	for (size_t i = leaf ? 0 : 1; i < sizeof things / sizeof things[0] && rc == 0; i++) {
		w.thing = things[i];
		rc = want(job, &w, ev);
	}
	return rc;
}

static void
cannot(struct job *job, const char *path, const char *name, const char *sentence)
{
	char text[WANT_NAME];

	snprintf(text, sizeof text, "of %s", path);
	tell(job, "missing", name, text);
	complain(job->args->command, "%s: %s", path, sentence);
	job->refused = true;
}

/* The product of a report that does not name it, when its VCEK is there already. */
static bool
product_of_store(const struct job *job, const struct assay_evidence *ev, char out[PRODUCT_SIZE])
{
	const struct want any = { .thing = THING_VCEK };

	for (size_t i = 0; i < assay_trust_count(job->store); i++) {
		struct assay_bytes cert = assay_trust_item_bytes(job->store, i);
		struct assay_checks *checks;
		struct assay_claims *claims;
		if (!want_matches(&any, job->store, i) || !is_vcek_of(job, ev, cert))
			continue;
		if (look_at(job, ev, cert, &claims, &checks))
			snprintf(out, PRODUCT_SIZE, "%s", claim_text(claims, "platform.product"));
		assay_claims_free(claims);
		assay_checks_free(checks);
		return out[0] != '\0';
	}
	return false;
}

static int
want_for_snp(struct job *job, const char *path, const struct assay_evidence *ev,
    const struct assay_claims *claims, const struct assay_checks *checks)
{
	static const char *const guesses[] = { "Milan", "Genoa" };
	struct want w = { .guess = false };
	bool told = want_read_snp(&w, claims, checks);
	bool leaf = !w.vlek && !is_vcek_of(job, ev, (struct assay_bytes){ NULL, 0 });
	size_t i;
	int rc = 0;

	bool masked = claim_find(claims, "snp.chip_id_masked", &i) && assay_claims_bool(claims, i);
	if (w.vlek && !passes(checks, "snp.vcek.kind"))
		cannot(job, path, "VLEK",
		    "its VLEK cannot be asked for: AMD gives it to the cloud provider alone, whose "
		    "host hands it to the guest; take the evidence with its certificates");
	if (leaf && masked) {
		cannot(job, path, "VCEK",
		    "its VCEK cannot be asked for: the report does not name its chip (CHIP_ID is "
		    "zero); take the evidence with the certificates of its host");
		leaf = false;
	}
	if (w.product[0] != '\0' || product_of_store(job, ev, w.product))
		return want_amd(job, w, ev, leaf);
	w.guess = true;
	if (!leaf || !told)
		cannot(job, path, "certificates",
		    "the report does not name its product; give --product Milan or Genoa");
	for (i = 0; i < 2 && leaf && rc == 0; i++) {
		snprintf(w.product, sizeof w.product, "%s", guesses[i]);
		rc = want_amd(job, w, ev, true);
	}
	return rc;
}

/* What a piece of evidence wants is known by what it claims, proven or not. */
static int
want_for(struct job *job, const char *path, const struct assay_evidence *ev)
{
	struct assay_checks *checks;
	struct assay_claims *claims;
	const char *tee = assay_evidence_tee(ev);
	struct want w = { .tdx = strcmp(tee, "tdx") == 0 };
	int rc = 0;

	if (!look_at(job, ev, (struct assay_bytes){ NULL, 0 }, &claims, &checks)) {
		rc = EXIT_TROUBLE;
	} else if (strcmp(tee, "snp") == 0) {
		rc = want_for_snp(job, path, ev, claims, checks);
	} else if (strcmp(tee, "tdx") == 0 || strcmp(tee, "sgx") == 0) {
		if (want_read_dcap(&w, claims))
			rc = want_intel(job, w, ev, false);
		else
			cannot(job, path, "PCK certificate",
			    "the quote holds no PCK certificate, and only its platform can ask for "
			    "it; take a quote with certification data of type 5");
	} else {
		cannot(job, path, "CEK",
		    "no service is asked for evidence of this kind: its certificates come from its "
		    "host (assay-verify(1), COLLATERAL)");
	}
	assay_claims_free(claims);
	assay_checks_free(checks);
	return rc;
}

/* Evidence, or a certificate that carries some. */
static enum assay_code
parse_evidence(struct assay_evidence **out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_cert *cert = NULL;
	struct assay_error ignored;
	enum assay_code rc = assay_evidence_parse(out, in, err);

	if (rc == ASSAY_OK || rc == ASSAY_E_NOMEM ||
	    assay_cert_parse(&cert, in, &ignored) != ASSAY_OK)
		return rc;
	const struct assay_evidence *within = assay_cert_evidence(cert);
	if (within != NULL)
		rc = assay_evidence_parse(out, assay_evidence_raw(within), err);
	assay_cert_free(cert);
	return rc;
}

static int
read_evidence(struct job *job, const char *path)
{
	struct input in = { 0 };
	struct assay_error err;
	int rc = input_evidence(job->args->command, &in, path);

	if (rc == 0 && job->evidence_count == EVIDENCE_MAX) {
		complain(job->args->command, "more than %d pieces of evidence", EVIDENCE_MAX);
		rc = EXIT_USAGE;
	}
	if (rc == 0) {
		struct assay_evidence **ev = &job->evidence[job->evidence_count];
		enum assay_code code = parse_evidence(ev, input_bytes(&in), &err);
		if (code != ASSAY_OK) {
			complain(job->args->command, "%s: %s", path, err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		} else {
			job->evidence_count++;
			rc = want_for(job, path, *ev);
		}
	}
	input_clear(&in);
	return rc;
}

/* "--tee tdx --fmspc 5ac06f000000" */
static int
want_fmspc(struct job *job, const char *tee, const char *fmspc)
{
	struct want w = { .tdx = tee == NULL || strcmp(tee, "tdx") == 0 };

	if (strlen(fmspc) != FMSPC_SIZE - 1 ||
	    strspn(fmspc, "0123456789abcdefABCDEF") != FMSPC_SIZE - 1)
		return misused(job->args->command, "--fmspc: \"%s\" is not 12 hex digits", fmspc);
	if (tee == NULL || (!w.tdx && strcmp(tee, "sgx") != 0))
		return misused(
		    job->args->command, "--fmspc: of which TEE? give --tee tdx or --tee sgx");
	for (size_t i = 0; i < FMSPC_SIZE - 1; i++)
		w.fmspc[i] =
		    (char)(fmspc[i] >= 'A' && fmspc[i] <= 'F' ? fmspc[i] - 'A' + 'a' : fmspc[i]);
	return want_intel(job, w, NULL, true);
}

static int
want_product(struct job *job, const char *tee, const char *product)
{
	static const char *const names[] = { "Milan", "Genoa", "Turin", "Venice" };
	struct want w = { .vlek = false };
	size_t i = 0;

	if (tee != NULL && strcmp(tee, "snp") != 0 && strcmp(tee, "sev-snp") != 0)
		return misused(job->args->command, "--product: is for --tee snp");
	while (i < sizeof names / sizeof names[0] && strcmp(names[i], product) != 0)
		i++;
	if (i == sizeof names / sizeof names[0])
		return misused(job->args->command,
		    "--product: \"%s\" is none of Milan, Genoa, Turin, Venice", product);
	snprintf(w.product, sizeof w.product, "%s", product);
	return want_amd(job, w, NULL, false);
}

static int
read_wants(struct job *job)
{
	const struct args *args = job->args;
	const char *tee = args_value(args, OPT_TEE);
	const char *fmspc = args_value(args, OPT_FMSPC), *product = args_value(args, OPT_PRODUCT);
	int rc = 0;

	if (tee != NULL && fmspc == NULL && product == NULL)
		return misused(args->command, "--tee: needs --fmspc HEX, or --product P");
	if (args->operand_count == 0 && fmspc == NULL && product == NULL)
		return misused(args->command,
		    "for what? name EVIDENCE, or give --tee T --fmspc HEX, or --product P");
	if (fmspc != NULL)
		rc = want_fmspc(job, tee, fmspc);
	if (rc == 0 && product != NULL)
		rc = want_product(job, fmspc != NULL ? NULL : tee, product);
	for (size_t i = 0; i < args->operand_count && rc == 0; i++)
		rc = read_evidence(job, args->operands[i]);
	return rc;
}

/* --- storing ----------------------------------------------------------------------------- */

static bool
write_in_folder(struct job *job, const char *name, const char *suffix, struct assay_bytes bytes)
{
	char file[WANT_NAME + 16];

	snprintf(file, sizeof file, "%s%s", name, suffix);
	char *path = input_join(job->path, file);
	bool ok = path != NULL && screen_write_file(path, (const char *)bytes.ptr, bytes.len);
	if (!ok)
		complain(job->args->command, "%s: cannot be written: %s",
		    path != NULL ? path : job->path, strerror(errno));
	free(path);
	return ok;
}

static bool
write_bundle(struct job *job)
{
	struct screen bundle = { .command = job->args->command };
	bool ok = false;

	bundle.to = open_memstream(&bundle.text, &bundle.len);
	if (bundle.to != NULL) {
		collateral_put(&bundle, job->store);
		ok = !ferror(bundle.to);
		ok = fclose(bundle.to) == 0 && ok &&
		    screen_write_file(job->path, bundle.text, bundle.len);
	}
	if (!ok)
		complain(
		    job->args->command, "%s: cannot be written: %s", job->path, strerror(errno));
	free(bundle.text);
	return ok;
}

/* At once, so that the next run need not fetch it again. */
static bool
store(struct job *job, const struct want *w, const char *url, struct assay_bytes body,
    struct assay_bytes chain)
{
	struct assay_error err;
	char name[WANT_NAME];

	if ((chain.len > 0 && assay_trust_add(job->store, chain, url, NULL, &err) != ASSAY_OK) ||
	    assay_trust_add(job->store, body, url, NULL, &err) != ASSAY_OK) {
		complain(job->args->command, "%s", err.text);
		return false;
	}
	if (job->path == NULL)
		return true;
	if (!job->folder)
		return write_bundle(job);
	want_file(w, name);
	/* The chain first: an item that is there has its signer's certificate beside it. */
	return (chain.len == 0 || write_in_folder(job, name, "-chain.pem", chain)) &&
	    write_in_folder(job, name, "", body);
}

/* --- fetching ---------------------------------------------------------------------------- */

static bool
served_by(const struct source *s, const struct want *w)
{
	return s->base != NULL || (want_is_intel(w) ? s->intel : s->amd);
}

/* The answer is what was asked for, and well formed; *until is its end. */
static bool
is_wanted(struct job *job, size_t w, const char *url, struct assay_bytes body,
    struct assay_bytes chain, int64_t *until)
{
	struct assay_trust *trust = new_trust(job);
	struct assay_error err = { .text = "" };
	char name[WANT_NAME];
	bool ok = false;

	if (trust == NULL)
		return false;
	want_name(&job->wants[w], name);
	if (assay_trust_add(trust, body, url, NULL, &err) != ASSAY_OK)
		complain(job->args->command, "%s; nothing of it was stored", err.text);
	else if ((*until = end_of(job, w, trust)) == INT64_MIN)
		complain(job->args->command,
		    "%s: the answer is %s, %s, and not %s; nothing of it was stored", url,
		    assay_trust_item_kind(trust, 0), assay_trust_item_subject(trust, 0), name);
	else if (chain.len > 0 && assay_trust_add(trust, chain, url, NULL, &err) != ASSAY_OK)
		complain(job->args->command,
		    "%s (the issuer chain in the header); nothing of it was stored", err.text);
	else
		ok = true;
	assay_trust_free(trust);
	return ok;
}

/* "https://kdsintf.amd.com" */
static const char *
url_host(const char *url, char out[URL_SIZE])
{
	const char *host = strstr(url, "://");
	size_t len = host != NULL ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?") : 0;

	snprintf(out, URL_SIZE, "%.*s", (int)len, url);
	return out;
}

enum outcome { STORED, REFUSED, UNKNOWN, TROUBLE };

static enum outcome
ask(struct job *job, size_t w, struct source *source, const char *url)
{
	struct http_answer answer;
	char name[WANT_NAME], doing[WANT_NAME + 16], host[URL_SIZE];
	enum outcome outcome = REFUSED;
	int64_t until;

	want_name(&job->wants[w], name);
	snprintf(doing, sizeof doing, "fetching %s", name);
	http_doing(job->http, doing);
	if (!http_get(job->http, url, &answer)) {
		complain(job->args->command, "%s: %s; what was fetched is kept", url, answer.why);
		source->unreachable = answer.unreachable;
		http_answer_clear(&answer);
		return TROUBLE;
	}
	struct assay_bytes body = { answer.body, answer.len };
	struct assay_bytes chain = { (const uint8_t *)answer.chain, strlen(answer.chain) };
	if (answer.status == 404 || answer.status == 410 || answer.status == 400) {
		outcome = UNKNOWN;
	} else if (answer.status != 200) {
		complain(job->args->command,
		    "%s: answers %ld, which is neither the thing nor that it is unknown%s", url,
		    answer.status,
		    answer.status / 100 == 3 ? "; give the URL that it has moved to" : "");
		outcome = answer.status >= 500 ? TROUBLE : REFUSED;
	} else if (is_wanted(job, w, url, body, chain, &until)) {
		outcome = store(job, &job->wants[w], url, body, chain) ? STORED : TROUBLE;
		if (outcome == STORED)
			tell_until(job, "fetched", name, url_host(url, host), until);
		if (outcome == STORED && until < job->now) {
			complain(job->args->command,
			    "%s: what is served has ended; it is kept, for a verdict as of its "
			    "time",
			    url);
			job->refused = true;
		}
	}
	http_answer_clear(&answer);
	return outcome;
}

/* The first of two guesses may fail without harm. */
static bool
is_first_guess(const struct job *job, size_t w)
{
	for (size_t i = w + 1; i < job->want_count && job->wants[w].guess; i++)
		if (job->wants[i].thing == THING_VCEK && job->whose[i] == job->whose[w])
			return true;
	return false;
}

static void
fetch(struct job *job, size_t w)
{
	enum outcome worst = UNKNOWN;
	char name[WANT_NAME], url[URL_SIZE];
	bool asked = false;

	want_name(&job->wants[w], name);
	for (size_t s = 0; s < job->source_count; s++) {
		struct source *source = &job->sources[s];
		if (!served_by(source, &job->wants[w]))
			continue;
		asked = true;
		if (source->unreachable)
			worst = TROUBLE;
		for (size_t n = 0;
		     !source->unreachable && want_url(&job->wants[w], source->base, n, url); n++) {
			enum outcome o = ask(job, w, source, url);
			job->served[w] = o == STORED;
			if (o == STORED)
				return;
			worst = o == TROUBLE || (o == REFUSED && worst == UNKNOWN) ? o : worst;
		}
	}
	if (worst == UNKNOWN && asked && is_first_guess(job, w))
		return;
	tell(job, "missing", name,
	    !asked                 ? "which no --from serves"
		: worst == UNKNOWN ? "which the service does not know"
				   : "");
	job->trouble = job->trouble || worst == TROUBLE;
	job->refused = job->refused || worst != TROUBLE;
}

/* A product that is only guessed at: its VCEK is asked for unless another guess came true, and
 * the rest once its VCEK is there. */
static bool
is_idle_guess(const struct job *job, size_t w)
{
	bool here = false, elsewhere = false;

	if (!job->wants[w].guess)
		return false;
	for (size_t i = 0; i < w; i++) {
		if (job->wants[i].thing != THING_VCEK || job->whose[i] != job->whose[w] ||
		    !job->served[i])
			continue;
		bool same = strcmp(job->wants[i].product, job->wants[w].product) == 0;
		here = here || same;
		elsewhere = elsewhere || !same;
	}
	return job->wants[w].thing == THING_VCEK ? elsewhere : !here;
}

static void
fetch_all(struct job *job)
{
	char name[WANT_NAME];

	for (size_t w = 0; w < job->want_count; w++) {
		int64_t until = end_of(job, w, job->store);
		if (is_idle_guess(job, w))
			continue;
		want_name(&job->wants[w], name);
		/* Whether what is there is the newest that Intel has is known to Intel alone. */
		bool newer = job->wants[w].early && job->wants[w].thing <= THING_QE_IDENTITY;
		job->served[w] = until > job->now && !newer;
		if (job->served[w])
			tell_until(job, "kept", name, "", until);
		else
			fetch(job, w);
	}
}

/* --- the command ------------------------------------------------------------------------- */

static int
read_sources(struct job *job)
{
	const struct args *args = job->args;

	for (size_t i = 0; i < args->given_count; i++) {
		const char *value = args->given[i].value;
		struct source *s = &job->sources[job->source_count];
		if (args->given[i].option->id != OPT_FROM)
			continue;
		if (job->source_count == SOURCES_MAX)
			return misused(args->command, "--from: more than %d", SOURCES_MAX);
		*s = (struct source){ .intel = strcmp(value, "intel") == 0,
			.amd = strcmp(value, "amd") == 0 };
		if (!s->intel && !s->amd)
			s->base = value;
		if (s->base != NULL && !http_scheme(value, "https://") &&
		    !http_scheme(value, "http://"))
			return misused(args->command,
			    "--from: \"%s\" is none of intel, amd, https://..., http://...", value);
		job->source_count++;
	}
	if (job->source_count == 0)
		job->sources[job->source_count++] = (struct source){ .intel = true, .amd = true };
	return 0;
}

static int
read_place(struct job *job)
{
	const char *output = args_value(job->args, OPT_OUTPUT);

	if (output == NULL || output[0] == '\0')
		return misused(job->args->command,
		    "-o PATH is missing: name a folder (with / at its end), a bundle, or - for "
		    "standard output");
	job->path = strcmp(output, "-") == 0 ? NULL : output;
	job->folder =
	    job->path != NULL && (output[strlen(output) - 1] == '/' || input_is_folder(output));
	return 0;
}

static int
finish(struct job *job)
{
	int rc = job->trouble ? EXIT_TROUBLE : job->refused ? EXIT_NO : EXIT_YES;
	bool quiet = args_has(job->args, OPT_QUIET);
	struct screen bundle = { .command = job->args->command };

	if (job->path == NULL) {
		/* Where the bundle takes standard output, nothing else may. */
		quiet = true;
		bundle.to = open_memstream(&bundle.text, &bundle.len);
		if (bundle.to == NULL)
			rc = EXIT_TROUBLE;
		else {
			collateral_put(&bundle, job->store);
			rc = screen_close(&bundle, false, rc);
		}
	}
	return screen_close(&job->report, quiet, rc);
}

static int
run(struct job *job)
{
	const struct args *args = job->args;
	int64_t timeout_s;
	int rc;

	if ((rc = read_place(job)) != 0 || (rc = read_sources(job)) != 0 ||
	    (rc = value_timeout(args, &timeout_s)) != 0 ||
	    (rc = value_ca(args->command, args_value(args, OPT_CA))) != 0)
		return rc;
	if ((job->store = new_trust(job)) == NULL)
		return EXIT_TROUBLE;
	if ((rc = screen_open(&job->report, args)) != 0)
		return rc;
	job->report.output = NULL; /* -o is for the collateral */
	if ((rc = load(job)) == 0 && (rc = read_wants(job)) == 0) {
		const char *why;
		job->http = http_open(timeout_s, args_value(args, OPT_CA),
		    isatty(STDERR_FILENO) && !args_has(args, OPT_QUIET), &why);
		if (job->http == NULL) {
			complain(args->command, "%s", why);
			rc = EXIT_TROUBLE;
		}
	}
	if (rc != 0)
		return screen_close(&job->report, true, rc);
	fetch_all(job);
	http_close(job->http);
	return finish(job);
}

static int
run_fetch(const struct args *args)
{
	struct job *job = calloc(1, sizeof *job);

	if (job == NULL) {
		complain(args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	job->args = args;
	(void)value_time(&job->now, "now");
	int rc = run(job);
	for (size_t i = 0; i < job->evidence_count; i++)
		assay_evidence_free(job->evidence[i]);
	assay_trust_free(job->store);
	free(job);
	return rc;
}

static const struct option options[] = {
	{ OPT_OUTPUT, 'o', "output", "PATH", false, NULL,
	    "a folder (ends in /) or a bundle; needed" },
	{ OPT_FROM, 0, "from", "SOURCE", true, NULL, "intel, amd, or a URL (both vendors)" },
	{ OPT_EARLY, 0, "early", NULL, false, NULL, "Intel: the newest evaluation number" },
	{ OPT_TEE, 0, "tee", "T", false, "tdx|sgx|snp", "without evidence: tdx, sgx or snp" },
	{ OPT_FMSPC, 0, "fmspc", "HEX", false, NULL, "without evidence: Intel's platform" },
	{ OPT_PRODUCT, 0, "product", "P", false, "Milan|Genoa|Turin|Venice",
	    "without evidence: AMD's product" },
	OPTION_CA,
	OPTION_TIMEOUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "do not list what was fetched or kept" },
	OPTION_HELP,
	OPTION_END,
};

const struct command command_collateral_fetch = {
	.name = "collateral fetch",
	.arguments = "[options] EVIDENCE... -o PATH",
	.summary = "Gets what evidence needs from the vendors' services.",
	.operands = "  EVIDENCE   quotes, reports, bundles; - for standard input\n",
	.words = NULL,
	.options = options,
	.examples = { "assay collateral fetch -o platform.bundle quote.bin",
	    "assay collateral fetch --tee tdx --fmspc b0c06f000000 -o collateral/" },
	.exits = "0 all is there, 1 some cannot be had, 2 usage, 4 trouble",
	.page = "assay-collateral",
	.run = run_fetch,
};
