/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left when the keeper dies in the midst of its work: killed, without power, on a disk that is
 * full or refuses. What was acknowledged is there, the chain of audit is whole, and nothing was released
 * without its row. ASSAY_FAULTS says how often each is tried.
 */
#include "../keeper/keeper_test.h"

#include <poll.h>
#include <signal.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "alloc.h"
#include "fault_vfs.h"

enum { POWER_TRIES = 20, KILL_TRIES = 8, DONE_MAX = 4096, PATHS = 8, STORE_KILLS = 25 };

enum what { ATTESTED, RELEASED, PUT };
/* What the keeper has acknowledged. */
struct done {
	enum what what;
	uint8_t ticket[TICKET_SIZE];
	char path[32];
	uint64_t version;
	char *token;
};

struct history {
	struct done done[DONE_MAX];
	size_t count;
	uint64_t seed;
};

static size_t
tries(size_t usual)
{
	const char *text = getenv("ASSAY_FAULTS");

	return text != NULL ? (size_t)strtoul(text, NULL, 10) : usual;
}

static uint64_t
chance(struct history *h)
{
	h->seed = h->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return h->seed >> 33;
}

static void
history_clear(struct history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->done[i].token);
	h->count = 0;
}

static struct done *
acknowledged(struct history *h)
{
	assert_true(h->count < DONE_MAX);
	h->done[h->count] = (struct done){ 0 };
	return &h->done[h->count++];
}

/* Holds what is in the store now against what was acknowledged. */
static void
judge(struct bed *b, struct history *h)
{
	json_t *rows = bed_audit(b), *row;
	size_t i, released = 0, found = 0;
	char args[128], session[2 * TICKET_ID + 1];

	json_array_foreach(rows, i, row)
	{
		const char *outcome = json_string_value(json_object_get(row, "outcome"));
		released += outcome != NULL && strcmp(outcome, "released") == 0;
	}
	for (size_t n = 0; n < h->count; n++) {
		struct done *d = &h->done[n];
		struct reply r;
		hex_text(session, d->ticket + 16, TICKET_ID);
		if (d->what == PUT) {
			(void)snprintf(args, sizeof args, "{\"path\":\"%s\",\"version\":%llu}",
			    d->path, (unsigned long long)d->version);
			r = bed_admin(b, "secret.get", args, "");
			assert_int_equal(r.status, KEEPER_DONE);
		} else if (d->what == ATTESTED) {
			r = bed_attest(b, d->ticket, "body", "default\n");
			assert_int_equal(r.status, KEEPER_DONE);
			assert_int_equal(r.len, strlen(d->token));
			assert_memory_equal(r.data, d->token, r.len);
			assert_int_equal(bed_rows(rows, "attest", "session", session), 1);
		} else {
			r = (struct reply){ 0 };
			found++;
			assert_true(bed_rows(rows, "release", "session", session) >= 1);
		}
		reply_clear(&r);
	}
	assert_true(released >= found);
	json_decref(rows);
}

/* --- without power ------------------------------------------------------------------------ */

