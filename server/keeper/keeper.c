/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "../text.h"

enum {
	SECURE_HEAP = 128 * 1024, /* locked: all private keys are in it */
	SECURE_LEAST = 32,
	WAITING_MAX =
	    8 * 1024 * 1024, /* answers that a worker does not read: no more is read of it */
	IDLE_MS = 1000,      /* for heads that are due, and keys that are being changed */
	END_S = 20,          /* after SIGTERM, for the front to finish */
};

/* --- open -------------------------------------------------------------------------------- */

static int64_t
clock_now(void *arg)
{
	(void)arg;
	return (int64_t)time(NULL);
}

/* A file beside the store. */
static char *
beside(const char *store, const char *name)
{
	const char *path = strncmp(store, "sqlite:", 7) == 0 ? store + 7 : store;
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	char *out = malloc(n + strlen(name) + 1);

	if (out != NULL) {
		memcpy(out, path, n);
		memcpy(out + n, name, strlen(name) + 1);
	}
	return out;
}

static bool
copy_options(struct keeper *k, const struct keeper_options *o)
{
	k->options = *o;
	k->options.store = k->texts[0] = strdup(o->store);
	k->options.master_key = k->texts[1] =
	    o->master_key != NULL ? strdup(o->master_key) : beside(o->store, "master.key");
	k->options.admin_key = k->texts[2] =
	    o->admin_key != NULL ? strdup(o->admin_key) : beside(o->store, "admin.pem");
	k->options.issuer = k->texts[3] = strdup(o->issuer);
	k->options.audience = k->texts[4] = strdup(o->audience);
	for (size_t i = 0; i < 5; i++)
		if (k->texts[i] == NULL)
			return false;
	return true;
}

/* One byte of the store's notes about itself; -1: it has none yet; -2: trouble. */
static int
made_for_sample(struct keeper *k)
{
	struct store_value args[] = { store_t("sample") };
	int got = -1, value = -1;

	if (store_ask(k->store, META_GET, args, 1))
		got = store_row(k->store, META_GET);
	if (got == 1) {
		struct assay_bytes in = store_bytes(k->store, META_GET, 0);
		value = in.len == 1 && in.ptr[0] <= 1 ? in.ptr[0] : -2;
		store_end(k->store, META_GET);
	}
	return got < 0 ? -2 : value;
}

static bool
has_secrets(struct keeper *k, bool *has)
{
	struct store_value args[] = { store_t(KIND_SECRET) };
	int got = -1;

	if (store_ask(k->store, ITEM_LIST, args, 1))
		got = store_row(k->store, ITEM_LIST);
	store_end(k->store, ITEM_LIST);
	*has = got == 1;
	return got >= 0;
}

/* Sample evidence proves nothing: where it is taken, no real secret may ever have been. */
static int
check_sample(struct keeper *k, int made_for)
{
	uint8_t sample = k->options.sample;
	struct store_value args[] = { store_t("sample"), store_b(&sample, 1) };
	bool has;

	if (made_for == (int)sample)
		return 0;
	if (made_for < 0 || !has_secrets(k, &has)) {
		log_say("%s", store_error(k->store));
		return 4;
	}
	if (has && sample) {
		log_say("store: it has real secrets, and sample evidence proves nothing; give "
			"--sample a store of"
			" its own");
		return 2;
	}
	if (has) {
		log_say("store: it was made for sample evidence; give real secrets a store of "
			"their own");
		return 2;
	}
	if (!store_do(k->store, META_PUT, args, 2)) {
		log_say("%s", store_error(k->store));
		return 4;
	}
	return 0;
}

static bool
start_row(struct keeper *k)
{
	return audit_add(k, "start", NULL,
	    json_pack("{s:s, s:s, s:b}", "version", ASSAY_VERSION, "node", k->node, "sample",
		(int)k->options.sample));
}

/* Begins, or ends what went well; trouble is noted. */
static bool
transaction(struct keeper *k, bool (*what)(struct store *))
{
	bool ok = what(k->store);

	if (!ok)
		keeper_store_trouble(k);
	return ok;
}

/* The first transactions: what a new store needs, or a look at an old one. */
static int
begin(struct keeper *k, bool fresh)
{
	struct assay_error err = { .text = "" };
	bool ok = !fresh ||
	    (transaction(k, store_begin) && keeper_make_node(k) && transaction(k, store_commit));

	ok = ok && transaction(k, store_begin) && (!fresh || keeper_make(k)) && keeper_load(k);
	if (ok && !audit_open(k, &err)) {
		keeper_trouble(k, err.text);
		ok = false;
	}
	ok = ok && (fresh || keeper_check_clock(k)) && start_row(k) &&
	    (!fresh || audit_head(k, true));
	if (ok && transaction(k, store_commit))
		return 0;
	store_rollback(k->store);
	log_say("%s", k->error);
	return 4;
}

static int
exit_code(enum assay_code code)
{
	return code == ASSAY_E_USAGE || code == ASSAY_E_FORMAT || code == ASSAY_E_UNSUPPORTED ? 2
											      : 4;
}

