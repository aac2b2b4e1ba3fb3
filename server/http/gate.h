/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_GATE_H
#define ASSAYD_GATE_H

/*
 * What stands between a socket and evhttp. evhttp 2.1 answers what it cannot read with an HTML page, has
 * one limit of bodies for all paths and no limit of connections, takes the body of a GET for the next
 * request, Transfer-Encoding together with Content-Length for a body in chunks, and lets a client send
 * a byte a minute for ever. So a gate keeps the bytes of a request from evhttp until it has come whole,
 * and is one that a route takes; of any other it lets evhttp see an empty request instead, which is
 * answered with the reason.
 */

#include "head.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/bufferevent.h>

struct evhttp;
struct evhttp_connection;
struct evhttp_request;
struct exchange;
struct route;
struct worker;

enum { PEER_ROOM = 48, CLIENT_KEY_SIZE = 32, REFUSED_ROOM = 256, ALLOWED_ROOM = 64 };

/* What a connection waits for. Those of a phase stand in a queue, the longest waiting first. */
enum phase {
	PHASE_NEW,     /* that evhttp has made its connection; a moment */
	PHASE_IDLE,    /* a request, or the TLS handshake */
	PHASE_HEAD,    /* the rest of a head */
	PHASE_BODY,    /* the rest of a body */
	PHASE_DISCARD, /* the rest of what is refused, so that the client reads why */
	PHASE_BUSY,    /* our handler */
	PHASE_ANSWER,  /* that the client takes the answer */
	PHASE_LOST,    /* to be freed: there was no memory */
	PHASE_COUNT
};

struct refusal {
	int status;
	char sentence[REFUSED_ROOM];
	char allow[ALLOWED_ROOM];
	bool bare;   /* it was a HEAD */
	char path[]; /* as far as it was read */
};

struct gate {
	TAILQ_ENTRY(gate) place;
	struct worker *worker;
	struct bufferevent *bev;
	struct evhttp_connection *connection; /* NULL in PHASE_NEW */
	struct exchange *x;                   /* in PHASE_BUSY */
	enum phase phase;
	int64_t since_ms;
	size_t scanned; /* of a head */
	size_t whole;   /* bytes of the request */
	size_t discard; /* bytes still to pass over; SIZE_MAX: all that come at once */
	size_t held;    /* what it adds to the worker's sum */
	const struct route *route;
	struct refusal *refusal;
	bool last; /* the next answer is the last of this connection */
	bool tls, local;
};

TAILQ_HEAD(gate_queue, gate);

/* What evhttp calls for each connection (evhttp_set_bevcb()); arg is a struct door. */
struct door {
	struct worker *worker;
	struct evhttp *http;
	bool tls, local;
};
struct bufferevent *gate_open(struct event_base *base, void *arg);
/* What evhttp calls for each request (evhttp_set_gencb()); arg is a struct door. */
void gate_request(struct evhttp_request *request, void *arg);
/* The exchange has its answer, of so many bytes; the client takes it. */
void gate_answered(struct gate *g, struct evhttp_request *request, size_t bytes);
/* evhttp has the answer: writes what the socket takes of it. */
void gate_write(struct gate *g);

/* Tells gates of their connections, and frees those that are lost: soon after each gate_open(). */
void gates_settle(struct worker *w);
/* Ends what waited too long. */
void gates_sweep(struct worker *w);
/* Ends those that have no request; the others end with their answer. */
void gates_drain(struct worker *w);

#endif
