/* SPDX-License-Identifier: Apache-2.0 */
/* assay-agentd: starts its processes, then does jobs for the front, and starts anew what has ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>

#include "config.h"
#include "front.h"
#include "job.h"
#include "line.h"
#include "lockdown.h"
#include "notify.h"
#include "process.h"
#include "signer.h"
#include "sweeper.h"
#include "text.h"
#include "wipe.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_TROUBLE = 4 };
enum {
	TICK_MS = 500,
	JOB_GRACE_MS = 2000,
	STOP_MS = 10000,
	RESTARTS = 5, /* of a process, within */
	RESTARTS_MS = 60000,
	TEE_ROOM = 32,
	TEE_MS = 1000,
};

enum part { SIGNER, LINE, FRONT, PARTS };

struct running {
	pid_t pid; /* 0: none */
	int64_t since_ms;
};

struct agent {
	struct settings *settings;
	const struct agent_options *o;
	struct callers callers;
	struct listening listening[AGENT_LISTEN_MAX + 1];
	size_t listening_count;
	struct listening attest;
	struct sweeper sweeper;
	struct signer_ready key;
	struct notify notify;
	int signals;
	/* Socket pairs: ours, and the process's. Those of the line and the jobs stay for the next one. */
	int line[2], jobs[2], to_signer[2], to_front[2];
	struct running parts[PARTS];
	unsigned restarts;
	int64_t restarts_since_ms;
	struct running work[JOB_MOST];
	bool stopping;
	int64_t stop_ms;
	int code;
};

static const char *const part_names[PARTS] = { "signer", "line", "front" };

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- sockets ----------------------------------------------------------------------------- */

/* One agent at a time, as long as the parent lives. The lock is on a file that only we can open: one on the
 * folder could be held by anybody who may read it. */
static bool
lock_folder(const char *path)
{
	char name[ADDRESS_MAX];
	int folder = (int)(strrchr(path, '/') - path);

	snprintf(name, sizeof name, "%.*s/", folder, path);
	mkdir(name, 0755); /* without a service manager nobody has made it */
	snprintf(name, sizeof name, "%.*s/agentd.lock", folder, path);
	int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		log_say("%s: %s", name, strerror(errno));
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		log_say("%s: another assay-agentd has its socket there", name);
	else
		return true; /* and the descriptor stays open */
	if (fd >= 0)
		close(fd);
	return false;
}

/* It is the signer that listens, once it has the key. */
static bool
open_attest(struct listening *l, const char *path)
{
	*l = (struct listening){ .local = true };
	snprintf(l->address, sizeof l->address, "unix:%s", path);
	l->fd = local_bind(&l->name, path, SOCK_SEQPACKET);
	int error = errno;
	if (l->fd < 0)
		log_say("%s: cannot listen there: %s%s", path, strerror(error),
		    local_hint(path, error));
	return l->fd >= 0;
}

/* By the socket, not by the words of the address: localhost is what /etc/hosts makes of it. */
static bool
stays_here(const struct listening *l)
{
	if (!l->loopback)
		log_say("%s: would be open to other machines; only unix:PATH and "
			"tcp:127.0.0.1:PORT are taken",
		    l->address);
	return l->loopback;
}

/* Of what systemd has handed over, packets are for attest.sock, streams for HTTP. */
static bool
sort_inherited(struct agent *a, int count)
{
	for (int i = 0; i < count; i++) {
		struct listening *l = &a->listening[a->listening_count];
		int type = 0;
		socklen_t len = sizeof type;
		*l = a->listening[i];
		if (getsockopt(l->fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		    type == SOCK_SEQPACKET)
			a->attest = *l;
		else if (stays_here(l))
			a->listening_count++;
		else
			return false;
	}
	return true;
}

static bool
open_own(struct agent *a, bool handed)
{
	if (a->attest.fd < 0 && !open_attest(&a->attest, a->o->attest_socket))
		return false;
	for (size_t i = 0; !handed && i < a->o->listen_count; i++) {
		struct listening *l = &a->listening[a->listening_count++];
		if (!listen_open(l, a->o->listen[i]) || !stays_here(l))
			return false;
	}
	return true;
}

static bool
open_sockets(struct agent *a)
{
	int count = listen_inherit(a->listening, AGENT_LISTEN_MAX + 1);

	a->attest.fd = -1;
	if (count < 0 || !sort_inherited(a, count) || !lock_folder(a->o->attest_socket))
		return false;
	/* Anybody may connect: who is answered is decided by what the kernel says of him, in a sentence. */
	mode_t mask = umask(0111);
	bool ok = open_own(a, count > 0);
	umask(mask);
	sweeper_add(&a->sweeper, &a->attest.name);
	for (size_t i = 0; i < a->listening_count; i++)
		sweeper_add(&a->sweeper, &a->listening[i].name);
	/* Before anything can be wrong, so that it sweeps then, too. */
	return sweeper_start(&a->sweeper) && ok;
}

static bool
open_pairs(struct agent *a)
{
	int *const pairs[] = { a->line, a->jobs, a->to_signer, a->to_front };

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pairs[i]) != 0) {
			log_say("no sockets: %s", strerror(errno));
			return false;
		}
	return true;
}

