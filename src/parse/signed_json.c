/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/signed_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[TCB_STATUSES] = {
	[TCB_NONE] = "none",
	[TCB_UP_TO_DATE] = "UpToDate",
	[TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
	[TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
	[TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
	[TCB_OUT_OF_DATE] = "OutOfDate",
	[TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
	[TCB_REVOKED] = "Revoked",
	[TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
	[TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
	[TCB_NOT_SUPPORTED] = "NotSupported",
};

const char *
assay_tcb_status_name(enum tcb_status status)
{
	return (unsigned)status < TCB_STATUSES ? status_names[status] : "unknown";
}

/* --- raw text ---------------------------------------------------------------------------- */

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
skip_blanks(struct assay_bytes text, size_t at)
{
	while (at < text.len && blank(text.ptr[at]))
		at++;
	return at;
}

/* *at stands on the opening quote, and then behind the closing one. */
static bool
skip_string(struct assay_bytes text, size_t *at)
{
	if (*at >= text.len || text.ptr[*at] != '"')
		return false;
	for (size_t i = *at + 1; i < text.len; i++) {
		if (text.ptr[i] == '\\') {
			i++;
		} else if (text.ptr[i] == '"') {
			*at = i + 1;
			return true;
		}
	}
	return false;
}

/* Counts instead of recursing: a stranger decides how deep the text is nested. */
static bool
skip_value(struct assay_bytes text, size_t *at)
{
	size_t start = *at, depth = 0, i = start;

	while (i < text.len) {
		uint8_t c = text.ptr[i];
		if (depth == 0 && (c == ',' || c == '}' || c == ']' || blank(c)))
			break; /* the end of a number or a word */
		if (c == '"') {
			if (!skip_string(text, &i))
				return false;
		} else {
			i++;
			if (c == '{' || c == '[')
				depth++;
			else if (c == '}' || c == ']')
				depth--;
		}
		if (depth == 0 && (c == '"' || c == '}' || c == ']'))
			break;
	}
	*at = i;
	return i > start && depth == 0;
}

bool
assay_json_member(
    struct assay_bytes *name, struct assay_bytes *value, struct assay_bytes text, size_t *at)
{
	size_t i = skip_blanks(text, *at);

	if (i == text.len || text.ptr[i] != (*at == 0 ? '{' : ','))
		return false;
	size_t start = i = skip_blanks(text, i + 1);
	if (!skip_string(text, &i))
		return false;
	*name = (struct assay_bytes){ text.ptr + start + 1, i - start - 2 };
	i = skip_blanks(text, i);
	if (i == text.len || text.ptr[i] != ':')
		return false;
	start = i = skip_blanks(text, i + 1);
	if (!skip_value(text, &i))
		return false;
	*value = (struct assay_bytes){ text.ptr + start, i - start };
	*at = i;
	return true;
}

enum assay_json_kind
assay_json_kind(struct assay_bytes in)
{
	static const struct {
		const char *name;
		enum assay_json_kind kind;
	} known[] = {
		{ "tcbInfo", ASSAY_JSON_TCB_INFO },
		{ "enclaveIdentity", ASSAY_JSON_QE_IDENTITY },
		{ "tcb_info", ASSAY_JSON_DCAP_QVL },
		{ "qe_identity", ASSAY_JSON_DCAP_QVL },
		{ "pck_crl_issuer_chain", ASSAY_JSON_DCAP_QVL },
	};
	struct assay_bytes text = assay_bytes_trim(in), name, value;
	size_t at = 0;

	while (assay_json_member(&name, &value, text, &at))
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (assay_bytes_equal(name, assay_bytes_of(known[i].name)))
				return known[i].kind;
	return ASSAY_JSON_NONE;
}

/* --- members ----------------------------------------------------------------------------- */

void
assay_json_at(struct json_walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->where, sizeof w->where, fmt, ap);
	va_end(ap);
}

static struct assay_quoted
show(const json_t *got)
{
	struct assay_quoted q = { "missing" };

	if (got == NULL)
		return q;
	switch (json_typeof(got)) {
	case JSON_STRING:
		return assay_quote(assay_bytes_of(json_string_value(got)));
	case JSON_INTEGER:
		(void)snprintf(
		    q.text, sizeof q.text, "%" JSON_INTEGER_FORMAT, json_integer_value(got));
		break;
	case JSON_ARRAY:
		(void)snprintf(
		    q.text, sizeof q.text, "an array of %zu elements", json_array_size(got));
		break;
	case JSON_OBJECT:
		(void)snprintf(q.text, sizeof q.text, "an object");
		break;
	case JSON_REAL:
		(void)snprintf(q.text, sizeof q.text, "a number with a fraction");
		break;
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		(void)snprintf(q.text, sizeof q.text, "true, false or null");
		break;
	}
	return q;
}

static const char *
remedy(const struct json_walk *w)
{
	return w->remedy != NULL ? w->remedy : "fetch the file anew";
}

void
assay_json_refuse(struct json_walk *w, const char *name, const json_t *got, const char *must_be)
{
	if (w->rc == ASSAY_OK)
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT, "%s: %s%s is %s, must be %s; %s",
		    w->what, w->where, name, show(got).text, must_be, remedy(w));
}

static json_t *
take(struct json_walk *w, const json_t *from, const char *name)
{
	return w->rc == ASSAY_OK ? json_object_get(from, name) : NULL;
}

json_t *
assay_json_object(struct json_walk *w, const json_t *from, const char *name)
{
	json_t *got = take(w, from, name);

	if (json_is_object(got))
		return got;
	assay_json_refuse(w, name, got, "an object");
	return NULL;
}

json_t *
assay_json_array(struct json_walk *w, const json_t *from, const char *name, size_t min, size_t max,
    size_t *count)
{
	json_t *got = take(w, from, name);
	char must_be[64];

	*count = json_array_size(got); /* 0 of what is no array */
	if (json_is_array(got) && *count >= min && *count <= max)
		return got;
	(void)snprintf(must_be, sizeof must_be, "an array of %zu to %zu elements", min, max);
	assay_json_refuse(w, name, got, must_be);
	*count = 0;
	return NULL;
}

static bool
printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

const char *
assay_json_text(struct json_walk *w, const json_t *from, const char *name, size_t max)
{
	json_t *got = take(w, from, name);
	size_t n = json_string_length(got);

	if (json_is_string(got) && n >= 1 && n <= max && printable(json_string_value(got)))
		return json_string_value(got);
	assay_json_refuse(w, name, got, "a short text");
	return "";
}

uint64_t
assay_json_uint(struct json_walk *w, const json_t *from, const char *name, uint64_t max)
{
	json_t *got = take(w, from, name);
	json_int_t v = json_integer_value(got);
	char must_be[64];

	if (json_is_integer(got) && v >= 0 && (uint64_t)v <= max)
		return (uint64_t)v;
	(void)snprintf(must_be, sizeof must_be, "an integer from 0 to %" PRIu64, max);
	assay_json_refuse(w, name, got, must_be);
	return 0;
}

void
assay_json_hex(struct json_walk *w, const json_t *from, const char *name, uint8_t *out, size_t n)
{
	json_t *got = take(w, from, name);
	char must_be[64];

	if (json_is_string(got) && assay_unhex(out, n, assay_bytes_of(json_string_value(got))))
		return;
	(void)snprintf(must_be, sizeof must_be, "%zu hex digits", 2 * n);
	assay_json_refuse(w, name, got, must_be);
}

int64_t
assay_json_time(struct json_walk *w, const json_t *from, const char *name)
{
	json_t *got = take(w, from, name);
	int64_t t = 0;

	if (json_is_string(got) && assay_time_parse(&t, assay_bytes_of(json_string_value(got))))
		return t;
	assay_json_refuse(w, name, got, "a time like \"2025-07-04T10:16:31Z\"");
	return 0;
}

void *
assay_json_alloc(struct json_walk *w, size_t count, size_t size)
{
	if (w->rc != ASSAY_OK)
		return NULL;
	void *p = calloc(count > 0 ? count : 1, size); /* of none, a libc may give NULL */
	if (p == NULL)
		w->rc = assay_fail_nomem(w->err);
	return p;
}

/* --- levels ------------------------------------------------------------------------------ */

static enum tcb_status
status_of(const char *text)
{
	for (enum tcb_status s = TCB_UP_TO_DATE; s <= TCB_REVOKED; s++)
		if (strcmp(status_names[s], text) == 0)
			return s;
	return TCB_NONE;
}

static void
take_advisories(struct json_walk *w, const json_t *level, struct tcb_verdict *out)
{
	size_t count = 0;
	json_t *ids = assay_json_array(w, level, "advisoryIDs", 0, TCB_ADVISORIES_MAX, &count);

	if (count == 0 || (out->advisories = assay_json_alloc(w, count, sizeof(char *))) == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		const json_t *id = json_array_get(ids, i);
		const char *text = json_string_value(id);
		if (text == NULL || text[0] == '\0' ||
		    json_string_length(id) >= TCB_ADVISORY_TEXT_MAX || !printable(text)) {
			assay_json_refuse(w, "advisoryIDs", id, "a list of short texts");
			return;
		}
		out->advisories[i] = text;
	}
	out->advisory_count = count;
}

void
assay_json_verdict(struct json_walk *w, const json_t *level, struct tcb_verdict *out)
{
	json_t *status = take(w, level, "tcbStatus");

	out->status = json_is_string(status) ? status_of(json_string_value(status)) : TCB_NONE;
	if (out->status == TCB_NONE)
		assay_json_refuse(w, "tcbStatus", status, "a status that Intel defines");
	out->date = assay_json_time(w, level, "tcbDate");
	if (take(w, level, "advisoryIDs") != NULL)
		take_advisories(w, level, out);
}

void
assay_json_verdict_clear(struct tcb_verdict *verdict)
{
	free(verdict->advisories);
}

static int
svn_order(const void *a, const void *b)
{
	const struct svn_level *x = a, *y = b;

	return (x->isv_svn < y->isv_svn) - (x->isv_svn > y->isv_svn);
}

void
assay_json_svn_levels(struct json_walk *w, const json_t *from, const char *where,
    struct svn_level **levels, size_t *count)
{
	size_t n = 0;
	json_t *list = assay_json_array(w, from, "tcbLevels", 1, TCB_LEVELS_MAX, &n);

	if ((*levels = assay_json_alloc(w, n, sizeof **levels)) == NULL)
		return;
	*count = n;
	for (size_t i = 0; i < n && w->rc == ASSAY_OK; i++) {
		const json_t *level = json_array_get(list, i);
		assay_json_at(w, "%stcbLevels[%zu].", where, i);
		const json_t *tcb = assay_json_object(w, level, "tcb");
		(*levels)[i].isv_svn = (uint16_t)assay_json_uint(w, tcb, "isvsvn", UINT16_MAX);
		assay_json_verdict(w, level, &(*levels)[i].verdict);
	}
	assay_json_at(w, "%s", where);
	qsort(*levels, n, sizeof **levels, svn_order);
	for (size_t i = 1; i < n; i++)
		if (w->rc == ASSAY_OK && svn_order(&(*levels)[i - 1], &(*levels)[i]) == 0)
			w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
			    "%s: %stcbLevels has two levels with isvsvn %u; which one counts "
			    "cannot "
			    "be told",
			    w->what, where, (*levels)[i].isv_svn);
}

void
assay_json_svn_levels_clear(struct svn_level *levels, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assay_json_verdict_clear(&levels[i].verdict);
	free(levels);
}

/* --- the document ------------------------------------------------------------------------ */

json_t *
assay_json_load(struct json_walk *w, struct assay_bytes text)
{
	json_error_t e = { .text =
			       "" }; /* jansson leaves it alone when its first allocation fails */

	size_t max = w->max != 0 ? w->max : TCB_JSON_MAX;
	if (text.len > max) {
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
		    "%s: is %zu bytes, at most %zu make sense; pass the vendor's answer alone",
		    w->what, text.len, max);
		return NULL;
	}
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &e);
	if (root != NULL)
		return root;
	/* Of some failed allocations jansson says nothing. */
	if (json_error_code(&e) == json_error_out_of_memory || e.text[0] == '\0')
		w->rc = assay_fail_nomem(w->err);
	else
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
		    "%s: is no JSON at line %d, column %d: %s; %s", w->what, e.line, e.column,
		    assay_quote(assay_bytes_of(e.text)).text, remedy(w));
	return NULL;
}

