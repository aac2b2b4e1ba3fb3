/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "../text.h"

enum {
	METHOD_ROOM = 16,
	URL_ROOM = 2048,
	VERB_ROOM = 32,
	ROWS_MAX = 1000,
	RELEASES_MAX = 100,
	PART_MAX = 128, /* of a secret's path */
	BODY_MAX = 16 * 1024 * 1024,
	PARTS_MAX = 1024,
};

struct call {
	struct keeper *k;
	struct reply *r;
	const struct admin *who;
	char who_name[NAME_MAX_LEN + 1]; /* outlives a reload of the admins */
	json_t *args;
	struct assay_bytes body;
};

/* --- who asks ---------------------------------------------------------------------------- */

static const struct admin *
admin_of_kid(const struct keeper *k, const char *kid)
{
	for (size_t i = 0; i < k->admin_count; i++)
		if (k->admins[i].kid[0] != '\0' && strcmp(k->admins[i].kid, kid) == 0)
			return &k->admins[i];
	return NULL;
}

static const struct admin *
admin_of_certificate(const struct keeper *k, struct assay_bytes spki)
{
	for (size_t i = 0; i < k->admin_count; i++)
		if (k->admins[i].kid[0] == '\0' && spki.len == sizeof k->admins[i].spki &&
		    CRYPTO_memcmp(k->admins[i].spki, spki.ptr, spki.len) == 0)
			return &k->admins[i];
	return NULL;
}

static void
base64url(char *out, const uint8_t *in, size_t n)
{
	size_t len = (size_t)EVP_EncodeBlock((unsigned char *)out, in, (int)n);

	for (size_t i = 0; i < len; i++)
		if (out[i] == '+')
			out[i] = '-';
		else if (out[i] == '/')
			out[i] = '_';
		else if (out[i] == '=')
			out[i] = '\0';
	out[len] = '\0';
}

/* The names of this server: the one that no other has, and the operator's if it is a URL; any other name
 * may well be that of several. */
static bool
is_ours(const struct keeper *k, const char *aud)
{
	return strcmp(aud, k->node) == 0 ||
	    (strstr(k->options.audience, "://") != NULL && strcmp(aud, k->options.audience) == 0);
}

/* A token is good for one request: this method, path and body, now, and once. NULL: it is; else what
 * is wrong. */
static const char *
token_fault(struct keeper *k, json_t *claims, const struct ipc_message *m)
{
	char method[METHOD_ROOM], path[URL_ROOM], digest[64];
	const char *aud = NULL, *jti = NULL, *htm = NULL, *htu = NULL, *sha256 = NULL;
	json_int_t iat = 0, exp = 0;

	if (json_unpack(claims, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "aud", &aud, "jti", &jti,
		"htm", &htm, "htu", &htu, "sha256", &sha256, "iat", &iat, "exp", &exp) != 0)
		return "lacks one of aud, jti, htm, htu, sha256, iat, exp";
	if (!ipc_get_text(method, sizeof method, m, 2) || !ipc_get_text(path, sizeof path, m, 3) ||
	    m->field[4].len != HASH)
		return "came with a request that is too long";
	base64url(digest, m->field[4].ptr, HASH);
	if (!is_ours(k, aud))
		return "is for another server (aud)";
	if (strcmp(htm, method) != 0 || strcmp(htu, path) != 0 || strcmp(sha256, digest) != 0)
		return "is for another request (htm, htu, sha256)";
	if (exp <= k->now)
		return "has expired";
	if (iat > k->now + SKEW_S)
		return "is from the future; compare the clocks";
	if (exp - iat > ADMIN_TOKEN_S || exp < iat)
		return "is valid for more than 300 s";
	if (*jti == '\0' || strlen(jti) > NAME_MAX_LEN)
		return "has no jti of 1 to 255 bytes";
	struct store_value args[] = { store_t(jti), store_n(exp + JTI_KEPT_S) };
	struct store_value old[] = { store_n(k->now) };
	if (!store_do(k->store, JTI_ADD, args, 2)) {
		keeper_store_trouble(k);
		return "could not be noted";
	}
	if (store_changes(k->store) == 0)
		return "was used before";
	if (!store_do(k->store, JTI_PRUNE, old, 1))
		keeper_store_trouble(k);
	return NULL;
}