/* --- processes --------------------------------------------------------------------------- */

static void
become(const char *name)
{
	char comm[16];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's interrupt and hang-up go to the whole group; it is the parent that acts on them. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	snprintf(comm, sizeof comm, "agentd-%s", name);
	prctl(PR_SET_NAME, comm);
}

static int
run_signer(struct agent *a)
{
	const struct signer_ends ends = { a->attest.fd, a->line[0], a->to_signer[1] };
	const int fds[] = { ends.listener, ends.line, ends.control };

	process_keep_only(fds, 3);
	return signer_run(a->o, &a->callers, &ends);
}

static int
run_line(struct agent *a)
{
	const int fds[] = { a->line[1] };

	process_keep_only(fds, 1);
	return line_run(a->o, a->line[1]);
}

static int
run_front(struct agent *a)
{
	const struct front_ends ends = { a->listening, a->listening_count, a->jobs[1],
		a->to_front[1] };
	int fds[AGENT_LISTEN_MAX + 3] = { ends.jobs, ends.control };

	for (size_t i = 0; i < a->listening_count; i++)
		fds[2 + i] = a->listening[i].fd;
	process_keep_only(fds, 2 + a->listening_count);
	return front_run(a->o, &a->callers, &ends);
}

static bool
start(struct agent *a, enum part part)
{
	static int (*const runs[PARTS])(struct agent *) = { run_signer, run_line, run_front };
	pid_t pid = fork();

	if (pid < 0) {
		log_say("the %s cannot be started: %s", part_names[part], strerror(errno));
		return false;
	}
	if (pid == 0) {
		become(part_names[part]);
		exit(runs[part](a));
	}
	a->parts[part] = (struct running){ .pid = pid, .since_ms = now_ms() };
	return true;
}

/* Until the signer has the key, or has said why it has not. */
static bool
signer_ready(struct agent *a)
{
	ssize_t n;

	close(a->to_signer[1]);
	close(a->attest.fd);
	a->to_signer[1] = a->attest.fd = -1;
	do {
		n = recv(a->to_signer[0], &a->key, sizeof a->key, 0);
	} while (n < 0 && errno == EINTR);
	a->key.text[sizeof a->key.text - 1] = '\0';
	return n == sizeof a->key;
}

/* The line and the front have no state: what they were doing is lost, and no more. The signer has. */
static void
part_ended(struct agent *a, enum part part, int status)
{
	a->parts[part].pid = 0;
	if (WIFSIGNALED(status))
		log_say("the %s was ended by signal %d", part_names[part], WTERMSIG(status));
	if (a->stopping)
		return;
	if (now_ms() - a->restarts_since_ms > RESTARTS_MS) {
		a->restarts = 0;
		a->restarts_since_ms = now_ms();
	}
	if (part != SIGNER && a->restarts++ < RESTARTS && start(a, part)) {
		log_say("the %s is started anew", part_names[part]);
		return;
	}
	log_say(part == SIGNER ? "the %s has ended, and a launch key with it; the agent ends"
			       : "the %s ends again and again; the agent ends",
	    part_names[part]);
	a->code = EXIT_TROUBLE;
	a->stopping = true;
	a->stop_ms = now_ms();
}

