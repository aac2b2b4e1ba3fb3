/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_EXCHANGE_H
#define ASSAYD_EXCHANGE_H

#include "front.h"
#include "gate.h"
#include "routes.h"

struct evhttp_request;

struct exchange {
	struct gate *gate; /* NULL: the client has gone */
	struct worker *worker;
	struct evhttp_request *request;
	const struct route *route; /* NULL: it is refused */
	const char *path, *query;
	char *target; /* both of them; the path of a refused one */
	void *state;
	int64_t now, started_us;
	bool last; /* the connection ends with this answer */
	bool bare; /* the answer to HEAD has no body */
	bool keyed;
	uint8_t client_key[CLIENT_KEY_SIZE];
	char peer[PEER_ROOM];
};

/* Of a request that the gate has let through: calls the handler. */
void exchange_begin(struct gate *g, struct evhttp_request *request);
/* Of one that it refuses: answers. */
void exchange_turn_away(struct gate *g, struct evhttp_request *request);

#endif
