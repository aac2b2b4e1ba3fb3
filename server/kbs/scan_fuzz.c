/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner takes what jansson takes, and finds the same members. */
#include "scan.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What jansson refuses for reasons of its own: numbers that a double or 64 bits do not hold. */
static bool
numbers(const json_error_t *why)
{
	return json_error_code(why) == json_error_numeric_overflow;
}

static void
compare(struct assay_bytes object, const json_t *tree)
{
	struct assay_bytes name, value;
	size_t at = 0, count = 0;

	while (scan_member(&name, &value, object, &at)) {
		uint8_t *text = malloc(name.len + 2);
		struct assay_bytes quoted = { name.ptr - 1, name.len + 2 };
		if (text == NULL)
			abort();
		size_t n = scan_decode(text, quoted);
		json_t *want = json_object_getn(tree, (const char *)text, n);
		if (want == NULL || (json_is_object(want) != scan_is_object(value)) ||
		    (json_is_string(want) != scan_is_string(value)))
			abort();
		if (json_is_string(want)) {
			uint8_t *got = malloc(value.len);
			if (got == NULL)
				abort();
			size_t len = scan_decode(got, value);
			if (len != json_string_length(want) ||
			    (len > 0 && memcmp(got, json_string_value(want), len) != 0))
				abort();
			free(got);
		} else if (json_is_object(want))
			compare(value, want);
		free(text);
		count++;
	}
	if (count != json_object_size(tree))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	json_error_t why;
	bool ours = scan_check(in, "fuzz", &err) == ASSAY_OK;
	json_t *tree = json_loadb((const char *)data, size,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);

	if (!ours && err.text[0] == '\0')
		abort();
	if (ours && tree != NULL) {
		struct assay_bytes whole = scan_trim(in);
		uint8_t *compact = malloc(whole.len);
		if (compact == NULL)
			abort();
		if (scan_compact(compact, whole) > whole.len)
			abort();
		free(compact);
		if (scan_is_object(whole))
			compare(whole, tree);
	} else if (ours && !numbers(&why) && json_error_code(&why) != json_error_duplicate_key &&
	    json_error_code(&why) != json_error_null_byte_in_key)
		abort(); /* it takes what is no JSON */
	else if (tree != NULL && memchr(data, '\0', size) == NULL) {
		/* Only the depth may be too much for it. jansson takes a zero byte for the end. */
		size_t deep = 0;
		for (size_t i = 0; i < size; i++)
			deep += data[i] == '[' || data[i] == '{';
		if (deep <= SCAN_DEPTH)
			abort();
	}
	json_decref(tree);
	return 0;
}