static void
reap(struct agent *a)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < PARTS; i++)
			if (a->parts[i].pid == pid)
				part_ended(a, (enum part)i, status);
		for (size_t i = 0; i < JOB_MOST; i++)
			if (a->work[i].pid == pid)
				a->work[i].pid = 0;
		if (a->sweeper.process.pid == pid)
			a->sweeper.process.pid =
			    0; /* its sockets stay; the next start replaces them */
	}
}

/* --- jobs -------------------------------------------------------------------------------- */

static int
take_job(struct job *job, int jobs)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { job, sizeof *job };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control.room };
	ssize_t n = recvmsg(jobs, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	size_t count = 0;
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof fd;
	for (size_t i = 0; i < count; i++) { /* of several, none, and none stays open */
		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		if (count > 1)
			close(fd);
	}
	fd = count == 1 ? fd : -1;
	bool good = n == sizeof *job && job->data_len <= sizeof job->data &&
	    memchr(job->resource, '\0', sizeof job->resource) != NULL;
	if (!good && fd >= 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
do_job(struct agent *a)
{
	struct job job;
	int fd = take_job(&job, a->jobs[0]);
	struct running *free_one = NULL;

	if (fd < 0)
		return;
	for (size_t i = 0; i < JOB_MOST; i++)
		if (a->work[i].pid == 0)
			free_one = &a->work[i];
	pid_t pid = free_one != NULL ? fork() : -1;
	if (pid == 0) {
		become("job");
		process_keep_only(&fd, 1);
		job_run(&job, a->o, fd);
	}
	if (pid < 0)
		job_refuse(fd, 503, "too much is done at once; try again");
	else
		*free_one = (struct running){ .pid = pid, .since_ms = now_ms() };
	close(fd);
}

static void
end_late_jobs(struct agent *a)
{
	int64_t late = now_ms() - a->o->timeout_s * 1000 - JOB_GRACE_MS;

	for (size_t i = 0; i < JOB_MOST; i++)
		if (a->work[i].pid > 0 && a->work[i].since_ms < late) {
			log_detail("a request took too long, and was given up");
			kill(a->work[i].pid, SIGKILL);
		}
}

/* --- life -------------------------------------------------------------------------------- */

static void
reload(struct agent *a)
{
	struct callers callers;

	if (!settings_reload(a->settings) || !callers_resolve(&callers, a->o))
		return;
	a->callers = callers;
	const struct front_orders orders = { callers, a->o->timeout_s };
	if (send(a->to_signer[0], &callers, sizeof callers, MSG_NOSIGNAL | MSG_DONTWAIT) !=
		sizeof callers ||
	    send(a->to_front[0], &orders, sizeof orders, MSG_NOSIGNAL | MSG_DONTWAIT) !=
		sizeof orders)
		log_say("the configuration could not be told to each process; try again");
	else
		log_say("the configuration was read again");
}

static void
stop(struct agent *a)
{
	if (a->stopping)
		return;
	a->stopping = true;
	a->stop_ms = now_ms();
	notify_say(&a->notify, "STOPPING=1");
}

/* Their end of the control sockets says so to signer and front; the line ends with the signer. */
static void
close_ends(struct agent *a)
{
	int *const all[] = { &a->to_signer[0], &a->to_front[0], &a->to_front[1], &a->line[0],
		&a->line[1] };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

static bool
all_ended(const struct agent *a)
{
	for (int i = 0; i < PARTS; i++)
		if (a->parts[i].pid != 0)
			return false;
	return true;
}

static void
take_signal(struct agent *a)
{
	struct signalfd_siginfo info;

	if (read(a->signals, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGHUP)
		reload(a);
	else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
		stop(a);
}

static void
run(struct agent *a)
{
	struct pollfd p[] = { { .fd = a->signals, .events = POLLIN },
		{ .fd = a->jobs[0], .events = POLLIN } };

	for (bool told = false; !a->stopping || !all_ended(a);) {
		if (poll(p, 2, TICK_MS) < 0 && errno != EINTR)
			break;
		if (p[0].revents & POLLIN)
			take_signal(a);
		reap(a);
		if (p[1].revents & POLLIN)
			do_job(a);
		end_late_jobs(a);
		if (a->stopping && !told) {
			close_ends(a);
			told = true;
		}
		for (int i = 0; i < PARTS; i++)
			if (a->stopping && a->parts[i].pid > 0 && now_ms() - a->stop_ms > STOP_MS)
				kill(a->parts[i].pid, SIGKILL);
	}
	for (size_t i = 0; i < JOB_MOST; i++) /* nobody waits for them any more */
		if (a->work[i].pid > 0)
			kill(a->work[i].pid, SIGKILL);
}

static bool
watch_signals(struct agent *a)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 &&
	    (a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) >= 0;
}

static void
close_sockets(struct agent *a)
{
	for (size_t i = 0; i < a->listening_count; i++)
		listen_close(&a->listening[i]);
	listen_close(&a->attest);
	sweeper_stop(&a->sweeper);
}

/* In which TEE this is, in a process that can be given up: where the kernel's interfaces hang, we do not. With a
 * launch key it is one of two, and the first report tells which. */
static void
find_tee(char out[TEE_ROOM], const struct agent *a)
{
	int pair[2];
	ssize_t n = -1;

	snprintf(out, TEE_ROOM, "%s", a->key.has_key ? "SEV or SEV-ES" : "not known");
	if (a->key.has_key || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		become("job");
		process_keep_only(&pair[1], 1);
		job_find_tee(a->o, TEE_MS, pair[1]);
	}
	close(pair[1]);
	struct pollfd p = { .fd = pair[0], .events = POLLIN };
	if (pid > 0 && poll(&p, 1, 2 * TEE_MS) > 0)
		n = recv(pair[0], out, TEE_ROOM - 1, 0);
	if (n > 0)
		out[n] = '\0';
	close(pair[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* Whoever starts it sees at once what it serves, and why not if it does not. */
static void
say_ready(const struct agent *a)
{
	char sockets[(AGENT_LISTEN_MAX + 1) * ADDRESS_MAX] = "", tee[TEE_ROOM];
	size_t n = 0;

	for (size_t i = 0; i < a->listening_count; i++)
		n += (size_t)snprintf(
		    sockets + n, sizeof sockets - n, "%s, ", a->listening[i].address);
	find_tee(tee, a);
	log_say(
	    "ready: listening on %s%s; TEE: %s; %s", sockets, a->attest.address, tee, a->key.text);
}

static int
serve(struct agent *a)
{
	if (!callers_resolve(&a->callers, a->o) || !open_sockets(a) || !open_pairs(a) ||
	    !watch_signals(a)) {
		close_sockets(a);
		return EXIT_TROUBLE;
	}
	notify_open(&a->notify);
	/* First of all, and as root if we are: the key is gone before anything else is done. */
	if (!start(a, SIGNER) || !signer_ready(a) || !start(a, LINE) || !start(a, FRONT) ||
	    !lockdown_parent(a->o, settings_path(a->settings), a->key.has_key)) {
		close_ends(a);
		close_sockets(a);
		return EXIT_TROUBLE;
	}
	notify_say(&a->notify, "READY=1");
	say_ready(a);
	run(a);
	notify_close(&a->notify);
	close_sockets(a);
	return a->code;
}

/* Keys pass through the engine, which leaves some where they were. */
static void *
engine_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size > 0 ? malloc(size) : NULL;
}

static void *
engine_realloc(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return wipe_realloc(memory, size);
}

static void
engine_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	wipe_free(memory);
}

int
main(int argc, char **argv)
{
	static struct agent a = {
		.attest.fd = -1,
		.sweeper.process = { .name = "sweeper", .title = "agentd-sweeper" },
	};
	int code;

	log_program("assay-agentd");
	if (CRYPTO_set_mem_functions(engine_malloc, engine_realloc, engine_free) != 1) {
		log_say("libcrypto has begun before its memory could be seen to");
		return EXIT_TROUBLE;
	}
	if ((code = settings_read(&a.settings, &agent_table, argc, argv)) != SETTINGS_GO_ON)
		return code;
	a.o = settings_options(a.settings);
	log_set(a.o->json_log, a.o->verbose);
	event_set_mem_functions(malloc, wipe_realloc, wipe_free);
	if (settings_check_only(a.settings)) {
		settings_print(stdout, a.settings);
		code = fflush(stdout) == 0 && ferror(stdout) == 0 ? EXIT_DONE : EXIT_TROUBLE;
	} else {
		code = serve(&a);
	}
	settings_free(a.settings);
	return code;
}
