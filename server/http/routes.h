/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_ROUTES_H
#define ASSAYD_ROUTES_H

#include "http.h"

/* All tables, in the order in which they are asked; the last is NULL. */
extern const struct route *const routes_all[];
/* The forms of errors that differ from {"error":..}; the last is NULL. */
extern const struct error_form *const error_forms_all[];

/* Which route takes this; NULL: none, and allow says which methods its path has, "" if it has none. */
enum { ALLOW_ROOM = 64 };
const struct route *route_find(char allow[ALLOW_ROOM], const char *method, const char *path);
/* Of this path; NULL: {"error":..}. */
const struct error_form *error_form_find(const char *path);

#endif
