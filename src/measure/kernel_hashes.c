/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/kernel_hashes.h"

#include <string.h>

#include "crypto/crypto.h"

enum {
	GUID_SIZE = 16,
	HEAD_SIZE = GUID_SIZE + 2, /* GUID, u16 length of this and what follows */
	ENTRY_SIZE = HEAD_SIZE + ASSAY_SHA256_LEN,
	TABLE_SIZE = HEAD_SIZE + 3 * ENTRY_SIZE, /* 8 zero bytes make it a multiple of 16 */
};
_Static_assert(KERNEL_HASHES_SIZE == (TABLE_SIZE + 15) / 16 * 16, "table and padding");

/* 9438d606-4f22-4cc9-b479-a793d411fd21 */
static const uint8_t table_guid[GUID_SIZE] = { 0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c, 0xb4,
	0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21 };
/* 97d02dd8-bd20-4c94-aa78-e7714d36ab2a */
static const uint8_t append_guid[GUID_SIZE] = { 0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c,
	0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a };
/* 44baf731-3a2f-4bd7-9af1-41e29169781d */
static const uint8_t initrd_guid[GUID_SIZE] = { 0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b,
	0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d };
/* 4de79437-abd2-427f-b835-d5b172d2045b */
static const uint8_t kernel_guid[GUID_SIZE] = { 0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42,
	0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b };

static uint8_t *
put_head(uint8_t *out, const uint8_t guid[GUID_SIZE], uint8_t length)
{
	memcpy(out, guid, GUID_SIZE);
	out[GUID_SIZE] = length;
	out[GUID_SIZE + 1] = 0;
	return out + HEAD_SIZE;
}

static uint8_t *
put_entry(uint8_t *out, const uint8_t guid[GUID_SIZE], struct assay_bytes what)
{
	out = put_head(out, guid, ENTRY_SIZE);
	assay_sha256(out, what);
	return out + ASSAY_SHA256_LEN;
}

void
assay_kernel_hashes_write(uint8_t out[KERNEL_HASHES_SIZE], struct assay_bytes kernel,
    struct assay_bytes initrd, const char *append)
{
	const char *line = append != NULL ? append : "";
	uint8_t *at = put_head(out, table_guid, TABLE_SIZE);

	/* The command line with the NUL that ends it. */
	at = put_entry(
	    at, append_guid, (struct assay_bytes){ (const uint8_t *)line, strlen(line) + 1 });
	at = put_entry(at, initrd_guid, initrd);
	at = put_entry(at, kernel_guid, kernel);
	memset(at, 0, KERNEL_HASHES_SIZE - TABLE_SIZE);
}
