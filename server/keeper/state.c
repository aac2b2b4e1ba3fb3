/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "../stamp.h"
#include "../text.h"

static bool
no_memory(struct keeper *k)
{
	keeper_trouble(k, "out of memory");
	return false;
}

static bool
damaged(struct keeper *k, const char *kind)
{
	char sentence[160];

	(void)snprintf(sentence, sizeof sentence,
	    "store: the %s is damaged, or sealed under another master key; give that one, or "
	    "restore a"
	    " backup",
	    kind);
	keeper_trouble(k, sentence);
	return false;
}

/* --- meta -------------------------------------------------------------------------------- */

static bool
meta_get(struct keeper *k, const char *name, uint8_t *out, size_t size, bool *found)
{
	struct store_value args[] = { store_t(name) };
	int got = -1;

	if (store_ask(k->store, META_GET, args, 1))
		got = store_row(k->store, META_GET);
	*found = false;
	if (got == 1) {
		struct assay_bytes value = store_bytes(k->store, META_GET, 0);
		if ((*found = value.len == size))
			memcpy(out, value.ptr, size);
		store_end(k->store, META_GET);
		if (!*found)
			return damaged(k, "note about itself");
	}
	if (got < 0)
		keeper_store_trouble(k);
	return got >= 0;
}

static bool
meta_put(struct keeper *k, const char *name, const void *value, size_t size)
{
	struct store_value args[] = { store_t(name), store_b(value, size) };

	if (store_do(k->store, META_PUT, args, 2))
		return true;
	keeper_store_trouble(k);
	return false;
}

static bool
meta_number(struct keeper *k, const char *name, uint64_t *out)
{
	uint8_t raw[8];
	bool found;
	struct ipc_message m = { .count = 1, .field = { { raw, sizeof raw } } };

	*out = 0;
	return meta_get(k, name, raw, sizeof raw, &found) && (!found || ipc_get_u64(out, &m, 0));
}

static bool
meta_put_number(struct keeper *k, const char *name, uint64_t n)
{
	uint8_t raw[8];

	(void)ipc_u64(raw, n);
	return meta_put(k, name, raw, sizeof raw);
}

bool
keeper_note_time(struct keeper *k)
{
	return meta_put_number(k, "latest", (uint64_t)k->now);
}

/* --- keys -------------------------------------------------------------------------------- */

/* A set of keys while it is read: the text of a JWK set without its end. */
struct set {
	char *text;
	size_t len;
	struct assay_jwk **active; /* where the private one goes */
};

static bool
set_add(struct keeper *k, struct set *set, struct assay_bytes jwk)
{
	char *more = realloc(set->text, set->len + jwk.len + sizeof "{\"keys\":[,]}");

	if (more == NULL)
		return no_memory(k);
	set->text = more;
	set->len += (size_t)sprintf(more + set->len, "%s", set->len == 0 ? "{\"keys\":[" : ",");
	memcpy(more + set->len, jwk.ptr, jwk.len);
	set->len += jwk.len;
	return true;
}

static bool
set_end(struct keeper *k, struct set *set, struct assay_jwks **out, char **text)
{
	struct assay_error err;
	bool ok;

	if (set->text == NULL && !set_add(k, set, (struct assay_bytes){ (const uint8_t *)"", 0 }))
		return false;
	memcpy(set->text + set->len, "]}", sizeof "]}");
	set->len += 2;
	ok = assay_jwks_parse(out, (struct assay_bytes){ (uint8_t *)set->text, set->len }, &err) ==
	    ASSAY_OK;
	if (!ok)
		keeper_trouble(k, err.text);
	if (ok && text != NULL) {
		*text = set->text;
		set->text = NULL;
	}
	return ok;
}

/* A public key as it is published. */
static char *
public_jwk(struct keeper *k, const struct assay_jwk *key)
{
	char kid[ASSAY_KID_TEXT], more[ASSAY_KID_TEXT + 32];
	struct assay_error err;
	char *json = NULL;

	assay_jwk_kid(kid, key);
	(void)snprintf(more, sizeof more, ",\"kid\":\"%s\",\"use\":\"sig\"", kid);
	if (assay_jwk_json(&json, key, more, &err) != ASSAY_OK)
		keeper_trouble(k, err.text);
	return json;
}

