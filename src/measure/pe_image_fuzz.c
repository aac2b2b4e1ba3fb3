/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/linux_header.h"
#include "measure/pe_image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal that explains nothing is a bug too. */
static bool
accepted(enum assay_code rc, struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
	*err = (struct assay_error){ ASSAY_OK, "" };
	return rc == ASSAY_OK;
}

static void
put(uint8_t *out, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

/* A small kernel that is good, but for what the input changes in it: three bytes say where and what.
 * So the inputs need not find a whole PE header by themselves. */
static void
change_good_kernel(const uint8_t *data, size_t size)
{
	enum { SIZE = 0x640, OPTIONAL = 0x58, TABLE = 0xf8, HEADERS = 0x1a0 };
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t p[SIZE] = { 'M', 'Z' }, digest[ASSAY_SHA384_LEN];

	put(p + 0x3c, 4, 0x40);
	put(p + 0x40, 4, 0x4550);
	put(p + 0x46, 2, 2);
	put(p + 0x54, 2, TABLE - OPTIONAL);
	put(p + OPTIONAL, 2, 0x20b);
	put(p + OPTIONAL + 60, 4, HEADERS);
	put(p + OPTIONAL + 108, 4, 6);
	put(p + TABLE + 16, 4, 0x200);
	put(p + TABLE + 20, 4, 0x400);
	put(p + TABLE + 56, 4, 0x400 - HEADERS);
	put(p + TABLE + 60, 4, HEADERS);
	if (!accepted(assay_pe_image_digest(digest, (struct assay_bytes){ p, SIZE }, &err), &err))
		abort();
	for (size_t i = 0; i + 3 <= size; i += 3)
		p[(size_t)(data[i] << 8 | data[i + 1]) % HEADERS] = data[i + 2];
	(void)accepted(assay_pe_image_digest(digest, (struct assay_bytes){ p, SIZE }, &err), &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t digest[ASSAY_SHA384_LEN];
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	(void)accepted(
	    assay_pe_image_digest(digest, (struct assay_bytes){ data, size }, &err), &err);
	(void)accepted(
	    assay_linux_header_patch(copy, size, size, (uint64_t)size << 12, "", &err), &err);
	(void)accepted(assay_linux_header_patch(copy, size, 0, 0, "quiet", &err), &err);
	free(copy);
	change_good_kernel(data, size);
	return 0;
}
