/* SPDX-License-Identifier: Apache-2.0 */
#include "collector.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"
#include "job.h"
#include "lockdown.h"
#include "text.h"

enum { HERE = 0 }; /* beside the forms */

/* Both are of one program, and a structure is as long for one as for the other. */
struct question {
	uint32_t what; /* HERE, or a form */
	uint32_t data_len;
	uint8_t data[ASSAY_GUEST_REPORT_DATA];
	uint32_t endorsements;
	int32_t timeout_ms;
	char tee[sizeof(((struct collector *)0)->tee)]; /* "": any */
};

struct head {
	uint32_t code; /* enum assay_code; a sentence follows if it is not ASSAY_OK */
	uint32_t len;
};

/* --- the line ---------------------------------------------------------------------------- */

static bool
say(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
hear(int fd, void *bytes, size_t len)
{
	uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* --- its process ------------------------------------------------------------------------- */

static bool
answer(int fd, enum assay_code code, const void *bytes, size_t len)
{
	const struct head head = { .code = (uint32_t)code, .len = (uint32_t)len };

	return say(fd, &head, sizeof head) && say(fd, bytes, len);
}

static enum assay_code
make(char **out, size_t *len, uint32_t form, const struct assay_guest_request *request,
    struct assay_error *err)
{
	struct assay_guest_evidence *ev = NULL;
	uint8_t *bundle = NULL;
	enum assay_code rc = guest_collect(&ev, request, err);

	if (rc == ASSAY_OK && form == COLLECTOR_BUNDLE) {
		rc = assay_guest_bundle(&bundle, len, ev, err);
		*out = (char *)bundle;
	} else if (rc == ASSAY_OK && (rc = guest_coco(out, ev, err)) == ASSAY_OK) {
		*len = strlen(*out);
	}
	assay_guest_evidence_free(ev);
	return rc;
}

static bool
serve(int fd, struct question *q, const struct agent_options *o)
{
	struct assay_error err = { .text = "" };
	char *out = NULL;
	const char *tee = "";
	size_t len = 0;
	enum assay_code rc;

	q->tee[sizeof q->tee - 1] = '\0';
	const struct assay_guest_request request = {
		.report_data = { q->data,
		    q->data_len <= sizeof q->data ? q->data_len : sizeof q->data },
		.eventlog = true,
		.endorsements = (enum assay_guest_endorsements)q->endorsements,
		.tee = q->tee[0] != '\0' ? q->tee : NULL,
		.provider = o->provider,
		.timeout_ms = q->timeout_ms,
	};
	if (q->what == HERE) {
		rc = assay_guest_here(&tee, &request, &err);
		len = strlen(tee);
	} else {
		rc = make(&out, &len, q->what, &request, &err);
	}
	bool ok = rc == ASSAY_OK ? answer(fd, rc, q->what == HERE ? tee : out, len)
				 : answer(fd, rc, err.text, strlen(err.text));
	free(out);
	return ok;
}

static _Noreturn void
run(int fd, const struct agent_options *o, pid_t job)
{
	struct question q;

	prctl(PR_SET_NAME, "agentd-evidence");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == job && lockdown_collector())
		while (hear(fd, &q, sizeof q) && serve(fd, &q, o))
			continue;
	_exit(0);
}

/* --- the job's side ---------------------------------------------------------------------- */

bool
collector_start(struct collector *c, const struct agent_options *o)
{
	const pid_t us = getpid();
	int pair[2];

	*c = (struct collector){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		run(pair[1], o, us);
	}
	close(pair[1]);
	if (pid > 0)
		c->fd = pair[0];
	else
		close(pair[0]);
	return pid > 0;
}

static enum assay_code
ask(struct collector *c, char **out, size_t *len, const struct question *q, struct assay_error *err)
{
	struct head head;
	char *bytes = NULL;
	bool ok = say(c->fd, q, sizeof *q) && hear(c->fd, &head, sizeof head) &&
	    head.len <= JOB_ANSWER_MAX && (bytes = malloc(head.len + 1)) != NULL &&
	    hear(c->fd, bytes, head.len);

	if (!ok) {
		free(bytes);
		return text_fail(err, ASSAY_E_IO,
		    "the process that collects evidence gives none; the agent's journal says why");
	}
	bytes[head.len] = '\0';
	if (head.code == ASSAY_OK) {
		*out = bytes;
		*len = head.len;
		return ASSAY_OK;
	}
	text_fail(err, (enum assay_code)head.code, "%s", bytes);
	free(bytes);
	return err->code;
}

enum assay_code
collector_here(struct collector *c, const char **tee, int timeout_ms, struct assay_error *err)
{
	const struct question q = { .what = HERE, .timeout_ms = timeout_ms };
	char *name = NULL;
	size_t len;
	enum assay_code rc = ask(c, &name, &len, &q, err);

	if (rc == ASSAY_OK) {
		snprintf(c->tee, sizeof c->tee, "%s", name);
		*tee = c->tee;
	}
	free(name);
	return rc;
}

enum assay_code
collector_make(struct collector *c, char **out, size_t *len, enum collector_form form,
    const struct assay_guest_request *request, struct assay_error *err)
{
	struct question q = {
		.what = form,
		.data_len = (uint32_t)request->report_data.len,
		.endorsements = request->endorsements,
		.timeout_ms = request->timeout_ms,
	};

	if (request->report_data.len > sizeof q.data)
		return text_fail(err, ASSAY_E_USAGE, "report data is more than 64 bytes");
	memcpy(q.data, request->report_data.ptr, request->report_data.len);
	snprintf(q.tee, sizeof q.tee, "%s", request->tee != NULL ? request->tee : "");
	return ask(c, out, len, &q, err);
}