/*
 * The signed bytes are those of the value of the member with this raw name. They are what jansson
 * read under that name: the text is JSON, its top object has two members of different names, and
 * the raw names of both, without any escape, are found here.
 */
static void
find_span(struct json_walk *w, struct signed_json *doc, struct assay_bytes text, const char *member)
{
	struct assay_bytes name, value;
	bool signature = false;
	size_t at = 0;

	while (assay_json_member(&name, &value, text, &at)) {
		if (assay_bytes_equal(name, assay_bytes_of(member)))
			doc->span = value;
		else if (assay_bytes_equal(name, assay_bytes_of("signature")))
			signature = true;
	}
	if (doc->span.len == 0 || !signature || json_object_size(doc->root) != 2)
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
		    "%s: must be an object of exactly two members, %s and signature; fetch the "
		    "file "
		    "anew",
		    w->what, member);
}

json_t *
assay_signed_json_open(
    struct json_walk *w, struct signed_json *doc, struct assay_bytes in, const char *member)
{
	struct assay_bytes text = assay_bytes_trim(in);

	doc->whole = in;
	doc->root = assay_json_load(w, text);
	if (doc->root == NULL)
		return NULL;
	find_span(w, doc, text, member);
	assay_json_hex(w, doc->root, "signature", doc->signature, sizeof doc->signature);
	json_t *inner = assay_json_object(w, doc->root, member);
	doc->issue_date = assay_json_time(w, inner, "issueDate");
	doc->next_update = assay_json_time(w, inner, "nextUpdate");
	doc->evaluation =
	    (uint32_t)assay_json_uint(w, inner, "tcbEvaluationDataNumber", UINT32_MAX);
	return inner;
}
