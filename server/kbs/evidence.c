/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include <stdlib.h>
#include <string.h>

#include <assay/bundle.h>

#include "../text.h"
#include "base64.h"
#include "buffer.h"
#include "scan.h"
#include "snp.h"
#include "kbs.h"

/* Decodes base64 to `to`. The text of a quote has no escapes but "\/", which some writers put there. */
static bool
take_base64(uint8_t *to, size_t *len, struct assay_bytes value)
{
	struct assay_bytes text;

	if (!scan_is_string(value))
		return false;
	if (!scan_bare(&text, value))
		text = (struct assay_bytes){ to, scan_decode(to, value) };
	return base64_decode(to, len, text);
}

static enum assay_code
parse_bundle(struct assay_evidence **ev, const char *tee, struct assay_bytes quote,
    struct assay_bytes log, struct assay_error *err)
{
	struct assay_bundle_item items[] = {
		{ "evidence",
		    strcmp(tee, "tdx") == 0 ? ASSAY_BUNDLE_TYPE_TDX : ASSAY_BUNDLE_TYPE_SGX, quote,
		    ASSAY_BUNDLE_EVIDENCE },
		{ "eventlog", ASSAY_BUNDLE_TYPE_EVENTLOG, log, ASSAY_BUNDLE_EVIDENCE },
	};
	uint8_t *bundle = NULL;
	size_t len = 0;
	enum assay_code rc = assay_bundle_write(&bundle, &len, items, log.len > 0 ? 2 : 1, err);

	if (rc == ASSAY_OK)
		rc = assay_evidence_parse(ev, (struct assay_bytes){ bundle, len }, err);
	free(bundle);
	return rc;
}

/* Members that are not known are refused: what one reader passes over, another may believe. */
static enum assay_code
check_members(struct assay_bytes json, size_t known, struct assay_error *err)
{
	struct assay_bytes name, value;
	size_t count = 0, at = 0;

	while (scan_member(&name, &value, json, &at))
		count++;
	return count == known
	    ? ASSAY_OK
	    : kbs_fail(err, ASSAY_E_FORMAT, "evidence: has %zu members, and %zu of them are known",
		  count, known);
}

/* A log ends where its padding begins; 0xff up to 1 MiB is what the firmware hands out. */
static struct assay_bytes
without_padding(struct assay_bytes log)
{
	enum { END_MARK = 8 };
	size_t n = log.len;

	while (n > 0 && log.ptr[n - 1] == 0xff)
		n--;
	if (log.len - n > END_MARK)
		log.len = n + END_MARK;
	return log;
}

static enum assay_code
parse_quote(
    struct assay_evidence **ev, const char *tee, struct assay_bytes json, struct assay_error *err)
{
	static const char *const names[] = { "quote", "cc_eventlog", "aa_eventlog" };
	bool tdx = strcmp(tee, "tdx") == 0;
	struct assay_bytes got[3];
	size_t known = 0, quote_len = 0, log_len = 0;
	enum assay_code rc = scan_members(got, names, tdx ? 3 : 1, json, "evidence", err);

	if (!tdx)
		got[1] = got[2] = (struct assay_bytes){ NULL, 0 };
	for (size_t i = 0; i < 3; i++)
		known += got[i].len > 0;
	if (rc == ASSAY_OK)
		rc = check_members(json, known, err);
	if (rc != ASSAY_OK)
		return rc;
	/* Base64 decodes to less than it is long, and its text, if it has escapes, to no more. */
	uint8_t *room = malloc(got[0].len + got[1].len + 1);
	if (room == NULL)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	uint8_t *log = room + got[0].len;
	if (!take_base64(room, &quote_len, got[0]))
		rc = kbs_fail(err, ASSAY_E_FORMAT,
		    "evidence: the member quote must be standard base64 with padding");
	else if (got[1].len > 0 && !scan_is_null(got[1]) && !take_base64(log, &log_len, got[1]))
		rc = kbs_fail(err, ASSAY_E_FORMAT,
		    "evidence: the member cc_eventlog must be standard base64 with padding, or "
		    "null");
	else
		rc = parse_bundle(ev, tee, (struct assay_bytes){ room, quote_len },
		    without_padding((struct assay_bytes){ log, log_len }), err);
	free(room);
	return rc;
}

