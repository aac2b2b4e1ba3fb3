/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/signed_json.h"

#include <stdlib.h>
#include <string.h>

enum {
	SVN_MAX = 255,
	CATEGORY_MAX = 64,
	MODULE_ID_LEN = 6, /* "TDX_01" */
};

/* --- modules ----------------------------------------------------------------------------- */

static void
take_module(struct json_walk *w, const json_t *from, struct tdx_module *out)
{
	uint8_t attributes[8] = { 0 }, mask[8] = { 0 };

	assay_json_hex(w, from, "mrsigner", out->mr_signer, sizeof out->mr_signer);
	assay_json_hex(w, from, "attributes", attributes, sizeof attributes);
	assay_json_hex(w, from, "attributesMask", mask, sizeof mask);
	out->attributes = assay_u64le(attributes);
	out->attributes_mask = assay_u64le(mask);
}

/* "TDX_" and the module's major version as two hex digits, in any case. */
static bool
take_module_id(char *out, const char *id)
{
	static const char upper[] = "TDX_", lower[] = "tdx_";
	uint8_t version;

	if (strlen(id) != MODULE_ID_LEN ||
	    !assay_unhex(&version, 1, assay_bytes_of(id + sizeof upper - 1)))
		return false;
	for (size_t i = 0; i < sizeof upper - 1; i++)
		if (id[i] != upper[i] && id[i] != lower[i])
			return false;
	memcpy(out, id, MODULE_ID_LEN + 1);
	return true;
}

static bool
same_module(const struct tdx_module *a, const struct tdx_module *b)
{
	uint8_t x, y;

	return assay_unhex(&x, 1, assay_bytes_of(a->id + MODULE_ID_LEN - 2)) &&
	    assay_unhex(&y, 1, assay_bytes_of(b->id + MODULE_ID_LEN - 2)) && x == y;
}

static void
take_module_identity(struct json_walk *w, struct tcb_info *info, size_t i, const json_t *from)
{
	struct tdx_module *m = &info->modules[i];
	char where[48];

	(void)snprintf(where, sizeof where, "tdxModuleIdentities[%zu].", i);
	assay_json_at(w, "%s", where);
	const char *id = assay_json_text(w, from, "id", sizeof m->id - 1);
	if (!take_module_id(m->id, id))
		assay_json_refuse(
		    w, "id", json_object_get(from, "id"), "\"TDX_\" and two hex digits");
	for (size_t j = 0; j < i && w->rc == ASSAY_OK; j++)
		if (same_module(&info->modules[j], m))
			w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
			    "%s: tdxModuleIdentities has two entries for %s; which one counts "
			    "cannot "
			    "be told",
			    w->what, m->id);
	take_module(w, from, m);
	assay_json_svn_levels(w, from, where, &m->levels, &m->level_count);
}

static void
take_modules(struct json_walk *w, struct tcb_info *info, const json_t *inner)
{
	size_t count = 0;

	if (json_object_get(inner, "tdxModule") != NULL) {
		const json_t *from = assay_json_object(w, inner, "tdxModule");
		assay_json_at(w, "tdxModule.");
		take_module(w, from, &info->module);
		info->has_module = true;
		assay_json_at(w, "%s", "");
	}
	if (json_object_get(inner, "tdxModuleIdentities") == NULL) /* before 2024 */
		return;
	json_t *list =
	    assay_json_array(w, inner, "tdxModuleIdentities", 0, TCB_MODULES_MAX, &count);
	if (count == 0 ||
	    (info->modules = assay_json_alloc(w, count, sizeof *info->modules)) == NULL)
		return;
	info->module_count = count;
	for (size_t i = 0; i < count && w->rc == ASSAY_OK; i++)
		take_module_identity(w, info, i, json_array_get(list, i));
	assay_json_at(w, "%s", "");
}

/* --- platform levels --------------------------------------------------------------------- */

/* The first level that names a component names it for all. */
static void
take_label(struct json_walk *w, const json_t *component, const char *name, const char **label)
{
	if (*label == NULL && json_object_get(component, name) != NULL)
		*label = assay_json_text(w, component, name, CATEGORY_MAX);
}

static void
take_components(struct json_walk *w, const json_t *tcb, const char *name,
    uint8_t out[TCB_COMPONENTS], const char **category, const char **type)
{
	size_t count = 0;
	json_t *list = assay_json_array(w, tcb, name, TCB_COMPONENTS, TCB_COMPONENTS, &count);

	for (size_t i = 0; i < count; i++) {
		const json_t *component = json_array_get(list, i);
		out[i] = (uint8_t)assay_json_uint(w, component, "svn", SVN_MAX);
		take_label(w, component, "category", &category[i]);
		take_label(w, component, "type", &type[i]);
	}
}

