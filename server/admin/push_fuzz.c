/* SPDX-License-Identifier: Apache-2.0 */
#include "push.h"

#include <stdlib.h>
#include <string.h>

#include "../kbs/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY           "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define TICKET(epoch) "{\"epoch\":" #epoch ",\"key\":\"" KEY "\"}"

enum { NOW = 1751600000 /* July 2025: of the captures' collateral some has ended, some not */ };

/* A view that has what a push before has left there. */
static struct view *
view_after(const struct push *before)
{
	struct buffer json = { .len = 0 };
	struct assay_error err = { .text = "" };
	struct view *view;
	json_t *item;
	size_t i, at = 0;

	buffer_put(&json,
	    "{\"generation\":1,\"node\":\"n\",\"issuer\":\"i\",\"audience\":\"a\",\"ticket_life_"
	    "s\":9,"
	    "\"token_life_s\":9,\"sample\":false,\"jwks\":{\"keys\":[]},\"tickets\":[" TICKET(
		1) "," TICKET(2) "," TICKET(3) "],\"collateral\":[");
	json_array_foreach(json_object_get(before->args, "items"), i, item)
	{
		size_t size = (size_t)json_integer_value(json_object_get(item, "size"));
		char *text = malloc(size / 3 * 4 + 8);
		if (text == NULL || size == 0 || size > before->body.len - at)
			abort();
		base64_encode(
		    text, (struct assay_bytes){ buffer_bytes(&before->body).ptr + at, size });
		buffer_put(&json, i > 0 ? ",{\"name\":" : "{\"name\":");
		buffer_string(&json, bytes_of(json_string_value(json_object_get(item, "name"))));
		buffer_put(&json, ",\"bytes\":\"");
		buffer_put(&json, text);
		buffer_put(&json, "\"}");
		at += size;
		free(text);
	}
	buffer_put(&json, "]}");
	if (at != before->body.len || json.broken)
		abort();
	view = view_read(buffer_bytes(&json), NULL, 0, NULL, NOW, &err);
	buffer_clear(&json);
	if (view == NULL)
		abort();
	return view;
}

static size_t
taken(const struct push *push)
{
	json_t *item;
	size_t i, n = 0;

	json_array_foreach(json_object_get(push->answer, "items"), i, item)
	{
		bool yes = json_is_true(json_object_get(item, "taken"));
		if (yes == (json_string_value(json_object_get(item, "why")) != NULL))
			abort();
		n += yes;
	}
	return n;
}

/* Pushed, and again to a server that has it from the first time: of that nothing is taken. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct push nothing = { .args = NULL };
	struct push first = { .args = NULL }, again;
	struct view *view = view_after(&nothing);
	struct assay_error err = { .text = "" };
	enum assay_code rc =
	    push_read(&first, view, NULL, 0, (struct assay_bytes){ data, size }, NOW, &err);

	view_drop(view);
	if (rc != ASSAY_OK) {
		if (err.code != rc || err.text[0] == '\0')
			abort();
	} else {
		size_t items = json_array_size(json_object_get(first.args, "items"));
		if ((items > 0) != (taken(&first) > 0) || items > taken(&first))
			abort();
		view = view_after(&first);
		rc =
		    push_read(&again, view, NULL, 0, (struct assay_bytes){ data, size }, NOW, &err);
		if (rc != ASSAY_OK || taken(&again) != 0 || again.body.len != 0)
			abort();
		push_clear(&again);
		view_drop(view);
	}
	push_clear(&first);
	return 0;
}
