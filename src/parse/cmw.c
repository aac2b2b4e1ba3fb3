/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/cmw.h"

#include <stdlib.h>
#include <string.h>

#include "parse/cbor_walk.h"
#include "parse/signed_json.h"

/* Source: RFC 9277, 4.3: the tags that stand for content formats, 255 of each 256. */
enum { TAG_FIRST = 1668546817, TAG_FORMATS = 65536, TAG_STRIDE = 255 };

static const char collection_type_label[] = "__cmwc_t";

/* --- items ------------------------------------------------------------------------------- */

static struct cmw_item *
new_item(struct cmw *cmw, const char *what, enum assay_code *rc, struct assay_error *err)
{
	if (*rc != ASSAY_OK)
		return NULL;
	if (cmw->count == CMW_ITEMS_MAX) {
		*rc = assay_fail(
		    err, ASSAY_E_FORMAT, "%s: holds more than %d items", what, CMW_ITEMS_MAX);
		return NULL;
	}
	struct cmw_item *item = &cmw->items[cmw->count++];
	*item = (struct cmw_item){ .label = "" };
	return item;
}

static bool
doubled(const struct cmw *cmw, const struct cmw_item *item)
{
	for (const struct cmw_item *i = cmw->items; i < item; i++)
		if (i->map == item->map && i->numbered == item->numbered &&
		    strcmp(i->label, item->label) == 0)
			return true;
	return false;
}

/* --- CBOR -------------------------------------------------------------------------------- */

struct cbor_reading {
	struct cbor_walk walk;
	struct cmw *out;
	unsigned maps;
};

static void take_cmw(struct cbor_reading *r, struct cmw_item *item, unsigned depth);

static bool
is_number(const struct cbor_token *t, uint64_t max)
{
	return t->kind == CBOR_UINT && t->number <= max;
}

static void
take_value(struct cbor_reading *r, struct cmw_item *item)
{
	struct cbor_token value = assay_cbor_next(&r->walk);

	if (value.kind != CBOR_BYTES)
		assay_cbor_refuse(&r->walk, &value, "the bytes of a message");
	item->value = value.bytes;
}

static void
take_record(struct cbor_reading *r, struct cmw_item *item, const struct cbor_token *array)
{
	struct cbor_walk *w = &r->walk;
	uint64_t left = array->number;

	if (!array->indefinite && (left < 2 || left > 3)) {
		assay_cbor_refuse(w, array, "a record of type, value and at most an indicator");
		return;
	}
	struct cbor_token type = assay_cbor_next(w);
	if (type.kind == CBOR_UINT && type.number < TAG_FORMATS)
		item->format = (uint32_t)type.number;
	else
		assay_cbor_text(w, &type, item->type, CMW_TYPE_MAX,
		    "a media type of at most 128 characters, or a content format");
	take_value(r, item);
	left = left > 2 ? left - 2 : 0;
	if (!assay_cbor_more(w, array, &left))
		return;
	struct cbor_token indicator = assay_cbor_next(w);
	if (!is_number(&indicator, UINT32_MAX) || indicator.number == 0)
		assay_cbor_refuse(w, &indicator, "an indicator, with at least one bit");
	item->indicator = (unsigned)indicator.number;
	if (assay_cbor_more(w, array, &left)) {
		struct cbor_token fourth = assay_cbor_next(w);
		assay_cbor_refuse(w, &fourth, "the end of a record of three elements");
	}
}

static void
take_tagged(struct cbor_reading *r, struct cmw_item *item, const struct cbor_token *tag)
{
	uint64_t n = tag->number - TAG_FIRST; /* wraps to more than any format */
	uint64_t format = n / 256 * TAG_STRIDE + n % 256;

	if (tag->number < TAG_FIRST || n % 256 == TAG_STRIDE || format >= TAG_FORMATS) {
		if (r->walk.rc == ASSAY_OK)
			r->walk.rc = assay_fail(r->walk.err, ASSAY_E_UNSUPPORTED,
			    "%s: tag %llu stands for no content format", r->walk.what,
			    (unsigned long long)tag->number);
		return;
	}
	item->format = (uint32_t)format;
	take_value(r, item);
}

