/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token.h"

#include <stdlib.h>
#include <string.h>

#include "parse/signed_json.h"

enum {
	JWK_MAX = 16 * 1024, /* with its certificates */
	KEYS_MAX = 64,
};

/* In the order in which a key without "alg" takes one: the first of its kind that is not foreign. */
static const struct jwk_algorithm algorithms[] = {
	{ "ES256", ASSAY_PAIR_P256, ASSAY_PAIR_P256, JWK_SIGN, ASSAY_SIGN_SHA256 },
	{ "ES384", ASSAY_PAIR_P384, ASSAY_PAIR_P384, JWK_SIGN, ASSAY_SIGN_SHA384 },
	{ "EdDSA", ASSAY_PAIR_ED25519, ASSAY_PAIR_ED25519, JWK_SIGN, ASSAY_SIGN_PLAIN },
	{ "ECDH-ES+A256KW", ASSAY_PAIR_P256, ASSAY_PAIR_P521, JWK_AGREE, ASSAY_SIGN_PLAIN },
	{ "RSA-OAEP-256", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA, JWK_OAEP, ASSAY_SIGN_PLAIN },
	{ "RSA1_5", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA, JWK_PKCS1, ASSAY_SIGN_PLAIN },
	{ "RS256", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA, JWK_SIGN, ASSAY_SIGN_SHA256 },
	{ "PS256", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA, JWK_SIGN, ASSAY_SIGN_PSS_256 },
	{ "PS384", ASSAY_PAIR_RSA, ASSAY_PAIR_RSA, JWK_SIGN, ASSAY_SIGN_PSS_384 },
};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

static const char *const crvs[] = {
	[ASSAY_PAIR_P256] = "P-256",
	[ASSAY_PAIR_P384] = "P-384",
	[ASSAY_PAIR_P521] = "P-521",
	[ASSAY_PAIR_ED25519] = "Ed25519",
	[ASSAY_PAIR_RSA] = NULL,
};

/* The members that hold the numbers, in the order of struct assay_numbers; private from d on. */
enum { PRIVATE = 2 };
static const char *const ec_members[ASSAY_NUMBERS] = { "x", "y", "d" };
static const char *const okp_members[ASSAY_NUMBERS] = { "x", NULL, "d" };
static const char *const rsa_members[ASSAY_NUMBERS] = { "n", "e", "d", "p", "q", "dp", "dq", "qi" };

static bool
is(struct assay_bytes text, const char *want)
{
	return assay_bytes_equal(text, assay_bytes_of(want));
}

const char *
assay_jwk_crv(const struct assay_jwk *key)
{
	return crvs[key->pair.kind];
}

enum assay_pair_kind
assay_jwk_curve(struct assay_bytes crv)
{
	for (enum assay_pair_kind k = ASSAY_PAIR_P256; k < ASSAY_PAIR_RSA; k++)
		if (is(crv, crvs[k]))
			return k;
	return ASSAY_PAIR_NONE;
}

static const char *const *
members_of(enum assay_pair_kind kind)
{
	return kind == ASSAY_PAIR_RSA    ? rsa_members
	    : kind == ASSAY_PAIR_ED25519 ? okp_members
					 : ec_members;
}

static const char *
kty_of(enum assay_pair_kind kind)
{
	return kind == ASSAY_PAIR_RSA ? "RSA" : kind == ASSAY_PAIR_ED25519 ? "OKP" : "EC";
}

/* --- algorithm --------------------------------------------------------------------------- */

static bool
fits(const struct jwk_algorithm *alg, enum assay_pair_kind kind)
{
	return kind >= alg->kind && kind <= alg->last;
}

