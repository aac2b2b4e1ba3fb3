/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_GUEST_H
#define ASSAY_CLI_GUEST_H

/* Evidence of the machine that a command runs on. */

#include <assay/guest.h>

/* As assay_guest_collect(), and not longer than the request's time (30 s if it says none), also while
 * the kernel waits for the host. Uses SIGALRM and the process's timer. */
ASSAY_MUST_USE enum assay_code guest_collect(struct assay_guest_evidence **out,
    const struct assay_guest_request *request, struct assay_error *err);

/* How a command ends whose machine answered so. */
int guest_exit(enum assay_code code);

/*
 * Evidence as a key broker and the agents of Confidential Containers take it: their JSON, or, of SEV and
 * SEV-ES, the form of docs/kbs.md. The caller frees *json.
 */
ASSAY_MUST_USE enum assay_code
guest_coco(char **json, const struct assay_guest_evidence *ev, struct assay_error *err);

#endif
