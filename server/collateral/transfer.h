/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_COLLATERAL_TRANSFER_H
#define ASSAYD_COLLATERAL_TRANSFER_H

/* GETs over HTTP and HTTPS, several at a time, by libcurl: bounded in size and time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

struct transfers;
struct transfer;

/* ca: PEM, in place of the system's certificates; empty: the system's. It is not copied. NULL: why
 * (static text) says what is missing. */
struct transfers *transfers_new(struct assay_bytes ca, const char **why);
void transfers_free(struct transfers *all); /* NULL is fine; no transfer may be left */

/* Starts one; arg comes back with it. NULL: no memory. */
struct transfer *transfer_start(struct transfers *all, const char *url, void *arg);
/* Moves all on; waits for them, for fd to be readable, and at most so long. */
void transfers_wait(struct transfers *all, int fd, int timeout_ms);
/* One that has ended, until transfer_free(); NULL: none has. */
struct transfer *transfers_ended(struct transfers *all);
void transfer_free(struct transfer *t);

void *transfer_arg(const struct transfer *t);
long transfer_status(const struct transfer *t); /* 0: there was no whole answer; transfer_why() */
const char *transfer_why(const struct transfer *t);
struct assay_bytes transfer_body(const struct transfer *t);
/* The header that ends in "-Issuer-Chain", decoded; empty if there is none. */
struct assay_bytes transfer_chain(const struct transfer *t);
int64_t transfer_retry_after_s(const struct transfer *t); /* 0: not said */

#endif
