/* SPDX-License-Identifier: Apache-2.0 */
/* Reads attestation results: draft-ietf-rats-ear in both families of names. */
#include "token/ear.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PARTS_MAX = 64,
	LEEWAY_S = 60, /* between the clocks of two machines */
};

/* The object behind the public struct. */
struct result {
	struct assay_result public;
	json_t *root;
	const json_t *nonce;      /* as it stands there */
	char *audiences, *nonces; /* of lists: joined */
	struct assay_result_part parts[PARTS_MAX];
	char *policies[PARTS_MAX];
};

static bool
is(struct assay_bytes text, const char *want)
{
	return assay_bytes_equal(text, assay_bytes_of(want));
}

void
assay_result_free(struct assay_result *result)
{
	struct result *r = (struct result *)(void *)result;

	if (r == NULL)
		return;
	for (size_t i = 0; i < PARTS_MAX; i++)
		free(r->policies[i]);
	free(r->audiences);
	free(r->nonces);
	json_decref(r->root);
	free(r);
}

/* --- members ----------------------------------------------------------------------------- */

/* Absent is ""; present and no text is refused. */
static enum assay_code
take_text(const char **out, const json_t *from, const char *name, struct assay_error *err)
{
	const json_t *got = json_object_get(from, name);

	*out = "";
	if (got == NULL)
		return ASSAY_OK;
	if (!json_is_string(got))
		return assay_fail(err, ASSAY_E_FORMAT, "token: \"%s\" is no text", name);
	*out = json_string_value(got);
	return ASSAY_OK;
}

/* A text, or the texts of a list with commas between. */
static enum assay_code
join(char **out, const json_t *got, const char *name, struct assay_error *err)
{
	struct token_text t = { .failed = false };
	size_t count = json_array_size(got);

	assay_token_put(&t, json_is_string(got) ? json_string_value(got) : "");
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(got, i));
		if (text == NULL) {
			free(t.ptr);
			return assay_fail(
			    err, ASSAY_E_FORMAT, "token: an element of \"%s\" is no text", name);
		}
		assay_token_put(&t, i > 0 ? "," : "");
		assay_token_put(&t, text);
	}
	return assay_token_text(out, &t, err);
}

/* As take_text(), or a list: joined, which *room holds. */
static enum assay_code
take_texts(
    const char **out, char **room, const json_t *from, const char *name, struct assay_error *err)
{
	const json_t *got = json_object_get(from, name);
	enum assay_code rc;

	if (!json_is_array(got))
		return take_text(out, from, name, err);
	free(*room);
	*room = NULL;
	if ((rc = join(room, got, name, err)) == ASSAY_OK)
		*out = *room;
	return rc;
}

/* RFC 9711, 4.1: one, or several for several who ask. */
static enum assay_code
take_nonce(struct result *r, const json_t *from, struct assay_error *err)
{
	r->nonce = json_object_get(from, "eat_nonce");
	return take_texts(&r->public.nonce, &r->nonces, from, "eat_nonce", err);
}

/* Whole seconds, or a number with a fraction, which is cut off (RFC 7519, 2: NumericDate). */
static enum assay_code
take_time(bool *has, int64_t *out, const json_t *from, const char *name, struct assay_error *err)
{
	const double last = 253402300799; /* the end of the year 9999 */
	const json_t *got = json_object_get(from, name);

	*has = got != NULL;
	if (got == NULL)
		return ASSAY_OK;
	if (!json_is_number(got) || !(json_number_value(got) >= 0) ||
	    !(json_number_value(got) <= last))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "token: \"%s\" is no time, must be a number of seconds since 1970", name);
	*out = (int64_t)json_number_value(got);
	return ASSAY_OK;
}

