/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

enum { TOKEN = 1000 };

void
schedule_init(struct schedule *s, unsigned rate, unsigned burst)
{
	*s = (struct schedule){ .rate = rate, .burst = burst };
	s->tail = &s->head;
}

void
lane_init(struct lane *lane, const struct schedule *s, int64_t now_ms)
{
	*lane = (struct lane){ .tokens_milli = (int64_t)s->burst * TOKEN, .filled_ms = now_ms };
	lane->tail = &lane->head;
}

static void
enqueue(struct schedule *s, struct lane *lane)
{
	if (lane->queued || lane->busy || lane->head == NULL)
		return;
	lane->queued = true;
	lane->next = NULL;
	*s->tail = lane;
	s->tail = &lane->next;
}

static struct lane *
dequeue(struct schedule *s)
{
	struct lane *lane = s->head;

	if (lane != NULL) {
		s->head = lane->next;
		if (s->head == NULL)
			s->tail = &s->head;
		lane->queued = false;
	}
	return lane;
}

void
schedule_add(struct schedule *s, struct lane *lane, struct job *job)
{
	struct job **at = lane->tail;

	if (job->first)
		for (at = &lane->head; *at != NULL && (*at)->first;)
			at = &(*at)->next;
	job->next = *at;
	job->waits = true;
	*at = job;
	if (job->next == NULL)
		lane->tail = &job->next;
	enqueue(s, lane);
}

void
schedule_remove(struct lane *lane, struct job *job)
{
	struct job **at = &lane->head;

	if (!job->waits)
		return;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (lane->tail == &job->next)
		lane->tail = at;
	job->waits = false;
}

/* 0: a request can go; else in how many milliseconds one can. */
static int64_t
wait_of(const struct schedule *s, struct lane *lane, int64_t now_ms)
{
	if (s->rate == 0)
		return 0;
	int64_t most = (int64_t)s->burst * TOKEN, passed = now_ms - lane->filled_ms;
	/* Milliseconds times requests a second are thousandths of a request. */
	if (passed > most / s->rate)
		lane->tokens_milli = most;
	else if (passed > 0)
		lane->tokens_milli += passed * s->rate;
	if (lane->tokens_milli > most)
		lane->tokens_milli = most;
	lane->filled_ms = now_ms;
	if (lane->tokens_milli >= TOKEN)
		return 0;
	return (TOKEN - lane->tokens_milli + s->rate - 1) / s->rate;
}

static struct job *
take(struct schedule *s, struct lane *lane)
{
	struct job *job = lane->head;

	lane->head = job->next;
	if (lane->head == NULL)
		lane->tail = &lane->head;
	job->waits = false;
	lane->busy = true;
	s->busy++;
	if (s->rate > 0)
		lane->tokens_milli -= TOKEN;
	return job;
}

struct job *
schedule_next(struct schedule *s, struct lane **of, int64_t now_ms, int64_t *again_ms)
{
	struct lane *lane, *first = NULL;

	*again_ms = -1;
	if (s->most > 0 && s->busy >= s->most) /* schedule_done() makes room */
		return NULL;
	while (s->head != NULL && s->head != first) {
		lane = dequeue(s);
		if (lane->head == NULL) /* what it wanted has been taken back */
			continue;
		int64_t wait = wait_of(s, lane, now_ms);
		if (wait == 0) {
			*of = lane;
			return take(s, lane);
		}
		if (*again_ms < 0 || now_ms + wait < *again_ms)
			*again_ms = now_ms + wait;
		if (first == NULL)
			first = lane;
		enqueue(s, lane);
	}
	return NULL;
}

void
schedule_done(struct schedule *s, struct lane *lane)
{
	lane->busy = false;
	s->busy--;
	enqueue(s, lane);
}

bool
lane_rests(const struct schedule *s, struct lane *lane, int64_t now_ms)
{
	if (lane->head != NULL || lane->busy)
		return false;
	(void)wait_of(s, lane, now_ms);
	return s->rate == 0 || lane->tokens_milli >= (int64_t)s->burst * TOKEN;
}

void
schedule_forget(struct schedule *s, struct lane *lane)
{
	struct lane **at = &s->head;

	if (lane->busy)
		s->busy--;
	while (*at != NULL && *at != lane)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = lane->next;
	if (s->tail == &lane->next)
		s->tail = at;
}
