/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral and floors: what operators push, and what the server itself keeps. */
#include "verb.h"

#include <stdio.h>
#include <string.h>

enum { PARTS_MAX = 1024, NAMES_MAX = 16 /* of a push, in its row of audit */ };

/* One item of what was pushed; the next begins at *at. */
static bool
put_part(struct call *c, const json_t *part, size_t *at)
{
	const char *name = json_string_value(json_object_get(part, "name"));
	json_int_t size = json_integer_value(json_object_get(part, "size"));
	const struct assay_bytes body = { c->body.ptr + *at, (size_t)size };
	json_t *facts = json_pack("{s:I}", "size", size);
	*at += body.len;
	if (facts == NULL)
		keeper_trouble(c->k, "out of memory");
	bool ok = facts != NULL && item_put(c->k, KIND_COLLATERAL, name, facts, body, false, NULL);
	json_decref(facts);
	return ok;
}

/* One row for a push, however much is in it. */
static bool
note_push(struct call *c, const json_t *items)
{
	json_t *names = json_array(), *part;
	char digest[2 * HASH + 1];
	size_t i;

	verb_digest(digest, c->body);
	json_array_foreach(items, i, part)
	{
		if (i < NAMES_MAX && json_array_append(names, json_object_get(part, "name")) != 0) {
			json_decref(names);
			names = NULL;
		}
	}
	return verb_noted(c, "collateral.put", NULL,
	    json_pack("{s:I, s:s, s:o}", "items", (json_int_t)json_array_size(items), "sha256",
		digest, "names", names));
}

/* All of the items are kept, or none. */
void
collateral_put(struct call *c)
{
	const json_t *items = json_object_get(c->args, "items");
	json_t *part;
	size_t at = 0, i;

	if (c->body.len > BODY_MAX || !json_is_array(items) || json_array_size(items) > PARTS_MAX) {
		reply_refuse(c->r, KEEPER_MALFORMED,
		    "the collateral must have at most %d items in at most %d bytes", PARTS_MAX,
		    BODY_MAX);
		return;
	}
	/* Of what is refused nothing has been written yet. */
	json_array_foreach(items, i, part)
	{
		json_int_t size = json_integer_value(json_object_get(part, "size"));
		at = size > 0 && (uint64_t)size <= c->body.len - at ? at + (size_t)size : SIZE_MAX;
		const char *name = json_string_value(json_object_get(part, "name"));
		if (at == SIZE_MAX || name == NULL || !name_good(name))
			break;
	}
	if (i < json_array_size(items) || at != c->body.len) {
		reply_refuse(c->r, KEEPER_MALFORMED,
		    "items: each has the name and the size of a part of the body, and all of it is "
		    "theirs");
		return;
	}
	if (!verb_fits_view(c))
		return;
	at = 0;
	json_array_foreach(items, i, part)
	{
		if (!put_part(c, part, &at))
			return;
	}
	/* Where nothing was newer than what is there, no token ends. */
	if (json_array_size(items) == 0 || (note_push(c, items) && keeper_changed(c->k, true)))
		verb_answer(c, json_pack("{s:I}", "items", (json_int_t)json_array_size(items)));
}

/* --- what the server itself keeps -------------------------------------------------------- */

/* A chip's certificate makes evidence judgeable, and no verdict worse: tokens go on. Strangers have them
 * fetched, one for each TCB that a chip ever had, and would else end everybody's tokens at will. */
static bool
only_adds(const char *name)
{
	return strncmp(name, "vcek-", 5) == 0;
}

/* What came at a stranger's wish, and may go again for another's; what an operator has pushed may not. */
static bool
is_fetched(const struct item *item)
{
	return json_is_true(json_object_get(item->facts, "fetched"));
}

/* Nothing is left of it, or each that goes would leave a number behind. */
static bool
evict(struct keeper *k, const char *name)
{
	struct store_value args[] = { store_t(KIND_COLLATERAL), store_t(name) };
	struct item item;
	bool found, goes;

	if (!item_get(k, &item, KIND_COLLATERAL, name, 0, &found))
		return false;
	goes = found && is_fetched(&item);
	item_clear(&item);
	if (!goes ||
	    (store_do(k->store, ITEM_REMOVE, args, 2) && store_do(k->store, ITEM_FORGET, args, 2)))
		return true;
	keeper_store_trouble(k);
	return false;
}

