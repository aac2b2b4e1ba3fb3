/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LANES = 4, JOBS = 8 };

static struct schedule schedule;
static struct lane lanes[LANES];
static struct job jobs[LANES][JOBS];

static void
begin(unsigned rate, unsigned burst)
{
	schedule_init(&schedule, rate, burst);
	for (size_t i = 0; i < LANES; i++)
		lane_init(&lanes[i], &schedule, 0);
}

/* Which lane's turn it is: its number, or -1. */
static int
next(int64_t now, int64_t *again)
{
	struct lane *lane = NULL;
	struct job *job = schedule_next(&schedule, &lane, now, again);

	if (job == NULL)
		return -1;
	assert_false(job->waits);
	return (int)(lane - lanes);
}

/* However much one VM wants, each has its turn before it has its second. */
static void
test_turns(void **context)
{
	int64_t again;

	(void)context;
	begin(0, 1);
	for (size_t j = 0; j < JOBS; j++)
		schedule_add(&schedule, &lanes[0], &jobs[0][j]);
	schedule_add(&schedule, &lanes[1], &jobs[1][0]);
	schedule_add(&schedule, &lanes[2], &jobs[2][0]);
	assert_int_equal(next(0, &again), 0);
	assert_int_equal(next(0, &again), 1);
	assert_int_equal(next(0, &again), 2);
	/* One under way of each: the others wait, and no time helps. */
	assert_int_equal(next(0, &again), -1);
	assert_int_equal(again, -1);
	schedule_done(&schedule, &lanes[0]);
	schedule_add(&schedule, &lanes[3], &jobs[3][0]);
	assert_int_equal(next(0, &again), 0);
	assert_int_equal(next(0, &again), 3);
	/* A VM whose request hangs holds up nobody. */
	schedule_add(&schedule, &lanes[2], &jobs[2][1]);
	schedule_done(&schedule, &lanes[0]);
	assert_int_equal(next(0, &again), 0);
	assert_int_equal(next(0, &again), -1);
}

/* Of one VM's, what comes first passes what waits, but not what came first before it. */
static void
test_first(void **context)
{
	struct job *const order[] = { &jobs[0][0], &jobs[0][3], &jobs[0][4], &jobs[0][1],
		&jobs[0][2], &jobs[0][5] };
	struct lane *lane;
	int64_t again;

	(void)context;
	begin(0, 1);
	jobs[0][3].first = jobs[0][4].first = true;
	schedule_add(&schedule, &lanes[0], &jobs[0][0]);
	assert_ptr_equal(schedule_next(&schedule, &lane, 0, &again), order[0]);
	for (size_t j = 1; j <= 5; j++)
		schedule_add(&schedule, &lanes[0], &jobs[0][j]);
	for (size_t j = 1; j <= 5; j++) {
		schedule_done(&schedule, &lanes[0]);
		assert_ptr_equal(schedule_next(&schedule, &lane, 0, &again), order[j]);
	}
	schedule_done(&schedule, &lanes[0]);
	schedule_add(&schedule, &lanes[0], &jobs[0][3]);
	schedule_add(&schedule, &lanes[0], &jobs[0][1]); /* the tail was its own */
	assert_ptr_equal(schedule_next(&schedule, &lane, 0, &again), &jobs[0][3]);
	schedule_done(&schedule, &lanes[0]);
	assert_ptr_equal(schedule_next(&schedule, &lane, 0, &again), &jobs[0][1]);
	jobs[0][3].first = jobs[0][4].first = false;
}

