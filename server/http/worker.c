/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/http.h>
#include <event2/listener.h>

#include "../opa/opa.h"
#include "../text.h"

enum {
	SWEEP_S = 1,
	TIMEOUT_S = 90, /* evhttp's own, beyond all of the gate's */
	REST_US = 2000, /* of a worker that has more than its share of connections */
};

int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- what a worker has ------------------------------------------------------------------- */

void
worker_renew(struct worker *w)
{
	struct server *s = w->server;
	struct view *old_view = w->view;
	SSL_CTX *old_tls = w->tls;

	if (w->serial == atomic_load_explicit(&s->serial, memory_order_acquire))
		return;
	pthread_mutex_lock(&s->lock);
	w->view = view_keep(s->view);
	w->tls = s->tls;
	if (w->tls != NULL)
		SSL_CTX_up_ref(w->tls);
	w->serial = atomic_load_explicit(&s->serial, memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	view_drop(old_view);
	SSL_CTX_free(old_tls);
}

struct keeper_line *
worker_keeper(struct worker *w)
{
	return w->keeper;
}

struct view *
worker_view(struct worker *w)
{
	return w->view;
}

struct assay_cache *
worker_cache(struct worker *w)
{
	return w->server->cache;
}

const struct assay_jwk *
worker_curve(struct worker *w)
{
	return w->server->curve;
}

struct event_base *
worker_base(struct worker *w)
{
	return w->base;
}

struct opa_line *
worker_opa(const struct worker *w)
{
	return w->opa;
}

struct assay_evidence **
worker_evidence(struct worker *w)
{
	return &w->evidence;
}

struct assay_claims **
worker_claims(struct worker *w)
{
	return &w->claims;
}

struct assay_checks *
worker_checks(struct worker *w)
{
	return w->checks;
}

const struct server_options *
worker_options(const struct worker *w)
{
	return w->server->options;
}

void
server_saw(struct server *s, const struct ipc_message *answer)
{
	uint64_t generation, one = 1;

	if (!ipc_get_u64(&generation, answer, 0) || generation <= atomic_load(&s->generation))
		return;
	/* Who raises it wakes the main thread; one who finds it raised already need not. */
	uint64_t before = atomic_load(&s->wanted);
	while (
	    before < generation && !atomic_compare_exchange_weak(&s->wanted, &before, generation))
		;
	if (before < generation && write(s->wake, &one, sizeof one) < 0)
		log_detail("the main thread could not be woken: %s", strerror(errno));
}

void
worker_saw(struct worker *w, const struct ipc_message *answer)
{
	server_saw(w->server, answer);
}

const struct assay_bytes *
worker_roots(const struct worker *w, size_t *count)
{
	*count = w->server->options->root_count;
	return w->server->roots;
}

struct collateral *
worker_collateral(const struct worker *w)
{
	return w->server->collateral;
}

void
metric_count(struct worker *w, const char *name, const char *label, const char *value)
{
	metric_count_two(w, name, label, value, NULL, NULL);
}

void
metric_count_two(struct worker *w, const char *name, const char *label, const char *value,
    const char *label2, const char *value2)
{
	metrics_count(&w->metrics, name, (const char *[2]){ label, label2 },
	    (const char *[2]){ value, value2 });
}

/* --- connections ------------------------------------------------------------------------- */

static void
set_listeners(struct worker *w, bool on)
{
	for (size_t i = 0; i < w->bound_count; i++) {
		struct evconnlistener *l = evhttp_bound_socket_get_listener(w->bound[i]);
		if (on)
			evconnlistener_enable(l);
		else
			evconnlistener_disable(l);
	}
}

static void
rested(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	set_listeners(arg, true);
}

void
worker_share(struct worker *w)
{
	const struct timeval for_a_moment = { .tv_usec = REST_US };
	const struct server *s = w->server;
	size_t mine = atomic_load_explicit(&w->connections, memory_order_relaxed), least = mine;

	for (size_t i = 0; i < s->worker_count; i++) {
		size_t n = atomic_load_explicit(&s->workers[i].connections, memory_order_relaxed);
		least = n < least ? n : least;
	}
	if (mine <= least + 1 + mine / 8)
		return;
	set_listeners(w, false);
	event_add(w->rest_event, &for_a_moment);
}

/* No descriptor, or no memory: those who wait in the queue of the system wait there until the next
 * sweep. arg is evhttp's. */
static void
accept_failed(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	log_detail("connections cannot be accepted: %s; trying again", strerror(errno));
	evconnlistener_disable(listener);
}

static bool
open_door(struct worker *w, struct door *door, bool tls, bool local)
{
	*door =
	    (struct door){ .worker = w, .http = evhttp_new(w->base), .tls = tls, .local = local };
	if (door->http == NULL)
		return false;
	/* The gate has narrower limits. */
	evhttp_set_max_headers_size(door->http, 4 * HEAD_MAX);
	evhttp_set_max_body_size(door->http, INT32_MAX);
	evhttp_set_timeout(door->http, TIMEOUT_S);
	evhttp_set_allowed_methods(door->http, UINT16_MAX);
	evhttp_set_bevcb(door->http, gate_open, door);
	evhttp_set_gencb(door->http, gate_request, door);
	return true;
}

static bool
listen_at(struct worker *w, const struct listening *l)
{
	bool tls = w->server->tls != NULL && !l->local;
	struct door *door = &w->doors[l->local ? 2 : tls ? 0 : 1];
	int fd;

	if (door->http == NULL && !open_door(w, door, tls, l->local))
		return false;
	if ((fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 3)) < 0)
		return false;
	struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(door->http, fd);
	if (bound == NULL) {
		close(fd);
		return false;
	}
	evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(bound), accept_failed);
	w->bound[w->bound_count++] = bound;
	return true;
}