/* The name of what goes for it: "" for nothing. */
static bool
read_names(char name[NAME_MAX_LEN + 1], char out[NAME_MAX_LEN + 1], const struct ipc_message *m)
{
	out[0] = '\0';
	if (!ipc_get_text(name, NAME_MAX_LEN + 1, m, 1) || !name_good(name))
		return false;
	return m->count < 3 ||
	    (ipc_get_text(out, NAME_MAX_LEN + 1, m, 2) && name_good(out) && only_adds(name) &&
		only_adds(out) && strcmp(name, out) != 0);
}

void
keeper_collateral(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	char name[NAME_MAX_LEN + 1], out[NAME_MAX_LEN + 1], digest[2 * HASH + 1];
	struct item old;
	bool found, same, fetched;
	json_t *facts;
	int64_t version = 0;

	if (m->count < 2 || m->field[0].len == 0 || m->field[0].len > BODY_MAX ||
	    !read_names(name, out, m)) {
		reply_refuse(
		    r, KEEPER_MALFORMED, "collateral: fields are missing, or not of their form");
		return;
	}
	if (!item_get(k, &old, KIND_COLLATERAL, name, 0, &found))
		return;
	same =
	    found && old.len == m->field[0].len && memcmp(old.body, m->field[0].ptr, old.len) == 0;
	fetched = only_adds(name) && (!found || is_fetched(&old));
	item_clear(&old);
	if (same || (out[0] != '\0' && !evict(k, out)))
		return;
	verb_digest(digest, m->field[0]);
	facts = json_pack("{s:I, s:o*}", "size", (json_int_t)m->field[0].len, "fetched",
	    fetched ? json_true() : NULL);
	/* Strangers who have VCEKs come and go would fill the disk with rows. */
	if (facts == NULL)
		keeper_trouble(k, "out of memory");
	else if (item_put(k, KIND_COLLATERAL, name, facts, m->field[0], false, &version) &&
	    (fetched ||
		audit_add(k, "collateral", NULL,
		    json_pack("{s:s, s:I, s:s}", "name", name, "version", (json_int_t)version,
			"sha256", digest))))
		(void)keeper_changed(k, !only_adds(name));
	json_decref(facts);
}

/* true: it rose. */
static bool
raise_floor(struct keeper *k, const char *name, json_t *value, bool *rose)
{
	struct item item;
	bool found, ok;
	json_t *facts;

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return true;
	if (!item_get(k, &item, KIND_FLOOR, name, 0, &found))
		return false;
	if (found && item.facts == NULL) {
		keeper_trouble(k, "store: a floor is damaged; restore a backup");
		return false;
	}
	if (found &&
	    json_integer_value(json_object_get(item.facts, "value")) >= json_integer_value(value)) {
		item_clear(&item);
		return true;
	}
	item_clear(&item);
	if ((facts = json_pack("{s:O}", "value", value)) == NULL) {
		keeper_trouble(k, "out of memory");
		return false;
	}
	ok = item_put(k, KIND_FLOOR, name, facts, (struct assay_bytes){ NULL, 0 }, false, NULL) &&
	    audit_add(k, "floor", NULL, json_pack("{s:s, s:O}", "name", name, "value", value));
	json_decref(facts);
	*rose = true;
	return ok;
}

void
keeper_floors(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	json_t *floors = m->count < 1 ? NULL
				      : json_loadb((const char *)m->field[0].ptr, m->field[0].len,
					    JSON_REJECT_DUPLICATES, NULL);
	const char *cn;
	char name[NAME_MAX_LEN + 8];
	json_t *value;
	bool rose = false, ok;

	if (!json_is_object(floors)) {
		reply_refuse(r, KEEPER_MALFORMED, "floors: are no JSON object");
		json_decref(floors);
		return;
	}
	ok = raise_floor(k, "evaluation", json_object_get(floors, "evaluation"), &rose);
	json_object_foreach(
	    json_object_get(floors, "crl"), cn, value) if (ok && strlen(cn) <= NAME_MAX_LEN)
	{
		(void)snprintf(name, sizeof name, "crl:%s", cn);
		ok = raise_floor(k, name, value, &rose);
	}
	if (ok && rose)
		(void)keeper_changed(k, true);
	json_decref(floors);
}