static enum assay_code
parse_snp(struct assay_evidence **ev, struct assay_bytes json, struct assay_error *err)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	enum assay_code rc = kbs_snp_rebuild(&bytes, &len, json, err);

	if (rc == ASSAY_OK)
		rc = assay_evidence_parse(ev, (struct assay_bytes){ bytes, len }, err);
	free(bytes);
	return rc;
}

/* Each TEE's evidence has a member that no other's has; of those with quotes the quote tells. */
static enum assay_code
check_shape(const char *tee, struct assay_bytes json, struct assay_error *err)
{
	static const char *const names[] = { "quote", "attestation_report", "sev_report" };
	struct assay_bytes got[3];
	size_t own = strcmp(tee, "snp") == 0 ? 1 : strcmp(tee, "sev") == 0 ? 2 : 0, others = 0;
	enum assay_code rc = scan_members(got, names, 3, json, "evidence", err);

	for (size_t i = 0; rc == ASSAY_OK && i < 3; i++)
		others += i != own && got[i].len > 0;
	if (rc == ASSAY_OK && got[own].len == 0 && others > 0)
		rc = kbs_fail(err, ASSAY_E_FORMAT,
		    "evidence: is of another TEE than the ticket, which is for %s: ask for one "
		    "with "
		    "POST /kbs/v0/auth that names the right tee",
		    tee);
	return rc;
}

/* A request names one kind of SEV; that the guest has SEV-ES is what its report says. */
static bool
is_of(const char *tee, const struct assay_evidence *ev)
{
	const char *is = assay_evidence_tee(ev);

	return strcmp(is, tee) == 0 || (strcmp(tee, "sev") == 0 && strcmp(is, "sev-es") == 0);
}

enum assay_code
kbs_evidence_parse(
    struct assay_evidence **ev, const char *tee, struct assay_bytes json, struct assay_error *err)
{
	enum assay_code rc = check_shape(tee, json, err);

	if (rc == ASSAY_OK)
		rc = strcmp(tee, "snp") == 0  ? parse_snp(ev, json, err)
		    : strcmp(tee, "sev") == 0 ? assay_evidence_parse(ev, json, err)
					      : parse_quote(ev, tee, json, err);
	if (rc == ASSAY_OK && !is_of(tee, *ev))
		rc = kbs_fail(err, ASSAY_E_FORMAT,
		    "evidence: is of the TEE %s, and the ticket is for %s", assay_evidence_tee(*ev),
		    tee);
	return rc;
}

enum assay_code
kbs_sample_parse(struct kbs_sample *out, struct assay_bytes json, struct assay_error *err)
{
	static const char *const names[] = { "svn", "report_data" };
	struct kbs_sample s = { .svn = "" };
	uint8_t data[UNBASE64_ROOM(2 * ASSAY_REPORT_DATA_SIZE)];
	struct assay_bytes got[2], svn;
	size_t len = 0;
	enum assay_code rc = scan_members(got, names, 2, json, "evidence", err);

	if (rc != ASSAY_OK)
		return rc;
	if (!scan_bare(&svn, got[0]) || svn.len >= sizeof s.svn)
		return kbs_fail(
		    err, ASSAY_E_FORMAT, "evidence: the member svn must be a text, such as \"1\"");
	memcpy(s.svn, svn.ptr, svn.len);
	if (got[1].len > sizeof data || !take_base64(data, &len, got[1]) ||
	    len > sizeof s.report_data)
		return kbs_fail(err, ASSAY_E_FORMAT,
		    "evidence: the member report_data must be base64 of at most 64 bytes");
	memcpy(s.report_data, data, len);
	*out = s;
	return ASSAY_OK;
}
