/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include <signal.h>
#include <sys/time.h>

#include <assay/bundle.h>
#include <assay/eventlog.h>

#include "command.h"

enum {
	TIMEOUT_MS = 30000, /* the library's own */
	INTERRUPT_US = 100000,
};

static void
wake(int signal)
{
	(void)signal;
}

/* A read of the kernel's report blocks for as long as the host takes; from then on it is interrupted,
 * again and again, as it may begin between two signals. The library gives up as its time is over. 0:
 * no more. */
static void
interrupt_from(int ms)
{
	const struct sigaction quietly = { .sa_handler = wake }; /* and no SA_RESTART */
	struct itimerval timer = { 0 };

	if (ms > 0) {
		timer.it_value.tv_sec = ms / 1000;
		timer.it_value.tv_usec = (suseconds_t)(ms % 1000) * 1000;
		timer.it_interval.tv_usec = INTERRUPT_US;
		(void)sigaction(SIGALRM, &quietly, NULL);
	}
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

enum assay_code
guest_collect(struct assay_guest_evidence **out, const struct assay_guest_request *request,
    struct assay_error *err)
{
	interrupt_from(request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS);
	enum assay_code rc = assay_guest_collect(out, request, err);
	interrupt_from(0);
	return rc;
}

int
guest_exit(enum assay_code code)
{
	return code == ASSAY_OK                                         ? EXIT_YES
	    : code == ASSAY_E_USAGE                                     ? EXIT_USAGE
	    : code == ASSAY_E_INCOMPLETE || code == ASSAY_E_UNSUPPORTED ? EXIT_UNTOLD
									: EXIT_TROUBLE;
}

/* --- as JSON --------------------------------------------------------------------------------- */

/* The log without the padding behind it: a broker takes 2 MiB, and firmware leaves 1 MiB of it. */
static struct assay_bytes
used_log(const struct assay_guest_evidence *ev)
{
	struct assay_bytes in = assay_guest_piece(ev, ASSAY_GUEST_EVENTLOG);
	struct assay_log log;

	if (in.len > 0 && assay_log_parse(&log, in, ASSAY_LOG_ANY, NULL) == ASSAY_OK)
		in.len = log.used;
	return in;
}

enum assay_code
guest_coco(char **json, const struct assay_guest_evidence *ev, struct assay_error *err)
{
	struct assay_bytes evidence = assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE);
	struct assay_bytes proof = assay_guest_piece(ev, ASSAY_GUEST_PROOF);

	if (proof.len > 0)
		return assay_coco_write_sev(json, evidence, proof, err);
	return assay_coco_write(
	    json, evidence, assay_guest_piece(ev, ASSAY_GUEST_CERTIFICATES), used_log(ev), err);
}
