/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a verb is what the request says to which an admin token is bound. Method, path and the body's hash
 * are the token's; verb, arguments and body are the word of the front, which strangers' bytes may have broken.
 */
#include "verb.h"

#include <string.h>

#include <openssl/evp.h>

#include "../admin/requests.h"
#include "../text.h"

static bool
is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* Whether an argument is what the query says, or is in neither. */
static bool
parameter_fits(
    const struct admin_request *request, size_t i, const struct query *q, const json_t *value)
{
	const char *name = request->parameter[i].name, *text = query_value(q, name);
	int64_t n;

	if (text == NULL || value == NULL)
		return text == NULL && value == NULL;
	if (!request->parameter[i].number)
		return is_text(value, text);
	return json_is_integer(value) && query_number(q, name, &n) &&
	    json_integer_value(value) == n;
}

/* All arguments, and no others. */
static bool
arguments_fit(
    const struct admin_request *request, const char *rest, const char *query, const json_t *args)
{
	struct query q;
	char why[QUERY_WHY];
	size_t known = 0;

	admin_request_query(request, &q);
	if (!query_read(&q, query, why))
		return false;
	if (request->name != NULL) {
		if (!is_text(json_object_get(args, request->name), rest))
			return false;
		known++;
	}
	for (size_t i = 0; i < QUERY_NAMES_MAX && request->parameter[i].name != NULL; i++) {
		const json_t *value = json_object_get(args, request->parameter[i].name);
		if (!parameter_fits(request, i, &q, value))
			return false;
		known += value != NULL;
	}
	if (request->made != NULL)
		known += json_object_get(args, request->made) != NULL;
	return json_object_size(args) == known;
}

static bool
body_fits(const struct call *c, const struct admin_request *request, struct assay_bytes digest)
{
	uint8_t own[HASH];

	if (request->remade)
		return true;
	if (EVP_Digest(c->body.len > 0 ? (const void *)c->body.ptr : "", c->body.len, own, NULL,
		EVP_sha256(), NULL) != 1) {
		keeper_trouble(c->k, "out of memory");
		return false;
	}
	return digest.len == HASH && memcmp(digest.ptr, own, HASH) == 0;
}

static bool
fits(const struct call *c, const struct ipc_message *m, const char *verb)
{
	char method[METHOD_ROOM], path[URL_ROOM];
	const char *query = "", *rest;

	if (!ipc_get_text(method, sizeof method, m, 2) || !ipc_get_text(path, sizeof path, m, 3))
		return false;
	char *end = strchr(path, '?');
	if (end != NULL) {
		*end = '\0';
		query = end + 1;
	}
	const struct admin_request *request = admin_request_find(&rest, method, path);
	return request != NULL && strcmp(request->verb, verb) == 0 &&
	    arguments_fit(request, rest, query, c->args) && body_fits(c, request, m->field[4]);
}

bool
verb_is_asked(const struct call *c, const struct ipc_message *m, const char *verb)
{
	if (fits(c, m, verb))
		return true;
	if (c->k->failed)
		return false;
	/* A front that is whole never comes here, and each time spends a token: the log is not flooded. */
	log_say(
	    "%s was asked for with an admin token that %s signed for something else; nothing was "
	    "done, but look whether the front was broken into",
	    verb, c->who_name);
	reply_refuse(c->r, KEEPER_ADMIN,
	    "the admin token is for another request than this %s; see the log of assayd", verb);
	return false;
}
