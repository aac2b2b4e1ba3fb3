/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ADDRESS_H
#define BROKER_ADDRESS_H

/* Addresses of services and of TCP listeners, as options have them. */

#include <stdbool.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage name;
	socklen_t size;
};

/* "tcp:HOST:PORT" with a HOST of digits, "[...]" around IPv6. */
bool address_read_tcp(struct address *out, const char *text);
bool address_is_loopback(const struct address *a);

/* "vsock:CID:PORT" ("host" is CID 2), "unix:PATH", "tcp:HOST:PORT": what is wrong with it, or NULL. */
const char *address_fault(const char *text);
/* The same to connect to: asks for a HOST that is a name. false: there is none. */
bool address_find(struct address *out, const char *text);

#endif
