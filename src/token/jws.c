/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- signing ----------------------------------------------------------------------------- */

static enum assay_code
write_header(char **out, const struct assay_jwk *key, const char *typ, bool with_jwk,
    struct assay_error *err)
{
	struct token_text t = { .failed = false };
	char *jwk = NULL;
	enum assay_code rc = with_jwk ? assay_jwk_json(&jwk, key, NULL, err) : ASSAY_OK;

	if (rc != ASSAY_OK)
		return rc;
	assay_token_put(&t, "{\"alg\":\"");
	assay_token_put(&t, key->alg->name);
	if (with_jwk) {
		assay_token_put(&t, "\",\"jwk\":");
		assay_token_put(&t, jwk);
		assay_token_put(&t, ",\"kid\":\"");
	} else {
		assay_token_put(&t, "\",\"kid\":\"");
	}
	assay_token_put(&t, key->kid);
	assay_token_put(&t, "\",\"typ\":");
	assay_token_string(&t, assay_bytes_of(typ));
	assay_token_put(&t, "}");
	free(jwk);
	return assay_token_text(out, &t, err);
}

enum assay_code
assay_jws_sign(char **out, const struct assay_jwk *key, const char *typ, bool with_jwk,
    struct assay_bytes payload, struct assay_error *err)
{
	uint8_t signature[ASSAY_NUMBER_MAX];
	char *header = NULL;
	enum assay_code rc;

	if (!key->pair.private || key->alg->use != JWK_SIGN || key->pair.kind == ASSAY_PAIR_RSA)
		return assay_fail(err, ASSAY_E_USAGE,
		    "token: a %s key%s does not sign; give a private one for ES256, ES384 or EdDSA",
		    key->alg->name, key->pair.private ? "" : " without its private half");
	if (payload.len > TOKEN_MAX)
		return assay_fail(err, ASSAY_E_USAGE,
		    "token: %zu bytes of claims, at most %d make sense", payload.len, TOKEN_MAX);
	if ((rc = write_header(&header, key, typ, with_jwk, err)) != ASSAY_OK)
		return rc;
	struct assay_bytes head = assay_bytes_of(header);
	char *text = malloc(ASSAY_BASE64URL_SIZE(head.len) + ASSAY_BASE64URL_SIZE(payload.len) +
	    ASSAY_BASE64URL_SIZE(sizeof signature) + 2);
	if (text == NULL) {
		free(header);
		return assay_fail_nomem(err);
	}
	size_t n = assay_base64url(text, head);
	text[n++] = '.';
	n += assay_base64url(text + n, payload);
	free(header);
	size_t len = assay_pair_sign(
	    signature, &key->pair, key->alg->how, (struct assay_bytes){ (const uint8_t *)text, n });
	if (len == 0) {
		free(text);
		return assay_fail(err, ASSAY_E_NOMEM,
		    "token: could not be signed, for want of memory or of randomness");
	}
	text[n++] = '.';
	(void)assay_base64url(text + n, (struct assay_bytes){ signature, len });
	*out = text;
	return ASSAY_OK;
}

/* --- reading ----------------------------------------------------------------------------- */

/* A compact JWS, taken apart; nothing in it is believed. */
struct jws {
	struct assay_bytes text[3]; /* header, payload, signature, in base64url */
	struct assay_bytes signed_text;
	uint8_t *bytes[3]; /* decoded */
	size_t len[3];
	json_t *header;
};

static void
clear(struct jws *jws)
{
	for (size_t i = 0; i < 3; i++)
		free(jws->bytes[i]);
	json_decref(jws->header);
}

static enum assay_code
split(struct jws *jws, struct assay_bytes token, struct assay_error *err)
{
	size_t part = 0, from = 0;

	if (token.len > 2 * (size_t)TOKEN_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "token: is %zu bytes, at most %d make sense",
		    token.len, 2 * TOKEN_MAX);
	for (size_t i = 0; i <= token.len; i++) {
		if (i < token.len && token.ptr[i] != '.')
			continue;
		if (part < 3)
			jws->text[part] = (struct assay_bytes){ token.ptr + from, i - from };
		if (part == 1)
			jws->signed_text = (struct assay_bytes){ token.ptr, i };
		part++;
		from = i + 1;
	}
	if (part != 3 || jws->text[0].len == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "token: has %zu parts with dots between, a signed token has 3", part);
	return ASSAY_OK;
}

static enum assay_code
parse(struct jws *jws, struct assay_bytes token, struct assay_error *err)
{
	static const char *const names[] = { "token: header", "token: payload",
		"token: signature" };
	enum assay_code rc = split(jws, token, err);

	for (size_t i = 0; rc == ASSAY_OK && i < 3; i++)
		rc = assay_token_decode(&jws->bytes[i], &jws->len[i], jws->text[i], names[i], err);
	if (rc == ASSAY_OK)
		rc = assay_token_object(&jws->header,
		    (struct assay_bytes){ jws->bytes[0], jws->len[0] }, HEADER_MAX, names[0], err);
	return rc;
}

