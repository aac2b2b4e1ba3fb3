/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SANDBOX_TSM_H
#define TESTS_SANDBOX_TSM_H

/* configfs-tsm as a client uses it. Functions return a length or 0, or a negative errno. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TSM "/sys/kernel/config/tsm/report"

/* Opens TSM/ENTRY/FILE. */
int tsm_open(const char *entry, const char *file, int flags);
ssize_t tsm_read(const char *entry, const char *file, void *out, size_t room);
ssize_t tsm_write(const char *entry, const char *file, const void *bytes, size_t n);
long tsm_generation(const char *entry);
/* One attestation in an entry of its own, as go-configfs-tsm does it: the generation has to be 1. */
ssize_t tsm_attest(const char *entry, const uint8_t nonce[64], uint8_t *out, size_t room);
/* Where the report data stand in what the platform gives: a quote v4 or v5, an SNP report. */
const uint8_t *tsm_report_data(const uint8_t *evidence, size_t n);

#endif
