/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_COLLATERAL_FETCHER_H
#define ASSAYD_COLLATERAL_FETCHER_H

/*
 * The process that fetches collateral: it has the network, and parses nothing of what it brings. Each
 * service is asked one thing at a time; one that fails or asks to wait is left alone for a while, longer
 * each time.
 */

#include "../options.h"

/* Serves the socket until it is closed; the messages are those of wire.h. Returns the exit code. */
int fetcher_run(const void *options, const int *sockets, size_t count);

#endif
