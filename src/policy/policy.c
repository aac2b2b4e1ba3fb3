/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include <string.h>

#include "core/checks.h"
#include "policy/rule.h"
#include "policy/value.h"
#include "verify/tee.h"

enum { SENTENCE = 240 };

/* --- the built-in ones --------------------------------------------------------------------------- */

const struct assay_policy *
assay_policy_builtin(const char *name)
{
	for (size_t i = 0; assay_policies[i] != NULL; i++)
		if (strcmp(assay_policies[i]->name, name) == 0)
			return assay_policies[i];
	return NULL;
}

size_t
assay_policy_builtin_count(void)
{
	size_t n = 0;

	while (assay_policies[n] != NULL)
		n++;
	return n;
}

const char *
assay_policy_builtin_name(size_t i)
{
	return i < assay_policy_builtin_count() ? assay_policies[i]->name : NULL;
}

const char *
assay_policy_name(const struct assay_policy *policy)
{
	return policy->name;
}

const char *
assay_policy_title(const struct assay_policy *policy)
{
	return policy->title;
}

const char *
assay_policy_text(const struct assay_policy *policy)
{
	return policy->text;
}

size_t
assay_policy_rule_count(const struct assay_policy *policy)
{
	return policy->rule_count;
}

/* --- values ---------------------------------------------------------------------------------------- */

int
assay_value_compare(const char *store, const struct value *a, struct assay_bytes bytes,
    uint64_t number, bool is_bytes)
{
	if (!is_bytes)
		return a->number < number ? -1 : a->number > number ? 1 : 0;
	size_t shorter = a->len < bytes.len ? a->len : bytes.len;
	int c = shorter > 0 ? memcmp(store + a->at, bytes.ptr, shorter) : 0;
	return c != 0 ? c : a->len < bytes.len ? -1 : a->len > bytes.len ? 1 : 0;
}

bool
assay_value_in(const char *store, const struct value *values, size_t count, bool is_bytes,
    struct assay_bytes bytes, uint64_t number)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = assay_value_compare(store, &values[middle], bytes, number, is_bytes);
		if (c == 0)
			return true;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Claims as a rule sees them: one of them may be supposed to be otherwise. */
struct seen {
	const struct assay_claims *claims;
	size_t claim;
	enum assay_change change; /* ASSAY_CHANGE_NONE: they are as they are */
};

static enum assay_change
change_of(const struct seen *seen, const struct term *term)
{
	return seen->claim == term->claim ? seen->change : ASSAY_CHANGE_NONE;
}

static bool
has(const struct seen *seen, const struct term *term)
{
	return change_of(seen, term) != ASSAY_CHANGE_REMOVED &&
	    assay_claims_has(seen->claims, term->claim);
}

/* --- one comparison ---------------------------------------------------------------------------------- */

static uint64_t
changed(uint64_t number, enum assay_change change, enum assay_type type)
{
	switch (change) {
	case ASSAY_CHANGE_OTHER:
		return type == ASSAY_TYPE_BOOL ? 1 - number : ~number;
	case ASSAY_CHANGE_LOWER:
		return number - 1;
	case ASSAY_CHANGE_HIGHER:
		return number + 1;
	case ASSAY_CHANGE_NONE:
	case ASSAY_CHANGE_REMOVED:
		break;
	}
	return number;
}

/* Every entry, or none, is in the set. An entry that is only supposed is in no set. */
static bool
list_holds(const struct assay_policy *p, const struct term *t, const struct seen *seen)
{
	bool all = t->op == OP_ALL_IN;

	if (all && change_of(seen, t) == ASSAY_CHANGE_OTHER)
		return false;
	for (size_t i = 0; i < assay_claims_list_count(seen->claims, t->claim); i++) {
		struct assay_bytes entry =
		    assay_bytes_of(assay_claims_list_at(seen->claims, t->claim, i));
		if (assay_value_in(p->store, p->values + t->first, t->count, true, entry, 0) != all)
			return false;
	}
	return true;
}

/* What is not there holds for nothing, not even for `!=` and `not in`. */
static bool
holds(const struct assay_policy *p, const struct term *t, const struct seen *seen)
{
	enum assay_type type = assay_schema_type(t->claim);
	bool is_bytes = type == ASSAY_TYPE_TEXT || type == ASSAY_TYPE_BYTES;
	const struct value *first = p->values + t->first;

	if (!has(seen, t))
		return false;
	if (type == ASSAY_TYPE_LIST)
		return list_holds(p, t, seen);
	struct literal got = assay_literal_of(seen->claims, t->claim);
	if (!is_bytes)
		got.number = changed(got.number, change_of(seen, t), type) & t->mask;
	bool in = assay_value_in(p->store, first, t->count, is_bytes, got.bytes, got.number);
	if (is_bytes && change_of(seen, t) == ASSAY_CHANGE_OTHER)
		in = false;
	switch ((enum operator)t->op) {
	case OP_EQUAL:
	case OP_IN:
		return in;
	case OP_DIFFERENT:
	case OP_NOT_IN:
		return !in;
	case OP_LESS:
		return got.number < first->number;
	case OP_AT_MOST:
		return got.number <= first->number;
	case OP_MORE:
		return got.number > first->number;
	case OP_AT_LEAST:
		return got.number >= first->number;
	case OP_ALL_IN:
	case OP_NONE_IN:
		break;
	}
	return false;
}

