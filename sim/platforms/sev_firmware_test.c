/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/sev_firmware.h"

#include "platforms/firmware.h"
#include "platforms/sev_owner.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <openssl/evp.h>

enum { CERT = SIM_SEV_CERT_SIZE, POLICY_ES = 0x0f, POLICY_SEV = 0x0b };

static struct sim *sim;
static struct sim_sev platform;
static struct sim_sev_firmware *fw;

static int
fresh(void **state)
{
	(void)state;
	sim_sev_firmware_free(fw);
	fw = sim_sev_firmware_new(&platform);
	return 0;
}

static int
started(void **state)
{
	fresh(state);
	assert_int_equal(sim_sev_init(fw, true), 0);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	sim = sim_new(7);
	sim_sev_new(&platform, sim, "Milan", true);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_sev_firmware_free(fw);
	sim_free(sim);
	return 0;
}

struct chain {
	uint8_t pdh[CERT], rest[3 * CERT]; /* PEK, OCA, CEK */
};

static void export(struct chain *c)
{
	uint32_t n = sizeof c->pdh, m = sizeof c->rest;

	assert_int_equal(sim_sev_pdh_cert_export(fw, c->pdh, &n, c->rest, &m), 0);
	assert_int_equal(n, CERT);
	assert_int_equal(m, 3 * CERT);
}

static enum sim_sev_platform_state
state_now(void)
{
	struct sim_sev_platform_status s;

	assert_int_equal(sim_sev_platform_status(fw, &s), 0);
	return s.state;
}

static bool
is_external(void)
{
	struct sim_sev_platform_status s;

	assert_int_equal(sim_sev_platform_status(fw, &s), 0);
	return s.external;
}

/* Whether the certificate at `to` has a signature of the key in the one at `from`. */
static bool
signs(const uint8_t *from, const uint8_t *to, uint32_t usage)
{
	uint8_t key[96], rs[96];

	for (size_t i = 0; i < 48; i++) {
		key[i] = from[0x14 + 47 - i];
		key[48 + i] = from[0x5c + 47 - i];
	}
	for (size_t at = 0x414; at <= 0x61c; at += 0x208) {
		for (size_t i = 0; i < 48; i++) {
			rs[i] = to[at + 8 + 47 - i];
			rs[48 + i] = to[at + 80 + 47 - i];
		}
		if (to[at] == (usage & 0xff) && to[at + 1] == usage >> 8 &&
		    sim_check(SIM_P384, key, SIM_SHA256, sim_view(to, 0x414), rs))
			return true;
	}
	return false;
}

/* --- known answers: vectors sev/launch ------------------------------------------------------ */

static struct assay_bytes answers;

static json_t *
known(const char *section)
{
	json_error_t error;
	json_t *all = json_loadb((const char *)answers.ptr, answers.len, 0, &error);
	json_t *part = json_incref(json_object_get(all, section));

	json_decref(all);
	return part;
}

static size_t
unbase64(uint8_t *out, const json_t *from, const char *member)
{
	const char *text = json_string_value(json_object_get(from, member));
	size_t n = strlen(text);
	int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);

	assert_true(got > 0);
	for (size_t i = 0; text[n - 1 - i] == '='; i++)
		got--;
	return (size_t)got;
}

static struct sim_bytes
vector(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "sev/launch/%s", name);
	struct assay_bytes file = vectors_read(path);
	struct sim_bytes bytes = sim_copy(sim, file.ptr, file.len);
	vectors_free(file);
	return bytes;
}

static void
kdf(void **state)
{
	static const uint8_t zero[16],
	    want[16] = { 0xab, 0x4d, 0x26, 0x9f, 0xcc, 0x62, 0xbe, 0xdb, 0x45, 0x11, 0xd5, 0x6c,
		    0x38, 0x6c, 0xe7, 0x06 };
	uint8_t out[16];

	(void)state;
	sim_sev_kdf(out, zero, sizeof zero, "sev-master-secret", zero, sizeof zero);
	assert_memory_equal(out, want, sizeof want);
}

static void
known_measures(void **state)
{
	json_t *rows = known("measure");
	struct sim_bytes tik = vector("tik_measure.bin"), image = vector("ovmf_trimmed.bin");
	struct sim_bytes first = vector("vmsa0.bin"), other = vector("vmsa1.bin");
	size_t done = 0;

	(void)state;
	if (answers.ptr == NULL)
		skip();
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		uint8_t want[64], got[32], digest[64];
		struct sim_bytes all = image;
		json_int_t vcpus = json_integer_value(json_object_get(row, "vcpus"));
		const struct sim_sev_version version = {
			(uint8_t)json_integer_value(json_object_get(row, "api_major")),
			(uint8_t)json_integer_value(json_object_get(row, "api_minor")),
			(uint8_t)json_integer_value(json_object_get(row, "build")),
		};
		if (json_object_get(row, "kernel") != NULL)
			continue; /* the VMM's table of hashes is the verifiers' matter */
		assert_int_equal(unbase64(want, row, "expect_b64"), 48);
		if (vcpus > 0)
			all = sim_join(sim, all, first);
		for (json_int_t v = 1; v < vcpus; v++)
			all = sim_join(sim, all, other);
		if (json_object_get(row, "launch_digest_b64") != NULL)
			unbase64(digest, row, "launch_digest_b64");
		else
			sim_digest(digest, SIM_SHA256, all);
		sim_sev_measure(got, tik.ptr, &version,
		    (uint32_t)json_integer_value(json_object_get(row, "policy")), digest,
		    want + 32);
		assert_memory_equal(got, want, 32);
		done++;
	}
	assert_true(done >= 3);
	json_decref(rows);
}