/* A turn of a few requests at random. */
static void
random_turn(struct bed *b, struct history *h)
{
	enum { MOST = 6 };
	struct ipc_message m[MOST];
	struct reply r[MOST];
	struct bed_attest a[MOST] = { 0 };
	uint8_t ticket[MOST][TICKET_SIZE];
	struct bed_bond bond[MOST];
	char path[MOST][32], args[MOST][64];
	char *token[MOST] = { NULL };
	size_t count = 1 + chance(h) % MOST;
	enum what what[MOST];

	for (size_t i = 0; i < count; i++) {
		what[i] = (enum what)(chance(h) % 3);
		(void)snprintf(path[i], sizeof path[i], "r/t/s%u", (unsigned)(chance(h) % PATHS));
		bed_ticket(b, ticket[i], PROTOCOL_0_4_0);
		if (what[i] == PUT) {
			(void)snprintf(args[i], sizeof args[i], "{\"path\":\"%s\"}", path[i]);
			bed_bond(&bond[i], "secret.put", args[i], bed_bytes("a secret"));
			token[i] = bed_admin_token(b, b->admin, "assay-admin+jwt", &bond[i]);
			bed_admin_message(&m[i], token[i], &bond[i], "secret.put", args[i],
			    bed_bytes("a secret"));
		} else if (what[i] == ATTESTED || h->count == 0) {
			what[i] = ATTESTED;
			bed_attest_message(b, &m[i], &a[i], ticket[i], "body", "default\n");
		} else { /* in some session of before */
			size_t n = chance(h) % h->count;
			if (h->done[n].what == ATTESTED)
				memcpy(ticket[i], h->done[n].ticket, TICKET_SIZE);
			(void)snprintf(path[i], sizeof path[i], "r/t/first");
			bed_release_message(&m[i], ticket[i], NULL, path[i]);
		}
	}
	(void)keeper_turn(b->k, m, r, count);
	for (size_t i = 0; i < count; i++) {
		if (r[i].status == KEEPER_DONE) {
			struct done *d = acknowledged(h);
			d->what = what[i];
			memcpy(d->ticket, ticket[i], TICKET_SIZE);
			memcpy(d->path, path[i], sizeof d->path);
			d->version = r[i].number;
			if (what[i] == ATTESTED)
				d->token = strndup((char *)r[i].data, r[i].len);
			if (what[i] == PUT) {
				json_t *o = json_loadb((char *)r[i].data, r[i].len, 0, NULL);
				d->version =
				    (uint64_t)json_integer_value(json_object_get(o, "version"));
				json_decref(o);
			}
		}
		free(token[i]);
		reply_clear(&r[i]);
	}
	b->now += 1;
}

static void
test_power(void **context)
{
	size_t times = tries(POWER_TRIES), acknowledgements = 0;

	(void)context;
	for (size_t i = 0; i < times; i++) {
		struct history *h = calloc(1, sizeof *h);
		struct bed b;
		assert_non_null(h);
		h->seed = i + 1;
		struct fault_disk *disk = fault_disk_install();
		disk->seed = i * 1000 + 1;
		bed_new(&b);
		bed_secret(&b, "r/t/first", "default", "first");
		for (int crash = 0; crash < 3; crash++) {
			disk->power_at = disk->writes + disk->syncs + 1 + chance(h) % 400;
			for (int turn = 0; turn < 200 && !disk->dead; turn++)
				random_turn(&b, h);
			disk->dead = true;
			bed_stop(&b);
			fault_disk_revive();
			assert_int_equal(bed_start(&b), 0);
			judge(&b, h);
		}
		acknowledgements += h->count;
		bed_free(&b);
		fault_disk_remove();
		history_clear(h);
		free(h);
	}
	printf("# the power went %zu times, %zu acknowledged requests are there\n", 3 * times,
	    acknowledgements);
}

/* --- a disk that is full or refuses ------------------------------------------------------- */

static void
test_disk(void **context)
{
	static const struct {
		int write, sync;
		const char *words;
	} cases[] = {
		{ SQLITE_FULL, 0, "the disk is full (SQLite 13" },
		{ SQLITE_READONLY, 0, "it cannot be written (SQLite 8" },
		{ SQLITE_IOERR_WRITE, 0, "disk I/O error (SQLite 778" },
		{ 0, SQLITE_IOERR_FSYNC, "disk I/O error (SQLite 1034" },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct history *h = calloc(1, sizeof *h);
		struct bed b;
		uint8_t ticket[TICKET_SIZE];
		struct reply r;
		assert_non_null(h);
		struct fault_disk *disk = fault_disk_install();
		bed_new(&b);
		bed_secret(&b, "r/t/first", "default", "first");
		for (int turn = 0; turn < 20; turn++)
			random_turn(&b, h);
		bed_ticket(&b, ticket, PROTOCOL_0_4_0);
		for (int again = 0; again < 3; again++) {
			disk->write_error = cases[i].write;
			disk->sync_error = cases[i].sync;
			r = bed_attest(&b, ticket, "body", "default\n");
			assert_int_equal(r.status, KEEPER_TROUBLE);
			if (strstr(r.sentence, cases[i].words) == NULL)
				fail_msg("%s", r.sentence);
			assert_null(r.data);
			reply_clear(&r);
		}
		/* It comes back by itself, and nothing of it was done. */
		disk->write_error = disk->sync_error = 0;
		r = bed_attest(&b, ticket, "another body", "default\n");
		assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
		for (int turn = 0; turn < 20; turn++)
			random_turn(&b, h);
		judge(&b, h);
		/* And what it says now also holds without power. */
		disk->dead = true;
		bed_stop(&b);
		fault_disk_revive();
		assert_int_equal(bed_start(&b), 0);
		judge(&b, h);
		bed_free(&b);
		fault_disk_remove();
		history_clear(h);
		free(h);
	}
}

