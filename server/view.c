/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "launches.h"
#include "stamp.h"
#include "text.h"

struct owned_view {
	struct view view; /* first: a pointer to one is a pointer to the other */
	_Atomic size_t owners;
	json_t *json;    /* names and texts are its */
	json_t *fetched; /* names */
	char *jwks;
	struct assay_trust *trust;
	struct view_reference *references;
	struct launch_entry *entries; /* while it is read */
	size_t entry_count;
	struct assay_launch **launches;
	const char **launch_names;
	struct view_policy policies[VIEW_POLICIES_MAX];
	struct assay_policy *compiled[VIEW_POLICIES_MAX]; /* NULL: built in */
	struct assay_policy *no_default;
};

static struct assay_bytes
text_of(const json_t *o, const char *member)
{
	const json_t *value = json_object_get(o, member);

	return (struct assay_bytes){ (const uint8_t *)json_string_value(value),
		json_string_length(value) };
}

/* A name from the store, in a sentence. */
static void
leave_out(const char *kind, const json_t *item, const char *why)
{
	char quoted[QUOTE_ROOM];

	log_say("%s %s is left out: %s", kind,
	    text_quote_string(quoted, json_string_value(json_object_get(item, "name"))), why);
}

/* --- scalars ----------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_key(uint8_t out[TICKET_KEY], const char *hex)
{
	if (hex == NULL || strlen(hex) != (size_t)2 * TICKET_KEY)
		return false;
	for (size_t i = 0; i < TICKET_KEY; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static enum assay_code
read_tickets(struct view *view, const json_t *json, struct assay_error *err)
{
	const json_t *tickets = json_object_get(json, "tickets");

	for (size_t i = 0; i < 3; i++) {
		const json_t *one = json_array_get(tickets, i);
		json_int_t epoch = json_integer_value(json_object_get(one, "epoch"));
		if (epoch < 0 || epoch > UINT32_MAX ||
		    !read_key(view->tickets.key[i], json_string_value(json_object_get(one, "key"))))
			return text_fail(
			    err, ASSAY_E_FORMAT, "snapshot: key %zu of tickets is not one", i);
		view->tickets.epoch[i] = (uint32_t)epoch;
	}
	return ASSAY_OK;
}

static enum assay_code
read_scalars(struct owned_view *o, struct assay_error *err)
{
	struct view *view = &o->view;
	const json_t *jwks = json_object_get(o->json, "jwks");
	json_int_t generation = json_integer_value(json_object_get(o->json, "generation"));

	view->node = json_string_value(json_object_get(o->json, "node"));
	view->issuer = json_string_value(json_object_get(o->json, "issuer"));
	view->audience = json_string_value(json_object_get(o->json, "audience"));
	view->ticket_life_s = json_integer_value(json_object_get(o->json, "ticket_life_s"));
	view->token_life_s = json_integer_value(json_object_get(o->json, "token_life_s"));
	view->sample = json_is_true(json_object_get(o->json, "sample"));
	if (generation <= 0 || view->node == NULL || view->issuer == NULL ||
	    view->audience == NULL || view->ticket_life_s <= 0 || view->token_life_s <= 0 ||
	    !json_is_object(jwks))
		return text_fail(err, ASSAY_E_FORMAT,
		    "snapshot: lacks one of generation, node, issuer, audience, ticket_life_s, "
		    "token_life_s, jwks");
	view->generation = (uint64_t)generation;
	o->jwks = json_dumps(jwks, JSON_COMPACT);
	view->jwks = o->jwks;
	return o->jwks != NULL ? read_tickets(view, o->json, err)
			       : text_fail(err, ASSAY_E_NOMEM, "out of memory");
}

/* --- trust ------------------------------------------------------------------------------- */

/* Standard base64, of the keeper's own making. NULL: it is not, or no memory. */
static uint8_t *
decode(size_t *len, const json_t *text)
{
	size_t n = json_string_length(text), padding = 0;
	const char *in = json_string_value(text);

	if (in == NULL || n % 4 != 0 || n > INT32_MAX)
		return NULL;
	while (padding < 2 && padding < n && in[n - 1 - padding] == '=')
		padding++;
	uint8_t *out = malloc(n / 4 * 3 + 1);
	if (out == NULL || EVP_DecodeBlock(out, (const unsigned char *)in, (int)n) < 0) {
		free(out);
		return NULL;
	}
	*len = n / 4 * 3 - padding;
	return out;
}

