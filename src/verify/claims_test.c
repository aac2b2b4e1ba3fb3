/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <assay/assay.h>

#include "vectors.h"
#include "verify/tee.h"

enum {
	NOW = 1751624324, /* 2025-07-04 */
	ADVISORIES_SEEN = 200,
};

/* A report of each TEE: how long, and of which version. */
static const struct body {
	const struct assay_tee *tee;
	size_t len;
	uint32_t version;
} bodies[] = {
	{ &assay_tee_sgx, 384, 0 },
	{ &assay_tee_tdx, 584, 0 },
	{ &assay_tee_tdx, 648, 0 },
	{ &assay_tee_snp, 1184, 2 },
	{ &assay_tee_snp, 1184, 3 },
	{ &assay_tee_snp, 1184, 5 },
	{ &assay_tee_sev, 208, 0 },
	{ &assay_tee_sev_es, 208, 0 },
	{ &assay_tee_sev, 0, 0 },
};
enum { BODIES = sizeof bodies / sizeof bodies[0] };

static uint8_t pattern[CLAIMS_BODY_MAX];

static struct assay_claims *
new_claims(const struct body *b)
{
	struct assay_claims *c = calloc(1, sizeof *c);

	assert_non_null(c);
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(0x80 | (i * 7 + i / 256));
	assay_claims_reset(c, b->tee, (struct assay_bytes){ pattern, b->len }, b->version);
	return c;
}

/* Every named claim, with a value that is not its type's zero. */
static void
claim_everything(struct assay_claims *c)
{
	static const char *list[] = { "SA-1", "SA-2" };
	const struct tcb_verdict verdict = { .advisories = list, .advisory_count = 2 };

	for (size_t i = 0; i < CLAIM_NAMED; i++)
		switch (assay_schema_type(i)) {
		case ASSAY_TYPE_BOOL:
			assay_claim_flag(c, (enum claim)i, true);
			break;
		case ASSAY_TYPE_UINT:
			assay_claim_number(c, (enum claim)i, 1000 + i);
			break;
		case ASSAY_TYPE_TIME:
			assay_claim_time(c, (enum claim)i, NOW);
			break;
		case ASSAY_TYPE_TEXT:
			assay_claim_text(c, (enum claim)i, assay_schema_name(i));
			break;
		case ASSAY_TYPE_BYTES:
			assay_claim_bytes(c, (enum claim)i, (struct assay_bytes){ pattern, 6 });
			break;
		case ASSAY_TYPE_LIST:
			assay_claim_advisories(c, &verdict);
			break;
		}
}

static size_t
place(const char *name)
{
	size_t i = 0;

	if (!assay_schema_find(name, &i))
		fail_msg("no claim %s", name);
	return i;
}

/* --- the schema ----------------------------------------------------------------------------- */

static bool
well_named(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.[]");

	return n > 0 && name[n] == '\0' && name[0] >= 'a' && strstr(name, "..") == NULL &&
	    name[n - 1] != '.';
}

/* One name is the object that the other is a member of: JSON has no room for both. */
static bool
is_object_of(const char *outer, const char *inner)
{
	size_t n = strlen(outer);

	return strncmp(outer, inner, n) == 0 && (inner[n] == '.' || inner[n] == '[');
}

static void
schema_is_whole(void **state)
{
	size_t count = assay_schema_count(), found;

	(void)state;
	assert_true(count > CLAIM_NAMED);
	for (size_t i = 0; i < count; i++) {
		const char *name = assay_schema_name(i);
		if (name == NULL)
			fail_msg("place %zu has no name", i);
		if (!well_named(name))
			fail_msg("%s is badly named", name);
		if (assay_schema_source(i) == NULL || assay_schema_source(i)[0] == '\0')
			fail_msg("%s has no source", name);
		if (assay_schema_type(i) < ASSAY_TYPE_BOOL ||
		    assay_schema_type(i) > ASSAY_TYPE_LIST)
			fail_msg("%s has no type", name);
		found = SIZE_MAX;
		if (!assay_schema_find(name, &found) || found != i)
			fail_msg("%s at %zu is found at %zu", name, i, found);
		for (size_t j = 0; j < count; j++)
			if (j != i &&
			    (strcmp(name, assay_schema_name(j)) == 0 ||
				is_object_of(name, assay_schema_name(j))))
				fail_msg("%s and %s clash", name, assay_schema_name(j));
	}
	assert_null(assay_schema_name(count));
	assert_null(assay_schema_source(count));
	assert_null(assay_schema_name(SIZE_MAX));
	found = 4711;
	assert_false(assay_schema_find("tdx.mr_tdx", &found));
	assert_false(assay_schema_find("", &found));
	assert_int_equal(found, 4711);
}

