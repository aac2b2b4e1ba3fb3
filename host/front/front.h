/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_FRONT_H
#define BROKER_FRONT_H

/* The process that guests' bytes come into. */

#include "../options.h"
#include "connection.h"
#include "listen.h"
#include "notify.h"
#include "process.h"
#include "role.h"
#include "schedule.h"

enum { PROCESS_VMM, PROCESS_SEV, PROCESS_QGS, PROCESSES };

/* One listening socket in the loop. */
struct door {
	struct front *front;
	struct peer *peer; /* whose own it is; NULL: the peer's CID or process tells */
	struct listening *listening;
	struct event *event;
};

/* A VM that is registered, or who else is served: all processes of a user, a CID, an address. */
struct peer {
	bool stranger; /* the latter; without id, CID and pid */
	struct peer *next;
	struct front *front;
	uint32_t id, cid;
	int32_t pid;
	char name[64];        /* of a stranger "uid 107", "CID 9", "address 10.0.0.1" */
	struct listening own; /* its own socket; fd -1: none, and of a stranger its family */
	struct door door;
	struct connection *connections;
	size_t count;
	struct lane lanes[ROLES];
	void *guests[ROLES]; /* what the roles keep of it */
};

struct front {
	struct event_base *base;
	struct settings *settings;
	const struct broker_options *options;
	struct process *processes; /* PROCESSES; one that is not needed has no pid */
	struct notify *notify;
	struct listening *listening;
	size_t listening_count;
	struct door *doors;
	struct line *lines[PROCESSES];
	struct peer *peers;
	size_t connections, connections_max; /* of all VMs */
	struct schedule schedules[ROLES];
	void *states[ROLES];
	struct event *signals[4], *tick, *turn;
	int64_t heard_ms, drain_until_ms;
	enum { STARTING, SERVING, DRAINING, STOPPED } life;
	bool pumping;
	int code;
};

/* Until it has ended; the exit code. */
int front_run(struct settings *settings, struct listening *listening, size_t listening_count,
    struct process *processes, struct notify *notify);

int64_t front_now_ms(void);
/* Something can go now: looks for it when the loop is next about. */
void front_pump(struct front *f);
/* The VM of this id, or NULL. */
struct peer *front_peer(struct front *f, uint32_t id);

/* What the processes say to the evidence role (host/evidence/evidence.c). */
void evidence_report(struct peer *peer, uint64_t status, struct assay_bytes what);
void
evidence_certificates(struct front *f, uint32_t serial, uint64_t status, struct assay_bytes what);

/* What the qgs process says to the quoting role (host/qgs/qgs.c). */
void qgs_answer(struct front *f, uint32_t ticket, uint64_t status, struct assay_bytes what);
void qgs_health(struct front *f, uint32_t number, bool answers, struct assay_bytes why);

#endif
