/* SPDX-License-Identifier: Apache-2.0 */
#include "launches.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/checks.h"
#include "platforms/sev_proof.h"
#include "text.h"
#include "view.h"

/* Two signers, and what they say. */
struct bed {
	struct sim *sim;
	struct sim_sev sev;
	struct sim_launch own, forged; /* of the guest; a stranger's, which fits as well */
	char kid[ASSAY_KID_TEXT];      /* of the owner */
};

static void
bed_new(struct bed *b)
{
	struct sim_output out;
	struct assay_jwk *key = NULL;
	struct assay_error err;

	b->sim = sim_new(3);
	sim_sev_new(&b->sev, b->sim, "Milan", true);
	sim_sev_write(&b->sev, &out);
	sim_launch_new(&b->own, &b->sev);
	b->own.name = "guest";
	b->own.injected = sim_key(b->sim, SIM_P256, "guest");
	b->forged = b->own;
	b->forged.name = "forged";
	b->forged.signer = sim_key(b->sim, SIM_P256, "stranger");
	memset(b->forged.mnonce, 7, sizeof b->forged.mnonce);
	struct sim_bytes jwk = sim_launch_signer(b->sim, b->own.signer);
	assert_int_equal(
	    assay_jwk_parse(&key, (struct assay_bytes){ jwk.ptr, jwk.len }, &err), ASSAY_OK);
	assay_jwk_kid(b->kid, key);
	assay_jwk_free(key);
}

static struct assay_bytes
text_of(struct bed *b, const struct sim_launch *l)
{
	struct sim_bytes text = sim_launch_write(b->sim, l);

	return (struct assay_bytes){ text.ptr, text.len };
}

static struct launch_entry
entry(struct bed *b, const char *name, const struct sim_launch *l, bool vouched, int64_t created)
{
	struct launch_entry e = { .name = name, .created = created };
	struct assay_error err = { .text = "" };
	char kid[ASSAY_KID_TEXT];

	assert_int_equal(launches_read(&e.launch, text_of(b, l), NULL, &err), ASSAY_OK);
	if (vouched) {
		assay_jwk_kid(kid, assay_launch_signed_by(e.launch));
		assay_launch_free(e.launch);
		assert_int_equal(launches_read(&e.launch, text_of(b, l), kid, &err), ASSAY_OK);
	}
	assert_int_equal(assay_launch_trusted(e.launch), vouched);
	return e;
}

static char told[512];

static void
note(const struct launch_entry *e, const char *why)
{
	size_t n = strlen(told);

	(void)snprintf(told + n, sizeof told - n, "%s: %s; ", e->name, why);
}

/* Which are left, in their order. */
static void
settles(struct launch_entry *e, size_t count, const char *names, const char *why)
{
	char left[128] = "";

	told[0] = '\0';
	count = launches_settle(e, count, note);
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(left);
		(void)snprintf(left + n, sizeof left - n, "%s ", e[i].name);
		assay_launch_free(e[i].launch);
	}
	assert_string_equal(left, names);
	assert_string_equal(told, why);
}

#define TAKEN "another signer's launch record has its name already; "
#define TWICE "this launch is there under another name; "

static void
test_settle(void **context)
{
	struct bed b;

	(void)context;
	bed_new(&b);
	struct sim_launch thief = b.forged, again = b.own;
	thief.name = "guest"; /* the name, and the key of a guest of his own */
	thief.injected = sim_key(b.sim, SIM_P256, "the thief's guest");
	again.injected = sim_key(b.sim, SIM_P256, "launched again");
	memset(again.mnonce, 9, sizeof again.mnonce);
	settles(NULL, 0, "", "");
	struct launch_entry both[] = { entry(&b, "a", &thief, true, 20),
		entry(&b, "b", &b.own, true, 10) };
	settles(both, 2, "b ", "a: " TAKEN);
	struct launch_entry vouched[] = { entry(&b, "a", &thief, false, 5),
		entry(&b, "b", &b.own, true, 10) };
	settles(vouched, 2, "b ", "a: " TAKEN);
	struct launch_entry nobody[] = { entry(&b, "a", &thief, false, 5),
		entry(&b, "b", &b.own, false, 10) };
	settles(nobody, 2, "a ", "b: " TAKEN);
	/* One signer's guests may have one name, each launch once; the oldest is first. */
	struct launch_entry own[] = { entry(&b, "c", &b.own, false, 30),
		entry(&b, "a", &again, true, 20), entry(&b, "b", &b.own, true, 40),
		entry(&b, "d", &b.forged, true, 35) };
	settles(own, 4, "a d b ", "c: " TWICE);
	/* What did not count is not looked at again for the name behind it. */
	struct sim_launch behind = b.own;
	behind.name = "zebra";
	struct launch_entry names[] = { entry(&b, "a", &b.own, true, 10),
		entry(&b, "b", &b.own, true, 20), entry(&b, "c", &behind, true, 30),
		entry(&b, "d", &behind, true, 40) };
	settles(names, 4, "a c ", "b: " TWICE "d: " TWICE);
	sim_free(b.sim);
}

