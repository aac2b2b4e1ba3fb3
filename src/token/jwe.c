/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Encryption (RFC 7516) with A256GCM for one recipient, in the two forms that clients of the
 * key broker protocol read. */
#include "token/token.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char ecdh[] = "ECDH-ES+A256KW";

static bool
is(struct assay_bytes text, const char *want)
{
	return assay_bytes_equal(text, assay_bytes_of(want));
}

static void
put32be(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* One round: counter 1, Z, AlgorithmID, PartyUInfo and PartyVInfo of length 0, 256 bits. */
void
assay_jwe_kdf(uint8_t kek[ASSAY_CEK_SIZE], struct assay_bytes z)
{
	enum { NAME = sizeof ecdh - 1, MAX = 4 + ASSAY_FIELD_MAX + 4 + NAME + 4 + 4 + 4 };
	uint8_t in[MAX] = { 0, 0, 0, 1 };
	size_t n = 4;

	memcpy(in + n, z.ptr, z.len);
	n += z.len;
	put32be(in + n, NAME);
	memcpy(in + n + 4, ecdh, NAME);
	n += 4 + NAME + 4 + 4;
	put32be(in + n, (size_t)8 * ASSAY_CEK_SIZE);
	assay_sha256(kek, (struct assay_bytes){ in, n + 4 });
	assay_wipe(in, sizeof in);
}

static bool
agree(uint8_t kek[ASSAY_CEK_SIZE], const struct assay_pair *own, const struct assay_pair *peer)
{
	uint8_t z[ASSAY_FIELD_MAX];
	size_t n = assay_pair_agree(z, own, peer);

	if (n > 0)
		assay_jwe_kdf(kek, (struct assay_bytes){ z, n });
	assay_wipe(z, sizeof z);
	return n > 0;
}

/* --- sealing ----------------------------------------------------------------------------- */

static void
add_base64url(struct token_text *t, struct assay_bytes bytes)
{
	char room[512], *text = room;

	if (ASSAY_BASE64URL_SIZE(bytes.len) > sizeof room &&
	    (text = malloc(ASSAY_BASE64URL_SIZE(bytes.len))) == NULL) {
		t->failed = true;
		return;
	}
	(void)assay_base64url(text, bytes);
	assay_token_put(t, text);
	if (text != room)
		free(text);
}

/* alg, enc, then the rest sorted, without blanks: the peers read this and write it again to get the
 * authenticated bytes. */
static enum assay_code
write_header(char **out, const struct assay_jwk *to, const struct assay_pair *ephemeral,
    struct assay_error *err)
{
	struct assay_public_numbers epk = { .len = { 0, 0 } };
	struct token_text t = { .failed = false };

	assay_token_put(&t, "{\"alg\":\"");
	assay_token_put(&t, to->alg->name);
	assay_token_put(&t, "\",\"enc\":\"A256GCM\"");
	if (to->alg->use == JWK_AGREE) {
		t.failed = t.failed || !assay_pair_public(&epk, ephemeral);
		assay_token_put(&t, ",\"epk\":{\"crv\":\"");
		assay_token_put(&t, assay_jwk_crv(to));
		assay_token_put(&t, "\",\"kty\":\"EC\",\"x\":\"");
		add_base64url(&t, (struct assay_bytes){ epk.at[0], epk.len[0] });
		assay_token_put(&t, "\",\"y\":\"");
		add_base64url(&t, (struct assay_bytes){ epk.at[1], epk.len[1] });
		assay_token_put(&t, "\"}");
	}
	assay_token_put(&t, "}");
	return assay_token_text(out, &t, err);
}

/* The CEK for the recipient; returns its length, 0 when the engine failed. */
static size_t
wrap_cek(uint8_t out[ASSAY_NUMBER_MAX], const struct assay_jwk *to, const struct jwe_chance *chance)
{
	uint8_t kek[ASSAY_CEK_SIZE];
	bool ok;

	if (to->alg->use != JWK_AGREE)
		return assay_pair_encrypt(out, &to->pair,
		    to->alg->use == JWK_OAEP ? ASSAY_PAD_OAEP_256 : ASSAY_PAD_PKCS1, chance->cek);
	ok = agree(kek, &chance->ephemeral, &to->pair) && assay_key_wrap(out, kek, chance->cek);
	assay_wipe(kek, sizeof kek);
	return ok ? ASSAY_WRAPPED_SIZE : 0;
}

/* Clear text never lies in here: the buffer may grow and move. */
static void
put_envelope(struct token_text *t, enum assay_jwe_form form, struct assay_bytes header,
    struct assay_bytes wrapped, const struct jwe_chance *chance, struct assay_bytes sealed)
{
	struct assay_bytes tag = { sealed.ptr + sealed.len - ASSAY_TAG_SIZE, ASSAY_TAG_SIZE };

	assay_token_put(t, "{\"protected\":");
	assay_token_string(t, header);
	assay_token_put(t, ",\"encrypted_key\":\"");
	add_base64url(t, wrapped);
	assay_token_put(t, "\",\"iv\":\"");
	add_base64url(t, (struct assay_bytes){ chance->iv, ASSAY_IV_SIZE });
	assay_token_put(t, "\",\"ciphertext\":\"");
	if (form == ASSAY_JWE_LEGACY)
		tag.len = 0;
	else
		sealed.len -= ASSAY_TAG_SIZE;
	add_base64url(t, sealed);
	assay_token_put(t, "\",\"tag\":\"");
	add_base64url(t, tag);
	assay_token_put(t, "\"}");
}

enum assay_code
assay_jwe_seal(char **out, const struct assay_jwk *to, enum assay_jwe_form form,
    struct assay_bytes plain, const struct jwe_chance *chance, struct assay_error *err)
{
	uint8_t wrapped[ASSAY_NUMBER_MAX];
	struct token_text t = { .failed = false };
	char *header = NULL, *protected = NULL;
	uint8_t *sealed = malloc(plain.len + ASSAY_TAG_SIZE);
	enum assay_code rc = sealed == NULL ? assay_fail_nomem(err) : ASSAY_OK;

	if (rc == ASSAY_OK)
		rc = write_header(&header, to, &chance->ephemeral, err);
	if (rc != ASSAY_OK)
		goto out;
	struct assay_bytes said = assay_bytes_of(header), aad = { NULL, 0 };
	if (form == ASSAY_JWE_FLATTENED) {
		if ((protected = malloc(ASSAY_BASE64URL_SIZE(said.len))) == NULL) {
			rc = assay_fail_nomem(err);
			goto out;
		}
		aad.len = assay_base64url(protected, said);
		aad.ptr = (const uint8_t *)protected;
		said = aad;
	}
	size_t n = wrap_cek(wrapped, to, chance);
	if (n == 0 ||
	    !assay_gcm_seal(sealed, sealed + plain.len, chance->cek, chance->iv, aad, plain)) {
		rc = assay_fail(err, ASSAY_E_NOMEM,
		    "envelope: could not be sealed, for want of memory or of randomness");
		goto out;
	}
	put_envelope(&t, form, said, (struct assay_bytes){ wrapped, n }, chance,
	    (struct assay_bytes){ sealed, plain.len + ASSAY_TAG_SIZE });
	rc = assay_token_text(out, &t, err);
out:
	free(protected);
	free(header);
	free(sealed);
	return rc;
}

enum assay_code
assay_jwe_encrypt(char **out, const struct assay_jwk *to, enum assay_jwe_form form,
    struct assay_bytes plain, struct assay_error *err)
{
	struct jwe_chance chance = { .ephemeral = { ASSAY_PAIR_NONE, false, NULL } };
	enum assay_code rc = ASSAY_OK;

	if (to->alg->use == JWK_SIGN || (to->alg->use == JWK_PKCS1 && form != ASSAY_JWE_LEGACY))
		return assay_fail(err, ASSAY_E_USAGE,
		    "envelope: a key for %s %s; give one for ECDH-ES+A256KW or RSA-OAEP-256",
		    to->alg->name,
		    to->alg->use == JWK_SIGN ? "does not encrypt" : "is for protocol 0.1 alone");
	if (plain.len > INT_MAX / 2)
		return assay_fail(
		    err, ASSAY_E_USAGE, "envelope: %zu bytes are too many", plain.len);
	if (to->alg->use == JWK_AGREE)
		rc = assay_pair_make_like(&chance.ephemeral, &to->pair, err);
	if (rc == ASSAY_OK &&
	    (!assay_random(chance.cek, sizeof chance.cek) ||
		!assay_random(chance.iv, sizeof chance.iv)))
		rc = assay_fail(err, ASSAY_E_IO, "envelope: the system gives no randomness");
	if (rc == ASSAY_OK)
		rc = assay_jwe_seal(out, to, form, plain, &chance, err);
	assay_pair_clear(&chance.ephemeral);
	assay_wipe(&chance, sizeof chance);
	return rc;
}

/* --- opening ----------------------------------------------------------------------------- */

enum part { PROTECTED, ENCRYPTED_KEY, IV, CIPHERTEXT, TAG, PARTS };
static const char *const part_names[PARTS] = { "protected", "encrypted_key", "iv", "ciphertext",
	"tag" };

struct envelope {
	json_t *root, *header;
	struct assay_bytes said; /* "protected", as it stands there */
	enum assay_jwe_form form;
	uint8_t *bytes[PARTS];
	size_t len[PARTS];
};

static void
clear(struct envelope *e)
{
	for (size_t i = 0; i < PARTS; i++)
		free(e->bytes[i]);
	json_decref(e->header);
	json_decref(e->root);
}

/* Nothing but these members: what is passed over here, another reader may believe. */
static enum assay_code
only_known(const json_t *object, const char *const *known, size_t count, const char *what,
    struct assay_error *err)
{
	void *at = json_object_iter((json_t *)(uintptr_t)object);

	for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
		const char *name = json_object_iter_key(at);
		size_t i = 0;
		while (i < count && strcmp(known[i], name) != 0)
			i++;
		if (i == count)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "envelope: %s has the member %s, which is not known here", what,
			    assay_quote(assay_bytes_of(name)).text);
	}
	return ASSAY_OK;
}