static void
known_secret(void **state)
{
	json_t *rows = known("secret");
	const json_t *row = json_array_get(rows, 0);
	struct sim_bytes tek = vector("tek_secret.bin"), tik = vector("tik_secret.bin");
	struct sim_sev_transport keys;
	struct sim_sev_secret secret, read[SIM_SEV_SECRETS_MAX];
	uint8_t iv[16 + 3], measure[64], header[64], packet[256], made[52], plain[256];

	(void)state;
	if (answers.ptr == NULL)
		skip();
	memcpy(keys.tek, tek.ptr, 16);
	memcpy(keys.tik, tik.ptr, 16);
	snprintf(
	    secret.guid, sizeof secret.guid, "%s", json_string_value(json_object_get(row, "guid")));
	secret.bytes = vector(json_string_value(json_object_get(row, "file")));
	assert_int_equal(unbase64(iv, row, "iv_b64"), 16);
	assert_int_equal(unbase64(measure, row, "launch_measure_b64"), 48);
	assert_int_equal(unbase64(header, row, "header_b64"), 52);
	size_t n = unbase64(packet, row, "payload_b64");
	struct sim_bytes table = sim_sev_table_write(sim, &secret, 1);
	assert_int_equal(table.len, n);
	sim_sev_secret_seal(made, table.ptr, &keys, iv, table.ptr, n, measure);
	assert_memory_equal(made, header, 52);
	assert_memory_equal(table.ptr, packet, n);
	assert_true(sim_sev_secret_open(plain, &keys, header, packet, n, (uint32_t)n, measure));
	assert_int_equal(sim_sev_table_read(read, sim_view(plain, n)), 1);
	assert_string_equal(read[0].guid, secret.guid);
	assert_int_equal(read[0].bytes.len, secret.bytes.len);
	assert_memory_equal(read[0].bytes.ptr, secret.bytes.ptr, secret.bytes.len);
	json_decref(rows);
}

/* --- the platform --------------------------------------------------------------------------- */

