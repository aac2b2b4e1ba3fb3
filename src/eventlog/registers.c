/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <string.h>

/* TDREPORT_STRUCT: REPORTMACSTRUCT, TEE_TCB_INFO, reserved, TDINFO_STRUCT. */
enum {
	TDREPORT_SIZE = 1024,
	TDREPORT_TYPE = 0x81, /* REPORTTYPE.TYPE */
	TDINFO_AT = 512,
	MRTD_AT = TDINFO_AT + 16,
	RTMR_AT = TDINFO_AT + 208,
};

/* --- TDREPORT ---------------------------------------------------------------------------- */

static bool
is_tdreport(struct assay_bytes in)
{
	return in.len == TDREPORT_SIZE && in.ptr[0] == TDREPORT_TYPE && in.ptr[1] == 0 &&
	    in.ptr[3] == 0;
}

static void
take_tdreport(struct assay_registers *out, struct assay_bytes in)
{
	struct assay_register_bank *bank = &out->banks[0];

	*out = (struct assay_registers){ .cc = true, .bank_count = 1 };
	bank->algorithm = ALG_SHA384;
	bank->size = CC_DIGEST;
	bank->known = (1U << CC_REGISTERS) - 1;
	memcpy(bank->value[0], in.ptr + MRTD_AT, CC_DIGEST);
	for (size_t r = 1; r < CC_REGISTERS; r++)
		memcpy(bank->value[r], in.ptr + RTMR_AT + (r - 1) * CC_DIGEST, CC_DIGEST);
}

/* --- a list ------------------------------------------------------------------------------ */

/* "rtmr2", "pcr7", "mrtd". */
static bool
take_name(bool *cc, unsigned *reg, struct assay_bytes name)
{
	static const char *const prefixes[] = { "rtmr", "pcr" };

	*cc = true;
	*reg = 0;
	if (assay_bytes_equal(name, assay_bytes_of("mrtd")))
		return true;
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(prefixes[i]);
		if (name.len <= n || name.len > n + 2 || memcmp(name.ptr, prefixes[i], n) != 0)
			continue;
		for (; n < name.len; n++) {
			if (name.ptr[n] < '0' || name.ptr[n] > '9')
				return false;
			*reg = *reg * 10 + (unsigned)(name.ptr[n] - '0');
		}
		*cc = i == 0;
		if (*cc)
			++*reg;
		return *reg < (*cc ? (unsigned)CC_REGISTERS : (unsigned)ASSAY_LOG_REGISTERS);
	}
	return false;
}

static struct assay_register_bank *
bank_for(struct assay_registers *regs, const struct assay_bank_algorithm *a)
{
	for (size_t i = 0; i < regs->bank_count; i++)
		if (regs->banks[i].algorithm == a->id)
			return &regs->banks[i];
	/* There are fewer sizes of digests than banks. */
	struct assay_register_bank *bank = &regs->banks[regs->bank_count++];
	bank->algorithm = a->id;
	bank->size = a->size;
	return bank;
}

static enum assay_code
take_line(struct assay_registers *regs, struct assay_bytes line, size_t number, bool first,
    struct assay_error *err)
{
	const uint8_t *sign = memchr(line.ptr, '=', line.len);
	bool cc = false;
	unsigned reg = 0;

	if (sign == NULL)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "list of registers: line %zu: %s has no \"=\"; write rtmr0 = HEX, or pcr7 = "
		    "HEX",
		    number, assay_quote(line).text);
	size_t n = (size_t)(sign - line.ptr);
	struct assay_bytes name = assay_bytes_trim((struct assay_bytes){ line.ptr, n });
	struct assay_bytes hex =
	    assay_bytes_trim((struct assay_bytes){ sign + 1, line.len - n - 1 });
	const struct assay_bank_algorithm *a = assay_bank_of_size(hex.len / 2);
	if (!take_name(&cc, &reg, name))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "list of registers: line %zu: there is no register %s; want rtmr0 to rtmr3, or "
		    "pcr0 to pcr23",
		    number, assay_quote(name).text);
	if (!first && cc != regs->cc)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "list of registers: line %zu: has RTMRs and PCRs; want one of both", number);
	if (a == NULL || (cc && a->id != ALG_SHA384))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "list of registers: line %zu: the value is %zu digits long; want %s", number,
		    hex.len, cc ? "96" : "40, 64, 96 or 128");
	struct assay_register_bank *bank = bank_for(regs, a);
	if ((bank->known & 1U << reg) != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "list of registers: line %zu: gives %s a second time; want each once", number,
		    assay_quote(name).text);
	if (!assay_unhex(bank->value[reg], a->size, hex))
		return assay_fail(err, ASSAY_E_FORMAT, "list of registers: line %zu: %s is not hex",
		    number, assay_quote(hex).text);
	bank->known |= 1U << reg;
	regs->cc = cc;
	return ASSAY_OK;
}

static enum assay_code
take_list(struct assay_registers *out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_registers regs = { 0 };
	enum assay_code rc = ASSAY_OK;
	bool first = true;

	for (size_t number = 1; in.len > 0 && rc == ASSAY_OK; number++) {
		const uint8_t *end = memchr(in.ptr, '\n', in.len);
		size_t n = end != NULL ? (size_t)(end - in.ptr) : in.len;
		struct assay_bytes line = assay_bytes_trim((struct assay_bytes){ in.ptr, n });
		in.ptr += end != NULL ? n + 1 : n;
		in.len -= end != NULL ? n + 1 : n;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		rc = take_line(&regs, line, number, first, err);
		first = false;
	}
	if (rc == ASSAY_OK)
		*out = regs;
	return rc;
}

/* Text whose first line that is not empty names a register, or that is a comment. */
static bool
is_list(struct assay_bytes in)
{
	struct assay_bytes text = assay_bytes_trim(in);
	static const char *const words[] = { "#", "rtmr", "pcr", "mrtd" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (text.len > strlen(words[i]) &&
		    memcmp(text.ptr, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

enum assay_code
assay_registers_parse(struct assay_registers *out, struct assay_bytes in, struct assay_error *err)
{
	if (is_tdreport(in)) {
		take_tdreport(out, in);
		return ASSAY_OK;
	}
	if (is_list(in))
		return take_list(out, in, err);
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "is neither a TDREPORT of %d bytes nor a list of registers such as rtmr0 = HEX",
	    TDREPORT_SIZE);
}
