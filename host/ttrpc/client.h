/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TTRPC_CLIENT_H
#define TTRPC_CLIENT_H

/* A client that waits: for the guest's agent and for tests. It needs no state: streams are numbered by the
 * caller, 1, 3, 5... on one connection. */

#include <assay/error.h>

#include "aeb.h"
#include "message.h"

/*
 * Connects to "vsock:host:PORT", "vsock:CID:PORT" or "unix:PATH". deadline_ms: how long at most, from now.
 * Returns the descriptor (blocking no call: it is O_NONBLOCK, as ttrpc_call() wants it), or -1 with *err filled:
 * ASSAY_E_USAGE (no such address), ASSAY_E_IO.
 */
int ttrpc_connect(const char *address, int deadline_ms, struct assay_error *err);

/*
 * One request, and its response within the time. fd: of ttrpc_connect(); after an error other than a status
 * it can only be closed. out->payload is the caller's to free, also where the status is no success.
 * Errors  ASSAY_E_IO (broken off, too late), ASSAY_E_FORMAT (not ttrpc), ASSAY_E_NOMEM, ASSAY_E_USAGE.
 */
enum assay_code ttrpc_call(struct ttrpc_response *out, int fd, uint32_t stream, const char *service,
    const char *method, struct assay_bytes payload, int deadline_ms, struct assay_error *err);

/*
 * Asks the broker at fd for the caller's evidence, by report data and key digest.
 * Errors as above; ASSAY_E_IO with the broker's sentence where its status is no success.
 */
enum assay_code aeb_call(struct aeb_evidence *out, int fd, uint32_t stream,
    const struct aeb_request *request, int deadline_ms, struct assay_error *err);

#endif
