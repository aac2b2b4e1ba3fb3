/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_PARSE_TEST_H
#define ASSAY_PARSE_TEST_H

/* What the tests of this folder share. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse/field.h"
#include "vectors.h"

static inline void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

/* The code and some words of the sentence; ASSAY_OK has no words. */
static inline void
expect_outcome(const char *name, enum assay_code rc, const struct assay_error *err,
    enum assay_code want, const char *words)
{
	if (rc != want)
		fail_msg("%s: code %s, want %s (%s)", name, assay_code_name(rc),
		    assay_code_name(want), err->text);
	if (rc == ASSAY_OK)
		return;
	if (err->code != rc)
		fail_msg("%s: err->code is %s", name, assay_code_name(err->code));
	if (words[0] == '\0' || strstr(err->text, words) == NULL)
		fail_msg("%s: \"%s\" says nothing of \"%s\"", name, err->text, words);
}

/* A refusal explains itself. */
static inline void
expect_sentence(enum assay_code rc, const struct assay_error *err)
{
	if (rc != ASSAY_OK)
		assert_true(err->code == rc && err->text[0] != '\0');
}

/* Parses one input and forgets what came out. */
typedef enum assay_code parse_once(struct assay_bytes in, struct assay_error *err);

/* Every truncation, then every step-th single-bit flip, each on a heap block of its exact size:
 * nothing is read outside, and every refusal says why. Truncations must be refused. */
static inline void
damage_some(parse_once *parse, struct assay_bytes good, size_t step)
{
	struct assay_error err = { ASSAY_OK, "" };

	for (size_t n = 0; n < good.len; n++) {
		uint8_t *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy + 1, good.ptr, n);
		enum assay_code rc = parse((struct assay_bytes){ copy + 1, n }, &err);
		assert_int_not_equal(rc, ASSAY_OK);
		expect_sentence(rc, &err);
		free(copy);
	}
	uint8_t *copy = malloc(good.len);
	assert_non_null(copy);
	memcpy(copy, good.ptr, good.len);
	for (size_t bit = 0; bit < 8 * good.len; bit += step) {
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = (struct assay_error){ ASSAY_OK, "" };
		expect_sentence(parse((struct assay_bytes){ copy, good.len }, &err), &err);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(copy);
}

static inline void
damage(parse_once *parse, struct assay_bytes good)
{
	damage_some(parse, good, 1);
}

/* Each row decodes its own bytes, all of them, and nothing else: a flip of any byte of a row changes
 * the row's member and no other. */
static inline void
check_rows(const struct assay_field *rows, size_t struct_size, size_t input_size)
{
	uint8_t *in = calloc(1, input_size), *out = calloc(1, struct_size);
	uint8_t *expected = calloc(1, struct_size);

	assert_true(in != NULL && out != NULL && expected != NULL);
	for (const struct assay_field *row = rows; row->name != NULL; row++) {
		size_t n = row->size;
		assert_true(row->at + n <= input_size && row->member + n <= struct_size);
		assert_true(row->width == ASSAY_RAW || row->width == row->size);
		for (size_t i = 0; i < n; i++) {
			memset(out, 0, struct_size);
			memset(expected, 0, struct_size);
			in[row->at + i] = 0xa5;
			assay_fields_decode(out, rows, (struct assay_bytes){ in, input_size });
			in[row->at + i] = 0;
			expected[row->member + i] = 0xa5; /* this machine is little-endian too */
			if (memcmp(out, expected, struct_size) != 0)
				fail_msg("row %s, byte %zu is decoded wrongly", row->name, i);
		}
	}
	free(in);
	free(out);
	free(expected);
}

/* Whether a row of this version of the input decodes the byte. */
static inline bool
in_a_row(const struct assay_field *rows, size_t at, unsigned version)
{
	for (const struct assay_field *row = rows; row->name != NULL; row++)
		if (at >= row->at && at < (size_t)row->at + row->size && version >= row->since)
			return true;
	return false;
}

static inline void
expect_hex(const char *name, const char *hex, struct assay_bytes got)
{
	char text[2 * 128 + 1];

	assert_true(got.len <= 128);
	assay_hex(text, got);
	if (hex == NULL || strcmp(hex, text) != 0)
		fail_msg("%s: is %s, want %s", name, text, hex == NULL ? "(none)" : hex);
}

#define RUN_TESTS(tests)                                                                           \
	(cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, NULL, NULL))

#endif
