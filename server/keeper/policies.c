/* SPDX-License-Identifier: Apache-2.0 */
/* What the front judges by: policies and reference values. */
#include "verb.h"

#include <string.h>

#include "../text.h"

enum { GOVERNED_MAX = 10000 /* that are named; the rest is counted */ };

/* The secrets that name a policy, and how many they are; NULL: trouble. */
static json_t *
governed(const struct call *c, const char *policy, size_t *count)
{
	json_t *all = verb_list(c, ITEM_LIST, KIND_SECRET, NULL, "path");
	json_t *some = json_array(), *row;
	size_t i;

	*count = 0;
	json_array_foreach(all, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "policy"));
		if (name != NULL && strcmp(name, policy) == 0 && (*count)++ < GOVERNED_MAX &&
		    json_array_append(some, json_object_get(row, "path")) != 0)
			keeper_trouble(c->k, "out of memory");
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

/* The name of the text that the body is; NULL: it is none, and the call is refused. */
static const char *
text_name(struct call *c, const char *what, int most)
{
	const char *name = verb_name(c, "name");

	if (name == NULL || (is_text(c->body) && c->body.len <= (size_t)most))
		return name;
	reply_refuse(c->r, KEEPER_MALFORMED, "%s must be text of at most %d bytes", what, most);
	return NULL;
}

/* Puts what the front judges by; verdicts of before are good no more. */
static bool
put(struct call *c, const char *verb, const char *kind, const char *name, json_t *facts,
    bool keep_old, int64_t *version)
{
	char digest[2 * HASH + 1];

	verb_digest(digest, c->body);
	if (facts == NULL) {
		keeper_trouble(c->k, "out of memory");
		return false;
	}
	return verb_fits_view(c) && item_put(c->k, kind, name, facts, c->body, keep_old, version) &&
	    verb_noted(c, verb, NULL,
		json_pack("{s:s, s:I, s:s}", "name", name, "version", (json_int_t)*version,
		    "sha256", digest)) &&
	    keeper_changed(c->k, true);
}

void
policy_put(struct call *c)
{
	const char *name = text_name(c, "the policy", SECRET_MAX);
	json_t *facts, *secrets;
	int64_t version = 0;
	size_t count;

	if (name == NULL)
		return;
	facts = json_pack("{s:I}", "size", (json_int_t)c->body.len);
	if (put(c, "policy.put", KIND_POLICY, name, facts, true, &version)) {
		secrets = governed(c, name, &count);
		size_t more = count - json_array_size(secrets);
		verb_answer(c,
		    json_pack("{s:s, s:I, s:o, s:o*}", "name", name, "version", (json_int_t)version,
			"secrets", secrets, "more",
			more > 0 ? json_integer((json_int_t)more) : NULL));
	}
	json_decref(facts);
}

static void
get_text(struct call *c, const char *kind, const char *member)
{
	const char *name = verb_name(c, "name");
	struct item item;
	bool found;
	json_t *o;

	if (name == NULL ||
	    !item_get(c->k, &item, kind, name,
		json_integer_value(json_object_get(c->args, "version")), &found))
		return;
	if (!found)
		(void)verb_missing(c, kind, name);
	else if (item.facts == NULL)
		reply_refuse(
		    c->r, KEEPER_TROUBLE, "it is damaged, or sealed under another master key");
	else if ((o = json_pack("{s:s, s:I, s:s%}", "name", name, "version",
		      (json_int_t)item.version, member, (const char *)item.body, item.len)) !=
		NULL &&
	    verb_merge(o, item.facts))
		verb_answer(c, o);
	else
		keeper_trouble(c->k, "out of memory");
	item_clear(&item);
}

static void
remove_kind(struct call *c, const char *verb, const char *kind)
{
	const char *name = verb_name(c, "name");
	struct store_value args[] = { store_t(kind), store_t(name) };
	bool found;
	int64_t version;

	if (name == NULL || !verb_exists(c, kind, name, &version, &found) ||
	    !(found || verb_missing(c, kind, name)))
		return;
	if (!store_do(c->k->store, ITEM_REMOVE, args, 2))
		keeper_store_trouble(c->k);
	else if (verb_noted(c, verb, NULL, json_pack("{s:s}", "name", name)) &&
	    keeper_changed(c->k, true))
		verb_answer(c, json_pack("{s:s}", "name", name));
}

