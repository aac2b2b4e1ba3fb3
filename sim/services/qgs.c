/* SPDX-License-Identifier: Apache-2.0 */
#include "services/qgs.h"

#include "platforms/machine.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	MAJOR = 1,
	MINOR = 1, /* what we speak; an older client gets its own */
	QE_ID = 16,
	LIMIT_MS = 30000,
	BLOBS = 7,
	REPORT_TYPE_TDX = 0x81, /* the first byte of a TDREPORT: REPORTMACSTRUCT.TYPE */
};

/* --- numbers -------------------------------------------------------------------------------- */

static uint16_t
u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t
u32be(const uint8_t *p)
{
	return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

/* --- requests ------------------------------------------------------------------------------- */

/* Two sizes, then exactly the bytes they tell. */
static bool
take_pair(const uint8_t *message, size_t len, const uint8_t **a, uint32_t *a_len, const uint8_t **b,
    uint32_t *b_len)
{
	const size_t start = SIM_QGS_HEADER + 8;

	if (len < start)
		return false;
	*a_len = u32(message + SIM_QGS_HEADER);
	*b_len = u32(message + SIM_QGS_HEADER + 4);
	if (*a_len > len - start || *b_len != len - start - *a_len)
		return false;
	*a = message + start;
	*b = message + start + *a_len;
	return true;
}

static enum sim_qgs_error
parse_quote(struct sim_qgs_request *out, const uint8_t *message, size_t len)
{
	uint32_t report_len;

	if (!take_pair(message, len, &out->report, &report_len, &out->ids, &out->ids_len))
		return SIM_QGS_SIZE;
	if (report_len != SIM_QGS_REPORT || out->ids_len % QE_ID != 0)
		return SIM_QGS_PARAMETER;
	return SIM_QGS_OK;
}

static enum sim_qgs_error
parse_collateral(struct sim_qgs_request *out, const uint8_t *message, size_t len)
{
	if (!take_pair(message, len, &out->fmspc, &out->fmspc_len, &out->ca, &out->ca_len))
		return SIM_QGS_SIZE;
	if ((out->fmspc_len != 6 && out->fmspc_len != SIM_QGS_FMSPC_MAX) || out->ca_len == 0 ||
	    out->ca_len > SIM_QGS_CA_MAX)
		return SIM_QGS_PARAMETER;
	return SIM_QGS_OK;
}

enum sim_qgs_error
sim_qgs_request_parse(struct sim_qgs_request *out, const uint8_t *message, size_t len)
{
	*out = (struct sim_qgs_request){ .minor = MINOR, .type = SIM_QGS_QUOTE };
	if (len < SIM_QGS_HEADER)
		return SIM_QGS_SIZE;
	uint32_t type = u32(message + 4);
	if (u16(message + 2) < MINOR)
		out->minor = u16(message + 2);
	if (type == SIM_QGS_COLLATERAL || type == SIM_QGS_PLATFORM)
		out->type = type;
	if (u16(message) != MAJOR)
		return SIM_QGS_VERSION;
	if (type != out->type)
		return SIM_QGS_TYPE;
	if (u32(message + 8) != len)
		return SIM_QGS_SIZE;
	if (u32(message + 12) != 0)
		return SIM_QGS_CODE;
	if (type == SIM_QGS_QUOTE)
		return parse_quote(out, message, len);
	if (type == SIM_QGS_COLLATERAL)
		return parse_collateral(out, message, len);
	return len == SIM_QGS_HEADER ? SIM_QGS_OK : SIM_QGS_SIZE;
}

/* --- answers -------------------------------------------------------------------------------- */

struct answer {
	uint8_t *ptr;
	size_t len;
	bool failed; /* out of memory */
};

static void
put(struct answer *a, const void *bytes, size_t n)
{
	uint8_t *more = a->failed ? NULL : realloc(a->ptr, a->len + n + 1);

	if (more == NULL) {
		a->failed = true;
		return;
	}
	a->ptr = more;
	if (n > 0)
		memcpy(a->ptr + a->len, bytes, n);
	a->len += n;
}

static void
put_u16(struct answer *a, uint16_t v)
{
	put(a, (const uint8_t[]){ (uint8_t)v, (uint8_t)(v >> 8) }, 2);
}

static void
put_u32(struct answer *a, uint32_t v)
{
	put(a, (const uint8_t[]){ v & 255, v >> 8 & 255, v >> 16 & 255, (uint8_t)(v >> 24) }, 4);
}

/* The size is written by finish(). */
static void
put_header(struct answer *a, const struct sim_qgs_request *q, enum sim_qgs_error code)
{
	put_u16(a, MAJOR);
	put_u16(a, q->minor);
	put_u32(a, q->type + 1);
	put_u32(a, 0);
	put_u32(a, (uint32_t)code);
}

static uint8_t *
finish(struct answer *a, size_t *len)
{
	if (a->failed) {
		free(a->ptr);
		return NULL;
	}
	for (size_t i = 0; i < 4; i++)
		a->ptr[8 + i] = (uint8_t)(a->len >> 8 * i);
	*len = a->len;
	return a->ptr;
}

/* The fixed part of the answer, with the code and sizes of zero. */
static void
put_refusal(struct answer *a, const struct sim_qgs_request *q, enum sim_qgs_error code)
{
	static const uint8_t zero[4 * BLOBS];

	put_header(a, q, code);
	if (q->type == SIM_QGS_QUOTE) {
		put(a, zero, 8);
	} else if (q->type == SIM_QGS_PLATFORM) {
		put(a, zero, 12);
	} else {
		if (q->minor >= 1)
			put(a, zero, 4);
		put(a, zero, sizeof zero);
	}
}

static enum sim_qgs_error
error_of(int rc)
{
	return rc == -ENOMEM                  ? SIM_QGS_NO_MEMORY
	    : rc == -EBADMSG || rc == -EINVAL ? SIM_QGS_PARAMETER
					      : SIM_QGS_UNEXPECTED;
}

/* Our QE is the one that the client picked, or it left the choice to us. */
static bool
offers_our_qe(struct sim_machine *m, const struct sim_qgs_request *q)
{
	struct sim_identity id;

	sim_machine_identity(m, &id);
	for (uint32_t i = 0; i < q->ids_len; i += QE_ID)
		if (memcmp(q->ids + i, id.qe_id, QE_ID) == 0)
			return true;
	return q->ids_len == 0;
}

static void
answer_quote(struct answer *a, struct sim_machine *m, const struct sim_qgs_request *q)
{
	uint8_t *quote = NULL;
	size_t len = 0;
	enum sim_qgs_error code = SIM_QGS_PARAMETER;

	if (offers_our_qe(m, q)) {
		int rc = sim_machine_td_quote(m, q->report, &quote, &len);
		code = rc == 0 ? SIM_QGS_OK : error_of(rc);
	}
	if (code != SIM_QGS_OK) {
		put_refusal(a, q, code);
		return;
	}
	uint32_t id_len = q->ids_len > 0 ? QE_ID : 0;
	struct sim_identity id;
	sim_machine_identity(m, &id);
	put_header(a, q, SIM_QGS_OK);
	put_u32(a, id_len);
	put_u32(a, (uint32_t)len);
	put(a, id.qe_id, id_len);
	put(a, quote, len);
	free(quote);
}

static bool
same_fmspc(const struct sim_qgs_request *q, const uint8_t fmspc[6])
{
	static const uint8_t digits[] = "0123456789abcdef";

	if (q->fmspc_len == 6)
		return memcmp(q->fmspc, fmspc, 6) == 0;
	for (size_t i = 0; i < SIM_QGS_FMSPC_MAX; i++) {
		uint8_t c = q->fmspc[i];
		if (c >= 'A' && c <= 'F')
			c = (uint8_t)(c - 'A' + 'a');
		if (c != digits[fmspc[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15])
			return false;
	}
	return true;
}

static bool
same_ca(const struct sim_qgs_request *q, const char *ca)
{
	size_t len = q->ca_len;

	if (q->ca[len - 1] == 0)
		len--;
	return len == strlen(ca) && memcmp(q->ca, ca, len) == 0;
}

/* The CRLs in DER as version 3.1 has them, texts with their NUL. A client of before that cannot be
 * told a version, and gets the hex of version 3.0. */
static void
answer_collateral(struct answer *a, struct sim_machine *m, const struct sim_qgs_request *q)
{
	static const struct {
		const char *name;
		bool crl;
	} blobs[BLOBS] = { { "pck_crl_chain.pem", false }, { "root_ca_crl.der", true },
		{ "pck_crl.der", true }, { "tcb_signing_chain.pem", false },
		{ "tcb_info.json", false }, { "tcb_signing_chain.pem", false },
		{ "qe_identity.json", false } };
	struct answer data[BLOBS] = { { NULL, 0, false } };
	enum sim_qgs_error code = SIM_QGS_OK;
	struct sim_identity id;
	bool hex = q->minor < 1;

	sim_machine_identity(m, &id);
	if (!same_fmspc(q, id.fmspc) || id.ca == NULL || !same_ca(q, id.ca))
		code = SIM_QGS_PARAMETER;
	for (size_t i = 0; i < BLOBS && code == SIM_QGS_OK; i++) {
		uint8_t *bytes = NULL;
		size_t len = 0;
		int rc = sim_machine_collateral(m, blobs[i].name, &bytes, &len);
		if (rc != 0)
			code = error_of(rc);
		for (size_t k = 0; rc == 0 && hex && blobs[i].crl && k < len; k++)
			put(&data[i],
			    (const char[]){ "0123456789abcdef"[bytes[k] >> 4],
				"0123456789abcdef"[bytes[k] & 15] },
			    2);
		if (rc == 0 && !(hex && blobs[i].crl))
			put(&data[i], bytes, len);
		if (!blobs[i].crl || hex)
			put(&data[i], "", 1);
		free(bytes);
		if (code == SIM_QGS_OK && data[i].failed)
			code = SIM_QGS_NO_MEMORY;
	}
	if (code == SIM_QGS_OK) {
		put_header(a, q, SIM_QGS_OK);
		if (!hex) {
			put_u16(a, 3);
			put_u16(a, 1);
		}
		for (size_t i = 0; i < BLOBS; i++)
			put_u32(a, (uint32_t)data[i].len);
		for (size_t i = 0; i < BLOBS; i++)
			put(a, data[i].ptr, data[i].len);
	} else {
		put_refusal(a, q, code);
	}
	for (size_t i = 0; i < BLOBS; i++)
		free(data[i].ptr);
}

static void
answer_platform(struct answer *a, struct sim_machine *m, const struct sim_qgs_request *q)
{
	struct sim_identity id;

	sim_machine_identity(m, &id);
	put_header(a, q, SIM_QGS_OK);
	put_u16(a, id.qe_svn);
	put_u16(a, id.pce_svn);
	put_u32(a, sizeof id.qe_id);
	put_u32(a, sizeof id.cpu_svn);
	put(a, id.qe_id, sizeof id.qe_id);
	put(a, id.cpu_svn, sizeof id.cpu_svn);
}

uint8_t *
sim_qgs_answer(struct sim_machine *m, const uint8_t *message, size_t len, size_t *out_len)
{
	struct sim_qgs_request q;
	struct answer a = { NULL, 0, false };
	enum sim_qgs_error code = sim_qgs_request_parse(&q, message, len);

	if (code != SIM_QGS_OK)
		put_refusal(&a, &q, code);
	else if (q.type == SIM_QGS_QUOTE)
		answer_quote(&a, m, &q);
	else if (q.type == SIM_QGS_COLLATERAL)
		answer_collateral(&a, m, &q);
	else
		answer_platform(&a, m, &q);
	return finish(&a, out_len);
}

/* --- a connection --------------------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = until - now_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int
read_all(int fd, uint8_t *to, size_t len, int64_t until)
{
	while (len > 0) {
		int rc = wait_for(fd, POLLIN, until);
		if (rc != 0)
			return rc;
		ssize_t n = recv(fd, to, len, MSG_DONTWAIT);
		if (n == 0)
			return -EPROTO;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			to += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
write_all(int fd, const uint8_t *from, size_t len, int64_t until)
{
	while (len > 0) {
		int rc = wait_for(fd, POLLOUT, until);
		if (rc != 0)
			return rc;
		ssize_t n = send(fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			from += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
send_framed(int fd, const uint8_t *answer, size_t len, int64_t until)
{
	uint8_t prefix[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len };
	int rc = write_all(fd, prefix, sizeof prefix, until);

	return rc != 0 ? rc : write_all(fd, answer, len, until);
}

static int
serve_framed(struct sim_machine *m, int fd, size_t len, int64_t until)
{
	uint8_t message[SIM_QGS_REQUEST_MAX];
	uint8_t *answer;
	size_t answer_len = 0;

	if (len > sizeof message) {
		/* What follows is not read: it could be any amount. */
		struct sim_qgs_request q = { .minor = MINOR, .type = SIM_QGS_QUOTE };
		struct answer a = { NULL, 0, false };
		put_refusal(&a, &q, SIM_QGS_SIZE);
		answer = finish(&a, &answer_len);
	} else {
		int rc = read_all(fd, message, len, until);
		if (rc != 0)
			return rc;
		answer = sim_qgs_answer(m, message, len, &answer_len);
	}
	if (answer == NULL)
		return -ENOMEM;
	int rc = send_framed(fd, answer, answer_len, until);
	free(answer);
	return rc;
}