/* A raw TCB_VERSION is taken apart by named claims. */
static bool
taken_apart(const struct assay_field *f)
{
	static const char *const parts[] = { "reported_tcb", "current_tcb", "committed_tcb",
		"launch_tcb" };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (strcmp(f->name, parts[i]) == 0)
			return true;
	return false;
}

/* Every claim of bytes has a length, and what has one is a claim of bytes. */
static void
lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < assay_schema_count(); i++) {
		size_t n = 1;
		while (n <= CLAIMS_BODY_MAX && assay_schema_fit(i, UINT32_MAX, n) == 0)
			n++;
		if (assay_schema_type(i) == ASSAY_TYPE_BYTES && n > CLAIMS_BODY_MAX)
			fail_msg("%s has no length", assay_schema_name(i));
	}
	for (const struct assay_tee *const *t = assay_tees; *t != NULL; t++)
		for (const struct claim_size *s = (*t)->sizes; s->claim != NULL; s++) {
			assert_int_equal(assay_schema_type(place(s->claim)), ASSAY_TYPE_BYTES);
			assert_true(s->size > 0 && s->shorter < s->size);
		}
	assert_int_equal(assay_schema_fit(place("platform_id"), UINT32_MAX, 0), 0);
	assert_int_equal(assay_schema_fit(place("platform_id"), UINT32_MAX, 8), 64);
	assert_int_equal(assay_schema_fit(place("tdx.mr_td"), UINT32_MAX, 48), 48);
	assert_int_equal(assay_schema_fit(place("tdx.mr_td"), UINT32_MAX, 32), 0);
}

static void
schema_has_every_field(void **state)
{
	size_t i;

	(void)state;
	for (const struct assay_tee *const *t = assay_tees; *t != NULL; t++)
		for (const struct assay_field *f = (*t)->fields; f->name != NULL; f++) {
			bool there = assay_schema_find(f->claim, &i);
			if (there == taken_apart(f))
				fail_msg("%s is %s the schema", f->claim, there ? "in" : "not in");
			if (!there)
				continue;
			assert_int_equal(assay_schema_type(i),
			    f->width == ASSAY_RAW ? ASSAY_TYPE_BYTES : ASSAY_TYPE_UINT);
			assert_string_equal(assay_schema_source(i), f->manual);
			assert_int_equal(strncmp(f->claim, (*t)->object, strlen((*t)->object)), 0);
		}
	assert_string_equal(
	    assay_schema_name(place("snp.reported_tcb.microcode")), "snp.reported_tcb.microcode");
	assert_int_equal(place("snp.launch_tcb.microcode"), CLAIM_SNP_LAUNCH_TCB + 4);
}

/* --- reading -------------------------------------------------------------------------------- */

static void
expect_zero_but(const struct assay_claims *c, size_t i, unsigned type)
{
	const char *name = assay_schema_name(i);
	bool ok = (type == ASSAY_TYPE_BOOL || !assay_claims_bool(c, i)) &&
	    (type == ASSAY_TYPE_UINT || assay_claims_uint(c, i) == 0) &&
	    (type == ASSAY_TYPE_TIME || assay_claims_time(c, i) == 0) &&
	    (type == ASSAY_TYPE_TEXT || strcmp(assay_claims_text(c, i), "") == 0) &&
	    (type == ASSAY_TYPE_BYTES || assay_claims_bytes(c, i).len == 0) &&
	    (type == ASSAY_TYPE_LIST ||
		(assay_claims_list_count(c, i) == 0 &&
		    strcmp(assay_claims_list_at(c, i, 0), "") == 0));

	if (!ok)
		fail_msg("%s reads as something it is not", name != NULL ? name : "past the end");
}

