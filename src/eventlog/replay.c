/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <string.h>

enum {
	DRTM_FIRST = 17, /* PCRs that only a dynamic launch resets to zero */
	DRTM_LAST = 22,
};

void
assay_register_reset(uint8_t out[ASSAY_LOG_DIGEST_MAX], const struct assay_log *logs, size_t count,
    size_t size, unsigned reg)
{
	memset(out, 0, ASSAY_LOG_DIGEST_MAX);
	if (logs[0].cc)
		return;
	if (reg >= DRTM_FIRST && reg <= DRTM_LAST)
		memset(out, 0xff, size);
	for (size_t i = 0; i < count && reg == 0; i++)
		if (logs[i].locality != 0)
			out[size - 1] = logs[i].locality;
}

void
assay_register_extend(uint8_t r[ASSAY_LOG_DIGEST_MAX], const struct assay_log_event *ev,
    const struct assay_log_digest *digest)
{
	uint8_t ones[ASSAY_LOG_DIGEST_MAX];
	struct assay_bytes parts[] = { { r, digest->size }, { digest->bytes, digest->size } };

	if (ev->violation) {
		memset(ones, 0xff, sizeof ones);
		parts[1].ptr = ones;
	}
	uint8_t next[ASSAY_LOG_DIGEST_MAX];
	assay_bank_hash(next, digest->algorithm, parts, 2);
	memcpy(r, next, sizeof next);
}

/* The banks of all logs that can be computed, with every register at reset. */
static enum assay_code
make_banks(struct assay_registers *out, const struct assay_log *logs, size_t count,
    struct assay_error *err)
{
	out->cc = logs[0].cc;
	for (size_t n = 0; n < count; n++) {
		if (logs[n].cc != logs[0].cc)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: log 1 is of %s, log %zu of %s; replay them apart",
			    logs[0].cc ? "RTMRs" : "PCRs", n + 1, logs[n].cc ? "RTMRs" : "PCRs");
		for (size_t i = 0; i < logs[n].bank_count; i++) {
			struct assay_log_bank bank = logs[n].banks[i];
			const struct assay_bank_algorithm *a = assay_bank_find(bank.algorithm);
			size_t b = 0;
			while (b < out->bank_count && out->banks[b].algorithm != bank.algorithm)
				b++;
			if (a == NULL || !a->computed || b < out->bank_count)
				continue;
			if (b == ASSAY_LOG_BANKS_MAX)
				return assay_fail(err, ASSAY_E_FORMAT,
				    "event log: more than %d banks in all", ASSAY_LOG_BANKS_MAX);
			out->banks[b].algorithm = bank.algorithm;
			out->banks[b].size = bank.size;
			out->bank_count++;
		}
	}
	if (out->bank_count == 0)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "event log: none of its banks is computed here; want SHA-1, SHA-256, SHA-384 "
		    "or SHA-512");
	for (size_t b = 0; b < out->bank_count; b++)
		for (unsigned r = 0; r < ASSAY_LOG_REGISTERS; r++)
			assay_register_reset(
			    out->banks[b].value[r], logs, count, out->banks[b].size, r);
	return ASSAY_OK;
}

static void
extend(struct assay_registers *out, const struct assay_log_event *ev)
{
	for (size_t b = 0; b < out->bank_count; b++) {
		struct assay_register_bank *bank = &out->banks[b];
		const struct assay_log_digest *d = assay_log_digest_of(ev, bank->algorithm);
		if (d == NULL) {
			bank->untold |= 1U << ev->reg;
			continue;
		}
		assay_register_extend(bank->value[ev->reg], ev, d);
		bank->known |= 1U << ev->reg;
	}
}

enum assay_code
assay_log_replay(struct assay_registers *out, const struct assay_log *logs, size_t count,
    struct assay_error *err)
{
	struct assay_registers regs = { 0 };
	enum assay_code rc;

	if (count == 0)
		return assay_fail(err, ASSAY_E_USAGE, "event log: no log was given");
	if ((rc = make_banks(&regs, logs, count, err)) != ASSAY_OK)
		return rc;
	for (size_t i = 0; i < count; i++) {
		struct assay_log_event ev = { 0 };
		while (assay_log_next(&ev, &logs[i]))
			if (ev.extends)
				extend(&regs, &ev);
	}
	*out = regs;
	return ASSAY_OK;
}
