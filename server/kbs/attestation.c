/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation.h"

#include <stdlib.h>
#include <string.h>

#include <assay/jose.h>

#include "../hash.h"
#include "buffer.h"
#include "scan.h"
#include "kbs.h"

/* --- the body ------------------------------------------------------------------------------ */

static enum assay_code
need(struct assay_bytes value, bool ok, const char *name, const char *must_be,
    struct assay_error *err)
{
	if (value.len > 0 && ok)
		return ASSAY_OK;
	return kbs_fail(err, ASSAY_E_FORMAT, "attestation: the member %s is %s, and must be %s",
	    name, value.len == 0 ? "missing" : "something else", must_be);
}

/* The evidence with what stands beside it: since 0.3.0. */
static enum assay_code
take_composite(struct kbs_attestation *a, struct assay_bytes evidence, struct assay_error *err)
{
	static const char *const names[] = { "primary_evidence", "additional_evidence" };
	struct assay_bytes got[2];
	enum assay_code rc =
	    scan_members(got, names, 2, evidence, "attestation: the member tee-evidence", err);

	if (rc == ASSAY_OK)
		rc = need(got[0], scan_is_object(got[0]), names[0], "an object", err);
	if (rc == ASSAY_OK)
		rc = need(
		    got[1], scan_is_string(got[1]), names[1], "a text, which may be empty", err);
	if (rc == ASSAY_OK) {
		a->primary = got[0];
		a->additional = got[1];
	}
	return rc;
}

/* Before 0.3.0: the evidence alone, of 0.1.0 as a text. */
static enum assay_code
take_plain(struct kbs_attestation *a, struct assay_bytes evidence, struct assay_error *err)
{
	if (a->protocol == PROTOCOL_0_1_0 && scan_is_string(evidence)) {
		if ((a->store = malloc(evidence.len)) == NULL)
			return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
		struct assay_bytes text = { a->store, scan_decode(a->store, evidence) };
		enum assay_code rc = scan_check(text, "attestation: the text of tee-evidence", err);
		if (rc != ASSAY_OK)
			return rc;
		evidence = scan_trim(text);
	}
	a->primary = evidence;
	return need(evidence, scan_is_object(evidence), "tee-evidence", "an object", err);
}

static enum assay_code
take_init_data(struct kbs_attestation *a, struct assay_bytes value, struct assay_error *err)
{
	static const char *const names[] = { "format", "body" };
	struct assay_bytes got[2];

	if (value.len == 0 || scan_is_null(value))
		return ASSAY_OK;
	enum assay_code rc = scan_members(got, names, 2, value, "attestation: init-data", err);
	for (size_t i = 0; rc == ASSAY_OK && i < 2; i++)
		rc = need(got[i], scan_is_string(got[i]), names[i], "a text", err);
	if (rc == ASSAY_OK && got[1].len > KBS_INIT_DATA_MAX)
		rc = kbs_fail(err, ASSAY_E_FORMAT,
		    "attestation: init-data: the body is %zu bytes, at most %d make sense",
		    got[1].len, KBS_INIT_DATA_MAX);
	a->init_format = got[0];
	a->init_body = got[1];
	return rc;
}

static enum assay_code
take_runtime_data(struct kbs_attestation *a, struct assay_bytes value, struct assay_error *err)
{
	static const char *const names[] = { "nonce", "tee-pubkey" };
	struct assay_bytes got[2];
	enum assay_code rc = need(value, true, "runtime-data", "an object", err);

	if (rc == ASSAY_OK)
		rc =
		    scan_members(got, names, 2, value, "attestation: the member runtime-data", err);
	if (rc == ASSAY_OK)
		rc = need(got[0], scan_is_string(got[0]), names[0], "a text", err);
	if (rc == ASSAY_OK) {
		a->nonce = got[0];
		a->key = got[1];
	}
	return rc;
}

