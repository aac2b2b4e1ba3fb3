/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_STAMP_H
#define ASSAYD_STAMP_H

/* Times as JSON has them: RFC 3339 in UTC. */

#include <stdbool.h>
#include <stdint.h>

#include "kbs/buffer.h"

enum { STAMP_ROOM = 32 };

/* "2025-07-04T10:16:31Z"; false, and "", for a time that has no such text. */
bool stamp(char out[STAMP_ROOM], int64_t t);
/* With quotes; null for a time without text. */
void stamp_put(struct buffer *json, int64_t t);

#endif
