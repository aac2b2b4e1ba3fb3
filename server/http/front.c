/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../collateral/collateral.h"
#include "../config.h"
#include "../lockdown.h"
#include "../notify.h"
#include "../process.h"
#include "../text.h"
#include "tls.h"

enum {
	EXIT_DONE = 0,
	EXIT_USAGE = 2,
	EXIT_TROUBLE = 4,
	WORKERS_MAX = 64,
	CONNECTIONS_MAX = 16384, /* of all workers; fewer if there are fewer descriptors */
	DESCRIPTORS_ELSE = 256,  /* for all that is no connection */
	TICK_S = 1,
	DRAIN_S = 20, /* how long requests in flight may still take */
	STUCK_S = 10, /* a worker that did not sweep for so long hangs */
	ROOT_FILE_MAX = 1024 * 1024,
};

enum life { STARTING, SERVING, DRAINING, STOPPED };

/* The main thread. */
struct front {
	struct server server;
	struct settings *config;
	struct process *processes;
	size_t process_count;
	struct notify *notify;
	struct event *signals[4], *tick, *wake;
	enum life life;
	bool asking;   /* for a snapshot */
	int64_t epoch; /* in which it was asked for: an hour of Unix time */
	char why[256]; /* there is no view */
	int64_t drain_until_ms, heard_ms;
	int code;
};

static const int signal_numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

/* --- the view ---------------------------------------------------------------------------- */

static void
stop(struct front *f, int code)
{
	if (f->code == EXIT_DONE)
		f->code = code;
	f->life = STOPPED;
	event_base_loopbreak(f->server.base);
}

static void
publish_view(struct server *s, struct view *view)
{
	struct view *old;

	pthread_mutex_lock(&s->lock);
	old = s->view;
	s->view = view;
	atomic_fetch_add(&s->serial, 1);
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->generation, view->generation);
	view_drop(old);
	collateral_renew(s->collateral, view);
}

static void
got_snapshot(void *arg, const struct ipc_message *answer)
{
	struct front *f = arg;
	struct assay_error err = { 0 };
	struct view *view = NULL;

	f->asking = false;
	if (answer->op != KEEPER_DONE || answer->count < 2)
		snprintf(err.text, sizeof err.text, "the keeper gave no snapshot (status %u)",
		    answer->op);
	else
		view = view_read(answer->field[1], f->server.roots, f->server.options->root_count,
		    f->server.options->min_tcb, time(NULL), &err);
	if (view == NULL && f->life == STARTING) {
		snprintf(f->why, sizeof f->why, "%s", err.text);
		stop(f, EXIT_TROUBLE);
		return;
	}
	if (view == NULL && f->life > SERVING)
		return; /* the keeper has ended: who ends with it has said why */
	if (view == NULL) {
		log_say("policies and collateral could not be renewed: %s", err.text);
		return;
	}
	log_detail("appraisal generation %llu", (unsigned long long)view->generation);
	publish_view(&f->server, view);
	if (f->life == STARTING)
		event_base_loopbreak(f->server.base);
}

static void
ask_snapshot(struct front *f)
{
	if (f->asking || f->life > SERVING)
		return;
	f->asking = true;
	f->epoch = time(NULL) / TICKET_EPOCH_S;
	keeper_call(f->server.keeper, KEEPER_VIEW, NULL, 0, got_snapshot, f);
}

/* A newer generation was seen, a reference value has ended, or the hour has changed, and with it the keys
 * of tickets. */
static bool
view_is_old(const struct front *f)
{
	return atomic_load(&f->server.wanted) > atomic_load(&f->server.generation) ||
	    f->epoch != time(NULL) / TICKET_EPOCH_S || f->server.view->until <= time(NULL);
}

/* --- signals ----------------------------------------------------------------------------- */

static void
drain(struct front *f)
{
	struct server *s = &f->server;

	if (f->life != SERVING)
		return;
	log_say("stopping: finishes the requests in flight");
	f->life = DRAINING;
	f->drain_until_ms = monotonic_ms() + DRAIN_S * 1000;
	notify_say(f->notify, "STOPPING=1");
	for (size_t i = 0; i < s->worker_count; i++)
		worker_order(&s->workers[i], ORDER_DRAIN);
	event_base_loopbreak(s->base);
}