/* One token or audit key: the private one in use, or the public one of before. */
static bool
take_key(struct keeper *k, const char *name, const struct item *item, void *arg)
{
	struct set *set = arg;
	struct assay_bytes body = { item->body, item->len };
	json_t *until;
	struct assay_error err;
	char *json;
	bool ok;

	(void)name;
	if (item->facts == NULL)
		return damaged(k, "signing key");
	if ((until = json_object_get(item->facts, "until")) != NULL)
		return (json_integer_value(until) != 0 && json_integer_value(until) < k->now) ||
		    set_add(k, set, body);
	if (*set->active != NULL)
		return damaged(k, "signing key");
	if (assay_jwk_parse_pem(set->active, body, "ES256", &err) != ASSAY_OK) {
		keeper_trouble(k, err.text);
		return false;
	}
	if ((json = public_jwk(k, *set->active)) == NULL)
		return false;
	ok = set_add(k, set, (struct assay_bytes){ (uint8_t *)json, strlen(json) });
	free(json);
	return ok;
}

static bool
load_keys(struct keeper *k, const char *kind, struct assay_jwk **active, struct assay_jwks **all,
    char **text)
{
	struct set set = { .active = active };
	bool ok = item_each(k, kind, take_key, &set) && set_end(k, &set, all, text);

	free(set.text);
	return ok && (*active != NULL || damaged(k, "signing key (the last one)"));
}

/* A fresh private key as PEM, sealed under its kid. */
static bool
make_key(struct keeper *k, const char *kind)
{
	struct assay_jwk *key = NULL;
	struct assay_error err;
	char kid[ASSAY_KID_TEXT];
	char *pem = NULL;
	json_t *facts = json_object();
	bool ok = false;

	if (facts == NULL)
		(void)no_memory(k);
	else if (assay_jwk_make(&key, "ES256", &err) != ASSAY_OK ||
	    assay_jwk_private_pem(&pem, key, &err) != ASSAY_OK)
		keeper_trouble(k, err.text);
	else {
		assay_jwk_kid(kid, key);
		ok = item_put(k, kind, kid, facts,
		    (struct assay_bytes){ (uint8_t *)pem, strlen(pem) }, false, NULL);
	}
	if (pem != NULL)
		OPENSSL_cleanse(pem, strlen(pem));
	free(pem);
	assay_jwk_free(key);
	json_decref(facts);
	return ok;
}

bool
keeper_make_token_key(struct keeper *k)
{
	char kid[ASSAY_KID_TEXT];
	json_t *facts;
	char *json;
	bool ok = true;

	if (k->token_key != NULL) {
		assay_jwk_kid(kid, k->token_key);
		json = public_jwk(k, k->token_key);
		facts = json_pack("{s:I}", "until",
		    (json_int_t)k->now + (json_int_t)k->options.token_life_s + SKEW_S);
		ok = json != NULL && (facts != NULL || no_memory(k)) &&
		    item_put(k, KIND_TOKEN_KEY, kid, facts,
			(struct assay_bytes){ (uint8_t *)json, strlen(json) }, false, NULL);
		json_decref(facts);
		free(json);
	}
	return ok && make_key(k, KIND_TOKEN_KEY);
}

/* --- root of tickets and sessions -------------------------------------------------------- */

bool
keeper_make_root(struct keeper *k)
{
	uint8_t *root = locked_new(VAULT_KEY);
	json_t *facts = json_object();
	bool ok = root != NULL && facts != NULL && RAND_priv_bytes(root, VAULT_KEY) == 1;

	if (!ok)
		(void)no_memory(k);
	ok = ok &&
	    item_put(k, KIND_ROOT, "tickets", facts, (struct assay_bytes){ root, VAULT_KEY }, false,
		NULL);
	locked_free(root, VAULT_KEY);
	json_decref(facts);
	return ok;
}

