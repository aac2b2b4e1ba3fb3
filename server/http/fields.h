/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_FIELDS_H
#define ASSAYD_FIELDS_H

/* What stands inside the parts of a request: parameters of a query, cookies, a bearer token. */

#include <stdbool.h>
#include <stddef.h>

#include <assay/bytes.h>

/* A parameter of a query, decoded, '+' as a blank. False: not there, there twice, a bad escape, a zero byte, or not
 * in room bytes with its zero. */
bool query_find(const char *query, const char *name, char *out, size_t room);
/* The first cookie of this name in a Cookie field (RFC 6265, 4.2.1). */
bool cookie_find(const char *field, const char *name, struct assay_bytes *value);
/* The token of an Authorization field (RFC 6750, 2.1). */
bool bearer_find(const char *field, struct assay_bytes *token);

#endif
