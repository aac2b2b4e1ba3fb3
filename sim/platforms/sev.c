/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with legacy SEV or SEV-ES. Numbers are little-endian. Source: AMD 55766, SEV API,
 * appendix C. */
#include "platforms/platforms.h"

#include <stdio.h>
#include <string.h>

static void
put_little(struct sim_buf *b, const uint8_t *big, size_t n, size_t room)
{
	for (size_t i = 0; i < n; i++)
		sim_put(b, &big[n - 1 - i], 1);
	sim_put_zero(b, room - n);
}

struct sim_bytes
sim_amd_cert_write(struct sim *sim, const struct sim_amd_cert *c)
{
	struct sim_buf b = { .sim = sim };
	uint32_t bits = (uint32_t)c->key->raw_len * 8;
	uint8_t exponent[4];

	if (c->raw.len > 0)
		return c->raw;
	sim_put_u32(&b, c->version);
	sim_put(&b, c->key_id, 16);
	sim_put(&b, c->certifying_id, 16);
	sim_put_u32(&b, c->usage);
	sim_put(&b, &c->reserved, 1);
	sim_put_zero(&b, 15);
	sim_put_u32(&b, (uint32_t)((int)bits + c->exponent_bits_lie));
	sim_put_u32(&b, bits);
	sim_store_u32(exponent, c->exponent);
	sim_put(&b, exponent, 4);
	sim_put_zero(&b, c->key->raw_len - 4);
	put_little(&b, c->key->raw, c->key->raw_len, c->key->raw_len);
	struct sim_bytes sig = sim_sign(sim, c->signer,
	    c->signer->kind == SIM_RSA2048 ? SIM_SHA256 : SIM_SHA384, sim_copy(sim, b.ptr, b.len));
	put_little(&b, sig.ptr, sig.len, sig.len);
	return sim_taken(&b);
}

static void
put_slot(struct sim_buf *b, const struct sim_sev_slot *s, struct sim_bytes signed_part)
{
	sim_put_u32(b, s->usage);
	sim_put_u32(b, s->algo);
	if (s->raw.len > 0) {
		sim_put_bytes(b, s->raw);
	} else if (s->signer == NULL) {
		sim_put_zero(b, 512);
	} else {
		struct sim_bytes sig = sim_sign(b->sim, s->signer, s->hash, signed_part);
		if (s->signer->kind == SIM_RSA2048 || s->signer->kind == SIM_RSA4096) {
			put_little(b, sig.ptr, sig.len, 512);
		} else {
			put_little(b, sig.ptr, sig.len / 2, 72);
			put_little(b, sig.ptr + sig.len / 2, sig.len / 2, 72);
			sim_put_zero(b, 512 - 144);
		}
	}
}

struct sim_bytes
sim_sev_cert_write(struct sim *sim, const struct sim_sev_cert *c)
{
	struct sim_buf b = { .sim = sim };

	if (c->raw.len > 0)
		return c->raw;
	sim_put_u32(&b, c->version);
	sim_put(&b, &c->api_major, 1);
	sim_put(&b, &c->api_minor, 1);
	sim_put_u16(&b, c->reserved);
	sim_put_u32(&b, c->usage);
	sim_put_u32(&b, c->algo);
	sim_put_u32(&b, c->curve);
	size_t half = c->key->raw_len / 2;
	const uint8_t *key = c->key_bytes.len > 0 ? c->key_bytes.ptr : c->key->raw;
	put_little(&b, key, half, 72);
	b.ptr[b.len - 1] = c->key_padding;
	put_little(&b, key + half, half, 72);
	sim_put_zero(&b, 880);
	struct sim_bytes signed_part = sim_copy(sim, b.ptr, b.len);
	put_slot(&b, &c->slots[0], signed_part);
	put_slot(&b, &c->slots[1], signed_part);
	return sim_taken(&b);
}

struct sim_bytes
sim_sev_report_write(struct sim *sim, const struct sim_sev_report *r)
{
	struct sim_buf b = { .sim = sim };

	sim_put(&b, r->mnonce, 16);
	sim_put(&b, r->launch_digest, 32);
	sim_put_u32(&b, r->policy);
	struct sim_bytes sig = r->signature.len > 0
	    ? r->signature
	    : sim_sign(sim, r->signer, r->hash, sim_copy(sim, b.ptr, b.len));
	sim_put_u32(&b, r->usage);
	sim_put_u32(&b, r->algo);
	sim_put_u32(&b, r->reserved);
	put_little(&b, sig.ptr, sig.len / 2, 72);
	b.ptr[b.len - 1] = r->padding;
	put_little(&b, sig.ptr + sig.len / 2, sig.len / 2, 72);
	return sim_taken(&b);
}

