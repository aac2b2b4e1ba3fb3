/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ROLE_H
#define BROKER_ROLE_H

/*
 * A role of the broker is one protocol that it speaks with guests. The front accepts, tells which VM it is,
 * reads one frame at a time and gives each VM its turn; the role says how long a frame is and answers it. A new
 * role is a file with a struct role, and a line in roles[].
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

#include "../line.h"
#include "schedule.h"

struct connection;
struct front;
struct peer;

enum { ROLE_EVIDENCE, ROLE_QGS, ROLES };

struct role {
	const char *name; /* "evidence": in --listen ROLE=ADDR */
	bool strangers;   /* serves also who is no registered VM; then over TCP, too */
	size_t head_max;  /* so many bytes tell how long a frame is */
	size_t frame_max; /* a longer one is not kept: its head alone comes to request() */
	size_t skip_max;  /* and with one that is longer than this the connection ends */
	/* Bytes of the whole frame that begins so; 0: more are needed to tell. */
	size_t (*size)(const uint8_t *head, size_t have);

	/* The role's state; NULL: has complained. */
	void *(*open)(struct front *front, struct schedule *schedule);
	void (*close)(void *role);
	/* What the role keeps of a VM; NULL: no memory. */
	void *(*meet)(void *role, struct peer *peer);
	void (*part)(void *role, void *guest);
	/*
	 * The turn of this frame has come: it is answered, now or later, by connection_answer(), and the lane
	 * is given free by schedule_done(), when the VM's next may come. size: of the frame, which may be
	 * longer than what is here.
	 */
	void (*request)(
	    void *role, void *guest, struct connection *c, struct assay_bytes frame, size_t size);
	/* It has waited too long, for its turn or its answer: is answered, now. */
	void (*late)(void *role, void *guest, struct connection *c, struct assay_bytes frame);
	/* The connection is gone while its request is under way. */
	void (*gone)(void *role, void *guest, struct connection *c);
};

extern const struct role *const roles[ROLES];

#endif
