/* SPDX-License-Identifier: Apache-2.0 */
#include "launches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "text.h"

bool
launches_is(struct assay_bytes document)
{
	json_t *json = json_loadb((const char *)document.ptr, document.len, 0, NULL);
	bool is = json_object_get(json, "launch") != NULL;

	json_decref(json);
	return is;
}

/* The key that signed the record, as the only signer that is believed: whether it is the one that was
 * vouched for. */
static enum assay_code
vouched(struct assay_launch **launch, struct assay_bytes document, const char *signer,
    struct assay_error *err)
{
	const struct assay_jwk *by = assay_launch_signed_by(*launch);
	struct assay_jwks *signers = NULL;
	struct assay_launch *trusted = NULL;
	char kid[ASSAY_KID_TEXT], *jwk = NULL;

	assay_jwk_kid(kid, by);
	if (strcmp(kid, signer) != 0)
		return text_fail(err, ASSAY_E_SIGNATURE,
		    "the launch record is signed by another key than the one that vouched for it");
	enum assay_code rc = assay_jwk_json(&jwk, by, NULL, err);
	if (rc == ASSAY_OK)
		rc = assay_jwks_parse(
		    &signers, (struct assay_bytes){ (const uint8_t *)jwk, strlen(jwk) }, err);
	if (rc == ASSAY_OK)
		rc = assay_launch_parse(&trusted, document, signers, err);
	if (rc == ASSAY_OK) {
		assay_launch_free(*launch);
		*launch = trusted;
	}
	assay_jwks_free(signers);
	free(jwk);
	return rc;
}

enum assay_code
launches_read(struct assay_launch **out, struct assay_bytes document, const char *signer,
    struct assay_error *err)
{
	struct assay_launch *launch = NULL;
	enum assay_code rc = assay_launch_parse(&launch, document, NULL, err);

	if (rc == ASSAY_OK && assay_launch_stage(launch) != ASSAY_LAUNCH_COMPLETE)
		rc = text_fail(err, ASSAY_E_POLICY,
		    "the launch of %.64s is not complete: its guest has no key yet; push the "
		    "record after "
		    "assay launch secret",
		    assay_launch_name(launch));
	if (rc == ASSAY_OK && signer != NULL)
		rc = vouched(&launch, document, signer, err);
	if (rc == ASSAY_OK)
		*out = launch;
	else
		assay_launch_free(launch);
	return rc;
}

bool
launches_owner(char out[ASSAY_KID_TEXT], struct assay_bytes document)
{
	struct assay_launch *launch = NULL;
	struct assay_error err;
	bool is =
	    launches_is(document) && assay_launch_parse(&launch, document, NULL, &err) == ASSAY_OK;

	if (is)
		assay_jwk_kid(out, assay_launch_signed_by(launch));
	assay_launch_free(launch);
	return is;
}

/* --- several ----------------------------------------------------------------------------- */

