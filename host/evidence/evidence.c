/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence role: ttrpc, service aeb.AEB. docs/broker.md has its wire. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <assay/proof.h>

#include "../front/front.h"
#include "text.h"
#include "ttrpc/aeb.h"
#include "ttrpc/frame.h"
#include "ttrpc/message.h"

enum {
	CERTIFICATES_MS = 60000, /* then they are asked for again */
	AGAIN_MS = 1000,         /* between two tries that fail */
	SAY_MS = 1000,           /* of one VM's misdeeds */
	SENTENCE = 200,
	CHAIN = 3 * CERTIFICATE_SIZE,
};

struct evidence {
	struct front *front;
	struct schedule *schedule;
	uint32_t wanted; /* rises with each VM: certificates must have been asked for since */
	uint32_t serial; /* what was wanted when those that are here were asked for; 0: none */
	bool asking;
	int64_t asked_ms, got_ms;
	uint8_t chain[CHAIN]; /* CEK, PEK, OCA */
	uint8_t kind;         /* the device byte */
	char said[SENTENCE];  /* why there are none: once is enough */
};

/* One VM, and its request under way. */
struct guest {
	struct evidence *evidence;
	struct peer *peer;
	uint32_t needs;        /* certificates of this serial, or later */
	struct connection *of; /* who has asked; NULL: nobody, or gone since */
	bool asked, reported;  /* the VMM has been asked; its report is here */
	uint32_t stream;
	size_t size;
	bool bound;
	uint8_t report[REPORT_SIZE];
	int64_t said_ms;
};

/* --- answers ----------------------------------------------------------------------------- */

static void
answer_status(struct connection *c, uint32_t stream, int32_t code, const char *text)
{
	size_t len = 0;
	uint8_t *bytes =
	    ttrpc_response_write(&len, stream, code, text, (struct assay_bytes){ NULL, 0 });

	connection_answer(c, bytes, len);
}

/* Takes payload; NULL: no memory was left. */
static void
answer_payload(struct connection *c, uint32_t stream, uint8_t *payload, size_t len)
{
	size_t size = 0;
	uint8_t *bytes = payload != NULL ? ttrpc_response_write(&size, stream, TTRPC_OK, NULL,
					       (struct assay_bytes){ payload, len })
					 : NULL;

	free(payload);
	connection_answer(c, bytes, size);
}

/* The next of this VM may come. */
static void
release(struct guest *g)
{
	g->of = NULL;
	g->asked = g->reported = false;
	schedule_done(g->evidence->schedule, &g->peer->lanes[ROLE_EVIDENCE]);
	front_pump(g->evidence->front);
}