static int
open_all(struct keeper *k)
{
	struct assay_error err;
	bool made = false;
	int sample, rc;

	if (store_open(&k->store, k->options.store, &err) != ASSAY_OK) {
		log_say("%s", err.text);
		return exit_code(err.code);
	}
	if ((sample = made_for_sample(k)) == -2) {
		log_say("%s", store_error(k->store));
		return 4;
	}
	/* Only a store in which nothing is sealed yet gets a key made for it. */
	if (vault_open(&k->vault, k->options.master_key, sample == -1, &made, &err) != ASSAY_OK) {
		log_say("%s", err.text);
		return exit_code(err.code);
	}
	if (made)
		log_say("first start: the master key is in %s; keep a copy elsewhere, without it "
			"the secrets are"
			" lost",
		    k->options.master_key);
	k->root = locked_new(VAULT_KEY);
	k->session_key = locked_new(VAULT_KEY);
	k->ticket_key = locked_new(TICKET_KEY);
	if (k->root == NULL || k->session_key == NULL || k->ticket_key == NULL) {
		log_say("out of locked memory; raise LimitMEMLOCK");
		return 4;
	}
	k->now = k->clock(k->clock_arg);
	if (sample != -1 && (rc = check_sample(k, sample)) != 0)
		return rc;
	return begin(k, sample == -1);
}

int
keeper_open(struct keeper **out, const struct keeper_options *options)
{
	return keeper_open_at(out, options, clock_now, NULL);
}

int
keeper_open_at(
    struct keeper **out, const struct keeper_options *options, int64_t (*now)(void *arg), void *arg)
{
	struct keeper *k = calloc(1, sizeof *k);
	int rc;

	if (k == NULL || !copy_options(k, options)) {
		log_say("out of memory");
		keeper_close(k);
		return 4;
	}
	/* Keys are never written to swap or a core; without the right to lock this is only said. */
	if (CRYPTO_secure_malloc_initialized() == 0 &&
	    CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST) != 1)
		log_say("key memory cannot be locked; raise LimitMEMLOCK, or switch swap off");
	k->clock = now;
	k->clock_arg = arg;
	k->message_most = IPC_MESSAGE_MAX;
	if ((rc = open_all(k)) != 0) {
		keeper_close(k);
		return rc;
	}
	*out = k;
	return 0;
}

void
keeper_close(struct keeper *k)
{
	if (k == NULL)
		return;
	keeper_unload(k);
	refusals_free(k->refusals);
	locked_free(k->root, VAULT_KEY);
	locked_free(k->session_key, VAULT_KEY);
	locked_free(k->ticket_key, TICKET_KEY);
	vault_close(k->vault);
	store_close(k->store);
	for (size_t i = 0; i < 5; i++)
		free(k->texts[i]);
	free(k);
}

/* --- serve ------------------------------------------------------------------------------- */

struct peer {
	int fd; /* -1: gone */
	struct ipc_queue in, out;
};

/* One turn's requests, and from whom. */
struct batch {
	struct ipc_message request[BATCH_MAX];
	struct reply reply[BATCH_MAX];
	size_t from[BATCH_MAX], size[BATCH_MAX];
	size_t count;
};

static void
peer_close(struct peer *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
	ipc_queue_free(&p->in);
	ipc_queue_free(&p->out);
}

static void
peer_read(struct peer *p)
{
	if (ipc_receive(&p->in, p->fd))
		return;
	if (errno == ENOMEM)
		log_say("out of memory: a worker's request is given up");
	peer_close(p);
}

static void
peer_write(struct peer *p)
{
	if (p->fd >= 0 && !ipc_send(&p->out, p->fd))
		peer_close(p);
}

/* The requests that are wholly there, of this worker; they stay in its buffer until they are answered. */
static void
collect(struct batch *b, struct peer *p, size_t index, size_t most)
{
	size_t at = p->in.at;

	while (p->fd >= 0 && at < p->in.len && b->count < most &&
	    ipc_waiting(&p->out).len < WAITING_MAX) {
		struct assay_bytes left = { p->in.ptr + at, p->in.len - at };
		size_t n = ipc_size(left);
		if (n == 0 || (n != SIZE_MAX && n > left.len))
			return;
		if (n == SIZE_MAX ||
		    !ipc_read(&b->request[b->count], (struct assay_bytes){ left.ptr, n })) {
			log_say("a worker broke the form of messages; its line is closed");
			(void)shutdown(p->fd, SHUT_RD); /* what it asked before is still done */
			p->in.len = at;
			return;
		}
		b->from[b->count] = index;
		b->size[b->count++] = n;
		at += n;
	}
}

static bool
answer(struct keeper *k, struct peer *p, const struct ipc_message *request, struct reply *r)
{
	uint8_t numbers[2][8];
	struct ipc_message m = { .id = request->id, .op = (uint16_t)r->status, .count = 2 };

	m.field[0] = ipc_u64(numbers[0], k->generation);
	if (r->status == KEEPER_DONE)
		m.field[1] = (struct assay_bytes){ r->data, r->len };
	else
		m.field[1] = (struct assay_bytes){ (uint8_t *)r->sentence, strlen(r->sentence) };
	if (r->status == KEEPER_DONE && r->has_number) {
		m.field[2] = ipc_u64(numbers[1], r->number);
		m.count = 3;
	}
	return ipc_add(&p->out, &m);
}