static const struct admin *
admin_of_token(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	uint8_t *payload = NULL;
	size_t len = 0;
	const struct assay_jwk *by = NULL;
	struct assay_error err;
	char kid[ASSAY_KID_TEXT];
	json_t *claims;
	const char *fault;

	if (assay_jws_verify(&payload, &len, &by, k->admin_keys, "assay-admin+jwt", m->field[0],
		&err) != ASSAY_OK) {
		if (err.code == ASSAY_E_NOMEM)
			keeper_trouble(k, err.text);
		else
			reply_refuse(r, KEEPER_ADMIN, "admin token: %.300s", err.text);
		return NULL;
	}
	assay_jwk_kid(kid, by);
	claims = json_loadb((char *)payload, len, JSON_REJECT_DUPLICATES, NULL);
	fault = claims != NULL ? token_fault(k, claims, m) : "is no JSON";
	json_decref(claims);
	free(payload);
	if (fault != NULL) {
		reply_refuse(
		    r, KEEPER_ADMIN, "the admin token %s; make a new one for this request", fault);
		return NULL;
	}
	return admin_of_kid(k, kid);
}

/* --- what verbs have in common ----------------------------------------------------------- */

bool
name_good(const char *name)
{
	size_t n =
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n <= NAME_MAX_LEN && name[n] == '\0' && name[0] != '.';
}

/* kbs-protocol.md 5.1: three parts, each [A-Za-z0-9_-]+[A-Za-z0-9_.-]* */
static bool
path_good(const char *path)
{
	size_t parts = 0;

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

static const char *
argument(const struct call *c, const char *name)
{
	return json_string_value(json_object_get(c->args, name));
}

/* A name out of the arguments; NULL, and refused, if it is none. */
static const char *
name_argument(const struct call *c, const char *which)
{
	const char *name = argument(c, which);
	bool secret = strcmp(which, "path") == 0;

	if (name != NULL && (secret ? path_good(name) : name_good(name)))
		return name;
	reply_refuse(c->r, KEEPER_MALFORMED,
	    secret ? "path: must be REPO/TYPE/TAG of letters, digits, '_', '-' and '.'"
		   : "%s: must be 1 to 255 letters, digits, '_', '-' and '.'",
	    which);
	return NULL;
}

static bool
missing(const struct call *c, const char *kind, const char *name)
{
	char quoted[QUOTE_ROOM];

	reply_refuse(
	    c->r, KEEPER_MISSING, "there is no %s %s", kind, text_quote_string(quoted, name));
	return false;
}

/* Each change is a row: who did what, to what. row is taken. */
static bool
noted(const struct call *c, const char *verb, const char *resource, json_t *row)
{
	json_t *whole = json_pack("{s:s, s:s}", "who", c->who_name, "verb", verb);

	if (whole != NULL && (row == NULL || json_object_update_missing(whole, row) != 0)) {
		json_decref(whole);
		whole = NULL;
	}
	json_decref(row);
	return audit_add(c->k, "admin", resource, whole);
}

static void
sha256_hex(char out[2 * HASH + 1], struct assay_bytes in)
{
	uint8_t digest[HASH] = { 0 };

	if (EVP_Digest(
		in.ptr != NULL ? in.ptr : digest, in.len, digest, NULL, EVP_sha256(), NULL) != 1)
		memset(digest, 0, sizeof digest);
	hex_text(out, digest, HASH);
}

static bool
exists(const struct call *c, const char *kind, const char *name, int64_t *version, bool *found)
{
	struct item item;
	bool ok = item_get(c->k, &item, kind, name, 0, found);

	*version = *found ? item.version : 0;
	item_clear(&item);
	return ok;
}

/* Lists the rows of a statement of ITEM_LIST's columns: name, version, created, and the facts. */
static json_t *
list(const struct call *c, enum store_statement which, const char *kind, const char *name,
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
		    json_object_update_missing(row, facts) != 0)
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

static void
answer(const struct call *c, json_t *json)
{
	if (!c->k->failed)
		reply_json(c->k, c->r, json, false);
	else
		json_decref(json);
}

/* --- secrets ----------------------------------------------------------------------------- */

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

static void
secret_put(struct call *c)
{
	const char *path = name_argument(c, "path");
	const char *policy = argument(c, "policy");
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
	    !(found || missing(c, "policy", policy)) ||
	    !exists(c, KIND_SECRET, path, &version, &found))
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
	    noted(c, "secret.put", path,
		json_pack("{s:s, s:I, s:s}", "resource", path, "version", (json_int_t)version,
		    "policy", policy)))
		answer(c,
		    json_pack("{s:s, s:I, s:s}", "path", path, "version", (json_int_t)version,
			"policy", policy));
	json_decref(facts);
}

