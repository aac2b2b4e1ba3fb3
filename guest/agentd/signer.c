/* SPDX-License-Identifier: Apache-2.0 */
#include "signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "line.h"
#include "lockdown.h"
#include "text.h"

enum {
	EXIT_DONE = 0,
	EXIT_TROUBLE = 4,
	BACKLOG = 128,
	ASKS_MAX = 64,
	ASKS_PER_USER = 32,        /* that wait */
	CONNECTIONS_PER_USER = 48, /* so that there are some left for another */
	ACCEPTS = 16,              /* at a time: what else there is to do waits for them */
	READ_MS = 2000,            /* a request comes with its connection */
	WAIT_MS = 25000,           /* in all; libassay-guest waits 30 s */
	GRACE_MS = 2000,           /* past the line's own deadline */
	TICK_MS = 250,
	/* Source: AMD 55766, ATTESTATION: MNONCE, LAUNCH_DIGEST, POLICY. */
	DIGEST_AT = 16,
	POLICY_AT = 48,
	IDENTITY = 36, /* digest and policy: they do not change while a guest lives */
	POLICY_ES = 0x04,
};

/* One connection. */
struct ask {
	TAILQ_ENTRY(ask) place;
	struct signer *signer;
	int fd;
	struct event *readable; /* until the request has come */
	struct attest_request request;
	struct caller caller;
	int64_t since_ms;
	bool queued, on_line, stranger;
};
TAILQ_HEAD(asks, ask);

/* When a user's request was last put on the line. */
struct turn {
	uint32_t uid;
	uint64_t number; /* of the request; 0: never */
};

struct signer {
	const struct agent_options *o;
	struct callers callers;
	struct signer_ends ends;
	struct event_base *base;
	struct event *accepting, *answered, *told, *tick;
	struct secret secret;
	uint8_t key_digest[ASSAY_KEY_DIGEST_SIZE];
	struct asks asks; /* in the order in which they came */
	size_t count, strangers;
	struct ask
	    *current; /* whose question is on the line; NULL although `asking`: it has gone */
	bool asking, stopping;
	uint32_t id;
	uint64_t turn;
	struct turn turns[ASKS_MAX]; /* users who wait are no more; others may be forgotten */
	int64_t asked_ms;
	enum attest_tee tee; /* NONE: no report has come yet */
	uint8_t identity[IDENTITY];
};

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- answers ----------------------------------------------------------------------------- */

static void
end_ask(struct ask *a)
{
	struct signer *s = a->signer;

	if (s->current == a)
		s->current = NULL;
	if (s->count-- == ASKS_MAX && !s->stopping)
		event_add(s->accepting, NULL);
	s->strangers -= a->stranger;
	TAILQ_REMOVE(&s->asks, a, place);
	event_free(a->readable);
	close(a->fd);
	free(a);
}

