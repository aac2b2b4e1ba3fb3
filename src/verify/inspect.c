/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of a file by its manual's name. Proves nothing. */
#include <stdlib.h>
#include <string.h>

#include "launch/record.h"
#include "parse/pem.h"
#include "parse/signed_json.h"
#include "parse/unwrap.h"
#include "tls/cert.h"
#include "verify/tee.h"
#include "verify/trust.h"

enum { VALUE_MAX = 4096, NOTE_MAX = 512 };

struct look {
	assay_field_visit *visit;
	void *arg;
	const char *group;
};

static void show(const struct look *l, const char *name, const char *note, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
show(const struct look *l, const char *name, const char *note, const char *fmt, ...)
{
	char value[VALUE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof value, fmt, ap);
	va_end(ap);
	l->visit(l->arg, l->group, name, value, note);
}

static void
show_bytes(const struct look *l, const char *name, struct assay_bytes b, const char *note)
{
	char hex[VALUE_MAX];
	char longer[48];

	if (2 * b.len + 1 > sizeof hex) {
		(void)snprintf(longer, sizeof longer, "the first of %zu bytes", b.len);
		note = longer;
		b.len = 256;
	}
	assay_hex(hex, b);
	l->visit(l->arg, l->group, name, hex, note);
}

static void
show_time(const struct look *l, const char *name, int64_t t)
{
	char text[ASSAY_TIME_TEXT];

	assay_time_text(text, t);
	l->visit(l->arg, l->group, name, text, "");
}

static void
show_name(const struct look *l, const char *name, struct assay_bytes der)
{
	struct assay_bytes cn = assay_x509_common_name(der);
	char text[128];
	size_t n = cn.len < sizeof text - 1 ? cn.len : sizeof text - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = cn.ptr[i] >= 0x20 && cn.ptr[i] < 0x7f ? (char)cn.ptr[i] : '?';
	text[n] = '\0';
	l->visit(l->arg, l->group, name, text, "");
}

/* The names of the bits that are set, and the numbers of those without a name. */
static void
name_bits(char *out, size_t size, const struct assay_bit *bits, uint64_t value)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned bit = 0; bit < 64 && n < size; bit++) {
		const struct assay_bit *b = bits;
		if ((value >> bit & 1) == 0)
			continue;
		while (b->name != NULL && b->bit != bit)
			b++;
		if (b->name != NULL)
			n +=
			    (size_t)snprintf(out + n, size - n, "%s%s", n > 0 ? ", " : "", b->name);
		else
			n +=
			    (size_t)snprintf(out + n, size - n, "%sbit %u", n > 0 ? ", " : "", bit);
	}
}

static uint64_t
number_at(const struct assay_field *f, const uint8_t *p)
{
	return f->width == ASSAY_U8   ? *p
	    : f->width == ASSAY_U16LE ? assay_u16le(p)
	    : f->width == ASSAY_U32LE ? assay_u32le(p)
				      : assay_u64le(p);
}

static void
show_fields(struct look *l, const struct assay_field *rows, struct assay_bytes in, uint32_t version)
{
	for (const struct assay_field *f = rows; f->name != NULL; f++) {
		char note[NOTE_MAX] = "";
		if ((size_t)f->at + f->size > in.len || (version != 0 && version < f->since))
			continue;
		if (f->width == ASSAY_RAW) {
			show_bytes(
			    l, f->manual, (struct assay_bytes){ in.ptr + f->at, f->size }, "");
			continue;
		}
		uint64_t value = number_at(f, in.ptr + f->at);
		if (f->bits != NULL)
			name_bits(note, sizeof note, f->bits, value);
		if (f->width == ASSAY_U64LE || f->bits != NULL)
			show(
			    l, f->manual, note, "0x%0*llx", 2 * f->size, (unsigned long long)value);
		else
			show(l, f->manual, note, "%llu", (unsigned long long)value);
	}
}

/* --- certificates and collateral ------------------------------------------------------------------ */

