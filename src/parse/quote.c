/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/quote.h"

#include <inttypes.h>
#include <string.h>

enum {
	KEY_TYPE_P256 = 2, /* ECDSA P-256 with SHA-256; 0, 1 EPID; 3 P-384, which nobody issues */
	VENDOR_AT = 12,
	VENDOR_SIZE = 16,
	TEE_AT = 4,
	BODY_SGX = 1, /* body types of version 5 */
	BODY_TD10 = 2,
	BODY_TD15 = 3,
	BODY_TD_EXT = 4,
	EC_SIZE = 64, /* r || s and x || y alike */
};

/* Intel's QE vendor id: the only quoting enclaves whose identity the collateral describes. */
static const uint8_t intel_vendor[VENDOR_SIZE] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

/* Source: Intel TDX DCAP Quoting Library API, A.3.1. QE SVN and PCE SVN are version 3's; later
 * versions reserve their bytes. */
const struct assay_field quote_header_fields[] = {
	FIELD(quote, version, 0, ASSAY_U16LE, "Version", "quote header"),
	FIELD(quote, key_type, 2, ASSAY_U16LE, "Attestation Key Type", "quote header"),
	FIELD(quote, tee_type, 4, ASSAY_U32LE, "TEE Type", "quote header"),
	FIELD(quote, qe_svn, 8, ASSAY_U16LE, "QE SVN", "quote header"),
	FIELD(quote, pce_svn, 10, ASSAY_U16LE, "PCE SVN", "quote header"),
	FIELD(quote, qe_vendor_id, VENDOR_AT, ASSAY_RAW, "QE Vendor ID", "quote header"),
	FIELD(quote, user_data, 28, ASSAY_RAW, "User Data", "quote header"),
	FIELD_END,
};

/* XCR0 | IA32_XSS. Source: Intel SDM volume 1, 13.1. */
static const struct assay_bit xfeature_bits[] = {
	{ 0, "X87" },
	{ 1, "SSE" },
	{ 2, "AVX" },
	{ 3, "BNDREGS" },
	{ 4, "BNDCSR" },
	{ 5, "OPMASK" },
	{ 6, "ZMM_HI256" },
	{ 7, "HI16_ZMM" },
	{ 8, "PT" },
	{ 9, "PKRU" },
	{ 10, "PASID" },
	{ 11, "CET_U" },
	{ 12, "CET_S" },
	{ 13, "HDC" },
	{ 14, "UINTR" },
	{ 15, "LBR" },
	{ 16, "HWP" },
	{ 17, "XTILECFG" },
	{ 18, "XTILEDATA" },
	{ 0, NULL },
};

/* Source: Intel SDM volume 3D, ATTRIBUTES. */
static const struct assay_bit sgx_attribute_bits[] = {
	{ 0, "INIT" },
	{ 1, "DEBUG" },
	{ 2, "MODE64BIT" },
	{ 4, "PROVISIONKEY" },
	{ 5, "EINITTOKENKEY" },
	{ 6, "CET" },
	{ 7, "KSS" },
	{ 10, "AEXNOTIFY" },
	{ 0, NULL },
};

/* Source: Intel TDX Module ABI, ATTRIBUTES. Bits 0 to 7 let the VMM look into the TD. */
static const struct assay_bit td_attribute_bits[] = {
	{ 0, "DEBUG" },
	{ 4, "HGS_PLUS_PROF" },
	{ 5, "PERF_PROF" },
	{ 6, "PMT_PROF" },
	{ 16, "ICSSD" },
	{ 17, "SERVTD_EXT" },
	{ 27, "LASS" },
	{ 28, "SEPT_VE_DISABLE" },
	{ 29, "MIGRATABLE" },
	{ 30, "PKS" },
	{ 31, "KL" },
	{ 62, "TPA" },
	{ 63, "PERFMON" },
	{ 0, NULL },
};

