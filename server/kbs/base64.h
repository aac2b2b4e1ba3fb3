/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_BASE64_H
#define ASSAYD_KBS_BASE64_H

/* Base64 of both alphabets, as strict as the peers are: the wrong alphabet, missing or surplus padding,
 * blanks and bits behind the end are refused. Source: RFC 4648, 4 and 5. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

/* Room for what n characters decode to. */
#define UNBASE64_ROOM(n) ((n) / 4 * 3 + 3)
/* Room for the text of n bytes, with its NUL. */
#define BASE64_ROOM(n) (((n) + 2) / 3 * 4 + 1)

/* The standard alphabet, padded. out may be where the text stands. */
bool base64_decode(uint8_t *out, size_t *len, struct assay_bytes text);
void base64_encode(char *out, struct assay_bytes bytes);
/* The URL alphabet, not padded. */
bool base64url_decode(uint8_t *out, size_t *len, struct assay_bytes text);

/* Lower-case hex of exactly n bytes. */
bool hex_decode(uint8_t *out, size_t n, struct assay_bytes text);

#endif
