/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of evidence bundles. Format: docs/bundle.md; RFC 9999, 3.3, over RFC 8949, 4.2.1. */
#include "parse/bundle.h"

#include <cbor.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEAD_MAX = 9,       /* of any CBOR item */
	ITEM_OVERHEAD = 96, /* the label, the type, the indicator and their heads */
};

#define TYPE_PREFIX "application/vnd.assay."

const struct bundle_label assay_bundle_labels[BUNDLE_PARTS] = {
	[BUNDLE_PROOF] = { "proof", ASSAY_BUNDLE_TYPE_PROOF, ASSAY_BUNDLE_EVIDENCE,
	    BUNDLE_PROOF_MAX },
	[BUNDLE_EVENTLOG] = { "eventlog", ASSAY_BUNDLE_TYPE_EVENTLOG, ASSAY_BUNDLE_EVIDENCE,
	    BUNDLE_PART_MAX },
	[BUNDLE_EVIDENCE] = { "evidence", NULL, ASSAY_BUNDLE_EVIDENCE, 1 << 20 },
	[BUNDLE_MANIFEST] = { "manifest", ASSAY_BUNDLE_TYPE_MANIFEST, ASSAY_BUNDLE_EVIDENCE,
	    1 << 20 },
	[BUNDLE_PROVIDER] = { "provider", ASSAY_BUNDLE_TYPE_PROVIDER, ASSAY_BUNDLE_EVIDENCE,
	    BUNDLE_PROVIDER_MAX },
	[BUNDLE_COLLATERAL] = { "collateral", ASSAY_BUNDLE_TYPE_COLLATERAL,
	    ASSAY_BUNDLE_ENDORSEMENTS, 1 << 20 },
	[BUNDLE_CERTIFICATES] = { "certificates", ASSAY_BUNDLE_TYPE_CERTIFICATES,
	    ASSAY_BUNDLE_ENDORSEMENTS, 1 << 20 },
};

enum bundle_part
assay_bundle_part(struct assay_bytes label)
{
	unsigned i = 0;

	while (i < BUNDLE_PARTS &&
	    !assay_bytes_equal(label, assay_bytes_of(assay_bundle_labels[i].label)))
		i++;
	return (enum bundle_part)i;
}

bool
assay_bundle_provider_ok(struct assay_bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    c != '_' && c != '-' && c != '.')
			return false;
	}
	return name.len > 0 && name.len <= BUNDLE_PROVIDER_MAX;
}

struct assay_bytes
assay_bundle_tee_of(struct assay_bytes type)
{
	static const struct assay_bytes none = { NULL, 0 };
	size_t n = strlen(TYPE_PREFIX);

	for (size_t i = 0; i < BUNDLE_PARTS; i++)
		if (assay_bundle_labels[i].type != NULL &&
		    assay_bytes_equal(type, assay_bytes_of(assay_bundle_labels[i].type)))
			return none; /* a type of ours, and of something else */
	if (!assay_bytes_equal(assay_bytes_at(type, 0, n), assay_bytes_of(TYPE_PREFIX)))
		return none;
	return assay_bytes_at(type, n, type.len - n);
}

static enum assay_code
check_item(enum bundle_part *part, const struct assay_bundle_item *item, struct assay_error *err)
{
	struct assay_bytes type = assay_bytes_of(item->type);

	*part = assay_bundle_part(assay_bytes_of(item->label));
	if (*part == BUNDLE_PARTS)
		return assay_fail(err, ASSAY_E_USAGE, "bundle: has no item %s; see docs/bundle.md",
		    assay_quote(assay_bytes_of(item->label)).text);
	const struct bundle_label *want = &assay_bundle_labels[*part];
	if (want->type == NULL ? assay_bundle_tee_of(type).len == 0
			       : !assay_bytes_equal(type, assay_bytes_of(want->type)))
		return assay_fail(err, ASSAY_E_USAGE, "bundle: %s has the type %s, want %s",
		    want->label, assay_quote(type).text,
		    want->type != NULL ? want->type : TYPE_PREFIX "<tee>");
	if (item->indicator != 0 && item->indicator != want->indicator)
		return assay_fail(err, ASSAY_E_USAGE, "bundle: %s has the indicator %u, want %u",
		    want->label, item->indicator, want->indicator);
	if (item->bytes.len == 0 || item->bytes.len > want->max)
		return assay_fail(err, ASSAY_E_USAGE, "bundle: %s is %zu bytes, want 1 to %zu",
		    want->label, item->bytes.len, want->max);
	if (*part == BUNDLE_PROVIDER && !assay_bundle_provider_ok(item->bytes))
		return assay_fail(err, ASSAY_E_USAGE,
		    "bundle: %s is no provider's name: want letters, digits, '_', '-', '.'",
		    assay_quote(item->bytes).text);
	return ASSAY_OK;
}

static uint8_t *
put(uint8_t *to, struct assay_bytes bytes)
{
	memcpy(to, bytes.ptr, bytes.len);
	return to + bytes.len;
}

static uint8_t *
put_text(uint8_t *to, const char *text)
{
	struct assay_bytes bytes = assay_bytes_of(text);

	return put(to + cbor_encode_string_start(bytes.len, to, HEAD_MAX), bytes);
}

enum assay_code
assay_bundle_write(uint8_t **out, size_t *len, const struct assay_bundle_item *items, size_t count,
    struct assay_error *err)
{
	const struct assay_bundle_item *parts[BUNDLE_PARTS] = { NULL };
	size_t room = HEAD_MAX;

	for (size_t i = 0; i < count; i++) {
		enum bundle_part part;
		enum assay_code rc = check_item(&part, &items[i], err);
		if (rc != ASSAY_OK)
			return rc;
		if (parts[part] != NULL)
			return assay_fail(
			    err, ASSAY_E_USAGE, "bundle: two items %s", items[i].label);
		parts[part] = &items[i];
		room += ITEM_OVERHEAD + items[i].bytes.len;
	}
	if (parts[BUNDLE_EVIDENCE] == NULL)
		return assay_fail(err, ASSAY_E_USAGE, "bundle: there is no item evidence");
	if (room > BUNDLE_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "bundle: would have %zu bytes, at most %d",
		    room, BUNDLE_MAX);
	uint8_t *all = malloc(room);
	if (all == NULL)
		return assay_fail_nomem(err);
	uint8_t *at = all + cbor_encode_map_start(count, all, HEAD_MAX);
	for (size_t i = 0; i < BUNDLE_PARTS; i++) {
		const struct assay_bundle_item *item = parts[i];
		if (item == NULL)
			continue;
		at = put_text(at, item->label);
		at += cbor_encode_array_start(item->indicator != 0 ? 3 : 2, at, HEAD_MAX);
		at = put_text(at, item->type);
		at += cbor_encode_bytestring_start(item->bytes.len, at, HEAD_MAX);
		at = put(at, item->bytes);
		if (item->indicator != 0)
			at += cbor_encode_uint(item->indicator, at, HEAD_MAX);
	}
	*out = all;
	*len = (size_t)(at - all);
	return ASSAY_OK;
}
