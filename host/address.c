/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

#include "options.h"

enum { HOST_ROOM = 256, PORT_ROOM = 8, DIGITS_MAX = 10 };

static bool
read_number(uint32_t *out, const char *text, size_t n, uint32_t most)
{
	char digits[DIGITS_MAX + 1];

	if (n == 0 || n > DIGITS_MAX)
		return false;
	snprintf(digits, sizeof digits, "%.*s", (int)n, text);
	if (strspn(digits, "0123456789") != n || strtoull(digits, NULL, 10) > most)
		return false;
	*out = (uint32_t)strtoull(digits, NULL, 10);
	return true;
}

/* "HOST:PORT" at its last colon; HOST without the brackets of IPv6. */
static bool
split(char host[HOST_ROOM], uint32_t *port, const char *text, uint32_t most)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || !read_number(port, colon + 1, strlen(colon + 1), most))
		return false;
	size_t n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= HOST_ROOM)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	return true;
}

static bool
ask_tcp(struct address *out, const char *text, int flags)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char host[HOST_ROOM], service[PORT_ROOM];
	uint32_t port;

	if (strncmp(text, "tcp:", 4) != 0 || !split(host, &port, text + 4, UINT16_MAX))
		return false;
	snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return false;
	*out = (struct address){ .size = list->ai_addrlen };
	memcpy(&out->name, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return true;
}

static bool
read_vsock(struct address *out, const char *text)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST };
	char host[HOST_ROOM];
	uint32_t port;

	if (strncmp(text, "vsock:", 6) != 0 || !split(host, &port, text + 6, UINT32_MAX - 1) ||
	    (strcmp(host, "host") != 0 &&
		!read_number(&vm.svm_cid, host, strlen(host), UINT32_MAX - 1)))
		return false;
	vm.svm_port = port;
	*out = (struct address){ .size = sizeof vm };
	memcpy(&out->name, &vm, sizeof vm);
	return true;
}

static bool
read_unix(struct address *out, const char *text)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = options_unix_path(text);

	if (path == NULL)
		return false;
	memcpy(un.sun_path, path, strlen(path));
	*out = (struct address){ .size = sizeof un };
	memcpy(&out->name, &un, sizeof un);
	return true;
}

bool
address_read_tcp(struct address *out, const char *text)
{
	return ask_tcp(out, text, AI_NUMERICHOST);
}

bool
address_is_loopback(const struct address *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->name.ss_family == AF_INET) {
		memcpy(&in, &a->name, sizeof in);
		return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	memcpy(&in6, &a->name, sizeof in6);
	return a->name.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

const char *
address_fault(const char *text)
{
	struct address a;
	char host[HOST_ROOM];
	uint32_t port;

	if (read_vsock(&a, text) || read_unix(&a, text) ||
	    (strncmp(text, "tcp:", 4) == 0 && split(host, &port, text + 4, UINT16_MAX) && port > 0))
		return NULL;
	return "is not vsock:CID:PORT, unix:PATH with an absolute path of at most 107 characters, "
	       "or tcp:HOST:PORT";
}

bool
address_find(struct address *out, const char *text)
{
	return read_vsock(out, text) || read_unix(out, text) || ask_tcp(out, text, AI_ADDRCONFIG) ||
	    ask_tcp(out, text, AI_NUMERICHOST);
}
