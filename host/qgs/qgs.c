/* SPDX-License-Identifier: Apache-2.0 */
#include "qgs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../front/front.h"
#include "wire.h"
#include "text.h"

enum { SAY_MS = 1000, WHY = 160, STATUS_ROOM = 64 };

/* A quoting service, as the process that asks them has it. */
struct source {
	const char *address;
	bool known, answers;
	char why[WHY]; /* it does not */
};

struct quoting {
	struct front *front;
	struct schedule *schedule;
	uint32_t last_ticket;
	size_t count;
	struct source sources[SOURCES_MAX];
};

/* One guest, or one who is none, and the request under way. */
struct guest {
	struct quoting *quoting;
	struct peer *peer;
	struct connection *of; /* who has asked; NULL: nobody, or gone since */
	uint32_t ticket;       /* under which the service is being asked; 0: it is not */
	struct qgs_request q;  /* without its report */
	int64_t said_ms;
};

/* --- answers ----------------------------------------------------------------------------- */

static void
release(struct guest *g)
{
	g->of = NULL;
	g->ticket = 0;
	schedule_done(g->quoting->schedule, &g->peer->lanes[ROLE_QGS]);
	front_pump(g->quoting->front);
}

/* Where there are no messages there is none that refuses: who sent a bare report finds the end. */
static void
answer_refusal(struct connection *c, const struct qgs_request *q, enum qgs_error code)
{
	uint8_t *bytes = q->raw ? NULL : malloc(QGS_REFUSAL_MAX);
	size_t len = bytes != NULL ? qgs_refusal(bytes, q, code) : 0;

	connection_answer(c, bytes, len);
}

static void
give_up(struct guest *g, enum qgs_error code)
{
	struct connection *c = g->of;

	release(g);
	if (c != NULL)
		answer_refusal(c, &g->q, code);
}

/* For the operator; a guest cannot fill the log. */
static bool
may_say(struct guest *g)
{
	int64_t now = front_now_ms();

	if (now - g->said_ms < SAY_MS)
		return false;
	g->said_ms = now;
	return true;
}

static const char *
kind_of(const struct peer *p)
{
	return p->stranger ? "" : "VM ";
}

/* --- requests ---------------------------------------------------------------------------- */

static void
ask(struct guest *g, struct assay_bytes message, int64_t within_ms)
{
	struct quoting *s = g->quoting;
	uint8_t type[8], within[8];
	struct ipc_message m = { .op = LINE_QUOTE, .count = 3 };

	if (++s->last_ticket == 0)
		s->last_ticket = 1;
	g->ticket = m.id = s->last_ticket;
	m.field[0] = ipc_u64(type, g->q.type);
	m.field[1] = message;
	m.field[2] = ipc_u64(within, (uint64_t)within_ms);
	if (!line_send(s->front->lines[PROCESS_QGS], &m))
		give_up(g, QGS_NO_MEMORY);
}

static void
refuse(struct guest *g, enum qgs_error code, const char *why)
{
	if (may_say(g))
		log_say("%s%s: asks for what is refused with 0x%x%s%s", kind_of(g->peer),
		    g->peer->name, (unsigned)code, why != NULL ? ": its TDREPORT " : "",
		    why != NULL ? why : "");
	give_up(g, code);
}

static void
request(void *role, void *guest, struct connection *c, struct assay_bytes frame, size_t size)
{
	struct quoting *s = role;
	struct guest *g = guest;
	uint8_t made[QGS_HEAD + 8 + QGS_REPORT];
	struct assay_bytes message = { frame.ptr + QGS_LENGTH, frame.len - QGS_LENGTH };
	const char *why = NULL;
	int64_t within = s->front->options->deadline_ms - (front_now_ms() - c->since_ms);
	enum qgs_error code = qgs_request_read(&g->q, &why, frame);

	g->of = c;
	c->last = true; /* a service closes after its answer, and clients wait for that */
	if (frame.len < size)
		code = QGS_SIZE;
	if (code != QGS_OK) {
		refuse(g, code, why);
	} else if (s->front->lines[PROCESS_QGS] == NULL) {
		if (may_say(g))
			log_say("%s%s: wants a quote, and there is no --source qgs:ADDR",
			    kind_of(g->peer), g->peer->name);
		give_up(g, QGS_UNEXPECTED);
	} else if (within <= 0) {
		give_up(g, QGS_UNEXPECTED);
	} else {
		if (g->q.raw) { /* services need to know one form alone */
			qgs_quote_request(made, g->q.report.ptr);
			message = (struct assay_bytes){ made, sizeof made };
		}
		ask(g, message, within);
	}
}

static struct guest *
guest_of(struct front *f, uint32_t ticket)
{
	for (struct peer *p = f->peers; p != NULL && ticket != 0; p = p->next) {
		struct guest *g = p->guests[ROLE_QGS];
		if (g != NULL && g->ticket == ticket)
			return g;
	}
	return NULL;
}

