/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/dice.h"

#include <cbor.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "parse/cbor_walk.h"

enum {
	TAG_QUOTE = 60000,                 /* SGX or TDX, for a remote verifier */
	TAG_REPORT = 60001,                /* for one on the same machine */
	TAG_REPORT_1 = 60002,              /* the same, of the first generation */
	HEAD_MAX = 9,                      /* of any CBOR item */
	ENTRY_MAX = DICE_ENDORSEMENTS + 2, /* a version in front, a date behind */
};

static const char what[] = "DICE extension";
static const char key_member[] = "pubkey-hash", nonce_member[] = "nonce";

/* --- reading ----------------------------------------------------------------------------- */

static struct assay_bytes
take_bytes(struct cbor_walk *w, const char *must_be)
{
	struct cbor_token t = assay_cbor_next(w);

	if (t.kind == CBOR_BYTES)
		return t.bytes;
	assay_cbor_refuse(w, &t, must_be);
	return (struct assay_bytes){ NULL, 0 };
}

/* The tag and the array under it; returns how many elements it has. */
static uint64_t
enter(struct cbor_walk *w)
{
	struct cbor_token tag = assay_cbor_next(w);

	if (tag.kind != CBOR_TAG) {
		assay_cbor_refuse(w, &tag, "the tag of what is in it");
	} else if (tag.number == TAG_REPORT || tag.number == TAG_REPORT_1) {
		w->rc = assay_fail(w->err, ASSAY_E_UNSUPPORTED,
		    "%s: holds a local report (tag %llu), which the same machine alone can "
		    "verify; want a quote",
		    w->what, (unsigned long long)tag.number);
	} else if (tag.number != TAG_QUOTE) {
		w->rc = assay_fail(w->err, ASSAY_E_UNSUPPORTED,
		    "%s: holds something of tag %llu, which is not known; want a quote, %d",
		    w->what, (unsigned long long)tag.number, TAG_QUOTE);
	}
	struct cbor_token array = assay_cbor_next(w);
	if (array.kind == CBOR_ARRAY && !array.indefinite)
		return array.number;
	assay_cbor_refuse(w, &array, "an array of definite length");
	return 0;
}

/* [ alg, hash ], in a byte string of its own. */
static enum assay_code
read_hash(struct dice_evidence *d, struct assay_bytes in, struct assay_error *err)
{
	static const struct {
		uint64_t alg;
		size_t len;
	} hashes[] = { { DICE_HASH_SHA256, ASSAY_SHA256_LEN },
		{ DICE_HASH_SHA384, ASSAY_SHA384_LEN }, { DICE_HASH_SHA512, ASSAY_SHA512_LEN } };
	struct cbor_walk w = { .what = "pubkey-hash", .in = in, .err = err };
	struct cbor_token array = assay_cbor_next(&w), alg;

	if (array.kind != CBOR_ARRAY || array.indefinite || array.number != 2)
		assay_cbor_refuse(&w, &array, "an array of two");
	alg = assay_cbor_next(&w);
	if (alg.kind != CBOR_UINT)
		assay_cbor_refuse(&w, &alg, "the number of a hash algorithm");
	d->hash = take_bytes(&w, "a hash");
	if (assay_cbor_end(&w) != ASSAY_OK)
		return w.rc;
	d->alg = alg.number;
	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
		if (hashes[i].alg == alg.number)
			return hashes[i].len == d->hash.len
			    ? ASSAY_OK
			    : assay_fail(err, ASSAY_E_FORMAT,
				  "pubkey-hash: is %zu bytes, want %zu for algorithm %llu",
				  d->hash.len, hashes[i].len, (unsigned long long)alg.number);
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "pubkey-hash: of algorithm %llu, want 1 (SHA-256), 7 (SHA-384) or 8 (SHA-512)",
	    (unsigned long long)alg.number);
}

/* A map from texts to byte strings; members of other names are its maker's. */
static enum assay_code
read_buffer(struct dice_evidence *d, struct assay_error *err)
{
	struct cbor_walk w = { .what = "claims buffer", .in = d->buffer, .err = err };
	struct cbor_token map = assay_cbor_next(&w);
	struct assay_bytes key_hash = { NULL, 0 };
	uint64_t left = map.number;
	bool has_key = false;

	if (map.kind != CBOR_MAP || map.indefinite)
		assay_cbor_refuse(&w, &map, "a map of definite length");
	while (assay_cbor_more(&w, &map, &left)) {
		struct cbor_token name = assay_cbor_next(&w);
		if (name.kind != CBOR_TEXT)
			assay_cbor_refuse(&w, &name, "the name of a claim");
		struct assay_bytes value = take_bytes(&w, "a claim, in bytes");
		if (w.rc != ASSAY_OK)
			return w.rc;
		bool is_key = assay_bytes_equal(name.bytes, assay_bytes_of(key_member));
		bool is_nonce = assay_bytes_equal(name.bytes, assay_bytes_of(nonce_member));
		if ((is_key && has_key) || (is_nonce && d->has_nonce))
			return assay_fail(err, ASSAY_E_FORMAT, "%s: has two members %s", w.what,
			    assay_quote(name.bytes).text);
		if (is_key)
			key_hash = value;
		if (is_nonce)
			d->nonce = value;
		has_key = has_key || is_key;
		d->has_nonce = d->has_nonce || is_nonce;
	}
	if (assay_cbor_end(&w) != ASSAY_OK)
		return w.rc;
	if (!has_key)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: has no member pubkey-hash, so the quote names no key", w.what);
	return read_hash(d, key_hash, err);
}