static bool
load_root(struct keeper *k)
{
	struct item item;
	bool found, ok = item_get(k, &item, KIND_ROOT, "tickets", 0, &found);

	if (ok && (!found || item.facts == NULL || item.len != VAULT_KEY))
		ok = damaged(k, "root of tickets");
	if (ok)
		memcpy(k->root, item.body, VAULT_KEY);
	item_clear(&item);
	return ok;
}

const uint8_t *
keeper_session_key(struct keeper *k, uint32_t epoch)
{
	uint8_t text[sizeof "assay session" + 4] = "assay session";

	if (k->session_ready && k->session_epoch == epoch)
		return k->session_key;
	for (size_t i = 0; i < 4; i++)
		text[sizeof "assay session" + i] = (uint8_t)(epoch >> 8 * i);
	k->session_ready =
	    HMAC(EVP_sha256(), k->root, VAULT_KEY, text, sizeof text, k->session_key, NULL) != NULL;
	k->session_epoch = epoch;
	return k->session_ready ? k->session_key : NULL;
}

const uint8_t *
keeper_ticket_key(struct keeper *k, uint32_t epoch)
{
	if (!k->ticket_ready || k->ticket_epoch != epoch)
		k->ticket_ready = ticket_key_derive(k->ticket_key, k->root, epoch);
	k->ticket_epoch = epoch;
	return k->ticket_ready ? k->ticket_key : NULL;
}

/* --- admins ------------------------------------------------------------------------------ */

/* What cannot be opened is left out: who is not there may nothing, and what a secret names and is not
 * there accepts nothing. */
static bool
left_out(const char *kind, const char *name, const struct item *item)
{
	char quoted[QUOTE_ROOM];

	if (item->facts != NULL)
		return false;
	log_say("store: the %s %s is damaged, and left out; put it again", kind,
	    text_quote_string(quoted, name));
	return true;
}

static const char *const roles[] = { "none", "reader", "operator", "admin" };

static bool
take_admin(struct keeper *k, const char *name, const struct item *item, void *arg)
{
	struct set *set = arg;
	const char *role = json_string_value(json_object_get(item->facts, "role"));
	const char *kid = json_string_value(json_object_get(item->facts, "kid"));
	const char *spki = json_string_value(json_object_get(item->facts, "certificate"));
	struct admin *more, *a;

	if (left_out("admin", name, item))
		return true;
	if ((more = realloc(k->admins, (k->admin_count + 1) * sizeof *more)) == NULL)
		return no_memory(k);
	k->admins = more;
	a = &k->admins[k->admin_count++];
	*a = (struct admin){ .role = ROLE_NONE };
	(void)snprintf(a->name, sizeof a->name, "%s", name);
	for (enum role r = ROLE_READER; r <= ROLE_ADMIN; r++)
		if (role != NULL && strcmp(role, roles[r]) == 0)
			a->role = r;
	if (kid != NULL) {
		(void)snprintf(a->kid, sizeof a->kid, "%s", kid);
		return set_add(k, set, (struct assay_bytes){ item->body, item->len });
	}
	return (spki != NULL &&
		   hex_bytes(a->spki, sizeof a->spki,
		       (struct assay_bytes){ (const uint8_t *)spki, strlen(spki) })) ||
	    damaged(k, "admin key");
}

/* Whoever signs with it need not believe a server's word about which one it is. */
static const char AUDIENCE[] = "Audience: ";

/* A new admin key, in its file. made: false: another process was first there. */
static enum assay_code
new_admin(struct keeper *k, bool *made, struct assay_error *err)
{
	char pem[1024];
	char *text = NULL;
	struct assay_jwk *key = NULL;
	enum assay_code rc = assay_jwk_make(&key, "EdDSA", err);

	*made = false;
	if (rc == ASSAY_OK && (rc = assay_jwk_private_pem(&text, key, err)) == ASSAY_OK) {
		int n = snprintf(pem, sizeof pem, "%s%s\n%s", AUDIENCE, k->node, text);
		rc = file_make(k->options.admin_key,
		    (struct assay_bytes){ (uint8_t *)pem, (size_t)n }, made, err);
		OPENSSL_cleanse(pem, sizeof pem);
		OPENSSL_cleanse(text, strlen(text));
	}
	free(text);
	assay_jwk_free(key);
	return rc;
}

