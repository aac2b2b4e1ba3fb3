/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_INIT_DATA_H
#define ASSAYD_KBS_INIT_DATA_H

/* What a guest was started with, and whose digest its evidence carries in a field of the host's. */

#include <assay/error.h>

/*
 * Checks init-data against that field, and gives its claims.
 *
 * claims  Set to a JSON text that the caller frees: {"algorithm","version", NAME: parsed..}; left as it
 *         is if there is no init-data.
 * format, body  JSON strings, as they came; empty if there is none.
 * field   MRCONFIGID (48 bytes), HOST_DATA (32) or CONFIGID (64): the digest, zeros behind it or cut.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (another format or algorithm), ASSAY_E_SIGNATURE (not what
 *         the evidence carries), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code kbs_init_data_check(char **claims, struct assay_bytes format,
    struct assay_bytes body, struct assay_bytes field, struct assay_error *err);

#endif
