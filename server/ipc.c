/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	LENGTH = 4,
	HEAD = 12,
	FIELD = 4,
	NUMBER = 8,
	READ_SIZE = 64 * 1024,
	QUEUE_KEPT = 256 * 1024, /* of an empty queue's memory */
};

static uint64_t
get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static uint8_t *
put(uint8_t *p, size_t n, uint64_t v)
{
	for (; n > 0; n--, v >>= 8)
		*p++ = (uint8_t)v;
	return p;
}

size_t
ipc_size(struct assay_bytes in)
{
	size_t n;

	if (in.len < LENGTH)
		return 0;
	n = (size_t)get(in.ptr, LENGTH);
	return n < HEAD - LENGTH || n > IPC_MESSAGE_MAX - LENGTH ? SIZE_MAX : n + LENGTH;
}

bool
ipc_read(struct ipc_message *m, struct assay_bytes in)
{
	size_t at = HEAD;
	struct ipc_message out;

	if (in.len < HEAD || ipc_size(in) != in.len)
		return false;
	out.id = (uint32_t)get(in.ptr + 4, 4);
	out.op = (uint16_t)get(in.ptr + 8, 2);
	out.count = (uint16_t)get(in.ptr + 10, 2);
	if (out.count > IPC_FIELDS_MAX)
		return false;
	for (size_t i = 0; i < IPC_FIELDS_MAX; i++)
		out.field[i] = (struct assay_bytes){ NULL, 0 };
	for (size_t i = 0; i < out.count; i++) {
		size_t n;
		if (in.len - at < FIELD)
			return false;
		n = (size_t)get(in.ptr + at, FIELD);
		at += FIELD;
		if (n > in.len - at)
			return false;
		out.field[i] = (struct assay_bytes){ in.ptr + at, n };
		at += n;
	}
	if (at != in.len)
		return false;
	*m = out;
	return true;
}

/* 0: too long, or too many fields. */
static size_t
size_of(const struct ipc_message *m)
{
	size_t size = HEAD;

	if (m->count > IPC_FIELDS_MAX)
		return 0;
	for (size_t i = 0; i < m->count; i++) {
		if (m->field[i].len > IPC_MESSAGE_MAX - size - FIELD)
			return 0;
		size += FIELD + m->field[i].len;
	}
	return size;
}

static void
put_message(uint8_t *p, size_t size, const struct ipc_message *m)
{
	p = put(p, LENGTH, size - LENGTH);
	p = put(p, 4, m->id);
	p = put(p, 2, m->op);
	p = put(p, 2, m->count);
	for (size_t i = 0; i < m->count; i++) {
		p = put(p, FIELD, m->field[i].len);
		if (m->field[i].len > 0)
			memcpy(p, m->field[i].ptr, m->field[i].len);
		p += m->field[i].len;
	}
}

uint8_t *
ipc_write(size_t *len, const struct ipc_message *m)
{
	size_t size = size_of(m);
	uint8_t *out = size > 0 ? malloc(size) : NULL;

	if (out != NULL) {
		put_message(out, size, m);
		*len = size;
	}
	return out;
}

/* --- queues ------------------------------------------------------------------------------ */

void
ipc_queue_free(struct ipc_queue *q)
{
	if (q->ptr != NULL)
		explicit_bzero(q->ptr, q->room);
	free(q->ptr);
	*q = (struct ipc_queue){ 0 };
}

struct assay_bytes
ipc_waiting(const struct ipc_queue *q)
{
	return q->ptr != NULL ? (struct assay_bytes){ q->ptr + q->at, q->len - q->at }
			      : (struct assay_bytes){ NULL, 0 };
}

static bool
make_room(struct ipc_queue *q, size_t more)
{
	struct assay_bytes have = ipc_waiting(q);

	if (q->at > 0 && have.len > 0) {
		memmove(q->ptr, have.ptr, have.len);
		explicit_bzero(q->ptr + have.len, q->at); /* where its end was */
	}
	q->at = 0;
	q->len = have.len;
	if (q->room - q->len >= more)
		return true;
	size_t room = have.len + more > 2 * q->room ? have.len + more : 2 * q->room;
	/* Not realloc(): what was there may be a secret. */
	uint8_t *grown = malloc(room);
	if (grown == NULL)
		return false;
	if (have.len > 0)
		memcpy(grown, q->ptr, have.len);
	ipc_queue_free(q);
	q->ptr = grown;
	q->len = have.len;
	q->room = room;
	return true;
}

bool
ipc_add(struct ipc_queue *q, const struct ipc_message *m)
{
	size_t size = size_of(m);

	if (size == 0 || !make_room(q, size))
		return false;
	put_message(q->ptr + q->len, size, m);
	q->len += size;
	return true;
}

void
ipc_forget(struct ipc_queue *q, size_t n)
{
	explicit_bzero(q->ptr + q->at, n);
	q->at += n;
	if (q->at < q->len)
		return;
	q->at = q->len = 0;
	if (q->room > QUEUE_KEPT)
		ipc_queue_free(q);
}

bool
ipc_receive(struct ipc_queue *q, int fd)
{
	size_t have = q->len - q->at, whole = ipc_size(ipc_waiting(q)), more = READ_SIZE;

	/* A long message gets its room at once. */
	if (whole != 0 && whole != SIZE_MAX && whole > have + more)
		more = whole - have;
	if (!make_room(q, more)) {
		errno = ENOMEM;
		return false;
	}
	errno = 0;
	ssize_t n = recv(fd, q->ptr + q->len, q->room - q->len, MSG_DONTWAIT);
	if (n > 0)
		q->len += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool
ipc_send(struct ipc_queue *q, int fd)
{
	while (q->at < q->len) {
		ssize_t n = send(fd, q->ptr + q->at, q->len - q->at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			ipc_forget(q, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return n < 0 && errno == EAGAIN;
	}
	return true;
}

/* --- fields ------------------------------------------------------------------------------ */

struct assay_bytes
ipc_u64(uint8_t buffer[8], uint64_t n)
{
	put(buffer, NUMBER, n);
	return (struct assay_bytes){ buffer, NUMBER };
}

bool
ipc_get_u64(uint64_t *out, const struct ipc_message *m, size_t field)
{
	if (field >= m->count || m->field[field].len != NUMBER)
		return false;
	*out = get(m->field[field].ptr, NUMBER);
	return true;
}

bool
ipc_get_text(char *out, size_t room, const struct ipc_message *m, size_t field)
{
	struct assay_bytes in;

	if (field >= m->count)
		return false;
	in = m->field[field];
	if (in.len >= room || (in.len > 0 && memchr(in.ptr, '\0', in.len) != NULL))
		return false;
	if (in.len > 0)
		memcpy(out, in.ptr, in.len);
	out[in.len] = '\0';
	return true;
}
