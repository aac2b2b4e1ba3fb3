/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/snp_report.h"

#include <string.h>

#include "crypto/der.h"
#include "crypto/x509.h"

/* Below 1.3.6.1.4.1.3704.1. Source: AMD 57230, VCEK Certificate and KDS Interface Specification,
 * 3.1, Table 8. */
static const uint8_t prefix[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01 };

enum member {
	STRUCT_VERSION,
	PRODUCT_NAME,
	HWID,
	CSP_ID,
	BOOTLOADER,
	TEE,
	SNP,
	SPL4,
	SPL5,
	SPL6,
	SPL7,
	MICROCODE,
	FMC,
	MEMBERS,
};

enum {
	SPL_ARC = 3,
	HWID_LONG = 64, /* Milan, Genoa */
	HWID_SHORT = 8, /* Turin */
	STRUCT_VERSION_MAX = 1,
};

static const struct {
	uint8_t arcs[2]; /* the second is 0 where there is one arc only */
	const char *name;
} members[MEMBERS] = {
	[STRUCT_VERSION] = { { 1 }, "structVersion (.1)" },
	[PRODUCT_NAME] = { { 2 }, "productName (.2)" },
	[HWID] = { { 4 }, "hwID (.4)" },
	[CSP_ID] = { { 5 }, "CSP id (.5)" },
	[BOOTLOADER] = { { SPL_ARC, 1 }, "blSPL (.3.1)" },
	[TEE] = { { SPL_ARC, 2 }, "teeSPL (.3.2)" },
	[SNP] = { { SPL_ARC, 3 }, "snpSPL (.3.3)" },
	[SPL4] = { { SPL_ARC, 4 }, "spl4 (.3.4)" },
	[SPL5] = { { SPL_ARC, 5 }, "spl5 (.3.5)" },
	[SPL6] = { { SPL_ARC, 6 }, "spl6 (.3.6)" },
	[SPL7] = { { SPL_ARC, 7 }, "spl7 (.3.7)" },
	[MICROCODE] = { { SPL_ARC, 8 }, "ucodeSPL (.3.8)" },
	[FMC] = { { SPL_ARC, 9 }, "fmcSPL (.3.9)" },
};

/* The arcs behind AMD's prefix; empty if the OID is another's. */
static struct assay_bytes
arcs_of(struct assay_bytes oid)
{
	if (oid.len <= sizeof prefix || memcmp(oid.ptr, prefix, sizeof prefix) != 0)
		return (struct assay_bytes){ NULL, 0 };
	return (struct assay_bytes){ oid.ptr + sizeof prefix, oid.len - sizeof prefix };
}

static enum member
find(struct assay_bytes arcs)
{
	unsigned i = 0;

	for (; i < MEMBERS; i++) {
		size_t n = members[i].arcs[1] == 0 ? 1 : 2;
		if (arcs.len == n && memcmp(arcs.ptr, members[i].arcs, n) == 0)
			break;
	}
	return (enum member)i;
}

/* Finds every member once. Extensions that AMD adds beside them are let pass, but not another
 * security patch level: a TCB that is compared in part is not compared. */
static enum assay_code
collect(struct assay_bytes values[MEMBERS], const struct x509_cert *cert, struct assay_error *err)
{
	for (size_t i = 0; i < cert->extension_count; i++) {
		struct assay_bytes arcs = arcs_of(cert->extensions[i].oid);
		if (arcs.len == 0)
			continue;
		enum member m = find(arcs);
		if (m == MEMBERS && arcs.ptr[0] == SPL_ARC)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "vcek: has a security patch level (.3, OID ends in %s) that is not "
			    "known "
			    "here; update assay",
			    assay_quote_hex(arcs).text);
		if (m == MEMBERS)
			continue;
		if (values[m].ptr != NULL)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "vcek: extension %s stands twice; the certificate is not AMD's",
			    members[m].name);
		values[m] = cert->extensions[i].value;
		if (values[m].len == 0)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "vcek: extension %s is empty; the certificate is not AMD's",
			    members[m].name);
	}
	return ASSAY_OK;
}

/* Values above 127 take two content bytes: the last byte alone would do, and be wrong. */
static bool
read_uint8(uint8_t *out, struct assay_bytes value)
{
	struct assay_reader r = { .what = "vcek", .in = value };
	uint64_t v = assay_der_uint(&r, DER_INTEGER);

	*out = (uint8_t)v;
	return !r.overrun && assay_reader_left(&r) == 0 && v <= UINT8_MAX;
}

/* A printable IA5String, shorter than its room. */
static bool
read_text(char *out, size_t room, struct assay_bytes value)
{
	struct assay_reader r = { .what = "vcek", .in = value };
	struct assay_bytes text = assay_der_take(&r, DER_IA5);

	if (r.overrun || assay_reader_left(&r) > 0 || text.len == 0 || text.len >= room)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
			return false;
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return true;
}

/* Genuine certificates hold the raw bytes; the document says OCTET STRING. The length decides: a
 * raw id may well begin with 04. */
static bool
read_hwid(struct vcek_extension *out, struct assay_bytes value)
{
	size_t n = out->struct_version == 0 ? HWID_LONG : HWID_SHORT;

	if (value.len == n + 2 && value.ptr[0] == DER_OCTET_STRING && value.ptr[1] == n)
		value = (struct assay_bytes){ value.ptr + 2, n };
	if (value.len != n)
		return false;
	memcpy(out->hwid, value.ptr, n);
	out->hwid_len = n;
	out->has_hwid = true;
	return true;
}

