/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_ROUTES_H
#define ASSAYD_ROUTES_H

#include "http.h"

/* All tables, in the order in which they are asked; the last is NULL. */
extern const struct route *const routes_all[];

#endif
