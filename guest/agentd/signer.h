/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_SIGNER_H
#define AGENTD_SIGNER_H

/*
 * The process that has the keys. It answers attest.sock, one packet for one, and asks the line for each
 * report; it signs none that does not answer the caller's request.
 */

#include "callers.h"
#include "secret.h"

struct signer_ends {
	int listener; /* of attest.sock */
	int line;     /* packets: struct line_question, struct line_answer */
	int control;  /* packets from the parent: struct callers; its end: stop */
};

/* What it says by a packet when it is ready. */
struct signer_ready {
	bool has_key;                /* there was one, and so this is a SEV guest */
	char text[SECRET_WHY + 128]; /* what became of the launch key; zero-terminated */
};

/* Its whole life, from taking the launch key. Returns the exit code. */
int signer_run(const struct agent_options *options, const struct callers *callers,
    const struct signer_ends *ends);

#endif
