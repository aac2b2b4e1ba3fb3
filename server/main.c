/* SPDX-License-Identifier: Apache-2.0 */
/* assayd: the keeper and the other processes are started, then this one becomes the front. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "collateral/fetcher.h"
#include "config.h"
#include "http/front.h"
#include "http/tls.h"
#include "lockdown.h"
#include "notify.h"
#include "process.h"
#include "sweeper.h"
#include "text.h"
#include "wipe.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_TROUBLE = 4 };

static int
run_keeper(const void *arg, const int *sockets, size_t count)
{
	const struct server_options *options = arg;
	struct keeper *keeper = NULL;
	int rc = keeper_open(&keeper, &options->keeper);

	if (rc != 0)
		return rc;
	rc = lockdown_keeper(&options->keeper) ? keeper_run(keeper, sockets, count) : EXIT_TROUBLE;
	keeper_close(keeper);
	return rc;
}

static int
check(const struct settings *config)
{
	const struct server_options *o = settings_options(config);

	if (!front_check_roots(o))
		return EXIT_USAGE;
	if (o->tls_cert != NULL) {
		SSL_CTX *tls = tls_open(o->tls_cert, o->tls_key, o->client_ca);
		if (tls == NULL)
			return EXIT_USAGE;
		SSL_CTX_free(tls);
	}
	settings_print(stdout, config);
	return fflush(stdout) == 0 && ferror(stdout) == 0 ? EXIT_DONE : EXIT_TROUBLE;
}

/* By the socket, not by the words of the address: localhost is what /etc/hosts makes of it. */
static bool
is_guarded(const struct listening *l, const struct server_options *o)
{
	if (l->loopback || o->tls_cert != NULL || o->insecure_http)
		return true;
	log_say("%s: this socket would be plain HTTP beyond this machine; give tls-cert and "
		"tls-key, or insecure-http",
	    l->address);
	return false;
}

/* Inherited sockets, else those of the options, else the default. -1 after it has complained. */
static int
open_sockets(struct listening out[LISTEN_MAX], const struct server_options *o)
{
	static const char fallback[] = "tcp:127.0.0.1:8080";
	int count = listen_inherit(out, LISTEN_MAX);

	for (int i = 0; i < count; i++)
		if (!is_guarded(&out[i], o))
			return -1;
	if (count > 0 && o->listen_count > 0)
		log_say(
		    "listen: not looked at: systemd has handed sockets over, and the socket unit "
		    "says where; stop that unit to go by listen");
	if (count != 0)
		return count;
	for (size_t i = 0; i < o->listen_count; i++, count++)
		if (!listen_open(&out[count], o->listen[i]) || !is_guarded(&out[count], o))
			return -1;
	if (count == 0 && !listen_open(&out[count++], fallback))
		return -1;
	return count;
}

static int
serve(struct settings *config)
{
	const struct server_options *o = settings_options(config);
	struct listening listening[LISTEN_MAX];
	struct notify notify;
	struct process processes[] = {
		{ .name = "keeper",
		    .title = "assayd-keeper",
		    .run = run_keeper,
		    .socket_count = front_workers(o) + 1 },
		{ .name = "fetcher",
		    .title = "assayd-fetcher",
		    .run = fetcher_run,
		    .socket_count = 1 },
	};
	/* Without services to ask there is nothing to fetch. */
	size_t count = o->upstream_count > 0 ? 2 : 1;

	struct sweeper sweeper = { .process = { .name = "sweeper", .title = "assayd-sweeper" } };

	int sockets = open_sockets(listening, o);
	if (sockets < 0)
		return EXIT_TROUBLE;
	for (int i = 0; i < sockets; i++)
		sweeper_add(&sweeper, &listening[i].name);
	if (!sweeper_start(&sweeper))
		return EXIT_TROUBLE;
	notify_open(&notify);
	if (!confine_user(o->user))
		return EXIT_TROUBLE;
	/* The keeper makes a store and its keys: what a wrong command would leave behind. */
	if (!front_check_roots(o))
		return EXIT_USAGE;
	for (size_t i = 0; i < count; i++)
		if (!process_start(&processes[i], o))
			return EXIT_TROUBLE; /* those that live see their sockets close */
	int code = front_run(config, listening, (size_t)sockets, processes, count, &notify);
	sweeper_stop(&sweeper);
	notify_close(&notify);
	return code;
}

int
main(int argc, char **argv)
{
	struct settings *config = NULL;
	int code = settings_read(&config, &config_table, argc, argv);

	if (code != SETTINGS_GO_ON)
		return code;
	const struct server_options *o = settings_options(config);
	log_set(o->json_log, o->verbose);
	event_set_mem_functions(malloc, wipe_realloc, wipe_free);
	code = settings_check_only(config) ? check(config) : serve(config);
	settings_free(config);
	libevent_global_shutdown();
	return code;
}
