/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with SEV-SNP: its certificates, its report, its certificate table. Source: AMD 56860
 * (report), AMD 57230 (certificates), GHCB 4.1.8.1 (table). */
#include "platforms/platforms.h"

#include <stdio.h>
#include <string.h>

const char *
sim_product_name(enum sim_product product)
{
	static const char *const names[] = { "Milan", "Genoa", "Turin" };

	return names[product];
}

uint64_t
sim_snp_tcb_raw(enum sim_product product, struct sim_snp_tcb t)
{
	uint64_t low = product == SIM_TURIN
	    ? t.fmc | (uint64_t)t.bootloader << 8 | (uint64_t)t.tee << 16 | (uint64_t)t.snp << 24
	    : t.bootloader | (uint64_t)t.tee << 8 | (uint64_t)t.snp << 48;

	return low | (uint64_t)t.microcode << 56;
}

/* --- the report ----------------------------------------------------------------------------- */

static void
put_little(struct sim_buf *b, const uint8_t *big, size_t n, size_t room)
{
	for (size_t i = 0; i < n; i++)
		sim_put(b, &big[n - 1 - i], 1);
	sim_put_zero(b, room - n);
}

struct sim_bytes
sim_snp_report_write(struct sim *sim, const struct sim_snp_report *r)
{
	struct sim_buf b = { .sim = sim };
	static const uint8_t none[3];

	sim_put_u32(&b, r->version);
	sim_put_u32(&b, r->guest_svn);
	sim_put_u64(&b, r->policy);
	sim_put(&b, r->family_id, 16);
	sim_put(&b, r->image_id, 16);
	sim_put_u32(&b, r->vmpl);
	sim_put_u32(&b, r->signature_algo);
	sim_put_u64(&b, r->current_tcb);
	sim_put_u64(&b, r->platform_info);
	sim_put_u32(&b, r->key_info);
	sim_put_u32(&b, 0);
	sim_put(&b, r->report_data, 64);
	sim_put(&b, r->measurement, 48);
	sim_put(&b, r->host_data, 32);
	sim_put(&b, r->id_key_digest, 48);
	sim_put(&b, r->author_key_digest, 48);
	sim_put(&b, r->report_id, 32);
	sim_put(&b, r->report_id_ma, 32);
	sim_put_u64(&b, r->reported_tcb);
	sim_put(&b, r->version >= 3 ? r->cpuid : none, 3);
	sim_put_zero(&b, 21);
	sim_put(&b, r->chip_id, 64);
	sim_put_u64(&b, r->committed_tcb);
	sim_put(&b, r->current, 3);
	sim_put_zero(&b, 1);
	sim_put(&b, r->committed, 3);
	sim_put_zero(&b, 1);
	sim_put_u64(&b, r->launch_tcb);
	sim_put_u64(&b, r->version >= 5 ? r->launch_mit_vector : 0);
	sim_put_u64(&b, r->version >= 5 ? r->current_mit_vector : 0);
	sim_put_zero(&b, 152);
	if (r->signed_byte.value != 0)
		b.ptr[r->signed_byte.at] = r->signed_byte.value;
	struct sim_bytes sig = r->signature.len > 0
	    ? r->signature
	    : sim_sign(sim, r->signer, r->hash, sim_copy(sim, b.ptr, b.len));
	put_little(&b, sig.ptr, sig.len / 2, 72);
	put_little(&b, sig.ptr + sig.len / 2, sig.len / 2, 72);
	sim_put_zero(&b, 368);
	if (r->unsigned_byte.value != 0)
		b.ptr[r->unsigned_byte.at] = r->unsigned_byte.value;
	return sim_taken(&b);
}

/* --- the certificate table ------------------------------------------------------------------ */

static void
put_guid(struct sim_buf *b, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		unsigned byte;
		if (*c == '-')
			continue;
		if (sscanf(c, "%2x", &byte) != 1)
			sim_die("%s is no GUID", text);
		sim_put(b, &(uint8_t){ (uint8_t)byte }, 1);
		c++;
	}
}

struct sim_bytes
sim_cert_table_write(struct sim *sim, const struct sim_table_entry *entries, size_t count)
{
	struct sim_buf b = { .sim = sim };
	size_t at = (count + 1) * 24;

	for (size_t i = 0; i < count; i++) {
		put_guid(&b, entries[i].guid);
		sim_put_u32(&b, (uint32_t)at + (uint32_t)entries[i].offset_lie);
		sim_put_u32(&b, (uint32_t)entries[i].bytes.len + (uint32_t)entries[i].size_lie);
		at += entries[i].bytes.len;
	}
	sim_put_zero(&b, 24);
	for (size_t i = 0; i < count; i++)
		sim_put_bytes(&b, entries[i].bytes);
	return sim_taken(&b);
}

/* --- certificates --------------------------------------------------------------------------- */

