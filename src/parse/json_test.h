/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_JSON_TEST_H
#define ASSAY_JSON_TEST_H

/* What the tests of the JSON readers share. */

#include "parse/parse_test.h"

#include "alloc.h"
#include "parse/tcb.h"

#define ZEROS_16  "0000000000000000"
#define ZEROS_64  ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16
#define ZEROS_128 ZEROS_64 ZEROS_64

/* A copy in which the first `from` reads `to`; freed by the caller. */
static inline char *
replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (at == NULL)
		fail_msg("the text has no %s", from);
	size_t n = strlen(text) - strlen(from) + strlen(to) + 1;
	char *out = malloc(n);
	assert_non_null(out);
	(void)snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return out;
}

struct json_case {
	const char *name;
	const char *from, *to; /* in the good text; NULL: as it is */
	enum assay_code code;
	const char *words;
};

static inline void
check_json_cases(parse_once *parse, const char *good, const struct json_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		const char *from = cases[i].from == NULL ? "" : cases[i].from;
		const char *to = cases[i].to == NULL ? "" : cases[i].to;
		char *text = replaced(good, from, to);
		enum assay_code rc = parse(assay_bytes_of(text), &err);
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
		free(text);
	}
}

static void *
counted_malloc(size_t size)
{
	return malloc(size);
}

/* The n-th allocation fails, for every n, jansson's among them: refused with a sentence, and (by
 * the sanitizers) nothing is lost. jansson itself calls some of its failures a syntax error. */
static inline void
check_allocations(parse_once *parse, struct assay_bytes good)
{
	struct assay_error err = { ASSAY_OK, "" };
	size_t nomem = 0;

	json_set_alloc_funcs(counted_malloc, free);
	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		enum assay_code rc = parse(good, &err);
		if (!alloc_failed()) {
			assert_int_equal(rc, ASSAY_OK);
			assert_true(n > 20);
			break;
		}
		assert_true(rc == ASSAY_E_NOMEM || rc == ASSAY_E_FORMAT);
		nomem += rc == ASSAY_E_NOMEM;
		expect_sentence(rc, &err);
	}
	assert_true(nomem > 5);
	json_set_alloc_funcs(malloc, free);
}

#endif
