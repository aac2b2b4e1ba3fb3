/* SPDX-License-Identifier: Apache-2.0 */
/* The low-level calls, as in hash.c: no look-up, and no allocation that could fail. SM3 and SHA-3
 * are only behind EVP: logs with them are shown and not replayed. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/bank.h"

#include <string.h>

#include <openssl/sha.h>

static const struct assay_bank_algorithm algorithms[] = {
	{ 0x04, 20, "sha1", true },
	{ 0x0b, 32, "sha256", true },
	{ 0x0c, 48, "sha384", true },
	{ 0x0d, 64, "sha512", true },
	{ 0x12, 32, "sm3-256", false },
	{ 0x27, 32, "sha3-256", false },
	{ 0x28, 48, "sha3-384", false },
	{ 0x29, 64, "sha3-512", false },
};

const struct assay_bank_algorithm *
assay_bank_find(uint16_t id)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
		if (algorithms[i].id == id)
			return &algorithms[i];
	return NULL;
}

const struct assay_bank_algorithm *
assay_bank_of_size(size_t size)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
		if (algorithms[i].computed && algorithms[i].size == size)
			return &algorithms[i];
	return NULL;
}

void
assay_bank_hash(
    uint8_t out[ASSAY_DIGEST_MAX], uint16_t id, const struct assay_bytes *parts, size_t count)
{
	SHA_CTX c1;
	SHA256_CTX c256;
	SHA512_CTX c512;

	memset(out, 0, ASSAY_DIGEST_MAX);
	switch (id) {
	case 0x04:
		(void)SHA1_Init(&c1);
		for (size_t i = 0; i < count; i++)
			(void)SHA1_Update(&c1, parts[i].ptr, parts[i].len);
		(void)SHA1_Final(out, &c1);
		break;
	case 0x0b:
		(void)SHA256_Init(&c256);
		for (size_t i = 0; i < count; i++)
			(void)SHA256_Update(&c256, parts[i].ptr, parts[i].len);
		(void)SHA256_Final(out, &c256);
		break;
	case 0x0c:
		(void)SHA384_Init(&c512);
		for (size_t i = 0; i < count; i++)
			(void)SHA384_Update(&c512, parts[i].ptr, parts[i].len);
		(void)SHA384_Final(out, &c512);
		break;
	case 0x0d:
		(void)SHA512_Init(&c512);
		for (size_t i = 0; i < count; i++)
			(void)SHA512_Update(&c512, parts[i].ptr, parts[i].len);
		(void)SHA512_Final(out, &c512);
		break;
	default:
		break;
	}
}
