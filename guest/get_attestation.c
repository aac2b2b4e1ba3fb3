/* SPDX-License-Identifier: Apache-2.0 */
/* The call of the first design, on top of assay_guest_collect(); see docs/get_attestation.md. */
#define _GNU_SOURCE /* pipe2() */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NONCE = 64,
	COPY_STEP = 4096, /* an empty pipe takes so much without waiting */
	/* What a size query says. Evidence differs in length from one call to the next, and CRLs
	 * grow, so this is a bound: 128 KiB of the largest quote buffer that a kernel has, and as much
	 * for what comes along. A bundle that would be larger leaves endorsements out. */
	ANSWER_MAX = 256 * 1024,
};

/* --- the caller's memory ---------------------------------------------------------------------- */

/* A pipe moves bytes between our memory and the caller's through the kernel, which answers EFAULT
 * where a plain access would end the process. */
struct channel {
	int in, out;
};

static bool
open_channel(struct channel *c)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	*c = (struct channel){ .in = fds[0], .out = fds[1] };
	return true;
}

static void
close_channel(const struct channel *c)
{
	close(c->in);
	close(c->out);
}

/* From one memory to another; false with errno. */
static bool
copy(const struct channel *c, void *to, const void *from, size_t len)
{
	const uint8_t *source = from;
	uint8_t *target = to;

	if (len > 0 && (from == NULL || to == NULL)) { /* no arithmetic with these */
		errno = EFAULT;
		return false;
	}
	for (size_t at = 0; at < len;) {
		size_t step = len - at < COPY_STEP ? len - at : COPY_STEP;
		ssize_t n;
		do {
			n = write(c->out, source + at, step);
		} while (n < 0 && errno == EINTR);
		if (n <= 0)
			return false;
		for (size_t done = 0; done < (size_t)n;) {
			ssize_t got = read(c->in, target + at + done, (size_t)n - done);
			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				return false;
			done += (size_t)got;
		}
		at += (size_t)n;
	}
	return true;
}

/* --- the machine ------------------------------------------------------------------------------ */

static size_t
technology_of(const char *tee)
{
	static const struct {
		const char *tee;
		size_t technology;
	} rows[] = {
		{ "snp", ASSAY_TECHNOLOGY_SEV },
		{ "sev-es", ASSAY_TECHNOLOGY_SEV },
		{ "sev", ASSAY_TECHNOLOGY_SEV },
		{ "sgx", ASSAY_TECHNOLOGY_SGX },
		{ "tdx", ASSAY_TECHNOLOGY_TDX },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].tee, tee) == 0)
			return rows[i].technology;
	return ASSAY_TECHNOLOGY_OTHER;
}

static int
errno_of(enum assay_code rc)
{
	return rc == ASSAY_E_NOMEM ? ENOMEM : rc == ASSAY_E_POLICY ? EACCES : EIO;
}

/* A TEE is there if a provider is; one that is there and fails is EIO, not "no TEE". */
static int
find_technology(size_t *technology, const char **tee, const char *root)
{
	struct assay_guest_request request = { .root = root };
	struct guest_job job;
	enum assay_code rc;

	if (assay_guest_job(&job, &request, NULL) != ASSAY_OK)
		return EIO;
	if ((rc = assay_guest_find(tee, &job, NULL)) != ASSAY_OK)
		return errno_of(rc);
	*technology = *tee[0] != '\0' ? technology_of(*tee) : (size_t)ASSAY_TECHNOLOGY_NONE;
	return 0;
}

static enum assay_code
make(uint8_t **out, size_t *len, size_t *technology, const struct assay_guest_request *request)
{
	struct assay_guest_evidence *ev = NULL;
	enum assay_code rc = assay_guest_collect(&ev, request, NULL);

	if (rc == ASSAY_OK)
		rc = assay_guest_bundle(out, len, ev, NULL);
	if (rc == ASSAY_OK && *len > ANSWER_MAX) {
		free(*out);
		*out = NULL;
		guest_blob_clear(&ev->pieces[ASSAY_GUEST_COLLATERAL]);
		guest_blob_clear(&ev->pieces[ASSAY_GUEST_CERTIFICATES]);
		rc = assay_guest_bundle(out, len, ev, NULL);
	}
	if (rc == ASSAY_OK)
		*technology = technology_of(ev->tee);
	assay_guest_evidence_free(ev);
	return rc;
}

/* --- the call --------------------------------------------------------------------------------- */