/* Each claim reads as its own type, and as the zero value of all others. */
static void
types_are_kept_apart(void **state)
{
	(void)state;
	for (size_t b = 0; b < BODIES; b++) {
		struct assay_claims *c = new_claims(&bodies[b]);
		claim_everything(c);
		for (size_t i = 0; i < assay_schema_count(); i++) {
			bool own = assay_claims_has(c, i);
			if (i < CLAIM_NAMED)
				assert_true(own);
			expect_zero_but(c, i, own ? assay_schema_type(i) : 0);
		}
		assert_true(assay_claims_bool(c, CLAIM_DEBUG));
		assert_int_equal(assay_claims_uint(c, CLAIM_SVN), 1000 + CLAIM_SVN);
		assert_int_equal(assay_claims_time(c, CLAIM_TCB_DATE), NOW);
		assert_string_equal(assay_claims_text(c, CLAIM_TRUST_ROOT), "trust.root");
		assert_int_equal(assay_claims_bytes(c, CLAIM_SIGNER).len, 6);
		assert_memory_equal(assay_claims_bytes(c, CLAIM_SIGNER).ptr, pattern, 6);
		assert_int_equal(assay_claims_list_count(c, CLAIM_TCB_ADVISORIES), 2);
		assert_string_equal(assay_claims_list_at(c, CLAIM_TCB_ADVISORIES, 1), "SA-2");
		assert_string_equal(assay_claims_list_at(c, CLAIM_TCB_ADVISORIES, 2), "");
		assay_claims_free(c);
	}
}

static void
past_the_end_is_nothing(void **state)
{
	struct assay_claims *c = new_claims(&bodies[0]);

	(void)state;
	claim_everything(c);
	assert_false(assay_claims_has(c, assay_schema_count()));
	assert_false(assay_claims_has(c, SIZE_MAX));
	expect_zero_but(c, assay_schema_count(), 0);
	expect_zero_but(c, SIZE_MAX, 0);
	assert_string_equal(assay_claims_short_at(c, 0).part, "");
	assert_string_equal(assay_claims_short_at(c, SIZE_MAX).part, "");
	assay_claims_free(c);
}

/* What the evidence before said is gone, but for the name of the TEE. */
static void
reset_forgets(void **state)
{
	struct assay_claims *c = new_claims(&bodies[0]);

	(void)state;
	claim_everything(c);
	assay_claim_short(c, "part", 1, 2, 1);
	assay_claim_status(c, TCB_REVOKED);
	assay_claims_reset(c, &assay_tee_sev, (struct assay_bytes){ NULL, 0 }, 0);
	for (size_t i = 0; i < assay_schema_count(); i++) {
		assert_int_equal(assay_claims_has(c, i), i == CLAIM_TEE);
		expect_zero_but(c, i, i == CLAIM_TEE ? ASSAY_TYPE_TEXT : 0);
	}
	assert_string_equal(assay_claims_text(c, CLAIM_TEE), "sev");
	assert_int_equal(assay_claims_short_count(c), 0);
	assert_int_equal(c->status, TCB_NONE);
	assert_int_equal(assay_claims_field(c, "policy"), 0);
	assay_claims_free(c);
	assay_claims_free(NULL);
}

/* A report has the fields of its version and length, and of its own TEE. */
static void
newer_fields_are_absent(void **state)
{
	static const struct {
		const char *name;
		bool there[BODIES]; /* in the order of bodies */
	} rows[] = {
		{ "sgx.mr_enclave", { true } },
		{ "tdx.mr_td", { false, true, true } },
		{ "tdx.rtmr[3]", { false, true, true } },
		{ "tdx.tee_tcb_svn2", { false, false, true } },
		{ "tdx.mr_service_td", { false, false, true } },
		{ "snp.policy", { false, false, false, true, true, true } },
		{ "snp.cpuid_family", { false, false, false, false, true, true } },
		{ "snp.launch_mit_vector", { false, false, false, false, false, true } },
		{ "sev.policy", { false, false, false, false, false, false, true, true } },
	};

	(void)state;
	for (size_t b = 0; b < BODIES; b++) {
		struct assay_claims *c = new_claims(&bodies[b]);
		for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
			if (assay_claims_has(c, place(rows[r].name)) != rows[r].there[b])
				fail_msg("%s in body %zu", rows[r].name, b);
		for (const struct assay_field *f = bodies[b].tee->fields; f->name != NULL; f++) {
			bool there = (size_t)f->at + f->size <= bodies[b].len &&
			    (bodies[b].version == 0 || bodies[b].version >= f->since);
			if (!taken_apart(f) && assay_claims_has(c, place(f->claim)) != there)
				fail_msg("%s in body %zu", f->claim, b);
			if (f->width != ASSAY_RAW)
				assert_int_equal(assay_claims_field(c, f->name) != 0, there);
		}
		assert_int_equal(assay_claims_field(c, "no_such_field"), 0);
		assay_claims_free(c);
	}
}

