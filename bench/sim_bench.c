/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulator costs: its firmware's answers, evidence collected through the sandbox by an
 * unmodified client, a quote from the quoting service, a platform made, a program started. Everything
 * runs on one core, beside the one signature that evidence cannot do without. Prints a table, writes the JSON file named by
 * the argument, and ends with 1 if a target is missed.
 *
 *   sim_bench ASSAY-SIM FILE.json
 *   sim_bench collect N AT    the client: N times report data in, evidence out, through configfs;
 *                             the report data must stand at AT in it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "pki/pki.h"
#include "platforms/machine.h"
#include "platforms/snp_firmware.h"

extern char **environ;

enum {
	ANSWERS = 500,
	COLLECTED = 1000,
	QUOTES = 500,
	STARTS = 15,
	SIGNATURES = 500,
	QUOTE_ROOM = 16384
};

_Noreturn static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("sim_bench: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static double
now_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		die("no clock");
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return values[n / 2];
}

/* --- the client ------------------------------------------------------------------------------ */

static void
collect_one(size_t n, size_t at)
{
	static const char folder[] = "/sys/kernel/config/tsm/report/bench";
	uint8_t report_data[64] = { 0 }, out[QUOTE_ROOM];
	char path[96];
	ssize_t got;
	size_t len = 0;

	memcpy(report_data, &n, sizeof n);
	if (mkdir(folder, 0700) != 0)
		die("cannot make %s: %s", folder, strerror(errno));
	(void)snprintf(path, sizeof path, "%s/inblob", folder);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, report_data, sizeof report_data) != (ssize_t)sizeof report_data ||
	    close(fd) != 0)
		die("cannot write %s", path);
	(void)snprintf(path, sizeof path, "%s/outblob", folder);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		die("cannot open %s", path);
	while (len < sizeof out && (got = read(fd, out + len, sizeof out - len)) > 0)
		len += (size_t)got;
	(void)close(fd);
	if (len < at + 64 || memcmp(out + at, report_data, 64) != 0)
		die("%zu bytes that are not the evidence asked for", len);
	if (rmdir(folder) != 0)
		die("cannot remove %s", folder);
}

static int
collect(size_t count, size_t at)
{
	double start = now_us();

	for (size_t i = 0; i < count; i++)
		collect_one(i, at);
	printf("%.3f\n", (now_us() - start) / (double)count);
	return 0;
}

/* --- processes ------------------------------------------------------------------------------- */

static pid_t
start(const char *const argv[], int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    (out >= 0 && posix_spawn_file_actions_adddup2(&actions, out, 1) != 0) ||
	    posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) !=
		0)
		die("cannot start %s", argv[0]);
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void
finish(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("%s failed", what);
}

/* The time from start to end of a program. */
static double
run_us(const char *const argv[])
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	double began = now_us();

	finish(start(argv, null), argv[0]);
	double us = now_us() - began;
	(void)close(null);
	return us;
}

/* The first line that a program prints; it goes on running. */
static pid_t
first_line(const char *const argv[], char *line, int size)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		die("no pipe");
	pid_t pid = start(argv, ends[1]);
	(void)close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	if (in == NULL || fgets(line, size, in) == NULL)
		die("%s %s said nothing", argv[0], argv[1]);
	(void)fclose(in);
	return pid;
}

/* --- what is measured ------------------------------------------------------------------------ */

struct platform {
	const char *tee;
	const char *curve, *digest; /* of the signature that its evidence has */
	size_t report_data;         /* where it stands in the evidence */
	char dir[96];
	struct sim_machine *machine;
};

struct world {
	const char *sim, *self;
	char dir[64];
	struct platform tdx, snp;
};

/* The one signature, which no evidence can do without. */
static double
signature_us(const struct platform *p)
{
	static const uint8_t message[672];
	uint8_t signature[128];
	EVP_PKEY *key = EVP_EC_gen(p->curve);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = EVP_get_digestbyname(p->digest);
	double began = now_us();

	for (size_t i = 0; i < SIGNATURES; i++) {
		size_t len = sizeof signature;
		if (EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1 ||
		    EVP_DigestSign(ctx, signature, &len, message, sizeof message) != 1)
			die("libcrypto does not sign");
	}
	double us = (now_us() - began) / SIGNATURES;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return us;
}

