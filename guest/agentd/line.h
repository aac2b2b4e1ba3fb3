/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_LINE_H
#define AGENTD_LINE_H

/*
 * The line to the host's broker: a process without keys, because what it reads is the host's. The
 * signer asks it over a socket of packets, one question at a time, and believes nothing of the answer
 * but its length.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent_wire.h"
#include "options.h"

enum { LINE_KEY_DIGEST = 32, LINE_WHY = 200 };

struct line_question {
	uint32_t id;
	uint8_t report_data[ATTEST_REPORT_DATA];
	uint8_t key_digest[LINE_KEY_DIGEST];
};

struct line_answer {
	uint32_t id;
	uint8_t ok;                        /* no bool: any byte may come */
	uint8_t bound;                     /* the broker says that MNONCE is by the formula */
	uint8_t evidence[ATTEST_EVIDENCE]; /* if ok */
	char why[LINE_WHY];                /* if not */
};

/* Its whole life; returns the exit code. */
int line_run(const struct agent_options *options, int signer);

#endif