/* The lengths that are fixed; the tag of the old form stands at the end of the cipher text. */
static enum assay_code
check_lengths(struct envelope *e, struct assay_error *err)
{
	bool old = e->form == ASSAY_JWE_LEGACY;

	if (e->len[IV] != ASSAY_IV_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT, "envelope: iv is %zu bytes, must be %d",
		    e->len[IV], ASSAY_IV_SIZE);
	if (e->len[TAG] != (old ? 0 : ASSAY_TAG_SIZE))
		return assay_fail(err, ASSAY_E_FORMAT, "envelope: tag is %zu bytes, must be %d",
		    e->len[TAG], ASSAY_TAG_SIZE);
	if (old && e->len[CIPHERTEXT] < ASSAY_TAG_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "envelope: ciphertext is %zu bytes, too few to end with a tag of %d",
		    e->len[CIPHERTEXT], ASSAY_TAG_SIZE);
	return ASSAY_OK;
}

static enum assay_code
parse(struct envelope *e, struct assay_bytes json, struct assay_error *err)
{
	struct assay_bytes text = assay_bytes_trim(json), header;
	enum assay_code rc = assay_token_object(&e->root, text, INT_MAX / 2, "envelope", err);

	if (rc == ASSAY_OK)
		rc = only_known(e->root, part_names, PARTS, "it", err);
	e->said = assay_token_member(e->root, part_names[PROTECTED]);
	e->form = e->said.len > 0 && e->said.ptr[0] == '{' ? ASSAY_JWE_LEGACY : ASSAY_JWE_FLATTENED;
	for (size_t i = 0; rc == ASSAY_OK && i < PARTS; i++) {
		struct assay_bytes part = assay_token_member(e->root, part_names[i]);
		if (part.ptr == NULL)
			rc = assay_fail(
			    err, ASSAY_E_FORMAT, "envelope: has no \"%s\"", part_names[i]);
		else if (i != PROTECTED || e->form == ASSAY_JWE_FLATTENED)
			rc = assay_token_decode(&e->bytes[i], &e->len[i], part, part_names[i], err);
	}
	if (rc == ASSAY_OK)
		rc = check_lengths(e, err);
	if (rc != ASSAY_OK)
		return rc;
	header = e->form == ASSAY_JWE_LEGACY
	    ? e->said
	    : (struct assay_bytes){ e->bytes[PROTECTED], e->len[PROTECTED] };
	return assay_token_object(&e->header, header, TOKEN_MAX, "envelope: header", err);
}

