/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of every capture: named, and fit for a terminal. */
#include "parse/parse_test.h"

#include <assay/evidence.h>

#include "core/core.h"

struct seen {
	size_t count;
	const char *path;
};

static void
see(void *arg, const char *group, const char *name, const char *value, const char *note)
{
	struct seen *seen = arg;

	if (group == NULL || group[0] == '\0' || name == NULL || name[0] == '\0' || value == NULL ||
	    note == NULL)
		fail_msg("%s: a field without group, name, value or note", seen->path);
	seen->count++;
}

static void
inspect_file(const char *path, struct assay_bytes file, void *context)
{
	struct seen seen = { 0, path };
	struct assay_error err = { ASSAY_OK, "" };
	const char *kind = NULL;
	enum assay_code rc = assay_inspect(&kind, file, see, &seen, &err);
	size_t *shown = context;

	if (rc == ASSAY_OK) {
		assert_true(kind != NULL && kind[0] != '\0' && seen.count > 0);
		(*shown)++;
	} else {
		expect_sentence(rc, &err);
		assert_int_equal(seen.count, 0);
	}
}

static void
test_captures(void **state)
{
	size_t shown = 0;

	(void)state;
	vectors_each("dcap/collateral", inspect_file, &shown);
	vectors_each("dcap/quotes", inspect_file, &shown);
	vectors_each("sev/roots", inspect_file, &shown);
	vectors_each("sev/legacy", inspect_file, &shown);
	vectors_each("sev/snp", inspect_file, &shown);
	assert_true(shown > 100 || !vectors_present());
}

static void
test_no_file(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	const char *kind = NULL;
	struct seen seen = { 0, "nothing" };

	(void)state;
	expect_outcome("empty", assay_inspect(&kind, assay_bytes_of(""), see, &seen, &err), &err,
	    ASSAY_E_FORMAT, "empty");
	expect_outcome("text", assay_inspect(&kind, assay_bytes_of("hello"), see, &seen, &err),
	    &err, ASSAY_E_UNSUPPORTED, "neither evidence nor collateral");
	assert_null(kind);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_no_file),
	};

	return RUN_TESTS(tests);
}