static void
platform_states(void **state)
{
	struct sim_sev_platform_status s;
	struct chain c;
	uint32_t n = CERT, m = 3 * CERT, handle = 0;
	const struct sim_sev_launch_start start = { .policy = POLICY_ES };
	struct sim_bytes none = { NULL, 0 };

	(void)state;
	/* UNINIT */
	assert_int_equal(state_now(), SIM_SEV_UNINIT);
	assert_int_equal(sim_sev_pek_gen(fw), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_pdh_gen(fw), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_pek_csr(fw, c.pdh, &n), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_pek_cert_import(fw, none, none), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(
	    sim_sev_pdh_cert_export(fw, c.pdh, &n, c.rest, &m), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_launch_start(fw, &start, &handle), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_df_flush(fw), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_launch_finish(fw, 1), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_factory_reset(fw), 0);
	/* INIT */
	assert_int_equal(sim_sev_init(fw, true), 0);
	assert_int_equal(sim_sev_init(fw, true), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_init_ex(fw, true, NULL, 0), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_factory_reset(fw), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_launch_finish(fw, 1), SIM_SEV_INVALID_PLATFORM_STATE);
	sim_sev_platform_status(fw, &s);
	assert_int_equal(s.version.major, 1);
	assert_int_equal(s.version.minor, 55);
	assert_int_equal(s.version.build, 21);
	assert_true(s.es);
	assert_false(s.external);
	/* WORKING */
	assert_int_equal(sim_sev_launch_start(fw, &start, &handle), 0);
	assert_int_equal(state_now(), SIM_SEV_WORKING);
	assert_int_equal(sim_sev_pek_gen(fw), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_pek_cert_import(fw, none, none), SIM_SEV_INVALID_PLATFORM_STATE);
	assert_int_equal(sim_sev_pdh_gen(fw), 0);
	assert_int_equal(sim_sev_decommission(fw, handle), 0);
	assert_int_equal(state_now(), SIM_SEV_INIT);
	/* SHUTDOWN ends the guests too */
	assert_int_equal(sim_sev_launch_start(fw, &start, &handle), 0);
	assert_int_equal(sim_sev_shutdown(fw), 0);
	sim_sev_platform_status(fw, &s);
	assert_int_equal(s.state, SIM_SEV_UNINIT);
	assert_int_equal(s.guest_count, 0);
	assert_false(s.es);
}

static void
certificates(void **state)
{
	struct chain first, second;
	static const uint8_t zero[512];
	uint32_t n = CERT - 1, m = 3 * CERT;

	(void)state;
	assert_int_equal(
	    sim_sev_pdh_cert_export(fw, first.pdh, &n, first.rest, &m), SIM_SEV_INVALID_LEN);
	assert_int_equal(n, CERT);
	assert_int_equal(m, 3 * CERT);
	export(&first);
	const uint8_t *pek = first.rest, *oca = pek + CERT, *cek = oca + CERT;
	assert_true(signs(pek, first.pdh, SIM_SEV_PEK));
	assert_true(signs(oca, pek, SIM_SEV_OCA));
	assert_true(signs(cek, pek, SIM_SEV_CEK));
	assert_true(signs(oca, oca, SIM_SEV_OCA));
	/* AMD's signature is not in what is exported, and its key is that of collateral. */
	struct sim_bytes cert = sim_sev_cert_write(sim, &platform.cek);
	assert_memory_equal(cek, cert.ptr, 0x414);
	assert_memory_equal(cek + 0x41c, zero, sizeof zero);
	assert_memory_not_equal(cert.ptr + 0x41c, zero, sizeof zero);
	/* The first PEK is that of collateral. */
	assert_memory_equal(pek, sim_sev_cert_write(sim, &platform.pek).ptr, CERT);

	assert_int_equal(sim_sev_pdh_gen(fw), 0);
	export(&second);
	assert_memory_not_equal(first.pdh, second.pdh, CERT);
	assert_memory_equal(first.rest, second.rest, sizeof first.rest);
	assert_int_equal(sim_sev_pek_gen(fw), 0);
	export(&second);
	assert_memory_not_equal(first.rest, second.rest, CERT);
	assert_memory_not_equal(oca, second.rest + CERT, CERT);
	assert_true(signs(second.rest, second.pdh, SIM_SEV_PEK));
	assert_true(signs(cek, second.rest, SIM_SEV_CEK));
	assert_false(signs(pek, second.pdh, SIM_SEV_PEK));

	/* A factory reset is a new identity as well, from the next INIT on. */
	first = second;
	assert_int_equal(sim_sev_shutdown(fw), 0);
	assert_int_equal(sim_sev_init(fw, true), 0);
	export(&second);
	assert_memory_equal(&first, &second, sizeof first);
	assert_int_equal(sim_sev_shutdown(fw), 0);
	assert_int_equal(sim_sev_factory_reset(fw), 0);
	assert_int_equal(sim_sev_init(fw, true), 0);
	export(&second);
	assert_memory_not_equal(first.rest, second.rest, CERT);
}

static void
chip(void **state)
{
	uint8_t out[SIM_SEV_ID_SIZE];
	uint32_t n = 0;

	(void)state;
	assert_int_equal(sim_sev_get_id(fw, out, &n), SIM_SEV_INVALID_LEN);
	assert_int_equal(n, SIM_SEV_ID_SIZE);
	assert_int_equal(sim_sev_get_id(fw, out, &n), 0);
	assert_memory_equal(out, platform.id, sizeof out);
}

/* An owner's certificate, and the CSR with the owner's signature in a slot. */
static void
own(struct sim_bytes *pek, struct sim_bytes *oca, const struct sim_key *owner, size_t slot)
{
	uint8_t csr[CERT];
	uint32_t n = sizeof csr;
	struct sim_sev_cert c = platform.oca;
	struct sim_sev_cert p = platform.pek;

	assert_int_equal(sim_sev_pek_csr(fw, csr, &n), 0);
	c.key = c.slots[0].signer = owner;
	*oca = sim_sev_cert_write(sim, &c);
	p.slots[slot] = c.slots[0];
	p.slots[1 - slot] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
	*pek = sim_sev_cert_write(sim, &p);
	assert_memory_equal(pek->ptr, csr, 0x414);
}

static void
external_owner(void **state)
{
	const struct sim_key *owner = sim_key(sim, SIM_P384, "an owner");
	struct sim_bytes pek, oca, other_pek, other_oca, bad;
	struct chain before, after;
	uint8_t csr[CERT];
	uint32_t n = CERT - 1;

	(void)state;
	export(&before);
	assert_int_equal(sim_sev_pek_csr(fw, csr, &n), SIM_SEV_INVALID_LEN);
	assert_int_equal(n, CERT);
	own(&pek, &oca, owner, 0);
	own(&other_pek, &other_oca, sim_key(sim, SIM_P384, "another owner"), 1);
	/* Refused: cut short; the PEK of another OCA; one bit of PEK or OCA; the places swapped. */
	bad = sim_copy(sim, pek.ptr, pek.len - 1);
	assert_int_equal(sim_sev_pek_cert_import(fw, bad, oca), SIM_SEV_INVALID_LEN);
	assert_int_equal(sim_sev_pek_cert_import(fw, other_pek, oca), SIM_SEV_BAD_SIGNATURE);
	assert_int_equal(sim_sev_pek_cert_import(fw, oca, pek), SIM_SEV_INVALID_CERTIFICATE);
	bad = sim_copy(sim, pek.ptr, pek.len);
	bad.ptr[0x20] ^= 1;
	assert_int_equal(sim_sev_pek_cert_import(fw, bad, oca), SIM_SEV_INVALID_CERTIFICATE);
	bad = sim_copy(sim, oca.ptr, oca.len);
	bad.ptr[0x420] ^= 1;
	assert_int_equal(sim_sev_pek_cert_import(fw, pek, bad), SIM_SEV_BAD_SIGNATURE);
	assert_false(is_external());

	assert_int_equal(sim_sev_pek_cert_import(fw, other_pek, other_oca), 0);
	assert_true(is_external());
	export(&after);
	assert_memory_equal(after.rest + CERT, other_oca.ptr, CERT);
	assert_true(signs(other_oca.ptr, after.rest, SIM_SEV_OCA));
	assert_true(signs(after.rest + 2 * CERT, after.rest, SIM_SEV_CEK));
	assert_true(signs(after.rest, after.pdh, SIM_SEV_PEK));
	assert_memory_not_equal(before.pdh, after.pdh, CERT);
	assert_int_equal(sim_sev_pek_cert_import(fw, pek, oca), SIM_SEV_ALREADY_OWNED);
	/* A new PEK ends the ownership. */
	assert_int_equal(sim_sev_pek_gen(fw), 0);
	assert_false(is_external());
	export(&after);
	assert_true(signs(after.rest + CERT, after.rest + CERT, SIM_SEV_OCA));
}

static void
made_for_an_owner(void **state)
{
	struct sim_sev owned;
	struct chain c;

	(void)state;
	sim_sev_new(&owned, sim, "Milan", true);
	sim_sev_own(&owned);
	struct sim_sev_firmware *mine = fw;
	fw = sim_sev_firmware_new(&owned);
	assert_int_equal(sim_sev_init(fw, true), 0);
	assert_true(is_external());
	export(&c);
	assert_memory_equal(c.rest + CERT, sim_sev_cert_write(sim, &owned.oca).ptr, CERT);
	assert_true(signs(c.rest + CERT, c.rest, SIM_SEV_OCA));
	assert_memory_not_equal(c.rest + CERT, sim_sev_cert_write(sim, &platform.oca).ptr, CERT);
	sim_sev_firmware_free(fw);
	fw = mine;
}

static void
outside_storage(void **state)
{
	static uint8_t nv[SIM_SEV_NV_SIZE];
	struct chain first, second;

	memset(nv, 0xff, sizeof nv);
	assert_int_equal(sim_sev_init_ex(fw, true, NULL, sizeof nv), SIM_SEV_INVALID_ADDRESS);
	assert_int_equal(sim_sev_init_ex(fw, true, nv, sizeof nv - 1), SIM_SEV_INVALID_LEN);
	assert_int_equal(sim_sev_init_ex(fw, true, nv, sizeof nv), 0);
	assert_int_equal(sim_sev_pek_gen(fw), 0);
	export(&first);
	/* The same chip after it lost its power finds its keys there, and no other does. */
	fresh(state);
	assert_int_equal(sim_sev_init_ex(fw, true, nv, sizeof nv), 0);
	export(&second);
	assert_memory_equal(&first, &second, sizeof first);
	assert_int_equal(sim_sev_pdh_gen(fw), 0);
	export(&second);
	assert_true(signs(second.rest, second.pdh, SIM_SEV_PEK));
	assert_memory_not_equal(first.pdh, second.pdh, CERT);
	for (size_t at = 0; at < 6000; at += 97) {
		fresh(state);
		nv[at] ^= 1;
		assert_int_equal(
		    sim_sev_init_ex(fw, true, nv, sizeof nv), SIM_SEV_SECURE_DATA_INVALID);
		assert_int_equal(state_now(), SIM_SEV_UNINIT);
		nv[at] ^= 1;
	}
}

/* --- guests --------------------------------------------------------------------------------- */

static struct sim_sev_owner owner;
static const uint8_t data[64] = { 0x90, 0x91 };

static struct sim_sev_launch_start
session(uint32_t policy)
{
	struct chain c;

	export(&c);
	sim_sev_owner_clear(&owner);
	assert_true(sim_sev_owner_new(&owner, c.pdh, policy));
	return (struct sim_sev_launch_start){ .policy = policy,
		.owner_dh = sim_view(owner.dh, sizeof owner.dh),
		.session = sim_view(owner.session, sizeof owner.session) };
}

static void
sessions(void **state)
{
	struct sim_sev_launch_start good = session(POLICY_ES), bad = good;
	uint32_t handle = 0, second = 0;

	(void)state;
	bad.policy = POLICY_SEV; /* not the one of the session's MAC */
	assert_int_equal(sim_sev_launch_start(fw, &bad, &handle), SIM_SEV_BAD_MEASUREMENT);
	bad = good;
	bad.session.len--;
	assert_int_equal(sim_sev_launch_start(fw, &bad, &handle), SIM_SEV_INVALID_LEN);
	bad = good;
	bad.owner_dh.len--;
	assert_int_equal(sim_sev_launch_start(fw, &bad, &handle), SIM_SEV_INVALID_LEN);
	for (size_t at = 0; at < SIM_SEV_SESSION_SIZE; at++) {
		bad = good;
		bad.session = sim_copy(sim, good.session.ptr, good.session.len);
		bad.session.ptr[at] ^= 0x10;
		assert_int_equal(sim_sev_launch_start(fw, &bad, &handle), SIM_SEV_BAD_MEASUREMENT);
	}
	/* version, usage, algorithm, curve, a number too long, a point beside the curve */
	const size_t places[] = { 0x000, 0x006, 0x008, 0x00c, 0x010, 0x044, 0x014 };
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		bad = good;
		bad.owner_dh = sim_copy(sim, good.owner_dh.ptr, good.owner_dh.len);
		bad.owner_dh.ptr[places[i]] ^= 1;
		assert_int_equal(
		    sim_sev_launch_start(fw, &bad, &handle), SIM_SEV_INVALID_CERTIFICATE);
	}
	assert_int_equal(state_now(), SIM_SEV_INIT);
	good.owner_dh = sim_copy(sim, good.owner_dh.ptr, good.owner_dh.len);
	memset(good.owner_dh.ptr + 0x0a4, 0x55, 880); /* as sevctl's have it: behind the key */
	/* The firmware remembers no nonce: it is the owner who uses a session once. Each launch has
	 * a nonce of its own in its measurement, which no secret for the other fits. */
	assert_int_equal(sim_sev_launch_start(fw, &good, &handle), 0);
	assert_int_equal(sim_sev_launch_start(fw, &good, &second), 0);
	assert_int_equal(handle, 1);
	assert_int_equal(second, 2);
	/* A session for a PDH that is no more. */
	assert_int_equal(sim_sev_pdh_gen(fw), 0);
	assert_int_equal(sim_sev_launch_start(fw, &good, &handle), SIM_SEV_BAD_MEASUREMENT);
}