static void
respond(struct ask *a, const struct attest_answer *answer)
{
	uint8_t packet[ATTEST_ANSWER_HEAD + ATTEST_EVIDENCE + ATTEST_PROOF_MAX];
	size_t len = assay_attest_answer_write(packet, sizeof packet, answer);

	/* A packet goes whole, or the caller is one that does not take it. */
	if (len == 0 || send(a->fd, packet, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
		log_detail("attest.sock: uid %u does not take its answer", a->caller.uid);
	explicit_bzero(packet, sizeof packet);
	end_ask(a);
}

static void
refuse(struct ask *a, enum attest_status status, const char *why)
{
	size_t len = strnlen(why, ATTEST_SENTENCE);
	const struct attest_answer answer = {
		.status = status, .tee = a->signer->tee, .first = { (const uint8_t *)why, len }
	};

	log_detail("attest.sock: uid %u: %s", a->caller.uid, why);
	respond(a, &answer);
}

static void
give_key(struct ask *a)
{
	struct signer *s = a->signer;
	const struct attest_answer answer = { .status = ATTEST_OK,
		.tee = s->tee,
		.first = { s->secret.kept.ptr, s->secret.kept.len } };

	log_say("uid %u is given the injected key, as allow-key-uid has it", a->caller.uid);
	respond(a, &answer);
}

/* --- reports ----------------------------------------------------------------------------- */

/* Whether the report answers this request, of these keys, and is of the guest of the reports before. NULL,
 * or what is wrong. Whose report it is in truth, the verifier says. */
static const char *
judge(struct signer *s, const struct line_answer *answer, const uint8_t *report_data)
{
	uint8_t mnonce[ASSAY_SEV_MNONCE_SIZE];

	if (!answer->bound)
		return "the host's broker does not put the challenge into reports; it is an older "
		       "one, "
		       "and its reports could be anybody's";
	assay_sev_mnonce(mnonce, report_data, s->key_digest);
	if (memcmp(mnonce, answer->evidence, sizeof mnonce) != 0)
		return "the host's report does not answer this request: its MNONCE is another; "
		       "nothing "
		       "was signed";
	if (s->tee != ATTEST_TEE_NONE &&
	    memcmp(s->identity, answer->evidence + DIGEST_AT, IDENTITY) != 0)
		return "the host's report is of another guest than before: digest or policy "
		       "changed; "
		       "nothing was signed";
	return NULL;
}

static void
learn(struct signer *s, const uint8_t *report)
{
	if (s->tee != ATTEST_TEE_NONE)
		return;
	memcpy(s->identity, report + DIGEST_AT, IDENTITY);
	s->tee = report[POLICY_AT] & POLICY_ES ? ATTEST_TEE_SEV_ES : ATTEST_TEE_SEV;
	log_detail("the host's reports are of %s", s->tee == ATTEST_TEE_SEV_ES ? "SEV-ES" : "SEV");
}

static void
prove(struct ask *a, const struct line_answer *answer)
{
	struct signer *s = a->signer;
	struct assay_error err = { .text = "" };
	struct attest_answer out = { .status = ATTEST_OK, .tee = s->tee };
	uint8_t *proof = NULL;
	size_t len = 0;

	if (a->request.op == ATTEST_OP_EVIDENCE) {
		if (assay_proof_write(&proof, &len, s->secret.keys,
			(struct assay_bytes){ answer->evidence, ASSAY_SEV_REPORT_SIZE },
			a->request.report_data, &err) != ASSAY_OK) {
			log_say("a proof cannot be made: %s", err.text);
			refuse(a, ATTEST_FAILED, err.text);
			return;
		}
		out.first = (struct assay_bytes){ answer->evidence, sizeof answer->evidence };
		out.proof = (struct assay_bytes){ proof, len };
	}
	respond(a, &out);
	free(proof);
}

/* --- the line ---------------------------------------------------------------------------- */

/* Callers that have hung up cost the host nothing. */
static bool
has_gone(const struct ask *a)
{
	char byte;

	return recv(a->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* This user's, or the one whose turn is longest ago, for him. */
static struct turn *
turn_of(struct signer *s, uint32_t uid)
{
	struct turn *oldest = &s->turns[0];

	for (size_t i = 0; i < ASKS_MAX; i++) {
		if (s->turns[i].number > 0 && s->turns[i].uid == uid)
			return &s->turns[i];
		if (s->turns[i].number < oldest->number)
			oldest = &s->turns[i];
	}
	return oldest;
}

static uint64_t
last_turn(struct signer *s, uint32_t uid)
{
	const struct turn *t = turn_of(s, uid);

	return t->uid == uid ? t->number : 0;
}

/* Of the user whose turn is longest ago, or was never, who has waited longest. */
static struct ask *
next_ask(struct signer *s)
{
	struct ask *a, *next = NULL;
	uint64_t turn, soonest = UINT64_MAX;

	TAILQ_FOREACH(a, &s->asks, place)
	{
		if (!a->queued || (turn = last_turn(s, a->caller.uid)) >= soonest)
			continue;
		next = a;
		soonest = turn;
	}
	return next;
}

static void
pump(struct signer *s)
{
	struct line_question q = { .id = 0 };
	struct ask *a;

	while (!s->asking && (a = next_ask(s)) != NULL) {
		if (has_gone(a)) {
			end_ask(a);
			continue;
		}
		q.id = ++s->id;
		memcpy(q.report_data, a->request.report_data, sizeof q.report_data);
		memcpy(q.key_digest, s->key_digest, sizeof q.key_digest);
		if (send(s->ends.line, &q, sizeof q, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof q) {
			refuse(a, ATTEST_FAILED, "the line to the host is not ready; try again");
			continue;
		}
		a->queued = false;
		a->on_line = true;
		*turn_of(s, a->caller.uid) = (struct turn){ a->caller.uid, ++s->turn };
		s->current = a;
		s->asking = true;
		s->asked_ms = now_ms();
	}
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	static struct line_answer answer;
	struct signer *s = arg;
	ssize_t n = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);

	(void)what;
	if (n == 0) /* the parent and the line are gone */
		event_base_loopbreak(s->base);
	if (n != sizeof answer || answer.id != s->id || !s->asking)
		return; /* to a question that was given up */
	answer.why[sizeof answer.why - 1] = '\0';
	s->asking = false;
	struct ask *a = s->current;
	if (a != NULL) {
		const char *fault =
		    answer.ok ? judge(s, &answer, a->request.report_data) : answer.why;
		if (fault != NULL) {
			log_say("%s", fault);
			refuse(a, ATTEST_FAILED, fault);
		} else {
			learn(s, answer.evidence);
			prove(a, &answer);
		}
	}
	pump(s);
}

/* --- requests ---------------------------------------------------------------------------- */

static size_t
asks_of(const struct signer *s, uint32_t uid)
{
	const struct ask *a;
	size_t n = 0;

	TAILQ_FOREACH(a, &s->asks, place)
	n += (a->queued || a->on_line) && a->caller.uid == uid;
	return n;
}

static void
queue(struct ask *a)
{
	struct signer *s = a->signer;

	if (asks_of(s, a->caller.uid) >= ASKS_PER_USER) {
		refuse(a, ATTEST_FAILED, "too many requests of this user wait already");
		return;
	}
	/* A report over data that nobody knows shows what kind of guest this is, and serves no one else. */
	if (a->request.op == ATTEST_OP_TEE &&
	    getrandom(a->request.report_data, sizeof a->request.report_data, 0) !=
		sizeof a->request.report_data) {
		refuse(a, ATTEST_FAILED, "the kernel gives no random numbers");
		return;
	}
	a->queued = true;
	pump(s);
}

static void
decide(struct ask *a)
{
	struct signer *s = a->signer;
	const struct attest_answer known = { .status = ATTEST_OK, .tee = s->tee };

	if (!s->secret.taken) /* to whomever: it is no SEV guest, and other ways are open */
		refuse(a, ATTEST_ABSENT, s->secret.why);
	else if (!callers_may_ask(&s->callers, &a->caller))
		refuse(
		    a, ATTEST_REFUSED, "this user may not ask; see allow-uid in assay-agentd(8)");
	else if (a->request.op == ATTEST_OP_KEY && s->callers.enarx)
		refuse(a, ATTEST_NO_KEYS, "the key is given to nobody; ask for evidence");
	else if (a->request.op == ATTEST_OP_KEY && !callers_may_have_key(&s->callers, &a->caller))
		refuse(a, ATTEST_REFUSED,
		    "this user is not given the key; see allow-key-uid in assay-agentd(8)");
	else if (a->request.op == ATTEST_OP_KEY && s->secret.kept.ptr == NULL)
		refuse(a, ATTEST_REFUSED,
		    "the key was wiped: nobody was to be given it when the agent started");
	else if (a->request.op == ATTEST_OP_KEY)
		give_key(a);
	else if (s->secret.keys == NULL)
		refuse(a, ATTEST_ABSENT, s->secret.why);
	else if (a->request.op == ATTEST_OP_TEE && s->tee != ATTEST_TEE_NONE)
		respond(a, &known);
	else
		queue(a);
}

static void
on_request(evutil_socket_t fd, short what, void *arg)
{
	uint8_t packet[ATTEST_REQUEST + 1]; /* a longer one is seen to be longer */
	struct assay_error err = { .text = "" };
	struct ask *a = arg;
	ssize_t n = recv(fd, packet, sizeof packet, MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	event_del(a->readable);
	if (n <= 0) {
		end_ask(a);
		return;
	}
	if (assay_attest_request_parse(
		&a->request, (struct assay_bytes){ packet, (size_t)n }, &err) != ASSAY_OK)
		refuse(a, ATTEST_MALFORMED, err.text);
	else
		decide(a);
}

/* Room for one more of this user's: the one that has been silent longest goes, if one is silent. */
static bool
make_room(struct signer *s, uint32_t uid)
{
	struct ask *a, *silent = NULL;
	size_t n = 0;

	TAILQ_FOREACH(a, &s->asks, place)
	{
		n += a->caller.uid == uid;
		if (silent == NULL && a->caller.uid == uid && !a->queued && !a->on_line)
			silent = a;
	}
	if (n < CONNECTIONS_PER_USER)
		return true;
	if (silent != NULL)
		end_ask(silent);
	return silent != NULL;
}

static void
take_connection(struct signer *s, int fd)
{
	struct ask *a = calloc(1, sizeof *a);

	if (a != NULL && caller_read(&a->caller, fd)) {
		a->stranger = !callers_may_ask(&s->callers, &a->caller);
		if (a->stranger ? s->strangers < STRANGERS_MAX : make_room(s, a->caller.uid))
			a->readable = event_new(s->base, fd, EV_READ | EV_PERSIST, on_request, a);
	}
	if (a == NULL || a->readable == NULL || event_add(a->readable, NULL) != 0) {
		if (a != NULL && a->readable != NULL)
			event_free(a->readable);
		free(a);
		close(fd);
		return;
	}
	a->signer = s;
	a->fd = fd;
	a->since_ms = now_ms();
	s->strangers += a->stranger;
	TAILQ_INSERT_TAIL(&s->asks, a, place);
	if (++s->count == ASKS_MAX) /* the others wait in the socket's own queue */
		event_del(s->accepting);
}

static void
on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct signer *s = arg;
	int fd = -1;

	(void)what;
	for (int i = 0; i < ACCEPTS && s->count < ASKS_MAX; i++) {
		if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
			break;
		take_connection(s, fd);
	}
}

/* --- time, and the parent ---------------------------------------------------------------- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct signer *s = arg;
	struct ask *a, *next;
	int64_t now = now_ms();

	(void)fd;
	(void)what;
	for (a = TAILQ_FIRST(&s->asks); a != NULL; a = next) {
		next = TAILQ_NEXT(a, place);
		if (!a->queued && !a->on_line && now - a->since_ms > READ_MS)
			end_ask(a);
		else if (now - a->since_ms > WAIT_MS)
			refuse(a, ATTEST_FAILED, "the host's broker is slow; the time is over");
	}
	/* The line was started anew, and knows nothing of the question. */
	if (s->asking && now - s->asked_ms > s->o->broker_timeout_s * 1000 + GRACE_MS) {
		s->asking = false;
		if (s->current != NULL)
			refuse(s->current, ATTEST_FAILED, "the line to the host does not answer");
		pump(s);
	}
	if (s->stopping && s->count == 0)
		event_base_loopbreak(s->base);
}

static void
on_control(evutil_socket_t fd, short what, void *arg)
{
	struct signer *s = arg;
	struct callers callers;
	ssize_t n = recv(fd, &callers, sizeof callers, MSG_DONTWAIT);

	(void)what;
	if (n == sizeof callers)
		s->callers = callers;
	if (n != 0)
		return;
	s->stopping = true;
	event_del(s->told);
	event_del(s->accepting);
}

static bool
add(struct event **out, struct signer *s, int fd, event_callback_fn fn)
{
	const struct timeval period = { .tv_usec = TICK_MS * 1000 };

	*out = event_new(s->base, fd, fd >= 0 ? EV_READ | EV_PERSIST : EV_PERSIST, fn, s);
	return *out != NULL && event_add(*out, fd >= 0 ? NULL : &period) == 0;
}

static bool
open_signer(struct signer *s)
{
	s->base = event_base_new();
	return s->base != NULL && add(&s->accepting, s, s->ends.listener, on_connection) &&
	    add(&s->answered, s, s->ends.line, on_answer) &&
	    add(&s->told, s, s->ends.control, on_control) && add(&s->tick, s, -1, on_tick);
}

static void
close_signer(struct signer *s)
{
	struct event *const events[] = { s->accepting, s->answered, s->told, s->tick };

	while (!TAILQ_EMPTY(&s->asks))
		end_ask(TAILQ_FIRST(&s->asks));
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (s->base != NULL)
		event_base_free(s->base);
	secret_clear(&s->secret);
}

/* The parent says it, in one line with all else. */
static bool
say_ready(const struct signer *s)
{
	struct signer_ready r = { .has_key = s->secret.taken };
	const bool kept = s->secret.kept.ptr != NULL;

	if (s->secret.keys != NULL)
		snprintf(r.text, sizeof r.text, "the launch key is taken, %s",
		    kept ? "and kept for those whom allow-key-uid names"
			 : "and a working key certified");
	else if (r.has_key)
		snprintf(r.text, sizeof r.text,
		    "the launch key is taken, and %s, but attests nothing: %s",
		    kept ? "kept for those whom allow-key-uid names" : "wiped", s->secret.why);
	else
		snprintf(r.text, sizeof r.text, "no launch key: %s", s->secret.why);
	return send(s->ends.control, &r, sizeof r, MSG_NOSIGNAL) == sizeof r;
}

int
signer_run(
    const struct agent_options *o, const struct callers *callers, const struct signer_ends *ends)
{
	struct signer s = { .o = o, .callers = *callers, .ends = *ends };
	int rc = EXIT_TROUBLE;

	TAILQ_INIT(&s.asks);
	if (!secret_take(&s.secret, o))
		return EXIT_TROUBLE;
	if (s.secret.keys != NULL)
		assay_proof_key_digest(s.key_digest, s.secret.keys);
	if (!open_signer(&s))
		log_say("out of memory");
	else if (listen(ends->listener, BACKLOG) != 0)
		log_say("attest.sock: cannot listen: %s", strerror(errno));
	else if (lockdown_signer(o) && say_ready(&s))
		rc = event_base_dispatch(s.base) < 0 ? EXIT_TROUBLE : EXIT_DONE;
	s.stopping = true;
	close_signer(&s);
	return rc;
}
