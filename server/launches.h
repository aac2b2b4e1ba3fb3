/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_LAUNCHES_H
#define ASSAYD_LAUNCHES_H

/* Launch records of SEV and SEV-ES guests, which are pushed and kept as reference values are. */

#include <assay/launch.h>

/* Whether a document of reference values is a launch record. Nothing of it is believed. */
bool launches_is(struct assay_bytes document);

/*
 * Reads a record of a launch that is complete: its guest has a key.
 *
 * signer  The thumbprint of the key that whoever pushed it had vouched for it; NULL: nobody has. Then
 *         the record is whole, and the claim sev.launch.signed false.
 * Errors  Those of assay_launch_parse(); ASSAY_E_POLICY: the launch is not complete.
 */
enum assay_code launches_read(struct assay_launch **out, struct assay_bytes document,
    const char *signer, struct assay_error *err);

#endif