/* --- limits --------------------------------------------------------------------------------- */

static void
full_store_drops_whole_claims(void **state)
{
	struct assay_claims *c = new_claims(&bodies[0]);
	uint8_t big[CLAIMS_STORE];
	char text[256];

	(void)state;
	memset(big, 0x5a, sizeof big);
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	size_t left = CLAIMS_STORE - c->stored;
	assay_claim_bytes(c, CLAIM_MEASUREMENT, (struct assay_bytes){ big, left + 1 });
	assert_false(assay_claims_has(c, CLAIM_MEASUREMENT));
	assay_claim_bytes(
	    c, CLAIM_MEASUREMENT, (struct assay_bytes){ big, left - sizeof text + 1 });
	assert_true(assay_claims_has(c, CLAIM_MEASUREMENT));
	assay_claim_text(c, CLAIM_TRUST_ROOT, text); /* short of the NUL's room by one */
	assert_false(assay_claims_has(c, CLAIM_TRUST_ROOT));
	assert_string_equal(assay_claims_text(c, CLAIM_TRUST_ROOT), "");
	assay_claim_text(c, CLAIM_TRUST_ROOT, text + 1);
	assert_string_equal(assay_claims_text(c, CLAIM_TRUST_ROOT), text + 1);
	assert_int_equal(c->stored, CLAIMS_STORE);

	assay_claim_bytes(c, CLAIM_SIGNER, (struct assay_bytes){ big, 1 });
	assert_false(assay_claims_has(c, CLAIM_SIGNER));
	assay_claim_text(c, CLAIM_BINDING, "");
	assert_false(assay_claims_has(c, CLAIM_BINDING));
	assay_claim_short(c, "part", 1, 2, 1);
	assert_int_equal(assay_claims_short_count(c), 0);
	assay_claim_number(c, CLAIM_SVN, 3); /* needs no store */
	assert_int_equal(assay_claims_uint(c, CLAIM_SVN), 3);
	assay_claim_status(c, TCB_REVOKED); /* its text is lost, the status is not */
	assert_int_equal(c->status, TCB_REVOKED);
	assert_string_equal(assay_claims_text(c, CLAIM_TEE), "sgx");
	assay_claims_free(c);
}

static void
advisories_and_shortfalls_are_bounded(void **state)
{
	struct assay_claims *c = new_claims(&bodies[1]);
	char names[ADVISORIES_SEEN][TCB_ADVISORY_TEXT_MAX];
	const char *list[ADVISORIES_SEEN];
	char part[16];

	(void)state;
	for (size_t i = 0; i < ADVISORIES_SEEN; i++) {
		(void)snprintf(names[i], sizeof names[i], "INTEL-SA-%05u%s", (unsigned)i,
		    i % 2 == 0 ? "" : "-and-more");
		list[i] = names[i];
	}
	assert_int_equal(strlen(names[1]) < TCB_ADVISORY_TEXT_MAX, true);
	struct tcb_verdict all = { .advisories = list, .advisory_count = CLAIMS_ADVISORIES_MAX };
	assay_claim_advisories(c, &all);
	assay_claim_advisories(c, &all); /* each once */
	assert_int_equal(assay_claims_list_count(c, CLAIM_TCB_ADVISORIES), CLAIMS_ADVISORIES_MAX);
	for (size_t i = 0; i < CLAIMS_ADVISORIES_MAX; i++)
		assert_string_equal(assay_claims_list_at(c, CLAIM_TCB_ADVISORIES, i), names[i]);
	assert_string_equal(
	    assay_claims_list_at(c, CLAIM_TCB_ADVISORIES, CLAIMS_ADVISORIES_MAX), "");
	/* A list that has lost one says nothing any more, whatever comes after. */
	struct tcb_verdict more = { .advisories = list + CLAIMS_ADVISORIES_MAX,
		.advisory_count = 1 };
	assay_claim_advisories(c, &more);
	assert_false(assay_claims_has(c, CLAIM_TCB_ADVISORIES));
	assay_claim_advisories(c, &all);
	assert_false(assay_claims_has(c, CLAIM_TCB_ADVISORIES));
	assert_int_equal(assay_claims_list_count(c, CLAIM_TCB_ADVISORIES), 0);

	for (unsigned i = 0; i < 2 * CLAIMS_SHORT_MAX; i++) {
		(void)snprintf(part, sizeof part, "part %u", i);
		assay_claim_short(c, part, i, i + 1, i + 2);
	}
	assert_int_equal(assay_claims_short_count(c), CLAIMS_SHORT_MAX);
	struct assay_shortfall last = assay_claims_short_at(c, CLAIMS_SHORT_MAX - 1);
	assert_string_equal(last.part, "part 39");
	assert_true(last.got == 39 && last.want == 40 && last.running == 41);
	assay_claims_free(c);
}