static void
take_label(struct cbor_walk *w, struct cmw_item *item, const struct cbor_token *label)
{
	if (label->kind == CBOR_UINT || label->kind == CBOR_NEGATIVE) {
		bool negative = label->kind == CBOR_NEGATIVE;
		if (label->number >= INT64_MAX) {
			assay_cbor_refuse(w, label, "a label that is a number of 63 bits");
			return;
		}
		item->numbered = true;
		(void)snprintf(item->label, sizeof item->label, "%s%llu", negative ? "-" : "",
		    (unsigned long long)(negative ? label->number + 1 : label->number));
		return;
	}
	assay_cbor_text(w, label, item->label, CMW_LABEL_MAX,
	    "a label: a number, or a text of at most 64 characters");
}

/* A URI, or the bytes of an object identifier. */
static void
take_collection_type(struct cbor_reading *r)
{
	struct cmw *out = r->out;
	struct cbor_token type = assay_cbor_next(&r->walk);

	if (out->typed) {
		assay_cbor_refuse(&r->walk, &type, "one __cmwc_t in a collection and no other");
		return;
	}
	out->typed = true;
	if (type.kind == CBOR_BYTES && type.bytes.len > 0 &&
	    type.bytes.len <= sizeof out->collection_type / 2 - 1)
		assay_hex(out->collection_type, type.bytes);
	else
		assay_cbor_text(&r->walk, &type, out->collection_type, CMW_TYPE_MAX,
		    "the type of a collection: a URI or an object identifier");
}

static void
take_collection(struct cbor_reading *r, const struct cbor_token *map, unsigned depth)
{
	struct cbor_walk *w = &r->walk;
	unsigned number = ++r->maps;
	uint64_t left = map->number;
	size_t before = r->out->count;

	if (depth > CMW_DEPTH_MAX) {
		assay_cbor_refuse(w, map, "no more than 4 collections inside one another");
		return;
	}
	while (assay_cbor_more(w, map, &left)) {
		struct cbor_token label = assay_cbor_next(w);
		if (label.kind == CBOR_TEXT &&
		    assay_bytes_equal(label.bytes, assay_bytes_of(collection_type_label))) {
			take_collection_type(r);
			continue;
		}
		struct cmw_item *item = new_item(r->out, w->what, &w->rc, w->err);
		if (item == NULL)
			return;
		item->map = number;
		take_label(w, item, &label);
		if (w->rc == ASSAY_OK && doubled(r->out, item))
			w->rc = assay_fail(w->err, ASSAY_E_FORMAT, "%s: the label %s stands twice",
			    w->what, assay_quote(assay_bytes_of(item->label)).text);
		take_cmw(r, item, depth);
	}
	if (w->rc == ASSAY_OK && r->out->count == before)
		assay_cbor_refuse(w, map, "a collection of one item or more");
}

static void
take_cmw(struct cbor_reading *r, struct cmw_item *item, unsigned depth)
{
	struct cbor_token t = assay_cbor_next(&r->walk);

	if (t.kind == CBOR_ARRAY)
		take_record(r, item, &t);
	else if (t.kind == CBOR_TAG)
		take_tagged(r, item, &t);
	else if (t.kind == CBOR_MAP) {
		item->nested = true;
		take_collection(r, &t, depth + 1);
	} else
		assay_cbor_refuse(&r->walk, &t, "a record, a tag or a collection");
}

static enum assay_code
parse_cbor(struct cmw *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct cbor_reading r = { { .what = what, .in = in, .err = err }, out, 0 };
	struct cbor_walk peek = r.walk;
	struct cbor_token first = assay_cbor_next(&peek);

	out->collection = first.kind == CBOR_MAP;
	if (out->collection) {
		r.walk = peek;
		take_collection(&r, &first, 1);
	} else {
		struct cmw_item *item = new_item(out, what, &r.walk.rc, err);
		if (item != NULL)
			take_cmw(&r, item, 1);
	}
	return assay_cbor_end(&r.walk);
}

/* --- JSON -------------------------------------------------------------------------------- */

struct json_reading {
	struct json_walk walk;
	struct cmw *out;
	uint8_t *at; /* where the next value is decoded to */
	unsigned maps;
};

static bool
copy_text(char *out, size_t max, const char *text)
{
	size_t n = text != NULL ? strlen(text) : 0;

	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	memcpy(out, text, n + 1);
	return true;
}

