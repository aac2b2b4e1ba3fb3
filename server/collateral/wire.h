/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_COLLATERAL_WIRE_H
#define ASSAYD_COLLATERAL_WIRE_H

/*
 * What the front asks of the fetcher, and its answer. No URL goes over: the fetcher makes it from the
 * services of its own configuration, so that a front in wrong hands cannot send it elsewhere.
 *
 *   request   op 1; fields: u64 thing, u64 flags, fmspc, product, hwid, u64 fmc, bootloader, tee, snp,
 *             microcode
 *   answer    op enum fetch_status; fields: u64 seconds after which to ask again, body, issuer chain,
 *             sentence (who answered, or why not)
 */

#include "../../cli/want.h"
#include "../ipc.h"

enum { FETCH = 1 };

enum fetch_status {
	FETCH_DONE = 0,
	FETCH_UNKNOWN = 1, /* no service knows it */
	FETCH_TROUBLE = 2, /* it may come later */
};

enum { FETCH_REQUEST_FIELDS = 10, FETCH_ANSWER_FIELDS = 4 };

/* A whole message; the caller frees. NULL: no memory. */
uint8_t *fetch_request_write(size_t *len, uint32_t id, const struct want *w);
/* False: not one that fetch_request_write() makes. */
bool fetch_request_read(struct want *w, const struct ipc_message *m);

#endif
