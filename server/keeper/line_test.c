/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <event2/event.h>

#include "../lockdown.h"

enum { WORKERS = 2, WHOLE = 1500, FLIGHT = 256 };

/* A keeper in its own process, and a line of each worker to it. */
struct house {
	struct bed bed;
	struct event_base *base;
	struct keeper_line *line[WORKERS];
	int raw[WORKERS]; /* without a line: the socket itself */
	pid_t pid;
};

static void
house_new(struct house *h, bool lines)
{
	int ours[WORKERS], theirs[WORKERS];

	bed_make(&h->bed);
	h->bed.now = (int64_t)time(NULL);
	assert_int_equal(bed_start(&h->bed), 0);
	bed_read_admin(&h->bed);
	bed_secret(&h->bed, "r/t/a", "default", "a secret");
	for (int i = 0; i < WORKERS; i++) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	(void)fflush(NULL);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		for (int i = 0; i < WORKERS; i++)
			(void)close(ours[i]);
		int rc =
		    lockdown_keeper(&h->bed.options) ? keeper_run(h->bed.k, theirs, WORKERS) : 9;
		keeper_close(h->bed.k);
		_exit(rc);
	}
	assert_non_null(h->base = event_base_new());
	for (int i = 0; i < WORKERS; i++) {
		(void)close(theirs[i]);
		h->raw[i] = ours[i];
		h->line[i] = NULL;
		if (lines)
			assert_non_null(h->line[i] = keeper_line_new(h->base, ours[i]));
	}
}

/* Ends it by closing the lines, as the front does; the exit code. */
static int
house_end(struct house *h)
{
	int status;

	for (int i = 0; i < WORKERS; i++)
		if (h->line[i] != NULL)
			keeper_line_free(h->line[i]);
		else
			(void)close(h->raw[i]);
	event_base_free(h->base);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The child had the store; this process has its own copy of what is in memory, and no right to it. */
static void
house_free(struct house *h)
{
	bed_stop(&h->bed);
	assert_int_equal(bed_start(&h->bed), 0);
	bed_free(&h->bed);
}

struct load {
	struct house *h;
	struct run {
		struct load *l;
		int worker, number;
		bool attested;
		uint8_t ticket[TICKET_SIZE];
	} * runs;
	int begun, finished, wrong;
};

static void attested(void *arg, const struct ipc_message *m);
static void released(void *arg, const struct ipc_message *m);

static void
begin(struct load *l)
{
	struct run *r = &l->runs[l->begun++];
	struct ipc_message m;
	struct bed_attest a = { 0 };

	bed_ticket(&l->h->bed, r->ticket, PROTOCOL_0_4_0);
	bed_attest_message(&l->h->bed, &m, &a, r->ticket, "body", "default\ngenuine\n");
	keeper_call(l->h->line[r->worker], KEEPER_ATTEST, m.field, m.count, attested, r);
}

static void
attested(void *arg, const struct ipc_message *answer)
{
	struct run *r = arg;
	struct ipc_message m;
	uint64_t generation;

	r->l->wrong += answer->op != KEEPER_DONE || answer->count != 3 ||
	    answer->field[1].len < 200 || !ipc_get_u64(&generation, answer, 0) ||
	    generation != r->l->h->bed.k->generation;
	bed_release_message(&m, r->ticket, NULL, "r/t/a");
	keeper_call(r->l->h->line[r->worker], KEEPER_RELEASE, m.field, m.count, released, r);
}

static void
released(void *arg, const struct ipc_message *answer)
{
	struct run *r = arg;

	r->l->wrong +=
	    answer->op != KEEPER_DONE || answer->count != 3 || answer->field[1].len < 100;
	if (++r->l->finished == WHOLE)
		(void)event_base_loopbreak(r->l->h->base);
	if (r->l->begun < WHOLE)
		begin(r->l);
}

static double
seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Two workers with many handshakes at once: each is answered, and each has its rows. */
static void
test_load(void **context)
{
	struct house h;
	struct load l = { .h = &h };

	(void)context;
	house_new(&h, true);
	assert_non_null(l.runs = calloc(WHOLE, sizeof *l.runs));
	for (int i = 0; i < WHOLE; i++)
		l.runs[i] = (struct run){ .l = &l, .worker = i % WORKERS, .number = i };
	double start = seconds(CLOCK_MONOTONIC);
	while (l.begun < FLIGHT)
		begin(&l);
	assert_true(event_base_dispatch(h.base) >= 0);
	double took = seconds(CLOCK_MONOTONIC) - start;
	assert_int_equal(l.finished, WHOLE);
	assert_int_equal(l.wrong, 0);
	printf("# %d handshakes (attest and release), %d at once: %.0f/s\n", WHOLE, FLIGHT,
	    WHOLE / took);
	assert_int_equal(house_end(&h), 0);
	struct rusage used;
	assert_int_equal(getrusage(RUSAGE_CHILDREN, &used), 0);
	printf("# of the keeper's processor time %.0f us each\n",
	    ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec)) /
		WHOLE);
	bed_stop(&h.bed);
	assert_int_equal(bed_start(&h.bed), 0);
	json_t *rows = bed_audit(&h.bed);
	assert_int_equal(bed_rows(rows, "attest", "outcome", "token"), WHOLE);
	assert_int_equal(bed_rows(rows, "release", "outcome", "released"), WHOLE);
	assert_int_equal(bed_rows(rows, "stop", NULL, NULL), 1);
	json_decref(rows);
	free(l.runs);
	bed_free(&h.bed);
}

