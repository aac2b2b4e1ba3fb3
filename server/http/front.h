/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_FRONT_H
#define ASSAYD_FRONT_H

/*
 * The front from inside. The main thread accepts connections, hands each to the worker that has the
 * fewest, and renews what the workers judge by; a connection stays with its worker.
 */

#include "gate.h"
#include "http.h"
#include "listen.h"
#include "metrics.h"
#include "../options.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <openssl/ssl.h>

enum { DOORS = 3 };

struct worker {
	struct server *server;
	size_t index;
	pthread_t thread;
	struct event_base *base;
	int order; /* an event descriptor: the main thread says what to do, see worker_order() */
	struct door doors[DOORS]; /* what TLS takes, what comes plain, Unix sockets */
	struct evhttp_bound_socket *bound[LISTEN_MAX];
	size_t bound_count;
	struct event *order_event, *sweep_event, *settle_event, *rest_event;
	struct keeper_line *keeper;
	struct opa_line *opa; /* NULL: there is none */

	uint64_t serial; /* of the view and the context below */
	struct view *view;
	SSL_CTX *tls;

	struct assay_evidence *evidence;
	struct assay_claims *claims;
	struct assay_checks *checks;

	struct gate_queue phases[PHASE_COUNT];
	struct gate *passing; /* that let through what evhttp reads now */
	bool looking;         /* a gate is at work */
	_Atomic size_t connections;
	size_t held; /* bytes of requests that are not whole yet */
	bool draining;
	_Atomic int64_t beat; /* when it last swept, monotonic seconds */
	struct metrics metrics;
};

struct server {
	const struct server_options *options;
	struct event_base *base; /* of the main thread */
	struct worker *workers;
	size_t worker_count;
	size_t connections_max; /* of one worker */
	struct listening *listening;
	size_t listening_count;
	struct assay_cache *cache;
	struct assay_jwk *curve; /* worker_curve() */
	struct assay_bytes roots[ROOTS_MAX];
	struct keeper_line *keeper; /* the main thread's own: snapshots */
	struct collateral *collateral;
	int wake; /* an event descriptor: a worker saw a newer generation */

	pthread_mutex_t lock; /* view and tls; serial rises with each change */
	struct view *view;
	SSL_CTX *tls;
	_Atomic uint64_t serial;
	_Atomic uint64_t generation; /* of the view */
	_Atomic uint64_t wanted;     /* the newest that anyone saw */
};

/* --- worker.c ---------------------------------------------------------------------------- */

struct event_base *base_new(void); /* for one thread */
/* Takes keeper_socket in any case. The thread starts with worker_start(). false: has complained. */
bool worker_open(struct worker *w, struct server *server, size_t index, int keeper_socket);
bool worker_start(struct worker *w);
enum order {
	ORDER_DRAIN = 1,
	ORDER_STOP = 0x10000
}; /* sums of what was not read yet are still told apart */
void worker_order(struct worker *w, enum order order);
void worker_close(struct worker *w);
/* Takes over a newer view or certificate, if there is one. */
void worker_renew(struct worker *w);
/* A connection has come: when it has more than its share, it leaves the next ones to the others. */
void worker_share(struct worker *w);

/* --- front.c ----------------------------------------------------------------------------- */

/* worker_saw() of any thread. */
void server_saw(struct server *s, const struct ipc_message *answer);

struct process;
struct notify;
struct settings;

/*
 * Serves until it is told to stop, or a process ends. The first socket of the keeper is the main
 * thread's, the others are the workers'. Drops its rights first. Returns the exit code.
 */
int front_run(struct settings *config, struct listening *listening, size_t listening_count,
    struct process *processes, size_t process_count, struct notify *notify);
/* Whether the files of trust-root hold roots; it has complained of those that do not. */
bool front_check_roots(const struct server_options *options);
/* The processor's, or what the options say. */
size_t front_workers(const struct server_options *options);

/* Milliseconds that only rise. */
int64_t monotonic_ms(void);

#endif
