/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY = ASSAY_LAUNCH_KEY_SIZE,
	KDF_LABEL_MAX = 32,
	KDF_BITS = 8 * KEY,
	/* Of the session blob: nonce, wrapped TEK and TIK, their IV and MAC, MAC of the policy. */
	BLOB_WRAP = KEY,
	BLOB_IV = BLOB_WRAP + 2 * KEY,
	BLOB_WRAP_MAC = BLOB_IV + KEY,
	BLOB_POLICY_MAC = BLOB_WRAP_MAC + ASSAY_SHA256_LEN,
	/* Of a SEV certificate. */
	CERT_VERSION = 0x000,
	CERT_USAGE = 0x008,
	CERT_ALGO = 0x00c,
	CERT_CURVE = 0x010,
	CERT_X = 0x014,
	CERT_Y = 0x05c,
	CERT_FIRST_SLOT = 0x414,
	CERT_SECOND_SLOT = 0x61c,
	CURVE_P384 = 2,
	P384_SIZE = 48,
};
_Static_assert(BLOB_POLICY_MAC + ASSAY_SHA256_LEN == ASSAY_LAUNCH_BLOB_SIZE, "the blob is full");
static const uint32_t policy_reserved = 0xffc0;

static void
put_u32(uint8_t *out, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

bool
assay_launch_kdf(
    uint8_t out[KEY], struct assay_bytes key, const char *label, struct assay_bytes context)
{
	uint8_t message[4 + KDF_LABEL_MAX + 1 + KEY + 4], mac[ASSAY_SHA256_LEN];
	size_t n = strlen(label), len = 4 + n + 1 + context.len + 4;

	memset(message, 0, sizeof message);
	message[0] = 1; /* the counter: one block is enough */
	memcpy(message + 4, label, n);
	if (context.len > 0)
		memcpy(message + 4 + n + 1, context.ptr, context.len);
	put_u32(message + len - 4, KDF_BITS);
	bool ok = assay_hmac_sha256(mac, key, (struct assay_bytes){ message, len });
	if (ok)
		memcpy(out, mac, KEY);
	assay_wipe(mac, sizeof mac);
	return ok;
}

static struct assay_bytes
slice(const uint8_t *at, size_t n)
{
	return (struct assay_bytes){ at, n };
}

bool
assay_launch_blob(uint8_t out[ASSAY_LAUNCH_BLOB_SIZE], struct assay_bytes z, uint32_t policy,
    const struct launch_chance *chance)
{
	uint8_t master[KEY], kek[KEY], kik[KEY], keys[2 * KEY], number[4];

	memcpy(keys, chance->tek, KEY);
	memcpy(keys + KEY, chance->tik, KEY);
	put_u32(number, policy);
	memcpy(out, chance->nonce, KEY);
	memcpy(out + BLOB_IV, chance->wrap_iv, KEY);
	bool ok = assay_launch_kdf(master, z, "sev-master-secret", slice(chance->nonce, KEY)) &&
	    assay_launch_kdf(kek, slice(master, KEY), "sev-kek", slice(NULL, 0)) &&
	    assay_launch_kdf(kik, slice(master, KEY), "sev-kik", slice(NULL, 0)) &&
	    assay_aes128_ctr(out + BLOB_WRAP, kek, chance->wrap_iv, slice(keys, sizeof keys)) &&
	    assay_hmac_sha256(
		out + BLOB_WRAP_MAC, slice(kik, KEY), slice(out + BLOB_WRAP, 2 * KEY)) &&
	    assay_hmac_sha256(
		out + BLOB_POLICY_MAC, slice(chance->tik, KEY), slice(number, sizeof number));
	assay_wipe(master, sizeof master);
	assay_wipe(kek, sizeof kek);
	assay_wipe(kik, sizeof kik);
	assay_wipe(keys, sizeof keys);
	return ok;
}

/* Not signed: the firmware asks for no signature, and whose it is the session's MACs say. */
static bool
write_godh(uint8_t out[SEV_CERT_SIZE], const struct assay_pair *own)
{
	struct assay_public_numbers n;

	if (!assay_pair_public(&n, own))
		return false;
	memset(out, 0, SEV_CERT_SIZE);
	put_u32(out + CERT_VERSION, 1);
	put_u32(out + CERT_USAGE, SEV_USAGE_PDH);
	put_u32(out + CERT_ALGO, SEV_ECDH_SHA256);
	put_u32(out + CERT_CURVE, CURVE_P384);
	assay_reverse(out + CERT_X, n.at[0], P384_SIZE);
	assay_reverse(out + CERT_Y, n.at[1], P384_SIZE);
	put_u32(out + CERT_FIRST_SLOT, SEV_USAGE_NONE);
	put_u32(out + CERT_SECOND_SLOT, SEV_USAGE_NONE);
	return true;
}

static enum assay_code
read_pdh(struct assay_pair *out, struct assay_bytes in, struct assay_error *err)
{
	struct sev_cert pdh;
	enum assay_code rc = assay_sev_cert_parse(&pdh, in, "PDH", err);

	if (rc != ASSAY_OK)
		return rc;
	if (pdh.public.kind != ASSAY_KEY_P384 || pdh.algo != SEV_ECDH_SHA256)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "PDH: algorithm 0x%" PRIx32 " on curve %" PRIu32
		    ", and sessions are made with 0x3 on P-384 alone",
		    pdh.algo, pdh.curve);
	struct assay_numbers numbers = { { slice(pdh.key, P384_SIZE),
	    slice(pdh.key + P384_SIZE, P384_SIZE) } };
	return assay_pair_set(out, ASSAY_PAIR_P384, &numbers, NULL, err);
}