static enum assay_code
check_header(const struct envelope *e, const struct assay_jwk *key, struct assay_error *err)
{
	static const char *const known[] = { "alg", "enc", "epk", "kid", "typ", "cty" };
	struct assay_bytes alg = assay_token_member(e->header, "alg"),
			   enc = assay_token_member(e->header, "enc");
	enum assay_code rc =
	    only_known(e->header, known, sizeof known / sizeof *known, "its header", err);

	if (rc != ASSAY_OK)
		return rc;
	if (!is(alg, key->alg->name))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "envelope: is for a key of %s, and this one is for %s alone",
		    assay_quote(alg).text, key->alg->name);
	if (!is(enc, "A256GCM"))
		return assay_fail(err, ASSAY_E_UNSUPPORTED, "envelope: enc is %s, must be A256GCM",
		    assay_quote(enc).text);
	return ASSAY_OK;
}

/* The sender's key of this one message. */
static enum assay_code
read_epk(struct assay_pair *epk, const json_t *header, const struct assay_jwk *key,
    struct assay_error *err)
{
	const json_t *from = json_object_get(header, "epk");
	struct assay_numbers numbers = { { { NULL, 0 } } };
	static const char *const names[] = { "x", "y" };
	uint8_t *bytes[2] = { NULL, NULL };
	enum assay_code rc = ASSAY_OK;

