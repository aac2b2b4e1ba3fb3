/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/sev.h"

#include <inttypes.h>
#include <string.h>

/* Source: AMD 55766, SEV API, appendix B.1. */
enum {
	VERSION = 1,
	USAGE_AT = 0x24,
	RESERVED_AT = 0x28,
	RESERVED_SIZE = 16,
	EXPONENT_BITS_AT = 0x38,
	MODULUS_BITS_AT = 0x3c,
	HEADER_SIZE = 0x40,
};

/* Bytes of one number, by the modulus size; 0 if it is none of the format's. */
static size_t
number_size(const uint8_t *header)
{
	uint32_t bits = assay_u32le(header + MODULUS_BITS_AT);

	return bits == 2048 || bits == 4096 ? bits / 8 : 0;
}

/* AMD once published the Naples ARK without its signature. As roots are pinned, those bytes still
 * say which root is meant; no other certificate may lack its signature. */
static bool
is_unsigned_naples(struct assay_bytes in)
{
	return in.len == AMD_CERT_NAPLES_UNSIGNED && number_size(in.ptr) == 256 &&
	    assay_u32le(in.ptr + USAGE_AT) == SEV_USAGE_ARK;
}

size_t
assay_amd_cert_length(struct assay_bytes in)
{
	if (in.len < HEADER_SIZE || assay_u32le(in.ptr) != VERSION || number_size(in.ptr) == 0 ||
	    assay_u32le(in.ptr + EXPONENT_BITS_AT) != assay_u32le(in.ptr + MODULUS_BITS_AT))
		return 0;
	uint32_t usage = assay_u32le(in.ptr + USAGE_AT);
	if (usage != SEV_USAGE_ARK && usage != SEV_USAGE_ASK)
		return 0;
	if (is_unsigned_naples(in))
		return AMD_CERT_NAPLES_UNSIGNED;
	size_t n = HEADER_SIZE + 3 * number_size(in.ptr);
	return n <= in.len ? n : 0;
}

static enum assay_code
check_header(struct assay_bytes in, const char *what, struct assay_error *err)
{
	if (in.len < HEADER_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is %zu bytes, the header of an AMD certificate alone has %d; the file is "
		    "cut "
		    "short",
		    what, in.len, HEADER_SIZE);
	uint32_t version = assay_u32le(in.ptr), usage = assay_u32le(in.ptr + USAGE_AT);
	uint32_t exponent = assay_u32le(in.ptr + EXPONENT_BITS_AT);
	uint32_t modulus = assay_u32le(in.ptr + MODULUS_BITS_AT);
	if (version != VERSION)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: certificate version at 0x00 is %" PRIu32 ", known is %d", what, version,
		    VERSION);
	if (usage != SEV_USAGE_ARK && usage != SEV_USAGE_ASK)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: key usage at 0x24 is 0x%" PRIx32 ", must be ARK (0x0) or ASK (0x13)", what,
		    usage);
	if (number_size(in.ptr) == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: modulus size at 0x3c is %" PRIu32 " bits, must be 2048 or 4096", what,
		    modulus);
	if (exponent != modulus)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: exponent size at 0x38 is %" PRIu32
		    " bits, must equal the modulus size %" PRIu32,
		    what, exponent, modulus);
	return assay_reserved_check(in, RESERVED_AT, RESERVED_SIZE, what, err);
}

enum assay_code
assay_amd_cert_parse(
    struct amd_cert *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	static const uint8_t f4[] = { 1, 0, 1 };
	struct amd_cert c = { 0 };
	enum assay_code rc = check_header(in, what, err);

	if (rc != ASSAY_OK)
		return rc;
	size_t n = number_size(in.ptr);
	c.has_signature = !is_unsigned_naples(in);
	if (c.has_signature && in.len != HEADER_SIZE + 3 * n)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is %zu bytes, an AMD certificate with a key of %zu bits has %zu; pass one "
		    "certificate alone",
		    what, in.len, 8 * n, HEADER_SIZE + 3 * n);
	const uint8_t *exponent = in.ptr + HEADER_SIZE;
	if (memcmp(exponent, f4, sizeof f4) != 0 ||
	    !assay_bytes_zero((struct assay_bytes){ exponent + sizeof f4, n - sizeof f4 }))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: public exponent at 0x40 is not 65537, the only one AMD uses", what);
	c.usage = assay_u32le(in.ptr + USAGE_AT);
	memcpy(c.key_id, in.ptr + 4, sizeof c.key_id);
	memcpy(c.certifying_id, in.ptr + 20, sizeof c.certifying_id);
	c.key_len = n;
	assay_reverse(c.modulus, in.ptr + HEADER_SIZE + n, n);
	if (c.has_signature)
		assay_reverse(c.signature, in.ptr + HEADER_SIZE + 2 * n, n);
	c.signed_part = (struct assay_bytes){ in.ptr, HEADER_SIZE + 2 * n };
	c.raw = in;
	*out = c;
	out->public = (struct assay_public){ ASSAY_KEY_RSA, { out->modulus, n } };
	return ASSAY_OK;
}
