/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
words(void **state)
{
	static const struct {
		const char *text;
		bool good;
		int busy, stale, wrong;
		int64_t slow_ms;
	} cases[] = {
		{ "", true, 0, 0, 0, 0 },
		{ "busy:3", true, 3, 0, 0, 0 },
		{ "busy", true, 1, 0, 0, 0 },
		{ "busy:3,stale-generation,slow:500ms,wrong-nonce", true, 3, 1, FAULT_ALWAYS, 500 },
		{ "slow:2s,stale-generation:7,wrong-nonce:2", true, 0, 7, 2, 2000 },
		{ "slow:1m", true, 0, 0, 0, 60000 },
		{ "slow:0ms,busy:0", true, 0, 0, 0, 0 },
		{ "slow", false, 0, 0, 0, 0 },
		{ "slow:", false, 0, 0, 0, 0 },
		{ "slow:5", false, 0, 0, 0, 0 },
		{ "slow:-5s", false, 0, 0, 0, 0 },
		{ "slow:5d", false, 0, 0, 0, 0 },
		{ "slow:99999999999999999999s", false, 0, 0, 0, 0 },
		{ "busy:-1", false, 0, 0, 0, 0 },
		{ "busy: 1", false, 0, 0, 0, 0 },
		{ "busy:1x", false, 0, 0, 0, 0 },
		{ "busy:99999999999999999999", false, 0, 0, 0, 0 },
		{ "Busy", false, 0, 0, 0, 0 },
		{ ",", false, 0, 0, 0, 0 },
		{ "busy,,slow:1s", false, 0, 0, 0, 0 },
		{ "a-name-that-is-longer-than-any-fault-can-be-and-has-no-room-in-the-buffer",
		    false, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct faults f;
		char why[256] = "";
		assert_int_equal(fault_parse(&f, cases[i].text, why), cases[i].good);
		if (!cases[i].good) {
			assert_non_null(strstr(why, "is no fault; write busy:N"));
			continue;
		}
		assert_int_equal(f.busy, cases[i].busy);
		assert_int_equal(f.stale, cases[i].stale);
		assert_int_equal(f.wrong_nonce, cases[i].wrong);
		assert_int_equal(f.slow_ms, cases[i].slow_ms);
	}
}

static void
used_up(void **state)
{
	struct faults f;
	uint8_t data[64] = { 0 };
	char why[256];

	(void)state;
	assert_true(fault_parse(&f, "busy:2,stale-generation,wrong-nonce:1", why));
	assert_true(fault_busy(&f) && fault_busy(&f));
	assert_false(fault_busy(&f));
	assert_true(fault_stale(&f));
	assert_false(fault_stale(&f));
	fault_nonce(&f, data);
	assert_int_equal(data[0], 0xff);
	fault_nonce(&f, data);
	assert_int_equal(data[0], 0xff);
	assert_true(fault_parse(&f, "wrong-nonce", why));
	for (int i = 0; i < 100; i++)
		fault_nonce(&f, data);
	assert_int_equal(data[0], 0xff);
	fault_nonce(&f, data);
	assert_int_equal(data[0], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words), cmocka_unit_test(used_up) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
