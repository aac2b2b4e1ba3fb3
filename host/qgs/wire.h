/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_QGS_WIRE_H
#define BROKER_QGS_WIRE_H

/*
 * Messages of a quote generation service (QGS): requests as guests send them, answers as services do.
 * Source: Intel DCAP, QuoteGeneration/quote_wrapper/qgs_msg_lib: a head of 16 bytes (major u16, minor u16,
 * type u32, size of the message u32, error code u32), then a body; little-endian. On a stream each message is
 * preceded by its length, four bytes, big-endian. An old guest sends the bare 1024 bytes of its TDREPORT and
 * gets the bare quote.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

enum qgs_type {
	QGS_QUOTE = 0, /* each answer is one more */
	QGS_COLLATERAL = 2,
	QGS_PLATFORM = 4,
};

enum qgs_error {
	QGS_OK = 0,
	QGS_UNEXPECTED = 0x12001,
	QGS_NO_MEMORY = 0x12002,
	QGS_PARAMETER = 0x12003,
	QGS_VERSION = 0x12004,
	QGS_TYPE = 0x12005,
	QGS_SIZE = 0x12006,
	QGS_CODE = 0x12007,
};

enum {
	QGS_LENGTH = 4,
	QGS_HEAD = 16,
	QGS_REPORT = 1024,
	QGS_ID = 16,
	QGS_IDS_MAX = 64, /* QEs that a guest may name */
	QGS_REQUEST_MAX = QGS_HEAD + 8 + QGS_REPORT + QGS_IDS_MAX * QGS_ID,
	QGS_QUOTE_ANSWER_MAX = 128 * 1024, /* what QEMU has room for */
	QGS_ANSWER_MAX = 1024 * 1024,      /* collateral has CRLs */
	QGS_REFUSAL_MAX = QGS_LENGTH + QGS_HEAD + 4 + 7 * 4,
};

struct qgs_request {
	bool raw;       /* a bare TDREPORT */
	uint16_t minor; /* of the answer: ours, or the guest's if that is less */
	uint32_t type;  /* QGS_QUOTE where it cannot be told: of the answer to an error */
	struct assay_bytes report;
};

/* Bytes of the frame that begins so, with its length; 0: more are needed to tell. */
size_t qgs_frame_size(const uint8_t *head, size_t have);

/*
 * Reads a frame. *out is as far filled as its answer needs it, whatever comes back. With QGS_PARAMETER, *why
 * (else NULL) says what the report is not.
 */
enum qgs_error
qgs_request_read(struct qgs_request *out, const char **why, struct assay_bytes frame);
/* Which TDREPORT this is none of, or NULL; report: QGS_REPORT bytes. */
const char *qgs_report_fault(const uint8_t *report);
/* The message, without its length, that asks for a quote of this report. */
void qgs_quote_request(uint8_t out[QGS_HEAD + 8 + QGS_REPORT], const uint8_t *report);

/* The frame that refuses; returns its length. */
size_t qgs_refusal(uint8_t out[QGS_REFUSAL_MAX], const struct qgs_request *q, enum qgs_error code);

struct qgs_answer {
	uint32_t code; /* not QGS_OK: the service's own refusal, and nothing else is here */
	struct assay_bytes quote; /* of the answer with one */
};

/* Does it answer a request of this type? message: without its length. NULL, or what it is not. */
const char *qgs_answer_fault(struct qgs_answer *out, uint32_t type, struct assay_bytes message);
/*
 * What the guest gets of an answer without fault: for a bare report the bare quote, else a frame. malloc'ed;
 * NULL when out of memory, or when a bare report is refused, for which there are no words.
 */
uint8_t *qgs_answer_frame(size_t *len, const struct qgs_request *q, struct assay_bytes message,
    const struct qgs_answer *a);
/* What the length before an answer to this type can say. */
bool qgs_answer_length_ok(uint32_t type, uint32_t length);

uint32_t qgs_get_length(const uint8_t *p);
void qgs_put_length(uint8_t *p, uint32_t length);

#endif