static void
secret_get(struct call *c)
{
	const char *path = name_argument(c, "path");
	json_int_t version = json_integer_value(json_object_get(c->args, "version"));
	struct item item;
	bool found;

	if (path == NULL || !item_get(c->k, &item, KIND_SECRET, path, version, &found))
		return;
	if (!found)
		(void)missing(c, version != 0 ? "such version of the secret" : "secret", path);
	else if (item.facts == NULL)
		reply_refuse(c->r, KEEPER_TROUBLE,
		    "the secret is damaged, or sealed under another master key; put it again");
	else if (noted(c, "secret.get", path,
		     json_pack(
			 "{s:s, s:I}", "resource", path, "version", (json_int_t)item.version))) {
		c->r->data = item.body;
		c->r->len = item.len;
		item.body = NULL;
	}
	item_clear(&item);
}

static void
secret_list(struct call *c)
{
	json_t *secrets = list(c, ITEM_LIST, KIND_SECRET, NULL, "path");

	if (secrets != NULL)
		answer(c, json_pack("{s:o}", "secrets", secrets));
}

/* Rows of audit as JSON texts in an array's text: they are kept as they are. */
static json_t *
rows(const struct call *c, enum store_statement which, bool export, int64_t *last)
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

static void
secret_history(struct call *c)
{
	const char *path = name_argument(c, "path");
	struct store_value args[] = { store_t(path), store_n(RELEASES_MAX) };
	json_t *versions, *releases = NULL;
	int64_t last;

	if (path == NULL || (versions = list(c, ITEM_HISTORY, KIND_SECRET, path, "path")) == NULL)
		return;
	if (store_ask(c->k->store, AUDIT_RECENT, args, 2))
		releases = rows(c, AUDIT_RECENT, false, &last);
	else
		keeper_store_trouble(c->k);
	if (releases != NULL && json_array_size(versions) == 0 && json_array_size(releases) == 0)
		(void)missing(c, "secret", path);
	else if (releases != NULL)
		answer(c, json_pack("{s:O, s:O}", "versions", versions, "releases", releases));
	json_decref(versions);
	json_decref(releases);
}

static void
secret_rm(struct call *c)
{
	const char *path = name_argument(c, "path");
	struct store_value args[] = { store_t(KIND_SECRET), store_t(path) };
	json_int_t versions;

	if (path == NULL)
		return;
	if (!store_do(c->k->store, ITEM_REMOVE, args, 2)) {
		keeper_store_trouble(c->k);
		return;
	}
	if ((versions = (json_int_t)store_changes(c->k->store)) == 0) {
		(void)missing(c, "secret", path);
		return;
	}
	if (noted(c, "secret.rm", path,
		json_pack("{s:s, s:I}", "resource", path, "versions", versions)))
		answer(c, json_pack("{s:s, s:I}", "path", path, "versions", versions));
}

/* --- policies, reference values, collateral ---------------------------------------------- */

/* The secrets that name a policy. */
static json_t *
governed(const struct call *c, const char *policy)
{
	json_t *all = list(c, ITEM_LIST, KIND_SECRET, NULL, "path");
	json_t *some = json_array(), *row;
	size_t i;

	json_array_foreach(all, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "policy"));
		if (name != NULL && strcmp(name, policy) == 0 &&
		    json_array_append(some, json_object_get(row, "path")) != 0)
			break;
	}
	json_decref(all);
	return some;
}

static bool
is_text(struct assay_bytes in)
{
	json_t *text = in.len > 0 ? json_stringn((const char *)in.ptr, in.len) : NULL;
	bool ok = text != NULL && memchr(in.ptr, '\0', in.len) == NULL;

	json_decref(text);
	return ok;
}

