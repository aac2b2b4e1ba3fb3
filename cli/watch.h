/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_WATCH_H
#define ASSAY_CLI_WATCH_H

/* assay attest --to: proves this machine to assayd, once or as a heartbeat. */

#include <assay/guest.h>

#include "option.h"

/*
 * request  What evidence is asked for; its report data is the server's challenge.
 * Returns  The exit code: of the last beat, when a signal ends it; EXIT_UNTOLD at once where there is no TEE.
 */
int watch(const struct args *args, const struct assay_guest_request *request);

#endif