static void
add_collateral(struct assay_trust *trust, const json_t *item)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	struct assay_error err = { 0 };
	size_t len = 0;
	uint8_t *bytes = decode(&len, json_object_get(item, "bytes"));

	if (bytes == NULL || name == NULL)
		leave_out("collateral", item, "it cannot be decoded");
	else if (assay_trust_add(trust, (struct assay_bytes){ bytes, len }, name, NULL, &err) !=
	    ASSAY_OK)
		leave_out("collateral", item, err.text);
	free(bytes);
}

/* Floors keep old collateral out: one that cannot be read leaves no view. */
static enum assay_code
read_floors(struct assay_trust *trust, json_t *floors, struct assay_error *err)
{
	json_t *evaluation = json_object_get(floors, "evaluation"), *value;
	enum assay_code rc = ASSAY_OK;
	const char *issuer;

	if (evaluation != NULL &&
	    (!json_is_integer(evaluation) || json_integer_value(evaluation) < 0 ||
		json_integer_value(evaluation) > UINT32_MAX))
		return text_fail(err, ASSAY_E_FORMAT, "snapshot: floors.evaluation is no number");
	if (evaluation != NULL)
		assay_trust_set_min_evaluation(trust, (uint32_t)json_integer_value(evaluation));
	json_object_foreach(json_object_get(floors, "crl"), issuer, value)
	{
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return text_fail(
			    err, ASSAY_E_FORMAT, "snapshot: a floor of CRLs is no number");
		rc = assay_trust_set_min_crl(
		    trust, issuer, (uint64_t)json_integer_value(value), err);
		if (rc != ASSAY_OK)
			return rc;
	}
	return ASSAY_OK;
}

static enum assay_code
read_trust(struct owned_view *o, const struct assay_bytes *roots, size_t root_count,
    const char *min_tcb, struct assay_error *err)
{
	enum assay_code rc = assay_trust_new(&o->trust, err);
	char name[32];
	size_t i;
	json_t *item;

	for (i = 0; rc == ASSAY_OK && i < root_count; i++) {
		snprintf(name, sizeof name, "trust-root %zu", i + 1);
		rc = assay_trust_add_root(o->trust, roots[i], name, err);
	}
	if (rc == ASSAY_OK && min_tcb != NULL)
		rc = assay_trust_set_min_tcb(o->trust, min_tcb, err);
	if (rc != ASSAY_OK)
		return rc;
	assay_trust_set_store(o->trust);
	if ((o->fetched = json_object()) == NULL)
		return text_fail(err, ASSAY_E_NOMEM, "out of memory");
	json_array_foreach(json_object_get(o->json, "collateral"), i, item)
	{
		const char *fetched = json_string_value(json_object_get(item, "name"));
		add_collateral(o->trust, item);
		if (fetched != NULL && json_is_true(json_object_get(item, "fetched")) &&
		    json_object_set_new(o->fetched, fetched, json_true()) != 0)
			return text_fail(err, ASSAY_E_NOMEM, "out of memory");
	}
	o->view.trust = o->trust;
	return read_floors(o->trust, json_object_get(o->json, "floors"), err);
}

/* --- reference values and policies ------------------------------------------------------- */

static void
add_launch(struct owned_view *o, const json_t *item, struct assay_bytes document)
{
	const char *signer = json_string_value(json_object_get(item, "signer"));
	struct assay_error why = { 0 };
	struct launch_entry *entry = &o->entries[o->entry_count];

	*entry = (struct launch_entry){ .name = json_string_value(json_object_get(item, "name")),
		.created = json_integer_value(json_object_get(item, "created")) };
	if (launches_read(&entry->launch, document, signer, &why) == ASSAY_OK)
		o->entry_count++;
	else
		leave_out("launch record", item, why.text);
}

static void
leave_launch_out(const struct launch_entry *entry, const char *why)
{
	char quoted[QUOTE_ROOM];

	log_say("launch record %s is left out: %s", text_quote_string(quoted, entry->name), why);
}

