/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_AGENT_WIRE_H
#define ASSAY_AGENT_WIRE_H

/*
 * What is said over attest.sock, docs/agent.md: one request and one answer per connection, each a
 * packet of SOCK_SEQPACKET. Both readers are strict: every byte is accounted for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/error.h>

#define ATTEST_SOCKET "/run/assay/attest.sock"

enum {
	ATTEST_VERSION = 1,
	ATTEST_REPORT_DATA = 64,
	ATTEST_REQUEST = 4 + ATTEST_REPORT_DATA,
	ATTEST_ANSWER_HEAD = 16,
	ATTEST_EVIDENCE = 6460, /* report, CEK, PEK, OCA */
	ATTEST_PROOF_MAX = 4096,
	ATTEST_KEY_MAX = 8192, /* a PrivateKeyInfo; of RSA with 4096 bits it is 2.4 KB */
	ATTEST_SENTENCE = 256,
	ATTEST_ANSWER_MAX = ATTEST_ANSWER_HEAD + ATTEST_EVIDENCE + ATTEST_PROOF_MAX,
};

enum attest_op {
	ATTEST_OP_EVIDENCE = 1, /* evidence and proof for the report data */
	ATTEST_OP_KEY = 2,      /* the PrivateKeyInfo that was injected */
	ATTEST_OP_TEE = 3,      /* which TEE this is, and whether the caller may ask */
};

enum attest_status {
	ATTEST_OK = 0,
	ATTEST_REFUSED = 1,   /* not this caller */
	ATTEST_ABSENT = 2,    /* the agent has no key: this is no SEV guest, or the key is gone */
	ATTEST_FAILED = 3,    /* the host's broker, or the agent itself */
	ATTEST_MALFORMED = 4, /* the request */
	ATTEST_NO_KEYS = 5,   /* the agent runs with --enarx: ask for evidence instead */
	ATTEST_STATUSES,
};

enum attest_tee { ATTEST_TEE_NONE = 0, ATTEST_TEE_SEV = 1, ATTEST_TEE_SEV_ES = 2 };

struct attest_request {
	enum attest_op op;
	uint8_t report_data[ATTEST_REPORT_DATA]; /* zeros, where the op has none */
};

struct attest_answer {
	enum attest_status status;
	enum attest_tee tee;
	struct assay_bytes first; /* evidence, key, or the sentence of a status other than OK */
	struct assay_bytes proof;
};

void assay_attest_request_write(
    uint8_t out[ATTEST_REQUEST], enum attest_op op, const uint8_t *report_data);
/* Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (another version). */
ASSAY_MUST_USE enum assay_code assay_attest_request_parse(
    struct attest_request *out, struct assay_bytes in, struct assay_error *err);

/* Returns the length; 0: it does not fit. */
size_t assay_attest_answer_write(uint8_t *out, size_t room, const struct attest_answer *answer);
/*
 * op      What was asked for, which says how long the parts are.
 * out     Points into `in`.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED (another version).
 */
ASSAY_MUST_USE enum assay_code assay_attest_answer_parse(
    struct attest_answer *out, enum attest_op op, struct assay_bytes in, struct assay_error *err);

#endif
