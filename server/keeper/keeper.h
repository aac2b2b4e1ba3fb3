/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KEEPER_H
#define ASSAYD_KEEPER_H

#include "../ipc.h"
#include "ops.h"

struct event_base;

/* --- the process ------------------------------------------------------------------------- */

struct keeper_options {
	const char *store; /* "sqlite:/var/lib/assay/assayd.db" */
	const char
	    *master_key; /* file; NULL: master.key beside the store, made at the first start */
	const char
	    *admin_key; /* where the first start puts the admin key; NULL: beside the store */
	const char *issuer, *audience;
	int64_t token_life_s, ticket_life_s;
	bool sample; /* sample evidence is taken: never with a store of real secrets */
	bool opa;    /* nothing is released but what the operator's OPA has allowed too */
};

/*
 * Opens store and keys, and says on standard error what the first start made. 0, or the exit code
 * after it has complained. Called before any thread and any connection exists, in the process that
 * keeper_run() then serves.
 */
struct keeper;
int keeper_open(struct keeper **out, const struct keeper_options *options);
/* Serves these sockets, one per worker, until all are closed or the process is told to end. Drops its
 * rights first. Returns the exit code. */
int keeper_run(struct keeper *keeper, const int *sockets, size_t count);
void keeper_close(struct keeper *keeper);

/* --- the front's side -------------------------------------------------------------------- */

/* One worker's line to the keeper; used on the thread of its event base only. SIGPIPE is ignored. */
struct keeper_line;
struct keeper_line *keeper_line_new(struct event_base *base, int socket);
void keeper_line_free(struct keeper_line *line); /* calls that wait get KEEPER_TROUBLE */

/* answer: borrowed, until the call returns. m->op is the enum keeper_status. */
typedef void keeper_done(void *arg, const struct ipc_message *answer);
/* Asks; done is called later from the event loop, exactly once, also when the keeper is gone
 * (KEEPER_TROUBLE). The fields are copied. */
void keeper_call(struct keeper_line *line, enum keeper_op op, const struct assay_bytes *fields,
    size_t count, keeper_done *done, void *arg);

#endif
