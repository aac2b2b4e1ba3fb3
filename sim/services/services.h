/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SERVICES_H
#define SIM_SERVICES_H

/*
 * What the vendors' services and a host's QGS answer, over real sockets. Sources: Intel, API
 * Portal, SGX and TDX Provisioning Certification Service v4; Intel DCAP, PCCS; AMD 57230, VCEK
 * Certificate and KDS Interface.
 */

#include "platforms/machine.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

enum {
	SIM_PLATFORMS_MAX = 64,
	SIM_CLIENTS_MAX = 256, /* addresses that a limit remembers */
};

struct sim_platforms {
	struct sim_machine *machines[SIM_PLATFORMS_MAX];
	const char *folders[SIM_PLATFORMS_MAX];
	size_t count;
};

/* So many requests of one address in so many seconds; more get 429. */
struct sim_limit {
	unsigned requests; /* 0: any number */
	int64_t seconds;
	struct sim_client {
		char address[64];
		int64_t since;
		unsigned requests;
	} clients[SIM_CLIENTS_MAX];
	size_t next;
};

struct sim_web {
	const struct sim_platforms *platforms;
	struct sim_limit limit;
	uint64_t requests; /* numbers them, for Request-ID */
	bool pccs;         /* the caching service's manners: hex CRLs, qeid */
};

/* --- one request ---------------------------------------------------------------------------- */

struct sim_call {
	struct sim_web *web;
	struct evhttp_request *request;
	const char *path; /* decoded by nobody: no path of ours needs it */
	struct evkeyvalq query;
};

/* False: the request was not one, and is answered. */
bool sim_call_open(struct sim_call *call, struct evhttp_request *request, struct sim_web *web);
void sim_call_close(struct sim_call *call);
/* The value of a member of the query; NULL if there is none. */
const char *sim_call_value(const struct sim_call *call, const char *name);
void sim_call_header(struct sim_call *call, const char *name, const char *value);
/* Percent-encoded, as chains of certificates travel in headers. */
void
sim_call_header_encoded(struct sim_call *call, const char *name, const uint8_t *bytes, size_t len);
/* The end of a call: bytes is copied. */
void
sim_call_answer(struct sim_call *call, const char *content_type, const uint8_t *bytes, size_t len);
void sim_call_refuse(struct sim_call *call, int status, const char *sentence);
/* False: this address has asked too often, and was answered so. */
bool sim_call_within_limit(struct sim_call *call);

/* True if text is `len` bytes in hex, of any case. */
bool sim_hex_equal(const char *text, const uint8_t *bytes, size_t len);
bool sim_is_hex(const char *text, size_t digits);

/* --- the services: callbacks of evhttp, arg is a struct sim_web ----------------------------- */

void sim_pcs_handle(struct evhttp_request *request, void *arg);
void sim_kds_handle(struct evhttp_request *request, void *arg);

/* --- sockets -------------------------------------------------------------------------------- */

enum { SIM_ADDRESS_MAX = 160 };
/*
 * Listens on tcp:HOST:PORT, unix:PATH or vsock:CID:PORT ("any", "host"). Returns the descriptor;
 * bound is the address as it came to be, with the port that was chosen. Else -1 and a sentence.
 */
int sim_listen(const char *address, char bound[SIM_ADDRESS_MAX], char why[256]);
/* Removes what a listening socket leaves in the file system. */
void sim_unlisten(const char *bound);

/* QGS: a thread for each connection. */
struct sim_qgs;
/* Takes fd. NULL when out of memory. */
struct sim_qgs *sim_qgs_start(struct event_base *base, struct sim_machine *m, int fd);
/* Ends the connections that are being served, and waits for their threads. */
void sim_qgs_stop(struct sim_qgs *q);

#endif
