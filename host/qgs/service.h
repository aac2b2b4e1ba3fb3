/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_QGS_SERVICE_H
#define BROKER_QGS_SERVICE_H

/* One exchange with a quoting service, which is a connection of its own; and whether it takes one at all. */

#include <stdbool.h>
#include <stdint.h>

#include <assay/bytes.h>

#include "../address.h"

struct event_base;
struct exchange;

enum exchange_end {
	EXCHANGE_DONE,     /* the answer is here, or the connection if nothing was asked */
	EXCHANGE_NO_WAY,   /* nobody takes the connection */
	EXCHANGE_NO_ANSWER /* it closes, stalls, or says what is none */
};

/* answer: the message without its length, until the exchange is freed; why: a sentence's end, if it failed, as long. */
typedef void
exchange_done(void *arg, enum exchange_end end, struct assay_bytes answer, const char *why);

/*
 * type: of the request; message: it, without its length, copied; of no bytes: connects, and no more.
 * done is called once, never from here, and may free the exchange. NULL: no memory.
 */
struct exchange *exchange_new(struct event_base *base, const struct address *to, uint32_t type,
    struct assay_bytes message, int64_t within_ms, exchange_done *done, void *arg);
void exchange_free(struct exchange *x); /* nothing is called after it */

#endif
