/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the program and its helpers in step. The program's process prepares its own surroundings,
 * since mounts and filters are made from inside, and stops wherever the supervisor has to be ready
 * first: one byte on a socket each way.
 *
 *   program                                     supervisor
 *   namespaces, FUSE mounted      -- fd -->     serves FUSE
 *   everything put at its place   --------->    attaches with ptrace
 *   filter installed              -- fd -->     answers notifications
 *   exec                          -- end -->    (or the errno of a failure)
 */
#include "sandbox.h"
#include "fuse.h"
#include "namespace.h"
#include "notify.h"
#include "snp_channel.h"
#include "trace.h"
#include "vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum step { STEP_FUSE, STEP_READY, STEP_FILTER, STEP_FAILED, STEP_NOT_RUN };

struct message {
	enum step step;
	int error;
	char why[256];
};

struct supervisor {
	struct sandbox *sb;
	pid_t child;
	int socket, pidfd, stop, signals, listener;
	sigset_t mask; /* of the program, restored before exec */
	struct fuse_server *fuse;
	pthread_t threads[3];
	size_t thread_count;
};

void
sandbox_log(const struct sandbox *sb, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!sb->verbose)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	for (char *c = line; *c != '\0'; c++) /* names come from the program */
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "assay-sim: %s\n", line); /* one write: stderr is not buffered across it */
}

/* --- messages between the two --------------------------------------------------------------- */

static bool
say(int socket, const struct message *m, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct iovec bytes = { .iov_len = sizeof *m };
	struct msghdr h = { .msg_iov = &bytes, .msg_iovlen = 1 };

	memcpy(&bytes.iov_base, &m, sizeof m); /* only read */
	if (fd >= 0) {
		h.msg_control = control.room;
		h.msg_controllen = sizeof control.room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	return sendmsg(socket, &h, MSG_NOSIGNAL) == (ssize_t)sizeof *m;
}

/* Returns false at the end: the program's process died, or the program runs. */
static bool
hear(int socket, struct message *m, int *fd, int flags)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct iovec bytes = { m, sizeof *m };
	struct msghdr h = { .msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room };
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(socket, &h, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof *m)
		return false;
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return true;
}

/* --- the program's process ------------------------------------------------------------------ */

static _Noreturn void
give_up(int socket, enum step step, int rc, const char *why)
{
	struct message m = { .step = step, .error = -rc };

	snprintf(m.why, sizeof m.why, "%s", why);
	say(socket, &m, -1);
	_exit(EXIT_SETUP);
}

/* Tells of a step, and waits until the supervisor is ready for the next. */
static void
report(int socket, enum step step, int fd)
{
	struct message m = { .step = step };
	char go;

	if (!say(socket, &m, fd) || read(socket, &go, 1) != 1)
		_exit(EXIT_SETUP); /* the supervisor is gone, or has complained itself */
	if (fd >= 0)
		close(fd);
}

enum { AGENT_PATIENCE_MS = 5000, AGENT_STEP_MS = 20 };

/* The agent, as something that ran before the program: no child of it. */
static _Noreturn void
become_agent(const struct supervisor *s)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out = s->sb->verbose ? STDERR_FILENO : null;

	if (fork() != 0)
		_exit(0);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(EXIT_SETUP);
	setsid();
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	execv(s->sb->agent[0], s->sb->agent);
	_exit(EXIT_NOT_RUN);
}