/* --- the thread -------------------------------------------------------------------------- */

static void
maybe_end(struct worker *w)
{
	if (w->draining && atomic_load_explicit(&w->connections, memory_order_relaxed) == 0)
		event_base_loopbreak(w->base);
}

static void
ordered(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	uint64_t order = 0;

	(void)what;
	if (read(fd, &order, sizeof order) != (ssize_t)sizeof order)
		return;
	set_listeners(w, false);
	event_del(w->rest_event);
	gates_drain(w);
	if (order >= ORDER_STOP)
		event_base_loopbreak(w->base);
	maybe_end(w);
}

static void
settle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	gates_settle(arg);
}

static void
sweep(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	gates_sweep(w);
	worker_renew(w);
	if (!w->draining && !event_pending(w->rest_event, EV_TIMEOUT, NULL))
		set_listeners(w, true);
	atomic_store_explicit(&w->beat, monotonic_ms() / 1000, memory_order_relaxed);
	maybe_end(w);
}

static void *
run(void *arg)
{
	struct worker *w = arg;

	event_base_dispatch(w->base);
	w->draining = true;
	/* Handlers that still wait answer now; nobody writes it. Those of the OPA ask the keeper before. */
	opa_line_free(w->opa);
	w->opa = NULL;
	keeper_line_free(w->keeper);
	w->keeper = NULL;
	return NULL;
}

struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	return base;
}

static bool
open_events(struct worker *w)
{
	const struct timeval every = { .tv_sec = SWEEP_S };

	w->order_event = event_new(w->base, w->order, EV_READ | EV_PERSIST, ordered, w);
	w->sweep_event = event_new(w->base, -1, EV_PERSIST, sweep, w);
	w->settle_event = event_new(w->base, -1, 0, settle, w);
	w->rest_event = event_new(w->base, -1, 0, rested, w);
	return w->order_event != NULL && w->sweep_event != NULL && w->settle_event != NULL &&
	    w->rest_event != NULL && event_add(w->order_event, NULL) == 0 &&
	    event_add(w->sweep_event, &every) == 0;
}

/* The address has been judged with the configuration. */
static bool
open_opa(struct worker *w)
{
	const char *url = w->server->options->opa;
	struct opa_address address;

	if (url == NULL)
		return true;
	if (opa_address_read(&address, url) != NULL)
		return false;
	w->opa = opa_line_new(w->base, &address);
	return w->opa != NULL;
}

bool
worker_open(struct worker *w, struct server *server, size_t index, int keeper_socket)
{
	struct assay_error err;

	*w = (struct worker){ .server = server, .index = index };
	for (enum phase p = 0; p < PHASE_COUNT; p++)
		TAILQ_INIT(&w->phases[p]);
	w->order = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->base = base_new();
	if (w->base != NULL)
		w->keeper = keeper_line_new(w->base, keeper_socket);
	if (w->keeper == NULL)
		close(keeper_socket);
	bool ok = w->keeper != NULL && w->order >= 0 && open_events(w) && open_opa(w) &&
	    assay_checks_new(&w->checks, &err) == ASSAY_OK;
	for (size_t i = 0; i < server->listening_count && ok; i++)
		ok = listen_at(w, &server->listening[i]);
	if (!ok)
		log_say("worker %zu cannot start: %s", index, strerror(errno));
	return ok;
}

bool
worker_start(struct worker *w)
{
	sigset_t all, before;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_store(&w->beat, monotonic_ms() / 1000);
	int error = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		log_say("worker %zu cannot start: %s", w->index, strerror(error));
	return error == 0;
}

void
worker_order(struct worker *w, enum order order)
{
	const uint64_t n = order;

	if (write(w->order, &n, sizeof n) < 0)
		log_say("worker %zu could not be told to stop: %s", w->index, strerror(errno));
}

void
worker_close(struct worker *w)
{
	struct event *const events[] = { w->order_event, w->sweep_event, w->settle_event,
		w->rest_event };

	opa_line_free(w->opa);
	if (w->keeper != NULL)
		keeper_line_free(w->keeper);
	for (size_t i = 0; i < DOORS; i++)
		if (w->doors[i].http != NULL)
			evhttp_free(w->doors[i].http); /* and with it listeners and connections */
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (w->order >= 0)
		close(w->order);
	if (w->base != NULL)
		event_base_free(w->base);
	assay_evidence_free(w->evidence);
	assay_claims_free(w->claims);
	assay_checks_free(w->checks);
	view_drop(w->view);
	SSL_CTX_free(w->tls);
}
