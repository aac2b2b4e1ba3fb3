/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SRC_EVENTLOG_H
#define ASSAY_SRC_EVENTLOG_H

/* What the files of this folder share. */

#include <assay/eventlog.h>

#include "core/core.h"
#include "crypto/bank.h"

enum {
	EV_NO_ACTION = 0x03,
	EV_EVENT_TAG = 0x06,
	AAEL_TAG = 0x4141454c, /* reads "LEAA" in the log */
	CC_REGISTERS = 5,      /* MRTD, RTMR0 to RTMR3 */
	CC_DIGEST = 48,
	ALG_SHA1 = 0x04,
	ALG_SHA384 = 0x0c,
};

/* The type of a name; false if it is none's. */
bool assay_log_type_find(uint32_t *type, const char *name);
/* By the first line. */
bool assay_ima_recognise(struct assay_bytes in);
/* The line that begins at `at`: fills reg, digests, data, violation, at, size, extends. */
ASSAY_MUST_USE enum assay_code assay_ima_line(
    struct assay_log_event *ev, struct assay_bytes in, size_t at, bool cc, struct assay_error *err);
enum assay_log_match assay_ima_match(const struct assay_log_event *ev);

/* A digest of this algorithm; NULL if the event has none. */
const struct assay_log_digest *
assay_log_digest_of(const struct assay_log_event *ev, uint16_t algorithm);
/* The value at reset. */
void assay_register_reset(uint8_t out[ASSAY_LOG_DIGEST_MAX], const struct assay_log *logs,
    size_t count, size_t size, unsigned reg);
/* r := H(r || digest) */
void assay_register_extend(uint8_t r[ASSAY_LOG_DIGEST_MAX], const struct assay_log_event *ev,
    const struct assay_log_digest *digest);
/* Whether the type promises that the digest is over the data; *sure: and keeps it everywhere. */
bool assay_log_covers_data(const struct assay_log_event *ev, bool *sure);

#endif
