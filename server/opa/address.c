/* SPDX-License-Identifier: Apache-2.0 */
/* Where the OPA is, from the setting. */
#include "opa.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <event2/http.h>

enum { DEFAULT_PORT = 8181 };

/* A numeric address of this machine: names would have to be looked up while requests wait. */
static bool
read_host(struct opa_address *out, const char *host)
{
	struct in_addr four;
	struct in6_addr six;

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	size_t n = strlen(host);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (n >= sizeof out->host)
		return false;
	memcpy(out->host, host, n);
	out->host[n] = '\0';
	if (inet_pton(AF_INET, out->host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, out->host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static const char *
read_parts(struct opa_address *out, const struct evhttp_uri *uri)
{
	const char *host = evhttp_uri_get_host(uri), *path = evhttp_uri_get_path(uri);
	const char *query = evhttp_uri_get_query(uri);
	int port = evhttp_uri_get_port(uri);

	if (host == NULL || evhttp_uri_get_userinfo(uri) != NULL || port == 0 ||
	    port > UINT16_MAX || !read_host(out, host))
		return "is not on this machine; run OPA beside assayd, and write "
		       "http://127.0.0.1:8181/v1/data/policy/allow";
	out->port = port > 0 ? (uint16_t)port : DEFAULT_PORT;
	if (path == NULL || strlen(path) < 2 || evhttp_uri_get_fragment(uri) != NULL)
		return "names no rule; write it behind the address, as "
		       "http://127.0.0.1:8181/v1/data/policy/allow";
	int n = snprintf(out->path, sizeof out->path, "%s%s%s", path, query != NULL ? "?" : "",
	    query != NULL ? query : "");
	return n > 0 && (size_t)n < sizeof out->path ? NULL : "is too long";
}

const char *
opa_address_read(struct opa_address *out, const char *url)
{
	struct opa_address address = { .port = 0 };

	if (strncmp(url, "https://", 8) == 0)
		return "is https, which is not spoken to OPA; run OPA beside assayd, and write "
		       "http://127.0.0.1:8181/v1/data/policy/allow";
	struct evhttp_uri *uri = strncmp(url, "http://", 7) == 0 ? evhttp_uri_parse(url) : NULL;
	if (uri == NULL)
		return "is no URL; write http://127.0.0.1:8181/v1/data/policy/allow";
	const char *fault = read_parts(&address, uri);
	evhttp_uri_free(uri);
	if (fault == NULL)
		*out = address;
	return fault;
}
