/* SPDX-License-Identifier: Apache-2.0 */
/* The low-level calls, deprecated in OpenSSL 3: EVP, SHA256() and HMAC() look the algorithm up on every
 * call, and seven tags of tickets are computed in a handshake. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hash.h"

#include <openssl/crypto.h>
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

/* The key, with its block's rest of zeros, xor pad; then text. */
static void
keyed(uint8_t out[HASH_SHA256_LEN], const uint8_t key[HASH_HMAC_KEY], uint8_t pad,
    struct assay_bytes text)
{
	uint8_t block[SHA256_CBLOCK];

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (uint8_t)((i < HASH_HMAC_KEY ? key[i] : 0) ^ pad);
	hash_sha256_two(out, (struct assay_bytes){ block, sizeof block }, text);
	OPENSSL_cleanse(block, sizeof block);
}

void
hash_hmac(uint8_t out[HASH_SHA256_LEN], const uint8_t key[HASH_HMAC_KEY], struct assay_bytes text)
{
	uint8_t inner[HASH_SHA256_LEN];

	keyed(inner, key, 0x36, text);
	keyed(out, key, 0x5c, (struct assay_bytes){ inner, sizeof inner });
}