static const char *
key_kind(struct assay_public key)
{
	return key.kind == ASSAY_KEY_P256 ? "EC P-256"
	    : key.kind == ASSAY_KEY_P384  ? "EC P-384"
	    : key.raw.len == 256          ? "RSA 2048"
					  : "RSA 4096";
}

static void
show_pck(const struct look *l, const struct x509_cert *c)
{
	const struct x509_extension *ext = assay_x509_extension(c, pck_extension_oid);
	struct pck_extension p;

	if (ext == NULL || assay_pck_extension_parse(&p, ext->value, NULL) != ASSAY_OK)
		return;
	show_bytes(l, "PPID", (struct assay_bytes){ p.ppid, sizeof p.ppid }, "");
	show_bytes(l, "TCB components", (struct assay_bytes){ p.components, sizeof p.components },
	    "SGX TCB component SVNs 1 to 16");
	show(l, "PCESVN", "", "%u", p.pce_svn);
	show_bytes(l, "CPUSVN", (struct assay_bytes){ p.cpu_svn, sizeof p.cpu_svn }, "");
	show_bytes(l, "PCEID", (struct assay_bytes){ p.pce_id, sizeof p.pce_id }, "");
	show_bytes(l, "FMSPC", (struct assay_bytes){ p.fmspc, sizeof p.fmspc }, "");
	show(l, "SGX Type",
	    p.sgx_type == 0       ? "standard"
		: p.sgx_type == 1 ? "scalable"
				  : "scalable with integrity",
	    "%u", p.sgx_type);
	if (p.has_platform_instance)
		show_bytes(l, "Platform Instance ID",
		    (struct assay_bytes){ p.platform_instance, sizeof p.platform_instance }, "");
	if (p.has_dynamic_platform)
		show(l, "Dynamic Platform", "", "%s", p.dynamic_platform ? "true" : "false");
	if (p.has_cached_keys)
		show(l, "Cached Keys", "", "%s", p.cached_keys ? "true" : "false");
	if (p.has_smt_enabled)
		show(l, "SMT Enabled", "", "%s", p.smt_enabled ? "true" : "false");
}

static void
show_vcek(const struct look *l, const struct x509_cert *c)
{
	struct vcek_extension e;

	if (assay_vcek_extension_parse(&e, c, NULL) != ASSAY_OK)
		return;
	show(l, "structVersion", "", "%u", e.struct_version);
	show(l, "productName", "", "%s", e.product_name);
	if (e.struct_version == 1)
		show(l, "fmcSPL", "", "%u", e.tcb.fmc);
	show(l, "blSPL", "", "%u", e.tcb.bootloader);
	show(l, "teeSPL", "", "%u", e.tcb.tee);
	show(l, "snpSPL", "", "%u", e.tcb.snp);
	show(l, "ucodeSPL", "", "%u", e.tcb.microcode);
	if (e.has_hwid)
		show_bytes(l, "hwID", (struct assay_bytes){ e.hwid, e.hwid_len }, "");
	if (e.has_csp_id)
		show(l, "CSP_ID", "", "%s", e.csp_id);
}

static void
show_cert(struct look *l, const struct x509_cert *c)
{
	l->group = "certificate";
	show_name(l, "subject", c->subject);
	show_name(l, "issuer", c->issuer);
	show_bytes(l, "serial", c->serial, "");
	show_time(l, "notBefore", c->not_before);
	show_time(l, "notAfter", c->not_after);
	show_bytes(l, "public key", c->key.raw, key_kind(c->key));
	if (c->has_basic)
		show(l, "basicConstraints", "", "%s", c->ca ? "CA:TRUE" : "CA:FALSE");
	show_pck(l, c);
	show_vcek(l, c);
}

static void
show_crl(struct look *l, const struct x509_crl *c)
{
	l->group = "CRL";
	show_name(l, "issuer", c->issuer);
	show_time(l, "thisUpdate", c->this_update);
	show_time(l, "nextUpdate", c->next_update);
	if (c->has_number)
		show(l, "crlNumber", "", "%llu", (unsigned long long)c->number);
	show(l, "revokedCertificates", "", "%zu", c->revoked_count);
}

