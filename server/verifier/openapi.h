/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_OPENAPI_H
#define ASSAYD_OPENAPI_H

/* The OpenAPI document, put together from server/openapi/ while assayd is built. */

#include <stddef.h>
#include <stdint.h>

extern const uint8_t openapi_json[];
extern const size_t openapi_json_len;

#endif
