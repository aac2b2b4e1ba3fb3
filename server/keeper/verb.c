/* SPDX-License-Identifier: Apache-2.0 */
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "../text.h"

enum { PART_MAX = 128 /* of a secret's path */ };

bool
name_good(const char *name)
{
	size_t n =
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n <= NAME_MAX_LEN && name[n] == '\0' && name[0] != '.';
}

/* kbs-protocol.md 5.1: three parts, each [A-Za-z0-9_-]+[A-Za-z0-9_.-]*; not longer in all than what a guest can
 * ask for (kbs/resource.c). */
static bool
path_good(const char *path)
{
	size_t parts = 0;

	if (strlen(path) > NAME_MAX_LEN)
		return false;
	for (;;) {
		size_t n = strcspn(path, "/");
		char part[PART_MAX + 1];
		if (n > PART_MAX)
			return false;
		memcpy(part, path, n);
		part[n] = '\0';
		if (!name_good(part) || ++parts > 3)
			return false;
		if (path[n] == '\0')
			return parts == 3;
		path += n + 1;
	}
}

const char *
verb_argument(const struct call *c, const char *name)
{
	return json_string_value(json_object_get(c->args, name));
}

const char *
verb_name(const struct call *c, const char *which)
{
	const char *name = verb_argument(c, which);
	bool secret = strcmp(which, "path") == 0;

	if (name != NULL && (secret ? path_good(name) : name_good(name)))
		return name;
	reply_refuse(c->r, KEEPER_MALFORMED,
	    secret ? "path: must be REPO/TYPE/TAG of letters, digits, '_', '-' and '.', at most "
		     "255 bytes, and 128 in a part"
		   : "%s: must be 1 to 255 letters, digits, '_', '-' and '.'",
	    which);
	return NULL;
}

bool
verb_missing(const struct call *c, const char *kind, const char *name)
{
	char quoted[QUOTE_ROOM];

	reply_refuse(
	    c->r, KEEPER_MISSING, "there is no %s %s", kind, text_quote_string(quoted, name));
	return false;
}

bool
verb_merge(json_t *to, json_t *from)
{
	const char *name;
	json_t *value;

	json_object_foreach(from, name, value)
	{
		if (json_object_get(to, name) == NULL && json_object_set(to, name, value) != 0)
			return false;
	}
	return true;
}

bool
verb_noted(const struct call *c, const char *verb, const char *resource, json_t *row)
{
	json_t *whole = json_pack("{s:s, s:s}", "who", c->who_name, "verb", verb);

	if (whole != NULL && (row == NULL || !verb_merge(whole, row))) {
		json_decref(whole);
		whole = NULL;
	}
	json_decref(row);
	return audit_add(c->k, "admin", resource, whole);
}

void
verb_digest(char out[2 * HASH + 1], struct assay_bytes in)
{
	uint8_t digest[HASH] = { 0 };

	if (EVP_Digest(
		in.ptr != NULL ? in.ptr : digest, in.len, digest, NULL, EVP_sha256(), NULL) != 1)
		memset(digest, 0, sizeof digest);
	hex_text(out, digest, HASH);
}

bool
verb_exists(const struct call *c, const char *kind, const char *name, int64_t *version, bool *found)
{
	struct item item;
	bool ok = item_get(c->k, &item, kind, name, 0, found);

	*version = *found ? item.version : 0;
	item_clear(&item);
	return ok;
}

