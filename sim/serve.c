/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim serve: the vendors' services, and the QGS of a host, for software platforms. */
#include "command.h"
#include "services/services.h"

#include <errno.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LISTENS_MAX = 16,
	SERVERS_MAX = SIM_PLATFORMS_MAX + 3,
	HEADERS_MAX = 8192,
	BODY_MAX = 64,
	TIMEOUT_S = 30,
};

enum service { PCS, PCCS, KDS, QGS, SERVICES };
static const char *const names[SERVICES] = { "pcs", "pccs", "kds", "qgs" };

static const struct sim_option options[] = {
	{ "--platform", "DIR", "a folder of assay-sim new; repeatable, one at least" },
	{ "--only", "SERVICE", "pcs, pccs, kds or qgs; repeatable (all that fit)" },
	{ "--listen", "[SERVICE=]ADDR", "tcp:HOST:PORT (127.0.0.1:0); qgs also unix:, vsock:" },
	{ "--limit", "SERVICE=N/D", "so many requests of a client in D, then 429" },
};

struct order {
	const char *platforms[SIM_PLATFORMS_MAX];
	size_t platform_count;
	bool only[SERVICES], any_only;
	struct {
		enum service service; /* SERVICES: all */
		const char *address;
	} listens[LISTENS_MAX];
	size_t listen_count;
	struct sim_limit limits[SERVICES];
};

struct server {
	enum service service;
	char bound[SIM_ADDRESS_MAX];
	struct evhttp *http;
	struct sim_qgs *qgs;
};

struct serving {
	struct sim_platforms platforms;
	struct sim_web webs[SERVICES];
	struct event_base *base;
	struct event *signals[2];
	struct server servers[SERVERS_MAX];
	size_t server_count;
};

/* --- words ---------------------------------------------------------------------------------- */