static bool
agent_answers(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/run/assay/attest.sock" };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void
start_agent(const struct supervisor *s)
{
	const struct timespec step = { 0, AGENT_STEP_MS * 1000000L };
	pid_t first = fork();
	int waited = 0, status;

	if (first == 0)
		become_agent(s);
	while (first > 0 && waitpid(first, &status, 0) < 0 && errno == EINTR)
		continue;
	for (; waited < AGENT_PATIENCE_MS && !agent_answers(); waited += AGENT_STEP_MS)
		nanosleep(&step, NULL);
	sandbox_log(s->sb, "agent: %s %s", s->sb->agent[0],
	    waited < AGENT_PATIENCE_MS ? "answers"
				       : "does not answer; the program goes without it");
}

static _Noreturn void
become_program(const struct supervisor *s, int socket, char *const argv[])
{
	const struct sandbox *sb = s->sb;
	char why[256] = "";
	int rc;

	if (strcmp(sb->tee, "sgx") != 0) { /* which has nothing to be mounted */
		if ((rc = namespace_enter(why)) < 0 ||
		    (namespace_has_fuse(sb) && (rc = namespace_mount(why)) < 0))
			give_up(socket, STEP_FAILED, rc, why);
		if (namespace_has_fuse(sb))
			report(socket, STEP_FUSE, rc);
		if ((rc = namespace_fill(sb, why)) < 0)
			give_up(socket, STEP_FAILED, rc, why);
	}
	report(socket, STEP_READY, -1);
	if ((rc = notify_install(sb)) < 0)
		give_up(socket, STEP_FAILED, rc,
		    "this kernel has no seccomp notification that signals leave alone "
		    "(Linux 5.19), or forbids it here");
	report(socket, STEP_FILTER, rc);
	if (sb->agent != NULL)
		start_agent(s);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	execvp(argv[0], argv);
	give_up(socket, STEP_NOT_RUN, -errno, argv[0]);
}

/* --- the threads ---------------------------------------------------------------------------- */

static void *
fuse_thread(void *arg)
{
	struct supervisor *s = arg;

	fuse_server_loop(s->fuse, s->stop);
	return NULL;
}

static void *
notify_thread(void *arg)
{
	struct supervisor *s = arg;

	notify_loop(s->sb, s->listener, s->stop);
	return NULL;
}

/* Whether a process is part of what is run here: its tracer is this one. */
static bool
is_inside(pid_t pid)
{
	char path[64], line[128];
	long tracer = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = pid > 0 ? fopen(path, "re") : NULL;
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "TracerPid:", 10) == 0)
			tracer = strtol(line + 10, NULL, 10);
	if (f != NULL)
		fclose(f);
	return tracer == getpid();
}

/* A signal that a process sent to the supervisor goes on to the program. What the terminal sends
 * goes to the whole group, what the program sends to its group reaches it anyway, and a pipe that
 * the supervisor's own words broke is no matter of the program's. */
static void
pass_on(const struct supervisor *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	if (info.ssi_code <= 0 && (pid_t)info.ssi_pid != getpid() &&
	    !is_inside((pid_t)info.ssi_pid))
		syscall(SYS_pidfd_send_signal, s->pidfd, (int)info.ssi_signo, NULL, 0);
}