static void
serve(struct keeper *k, struct peer *peers, size_t count, struct batch *b)
{
	size_t share = BATCH_MAX / count > 0 ? BATCH_MAX / count : 1;

	b->count = 0;
	for (size_t i = 0; i < count; i++)
		collect(
		    b, &peers[i], i, b->count + share < BATCH_MAX ? b->count + share : BATCH_MAX);
	if (b->count == 0)
		return;
	(void)keeper_turn(k, b->request, b->reply, b->count);
	for (size_t i = 0; i < b->count; i++) {
		struct peer *p = &peers[b->from[i]];
		if (p->fd >= 0 && !answer(k, p, &b->request[i], &b->reply[i])) {
			/* One that stays without answer would wait for ever. */
			log_say("out of memory: a worker's line is closed");
			peer_close(p);
		}
		reply_clear(&b->reply[i]);
	}
	for (size_t i = 0; i < b->count; i++)
		if (peers[b->from[i]].fd >= 0)
			ipc_forget(&peers[b->from[i]].in, b->size[i]);
	for (size_t i = 0; i < count; i++)
		peer_write(&peers[i]);
}

/* Whether a whole request still waits, that the last turn had no room for. */
static bool
more_waits(const struct peer *peers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct assay_bytes in = ipc_waiting(&peers[i].in);
		size_t whole = ipc_size(in);
		if (peers[i].fd >= 0 && whole != 0 && in.len >= whole &&
		    ipc_waiting(&peers[i].out).len < WAITING_MAX)
			return true;
	}
	return false;
}

/* What happens without anybody asking: a head that is due, keys that are changed. */
static bool
idle_work(const struct keeper *k)
{
	return (vault_changing(k->vault) && !k->resealed) || k->chain.seq != k->chain.head_seq;
}

static void
loop(struct keeper *k, struct peer *peers, size_t count, struct batch *b, struct pollfd *polls,
    int signals)
{
	int64_t end = INT64_MAX, idle_at = 0;

	for (;;) {
		size_t open = 0;
		for (size_t i = 0; i < count; i++) {
			short events = ipc_waiting(&peers[i].out).len > 0 ? POLLOUT : 0;
			if (ipc_waiting(&peers[i].out).len < WAITING_MAX)
				events |= POLLIN;
			polls[i] = (struct pollfd){ .fd = peers[i].fd, .events = events };
			open += peers[i].fd >= 0;
		}
		polls[count] = (struct pollfd){ .fd = signals, .events = POLLIN };
		if (open == 0 || k->clock(k->clock_arg) >= end)
			return;
		if (poll(polls, count + 1, more_waits(peers, count) ? 0 : IDLE_MS) < 0 &&
		    errno != EINTR)
			return;
		if ((polls[count].revents & POLLIN) != 0) {
			struct signalfd_siginfo info;
			if (read(signals, &info, sizeof info) == (ssize_t)sizeof info &&
			    end == INT64_MAX)
				end = k->clock(k->clock_arg) + END_S;
		}
		for (size_t i = 0; i < count; i++) {
			if ((polls[i].revents & POLLOUT) != 0)
				peer_write(&peers[i]);
			if (peers[i].fd >= 0 &&
			    (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
				peer_read(&peers[i]);
		}
		serve(k, peers, count, b);
		if (b->count == 0 && idle_work(k) && k->clock(k->clock_arg) != idle_at) {
			idle_at = k->clock(k->clock_arg);
			(void)keeper_turn(k, NULL, NULL, 0);
		}
	}
}

/* The last row of this run, and a head over it. */
static void
stop(struct keeper *k)
{
	k->now = k->clock(k->clock_arg);
	k->failed = false;
	if (store_begin(k->store) && (k->loaded || keeper_load(k)) && keeper_check_clock(k) &&
	    audit_add(k, "stop", NULL, json_object()) && audit_head(k, true) &&
	    store_commit(k->store))
		return;
	store_rollback(k->store);
	k->loaded = false;
	log_say("the last rows of audit have no signed head: %s",
	    k->failed ? k->error : store_error(k->store));
}

int
keeper_run(struct keeper *k, const int *sockets, size_t count)
{
	struct peer *peers = calloc(count, sizeof *peers);
	struct pollfd *polls = calloc(count + 1, sizeof *polls);
	struct batch *b = calloc(1, sizeof *b);
	sigset_t set;
	int signals = -1;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (peers != NULL && polls != NULL && b != NULL && sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals >= 0) {
		for (size_t i = 0; i < count; i++)
			peers[i].fd = sockets[i];
		loop(k, peers, count, b, polls, signals);
		for (size_t i = 0; i < count; i++)
			peer_close(&peers[i]);
		stop(k);
		(void)close(signals);
	} else
		log_say("keeper: cannot begin: %s", strerror(errno));
	free(peers);
	free(polls);
	free(b);
	return signals >= 0 ? 0 : 4;
}
