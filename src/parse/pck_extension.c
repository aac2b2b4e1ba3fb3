/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/quote.h"

#include <string.h>

#include "crypto/der.h"

/* 1.2.840.113741.1.13.1 */
#define PCK_OID 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01
static const uint8_t base[] = { PCK_OID };
const struct assay_bytes pck_extension_oid = { base, sizeof base };

/* Members by the last arcs of their OIDs. Source: Intel SGX PCK Certificate and CRL Profile
 * Specification, 1.3.5. */
enum member {
	PPID = 1,
	TCB = 2,
	PCE_ID = 3,
	FMSPC = 4,
	SGX_TYPE = 5,
	PLATFORM_INSTANCE = 6,
	CONFIGURATION = 7,
};
enum tcb_member { COMPONENT_FIRST = 1, COMPONENT_LAST = 16, PCE_SVN = 17, CPU_SVN = 18 };
enum configuration_member { DYNAMIC_PLATFORM = 1, CACHED_KEYS = 2, SMT_ENABLED = 3 };

enum { SVN_MAX = 255, PCE_SVN_MAX = 65535, SGX_TYPE_MAX = 2 };

/* One SEQUENCE { OID, value } of the extension or of a sequence in it. One that is not well formed
 * makes its reader overrun, so that no loop takes it for the end. */
struct entry {
	unsigned arc;           /* the last arc; 0 if the OID is not below prefix */
	struct assay_reader in; /* stands at the value */
};

static struct entry
take_entry(struct assay_reader *r, const uint8_t *prefix, size_t prefix_len)
{
	struct entry e = { .in = assay_der_enter(r, DER_SEQUENCE) };
	struct assay_bytes oid = assay_der_take(&e.in, DER_OID);

	if (oid.len == prefix_len + 1 && memcmp(oid.ptr, prefix, prefix_len) == 0 &&
	    oid.ptr[prefix_len] < 0x80)
		e.arc = oid.ptr[prefix_len];
	if (e.in.overrun)
		r->overrun = true;
	return e;
}

/* Marks a member as seen; false if it is unknown or came before. */
static bool
mark(uint32_t *seen, unsigned arc, unsigned last)
{
	if (arc < 1 || arc > last || (*seen >> arc & 1) != 0)
		return false;
	*seen |= 1U << arc;
	return true;
}

static bool
take_octets(uint8_t *out, size_t n, struct assay_reader *r)
{
	struct assay_bytes b = assay_der_take(r, DER_OCTET_STRING);

	if (b.len != n)
		return false;
	memcpy(out, b.ptr, n);
	return true;
}

static void
take_flag(bool *has, bool *flag, struct assay_reader *r)
{
	*flag = assay_der_boolean(r);
	*has = true;
}

static bool
take_tcb_value(struct pck_extension *p, struct entry *e)
{
	if (e->arc == CPU_SVN)
		return take_octets(p->cpu_svn, sizeof p->cpu_svn, &e->in);
	uint64_t v = assay_der_uint(&e->in, DER_INTEGER);
	if (e->arc == PCE_SVN) {
		p->pce_svn = (uint16_t)v;
		return v <= PCE_SVN_MAX;
	}
	p->components[e->arc - COMPONENT_FIRST] = (uint8_t)v;
	return v <= SVN_MAX;
}

static enum assay_code
take_tcb(struct pck_extension *p, struct assay_reader *r, struct assay_error *err)
{
	static const uint8_t prefix[] = { PCK_OID, TCB };
	struct assay_reader in = assay_der_enter(r, DER_SEQUENCE);
	uint32_t seen = 0;

	while (assay_reader_left(&in) > 0) {
		struct entry e = take_entry(&in, prefix, sizeof prefix);
		if (in.overrun)
			break;
		if (!mark(&seen, e.arc, CPU_SVN))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "pck extension: TCB member .2.%u is not known or stands twice; the "
			    "certificate is not Intel's",
			    e.arc);
		if (!take_tcb_value(p, &e) || !assay_reader_ended(&e.in))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "pck extension: TCB member .2.%u is not of its type or range; the "
			    "certificate is not Intel's",
			    e.arc);
	}
	if (!assay_reader_ended(&in))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "pck extension: the TCB (.2) is no sequence of OID and value; the certificate "
		    "is damaged");
	for (unsigned arc = COMPONENT_FIRST; arc <= CPU_SVN; arc++)
		if ((seen >> arc & 1) == 0)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "pck extension: TCB member .2.%u is missing; the certificate is not "
			    "Intel's",
			    arc);
	return ASSAY_OK;
}