static void
policies(void **state)
{
	struct sim_sev_launch_start s = { .policy = POLICY_SEV };
	uint32_t handle = 0, shared = 0;

	fresh(state);
	assert_int_equal(sim_sev_init(fw, false), 0); /* no SEV-ES */
	s.policy = POLICY_ES;
	assert_int_equal(sim_sev_launch_start(fw, &s, &handle), SIM_SEV_POLICY_FAILURE);
	s.policy = POLICY_SEV | 2 << 16;
	assert_int_equal(sim_sev_launch_start(fw, &s, &handle), SIM_SEV_POLICY_FAILURE);
	s.policy = POLICY_SEV | 1 << 16 | 56U << 24;
	assert_int_equal(sim_sev_launch_start(fw, &s, &handle), SIM_SEV_POLICY_FAILURE);
	s.policy = POLICY_SEV | 1 << 16 | 55U << 24;
	assert_int_equal(sim_sev_launch_start(fw, &s, &handle), 0);
	s.policy = POLICY_SEV | 0U << 16 | 255U << 24;
	assert_int_equal(sim_sev_launch_start(fw, &s, &handle), 0);
	/* A memory key that two guests share. */
	s = (struct sim_sev_launch_start){ .policy = POLICY_SEV, .handle = handle };
	assert_int_equal(sim_sev_launch_start(fw, &s, &shared), SIM_SEV_POLICY_FAILURE);
	s = (struct sim_sev_launch_start){ .policy = SIM_SEV_NODBG };
	assert_int_equal(sim_sev_launch_start(fw, &s, &handle), 0);
	s.handle = handle;
	assert_int_equal(sim_sev_launch_start(fw, &s, &shared), 0);
	s.policy = SIM_SEV_NODBG | SIM_SEV_NOSEND;
	assert_int_equal(sim_sev_launch_start(fw, &s, &shared), SIM_SEV_POLICY_FAILURE);
	s.handle = 60;
	assert_int_equal(sim_sev_launch_start(fw, &s, &shared), SIM_SEV_INVALID_GUEST);
}