static void
test_rate(void **context)
{
	int64_t again;

	(void)context;
	begin(10, 2); /* ten a second, two at once */
	for (size_t j = 0; j < JOBS; j++)
		schedule_add(&schedule, &lanes[0], &jobs[0][j]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(1000, &again), 0);
		schedule_done(&schedule, &lanes[0]);
	}
	assert_int_equal(next(1000, &again), -1);
	assert_int_equal(again, 1100);
	assert_int_equal(next(1099, &again), -1);
	assert_int_equal(again, 1100);
	/* Another VM's bucket is its own. */
	schedule_add(&schedule, &lanes[1], &jobs[1][0]);
	assert_int_equal(next(1099, &again), 1);
	assert_int_equal(next(1100, &again), 0);
	schedule_done(&schedule, &lanes[0]);
	assert_int_equal(next(1100, &again), -1);
	/* A long pause fills it, and no more than that. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(1000000, &again), 0);
		schedule_done(&schedule, &lanes[0]);
	}
	assert_int_equal(next(1000000, &again), -1);
	assert_int_equal(again, 1000100);
	/* A clock that goes back gives nothing. */
	assert_int_equal(next(5, &again), -1);
}

static void
test_taken_back(void **context)
{
	int64_t again;

	(void)context;
	begin(0, 1);
	for (size_t j = 0; j < 3; j++)
		schedule_add(&schedule, &lanes[0], &jobs[0][j]);
	schedule_remove(&lanes[0], &jobs[0][2]);
	schedule_remove(&lanes[0], &jobs[0][0]);
	schedule_remove(&lanes[0], &jobs[0][0]); /* again: nothing */
	schedule_add(&schedule, &lanes[0], &jobs[0][3]);
	struct lane *lane;
	assert_ptr_equal(schedule_next(&schedule, &lane, 0, &again), &jobs[0][1]);
	schedule_done(&schedule, &lanes[0]);
	assert_ptr_equal(schedule_next(&schedule, &lane, 0, &again), &jobs[0][3]);
	/* All of a lane's, and then the VM. */
	schedule_add(&schedule, &lanes[1], &jobs[1][0]);
	schedule_add(&schedule, &lanes[2], &jobs[2][0]);
	schedule_remove(&lanes[2], &jobs[2][0]);
	schedule_forget(&schedule, &lanes[2]);
	schedule_forget(&schedule, &lanes[3]);
	schedule_add(&schedule, &lanes[3], &jobs[3][0]);
	assert_int_equal(next(0, &again), 1);
	assert_int_equal(next(0, &again), 3);
	assert_int_equal(next(0, &again), -1);
}

/* No more lanes are busy than may be, whoever they are; who waits is next when one is done, or gone. */
static void
test_most(void **context)
{
	int64_t again;

	(void)context;
	begin(0, 1);
	schedule.most = 2;
	for (size_t i = 0; i < LANES; i++)
		schedule_add(&schedule, &lanes[i], &jobs[i][0]);
	schedule_add(&schedule, &lanes[0], &jobs[0][1]);
	assert_int_equal(next(0, &again), 0);
	assert_int_equal(next(0, &again), 1);
	assert_int_equal(next(0, &again), -1);
	assert_int_equal(again, -1);
	schedule_done(&schedule, &lanes[0]);
	assert_int_equal(next(0, &again), 2);
	assert_int_equal(next(0, &again), -1);
	schedule_forget(&schedule, &lanes[1]);
	assert_int_equal(next(0, &again), 3);
	assert_int_equal(next(0, &again), -1);
	schedule_done(&schedule, &lanes[2]);
	assert_int_equal(next(0, &again), 0);
}

/* Who asks nothing and has all his tokens can be forgotten, and no one else. */
static void
test_rests(void **context)
{
	int64_t again;

	(void)context;
	begin(10, 2);
	assert_true(lane_rests(&schedule, &lanes[0], 0));
	schedule_add(&schedule, &lanes[0], &jobs[0][0]);
	assert_false(lane_rests(&schedule, &lanes[0], 0));
	assert_int_equal(next(0, &again), 0);
	assert_false(lane_rests(&schedule, &lanes[0], 5000));
	schedule_done(&schedule, &lanes[0]);
	assert_true(lane_rests(&schedule, &lanes[0], 5000));
	schedule_add(&schedule, &lanes[0], &jobs[0][0]);
	assert_int_equal(next(5000, &again), 0);
	schedule_done(&schedule, &lanes[0]);
	assert_false(lane_rests(&schedule, &lanes[0], 5099));
	assert_true(lane_rests(&schedule, &lanes[0], 5100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_rests),
	};
	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