/* With the key of another server's first start nobody could ask this one anything: what is signed with
 * it is for that one. */
static enum assay_code
take_pem(
    struct assay_jwk **key, const struct keeper *k, struct assay_bytes pem, struct assay_error *err)
{
	size_t n = sizeof AUDIENCE - 1, len = strlen(k->node);

	if (pem.len >= n && memcmp(pem.ptr, AUDIENCE, n) == 0 &&
	    (pem.len < n + len || memcmp(pem.ptr + n, k->node, len) != 0))
		return text_fail(err, ASSAY_E_USAGE,
		    "%s: is the admin key that another assayd made for itself (see its first "
		    "line); keep it elsewhere, or give this one --admin-key FILE and a folder of "
		    "its own",
		    k->options.admin_key);
	return assay_jwk_parse_pem(key, pem, NULL, err);
}

/* The first admin: the key that stands where it is to be put, or a new one. */
static bool
make_admin(struct keeper *k)
{
	uint8_t pem[8192];
	size_t len = sizeof pem;
	const char *path = k->options.admin_key;
	struct assay_error err;
	enum assay_code rc = file_read(pem, &len, path, true, &err);
	struct assay_jwk *key = NULL;
	bool made = false;
	char *json = NULL;
	json_t *facts = NULL;
	bool ok;

	if (rc == ASSAY_E_INCOMPLETE && (rc = new_admin(k, &made, &err)) == ASSAY_OK)
		rc = file_read(pem, &len, path, true, &err);
	if (rc == ASSAY_OK)
		rc = take_pem(&key, k, (struct assay_bytes){ pem, len }, &err);
	OPENSSL_cleanse(pem, sizeof pem);
	if (rc != ASSAY_OK)
		keeper_trouble(k, err.text);
	ok = rc == ASSAY_OK && (json = public_jwk(k, key)) != NULL;
	if (ok) {
		char kid[ASSAY_KID_TEXT];
		assay_jwk_kid(kid, key);
		facts = json_pack("{s:s, s:s}", "role", "admin", "kid", kid);
		ok = facts != NULL
		    ? item_put(k, KIND_ADMIN, "first", facts,
			  (struct assay_bytes){ (uint8_t *)json, strlen(json) }, false, NULL)
		    : no_memory(k);
	}
	if (ok)
		log_say(made ? "first start: the admin key is in %s; keep it elsewhere"
			     : "first start: the admin is who has the key in %s",
		    path);
	json_decref(facts);
	free(json);
	assay_jwk_free(key);
	return ok;
}

/* --- all of it --------------------------------------------------------------------------- */

bool
keeper_make_node(struct keeper *k)
{
	uint8_t id[NODE_ID];
	bool found;

	if (!meta_get(k, "node", id, NODE_ID, &found))
		return false;
	if (!found && RAND_bytes(id, NODE_ID) != 1)
		return no_memory(k);
	hex_text(k->node, id, NODE_ID);
	return found || meta_put(k, "node", id, NODE_ID);
}

bool
keeper_make(struct keeper *k)
{
	uint8_t sample = k->options.sample;

	return meta_put(k, "sample", &sample, 1) && meta_put_number(k, "generation", 1) &&
	    meta_put_number(k, "appraisal", 1) && keeper_make_root(k) && keeper_make_token_key(k) &&
	    make_key(k, KIND_AUDIT_KEY) && make_admin(k);
}