static void
overlong_body_is_no_body(void **state)
{
	struct assay_claims *c = new_claims(&bodies[0]);
	static uint8_t longer[CLAIMS_BODY_MAX + 1];

	(void)state;
	assay_claims_reset(c, &assay_tee_snp, (struct assay_bytes){ longer, sizeof longer }, 5);
	assert_false(assay_claims_has(c, place("snp.policy")));
	assay_claims_free(c);
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* The member at a path like "tdx.rtmr[0]", or NULL. */
static json_t *
member(json_t *at, const char *path)
{
	char name[64];

	while (at != NULL && *path != '\0') {
		if (*path == '[') {
			at = json_array_get(at, strtoul(path + 1, NULL, 10));
			path += strcspn(path, "]") + 1;
		} else {
			path += *path == '.';
			size_t n = strcspn(path, ".[");
			assert_true(n < sizeof name);
			memcpy(name, path, n);
			name[n] = '\0';
			at = json_object_get(at, name);
			path += n;
		}
	}
	return at;
}

static size_t
leaves(json_t *at, json_t *list)
{
	size_t n = 0;

	if (json_is_array(at) && at != list)
		for (size_t i = 0; i < json_array_size(at); i++)
			n += leaves(json_array_get(at, i), list);
	else if (json_is_object(at))
		for (void *i = json_object_iter(at); i != NULL; i = json_object_iter_next(at, i))
			n += leaves(json_object_iter_value(i), list);
	else
		n = 1;
	return n;
}

static void
expect_text(const char *name, json_t *got, const char *want)
{
	if (!json_is_string(got) || strcmp(json_string_value(got), want) != 0)
		fail_msg("%s is not \"%s\"", name, want);
}

static void
expect_claim(const struct assay_claims *c, size_t i, json_t *got)
{
	const char *name = assay_schema_name(i);
	char text[2 * CLAIMS_BODY_MAX + 1];

	switch (assay_schema_type(i)) {
	case ASSAY_TYPE_BOOL:
		assert_true(json_is_boolean(got));
		assert_int_equal(json_is_true(got), assay_claims_bool(c, i));
		return;
	case ASSAY_TYPE_UINT: /* 64-bit fields are hex text */
		if (json_is_string(got)) {
			(void)snprintf(text, sizeof text, "0x%016llx",
			    (unsigned long long)assay_claims_uint(c, i));
			expect_text(name, got, text);
			return;
		}
		if (!json_is_integer(got) ||
		    (uint64_t)json_integer_value(got) != assay_claims_uint(c, i))
			fail_msg(
			    "%s is not %llu", name, (unsigned long long)assay_claims_uint(c, i));
		return;
	case ASSAY_TYPE_TIME:
		assay_time_text(text, assay_claims_time(c, i));
		expect_text(name, got, text);
		return;
	case ASSAY_TYPE_TEXT:
		expect_text(name, got, assay_claims_text(c, i));
		return;
	case ASSAY_TYPE_BYTES:
		assay_hex(text, assay_claims_bytes(c, i));
		expect_text(name, got, text);
		return;
	case ASSAY_TYPE_LIST:
		assert_true(json_is_array(got));
		assert_int_equal(json_array_size(got), assay_claims_list_count(c, i));
		for (size_t n = 0; n < json_array_size(got); n++)
			expect_text(name, json_array_get(got, n), assay_claims_list_at(c, i, n));
		return;
	}
	fail_msg("%s has no type", name);
}

/* The JSON has the claims that are made, each as its type asks, and nothing else. */
static void
expect_json(const struct assay_claims *c)
{
	struct assay_error err = { ASSAY_OK, "" };
	json_error_t why;
	char *text = NULL;
	size_t made = 0;

	assert_int_equal(assay_claims_json(&text, c, &err), ASSAY_OK);
	assert_null(strpbrk(text, "\n\t"));
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	if (root == NULL)
		fail_msg("the claims are no JSON: %s", why.text);
	for (size_t i = 0; i < assay_schema_count(); i++) {
		json_t *got = member(root, assay_schema_name(i));
		if ((got != NULL) != assay_claims_has(c, i))
			fail_msg("%s: %s", assay_schema_name(i), got != NULL ? "extra" : "absent");
		if (got == NULL)
			continue;
		expect_claim(c, i, got);
		made++;
	}
	assert_int_equal(leaves(root, member(root, "tcb.advisories")), made);
	json_decref(root);
	free(text);
}

static void
json_is_the_claims(void **state)
{
	(void)state;
	for (size_t b = 0; b < BODIES; b++) {
		struct assay_claims *c = new_claims(&bodies[b]);
		expect_json(c);
		claim_everything(c);
		expect_json(c);
		/* What would break a careless writer. */
		assay_claim_text(c, CLAIM_SNP_CSP_ID, "a \"quoted\" \\ name");
		assay_claim_text(c, CLAIM_TRUST_ROOT, "Zertifikat f\xc3\xbcr alle");
		assay_claim_bytes(c, CLAIM_SIGNER, (struct assay_bytes){ NULL, 0 });
		assay_claim_time(c, CLAIM_COLLATERAL_EXPIRES, -1);
		expect_json(c);
		assay_claims_free(c);
	}
}

/* 53 bits is what most readers keep: whole 64-bit fields are text, whatever their value. */
static void
json_keeps_64_bits(void **state)
{
	struct assay_claims *c = new_claims(&bodies[1]);
	uint8_t zero[584] = { 0 };
	char *text = NULL;

	(void)state;
	assay_claims_reset(c, &assay_tee_tdx, (struct assay_bytes){ zero, sizeof zero }, 0);
	assert_int_equal(assay_claims_json(&text, c, NULL), ASSAY_OK);
	assert_non_null(strstr(text, "\"xfam\":\"0x0000000000000000\""));
	free(text);
	assay_claims_free(c);
}

struct seen {
	struct assay_trust *trust;
	struct assay_checks *checks;
	size_t judged;
};

static void
judge_vector(const char *path, struct assay_bytes file, void *context)
{
	struct seen *seen = context;
	struct assay_appraisal how = { .trust = seen->trust, .now = NOW };
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;

	(void)path;
	if (file.len == 0 || assay_evidence_parse(&ev, file, NULL) != ASSAY_OK)
		return;
	assay_checks_clear(seen->checks);
	enum assay_code rc = assay_evidence_verify(&claims, seen->checks, ev, &how, NULL);
	assert_int_equal(rc, assay_checks_verdict(seen->checks));
	expect_json(claims);
	assert_string_equal(assay_claims_text(claims, CLAIM_TEE), assay_evidence_tee(ev));
	seen->judged++;
	assay_claims_free(claims);
	assay_evidence_free(ev);
}

static void
vectors_make_claims(void **state)
{
	struct seen seen = { NULL, NULL, 0 };

	(void)state;
	assert_int_equal(assay_trust_new(&seen.trust, NULL), ASSAY_OK);
	assert_int_equal(assay_checks_new(&seen.checks, NULL), ASSAY_OK);
	vectors_each("dcap/quotes", judge_vector, &seen);
	vectors_each("sev", judge_vector, &seen);
	if (vectors_present())
		assert_true(seen.judged > 30);
	assay_checks_free(seen.checks);
	assay_trust_free(seen.trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_is_whole),
		cmocka_unit_test(lengths),
		cmocka_unit_test(schema_has_every_field),
		cmocka_unit_test(types_are_kept_apart),
		cmocka_unit_test(past_the_end_is_nothing),
		cmocka_unit_test(reset_forgets),
		cmocka_unit_test(newer_fields_are_absent),
		cmocka_unit_test(full_store_drops_whole_claims),
		cmocka_unit_test(advisories_and_shortfalls_are_bounded),
		cmocka_unit_test(overlong_body_is_no_body),
		cmocka_unit_test(json_is_the_claims),
		cmocka_unit_test(json_keeps_64_bits),
		cmocka_unit_test(vectors_make_claims),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