/* Puts what the front judges by; verdicts of before are good no more. */
static bool
put(struct call *c, const char *verb, const char *kind, const char *name, json_t *facts,
    bool keep_old, int64_t *version)
{
	char digest[2 * HASH + 1];

	sha256_hex(digest, c->body);
	if (facts == NULL) {
		keeper_trouble(c->k, "out of memory");
		return false;
	}
	return item_put(c->k, kind, name, facts, c->body, keep_old, version) &&
	    noted(c, verb, NULL,
		json_pack("{s:s, s:I, s:s}", "name", name, "version", (json_int_t)*version,
		    "sha256", digest)) &&
	    keeper_changed(c->k, true);
}

static void
policy_put(struct call *c)
{
	const char *name = name_argument(c, "name");
	json_t *facts;
	int64_t version = 0;

	if (name == NULL)
		return;
	if (!is_text(c->body) || c->body.len > SECRET_MAX) {
		reply_refuse(c->r, KEEPER_MALFORMED, "the policy must be text of at most %d bytes",
		    SECRET_MAX);
		return;
	}
	facts = json_pack("{s:I}", "size", (json_int_t)c->body.len);
	if (put(c, "policy.put", KIND_POLICY, name, facts, true, &version))
		answer(c,
		    json_pack("{s:s, s:I, s:o}", "name", name, "version", (json_int_t)version,
			"secrets", governed(c, name)));
	json_decref(facts);
}

/* Lists a kind, or hands out one of it. */
static void
list_kind(struct call *c, const char *kind, const char *member)
{
	json_t *items = list(c, ITEM_LIST, kind, NULL, "name");

	if (items != NULL)
		answer(c, json_pack("{s:o}", member, items));
}

static void
get_text(struct call *c, const char *kind, const char *member)
{
	const char *name = name_argument(c, "name");
	struct item item;
	bool found;
	json_t *o;

	if (name == NULL ||
	    !item_get(c->k, &item, kind, name,
		json_integer_value(json_object_get(c->args, "version")), &found))
		return;
	if (!found)
		(void)missing(c, kind, name);
	else if (item.facts == NULL)
		reply_refuse(
		    c->r, KEEPER_TROUBLE, "it is damaged, or sealed under another master key");
	else if ((o = json_pack("{s:s, s:I, s:s%}", "name", name, "version",
		      (json_int_t)item.version, member, (const char *)item.body, item.len)) !=
		NULL &&
	    json_object_update_missing(o, item.facts) == 0)
		answer(c, o);
	else
		keeper_trouble(c->k, "out of memory");
	item_clear(&item);
}

static void
remove_kind(struct call *c, const char *verb, const char *kind)
{
	const char *name = name_argument(c, "name");
	struct store_value args[] = { store_t(kind), store_t(name) };
	bool found;
	int64_t version;

	if (name == NULL || !exists(c, kind, name, &version, &found) ||
	    !(found || missing(c, kind, name)))
		return;
	if (!store_do(c->k->store, ITEM_REMOVE, args, 2))
		keeper_store_trouble(c->k);
	else if (noted(c, verb, NULL, json_pack("{s:s}", "name", name)) &&
	    keeper_changed(c->k, true))
		answer(c, json_pack("{s:s}", "name", name));
}

static void
policy_list(struct call *c)
{
	list_kind(c, KIND_POLICY, "policies");
}

static void
policy_get(struct call *c)
{
	get_text(c, KIND_POLICY, "text");
}

static void
policy_rm(struct call *c)
{
	const char *name = name_argument(c, "name");
	json_t *secrets = name != NULL ? governed(c, name) : NULL;
	size_t n = json_array_size(secrets);
	char quoted[QUOTE_ROOM];

	/* A built-in one of the same name takes over: then nothing is left without a policy, but with
	 * another than the operator wrote. So that is refused too. */
	if (n > 0)
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "%zu secrets name this policy, %s first; put them under"
		    " another one, or remove them",
		    n, text_quote_string(quoted, json_string_value(json_array_get(secrets, 0))));
	else if (name != NULL && !c->k->failed)
		remove_kind(c, "policy.rm", KIND_POLICY);
	json_decref(secrets);
}

