/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/td_hob.h"

#include <inttypes.h>

enum {
	HANDOFF_SIZE = 56,
	RESOURCE_SIZE = 48,
	END_SIZE = 8,
	RANGES_MAX = 2 * TDVF_SECTIONS_MAX + 2,
	LIST_MAX = HANDOFF_SIZE + RANGES_MAX * RESOURCE_SIZE + END_SIZE,
};
enum {
	TYPE_HANDOFF = 1,
	TYPE_RESOURCE = 3,
	HANDOFF_VERSION = 9,
	SYSTEM_MEMORY = 0, /* accepted */
	UNACCEPTED_MEMORY = 7,
	ATTRIBUTES = 7, /* present, initialised, tested: of both alike */
};

static const uint64_t four_gib = 0x100000000;
/* A q35 machine of this much RAM or more has the lower figure of it below 4 GiB. */
static const uint64_t split_from = 0xb0000000, split_at = 0x80000000;

struct list {
	uint8_t bytes[LIST_MAX];
	size_t len;
};

static void
put(struct list *l, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		l->bytes[l->len++] = (uint8_t)(value >> 8 * i);
}

static void
put_range(struct list *l, uint32_t type, uint64_t from, uint64_t to)
{
	if (from == to)
		return;
	put(l, 2, TYPE_RESOURCE);
	put(l, 2, RESOURCE_SIZE);
	put(l, 4, 0);
	put(l, 8, 0); /* no owner */
	put(l, 8, 0);
	put(l, 4, type);
	put(l, 4, ATTRIBUTES);
	put(l, 8, from);
	put(l, 8, to - from);
}

/* The list begins with where it ends; addresses of free memory are left zero. */
static void
put_handoff(struct list *l)
{
	put(l, 2, TYPE_HANDOFF);
	put(l, 2, HANDOFF_SIZE);
	put(l, 4, 0);
	put(l, 4, HANDOFF_VERSION);
	put(l, 4, 0); /* boot mode */
	for (int i = 0; i < 5; i++)
		put(l, 8, 0);
}

/* The sections that are in RAM, by their address. */
static enum assay_code
sort(const struct tdvf_section *sorted[TDVF_SECTIONS_MAX], size_t *count, const struct tdvf *tdvf,
    uint64_t low, struct assay_error *err)
{
	*count = 0;
	for (size_t i = 0; i < tdvf->count; i++) {
		const struct tdvf_section *s = &tdvf->sections[i];
		if (s->type == TDVF_BFV || s->type == TDVF_CFV || s->size == 0)
			continue;
		if (s->type != TDVF_TD_HOB && s->type != TDVF_TEMP_MEM)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "rtmr0: section %zu of the firmware is of type %" PRIu32
			    ", which QEMU does not take",
			    i, s->type);
		if (s->gpa > low || s->size > low - s->gpa)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "rtmr0: section %zu of the firmware is at 0x%" PRIx64
			    ", outside the memory of 0x%" PRIx64 " bytes below 4 GiB",
			    i, s->gpa, low);
		size_t n = (*count)++;
		for (; n > 0 && sorted[n - 1]->gpa > s->gpa; n--)
			sorted[n] = sorted[n - 1];
		sorted[n] = s;
	}
	return ASSAY_OK;
}

uint64_t
assay_td_memory_low(uint64_t memory)
{
	return memory >= split_from ? split_at : memory;
}

enum assay_code
assay_td_hob_digest(uint8_t out[ASSAY_SHA384_LEN], const struct tdvf *tdvf, uint64_t memory,
    struct assay_error *err)
{
	const struct tdvf_section *sorted[TDVF_SECTIONS_MAX];
	const struct tdvf_section *place = assay_tdvf_find(tdvf, TDVF_TD_HOB);
	uint64_t low = assay_td_memory_low(memory), at = 0;
	struct list l = { .len = 0 };
	size_t count;
	enum assay_code rc;

	if (place == NULL)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "rtmr0: the firmware has no section for the TD's hand-off blocks");
	if ((rc = sort(sorted, &count, tdvf, low, err)) != ASSAY_OK)
		return rc;
	put_handoff(&l);
	for (size_t i = 0; i < count; i++) {
		put_range(&l, UNACCEPTED_MEMORY, at, sorted[i]->gpa);
		at = sorted[i]->gpa + sorted[i]->size;
		put_range(&l, SYSTEM_MEMORY, sorted[i]->gpa, at);
	}
	put_range(&l, UNACCEPTED_MEMORY, at, low);
	put_range(&l, UNACCEPTED_MEMORY, four_gib, four_gib + (memory - low));
	if (l.len + END_SIZE > place->size)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "rtmr0: the TD's hand-off blocks need %zu bytes, its section has %" PRIu64,
		    l.len + END_SIZE, place->size);
	/* The digest covers the list up to its last block, and not that. */
	uint64_t end = place->gpa + l.len + END_SIZE;
	for (size_t i = 0; i < 8; i++)
		l.bytes[HANDOFF_SIZE - 8 + i] = (uint8_t)(end >> 8 * i);
	assay_sha384(out, (struct assay_bytes){ l.bytes, l.len });
	return ASSAY_OK;
}