void
keeper_unload(struct keeper *k)
{
	k->loaded = k->session_ready = k->ticket_ready = false;
	assay_jwk_free(k->token_key);
	assay_jwk_free(k->audit_key);
	assay_jwks_free(k->token_keys);
	assay_jwks_free(k->audit_keys);
	assay_jwks_free(k->admin_keys);
	k->token_key = k->audit_key = NULL;
	k->token_keys = k->audit_keys = k->admin_keys = NULL;
	free(k->jwks);
	free(k->admins);
	k->jwks = NULL;
	k->admins = NULL;
	k->admin_count = 0;
	if (k->root != NULL)
		OPENSSL_cleanse(k->root, VAULT_KEY);
}

/* The next end of reference values that is not counted yet. Each turn that writes down what time it is
 * counts first: so that is also how far a keeper had come that is no more. */
bool
keeper_load_ends(struct keeper *k)
{
	struct store_value args[] = { store_t(KIND_REFERENCE) };
	int64_t counted = k->counted;
	int got = -1;

	if (counted == 0)
		counted = k->chain.time > (int64_t)k->noted ? k->chain.time : (int64_t)k->noted;
	if (counted > k->now)
		counted = k->now;
	k->ends = INT64_MAX;
	if (store_ask(k->store, ITEM_LIST, args, 1))
		while ((got = store_row(k->store, ITEM_LIST)) == 1) {
			json_t *facts = json_loads(store_text(k->store, ITEM_LIST, 3), 0, NULL);
			int64_t end = stamp_end(json_object_get(facts, "expires"));
			if (end > counted && end < k->ends)
				k->ends = end;
			json_decref(facts);
		}
	if (got < 0)
		keeper_store_trouble(k);
	return got == 0;
}

bool
keeper_load(struct keeper *k)
{
	struct set admins = { 0 };
	uint8_t id[NODE_ID];
	bool found, ok;

	keeper_unload(k);
	ok = meta_get(k, "node", id, NODE_ID, &found) &&
	    (found || damaged(k, "note about itself")) &&
	    meta_number(k, "generation", &k->generation) &&
	    meta_number(k, "appraisal", &k->appraisal) && meta_number(k, "latest", &k->noted) &&
	    load_root(k) && load_keys(k, KIND_TOKEN_KEY, &k->token_key, &k->token_keys, &k->jwks) &&
	    load_keys(k, KIND_AUDIT_KEY, &k->audit_key, &k->audit_keys, NULL) &&
	    item_each(k, KIND_ADMIN, take_admin, &admins) &&
	    set_end(k, &admins, &k->admin_keys, NULL) && audit_load(k) && keeper_load_ends(k);
	free(admins.text);
	if (ok)
		hex_text(k->node, id, NODE_ID);
	k->loaded = ok;
	return ok;
}

bool
keeper_changed(struct keeper *k, bool appraisal)
{
	uint64_t next = k->generation + 1;

	return meta_put_number(k, "generation", next) &&
	    (!appraisal || meta_put_number(k, "appraisal", next)) && keeper_load(k);
}

bool
keeper_policy_exists(struct keeper *k, const char *name, bool *exists)
{
	struct store_value args[] = { store_t(KIND_POLICY), store_t(name) };
	int got = -1;

	if ((*exists = assay_policy_builtin(name) != NULL))
		return true;
	if (store_ask(k->store, ITEM_LAST, args, 2))
		got = store_row(k->store, ITEM_LAST);
	store_end(k->store, ITEM_LAST);
	*exists = got == 1;
	if (got < 0)
		keeper_store_trouble(k);
	return got >= 0;
}

/* --- the view ---------------------------------------------------------------------------- */

static bool
append(struct keeper *k, json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0 || no_memory(k);
}

static json_t *
text_item(const char *name, const struct item *item, const char *member)
{
	json_t *o =
	    json_pack("{s:s, s:I, s:I, s:s%}", "name", name, "version", (json_int_t)item->version,
		"created", (json_int_t)item->created, member, (const char *)item->body, item->len);
	static const char *const facts[] = { "expires", "signer" };

	for (size_t i = 0; o != NULL && i < sizeof facts / sizeof *facts; i++) {
		json_t *fact = json_object_get(item->facts, facts[i]);
		if (fact != NULL && json_object_set(o, facts[i], fact) != 0) {
			json_decref(o);
			o = NULL;
		}
	}
	return o;
}

