/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/ovmf.h"

#include <inttypes.h>
#include <string.h>

enum {
	GUID_SIZE = 16,
	TAIL_SIZE = 32,             /* behind the table: the reset vector */
	ENTRY_SIZE = 2 + GUID_SIZE, /* u16 length of data and this, GUID */
	SEV_HEADER_SIZE = 16,
	SEV_ITEM_SIZE = 12,
	SEV_VERSION = 1,
};

/* 96b582de-1fb2-45f7-baea-a366c55a082d: the last entry, whose length is that of the table. */
static const uint8_t footer_guid[GUID_SIZE] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
	0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
/* 7255371f-3a3b-4b04-927b-1da6efa8d454 */
const uint8_t ovmf_guid_sev_hashes[GUID_SIZE] = { 0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
	0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54 };
/* 4c2eb361-7d9b-4cc3-8081-127c90d3d294 */
const uint8_t ovmf_guid_sev_secret[GUID_SIZE] = { 0x61, 0xb3, 0x2e, 0x4c, 0x9b, 0x7d, 0xc3, 0x4c,
	0x80, 0x81, 0x12, 0x7c, 0x90, 0xd3, 0xd2, 0x94 };
/* 00f771de-1a7e-4fcb-890e-68c77e2fb44e */
const uint8_t ovmf_guid_sev_reset[GUID_SIZE] = { 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f,
	0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e };
/* dc886566-984a-4798-a75e-5585a7bf67cc */
const uint8_t ovmf_guid_sev_metadata[GUID_SIZE] = { 0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47,
	0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc };
/* a789a612-0597-4c4b-a49f-cbb1fe9d1ddd */
const uint8_t ovmf_guid_svsm_info[GUID_SIZE] = { 0x12, 0xa6, 0x89, 0xa7, 0x97, 0x05, 0x4b, 0x4c,
	0xa4, 0x9f, 0xcb, 0xb1, 0xfe, 0x9d, 0x1d, 0xdd };
/* e47a6535-984a-4798-865e-4685a7bf8ec2 */
const uint8_t ovmf_guid_tdx_metadata[GUID_SIZE] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
	0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2 };

/* --- the table at the end ---------------------------------------------------------------- */

const struct ovmf_entry *
assay_ovmf_table_find(const struct ovmf_table *table, const uint8_t guid[GUID_SIZE])
{
	for (size_t i = 0; i < table->count; i++)
		if (memcmp(table->entries[i].guid.ptr, guid, GUID_SIZE) == 0)
			return &table->entries[i];
	return NULL;
}

/* One entry, from the end of what is left of the table. */
static enum assay_code
take_entry(struct ovmf_table *table, struct assay_bytes *left, struct assay_error *err)
{
	if (left->len < ENTRY_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: the GUID table begins with %zu bytes that are no entry, which has %d",
		    left->len, ENTRY_SIZE);
	size_t at = left->len - ENTRY_SIZE;
	size_t size = assay_u16le(left->ptr + at);
	if (size < ENTRY_SIZE || size > left->len)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: an entry of the GUID table says it is %zu bytes long, want %d to %zu",
		    size, ENTRY_SIZE, left->len);
	if (assay_ovmf_table_find(table, left->ptr + at + 2) != NULL)
		return assay_fail(err, ASSAY_E_FORMAT, "ovmf: GUID %s is twice in the table",
		    assay_quote_hex((struct assay_bytes){ left->ptr + at + 2, GUID_SIZE }).text);
	if (table->count == OVMF_ENTRIES_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: the GUID table has more than %d entries", OVMF_ENTRIES_MAX);
	table->entries[table->count++] = (struct ovmf_entry){
		.guid = { left->ptr + at + 2, GUID_SIZE },
		.data = assay_bytes_at(*left, left->len - size, size - ENTRY_SIZE),
	};
	left->len -= size;
	return ASSAY_OK;
}

enum assay_code
assay_ovmf_table_parse(struct ovmf_table *out, struct assay_bytes in, struct assay_error *err)
{
	struct ovmf_table table = { .count = 0 };
	enum assay_code rc;

	if (in.len < TAIL_SIZE + ENTRY_SIZE ||
	    memcmp(in.ptr + in.len - TAIL_SIZE - GUID_SIZE, footer_guid, GUID_SIZE) != 0) {
		*out = table;
		return ASSAY_OK;
	}
	size_t at = in.len - TAIL_SIZE - ENTRY_SIZE;
	size_t size = assay_u16le(in.ptr + at);
	if (size < ENTRY_SIZE || size - ENTRY_SIZE > at)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: the GUID table says it is %zu bytes long, want %d to %zu", size,
		    ENTRY_SIZE, at + ENTRY_SIZE);
	struct assay_bytes left = assay_bytes_at(in, at - (size - ENTRY_SIZE), size - ENTRY_SIZE);
	while (left.len > 0)
		if ((rc = take_entry(&table, &left, err)) != ASSAY_OK)
			return rc;
	*out = table;
	return ASSAY_OK;
}

enum assay_code
assay_ovmf_table_numbers(uint32_t *out, size_t count, const struct ovmf_table *table,
    const uint8_t guid[16], const char *what, const char *name, struct assay_error *err)
{
	const struct ovmf_entry *entry = assay_ovmf_table_find(table, guid);

	if (entry == NULL)
		return ASSAY_OK;
	if (entry->data.len < 4 * count)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the entry of the %s is %zu bytes long, want %zu", what, name,
		    entry->data.len, 4 * count);
	for (size_t i = 0; i < count; i++)
		out[i] = assay_u32le(entry->data.ptr + 4 * i);
	return ASSAY_OK;
}