/* --- out of memory ------------------------------------------------------------------------ */

/* libcrypto allocates by way of this file too, in which the linker sees it. (jansson 2.14 does not
 * survive every failure.) */
static void *
crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void *
crypto_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return realloc(old, size);
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Each allocation of a turn fails once: then nothing was done, or all of it. */
static void
test_memory(void **context)
{
	struct history *h = calloc(1, sizeof *h);
	struct bed b;
	size_t failures = 0;

	(void)context;
	assert_non_null(h);
	bed_new(&b);
	bed_secret(&b, "r/t/first", "default", "first");
	random_turn(&b, h);
	for (size_t n = 1;; n++) {
		struct ipc_message m[4];
		struct reply r[4];
		struct bed_attest a = { 0 };
		uint8_t ticket[TICKET_SIZE];
		struct bed_bond bond;
		char *token;
		if (n % 100 == 0) /* a reload has its allocations too */
			b.k->loaded = false;
		bed_ticket(&b, ticket, PROTOCOL_0_4_0);
		bed_attest_message(&b, &m[0], &a, ticket, "body", "default\n");
		bed_release_message(&m[1], ticket, NULL, "r/t/first");
		m[2] = (struct ipc_message){ .op = KEEPER_VIEW };
		bed_bond(&bond, "secret.put", "{\"path\":\"r/t/a\"}", bed_bytes("x"));
		token = bed_admin_token(&b, b.admin, "assay-admin+jwt", &bond);
		bed_admin_message(
		    &m[3], token, &bond, "secret.put", "{\"path\":\"r/t/a\"}", bed_bytes("x"));
		alloc_fail_at(n);
		bool ok = keeper_turn(b.k, m, r, 4);
		bool failed = alloc_failed();
		failures += !ok;
		for (size_t i = 0; i < 4; i++) {
			if (!ok)
				assert_int_equal(r[i].status, KEEPER_TROUBLE);
			else if (!failed)
				assert_int_equal(r[i].status, KEEPER_DONE);
			if (r[i].status != KEEPER_DONE) {
				assert_null(r[i].data);
				assert_int_not_equal(r[i].sentence[0], '\0');
			}
			if (ok && r[i].status == KEEPER_DONE && i < 2) {
				struct done *d = acknowledged(h);
				d->what = i == 0 ? ATTESTED : RELEASED;
				memcpy(d->ticket, ticket, TICKET_SIZE);
				if (i == 0)
					d->token = strndup((char *)r[i].data, r[i].len);
			}
			reply_clear(&r[i]);
		}
		free(token);
		if (!failed)
			break;
	}
	judge(&b, h);
	printf("# %zu turns came to nothing\n", failures);
	assert_true(failures > 100);
	bed_free(&b);
	history_clear(h);
	free(h);
}

/* --- killed ------------------------------------------------------------------------------- */

static void
send_request(int fd, struct ipc_message *m, uint32_t id)
{
	size_t len = 0;
	uint8_t *raw;

	m->id = id;
	assert_non_null(raw = ipc_write(&len, m));
	(void)!send(fd, raw, len, MSG_NOSIGNAL);
	free(raw);
}

