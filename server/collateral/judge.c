/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <stdio.h>
#include <string.h>

enum { CHAIN_MAX = 4 /* certificates; an issuer chain has two */ };

static enum judgement
refused(struct judged *j, enum judgement what, const char *why)
{
	snprintf(j->why, sizeof j->why, "%s", why);
	return what;
}

static enum judgement
failed(struct judged *j, enum assay_code code, const struct assay_error *err)
{
	return refused(j, code == ASSAY_E_NOMEM ? NO_MEMORY : REFUSED, err->text);
}

/* The item of trust that is the thing; SIZE_MAX if none is. */
static size_t
find(const struct assay_trust *trust, const char *key)
{
	char own[WANT_NAME];
	struct want w;

	for (size_t i = 0; i < assay_trust_count(trust); i++) {
		if (!want_of_item(&w, trust, i))
			continue;
		shelf_key(own, &w);
		if (strcmp(own, key) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* Of the thing that is there and the one that came, which is genuine: what is there may have waited for
 * its signer, and what it says of its own date then counts for nothing. */
static enum judgement
compare(struct judged *j, const struct assay_trust *came, size_t i, const struct shelf *shelf,
    const char *key)
{
	const struct shelf_item *there = shelf_find(shelf, key);
	struct assay_trust *both = NULL;
	struct assay_error err;
	enum judgement what = KEPT;

	if (there == NULL || there->unproven)
		return KEPT;
	struct assay_bytes old = assay_trust_item_bytes(shelf->trust, there->i);
	struct assay_bytes new = assay_trust_item_bytes(came, i);
	if (old.len == new.len && memcmp(old.ptr, new.ptr, new.len) == 0)
		return refused(j, UNCHANGED, "is the one that is here");
	enum assay_code code = assay_trust_new(&both, &err);
	if (code == ASSAY_OK)
		code = assay_trust_add(both, old, key, NULL, &err);
	if (code == ASSAY_OK)
		code = assay_trust_add(both, new, key, NULL, &err);
	if (code != ASSAY_OK || assay_trust_count(both) != 2) {
		what = refused(j, NO_MEMORY, "out of memory");
	} else {
		bool new_useless = assay_trust_item_replaced(both, 1, 0);
		bool old_useless = assay_trust_item_replaced(both, 0, 1);
		/* Neither is: of two CRLs the older one lists what the newer one does not. */
		if (new_useless == old_useless)
			new_useless =
			    assay_trust_item_since(both, 1) < assay_trust_item_since(both, 0);
		if (new_useless)
			what = refused(j, OLDER, "is older than the one that is here");
	}
	assay_trust_free(both);
	return what;
}

/* All that came is signed under a trusted root. */
static enum judgement
verify(struct judged *j, struct assay_trust *scratch)
{
	struct assay_error err = { .text = "" };

	for (size_t i = 0; i < assay_trust_count(scratch); i++)
		if (assay_trust_item_verify(scratch, i, &err) != ASSAY_OK) {
			snprintf(j->why, sizeof j->why, "%.60s, %.80s: %.100s",
			    assay_trust_item_kind(scratch, i), assay_trust_item_subject(scratch, i),
			    err.text);
			return REFUSED;
		}
	return KEPT;
}

static bool
is_chain(const struct assay_trust *beside)
{
	for (size_t i = 0; i < assay_trust_count(beside); i++)
		if (strcmp(assay_trust_item_kind(beside, i), "certificate") != 0)
			return false;
	return assay_trust_count(beside) <= CHAIN_MAX;
}

static void
put_items(struct buffer *out, const struct assay_trust *trust)
{
	for (size_t i = 0; i < assay_trust_count(trust); i++)
		shelf_put_pem(
		    out, assay_trust_item_label(trust, i), assay_trust_item_bytes(trust, i));
}

static enum judgement
judge_both(struct judged *j, struct assay_trust *came, struct assay_trust *scratch,
    const struct want *want, const char *key, const struct shelf *shelf, int64_t now)
{
	char name[WANT_NAME];
	size_t i = find(came, key);

	if (i == SIZE_MAX || assay_trust_count(came) > (want->thing == THING_AMD_CHAIN ? 2U : 1U)) {
		want_name(want, name);
		snprintf(j->why, sizeof j->why, "is %.60s, %.60s, and not %.100s",
		    assay_trust_count(came) > 0 ? assay_trust_item_kind(came, 0) : "nothing",
		    assay_trust_count(came) > 0 ? assay_trust_item_subject(came, 0) : "", name);
		return REFUSED;
	}
	j->since = assay_trust_item_since(came, i);
	j->until = assay_trust_item_until(came, i);
	enum judgement what = verify(j, scratch);
	if (what != KEPT)
		return what;
	if (j->until <= now)
		return refused(j, ENDED, "has ended");
	if (shelf_is_early(came, i, now))
		return refused(
		    j, REFUSED, "is of a time that has not come yet; compare this server's clock");
	return compare(j, came, i, shelf, key);
}

/* Items of one name take each other's place in the store. A CRL that lists what the newer one does not
 * stays beside it: AMD's two lines share an issuer, and nothing but a file's name tells their CRLs
 * apart. */
static bool
keep_beside(struct buffer *out, const struct shelf *shelf, const struct assay_trust *came,
    size_t came_at, const char *key)
{
	struct assay_error err;
	char own[WANT_NAME];
	struct want w;

	for (size_t i = 0; i < assay_trust_count(shelf->trust); i++) {
		struct assay_bytes old = assay_trust_item_bytes(shelf->trust, i);
		struct assay_trust *both = NULL;
		if (!want_of_item(&w, shelf->trust, i) || w.thing != THING_AMD_CRL)
			continue;
		shelf_key(own, &w);
		if (strcmp(own, key) != 0)
			continue;
		bool ok = assay_trust_new(&both, &err) == ASSAY_OK &&
		    assay_trust_add(both, old, key, NULL, &err) == ASSAY_OK &&
		    assay_trust_add(both, assay_trust_item_bytes(came, came_at), key, NULL, &err) ==
			ASSAY_OK;
		/* The same twice is one. */
		if (ok && assay_trust_count(both) == 2 && !assay_trust_item_replaced(both, 0, 1))
			shelf_put_pem(out, assay_trust_item_label(shelf->trust, i), old);
		assay_trust_free(both);
		if (!ok)
			return false;
	}
	return true;
}

void
judge(struct judged *j, const struct want *want, struct assay_bytes body, struct assay_bytes chain,
    struct assay_bytes signers, const struct assay_bytes *roots, size_t root_count,
    const struct shelf *shelf, int64_t now)
{
	struct assay_trust *came = NULL, *scratch = NULL, *beside = NULL;
	struct assay_error err = { .text = "" };
	char key[WANT_NAME];

	*j = (struct judged){ .what = KEPT };
	shelf_key(key, want);
	/* came: the answer alone; beside: its issuer chain alone; scratch: with all above them. */
	enum assay_code code = assay_trust_new(&came, &err);
	if (code == ASSAY_OK)
		code = assay_trust_add(came, body, key, NULL, &err);
	if (code == ASSAY_OK)
		code = assay_trust_new(&beside, &err);
	if (code == ASSAY_OK && chain.len > 0)
		code = assay_trust_add(beside, chain, "the issuer chain", NULL, &err);
	if (code == ASSAY_OK)
		code = assay_trust_new(&scratch, &err);
	for (size_t i = 0; i < root_count && code == ASSAY_OK; i++)
		code = assay_trust_add_root(scratch, roots[i], "trust root", &err);
	if (code == ASSAY_OK && signers.len > 0)
		code = assay_trust_add(scratch, signers, "signers", NULL, &err);
	if (code == ASSAY_OK && chain.len > 0)
		code = assay_trust_add(scratch, chain, "the issuer chain", NULL, &err);
	if (code == ASSAY_OK)
		code = assay_trust_add(scratch, body, key, NULL, &err);
	if (code != ASSAY_OK)
		j->what = failed(j, code, &err);
	else if (!is_chain(beside))
		j->what = refused(j, REFUSED, "its issuer chain is not one of certificates alone");
	else
		j->what = judge_both(j, came, scratch, want, key, shelf, now);
	if (j->what == KEPT) {
		put_items(&j->bundle, beside);
		put_items(&j->bundle, came);
		if (!keep_beside(&j->bundle, shelf, came, find(came, key), key) || j->bundle.broken)
			j->what = refused(j, NO_MEMORY, "out of memory");
	}
	assay_trust_free(scratch);
	assay_trust_free(beside);
	assay_trust_free(came);
}
