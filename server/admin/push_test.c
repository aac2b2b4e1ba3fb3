/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two CRLs stays, when anybody can sign one and date it as he likes. */
#include "push_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../collateral/shelf.h"
#include "platforms/platforms.h"

enum { NOW = 1790000000, LATER = 1790000000 + SIM_DAY };

/* What is pushed: a PCK CRL, and whether the certificate of Intel's key comes with it. */
struct pushed {
	bool genuine, signer;
	int64_t since;
};

struct bed {
	struct sim *sim;
	struct sim_dcap dcap;
	struct assay_bytes root;
	struct view *view;
};

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static void
bed_make(struct bed *b)
{
	const struct push nothing = { .args = NULL };

	*b = (struct bed){ .sim = sim_new(1) };
	sim_dcap_new(&b->dcap, b->sim, true, 4, 0, true, NOW, 30 * SIM_DAY);
	b->root = bytes(sim_cert_write(b->sim, &b->dcap.root));
	b->view = view_after(&nothing, &b->root, 1, NOW);
}

static void
bed_clear(struct bed *b)
{
	view_drop(b->view);
	sim_free(b->sim);
}

static struct assay_bytes
make_crl(struct bed *b, const struct pushed *what)
{
	struct sim_crl crl = b->dcap.pck_crl;

	crl.this_update = what->since;
	crl.next_update = what->since + 30 * SIM_DAY;
	if (!what->genuine)
		crl.signer = sim_key(b->sim, SIM_P256, "nobody's");
	return bytes(sim_crl_write(b->sim, &crl));
}

/* Pushed at LATER; what is taken is in the next view. Of the CRL: "" if it was taken, else why not. */
static enum assay_code
push(struct bed *b, const struct pushed *what, char why[256])
{
	struct buffer body = { .len = 0 };
	struct assay_error err = { .text = "" };
	struct push push;

	shelf_put_pem(&body, "X509 CRL", make_crl(b, what));
	if (what->signer)
		shelf_put_pem(&body, "CERTIFICATE", bytes(sim_cert_write(b->sim, &b->dcap.pck_ca)));
	enum assay_code rc =
	    push_read(&push, b->view, &b->root, 1, buffer_bytes(&body), LATER, &err);
	json_t *told = json_array_get(json_object_get(push.answer, "items"), 0);
	const char *left = json_string_value(json_object_get(told, "why"));
	snprintf(why, 256, "%s", rc != ASSAY_OK ? err.text : left != NULL ? left : "");
	if (rc == ASSAY_OK && json_array_size(json_object_get(push.args, "items")) > 0) {
		view_drop(b->view);
		b->view = view_after(&push, &b->root, 1, LATER);
	}
	push_clear(&push);
	buffer_clear(&body);
	return rc;
}

static size_t
count_crls(const struct assay_trust *trust)
{
	size_t n = 0;

	for (size_t i = 0; i < assay_trust_count(trust); i++)
		n += strcmp(assay_trust_item_kind(trust, i), "PCK CRL") == 0;
	return n;
}

/* The second is pushed where the first is; then the one that stays is the only one. */
static void
test_place(void **state)
{
	static const struct {
		const char *name;
		struct pushed first, second;
		enum assay_code code;
		const char *words; /* "": it is taken */
	} cases[] = {
		{ "genuine after forged, which is newer", { false, false, LATER },
		    { true, true, NOW }, ASSAY_OK, "" },
		{ "forged after genuine, which waits for its signer", { true, false, NOW },
		    { false, false, LATER }, ASSAY_OK, "push its signer's certificate with it" },
		{ "newer after older, and neither has its signer", { true, false, NOW },
		    { true, false, LATER }, ASSAY_OK, "push its signer's certificate with it" },
		{ "forged after genuine with its signer", { true, true, NOW },
		    { false, false, LATER }, ASSAY_E_SIGNATURE, "is not signed by" },
		{ "newer after older", { true, true, NOW }, { true, false, LATER }, ASSAY_OK, "" },
		{ "older after newer", { true, true, LATER }, { true, false, NOW }, ASSAY_OK,
		    "a newer one is there" },
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bed b;
		bed_make(&b);
		assert_int_equal(push(&b, &cases[i].first, why), ASSAY_OK);
		assert_string_equal(why, "");
		enum assay_code rc = push(&b, &cases[i].second, why);
		if (rc != cases[i].code || strstr(why, cases[i].words) == NULL ||
		    (cases[i].words[0] == '\0') != (why[0] == '\0'))
			fail_msg("%s: %d %s", cases[i].name, (int)rc, why);
		struct assay_bytes want =
		    make_crl(&b, cases[i].words[0] == '\0' ? &cases[i].second : &cases[i].first);
		struct shelf *shelf = shelf_new(b.view->trust);
		const struct shelf_item *item = shelf_find(shelf, "pck_crl-platform.der");
		if (item == NULL || count_crls(b.view->trust) != 1)
			fail_msg("%s: %zu CRLs stay", cases[i].name, count_crls(b.view->trust));
		struct assay_bytes have = assay_trust_item_bytes(b.view->trust, item->i);
		if (have.len != want.len || memcmp(have.ptr, want.ptr, want.len) != 0)
			fail_msg("%s: the other one stays", cases[i].name);
		shelf_free(shelf);
		bed_clear(&b);
	}
}

/* Nobody signs ahead of his time; two clocks may be some minutes apart. */
static void
test_ahead(void **state)
{
	static const struct {
		int64_t ahead;
		enum assay_code code;
	} cases[] = { { 300, ASSAY_OK }, { 301, ASSAY_E_EXPIRED },
		{ 20LL * 365 * SIM_DAY, ASSAY_E_EXPIRED } };
	char why[256];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
		const struct pushed crl = { i % 2 == 0, i % 2 == 0, LATER + cases[i / 2].ahead };
		struct bed b;
		bed_make(&b);
		assert_int_equal(push(&b, &crl, why), cases[i / 2].code);
		if (cases[i / 2].code != ASSAY_OK)
			assert_non_null(strstr(why, "of a time that has not come yet"));
		bed_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_ahead),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