static enum assay_code
take_members(struct kbs_attestation *a, struct assay_bytes body, struct assay_error *err)
{
	static const char *const names[] = { "tee-evidence", "runtime-data", "init-data",
		"tee-pubkey" };
	struct assay_bytes got[4];
	bool now = a->protocol >= PROTOCOL_0_4_0;
	enum assay_code rc = scan_members(got, names, 4, body, "attestation", err);

	if (rc == ASSAY_OK)
		rc = need(got[0], true, names[0], "an object", err);
	if (rc == ASSAY_OK && now)
		rc = take_runtime_data(a, got[1], err);
	else
		a->key = got[3];
	if (rc == ASSAY_OK)
		rc = need(a->key, scan_is_object(a->key) && a->key.len <= KBS_KEY_MAX, "tee-pubkey",
		    "a JWK", err);
	if (rc == ASSAY_OK && now)
		rc = take_init_data(a, got[2], err);
	if (rc == ASSAY_OK)
		rc = a->protocol >= PROTOCOL_0_3_0 ? take_composite(a, got[0], err)
						   : take_plain(a, got[0], err);
	return rc;
}

enum assay_code
kbs_attestation_parse(struct kbs_attestation *out, struct assay_bytes body,
    enum ticket_protocol protocol, struct assay_error *err)
{
	struct kbs_attestation a = { .protocol = protocol };
	enum assay_code rc = scan_check(body, "attestation", err);

	if (rc == ASSAY_OK)
		rc = take_members(&a, scan_trim(body), err);
	if (rc == ASSAY_OK)
		*out = a;
	else
		kbs_attestation_clear(&a);
	return rc;
}

void
kbs_attestation_clear(struct kbs_attestation *a)
{
	free(a->store);
	*a = (struct kbs_attestation){ .store = NULL };
}

/* --- the key ------------------------------------------------------------------------------- */

/* k-mod and k-exp, of the first 0.1.0. */
static enum assay_code
old_key(struct buffer *b, struct assay_bytes key, struct assay_error *err)
{
	static const char *const names[] = { "alg", "k-exp", "k-mod" };
	struct assay_bytes got[3];
	enum assay_code rc = scan_members(got, names, 3, key, "tee-pubkey", err);

	for (size_t i = 0; rc == ASSAY_OK && i < 3; i++)
		rc = need(got[i], scan_is_string(got[i]), names[i], "a text", err);
	if (rc != ASSAY_OK)
		return rc;
	buffer_put(b, "{\"alg\":");
	buffer_add(b, got[0]);
	buffer_put(b, ",\"e\":");
	buffer_add(b, got[1]);
	buffer_put(b, ",\"kty\":\"RSA\",\"n\":");
	buffer_add(b, got[2]);
	buffer_put(b, "}");
	return buffer_state(b, err);
}

static bool
is_old_key(const struct kbs_attestation *a)
{
	static const char *const names[] = { "k-mod" };
	struct assay_bytes got;

	return a->protocol == PROTOCOL_0_1_0 &&
	    scan_members(&got, names, 1, a->key, "tee-pubkey", NULL) == ASSAY_OK && got.len > 0;
}

static enum assay_code
check_key(const struct assay_jwk *key, enum ticket_protocol protocol, struct assay_error *err)
{
	const char *alg = assay_jwk_alg(key);
	bool oldest = strcmp(alg, "RSA1_5") == 0;

	if (assay_jwk_private(key))
		return kbs_fail(err, ASSAY_E_FORMAT,
		    "tee-pubkey: is a private key, which must never leave the workload");
	if (oldest && protocol > PROTOCOL_0_1_1)
		return kbs_fail(err, ASSAY_E_UNSUPPORTED,
		    "tee-pubkey: alg RSA1_5 is only of protocol 0.1; use ECDH-ES+A256KW or "
		    "RSA-OAEP-256");
	if (!oldest && strcmp(alg, "ECDH-ES+A256KW") != 0 && strcmp(alg, "RSA-OAEP-256") != 0)
		return kbs_fail(err, ASSAY_E_UNSUPPORTED,
		    "tee-pubkey: a key of alg %s cannot be encrypted to; use ECDH-ES+A256KW or "
		    "RSA-OAEP-256",
		    alg);
	return ASSAY_OK;
}

