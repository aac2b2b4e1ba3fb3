/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/sev_launch.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* The session blob. */
enum { AT_NONCE = 0, AT_WRAP_TK = 16, AT_WRAP_IV = 48, AT_WRAP_MAC = 64, AT_POLICY_MAC = 96 };
/* The packet header of a secret. */
enum { AT_FLAGS = 0, AT_IV = 4, AT_MAC = 20 };
enum { CONTEXT_SECRET = 1, CONTEXT_MEASURE = 4, ENTRY_HEAD = 20 };

static const char table_guid[] = "1e74f542-71dd-4d66-963e-ef4287ff173b";

/* --- the session ---------------------------------------------------------------------------- */

void
sim_sev_kdf(uint8_t out[16], const uint8_t *key, size_t key_len, const char *label,
    const uint8_t *context, size_t context_len)
{
	uint8_t in[4 + 32 + 1 + 16 + 4], mac[32];
	size_t n = strlen(label), at = 4;

	if (n > 32 || context_len > 16)
		sim_die("a KDF label or context is too long");
	sim_store_u32(in, 1); /* one block is enough */
	memcpy(in + at, label, n);
	at += n;
	in[at++] = 0;
	if (context_len > 0)
		memcpy(in + at, context, context_len);
	at += context_len;
	sim_store_u32(in + at, 128);
	sim_hmac(mac, key, key_len, in, at + 4);
	memcpy(out, mac, 16);
	OPENSSL_cleanse(mac, sizeof mac);
}

static void
session_keys(uint8_t kek[16], uint8_t kik[16], const uint8_t z[48], const uint8_t nonce[16])
{
	uint8_t master[16];

	sim_sev_kdf(master, z, 48, "sev-master-secret", nonce, 16);
	sim_sev_kdf(kek, master, 16, "sev-kek", NULL, 0);
	sim_sev_kdf(kik, master, 16, "sev-kik", NULL, 0);
	OPENSSL_cleanse(master, sizeof master);
}

static void
policy_mac(uint8_t mac[32], const uint8_t tik[16], uint32_t policy)
{
	uint8_t bytes[4];

	sim_store_u32(bytes, policy);
	sim_hmac(mac, tik, 16, bytes, sizeof bytes);
}

void
sim_sev_session_seal(uint8_t blob[SIM_SEV_SESSION_SIZE], const struct sim_sev_transport *keys,
    const uint8_t z[48], const uint8_t nonce[16], const uint8_t iv[16], uint32_t policy)
{
	uint8_t kek[16], kik[16], both[32];

	session_keys(kek, kik, z, nonce);
	memcpy(both, keys->tek, 16);
	memcpy(both + 16, keys->tik, 16);
	memcpy(blob + AT_NONCE, nonce, 16);
	memcpy(blob + AT_WRAP_IV, iv, 16);
	sim_aes_ctr(blob + AT_WRAP_TK, kek, iv, both, sizeof both);
	sim_hmac(blob + AT_WRAP_MAC, kik, sizeof kik, blob + AT_WRAP_TK, sizeof both);
	policy_mac(blob + AT_POLICY_MAC, keys->tik, policy);
	OPENSSL_cleanse(kek, sizeof kek);
	OPENSSL_cleanse(kik, sizeof kik);
	OPENSSL_cleanse(both, sizeof both);
}

bool
sim_sev_session_open(struct sim_sev_transport *keys, const uint8_t blob[SIM_SEV_SESSION_SIZE],
    const uint8_t z[48], uint32_t policy)
{
	uint8_t kek[16], kik[16], both[32], mac[32];

	session_keys(kek, kik, z, blob + AT_NONCE);
	sim_hmac(mac, kik, sizeof kik, blob + AT_WRAP_TK, sizeof both);
	bool ok = CRYPTO_memcmp(mac, blob + AT_WRAP_MAC, sizeof mac) == 0;
	sim_aes_ctr(both, kek, blob + AT_WRAP_IV, blob + AT_WRAP_TK, sizeof both);
	policy_mac(mac, both + 16, policy);
	ok = ok && CRYPTO_memcmp(mac, blob + AT_POLICY_MAC, sizeof mac) == 0;
	if (ok) {
		memcpy(keys->tek, both, 16);
		memcpy(keys->tik, both + 16, 16);
	}
	OPENSSL_cleanse(kek, sizeof kek);
	OPENSSL_cleanse(kik, sizeof kik);
	OPENSSL_cleanse(both, sizeof both);
	return ok;
}

/* --- measure and secret --------------------------------------------------------------------- */

void
sim_sev_measure(uint8_t measure[32], const uint8_t tik[16], const struct sim_sev_version *version,
    uint32_t policy, const uint8_t digest[32], const uint8_t mnonce[16])
{
	uint8_t in[56] = { CONTEXT_MEASURE, version->major, version->minor, version->build };

	sim_store_u32(in + 4, policy);
	memcpy(in + 8, digest, 32);
	memcpy(in + 40, mnonce, 16);
	sim_hmac(measure, tik, 16, in, sizeof in);
}