enum assay_code
assay_dice_parse(struct dice_evidence *out, struct assay_bytes in, struct assay_error *err)
{
	struct cbor_walk w = { .what = what, .in = in, .err = err };
	struct dice_evidence d = { .alg = 0 };
	uint64_t count = enter(&w);

	if (w.rc == ASSAY_OK && count != 2)
		w.rc = assay_fail(err, ASSAY_E_FORMAT,
		    "%s: has %llu elements, want two: the quote and the claims buffer", what,
		    (unsigned long long)count);
	d.quote = take_bytes(&w, "a quote");
	d.buffer = take_bytes(&w, "the claims buffer");
	if (assay_cbor_end(&w) != ASSAY_OK)
		return w.rc;
	enum assay_code rc = read_buffer(&d, err);
	if (rc == ASSAY_OK)
		*out = d;
	return rc;
}

enum assay_code
assay_dice_endorsements(
    struct assay_bytes out[DICE_ENDORSEMENTS], struct assay_bytes in, struct assay_error *err)
{
	struct cbor_walk w = { .what = "DICE endorsements", .in = in, .err = err };
	uint64_t count = enter(&w);

	if (w.rc == ASSAY_OK && count != ENTRY_MAX && count != ENTRY_MAX - 1)
		w.rc = assay_fail(err, ASSAY_E_FORMAT, "%s: have %llu entries, want 8 or 9", w.what,
		    (unsigned long long)count);
	struct cbor_token version = assay_cbor_next(&w);
	if (version.kind != CBOR_UINT)
		assay_cbor_refuse(&w, &version, "the number of a version");
	for (size_t i = 1; i < count && w.rc == ASSAY_OK; i++) {
		struct assay_bytes entry = take_bytes(&w, "an entry, in bytes");
		if (i <= DICE_ENDORSEMENTS)
			out[i - 1] = assay_bytes_trim(entry); /* some end with a NUL */
	}
	return assay_cbor_end(&w);
}

/* --- writing ----------------------------------------------------------------------------- */

static uint8_t *
put_bytes(uint8_t *to, struct assay_bytes bytes)
{
	to += cbor_encode_bytestring_start(bytes.len, to, HEAD_MAX);
	memcpy(to, bytes.ptr, bytes.len);
	return to + bytes.len;
}

static uint8_t *
put_name(uint8_t *to, const char *name)
{
	size_t n = strlen(name);

	to += cbor_encode_string_start(n, to, HEAD_MAX);
	memcpy(to, name, n);
	return to + n;
}

size_t
assay_dice_buffer(uint8_t out[DICE_BUFFER_MAX], struct assay_bytes spki, struct assay_bytes nonce)
{
	uint8_t hash[ASSAY_SHA256_LEN], entry[ASSAY_SHA256_LEN + 2 * HEAD_MAX + 1];
	uint8_t *at = entry, *to = out;

	assay_sha256(hash, spki);
	at += cbor_encode_array_start(2, at, HEAD_MAX);
	at += cbor_encode_uint(DICE_HASH_SHA256, at, HEAD_MAX);
	at = put_bytes(at, (struct assay_bytes){ hash, sizeof hash });
	to += cbor_encode_map_start(nonce.len > 0 ? 2 : 1, to, HEAD_MAX);
	to = put_name(to, key_member);
	to = put_bytes(to, (struct assay_bytes){ entry, (size_t)(at - entry) });
	if (nonce.len > 0) {
		to = put_name(to, nonce_member);
		to = put_bytes(to, nonce);
	}
	return (size_t)(to - out);
}

enum assay_code
assay_dice_write(uint8_t **out, size_t *len, struct assay_bytes quote, struct assay_bytes buffer,
    struct assay_error *err)
{
	uint8_t *all = malloc(quote.len + buffer.len + sizeof(uint8_t[4 * HEAD_MAX]));
	uint8_t *at = all;

	if (all == NULL)
		return assay_fail_nomem(err);
	at += cbor_encode_tag(TAG_QUOTE, at, HEAD_MAX);
	at += cbor_encode_array_start(2, at, HEAD_MAX);
	at = put_bytes(put_bytes(at, quote), buffer);
	*out = all;
	*len = (size_t)(at - all);
	return ASSAY_OK;
}