/* The one of this name (name.ptr NULL: the first of its kind and use) that goes with the kind. */
static enum assay_code
find_algorithm(const struct jwk_algorithm **out, enum assay_pair_kind kind, struct assay_bytes name,
    bool encrypts, struct assay_error *err)
{
	if (name.ptr == NULL && kind == ASSAY_PAIR_RSA)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "key: an RSA key is good for many things; say which in \"alg\"");
	for (size_t i = 0; i < ALGORITHMS; i++) {
		const struct jwk_algorithm *alg = &algorithms[i];
		if (fits(alg, kind) &&
		    (name.ptr != NULL ? is(name, alg->name) : (alg->use != JWK_SIGN) == encrypts)) {
			*out = alg;
			return ASSAY_OK;
		}
	}
	if (name.ptr == NULL)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "key: no algorithm is known that %s with %s; say which in \"alg\"",
		    encrypts ? "encrypts" : "signs", crvs[kind]);
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "key: alg is %s, which is not known here for %s", assay_quote(name).text,
	    kind == ASSAY_PAIR_RSA ? "RSA" : crvs[kind]);
}

/* --- names ------------------------------------------------------------------------------- */

static enum assay_code
encode_numbers(struct assay_jwk *key, const struct assay_public_numbers *n, struct assay_error *err)
{
	if ((key->first = malloc(ASSAY_BASE64URL_SIZE(n->len[0]))) == NULL ||
	    (n->len[1] > 0 && (key->second = malloc(ASSAY_BASE64URL_SIZE(n->len[1]))) == NULL))
		return assay_fail_nomem(err);
	(void)assay_base64url(key->first, (struct assay_bytes){ n->at[0], n->len[0] });
	if (key->second != NULL)
		(void)assay_base64url(key->second, (struct assay_bytes){ n->at[1], n->len[1] });
	return ASSAY_OK;
}

/* RFC 7638 3.2: the members that make the key, sorted. */
static enum assay_code
hash_key(struct assay_jwk *key, struct assay_error *err)
{
	bool rsa = key->pair.kind == ASSAY_PAIR_RSA;
	struct token_text t = { .failed = false };
	enum assay_code rc;
	char *text;

	assay_token_put(&t, rsa ? "{\"e\":\"" : "{\"crv\":\"");
	assay_token_put(&t, rsa ? key->second : assay_jwk_crv(key));
	assay_token_put(&t, "\",\"kty\":\"");
	assay_token_put(&t, kty_of(key->pair.kind));
	assay_token_put(&t, rsa ? "\",\"n\":\"" : "\",\"x\":\"");
	assay_token_put(&t, key->first);
	if (!rsa && key->second != NULL) {
		assay_token_put(&t, "\",\"y\":\"");
		assay_token_put(&t, key->second);
	}
	assay_token_put(&t, "\"}");
	if ((rc = assay_token_text(&text, &t, err)) != ASSAY_OK)
		return rc;
	assay_sha256(key->thumbprint, assay_bytes_of(text));
	(void)assay_base64url(
	    key->kid, (struct assay_bytes){ key->thumbprint, sizeof key->thumbprint });
	free(text);
	return ASSAY_OK;
}

/* Takes the pair over, also when it fails. n: its public numbers. */
static enum assay_code
make_key(struct assay_jwk **out, struct assay_pair *pair, const struct assay_public_numbers *n,
    struct assay_bytes alg, bool encrypts, struct assay_bytes kid, struct assay_error *err)
{
	struct assay_jwk *key = calloc(1, sizeof *key);
	enum assay_code rc;

	if (key == NULL) {
		assay_pair_clear(pair);
		return assay_fail_nomem(err);
	}
	key->pair = *pair;
	rc = find_algorithm(&key->alg, pair->kind, alg, encrypts, err);
	if (rc == ASSAY_OK)
		rc = encode_numbers(key, n, err);
	if (rc == ASSAY_OK)
		rc = hash_key(key, err);
	if (rc == ASSAY_OK && kid.ptr != NULL) {
		key->named = calloc(1, kid.len + 1);
		if (key->named != NULL)
			memcpy(key->named, kid.ptr, kid.len);
		else
			rc = assay_fail_nomem(err);
	}
	if (rc == ASSAY_OK)
		*out = key;
	else
		assay_jwk_free(key);
	return rc;
}