void
policy_list(struct call *c)
{
	verb_list_kind(c, KIND_POLICY, "policies");
}

void
policy_get(struct call *c)
{
	get_text(c, KIND_POLICY, "text");
}

void
policy_rm(struct call *c)
{
	const char *name = verb_name(c, "name");
	size_t n = 0;
	json_t *secrets = name != NULL ? governed(c, name, &n) : NULL;
	char quoted[QUOTE_ROOM];

	/* A built-in one of the same name takes over: then nothing is left without a policy, but with
	 * another than the operator wrote. So that is refused too. */
	if (n > 0 && !c->k->failed)
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "%zu secrets name this policy, %s first; put them under"
		    " another one, or remove them",
		    n, text_quote_string(quoted, json_string_value(json_array_get(secrets, 0))));
	else if (name != NULL && !c->k->failed)
		remove_kind(c, "policy.rm", KIND_POLICY);
	json_decref(secrets);
}

/*
 * A launch record is its signer's ("launch", his thumbprint, which the front has verified): nothing of
 * another takes its place, unless nobody vouched for it ("signer") and somebody does now; nor is it
 * forgotten that somebody did. The front says so, too, but may not yet know what was put just now.
 */
static bool
may_replace(struct call *c, const char *name)
{
	const json_t *launch = json_object_get(c->args, "launch");
	const json_t *signer = json_object_get(c->args, "signer");
	char quoted[QUOTE_ROOM];
	struct item item;
	bool found, ok = item_get(c->k, &item, KIND_REFERENCE, name, 0, &found);

	if (!ok)
		return false;
	const json_t *owner = found ? json_object_get(item.facts, "launch") : NULL;
	bool vouched = found && json_object_get(item.facts, "signer") != NULL;
	ok = owner == NULL ||
	    (launch != NULL &&
		(vouched ? signer != NULL && json_equal(owner, launch)
			 : signer != NULL || json_equal(owner, launch)));
	if (!ok)
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "%s is the launch record that %s signed; remove it first, or take another name",
		    text_quote_string(quoted, name), json_string_value(owner));
	item_clear(&item);
	return ok;
}

/* It is told with the view, and in lists: nothing else goes in there. */
static bool
signer_good(const struct call *c)
{
	const json_t *signer = json_object_get(c->args, "signer");
	const char *text = json_string_value(signer);

	if (signer == NULL ||
	    (text != NULL && strlen(text) == ASSAY_KID_TEXT - 1 &&
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
		    ASSAY_KID_TEXT - 1))
		return true;
	reply_refuse(c->r, KEEPER_MALFORMED,
	    "signer: must be the thumbprint of a key, %d letters, digits, '-' and '_'",
	    ASSAY_KID_TEXT - 1);
	return false;
}

void
reference_put(struct call *c)
{
	const char *name = text_name(c, "the reference values", BODY_MAX);
	json_t *facts;
	int64_t version = 0;

	if (name == NULL || !signer_good(c) || !may_replace(c, name))
		return;
	facts = json_pack("{s:I, s:O*, s:O*, s:O*}", "size", (json_int_t)c->body.len, "signer",
	    json_object_get(c->args, "signer"), "launch", json_object_get(c->args, "launch"),
	    "expires", json_object_get(c->args, "expires"));
	if (put(c, "reference.put", KIND_REFERENCE, name, facts, false, &version))
		verb_answer(
		    c, json_pack("{s:s, s:I}", "name", name, "version", (json_int_t)version));
	json_decref(facts);
}

void
reference_list(struct call *c)
{
	verb_list_kind(c, KIND_REFERENCE, "references");
}

void
reference_get(struct call *c)
{
	get_text(c, KIND_REFERENCE, "document");
}

void
reference_rm(struct call *c)
{
	remove_kind(c, "reference.rm", KIND_REFERENCE);
}
