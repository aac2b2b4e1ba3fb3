/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_HASH_H
#define ASSAYD_HASH_H

/* SHA-2 and HMAC of what comes with each request. Everywhere else EVP serves. */

#include <stdbool.h>
#include <stdint.h>

#include <assay/bytes.h>

enum { HASH_SHA256_LEN = 32, HASH_SHA384_LEN = 48, HASH_SHA512_LEN = 64, HASH_HMAC_KEY = 32 };

void hash_sha256(uint8_t out[HASH_SHA256_LEN], struct assay_bytes in);
/* Of a, and b behind it. */
void hash_sha256_two(uint8_t out[HASH_SHA256_LEN], struct assay_bytes a, struct assay_bytes b);
void hash_sha384(uint8_t out[HASH_SHA384_LEN], struct assay_bytes in);
void hash_sha512(uint8_t out[HASH_SHA512_LEN], struct assay_bytes in);

/* HMAC-SHA256. false: no memory. */
bool
hash_hmac(uint8_t out[HASH_SHA256_LEN], const uint8_t key[HASH_HMAC_KEY], struct assay_bytes text);

#endif
