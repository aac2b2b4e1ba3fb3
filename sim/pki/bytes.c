/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/internal.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
	_Alignas(16) uint8_t bytes[];
};

void
sim_die(const char *fmt, ...)
{
	va_list ap;

	fputs("assay-sim: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(4);
}

void *
sim_alloc(struct sim *sim, size_t size)
{
	struct block *block = calloc(1, sizeof *block + size);

	if (block == NULL)
		sim_die("out of memory");
	block->next = sim->blocks;
	sim->blocks = block;
	return block->bytes;
}

void
sim_reset(struct sim *sim)
{
	while (sim->blocks != NULL) {
		struct block *block = sim->blocks;
		sim->blocks = block->next;
		free(block);
	}
}

static uint8_t *
grow(struct sim_buf *b, size_t n)
{
	if (b->ptr == NULL || b->room - b->len < n) {
		size_t room = (b->len + n) * 2 + 64;
		uint8_t *ptr = sim_alloc(b->sim, room);
		if (b->len > 0)
			memcpy(ptr, b->ptr, b->len);
		b->ptr = ptr;
		b->room = room;
	}
	b->len += n;
	return b->ptr + b->len - n;
}

void
sim_put(struct sim_buf *b, const void *bytes, size_t n)
{
	uint8_t *at = grow(b, n);

	if (n > 0)
		memcpy(at, bytes, n);
}

void
sim_put_bytes(struct sim_buf *b, struct sim_bytes bytes)
{
	sim_put(b, bytes.ptr, bytes.len);
}

void
sim_put_zero(struct sim_buf *b, size_t n)
{
	memset(grow(b, n), 0, n);
}

static void
store(uint8_t *at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

void
sim_store_u16(uint8_t *at, uint16_t v)
{
	store(at, v, 2);
}

void
sim_store_u32(uint8_t *at, uint32_t v)
{
	store(at, v, 4);
}

void
sim_store_u64(uint8_t *at, uint64_t v)
{
	store(at, v, 8);
}

void
sim_put_u16(struct sim_buf *b, uint16_t v)
{
	store(grow(b, 2), v, 2);
}

void
sim_put_u32(struct sim_buf *b, uint32_t v)
{
	store(grow(b, 4), v, 4);
}

void
sim_put_u64(struct sim_buf *b, uint64_t v)
{
	store(grow(b, 8), v, 8);
}

void
sim_put_text(struct sim_buf *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text)
		sim_die("a text is longer than %zu characters", sizeof text);
	sim_put(b, text, (size_t)n);
}

void
sim_put_hex(struct sim_buf *b, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sim_put_text(b, "%02x", ((const uint8_t *)bytes)[i]);
}

struct sim_bytes
sim_taken(const struct sim_buf *b)
{
	return (struct sim_bytes){ b->ptr, b->len };
}

struct sim_bytes
sim_view(const void *bytes, size_t n)
{
	struct sim_bytes view = { NULL, n };

	memcpy(&view.ptr, &bytes, sizeof view.ptr);
	return view;
}

struct sim_bytes
sim_copy(struct sim *sim, const void *bytes, size_t n)
{
	struct sim_buf b = { .sim = sim };

	sim_put(&b, bytes, n);
	return sim_taken(&b);
}

struct sim_bytes
sim_text(struct sim *sim, const char *text)
{
	return sim_copy(sim, text, strlen(text));
}

struct sim_bytes
sim_join(struct sim *sim, struct sim_bytes first, struct sim_bytes second)
{
	struct sim_buf b = { .sim = sim };

	sim_put_bytes(&b, first);
	sim_put_bytes(&b, second);
	return sim_taken(&b);
}

struct sim_bytes
sim_replace(struct sim *sim, struct sim_bytes in, const char *from, const char *to)
{
	size_t n = strlen(from);

	for (size_t i = 0; i + n <= in.len; i++) {
		if (memcmp(in.ptr + i, from, n) != 0)
			continue;
		struct sim_buf b = { .sim = sim };
		sim_put(&b, in.ptr, i);
		sim_put(&b, to, strlen(to));
		sim_put(&b, in.ptr + i + n, in.len - i - n);
		return sim_taken(&b);
	}
	sim_die("nothing reads \"%s\" here", from);
}

struct sim_bytes
sim_pem(struct sim *sim, const char *label, struct sim_bytes der)
{
	struct sim_buf b = { .sim = sim };
	char *text = sim_alloc(sim, der.len / 3 * 4 + 8);
	int n = EVP_EncodeBlock((unsigned char *)text, der.ptr, (int)der.len);

	sim_put_text(&b, "-----BEGIN %s-----\n", label);
	for (int i = 0; i < n; i += 64)
		sim_put_text(&b, "%.64s\n", text + i);
	sim_put_text(&b, "-----END %s-----\n", label);
	return sim_taken(&b);
}
