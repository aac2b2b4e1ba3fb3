/* SPDX-License-Identifier: Apache-2.0 */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kbs/base64.h"

enum {
	PEM_ROW = 48, /* bytes, for 64 columns */
	TURIN_HWID = 16,
	CLOCKS_S = 300, /* two clocks may be apart */
};

void
shelf_key(char out[WANT_NAME], const struct want *w)
{
	struct want plain = *w;

	/* A report has 64 bytes for the id, of which Turin's certificates name 8. */
	if (strcmp(w->product, "Turin") == 0)
		plain.hwid[TURIN_HWID] = '\0';
	want_file(&plain, out);
}

static int
by_key(const void *a, const void *b)
{
	const struct shelf_item *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : (x->i > y->i) - (x->i < y->i);
}

/* False: it is forged. VCEKs were verified when they were kept. */
static bool
verify(struct shelf_item *item, const struct assay_trust *trust, size_t i)
{
	enum assay_code code =
	    item->want.thing != THING_VCEK ? assay_trust_item_verify(trust, i, NULL) : ASSAY_OK;

	item->unproven = code != ASSAY_OK;
	return code == ASSAY_OK || code == ASSAY_E_INCOMPLETE;
}

/* Of two items for one thing the newer one; of certificates the one that ends later. */
static bool
is_better(const struct assay_trust *trust, size_t i, size_t than)
{
	if (assay_trust_item_replaced(trust, i, than) != assay_trust_item_replaced(trust, than, i))
		return assay_trust_item_replaced(trust, than, i);
	return assay_trust_item_until(trust, i) > assay_trust_item_until(trust, than);
}

/* Sorted: of equal keys one stays. */
static void
drop_older(struct shelf *s)
{
	size_t kept = 0;

	for (size_t n = 0; n < s->count; n++) {
		struct shelf_item *last = kept > 0 ? &s->items[kept - 1] : NULL;
		if (last == NULL || strcmp(last->key, s->items[n].key) != 0) {
			s->items[kept++] = s->items[n];
			continue;
		}
		if (is_better(s->trust, s->items[n].i, last->i)) {
			last->i = s->items[n].i;
			last->unproven = s->items[n].unproven;
		}
		free(s->items[n].key);
	}
	s->count = kept;
}

struct shelf *
shelf_new(const struct assay_trust *trust)
{
	struct shelf *s = calloc(1, sizeof *s);
	size_t count = assay_trust_count(trust);
	char key[WANT_NAME];

	if (s == NULL || (s->items = calloc(count + 1, sizeof *s->items)) == NULL) {
		free(s);
		return NULL;
	}
	s->trust = trust;
	for (size_t i = 0; i < count; i++) {
		struct shelf_item *item = &s->items[s->count];
		if (!want_of_item(&item->want, trust, i))
			continue;
		if (!verify(item, trust, i))
			continue;
		shelf_key(key, &item->want);
		item->i = i;
		if ((item->key = strdup(key)) == NULL) {
			shelf_free(s);
			return NULL;
		}
		s->count++;
	}
	qsort(s->items, s->count, sizeof *s->items, by_key);
	drop_older(s);
	return s;
}

void
shelf_free(struct shelf *s)
{
	if (s == NULL)
		return;
	for (size_t n = 0; n < s->count; n++)
		free(s->items[n].key);
	free(s->items);
	free(s);
}

const struct shelf_item *
shelf_find(const struct shelf *s, const char *key)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(key, s->items[middle].key);
		if (order == 0)
			return &s->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* --- places ---------------------------------------------------------------------------------- */

void
shelf_settle(struct shelf *s, const struct view *view, const struct shelf *old, int64_t now)
{
	for (size_t n = 0; n < s->count; n++) {
		struct shelf_item *item = &s->items[n];
		const struct shelf_item *before = old != NULL ? shelf_find(old, item->key) : NULL;
		item->place = (struct shelf_place){
			.fetched =
			    item->want.thing == THING_VCEK && view_is_fetched(view, item->key),
			.used = before != NULL ? before->place.used : old == NULL,
			.when = before != NULL ? before->place.when : now,
		};
	}
}

