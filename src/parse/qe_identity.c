/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/signed_json.h"

#include <string.h>

enum { VERSION = 2 };

static void
take_id(struct json_walk *w, struct qe_identity *out, const json_t *inner)
{
	static const char *const known[] = { "QE", "TD_QE", "QVE", "QAE" };
	const char *id = assay_json_text(w, inner, "id", sizeof out->id - 1);

	memcpy(out->id, id, strlen(id) + 1);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(id, known[i]) == 0)
			return;
	assay_json_refuse(
	    w, "id", json_object_get(inner, "id"), "\"QE\", \"TD_QE\", \"QVE\" or \"QAE\"");
}

enum assay_code
assay_qe_identity_parse(
    struct qe_identity *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct json_walk w = { .what = what, .err = err };
	struct qe_identity id = { .version = 0 };
	const json_t *inner = assay_signed_json_open(&w, &id.doc, in, "enclaveIdentity");

	id.version = (uint32_t)assay_json_uint(&w, inner, "version", UINT32_MAX);
	if (w.rc == ASSAY_OK && id.version != VERSION)
		w.rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: version is %u, known is %d; update assay", what, id.version, VERSION);
	take_id(&w, &id, inner);
	assay_json_hex(&w, inner, "miscselect", id.misc_select, sizeof id.misc_select);
	assay_json_hex(
	    &w, inner, "miscselectMask", id.misc_select_mask, sizeof id.misc_select_mask);
	assay_json_hex(&w, inner, "attributes", id.attributes, sizeof id.attributes);
	assay_json_hex(&w, inner, "attributesMask", id.attributes_mask, sizeof id.attributes_mask);
	assay_json_hex(&w, inner, "mrsigner", id.mr_signer, sizeof id.mr_signer);
	id.isv_prod_id = (uint16_t)assay_json_uint(&w, inner, "isvprodid", UINT16_MAX);
	assay_json_svn_levels(&w, inner, "", &id.levels, &id.level_count);
	if (w.rc != ASSAY_OK) {
		assay_qe_identity_clear(&id);
		return w.rc;
	}
	*out = id;
	return ASSAY_OK;
}

void
assay_qe_identity_clear(struct qe_identity *identity)
{
	assay_json_svn_levels_clear(identity->levels, identity->level_count);
	json_decref(identity->doc.root);
	*identity = (struct qe_identity){ .version = 0 };
}