static void
settle_launches(struct owned_view *o)
{
	size_t count = launches_settle(o->entries, o->entry_count, leave_launch_out);
	struct assay_error why = { 0 };
	char quoted[QUOTE_ROOM];

	for (size_t i = 0; i < count; i++) {
		o->launches[i] = o->entries[i].launch;
		o->launch_names[i] = o->entries[i].name;
		/* The owner verified the platform under an ASK that may be none of those built
		 * in. */
		struct assay_bytes ask = assay_launch_cert(o->launches[i], ASSAY_LAUNCH_ASK);
		if (ask.len > 0 &&
		    assay_trust_add(o->trust, ask, "launch record", NULL, &why) != ASSAY_OK)
			log_say("ASK of launch record %s is left out: %s",
			    text_quote_string(quoted, o->launch_names[i]), why.text);
	}
	o->entry_count = 0;
	o->view.launch_count = count;
	o->view.launches = (const struct assay_launch *const *)o->launches;
	o->view.launch_names = o->launch_names;
}

static enum assay_code
read_references(
    struct assay_references **out, struct owned_view *o, int64_t now, struct assay_error *err)
{
	const json_t *all = json_object_get(o->json, "references");
	enum assay_code rc = assay_references_new(out, err);
	struct assay_error why = { 0 };
	size_t i;
	json_t *item;

	if (rc != ASSAY_OK)
		return rc;
	o->references = calloc(json_array_size(all) + 1, sizeof *o->references);
	o->view.references = o->references;
	o->entries = calloc(json_array_size(all) + 1, sizeof *o->entries);
	o->launches = calloc(json_array_size(all) + 1, sizeof *o->launches);
	o->launch_names = calloc(json_array_size(all) + 1, sizeof *o->launch_names);
	if (o->references == NULL || o->entries == NULL || o->launches == NULL ||
	    o->launch_names == NULL)
		return text_fail(err, ASSAY_E_NOMEM, "out of memory");
	json_array_foreach(all, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		struct assay_bytes document = text_of(item, "document");
		int64_t end = stamp_end(json_object_get(item, "expires"));
		if (name == NULL || end == INT64_MIN) {
			leave_out("reference", item, "its end is no time");
			continue;
		}
		if (end <= now) {
			leave_out("reference", item, "its time is over");
			continue;
		}
		if (end < o->view.until)
			o->view.until = end;
		if (launches_is(document)) {
			add_launch(o, item, document);
			continue;
		}
		if (assay_references_add(*out, document, name, &why) != ASSAY_OK) {
			leave_out("reference", item, why.text);
			continue;
		}
		o->references[o->view.reference_count++] =
		    (struct view_reference){ .name = name, .document = document };
	}
	settle_launches(o);
	return ASSAY_OK;
}

