/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_ADMIN_PUSH_VIEW_H
#define ASSAYD_ADMIN_PUSH_VIEW_H

/* For the tests of push.c: a view that has what a push before has left there. */

#include <stdlib.h>

#include "../kbs/base64.h"
#include "push.h"

#define KEY           "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define TICKET(epoch) "{\"epoch\":" #epoch ",\"key\":\"" KEY "\"}"

static inline struct view *
view_after(
    const struct push *before, const struct assay_bytes *roots, size_t root_count, int64_t now)
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
	view = view_read(buffer_bytes(&json), roots, root_count, NULL, now, &err);
	buffer_clear(&json);
	if (view == NULL)
		abort();
	return view;
}

#endif
