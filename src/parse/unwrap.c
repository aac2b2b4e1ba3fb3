/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/unwrap.h"

#include <string.h>

#include "parse/quote.h"
#include "parse/sev.h"
#include "parse/signed_json.h"
#include "parse/snp_report.h"
#include "parse/tcb.h"

static const char *const tsm_types[] = {
	"application/vnd.veraison.configfs-tsm+json",
	"application/vnd.veraison.tsm-report+json",
	"application/vnd.veraison.tsm-report+cbor",
};
enum { TSM_CBOR = 2, TSM_TYPES = 3 };

static unsigned
tsm_type(const struct cmw_item *item)
{
	unsigned i = 0;

	while (i < TSM_TYPES && strcmp(item->type, tsm_types[i]) != 0)
		i++;
	return i;
}

static struct assay_quoted
name_of(const struct cmw_item *item)
{
	return assay_quote(assay_bytes_of(item->label[0] != '\0' ? item->label : item->type));
}

/* --- configfs ----------------------------------------------------------------------------- */

static enum assay_code
open_tsm(struct unwrapped *u, struct assay_bytes in, bool cbor, struct assay_error *err)
{
	enum assay_code rc = cbor ? assay_tsm_parse_cbor(&u->tsm, in, "configfs report", err)
				  : assay_tsm_parse_json(&u->tsm, in, "configfs report", err);

	if (rc != ASSAY_OK)
		return rc;
	u->evidence = u->tsm.outblob;
	u->certificates = u->tsm.auxblob;
	u->manifest = u->tsm.manifestblob;
	memcpy(u->provider, u->tsm.provider, sizeof u->provider);
	return ASSAY_OK;
}

/* --- CMW ----------------------------------------------------------------------------------- */

static enum assay_code
check_indicator(const struct cmw_item *item, unsigned want, struct assay_error *err)
{
	if (item->indicator == 0 || (item->indicator & want) != 0)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_FORMAT,
	    "bundle: %s has the indicator %u, which says that it is no %s", name_of(item).text,
	    item->indicator, want == ASSAY_BUNDLE_EVIDENCE ? "evidence" : "endorsement");
}

static enum assay_code
take_evidence(struct unwrapped *u, const struct cmw_item *item, struct assay_error *err)
{
	struct assay_bytes type = assay_bytes_of(item->type);
	unsigned tsm = tsm_type(item);

	if (u->evidence.len > 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "bundle: holds two pieces of evidence, the second is %s; pass one at a time",
		    name_of(item).text);
	if (item->value.len == 0)
		return assay_fail(
		    err, ASSAY_E_FORMAT, "bundle: the evidence %s is empty", name_of(item).text);
	enum assay_code rc = check_indicator(item, ASSAY_BUNDLE_EVIDENCE, err);
	if (rc != ASSAY_OK)
		return rc;
	if (tsm < TSM_TYPES)
		return open_tsm(u, item->value, tsm == TSM_CBOR, err);
	u->evidence = item->value;
	u->tee = assay_bundle_tee_of(type);
	return ASSAY_OK;
}

static enum assay_code
take_part(struct unwrapped *u, const struct cmw_item *item, enum bundle_part part,
    struct assay_error *err)
{
	const struct bundle_label *want = &assay_bundle_labels[part];
	struct assay_bytes *const slots[BUNDLE_PARTS] = { [BUNDLE_PROOF] = &u->proof,
		[BUNDLE_EVENTLOG] = &u->eventlog,
		[BUNDLE_MANIFEST] = &u->manifest,
		[BUNDLE_COLLATERAL] = &u->collateral,
		[BUNDLE_CERTIFICATES] = &u->certificates };