static void
show_document(const struct look *l, const struct signed_json *d)
{
	show_time(l, "issueDate", d->issue_date);
	show_time(l, "nextUpdate", d->next_update);
	show(l, "tcbEvaluationDataNumber", "", "%u", d->evaluation);
}

static void
show_verdict(const struct look *l, const char *name, const char *at, const struct tcb_verdict *v)
{
	char date[ASSAY_TIME_TEXT];
	char note[NOTE_MAX] = "";
	size_t n = 0;

	assay_time_text(date, v->date);
	for (size_t i = 0; i < v->advisory_count && n < sizeof note; i++)
		n += (size_t)snprintf(
		    note + n, sizeof note - n, "%s%s", i > 0 ? ", " : "", v->advisories[i]);
	show(l, name, note, "%s: %s, %.10s", at, assay_tcb_status_name(v->status), date);
}

static void
show_svn_levels(const struct look *l, const struct svn_level *levels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char at[32];
		(void)snprintf(at, sizeof at, "ISVSVN %u", levels[i].isv_svn);
		show_verdict(l, "tcbLevel", at, &levels[i].verdict);
	}
}

static void
show_tcb_info(struct look *l, const struct tcb_info *t)
{
	l->group = "TCB info";
	show(l, "id", "", "%s", t->tdx ? "TDX" : "SGX");
	show(l, "version", "", "%u", t->version);
	show_bytes(l, "fmspc", (struct assay_bytes){ t->fmspc, sizeof t->fmspc }, "");
	show_bytes(l, "pceId", (struct assay_bytes){ t->pce_id, sizeof t->pce_id }, "");
	show_document(l, &t->doc);
	for (size_t i = 0; i < t->level_count; i++) {
		const struct tcb_level *level = &t->levels[i];
		char sgx[2 * TCB_COMPONENTS + 1], tdx[2 * TCB_COMPONENTS + 1], at[128];
		assay_hex(sgx, (struct assay_bytes){ level->sgx, TCB_COMPONENTS });
		assay_hex(tdx, (struct assay_bytes){ level->tdx, TCB_COMPONENTS });
		(void)snprintf(at, sizeof at, "SGX %s PCESVN %u%s%s", sgx, level->pce_svn,
		    t->tdx ? " TDX " : "", t->tdx ? tdx : "");
		show_verdict(l, "tcbLevel", at, &level->verdict);
	}
	for (size_t i = 0; i < t->module_count; i++) {
		l->group = t->modules[i].id;
		show_bytes(l, "mrsigner", (struct assay_bytes){ t->modules[i].mr_signer, 48 }, "");
		show_svn_levels(l, t->modules[i].levels, t->modules[i].level_count);
	}
}

static void
show_qe_identity(struct look *l, const struct qe_identity *q)
{
	l->group = "QE identity";
	show(l, "id", "", "%s", q->id);
	show(l, "version", "", "%u", q->version);
	show_document(l, &q->doc);
	show_bytes(l, "miscselect", (struct assay_bytes){ q->misc_select, 4 }, "");
	show_bytes(l, "miscselectMask", (struct assay_bytes){ q->misc_select_mask, 4 }, "");
	show_bytes(l, "attributes", (struct assay_bytes){ q->attributes, 16 }, "");
	show_bytes(l, "attributesMask", (struct assay_bytes){ q->attributes_mask, 16 }, "");
	show_bytes(l, "mrsigner", (struct assay_bytes){ q->mr_signer, 32 }, "");
	show(l, "isvprodid", "", "%u", q->isv_prod_id);
	show_svn_levels(l, q->levels, q->level_count);
}

