/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_IMAGE_TEST_H
#define ASSAY_IMAGE_TEST_H

/* What the tests of AMD's measurements share: an image of the firmware, and the known answers. */

#include <assay/measure.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/core.h"
#include "measure/ovmf.h"
#include "vectors.h"

enum { TAIL = 32 /* behind the table of GUIDs */, IMAGE_SIZE = 4 * OVMF_PAGE };

/* As a firmware build would make it: noise, and a table of GUIDs in front of the reset vector. */
struct image {
	uint8_t bytes[IMAGE_SIZE];
	size_t table_at; /* where the next entry ends */
};

static inline void
put(uint8_t *out, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static inline void
put_entry(struct image *im, const uint8_t guid[16], const uint32_t *numbers, size_t count)
{
	size_t size = 18 + 4 * count;
	uint8_t *at = im->bytes + im->table_at - size;

	for (size_t i = 0; i < count; i++)
		put(at + 4 * i, 4, numbers[i]);
	put(at + 4 * count, 2, size);
	memcpy(at + 4 * count + 2, guid, 16);
	im->table_at -= size;
	/* The last entry bears the length of the table. */
	put(im->bytes + IMAGE_SIZE - TAIL - 18, 2, IMAGE_SIZE - TAIL - im->table_at);
}

static inline void
image_start(struct image *im)
{
	static const uint8_t footer[16] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba,
		0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };

	for (size_t i = 0; i < IMAGE_SIZE; i++)
		im->bytes[i] = (uint8_t)(i * 2654435761u >> 24);
	im->table_at = IMAGE_SIZE - TAIL - 18;
	memcpy(im->bytes + IMAGE_SIZE - TAIL - 16, footer, 16);
	put(im->bytes + IMAGE_SIZE - TAIL - 18, 2, 18);
}

static inline const char *
text_of(json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static inline struct assay_bytes
read_named(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "sev/measure/%s", name);
	return vectors_read(path);
}

/* Each of the known answers of SNP, or each of the others: there are so many. */
static inline void
check_answers(bool snp, size_t count, void (*check)(json_t *row))
{
	struct assay_bytes file = read_named("known_answers.json");
	size_t checked = 0, i;
	json_t *row;

	if (file.ptr == NULL)
		return;
	json_t *rows = json_loadb((const char *)file.ptr, file.len, 0, NULL);
	json_array_foreach(rows, i, row)
	{
		if ((strncmp(text_of(row, "mode"), "SNP", 3) == 0) != snp)
			continue;
		check(row);
		checked++;
	}
	assert_int_equal(checked, count);
	json_decref(rows);
	vectors_free(file);
}

#endif