struct waited {
	int trouble, other;
};

static void
count_answer(void *arg, const struct ipc_message *answer)
{
	struct waited *w = arg;

	if (answer->op == KEEPER_TROUBLE && answer->count == 2 && answer->field[0].len == 8 &&
	    answer->field[1].len > 0)
		w->trouble++;
	else
		w->other++;
}

/* The keeper dies: who waits, and who asks later, hears of it once, and not from within the call. */
static void
test_gone(void **context)
{
	struct house h;
	struct waited w = { 0 };
	int status;

	(void)context;
	house_new(&h, true);
	assert_int_equal(kill(h.pid, SIGSTOP), 0);
	for (int i = 0; i < 10; i++)
		keeper_call(h.line[0], KEEPER_VIEW, NULL, 0, count_answer, &w);
	(void)event_base_loop(h.base, EVLOOP_NONBLOCK);
	assert_int_equal(w.trouble + w.other, 0);
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
	(void)event_base_loop(h.base, EVLOOP_ONCE);
	(void)event_base_loop(h.base, EVLOOP_NONBLOCK);
	assert_int_equal(w.trouble, 10);
	assert_int_equal(w.other, 0);
	keeper_call(h.line[0], KEEPER_VIEW, NULL, 0, count_answer, &w);
	assert_int_equal(w.trouble, 10);
	(void)event_base_loop(h.base, EVLOOP_NONBLOCK);
	assert_int_equal(w.trouble, 11);
	keeper_call(h.line[0], KEEPER_VIEW, NULL, 0, count_answer, &w);
	keeper_line_free(h.line[0]);
	assert_int_equal(w.trouble, 12);
	keeper_line_free(h.line[1]);
	event_base_free(h.base);
	house_free(&h);
}

/* SIGTERM alone does not end it while the front still has its lines: its requests are served. */
static void
test_term(void **context)
{
	struct house h;
	struct waited w = { 0 };

	(void)context;
	house_new(&h, true);
	for (int n = 1; n < 4; n++) {
		keeper_call(h.line[1], KEEPER_VIEW, NULL, 0, count_answer, &w);
		while (w.other + w.trouble < n)
			assert_true(event_base_loop(h.base, EVLOOP_ONCE) >= 0);
		assert_int_equal(w.other, n);
		assert_int_equal(kill(h.pid, SIGTERM), 0);
		(void)usleep(20000);
	}
	assert_int_equal(house_end(&h), 0);
	house_free(&h);
}