/* --- what SEV-SNP needs ------------------------------------------------------------------ */

static enum assay_code
check_item(const struct sev_item *item, size_t n, const char *what, struct assay_error *err)
{
	switch (item->type) {
	case SEV_ITEM_MEMORY:
	case SEV_ITEM_SVSM_CALLING:
	case SEV_ITEM_KERNEL_HASHES:
		break;
	case SEV_ITEM_SECRETS:
	case SEV_ITEM_CPUID:
		/* One page each in every firmware; machines differ in what they make of more. */
		if (item->size == OVMF_PAGE)
			break;
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: item %zu of the SEV metadata has 0x%" PRIx32 " bytes, want one page", what,
		    n, item->size);
	default:
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: item %zu of the SEV metadata is of type 0x%" PRIx32
		    ", known are 1 to 4 and 0x10; update assay",
		    what, n, item->type);
	}
	if (item->gpa % OVMF_PAGE != 0 || item->size % OVMF_PAGE != 0 || item->size == 0 ||
	    item->size - 1 > UINT32_MAX - item->gpa)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: item %zu of the SEV metadata is at 0x%" PRIx32 ", 0x%" PRIx32
		    " bytes long, want whole pages below 4 GiB",
		    what, n, item->gpa, item->size);
	return ASSAY_OK;
}

static enum assay_code
take_items(struct ovmf_sev *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct assay_reader r = { .what = what, .in = in };
	struct assay_bytes magic = assay_take(&r, 4);
	uint32_t size = assay_take_u32le(&r);
	uint32_t version = assay_take_u32le(&r);
	uint32_t count = assay_take_u32le(&r);
	uint64_t memory = 0;
	enum assay_code rc;

	if (r.overrun || memcmp(magic.ptr, "ASEV", 4) != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: no \"ASEV\" stands where the entry of the SEV metadata points to", what);
	if (version != SEV_VERSION)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "%s: the SEV metadata is of version %" PRIu32 ", known is %d; update assay",
		    what, version, SEV_VERSION);
	if (count == 0 || count > SEV_ITEMS_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the SEV metadata has %" PRIu32 " items, want 1 to %d", what, count,
		    SEV_ITEMS_MAX);
	if (size != SEV_HEADER_SIZE + count * SEV_ITEM_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the SEV metadata is %" PRIu32 " bytes long, %" PRIu32
		    " items need %" PRIu32,
		    what, size, count, SEV_HEADER_SIZE + count * SEV_ITEM_SIZE);
	for (uint32_t i = 0; i < count; i++) {
		struct sev_item *item = &out->items[i];
		item->gpa = assay_take_u32le(&r);
		item->size = assay_take_u32le(&r);
		item->type = assay_take_u32le(&r);
		if (r.overrun)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "%s: the SEV metadata runs over the end of the image", what);
		if ((rc = check_item(item, i, what, err)) != ASSAY_OK)
			return rc;
		memory += item->size;
	}
	if (memory > SEV_MEMORY_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the SEV metadata names %" PRIu64 " bytes of memory, want at most %d", what,
		    memory, SEV_MEMORY_MAX);
	out->item_count = count;
	return ASSAY_OK;
}

enum assay_code
assay_ovmf_sev_parse(
    struct ovmf_sev *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct ovmf_table table = { .count = 0 };
	struct ovmf_sev sev = { .item_count = 0 };
	uint32_t hashes[2] = { 0, 0 }, offset = 0;
	enum assay_code rc;

	if ((rc = assay_ovmf_table_parse(&table, in, err)) != ASSAY_OK)
		return rc;
	if (table.count == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: has no table of GUIDs 32 bytes before its end; give the firmware's code, "
		    "not its variables",
		    what);
	if (assay_ovmf_table_find(&table, ovmf_guid_sev_metadata) == NULL)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: has no SEV metadata; it is not built for SEV-SNP", what);
	sev.has_svsm_offset = assay_ovmf_table_find(&table, ovmf_guid_svsm_info) != NULL;
	if ((rc = assay_ovmf_table_numbers(hashes, 2, &table, ovmf_guid_sev_hashes, what,
		 "SEV hash table", err)) != ASSAY_OK ||
	    (rc = assay_ovmf_table_numbers(&sev.reset, 1, &table, ovmf_guid_sev_reset, what,
		 "SEV-ES reset block", err)) != ASSAY_OK ||
	    (rc = assay_ovmf_table_numbers(&sev.svsm_offset, 1, &table, ovmf_guid_svsm_info, what,
		 "SVSM entry point", err)) != ASSAY_OK ||
	    (rc = assay_ovmf_table_numbers(&offset, 1, &table, ovmf_guid_sev_metadata, what,
		 "SEV metadata", err)) != ASSAY_OK)
		return rc;
	sev.hashes_base = hashes[0];
	sev.hashes_size = hashes[1];
	if (offset > in.len)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the SEV metadata is %" PRIu32 " bytes before the end of %zu bytes", what,
		    offset, in.len);
	rc = take_items(&sev, assay_bytes_at(in, in.len - offset, offset), what, err);
	if (rc == ASSAY_OK)
		*out = sev;
	return rc;
}
