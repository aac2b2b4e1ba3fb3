/* SPDX-License-Identifier: Apache-2.0 */
/* The form is that of docs/reference-values.md. */
#include "policy/references.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rule.h"
#include "verify/tee.h"

enum { FORMAT_VERSION = 1 };

/* What is being read: where, for messages. */
struct document {
	const char *name;
	const struct assay_references *before;
	struct assay_references more;
	uint32_t tees;
	struct assay_error *err;
};

enum assay_code
assay_references_new(struct assay_references **out, struct assay_error *err)
{
	struct assay_references *refs = calloc(1, sizeof *refs);

	if (refs == NULL)
		return assay_fail_nomem(err);
	*out = refs;
	return ASSAY_OK;
}

static void
clear_sets(struct assay_references *refs)
{
	for (size_t i = 0; i < refs->count; i++) {
		free(refs->sets[i].name);
		free(refs->sets[i].values);
		free(refs->sets[i].store);
	}
	free(refs->sets);
	*refs = (struct assay_references){ NULL, 0 };
}

void
assay_references_free(struct assay_references *refs)
{
	if (refs == NULL)
		return;
	clear_sets(refs);
	free(refs);
}

const struct reference_set *
assay_references_find(const struct assay_references *refs, struct assay_bytes name)
{
	for (size_t i = 0; refs != NULL && i < refs->count; i++)
		if (assay_bytes_equal(assay_bytes_of(refs->sets[i].name), name))
			return &refs->sets[i];
	return NULL;
}

/* --- a document --------------------------------------------------------------------------------- */

static enum assay_code
refuse(const struct document *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static enum assay_code
refuse(const struct document *d, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return assay_fail(d->err, ASSAY_E_FORMAT, "%s: %s", d->name, text);
}

static struct assay_bytes
string_of(const json_t *json)
{
	if (!json_is_string(json))
		return (struct assay_bytes){ NULL, 0 };
	return (struct assay_bytes){ (const uint8_t *)json_string_value(json),
		json_string_length(json) };
}

/* What a policy can write behind its `@`. */
static bool
is_set_name(struct assay_bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			(i > 0 && (c == '-' || c == '_' || c == '.' || c == '/'))))
			return false;
	}
	return name.len > 0 && name.len <= REFERENCES_NAME_MAX;
}

static enum assay_code
only_members(const struct document *d, const json_t *object, const char *what,
    const char *const *known, size_t count)
{
	const char *key;
	json_t *value;
	/* jansson's iterators take a pointer that is not const, and change nothing. */
	json_t *walked = json_incref((json_t *)(uintptr_t)object);
	enum assay_code rc = ASSAY_OK;

	json_object_foreach(walked, key, value)
	{
		bool found = false;
		for (size_t i = 0; i < count; i++)
			found = found || strcmp(known[i], key) == 0;
		if (!found && rc == ASSAY_OK)
			rc = refuse(d, "%s has a member %s that is not known here", what,
			    assay_quote(assay_bytes_of(key)).text);
	}
	json_decref(walked);
	return rc;
}

static enum assay_code
read_values(struct document *d, struct reference_set *set, const json_t *any_of)
{
	enum assay_type type = assay_schema_type(set->claim);
	size_t count = json_array_size(any_of), room = 0, used = 0;

	for (size_t i = 0; i < count; i++)
		room += string_of(json_array_get(any_of, i)).len + LITERAL_ROOM;
	set->values = calloc(count + 1, sizeof *set->values);
	set->store = malloc(room + 1);
	if (set->values == NULL || set->store == NULL)
		return assay_fail_nomem(d->err);
	for (size_t i = 0; i < count; i++) {
		const json_t *json = json_array_get(any_of, i);
		struct assay_bytes text = string_of(json);
		struct literal *value = &set->values[set->count];
		bool ok = json_is_string(json) &&
		    assay_literal_read(value, set->store + used, type, text);
		if (json_is_integer(json) && type == ASSAY_TYPE_UINT) {
			ok = json_integer_value(json) >= 0;
			value->number = (uint64_t)json_integer_value(json);
		}
		if (!ok)
			return refuse(d, "%s: entry %zu of \"any_of\" is %s, want %s", set->name,
			    i + 1, json_is_string(json) ? assay_quote(text).text : "no text",
			    assay_type_wants(type));
		if (type == ASSAY_TYPE_TEXT || type == ASSAY_TYPE_LIST) { /* the document goes */
			memcpy(set->store + used, text.ptr, text.len);
			value->bytes.ptr = set->store + used;
		}
		used += value->bytes.len;
		set->count++;
	}
	return ASSAY_OK;
}

