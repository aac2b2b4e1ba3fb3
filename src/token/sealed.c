/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <assay/kbs.h>

#include "token/token.h"

/* Source: Confidential Containers, guest-components, sealed secrets 0.1.0. What an envelope's provider
 * encrypts the key to is the provider's matter; of "kbs" it is ours: IV, key and tag of A256GCM under
 * the resource, in this order. */

enum {
	SEALED_MAX = 1024 * 1024,
	PARTS = 3, /* of a JWS */
	WRAPPED = ASSAY_IV_SIZE + ASSAY_CEK_SIZE + ASSAY_TAG_SIZE,
};

static const char prefix[] = "sealed.";

struct assay_sealed {
	bool envelope;
	json_t *content;
	json_t *header; /* NULL: none that is JSON */
	struct assay_bytes jws;
	uint8_t wrapped[WRAPPED], iv[ASSAY_IV_SIZE];
	uint8_t *data; /* ciphertext and tag */
	size_t data_len;
	uint8_t store[]; /* the text */
};

/* --- members --------------------------------------------------------------------------------- */

static const char *
text_of(enum assay_code *rc, const json_t *from, const char *name, struct assay_error *err)
{
	const json_t *got = json_object_get(from, name);
	const char *text = json_string_value(got);

	if (*rc == ASSAY_OK && (text == NULL || text[0] == '\0'))
		*rc = assay_fail(err, ASSAY_E_FORMAT,
		    "sealed secret: %s is %s, must be a text that is not empty", name,
		    got == NULL ? "missing" : "not that");
	return *rc == ASSAY_OK ? text : "";
}

/* wanted: all that there is to choose from. */
static void
must_be(enum assay_code *rc, const json_t *from, const char *name, const char *wanted,
    struct assay_error *err)
{
	const char *text = text_of(rc, from, name, err);

	if (*rc == ASSAY_OK && strcmp(text, wanted) != 0)
		*rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "sealed secret: %s is %s, and only \"%s\" can be opened here", name,
		    assay_quote(assay_bytes_of(text)).text, wanted);
}

static uint8_t *
bytes_of(
    enum assay_code *rc, size_t *len, const json_t *from, const char *name, struct assay_error *err)
{
	const char *text = text_of(rc, from, name, err);
	struct assay_bytes in = assay_bytes_of(text);

	if (*rc != ASSAY_OK)
		return NULL;
	uint8_t *out = malloc(ASSAY_UNBASE64_MAX(in.len) + 1);
	if (out == NULL) {
		*rc = assay_fail_nomem(err);
	} else if (!assay_unbase64(out, len, in)) {
		*rc = assay_fail(
		    err, ASSAY_E_FORMAT, "sealed secret: %s is no standard base64", name);
		free(out);
		out = NULL;
	}
	return out;
}

static void
fixed_of(enum assay_code *rc, uint8_t *out, size_t size, const json_t *from, const char *name,
    struct assay_error *err)
{
	size_t len = 0;
	uint8_t *got = bytes_of(rc, &len, from, name, err);

	if (*rc == ASSAY_OK && len != size)
		*rc = assay_fail(err, ASSAY_E_FORMAT, "sealed secret: %s is %zu bytes, want %zu",
		    name, len, size);
	if (*rc == ASSAY_OK)
		memcpy(out, got, size);
	free(got);
}

/* No other member: what a reader passes over, another may believe. */
static void
check_members(enum assay_code *rc, const json_t *content, size_t known, struct assay_error *err)
{
	static const char *const settings[] = { "provider_settings", "annotations" };

	for (size_t i = 0; i < 2; i++) {
		const json_t *got = json_object_get(content, settings[i]);
		known += got != NULL;
		if (*rc == ASSAY_OK && got != NULL && !json_is_object(got))
			*rc = assay_fail(err, ASSAY_E_FORMAT,
			    "sealed secret: %s is not that, must be an object", settings[i]);
	}
	if (*rc == ASSAY_OK && json_object_size(content) != known)
		*rc = assay_fail(err, ASSAY_E_FORMAT,
		    "sealed secret: has %zu members, and %zu of them are known; a newer form, or "
		    "not "
		    "this one",
		    json_object_size(content), known);
}

static enum assay_code
read_content(struct assay_sealed *s, struct assay_error *err)
{
	enum assay_code rc = ASSAY_OK;
	const char *kind;

	must_be(&rc, s->content, "version", "0.1.0", err);
	kind = text_of(&rc, s->content, "type", err);
	s->envelope = strcmp(kind, "envelope") == 0;
	if (rc == ASSAY_OK && !s->envelope && strcmp(kind, "vault") != 0)
		rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "sealed secret: type is %s; there are vault and envelope",
		    assay_quote(assay_bytes_of(kind)).text);
	must_be(&rc, s->content, "provider", "kbs", err);
	(void)text_of(&rc, s->content, s->envelope ? "key_id" : "name", err);
	check_members(&rc, s->content, s->envelope ? 8 : 4, err);
	if (rc != ASSAY_OK || !s->envelope)
		return rc;
	must_be(&rc, s->content, "wrap_type", "A256GCM", err);
	fixed_of(&rc, s->wrapped, sizeof s->wrapped, s->content, "encrypted_key", err);
	fixed_of(&rc, s->iv, sizeof s->iv, s->content, "iv", err);
	s->data = bytes_of(&rc, &s->data_len, s->content, "encrypted_data", err);
	if (rc == ASSAY_OK && s->data_len <= ASSAY_TAG_SIZE)
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "sealed secret: encrypted_data is %zu bytes, want more than a tag of %d",
		    s->data_len, ASSAY_TAG_SIZE);
	return rc;
}

