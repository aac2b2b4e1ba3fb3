/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the evidence broker itself costs: 200 guests ask as fast as they are answered, their VMMs and the
 * platform cost nothing. assay-brokerd, all of its processes, has one core, the load another. Each guest asks
 * over two connections, some requests ahead, so that it always wants more; guest 0 over eight, which must not
 * get it more. Prints a table, writes the JSON file
 * named by the last argument, and ends with 1 if a target is missed.
 *
 *   broker_bench ASSAY-BROKERD SECONDS FILE.json
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "kbs/base64.h"
#include "aeb.h"
#include "message.h"

enum {
	GUESTS = 200,
	EACH = 2,   /* connections of a guest */
	EAGER = 8,  /* of guest 0 */
	AHEAD = 16, /* requests that a connection has asked ahead */
	CONNECTIONS = EAGER + (GUESTS - 1) * EACH,
	VMM_CONNECTIONS = 2 * GUESTS,
	PATH_ROOM = 100,
	LINE_ROOM = 1024,
	ANSWER_ROOM = 128 * 1024,
	FRAME_ROOM = 256,
	EVENTS = 64,
	WARM_MS = 500,
	LEAST_PER_SECOND = 2000,
	MEMORY_MOST_KB = 10 * 1024,
	CERTIFICATE = 2084,
};
static const double spread_most = 0.10;

_Noreturn static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("broker_bench: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- the platform ------------------------------------------------------------------------ */

static char folder[PATH_ROOM / 2] = "/tmp/broker_bench-XXXXXX";

static void
path_of(char out[PATH_ROOM], const char *kind, int i)
{
	snprintf(out, PATH_ROOM, "%s/%d.%s", folder, i, kind);
}

/* The broker looks at their length and usage alone. */
static void
write_certificates(void)
{
	static const struct {
		const char *name;
		uint8_t usage[2];
	} all[] = { { "cek", { 4, 0x10 } }, { "pek", { 2, 0x10 } }, { "oca", { 1, 0x10 } } };
	char path[PATH_ROOM];

	snprintf(path, sizeof path, "%s/collateral", folder);
	if (mkdir(path, 0700) != 0)
		die("%s: %s", path, strerror(errno));
	for (size_t i = 0; i < 3; i++) {
		uint8_t bytes[CERTIFICATE] = { 0 };
		memcpy(bytes + 8, all[i].usage, 2);
		snprintf(path, sizeof path, "%s/collateral/%s.cert", folder, all[i].name);
		FILE *to = fopen(path, "wb");
		if (to == NULL || fwrite(bytes, 1, sizeof bytes, to) != sizeof bytes ||
		    fclose(to) != 0)
			die("%s: %s", path, strerror(errno));
	}
}

static struct sockaddr_un
name_of(const char *kind, int i)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char path[PATH_ROOM];

	path_of(path, kind, i);
	memcpy(name.sun_path, path, strlen(path));
	return name;
}

/* --- VMMs -------------------------------------------------------------------------------- */

struct vmm {
	int fd;
	bool listens;
	char in[LINE_ROOM];
	size_t have;
};

static void
say(int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("a VMM cannot answer: %s", strerror(errno));
}

static void
obey(struct vmm *v, const char *line)
{
	static const char greeting_end[] = "{\"return\": {}}\r\n";
	const char *nonce = strstr(line, "\"mnonce\":\""), *id = strstr(line, "\"id\":");
	uint8_t report[208 + 3] = { 0 };
	char answer[LINE_ROOM], text[BASE64_ROOM(208)];
	size_t len;

	if (nonce == NULL) {
		say(v->fd, greeting_end, sizeof greeting_end - 1);
		return;
	}
	if (id == NULL ||
	    !base64_decode(report, &len, (struct assay_bytes){ (const uint8_t *)nonce + 10, 24 }))
		die("the broker says %s", line);
	base64_encode(text, (struct assay_bytes){ report, 208 });
	int n = snprintf(answer, sizeof answer, "{\"return\": {\"data\": \"%s\"}, \"id\": %ld}\r\n",
	    text, strtol(id + 5, NULL, 10));
	say(v->fd, answer, (size_t)n);
}

