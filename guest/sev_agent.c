/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEV and SEV-ES: the report comes from the host, and what makes it this guest's is a proof under the key
 * that its owner injected. assay-agentd has that key and speaks to the host; it is asked over its
 * socket, docs/agent.md.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUSY_MS = 10 };

/* --- the socket ------------------------------------------------------------------------------ */

/* 0 or an errno, as everything here. */
static int
wait_for(int fd, short events, const struct guest_job *job)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = 0;

	do {
		int64_t left = job->deadline - guest_now_ms();
		if (left <= 0)
			return ETIMEDOUT;
		n = poll(&p, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? errno : n == 0 ? ETIMEDOUT : 0;
}

static int
connect_to(int *fd, const struct guest_job *job)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int n = snprintf(name.sun_path, sizeof name.sun_path, "%s" ATTEST_SOCKET, job->root);

	if (n < 0 || (size_t)n >= sizeof name.sun_path)
		return ENAMETOOLONG;
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return errno;
	int error = 0;
	do { /* EAGAIN: more callers than the socket's queue takes */
		error = connect(s, (const struct sockaddr *)&name, sizeof name) == 0 ? 0 : errno;
	} while (error == EINTR || (error == EAGAIN && guest_pause(job, BUSY_MS)));
	if (error != 0)
		close(s);
	else
		*fd = s;
	return error;
}

static int
transmit(int fd, const uint8_t *request, const struct guest_job *job)
{
	for (;;) {
		ssize_t n = send(fd, request, ATTEST_REQUEST, MSG_NOSIGNAL);
		if (n >= 0)
			return 0; /* packets go whole */
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		int error = wait_for(fd, POLLOUT, job);
		if (error != 0)
			return error;
	}
}

static int
receive(struct guest_blob *out, int fd, const struct guest_job *job)
{
	for (;;) {
		ssize_t n = recv(fd, out->ptr, ATTEST_ANSWER_MAX, 0);
		if (n >= 0) {
			out->len = (size_t)n;
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		int error = wait_for(fd, POLLIN, job);
		if (error != 0)
			return error;
	}
}

static enum assay_code
explain(struct assay_error *err, int error)
{
	if (error == ECONNREFUSED)
		return assay_fail(err, ASSAY_E_IO,
		    ATTEST_SOCKET
		    ": nobody answers there any more; see what became of assay-agentd");
	if (error == ETIMEDOUT)
		return assay_fail(err, ASSAY_E_IO,
		    ATTEST_SOCKET ": assay-agentd did not answer in time; its journal says why");
	if (error == ENOENT)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    ATTEST_SOCKET
		    ": is not there; this is no SEV guest, or no assay-agentd runs in it");
	return guest_fail_errno(err, error, ATTEST_SOCKET);
}

/* --- one question ---------------------------------------------------------------------------- */

/* The code that goes with a refusal, and its sentence. */
static enum assay_code
refusal(struct assay_error *err, const struct attest_answer *a)
{
	enum assay_code code = a->status == ATTEST_REFUSED ? ASSAY_E_POLICY
	    : a->status == ATTEST_ABSENT                   ? ASSAY_E_UNSUPPORTED
							   : ASSAY_E_IO;
	char text[ATTEST_SENTENCE + 1];

	for (size_t i = 0; i < a->first.len; i++)
		text[i] =
		    a->first.ptr[i] >= 0x20 && a->first.ptr[i] < 0x7f ? (char)a->first.ptr[i] : '?';
	text[a->first.len] = '\0';
	return assay_fail(err, code, "assay-agentd: %.220s", text);
}

