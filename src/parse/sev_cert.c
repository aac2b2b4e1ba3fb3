/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/sev.h"

#include <inttypes.h>
#include <string.h>

/* Source: AMD 55766, SEV API, appendix C. */
enum {
	VERSION = 1,
	USAGE_AT = 0x008,
	KEY_AT = 0x010,
	RSA_EXPONENT_AT = KEY_AT + 4,
	RSA_MODULUS_AT = KEY_AT + 516,
	EC_X_AT = KEY_AT + 4,
	EC_Y_AT = KEY_AT + 76,
	EC_RESERVED_AT = KEY_AT + 148,
	SLOT_SIZE = 0x208, /* usage, algorithm, 512 bytes */
	NUMBER_ROOM = 512, /* of an RSA number */
	EC_ROOM = 72,      /* of a coordinate, of r and of s */
	P384_SIZE = 48,
	P256_SIZE = 32,
};

const char *
assay_sev_usage_name(uint32_t usage)
{
	switch (usage) {
	case SEV_USAGE_ARK:
		return "ARK";
	case SEV_USAGE_ASK:
		return "ASK";
	case SEV_USAGE_OCA:
		return "OCA";
	case SEV_USAGE_PEK:
		return "PEK";
	case SEV_USAGE_PDH:
		return "PDH";
	case SEV_USAGE_CEK:
		return "CEK";
	case SEV_USAGE_NONE:
		return "unused";
	default:
		return "unknown";
	}
}

static bool
usage_of_key(uint32_t usage)
{
	return usage == SEV_USAGE_OCA || usage == SEV_USAGE_PEK || usage == SEV_USAGE_PDH ||
	    usage == SEV_USAGE_CEK;
}

/* A PDH never signs, and the ARK signs only the ASK, which has another format. */
static bool
usage_of_signer(uint32_t usage)
{
	return usage == SEV_USAGE_ASK || usage == SEV_USAGE_OCA || usage == SEV_USAGE_PEK ||
	    usage == SEV_USAGE_CEK;
}

/* A little-endian number of n bytes in a field of `room`, out big-endian; false if it is longer. */
static bool
take_number(uint8_t *out, size_t n, const uint8_t *field, size_t room)
{
	assay_reverse(out, field, n);
	return assay_bytes_zero((struct assay_bytes){ field + n, room - n });
}

static enum assay_code
take_ec_key(struct sev_cert *c, struct assay_bytes in, const char *what, struct assay_error *err)
{
	c->curve = assay_u32le(in.ptr + KEY_AT);
	if (c->curve != 1 && c->curve != 2)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: curve id at 0x%03x is %" PRIu32 ", must be 1 (P-256) or 2 (P-384)", what,
		    KEY_AT, c->curve);
	size_t n = c->curve == 1 ? P256_SIZE : P384_SIZE;
	if (!take_number(c->key, n, in.ptr + EC_X_AT, EC_ROOM) ||
	    !take_number(c->key + n, n, in.ptr + EC_Y_AT, EC_ROOM))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: a coordinate of the key at 0x%03x is longer than its curve's %zu bytes",
		    what, KEY_AT, n);
	c->public.kind = c->curve == 1 ? ASSAY_KEY_P256 : ASSAY_KEY_P384;
	c->public.raw.len = 2 * n;
	/* An OCA is its owner's making. sevctl leaves there what its stack had; it is signed as well. */
	if (c->usage == SEV_USAGE_OCA)
		return ASSAY_OK;
	return assay_reserved_check(
	    in, EC_RESERVED_AT, SEV_CERT_SIGNED - EC_RESERVED_AT, what, err);
}

static enum assay_code
take_rsa_key(struct sev_cert *c, struct assay_bytes in, const char *what, struct assay_error *err)
{
	static const uint8_t f4[] = { 1, 0, 1 };
	uint32_t bits = assay_u32le(in.ptr + KEY_AT);

	if (bits != 2048 && bits != 4096)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: modulus size at 0x%03x is %" PRIu32 " bits, must be 2048 or 4096", what,
		    KEY_AT, bits);
	if (memcmp(in.ptr + RSA_EXPONENT_AT, f4, sizeof f4) != 0 ||
	    !assay_bytes_zero((struct assay_bytes){
		in.ptr + RSA_EXPONENT_AT + sizeof f4, NUMBER_ROOM - sizeof f4 }))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: public exponent at 0x%03x is not 65537, the only one AMD uses", what,
		    RSA_EXPONENT_AT);
	if (!take_number(c->key, bits / 8, in.ptr + RSA_MODULUS_AT, NUMBER_ROOM))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the modulus at 0x%03x is longer than its %" PRIu32 " bits", what,
		    RSA_MODULUS_AT, bits);
	c->public.kind = ASSAY_KEY_RSA;
	c->public.raw.len = bits / 8;
	return ASSAY_OK;
}