static enum assay_code
take_configuration(struct pck_extension *p, struct assay_reader *r, struct assay_error *err)
{
	static const uint8_t prefix[] = { PCK_OID, CONFIGURATION };
	struct assay_reader in = assay_der_enter(r, DER_SEQUENCE);
	uint32_t seen = 0;

	while (assay_reader_left(&in) > 0) {
		struct entry e = take_entry(&in, prefix, sizeof prefix);
		if (in.overrun)
			break;
		if (!mark(&seen, e.arc, SMT_ENABLED))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "pck extension: configuration member .7.%u is not known or stands "
			    "twice; the certificate is not Intel's",
			    e.arc);
		if (e.arc == DYNAMIC_PLATFORM)
			take_flag(&p->has_dynamic_platform, &p->dynamic_platform, &e.in);
		else if (e.arc == CACHED_KEYS)
			take_flag(&p->has_cached_keys, &p->cached_keys, &e.in);
		else
			take_flag(&p->has_smt_enabled, &p->smt_enabled, &e.in);
		if (!assay_reader_ended(&e.in))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "pck extension: configuration member .7.%u is no BOOLEAN; the "
			    "certificate is not Intel's",
			    e.arc);
	}
	if (!assay_reader_ended(&in))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "pck extension: the configuration (.7) is no sequence of OID and value; the "
		    "certificate is damaged");
	p->has_configuration = true;
	return ASSAY_OK;
}

/* A member that is one value. */
static bool
take_value(struct pck_extension *p, struct entry *e)
{
	switch ((enum member)e->arc) {
	case PPID:
		return take_octets(p->ppid, sizeof p->ppid, &e->in);
	case PCE_ID:
		return take_octets(p->pce_id, sizeof p->pce_id, &e->in);
	case FMSPC:
		return take_octets(p->fmspc, sizeof p->fmspc, &e->in);
	case SGX_TYPE: {
		uint64_t v = assay_der_uint(&e->in, DER_ENUMERATED);
		p->sgx_type = (uint8_t)v;
		return v <= SGX_TYPE_MAX;
	}
	case PLATFORM_INSTANCE:
		p->has_platform_instance = true;
		return take_octets(p->platform_instance, sizeof p->platform_instance, &e->in);
	case TCB:
	case CONFIGURATION:
		break;
	}
	return false;
}

static enum assay_code
take_member(struct pck_extension *p, struct entry *e, struct assay_error *err)
{
	enum assay_code rc;

	if (e->arc == TCB || e->arc == CONFIGURATION) {
		rc = e->arc == TCB ? take_tcb(p, &e->in, err) : take_configuration(p, &e->in, err);
		if (rc != ASSAY_OK)
			return rc;
	} else if (!take_value(p, e) || e->in.overrun) {
		return assay_fail(err, ASSAY_E_FORMAT,
		    "pck extension: member .%u is not of its type or length; the certificate is "
		    "not Intel's",
		    e->arc);
	}
	if (!assay_reader_ended(&e->in))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "pck extension: bytes follow the value of member .%u; the certificate is "
		    "damaged",
		    e->arc);
	return ASSAY_OK;
}

enum assay_code
assay_pck_extension_parse(struct pck_extension *out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader outer = { .what = "pck extension", .in = in };
	struct assay_reader r = assay_der_enter(&outer, DER_SEQUENCE);
	struct pck_extension p = { .pce_svn = 0 };
	uint32_t seen = 0;

	while (assay_reader_left(&r) > 0) {
		struct entry e = take_entry(&r, base, sizeof base);
		if (r.overrun)
			break;
		if (!mark(&seen, e.arc, CONFIGURATION))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "pck extension: member .%u is not known or stands twice; the "
			    "certificate is not Intel's",
			    e.arc);
		enum assay_code rc = take_member(&p, &e, err);
		if (rc != ASSAY_OK)
			return rc;
	}
	if (!assay_reader_ended(&r) || !assay_reader_ended(&outer))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "pck extension: is no sequence of OID and value; the certificate is damaged");
	for (unsigned arc = PPID; arc <= SGX_TYPE; arc++)
		if ((seen >> arc & 1) == 0)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "pck extension: member .%u is missing; the certificate is not Intel's",
			    arc);
	*out = p;
	return ASSAY_OK;
}