static enum assay_code
take_profile(struct assay_result *r, const json_t *root, struct assay_error *err)
{
	static const struct {
		const char *text;
		enum assay_ear_profile family;
	} known[] = {
		{ "tag:github.com,2023:veraison/ear", ASSAY_EAR_DEPLOYED },
		{ "tag:github.com,2024:confidential-containers/Trustee", ASSAY_EAR_DEPLOYED },
		{ "tag:ietf.org,2026:rats/ear#03", ASSAY_EAR_IETF },
		/* What is read here has the same names in draft 04. */
		{ "tag:ietf.org,2026:rats/ear#04", ASSAY_EAR_IETF },
	};
	enum assay_code rc = take_text(&r->profile_text, root, "eat_profile", err);

	for (size_t i = 0; rc == ASSAY_OK && i < sizeof known / sizeof *known; i++)
		if (strcmp(r->profile_text, known[i].text) == 0) {
			r->profile = known[i].family;
			return ASSAY_OK;
		}
	if (rc != ASSAY_OK)
		return rc;
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "token: eat_profile is %s, which is no profile of attestation results that is known "
	    "here",
	    assay_quote(assay_bytes_of(r->profile_text)).text);
}

static enum assay_code
take_verifier(struct assay_result *r, const json_t *root, struct assay_error *err)
{
	const char *name = assay_ear_names[r->profile].verifier;
	const json_t *verifier = json_object_get(root, name);
	enum assay_code rc;

	if (!json_is_object(verifier))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "token: has no \"%s\", which says who "
		    "appraised",
		    name);
	if ((rc = take_text(&r->developer, verifier, "developer", err)) != ASSAY_OK)
		return rc;
	return take_text(&r->build, verifier, "build", err);
}

/* --- parts ------------------------------------------------------------------------------- */

/* Whose status: a part's, in quotes, or without a name the token's own. */
#define WHOSE(name) ((name) != NULL ? assay_quote(assay_bytes_of(name)).text : "the token itself")

/* A word, or as some write it the number. */
static enum assay_code
take_status(enum assay_tier *out, const char *name, const json_t *got, struct assay_error *err)
{
	static const enum assay_tier tiers[] = { ASSAY_TIER_NONE, ASSAY_TIER_AFFIRMING,
		ASSAY_TIER_WARNING, ASSAY_TIER_CONTRAINDICATED };
	const char *word = json_string_value(got);

	for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
		if (word != NULL ? strcmp(word, assay_tier_name(tiers[i])) == 0
				 : json_is_integer(got) && json_integer_value(got) == tiers[i]) {
			*out = tiers[i];
			return ASSAY_OK;
		}
	return assay_fail(err, ASSAY_E_FORMAT,
	    "token: the status of %s is none of none, affirming, warning and contraindicated",
	    WHOSE(name));
}

static enum assay_code
take_vector(struct assay_result_part *part, json_t *got, struct assay_error *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(got))
		return assay_fail(err, ASSAY_E_FORMAT, "token: the trust vector of %s is no object",
		    assay_quote(assay_bytes_of(part->name)).text);
	json_object_foreach(got, name, value)
	{
		json_int_t n = json_integer_value(value);
		size_t i = 0;
		while (i < ASSAY_TRUST_VECTOR && strcmp(assay_trust_vector_name(i), name) != 0)
			i++;
		if (i == ASSAY_TRUST_VECTOR || !json_is_integer(value) || n < INT8_MIN ||
		    n > INT8_MAX)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "token: %s in a trust vector is no claim of AR4SI with a value from "
			    "-128 to 127",
			    assay_quote(assay_bytes_of(name)).text);
		part->vector[i] = (int8_t)n;
	}
	return ASSAY_OK;
}