static enum assay_code
take_key(struct sev_cert *c, struct assay_bytes in, const char *what, struct assay_error *err)
{
	switch (c->algo) {
	case SEV_ECDSA_SHA256:
	case SEV_ECDSA_SHA384:
	case SEV_ECDH_SHA256:
	case SEV_ECDH_SHA384:
		return take_ec_key(c, in, what, err);
	case SEV_RSA_SHA256:
	case SEV_RSA_SHA384:
		return take_rsa_key(c, in, what, err);
	default:
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: key algorithm at 0x00c is 0x%" PRIx32
		    ", which is none of the format's; the file is damaged",
		    what, c->algo);
	}
}

/* Unused slots hold junk in real certificates, so that nothing in a slot refuses the file: one
 * that cannot be read has no signature. */
static void
take_slot(struct sev_signature *out, const uint8_t *slot)
{
	const uint8_t *sig = slot + 8;
	size_t n = 0, used = 0;

	out->usage = assay_u32le(slot);
	out->algo = assay_u32le(slot + 4);
	if (!usage_of_signer(out->usage)) {
		*out = (struct sev_signature){ .usage = SEV_USAGE_NONE };
		return;
	}
	switch (out->algo) {
	case SEV_ECDSA_SHA256:
	case SEV_ECDSA_SHA384:
		if (!take_number(out->raw, P384_SIZE, sig, EC_ROOM) ||
		    !take_number(out->raw + P384_SIZE, P384_SIZE, sig + EC_ROOM, EC_ROOM))
			return;
		n = 2 * P384_SIZE;
		used = 2 * EC_ROOM;
		break;
	case SEV_RSA_SHA256: /* goes with RSA 2048 */
	case SEV_RSA_SHA384: /* goes with RSA 4096 */
		n = used = out->algo == SEV_RSA_SHA256 ? 256 : 512;
		assay_reverse(out->raw, sig, n);
		break;
	default:
		return;
	}
	/* As with its key, the owner's tool may leave anything behind its signature. */
	if (out->usage == SEV_USAGE_OCA ||
	    assay_bytes_zero((struct assay_bytes){ sig + used, NUMBER_ROOM - used }))
		out->len = n;
}

bool
assay_sev_cert_recognise(struct assay_bytes in)
{
	return in.len == SEV_CERT_SIZE && assay_u32le(in.ptr) == VERSION &&
	    usage_of_key(assay_u32le(in.ptr + USAGE_AT));
}

enum assay_code
assay_sev_cert_parse(
    struct sev_cert *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct sev_cert c = { 0 };
	enum assay_code rc;

	if (in.len != SEV_CERT_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is %zu bytes, a SEV certificate has %d; pass one certificate alone", what,
		    in.len, SEV_CERT_SIZE);
	c.version = assay_u32le(in.ptr);
	c.api_major = in.ptr[4];
	c.api_minor = in.ptr[5];
	c.usage = assay_u32le(in.ptr + USAGE_AT);
	c.algo = assay_u32le(in.ptr + USAGE_AT + 4);
	if (c.version != VERSION)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: certificate version at 0x000 is %" PRIu32 ", known is %d", what, c.version,
		    VERSION);
	if ((rc = assay_reserved_check(in, 6, 2, what, err)) != ASSAY_OK)
		return rc;
	if (!usage_of_key(c.usage))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: key usage at 0x008 is 0x%" PRIx32
		    ", must be OCA (0x1001), PEK (0x1002), PDH (0x1003) or CEK (0x1004)",
		    what, c.usage);
	if ((rc = take_key(&c, in, what, err)) != ASSAY_OK)
		return rc;
	take_slot(&c.signatures[0], in.ptr + SEV_CERT_SIGNED);
	take_slot(&c.signatures[1], in.ptr + SEV_CERT_SIGNED + SLOT_SIZE);
	c.signed_part = (struct assay_bytes){ in.ptr, SEV_CERT_SIGNED };
	c.raw = in;
	*out = c;
	out->public.raw.ptr = out->key;
	return ASSAY_OK;
}

enum assay_scheme
assay_sev_scheme(uint32_t algo, size_t signature_len)
{
	if (algo == SEV_RSA_SHA256 && signature_len == 256)
		return ASSAY_RSA_PSS_SHA256;
	if (algo == SEV_RSA_SHA384 && signature_len == 512)
		return ASSAY_RSA_PSS_SHA384;
	if (algo == SEV_ECDSA_SHA256 && signature_len == 96)
		return ASSAY_ECDSA_P384_SHA256;
	if (algo == SEV_ECDSA_SHA384 && signature_len == 96)
		return ASSAY_ECDSA_P384_SHA384;
	return ASSAY_SCHEME_NONE;
}
