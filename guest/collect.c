/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <assay/bundle.h>

enum {
	EVENTLOG_MAX = 2 * 1024 * 1024, /* the bundle's limit */
	CONF_MAX = 64 * 1024,
	RETRY_MS = 20,
};

/* In the order in which they are tried. */
const struct guest_provider *const guest_providers[] = {
	&guest_configfs_tsm,
	&guest_tdx_device,
	&guest_snp_device,
	&guest_sgx_attestation,
	&guest_enarx,
	&guest_sev_es,
	&guest_sev,
	NULL,
};

static const struct {
	const char *maker, *tee;
} makers[] = {
	{ "tdx_guest", "tdx" },
	{ "sev_guest", "snp" },
};

const char *
assay_guest_tee_of(const char *maker)
{
	for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
		if (strcmp(makers[i].maker, maker) == 0)
			return makers[i].tee;
	return "opaque";
}

/* --- request -------------------------------------------------------------------------------- */

static bool
known_provider(const char *name)
{
	for (size_t i = 0; guest_providers[i] != NULL; i++)
		if (strcmp(guest_providers[i]->name, name) == 0)
			return true;
	return false;
}

/* Texts that go into a file of the kernel by one write: printable, and short. */
static bool
plain(const char *text)
{
	size_t n = 0;

	for (; text != NULL && text[n] != '\0'; n++)
		if (text[n] < 0x21 || text[n] > 0x7e || n > 64)
			return false;
	return text == NULL || n > 0;
}

static enum assay_code
check_request(const struct assay_guest_request *q, struct assay_error *err)
{
	if (q->report_data.len == 0 || q->report_data.len > ASSAY_GUEST_REPORT_DATA)
		return assay_fail(err, ASSAY_E_USAGE, "report data is %zu bytes, want 1 to %d",
		    q->report_data.len, ASSAY_GUEST_REPORT_DATA);
	if (q->has_vmpl && q->vmpl > 3)
		return assay_fail(
		    err, ASSAY_E_USAGE, "privilege level is %u; there are 0 to 3", q->vmpl);
	if ((unsigned)q->endorsements > ASSAY_GUEST_ALL)
		return assay_fail(err, ASSAY_E_USAGE,
		    "endorsements is %u, none of the enum's values", (unsigned)q->endorsements);
	if (!plain(q->service_provider) || !plain(q->service_guid) || !plain(q->service_version))
		return assay_fail(err, ASSAY_E_USAGE,
		    "service provider, GUID or version is empty, long or not printable");
	if (q->provider != NULL && !known_provider(q->provider))
		return assay_fail(err, ASSAY_E_USAGE, "there is no provider %s",
		    assay_quote(assay_bytes_of(q->provider)).text);
	return ASSAY_OK;
}

enum assay_code
assay_guest_job(
    struct guest_job *out, const struct assay_guest_request *request, struct assay_error *err)
{
	static const struct assay_guest_request nothing;
	const struct assay_guest_request *q = request != NULL ? request : &nothing;
	struct guest_job job = { .request = q,
		.root = q->root != NULL ? q->root : "",
		.deadline =
		    guest_now_ms() + (q->timeout_ms > 0 ? q->timeout_ms : GUEST_TIMEOUT_MS) };

	if (strcmp(job.root, "/") == 0)
		job.root = "";
	if (q->report_data.len > 0 && q->report_data.len <= sizeof job.report_data)
		memcpy(job.report_data, q->report_data.ptr, q->report_data.len);
	if (q->qgs != NULL) {
		if (!assay_qgs_address_ok(q->qgs) || strlen(q->qgs) >= sizeof job.qgs)
			return assay_fail(err, ASSAY_E_USAGE,
			    "QGS address %s is none of vsock:host:PORT, vsock:CID:PORT, unix:PATH, "
			    "tcp:HOST:PORT",
			    assay_quote(assay_bytes_of(q->qgs)).text);
		memcpy(job.qgs, q->qgs, strlen(q->qgs) + 1);
	} else {
		struct guest_blob conf = { NULL, 0 };
		if (guest_read_file(&conf, job.root, "/etc/tdx-attest.conf", CONF_MAX) == 0)
			assay_qgs_address_of_conf(job.qgs, sizeof job.qgs, guest_bytes(&conf));
		guest_blob_clear(&conf);
	}
	*out = job;
	return ASSAY_OK;
}