/* Source: Intel SDM volume 3D, REPORT. */
const struct assay_field sgx_report_fields[] = {
	FIELD(sgx_report, cpu_svn, 0, ASSAY_RAW, "CPUSVN", "SGX report"),
	FIELD(sgx_report, misc_select, 16, ASSAY_U32LE, "MISCSELECT", "SGX report"),
	FIELD(sgx_report, isv_ext_prod_id, 32, ASSAY_RAW, "ISVEXTPRODID", "SGX report"),
	FIELD_BITS(sgx_report, attributes, 48, ASSAY_U64LE, "ATTRIBUTES", "SGX report",
	    sgx_attribute_bits),
	FIELD_BITS(sgx_report, xfrm, 56, ASSAY_U64LE, "XFRM", "SGX report", xfeature_bits),
	FIELD(sgx_report, mr_enclave, 64, ASSAY_RAW, "MRENCLAVE", "SGX report"),
	FIELD(sgx_report, mr_signer, 128, ASSAY_RAW, "MRSIGNER", "SGX report"),
	FIELD(sgx_report, config_id, 192, ASSAY_RAW, "CONFIGID", "SGX report"),
	FIELD(sgx_report, isv_prod_id, 256, ASSAY_U16LE, "ISVPRODID", "SGX report"),
	FIELD(sgx_report, isv_svn, 258, ASSAY_U16LE, "ISVSVN", "SGX report"),
	FIELD(sgx_report, config_svn, 260, ASSAY_U16LE, "CONFIGSVN", "SGX report"),
	FIELD(sgx_report, isv_family_id, 304, ASSAY_RAW, "ISVFAMILYID", "SGX report"),
	FIELD(sgx_report, report_data, 320, ASSAY_RAW, "REPORTDATA", "SGX report"),
	FIELD_END,
};

static const struct {
	uint16_t at, size;
} sgx_reserved[] = { { 20, 12 }, { 96, 32 }, { 160, 32 }, { 262, 42 } };

/* Source: Intel TDX DCAP Quoting Library API, A.3.2; the extended body by its header file. */
const struct assay_field td_report_fields[] = {
	FIELD(td_report, tee_tcb_svn, 0, ASSAY_RAW, "TEE_TCB_SVN", "TD report"),
	FIELD(td_report, mr_seam, 16, ASSAY_RAW, "MRSEAM", "TD report"),
	FIELD(td_report, mr_signer_seam, 64, ASSAY_RAW, "MRSIGNERSEAM", "TD report"),
	FIELD(td_report, seam_attributes, 112, ASSAY_U64LE, "SEAMATTRIBUTES", "TD report"),
	FIELD_BITS(td_report, td_attributes, 120, ASSAY_U64LE, "TDATTRIBUTES", "TD report",
	    td_attribute_bits),
	FIELD_BITS(td_report, xfam, 128, ASSAY_U64LE, "XFAM", "TD report", xfeature_bits),
	FIELD(td_report, mr_td, 136, ASSAY_RAW, "MRTD", "TD report"),
	FIELD(td_report, mr_config_id, 184, ASSAY_RAW, "MRCONFIGID", "TD report"),
	FIELD(td_report, mr_owner, 232, ASSAY_RAW, "MROWNER", "TD report"),
	FIELD(td_report, mr_owner_config, 280, ASSAY_RAW, "MROWNERCONFIG", "TD report"),
	FIELD(td_report, rtmr[0], 328, ASSAY_RAW, "RTMR0", "TD report"),
	FIELD(td_report, rtmr[1], 376, ASSAY_RAW, "RTMR1", "TD report"),
	FIELD(td_report, rtmr[2], 424, ASSAY_RAW, "RTMR2", "TD report"),
	FIELD(td_report, rtmr[3], 472, ASSAY_RAW, "RTMR3", "TD report"),
	FIELD(td_report, report_data, 520, ASSAY_RAW, "REPORTDATA", "TD report"),
	FIELD(td_report, tee_tcb_svn2, 584, ASSAY_RAW, "TEE_TCB_SVN2", "TD report"),
	FIELD(td_report, mr_service_td, 600, ASSAY_RAW, "MRSERVICETD", "TD report"),
	FIELD(td_report, vm_id, 648, ASSAY_U8, "VM_ID", "TD report"),
	FIELD(td_report, td_id, 649, ASSAY_RAW, "TD_ID", "TD report"),
	FIELD(td_report, device_info, 681, ASSAY_RAW, "DEVICE_INFO", "TD report"),
	FIELD(td_report, init_servtd_hash, 729, ASSAY_RAW, "INIT_SERVTD_HASH", "TD report"),
	FIELD(td_report, init_servtd_attr, 777, ASSAY_U64LE, "INIT_SERVTD_ATTR", "TD report"),
	FIELD(td_report, init_cpu_svn, 785, ASSAY_RAW, "INIT_CPUSVN", "TD report"),
	FIELD(td_report, init_tee_tcb_svn, 801, ASSAY_RAW, "INIT_TEE_TCB_SVN", "TD report"),
	FIELD(td_report, init_fmspc, 817, ASSAY_RAW, "INIT_FMSPC", "TD report"),
	FIELD(td_report, cur_servtd_hash, 829, ASSAY_RAW, "CUR_SERVTD_HASH", "TD report"),
	FIELD(td_report, cur_servtd_attr, 877, ASSAY_U64LE, "CUR_SERVTD_ATTR", "TD report"),
	FIELD_END,
};

