/* SPDX-License-Identifier: Apache-2.0 */
#include "push_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1751600000 /* July 2025: of the captures' collateral some has ended, some not */ };

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
	struct view *view = view_after(&nothing, NULL, 0, NOW);
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
		view = view_after(&first, NULL, 0, NOW);
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