void
qgs_answer(struct front *f, uint32_t ticket, uint64_t status, struct assay_bytes what)
{
	struct guest *g = guest_of(f, ticket);
	struct qgs_answer a;
	size_t len = 0;

	if (g == NULL)
		return;
	if (status != LINE_DONE || qgs_answer_fault(&a, g->q.type, what) != NULL) {
		if (may_say(g))
			log_say("%s%s: no quote: %.*s", kind_of(g->peer), g->peer->name,
			    status != LINE_DONE && what.len < WHY ? (int)what.len : 0,
			    what.ptr != NULL ? (const char *)what.ptr : "");
		give_up(g, QGS_UNEXPECTED);
		return;
	}
	struct connection *c = g->of;
	release(g);
	if (c != NULL) {
		uint8_t *bytes = qgs_answer_frame(&len, &g->q, what, &a);
		connection_answer(c, bytes, len);
	}
}

/* --- health ------------------------------------------------------------------------------ */

/* For the control socket, and for the service manager. */
static void
tell(struct quoting *s)
{
	char lines[LINE_MESSAGE_MAX / 2], status[STATUS_ROOM];
	size_t n = 0, answer = 0;

	lines[0] = '\0';
	for (size_t i = 0; i < s->count && n < sizeof lines; i++) {
		const struct source *one = &s->sources[i];
		answer += one->known && one->answers;
		n += (size_t)snprintf(lines + n, sizeof lines - n, "%s%s %s%s%s", i > 0 ? "\n" : "",
		    one->address,
		    !one->known        ? "has not been asked yet"
			: one->answers ? "answers"
				       : "does not answer",
		    one->known && !one->answers ? ": " : "",
		    one->known && !one->answers ? one->why : "");
	}
	struct ipc_message m = { .op = LINE_STATUS, .count = 1 };
	m.field[0] = (struct assay_bytes){ (const uint8_t *)lines, strlen(lines) };
	line_send(s->front->lines[PROCESS_VMM], &m);
	snprintf(
	    status, sizeof status, "STATUS=%zu of %zu quoting services answer", answer, s->count);
	notify_say(s->front->notify, status);
}

void
qgs_health(struct front *f, uint32_t number, bool answers, struct assay_bytes why)
{
	struct quoting *s = f->states[ROLE_QGS];

	if (number >= s->count)
		return;
	struct source *one = &s->sources[number];
	one->known = true;
	one->answers = answers;
	snprintf(one->why, sizeof one->why, "%.*s",
	    (int)(why.len < sizeof one->why ? why.len : sizeof one->why - 1),
	    why.ptr != NULL ? (const char *)why.ptr : "");
	for (char *p = one->why; *p != '\0'; p++) /* a line of a status is one */
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (answers)
		log_say("%s: answers", one->address);
	else
		log_say("%s: does not answer: %s", one->address, one->why);
	tell(s);
}

/* --- the role ---------------------------------------------------------------------------- */

static void *
open_role(struct front *f, struct schedule *schedule)
{
	struct quoting *s = calloc(1, sizeof *s);
	const struct broker_options *o = f->options;

	if (s == NULL)
		return NULL;
	s->front = f;
	s->schedule = schedule;
	schedule->most = o->quotes;
	for (size_t i = 0; i < o->source_count; i++)
		if (strncmp(o->source[i], "qgs:", 4) == 0)
			s->sources[s->count++].address = o->source[i];
	if (s->count > 0)
		tell(s);
	return s;
}

static void
close_role(void *role)
{
	free(role);
}

static void *
meet(void *role, struct peer *peer)
{
	struct guest *g = calloc(1, sizeof *g);

	if (g != NULL) {
		g->quoting = role;
		g->peer = peer;
		g->said_ms = -SAY_MS;
	}
	return g;
}

static void
part(void *role, void *guest)
{
	(void)role;
	free(guest);
}

static void
late(void *role, void *guest, struct connection *c, struct assay_bytes frame)
{
	struct qgs_request q;
	const char *why;

	(void)role;
	(void)guest;
	(void)qgs_request_read(&q, &why, frame);
	c->last = true;
	answer_refusal(c, &q, QGS_UNEXPECTED);
}

/* The service has been asked, and answers to nobody; until then the lane is taken. */
static void
gone(void *role, void *guest, struct connection *c)
{
	struct guest *g = guest;

	(void)role;
	if (g->of == c)
		g->of = NULL;
}

const struct role role_qgs = {
	.name = "qgs",
	.strangers = true,
	.head_max = QGS_LENGTH,
	.frame_max = QGS_LENGTH + QGS_REQUEST_MAX,
	.skip_max = 16 * QGS_REQUEST_MAX,
	.size = qgs_frame_size,
	.open = open_role,
	.close = close_role,
	.meet = meet,
	.part = part,
	.request = request,
	.late = late,
	.gone = gone,
};