enum assay_code
assay_attest_ask(struct guest_blob *room, struct attest_answer *answer, enum attest_op op,
    const struct guest_job *job, struct assay_error *err)
{
	uint8_t request[ATTEST_REQUEST];
	int fd = -1;
	struct guest_blob b = { malloc(ATTEST_ANSWER_MAX), 0 };
	enum assay_code rc;

	if (b.ptr == NULL)
		return assay_fail_nomem(err);
	assay_attest_request_write(request, op, op == ATTEST_OP_EVIDENCE ? job->report_data : NULL);
	int error = connect_to(&fd, job);
	if (error == 0) {
		if ((error = transmit(fd, request, job)) == 0)
			error = receive(&b, fd, job);
		close(fd);
	}
	if (error != 0)
		rc = explain(err, error);
	else if (b.len == 0)
		rc = assay_fail(err, ASSAY_E_IO,
		    ATTEST_SOCKET ": closed without an answer; see what became of assay-agentd");
	else
		rc = assay_attest_answer_parse(answer, op, guest_bytes(&b), err);
	if (rc == ASSAY_OK && answer->status != ATTEST_OK)
		rc = refusal(err, answer);
	if (rc != ASSAY_OK) {
		explicit_bzero(b.ptr, ATTEST_ANSWER_MAX);
		guest_blob_clear(&b);
		answer->first = answer->proof = (struct assay_bytes){ NULL, 0 };
		return rc;
	}
	*room = b;
	return ASSAY_OK;
}

/* --- the two providers ----------------------------------------------------------------------- */

static const char *
tee_name(enum attest_tee tee)
{
	return tee == ATTEST_TEE_SEV_ES ? "sev-es" : "sev";
}

static enum assay_code
is_this(enum attest_tee tee, const struct guest_job *job, struct assay_error *err)
{
	struct guest_blob room = { NULL, 0 };
	struct attest_answer answer = { .status = ATTEST_FAILED };
	enum assay_code rc = assay_attest_ask(&room, &answer, ATTEST_OP_TEE, job, err);

	guest_blob_clear(&room);
	if (rc == ASSAY_OK && answer.tee != tee)
		return assay_fail(
		    err, ASSAY_E_UNSUPPORTED, "assay-agentd: this is %s", tee_name(answer.tee));
	return rc;
}

static enum assay_code
probe(enum attest_tee tee, const char **name, const struct guest_job *job, struct assay_error *err)
{
	enum assay_code rc = is_this(tee, job, err);

	if (rc != ASSAY_OK)
		return rc;
	*name = tee_name(tee);
	assay_fail(err, ASSAY_OK, ATTEST_SOCKET ": assay-agentd has the injected key");
	return ASSAY_OK;
}

/* The agent has compared MNONCE with the report data before it signed. */
static enum assay_code
collect(enum attest_tee tee, struct assay_guest_evidence *ev, const struct guest_job *job,
    struct assay_error *err)
{
	struct guest_blob room = { NULL, 0 };
	struct attest_answer answer = { .status = ATTEST_FAILED };
	enum assay_code rc = is_this(tee, job, err);

	if (rc != ASSAY_OK)
		return rc;
	if ((rc = assay_attest_ask(&room, &answer, ATTEST_OP_EVIDENCE, job, err)) != ASSAY_OK)
		return rc;
	if (!guest_copy(&ev->pieces[ASSAY_GUEST_EVIDENCE], answer.first) ||
	    !guest_copy(&ev->pieces[ASSAY_GUEST_PROOF], answer.proof))
		rc = assay_fail_nomem(err);
	guest_blob_clear(&room);
	ev->tee = tee_name(answer.tee);
	snprintf(ev->maker, sizeof ev->maker, "sev-agent");
	return rc;
}

static enum assay_code
probe_sev(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	return probe(ATTEST_TEE_SEV, tee, job, err);
}

static enum assay_code
probe_sev_es(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	return probe(ATTEST_TEE_SEV_ES, tee, job, err);
}

static enum assay_code
collect_sev(struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	return collect(ATTEST_TEE_SEV, ev, job, err);
}

static enum assay_code
collect_sev_es(
    struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	return collect(ATTEST_TEE_SEV_ES, ev, job, err);
}

const struct guest_provider guest_sev = {
	.name = "sev",
	.probe = probe_sev,
	.collect = collect_sev,
};

const struct guest_provider guest_sev_es = {
	.name = "sev-es",
	.probe = probe_sev_es,
	.collect = collect_sev_es,
};