static uint32_t
launched(uint32_t policy, uint8_t measurement[48])
{
	struct sim_sev_launch_start s = session(policy);
	uint8_t vmsa[SIM_SEV_VMSA_SIZE] = { 0 };
	uint32_t handle = 0, n = 48;
	bool es = (policy & SIM_SEV_ES) != 0;

	assert_int_equal(sim_sev_launch_start(fw, &s, &handle), 0);
	assert_int_equal(sim_sev_activate(fw, handle, (es ? 0 : SIM_SEV_ASID_ES_MAX) + handle), 0);
	assert_int_equal(sim_sev_launch_update_data(fw, handle, sim_view(data, sizeof data)), 0);
	if (es)
		assert_int_equal(
		    sim_sev_launch_update_vmsa(fw, handle, sim_view(vmsa, sizeof vmsa)), 0);
	assert_int_equal(sim_sev_launch_measure(fw, handle, measurement, &n), 0);
	return handle;
}

static void
expected_digest(uint8_t digest[64], uint32_t policy)
{
	uint8_t vmsa[SIM_SEV_VMSA_SIZE] = { 0 };
	struct sim_bytes all = sim_copy(sim, data, sizeof data);

	if ((policy & SIM_SEV_ES) != 0)
		all = sim_join(sim, all, sim_view(vmsa, sizeof vmsa));
	sim_digest(digest, SIM_SHA256, all);
}

