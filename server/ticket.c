/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "hash.h"

/* Offsets of the form that ticket.h shows. */
enum { FORM = 1, AT_EPOCH = 4, AT_ISSUED = 8, AT_ID = 16, AT_TAG = 32, TAG = 32 };
/* How far the clocks of two nodes may differ. */
enum { SKEW_S = 30 };

static void
put(uint8_t *p, size_t n, uint64_t v)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t
get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* HKDF-SHA256 (RFC 5869), with the purpose and the epoch as info. */
bool
ticket_key_derive(uint8_t out[TICKET_KEY], const uint8_t master[32], uint32_t epoch)
{
	static const char purpose[] = "assay ticket epoch";
	uint8_t info[sizeof purpose + 4], secret[32];
	char digest[] = "SHA256";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok;

	memcpy(info, purpose, sizeof purpose);
	put(info + sizeof purpose, 4, epoch);
	memcpy(secret, master, sizeof secret);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, sizeof secret),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info),
		OSSL_PARAM_construct_end(),
	};
	ok = c != NULL && EVP_KDF_derive(c, out, TICKET_KEY, params) == 1;
	OPENSSL_cleanse(secret, sizeof secret);
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	return ok;
}

static const uint8_t *
key_of(const struct ticket_keys *keys, uint32_t epoch)
{
	for (size_t i = 0; i < sizeof keys->epoch / sizeof *keys->epoch; i++)
		if (keys->epoch[i] == epoch)
			return keys->key[i];
	return NULL;
}

/* HMAC over a label, without its zero, and the ticket without its tag. */
static bool
mac(uint8_t out[TAG], const uint8_t *key, const char *label, const uint8_t *ticket)
{
	uint8_t text[16 + AT_TAG];
	size_t n = strlen(label);

	memcpy(text, label, n);
	memcpy(text + n, ticket, AT_TAG);
	return hash_hmac(out, key, (struct assay_bytes){ text, n + AT_TAG });
}

bool
ticket_make(uint8_t out[TICKET_SIZE], struct ticket *t, const struct ticket_keys *keys)
{
	const uint8_t *key;
	struct ticket made = *t;

	if (made.issued < 0 || made.issued / TICKET_EPOCH_S > UINT32_MAX)
		return false;
	made.epoch = (uint32_t)(made.issued / TICKET_EPOCH_S);
	if ((key = key_of(keys, made.epoch)) == NULL || RAND_bytes(made.id, TICKET_ID) != 1)
		return false;
	out[0] = FORM;
	out[1] = made.protocol;
	out[2] = made.tee;
	out[3] = made.hash;
	put(out + AT_EPOCH, 4, made.epoch);
	put(out + AT_ISSUED, 8, (uint64_t)made.issued);
	memcpy(out + AT_ID, made.id, TICKET_ID);
	if (!mac(out + AT_TAG, key, "assay ticket", out))
		return false;
	*t = made;
	return true;
}

enum ticket_fault
ticket_read(struct ticket *t, const uint8_t in[TICKET_SIZE], const struct ticket_keys *keys,
    int64_t now, int64_t life_s)
{
	const uint8_t *key = key_of(keys, (uint32_t)get(in + AT_EPOCH, 4));
	uint64_t issued = get(in + AT_ISSUED, 8);
	uint8_t tag[TAG];

	/* Nothing in it is looked at before the tag, but for the epoch, which chooses the key. */
	if (key == NULL || !mac(tag, key, "assay ticket", in) ||
	    CRYPTO_memcmp(tag, in + AT_TAG, TAG) != 0 || in[0] != FORM ||
	    issued / TICKET_EPOCH_S != get(in + AT_EPOCH, 4))
		return TICKET_FORGED;
	*t = (struct ticket){
		.protocol = in[1],
		.tee = in[2],
		.hash = in[3],
		.epoch = (uint32_t)get(in + AT_EPOCH, 4),
		.issued = (int64_t)issued,
	};
	memcpy(t->id, in + AT_ID, TICKET_ID);
	if (t->issued > now + SKEW_S)
		return TICKET_FUTURE;
	return now - t->issued >= life_s ? TICKET_EXPIRED : TICKET_GOOD;
}

bool
ticket_nonce(
    uint8_t out[TICKET_NONCE], const uint8_t in[TICKET_SIZE], const struct ticket_keys *keys)
{
	const uint8_t *key = key_of(keys, (uint32_t)get(in + AT_EPOCH, 4));

	return key != NULL && mac(out, key, "assay nonce", in);
}