/* Reads what was answered before it died: attestations have even ids, and the release odd ones. */
static size_t
read_answers(int fd, struct history *h, uint8_t (*tickets)[TICKET_SIZE], int wait_ms)
{
	static uint8_t buffer[1024 * 1024];
	static size_t len;
	size_t answers = 0, at = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n =
		    poll(&p, 1, wait_ms) > 0 ? recv(fd, buffer + len, sizeof buffer - len, 0) : 0;
		if (n <= 0)
			break;
		len += (size_t)n;
		wait_ms = 0;
	}
	for (;;) {
		struct ipc_message m;
		size_t n = ipc_size((struct assay_bytes){ buffer + at, len - at });
		if (n == 0 || n > len - at)
			break;
		assert_true(ipc_read(&m, (struct assay_bytes){ buffer + at, n }));
		answers++;
		if (m.op == KEEPER_DONE) {
			struct done *d = acknowledged(h);
			d->what = m.id % 2 == 0 ? ATTESTED : RELEASED;
			memcpy(d->ticket, tickets[m.id / 2], TICKET_SIZE);
			if (d->what == ATTESTED)
				d->token = strndup((const char *)m.field[1].ptr, m.field[1].len);
		}
		at += n;
	}
	len = 0;
	return answers;
}

static void
one_kill(struct bed *b, struct history *h)
{
	enum { PAIRS = 300 };
	static uint8_t tickets[PAIRS][TICKET_SIZE];
	const struct timespec pause = { .tv_nsec = (long)(chance(h) % 40000000) };
	int pair[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	/* The tickets are made of the same root: this process opens the store first, and lets it go. */
	assert_int_equal(bed_start(b), 0);
	for (size_t i = 0; i < PAIRS; i++)
		bed_ticket(b, tickets[i], PROTOCOL_0_4_0);
	uint64_t generation = b->k->generation;
	bed_stop(b);
	(void)fflush(NULL);
	if ((pid = fork()) == 0) {
		(void)close(pair[0]);
		if (bed_start(b) == 0)
			(void)keeper_run(b->k, &pair[1], 1);
		_exit(1);
	}
	assert_true(pid > 0);
	(void)close(pair[1]);
	struct timeval patience = { .tv_sec = 1 };
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	int room = 4 * 1024 * 1024;
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	for (uint32_t i = 0; i < PAIRS / 4; i++) {
		struct ipc_message m;
		struct bed_attest a = { .generation = generation };
		bed_attest_message(b, &m, &a, tickets[i], "body", "default\n");
		send_request(pair[0], &m, 2 * i);
		bed_release_message(&m, tickets[i], NULL, "r/t/first");
		send_request(pair[0], &m, 2 * i + 1);
	}
	if (chance(h) % 4 != 0) { /* most of them while it answers */
		struct pollfd p = { .fd = pair[0], .events = POLLIN };
		(void)poll(&p, 1, 30000); /* valgrind takes its time */
	}
	(void)nanosleep(&pause, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)read_answers(pair[0], h, tickets, 0);
	(void)close(pair[0]);
	assert_int_equal(bed_start(b), 0);
	judge(b, h);
	bed_stop(b);
}

static void
test_killed(void **context)
{
	struct history *h = calloc(1, sizeof *h);
	struct bed b;
	size_t times = tries(KILL_TRIES), acknowledgements = 0;

	(void)context;
	assert_non_null(h);
	h->seed = 7;
	for (size_t i = 0; i < times; i++) {
		if (i % STORE_KILLS == 0) { /* all of it is gone through each time */
			if (i > 0)
				bed_free(&b);
			bed_new(&b);
			bed_secret(&b, "r/t/first", "default", "first");
			bed_stop(&b);
		}
		one_kill(&b, h);
		acknowledgements += h->count;
		history_clear(h);
	}
	printf(
	    "# killed %zu times, %zu acknowledged requests are there\n", times, acknowledgements);
	assert_true(acknowledgements > 0);
	bed_free(&b);
	free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_killed),
	};

	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		return 1;
	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