/* Outputs are written last, and technology after the buffer: on failure it keeps its value. */
static int
deliver(const struct channel *c, const char *root, const void *nonce, void *buf, size_t buf_length,
    size_t *len, size_t *technology)
{
	uint8_t mine[NONCE];
	uint8_t *bundle = NULL;
	int error = 0;

	if (!copy(c, mine, nonce, sizeof mine))
		return errno;
	struct assay_guest_request request = { .report_data = { mine, sizeof mine }, .root = root };
	enum assay_code rc = make(&bundle, len, technology, &request);
	if (rc != ASSAY_OK)
		error = errno_of(rc);
	else if (*len > buf_length)
		error = *len > ANSWER_MAX ? EIO : EMSGSIZE;
	else if (!copy(c, buf, bundle, *len))
		error = errno;
	free(bundle);
	return error;
}

/*
 * Legacy SEV has no evidence of its own in the first design: what the owner injected is handed over, to
 * those whom the agent's configuration lists, and the nonce has no meaning. A key that signs no proofs is
 * handed over too: that guest has no evidence, and it is the key that shows the technology. *no_keys: the
 * agent keeps to the rules of the shipped binaries, under which every TEE answers the nonce.
 */
static int
deliver_key(const struct channel *c, const char *root, void *buf, size_t buf_length, size_t *len,
    size_t *technology, bool *no_keys)
{
	struct assay_guest_request request = { .root = root };
	struct guest_job job;
	struct guest_blob room = { NULL, 0 };
	struct attest_answer answer = { .status = ATTEST_FAILED };
	int error = 0;

	if (assay_guest_job(&job, &request, NULL) != ASSAY_OK)
		return EIO;
	enum assay_code rc = assay_attest_ask(&room, &answer, ATTEST_OP_KEY, &job, NULL);
	*no_keys = answer.status == ATTEST_NO_KEYS;
	if (rc == ASSAY_E_UNSUPPORTED && *technology == ASSAY_TECHNOLOGY_NONE)
		return 0;
	if (rc != ASSAY_OK)
		return errno_of(rc);
	*technology = ASSAY_TECHNOLOGY_SEV;
	*len = answer.first.len;
	if (buf != NULL && buf_length > SSIZE_MAX)
		error = EINVAL;
	else if (buf != NULL && *len > buf_length)
		error = EMSGSIZE;
	else if (buf != NULL && !copy(c, buf, answer.first.ptr, *len))
		error = errno;
	explicit_bzero(room.ptr, room.len);
	guest_blob_clear(&room);
	return error;
}

static int
attest(const struct channel *c, const char *root, const void *nonce, size_t nonce_length, void *buf,
    size_t buf_length, size_t *len, size_t *technology)
{
	const char *tee = "";
	bool no_keys = false;
	int error = find_technology(technology, &tee, root);

	*len = 0;
	if (error != 0)
		return error;
	if (tee[0] == '\0' || strcmp(tee, "sev-es") == 0 || strcmp(tee, "sev") == 0) {
		error = deliver_key(c, root, buf, buf_length, len, technology, &no_keys);
		if (!no_keys || tee[0] == '\0')
			return error;
	}
	if (buf == NULL) {
		*len = ANSWER_MAX;
		return 0;
	}
	if (buf_length > SSIZE_MAX || nonce_length != NONCE)
		return EINVAL;
	return deliver(c, root, nonce, buf, buf_length, len, technology);
}

ssize_t
assay_guest_attestation(const char *root, void *nonce, size_t nonce_length, void *buf,
    size_t buf_length, size_t *technology)
{
	struct channel c;
	size_t len = 0, found = 0, before;
	int error = 0;

	if (!open_channel(&c))
		return -1; /* EMFILE, ENFILE */
	/* Seen before anything is done: a call that cannot say its answer does nothing. */
	if (!copy(&c, &before, technology, sizeof before))
		error = errno;
	if (error == 0)
		error = attest(&c, root, nonce, nonce_length, buf, buf_length, &len, &found);
	if (error == 0 && !copy(&c, technology, &found, sizeof found))
		error = errno;
	close_channel(&c);
	if (error != 0) {
		errno = error;
		return -1;
	}
	return (ssize_t)len;
}

ssize_t
get_attestation(void *nonce, size_t nonce_length, void *buf, size_t buf_length, size_t *technology)
{
	return assay_guest_attestation(NULL, nonce, nonce_length, buf, buf_length, technology);
}