	enum assay_code rc = check_indicator(item, want->indicator, err);
	if (rc != ASSAY_OK)
		return rc;
	if (item->value.len == 0 || item->value.len > want->max)
		return assay_fail(err, ASSAY_E_FORMAT, "bundle: %s is %zu bytes, want 1 to %zu",
		    want->label, item->value.len, want->max);
	if (slots[part] != NULL) {
		if (slots[part]->len > 0) /* the configfs report has one already */
			return assay_fail(
			    err, ASSAY_E_FORMAT, "bundle: holds two items %s", want->label);
		*slots[part] = item->value;
		return ASSAY_OK;
	}
	if (u->provider[0] != '\0' || !assay_bundle_provider_ok(item->value))
		return assay_fail(err, ASSAY_E_FORMAT,
		    u->provider[0] != '\0' ? "bundle: names a second provider, %s"
					   : "bundle: the provider is %s, want a name",
		    assay_quote(item->value).text);
	memcpy(u->provider, item->value.ptr, item->value.len);
	return ASSAY_OK;
}

/* Evidence is known by its type, under whatever label; the other parts by both. */
static enum assay_code
take_item(struct unwrapped *u, const struct cmw_item *item, struct assay_error *err)
{
	struct assay_bytes type = assay_bytes_of(item->type);
	enum bundle_part part =
	    item->numbered ? BUNDLE_PARTS : assay_bundle_part(assay_bytes_of(item->label));

	if (item->nested)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "bundle: %s is a collection inside the collection; pass its evidence alone",
		    name_of(item).text);
	if (tsm_type(item) < TSM_TYPES || assay_bundle_tee_of(type).len > 0) {
		if (part == BUNDLE_EVIDENCE || part == BUNDLE_PARTS)
			return take_evidence(u, item, err);
	} else if (part < BUNDLE_PARTS && part != BUNDLE_EVIDENCE &&
	    assay_bytes_equal(type, assay_bytes_of(assay_bundle_labels[part].type))) {
		return take_part(u, item, part, err);
	}
	if (part < BUNDLE_PARTS)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "bundle: %s has the type %s, which that label does not have",
		    assay_bundle_labels[part].label, assay_quote(type).text);
	if (item->indicator != 0 && (item->indicator & ASSAY_BUNDLE_EVIDENCE) == 0)
		return ASSAY_OK;
	if (item->type[0] == '\0')
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "bundle: %s has the content format %lu, and may be evidence that this version "
		    "does not know",
		    name_of(item).text, (unsigned long)item->format);
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "bundle: has an item of type %s, which may be evidence and is not known",
	    assay_quote(type).text);
}

static enum assay_code
open_cmw(struct unwrapped *u, struct assay_bytes in, struct assay_error *err)
{
	enum assay_code rc = assay_cmw_parse(&u->cmw, in, "bundle", err);

	if (rc == ASSAY_OK && u->cmw.typed)
		rc = assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "bundle: is a collection of the type %s, whose meaning is not known",
		    assay_quote(assay_bytes_of(u->cmw.collection_type)).text);
	/* The evidence first: what else there is may stand in a configfs report, too. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; rc == ASSAY_OK && i < u->cmw.count; i++) {
			const struct cmw_item *item = &u->cmw.items[i];
			bool other = !item->numbered &&
			    assay_bundle_part(assay_bytes_of(item->label)) < BUNDLE_PARTS &&
			    strcmp(item->label, "evidence") != 0;
			if (other == (pass == 1))
				rc = take_item(u, item, err);
		}
	if (rc == ASSAY_OK && u->evidence.len == 0)
		rc = assay_fail(err, ASSAY_E_UNSUPPORTED, "bundle: holds no evidence");
	return rc;
}

/* --- Confidential Containers ----------------------------------------------------------------- */

/* Which of the two it is stands in the report alone. */
static const char *
sev_name(struct assay_bytes evidence)
{
	struct assay_bytes policy = assay_bytes_at(evidence, 0x30, 4);

	return policy.len > 0 && (assay_u32le(policy.ptr) >> SEV_POLICY_ES & 1) != 0 ? "sev-es"
										     : "sev";
}