/* --- evidence ------------------------------------------------------------------------------- */

void
assay_guest_evidence_clear(struct assay_guest_evidence *ev)
{
	for (size_t i = 0; i < ASSAY_GUEST_PIECES; i++)
		guest_blob_clear(&ev->pieces[i]);
	*ev = (struct assay_guest_evidence){ .tee = "" };
}

void
assay_guest_evidence_free(struct assay_guest_evidence *ev)
{
	if (ev != NULL)
		assay_guest_evidence_clear(ev);
	free(ev);
}

/* Sources: AMD 56860, ATTESTATION_REPORT; Intel TDX DCAP Quoting Library API, quote versions 3 to 5. */
struct assay_bytes
assay_guest_report_data(const char *tee, struct assay_bytes in)
{
	enum { HEADER = 48, SGX_BODY_AT = 320, TD_BODY_AT = 520, V5_DESCRIPTOR = 6, SNP_AT = 0x50 };
	struct assay_bytes head = assay_bytes_at(in, 0, 8);

	if (strcmp(tee, "snp") == 0)
		return assay_bytes_at(in, SNP_AT, ASSAY_GUEST_REPORT_DATA);
	if (head.len == 0 || (strcmp(tee, "tdx") != 0 && strcmp(tee, "sgx") != 0))
		return (struct assay_bytes){ NULL, 0 };
	uint16_t version = assay_u16le(head.ptr);
	bool td = assay_u32le(head.ptr + 4) == 0x81;
	return assay_bytes_at(in,
	    (size_t)HEADER + (version == 5 ? V5_DESCRIPTOR : 0) + (td ? TD_BODY_AT : SGX_BODY_AT),
	    ASSAY_GUEST_REPORT_DATA);
}

/* Another caller's report data in our evidence: the interface was shared by someone who does not
 * keep to its rules. With an SVSM, REPORT_DATA is a hash that a verifier compares; where there is a
 * proof, who made that has compared. */
static bool
is_ours(const struct assay_guest_evidence *ev, const struct guest_job *job)
{
	struct assay_bytes in = guest_bytes(&ev->pieces[ASSAY_GUEST_EVIDENCE]);

	if (strcmp(ev->tee, "opaque") == 0 || job->request->service_provider != NULL ||
	    ev->pieces[ASSAY_GUEST_PROOF].len > 0)
		return true;
	return assay_bytes_equal(assay_guest_report_data(ev->tee, in),
	    (struct assay_bytes){ job->report_data, sizeof job->report_data });
}

/* --- collecting ------------------------------------------------------------------------------ */

/* The reasons of all providers, joined for one sentence. */
struct reasons {
	char text[512];
	size_t at, count;
	bool failed; /* one was there */
};

static void
add_reason(struct reasons *r, const struct guest_job *job, const char *name, enum assay_code code,
    const char *why)
{
	if (job->request->tried != NULL)
		job->request->tried(job->request->arg, name, why);
	/* Those that are here and failed tell more than those that are not here. */
	bool here = code != ASSAY_E_UNSUPPORTED;
	if (here && !r->failed) {
		r->at = 0;
		r->failed = true;
	} else if (!here && r->failed) {
		r->count++;
		return;
	}
	int n = snprintf(
	    r->text + r->at, sizeof r->text - r->at, "%s%s: %s", r->at > 0 ? "; " : "", name, why);
	if (n > 0)
		r->at = (size_t)n < sizeof r->text - r->at ? r->at + (size_t)n : sizeof r->text - 1;
	r->count++;
}

