/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/tee.h"

/*
 * The event log that came along with evidence. Its claims are nowhere used; but whoever reads it
 * beside an accepted verdict would take it for proven, so it must fit.
 */

/* A log with the one bank of RTMRs is held to their numbers, so that a register which there is not
 * does not turn it into a log of PCRs that nothing is compared with. */
static enum assay_code
parse(struct assay_log *log, const struct assay_registers *regs, struct assay_bytes in,
    struct assay_error *err)
{
	enum assay_code rc = assay_log_parse(log, in, ASSAY_LOG_ANY, err);

	if (rc == ASSAY_OK && regs->cc && log->kind == ASSAY_LOG_TCG2 && log->bank_count == 1 &&
	    log->banks[0].algorithm == regs->banks[0].algorithm)
		rc = assay_log_parse(log, in, ASSAY_LOG_CCEL, err);
	return rc;
}

/* An event whose text is not what was extended, though its type promises that; 0 if there is none. */
static size_t
find_lie(const struct assay_log *log)
{
	struct assay_log_event ev = { 0 };

	while (assay_log_next(&ev, log))
		if (assay_log_event_match(log, &ev) == ASSAY_LOG_MATCH_NO)
			return ev.number;
	return 0;
}

void
assay_check_eventlog(struct assay_checks *checks, const struct assay_evidence *ev)
{
	struct assay_registers regs;
	struct assay_log_finding finding;
	struct assay_error err;
	struct assay_log log;

	if (ev->eventlog.len == 0)
		return;
	if (ev->tee->registers == NULL) {
		assay_check_skip(checks, CHECK_EVENTLOG_REPLAY,
		    "event log: not compared: %s evidence has no registers for it", ev->tee->title);
		return;
	}
	ev->tee->registers(&regs, ev);
	if (parse(&log, &regs, ev->eventlog, &err) != ASSAY_OK) {
		assay_check_fail(checks, CHECK_EVENTLOG_REPLAY, ASSAY_E_POLICY, "%s", err.text);
		return;
	}
	if (log.cc != regs.cc) {
		assay_check_skip(checks, CHECK_EVENTLOG_REPLAY,
		    "event log: not compared: it is of a TPM's registers, which %s evidence does "
		    "not have",
		    ev->tee->title);
		return;
	}
	for (size_t b = 0; b < regs.bank_count; b++) {
		const struct assay_register_bank *bank = &regs.banks[b];
		/* Of a confidential VM 0 is the measurement at launch, which no event extends. */
		for (unsigned r = regs.cc ? 1 : 0; r < ASSAY_LOG_REGISTERS; r++) {
			if ((bank->known >> r & 1) == 0 ||
			    assay_log_compare(&finding, &log, 1, &regs, bank->algorithm, r, &err) ==
				ASSAY_OK)
				continue;
			assay_check_fail(
			    checks, CHECK_EVENTLOG_REPLAY, ASSAY_E_POLICY, "%s", err.text);
			return;
		}
	}
	size_t lie = find_lie(&log);
	assay_check_that(checks, CHECK_EVENTLOG_REPLAY, lie == 0, ASSAY_E_POLICY,
	    "replays to the registers of the evidence",
	    "event log: the text of event %zu is not what was extended, which its type promises",
	    lie);
}
