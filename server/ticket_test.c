/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1795250000, LIFE = 300 };
static const uint8_t master[32] = { 1, 2, 3 };

static struct ticket_keys
keys_at(uint32_t epoch)
{
	struct ticket_keys keys;

	for (uint32_t i = 0; i < 3; i++) {
		keys.epoch[i] = epoch - 1 + i;
		assert_true(ticket_key_derive(keys.key[i], master, keys.epoch[i]));
	}
	return keys;
}

static void
make(uint8_t out[TICKET_SIZE], struct ticket *t, int64_t issued)
{
	struct ticket_keys keys = keys_at((uint32_t)(issued / TICKET_EPOCH_S));

	*t = (struct ticket){
		.protocol = PROTOCOL_0_4_0, .tee = 3, .hash = HASH_SHA512, .issued = issued
	};
	assert_true(ticket_make(out, t, &keys));
}

static void
test_whole(void **context)
{
	struct ticket_keys keys = keys_at(NOW / TICKET_EPOCH_S);
	struct ticket t, back;
	uint8_t raw[TICKET_SIZE], other[TICKET_SIZE];
	uint8_t nonce[TICKET_NONCE], nonce2[TICKET_NONCE];

	(void)context;
	make(raw, &t, NOW);
	assert_int_equal(ticket_read(&back, raw, &keys, NOW, LIFE), TICKET_GOOD);
	assert_int_equal(back.protocol, PROTOCOL_0_4_0);
	assert_int_equal(back.tee, 3);
	assert_int_equal(back.hash, HASH_SHA512);
	assert_int_equal(back.epoch, NOW / TICKET_EPOCH_S);
	assert_true(back.issued == NOW);
	assert_memory_equal(back.id, t.id, TICKET_ID);

	/* The nonce belongs to the ticket, and is not its tag. */
	assert_true(ticket_nonce(nonce, raw, &keys));
	assert_true(ticket_nonce(nonce2, raw, &keys));
	assert_memory_equal(nonce, nonce2, TICKET_NONCE);
	assert_memory_not_equal(nonce, raw + 32, TICKET_NONCE);
	make(other, &t, NOW);
	assert_memory_not_equal(other, raw, TICKET_SIZE);
	assert_true(ticket_nonce(nonce2, other, &keys));
	assert_memory_not_equal(nonce, nonce2, TICKET_NONCE);
}

static void
test_forged(void **context)
{
	struct ticket_keys keys = keys_at(NOW / TICKET_EPOCH_S);
	struct ticket t, back;
	uint8_t raw[TICKET_SIZE];

	(void)context;
	make(raw, &t, NOW);
	for (size_t bit = 0; bit < 8 * TICKET_SIZE; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(ticket_read(&back, raw, &keys, NOW, LIFE), TICKET_FORGED);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	memset(keys.key, 0, sizeof keys.key);
	assert_int_equal(ticket_read(&back, raw, &keys, NOW, LIFE), TICKET_FORGED);
}

static void
test_times(void **context)
{
	static const struct {
		int64_t after;
		enum ticket_fault fault;
	} cases[] = { { 0, TICKET_GOOD }, { LIFE - 1, TICKET_GOOD }, { LIFE, TICKET_EXPIRED },
		{ 100000, TICKET_EXPIRED }, { -30, TICKET_GOOD }, { -31, TICKET_FUTURE },
		{ -100000, TICKET_FUTURE } };
	struct ticket_keys keys = keys_at(NOW / TICKET_EPOCH_S);
	struct ticket t, back;
	uint8_t raw[TICKET_SIZE];

	(void)context;
	make(raw, &t, NOW);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&back, 0, sizeof back);
		assert_int_equal(
		    ticket_read(&back, raw, &keys, NOW + cases[i].after, LIFE), cases[i].fault);
		assert_memory_equal(back.id, t.id, TICKET_ID);
	}
}

/* Neighbouring epochs have keys; farther ones have none, and each has its own. */
static void
test_epochs(void **context)
{
	struct ticket t, back;
	uint8_t raw[TICKET_SIZE], nonce[TICKET_NONCE];
	int64_t edge = (int64_t)(NOW / TICKET_EPOCH_S) * TICKET_EPOCH_S;

	(void)context;
	make(raw, &t, edge - 1);
	for (int away = -2; away <= 2; away++) {
		struct ticket_keys keys = keys_at((uint32_t)((edge - 1) / TICKET_EPOCH_S + away));
		bool near = away >= -1 && away <= 1;
		assert_int_equal(
		    ticket_read(&back, raw, &keys, edge, LIFE), near ? TICKET_GOOD : TICKET_FORGED);
		assert_int_equal(ticket_nonce(nonce, raw, &keys), near);
		t.issued = edge - 1;
		assert_int_equal(ticket_make(raw, &t, &keys), near);
	}
	t.issued = -1;
	assert_false(ticket_make(raw, &t, &(struct ticket_keys){ 0 }));
	struct ticket_keys wrong = keys_at(NOW / TICKET_EPOCH_S);
	wrong.epoch[0] = wrong.epoch[1]; /* the key of another hour */
	make(raw, &t, edge);
	assert_int_equal(ticket_read(&back, raw, &wrong, edge, LIFE), TICKET_FORGED);
}

/* RFC 5869 and RFC 2104, by another implementation (Python's hmac). */
static void
test_known(void **context)
{
	static const uint8_t want[TICKET_KEY] = { 0x1c, 0x01, 0x37, 0xcc, 0xb1, 0x60, 0x49, 0x41,
		0x7a, 0x9e, 0xd3, 0xa7, 0xae, 0x35, 0x2e, 0x9a, 0xd6, 0xb2, 0xd4, 0x2f, 0x6a, 0xb2,
		0xd1, 0x3c, 0x51, 0xc9, 0x0a, 0xfa, 0x82, 0xf4, 0x03, 0xb4 };
	uint8_t key[TICKET_KEY];

	(void)context;
	assert_true(ticket_key_derive(key, master, 0x01020304));
	assert_memory_equal(key, want, TICKET_KEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_known),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