static enum assay_code
take_part(struct result *r, const char *name, const json_t *from, struct assay_error *err)
{
	const struct ear_names *names = &assay_ear_names[r->public.profile];
	size_t at = r->public.part_count;
	struct assay_result_part *part = &r->parts[at];
	json_t *vector = json_object_get(from, names->vector);
	enum assay_code rc;

	part->name = name;
	if (!json_is_object(from))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "token: its part %s is no object: tokens inside tokens are not read here",
		    assay_quote(assay_bytes_of(name)).text);
	rc = take_status(&part->status, name, json_object_get(from, names->status), err);
	if (rc == ASSAY_OK && vector != NULL)
		rc = take_vector(part, vector, err);
	if (rc == ASSAY_OK)
		rc = join(
		    &r->policies[at], json_object_get(from, names->policy), names->policy, err);
	if (rc == ASSAY_OK && r->public.nonce[0] == '\0')
		rc = take_nonce(r, from, err);
	if (rc != ASSAY_OK)
		return rc;
	part->policies = r->policies[at];
	/* "None" claims nothing, so it is never too good. */
	enum assay_tier worst = assay_trust_vector_tier(part->vector);
	if (part->status != ASSAY_TIER_NONE && part->status < worst)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "token: the status of %s is %s, which is better than its own trust vector: %s",
		    assay_quote(assay_bytes_of(name)).text, assay_tier_name(part->status),
		    assay_tier_name(worst));
	r->public.part_count++;
	return ASSAY_OK;
}

static enum assay_code
take_parts(struct result *r, struct assay_error *err)
{
	json_t *submods = json_object_get(r->root, "submods"), *value;
	const char *name;
	enum assay_code rc;

	if (!json_is_object(submods) || json_object_size(submods) == 0 ||
	    json_object_size(submods) > PARTS_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "token: \"submods\" must be an object of 1 to %d parts, is %s", PARTS_MAX,
		    submods == NULL ? "missing" : "another thing");
	json_object_foreach(
	    submods, name, value) if ((rc = take_part(r, name, value, err)) != ASSAY_OK) return rc;
	r->public.parts = r->parts;
	return ASSAY_OK;
}

/* Of the whole, no better than the worst of its parts: draft-ietf-rats-ear, 3. Deployed verifiers are
 * not known to write it, but what it says must not be passed over in their names either. */
static enum assay_code
take_own_status(struct assay_result *r, const json_t *root, struct assay_error *err)
{
	const json_t *got = json_object_get(root, assay_ear_names[r->profile].status);
	const struct assay_result_part *worst = &r->parts[0];
	enum assay_code rc;

	if (got == NULL)
		return ASSAY_OK;
	if ((rc = take_status(&r->status, NULL, got, err)) != ASSAY_OK)
		return rc;
	r->has_status = true;
	for (size_t i = 1; i < r->part_count; i++)
		if (r->parts[i].status > worst->status)
			worst = &r->parts[i];
	if (r->status == ASSAY_TIER_NONE || r->status >= worst->status)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_FORMAT,
	    "token: the status of the token itself is %s, which is better than that of its part "
	    "%s: %s",
	    assay_tier_name(r->status), WHOSE(worst->name), assay_tier_name(worst->status));
}

enum assay_code
assay_result_parse(struct assay_result **out, struct assay_bytes payload, struct assay_error *err)
{
	struct result *r = calloc(1, sizeof *r);
	enum assay_code rc;

	if (r == NULL)
		return assay_fail_nomem(err);
	struct assay_result *p = &r->public;
	rc = assay_token_object(&r->root, payload, TOKEN_MAX, "token: claims", err);
	p->developer = p->build = "";
	if (rc == ASSAY_OK)
		rc = take_profile(p, r->root, err);
	if (rc == ASSAY_OK)
		rc = take_text(&p->issuer, r->root, "iss", err);
	if (rc == ASSAY_OK)
		rc = take_text(&p->id, r->root, "jti", err);
	if (rc == ASSAY_OK)
		rc = take_texts(&p->audience, &r->audiences, r->root, "aud", err);
	if (rc == ASSAY_OK)
		rc = take_nonce(r, r->root, err);
	if (rc == ASSAY_OK)
		rc = take_time(&p->has_issued, &p->issued, r->root, "iat", err);
	if (rc == ASSAY_OK)
		rc = take_time(&p->has_not_before, &p->not_before, r->root, "nbf", err);
	if (rc == ASSAY_OK)
		rc = take_time(&p->has_expires, &p->expires, r->root, "exp", err);
	if (rc == ASSAY_OK)
		rc = take_verifier(p, r->root, err);
	if (rc == ASSAY_OK)
		rc = take_parts(r, err);
	if (rc == ASSAY_OK)
		rc = take_own_status(p, r->root, err);
	if (rc == ASSAY_OK)
		*out = p;
	else
		assay_result_free(p);
	return rc;
}