static void
reload(struct front *f)
{
	struct server *s = &f->server;

	notify_reloading(f->notify);
	bool ok = settings_reload(f->config);
	const struct server_options *o = s->options;
	SSL_CTX *tls = NULL;
	if (ok && (s->tls != NULL) != (o->tls_cert != NULL)) {
		log_say("tls-cert is %s; to speak %s takes a restart",
		    s->tls != NULL ? "gone" : "new", s->tls != NULL ? "plain HTTP" : "TLS");
		ok = false;
	} else if (ok && s->tls != NULL) {
		tls = tls_open(o->tls_cert, o->tls_key, o->client_ca);
		ok = tls != NULL;
	}
	if (tls != NULL) {
		pthread_mutex_lock(&s->lock);
		SSL_CTX *old = s->tls;
		s->tls = tls;
		atomic_fetch_add(&s->serial, 1);
		pthread_mutex_unlock(&s->lock);
		SSL_CTX_free(old);
	}
	log_say(ok ? "reloaded" : "what was there before stays");
	ask_snapshot(f);
	notify_say(f->notify, "READY=1");
}

static void
child_ended(struct front *f)
{
	int code;

	for (size_t i = 0; i < f->process_count; i++) {
		if (!process_ended(&f->processes[i], &code))
			continue;
		if (f->life == STARTING) { /* it has said why */
			stop(f, code != EXIT_DONE ? code : EXIT_TROUBLE);
			return;
		}
		if (code != EXIT_DONE)
			log_say("the %s ended with exit code %d", f->processes[i].name, code);
		log_say("the %s has ended, and nothing goes without it: assayd ends",
		    f->processes[i].name);
		stop(f, EXIT_TROUBLE);
	}
}

static void
signalled(evutil_socket_t number, short what, void *arg)
{
	struct front *f = arg;

	(void)what;
	if (number == SIGCHLD)
		child_ended(f);
	else if (number == SIGHUP && f->life == SERVING)
		reload(f);
	else if (number == SIGHUP)
		return;
	else if (f->life == SERVING)
		drain(f);
	else
		stop(f, EXIT_DONE);
}

static void
woken(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof n) == (ssize_t)sizeof n && view_is_old(f))
		ask_snapshot(f);
}

static bool
workers_live(const struct server *s, int64_t now_ms)
{
	for (size_t i = 0; i < s->worker_count; i++)
		if (now_ms / 1000 - atomic_load(&s->workers[i].beat) > STUCK_S)
			return false;
	return true;
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	int64_t now = monotonic_ms();

	(void)fd;
	(void)what;
	if (f->life != SERVING)
		return;
	if (view_is_old(f))
		ask_snapshot(f);
	if (f->notify->watchdog_ms > 0 && now - f->heard_ms >= f->notify->watchdog_ms / 3 &&
	    workers_live(&f->server, now)) {
		f->heard_ms = now;
		notify_say(f->notify, "WATCHDOG=1");
	}
}

static bool
watch(struct front *f)
{
	const struct timeval every = { .tv_sec = TICK_S };
	struct server *s = &f->server;

	for (size_t i = 0; i < sizeof signal_numbers / sizeof signal_numbers[0]; i++) {
		f->signals[i] = evsignal_new(s->base, signal_numbers[i], signalled, f);
		if (f->signals[i] == NULL || event_add(f->signals[i], NULL) != 0)
			return false;
	}
	signal(SIGPIPE, SIG_IGN);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->wake = s->wake >= 0 ? event_new(s->base, s->wake, EV_READ | EV_PERSIST, woken, f) : NULL;
	f->tick = event_new(s->base, -1, EV_PERSIST, tick, f);
	return f->wake != NULL && f->tick != NULL && event_add(f->wake, NULL) == 0 &&
	    event_add(f->tick, &every) == 0;
}

/* --- start ------------------------------------------------------------------------------- */

size_t
front_workers(const struct server_options *options)
{
	long n = options->workers > 0 ? (long)options->workers : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (size_t)n;
}

/* As many connections as there are descriptors for. */
static size_t
connections_of_all(void)
{
	size_t all = process_descriptors(),
	       n = all > DESCRIPTORS_ELSE + 64 ? all - DESCRIPTORS_ELSE : 64;

	return n < CONNECTIONS_MAX ? n : CONNECTIONS_MAX;
}

