/* SPDX-License-Identifier: Apache-2.0 */
#include "verb.h"

#include <stdio.h>
#include <string.h>

enum { RELEASES_MAX = 100 };

/* The policy of the last version; "" if there is no such secret. */
static bool
policy_of(const struct call *c, const char *path, char out[NAME_MAX_LEN + 1])
{
	struct item item;
	bool found;

	out[0] = '\0';
	if (!item_get(c->k, &item, KIND_SECRET, path, 0, &found))
		return false;
	const char *policy = json_string_value(json_object_get(item.facts, "policy"));
	bool known = !found || policy != NULL;
	if (policy != NULL)
		(void)snprintf(out, NAME_MAX_LEN + 1, "%s", policy);
	item_clear(&item);
	if (!known)
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "the version before is damaged, and so is what it says of its policy; name "
		    "one");
	return known;
}

void
secret_put(struct call *c)
{
	const char *path = verb_name(c, "path");
	const char *policy = verb_argument(c, "policy");
	char before[NAME_MAX_LEN + 1];
	json_t *expected = json_object_get(c->args, "expect_version");
	int64_t version = 0;
	bool found;
	json_t *facts;

	if (path == NULL)
		return;
	if (c->body.len == 0 || c->body.len > SECRET_MAX) {
		reply_refuse(c->r, KEEPER_MALFORMED,
		    "the secret has %zu bytes; it must have 1 to %d", c->body.len, SECRET_MAX);
		return;
	}
	/* A new version without a word about its policy stays under the one that guards it. */
	if (policy == NULL && !policy_of(c, path, before))
		return;
	if (policy == NULL)
		policy = before[0] != '\0' ? before : "default";
	if (!keeper_policy_exists(c->k, policy, &found) ||
	    !(found || verb_missing(c, "policy", policy)) ||
	    !verb_exists(c, KIND_SECRET, path, &version, &found))
		return;
	if (expected != NULL && json_integer_value(expected) != version) {
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "the secret has version %lld, not the expected one; look at it again",
		    (long long)version);
		return;
	}
	facts = json_pack("{s:s, s:I}", "policy", policy, "size", (json_int_t)c->body.len);
	if (facts == NULL)
		keeper_trouble(c->k, "out of memory");
	else if (item_put(c->k, KIND_SECRET, path, facts, c->body, true, &version) &&
	    verb_noted(c, "secret.put", path,
		json_pack("{s:s, s:I, s:s}", "resource", path, "version", (json_int_t)version,
		    "policy", policy)))
		verb_answer(c,
		    json_pack("{s:s, s:I, s:s}", "path", path, "version", (json_int_t)version,
			"policy", policy));
	json_decref(facts);
}

void
secret_get(struct call *c)
{
	const char *path = verb_name(c, "path");
	json_int_t version = json_integer_value(json_object_get(c->args, "version"));
	struct item item;
	bool found;

	if (path == NULL || !item_get(c->k, &item, KIND_SECRET, path, version, &found))
		return;
	if (!found)
		(void)verb_missing(c, version != 0 ? "such version of the secret" : "secret", path);
	else if (item.facts == NULL)
		reply_refuse(c->r, KEEPER_TROUBLE,
		    "the secret is damaged, or sealed under another master key; put it again");
	else if (verb_noted(c, "secret.get", path,
		     json_pack(
			 "{s:s, s:I}", "resource", path, "version", (json_int_t)item.version))) {
		c->r->data = item.body;
		c->r->len = item.len;
		item.body = NULL;
	}
	item_clear(&item);
}

void
secret_list(struct call *c)
{
	json_t *secrets = verb_list(c, ITEM_LIST, KIND_SECRET, NULL, "path");

	if (secrets != NULL)
		verb_answer(c, json_pack("{s:o}", "secrets", secrets));
}

void
secret_history(struct call *c)
{
	const char *path = verb_name(c, "path");
	struct store_value args[] = { store_t(path), store_n(RELEASES_MAX) };
	json_t *versions, *releases = NULL;
	int64_t last;

	if (path == NULL ||
	    (versions = verb_list(c, ITEM_HISTORY, KIND_SECRET, path, "path")) == NULL)
		return;
	if (store_ask(c->k->store, AUDIT_RECENT, args, 2))
		releases = verb_rows(c, AUDIT_RECENT, false, &last);
	else
		keeper_store_trouble(c->k);
	if (releases != NULL && json_array_size(versions) == 0 && json_array_size(releases) == 0)
		(void)verb_missing(c, "secret", path);
	else if (releases != NULL)
		verb_answer(c, json_pack("{s:O, s:O}", "versions", versions, "releases", releases));
	json_decref(versions);
	json_decref(releases);
}

void
secret_rm(struct call *c)
{
	const char *path = verb_name(c, "path");
	struct store_value args[] = { store_t(KIND_SECRET), store_t(path) };
	json_int_t versions;

	if (path == NULL)
		return;
	if (!store_do(c->k->store, ITEM_REMOVE, args, 2)) {
		keeper_store_trouble(c->k);
		return;
	}
	if ((versions = (json_int_t)store_changes(c->k->store)) == 0) {
		(void)verb_missing(c, "secret", path);
		return;
	}
	if (verb_noted(c, "secret.rm", path,
		json_pack("{s:s, s:I}", "resource", path, "versions", versions)))
		verb_answer(c, json_pack("{s:s, s:I}", "path", path, "versions", versions));
}