/* One comparison is enough. *untold: none holds, and it could be otherwise if the TCB status, which
 * needs more than the evidence, could be told. */
static bool
rule_holds(
    const struct assay_policy *p, const struct rule *rule, const struct seen *seen, bool *untold)
{
	bool missing = false;

	*untold = false;
	for (size_t i = 0; i < rule->term_count; i++) {
		const struct term *t = &p->terms[rule->first_term + i];
		if (holds(p, t, seen))
			return true;
		if (t->claim == CLAIM_TCB_STATUS && !has(seen, t) &&
		    seen->claims->tee->untold != NULL)
			missing = true;
	}
	*untold = missing && !rule->prefer;
	return false;
}

/* --- what a rule saw ----------------------------------------------------------------------------------- */

struct sentence {
	char text[SENTENCE];
	size_t len;
};

static void add(struct sentence *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Cut where the room ends. */
static void
add(struct sentence *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(s->text + s->len, sizeof s->text - s->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		s->len =
		    (size_t)n < sizeof s->text - s->len ? s->len + (size_t)n : sizeof s->text - 1;
}

/* The parts of the TCB that are short, as "snp 8 < 22" or as "snp is 8, wants 22": only whole ones, the
 * rest are among the claims. */
static void
add_short(struct sentence *s, const struct assay_claims *claims, bool words)
{
	for (size_t i = 0; i < assay_claims_short_count(claims); i++) {
		struct assay_shortfall part = assay_claims_short_at(claims, i);
		size_t before = s->len;
		add(s, words ? "%s%s is %llu, wants %llu" : "%s%s %llu < %llu", i > 0 ? ", " : "",
		    part.part, (unsigned long long)part.got, (unsigned long long)part.want);
		if (s->len == sizeof s->text - 1) {
			s->len = before;
			s->text[before] = '\0';
			return;
		}
	}
}

/* The words of a rule, in which {} is the value, {short} and {wants} the parts of the TCB that are
 * short. */
static void
add_words(struct sentence *s, const struct assay_policy *p, const struct rule *rule,
    const struct assay_claims *claims, const char *words)
{
	const struct term *t = &p->terms[rule->first_term];
	char value[120];

	while (*words != '\0') {
		size_t n = strcspn(words, "{");
		add(s, "%.*s", (int)n, words);
		words += n;
		if (strncmp(words, "{}", 2) == 0) {
			assay_literal_say(value, sizeof value, claims, t->claim, t->hex);
			add(s, "%s", value);
			words += 2;
		} else if (strncmp(words, "{short}", 7) == 0) {
			add_short(s, claims, false);
			words += 7;
		} else if (strncmp(words, "{wants}", 7) == 0) {
			add_short(s, claims, true);
			words += 7;
		} else if (*words != '\0') {
			add(s, "%c", *words++);
		}
	}
	while (s->len > 0 && strchr(": ", s->text[s->len - 1]) != NULL) /* nothing was short */
		s->text[--s->len] = '\0';
}

/* "tcb.status is OutOfDate" for each comparison. */
static void
add_values(struct sentence *s, const struct assay_policy *p, const struct rule *rule,
    const struct seen *seen, bool passed)
{
	char value[120];

	for (size_t i = 0; i < rule->term_count; i++) {
		const struct term *t = &p->terms[rule->first_term + i];
		if (passed && !holds(p, t, seen))
			continue;
		if (!has(seen, t)) {
			add(s, "%sthe evidence does not make the claim %s", i > 0 ? ", " : "",
			    assay_schema_name(t->claim));
			continue;
		}
		assay_literal_say(value, sizeof value, seen->claims, t->claim, t->hex);
		add(s, "%s%s is %s", i > 0 && !passed ? ", " : "", assay_schema_name(t->claim),
		    value);
		if (passed)
			return;
	}
}

static void
say(struct sentence *s, const struct assay_policy *p, const struct rule *rule,
    const struct seen *seen, bool passed)
{
	bool absent = !passed && !has(seen, &p->terms[rule->first_term]);
	uint32_t words = passed ? rule->passed : absent ? rule->absent : rule->failed;

	if (rule->check == NO_CHECK)
		add(s, "%s:%u: ", p->shown, rule->line);
	if (words != 0)
		add_words(s, p, rule, seen->claims, p->store + words);
	else
		add_values(s, p, rule, seen, passed);
	if (words == 0 && !passed && rule->check == NO_CHECK)
		add(s, "; want %s", p->store + rule->expression);
}

/* --- judging ------------------------------------------------------------------------------------------- */

/* The bit of a TEE; 0 for one that is in no list. */
static uint32_t
bit_of(const struct assay_tee *tee)
{
	for (size_t i = 0; assay_tees[i] != NULL; i++)
		if (assay_tees[i] == tee)
			return UINT32_C(1) << i;
	return 0;
}

static bool
applies(const struct rule *rule, uint32_t tee)
{
	return rule->tees == TEES_ANY || (rule->tees & tee) != 0;
}

static void
judge_rule(struct assay_checks *checks, const struct assay_policy *p, const struct rule *rule,
    const struct seen *seen)
{
	const struct term *t = &p->terms[rule->first_term];
	struct sentence s = { .text = "" };
	bool untold, passed = rule_holds(p, rule, seen, &untold);
	struct check_rule row = { .check = rule->check,
		.claim = assay_schema_name(t->claim),
		.category = rule->category,
		.outcome = passed  ? ASSAY_PASS
		    : rule->prefer ? ASSAY_WARNING
				   : ASSAY_FAIL };

	if (untold) {
		row.outcome = ASSAY_SKIPPED;
		row.detail = seen->claims->tee->untold(seen->claims, &row.what, &row.which);
		row.kept = true;
		assay_check_rule(checks, &row);
		return;
	}
	/* What always passes with the same words is not made anew each time. */
	const char *words = p->store + rule->passed;
	if (passed && p->builtin && rule->passed != 0 && strchr(words, '{') == NULL) {
		row.kept = true;
		row.detail = words;
	} else {
		say(&s, p, rule, seen, passed);
		row.detail = s.text;
	}
	if (!passed && t->claim == CLAIM_TCB_STATUS)
		row.fix = assay_claims_status_fix(seen->claims->status);
	assay_check_rule(checks, &row);
}

enum assay_code
assay_policy_check(struct assay_checks *checks, const struct assay_policy *policy,
    const struct assay_claims *claims, struct assay_error *err)
{
	const struct seen seen = { .claims = claims, .change = ASSAY_CHANGE_NONE };
	uint32_t tee = bit_of(claims->tee);

	if (policy->tees != TEES_ANY && tee == 0) /* undetermined already, and here once more */
		assay_check_need(checks, CHECK_POLICY_TEE, "", "",
		    "cannot be told of evidence of an unknown kind");
	else if (policy->tees != TEES_ANY && (policy->tees & tee) == 0)
		assay_check_fail(checks, CHECK_POLICY_TEE, ASSAY_E_POLICY,
		    "the policy %s has no section for %s: it refuses what it does not speak of",
		    assay_quote(assay_bytes_of(policy->name)).text, claims->tee->name);
	for (size_t i = 0; i < policy->rule_count; i++)
		if (applies(&policy->rules[i], tee))
			judge_rule(checks, policy, &policy->rules[i], &seen);
	return assay_checks_conclude(checks, err);
}

/* --- supposing ------------------------------------------------------------------------------------------- */

static bool
can_change(const struct assay_claims *claims, size_t claim, enum assay_change change)
{
	enum assay_type type = assay_schema_type(claim);
	bool ordered = type == ASSAY_TYPE_UINT || type == ASSAY_TYPE_TIME;

	if (change == ASSAY_CHANGE_LOWER)
		return ordered && assay_literal_of(claims, claim).number > 0;
	if (change == ASSAY_CHANGE_HIGHER)
		return ordered && assay_literal_of(claims, claim).number < UINT64_MAX;
	return (unsigned)change <= ASSAY_CHANGE_OTHER;
}

enum assay_code
assay_policy_suppose(const struct assay_policy *policy, const struct assay_claims *claims,
    size_t claim, enum assay_change change)
{
	const struct seen seen = { claims, claim, change };
	uint32_t tee = bit_of(claims->tee);
	enum assay_code rc = ASSAY_OK;
	bool untold;

	if (!assay_claims_has(claims, claim) || !can_change(claims, claim, change))
		return ASSAY_E_USAGE;
	/* Of another TEE nothing is known that a section could be right about. */
	if (policy->tees != TEES_ANY &&
	    ((policy->tees & tee) == 0 || (claim == CLAIM_TEE && change != ASSAY_CHANGE_NONE)))
		return ASSAY_E_POLICY;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		if (!applies(rule, tee) || rule->prefer || rule_holds(policy, rule, &seen, &untold))
			continue;
		if (!untold)
			return ASSAY_E_POLICY;
		rc = ASSAY_E_INCOMPLETE;
	}
	return rc;
}
