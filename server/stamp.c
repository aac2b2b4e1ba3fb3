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

bool
stamp_read(int64_t *out, const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (rest == NULL) {
		tm = (struct tm){ 0 };
		rest = strptime(text, "%Y-%m-%d", &tm);
	}
	if (rest == NULL || *rest != '\0')
		return false;
	*out = timegm(&tm);
	return true;
}

int64_t
stamp_end(const json_t *expires)
{
	const char *text = json_string_value(expires);
	int64_t end;

	if (expires == NULL || json_is_null(expires))
		return INT64_MAX;
	if (json_is_integer(expires))
		return json_integer_value(expires);
	return text != NULL && stamp_read(&end, text) ? end : INT64_MIN;
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