static void
reference_put(struct call *c)
{
	const char *name = name_argument(c, "name");
	json_t *facts;
	int64_t version = 0;

	if (name == NULL)
		return;
	if (!is_text(c->body) || c->body.len > BODY_MAX) {
		reply_refuse(c->r, KEEPER_MALFORMED,
		    "the reference values must be text of at most %d bytes", BODY_MAX);
		return;
	}
	facts = json_pack("{s:I, s:O*, s:O*}", "size", (json_int_t)c->body.len, "signer",
	    json_object_get(c->args, "signer"), "expires", json_object_get(c->args, "expires"));
	if (put(c, "reference.put", KIND_REFERENCE, name, facts, false, &version))
		answer(c, json_pack("{s:s, s:I}", "name", name, "version", (json_int_t)version));
	json_decref(facts);
}

static void
reference_list(struct call *c)
{
	list_kind(c, KIND_REFERENCE, "references");
}

static void
reference_get(struct call *c)
{
	get_text(c, KIND_REFERENCE, "document");
}

static void
reference_rm(struct call *c)
{
	remove_kind(c, "reference.rm", KIND_REFERENCE);
}

/* One item of what was pushed; the next begins at *at. */
static bool
put_part(struct call *c, const json_t *part, size_t *at)
{
	const char *name = json_string_value(json_object_get(part, "name"));
	json_int_t size = json_integer_value(json_object_get(part, "size"));
	char digest[2 * HASH + 1];
	int64_t version = 0;

	const struct assay_bytes body = { c->body.ptr + *at, (size_t)size };
	json_t *facts = json_pack("{s:I}", "size", size);
	*at += body.len;
	sha256_hex(digest, body);
	if (facts == NULL)
		keeper_trouble(c->k, "out of memory");
	bool ok = facts != NULL &&
	    item_put(c->k, KIND_COLLATERAL, name, facts, body, false, &version) &&
	    noted(c, "collateral.put", NULL,
		json_pack("{s:s, s:I, s:s}", "name", name, "version", (json_int_t)version, "sha256",
		    digest));
	json_decref(facts);
	return ok;
}

/* All of the items are kept, or none. */
static void
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
	at = 0;
	json_array_foreach(items, i, part)
	{
		if (!put_part(c, part, &at))
			return;
	}
	/* Where nothing was newer than what is there, no token ends. */
	if (json_array_size(items) == 0 || keeper_changed(c->k, true))
		answer(c, json_pack("{s:I}", "items", (json_int_t)json_array_size(items)));
}

/* --- audit ------------------------------------------------------------------------------- */

static json_int_t
limit(const struct call *c)
{
	json_int_t n = json_integer_value(json_object_get(c->args, "limit"));

	return n > 0 && n < ROWS_MAX ? n : ROWS_MAX;
}

static void
audit_list_rows(struct call *c)
{
	json_t *since = json_object_get(c->args, "since");
	int64_t last = 0;
	json_int_t most = limit(c);
	struct store_value args[] = { store_n(
					  json_integer_value(json_object_get(c->args, "after"))),
		since != NULL ? store_n(json_integer_value(since)) : store_t(NULL),
		store_t(argument(c, "resource")), store_n(most) };
	json_t *array = NULL;

	if (store_ask(c->k->store, AUDIT_LIST, args, 4))
		array = rows(c, AUDIT_LIST, false, &last);
	else
		keeper_store_trouble(c->k);
	if (array == NULL)
		return;
	if (json_array_size(array) == (size_t)most)
		answer(c, json_pack("{s:o, s:I}", "rows", array, "next", (json_int_t)last));
	else
		answer(c, json_pack("{s:o}", "rows", array));
}

