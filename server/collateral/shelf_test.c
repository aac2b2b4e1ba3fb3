/* SPDX-License-Identifier: Apache-2.0 */
/* Which VCEK goes for another one. */
#include "shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../kbs/base64.h"
#include "platforms/platforms.h"

#define KEY           "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define TICKET(epoch) "{\"epoch\":" #epoch ",\"key\":\"" KEY "\"}"

enum { NOW = 1790000000, CHIPS = 10 };

struct bed {
	char *pem[CHIPS];
	char key[CHIPS][WANT_NAME];
	struct view *view;
	struct shelf *shelf;
};

static void
chip_make(struct bed *b, size_t i)
{
	struct sim *sim = sim_new(i + 1);
	struct sim_snp snp;
	struct sim_output out = { .item_count = 0 };
	struct buffer pem = { .len = 0 };
	struct assay_trust *trust;
	struct assay_error err;
	struct want w;

	sim_snp_new(&snp, sim, SIM_MILAN, 3, false, NOW, 30 * SIM_DAY);
	sim_snp_write(&snp, &out);
	const struct sim_bytes *leaf = sim_output_item(&out, "vcek.der");
	shelf_put_pem(&pem, "CERTIFICATE", (struct assay_bytes){ leaf->ptr, leaf->len });
	b->pem[i] = buffer_take(&pem);
	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	assert_int_equal(assay_trust_add(trust, bytes_of(b->pem[i]), "leaf", NULL, &err), ASSAY_OK);
	assert_true(want_of_item(&w, trust, 0));
	assert_int_equal(w.thing, THING_VCEK);
	shelf_key(b->key[i], &w);
	assay_trust_free(trust);
	sim_free(sim);
}

static void
put_base64(struct buffer *json, const char *text)
{
	char *out = malloc(2 * strlen(text) + 8);

	assert_non_null(out);
	base64_encode(out, bytes_of(text));
	buffer_put(json, out);
	free(out);
}

/* A new view has the chips named in there, small letters for fetched ones, capital for pushed ones. */
static void
look(struct bed *b, const char *there, int64_t now)
{
	struct buffer json = { .len = 0 };
	struct assay_error err = { .text = "" };
	struct view *view;
	struct shelf *shelf;

	buffer_put(&json,
	    "{\"generation\":1,\"node\":\"n\",\"issuer\":\"i\",\"audience\":\"a\",\"ticket_life_"
	    "s\":9,"
	    "\"token_life_s\":9,\"sample\":false,\"jwks\":{\"keys\":[]},\"tickets\":[" TICKET(
		1) "," TICKET(2) "," TICKET(3) "],\"collateral\":[");
	for (const char *p = there; *p != '\0'; p++) {
		bool fetched = *p >= 'a';
		size_t chip = (size_t)(*p - (fetched ? 'a' : 'A'));
		buffer_put(&json, p > there ? ",{\"name\":\"" : "{\"name\":\"");
		buffer_put(&json, b->key[chip]);
		buffer_put(&json, "\",\"bytes\":\"");
		put_base64(&json, b->pem[chip]);
		buffer_put(&json, fetched ? "\",\"fetched\":true}" : "\"}");
	}
	buffer_put(&json, "]}");
	view = view_read(buffer_bytes(&json), NULL, 0, NULL, NOW, &err);
	if (view == NULL)
		fail_msg("%s", err.text);
	buffer_clear(&json);
	shelf = shelf_new(view->trust);
	assert_non_null(shelf);
	assert_int_equal(shelf->count, strlen(there));
	shelf_settle(shelf, view, b->shelf, now);
	shelf_free(b->shelf);
	view_drop(b->view);
	b->shelf = shelf;
	b->view = view;
}

static void
bed_make(struct bed *b)
{
	*b = (struct bed){ .view = NULL };
	for (size_t i = 0; i < CHIPS; i++)
		chip_make(b, i);
}

static void
bed_clear(struct bed *b)
{
	shelf_free(b->shelf);
	view_drop(b->view);
	for (size_t i = 0; i < CHIPS; i++)
		free(b->pem[i]);
}

/* The letter of what goes; '-': nothing. */
static char
goes(struct bed *b, size_t coming, size_t most)
{
	const char *key = shelf_make_place(b->shelf, coming, most);

	for (size_t i = 0; key != NULL && i < CHIPS; i++)
		if (strcmp(b->key[i], key) == 0)
			return (char)('a' + (int)i);
	return key == NULL ? '-' : '?';
}

static void
use(struct bed *b, char chip, int64_t now)
{
	shelf_use(b->shelf, b->key[chip - 'a'], now);
}

/* Of those that were used the one that was not for longest, and never one that was pushed. */
static void
test_longest_unused(void **state)
{
	struct bed b;

	(void)state;
	bed_make(&b);
	look(&b, "abcdEF", NOW);
	use(&b, 'c', NOW + 1);
	use(&b, 'a', NOW + 2);
	use(&b, 'd', NOW + 3);
	use(&b, 'a', NOW + 4);
	assert_int_equal(goes(&b, 0, 5), '-'); /* there is room for one more */
	assert_int_equal(goes(&b, 0, 4), 'b');
	assert_int_equal(goes(&b, 0, 4), '-'); /* it is leaving */
	assert_int_equal(goes(&b, 1, 4), 'c'); /* and one is coming */
	assert_int_equal(goes(&b, 2, 4), 'd');
	assert_int_equal(goes(&b, 3, 4), 'a');
	assert_int_equal(goes(&b, 4, 4), '-'); /* only what was pushed is left */
	look(&b, "acdEF", NOW + 5);            /* times are kept from view to view */
	assert_int_equal(goes(&b, 0, 3), 'c');
	look(&b, "adEF", NOW + 5);
	assert_int_equal(goes(&b, 0, 2), 'd');
	use(&b, 'j', NOW + 6); /* not there */
	bed_clear(&b);
}

/* However many a stranger has fetched: of those that a fleet uses, three quarters of the places stay. */
static void
test_flood(void **state)
{
	struct bed b;

	(void)state;
	bed_make(&b);
	look(&b, "abcdefgh", NOW);
	for (char chip = 'a'; chip <= 'h'; chip++)
		use(&b, chip, NOW + 1 + (chip - 'a'));
	assert_int_equal(goes(&b, 0, 8), 'a');
	look(&b, "bcdefghi", NOW + 20); /* i came, and verified nothing yet: it stays a while, */
	assert_int_equal(goes(&b, 0, 8), 'b');
	look(&b, "cdefghij", NOW + 21); /* as j does; from now on the oldest of these goes */
	assert_int_equal(goes(&b, 0, 8), 'i');
	look(&b, "acdefghj", NOW + 22);
	assert_int_equal(goes(&b, 0, 8), 'j');
	look(&b, "abcdefgh", NOW + 23);
	assert_int_equal(goes(&b, 0, 8), 'a');
	look(&b, "bcdefghi", NOW + 24);
	use(&b, 'b', NOW + 25); /* one of a machine of the fleet: an unused one is left, i */
	assert_int_equal(goes(&b, 0, 8), 'c');
	bed_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_unused),
		cmocka_unit_test(test_flood),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("shelf", tests, NULL, NULL);
}
