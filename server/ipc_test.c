/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"

static struct assay_bytes
bytes(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, strlen(text) };
}

/* op 2, id 7, fields "abc", "", 0x0102030405060708 */
static const uint8_t known[] = { 0x1f, 0, 0, 0, 7, 0, 0, 0, 2, 0, 3, 0, 3, 0, 0, 0, 'a', 'b', 'c',
	0, 0, 0, 0, 8, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1 };

static void
test_form(void **context)
{
	uint8_t number[8];
	struct ipc_message m = { .id = 7, .op = 2, .count = 3 };
	struct ipc_message back;
	size_t len = 0;
	uint64_t n = 0;
	char text[4];

	(void)context;
	m.field[0] = bytes("abc");
	m.field[2] = ipc_u64(number, 0x0102030405060708);
	uint8_t *out = ipc_write(&len, &m);
	assert_non_null(out);
	assert_int_equal(len, sizeof known);
	assert_memory_equal(out, known, sizeof known);
	assert_int_equal(ipc_size((struct assay_bytes){ out, len }), len);
	assert_true(ipc_read(&back, (struct assay_bytes){ out, len }));
	assert_int_equal(back.id, 7);
	assert_int_equal(back.op, 2);
	assert_int_equal(back.count, 3);
	assert_true(ipc_get_text(text, sizeof text, &back, 0));
	assert_string_equal(text, "abc");
	assert_true(ipc_get_u64(&n, &back, 2));
	assert_true(n == 0x0102030405060708);

	/* What is not there, of another size, or does not fit. */
	assert_false(ipc_get_text(text, 3, &back, 0));
	assert_false(ipc_get_text(text, sizeof text, &back, 3));
	assert_false(ipc_get_u64(&n, &back, 0));
	assert_false(ipc_get_u64(&n, &back, 3));
	back.field[0] = (struct assay_bytes){ (const uint8_t *)"a\0c", 3 };
	assert_false(ipc_get_text(text, sizeof text, &back, 0));
	free(out);
}

/* Cut short anywhere, or with a byte more, it is none. */
static void
test_lengths(void **context)
{
	struct ipc_message m;
	uint8_t copy[sizeof known + 1];

	(void)context;
	for (size_t n = 0; n < sizeof known; n++) {
		assert_false(ipc_read(&m, (struct assay_bytes){ known, n }));
		assert_int_equal(
		    ipc_size((struct assay_bytes){ known, n }), n < 4 ? 0 : sizeof known);
		if (n < 12)
			continue;
		/* Also when the length says so: then a field is cut. */
		memcpy(copy, known, n);
		copy[0] = (uint8_t)(n - 4);
		assert_false(ipc_read(&m, (struct assay_bytes){ copy, n }));
	}
	memcpy(copy, known, sizeof known);
	copy[sizeof known] = 0;
	assert_false(ipc_read(&m, (struct assay_bytes){ copy, sizeof copy }));
	copy[0]++;
	assert_false(ipc_read(&m, (struct assay_bytes){ copy, sizeof copy }));
}

static void
test_limits(void **context)
{
	static const uint8_t lengths[][4] = { { 7, 0, 0, 0 }, { 0, 0, 0, 0 },
		{ 0xfd, 0xff, 0xff, 3 }, { 0xff, 0xff, 0xff, 0xff } };
	static const uint8_t most[] = { 0xfc, 0xff, 0xff, 3 };
	uint8_t head[12] = { 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, IPC_FIELDS_MAX + 1, 0 };
	struct ipc_message m = { .count = IPC_FIELDS_MAX + 1 };
	size_t len;

	(void)context;
	for (size_t i = 0; i < 4; i++)
		assert_true(ipc_size((struct assay_bytes){ lengths[i], 4 }) == SIZE_MAX);
	assert_int_equal(ipc_size((struct assay_bytes){ most, 4 }), IPC_MESSAGE_MAX);
	assert_false(ipc_read(&m, (struct assay_bytes){ head, sizeof head }));
	assert_null(ipc_write(&len, &m));
	head[10] = 0;
	assert_true(ipc_read(&m, (struct assay_bytes){ head, sizeof head }));
	m.count = 2;
	m.field[0] = (struct assay_bytes){ head, IPC_MESSAGE_MAX };
	assert_null(ipc_write(&len, &m));
	m.count = 0;
	alloc_fail_at(1);
	assert_null(ipc_write(&len, &m));
	assert_true(alloc_failed());
}