static enum assay_code
make_key_of(struct assay_jwk **out, struct assay_pair *pair, struct assay_bytes alg, bool encrypts,
    struct assay_error *err)
{
	struct assay_public_numbers n = { .len = { 0 } };

	if (!assay_pair_public(&n, pair)) {
		assay_pair_clear(pair);
		return assay_fail_nomem(err);
	}
	return make_key(out, pair, &n, alg, encrypts, (struct assay_bytes){ NULL, 0 }, err);
}

/* --- reading ----------------------------------------------------------------------------- */

static bool
is_private(struct assay_bytes name)
{
	for (size_t i = PRIVATE; i < ASSAY_NUMBERS; i++)
		if (is(name, rsa_members[i]))
			return true;
	return is(name, "k") || is(name, "oth");
}

/*
 * A copy without its private values, for jansson, which leaves copies in memory that nobody wipes:
 * "A" takes the place of each character. The values themselves are decoded from the text.
 */
static enum assay_code
blank_private(char **out, struct assay_bytes text, struct assay_error *err)
{
	struct assay_bytes name, value;
	size_t at = 0;
	char *copy = malloc(text.len + 1);

	if (copy == NULL)
		return assay_fail_nomem(err);
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	while (assay_json_member(&name, &value, text, &at))
		if (is_private(name) && value.len > 2 && value.ptr[0] == '"')
			memset(copy + (value.ptr - text.ptr) + 1, 'A', value.len - 2);
	*out = copy;
	return ASSAY_OK;
}

/* The value of a member between its quotes; ptr NULL: there is none. */
static struct assay_bytes
raw_member(struct assay_bytes text, const char *want)
{
	struct assay_bytes name, value, found = { NULL, 0 };
	size_t at = 0;

	while (assay_json_member(&name, &value, text, &at))
		if (is(name, want) && value.len >= 2 && value.ptr[0] == '"')
			found = (struct assay_bytes){ value.ptr + 1, value.len - 2 };
	return found;
}

static enum assay_code
read_number(struct assay_bytes *out, uint8_t room[ASSAY_UNBASE64_MAX(2 * ASSAY_NUMBER_MAX)],
    struct assay_bytes text, const char *name, struct assay_error *err)
{
	size_t n = 0;

	if (text.ptr == NULL)
		return assay_fail(err, ASSAY_E_FORMAT, "key: has no \"%s\"", name);
	if (text.len > (size_t)2 * ASSAY_NUMBER_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "key: \"%s\" has more than the %d bytes that make sense", name,
		    ASSAY_NUMBER_MAX);
	if (text.len == 0 || text.ptr[text.len - 1] == '=' || !assay_unbase64url(room, &n, text))
		return assay_fail(
		    err, ASSAY_E_FORMAT, "key: \"%s\" is no base64url without padding", name);
	*out = (struct assay_bytes){ room, n };
	return ASSAY_OK;
}

static enum assay_code
read_numbers(struct assay_pair *pair, struct assay_public_numbers *public,
    enum assay_pair_kind kind, const json_t *root, struct assay_bytes text,
    const struct assay_jwk *like, struct assay_error *err)
{
	enum { ROOM = ASSAY_UNBASE64_MAX(2 * ASSAY_NUMBER_MAX) };
	const char *const *names = members_of(kind);
	struct assay_numbers numbers = { { { NULL, 0 } } };
	bool private = json_object_get(root, "d") != NULL;
	uint8_t *room = malloc((size_t)ASSAY_NUMBERS * ROOM);
	enum assay_code rc = ASSAY_OK;

	if (room == NULL)
		return assay_fail_nomem(err);
	for (size_t i = 0; i < (private ? ASSAY_NUMBERS : PRIVATE) && rc == ASSAY_OK; i++)
		if (names[i] != NULL)
			rc = read_number(&numbers.at[i], room + i * ROOM,
			    i < PRIVATE ? assay_token_member(root, names[i])
					: raw_member(text, names[i]),
			    names[i], err);
	if (rc == ASSAY_OK && kind == ASSAY_PAIR_RSA && numbers.at[0].ptr[0] == 0)
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "key: \"n\" begins with a zero byte, which must be left out (RFC 7518, 2)");
	if (rc == ASSAY_OK)
		rc = assay_pair_set(pair, kind, &numbers, like != NULL ? &like->pair : NULL, err);
	if (rc == ASSAY_OK && kind == ASSAY_PAIR_RSA) { /* e may have come with zeros in front */
		if (!assay_pair_public(public, pair)) {
			assay_pair_clear(pair);
			rc = assay_fail_nomem(err);
		}
	} else if (rc == ASSAY_OK)
		for (size_t i = 0; i < PRIVATE; i++) {
			public->len[i] = numbers.at[i].len;
			memcpy(public->at[i], room + i * ROOM, numbers.at[i].len);
		}
	assay_wipe(room, (size_t)ASSAY_NUMBERS * ROOM);
	free(room);
	return rc;
}