static void
show_sev_cert(struct look *l, const struct sev_cert *c)
{
	l->group = assay_sev_usage_name(c->usage);
	show(l, "API_MAJOR.API_MINOR", "", "%u.%u", c->api_major, c->api_minor);
	show(l, "PUBKEY_USAGE", assay_sev_usage_name(c->usage), "0x%04x", c->usage);
	show(l, "PUBKEY_ALGO", "", "0x%03x", c->algo);
	show_bytes(l, "PUBKEY", c->public.raw, key_kind(c->public));
	for (size_t i = 0; i < 2; i++) {
		show(l, i == 0 ? "SIG1_USAGE" : "SIG2_USAGE",
		    assay_sev_usage_name(c->signatures[i].usage), "0x%04x", c->signatures[i].usage);
		show(l, i == 0 ? "SIG1_ALGO" : "SIG2_ALGO", "", "0x%03x", c->signatures[i].algo);
	}
}

static void
show_amd_cert(struct look *l, const struct amd_cert *c)
{
	l->group = c->usage == SEV_USAGE_ARK ? "ARK" : "ASK";
	show_bytes(l, "KEY_ID", (struct assay_bytes){ c->key_id, 16 }, "");
	show_bytes(l, "CERTIFYING_ID", (struct assay_bytes){ c->certifying_id, 16 }, "");
	show_bytes(l, "MODULUS", c->public.raw, key_kind(c->public));
	if (!c->has_signature)
		show(l, "SIGNATURE", "", "none");
}

static void
show_item(struct look *l, const struct item *item)
{
	switch (item->kind) {
	case ITEM_CERT:
		show_cert(l, &item->cert);
		break;
	case ITEM_CRL:
		show_crl(l, &item->crl);
		break;
	case ITEM_TCB_INFO:
		show_tcb_info(l, &item->tcb);
		break;
	case ITEM_QE_IDENTITY:
		show_qe_identity(l, &item->qe);
		break;
	case ITEM_SEV_CERT:
		show_sev_cert(l, &item->sev);
		break;
	case ITEM_AMD_CERT:
		show_amd_cert(l, &item->amd);
		break;
	}
}

/* --- evidence -------------------------------------------------------------------------------------- */

static void
show_quote(struct look *l, const struct assay_evidence *ev)
{
	static const char *const cert_types[] = { "", "PPID in clear", "PPID, RSA 2048 OAEP",
		"PPID, RSA 3072 OAEP", "PCK certificate", "PCK chain", "QE report",
		"platform manifest" };
	const struct quote *q = &ev->quote;

	l->group = "quote header";
	show_fields(
	    l, quote_header_fields, (struct assay_bytes){ ev->store, QUOTE_HEADER_SIZE }, 0);
	l->group = q->tee_type == QUOTE_TEE_TDX ? "TD report" : "SGX report";
	show_fields(l, ev->tee->fields, q->body, 0);
	l->group = "signature data";
	show_bytes(l, "Signature", q->signature, "ECDSA P-256, r and s");
	show_bytes(l, "Attestation Key", q->attestation_key, "x and y");
	show_bytes(l, "QE Report Signature", q->qe_report_signature, "");
	show_bytes(l, "QE Authentication Data", q->qe_auth_data, "");
	show(l, "Certification Data Type", q->pck_cert_type < 8 ? cert_types[q->pck_cert_type] : "",
	    "%u", q->pck_cert_type);
	if (q->padding.len > 0)
		show(l, "padding", "zero bytes behind the quote", "%zu", q->padding.len);
	l->group = "QE report";
	show_fields(l, sgx_report_fields, q->qe_report_bytes, 0);
}

static void
show_tcb(const struct look *l, const char *name, uint64_t raw, enum snp_product product)
{
	struct snp_tcb t = assay_snp_tcb_decode(raw, product);

	if (product == SNP_TURIN)
		show(l, name, "", "FMC %u, boot loader %u, TEE %u, SNP %u, microcode %u", t.fmc,
		    t.bootloader, t.tee, t.snp, t.microcode);
	else if (product != SNP_UNKNOWN)
		show(l, name, "", "boot loader %u, TEE %u, SNP %u, microcode %u", t.bootloader,
		    t.tee, t.snp, t.microcode);
}

