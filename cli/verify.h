/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_VERIFY_H
#define ASSAY_CLI_VERIFY_H

#include "appraise.h"

/* Judges evidence and prints the verdict, as `assay verify` does. path: what it is called. Returns the
 * exit code. */
int verify_judge(const struct appraisal *a, const char *path, struct assay_bytes in);

#endif