/* Source: Intel TDX DCAP Quoting Library API, A.4, Table 2 (type 4: its header file). */
static const struct body_kind {
	uint16_t type;
	uint32_t size, tee;
} bodies[] = {
	{ BODY_SGX, SGX_REPORT_SIZE, QUOTE_TEE_SGX },
	{ BODY_TD10, TD_REPORT10_SIZE, QUOTE_TEE_TDX },
	{ BODY_TD15, TD_REPORT15_SIZE, QUOTE_TEE_TDX },
	{ BODY_TD_EXT, TD_REPORT_EXT_SIZE, QUOTE_TEE_TDX },
};

static enum assay_code
take_header(struct quote *q, struct assay_reader *r, struct assay_error *err)
{
	struct assay_bytes header = assay_take(r, QUOTE_HEADER_SIZE);

	if (r->overrun)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: is %zu bytes, its header alone has %d; the file is cut short",
		    r->in.len, QUOTE_HEADER_SIZE);
	assay_fields_decode(q, quote_header_fields, header);
	if (q->version < 3 || q->version > 5)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "quote: version at 0 is %u, known are 3 to 5; update assay, or check that this "
		    "is a DCAP quote",
		    q->version);
	if (q->key_type != KEY_TYPE_P256)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "quote: attestation key type at 2 is %u, want 2 (ECDSA P-256); EPID and P-384 "
		    "quotes cannot be judged",
		    q->key_type);
	if (q->tee_type != QUOTE_TEE_SGX && q->tee_type != QUOTE_TEE_TDX)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "quote: TEE type at 4 is 0x%" PRIx32 ", want 0 (SGX) or 0x81 (TDX)",
		    q->tee_type);
	if (q->version == 3 && q->tee_type != QUOTE_TEE_SGX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: TEE type at 4 is 0x%" PRIx32
		    ", must be 0 in version 3, which is for SGX "
		    "only; the file is damaged",
		    q->tee_type);
	if (memcmp(q->qe_vendor_id, intel_vendor, VENDOR_SIZE) != 0) {
		struct assay_bytes id = { q->qe_vendor_id, VENDOR_SIZE };
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "quote: QE vendor id at 12 is %s, which is not Intel's; only quotes of Intel's "
		    "quoting enclaves can be judged",
		    assay_quote_hex(id).text);
	}
	if (q->version > 3)
		return assay_reserved_check(header, 8, 4, "quote header", err);
	return ASSAY_OK;
}

static enum assay_code
decode_sgx_report(
    struct sgx_report *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	for (size_t i = 0; i < sizeof sgx_reserved / sizeof *sgx_reserved; i++) {
		enum assay_code rc =
		    assay_reserved_check(in, sgx_reserved[i].at, sgx_reserved[i].size, what, err);
		if (rc != ASSAY_OK)
			return rc;
	}
	assay_fields_decode(out, sgx_report_fields, in);
	return ASSAY_OK;
}

static enum assay_code
take_body(struct quote *q, struct assay_reader *r, struct assay_error *err)
{
	const struct body_kind *kind = NULL;
	uint32_t size = 0;

	q->body_type = q->tee_type == QUOTE_TEE_SGX ? BODY_SGX : BODY_TD10;
	if (q->version == 5) {
		q->body_type = assay_take_u16le(r);
		size = assay_take_u32le(r);
		if (r->overrun)
			return assay_reader_end(r, err);
	}
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		if (bodies[i].type == q->body_type)
			kind = &bodies[i];
	if (kind == NULL)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "quote: body type at 48 is %u, known are 1 to 4; update assay", q->body_type);
	if (kind->tee != q->tee_type)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: body type at 48 is %u, which does not go with TEE type 0x%" PRIx32
		    " at 4; the file is damaged",
		    q->body_type, q->tee_type);
	if (q->version == 5 && size != kind->size)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: body size at 50 is %" PRIu32 ", must be %" PRIu32
		    " for body type %u; the file is damaged",
		    size, kind->size, q->body_type);
	q->body = assay_take(r, kind->size);
	if (r->overrun)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: is %zu bytes, its report ends at %zu; the file is cut short", r->in.len,
		    r->pos + kind->size);
	q->signed_part = (struct assay_bytes){ r->in.ptr, r->pos };
	if (kind->type == BODY_SGX)
		return decode_sgx_report(&q->sgx, q->body, "quote: SGX report", err);
	assay_fields_decode(&q->td, td_report_fields, q->body);
	return ASSAY_OK;
}