json_t *
verb_list(const struct call *c, enum store_statement which, const char *kind, const char *name,
    const char *name_member)
{
	struct store_value args[] = { store_t(kind), store_t(name) };
	json_t *array = json_array();
	int got = -1;
	char when[32];

	if (array == NULL || !store_ask(c->k->store, which, args, name != NULL ? 2 : 1)) {
		json_decref(array);
		keeper_store_trouble(c->k);
		return NULL;
	}
	while ((got = store_row(c->k->store, which)) == 1) {
		json_t *row = json_object();
		json_t *facts = json_loads(store_text(c->k->store, which, 3), 0, NULL);
		time_text(when, store_number(c->k->store, which, 2));
		if (row == NULL || facts == NULL ||
		    json_object_set_new(
			row, name_member, json_string(store_text(c->k->store, which, 0))) != 0 ||
		    json_object_set_new(row, "version",
			json_integer((json_int_t)store_number(c->k->store, which, 1))) != 0 ||
		    json_object_set_new(row, "created", json_string(when)) != 0 ||
		    !verb_merge(row, facts))
			got = -1;
		json_decref(facts);
		if (json_array_append_new(array, row) != 0 || got < 0) {
			store_end(c->k->store, which);
			got = -1;
			break;
		}
	}
	if (got == 0)
		return array;
	json_decref(array);
	keeper_trouble(c->k, "the list could not be read; see the log");
	return NULL;
}

bool
verb_fits_view(const struct call *c)
{
	/* Of text at most each second byte is escaped; collateral is in base64; facts are JSON already, as the
	 * view has them. The rest is for the other members, and for what the server fetches. */
	static const struct {
		const char *kind;
		uint64_t numerator, denominator;
	} parts[] = { { KIND_POLICY, 2, 1 }, { KIND_REFERENCE, 2, 1 }, { KIND_COLLATERAL, 4, 3 } };
	enum { ITEM_FRAME = 512 };
	uint64_t sum = 2 * (uint64_t)c->body.len, most = c->k->message_most / 4 * 3;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		struct store_value args[] = { store_t(parts[i].kind) };
		if (!store_ask(c->k->store, ITEM_SUM, args, 1) ||
		    store_row(c->k->store, ITEM_SUM) != 1) {
			keeper_store_trouble(c->k);
			return false;
		}
		sum += (uint64_t)store_number(c->k->store, ITEM_SUM, 0) * ITEM_FRAME +
		    (uint64_t)store_number(c->k->store, ITEM_SUM, 1) * parts[i].numerator /
			parts[i].denominator +
		    (uint64_t)store_number(c->k->store, ITEM_SUM, 2);
		store_end(c->k->store, ITEM_SUM);
	}
	if (sum > most)
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "policies, reference values and collateral would be more than a server can "
		    "load; remove some that nobody needs");
	return sum <= most;
}

void
verb_answer(const struct call *c, json_t *json)
{
	if (!c->k->failed)
		reply_json(c->k, c->r, json, false);
	else
		json_decref(json);
}

json_t *
verb_rows(const struct call *c, enum store_statement which, bool export, int64_t *last)
{
	json_t *array = json_array();
	struct store *s = c->k->store;
	char hash[2 * HASH + 1];
	int got = -1;

	while (array != NULL && (got = store_row(s, which)) == 1) {
		struct assay_bytes digest = store_bytes(s, which, 2);
		const char *text = store_text(s, which, 1);
		json_t *row;
		*last = store_number(s, which, 0);
		if (digest.len == HASH)
			hex_text(hash, digest.ptr, HASH);
		else
			hash[0] = '\0';
		row = export ? json_pack("{s:s, s:s}", "row", text, "hash", hash)
			     : json_loads(text, 0, NULL);
		/* What is no JSON any more is shown as the text that it is: this is an auditor's tool. */
		if (row == NULL)
			row = json_string(text);
		if (json_array_append_new(array, row) != 0) {
			store_end(s, which);
			got = -1;
			break;
		}
	}
	if (got == 0)
		return array;
	json_decref(array);
	keeper_store_trouble(c->k);
	return NULL;
}

void
verb_list_kind(struct call *c, const char *kind, const char *member)
{
	json_t *items = verb_list(c, ITEM_LIST, kind, NULL, "name");

	if (items != NULL)
		verb_answer(c, json_pack("{s:o}", member, items));
}