void
shelf_use(struct shelf *s, const char *key, int64_t now)
{
	const struct shelf_item *found = shelf_find(s, key);

	if (found == NULL)
		return;
	struct shelf_place *place = &s->items[found - s->items].place;
	place->used = true;
	place->when = now;
}

/* The older of two, one of which may be NULL. */
static struct shelf_item *
older(struct shelf_item *a, struct shelf_item *b)
{
	return a == NULL || b->place.when < a->place.when ? b : a;
}

const char *
shelf_make_place(struct shelf *s, size_t coming, size_t most)
{
	struct shelf_item *oldest[2] = { NULL, NULL }, *out; /* unused, used */
	size_t count[2] = { coming, 0 };

	for (size_t n = 0; n < s->count; n++) {
		struct shelf_item *item = &s->items[n];
		if (!item->place.fetched || item->place.leaving)
			continue;
		count[item->place.used]++;
		oldest[item->place.used] = older(oldest[item->place.used], item);
	}
	if (count[0] + count[1] < most)
		return NULL;
	out = oldest[count[0] < most / 4 || oldest[0] == NULL];
	if (out == NULL)
		out = oldest[0];
	if (out == NULL)
		return NULL;
	out->place.leaving = true;
	return out->key;
}

bool
shelf_is_early(const struct assay_trust *trust, size_t i, int64_t now)
{
	return strcmp(assay_trust_item_label(trust, i), "CERTIFICATE") != 0 &&
	    assay_trust_item_since(trust, i) > now + CLOCKS_S;
}

/* --- chains ---------------------------------------------------------------------------------- */

void
shelf_put_pem(struct buffer *out, const char *label, struct assay_bytes bytes)
{
	char row[BASE64_ROOM(PEM_ROW)];

	buffer_put(out, "-----BEGIN ");
	buffer_put(out, label);
	buffer_put(out, "-----\n");
	for (size_t at = 0; at < bytes.len; at += PEM_ROW) {
		size_t n = bytes.len - at < PEM_ROW ? bytes.len - at : PEM_ROW;
		base64_encode(row, (struct assay_bytes){ bytes.ptr + at, n });
		buffer_put(out, row);
		buffer_put(out, "\n");
	}
	buffer_put(out, "-----END ");
	buffer_put(out, label);
	buffer_put(out, "-----\n");
}

/* The genuine certificate of this subject that ends last. */
static bool
put_certificate(struct buffer *out, const struct assay_trust *trust, const char *subject)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < assay_trust_count(trust); i++) {
		if (strcmp(assay_trust_item_subject(trust, i), subject) != 0 ||
		    strcmp(assay_trust_item_kind(trust, i), "certificate") != 0 ||
		    (best != SIZE_MAX &&
			assay_trust_item_until(trust, i) <= assay_trust_item_until(trust, best)) ||
		    assay_trust_item_verify(trust, i, NULL) != ASSAY_OK)
			continue;
		best = i;
	}
	if (best != SIZE_MAX)
		shelf_put_pem(out, "CERTIFICATE", assay_trust_item_bytes(trust, best));
	return best != SIZE_MAX;
}

bool
shelf_chain(struct buffer *out, const struct shelf *s, const struct want *w)
{
	char signer[48], root[48] = "Intel SGX Root CA";

	switch (w->thing) {
	case THING_TCB_INFO:
	case THING_QE_IDENTITY:
		snprintf(signer, sizeof signer, "Intel SGX TCB Signing");
		break;
	case THING_PCK_CRL:
		snprintf(signer, sizeof signer, "Intel SGX PCK %s CA",
		    w->processor ? "Processor" : "Platform");
		break;
	case THING_VCEK:
	case THING_AMD_CHAIN:
		snprintf(signer, sizeof signer, "SEV-%s%s", w->vlek ? "VLEK-" : "", w->product);
		snprintf(root, sizeof root, "ARK-%s", w->product);
		break;
	case THING_AMD_CRL:
		snprintf(root, sizeof root, "ARK-%s", w->product);
		return put_certificate(out, s->trust, root);
	case THING_ROOT_CRL:
		return put_certificate(out, s->trust, root);
	}
	return put_certificate(out, s->trust, signer) && put_certificate(out, s->trust, root);
}