static void
secret_mac(uint8_t mac[32], const uint8_t tik[16], const uint8_t *header, const uint8_t *cipher,
    size_t n, uint32_t guest_len, const uint8_t measure[32])
{
	struct sim *scratch = sim_scratch();
	struct sim_buf b = { .sim = scratch };

	sim_put(&b, (const uint8_t[]){ CONTEXT_SECRET }, 1);
	sim_put(&b, header + AT_FLAGS, 4);
	sim_put(&b, header + AT_IV, 16);
	sim_put_u32(&b, guest_len);
	sim_put_u32(&b, (uint32_t)n);
	sim_put(&b, cipher, n);
	sim_put(&b, measure, 32);
	sim_hmac(mac, tik, 16, b.ptr, b.len);
	sim_free(scratch);
}

void
sim_sev_secret_seal(uint8_t header[SIM_SEV_HEADER_SIZE], uint8_t *cipher,
    const struct sim_sev_transport *keys, const uint8_t iv[16], const uint8_t *plain, size_t n,
    const uint8_t measure[32])
{
	memset(header, 0, SIM_SEV_HEADER_SIZE);
	memcpy(header + AT_IV, iv, 16);
	sim_aes_ctr(cipher, keys->tek, iv, plain, n);
	secret_mac(header + AT_MAC, keys->tik, header, cipher, n, (uint32_t)n, measure);
}

bool
sim_sev_secret_open(uint8_t *plain, const struct sim_sev_transport *keys,
    const uint8_t header[SIM_SEV_HEADER_SIZE], const uint8_t *cipher, size_t n, uint32_t guest_len,
    const uint8_t measure[32])
{
	uint8_t mac[32];

	secret_mac(mac, keys->tik, header, cipher, n, guest_len, measure);
	if (CRYPTO_memcmp(mac, header + AT_MAC, sizeof mac) != 0)
		return false;
	sim_aes_ctr(plain, keys->tek, header + AT_IV, cipher, n);
	return true;
}

/* --- the table in the guest's memory -------------------------------------------------------- */

/* Places of the bytes in the text: the first three parts are little-endian in memory. */
static const uint8_t guid_order[16] = { 6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34 };

bool
sim_guid_read(uint8_t guid[16], const char *text)
{
	static const char hex[] = "0123456789abcdef";

	if (strlen(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
	    text[23] != '-')
		return false;
	for (size_t i = 0; i < 16; i++) {
		const char *high = strchr(hex, text[guid_order[i]]);
		const char *low = strchr(hex, text[guid_order[i] + 1]);
		if (high == NULL || low == NULL)
			return false;
		guid[i] = (uint8_t)((high - hex) << 4 | (low - hex));
	}
	return true;
}

void
sim_guid_write(char text[37], const uint8_t guid[16])
{
	memcpy(text,
	    "--------"
	    "--------"
	    "--------"
	    "--------"
	    "----",
	    37);
	for (size_t i = 0; i < 16; i++) {
		char two[3];
		snprintf(two, sizeof two, "%02x", guid[i]);
		memcpy(text + guid_order[i], two, 2);
	}
}

static void
put_guid(struct sim_buf *b, const char *text)
{
	uint8_t guid[16];

	if (!sim_guid_read(guid, text))
		sim_die("%s: is no GUID", text);
	sim_put(b, guid, 16);
}

struct sim_bytes
sim_sev_table_write(struct sim *sim, const struct sim_sev_secret *secrets, size_t count)
{
	struct sim_buf b = { .sim = sim };
	size_t total = ENTRY_HEAD;

	for (size_t i = 0; i < count; i++)
		total += ENTRY_HEAD + secrets[i].bytes.len;
	put_guid(&b, table_guid);
	sim_put_u32(&b, (uint32_t)total);
	for (size_t i = 0; i < count; i++) {
		put_guid(&b, secrets[i].guid);
		sim_put_u32(&b, (uint32_t)(ENTRY_HEAD + secrets[i].bytes.len));
		sim_put_bytes(&b, secrets[i].bytes);
	}
	sim_put_zero(&b, (16 - total % 16) % 16);
	return sim_taken(&b);
}

static size_t
u32(const uint8_t *at)
{
	return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

size_t
sim_sev_table_read(struct sim_sev_secret secrets[SIM_SEV_SECRETS_MAX], struct sim_bytes table)
{
	static const uint8_t none[16];
	uint8_t guid[16];
	size_t count = 0, end;

	if (!sim_guid_read(guid, table_guid) || table.len < ENTRY_HEAD ||
	    memcmp(table.ptr, guid, 16) != 0)
		return 0;
	if ((end = u32(table.ptr + 16)) < ENTRY_HEAD || end > table.len)
		return 0;
	for (size_t at = ENTRY_HEAD; end - at >= ENTRY_HEAD && count < SIM_SEV_SECRETS_MAX;) {
		size_t n = u32(table.ptr + at + 16);
		if (n < ENTRY_HEAD || n > end - at)
			return 0;
		if (memcmp(table.ptr + at, none, 16) != 0) {
			sim_guid_write(secrets[count].guid, table.ptr + at);
			secrets[count++].bytes =
			    (struct sim_bytes){ table.ptr + at + ENTRY_HEAD, n - ENTRY_HEAD };
		}
		at += n;
	}
	return count;
}