static bool
is_stored(const json_t *policies, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(policies, i, item)
	{
		const char *other = json_string_value(json_object_get(item, "name"));
		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

static void
add_builtin(struct owned_view *o, const json_t *stored)
{
	for (size_t i = 0; i < assay_policy_builtin_count(); i++) {
		const char *name = assay_policy_builtin_name(i);
		const struct assay_policy *policy = assay_policy_builtin(name);
		if (policy == NULL || is_stored(stored, name) ||
		    o->view.policy_count == VIEW_POLICIES_MAX)
			continue;
		o->policies[o->view.policy_count++] = (struct view_policy){
			.name = name, .policy = policy, .text = assay_policy_text(policy)
		};
	}
}

static void
add_policy(struct owned_view *o, const json_t *item, const struct assay_references *refs)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	struct assay_bytes text = text_of(item, "text");
	struct assay_error why = { 0 };
	size_t n = o->view.policy_count;

	if (n == VIEW_POLICIES_MAX) {
		leave_out("policy", item, "there are more than 256");
		return;
	}
	if (name == NULL || text.ptr == NULL) {
		leave_out("policy", item, "it has no name or no text");
		return;
	}
	if (assay_policy_compile(&o->compiled[n], text, name, refs, &why) != ASSAY_OK) {
		leave_out("policy", item, why.text);
		return;
	}
	o->policies[n] = (struct view_policy){
		.name = name,
		.version = (uint64_t)json_integer_value(json_object_get(item, "version")),
		.policy = o->compiled[n],
		.text = (const char *)text.ptr,
	};
	o->view.policy_count++;
}

/* Evidence is judged by the policy default also where no secret names it: the result is in the token. An
 * operator's that cannot be read (a set of reference values has ended) is not the built-in one, which may
 * well be looser: so nothing passes. */
const char view_no_default[] = "policy \"none\"\n"
			       "for any\n"
			       "  require configuration  debug == false\n"
			       "  require configuration  debug == true\n";

static enum assay_code
add_no_default(struct owned_view *o, struct assay_error *err)
{
	enum assay_code rc = assay_policy_compile(&o->no_default,
	    (struct assay_bytes){ (const uint8_t *)view_no_default, sizeof view_no_default - 1 },
	    "default, which cannot be read here,", NULL, err);

	o->view.no_default = o->no_default;
	return rc;
}

static enum assay_code
read_policies(struct owned_view *o, int64_t now, struct assay_error *err)
{
	const json_t *policies = json_object_get(o->json, "policies");
	struct assay_references *refs = NULL;
	enum assay_code rc = read_references(&refs, o, now, err);
	size_t i;
	json_t *item;

	if (rc == ASSAY_OK) {
		add_builtin(o, policies);
		json_array_foreach(policies, i, item)
		{
			add_policy(o, item, refs);
		}
		if (view_policy(&o->view, "default") == NULL)
			rc = add_no_default(o, err);
	}
	assay_references_free(refs);
	return rc;
}

/* --- public ------------------------------------------------------------------------------ */

static enum assay_code
parse(struct owned_view *o, struct assay_bytes json, struct assay_error *err)
{
	json_error_t why;

	o->json = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(o->json))
		return text_fail(
		    err, ASSAY_E_FORMAT, "snapshot: is no JSON object: %.150s", why.text);
	return ASSAY_OK;
}

struct view *
view_read(struct assay_bytes json, const struct assay_bytes *roots, size_t root_count,
    const char *min_tcb, int64_t now, struct assay_error *err)
{
	struct owned_view *o = calloc(1, sizeof *o);

	if (o == NULL) {
		(void)text_fail(err, ASSAY_E_NOMEM, "out of memory");
		return NULL;
	}
	o->owners = 1;
	o->view.policies = o->policies;
	o->view.until = INT64_MAX;
	if (parse(o, json, err) == ASSAY_OK && read_scalars(o, err) == ASSAY_OK &&
	    read_trust(o, roots, root_count, min_tcb, err) == ASSAY_OK &&
	    read_policies(o, now, err) == ASSAY_OK)
		return &o->view;
	view_drop(&o->view);
	return NULL;
}

struct view *
view_keep(struct view *view)
{
	struct owned_view *o = (struct owned_view *)view;

	atomic_fetch_add_explicit(&o->owners, 1, memory_order_relaxed);
	return view;
}

void
view_drop(struct view *view)
{
	struct owned_view *o = (struct owned_view *)view;

	if (o == NULL || atomic_fetch_sub_explicit(&o->owners, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < VIEW_POLICIES_MAX; i++)
		assay_policy_free(o->compiled[i]);
	assay_policy_free(o->no_default);
	assay_trust_free(o->trust);
	for (size_t i = 0; i < o->view.launch_count; i++)
		assay_launch_free(o->launches[i]);
	for (size_t i = 0; i < o->entry_count; i++)
		assay_launch_free(o->entries[i].launch);
	free(o->entries);
	free(o->launches);
	free(o->launch_names);
	free(o->references);
	free(o->jwks);
	explicit_bzero(&o->view.tickets, sizeof o->view.tickets);
	json_decref(o->fetched);
	json_decref(o->json);
	free(o);
}

const struct view_policy *
view_policy(const struct view *view, const char *name)
{
	for (size_t i = 0; i < view->policy_count; i++)
		if (strcmp(view->policies[i].name, name) == 0)
			return &view->policies[i];
	return NULL;
}

bool
view_is_fetched(const struct view *view, const char *name)
{
	const struct owned_view *o = (const struct owned_view *)view;

	return json_object_get(o->fetched, name) != NULL;
}
