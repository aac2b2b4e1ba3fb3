/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing in a SEV certificate names its signer: what a push may make a server try. */
#include "push_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "vectors.h"

enum { NOW = 1790000000, SEV_CERT = 2084, SLOT = 0x414, SLOT_SIZE = 0x208 };

/* A platform's real chain, to which anybody can add copies that differ in what nobody signed. */
struct chain {
	struct assay_bytes pdh, pek, cek;
};

static bool
chain_read(struct chain *c)
{
	c->pdh = vectors_read("sev/legacy/milan/pdh.cert");
	c->pek = vectors_read("sev/legacy/milan/pek.cert");
	c->cek = vectors_read("sev/legacy/milan/cek.cert");
	return c->cek.len == SEV_CERT;
}

static void
chain_free(struct chain *c)
{
	vectors_free(c->pdh);
	vectors_free(c->pek);
	vectors_free(c->cek);
}

/* The same with another mark in its last slot, which has to be of no one. */
static void
put_copy(struct buffer *out, struct assay_bytes cert, uint32_t mark)
{
	uint8_t copy[SEV_CERT];

	assert_int_equal(cert.len, sizeof copy);
	memcpy(copy, cert.ptr, sizeof copy);
	assert_int_equal(copy[SLOT + SLOT_SIZE + 1], 0x10);
	memcpy(copy + sizeof copy - sizeof mark, &mark, sizeof mark);
	buffer_add(out, (struct assay_bytes){ copy, sizeof copy });
}

/* PEKs that are no platform's: its key is another's, and so is the signature. */
static void
put_fakes(struct buffer *out, const struct chain *c, uint32_t count)
{
	uint8_t fake[SEV_CERT];

	memcpy(fake, c->pek.ptr, sizeof fake);
	memcpy(fake + 0x14, c->pdh.ptr + 0x14, 0x90);
	while (count-- > 0)
		put_copy(out, (struct assay_bytes){ fake, sizeof fake }, count);
}

static struct view *
view_with(const struct buffer *collateral)
{
	const struct push before = { .args = json_pack("{s:[{s:s, s:I}]}", "items", "name", "c",
					 "size", (json_int_t)collateral->len),
		.body = *collateral };
	struct view *view = view_after(&before, NULL, 0, NOW);

	json_decref(before.args);
	return view;
}

static double
cpu_s(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Each PDH is genuine, and finds its PEK behind as many fakes as may be tried. */
static void
test_many(void **state)
{
	enum { PDHS = 200, FAKES = 120 };
	struct chain c;
	struct buffer there = { .len = 0 }, body = { .len = 0 };
	struct assay_error err = { .text = "" };
	struct push push;

	(void)state;
	if (!chain_read(&c))
		skip();
	buffer_add(&there, c.cek);
	struct view *view = view_with(&there);
	for (uint32_t n = 0; n < PDHS; n++)
		put_copy(&body, c.pdh, n);
	put_fakes(&body, &c, FAKES);
	buffer_add(&body, c.pek);
	double before = cpu_s();
	assert_int_equal(
	    push_read(&push, view, NULL, 0, buffer_bytes(&body), NOW, &err), ASSAY_E_UNSUPPORTED);
	if (strstr(err.text, "push fewer platforms at once") == NULL)
		fail_msg("%s", err.text);
	print_message("# %.1f s\n", cpu_s() - before);
	push_clear(&push);
	view_drop(view);
	buffer_clear(&there);
	buffer_clear(&body);
	chain_free(&c);
}

/* However many platforms are there: the chain that is pushed is looked through first. */
static void
test_alone(void **state)
{
	enum { FAKES = 150 };
	struct chain c;
	struct buffer there = { .len = 0 }, body = { .len = 0 };
	struct assay_error err = { .text = "" };
	struct push push;

	(void)state;
	if (!chain_read(&c))
		skip();
	put_fakes(&there, &c, FAKES);
	buffer_add(&there, c.pek);
	buffer_add(&there, c.cek);
	struct view *view = view_with(&there);
	buffer_add(&body, c.pdh);
	assert_int_equal(
	    push_read(&push, view, NULL, 0, buffer_bytes(&body), NOW, &err), ASSAY_E_INCOMPLETE);
	if (strstr(err.text, "none of 128 signed this PDH") == NULL)
		fail_msg("%s", err.text);
	push_clear(&push);
	buffer_add(&body, c.pek);
	buffer_add(&body, c.cek);
	enum assay_code rc = push_read(&push, view, NULL, 0, buffer_bytes(&body), NOW, &err);
	if (rc != ASSAY_OK)
		fail_msg("%s", err.text);
	assert_true(json_is_true(
	    json_object_get(json_array_get(json_object_get(push.answer, "items"), 0), "taken")));
	push_clear(&push);
	view_drop(view);
	buffer_clear(&there);
	buffer_clear(&body);
	chain_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tries", tests, NULL, NULL);
}