static void
serve_vmm(struct vmm *v)
{
	ssize_t n = recv(v->fd, v->in + v->have, sizeof v->in - 1 - v->have, 0);
	char *end;

	if (n <= 0) {
		close(v->fd);
		return;
	}
	v->have += (size_t)n;
	v->in[v->have] = '\0';
	while ((end = strchr(v->in, '\n')) != NULL) {
		*end++ = '\0';
		obey(v, v->in);
		v->have -= (size_t)(end - v->in);
		memmove(v->in, end, v->have + 1);
	}
}

static void
greet(int set, struct vmm *all, size_t *count, int listener)
{
	static const char greeting[] =
	    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}, "
	    "\"capabilities\": []}}\r\n";
	struct vmm *v = &all[*count];
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = v };

	if (*count == VMM_CONNECTIONS)
		die("too many connections to VMMs");
	v->fd = accept(listener, NULL, NULL);
	if (v->fd < 0 || epoll_ctl(set, EPOLL_CTL_ADD, v->fd, &e) != 0)
		die("a VMM: %s", strerror(errno));
	(*count)++;
	say(v->fd, greeting, sizeof greeting - 1);
}

static void *
run_vmms(void *arg)
{
	static struct vmm all[VMM_CONNECTIONS], listeners[GUESTS];
	struct epoll_event events[EVENTS];
	int set = epoll_create1(0);
	size_t count = 0;

	for (int i = 0; i < GUESTS; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &listeners[i] };
		listeners[i] = (struct vmm){ .fd = ((int *)arg)[i], .listens = true };
		epoll_ctl(set, EPOLL_CTL_ADD, listeners[i].fd, &e);
	}
	for (;;) {
		int n = epoll_wait(set, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct vmm *v = events[i].data.ptr;
			if (v->listens)
				greet(set, all, &count, v->fd);
			else
				serve_vmm(v);
		}
	}
	return NULL;
}

static void
start_vmms(void)
{
	static int listeners[GUESTS];
	pthread_t thread;

	for (int i = 0; i < GUESTS; i++) {
		struct sockaddr_un name = name_of("qmp", i);
		listeners[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (listeners[i] < 0 ||
		    bind(listeners[i], (struct sockaddr *)&name, sizeof name) != 0 ||
		    listen(listeners[i], 4) != 0)
			die("%s: %s", name.sun_path, strerror(errno));
	}
	if (pthread_create(&thread, NULL, run_vmms, listeners) != 0)
		die("no thread");
}

/* --- the broker -------------------------------------------------------------------------- */

static void
pin(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set); /* one core, where there are two */
}

static pid_t
start_broker(const char *program)
{
	static char specs[GUESTS][3 * PATH_ROOM], source[PATH_ROOM];
	const char *argv[2 * GUESTS + 8];
	int lines[2], n = 0;
	char line[512];

	snprintf(source, sizeof source, "sim:%s", folder);
	argv[n++] = program;
	argv[n++] = "--source";
	argv[n++] = source;
	argv[n++] = "--rate";
	argv[n++] = "0";
	for (int i = 0; i < GUESTS; i++) {
		snprintf(specs[i], sizeof specs[i], "g%d,socket=%s,qmp=unix:%s", i,
		    name_of("sock", i).sun_path, name_of("qmp", i).sun_path);
		argv[n++] = "--vm";
		argv[n++] = specs[i];
	}
	argv[n] = NULL;
	if (pipe(lines) != 0)
		die("no pipe");
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		pin(0);
		dup2(lines[1], STDERR_FILENO);
		close(lines[0]);
		close(lines[1]);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(lines[1]);
	FILE *from = fdopen(lines[0], "r");
	while (from != NULL && fgets(line, sizeof line, from) != NULL)
		if (strstr(line, "ready") != NULL)
			return pid; /* the pipe stays: it may say more */
	die("%s does not start", program);
}

/* Its processes: the pids below, then 0. */
static void
processes_of(pid_t out[8], pid_t pid)
{
	char path[64];
	int child;
	size_t n = 0;

	out[n++] = pid;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	FILE *from = fopen(path, "r");
	while (from != NULL && n < 7 && fscanf(from, "%d", &child) == 1)
		out[n++] = child;
	if (from != NULL)
		fclose(from);
	out[n] = 0;
}

