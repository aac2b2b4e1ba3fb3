/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TTRPC_AEB_H
#define TTRPC_AEB_H

/* The attestation evidence broker's messages, as payloads of ttrpc; docs/broker.md. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

#define AEB_SERVICE  "aeb.AEB"
#define AEB_SIZE     "RetrieveAttestationEvidenceSize"
#define AEB_EVIDENCE "RetrieveAttestationEvidence"

enum {
	AEB_PORT = 5577,
	AEB_REPORT = 208, /* then CEK, PEK, OCA of 2084 bytes each */
	AEB_EVIDENCE_SIZE = 6460,
	AEB_DEVICE_SIZE = 6461, /* the same, and a byte for the kind of processor */
	AEB_REPORT_DATA = 64,
	AEB_KEY_DIGEST = 32,
	AEB_BINDING_ROOM = 16,
};

struct aeb_request {
	uint32_t handle;        /* 0: the caller's own */
	uint32_t evidence_size; /* AEB_EVIDENCE_SIZE, AEB_DEVICE_SIZE, or 0: not said */
	bool bound;             /* the two below are there: both, or neither */
	uint8_t report_data[AEB_REPORT_DATA], key_digest[AEB_KEY_DIGEST];
};

struct aeb_evidence {
	uint8_t bytes[AEB_DEVICE_SIZE];
	size_t len;
	char binding[AEB_BINDING_ROOM]; /* "nonce", "none"; "" from a broker that does not say */
};

/* Readers: false if it is no such message. A request's report data and key digest must have their lengths,
 * and come together. */
bool aeb_size_request_read(uint32_t *handle, struct assay_bytes in);
bool aeb_request_read(struct aeb_request *out, struct assay_bytes in);
bool aeb_size_response_read(uint32_t *size, struct assay_bytes in);
bool aeb_response_read(struct aeb_evidence *out, struct assay_bytes in);

/* Writers: memory that the caller frees; NULL: none left. An empty message has *len 0 and is not NULL. */
uint8_t *aeb_size_request_write(size_t *len, uint32_t handle);
uint8_t *aeb_request_write(size_t *len, const struct aeb_request *r);
uint8_t *aeb_size_response_write(size_t *len, uint32_t size);
uint8_t *aeb_response_write(size_t *len, const struct aeb_evidence *e);

#endif