/* Version 2: a member per component. */
static void
take_numbered_components(struct json_walk *w, const json_t *tcb, uint8_t out[TCB_COMPONENTS])
{
	char name[20];

	for (unsigned i = 0; i < TCB_COMPONENTS; i++) {
		(void)snprintf(name, sizeof name, "sgxtcbcomp%02usvn", i + 1);
		out[i] = (uint8_t)assay_json_uint(w, tcb, name, SVN_MAX);
	}
}

static int
level_order(const void *a, const void *b)
{
	const struct tcb_level *x = a, *y = b;
	int order = memcmp(y->sgx, x->sgx, sizeof x->sgx);

	if (order == 0)
		order = (x->pce_svn < y->pce_svn) - (x->pce_svn > y->pce_svn);
	return order == 0 ? memcmp(y->tdx, x->tdx, sizeof x->tdx) : order;
}

static void
take_level(struct json_walk *w, struct tcb_info *info, struct tcb_level *out, const json_t *level)
{
	const json_t *tcb = assay_json_object(w, level, "tcb");

	if (info->version == 2)
		take_numbered_components(w, tcb, out->sgx);
	else
		take_components(
		    w, tcb, "sgxtcbcomponents", out->sgx, info->sgx_category, info->sgx_type);
	if (info->tdx)
		take_components(
		    w, tcb, "tdxtcbcomponents", out->tdx, info->tdx_category, info->tdx_type);
	out->pce_svn = (uint16_t)assay_json_uint(w, tcb, "pcesvn", UINT16_MAX);
	assay_json_verdict(w, level, &out->verdict);
}

static void
take_levels(struct json_walk *w, struct tcb_info *info, const json_t *inner)
{
	size_t n = 0;
	json_t *list = assay_json_array(w, inner, "tcbLevels", 1, TCB_LEVELS_MAX, &n);

	if ((info->levels = assay_json_alloc(w, n, sizeof *info->levels)) == NULL)
		return;
	info->level_count = n;
	for (size_t i = 0; i < n && w->rc == ASSAY_OK; i++) {
		assay_json_at(w, "tcbLevels[%zu].", i);
		take_level(w, info, &info->levels[i], json_array_get(list, i));
	}
	qsort(info->levels, n, sizeof *info->levels, level_order);
	for (size_t i = 1; i < n; i++)
		if (w->rc == ASSAY_OK && level_order(&info->levels[i - 1], &info->levels[i]) == 0)
			w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
			    "%s: tcbLevels has two levels with the same SVNs; which one counts "
			    "cannot "
			    "be told",
			    w->what);
}

/* --- the document ------------------------------------------------------------------------ */

static void
take_kind(struct json_walk *w, struct tcb_info *info, const json_t *inner)
{
	info->version = (uint32_t)assay_json_uint(w, inner, "version", UINT32_MAX);
	if (w->rc != ASSAY_OK)
		return;
	if (info->version != 2 && info->version != 3) {
		w->rc = assay_fail(w->err, ASSAY_E_UNSUPPORTED,
		    "%s: version is %u, known are 2 and 3; update assay", w->what, info->version);
		return;
	}
	const json_t *id = json_object_get(inner, "id");
	if (info->version == 2 && id == NULL) /* is for SGX only */
		return;
	const char *text = assay_json_text(w, inner, "id", CATEGORY_MAX);
	info->tdx = info->version == 3 && strcmp(text, "TDX") == 0;
	if (!info->tdx && strcmp(text, "SGX") != 0)
		assay_json_refuse(w, "id", id,
		    info->version == 2 ? "\"SGX\" in version 2" : "\"SGX\" or \"TDX\"");
}

enum assay_code
assay_tcb_info_parse(
    struct tcb_info *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct json_walk w = { .what = what, .err = err };
	struct tcb_info info = { .version = 0 };
	const json_t *inner = assay_signed_json_open(&w, &info.doc, in, "tcbInfo");

	take_kind(&w, &info, inner);
	assay_json_hex(&w, inner, "fmspc", info.fmspc, sizeof info.fmspc);
	assay_json_hex(&w, inner, "pceId", info.pce_id, sizeof info.pce_id);
	if (assay_json_uint(&w, inner, "tcbType", UINT32_MAX) != 0)
		w.rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: tcbType is not 0, the one composition of TCB components known here; "
		    "update "
		    "assay",
		    what);
	if (info.tdx)
		take_modules(&w, &info, inner);
	take_levels(&w, &info, inner);
	if (w.rc != ASSAY_OK) {
		assay_tcb_info_clear(&info);
		return w.rc;
	}
	*out = info;
	return ASSAY_OK;
}

void
assay_tcb_info_clear(struct tcb_info *info)
{
	for (size_t i = 0; i < info->level_count; i++)
		assay_json_verdict_clear(&info->levels[i].verdict);
	free(info->levels);
	for (size_t i = 0; i < info->module_count; i++)
		assay_json_svn_levels_clear(info->modules[i].levels, info->modules[i].level_count);
	free(info->modules);
	json_decref(info->doc.root);
	*info = (struct tcb_info){ .version = 0 };
}