static double
quote_us(const struct world *w, const struct platform *p)
{
	uint8_t report_data[64] = { 1 }, report[1024], *quote;
	size_t len;
	double began = now_us();

	(void)w;
	for (size_t i = 0; i < ANSWERS; i++) {
		if (sim_machine_td_report(p->machine, report_data, report) != 0 ||
		    sim_machine_td_quote(p->machine, report, &quote, &len) != 0)
			die("no quote");
		free(quote);
	}
	return (now_us() - began) / ANSWERS;
}

static double
guest_request_us(const struct world *w, const struct platform *p)
{
	uint8_t vmpck[32], page[4096], response[4096], request[96] = { 1 };
	struct sim_snp_message m = {
		.type = SIM_SNP_REPORT_REQ, .version = 1, .payload = sim_view(request, 96)
	};
	double began = now_us();

	(void)w;
	sim_machine_snp_vmpck(p->machine, 0, vmpck);
	for (size_t i = 0; i < ANSWERS; i++) {
		sim_machine_snp_sequence(p->machine, 0, &m.sequence);
		m.sequence++;
		sim_snp_message_seal(page, &m, vmpck);
		if (sim_machine_snp_guest_request(p->machine, page, response) != 0)
			die("no report");
	}
	return (now_us() - began) / ANSWERS;
}

static double
collect_us(const struct world *w, const struct platform *p)
{
	char count[16], at[16], line[64];
	const char *argv[] = { w->sim, "run", "--tee", p->tee, "--platform", p->dir, "--", w->self,
		"collect", count, at, NULL };

	(void)snprintf(at, sizeof at, "%zu", p->report_data);
	(void)snprintf(count, sizeof count, "%d", COLLECTED);
	finish(first_line(argv, line, sizeof line), "the client in the sandbox");
	return strtod(line, NULL);
}

static void
exchange(int fd, const void *request, size_t len, uint8_t *answer, size_t want)
{
	size_t have = 0;
	ssize_t got;

	if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("the quoting service does not listen");
	while (have < want && (got = recv(fd, answer + have, want - have, 0)) > 0)
		have += (size_t)got;
	if (have < 632)
		die("the quoting service gave %zu bytes", have);
}

/* Raw form: a bare TDREPORT in, a bare quote out; one connection each. */
static double
qgs_us(const struct world *w, const struct platform *p)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	uint8_t report[1024], quote[QUOTE_ROOM], data[64] = { 1 };
	char listen[128], line[256];
	const char *argv[] = { w->sim, "serve", "--platform", p->dir, "--only", "qgs", "--listen",
		listen, NULL };

	(void)snprintf(listen, sizeof listen, "unix:%s/qgs", w->dir);
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s/qgs", w->dir);
	if (sim_machine_td_report(p->machine, data, report) != 0)
		die("no TDREPORT");
	pid_t pid = first_line(argv, line, sizeof line);
	double began = now_us();
	for (size_t i = 0; i < QUOTES; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0)
			die("cannot connect to %s", listen);
		exchange(fd, report, sizeof report, quote, sizeof quote);
		(void)close(fd);
	}
	double us = (now_us() - began) / QUOTES;
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
	return us;
}

static double
platform_us(const struct world *w, const struct platform *p)
{
	double times[STARTS];
	char dir[128];
	const char *argv[] = { w->sim, "new", "--tee", p->tee, "--seed", "9", dir, NULL };

	for (size_t i = 0; i < STARTS; i++) {
		(void)snprintf(dir, sizeof dir, "%s/new-%s-%zu", w->dir, p->tee, i);
		times[i] = run_us(argv);
	}
	return median(times, STARTS);
}

/* What the sandbox adds to the start and end of a program that does nothing. */
static double
added_us(const struct world *w, const struct platform *p)
{
	double with[STARTS], without[STARTS];
	const char *bare[] = { "true", NULL };
	const char *boxed[] = { w->sim, "run", "--tee", p->tee, "--platform", p->dir, "--", "true",
		NULL };

	for (size_t i = 0; i < STARTS; i++) {
		without[i] = run_us(bare);
		with[i] = run_us(boxed);
	}
	return median(with, STARTS) - median(without, STARTS);
}