static bool
read_root(struct assay_bytes *out, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		log_say("%s: cannot be read as a trust root: must be a file, which is read twice",
		    path);
		return false;
	}
	FILE *from = fopen(path, "rbe");
	uint8_t *bytes = malloc(ROOT_FILE_MAX);
	size_t n = from != NULL && bytes != NULL ? fread(bytes, 1, ROOT_FILE_MAX, from) : 0;
	bool failed = from == NULL || bytes == NULL || ferror(from) != 0;
	bool ok = !failed && n > 0 && n < ROOT_FILE_MAX;

	if (!ok)
		log_say("%s: cannot be read as a trust root: %s", path,
		    failed && errno == EISDIR ? "is a folder; give trust-root for each file in it"
			: failed              ? strerror(errno)
			: n == 0              ? "is empty"
					      : "is longer than 1 MiB");
	if (from != NULL)
		fclose(from);
	if (ok)
		*out = (struct assay_bytes){ bytes, n };
	else
		free(bytes);
	return ok;
}

static bool
judge_root(struct assay_trust *trust, const char *path)
{
	struct assay_bytes root;
	struct assay_error err = { 0 };

	if (!read_root(&root, path))
		return false;
	bool ok = assay_trust_add_root(trust, root, path, &err) == ASSAY_OK;
	if (!ok)
		log_say("trust-root: %s", err.text);
	free((void *)(uintptr_t)root.ptr);
	return ok;
}

static void
collateral_saw(void *arg, const struct ipc_message *answer)
{
	server_saw(arg, answer);
}

/* fetcher: NULL if there is none. */
static bool
open_collateral(struct server *s, struct process *fetcher)
{
	const struct collateral_setup setup = { .base = s->base,
		.keeper = s->keeper,
		.fetcher = fetcher != NULL ? fetcher->sockets[0] : -1,
		.roots = s->roots,
		.root_count = s->options->root_count,
		.saw = collateral_saw,
		.arg = s };

	s->collateral = collateral_new(&setup);
	if (s->collateral != NULL && fetcher != NULL)
		fetcher->sockets[0] = -1; /* its line's */
	return s->collateral != NULL;
}

