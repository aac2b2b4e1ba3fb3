/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include "../text.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { VERB_ROOM = 32 };

/* --- who asks ---------------------------------------------------------------------------- */

const struct admin *
verb_admin_of_kid(const struct keeper *k, const char *kid)
{
	for (size_t i = 0; i < k->admin_count; i++)
		if (k->admins[i].kid[0] != '\0' && strcmp(k->admins[i].kid, kid) == 0)
			return &k->admins[i];
	return NULL;
}

const struct admin *
verb_admin_of_certificate(const struct keeper *k, struct assay_bytes spki)
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

/* One text, or a list of it alone (RFC 7519, 4.1.3). NULL: something else. */
static const char *
audience_of(const json_t *aud)
{
	return json_string_value(json_array_size(aud) == 1 ? json_array_get(aud, 0) : aud);
}

/* Whole seconds, or a number with a fraction, which is cut off (RFC 7519, 2: NumericDate). */
static bool
take_time(json_int_t *out, const json_t *claim)
{
	const double last = 253402300799; /* the end of the year 9999 */
	double t = json_number_value(claim);

	if (!json_is_number(claim) || !(t >= 0) || !(t <= last))
		return false;
	*out = (json_int_t)t;
	return true;
}

struct claims {
	const char *aud, *jti, *htm, *htu, *sha256;
	json_int_t iat, exp;
};

/* NULL: they are read; else what is wrong. */
static const char *
read_claims(struct claims *c, json_t *from)
{
	json_t *aud = NULL, *iat = NULL, *exp = NULL;
	json_error_t e;

	if (json_unpack_ex(from, &e, 0, "{s:o, s:o, s:o, s:s, s:s, s:s, s:s}", "aud", &aud, "iat",
		&iat, "exp", &exp, "jti", &c->jti, "htm", &c->htm, "htu", &c->htu, "sha256",
		&c->sha256) != 0)
		return json_error_code(&e) == json_error_item_not_found
		    ? "lacks one of aud, jti, htm, htu, sha256, iat, exp"
		    : "has a jti, htm, htu or sha256 that is no text";
	if ((c->aud = audience_of(aud)) == NULL)
		return "has an aud that is not the name of one server";
	if (!take_time(&c->iat, iat) || !take_time(&c->exp, exp))
		return "has an iat or exp that is no time (must be a number of seconds since 1970)";
	return NULL;
}

/* A token is good for one request: this method, path and body, now, and once. NULL: it is; else what
 * is wrong. */
static const char *
token_fault(struct keeper *k, json_t *claims, const struct ipc_message *m)
{
	char method[METHOD_ROOM], path[URL_ROOM], digest[64];
	struct claims c = { .aud = NULL };
	const char *fault = read_claims(&c, claims);

	if (fault != NULL)
		return fault;
	if (!ipc_get_text(method, sizeof method, m, 2) || !ipc_get_text(path, sizeof path, m, 3) ||
	    m->field[4].len != HASH)
		return "came with a request that is too long";
	base64url(digest, m->field[4].ptr, HASH);
	if (!is_ours(k, c.aud))
		return "is for another server (aud)";
	if (strcmp(c.htm, method) != 0 || strcmp(c.htu, path) != 0 || strcmp(c.sha256, digest) != 0)
		return "is for another request (htm, htu, sha256)";
	if (c.exp <= k->now)
		return "has expired";
	if (c.iat > k->now + SKEW_S)
		return "is from the future; compare the clocks";
	if (c.exp - c.iat > ADMIN_TOKEN_S || c.exp < c.iat)
		return "is valid for more than 300 s";
	if (*c.jti == '\0' || strlen(c.jti) > NAME_MAX_LEN)
		return "has no jti of 1 to 255 bytes";
	if (m->op == KEEPER_ADMIN_MAY)
		return NULL;
	struct store_value args[] = { store_t(c.jti), store_n(c.exp + JTI_KEPT_S) };
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

/* The key that a token names, made into a text that the caller frees; NULL: none. */
static char *
named_key(struct assay_bytes token)
{
	struct assay_error err;
	char *header = NULL, *kid = NULL;
	uint8_t *payload = NULL;
	size_t len = 0;

	if (assay_jws_peek(&header, &payload, &len, token, &err) != ASSAY_OK)
		return NULL;
	json_t *object = json_loads(header, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(object, "kid"));
	if (text != NULL)
		kid = strdup(text);
	json_decref(object);
	free(header);
	free(payload);
	return kid;
}

static void
refuse_token(const struct keeper *k, struct reply *r, struct assay_bytes token,
    const struct assay_error *why)
{
	char quoted[QUOTE_ROOM];
	char *kid = why->code == ASSAY_E_SIGNATURE ? named_key(token) : NULL;

	if (kid != NULL && verb_admin_of_kid(k, kid) == NULL)
		reply_refuse(r, KEEPER_ADMIN,
		    "admin token: this server knows no operator's key %s; give --admin-key FILE of "
		    "one of its operators, or ask an admin for assay admin add",
		    text_quote_string(quoted, kid));
	else
		reply_refuse(r, KEEPER_ADMIN, "admin token: %.300s", why->text);
	free(kid);
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
			refuse_token(k, r, m->field[0], &err);
		return NULL;
	}
	assay_jwk_kid(kid, by);
	claims = json_loadb((char *)payload, len, JSON_REJECT_DUPLICATES, NULL);
	fault = json_is_object(claims) ? token_fault(k, claims, m) : "is no JSON object";
	json_decref(claims);
	free(payload);
	if (fault != NULL) {
		reply_refuse(
		    r, KEEPER_ADMIN, "the admin token %s; make a new one for this request", fault);
		return NULL;
	}
	return verb_admin_of_kid(k, kid);
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
		c.who = verb_admin_of_certificate(k, m->field[1]);
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
	if (m->op == KEEPER_ADMIN_MAY)
		return;
	(void)snprintf(c.who_name, sizeof c.who_name, "%s", c.who->name);
	c.args = json_loadb(
	    (const char *)m->field[6].ptr, m->field[6].len, JSON_REJECT_DUPLICATES, NULL);
	c.body = m->count > 7 ? m->field[7] : (struct assay_bytes){ NULL, 0 };
	if (!json_is_object(c.args))
		reply_refuse(r, KEEPER_MALFORMED, "admin: the arguments are no JSON object");
	else if (m->field[0].len == 0 || verb_is_asked(&c, m, name))
		verb->run(&c);
	json_decref(c.args);
}