/* --- the triple ------------------------------------------------------------------------------ */

/* A part of the triple as JSON. */
static enum assay_code
part_json(json_t **out, struct assay_bytes part, const char *what, struct assay_error *err)
{
	uint8_t *text = NULL;
	size_t len = 0;
	enum assay_code rc = assay_token_decode(&text, &len, part, what, err);

	if (rc == ASSAY_OK)
		rc = assay_token_object(
		    out, (struct assay_bytes){ text, len }, SEALED_MAX, what, err);
	free(text);
	return rc;
}

/* Finds the three parts; false when there are more or fewer, or an empty one. */
static bool
split(struct assay_bytes parts[PARTS], struct assay_bytes jws)
{
	size_t n = 0, from = 0;

	for (size_t at = 0; at <= jws.len; at++) {
		if (at < jws.len && jws.ptr[at] != '.')
			continue;
		if (n == PARTS || at == from)
			return false;
		parts[n++] = (struct assay_bytes){ jws.ptr + from, at - from };
		from = at + 1;
	}
	return n == PARTS;
}

/* base64url of '{' and six more bits: 'e' and one of the digits 48 to 63. */
static bool
begins_object(struct assay_bytes part)
{
	return part.len > 1 && part.ptr[0] == 'e' &&
	    memchr("wxyz0123456789-_", part.ptr[1], 16) != NULL;
}

static enum assay_code
read_parts(struct assay_sealed *s, struct assay_error *err)
{
	struct assay_bytes parts[PARTS];

	if (!split(parts, s->jws))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "sealed secret: is not \"sealed.HEADER.PAYLOAD.SIGNATURE\"");
	/* Notes that nobody signed have any word for a header. What begins as JSON is no such word. */
	enum assay_code rc = ASSAY_OK;
	if (begins_object(parts[0]))
		rc = part_json(&s->header, parts[0], "sealed secret: header", err);
	if (rc == ASSAY_OK)
		rc = part_json(&s->content, parts[1], "sealed secret: payload", err);
	if (rc != ASSAY_OK)
		return rc;
	return read_content(s, err);
}

enum assay_code
assay_sealed_parse(struct assay_sealed **out, struct assay_bytes text, struct assay_error *err)
{
	struct assay_bytes in = assay_bytes_trim(text);
	size_t before = sizeof prefix - 1;

	if (in.len > SEALED_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "sealed secret: is %zu bytes, want at most %d", in.len, SEALED_MAX);
	if (in.len < before || memcmp(in.ptr, prefix, before) != 0)
		return assay_fail(
		    err, ASSAY_E_FORMAT, "sealed secret: does not begin with \"sealed.\"");
	struct assay_sealed *s = calloc(1, sizeof *s + in.len);
	if (s == NULL)
		return assay_fail_nomem(err);
	memcpy(s->store, in.ptr, in.len);
	s->jws = (struct assay_bytes){ s->store + before, in.len - before };
	enum assay_code rc = read_parts(s, err);
	if (rc != ASSAY_OK) {
		assay_sealed_free(s);
		return rc;
	}
	*out = s;
	return ASSAY_OK;
}

void
assay_sealed_free(struct assay_sealed *s)
{
	if (s == NULL)
		return;
	json_decref(s->content);
	json_decref(s->header);
	free(s->data);
	free(s);
}

const char *
assay_sealed_resource(const struct assay_sealed *s)
{
	return json_string_value(json_object_get(s->content, s->envelope ? "key_id" : "name"));
}

const char *
assay_sealed_kid(const struct assay_sealed *s)
{
	const char *kid = json_string_value(json_object_get(s->header, "kid"));

	return kid != NULL && json_is_string(json_object_get(s->header, "alg")) ? kid : "";
}

struct assay_bytes
assay_sealed_signed(const struct assay_sealed *s)
{
	return s->jws;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool
open_envelope(uint8_t *secret, const struct assay_sealed *s, const uint8_t *kek)
{
	static const struct assay_bytes none = { NULL, 0 };
	const uint8_t *wrapped = s->wrapped + ASSAY_IV_SIZE;
	size_t len = s->data_len - ASSAY_TAG_SIZE;
	uint8_t key[ASSAY_CEK_SIZE];
	bool ok = assay_gcm_open(key, wrapped + ASSAY_CEK_SIZE, kek, s->wrapped, none,
		      (struct assay_bytes){ wrapped, ASSAY_CEK_SIZE }) &&
	    assay_gcm_open(
		secret, s->data + len, key, s->iv, none, (struct assay_bytes){ s->data, len });

	assay_wipe(key, sizeof key);
	return ok;
}

enum assay_code
assay_sealed_open(uint8_t **secret, size_t *len, const struct assay_sealed *s,
    struct assay_bytes resource, struct assay_error *err)
{
	size_t n = s->envelope ? s->data_len - ASSAY_TAG_SIZE : resource.len;

	if (s->envelope && resource.len != ASSAY_CEK_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "sealed secret: the resource that its key_id names is %zu bytes, want a key of "
		    "%d",
		    resource.len, ASSAY_CEK_SIZE);
	uint8_t *out = malloc(n + 1);
	if (out == NULL)
		return assay_fail_nomem(err);
	if (!s->envelope) {
		if (n > 0)
			memcpy(out, resource.ptr, n);
	} else if (!open_envelope(out, s, resource.ptr)) {
		free(out);
		return assay_fail(err, ASSAY_E_SIGNATURE,
		    "sealed secret: the resource that its key_id names is not the key it was made "
		    "with, or it was altered");
	}
	*secret = out;
	*len = n;
	return ASSAY_OK;
}