/* Values together are shorter than the text that holds them, so one store has room for all. */
static void
read_record(struct json_reading *r, struct cmw_item *item, const json_t *array)
{
	struct json_walk *w = &r->walk;
	size_t n = json_array_size(array), len = 0;
	const json_t *value = json_array_get(array, 1), *indicator = json_array_get(array, 2);

	if (n < 2 || n > 3) {
		assay_json_refuse(w, item->label, array, "type, value and at most an indicator");
		return;
	}
	const json_t *type = json_array_get(array, 0);
	if (!copy_text(item->type, CMW_TYPE_MAX, json_string_value(type)))
		assay_json_refuse(w, "media type", type, "a printable text of 1 to 128 characters");
	if (!json_is_string(value) ||
	    !assay_unbase64url(r->at, &len, assay_bytes_of(json_string_value(value)))) {
		assay_json_refuse(w, "value", value, "base64url without padding");
		return;
	}
	item->value = (struct assay_bytes){ r->at, len };
	r->at += len;
	if (n < 3)
		return;
	json_int_t bits = json_integer_value(indicator);
	if (!json_is_integer(indicator) || bits < 1 || bits > UINT32_MAX)
		assay_json_refuse(w, "indicator", indicator, "a number with at least one bit");
	item->indicator = (unsigned)bits;
}

static void
read_collection(struct json_reading *r, json_t *object, unsigned depth)
{
	struct json_walk *w = &r->walk;
	unsigned number = ++r->maps;
	size_t before = r->out->count;
	const char *label;
	json_t *got;

	if (depth > CMW_DEPTH_MAX) {
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
		    "%s: more than %d collections inside one another", w->what, CMW_DEPTH_MAX);
		return;
	}
	json_object_foreach(object, label, got)
	{
		if (w->rc != ASSAY_OK)
			return;
		if (strcmp(label, collection_type_label) == 0) {
			if (r->out->typed)
				assay_json_refuse(w, label, got, "in no second collection");
			r->out->typed = true;
			if (!copy_text(
				r->out->collection_type, CMW_TYPE_MAX, json_string_value(got)))
				assay_json_refuse(w, label, got, "a URI or an object identifier");
			continue;
		}
		struct cmw_item *item = new_item(r->out, w->what, &w->rc, w->err);
		if (item == NULL)
			return;
		item->map = number;
		if (!copy_text(item->label, CMW_LABEL_MAX, label))
			w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
			    "%s: the label %s is no printable text of 1 to 64 characters", w->what,
			    assay_quote(assay_bytes_of(label)).text);
		if (json_is_object(got)) {
			item->nested = true;
			read_collection(r, got, depth + 1);
		} else
			read_record(r, item, got);
	}
	if (w->rc == ASSAY_OK && r->out->count == before)
		assay_json_refuse(w, "collection", object, "of one item or more");
}

static enum assay_code
parse_json(struct cmw *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct json_reading r = { { .what = what,
				      .err = err,
				      .max = CMW_MAX,
				      .remedy = "pass the wrapper alone, as it was sent" },
		out, NULL, 0 };
	json_t *root = assay_json_load(&r.walk, assay_bytes_trim(in));

	if (root != NULL && (out->store = r.at = assay_json_alloc(&r.walk, in.len, 1)) != NULL) {
		struct cmw_item *item = NULL;
		out->collection = json_is_object(root);
		if (out->collection)
			read_collection(&r, root, 1);
		else if ((item = new_item(out, what, &r.walk.rc, err)) != NULL)
			read_record(&r, item, root);
	}
	json_decref(root);
	return r.walk.rc;
}

/* --- both -------------------------------------------------------------------------------- */

static bool
is_json(struct assay_bytes in)
{
	struct assay_bytes text = assay_bytes_trim(in);

	return text.len > 0 && (text.ptr[0] == '[' || text.ptr[0] == '{');
}

/* Source: RFC 9999, 3.5. */
bool
assay_cmw_recognise(struct assay_bytes in)
{
	if (in.len == 0)
		return false;
	uint8_t c = in.ptr[0];
	return c == 0x82 || c == 0x83 || c == 0x9f || c == 0xda || (c >= 0xa0 && c <= 0xbb) ||
	    c == 0xbf || is_json(in);
}

enum assay_code
assay_cmw_parse(struct cmw *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	*out = (struct cmw){ .count = 0 };
	if (in.len > CMW_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "%s: is %zu bytes, at most %d make sense",
		    what, in.len, CMW_MAX);
	enum assay_code rc =
	    is_json(in) ? parse_json(out, in, what, err) : parse_cbor(out, in, what, err);
	if (rc != ASSAY_OK)
		assay_cmw_clear(out);
	return rc;
}

void
assay_cmw_clear(struct cmw *cmw)
{
	free(cmw->store);
	*cmw = (struct cmw){ .count = 0 };
}
