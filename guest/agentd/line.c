/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lockdown.h"
#include "text.h"
#include "ttrpc/client.h"

enum { EXIT_DONE = 0, EXIT_TROUBLE = 4 };

struct line {
	const struct agent_options *o;
	int broker;      /* -1: not connected */
	uint32_t stream; /* of the next request on this connection */
};

static void
hang_up(struct line *l)
{
	if (l->broker >= 0)
		close(l->broker);
	l->broker = -1;
	l->stream = 1;
}

static enum assay_code
call(struct aeb_evidence *out, struct line *l, const struct aeb_request *request,
    struct assay_error *err)
{
	int ms = (int)l->o->broker_timeout_s * 1000;

	if (l->broker < 0 && (l->broker = ttrpc_connect(l->o->broker, ms, err)) < 0)
		return ASSAY_E_IO;
	enum assay_code rc = aeb_call(out, l->broker, l->stream, request, ms, err);
	l->stream += 2;
	/* Whatever went wrong, a later answer must not be taken for that to another request. */
	if (rc != ASSAY_OK || l->stream > INT32_MAX)
		hang_up(l);
	return rc;
}

/* A broker that was started anew has closed the connection: that is seen when it is used. */
static enum assay_code
ask(struct aeb_evidence *out, struct line *l, const struct aeb_request *request,
    struct assay_error *err)
{
	bool used = l->broker >= 0;
	char byte;

	if (used && recv(l->broker, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		hang_up(l); /* closed, or it speaks unasked */
	return call(out, l, request, err);
}

static void
answer(struct line_answer *a, struct line *l, const struct line_question *q)
{
	struct aeb_request request = { .evidence_size = AEB_EVIDENCE_SIZE, .bound = true };
	struct aeb_evidence evidence = { .len = 0 };
	struct assay_error err = { .text = "" };

	memset(a, 0, sizeof *a);
	a->id = q->id;
	memcpy(request.report_data, q->report_data, sizeof request.report_data);
	memcpy(request.key_digest, q->key_digest, sizeof request.key_digest);
	if (ask(&evidence, l, &request, &err) != ASSAY_OK) {
		snprintf(a->why, sizeof a->why, "%.*s", LINE_WHY - 1, err.text);
	} else if (evidence.len != sizeof a->evidence) {
		snprintf(a->why, sizeof a->why, "broker: its evidence is %zu bytes, want %d",
		    evidence.len, ATTEST_EVIDENCE);
	} else {
		memcpy(a->evidence, evidence.bytes, sizeof a->evidence);
		a->bound = strcmp(evidence.binding, "nonce") == 0;
		a->ok = true;
	}
}

int
line_run(const struct agent_options *o, int signer)
{
	struct line l = { .o = o, .broker = -1, .stream = 1 };
	struct line_question q;
	static struct line_answer a;

	if (!lockdown_line(o))
		return EXIT_TROUBLE;
	for (;;) {
		ssize_t n = recv(signer, &q, sizeof q, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof q)
			break; /* the signer has ended */
		answer(&a, &l, &q);
		if (send(signer, &a, sizeof a, MSG_NOSIGNAL) != sizeof a)
			break;
	}
	hang_up(&l);
	return EXIT_DONE;
}
