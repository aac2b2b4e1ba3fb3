/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../hash.h"
#include "../kbs/scan.h"
#include "../text.h"

/* hash = SHA-256(hash of the row before || text of this one); docs/audit.md. */
static void
link_hash(uint8_t out[HASH], const uint8_t before[HASH], struct assay_bytes text)
{
	hash_sha256_two(out, (struct assay_bytes){ before, HASH }, text);
}

/* --- writing: ASCII, anything else escaped --------------------------------------------------- */

static void
put_string(struct buffer *b, const char *text)
{
	struct assay_bytes bytes = bytes_of(text);
	json_t *string;
	char *escaped;

	if (scan_plain(bytes, 0) == bytes.len) {
		buffer_put(b, "\"");
		buffer_add(b, bytes);
		buffer_put(b, "\"");
		return;
	}
	string = json_string(text);
	escaped = string != NULL ? json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
	json_decref(string);
	b->broken |= escaped == NULL;
	buffer_put(b, escaped);
	free(escaped);
}

static void
put_name(struct buffer *b, const char *name)
{
	if (b->len > 0 && b->text[b->len - 1] != '{')
		buffer_put(b, ",");
	put_string(b, name);
	buffer_put(b, ":");
}

void
member_text(struct buffer *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	put_name(b, name);
	put_string(b, value);
}

void
member_number(struct buffer *b, const char *name, uint64_t value)
{
	put_name(b, name);
	buffer_u64(b, value);
}

static void
put_json(struct buffer *b, const json_t *value)
{
	const json_t *element;
	size_t i;

	if (json_is_string(value)) {
		put_string(b, json_string_value(value));
	} else if (json_is_array(value)) {
		buffer_put(b, "[");
		json_array_foreach(value, i, element)
		{
			buffer_put(b, i > 0 ? "," : "");
			put_json(b, element);
		}
		buffer_put(b, "]");
	} else {
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
		b->broken |= text == NULL;
		buffer_put(b, text);
		free(text);
	}
}

void
member_json(struct buffer *b, const char *name, const json_t *value)
{
	if (value == NULL)
		return;
	put_name(b, name);
	put_json(b, value);
}

struct buffer
audit_begin(struct keeper *k, const char *kind)
{
	struct buffer row = { .len = 0 };
	char when[32];

	time_text(when, k->now);
	buffer_put(&row, "{");
	member_number(&row, "seq", (uint64_t)k->chain.seq + 1);
	member_text(&row, "time", when);
	member_text(&row, "kind", kind);
	return row;
}

bool
audit_end(struct keeper *k, const char *kind, const char *resource, struct buffer *row)
{
	uint8_t hash[HASH];
	char *text;
	bool ok = false;

	buffer_put(row, "}");
	if ((text = buffer_take(row)) == NULL)
		keeper_trouble(k, "out of memory");
	else {
		link_hash(hash, k->chain.hash, bytes_of(text));
		struct store_value args[] = { store_n(k->chain.seq + 1), store_n(k->now),
			store_t(kind), store_t(resource), store_t(text), store_b(hash, HASH) };
		if (!(ok = store_do(k->store, AUDIT_ADD, args, 6)))
			keeper_store_trouble(k);
	}
	if (ok) {
		k->chain.seq++;
		memcpy(k->chain.hash, hash, HASH);
	}
	free(text);
	return ok;
}

bool
audit_add(struct keeper *k, const char *kind, const char *resource, json_t *members)
{
	struct buffer row = audit_begin(k, kind);
	const char *name;
	json_t *value;

	row.broken |= members == NULL;
	json_object_foreach(members, name, value)
	{
		member_json(&row, name, value);
	}
	json_decref(members);
	return audit_end(k, kind, resource, &row);
}

/* --- heads, and what is looked at when it starts --------------------------------------------- */

bool
audit_head(struct keeper *k, bool now)
{
	char hash[2 * HASH + 1], payload[512];
	struct assay_error err;
	char *jws = NULL;
	bool ok;

	if (k->chain.seq == k->chain.head_seq)
		return true;
	if (!now && k->chain.seq - k->chain.head_seq < HEAD_ROWS && k->now >= k->chain.head_time &&
	    k->now - k->chain.head_time < HEAD_S)
		return true;
	hex_text(hash, k->chain.hash, HASH);
	(void)snprintf(payload, sizeof payload,
	    "{\"node\":\"%s\",\"rows\":%lld,\"hash\":\"%s\",\"time\":%lld}", k->node,
	    (long long)k->chain.seq, hash, (long long)k->now);
	if (assay_jws_sign(&jws, k->audit_key, "assay-head+jwt", false,
		(struct assay_bytes){ (uint8_t *)payload, strlen(payload) }, &err) != ASSAY_OK) {
		keeper_trouble(k, err.text);
		return false;
	}
	struct store_value args[] = { store_n(k->chain.seq), store_t(jws) };
	if (!(ok = store_do(k->store, HEAD_ADD, args, 2)))
		keeper_store_trouble(k);
	free(jws);
	if (ok) {
		k->chain.head_seq = k->chain.seq;
		k->chain.head_time = k->now;
	}
	return ok;
}