/* Through a socket that takes little at once, in pieces; what has left a queue is wiped. */
static void
test_queue(void **context)
{
	static uint8_t large[300 * 1024], expected[sizeof large];
	struct ipc_message m = { .id = 1, .op = 2, .count = 1 }, back;
	struct ipc_queue out = { 0 }, in = { 0 };
	int pair[2];

	(void)context;
	memset(large, 'x', sizeof large);
	memset(expected, 0, sizeof expected);
	m.field[0] = (struct assay_bytes){ large, sizeof large };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (uint32_t id = 0; id < 3; id++) {
		m.id = id;
		assert_true(ipc_add(&out, &m));
	}
	for (uint32_t id = 0; id < 3;) {
		assert_true(ipc_send(&out, pair[0]));
		assert_true(ipc_receive(&in, pair[1]));
		size_t n = ipc_size(ipc_waiting(&in));
		if (n == 0 || ipc_waiting(&in).len < n)
			continue;
		assert_true(ipc_read(&back, (struct assay_bytes){ ipc_waiting(&in).ptr, n }));
		assert_int_equal(back.id, id++);
		assert_memory_equal(back.field[0].ptr, large, sizeof large);
		const uint8_t *was = back.field[0].ptr;
		bool rest = ipc_waiting(&in).len > n;
		ipc_forget(&in, n);
		if (rest) /* else its memory was given back */
			assert_memory_equal(was, expected, sizeof expected);
	}
	assert_int_equal(ipc_waiting(&out).len, 0);
	assert_int_equal(ipc_waiting(&in).len, 0);
	assert_null(in.ptr);                    /* it had become large */
	assert_true(ipc_receive(&in, pair[1])); /* nothing has come */
	assert_int_equal(ipc_waiting(&in).len, 0);
	assert_int_equal(close(pair[0]), 0);
	assert_false(ipc_receive(&in, pair[1]));
	assert_int_not_equal(errno, ENOMEM);
	assert_true(ipc_add(&in, &m));
	assert_false(ipc_send(&in, pair[1]));
	assert_int_equal(close(pair[1]), 0);
	ipc_queue_free(&in);
	ipc_queue_free(&out);
	m.count = IPC_FIELDS_MAX + 1;
	assert_false(ipc_add(&out, &m));
	m.count = 1;
	alloc_fail_at(1);
	assert_false(ipc_add(&out, &m));
	assert_true(alloc_failed());
	alloc_fail_at(1);
	assert_false(ipc_receive(&in, -1));
	assert_int_equal(errno, ENOMEM);
	assert_true(alloc_failed());
}

/* Nor is anything left behind what was moved to a queue's start. */
static void
test_moved(void **context)
{
	static const char secret[] = "secret secret secret secret secret secret secret secret";
	struct ipc_message m = { .id = 1, .op = 2, .count = 1 };
	struct ipc_queue q = { 0 };

	(void)context;
	m.field[0] = (struct assay_bytes){ (const uint8_t *)secret, sizeof secret };
	for (m.id = 0; m.id < 3; m.id++)
		assert_true(ipc_add(&q, &m));
	size_t one = ipc_size(ipc_waiting(&q)), room = q.room;
	ipc_forget(&q, one);
	m.count = 0;
	assert_true(ipc_add(&q, &m)); /* moves the second and third */
	assert_int_equal(q.at, 0);
	assert_int_equal(q.room, room);
	ipc_forget(&q, q.len);
	for (size_t i = 0; i < 3 * one; i++)
		assert_int_equal(q.ptr[i], 0);
	ipc_queue_free(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_moved),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