static bool
same(struct assay_bytes a, struct assay_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool
same_signer(const struct assay_launch *a, const struct assay_launch *b)
{
	uint8_t x[ASSAY_THUMBPRINT_SIZE], y[ASSAY_THUMBPRINT_SIZE];

	assay_jwk_thumbprint(x, assay_launch_signed_by(a));
	assay_jwk_thumbprint(y, assay_launch_signed_by(b));
	return memcmp(x, y, sizeof x) == 0;
}

/* The firmware draws MNONCE for each launch, and MEASURE is over it. */
static bool
same_launch(const struct assay_launch *a, const struct assay_launch *b)
{
	return same(assay_launch_key(a), assay_launch_key(b)) &&
	    same(assay_launch_mnonce(a), assay_launch_mnonce(b)) &&
	    same(assay_launch_measure(a), assay_launch_measure(b));
}

/* The part that is signed, as the verifier compares: who copies a record can write others' signatures. */
static bool
same_cert(
    const struct assay_launch *a, const struct assay_launch *b, enum assay_launch_certificate which)
{
	enum { SIGNED = 0x414 }; /* AMD 55766, SEV API, appendix C */
	struct assay_bytes x = assay_launch_cert(a, which), y = assay_launch_cert(b, which);

	return x.len >= SIGNED && y.len >= SIGNED && memcmp(x.ptr, y.ptr, SIGNED) == 0;
}

/* All that a report is held against. */
static bool
same_guest(const struct assay_launch *a, const struct assay_launch *b)
{
	return same(assay_launch_key(a), assay_launch_key(b)) &&
	    same(assay_launch_digest(a), assay_launch_digest(b)) &&
	    assay_launch_policy(a) == assay_launch_policy(b) && same_cert(a, b, ASSAY_LAUNCH_CEK) &&
	    same_cert(a, b, ASSAY_LAUNCH_PEK);
}

static int
by_age(const void *a, const void *b)
{
	const struct launch_entry *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Those of a name together, and first who has a right to it. */
static int
by_right(const void *a, const void *b)
{
	const struct launch_entry *x = a, *y = b;
	int order = strcmp(assay_launch_name(x->launch), assay_launch_name(y->launch));

	if (order != 0)
		return order;
	if (assay_launch_trusted(x->launch) != assay_launch_trusted(y->launch))
		return assay_launch_trusted(x->launch) ? -1 : 1;
	return by_age(a, b);
}

/* Why the last does not count behind these, which have its name; NULL: it does. */
static const char *
why_out(const struct launch_entry *of_name, size_t count, const struct launch_entry *last)
{
	if (count == 0)
		return NULL;
	if (!same_signer(of_name[0].launch, last->launch))
		return "another signer's launch record has its name already";
	for (size_t i = 0; i < count; i++)
		if (same_launch(of_name[i].launch, last->launch))
			return "this launch is there under another name";
	return NULL;
}

size_t
launches_settle(struct launch_entry *entries, size_t count,
    void (*left_out)(const struct launch_entry *entry, const char *why))
{
	size_t kept = 0, first = 0; /* of the name */

	if (count == 0)
		return 0;
	qsort(entries, count, sizeof *entries, by_right);
	for (size_t i = 0; i < count; i++) {
		if (kept == first ||
		    strcmp(assay_launch_name(entries[first].launch),
			assay_launch_name(entries[i].launch)) != 0)
			first = kept;
		const char *why = why_out(entries + first, kept - first, &entries[i]);
		if (why != NULL) {
			left_out(&entries[i], why);
			assay_launch_free(entries[i].launch);
		} else
			entries[kept++] = entries[i];
	}
	qsort(entries, kept, sizeof *entries, by_age);
	return kept;
}

static enum assay_code
clash(struct assay_error *err, const char *name, const struct assay_launch *other, const char *what)
{
	char kid[ASSAY_KID_TEXT], quoted[QUOTE_ROOM];

	assay_jwk_kid(kid, assay_launch_signed_by(other));
	return text_fail(err, ASSAY_E_POLICY,
	    "%s %s, which %s signed; if that one is wrong, assay reference rm it first", what,
	    text_quote_string(quoted, name), kid);
}

/* Nor is it forgotten that somebody vouched: the record itself is public. */
static enum assay_code
clash_unvouched(struct assay_error *err, const char *name)
{
	char quoted[QUOTE_ROOM];

	return text_fail(err, ASSAY_E_POLICY,
	    "it would replace the launch record %s, which was vouched for: push with --signer",
	    text_quote_string(quoted, name));
}

enum assay_code
launches_clash(const struct assay_launch *const *launches, const char *const *names, size_t count,
    const char *name, const struct assay_launch *launch, struct assay_error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct assay_launch *other = launches[i];
		bool same_item = strcmp(names[i], name) == 0;
		if (launch == NULL && same_item)
			return clash(err, name, other, "it would replace the launch record");
		/* Who is vouched for goes before who is not. */
		if (launch == NULL ||
		    (assay_launch_trusted(launch) && !assay_launch_trusted(other)))
			continue;
		if (same_signer(other, launch)) {
			if (same_item && assay_launch_trusted(other) &&
			    !assay_launch_trusted(launch))
				return clash_unvouched(err, name);
			continue;
		}
		if (same_item)
			return clash(err, names[i], other, "it would replace the launch record");
		if (strcmp(assay_launch_name(other), assay_launch_name(launch)) == 0)
			return clash(err, names[i], other, "its name is that of the launch record");
		if (same_guest(other, launch))
			return clash(
			    err, names[i], other, "its guest is that of the launch record");
	}
	return ASSAY_OK;
}