/* What a wrapper held beside the evidence. */
static void
show_wrapper(struct look *l, const struct assay_evidence *ev)
{
	if (ev->form == NULL)
		return;
	l->group = ev->form;
	show(l, "evidence", ev->tee->title, "%zu bytes", ev->store_len);
	if (ev->provider[0] != '\0')
		show(l, "provider", "", "%s", ev->provider);
	if (ev->brought != NULL)
		show(l, "collateral", "", "%zu items", ev->brought->item_count);
	if (ev->brought_error.code != ASSAY_OK)
		show(l, "collateral", "not readable", "%s", ev->brought_error.text);
	if (ev->eventlog.len > 0)
		show(l, "event log", "", "%zu bytes", ev->eventlog.len);
	if (ev->manifest.len > 0)
		show(l, "SVSM manifest", "", "%zu bytes", ev->manifest.len);
}

static void
show_proof(struct look *l, const struct sev_proof *p)
{
	l->group = "proof";
	show_bytes(l, "injected key", p->certifier, "SHA-256 of its SubjectPublicKeyInfo");
	show_bytes(l, "working key", assay_sev_proof_point(p), "EC P-256");
	show_bytes(l, "certification", p->certification, "of the working key, by the injected one");
	show_bytes(l, "signature", p->signature, "ECDSA P-256, r and s, by the working key");
}

static void
show_evidence(struct look *l, const struct assay_evidence *ev)
{
	show_wrapper(l, ev);
	if (ev->tee == &assay_tee_opaque) {
		l->group = "evidence";
		show_bytes(l, "bytes", (struct assay_bytes){ ev->store, ev->store_len }, "unknown");
	} else if (ev->tee == &assay_tee_tdx || ev->tee == &assay_tee_sgx)
		show_quote(l, ev);
	else if (ev->tee == &assay_tee_snp) {
		const struct snp_report *r = &ev->snp;
		l->group = "report";
		show_fields(l, ev->tee->fields, (struct assay_bytes){ ev->store, SNP_REPORT_SIZE },
		    r->version);
		l->group = "TCB";
		show_tcb(l, "REPORTED_TCB", r->reported_tcb, r->product);
		show_tcb(l, "COMMITTED_TCB", r->committed_tcb, r->product);
		show_tcb(l, "CURRENT_TCB", r->current_tcb, r->product);
		show_tcb(l, "LAUNCH_TCB", r->launch_tcb, r->product);
		l->group = "signature";
		show_bytes(l, "SIGNATURE", (struct assay_bytes){ r->signature, 96 },
		    "ECDSA P-384, r and s");
	} else {
		l->group = "report";
		if (ev->sev.has_report)
			show_fields(l, ev->tee->fields,
			    (struct assay_bytes){ ev->store, SEV_REPORT_SIZE }, 0);
		for (size_t i = 0; i < ev->sev.cert_count; i++)
			show_sev_cert(l, &ev->sev.certs[i]);
		if (ev->proof.key.len > 0)
			show_proof(l, &ev->proof);
	}
	for (size_t i = 0; i < ev->cert_count; i++)
		show_cert(l, &ev->certs[i]);
	if (ev->cert_error.code != ASSAY_OK) {
		l->group = "certificates";
		show(l, "not readable", "", "%s", ev->cert_error.text);
	}
	for (size_t i = 0; ev->brought != NULL && i < ev->brought->item_count; i++)
		show_item(l, ev->brought->items[i]);
}

/* --- launch records ------------------------------------------------------------------------------- */

static bool
is_launch(struct assay_bytes in)
{
	struct assay_bytes text = assay_bytes_trim(in), name, value;
	size_t at = 0;

	return assay_json_member(&name, &value, text, &at) &&
	    (assay_bytes_equal(name, assay_bytes_of("launch")) ||
		assay_bytes_equal(name, assay_bytes_of("signature"))) &&
	    assay_json_member(&name, &value, text, &at) &&
	    (assay_bytes_equal(name, assay_bytes_of("launch")) ||
		assay_bytes_equal(name, assay_bytes_of("signature")));
}