static void
audit_export(struct call *c)
{
	struct store *s = c->k->store;
	json_int_t after = json_integer_value(json_object_get(c->args, "after"));
	json_int_t most = limit(c);
	struct store_value args[] = { store_n(after), store_t(NULL), store_t(NULL), store_n(most) };
	json_t *array = NULL, *heads = json_array(), *keys = json_array(), *out;
	int64_t last = after;
	struct assay_error err;
	int got = -1;

	if (!audit_head(c->k, true)) {
		json_decref(heads);
		json_decref(keys);
		return;
	}
	if (store_ask(s, AUDIT_LIST, args, 4))
		array = rows(c, AUDIT_LIST, true, &last);
	struct store_value range[] = { store_n(after), store_n(last) };
	if (array != NULL && store_ask(s, HEAD_LIST, range, 2))
		while ((got = store_row(s, HEAD_LIST)) == 1)
			if (json_array_append_new(
				heads, json_string(store_text(s, HEAD_LIST, 1))) != 0) {
				store_end(s, HEAD_LIST);
				got = -1;
				break;
			}
	for (size_t i = 0; i < assay_jwks_count(c->k->audit_keys); i++) {
		char *json = NULL, kid[ASSAY_KID_TEXT], more[ASSAY_KID_TEXT + 16];
		assay_jwk_kid(kid, assay_jwks_at(c->k->audit_keys, i));
		(void)snprintf(more, sizeof more, ",\"kid\":\"%s\"", kid);
		if (assay_jwk_json(&json, assay_jwks_at(c->k->audit_keys, i), more, &err) !=
			ASSAY_OK ||
		    json_array_append_new(keys, json_loads(json, 0, NULL)) != 0)
			got = -1;
		free(json);
	}
	out = got != 0 ? NULL
		       : json_pack("{s:s, s:O, s:O, s:{s:O}}", "node", c->k->node, "rows", array,
			     "heads", heads, "jwks", "keys", keys);
	if (out != NULL && json_array_size(array) == (size_t)most &&
	    json_object_set_new(out, "next", json_integer((json_int_t)last)) != 0) {
		json_decref(out);
		out = NULL;
	}
	json_decref(array);
	json_decref(heads);
	json_decref(keys);
	if (out == NULL)
		keeper_trouble(c->k, "the audit rows could not be read");
	else
		answer(c, out);
}

/* --- admins and keys --------------------------------------------------------------------- */

static void
admin_list(struct call *c)
{
	list_kind(c, KIND_ADMIN, "admins");
}

/* The SHA-256 of a certificate's key, from PEM or as 64 hex digits. */
static bool
certificate_key(char out[2 * HASH + 1], const char *text)
{
	uint8_t digest[HASH], *der = NULL;
	BIO *bio;
	X509 *cert;
	int len = 0;
	bool ok;

	if (hex_bytes(digest, HASH, (struct assay_bytes){ (const uint8_t *)text, strlen(text) })) {
		hex_text(out, digest, HASH);
		return true;
	}
	bio = BIO_new_mem_buf(text, -1);
	cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (cert != NULL)
		len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	ok = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;
	if (ok)
		hex_text(out, digest, HASH);
	OPENSSL_free(der);
	X509_free(cert);
	BIO_free(bio);
	return ok;
}

/* What an admin key's item has: facts, and the public key as text, NULL for a certificate. */
static json_t *
admin_facts(struct call *c, const char *role, char **jwk_text)
{
	json_t *jwk = json_object_get(c->args, "jwk"), *facts = NULL;
	const char *certificate = argument(c, "certificate");
	char spki[2 * HASH + 1], kid[ASSAY_KID_TEXT], more[ASSAY_KID_TEXT + 16];
	char *text = jwk != NULL ? json_dumps(jwk, JSON_COMPACT) : NULL;
	struct assay_jwk *key = NULL;
	struct assay_error err;

	*jwk_text = NULL;
	if ((jwk != NULL) == (certificate != NULL))
		reply_refuse(c->r, KEEPER_MALFORMED,
		    "an admin has a jwk or a certificate; give one of them");
	else if (certificate != NULL) {
		if (certificate_key(spki, certificate))
			facts = json_pack("{s:s, s:s}", "role", role, "certificate", spki);
		else
			reply_refuse(c->r, KEEPER_MALFORMED,
			    "certificate: must be one in PEM, or the SHA-256 of"
			    " its key's SPKI in hex");
	} else if (text == NULL ||
	    assay_jwk_parse(&key, (struct assay_bytes){ (uint8_t *)text, strlen(text) }, &err) !=
		ASSAY_OK)
		reply_refuse(
		    c->r, KEEPER_MALFORMED, "jwk: %.300s", text != NULL ? err.text : "no memory");
	else if (strcmp(assay_jwk_alg(key), "ES256") != 0 &&
	    strcmp(assay_jwk_alg(key), "ES384") != 0 && strcmp(assay_jwk_alg(key), "EdDSA") != 0)
		reply_refuse(
		    c->r, KEEPER_MALFORMED, "jwk: must be a key for ES256, ES384 or EdDSA");
	else {
		assay_jwk_kid(kid, key);
		(void)snprintf(more, sizeof more, ",\"kid\":\"%s\"", kid);
		if (assay_jwk_json(jwk_text, key, more, &err) == ASSAY_OK)
			facts = json_pack("{s:s, s:s}", "role", role, "kid", kid);
	}
	assay_jwk_free(key);
	free(text);
	return facts;
}