static void
whole_launch(void **state)
{
	static const uint32_t both[] = { POLICY_SEV, POLICY_ES };
	struct sim_sev_secret found[SIM_SEV_SECRETS_MAX];
	uint8_t m[48], digest[64], header[52], plain[512], report[SIM_SEV_REPORT_SIZE];
	static const uint8_t nonce[16] = "nonce of a host";
	struct chain c;

	(void)state;
	export(&c);
	for (size_t i = 0; i < 2; i++) {
		uint32_t handle = launched(both[i], m), n = sizeof report, policy = 0, asid = 0;
		enum sim_sev_guest_state guest = SIM_SEV_G_UNINIT;
		const struct sim_sev_version v = { 1, 55, 21 };
		uint8_t rs[96], key[96];

		expected_digest(digest, both[i]);
		assert_true(sim_sev_owner_check(&owner, &v, digest, m));
		digest[0] ^= 1;
		assert_false(sim_sev_owner_check(&owner, &v, digest, m));
		digest[0] ^= 1;
		struct sim_bytes packet = sim_sev_owner_secret(&owner, sim, m, header);
		assert_int_equal(sim_sev_launch_secret(fw, handle, sim_view(header, 52), packet,
				     plain, (uint32_t)packet.len),
		    0);
		assert_int_equal(sim_sev_table_read(found, sim_view(plain, packet.len)), 1);
		assert_string_equal(found[0].guid, SIM_SEV_KEY_GUID);
		struct sim_bytes want = sim_key_private(sim, &owner.injected, false);
		assert_int_equal(found[0].bytes.len, want.len);
		assert_memory_equal(found[0].bytes.ptr, want.ptr, want.len);
		assert_int_equal(sim_sev_launch_finish(fw, handle), 0);
		assert_int_equal(sim_sev_guest_status(fw, handle, &policy, &asid, &guest), 0);
		assert_int_equal(policy, both[i]);
		assert_int_equal(guest, SIM_SEV_RUNNING);
		/* What it attests, and who signs. */
		assert_int_equal(sim_sev_attestation(fw, handle, nonce, report, &n), 0);
		assert_int_equal(n, SIM_SEV_REPORT_SIZE);
		assert_memory_equal(report, nonce, 16);
		assert_memory_equal(report + 16, digest, 32);
		assert_int_equal(report[48], both[i]);
		assert_int_equal(report[52] | report[53] << 8, SIM_SEV_PEK);
		assert_int_equal(report[56], SIM_SEV_ECDSA_SHA256);
		for (size_t b = 0; b < 48; b++) {
			key[b] = c.rest[0x14 + 47 - b];
			key[48 + b] = c.rest[0x5c + 47 - b];
			rs[b] = report[0x40 + 47 - b];
			rs[48 + b] = report[0x88 + 47 - b];
		}
		assert_true(sim_check(SIM_P384, key, SIM_SHA256, sim_view(report, 52), rs));
	}
}

