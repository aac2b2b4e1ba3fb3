/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/snp_report.h"

#include <inttypes.h>
#include <string.h>

enum {
	ALGO_AT = 0x34, /* SIGNATURE_ALGO */
	ALGO_ECDSA_P384 = 1,
	VERSION_MIN = 2,
	VERSION_MAX = 5,
	VERSION_PLAUSIBLE = 15, /* newer ones are recognised, so that they are refused in words */
	R_AT = 0x2a0,
	S_AT = 0x2e8,
	NUMBER_SIZE = 48, /* of P-384, in a field of 72 */
};

static const struct assay_bit policy_bits[] = {
	{ SNP_POLICY_SMT, "SMT" },
	{ SNP_POLICY_MIGRATE_MA, "MIGRATE_MA" },
	{ SNP_POLICY_DEBUG, "DEBUG" },
	{ SNP_POLICY_SINGLE_SOCKET, "SINGLE_SOCKET" },
	{ 21, "CXL_ALLOW" },
	{ 22, "MEM_AES_256_XTS" },
	{ 23, "RAPL_DIS" },
	{ 24, "CIPHERTEXT_HIDING_DRAM" },
	{ 25, "PAGE_SWAP_DISABLE" },
	{ 0, NULL },
};

static const struct assay_bit platform_info_bits[] = {
	{ 0, "SMT_EN" },
	{ 1, "TSME_EN" },
	{ 2, "ECC_EN" },
	{ 3, "RAPL_DIS" },
	{ 4, "CIPHERTEXT_HIDING_DRAM_EN" },
	{ 5, "ALIAS_CHECK_COMPLETE" },
	{ 7, "TIO_EN" },
	{ 0, NULL },
};

static const struct assay_bit key_info_bits[] = {
	{ 0, "AUTHOR_KEY_EN" },
	{ 1, "MASK_CHIP_KEY" },
	{ 0, NULL },
};

/* Source: AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT. */
const struct assay_field snp_report_fields[] = {
	FIELD(snp_report, version, 0x000, ASSAY_U32LE, "VERSION", "report"),
	FIELD(snp_report, guest_svn, 0x004, ASSAY_U32LE, "GUEST_SVN", "report"),
	FIELD_BITS(snp_report, policy, 0x008, ASSAY_U64LE, "POLICY", "report", policy_bits),
	FIELD(snp_report, family_id, 0x010, ASSAY_RAW, "FAMILY_ID", "report"),
	FIELD(snp_report, image_id, 0x020, ASSAY_RAW, "IMAGE_ID", "report"),
	FIELD(snp_report, vmpl, 0x030, ASSAY_U32LE, "VMPL", "report"),
	FIELD(snp_report, signature_algo, 0x034, ASSAY_U32LE, "SIGNATURE_ALGO", "report"),
	FIELD(snp_report, current_tcb, 0x038, ASSAY_U64LE, "CURRENT_TCB", "report"),
	FIELD_BITS(snp_report, platform_info, 0x040, ASSAY_U64LE, "PLATFORM_INFO", "report",
	    platform_info_bits),
	FIELD_BITS(snp_report, key_info, 0x048, ASSAY_U32LE, "KEY_INFO", "report", key_info_bits),
	FIELD(snp_report, report_data, 0x050, ASSAY_RAW, "REPORT_DATA", "report"),
	FIELD(snp_report, measurement, 0x090, ASSAY_RAW, "MEASUREMENT", "report"),
	FIELD(snp_report, host_data, 0x0c0, ASSAY_RAW, "HOST_DATA", "report"),
	FIELD(snp_report, id_key_digest, 0x0e0, ASSAY_RAW, "ID_KEY_DIGEST", "report"),
	FIELD(snp_report, author_key_digest, 0x110, ASSAY_RAW, "AUTHOR_KEY_DIGEST", "report"),
	FIELD(snp_report, report_id, 0x140, ASSAY_RAW, "REPORT_ID", "report"),
	FIELD(snp_report, report_id_ma, 0x160, ASSAY_RAW, "REPORT_ID_MA", "report"),
	FIELD(snp_report, reported_tcb, 0x180, ASSAY_U64LE, "REPORTED_TCB", "report"),
	FIELD_SINCE(snp_report, cpuid_family, 0x188, ASSAY_U8, "CPUID_FAM_ID", "report", 3),
	FIELD_SINCE(snp_report, cpuid_model, 0x189, ASSAY_U8, "CPUID_MOD_ID", "report", 3),
	FIELD_SINCE(snp_report, cpuid_stepping, 0x18a, ASSAY_U8, "CPUID_STEP", "report", 3),
	FIELD(snp_report, chip_id, 0x1a0, ASSAY_RAW, "CHIP_ID", "report"),
	FIELD(snp_report, committed_tcb, 0x1e0, ASSAY_U64LE, "COMMITTED_TCB", "report"),
	FIELD(snp_report, current_build, 0x1e8, ASSAY_U8, "CURRENT_BUILD", "report"),
	FIELD(snp_report, current_minor, 0x1e9, ASSAY_U8, "CURRENT_MINOR", "report"),
	FIELD(snp_report, current_major, 0x1ea, ASSAY_U8, "CURRENT_MAJOR", "report"),
	FIELD(snp_report, committed_build, 0x1ec, ASSAY_U8, "COMMITTED_BUILD", "report"),
	FIELD(snp_report, committed_minor, 0x1ed, ASSAY_U8, "COMMITTED_MINOR", "report"),
	FIELD(snp_report, committed_major, 0x1ee, ASSAY_U8, "COMMITTED_MAJOR", "report"),
	FIELD(snp_report, launch_tcb, 0x1f0, ASSAY_U64LE, "LAUNCH_TCB", "report"),
	FIELD_SINCE(
	    snp_report, launch_mit_vector, 0x1f8, ASSAY_U64LE, "LAUNCH_MIT_VECTOR", "report", 5),
	FIELD_SINCE(
	    snp_report, current_mit_vector, 0x200, ASSAY_U64LE, "CURRENT_MIT_VECTOR", "report", 5),
	FIELD_END,
};