/* The QE's report and what certifies it: the tail of version 3, the type 6 block of the others. */
static enum assay_code
take_qe_report(struct quote *q, struct assay_reader *r, struct assay_error *err)
{
	q->qe_report_bytes = assay_take(r, SGX_REPORT_SIZE);
	q->qe_report_signature = assay_take(r, EC_SIZE);
	q->qe_auth_data = assay_take(r, assay_take_u16le(r));
	uint16_t type = assay_take_u16le(r);
	q->cert_data = assay_take(r, assay_take_u32le(r));
	enum assay_code rc = assay_reader_end(r, err);
	if (rc != ASSAY_OK)
		return rc;
	if (type < QUOTE_CERT_PPID_CLEAR || type > QUOTE_CERT_PLATFORM_MANIFEST ||
	    type == QUOTE_CERT_QE_REPORT)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "quote: certification data type is %u, known here are 1 to 5 and 7", type);
	q->pck_cert_type = (uint8_t)type;
	return decode_sgx_report(&q->qe_report, q->qe_report_bytes, "quote: QE report", err);
}

static enum assay_code
take_signature_data(struct quote *q, struct assay_reader *r, struct assay_error *err)
{
	size_t at = r->pos;
	uint32_t size = assay_take_u32le(r);
	size_t left = assay_reader_left(r);
	struct assay_reader sig = { .what = "quote: signature data", .in = assay_take(r, size) };

	if (r->overrun)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: signature data at %zu says %" PRIu32
		    " bytes, %zu are left; the file is cut short or damaged",
		    at, size, left);
	q->size = r->pos;
	q->signature = assay_take(&sig, EC_SIZE);
	q->attestation_key = assay_take(&sig, EC_SIZE);
	if (q->version == 3)
		return take_qe_report(q, &sig, err);

	uint16_t type = assay_take_u16le(&sig);
	uint32_t inner = assay_take_u32le(&sig);
	struct assay_reader qe = { .what = "quote: certification data",
		.in = assay_take(&sig, inner) };
	enum assay_code rc = assay_reader_end(&sig, err);
	if (rc != ASSAY_OK)
		return rc;
	if (type != QUOTE_CERT_QE_REPORT)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: outer certification data type is %u, must be 6 in version %u; the file "
		    "is damaged",
		    type, q->version);
	return take_qe_report(q, &qe, err);
}

/* Buffers of fixed size are handed out with the quote in front: zeros behind it mean nothing,
 * anything else would be bytes that nobody signed. */
static enum assay_code
take_padding(struct quote *q, struct assay_reader *r, struct assay_error *err)
{
	size_t at = r->pos;

	q->padding = assay_take(r, assay_reader_left(r));
	if (assay_bytes_zero(q->padding))
		return ASSAY_OK;
	while (r->in.ptr[at] == 0)
		at++;
	return assay_fail(err, ASSAY_E_FORMAT,
	    "quote: ends at %zu, but the byte at %zu is 0x%02x; only zero bytes may follow a quote",
	    q->size, at, r->in.ptr[at]);
}

bool
assay_quote_recognise(struct assay_bytes in, uint32_t tee_type)
{
	return in.len >= QUOTE_HEADER_SIZE && assay_u32le(in.ptr + TEE_AT) == tee_type &&
	    memcmp(in.ptr + VENDOR_AT, intel_vendor, VENDOR_SIZE) == 0;
}

enum assay_code
assay_quote_parse(struct quote *out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = "quote", .in = in };
	struct quote q = { 0 };
	enum assay_code rc;

	if (in.len > QUOTE_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "quote: is %zu bytes, at most %d make sense; pass the quote alone", in.len,
		    QUOTE_MAX);
	if ((rc = take_header(&q, &r, err)) != ASSAY_OK ||
	    (rc = take_body(&q, &r, err)) != ASSAY_OK ||
	    (rc = take_signature_data(&q, &r, err)) != ASSAY_OK ||
	    (rc = take_padding(&q, &r, err)) != ASSAY_OK)
		return rc;
	*out = q;
	return ASSAY_OK;
}