static void
test_clash(void **context)
{
	struct bed b;
	struct assay_error err;

	(void)context;
	bed_new(&b);
	struct sim_launch thief = b.forged, unfit = b.forged, unsigned_cek = b.forged;
	thief.name = "guest";
	thief.injected = sim_key(b.sim, SIM_P256, "the thief's guest");
	unsigned_cek.cek.slots[0] = (struct sim_sev_slot){ .usage = SIM_SEV_UNUSED };
	memset(unfit.digest, 0x5a, sizeof unfit.digest);
	const struct {
		const char *name;
		const struct sim_launch *of;
		bool vouched, was_vouched;
		const char *words; /* NULL: taken */
	} cases[] = {
		{ "web", &b.own, true, true, NULL }, /* the same again */
		{ "web", &b.own, false, true,
		    "\"web\", which was vouched for: push with --signer" },
		{ "other", &b.own, false, true, NULL }, /* settled in the view */
		{ "other", &b.own, true, true, NULL },
		{ "web", &b.forged, true, true, "it would replace the launch record \"web\"" },
		{ "web", &unfit, true, true, "it would replace the launch record \"web\"" },
		{ "other", &thief, true, true, "its name is that of the launch record \"web\"" },
		{ "other", &thief, false, true, "its name is that of the launch record \"web\"" },
		{ "other", &b.forged, true, true,
		    "its guest is that of the launch record \"web\"" },
		{ "other", &unsigned_cek, true, true,
		    "its guest is that of the launch record \"web\"" },
		{ "other", &unfit, true, true, NULL }, /* the evidence will tell */
		{ "web", &b.forged, true, false, NULL },
		{ "other", &thief, true, false, NULL },
		{ "other", &thief, false, false, "its name is that of the launch record" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct launch_entry old = entry(&b, "web", &b.own, cases[i].was_vouched, 10);
		struct launch_entry new =
		    entry(&b, cases[i].name, cases[i].of, cases[i].vouched, 20);
		const struct assay_launch *all[] = { old.launch };
		enum assay_code rc =
		    launches_clash(all, &old.name, 1, cases[i].name, new.launch, &err);
		print_message("# case %zu\n", i);
		assert_int_equal(rc, cases[i].words == NULL ? ASSAY_OK : ASSAY_E_POLICY);
		if (cases[i].words != NULL) {
			assert_non_null(strstr(err.text, cases[i].words));
			assert_true(cases[i].of == &b.own || strstr(err.text, b.kid) != NULL);
		}
		if (i == 0) {
			assert_int_equal(
			    launches_clash(all, &old.name, 1, "web", NULL, &err), ASSAY_E_POLICY);
			assert_int_equal(
			    launches_clash(all, &old.name, 1, "other", NULL, &err), ASSAY_OK);
			struct view view = {
				.launches = all, .launch_names = &old.name, .launch_count = 1
			};
			assert_int_equal(
			    check_reference(&view, "other", text_of(&b, &thief), NULL, &err),
			    ASSAY_E_POLICY);
			assert_int_equal(
			    check_reference(&view, "web", text_of(&b, &b.own), b.kid, &err),
			    ASSAY_OK);
			static const char values[] = "{\"reference_values\":1,\"values\":[]}";
			assert_int_equal(
			    check_reference(&view, "web",
				(struct assay_bytes){ (const uint8_t *)values, sizeof values - 1 },
				NULL, &err),
			    ASSAY_E_POLICY);
		}
		assay_launch_free(old.launch);
		assay_launch_free(new.launch);
	}
	char owner[ASSAY_KID_TEXT];
	assert_true(launches_owner(owner, text_of(&b, &b.own)));
	assert_string_equal(owner, b.kid);
	assert_false(launches_owner(owner, (struct assay_bytes){ (const uint8_t *)"{}", 2 }));
	sim_free(b.sim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_clash),
	};

	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