/* Any point will do; SEC 2, 2.4.2 names one. */
static bool
open_curve(struct server *s)
{
	static const char generator[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
					"\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
					"\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}";
	const struct assay_bytes text = { (const uint8_t *)generator, sizeof generator - 1 };
	struct assay_error err;

	return assay_jwk_parse(&s->curve, text, &err) == ASSAY_OK;
}

static bool
open_server(struct front *f, struct process *keeper)
{
	struct server *s = &f->server;
	const struct server_options *o = s->options;
	struct assay_error err;

	s->wake = -1;
	pthread_mutex_init(&s->lock, NULL);
	for (size_t i = 0; i < o->root_count; i++)
		if (!read_root(&s->roots[i], o->trust_root[i]))
			return false;
	if (o->tls_cert != NULL &&
	    (s->tls = tls_open(o->tls_cert, o->tls_key, o->client_ca)) == NULL)
		return false;
	s->base = base_new();
	if (s->base == NULL || !watch(f) || assay_cache_new(&s->cache, 0, &err) != ASSAY_OK ||
	    !open_curve(s) || (s->keeper = keeper_line_new(s->base, keeper->sockets[0])) == NULL) {
		log_say("cannot start: %s", strerror(errno));
		return false;
	}
	keeper->sockets[0] = -1; /* the line's */
	if (!open_collateral(s, f->process_count > 1 ? &f->processes[1] : NULL)) {
		log_say("cannot start: out of memory");
		return false;
	}
	return true;
}

static bool
open_workers(struct server *s, struct process *keeper)
{
	size_t count = front_workers(s->options);

	s->connections_max = connections_of_all() / count;
	s->workers = calloc(count, sizeof *s->workers);
	if (s->workers == NULL) {
		log_say("out of memory");
		return false;
	}
	for (; s->worker_count < count; s->worker_count++) {
		size_t i = s->worker_count;
		int socket = keeper->sockets[i + 1];
		keeper->sockets[i + 1] = -1;
		if (!worker_open(&s->workers[i], s, i, socket)) {
			worker_close(&s->workers[i]);
			return false;
		}
		worker_renew(&s->workers[i]);
	}
	return true;
}

/* --- the end ----------------------------------------------------------------------------- */

/* Lets the workers end by themselves until the time is up, then ends them. */
static void
join_workers(struct front *f, size_t started)
{
	struct server *s = &f->server;

	for (size_t i = 0; i < started; i++) {
		struct worker *w = &s->workers[i];
		struct timespec until;
		int64_t left = f->life == DRAINING ? f->drain_until_ms - monotonic_ms() : 0;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += left > 0 ? left / 1000 + 1 : 0;
		if (left > 0 && pthread_timedjoin_np(w->thread, NULL, &until) == 0)
			continue;
		worker_order(w, ORDER_STOP);
		pthread_join(w->thread, NULL);
	}
}

static void
close_server(struct front *f)
{
	struct server *s = &f->server;

	for (size_t i = 0; i < s->worker_count; i++)
		worker_close(&s->workers[i]);
	free(s->workers);
	/* Whoever still waits for the keeper is told now that it is gone, and must be there to hear it. */
	if (s->keeper != NULL)
		keeper_line_free(s->keeper);
	collateral_free(s->collateral);
	for (size_t i = 0; i < sizeof f->signals / sizeof f->signals[0]; i++)
		if (f->signals[i] != NULL)
			event_free(f->signals[i]);
	if (f->wake != NULL)
		event_free(f->wake);
	if (f->tick != NULL)
		event_free(f->tick);
	if (s->wake >= 0)
		close(s->wake);
	for (size_t i = 0; i < s->listening_count; i++)
		listen_close(&s->listening[i]);
	if (s->base != NULL)
		event_base_free(s->base);
	view_drop(s->view);
	SSL_CTX_free(s->tls);
	assay_cache_free(s->cache);
	assay_jwk_free(s->curve);
	for (size_t i = 0; i < ROOTS_MAX; i++)
		free((void *)(uintptr_t)s->roots[i].ptr);
	pthread_mutex_destroy(&s->lock);
}

/* --- public ------------------------------------------------------------------------------ */

bool
front_check_roots(const struct server_options *o)
{
	struct assay_trust *trust = NULL;
	struct assay_error err = { 0 };
	bool ok = assay_trust_new(&trust, &err) == ASSAY_OK;

	if (!ok)
		log_say("cannot start: %s", err.text);
	for (size_t i = 0; ok && i < o->root_count; i++)
		ok = judge_root(trust, o->trust_root[i]);
	assay_trust_free(trust);
	return ok;
}

static void
serve(struct front *f)
{
	struct server *s = &f->server;
	size_t started = 0;

	ask_snapshot(f);
	event_base_dispatch(s->base);
	if (s->view == NULL)
		return;
	if (!open_workers(s, &f->processes[0]) ||
	    !lockdown_front(s->options, settings_path(f->config))) {
		stop(f, EXIT_TROUBLE);
		return;
	}
	while (started < s->worker_count && worker_start(&s->workers[started]))
		started++;
	f->life = SERVING;
	if (started < s->worker_count ||
	    !lockdown_calls(s->options->opa != NULL ? LOCKDOWN_FRONT_ASKING : LOCKDOWN_FRONT)) {
		stop(f, EXIT_TROUBLE);
	} else {
		for (size_t i = 0; i < s->listening_count; i++)
			log_say("listening on %s%s", s->listening[i].address,
			    !s->listening[i].local && s->tls != NULL ? ", TLS 1.3" : "");
		notify_say(f->notify, "READY=1");
		event_base_dispatch(s->base);
	}
	join_workers(f, started);
}

int
front_run(struct settings *config, struct listening *listening, size_t listening_count,
    struct process *processes, size_t process_count, struct notify *notify)
{
	struct front f = { .config = config,
		.processes = processes,
		.process_count = process_count,
		.notify = notify,
		.server = { .options = settings_options(config),
		    .listening = listening,
		    .listening_count = listening_count } };

	if (open_server(&f, &processes[0]))
		serve(&f);
	else
		f.code = EXIT_TROUBLE;
	close_server(&f); /* and with it the lines to the others, which then end */
	bool served = f.life > STARTING && f.why[0] == '\0';
	for (size_t i = 0; i < process_count; i++) {
		int code = process_stop(&processes[i]);
		if (!served && code != EXIT_DONE) { /* it has said why */
			f.code = code;
			f.why[0] = '\0';
		}
	}
	if (f.why[0] != '\0')
		log_say("cannot start: %s", f.why);
	return f.code;
}