static enum assay_code
find_kind(enum assay_pair_kind *out, const json_t *root, struct assay_error *err)
{
	struct assay_bytes kty = assay_token_member(root, "kty"),
			   crv = assay_token_member(root, "crv");

	if (kty.ptr == NULL)
		return assay_fail(err, ASSAY_E_FORMAT, "key: has no \"kty\": is no JWK");
	*out = is(kty, "RSA") ? ASSAY_PAIR_RSA : assay_jwk_curve(crv);
	if (*out == ASSAY_PAIR_NONE || !is(kty, kty_of(*out)))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "key: kty %s with crv %s is none of P-256, P-384, P-521, Ed25519 and RSA",
		    assay_quote(kty).text, assay_quote(crv).text);
	return ASSAY_OK;
}

static enum assay_code
read_jwk(struct assay_jwk **out, const json_t *root, struct assay_bytes text,
    const struct assay_jwk *like, struct assay_error *err)
{
	struct assay_bytes alg = assay_token_member(root, "alg"),
			   use = assay_token_member(root, "use"),
			   kid = assay_token_member(root, "kid");
	struct assay_pair pair = { ASSAY_PAIR_NONE, false, NULL };
	struct assay_public_numbers public = { .len = { 0 } };
	enum assay_pair_kind kind = ASSAY_PAIR_NONE;
	enum assay_code rc = find_kind(&kind, root, err);

	if (rc == ASSAY_OK && json_object_get(root, "alg") != NULL && alg.ptr == NULL)
		rc = assay_fail(err, ASSAY_E_FORMAT, "key: \"alg\" is no text");
	if (rc == ASSAY_OK)
		rc = read_numbers(&pair, &public, kind, root, text, like, err);
	if (rc == ASSAY_OK)
		rc =
		    make_key(out, &pair, &public, alg, use.ptr != NULL && is(use, "enc"), kid, err);
	if (rc == ASSAY_OK && use.ptr != NULL &&
	    !is(use, (*out)->alg->use == JWK_SIGN ? "sig" : "enc")) {
		rc = assay_fail(err, ASSAY_E_FORMAT, "key: use is %s, which is not what %s does",
		    assay_quote(use).text, (*out)->alg->name);
		assay_jwk_free(*out);
	}
	return rc;
}

enum assay_code
assay_jwk_parse_like(struct assay_jwk **out, struct assay_bytes json, const struct assay_jwk *like,
    struct assay_error *err)
{
	struct assay_bytes text = assay_bytes_trim(json);
	struct assay_jwk *key = NULL;
	json_t *root = NULL;
	char *public = NULL;
	enum assay_code rc = ASSAY_OK;

