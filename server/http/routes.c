/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

#include <stdio.h>
#include <string.h>

/* A folder of handlers adds its table here. */
const struct route *const routes_all[] = {
	routes_health,
	routes_kbs,
	routes_admin,
	routes_collateral,
	routes_verifier,
	NULL,
};

const struct error_form *const error_forms_all[] = {
	&error_form_kbs,
	NULL,
};

static bool
fits(const struct route *r, const char *path)
{
	size_t n = strlen(r->path);

	if (r->path[n - 1] == '/')
		return strncmp(path, r->path, n) == 0 && path[n] != '\0';
	return strcmp(path, r->path) == 0;
}

static void
add_method(char allow[ALLOW_ROOM], const char *method)
{
	size_t n = strlen(allow);

	if (strstr(allow, method) == NULL)
		snprintf(allow + n, ALLOW_ROOM - n, "%s%s", n > 0 ? ", " : "", method);
}

const struct route *
route_find(char allow[ALLOW_ROOM], const char *method, const char *path)
{
	allow[0] = '\0';
	for (const struct route *const *t = routes_all; *t != NULL; t++)
		for (const struct route *r = *t; r->path != NULL; r++) {
			if (!fits(r, path))
				continue;
			if (r->method == NULL || strcmp(r->method, method) == 0)
				return r;
			add_method(allow, r->method);
		}
	return NULL;
}

const struct error_form *
error_form_find(const char *path)
{
	for (const struct error_form *const *f = error_forms_all; *f != NULL; f++) {
		size_t n = strlen((*f)->prefix);
		if (strncmp(path, (*f)->prefix, n) == 0 && (path[n] == '\0' || path[n] == '/'))
			return *f;
	}
	return NULL;
}
