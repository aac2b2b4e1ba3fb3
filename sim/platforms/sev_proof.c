/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/sev_proof.h"

#include <string.h>

#include <openssl/evp.h>

/* --- the record -------------------------------------------------------------------------- */

static void
put_base64(struct sim_buf *b, struct sim_bytes bytes)
{
	uint8_t *text = sim_alloc(b->sim, bytes.len / 3 * 4 + 8);
	int n = EVP_EncodeBlock(text, bytes.ptr, (int)bytes.len);

	sim_put(b, text, (size_t)n);
}

/* RFC 4648, 5, without padding. */
static void
put_base64url(struct sim_buf *b, struct sim_bytes bytes)
{
	size_t at = b->len;

	put_base64(b, bytes);
	while (b->len > at && b->ptr[b->len - 1] == '=')
		b->len--;
	for (; at < b->len; at++)
		if (b->ptr[at] == '+' || b->ptr[at] == '/')
			b->ptr[at] = b->ptr[at] == '+' ? '-' : '_';
}

static void
put_jwk(struct sim_buf *b, const struct sim_key *key)
{
	if (key->kind != SIM_P256)
		sim_die("%s: a signer of launch records is a P-256 key", key->label);
	sim_put_text(b, "{\"alg\":\"ES256\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	put_base64url(b, sim_view(key->raw, 32));
	sim_put_text(b, "\",\"y\":\"");
	put_base64url(b, sim_view(key->raw + 32, 32));
	sim_put_text(b, "\"}");
}

static void
put_member(struct sim_buf *b, const char *before, struct sim_bytes bytes)
{
	sim_put_text(b, "%s\"", before);
	put_base64(b, bytes);
	sim_put_text(b, "\"");
}

static void
put_hex_member(struct sim_buf *b, const char *before, const void *bytes, size_t n)
{
	sim_put_text(b, "%s\"", before);
	sim_put_hex(b, bytes, n);
	sim_put_text(b, "\"");
}

/* In the canonical form: members sorted, no white space. */
static struct sim_bytes
launch_text(struct sim *sim, const struct sim_launch *l)
{
	struct sim_buf b = { .sim = sim };
	bool complete = strcmp(l->stage, "complete") == 0;

	sim_put_text(&b, "{\"api\":{\"build\":%u,\"major\":%u,\"minor\":%u},\"chain\":{", l->api[2],
	    l->api[0], l->api[1]);
	if (l->ask.len > 0)
		put_member(&b, "\"ask\":", l->ask);
	put_member(&b, l->ask.len > 0 ? ",\"cek\":" : "\"cek\":", sim_sev_cert_write(sim, &l->cek));
	put_member(&b, ",\"oca\":", sim_sev_cert_write(sim, &l->oca));
	put_member(&b, ",\"pdh\":", sim_sev_cert_write(sim, &l->pdh));
	put_member(&b, ",\"pek\":", sim_sev_cert_write(sim, &l->pek));
	sim_put_text(&b, "},\"created\":%lld", (long long)l->created);
	put_hex_member(&b, ",\"digest\":", l->digest, sizeof l->digest);
	if (complete)
		put_member(&b, ",\"key\":", sim_spki(sim, l->injected));
	else
		sim_put_text(&b, ",\"keys\":{\"tek\":\"%064d\",\"tik\":\"%064d\"}", 0, 0);
	put_hex_member(&b, ",\"measure\":", l->measure, sizeof l->measure);
	put_hex_member(&b, ",\"mnonce\":", l->mnonce, sizeof l->mnonce);
	sim_put_text(&b, ",\"name\":\"%s\",\"policy\":%lu", l->name, (unsigned long)l->policy);
	if (complete)
		sim_put_text(&b, ",\"secrets\":[\"c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35\"]");
	sim_put_text(&b, ",\"signer\":");
	put_jwk(&b, l->signer);
	sim_put_text(&b, ",\"stage\":\"%s\",\"tee\":\"%s\",\"version\":1}", l->stage,
	    (l->policy & 4) != 0 ? "sev-es" : "sev");
	return sim_taken(&b);
}

/* A compact JWS whose payload is left out. */
static void
put_signature(struct sim_buf *b, const struct sim_key *key, struct sim_bytes payload)
{
	struct sim_buf token = { .sim = b->sim };

	put_base64url(&token, sim_text(b->sim, "{\"alg\":\"ES256\",\"typ\":\"assay-launch\"}"));
	sim_put_bytes(b, sim_copy(b->sim, token.ptr, token.len));
	sim_put_text(b, "..");
	sim_put_text(&token, ".");
	put_base64url(&token, payload);
	put_base64url(b, sim_sign(b->sim, key, SIM_SHA256, sim_taken(&token)));
}

struct sim_bytes
sim_launch_write(struct sim *sim, const struct sim_launch *l)
{
	struct sim_buf b = { .sim = sim };
	struct sim_bytes payload = launch_text(sim, l);

	sim_put_text(&b, "{\"launch\":");
	sim_put_bytes(&b, payload);
	sim_put_text(&b, ",\"signature\":\"");
	put_signature(&b, l->signer, payload);
	sim_put_text(&b, "\"}");
	return l->after.from == NULL ? sim_taken(&b)
				     : sim_replace(sim, sim_taken(&b), l->after.from, l->after.to);
}

struct sim_bytes
sim_launch_signer(struct sim *sim, const struct sim_key *key)
{
	struct sim_buf b = { .sim = sim };

	put_jwk(&b, key);
	return sim_taken(&b);
}

void
sim_launch_new(struct sim_launch *l, const struct sim_sev *p)
{
	*l = (struct sim_launch){ .name = "guest",
		.stage = "complete",
		.policy = p->report.policy,
		.api = { 1, 55, 21 },
		.created = 1795219000,
		.pdh = p->pdh,
		.pek = p->pek,
		.oca = p->oca,
		.cek = p->cek,
		.injected = sim_key(p->sim, SIM_P256, "injected key"),
		.signer = sim_key(p->sim, SIM_P256, "guest owner") };
	memcpy(l->digest, p->report.launch_digest, sizeof l->digest);
	sim_derive(p->sim, l->measure, sizeof l->measure, "LAUNCH_MEASURE");
	sim_derive(p->sim, l->mnonce, sizeof l->mnonce, "LAUNCH_MEASURE's nonce");
}

/* --- the proof --------------------------------------------------------------------------- */

static void
put_part(struct sim_buf *b, struct sim_bytes part)
{
	uint8_t len[4] = { (uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16),
		(uint8_t)(part.len >> 8), (uint8_t)part.len };

	sim_put(b, len, sizeof len);
	sim_put_bytes(b, part);
}

static struct sim_bytes
parts(struct sim *sim, const char *label, struct sim_bytes first, struct sim_bytes second)
{
	struct sim_buf b = { .sim = sim };

	put_part(&b, sim_text(sim, label));
	put_part(&b, first);
	if (second.len > 0)
		put_part(&b, second);
	return sim_taken(&b);
}

static void
put_string(struct sim_buf *b, struct sim_bytes string)
{
	uint8_t head[3] = { 0x58, (uint8_t)string.len };
	size_t n = 2;

	if (string.len > 255) {
		head[0] = 0x59;
		head[1] = (uint8_t)(string.len >> 8);
		head[2] = (uint8_t)string.len;
		n = 3;
	}
	sim_put(b, head, n);
	sim_put_bytes(b, string);
}

static struct sim_bytes
working_spki(struct sim *sim, const struct sim_sev_proof *p)
{
	return p->working_spki.len > 0 ? p->working_spki : sim_spki(sim, p->working);
}

void
sim_sev_proof_new(struct sim_sev_proof *p, struct sim *sim)
{
	*p = (struct sim_sev_proof){ .injected = sim_key(sim, SIM_P256, "injected key"),
		.working = sim_key(sim, SIM_P256, "working key") };
	sim_derive(sim, p->asked, sizeof p->asked, "report data");
}

struct sim_bytes
sim_sev_proof_write(struct sim *sim, const struct sim_sev_proof *p, struct sim_bytes report)
{
	static const struct sim_bytes none = { NULL, 0 };
	const struct sim_key *certifier = p->certifier != NULL ? p->certifier : p->injected;
	const struct sim_key *signer = p->signer != NULL ? p->signer : p->working;
	struct sim_bytes key = working_spki(sim, p);
	struct sim_buf b = { .sim = sim };
	uint8_t hash[64];

	(void)sim_digest(hash, SIM_SHA256, sim_spki(sim, p->injected));
	sim_put(&b, "\x84", 1);
	put_string(&b, sim_view(hash, 32));
	put_string(&b, key);
	put_string(&b,
	    sim_sign(sim, certifier, certifier->kind == SIM_P384 ? SIM_SHA384 : SIM_SHA256,
		parts(sim, "assay sev working key, 1", key, none)));
	put_string(&b,
	    sim_sign(sim, signer, SIM_SHA256,
		parts(sim, "assay sev proof, 1", p->report.len > 0 ? p->report : report,
		    sim_view(p->asked, sizeof p->asked))));
	return sim_taken(&b);
}

void
sim_sev_mnonce(
    uint8_t out[16], struct sim *sim, const uint8_t asked[64], const struct sim_sev_proof *p)
{
	uint8_t key[64], hash[64];

	(void)sim_digest(key, SIM_SHA256, working_spki(sim, p));
	(void)sim_digest(hash, SIM_SHA256,
	    parts(sim, "assay sev mnonce, 1", sim_view(asked, 64), sim_view(key, 32)));
	memcpy(out, hash, 16);
}
