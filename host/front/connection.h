/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_CONNECTION_H
#define BROKER_CONNECTION_H

/* One guest's connection: a frame is read, waits for its turn, is answered, and then the next one is read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "role.h"

struct event;

enum { HEAD_ROOM = 16 };

enum connection_state { READING, WAITING, UNDER_WAY, WRITING };

struct connection {
	struct job job; /* first: the schedule knows it by this */
	struct connection *next, **back;
	struct peer *peer;
	size_t role;
	bool reserved; /* from a vsock port that only root of the guest gives */
	int fd;
	struct event *readable, *writable;
	enum connection_state state;
	int64_t since_ms;        /* of the state; of a frame's first byte while one is read */
	uint8_t head[HEAD_ROOM]; /* of the frame that is read, until its length is known */
	uint8_t *frame;
	size_t have, size; /* of the frame: bytes that have come, and of all; 0: not known */
	size_t kept;       /* in frame, once it is whole */
	bool last;         /* close when the answer is out */
	uint8_t *answer;
	size_t answer_len, answered;
	uint32_t stream; /* the role's: the highest that there was */
};

/* Takes fd. false: no memory; fd is closed. */
bool connection_new(struct front *f, struct peer *peer, size_t role, bool reserved, int fd);
/* Takes the memory of bytes (NULL: none was left, and the connection ends). */
void connection_answer(struct connection *c, uint8_t *bytes, size_t len);
void connection_free(struct connection *c);
/* Time has passed: what is late is answered so, what stalls is closed. May free c. */
void connection_tick(struct connection *c, int64_t now_ms);
/* It is this one's turn. */
void connection_run(struct connection *c);

#endif
