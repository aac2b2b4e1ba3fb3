/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_JOB_H
#define AGENTD_JOB_H

/*
 * What takes time, or the network: each request over HTTP is done by a process of its own, which the
 * parent forks and puts an end to. It writes its answer into a stream of its own: status, type and
 * length, then so many bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "query.h"

enum job_type { JOB_JSON = 0, JOB_BYTES, JOB_CBOR };
enum {
	JOB_HEAD = 8, /* u16 status, u8 type, u8 zero, u32 length; little-endian */
	JOB_ANSWER_MAX = 16 * 1024 * 1024,
	JOB_MOST = 16, /* at once */
};

/* In the process of the job, which it ends. */
_Noreturn void job_run(const struct job *job, const struct agent_options *options, int out);
/* In a process of its own as well, which it ends: the name of the TEE, or "none"; nothing if it cannot be told. */
_Noreturn void job_find_tee(const struct agent_options *options, int timeout_ms, int out);
/* In place of it, in one packet's time: a refusal. */
void job_refuse(int out, int status, const char *why);

#endif