/* "Milan-B0": what follows the dash is a stepping, which real certificates have wrong. */
static enum snp_product
product_of_name(const char *name)
{
	size_t n = strcspn(name, "-");

	for (enum snp_product p = SNP_MILAN; p < SNP_PRODUCTS; p++) {
		const char *known = assay_snp_product_name(p);
		if (strlen(known) == n && strncmp(known, name, n) == 0)
			return p;
	}
	return SNP_UNKNOWN;
}

static enum assay_code
read_tcb(
    struct vcek_extension *v, const struct assay_bytes values[MEMBERS], struct assay_error *err)
{
	uint8_t spl[MEMBERS] = { 0 };

	for (enum member m = BOOTLOADER; m < MEMBERS; m++) {
		bool wanted = m == SPL4 ? v->struct_version == 0
		    : m == FMC          ? v->struct_version == 1
					: true;
		if (wanted != (values[m].ptr != NULL))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "vcek: extension %s %s with structVersion %u; the certificate is not "
			    "AMD's",
			    members[m].name, wanted ? "is missing" : "must not stand",
			    v->struct_version);
		if (!wanted)
			continue;
		if (!read_uint8(&spl[m], values[m]))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "vcek: extension %s is %s, must be an INTEGER from 0 to 255; the "
			    "certificate is not AMD's",
			    members[m].name, assay_quote_hex(values[m]).text);
		if (m >= SPL4 && m <= SPL7 && spl[m] != 0)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "vcek: extension %s is %u, reserved ones are 0; update assay",
			    members[m].name, spl[m]);
	}
	v->tcb = (struct snp_tcb){
		.fmc = spl[FMC],
		.bootloader = spl[BOOTLOADER],
		.tee = spl[TEE],
		.snp = spl[SNP],
		.microcode = spl[MICROCODE],
	};
	return ASSAY_OK;
}

static enum assay_code
read_product(
    struct vcek_extension *v, const struct assay_bytes values[MEMBERS], struct assay_error *err)
{
	if (values[STRUCT_VERSION].ptr == NULL || values[PRODUCT_NAME].ptr == NULL)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "vcek: extension %s is missing; this is no VCEK or VLEK of AMD's",
		    members[values[STRUCT_VERSION].ptr == NULL ? STRUCT_VERSION : PRODUCT_NAME]
			.name);
	if (!read_uint8(&v->struct_version, values[STRUCT_VERSION]))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "vcek: extension structVersion (.1) is %s, must be an INTEGER from 0 to 255; "
		    "the certificate is not AMD's",
		    assay_quote_hex(values[STRUCT_VERSION]).text);
	if (v->struct_version > STRUCT_VERSION_MAX)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "vcek: structVersion (.1) is %u, known are 0 and 1; update assay",
		    v->struct_version);
	if (!read_text(v->product_name, sizeof v->product_name, values[PRODUCT_NAME]))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "vcek: extension productName (.2) is no IA5String of 1 to %zu printable "
		    "characters; the certificate is not AMD's",
		    sizeof v->product_name - 1);
	v->product = product_of_name(v->product_name);
	if (v->product != SNP_UNKNOWN && (v->product == SNP_TURIN) != (v->struct_version == 1))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "vcek: structVersion (.1) is %u, which does not go with product %s; the "
		    "certificate is not AMD's",
		    v->struct_version, v->product_name);
	return ASSAY_OK;
}

static enum assay_code
read_identity(
    struct vcek_extension *v, const struct assay_bytes values[MEMBERS], struct assay_error *err)
{
	bool hwid = values[HWID].ptr != NULL, csp = values[CSP_ID].ptr != NULL;

	if (hwid == csp)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "vcek: has %s hwID (.4) %s CSP id (.5); a VCEK has the first, a VLEK the "
		    "second",
		    hwid ? "both" : "neither", hwid ? "and" : "nor");
	if (hwid && !read_hwid(v, values[HWID]))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "vcek: hwID (.4) is %zu bytes, must be %d with structVersion %u; the "
		    "certificate is not AMD's",
		    values[HWID].len, v->struct_version == 0 ? HWID_LONG : HWID_SHORT,
		    v->struct_version);
	if (csp && !read_text(v->csp_id, sizeof v->csp_id, values[CSP_ID]))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "vcek: CSP id (.5) is no IA5String of 1 to %zu printable characters; the "
		    "certificate is not AMD's",
		    sizeof v->csp_id - 1);
	v->has_csp_id = csp;
	return ASSAY_OK;
}

enum assay_code
assay_vcek_extension_parse(
    struct vcek_extension *out, const struct x509_cert *cert, struct assay_error *err)
{
	struct assay_bytes values[MEMBERS] = { { NULL, 0 } };
	struct vcek_extension v = { 0 };
	enum assay_code rc;

	if ((rc = collect(values, cert, err)) != ASSAY_OK ||
	    (rc = read_product(&v, values, err)) != ASSAY_OK ||
	    (rc = read_identity(&v, values, err)) != ASSAY_OK ||
	    (rc = read_tcb(&v, values, err)) != ASSAY_OK)
		return rc;
	*out = v;
	return ASSAY_OK;
}
