/* SPDX-License-Identifier: Apache-2.0 */
/* What all services over HTTP do alike. */
#include "services/services.h"

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool
sim_call_open(struct sim_call *call, struct evhttp_request *request, struct sim_web *web)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;

	*call = (struct sim_call){ .web = web, .request = request };
	call->path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	web->requests++;
	if (call->path != NULL &&
	    evhttp_parse_query_str(query != NULL ? query : "", &call->query) == 0)
		return true;
	evhttp_send_error(request, HTTP_BADREQUEST, NULL);
	return false;
}

void
sim_call_close(struct sim_call *call)
{
	evhttp_clear_headers(&call->query);
}

const char *
sim_call_value(const struct sim_call *call, const char *name)
{
	return evhttp_find_header(&call->query, name);
}

void
sim_call_header(struct sim_call *call, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(call->request), name, value);
}

void
sim_call_header_encoded(struct sim_call *call, const char *name, const uint8_t *bytes, size_t len)
{
	char *text = evhttp_uriencode((const char *)bytes, (ev_ssize_t)len, 0);

	if (text != NULL)
		sim_call_header(call, name, text);
	free(text);
}

void
sim_call_answer(struct sim_call *call, const char *content_type, const uint8_t *bytes, size_t len)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(call->request);

	sim_call_header(call, "Content-Type", content_type);
	if (evbuffer_add(body, bytes, len) != 0)
		evhttp_send_error(call->request, HTTP_INTERNAL, NULL);
	else
		evhttp_send_reply(call->request, HTTP_OK, "OK", NULL);
}

void
sim_call_refuse(struct sim_call *call, int status, const char *sentence)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = { { 400, "Bad Request" }, { 401, "Unauthorized" }, { 404, "Not Found" },
		{ 410, "Gone" }, { 429, "Too Many Requests" }, { 500, "Internal Server Error" } };
	struct evbuffer *body = evhttp_request_get_output_buffer(call->request);
	size_t i = 0;

	while (reasons[i].status != status && reasons[i].status != 500)
		i++;
	sim_call_header(call, "Content-Type", "text/plain");
	evbuffer_add_printf(body, "%s\n", sentence);
	evhttp_send_reply(call->request, status, reasons[i].reason, NULL);
}

/* --- limits --------------------------------------------------------------------------------- */

static struct sim_client *
find_client(struct sim_limit *limit, const char *address)
{
	for (size_t i = 0; i < SIM_CLIENTS_MAX; i++)
		if (strcmp(limit->clients[i].address, address) == 0)
			return &limit->clients[i];
	struct sim_client *c = &limit->clients[limit->next++ % SIM_CLIENTS_MAX];
	*c = (struct sim_client){ .since = INT64_MIN };
	snprintf(c->address, sizeof c->address, "%s", address);
	return c;
}

bool
sim_call_within_limit(struct sim_call *call)
{
	struct sim_limit *limit = &call->web->limit;
	char *address = NULL, text[32];
	ev_uint16_t port;
	struct timespec t;

	if (limit->requests == 0)
		return true;
	struct evhttp_connection *connection = evhttp_request_get_connection(call->request);
	evhttp_connection_get_peer(connection, &address, &port);
	struct sim_client *c = find_client(limit, address != NULL ? address : "?");
	clock_gettime(CLOCK_MONOTONIC, &t);
	if (c->since == INT64_MIN || t.tv_sec >= c->since + limit->seconds) {
		c->since = t.tv_sec;
		c->requests = 0;
	}
	if (c->requests++ < limit->requests)
		return true;
	snprintf(text, sizeof text, "%lld", (long long)(c->since + limit->seconds - t.tv_sec));
	sim_call_header(call, "Retry-After", text);
	sim_call_refuse(call, 429, "Too many requests of this address.");
	return false;
}

/* --- hex ------------------------------------------------------------------------------------ */

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

bool
sim_is_hex(const char *text, size_t digits)
{
	size_t n = 0;

	while (digit(text[n]) >= 0)
		n++;
	return text[n] == '\0' && n == digits;
}

bool
sim_hex_equal(const char *text, const uint8_t *bytes, size_t len)
{
	if (!sim_is_hex(text, 2 * len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (16 * digit(text[2 * i]) + digit(text[2 * i + 1]) != bytes[i])
			return false;
	return true;
}