static enum assay_code
read_set(struct document *d, const json_t *json)
{
	static const char *const known[] = { "name", "claim", "any_of" };
	struct assay_bytes name = string_of(json_object_get(json, "name"));
	struct assay_bytes claim = string_of(json_object_get(json, "claim"));
	const json_t *any_of = json_object_get(json, "any_of");
	struct reference_set *set = &d->more.sets[d->more.count];
	const char *claim_name = json_string_value(json_object_get(json, "claim"));

	if (!json_is_object(json))
		return refuse(d, "an entry of \"values\" is no object");
	enum assay_code rc = only_members(d, json, "an entry of \"values\"", known, 3);
	if (rc != ASSAY_OK)
		return rc;
	if (!is_set_name(name))
		return refuse(d,
		    "%s is no name of a set: letters, digits, - _ . and /, at most %d of them",
		    assay_quote(name).text, REFERENCES_NAME_MAX);
	if (assay_references_find(d->before, name) != NULL ||
	    assay_references_find(&d->more, name) != NULL)
		return refuse(d,
		    "the set %s is there twice; put all its values into one \"any_of\"",
		    assay_quote(name).text);
	if (claim_name == NULL || strlen(claim_name) != claim.len ||
	    !assay_schema_find(claim_name, &set->claim))
		return refuse(d, "%s: there is no claim %s; the nearest is \"%s\"",
		    assay_quote(name).text, assay_quote(claim).text,
		    assay_nearest(claim, assay_schema_name));
	if (!json_is_array(any_of))
		return refuse(d, "%s: \"any_of\" is no list", assay_quote(name).text);
	set->name = calloc(1, name.len + 1);
	if (set->name == NULL)
		return assay_fail_nomem(d->err);
	memcpy(set->name, name.ptr, name.len);
	set->tees = d->tees;
	d->more.count++;
	return read_values(d, set, any_of);
}

static enum assay_code
read_document(struct document *d, const json_t *json)
{
	static const char *const known[] = { "reference_values", "name", "tee", "values", "made" };
	const json_t *version = json_object_get(json, "reference_values");
	const json_t *tee = json_object_get(json, "tee"), *values = json_object_get(json, "values");

	if (!json_is_integer(version))
		return refuse(d,
		    "is no document of reference values: \"reference_values\" is not "
		    "in it; assay measure --as NAME makes one");
	if (json_integer_value(version) != FORMAT_VERSION)
		return assay_fail(d->err, ASSAY_E_UNSUPPORTED,
		    "%s: reference values of version %lld, this version reads %d", d->name,
		    (long long)json_integer_value(version), FORMAT_VERSION);
	enum assay_code rc =
	    only_members(d, json, "the document", known, sizeof known / sizeof *known);
	if (rc != ASSAY_OK)
		return rc;
	d->tees = tee == NULL ? TEES_ANY : 0;
	for (size_t i = 0; assay_tees[i] != NULL; i++)
		if (assay_bytes_equal(string_of(tee), assay_bytes_of(assay_tees[i]->name)))
			d->tees = UINT32_C(1) << i;
	if (d->tees == 0)
		return refuse(d, "\"tee\" is %s, which is none", assay_quote(string_of(tee)).text);
	if (!json_is_array(values))
		return refuse(d, "\"values\" is no list");
	if (json_array_size(values) > REFERENCES_SETS_MAX - d->before->count)
		return refuse(d, "more than %d sets in all", REFERENCES_SETS_MAX);
	d->more.sets = calloc(json_array_size(values) + 1, sizeof *d->more.sets);
	if (d->more.sets == NULL)
		return assay_fail_nomem(d->err);
	for (size_t i = 0; i < json_array_size(values) && rc == ASSAY_OK; i++)
		rc = read_set(d, json_array_get(values, i));
	return rc;
}

enum assay_code
assay_references_add(struct assay_references *refs, struct assay_bytes document, const char *name,
    struct assay_error *err)
{
	struct document d = { .name = name, .before = refs, .err = err };
	struct reference_set *sets;
	json_error_t where = { .text = "" }; /* left alone when jansson's first allocation fails */

	if (document.len > REFERENCES_DOCUMENT_MAX)
		return refuse(
		    &d, "is %zu bytes, at most %d are read", document.len, REFERENCES_DOCUMENT_MAX);
	json_t *json =
	    json_loadb((const char *)document.ptr, document.len, JSON_REJECT_DUPLICATES, &where);
	if (json == NULL &&
	    (json_error_code(&where) == json_error_out_of_memory || where.text[0] == '\0'))
		return assay_fail_nomem(err);
	if (json == NULL)
		return refuse(
		    &d, "line %d, column %d: is no JSON of this kind", where.line, where.column);
	enum assay_code rc = read_document(&d, json);
	json_decref(json);
	if (rc == ASSAY_OK && d.more.count > 0) {
		sets = realloc(refs->sets, (refs->count + d.more.count) * sizeof *sets);
		if (sets == NULL) {
			rc = assay_fail_nomem(err);
		} else {
			memcpy(sets + refs->count, d.more.sets, d.more.count * sizeof *sets);
			refs->sets = sets;
			refs->count += d.more.count;
			d.more.count = 0;
		}
	}
	clear_sets(&d.more);
	return rc;
}