static enum assay_code
try_provider(struct assay_guest_evidence *ev, const struct guest_provider *p,
    const struct guest_job *job, struct assay_error *err)
{
	for (bool foreign = false;; foreign = true) {
		enum assay_code rc = p->collect(ev, job, err);
		ev->provider = p->name;
		if (rc == ASSAY_OK && job->request->tee != NULL &&
		    strcmp(job->request->tee, ev->tee) != 0)
			return assay_fail(err, ASSAY_E_UNSUPPORTED, "this is %s, not %s", ev->tee,
			    assay_quote(assay_bytes_of(job->request->tee)).text);
		if (rc == ASSAY_OK && is_ours(ev, job))
			return ASSAY_OK;
		if (rc == ASSAY_E_NOMEM || (rc != ASSAY_OK && !foreign))
			return rc;
		assay_guest_evidence_clear(ev);
		/* That time ran out in a later attempt is not what went wrong. */
		if (rc != ASSAY_OK || !guest_pause(job, RETRY_MS))
			return assay_fail(err, ASSAY_E_IO,
			    "the evidence carries other report data than was asked for; another "
			    "program uses the same interface, or it is broken");
	}
}

/* The n-th in the order of trying: those that are preferred first, else as in the table. */
static const struct guest_provider *
in_order(size_t n, const struct guest_job *job)
{
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; guest_providers[i] != NULL; i++) {
			const struct guest_provider *p = guest_providers[i];
			bool first = p->preferred != NULL && p->preferred(job);
			if (first == (round == 0) && n-- == 0)
				return p;
		}
	return NULL;
}

enum assay_code
assay_guest_find(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	const struct guest_provider *p;
	enum assay_code worst = ASSAY_OK;

	*tee = "";
	for (size_t n = 0; (p = in_order(n, job)) != NULL; n++) {
		struct assay_error why = { .text = "" };
		if (job->request->provider != NULL && strcmp(job->request->provider, p->name) != 0)
			continue;
		enum assay_code rc = p->probe(tee, job, &why);
		if (rc == ASSAY_OK)
			return ASSAY_OK;
		if (rc != ASSAY_E_UNSUPPORTED && worst != ASSAY_E_NOMEM) {
			worst = rc;
			if (err != NULL)
				*err = why;
		}
	}
	return worst;
}

enum assay_code
assay_guest_here(
    const char **tee, const struct assay_guest_request *request, struct assay_error *err)
{
	struct guest_job job;
	const char *found = "";
	enum assay_code rc = assay_guest_job(&job, request, err);

	if (rc == ASSAY_OK && job.request->provider != NULL &&
	    !known_provider(job.request->provider))
		return assay_fail(err, ASSAY_E_USAGE, "there is no provider %s",
		    assay_quote(assay_bytes_of(job.request->provider)).text);
	if (rc != ASSAY_OK || (rc = assay_guest_find(&found, &job, err)) != ASSAY_OK)
		return rc;
	if (found[0] == '\0')
		return assay_fail(err, ASSAY_E_INCOMPLETE, "no TEE here that gives evidence%s%s",
		    job.request->provider != NULL ? " by way of " : "",
		    job.request->provider != NULL ? job.request->provider : "");
	*tee = found;
	return ASSAY_OK;
}

/* How much of the reasons a sentence takes: all, or up to the end of a part of them. */
static size_t
whole_reasons(const char *text)
{
	enum { SENTENCE = 220, PART = 190 };
	size_t n = strlen(text);

	if (n <= SENTENCE)
		return n;
	for (n = PART; n > 0 && strncmp(text + n, "; ", 2) != 0;)
		n--;
	return n > 0 ? n : PART;
}

static enum assay_code
try_all(struct assay_guest_evidence *ev, const struct guest_job *job, struct reasons *reasons,
    struct assay_error *err)
{
	const struct guest_provider *p;