/* What was measured has the names and the order of a report's fields. */
static void
show_measured(struct look *l, const struct assay_launch *launch)
{
	struct assay_bytes mnonce = assay_launch_mnonce(launch);
	struct assay_bytes digest = assay_launch_digest(launch);
	uint32_t policy = assay_launch_policy(launch);
	uint8_t like[SEV_REPORT_SIGNED] = { [0x30] = (uint8_t)policy,
		(uint8_t)(policy >> 8),
		(uint8_t)(policy >> 16),
		(uint8_t)(policy >> 24) };
	struct assay_sev_api api = assay_launch_api(launch);

	if (digest.len == 0) {
		show(l, "POLICY", "", "0x%08lx", (unsigned long)policy);
		return;
	}
	memcpy(like, mnonce.ptr, mnonce.len);
	memcpy(like + mnonce.len, digest.ptr, digest.len);
	show_fields(l, sev_report_fields, (struct assay_bytes){ like, sizeof like }, 0);
	show_bytes(l, "MEASURE", assay_launch_measure(launch), "");
	show(l, "API_MAJOR.API_MINOR.BUILD", "", "%u.%u.%u", api.major, api.minor, api.build);
}

static void
show_injected(struct look *l, const struct assay_launch *launch)
{
	struct assay_bytes digest = assay_launch_key_digest(launch);
	const char *guid;

	if (digest.len > 0)
		show_bytes(l, "injected key", digest, "SHA-256 of its SubjectPublicKeyInfo");
	for (size_t i = 0; (guid = assay_launch_secret_guid(launch, i)) != NULL; i++)
		show(l, "secret", "", "%s", guid);
}

static enum assay_code
inspect_launch(struct look *l, struct assay_bytes in, struct assay_error *err)
{
	struct assay_launch *launch = NULL;
	char kid[ASSAY_KID_TEXT];
	enum assay_code rc = assay_launch_parse(&launch, in, NULL, err);

	if (rc != ASSAY_OK)
		return rc;
	l->group = "launch";
	show(l, "name", "", "%s", assay_launch_name(launch));
	show(l, "tee", "", "%s", assay_launch_tee(launch));
	show(l, "stage", "", "%s", assay_launch_stages[assay_launch_stage(launch)]);
	show_time(l, "created", assay_launch_created(launch));
	show_measured(l, launch);
	show_injected(l, launch);
	assay_jwk_kid(kid, assay_launch_signed_by(launch));
	show(l, "signer", "the signature holds; whose key it is, nobody says", "%s", kid);
	for (enum assay_launch_certificate i = 0; i <= ASSAY_LAUNCH_CEK; i++) {
		struct sev_cert cert;
		if (assay_sev_cert_parse(
			&cert, assay_launch_cert(launch, i), "certificate", NULL) == ASSAY_OK)
			show_sev_cert(l, &cert);
	}
	assay_launch_free(launch);
	return ASSAY_OK;
}

