/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as Intel's PCK profile and AMD 57230 write them. Source: RFC 5280. */
#include "pki/x509_parts.h"

#include <string.h>

struct sim_bytes
sim_name(struct sim *sim, enum sim_name_form form, const char *cn)
{
	static const struct {
		const char *oid;
		uint8_t tag;
		const char *text; /* NULL: the common name */
	} forms[][6] = {
		[SIM_NAME_INTEL] = { { "2.5.4.3", 0x0c, NULL },
		    { "2.5.4.10", 0x0c, "Intel Corporation" }, { "2.5.4.7", 0x0c, "Santa Clara" },
		    { "2.5.4.8", 0x0c, "CA" }, { "2.5.4.6", 0x13, "US" }, { NULL, 0, NULL } },
		[SIM_NAME_AMD] = { { "2.5.4.11", 0x0c, "Engineering" }, { "2.5.4.6", 0x13, "US" },
		    { "2.5.4.7", 0x0c, "Santa Clara" }, { "2.5.4.8", 0x0c, "CA" },
		    { "2.5.4.10", 0x0c, "Advanced Micro Devices" }, { "2.5.4.3", 0x0c, NULL } },
	};
	struct sim_buf b = { .sim = sim };

	for (size_t i = 0; i < 6 && forms[form][i].oid != NULL; i++)
		sim_put_bytes(&b,
		    sim_der(sim, 0x31,
			SIM_SEQ(sim, sim_der_oid(sim, forms[form][i].oid),
			    sim_der_raw(sim, forms[form][i].tag,
				forms[form][i].text != NULL ? forms[form][i].text : cn))));
	return sim_der(sim, 0x30, sim_taken(&b));
}

static struct sim_bytes
pss(struct sim *sim, const char *hash, uint64_t salt, bool trailer)
{
	struct sim_bytes null = sim_der(sim, 0x05, (struct sim_bytes){ NULL, 0 });
	struct sim_bytes id = SIM_SEQ(sim, sim_der_oid(sim, hash), null);
	struct sim_bytes mgf = SIM_SEQ(sim, sim_der_oid(sim, "1.2.840.113549.1.1.8"), id);
	struct sim_bytes none = { NULL, 0 };

	return SIM_SEQ(sim, sim_der_oid(sim, "1.2.840.113549.1.1.10"),
	    SIM_SEQ(sim, sim_der(sim, 0xa0, id), sim_der(sim, 0xa1, mgf),
		sim_der(sim, 0xa2, sim_der_uint(sim, salt)),
		trailer ? sim_der(sim, 0xa3, sim_der_uint(sim, 1)) : none));
}

struct sim_bytes
sim_alg_write(struct sim *sim, enum sim_alg alg)
{
	switch (alg) {
	case SIM_ALG_ECDSA_SHA256:
		return SIM_SEQ(sim, sim_der_oid(sim, "1.2.840.10045.4.3.2"));
	case SIM_ALG_ECDSA_SHA384:
		return SIM_SEQ(sim, sim_der_oid(sim, "1.2.840.10045.4.3.3"));
	case SIM_ALG_PSS_SHA384:
		return pss(sim, "2.16.840.1.101.3.4.2.2", 48, false);
	case SIM_ALG_PSS_SHA384_TRAILER:
		return pss(sim, "2.16.840.1.101.3.4.2.2", 48, true);
	case SIM_ALG_PSS_SHA256:
		return pss(sim, "2.16.840.1.101.3.4.2.1", 32, false);
	case SIM_ALG_RSA_SHA384:
		return SIM_SEQ(sim, sim_der_oid(sim, "1.2.840.113549.1.1.12"),
		    sim_der(sim, 0x05, (struct sim_bytes){ NULL, 0 }));
	}
	sim_die("no such algorithm");
}

struct sim_bytes
sim_signed(struct sim *sim, struct sim_bytes tbs, const struct sim_key *signer, enum sim_alg alg,
    struct sim_bytes given)
{
	bool short_hash = alg == SIM_ALG_ECDSA_SHA256 || alg == SIM_ALG_PSS_SHA256;
	enum sim_hash hash = short_hash ? SIM_SHA256 : SIM_SHA384;
	struct sim_bytes raw = given;

	if (raw.len == 0 && alg == SIM_ALG_RSA_SHA384)
		raw = sim_sign_pkcs1(sim, signer, hash, tbs);
	else if (raw.len == 0)
		raw = sim_sign(sim, signer, hash, tbs);
	if (signer->kind == SIM_P256 || signer->kind == SIM_P384)
		raw = SIM_SEQ(sim, sim_der_number(sim, (struct sim_bytes){ raw.ptr, raw.len / 2 }),
		    sim_der_number(sim, (struct sim_bytes){ raw.ptr + raw.len / 2, raw.len / 2 }));
	return SIM_SEQ(sim, tbs, sim_alg_write(sim, alg), sim_der_bits(sim, raw));
}

struct sim_bytes
sim_spki(struct sim *sim, const struct sim_key *key)
{
	struct sim_bytes raw = sim_copy(sim, key->raw, key->raw_len);

	if (key->kind == SIM_RSA2048 || key->kind == SIM_RSA4096)
		return SIM_SEQ(sim,
		    SIM_SEQ(sim, sim_der_oid(sim, "1.2.840.113549.1.1.1"),
			sim_der(sim, 0x05, (struct sim_bytes){ NULL, 0 })),
		    sim_der_bits(
			sim, SIM_SEQ(sim, sim_der_number(sim, raw), sim_der_uint(sim, 65537))));
	return SIM_SEQ(sim,
	    SIM_SEQ(sim, sim_der_oid(sim, "1.2.840.10045.2.1"),
		sim_der_oid(sim, key->kind == SIM_P256 ? "1.2.840.10045.3.1.7" : "1.3.132.0.34")),
	    sim_der_bits(sim, sim_join(sim, sim_text(sim, "\x04"), raw)));
}

