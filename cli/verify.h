/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_VERIFY_H
#define ASSAY_CLI_VERIFY_H

/* The answer to an appraisal, of evidence alone and of evidence in a certificate. path: what the file is
 * called. Each returns the exit code. */

#include "appraise.h"

/* Judges evidence and prints the verdict, as `assay verify` does. */
int verify_judge(const struct appraisal *a, const char *path, struct assay_bytes in);

/* Reads the options of a command that does; as appraise_read(). */
int verify_read(struct appraisal *a, const struct args *args);
/* Prints the verdict on what was judged, or by err that it could not be. ev: NULL if there was none that
 * could be read; claims likewise. kind: what the file is. */
int verify_answer(const struct appraisal *a, const char *path, enum assay_code code,
    const struct assay_error *err, const struct assay_checks *checks,
    const struct assay_claims *claims, const struct assay_evidence *ev, const char *kind);
/* A file of another kind is refused like one that does not hold: one row says so. But one that could not
 * be read at all is trouble. */
int verify_refuse(
    const struct appraisal *a, const char *path, const char *check, const struct assay_error *err);

#endif