/* --- judging ----------------------------------------------------------------------------- */

static enum assay_code
check_times(const struct assay_result *r, int64_t now, struct assay_error *err)
{
	char at[ASSAY_TIME_TEXT], as_of[ASSAY_TIME_TEXT];
	int64_t from = r->has_issued ? r->issued : 0;

	assay_time_text(as_of, now);
	if (r->has_not_before && r->not_before > from)
		from = r->not_before;
	if (from > now + LEEWAY_S) {
		assay_time_text(at, from);
		return assay_fail(err, ASSAY_E_EXPIRED,
		    "token: holds from %s, and it is %s; compare the clocks", at, as_of);
	}
	if (r->has_expires && now >= r->expires) {
		assay_time_text(at, r->expires);
		return assay_fail(err, ASSAY_E_EXPIRED,
		    "token: expired at %s, and it is %s; attest again", at, as_of);
	}
	return ASSAY_OK;
}

/* As plain text, in lower-case hex, in base64, or in base64url, padded or not. */
static bool
nonce_is(struct assay_bytes text, struct assay_bytes nonce)
{
	enum { MAX = 64 };
	char plain[2 * MAX + 1], url[ASSAY_BASE64URL_SIZE(MAX)], standard[ASSAY_BASE64_SIZE(MAX)];

	if (assay_bytes_equal(text, nonce))
		return true;
	if (nonce.len > MAX)
		return false;
	assay_hex(plain, nonce);
	(void)assay_base64url(url, nonce);
	assay_base64(standard, nonce);
	if (is(text, plain) || is(text, standard))
		return true;
	while (text.len > strlen(url) && text.ptr[text.len - 1] == '=')
		text.len--;
	return is(text, url);
}

/* Of several, one is it. */
static bool
has_nonce(const struct result *r, struct assay_bytes nonce)
{
	size_t i = 0;

	do {
		const json_t *one =
		    json_is_array(r->nonce) ? json_array_get(r->nonce, i) : r->nonce;
		const char *text = json_string_value(one);
		if (text != NULL && nonce_is(assay_bytes_of(text), nonce))
			return true;
	} while (++i < json_array_size(r->nonce));
	return false;
}

static enum assay_code
check_status(bool *none, const char *name, enum assay_tier status, struct assay_error *err)
{
	*none = *none || status == ASSAY_TIER_NONE;
	if (status <= ASSAY_TIER_AFFIRMING)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_POLICY, "token: the status of %s is %s", WHOSE(name),
	    assay_tier_name(status));
}

enum assay_code
assay_result_check(
    const struct assay_result *r, int64_t now, struct assay_bytes nonce, struct assay_error *err)
{
	enum assay_code rc = check_times(r, now, err);
	bool none = false;

	if (rc != ASSAY_OK)
		return rc;
	if (nonce.len > 0 && !has_nonce((const struct result *)(const void *)r, nonce))
		return assay_fail(err, ASSAY_E_POLICY,
		    "token: eat_nonce is %s, which is not the nonce that was expected: it was made "
		    "for another request",
		    assay_quote(assay_bytes_of(r->nonce)).text);
	for (size_t i = 0; rc == ASSAY_OK && i < r->part_count; i++)
		rc = check_status(&none, r->parts[i].name, r->parts[i].status, err);
	if (rc == ASSAY_OK && r->has_status)
		rc = check_status(&none, NULL, r->status, err);
	if (rc != ASSAY_OK)
		return rc;
	if (none)
		return assay_fail(err, ASSAY_E_INCOMPLETE,
		    "token: its verifier could not tell; bring what was missing, and attest again");
	if (!r->has_expires)
		return assay_fail(err, ASSAY_E_INCOMPLETE,
		    "token: has no \"exp\", so nothing says until when it holds");
	return ASSAY_OK;
}