	if (text.len > JWK_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "key: is %zu bytes, at most %d make sense",
		    text.len, JWK_MAX);
	if ((rc = blank_private(&public, text, err)) == ASSAY_OK &&
	    (rc = assay_token_object(&root, (struct assay_bytes){ (uint8_t *)public, text.len },
		 JWK_MAX, "key", err)) == ASSAY_OK)
		rc = read_jwk(&key, root, text, like, err);
	json_decref(root);
	if (public != NULL)
		assay_wipe(public, text.len); /* a name may have hidden behind escapes */
	free(public);
	if (rc == ASSAY_OK)
		*out = key;
	return rc;
}

enum assay_code
assay_jwk_parse(struct assay_jwk **out, struct assay_bytes json, struct assay_error *err)
{
	return assay_jwk_parse_like(out, json, NULL, err);
}

enum assay_code
assay_jwk_parse_pem(
    struct assay_jwk **out, struct assay_bytes pem, const char *alg, struct assay_error *err)
{
	struct assay_pair pair = { ASSAY_PAIR_NONE, false, NULL };
	enum assay_code rc = assay_pair_set_pem(&pair, pem, err);

	if (rc != ASSAY_OK)
		return rc;
	return make_key_of(out, &pair,
	    alg != NULL ? assay_bytes_of(alg) : (struct assay_bytes){ NULL, 0 },
	    pair.kind == ASSAY_PAIR_P521, err);
}

enum assay_code
assay_jwk_make(struct assay_jwk **out, const char *alg, struct assay_error *err)
{
	struct assay_pair pair = { ASSAY_PAIR_NONE, false, NULL };
	enum assay_code rc;

	for (size_t i = 0; i < ALGORITHMS; i++) {
		const struct jwk_algorithm *a = &algorithms[i];
		if (strcmp(a->name, alg) != 0 || (a->kind == ASSAY_PAIR_RSA && a->use != JWK_OAEP))
			continue;
		if ((rc = assay_pair_make(&pair, a->kind, err)) != ASSAY_OK)
			return rc;
		return make_key_of(out, &pair, assay_bytes_of(alg), false, err);
	}
	return assay_fail(
	    err, ASSAY_E_USAGE, "key: none is made for %s", assay_quote(assay_bytes_of(alg)).text);
}

void
assay_jwk_free(struct assay_jwk *key)
{
	if (key == NULL)
		return;
	assay_pair_clear(&key->pair);
	free(key->first);
	free(key->second);
	free(key->named);
	free(key);
}

/* --- what it is -------------------------------------------------------------------------- */

const char *
assay_jwk_alg(const struct assay_jwk *key)
{
	return key->alg->name;
}

bool
assay_jwk_private(const struct assay_jwk *key)
{
	return key->pair.private;
}

void
assay_jwk_thumbprint(uint8_t out[ASSAY_THUMBPRINT_SIZE], const struct assay_jwk *key)
{
	memcpy(out, key->thumbprint, ASSAY_THUMBPRINT_SIZE);
}

void
assay_jwk_kid(char out[ASSAY_KID_TEXT], const struct assay_jwk *key)
{
	memcpy(out, key->kid, ASSAY_KID_TEXT);
}

enum assay_code
assay_jwk_json(char **out, const struct assay_jwk *key, const char *more, struct assay_error *err)
{
	bool rsa = key->pair.kind == ASSAY_PAIR_RSA;
	struct token_text t = { .failed = false };

	assay_token_put(&t, "{\"alg\":\"");
	assay_token_put(&t, key->alg->name);
	assay_token_put(&t, rsa ? "\",\"e\":\"" : "\",\"crv\":\"");
	assay_token_put(&t, rsa ? key->second : assay_jwk_crv(key));
	assay_token_put(&t, "\",\"kty\":\"");
	assay_token_put(&t, kty_of(key->pair.kind));
	assay_token_put(&t, rsa ? "\",\"n\":\"" : "\",\"x\":\"");
	assay_token_put(&t, key->first);
	if (!rsa && key->second != NULL) {
		assay_token_put(&t, "\",\"y\":\"");
		assay_token_put(&t, key->second);
	}
	assay_token_put(&t, "\"");
	assay_token_put(&t, more != NULL ? more : "");
	assay_token_put(&t, "}");
	return assay_token_text(out, &t, err);
}

