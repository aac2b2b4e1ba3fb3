/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_COLLECTOR_H
#define AGENTD_COLLECTOR_H

/*
 * Collects evidence for a job, in a process of its own: the kernel's interfaces for it can take a capability,
 * and a job, which reads what comes over the network, is to have none. No network here but vsock, which a
 * host may make quotes over.
 */

#include <assay/guest.h>

#include "options.h"

struct collector {
	int fd;
	char tee[16]; /* what it said last */
};

enum collector_form { COLLECTOR_COCO = 1, COLLECTOR_BUNDLE };

/* Forks; it ends with us, or when its line is closed. false: there are no processes or sockets. */
bool collector_start(struct collector *c, const struct agent_options *options);
/* In which TEE this is, as assay_guest_here(); the text lives with the collector. */
ASSAY_MUST_USE enum assay_code
collector_here(struct collector *c, const char **tee, int timeout_ms, struct assay_error *err);
/* Evidence, as guest_collect(); of the request report data, tee, endorsements and time are looked at. The
 * caller frees *out, which has a zero behind it. */
ASSAY_MUST_USE enum assay_code collector_make(struct collector *c, char **out, size_t *len,
    enum collector_form form, const struct assay_guest_request *request, struct assay_error *err);

#endif
