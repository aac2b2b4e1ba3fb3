/* SPDX-License-Identifier: Apache-2.0 */
/* The low-level calls, deprecated in OpenSSL 3: EVP, SHA256() and HMAC() look the algorithm up on every
 * call, and seven tags of tickets are computed in a handshake. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hash.h"

#include <pthread.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

void
hash_sha256(uint8_t out[HASH_SHA256_LEN], struct assay_bytes in)
{
	hash_sha256_two(out, in, (struct assay_bytes){ NULL, 0 });
}

void
hash_sha256_two(uint8_t out[HASH_SHA256_LEN], struct assay_bytes a, struct assay_bytes b)
{
	SHA256_CTX c;

	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, a.ptr, a.len);
	(void)SHA256_Update(&c, b.ptr, b.len);
	(void)SHA256_Final(out, &c);
}

void
hash_sha384(uint8_t out[HASH_SHA384_LEN], struct assay_bytes in)
{
	SHA512_CTX c;

	(void)SHA384_Init(&c);
	(void)SHA384_Update(&c, in.ptr, in.len);
	(void)SHA384_Final(out, &c);
}

void
hash_sha512(uint8_t out[HASH_SHA512_LEN], struct assay_bytes in)
{
	SHA512_CTX c;

	(void)SHA512_Init(&c);
	(void)SHA512_Update(&c, in.ptr, in.len);
	(void)SHA512_Final(out, &c);
}

static EVP_MD *sha256; /* NULL: no memory, and what HMAC_Init_ex() then looks up itself */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

bool
hash_hmac(uint8_t out[HASH_SHA256_LEN], const uint8_t key[HASH_HMAC_KEY], struct assay_bytes text)
{
	(void)pthread_once(&once, fetch);
	HMAC_CTX *c = HMAC_CTX_new();
	bool ok = c != NULL &&
	    HMAC_Init_ex(c, key, HASH_HMAC_KEY, sha256 != NULL ? sha256 : EVP_sha256(), NULL) ==
		1 &&
	    HMAC_Update(c, text.ptr, text.len) == 1 && HMAC_Final(c, out, NULL) == 1;

	HMAC_CTX_free(c); /* wipes */
	return ok;
}