static void *
helper_thread(void *arg)
{
	struct supervisor *s = arg;
	struct vsock *v = s->sb->vsock;
	bool off = false;

	for (;;) {
		struct pollfd fds[] = { { .fd = s->stop, .events = POLLIN },
			{ .fd = s->signals, .events = POLLIN },
			{ .fd = v != NULL ? vsock_listener(v) : -1, .events = POLLIN },
			{ .fd = s->sb->power > 0 && !off ? s->sb->power : -1, .events = POLLIN } };

		if (poll(fds, 4, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents != 0)
			return NULL;
		if (fds[1].revents != 0)
			pass_on(s);
		if (fds[2].revents != 0)
			vsock_serve(v);
		if (fds[3].revents != 0) {
			off = true;
			syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
		}
	}
}

static bool
start_thread(struct supervisor *s, void *(*run)(void *))
{
	if (pthread_create(&s->threads[s->thread_count], NULL, run, s) != 0)
		return false;
	s->thread_count++;
	return true;
}

static void
stop_threads(struct supervisor *s)
{
	uint64_t one = 1;

	if (write(s->stop, &one, sizeof one) != (ssize_t)sizeof one)
		return;
	while (s->thread_count > 0)
		pthread_join(s->threads[--s->thread_count], NULL);
}

/* --- the supervisor ------------------------------------------------------------------------- */

static int
trouble(const char *what, int error)
{
	fprintf(stderr, "assay-sim run: %s: %s\n", what, strerror(error));
	return EXIT_SETUP;
}

/* One step of the program's process. Returns 0, or an exit status after it has complained. */
static int
follow(struct supervisor *s, const struct message *m, int fd)
{
	int rc;

	switch (m->step) {
	case STEP_FUSE:
		if ((s->fuse = fuse_server_new(s->sb, fd)) == NULL || !start_thread(s, fuse_thread))
			return trouble("the FUSE session cannot be started", EIO);
		return 0;
	case STEP_READY:
		if ((rc = trace_attach(s->child)) != 0)
			return trouble("the program cannot be traced; a debugger, an assay-sim run "
				       "around this one, or a setting such as "
				       "kernel.yama.ptrace_scope=3 forbids it",
			    -rc);
		return 0;
	case STEP_FILTER:
		s->listener = fd;
		if (!start_thread(s, notify_thread) || !start_thread(s, helper_thread))
			return trouble("no thread", EAGAIN);
		return 0;
	case STEP_NOT_RUN:
		trouble(m->why, m->error);
		return m->error == ENOENT || m->error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
	case STEP_FAILED:
		break;
	}
	return trouble(m->why, m->error);
}

/* Until all is ready for exec. From there on the process is traced, and has to be waited for: a
 * signal that it gets would stop it for ever. */
static int
lead(struct supervisor *s)
{
	struct message m = { .step = STEP_FUSE };
	int fd, rc;

	while (m.step != STEP_FILTER) {
		if (!hear(s->socket, &m, &fd, 0))
			return trouble("the program's process died", ECHILD);
		m.why[sizeof m.why - 1] = '\0';
		if ((rc = follow(s, &m, fd)) != 0)
			return rc;
		if (write(s->socket, "", 1) != 1)
			return trouble("the program's process died", errno);
	}
	return 0;
}

/* The program's status; or, if exec failed, what that is said with. */
static int
outcome(struct supervisor *s, int status)
{
	struct message m;
	int fd;

	if (hear(s->socket, &m, &fd, MSG_DONTWAIT) && m.step == STEP_NOT_RUN) {
		m.why[sizeof m.why - 1] = '\0';
		return follow(s, &m, fd);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
start(struct supervisor *s, char *const argv[])
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return trouble("socketpair", errno);
	s->child = fork();
	if (s->child == 0) {
		close(pair[0]); /* so that it learns when the supervisor dies before it attached */
		become_program(s, pair[1], argv);
	}
	int error = errno;
	close(pair[1]);
	s->socket = pair[0];
	if (s->child < 0)
		return trouble("fork", error);
	s->pidfd = (int)syscall(SYS_pidfd_open, s->child, 0);
	return s->pidfd < 0 ? trouble("pidfd_open", errno) : 0;
}

/* Signals that end or wake a program; job control stays with the terminal. */
static int
take_signals(struct supervisor *s)
{
	static const int passed[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
		SIGWINCH, SIGPIPE };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
		sigaddset(&set, passed[i]);
	if (pthread_sigmask(SIG_BLOCK, &set, &s->mask) != 0 ||
	    (s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0 ||
	    (s->stop = eventfd(0, EFD_CLOEXEC)) < 0)
		return trouble("signals", errno);
	return 0;
}

static int
open_parts(struct sandbox *sb)
{
	static const struct vsock_port qgs = { VSOCK_QGS_PORT, NULL, NULL };
	const struct vsock_port broker = { VSOCK_EVIDENCE_PORT, sb->broker, sb->cheat };
	bool sev = strncmp(sb->tee, "sev", 3) == 0 && !sb->host;
	int rc = strcmp(sb->tee, "snp") == 0 ? snp_channel_open(&sb->channel, sb->machine)
	    : strcmp(sb->tee, "tdx") == 0    ? vsock_open(&sb->vsock, sb->machine, &qgs, 1)
	    : sev ? vsock_open(&sb->vsock, sb->machine, &broker, sb->broker != NULL)
		  : 0;

	return rc != 0 ? trouble("the platform cannot be connected", -rc) : 0;
}

static void
announce(const struct sandbox *sb)
{
	if (strncmp(sb->tee, "sev", 3) == 0) {
		sandbox_log(sb, "%s: %s%s", sb->tee,
		    sb->host ? "/dev/sev, on the host's side" : "/sys/kernel/security/secrets/coco",
		    sb->broker != NULL ? ", vsock:2:5577" : "");
		return;
	}
	sandbox_log(sb, "%s: %ssystem call 0xEA01", sb->tee,
	    sb->channel != NULL     ? "/dev/sev-guest, configfs-tsm, "
		: sb->vsock != NULL ? "/dev/tdx_guest, configfs-tsm, measurements, CCEL, "
				      "vsock:2:4050, "
				    : "");
}

int
sandbox_run(struct sandbox *sb, char *const argv[])
{
	struct supervisor s = {
		.sb = sb, .socket = -1, .pidfd = -1, .stop = -1, .signals = -1, .listener = -1
	};
	int rc;

	if ((rc = open_parts(sb)) == 0 && (rc = take_signals(&s)) == 0) {
		announce(sb);
		rc = start(&s, argv);
		if (rc == 0)
			rc = lead(&s);
		if (rc != 0 && s.child > 0)
			kill(s.child, SIGKILL);
		int status = trace_run(sb, s.child);
		if (rc == 0)
			rc = outcome(&s, status);
		stop_threads(&s);
	}
	fuse_server_free(s.fuse);
	vsock_close(sb->vsock);
	snp_channel_close(sb->channel);
	const int fds[] = { s.socket, s.pidfd, s.stop, s.signals, s.listener };
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return rc;
}