	for (size_t n = 0; (p = in_order(n, job)) != NULL; n++) {
		struct assay_error why = { .text = "" };
		if (job->request->provider != NULL && strcmp(job->request->provider, p->name) != 0)
			continue;
		enum assay_code rc = try_provider(ev, p, job, &why);
		if (rc == ASSAY_OK)
			return ASSAY_OK;
		assay_guest_evidence_clear(ev);
		if (rc == ASSAY_E_NOMEM)
			return assay_fail_nomem(err);
		add_reason(reasons, job, p->name, rc, why.text);
	}
	size_t n = whole_reasons(reasons->text);
	return assay_fail(err, reasons->failed ? ASSAY_E_IO : ASSAY_E_INCOMPLETE, "%s%.*s%s",
	    reasons->failed ? "" : "no TEE here: ", (int)n, reasons->text,
	    reasons->text[n] == '\0' ? "" : "; more: assay attest --list");
}

/* What comes along where there is any: that it is missing is told in the note. */
static enum assay_code
add_collateral(
    struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	struct assay_error why = { .text = "" };
	bool all = job->request->endorsements == ASSAY_GUEST_ALL;
	enum assay_code rc = ASSAY_OK;

	if (job->request->endorsements == ASSAY_GUEST_NONE)
		guest_blob_clear(&ev->pieces[ASSAY_GUEST_CERTIFICATES]);
	else if (strcmp(ev->tee, "tdx") == 0 && job->qgs[0] != '\0')
		rc = assay_qgs_collateral(&ev->pieces[ASSAY_GUEST_COLLATERAL], job,
		    guest_bytes(&ev->pieces[ASSAY_GUEST_EVIDENCE]), &why);
	else if (all && ev->pieces[ASSAY_GUEST_CERTIFICATES].len == 0)
		rc = assay_fail(&why, ASSAY_E_INCOMPLETE, "the host hands out no endorsements");
	if (rc == ASSAY_E_NOMEM)
		return assay_fail_nomem(err);
	if (rc != ASSAY_OK && all)
		return assay_fail(err, ASSAY_E_INCOMPLETE,
		    "endorsements were asked for, but %.150s; fetch them with assay collateral "
		    "fetch",
		    why.text);
	if (rc != ASSAY_OK)
		snprintf(ev->note, sizeof ev->note, "without collateral: %.200s", why.text);
	return ASSAY_OK;
}

/* The log is the same for all that ask; a machine without one has nothing to tell. */
static enum assay_code
add_eventlog(struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	static const char path[] = "/sys/firmware/acpi/tables/data/CCEL";

	if (!job->request->eventlog || strcmp(ev->tee, "tdx") != 0)
		return ASSAY_OK;
	int error =
	    guest_read_file(&ev->pieces[ASSAY_GUEST_EVENTLOG], job->root, path, EVENTLOG_MAX);
	if (error == ENOMEM)
		return assay_fail_nomem(err);
	if (error != 0 && error != ENOENT && error != ENOTDIR && ev->note[0] == '\0') {
		struct assay_error why;
		guest_fail_errno(&why, error, path);
		snprintf(ev->note, sizeof ev->note, "without event log: %.200s", why.text);
	}
	return ASSAY_OK;
}

enum assay_code
assay_guest_collect(struct assay_guest_evidence **out, const struct assay_guest_request *request,
    struct assay_error *err)
{
	struct reasons reasons = { .at = 0 };
	struct guest_job job;
	enum assay_code rc = check_request(request, err);

	if (rc != ASSAY_OK || (rc = assay_guest_job(&job, request, err)) != ASSAY_OK)
		return rc;
	struct assay_guest_evidence *ev = calloc(1, sizeof *ev);
	if (ev == NULL)
		return assay_fail_nomem(err);
	ev->tee = "";
	if ((rc = try_all(ev, &job, &reasons, err)) == ASSAY_OK &&
	    (rc = add_collateral(ev, &job, err)) == ASSAY_OK)
		rc = add_eventlog(ev, &job, err);
	if (rc != ASSAY_OK) {
		assay_guest_evidence_free(ev);
		return rc;
	}
	*out = ev;
	return ASSAY_OK;
}

/* --- what was collected ---------------------------------------------------------------------- */

