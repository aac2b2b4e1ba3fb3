/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SCHEDULE_H
#define BROKER_SCHEDULE_H

/*
 * Whose request is next. Each VM has a lane; lanes take turns, one request of a lane is under way at a time,
 * and a lane has a token bucket. It holds no memory but what its users bring, and asks no clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job {
	struct job *next;
	bool waits; /* in a lane */
	bool first; /* before those of its lane that are not */
};

struct lane {
	struct lane *next;
	struct job *head, **tail;
	bool queued, busy;
	int64_t tokens_milli, filled_ms; /* thousandths of a request; when they were counted */
};

struct schedule {
	struct lane *head, **tail;
	unsigned rate, burst; /* requests a second, 0: any number; at once */
	unsigned most, busy;  /* lanes that may be busy at a time, 0: any number; that are */
};

void schedule_init(struct schedule *s, unsigned rate, unsigned burst);
void lane_init(struct lane *lane, const struct schedule *s, int64_t now_ms);

void schedule_add(struct schedule *s, struct lane *lane, struct job *job);
/* Takes back a job that waits. */
void schedule_remove(struct lane *lane, struct job *job);
/*
 * The next job, whose lane (*of) is then busy until schedule_done(); NULL: none can go now. *again_ms: when a
 * bucket will have filled for the first that waits for that alone; -1: none does.
 */
struct job *schedule_next(struct schedule *s, struct lane **of, int64_t now_ms, int64_t *again_ms);
void schedule_done(struct schedule *s, struct lane *lane);
/* Nothing waits, nothing is under way, and its bucket is full: nothing is lost with it. */
bool lane_rests(const struct schedule *s, struct lane *lane, int64_t now_ms);
/* The lane's VM is gone; its jobs have been removed. */
void schedule_forget(struct schedule *s, struct lane *lane);

#endif