enum assay_code
assay_jwk_private_pem(char **out, const struct assay_jwk *key, struct assay_error *err)
{
	if (!key->pair.private)
		return assay_fail(err, ASSAY_E_USAGE, "key: has no private half to write");
	return assay_pair_pem(out, &key->pair, err);
}

/* --- sets -------------------------------------------------------------------------------- */

struct assay_jwks {
	struct assay_jwk *keys[KEYS_MAX];
	size_t count;
};

void
assay_jwks_free(struct assay_jwks *set)
{
	for (size_t i = 0; set != NULL && i < set->count; i++)
		assay_jwk_free(set->keys[i]);
	free(set);
}

/* RFC 7517, 5: what cannot be used is passed over, and trusts nobody. A private half that is broken is
 * refused: who believes that a set is public must not send one on unseen. */
static bool
passed_over(enum assay_code rc, const json_t *key)
{
	return rc == ASSAY_E_UNSUPPORTED ||
	    (rc == ASSAY_E_FORMAT && json_object_get(key, "d") == NULL);
}

static enum assay_code
add_all(struct assay_jwks *set, const json_t *keys, struct assay_error *err)
{
	size_t count = json_array_size(keys);
	struct assay_error why[2]; /* of the first key, and of another */

	for (size_t i = 0; i < count; i++) {
		const json_t *key = json_array_get(keys, i);
		if (!json_is_object(key))
			return assay_fail(err, ASSAY_E_FORMAT, "key set: key %zu is no object", i);
		char *text = json_dumps(key, JSON_COMPACT);
		if (text == NULL)
			return assay_fail_nomem(err);
		enum assay_code rc =
		    assay_jwk_parse(&set->keys[set->count], assay_bytes_of(text), &why[i > 0]);
		assay_wipe(text, strlen(text));
		free(text);
		if (rc == ASSAY_OK)
			set->count++;
		else if (!passed_over(rc, key))
			return assay_fail(err, rc, "key set, key %zu: %s", i, why[i > 0].text);
	}
	if (count == 0 || set->count > 0)
		return ASSAY_OK;
	return assay_fail(
	    err, why[0].code, "key set: no key of it can be used; key 0: %s", why[0].text);
}

enum assay_code
assay_jwks_parse(struct assay_jwks **out, struct assay_bytes json, struct assay_error *err)
{
	struct assay_bytes text = assay_bytes_trim(json);
	struct assay_jwks *set = calloc(1, sizeof *set);
	json_t *root = NULL;
	char *public = NULL;
	enum assay_code rc;

	if (set == NULL)
		return assay_fail_nomem(err);
	if (text.len > TOKEN_MAX) {
		rc = assay_fail(err, ASSAY_E_FORMAT, "key set: is %zu bytes, at most %d make sense",
		    text.len, TOKEN_MAX);
		goto out;
	}
	if ((rc = blank_private(&public, text, err)) != ASSAY_OK ||
	    (rc = assay_token_object(&root, (struct assay_bytes){ (uint8_t *)public, text.len },
		 TOKEN_MAX, "key set", err)) != ASSAY_OK)
		goto out;
	const json_t *keys = json_object_get(root, "keys");
	if (keys == NULL)
		set->count = (rc = assay_jwk_parse(&set->keys[0], text, err)) == ASSAY_OK;
	else if (!json_is_array(keys) || json_array_size(keys) > KEYS_MAX)
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "key set: \"keys\" must be an array of at most %d keys", KEYS_MAX);
	else
		rc = add_all(set, keys, err);
out:
	json_decref(root);
	free(public);
	if (rc == ASSAY_OK)
		*out = set;
	else
		assay_jwks_free(set);
	return rc;
}

size_t
assay_jwks_count(const struct assay_jwks *set)
{
	return set->count;
}

const struct assay_jwk *
assay_jwks_at(const struct assay_jwks *set, size_t i)
{
	return i < set->count ? set->keys[i] : NULL;
}
