/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check_table.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MIN = 8, TEXT_MAX = 240, NAME_MAX_LEN = 80 };

/* Texts go to screens and into error sentences, where they are neither cut nor broken. */
static void
assert_text(const char *id, const char *what, const char *text, bool sentence)
{
	size_t len = strlen(text);

	if (len < TEXT_MIN || len > TEXT_MAX || (text[len - 1] == '.') != sentence)
		fail_msg("%s: %s is %zu long or ends wrongly: \"%s\"", id, what, len, text);
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~' || (text[i] == ' ' && text[i + 1] == ' '))
			fail_msg("%s: %s at %zu: \"%s\"", id, what, i, text);
}

static void
test_rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		const struct assay_check_info *row = &assay_check_table[i];

		if (row->id == NULL || row->proves == NULL || row->stops == NULL ||
		    row->source == NULL || row->remedy == NULL)
			fail_msg("row %zu (%s) lacks a text", i, row->id != NULL ? row->id : "?");
		assert_text(row->id, "proves", row->proves, true);
		assert_text(row->id, "stops", row->stops, true);
		assert_text(row->id, "source", row->source, false);
		assert_text(row->id, "remedy", row->remedy, true);
	}
}

static void
test_ids_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHECK_COUNT; i++)
		for (size_t j = i + 1; j < CHECK_COUNT; j++)
			if (strcmp(assay_check_table[i].id, assay_check_table[j].id) == 0)
				fail_msg(
				    "%s stands in rows %zu and %zu", assay_check_table[i].id, i, j);
}

/* The next enumerator of check_ids.h, without its comma; false after the last. */
static bool
next_enumerator(FILE *header, char name[NAME_MAX_LEN])
{
	char line[256];

	while (fgets(line, sizeof line, header) != NULL)
		if (sscanf(line, " %79[A-Z0-9_],", name) == 1 && strncmp(name, "CHECK_", 6) == 0 &&
		    strcmp(name, "CHECK_COUNT") != 0)
			return true;
	return false;
}

/* CHECK_SNP_ARK_DATES stands for "snp.ark.dates", and is the number of its row. */
static void
test_ids_follow_the_enum(void **state)
{
	const char *root = getenv("ASSAY_SOURCE_ROOT");
	char path[4096], name[NAME_MAX_LEN], want[NAME_MAX_LEN];
	size_t row = 0;

	(void)state;
	if (root == NULL)
		return;
	(void)snprintf(path, sizeof path, "%s/src/core/check_ids.h", root);
	FILE *header = fopen(path, "r");
	assert_non_null(header);
	while (next_enumerator(header, name)) {
		assert_true(row < CHECK_COUNT);
		(void)snprintf(want, sizeof want, "CHECK_%s", assay_check_table[row].id);
		for (char *p = want; *p != '\0'; p++)
			*p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
		assert_string_equal(name, want);
		row++;
	}
	assert_int_equal(fclose(header), 0);
	assert_int_equal(row, CHECK_COUNT);
}

static void
test_find(void **state)
{
	(void)state;
	assert_int_equal(assay_check_info_count(), CHECK_COUNT);
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		const struct assay_check_info *row = assay_check_info_at(i);

		assert_ptr_equal(row, &assay_check_table[i]);
		assert_ptr_equal(assay_check_info_find(assay_check_info_id(row)), row);
		assert_ptr_equal(assay_check_info_proves(row), row->proves);
		assert_ptr_equal(assay_check_info_stops(row), row->stops);
		assert_ptr_equal(assay_check_info_source(row), row->source);
		assert_ptr_equal(assay_check_info_remedy(row), row->remedy);
	}
	assert_null(assay_check_info_at(CHECK_COUNT));
	assert_null(assay_check_info_find("dcap.no.such"));
	assert_null(assay_check_info_find(""));
	assert_ptr_equal(
	    assay_check_info_find("expect.measurement"), &assay_check_table[CHECK_EXPECT]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_ids_are_unique),
		cmocka_unit_test(test_ids_follow_the_enum),
		cmocka_unit_test(test_find),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("check table", tests, NULL, NULL);
}
