/* SPDX-License-Identifier: Apache-2.0 */
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 1000 };

static json_int_t
limit(const struct call *c)
{
	json_int_t n = json_integer_value(json_object_get(c->args, "limit"));

	return n > 0 && n < ROWS_MAX ? n : ROWS_MAX;
}

void
audit_list_rows(struct call *c)
{
	json_t *since = json_object_get(c->args, "since");
	int64_t last = 0;
	json_int_t most = limit(c);
	struct store_value args[] = { store_n(
					  json_integer_value(json_object_get(c->args, "after"))),
		since != NULL ? store_n(json_integer_value(since)) : store_t(NULL),
		store_t(verb_argument(c, "resource")), store_n(most) };
	json_t *array = NULL;

	if (store_ask(c->k->store, AUDIT_LIST, args, 4))
		array = verb_rows(c, AUDIT_LIST, false, &last);
	else
		keeper_store_trouble(c->k);
	if (array == NULL)
		return;
	if (json_array_size(array) == (size_t)most)
		verb_answer(c, json_pack("{s:o, s:I}", "rows", array, "next", (json_int_t)last));
	else
		verb_answer(c, json_pack("{s:o}", "rows", array));
}

void
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
		array = verb_rows(c, AUDIT_LIST, true, &last);
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
		verb_answer(c, out);
}
