/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/sev.h"

enum {
	USAGE_AT = 0x34,
	R_AT = 0x40,
	S_AT = 0x88,
	NUMBER_SIZE = 48, /* of P-384 */
	NUMBER_ROOM = 72,
};

static const struct assay_bit policy_bits[] = {
	{ SEV_POLICY_NODBG, "NODBG" },
	{ SEV_POLICY_NOKS, "NOKS" },
	{ SEV_POLICY_ES, "ES" },
	{ SEV_POLICY_NOSEND, "NOSEND" },
	{ 4, "DOMAIN" },
	{ 5, "SEV" },
	{ 0, NULL },
};

/* Source: AMD 55766, SEV API, 6.8.3. Only the first three are signed. */
const struct assay_field sev_report_fields[] = {
	FIELD(sev_report, mnonce, 0x00, ASSAY_RAW, "MNONCE", "report"),
	FIELD(sev_report, launch_digest, 0x10, ASSAY_RAW, "LAUNCH_DIGEST", "report"),
	FIELD_BITS(sev_report, policy, 0x30, ASSAY_U32LE, "POLICY", "report", policy_bits),
	FIELD(sev_report, signature_usage, USAGE_AT, ASSAY_U32LE, "SIG_USAGE", "report"),
	FIELD(sev_report, signature_algo, 0x38, ASSAY_U32LE, "SIG_ALGO", "report"),
	FIELD(sev_report, reserved, 0x3c, ASSAY_U32LE, "reserved", "report"),
	FIELD_END,
};

bool
assay_sev_report_recognise(struct assay_bytes in)
{
	return in.len == SEV_REPORT_SIZE && assay_u32le(in.ptr + USAGE_AT) == SEV_USAGE_PEK;
}

enum assay_code
assay_sev_report_parse(struct sev_report *out, struct assay_bytes in, struct assay_error *err)
{
	static const uint8_t numbers[] = { R_AT, S_AT };
	struct sev_report rep = { 0 };

	if (in.len != SEV_REPORT_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "sev report: is %zu bytes, want %d; pass the report without its certificates",
		    in.len, SEV_REPORT_SIZE);
	assay_fields_decode(&rep, sev_report_fields, in);
	for (size_t i = 0; i < sizeof numbers; i++) {
		/* Beyond the 48 bytes of P-384: not signed, so nothing may hide there. */
		enum assay_code rc = assay_reserved_check(in, (size_t)numbers[i] + NUMBER_SIZE,
		    NUMBER_ROOM - NUMBER_SIZE, "sev report", err);
		if (rc != ASSAY_OK)
			return rc;
		assay_reverse(rep.signature + i * NUMBER_SIZE, in.ptr + numbers[i], NUMBER_SIZE);
	}
	rep.signed_part = (struct assay_bytes){ in.ptr, SEV_REPORT_SIGNED };
	*out = rep;
	return ASSAY_OK;
}
