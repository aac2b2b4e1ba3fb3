/* SPDX-License-Identifier: Apache-2.0 */
/* TCB info and enclave identities: compact JSON whose inner object is signed byte by byte.
 * Source: Intel PCS API v4. */
#include "platforms/platforms.h"

#include <stdio.h>
#include <time.h>

static void
put_time(struct sim_buf *b, const char *name, int64_t t)
{
	time_t when = (time_t)t;
	char text[32];
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		sim_die("no such time");
	sim_put_text(b, "\"%s\":\"%s\",", name, text);
}

static void
put_hex(struct sim_buf *b, const char *name, const void *bytes, size_t n)
{
	sim_put_text(b, "\"%s\":\"", name);
	sim_put_hex(b, bytes, n);
	sim_put_text(b, "\",");
}

/* A number as its memory image, least byte first. */
static void
put_hex_le(struct sim_buf *b, const char *name, const uint64_t *words, size_t n)
{
	uint8_t bytes[16];

	sim_store_u64(bytes, words[0]);
	if (n == 16)
		sim_store_u64(bytes + 8, words[1]);
	put_hex(b, name, bytes, n);
}

static void
put_status(struct sim_buf *b, const struct sim_status *s)
{
	sim_put_text(b, "\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", s->date, s->status);
	for (size_t i = 0; i < 4 && s->advisories[i] != NULL; i++)
		sim_put_text(b, "%s\"%s\"", i == 0 ? ",\"advisoryIDs\":[" : ",", s->advisories[i]);
	sim_put_text(b, s->advisories[0] != NULL ? "]}" : "}");
}

static void
put_components(struct sim_buf *b, const char *name, const uint8_t svn[16], bool tdx)
{
	static const char *const sgx_notes[16] = {
		[0] = "BIOS\",\"type\":\"Early Microcode Update",
		[1] = "OS/VMM\",\"type\":\"SGX Late Microcode Update",
		[2] = "OS/VMM\",\"type\":\"TXT SINIT",
		[7] = "OS/VMM\",\"type\":\"SEAMLDR ACM",
	};
	static const char *const tdx_notes[16] = {
		[0] = "OS/VMM\",\"type\":\"TDX Module",
		[1] = "OS/VMM\",\"type\":\"TDX Module",
		[2] = "OS/VMM\",\"type\":\"TDX Late Microcode Update",
	};
	const char *const *notes = tdx ? tdx_notes : sgx_notes;

	sim_put_text(b, "\"%s\":[", name);
	for (size_t i = 0; i < 16; i++) {
		sim_put_text(b, "%s{\"svn\":%u", i > 0 ? "," : "", svn[i]);
		if (notes[i] != NULL)
			sim_put_text(b, ",\"category\":\"%s\"", notes[i]);
		sim_put_text(b, "}");
	}
	sim_put_text(b, "],");
}

static void
put_level(struct sim_buf *b, const struct sim_tcb_info *info, const struct sim_level *l)
{
	sim_put_text(b, "{\"tcb\":{");
	if (info->version == 2) {
		for (size_t i = 0; i < 16; i++)
			sim_put_text(b, "\"sgxtcbcomp%02zusvn\":%u,", i + 1, l->sgx[i]);
	} else {
		put_components(b, "sgxtcbcomponents", l->sgx, false);
		if (info->id[0] == 'T')
			put_components(b, "tdxtcbcomponents", l->tdx, true);
	}
	sim_put_text(b, "\"pcesvn\":%u},", l->pce_svn);
	put_status(b, &l->is);
}

static void
put_svn_levels(struct sim_buf *b, const struct sim_svn_level *levels, size_t count)
{
	sim_put_text(b, "\"tcbLevels\":[");
	for (size_t i = 0; i < count; i++) {
		sim_put_text(b, "%s{\"tcb\":{\"isvsvn\":%u},", i > 0 ? "," : "", levels[i].isv_svn);
		put_status(b, &levels[i].is);
	}
	sim_put_text(b, "]");
}

