/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_POLICY_RULE_H
#define ASSAY_POLICY_RULE_H

/* What a policy is compiled to: plain tables, so that the built-in ones are constants of the library
 * (scripts/compile-policies.c prints them) and evaluating follows no pointer of a stranger's. */

#include <assay/policy.h>

#include "core/check_ids.h"

enum operator{
	OP_EQUAL,
	OP_DIFFERENT,
	OP_LESS,
	OP_AT_MOST,
	OP_MORE,
	OP_AT_LEAST,
	OP_IN,      /* the value is in the set */
	OP_NOT_IN,  /* it is not */
	OP_ALL_IN,  /* of a list: every entry is in the set */
	OP_NONE_IN, /* no entry is */
};

/* The limits of a policy. */
enum {
	POLICY_TEXT_MAX = 64 * 1024,
	POLICY_RULES_MAX = 128,
	POLICY_TERMS_MAX = 8,           /* of one rule, joined by `or` */
	POLICY_VALUES_MAX = 256 * 1024, /* of all sets together, as often as they are named */
	POLICY_STORE_MAX = 16 * 1024 * 1024,
	POLICY_WORD_MAX = 512,   /* of one word or string */
	POLICY_EXPRESSION = 160, /* how much of a rule is repeated in its row */
	POLICY_NAME_SHOWN = 48,
};

/* One literal: a number, or bytes of the store. */
struct value {
	uint64_t number;
	uint32_t at, len;
};

/* One comparison. */
struct term {
	uint64_t mask;         /* UINT64_MAX: the number as it is */
	uint32_t first, count; /* the values, in ascending order */
	uint16_t claim;        /* its place in the schema */
	uint8_t op;
	bool hex; /* how its number is shown */
};

enum { NO_CHECK = -1 };

/* Texts are places in the store; 0 is the empty text. */
struct rule {
	uint32_t tees; /* a bit for each of assay_tees[] */
	uint32_t first_term, term_count;
	uint32_t expression, passed, failed, absent;
	uint32_t line;
	int16_t check; /* an enum assay_check_id, or NO_CHECK */
	uint8_t category;
	bool prefer;
};

struct assay_policy {
	const char *name, *title, *text;
	const char *shown; /* the end of its name, in printable ASCII: what rows begin with */
	const struct rule *rules;
	const struct term *terms;
	const struct value *values;
	const char *store;
	uint32_t rule_count, term_count, value_count, store_len;
	uint32_t tees; /* those that it speaks of */
	bool builtin;  /* its texts outlive every list of checks */
};

/* All TEEs, and those that are not known as well. */
#define TEES_ANY UINT32_MAX

/* The built-in ones, from the files *.policy; NULL at the end. */
extern const struct assay_policy *const assay_policies[];

/* The order of values and sets, and the lookup in them. */
int assay_value_compare(const char *store, const struct value *a, struct assay_bytes bytes,
    uint64_t number, bool is_bytes);
bool assay_value_in(const char *store, const struct value *values, size_t count, bool is_bytes,
    struct assay_bytes bytes, uint64_t number);

/* AR4SI, the trust vector, in the order of its keys; NULL past the end. */
const char *assay_category_name(size_t i);

#endif