/* Ends what is under way with a status. */
static void
give_up(struct guest *g, int32_t code, const char *text)
{
	struct connection *c = g->of;
	uint32_t stream = g->stream;

	release(g);
	if (c != NULL)
		answer_status(c, stream, code, text);
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

/* --- certificates ------------------------------------------------------------------------ */

static void
ask_certificates(struct evidence *e)
{
	if (e->front->lines[PROCESS_SEV] == NULL) /* no source of them is configured */
		return;
	e->asking = true;
	e->asked_ms = front_now_ms();
	line_send(e->front->lines[PROCESS_SEV],
	    &(struct ipc_message){ .id = e->wanted, .op = LINE_CERTS });
}

/* Old ones do while newer are fetched: a firmware that is slow holds up nobody who has some. */
static void
renew_certificates(struct evidence *e, bool missing)
{
	int64_t now = front_now_ms();

	if (!e->asking && now - e->asked_ms >= AGAIN_MS &&
	    (missing || now - e->got_ms >= CERTIFICATES_MS))
		ask_certificates(e);
}

/* A PEK changes only while no guest runs, so the certificates of a VM are those after its registration. */
static bool
has_certificates(const struct guest *g)
{
	return g->evidence->serial >= g->needs;
}

static void
deliver(struct guest *g)
{
	struct evidence *e = g->evidence;
	struct connection *c = g->of;
	struct aeb_evidence out = { .len = g->size };
	uint32_t stream = g->stream;
	size_t len = 0;

	memcpy(out.bytes, g->report, REPORT_SIZE);
	memcpy(out.bytes + REPORT_SIZE, e->chain, CHAIN);
	out.bytes[AEB_EVIDENCE_SIZE] = e->kind;
	snprintf(out.binding, sizeof out.binding, "%s", g->bound ? "nonce" : "none");
	release(g);
	if (c != NULL) {
		uint8_t *payload = aeb_response_write(&len, &out);
		answer_payload(c, stream, payload, len);
	}
}

/* Each VM that has its report and waits for certificates. */
static void
after_certificates(struct evidence *e, bool there)
{
	for (struct peer *p = e->front->peers; p != NULL; p = p->next) {
		struct guest *g = p->guests[ROLE_EVIDENCE];
		if (g == NULL || !g->reported)
			continue;
		if (has_certificates(g))
			deliver(g);
		else if (!there)
			give_up(g, TTRPC_UNAVAILABLE,
			    "the platform gives no certificates; its host's log says why");
	}
}

void
evidence_certificates(struct front *f, uint32_t serial, uint64_t status, struct assay_bytes what)
{
	struct evidence *e = f->states[ROLE_EVIDENCE];
	char text[SENTENCE];

	e->asking = false;
	bool there = status == LINE_DONE && what.len == CHAIN + 1;
	if (there) {
		memcpy(e->chain, what.ptr, CHAIN);
		e->kind = what.ptr[CHAIN];
		e->serial = serial;
		e->got_ms = front_now_ms();
		e->said[0] = '\0';
	} else {
		snprintf(text, sizeof text, "%.*s",
		    (int)(what.len < sizeof text ? what.len : sizeof text - 1),
		    what.ptr != NULL ? (const char *)what.ptr : "");
		if (strcmp(text, e->said) != 0)
			log_say("no certificates: %s", text);
		memcpy(e->said, text, sizeof text);
	}
	if (e->serial != 0 && e->serial < e->wanted && there)
		ask_certificates(e);
	after_certificates(e, there);
}

/* --- requests ---------------------------------------------------------------------------- */

static void
ask_report(struct guest *g, const struct aeb_request *r, const uint8_t mnonce[MNONCE_SIZE],
    int64_t within_ms)
{
	struct evidence *e = g->evidence;
	uint8_t handle[8], within[8];
	struct ipc_message m = { .id = g->peer->id, .op = LINE_REPORT, .count = 3 };
	/* What a failed hypercall leaves, a negative number, names nobody. */
	bool named = r->handle != 0 && r->handle <= INT32_MAX;

	m.field[0] = (struct assay_bytes){ mnonce, MNONCE_SIZE };
	m.field[1] = ipc_u64(handle, named ? r->handle : 0);
	m.field[2] = ipc_u64(within, (uint64_t)within_ms);
	g->asked = line_send(e->front->lines[PROCESS_VMM], &m);
	if (!g->asked)
		give_up(g, TTRPC_UNAVAILABLE, "the broker is out of memory");
	else
		renew_certificates(e, !has_certificates(g));
}

static void
do_evidence(struct guest *g, struct connection *c, const struct ttrpc_request *t)
{
	struct evidence *e = g->evidence;
	const struct broker_options *o = e->front->options;
	uint8_t mnonce[MNONCE_SIZE];
	struct aeb_request r;
	int64_t waited = front_now_ms() - c->since_ms, within = o->deadline_ms - waited;

	g->of = c;
	if (t->timeout_ns > 0 && t->timeout_ns / 1000000 < within)
		within = t->timeout_ns / 1000000;
	if (!aeb_request_read(&r, (struct assay_bytes){ t->payload, t->len })) {
		give_up(g, TTRPC_INVALID_ARGUMENT,
		    "is no EvidenceRequest: report_data must have 64 bytes and key_digest 32, or "
		    "neither be there");
		return;
	}
	g->size = r.evidence_size != 0 ? r.evidence_size : o->evidence_size;
	if (g->size != AEB_EVIDENCE_SIZE && g->size != AEB_DEVICE_SIZE) {
		give_up(g, TTRPC_INVALID_ARGUMENT, "evidence_size must be 6460 or 6461");
		return;
	}
	g->bound = r.bound;
	if (r.bound) {
		assay_sev_mnonce(mnonce, r.report_data, r.key_digest);
	} else if (getrandom(mnonce, sizeof mnonce, 0) != (ssize_t)sizeof mnonce) {
		give_up(g, TTRPC_UNAVAILABLE, "the broker has no random numbers");
		return;
	}
	if (within <= 0)
		give_up(g, TTRPC_DEADLINE_EXCEEDED, "its turn did not come in time");
	else
		ask_report(g, &r, mnonce, within);
}

static void
do_size(struct guest *g, struct connection *c, const struct ttrpc_request *t)
{
	uint32_t handle, stream = g->stream;
	size_t len = 0;

	if (!aeb_size_request_read(&handle, (struct assay_bytes){ t->payload, t->len })) {
		g->of = c;
		give_up(g, TTRPC_INVALID_ARGUMENT, "is no SizeRequest");
		return;
	}
	release(g);
	uint8_t *payload =
	    aeb_size_response_write(&len, g->evidence->front->options->evidence_size);
	answer_payload(c, stream, payload, len);
}

static void
do_request(struct guest *g, struct connection *c, const struct ttrpc_request *t)
{
	char text[TTRPC_NAME_ROOM + 16];

	if (strcmp(t->service, AEB_SERVICE) == 0 && strcmp(t->method, AEB_SIZE) == 0) {
		do_size(g, c, t);
		return;
	}
	if (strcmp(t->service, AEB_SERVICE) == 0 && strcmp(t->method, AEB_EVIDENCE) == 0) {
		do_evidence(g, c, t);
		return;
	}
	bool known = strcmp(t->service, AEB_SERVICE) == 0;
	snprintf(text, sizeof text, "%s %s", known ? "method" : "service",
	    known ? t->method : t->service);
	g->of = c;
	give_up(g, TTRPC_UNIMPLEMENTED, text);
}

/* What containerd's server refuses before it reads the request; NULL: nothing. */
static const char *
fault_of(struct connection *c, const struct ttrpc_frame *f)
{
	if (f->stream % 2 != 1)
		return "StreamID must be odd for client initiated streams";
	if (f->type == TTRPC_DATA)
		return "StreamID is no longer active";
	if (f->type != TTRPC_REQUEST)
		return "is a message of a type that is none";
	if (f->stream <= c->stream)
		return "StreamID cannot be re-used and must increment";
	c->stream = f->stream;
	return NULL;
}

static void
request(void *role, void *guest, struct connection *c, struct assay_bytes frame, size_t size)
{
	struct guest *g = guest;
	struct ttrpc_request t;
	struct ttrpc_frame f;
	char text[SENTENCE];

	(void)role;
	ttrpc_frame_read(&f, frame.ptr);
	const char *fault = fault_of(c, &f);
	g->of = c;
	g->stream = f.stream;
	if (size - TTRPC_HEAD > TTRPC_REQUEST_MAX) {
		snprintf(text, sizeof text, "message length %u exceed maximum message size of %d",
		    f.length, TTRPC_REQUEST_MAX);
		give_up(g, TTRPC_RESOURCE_EXHAUSTED, text);
	} else if (fault != NULL) {
		give_up(g, TTRPC_INVALID_ARGUMENT, fault);
	} else if (!ttrpc_request_read(&t,
		       (struct assay_bytes){ frame.ptr + TTRPC_HEAD, frame.len - TTRPC_HEAD })) {
		give_up(g, TTRPC_INVALID_ARGUMENT, "unmarshal request error: is no ttrpc request");
	} else {
		do_request(g, c, &t);
	}
}

static void
refuse_foreign(struct guest *g)
{
	if (may_say(g))
		log_say("VM %s: names a guest handle that is not its own, and is refused",
		    g->peer->name);
	give_up(g, TTRPC_PERMISSION_DENIED, "guest_handle is not this VM's; 0 means its own");
}

void
evidence_report(struct peer *peer, uint64_t status, struct assay_bytes what)
{
	struct guest *g = peer->guests[ROLE_EVIDENCE];

	if (g == NULL || !g->asked)
		return;
	if (status == LINE_FOREIGN) {
		refuse_foreign(g);
	} else if (status == LINE_DONE && what.len == REPORT_SIZE) {
		memcpy(g->report, what.ptr, REPORT_SIZE);
		g->reported = true;
		if (has_certificates(g))
			deliver(g);
		else if (!g->evidence->asking) /* they have been refused a moment ago */
			give_up(g, TTRPC_UNAVAILABLE,
			    "the platform gives no certificates; its host's log says why");
	} else {
		if (may_say(g))
			log_say("VM %s: no report: %.*s", peer->name,
			    (int)(what.len < SENTENCE ? what.len : SENTENCE),
			    what.ptr != NULL ? (const char *)what.ptr : "");
		give_up(g, status == LINE_LATE ? TTRPC_DEADLINE_EXCEEDED : TTRPC_UNAVAILABLE,
		    "this VM's VMM gives no report; its host's log says why");
	}
}

/* --- the role ---------------------------------------------------------------------------- */

static size_t
size_of(const uint8_t *head, size_t have)
{
	struct ttrpc_frame f;

	if (have < TTRPC_HEAD)
		return 0;
	ttrpc_frame_read(&f, head);
	return TTRPC_HEAD + (size_t)f.length;
}

static void *
open_role(struct front *f, struct schedule *schedule)
{
	struct evidence *e = calloc(1, sizeof *e);

	if (e != NULL) {
		e->front = f;
		e->schedule = schedule;
		e->wanted = 1;
		ask_certificates(e); /* what is wrong with them is known at once */
	}
	return e;
}

static void
close_role(void *role)
{
	free(role);
}

static void *
meet(void *role, struct peer *peer)
{
	struct evidence *e = role;
	struct guest *g = calloc(1, sizeof *g);

	if (g == NULL)
		return NULL;
	g->evidence = e;
	g->peer = peer;
	g->needs = ++e->wanted;
	g->said_ms = -SAY_MS;
	if (!e->asking)
		ask_certificates(e);
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
	struct ttrpc_frame f;

	(void)role;
	(void)guest;
	ttrpc_frame_read(&f, frame.ptr);
	answer_status(c, f.stream, TTRPC_DEADLINE_EXCEEDED, "no evidence in time; ask again");
}

/* The VMM has been asked, and answers to nobody; until then the lane is taken. */
static void
gone(void *role, void *guest, struct connection *c)
{
	struct guest *g = guest;

	(void)role;
	if (g->of == c)
		g->of = NULL;
	if (g->reported && g->of == NULL) /* it waited for certificates alone */
		release(g);
}

const struct role role_evidence = {
	.name = "evidence",
	.head_max = TTRPC_HEAD,
	.frame_max = TTRPC_HEAD + TTRPC_REQUEST_MAX,
	.skip_max = TTRPC_HEAD + TTRPC_LENGTH_MAX,
	.size = size_of,
	.open = open_role,
	.close = close_role,
	.meet = meet,
	.part = part,
	.request = request,
	.late = late,
	.gone = gone,
};
