/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ANSWER_H
#define BROKER_ANSWER_H

/* What a VMM says: a line of QMP, or of the adapter socket (docs/broker.md). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../line.h"

enum { ANSWER_LINE_MAX = 64 * 1024, ANSWER_TEXT_ROOM = 160 };

enum answer_kind {
	ANSWER_OTHER, /* an event, or what nobody asked for: passed over */
	ANSWER_GREETING,
	ANSWER_RETURN,
	ANSWER_ERROR,
};

struct answer {
	enum answer_kind kind;
	uint64_t id; /* of the command; 0: none */
	bool has_handle, has_report;
	uint32_t handle;
	uint8_t report[REPORT_SIZE];
	char text[ANSWER_TEXT_ROOM]; /* of an error; printable */
};

/* One line without its end. false: no JSON, or not of the form. Source: QEMU, QMP specification; its
 * query-sev and query-sev-attestation-report. */
bool answer_read_qmp(struct answer *out, const char *line, size_t len);
/* {"handle": N, "report": BASE64} or {"error": TEXT}: a return, or an error. */
bool answer_read_adapter(struct answer *out, const char *line, size_t len);

#endif
