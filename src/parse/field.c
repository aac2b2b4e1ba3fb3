/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/field.h"

#include <string.h>

static void
decode_one(uint8_t *to, const uint8_t *from, const struct assay_field *row)
{
	switch (row->width) {
	case ASSAY_U16LE: {
		uint16_t v = assay_u16le(from);
		memcpy(to, &v, sizeof v);
		break;
	}
	case ASSAY_U32LE: {
		uint32_t v = assay_u32le(from);
		memcpy(to, &v, sizeof v);
		break;
	}
	case ASSAY_U64LE: {
		uint64_t v = assay_u64le(from);
		memcpy(to, &v, sizeof v);
		break;
	}
	case ASSAY_U8:
	case ASSAY_RAW:
		memcpy(to, from, row->size);
		break;
	}
}

void
assay_fields_decode(void *out, const struct assay_field *rows, struct assay_bytes in)
{
	for (const struct assay_field *row = rows; row->name != NULL; row++)
		if ((size_t)row->at + row->size <= in.len)
			decode_one((uint8_t *)out + row->member, in.ptr + row->at, row);
}

enum assay_code
assay_reserved_check(
    struct assay_bytes in, size_t at, size_t size, const char *what, struct assay_error *err)
{
	struct assay_bytes b = assay_bytes_at(in, at, size);

	if (b.len != size)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: ends at %zu, before the %zu bytes at 0x%zx; the file is cut short", what,
		    in.len, size, at);
	/* All zero: the first is, and each equals its neighbour. */
	if (size == 0 || (b.ptr[0] == 0 && memcmp(b.ptr, b.ptr + 1, size - 1) == 0))
		return ASSAY_OK;
	size_t i = 0;
	while (b.ptr[i] == 0)
		i++;
	return assay_fail(err, ASSAY_E_FORMAT,
	    "%s: the reserved byte at 0x%zx is 0x%02x, must be 0; the input is damaged, or newer "
	    "than this version",
	    what, at + i, b.ptr[i]);
}
