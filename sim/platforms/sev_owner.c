/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/sev_owner.h"

#include "platforms/sev_proof.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

enum { AT_QX = 0x014, AT_QY = 0x05c };

static void
random_bytes(uint8_t *out, int n)
{
	if (RAND_bytes(out, n) != 1)
		sim_die("no random bytes");
}

static void
take_number(uint8_t big[48], const uint8_t *at)
{
	for (size_t i = 0; i < 48; i++)
		big[i] = at[47 - i];
}

/* The firmware looks at the key alone: no one has signed it. */
static void
write_dh(uint8_t out[SIM_SEV_CERT_SIZE], const struct sim_key *key)
{
	struct sim *scratch = sim_scratch();
	const struct sim_sev_cert c = { .version = 1,
		.api_major = 1,
		.usage = SIM_SEV_PDH,
		.algo = SIM_SEV_ECDH_SHA256,
		.curve = 2,
		.key = key,
		.slots = { { .usage = SIM_SEV_UNUSED }, { .usage = SIM_SEV_UNUSED } } };

	memcpy(out, sim_sev_cert_write(scratch, &c).ptr, SIM_SEV_CERT_SIZE);
	sim_free(scratch);
}

bool
sim_sev_owner_new(struct sim_sev_owner *o, const uint8_t pdh[SIM_SEV_CERT_SIZE], uint32_t policy)
{
	uint8_t peer[96], z[48], nonce[16], iv[16];
	struct sim_key dh;

	*o = (struct sim_sev_owner){ .policy = policy };
	take_number(peer, pdh + AT_QX);
	take_number(peer + 48, pdh + AT_QY);
	sim_key_fresh(&dh, SIM_P384, "owner's DH key");
	bool ok = sim_ecdh(z, &dh, peer);
	if (ok) {
		random_bytes((uint8_t *)&o->keys, sizeof o->keys);
		random_bytes(nonce, sizeof nonce);
		random_bytes(iv, sizeof iv);
		write_dh(o->dh, &dh);
		sim_sev_session_seal(o->session, &o->keys, z, nonce, iv, policy);
		sim_key_fresh(&o->injected, SIM_P256, "injected key");
	}
	OPENSSL_cleanse(z, sizeof z);
	sim_key_clear(&dh);
	return ok;
}

void
sim_sev_owner_clear(struct sim_sev_owner *o)
{
	sim_key_clear(&o->injected);
	OPENSSL_cleanse(&o->keys, sizeof o->keys);
}

bool
sim_sev_owner_check(const struct sim_sev_owner *o, const struct sim_sev_version *version,
    const uint8_t digest[32], const uint8_t measurement[48])
{
	uint8_t want[32];

	sim_sev_measure(want, o->keys.tik, version, o->policy, digest, measurement + 32);
	return CRYPTO_memcmp(want, measurement, sizeof want) == 0;
}

struct sim_bytes
sim_sev_owner_secret(const struct sim_sev_owner *o, struct sim *scratch,
    const uint8_t measurement[48], uint8_t header[SIM_SEV_HEADER_SIZE])
{
	struct sim_sev_secret secret = { .bytes = sim_key_private(scratch, &o->injected, false) };
	uint8_t iv[16];

	memcpy(secret.guid, SIM_SEV_KEY_GUID, sizeof secret.guid);
	struct sim_bytes table = sim_sev_table_write(scratch, &secret, 1);
	OPENSSL_cleanse(secret.bytes.ptr, secret.bytes.len);
	random_bytes(iv, sizeof iv);
	sim_sev_secret_seal(header, table.ptr, &o->keys, iv, table.ptr, table.len, measurement);
	return table;
}

static struct sim_sev_cert
as_it_is(const uint8_t *cert)
{
	return (struct sim_sev_cert){ .raw = sim_view(cert, SIM_SEV_CERT_SIZE) };
}

struct sim_bytes
sim_sev_owner_record(
    const struct sim_sev_owner *o, struct sim *scratch, const struct sim_sev_launched *l)
{
	struct sim_launch record = { .name = l->name,
		.stage = "complete",
		.policy = o->policy,
		.api = { l->version.major, l->version.minor, l->version.build },
		.created = l->created,
		.pdh = as_it_is(l->pdh),
		.pek = as_it_is(l->pek),
		.oca = as_it_is(l->oca),
		.cek = as_it_is(l->cek),
		.ask = l->ask,
		.injected = &o->injected,
		.signer = l->signer };

	memcpy(record.digest, l->digest, sizeof record.digest);
	memcpy(record.measure, l->measurement, sizeof record.measure);
	memcpy(record.mnonce, l->measurement + 32, sizeof record.mnonce);
	return sim_launch_write(scratch, &record);
}
