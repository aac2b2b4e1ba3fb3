/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_ADMIN_QUERY_H
#define ASSAYD_ADMIN_QUERY_H

/* The query of an admin request: each parameter is one that is known, and stands there once. What would
 * be passed over elsewhere is refused here: it may be a policy's name, misspelt. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUERY_NAMES_MAX = 4, QUERY_VALUE = 640, QUERY_WHY = 160 };

struct query {
	const char *name[QUERY_NAMES_MAX]; /* what may stand there; NULL ends */
	bool given[QUERY_NAMES_MAX];
	char value[QUERY_NAMES_MAX][QUERY_VALUE]; /* decoded */
};

/* raw: as it was sent, "" for none. False: why says what is wrong. Names are set before. */
bool query_read(struct query *q, const char *raw, char why[QUERY_WHY]);
/* NULL if it was not given. */
const char *query_value(const struct query *q, const char *name);
/* A number of at most 15 digits; false if it is none. Not given: true, and *out is -1. */
bool query_number(const struct query *q, const char *name, int64_t *out);

#endif