/* "application/" is left out where no other slash follows (RFC 7515 4.1.9). */
static bool
typ_is(struct assay_bytes got, const char *want)
{
	static const char prefix[] = "application/";
	size_t n = sizeof prefix - 1;
	const char *text = (const char *)got.ptr;

	if (text == NULL || strlen(text) != got.len)
		return false;
	if (strncasecmp(text, prefix, n) == 0)
		text += n;
	if (strncasecmp(want, prefix, n) == 0)
		want += n;
	return strcasecmp(text, want) == 0;
}

static enum assay_code
check_header(const json_t *header, const char *typ, struct assay_error *err)
{
	static const char *const refused[] = { "crit", "b64" };

	for (size_t i = 0; i < 2; i++)
		if (json_object_get(header, refused[i]) != NULL)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "token: its header has \"%s\", which asks for what is not known here",
			    refused[i]);
	if (assay_token_member(header, "alg").ptr == NULL)
		return assay_fail(err, ASSAY_E_FORMAT, "token: its header has no \"alg\"");
	if (json_object_get(header, "kid") != NULL && assay_token_member(header, "kid").ptr == NULL)
		return assay_fail(err, ASSAY_E_FORMAT, "token: \"kid\" in its header is no text");
	if (typ != NULL && !typ_is(assay_token_member(header, "typ"), typ))
		return assay_fail(err, ASSAY_E_FORMAT, "token: typ is %s, must be \"%s\"",
		    assay_quote(assay_token_member(header, "typ")).text, typ);
	return ASSAY_OK;
}

static bool
equal(struct assay_bytes a, const char *b)
{
	return assay_bytes_equal(a, assay_bytes_of(b));
}

/* A key without a name of its own answers to any; a name is a hint, and never a proof. */
static bool
named(const struct assay_jwk *key, struct assay_bytes kid)
{
	return kid.ptr == NULL || key->named == NULL || equal(kid, key->named) ||
	    equal(kid, key->kid);
}

/* The key that made the signature, of those whose name and algorithm are the header's. */
static enum assay_code
find_signer(const struct assay_jwk **by, const struct assay_jwks *keys, const struct jws *jws,
    struct assay_error *err)
{
	struct assay_bytes alg = assay_token_member(jws->header, "alg"),
			   kid = assay_token_member(jws->header, "kid");
	struct assay_bytes signature = { jws->bytes[2], jws->len[2] };
	size_t tried = 0;

	for (size_t i = 0; i < assay_jwks_count(keys); i++) {
		const struct assay_jwk *key = assay_jwks_at(keys, i);
		if (key->alg->use != JWK_SIGN || !equal(alg, key->alg->name) || !named(key, kid))
			continue;
		tried++;
		if (assay_pair_verify(&key->pair, key->alg->how, jws->signed_text, signature)) {
			*by = key;
			return ASSAY_OK;
		}
	}
	if (tried == 0)
		return assay_fail(err, ASSAY_E_SIGNATURE,
		    "token: signed with %s by key %s, which is none of the %zu trusted ones; a key "
		    "in its header counts for nothing",
		    assay_quote(alg).text, kid.ptr != NULL ? assay_quote(kid).text : "without name",
		    assay_jwks_count(keys));
	return assay_fail(err, ASSAY_E_SIGNATURE,
	    "token: its signature does not hold under the trusted key; it was altered, or signed "
	    "by another");
}

enum assay_code
assay_jws_verify(uint8_t **payload, size_t *len, const struct assay_jwk **by,
    const struct assay_jwks *keys, const char *typ, struct assay_bytes token,
    struct assay_error *err)
{
	struct jws jws = { .header = NULL };
	const struct assay_jwk *signer = NULL;
	enum assay_code rc = parse(&jws, token, err);

	if (rc == ASSAY_OK)
		rc = check_header(jws.header, typ, err);
	if (rc == ASSAY_OK)
		rc = find_signer(&signer, keys, &jws, err);
	if (rc == ASSAY_OK) {
		*payload = jws.bytes[1];
		*len = jws.len[1];
		jws.bytes[1] = NULL;
		if (by != NULL)
			*by = signer;
	}
	clear(&jws);
	return rc;
}

enum assay_code
assay_jws_peek(char **header, uint8_t **payload, size_t *len, struct assay_bytes token,
    struct assay_error *err)
{
	struct jws jws = { .header = NULL };
	enum assay_code rc = parse(&jws, token, err);
	char *text = NULL;

	if (rc == ASSAY_OK && (text = calloc(1, jws.len[0] + 1)) == NULL)
		rc = assay_fail_nomem(err);
	if (rc == ASSAY_OK) {
		memcpy(text, jws.bytes[0], jws.len[0]);
		*header = text;
		*payload = jws.bytes[1];
		*len = jws.len[1];
		jws.bytes[1] = NULL;
	}
	clear(&jws);
	return rc;
}
