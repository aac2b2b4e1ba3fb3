/* SPDX-License-Identifier: Apache-2.0 */
/* The low-level calls, deprecated in OpenSSL 3: SHA256() and EVP look the algorithm up on every call,
 * which doubles the price of a report-sized input. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/crypto.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA512_CTX) <= sizeof(struct assay_sha384_stream), "the state has room");
_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct assay_sha256_stream), "the state has room");

void
assay_sha256(uint8_t out[ASSAY_SHA256_LEN], struct assay_bytes in)
{
	assay_sha256_two(out, in, (struct assay_bytes){ NULL, 0 });
}

void
assay_sha256_two(uint8_t out[ASSAY_SHA256_LEN], struct assay_bytes a, struct assay_bytes b)
{
	SHA256_CTX c;

	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, a.ptr, a.len);
	(void)SHA256_Update(&c, b.ptr, b.len);
	(void)SHA256_Final(out, &c);
}

void
assay_sha384(uint8_t out[ASSAY_SHA384_LEN], struct assay_bytes in)
{
	SHA512_CTX c;

	(void)SHA384_Init(&c);
	(void)SHA384_Update(&c, in.ptr, in.len);
	(void)SHA384_Final(out, &c);
}

void
assay_sha512(uint8_t out[ASSAY_SHA512_LEN], struct assay_bytes in)
{
	assay_sha512_two(out, in, (struct assay_bytes){ NULL, 0 });
}

void
assay_sha512_two(uint8_t out[ASSAY_SHA512_LEN], struct assay_bytes a, struct assay_bytes b)
{
	SHA512_CTX c;

	(void)SHA512_Init(&c);
	(void)SHA512_Update(&c, a.ptr, a.len);
	(void)SHA512_Update(&c, b.ptr, b.len);
	(void)SHA512_Final(out, &c);
}

static SHA512_CTX *
context(struct assay_sha384_stream *s)
{
	return (SHA512_CTX *)(void *)s->state;
}

void
assay_sha384_start(struct assay_sha384_stream *s)
{
	(void)SHA384_Init(context(s));
}

void
assay_sha384_more(struct assay_sha384_stream *s, struct assay_bytes in)
{
	(void)SHA384_Update(context(s), in.ptr, in.len);
}

void
assay_sha384_end(uint8_t out[ASSAY_SHA384_LEN], struct assay_sha384_stream *s)
{
	(void)SHA384_Final(out, context(s));
}

static SHA256_CTX *
context256(struct assay_sha256_stream *s)
{
	return (SHA256_CTX *)(void *)s->state;
}

void
assay_sha256_start(struct assay_sha256_stream *s)
{
	(void)SHA256_Init(context256(s));
}

void
assay_sha256_more(struct assay_sha256_stream *s, struct assay_bytes in)
{
	(void)SHA256_Update(context256(s), in.ptr, in.len);
}

void
assay_sha256_end(uint8_t out[ASSAY_SHA256_LEN], struct assay_sha256_stream *s)
{
	(void)SHA256_Final(out, context256(s));
}
