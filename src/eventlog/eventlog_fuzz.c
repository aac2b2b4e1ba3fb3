/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal that explains nothing is a bug too. */
static bool
accepted(enum assay_code rc, struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
	*err = (struct assay_error){ ASSAY_OK, "" };
	return rc == ASSAY_OK;
}

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* What a log that was taken promises. */
static void
walk(const struct assay_log *log, struct assay_bytes in)
{
	struct assay_log_event ev = { 0 };
	size_t n = 0, at = log->start;
	char text[300];

	must(log->used <= in.len && log->bank_count >= 1);
	while (assay_log_next(&ev, log)) {
		n++;
		must(ev.number == n && ev.at == at && ev.size > 0);
		must(ev.data.len <= ev.size && ev.at + ev.size <= log->used);
		must(!ev.extends || ev.reg < ASSAY_LOG_REGISTERS);
		must(!ev.extends || ev.digest_count == log->bank_count);
		at += ev.size;
		memset(text, 'x', sizeof text);
		assay_log_event_text(text, sizeof text, log, &ev);
		must(memchr(text, '\0', sizeof text) != NULL);
		for (const char *p = text; *p != '\0'; p++)
			must(*p >= 0x20 && *p < 0x7f);
		(void)assay_log_event_match(log, &ev);
	}
	must(n == log->events && at == log->used);
}

static void
replay(const struct assay_log *log)
{
	struct assay_registers regs;
	struct assay_log_finding f;
	struct assay_error err = { ASSAY_OK, "" };

	if (!accepted(assay_log_replay(&regs, log, 1, &err), &err))
		return;
	must(regs.cc == log->cc && regs.bank_count >= 1);
	if (log->events > 64)
		return;
	for (unsigned r = log->cc ? 1 : 0; r < (log->cc ? CC_REGISTERS : 24); r++) {
		regs.banks[0].known |= 1U << r;
		/* A log fits its own values, and itself; not a value with one bit turned. */
		must(assay_log_compare(&f, log, 1, &regs, regs.banks[0].algorithm, r, &err) ==
		    ASSAY_OK);
		must(assay_log_differ(&f, log, 1, log, regs.banks[0].algorithm, r, &err) ==
		    ASSAY_OK);
	}
	unsigned r = log->cc ? 1 : 0;
	regs.banks[0].value[r][3] ^= 4;
	must(!accepted(
	    assay_log_compare(&f, log, 1, &regs, regs.banks[0].algorithm, r, &err), &err));
	must(f.text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_bytes in = { data, size };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_registers regs;
	struct assay_ccel_table table;
	struct assay_log log;

	for (int kind = ASSAY_LOG_ANY; kind <= ASSAY_LOG_IMA; kind++) {
		if (!accepted(assay_log_parse(&log, in, (enum assay_log_kind)kind, &err), &err))
			continue;
		walk(&log, in);
		replay(&log);
	}
	(void)accepted(assay_registers_parse(&regs, in, &err), &err);
	(void)accepted(assay_ccel_table_parse(&table, in, &err), &err);
	return 0;
}