static const struct sim_key *
line_key(struct sim *sim, enum sim_product product, const char *line)
{
	char label[64];

	snprintf(label, sizeof label, "%s-%s", line, sim_product_name(product));
	return sim_key(sim, SIM_RSA4096, label);
}

static struct sim_bytes
line_name(struct sim *sim, enum sim_product product, const char *line)
{
	char cn[64];

	snprintf(cn, sizeof cn, "%s-%s",
	    strcmp(line, "ark") == 0       ? "ARK"
		: strcmp(line, "ask") == 0 ? "SEV"
					   : "SEV-VLEK",
	    sim_product_name(product));
	return sim_name(sim, SIM_NAME_AMD, cn);
}

/* line: "ark", "ask", "asvk" */
struct sim_cert
sim_amd_ca(struct sim *sim, enum sim_product product, const char *line, int64_t now)
{
	bool root = strcmp(line, "ark") == 0, vlek = strcmp(line, "asvk") == 0;
	uint8_t serial[3] = { (uint8_t)(product + 1), (uint8_t)(vlek ? 1 : 0),
		(uint8_t)(root ? 0 : 1) };
	char uri[96];
	struct sim_cert c = { .version = 3,
		.serial = sim_copy(sim, serial, 3),
		.issuer = line_name(sim, product, "ark"),
		.subject = line_name(sim, product, line),
		.not_before = now - 4 * 365 * SIM_DAY,
		.not_after = now + 21 * 365 * SIM_DAY,
		.key = line_key(sim, product, line),
		.signer = line_key(sim, product, "ark"),
		.alg = SIM_ALG_PSS_SHA384_TRAILER,
		.inner_alg = SIM_ALG_PSS_SHA384_TRAILER };

	snprintf(uri, sizeof uri, "https://kdsintf.amd.com/%s/v1/%s/crl", vlek ? "vlek" : "vcek",
	    sim_product_name(product));
	if (root) {
		sim_set_usage_amd(sim, &c, 0x60);
		sim_set_skid(sim, &c);
		sim_set_basic(sim, &c, true, -1);
	} else {
		sim_set_skid(sim, &c);
		sim_set_akid(sim, &c, c.signer);
		sim_set_basic(sim, &c, true, 0);
		sim_set_usage_amd(sim, &c, 0x20);
	}
	sim_set_crl_point(sim, &c, uri);
	return c;
}

static void
put_spl(struct sim_snp *p, const char *oid, uint64_t v)
{
	sim_extension_set(&p->leaf, oid, false, sim_der_uint(p->sim, v));
}

static void
put_extensions(struct sim_snp *p)
{
	const struct sim_vcek_extension *e = &p->extension;
	bool turin = e->struct_version == 1;

	put_spl(p, SIM_OID_AMD ".1", e->struct_version);
	sim_extension_set(
	    &p->leaf, SIM_OID_AMD ".2", false, sim_der_raw(p->sim, 0x16, e->product_name));
	if (turin)
		put_spl(p, SIM_OID_AMD ".3.9", e->tcb.fmc);
	put_spl(p, SIM_OID_AMD ".3.1", e->tcb.bootloader);
	put_spl(p, SIM_OID_AMD ".3.2", e->tcb.tee);
	/* The order is that of real ones: by the bytes of the TCB. */
	put_spl(p, turin ? SIM_OID_AMD ".3.3" : SIM_OID_AMD ".3.4", turin ? e->tcb.snp : 0);
	put_spl(p, SIM_OID_AMD ".3.5", 0);
	put_spl(p, SIM_OID_AMD ".3.6", 0);
	put_spl(p, SIM_OID_AMD ".3.7", 0);
	if (!turin)
		put_spl(p, SIM_OID_AMD ".3.3", e->tcb.snp);
	put_spl(p, SIM_OID_AMD ".3.8", e->tcb.microcode);
	if (e->hwid.len > 0)
		sim_extension_set(&p->leaf, SIM_OID_AMD ".4", false, e->hwid);
	if (e->csp_id != NULL)
		sim_extension_set(
		    &p->leaf, SIM_OID_AMD ".5", false, sim_der_raw(p->sim, 0x16, e->csp_id));
}

static void
new_report(struct sim_snp *p, uint32_t version)
{
	static const uint8_t cpuid[][3] = { { 0x19, 0x01, 1 }, { 0x19, 0x11, 1 },
		{ 0x1a, 0x02, 1 } };
	struct sim_snp_report *r = &p->report;
	uint64_t tcb = sim_snp_tcb_raw(p->product, p->tcb);

	r->version = version;
	r->policy = 0x30000;
	r->signature_algo = 1;
	r->current_tcb = r->reported_tcb = r->committed_tcb = r->launch_tcb = tcb;
	r->platform_info = p->product == SIM_TURIN ? 0x65 : 0x25;
	r->key_info = p->vlek ? 1 << 2 : 0;
	sim_derive(p->sim, r->measurement, 48, "SNP guest");
	sim_derive(p->sim, r->report_id, 32, "report id");
	memset(r->report_id_ma, 0xff, 32);
	memcpy(r->cpuid, cpuid[p->product], 3);
	if (!p->vlek) /* real VLEK reports mask it */
		sim_derive(p->sim, r->chip_id, p->product == SIM_TURIN ? 8 : 64, "chip id");
	memcpy(r->current, (uint8_t[]){ 1, 58, 1 }, 3);
	memcpy(r->committed, r->current, 3);
	r->launch_mit_vector = r->current_mit_vector = 0x3f;
	r->signer = p->leaf.key;
	r->hash = SIM_SHA384;
}

