/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what, and the keys. */
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../admin/checks.h"

void
admin_list(struct call *c)
{
	verb_list_kind(c, KIND_ADMIN, "admins");
}

/* What an admin key's item has: facts, and the public key as text, NULL for a certificate. The key is read
 * here, and not in the front, because an admin token is bound to it as it was sent. */
static json_t *
admin_facts(struct call *c, const char *role, char **jwk_text)
{
	struct assay_error err = { .text = "" };
	json_t *read = NULL, *facts = NULL;
	enum assay_code rc = check_key(&read, c->body, &err);
	const json_t *jwk = json_object_get(read, "jwk"),
		     *certificate = json_object_get(read, "certificate");
	char kid[ASSAY_KID_TEXT], more[ASSAY_KID_TEXT + 16];
	char *text = jwk != NULL ? json_dumps(jwk, JSON_COMPACT) : NULL;
	struct assay_jwk *key = NULL;

	*jwk_text = NULL;
	if (certificate != NULL)
		facts = json_pack("{s:s, s:O}", "role", role, "certificate", certificate);
	else if (rc == ASSAY_OK && text != NULL)
		rc = assay_jwk_parse(
		    &key, (struct assay_bytes){ (uint8_t *)text, strlen(text) }, &err);
	if (rc != ASSAY_OK && rc != ASSAY_E_NOMEM)
		reply_refuse(c->r, KEEPER_MALFORMED, "%s", err.text);
	else if (key != NULL && strcmp(assay_jwk_alg(key), "ES256") != 0 &&
	    strcmp(assay_jwk_alg(key), "ES384") != 0 && strcmp(assay_jwk_alg(key), "EdDSA") != 0)
		reply_refuse(
		    c->r, KEEPER_MALFORMED, "jwk: must be a key for ES256, ES384 or EdDSA");
	else if (key != NULL) {
		assay_jwk_kid(kid, key);
		(void)snprintf(more, sizeof more, ",\"kid\":\"%s\"", kid);
		if (assay_jwk_json(jwk_text, key, more, &err) == ASSAY_OK)
			facts = json_pack("{s:s, s:s}", "role", role, "kid", kid);
	}
	assay_jwk_free(key);
	free(text);
	json_decref(read);
	return facts;
}

/* Who has the key of these facts already; NULL: nobody. */
static const struct admin *
admin_of_facts(const struct keeper *k, const json_t *facts)
{
	const char *kid = json_string_value(json_object_get(facts, "kid")),
		   *hex = json_string_value(json_object_get(facts, "certificate"));
	uint8_t spki[HASH];

	if (kid != NULL)
		return verb_admin_of_kid(k, kid);
	if (hex == NULL ||
	    !hex_bytes(
		spki, sizeof spki, (struct assay_bytes){ (const uint8_t *)hex, strlen(hex) }))
		return NULL;
	return verb_admin_of_certificate(k, (struct assay_bytes){ spki, sizeof spki });
}

void
admin_put(struct call *c)
{
	const char *name = verb_name(c, "name"), *role = verb_argument(c, "role");
	const struct admin *other;
	json_t *facts;
	char *text = NULL;
	int64_t version = 0;

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
	other = admin_of_facts(c->k, facts);
	if (other != NULL && strcmp(other->name, name) != 0)
		reply_refuse(
		    c->r, KEEPER_CONFLICT, "this key is the admin %s already", other->name);
	else if (strcmp(name, c->who_name) == 0 && strcmp(role, "admin") != 0)
		reply_refuse(c->r, KEEPER_CONFLICT,
		    "nobody takes the role admin from himself; let another do it");
	else {
		c->body = (struct assay_bytes){ (uint8_t *)text, text != NULL ? strlen(text) : 0 };
		if (item_put(c->k, KIND_ADMIN, name, facts, c->body, false, &version) &&
		    verb_noted(c, "admin.put", NULL,
			json_pack("{s:s, s:s, s:O*, s:O*}", "name", name, "role", role, "kid",
			    json_object_get(facts, "kid"), "certificate",
			    json_object_get(facts, "certificate"))) &&
		    keeper_changed(c->k, false))
			verb_answer(c, json_pack("{s:s, s:s}", "name", name, "role", role));
	}
	json_decref(facts);
	free(text);
}

void
admin_rm(struct call *c)
{
	const char *name = verb_name(c, "name");
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
		(void)verb_missing(c, "admin", name);
	else if (verb_noted(c, "admin.rm", NULL, json_pack("{s:s}", "name", name)) &&
	    keeper_changed(c->k, false))
		verb_answer(c, json_pack("{s:s}", "name", name));
}

void
key_rotate(struct call *c)
{
	const char *what = verb_argument(c, "what");
	struct assay_error err;
	char kid[ASSAY_KID_TEXT];

	if (what != NULL && strcmp(what, "token") == 0) {
		if (!keeper_make_token_key(c->k) || !keeper_changed(c->k, false))
			return;
		assay_jwk_kid(kid, c->k->token_key);
		if (verb_noted(
			c, "key.rotate", NULL, json_pack("{s:s, s:s}", "what", what, "kid", kid)))
			verb_answer(c, json_pack("{s:s, s:s}", "what", what, "kid", kid));
	} else if (what != NULL && strcmp(what, "master") == 0) {
		if (!verb_noted(c, "key.rotate", NULL, json_pack("{s:s}", "what", what)))
			return;
		if (vault_change(c->k->vault, &err) == ASSAY_OK)
			verb_answer(c, json_pack("{s:s}", "what", what));
		else if (err.code == ASSAY_E_USAGE)
			reply_refuse(c->r, KEEPER_CONFLICT, "%s", err.text);
		else
			keeper_trouble(c->k, err.text);
	} else
		reply_refuse(c->r, KEEPER_MALFORMED,
		    "what: must be token or master; an admin's key is replaced by admin.put");
}