static struct sim_amd_cert
root_cert(struct sim *sim, const char *product, const char *line, uint32_t usage)
{
	struct sim_amd_cert c = { .version = 1, .usage = usage, .exponent = 65537 };
	enum sim_kind kind = strcmp(product, "Naples") == 0 ? SIM_RSA2048 : SIM_RSA4096;
	char label[64];

	snprintf(label, sizeof label, "%s-%s", line, product);
	c.key = sim_key(sim, kind, label);
	sim_derive(sim, c.key_id, 16, label);
	snprintf(label, sizeof label, "ark-%s", product);
	c.signer = sim_key(sim, kind, label);
	sim_derive(sim, c.certifying_id, 16, label);
	return c;
}

static struct sim_sev_cert
sev_cert(struct sim *sim, const char *label, uint32_t usage, uint32_t algo)
{
	return (struct sim_sev_cert){ .version = 1,
		.api_major = 1,
		.api_minor = 55,
		.usage = usage,
		.algo = algo,
		.curve = 2,
		.key = sim_key(sim, SIM_P384, label),
		.slots = { { .usage = SIM_SEV_UNUSED }, { .usage = SIM_SEV_UNUSED } } };
}

static struct sim_sev_slot
ecdsa_slot(uint32_t usage, const struct sim_key *signer)
{
	return (struct sim_sev_slot){
		.usage = usage, .algo = SIM_SEV_ECDSA_SHA256, .signer = signer, .hash = SIM_SHA256
	};
}

void
sim_sev_new(struct sim_sev *p, struct sim *sim, const char *product, bool es)
{
	*p = (struct sim_sev){ .sim = sim, .version = { 1, 55, 21 } };
	sim_derive(sim, p->id, sizeof p->id, "id of the chip");
	p->ark = root_cert(sim, product, "ark", SIM_SEV_ARK);
	p->ask = root_cert(sim, product, "ask", SIM_SEV_ASK);
	p->cek = sev_cert(sim, "CEK", SIM_SEV_CEK, SIM_SEV_ECDSA_SHA256);
	p->oca = sev_cert(sim, "OCA", SIM_SEV_OCA, SIM_SEV_ECDSA_SHA256);
	p->pek = sev_cert(sim, "PEK", SIM_SEV_PEK, SIM_SEV_ECDSA_SHA256);
	p->pdh = sev_cert(sim, "PDH", SIM_SEV_PDH, SIM_SEV_ECDH_SHA256);
	bool small = p->ask.key->kind == SIM_RSA2048;
	p->cek.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_ASK,
		.algo = small ? SIM_SEV_RSA_SHA256 : SIM_SEV_RSA_SHA384,
		.signer = p->ask.key,
		.hash = small ? SIM_SHA256 : SIM_SHA384 };
	p->oca.slots[0] = ecdsa_slot(SIM_SEV_OCA, p->oca.key);
	p->pek.slots[0] = ecdsa_slot(SIM_SEV_OCA, p->oca.key);
	p->pek.slots[1] = ecdsa_slot(SIM_SEV_CEK, p->cek.key);
	p->pdh.slots[0] = ecdsa_slot(SIM_SEV_PEK, p->pek.key);
	sim_derive(sim, p->report.mnonce, 16, "mnonce");
	sim_derive(sim, p->report.launch_digest, 32, "SEV guest");
	p->report.policy = es ? 0x0f : 0x0b; /* NODBG, NOKS, NOSEND; ES */
	p->report.usage = SIM_SEV_PEK;
	p->report.algo = SIM_SEV_ECDSA_SHA256;
	p->report.signer = p->pek.key;
	p->report.hash = SIM_SHA256;
}

void
sim_sev_own(struct sim_sev *p)
{
	p->external = true;
	p->oca.key = sim_key(p->sim, SIM_P384, "owner's OCA");
	p->oca.slots[0] = ecdsa_slot(SIM_SEV_OCA, p->oca.key);
	p->pek.slots[0] = ecdsa_slot(SIM_SEV_OCA, p->oca.key);
}

void
sim_sev_write(struct sim_sev *p, struct sim_output *out)
{
	struct sim *sim = p->sim;
	struct sim_bytes ark = sim_amd_cert_write(sim, &p->ark);

	*out =
	    (struct sim_output){ .root = ark, .evidence = sim_sev_report_write(sim, &p->report) };
	sim_output_add(out, "ask.cert", sim_amd_cert_write(sim, &p->ask));
	sim_output_add(out, "cek.cert", sim_sev_cert_write(sim, &p->cek));
	sim_output_add(out, "oca.cert", sim_sev_cert_write(sim, &p->oca));
	sim_output_add(out, "pek.cert", sim_sev_cert_write(sim, &p->pek));
	sim_output_add(out, "pdh.cert", sim_sev_cert_write(sim, &p->pdh));
	if (p->root_in_collateral)
		sim_output_add(out, "ark.cert", ark);
}
