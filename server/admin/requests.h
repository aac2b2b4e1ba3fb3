/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_ADMIN_REQUESTS_H
#define ASSAYD_ADMIN_REQUESTS_H

/*
 * Which request of an operator's is which verb of the keeper's (server/keeper/admin.h), and where the
 * verb's arguments come from. The front makes them by this table. The keeper believes no front: it holds
 * what it is to do against the same table, and against the request that the admin token is for.
 */

#include "query.h"

struct admin_request {
	const char *verb, *method;
	const char *path; /* as in struct route: one that ends in '/' takes all below it */
	const char *name; /* the argument that is the rest of such a path */
	struct {
		const char *name;
		bool number;
	} parameter[QUERY_NAMES_MAX]; /* arguments that the query may say; NULL ends */
	const char *made;             /* an argument that the front makes of the body */
	bool remade; /* the keeper's body, too, is made of the body, and is not what was sent */
};

/* The last has no verb. */
extern const struct admin_request admin_requests[];

/* path: without its query. *rest: what of it is behind the request's own. NULL: there is no such request. */
const struct admin_request *
admin_request_find(const char **rest, const char *method, const char *path);
/* For query_read(). */
void admin_request_query(const struct admin_request *request, struct query *q);

#endif
