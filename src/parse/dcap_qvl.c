/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/signed_json.h"

#include <stdlib.h>
#include <string.h>

/* How a member becomes a part. */
enum form {
	TEXT,   /* PEM, as it is */
	HEX,    /* DER */
	SIGNED, /* the inner object of a signed document, its signature in a member of its own */
};

/* Source: the collateral type of the dcap-qvl library, and the samples it publishes. */
static const struct member {
	const char *name;
	enum form form;
	bool optional;
	const char *wrapped_as, *signature; /* of SIGNED */
} members[] = {
	{ "pck_crl_issuer_chain", TEXT, false, NULL, NULL },
	{ "root_ca_crl", HEX, false, NULL, NULL },
	{ "pck_crl", HEX, false, NULL, NULL },
	{ "tcb_info_issuer_chain", TEXT, false, NULL, NULL },
	{ "tcb_info", SIGNED, false, "tcbInfo", "tcb_info_signature" },
	{ "qe_identity_issuer_chain", TEXT, false, NULL, NULL },
	{ "qe_identity", SIGNED, false, "enclaveIdentity", "qe_identity_signature" },
	{ "pck_certificate_chain", TEXT, true, NULL, NULL },
};

/* Any length: what stands in the part is judged by its own parser. */
static struct assay_bytes
take_string(struct json_walk *w, const json_t *root, const char *name)
{
	const json_t *got = json_object_get(root, name);

	if (json_string_length(got) == 0) {
		assay_json_refuse(w, name, got, "a text");
		return (struct assay_bytes){ NULL, 0 };
	}
	return assay_bytes_of(json_string_value(got));
}

static uint8_t *
append(uint8_t *to, struct assay_bytes text)
{
	memcpy(to, text.ptr, text.len);
	return to + text.len;
}

/* {"tcbInfo":<the text, untouched>,"signature":"<hex>"} */
static void
wrap(
    struct json_walk *w, uint8_t **out, size_t *out_len, const json_t *root, const struct member *m)
{
	struct assay_bytes inner = take_string(w, root, m->name);
	struct assay_bytes signature = take_string(w, root, m->signature);
	const struct assay_bytes pieces[] = {
		assay_bytes_of("{\""),
		assay_bytes_of(m->wrapped_as),
		assay_bytes_of("\":"),
		inner,
		assay_bytes_of(",\"signature\":\""),
		signature,
		assay_bytes_of("\"}"),
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		n += pieces[i].len;
	uint8_t *to = *out = assay_json_alloc(w, n, 1);
	if (to == NULL)
		return;
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		to = append(to, pieces[i]);
	*out_len = n;
}

static void
unhex(
    struct json_walk *w, uint8_t **out, size_t *out_len, const json_t *root, const struct member *m)
{
	struct assay_bytes text = take_string(w, root, m->name);

	if ((*out = assay_json_alloc(w, text.len / 2 + 1, 1)) == NULL)
		return;
	*out_len = text.len / 2;
	if (!assay_unhex(*out, *out_len, text))
		assay_json_refuse(w, m->name, json_object_get(root, m->name), "hex");
}

static void
copy(
    struct json_walk *w, uint8_t **out, size_t *out_len, const json_t *root, const struct member *m)
{
	struct assay_bytes text = take_string(w, root, m->name);

	if ((*out = assay_json_alloc(w, text.len, 1)) == NULL)
		return;
	(void)append(*out, text);
	*out_len = text.len;
}

static void
take_part(
    struct json_walk *w, struct dcap_qvl_collateral *c, const json_t *root, const struct member *m)
{
	const json_t *got = json_object_get(root, m->name);
	uint8_t *ptr = NULL;
	size_t len = 0;

	if (m->optional && (got == NULL || json_is_null(got)))
		return;
	if (m->form == SIGNED)
		wrap(w, &ptr, &len, root, m);
	else if (m->form == HEX)
		unhex(w, &ptr, &len, root, m);
	else
		copy(w, &ptr, &len, root, m);
	c->parts[c->count].name = m->name;
	c->parts[c->count].ptr = ptr;
	c->parts[c->count].len = len;
	c->count++;
}

enum assay_code
assay_dcap_qvl_split(struct dcap_qvl_collateral *out, struct assay_bytes in, const char *what,
    struct assay_error *err)
{
	struct json_walk w = { .what = what, .err = err };
	struct dcap_qvl_collateral c = { .count = 0 };
	json_t *root = assay_json_load(&w, assay_bytes_trim(in));

	for (size_t i = 0; i < sizeof members / sizeof *members && w.rc == ASSAY_OK; i++)
		take_part(&w, &c, root, &members[i]);
	json_decref(root);
	if (w.rc != ASSAY_OK) {
		assay_dcap_qvl_clear(&c);
		return w.rc;
	}
	*out = c;
	return ASSAY_OK;
}

void
assay_dcap_qvl_clear(struct dcap_qvl_collateral *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->parts[i].ptr);
	*c = (struct dcap_qvl_collateral){ .count = 0 };
}
