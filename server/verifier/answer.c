/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "../stamp.h"

const char *
answer_word(enum assay_code code)
{
	return code == ASSAY_OK          ? "accepted"
	    : code == ASSAY_E_INCOMPLETE ? "undetermined"
					 : "refused";
}

/* --- members --------------------------------------------------------------------------------- */

static void
put_name(struct buffer *json, const char *name)
{
	buffer_put(json, "\"");
	buffer_put(json, name);
	buffer_put(json, "\":");
}

/* A text; null for an empty one. */
static void
put_text(struct buffer *json, const char *name, const char *text)
{
	put_name(json, name);
	if (text[0] != '\0')
		buffer_string(json, bytes_of(text));
	else
		buffer_put(json, "null");
}

static void
put_number(struct buffer *json, const char *name, uint64_t n)
{
	put_name(json, name);
	buffer_u64(json, n);
}

static bool
find(const struct assay_claims *claims, const char *name, enum assay_type type, size_t *i)
{
	return claims != NULL && assay_schema_find(name, i) && assay_schema_type(*i) == type &&
	    assay_claims_has(claims, *i);
}

static const char *
text_of(const struct assay_claims *claims, const char *name)
{
	size_t i;

	return find(claims, name, ASSAY_TYPE_TEXT, &i) ? assay_claims_text(claims, i) : "";
}

/* --- the parts ------------------------------------------------------------------------------- */

static void
put_tcb(struct buffer *json, const struct assay_claims *claims)
{
	size_t i, count = claims != NULL ? assay_claims_short_count(claims) : 0;

	put_name(json, "tcb");
	buffer_put(json, "{");
	put_text(json, "status", text_of(claims, "tcb.status"));
	buffer_put(json, ",");
	put_name(json, "date");
	stamp_put(json,
	    find(claims, "tcb.date", ASSAY_TYPE_TIME, &i) ? assay_claims_time(claims, i) : -1);
	buffer_put(json, ",\"advisories\":[");
	if (find(claims, "tcb.advisories", ASSAY_TYPE_LIST, &i))
		for (size_t n = 0; n < assay_claims_list_count(claims, i); n++) {
			buffer_put(json, n > 0 ? "," : "");
			buffer_string(json, bytes_of(assay_claims_list_at(claims, i, n)));
		}
	buffer_put(json, "],\"short\":[");
	for (size_t n = 0; n < count; n++) {
		struct assay_shortfall part = assay_claims_short_at(claims, n);
		buffer_put(json, n > 0 ? ",{" : "{");
		put_text(json, "part", part.part);
		buffer_put(json, ",");
		put_number(json, "got", part.got);
		buffer_put(json, ",");
		put_number(json, "want", part.want);
		buffer_put(json, ",");
		put_number(json, "by", part.want > part.got ? part.want - part.got : 0);
		buffer_put(json, ",");
		put_number(json, "running", part.running);
		buffer_put(json, "}");
	}
	buffer_put(json, "]}");
}

static void
put_row(struct buffer *json, const char *id, enum assay_outcome outcome, const char *detail,
    const char *fix)
{
	buffer_put(json, "{");
	put_text(json, "id", id);
	buffer_put(json, ",");
	put_text(json, "outcome", assay_outcome_name(outcome));
	buffer_put(json, ",");
	put_name(json, "detail");
	buffer_string(json, bytes_of(detail));
	if (fix[0] != '\0') {
		buffer_put(json, ",");
		put_text(json, "fix", fix);
	}
	buffer_put(json, "}");
}

/* What is no evidence is refused like evidence that does not hold: one row says so. */
static void
put_no_evidence(struct buffer *json, const char *why)
{
	const struct assay_check_info *info = assay_check_info_find("evidence.format");

	put_row(json, "evidence.format", ASSAY_FAIL, why,
	    info != NULL ? assay_check_info_remedy(info) : "");
}

static void
put_checks(struct buffer *json, const struct assay_checks *checks)
{
	for (size_t i = 0; i < assay_checks_count(checks); i++) {
		buffer_put(json, i > 0 ? "," : "");
		put_row(json, assay_check_id(checks, i), assay_check_outcome(checks, i),
		    assay_check_detail(checks, i), assay_check_fix(checks, i));
	}
	buffer_put(json, "],\"missing\":[");
	for (size_t i = 0; i < assay_missing_count(checks); i++) {
		buffer_put(json, i > 0 ? ",{" : "{");
		put_text(json, "what", assay_missing_what(checks, i));
		buffer_put(json, ",");
		put_text(json, "which", assay_missing_which(checks, i));
		buffer_put(json, "}");
	}
}

static void
put_claims(struct buffer *json, const struct assay_claims *claims)
{
	char *text = NULL;

	put_name(json, "claims");
	if (claims != NULL && assay_claims_json(&text, claims, NULL) != ASSAY_OK)
		json->broken = true;
	buffer_put(json, text != NULL ? text : "{}");
	free(text);
}

/* --------------------------------------------------------------------------------------------- */

void
answer_put(struct buffer *json, const struct appraised *a)
{
	size_t i;

	buffer_put(json, "{");
	put_text(json, "verdict", answer_word(a->code));
	buffer_put(json, ",");
	put_text(json, "tee", a->tee != NULL ? a->tee : "");
	buffer_put(json, ",");
	put_name(json, "genuine");
	buffer_put(json,
	    a->genuine == ASSAY_E_INCOMPLETE ? "null"
		: a->genuine == ASSAY_OK     ? "true"
					     : "false");
	buffer_put(json, ",\"policy\":[");
	for (size_t n = 0; a->policies[n] != NULL; n++) {
		buffer_put(json, n > 0 ? "," : "");
		buffer_string(json, bytes_of(a->policies[n]));
	}
	buffer_put(json, "],\"time\":");
	stamp_put(json, a->now);
	buffer_put(json, ",");
	put_tcb(json, a->claims);
	buffer_put(json, ",");
	put_name(json, "debug");
	buffer_put(json,
	    !find(a->claims, "debug", ASSAY_TYPE_BOOL, &i) ? "null"
		: assay_claims_bool(a->claims, i)          ? "true"
							   : "false");
	buffer_put(json, ",");
	bool rooted = find(a->claims, "trust.builtin", ASSAY_TYPE_BOOL, &i);
	put_text(json, "trust",
	    !rooted                               ? ""
		: assay_claims_bool(a->claims, i) ? "built-in"
						  : text_of(a->claims, "trust.root"));
	buffer_put(json, ",\"checks\":[");
	if (a->checks != NULL)
		put_checks(json, a->checks);
	else {
		put_no_evidence(json, a->why);
		buffer_put(json, "],\"missing\":[");
	}
	buffer_put(json, "],");
	put_claims(json, a->claims);
}
