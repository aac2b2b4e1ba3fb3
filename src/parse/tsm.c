/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/tsm.h"

#include <stdlib.h>
#include <string.h>

#include "parse/cbor_walk.h"
#include "parse/signed_json.h"

enum member { OUTBLOB, AUXBLOB, PROVIDER, SERVICE, MANIFESTBLOB, SERVICE_PROVIDER, MEMBERS };

static const char *const names[MEMBERS] = { "outblob", "auxblob", "provider", "service",
	"manifestblob", "service_provider" };

struct reading {
	struct tsm_report out;
	bool seen[MEMBERS];
	struct assay_bytes provider, service_provider;
};

static struct assay_bytes *
slot(struct reading *r, enum member m)
{
	struct assay_bytes *const slots[MEMBERS] = { [OUTBLOB] = &r->out.outblob,
		[AUXBLOB] = &r->out.auxblob,
		[PROVIDER] = &r->provider,
		[MANIFESTBLOB] = &r->out.manifestblob,
		[SERVICE_PROVIDER] = &r->service_provider };

	return slots[m];
}

/* Those of the service stand in a map of their own. */
static enum member
find(struct assay_bytes name, bool inner)
{
	unsigned m = inner ? MANIFESTBLOB : OUTBLOB;
	unsigned end = inner ? MEMBERS : MANIFESTBLOB;

	while (m < end && !assay_bytes_equal(name, assay_bytes_of(names[m])))
		m++;
	return m < end ? (enum member)m : MEMBERS;
}

static bool
is_text(enum member m)
{
	return m == PROVIDER || m == SERVICE_PROVIDER;
}

/* configfs ends its texts with a newline. */
static struct assay_bytes
without_newline(struct assay_bytes text)
{
	if (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	return text;
}

static enum assay_code
finish(struct reading *r, const char *what, struct assay_error *err)
{
	struct assay_bytes provider = without_newline(r->provider);
	struct assay_bytes service = without_newline(r->service_provider);

	if (r->out.outblob.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT, "%s: has no outblob, or an empty one", what);
	if (!assay_bundle_provider_ok(provider))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the provider is %s, want a name such as tdx_guest", what,
		    assay_quote(provider).text);
	memcpy(r->out.provider, provider.ptr, provider.len);
	r->out.svsm = assay_bytes_equal(service, assay_bytes_of("svsm"));
	if (service.len > 0 && !r->out.svsm)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: the service provider is %s, and svsm is the one that is known", what,
		    assay_quote(service).text);
	if (r->out.svsm != (r->out.manifestblob.len > 0))
		return assay_fail(err, ASSAY_E_FORMAT,
		    r->out.svsm
			? "%s: was asked for through the svsm, and its manifestblob is not there"
			: "%s: has a manifestblob, and no service provider",
		    what);
	return ASSAY_OK;
}

/* --- JSON -------------------------------------------------------------------------------- */

bool
assay_tsm_recognise(struct assay_bytes in)
{
	struct assay_bytes text = assay_bytes_trim(in), name, value;
	size_t at = 0;

	while (assay_json_member(&name, &value, text, &at))
		if (assay_bytes_equal(name, assay_bytes_of(names[OUTBLOB])))
			return true;
	return false;
}

/* Blobs are base64url; Go programs that do not say otherwise write standard base64. */
static void
read_blob(
    struct json_walk *w, struct assay_bytes *to, uint8_t **at, const char *name, const json_t *got)
{
	size_t len;

	if (!json_is_string(got)) {
		assay_json_refuse(w, name, got, "base64url");
		return;
	}
	struct assay_bytes text = assay_bytes_of(json_string_value(got));
	if (!assay_unbase64url(*at, &len, text) && !assay_unbase64(*at, &len, text)) {
		assay_json_refuse(w, name, got, "base64url");
		return;
	}
	*to = (struct assay_bytes){ *at, len };
	*at += len;
}

static void
read_members(struct json_walk *w, struct reading *r, uint8_t **at, json_t *from, bool inner)
{
	const char *name;
	json_t *got;

	json_object_foreach(from, name, got)
	{
		enum member m = find(assay_bytes_of(name), inner);
		if (w->rc != ASSAY_OK)
			return;
		if (m == MEMBERS)
			w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
			    "%s: has a member %s, which configfs has not", w->what,
			    assay_quote(assay_bytes_of(name)).text);
		else if (m == SERVICE && json_is_object(got))
			read_members(w, r, at, got, true);
		else if (m == SERVICE || (is_text(m) && !json_is_string(got)))
			assay_json_refuse(w, name, got, m == SERVICE ? "an object" : "a name");
		else if (is_text(m))
			*slot(r, m) = assay_bytes_of(json_string_value(got));
		else
			read_blob(w, slot(r, m), at, name, got);
	}
}

enum assay_code
assay_tsm_parse_json(
    struct tsm_report *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct json_walk w = { .what = what,
		.err = err,
		.max = BUNDLE_MAX,
		.remedy = "pass the report as it was sent" };
	struct reading r = { .out = { .provider = "" } };
	json_t *root = assay_json_load(&w, assay_bytes_trim(in));
	uint8_t *at = root != NULL ? assay_json_alloc(&w, in.len + 1, 1) : NULL;

	r.out.store = at;
	if (at != NULL && !json_is_object(root))
		assay_json_refuse(&w, "report", root, "an object");
	if (at != NULL && w.rc == ASSAY_OK)
		read_members(&w, &r, &at, root, false);
	if (w.rc == ASSAY_OK)
		w.rc = finish(&r, what, err);
	json_decref(root);
	if (w.rc == ASSAY_OK)
		*out = r.out;
	else
		free(r.out.store);
	return w.rc;
}

/* --- CBOR -------------------------------------------------------------------------------- */

static void
take_members(struct cbor_walk *w, struct reading *r, const struct cbor_token *map, bool inner)
{
	uint64_t left = map->number;

	if (map->kind != CBOR_MAP)
		assay_cbor_refuse(w, map, "a map");
	while (assay_cbor_more(w, map, &left)) {
		struct cbor_token name = assay_cbor_next(w);
		enum member m = name.kind == CBOR_TEXT ? find(name.bytes, inner) : MEMBERS;
		if (m == MEMBERS || r->seen[m]) {
			assay_cbor_refuse(w, &name,
			    inner ? "manifestblob or service_provider, each once"
				  : "outblob, auxblob, provider or service, each once");
			return;
		}
		r->seen[m] = true;
		struct cbor_token value = assay_cbor_next(w);
		if (m == SERVICE)
			take_members(w, r, &value, true);
		else if (value.kind == (is_text(m) ? CBOR_TEXT : CBOR_BYTES))
			*slot(r, m) = value.bytes;
		else
			assay_cbor_refuse(w, &value, is_text(m) ? "a name" : "a byte string");
	}
}

enum assay_code
assay_tsm_parse_cbor(
    struct tsm_report *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct cbor_walk w = { .what = what, .in = in, .err = err };
	struct reading r = { .out = { .provider = "" } };
	struct cbor_token map = assay_cbor_next(&w);

	take_members(&w, &r, &map, false);
	enum assay_code rc = assay_cbor_end(&w);
	if (rc == ASSAY_OK)
		rc = finish(&r, what, err);
	if (rc == ASSAY_OK)
		*out = r.out;
	return rc;
}

void
assay_tsm_clear(struct tsm_report *tsm)
{
	free(tsm->store);
	*tsm = (struct tsm_report){ .svsm = false };
}