static enum assay_code
make_session(struct assay_launch_session *out, struct assay_bytes pdh_cert, uint32_t policy,
    struct assay_error *err)
{
	struct assay_pair own = { ASSAY_PAIR_NONE, false, NULL }, pdh = own;
	struct launch_chance chance = { .tek = { 0 } };
	uint8_t z[ASSAY_FIELD_MAX];
	enum assay_code rc = read_pdh(&pdh, pdh_cert, err);

	if (rc == ASSAY_OK)
		rc = assay_pair_make(&own, ASSAY_PAIR_P384, err);
	if (rc == ASSAY_OK &&
	    (assay_pair_agree(z, &own, &pdh) != P384_SIZE || !write_godh(out->godh, &own) ||
		!assay_random((uint8_t *)&chance, sizeof chance) ||
		!assay_launch_blob(out->blob, slice(z, P384_SIZE), policy, &chance)))
		rc = assay_fail(err, ASSAY_E_NOMEM,
		    "session: none could be made, for want of memory or of randomness");
	if (rc == ASSAY_OK) {
		memcpy(out->tek, chance.tek, KEY);
		memcpy(out->tik, chance.tik, KEY);
	}
	assay_wipe(&chance, sizeof chance);
	assay_wipe(z, sizeof z);
	assay_pair_clear(&own);
	assay_pair_clear(&pdh);
	return rc;
}

static enum assay_code
check_start(const struct assay_launch_start *start, struct assay_error *err)
{
	if (!assay_launch_name_fits(assay_bytes_of(start->name)))
		return assay_fail(err, ASSAY_E_USAGE,
		    "name: %s is none; use letters, digits, \"-\", \"_\" and \".\", at most %d",
		    assay_quote(assay_bytes_of(start->name)).text, ASSAY_LAUNCH_NAME_MAX);
	if ((start->policy & policy_reserved) != 0)
		return assay_fail(err, ASSAY_E_USAGE,
		    "guest policy: 0x%" PRIx32
		    " has bits of 6 to 15, which mean nothing in SEV; bit "
		    "0 is NODBG, 1 NOKS, 2 ES, 3 NOSEND, 4 DOMAIN, 5 SEV, 16 to 31 the oldest API",
		    start->policy);
	for (enum assay_launch_certificate i = 0; i < ASSAY_LAUNCH_CERTIFICATES; i++) {
		struct assay_bytes cert = start->chain.at[i];
		if (cert.len == 0 && i >= ASSAY_LAUNCH_ASK)
			continue;
		if (cert.len == 0 || !assay_launch_cert_fits(i, cert))
			return assay_fail(err, cert.len == 0 ? ASSAY_E_USAGE : ASSAY_E_FORMAT,
			    "chain: %s %s", cert.len == 0 ? "lacks the" : "holds what is no",
			    assay_launch_certificate_name(i));
	}
	return ASSAY_OK;
}

enum assay_code
assay_launch_new(struct assay_launch **out, struct assay_launch_session *session,
    const struct assay_launch_start *start, struct assay_error *err)
{
	struct assay_launch *l;
	struct assay_launch_session s;
	enum assay_code rc = check_start(start, err);

	if (rc != ASSAY_OK)
		return rc;
	if ((l = calloc(1, sizeof *l)) == NULL)
		return assay_fail_nomem(err);
	memcpy(l->name, start->name, strlen(start->name));
	l->stage = ASSAY_LAUNCH_SESSION;
	l->policy = start->policy;
	l->created = start->created;
	for (size_t i = 0; i < ASSAY_LAUNCH_CERTIFICATES; i++)
		if ((l->cert_len[i] = start->chain.at[i].len) > 0)
			memcpy(l->certs[i], start->chain.at[i].ptr, l->cert_len[i]);
	if ((rc = make_session(&s, start->chain.at[ASSAY_LAUNCH_PDH], start->policy, err)) ==
	    ASSAY_OK) {
		assay_sha256(l->tek_digest, slice(s.tek, KEY));
		assay_sha256(l->tik_digest, slice(s.tik, KEY));
		*session = s;
		*out = l;
	} else {
		free(l);
	}
	assay_wipe(&s, sizeof s);
	return rc;
}