enum assay_code
kbs_attestation_key(struct kbs_key *out, const struct kbs_attestation *a,
    const struct assay_jwk *like, struct assay_error *err)
{
	struct kbs_key k = { NULL, NULL };
	struct buffer b = { .len = 0 };
	struct assay_jwk *key = NULL;
	struct assay_error why = { ASSAY_OK, "" };
	enum assay_code rc = is_old_key(a) ? old_key(&b, a->key, &why) : ASSAY_OK;

	if (rc == ASSAY_OK)
		rc = assay_json_canonical(&k.sent, b.len > 0 ? buffer_bytes(&b) : a->key, &why);
	if (rc == ASSAY_OK)
		rc = assay_jwk_parse_like(&key, bytes_of(k.sent), like, &why);
	if (rc == ASSAY_OK)
		rc = assay_jwk_json(&k.jwk, key, NULL, &why);
	if (rc != ASSAY_OK)
		(void)kbs_fail(err, rc, "tee-pubkey: %.200s", why.text);
	else if ((rc = check_key(key, a->protocol, err)) == ASSAY_OK)
		*out = k;
	if (rc != ASSAY_OK)
		kbs_key_clear(&k);
	assay_jwk_free(key);
	buffer_clear(&b);
	return rc;
}

void
kbs_key_clear(struct kbs_key *key)
{
	free(key->sent);
	free(key->jwk);
	*key = (struct kbs_key){ NULL, NULL };
}

/* --- what the evidence must be bound to ---------------------------------------------------- */

static size_t
digest(uint8_t out[KBS_REPORT_DATA], struct assay_bytes message, enum ticket_hash hash)
{
	if (hash == HASH_SHA256) {
		hash_sha256(out, message);
		return HASH_SHA256_LEN;
	}
	if (hash == HASH_SHA512) {
		hash_sha512(out, message);
		return HASH_SHA512_LEN;
	}
	hash_sha384(out, message);
	return HASH_SHA384_LEN;
}

static enum assay_code
add_digest(struct kbs_bindings *out, struct assay_bytes message, enum ticket_hash hash,
    struct assay_error *err)
{
	if (out->count == KBS_BINDINGS_MAX)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	memset(out->data[out->count], 0, KBS_REPORT_DATA);
	out->size = digest(out->data[out->count], message, hash);
	out->count++;
	return ASSAY_OK;
}

struct part {
	const char *name;
	struct assay_bytes value;
};

static void
write_parts(struct buffer *b, const struct part *parts, const size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buffer_put(b, i == 0 ? "{\"" : ",\"");
		buffer_put(b, parts[order[i]].name);
		buffer_put(b, "\":");
		buffer_add(b, parts[order[i]].value);
	}
	buffer_put(b, "}");
}

/* RFC 8785 of the whole, which is also what the writers that sort have made. */
static enum assay_code
add_canonical(struct kbs_bindings *out, const struct part *parts, size_t count,
    enum ticket_hash hash, struct assay_error *err)
{
	static const size_t sorted[][3] = { { 0, 1 }, { 2, 0, 1 } };
	struct buffer b = { .len = 0 };
	char *text = NULL;

	write_parts(&b, parts, sorted[count > 2], count);
	enum assay_code rc = buffer_state(&b, err);
	if (rc == ASSAY_OK)
		rc = assay_json_canonical(&text, buffer_bytes(&b), err);
	buffer_clear(&b);
	if (rc == ASSAY_OK)
		rc = add_digest(out, bytes_of(text), hash, err);
	free(text);
	return rc;
}

