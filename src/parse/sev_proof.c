/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/sev_proof.h"

#include <cbor.h>
#include <string.h>

#include "parse/cbor_walk.h"

enum { PARTS = 4, HASH_SIZE = 32, HEAD_MAX = 9, CERTIFICATION_MIN = 64 };

/* id-ecPublicKey on prime256v1, and the head of an uncompressed point. Source: RFC 5480, 2. */
static const uint8_t key_head[SEV_PROOF_KEY_SIZE - SEV_PROOF_POINT_SIZE] = { 0x30, 0x59, 0x30, 0x13,
	0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };

static const struct part {
	const char *must_be;
	size_t min, max;
} parts[PARTS] = {
	{ "32 bytes, the hash of the injected key", HASH_SIZE, HASH_SIZE },
	{ "91 bytes, the working key", SEV_PROOF_KEY_SIZE, SEV_PROOF_KEY_SIZE },
	{ "64 to 512 bytes, the working key's certification", CERTIFICATION_MIN,
	    SEV_PROOF_CERTIFICATION_MAX },
	{ "64 bytes, the signature", SEV_PROOF_SIGNATURE_SIZE, SEV_PROOF_SIGNATURE_SIZE },
};

struct assay_bytes
assay_sev_proof_point(const struct sev_proof *proof)
{
	return assay_bytes_at(proof->key, sizeof key_head, SEV_PROOF_POINT_SIZE);
}

void
assay_sev_proof_key(uint8_t out[SEV_PROOF_KEY_SIZE], const uint8_t x[32], const uint8_t y[32])
{
	memcpy(out, key_head, sizeof key_head);
	memcpy(out + sizeof key_head, x, 32);
	memcpy(out + sizeof key_head + 32, y, 32);
}

size_t
assay_sev_proof_encode(uint8_t out[SEV_PROOF_SIZE_MAX], const struct sev_proof *p)
{
	const struct assay_bytes all[PARTS] = { p->certifier, p->key, p->certification,
		p->signature };
	size_t at = cbor_encode_array_start(PARTS, out, HEAD_MAX);

	for (size_t i = 0; i < PARTS; i++) {
		at += cbor_encode_bytestring_start(all[i].len, out + at, HEAD_MAX);
		memcpy(out + at, all[i].ptr, all[i].len);
		at += all[i].len;
	}
	return at;
}

static enum assay_code
check_form(const struct sev_proof *p, struct assay_bytes in, struct assay_error *err)
{
	uint8_t again[SEV_PROOF_SIZE_MAX];
	struct assay_bytes encoded = { again, assay_sev_proof_encode(again, p) };

	if (!assay_bytes_equal(encoded, in))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "proof: its CBOR is not in the shortest form, the only one that is valid");
	if (memcmp(p->key.ptr, key_head, sizeof key_head) != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "proof: its working key begins %s; want a P-256 key in DER, uncompressed",
		    assay_quote_hex((struct assay_bytes){ p->key.ptr, sizeof key_head }).text);
	return ASSAY_OK;
}

enum assay_code
assay_sev_proof_parse(struct sev_proof *out, struct assay_bytes in, struct assay_error *err)
{
	struct cbor_walk w = { .what = "proof", .in = in, .err = err };
	struct cbor_token t = assay_cbor_next(&w);
	struct assay_bytes got[PARTS];

	if (t.kind != CBOR_ARRAY || t.number != PARTS)
		assay_cbor_refuse(&w, &t, "an array of 4");
	for (size_t i = 0; i < PARTS; i++) {
		t = assay_cbor_next(&w);
		if (t.kind != CBOR_BYTES || t.bytes.len < parts[i].min ||
		    t.bytes.len > parts[i].max)
			assay_cbor_refuse(&w, &t, parts[i].must_be);
		got[i] = t.bytes;
	}
	enum assay_code rc = assay_cbor_end(&w);
	if (rc != ASSAY_OK)
		return rc;
	const struct sev_proof p = { got[0], got[1], got[2], got[3] };
	if ((rc = check_form(&p, in, err)) == ASSAY_OK)
		*out = p;
	return rc;
}