bool
audit_load(struct keeper *k)
{
	struct store *s = k->store;
	int got = -1;

	k->chain = (struct chain){ 0 };
	if (store_ask(s, AUDIT_LAST, NULL, 0) && (got = store_row(s, AUDIT_LAST)) == 1) {
		struct assay_bytes hash = store_bytes(s, AUDIT_LAST, 2);
		k->chain.seq = store_number(s, AUDIT_LAST, 0);
		k->chain.time = store_number(s, AUDIT_LAST, 1);
		if (hash.len != HASH) {
			store_end(s, AUDIT_LAST);
			keeper_trouble(
			    k, "the audit chain's last row is damaged; see assay audit verify");
			return false;
		}
		memcpy(k->chain.hash, hash.ptr, HASH);
		store_end(s, AUDIT_LAST);
	}
	if (got >= 0 && store_ask(s, HEAD_LAST, NULL, 0) && (got = store_row(s, HEAD_LAST)) == 1) {
		k->chain.head_seq = store_number(s, HEAD_LAST, 0);
		k->chain.head_time = k->chain.time;
		store_end(s, HEAD_LAST);
	}
	if (got < 0)
		keeper_store_trouble(k);
	return got >= 0;
}

static enum assay_code
cut(struct assay_error *err)
{
	return text_fail(err, ASSAY_E_FORMAT,
	    "store: the audit chain is broken or cut; run assay audit"
	    " verify on a copy, and restore a backup");
}

/* The last row must follow from the one before it. */
static enum assay_code
check_end(struct keeper *k, struct assay_error *err)
{
	struct store *s = k->store;
	struct store_value args[] = { store_n(k->chain.seq - 2), store_t(NULL), store_t(NULL),
		store_n(2) };
	uint8_t before[HASH] = { 0 }, want[HASH];
	enum assay_code rc = ASSAY_OK;
	int got = -1;

	if (!store_ask(s, AUDIT_LIST, args, 4))
		return text_fail(err, ASSAY_E_IO, "%s", store_error(s));
	while (rc == ASSAY_OK && (got = store_row(s, AUDIT_LIST)) == 1) {
		struct assay_bytes text = store_bytes(s, AUDIT_LIST, 1),
				   hash = store_bytes(s, AUDIT_LIST, 2);
		bool last = store_number(s, AUDIT_LIST, 0) == k->chain.seq;
		link_hash(want, before, text);
		if (hash.len != HASH || (last && memcmp(want, hash.ptr, HASH) != 0))
			rc = cut(err);
		else
			memcpy(before, hash.ptr, HASH);
	}
	store_end(s, AUDIT_LIST);
	if (got < 0)
		return text_fail(err, ASSAY_E_IO, "%s", store_error(s));
	return rc;
}

/* The last head must be ours, and of a row that is there. */
static enum assay_code
check_head(struct keeper *k, struct assay_error *err)
{
	struct store *s = k->store;
	struct store_value args[] = { store_n(k->chain.head_seq - 1), store_t(NULL), store_t(NULL),
		store_n(1) };
	enum assay_code rc = ASSAY_OK;
	char hash[2 * HASH + 1] = "";
	uint8_t *payload = NULL;
	size_t len = 0;
	json_t *head = NULL;
	const char *told = NULL, *node = NULL;
	json_int_t rows = 0;

	if (store_ask(s, HEAD_LAST, NULL, 0) && store_row(s, HEAD_LAST) == 1)
		rc = assay_jws_verify(&payload, &len, NULL, k->audit_keys, "assay-head+jwt",
		    store_bytes(s, HEAD_LAST, 1), err);
	store_end(s, HEAD_LAST);
	if (rc != ASSAY_OK)
		return rc == ASSAY_E_NOMEM ? rc : cut(err);
	if (payload == NULL)
		return ASSAY_OK; /* no head yet */
	if (store_ask(s, AUDIT_LIST, args, 4) && store_row(s, AUDIT_LIST) == 1 &&
	    store_bytes(s, AUDIT_LIST, 2).len == HASH)
		hex_text(hash, store_bytes(s, AUDIT_LIST, 2).ptr, HASH);
	store_end(s, AUDIT_LIST);
	head = json_loadb((char *)payload, len, 0, NULL);
	if (json_unpack(head, "{s:s, s:I, s:s}", "node", &node, "rows", &rows, "hash", &told) !=
		0 ||
	    rows != k->chain.head_seq || strcmp(told, hash) != 0 || strcmp(node, k->node) != 0)
		rc = cut(err);
	json_decref(head);
	free(payload);
	return rc;
}

bool
audit_open(struct keeper *k, struct assay_error *err)
{
	return k->chain.seq == 0 ||
	    (check_end(k, err) == ASSAY_OK && check_head(k, err) == ASSAY_OK);
}
