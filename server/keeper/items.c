/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "../text.h"

static struct assay_bytes
text(const char *s)
{
	return (struct assay_bytes){ (const uint8_t *)s, strlen(s) };
}

/* What a sealed body belongs to. */
struct label {
	uint8_t numbers[2][8];
	struct assay_bytes part[5];
};
enum { PARTS = 5 };

static void
label_set(struct label *l, const char *kind, const char *name, int64_t version, int64_t created,
    const char *facts)
{
	l->part[0] = text(kind);
	l->part[1] = text(name);
	l->part[2] = ipc_u64(l->numbers[0], (uint64_t)version);
	l->part[3] = ipc_u64(l->numbers[1], (uint64_t)created);
	l->part[4] = text(facts);
}

static bool
no_memory(struct keeper *k)
{
	keeper_trouble(k, "out of memory");
	return false;
}

static bool
next_version(struct keeper *k, const char *kind, const char *name, int64_t *version)
{
	struct store_value args[] = { store_t(kind), store_t(name) };
	bool ok = store_ask(k->store, ITEM_NEXT, args, 2) && store_row(k->store, ITEM_NEXT) == 1;

	if (ok) {
		*version = store_number(k->store, ITEM_NEXT, 0);
		ok = store_row(k->store, ITEM_NEXT) == 0;
	}
	if (!ok)
		keeper_store_trouble(k);
	return ok;
}

bool
item_put(struct keeper *k, const char *kind, const char *name, json_t *facts,
    struct assay_bytes body, bool keep_old, int64_t *version)
{
	uint8_t id[VAULT_KEY_ID];
	uint8_t *sealed = NULL;
	size_t len = 0;
	int64_t number = 0;
	struct label label;
	char *told = json_dumps(facts, JSON_COMPACT | JSON_ENSURE_ASCII);
	bool ok;

	if (told == NULL)
		return no_memory(k);
	if ((ok = next_version(k, kind, name, &number))) {
		label_set(&label, kind, name, number, k->now, told);
		ok = seal(&sealed, &len, vault_key(k->vault, id), label.part, PARTS, body) ||
		    no_memory(k);
	}
	if (ok) {
		struct store_value args[] = { store_t(kind), store_t(name), store_n(number),
			store_n(k->now), store_t(told), store_b(id, sizeof id),
			store_b(sealed, len) };
		struct store_value old[] = { store_t(kind), store_t(name), store_n(number) };
		ok = store_do(k->store, ITEM_ADD, args, 7) &&
		    (keep_old || store_do(k->store, ITEM_PRUNE, old, 3));
		if (!ok)
			keeper_store_trouble(k);
	}
	if (ok && version != NULL)
		*version = number;
	free(sealed);
	free(told);
	return ok;
}

/* Columns as ITEM_LAST has them, shift to the right. */
static bool
open_row(struct keeper *k, struct item *out, const char *kind, enum store_statement which,
    int shift, const char **name)
{
	struct store *s = k->store;
	const char *facts = store_text(s, which, 3 + shift);
	const uint8_t *key = vault_key_of(k->vault, store_bytes(s, which, 4 + shift));
	struct label label;
	enum assay_code rc = ASSAY_E_SIGNATURE;

	*name = store_text(s, which, shift);
	*out = (struct item){ .version = store_number(s, which, 1 + shift),
		.created = store_number(s, which, 2 + shift) };
	if (*name == NULL || facts == NULL)
		return no_memory(k);
	label_set(&label, kind, *name, out->version, out->created, facts);
	if (key != NULL)
		rc = unseal(&out->body, &out->len, key, label.part, PARTS,
		    store_bytes(s, which, 5 + shift));
	if (rc != ASSAY_OK)
		return rc == ASSAY_E_SIGNATURE || no_memory(k);
	if ((out->facts = json_loads(facts, JSON_REJECT_DUPLICATES, NULL)) == NULL) {
		item_clear(out);
		return no_memory(k); /* we wrote it: only memory can be missing */
	}
	return true;
}