static bool
take_policy(struct keeper *k, const char *name, const struct item *item, void *arg)
{
	return left_out("policy", name, item) || append(k, arg, text_item(name, item, "text"));
}

static bool
take_reference(struct keeper *k, const char *name, const struct item *item, void *arg)
{
	return left_out("reference", name, item) ||
	    append(k, arg, text_item(name, item, "document"));
}

static bool
take_bytes(struct keeper *k, const char *name, const struct item *item, void *arg)
{
	char *text;
	bool ok;

	if (left_out("collateral", name, item))
		return true;
	if ((text = malloc((item->len + 2) / 3 * 4 + 1)) == NULL)
		return no_memory(k);
	(void)EVP_EncodeBlock((unsigned char *)text, item->body, (int)item->len);
	ok = append(k, arg,
	    json_pack("{s:s, s:s, s:O*}", "name", name, "bytes", text, "fetched",
		json_object_get(item->facts, "fetched")));
	free(text);
	return ok;
}

static bool
take_floor(struct keeper *k, const char *name, const struct item *item, void *arg)
{
	json_t *floors = arg;
	json_t *value = json_object_get(item->facts, "value");

	if (item->facts == NULL)
		return damaged(k, "floor"); /* left out it would be lower */
	if (strncmp(name, "crl:", 4) == 0)
		return json_object_set(json_object_get(floors, "crl"), name + 4, value) == 0 ||
		    no_memory(k);
	return json_object_set(floors, name, value) == 0 || no_memory(k);
}

static json_t *
tickets(struct keeper *k)
{
	json_t *array = json_array();
	uint32_t epoch = (uint32_t)(k->now / TICKET_EPOCH_S);
	uint8_t key[TICKET_KEY];
	char hex[2 * TICKET_KEY + 1];

	for (uint32_t e = epoch - 1; array != NULL && e != epoch + 2; e++) {
		bool ok = ticket_key_derive(key, k->root, e);
		if (ok)
			hex_text(hex, key, TICKET_KEY);
		if (!ok ||
		    json_array_append_new(
			array, json_pack("{s:I, s:s}", "epoch", (json_int_t)e, "key", hex)) != 0) {
			json_decref(array);
			array = NULL;
		}
	}
	OPENSSL_cleanse(key, sizeof key);
	OPENSSL_cleanse(hex, sizeof hex);
	return array;
}

void
keeper_view(struct keeper *k, struct reply *r)
{
	json_t *policies = json_array(), *references = json_array(), *collateral = json_array();
	json_t *floors = json_pack("{s:{}}", "crl");
	json_t *view = NULL;
	const struct keeper_options *o = &k->options;

	if (policies == NULL || references == NULL || collateral == NULL || floors == NULL)
		(void)no_memory(k);
	else if (item_each(k, KIND_POLICY, take_policy, policies) &&
	    item_each(k, KIND_REFERENCE, take_reference, references) &&
	    item_each(k, KIND_COLLATERAL, take_bytes, collateral) &&
	    item_each(k, KIND_FLOOR, take_floor, floors))
		view = json_pack(
		    "{s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:o, s:O, s:O, s:O, s:O}",
		    "generation", (json_int_t)k->generation, "appraisal", (json_int_t)k->appraisal,
		    "node", k->node, "issuer", o->issuer, "audience", o->audience, "ticket_life_s",
		    (json_int_t)o->ticket_life_s, "token_life_s", (json_int_t)o->token_life_s,
		    "sample", (int)o->sample, "tickets", tickets(k), "jwks",
		    json_loads(k->jwks, 0, NULL), "policies", policies, "references", references,
		    "collateral", collateral, "floors", floors);
	if (!k->failed)
		reply_json(k, r, view, true);
	json_decref(policies);
	json_decref(references);
	json_decref(collateral);
	json_decref(floors);
}