static void
admin_put(struct call *c)
{
	const char *name = name_argument(c, "name"), *role = argument(c, "role");
	const struct admin *other;
	json_t *facts;
	char *text = NULL;
	int64_t version = 0;
	const char *kid;

	if (name == NULL)
		return;
	if (role == NULL ||
	    (strcmp(role, "reader") != 0 && strcmp(role, "operator") != 0 &&
		strcmp(role, "admin") != 0)) {
		reply_refuse(c->r, KEEPER_MALFORMED, "role: must be reader, operator or admin");
		return;
	}
	if ((facts = admin_facts(c, role, &text)) == NULL) {
		if (c->r->status == KEEPER_DONE)
			keeper_trouble(c->k, "out of memory");
		free(text);
		return;
	}
	kid = json_string_value(json_object_get(facts, "kid"));
	other = kid != NULL ? admin_of_kid(c->k, kid) : NULL;
	if (other != NULL && strcmp(other->name, name) != 0)
		reply_refuse(
		    c->r, KEEPER_CONFLICT, "this key is the admin %s already", other->name);
	else if (strcmp(name, c->who_name) == 0 && strcmp(role, "admin") != 0)
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "nobody takes the role admin from himself; let another do it");
	else {
		c->body = (struct assay_bytes){ (uint8_t *)text, text != NULL ? strlen(text) : 0 };
		if (item_put(c->k, KIND_ADMIN, name, facts, c->body, false, &version) &&
		    noted(c, "admin.put", NULL,
			json_pack("{s:s, s:s, s:O*}", "name", name, "role", role, "kid",
			    json_object_get(facts, "kid"))) &&
		    keeper_changed(c->k, false))
			answer(c, json_pack("{s:s, s:s}", "name", name, "role", role));
	}
	json_decref(facts);
	free(text);
}

static void
admin_rm(struct call *c)
{
	const char *name = name_argument(c, "name");
	struct store_value args[] = { store_t(KIND_ADMIN), store_t(name) };

	if (name == NULL)
		return;
	/* So there is always one who has the role. */
	if (strcmp(name, c->who_name) == 0) {
		reply_refuse(
		    c->r, KEEPER_CONFLICT, "nobody removes himself; let another admin do it");
		return;
	}
	if (!store_do(c->k->store, ITEM_REMOVE, args, 2))
		keeper_store_trouble(c->k);
	else if (store_changes(c->k->store) == 0)
		(void)missing(c, "admin", name);
	else if (noted(c, "admin.rm", NULL, json_pack("{s:s}", "name", name)) &&
	    keeper_changed(c->k, false))
		answer(c, json_pack("{s:s}", "name", name));
}

static void
key_rotate(struct call *c)
{
	const char *what = argument(c, "what");
	struct assay_error err;
	char kid[ASSAY_KID_TEXT];

	if (what != NULL && strcmp(what, "token") == 0) {
		if (!keeper_make_token_key(c->k) || !keeper_changed(c->k, false))
			return;
		assay_jwk_kid(kid, c->k->token_key);
		if (noted(c, "key.rotate", NULL, json_pack("{s:s, s:s}", "what", what, "kid", kid)))
			answer(c, json_pack("{s:s, s:s}", "what", what, "kid", kid));
	} else if (what != NULL && strcmp(what, "master") == 0) {
		if (!noted(c, "key.rotate", NULL, json_pack("{s:s}", "what", what)))
			return;
		if (vault_change(c->k->vault, &err) == ASSAY_OK)
			answer(c, json_pack("{s:s}", "what", what));
		else if (err.code == ASSAY_E_USAGE)
			reply_refuse(c->r, KEEPER_CONFLICT, "%s", err.text);
		else
			keeper_trouble(c->k, err.text);
	} else
		reply_refuse(c->r, KEEPER_MALFORMED,
		    "what: must be token or master; an admin's key is replaced by admin.put");
}