	if (!is(assay_token_member(from, "kty"), "EC") ||
	    assay_jwk_curve(assay_token_member(from, "crv")) != key->pair.kind)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "envelope: epk is no EC key on %s, the curve of the key", assay_jwk_crv(key));
	for (size_t i = 0; rc == ASSAY_OK && i < 2; i++)
		rc = assay_token_decode(
		    &bytes[i], &numbers.at[i].len, assay_token_member(from, names[i]), "epk", err);
	numbers.at[0].ptr = bytes[0];
	numbers.at[1].ptr = bytes[1];
	if (rc == ASSAY_OK)
		rc = assay_pair_set(epk, key->pair.kind, &numbers, &key->pair, err);
	free(bytes[0]);
	free(bytes[1]);
	return rc;
}

static enum assay_code
unwrap_cek(uint8_t cek[ASSAY_CEK_SIZE], const struct envelope *e, const struct assay_jwk *key,
    struct assay_error *err)
{
	struct assay_bytes wrapped = { e->bytes[ENCRYPTED_KEY], e->len[ENCRYPTED_KEY] };
	struct assay_pair epk = { ASSAY_PAIR_NONE, false, NULL };
	uint8_t kek[ASSAY_CEK_SIZE];
	bool ok;

	if (key->alg->use == JWK_OAEP) {
		ok = assay_pair_decrypt(cek, &key->pair, wrapped);
	} else {
		enum assay_code rc = read_epk(&epk, e->header, key, err);
		if (rc != ASSAY_OK)
			return rc;
		ok = wrapped.len == ASSAY_WRAPPED_SIZE && agree(kek, &key->pair, &epk) &&
		    assay_key_unwrap(cek, kek, wrapped.ptr);
		assay_pair_clear(&epk);
		assay_wipe(kek, sizeof kek);
	}
	if (ok)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_SIGNATURE,
	    "envelope: is not for this key, or was altered: its key cannot be unwrapped");
}

enum assay_code
assay_jwe_decrypt(uint8_t **plain, size_t *len, const struct assay_jwk *key,
    struct assay_bytes json, struct assay_error *err)
{
	struct envelope e = { .root = NULL };
	uint8_t cek[ASSAY_CEK_SIZE], *room = NULL;
	enum assay_code rc;

	if (!key->pair.private || (key->alg->use != JWK_AGREE && key->alg->use != JWK_OAEP))
		return assay_fail(err, ASSAY_E_USAGE,
		    "envelope: a %s key%s does not decrypt; give a private one for "
		    "ECDH-ES+A256KW or RSA-OAEP-256",
		    key->alg->name, key->pair.private ? "" : " without its private half");
	if ((rc = parse(&e, json, err)) != ASSAY_OK ||
	    (rc = check_header(&e, key, err)) != ASSAY_OK ||
	    (rc = unwrap_cek(cek, &e, key, err)) != ASSAY_OK)
		goto out;
	bool old = e.form == ASSAY_JWE_LEGACY;
	struct assay_bytes in = { e.bytes[CIPHERTEXT],
		e.len[CIPHERTEXT] - (old ? ASSAY_TAG_SIZE : 0) };
	struct assay_bytes aad = old ? (struct assay_bytes){ NULL, 0 } : e.said;
	if ((room = malloc(in.len + 1)) == NULL)
		rc = assay_fail_nomem(err);
	else if (!assay_gcm_open(
		     room, old ? in.ptr + in.len : e.bytes[TAG], cek, e.bytes[IV], aad, in))
		rc = assay_fail(
		    err, ASSAY_E_SIGNATURE, "envelope: was altered: its tag does not hold");
	assay_wipe(cek, sizeof cek);
	if (rc == ASSAY_OK) {
		room[in.len] = '\0';
		*plain = room;
		*len = in.len;
		room = NULL;
	}
out:
	free(room);
	clear(&e);
	return rc;
}