struct sim_bytes
sim_extension_write(struct sim *sim, const struct sim_extension *e)
{
	struct sim_bytes none = { NULL, 0 };

	return SIM_SEQ(sim, sim_der_oid(sim, e->oid), e->critical ? sim_der_bool(sim, true) : none,
	    sim_der(sim, 0x04, e->value));
}

void
sim_extension_set(struct sim_cert *cert, const char *oid, bool critical, struct sim_bytes value)
{
	struct sim_extension e = { oid, critical, value };

	for (size_t i = 0; i < cert->extension_count; i++)
		if (strcmp(cert->extensions[i].oid, oid) == 0) {
			cert->extensions[i] = e;
			return;
		}
	if (cert->extension_count == sizeof cert->extensions / sizeof cert->extensions[0])
		sim_die("too many extensions");
	cert->extensions[cert->extension_count++] = e;
}

void
sim_extension_drop(struct sim_cert *cert, const char *oid)
{
	for (size_t i = 0; i < cert->extension_count; i++)
		if (strcmp(cert->extensions[i].oid, oid) == 0) {
			cert->extension_count--;
			memmove(&cert->extensions[i], &cert->extensions[i + 1],
			    (cert->extension_count - i) * sizeof cert->extensions[0]);
			return;
		}
	sim_die("no extension %s to drop", oid);
}

void
sim_extension_again(struct sim_cert *cert, const char *oid)
{
	for (size_t i = 0; i < cert->extension_count; i++)
		if (strcmp(cert->extensions[i].oid, oid) == 0 &&
		    cert->extension_count < sizeof cert->extensions / sizeof cert->extensions[0]) {
			cert->extensions[cert->extension_count] = cert->extensions[i];
			cert->extension_count++;
			return;
		}
	sim_die("no extension %s to repeat", oid);
}

void
sim_set_skid(struct sim *sim, struct sim_cert *cert)
{
	sim_extension_set(
	    cert, SIM_OID_SKID, false, sim_der_octets(sim, cert->key->id, sizeof cert->key->id));
}

void
sim_set_akid(struct sim *sim, struct sim_cert *cert, const struct sim_key *issuer)
{
	sim_extension_set(cert, SIM_OID_AKID, false,
	    SIM_SEQ(sim, sim_der(sim, 0x80, sim_copy(sim, issuer->id, sizeof issuer->id))));
}

/* Bit n of the BIT STRING is the n-th from the left. */
static uint8_t
usage_octet(unsigned bits)
{
	uint8_t octet = 0;

	for (unsigned i = 0; i < 8; i++)
		if (bits & 1U << i)
			octet = (uint8_t)(octet | 0x80 >> i);
	return octet;
}

void
sim_set_usage(struct sim *sim, struct sim_cert *cert, unsigned bits)
{
	uint8_t octets[2] = { 0, usage_octet(bits) };

	while (octets[0] < 7 && (octets[1] >> octets[0] & 1) == 0)
		octets[0]++;
	sim_extension_set(
	    cert, SIM_OID_KEY_USAGE, true, sim_der(sim, 0x03, sim_copy(sim, octets, 2)));
}

void
sim_set_usage_amd(struct sim *sim, struct sim_cert *cert, unsigned bits)
{
	uint8_t octets[2] = { 1, usage_octet(bits) };

	sim_extension_set(
	    cert, SIM_OID_KEY_USAGE, true, sim_der(sim, 0x03, sim_copy(sim, octets, 2)));
}

void
sim_set_basic(struct sim *sim, struct sim_cert *cert, bool ca, int path_len)
{
	struct sim_bytes none = { NULL, 0 };

	sim_extension_set(cert, SIM_OID_BASIC, true,
	    SIM_SEQ(sim, ca ? sim_der_bool(sim, true) : none,
		path_len >= 0 ? sim_der_uint(sim, (uint64_t)path_len) : none));
}

void
sim_set_crl_point(struct sim *sim, struct sim_cert *cert, const char *uri)
{
	struct sim_bytes name = sim_der(sim, 0xa0, sim_der_raw(sim, 0x86, uri));

	sim_extension_set(
	    cert, SIM_OID_CRL_POINT, false, SIM_SEQ(sim, SIM_SEQ(sim, sim_der(sim, 0xa0, name))));
}

struct sim_bytes
sim_cert_write(struct sim *sim, const struct sim_cert *c)
{
	struct sim_buf extensions = { .sim = sim };
	struct sim_bytes none = { NULL, 0 };

	if (c->der.len > 0)
		return c->der;
	for (size_t i = 0; i < c->extension_count; i++)
		sim_put_bytes(&extensions, sim_extension_write(sim, &c->extensions[i]));
	struct sim_bytes version =
	    sim_der(sim, 0xa0, sim_der_uint(sim, (uint64_t)(c->version - 1)));
	struct sim_bytes tbs = SIM_SEQ(sim, c->version == 1 ? none : version,
	    sim_der(sim, 0x02, c->serial), sim_alg_write(sim, c->inner_alg), c->issuer,
	    SIM_SEQ(sim, sim_der_utc(sim, c->not_before), sim_der_utc(sim, c->not_after)),
	    c->subject, c->spki.len > 0 ? c->spki : sim_spki(sim, c->key),
	    c->extension_count == 0
		? none
		: sim_der(sim, 0xa3, sim_der(sim, 0x30, sim_taken(&extensions))));
	return sim_signed(sim, tbs, c->signer, c->alg, c->signature);
}
