/* SPDX-License-Identifier: Apache-2.0 */
#include "push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "../../cli/want.h"
#include "../collateral/shelf.h"
#include "../stamp.h"

enum { DIGEST = 32, NAME_DIGEST = 16, VERIFY_MS = 2000 };

/* What was pushed, among what is there. */
struct pile {
	struct assay_trust *pushed, *all; /* all: what is there, and then what was pushed */
	size_t base;                      /* of all: where what was not there begins */
	size_t count;                     /* of what was pushed */
	size_t at[PUSH_ITEMS_MAX];        /* where it is among all */
	char (*names)[WANT_NAME];         /* of all, as far as they matter: "" for others */
	struct want *wants;
	bool *things;   /* a service has its kind */
	bool *unproven; /* it is signed under no root that is here */
};

static enum assay_code
no_memory(struct assay_error *err)
{
	snprintf(err->text, sizeof err->text, "out of memory");
	return err->code = ASSAY_E_NOMEM;
}

/* --- names ------------------------------------------------------------------------------- */

/* What the fetcher would call it; a certificate of signers, or of another kind, by its hash. */
static bool
name_item(
    char out[WANT_NAME], struct want *w, bool *thing, const struct assay_trust *trust, size_t i)
{
	struct assay_bytes bytes = assay_trust_item_bytes(trust, i);
	uint8_t digest[DIGEST];

	if ((*thing = want_of_item(w, trust, i))) {
		shelf_key(out, w);
		return true;
	}
	if (EVP_Digest(bytes.ptr, bytes.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	int n = snprintf(out, WANT_NAME, "item-");
	for (size_t d = 0; d < NAME_DIGEST; d++)
		n += snprintf(out + n, WANT_NAME - (size_t)n, "%02x", digest[d]);
	return true;
}

static bool
is_intel_signer(const struct pile *p, size_t i)
{
	return !p->things[i] && strcmp(assay_trust_item_kind(p->all, i), "certificate") == 0 &&
	    strncmp(assay_trust_item_subject(p->all, i), "Intel SGX ", 10) == 0;
}

/* --- putting it together ----------------------------------------------------------------- */

static bool
is_pushed(const struct pile *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		struct want w;
		char own[WANT_NAME];
		bool thing;
		if (name_item(own, &w, &thing, p->pushed, i) && strcmp(own, name) == 0)
			return true;
	}
	return false;
}

static enum assay_code
add_item(struct pile *p, const struct assay_trust *from, size_t i, struct assay_error *err)
{
	size_t added = 0;
	enum assay_code rc = assay_trust_add(
	    p->all, assay_trust_item_bytes(from, i), assay_trust_item_name(from, i), &added, err);

	if (rc == ASSAY_OK && added != 1) {
		snprintf(err->text, sizeof err->text, "%.60s: %.80s: is not one item by itself",
		    assay_trust_item_kind(from, i), assay_trust_item_subject(from, i));
		rc = err->code = ASSAY_E_FORMAT;
	}
	return rc;
}

/* Of what is there, all but the certificates of other chips: there may be thousands. */
static enum assay_code
add_view(struct pile *p, const struct assay_trust *trust, struct assay_error *err)
{
	enum assay_code rc = ASSAY_OK;

	for (size_t i = 0; rc == ASSAY_OK && i < assay_trust_count(trust); i++) {
		struct want w;
		char name[WANT_NAME];
		if (want_of_item(&w, trust, i) && w.thing == THING_VCEK) {
			shelf_key(name, &w);
			if (!is_pushed(p, name))
				continue;
		}
		rc = add_item(p, trust, i, err);
	}
	return rc;
}

/* The same again is not added. */
static enum assay_code
find_pushed(struct pile *p, struct assay_error *err)
{
	for (size_t i = 0; i < p->count; i++) {
		struct assay_bytes bytes = assay_trust_item_bytes(p->pushed, i);
		size_t at = 0;
		while (at < assay_trust_count(p->all) &&
		    !bytes_equal(bytes, assay_trust_item_bytes(p->all, at)))
			at++;
		if (at == assay_trust_count(p->all))
			return no_memory(err);
		p->at[i] = at;
	}
	return ASSAY_OK;
}

static enum assay_code
name_all(struct pile *p, struct assay_error *err)
{
	size_t count = assay_trust_count(p->all);

	p->names = calloc(count + 1, sizeof *p->names);
	p->wants = calloc(count + 1, sizeof *p->wants);
	p->things = calloc(count + 1, sizeof *p->things);
	p->unproven = calloc(count + 1, sizeof *p->unproven);
	if (p->names == NULL || p->wants == NULL || p->things == NULL || p->unproven == NULL)
		return no_memory(err);
	for (size_t i = 0; i < count; i++)
		if (!name_item(p->names[i], &p->wants[i], &p->things[i], p->all, i))
			return no_memory(err);
	return ASSAY_OK;
}

static enum assay_code
pile_up(struct pile *p, const struct view *view, const struct assay_bytes *roots, size_t root_count,
    struct assay_bytes body, struct assay_error *err)
{
	enum assay_code rc = assay_trust_new(&p->pushed, err);

	if (rc == ASSAY_OK)
		rc = assay_trust_add(p->pushed, body, "collateral", NULL, err);
	p->count = rc == ASSAY_OK ? assay_trust_count(p->pushed) : 0;
	if (rc == ASSAY_OK && (p->count == 0 || p->count > PUSH_ITEMS_MAX)) {
		snprintf(err->text, sizeof err->text,
		    "collateral: has %zu items; push 1 to %d at once", p->count, PUSH_ITEMS_MAX);
		rc = err->code = ASSAY_E_FORMAT;
	}
	if (rc == ASSAY_OK)
		rc = assay_trust_new(&p->all, err);
	for (size_t i = 0; rc == ASSAY_OK && i < root_count; i++)
		if ((rc = assay_trust_add_root(p->all, roots[i], "trust root", err)) == ASSAY_OK)
			rc = assay_trust_add_root(p->pushed, roots[i], "trust root", err);
	if (rc == ASSAY_OK)
		rc = add_view(p, view->trust, err);
	p->base = rc == ASSAY_OK ? assay_trust_count(p->all) : 0;
	for (size_t i = 0; rc == ASSAY_OK && i < p->count; i++)
		rc = add_item(p, p->pushed, i, err);
	if (rc == ASSAY_OK)
		rc = find_pushed(p, err);
	return rc == ASSAY_OK ? name_all(p, err) : rc;
}

static void
pile_clear(struct pile *p)
{
	assay_trust_free(p->pushed);
	assay_trust_free(p->all);
	free(p->names);
	free(p->wants);
	free(p->things);
	free(p->unproven);
}

/* --- judging it -------------------------------------------------------------------------- */

/* A PCK CRL is signed by the CA whose certificate each quote brings, and often comes without it: then it
 * is verified with the quote. */
static bool
may_wait(const struct pile *p, size_t i, enum assay_code rc)
{
	return rc == ASSAY_E_INCOMPLETE && p->things[i] && p->wants[i].thing == THING_PCK_CRL;
}

/* Of this thread: a worker has others to serve. */
static int64_t
spent_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* By what came with it; else by what is there, too. */
static enum assay_code
verify_item(const struct pile *p, size_t n, struct assay_error *why)
{
	return assay_trust_item_verify(p->pushed, n, why) == ASSAY_OK
	    ? ASSAY_OK
	    : assay_trust_item_verify(p->all, p->at[n], why);
}

/* SEV certificates do not name their signers: each item may have many to try. */
static enum assay_code
verify(const struct pile *p, struct assay_error *err)
{
	int64_t until = spent_ms() + VERIFY_MS;

	for (size_t n = 0; n < p->count; n++) {
		size_t i = p->at[n];
		struct assay_error why = { .text = "" };
		if (spent_ms() > until) {
			snprintf(err->text, sizeof err->text,
			    "collateral: %d s have gone into finding who signed the first %zu of "
			    "%zu "
			    "items: there are too many certificates to try; push fewer platforms "
			    "at once",
			    VERIFY_MS / 1000, n, p->count);
			return err->code = ASSAY_E_UNSUPPORTED;
		}
		enum assay_code rc = verify_item(p, n, &why);
		if (rc == ASSAY_OK || may_wait(p, i, rc))
			continue;
		snprintf(err->text, sizeof err->text, "%.40s: %.50s: %.120s%s",
		    assay_trust_item_kind(p->all, i), assay_trust_item_subject(p->all, i), why.text,
		    rc == ASSAY_E_INCOMPLETE ? "; push its signer's certificate with it" : "");
		return err->code = rc;
	}
	return ASSAY_OK;
}

static enum assay_code
check_dates(const struct pile *p, int64_t now, struct assay_error *err)
{
	for (size_t n = 0; n < p->count; n++)
		if (shelf_is_early(p->all, p->at[n], now)) {
			snprintf(err->text, sizeof err->text,
			    "%.50s: %.50s: is of a time that has not come yet; compare this "
			    "server's clock",
			    assay_trust_item_kind(p->all, p->at[n]),
			    assay_trust_item_subject(p->all, p->at[n]));
			return err->code = ASSAY_E_EXPIRED;
		}
	return ASSAY_OK;
}

/* Also of what is there: it may have waited for its signer, or its root may be trusted no more. */
static void
find_unproven(struct pile *p)
{
	for (size_t i = 0; i < assay_trust_count(p->all); i++)
		p->unproven[i] = (i < p->base || p->wants[i].thing == THING_PCK_CRL) &&
		    p->things[i] && assay_trust_item_verify(p->all, i, NULL) != ASSAY_OK;
}

/* No date counts of what is not proven: it takes nobody's place, and gives its own to what is. Else who
 * signs a CRL of the year 2049 himself would keep all of Intel's out. */
static bool
is_useless(const struct pile *p, size_t i)
{
	for (size_t j = 0; j < assay_trust_count(p->all); j++) {
		if (j == i)
			continue;
		if (p->unproven[i] && (!p->unproven[j] || (j < p->base && i >= p->base)) &&
		    strcmp(p->names[i], p->names[j]) == 0)
			return true;
		if (p->unproven[i] == p->unproven[j] && assay_trust_item_replaced(p->all, i, j))
			return true;
	}
	return false;
}

/* NULL: it is taken. What was only fetched becomes the operator's, and stays. */
static const char *
why_not(const struct pile *p, const struct view *view, size_t i, int64_t now)
{
	if (assay_trust_item_until(p->all, i) <= now)
		return "has ended";
	if (i < p->base && !view_is_fetched(view, p->names[i]))
		return "is there already";
	if (!is_useless(p, i))
		return NULL;
	return p->unproven[i] ? "one is there; push its signer's certificate with it"
			      : "a newer one is there";
}

/* All that belongs to a name now takes the place of what stood there: also the older CRL that lists what
 * the newer one does not, and of Intel's things the certificates of their signers. */
static void
put_part(struct buffer *out, const struct pile *p, size_t thing)
{
	bool intel = p->things[thing] && want_is_intel(&p->wants[thing]);

	for (size_t i = 0; i < assay_trust_count(p->all); i++)
		if ((strcmp(p->names[i], p->names[thing]) == 0 ||
			(intel && is_intel_signer(p, i))) &&
		    !is_useless(p, i))
			shelf_put_pem(out, assay_trust_item_label(p->all, i),
			    assay_trust_item_bytes(p->all, i));
}

static bool
is_put(const json_t *items, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(
	    items, i, item) if (strcmp(json_string_value(json_object_get(item, "name")), name) ==
	    0) return true;
	return false;
}

static bool
put(struct push *out, json_t *items, const struct pile *p, size_t i)
{
	size_t before = out->body.len;

	if (is_put(items, p->names[i]))
		return true;
	put_part(&out->body, p, i);
	return !out->body.broken &&
	    json_array_append_new(items,
		json_pack("{s:s, s:I}", "name", p->names[i], "size",
		    (json_int_t)(out->body.len - before))) == 0;
}

/* A time as JSON text; null if it has none. */
static json_t *
time_json(int64_t t)
{
	char text[STAMP_ROOM];

	return stamp(text, t) ? json_string(text) : json_null();
}

static bool
tell(json_t *told, const struct pile *p, size_t i, const char *why)
{
	json_t *item = json_pack("{s:s, s:s, s:o, s:b}", "kind", assay_trust_item_kind(p->all, i),
	    "for", assay_trust_item_subject(p->all, i), "until",
	    time_json(assay_trust_item_until(p->all, i)), "taken", why == NULL);

	if (item != NULL && why != NULL &&
	    json_object_set_new(item, "why", json_string(why)) != 0) {
		json_decref(item);
		item = NULL;
	}
	return json_array_append_new(told, item) == 0;
}

static enum assay_code
put_all(struct push *out, const struct pile *p, const struct view *view, int64_t now,
    struct assay_error *err)
{
	json_t *items = json_array(), *told = json_array();
	bool ok = items != NULL && told != NULL;

	out->args = json_pack("{s:o}", "items", items);
	out->answer = json_pack("{s:o}", "items", told);
	ok = ok && out->args != NULL && out->answer != NULL;
	for (size_t n = 0; ok && n < p->count; n++) {
		size_t i = p->at[n];
		const char *why = why_not(p, view, i, now);
		ok = tell(told, p, i, why) && (why != NULL || put(out, items, p, i));
	}
	return ok ? ASSAY_OK : no_memory(err);
}

enum assay_code
push_read(struct push *out, const struct view *view, const struct assay_bytes *roots,
    size_t root_count, struct assay_bytes body, int64_t now, struct assay_error *err)
{
	struct pile p = { .pushed = NULL };

	*out = (struct push){ .args = NULL };
	enum assay_code rc = pile_up(&p, view, roots, root_count, body, err);
	if (rc == ASSAY_OK)
		rc = check_dates(&p, now, err);
	if (rc == ASSAY_OK)
		rc = verify(&p, err);
	if (rc == ASSAY_OK) {
		find_unproven(&p);
		rc = put_all(out, &p, view, now, err);
	}
	pile_clear(&p);
	return rc;
}

void
push_clear(struct push *push)
{
	json_decref(push->args);
	json_decref(push->answer);
	buffer_clear(&push->body);
	*push = (struct push){ .args = NULL };
}