/* Without its rights it can do all that it has to: also change the master key, and grow its store. */
static void
test_rights(void **context)
{
	struct house h;
	struct waited w = { 0 };
	struct ipc_message m;
	struct bed_bond bond;
	char fresh[160], args[64];
	static const uint8_t secret[2000] = { 1 };
	int asked = 0;

	(void)context;
	house_new(&h, true);
	(void)snprintf(fresh, sizeof fresh, "%s.new", h.bed.master);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(args, sizeof args, "{\"path\":\"r/t/s%d\"}", i);
		struct assay_bytes body = { secret, sizeof secret };
		bed_bond(&bond, "secret.put", args, body);
		char *token = bed_admin_token(&h.bed, h.bed.admin, "assay-admin+jwt", &bond);
		bed_admin_message(&m, token, &bond, "secret.put", args, body);
		keeper_call(h.line[i % 2], KEEPER_ADMIN_DO, m.field, m.count, count_answer, &w);
		asked++;
		free(token);
	}
	bed_bond(&bond, "key.rotate", "{\"what\":\"master\"}", bed_bytes(""));
	char *token = bed_admin_token(&h.bed, h.bed.admin, "assay-admin+jwt", &bond);
	bed_admin_message(&m, token, &bond, "key.rotate", "{\"what\":\"master\"}", bed_bytes(""));
	keeper_call(h.line[0], KEEPER_ADMIN_DO, m.field, m.count, count_answer, &w);
	free(token);
	asked++;
	while (w.other + w.trouble < asked)
		assert_true(event_base_loop(h.base, EVLOOP_ONCE) >= 0);
	assert_int_equal(w.trouble, 0);
	for (int i = 0; i < 100 && access(fresh, F_OK) == 0; i++) {
		keeper_call(h.line[0], KEEPER_VIEW, NULL, 0, count_answer, &w);
		asked++;
		while (w.other + w.trouble < asked)
			assert_true(event_base_loop(h.base, EVLOOP_ONCE) >= 0);
	}
	assert_int_equal(w.trouble, 0);
	assert_int_not_equal(access(fresh, F_OK), 0);
	assert_int_equal(house_end(&h), 0);
	house_free(&h);
}

/* A worker that breaks the form loses its line; the other one goes on. */
static void
test_broken(void **context)
{
	static const uint8_t broken[][16] = { { 0xff, 0xff, 0xff, 0xff },
		{ 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 0 },
		{ 12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 9, 0, 0, 0 } };

	(void)context;
	for (size_t i = 0; i < 3; i++) {
		struct house h;
		uint8_t buffer[4096];
		struct ipc_message m = { .id = 77, .op = KEEPER_VIEW };
		size_t len = 0;
		house_new(&h, false);
		uint8_t *raw = ipc_write(&len, &m);
		/* A good one before it is answered. */
		assert_int_equal(send(h.raw[0], raw, len, 0), (ssize_t)len);
		assert_int_equal(
		    send(h.raw[0], broken[i], sizeof broken[i], 0), (ssize_t)sizeof broken[i]);
		ssize_t n = recv(h.raw[0], buffer, sizeof buffer, MSG_WAITALL);
		assert_true(n > 8 && buffer[4] == 77);
		assert_true(n < (ssize_t)sizeof buffer); /* and then it ends */
		/* Byte by byte is no reason to complain. */
		for (size_t at = 0; at < len; at++)
			assert_int_equal(send(h.raw[1], raw + at, 1, 0), 1);
		assert_true(recv(h.raw[1], buffer, sizeof buffer, 0) > 8 && buffer[4] == 77);
		free(raw);
		assert_int_equal(house_end(&h), 0);
		house_free(&h);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_term),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_broken),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the front does */
	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