/* Zero in every report of these versions. Those at 0x2d0 and above are not signed, so anybody
 * could write there. */
static const struct {
	uint16_t at, end;
	uint8_t from, to; /* versions */
} reserved[] = {
	{ 0x04c, 0x050, 2, 5 },
	{ 0x188, 0x1a0, 2, 2 },
	{ 0x18b, 0x1a0, 3, 5 },
	{ 0x1eb, 0x1ec, 2, 5 },
	{ 0x1ef, 0x1f0, 2, 5 },
	{ 0x1f8, 0x2a0, 2, 4 },
	{ 0x208, 0x2a0, 5, 5 },
	{ 0x2d0, 0x2e8, 2, 5 },
	{ 0x318, 0x4a0, 2, 5 },
};

const char *
assay_snp_product_name(enum snp_product product)
{
	static const char *const names[SNP_PRODUCTS] = {
		[SNP_UNKNOWN] = "unknown",
		[SNP_MILAN] = "Milan",
		[SNP_GENOA] = "Genoa",
		[SNP_TURIN] = "Turin",
	};

	return (unsigned)product < SNP_PRODUCTS ? names[product] : "unknown";
}

struct snp_tcb
assay_snp_tcb_decode(uint64_t raw, enum snp_product product)
{
	uint8_t b[8];

	for (unsigned i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(raw >> 8 * i);
	if (product == SNP_TURIN)
		return (struct snp_tcb){
			.fmc = b[0],
			.bootloader = b[1],
			.tee = b[2],
			.snp = b[3],
			.microcode = b[7],
		};
	return (struct snp_tcb){
		.bootloader = b[0],
		.tee = b[1],
		.snp = b[6],
		.microcode = b[7],
	};
}

/* Source: AMD 57230, 1.5 "products"; Genoa's line includes Bergamo and Siena (models 0xa0..0xaf). */
enum snp_product
assay_snp_product_of_cpuid(uint8_t family, uint8_t model)
{
	if (family == 0x19 && model <= 0x0f)
		return SNP_MILAN;
	if (family == 0x19 &&
	    ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf)))
		return SNP_GENOA;
	if (family == 0x1a && model <= 0x11)
		return SNP_TURIN;
	return SNP_UNKNOWN;
}

bool
assay_snp_report_recognise(struct assay_bytes in)
{
	if (in.len < SNP_REPORT_SIZE)
		return false;
	uint32_t version = assay_u32le(in.ptr);
	if (version == 0 || version > VERSION_PLAUSIBLE)
		return false;
	/* What follows should be a certificate table; if it is not, the parser says so. */
	return in.len == SNP_REPORT_SIZE || assay_u32le(in.ptr + ALGO_AT) == ALGO_ECDSA_P384;
}

enum assay_code
assay_snp_report_parse(struct snp_report *out, struct assay_bytes in, struct assay_error *err)
{
	struct snp_report rep = { 0 };

	if (in.len != SNP_REPORT_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "snp report: is %zu bytes, want %d; pass the report without its certificates",
		    in.len, SNP_REPORT_SIZE);
	assay_fields_decode(&rep, snp_report_fields, in);
	if (rep.version < VERSION_MIN || rep.version > VERSION_MAX)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "snp report: version at 0x000 is %" PRIu32 ", known are %d to %d; update assay",
		    rep.version, VERSION_MIN, VERSION_MAX);
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		if (rep.version < reserved[i].from || rep.version > reserved[i].to)
			continue;
		enum assay_code rc = assay_reserved_check(in, reserved[i].at,
		    (size_t)(reserved[i].end - reserved[i].at), "snp report", err);
		if (rc != ASSAY_OK)
			return rc;
	}
	assay_reverse(rep.signature, in.ptr + R_AT, NUMBER_SIZE);
	assay_reverse(rep.signature + NUMBER_SIZE, in.ptr + S_AT, NUMBER_SIZE);
	rep.signed_part = (struct assay_bytes){ in.ptr, SNP_SIGNED_SIZE };
	rep.product = assay_snp_product_of_cpuid(rep.cpuid_family, rep.cpuid_model);
	*out = rep;
	return ASSAY_OK;
}