static void
put_modules(struct sim_buf *b, const struct sim_tcb_info *info)
{
	bool any = false;

	for (size_t i = 0; i < info->module_count; i++) {
		const struct sim_module *m = &info->modules[i];
		if (m->id[0] == '\0')
			sim_put_text(b, "\"tdxModule\":{");
		else
			sim_put_text(
			    b, "%s{\"id\":\"%s\",", any ? "," : "\"tdxModuleIdentities\":[", m->id);
		put_hex(b, "mrsigner", m->mr_signer, 48);
		put_hex_le(b, "attributes", &m->attributes, 8);
		put_hex_le(b, "attributesMask", &m->attributes_mask, 8);
		if (m->id[0] == '\0') {
			b->len--; /* the comma */
			sim_put_text(b, "},");
		} else {
			put_svn_levels(b, m->levels, m->level_count);
			sim_put_text(b, "}");
			any = true;
		}
	}
	if (any)
		sim_put_text(b, "],");
}

static struct sim_bytes
edit(struct sim *sim, struct sim_bytes text, const struct sim_edit *edits)
{
	for (size_t i = 0; i < SIM_EDITS_MAX && edits[i].from != NULL; i++)
		text = sim_replace(sim, text, edits[i].from, edits[i].to);
	return text;
}

static struct sim_bytes
document_write(
    struct sim *sim, const struct sim_document *doc, const char *name, struct sim_bytes inner)
{
	struct sim_buf b = { .sim = sim };

	inner = edit(sim, inner, doc->before);
	struct sim_bytes signature =
	    doc->signature.len > 0 ? doc->signature : sim_sign(sim, doc->signer, SIM_SHA256, inner);
	sim_put_text(&b, "{\"%s\":", name);
	sim_put_bytes(&b, inner);
	sim_put_text(&b, ",\"signature\":\"");
	sim_put_hex(&b, signature.ptr, signature.len);
	sim_put_text(&b, "\"}");
	return edit(sim, sim_taken(&b), doc->after);
}

struct sim_bytes
sim_tcb_info_write(struct sim *sim, const struct sim_tcb_info *info)
{
	struct sim_buf b = { .sim = sim };

	sim_put_text(&b, "{");
	if (info->version != 2)
		sim_put_text(&b, "\"id\":\"%s\",", info->id);
	sim_put_text(&b, "\"version\":%u,", info->version);
	put_time(&b, "issueDate", info->doc.issue_date);
	put_time(&b, "nextUpdate", info->doc.next_update);
	put_hex(&b, "fmspc", info->fmspc, 6);
	put_hex(&b, "pceId", info->pce_id, 2);
	sim_put_text(&b, "\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,", info->doc.evaluation);
	put_modules(&b, info);
	sim_put_text(&b, "\"tcbLevels\":[");
	for (size_t i = 0; i < info->level_count; i++) {
		sim_put_text(&b, i > 0 ? "," : "");
		put_level(&b, info, &info->levels[i]);
	}
	sim_put_text(&b, "]}");
	return document_write(sim, &info->doc, "tcbInfo", sim_taken(&b));
}

struct sim_bytes
sim_qe_identity_write(struct sim *sim, const struct sim_qe_identity *q)
{
	struct sim_buf b = { .sim = sim };
	uint8_t word[4];

	sim_put_text(&b, "{\"id\":\"%s\",\"version\":%u,", q->id, q->version);
	put_time(&b, "issueDate", q->doc.issue_date);
	put_time(&b, "nextUpdate", q->doc.next_update);
	sim_put_text(&b, "\"tcbEvaluationDataNumber\":%u,", q->doc.evaluation);
	sim_store_u32(word, q->misc_select);
	put_hex(&b, "miscselect", word, 4);
	sim_store_u32(word, q->misc_select_mask);
	put_hex(&b, "miscselectMask", word, 4);
	put_hex_le(&b, "attributes", q->attributes, 16);
	put_hex_le(&b, "attributesMask", q->attributes_mask, 16);
	put_hex(&b, "mrsigner", q->mr_signer, 32);
	sim_put_text(&b, "\"isvprodid\":%u,", q->isv_prod_id);
	put_svn_levels(&b, q->levels, q->level_count);
	sim_put_text(&b, "}");
	return document_write(sim, &q->doc, "enclaveIdentity", sim_taken(&b));
}
