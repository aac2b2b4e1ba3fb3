/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../http/fields.h"
#include "../kbs/base64.h"
#include "../kbs/buffer.h"
#include "../kbs/scan.h"
#include "../text.h"

enum { GOOD = 200, BAD = 400, MEDIA_TYPE = 415, UNPROCESSABLE = 422, TROUBLE = 500 };
enum { NAME_MAX_QUOTED = 64, VALUE_ROOM = 4096 };

static int refuse(struct assay_error *err, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
refuse(struct assay_error *err, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err->code = status == TROUBLE ? ASSAY_E_NOMEM : ASSAY_E_FORMAT;
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return status;
}

/* --- values ---------------------------------------------------------------------------------- */

/* Hex of 1 to room bytes. */
static bool
unhex(uint8_t *out, size_t *len, size_t room, struct assay_bytes text)
{
	if (text.len == 0 || text.len % 2 != 0 || text.len / 2 > room)
		return false;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = text_hex_digit((char)text.ptr[i]);
		int low = text_hex_digit((char)text.ptr[i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high * 16 + low);
	}
	*len = text.len / 2;
	return true;
}

/* One of nonce, challenge and report_data; they say the same thing. */
static int
take_fresh(struct verify_request *r, enum fresh fresh, const char *name, struct assay_bytes text,
    struct assay_error *err)
{
	size_t len;

	if (r->fresh != FRESH_NOT)
		return refuse(
		    err, UNPROCESSABLE, "%s: give one of challenge, nonce, report_data", name);
	r->fresh = fresh;
	if (fresh == FRESH_CHALLENGE) {
		if (!unhex(r->challenge, &len, TICKET_SIZE, text) || len != TICKET_SIZE)
			return refuse(err, UNPROCESSABLE,
			    "challenge: is not the text that POST /v1/challenge gave");
		return GOOD;
	}
	if (!unhex(r->data, &r->data_len, REPORT_DATA_SIZE, text) ||
	    (fresh == FRESH_NONCE && r->data_len < NONCE_LEAST))
		return refuse(err, UNPROCESSABLE, "%s: must be %d to %d bytes in hex", name,
		    fresh == FRESH_NONCE ? NONCE_LEAST : 1, REPORT_DATA_SIZE);
	return GOOD;
}

static int
take_policy(struct verify_request *r, struct assay_bytes name, struct assay_error *err)
{
	if (name.len == 0 || name.len >= VERIFY_NAME_ROOM ||
	    memchr(name.ptr, '\0', name.len) != NULL)
		return refuse(err, UNPROCESSABLE, "policy: is no name of a policy");
	if (r->policy_count == VERIFY_POLICIES)
		return refuse(err, UNPROCESSABLE, "policy: more than %d", VERIFY_POLICIES);
	memcpy(r->policies[r->policy_count], name.ptr, name.len);
	r->policies[r->policy_count++][name.len] = '\0';
	return GOOD;
}

static int
take_profile(struct verify_request *r, struct assay_bytes text, struct assay_error *err)
{
	if (bytes_equal(text, bytes_of("ietf")))
		r->profile = ASSAY_EAR_IETF;
	else if (!bytes_equal(text, bytes_of("deployed")))
		return refuse(err, UNPROCESSABLE, "profile: must be deployed or ietf");
	return GOOD;
}

/* What is asked for under this name: -1 if nothing is. */
static const char *const names[] = { "evidence", "challenge", "nonce", "report_data", "policy",
	"profile", "key" };
enum member { EVIDENCE, CHALLENGE, NONCE, REPORT_DATA, POLICY, PROFILE, KEY, MEMBERS };

static int
find_member(struct assay_bytes name)
{
	for (int i = 0; i < MEMBERS; i++)
		if (bytes_equal(name, bytes_of(names[i])))
			return i;
	return -1;
}

/* What is not known is refused: who misspells "nonce" would get an answer that is not fresh. */
static int
unknown(struct assay_bytes name, struct assay_error *err)
{
	char quoted[QUOTE_ROOM];

	if (bytes_equal(name, bytes_of("time")))
		return refuse(err, UNPROCESSABLE,
		    "time: a verdict of this server is always of now; assay verify --time gives "
		    "others");
	return refuse(err, UNPROCESSABLE,
	    "%s is not known; there are evidence, challenge, nonce, report_data, policy, profile, "
	    "key",
	    text_quote(quoted, name));
}

/* --- the key --------------------------------------------------------------------------------- */

static int
read_key(struct verify_request *r, struct assay_bytes file, struct assay_error *err)
{
	struct assay_jwk *key = NULL;
	struct assay_error why = { .text = "" };
	bool json = file.len > 0 && file.ptr[0] == '{';
	enum assay_code code =
	    json ? assay_jwk_parse(&key, file, &why) : assay_jwk_parse_pem(&key, file, NULL, &why);
	int status = GOOD;

	if (code == ASSAY_OK && assay_jwk_private(key))
		status = refuse(err, UNPROCESSABLE,
		    "key: is a private key; it must never leave the workload: make a new one");
	else if (code == ASSAY_OK)
		code = assay_jwk_json(&r->jwk, key, NULL, &why);
	assay_jwk_free(key);
	if (code != ASSAY_OK)
		return refuse(
		    err, code == ASSAY_E_NOMEM ? TROUBLE : UNPROCESSABLE, "key: %.230s", why.text);
	r->key = file;
	return status;
}

/* A JWK as an object is bound in its canonical form (RFC 8785), a text byte for byte. */
static int
take_key(struct verify_request *r, struct assay_bytes value, struct assay_error *err)
{
	struct assay_bytes file;
	struct assay_error why = { .text = "" };

	if (scan_is_object(value)) {
		char *canonical = NULL;
		enum assay_code code = assay_json_canonical(&canonical, value, &why);
		if (code != ASSAY_OK)
			return refuse(err, code == ASSAY_E_NOMEM ? TROUBLE : UNPROCESSABLE,
			    "key: %.230s", why.text);
		r->key_store = canonical;
		file = bytes_of(canonical);
	} else if (scan_is_string(value)) {
		if ((r->key_store = malloc(value.len + 1)) == NULL)
			return refuse(err, TROUBLE, "out of memory");
		file.ptr = r->key_store;
		file.len = scan_decode(r->key_store, value);
	} else {
		return refuse(err, UNPROCESSABLE,
		    "key: must be a JWK, or the text of a file with a public key");
	}
	return read_key(r, file, err);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static int
take_policies(struct verify_request *r, struct assay_bytes value, struct assay_error *err)
{
	struct assay_bytes text;
	int status = GOOD;

	if (scan_bare(&text, value))
		return take_policy(r, text, err);
	/* A list of names, which have nothing in them that JSON must escape. */
	if (value.len < 2 || value.ptr[0] != '[')
		return refuse(err, UNPROCESSABLE, "policy: must be a name, or a list of names");
	struct assay_bytes rest = scan_trim((struct assay_bytes){ value.ptr + 1, value.len - 2 });
	while (rest.len > 0 && status == GOOD) {
		const uint8_t *end =
		    rest.ptr[0] == '"' ? memchr(rest.ptr + 1, '"', rest.len - 1) : NULL;
		if (end == NULL ||
		    !scan_bare(
			&text, (struct assay_bytes){ rest.ptr, (size_t)(end - rest.ptr) + 1 }))
			return refuse(
			    err, UNPROCESSABLE, "policy: must be a name, or a list of names");
		status = take_policy(r, text, err);
		rest.len -= (size_t)(end - rest.ptr) + 1;
		rest.ptr = end + 1;
		rest = scan_trim(rest);
		if (rest.len > 0) { /* it is JSON: this is the comma */
			rest.ptr++;
			rest.len--;
			rest = scan_trim(rest);
		}
	}
	return status;
}

static int
take_evidence(struct verify_request *r, struct assay_bytes text, struct assay_error *err)
{
	uint8_t *bytes = malloc(UNBASE64_ROOM(text.len));
	size_t len;

	if (bytes == NULL)
		return refuse(err, TROUBLE, "out of memory");
	r->store = bytes;
	if (!base64_decode(bytes, &len, text) || len == 0)
		return refuse(err, BAD,
		    "evidence: is no base64 (RFC 4648, section 4: + and /, padded, without line "
		    "ends)");
	r->evidence = (struct assay_bytes){ bytes, len };
	return GOOD;
}

static int
take_member(
    struct verify_request *r, enum member m, struct assay_bytes value, struct assay_error *err)
{
	struct assay_bytes text;

	if (m == KEY)
		return take_key(r, value, err);
	if (m == POLICY)
		return take_policies(r, value, err);
	if (!scan_bare(&text, value))
		return refuse(err, UNPROCESSABLE, "%s: must be a text without escapes", names[m]);
	switch (m) {
	case EVIDENCE:
		return take_evidence(r, text, err);
	case CHALLENGE:
		return take_fresh(r, FRESH_CHALLENGE, names[m], text, err);
	case NONCE:
		return take_fresh(r, FRESH_NONCE, names[m], text, err);
	case REPORT_DATA:
		return take_fresh(r, FRESH_REPORT_DATA, names[m], text, err);
	case PROFILE:
		return take_profile(r, text, err);
	case POLICY:
	case KEY:
	case MEMBERS:
		break;
	}
	return UNPROCESSABLE;
}

static int
read_json(struct verify_request *r, struct assay_bytes body, struct assay_error *err)
{
	struct assay_bytes name, value, object = scan_trim(body);
	bool seen[MEMBERS] = { false };
	size_t at = 0;
	int status = GOOD;

	if (scan_check(body, "body", err) != ASSAY_OK)
		return BAD;
	if (!scan_is_object(object))
		return refuse(err, UNPROCESSABLE, "body: must be an object");
	while (status == GOOD && scan_member(&name, &value, object, &at)) {
		int m = find_member(name);
		if (m < 0)
			return unknown(name, err);
		if (seen[m])
			return refuse(err, UNPROCESSABLE, "%s: stands twice", names[m]);
		seen[m] = true;
		status = take_member(r, (enum member)m, value, err);
	}
	return status;
}

/* --- the evidence as it is ------------------------------------------------------------------- */

/* One parameter of a query, at part. */
static int
take_parameter(
    struct verify_request *r, const char *query, struct assay_bytes name, struct assay_error *err)
{
	char value[VALUE_ROOM];
	int m = find_member(name);

	if (m < 0 || m == EVIDENCE || m == KEY)
		return m == KEY || m == EVIDENCE
		    ? refuse(err, UNPROCESSABLE, "%s: can only stand in a JSON body", names[m])
		    : unknown(name, err);
	if (!query_find(query, names[m], value, sizeof value))
		return refuse(err, UNPROCESSABLE, "%s: stands twice, or is too long", names[m]);
	const struct assay_bytes text = bytes_of(value);
	if (m == CHALLENGE)
		return take_fresh(r, FRESH_CHALLENGE, names[m], text, err);
	if (m == NONCE)
		return take_fresh(r, FRESH_NONCE, names[m], text, err);
	if (m == REPORT_DATA)
		return take_fresh(r, FRESH_REPORT_DATA, names[m], text, err);
	if (m == PROFILE)
		return take_profile(r, text, err);
	int status = GOOD;
	for (const char *p = value; status == GOOD;) {
		size_t len = strcspn(p, ",");
		status = take_policy(r, (struct assay_bytes){ (const uint8_t *)p, len }, err);
		if (p[len] == '\0')
			break;
		p += len + 1;
	}
	return status;
}

static int
read_query(struct verify_request *r, const char *query, struct assay_error *err)
{
	int status = GOOD;

	for (const char *p = query; *p != '\0' && status == GOOD;) {
		size_t len = strcspn(p, "&");
		const struct assay_bytes name = { (const uint8_t *)p, strcspn(p, "=&") };
		if (len > 0)
			status = take_parameter(r, query, name, err);
		p += len + (p[len] == '&');
	}
	return status;
}

/* --------------------------------------------------------------------------------------------- */

/* "application/json; charset=utf-8" */
static bool
is_type(const char *type, const char *wanted)
{
	size_t len = strlen(wanted);

	return strncasecmp(type, wanted, len) == 0 &&
	    type[len + strspn(type + len, " \t")] == (strchr(type, ';') != NULL ? ';' : '\0');
}

int
verify_request_read(struct verify_request *r, const char *type, const char *query,
    struct assay_bytes body, struct assay_error *err)
{
	int status;

	*r = (struct verify_request){ .fresh = FRESH_NOT };
	if (type == NULL)
		type = "";
	if (is_type(type, "application/json")) {
		if (query[0] != '\0')
			return refuse(
			    err, UNPROCESSABLE, "query: with a JSON body all stands in the body");
		status = read_json(r, body, err);
	} else if (is_type(type, "application/octet-stream") ||
	    is_type(type, "application/cmw+cbor")) {
		r->evidence = body;
		status = read_query(r, query, err);
	} else {
		return refuse(err, MEDIA_TYPE,
		    "Content-Type: must be application/json, or for evidence as it is "
		    "application/cmw+cbor or application/octet-stream");
	}
	if (status == GOOD && r->evidence.len == 0)
		return refuse(err, UNPROCESSABLE, "evidence: is missing");
	if (status == GOOD && r->key.len > 0 && r->fresh != FRESH_NONCE &&
	    r->fresh != FRESH_CHALLENGE)
		return refuse(err, UNPROCESSABLE,
		    "key: is bound together with a nonce; give a challenge or a nonce");
	return status;
}

void
verify_request_clear(struct verify_request *r)
{
	free(r->store);
	free(r->key_store);
	free(r->jwk);
	*r = (struct verify_request){ .fresh = FRESH_NOT };
}