static double
cpu_s(const pid_t *pids)
{
	unsigned long user, kernel, sum = 0;
	char path[64];

	for (; *pids != 0; pids++) {
		snprintf(path, sizeof path, "/proc/%d/stat", *pids);
		FILE *from = fopen(path, "r");
		if (from == NULL ||
		    fscanf(from, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &kernel) != 2)
			die("%s cannot be read", path);
		fclose(from);
		sum += user + kernel;
	}
	return (double)sum / (double)sysconf(_SC_CLK_TCK);
}

/* "Rss:" counts a page that processes share for each of them, "Pss:" once. */
static double
memory_kb(const pid_t *pids, const char *kind)
{
	char path[64], line[128];
	long sum = 0;

	for (; *pids != 0; pids++) {
		snprintf(path, sizeof path, "/proc/%d/smaps_rollup", *pids);
		FILE *from = fopen(path, "r");
		while (from != NULL && fgets(line, sizeof line, from) != NULL)
			if (strncmp(line, kind, strlen(kind)) == 0)
				sum += strtol(line + strlen(kind), NULL, 10);
		if (from != NULL)
			fclose(from);
	}
	return (double)sum;
}

/* --- guests ------------------------------------------------------------------------------ */

struct guest {
	int fd, number;
	uint32_t stream;
	uint8_t in[ANSWER_ROOM];
	size_t have;
	unsigned long answers;
};

/* So many at once: the load must cost less than the broker, or its own order is measured. */
static void
ask(struct guest *g, const uint8_t *request, size_t len, int count)
{
	static uint8_t frames[AHEAD * FRAME_ROOM];
	struct ttrpc_frame head;
	size_t n = 0;

	for (; count > 0; count--, n += len) {
		memcpy(frames + n, request, len);
		ttrpc_frame_read(&head, request);
		g->stream += 2;
		head.stream = g->stream;
		ttrpc_frame_write(frames + n, &head);
	}
	if (n > 0 && send(g->fd, frames, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("guest %d cannot ask: %s", g->number, strerror(errno));
}

/* How many whole answers have come; each must be evidence. */
static int
receive(struct guest *g)
{
	struct ttrpc_frame head;
	int answers = 0;
	size_t at = 0;
	ssize_t n = recv(g->fd, g->in + g->have, sizeof g->in - g->have, 0);

	if (n <= 0)
		die("guest %d is not answered", g->number);
	g->have += (size_t)n;
	while (g->have - at >= TTRPC_HEAD) {
		ttrpc_frame_read(&head, g->in + at);
		if (head.length < 6460 || head.length + TTRPC_HEAD > sizeof g->in)
			die("guest %d gets no evidence", g->number);
		if (g->have - at < TTRPC_HEAD + head.length)
			break;
		at += TTRPC_HEAD + head.length;
		answers++;
	}
	g->have -= at;
	memmove(g->in, g->in + at, g->have);
	g->answers += (unsigned long)answers;
	return answers;
}

static void
connect_all(struct guest *guests)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		struct guest *g = &guests[i];
		g->number = i < EAGER ? 0 : (i - EAGER) / EACH + 1;
		g->stream = UINT32_MAX; /* the first is 1 */
		struct sockaddr_un name = name_of("sock", g->number);
		g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (g->fd < 0 || connect(g->fd, (struct sockaddr *)&name, sizeof name) != 0)
			die("%s: %s", name.sun_path, strerror(errno));
	}
}

static uint8_t *
make_request(size_t *len)
{
	struct aeb_request r = { .bound = true };
	size_t size;

	memset(r.report_data, 1, sizeof r.report_data);
	memset(r.key_digest, 2, sizeof r.key_digest);
	uint8_t *payload = aeb_request_write(&size, &r);
	uint8_t *frame = ttrpc_request_write(
	    len, 1, AEB_SERVICE, AEB_EVIDENCE, (struct assay_bytes){ payload, size }, 0);
	free(payload);
	if (frame == NULL || *len > FRAME_ROOM)
		die("no request can be made");
	return frame;
}

/* Answers of each guest since the last call. */
static void
take_counts(unsigned long out[GUESTS], struct guest *guests)
{
	memset(out, 0, GUESTS * sizeof *out);
	for (int i = 0; i < CONNECTIONS; i++) {
		out[guests[i].number] += guests[i].answers;
		guests[i].answers = 0;
	}
}