bool
item_get(struct keeper *k, struct item *out, const char *kind, const char *name, int64_t version,
    bool *found)
{
	struct store_value args[] = { store_t(kind), store_t(name), store_n(version) };
	enum store_statement which = version != 0 ? ITEM_AT : ITEM_LAST;
	const char *same;
	int got = -1;
	bool ok;

	*out = (struct item){ 0 };
	if (store_ask(k->store, which, args, version != 0 ? 3 : 2))
		got = store_row(k->store, which);
	if (got < 0) {
		keeper_store_trouble(k);
		return false;
	}
	if (!(*found = got == 1))
		return true;
	ok = open_row(k, out, kind, which, 0, &same);
	store_end(k->store, which);
	return ok;
}

void
item_clear(struct item *item)
{
	json_decref(item->facts);
	seal_free(item->body, item->len);
	*item = (struct item){ 0 };
}

bool
item_each(struct keeper *k, const char *kind,
    bool (*take)(struct keeper *k, const char *name, const struct item *item, void *arg), void *arg)
{
	struct store_value args[] = { store_t(kind) };
	struct item item;
	const char *name;
	int got = -1;
	bool ok = true;

	if (!store_ask(k->store, ITEM_ALL, args, 1)) {
		keeper_store_trouble(k);
		return false;
	}
	while (ok && (got = store_row(k->store, ITEM_ALL)) == 1) {
		ok = open_row(k, &item, kind, ITEM_ALL, 0, &name) && take(k, name, &item, arg);
		item_clear(&item);
	}
	store_end(k->store, ITEM_ALL);
	if (got < 0)
		keeper_store_trouble(k);
	return ok && got == 0;
}

/* Seals the row that ITEM_STALE stands on under the key of now. */
static bool
reseal(struct keeper *k)
{
	struct store *s = k->store;
	uint8_t id[VAULT_KEY_ID];
	const uint8_t *key = vault_key(k->vault, id);
	const char *kind = store_text(s, ITEM_STALE, 0), *facts = store_text(s, ITEM_STALE, 4);
	const char *name;
	struct item item;
	struct label label;
	uint8_t *sealed = NULL;
	size_t len = 0;
	bool ok;

	if (kind == NULL || facts == NULL)
		return no_memory(k);
	if (!open_row(k, &item, kind, ITEM_STALE, 1, &name))
		return false;
	if (item.body == NULL) {
		char quoted[QUOTE_ROOM];
		log_say("master key: the %s %s is damaged, or sealed under a third key; remove it, "
			"and start"
			" again to go on with the change",
		    kind, text_quote_string(quoted, name));
		k->resealed = true; /* both keys stay */
		return true;
	}
	label_set(&label, kind, name, item.version, item.created, facts);
	ok = seal(&sealed, &len, key, label.part, PARTS,
		 (struct assay_bytes){ item.body, item.len }) ||
	    no_memory(k);
	if (ok) {
		struct store_value args[] = { store_t(kind), store_t(name), store_n(item.version),
			store_b(id, sizeof id), store_b(sealed, len) };
		if (!(ok = store_do(s, ITEM_RESEAL, args, 5)))
			keeper_store_trouble(k);
	}
	free(sealed);
	item_clear(&item);
	return ok;
}

bool
items_reseal(struct keeper *k, bool *left)
{
	uint8_t id[VAULT_KEY_ID];
	size_t n = 0;
	int got = -1;

	*left = true;
	(void)vault_key(k->vault, id);
	struct store_value args[] = { store_b(id, sizeof id), store_n(1) };
	/* One at a time: a statement must not walk over rows that are being changed. */
	for (; n < STALE_ITEMS; n++) {
		if (!store_ask(k->store, ITEM_STALE, args, 2) ||
		    (got = store_row(k->store, ITEM_STALE)) < 0) {
			keeper_store_trouble(k);
			return false;
		}
		if (got == 0)
			break;
		if (!reseal(k)) {
			store_end(k->store, ITEM_STALE);
			return false;
		}
		store_end(k->store, ITEM_STALE);
		if (k->resealed)
			return true;
	}
	*left = n == STALE_ITEMS;
	return true;
}