/* The writers that keep the order in which members were put: every order of these few. */
static enum assay_code
add_orders(struct kbs_bindings *out, const struct part *parts, size_t count, enum ticket_hash hash,
    struct assay_error *err)
{
	/* With two members the first two rows; tee-pubkey is 1, nonce 0, additional-evidence 2. */
	static const size_t orders[][3] = { { 1, 0, 2 }, { 0, 1, 2 }, { 2, 0, 1 }, { 2, 1, 0 },
		{ 0, 2, 1 }, { 1, 2, 0 } };
	enum assay_code rc = ASSAY_OK;

	for (size_t i = 0; rc == ASSAY_OK && i < (count == 2 ? 2U : 6U); i++) {
		struct buffer b = { .len = 0 };
		write_parts(&b, parts, orders[i], count);
		if ((rc = buffer_state(&b, err)) == ASSAY_OK)
			rc = add_digest(out, buffer_bytes(&b), hash, err);
		buffer_clear(&b);
	}
	return rc;
}

/* Nonce, k-mod and k-exp without anything between them: until December 2023. */
static enum assay_code
add_first(struct kbs_bindings *out, const struct kbs_attestation *a, const char *nonce,
    struct assay_error *err)
{
	static const char *const names[] = { "k-mod", "k-exp" };
	struct assay_bytes got[2], text;
	struct buffer b = { .len = 0 };
	enum assay_code rc = scan_members(got, names, 2, a->key, "tee-pubkey", err);

	buffer_put(&b, nonce);
	for (size_t i = 0; rc == ASSAY_OK && i < 2; i++)
		if (scan_bare(&text, got[i]))
			buffer_add(&b, text);
		else
			rc = need(got[i], false, names[i], "base64", err);
	if (rc == ASSAY_OK && (rc = buffer_state(&b, err)) == ASSAY_OK)
		rc = add_digest(out, buffer_bytes(&b), HASH_SHA384, err);
	buffer_clear(&b);
	return rc;
}

/* The orders of writers that do not sort, with the key as it was sent and with its members sorted. */
static enum assay_code
add_unsorted(struct kbs_bindings *out, struct part *parts, size_t count, struct assay_bytes key,
    enum ticket_hash hash, struct assay_error *err)
{
	uint8_t sent[KBS_KEY_MAX];
	char *sorted = NULL;
	enum assay_code rc;

	parts[1].value = (struct assay_bytes){ sent, scan_compact(sent, key) };
	rc = add_orders(out, parts, count, hash, err);
	if (rc == ASSAY_OK && count > 2 &&
	    (rc = assay_json_canonical(&sorted, key, err)) == ASSAY_OK) {
		parts[1].value = bytes_of(sorted);
		rc = add_orders(out, parts, count, hash, err);
		free(sorted);
	}
	parts[1].value = key;
	return rc;
}

enum assay_code
kbs_attestation_bindings(struct kbs_bindings *out, const struct kbs_attestation *a,
    const char *nonce, enum ticket_hash hash, struct assay_error *err)
{
	struct buffer quoted = { .len = 0 };
	size_t count = a->protocol >= PROTOCOL_0_3_0 ? 3 : 2;
	enum assay_code rc;

	*out = (struct kbs_bindings){ .count = 0 };
	buffer_string(&quoted, bytes_of(nonce));
	struct part parts[] = { { "nonce", buffer_bytes(&quoted) }, { "tee-pubkey", a->key },
		{ "additional-evidence", a->additional } };
	if ((rc = buffer_state(&quoted, err)) == ASSAY_OK)
		rc = add_canonical(out, parts, count, hash, err);
	if (rc == ASSAY_OK && a->protocol < PROTOCOL_0_4_0)
		rc = add_unsorted(out, parts, count, a->key, hash, err);
	if (rc == ASSAY_OK && is_old_key(a))
		rc = add_first(out, a, nonce, err);
	buffer_clear(&quoted);
	return rc;
}
