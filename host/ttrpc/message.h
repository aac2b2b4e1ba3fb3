/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TTRPC_MESSAGE_H
#define TTRPC_MESSAGE_H

/* Requests and responses of ttrpc, whole frames of them when they are written. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

/* Codes of a status, gRPC's numbers; those that somebody here sends. */
enum {
	TTRPC_OK = 0,
	TTRPC_UNKNOWN = 2,
	TTRPC_INVALID_ARGUMENT = 3,
	TTRPC_DEADLINE_EXCEEDED = 4,
	TTRPC_PERMISSION_DENIED = 7,
	TTRPC_RESOURCE_EXHAUSTED = 8,
	TTRPC_FAILED_PRECONDITION = 9,
	TTRPC_UNIMPLEMENTED = 12,
	TTRPC_INTERNAL = 13,
	TTRPC_UNAVAILABLE = 14,
};

enum {
	TTRPC_NAME_ROOM = 128, /* a longer name is cut: it is nobody's here */
	TTRPC_REQUEST_MAX =
	    4096, /* of a request's message: ours, far below the 4 MiB of the wire */
	TTRPC_MESSAGE_ROOM = 256, /* of a status' sentence */
};

struct ttrpc_request {
	char service[TTRPC_NAME_ROOM], method[TTRPC_NAME_ROOM]; /* printable ASCII; other: '?' */
	uint8_t payload[TTRPC_REQUEST_MAX];
	size_t len;
	int64_t timeout_ns; /* 0: the client waits for ever */
};

struct ttrpc_response {
	int32_t code;
	char message[TTRPC_MESSAGE_ROOM]; /* printable ASCII; other: '?' */
	uint8_t *payload;                 /* the caller frees it */
	size_t len;
};

/* Reads the message of a request's frame, at most TTRPC_REQUEST_MAX bytes. false: it is none (or no memory). */
bool ttrpc_request_read(struct ttrpc_request *out, struct assay_bytes in);
/* A whole frame, in memory that the caller frees; NULL: no memory, or more than TTRPC_REQUEST_MAX bytes. */
uint8_t *ttrpc_request_write(size_t *len, uint32_t stream, const char *service, const char *method,
    struct assay_bytes payload, int64_t timeout_ns);

/* Reads the message of a response's frame. false: it is none (or no memory); out is untouched. */
bool ttrpc_response_read(struct ttrpc_response *out, struct assay_bytes in);
/*
 * A whole frame, in memory that the caller frees; NULL: no memory. A status is always written, also that of
 * success, as the public broker does; message: NULL for none.
 */
uint8_t *ttrpc_response_write(
    size_t *len, uint32_t stream, int32_t code, const char *message, struct assay_bytes payload);

#endif