void
sim_snp_new(struct sim_snp *p, struct sim *sim, enum sim_product product, uint32_t version,
    bool vlek, int64_t now, int64_t valid)
{
	static const char *const names[] = { "Milan-B0", "Genoa", "Turin" };
	bool turin = product == SIM_TURIN;
	char label[32];

	*p = (struct sim_snp){ .sim = sim, .product = product, .vlek = vlek, .now = now };
	p->tcb = (struct sim_snp_tcb){ .fmc = turin ? 5 : 0,
		.bootloader = 15,
		.tee = 5,
		.snp = 30,
		.microcode = turin ? 90 : 220 };
	p->ark = sim_amd_ca(sim, product, "ark", now);
	p->ask = sim_amd_ca(sim, product, vlek ? "asvk" : "ask", now);
	snprintf(label, sizeof label, "%s-%s", vlek ? "VLEK" : "VCEK", sim_product_name(product));
	p->leaf = (struct sim_cert){ .version = 3,
		.serial = sim_copy(sim, "\0", 1),
		.issuer = p->ask.subject,
		.subject = sim_name(sim, SIM_NAME_AMD, vlek ? "SEV-VLEK" : "SEV-VCEK"),
		.not_before = now - 30 * SIM_DAY,
		.not_after = now + (vlek ? 335 : 7 * 365) * SIM_DAY,
		.key = sim_key(sim, SIM_P384, label),
		.signer = p->ask.key,
		.alg = SIM_ALG_PSS_SHA384,
		.inner_alg = SIM_ALG_PSS_SHA384 };
	new_report(p, version);
	p->extension = (struct sim_vcek_extension){ .struct_version = turin ? 1 : 0,
		.product_name = vlek ? sim_product_name(product) : names[product],
		.tcb = p->tcb,
		.csp_id = vlek ? "CN=cc-sim.example" : NULL };
	if (!vlek)
		p->extension.hwid = sim_copy(sim, p->report.chip_id, turin ? 8 : 64);
	p->crl = (struct sim_crl){ .issuer = p->ark.subject,
		.this_update = now - SIM_DAY,
		.next_update = now + valid,
		.has_number = true,
		.number = 4,
		.akid = p->ark.key,
		.signer = p->ark.key,
		.alg = SIM_ALG_PSS_SHA384 };
}

static struct sim_bytes
table_write(struct sim_snp *p, struct sim_bytes leaf, struct sim_bytes ask, struct sim_bytes ark)
{
	if (p->entry_count == 0) {
		p->entries[0] =
		    (struct sim_table_entry){ p->vlek ? SIM_GUID_VLEK : SIM_GUID_VCEK, leaf, 0, 0 };
		p->entries[1] = (struct sim_table_entry){ SIM_GUID_ASK, ask, 0, 0 };
		p->entries[2] = (struct sim_table_entry){ SIM_GUID_ARK, ark, 0, 0 };
		p->entry_count = 3;
	}
	return sim_cert_table_write(p->sim, p->entries, p->entry_count);
}

void
sim_snp_write(struct sim_snp *p, struct sim_output *out)
{
	struct sim *sim = p->sim;

	put_extensions(p);
	if (p->bend_leaf != NULL)
		p->bend_leaf(p);
	struct sim_bytes ark = sim_cert_write(sim, &p->ark), ask = sim_cert_write(sim, &p->ask);
	struct sim_bytes leaf = sim_cert_write(sim, &p->leaf);

	*out = (struct sim_output){ .root = sim_pem(sim, "CERTIFICATE", ark),
		.evidence = sim_snp_report_write(sim, &p->report) };
	if (p->table)
		out->evidence = sim_join(sim, out->evidence, table_write(p, leaf, ask, ark));
	sim_output_add(out, p->vlek ? "vlek.der" : "vcek.der", leaf);
	sim_output_add(out, "cert_chain.pem",
	    sim_join(sim, sim_pem(sim, "CERTIFICATE", ask), sim_pem(sim, "CERTIFICATE", ark)));
	sim_output_add(out, "crl.der", sim_crl_write(sim, &p->crl));
	snprintf(out->min_tcb, sizeof out->min_tcb, "%sbootloader=%u,tee=%u,snp=%u,microcode=%u",
	    p->product == SIM_TURIN ? "fmc=5," : "", p->tcb.bootloader, p->tcb.tee, p->tcb.snp,
	    p->tcb.microcode);
}