/* A certificate or request that carries evidence: what it says of itself, then what is in it. */
static void
show_attested(struct look *l, const struct assay_cert *c)
{
	static const char *const keys[] = {
		[ASSAY_PAIR_NONE] = "",
		[ASSAY_PAIR_P256] = "ECDSA P-256",
		[ASSAY_PAIR_P384] = "ECDSA P-384",
		[ASSAY_PAIR_P521] = "ECDSA P-521",
		[ASSAY_PAIR_ED25519] = "Ed25519",
		[ASSAY_PAIR_RSA] = "RSA",
	};
	uint8_t digest[ASSAY_SHA256_LEN];

	l->group = "certificate";
	show_name(l, "subject", c->peer.subject);
	if (!c->peer.request) {
		show_time(l, "notBefore", c->peer.since);
		show_time(l, "notAfter", c->peer.until);
	}
	show_bytes(l, "public key", c->peer.spki, keys[c->peer.kind]);
	assay_sha256(digest, c->peer.spki);
	show_bytes(l, "key digest", (struct assay_bytes){ digest, sizeof digest },
	    "SHA-256 of its SubjectPublicKeyInfo");
	assay_sha256(digest, (struct assay_bytes){ c->der, c->der_len });
	show_bytes(l, "SHA-256", (struct assay_bytes){ digest, sizeof digest }, "of all of it");
	show(l, "evidence", "", "%s", c->form->name);
	if (c->extension.code != ASSAY_OK)
		show(l, "wrong", "", "%s", c->extension.text);
	if (c->unreadable.code != ASSAY_OK)
		show(l, "unreadable", "", "%s", c->unreadable.text);
	if (c->evidence != NULL)
		show_evidence(l, c->evidence);
}

/* ASSAY_E_UNSUPPORTED: it is none. */
static enum assay_code
inspect_attested(struct look *l, struct assay_bytes in, const char **kind)
{
	struct assay_cert *cert = NULL;
	struct assay_error err;
	enum assay_code rc = assay_cert_parse(&cert, in, &err);

	if (rc == ASSAY_E_NOMEM)
		return rc;
	rc = rc == ASSAY_OK && cert->form != NULL ? ASSAY_OK : ASSAY_E_UNSUPPORTED;
	if (rc == ASSAY_OK) {
		*kind =
		    cert->peer.request ? "attested certificate request" : "attested certificate";
		show_attested(l, cert);
	}
	assay_cert_free(cert);
	return rc;
}

enum assay_code
assay_inspect(const char **kind, struct assay_bytes in, assay_field_visit *visit, void *arg,
    struct assay_error *err)
{
	struct look l = { visit, arg, "" };
	struct assay_evidence *ev = NULL;
	struct assay_error second;

	enum assay_code rc = assay_evidence_parse(&ev, in, err);
	if (rc == ASSAY_OK) {
		*kind = ev->tee->title;
		show_evidence(&l, ev);
		assay_evidence_free(ev);
		return ASSAY_OK;
	}
	if (rc == ASSAY_E_NOMEM || in.len == 0)
		return rc;
	if (is_launch(in)) {
		*kind = "launch record";
		return inspect_launch(&l, in, err);
	}
	enum assay_code attested = inspect_attested(&l, in, kind);
	if (attested == ASSAY_E_NOMEM)
		return assay_fail_nomem(err);
	if (attested == ASSAY_OK)
		return ASSAY_OK;
	/* A damaged wrapper is none, although there may be PEM somewhere in it. */
	if (rc == ASSAY_E_FORMAT && assay_unwrap_recognise(in))
		return rc;
	/* What evidence refuses may be collateral; what that refuses, too, is damaged evidence. */
	/* Without anchors: only a place for what is read. */
	struct assay_trust *holder = calloc(1, sizeof *holder);
	if (holder == NULL)
		return assay_fail_nomem(err);
	enum assay_code collateral = assay_trust_add(holder, in, "file", NULL, &second);
	if (collateral == ASSAY_OK && holder->item_count > 0) {
		*kind = holder->item_count == 1 ? assay_trust_item_kind(holder, 0) : "collateral";
		for (size_t i = 0; i < holder->item_count; i++)
			show_item(&l, holder->items[i]);
		rc = ASSAY_OK;
	} else if (rc == ASSAY_E_UNSUPPORTED && collateral != ASSAY_E_UNSUPPORTED &&
	    collateral != ASSAY_OK) {
		(void)assay_fail(err, collateral, "%s", second.text);
		rc = collateral;
	} else if (rc == ASSAY_E_UNSUPPORTED)
		rc = assay_fail(
		    err, rc, "is of no kind that is known: neither evidence nor collateral");
	assay_trust_free(holder);
	return rc;
}
