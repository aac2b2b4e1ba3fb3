/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_STAMP_H
#define ASSAYD_STAMP_H

/* Times as JSON has them: RFC 3339 in UTC. */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "kbs/buffer.h"

enum { STAMP_ROOM = 32 };

/* "2025-07-04T10:16:31Z"; false, and "", for a time that has no such text. */
bool stamp(char out[STAMP_ROOM], int64_t t);
/* "2027-01-01T00:00:00Z" or "2027-01-01"; false: it is neither. */
bool stamp_read(int64_t *out, const char *text);
/* When something ends whose member "expires" this is: Unix seconds, or one of these texts. INT64_MAX: never,
 * it is NULL or null; INT64_MIN: it is no time. */
int64_t stamp_end(const json_t *expires);
/* With quotes; null for a time without text. */
void stamp_put(struct buffer *json, int64_t t);

#endif
