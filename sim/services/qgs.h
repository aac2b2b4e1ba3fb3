/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_QGS_H
#define SIM_QGS_H

/*
 * The quote generation service of a host: a guest sends its TDREPORT over a stream socket and gets
 * a quote back. Sources: Intel DCAP, QuoteGeneration/quote_wrapper/qgs, qgs_msg_lib.h.
 *
 * A message is preceded by its length, four bytes, big-endian; all else is little-endian. One
 * request per connection. An old guest sends the bare 1024 bytes of its report and gets the bare
 * quote.
 */

#include <stddef.h>
#include <stdint.h>

struct sim_machine;

enum sim_qgs_type {
	SIM_QGS_QUOTE = 0,
	SIM_QGS_QUOTE_ANSWER = 1,
	SIM_QGS_COLLATERAL = 2,
	SIM_QGS_COLLATERAL_ANSWER = 3,
	SIM_QGS_PLATFORM = 4,
	SIM_QGS_PLATFORM_ANSWER = 5,
};

enum sim_qgs_error {
	SIM_QGS_OK = 0,
	SIM_QGS_UNEXPECTED = 0x12001,
	SIM_QGS_NO_MEMORY = 0x12002,
	SIM_QGS_PARAMETER = 0x12003,
	SIM_QGS_VERSION = 0x12004,
	SIM_QGS_TYPE = 0x12005,
	SIM_QGS_SIZE = 0x12006,
	SIM_QGS_CODE = 0x12007,
};

enum {
	SIM_QGS_HEADER = 16,
	SIM_QGS_REPORT = 1024,
	SIM_QGS_REQUEST_MAX = 8192, /* with its header; the ids are all that could make it longer */
	SIM_QGS_FMSPC_MAX = 12,     /* 6 bytes, or their hex */
	SIM_QGS_CA_MAX = 10,        /* "processor" and a NUL */
};

/* A request; pointers are into the message. */
struct sim_qgs_request {
	uint16_t minor;
	uint32_t type;
	const uint8_t *report; /* SIM_QGS_REPORT bytes */
	const uint8_t *ids;    /* of the QEs that may sign, 16 bytes each; any if there is none */
	uint32_t ids_len;
	const uint8_t *fmspc, *ca;
	uint32_t fmspc_len, ca_len;
};

/*
 * message: what follows the length. *out is as far filled as the answer to an error needs it: its
 * type is that of the request, SIM_QGS_QUOTE if it has none.
 */
enum sim_qgs_error
sim_qgs_request_parse(struct sim_qgs_request *out, const uint8_t *message, size_t len);

/* The whole answer without its length, error answers too; malloc'ed, NULL when out of memory. */
uint8_t *sim_qgs_answer(struct sim_machine *m, const uint8_t *message, size_t len, size_t *out_len);

/*
 * Serves one connection, framed or raw, and closes fd. Blocks for 30 s at most; may be called from
 * many threads. Returns 0 if a request was answered, also when by an error; -ETIMEDOUT when the
 * client stalled, -EPROTO when it sent what is no request and got no answer, else a negative errno.
 */
int sim_qgs_serve_connection(struct sim_machine *m, int fd);
/* The same with another limit. */
int sim_qgs_serve_for(struct sim_machine *m, int fd, int limit_ms);

#endif
