/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token.h"

#include <stdlib.h>
#include <string.h>

void
assay_token_add(struct token_text *t, struct assay_bytes more)
{
	enum { LEAST = 512 };

	if (t->failed || more.len >= SIZE_MAX / 4 - t->len) {
		t->failed = true;
		return;
	}
	if (t->room - t->len <= more.len) {
		size_t room = 2 * (t->len + more.len) + LEAST;
		char *ptr = realloc(t->ptr, room);
		if (ptr == NULL) {
			t->failed = true;
			return;
		}
		t->ptr = ptr;
		t->room = room;
	}
	if (more.len > 0)
		memcpy(t->ptr + t->len, more.ptr, more.len);
	t->len += more.len;
	t->ptr[t->len] = '\0';
}

void
assay_token_put(struct token_text *t, const char *more)
{
	assay_token_add(t, assay_bytes_of(more));
}

void
assay_token_string(struct token_text *t, struct assay_bytes utf8)
{
	static const char short_forms[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	size_t from = 0;

	assay_token_put(t, "\"");
	for (size_t i = 0; i < utf8.len; i++) {
		uint8_t c = utf8.ptr[i];
		char escape[8];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		const char *form = c != 0 ? strchr(short_forms, c) : NULL;
		/* The letters of the table stand at odd places, and are none of these. */
		if (form != NULL)
			(void)snprintf(escape, sizeof escape, "\\%c", form[1]);
		else
			(void)snprintf(escape, sizeof escape, "\\u%04x", c);
		assay_token_add(t, (struct assay_bytes){ utf8.ptr + from, i - from });
		assay_token_put(t, escape);
		from = i + 1;
	}
	assay_token_add(t, (struct assay_bytes){ utf8.ptr + from, utf8.len - from });
	assay_token_put(t, "\"");
}

enum assay_code
assay_token_text(char **out, struct token_text *t, struct assay_error *err)
{
	if (t->failed || t->ptr == NULL) {
		free(t->ptr);
		return assay_fail_nomem(err);
	}
	*out = t->ptr;
	return ASSAY_OK;
}

enum assay_code
assay_token_object(
    json_t **out, struct assay_bytes text, size_t max, const char *what, struct assay_error *err)
{
	json_error_t e = { .text = "" }; /* left alone when jansson's first allocation fails */

	if (text.len > max)
		return assay_fail(err, ASSAY_E_FORMAT, "%s: is %zu bytes, at most %zu make sense",
		    what, text.len, max);
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &e);
	if (json_is_object(root)) {
		*out = root;
		return ASSAY_OK;
	}
	if (root != NULL) {
		json_decref(root);
		return assay_fail(err, ASSAY_E_FORMAT, "%s: is no JSON object", what);
	}
	if (json_error_code(&e) == json_error_out_of_memory || e.text[0] == '\0')
		return assay_fail_nomem(err);
	return assay_fail(err, ASSAY_E_FORMAT, "%s: is no JSON at line %d, column %d: %s", what,
	    e.line, e.column, assay_quote(assay_bytes_of(e.text)).text);
}

enum assay_code
assay_token_decode(
    uint8_t **out, size_t *len, struct assay_bytes text, const char *what, struct assay_error *err)
{
	uint8_t *bytes;

	/* The other decoder lets padding pass; JOSE knows none (RFC 7515, 2). */
	if (text.len > 0 && text.ptr[text.len - 1] == '=')
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: has padding, must be base64url without it (RFC 7515, 2)", what);
	bytes = malloc(ASSAY_UNBASE64_MAX(text.len));
	if (bytes == NULL)
		return assay_fail_nomem(err);
	if (!assay_unbase64url(bytes, len, text)) {
		assay_wipe(bytes, ASSAY_UNBASE64_MAX(text.len));
		free(bytes);
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is %s, must be base64url without padding (RFC 7515, 2)", what,
		    assay_quote(text).text);
	}
	*out = bytes;
	return ASSAY_OK;
}

struct assay_bytes
assay_token_member(const json_t *object, const char *name)
{
	const json_t *got = json_object_get(object, name);

	return (
	    struct assay_bytes){ (const uint8_t *)json_string_value(got), json_string_length(got) };
}
