/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

bool
assay_random(uint8_t *out, size_t n)
{
	bool ok = n <= INT_MAX && RAND_priv_bytes(out, (int)n) == 1;

	if (!ok)
		ERR_clear_error();
	return ok;
}

void
assay_wipe(void *p, size_t n)
{
	if (n > 0)
		OPENSSL_cleanse(p, n);
}

/* --- RFC 3394 ---------------------------------------------------------------------------- */

static bool
wrap(uint8_t *out, size_t out_len, const uint8_t *kek, const uint8_t *in, size_t in_len, int seal)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = false;

	if (c != NULL) {
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
		ok = EVP_CipherInit_ex(c, EVP_aes_256_wrap(), NULL, kek, NULL, seal) == 1 &&
		    EVP_CipherUpdate(c, out, &n, in, (int)in_len) == 1 && (size_t)n == out_len;
	}
	EVP_CIPHER_CTX_free(c);
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool
assay_key_wrap(uint8_t out[ASSAY_WRAPPED_SIZE], const uint8_t kek[ASSAY_CEK_SIZE],
    const uint8_t cek[ASSAY_CEK_SIZE])
{
	return wrap(out, ASSAY_WRAPPED_SIZE, kek, cek, ASSAY_CEK_SIZE, 1);
}

bool
assay_key_unwrap(uint8_t cek[ASSAY_CEK_SIZE], const uint8_t kek[ASSAY_CEK_SIZE],
    const uint8_t in[ASSAY_WRAPPED_SIZE])
{
	uint8_t
	    room[ASSAY_WRAPPED_SIZE]; /* the engine works in the output, and may want it whole */
	bool ok = wrap(room, ASSAY_CEK_SIZE, kek, in, ASSAY_WRAPPED_SIZE, 0);

	for (size_t i = 0; ok && i < ASSAY_CEK_SIZE; i++)
		cek[i] = room[i];
	assay_wipe(room, sizeof room);
	return ok;
}

/* --- AES-256-GCM ------------------------------------------------------------------------- */

static EVP_CIPHER_CTX *
gcm_start(const uint8_t *key, const uint8_t *iv, struct assay_bytes aad, size_t in_len, int seal)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	if (c != NULL && aad.len <= INT_MAX && in_len <= INT_MAX &&
	    EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv, seal) == 1 &&
	    (aad.len == 0 || EVP_CipherUpdate(c, NULL, &n, aad.ptr, (int)aad.len) == 1))
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

static bool
gcm_body(EVP_CIPHER_CTX *c, uint8_t *out, struct assay_bytes in)
{
	int n;

	return in.len == 0 ||
	    (EVP_CipherUpdate(c, out, &n, in.ptr, (int)in.len) == 1 && (size_t)n == in.len);
}

bool
assay_gcm_seal(uint8_t *out, uint8_t tag[ASSAY_TAG_SIZE], const uint8_t key[ASSAY_CEK_SIZE],
    const uint8_t iv[ASSAY_IV_SIZE], struct assay_bytes aad, struct assay_bytes in)
{
	EVP_CIPHER_CTX *c = gcm_start(key, iv, aad, in.len, 1);
	uint8_t nothing[ASSAY_TAG_SIZE];
	int n;
	bool ok = c != NULL && gcm_body(c, out, in) && EVP_CipherFinal_ex(c, nothing, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, ASSAY_TAG_SIZE, tag) == 1;

	EVP_CIPHER_CTX_free(c);
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool
assay_gcm_open(uint8_t *out, const uint8_t tag[ASSAY_TAG_SIZE], const uint8_t key[ASSAY_CEK_SIZE],
    const uint8_t iv[ASSAY_IV_SIZE], struct assay_bytes aad, struct assay_bytes in)
{
	EVP_CIPHER_CTX *c = gcm_start(key, iv, aad, in.len, 0);
	uint8_t want[ASSAY_TAG_SIZE], nothing[ASSAY_TAG_SIZE];
	int n;

	for (size_t i = 0; i < sizeof want; i++)
		want[i] = tag[i];
	/* Final compares the tags in constant time. Nothing of the plain text is looked at before. */
	bool ok = c != NULL && gcm_body(c, out, in) &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, ASSAY_TAG_SIZE, want) == 1 &&
	    EVP_CipherFinal_ex(c, nothing, &n) == 1;

	EVP_CIPHER_CTX_free(c);
	if (!ok) {
		assay_wipe(out, in.len);
		ERR_clear_error();
	}
	return ok;
}

/* --- HMAC-SHA-256, AES-128-CTR ------------------------------------------------------------- */

bool
assay_same_secret(const uint8_t *a, const uint8_t *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

bool
assay_hmac_sha256(uint8_t out[ASSAY_SHA256_LEN], struct assay_bytes key, struct assay_bytes message)
{
	bool ok = key.len <= INT_MAX &&
	    HMAC(EVP_sha256(), key.ptr, (int)key.len, message.ptr, message.len, out, NULL) != NULL;

	if (!ok)
		ERR_clear_error();
	return ok;
}

bool
assay_aes128_ctr(uint8_t *out, const uint8_t key[ASSAY_AES128_SIZE],
    const uint8_t iv[ASSAY_AES128_SIZE], struct assay_bytes in)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = c != NULL && in.len <= INT_MAX &&
	    EVP_CipherInit_ex(c, EVP_aes_128_ctr(), NULL, key, iv, 1) == 1 &&
	    EVP_CipherUpdate(c, out, &n, in.ptr, (int)in.len) == 1 && (size_t)n == in.len;

	EVP_CIPHER_CTX_free(c); /* wipes */
	if (!ok)
		ERR_clear_error();
	return ok;
}