/* --- the verbs --------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	enum role role;
	void (*run)(struct call *c);
} verbs[] = {
	{ "secret.put", ROLE_OPERATOR, secret_put },
	{ "secret.get", ROLE_ADMIN, secret_get },
	{ "secret.list", ROLE_READER, secret_list },
	{ "secret.history", ROLE_READER, secret_history },
	{ "secret.rm", ROLE_OPERATOR, secret_rm },
	{ "policy.put", ROLE_OPERATOR, policy_put },
	{ "policy.list", ROLE_READER, policy_list },
	{ "policy.get", ROLE_READER, policy_get },
	{ "policy.rm", ROLE_OPERATOR, policy_rm },
	{ "reference.put", ROLE_OPERATOR, reference_put },
	{ "reference.list", ROLE_READER, reference_list },
	{ "reference.get", ROLE_READER, reference_get },
	{ "reference.rm", ROLE_OPERATOR, reference_rm },
	{ "collateral.put", ROLE_OPERATOR, collateral_put },
	{ "audit.list", ROLE_READER, audit_list_rows },
	{ "audit.export", ROLE_READER, audit_export },
	{ "admin.list", ROLE_ADMIN, admin_list },
	{ "admin.put", ROLE_ADMIN, admin_put },
	{ "admin.rm", ROLE_ADMIN, admin_rm },
	{ "key.rotate", ROLE_ADMIN, key_rotate },
};

static const struct verb *
verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

void
keeper_admin(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	char name[VERB_ROOM];
	const struct verb *verb = NULL;
	struct call c = { .k = k, .r = r };

	if (m->count < 7 || !ipc_get_text(name, sizeof name, m, 5) ||
	    (verb = verb_find(name)) == NULL) {
		reply_refuse(r, KEEPER_MALFORMED, "admin: there is no such verb");
		return;
	}
	if (m->field[0].len > 0)
		c.who = admin_of_token(k, m, r);
	else if (m->field[1].len > 0)
		c.who = admin_of_certificate(k, m->field[1]);
	if (k->failed || r->status != KEEPER_DONE)
		return;
	if (c.who == NULL) {
		reply_refuse(r, KEEPER_ADMIN,
		    "this needs an admin token, or a client certificate that is an admin's");
		return;
	}
	if (c.who->role < verb->role) {
		reply_refuse(
		    r, KEEPER_ROLE, "the role of %s is too small for %s", c.who->name, name);
		return;
	}
	(void)snprintf(c.who_name, sizeof c.who_name, "%s", c.who->name);
	c.args = json_loadb(
	    (const char *)m->field[6].ptr, m->field[6].len, JSON_REJECT_DUPLICATES, NULL);
	c.body = m->count > 7 ? m->field[7] : (struct assay_bytes){ NULL, 0 };
	if (json_is_object(c.args))
		verb->run(&c);
	else
		reply_refuse(r, KEEPER_MALFORMED, "admin: the arguments are no JSON object");
	json_decref(c.args);
}

/* --- what the server itself keeps -------------------------------------------------------- */

/* A chip's certificate makes evidence judgeable, and no verdict worse: tokens go on. Strangers have them
 * fetched, one for each TCB that a chip ever had, and would else end everybody's tokens at will. */
static bool
only_adds(const char *name)
{
	return strncmp(name, "vcek-", 5) == 0;
}

void
keeper_collateral(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	char name[NAME_MAX_LEN + 1], digest[2 * HASH + 1];
	struct item old;
	bool found, same;
	json_t *facts;
	int64_t version = 0;

	if (m->count < 2 || m->field[0].len == 0 || m->field[0].len > BODY_MAX ||
	    !ipc_get_text(name, sizeof name, m, 1) || !name_good(name)) {
		reply_refuse(
		    r, KEEPER_MALFORMED, "collateral: fields are missing, or not of their form");
		return;
	}
	if (!item_get(k, &old, KIND_COLLATERAL, name, 0, &found))
		return;
	same =
	    found && old.len == m->field[0].len && memcmp(old.body, m->field[0].ptr, old.len) == 0;
	item_clear(&old);
	if (same)
		return;
	sha256_hex(digest, m->field[0]);
	facts = json_pack("{s:I}", "size", (json_int_t)m->field[0].len);
	if (facts == NULL)
		keeper_trouble(k, "out of memory");
	else if (item_put(k, KIND_COLLATERAL, name, facts, m->field[0], false, &version) &&
	    audit_add(k, "collateral", NULL,
		json_pack("{s:s, s:I, s:s}", "name", name, "version", (json_int_t)version, "sha256",
		    digest)))
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
