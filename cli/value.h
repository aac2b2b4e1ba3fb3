/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_VALUE_H
#define ASSAY_CLI_VALUE_H

/* Values as people write and read them: times, durations, bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/evidence.h>

#include "option.h"

/* "now", "2025-07-04", "2025-07-04T10:16:31Z", "2025-07-04T12:16:31+02:00". */
bool value_time(int64_t *out, const char *text);
/* "500ms", "30s", "10m", "12h", "7d"; in seconds, rounded up. */
bool value_duration(int64_t *out_s, const char *text);

enum { TIME_MAX = 32 };
/* "2025-07-04 10:16:31Z"; "" for a time that no calendar has. */
void value_time_text(char out[TIME_MAX], int64_t t);
/* "2025-07-04T10:16:31Z" */
void value_time_json(char out[TIME_MAX], int64_t t);
/* "in 14 days", "3 hours ago" */
void value_distance(char out[TIME_MAX], int64_t from, int64_t to);

/*
 * Bytes on the command line: hex (any case, 0x, colons), base64:TEXT of either alphabet, @FILE.
 * Returns 0; else the exit code, after it has complained in the name of `option`.
 */
int value_bytes(const struct args *args, uint8_t *out, size_t max, size_t *out_len,
    const char *option, const char *text);

/* --timeout, or what stands for it: 30 s. Returns 0; else the exit code, after it has complained. */
int value_timeout(const struct args *args, int64_t *out_s);

/*
 * Looked at before anybody is asked: the file of --ca, NULL for none; and a server's address, which `option` gave or
 * what stands for it, with the ca that counts if it has TLS. Return 0; else the exit code, after they have complained.
 */
int value_ca(const struct command *command, const char *ca);
int
value_server(const struct command *command, const char *option, const char *url, const char *ca);

/* Base64 with padding: in.len / 3 * 4 + 5 bytes of room are enough. */
void value_base64(char *out, struct assay_bytes in);
/* Bytes in base64 of either alphabet; false if text is none, or of more than max bytes. */
bool value_unbase64(uint8_t *out, size_t max, size_t *len, const char *text);

/*
 * Puts in place of the nonce the report data that bind it and the file of --bind, which was given.
 * Returns 0; else the exit code, after it has complained.
 */
int value_bind(const struct args *args, uint8_t data[ASSAY_REPORT_DATA_SIZE], size_t *len);

/* base64url without padding (RFC 4648, 5), and a zero: out has room for 4 bytes of each 3, and 1 more. */
void value_base64url(char *out, const uint8_t *in, size_t len);

#endif
