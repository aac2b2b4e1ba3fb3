/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral of a TDX platform, read and written by libassay: what it cannot read must not get into
 * a bundle, since a verifier refuses a bundle that is damaged. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <assay/evidence.h>

enum {
	PEM_MAX = 1024 * 1024, /* the bundle's limits */
	ITEMS_MAX = 32,
	BASE64_ROW = 48, /* bytes, for 64 columns */
};

/* --- which platform -------------------------------------------------------------------------- */

static void
look(void *arg, const char *group, const char *name, const char *value, const char *note)
{
	struct guest_platform *p = arg;

	(void)group;
	(void)note;
	if (strcmp(name, "FMSPC") == 0 && strlen(value) == 2 * sizeof p->fmspc)
		(void)assay_unhex(p->fmspc, sizeof p->fmspc, assay_bytes_of(value));
	if (strcmp(name, "issuer") == 0 && strstr(value, "PCK Platform CA") != NULL)
		p->ca = "platform";
	if (strcmp(name, "issuer") == 0 && strstr(value, "PCK Processor CA") != NULL)
		p->ca = "processor";
}

enum assay_code
assay_guest_platform(struct guest_platform *out, struct assay_bytes quote, struct assay_error *err)
{
	struct guest_platform p = { .ca = NULL };
	const char *kind;
	enum assay_code rc = assay_inspect(&kind, quote, look, &p, err);

	if (rc != ASSAY_OK)
		return rc;
	if (p.ca == NULL)
		return assay_fail(err, ASSAY_E_INCOMPLETE,
		    "the quote brings no PCK certificate that names its platform");
	*out = p;
	return ASSAY_OK;
}

/* --- PEM ------------------------------------------------------------------------------------- */

struct text {
	char *ptr;
	size_t len, room;
	bool failed;
};

static void
append(struct text *t, const char *more, size_t n)
{
	if (t->failed)
		return;
	if (n > t->room - t->len) {
		size_t room = (t->len + n) * 2 + 1024;
		char *ptr = realloc(t->ptr, room);
		t->failed = ptr == NULL;
		if (t->failed)
			return;
		t->ptr = ptr;
		t->room = room;
	}
	memcpy(t->ptr + t->len, more, n);
	t->len += n;
}

static void
append_base64(struct text *t, struct assay_bytes in)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		uint32_t v = (uint32_t)in.ptr[i] << 16;
		v |= left > 1 ? (uint32_t)in.ptr[i + 1] << 8 : 0;
		v |= left > 2 ? in.ptr[i + 2] : 0;
		char four[5] = { digits[v >> 18], digits[v >> 12 & 63],
			left > 1 ? digits[v >> 6 & 63] : '=', left > 2 ? digits[v & 63] : '=',
			'\n' };
		append(t, four, i % BASE64_ROW == BASE64_ROW - 3 || left <= 3 ? 5 : 4);
	}
}

static void
append_item(struct text *t, const struct assay_trust *trust, size_t i)
{
	char line[96];
	const char *label = assay_trust_item_label(trust, i);
	int n = snprintf(line, sizeof line, "-----BEGIN %s-----\n", label);

	append(t, line, (size_t)n);
	append_base64(t, assay_trust_item_bytes(trust, i));
	n = snprintf(line, sizeof line, "-----END %s-----\n", label);
	append(t, line, (size_t)n);
}

/* A CRL in hex, as version 3.0 of the collateral has it. */
static enum assay_code
add_hex(struct assay_trust *trust, struct assay_bytes part, struct assay_error *err)
{
	uint8_t *der = malloc(part.len / 2 + 1);
	size_t added;

	if (der == NULL)
		return assay_fail_nomem(err);
	enum assay_code rc = assay_unhex(der, part.len / 2, part)
	    ? assay_trust_add(trust, (struct assay_bytes){ der, part.len / 2 },
		  "collateral of the QGS", &added, err)
	    : assay_fail(err, ASSAY_E_FORMAT, "collateral of the QGS: a CRL is cut-off hex");
	free(der);
	return rc;
}

static bool
is_hex(struct assay_bytes part)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	for (size_t i = 0; i < part.len; i++)
		if (part.ptr[i] == '\0' || strchr(digits, part.ptr[i]) == NULL)
			return false;
	return part.len > 0 && part.len % 2 == 0;
}

static enum assay_code
add_parts(struct assay_trust *trust, const struct assay_bytes *parts, size_t count,
    struct assay_error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct assay_bytes part = parts[i];
		enum assay_code rc;
		size_t added;

		/* Texts are sent with the NUL that ends them in C. DER ends as its length says. */
		while (part.len > 0 && part.ptr[part.len - 1] == '\0' && part.ptr[0] != 0x30)
			part.len--;
		if (part.len == 0)
			continue;
		rc = is_hex(part)
		    ? add_hex(trust, part, err)
		    : assay_trust_add(trust, part, "collateral of the QGS", &added, err);
		if (rc != ASSAY_OK)
			return rc;
	}
	return ASSAY_OK;
}

enum assay_code
assay_guest_pem(
    struct guest_blob *out, const struct assay_bytes *parts, size_t count, struct assay_error *err)
{
	struct assay_trust *trust = NULL;
	struct text t = { NULL, 0, 0, false };
	enum assay_code rc = assay_trust_new(&trust, err);

	if (rc == ASSAY_OK)
		rc = add_parts(trust, parts, count, err);
	size_t items = rc == ASSAY_OK ? assay_trust_count(trust) : 0;
	for (size_t i = 0; i < items; i++)
		append_item(&t, trust, i);
	assay_trust_free(trust);
	if (rc == ASSAY_OK && t.failed)
		rc = assay_fail_nomem(err);
	else if (rc == ASSAY_OK && (items == 0 || items > ITEMS_MAX || t.len > PEM_MAX))
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "collateral of the QGS: %zu items, %zu bytes; want 1 to %d, at most %d", items,
		    t.len, ITEMS_MAX, PEM_MAX);
	if (rc != ASSAY_OK) {
		free(t.ptr);
		return rc;
	}
	*out = (struct guest_blob){ (uint8_t *)t.ptr, t.len };
	return ASSAY_OK;
}
