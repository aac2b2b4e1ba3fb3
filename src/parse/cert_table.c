/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/snp_report.h"

#include <string.h>

enum { ENTRY_SIZE = 24, GUID_SIZE = 16 };

/* Stored in textual byte order. Source: GHCB specification 4.1.8.1; the last is one vendor's
 * platform information, which may stand first. */
static const struct {
	uint8_t guid[GUID_SIZE];
	enum cert_table_kind kind;
} guids[] = {
	{ { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8,
	      0xac, 0xcd },
	    CERT_TABLE_VCEK },
	{ { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0,
	      0xb8, 0xa1 },
	    CERT_TABLE_VLEK },
	{ { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27,
	      0xc7, 0x82 },
	    CERT_TABLE_ASK },
	{ { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c,
	      0xd0, 0xae },
	    CERT_TABLE_ARK },
	{ { 0xec, 0xae, 0x0c, 0x0f, 0x95, 0x02, 0x43, 0xb1, 0xaf, 0xa2, 0x0a, 0xe2, 0xe0, 0xd5,
	      0x65, 0xb6 },
	    CERT_TABLE_OTHER },
};
enum { GUIDS = sizeof guids / sizeof *guids };

static size_t
find_guid(const uint8_t *guid)
{
	size_t i = 0;

	while (i < GUIDS && memcmp(guids[i].guid, guid, GUID_SIZE) != 0)
		i++;
	return i;
}

/* Entries up to the one of 24 zero bytes that ends the table. */
static enum assay_code
count_entries(size_t *count, struct assay_bytes in, struct assay_error *err)
{
	for (size_t i = 0; i <= CERT_TABLE_MAX; i++) {
		struct assay_bytes entry = assay_bytes_at(in, i * ENTRY_SIZE, ENTRY_SIZE);
		if (entry.len == 0)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "certificate table: %zu bytes hold no entry of zeros that ends it; the "
			    "file is cut short or damaged",
			    in.len);
		*count = i;
		if (assay_bytes_zero(entry))
			return ASSAY_OK;
	}
	return assay_fail(err, ASSAY_E_FORMAT,
	    "certificate table: has more than %d entries; the host wrote something else there",
	    CERT_TABLE_MAX);
}

bool
assay_cert_table_recognise(struct assay_bytes in)
{
	struct assay_bytes first = assay_bytes_at(in, 0, ENTRY_SIZE);

	/* Nothing follows the end of an empty table but the padding of its page. */
	return first.len == ENTRY_SIZE && (find_guid(first.ptr) < GUIDS || assay_bytes_zero(in));
}

enum assay_code
assay_cert_table_parse(struct cert_table *out, struct assay_bytes in, struct assay_error *err)
{
	struct cert_table t = { .count = 0 };
	size_t count = 0;
	enum assay_code rc = count_entries(&count, in, err);

	if (rc != ASSAY_OK)
		return rc;
	size_t head = (count + 1) * ENTRY_SIZE;
	for (size_t i = 0; i < count; i++) {
		struct cert_table_entry *e = &t.entries[i];
		const uint8_t *p = in.ptr + i * ENTRY_SIZE;
		uint32_t at = assay_u32le(p + GUID_SIZE), len = assay_u32le(p + GUID_SIZE + 4);
		size_t known = find_guid(p);

		memcpy(e->guid, p, GUID_SIZE);
		e->kind = known < GUIDS ? guids[known].kind : CERT_TABLE_OTHER;
		e->data = assay_bytes_at(in, at, len);
		if (at < head || len == 0 || e->data.len != len)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "certificate table: entry %zu points at %lu, %lu bytes; data stands "
			    "from %zu to %zu; the table is damaged",
			    i, (unsigned long)at, (unsigned long)len, head, in.len);
		for (size_t j = 0; j < i; j++)
			if (memcmp(t.entries[j].guid, e->guid, GUID_SIZE) == 0)
				return assay_fail(err, ASSAY_E_FORMAT,
				    "certificate table: entries %zu and %zu have the same GUID; "
				    "which "
				    "one counts cannot be told",
				    j, i);
	}
	t.count = count;
	*out = t;
	return ASSAY_OK;
}