static enum assay_code
open_coco(struct unwrapped *u, struct assay_bytes in, struct assay_error *err)
{
	enum assay_code rc = assay_coco_parse(&u->coco, in, "attester's JSON", err);

	if (rc != ASSAY_OK)
		return rc;
	bool tdx = assay_quote_recognise(u->coco.evidence, QUOTE_TEE_TDX);
	if (u->coco.eventlog.len > 0 && !tdx)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "attester's JSON: has a cc_eventlog beside a quote that is not of TDX");
	u->evidence = u->coco.evidence;
	if (u->coco.snp) { /* certificates apart, as in the other forms */
		u->evidence.len = SNP_REPORT_SIZE;
		u->certificates = assay_bytes_at(
		    u->coco.evidence, SNP_REPORT_SIZE, u->coco.evidence.len - SNP_REPORT_SIZE);
	}
	u->eventlog = u->coco.eventlog;
	u->proof = u->coco.proof;
	if (u->proof.len > assay_bundle_labels[BUNDLE_PROOF].max)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "attester's JSON: sev_proof is %zu bytes, at most %zu make sense", u->proof.len,
		    assay_bundle_labels[BUNDLE_PROOF].max);
	u->tee = assay_bytes_of(u->coco.sev ? sev_name(u->evidence)
		: u->coco.snp               ? "snp"
		: tdx                       ? "tdx"
					    : "sgx");
	return ASSAY_OK;
}

/* --- all ----------------------------------------------------------------------------------------- */

/* Of an object in JSON: no member is anything but a record or a collection, or its type. */
static bool
may_be_collection(struct assay_bytes text)
{
	struct assay_bytes name, value;
	size_t at = 0;

	while (assay_json_member(&name, &value, text, &at))
		if (value.ptr[0] != '[' && value.ptr[0] != '{' &&
		    !assay_bytes_equal(name, assay_bytes_of("__cmwc_t")))
			return false;
	return true;
}

bool
assay_unwrap_recognise(struct assay_bytes in)
{
	struct assay_bytes text = assay_bytes_trim(in);

	if (text.len > 0 && text.ptr[0] == '{') /* as collateral may be, and much else */
		return assay_tsm_recognise(text) || assay_coco_recognise(text) ||
		    (assay_json_kind(text) == ASSAY_JSON_NONE && may_be_collection(text));
	/* A certificate table may begin like a CBOR map. */
	return assay_cmw_recognise(in) && !assay_cert_table_recognise(in);
}

enum assay_code
assay_unwrap(struct unwrapped *out, struct assay_bytes in, struct assay_error *err)
{
	enum assay_code rc;

	*out = (struct unwrapped){ .form = "bundle" };
	if (in.len > BUNDLE_MAX && !assay_coco_recognise(in))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "bundle: is %zu bytes, at most %d make sense", in.len, BUNDLE_MAX);
	if (assay_tsm_recognise(in)) {
		out->form = "configfs report";
		rc = open_tsm(out, in, false, err);
	} else if (assay_coco_recognise(in)) {
		out->form = "attester's JSON";
		rc = open_coco(out, in, err);
	} else
		rc = open_cmw(out, in, err);
	if (rc == ASSAY_OK && out->evidence.len > assay_bundle_labels[BUNDLE_EVIDENCE].max)
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the evidence is %zu bytes; at most %zu make sense", out->form,
		    out->evidence.len, assay_bundle_labels[BUNDLE_EVIDENCE].max);
	if (rc != ASSAY_OK)
		assay_unwrap_clear(out);
	return rc;
}

void
assay_unwrap_clear(struct unwrapped *u)
{
	assay_cmw_clear(&u->cmw);
	assay_tsm_clear(&u->tsm);
	assay_coco_clear(&u->coco);
	*u = (struct unwrapped){ .form = "" };
}
