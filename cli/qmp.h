/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_QMP_H
#define ASSAY_CLI_QMP_H

/* A VMM's control socket as QEMU has it: one JSON object a line, events between the answers. What comes
 * from it is the host's word. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct qmp;

enum { QMP_WHY = 320 };

/*
 * Connects and negotiates. address: "unix:PATH" or "tcp:HOST:PORT". Everything that is done with it,
 * together, takes no longer than timeout_s. NULL: why says what went wrong, and with what; bad: the
 * address is none.
 */
struct qmp *qmp_open(const char *address, int64_t timeout_s, bool *bad, char why[QMP_WHY]);
void qmp_close(struct qmp *q); /* NULL is fine */

/*
 * Asks. arguments: taken over; NULL: none. What is returned is the member "return", which the caller
 * owns; NULL: why says what went wrong.
 */
json_t *qmp_ask(struct qmp *q, const char *command, json_t *arguments, char why[QMP_WHY]);

#endif
