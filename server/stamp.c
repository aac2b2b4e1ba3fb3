/* SPDX-License-Identifier: Apache-2.0 */
#include "stamp.h"

#include <time.h>

#define YEAR_10000 253402300800LL

bool
stamp(char out[STAMP_ROOM], int64_t t)
{
	time_t clock = (time_t)t;
	struct tm tm;

	out[0] = '\0';
	return t >= 0 && t < YEAR_10000 && gmtime_r(&clock, &tm) != NULL &&
	    strftime(out, STAMP_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

void
stamp_put(struct buffer *json, int64_t t)
{
	char text[STAMP_ROOM];

	if (stamp(text, t))
		buffer_string(json, bytes_of(text));
	else
		buffer_put(json, "null");
}
