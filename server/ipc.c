/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH = 4, HEAD = 12, FIELD = 4, NUMBER = 8 };

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

uint8_t *
ipc_write(size_t *len, const struct ipc_message *m)
{
	size_t size = HEAD;
	uint8_t *out, *p;

	if (m->count > IPC_FIELDS_MAX)
		return NULL;
	for (size_t i = 0; i < m->count; i++) {
		if (m->field[i].len > IPC_MESSAGE_MAX - size - FIELD)
			return NULL;
		size += FIELD + m->field[i].len;
	}
	if ((out = malloc(size)) == NULL)
		return NULL;
	p = put(out, LENGTH, size - LENGTH);
	p = put(p, 4, m->id);
	p = put(p, 2, m->op);
	p = put(p, 2, m->count);
	for (size_t i = 0; i < m->count; i++) {
		p = put(p, FIELD, m->field[i].len);
		if (m->field[i].len > 0)
			memcpy(p, m->field[i].ptr, m->field[i].len);
		p += m->field[i].len;
	}
	*len = size;
	return out;
}

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
