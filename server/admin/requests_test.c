/* SPDX-License-Identifier: Apache-2.0 */
/* The table of requests says what HTTP serves, and nothing else. */
#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../http/routes.h"

/* Each route of operators is a request, whatever is behind it. */
static void
test_routes(void **context)
{
	(void)context;
	for (const struct route *r = routes_admin; r->path != NULL; r++) {
		const char *rest = NULL;
		const struct admin_request *request = admin_request_find(&rest, r->method, r->path);
		if (strcmp(r->path, "/v1/server") == 0) { /* nobody need be known to ask */
			assert_null(request);
			continue;
		}
		if (request == NULL || strcmp(request->path, r->path) != 0)
			fail_msg("%s %s", r->method, r->path);
		assert_string_equal(rest, "");
	}
}

/* And each request has its route; and a name if there is room for one. */
static void
test_requests(void **context)
{
	(void)context;
	for (const struct admin_request *r = admin_requests; r->verb != NULL; r++) {
		bool below = r->path[strlen(r->path) - 1] == '/';
		char path[64], allow[ALLOW_ROOM];
		(void)snprintf(path, sizeof path, "%s%s", r->path, below ? "x" : "");
		const struct route *route = route_find(allow, r->method, path);
		if (route == NULL || strcmp(route->path, r->path) != 0)
			fail_msg("%s %s", r->method, path);
		assert_int_equal(r->name != NULL, below);
		const char *rest = NULL;
		assert_ptr_equal(admin_request_find(&rest, r->method, path), r);
		assert_string_equal(rest, below ? "x" : "");
		assert_null(admin_request_find(&rest, "PATCH", path));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_requests),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
