/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LINE_H
#define BROKER_LINE_H

/*
 * Between the broker's processes: messages of server/ipc.h over a socket pair, some of them with a
 * descriptor. What each side may ask of the other is below, and nothing else is understood.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc.h"

enum { LINE_MESSAGE_MAX = 8192, LINE_ANSWER_MAX = 2 * 1024 * 1024 };
enum { REPORT_SIZE = 208, CERTIFICATE_SIZE = 2084, MNONCE_SIZE = 16 };

/*
 * id is the VM's: given once, never again.
 *   vmm to front:
 *     VM      name, CID, pid of the VMM, path; with a listening socket if the VM has its own (the path is not
 *             empty); 1 if it is a TD, whose own socket is for quotes
 *     GONE    that VM's registration has ended
 *     REPORT  status; the report, or why there is none
 *     READY   all VMs of the configuration have been told
 *   front to vmm:
 *     REPORT  MNONCE, handle that the guest names (0: none), time that there is in ms
 *     STATUS  a text for who asks over the control socket; no id
 *   front to sev:
 *     CERTS
 *   sev to front:
 *     CERTS   status; CEK, PEK, OCA one behind the other, and the device byte; or why there are none
 *   front to qgs, whose id is the request's:
 *     QUOTE   type, message without its length, time that there is in ms
 *   qgs to front:
 *     QUOTE   status; the answer without its length, or why there is none
 *     HEALTH  id is the source's number; 1 if it answers; if not, why
 */
enum line_op {
	LINE_VM = 1,
	LINE_GONE,
	LINE_REPORT,
	LINE_READY,
	LINE_CERTS,
	LINE_QUOTE,
	LINE_HEALTH,
	LINE_STATUS,
};

enum line_status {
	LINE_DONE,
	LINE_FOREIGN, /* the handle is another VM's */
	LINE_TROUBLE, /* VMM or firmware refuses, or cannot be reached */
	LINE_LATE,
};

/* One message, blocking until it is sent. pass: a descriptor that goes with it, or -1. */
bool line_say(int fd, const struct ipc_message *m, int pass);
/* One message, blocking until it is there, into buffer. false: the other side has ended, or breaks the form. */
bool line_hear(struct ipc_message *m, uint8_t buffer[LINE_MESSAGE_MAX], int fd);

/* The same inside an event loop. */
struct event_base;
struct line;
struct line_user {
	/* passed: the descriptor that came with it, the callee's; or -1. */
	void (*heard)(void *arg, const struct ipc_message *m, int passed);
	void (*ended)(void *arg);
	void *arg;
};
/* Takes fd. most: bytes of a message. */
struct line *line_new(struct event_base *base, int fd, const struct line_user *user, size_t most);
void line_free(struct line *l);
/* Kept until it can go. false: no memory. */
bool line_send(struct line *l, const struct ipc_message *m);

#endif