static void
run_until(int set, double end, const uint8_t *request, size_t len)
{
	struct epoll_event events[EVENTS];

	while (now_s() < end) {
		int n = epoll_wait(set, events, EVENTS, 100);
		for (int i = 0; i < n; i++) {
			struct guest *g = events[i].data.ptr;
			ask(g, request, len, receive(g));
		}
	}
}

/* --- the table --------------------------------------------------------------------------- */

static bool
row(FILE *json, const char *name, double value, const char *unit, const char *target, bool met)
{
	printf("%-44s %12.2f %-10s %-14s %s\n", name, value, unit, target,
	    target[0] == '\0' ? ""
		: met         ? "met"
			      : "MISSED");
	(void)fprintf(json, "%s{\"case\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"met\":%s}",
	    ftell(json) > 10 ? "," : "", name, value, unit, met ? "true" : "false");
	return met;
}

static bool
measure(FILE *json, pid_t broker, double seconds)
{
	static struct guest guests[CONNECTIONS];
	static unsigned long counts[GUESTS];
	unsigned long least = ULONG_MAX, most = 0, sum = 0;
	pid_t pids[8];
	size_t len;
	uint8_t *request = make_request(&len);
	int set = epoll_create1(0);

	processes_of(pids, broker);
	connect_all(guests);
	for (int i = 0; i < CONNECTIONS; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &guests[i] };
		epoll_ctl(set, EPOLL_CTL_ADD, guests[i].fd, &e);
		ask(&guests[i], request, len, AHEAD);
	}
	run_until(set, now_s() + WARM_MS / 1e3, request, len);
	take_counts(counts, guests);
	double cpu = cpu_s(pids), began = now_s();
	run_until(set, began + seconds, request, len);
	double took = now_s() - began;
	cpu = cpu_s(pids) - cpu;
	take_counts(counts, guests);
	for (int i = 0; i < GUESTS; i++) {
		least = counts[i] < least ? counts[i] : least;
		most = counts[i] > most ? counts[i] : most;
		sum += counts[i];
	}
	free(request);
	double mean = (double)sum / GUESTS, spread = (double)(most - least) / mean;
	double memory = memory_kb(pids, "Rss:");
	const pid_t front[2] = { broker, 0 };
	(void)row(json, "processor time of a request", cpu / (double)sum * 1e6, "us", "", true);
	bool met = row(json, "requests on one core", (double)sum / took, "a second",
	    "at least 2000", (double)sum / took >= LEAST_PER_SECOND);
	met &= row(json, "spread between guests, one of them eager", 100 * spread, "%",
	    "at most 10", spread <= spread_most);
	(void)row(json, "RSS of the front", memory_kb(front, "Rss:"), "KB", "", true);
	(void)row(json, "the three, what they share counted once (PSS)", memory_kb(pids, "Pss:"),
	    "KB", "", true);
	return row(json, "RSS of its three processes, added", memory, "KB", "under 10 MiB",
		   memory < MEMORY_MOST_KB) &&
	    met;
}

static void
clean_up(void)
{
	char command[PATH_ROOM];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		(void)fputs("broker_bench: its folder stays\n", stderr);
}

int
main(int argc, char **argv)
{
	if (argc != 4) {
		(void)fputs("usage: broker_bench ASSAY-BROKERD SECONDS FILE.json\n", stderr);
		return 2;
	}
	FILE *json = fopen(argv[3], "w");
	if (json == NULL || mkdtemp(folder) == NULL)
		die("%s: %s", argv[3], strerror(errno));
	struct rlimit files = { 4096, 4096 };
	(void)setrlimit(RLIMIT_NOFILE, &files);
	write_certificates();
	start_vmms();
	pid_t broker = start_broker(argv[1]);
	pin(1);
	printf("\n%-44s\n", "evidence broker, on one core");
	(void)fprintf(json, "{\"rows\":[");
	bool met = measure(json, broker, strtod(argv[2], NULL));
	(void)fprintf(json, "],\"met\":%s}\n", met ? "true" : "false");
	kill(broker, SIGTERM);
	waitpid(broker, NULL, 0);
	clean_up();
	if (fclose(json) != 0)
		die("%s: %s", argv[3], strerror(errno));
	return met ? 0 : 1;
}