static int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int trouble(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
usage(const char *fmt, ...)
{
	va_list ap;

	fputs("assay-sim serve: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nusage: assay-sim serve --platform DIR [options]        (assay-sim serve --help)\n",
	    stderr);
	return EXIT_USAGE;
}

static int
trouble(const char *fmt, ...)
{
	va_list ap;

	fputs("assay-sim serve: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

static int
help(void)
{
	puts("usage: assay-sim serve --platform DIR [options]\n\n"
	     "Serves the collateral of software platforms as the vendors do, and their QGS.\n"
	     "Prints a line \"NAME ADDRESS\" for each service, then serves until TERM or INT.\n");
	sim_print_options(options, sizeof options / sizeof options[0], 23);
	puts("  --help\n\n"
	     "  assay-sim serve --platform P --only kds --limit kds=1/10s\n"
	     "  assay-sim serve --platform Q --listen qgs=unix:/run/qgs.socket\n\n"
	     "exit: 0 stopped, 2 usage, 4 trouble; man assay-sim");
	return EXIT_YES;
}

/* --- the command line ----------------------------------------------------------------------- */

static enum service
find_service(const char *text, size_t len)
{
	enum service s = PCS;

	while (s < SERVICES && (strlen(names[s]) != len || memcmp(names[s], text, len) != 0))
		s++;
	return s;
}

static int
take_listen(struct order *o, const char *value)
{
	const char *equals = strchr(value, '=');
	size_t n = equals != NULL ? (size_t)(equals - value) : 0;
	enum service s = find_service(value, n);

	/* A '=' may stand in a path as well. */
	if (s == SERVICES && n > 0 && memchr(value, ':', n) == NULL)
		return usage("--listen: \"%s\"; there are pcs, pccs, kds and qgs", value);
	if (o->listen_count == LISTENS_MAX)
		return usage("--listen: is given more than %d times", (int)LISTENS_MAX);
	o->listens[o->listen_count].service = s;
	o->listens[o->listen_count++].address = s < SERVICES ? equals + 1 : value;
	return EXIT_YES;
}

static int
take_limit(struct order *o, const char *value)
{
	char unit = 's';
	unsigned requests = 0, seconds = 0;
	int used = 0;
	size_t n = strcspn(value, "=");
	enum service s = find_service(value, n);

	if (s >= QGS)
		return usage("--limit: \"%s\"; write kds=1/10s, for pcs, pccs or kds", value);
	if (sscanf(value + n, "=%9u/%9u%c%n", &requests, &seconds, &unit, &used) != 3 ||
	    value[n + (size_t)used] != '\0' || requests == 0 || seconds == 0 ||
	    strchr("smh", unit) == NULL)
		return usage(
		    "--limit: \"%s\"; write a number of requests and a time, kds=1/10s", value);
	o->limits[s].requests = requests;
	o->limits[s].seconds = (int64_t)seconds * (unit == 's' ? 1 : unit == 'm' ? 60 : 3600);
	return EXIT_YES;
}

static int
take(struct order *o, const char *name, const char *value)
{
	if (strcmp(name, "--platform") == 0) {
		if (o->platform_count == SIM_PLATFORMS_MAX)
			return usage(
			    "--platform: is given more than %d times", (int)SIM_PLATFORMS_MAX);
		o->platforms[o->platform_count++] = value;
		return EXIT_YES;
	}
	if (strcmp(name, "--listen") == 0)
		return take_listen(o, value);
	if (strcmp(name, "--limit") == 0)
		return take_limit(o, value);
	enum service s = find_service(value, strlen(value));
	if (s == SERVICES)
		return usage("--only: \"%s\"; there are pcs, pccs, kds and qgs", value);
	o->only[s] = o->any_only = true;
	return EXIT_YES;
}

static int
read_order(struct order *o, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		size_t n = strcspn(argv[i], "="), k = 0;
		while (k < sizeof options / sizeof options[0] &&
		    (strlen(options[k].name) != n || memcmp(options[k].name, argv[i], n) != 0))
			k++;
		if (k == sizeof options / sizeof options[0])
			return usage("%s: no such option", argv[i]);
		if (argv[i][n] == '\0' && i + 1 == argc)
			return usage("%s: wants %s", options[k].name, options[k].value);
		const char *value = argv[i][n] == '=' ? argv[i] + n + 1 : argv[++i];
		int rc = take(o, options[k].name, value);
		if (rc != EXIT_YES)
			return rc;
	}
	if (o->platform_count == 0)
		return usage("for which platform? give --platform DIR, made by assay-sim new");
	return EXIT_YES;
}

/* --- platforms ------------------------------------------------------------------------------ */

static bool
fits(enum service service, const struct sim_machine *m)
{
	const char *tee = sim_machine_tee(m);

	if (service == QGS)
		return strcmp(tee, "tdx") == 0;
	if (service == KDS)
		return strcmp(tee, "snp") == 0;
	return strcmp(tee, "tdx") == 0 || strcmp(tee, "sgx") == 0;
}

static bool
same_root(struct sim_machine *a, struct sim_machine *b)
{
	uint8_t *x = NULL, *y = NULL;
	size_t x_len = 0, y_len = 0;
	bool same = sim_machine_collateral(a, "trust-root", &x, &x_len) == 0 &&
	    sim_machine_collateral(b, "trust-root", &y, &y_len) == 0 && x_len == y_len &&
	    memcmp(x, y, x_len) == 0;

	free(x);
	free(y);
	return same;
}

/* One service has one QE identity and one CRL for all: those of two roots would be mixed up. */
static int
check_roots(const struct order *o, const struct serving *s)
{
	const struct sim_platforms *p = &s->platforms;
	size_t first = SIM_PLATFORMS_MAX;

	for (size_t i = 0; i < p->count; i++) {
		if (!fits(PCS, p->machines[i]))
			continue;
		if (first == SIM_PLATFORMS_MAX)
			first = i;
		else if (!same_root(p->machines[first], p->machines[i]))
			return usage(
			    "%s: has another root than %s, and a service has one; make "
			    "both with the same --seed and --time, or serve each by itself",
			    o->platforms[i], o->platforms[first]);
	}
	return EXIT_YES;
}

static int
open_platforms(const struct order *o, struct serving *s)
{
	char why[256];

	for (size_t i = 0; i < o->platform_count; i++) {
		if (sim_machine_open(&s->platforms.machines[i], o->platforms[i], why) != 0)
			return trouble("%s", why);
		s->platforms.folders[s->platforms.count++] = o->platforms[i];
	}
	if (!(o->any_only && !o->only[PCS] && !o->only[PCCS])) {
		int rc = check_roots(o, s);
		if (rc != EXIT_YES)
			return rc;
	}
	for (enum service service = PCS; service < SERVICES; service++) {
		size_t i = 0;
		while (i < s->platforms.count && !fits(service, s->platforms.machines[i]))
			i++;
		if (i == s->platforms.count && o->only[service])
			return usage("--only %s: is for %s, and no platform is one", names[service],
			    service == QGS       ? "TDX"
				: service == KDS ? "SEV-SNP"
						 : "TDX and SGX");
	}
	return EXIT_YES;
}

/* --- servers -------------------------------------------------------------------------------- */

static int
start_http(struct serving *s, struct server *server, int fd)
{
	server->http = evhttp_new(s->base);
	if (server->http == NULL || evhttp_accept_socket(server->http, fd) != 0) {
		close(fd);
		return trouble("out of memory");
	}
	evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(server->http, HEADERS_MAX);
	evhttp_set_max_body_size(server->http, BODY_MAX);
	evhttp_set_timeout(server->http, TIMEOUT_S);
	evhttp_set_gencb(server->http, server->service == KDS ? sim_kds_handle : sim_pcs_handle,
	    &s->webs[server->service]);
	printf("%s http://%s\n", names[server->service], server->bound + strlen("tcp:"));
	return EXIT_YES;
}

static int
start_one(struct serving *s, enum service service, struct sim_machine *machine, const char *address)
{
	struct server *server = &s->servers[s->server_count];
	char why[256];

	if (s->server_count == SERVERS_MAX)
		return usage("there are more services than %d", (int)SERVERS_MAX);
	if (service != QGS && strncmp(address, "tcp:", 4) != 0)
		return usage("--listen: \"%s\"; %s speaks HTTP, write tcp:127.0.0.1:0", address,
		    names[service]);
	*server = (struct server){ .service = service };
	int fd = sim_listen(address, server->bound, why);
	if (fd < 0)
		return trouble("%s: %s", names[service], why);
	s->server_count++;
	if (service != QGS)
		return start_http(s, server, fd);
	server->qgs = sim_qgs_start(s->base, machine, fd);
	if (server->qgs == NULL) {
		close(fd);
		return trouble("out of memory");
	}
	printf("qgs %s\n", server->bound);
	return EXIT_YES;
}

/* Its own addresses, else those for all, else a port that the system chooses. */
static int
start_at(const struct order *o, struct serving *s, enum service service, struct sim_machine *m)
{
	size_t started = 0;
	int rc = EXIT_YES;

	for (int all = 0; all <= 1 && started == 0; all++)
		for (size_t i = 0; i < o->listen_count && rc == EXIT_YES; i++) {
			if (o->listens[i].service != (all ? SERVICES : service))
				continue;
			rc = start_one(s, service, m, o->listens[i].address);
			started++;
		}
	return started > 0 ? rc : start_one(s, service, m, "tcp:127.0.0.1:0");
}

static int
start_all(const struct order *o, struct serving *s)
{
	int rc = EXIT_YES;

	for (enum service service = PCS; service < SERVICES; service++) {
		s->webs[service] = (struct sim_web){ .platforms = &s->platforms,
			.limit = o->limits[service],
			.pccs = service == PCCS };
		for (size_t i = 0; i < s->platforms.count && rc == EXIT_YES; i++) {
			if ((o->any_only && !o->only[service]) ||
			    !fits(service, s->platforms.machines[i]))
				continue;
			rc = start_at(o, s, service, s->platforms.machines[i]);
			if (service != QGS)
				break; /* one for all platforms */
		}
	}
	if (rc == EXIT_YES && s->server_count == 0)
		rc = usage("no service is for these platforms: pcs and pccs are for TDX and SGX, "
			   "kds for SEV-SNP, qgs for TDX");
	if (rc == EXIT_YES && (fflush(stdout) != 0 || ferror(stdout)))
		rc = trouble("standard output: %s", strerror(errno));
	return rc;
}

static void
stop_all(struct serving *s)
{
	for (size_t i = 0; i < s->server_count; i++) {
		struct server *server = &s->servers[i];
		if (server->http != NULL)
			evhttp_free(server->http);
		if (server->qgs != NULL)
			sim_qgs_stop(server->qgs);
		sim_unlisten(server->bound);
	}
	for (size_t i = 0; i < 2; i++)
		if (s->signals[i] != NULL)
			event_free(s->signals[i]);
	if (s->base != NULL)
		event_base_free(s->base);
	for (size_t i = 0; i < s->platforms.count; i++)
		sim_machine_close(s->platforms.machines[i]);
}

static void
stopped(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	event_base_loopbreak(arg);
}

/* Before anyone is told that there is a service: a signal may follow at once. */
static int
watch_signals(struct serving *s)
{
	static const int numbers[] = { SIGTERM, SIGINT };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		s->signals[i] = evsignal_new(s->base, numbers[i], stopped, s->base);
		if (s->signals[i] == NULL || evsignal_add(s->signals[i], NULL) != 0)
			return trouble("out of memory");
	}
	return EXIT_YES;
}

static int
loop(struct serving *s)
{
	if (event_base_dispatch(s->base) < 0)
		return trouble("the event loop failed: %s", strerror(errno));
	return EXIT_YES;
}

int
sim_serve_command(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help();

	struct order *o = calloc(1, sizeof *o);
	struct serving *s = calloc(1, sizeof *s);
	int rc = EXIT_TROUBLE;
	signal(SIGPIPE, SIG_IGN);
	if (o == NULL || s == NULL || evthread_use_pthreads() != 0 ||
	    (s->base = event_base_new()) == NULL)
		trouble("out of memory");
	else if ((rc = read_order(o, argc, argv)) == EXIT_YES &&
	    (rc = open_platforms(o, s)) == EXIT_YES && (rc = watch_signals(s)) == EXIT_YES &&
	    (rc = start_all(o, s)) == EXIT_YES)
		rc = loop(s);
	if (s != NULL)
		stop_all(s);
	free(s);
	free(o);
	libevent_global_shutdown();
	return rc;
}
