/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/tdvf.h"

#include <inttypes.h>
#include <string.h>

#include "measure/ovmf.h"

enum {
	HEADER_SIZE = 16,
	SECTION_SIZE = 32,
	VERSION = 1,
	POINTER_AT = 32, /* before the end: where images without a GUID table point from */
};
static const uint64_t gpa_max = (uint64_t)1 << 52;

/* Where the descriptor is: OVMF has an entry in its table, which counts from the end; td-shim has a
 * number 32 bytes before the end, which counts from the start. */
static enum assay_code
find_descriptor(struct assay_bytes *out, struct assay_bytes in, struct assay_error *err)
{
	struct ovmf_table table;
	enum assay_code rc = assay_ovmf_table_parse(&table, in, err);
	size_t at;

	if (rc != ASSAY_OK)
		return rc;
	const struct ovmf_entry *entry = assay_ovmf_table_find(&table, ovmf_guid_tdx_metadata);
	if (entry != NULL) {
		if (entry->data.len < 4)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "tdvf: the entry of the TDX metadata is %zu bytes long, want 4",
			    entry->data.len);
		uint32_t back = assay_u32le(entry->data.ptr);
		if (back > in.len)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "tdvf: the TDX metadata is %" PRIu32
			    " bytes before the end of %zu bytes",
			    back, in.len);
		at = in.len - back;
	} else if (table.count > 0 || in.len < POINTER_AT) {
		return assay_fail(
		    err, ASSAY_E_FORMAT, "tdvf: has no TDX metadata; it is not built for TDX");
	} else {
		at = assay_u32le(in.ptr + in.len - POINTER_AT);
	}
	if (at > in.len || in.len - at < HEADER_SIZE || memcmp(in.ptr + at, "TDVF", 4) != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "tdvf: no \"TDVF\" stands where the image points to; it is not built for TDX");
	*out = assay_bytes_at(in, at, in.len - at);
	return ASSAY_OK;
}

static enum assay_code
check_section(
    const struct tdvf *tdvf, const struct tdvf_section *s, size_t n, struct assay_error *err)
{
	if (s->type > TDVF_TYPE_LAST)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "tdvf: section %zu is of type %" PRIu32 ", known are 0 to %d; update assay", n,
		    s->type, TDVF_TYPE_LAST);
	if (s->attributes > TDVF_PAGE_AUG)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "tdvf: section %zu has the attributes 0x%" PRIx32 ", known are 0, 1 and 2", n,
		    s->attributes);
	if (s->gpa % TDVF_PAGE != 0 || s->size % TDVF_PAGE != 0 || s->gpa > gpa_max ||
	    s->size > gpa_max - s->gpa)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "tdvf: section %zu is at 0x%" PRIx64 ", 0x%" PRIx64
		    " bytes long, want whole pages below 2^52",
		    n, s->gpa, s->size);
	if (s->data.len > s->size)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "tdvf: section %zu has 0x%zx bytes of data for 0x%" PRIx64 " of memory", n,
		    s->data.len, s->size);
	for (size_t i = 0; i < tdvf->count; i++) {
		const struct tdvf_section *o = &tdvf->sections[i];
		if (s->gpa < o->gpa + o->size && o->gpa < s->gpa + s->size)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "tdvf: section %zu lies over section %zu; a page is added once", n, i);
	}
	return ASSAY_OK;
}

static enum assay_code
take_section(
    struct tdvf *tdvf, struct assay_reader *r, struct assay_bytes in, struct assay_error *err)
{
	struct tdvf_section s = { .gpa = 0 };
	uint32_t at = assay_take_u32le(r);
	uint32_t raw = assay_take_u32le(r);
	enum assay_code rc;

	s.gpa = assay_take_u64le(r);
	s.size = assay_take_u64le(r);
	s.type = assay_take_u32le(r);
	s.attributes = assay_take_u32le(r);
	if (r->overrun)
		return assay_fail(
		    err, ASSAY_E_FORMAT, "tdvf: the metadata runs over the end of the image");
	if (raw > in.len || at > in.len - raw)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "tdvf: the data of section %zu, 0x%" PRIx32 " bytes at 0x%" PRIx32
		    ", is not in the image",
		    tdvf->count, raw, at);
	s.data = assay_bytes_at(in, at, raw);
	if ((rc = check_section(tdvf, &s, tdvf->count, err)) == ASSAY_OK)
		tdvf->sections[tdvf->count++] = s;
	return rc;
}

enum assay_code
assay_tdvf_parse(struct tdvf *out, struct assay_bytes in, struct assay_error *err)
{
	struct tdvf tdvf = { .count = 0 };
	struct assay_reader r = { .what = "tdvf" };
	uint64_t added = 0;
	enum assay_code rc;

	if (in.len > TDVF_SIZE_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "tdvf: is %zu bytes, want at most %d",
		    in.len, TDVF_SIZE_MAX);
	if ((rc = find_descriptor(&r.in, in, err)) != ASSAY_OK)
		return rc;
	(void)assay_take(&r, 4);
	uint32_t length = assay_take_u32le(&r);
	uint32_t version = assay_take_u32le(&r);
	uint32_t count = assay_take_u32le(&r);
	if (version != VERSION)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "tdvf: the metadata is of version %" PRIu32 ", known is %d; update assay",
		    version, VERSION);
	if (count == 0 || count > TDVF_SECTIONS_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "tdvf: the metadata has %" PRIu32 " sections, want 1 to %d", count,
		    TDVF_SECTIONS_MAX);
	if (length != HEADER_SIZE + count * SECTION_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "tdvf: the metadata is %" PRIu32 " bytes long, %" PRIu32
		    " sections need %" PRIu32,
		    length, count, HEADER_SIZE + count * SECTION_SIZE);
	for (uint32_t i = 0; i < count; i++) {
		if ((rc = take_section(&tdvf, &r, in, err)) != ASSAY_OK)
			return rc;
		if ((tdvf.sections[i].attributes & TDVF_PAGE_AUG) == 0)
			added += tdvf.sections[i].size > TDVF_MEMORY_MAX
			    ? (uint64_t)TDVF_MEMORY_MAX + 1
			    : tdvf.sections[i].size;
	}
	if (added > TDVF_MEMORY_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "tdvf: more than %d bytes are to be added before the start", TDVF_MEMORY_MAX);
	*out = tdvf;
	return ASSAY_OK;
}

const struct tdvf_section *
assay_tdvf_find(const struct tdvf *tdvf, enum tdvf_type type)
{
	for (size_t i = 0; i < tdvf->count; i++)
		if (tdvf->sections[i].type == (uint32_t)type)
			return &tdvf->sections[i];
	return NULL;
}