/* Each command in each state that a guest can be in. */
static void
guest_states(void **state)
{
	struct sim_sev_launch_start s = session(POLICY_ES);
	uint8_t m[48], vmsa[SIM_SEV_VMSA_SIZE] = { 0 }, header[52], plain[512],
		       report[SIM_SEV_REPORT_SIZE];
	static const uint8_t nonce[16];
	struct sim_bytes page = sim_view(vmsa, sizeof vmsa), block = sim_view(data, sizeof data);
	uint32_t h = 0, n = 48;

	(void)state;
	assert_int_equal(sim_sev_launch_start(fw, &s, &h), 0);
	/* no such guest */
	assert_int_equal(sim_sev_launch_update_data(fw, 0, block), SIM_SEV_INVALID_GUEST);
	assert_int_equal(sim_sev_launch_update_data(fw, 9, block), SIM_SEV_INVALID_GUEST);
	assert_int_equal(sim_sev_launch_update_data(fw, 65, block), SIM_SEV_INVALID_GUEST);
	assert_int_equal(sim_sev_launch_measure(fw, 9, m, &n), SIM_SEV_INVALID_GUEST);
	assert_int_equal(sim_sev_launch_finish(fw, 9), SIM_SEV_INVALID_GUEST);
	assert_int_equal(sim_sev_attestation(fw, 9, nonce, report, &n), SIM_SEV_INVALID_GUEST);
	assert_int_equal(sim_sev_activate(fw, 9, 1), SIM_SEV_INVALID_GUEST);
	assert_int_equal(sim_sev_decommission(fw, 9), SIM_SEV_INVALID_GUEST);
	/* LUPDATE */
	assert_int_equal(sim_sev_launch_update_data(fw, h, block), SIM_SEV_INACTIVE);
	assert_int_equal(sim_sev_launch_update_vmsa(fw, h, page), SIM_SEV_INACTIVE);
	assert_int_equal(sim_sev_activate(fw, h, 1), 0);
	assert_int_equal(
	    sim_sev_launch_update_data(fw, h, sim_view(data, 15)), SIM_SEV_INVALID_LEN);
	assert_int_equal(sim_sev_launch_update_data(fw, h, sim_view(data, 0)), SIM_SEV_INVALID_LEN);
	assert_int_equal(
	    sim_sev_launch_update_vmsa(fw, h, sim_view(vmsa, 2048)), SIM_SEV_INVALID_LEN);
	assert_int_equal(sim_sev_launch_update_data(fw, h, block), 0);
	assert_int_equal(sim_sev_launch_update_vmsa(fw, h, page), 0);
	assert_int_equal(sim_sev_launch_secret(fw, h, sim_view(header, 52), block, plain, 64),
	    SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_launch_finish(fw, h), SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(
	    sim_sev_attestation(fw, h, nonce, report, &n), SIM_SEV_INVALID_GUEST_STATE);
	n = 0;
	assert_int_equal(sim_sev_launch_measure(fw, h, m, &n), SIM_SEV_INVALID_LEN);
	assert_int_equal(n, 48);
	assert_int_equal(sim_sev_launch_measure(fw, h, m, &n), 0);
	/* LSECRET */
	assert_int_equal(sim_sev_launch_update_data(fw, h, block), SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_launch_update_vmsa(fw, h, page), SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_launch_measure(fw, h, m, &n), SIM_SEV_INVALID_GUEST_STATE);
	n = 207;
	assert_int_equal(sim_sev_attestation(fw, h, nonce, report, &n), SIM_SEV_INVALID_LEN);
	assert_int_equal(n, SIM_SEV_REPORT_SIZE);
	assert_int_equal(sim_sev_attestation(fw, h, nonce, report, &n), 0);
	struct sim_bytes packet = sim_sev_owner_secret(&owner, sim, m, header);
	assert_int_equal(
	    sim_sev_launch_secret(fw, h, sim_view(header, 52), packet, plain, (uint32_t)packet.len),
	    0);
	assert_int_equal(sim_sev_launch_finish(fw, h), 0);
	/* RUNNING: the same packet again, and all else of a launch */
	assert_int_equal(
	    sim_sev_launch_secret(fw, h, sim_view(header, 52), packet, plain, (uint32_t)packet.len),
	    SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_launch_update_data(fw, h, block), SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_launch_update_vmsa(fw, h, page), SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_launch_measure(fw, h, m, &n), SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_launch_finish(fw, h), SIM_SEV_INVALID_GUEST_STATE);
	/* the end */
	assert_int_equal(sim_sev_decommission(fw, h), SIM_SEV_ACTIVE);
	assert_int_equal(sim_sev_deactivate(fw, h), 0);
	assert_int_equal(sim_sev_decommission(fw, h), 0);
	assert_int_equal(sim_sev_decommission(fw, h), SIM_SEV_INVALID_PLATFORM_STATE);
	/* of a guest without SEV-ES no vCPU is measured */
	s = session(POLICY_SEV);
	assert_int_equal(sim_sev_launch_start(fw, &s, &h), 0);
	assert_int_equal(sim_sev_activate(fw, h, 100), 0);
	assert_int_equal(sim_sev_launch_update_vmsa(fw, h, page), SIM_SEV_POLICY_FAILURE);
}

static void
secrets(void **state)
{
	uint8_t first[48], second[48], header[52], other[52], plain[SIM_SEV_SECRET_MAX + 16];
	uint32_t a, b;

	(void)state;
	a = launched(POLICY_ES, first);
	struct sim_bytes packet = sim_sev_owner_secret(&owner, sim, first, header), bad;
	struct sim_bytes head = sim_view(header, sizeof header);
	uint32_t n = (uint32_t)packet.len;
	static uint8_t big[SIM_SEV_SECRET_MAX + 16];

	assert_int_equal(sim_sev_launch_secret(fw, a, sim_view(header, 51), packet, plain, n),
	    SIM_SEV_INVALID_LEN);
	assert_int_equal(sim_sev_launch_secret(fw, a, head, sim_view(packet.ptr, n - 1), plain, n),
	    SIM_SEV_INVALID_LEN);
	assert_int_equal(
	    sim_sev_launch_secret(fw, a, head, packet, plain, n - 16), SIM_SEV_INVALID_LEN);
	assert_int_equal(
	    sim_sev_launch_secret(fw, a, head, sim_view(big, sizeof big), plain, sizeof big),
	    SIM_SEV_INVALID_LEN);
	for (size_t at = 0; at < sizeof header; at++) {
		memcpy(other, header, sizeof other);
		other[at] ^= 1;
		assert_int_equal(
		    sim_sev_launch_secret(fw, a, sim_view(other, 52), packet, plain, n),
		    at < 4 ? SIM_SEV_UNSUPPORTED : SIM_SEV_BAD_MEASUREMENT);
	}
	for (size_t at = 0; at < n; at++) {
		bad = sim_copy(sim, packet.ptr, n);
		bad.ptr[at] ^= 0x80;
		assert_int_equal(
		    sim_sev_launch_secret(fw, a, head, bad, plain, n), SIM_SEV_BAD_MEASUREMENT);
	}
	/* The packet of one launch is of no use for another, not even under the same session. */
	struct sim_sev_launch_start again = { .policy = POLICY_ES,
		.owner_dh = sim_view(owner.dh, sizeof owner.dh),
		.session = sim_view(owner.session, sizeof owner.session) };
	uint8_t vmsa[SIM_SEV_VMSA_SIZE] = { 0 };
	uint32_t len = 48;
	assert_int_equal(sim_sev_launch_start(fw, &again, &b), 0);
	assert_int_equal(sim_sev_activate(fw, b, 50), 0);
	assert_int_equal(sim_sev_launch_update_data(fw, b, sim_view(data, sizeof data)), 0);
	assert_int_equal(sim_sev_launch_update_vmsa(fw, b, sim_view(vmsa, sizeof vmsa)), 0);
	assert_int_equal(sim_sev_launch_measure(fw, b, second, &len), 0);
	assert_memory_not_equal(first, second, 32);
	assert_int_equal(
	    sim_sev_launch_secret(fw, b, head, packet, plain, n), SIM_SEV_BAD_MEASUREMENT);
	/* In LSECRET the firmware takes as many as the owner sends; then none. */
	assert_int_equal(sim_sev_launch_secret(fw, a, head, packet, plain, n), 0);
	assert_int_equal(sim_sev_launch_secret(fw, a, head, packet, plain, n), 0);
	assert_int_equal(sim_sev_launch_finish(fw, a), 0);
	assert_int_equal(
	    sim_sev_launch_secret(fw, a, head, packet, plain, n), SIM_SEV_INVALID_GUEST_STATE);
	assert_int_equal(sim_sev_deactivate(fw, b), 0);
	packet = sim_sev_owner_secret(&owner, sim, second, header);
	assert_int_equal(sim_sev_launch_secret(fw, b, head, packet, plain, n), SIM_SEV_INACTIVE);
}

static void
asids(void **state)
{
	struct sim_sev_launch_start es = { .policy = POLICY_ES }, sev = { .policy = POLICY_SEV };
	uint32_t a, b, c;

	(void)state;
	assert_int_equal(sim_sev_launch_start(fw, &es, &a), 0);
	assert_int_equal(sim_sev_launch_start(fw, &es, &b), 0);
	assert_int_equal(sim_sev_launch_start(fw, &sev, &c), 0);
	assert_int_equal(sim_sev_activate(fw, a, 0), SIM_SEV_INVALID_ASID);
	assert_int_equal(sim_sev_activate(fw, a, SIM_SEV_ASID_ES_MAX + 1), SIM_SEV_INVALID_ASID);
	assert_int_equal(sim_sev_activate(fw, c, SIM_SEV_ASID_ES_MAX), SIM_SEV_INVALID_ASID);
	assert_int_equal(sim_sev_activate(fw, c, SIM_SEV_ASID_MAX + 1), SIM_SEV_INVALID_ASID);
	assert_int_equal(sim_sev_activate(fw, a, 5), 0);
	assert_int_equal(sim_sev_activate(fw, a, 6), SIM_SEV_ACTIVE);
	assert_int_equal(sim_sev_activate(fw, b, 5), SIM_SEV_ASID_OWNED);
	assert_int_equal(sim_sev_deactivate(fw, a), 0);
	assert_int_equal(sim_sev_activate(fw, b, 5), SIM_SEV_DFFLUSH_REQUIRED);
	assert_int_equal(sim_sev_df_flush(fw), 0);
	assert_int_equal(sim_sev_activate(fw, b, 5), 0);
}

static void
full(void **state)
{
	struct sim_sev_launch_start s = { .policy = POLICY_SEV };
	struct sim_sev_platform_status st;
	uint32_t h = 0;

	(void)state;
	for (uint32_t i = 1; i <= 64; i++) {
		assert_int_equal(sim_sev_launch_start(fw, &s, &h), 0);
		assert_int_equal(h, i);
	}
	sim_sev_platform_status(fw, &st);
	assert_int_equal(st.guest_count, 64);
	assert_int_equal(sim_sev_launch_start(fw, &s, &h), SIM_SEV_RESOURCE_LIMIT);
	assert_int_equal(sim_sev_decommission(fw, 3), 0);
	assert_int_equal(sim_sev_launch_start(fw, &s, &h), 0);
	assert_int_equal(h, 3);
}

/* A table of secrets, cut and bent: what is read lies in it. */
static void
tables(void **state)
{
	struct sim_sev_secret in[2] = { { .guid = SIM_SEV_KEY_GUID, .bytes = sim_view(data, 5) },
		{ .guid = "736869e5-84f0-4973-92ec-06879ce3da0b", .bytes = sim_view(data, 0) } };
	struct sim_sev_secret out[SIM_SEV_SECRETS_MAX];
	struct sim_bytes table = sim_sev_table_write(sim, in, 2);

	(void)state;
	assert_int_equal(table.len, 80);
	assert_int_equal(sim_sev_table_read(out, table), 2);
	assert_string_equal(out[0].guid, in[0].guid);
	assert_int_equal(out[0].bytes.len, 5);
	assert_string_equal(out[1].guid, in[1].guid);
	assert_int_equal(out[1].bytes.len, 0);
	for (size_t n = 0; n < table.len; n++)
		assert_int_equal(sim_sev_table_read(out, sim_view(table.ptr, n)), n < 65 ? 0 : 2);
	for (size_t i = 0; i < table.len * 8; i++) {
		struct sim_bytes bent = sim_copy(sim, table.ptr, table.len);
		bent.ptr[i / 8] ^= (uint8_t)(1 << i % 8);
		size_t n = sim_sev_table_read(out, bent);
		for (size_t k = 0; k < n; k++)
			assert_true(out[k].bytes.ptr >= bent.ptr &&
			    out[k].bytes.len <= bent.len - (size_t)(out[k].bytes.ptr - bent.ptr));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kdf),
		cmocka_unit_test(known_measures),
		cmocka_unit_test(known_secret),
		cmocka_unit_test_setup(platform_states, fresh),
		cmocka_unit_test_setup(certificates, started),
		cmocka_unit_test_setup(chip, fresh),
		cmocka_unit_test_setup(external_owner, started),
		cmocka_unit_test_setup(made_for_an_owner, started),
		cmocka_unit_test_setup(outside_storage, fresh),
		cmocka_unit_test_setup(sessions, started),
		cmocka_unit_test_setup(policies, started),
		cmocka_unit_test_setup(whole_launch, started),
		cmocka_unit_test_setup(guest_states, started),
		cmocka_unit_test_setup(secrets, started),
		cmocka_unit_test_setup(asids, started),
		cmocka_unit_test_setup(full, started),
		cmocka_unit_test(tables),
	};

	answers = vectors_read("sev/launch/known_answers.json");
	int rc = cmocka_run_group_tests(tests, set_up, tear_down);
	vectors_free(answers);
	sim_sev_owner_clear(&owner);
	return rc;
}