struct assay_bytes
assay_guest_piece(const struct assay_guest_evidence *ev, enum assay_guest_piece piece)
{
	if ((unsigned)piece >= ASSAY_GUEST_PIECES)
		return (struct assay_bytes){ NULL, 0 };
	return guest_bytes(&ev->pieces[piece]);
}

const char *
assay_guest_tee(const struct assay_guest_evidence *ev)
{
	return ev->tee;
}

const char *
assay_guest_maker(const struct assay_guest_evidence *ev)
{
	return ev->maker;
}

const char *
assay_guest_provider(const struct assay_guest_evidence *ev)
{
	return ev->provider;
}

const char *
assay_guest_note(const struct assay_guest_evidence *ev)
{
	return ev->note;
}

enum assay_code
assay_guest_bundle(
    uint8_t **out, size_t *len, const struct assay_guest_evidence *ev, struct assay_error *err)
{
	static const struct {
		const char *label, *type;
		unsigned indicator;
	} rows[ASSAY_GUEST_PIECES] = {
		[ASSAY_GUEST_EVIDENCE] = { "evidence", NULL, ASSAY_BUNDLE_EVIDENCE },
		[ASSAY_GUEST_CERTIFICATES] = { "certificates", ASSAY_BUNDLE_TYPE_CERTIFICATES,
		    ASSAY_BUNDLE_ENDORSEMENTS },
		[ASSAY_GUEST_COLLATERAL] = { "collateral", ASSAY_BUNDLE_TYPE_COLLATERAL,
		    ASSAY_BUNDLE_ENDORSEMENTS },
		[ASSAY_GUEST_EVENTLOG] = { "eventlog", ASSAY_BUNDLE_TYPE_EVENTLOG,
		    ASSAY_BUNDLE_EVIDENCE },
		[ASSAY_GUEST_MANIFEST] = { "manifest", ASSAY_BUNDLE_TYPE_MANIFEST,
		    ASSAY_BUNDLE_EVIDENCE },
		[ASSAY_GUEST_PROOF] = { "proof", ASSAY_BUNDLE_TYPE_PROOF, ASSAY_BUNDLE_EVIDENCE },
	};
	struct assay_bundle_item items[ASSAY_GUEST_PIECES + 1];
	size_t count = 0;
	char type[64];

	snprintf(type, sizeof type, "application/vnd.assay.%s", ev->tee);
	for (size_t i = 0; i < ASSAY_GUEST_PIECES; i++)
		if (ev->pieces[i].len > 0)
			items[count++] = (struct assay_bundle_item){ .label = rows[i].label,
				.type = rows[i].type != NULL ? rows[i].type : type,
				.bytes = guest_bytes(&ev->pieces[i]),
				.indicator = rows[i].indicator };
	items[count++] = (struct assay_bundle_item){ .label = "provider",
		.type = ASSAY_BUNDLE_TYPE_PROVIDER,
		.bytes = assay_bytes_of(ev->maker),
		.indicator = ASSAY_BUNDLE_EVIDENCE };
	return assay_bundle_write(out, len, items, count, err);
}

/* --- providers --------------------------------------------------------------------------------- */

const char *
assay_guest_provider_name(size_t n)
{
	size_t i = 0;

	while (i < n && guest_providers[i] != NULL)
		i++;
	return guest_providers[i] != NULL ? guest_providers[i]->name : NULL;
}

enum assay_code
assay_guest_probe(size_t n, const struct assay_guest_request *request, struct assay_error *err)
{
	struct assay_error text = { .text = "" };
	const char *tee = "";
	struct guest_job job;

	if (assay_guest_provider_name(n) == NULL)
		return assay_fail(err, ASSAY_E_USAGE, "there is no provider %zu", n);
	enum assay_code rc = assay_guest_job(&job, request, &text);
	if (rc == ASSAY_OK)
		rc = guest_providers[n]->probe(&tee, &job, &text);
	if (err != NULL) {
		*err = text;
		err->code = rc;
	}
	return rc;
}