/* There is no frame in which an error could be told: the client finds the connection closed. */
static int
serve_raw(struct sim_machine *m, int fd, const uint8_t begin[4], int64_t until)
{
	uint8_t report[SIM_QGS_REPORT];
	uint8_t *quote;
	size_t len;

	memcpy(report, begin, 4);
	int rc = read_all(fd, report + 4, sizeof report - 4, until);
	if (rc == 0)
		rc = sim_machine_td_quote(m, report, &quote, &len);
	if (rc != 0)
		return rc;
	rc = write_all(fd, quote, len, until);
	free(quote);
	return rc;
}

int
sim_qgs_serve_for(struct sim_machine *m, int fd, int limit_ms)
{
	int64_t until = now_ms() + limit_ms;
	uint8_t begin[4];
	int rc = read_all(fd, begin, sizeof begin, until);

	/* No length begins with the type byte of a TDREPORT: it would be two gigabytes. */
	if (rc == 0)
		rc = begin[0] == REPORT_TYPE_TDX ? serve_raw(m, fd, begin, until)
						 : serve_framed(m, fd, u32be(begin), until);
	/* Bytes left unread would make close() throw the answer away. */
	shutdown(fd, SHUT_WR);
	uint8_t rest[512];
	for (int i = 0; i < 64 && recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0; i++)
		;
	close(fd);
	return rc;
}

int
sim_qgs_serve_connection(struct sim_machine *m, int fd)
{
	return sim_qgs_serve_for(m, fd, LIMIT_MS);
}