/* --- the report ------------------------------------------------------------------------------ */

static const struct row {
	const char *name;
	bool snp;
	double (*run)(const struct world *w, const struct platform *p);
	double most; /* 0: shown only */
	bool times;  /* most is a multiple of the signature, else microseconds */
} rows[] = {
	{ "TD report and quote", false, quote_us, 4, true },
	{ "SNP guest request", true, guest_request_us, 4, true },
	{ "quote through the sandbox's configfs", false, collect_us, 1000, false },
	{ "SNP report through configfs", true, collect_us, 0, false },
	{ "quote from the quoting service", false, qgs_us, 0, false },
	{ "TDX platform made", false, platform_us, 0, false },
	{ "SNP platform made", true, platform_us, 0, false },
	{ "added to a program's start, TDX", false, added_us, 50000, false },
	{ "added to a program's start, SNP", true, added_us, 50000, false },
};

static bool
report(const struct world *w, FILE *json)
{
	bool met = true;

	printf("\n%-38s %9s  %-24s %9s  %6s  %6s\n", "simulator, on one core", "us",
	    "compared with", "us", "ratio", "target");
	(void)fprintf(json, "{\"rows\":[");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		const struct platform *p = r->snp ? &w->snp : &w->tdx;
		double signature = signature_us(p), us = r->run(w, p);
		bool ok = r->most == 0 || (r->times ? us / signature : us) <= r->most;
		char against[24];

		met = met && ok;
		(void)snprintf(against, sizeof against, "one %s signature", p->curve);
		printf("%-38s %9.1f  %-24s %9.1f  %6.1f", r->name, us, against, signature,
		    us / signature);
		if (r->most > 0)
			printf("  %4.0f%s  %s", r->times ? r->most : r->most / 1e3,
			    r->times ? "  " : "ms", ok ? "met" : "MISSED");
		printf("\n");
		(void)fprintf(json,
		    "%s{\"case\":\"%s\",\"us\":%.2f,\"signature_us\":%.2f,\"ratio\":%.3f}",
		    i > 0 ? "," : "", r->name, us, signature, us / signature);
	}
	(void)fprintf(json, "],\"met\":%s}\n", met ? "true" : "false");
	return met;
}

static void
platform_make(struct platform *p, const struct world *w)
{
	char why[256];
	const char *argv[] = { w->sim, "new", "--tee", p->tee, "--seed", "1", p->dir, NULL };

	(void)snprintf(p->dir, sizeof p->dir, "%s/%s", w->dir, p->tee);
	(void)run_us(argv);
	if (sim_machine_open(&p->machine, p->dir, why) != 0)
		die("%s", why);
}

static void
one_core(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof all, &all) != 0)
		die("no affinity");
	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			CPU_SET(cpu, &one);
			break;
		}
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		die("no affinity");
}

int
main(int argc, char **argv)
{
	struct world w = { .dir = "/tmp/sim_bench.XXXXXX",
		/* The report data of a quote of version 4 ends at 632. */
		.tdx = { "tdx", "P-256", "SHA256", 632 - 64, "", NULL },
		.snp = { "snp", "P-384", "SHA384", 0x50, "", NULL } };

	if (argc == 4 && strcmp(argv[1], "collect") == 0)
		return collect(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	if (argc != 3) {
		(void)fputs("usage: sim_bench ASSAY-SIM FILE.json\n", stderr);
		return 2;
	}
	FILE *json = fopen(argv[2], "w");
	if (json == NULL)
		die("cannot write %s", argv[2]);
	one_core();
	char *self = realpath("/proc/self/exe", NULL);
	if (mkdtemp(w.dir) == NULL || self == NULL)
		die("no temporary folder");
	w.sim = argv[1];
	w.self = self;
	platform_make(&w.tdx, &w);
	platform_make(&w.snp, &w);
	bool met = report(&w, json);
	sim_machine_close(w.tdx.machine);
	sim_machine_close(w.snp.machine);
	const char *away[] = { "rm", "-rf", w.dir, NULL };
	(void)run_us(away);
	free(self);
	if (fclose(json) != 0)
		die("cannot write %s", argv[2]);
	return met ? 0 : 1;
}
