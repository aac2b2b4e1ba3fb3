/* SPDX-License-Identifier: Apache-2.0 */
#include "requests.h"

#include <string.h>

const struct admin_request admin_requests[] = {
	{ "secret.list", "GET", "/v1/admin/secrets", .name = NULL },
	{ "secret.get", "GET", "/v1/admin/secrets/", .name = "path",
	    .parameter = { { "version", true } } },
	{ "secret.put", "PUT", "/v1/admin/secrets/", .name = "path",
	    .parameter = { { "policy", false }, { "expect_version", true } } },
	{ "secret.rm", "DELETE", "/v1/admin/secrets/", .name = "path" },
	{ "secret.history", "GET", "/v1/admin/history/", .name = "path" },
	{ "policy.list", "GET", "/v1/admin/policies", .name = NULL },
	{ "policy.get", "GET", "/v1/admin/policies/", .name = "name",
	    .parameter = { { "version", true } } },
	{ "policy.put", "PUT", "/v1/admin/policies/", .name = "name" },
	{ "policy.rm", "DELETE", "/v1/admin/policies/", .name = "name" },
	{ "reference.list", "GET", "/v1/admin/references", .name = NULL },
	{ "reference.get", "GET", "/v1/admin/references/", .name = "name" },
	{ "reference.put", "PUT", "/v1/admin/references/", .name = "name",
	    .parameter = { { "signer", false }, { "expires", false } }, .made = "launch" },
	{ "reference.rm", "DELETE", "/v1/admin/references/", .name = "name" },
	{ "collateral.put", "PUT", "/v1/admin/collateral", .made = "items", .remade = true },
	{ "audit.list", "GET", "/v1/admin/audit",
	    .parameter = { { "since", true }, { "after", true }, { "limit", true },
		{ "resource", false } } },
	{ "audit.export", "GET", "/v1/admin/audit/export",
	    .parameter = { { "after", true }, { "limit", true } } },
	{ "admin.list", "GET", "/v1/admin/keys", .name = NULL },
	{ "admin.put", "PUT", "/v1/admin/keys/", .name = "name",
	    .parameter = { { "role", false } } },
	{ "admin.rm", "DELETE", "/v1/admin/keys/", .name = "name" },
	{ "key.rotate", "POST", "/v1/admin/rotate/", .name = "what" },
	/* The same by the protocol of Confidential Containers: server/kbs/resource.c. */
	{ "secret.put", "POST", "/kbs/v0/resource/", .name = "path",
	    .parameter = { { "policy", false } } },
	{ "secret.rm", "DELETE", "/kbs/v0/resource/", .name = "path" },
	{ .verb = NULL },
};

const struct admin_request *
admin_request_find(const char **rest, const char *method, const char *path)
{
	for (const struct admin_request *r = admin_requests; r->verb != NULL; r++) {
		size_t n = strlen(r->path);
		if (strcmp(r->method, method) == 0 && strncmp(path, r->path, n) == 0 &&
		    (r->path[n - 1] == '/' || path[n] == '\0')) {
			*rest = path + n;
			return r;
		}
	}
	return NULL;
}

void
admin_request_query(const struct admin_request *request, struct query *q)
{
	*q = (struct query){ .name = { NULL } };
	for (size_t i = 0; i < QUERY_NAMES_MAX; i++)
		q->name[i] = request->parameter[i].name;
}
