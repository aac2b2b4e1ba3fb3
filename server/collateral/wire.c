/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

enum { TDX = 1, EARLY = 2, PROCESSOR = 4, VLEK = 8, FLAGS = 15, SPL_MAX = 255 };

static struct assay_bytes
text(const char *s)
{
	return (struct assay_bytes){ (const uint8_t *)s, strlen(s) };
}

uint8_t *
fetch_request_write(size_t *len, uint32_t id, const struct want *w)
{
	uint64_t flags = (w->tdx ? TDX : 0U) | (w->early ? EARLY : 0U) |
	    (w->processor ? PROCESSOR : 0U) | (w->vlek ? VLEK : 0U);
	uint8_t n[7][8];
	const struct ipc_message m = { .id = id,
		.op = FETCH,
		.count = FETCH_REQUEST_FIELDS,
		.field = { ipc_u64(n[0], w->thing), ipc_u64(n[1], flags), text(w->fmspc),
		    text(w->product), text(w->hwid), ipc_u64(n[2], w->fmc),
		    ipc_u64(n[3], w->bootloader), ipc_u64(n[4], w->tee), ipc_u64(n[5], w->snp),
		    ipc_u64(n[6], w->microcode) } };

	return ipc_write(len, &m);
}

static bool
only(const char *s, const char *set)
{
	return strspn(s, set) == strlen(s);
}

static bool
read_level(unsigned *out, const struct ipc_message *m, size_t field)
{
	uint64_t n;

	if (!ipc_get_u64(&n, m, field) || n > SPL_MAX)
		return false;
	*out = (unsigned)n;
	return true;
}

bool
fetch_request_read(struct want *out, const struct ipc_message *m)
{
	struct want w = { .guess = false };
	uint64_t thing, flags;

	if (m->op != FETCH || m->count != FETCH_REQUEST_FIELDS || !ipc_get_u64(&thing, m, 0) ||
	    thing > THING_AMD_CRL || !ipc_get_u64(&flags, m, 1) || flags > FLAGS ||
	    !ipc_get_text(w.fmspc, sizeof w.fmspc, m, 2) ||
	    !ipc_get_text(w.product, sizeof w.product, m, 3) ||
	    !ipc_get_text(w.hwid, sizeof w.hwid, m, 4) || !read_level(&w.fmc, m, 5) ||
	    !read_level(&w.bootloader, m, 6) || !read_level(&w.tee, m, 7) ||
	    !read_level(&w.snp, m, 8) || !read_level(&w.microcode, m, 9))
		return false;
	w.thing = (enum thing)thing;
	w.tdx = (flags & TDX) != 0;
	w.early = (flags & EARLY) != 0;
	w.processor = (flags & PROCESSOR) != 0;
	w.vlek = (flags & VLEK) != 0;
	/* These become part of a URL. */
	if (!only(w.fmspc, "0123456789abcdef") || !only(w.hwid, "0123456789abcdef") ||
	    !only(w.product, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ||
	    (w.thing == THING_TCB_INFO && w.fmspc[0] == '\0') ||
	    (!want_is_intel(&w) && w.product[0] == '\0') ||
	    (w.thing == THING_VCEK && w.hwid[0] == '\0'))
		return false;
	*out = w;
	return true;
}
